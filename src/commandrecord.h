/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of a transaction (struct change_command): run, and taken back. Works on the command
 * records of a journal; transaction.c decides when.
 */
#ifndef BULKHEAD_COMMANDRECORD_H
#define BULKHEAD_COMMANDRECORD_H

#include "journal.h"

/* Runs them in their order, up to the first that fails: *e quotes what it said. */
int commandrecord_run(struct journal *j, struct err *e);

/*
 * Takes back those that may have been run, last first, going on past those that fail: each failure
 * is added to `failed` with what to type. One that failed, and is its own way back (a loader),
 * fails for reasons that were there before us when it fails again. -EOPNOTSUPP on a host that isn't
 * live: they act on the one that runs.
 */
int commandrecord_undo(const struct host *h, const struct journal *j, struct errs *failed,
		       struct err *e);

/*
 * What undone transactions, newest first, take to be taken back goes to the records of the rollback
 * `j`, each command once. On a host that isn't live nothing does, and `failed` says so.
 */
int commandrecord_ask_back(const struct host *h, const struct journal *list, size_t n,
			   struct journal *j, struct errs *failed, struct err *e);

/* Runs what a rollback asks for, going on past failures as commandrecord_undo() does. */
int commandrecord_run_back(const struct host *h, const struct journal *j, struct errs *failed,
			   struct err *e);

#endif
