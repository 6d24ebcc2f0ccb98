/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

#include <yaml.h>

#include "../src/init.h"
#include "../src/json.h"
#include "../src/reconcile.h"
#include "../src/yaml_flow.h"

/* --- values as YAML --- */

static char *flow_of(const char *json)
{
	_cleanup_json_ json_t *v = json_loads(json, JSON_DECODE_ANY, NULL);
	struct buf b = BUF_INIT;
	char *text;

	ck_assert_ptr_nonnull(v);
	yaml_add_flow(&b, v);
	text = buf_take(&b, NULL);
	ck_assert_ptr_nonnull(text);
	return text;
}

START_TEST(values)
{
	static const char *const cases[][2] = {
		{ "true", "true" },
		{ "null", "null" },
		{ "-7", "-7" },
		{ "\"alice\"", "alice" },
		{ "\"/etc/docker\"", "/etc/docker" },
		{ "\"0660\"", "\"0660\"" },
		{ "\"\"", "\"\"" },
		{ "\"yes\"", "\"yes\"" },
		{ "\"Off\"", "\"Off\"" },
		{ "\"NULL\"", "\"NULL\"" },
		{ "\"10.0.0.0/8\"", "\"10.0.0.0/8\"" },
		{ "\"a: b\"", "\"a: b\"" },
		{ "\"a # b\"", "\"a # b\"" },
		{ "\"say \\\"x\\\\\"", "\"say \\\"x\\\\\"" },
		{ "\"line\\nversion: 2\"", "\"line\\u000aversion: 2\"" },
		{ "\"\\u2028#\"", "\"\\u2028#\"" },
		{ "\"\\u0085\"", "\"\\u0085\"" },
		{ "\"\\u00fc\"", "\"\xc3\xbc\"" },
		{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
		{ "\"\\udb80\\udc00\"", "\"\xf3\xb0\x80\x80\"" },
		{ "{\"nofile\": {\"Soft\": 1, \"Hard\": -1}, \"on\": []}",
		  "{nofile: {Soft: 1, Hard: -1}, \"on\": []}" },
		{ "[\"a\", [1, false]]", "[a, [1, false]]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = flow_of(cases[i][0]);

		ck_assert_str_eq(text, cases[i][1]);
	}
}
END_TEST

/* What libyaml reads of `text` as a scalar is `want`. */
static void reads_as(const char *text, const char *want)
{
	yaml_parser_t p;
	yaml_event_t ev;
	bool seen = false, end = false;

	ck_assert_int_eq(yaml_parser_initialize(&p), 1);
	yaml_parser_set_input_string(&p, (const unsigned char *)text, strlen(text));
	while (!end) {
		ck_assert_msg(yaml_parser_parse(&p, &ev), "%s: %s", text, p.problem);
		end = ev.type == YAML_STREAM_END_EVENT;
		if (ev.type == YAML_SCALAR_EVENT) {
			ck_assert(!seen);
			ck_assert_str_eq((const char *)ev.data.scalar.value, want);
			seen = true;
		}
		yaml_event_delete(&ev);
	}
	ck_assert(seen);
	yaml_parser_delete(&p);
}

/* Every character of the first plane, by itself and beside a letter. */
START_TEST(every_character_comes_back)
{
	for (unsigned c = 1; c < 0x10000; c++) {
		char s[8] = { 'a', 0 };
		size_t n = 1;
		_cleanup_buf_ struct buf b = BUF_INIT;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		if (c < 0x80) {
			s[n++] = (char)c;
		} else if (c < 0x800) {
			s[n++] = (char)(0xc0 | c >> 6);
			s[n++] = (char)(0x80 | (c & 0x3f));
		} else {
			s[n++] = (char)(0xe0 | c >> 12);
			s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			s[n++] = (char)(0x80 | (c & 0x3f));
		}
		yaml_add_string(&b, s);
		reads_as(b.data, s);
		buf_done(&b);
		yaml_add_string(&b, s + 1);
		reads_as(b.data, s + 1);
	}
}
END_TEST

/* --- hosts --- */

static char *plan; /* of the last init_of() */

static void setup(void)
{
	root_setup();
	put_dir("/etc");
}

static void teardown(void)
{
	free(TAKE_PTR(plan));
	root_teardown();
}

static const char *init_of(void)
{
	enum exit_code code;

	free(TAKE_PTR(plan));
	ck_ok(init_plan(host, &plan, &code, &e));
	return plan;
}

#define ck_has(part)   ck_assert_msg(strstr(init_of(), part) != NULL, "has: %s", plan)
#define ck_hasnt(part) ck_assert_msg(!strstr(init_of(), part), "has: %s", plan)

static void debian(void)
{
	put("/etc/passwd", "root:x:0:0::/root:/bin/sh\ndockremap:x:120:120::/:/bin/false\n");
	put("/etc/group", "root:x:0:\ndocker:x:110:\ndockremap:x:120:\n");
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n");
	put("/usr/lib/systemd/system/docker.socket",
	    "[Socket]\nListenStream=/run/docker.sock\nSocketMode=0660\nSocketGroup=docker\n");
}

START_TEST(default_keeps_its_range)
{
	debian();
	put("/etc/subuid", "dockremap:231072:65536\n");
	put("/etc/subgid", "dockremap:231072:65536\n");
	put("/etc/docker/daemon.json", "{\"userns-remap\": \"default\"}\n");
	ck_has("\n  ranges: [{owner: dockremap, count: 65536, start: 231072}]\n");
	ck_has("\n  userns-remap: default\n");
}
END_TEST

START_TEST(flag_keeps_its_range)
{
	debian();
	put("/etc/systemd/system/docker.service.d/ns.conf",
	    "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --userns-remap=default\n");
	put("/etc/subuid", "dockremap:231072:65536\n");
	put("/etc/subgid", "dockremap:231072:65536\n");
	ck_has("\n  ranges: [{owner: dockremap, count: 65536, start: 231072}]\n");
	ck_hasnt("\n  userns-remap:");
	ck_hasnt("#userns-remap:");
}
END_TEST

START_TEST(what_would_write_stands_behind)
{
	debian();
	ck_has("\n#socket:\n");
	ck_has("\n  #mode: \"0660\"\n");
	ck_has("50-bulkhead.conf");
	ck_has("\ntrusted-users:\n  members: []\n");
	ck_has("\n  #icc: false\n");
}
END_TEST

START_TEST(another_value_than_the_baseline)
{
	debian();
	put("/etc/docker/daemon.json", "{\"icc\": true, \"not-known\": 1}\n");
	ck_has("\n  # profile:baseline has false here:\n");
	ck_has("\n  icc: true\n");
	ck_hasnt("#icc:");
	ck_has("not-known");
}
END_TEST

START_TEST(half_a_range_is_not_completed)
{
	debian();
	put("/etc/subuid", "dockremap:231072:65536\n");
	put("/etc/docker/daemon.json", "{\"userns-remap\": \"dockremap\"}\n");
	ck_has("\n  #ranges: [{owner: dockremap, count: 65536, start: 231072}]\n");
}
END_TEST

START_TEST(credentials_stay_out)
{
	debian();
	put("/etc/docker/daemon.json",
	    "{\"proxies\": {\"https-proxy\": \"http://u:hunter2@proxy:3128\"},"
	    " \"insecure-registries\": [\"u:hunter2@registry:5000\"],"
	    " \"log-driver\": \"splunk\", \"log-opts\": {\"splunk-token\": \"hunter2\","
	    " \"splunk-url\": \"https://s\"}}\n");
	ck_hasnt("hunter2");
	ck_hasnt("***");
	ck_has("proxies is set, and not shown");
	ck_has("insecure-registries is set, and not shown");
	ck_has("\n  log-driver: splunk\n");
}
END_TEST

/* Nothing of a host's bytes becomes a line of the plan. */
START_TEST(hostile_bytes_stay_words)
{
	debian();
	put("/etc/docker/daemon.json",
	    "{\"a\\nservice: {restart: never}\": 1, \"b\\u2028service: {restart: never}\": 1,"
	    " \"labels\": [\"x\\n- y: z\", \"#\", \"\\u0085version: 2\"]}\n");
	ck_hasnt("\nservice:");
	ck_hasnt("\xe2\x80\xa8");
	ck_has("\\xe2\\x80\\xa8service");
}
END_TEST

START_TEST(broken_file_is_told)
{
	debian();
	put("/etc/docker/daemon.json", "{\"icc\": tru}\n");
	ck_has("can't be read, so nothing of it stands here");
	ck_has("\ntrusted-users:\n");
}
END_TEST

START_TEST(ours_is_refused)
{
	const struct reconcile_options o = { .plan_path = "plan" };
	_cleanup_plan_ struct plan *p = plan_of("version: 1\nsocket: {}\n");
	_cleanup_report_ struct report r;
	enum exit_code code;

	debian();
	report_init(&r, "apply", host);
	reconcile_apply(host, p, &o, &r);
	ck_assert_msg(r.result == REPORT_CHANGED, "%s", r.err.text);
	ck_assert_int_lt(init_plan(host, &plan, &code, &e), 0);
	ck_assert_int_eq(code, EXIT_FAILED);
	ck_says("a plan was applied to this host already");
	report_done(&r);
	report_init(&r, "rollback", host);
	reconcile_rollback(host, 0, &o, &r);
	ck_has("\n#socket:\n");
}
END_TEST

START_TEST(no_host)
{
	enum exit_code code;

	ck_assert_int_eq(rmdir(at("/etc")), 0);
	ck_assert_int_lt(init_plan(host, &plan, &code, &e), 0);
	ck_assert_int_eq(code, EXIT_FAILED);
	ck_says("no /etc");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, values);
	tcase_add_test(tc, every_character_comes_back);
	tcase_add_test(tc, default_keeps_its_range);
	tcase_add_test(tc, flag_keeps_its_range);
	tcase_add_test(tc, what_would_write_stands_behind);
	tcase_add_test(tc, another_value_than_the_baseline);
	tcase_add_test(tc, half_a_range_is_not_completed);
	tcase_add_test(tc, credentials_stay_out);
	tcase_add_test(tc, hostile_bytes_stay_words);
	tcase_add_test(tc, broken_file_is_told);
	tcase_add_test(tc, ours_is_refused);
	tcase_add_test(tc, no_host);
}

UNIT_MAIN("init")
