/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is docker.service and then, each behind a NUL byte, the other files of a host that tell
 * how dockerd is run: a drop-in, its EnvironmentFile=, docker.socket, dpkg's status, daemon.json,
 * SELinux's config, login.defs and the accounts. All of it is an environment file as well.
 */
#include "fuzz.h"

#include <sys/stat.h>

#include "../../modules/daemon_host.h"
#include "../../modules/engine_api_internal.h"
#include "../../modules/unitfile.h"

/* Variables multiply what a unit holds, up to UNITFILE_COMMAND_MAX: that is the base. */
const struct fuzz_bounds fuzz_bounds = { 8 << 20, 1000 };

/* Every assignment has a name; with `sorted`, each name once and in order. */
static void check_env(char *const *env, bool sorted)
{
	for (; *env; env++) {
		const char *eq = strchr(*env, '=');

		require(eq && eq != *env);
		require(!sorted || !env[1] || strncmp(*env, env[1], (size_t)(eq + 1 - *env)) != 0);
	}
}

static void check_commands(const struct unitfile *u, char *const *env)
{
	const struct unitfile_setting *s;
	struct err e;
	size_t pos = 0;

	while ((s = unitfile_next(u, "Service", "ExecStart", &pos))) {
		_cleanup_strv_ char **argv = NULL;
		size_t total = 0;
		int r = unitfile_command(s->value, u->name, env, &argv, &e);

		require(r == 0 || ((r == -EINVAL || r == -E2BIG) && e.code == r));
		for (size_t i = 0; r == 0 && argv[i]; i++)
			total += strlen(argv[i]) + 1;
		require(total <= UNITFILE_COMMAND_MAX);
		require(r < 0 || (argv[0] && *argv[0]));
	}
}

/* The unit's text alone, and as an environment file. */
static void check_texts(const char *text, size_t len, const char *whole, size_t whole_len,
			const struct host *h)
{
	_cleanup_unitfile_ struct unitfile u = { .name = strdup("docker.service") };
	_cleanup_strv_ char **env = NULL;
	_cleanup_strv_ char **file = NULL;
	struct err e;
	int r;

	require(u.name && unitfile_parse(&u, "/unit", text, len, &e) == 0);
	for (size_t i = 0; i < u.n; i++)
		require(!strpbrk(u.list[i].value, "\n\r") && streq(u.list[i].file, "/unit"));
	r = unitfile_env_parse(whole, whole_len, &file, &e);
	require(r == 0 || (r == -EINVAL && memchr(whole, '\0', whole_len)));
	if (r == 0)
		check_env(file, false);
	if (unitfile_environment(&u, h, &env, &e) == 0) {
		check_env(env, true);
		check_commands(&u, env);
	}
}

/* dockerd's command line: every value that a key gets stands in it. */
static void check_cmdline(const struct host *h)
{
	static const char *const keys[] = { "hosts", "icc", "log-level", "labels", "config-file" };
	const struct engine_cmdline *c;
	struct err e;
	int r = engine_cmdline(h, &c, &e);

	require(r <= 0 && (r == 0 || e.code == r));
	if (r < 0 || !c->installed)
		return;
	require(c->argv[0] && *c->argv[0] && c->config && c->source);
	check_env(c->env, true);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *flag = engine_cmdline_flag(c, keys[i]), *value;
		size_t pos = 0, n = 0;

		while ((value = engine_cmdline_next(c, keys[i], &pos)))
			n++;
		require((flag != NULL) == (n > 0));
	}
}

/* What else is read of a host beside the unit. */
static void check_host(const struct host *h)
{
	_cleanup_free_ char *sock = NULL;
	_cleanup_changes_ struct changes out;
	const char *text, *why;
	unsigned version;
	uint64_t value;
	struct err e;
	int r;

	changes_init(&out);
	r = engine_version(h, NULL, &version, &text, &why, &e);
	require(r <= 0);
	if (r == 0)
		require((version != 0) == (text != NULL) && (text || why));
	r = engine_socket(h, &sock, &e);
	require(r <= 0 && (r < 0 || *sock == '/'));
	require(daemon_selinux_off(h, &why, &e) <= 0);
	require(accounts_login_def(h, "SYS_UID_MAX", 999, &value, &e) <= 0);
	r = accounts_add_system(h, "dockremap", &out, "m", NULL, &e);
	require(r == 0 || e.code == r);
	for (size_t i = 0; r == 0 && i < out.n; i++)
		for (size_t k = 0; k < out.list[i]->n_lines; k++)
			require(has_prefix(out.list[i]->lines[k].text, "dockremap:") &&
				!strchr(out.list[i]->lines[k].text, '\n'));
}

/* Files that are only planned: nothing is written for a reader to find them. */
static void planned(struct changes *c, struct change *all, size_t n, const char **data, size_t *len)
{
	for (size_t i = 0; i < n; i++) {
		struct image *im = &all[i].after;

		im->content = fuzz_part(data, len, i == n - 1, &im->len);
		im->mode = S_IFREG | 0644;
		im->exists = im->len > 0;
		c->list[c->n++] = &all[i];
	}
}

void fuzz_one(const char *data, size_t len)
{
	struct change all[] = {
		{ .path = (char[]){ "/usr/lib/systemd/system/docker.service" } },
		{ .path = (char[]){ "/etc/systemd/system/docker.service.d/x.conf" } },
		{ .path = (char[]){ "/etc/default/docker" } },
		{ .path = (char[]){ "/usr/lib/systemd/system/docker.socket" } },
		{ .path = (char[]){ "/var/lib/dpkg/status" } },
		{ .path = (char[]){ "/etc/docker/daemon.json" } },
		{ .path = (char[]){ "/etc/selinux/config" } },
		{ .path = (char[]){ "/etc/login.defs" } },
		{ .path = (char[]){ "/etc/passwd" } },
		{ .path = (char[]){ "/etc/group" } },
		{ .path = (char[]){ "/etc/shadow" } },
	};
	struct change *list[ARRAY_SIZE(all)];
	struct changes c = { .list = list };
	const char *whole = data;
	size_t whole_len = len;
	struct host *h = NULL;
	struct err e;

	planned(&c, all, ARRAY_SIZE(all), &data, &len);
	fuzz_tree("", 0);
	require(host_open(fuzz_root(), &h, &e) == 0);
	host_overlay(h, &c);
	check_texts(all[0].after.content, all[0].after.len, whole, whole_len, h);
	check_cmdline(h);
	check_host(h);
	host_free(h);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i].after.content);
}
