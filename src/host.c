/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <dirent.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "buf.h"
#include "change.h"
#include "resolve.h"

struct fact {
	char *name;
	void *fact;
	void (*done)(void *fact);
	struct fact *next;
};

struct host {
	int root;
	bool live, booting;
	const char *offline_why;
	char *prefix, *root_words, *plan_words;
	const struct changes *overlay;
	struct fact **facts; /* behind a pointer: asking a const host for a fact may fetch it */
};

static bool in_chroot(void)
{
	struct stat ours, init;

	/* Only root can follow the link, and write; not in a bare chroot, without /proc. */
	if (stat("/proc/1/root", &init) < 0 || stat("/", &ours) < 0)
		return geteuid() == 0;
	return init.st_dev != ours.st_dev || init.st_ino != ours.st_ino;
}

int host_open(const char *root, struct host **ret, struct err *e)
{
	_cleanup_host_ struct host *h = calloc(1, sizeof(*h));
	size_t n;

	if (!h)
		return err_oom(e);
	h->root = -1;
	h->facts = calloc(1, sizeof(*h->facts));
	h->prefix = strdup(root ? root : "");
	h->root_words = root ? buf_words("", " --root ", root) : strdup("");
	if (!h->facts || !h->prefix || !h->root_words)
		return err_oom(e);
	for (n = strlen(h->prefix); n && h->prefix[n - 1] == '/'; n--)
		h->prefix[n - 1] = '\0';
	h->root = open(root ? root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->root < 0)
		return err_sys(e, errno, "cannot open the root directory '%s'", root ? root : "/");
	if (root)
		h->offline_why = "--root";
	else if (in_chroot())
		h->offline_why = "in a chroot";
	else if (!host_exists(h, "/run/systemd/system")) /* as sd_booted(3) */
		h->offline_why = "systemd is not running";
	h->live = !h->offline_why;
	*ret = TAKE_PTR(h);
	return 0;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	if (h->facts)
		host_forget(h);
	free(h->facts);
	free(h->prefix);
	free(h->root_words);
	free(h->plan_words);
	if (h->root >= 0)
		close(h->root);
	free(h);
}

int host_root(const struct host *h)
{
	return h->root;
}

bool host_is_live(const struct host *h)
{
	return h->live;
}

void host_set_booting(struct host *h)
{
	h->booting = h->live;
}

bool host_is_booting(const struct host *h)
{
	return h->booting;
}

const char *host_offline_why(const struct host *h)
{
	return h->offline_why;
}

const char *host_prefix(const struct host *h)
{
	return h->prefix;
}

const char *host_root_words(const struct host *h)
{
	return h->root_words;
}

int host_set_plan(struct host *h, const char *plan, struct err *e)
{
	free(h->plan_words);
	h->plan_words = buf_words(h->root_words, " ", plan);
	return h->plan_words ? 0 : err_oom(e);
}

const char *host_plan_words(const struct host *h)
{
	return h->plan_words ? h->plan_words : h->root_words;
}

void host_overlay(struct host *h, const struct changes *c)
{
	h->overlay = c;
}

static int open_in_root(const struct host *h, const char *path, int flags)
{
	return resolve_in_root(h->root, path, flags);
}

static int open_without_links(const struct host *h, const char *path, int flags)
{
	return resolve_without_links(h->root, path, flags);
}

static int fail(const struct host *h, struct err *e, int r, const char *what, const char *path)
{
	return err_sys(e, r, "cannot %s '%s%s'", what, h->prefix, path);
}

int host_open_path(const struct host *h, const char *path, struct err *e)
{
	int fd = open_in_root(h, path, O_PATH);

	return fd < 0 ? fail(h, e, fd, "open", path) : fd;
}

int host_open_dir(const struct host *h, const char *dir, struct err *e)
{
	int fd = open_in_root(h, dir, O_RDONLY | O_DIRECTORY);

	return fd < 0 ? fail(h, e, fd, "open the directory", dir) : fd;
}

static int name_of(int fd, char name[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	name[n] = '\0';
	return 0;
}

int host_real_path(const struct host *h, const char *path, char **ret, struct err *e)
{
	_cleanup_close_ int fd = open_in_root(h, path, O_PATH);
	char root[PATH_MAX], real[PATH_MAX];
	_cleanup_free_ char *parent = NULL, *where = NULL;
	const char *name;
	size_t n;
	int r;

	if (fd == -ENOENT) {
		if (path_split(path, &parent, &name, e) < 0 ||
		    host_real_path(h, parent, &where, e) < 0)
			return e->code;
		if (asprintf(ret, "%s/%s", streq(where, "/") ? "" : where, name) < 0)
			return err_oom(e);
		return 0;
	}
	if (fd < 0)
		return fail(h, e, fd, "resolve", path);
	if ((r = name_of(h->root, root)) < 0 || (r = name_of(fd, real)) < 0)
		return fail(h, e, r, "resolve", path);
	n = streq(root, "/") ? 0 : strlen(root);
	if (strncmp(real, root, n) != 0 || (real[n] != '/' && real[n]))
		return fail(h, e, ESTALE, "resolve", path);
	*ret = strdup(real[n] ? real + n : "/");
	return *ret ? 0 : err_oom(e);
}

int host_open_dir_without_links(const struct host *h, const char *dir, struct err *e)
{
	int fd = open_without_links(h, dir, O_RDONLY | O_DIRECTORY);

	return fd < 0 ? fail(h, e, fd, "open the directory", dir) : fd;
}

int path_split(const char *path, char **ret_dir, const char **ret_name, struct err *e)
{
	const char *slash = strrchr(path, '/');

	if (path[0] != '/' || !slash[1] || strstr(path, "//") || strstr(path, "/../") ||
	    strstr(path, "/./") || streq(slash, "/..") || streq(slash, "/."))
		return err_set(e, EINVAL, "'%s' is not an absolute path in normal form", path);
	*ret_dir = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!*ret_dir)
		return err_oom(e);
	*ret_name = slash + 1;
	return 0;
}

/* --- reading --- */

static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0, cap;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > 0 && (uint64_t)st.st_size > max)
		return -EFBIG;
	/* One for a byte past the end, one for the NUL. Files of /proc have no size, and those of
	 * /proc/sys give all they have to the first read, nothing to a second. */
	cap = st.st_size ? (size_t)st.st_size + 2 : 4096;
	data = malloc(cap);
	if (!data)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, data + len, cap - 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len + 1 >= cap) {
			char *more = realloc(data, cap * 2);

			if (!more)
				return -ENOMEM;
			data = more;
			cap *= 2;
		}
	}
	data[len] = '\0';
	*ret = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

/* Opens a regular file for reading: looked at first, since opening a device or a fifo has effects.
 */
static int open_regular(const struct host *h, const char *path, int flags)
{
	_cleanup_close_ int look = open_in_root(h, path, O_PATH | flags);
	struct stat st;

	if (look < 0)
		return look;
	if (fstat(look, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	return open_in_root(h, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | flags);
}

static const struct image *planned(const struct host *h, const char *path)
{
	const struct change *c = h->overlay ? changes_find(h->overlay, path) : NULL;

	return c ? &c->after : NULL;
}

int host_read(const struct host *h, const char *path, size_t max, char **ret, size_t *ret_len,
	      struct err *e)
{
	const struct change *c = h->overlay ? changes_find(h->overlay, path) : NULL;
	const struct image *im = c && c->kind != CHANGE_ATTRS ? &c->after : NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (im) {
		if (!im->exists)
			return fail(h, e, ENOENT, "read", path);
		if (!S_ISREG(im->mode))
			return fail(h, e, EINVAL, "read", path);
		*ret = memdup0(im->content, im->len);
		*ret_len = im->len;
		return *ret ? 0 : err_oom(e);
	}
	fd = open_regular(h, path, 0);
	if (fd == -EINVAL)
		return err_set(e, EINVAL, "cannot read '%s%s': it is not a regular file", h->prefix,
			       path);
	if (fd < 0)
		return fail(h, e, fd, "read", path);
	r = read_all(fd, max, ret, ret_len);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "cannot read '%s%s': it is larger than %zu bytes",
			       h->prefix, path, max);
	return r < 0 ? fail(h, e, r, "read", path) : 0;
}

int host_read_own(const struct host *h, const char *dir, const char *path, size_t max, char **ret,
		  size_t *ret_len, struct err *e)
{
	_cleanup_close_ int top = host_open_dir(h, dir, e), look = -1, fd = -1;
	struct stat st;
	int r = 0;

	if (top < 0)
		return top;
	look = resolve_without_links(top, path, O_PATH | O_NOFOLLOW);
	if (look < 0 && look != -ELOOP)
		return err_sys(e, look, "cannot read '%s%s/%s'", h->prefix, dir, path);
	if (look >= 0 && fstat(look, &st) < 0)
		return err_sys(e, errno, "cannot look at '%s%s/%s'", h->prefix, dir, path);
	if (look < 0 || !S_ISREG(st.st_mode))
		return err_set(
			e, EPERM,
			"'%s%s/%s' is not a regular file, or a link leads to it: what stands "
			"there can't be trusted. Look at it, and put the file itself back",
			h->prefix, dir, path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return err_set(e, EPERM,
			       "'%s%s/%s' belongs to another user, or others can write in it: what "
			       "stands there can't be trusted. Look at it, then: chown root:root, "
			       "chmod 600",
			       h->prefix, dir, path);
	fd = resolve_without_links(top, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	r = fd < 0 ? fd : read_all(fd, max, ret, ret_len);
	return r < 0 ? err_sys(e, r, "cannot read '%s%s/%s'", h->prefix, dir, path) : 0;
}

static int do_stat(const struct host *h, const char *path, int flags, struct stat *ret,
		   struct err *e)
{
	const struct image *im = planned(h, path);
	_cleanup_close_ int fd = -1;

	if (im) {
		if (!im->exists)
			return fail(h, e, ENOENT, "look at", path);
		*ret = (struct stat){
			.st_mode = im->mode,
			.st_uid = im->uid,
			.st_gid = im->gid,
			.st_size = (off_t)im->len,
			.st_nlink = 1,
		};
		return 0;
	}
	fd = open_in_root(h, path, O_PATH | flags);
	if (fd < 0)
		return fail(h, e, fd, "look at", path);
	if (fstat(fd, ret) < 0)
		return fail(h, e, errno, "look at", path);
	return 0;
}

int host_lstat(const struct host *h, const char *path, struct stat *ret, struct err *e)
{
	return do_stat(h, path, O_NOFOLLOW, ret, e);
}

int host_stat(const struct host *h, const char *path, struct stat *ret, struct err *e)
{
	return do_stat(h, path, 0, ret, e);
}

bool host_exists(const struct host *h, const char *path)
{
	struct stat st;
	struct err e;

	return host_stat(h, path, &st, &e) == 0;
}

bool host_absent(const struct host *h, const char *path)
{
	struct err ignored;
	struct stat st;
	int r = host_stat(h, path, &st, &ignored);

	return r == -ENOENT || r == -ENOTDIR;
}

int host_first(const struct host *h, const char *const *paths, const char **ret, struct err *e)
{
	*ret = NULL;
	for (; *paths; paths++) {
		struct stat st;
		int r = host_stat(h, *paths, &st, e);

		if (r == 0)
			*ret = *paths;
		if (r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return 0;
}

struct names {
	char **list;
	size_t n;
};

static int names_add(struct names *v, const char *name)
{
	char **list;

	/* Grown in powers of two; always with room for the closing NULL. */
	if (((v->n + 1) & v->n) == 0) {
		list = reallocarray(v->list, (v->n + 1) * 2, sizeof(*list));
		if (!list)
			return -ENOMEM;
		v->list = list;
	}
	v->list[v->n] = strdup(name);
	if (!v->list[v->n])
		return -ENOMEM;
	v->list[++v->n] = NULL;
	return 0;
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_now(const struct host *h, const char *dir, struct names *v)
{
	_cleanup_close_ int fd = open_in_root(h, dir, O_RDONLY | O_DIRECTORY);
	struct dirent *d;
	DIR *stream;
	int r = 0;

	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (!stream)
		return -errno;
	TAKE_FD(fd);
	while (r == 0 && (errno = 0, d = readdir(stream)))
		if (!streq(d->d_name, ".") && !streq(d->d_name, ".."))
			r = names_add(v, d->d_name);
	if (r == 0 && errno)
		r = -errno;
	closedir(stream);
	return r;
}

/* What is planned in a directory: new names come, removed ones go. */
static int list_planned(const struct host *h, const char *dir, struct names *v, bool *ret_any)
{
	size_t dlen = streq(dir, "/") ? 0 : strlen(dir);

	for (size_t i = 0; h->overlay && i < h->overlay->n; i++) {
		const struct change *c = h->overlay->list[i];
		const char *name = c->path + dlen + 1;
		size_t at;

		if (c->kind == CHANGE_ATTRS) /* it is there */
			continue;
		if (streq(c->path, dir) && c->after.exists)
			*ret_any = true;
		if (strncmp(c->path, dir, dlen) != 0 || c->path[dlen] != '/' || strchr(name, '/'))
			continue;
		for (at = 0; at < v->n && !streq(v->list[at], name); at++)
			;
		if (c->after.exists && at == v->n) {
			if (names_add(v, name) < 0)
				return -ENOMEM;
			*ret_any = true;
		} else if (!c->after.exists && at < v->n) {
			free(v->list[at]);
			v->list[at] = v->list[--v->n];
			v->list[v->n] = NULL;
		}
	}
	return 0;
}

int host_list(const struct host *h, const char *dir, char ***ret, struct err *e)
{
	_cleanup_strv_ char **list = calloc(1, sizeof(*list));
	struct names v = { list, 0 };
	bool any = false;
	int r, p;

	if (!list)
		return err_oom(e);
	r = list_now(h, dir, &v);
	p = list_planned(h, dir, &v, &any);
	list = v.list;
	if (p < 0)
		return err_oom(e);
	if (r < 0 && !(r == -ENOENT && any))
		return fail(h, e, r, "list", dir);
	if (v.n)
		qsort(v.list, v.n, sizeof(*v.list), name_cmp);
	*ret = TAKE_PTR(list);
	return 0;
}

/* --- images --- */

static int xattr_cmp(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

/* The kernel computes these from the content; they are not ours to carry over. */
static bool xattr_derived(const char *name)
{
	return streq(name, "security.ima") || streq(name, "security.evm");
}

/* O_PATH fds have no f*xattr(2); their /proc link does. Without /proc, what isn't a file or
 * directory shows none. */
static int image_xattrs(int fd, bool opath, struct image *im)
{
	_cleanup_free_ char *names = NULL;
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = opath ? listxattr(link, NULL, 0) : flistxattr(fd, NULL, 0);
	if (len < 0)
		return errno == EOPNOTSUPP || (opath && errno == ENOENT) ? 0 : -errno;
	if (len == 0)
		return 0;
	names = malloc((size_t)len);
	if (!names)
		return -ENOMEM;
	len = opath ? listxattr(link, names, (size_t)len) : flistxattr(fd, names, (size_t)len);
	if (len < 0)
		return -errno;
	for (char *name = names; name < names + len; name += strlen(name) + 1) {
		struct xattr *list, *x;
		char value[65536]; /* XATTR_SIZE_MAX */
		ssize_t n;

		if (xattr_derived(name))
			continue;
		n = opath ? getxattr(link, name, value, sizeof(value))
			  : fgetxattr(fd, name, value, sizeof(value));
		if (n < 0 && (errno == ENODATA || errno == EOPNOTSUPP))
			continue;
		if (n < 0)
			return -errno;
		list = reallocarray(im->xattrs, im->n_xattrs + 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		im->xattrs = list;
		x = &list[im->n_xattrs];
		x->name = strdup(name);
		x->value = memdup0(value, (size_t)n);
		x->len = (size_t)n;
		im->n_xattrs++;
		if (!x->name || !x->value)
			return -ENOMEM;
	}
	if (im->n_xattrs)
		qsort(im->xattrs, im->n_xattrs, sizeof(*im->xattrs), xattr_cmp);
	return 0;
}

static void image_stat(struct image *im, const struct stat *st)
{
	im->exists = true;
	im->mode = st->st_mode;
	im->uid = st->st_uid;
	im->gid = st->st_gid;
	im->nlink = st->st_nlink;
	im->mtime = st->st_mtim;
	im->ino = st->st_ino;
}

enum fill {
	FILL_ALL,
	FILL_ATTRS,
	FILL_ATTRS_WITHOUT_LINKS,
};

static int image_fill(const struct host *h, const char *path, enum fill what, struct image *im)
{
	int (*open_it)(const struct host *, const char *, int) =
		what == FILL_ATTRS_WITHOUT_LINKS ? open_without_links : open_in_root;
	_cleanup_close_ int look = open_it(h, path, O_PATH | O_NOFOLLOW);
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (look == -ENOENT || look == -ENOTDIR ||
	    (look == -ELOOP && what == FILL_ATTRS_WITHOUT_LINKS))
		return 0;
	if (look < 0)
		return look;
	if (fstat(look, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		image_stat(im, &st);
		if (S_ISLNK(st.st_mode)) {
			char target[PATH_MAX];
			ssize_t n = readlinkat(look, "", target, sizeof(target) - 1);

			if (n < 0)
				return -errno;
			im->content = memdup0(target, (size_t)n);
			im->len = (size_t)n;
			return im->content ? 0 : -ENOMEM;
		}
		return image_xattrs(look, true, im);
	}
	fd = open_it(h, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	image_stat(im, &st);
	r = image_xattrs(fd, false, im);
	if (r < 0 || S_ISDIR(st.st_mode) || what != FILL_ALL)
		return r;
	return read_all(fd, HOST_READ_MAX, &im->content, &im->len);
}

static int image_look(const struct host *h, const char *path, enum fill what, struct image *ret,
		      struct err *e)
{
	struct image im = { 0 };
	int r = image_fill(h, path, what, &im);

	if (r < 0) {
		image_done(&im);
		return fail(h, e, r, "read", path);
	}
	*ret = im;
	return 0;
}

int host_image_now(const struct host *h, const char *path, struct image *ret, struct err *e)
{
	return image_look(h, path, FILL_ALL, ret, e);
}

/* What is planned for the attributes alone doesn't hold the content. */
int host_image(const struct host *h, const char *path, struct image *ret, struct err *e)
{
	const struct change *c = h->overlay ? changes_find(h->overlay, path) : NULL;
	_cleanup_(image_done) struct image now = { 0 };

	if (!c)
		return host_image_now(h, path, ret, e);
	if ((c->kind == CHANGE_ATTRS && host_image_now(h, path, &now, e) < 0) ||
	    image_copy(&c->after, ret, e) < 0)
		return e->code;
	if (c->kind == CHANGE_ATTRS) {
		ret->content = TAKE_PTR(now.content);
		ret->len = now.len;
	}
	return 0;
}

int host_attrs_now(const struct host *h, const char *path, bool no_links, struct image *ret,
		   struct err *e)
{
	return image_look(h, path, no_links ? FILL_ATTRS_WITHOUT_LINKS : FILL_ATTRS, ret, e);
}

int host_attrs(const struct host *h, const char *path, bool no_links, struct image *ret,
	       struct err *e)
{
	const struct image *im = planned(h, path);
	struct image bare;

	if (!im)
		return host_attrs_now(h, path, no_links, ret, e);
	bare = *im;
	bare.content = NULL;
	bare.len = 0;
	return image_copy(&bare, ret, e);
}

/* --- what a stat doesn't tell --- */

int host_born(const struct host *h, const char *path, struct timespec *ret, struct err *e)
{
	_cleanup_close_ int fd = open_in_root(h, path, O_PATH | O_NOFOLLOW);
	struct statx sx;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &sx) < 0)
		return fail(h, e, fd < 0 ? fd : errno, "look at", path);
	if (!(sx.stx_mask & STATX_BTIME))
		return fail(h, e, EOPNOTSUPP, "tell the birth of", path);
	*ret = (struct timespec){ .tv_sec = sx.stx_btime.tv_sec, .tv_nsec = sx.stx_btime.tv_nsec };
	return 0;
}

static const char *file_system_name(long type, char buf[24])
{
	static const struct {
		long type;
		const char *name;
	} names[] = {
		{ MSDOS_SUPER_MAGIC, "FAT" },	   { 0x2011bab0, "exFAT" },
		{ NFS_SUPER_MAGIC, "NFS" },	   { V9FS_MAGIC, "9p" },
		{ FUSE_SUPER_MAGIC, "FUSE" },	   { SMB2_SUPER_MAGIC, "SMB" },
		{ ISOFS_SUPER_MAGIC, "ISO 9660" }, { SQUASHFS_MAGIC, "squashfs" },
		{ TMPFS_MAGIC, "tmpfs" },	   { OVERLAYFS_SUPER_MAGIC, "overlay" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(buf, 24, "type 0x%lx", type);
	return buf;
}

int host_has_acls(const struct host *h, const char *path, struct err *e)
{
	_cleanup_close_ int fd = open_in_root(h, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char name[24];
	struct statfs fs;

	if (fd < 0)
		return fail(h, e, fd, "open", path);
	if (fgetxattr(fd, XATTR_ACL, NULL, 0) >= 0 || errno != EOPNOTSUPP)
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return fail(h, e, errno, "look at", path);
	return err_set(e, EOPNOTSUPP, "'%s%s' is on a file system without POSIX ACLs (%s)",
		       h->prefix, path, file_system_name((long)fs.f_type, name));
}

/* --- facts --- */

void *host_kept(const struct host *h, const char *name)
{
	for (struct fact *f = *h->facts; f; f = f->next)
		if (streq(f->name, name))
			return f->fact;
	return NULL;
}

int host_keep(const struct host *h, const char *name, void *fact, void (*done)(void *),
	      struct err *e)
{
	struct fact *f = calloc(1, sizeof(*f));

	if (!f || !(f->name = strdup(name))) {
		free(f);
		done(fact);
		return err_oom(e);
	}
	f->fact = fact;
	f->done = done;
	f->next = *h->facts;
	*h->facts = f;
	return 0;
}

void host_forget(const struct host *h)
{
	while (*h->facts) {
		struct fact *f = *h->facts;

		*h->facts = f->next;
		f->done(f->fact);
		free(f->name);
		free(f);
	}
}
