/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bulkhead init`: a plan out of a host as it is. What stands in it changes nothing; what the
 * baseline would add, and what would write files of our own, stands behind a #.
 *
 * That is not believed but tried: every setting that a module names (survey.h) is put into a plan,
 * and the plan is compared with the host as `diff` does it. Nothing is written.
 */
#ifndef BULKHEAD_INIT_H
#define BULKHEAD_INIT_H

#include "module.h"
#include "report.h"

enum init_place {
	INIT_STANDS, /* the host is so, and a plan with it changes nothing */
	INIT_BEHIND, /* behind a #: valid, and something to do */
	INIT_TOLD,   /* in words only */
};

struct init_item {
	const struct module *module;
	const char *setting;	 /* NULL: only the remark */
	const json_t *value;	 /* NULL: only the remark */
	const char *remark;	 /* of the module's, or NULL */
	const json_t *otherwise; /* what the baseline has in its place, or NULL */
	bool adds;		 /* the baseline has it, the host has not */
	bool hidden;		 /* there are credentials in it */
	enum init_place place;
	char *why; /* behind a #, or told: the reason; or NULL */
};

/*
 * The plan as text. `*ret_code` is the exit code of a failure: EXIT_FAILED, or EXIT_STUCK when an
 * interrupted run waits. -EEXIST: a plan of ours was applied already, and what it set would be
 * taken for the host's own.
 */
int init_plan(struct host *h, char **ret, enum exit_code *ret_code, struct err *e);

/* The text of it; of the items of a module, those of INIT_STANDS first. NULL: out of memory. */
char *init_text(const struct init_item *list, size_t n);

/* Only what counts: what stands, and with `behind` also what is behind a #. */
char *init_trial(const struct init_item *list, size_t n, bool behind);

#endif
