/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/accounts.h"
#include "../src/selinuxconf.h"
#include "daemon_host.h"
#include "selinux_policy.h"

/* 1, 0, or why that can't be told. */
static int there(const struct host *h, const char *path, struct err *e)
{
	struct stat st;
	int r = host_stat(h, path, &st, e);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int daemon_selinux_off(const struct host *h, const char **ret_why, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char type[64];
	size_t len;
	int r = 1;

	*ret_why = NULL;
	/* Live, the kernel says; the config is for the next boot. */
	if (host_is_live(h))
		r = there(h, SELINUX_ENFORCE, e);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret_why = "SELinux is off on this host";
		return 0;
	}
	r = host_read(h, SELINUX_CONFIG, 65536, &text, &len, e);
	if (r < 0 && r != -ENOENT && r != -EINVAL && r != -EISDIR)
		return r;
	if (r < 0) {
		*ret_why = "this root has no SELinux (no /etc/selinux/config)";
		return 0;
	}
	if (!host_is_live(h) && selinuxconf_mode(text) < SELINUX_PERMISSIVE) {
		*ret_why = "SELinux is off in /etc/selinux/config";
		return 0;
	}
	if (!selinuxconf_type(text, type, sizeof(type))) {
		*ret_why = "/etc/selinux/config names no policy";
		return 0;
	}
	return selinux_policy_containers(h, type, ret_why, e);
}

/* Docker reads the limit's name from inside (go-units Ulimit.Name). */
static int fill_ulimits(json_t *wanted, struct err *e)
{
	json_t *limits = json_object_get(wanted, "default-ulimits"), *v;
	_cleanup_json_ json_t *copy = NULL;
	const char *name;

	if (!json_is_object(limits))
		return 0;
	copy = json_clone(limits, true);
	if (!copy)
		return err_oom(e);
	json_object_foreach (copy, name, v)
		if (!json_object_get(v, "Name") &&
		    json_object_set_new(v, "Name", json_string(name)))
			return err_oom(e);
	return json_object_set(wanted, "default-ulimits", copy) ? err_oom(e) : 0;
}

static int drop_unknown(const struct section *s, const struct host *h, json_t *wanted,
			struct err *e)
{
	const char *text, *why, *key;
	unsigned engine;
	void *next;
	json_t *v;

	if (engine_version(h, s->plan, &engine, &text, &why, e) < 0)
		return e->code;
	json_object_foreach_safe (wanted, next, key, v)
		if (!daemon_key_known(field_find(daemon_keys, key), engine) &&
		    daemon_key_shipped(s, key))
			json_object_del(wanted, key);
	return 0;
}

int daemon_wanted(const struct section *s, const struct host *h, json_t **ret,
		  const char **ret_auto_off, struct err *e)
{
	_cleanup_json_ json_t *wanted = json_clone(s->values, false);
	const char *remap, *off = NULL;
	int r;

	if (!wanted)
		return err_oom(e);
	if (json_is_string(json_object_get(wanted, "selinux-enabled"))) {
		r = daemon_selinux_off(h, &off, e);
		if (r < 0)
			return r;
		if (off)
			json_object_del(wanted, "selinux-enabled");
		else if (json_object_set_new(wanted, "selinux-enabled", json_true()))
			return err_oom(e);
	}
	/* From 28.0 on dockerd's own allocation for "default" may overlap other people's ranges. */
	remap = json_string_value(json_object_get(wanted, "userns-remap"));
	if (remap && streq(remap, "default") &&
	    json_object_set_new(wanted, "userns-remap", json_string(DAEMON_ACCOUNT)))
		return err_oom(e);
	r = fill_ulimits(wanted, e);
	if (r == 0)
		r = drop_unknown(s, h, wanted, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(wanted);
	*ret_auto_off = off;
	return 0;
}

void daemon_userns_done(struct daemon_userns *u)
{
	free(u->user);
	owner_range_done(&u->range);
	*u = (struct daemon_userns){ 0 };
}

int daemon_userns_load(const struct host *h, const char *value, struct daemon_userns *ret,
		       struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_userns_ struct daemon_userns u = { 0 };
	const struct account *account;
	const struct idmap *m;
	int r;

	/* The group part has been ignored since 20.10: subgid is looked up by the user's name. */
	u.user = streq(value, "default") ? strdup(DAEMON_ACCOUNT)
					 : strndup(value, strcspn(value, ":"));
	if (!u.user)
		return err_oom(e);
	r = accounts_load(h, &a, e);
	if (r < 0)
		return r;
	account = accounts_owner(&a, u.user);
	u.exists = account != NULL;
	if (account && !streq(account->name, u.user)) {
		free(u.user);
		u.user = strdup(account->name);
		if (!u.user)
			return err_oom(e);
	}
	r = idmap_get(h, &m, e);
	if (r < 0)
		return r;
	r = idmap_owner(m, &a, u.user, &u.range, e);
	if (r < 0)
		return r;
	*ret = u;
	u = (struct daemon_userns){ 0 };
	return 0;
}

/* The unit's state, asked once a run. */
struct unit_fact {
	struct unit_state state;
	char why[400];
};

static int unit_fact(const struct host *h, const struct unit_fact **ret, struct err *e)
{
	static const char name[] = "daemon: docker.service";
	struct unit_fact *fact = host_kept(h, name);
	_cleanup_units_ struct units *u = NULL;
	struct err why;
	int r;

	if (!fact) {
		fact = calloc(1, sizeof(*fact));
		if (!fact)
			return err_oom(e);
		r = units_open(h, &u, &why);
		if (r == 0)
			r = units_state(u, DOCKER_SERVICE, &fact->state, &why);
		if (r < 0)
			snprintf(fact->why, sizeof(fact->why), "%.*s", (int)sizeof(fact->why) - 1,
				 why.text);
		r = host_keep(h, name, fact, free, e);
		if (r < 0)
			return r;
	}
	*ret = fact;
	return 0;
}

static void seen_load(const struct host *h, struct daemon_running *d)
{
	char text[ENGINE_VERSION_TEXT];
	const char *version;
	struct err why;

	if (engine_get(h, "/info", &d->seen.info, &why) < 0) {
		snprintf(d->why, sizeof(d->why), "%.*s", (int)sizeof(d->why) - 1, why.text);
		d->seen.info = NULL;
		return;
	}
	/* Both may be missing: no default bridge, an authorization plugin that says no. */
	if (engine_get(h, "/networks/bridge", &d->seen.bridge, &why) < 0)
		d->seen.bridge = NULL;
	if (engine_get(h, "/version", &d->seen.version, &why) < 0)
		d->seen.version = NULL;
	version = json_string_value(json_object_get(d->seen.info, "ServerVersion"));
	d->seen.engine = version ? engine_version_parse(version, text) : 0;
}

int daemon_running_load(const struct host *h, const struct engine_cmdline *cmd, const char *remap,
			struct daemon_running *ret, struct err *e)
{
	_cleanup_userns_ struct daemon_userns u = { 0 };
	struct daemon_running d = { .seen = { .host = h } };
	const struct unit_fact *unit = NULL;
	struct err why;
	int r;

	if (!host_is_live(h)) {
		snprintf(d.why, sizeof(d.why), "offline: no daemon to ask");
	} else if (!cmd->installed) {
		snprintf(d.why, sizeof(d.why),
			 cmd->masked ? "docker.service is masked" : "Docker is not installed");
	} else {
		r = unit_fact(h, &unit, e);
		if (r < 0)
			return r;
		d.unit = unit->state;
		d.starting = unit_is_starting(&d.unit);
		d.up = d.starting || unit_is_up(d.unit.active);
		if (unit->why[0])
			snprintf(d.why, sizeof(d.why), "%s", unit->why);
		else if (d.starting)
			snprintf(d.why, sizeof(d.why), "docker.service is being started");
		else if (!d.up)
			snprintf(d.why, sizeof(d.why), "docker.service is not %s",
				 host_is_booting(h) ? "started yet" : "running");
		else
			seen_load(h, &d);
	}
	if (d.seen.info && remap && daemon_userns_load(h, remap, &u, &why) == 0 && u.range.in[0] &&
	    u.range.in[1]) {
		d.seen.remap_known = true;
		d.seen.remap_uid = u.range.range[SUBUID].start;
		d.seen.remap_gid = u.range.range[SUBGID].start;
	}
	*ret = d;
	return 0;
}

int daemon_moves(const struct daemon_running *run, const struct engine_cmdline *cmd,
		 const json_t *doc, const char **ret_key, struct err *e)
{
	const json_t *info = run->seen.info, *remap = json_member(doc, "userns-remap");
	const json_t *root = json_member(doc, "data-root");
	_cleanup_proof_ struct proof a = { 0 }, b = { 0 };
	int r = 0;

	*ret_key = NULL;
	if (!json_string_value(json_object_get(info, "DockerRootDir")))
		return 0;
	if (remap && json_is_string(remap))
		r = daemon_prove(field_find(daemon_keys, "userns-remap"), remap, &run->seen, &a, e);
	else if (info_security(info, "userns") &&
		 !engine_cmdline_flag(cmd, "userns-remap")) /* it leaves the file */
		a.state = PROOF_DIFFERS;
	if (r == 0 && root && json_is_string(root))
		r = daemon_prove(field_find(daemon_keys, "data-root"), root, &run->seen, &b, e);
	if (r < 0)
		return r;
	if (a.state == PROOF_DIFFERS)
		*ret_key = "userns-remap";
	else if (b.state == PROOF_DIFFERS)
		*ret_key = "data-root";
	return 0;
}

long long info_int(const json_t *info, const char *name)
{
	return json_integer_value(json_object_get(info, name));
}

bool daemon_network_frozen(const json_t *info)
{
	return json_is_true(json_object_get(info, "LiveRestoreEnabled")) &&
	       info_int(info, "ContainersRunning") + info_int(info, "ContainersPaused") > 0;
}

bool daemon_key_frozen(const struct daemon_running *run, const char *key)
{
	return daemon_key_of(field_find(daemon_keys, key))->frozen &&
	       daemon_network_frozen(run->seen.info);
}

const char *daemon_restart_policy(const struct section *s, const json_t *info)
{
	const struct section *service = s ? plan_section(s->plan, "service") : NULL;
	const char *policy = service ? section_str(service, "restart") : NULL;

	if (!policy)
		return NULL;
	if (streq(policy, "never"))
		return "service.restart is never";
	if (streq(policy, "if-idle") && info_int(info, "ContainersRunning") > 0)
		return "service.restart is if-idle, and containers run";
	return NULL;
}

bool daemon_key_remembered(const json_t *state, const struct daemon_running *run, const char *key,
			   const json_t *value)
{
	const json_t *known = json_object_get(state, "in_effect");
	const char *invocation = json_string_value(json_object_get(known, "invocation"));

	return invocation && *invocation && streq(invocation, run->unit.invocation) &&
	       json_equal(json_object_get(json_object_get(known, "keys"), key), value);
}

bool daemon_key_read(const json_t *state, uint64_t since_us, const struct daemon_running *run,
		     const char *key, const json_t *value)
{
	return !run->unit.started_us || since_us <= run->unit.started_us ||
	       daemon_key_remembered(state, run, key, value);
}

static uint64_t time_us(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_nsec / 1000;
}

uint64_t daemon_file_us(const struct host *h, const char *path, const struct stat *st)
{
	uint64_t us = time_us(&st->st_mtim);
	struct timespec born;
	struct err none;

	if (st->st_ino && host_born(h, path, &born, &none) == 0 && time_us(&born) > us)
		us = time_us(&born);
	return us;
}
