/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking the steps of a journal back. Every step can be taken back from wherever it stopped, and
 * taking it back twice is taking it back once: recovery after a kill in the middle of an undo is
 * the same undo again.
 */
#ifndef BULKHEAD_UNDO_H
#define BULKHEAD_UNDO_H

#include "journal.h"

/* Where the host stands with a step. */
enum undo_where {
	UNDO_BEFORE,	/* as before the step, or nothing of ours is left in it */
	UNDO_AFTER,	/* as the step left it */
	UNDO_ELSEWHERE, /* somebody edited it since */
};

/* What stands at a step's path, as far as taking it back has to know: attributes are taken back
 * without a look at the content. */
int undo_look(const struct host *h, const struct step *s, struct image *ret, struct err *e);

/* `now` is what undo_look() found. */
enum undo_where undo_where(const struct step *s, const struct image *now);

/* A value of a kernel that doesn't run here: there is nothing to take back. */
bool undo_is_elsewhere(const struct host *h, const struct step *s);

/* What keeps a step from being taken back, even by force, as words to put behind the path; or NULL.
 */
const char *undo_obstacle(const struct step *s, const struct image *now);

/* For a step of lines: `now` without ours, and with those that they took the place of; with `force`
 * also where somebody edited them, if that can be told (undo_unclear). -ENOMEM. */
int undo_lines_of(const struct step *s, const struct image *now, bool force, struct image *ret,
		  struct err *e);

/*
 * For a step of lines: the first of ours that somebody edited where others of its name stand, so
 * that not even force may take one out. False: there is none. *e says it, with words to put behind
 * the path.
 */
bool undo_unclear(const struct step *s, const struct image *now, struct err *e);

struct undo {
	struct journal *j;	 /* whose steps are taken back */
	struct journal *pending; /* which notes how far that came; NULL: none does */
	bool force;
};

/*
 * Takes one step back. With `force` what somebody edited is overwritten by the before-image;
 * without, -ESTALE and the file untouched. -EINVAL: an obstacle. *ret_changed: something was
 * written. Databases have to be locked by the caller. Returns 0 when it is back, or was never done;
 * 1 when that can't be told: nothing of it stands there now, or a directory has somebody's files.
 */
int undo_step(const struct host *h, struct step *s, const struct undo *u, bool *ret_changed,
	      struct err *e);

/*
 * Takes all steps back, last first, going on past those that fail: each failure is added to
 * `failed` (where: the path). Locks the databases when they are needed. Returns 0, or the first
 * error.
 *
 * What is back, or was never done, is not ours any more: somebody may edit it before the rest is
 * taken back. That is noted in the steps and in `pending`, the journal under way (`j` itself, or
 * the rollback that undoes it; NULL: noted nowhere), before the temporary files that tell it are
 * removed.
 */
int undo_steps(const struct host *h, struct journal *j, struct journal *pending, bool force,
	       struct errs *failed, struct err *e);

#endif
