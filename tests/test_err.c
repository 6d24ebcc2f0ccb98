/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/err.h"

START_TEST(sets)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_set(&e, EINVAL, "bad %s", "key"), -EINVAL);
	ck_assert_int_eq(e.code, -EINVAL);
	ck_assert_str_eq(e.text, "bad key");
	ck_assert_int_eq(err_set(&e, -EPERM, "x"), -EPERM);
	ck_assert_str_eq(e.text, "x");
	ck_assert_int_eq(err_oom(&e), -ENOMEM);
	ck_assert_str_eq(e.text, "out of memory");
}
END_TEST

START_TEST(names_the_system_error)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_sys(&e, ENOENT, "open '%s'", "/x"), -ENOENT);
	ck_assert_str_eq(e.text, "open '/x': No such file or directory");
	ck_assert_int_eq(err_sys(&e, -EACCES, "open"), -EACCES);
	ck_assert_str_eq(e.text, "open: Permission denied");
}
END_TEST

START_TEST(adds_context)
{
	struct err e = { 0 };

	err_set(&e, EIO, "read");
	ck_assert_int_eq(err_prefix(&e, "%s:%d", "f", 3), -EIO);
	ck_assert_int_eq(err_prefix(&e, "apply"), -EIO);
	ck_assert_int_eq(err_append(&e, "\nTry %s.", "again"), -EIO);
	ck_assert_str_eq(e.text, "apply: f:3: read\nTry again.");
	/* Text that was formatted once is not formatted again. */
	err_set(&e, EIO, "%%s %s", "%n");
	err_prefix(&e, "p");
	ck_assert_str_eq(e.text, "p: %s %n");
}
END_TEST

START_TEST(cuts)
{
	char full[sizeof(((struct err *)NULL)->text)];
	char longer[8000];
	struct err e = { 0 };

	memset(full, 'f', sizeof(full) - 1);
	full[sizeof(full) - 1] = '\0';
	err_set(&e, EIO, "%s", full);
	ck_assert_str_eq(e.text, full);
	memset(longer, 'l', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, EIO, "%s", longer);
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	ck_assert(has_suffix(e.text, "lll..."));
	err_append(&e, " more");
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	ck_assert(has_suffix(e.text, "..."));
	err_prefix(&e, "context");
	ck_assert(has_prefix(e.text, "context: lll"));
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	ck_assert(has_suffix(e.text, "..."));
	err_sys(&e, ENOENT, "%s", longer);
	ck_assert_int_eq(e.code, -ENOENT);
	ck_assert(has_suffix(e.text, "..."));
}
END_TEST

START_TEST(lists)
{
	_cleanup_(errs_done) struct errs es = { 0 };

	ck_assert(!errs_any(&es));
	errs_add(&es, "plan.yaml:3:5", "unknown key '%s'", "iccc");
	errs_add(&es, NULL, "no place");
	ck_assert(errs_any(&es));
	ck_assert_uint_eq(es.n, 2);
	ck_assert_str_eq(es.list[0].where, "plan.yaml:3:5");
	ck_assert_str_eq(es.list[0].text, "unknown key 'iccc'");
	ck_assert_ptr_null(es.list[1].where);
	ck_assert_str_eq(es.list[1].text, "no place");
	errs_done(&es);
	ck_assert(!errs_any(&es));
}
END_TEST

START_TEST(bounds_lists)
{
	_cleanup_(errs_done) struct errs es = { 0 };
	char want[16];

	for (int i = 0; i < ERRS_MAX + 50; i++)
		errs_add(&es, "f:1:1", "%d", i);
	ck_assert_uint_eq(es.n, ERRS_MAX);
	ck_assert_uint_eq(es.more, 50);
	ck_assert(!es.failed);
	for (int i = 0; i < ERRS_MAX; i++) {
		snprintf(want, sizeof(want), "%d", i);
		ck_assert_str_eq(es.list[i].text, want);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, sets);
	tcase_add_test(tc, names_the_system_error);
	tcase_add_test(tc, adds_context);
	tcase_add_test(tc, cuts);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, bounds_lists);
}

UNIT_MAIN("err")
