/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/daemon_keys.h"

static const struct field *key(const char *name)
{
	const struct field *f = field_find(daemon_keys, name);

	ck_assert_msg(f, "no row for %s", name);
	return f;
}

static bool takes(const char *name, const char *value)
{
	const struct field *f = key(name);

	while (f->type == FIELD_LIST || f->type == FIELD_MAP)
		f = f->of;
	ck_assert_ptr_nonnull(f->valid);
	return !f->valid(value);
}

/* A table that can't be parsed or explained is caught here, not by a user. */
static void check_table(const struct field *table)
{
	for (const struct field *f = table; f->type; f++) {
		ck_assert_msg(f->name && *f->name && f->help && *f->help, "%s", f->name);
		ck_assert_msg(f == table || strcmp(f[-1].name, f->name) || table != daemon_keys,
			      "%s twice", f->name);
		ck_assert_msg((f->type == FIELD_ENUM) == (f->choices != NULL), "%s", f->name);
		ck_assert_msg((f->type == FIELD_LIST || f->type == FIELD_MAP ||
			       f->type == FIELD_OBJECT) == (f->of != NULL),
			      "%s", f->name);
		ck_assert_msg(!f->since || !f->until || f->since < f->until, "%s", f->name);
		ck_assert_msg(f->min <= f->max || f->type != FIELD_INT, "%s", f->name);
		ck_assert_msg(strlen(f->help) < 90 && f->help[strlen(f->help) - 1] != '.', "%s",
			      f->name);
		if (f->type == FIELD_OBJECT)
			check_table(f->of);
		if ((f->type == FIELD_LIST || f->type == FIELD_MAP) && f->of->type == FIELD_OBJECT)
			check_table(f->of->of);
	}
}

START_TEST(table_is_sound)
{
	size_t n = 0;

	check_table(daemon_keys);
	for (const struct field *f = daemon_keys; f->type; f++, n++)
		if (n)
			ck_assert_msg(strcmp(f[-1].name, f->name) < 0, "%s is out of order",
				      f->name);
	ck_assert_uint_eq(n, 105);
}
END_TEST

START_TEST(series)
{
	static const struct {
		const char *key;
		unsigned engine;
		bool known;
	} t[] = {
		{ "icc", VERSION(20, 10), true },
		{ "icc", VERSION(29, 7), true },
		{ "proxies", VERSION(20, 10), false },
		{ "proxies", VERSION(23, 0), true },
		{ "default-network-opts", VERSION(23, 0), false },
		{ "default-network-opts", VERSION(24, 0), true },
		{ "cdi-spec-dirs", VERSION(24, 0), false },
		{ "log-format", VERSION(25, 0), true },
		{ "oom-score-adjust", VERSION(25, 0), true },
		{ "oom-score-adjust", VERSION(26, 0), false },
		{ "graph", VERSION(23, 0), true },
		{ "graph", VERSION(24, 0), false },
		{ "allow-direct-routing", VERSION(28, 1), false },
		{ "allow-direct-routing", VERSION(28, 2), true },
		{ "allow-nondistributable-artifacts", VERSION(28, 0), true },
		{ "allow-nondistributable-artifacts", VERSION(28, 1), false },
		{ "api-cors-header", VERSION(27, 5), true },
		{ "api-cors-header", VERSION(28, 0), false },
		{ "nri-opts", VERSION(29, 1), false },
		{ "nri-opts", VERSION(29, 2), true },
		{ "default-stop-timeout", VERSION(29, 6), false },
		{ "default-stop-timeout", VERSION(29, 7), true },
		{ "default-stop-timeout", 0, true },
		{ "resolv-conf", 0, false },
		{ "resolv-conf", VERSION(28, 0), false },
	};
	char text[80];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_msg(daemon_key_known(key(t[i].key), t[i].engine) == t[i].known,
			      "%s on %u", t[i].key, t[i].engine);
	daemon_key_series(key("allow-direct-routing"), text, sizeof(text));
	ck_assert_str_eq(text, "known since 28.2");
	daemon_key_series(key("graph"), text, sizeof(text));
	ck_assert_str_eq(text, "known before 24.0");
}
END_TEST

START_TEST(texts)
{
	static const struct {
		const char *key, *value;
		bool fine;
	} t[] = {
		{ "bip", "172.17.0.1/16", true },
		{ "bip", "172.17.0.1", false },
		{ "bip", "172.17.0.1/33", false },
		{ "bip", "fd00::1/64", false },
		{ "bip", "/16", false },
		{ "bip", "172.17.0.1/+1", false },
		{ "bip6", "fd00::1/64", true },
		{ "bip6", "fd00::1/129", false },
		{ "ip", "127.0.0.1", true },
		{ "ip", "::1", true },
		{ "ip", "localhost", false },
		{ "default-shm-size", "64M", true },
		{ "default-shm-size", "64 MiB", true },
		{ "default-shm-size", "1.5g", true },
		{ "default-shm-size", "64X", false },
		{ "default-shm-size", "-1", false },
		{ "default-shm-size", "1.", false },
		{ "default-shm-size", "", false },
		{ "hosts", "fd://", true },
		{ "hosts", "unix:///run/docker.sock", true },
		{ "hosts", "unix://docker.sock", false },
		{ "hosts", "tcp://0.0.0.0:2376", true },
		{ "hosts", "0.0.0.0:2375", false },
		{ "registry-mirrors", "https://mirror.example", true },
		{ "registry-mirrors", "https://mirror.example/?a=b", false },
		{ "registry-mirrors", "mirror.example", false },
		{ "registry-mirrors", "http://mirror.example:5000/path", true },
		{ "registry-mirrors", "https://[fd00::1]:5000", true },
		{ "registry-mirrors", "ftp://mirror.example", false },
		{ "registry-mirrors", "https://", false },
		{ "registry-mirrors", "https:///path", false },
		{ "registry-mirrors", "https://mirror.example#x", false },
		{ "registry-mirrors", "https://user:pw@mirror.example", false },
		{ "registry-mirrors", "https://mirror.example:70000", false },
		{ "insecure-registries", "10.0.0.0/8", true },
		{ "insecure-registries", "reg.example:5000", true },
		{ "insecure-registries", "http://reg.example", false },
		{ "insecure-registries", "reg-1.example", true },
		{ "insecure-registries", "192.0.2.1:0", true },
		{ "insecure-registries", "fd00::/8", true },
		{ "insecure-registries", "fd00::1", true },
		{ "insecure-registries", "[fd00::1]:5000", true },
		{ "insecure-registries", "[fd00::1]", true },
		{ "insecure-registries", "[fd00::1", false },
		{ "insecure-registries", "[]", false },
		{ "insecure-registries", "[fd00::1]5000", false },
		{ "insecure-registries", "", false },
		{ "insecure-registries", ":5000", false },
		{ "insecure-registries", "reg.example:", false },
		{ "insecure-registries", "reg.example:99999", false },
		{ "insecure-registries", "reg.example:http", false },
		{ "insecure-registries", "reg.example:5000:1", false },
		{ "insecure-registries", "reg..example", false },
		{ "insecure-registries", "-reg.example", false },
		{ "insecure-registries", "10.0.0.0/33", false },
		{ "insecure-registries", "reg.example/path", false },
		{ "labels", "a=b", true },
		{ "labels", "a", false },
		{ "labels", "=b", false },
		{ "metrics-addr", "127.0.0.1:9323", true },
		{ "metrics-addr", "127.0.0.1", false },
		{ "metrics-addr", "127.0.0.1:99999", false },
		{ "bridge-accept-fwmark", "0x1/0x3", true },
		{ "bridge-accept-fwmark", "1", true },
		{ "bridge-accept-fwmark", "-1", false },
		{ "bridge-accept-fwmark", "1/2/3", false },
		{ "bridge-accept-fwmark", "0x100000000", false },
		{ "min-api-version", "1.44", true },
		{ "min-api-version", "2.0", false },
		{ "min-api-version", "1", false },
		{ "seccomp-profile", "unconfined", true },
		{ "seccomp-profile", "/etc/docker/seccomp.json", true },
		{ "seccomp-profile", "seccomp.json", false },
		{ "userns-remap", "default", true },
		{ "userns-remap", "dockremap", true },
		{ "userns-remap", "231072:231072", true },
		{ "userns-remap", "a:b", true },
		{ "userns-remap", "default:default", false },
		{ "userns-remap", "a:", false },
		{ "userns-remap", "a:b:c", false },
		{ "userns-remap", "", false },
		{ "userns-remap", "a b", false },
		{ "userns-remap", "a\nb", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_msg(takes(t[i].key, t[i].value) == t[i].fine, "%s: %s", t[i].key,
			      t[i].value);
}
END_TEST

static void check_effect(const char *name, const char *from, const char *to, bool restart)
{
	json_t *a = from ? json_loads(from, JSON_DECODE_ANY, NULL) : NULL;
	json_t *b = to ? json_loads(to, JSON_DECODE_ANY, NULL) : NULL;

	ck_assert_msg(daemon_needs_restart(name, a, b) == restart, "%s: %s -> %s", name,
		      from ? from : "unset", to ? to : "unset");
	json_decref(a);
	json_decref(b);
}

START_TEST(effects)
{
	check_effect("icc", "true", "false", true);
	check_effect("debug", "true", "false", false);
	check_effect("debug", "true", NULL, true);		  /* keep */
	check_effect("authorization-plugins", "[]", NULL, false); /* reset */
	check_effect("live-restore", NULL, "true", false);
	check_effect("features", NULL, "{\"buildkit\": true}", false);
	check_effect("features", NULL, "{\"containerd-snapshotter\": true}", true);
	check_effect("features", NULL, "{\"containerd-snapshotter\": false}", false);
	check_effect("no-such-key", NULL, "1", true);
}
END_TEST

static void check_show(const char *json, const char *want)
{
	json_t *v = json ? json_loads(json, JSON_DECODE_ANY, NULL) : NULL;
	char *text = NULL;
	struct err e;

	ck_assert(!json || v);
	ck_assert_int_eq(daemon_show(v, &text, &e), 0);
	ck_assert_str_eq(text, want);
	free(text);
	json_decref(v);
}

START_TEST(shown)
{
	check_show(NULL, "unset");
	check_show("false", "false");
	check_show("\"a\"", "\"a\"");
	check_show("{\"b\": 1, \"a\": [true, null]}", "{\"a\": [true, null], \"b\": 1}");
	check_show("\"http://u:p@proxy:3128/x\"", "\"http://***@proxy:3128/x\"");
	check_show("\"http://u:p@q@proxy\"", "\"http://***@proxy\"");
	check_show("\"u:p@proxy:3128\"", "\"***@proxy:3128\"");
	check_show("\"owner=joe@example\"", "\"owner=joe@example\"");
	check_show("\"http://proxy/a@b\"", "\"http://proxy/a@b\"");
	check_show("{\"splunk-token\": \"x\", \"tag\": \"y\"}",
		   "{\"splunk-token\": \"***\", \"tag\": \"y\"}");
}
END_TEST

START_TEST(shown_long)
{
	json_t *a = json_array(), *valid;
	char *text = NULL;
	struct err e;

	for (int i = 0; i < 1000; i++)
		json_array_append_new(a, json_string("\xc3\xa4\xc3\xa4"));
	ck_assert_int_eq(daemon_show(a, &text, &e), 0);
	ck_assert_uint_le(strlen(text), 200);
	ck_assert(has_suffix(text, "..."));
	valid = json_string(text); /* NULL for what is no UTF-8 */
	ck_assert_ptr_nonnull(valid);
	json_decref(valid);
	free(text);
	json_decref(a);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, table_is_sound);
	tcase_add_test(tc, series);
	tcase_add_test(tc, texts);
	tcase_add_test(tc, effects);
	tcase_add_test(tc, shown);
	tcase_add_test(tc, shown_long);
}

UNIT_MAIN("daemon_keys")
