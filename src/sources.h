/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a plan is made of: the plan and what it includes, read and merged into one tree.
 * What a file says wins over what it includes, and a later include over an earlier one.
 */
#ifndef BULKHEAD_SOURCES_H
#define BULKHEAD_SOURCES_H

#include "node.h"
#include "sha256.h"

#define PLAN_FORMAT	 1  /* "version:" of the plans that this reads */
#define SOURCES_MAX	 33 /* the plan and 32 includes */
#define SOURCES_INCLUDES 16 /* of one file */

struct sources {
	struct node_pool *pool;
	struct errs *errs;
	struct err *e;
	bool check; /* who could have written the files matters (see trust.h) */
	size_t bytes, n_files;
	const char *files[SOURCES_MAX]; /* as they stand in positions, in the order of loading */
	const char *from[SOURCES_MAX];	/* of each the includes that lead to it, innermost first:
					   "role.yaml:2:11, by plan.yaml:2:11"; NULL: the plan */
	char sha256[SOURCES_MAX][SHA256_TEXT];
};

/*
 * Loads the file `path`, or standard input for "-". Mistakes go to ->errs, and *ret, when it is
 * set, is what could be read all the same; a negative errno with ->e filled is what keeps us from
 * reading at all. `version` and `include` have been dealt with, but still stand in the tree.
 */
int sources_load(struct sources *l, const char *path, struct node **ret);

/* As sources_load, from memory. */
int sources_load_text(struct sources *l, const char *name, const char *text, size_t len,
		      struct node **ret);

#endif
