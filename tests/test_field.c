/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/field.h"

#include "unit.h"

START_TEST(test_u64)
{
	uint64_t v = 7;

	ck_assert_int_eq(parse_u64("0", &v), 0);
	ck_assert_uint_eq(v, 0);
	ck_assert_int_eq(parse_u64("18446744073709551615", &v), 0);
	ck_assert(v == UINT64_MAX);
	ck_assert_int_eq(parse_u64("18446744073709551616", &v), -ERANGE);
	ck_assert_int_eq(parse_u64("99999999999999999999999999", &v), -ERANGE);
	for (const char *const *s =
		     (const char *const[]){ "", "-1", "+1", "01", "00", " 1", "1 ", "0x1", "1_0",
					    "1e3", "99999999999999999x",
					    "999999999999999999999999x", NULL };
	     *s; s++)
		ck_assert_msg(parse_u64(*s, &v) == -EINVAL, "'%s'", *s);
	ck_assert(v == UINT64_MAX);
}
END_TEST

START_TEST(test_idrange)
{
	uint32_t first = 1, last = 2;

	ck_assert_int_eq(parse_idrange("300000-399999", &first, &last), 0);
	ck_assert_uint_eq(first, 300000);
	ck_assert_uint_eq(last, 399999);
	ck_assert_int_eq(parse_idrange("0-0", &first, &last), 0);
	ck_assert_int_eq(parse_idrange("0-4294967295", &first, &last), 0);
	ck_assert_int_eq(parse_idrange("0-4294967296", &first, &last), -ERANGE);
	ck_assert_int_eq(parse_idrange("99999999999999999999999-1", &first, &last), -ERANGE);
	for (const char *const *s =
		     (const char *const[]){ "", "-", "1-", "-1", "1", "2-1", "1-2-3", "1--2",
					    "01-2", "1 - 2", "1-2 ", "99999999999999999999999-x",
					    "111111111111111111111111111111111111111-2x", NULL };
	     *s; s++)
		ck_assert_msg(parse_idrange(*s, &first, &last) == -EINVAL, "'%s'", *s);
	ck_assert_uint_eq(last, UINT32_MAX);
}
END_TEST

START_TEST(test_mode)
{
	mode_t m = 1;

	ck_assert_int_eq(parse_mode("0660", &m), 0);
	ck_assert_uint_eq(m, 0660);
	ck_assert_int_eq(parse_mode("7777", &m), 0);
	ck_assert_uint_eq(m, 07777);
	ck_assert_int_eq(parse_mode("02750", &m), 0);
	ck_assert_uint_eq(m, 02750);
	ck_assert_int_eq(parse_mode("0", &m), 0);
	ck_assert_uint_eq(m, 0);
	for (const char *const *s = (const char *const[]){ "", "8", "0o660", "17777", "000660",
							   "-1", " 660", "0660 ", "u=rw", NULL };
	     *s; s++)
		ck_assert_msg(parse_mode(*s, &m) == -EINVAL, "'%s'", *s);
}
END_TEST

static const char *const choices[] = { "auto", "if-idle", "never", NULL };
static const char *const also[] = { "auto", NULL };
static const struct field row_int = { .name = "n", .type = FIELD_INT, .min = 1, .max = 9 };
static const struct field table[] = {
	{ .name = "userns-remap", .type = FIELD_BOOL },
	{ .name = "log-opts", .type = FIELD_BOOL },
	{ .name = "log-level", .type = FIELD_BOOL },
	{ .name = "log-driver", .type = FIELD_BOOL },
	{ .name = "icc", .type = FIELD_BOOL },
	{ .name = "ip", .type = FIELD_BOOL },
	{ .name = "ip-masq", .type = FIELD_BOOL },
	{ 0 },
};

static void expects(struct field f, const char *want)
{
	char buf[200];

	field_expects(&f, buf, sizeof(buf));
	ck_assert_str_eq(buf, want);
}

START_TEST(test_expects)
{
	char small[8];

	expects((struct field){ .type = FIELD_BOOL }, "true or false");
	expects((struct field){ .type = FIELD_BOOL, .also = also }, "true, false or auto");
	expects((struct field){ .type = FIELD_INT }, "an integer");
	expects(row_int, "an integer from 1 to 9");
	expects((struct field){ .type = FIELD_INT, .min = -5, .max = -5 }, "-5");
	expects((struct field){ .type = FIELD_ENUM, .choices = choices },
		"one of: auto, if-idle, never");
	expects((struct field){ .type = FIELD_LIST, .of = &row_int },
		"a list, each an integer from 1 to 9");
	expects((struct field){ .type = FIELD_OBJECT, .of = table + 4 },
		"settings (icc, ip, ip-masq)");
	field_expects(&row_int, small, sizeof(small));
	ck_assert_str_eq(small, "an inte");
}
END_TEST

static void near(const char *given, const char *want)
{
	const char *got = field_nearest_name(given, table);

	if (want)
		ck_assert_pstr_eq(got, want);
	else
		ck_assert_msg(!got, "'%s' -> '%s'", given, got);
}

START_TEST(test_nearest)
{
	char longer[3000];

	near("log-opt", "log-opts");
	near("LOG_OPTS", "log-opts");
	near("log-leevl", "log-level");
	near("usersn-remap", "userns-remap");
	near("userns", "userns-remap");
	near("Icc", "icc");
	near("icx", "icc");
	near("ip_masqu", "ip-masq");
	near("log", NULL);
	near("xyz", NULL);
	near("zz", NULL);
	near("", NULL);
	near("storage-driver", NULL);
	memset(longer, 'i', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	near(longer, NULL);
	ck_assert_str_eq(field_nearest("if_idle", choices), "if-idle");
	ck_assert_str_eq(field_nearest("nevr", choices), "never");
	ck_assert_ptr_null(field_nearest("sometimes", choices));
	ck_assert_ptr_null(field_nearest("x", (const char *const[]){ NULL }));
}
END_TEST

START_TEST(test_find)
{
	ck_assert_ptr_eq(field_find(table, "icc"), &table[4]);
	ck_assert_ptr_null(field_find(table, "ICC"));
	ck_assert_ptr_null(field_find(table, ""));
	ck_assert_ptr_null(field_find(NULL, "icc"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_u64);
	tcase_add_test(tc, test_idrange);
	tcase_add_test(tc, test_mode);
	tcase_add_test(tc, test_expects);
	tcase_add_test(tc, test_nearest);
	tcase_add_test(tc, test_find);
}

UNIT_MAIN("field")
