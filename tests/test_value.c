/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/value.h"

#include "../src/buf.h"
#include "unit.h"

/* Parses YAML by a row: the value as JSON, then every mistake, a line each. */
static char *outcome(const struct field *f, const char *yaml)
{
	struct node_pool pool = { 0 };
	struct errs errs = { 0 };
	struct buf b = BUF_INIT;
	struct node *n = NULL;
	bool clean = true;
	json_t *v;
	char *text;

	ck_assert_int_eq(node_parse(&pool, "f", yaml, strlen(yaml), &n, &errs), 0);
	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(errs.n, 0);
	v = value_parse(f, n, "x", &errs, &clean);
	ck_assert(clean == !errs_any(&errs));
	text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("-");
	buf_adds(&b, text);
	free(text);
	for (size_t i = 0; i < errs.n; i++)
		buf_addf(&b, "\n%s: %s", errs.list[i].where + 2, errs.list[i].text);
	json_decref(v);
	errs_done(&errs);
	node_pool_done(&pool);
	return buf_take(&b, NULL);
}

static void is(struct field f, const char *yaml, const char *want)
{
	char *got = outcome(&f, yaml);

	ck_assert_str_eq(got, want);
	free(got);
}

static const char *const also[] = { "auto", NULL };
static const char *const choices[] = { "auto", "if-idle", "never", NULL };

#define WRONG(expected, found) "-\n1:1: x: expects " expected "; found " found

START_TEST(test_bool)
{
	const struct field f = { .type = FIELD_BOOL };
	const struct field g = { .type = FIELD_BOOL, .also = also };

	is(f, "true", "true");
	is(f, "false", "false");
	is(f, "yes", WRONG("true or false", "\"yes\": write true"));
	is(f, "On", WRONG("true or false", "\"On\": write true"));
	is(f, "True", WRONG("true or false", "\"True\": write true"));
	is(f, "n", WRONG("true or false", "\"n\": write false"));
	is(f, "OFF", WRONG("true or false", "\"OFF\": write false"));
	is(f, "'true'", WRONG("true or false", "\"true\": write it without quotes"));
	is(f, "1", WRONG("true or false", "\"1\""));
	is(f, "auto", WRONG("true or false", "\"auto\""));
	is(f, "[true]", WRONG("true or false", "a list"));
	is(f, "{}", WRONG("true or false", "a mapping"));
	is(f, "~", WRONG("true or false", "nothing (null): write a value, or take the line out"));
	is(g, "auto", "\"auto\"");
	is(g, "\"auto\"", "\"auto\"");
	is(g, "true", "true");
	is(g, "Auto", WRONG("true, false or auto", "\"Auto\""));
}
END_TEST

START_TEST(test_int)
{
	const struct field any = { .type = FIELD_INT };
	const struct field f = { .type = FIELD_INT, .min = -5, .max = 3600 };
	const char *digits[] = { "0x10", "010", "0o10", "1_000", "1e3", "1.0", "+1", "-0", "1:30" };
	char want[200];

	is(f, "0", "0");
	is(f, "3600", "3600");
	is(f, "-5", "-5");
	is(f, "-6", WRONG("an integer from -5 to 3600", "\"-6\""));
	is(f, "3601", WRONG("an integer from -5 to 3600", "\"3601\""));
	is(any, "9223372036854775807", "9223372036854775807");
	is(any, "-9223372036854775808", "-9223372036854775808");
	is(any, "9223372036854775808", WRONG("an integer", "\"9223372036854775808\""));
	is(any, "-9223372036854775809", WRONG("an integer", "\"-9223372036854775809\""));
	is(any, "'5'", WRONG("an integer", "\"5\": write it without quotes"));
	is(any, "five", WRONG("an integer", "\"five\""));
	is(any, "true", WRONG("an integer", "\"true\""));
	is(any, "\"\"", WRONG("an integer", "\"\""));
	for (size_t i = 0; i < ARRAY_SIZE(digits); i++) {
		snprintf(want, sizeof(want),
			 WRONG("an integer", "\"%s\": write it in plain decimal digits"),
			 digits[i]);
		is(any, digits[i], want);
	}
}
END_TEST

static const char *even(const char *s)
{
	return strlen(s) % 2 ? "an even text" : NULL;
}

START_TEST(test_string)
{
	const struct field f = { .type = FIELD_STRING };
	const struct field g = { .type = FIELD_STRING, .max = 4, .valid = even };

	is(f, "a b", "\"a b\"");
	is(f, "yes", "\"yes\"");
	is(f, "3", "\"3\"");
	is(f, "\"\"", "\"\"");
	is(f, "'null'", "\"null\"");
	is(f, "100%", "\"100%\"");
	is(f, "null", WRONG("a text", "nothing (null): write a value, or take the line out"));
	is(f, "[]", WRONG("a text", "a list"));
	is(g, "abcd", "\"abcd\"");
	is(g, "abcde", WRONG("a text of at most 4 bytes", "\"abcde\": it is too long"));
	is(g, "abc", WRONG("an even text", "\"abc\""));
}
END_TEST

START_TEST(test_enum)
{
	const struct field f = { .type = FIELD_ENUM, .choices = choices };

	is(f, "if-idle", "\"if-idle\"");
	is(f, "'never'", "\"never\"");
	is(f, "if_idle",
	   WRONG("one of: auto, if-idle, never", "\"if_idle\": did you mean if-idle?"));
	is(f, "true", WRONG("one of: auto, if-idle, never", "\"true\""));
}
END_TEST

START_TEST(test_mode)
{
	const struct field f = { .type = FIELD_MODE };

	is(f, "\"0660\"", "\"0660\"");
	is(f, "'660'", "\"660\"");
	is(f, "0660",
	   WRONG("an octal mode in quotes, like \"0660\"",
		 "\"0660\": write \"0660\" in quotes, YAML turns 0660 into another number"));
	is(f, "660",
	   WRONG("an octal mode in quotes, like \"0660\"",
		 "\"660\": write \"0660\" in quotes, YAML turns 660 into another number"));
	is(f, "0o660", WRONG("an octal mode in quotes, like \"0660\"", "\"0o660\""));
	is(f, "432",
	   WRONG("an octal mode in quotes, like \"0660\"",
		 "\"432\": write \"0432\" in quotes, YAML turns 432 into another number"));
	is(f, "\"0668\"", WRONG("an octal mode in quotes, like \"0660\"", "\"0668\""));
	is(f, "\"u=rw\"", WRONG("an octal mode in quotes, like \"0660\"", "\"u=rw\""));
}
END_TEST

START_TEST(test_name)
{
	const struct field f = { .type = FIELD_NAME };
	const char *good[] = { "docker", "_apt", "a.b-c", "Alice",
			       "host$",	 "1000", "0",	  "4294967294" };
	const char *bad[] = { "-x",
			      "a:b",
			      "a%b",
			      "a b",
			      "a/b",
			      "\"\"",
			      "..",
			      ".",
			      "$",
			      "a$b",
			      "é",
			      "0660",
			      "4294967295",
			      "4294967296",
			      "99999999999999999999",
			      "a,b",
			      "a@b",
			      "'*'",
			      "abcdefghijklmnopqrstuvwxyz0123456" };
	char *got;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		got = outcome(&f, good[i]);
		ck_assert_msg(got[0] == '"', "%s", got);
		free(got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		got = outcome(&f, bad[i]);
		ck_assert_msg(has_prefix(got, "-\n1:1: x: expects the name of a user or group"),
			      "%s: %s", bad[i], got);
		free(got);
	}
	is(f, "docker%i",
	   WRONG("the name of a user or group, or its id",
		 "\"docker%i\": a % means something else in a unit file"));
}
END_TEST

START_TEST(test_idrange_and_path)
{
	const struct field f = { .type = FIELD_IDRANGE }, g = { .type = FIELD_PATH };
	const char *bad[] = { "var/lib", "''", "/a//b", "/a/", "/./a", "/a/..", "/a/../b", "//" };

	is(f, "300000-399999", "\"300000-399999\"");
	is(f, "9-5", WRONG("FIRST-LAST, two decimal ids, like 300000-399999", "\"9-5\""));
	is(f, "1-4294967296",
	   WRONG("FIRST-LAST, two decimal ids, like 300000-399999",
		 "\"1-4294967296\": ids end at 4294967295"));
	is(g, "/", "\"/\"");
	is(g, "/var/lib/..x/.y", "\"/var/lib/..x/.y\"");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *got = outcome(&g, bad[i]);

		ck_assert_msg(has_prefix(got, "-\n1:1: x: expects an absolute path; found"), "%s",
			      got);
		free(got);
	}
}
END_TEST

static const struct field row_int = { .name = "n", .type = FIELD_INT };
static const struct field row_list = { .name = "l", .type = FIELD_LIST, .of = &row_int };
static const struct field inner[] = {
	{ .name = "list", .type = FIELD_LIST, .of = &row_int, .fallback = "[1, 2]" },
	{ .name = "mode", .type = FIELD_MODE, .fallback = "0660" },
	{ .name = "quoted", .type = FIELD_MODE, .fallback = "\"0600\"" },
	{ .name = "on", .type = FIELD_BOOL, .also = also, .fallback = "auto" },
	{ .name = "text", .type = FIELD_STRING, .fallback = "" },
	{ .name = "none", .type = FIELD_INT },
	{ 0 },
};
static const struct field row_inner = { .name = "inner", .type = FIELD_OBJECT, .of = inner };
static const struct field outer[] = {
	{ .name = "must", .type = FIELD_INT, .required = true },
	{ .name = "each", .type = FIELD_LIST, .of = &row_inner },
	{ .name = "any", .type = FIELD_MAP, .of = &row_inner },
	{ .name = "maybe", .type = FIELD_OBJECT, .of = inner },
	{ .name = "def", .type = FIELD_OBJECT, .of = inner, .fallback = "{none: 7}" },
	{ 0 },
};
static const struct field row_outer = { .name = "outer", .type = FIELD_OBJECT, .of = outer };

START_TEST(test_collections)
{
	const struct field few = { .type = FIELD_LIST, .of = &row_int, .max = 2 };
	const struct field map = { .type = FIELD_MAP, .of = &row_int, .max = 2 };

	is(row_list, "[1, 2]", "[1,2]");
	is(row_list, "[]", "[]");
	is(row_list, "[1, a, 3]", "[1,3]\n1:5: x[1]: expects an integer; found \"a\"");
	is(row_list, "1", WRONG("a list, each an integer", "\"1\": write [ ] around it"));
	is(few, "[1, 2, 3]", "[1,2]\n1:1: x: 3 entries: at most 2 are taken");
	is(map, "{a: 1, \"com.x\": 2}", "{\"a\":1,\"com.x\":2}");
	is(map, "{a: 1, \"\": 2}", "{\"a\":1,\"\":2}\n1:8: x: a name has from 1 to 255 bytes");
	is(map, "{a: 1, b: x, c: 3}",
	   "{\"a\":1}\n1:1: x: 3 entries: at most 2 are taken\n1:11: x.b: expects an integer; found "
	   "\"x\"");
	is(row_outer, "{must: 1, each: [{on: x}], any: {k: {lst: 1}}}",
	   "{\"must\":1,\"each\":[{}],\"any\":{\"k\":{}}}\n"
	   "1:23: x.each[0].on: expects true, false or auto; found \"x\"\n"
	   "1:38: x.any.k: unknown setting \"lst\": did you mean list?");
	is(row_outer, "{}", "{}\n1:1: x: must is missing: expects an integer");
	is(row_outer, "{maybe: {}, zzzzzz: 1}",
	   "{\"maybe\":{}}\n1:13: x: unknown setting \"zzzzzz\": expects settings (must, each, any, "
	   "maybe, def)\n1:1: x: must is missing: expects an integer");
}
END_TEST

START_TEST(test_fill)
{
	const char *full =
		"{\"none\":7,\"list\":[1,2],\"mode\":\"0660\",\"quoted\":\"0600\",\"on\":"
		"\"auto\",\"text\":\"\"}";
	json_t *v = json_loads("{\"each\":[{\"none\":7}],\"any\":{\"k\":{\"none\":7}}}", 0, NULL);
	json_t *want = json_loads(full, 0, NULL);
	struct err e = { 0 };

	ck_assert_int_eq(value_fill(&row_outer, v, &e), 0);
	ck_assert(json_equal(json_array_get(json_object_get(v, "each"), 0), want));
	ck_assert(json_equal(json_object_get(json_object_get(v, "any"), "k"), want));
	ck_assert(json_equal(json_object_get(v, "def"), want));
	ck_assert_ptr_null(json_object_get(v, "maybe"));
	ck_assert_uint_eq(json_object_size(v), 3);
	json_decref(v);
	json_decref(want);
}
END_TEST

START_TEST(test_bad_default)
{
	const struct field bad[] = { { .name = "n", .type = FIELD_INT, .fallback = "x" }, { 0 } };
	const struct field broken[] = {
		{ .name = "n", .type = FIELD_LIST, .of = &row_int, .fallback = "[" }, { 0 }
	};
	const struct field row = { .type = FIELD_OBJECT, .of = bad };
	const struct field row2 = { .type = FIELD_OBJECT, .of = broken };
	json_t *v = json_object();
	struct err e = { 0 };

	ck_assert_int_eq(value_fill(&row, v, &e), -EINVAL);
	ck_assert_str_eq(e.text, "the default of n, x, is not valid");
	ck_assert_int_eq(value_fill(&row2, v, &e), -EINVAL);
	json_decref(v);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_bool);
	tcase_add_test(tc, test_int);
	tcase_add_test(tc, test_string);
	tcase_add_test(tc, test_enum);
	tcase_add_test(tc, test_mode);
	tcase_add_test(tc, test_name);
	tcase_add_test(tc, test_idrange_and_path);
	tcase_add_test(tc, test_collections);
	tcase_add_test(tc, test_fill);
	tcase_add_test(tc, test_bad_default);
}

UNIT_MAIN("value")
