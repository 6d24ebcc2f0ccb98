/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge of a plan into a daemon.json that others write too: base (what we set last time), mine
 * (the plan), theirs (the file).
 */
#include "daemon_keys.h"

void daemon_merge_done(struct daemon_merge *m)
{
	json_decref(m->edits);
	json_decref(m->merged);
	json_decref(m->ours);
	json_decref(m->forgotten);
	*m = (struct daemon_merge){ 0 };
}

/* The row of a member of `f`'s value when members are merged one by one. An element that is an
 * object (a runtime, a limit) is one thing and goes whole. */
static const struct field *member_row(const struct field *f, const char *name)
{
	if (!f)
		return NULL;
	if (f->type == FIELD_OBJECT)
		return field_find(f->of, name);
	return f->type == FIELD_MAP && f->of->type == FIELD_MAP ? f->of : NULL;
}

static bool merges(const struct field *f)
{
	return f && (f->type == FIELD_MAP || f->type == FIELD_OBJECT);
}

/* One level: `f` is the row of the object, NULL for the document itself. */
struct level {
	const struct field *f;
	const char *prefix; /* "log-opts." */
	const json_t *file, *plan, *was;
	json_t *merged, *ours; /* filled here */
	json_t *forgotten;     /* the list of the whole document */
};

static const struct field *level_row(const struct level *l, const char *name)
{
	return l->f ? member_row(l->f, name) : field_find(daemon_keys, name);
}

static int merge_level(const struct level *l, struct err *e);

/* Merges the objects under one name and puts the results there. */
static int merge_below(const struct level *l, const char *name, const struct field *f,
		       const json_t *plan, struct err *e)
{
	_cleanup_json_ json_t *none = json_object(), *ours = json_object(), *merged = NULL;
	_cleanup_free_ char *prefix = NULL;
	const json_t *file = json_member(l->file, name), *was = json_member(l->was, name);
	struct level below;
	int r;

	merged = file ? json_clone(file, false) : json_object();
	if (!none || !ours || !merged || asprintf(&prefix, "%s%s.", l->prefix, name) < 0)
		return err_oom(e);
	below = (struct level){
		f,	prefix, file ? file : none, plan ? plan : none, was ? was : none,
		merged, ours,	l->forgotten
	};
	r = merge_level(&below, e);
	if (r < 0)
		return r;
	if (!json_object_size(merged) && (!file || json_object_size(file)))
		json_object_del(l->merged, name); /* nothing but ours was in it */
	else if (json_object_set(l->merged, name, merged))
		return err_oom(e);
	if (json_object_size(ours) && json_object_set(l->ours, name, ours))
		return err_oom(e);
	return 0;
}

static int merge_wanted(const struct level *l, struct err *e)
{
	const char *name;
	json_t *want;

	json_object_foreach (json_readonly(l->plan), name, want) {
		const struct field *f = level_row(l, name);
		const json_t *file = json_member(l->file, name);
		const json_t *was = json_member(l->was, name);

		if (merges(f) && json_is_object(want) && (!file || json_is_object(file)) &&
		    (!was || json_is_object(was))) {
			int r = merge_below(l, name, f, want, e);

			if (r < 0)
				return r;
			continue;
		}
		/* An empty map asks for nothing, and what is no map is refused by dockerd. */
		if (merges(f) && json_is_object(want) && !json_object_size(want) && file &&
		    !json_is_object(file)) {
			json_object_del(l->merged, name);
			continue;
		}
		if (!file || was || !json_equal(file, want))
			if (json_object_set(l->ours, name, want))
				return err_oom(e);
		if (!file || !json_equal(file, want))
			if (json_object_set(l->merged, name, want))
				return err_oom(e);
	}
	return 0;
}

static int merge_dropped(const struct level *l, struct err *e)
{
	const char *name;
	json_t *was;

	json_object_foreach (json_readonly(l->was), name, was) {
		const struct field *f = level_row(l, name);
		const json_t *file = json_member(l->file, name);

		if (json_object_get(l->plan, name) || !file)
			continue;
		if (merges(f) && json_is_object(file) && json_is_object(was)) {
			int r = merge_below(l, name, f, NULL, e);

			if (r < 0)
				return r;
		} else if (json_equal(file, was)) {
			json_object_del(l->merged, name);
		} else if (json_array_append_new(l->forgotten,
						 json_sprintf("%s%s", l->prefix, name))) {
			return err_oom(e);
		}
	}
	return 0;
}

static int merge_level(const struct level *l, struct err *e)
{
	int r = merge_wanted(l, e);

	return r < 0 ? r : merge_dropped(l, e);
}

/* The top members that differ between two documents. */
static int merge_edits(const json_t *from, const json_t *to, json_t *edits, struct err *e)
{
	const char *name;
	json_t *v;

	json_object_foreach (json_readonly(to), name, v)
		if (!json_equal(v, json_object_get(from, name)) && json_object_set(edits, name, v))
			return err_oom(e);
	json_object_foreach (json_readonly(from), name, v)
		if (!json_object_get(to, name) && json_object_set_new(edits, name, json_null()))
			return err_oom(e);
	return 0;
}

/* `max-size` of json-file under the plan's `log-driver: journald`, for one. What the plan itself
 * says wrong stays, to be told. */
static int drop_log_opts(const json_t *plan, json_t *merged, struct err *e)
{
	const char *driver = json_string_value(json_object_get(plan, "log-driver"));
	const json_t *opts = json_object_get(merged, "log-opts");
	const json_t *wanted = json_object_get(plan, "log-opts");
	_cleanup_json_ json_t *kept = NULL;
	const char *name;
	json_t *v;

	if (!driver || !json_object_size(opts))
		return 0;
	kept = json_object();
	if (!kept)
		return err_oom(e);
	json_object_foreach (json_readonly(opts), name, v)
		if ((daemon_log_opt_known(driver, name) || json_object_get(wanted, name)) &&
		    json_object_set(kept, name, v))
			return err_oom(e);
	if (!json_object_size(kept))
		json_object_del(merged, "log-opts");
	else if (json_object_set(merged, "log-opts", kept))
		return err_oom(e);
	return 0;
}

int daemon_merge(const json_t *file, const json_t *plan, const json_t *was,
		 struct daemon_merge *ret, struct err *e)
{
	_cleanup_merge_ struct daemon_merge m = { json_object(), json_clone(file, false),
						  json_object(), json_array() };
	_cleanup_json_ json_t *none = json_object();
	struct level top = { NULL,     "",     file,	   plan ? plan : none, was ? was : none,
			     m.merged, m.ours, m.forgotten };
	int r;

	if (!m.edits || !m.merged || !m.ours || !m.forgotten || !none)
		return err_oom(e);
	r = merge_level(&top, e);
	if (r == 0)
		r = drop_log_opts(plan, m.merged, e);
	if (r < 0)
		return r;
	r = merge_edits(file, m.merged, m.edits, e);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct daemon_merge){ 0 };
	return 0;
}
