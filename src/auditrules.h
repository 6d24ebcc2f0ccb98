/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running kernel's audit watches: its rules and whether they are frozen, asked over
 * netlink as auditctl(8) does, so that a look needs no program run. Rests on linux/audit.h and the
 * kernel's kernel/audit.c, kernel/auditfilter.c.
 */
#ifndef BULKHEAD_AUDITRULES_H
#define BULKHEAD_AUDITRULES_H

#include "host.h"

#define AUDITRULES_READ	 1U
#define AUDITRULES_WRITE 2U
#define AUDITRULES_EXEC	 4U
#define AUDITRULES_ATTR	 8U
#define AUDITRULES_ALL	 15U

/* A rule that watches a path ("-w", "-F path=", "-F dir="). */
struct audit_watch {
	char *path;
	unsigned perms; /* AUDITRULES_*; a rule that names none watches all */
	char *key;	/* or NULL */
};

struct audit_state {
	bool on;     /* records are made */
	bool frozen; /* nothing can be changed until the next boot (-e 2) */
	struct audit_watch *list;
	size_t n;
};

/*
 * -EOPNOTSUPP: the host isn't live, or this kernel or container has no audit to ask; -EPERM: it may
 * not be asked from here; -ETIMEDOUT, -EPROTO.
 */
int auditrules_load(const struct host *h, struct audit_state *ret, struct err *e);
void auditrules_done(struct audit_state *s);
#define _cleanup_auditrules_ _cleanup_(auditrules_done)

/* One rule as the kernel sends it (struct audit_rule_data). 1: a watch, *ret is filled; 0: another
 * rule, or one that is cut short. */
int auditrules_parse(const void *data, size_t len, struct audit_watch *ret, struct err *e);

/* Does a rule watch `path` for all of `perms`? With `key`, one of that key. */
bool auditrules_has(const struct audit_state *s, const char *path, unsigned perms, const char *key);

#endif
