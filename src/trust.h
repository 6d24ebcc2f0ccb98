/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who could have written a plan: opens a file by walking its path, and refuses it when somebody
 * else than root, the caller or the user behind sudo could decide what stands in it.
 *
 * Everything is judged and read through the same fds, so that nothing can be exchanged in between.
 * Folders are those the path leads through: with symbolic links in it, the links' and the targets'.
 * Their owners count as well as their modes (as for sshd's StrictModes): who owns a folder can put
 * another file of root's in the plan's place.
 */
#ifndef BULKHEAD_TRUST_H
#define BULKHEAD_TRUST_H

#include <limits.h>
#include <sys/stat.h>

#include "err.h"

/*
 * Opens a regular file for reading; *ret_dir is the folder it really is in (O_PATH). With `check`,
 * -EPERM says what is wrong and what to type. -EINVAL: not a regular file; -ELOOP: too many
 * symbolic links; others from opening.
 */
int trust_open(const char *path, bool check, int *ret_dir, int *ret_fd, struct stat *ret_st,
	       struct err *e);

/* Opens a file by its name in a folder that trust_open gave. -ELOOP: it is a symbolic link. `shown`
 * is its path for errors. */
int trust_open_beside(int dir, const char *name, const char *shown, bool check, int *ret_fd,
		      struct stat *ret_st, struct err *e);

/*
 * Does an error of these, or of a read that follows, blame the path or what stands there (-ENOENT,
 * -EACCES, -EPERM and the like)? Any other one is the system's: EIO, EMFILE, ENOMEM.
 */
bool trust_blames(int r);

/* Where an fd really is, to be shown; `otherwise` when /proc doesn't tell. Returns `buf`. */
const char *trust_path(int fd, const char *otherwise, char buf[PATH_MAX]);

#endif
