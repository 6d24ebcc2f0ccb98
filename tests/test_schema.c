/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_modules.h"
#include "unit.h"

static json_t *schema;

/* The JSON at a path of names, as text. */
static void at(const char *path, const char *want)
{
	char copy[200], *name, *save = NULL, *got;
	json_t *v = schema;

	snprintf(copy, sizeof(copy), "%s", path);
	for (name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save))
		v = json_object_get(v, name);
	got = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : strdup("-");
	ck_assert_msg(streq(got, want), "%s: %s", path, got);
	free(got);
}

START_TEST(test_json)
{
	schema = schema_json();
	ck_assert_ptr_nonnull(schema);
	at("$schema", "\"https://json-schema.org/draft/2020-12/schema\"");
	at("required", "[\"version\"]");
	at("additionalProperties", "false");
	at("properties/version/const", "1");
	at("properties/include/items/type", "\"string\"");
	at("properties/engine/type", "[\"object\",\"null\"]");
	at("properties/engine/properties/version/type", "[\"string\",\"null\"]");
	at("properties/daemon/title", "\"daemon\"");
	at("properties/daemon/description", "\"keys of daemon.json\"");
	at("properties/daemon/type", "[\"object\",\"null\"]");
	at("properties/daemon/additionalProperties", "false");
	at("properties/daemon/required", "-");
	at("properties/daemon/properties/icc",
	   "{\"description\":\"talk on the default bridge\",\"title\":\"icc\",\"type\":[\"boolean\","
	   "\"null\"],\"x-cis\":\"2.2\"}");
	at("properties/daemon/properties/selinux-enabled/anyOf",
	   "[{\"type\":\"boolean\"},{\"enum\":[\"auto\"]},{\"type\":\"null\"}]");
	at("properties/daemon/properties/log-level/enum", "[\"debug\",\"info\",\"warn\",null]");
	at("properties/daemon/properties/oom-score-adjust/x-since", "\"20.10\"");
	at("properties/daemon/properties/oom-score-adjust/x-until", "\"26.0\"");
	at("properties/daemon/properties/default-network-opts/additionalProperties/"
	   "additionalProperties/maxLength",
	   "64");
	at("properties/socket/properties/mode/default", "\"0660\"");
	at("properties/subids/properties/avoid/default", "[\"1-2\",\"5-9\"]");
	at("properties/subids/properties/avoid/maxItems", "8");
	at("properties/subids/properties/ranges/items/required", "[\"owner\"]");
	at("properties/subids/properties/ranges/items/properties/count",
	   "{\"default\":65536,\"maximum\":4294967295,\"minimum\":1,\"title\":\"count\",\"type\":"
	   "\"integer\"}");
	at("properties/service/properties/timeout/maximum", "3600");
	at("properties/watch/anyOf",
	   "[{\"additionalProperties\":false,\"properties\":{\"action\":{\"default\":\"auto\","
	   "\"enum\":[\"auto\",\"if-idle\",\"never\",null],\"title\":\"action\",\"type\":"
	   "[\"string\",\"null\"]},\"every\":{\"default\":1,\"maximum\":24,\"minimum\":1,"
	   "\"title\":\"every\",\"type\":[\"integer\",\"null\"]}},\"type\":[\"object\",\"null\"]},"
	   "{\"default\":\"auto\",\"enum\":[\"auto\",\"if-idle\",\"never\"],\"title\":\"action\","
	   "\"type\":\"string\"}]");
	at("properties/watch/title", "\"watch\"");
	at("properties/volumes/type", "[\"array\",\"null\"]");
	at("properties/volumes/title", "\"volumes\"");
	at("properties/volumes/items/required", "[\"path\"]");
	at("properties/volumes/items/properties/access/default", "\"auto\"");
	json_decref(schema);
}
END_TEST

START_TEST(test_text)
{
	struct err e = { 0 };
	char *text = NULL;

	ck_assert_int_eq(schema_text(&text, &e), 0);
	ck_assert(has_prefix(text, "the plan itself\n  version\n      1; required\n"));
	ck_assert_ptr_nonnull(strstr(text, "\ndaemon: keys of daemon.json\n"
					   "  icc\n"
					   "      true or false; CIS 2.2\n"
					   "      talk on the default bridge\n"));
	ck_assert_ptr_nonnull(strstr(text, "  oom-score-adjust\n"
					   "      an integer; engine from 20.10, before 26.0\n"));
	ck_assert_ptr_nonnull(strstr(text,
				     "  ranges[].count\n"
				     "      an integer from 1 to 4294967295; default 65536\n"));
	ck_assert_ptr_nonnull(strstr(text, "  default-network-opts\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "  \"watch: VALUE\" is short for \"watch: {action: VALUE}\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "; engine from 24.0\n"));
	ck_assert_ptr_nonnull(strstr(text, "  proxies.http-proxy\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nsocket\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nvolumes: directories\n  [].path\n"));
	free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_json);
	tcase_add_test(tc, test_text);
}

UNIT_MAIN("schema")
