/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program with one thing going wrong at one of its system calls.
 *
 * The calls are numbered from 1, beginning with the program's own entry: what the dynamic loader
 * does doesn't count. Only those that can be chosen stop the program (a seccomp filter picks them),
 * and none once the fault is done: a run is several times as fast as under a tracer that sees all.
 */
#ifndef BULKHEAD_FAULT_H
#define BULKHEAD_FAULT_H

#include <limits.h>

#include "tracer.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_KILL,  /* SIGKILL just before the call is carried out */
	FAULT_FAIL,  /* it isn't carried out, and returns -num */
	FAULT_STUCK, /* so do all that follow; of those that change the disk */
	FAULT_SHORT, /* a write is given half of its bytes */
};

struct fault {
	enum fault_kind kind;
	bool durable; /* only calls that change the disk are counted, and stop the program */
	unsigned long n;
	int num;
};

struct fault_call {
	const char *name;
	bool durable; /* it changes the disk */
};

struct outcome {
	int code;		  /* exit code; 128 + signal */
	bool late;		  /* it did not end in time, and was killed */
	struct fault_call *calls; /* those that were counted, up to the fault */
	size_t n;
	char at[PATH_MAX + 64]; /* the call of the fault, with its path */
};

#define FAULT_SECONDS 60

/* Its output and errors go to `out`. Children of the program run as they are. Free `calls`. */
void fault_run(char *const *argv, int out, const struct fault *f, struct outcome *ret);

#endif
