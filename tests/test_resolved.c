/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/resolved.h"

#include "../src/plan.h"
#include "plan_modules.h"
#include "unit.h"

static struct plan *load(const char *name)
{
	const struct plan_options trust = { .trust_all = true };
	struct errs errs = { 0 };
	struct plan *p = NULL;
	struct err e = { 0 };
	int r = plan_load(name, &trust, &p, &errs, &e);

	ck_assert_msg(r == 0, "%s %s", e.text, errs.n ? errs.list[0].text : "");
	return p;
}

static void text(const struct plan *p, const char *want)
{
	json_t *resolved = plan_resolved(p);
	char *got = resolved_text(resolved);

	ck_assert_str_eq(got, want);
	free(got);
	json_decref(resolved);
}

START_TEST(test_text)
{
	struct plan *p;
	char *dir = tree_new(), *got;
	json_t *resolved;

	ck_assert_int_eq(chdir(dir), 0);
	tree_write(dir, "/site.yaml",
		   "version: 1\nengine: {version: \"28.5\"}\n"
		   "daemon: {icc: false, log-opts: {a: b, \"odd: one\": c}, labels: [x, y]}\n"
		   "socket:\nvolumes: [{path: /srv}]\n",
		   0644);
	tree_write(dir, "/plan.yaml",
		   "version: 1\ninclude: [site.yaml]\n"
		   "daemon: {icc: true, log-opts: {a: ~}, labels: [z]}\n"
		   "engine: {version: \"29.0\"}\nservice: {timeout: 7}\n",
		   0644);
	p = load("plan.yaml");
	text(p,
	     "version: 1\n"
	     "engine:\n"
	     "  version: \"29.0\"                                # plan.yaml:4:19 over site.yaml:2:19\n"
	     "daemon:\n"
	     "  icc: true                                      # plan.yaml:3:15 over site.yaml:3:15\n"
	     "  log-opts:\n"
	     "#     a: null                                    # plan.yaml:3:35 over site.yaml:3:36\n"
	     "    \"odd: one\": \"c\"                              # site.yaml:3:51\n"
	     "  labels: [\"z\"]                                  # plan.yaml:3:39 over site.yaml:3:55\n"
	     "socket: {}                                       # site.yaml:4:1\n"
	     "volumes: [{\"path\": \"/srv\"}]                      # site.yaml:5:1\n"
	     "service:\n"
	     "  timeout: 7                                     # plan.yaml:5:20\n");
	resolved = plan_resolved(p);
	got = json_dumps(json_array_get(resolved, 2), JSON_COMPACT);
	ck_assert_str_eq(
		got, "{\"path\":[\"daemon\",\"log-opts\",\"a\"],\"value\":null,\"removed\":true,"
		     "\"where\":\"plan.yaml:3:35\",\"over\":[\"site.yaml:3:36\"]}");
	free(got);
	json_decref(resolved);
	plan_free(p);
	ck_assert_int_eq(chdir("/"), 0);
	tree_remove(dir);
}
END_TEST

START_TEST(test_nothing)
{
	struct errs errs = { 0 };
	struct plan *p = NULL;
	struct err e;

	ck_assert_int_eq(plan_load_text("f", "version: 1\n", 11, &p, &errs, &e), 0);
	text(p, "version: 1\n");
	plan_free(p);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_text);
	tcase_add_test(tc, test_nothing);
}

UNIT_MAIN("resolved")
