/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/html.h"

static const char *text_of(const char *text)
{
	static struct buf b;

	buf_done(&b);
	html_add_text(&b, text);
	ck_assert(!b.failed);
	return b.data ? b.data : "";
}

static const char *value_of(const char *setting, const char *value)
{
	static struct buf b;

	buf_done(&b);
	html_add_value(&b, setting, value);
	ck_assert(!b.failed);
	return b.data ? b.data : "";
}

START_TEST(escapes)
{
	ck_assert_str_eq(text_of("a < b & \"c\" > 'd'"),
			 "a &#60; b &#38; &#34;c&#34; &#62; &#39;d&#39;");
	ck_assert_str_eq(text_of("]]>"), "]]&#62;");
	ck_assert_str_eq(text_of("\xc3\xa9"), "\xc3\xa9");
	ck_assert_str_eq(text_of(""), "");
	ck_assert_str_eq(text_of(NULL), "");
}
END_TEST

/* XML 1.0 takes no control but tab, newline and return, not even escaped. */
START_TEST(no_byte_breaks_the_page)
{
	for (int c = 1; c < 256; c++) {
		char one[] = { (char)c, '\0' };
		const char *text = text_of(one);

		for (const char *p = text; *p; p++)
			ck_assert_msg((*p >= 0x20 && *p < 0x7f) || *p == '\n', "%02x", c);
		ck_assert(!strpbrk(text, "<>\"'"));
	}
	ck_assert_str_eq(text_of("\xef\xbf\xbf\xe2\x80\xae"), "\\xef\\xbf\\xbf\\xe2\\x80\\xae");
}
END_TEST

START_TEST(hides_secrets)
{
	ck_assert_str_eq(text_of("see https://u:hunter2@proxy/<x>"),
			 "see https://***@proxy/&#60;x&#62;");
	ck_assert_str_eq(value_of("log-opts.splunk-token", "hunter2"), "***");
	ck_assert_str_eq(value_of("icc", "<true>"), "&#60;true&#62;");
	ck_assert_str_eq(value_of("labels", "a\xff"), "a\\xff");
	ck_assert_str_eq(value_of("labels", NULL), "");
}
END_TEST

START_TEST(tells_times)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	html_add_time(&b, 1700000000000000);
	ck_assert_str_eq(b.data,
			 "<time datetime=\"2023-11-14T22:13:20Z\">2023-11-14 22:13 UTC</time>");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, escapes);
	tcase_add_test(tc, no_byte_breaks_the_page);
	tcase_add_test(tc, hides_secrets);
	tcase_add_test(tc, tells_times);
}

UNIT_MAIN("html")
