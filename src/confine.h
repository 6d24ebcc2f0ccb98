/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run gives up before it reads anybody's bytes: it is called as root from boot units, from
 * sudo and from image builders, with whatever those leave open, blocked or set.
 *
 * Everything here comes on top of the checks at the door (host.h): a mistake there then meets the
 * kernel's refusal.
 */
#ifndef BULKHEAD_CONFINE_H
#define BULKHEAD_CONFINE_H

#include "err.h"

/*
 * First of all in main(). Descriptors 0 to 2 are open afterwards (on /dev/null where they were not,
 * or on nothing that can be written) and no others; the umask is 077; signals are neither blocked
 * nor ignored but for SIGPIPE and SIGXFSZ, whose system calls then fail with an errno, and SIGHUP,
 * which nohup(1) ignores; of the environment only what is known here is left; there are no core
 * dumps, and no program run from here gains privileges (no_new_privs, prctl(2)).
 */
void confine_start(void);

/* Closes all descriptors but 0 to 2: now, or with the next execve(2). Between fork and exec, too.
 */
void confine_fds(bool on_exec);

enum confine_role {
	CONFINE_PARSE, /* reads a plan: validate, schema */
	CONFINE_READ,  /* looks at a host: diff, check, history, subids */
	CONFINE_LOOK,  /* the same on the running host, whose kernel and TCP ports are asked, too */
	CONFINE_OFFLINE, /* writes below one root, runs nothing */
	CONFINE_LIVE,	 /* writes on the running host */
};

/*
 * Gives up for good what the role doesn't need: capabilities(7), and, with a kernel that has
 * landlock(7), every write (CONFINE_OFFLINE: outside of the directory `root`, an fd), every
 * execve(2) and every TCP socket (but for CONFINE_LOOK). CONFINE_LIVE keeps the file system.
 * Without Landlock, or where a file system can't be named in its rules, the capabilities alone are
 * dropped. Returns 0; -EPERM and others of capset(2), with *e filled.
 */
int confine_role(enum confine_role role, int root, struct err *e);

#endif
