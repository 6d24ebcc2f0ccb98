/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a transaction does to units: noted before, run, watched, taken back. Works on the unit
 * records of a journal; transaction.c decides when. On a host that isn't live all of it is nothing,
 * and succeeds. On one that is booting (host_set_booting()) nothing is waited for but the manager's
 * reload: what is down reads its files when it starts (a unit that is made now is queued), and what
 * runs already on what is being undone is told, -EBUSY.
 */
#ifndef BULKHEAD_UNITRECORD_H
#define BULKHEAD_UNITRECORD_H

#include "journal.h"

/*
 * Notes what the units run as before anything is touched: recovery restarts only what runs on what
 * is undone. -ENOENT, -ERFKILL, -EINVAL: one that is to be run can't be (units_usable()).
 */
int unitrecord_note(const struct host *h, struct journal *j, struct err *e);

/*
 * Stops, before any file is touched, what is asked to be stopped: its unit file may be about to go,
 * and with it what it does at its end. 1: there was some.
 */
int unitrecord_stop(const struct host *h, const struct journal *j, const struct progress *p,
		    struct err *e);

/*
 * The same on the way back, for units whose files `j` had made. What can't be stopped is seen, and
 * told, by what looks at units when the files are back.
 */
void unitrecord_stop_made(const struct host *h, const struct journal *j, const struct progress *p);

/* The manager's reload, if it is asked for, then the units' actions; notes what runs afterwards. */
int unitrecord_run(const struct host *h, struct journal *j, const struct progress *p,
		   struct err *e);

/* Watches those that unitrecord_run() (re)started, until j->watch seconds after `since`
 * (CLOCK_MONOTONIC, microseconds; 0: now). 1: there were some. */
int unitrecord_watch(const struct host *h, const struct journal *j, uint64_t since,
		     const struct progress *p, struct err *e);

/* Gives the units of an undone apply the state they had; its files are back already. What could not
 * be is added to `failed`, with the commands to type. */
int unitrecord_undo(const struct host *h, struct journal *j, const struct progress *p,
		    struct errs *failed, struct err *e);

/* What undone transactions, newest first, ask of units now: the strongest of each unit goes to the
 * records of the rollback `j`. */
int unitrecord_ask_back(const struct host *h, const struct journal *list, size_t n, bool no_restart,
			struct journal *j, struct err *e);

/* Runs and watches the units of a rollback, and stops those that only the transaction had started.
 */
int unitrecord_run_back(const struct host *h, struct journal *j, const struct progress *p,
			struct errs *failed, struct err *e);

#endif
