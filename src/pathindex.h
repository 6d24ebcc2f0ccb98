/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a list a path stands, without looking through the list: a volume may bring as many
 * changes as it has files.
 */
#ifndef BULKHEAD_PATHINDEX_H
#define BULKHEAD_PATHINDEX_H

#include "err.h"

/* Starts zeroed. Paths are borrowed. */
struct pathindex {
	struct pathindex_slot {
		const char *path; /* NULL: free */
		size_t at;
	} * slots;
	size_t n, cap;
};

void pathindex_done(struct pathindex *x);

/* Notes that `path` stands at `at`, in place of what was noted for it. -ENOMEM. */
int pathindex_add(struct pathindex *x, const char *path, size_t at, struct err *e);

/* Where it stands; false: nowhere. */
bool pathindex_find(const struct pathindex *x, const char *path, size_t *ret_at);

#endif
