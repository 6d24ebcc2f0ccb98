/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON documents that belong to others: jansson judges them, this edits single members and keeps
 * every other byte.
 */
#ifndef BULKHEAD_JSON_H
#define BULKHEAD_JSON_H

#include <jansson.h>

#include "err.h"

DEFINE_CLEANUP(json_t, json_decref);
#define _cleanup_json_ _cleanup_(json_decref_cleanup)

/* json_loadb(3) that can be trusted when memory runs out: 0, -EINVAL with *je, -ENOMEM. */
int json_load(const char *text, size_t len, size_t flags, json_t **ret, json_error_t *je);

/* json_copy(3) and json_deep_copy(3), likewise: all of it, or NULL. */
json_t *json_clone(const json_t *value, bool deep);

/* json_dumps(3), likewise. */
char *json_text(const json_t *value, size_t flags);

/*
 * Parses a JSON document whose top is an object. Refuses, with "line:column: ..." in *e and
 * -EINVAL: broken JSON, duplicate keys (at any level), a byte-order mark, invalid UTF-8, trailing
 * garbage, nesting deeper than JSON_DEPTH_MAX, a top that is not an object. An empty file (or one
 * of blanks only) is an empty object. Lines and columns count from 1, columns in characters.
 */
#define JSON_DEPTH_MAX 64
int json_parse_object(const char *text, size_t len, json_t **ret, struct err *e);

/*
 * Sets (value not NULL: added or replaced) or removes (json_null()) members of the top object;
 * `edits` is an object of name -> value. Bytes outside the members that change stay as they are:
 * layout, order, escapes, number spellings, the final newline or its absence. A member whose value
 * is already equal is not touched.
 *
 * New members go to the end, in the order of `edits`, with the separators and the indentation of
 * those that are there. An array of scalars takes one line while it is short, other arrays and
 * objects a line for each item, a document without line breaks gets none; a replaced array or
 * object keeps the form it had. A document without members gets one on each line, indented by two
 * spaces. A removed member takes its line along when it has it for itself.
 *
 * Editing twice is editing once. Setting members that are new and then removing them gives back the
 * same bytes, unless the document was empty and something other than "{}". The result is parsed
 * again and is equal to the document with the edits applied.
 */
int json_edit_object(const char *text, size_t len, json_t *edits, char **ret, size_t *ret_len,
		     struct err *e);

/* A JSON string of any bytes: what is no UTF-8 is shown as \xNN. NULL gives null; NULL is returned
 * when memory ran out. */
json_t *json_string_any(const char *text);

#endif
