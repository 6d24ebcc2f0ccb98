/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One plan, one transaction: prepared, committed, verified, and only then history. Whatever stops
 * it in between is taken back, by itself or by the next run.
 *
 * Order of calls: transaction_begin (the run's lock, and the databases' when they are needed), the
 * caller diffs again under them, transaction_prepare, transaction_commit, then the caller verifies,
 * then transaction_watch and transaction_finish; on any failure transaction_undo. transaction_end
 * releases everything, always.
 */
#ifndef BULKHEAD_TRANSACTION_H
#define BULKHEAD_TRANSACTION_H

#include "accounts.h"
#include "journal.h"

struct transaction {
	struct host *h;
	const struct progress *progress;
	int lock;
	struct account_locks *databases;
	bool begun;    /* the journal is on disk: there is something to undo */
	bool unsolved; /* an undo could not put everything back */
	struct journal journal;
	uint64_t settled; /* CLOCK_MONOTONIC in microseconds: the units were up */
};

/*
 * Takes the run's lock (-EBUSY: another run holds it) and cleans up database locks that a killed
 * run left. An interrupted run has to have been recovered: -EUCLEAN when there is one.
 */
int transaction_begin(struct transaction *t, struct host *h, const struct progress *p,
		      struct err *e);

/* Locks the account databases, for at most a few seconds until transaction_commit gives them back.
 */
int transaction_lock_databases(struct transaction *t, struct err *e);

/* Writes the journal and stages every file beside its target. `plan` is its path, for the history.
 */
int transaction_prepare(struct transaction *t, const struct changes *c, const char *plan,
			struct err *e);

/* Databases, unlock, tests of staged files, files, units. -ESTALE: somebody edited a file since it
 * was read. */
int transaction_commit(struct transaction *t, const struct changes *c, struct err *e);

/*
 * Watches the units that were (re)started for the rest of service.watch. 1: they stayed up; 0:
 * there were none to watch; -EIO: one died.
 */
int transaction_watch(struct transaction *t, struct err *e);

/* It is history now. */
int transaction_finish(struct transaction *t, struct err *e);

/*
 * Puts back what was done: files, then the units that run on what is undone. What can't be put back
 * is added to `failed`; the journal then stays for `recover`. 0 when all is as before.
 */
int transaction_undo(struct transaction *t, struct errs *failed, struct err *e);

void transaction_end(struct transaction *t);

/*
 * Recovers an interrupted run: an apply is taken back, a rollback is carried to its end. `force`
 * overwrites what somebody edited meanwhile. 1: something was recovered (*ret has what); 0: nothing
 * was left. Negative: `failed` says what could not be put back; it can be tried again.
 * *ret_between: something waited to be put back when this began, and no other run is at it.
 */
int transaction_recover(struct host *h, bool force, const struct progress *p, struct journal *ret,
			bool *ret_between, struct errs *failed, struct err *e);

/*
 * Undoes the newest standing transaction, or all from the newest down to `id` (0: only the newest).
 * Everything is looked at first: when a file is not what the transaction left and not `force`,
 * nothing is touched, -ESTALE, and `failed` names each. -ENOENT: nothing is left to undo, or no
 * such id. `no_restart` leaves units alone; else `guard` (may be NULL) looks at the transactions,
 * newest first, and what it adds stops an undoing without `force`, too: -EBUSY. *ret_between, when
 * it fails: it had begun, or what another run left waits to be put back.
 */
typedef int transaction_guard(const struct host *h, const struct journal *undone, size_t n,
			      struct errs *failed, struct err *e);
int transaction_rollback(struct host *h, unsigned id, bool force, bool no_restart,
			 transaction_guard *guard, const struct progress *p, struct journal *ret,
			 bool *ret_between, struct errs *failed, struct err *e);

#endif
