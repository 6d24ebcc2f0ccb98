/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/xattr.h>

#include "../../src/buf.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("FAIL trouble: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	_exit(125);
}

void *grow(void *list, size_t n, size_t size)
{
	/* In steps of powers of two. */
	if (n & (n - 1))
		return list;
	list = reallocarray(list, n ? n * 2 : 1, size);
	if (!list)
		die("out of memory");
	return list;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* --- versions --- */

static void read_xattrs(const char *path, struct version *v)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char names[65536], *list[256];
	ssize_t len = listxattr(path, names, sizeof(names));
	size_t n = 0;

	for (char *p = names; len > 0 && p < names + len && n < ARRAY_SIZE(list);
	     p += strlen(p) + 1)
		list[n++] = p;
	qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 0; i < n; i++) {
		char value[65536];
		ssize_t size = getxattr(path, list[i], value, sizeof(value));
		uint32_t size32 = (uint32_t)size;

		if (size < 0)
			die("cannot read attribute %s of %s: %m", list[i], path);
		buf_add(&b, list[i], strlen(list[i]) + 1);
		buf_add(&b, &size32, sizeof(size32));
		buf_add(&b, value, (size_t)size);
	}
	v->xattrs = buf_take(&b, &v->xattrs_len);
}

static void read_file(const char *path, struct version *v)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char part[65536];
	ssize_t n;

	if (fd < 0)
		die("cannot open %s: %m", path);
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(&b, part, (size_t)n);
	if (n < 0)
		die("cannot read %s: %m", path);
	v->data = buf_take(&b, &v->len);
}

void version_read(const char *path, const struct stat *st, struct version *ret)
{
	*ret = (struct version){ .mode = st->st_mode, .uid = st->st_uid, .gid = st->st_gid };
	if (S_ISREG(st->st_mode)) {
		read_file(path, ret);
	} else if (S_ISLNK(st->st_mode)) {
		char to[4096];
		ssize_t n = readlink(path, to, sizeof(to));

		ret->data = n < 0 ? NULL : strndup(to, (size_t)n);
		ret->len = n < 0 ? 0 : (size_t)n;
	}
	/* A link has none that anyone could set. */
	if (!S_ISLNK(st->st_mode))
		read_xattrs(path, ret);
	if (((S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)) && !ret->data) ||
	    (!S_ISLNK(st->st_mode) && !ret->xattrs))
		die("out of memory");
}

bool version_same(const struct version *a, const struct version *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->len == b->len &&
	       a->xattrs_len == b->xattrs_len &&
	       (!a->len || memcmp(a->data, b->data, a->len) == 0) &&
	       (!a->xattrs_len || memcmp(a->xattrs, b->xattrs, a->xattrs_len) == 0);
}

void version_done(struct version *v)
{
	free(v->data);
	free(v->xattrs);
}

/* --- the record --- */

long disk_inode(const struct disk *d, const struct stat *st)
{
	for (size_t i = d->n_inodes; i > 0; i--)
		if (d->inodes[i - 1].ino == st->st_ino && d->inodes[i - 1].dev == st->st_dev)
			return (long)i - 1;
	return -1;
}

size_t disk_slot(struct disk *d, size_t dir, const char *name)
{
	for (size_t i = 0; i < d->n_slots; i++)
		if (d->slots[i].dir == dir && streq(d->slots[i].name, name))
			return i;
	d->slots = grow(d->slots, d->n_slots, sizeof(*d->slots));
	d->slots[d->n_slots] =
		(struct slot){ .dir = dir, .name = strdup(name), .base = -1, .now = -1 };
	if (!d->slots[d->n_slots].name)
		die("out of memory");
	return d->n_slots++;
}

struct op *disk_op(struct disk *d, enum op_kind kind)
{
	d->ops = grow(d->ops, d->n_ops, sizeof(*d->ops));
	d->ops[d->n_ops] = (struct op){ .kind = kind };
	return &d->ops[d->n_ops++];
}

size_t disk_inode_new(struct disk *d, const struct stat *st, const char *path)
{
	struct inode *i;

	d->inodes = grow(d->inodes, d->n_inodes, sizeof(*d->inodes));
	i = &d->inodes[d->n_inodes];
	*i = (struct inode){ .dev = st->st_dev, .ino = st->st_ino };
	i->versions = grow(NULL, 0, sizeof(*i->versions));
	version_read(path, st, &i->versions[i->n++]);
	return d->n_inodes++;
}

void disk_touched(struct disk *d, size_t inode, const char *path)
{
	struct inode *i = &d->inodes[inode];
	struct version v;
	struct stat st;
	struct op *o;

	if (stat(path, &st) < 0)
		die("cannot look at %s: %m", path);
	version_read(path, &st, &v);
	if (version_same(&v, &i->versions[i->n - 1])) {
		version_done(&v);
		return;
	}
	i->versions = grow(i->versions, i->n, sizeof(*i->versions));
	i->versions[i->n] = v;
	o = disk_op(d, OP_VERSION);
	o->inode = inode;
	o->version = i->n++;
}

/* The names in a directory, sorted; an array that ends in NULL. */
static char **list_names(const char *path)
{
	char **names = grow(NULL, 0, sizeof(*names));
	struct dirent *entry;
	DIR *dir = opendir(path);
	size_t n = 0;

	if (!dir)
		die("cannot list %s: %m", path);
	while ((entry = readdir(dir))) {
		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		names[n++] = strdup(entry->d_name);
		names = grow(names, n, sizeof(*names));
	}
	closedir(dir);
	names[n] = NULL;
	qsort(names, n, sizeof(*names), by_name);
	return names;
}

static void scan(struct disk *d, const char *path, size_t dir)
{
	_cleanup_strv_ char **names = list_names(path);

	for (char **name = names; *name; name++) {
		char child[4096];
		struct stat st;
		long inode;
		size_t slot;

		snprintf(child, sizeof(child), "%s/%s", path, *name);
		if (lstat(child, &st) < 0)
			die("cannot look at %s: %m", child);
		inode = disk_inode(d, &st);
		if (inode < 0)
			inode = (long)disk_inode_new(d, &st, child);
		slot = disk_slot(d, dir, *name);
		d->slots[slot].base = d->slots[slot].now = inode;
		if (S_ISDIR(st.st_mode))
			scan(d, child, (size_t)inode);
	}
}

void disk_scan(struct disk *d, const char *root)
{
	struct stat st;

	*d = (struct disk){ 0 };
	if (stat(root, &st) < 0)
		die("cannot look at %s: %m", root);
	scan(d, root, disk_inode_new(d, &st, root));
}

void disk_done(struct disk *d)
{
	for (size_t i = 0; i < d->n_inodes; i++) {
		for (size_t k = 0; k < d->inodes[i].n; k++)
			version_done(&d->inodes[i].versions[k]);
		free(d->inodes[i].versions);
	}
	for (size_t i = 0; i < d->n_slots; i++)
		free(d->slots[i].name);
	free(d->inodes);
	free(d->slots);
	free(d->ops);
}

/* --- manifest --- */

static void add_bytes(struct buf *b, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c < ' ' || c > '~' || c == '\\')
			buf_addf(b, "\\%02x", c);
		else
			buf_addc(b, (char)c);
	}
}

static void manifest(struct buf *b, const char *path, const char *below, bool all)
{
	struct version v;
	struct stat st;

	if (!all && (streq(below, "/var/lib/bulkhead") || streq(below, "/etc/.pwd.lock")))
		return;
	if (lstat(path, &st) < 0)
		die("cannot look at %s: %m", path);
	version_read(path, &st, &v);
	/* What the history is made in stays, too. */
	if (all || (!streq(below, "/var") && !streq(below, "/var/lib"))) {
		buf_addf(b, "%s %o %u:%u ", *below ? below : "/", v.mode, v.uid, v.gid);
		add_bytes(b, v.xattrs, v.xattrs_len);
		buf_addc(b, ' ');
		add_bytes(b, v.data, v.len);
		buf_addc(b, '\n');
	}
	version_done(&v);
	if (S_ISDIR(st.st_mode)) {
		_cleanup_strv_ char **names = list_names(path);

		for (char **name = names; *name; name++) {
			char child[4096], child_below[4096];

			snprintf(child, sizeof(child), "%s/%s", path, *name);
			snprintf(child_below, sizeof(child_below), "%s/%s", below, *name);
			manifest(b, child, child_below, all);
		}
	}
}

char *tree_manifest(const char *root, bool all)
{
	struct buf b = BUF_INIT;
	char *text;

	manifest(&b, root, "", all);
	text = buf_take(&b, NULL);
	if (!text)
		die("out of memory");
	return text;
}
