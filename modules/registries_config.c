/* SPDX-License-Identifier: Apache-2.0 */
/* What the lists become in files that others write, too: daemon.json, and /etc/sysconfig/docker of
 * Red Hat's docker. */
#include "registries.h"

/* --- daemon.json --- */

static int want_config(const struct registries_work *w, json_t **ret, struct err *e)
{
	json_t *want = json_object(), *names;
	int r = want ? 0 : -ENOMEM;
	json_t *v;
	size_t i;

	if (r == 0 && registries_use(w, MEANS_PROXY) && !registries_proxy_by_dropin(w))
		r = json_object_set_new(want, "proxies",
					json_pack("{s:s, s:s}", "http-proxy", w->r->proxy,
						  "https-proxy", w->r->proxy));
	if (r == 0 && registries_use(w, MEANS_KEYS)) {
		names = json_array();
		r = json_object_set_new(want, "block-registry", names);
		json_array_foreach (json_readonly(w->r->block), i, v)
			if (r == 0 && !registry_is_wildcard(json_string_value(v)))
				r = json_array_append(names, v);
		if (r == 0 && w->r->all && json_array_size(w->r->allow))
			r = json_object_set(want, "add-registry", json_readonly(w->r->allow));
	}
	*ret = want;
	return r < 0 ? err_oom(e) : 0;
}

/* The file is right: has the running daemon read it? */
static int config_drift(const struct registries_work *w, const json_t *want, struct err *e)
{
	const json_t *proxies = json_object_get(want, "proxies");
	_cleanup_proof_ struct proof p = { 0 };
	struct stat st;
	struct err ignored;
	int r;

	if (!proxies || !w->r->run.seen.info ||
	    host_stat(w->h, w->r->cmd->config, &st, &ignored) < 0 || !st.st_ino)
		return 0;
	r = daemon_prove(field_find(daemon_keys, "proxies"), proxies, &w->r->run.seen, &p, e);
	if (r < 0 || p.state != PROOF_DIFFERS)
		return r;
	return registries_restart(w, "the running daemon pulls past the proxy", e);
}

static int config_write(const struct registries_work *w, const char *path, const char *text,
			size_t len, const struct daemon_merge *m, struct err *e)
{
	_cleanup_free_ char *content = NULL;
	const char *key;
	json_t *v;
	size_t n;
	int r = json_edit_object(text, len, m->edits, &content, &n, e);

	if (r < 0)
		return err_prefix(e, "%s%s", host_prefix(w->h), path);
	json_object_foreach (m->edits, key, v) {
		_cleanup_free_ char *why = NULL;

		if (asprintf(&why, "%s: %s", key,
			     json_is_null(v) || !w->r ? "the plan no longer asks for it"
						      : "what keeps dockerd to the lists") < 0)
			return err_oom(e);
		r = changes_file(w->out, w->h, path, content, n, CHANGE_KEEP_ATTRS, 0, 0,
				 REGISTRIES, w->r ? "enforce" : NULL, NULL, why, e);
		if (r < 0)
			return r;
	}
	r = daemon_file_test(w->out, w->h, w->r ? w->r->s->plan : NULL, path, m->merged, e);
	return r < 0 ? r : registries_restart(w, "members of daemon.json change", e);
}

/* A list is merged as a whole: what somebody else keeps blocked or open in it may not go with ours.
 */
static int refuse_theirs(const struct registries_work *w, const char *path, const json_t *file,
			 const json_t *want, const json_t *was, struct err *e)
{
	static const struct {
		const char *key, *setting;
	} lists[] = { { "block-registry", "block" }, { "add-registry", "allow" } };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *ours = json_member(was, lists[i].key), *v;
		const json_t *next = json_member(want, lists[i].key);
		size_t k;

		json_array_foreach (json_readonly(json_member(file, lists[i].key)), k, v) {
			const char *name = json_string_value(v);
			_cleanup_free_ char *text = NULL;

			if (!next || !name || registry_find(next, name) >= 0 ||
			    registry_find(ours, name) >= 0)
				continue;
			if (daemon_show(v, &text, e) < 0)
				return e->code;
			errs_add(&w->out->refusals, section_where(w->r->s, lists[i].setting),
				 "registries.%s: `%s` of %s%s holds %s, which the plan doesn't "
				 "name: add it to the plan, or take it out there",
				 lists[i].setting, lists[i].key, host_prefix(w->h), path, text);
		}
	}
	return 0;
}

/* `want` NULL: what we set is taken out of a file that dockerd reads no more, or that we leave. */
static int config_merge(const struct registries_work *w, const char *path, const json_t *want,
			const json_t *was, struct err *e)
{
	bool created = daemon_file_created(w->all, w->out, path);
	_cleanup_merge_ struct daemon_merge m = { 0 };
	_cleanup_json_ json_t *file = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0, i;
	json_t *name, *state;
	bool exists;
	int r = host_read(w->h, path, DAEMON_FILE_MAX, &text, &len, e);

	if (r < 0 && r != -ENOENT)
		return r;
	exists = r == 0;
	r = json_parse_object(exists ? text : "", len, &file, e);
	if (r == -EINVAL) {
		errs_add(&w->out->refusals, NULL, "%s%s:%s; nothing was touched, mend it first",
			 host_prefix(w->h), path, e->text);
		return 0;
	}
	if (r == 0)
		r = refuse_theirs(w, path, file, want, json_object_get(was, "keys"), e);
	if (r == 0)
		r = daemon_merge(file, want, json_object_get(was, "keys"), &m, e);
	if (r < 0)
		return r;
	if (!json_object_size(m.edits))
		r = want ? config_drift(w, want, e) : 0;
	else if (created && exists && !json_object_size(m.merged))
		r = changes_remove_ours(w->out, w->h, path, text, len, REGISTRIES,
					w->r ? "enforce" : NULL,
					"made by us, and nothing is left in it", e);
	else
		r = config_write(w, path, exists ? text : "", len, &m, e);
	if (r > 0)
		r = registries_restart(w, "members of daemon.json go", e);
	json_array_foreach (m.forgotten, i, name)
		if (r >= 0)
			r = changes_note(
				w->out, REGISTRIES, NULL, e,
				"`%s` is no longer asked for, but %s%s holds another value "
				"than we set: it stays",
				json_string_value(name), host_prefix(w->h), path);
	if (r < 0 || !json_object_size(m.ours))
		return r < 0 ? r : 0;
	state = json_pack("{s:s, s:b, s:O}", "path", path, "created", created || !exists, "keys",
			  m.ours);
	return json_object_set_new(w->state, "config", state) < 0 ? err_oom(e) : 0;
}

int registries_config(const struct registries_work *w, struct err *e)
{
	const json_t *was = json_object_get(w->was, "config");
	const char *old = json_string_value(json_object_get(was, "path"));
	const char *path = w->r ? w->r->cmd->config : old;
	_cleanup_json_ json_t *want = NULL;

	if (want_config(w, &want, e) < 0)
		return e->code;
	if (old && !streq(old, path)) {
		if (config_merge(w, old, NULL, was, e) < 0)
			return e->code;
		was = NULL;
	}
	if (!json_object_size(want) && !was)
		return 0;
	return config_merge(w, path, json_object_size(want) ? want : NULL, was, e);
}

/* --- /etc/sysconfig/docker --- */

static int sysconfig_names(const struct registries_work *w, json_t **ret_block, json_t **ret_add,
			   struct err *e)
{
	json_t *v;
	size_t i;
	int r;

	*ret_block = json_array();
	*ret_add = json_array();
	r = *ret_block && *ret_add ? 0 : -ENOMEM;
	if (registries_use(w, MEANS_SYSCONFIG)) {
		json_array_foreach (json_readonly(w->r->block), i, v)
			if (r == 0 && !registry_is_wildcard(json_string_value(v)))
				r = json_array_append(*ret_block, v);
		if (r == 0 && w->r->all)
			json_array_foreach (json_readonly(w->r->allow), i, v)
				if (r == 0)
					r = json_array_append(*ret_add, v);
	}
	return r < 0 ? err_oom(e) : 0;
}

/* One variable: `*text` becomes the text with it. 1: it can't be edited, which is told. */
static int sysconfig_edit(const struct registries_work *w, const char *path, struct flags *f,
			  const json_t *was, char **text, json_t *state, struct err *e)
{
	const json_t *old = json_object_get(was, f->variable);
	_cleanup_json_ json_t *ours = NULL;
	_cleanup_free_ char *next = NULL;
	int r;

	f->was = json_object_get(old, "ours");
	f->made = json_is_true(json_object_get(old, "made"));
	if (!json_array_size(f->want) && !json_array_size(f->was))
		return 0;
	r = flags_edit(*text, f, &next, &ours, e);
	if (r == -EINVAL) {
		errs_add(&w->out->refusals, NULL,
			 "'%s%s', %s: write it as %s='--%s NAME', on one line", host_prefix(w->h),
			 path, e->text, f->variable, f->flag);
		return 1;
	}
	if (r < 0)
		return r;
	free(*text);
	*text = TAKE_PTR(next);
	if (json_array_size(ours) &&
	    json_object_set_new(state, f->variable,
				json_pack("{s:O, s:b}", "ours", ours, "made", f->made)) < 0)
		return err_oom(e);
	return 0;
}

static int sysconfig_file(const struct registries_work *w, const char *path, const json_t *was,
			  const json_t *block, const json_t *add, struct err *e)
{
	struct flags list[] = {
		{ .variable = "BLOCK_REGISTRY", .flag = "block-registry", .want = block },
		{ .variable = "ADD_REGISTRY", .flag = "add-registry", .want = add },
	};
	_cleanup_json_ json_t *state = json_object();
	_cleanup_free_ char *before = NULL, *text = NULL;
	bool exists, created = json_is_true(json_object_get(was, "created"));
	size_t len = 0;
	int r = host_read(w->h, path, REGISTRIES_FILE_MAX, &before, &len, e);

	if (r < 0 && r != -ENOENT)
		return r;
	exists = r == 0;
	text = strdup(exists ? before : "");
	if (!state || !text)
		return err_oom(e);
	if (strlen(text) != len)
		return err_set(e, EINVAL, "'%s%s' holds a NUL byte: mend it first",
			       host_prefix(w->h), path);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		r = sysconfig_edit(w, path, &list[i], was, &text, state, e);
		if (r)
			return r < 0 ? r : 0;
	}
	if (exists && streq(text, before))
		r = w->r ? registries_restart_if_newer(w, path, e) : 0;
	else if (exists && !*text && created)
		r = changes_remove_ours(w->out, w->h, path, before, len, REGISTRIES, NULL,
					"made by us, and nothing is left in it", e);
	else if (exists || *text)
		r = changes_file(w->out, w->h, path, text, strlen(text), CHANGE_KEEP_ATTRS, 0, 0,
				 REGISTRIES, w->r ? "enforce" : NULL, NULL,
				 "the flags of dockerd that block registries", e);
	else
		return 0;
	if (r > 0)
		r = registries_restart(w, "dockerd's flags change", e);
	if (r < 0 || !json_object_size(state))
		return r < 0 ? r : 0;
	if (json_object_set_new(state, "path", json_string(path)) < 0 ||
	    json_object_set_new(state, "created", json_boolean(created || !exists)) < 0 ||
	    json_object_set(w->state, "sysconfig", state) < 0)
		return err_oom(e);
	return 0;
}

int registries_sysconfig(const struct registries_work *w, struct err *e)
{
	const json_t *was = json_object_get(w->was, "sysconfig");
	const char *old = json_string_value(json_object_get(was, "path"));
	const char *path = registries_use(w, MEANS_SYSCONFIG) ? w->r->sysconfig : NULL;
	_cleanup_json_ json_t *block = NULL, *add = NULL, *none = json_array();

	if (!none || sysconfig_names(w, &block, &add, e) < 0)
		return err_oom(e);
	if (old && (!path || !streq(old, path))) {
		if (sysconfig_file(w, old, was, none, none, e) < 0)
			return e->code;
		was = NULL;
	}
	return path ? sysconfig_file(w, path, was, block, add, e) : 0;
}
