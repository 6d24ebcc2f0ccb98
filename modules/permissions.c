/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner and mode of what Docker is made of: unit files, configuration, certificates, keys, sockets,
 * the data root. One row a thing: where it is on this host, and the most that it may allow; what is
 * tighter is left alone.
 *
 * Nothing is left behind that had to be taken out: what was tightened stays so when the section
 * leaves the plan, and a rollback gives back what stood there.
 */
#include "permissions.h"

#include "../src/accounts.h"
#include "../src/buf.h"
#include "../src/module.h"
#include "engine.h"
#include "engine_api_internal.h"
#include "unitfile.h"
#include "volumes_path.h"

#define NAME	    "permissions"
#define CERTS_D	    "/etc/docker/certs.d"
#define DAEMON_JSON "/etc/docker/daemon.json"

static const char *valid_mode(const char *s)
{
	mode_t mode;

	return parse_mode(s, &mode) == 0 && mode && !(mode & 07000)
		       ? NULL
		       : "permissions without setuid, setgid and sticky, like \"0640\"";
}

static const struct field skip_row = { .name = "path", .type = FIELD_PATH };

static const struct field path_fields[] = {
	{ .name = "path", .type = FIELD_PATH, .help = "a file or directory", .required = true },
	{ .name = "mode",
	  .type = FIELD_MODE,
	  .help = "the most that it may allow; what is tighter is left alone",
	  .required = true,
	  .valid = valid_mode },
	{ .name = "user", .type = FIELD_NAME, .help = "its owner", .fallback = "root" },
	{ .name = "group", .type = FIELD_NAME, .help = "its group", .fallback = "root" },
	{ 0 },
};
static const struct field path_row = { .name = "path", .type = FIELD_OBJECT, .of = path_fields };

static const struct field fields[] = {
	{ .name = "skip",
	  .type = FIELD_LIST,
	  .help = "paths whose owner and mode are left alone",
	  .of = &skip_row },
	{ .name = "paths",
	  .type = FIELD_LIST,
	  .help = "further files and directories, with the most that they may allow",
	  .of = &path_row },
	{ 0 },
};

/* --- the plan --- */

/* What a volume lets in by an ACL would be taken out here, and given again, for ever. */
static void check(const struct section *s, struct errs *out)
{
	const struct section *volumes = plan_section(s->plan, "volumes");
	json_t *v, *row;
	char name[64];
	size_t i, k;

	json_array_foreach (section_get(s, "paths"), i, row)
		json_array_foreach (volumes ? section_get(volumes, "volumes") : NULL, k, v) {
			const char *path = json_string_value(json_object_get(row, "path"));
			const char *dir = json_string_value(json_object_get(v, "path"));

			/* What is missing or wrong is told already. */
			if (!path || !dir)
				continue;
			if (!streq(path, dir) && (!json_is_true(json_object_get(v, "recursive")) ||
						  !volume_path_below(path, dir)))
				continue;
			snprintf(name, sizeof(name), "paths[%zu].path", i);
			errs_add(out, section_where(s, name),
				 NAME
				 ".paths: containers get into '%s' by an ACL, for it is of the "
				 "volume '%s': take it out of one of the two",
				 path, dir);
		}
}

/* --- the table --- */

struct paths {
	char **list; /* NULL-terminated once there is one */
	size_t n;
	const char *why; /* static: why there is none */
	bool elsewhere;	 /* and others speak for the row's controls */
};

static void paths_done(struct paths *p)
{
	strv_free(p->list);
}
#define _cleanup_paths_ _cleanup_(paths_done)

struct look {
	const struct section *s;
	const struct host *h;
	const struct engine_cmdline *cmd;
	json_t *doc; /* daemon.json, or an empty object */
	gid_t docker;
};

struct row {
	const char *name; /* of its finding */
	const char *cis;
	struct allowed allowed;
	int (*find)(const struct look *l, const char *arg, struct paths *out, struct err *e);
	const char *arg;
};

static int paths_add(struct paths *p, const char *path, struct err *e)
{
	char **list = reallocarray(p->list, p->n + 2, sizeof(*list));

	if (!list)
		return err_oom(e);
	p->list = list;
	list[p->n + 1] = NULL;
	list[p->n] = strdup(path);
	return list[p->n++] ? 0 : err_oom(e);
}

static int find_path(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	(void)l;
	return paths_add(out, arg, e);
}

static int find_config(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	return paths_add(out, l->cmd->config ? l->cmd->config : arg, e);
}

static int find_unit(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	int r = unitfile_load(l->h, arg, &u, e);

	out->why = r == -ENOENT ? "there is no such unit" : "the unit is masked";
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < u.n_files && r == 0; i++)
		r = paths_add(out, u.files[i], e);
	return r;
}

static int find_tls(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	const char *path = engine_value(l->cmd, l->doc, arg);
	_cleanup_free_ char *usual = NULL;
	char name[16];

	/* "tlscacert" is ca.pem. */
	snprintf(name, sizeof(name), "%s.pem", streq(arg, "tlscacert") ? "ca" : arg + 3);
	if (!path && engine_tls_default(l->cmd, name, &usual, e) < 0)
		return e->code;
	if (usual)
		path = usual;
	out->why = path ? "it is no absolute path"
			: "neither daemon.json nor the command line names one";
	return path && *path == '/' ? paths_add(out, path, e) : 0;
}

static int find_data_root(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	const char *path = engine_value(l->cmd, l->doc, "data-root");

	if (!path)
		path = engine_value(l->cmd, l->doc, "graph");
	out->why = "it is no absolute path";
	if (path && *path != '/')
		return 0;
	return paths_add(out, path ? path : arg, e);
}

/* Keys of registries' clients, or all that is no key: directories are among the latter. */
static int certs(const struct look *l, bool keys, const char *dir, struct paths *out, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = host_list(l->h, dir, &names, e);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	for (char **name = names; *name && r >= 0; name++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (asprintf(&path, "%s/%s", dir, *name) < 0) {
			path = NULL;
			return err_oom(e);
		}
		r = host_lstat(l->h, path, &st, e);
		if (r == 0 && keys == !!has_suffix(*name, ".key"))
			r = paths_add(out, path, e);
		if (r == 0 && S_ISDIR(st.st_mode) && streq(dir, CERTS_D))
			r = certs(l, keys, path, out, e);
	}
	return r == -ENOENT ? 0 : r; /* gone since */
}

static int find_certs(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	(void)arg;
	if (paths_add(out, CERTS_D, e) < 0)
		return e->code;
	return certs(l, false, CERTS_D, out, e);
}

static int find_keys(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	(void)arg;
	out->why = "no registry has a client's key in " CERTS_D;
	out->elsewhere = true; /* certs.d itself does */
	return certs(l, true, CERTS_D, out, e);
}

/* Is it docker.socket that binds it? The socket section has no say otherwise. */
static bool by_systemd(const struct engine_cmdline *c)
{
	size_t pos = 0;
	const char *value;

	while (c->installed && (value = engine_cmdline_next(c, "hosts", &pos)))
		if (has_prefix(value, "fd://"))
			return true;
	return !c->installed;
}

static int find_docker_sock(const struct look *l, const char *arg, struct paths *out, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	(void)arg;
	out->elsewhere = plan_section(l->s->plan, "socket") && by_systemd(l->cmd);
	out->why = out->elsewhere ? "the socket section says what it has to be"
				  : "offline: there is no socket to look at";
	if (!host_is_live(l->h) || out->elsewhere)
		return 0;
	r = engine_socket(l->h, &path, e);
	if (r == -ENOTCONN) {
		out->why = "dockerd listens on no Unix socket";
		return 0;
	}
	return r < 0 ? r : paths_add(out, path, e);
}

static int find_containerd_sock(const struct look *l, const char *arg, struct paths *out,
				struct err *e)
{
	_cleanup_strv_ char **list = NULL;

	(void)arg;
	out->why = "offline: there is no socket to look at";
	if (!host_is_live(l->h))
		return 0;
	if (engine_containerd(l->h, l->cmd, l->doc, &list, e) < 0)
		return e->code;
	for (char **path = list; *path; path++)
		if (paths_add(out, *path, e) < 0)
			return e->code;
	return 0;
}

#define FILES(m)                                                                                   \
	{                                                                                          \
		.file = (m)                                                                        \
	}

static const struct row rows[] = {
	{ "docker.service", "3.1,3.2", FILES(0644), find_unit, DOCKER_SERVICE },
	{ "docker.socket", "3.3,3.4", FILES(0644), find_unit, DOCKER_SOCKET },
	{ "containerd.service", NULL, FILES(0644), find_unit, "containerd.service" },
	{ "etc-docker", "3.5,3.6", { .dir = 0755 }, find_path, "/etc/docker" },
	{ "certs.d", "3.7,3.8", { .dir = 0755, .file = 0444 }, find_certs, NULL },
	{ "certs.d-keys", "3.7,3.8", FILES(0400), find_keys, NULL },
	{ "tlscacert", "3.9,3.10", FILES(0444), find_tls, "tlscacert" },
	{ "tlscert", "3.11,3.12", FILES(0444), find_tls, "tlscert" },
	{ "tlskey", "3.13,3.14", FILES(0400), find_tls, "tlskey" },
	{ "docker.sock", "3.15,3.16", { .sock = 0660 }, find_docker_sock, NULL },
	{ "daemon.json", "3.17,3.18", FILES(0644), find_config, DAEMON_JSON },
	{ "default-docker", "3.19,3.20", FILES(0644), find_path, "/etc/default/docker" },
	{ "sysconfig-docker", "3.21,3.22", FILES(0644), find_path, "/etc/sysconfig/docker" },
	{ "containerd.sock", "3.23,3.24", { .sock = 0660 }, find_containerd_sock, NULL },
	{ "containerd-config", NULL, FILES(0644), find_path, "/etc/containerd/config.toml" },
	/* dockerd gives it 0710 or 0711 at each start, and a group of the range's */
	{ "data-root",
	  NULL,
	  { .dir = 0711, .any_group = true },
	  find_data_root,
	  "/var/lib/docker" },
	{ 0 },
};

/* --- what both sides share --- */

static void look_done(struct look *l)
{
	json_decref(l->doc);
}

static int look_init(const struct section *s, const struct host *h, struct look *l, struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_free_ char *text = NULL;
	const struct account *docker;
	size_t len;
	int r;

	*l = (struct look){ .s = s, .h = h };
	if (engine_cmdline(h, &l->cmd, e) < 0 || accounts_load(h, &a, e) < 0)
		return e->code;
	docker = accounts_group(&a, "docker");
	l->docker = docker ? docker->id : 0;
	r = host_read(h, l->cmd->config ? l->cmd->config : DAEMON_JSON, HOST_READ_MAX, &text, &len,
		      e);
	if (r == 0)
		r = json_parse_object(text, len, &l->doc, e);
	/* Nothing is named in what is absent, nor in what dockerd would refuse. */
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EINVAL && r != -EISDIR && r != -ELOOP &&
	    r != -EFBIG)
		return r;
	return 0;
}

static bool skipped(const struct section *s, const char *path)
{
	json_t *v;
	size_t i;

	json_array_foreach (section_get(s, "skip"), i, v)
		if (streq(json_string_value(v), path))
			return true;
	return false;
}

/* What is told of one row: each path that was found, as it was judged. */
typedef int told(void *arg, const struct row *row, const struct judged *j, struct err *e);

static int row_each(const struct look *l, const struct row *row, struct paths *found, told *tell,
		    void *arg, struct err *e)
{
	if (row->find(l, row->arg, found, e) < 0)
		return e->code;
	for (size_t i = 0; i < found->n; i++) {
		_cleanup_judged_ struct judged j = { 0 };
		struct allowed a = row->allowed;

		if (a.sock && row->find == find_docker_sock)
			a.gid = l->docker;
		if (permissions_judge(l->h, found->list[i], &a, &j, e) < 0)
			return e->code;
		if (skipped(l->s, found->list[i]) || skipped(l->s, j.path)) {
			j.verdict = VERDICT_ODD;
			snprintf(j.why, sizeof(j.why),
				 "the plan leaves it alone (permissions.skip)");
		}
		if (tell(arg, row, &j, e) < 0)
			return e->code;
	}
	return 0;
}

/* The rows of `paths`. */
static int own_row(const struct section *s, const struct accounts *a, size_t i, char *name,
		   size_t size, struct row *row, struct errs *mistakes)
{
	const json_t *o = json_array_get(section_get(s, "paths"), i);
	static const char *const keys[] = { "user", "group" };
	uint32_t ids[2] = { 0, 0 };
	mode_t mode = 0;
	int r = 0;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		const char *who = json_string_value(json_object_get(o, keys[k]));
		const struct account *x = k ? accounts_group(a, who) : accounts_user(a, who);
		uint64_t id = 0;

		if (!x && !streq(who, "root") && (parse_u64(who, &id) < 0 || id >= UINT32_MAX)) {
			const char *near = accounts_nearest(a, k, who);

			snprintf(name, size, "paths[%zu].%s", i, keys[k]);
			errs_add(mistakes, section_where(s, name),
				 NAME ".paths: there is no %s '%s' on this host%s%s%s", keys[k],
				 who, near ? ": did you mean " : "", near ? near : "",
				 near ? "?" : "");
			r = -1;
		}
		ids[k] = x ? x->id : (uint32_t)id;
	}
	parse_mode(json_string_value(json_object_get(o, "mode")), &mode);
	snprintf(name, size, "paths[%zu]", i);
	*row = (struct row){
		.name = name,
		.allowed = { .uid = ids[0],
			     .gid = ids[1],
			     .other_gid = ids[1],
			     .file = mode,
			     .dir = mode,
			     .sock = mode },
		.find = find_path,
		.arg = json_string_value(json_object_get(o, "path")),
	};
	return r;
}

typedef int row_fn(const struct look *l, const struct row *row, void *out, struct err *e);

static int each(const struct section *s, const struct host *h, row_fn *fn, void *out,
		struct errs *mistakes, struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_(look_done) struct look l;
	char name[64];
	int r = look_init(s, h, &l, e);

	if (r == 0)
		r = accounts_load(h, &a, e);
	for (const struct row *row = rows; row->name && r == 0; row++)
		r = fn(&l, row, out, e);
	for (size_t i = 0; i < json_array_size(section_get(s, "paths")) && r == 0; i++) {
		struct row row;

		if (own_row(s, &a, i, name, sizeof(name), &row, mistakes) == 0)
			r = fn(&l, &row, out, e);
	}
	return r;
}

/* --- diff --- */

struct diffing {
	const struct host *h;
	struct changes *out;
};

static int diff_path(void *arg, const struct row *row, const struct judged *j, struct err *e)
{
	struct diffing *d = arg;
	char text[160];

	if (j->verdict == VERDICT_STUCK)
		errs_add(
			&d->out->refusals, j->path,
			"allows too much (owner %u:%u, mode %04o%s), and can't be changed: %s. To leave it "
			"as it is: 'permissions: {skip: [%s]}'",
			j->st.st_uid, j->st.st_gid, j->st.st_mode & 07777, j->acl ? ", an ACL" : "",
			j->why, j->path);
	if (j->verdict != VERDICT_LOOSE)
		return 0;
	snprintf(text, sizeof(text), "%u:%u %04o%s -> %u:%u %04o", j->st.st_uid, j->st.st_gid,
		 j->st.st_mode & 07777, j->acl ? " and an ACL" : "", row->allowed.uid, j->gid,
		 j->mode & 07777);
	return changes_attrs(d->out, d->h, j->path, j->mode, row->allowed.uid, j->gid, NAME,
			     row->name, row->cis, text, e);
}

static int diff_row(const struct look *l, const struct row *row, void *out, struct err *e)
{
	_cleanup_paths_ struct paths found = { 0 };
	struct diffing d = { l->h, out };

	return row_each(l, row, &found, diff_path, &d, e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	(void)was;
	return s ? each(s, h, diff_row, out, &out->mistakes, e) : 0;
}

/* --- verify --- */

struct sum {
	size_t n; /* paths that are there */
	enum finding_state state;
	char found[64];
	struct buf why;
};

static int verify_path(void *arg, const struct row *row, const struct judged *j, struct err *e)
{
	static const enum finding_state states[] = {
		[VERDICT_FINE] = FINDING_OK,	  [VERDICT_LOOSE] = FINDING_DRIFT,
		[VERDICT_STUCK] = FINDING_FAILED, [VERDICT_ODD] = FINDING_SKIPPED,
		[VERDICT_ABSENT] = FINDING_OK,
	};
	struct sum *sum = arg;
	enum finding_state state = states[j->verdict];
	bool worse = state == FINDING_FAILED ||
		     (state == FINDING_DRIFT && sum->state != FINDING_FAILED) ||
		     (state == FINDING_SKIPPED && sum->state == FINDING_OK);

	(void)row;
	(void)e;
	if (j->verdict == VERDICT_ABSENT) {
		if (!sum->n && !sum->why.len)
			buf_addf(&sum->why, "'%s' does not exist", j->path);
		return 0;
	}
	if (worse || (!sum->n && sum->state == FINDING_OK)) {
		buf_done(&sum->why);
		sum->why = (struct buf)BUF_INIT;
		buf_addf(&sum->why, "stat %s%s%s", j->path, j->why[0] ? ": " : "", j->why);
		if (state != FINDING_OK)
			snprintf(sum->found, sizeof(sum->found), "%u:%u %04o%s", j->st.st_uid,
				 j->st.st_gid, j->st.st_mode & 07777, j->acl ? " and an ACL" : "");
	}
	if (worse)
		sum->state = state;
	sum->n++;
	return 0;
}

static const char *id_text(char buf[16], unsigned id)
{
	if (!id)
		return "root";
	snprintf(buf, 16, "%u", id);
	return buf;
}

static void wanted_text(const struct look *l, const struct row *row, char *text, size_t size)
{
	const struct allowed *a = &row->allowed;
	bool docker = row->find == find_docker_sock && l->docker;
	char uid[16], gid[16];

	snprintf(text, size, "%s%s%s %04o or tighter", id_text(uid, a->uid),
		 a->any_group ? "" : ":",
		 a->any_group ? ""
		 : docker     ? "docker"
			      : id_text(gid, a->gid),
		 a->file  ? a->file
		 : a->dir ? a->dir
			  : a->sock);
}

static int verify_row(const struct look *l, const struct row *row, void *out, struct err *e)
{
	_cleanup_paths_ struct paths found = { 0 };
	struct sum sum = { .state = FINDING_OK };
	char wanted[96];
	int r = row_each(l, row, &found, verify_path, &sum, e);

	if (r == 0 && !sum.n) {
		sum.state = FINDING_SKIPPED;
		if (!found.n)
			buf_adds(&sum.why, found.why);
	} else if (r == 0 && sum.state == FINDING_OK && sum.n > 1) {
		buf_addf(&sum.why, ", and %zu more", sum.n - 1);
	}
	wanted_text(l, row, wanted, sizeof(wanted));
	if (r == 0 && sum.why.failed)
		r = err_oom(e);
	if (r == 0)
		r = findings_add(out, NAME, row->name,
				 !found.n && found.elsewhere ? NULL : row->cis, sum.state, wanted,
				 sum.found[0] ? sum.found : NULL, sum.why.data, e);
	buf_done(&sum.why);
	return r;
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	struct errs ignored = { 0 };
	int r = each(s, h, verify_row, out, &ignored, e);

	(void)was;
	errs_done(&ignored);
	return r;
}

const struct module module_permissions = {
	.name = NAME,
	.summary = "owner and mode of what Docker is made of: units, configuration, keys, sockets",
	.fields = fields,
	.order = 80,
	.check = check,
	.diff = diff,
	.verify = verify,
};
