/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a unit said before it failed: the systemd journal, cut down to the lines that a person
 * needs. (journal.c is the transaction's own and has nothing to do with this one.)
 */
#ifndef BULKHEAD_UNITLOG_H
#define BULKHEAD_UNITLOG_H

#include "buf.h"
#include "err.h"

#define UNITLOG_LINES_MAX 20
#define UNITLOG_LINE_MAX  400 /* bytes of a line that are shown */

struct unitlog_query {
	const char *unit;
	const char *invocation; /* only this one; NULL: all of this boot since `since` */
	const char *past;	/* not this one (the daemon that went before); NULL or "": none */
	uint64_t since;		/* CLOCK_MONOTONIC, microseconds */
	unsigned lines;		/* at most UNITLOG_LINES_MAX */
};

/*
 * The lines that tell why, oldest first, each ended by a newline: the unit's own words, or
 * systemd's about it when it said nothing. Lines come late to the journal, so an empty answer takes
 * up to a second. "" when there are none or the journal can't be read. `lib` is libsystemd as
 * dlopen gave it. -ENOMEM, -EINVAL, -EOPNOTSUPP.
 */
int unitlog_read(void *lib, const struct unitlog_query *q, char **ret, struct err *e);

/* For a message of a daemon: does it tell of an error? `priority` is syslog's. */
bool unitlog_is_error(const char *msg, size_t len, int priority);

/*
 * Adds a message without what the journal knows anyway (time, level), the rest of logfmt unquoted;
 * control characters and bytes that are not UTF-8 as \xNN, nothing past UNITLOG_LINE_MAX.
 */
void unitlog_clean(struct buf *out, const char *msg, size_t len);

#endif
