/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the values of a plan come from: what its files came to once they were merged, each value
 * with the file that says so and those that it took the place of.
 */
#ifndef BULKHEAD_RESOLVED_H
#define BULKHEAD_RESOLVED_H

#include <jansson.h>

#include "node.h"

/*
 * Adds what stands at and below `n`, whose value is `value`, to the array `out`: objects of `path`
 * (names, outermost first), `value`, `removed` (a null took out what another file says), `where`,
 * and `over` (the positions of what it replaced, nearest first). `name` is the first of the path.
 */
int resolved_add(json_t *out, const char *name, struct node *n, json_t *value,
		 struct node_pool *pool, struct err *e);

/* The same as text: a plan of one file that means the same, with the positions behind each line.
 * NULL: out of memory. */
char *resolved_text(const json_t *resolved);

#endif
