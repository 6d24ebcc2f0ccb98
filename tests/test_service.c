/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service module where nothing runs. What it does to a running daemon is asserted on real
 * hosts, in tests/hosts.
 */
#include "planned.h"

#include "../src/module.h"
#include "../src/units.h"

extern const struct module module_service;
const struct module *const modules[] = { &module_service, NULL };

static struct changes c;

static void setup(void)
{
	root_setup();
	changes_init(&c);
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

START_TEST(it_is_always_there)
{
	_cleanup_plan_ struct plan *p = plan_of("version: 1\n");
	const struct section *s = plan_section(p, "service");

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(section_str(s, "restart"), "auto");
	ck_assert_int_eq(section_int(s, "timeout", 0), 120);
	ck_assert_int_eq(section_int(s, "watch", 0), 7);
	ck_assert(!section_bool(s, "accept-data-root-change", true));
}
END_TEST

START_TEST(settings)
{
	static const char *const wrong[] = {
		"restart: sometimes", "restart: true",
		"watch: -1",	      "watch: 301",
		"timeout: 0",	      "timeout: 3601",
		"timeout: \"5\"",     "timeout: -1",
		"timeout: 1.5",	      "accept-data-root-change: yes",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_plan_ struct plan *p = NULL;
		struct errs mistakes = { 0 };
		char text[96];

		snprintf(text, sizeof(text), "version: 1\nservice:\n  %s\n", wrong[i]);
		ck_assert_msg(plan_load_text("plan", text, strlen(text), &p, &mistakes, &e) ==
				      -EINVAL,
			      "%s", wrong[i]);
		ck_assert_msg(mistakes.n == 1 && has_prefix(mistakes.list[0].where, "plan:3:"),
			      "%s", wrong[i]);
		errs_done(&mistakes);
	}
}
END_TEST

/* Files are written; units are nobody's business here. */
START_TEST(offline_units_are_left_alone)
{
	_cleanup_plan_ struct plan *p = plan_of("version: 1\nservice: {timeout: 7, watch: 3}\n");

	ck_ok(changes_ask(&c, "docker.service", UNIT_RESTART, "m", NULL, "t", &e));
	ck_ok(changes_ask(&c, "docker.socket", UNIT_RESTART, "m", NULL, "t", &e));
	ck_ok(module_service.diff(plan_section(p, "service"), NULL, host, &c, &e));
	ck_assert(changes_empty(&c));
	ck_assert_int_eq(changes_action(&c, "docker.service"), UNIT_NOTHING);
	ck_assert_int_eq(c.timeout, 7);
	ck_assert_int_eq(c.watch, 3);
	ck_assert_ptr_null(c.asks[0].pending);
	ck_ok(module_service.diff(NULL, NULL, host, &c, &e));
}
END_TEST

START_TEST(offline_nothing_is_proved)
{
	_cleanup_plan_ struct plan *p = plan_of("version: 1\n");
	_cleanup_findings_ struct findings f = { 0 };

	ck_ok(module_service.verify(plan_section(p, "service"), NULL, host, &f, &e));
	ck_assert_uint_eq(f.n, 1);
	ck_assert_int_eq(f.list[0].state, FINDING_SKIPPED);
	ck_assert_ptr_nonnull(strstr(f.list[0].why, "offline"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_is_always_there);
	tcase_add_test(tc, settings);
	tcase_add_test(tc, offline_units_are_left_alone);
	tcase_add_test(tc, offline_nothing_is_proved);
}

UNIT_MAIN("service")
