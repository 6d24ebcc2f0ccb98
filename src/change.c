/* SPDX-License-Identifier: Apache-2.0 */
#include "change.h"

#include <stdarg.h>

#include "acl.h"

static void why_done(struct why *w)
{
	free(w->module);
	free(w->setting);
	free(w->cis);
	free(w->text);
}

static int copy_string(char **ret, const char *s, struct err *e)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? err_oom(e) : 0;
}

static int why_init(struct why *w, const char *module, const char *setting, const char *cis,
		    const char *text, struct err *e)
{
	*w = (struct why){ 0 };
	if (copy_string(&w->module, module, e) < 0 || copy_string(&w->setting, setting, e) < 0 ||
	    copy_string(&w->cis, cis, e) < 0 || copy_string(&w->text, text, e) < 0) {
		why_done(w);
		return -ENOMEM;
	}
	return 0;
}

void lines_free(struct line *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].old);
		free(list[i].text);
	}
	free(list);
}

static void whys_free(struct why *whys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		why_done(&whys[i]);
	free(whys);
}

static void change_free(struct change *c)
{
	if (!c)
		return;
	free(c->path);
	image_done(&c->before);
	image_done(&c->after);
	lines_free(c->lines, c->n_lines);
	whys_free(c->whys, c->n_whys);
	strv_free(c->test);
	free(c);
}
DEFINE_CLEANUP(struct change, change_free);

static void command_done(struct change_command *x)
{
	strv_free(x->argv);
	strv_free(x->back);
	whys_free(x->whys, x->n_whys);
}

void changes_init(struct changes *c)
{
	*c = (struct changes){ 0 };
}

void changes_done(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		change_free(c->list[i]);
	free(c->list);
	for (size_t i = 0; i < c->n_commands; i++)
		command_done(&c->commands[i]);
	free(c->commands);
	pathindex_done(&c->index);
	for (size_t i = 0; i < c->n_asks; i++) {
		free(c->asks[i].unit);
		why_done(&c->asks[i].why);
		free(c->asks[i].pending);
	}
	free(c->asks);
	for (size_t i = 0; i < c->n_notes; i++) {
		free(c->notes[i].module);
		free(c->notes[i].setting);
		free(c->notes[i].text);
	}
	free(c->notes);
	json_decref(c->state);
	errs_done(&c->mistakes);
	errs_done(&c->refusals);
	changes_init(c);
}

bool changes_empty(const struct changes *c)
{
	for (size_t i = 0; i < c->n_asks; i++)
		if (!c->asks[i].pending && c->asks[i].action != UNIT_NOTHING)
			return false;
	return c->n == 0 && c->n_commands == 0;
}

static struct change *find(const struct changes *c, const char *path)
{
	size_t at;

	return pathindex_find(&c->index, path, &at) ? c->list[at] : NULL;
}

const struct change *changes_find(const struct changes *c, const char *path)
{
	return find(c, path);
}

static int whys_add(struct why **list, size_t *n, const char *module, const char *setting,
		    const char *cis, const char *text, struct err *e)
{
	struct why *whys = reallocarray(*list, *n + 1, sizeof(*whys));

	if (!whys)
		return err_oom(e);
	*list = whys;
	if (why_init(&whys[*n], module, setting, cis, text, e) < 0)
		return -ENOMEM;
	++*n;
	return 0;
}

static int change_why(struct change *c, const char *module, const char *setting, const char *cis,
		      const char *text, struct err *e)
{
	return whys_add(&c->whys, &c->n_whys, module, setting, cis, text, e);
}

static int change_new(enum change_kind kind, const char *path, const char *module,
		      const char *setting, const char *cis, const char *text, struct change **ret,
		      struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *c = calloc(1, sizeof(*c));

	if (!c || !(c->path = strdup(path)))
		return err_oom(e);
	c->kind = kind;
	if (change_why(c, module, setting, cis, text, e) < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(c);
	return 0;
}

static int add(struct changes *c, struct change **what, struct err *e)
{
	struct change **list = reallocarray(c->list, c->n + 1, sizeof(struct change *));

	if (!list)
		return err_oom(e);
	c->list = list;
	if (pathindex_add(&c->index, (*what)->path, c->n, e) < 0)
		return e->code;
	list[c->n++] = TAKE_PTR(*what);
	return 0;
}

/* What may be replaced: nothing yet, or a regular file with one name. See facts on replacing files.
 */
static int target_check(const struct host *h, const char *path, const struct image *im,
			struct err *e)
{
	const char *p = host_prefix(h);

	if (!im->exists)
		return 0;
	if (S_ISLNK(im->mode))
		return err_set(
			e, ELOOP,
			"'%s%s' is a symbolic link to '%s': replacing it would cut the link; "
			"put a file there, or move the setting to where it points",
			p, path, im->content);
	if (!S_ISREG(im->mode))
		return err_set(e, EINVAL, "'%s%s' is not a regular file: move it out of the way", p,
			       path);
	if (im->nlink > 1)
		return err_set(
			e, EMLINK,
			"'%s%s' has %u hard links: replacing it would leave the others on the "
			"old content; make it a file of its own first",
			p, path, (unsigned)im->nlink);
	return 0;
}

static int twice(const struct change *c, const char *module, struct err *e)
{
	return err_set(e, EBUSY, "two changes to '%s': by %s and by %s", c->path, c->whys[0].module,
		       module);
}

int changes_dir(struct changes *c, const struct host *h, const char *path, mode_t mode, uid_t uid,
		gid_t gid, const char *module, const char *setting, const char *cis,
		const char *text, struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *dir = NULL;
	_cleanup_free_ char *parent = NULL;
	const char *name;
	struct stat st;
	int r = host_stat(h, path, &st, e);

	if (r == 0 && S_ISDIR(st.st_mode))
		return 0;
	if (r == 0)
		return err_set(e, ENOTDIR, "'%s%s' is not a directory: move it out of the way",
			       host_prefix(h), path);
	if (r != -ENOENT)
		return r;
	if (path_split(path, &parent, &name, e) < 0)
		return e->code;
	if (!streq(parent, "/") &&
	    changes_dir(c, h, parent, 0755, 0, 0, module, setting, cis, text, e) < 0)
		return e->code;
	if (change_new(CHANGE_DIR, path, module, setting, cis, text, &dir, e) < 0 ||
	    host_image_now(h, path, &dir->before, e) < 0)
		return e->code;
	if (dir->before.exists)
		return err_set(e, ENOTDIR, "'%s%s' is a symbolic link that leads nowhere",
			       host_prefix(h), path);
	if (host_replaceable(h, path, e) < 0)
		return e->code;
	dir->after =
		(struct image){ .exists = true, .mode = S_IFDIR | mode, .uid = uid, .gid = gid };
	return add(c, &dir, e);
}

static int parents(struct changes *c, const struct host *h, const char *path, const char *module,
		   const char *setting, const char *text, struct err *e)
{
	_cleanup_free_ char *parent = NULL;
	const char *name;

	if (path_split(path, &parent, &name, e) < 0)
		return e->code;
	if (streq(parent, "/"))
		return 0;
	return changes_dir(c, h, parent, 0755, 0, 0, module, setting, NULL, text, e);
}

static int set_content(struct image *im, const char *content, size_t len, struct err *e)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return err_oom(e);
	if (len)
		memcpy(copy, content, len);
	copy[len] = '\0';
	free(im->content);
	im->content = copy;
	im->len = len;
	return 0;
}

/* Owner and mode of a file's `after`, which begins as a copy of its `before`. */
static void file_attrs(const struct image *before, mode_t mode, uid_t uid, gid_t gid,
		       struct image *after)
{
	if (mode == CHANGE_KEEP_ATTRS)
		return;
	if (before->exists && before->uid == uid && before->gid == gid &&
	    !(mode & CHANGE_EXACTLY) && !(before->mode & 07777 & ~mode))
		return;
	after->mode = S_IFREG | mode;
	after->uid = uid;
	after->gid = gid;
}

int changes_file(struct changes *c, const struct host *h, const char *path, const char *content,
		 size_t len, mode_t mode, uid_t uid, gid_t gid, const char *module,
		 const char *setting, const char *cis, const char *text, struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *file = NULL;
	struct change *old = find(c, path);
	struct image *im;

	/* What one section leaves, another one takes up. */
	if (old && old->kind == CHANGE_REMOVE) {
		if (image_copy(&old->before, &old->after, e) < 0)
			return e->code;
		old->kind = CHANGE_FILE;
		file_attrs(&old->before, mode, uid, gid, &old->after);
	}
	if (old && old->kind != CHANGE_FILE)
		return twice(old, module, e);
	if (old) {
		if (old->after.len == len && memcmp(old->after.content, content, len) == 0)
			return 0;
		if (set_content(&old->after, content, len, e) < 0 ||
		    change_why(old, module, setting, cis, text, e) < 0)
			return e->code;
		return 1;
	}
	if (change_new(CHANGE_FILE, path, module, setting, cis, text, &file, e) < 0 ||
	    host_image_now(h, path, &file->before, e) < 0 ||
	    target_check(h, path, &file->before, e) < 0)
		return e->code;
	im = &file->after;
	if (file->before.exists) {
		if (image_copy(&file->before, im, e) < 0)
			return e->code;
	} else {
		*im = (struct image){ .exists = true, .mode = S_IFREG | 0644 };
	}
	file_attrs(&file->before, mode, uid, gid, im);
	if (set_content(im, content, len, e) < 0)
		return e->code;
	if (image_same(&file->before, im))
		return 0;
	/* Only now: a file that is as wanted may be immutable. */
	if (host_replaceable(h, path, e) < 0 || parents(c, h, path, module, setting, text, e) < 0 ||
	    add(c, &file, e) < 0)
		return e->code;
	return 1;
}

char *line_find(char *text, size_t len, const char *line)
{
	size_t n = strlen(line);
	char *end = text + len;

	for (char *p = text; p && p + n <= end;) {
		if (memcmp(p, line, n) == 0 && (p + n == end || p[n] == '\n'))
			return p;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return NULL;
}

size_t line_named(const char *text, size_t len, const char *line, const char **ret)
{
	size_t n = strcspn(line, ":") + 1, found = 0;
	const char *end = text + len;

	for (const char *p = text; p && line[n - 1] && p + n <= end;) {
		if (memcmp(p, line, n) == 0 && found++ == 0 && ret)
			*ret = p;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return found;
}

static int append(struct image *im, const char *line, struct err *e)
{
	size_t len = strlen(line), have = im->len;
	char *content = realloc(im->content, have + len + 3);

	if (!content)
		return err_oom(e);
	im->content = content;
	if (have && content[have - 1] != '\n')
		content[have++] = '\n';
	memcpy(content + have, line, len);
	memcpy(content + have + len, "\n", 2);
	im->len = have + len + 1;
	return 0;
}

int image_line(struct image *im, const char *old, const char *line, struct err *e)
{
	char *at = im->content ? line_find(im->content, im->len, old) : NULL;
	size_t n = strlen(old), len = strlen(line), before, behind;
	char *content;

	if (!at)
		return 0;
	before = (size_t)(at - im->content);
	behind = im->len - before - n;
	content = malloc(before + len + behind + 1);
	if (!content)
		return err_oom(e);
	memcpy(content, im->content, before);
	memcpy(content + before, line, len);
	memcpy(content + before + len, at + n, behind + 1);
	free(im->content);
	im->content = content;
	im->len = before + len + behind;
	return 1;
}

/* The line in the record of what is ours: one that replaces ours is ours in its place. */
static int lines_record(struct change *c, const char *old, const char *line, struct err *e)
{
	struct line *lines, *l = NULL;
	char *copy = strdup(line);

	if (!copy)
		return err_oom(e);
	for (size_t i = 0; old && i < c->n_lines; i++)
		if (streq(c->lines[i].text, old))
			l = &c->lines[i];
	if (l) {
		free(l->text);
		l->text = copy;
		return 0;
	}
	lines = reallocarray(c->lines, c->n_lines + 1, sizeof(*lines));
	if (!lines) {
		free(copy);
		return err_oom(e);
	}
	c->lines = lines;
	l = &lines[c->n_lines++];
	*l = (struct line){ .text = copy };
	return copy_string(&l->old, old, e);
}

static int lines_add(struct change *c, const struct host *h, const char *old, const char *line,
		     struct err *e)
{
	int r = old ? image_line(&c->after, old, line, e) : append(&c->after, line, e);

	if (r == 0 && old)
		return err_set(e, ENOENT, "the line to replace is not in '%s%s'", host_prefix(h),
			       c->path);
	return r < 0 ? r : lines_record(c, old, line, e);
}

/* `old` NULL: the line is appended. */
static int change_line(struct changes *c, const struct host *h, const char *path, const char *old,
		       const char *line, mode_t create_mode, const char *module,
		       const char *setting, const char *cis, const char *text, struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *db = NULL;
	struct change *was = find(c, path);

	if (strchr(line, '\n') || (old && strchr(old, '\n')))
		return err_set(e, EINVAL, "a line for '%s' would hold a newline", path);
	if (was && was->kind != CHANGE_LINES)
		return twice(was, module, e);
	if (was) {
		if (lines_add(was, h, old, line, e) < 0)
			return e->code;
		return change_why(was, module, setting, cis, text, e);
	}
	if (change_new(CHANGE_LINES, path, module, setting, cis, text, &db, e) < 0 ||
	    host_image_now(h, path, &db->before, e) < 0 ||
	    target_check(h, path, &db->before, e) < 0)
		return e->code;
	if (!db->before.exists)
		db->after = (struct image){ .exists = true, .mode = S_IFREG | create_mode };
	else if (image_copy(&db->before, &db->after, e) < 0)
		return e->code;
	if (host_replaceable(h, path, e) < 0 || lines_add(db, h, old, line, e) < 0 ||
	    parents(c, h, path, module, setting, text, e) < 0)
		return e->code;
	return add(c, &db, e);
}

int changes_line(struct changes *c, const struct host *h, const char *path, const char *line,
		 mode_t create_mode, const char *module, const char *setting, const char *text,
		 struct err *e)
{
	return change_line(c, h, path, NULL, line, create_mode, module, setting, NULL, text, e);
}

int changes_line_replace(struct changes *c, const struct host *h, const char *path, const char *old,
			 const char *line, const char *module, const char *setting, const char *cis,
			 const char *text, struct err *e)
{
	return change_line(c, h, path, old, line, 0, module, setting, cis, text, e);
}

/* The mode is the whole truth: with an ACL its group bits would only be a mask. */
static void set_attrs(struct image *im, mode_t mode, uid_t uid, gid_t gid)
{
	im->mode = (im->mode & S_IFMT) | mode;
	im->uid = uid;
	im->gid = gid;
	image_xattr_drop(im, XATTR_ACL);
}

/* What is about to be made or replaced gets them at once. Nobody gets more than the other change
 * gives. */
static int attrs_join(struct change *c, mode_t mode, uid_t uid, gid_t gid, const char *module,
		      const char *setting, const char *cis, const char *text, struct err *e)
{
	const struct image *im = &c->after;

	if (c->kind == CHANGE_LINES || c->kind == CHANGE_REMOVE || (mode & ~im->mode & 07777))
		return twice(c, module, e);
	if ((im->mode & 07777) == mode && im->uid == uid && im->gid == gid &&
	    !image_xattr(im, XATTR_ACL))
		return 0;
	if (change_why(c, module, setting, cis, text, e) < 0)
		return e->code;
	set_attrs(&c->after, mode, uid, gid);
	return 0;
}

int changes_attrs(struct changes *c, const struct host *h, const char *path, mode_t mode, uid_t uid,
		  gid_t gid, const char *module, const char *setting, const char *cis,
		  const char *text, struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *attrs = NULL;
	struct change *old = find(c, path);

	if (old)
		return attrs_join(old, mode, uid, gid, module, setting, cis, text, e);
	if (change_new(CHANGE_ATTRS, path, module, setting, cis, text, &attrs, e) < 0 ||
	    host_attrs_now(h, path, false, &attrs->before, e) < 0)
		return e->code;
	if (!attrs->before.exists)
		return err_set(e, ENOENT, "'%s%s' does not exist", host_prefix(h), path);
	if (S_ISLNK(attrs->before.mode))
		return err_set(e, ELOOP, "'%s%s' is a symbolic link", host_prefix(h), path);
	if (image_copy(&attrs->before, &attrs->after, e) < 0)
		return e->code;
	set_attrs(&attrs->after, mode, uid, gid);
	if (image_same_attrs(&attrs->before, &attrs->after))
		return 0;
	return add(c, &attrs, e);
}

int changes_knob(struct changes *c, const struct host *h, const char *path, const char *value,
		 const char *module, const char *setting, const char *cis, const char *text,
		 struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *knob = NULL;
	struct change *old = find(c, path);

	if (!host_is_live(h))
		return err_set(e, EOPNOTSUPP,
			       "'%s%s' is the running kernel's: it is not set offline",
			       host_prefix(h), path);
	if (old)
		return twice(old, module, e);
	if (change_new(CHANGE_KNOB, path, module, setting, cis, text, &knob, e) < 0 ||
	    host_image_now(h, path, &knob->before, e) < 0)
		return e->code;
	if (!knob->before.exists)
		return err_set(e, ENOENT, "this kernel has no '%s%s'", host_prefix(h), path);
	if (!S_ISREG(knob->before.mode))
		return err_set(e, EINVAL, "'%s%s' is no value of the kernel's", host_prefix(h),
			       path);
	if (image_copy(&knob->before, &knob->after, e) < 0 ||
	    set_content(&knob->after, value, strlen(value), e) < 0)
		return e->code;
	return image_same_value(&knob->before, &knob->after) ? 0 : add(c, &knob, e);
}

static int set_acl(struct image *im, const char *name, const struct acl *acl, struct err *e)
{
	void *bytes;
	size_t len;

	if (acl_bytes(acl, &bytes, &len, e) < 0)
		return e->code;
	return image_xattr_set(im, name, bytes, len, e);
}

static int set_acls(struct image *im, uid_t uid, gid_t gid, const struct acl *access,
		    const struct acl *inherit, struct err *e)
{
	if (uid != CHANGE_KEEP_OWNER) {
		im->uid = uid;
		im->gid = gid;
	}
	im->mode = (im->mode & ~(mode_t)0777) | acl_mode(access);
	image_xattr_drop(im, XATTR_ACL);
	if (acl_is_extended(access) && set_acl(im, XATTR_ACL, access, e) < 0)
		return e->code;
	if (!inherit)
		return 0;
	image_xattr_drop(im, XATTR_ACL_DEFAULT);
	return inherit->n ? set_acl(im, XATTR_ACL_DEFAULT, inherit, e) : 0;
}

static int join_acl(struct change *old, uid_t uid, gid_t gid, const struct acl *access,
		    const struct acl *inherit, const char *module, const char *setting,
		    const char *cis, const char *text, struct err *e)
{
	_cleanup_(image_done) struct image im = { 0 };

	if (old->kind != CHANGE_ATTRS && old->kind != CHANGE_DIR)
		return twice(old, module, e);
	if (image_copy(&old->after, &im, e) < 0 || set_acls(&im, uid, gid, access, inherit, e) < 0)
		return e->code;
	if (image_same_attrs(&old->after, &im))
		return 0;
	if (change_why(old, module, setting, cis, text, e) < 0)
		return e->code;
	image_done(&old->after);
	old->after = im;
	im = (struct image){ 0 };
	return 1;
}

int changes_acl(struct changes *c, const struct host *h, const char *path, uid_t uid, gid_t gid,
		const struct acl *access, const struct acl *inherit, bool no_links,
		const char *module, const char *setting, const char *cis, const char *text,
		struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *attrs = NULL;
	struct change *old = find(c, path);
	int r;

	if (old) {
		r = join_acl(old, uid, gid, access, inherit, module, setting, cis, text, e);
		old->no_links |= r > 0 && no_links;
		return r;
	}
	if (change_new(CHANGE_ATTRS, path, module, setting, cis, text, &attrs, e) < 0 ||
	    host_attrs_now(h, path, no_links, &attrs->before, e) < 0)
		return e->code;
	attrs->no_links = no_links;
	if (!attrs->before.exists)
		return err_set(e, ENOENT, "'%s%s' does not exist%s", host_prefix(h), path,
			       no_links ? ", or lies behind a symbolic link" : "");
	if (S_ISLNK(attrs->before.mode))
		return err_set(e, ELOOP, "'%s%s' is a symbolic link", host_prefix(h), path);
	if (image_copy(&attrs->before, &attrs->after, e) < 0 ||
	    set_acls(&attrs->after, uid, gid, access, inherit, e) < 0)
		return e->code;
	if (image_same_attrs(&attrs->before, &attrs->after))
		return 0;
	return add(c, &attrs, e) < 0 ? e->code : 1;
}

int changes_remove_ours(struct changes *c, const struct host *h, const char *path,
			const char *content, size_t len, const char *module, const char *setting,
			const char *text, struct err *e)
{
	_cleanup_(change_free_cleanup) struct change *gone = NULL;
	struct change *old = find(c, path);

	/* Several took out what was theirs, and this is the last of it. */
	if (old && old->kind == CHANGE_FILE && old->before.exists && old->after.len == len &&
	    memcmp(old->after.content, content, len) == 0) {
		if (change_why(old, module, setting, NULL, text, e) < 0)
			return e->code;
		image_done(&old->after);
		old->after = (struct image){ 0 };
		strv_free(TAKE_PTR(old->test));
		old->kind = CHANGE_REMOVE;
		return 1;
	}
	if (old)
		return twice(old, module, e);
	if (change_new(CHANGE_REMOVE, path, module, setting, NULL, text, &gone, e) < 0 ||
	    host_image_now(h, path, &gone->before, e) < 0)
		return e->code;
	if (!gone->before.exists)
		return 0;
	if (!S_ISREG(gone->before.mode) || gone->before.len != len ||
	    memcmp(gone->before.content, content, len) != 0)
		return changes_note(c, module, setting, e,
				    "'%s%s' is no longer what bulkhead wrote: left as it is",
				    host_prefix(h), path);
	if (host_replaceable(h, path, e) < 0 || add(c, &gone, e) < 0)
		return e->code;
	return 1;
}

int changes_why(struct changes *c, const char *path, const char *module, const char *setting,
		const char *cis, const char *text, struct err *e)
{
	struct change *change = find(c, path);

	if (!change)
		return err_set(e, ENOENT, "no change to '%s' to explain", path);
	return change_why(change, module, setting, cis, text, e);
}

int changes_test(struct changes *c, const char *path, char *const *argv, struct err *e)
{
	struct change *change = find(c, path);

	if (!change)
		return err_set(e, ENOENT, "no change to '%s' to test", path);
	strv_free(TAKE_PTR(change->test));
	if (!argv)
		return 0;
	change->test = strv_copy(argv);
	return change->test ? 0 : err_oom(e);
}

static struct change_command *command_find(const struct changes *c, char *const *argv)
{
	for (size_t i = 0; i < c->n_commands; i++)
		if (strv_same(c->commands[i].argv, argv))
			return &c->commands[i];
	return NULL;
}

int changes_command(struct changes *c, const struct host *h, char *const *argv, char *const *back,
		    const char *module, const char *setting, const char *cis, const char *text,
		    struct err *e)
{
	struct change_command *x = command_find(c, argv), *list;

	if (!host_is_live(h))
		return err_set(e, EOPNOTSUPP, "'%s' is not run offline", argv[0]);
	if (argv[0][0] != '/' || (back && back[0][0] != '/'))
		return err_set(e, EINVAL, "'%s' is not run: not an absolute path", argv[0]);
	if (!x) {
		list = reallocarray(c->commands, c->n_commands + 1, sizeof(*list));
		if (!list)
			return err_oom(e);
		c->commands = list;
		x = &list[c->n_commands++];
		*x = (struct change_command){ .argv = strv_copy(argv),
					      .back = back ? strv_copy(back) : NULL };
		if (!x->argv || (back && !x->back))
			return err_oom(e);
	}
	return whys_add(&x->whys, &x->n_whys, module, setting, cis, text, e);
}

int changes_ask(struct changes *c, const char *unit, enum unit_action action, const char *module,
		const char *setting, const char *text, struct err *e)
{
	struct ask *asks = reallocarray(c->asks, c->n_asks + 1, sizeof(*asks));
	struct ask *a;

	if (!asks)
		return err_oom(e);
	c->asks = asks;
	a = &asks[c->n_asks];
	*a = (struct ask){ .action = action, .back = action };
	if (copy_string(&a->unit, unit, e) < 0)
		return e->code;
	if (why_init(&a->why, module, setting, NULL, text, e) < 0) {
		free(a->unit);
		return e->code;
	}
	c->n_asks++;
	return 0;
}

int changes_note(struct changes *c, const char *module, const char *setting, struct err *e,
		 const char *fmt, ...)
{
	struct note *notes = reallocarray(c->notes, c->n_notes + 1, sizeof(*notes));
	struct note n = { 0 };
	va_list ap;
	int r;

	if (!notes)
		return err_oom(e);
	c->notes = notes;
	va_start(ap, fmt);
	r = vasprintf(&n.text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return err_oom(e);
	if (copy_string(&n.module, module, e) < 0 || copy_string(&n.setting, setting, e) < 0) {
		free(n.module);
		free(n.text);
		return e->code;
	}
	notes[c->n_notes++] = n;
	return 0;
}

int changes_remember(struct changes *c, const char *module, json_t *state, struct err *e)
{
	if (!c->state && !(c->state = json_object()))
		return err_oom(e);
	return json_object_set(c->state, module, state) < 0 ? err_oom(e) : 0;
}

enum unit_action changes_action(const struct changes *c, const char *unit)
{
	enum unit_action strongest = UNIT_NOTHING;

	for (size_t i = 0; i < c->n_asks; i++)
		if (!c->asks[i].pending && streq(c->asks[i].unit, unit) &&
		    c->asks[i].action > strongest)
			strongest = c->asks[i].action;
	return strongest;
}
