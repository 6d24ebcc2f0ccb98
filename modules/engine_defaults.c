/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

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
