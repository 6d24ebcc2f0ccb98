/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing side of the door: single steps, each durable when it returns, each atomic for a
 * reader. Only transaction.c and journal.c call these; they decide what and in which order.
 *
 * What was seen has to be what is still there: a step that finds something else returns -ESTALE and
 * leaves it untouched.
 */
#ifndef BULKHEAD_STAGE_H
#define BULKHEAD_STAGE_H

#include "host.h"

/*
 * Makes the file `tmp` (a name) in the directory of `path`, with the content, owner, mode, ACL and
 * attributes of `im`; the label is the image's, or what the root's policy gives to `path`. Synced;
 * nothing stands at `path` yet.
 */
int stage_file(const struct host *h, const char *path, const char *tmp, const struct image *im,
	       struct err *e);

/*
 * As stage_file, and `tmp` never is a file half written: it is written as `tmp` STAGE_PART and then
 * gets its name. `was`: the image stood there before, and had no label if it has none now.
 */
#define STAGE_PART "-part"
int stage_whole(const struct host *h, const char *path, const char *tmp, const struct image *im,
		bool was, struct err *e);

/*
 * Puts `tmp` in the place of `path`, where `expect` has to be. renameat2(2) with RENAME_EXCHANGE or
 * RENAME_NOREPLACE: what stood there is looked at after it was taken away, and put back when it is
 * not `expect` or when somebody has it open for writing. File systems without these flags get a
 * comparison just before a plain rename.
 */
int stage_swap(const struct host *h, const char *path, const char *tmp, const struct image *expect,
	       struct err *e);

/* Takes `path` away where `expect` has to be; `tmp` is the name used on the way. */
int stage_remove(const struct host *h, const char *path, const char *tmp,
		 const struct image *expect, struct err *e);

/* Renames `tmp` over `path` whatever stands there: for what is ours alone. */
int stage_return(const struct host *h, const char *path, const char *tmp, struct err *e);

/* Removes `tmp` beside `path` if it is there. */
int stage_discard(const struct host *h, const char *path, const char *tmp, struct err *e);

/*
 * Gives what stands at `tmp`, somebody's change of `path`, a name beside it for a person to find.
 * -ESTALE, with *e saying where it is; another error when it stays where it was.
 */
int stage_keep(const struct host *h, const char *path, const char *tmp, struct err *e);

/* Has anybody the regular file `tmp` beside `path` open for writing? False where the file system
 * can't tell. */
bool stage_busy(const struct host *h, const char *path, const char *tmp);

/*
 * Makes the empty file of a lock, root's alone, in the directory `dir`, where there is none: what
 * opens a lock knows no labels, and one that a policy doesn't know keeps others out. That it can't
 * be made is for whoever opens it to tell.
 */
int stage_lock_file(const struct host *h, int dir, const char *path, struct err *e);

/* Makes a directory with owner, mode and label. An existing directory is success. */
int stage_mkdir(const struct host *h, const char *path, const struct image *im, struct err *e);

/* Removes a directory. Absent is success; -ENOTEMPTY when somebody put something in it. */
int stage_rmdir(const struct host *h, const char *path, struct err *e);

/*
 * Owner, mode and extended attributes, ACLs among them, of what stands at `path`, in place, where
 * the attributes of `expect` have to be (NULL: whatever they are). `no_links`: no symbolic link is
 * followed on the way; -ENOENT when there is one, or nothing.
 */
int stage_attrs(const struct host *h, const char *path, bool no_links, const struct image *expect,
		const struct image *to, struct err *e);

/* Writes the value of `to` to a file of the running kernel's that holds `expect` (NULL: whatever it
 * holds). -EPROTO: the kernel took another one. */
int stage_knob(const struct host *h, const char *path, const struct image *expect,
	       const struct image *to, struct err *e);

#endif
