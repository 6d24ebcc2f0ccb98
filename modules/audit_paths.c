/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_paths.h"

#include "../src/json.h"
#include "program.h"
#include "unitfile.h"

static const char absent[] = "not on this host";

/* What is looked for, and how it is found. */
enum place {
	DOCKERD,
	CONTAINERD,
	PROGRAM,
	UNIT,
	DATA_ROOT,
	RUN_DIR,
	ETC_DIR,
	CONFIG,
	SOCKET,
	PLAIN
};

static const struct row {
	const char *setting, *cis;
	enum place place;
	const char *name; /* of the program, or the path */
} rows[] = {
	{ "dockerd", "1.1.3", DOCKERD, "dockerd" },
	{ "run-containerd", "1.1.4", RUN_DIR, AUDIT_RUN_DIR },
	{ "data-root", "1.1.5", DATA_ROOT, "/var/lib/docker" },
	{ "etc-docker", "1.1.6", ETC_DIR, "/etc/docker" },
	{ DOCKER_SERVICE, "1.1.7", UNIT, NULL },
	{ "containerd.sock", "1.1.8", SOCKET, ENGINE_CONTAINERD },
	{ DOCKER_SOCKET, "1.1.9", UNIT, NULL },
	{ "etc-default-docker", "1.1.10", PLAIN, "/etc/default/docker" },
	{ "daemon.json", "1.1.11", CONFIG, "/etc/docker/daemon.json" },
	{ "containerd-config", "1.1.12", PLAIN, "/etc/containerd/config.toml" },
	{ "etc-sysconfig-docker", "1.1.13", PLAIN, "/etc/sysconfig/docker" },
	{ "containerd", "1.1.14", CONTAINERD, "containerd" },
	{ "containerd-shim", "1.1.15", PROGRAM, "containerd-shim" },
	{ "containerd-shim-runc-v1", "1.1.16", PROGRAM, "containerd-shim-runc-v1" },
	{ "containerd-shim-runc-v2", "1.1.17", PROGRAM, "containerd-shim-runc-v2" },
	{ "runc", "1.1.18", PROGRAM, "runc" },
};

void audit_paths_done(struct audit_paths *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->list[i].setting);
		free(p->list[i].path);
	}
	free(p->list);
	*p = (struct audit_paths){ 0 };
}

/* 1, 0, or why that can't be told. */
static int there(const struct host *h, const char *path, struct err *e)
{
	struct stat st;
	int r = host_stat(h, path, &st, e);

	return r == -ENOENT || r == -ENOTDIR ? 0 : r < 0 ? r : 1;
}

static int add(struct audit_paths *p, const char *setting, const char *cis, const char *path,
	       const char *why, struct err *e)
{
	struct audit_path *list = reallocarray(p->list, p->n + 1, sizeof(*list));
	struct audit_path *x;

	if (!list)
		return err_oom(e);
	p->list = list;
	x = &list[p->n];
	*x = (struct audit_path){
		.setting = strdup(setting), .cis = cis, .path = strdup(path), .why = why
	};
	if (!x->setting || !x->path) {
		free(x->setting);
		free(x->path);
		return err_oom(e);
	}
	p->n++;
	return 0;
}

/* Below /run nothing is there when rules are loaded at boot, and one that fails stops those behind
 * it; what we see to by tmpfiles.d(5) is there. */
static const char *unfit(const char *path)
{
	static const char *const ours[] = { AUDIT_RUN_DIR "/", AUDIT_OWN_DIR "/" };

	if (strpbrk(path, " \t\n\\\"'#"))
		return "the path holds a character that audit rules can't";
	if (!has_prefix(path, "/run/") || !strchr(path + 5, '/'))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (has_prefix(path, ours[i]) && !strchr(path + strlen(ours[i]), '/'))
			return NULL;
	return "its directory is not there yet when the rules are loaded at boot";
}

/* A path that may be there; the same one twice is one. */
static int consider(struct audit_paths *p, const struct host *h, const char *setting,
		    const char *cis, const char *path, struct err *e)
{
	_cleanup_free_ char *real = NULL;
	int r = there(h, path, e);

	if (r <= 0)
		return r;
	if (host_real_path(h, path, &real, e) < 0)
		return e->code;
	for (size_t i = p->n; i > 0 && streq(p->list[i - 1].setting, setting); i--)
		if (streq(p->list[i - 1].path, real))
			return 0;
	return add(p, setting, cis, real, unfit(real), e);
}

/*
 * What Docker makes when it starts is watched before it is there: a directory that appears later is
 * watched as if it were a file. An image's /run is made at boot, not now.
 */
static int expected(struct audit_paths *p, const struct host *h, const struct engine_cmdline *c,
		    const struct row *row, const char *path, mode_t make, struct err *e)
{
	size_t had = p->n;

	if (consider(p, h, row->setting, row->cis, path, e) < 0)
		return e->code;
	if (p->n > had || !c->installed)
		return 0;
	if (add(p, row->setting, row->cis, path, unfit(path), e) < 0)
		return e->code;
	if (!p->list[had].why && (host_is_live(h) || !has_prefix(path, "/run/")))
		p->list[had].make = make;
	return 0;
}

/* All of that name: which one runs depends on who starts it. */
static int programs(struct audit_paths *p, const struct host *h, const struct row *row,
		    struct err *e)
{
	for (const char *const *dir = program_dirs; *dir; dir++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", *dir, row->name) < 0)
			return err_oom(e);
		if (consider(p, h, row->setting, row->cis, path, e) < 0)
			return e->code;
	}
	return 0;
}

/* The unit's file, and the folders of its drop-ins: what they hold counts as much. */
static int unit(struct audit_paths *p, const struct host *h, const struct row *row, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	int r = unitfile_load(h, row->setting, &u, e);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < u.n_files; i++) {
		_cleanup_free_ char *dir = NULL;
		const char *name;

		if (i > 0 && path_split(u.files[i], &dir, &name, e) < 0)
			return e->code;
		if (consider(p, h, row->setting, row->cis, dir ? dir : u.files[i], e) < 0)
			return e->code;
	}
	return 0;
}

static int containerd(struct audit_paths *p, const struct host *h, const struct row *row,
		      struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	_cleanup_free_ char *program = NULL;
	const struct unitfile_setting *x;
	size_t pos = 0;
	int r = unitfile_load(h, "containerd.service", &u, e);

	if (r < 0 && r != -ENOENT)
		return r;
	x = r == 0 ? unitfile_next(&u, "Service", "ExecStart", &pos) : NULL;
	if (x) {
		const char *text = x->value + strspn(x->value, "@-:+!|");

		r = unitfile_word(&text, UNITFILE_ESCAPES | UNITFILE_RELAX, &program);
		if (r == -ENOMEM)
			return err_oom(e);
		if (program && program[0] == '/' &&
		    consider(p, h, row->setting, row->cis, program, e) < 0)
			return e->code;
	}
	return programs(p, h, row, e);
}

/* daemon.json, or NULL: nothing is named in what is absent, nor in what dockerd refuses. */
static int config(const struct host *h, const struct engine_cmdline *c, json_t **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	json_error_t je;
	size_t len;
	int r = host_read(h, c->config ? c->config : rows[8].name, HOST_READ_MAX, &text, &len, e);

	if (r == 0 && json_load(text, len, 0, ret, &je) == -ENOMEM)
		return err_oom(e);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int data_root(struct audit_paths *p, const struct host *h, const struct engine_cmdline *c,
		     const struct row *row, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	const char *path, *flag;
	size_t pos = 0;

	if (config(h, c, &doc, e) < 0)
		return e->code;
	path = json_string_value(json_object_get(doc, "data-root"));
	if (!path)
		path = json_string_value(json_object_get(doc, "graph"));
	flag = c->installed ? engine_cmdline_next(c, "data-root", &pos) : NULL;
	if (!path || path[0] != '/')
		path = flag && flag[0] == '/' ? flag : row->name;
	return expected(p, h, c, row, path, 0711, e);
}

static int containerd_socket(struct audit_paths *p, const struct host *h,
			     const struct engine_cmdline *c, const struct row *row, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	_cleanup_strv_ char **list = NULL;

	if (config(h, c, &doc, e) < 0 || engine_containerd(h, c, doc, &list, e) < 0)
		return e->code;
	for (char **path = list; *path; path++)
		if (expected(p, h, c, row, *path, 0, e) < 0)
			return e->code;
	return 0;
}

static int find(struct audit_paths *p, const struct host *h, const struct engine_cmdline *c,
		const struct row *row, struct err *e)
{
	switch (row->place) {
	case DOCKERD:
		if (c->installed && c->argv[0][0] == '/' &&
		    consider(p, h, row->setting, row->cis, c->argv[0], e) < 0)
			return e->code;
		return programs(p, h, row, e);
	case CONTAINERD:
		return containerd(p, h, row, e);
	case PROGRAM:
		return programs(p, h, row, e);
	case UNIT:
		return unit(p, h, row, e);
	case DATA_ROOT:
		return data_root(p, h, c, row, e);
	case CONFIG:
		return consider(p, h, row->setting, row->cis, c->config ? c->config : row->name, e);
	case SOCKET:
		return containerd_socket(p, h, c, row, e);
	case RUN_DIR:
		return expected(p, h, c, row, row->name, 0711, e);
	case ETC_DIR:
		return expected(p, h, c, row, row->name, 0755, e);
	case PLAIN:
		break;
	}
	return consider(p, h, row->setting, row->cis, row->name, e);
}

int audit_paths_load(const struct section *s, const struct host *h, struct audit_paths *ret,
		     struct err *e)
{
	_cleanup_audit_paths_ struct audit_paths p = { 0 };
	const struct engine_cmdline *c;
	json_t *more = section_get(s, "paths"), *x;
	size_t i;

	if (engine_cmdline(h, &c, e) < 0)
		return e->code;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		size_t had = p.n;

		if (find(&p, h, c, row, e) < 0)
			return e->code;
		if (p.n == had && add(&p, row->setting, row->cis,
				      row->name ? row->name : row->setting, absent, e) < 0)
			return e->code;
	}
	json_array_foreach (more, i, x) {
		char setting[32];
		size_t had = p.n;

		snprintf(setting, sizeof(setting), "paths[%zu]", i);
		if (consider(&p, h, setting, NULL, json_string_value(x), e) < 0)
			return e->code;
		if (p.n == had && add(&p, setting, NULL, json_string_value(x), absent, e) < 0)
			return e->code;
	}
	*ret = p;
	p = (struct audit_paths){ 0 };
	return 0;
}
