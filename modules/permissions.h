/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the permissions module asks of one path: where it leads, and whether it lets in more than it
 * may.
 */
#ifndef BULKHEAD_PERMISSIONS_H
#define BULKHEAD_PERMISSIONS_H

#include "../src/host.h"

/* The most that a path may allow. */
struct allowed {
	uid_t uid;
	gid_t gid, other_gid;	/* either is fine; the first is given */
	bool any_group;		/* whose group the engine chooses */
	mode_t file, dir, sock; /* 0: it can't be one */
};

enum verdict {
	VERDICT_FINE,	/* as allowed, or tighter */
	VERDICT_LOOSE,	/* it has to be tightened, and can be */
	VERDICT_STUCK,	/* it has to be, and can't be: `why` */
	VERDICT_ABSENT, /* nothing is there */
	VERDICT_ODD,	/* it is nothing that this could be said of: `why` */
};

struct judged {
	enum verdict verdict;
	char *path;	/* without symbolic links */
	struct stat st; /* as it is */
	bool acl;	/* an ACL is part of what it allows */
	mode_t mode;	/* as it has to be */
	gid_t gid;
	char why[400];
};

void judged_done(struct judged *j);
#define _cleanup_judged_ _cleanup_(judged_done)

/*
 * Looks at a path (overlay included), symbolic links followed inside the root. Never fails for what
 * stands there; errors are the host's (-EIO, -ENOMEM).
 */
int permissions_judge(const struct host *h, const char *path, const struct allowed *a,
		      struct judged *ret, struct err *e);

#endif
