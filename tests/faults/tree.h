/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory tree in memory: everything that a person or a daemon could see of it. Read, compared,
 * and put back by rewriting only what differs. Trouble ends the program: it is a test's.
 */
#ifndef BULKHEAD_TREE_H
#define BULKHEAD_TREE_H

#include <sys/stat.h>

#include "../../src/util.h"

struct tree_entry {
	char *path; /* from the top, without a slash in front; "." is the top */
	struct stat st;
	char *data; /* a file's content, a link's target */
	size_t len;
	char *xattrs; /* names and values, sorted by name */
	size_t xattrs_len;
};

struct tree {
	struct tree_entry *list; /* in the order of strcmp(3) of the paths */
	size_t n;
};

void tree_read(const char *dir, struct tree *ret);
void tree_done(struct tree *t);

/* Makes `dir` exactly this tree, hard links included. It is made when it isn't there. */
void tree_write(const char *dir, const struct tree *t);

/* Removes `dir` and all that is in it. */
void tree_remove(const char *dir);

/*
 * The first path at which two trees differ, NULL when there is none: names, types, contents,
 * owners, modes, link targets, extended attributes and so ACLs. `skip` leaves paths out; `alike`
 * may call the contents of two files the same that aren't.
 */
const char *tree_differs(const struct tree *a, const struct tree *b, bool (*skip)(const char *path),
			 bool (*alike)(const struct tree_entry *a, const struct tree_entry *b));

#endif
