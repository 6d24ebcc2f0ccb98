/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing byte buffer. Starts as BUF_INIT; `data` is always NUL-terminated once anything was
 * added.
 *
 * Adding never returns an error: when memory runs out the buffer is marked failed, further
 * additions do nothing, and whoever takes the result looks once (buf_take, or the flag). That keeps
 * code that builds texts readable.
 */
#ifndef BULKHEAD_BUF_H
#define BULKHEAD_BUF_H

#include <stdarg.h>

#include "util.h"

struct buf {
	char *data;
	size_t len, cap;
	bool failed;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

void buf_done(struct buf *b);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);

/*
 * Text that comes from a host, for a terminal or another reader of UTF-8: control characters, those
 * that turn the order of the line or end it for some, and bytes that are no UTF-8, are added as
 * \xNN; a newline as `newline`, or as \x0a when that is NULL.
 */
void buf_add_shown(struct buf *b, const char *text, const char *newline);

/* A word of a command that a person is to type: in quotes where the shell would read it otherwise.
 */
void buf_add_word(struct buf *b, const char *word);
/* Words of a command, with one more behind `before`. NULL: out of memory. */
char *buf_words(const char *words, const char *before, const char *word);

/* Makes room for `len` more bytes so that the next additions don't move the data. */
void buf_reserve(struct buf *b, size_t len);

/* Hands over the bytes ("" when nothing was added) and leaves the buffer empty. NULL when memory
 * ran out. */
char *buf_take(struct buf *b, size_t *ret_len);

#define _cleanup_buf_ _cleanup_(buf_done)

#endif
