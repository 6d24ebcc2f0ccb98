/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may open Docker's socket: a drop-in for docker.socket, and the socket itself.
 *
 * SocketMode= applies when the socket is bound. Restarting docker.socket would take docker.service
 * with it, so the socket that is there gets owner and mode in place: nobody's containers are
 * disturbed, and the drop-in keeps it so from the next bind on. What counts as proof is stat() on
 * the socket: the unit's property says what the next bind would do.
 */
#include "../src/accounts.h"
#include "../src/module.h"
#include "../src/template.h"
#include "../src/units.h"
#include "engine.h"
#include "unitfile.h"

#define NAME	"socket"
#define DROPIN	"/etc/systemd/system/docker.socket.d/50-bulkhead.conf"
#define DEFAULT "/run/docker.sock"
#define CIS	"3.15,3.16"

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
	{ 0 },
};

/* What the plan wants, with ids of that root. */
struct wanted {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

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
		errs_add(
			out, section_where(s, "user"),
			"socket.user: there is no user '%s' in '%s/etc/passwd', and docker.socket would "
			"fail: make the account first (useradd --system %s)",
			user, host_prefix(h), user);
	if (g)
		w->gid = g->id;
	else if (parse_u64(group, &id) == 0 && id < UINT32_MAX)
		w->gid = (gid_t)id;
	else if (!streq(group, "root") && there)
		errs_add(
			out, section_where(s, "group"),
			"socket.group: there is no group '%s' in '%s/etc/group', and docker.socket would "
			"fail: make it first (groupadd --system %s)",
			group, host_prefix(h), group);
	return 0;
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

static int fill(const struct section *s, char **ret, struct err *e)
{
	const struct template_var vars[] = {
		{ "mode", section_str(s, "mode") },
		{ "user", section_str(s, "user") },
		{ "group", section_str(s, "group") },
		{ NULL, NULL },
	};

	return template_fill(template_text("socket.conf"), vars, ret, e);
}

static int left_behind(const struct previous *was, const struct host *h, struct changes *out,
		       struct err *e)
{
	const char *text = json_string_value(json_object_get(was->state, "dropin"));
	int r;

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

static int remember(const char *text, struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *state = json_pack("{s:s}", "dropin", text);

	return state ? changes_remember(out, NAME, state, e) : err_oom(e);
}

/* The socket that is there, by name for the report. Absent (docker.socket is down) is fine. */
static int diff_socket(const struct section *s, const struct host *h, const struct wanted *w,
		       struct changes *out, struct err *e)
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
	snprintf(text, sizeof(text), "socket: %04o %u:%u -> %04o %u:%u", st.st_mode & 07777,
		 st.st_uid, st.st_gid, w->mode, w->uid, w->gid);
	(void)s;
	return changes_attrs(out, h, path, w->mode, w->uid, w->gid, NAME, "mode", CIS, text, e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t mistakes = out->mistakes.n;
	struct wanted w;
	int r;

	if (!s)
		return left_behind(was, h, out, e);
	if (lookup(s, h, &w, &out->mistakes, e) < 0 || fill(s, &text, e) < 0)
		return e->code;
	if (out->mistakes.n != mistakes)
		return 0;
	r = changes_file(out, h, DROPIN, text, strlen(text), 0644, 0, 0, NAME, "mode", CIS,
			 "drop-in for docker.socket", e);
	if (r < 0 || remember(text, out, e) < 0)
		return e->code;
	if (r > 0)
		out->manager_reload = true;
	return host_is_live(h) ? diff_socket(s, h, &w, out, e) : 0;
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
		if (findings_add(f, NAME, x->name, CIS, FINDING_SKIPPED, section_str(s, x->name),
				 NULL, why, e) < 0)
			return e->code;
	return 0;
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_free_ char *path = NULL, *why = NULL;
	struct errs ignored = { 0 };
	char mode[8], uid[16], gid[16];
	_cleanup_(image_done) struct image im = { 0 };
	struct wanted w;
	struct stat st;
	bool acl;
	int r;

	(void)was;
	if (!host_is_live(h))
		return skipped(out, s, "offline: there is no socket to look at", e);
	r = lookup(s, h, &w, &ignored, e);
	errs_done(&ignored);
	if (r < 0 || socket_path(h, &path, e) < 0)
		return e->code;
	r = host_lstat(h, path, &st, e);
	if (r == -ENOENT)
		return skipped(out, s, "there is no socket: docker.socket is down", e);
	if (r < 0)
		return r;
	if (host_image_now(h, path, &im, e) < 0)
		return e->code;
	acl = image_xattr(&im, XATTR_ACL) != NULL;
	if (asprintf(&why, "stat %s%s", path, acl ? "; an ACL lets others in" : "") < 0)
		return err_oom(e);
	snprintf(mode, sizeof(mode), "%04o", st.st_mode & 07777);
	snprintf(uid, sizeof(uid), "%u", st.st_uid);
	snprintf(gid, sizeof(gid), "%u", st.st_gid);
	if (finding(out, "mode", section_str(s, "mode"), (st.st_mode & 07777) == w.mode && !acl,
		    mode, why, e) < 0 ||
	    finding(out, "user", section_str(s, "user"), st.st_uid == w.uid,
		    st.st_uid == w.uid ? NULL : uid, why, e) < 0)
		return e->code;
	return finding(out, "group", section_str(s, "group"), st.st_gid == w.gid,
		       st.st_gid == w.gid ? NULL : gid, why, e);
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
};
