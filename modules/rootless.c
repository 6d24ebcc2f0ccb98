/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rootless Docker for the users that the plan names: ranges of ids, lingering, what the kernel has
 * to allow, and the units that run dockerd-rootless.sh of the distribution's package as that user.
 *
 * Every file lies on root's ground. What a user's own manager has to do is asked of it by a unit of
 * the system's that runs as the user (see rootless.h), so that a start is waited for, a failure is
 * told, and what is taken out is stopped.
 */
#include "rootless.h"

#include <inttypes.h>

#include "../src/template.h"
#include "../src/units.h"
#include "engine.h"

#define NAME	ROOTLESS_NAME
#define CIS	ROOTLESS_CIS
#define SERVICE "/etc/systemd/user/bulkhead-docker-rootless.service"
#define USERS	"/etc/systemd/user/bulkhead-docker-rootless.service.d/50-bulkhead.conf"
#define TARGET	"/etc/systemd/user/default.target.d/50-bulkhead.conf"
#define PROFILE "/etc/profile.d/bulkhead-rootless.sh"
#define SYSTEM	"/etc/systemd/system/"
#define LINGER	"/var/lib/systemd/linger/"
#define PATHS	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const controllers[] = { "cpu", "cpuset", "io", "memory", "pids", NULL };
static const char *const apparmor_userns[] = { "keep", "lift", NULL };

static const struct field user_row = { .name = "user", .type = FIELD_NAME };
static const struct field controller_row = { .name = "controller",
					     .type = FIELD_ENUM,
					     .choices = controllers };

static const struct field fields[] = {
	{ .name = "users",
	  .type = FIELD_LIST,
	  .of = &user_row,
	  .max = SUBRANGES_MAX,
	  .cis = CIS,
	  .help = "who gets a Docker daemon of their own that runs without root, from boot on" },
	{ .name = "docker-host",
	  .type = FIELD_BOOL,
	  .cis = CIS,
	  .fallback = "true",
	  .help = "login shells of these users talk to their own daemon (DOCKER_HOST)" },
	{ .name = "delegate",
	  .type = FIELD_LIST,
	  .of = &controller_row,
	  .max = 5,
	  .cis = CIS,
	  .help = "cgroup controllers that these users' containers can be limited with, from the "
		  "next start of the user's manager on; without it those that systemd delegates" },
	{ .name = "max-user-namespaces",
	  .type = FIELD_INT,
	  .min = 1,
	  .max = 2147483647,
	  .cis = CIS,
	  .fallback = "28633",
	  .help = "user.max_user_namespaces is at least this; a host that allows more keeps it" },
	{ .name = "apparmor-userns",
	  .type = FIELD_ENUM,
	  .choices = apparmor_userns,
	  .cis = CIS,
	  .fallback = "keep",
	  .help = "where AppArmor keeps programs from making user namespaces (Ubuntu): keep (rootlesskit "
		  "then needs a profile of its own), or lift it for all programs" },
	{ .name = "port-start",
	  .type = FIELD_INT,
	  .min = 0,
	  .max = 65535,
	  .cis = CIS,
	  .help = "the lowest port that any user's program may listen on, so that a rootless container "
		  "can publish 80, say (net.ipv4.ip_unprivileged_port_start)" },
	{ 0 },
};

/* --- The plan --- */

static void check(const struct section *s, struct errs *out)
{
	const json_t *users = section_get(s, "users");

	for (size_t i = 0; i < json_array_size(users); i++) {
		const char *name = json_string_value(json_array_get(users, i));
		char path[32];

		snprintf(path, sizeof(path), "users[%zu]", i);
		if (name && (streq(name, "root") || streq(name, "0")))
			errs_add(out, section_where(s, path),
				 "root's daemon is the system's own: rootless Docker is for other "
				 "users");
		for (size_t k = 0; name && k < i; k++) {
			const char *other = json_string_value(json_array_get(users, k));

			if (other && streq(other, name)) {
				errs_add(out, section_where(s, path),
					 "'%s' is named already (users[%zu])", name,
					 section_index(s, "users", k));
				break;
			}
		}
	}
}

/* --- Files --- */

struct work {
	const struct section *s;
	const struct host *h;
	struct changes *out;
	json_t *was;   /* path -> content of what we left */
	json_t *files; /* the same, now */
	struct rootless_users users;
	struct rootless_tools tools;
	bool renewed; /* the unit that runs has changed */
};

static void work_done(struct work *w)
{
	rootless_users_done(&w->users);
	json_decref(w->was);
	json_decref(w->files);
}

/* A file of ours, remembered. 1: it changes. */
static int own(struct work *w, const char *path, const char *content, const char *setting,
	       const char *text, struct err *e)
{
	if (json_object_set_new(w->files, path, json_string(content)) < 0)
		return err_oom(e);
	return changes_file(w->out, w->h, path, content, strlen(content), CHANGE_EXACTLY | 0644, 0,
			    0, NAME, setting, CIS, text, e);
}

static int own_template(struct work *w, const char *path, const char *template,
			const struct template_var *vars, const char *setting, const char *text,
			struct err *e)
{
	_cleanup_free_ char *content = NULL;
	int r = template_fill(template_text(template), vars, &content, e);

	return r < 0 ? r : own(w, path, content, setting, text, e);
}

/* Somebody's lingering is somebody's: only what we made is remembered, and goes again. */
static int linger(struct work *w, const struct rootless_user *u, struct err *e)
{
	char path[300];
	struct stat st;
	int r;

	snprintf(path, sizeof(path), LINGER "%s", u->name);
	r = host_lstat(w->h, path, &st, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && !json_object_get(w->was, path))
		return 0;
	return own(w, path, "", u->range.setting, "this user's services run from boot on", e);
}

static int user_files(struct work *w, const struct rootless_user *u, struct err *e)
{
	const json_t *delegate = section_get(w->s, "delegate");
	_cleanup_buf_ struct buf list = BUF_INIT;
	char uid[16], path[160];
	const struct template_var vars[] = { { "user", u->name },
					     { "uid", uid },
					     { "systemctl", w->tools.systemctl },
					     { NULL, NULL } };

	snprintf(uid, sizeof(uid), "%u", u->uid);
	if (linger(w, u, e) < 0)
		return e->code;
	snprintf(path, sizeof(path), SYSTEM "%s", u->unit);
	if (own_template(w, path, "rootless-start.service", vars, u->range.setting,
			 "starts and stops this user's daemon", e) < 0)
		return e->code;
	snprintf(path, sizeof(path), SYSTEM "user@%s.service.d/50-bulkhead.conf", uid);
	if (own_template(w, path, "rootless-manager.conf", vars, u->range.setting,
			 "with this user's manager the daemon starts", e) < 0)
		return e->code;
	if (!json_array_size(delegate))
		return 0;
	for (size_t i = 0; i < json_array_size(delegate); i++)
		buf_addf(&list, "%s%s", i ? " " : "",
			 json_string_value(json_array_get(delegate, i)));
	if (list.failed)
		return err_oom(e);
	snprintf(path, sizeof(path), SYSTEM "user@%s.service.d/50-bulkhead-delegate.conf", uid);
	return own_template(
		w, path, "rootless-delegate.conf",
		(const struct template_var[]){ { "controllers", list.data }, { NULL, NULL } },
		"delegate", "limits of this user's containers", e);
}

/* What all users share. */
static int shared_files(struct work *w, struct err *e)
{
	static const struct template_var none[] = { { NULL, NULL } };
	_cleanup_buf_ struct buf users = BUF_INIT, uids = BUF_INIT, environment = BUF_INIT;
	int r;

	buf_adds(&users, template_text("rootless-users.conf"));
	buf_addf(&environment, "PATH=" PATHS "%s", w->tools.network);
	for (size_t i = 0; i < w->users.n; i++) {
		buf_addf(&users, "ConditionUser=|%s\n", w->users.list[i].range.owner);
		buf_addf(&uids, "%s%u", i ? " | " : "", w->users.list[i].uid);
	}
	if (users.failed || uids.failed || environment.failed)
		return err_oom(e);
	r = own_template(w, SERVICE, "rootless.service",
			 (const struct template_var[]){ { "environment", environment.data },
							{ "script", w->tools.script },
							{ NULL, NULL } },
			 "users", "the unit of rootless Docker, in users' own managers", e);
	if (r < 0)
		return r;
	w->renewed = r > 0;
	if (own(w, USERS, users.data, "users", "who may run it", e) < 0 ||
	    own_template(w, TARGET, "rootless-target.conf", none, "users",
			 "with these users' managers their daemon starts", e) < 0)
		return e->code;
	if (!section_bool(w->s, "docker-host", true))
		return 0;
	return own_template(w, PROFILE, "rootless.sh",
			    (const struct template_var[]){ { "uids", uids.data }, { NULL, NULL } },
			    "docker-host", "login shells of these users talk to their own daemon",
			    e);
}

/* --- What the kernel has to allow --- */

static bool had_line(const struct work *w, const char *name)
{
	const char *text = json_string_value(json_object_get(w->was, ROOTLESS_SYSCTL));

	return text && strstr(text, name);
}

/* A line where the plan asks for it, or where without it this host would not do. */
static bool needs_line(const struct work *w, const struct rootless_sysctl *x)
{
	if (!x->on || x->asked || x->only_asked)
		return x->on && x->asked;
	return had_line(w, x->name) || (x->kernel >= 0 && !rootless_sysctl_fits(x, x->kernel)) ||
	       (x->conf >= 0 && !rootless_sysctl_fits(x, x->conf));
}

/*
 * A value of the running kernel, now. What it was before us is remembered, for when it is no longer
 * asked for. Where /proc/sys is read-only (in a container) it waits for a boot.
 */
static int set_knob(struct work *w, const struct rootless_sysctl *x, struct err *e)
{
	char path[ROOTLESS_SYSCTL_PATH], value[24], text[160];
	json_t *was;
	int r;

	rootless_sysctl_path(x, path);
	was = json_object_get(w->was, path);
	if (was && json_object_set(w->files, path, was) < 0)
		return err_oom(e);
	if (x->kernel < 0 || rootless_sysctl_fits(x, x->kernel))
		return 0;
	r = host_writable(w->h, path, e);
	if (r < 0)
		return r == -EROFS ? 0 : r;
	snprintf(value, sizeof(value), "%lld", x->need);
	snprintf(text, sizeof(text), "%s: %lld -> %lld", x->name, x->kernel, x->need);
	r = changes_knob(w->out, w->h, path, value, NAME, x->setting, CIS, text, e);
	if (r < 0)
		return r;
	was = json_pack(
		"{s:I, s:I}", "was",
		(json_int_t)(was ? json_integer_value(json_object_get(was, "was")) : x->kernel),
		"set", (json_int_t)x->need);
	return json_object_set_new(w->files, path, was) < 0 ? err_oom(e) : 0;
}

/* As it was before us, if ours still stands. */
static int reset_knob(struct work *w, const char *path, const json_t *was, const char *why,
		      struct err *e)
{
	long long set = json_integer_value(json_object_get(was, "set"));
	_cleanup_free_ char *text = NULL;
	struct err ignored;
	char value[24];
	size_t len;
	int r;

	if (!host_is_live(w->h) || host_writable(w->h, path, &ignored) < 0)
		return 0;
	r = host_read(w->h, path, 128, &text, &len, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (strtoll(text, NULL, 10) != set)
		return 0;
	snprintf(value, sizeof(value), "%lld",
		 (long long)json_integer_value(json_object_get(was, "was")));
	return changes_knob(w->out, w->h, path, value, NAME, NULL, NULL, why, e);
}

/* Ubuntu's way out: a profile that lets rootlesskit alone make user namespaces. */
static int has_profile(const struct host *h, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = host_list(h, "/etc/apparmor.d", &names, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char **n = names; *n; n++)
		if (strstr(*n, "rootlesskit"))
			return 1;
	return 0;
}

static int diff_sysctls(struct work *w, struct err *e)
{
	struct rootless_sysctl list[ROOTLESS_SYSCTLS];
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *setting = NULL;
	int r;

	if (rootless_sysctls_load(w->s, w->h, list, e) < 0)
		return e->code;
	buf_adds(&text, template_text("rootless-sysctl.conf"));
	for (size_t i = 0; i < ROOTLESS_SYSCTLS; i++) {
		const struct rootless_sysctl *x = &list[i];

		if (needs_line(w, x)) {
			/* These two are single distributions' own: "-" lets others pass over them.
			 */
			buf_addf(&text, "%s%s = %lld\n", has_prefix(x->name, "kernel.") ? "-" : "",
				 x->name, x->need);
			setting = setting ? setting : x->setting;
			if (set_knob(w, x, e) < 0)
				return e->code;
		}
		if (!x->only_asked || x->asked || x->kernel != 1)
			continue;
		r = has_profile(w->h, e);
		if (r < 0)
			return r;
		if (!r)
			errs_add(
				&w->out->refusals, section_where(w->s, "apparmor-userns"),
				"AppArmor keeps programs of this host from making user namespaces (%s "
				"is 1), and /etc/apparmor.d has no profile for rootlesskit: write one "
				"that says 'userns,', or say 'apparmor-userns: lift', which lets every "
				"program make them",
				x->name);
	}
	if (text.failed)
		return err_oom(e);
	if (!setting)
		return 0;
	if (own(w, ROOTLESS_SYSCTL, text.data, setting, "what rootless Docker needs of the kernel",
		e) < 0 ||
	    rootless_sysctls_load(w->s, w->h, list, e) < 0) /* again, with ours */
		return e->code;
	for (size_t i = 0; i < ROOTLESS_SYSCTLS; i++)
		if (needs_line(w, &list[i]) && !rootless_sysctl_fits(&list[i], list[i].conf))
			errs_add(&w->out->refusals, section_where(w->s, list[i].setting),
				 "'%s%s' sets %s to %lld and comes after " ROOTLESS_SYSCTL
				 ", which has %lld: take that line out",
				 host_prefix(w->h), list[i].conf_file, list[i].name, list[i].conf,
				 list[i].need);
	return 0;
}

/* --- Ranges --- */

static int diff_ranges(struct work *w, struct err *e)
{
	_cleanup_subwork_ struct subwork *ranges = NULL;
	struct subpool pool;

	subpool_read(plan_section(w->s->plan, "subids"), &pool);
	if (subwork_new(w->s, NAME, &pool, w->h, w->out, &ranges, e) < 0)
		return e->code;
	if (subrange_nss_refused(ranges) && w->users.n)
		errs_add(&w->out->refusals, section_where(w->s, "users"), SUBRANGE_NSS_WHY,
			 ranges->m->nss);
	for (size_t i = 0; i < w->users.n; i++) {
		const struct subrange *want = &w->users.list[i].range;
		_cleanup_(owner_range_done) struct owner_range o = { 0 };
		_cleanup_buf_ struct buf why = BUF_INIT;
		enum subrange_verdict verdict;

		if (subrange_judge(ranges, want, &o, &verdict, &why, e) < 0)
			return e->code;
		if (verdict == SUBRANGE_REFUSE)
			subrange_refuse(&w->out->refusals, w->s, want, "", "%s", why.data);
		else if (subrange_settle(ranges, want, &o, verdict, e) < 0)
			return e->code;
	}
	return ranges->added ? subrange_note_strangers(ranges, e) : 0;
}

/* --- Units --- */

static int ask_user(struct work *w, struct units *units, const struct rootless_user *u,
		    struct err *e)
{
	struct unit_state st;
	_cleanup_json_ json_t *info = NULL;
	char text[400];
	struct err none;

	if (units_state(units, u->unit, &st, e) < 0)
		return e->code;
	if (streq(st.active, "inactive") || streq(st.active, "failed")) {
		snprintf(text, sizeof(text), "the rootless daemon of %s is not started", u->name);
		return changes_ask(w->out, u->unit, UNIT_START, NAME, u->range.setting, text, e);
	}
	if (!streq(st.active, "active"))
		return 0; /* on its way */
	if (w->renewed)
		snprintf(text, sizeof(text), "the unit of rootless Docker changes");
	else if (engine_get_user(w->h, u->uid, "/info", &info, &none) == -ENOTCONN)
		snprintf(text, sizeof(text), "the rootless daemon of %s is down", u->name);
	else
		return 0;
	return changes_ask(w->out, u->unit, UNIT_RESTART, NAME, u->range.setting, text, e);
}

static int ask_units(struct work *w, struct err *e)
{
	struct rootless_sysctl list[ROOTLESS_SYSCTLS];
	_cleanup_units_ struct units *units = NULL;

	if (!host_is_live(w->h) || !w->users.n)
		return 0;
	if (rootless_sysctls_load(w->s, w->h, list, e) < 0)
		return e->code;
	if (!rootless_kernel_allows(list))
		return 0;
	if (units_open(w->h, &units, e) < 0)
		return e->code;
	for (size_t i = 0; i < w->users.n; i++)
		if (ask_user(w, units, &w->users.list[i], e) < 0)
			return e->code;
	return 0;
}

/* --- What we no longer want --- */

static int take_out(struct work *w, const char *why, struct err *e)
{
	const char *path;
	json_t *content;
	bool any = false;

	json_object_foreach (w->was, path, content) {
		const char *text = json_string_value(content);
		int r;

		if (json_object_get(w->files, path))
			continue;
		if (json_is_object(content) && reset_knob(w, path, content, why, e) < 0)
			return e->code;
		if (!text)
			continue;
		r = changes_remove_ours(w->out, w->h, path, text, strlen(text), NAME, NULL, why, e);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (has_prefix(path, SYSTEM "bulkhead-rootless-")) {
			any = true;
			if (changes_ask(w->out, strrchr(path, '/') + 1, UNIT_STOP, NAME, NULL, why,
					e) < 0)
				return e->code;
		}
		w->out->manager_reload |= has_prefix(path, SYSTEM);
	}
	return any ? changes_note(
			     w->out, NAME, NULL, e,
			     "ranges of ids stay, and images and containers in the users' homes: "
			     "files there have owners from these ranges")
		   : 0;
}

static bool to_reload(const struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (has_prefix(c->list[i]->path, SYSTEM "bulkhead-rootless-") ||
		    has_prefix(c->list[i]->path, SYSTEM "user@"))
			return true;
	return false;
}

static int diff_section(struct work *w, struct err *e)
{
	struct changes *out = w->out;
	size_t mistakes = out->mistakes.n;

	if (rootless_users_load(w->s, w->h, &w->users, &out->mistakes, e) < 0)
		return e->code;
	if (out->mistakes.n != mistakes)
		return 0;
	if (w->users.n) {
		size_t refusals = out->refusals.n;

		if (rootless_tools_find(w->h, &w->tools, &out->refusals, e) < 0)
			return e->code;
		if (out->refusals.n != refusals)
			return 0;
		if (diff_ranges(w, e) < 0 || diff_sysctls(w, e) < 0 || shared_files(w, e) < 0)
			return e->code;
		for (size_t i = 0; i < w->users.n; i++)
			if (user_files(w, &w->users.list[i], e) < 0)
				return e->code;
	}
	if (take_out(w, "the plan no longer asks for it", e) < 0)
		return e->code;
	out->manager_reload |= to_reload(out);
	if (json_object_size(w->files) && changes_remember(out, NAME, w->files, e) < 0)
		return e->code;
	return ask_units(w, e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_(work_done) struct work w = { .s = s, .h = h, .out = out };

	w.was = was && json_is_object(was->state) ? json_clone(was->state, false) : json_object();
	w.files = json_object();
	if (!w.was || !w.files)
		return err_oom(e);
	return s ? diff_section(&w, e)
		 : take_out(&w, "the plan no longer has a rootless section", e);
}

const struct module module_rootless = {
	.name = NAME,
	.summary = "Docker without root, for the users that are named",
	.fields = fields,
	.order = 14,
	.check = check,
	.diff = diff,
	.verify = rootless_verify,
};
