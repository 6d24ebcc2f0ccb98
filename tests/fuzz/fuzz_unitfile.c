/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a unit file, and an environment file as well. */
#include "../../modules/unitfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool ok)
{
	if (!ok)
		abort();
}

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	_cleanup_unitfile_ struct unitfile u = { .name = strdup("docker.service") };
	_cleanup_strv_ char **env = NULL;
	_cleanup_strv_ char **file = NULL;
	_cleanup_host_ struct host *h = NULL;
	struct err e;
	int r;

	require(u.name && unitfile_parse(&u, "/unit", text, len, &e) == 0);
	for (size_t i = 0; i < u.n; i++)
		require(!strpbrk(u.list[i].value, "\n\r") && streq(u.list[i].file, "/unit"));
	r = unitfile_env_parse(text, len, &file, &e);
	require(r == 0 || (r == -EINVAL && memchr(text, '\0', len)));
	if (r == 0)
		check_env(file, false);
	/* A root that holds devices only: no EnvironmentFile= is found in it. */
	require(host_open("/dev/pts", &h, &e) == 0 || host_open("/dev", &h, &e) == 0);
	if (unitfile_environment(&u, h, &env, &e) == 0) {
		check_env(env, true);
		check_commands(&u, env);
	}
	return 0;
}
