/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>

#include "host.h"

struct walk {
	const struct host *h;
	int (*fn)(void *arg, const char *path, const struct stat *st, struct err *e);
	void *arg;
	dev_t dev;
	unsigned depth;
};

static int fail(const struct walk *w, struct err *e, const char *what, const char *path)
{
	return err_sys(e, errno, "cannot %s '%s%s'", what, host_prefix(w->h), path);
}

static bool went(void)
{
	return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
}

static int walk_dir(struct walk *w, int fd, const char *dir, struct err *e);

static int walk_entry(struct walk *w, int dir, const char *name, const char *path, struct err *e)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
	_cleanup_close_ int fd = -1;
	struct statx sx;
	struct stat st;
	int r;

	if (statx(dir, name, flags, STATX_BASIC_STATS, &sx) < 0 ||
	    fstatat(dir, name, &st, flags) < 0)
		return errno == ENOENT ? 0 : fail(w, e, "look at", path);
	if (st.st_dev != w->dev || (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	r = w->fn(w->arg, path, &st, e);
	if (r != 0 || !S_ISDIR(st.st_mode))
		return r < 0 ? r : 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return went() ? 0 : fail(w, e, "open the directory", path);
	return walk_dir(w, fd, path, e);
}

static int is_entry(const struct dirent *d)
{
	return !streq(d->d_name, ".") && !streq(d->d_name, "..");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk_dir(struct walk *w, int fd, const char *dir, struct err *e)
{
	struct dirent **list;
	int n, r = 0;

	if (w->depth == HOST_WALK_DEPTH)
		return err_set(e, E2BIG, "'%s%s' is %d directories deep: no further",
			       host_prefix(w->h), dir, HOST_WALK_DEPTH);
	n = scandirat(fd, ".", &list, is_entry, by_name);
	if (n < 0)
		return fail(w, e, "list", dir);
	w->depth++;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (r == 0 && asprintf(&path, "%s/%s", dir, list[i]->d_name) < 0) {
			path = NULL;
			r = err_oom(e);
		}
		if (r == 0)
			r = walk_entry(w, fd, list[i]->d_name, path, e);
		free(list[i]);
	}
	free(list);
	w->depth--;
	return r;
}

int host_walk(const struct host *h, const char *dir,
	      int (*fn)(void *arg, const char *path, const struct stat *st, struct err *e),
	      void *arg, struct err *e)
{
	struct walk w = { .h = h, .fn = fn, .arg = arg };
	_cleanup_close_ int fd = host_open_dir_without_links(h, dir, e);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return fail(&w, e, "look at", dir);
	w.dev = st.st_dev;
	return walk_dir(&w, fd, dir, e);
}
