/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes are data. A module lists what is missing; transaction.c stages, applies and undoes; diff
 * and check only look.
 *
 * Each change holds the image that was seen (`before`) and the image that is wanted (`after`).
 * Before commit, what is on disk is compared with `before` again: somebody's edit in between is
 * noticed, nothing is overwritten. Two changes to one path are refused, except that further lines
 * join a LINES change and further settings join a FILE change by changes_file() with content
 * computed over the overlay, and tighter attributes join a change that makes or sets the path.
 */
#ifndef BULKHEAD_CHANGE_H
#define BULKHEAD_CHANGE_H

#include "host.h"
#include "json.h"
#include "pathindex.h"

enum change_kind {
	CHANGE_DIR,    /* a directory is made; undone: removed when empty */
	CHANGE_FILE,   /* a file is made or replaced whole */
	CHANGE_LINES,  /* lines of a database that others edit are added or replaced, under its
			  locks; undone: our lines are taken out, or make place for the old ones */
	CHANGE_ATTRS,  /* owner, mode and ACLs of what exists, in place; without content */
	CHANGE_REMOVE, /* a file of ours is removed */
	CHANGE_KNOB,   /* a value of the running kernel, below /proc/sys or /sys */
};

/* Why a change is made. Several settings may want the same file changed. */
struct why {
	char *module;
	char *setting; /* "icc", "ranges[0]"; NULL: the module as a whole */
	char *cis;     /* "2.2" or "2.2,2.9", or NULL */
	char *text;    /* one line for a person: "icc: true -> false" */
};

/* A line of a database, without its newline. */
struct line {
	char *old; /* whose place it takes; NULL: it is appended */
	char *text;
	size_t same; /* in a journal: how many lines of its name there were with it (1: it alone) */
};

void lines_free(struct line *list, size_t n); /* takes NULL */

struct change {
	enum change_kind kind;
	char *path;
	struct image before, after;
	struct line *lines; /* LINES: what is ours */
	size_t n_lines;
	bool no_links; /* ATTRS: in a directory that others may write: no symbolic link is followed
			  on the way, and what has gone meanwhile needs nothing */
	struct why *whys;
	size_t n_whys;
	char **test; /* argv that proves the staged form on a live host; "{}" stands for its path.
			NULL: none */
};

/*
 * A program of the live host that makes what was written hold (augenrules --load), run once all
 * files are in place and before units are touched. Both have to be idempotent: they may be run
 * again after a kill.
 */
struct change_command {
	char **argv; /* argv[0] an absolute path */
	char **back; /* what takes it back, run once the files are back; NULL: nothing has to */
	struct why *whys;
	size_t n_whys;
};

enum unit_action {
	UNIT_NOTHING,
	UNIT_RELOAD,
	UNIT_START, /* start it when it is down; no more than that when it runs */
	UNIT_RESTART,
	UNIT_STOP, /* before files change: what is taken out, or had been started only for this */
};

/* What is asked of a unit. `pending` is set when policy (restart: never, --no-restart) says not
 * now. */
struct ask {
	char *unit;
	enum unit_action action;
	enum unit_action
		back; /* what undoing takes: a reload may apply what only a restart resets */
	struct why why;
	char *pending; /* the policy's reason, or NULL */
};

/* Something that the person should read: before anything happens, and in the report. */
struct note {
	char *module;
	char *setting; /* or NULL */
	char *text;
};

struct changes {
	struct change **list;
	size_t n;
	struct pathindex index; /* private: of list, by path */
	struct change_command *commands;
	size_t n_commands;
	struct ask *asks;
	size_t n_asks;
	struct note *notes;
	size_t n_notes;
	bool manager_reload; /* unit files change: the manager has to reload before units are
				touched */
	bool no_restart;     /* --no-restart or --boot, for the module that decides */
	bool no_start;	     /* a look for drift: what somebody stopped stays down */
	bool no_boot;	     /* found in a boot's run: what that is to come before runs already */
	json_t *state; /* module name -> what it set and wants to know next time (changes_remember)
			*/
	int timeout;   /* seconds a unit has to come back; 0: UNITS_TIMEOUT */
	int watch;     /* seconds a unit that was (re)started has to stay up; 0: it isn't watched */
	/*
	 * Why the plan can't be for this host. Mistakes are the plan's (a key that this engine does
	 * not know; exit code 64), refusals are the host's state (an overlapping range; exit code
	 * 1). Modules add with errs_add and section_where and go on, so that all are told at once;
	 * nothing is written then.
	 */
	struct errs mistakes, refusals;
};

void changes_init(struct changes *c);
void changes_done(struct changes *c);
#define _cleanup_changes_ _cleanup_(changes_done)

/* Nothing to write and nothing to ask of units now (pending asks don't count as work). */
bool changes_empty(const struct changes *c);

const struct change *changes_find(const struct changes *c, const char *path);

/*
 * Each of these adds a change when the host (overlay included) isn't so already, and does nothing
 * when it is. `setting`, `cis` may be NULL. Errors: -EBUSY two changes to one path; -ELOOP the
 * target is a symbolic link; -EMLINK it has several hard links; -EINVAL it is not what it has to be
 * (a directory in place of a file, a fifo); others from reading.
 */
int changes_dir(struct changes *c, const struct host *h, const char *path, mode_t mode, uid_t uid,
		gid_t gid, const char *module, const char *setting, const char *cis,
		const char *text, struct err *e);

/*
 * The whole content of a file. mode is the permission bits that a new file gets and the most that
 * one that exists may allow: what is tighter is left alone, for somebody (`permissions.paths`, too)
 * asked for that. With CHANGE_EXACTLY they are what it has to have, for files that others than root
 * read. Pass CHANGE_KEEP_ATTRS to keep owner, mode, ACL and xattrs of a file that exists (0644
 * root:root when it doesn't). Returns 1 when a change was added or joined, 0 when nothing was to
 * do.
 */
#define CHANGE_KEEP_ATTRS ((mode_t)-1)
#define CHANGE_EXACTLY	  ((mode_t)S_IFREG)
int changes_file(struct changes *c, const struct host *h, const char *path, const char *content,
		 size_t len, mode_t mode, uid_t uid, gid_t gid, const char *module,
		 const char *setting, const char *cis, const char *text, struct err *e);

/*
 * One line appended to a database (no newline in it); the file keeps its owner, mode, ACL and
 * label, `create_mode` is for one that has to be made. A missing final newline is added. Several
 * lines to one file become one change.
 */
int changes_line(struct changes *c, const struct host *h, const char *path, const char *line,
		 mode_t create_mode, const char *module, const char *setting, const char *text,
		 struct err *e);

/*
 * The same for a line that stands there (its first one that is `old`) and becomes `line`. A line
 * that was proposed before becomes the later proposal. -ENOENT: there is no such line.
 */
int changes_line_replace(struct changes *c, const struct host *h, const char *path, const char *old,
			 const char *line, const char *module, const char *setting, const char *cis,
			 const char *text, struct err *e);

/* The place of a line (without newline) in a text, or NULL. Whole lines count. */
char *line_find(char *text, size_t len, const char *line);
/* How many lines have the name (up to the first colon) of `line`? *ret (NULL: nobody asks) is the
 * first of them. */
size_t line_named(const char *text, size_t len, const char *line, const char **ret);

/* Puts a line into the place of the first one that is `old`: 1; 0 where none is. -ENOMEM. */
int image_line(struct image *im, const char *old, const char *line, struct err *e);

/*
 * Owner and mode of what exists; an access ACL goes. They join a change that makes or replaces the
 * path, or sets its attributes, when they allow nothing that it doesn't.
 */
int changes_attrs(struct changes *c, const struct host *h, const char *path, mode_t mode, uid_t uid,
		  gid_t gid, const char *module, const char *setting, const char *cis,
		  const char *text, struct err *e);

/*
 * A value of the running kernel: one that is set by writing it to a file below /proc/sys or /sys.
 * It is compared word by word, and set once all files are in place; undone, the old value is set
 * again if ours still stands. On a host that isn't live: -EOPNOTSUPP. -ENOENT: this kernel has no
 * such file.
 */
int changes_knob(struct changes *c, const struct host *h, const char *path, const char *value,
		 const char *module, const char *setting, const char *cis, const char *text,
		 struct err *e);

/*
 * Owner (CHANGE_KEEP_OWNER: as it is) and ACLs of what exists, or of a directory that is planned:
 * `access` gives the permission bits, too; `inherit` is the default ACL of a directory (NULL: as it
 * is; without entries: none). Joins what others change about the path's attributes. Returns 1 when
 * a change was added or joined, 0 when nothing was to do.
 */
#define CHANGE_KEEP_OWNER ((uid_t)-1)
struct acl;
int changes_acl(struct changes *c, const struct host *h, const char *path, uid_t uid, gid_t gid,
		const struct acl *access, const struct acl *inherit, bool no_links,
		const char *module, const char *setting, const char *cis, const char *text,
		struct err *e);

/* Removes a file when it still holds `content`; otherwise leaves it and adds a note. 1 when a
 * removal was added. A change that would leave `content` there becomes the removal, and
 * changes_file() makes a change of a removal again. */
int changes_remove_ours(struct changes *c, const struct host *h, const char *path,
			const char *content, size_t len, const char *module, const char *setting,
			const char *text, struct err *e);

/* A further setting behind the change that `path` already has. */
int changes_why(struct changes *c, const char *path, const char *module, const char *setting,
		const char *cis, const char *text, struct err *e);

/* What has to prove the staged form of `path` on a live host; argv is copied. NULL: nothing can. */
int changes_test(struct changes *c, const char *path, char *const *argv, struct err *e);

/*
 * A command to run; both are copied. The same one again is a further reason for it. On a host that
 * isn't live: -EOPNOTSUPP. It is for the module to ask only for what the host lacks: nobody else
 * can tell.
 */
int changes_command(struct changes *c, const struct host *h, char *const *argv, char *const *back,
		    const char *module, const char *setting, const char *cis, const char *text,
		    struct err *e);

/* Asks for an action on a unit. */
int changes_ask(struct changes *c, const char *unit, enum unit_action action, const char *module,
		const char *setting, const char *text, struct err *e);

int changes_note(struct changes *c, const char *module, const char *setting, struct err *e,
		 const char *fmt, ...) PRINTF(5, 6);

/* What the module wants to find in struct previous next time; a reference is taken. No call: the
 * module left nothing behind. */
int changes_remember(struct changes *c, const char *module, json_t *state, struct err *e);

/* The strongest action asked of a unit that is not pending. */
enum unit_action changes_action(const struct changes *c, const char *unit);

#endif
