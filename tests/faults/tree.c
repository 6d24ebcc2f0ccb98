/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <dirent.h>
#include <error.h>
#include <limits.h>
#include <sys/xattr.h>

#include "tracer.h"

#define XATTRS_MAX 65536

static void *must(void *p)
{
	if (!p)
		error(TRACER_TROUBLE, 0, "out of memory");
	return p;
}

/* --- reading --- */

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each name, NUL, the value's length, the value. */
static void read_xattrs(const char *proc, struct tree_entry *x)
{
	static char names[XATTRS_MAX], value[XATTRS_MAX];
	char *sorted[256];
	ssize_t len = listxattr(proc, names, sizeof(names));
	size_t n = 0;

	for (char *p = names; len > 0 && p < names + len && n < ARRAY_SIZE(sorted);
	     p += strlen(p) + 1)
		sorted[n++] = p;
	if (n)
		qsort(sorted, n, sizeof(*sorted), name_cmp);
	for (size_t i = 0; i < n; i++) {
		ssize_t got = getxattr(proc, sorted[i], value, sizeof(value));
		size_t name = strlen(sorted[i]) + 1, size = got < 0 ? 0 : (size_t)got;
		char *end;

		if (got < 0)
			continue;
		x->xattrs = must(realloc(x->xattrs, x->xattrs_len + name + sizeof(size) + size));
		end = mempcpy(x->xattrs + x->xattrs_len, sorted[i], name);
		end = mempcpy(end, &size, sizeof(size));
		memcpy(end, value, size);
		x->xattrs_len += name + sizeof(size) + size;
	}
}

static void read_entry(int dir, const char *name, char *path, struct tree *t)
{
	_cleanup_close_ int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct tree_entry *x;
	char proc[64];

	t->list = (t->n & (t->n - 1)) ? t->list
				      : must(realloc(t->list, (t->n ? t->n * 2 : 1) * sizeof(*x)));
	x = &t->list[t->n++];
	*x = (struct tree_entry){ .path = path };
	if (fd < 0 || fstat(fd, &x->st) < 0)
		error(TRACER_TROUBLE, errno, "%s", path);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (S_ISLNK(x->st.st_mode)) {
		x->len = (size_t)x->st.st_size;
		x->data = must(malloc(x->len + 1));
		if (readlinkat(fd, "", x->data, x->len) != (ssize_t)x->len)
			error(TRACER_TROUBLE, errno, "%s", path);
	} else {
		read_xattrs(proc, x);
	}
	if (S_ISREG(x->st.st_mode)) {
		_cleanup_close_ int in = open(proc, O_RDONLY | O_CLOEXEC);

		x->len = (size_t)x->st.st_size;
		x->data = must(malloc(x->len + 1));
		if (in < 0 || read(in, x->data, x->len) != (ssize_t)x->len)
			error(TRACER_TROUBLE, errno, "%s", path);
	}
	if (S_ISDIR(x->st.st_mode)) {
		DIR *d = fdopendir(openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		struct dirent *e;

		if (!d)
			error(TRACER_TROUBLE, errno, "%s", path);
		while ((e = readdir(d))) {
			char *below;

			if (streq(e->d_name, ".") || streq(e->d_name, ".."))
				continue;
			if (asprintf(&below, "%s%s%s", streq(path, ".") ? "" : path,
				     streq(path, ".") ? "" : "/", e->d_name) < 0)
				must(NULL);
			read_entry(dirfd(d), e->d_name, below, t);
		}
		closedir(d);
	}
}

static int entry_cmp(const void *a, const void *b)
{
	return strcmp(((const struct tree_entry *)a)->path, ((const struct tree_entry *)b)->path);
}

void tree_read(const char *dir, struct tree *ret)
{
	*ret = (struct tree){ 0 };
	read_entry(AT_FDCWD, dir, must(strdup(".")), ret);
	qsort(ret->list, ret->n, sizeof(*ret->list), entry_cmp);
}

void tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->list[i].path);
		free(t->list[i].data);
		free(t->list[i].xattrs);
	}
	free(t->list);
	*t = (struct tree){ 0 };
}

/* --- comparing --- */

static bool same_attrs(const struct tree_entry *a, const struct tree_entry *b)
{
	return a->st.st_mode == b->st.st_mode && a->st.st_uid == b->st.st_uid &&
	       a->st.st_gid == b->st.st_gid && a->st.st_rdev == b->st.st_rdev &&
	       a->xattrs_len == b->xattrs_len &&
	       (!a->xattrs_len || memcmp(a->xattrs, b->xattrs, a->xattrs_len) == 0);
}

static bool same_data(const struct tree_entry *a, const struct tree_entry *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

const char *tree_differs(const struct tree *a, const struct tree *b, bool (*skip)(const char *path),
			 bool (*alike)(const struct tree_entry *a, const struct tree_entry *b))
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		const struct tree_entry *x = i < a->n ? &a->list[i] : NULL;
		const struct tree_entry *y = k < b->n ? &b->list[k] : NULL;
		int c = !x ? 1 : !y ? -1 : strcmp(x->path, y->path);
		const char *path = c <= 0 ? x->path : y->path;

		i += c <= 0;
		k += c >= 0;
		if (skip(path))
			continue;
		if (c != 0 || !same_attrs(x, y) || (!same_data(x, y) && !alike(x, y)))
			return path;
	}
	return NULL;
}

/* --- writing --- */

static const struct tree_entry *find(const struct tree *t, const char *path)
{
	struct tree_entry key = { .path = (char *)(uintptr_t)path };

	return t->n ? bsearch(&key, t->list, t->n, sizeof(*t->list), entry_cmp) : NULL;
}

/* Can what stands there stay, but for owner, mode and attributes? */
static bool may_stay(const struct tree_entry *now, const struct tree_entry *want)
{
	return want && (now->st.st_mode & S_IFMT) == (want->st.st_mode & S_IFMT) &&
	       (S_ISDIR(now->st.st_mode) ||
		(now->st.st_rdev == want->st.st_rdev && now->st.st_nlink == 1 &&
		 want->st.st_nlink == 1 && same_data(now, want)));
}

static void make(int dir, const struct tree *t, const struct tree_entry *x)
{
	mode_t type = x->st.st_mode & S_IFMT;
	int r = 0;

	for (const struct tree_entry *l = t->list; l < x; l++)
		if (!S_ISDIR(type) && l->st.st_ino == x->st.st_ino &&
		    l->st.st_dev == x->st.st_dev) {
			if (linkat(dir, l->path, dir, x->path, 0) < 0)
				error(TRACER_TROUBLE, errno, "link %s", x->path);
			return;
		}
	if (S_ISDIR(type)) {
		r = mkdirat(dir, x->path, 0700);
	} else if (S_ISLNK(type)) {
		x->data[x->len] = '\0';
		r = symlinkat(x->data, dir, x->path);
	} else if (S_ISREG(type)) {
		const struct timespec times[2] = { x->st.st_atim, x->st.st_mtim };
		_cleanup_close_ int fd =
			openat(dir, x->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		r = fd < 0 ? -1 : write_all(fd, x->data, x->len);
		if (r == 0)
			r = futimens(fd, times);
	} else {
		r = mknodat(dir, x->path, type | 0600, x->st.st_rdev);
	}
	if (r < 0)
		error(TRACER_TROUBLE, errno, "make %s", x->path);
}

static void dress(int dir, const struct tree_entry *x)
{
	_cleanup_close_ int fd = openat(dir, x->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	static char names[XATTRS_MAX];
	char proc[64];
	ssize_t len;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (fd < 0 || fchownat(fd, "", x->st.st_uid, x->st.st_gid, AT_EMPTY_PATH) < 0)
		error(TRACER_TROUBLE, errno, "chown %s", x->path);
	if (S_ISLNK(x->st.st_mode))
		return;
	len = listxattr(proc, names, sizeof(names));
	for (char *n = names; len > 0 && n < names + len; n += strlen(n) + 1)
		removexattr(proc, n);
	if (chmod(proc, x->st.st_mode & 07777) < 0)
		error(TRACER_TROUBLE, errno, "chmod %s", x->path);
	for (const char *p = x->xattrs; p && p < x->xattrs + x->xattrs_len;) {
		const char *name = p, *value = p + strlen(p) + 1 + sizeof(size_t);
		size_t size;

		memcpy(&size, value - sizeof(size), sizeof(size));
		if (setxattr(proc, name, value, size, 0) < 0)
			error(TRACER_TROUBLE, errno, "%s of %s", name, x->path);
		p = value + size;
	}
}

void tree_write(const char *dir, const struct tree *t)
{
	_cleanup_close_ int fd = -1;
	struct tree now;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		error(TRACER_TROUBLE, errno, "%s", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		error(TRACER_TROUBLE, errno, "%s", dir);
	tree_read(dir, &now);
	for (size_t i = now.n; i-- > 0;) {
		struct tree_entry *x = &now.list[i];

		if (may_stay(x, find(t, x->path)))
			continue;
		if (unlinkat(fd, x->path, S_ISDIR(x->st.st_mode) ? AT_REMOVEDIR : 0) < 0)
			error(TRACER_TROUBLE, errno, "remove %s", x->path);
		x->st.st_mode = 0;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct tree_entry *want = &t->list[i], *is = find(&now, want->path);
		bool there = is && is->st.st_mode;

		if (!there)
			make(fd, t, want);
		if (!there || !same_attrs(is, want))
			dress(fd, want);
	}
	tree_done(&now);
}

void tree_remove(const char *dir)
{
	struct tree now;

	if (access(dir, F_OK) < 0)
		return;
	tree_read(dir, &now);
	for (size_t i = now.n; i-- > 0;) {
		_cleanup_free_ char *path = NULL;

		if (streq(now.list[i].path, "."))
			continue;
		if (asprintf(&path, "%s/%s", dir, now.list[i].path) < 0)
			must(NULL);
		if (remove(path) < 0)
			error(TRACER_TROUBLE, errno, "remove %s", path);
	}
	tree_done(&now);
	if (rmdir(dir) < 0)
		error(TRACER_TROUBLE, errno, "remove %s", dir);
}
