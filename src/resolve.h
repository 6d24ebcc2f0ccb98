/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths inside a root directory: the one place where a path becomes a file.
 */
#ifndef BULKHEAD_RESOLVE_H
#define BULKHEAD_RESOLVE_H

#include "util.h"

/*
 * Opens `path` as if `root` were "/": absolute and ".." symbolic links stay inside, links of /proc
 * are refused. `flags` as open(2), O_CLOEXEC added, O_NOFOLLOW for the last component; O_CREAT is
 * not for this. openat2(2) where there is one, a walk by components elsewhere. Returns the fd or a
 * negative errno.
 */
int resolve_in_root(int root, const char *path, int flags);

/*
 * As resolve_in_root, but a symbolic link on the way is -ELOOP: for what lies in directories that
 * others may write, who could put a link there at any moment. With O_PATH|O_NOFOLLOW the last
 * component may be one.
 */
int resolve_without_links(int root, const char *path, int flags);

#endif
