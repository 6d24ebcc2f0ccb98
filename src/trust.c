/* SPDX-License-Identifier: Apache-2.0 */
#include "trust.h"

#include "field.h"

#define LINKS_MAX 40 /* as the kernel's own MAXSYMLINKS */
#define UP_MAX	  4096

/* The caller, and the user who called sudo: SUDO_UID is set by sudo, and only root's word counts
 * here, whose environment it is. */
static bool owner_trusted(uid_t uid)
{
	const char *sudo = getenv("SUDO_UID");
	uint64_t id;

	return uid == 0 || uid == getuid() ||
	       (sudo && parse_u64(sudo, &id) == 0 && id < UINT32_MAX && uid == (uid_t)id);
}

const char *trust_path(int fd, const char *otherwise, char buf[PATH_MAX])
{
	char proc[64];
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, buf, PATH_MAX - 1);
	if (n <= 0)
		snprintf(buf, PATH_MAX, "%s", otherwise);
	else
		buf[n] = '\0';
	return buf;
}

static int stat_check(const struct stat *st, const char *what, const char *path, struct err *e)
{
	bool group = st->st_mode & S_IWGRP, others = st->st_mode & S_IWOTH;

	if (!owner_trusted(st->st_uid))
		return err_set(
			e, EPERM,
			"%s '%s' is not trusted: it belongs to uid %u, who could decide what "
			"root does here\ntype: chown -h root '%s'",
			what, path, (unsigned)st->st_uid, path);
	if (S_ISLNK(st->st_mode) || (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
		return 0;
	if (group || others)
		return err_set(e, EPERM,
			       "%s '%s' is not trusted: %s can write to it (mode %04o) and decide "
			       "what root does here\ntype: chmod go-w '%s'",
			       what, path,
			       !others	? "its group"
			       : !group ? "others"
					: "its group and others",
			       (unsigned)st->st_mode & 07777, path);
	return 0;
}

/* A folder or symbolic link on the way to the plan. */
static int way_check(int fd, const char *plan, struct err *e)
{
	char buf[PATH_MAX];
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "look at what leads to '%s'", plan);
	r = stat_check(&st, S_ISLNK(st.st_mode) ? "the symbolic link" : "the folder",
		       trust_path(fd, "(unknown)", buf), e);
	return r ? err_prefix(e, "plan '%s'", plan) : 0;
}

/* A path that doesn't begin with / has folders above the working directory. */
static int folders_above(const char *plan, struct err *e)
{
	_cleanup_close_ int dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, up;
	int next, r;

	for (int i = 0; dir >= 0 && i < UP_MAX; i++) {
		r = way_check(dir, plan, e);
		if (r)
			return r;
		next = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next < 0 || fstat(dir, &st) < 0 || fstat(next, &up) < 0) {
			r = err_sys(e, errno, "look at the folders above '%s'", plan);
			if (next >= 0)
				close(next);
			return r;
		}
		close(dir);
		dir = next;
		if (st.st_dev == up.st_dev && st.st_ino == up.st_ino)
			return 0;
	}
	return err_sys(e, dir < 0 ? errno : ELOOP, "look at the folders above '%s'", plan);
}

int trust_open_beside(int dir, const char *name, const char *shown, bool check, int *ret_fd,
		      struct stat *ret_st, struct err *e)
{
	/* O_NONBLOCK: a fifo must not hold us up. */
	_cleanup_close_ int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, errno, "open '%s'", shown);
	if (fstat(fd, ret_st) < 0)
		return err_sys(e, errno, "look at '%s'", shown);
	if (!S_ISREG(ret_st->st_mode))
		return err_set(e, S_ISDIR(ret_st->st_mode) ? EISDIR : EINVAL,
			       "'%s' is %s, not a regular file", shown,
			       S_ISDIR(ret_st->st_mode) ? "a folder" : "a device, pipe or socket");
	r = check ? stat_check(ret_st, "the file", shown, e) : 0;
	if (r)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Reads a symbolic link and puts what follows it in the path behind its target. */
static int link_read(int fd, char rest[PATH_MAX], const char *plan, struct err *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	size_t len = strlen(rest);

	if (n < 0)
		return err_sys(e, errno, "read a symbolic link of '%s'", plan);
	target[n] = '\0';
	/* /dev/fd/63 of a shell's <(...) */
	if (has_prefix(target, "pipe:") || has_prefix(target, "socket:"))
		return err_set(
			e, EINVAL,
			"'%s' is a pipe: to read the plan from one, name it - and pipe it in",
			plan);
	if ((size_t)n + 1 + len >= PATH_MAX)
		return err_sys(e, ENAMETOOLONG, "follow '%s'", plan);
	memmove(rest + n + 1, rest, len + 1);
	memcpy(rest, target, (size_t)n);
	rest[n] = '/';
	if (!len)
		rest[n] = '\0';
	return 0;
}

/* The next component of a path: into name; the rest moves up. False: nothing is left. */
static bool component_next(char rest[PATH_MAX], char name[NAME_MAX + 2])
{
	size_t skip = strspn(rest, "/"), n = strcspn(rest + skip, "/"), after;

	snprintf(name, NAME_MAX + 2, "%.*s", n > NAME_MAX + 1 ? NAME_MAX + 1 : (int)n, rest + skip);
	after = skip + n;
	/* A final slash stays: it says that a folder is meant. */
	memmove(rest, rest + after, strlen(rest + after) + 1);
	return n > 0;
}

static int dir_start(const char *from, bool check, const char *plan, int *dir, struct err *e)
{
	int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, errno, "open '%s', on the way to '%s'", from, plan);
	cleanup_close(dir);
	*dir = fd;
	if (!check)
		return 0;
	return *from == '/' ? way_check(fd, plan, e) : folders_above(plan, e);
}

int trust_open(const char *path, bool check, int *ret_dir, int *ret_fd, struct stat *ret_st,
	       struct err *e)
{
	_cleanup_close_ int dir = -1;
	char rest[PATH_MAX], name[NAME_MAX + 2];
	unsigned links = 0;
	struct stat st;
	int r;

	if (strlen(path) >= sizeof(rest))
		return err_sys(e, ENAMETOOLONG, "open '%.80s...'", path);
	if (!*path)
		return err_sys(e, ENOENT, "open ''");
	memcpy(rest, path, strlen(path) + 1);
	r = dir_start(*path == '/' ? "/" : ".", check, path, &dir, e);
	if (r)
		return r;
	while (component_next(rest, name)) {
		_cleanup_close_ int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return err_sys(e, errno, "open '%s'", path);
		if (fstat(fd, &st) < 0)
			return err_sys(e, errno, "look at '%s'", path);
		if (S_ISLNK(st.st_mode)) {
			if (++links > LINKS_MAX)
				return err_sys(e, ELOOP, "open '%s'", path);
			r = check ? way_check(fd, path, e) : 0;
			if (!r)
				r = link_read(fd, rest, path, e);
			if (!r && rest[0] == '/')
				r = dir_start("/", check, path, &dir, e);
			if (r)
				return r;
			continue;
		}
		if (!rest[0]) {
			r = trust_open_beside(dir, name, path, check, ret_fd, ret_st, e);
			if (r)
				return r;
			*ret_dir = TAKE_FD(dir);
			return 0;
		}
		if (!S_ISDIR(st.st_mode))
			return err_sys(e, ENOTDIR, "open '%s'", path);
		r = check ? way_check(fd, path, e) : 0;
		if (r)
			return r;
		close(dir);
		dir = TAKE_FD(fd);
	}
	return err_sys(e, EISDIR, "open '%s'", path);
}

bool trust_blames(int r)
{
	static const int blamed[] = { ENOENT, EACCES, EPERM, ELOOP,  ENOTDIR,
				      EISDIR, EINVAL, ENXIO, ENODEV, ENAMETOOLONG };

	for (size_t i = 0; i < ARRAY_SIZE(blamed); i++)
		if (r == -blamed[i])
			return true;
	return false;
}
