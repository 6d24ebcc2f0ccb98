/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: a node of a plan becomes JSON by its row in a settings table, or mistakes are told.
 */
#ifndef BULKHEAD_VALUE_H
#define BULKHEAD_VALUE_H

#include "field.h"
#include "node.h"

/*
 * Parses a node by a row; `name` is what errors call it (NULL: a section, whose settings go by
 * their own names). Every mistake goes to `errs` and sets *clean to false; what could be read is
 * returned all the same (collections without their bad entries), NULL when that is nothing.
 * Defaults are not filled in. What the node shadows is checked, too. Memory running out sets
 * errs->failed.
 */
json_t *value_parse(const struct field *f, const struct node *n, const char *name,
		    struct errs *errs, bool *clean);

/* The default of a setting as a new value; *ret is NULL when it has none. -EINVAL: the row refuses
 * its own default. */
int value_default(const struct field *f, json_t **ret, struct err *e);

/* Fills the defaults of a value's settings in, at every level. -EINVAL: a default that its own row
 * refuses. */
int value_fill(const struct field *f, json_t *value, struct err *e);

#endif
