/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_cis.h"

static bool is_true(const json_t *v)
{
	return json_is_true(v);
}

static bool is_false(const json_t *v)
{
	return json_is_false(v);
}

static bool is_empty(const json_t *v)
{
	return json_is_array(v) && !json_array_size(v);
}

static bool has_members(const json_t *v)
{
	return json_array_size(v) || json_object_size(v);
}

/* More is asked of nobody, and less hides what happened. */
static bool is_info(const json_t *v)
{
	return json_is_string(v) && streq(json_string_value(v), "info");
}

static bool is_confined(const json_t *v)
{
	return json_is_string(v) && !streq(json_string_value(v), "unconfined");
}

static bool is_no_aufs(const json_t *v)
{
	return json_is_string(v) && !streq(json_string_value(v), "aufs");
}

/* json-file and local keep them beside the container, none throws them away. */
static bool is_central(const json_t *v)
{
	static const char *const kept[] = { "json-file", "local", "none", "" };

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (!json_is_string(v) || streq(json_string_value(v), kept[i]))
			return false;
	return true;
}

static const struct {
	const char *key;
	bool (*met)(const json_t *v);
	const char *asked;
} asked[] = {
	{ "authorization-plugins", has_members, "a plugin" },
	{ "debug", is_false, "false" }, /* true is level debug, too */
	{ "default-ulimits", has_members, "a limit" },
	{ "icc", is_false, "false" },
	{ "insecure-registries", is_empty, "none" },
	{ "iptables", is_true, "true" },
	{ "live-restore", is_true, "true" },
	{ "log-driver", is_central, "a driver that takes logs elsewhere" },
	{ "log-level", is_info, "info" },
	{ "no-new-privileges", is_true, "true" },
	{ "seccomp-profile", is_confined, "a profile" },
	{ "storage-driver", is_no_aufs, "any but aufs" },
	{ "tlsverify", is_true, "true" },
	{ "userland-proxy", is_false, "false" },
};

const char *daemon_key_asked(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
		if (streq(asked[i].key, key))
			return asked[i].asked;
	return NULL;
}

const char *daemon_key_cis(const struct field *f, const json_t *value)
{
	for (size_t i = 0; f && i < ARRAY_SIZE(asked); i++)
		if (streq(asked[i].key, f->name))
			return asked[i].met(value) ? f->cis : NULL;
	return f ? f->cis : NULL;
}
