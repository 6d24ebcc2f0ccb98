/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk as a list of what was done to it: inodes with their versions, names, syncs. Any state that
 * a power loss may leave can be computed from it and built as a real tree.
 *
 * A version of an inode (content and attributes) is sure once that inode was fsynced after it; what
 * was done to names (create, link, rename, unlink) is sure once each directory that it touches was
 * fsynced after it. The fsync of a new file does not make its name sure.
 */
#ifndef BULKHEAD_POWER_DISK_H
#define BULKHEAD_POWER_DISK_H

#include <sys/stat.h>

#include "../../src/util.h"

/* Content and attributes of an inode at one moment. */
struct version {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	char *xattrs; /* name NUL, length in 4 bytes, value; and so on, sorted by name */
	size_t xattrs_len;
	char *data; /* of a file, or where a link points */
	size_t len;
};

struct inode {
	dev_t dev;
	ino_t ino;
	struct version *versions;
	size_t n;
};

/* A name in a directory: where inodes are put. */
struct slot {
	size_t dir;
	char *name;
	long base; /* the inode that stood there at the start; -1: none */
	long now;
};

enum op_kind {
	OP_VERSION, /* inode `inode` got version `version` */
	OP_SYNC,    /* inode `inode` was fsynced */
	OP_NAMES,   /* slots[i] holds to[i] now: one atomic change of up to two names */
};

struct op {
	enum op_kind kind;
	size_t inode, version;
	size_t slots[2];
	long to[2]; /* -1: nothing */
	int n;
};

struct disk {
	struct inode *inodes; /* the first is the root's */
	size_t n_inodes;
	struct slot *slots;
	size_t n_slots;
	struct op *ops;
	size_t n_ops;
};

/* All of these end the program when memory or the tree fails them. */
void *grow(void *list, size_t n, size_t size);
__attribute__((noreturn)) void die(const char *fmt, ...) PRINTF(1, 2);

/* The tree at `root` becomes the start of the disk. */
void disk_scan(struct disk *d, const char *root);
void disk_done(struct disk *d);

/* What stands at the path of a stat'ed file now. */
void version_read(const char *path, const struct stat *st, struct version *ret);
bool version_same(const struct version *a, const struct version *b);
void version_done(struct version *v);

long disk_inode(const struct disk *d, const struct stat *st); /* -1: not of this disk */
size_t disk_slot(struct disk *d, size_t dir, const char *name);
struct op *disk_op(struct disk *d, enum op_kind kind);
/* An inode that is new, with its first version; what had its number before is gone. */
size_t disk_inode_new(struct disk *d, const struct stat *st, const char *path);
/* The inode's version now, if it is another than the last. */
void disk_touched(struct disk *d, size_t inode, const char *path);

/* Everything that a tree is but times: one line per path. Unless `all`, the program's own history
 * and the lock file that useradd leaves, too, are left out. */
char *tree_manifest(const char *root, bool all);

enum loss {
	LOSS_UNSYNCED, /* what is sure stays */
	LOSS_DATA,     /* all names happened; inodes have what is sure of them */
	LOSS_NOTHING,  /* as a kill */
	LOSS_RANDOM,   /* some of what is not sure happened */
};

/* Builds at `to` (which must not exist) what a power loss after the first n operations may leave.
 */
void disk_build(const struct disk *d, size_t n, enum loss loss, unsigned *seed, const char *to);

#endif
