/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/buf.h"
#include "../src/json.h"

static json_t *edits_of(const char *text)
{
	json_t *edits = json_loads(text, 0, NULL);

	ck_assert_msg(edits, "the test's edits are no JSON: %s", text);
	return edits;
}

static char *edit_n(const char *text, size_t len, const char *edits, size_t *ret_len)
{
	_cleanup_json_ json_t *object = edits_of(edits);
	struct err e = { 0 };
	char *ret = NULL;
	int r = json_edit_object(text, len, object, &ret, ret_len, &e);

	ck_assert_msg(r == 0, "%s edited with %s: %s", text, edits, e.text);
	return ret;
}

/* Edits, and checks that doing so again changes nothing. */
static char *edit(const char *text, const char *edits)
{
	_cleanup_free_ char *again = NULL;
	size_t len, again_len;
	char *ret = edit_n(text, strlen(text), edits, &len);

	ck_assert_uint_eq(len, strlen(ret));
	again = edit_n(ret, len, edits, &again_len);
	ck_assert_str_eq(again, ret);
	return ret;
}

static void check_edit(const char *text, const char *edits, const char *expected)
{
	_cleanup_free_ char *got = edit(text, edits);

	ck_assert_str_eq(got, expected);
}

static void check_refused_n(const char *text, size_t len, const char *message)
{
	struct err e = { 0 };
	json_t *doc = NULL;

	ck_assert_int_eq(json_parse_object(text, len, &doc, &e), -EINVAL);
	ck_assert_ptr_null(doc);
	ck_assert_int_eq(e.code, -EINVAL);
	ck_assert_str_eq(e.text, message);
}

static void check_refused(const char *text, const char *message)
{
	check_refused_n(text, strlen(text), message);
}

static void check_accepted(const char *text, const char *equal)
{
	_cleanup_json_ json_t *doc = NULL, *wanted = edits_of(equal);
	struct err e = { 0 };

	ck_assert_msg(json_parse_object(text, strlen(text), &doc, &e) == 0, "%s: %s", text, e.text);
	ck_assert_msg(json_equal(doc, wanted), "%s is not %s", text, equal);
}

START_TEST(accepts)
{
	struct err e = { 0 };
	json_t *doc = NULL;

	check_accepted("", "{}");
	check_accepted(" \t\r\n", "{}");
	check_accepted("{}", "{}");
	check_accepted("\n{ }\n\n", "{}");
	check_accepted("{\"\\u0069cc\": true}", "{\"icc\": true}");
	check_accepted("{\"a\":[0,-0,1.5e+3,1E-2,\"\\ud83d\\ude00\\/\"]}",
		       "{\"a\":[0,0,1500.0,0.01,\"\xf0\x9f\x98\x80/\"]}");
	check_accepted("{\"n\":9223372036854775807}", "{\"n\":9223372036854775807}");
	/* The same name at other levels is another member. */
	check_accepted("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}",
		       "{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}");
	ck_assert_int_eq(json_parse_object(NULL, 0, &doc, &e), 0);
	ck_assert_uint_eq(json_object_size(doc), 0);
	json_decref(doc);
}
END_TEST

START_TEST(refuses_broken)
{
	check_refused("{", "1:1: the '{' that stands here is not closed");
	check_refused("{\n \"a\": [1,\n", "2:7: the '[' that stands here is not closed");
	check_refused("{\"a\": 1", "1:1: the '{' that stands here is not closed");
	check_refused("{\"a\"", "1:5: the document ends where ':' should stand");
	check_refused("{\"a\":", "1:6: the document ends where a value should stand");
	check_refused("{\"a\": 1,}", "1:8: a comma before the closing '}': remove it");
	check_refused("{\n\t\"a\": [\n\t\t1,\n\t]\n}",
		      "3:4: a comma before the closing ']': remove it");
	check_refused("{\"a\":1 \"b\":2}", "1:8: expected ',' or '}', not '\"'");
	check_refused("{\"a\":[1 2]}", "1:9: expected ',' or ']', not '2'");
	check_refused("{,}", "1:2: expected a name in double quotes, not ','");
	check_refused("{\"a\":1,,}", "1:8: expected a name in double quotes, not ','");
	check_refused("{a: 1}", "1:2: expected a name in double quotes, not 'a'");
	check_refused("{'a': 1}", "1:2: JSON takes double quotes, not single ones");
	check_refused("{\"a\" 1}", "1:6: expected ':', not '1'");
	check_refused("{\"a\": yes}",
		      "1:7: 'yes' is not a JSON value (true, false, null; text takes quotes)");
	check_refused("{\"a\": True}",
		      "1:7: 'True' is not a JSON value (true, false, null; text takes quotes)");
	check_refused("{\"a\": ]}", "1:7: expected a value, not ']'");
	check_refused("{} x", "1:4: expected nothing more after the closing '}', not 'x'");
	check_refused("{}\n{}", "2:1: expected nothing more after the closing '}', not '{'");
	check_refused("[]", "1:1: expected an object, { \"name\": value }, not '['");
	check_refused("\"a\"", "1:1: expected an object, { \"name\": value }, not '\"'");
	check_refused("{\"a\":1}\f",
		      "1:8: expected nothing more after the closing '}', not the byte 0x0c");
}
END_TEST

START_TEST(refuses_comments)
{
	check_refused("// mine\n{}", "1:1: JSON has no comments: remove it");
	check_refused("# mine\n{}", "1:1: JSON has no comments: remove it");
	check_refused("{\n  \"a\": 1, // why\n  \"b\": 2\n}",
		      "2:11: JSON has no comments: remove it");
	check_refused("{\"a\": /* why */ 1}", "1:7: JSON has no comments: remove it");
	check_refused("{\"a\": 1} # end", "1:10: JSON has no comments: remove it");
}
END_TEST

START_TEST(refuses_strings)
{
	check_refused("{\"a\": \"x\ny\"}", "1:7: the string that starts here is not closed");
	check_refused("{\"a\": \"x", "1:7: the string that starts here is not closed");
	check_refused("{\"a\": \"x\\",
		      "1:9: JSON has no such escape (a backslash itself is written "
		      "\\\\)");
	check_refused("{\"a\": \"x\ty\"}", "1:9: control character in a string: write it \\u0009");
	check_refused("{\"a\": \"C:\\dir\"}",
		      "1:10: JSON has no such escape (a backslash itself is written \\\\)");
	check_refused("{\"a\": \"\\u12g4\"}", "1:8: \\u takes four hexadecimal digits");
	check_refused("{\"a\": \"\\u12", "1:8: \\u takes four hexadecimal digits");
	check_refused("{\"a\": \"x\\u0000\"}", "1:15: \\u0000 is not allowed in a string");
	check_refused("{\"a\\u0000\": 1}", "1:10: \\u0000 is not allowed in a string");
	/* Columns are characters: two bytes of é before it are one. */
	check_refused("{\"\xc3\xa9\": x}",
		      "1:7: 'x' is not a JSON value (true, false, null; text takes quotes)");
}
END_TEST

START_TEST(refuses_bytes)
{
	static const char nul[] = "{\"a\": 1\0}";

	check_refused("\xef\xbb\xbf{}", "1:1: the file starts with a byte-order mark: remove it");
	check_refused("{\"a\": \"\xff\"}", "1:8: the text is not UTF-8");
	check_refused("{\n\"\xc3\xa9\": \"\xc0\x80\"}", "2:7: the text is not UTF-8");
	check_refused("\xff\xfe{",
		      "1:1: expected an object, { \"name\": value }, not the byte 0xff");
	check_refused_n(nul, sizeof(nul) - 1, "1:8: expected ',' or '}', not the byte 0x00");
	/* UTF-8 spelled surrogates (CESU-8) are not UTF-8. */
	check_refused("{\"a\": \"\xed\xa0\x80\"}", "1:8: the text is not UTF-8");
}
END_TEST

START_TEST(refuses_numbers)
{
	static const char *const bad[] = { "01", "-", "-x", "1.", ".5", "+1", "1e", "1e+", "00" };
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err e = { 0 };
		json_t *doc = NULL;

		ck_assert_int_gt(asprintf(&text, "{\"a\": %s}", bad[i]), 0);
		ck_assert_msg(json_parse_object(text, strlen(text), &doc, &e) == -EINVAL, "%s",
			      bad[i]);
		ck_assert_msg(has_prefix(e.text, "1:7: "), "%s: %s", bad[i], e.text);
		free(TAKE_PTR(text));
	}
	check_refused("{\"a\": 1, \"b\": 18446744073709551616}", "1:15: this number is too large");
	check_refused("{\"a\": 1e999}", "1:7: this number is too large");
}
END_TEST

START_TEST(refuses_duplicates)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct err e = { 0 };
	char name[10000];
	json_t *doc = NULL;

	check_refused("{\"icc\": true, \"icc\": true}",
		      "1:15: \"icc\" is set a second time, first at 1:2: remove one of them");
	check_refused("{\n  \"icc\": [1,\n 2],\n  \"\\u0069cc\": false\n}",
		      "4:3: \"icc\" is set a second time, first at 2:3: remove one of them");
	check_refused("{\"a\": {\"b\": [{\"x\": 1, \"x\": 2}]}}",
		      "1:23: \"x\" is set a second time, first at 1:15: remove one of them");
	check_refused("{\"\xc3\xa9\": 1, \"\xc3\xa9\": 2}",
		      "1:10: \"\\u00E9\" is set a second time, first at 1:2: remove one of them");
	check_refused("{\"\": 1, \"\": 2}",
		      "1:9: \"\" is set a second time, first at 1:2: remove one of them");
	/* A name of any length leaves room for the position. */
	memset(name, 'k', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	buf_addf(&text, "{\"%s\":1,\"%s\":2}", name, name);
	ck_assert_int_eq(json_parse_object(text.data, text.len, &doc, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "first at 1:2"));
}
END_TEST

static void add_nested(struct buf *b, int levels)
{
	buf_adds(b, "{\"a\":");
	for (int i = 1; i < levels; i++)
		buf_addc(b, '[');
	for (int i = 1; i < levels; i++)
		buf_addc(b, ']');
	buf_addc(b, '}');
}

START_TEST(bounds_depth)
{
	_cleanup_buf_ struct buf at = BUF_INIT, past = BUF_INIT, open = BUF_INIT;
	struct err e = { 0 };
	json_t *doc = NULL;

	add_nested(&at, JSON_DEPTH_MAX);
	ck_assert_int_eq(json_parse_object(at.data, at.len, &doc, &e), 0);
	json_decref(TAKE_PTR(doc));
	add_nested(&past, JSON_DEPTH_MAX + 1);
	check_refused(past.data, "1:69: nested deeper than 64 levels");
	buf_adds(&open, "{\"a\":");
	for (int i = 0; i < 3000000; i++)
		buf_addc(&open, '[');
	check_refused_n(open.data, open.len, "1:69: nested deeper than 64 levels");
}
END_TEST

#define PRETTY                                                                                     \
	"{\n"                                                                                      \
	"  \"icc\": true,\n"                                                                       \
	"  \"log-opts\": {\n"                                                                      \
	"    \"max-size\": \"10m\"\n"                                                              \
	"  },\n"                                                                                   \
	"  \"mtu\": 1500\n"                                                                        \
	"}\n"

START_TEST(edits_pretty)
{
	check_edit(PRETTY, "{}", PRETTY);
	check_edit(PRETTY, "{\"icc\": true, \"mtu\": 1500, \"nothing\": null}", PRETTY);
	check_edit(PRETTY, "{\"icc\": false}",
		   "{\n  \"icc\": false,\n  \"log-opts\": {\n    \"max-size\": \"10m\"\n  },\n"
		   "  \"mtu\": 1500\n}\n");
	check_edit(PRETTY, "{\"zz\": 1, \"aa\": \"x\"}",
		   "{\n  \"icc\": true,\n  \"log-opts\": {\n    \"max-size\": \"10m\"\n  },\n"
		   "  \"mtu\": 1500,\n  \"zz\": 1,\n  \"aa\": \"x\"\n}\n");
	check_edit(PRETTY, "{\"icc\": null}",
		   "{\n  \"log-opts\": {\n    \"max-size\": \"10m\"\n  },\n  \"mtu\": 1500\n}\n");
	check_edit(PRETTY, "{\"log-opts\": null}", "{\n  \"icc\": true,\n  \"mtu\": 1500\n}\n");
	check_edit(PRETTY, "{\"mtu\": null}",
		   "{\n  \"icc\": true,\n  \"log-opts\": {\n    \"max-size\": \"10m\"\n  }\n}\n");
	check_edit(PRETTY, "{\"mtu\": null, \"icc\": null, \"a\": 0}",
		   "{\n  \"log-opts\": {\n    \"max-size\": \"10m\"\n  },\n  \"a\": 0\n}\n");
	check_edit(PRETTY, "{\"mtu\": null, \"icc\": null, \"log-opts\": null}", "{}\n");
	check_edit(PRETTY, "{\"mtu\": null, \"icc\": null, \"log-opts\": null, \"a\": 0}",
		   "{\n  \"a\": 0\n}\n");
	check_edit(PRETTY, "{\"log-opts\": {\"max-size\": \"20m\", \"max-file\": \"3\"}}",
		   "{\n  \"icc\": true,\n  \"log-opts\": {\n    \"max-size\": \"20m\",\n"
		   "    \"max-file\": \"3\"\n  },\n  \"mtu\": 1500\n}\n");
}
END_TEST

START_TEST(edits_one_line)
{
	check_edit("{\"icc\":true}", "{\"icc\":false}", "{\"icc\":false}");
	check_edit("{\"icc\":true}", "{\"a\":[1,2],\"b\":{\"c\":[]}}",
		   "{\"icc\":true,\"a\":[1,2],\"b\":{\"c\":[]}}");
	check_edit("{\"icc\": true}\n", "{\"a\":[1,2]}", "{\"icc\": true, \"a\": [1, 2]}\n");
	check_edit("{ \"icc\":true }", "{\"a\":1}", "{ \"icc\":true, \"a\":1 }");
	check_edit("{\"a\":1,\"b\":2,\"c\":3}", "{\"b\":null}", "{\"a\":1,\"c\":3}");
	check_edit("{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":null}", "{\"b\":2,\"c\":3}");
	check_edit("{\"a\":1, \"b\":2}", "{\"b\":null}", "{\"a\":1}");
	check_edit("{ \"a\": 1 }", "{\"a\":null}", "{}");
	check_edit("{\n  \"a\": 1, \"b\": 2\n}\n", "{\"c\": [\"x\"]}",
		   "{\n  \"a\": 1, \"b\": 2, \"c\": [\"x\"]\n}\n");
}
END_TEST

START_TEST(edits_empty)
{
	check_edit("", "{\"icc\": false}", "{\n  \"icc\": false\n}\n");
	check_edit("\n\n", "{\"icc\": false}", "{\n  \"icc\": false\n}\n");
	check_edit("", "{\"icc\": null}", "");
	check_edit("{}", "{\"a\": 1, \"b\": {\"c\": 2}}",
		   "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": 2\n  }\n}");
	check_edit("{ }\n", "{\"a\": 1}", "{\n  \"a\": 1\n}\n");
	check_edit("{\n\n}\n", "{\"a\": 1}", "{\n  \"a\": 1\n}\n");
	check_edit("{\r\n}\r\n", "{\"a\": 1}", "{\r\n  \"a\": 1\r\n}\r\n");
}
END_TEST

START_TEST(edits_other_layouts)
{
	/* Tabs, CRLF, spaces before the colon, a comma that starts the line, aligned values. */
	check_edit("{\n\t\"a\": 1\n}\n", "{\"b\": {\"c\": [{}]}}",
		   "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": [\n\t\t\t{}\n\t\t]\n\t}\n}\n");
	check_edit("{\r\n    \"a\": 1\r\n}", "{\"b\": {\"c\": 2}, \"a\": null}",
		   "{\r\n    \"b\": {\r\n        \"c\": 2\r\n    }\r\n}");
	check_edit("{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n", "{\"c\": 3}",
		   "{\r\n  \"a\": 1,\r\n  \"b\": 2,\r\n  \"c\": 3\r\n}\r\n");
	check_edit("{\n   \"a\" : 1\n}", "{\"b\": 2}", "{\n   \"a\" : 1,\n   \"b\" : 2\n}");
	check_edit("{ \"a\": 1\n, \"b\": 2\n}\n", "{\"c\": 3}",
		   "{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}\n");
	check_edit("{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}\n", "{\"b\": null}",
		   "{ \"a\": 1\n, \"c\": 3\n}\n");
	check_edit("{\n  \"a\":        1,\n  \"longer\":   2\n}\n", "{\"b\": 3}",
		   "{\n  \"a\":        1,\n  \"longer\":   2,\n  \"b\": 3\n}\n");
	check_edit("{\n\"a\": 1\n}\n", "{\"b\": 2}", "{\n\"a\": 1,\n\"b\": 2\n}\n");
	check_edit("  {\n    \"a\": 1\n  }\n", "{\"b\": {\"c\": 3}}",
		   "  {\n    \"a\": 1,\n    \"b\": {\n      \"c\": 3\n    }\n  }\n");
	check_edit("{\"a\":\n  1,\n \"b\" :2 }", "{\"a\": 3}", "{\"a\":\n  3,\n \"b\" :2 }");
}
END_TEST

START_TEST(edits_paragraphs)
{
	check_edit("{\n  \"a\": 1,\n\n  \"b\": 2\n}\n", "{\"c\": 3}",
		   "{\n  \"a\": 1,\n\n  \"b\": 2,\n  \"c\": 3\n}\n");
	check_edit("{\n  \"a\": 1,\n  \"b\": 2,\n\n  \"c\": 3\n}\n", "{\"b\": null}",
		   "{\n  \"a\": 1,\n\n  \"c\": 3\n}\n");
	check_edit("{\n  \"a\": 1,\n\n  \"b\": 2,\n\n  \"c\": 3\n}\n", "{\"b\": null}",
		   "{\n  \"a\": 1,\n\n  \"c\": 3\n}\n");
	check_edit("{\n\n  \"a\": 1,\n  \"b\": 2\n\n}\n", "{\"a\": null}",
		   "{\n\n  \"b\": 2\n\n}\n");
	check_edit("{\n  \"a\": 1, \"b\": 2,\n  \"c\": 3, \"d\": 4\n}\n", "{\"b\": null}",
		   "{\n  \"a\": 1,\n  \"c\": 3, \"d\": 4\n}\n");
	check_edit("{\n  \"a\": 1, \"b\": 2,\n  \"c\": 3, \"d\": 4\n}\n",
		   "{\"c\": null, \"a\": null}", "{\n  \"b\": 2,\n  \"d\": 4\n}\n");
	check_edit("{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3,\n  \"d\": 4\n}\n",
		   "{\"c\": null, \"b\": null}", "{\n  \"a\": 1,\n  \"d\": 4\n}\n");
}
END_TEST

START_TEST(edits_keep_spellings)
{
	check_edit("{\"\\u0069cc\" :true, \"n\":1.50e+01,\"s\":\"\\u0041\\/\"}", "{\"icc\": false}",
		   "{\"\\u0069cc\" :false, \"n\":1.50e+01,\"s\":\"\\u0041\\/\"}");
	check_edit("{\"\\u0069cc\": true, \"x\": 1}", "{\"icc\": null}", "{\"x\": 1}");
	/* Equal in value: not touched, whatever the spelling. */
	check_edit("{\"s\": \"\\u0041\", \"n\": 1e2}", "{\"s\": \"A\", \"n\": 100.0}",
		   "{\"s\": \"\\u0041\", \"n\": 1e2}");
	/* A name deeper down is another name. */
	check_edit("{\"o\": {\"icc\": true, \"mtu\": 1}, \"icc\": true}",
		   "{\"icc\": false, \"mtu\": 2}",
		   "{\"o\": {\"icc\": true, \"mtu\": 1}, \"icc\": false, \"mtu\": 2}");
	check_edit("{\"a\": null}", "{\"a\": null}", "{}");
	check_edit("{\"a\": null}", "{\"a\": 1}", "{\"a\": 1}");
}
END_TEST

START_TEST(edits_write_values)
{
	check_edit("{}", "{\"a\": \"\\\"\\\\/\\u0001\\n\\u00e9\\u2028\\ud83d\\ude00\"}",
		   "{\n  \"a\": \"\\\"\\\\/\\u0001\\n\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80\"\n}");
	check_edit("{}", "{\"a\\\"\\u00e9\": -9223372036854775808}",
		   "{\n  \"a\\\"\xc3\xa9\": -9223372036854775808\n}");
	check_edit("{}", "{\"a\": [0.1, 1e300, 100.0, 0.30000000000000004]}",
		   "{\n  \"a\": [0.1, 1e300, 100.0, 0.30000000000000004]\n}");
	check_edit("{}", "{\"a\": [], \"b\": {}, \"c\": [true, false, null]}",
		   "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [true, false, null]\n}");
	/* 60 columns stay on a line, 61 don't. */
	check_edit(
		"{}", "{\"a\": [\"12345678901234567890123456\",\"12345678901234567890123456\"]}",
		"{\n  \"a\": [\"12345678901234567890123456\", \"12345678901234567890123456\"]\n}");
	check_edit("{}",
		   "{\"a\": [\"123456789012345678901234567\",\"12345678901234567890123456\"]}",
		   "{\n  \"a\": [\n    \"123456789012345678901234567\",\n"
		   "    \"12345678901234567890123456\"\n  ]\n}");
	check_edit("{}", "{\"a\": [{\"b\": [1]}, {}]}",
		   "{\n  \"a\": [\n    {\n      \"b\": [1]\n    },\n    {}\n  ]\n}");
}
END_TEST

START_TEST(edits_keep_the_form)
{
	check_edit("{\n  \"dns\": [\n    \"1.1.1.1\"\n  ]\n}\n",
		   "{\"dns\": [\"1.1.1.1\", \"9.9.9.9\"]}",
		   "{\n  \"dns\": [\n    \"1.1.1.1\",\n    \"9.9.9.9\"\n  ]\n}\n");
	check_edit("{\n  \"o\": {\"a\": \"b\"}\n}\n", "{\"o\": {\"a\": \"c\", \"d\": [1]}}",
		   "{\n  \"o\": {\"a\": \"c\", \"d\": [1]}\n}\n");
	check_edit("{\n  \"o\": { }\n}\n", "{\"o\": {\"a\": 1}}",
		   "{\n  \"o\": {\n    \"a\": 1\n  }\n}\n");
	check_edit("{\n  \"o\": [\n  1\n  ]\n}\n", "{\"o\": []}", "{\n  \"o\": []\n}\n");
}
END_TEST

START_TEST(set_then_remove)
{
	static const char *const docs[] = {
		"{}",
		"{}\n",
		PRETTY,
		"{\"a\":1}",
		"{ \"a\": 1 }\n",
		"{\"a\": 1, \"b\": [1,\n2]}",
		"{\n\t\"a\" : [ 1,2 ],\n\n\t\"b\":2\n\n}\n\n",
		"{\r\n  \"a\": 1\r\n}\r\n",
		"{ \"a\": 1\n, \"b\": 2\n}\n",
		"{\"a\":1\n,\n\"b\":2}",
		"\n\n  {\n    \"a\": 1 , \"b\": 2 ,\n    \"c\"\n:\n3 }",
	};

	for (size_t i = 0; i < ARRAY_SIZE(docs); i++) {
		_cleanup_free_ char *set = edit(docs[i], "{\"x\": [1, {\"y\": 2}], \"z\": \"w\"}");
		_cleanup_free_ char *back = edit(set, "{\"z\": null, \"x\": null}");

		ck_assert_str_ne(set, docs[i]);
		ck_assert_str_eq(back, docs[i]);
	}
}
END_TEST

START_TEST(edit_refuses)
{
	_cleanup_json_ json_t *edits = edits_of("{\"a\": 1}");
	_cleanup_json_ json_t *array = json_array();
	_cleanup_json_ json_t *deep = json_object();
	struct err e = { 0 };
	char *ret = NULL;
	json_t *inner;
	size_t len;

	ck_assert_int_eq(json_edit_object("{\"b\": 1,}", 9, edits, &ret, &len, &e), -EINVAL);
	ck_assert_str_eq(e.text, "1:8: a comma before the closing '}': remove it");
	ck_assert_int_eq(json_edit_object("{\"a\": 1, \"a\": 2}", 16, edits, &ret, &len, &e),
			 -EINVAL);
	ck_assert_int_eq(json_edit_object("{}", 2, array, &ret, &len, &e), -EINVAL);
	ck_assert_int_eq(json_edit_object("{}", 2, NULL, &ret, &len, &e), -EINVAL);
	inner = json_array();
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, inner);
		inner = outer;
	}
	json_object_set_new(deep, "a", inner);
	ck_assert_int_eq(json_edit_object("{}", 2, deep, &ret, &len, &e), -EINVAL);
	ck_assert_ptr_null(ret);
}
END_TEST

/* Hundreds of thousands of members, in a time that grows with their number only. */
START_TEST(large)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_free_ char *set = NULL, *back = NULL;
	size_t len, back_len;

	buf_adds(&text, "{\n");
	for (int i = 0; i < 200000; i++)
		buf_addf(&text, "  \"key-%d\": [\"\\u0041\", %d],\n", i, i);
	buf_adds(&text, "  \"end\": true\n}\n");
	set = edit_n(text.data, text.len, "{\"key-77777\": 1, \"key-5\": null, \"new\": 2}", &len);
	ck_assert_ptr_nonnull(strstr(set, "\n  \"key-77777\": 1,\n"));
	ck_assert_ptr_null(strstr(set, "\"key-5\""));
	ck_assert(has_suffix(set, "  \"end\": true,\n  \"new\": 2\n}\n"));
	back = edit_n(text.data, text.len, "{\"end\": true}", &back_len);
	ck_assert_uint_eq(back_len, text.len);
	ck_assert_int_eq(memcmp(back, text.data, back_len), 0);
}
END_TEST

/* Random documents in random layouts, and random edits: nothing but what was asked changes. */
static const char *pick(unsigned int *seed, const char *const *from, size_t n)
{
	return from[(size_t)rand_r(seed) % n];
}

START_TEST(random_layouts)
{
	static const char *const blanks[] = { "", " ", "\n", "\n  ", "\n\n\t", "\r\n ", "  " };
	static const char *const values[] = {
		"1",	"true",	    "[]", "{}", "{ \"a\" : 1,\n\"b\":[2 ] }", "\"\\u0041,}\"",
		"null", "[\n1,\n2]"
	};
	unsigned int seed = (unsigned int)_i;

	for (int round = 0; round < 2000; round++) {
		_cleanup_buf_ struct buf text = BUF_INIT, edits = BUF_INIT;
		_cleanup_json_ json_t *doc = NULL, *object = NULL, *got = NULL;
		_cleanup_free_ char *set = NULL, *new_set = NULL, *back = NULL;
		int n = rand_r(&seed) % 5;
		struct err e = { 0 };
		const char *name;
		json_t *value;
		size_t len;

		buf_adds(&text, pick(&seed, blanks, ARRAY_SIZE(blanks)));
		buf_addc(&text, '{');
		for (int i = 0; i < n; i++) {
			buf_adds(&text, i ? "," : "");
			buf_addf(&text, "%s\"%c\"", pick(&seed, blanks, ARRAY_SIZE(blanks)),
				 'a' + i);
			buf_addf(&text, "%s:", pick(&seed, blanks, ARRAY_SIZE(blanks)));
			buf_adds(&text, pick(&seed, blanks, ARRAY_SIZE(blanks)));
			buf_adds(&text, pick(&seed, values, ARRAY_SIZE(values)));
			buf_adds(&text, pick(&seed, blanks, ARRAY_SIZE(blanks)));
		}
		buf_addc(&text, '}');
		buf_adds(&text, pick(&seed, blanks, ARRAY_SIZE(blanks)));
		buf_addc(&edits, '{');
		for (int i = 0; i < 7; i++)
			if (rand_r(&seed) % 2)
				buf_addf(&edits, "%s\"%c\": %s", edits.len > 1 ? "," : "", 'a' + i,
					 pick(&seed, values, ARRAY_SIZE(values)));
		buf_addc(&edits, '}');
		set = edit(text.data, edits.data);
		ck_assert_int_eq(json_parse_object(text.data, text.len, &doc, &e), 0);
		object = edits_of(edits.data);
		json_object_foreach (object, name, value)
			json_is_null(value) ? json_object_del(doc, name)
					    : json_object_set(doc, name, value);
		ck_assert_int_eq(json_parse_object(set, strlen(set), &got, &e), 0);
		ck_assert_msg(json_equal(got, doc), "%s\nwith %s\n%s", text.data, edits.data, set);
		if (n == 0)
			continue;
		new_set = edit_n(text.data, text.len, "{\"x\": [1], \"y\": {\"z\": 0}}", &len);
		back = edit(new_set, "{\"x\": null, \"y\": null}");
		ck_assert_str_eq(back, text.data);
	}
}
END_TEST

START_TEST(text_of_any_bytes)
{
	_cleanup_json_ json_t *fine = json_string_any("caf\xc3\xa9\n\033"),
			      *broken = json_string_any("a\xff\n"), *none = json_string_any(NULL);

	ck_assert_str_eq(json_string_value(fine), "caf\xc3\xa9\n\033");
	ck_assert_str_eq(json_string_value(broken), "a\\xff\n");
	ck_assert(json_is_null(none));
}
END_TEST

/* Memory that runs out at a chosen allocation; all of it is freed at once. */
static struct {
	void *list[4096];
	size_t n, limit;
} memory;

static void *little_memory(size_t size)
{
	return memory.n == memory.limit ? NULL : (memory.list[memory.n++] = malloc(size));
}

static void keep(void *p)
{
	(void)p;
}

static bool all_or_nothing(const char *text)
{
	json_t *doc = NULL, *clone;
	json_error_t je;
	char *back;
	int r = json_load(text, strlen(text), 0, &doc, &je);

	ck_assert_msg(r == 0 || r == -ENOMEM, "-ENOMEM is %d: %s", r, je.text);
	if (r < 0)
		return false;
	clone = json_clone(doc, true);
	ck_assert(!clone || json_equal(clone, doc));
	if (!clone)
		return false;
	back = json_text(clone, JSON_COMPACT);
	ck_assert(!back || streq(back, text));
	return back;
}

START_TEST(out_of_memory)
{
	static const char text[] =
		"{\"a-name-of-some-length-that-is-longer-than-a-buffer-is-at-first\":"
		"[1,\"\\\"of a string that has as much\\\"\"],\"b\":{\"c\":null}}";
	json_malloc_t with;
	json_free_t without;
	bool done = false;

	json_get_alloc_funcs(&with, &without);
	json_set_alloc_funcs(little_memory, keep);
	for (memory.limit = 0; !done; memory.limit++) {
		done = all_or_nothing(text);
		while (memory.n)
			free(memory.list[--memory.n]);
	}
	json_set_alloc_funcs(with, without);
	ck_assert_uint_gt(memory.limit, 30);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, accepts);
	tcase_add_test(tc, refuses_broken);
	tcase_add_test(tc, refuses_comments);
	tcase_add_test(tc, refuses_strings);
	tcase_add_test(tc, refuses_bytes);
	tcase_add_test(tc, refuses_numbers);
	tcase_add_test(tc, refuses_duplicates);
	tcase_add_test(tc, bounds_depth);
	tcase_add_test(tc, edits_pretty);
	tcase_add_test(tc, edits_one_line);
	tcase_add_test(tc, edits_empty);
	tcase_add_test(tc, edits_other_layouts);
	tcase_add_test(tc, edits_paragraphs);
	tcase_add_test(tc, edits_keep_spellings);
	tcase_add_test(tc, edits_write_values);
	tcase_add_test(tc, edits_keep_the_form);
	tcase_add_test(tc, set_then_remove);
	tcase_add_test(tc, edit_refuses);
	tcase_add_test(tc, large);
	tcase_add_loop_test(tc, random_layouts, 0, 4);
	tcase_add_test(tc, text_of_any_bytes);
	tcase_add_test(tc, out_of_memory);
}

UNIT_MAIN("json")
