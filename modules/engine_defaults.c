/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"
#include "unitfile.h"

const char *engine_value(const struct engine_cmdline *c, const json_t *config, const char *key)
{
	const char *value = json_string_value(json_object_get(config, key)), *next;
	size_t pos = 0;

	if (!value)
		while ((next = engine_cmdline_next(c, key, &pos)))
			value = next;
	return value && *value ? value : NULL;
}

/* A variable of the unit's environment that holds something, or NULL. */
static const char *variable(const struct engine_cmdline *c, const char *name)
{
	size_t n = strlen(name);

	for (char **v = c->env; v && *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=' && (*v)[n + 1])
			return *v + n + 1;
	return NULL;
}

/* As strconv.ParseBool. */
static bool is_true(const char *s)
{
	static const char *const words[] = { "1", "t", "T", "true", "True", "TRUE" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(s, words[i]))
			return true;
	return false;
}

int engine_tls_default(const struct engine_cmdline *c, const char *name, char **ret, struct err *e)
{
	const char *next, *dir = variable(c, "DOCKER_CERT_PATH"), *below = "";
	bool tls = false;
	size_t pos = 0;

	*ret = NULL;
	while ((next = engine_cmdline_next(c, "tls", &pos)))
		tls = is_true(next);
	if (!tls && !engine_cmdline_flag(c, "tlsverify") && !variable(c, "DOCKER_TLS_VERIFY"))
		return 0;
	if (!dir)
		dir = variable(c, "DOCKER_CONFIG");
	if (!dir) {
		dir = variable(c, "HOME");
		below = "/.docker";
	}
	if (asprintf(ret, "%s%s/%s", dir ? dir : "/root", below, name) < 0) {
		*ret = NULL;
		return err_oom(e);
	}
	return 0;
}

/* Is there a unit that gives dockerd a containerd before it starts? */
static int has_unit(const struct host *h, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	int r = unitfile_load(h, "containerd.service", &u, e);

	return r == -ENOENT ? 0 : r < 0 ? r : !u.masked;
}

static int is_there(const struct host *h, const char *path, struct err *e)
{
	struct stat st;
	int r = host_stat(h, path, &st, e);

	return r == -ENOENT || r == -ENOTDIR ? 0 : r < 0 ? r : 1;
}

/* /var/run leads to /run wherever systemd runs; nothing of it is there in an image. */
static const char *run_path(const char *path)
{
	return has_prefix(path, "/var/run/") ? path + strlen("/var") : path;
}

int engine_containerd(const struct host *h, const struct engine_cmdline *c, const json_t *config,
		      char ***ret, struct err *e)
{
	const char *named = engine_value(c, config, "containerd");
	const char *root = engine_value(c, config, "exec-root");
	_cleanup_strv_ char **list = calloc(3, sizeof(char *));
	_cleanup_free_ char *own = NULL;
	int system, mine;

	if (named && has_prefix(named, "unix://"))
		named += strlen("unix://");
	if (!list || asprintf(&own, "%s/containerd/containerd.sock",
			      root && *root == '/' ? run_path(root) : ENGINE_EXEC_ROOT) < 0) {
		own = NULL;
		return err_oom(e);
	}
	if (named && *named == '/') {
		list[0] = strdup(run_path(named));
	} else {
		system = is_there(h, ENGINE_CONTAINERD, e);
		mine = is_there(h, own, e);
		if (system < 0 || mine < 0)
			return e->code;
		if (!system && !mine) {
			system = c->installed ? has_unit(h, e) : 1;
			if (system < 0)
				return system;
			mine = !system;
		}
		if (system)
			list[0] = strdup(ENGINE_CONTAINERD);
		if (mine)
			list[system ? 1 : 0] = TAKE_PTR(own);
		if (system && mine && !list[0])
			return err_oom(e);
	}
	if (!list[0])
		return err_oom(e);
	*ret = TAKE_PTR(list);
	return 0;
}
