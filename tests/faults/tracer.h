/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program under ptrace(2) and shows each of its system calls to the caller, before and after
 * the kernel carries it out. What the tests of faults, power loss and races share.
 */
#ifndef BULKHEAD_TRACER_H
#define BULKHEAD_TRACER_H

#include <sys/types.h>
#include <sys/user.h>

#include "../../src/util.h"

#define TRACER_TROUBLE 125 /* exit code for trouble of our own */

struct tracer_call {
	long nr;
	const char *name;
	bool durable; /* changes a disk: create, write, fsync, rename, link, unlink, chown, chmod...
		       */
};

/* All that there are. */
const struct tracer_call *tracer_calls(size_t *ret_n);

/*
 * The call that the registers are about to make: NULL when it is none of the files', descriptors'
 * or memory's; with `durable`, NULL too for what changes no disk. Writes to standard output and
 * error are the report's and never count.
 */
const struct tracer_call *tracer_call_of(pid_t pid, const struct user_regs_struct *r, bool durable);

enum tracer_verdict {
	TRACER_GO_ON, /* with the registers as they are now: they may have been changed */
	TRACER_KILL,  /* SIGKILL, and the call is not carried out */
	TRACER_FAIL,  /* the call is not carried out and returns `r->rax`, set by the hook */
};

struct tracer_hooks {
	enum tracer_verdict (*before)(pid_t pid, struct user_regs_struct *r, void *arg);
	void (*after)(pid_t pid, const struct user_regs_struct *r, void *arg); /* may be NULL */
};

/*
 * Runs argv to its end. Returns its exit code, 128 + signal when it was killed, TRACER_TROUBLE.
 * Children of the program run untraced; signals that reach it are passed on.
 */
int tracer_run(char *const *argv, const struct tracer_hooks *hooks, void *arg);

/* Memory of the stopped program: -errno, or how many bytes were there. */
ssize_t tracer_read(pid_t pid, unsigned long long addr, void *buf, size_t len);

/* A string of at most `size` - 1 bytes; -errno. */
int tracer_string(pid_t pid, unsigned long long addr, char *buf, size_t size);

#endif
