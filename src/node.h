/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML -> a tree of nodes, each with its position. libyaml reads; this bounds what it is fed, takes
 * from YAML only what a plan needs, and says what is wrong in words.
 *
 * Taken: one document of mappings, sequences and scalars; anchors and aliases (the copies count
 * against the budget). Refused, with a position: a second document, tags, merge keys, keys that are
 * not plain names, duplicate keys, tabs in the indentation, bytes that are not UTF-8, control
 * characters (also by escape) and line breaks in values.
 */
#ifndef BULKHEAD_NODE_H
#define BULKHEAD_NODE_H

#include "err.h"

#define NODE_DEPTH_MAX	 32 /* nested lists and mappings */
#define NODES_MAX	 65536 /* of one struct node_pool: all files of a plan, copies by aliases too */
#define NODE_ANCHORS_MAX 256 /* of one file: each alias looks through them */

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
	NODE_BAD,     /* a mistake about it was told already */
	NODE_MERGED,  /* a mapping whose children are now those of what it is the shadow of */
	NODE_REMOVED, /* no value here, whatever an included file says: what that was is its shadow
		       */
};

struct node {
	enum node_kind kind;
	bool plain;	/* SCALAR: without quotes */
	bool partial;	/* LIST, MAP: something inside could not be read, so that nothing can be
			   said about what is missing */
	bool refused;	/* of a LIST: no value came of it, and what stands behind it moved up */
	uint8_t height; /* LIST, MAP: levels below, itself included */
	unsigned line, column; /* from 1; columns in characters */
	const char *file;
	const char *text;	/* SCALAR: UTF-8 without control characters */
	size_t n;		/* LIST, MAP: children */
	struct node **child;	/* in the order of the file */
	struct node **sorted;	/* MAP: by key */
	const struct node *key; /* of a child of a MAP: the scalar that names it */
	struct node *shadow;	/* what this one replaces: in an included file, or set twice */
	const char *where;	/* kept by node_where */
};

/* Owns the memory of nodes and their texts; starts zeroed. */
struct node_pool {
	struct node_chunk *chunks;
	size_t used, nodes;
};

void node_pool_done(struct node_pool *pool);
#define _cleanup_node_pool_ _cleanup_(node_pool_done)

/* Memory that lives as long as the tree; NULL when there is none. */
void *node_alloc(struct node_pool *pool, size_t size);
char *node_strdup(struct node_pool *pool, const char *s);

/*
 * Reads a document; `file` (which has to live as long as the tree) stands in positions. Mistakes go
 * to `errs`; *ret is what could be read all the same (`partial` where something is missing), or
 * NULL when that is nothing. Returns 0 or -ENOMEM.
 */
int node_parse(struct node_pool *pool, const char *file, const char *text, size_t len,
	       struct node **ret, struct errs *errs);

/*
 * One tree out of two: mappings are merged, anything else of `over` replaces what `base` has, which
 * then is its shadow. Either may be NULL. NULL: out of memory.
 */
struct node *node_merge(struct node_pool *pool, struct node *base, struct node *over);

/* Makes a scalar (and the scalars it shadows) a mapping of `name` to it. -ENOMEM. */
int node_wrap(struct node_pool *pool, struct node *n, const char *name);
/* Is it YAML's null, written out or left out? */
bool node_is_null(const struct node *n);

/* A mapping's value by name (of at most `len` bytes, not NUL-terminated), or NULL. */
struct node *node_get(const struct node *map, const char *name, size_t len);

/* "file:line:column" (of the name, for a list or mapping that has one); kept with the tree. NULL:
 * out of memory. */
const char *node_where(struct node_pool *pool, struct node *n);

/* Adds a mistake at the position that node_where gives. */
void node_mistake(const struct node *n, struct errs *errs, const char *fmt, ...) PRINTF(3, 4);

/* A text in quotes for an error, cut when it is long. Returns `buf`. */
#define QUOTED_SIZE 80
const char *text_quoted(const char *text, char buf[QUOTED_SIZE]);

#endif
