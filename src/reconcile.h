/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands do between a plan and a report: ask the modules, run the transaction, verify.
 * Prints nothing; fills a struct report.
 */
#ifndef BULKHEAD_RECONCILE_H
#define BULKHEAD_RECONCILE_H

#include "module.h"
#include "report.h"
#include "units.h"

/* Options that matter below main.c. */
struct reconcile_options {
	bool no_restart;
	bool no_start; /* leave a daemon that is down as it is */
	bool force;    /* rollback, recover */
	const char *plan_path;
	const struct progress *progress;
	/* Called by apply when it is clear what will be done, before anything is: what a person has
	 * to know first. May be NULL. */
	void (*before)(void *arg, const struct report *r);
	void *arg;
};

/*
 * Each fills the report, its exit code included, and never fails in another way: errors are in the
 * report.
 */
void reconcile_apply(struct host *h, const struct plan *p, const struct reconcile_options *o,
		     struct report *r);
void reconcile_diff(struct host *h, const struct plan *p, const struct reconcile_options *o,
		    struct report *r);
void reconcile_check(struct host *h, const struct plan *p, const struct reconcile_options *o,
		     struct report *r);
/*
 * The transaction of this boot that was applied while Docker was down, if it is the newest that
 * stands: it was proved by nothing. 0: there is none, or the boot is RECONCILE_YOUNG seconds old:
 * what Docker has run on for so long is not taken back because it fails for another reason.
 */
#define RECONCILE_YOUNG 600
int reconcile_unproved(const struct host *h, unsigned *ret, struct err *e);

void reconcile_rollback(struct host *h, unsigned id, const struct reconcile_options *o,
			struct report *r);
void reconcile_recover(struct host *h, const struct reconcile_options *o, struct report *r);

#endif
