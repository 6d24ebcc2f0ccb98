/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things stand in a JSON text: what jansson does not tell, for messages with a position and
 * for edits in place. The rest of json.c's work; nobody else needs it.
 */
#ifndef BULKHEAD_JSON_SCAN_H
#define BULKHEAD_JSON_SCAN_H

#include "json.h"

/* A member of the top object, as offsets into the text. */
struct json_member {
	json_t *key;
	size_t start, key_end; /* its name with the quotes */
	size_t value, end;
};

/* A walk over the text by the grammar of RFC 8259. Set text, len and e, and what to look for. */
struct json_scan {
	const char *text;
	size_t len;
	bool find_duplicates;
	bool collect; /* the members of the top object */
	struct err *e;

	struct json_member *members;
	size_t n, cap;
	size_t open, close; /* the braces of the top object */
	size_t pos;
	unsigned int depth;
};

void json_scan_done(struct json_scan *s);

/*
 * Walks over the whole document, whose top must be an object. -EINVAL with the position: broken
 * JSON, too deep nesting, and with find_duplicates the second of two equal names. UTF-8, surrogates
 * and the size of numbers are left to jansson.
 */
int json_scan_document(struct json_scan *s);

/* Fails with "line:column: ..." for the byte at an offset. */
int json_scan_fail(const struct json_scan *s, size_t at, const char *fmt, ...) PRINTF(3, 4);

static inline bool json_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

#endif
