/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd unit files of a root, read as systemd reads them: the unit's own file, its drop-ins,
 * masks and aliases, the environment it sets, and the command lines in it.
 *
 * Rests on systemd.unit(5), systemd.service(5) "COMMAND LINES", systemd.exec(5) "Environment" and,
 * where those are silent, on systemd's conf-parser.c, extract-word.c, env-file.c and env-util.c.
 * Nothing is asked of a running manager, so that an image under --root reads the same.
 */
#ifndef BULKHEAD_UNITFILE_H
#define BULKHEAD_UNITFILE_H

#include "../src/host.h"

/* What the files of one unit, and all its environment files, may hold in all. */
#define UNITFILE_SIZE_MAX  (1024 * 1024)
#define UNITFILE_FILES_MAX 256

/* A command line may expand to this much; execve(2) takes no more of a default stack limit. */
#define UNITFILE_COMMAND_MAX (2 * 1024 * 1024)

struct unitfile_setting {
	char *section; /* owns the name and the value, too */
	const char *name;
	const char *value; /* "" takes back what was set before, for settings that are lists */
	const char *file;  /* where it stands, as a path of the host */
};

struct unitfile {
	char *name;   /* as systemd knows it: another one than asked for when that is an alias */
	char **files; /* the unit's own file, then drop-ins in the order they are read */
	size_t n_files;
	struct unitfile_setting *list;
	size_t n, cap;
	bool masked;
};

/*
 * Loads a unit: its file from the first of systemd's folders that has one (/etc before /run before
 * /usr), then its drop-ins. A masked unit is success with `masked` and nothing else. -ENOENT: there
 * is no such unit. -EFBIG: the files hold more than UNITFILE_SIZE_MAX.
 */
int unitfile_load(const struct host *h, const char *unit, struct unitfile *ret, struct err *e);
void unitfile_done(struct unitfile *u);
#define _cleanup_unitfile_ _cleanup_(unitfile_done)

/* Adds the settings of one file's text. Lines that systemd passes over are passed over. */
int unitfile_parse(struct unitfile *u, const char *file, const char *text, size_t len,
		   struct err *e);

/* The assignments of a setting that count, one a call: those after the last empty one. *pos starts
 * at 0. NULL: no more. */
const struct unitfile_setting *unitfile_next(const struct unitfile *u, const char *section,
					     const char *name, size_t *pos);

/*
 * The next word of *p into *ret: quotes taken off, backslash escapes resolved. 1, 0 at the end of
 * the text, -EINVAL for a quote that is not closed, -ENOMEM.
 */
enum unitfile_words {
	UNITFILE_ESCAPES = 1, /* C escapes; unknown ones stay as they are. Else \x is x */
	UNITFILE_RELAX = 2,   /* an open quote ends with the text */
};
int unitfile_word(const char **p, unsigned flags, char **ret);

/* Replaces the specifiers of a system unit that are the same on every host ("%%", "%n", "%t" ...);
 * others stay as they are. -ENOMEM. */
int unitfile_specifiers(const char *text, const char *unit, char **ret);

/* The assignments of an EnvironmentFile=, NAME=value in their order; what is none is passed over.
 */
int unitfile_env_parse(const char *text, size_t len, char ***ret, struct err *e);

/*
 * What the unit puts into its service's environment: Environment=, then EnvironmentFile=, without
 * UnsetEnvironment=. Each name once, sorted. What the manager adds (PATH, LANG,
 * DefaultEnvironment=) is not in it. A file that can't be read because it does not exist is passed
 * over, with "-" or without.
 */
int unitfile_environment(const struct unitfile *u, const struct host *h, char ***ret,
			 struct err *e);

/*
 * The value of an Exec*= setting as argv, argv[0] being the program: prefixes taken off, specifiers
 * and variables of `env` (as unitfile_environment gives it) expanded. -EINVAL for what systemd
 * refuses, and for several commands in one line; -E2BIG past UNITFILE_COMMAND_MAX.
 */
int unitfile_command(const char *value, const char *unit, char *const *env, char ***ret,
		     struct err *e);

#endif
