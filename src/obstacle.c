/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/statvfs.h>

#include "host.h"
#include "resolve.h"

/* What keeps even root from writing; a file system that doesn't know these attributes sets none. */
static int fixed(const struct host *h, int fd, const char *path, bool replace, struct err *e)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx) < 0)
		return 0;
	if (sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		return err_set(e, EPERM, "'%s%s' is %s: take that off first (chattr -i -a %s%s)",
			       host_prefix(h), path,
			       sx.stx_attributes & STATX_ATTR_IMMUTABLE ? "immutable"
									: "append-only",
			       host_prefix(h), path);
	if (replace && (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return err_set(e, EBUSY,
			       "'%s%s' is a mount point and can't be replaced: unmount it first",
			       host_prefix(h), path);
	return 0;
}

static int read_only(const struct host *h, int fd, const char *path, struct err *e)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return 0;
	return err_set(e, EROFS, "'%s%s' is on a read-only file system", host_prefix(h), path);
}

int host_replaceable(const struct host *h, const char *path, struct err *e)
{
	_cleanup_close_ int parent = -1, fd = -1;
	_cleanup_free_ char *dir = NULL;
	const char *name;

	if (path_split(path, &dir, &name, e) < 0)
		return e->code;
	parent = resolve_in_root(host_root(h), dir, O_PATH | O_NOFOLLOW);
	if (parent >= 0 && fixed(h, parent, dir, false, e) < 0)
		return e->code;
	fd = resolve_in_root(host_root(h), path, O_PATH | O_NOFOLLOW);
	return fd < 0 ? 0 : fixed(h, fd, path, true, e);
}

int host_writable(const struct host *h, const char *path, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int fd = -1;
	const char *name;

	if (path_split(path, &dir, &name, e) < 0)
		return e->code;
	fd = resolve_in_root(host_root(h), dir, O_PATH);
	return fd < 0 ? 0 : read_only(h, fd, path, e);
}

int host_changeable(const struct host *h, const char *path, struct err *e)
{
	_cleanup_close_ int fd = resolve_in_root(host_root(h), path, O_PATH | O_NOFOLLOW);

	return fd < 0 ? 0 : read_only(h, fd, path, e) < 0 ? e->code : fixed(h, fd, path, false, e);
}
