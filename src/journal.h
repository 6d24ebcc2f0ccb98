/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of the transaction under way, and the history of those that are done; both below
 * /var/lib/bulkhead of that root, readable by root alone.
 *
 *   lock             an open file description lock (fcntl(2)) is held on it by the run that writes
 *   pending/         the transaction under way: journal.json, before-N, after-N (contents of files,
 * by number of the step) history/000007/  the same, once it is done
 *
 * pending appears whole by a rename, and becomes history by a rename: that is the commit. Lines of
 * shared databases are recorded as lines, never the whole database, so that nobody else's password
 * hash is copied.
 */
#ifndef BULKHEAD_JOURNAL_H
#define BULKHEAD_JOURNAL_H

#include <jansson.h>

#include "change.h"
#include "sha256.h"
#include "units.h"

#define JOURNAL_DIR "/var/lib/bulkhead"

enum phase {
	PHASE_PREPARED, /* nothing but databases may have changed */
	PHASE_FILES,	/* files may have changed */
	PHASE_COMMANDS, /* commands may have been run */
	PHASE_UNITS,	/* units may have been touched */
};

/* What tells whether the content of an image that is kept in a file is still what was put there.
 * No sum: a version that noted none wrote it. */
struct kept {
	size_t len;
	char sha256[SHA256_TEXT];
};

/* One step: a change as it is recorded. */
struct step {
	enum change_kind kind;
	char *path;
	char *tmp; /* the temporary name beside it; none for directories and attributes */
	struct image before, after;
	struct kept before_kept, after_kept;
	struct line *lines; /* LINES: ours */
	size_t n_lines;
	bool newline;			/* LINES: the file had no final newline, we added it */
	size_t was_len;			/* LINES: how long the file was */
	uint64_t before_sum, after_sum; /* LINES: of the contents, which are not recorded */
	uint64_t found_sum, back_sum;	/* LINES: of what an undo found, and what it put there */
	bool no_links;	/* ATTRS: as in struct change; `before` knows the inode then */
	bool untouched; /* there is nothing to take back: it was not done yet, or it is back */
	json_t *why;	/* [{module, setting, cis, text}] */
};

struct command_record {
	char **argv,
		**back; /* as in struct change_command; of a rollback: what it runs, and NULL */
	bool failed;	/* in this process: it was run, and failed */
	json_t *why;
};
void command_record_done(struct command_record *c);

struct unit_record {
	char *unit;
	enum unit_action action, back;
	bool pending; /* policy put it off: recorded, since somebody else may restart the unit in
			 between */
	char before[33], after[33]; /* InvocationIDs */
	char active[24];	    /* ActiveState before */
	json_t *why;
};

struct journal {
	unsigned id;
	bool rollback;	  /* a rollback: no steps of its own, `undoes` names those it takes back */
	unsigned *undoes; /* newest first */
	unsigned *undone; /* of these, what is already taken back (progress of a rollback under way)
			   */
	size_t n_undoes, n_undone;
	bool force;
	enum phase phase;
	uint64_t time_us; /* realtime */
	uint32_t pid;
	char boot_id[33]; /* "" offline */
	char *plan;	  /* its path as given, or NULL */
	bool manager_reload;
	int timeout, watch; /* as in struct changes */
	bool restored; /* its files are back, only units are not: `after` has the invocations that
			  may still run on what was undone */
	struct step *steps;
	size_t n_steps;
	struct command_record *commands;
	size_t n_commands;
	struct unit_record *units;
	size_t n_units;
	json_t *state;	  /* what the modules want to know next time */
	json_t *progress; /* journal_progress() of the one whose steps are being taken back */
};

void journal_done(struct journal *j);
#define _cleanup_journal_ _cleanup_(journal_done)

/* Steps and state out of changes; units are the caller's to fill in. */
int journal_from_changes(const struct changes *c, struct journal *ret, struct err *e);

/* A command more; `why` is taken. */
int journal_add_command(struct journal *j, char *const *argv, char *const *back, json_t *why,
			struct err *e);

/* Is the content of a step's image kept in a file of its own? */
bool step_keeps(const struct step *s, const struct image *im);

/* The record as JSON (NULL: out of memory), and back (-EPROTONOSUPPORT: of a format that came after
 * this program; -EINVAL: not a journal); images' contents are not in it. */
json_t *journal_json(const struct journal *j);
int journal_parse(json_t *o, struct journal *ret);

/*
 * How far taking the steps of `j` back came, as JSON (NULL: out of memory), and back into them.
 * What is another transaction's is passed over.
 */
json_t *journal_progress(const struct journal *j);
void journal_resume(struct journal *j, const json_t *progress);

/* Writes pending/ as a whole, with before- and after-images. /var/lib/bulkhead is made when
 * missing. */
int journal_create(const struct host *h, struct journal *j, struct err *e);

/* Rewrites pending/journal.json (phase, units, progress). */
int journal_update(const struct host *h, const struct journal *j, struct err *e);

/* pending/ becomes history/ID: the commit. */
int journal_commit(const struct host *h, struct journal *j, struct err *e);

/* Drops pending/: everything in it has been undone. Also removes what a killed journal_create or
 * journal_drop left. */
int journal_drop(const struct host *h, struct err *e);

/* Loads the transaction under way. 1, or 0 when there is none. -EBADMSG: it was damaged since it
 * was written. */
int journal_pending(const struct host *h, struct journal *ret, struct err *e);

/* A cheap look: is there a pending/ directory? 1, 0, or why that can't be told. */
int journal_look(const struct host *h, struct err *e);

/* What a person has to know of pending/, which is there: that recover puts it back, or why it
 * can't, and what to type. Always -EUCLEAN. */
int journal_waits(const struct host *h, struct err *e);

/* Is it there, as far as can be told? What can't be is taken for it. */
bool journal_interrupted(const struct host *h);

/* Has a run begun or ended since (CLOCK_REALTIME_COARSE)? Looks without a lock. */
bool journal_moved(const struct host *h, const struct timespec *since);

/* Is there any history at all? 1, 0, or why that can't be told. */
int journal_history(const struct host *h, struct err *e);

/* Loads history/ID with its images. -ENOENT; -EBADMSG as above. */
int journal_load(const struct host *h, unsigned id, struct journal *ret, struct err *e);

/*
 * The history without images, oldest first, without what can't be read. *ret is an array of *ret_n;
 * free with journal_list_free. Returns 0, or the number of the newest entry that can't be read, and
 * *e says why: what stands before that one may have been undone by it.
 */
int journal_list(const struct host *h, struct journal **ret, size_t *ret_n, struct err *e);
void journal_list_free(struct journal *list, size_t n);

/* Is entry `id` of a list an apply that no later rollback took back? */
bool journal_stands(const struct journal *list, size_t n, unsigned id);

/*
 * What the newest standing apply left for the modules: an object (empty when there is none). A new
 * reference.
 */
int journal_state(const struct host *h, json_t **ret, struct err *e);

/*
 * The run's lock. -EBUSY: another run holds it; *e names its pid. /var/lib/bulkhead is made when
 * missing. Waits up to `seconds`. *ret_last is the pid of the run that held it last (0: none): what
 * that run left locked elsewhere is stale now.
 */
int journal_lock(const struct host *h, int seconds, int *ret_fd, uint32_t *ret_last, struct err *e);

/*
 * Notes our pid in the run's lock, on disk when this returns: the next run finds by it what we
 * leave locked elsewhere. Only once nothing of the run before is left, and before anything is
 * locked.
 */
int journal_lock_note(const struct host *h, int fd, struct err *e);

/* Does a run hold the lock now? Looks without taking it: its pid, or 0. */
uint32_t journal_locked_by(const struct host *h);

const char *change_kind_name(enum change_kind kind);
const char *unit_action_name(enum unit_action action);

#endif
