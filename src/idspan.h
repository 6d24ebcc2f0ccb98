/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many spans of 32-bit ids, sorted in linear time: a subuid file may have a million lines.
 */
#ifndef BULKHEAD_IDSPAN_H
#define BULKHEAD_IDSPAN_H

#include "err.h"

struct idspan {
	uint32_t first, last;
	uint32_t tag; /* the caller's: a line, an account */
};

struct idspans {
	struct idspan *list;
	size_t n, cap;
};

int idspans_add(struct idspans *s, uint32_t first, uint32_t last, uint32_t tag, struct err *e);
/* By first id; equals keep their order. */
int idspans_sort(struct idspans *s, struct err *e);

/* The lines of one file (see idmap.h) as spans, the tag a line's place in the map; a line that its
 * readers read differently gives two. In the order of idspan_compare. */
struct idmap;
int idspans_of(const struct idmap *m, int file, struct idspans *s, struct err *e);
/* By first id, then last id, then owner: lets two files be compared like sorted lists. */
int idspan_compare(const struct idmap *m, const struct idspan *x, const struct idspan *y);

/* One owner's range, in either file or in both. */
struct subid_line;
struct idrow {
	uint32_t first, last;
	const struct subid_line *in[2];
};

struct idrows {
	struct idrow *list; /* free() */
	size_t n;
	uint32_t longest; /* of the owners' names as shown */
};

/* Both files side by side, in the order of ids. */
int idrows_of(const struct idmap *m, const struct idspans s[2], struct idrows *ret, struct err *e);

void idspans_done(struct idspans *s);
#define _cleanup_idspans_ _cleanup_(idspans_done)

#endif
