/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/daemon_keys.h"

static json_t *load(const char *text)
{
	json_t *j = text ? json_loads(text, 0, NULL) : NULL;

	ck_assert_msg(!text || j, "%s", text);
	return j;
}

static void check_json(const json_t *got, const char *want, const char *what)
{
	char *text = json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(streq(text, want), "%s: %s, not %s", what, text, want);
	free(text);
}

static void check_merge(const char *file, const char *plan, const char *was, const char *merged,
			const char *ours, const char *forgotten)
{
	json_t *f = load(file), *p = load(plan), *w = load(was);
	struct daemon_merge m, again;
	struct err e;

	ck_assert_int_eq(daemon_merge(f, p, w, &m, &e), 0);
	check_json(m.merged, merged, file);
	check_json(m.ours, ours, file);
	check_json(m.forgotten, forgotten, file);
	check_json(f, file, "the input");
	/* merging what was merged changes nothing, and what is ours stays ours */
	ck_assert_int_eq(daemon_merge(m.merged, p, m.ours, &again, &e), 0);
	ck_assert_uint_eq(json_object_size(again.edits), 0);
	check_json(again.ours, ours, "again");
	daemon_merge_done(&again);
	daemon_merge_done(&m);
	json_decref(f);
	json_decref(p);
	json_decref(w);
}

START_TEST(merge)
{
	check_merge("{}", "{}", NULL, "{}", "{}", "[]");
	check_merge("{}", "{\"icc\": false}", NULL, "{\"icc\": false}", "{\"icc\": false}", "[]");
	/* it was so before us: not ours, and it stays when the plan drops it */
	check_merge("{\"icc\": false}", "{\"icc\": false}", NULL, "{\"icc\": false}", "{}", "[]");
	check_merge("{\"icc\": false}", NULL, "{}", "{\"icc\": false}", "{}", "[]");
	check_merge("{\"debug\": true, \"icc\": true}", "{\"icc\": false}", NULL,
		    "{\"debug\": true, \"icc\": false}", "{\"icc\": false}", "[]");
	/* null is absent */
	check_merge("{\"icc\": null}", "{\"icc\": false}", NULL, "{\"icc\": false}",
		    "{\"icc\": false}", "[]");
	/* dropped by the plan */
	check_merge("{\"debug\": true, \"icc\": false}", "{}", "{\"icc\": false}",
		    "{\"debug\": true}", "{}", "[]");
	check_merge("{\"icc\": true}", "{}", "{\"icc\": false}", "{\"icc\": true}", "{}",
		    "[\"icc\"]");
	check_merge("{}", "{}", "{\"icc\": false}", "{}", "{}", "[]");
	/* lists replace */
	check_merge("{\"labels\": [\"a=1\"]}", "{\"labels\": [\"b=2\"]}", NULL,
		    "{\"labels\": [\"b=2\"]}", "{\"labels\": [\"b=2\"]}", "[]");
}
END_TEST

START_TEST(merge_members)
{
	check_merge("{\"log-opts\": {\"tag\": \"t\"}}", "{\"log-opts\": {\"max-size\": \"1m\"}}",
		    NULL, "{\"log-opts\": {\"max-size\": \"1m\", \"tag\": \"t\"}}",
		    "{\"log-opts\": {\"max-size\": \"1m\"}}", "[]");
	check_merge("{\"log-opts\": {\"max-size\": \"1m\", \"tag\": \"t\"}}", "{}",
		    "{\"log-opts\": {\"max-size\": \"1m\"}}", "{\"log-opts\": {\"tag\": \"t\"}}",
		    "{}", "[]");
	check_merge("{\"log-opts\": {\"max-size\": \"1m\"}}", "{}",
		    "{\"log-opts\": {\"max-size\": \"1m\"}}", "{}", "{}", "[]");
	check_merge("{\"log-opts\": {\"max-size\": \"2m\"}}", "{}",
		    "{\"log-opts\": {\"max-size\": \"1m\"}}",
		    "{\"log-opts\": {\"max-size\": \"2m\"}}", "{}", "[\"log-opts.max-size\"]");
	/* the plan has other members now */
	check_merge("{\"log-opts\": {\"max-size\": \"1m\", \"tag\": \"t\"}}",
		    "{\"log-opts\": {\"max-file\": \"3\"}}",
		    "{\"log-opts\": {\"max-size\": \"1m\"}}",
		    "{\"log-opts\": {\"max-file\": \"3\", \"tag\": \"t\"}}",
		    "{\"log-opts\": {\"max-file\": \"3\"}}", "[]");
	/* two levels deep */
	check_merge("{\"default-network-opts\": {\"bridge\": {\"a\": \"1\"}, \"x\": {}}}",
		    "{\"default-network-opts\": {\"bridge\": {\"b\": \"2\"}}}", NULL,
		    "{\"default-network-opts\": {\"bridge\": {\"a\": \"1\", \"b\": \"2\"}, "
		    "\"x\": {}}}",
		    "{\"default-network-opts\": {\"bridge\": {\"b\": \"2\"}}}", "[]");
	/* a runtime is one thing */
	check_merge("{\"runtimes\": {\"x\": {\"path\": \"/o\", \"runtimeArgs\": [\"-v\"]}}}",
		    "{\"runtimes\": {\"x\": {\"path\": \"/n\"}}}", NULL,
		    "{\"runtimes\": {\"x\": {\"path\": \"/n\"}}}",
		    "{\"runtimes\": {\"x\": {\"path\": \"/n\"}}}", "[]");
	/* options that only the driver before ours took */
	check_merge("{\"log-driver\": \"json-file\", \"log-opts\": {\"max-size\": \"1m\"}}",
		    "{\"log-driver\": \"journald\"}", NULL, "{\"log-driver\": \"journald\"}",
		    "{\"log-driver\": \"journald\"}", "[]");
	check_merge("{\"log-opts\": {\"max-size\": \"1m\", \"mode\": \"non-blocking\", \"tag\": "
		    "\"t\"}}",
		    "{\"log-driver\": \"journald\", \"log-opts\": {\"env\": \"e\"}}", NULL,
		    "{\"log-driver\": \"journald\", \"log-opts\": {\"env\": \"e\", \"mode\": "
		    "\"non-blocking\", \"tag\": \"t\"}}",
		    "{\"log-driver\": \"journald\", \"log-opts\": {\"env\": \"e\"}}", "[]");
	/* a plugin's are its own to know, the plan's to be told, and without a driver none are ours
	 */
	check_merge("{\"log-opts\": {\"max-size\": \"1m\"}}", "{\"log-driver\": \"acme\"}", NULL,
		    "{\"log-driver\": \"acme\", \"log-opts\": {\"max-size\": \"1m\"}}",
		    "{\"log-driver\": \"acme\"}", "[]");
	check_merge("{}", "{\"log-driver\": \"journald\", \"log-opts\": {\"max-size\": \"1m\"}}",
		    NULL, "{\"log-driver\": \"journald\", \"log-opts\": {\"max-size\": \"1m\"}}",
		    "{\"log-driver\": \"journald\", \"log-opts\": {\"max-size\": \"1m\"}}", "[]");
	check_merge("{\"log-driver\": \"journald\", \"log-opts\": {\"max-size\": \"1m\"}}",
		    "{\"icc\": false}", NULL,
		    "{\"icc\": false, \"log-driver\": \"journald\", \"log-opts\": {\"max-size\": "
		    "\"1m\"}}",
		    "{\"icc\": false}", "[]");
	/* what is no object gives way */
	check_merge("{\"log-opts\": []}", "{\"log-opts\": {\"tag\": \"t\"}}", NULL,
		    "{\"log-opts\": {\"tag\": \"t\"}}", "{\"log-opts\": {\"tag\": \"t\"}}", "[]");
}
END_TEST

/* As deep as a document may be (JSON_DEPTH_MAX), with names that the table does not know. */
START_TEST(merge_deep)
{
	char text[1024] = "";
	size_t n = 0;

	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"builder\": ");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "1");
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "}");
	check_merge(text, "{}", NULL, text, "{}", "[]");
	check_merge(text, "{}", text, "{}", "{}", "[]");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, merge);
	tcase_add_test(tc, merge_members);
	tcase_add_test(tc, merge_deep);
}

UNIT_MAIN("daemon_merge")
