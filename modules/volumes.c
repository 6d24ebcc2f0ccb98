/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gap that user namespaces leave: a remapped container's user is nobody on the host, and can't
 * use the directories that it is given. An ACL gives it exactly those.
 *
 * A volume's directory gets an entry in its access ACL, and one in its default ACL, so that what is
 * made there stays usable; what is in it already only when the plan says so. Containers write in
 * these directories while we look: every change here is made without following a symbolic link on
 * its whole way, and a file with several names is left alone, since another of them may be
 * elsewhere.
 */
#include <inttypes.h>

#include "../src/acl.h"
#include "../src/module.h"
#include "engine.h"
#include "volumes_path.h"

#define NAME	    "volumes"
#define CHANGES_MAX 20000 /* one run's: a journal has to hold them */
#define LIST_MAX    256

static const char *const accesses[] = { "rw", "ro", NULL };

static const struct field fields[] = {
	{ .name = "path",
	  .type = FIELD_PATH,
	  .help = "a directory of this host that containers mount; no symbolic link, and none on the "
		  "way to it",
	  .required = true },
	{ .name = "container-user",
	  .type = FIELD_INT,
	  .help = "the uid inside the container that gets access; the host's id follows from the "
		  "range of userns-remap",
	  .max = 4294967294 },
	{ .name = "container-group",
	  .type = FIELD_INT,
	  .help = "the gid inside the container that gets access",
	  .max = 4294967294 },
	{ .name = "access",
	  .type = FIELD_ENUM,
	  .help = "rw: read, write, and make files; ro: read",
	  .choices = accesses,
	  .fallback = "rw" },
	{ .name = "recursive",
	  .type = FIELD_BOOL,
	  .help = "give access to what is in the directory already, too; symbolic links, files with "
		  "several hard links and what is mounted below are left alone",
	  .fallback = "false" },
	{ .name = "create",
	  .type = FIELD_BOOL,
	  .help = "make the directory when it is missing: root:root, mode 0750",
	  .fallback = "false" },
	{ 0 },
};

/* An entry of an ACL that the plan wants. */
struct grant {
	enum acl_tag tag;
	uint32_t id;
	bool write;
	bool inherit; /* in the default ACL alone: for the directory's owner */
};

struct volume {
	const char *path;
	char setting[24];
	bool recursive, create;
	struct grant grants[3];
	size_t n;
	/* What was there before our first change: of the directory itself. */
	json_t *was;
};

struct volumes {
	struct volume *list;
	size_t n;
};

static void volumes_done(struct volumes *v)
{
	for (size_t i = 0; i < v->n; i++)
		json_decref(v->list[i].was);
	free(v->list);
}

#define _cleanup_volumes_ _cleanup_(volumes_done)

/* --- the plan alone --- */

static const char *path_of(const json_t *entry)
{
	return json_string_value(json_object_get(entry, "path"));
}

static bool same_id(const json_t *a, const json_t *b, const char *key)
{
	return json_object_get(a, key) &&
	       json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* As the plan counts, with what was refused. */
static size_t number(const struct section *s, size_t i)
{
	return section_index(s, NULL, i);
}

static const char *where_of(const struct section *s, size_t i, const char *setting)
{
	char path[48];

	snprintf(path, sizeof(path), "[%zu]%s%s", i, *setting ? "." : "", setting);
	return section_where(s, path);
}

/* Does the plan name it, if only with a value that was refused? Then its position is its own. */
static bool given(const struct section *s, size_t i, const json_t *entry, const char *setting)
{
	return json_object_get(entry, setting) ||
	       !streq(where_of(s, i, setting), where_of(s, i, ""));
}

static void check_twice(const struct section *s, const json_t *list, size_t i, struct errs *out)
{
	const json_t *entry = json_array_get(list, i);

	for (size_t k = 0; k < i; k++) {
		const json_t *other = json_array_get(list, k);
		const char *key = same_id(entry, other, "container-user")    ? "container-user"
				  : same_id(entry, other, "container-group") ? "container-group"
									     : NULL;

		if (!key || !path_of(entry) || !path_of(other) ||
		    !streq(path_of(entry), path_of(other)))
			continue;
		errs_add(out, where_of(s, i, key),
			 "volumes[%zu]: '%s' stands in volumes[%zu] for this %s already: keep one",
			 number(s, i), path_of(entry), number(s, k), key);
	}
}

static void check(const struct section *s, struct errs *out)
{
	const json_t *list = section_get(s, NAME), *entry;
	size_t i;

	if (json_array_size(list) > LIST_MAX)
		errs_add(out, section_where(s, NULL), "volumes: %zu entries: at most %d are taken",
			 json_array_size(list), LIST_MAX);
	json_array_foreach (list, i, entry) {
		const char *path = path_of(entry), *wrong = path ? volume_path_wrong(path) : NULL;

		if (wrong)
			errs_add(out, where_of(s, i, "path"), "volumes[%zu].path: '%s' %s",
				 number(s, i), path, wrong);
		if (!given(s, i, entry, "container-user") && !given(s, i, entry, "container-group"))
			errs_add(
				out, where_of(s, i, ""),
				"volumes[%zu]: who gets access? Write container-user (a uid inside the "
				"container), container-group, or both",
				number(s, i));
		if (i < LIST_MAX)
			check_twice(s, list, i, out);
	}
}

/* --- what is wanted of this host --- */

static int add_id(const struct section *s, size_t i, const json_t *entry,
		  const struct volume_ids *ids, enum subid_file file, struct volume *v,
		  struct errs *mistakes)
{
	const char *key = file == SUBUID ? "container-user" : "container-group";
	const json_t *id = json_object_get(entry, key);
	struct grant g = { .tag = file == SUBUID ? ACL_TAG_USER : ACL_TAG_GROUP };

	if (!id)
		return 0;
	g.write = streq(json_string_value(json_object_get(entry, "access")), "rw");
	if (volume_id(ids, file, (uint64_t)json_integer_value(id), &g.id))
		v->grants[v->n++] = g;
	else if (ids->n[file])
		errs_add(mistakes, where_of(s, i, key),
			 "volumes[%zu].%s: containers have the ids 0 to %" PRIu64
			 " (the range of %s in %s); found %lld",
			 i, key, volume_ids_count(ids, file) - 1, ids->user, subid_paths[file],
			 (long long)json_integer_value(id));
	return 0;
}

static bool has_grant(const struct volume *v, enum acl_tag tag, uint32_t id)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->grants[i].tag == tag && v->grants[i].id == id && !v->grants[i].inherit)
			return true;
	return false;
}

/* Whoever owns the directory keeps access to what containers make in it. */
static int add_owner(const struct host *h, struct volume *v, struct err *e)
{
	struct stat st;
	int r = host_lstat(h, v->path, &st, e);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	if (st.st_uid != 0 && !has_grant(v, ACL_TAG_USER, st.st_uid))
		v->grants[v->n++] = (struct grant){
			.tag = ACL_TAG_USER, .id = st.st_uid, .write = true, .inherit = true
		};
	return 0;
}

static const json_t *remembered(const struct previous *was, const char *path)
{
	return json_object_get(json_object_get(was ? was->state : NULL, "volumes"), path);
}

/* The entry of an id in an ACL, as it has to come back; null: none. */
static json_t *was_of(const struct acl *a, const struct grant *g)
{
	const struct acl_line *l = acl_get(a, g->tag, g->id);

	return l ? json_integer(l->perm) : json_null();
}

static int volumes_load(const struct section *s, const struct host *h, struct volumes *ret,
			struct volume_ids *ids, struct errs *mistakes, struct errs *refusals,
			struct err *e)
{
	json_t *list = section_get(s, NAME), *entry;
	_cleanup_volumes_ struct volumes all = { 0 };
	size_t i;

	if (volume_ids_load(h, ids, refusals, e) < 0)
		return e->code;
	all.list = calloc(json_array_size(list) + 1, sizeof(*all.list));
	if (!all.list)
		return err_oom(e);
	json_array_foreach (list, i, entry) {
		struct volume *v = &all.list[all.n++];

		v->path = path_of(entry);
		v->recursive = json_is_true(json_object_get(entry, "recursive"));
		v->create = json_is_true(json_object_get(entry, "create"));
		snprintf(v->setting, sizeof(v->setting), "[%zu]", i);
		add_id(s, i, entry, ids, SUBUID, v, mistakes);
		add_id(s, i, entry, ids, SUBGID, v, mistakes);
		if (v->n && add_owner(h, v, e) < 0)
			return e->code;
	}
	*ret = all;
	all = (struct volumes){ 0 };
	return 0;
}

/* --- looking at one path --- */

struct run {
	const struct host *h;
	struct changes *out;
	const struct volumes *all;
	struct volume *v;
	size_t n;      /* changes so far */
	size_t linked; /* files with several names */
	char *first;   /* one of them */
	size_t edited; /* entries that are no longer ours */
	bool too_many;
	const json_t *old; /* what is taken out: an entry of the state */
};

static unsigned perm_for(const struct grant *g, mode_t mode)
{
	if (S_ISDIR(mode))
		return g->write ? 07 : 05;
	return (g->write ? 06 : 04) | ((mode & S_IXUSR) ? ACL_X : 0);
}

/* What was made in a directory has the entry of its default ACL, with x, behind a mask without. */
static bool satisfied(const struct acl *a, const struct grant *g, mode_t mode)
{
	const struct acl_line *l = acl_get(a, g->tag, g->id);
	unsigned want = perm_for(g, mode), has = l ? acl_effective(a, l) : 0;

	if (!l)
		return false;
	return S_ISDIR(mode) ? has == want : (has & 06) == (want & 06) && !(want & ~has);
}

static bool wanted_by_plan(void *arg, const struct acl_line *l)
{
	const struct volumes *all = arg;

	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->list[i].n; k++)
			if (all->list[i].grants[k].tag == l->tag &&
			    all->list[i].grants[k].id == l->id)
				return true;
	return false;
}

static int grant(const struct run *r, struct acl *a, const struct grant *g, const struct image *im,
		 struct err *e)
{
	/* Of a file that is its own, an entry for it would say nothing, acl(5). */
	bool own = S_ISREG(im->mode) && g->tag == ACL_TAG_USER && im->uid == g->id;

	if (own || satisfied(a, g, im->mode))
		return 0;
	return acl_grant(a, g->tag, g->id, perm_for(g, im->mode), wanted_by_plan,
			 (void *)(uintptr_t)r->all, e);
}

/* A volume inside another one has the say there, for the ids that it names. */
static bool overruled(const struct run *r, const struct grant *g, const char *path)
{
	for (size_t i = 0; i < r->all->n; i++) {
		const struct volume *o = &r->all->list[i];

		if (volume_path_below(o->path, r->v->path) &&
		    (streq(path, o->path) || (o->recursive && volume_path_below(path, o->path))) &&
		    has_grant(o, g->tag, g->id))
			return true;
	}
	return false;
}

/* What new files begin with where there is no default ACL yet: what the directory itself allows. */
static int default_of(const struct image *im, const struct acl *access, struct acl *ret,
		      struct err *e)
{
	mode_t mode = im->mode & 0707;
	const struct acl_line *group = acl_get(access, ACL_TAG_OWNING_GROUP, 0);

	if (acl_default_of_image(im, ret, e) < 0)
		return e->code;
	if (ret->n)
		return 0;
	return acl_of_mode(mode | (group ? acl_effective(access, group) << 3 : 0), ret, e);
}

static void describe(const struct volume *v, char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (!v->grants[i].inherit)
			n += (size_t)snprintf(text + n, size - n, "%s%s %" PRIu32 " %s",
					      n ? ", " : "",
					      v->grants[i].tag == ACL_TAG_USER ? "uid" : "gid",
					      v->grants[i].id, v->grants[i].write ? "rw" : "ro");
}

/* What is on disk now, for the day when it is to come back. */
static int remember_top(const struct host *h, struct volume *v, struct err *e)
{
	_cleanup_acl_ struct acl access = { 0 }, inherit = { 0 };
	_cleanup_(image_done) struct image im = { 0 };
	json_t *list;
	bool made;

	if (host_attrs_now(h, v->path, true, &im, e) < 0 || acl_of_image(&im, &access, e) < 0 ||
	    acl_default_of_image(&im, &inherit, e) < 0)
		return e->code;
	made = !inherit.n;
	list = json_array();

	for (size_t i = 0; list && i < v->n; i++) {
		const struct grant *g = &v->grants[i];

		if (json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:b, s:o, s:o, s:b}",
							  "tag", g->tag == ACL_TAG_USER ? "u" : "g",
							  "id", (json_int_t)g->id, "write",
							  g->write, "inherit", g->inherit, "access",
							  was_of(&access, g), "default",
							  was_of(&inherit, g), "made", made)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	v->was = list;
	return list ? 0 : err_oom(e);
}

static int grant_path(struct run *r, const char *path, struct err *e)
{
	_cleanup_acl_ struct acl access = { 0 }, inherit = { 0 };
	_cleanup_(image_done) struct image im = { 0 };
	struct volume *v = r->v;
	char text[128];
	bool dir;
	int n;

	if (host_attrs(r->h, path, true, &im, e) < 0)
		return e->code;
	if (!im.exists) /* it went meanwhile */
		return 0;
	dir = S_ISDIR(im.mode);
	if (acl_of_image(&im, &access, e) < 0 ||
	    (dir && default_of(&im, &access, &inherit, e) < 0) ||
	    (streq(path, v->path) && remember_top(r->h, v, e) < 0))
		return e->code;
	for (size_t i = 0; i < v->n; i++) {
		const struct grant *g = &v->grants[i];

		if (!streq(path, v->path) && overruled(r, g, path))
			continue;
		if ((!g->inherit && grant(r, &access, g, &im, e) < 0) ||
		    (dir && grant(r, &inherit, g, &im, e) < 0))
			return e->code;
	}
	describe(v, text, sizeof(text));
	n = changes_acl(r->out, r->h, path, CHANGE_KEEP_OWNER, 0, &access, dir ? &inherit : NULL,
			true, NAME, v->setting, NULL, text, e);
	r->n += n > 0;
	return n < 0 ? n : 0;
}

/* Files with several names, and what is neither file nor directory, are left alone. */
static int left_alone(struct run *r, const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return !S_ISDIR(st->st_mode);
	if (st->st_nlink < 2)
		return 0;
	if (!r->linked++ && !(r->first = strdup(path)))
		return err_oom(e);
	return 1;
}

static int bounded(struct run *r, struct err *e)
{
	if (r->n < CHANGES_MAX)
		return 0;
	r->too_many = true;
	return err_set(e, E2BIG, "too many");
}

static int grant_below(void *arg, const char *path, const struct stat *st, struct err *e)
{
	struct run *r = arg;
	int n = left_alone(r, path, st, e);

	if (n != 0)
		return n < 0 ? n : 0;
	return bounded(r, e) < 0 ? e->code : grant_path(r, path, e);
}

static char letter(enum acl_tag tag)
{
	return tag == ACL_TAG_USER ? 'u' : 'g';
}

/* A directory with more in it than one run can record, or deeper than it looks. */
static int beyond(struct run *r, const char *path, const char *command, struct err *e)
{
	if (!r->too_many)
		errs_add(&r->out->refusals, NULL, "%s", e->text);
	else
		errs_add(
			&r->out->refusals, NULL,
			"'%s%s' holds more than %d files that need a change of their ACL, and one run "
			"takes no more. Do it by hand, and run this again: %s %s%s",
			host_prefix(r->h), path, CHANGES_MAX, command, host_prefix(r->h), path);
	return 0;
}

static int grant_tree(struct run *r, struct err *e)
{
	char command[128];
	size_t n;

	if (!r->v->recursive || host_walk(r->h, r->v->path, grant_below, r, e) == 0)
		return 0;
	if (e->code != -E2BIG)
		return e->code == -ENOENT ? 0 : e->code;
	n = (size_t)snprintf(command, sizeof(command), "setfacl -R -P -m ");
	for (size_t i = 0; i < r->v->n; i++)
		if (!r->v->grants[i].inherit)
			n += (size_t)snprintf(command + n, sizeof(command) - n,
					      "%s%c:%" PRIu32 ":%s", i ? "," : "",
					      letter(r->v->grants[i].tag), r->v->grants[i].id,
					      r->v->grants[i].write ? "rwX" : "rX");
	return beyond(r, r->v->path, command, e);
}

/* --- taking out --- */

static struct grant grant_of(const json_t *o)
{
	const char *tag = json_string_value(json_object_get(o, "tag"));

	return (struct grant){
		.tag = tag && *tag == 'g' ? ACL_TAG_GROUP : ACL_TAG_USER,
		.id = (uint32_t)json_integer_value(json_object_get(o, "id")),
		.write = json_is_true(json_object_get(o, "write")),
		.inherit = json_is_true(json_object_get(o, "inherit")),
	};
}

/*
 * Does a volume of the plan give this to what stands at a path? In its own directory as little as
 * it likes is set in the same run; `whole`: as much as before, there and below.
 */
static bool still_wanted(const struct volumes *all, const struct grant *g, const char *path,
			 bool whole)
{
	for (size_t i = 0; all && i < all->n; i++) {
		const struct volume *v = &all->list[i];

		if (!streq(path, v->path) && !volume_path_below(path, v->path))
			continue;
		for (size_t k = 0; k < v->n; k++)
			if (v->grants[k].tag == g->tag && v->grants[k].id == g->id &&
			    (!whole || v->recursive || v->grants[k].write || !g->write))
				return true;
	}
	return false;
}

/* `before`: what stood there when we came, of the directory itself; NULL: not known. */
static int revoke_entry(struct run *r, struct acl *a, const struct grant *g, const json_t *before,
			struct err *e)
{
	const struct acl_line *l = acl_get(a, g->tag, g->id);

	if (!l)
		return 0;
	if ((l->perm & 06) != (g->write ? 06u : 04u)) {
		r->edited++;
		return 0;
	}
	if (json_is_integer(before))
		return acl_put(a, g->tag, g->id, (unsigned)json_integer_value(before), e);
	return acl_revoke(a, g->tag, g->id, e);
}

static int revoke_path(struct run *r, const char *path, bool top, struct err *e)
{
	_cleanup_acl_ struct acl access = { 0 }, inherit = { 0 };
	_cleanup_(image_done) struct image im = { 0 };
	const struct grant g = grant_of(r->old);
	int n;

	if (still_wanted(r->all, &g, path, !top))
		return 0;
	if (host_attrs(r->h, path, true, &im, e) < 0)
		return e->code;
	if (!im.exists || acl_of_image(&im, &access, e) < 0 ||
	    acl_default_of_image(&im, &inherit, e) < 0)
		return im.exists ? e->code : 0;
	if (revoke_entry(r, &access, &g, top ? json_object_get(r->old, "access") : NULL, e) < 0 ||
	    revoke_entry(r, &inherit, &g, top ? json_object_get(r->old, "default") : NULL, e) < 0)
		return e->code;
	if (inherit.n && !acl_is_extended(&inherit) &&
	    json_is_true(json_object_get(r->old, "made")))
		acl_done(&inherit);
	n = changes_acl(r->out, r->h, path, CHANGE_KEEP_OWNER, 0, &access,
			S_ISDIR(im.mode) ? &inherit : NULL, true, NAME, NULL, NULL,
			"the plan no longer gives this", e);
	r->n += n > 0;
	return n < 0 ? n : 0;
}

static int revoke_below(void *arg, const char *path, const struct stat *st, struct err *e)
{
	struct run *r = arg;
	int n = left_alone(r, path, st, e);

	if (n != 0)
		return n < 0 ? n : 0;
	return bounded(r, e) < 0 ? e->code : revoke_path(r, path, false, e);
}

/* Below the directory, too: what was made there has inherited it. */
static int revoke_tree(struct run *r, const char *path, struct err *e)
{
	const struct grant g = grant_of(r->old);
	_cleanup_(image_done) struct image im = { 0 };
	char command[128];
	int n;

	if (still_wanted(r->all, &g, path, true))
		return 0;
	if (host_attrs(r->h, path, true, &im, e) < 0)
		return e->code;
	if (!im.exists || !S_ISDIR(im.mode))
		return 0;
	n = revoke_path(r, path, true, e);
	if (n == 0)
		n = host_walk(r->h, path, revoke_below, r, e);
	if (n != -E2BIG)
		return n == -ENOENT ? 0 : n;
	snprintf(command, sizeof(command), "setfacl -R -P -x %c:%" PRIu32 ",d:%c:%" PRIu32,
		 letter(g.tag), g.id, letter(g.tag), g.id);
	return beyond(r, path, command, e);
}

/* What an earlier plan gave and this one (`all`, NULL: none) doesn't. */
static int take_out(struct run *r, const struct previous *was, struct err *e)
{
	json_t *old = was ? json_object_get(was->state, "volumes") : NULL, *list, *o;
	const char *path;
	size_t i;

	json_object_foreach (old, path, list) {
		json_array_foreach (list, i, o) {
			r->old = o;
			if (revoke_tree(r, path, e) < 0)
				return e->code;
		}
	}
	return 0;
}

static int tell(struct run *r, struct err *e)
{
	int n = 0;

	if (r->linked)
		n = changes_note(
			r->out, NAME, NULL, e,
			"%zu file%s with several hard links left alone, since another of their "
			"names may be elsewhere: '%s'%s",
			r->linked, r->linked == 1 ? "" : "s", r->first,
			r->linked == 1 ? "" : " is the first");
	free(r->first);
	if (n == 0 && r->edited)
		n = changes_note(r->out, NAME, NULL, e,
				 "%zu ACL entr%s no longer what bulkhead wrote: left as found",
				 r->edited, r->edited == 1 ? "y is" : "ies are");
	return n;
}

/* --- the module --- */

/* Was the default ACL of a directory begun by us? */
static json_t *made_of(const json_t *before)
{
	return json_object_get(json_array_get(before, 0), "made");
}

static int remember(const struct volumes *all, const struct previous *was, struct changes *out,
		    struct err *e)
{
	_cleanup_json_ json_t *paths = json_object(), *state = NULL;

	for (size_t i = 0; paths && i < all->n; i++) {
		const struct volume *v = &all->list[i];
		json_t *known = json_object_get(paths, v->path);
		const json_t *before = remembered(was, v->path);
		json_t *o, *b;
		size_t k, m;

		if (!known &&
		    (!(known = json_array()) || json_object_set_new(paths, v->path, known) < 0))
			return err_oom(e);
		json_array_foreach (v->was, k, o) {
			json_t *keep = o;

			/* What stood there before our first change counts, not what we left. */
			json_array_foreach (before, m, b)
				if (same_id(o, b, "tag") && same_id(o, b, "id"))
					keep = b;
			keep = json_clone(keep, false);
			if (!keep ||
			    json_object_set(keep, "write", json_object_get(o, "write")) < 0 ||
			    (before && json_object_set(keep, "made", made_of(before)) < 0) ||
			    json_array_append_new(known, keep) < 0)
				return err_oom(e);
		}
	}
	state = paths ? json_pack("{s:O}", "volumes", paths) : NULL;
	return state ? changes_remember(out, NAME, state, e) : err_oom(e);
}

static int diff_volume(struct run *r, struct err *e)
{
	int n = volume_path_look(r->h, r->v->path, r->v->create, &r->out->refusals, e);

	if (n <= 0) /* refused */
		return n;
	if (r->v->create && changes_dir(r->out, r->h, r->v->path, 0750, 0, 0, NAME, r->v->setting,
					NULL, "directory of a volume", e) < 0)
		return e->code;
	n = grant_path(r, r->v->path, e);
	return n < 0 ? n : grant_tree(r, e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_volume_ids_ struct volume_ids ids = { 0 };
	_cleanup_volumes_ struct volumes all = { 0 };
	struct run r = { .h = h, .out = out };
	size_t mistakes = out->mistakes.n, refusals = out->refusals.n;
	int n = 0;

	if (s && volumes_load(s, h, &all, &ids, &out->mistakes, &out->refusals, e) < 0)
		return e->code;
	if (out->mistakes.n != mistakes || out->refusals.n != refusals)
		return 0;
	r.all = &all;
	n = take_out(&r, was, e);
	for (size_t i = 0; i < all.n && n == 0; i++) {
		r.v = &all.list[i];
		n = diff_volume(&r, e);
	}
	if (n == 0 && all.n && !ids.user)
		n = changes_note(
			out, NAME, NULL, e,
			"user namespaces are off: a container's user is the host's user of the "
			"same id, and so is its root");
	if (n < 0) {
		free(r.first);
		return n;
	}
	return tell(&r, e) < 0 ? e->code : s ? remember(&all, was, out, e) : 0;
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_volume_ids_ struct volume_ids ids = { 0 };
	_cleanup_volumes_ struct volumes all = { 0 };
	struct errs ignored = { 0 };
	int n = volumes_load(s, h, &all, &ids, &ignored, &ignored, e);

	(void)was;
	errs_done(&ignored);
	for (size_t i = 0; i < all.n && n == 0; i++) {
		const struct volume *v = &all.list[i];
		_cleanup_(image_done) struct image im = { 0 };
		_cleanup_acl_ struct acl a = { 0 };
		_cleanup_free_ char *found = NULL, *why = NULL;
		char wanted[128] = "access";
		bool same = v->n > 0;

		describe(v, wanted, sizeof(wanted));
		if (host_attrs_now(h, v->path, true, &im, e) < 0 ||
		    (im.exists && acl_of_image(&im, &a, e) < 0))
			return e->code;
		for (size_t k = 0; k < v->n; k++)
			same &= v->grants[k].inherit || satisfied(&a, &v->grants[k], im.mode);
		found = acl_text(&a);
		if (!found || asprintf(&why, "the ACL of %s%s", v->path,
				       v->recursive ? ", and of what is in it" : "") < 0)
			return err_oom(e);
		n = findings_add(out, NAME, v->setting, NULL, same ? FINDING_OK : FINDING_DRIFT,
				 wanted,
				 same	     ? NULL
				 : im.exists ? found
					     : "no such directory",
				 why, e);
	}
	return n;
}

const struct module module_volumes = {
	.name = NAME,
	.summary = "directories that containers in user namespaces may use",
	.fields = fields,
	.list = true,
	.order = 40,
	.check = check,
	.diff = diff,
	.verify = verify,
};
