/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may open Docker's socket: a drop-in for docker.socket, and the socket itself.
 *
 * SocketMode= applies when the socket is bound. Restarting docker.socket would take docker.service
 * with it, so the socket that is there gets owner and mode in place: nobody's containers are
 * disturbed, and the drop-in keeps it so from the next bind on. What counts as proof is stat() on
 * the socket: the unit's property says what the next bind would do.
 */
#include <inttypes.h>

#include "../src/accounts.h"
#include "../src/acl.h"
#include "../src/buf.h"
#include "../src/json.h"
#include "../src/module.h"
#include "../src/template.h"
#include "../src/units.h"
#include "engine.h"
#include "unitfile.h"

#define NAME	"socket"
#define DROPIN	"/etc/systemd/system/docker.socket.d/50-bulkhead.conf"
#define DEFAULT "/run/docker.sock"
#define CIS	"3.15,3.16"

static const struct field acl_name = { .name = "name", .type = FIELD_NAME };

static const struct field acl_fields[] = {
	{ .name = "users",
	  .type = FIELD_LIST,
	  .help = "users who may open Docker's socket without being in its group",
	  .max = 64,
	  .of = &acl_name },
	{ .name = "groups",
	  .type = FIELD_LIST,
	  .help = "groups whose members may open Docker's socket",
	  .max = 64,
	  .of = &acl_name },
	{ 0 },
};

static const struct field fields[] = {
	{ .name = "mode",
	  .type = FIELD_MODE,
	  .help = "permissions of Docker's socket; who can open it is root on this host",
	  .cis = CIS,
	  .fallback = "0660" },
	{ .name = "user",
	  .type = FIELD_NAME,
	  .help = "owner of Docker's socket",
	  .cis = CIS,
	  .fallback = "root" },
	{ .name = "group",
	  .type = FIELD_NAME,
	  .help = "group of Docker's socket: its members are root on this host",
	  .cis = CIS,
	  .fallback = "docker" },
	{ .name = "acl",
	  .type = FIELD_OBJECT,
	  .help = "who else may open Docker's socket, by an ACL: each of them is root on this host, as "
		  "members of its group are. It outlives restarts of docker.socket",
	  .cis = CIS,
	  .of = acl_fields },
	{ 0 },
};

/* What the plan wants, with ids of that root. */
struct wanted {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct acl acl; /* mode, and whom `acl` names */
};

static void wanted_done(struct wanted *w)
{
	acl_done(&w->acl);
}

#define _cleanup_wanted_ _cleanup_(wanted_done)

static void check(const struct section *s, struct errs *out)
{
	mode_t mode;

	if (parse_mode(section_str(s, "mode"), &mode) < 0)
		return;
	if (mode & 0007)
		errs_add(
			out, section_where(s, "mode"),
			"socket.mode \"%s\" lets every user open Docker's socket, and who opens it is root "
			"on this host: the last digit has to be 0, as in \"0660\"",
			section_str(s, "mode"));
	if (mode & 07000)
		errs_add(
			out, section_where(s, "mode"),
			"socket.mode \"%s\" has setuid, setgid or sticky bits, which mean nothing on a "
			"socket: write \"0660\"",
			section_str(s, "mode"));
	if ((mode & 0600) != 0600)
		errs_add(
			out, section_where(s, "mode"),
			"socket.mode \"%s\" keeps the owner from using the socket: the first digit has to "
			"be 6, as in \"0660\"",
			section_str(s, "mode"));
}

static bool installed(const struct host *h)
{
	const struct engine_cmdline *c;
	struct err ignored;

	return engine_cmdline(h, &c, &ignored) == 0 && c->installed;
}

/* dockerd that binds its socket itself never looks at docker.socket. */
static int applies(const struct section *s, const struct host *h, const char **ret_why,
		   struct err *e)
{
	const struct engine_cmdline *c;
	const char *value;
	size_t pos = 0;

	(void)s;
	if (engine_cmdline(h, &c, e) < 0)
		return e->code;
	if (!c->installed)
		return 0;
	while ((value = engine_cmdline_next(c, "hosts", &pos)))
		if (has_prefix(value, "fd://"))
			return 0;
	*ret_why =
		"dockerd on this host binds its socket itself (no -H fd://): docker.socket is not used";
	return 1;
}

/* The users or the groups of `acl`. */
static int lookup_acl(const struct section *s, const struct host *h, const struct accounts *a,
		      bool group, struct wanted *w, struct errs *out, struct err *e)
{
	const char *key = group ? "groups" : "users";
	json_t *list = json_object_get(section_get(s, "acl"), key), *v;
	size_t i;

	json_array_foreach (list, i, v) {
		const char *name = json_string_value(v), *near;
		const struct account *known =
			group ? accounts_group(a, name) : accounts_user(a, name);
		uint64_t id = known ? known->id : 0;
		char where[40];

		if (known || (parse_u64(name, &id) == 0 && id < UINT32_MAX)) {
			if (acl_grant(&w->acl, group ? ACL_TAG_GROUP : ACL_TAG_USER, (uint32_t)id,
				      ACL_R | ACL_W, NULL, NULL, e) < 0)
				return e->code;
			continue;
		}
		near = accounts_nearest(a, group, name);
		snprintf(where, sizeof(where), "acl.%s[%zu]", key, i);
		errs_add(out, section_where(s, where),
			 "socket.%s: there is no %s '%s' in '%s%s'%s%s%s", where,
			 group ? "group" : "user", name, host_prefix(h),
			 group ? "/etc/group" : "/etc/passwd", near ? ": did you mean " : "",
			 near ? near : "", near ? "?" : "");
	}
	return 0;
}

/* The socket's own user or group. */
static void no_account(const struct section *s, const struct host *h, const struct accounts *a,
		       bool group, struct errs *out)
{
	const char *key = group ? "group" : "user", *name = section_str(s, key);
	const char *near = accounts_nearest(a, group, name);

	if (near)
		errs_add(out, section_where(s, key),
			 "socket.%s: there is no %s '%s' in '%s/etc/%s', and docker.socket would "
			 "fail: did you mean %s?",
			 key, key, name, host_prefix(h), group ? "group" : "passwd", near);
	else
		errs_add(out, section_where(s, key),
			 "socket.%s: there is no %s '%s' in '%s/etc/%s', and docker.socket would "
			 "fail: make %s first (%s --system %s)",
			 key, key, name, host_prefix(h), group ? "group" : "passwd",
			 group ? "it" : "the account", group ? "groupadd" : "useradd", name);
}

static int lookup(const struct section *s, const struct host *h, struct wanted *w, struct errs *out,
		  struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	const char *user = section_str(s, "user"), *group = section_str(s, "group");
	const struct account *u, *g;
	bool there = installed(h);
	uint64_t id;

	*w = (struct wanted){ 0 };
	if (parse_mode(section_str(s, "mode"), &w->mode) < 0)
		return err_set(e, EINVAL, "socket.mode is not a mode");
	if (accounts_load(h, &a, e) < 0)
		return e->code;
	u = accounts_user(&a, user);
	g = accounts_group(&a, group);
	if (u)
		w->uid = u->id;
	else if (parse_u64(user, &id) == 0 && id < UINT32_MAX)
		w->uid = (uid_t)id;
	else if (!streq(user, "root") && there)
		no_account(s, h, &a, false, out);
	if (g)
		w->gid = g->id;
	else if (parse_u64(group, &id) == 0 && id < UINT32_MAX)
		w->gid = (gid_t)id;
	else if (!streq(group, "root") && there)
		no_account(s, h, &a, true, out);
	if (acl_of_mode(w->mode, &w->acl, e) < 0 || lookup_acl(s, h, &a, false, w, out, e) < 0)
		return e->code;
	return lookup_acl(s, h, &a, true, w, out, e);
}

/* The path that docker.socket listens on. */
static int socket_path(const struct host *h, char **ret, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const struct unitfile_setting *x;
	size_t pos = 0;
	int r = unitfile_load(h, DOCKER_SOCKET, &u, e);

	*ret = NULL;
	if (r < 0 && r != -ENOENT)
		return r;
	while (r == 0 && !*ret && (x = unitfile_next(&u, "Socket", "ListenStream", &pos))) {
		if (x->value[0] != '/')
			continue;
		/* /var/run has been a link to /run for ever; the link itself is not ours to follow
		 * for writing. */
		if (unitfile_specifiers(has_prefix(x->value, "/var/run/") ? x->value + 4 : x->value,
					DOCKER_SOCKET, ret) < 0)
			return err_oom(e);
	}
	if (!*ret)
		*ret = strdup(DEFAULT);
	return *ret ? 0 : err_oom(e);
}

static bool named(const struct acl_line *l)
{
	return l->tag == ACL_TAG_USER || l->tag == ACL_TAG_GROUP;
}

/*
 * What sets the ACL each time docker.socket binds its socket anew. Numbers, not names: so early in
 * a boot nobody may be there to resolve them.
 */
static int fill_acl(const struct host *h, const struct wanted *w, struct buf *b,
		    struct errs *refusals, struct err *e)
{
	static const char *const tools[] = { "/usr/bin/setfacl", "/bin/setfacl", NULL };
	_cleanup_buf_ struct buf entries = BUF_INIT;
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct template_var vars[] = {
		{ "setfacl", NULL }, { "entries", NULL }, { "path", NULL }, { NULL, NULL }
	};

	if (!acl_is_extended(&w->acl))
		return 0;
	if (host_first(h, tools, &vars[0].value, e) < 0)
		return e->code;
	if (!vars[0].value) {
		errs_add(
			refusals, NULL,
			"socket.acl: '%s/usr/bin/setfacl' is missing, and docker.socket needs it to let "
			"them in again after each restart: install the package acl",
			host_prefix(h));
		return 0;
	}
	if (socket_path(h, &path, e) < 0)
		return e->code;
	if (strpbrk(path, "\"\\$%")) {
		errs_add(
			refusals, NULL,
			"socket.acl: docker.socket listens on '%s', which can't be put into a unit",
			path);
		return 0;
	}
	for (size_t i = 0; i < w->acl.n; i++)
		if (named(&w->acl.list[i]))
			buf_addf(&entries, "%s%c:%" PRIu32 ":rw", entries.len ? "," : "",
				 w->acl.list[i].tag == ACL_TAG_USER ? 'u' : 'g', w->acl.list[i].id);
	if (entries.failed)
		return err_oom(e);
	vars[1].value = entries.data;
	vars[2].value = path;
	if (template_fill(template_text("socket-acl.conf"), vars, &text, e) < 0)
		return e->code;
	buf_adds(b, text);
	return 0;
}

static int fill(const struct section *s, const struct host *h, const struct wanted *w, char **ret,
		struct errs *refusals, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *text = NULL;
	const struct template_var vars[] = {
		{ "mode", section_str(s, "mode") },
		{ "user", section_str(s, "user") },
		{ "group", section_str(s, "group") },
		{ NULL, NULL },
	};

	if (template_fill(template_text("socket.conf"), vars, &text, e) < 0)
		return e->code;
	buf_adds(&b, text);
	if (fill_acl(h, w, &b, refusals, e) < 0)
		return e->code;
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

/* Whom we had let in goes out with the section; the socket is there until docker.socket restarts.
 */
static int shut_out(const struct previous *was, const struct host *h, struct changes *out,
		    struct err *e)
{
	json_t *list = json_object_get(was->state, "acl"), *v;
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_free_ char *path = NULL;
	_cleanup_acl_ struct acl a = { 0 };
	int r = 0;
	size_t i;

	if (!json_array_size(list) || !host_is_live(h))
		return 0;
	if (socket_path(h, &path, e) < 0 || host_attrs(h, path, false, &im, e) < 0 ||
	    (im.exists && acl_of_image(&im, &a, e) < 0))
		return e->code;
	if (!im.exists || !S_ISSOCK(im.mode))
		return 0;
	json_array_foreach (list, i, v) {
		const char *tag = json_string_value(json_array_get(v, 0));

		if (r == 0)
			r = acl_revoke(&a, tag && *tag == 'g' ? ACL_TAG_GROUP : ACL_TAG_USER,
				       (uint32_t)json_integer_value(json_array_get(v, 1)), e);
	}
	if (r == 0)
		r = changes_acl(out, h, path, CHANGE_KEEP_OWNER, 0, &a, NULL, false, NAME, "acl",
				CIS, "the plan no longer lets them in", e);
	return r < 0 ? r : 0;
}

static int left_behind(const struct previous *was, const struct host *h, struct changes *out,
		       struct err *e)
{
	const char *text = json_string_value(json_object_get(was->state, "dropin"));
	int r;

	if (shut_out(was, h, out, e) < 0)
		return e->code;
	if (!text)
		return 0;
	r = changes_remove_ours(out, h, DROPIN, text, strlen(text), NAME, NULL,
				"the plan no longer has a socket section", e);
	if (r > 0) {
		out->manager_reload = true;
		return changes_note(out, NAME, NULL, e,
				    "the socket keeps its mode until docker.socket is restarted");
	}
	return r;
}

static int remember(const char *text, const struct wanted *w, struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *list = json_array(), *state = NULL;

	for (size_t i = 0; list && i < w->acl.n; i++) {
		const struct acl_line *l = &w->acl.list[i];

		if (named(l) &&
		    json_array_append_new(list,
					  json_pack("[s, I]", l->tag == ACL_TAG_USER ? "u" : "g",
						    (json_int_t)l->id)) < 0)
			return err_oom(e);
	}
	state = list ? json_pack("{s:s, s:O}", "dropin", text, "acl", list) : NULL;
	return state ? changes_remember(out, NAME, state, e) : err_oom(e);
}

/* Owner and ACL of the socket that is there. */
static int diff_acl(const struct host *h, const char *path, const struct wanted *w,
		    struct changes *out, struct err *e)
{
	_cleanup_free_ char *from = NULL, *to = acl_text(&w->acl), *text = NULL;
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_acl_ struct acl a = { 0 };
	int r;

	if (host_attrs(h, path, false, &im, e) < 0 || acl_of_image(&im, &a, e) < 0)
		return e->code;
	from = acl_text(&a);
	if (!from || !to || asprintf(&text, "socket: %s -> %s", from, to) < 0) {
		text = NULL;
		return err_oom(e);
	}
	r = changes_acl(out, h, path, w->uid, w->gid, &w->acl, NULL, false, NAME, "acl", CIS, text,
			e);
	return r < 0 ? r : 0;
}

/* The socket that is there, by name for the report. Absent (docker.socket is down) is fine. */
static int diff_socket(const struct host *h, const struct wanted *w, struct changes *out,
		       struct err *e)
{
	_cleanup_free_ char *path = NULL;
	char text[128];
	struct stat st;
	int r;

	if (socket_path(h, &path, e) < 0)
		return e->code;
	r = host_lstat(h, path, &st, e);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (!S_ISSOCK(st.st_mode))
		return changes_note(out, NAME, NULL, e, "'%s' is not a socket: left alone", path);
	if (acl_is_extended(&w->acl))
		return diff_acl(h, path, w, out, e);
	snprintf(text, sizeof(text), "socket: %04o %u:%u -> %04o %u:%u", st.st_mode & 07777,
		 st.st_uid, st.st_gid, w->mode, w->uid, w->gid);
	return changes_attrs(out, h, path, w->mode, w->uid, w->gid, NAME, "mode", CIS, text, e);
}

/* The mode that docker.socket has without this run; 0: it says none, or can't be read. */
static mode_t mode_before(const struct host *h, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const struct unitfile_setting *x;
	mode_t mode = 0;
	size_t pos = 0;

	if (unitfile_load(h, DOCKER_SOCKET, &u, e) < 0)
		return 0;
	while ((x = unitfile_next(&u, "Socket", "SocketMode", &pos)))
		if (parse_mode(x->value, &mode) < 0)
			mode = 0;
	return mode;
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	mode_t before;
	size_t mistakes = out->mistakes.n, refusals = out->refusals.n;
	_cleanup_wanted_ struct wanted w = { 0 };
	int r;

	if (!s)
		return left_behind(was, h, out, e);
	if (lookup(s, h, &w, &out->mistakes, e) < 0 || fill(s, h, &w, &text, &out->refusals, e) < 0)
		return e->code;
	if (out->mistakes.n != mistakes || out->refusals.n != refusals)
		return 0;
	before = mode_before(h, e);
	r = changes_file(out, h, DROPIN, text, strlen(text), 0644, 0, 0, NAME, "mode", CIS,
			 "drop-in for docker.socket", e);
	if (r < 0 || remember(text, &w, out, e) < 0)
		return e->code;
	if (r > 0)
		out->manager_reload = true;
	/* A profile's mode is for hosts as they come: who had shut more wants to know. */
	if (r > 0 && before && (w.mode & ~before) &&
	    changes_note(out, NAME, "mode", e,
			 "docker.socket has SocketMode=%04o now, and the plan opens it to %04o: to "
			 "keep it, say socket: {mode: \"%04o\"} in your plan",
			 before, w.mode, before) < 0)
		return e->code;
	return host_is_live(h) ? diff_socket(h, &w, out, e) : 0;
}

static int finding(struct findings *f, const char *setting, const char *wanted, bool same,
		   const char *found, const char *why, struct err *e)
{
	return findings_add(f, NAME, setting, CIS, same ? FINDING_OK : FINDING_DRIFT, wanted, found,
			    why, e);
}

static int skipped(struct findings *f, const struct section *s, const char *why, struct err *e)
{
	for (const struct field *x = fields; x->name; x++)
		if (section_get(s, x->name) &&
		    findings_add(f, NAME, x->name, CIS, FINDING_SKIPPED, section_str(s, x->name),
				 NULL, why, e) < 0)
			return e->code;
	return 0;
}

/* Does an ACL let in whom the plan names, and nobody else? */
static void compare(const struct acl *now, const struct acl *want, bool *ret_all, bool *ret_others)
{
	*ret_all = true;
	*ret_others = false;
	for (size_t i = 0; i < want->n; i++) {
		const struct acl_line *l = &want->list[i], *n = acl_get(now, l->tag, l->id);

		if (named(l))
			*ret_all &= n && acl_effective(now, n) == l->perm;
	}
	for (size_t i = 0; i < now->n; i++)
		if (named(&now->list[i]) && !acl_get(want, now->list[i].tag, now->list[i].id))
			*ret_others = true;
}

static bool same_mode(const struct acl *now, const struct acl *want)
{
	static const enum acl_tag tags[] = { ACL_TAG_OWNER, ACL_TAG_OWNING_GROUP, ACL_TAG_OTHER };

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		const struct acl_line *a = acl_get(now, tags[i], 0);
		const struct acl_line *b = acl_get(want, tags[i], 0);

		if (!a || !b || acl_effective(now, a) != b->perm)
			return false;
	}
	return true;
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_free_ char *path = NULL, *why = NULL, *from = NULL, *to = NULL;
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_wanted_ struct wanted w = { 0 };
	_cleanup_acl_ struct acl now = { 0 };
	struct errs ignored = { 0 };
	char mode[8], uid[16], gid[16];
	bool all, others;
	int r;

	(void)was;
	if (!host_is_live(h))
		return skipped(out, s, "offline: there is no socket to look at", e);
	r = lookup(s, h, &w, &ignored, e);
	errs_done(&ignored);
	if (r < 0 || socket_path(h, &path, e) < 0 || host_attrs_now(h, path, false, &im, e) < 0)
		return e->code;
	if (!im.exists)
		return skipped(out, s, "there is no socket: docker.socket is down", e);
	if (acl_of_image(&im, &now, e) < 0)
		return e->code;
	compare(&now, &w.acl, &all, &others);
	from = acl_text(&now);
	to = acl_text(&w.acl);
	if (!from || !to ||
	    asprintf(&why, "stat %s%s", path, others ? "; an ACL lets others in" : "") < 0) {
		why = NULL;
		return err_oom(e);
	}
	snprintf(mode, sizeof(mode), "%04o", im.mode & 07777);
	snprintf(uid, sizeof(uid), "%u", im.uid);
	snprintf(gid, sizeof(gid), "%u", im.gid);
	/* With an ACL the group's digit shows its mask: what the group itself may is what counts.
	 */
	if (finding(out, "mode", section_str(s, "mode"),
		    !(im.mode & 07000) && same_mode(&now, &w.acl) && !others, mode, why, e) < 0 ||
	    finding(out, "user", section_str(s, "user"), im.uid == w.uid,
		    im.uid == w.uid ? NULL : uid, why, e) < 0 ||
	    finding(out, "group", section_str(s, "group"), im.gid == w.gid,
		    im.gid == w.gid ? NULL : gid, why, e) < 0)
		return e->code;
	if (!acl_is_extended(&w.acl))
		return 0;
	return finding(out, "acl", to, all, all ? NULL : from, why, e);
}

/* As docker.socket's own unit has it; what no line says is systemd's default. */
static int survey(const struct host *h, struct survey *out, struct err *e)
{
	static const char *const rows[][3] = { { "mode", "SocketMode", "0666" },
					       { "user", "SocketUser", "root" },
					       { "group", "SocketGroup", "root" } };
	_cleanup_unitfile_ struct unitfile u = { 0 };
	int r = unitfile_load(h, DOCKER_SOCKET, &u, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && !u.masked; i++) {
		const struct unitfile_setting *x;
		const char *value = rows[i][2];
		size_t pos = 0;

		while ((x = unitfile_next(&u, "Socket", rows[i][1], &pos)))
			if (*x->value)
				value = x->value;
		if (survey_add(out, rows[i][0], json_string_any(value), NULL, e) < 0)
			return e->code;
	}
	return 0;
}

const struct module module_socket = {
	.name = NAME,
	.summary = "who may open Docker's socket",
	.fields = fields,
	.order = 30,
	.check = check,
	.applies = applies,
	.diff = diff,
	.verify = verify,
	.survey = survey,
};
