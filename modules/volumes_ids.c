/* SPDX-License-Identifier: Apache-2.0 */
#include "volumes_ids.h"

#include <inttypes.h>

#include "../src/json.h"
#include "daemon_host.h"
#include "engine.h"

void volume_ids_done(struct volume_ids *v)
{
	free(v->user);
	free(v->ranges[SUBUID]);
	free(v->ranges[SUBGID]);
	*v = (struct volume_ids){ 0 };
}

int volume_daemon_key(const struct host *h, const char *key, char **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *doc = NULL;
	const struct engine_cmdline *c;
	const char *value, *path = DAEMON_JSON;
	size_t len = 0, pos = 0;
	int r = engine_cmdline(h, &c, e);

	*ret = NULL;
	if (r < 0)
		return r;
	value = c->installed ? engine_cmdline_next(c, key, &pos) : NULL;
	if (c->installed && c->config)
		path = c->config;
	r = value ? -ENOENT : host_read(h, path, DAEMON_FILE_MAX, &text, &len, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		r = json_parse_object(text, len, &doc, e);
		if (r < 0)
			return r == -EINVAL ? err_prefix(e, "%s%s", host_prefix(h), path) : r;
	}
	if (!value)
		value = json_string_value(json_object_get(doc, key));
	if (!value || !*value)
		return 0;
	*ret = strdup(value);
	return *ret ? 0 : err_oom(e);
}

static int add(struct volume_ids *v, const struct subid_line *l, struct err *e)
{
	struct idrange *list =
		reallocarray(v->ranges[l->file], v->n[l->file] + 1, sizeof(struct idrange));

	if (!list)
		return err_oom(e);
	v->ranges[l->file] = list;
	list[v->n[l->file]++] = l->docker;
	return 0;
}

/* The lines of one owner. By name and by uid at once, what counts depends on Docker's version. */
static int ranges_of(const struct idmap *m, const struct accounts *a, struct volume_ids *v,
		     struct errs *refusals, struct err *e)
{
	const struct account *u = accounts_owner(a, v->user);
	const char *first[2] = { NULL, NULL };
	char uid[16] = "";

	if (u)
		snprintf(uid, sizeof(uid), "%" PRIu32, u->id);
	for (size_t i = 0; i < m->n_lines; i++) {
		const struct subid_line *l = &m->lines[i];

		if (!streq(l->owner, u ? u->name : v->user) && !(u && streq(l->owner, uid)))
			continue;
		if (l->ambiguous || !l->by_docker) {
			errs_add(
				refusals, NULL,
				"line %u of %s is not plain 'owner:start:count' in decimal: the ids of "
				"containers can't be told",
				l->line, subid_paths[l->file]);
			continue;
		}
		if (first[l->file] && !streq(first[l->file], l->owner))
			errs_add(
				refusals, NULL,
				"%s has lines for %s by name and by uid: which of them counts depends "
				"on Docker's version. Keep one kind",
				subid_paths[l->file], v->user);
		first[l->file] = l->owner;
		if (add(v, l, e) < 0)
			return e->code;
	}
	for (int f = SUBUID; f <= SUBGID; f++)
		if (!v->n[f])
			errs_add(refusals, NULL,
				 "userns-remap is %s, and %s has no range for it: name it under "
				 "subids.ranges",
				 v->user, subid_paths[f]);
	return 0;
}

int volume_ids_load(const struct host *h, struct volume_ids *ret, struct errs *refusals,
		    struct err *e)
{
	_cleanup_volume_ids_ struct volume_ids v = { 0 };
	_cleanup_accounts_ struct accounts a = { 0 };
	const struct idmap *m;
	int r;

	r = volume_daemon_key(h, "userns-remap", &v.user, e);
	/* The daemon that runs may have read it when it was whole. */
	if (r == -EINVAL)
		errs_add(refusals, NULL, "%s; so which ids containers have can't be told", e->text);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	/* The group part has been ignored since 20.10. */
	if (v.user)
		v.user[strcspn(v.user, ":")] = '\0';
	if (v.user && streq(v.user, "default")) {
		free(v.user);
		v.user = strdup(DAEMON_ACCOUNT);
		if (!v.user)
			return err_oom(e);
	}
	/* dockerd only warns about these, and user namespaces are off. */
	if (v.user && (streq(v.user, "root") || streq(v.user, "0"))) {
		free(v.user);
		v.user = NULL;
	}
	if (v.user && (accounts_load(h, &a, e) < 0 || idmap_get(h, &m, e) < 0 ||
		       ranges_of(m, &a, &v, refusals, e) < 0))
		return e->code;
	*ret = v;
	v = (struct volume_ids){ 0 };
	return 0;
}

uint64_t volume_ids_count(const struct volume_ids *v, enum subid_file file)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->n[file]; i++)
		n += v->ranges[file][i].count;
	return n;
}

bool volume_id(const struct volume_ids *v, enum subid_file file, uint64_t id, uint32_t *ret)
{
	if (!v->user) {
		*ret = (uint32_t)id;
		return true;
	}
	for (size_t i = 0; i < v->n[file]; i++) {
		const struct idrange *r = &v->ranges[file][i];

		if (id < r->count) {
			if (r->start > UINT32_MAX - 1 || id > UINT32_MAX - 1 - r->start)
				return false;
			*ret = (uint32_t)(r->start + id);
			return true;
		}
		id -= r->count;
	}
	return false;
}
