/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/acl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <acl/libacl.h>

#include "label.h"

#define PERMS ((mode_t)07777)

static int fail(const struct host *h, struct err *e, int num, const char *what, const char *path)
{
	return err_sys(e, num, "cannot %s '%s%s'", what, host_prefix(h), path);
}

/* Where a path is written: its directory and its name in there. */
struct place {
	int dir;
	char *parent;
	const char *name;
};

static void place_done(struct place *p)
{
	cleanup_close(&p->dir);
	free(p->parent);
}

static int place_open_in(const struct host *h, const char *path,
			 int (*open_dir)(const struct host *, const char *, struct err *),
			 struct place *p, struct err *e)
{
	p->dir = -1;
	p->parent = NULL;
	if (path_split(path, &p->parent, &p->name, e) < 0)
		return e->code;
	p->dir = open_dir(h, p->parent, e);
	return p->dir < 0 ? p->dir : 0;
}

static int place_open(const struct host *h, const char *path, struct place *p, struct err *e)
{
	return place_open_in(h, path, host_open_dir, p, e);
}

#define _cleanup_place_ _cleanup_(place_done)

static int sync_dir(const struct host *h, const struct place *p, struct err *e)
{
	return fsync(p->dir) < 0 ? fail(h, e, errno, "sync the directory", p->parent) : 0;
}

/*
 * A new file may have inherited an ACL from its directory: then a named user could read a key of
 * mode 0600 after a chmod 0640. The access ACL becomes exactly the mode.
 */
static int acl_exact(int fd, mode_t mode)
{
	acl_t acl = acl_from_mode(mode & PERMS);
	int r = 0;

	if (!acl)
		return -errno;
	if (acl_set_fd(fd, acl) < 0 && errno != EOPNOTSUPP)
		r = -errno;
	acl_free(acl);
	return r;
}

/* Attributes that are there and are not wanted go; those that are wanted are set. */
static int xattrs_exact(int fd, const struct image *im)
{
	char names[65536]; /* XATTR_LIST_MAX */
	ssize_t len = flistxattr(fd, names, sizeof(names));

	if (len < 0 && errno != EOPNOTSUPP)
		return -errno;
	for (char *n = names; len > 0 && n < names + len; n += strlen(n) + 1)
		/* Labels and what the kernel derives stay; ACLs are acl_exact()'s. */
		if (!has_prefix(n, "security.") && !has_prefix(n, "system.") &&
		    !image_xattr(im, n) && fremovexattr(fd, n) < 0 && errno != ENODATA)
			return -errno;
	for (size_t i = 0; i < im->n_xattrs; i++)
		if (fsetxattr(fd, im->xattrs[i].name, im->xattrs[i].value, im->xattrs[i].len, 0) <
		    0)
			return -errno;
	return 0;
}

/* Permission bits are dropped before the owner changes, so that nobody in between has more than
 * both sides allow. */
static int protect(int fd, const struct image *im)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != im->uid || st.st_gid != im->gid) {
		if (fchmod(fd, st.st_mode & im->mode & 0700) < 0 ||
		    fchown(fd, im->uid, im->gid) < 0)
			return -errno;
	}
	if (!image_xattr(im, XATTR_ACL)) {
		r = acl_exact(fd, im->mode);
		if (r < 0)
			return r;
	}
	r = xattrs_exact(fd, im);
	if (r < 0)
		return r;
	return fchmod(fd, im->mode & PERMS) < 0 ? -errno : 0;
}

/* The label for a new file or directory: its own, or the policy's. Live labels are set as it is
 * created. */
static int label_before(const struct host *h, const char *path, const struct image *im, char **ret,
			struct err *e)
{
	*ret = NULL;
	if (image_xattr(im, XATTR_LABEL))
		return 0;
	if (label_context(h, path, im->mode, ret, e) < 0)
		return e->code;
	return *ret && host_is_live(h) ? label_create(*ret, e) : 0;
}

static int label_after(const struct host *h, int fd, const char *path, const char *context,
		       struct err *e)
{
	if (!context)
		return 0;
	if (host_is_live(h))
		return label_create(NULL, e);
	if (fsetxattr(fd, "security.selinux", context, strlen(context) + 1, 0) == 0 ||
	    errno == EOPNOTSUPP)
		return 0;
	/* xattr(7): the security class takes CAP_SYS_ADMIN, which a container's root lacks. */
	if (errno == EPERM)
		return err_set(
			e, EPERM,
			"cannot label '%s%s' as this root's SELinux policy wants it (%s): %s. That "
			"takes CAP_SYS_ADMIN; in a container: --cap-add SYS_ADMIN",
			host_prefix(h), path, context, strerror(EPERM));
	return fail(h, e, errno, "label", path);
}

static int write_new(const struct host *h, const struct place *p, const char *path, const char *tmp,
		     const struct image *im, bool was, struct err *e)
{
	_cleanup_free_ char *context = NULL;
	_cleanup_close_ int fd = -1;
	struct err ignored;
	int r;

	if (!was && label_before(h, path, im, &context, e) < 0)
		return e->code;
	fd = openat(p->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : 0;
	if (label_after(h, fd, path, context, r < 0 ? &ignored : e) < 0 && r == 0)
		r = e->code;
	else if (r < 0)
		return fail(h, e, r, "make a file beside", path);
	else if ((r = write_all(fd, im->content, im->len)) < 0)
		fail(h, e, r, "write the new content of", path);
	else if ((r = protect(fd, im)) < 0)
		fail(h, e, r, "set owner, mode and attributes of the new", path);
	else if (fsync(fd) < 0)
		r = fail(h, e, errno, "sync the new", path);
	else if (close(TAKE_FD(fd)) < 0)
		r = fail(h, e, errno, "close the new", path);
	else
		return 0;
	unlinkat(p->dir, tmp, 0);
	return r;
}

int stage_file(const struct host *h, const char *path, const char *tmp, const struct image *im,
	       struct err *e)
{
	_cleanup_place_ struct place p;

	if (place_open(h, path, &p, e) < 0 || write_new(h, &p, path, tmp, im, false, e) < 0)
		return e->code;
	if (sync_dir(h, &p, e) == 0)
		return 0;
	unlinkat(p.dir, tmp, 0);
	return e->code;
}

static int stale(const struct host *h, const char *path, struct err *e)
{
	return err_set(
		e, ESTALE,
		"'%s%s' was changed by somebody else meanwhile: their change was kept, nothing "
		"of ours was put there",
		host_prefix(h), path);
}

/* Is what stands at `name` in the place the expected image? */
static int same_now(const struct host *h, const struct place *p, const char *name,
		    const struct image *expect, struct err *e)
{
	_cleanup_(image_done) struct image now = { 0 };
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", streq(p->parent, "/") ? "" : p->parent, name) < 0)
		return err_oom(e);
	if (host_image_now(h, path, &now, e) < 0)
		return e->code;
	return image_same(&now, expect);
}

static int rename2(int dir, const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, dir, from, dir, to, flags) < 0 ? -errno : 0;
}

static bool unsupported(int r)
{
	return r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP;
}

/* Renames where nothing stands at `to`. */
static int rename_new(int dir, const char *from, const char *to)
{
	int r = rename2(dir, from, to, RENAME_NOREPLACE);

	if (!unsupported(r))
		return r;
	if (linkat(dir, from, dir, to, 0) < 0)
		return -errno;
	return unlinkat(dir, from, 0) < 0 ? -errno : 0;
}

int stage_whole(const struct host *h, const char *path, const char *tmp, const struct image *im,
		bool was, struct err *e)
{
	_cleanup_free_ char *part = NULL;
	_cleanup_place_ struct place p;
	int r;

	if (place_open(h, path, &p, e) < 0)
		return e->code;
	if (asprintf(&part, "%s" STAGE_PART, tmp) < 0)
		return err_oom(e);
	if (write_new(h, &p, path, part, im, was, e) < 0)
		return e->code;
	r = rename_new(p.dir, part, tmp);
	if (r == 0)
		return sync_dir(h, &p, e);
	unlinkat(p.dir, part, 0);
	return fail(h, e, r, "name the new", path);
}

/* Network file systems refuse leases for reasons of their own. */
static bool leases_tell(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type != NFS_SUPER_MAGIC &&
	       fs.f_type != SMB_SUPER_MAGIC && fs.f_type != (long)CIFS_SUPER_MAGIC &&
	       fs.f_type != (long)SMB2_SUPER_MAGIC;
}

/*
 * Is the file open for writing? A writer that opened it before it was renamed would write to what
 * is about to be removed. fcntl(2), "Leases": a read lease is refused with EAGAIN while there are
 * writers; SIGURG, which nobody minds, stands in for the SIGIO that would kill us.
 */
static bool open_for_writing(int dir, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return false;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && leases_tell(fd) && fcntl(fd, F_SETSIG, SIGURG) == 0 &&
	       fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN;
}

bool stage_busy(const struct host *h, const char *path, const char *tmp)
{
	_cleanup_place_ struct place p;
	struct err ignored;

	return place_open(h, path, &p, &ignored) == 0 && open_for_writing(p.dir, tmp);
}

/* What was taken away from `path` and stands at `tmp` now: is it what had been seen there, and is
 * it for good? 1: it is; -ESTALE or another error, *e says why. */
static int taken(const struct host *h, const struct place *p, const char *path, const char *tmp,
		 const struct image *expect, struct err *e)
{
	int r;

	/* Writers first: one that is done when we ask has its edit in what is read next. */
	if (open_for_writing(p->dir, tmp))
		return err_set(
			e, ESTALE,
			"'%s%s' is open for writing in another program ('fuser -v %s%s' shows "
			"which): nothing of ours was put there; try again when it is done",
			host_prefix(h), path, host_prefix(h), path);
	r = same_now(h, p, tmp, expect, e);
	return r == 0 ? stale(h, path, e) : r;
}

int stage_swap(const struct host *h, const char *path, const char *tmp, const struct image *expect,
	       struct err *e)
{
	_cleanup_place_ struct place p;
	int r;

	if (place_open(h, path, &p, e) < 0)
		return e->code;
	if (!expect->exists) {
		r = rename_new(p.dir, tmp, p.name);
		if (r == -EEXIST)
			return stale(h, path, e);
		return r < 0 ? fail(h, e, r, "put the new file at", path) : sync_dir(h, &p, e);
	}
	r = same_now(h, &p, p.name, expect, e);
	if (r <= 0)
		return r < 0 ? r : stale(h, path, e);
	r = rename2(p.dir, tmp, p.name, RENAME_EXCHANGE);
	if (unsupported(r)) {
		if (renameat(p.dir, tmp, p.dir, p.name) < 0)
			return fail(h, e, errno, "replace", path);
		return sync_dir(h, &p, e);
	}
	if (r < 0)
		return fail(h, e, r, "replace", path);
	r = taken(h, &p, path, tmp, expect, e);
	if (r < 0) {
		struct err ignored;

		if (rename2(p.dir, tmp, p.name, RENAME_EXCHANGE) == 0)
			sync_dir(h, &p, &ignored);
		return r;
	}
	if (unlinkat(p.dir, tmp, 0) < 0)
		return fail(h, e, errno, "remove the old version of", path);
	return sync_dir(h, &p, e);
}

int stage_remove(const struct host *h, const char *path, const char *tmp,
		 const struct image *expect, struct err *e)
{
	_cleanup_place_ struct place p;
	int r;

	if (place_open(h, path, &p, e) < 0)
		return e->code;
	r = rename2(p.dir, p.name, tmp, RENAME_NOREPLACE);
	if (unsupported(r))
		r = renameat(p.dir, p.name, p.dir, tmp) < 0 ? -errno : 0;
	if (r == -ENOENT)
		return stale(h, path, e);
	if (r < 0)
		return fail(h, e, r, "remove", path);
	r = taken(h, &p, path, tmp, expect, e);
	if (r < 0) {
		struct err ignored;
		int back = rename_new(p.dir, tmp, p.name);

		if (back < 0)
			return fail(h, e, back, "put back", path);
		sync_dir(h, &p, &ignored);
		return r;
	}
	if (unlinkat(p.dir, tmp, 0) < 0)
		return fail(h, e, errno, "remove", path);
	return sync_dir(h, &p, e);
}

int stage_return(const struct host *h, const char *path, const char *tmp, struct err *e)
{
	_cleanup_place_ struct place p;

	if (place_open(h, path, &p, e) < 0)
		return e->code;
	if (renameat(p.dir, tmp, p.dir, p.name) < 0)
		return fail(h, e, errno, "put back", path);
	return sync_dir(h, &p, e);
}

int stage_discard(const struct host *h, const char *path, const char *tmp, struct err *e)
{
	_cleanup_place_ struct place p;
	int r = place_open(h, path, &p, e);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	if (unlinkat(p.dir, tmp, 0) < 0) {
		r = -errno;
		/* A read-only file system says so before it looks for the name. */
		if (r == -ENOENT ||
		    (r == -EROFS && faccessat(p.dir, tmp, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		     errno == ENOENT))
			return 0;
		return fail(h, e, r, "remove the temporary file beside", path);
	}
	return sync_dir(h, &p, e);
}

int stage_keep(const struct host *h, const char *path, const char *tmp, struct err *e)
{
	const char *tag = strstr(tmp, ".bulkhead-");
	_cleanup_place_ struct place p;
	int r = -EEXIST;

	if (place_open(h, path, &p, e) < 0)
		return e->code;
	tag = tag ? tag + strlen(".bulkhead-") : tmp;
	for (int n = 0; r == -EEXIST && n < 100; n++) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, n ? "%.200s.kept-%s.%d" : "%.200s.kept-%s", p.name, tag, n) < 0)
			return err_oom(e);
		r = rename_new(p.dir, tmp, name);
		if (r == 0 && sync_dir(h, &p, e) == 0)
			err_set(e, ESTALE,
				"somebody changed '%s%s' while a run was putting its own there: their "
				"version is kept as '%s%s/%s'. Merge it by hand and remove it",
				host_prefix(h), path, host_prefix(h),
				streq(p.parent, "/") ? "" : p.parent, name);
	}
	return r < 0 ? fail(h, e, r, "keep somebody's version of", path) : e->code;
}

int stage_lock_file(const struct host *h, int dir, const char *path, struct err *e)
{
	const struct image im = { .mode = S_IFREG | 0600 };
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *context = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return 0;
	if (label_before(h, path, &im, &context, e) < 0)
		return e->code;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (label_after(h, fd, path, fd >= 0 || host_is_live(h) ? context : NULL, e) == 0)
		return 0;
	if (fd >= 0)
		unlinkat(dir, name, 0);
	return e->code;
}

int stage_mkdir(const struct host *h, const char *path, const struct image *im, struct err *e)
{
	_cleanup_place_ struct place p;
	_cleanup_free_ char *context = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (place_open(h, path, &p, e) < 0 || label_before(h, path, im, &context, e) < 0)
		return e->code;
	r = mkdirat(p.dir, p.name, im->mode & 0700) < 0 ? -errno : 0;
	fd = r == 0 || r == -EEXIST
		     ? openat(p.dir, p.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
		     : -1;
	if (r == 0 && fd < 0)
		r = -errno;
	if (label_after(h, fd, path, r == 0 || host_is_live(h) ? context : NULL, e) < 0)
		return e->code;
	if (r == -EEXIST && fd >= 0)
		return 0;
	if (r < 0)
		return fail(h, e, r, "make the directory", path);
	r = protect(fd, im);
	if (r < 0)
		return fail(h, e, r, "set owner and mode of the directory", path);
	if (fsync(fd) < 0)
		return fail(h, e, errno, "sync the directory", path);
	return sync_dir(h, &p, e);
}

int stage_rmdir(const struct host *h, const char *path, struct err *e)
{
	_cleanup_place_ struct place p;
	int r = place_open(h, path, &p, e);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	if (unlinkat(p.dir, p.name, AT_REMOVEDIR) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail(h, e, errno == EEXIST ? ENOTEMPTY : errno, "remove the directory",
			    path);
	}
	return sync_dir(h, &p, e);
}

/* The default ACL of a directory that is to have none. A new directory keeps what it inherits. */
static int drop_default(int fd, const struct image *im)
{
	if (image_xattr(im, XATTR_ACL_DEFAULT) || fremovexattr(fd, XATTR_ACL_DEFAULT) == 0 ||
	    errno == ENODATA || errno == EOPNOTSUPP)
		return 0;
	return -errno;
}

/* What has no fd that can be written through (a socket): chmod(2) by its /proc link, and no
 * attributes but these. */
static int protect_path(int opath, const struct image *im)
{
	const struct xattr *acl = image_xattr(im, XATTR_ACL);
	char link[64];
	struct stat st;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", opath);
	if (fstat(opath, &st) < 0)
		return -errno;
	if (st.st_uid != im->uid || st.st_gid != im->gid) {
		if (chmod(link, st.st_mode & im->mode & 0700) < 0 ||
		    fchownat(opath, "", im->uid, im->gid, AT_EMPTY_PATH) < 0)
			return -errno;
	}
	/* An ACL's mask is what chmod(2) would change: the ACL comes first, or goes. */
	if (acl ? setxattr(link, XATTR_ACL, acl->value, acl->len, 0) < 0
		: removexattr(link, XATTR_ACL) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	return chmod(link, im->mode & PERMS) < 0 ? -errno : 0;
}

static int acl_fail(const struct host *h, const char *path, struct err *e)
{
	return err_set(
		e, EOPNOTSUPP,
		"cannot set the ACL of '%s%s': its file system has none. Put it on one that has "
		"(ext4, XFS, Btrfs)",
		host_prefix(h), path);
}

int stage_attrs(const struct host *h, const char *path, bool no_links, const struct image *expect,
		const struct image *to, struct err *e)
{
	_cleanup_place_ struct place p = { .dir = -1 };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (expect || no_links) {
		_cleanup_(image_done) struct image now = { 0 };

		if (host_attrs_now(h, path, no_links, &now, e) < 0)
			return e->code;
		if (no_links && !now.exists)
			return fail(h, e, ENOENT, "set owner and mode of", path);
		if (expect && !image_same_attrs(&now, expect))
			return stale(h, path, e);
	}
	if (place_open_in(h, path, no_links ? host_open_dir_without_links : host_open_dir, &p, e) <
	    0)
		return e->code;
	fd = openat(p.dir, p.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(h, e, errno, "open", path);
	/* Whoever may write the directory can put another file of the same looks there. */
	if ((st.st_mode & S_IFMT) != (to->mode & S_IFMT) ||
	    (no_links && expect && st.st_ino != expect->ino))
		return stale(h, path, e);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		_cleanup_close_ int file =
			openat(p.dir, p.name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
		struct stat opened;

		if (file < 0 || fstat(file, &opened) < 0)
			return fail(h, e, errno, "open", path);
		if (opened.st_ino != st.st_ino || opened.st_dev != st.st_dev)
			return stale(h, path, e);
		r = S_ISDIR(st.st_mode) ? drop_default(file, to) : 0;
		if (r == 0)
			r = protect(file, to);
		if (r == 0 && fsync(file) < 0)
			r = -errno;
	} else {
		r = protect_path(fd, to);
	}
	if (r == -EOPNOTSUPP)
		return acl_fail(h, path, e);
	return r < 0 ? fail(h, e, r, "set owner and mode of", path) : 0;
}

/* In one write(2): each is a value of its own. */
static int write_value(const struct place *p, const struct image *to)
{
	_cleanup_close_ int fd =
		openat(p->dir, p->name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, to->content, to->len);
	if (n < 0)
		return -errno;
	return (size_t)n == to->len ? 0 : -EIO;
}

int stage_knob(const struct host *h, const char *path, const struct image *expect,
	       const struct image *to, struct err *e)
{
	_cleanup_(image_done) struct image was = { 0 }, now = { 0 };
	_cleanup_place_ struct place p;
	int r;

	if (place_open(h, path, &p, e) < 0 || host_image_now(h, path, &was, e) < 0)
		return e->code;
	if (!was.exists || !S_ISREG(was.mode) || (expect && !image_same_value(&was, expect)))
		return stale(h, path, e);
	r = write_value(&p, to);
	if (r < 0)
		return fail(h, e, r, "set", path);
	if (host_image_now(h, path, &now, e) < 0)
		return e->code;
	if (image_same_value(&now, to))
		return 0;
	return err_set(e, EPROTO, "the kernel was told '%s' for '%s%s', and says '%.*s'",
		       to->content, host_prefix(h), path,
		       (int)strcspn(now.content ? now.content : "", "\n"),
		       now.content ? now.content : "");
}
