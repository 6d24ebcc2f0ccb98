/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a negative errno as the return value, and a text for the person at the terminal in the
 * caller's struct err.
 *
 * A struct err lives on the caller's stack and needs no memory of its own, so that "out of memory"
 * can be told as well. It is filled where the error happens, its context is put in front on the way
 * up, and it is printed once, by main.c.
 */
#ifndef BULKHEAD_ERR_H
#define BULKHEAD_ERR_H

#include "util.h"

struct err {
	int code;	 /* negative errno, 0 when nothing failed */
	char text[3800]; /* one line or several, no final newline; cut with "..." when longer */
};

/* Fills *e and returns `code` (made negative), so that a caller says `return err_set(e, EINVAL,
 * "...")`. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF(3, 4);

/* As err_set, with ": " and the system's text for `errnum` at the end. */
int err_sys(struct err *e, int errnum, const char *fmt, ...) PRINTF(3, 4);

/* Puts a context and ": " in front of a filled error. Returns its code. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Adds text at the end of a filled error (a hint on a line of its own, say). Returns its code. */
int err_append(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Out of memory. Returns -ENOMEM. */
int err_oom(struct err *e);

/* A list of mistakes in input, each with a position; kept in the order found, bounded. */
struct mistake {
	char *where; /* "file:line:column", or NULL */
	char *text;
};

struct errs {
	struct mistake *list;
	size_t n;
	size_t more; /* how many were not kept because the list was full */
	bool failed; /* out of memory while adding: the list is not complete */
};

#define ERRS_MAX 200

void errs_done(struct errs *es);

/* All of them, which are another owner's from then on. */
static inline struct errs errs_take(struct errs *es)
{
	struct errs taken = *es;

	*es = (struct errs){ 0 };
	return taken;
}

/* Adds a mistake. `where` may be NULL. Never fails loudly: out of memory sets es->failed. */
void errs_add(struct errs *es, const char *where, const char *fmt, ...) PRINTF(3, 4);

static inline bool errs_any(const struct errs *es)
{
	return es->n || es->failed;
}

#endif
