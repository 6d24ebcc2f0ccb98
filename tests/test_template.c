/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/template.h"

static const struct template_var vars[] = {
	{ "mode", "0660" },   { "user", "root" },
	{ "empty", "" },      { "odd", "${user}$" },
	{ "line", "a\nb" },   { "esc", "\x1b[0m" },
	{ "c1", "\xc2\x85" }, { "utf8", "\xc3\xa9\xc2\xa0" },
	{ NULL, NULL },
};

static void check_fill(const char *text, const char *expected)
{
	_cleanup_free_ char *got = NULL;
	struct err e = { 0 };

	ck_assert_msg(template_fill(text, vars, &got, &e) == 0, "%s: %s", text, e.text);
	ck_assert_str_eq(got, expected);
}

static void check_refused(const char *text, const char *message)
{
	struct err e = { 0 };
	char *got = NULL;

	ck_assert_int_eq(template_fill(text, vars, &got, &e), -EINVAL);
	ck_assert_ptr_null(got);
	ck_assert_str_eq(e.text, message);
}

START_TEST(fills)
{
	check_fill("", "");
	check_fill("plain $ text $1 $$ {x} }", "plain $ text $1 $$ {x} }");
	check_fill("SocketMode=${mode}\nSocketUser=${user}\n",
		   "SocketMode=0660\nSocketUser=root\n");
	check_fill("${mode}${user}${empty}!", "0660root!");
	check_fill("$", "$");
	check_fill("${utf8}", "\xc3\xa9\xc2\xa0");
	/* What a value holds is not filled again. */
	check_fill("${odd}{mode}", "${user}${mode}");
}
END_TEST

START_TEST(literals)
{
	check_fill("$${mode}", "${mode}");
	check_fill("$${", "${");
	check_fill("$$${mode}", "$${mode}");
	check_fill("$$x${mode}", "$$x0660");
}
END_TEST

START_TEST(refuses)
{
	check_refused("a\n${nobody}", "template, line 2: unknown name 'nobody'");
	check_refused("${}", "template, line 1: unknown name ''");
	check_refused("${ mode}", "template, line 1: unknown name ' mode'");
	check_refused("${mod}", "template, line 1: unknown name 'mod'");
	check_refused("${modes}", "template, line 1: unknown name 'modes'");
	check_refused("\n\n${mode", "template, line 3: '${' is not closed with '}'");
	check_refused("${", "template, line 1: '${' is not closed with '}'");
	check_refused("${mode\n}", "template, line 1: '${' is not closed with '}'");
	check_refused("x=${line}", "the value for 'line' holds a newline or another control "
				   "character, which no setting may");
	check_refused("x=${esc}", "the value for 'esc' holds a newline or another control "
				  "character, which no setting may");
	check_refused("x=${c1}", "the value for 'c1' holds a newline or another control "
				 "character, which no setting may");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, fills);
	tcase_add_test(tc, literals);
	tcase_add_test(tc, refuses);
}

UNIT_MAIN("template")
