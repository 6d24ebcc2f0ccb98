/* SPDX-License-Identifier: Apache-2.0 */
#include "sources.h"

#include <limits.h>

#include "buf.h"
#include "module.h"
#include "plan.h"
#include "trust.h"
#include "value.h"

#define FILE_SIZE_MAX  ((size_t)1024 * 1024)
#define TOTAL_SIZE_MAX ((size_t)4 * 1024 * 1024) /* the plan and all its includes */
#define CHAIN_MAX      4			 /* includes that are told of a file */
#define STDIN_NAME     "<stdin>"
#define PROFILE_PREFIX "profile:"

/* A file being read, and the one that includes it. */
struct origin {
	const struct origin *up;
	const struct node *by; /* the entry of up's include that names this file */
	const char *name;      /* in positions */
	const char *folder; /* what stands before the name of a file beside it: "", or up to '/' */
	int dir;	    /* -1: no folder, only profiles can be included */
	bool is_file;	    /* dev and ino say which */
	dev_t dev;
	ino_t ino;
};

/* "drift: apply" is drift: {action: apply}, and merges as such. */
static int scalars_wrap(struct node_pool *pool, const struct node *top)
{
	for (size_t i = 0; modules[i]; i++) {
		const struct module *m = modules[i];
		struct node *n = m->scalar ? node_get(top, m->name, strlen(m->name)) : NULL;

		if (n && node_wrap(pool, n, m->scalar) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int text_load(struct sources *l, const struct origin *o, const char *text, size_t len,
		     struct node **ret);

/* The includes that lead to what `by`, an entry of a list of `of`, names. NULL: out of memory. */
static const char *chain_text(struct sources *l, const struct origin *of, const struct node *by)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (int i = 0; by; by = of->by, of = of->up, i++) {
		if (i == CHAIN_MAX) {
			buf_adds(&b, ", ...");
			break;
		}
		buf_addf(&b, "%s%s:%u:%u", i ? ", by " : "", by->file, by->line, by->column);
	}
	return b.failed ? NULL : node_strdup(l->pool, b.data);
}

/* The bytes of a file, up to one more than may be. */
static int fd_read(int fd, const char *name, struct buf *b, struct err *e)
{
	ssize_t n;

	while (b->len <= FILE_SIZE_MAX) {
		buf_reserve(b, (size_t)16 * 1024);
		if (b->failed)
			return err_oom(e);
		n = read(fd, b->data + b->len, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "read '%s'", name);
		if (n == 0)
			break;
		b->len += (size_t)n;
	}
	return 0;
}

static int fd_load(struct sources *l, const struct origin *o, int fd, struct node **ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = fd_read(fd, o->name, &b, l->e);

	return r ? r : text_load(l, o, b.data ? b.data : "", b.len, ret);
}

/* A mistake about what an include names; the rest is read all the same. */
static bool included_by_itself(struct sources *l, const struct origin *of, const struct origin *o,
			       const struct node *n)
{
	char name[QUOTED_SIZE];

	for (; of; of = of->up) {
		if (o->is_file != of->is_file ||
		    (o->is_file ? o->dev != of->dev || o->ino != of->ino
				: !streq(o->name, of->name)))
			continue;
		node_mistake(n, l->errs, "%s includes itself%s",
			     text_quoted(o->is_file ? n->text : o->name, name),
			     of->name == n->file ? "" : ", by way of this file");
		return true;
	}
	return false;
}

static int profile_load(struct sources *l, const struct origin *of, const struct node *n,
			struct node **ret)
{
	const char *name = n->text + strlen(PROFILE_PREFIX);
	struct origin o = { .up = of, .by = n, .name = n->text, .folder = "", .dir = -1 };
	const char *names[64] = { 0 };
	const char *near;
	char quoted[QUOTED_SIZE], shipped[256] = "";
	size_t len = 0;

	for (const struct profile *p = profiles; p->name; p++) {
		if ((size_t)(p - profiles) + 1 < ARRAY_SIZE(names))
			names[p - profiles] = p->name;
		if (len < sizeof(shipped))
			len += (size_t)snprintf(shipped + len, sizeof(shipped) - len, "%s %s%s",
						len ? "," : "", PROFILE_PREFIX, p->name);
		if (!streq(p->name, name))
			continue;
		return included_by_itself(l, of, &o, n) ? 0
							: text_load(l, &o, p->text, p->len, ret);
	}
	near = field_nearest(name, names);
	if (near)
		node_mistake(n, l->errs, "no profile of the name %s: did you mean %s%s?",
			     text_quoted(name, quoted), PROFILE_PREFIX, near);
	else
		node_mistake(n, l->errs, "no profile of the name %s: shipped are%s",
			     text_quoted(name, quoted), shipped);
	return 0;
}

static int file_load(struct sources *l, const struct origin *of, const struct node *n,
		     struct node **ret)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;
	char quoted[QUOTED_SIZE];
	struct origin o = {
		.up = of, .by = n, .folder = of->folder, .dir = of->dir, .is_file = true
	};
	const char *chain;
	struct err e = { 0 };
	struct stat st;
	int r;

	text_quoted(n->text, quoted);
	if (strchr(n->text, '/') || streq(n->text, ".") || streq(n->text, "..")) {
		node_mistake(
			n, l->errs,
			"%s leaves the folder of this file: an include is profile:NAME, or the "
			"name of a file in the same folder",
			quoted);
		return 0;
	}
	if (of->dir < 0) {
		node_mistake(n, l->errs,
			     "%s can't be included: %s has no folder, only profile:NAME works here",
			     quoted, of->name);
		return 0;
	}
	if (asprintf(&name, "%s%s", of->folder, n->text) < 0) {
		name = NULL;
		return err_oom(l->e);
	}
	r = trust_open_beside(of->dir, n->text, name, l->check, &fd, &st, &e);
	if (r == -EPERM || (r && !trust_blames(r))) {
		chain = chain_text(l, of, n);
		return chain ? err_set(l->e, r, "%s\nincluded by %s", e.text, chain)
			     : err_oom(l->e);
	}
	if (r == -ELOOP) {
		node_mistake(
			n, l->errs,
			"%s is a symbolic link: an include is a file in this file's own folder",
			quoted);
		return 0;
	}
	if (r) {
		node_mistake(n, l->errs, "can't include %s: %s", quoted, e.text);
		return 0;
	}
	o.dev = st.st_dev;
	o.ino = st.st_ino;
	o.name = node_strdup(l->pool, name);
	if (!o.name)
		return err_oom(l->e);
	return included_by_itself(l, of, &o, n) ? 0 : fd_load(l, &o, fd, ret);
}

/* Whether an entry of the list is one; what is wrong with it has been told with the list. */
static bool entry_good(const struct field *row, const struct node *n, struct errs *errs)
{
	struct errs told = { 0 };
	bool clean = true;

	json_decref(value_parse(row, n, NULL, &told, &clean));
	if (told.failed)
		errs->failed = true;
	errs_done(&told);
	return clean;
}

/* All includes of a file, merged in their order. */
static int includes_load(struct sources *l, const struct origin *of, const struct node *top,
			 struct node **ret)
{
	const struct field *row = field_find(plan_fields, "include");
	const struct node *list = node_get(top, row->name, strlen(row->name));
	struct node *base = NULL;
	bool clean = true;
	int r;

	*ret = NULL;
	if (!list)
		return 0;
	json_decref(value_parse(row, list, row->name, l->errs, &clean));
	for (size_t i = 0; list->kind == NODE_LIST && i < list->n && i < SOURCES_INCLUDES; i++) {
		const struct node *n = list->child[i];
		struct node *one = NULL;

		if (!entry_good(row->of, n, l->errs))
			continue;
		if (l->n_files == SOURCES_MAX) {
			node_mistake(n, l->errs, "more than %d includes in all", SOURCES_MAX - 1);
			break;
		}
		r = has_prefix(n->text, PROFILE_PREFIX) ? profile_load(l, of, n, &one)
							: file_load(l, of, n, &one);
		if (r)
			return r;
		if (!one)
			continue;
		base = node_merge(l->pool, base, one);
		if (!base)
			return err_oom(l->e);
	}
	*ret = base;
	return 0;
}

static void version_check(struct sources *l, const char *file, const struct node *top)
{
	const struct field *row = field_find(plan_fields, "version");
	const struct field number = { .name = row->name, .type = FIELD_INT };
	const struct node *n = node_get(top, row->name, strlen(row->name));
	const struct node start = { .file = file, .line = 1, .column = 1 };
	bool clean = true;
	json_t *v;

	if (!n) {
		if (!top->partial)
			node_mistake(&start, l->errs,
				     "version is missing: write \"version: %d\" (without quotes) "
				     "at the top",
				     PLAN_FORMAT);
		return;
	}
	v = value_parse(&number, n, row->name, l->errs, &clean);
	if (v && json_integer_value(v) != PLAN_FORMAT)
		node_mistake(n, l->errs,
			     "version: this bulkhead reads plans of version %d, not %lld",
			     PLAN_FORMAT, (long long)json_integer_value(v));
	json_decref(v);
}

/*
 * "icc: null" in a file that others include, or that includes others: as if no file below had set
 * it. In a plan of one file it is the mistake that it always was. Lists are replaced as a whole,
 * there is nothing in them to take out.
 */
static void removals_mark(struct node *map, bool top)
{
	for (size_t i = 0; i < map->n; i++) {
		struct node *c = map->child[i];

		if (top && (streq(c->key->text, "version") || streq(c->key->text, "include")))
			continue;
		if (c->kind == NODE_MAP)
			removals_mark(c, false);
		else if (node_is_null(c) && *c->text)
			c->kind = NODE_REMOVED;
	}
}

static int text_load(struct sources *l, const struct origin *o, const char *text, size_t len,
		     struct node **ret)
{
	const struct node *include;
	const struct node start = { .file = o->name, .line = 1, .column = 1 };
	size_t told = l->errs->n;
	struct node *top, *base;
	int r;

	if (o->by) {
		l->from[l->n_files] = chain_text(l, o->up, o->by);
		if (!l->from[l->n_files])
			return err_oom(l->e);
	}
	sha256_text(text, len, l->sha256[l->n_files]);
	l->files[l->n_files++] = o->name;
	l->bytes += len;
	if (len > FILE_SIZE_MAX || l->bytes > TOTAL_SIZE_MAX) {
		node_mistake(&start, l->errs, "larger than %d MiB%s", len > FILE_SIZE_MAX ? 1 : 4,
			     len > FILE_SIZE_MAX ? "" : " together with the other files");
		return 0;
	}
	if (node_parse(l->pool, o->name, text, len, &top, l->errs) < 0)
		return err_oom(l->e);
	if (!top && l->errs->n == told)
		node_mistake(&start, l->errs, "the plan is empty: it begins with \"version: %d\"",
			     PLAN_FORMAT);
	if (top && top->kind != NODE_MAP) {
		if (top->kind != NODE_BAD)
			node_mistake(top, l->errs,
				     "a plan is a mapping of sections: it begins with \"version: "
				     "%d\"",
				     PLAN_FORMAT);
		return 0;
	}
	if (!top)
		return 0;
	version_check(l, o->name, top);

	/* "socket:" with nothing behind it is a section of defaults. */
	for (size_t i = 0; i < top->n; i++) {
		struct node *c = top->child[i];

		if (c->kind == NODE_SCALAR && c->plain && !*c->text &&
		    !streq(c->key->text, "version") && !streq(c->key->text, "include"))
			c->kind = NODE_MAP;
	}
	include = node_get(top, "include", 7);
	if (o->up || (include && include->kind == NODE_LIST && include->n))
		removals_mark(top, true);
	if (scalars_wrap(l->pool, top) < 0)
		return err_oom(l->e);
	r = includes_load(l, o, top, &base);
	if (r)
		return r;
	*ret = node_merge(l->pool, base, top);
	return *ret ? 0 : err_oom(l->e);
}

/* What stands before the names of files beside the plan: as the person wrote it, where that is the
 * folder (and not a symbolic link away from it). */
static const char *folder_name(struct sources *l, const char *path, int dir)
{
	const char *slash = strrchr(path, '/');
	struct stat given, real;
	char buf[PATH_MAX];
	char *folder = node_strdup(l->pool, path);
	size_t n;

	if (!folder)
		return NULL;
	folder[slash ? slash + 1 - path : 0] = '\0';
	if (stat(*folder ? folder : ".", &given) == 0 && fstat(dir, &real) == 0 &&
	    given.st_dev == real.st_dev && given.st_ino == real.st_ino)
		return folder;
	n = strlen(trust_path(dir, folder, buf));
	folder = node_alloc(l->pool, n + 2);
	if (folder)
		snprintf(folder, n + 2, "%s/", buf);
	return folder;
}

/* Opens the plan and finds out where it stands. */
static int plan_open(struct sources *l, const char *path, struct origin *o, int *ret_dir,
		     int *ret_fd)
{
	struct stat st;
	int r;

	if (streq(path, "-")) {
		o->name = STDIN_NAME;
		return 0;
	}
	r = trust_open(path, l->check, ret_dir, ret_fd, &st, l->e);
	if (r == -ENOENT)
		err_append(l->e,
			   "\na first plan is two lines: \"version: %d\" and \"include: "
			   "[profile:baseline]\"",
			   PLAN_FORMAT);
	if (r)
		return r;
	o->name = node_strdup(l->pool, path);
	o->folder = folder_name(l, path, *ret_dir);
	if (!o->name || !o->folder)
		return err_oom(l->e);
	o->dir = *ret_dir;
	o->is_file = true;
	o->dev = st.st_dev;
	o->ino = st.st_ino;
	return 0;
}

int sources_load_text(struct sources *l, const char *name, const char *text, size_t len,
		      struct node **ret)
{
	struct origin o = { .folder = "", .dir = -1 };

	o.name = node_strdup(l->pool, name);
	return o.name ? text_load(l, &o, text, len, ret) : err_oom(l->e);
}

int sources_load(struct sources *l, const char *path, struct node **ret)
{
	struct origin o = { .folder = "", .dir = -1 };
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int fd = -1;
	int r = plan_open(l, path, &o, &dir, &fd);

	return r ? r : fd_load(l, &o, fd < 0 ? STDIN_FILENO : fd, ret);
}
