/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sum in the text of a JSON object, over all of the text that stands behind it: whoever reads it
 * again knows that nothing was lost or edited in between. It is the first member, on a line of its
 * own; a text without that line is one that nobody sealed.
 */
#ifndef BULKHEAD_SEAL_H
#define BULKHEAD_SEAL_H

#include <jansson.h>

#include "util.h"

/* `text`: an object of one member at least, as json_text() writes it with JSON_INDENT(1). NULL: out
 * of memory. */
char *seal_put(const char *text);

/* Is a text (NUL-terminated) as it was sealed, or not sealed at all? `o`: what it was parsed to, or
 * NULL when it is not JSON. */
bool seal_holds(const char *text, const json_t *o);

#endif
