/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unified diffs of texts, as diff -u prints them.
 */
#ifndef BULKHEAD_DIFF_H
#define BULKHEAD_DIFF_H

#include "buf.h"

/* One of two texts. `shown` stands for it in what is printed, line by line: what differs in a
 * secret alone differs, and is not told. NULL: itself. */
struct diff_text {
	const char *label, *text;
	size_t len;
	const char *shown;
	size_t shown_len;
};

/*
 * Adds the unified diff of two texts to `out`, `context` lines around each hunk; nothing when they
 * are equal. Labels stand in the --- and +++ lines as given ("/dev/null" for a file that is
 * absent). Missing final newlines are marked as diff(1) does. Linear in the size for common
 * prefixes and suffixes (an append to a million lines costs one pass); Myers in between with a
 * bound on its work, past which the middle is shown as replaced whole. Bytes that are not printable
 * UTF-8 are shown as \xNN. Memory running out marks `out` failed.
 */
void diff_shown(struct buf *out, const struct diff_text *a, const struct diff_text *b, int context);

/* The same of texts that are shown as they are. */
void diff_unified(struct buf *out, const char *a, size_t alen, const char *b, size_t blen,
		  const char *label_a, const char *label_b, int context);

#endif
