/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules and profiles for tests of the plan alone: small tables with every type of setting.
 */
#ifndef BULKHEAD_PLAN_MODULES_H
#define BULKHEAD_PLAN_MODULES_H

#include "../src/module.h"

static const struct field stub_range[] = {
	{ .name = "owner", .type = FIELD_NAME, .help = "whose ids", .required = true },
	{ .name = "count", .type = FIELD_INT, .min = 1, .max = 4294967295, .fallback = "65536" },
	{ .name = "start", .type = FIELD_INT, .min = 1, .max = 4294967295 },
	{ 0 },
};
static const struct field stub_range_row = { .name = "range",
					     .type = FIELD_OBJECT,
					     .of = stub_range };
static const struct field stub_idrange = { .name = "ids", .type = FIELD_IDRANGE };
static const struct field stub_text = { .name = "text", .type = FIELD_STRING, .max = 64 };
static const struct field stub_texts = { .name = "texts", .type = FIELD_MAP, .of = &stub_text };

static const struct field stub_subids[] = {
	{ .name = "ranges", .type = FIELD_LIST, .help = "the ranges", .of = &stub_range_row },
	{ .name = "pool", .type = FIELD_IDRANGE, .fallback = "2000224256-2147352575" },
	{ .name = "align", .type = FIELD_INT, .min = 1, .max = 16777216, .fallback = "65536" },
	{ .name = "avoid",
	  .type = FIELD_LIST,
	  .max = 8,
	  .of = &stub_idrange,
	  .fallback = "[1-2, 5-9]" },
	{ 0 },
};

static const char *const stub_auto[] = { "auto", NULL };
static const char *const stub_levels[] = { "debug", "info", "warn", NULL };

static const struct field stub_proxies[] = {
	{ .name = "http-proxy", .type = FIELD_STRING },
	{ .name = "no-proxy", .type = FIELD_STRING },
	{ 0 },
};

static inline const char *stub_even(const char *s)
{
	return strlen(s) % 2 ? "a text of even length" : NULL;
}

static const struct field stub_daemon[] = {
	{ .name = "icc", .type = FIELD_BOOL, .help = "talk on the default bridge", .cis = "2.2" },
	{ .name = "userns-remap", .type = FIELD_NAME, .cis = "2.9" },
	{ .name = "selinux-enabled", .type = FIELD_BOOL, .also = stub_auto },
	{ .name = "log-level", .type = FIELD_ENUM, .choices = stub_levels },
	{ .name = "log-opts", .type = FIELD_MAP, .of = &stub_text },
	{ .name = "default-network-opts", .type = FIELD_MAP, .of = &stub_texts, .since = 24000 },
	{ .name = "labels", .type = FIELD_LIST, .of = &stub_text },
	{ .name = "data-root", .type = FIELD_PATH },
	{ .name = "oom-score-adjust", .type = FIELD_INT, .since = 20010, .until = 26000 },
	{ .name = "proxies", .type = FIELD_OBJECT, .of = stub_proxies },
	{ .name = "bip", .type = FIELD_STRING, .valid = stub_even },
	{ 0 },
};

static const struct field stub_socket[] = {
	{ .name = "mode", .type = FIELD_MODE, .fallback = "0660" },
	{ .name = "user", .type = FIELD_NAME, .fallback = "root" },
	{ .name = "group", .type = FIELD_NAME, .fallback = "docker" },
	{ 0 },
};

static const char *const stub_restart[] = { "auto", "if-idle", "never", NULL };

static const struct field stub_service[] = {
	{ .name = "restart", .type = FIELD_ENUM, .choices = stub_restart, .fallback = "auto" },
	{ .name = "timeout", .type = FIELD_INT, .min = 1, .max = 3600, .fallback = "120" },
	{ 0 },
};

/* A rule across settings, with positions deep and of defaults. */
static void stub_daemon_check(const struct section *s, struct errs *out)
{
	if (section_bool(s, "icc", true) && section_get(s, "bip"))
		errs_add(out, section_where(s, "bip"), "bip with icc");
	if (json_object_get(section_get(s, "default-network-opts"), "bridge"))
		errs_add(out, section_where(s, "default-network-opts.bridge.com.docker.a.b"),
			 "network");
}

static void stub_socket_check(const struct section *s, struct errs *out)
{
	if (streq(section_str(s, "group"), "wheel"))
		errs_add(out, section_where(s, "mode"), "the group is wheel");
}

static const struct field stub_volumes[] = {
	{ .name = "path", .type = FIELD_PATH, .help = "a directory", .required = true },
	{ .name = "access", .type = FIELD_ENUM, .choices = stub_restart, .fallback = "auto" },
	{ 0 },
};

static void stub_volumes_check(const struct section *s, struct errs *out)
{
	json_t *list = section_get(s, "volumes"), *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (streq(json_string_value(json_object_get(v, "access")), "never"))
			errs_add(out, section_where(s, "[1].access"), "never");
}

static const struct module stub_subids_module = { .name = "subids",
						  .summary = "subordinate ids",
						  .fields = stub_subids };
static const struct module stub_daemon_module = { .name = "daemon",
						  .summary = "keys of daemon.json",
						  .fields = stub_daemon,
						  .check = stub_daemon_check };
static const struct module stub_socket_module = { .name = "socket",
						  .fields = stub_socket,
						  .check = stub_socket_check };
static const struct module stub_service_module = { .name = "service",
						   .fields = stub_service,
						   .always = true };

static const struct module stub_volumes_module = { .name = "volumes",
						   .summary = "directories",
						   .fields = stub_volumes,
						   .list = true,
						   .check = stub_volumes_check };

static const struct field stub_watch[] = {
	{ .name = "action", .type = FIELD_ENUM, .choices = stub_restart, .fallback = "auto" },
	{ .name = "every", .type = FIELD_INT, .min = 1, .max = 24, .fallback = "1" },
	{ 0 },
};
static const struct module stub_watch_module = { .name = "watch",
						 .summary = "a section that a scalar may be",
						 .fields = stub_watch,
						 .scalar = "action" };

const struct module *const modules[] = { &stub_subids_module,
					 &stub_daemon_module,
					 &stub_socket_module,
					 &stub_volumes_module,
					 &stub_service_module,
					 &stub_watch_module,
					 NULL };

#define STUB_PROFILE(name, text)                                                                   \
	{                                                                                          \
		name, text, sizeof(text) - 1                                                       \
	}

const struct profile profiles[] = {
	STUB_PROFILE("baseline",
		     "version: 1\ndaemon:\n  icc: false\n  labels: [a, b]\n"
		     "  log-opts: {max-size: 10m, max-file: 3}\nsocket: {group: docker}\n"),
	STUB_PROFILE("strict",
		     "version: 1\ninclude: [profile:baseline]\nsocket: {mode: \"0600\"}\n"),
	STUB_PROFILE("watched", "version: 1\nwatch: {every: 3}\n"),
	STUB_PROFILE("loop", "version: 1\ninclude: [profile:pool]\n"),
	STUB_PROFILE("pool", "version: 1\ninclude: [profile:loop]\n"),
	STUB_PROFILE("wrong", "version: 1\ndaemon:\n  icc: maybe\n"),
	{ NULL, NULL, 0 },
};

#endif
