/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/unitlog.h"

static void cleaned(const char *msg, size_t len, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	unitlog_clean(&b, msg, len);
	ck_assert_str_eq(b.data ? b.data : "", want);
}

static void clean_is(const char *msg, const char *want)
{
	cleaned(msg, strlen(msg), want);
}

START_TEST(logfmt_loses_its_noise)
{
	clean_is("time=\"2024-05-01T10:00:00.1Z\" level=error msg=\"no such \\\"thing\\\" here\"",
		 "no such \"thing\" here");
	clean_is("time=\"2024-05-01T10:00:00.1Z\" level=fatal msg=plain", "plain");
	clean_is("time=\"x\" level=warning msg=\"it failed\" error=\"a\\\\b: c\\nd\" id=7",
		 "it failed error=a\\b: c d id=7");
	clean_is("time=\"x\" level=error msg=\"cut short", "msg=\"cut short");
	clean_is("time=\"x\" level=error msg=\"end\" and words", "end and words");
	clean_is("time=", "time=");
	clean_is("time=\"", "time=\"");
	clean_is("time=\"\\", "time=\"\\");
	clean_is("time=\"a\\\"", "time=\"a\\\"");
}
END_TEST

START_TEST(plain_text_stays)
{
	clean_is("failed to start daemon: no subuid ranges found for user \"dockremap\"",
		 "failed to start daemon: no subuid ranges found for user \"dockremap\"");
	clean_is("level=error is not at the start", "level=error is not at the start");
	clean_is("a\\nb", "a\\nb");
	clean_is("ends  \r\n", "ends");
	clean_is("", "");
	clean_is("\n", "");
	clean_is("{\"level\":\"error\",\"msg\":\"x\"}", "{\"level\":\"error\",\"msg\":\"x\"}");
}
END_TEST

START_TEST(terminals_are_safe)
{
	clean_is("\033[2Jgone\a", "\\x1b[2Jgone\\x07");
	clean_is("a\tb\nc\rd", "a b c d");
	cleaned("nul\0nul", 7, "nul\\x00nul");
	clean_is("\x7f", "\\x7f");
	clean_is("time=\"x\" level=error msg=\"\033]0;t\\\033\"", "\\x1b]0;t\\x1b");
	/* C1 controls, a lone continuation, overlong, surrogate, past the end, direction marks */
	clean_is("\xc2\x9b"
		 "1m",
		 "\\xc2\\x9b1m");
	clean_is("\x80", "\\x80");
	clean_is("\xc0\xaf", "\\xc0\\xaf");
	clean_is("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	clean_is("\xed\xa0\x80", "\\xed\\xa0\\x80");
	clean_is("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	clean_is("\xff\xfe", "\\xff\\xfe");
	clean_is("\xe2\x80\xae", "\\xe2\\x80\\xae");
	clean_is("\xe2\x82", "\\xe2\\x82");
	clean_is("Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x80\x9cso\xe2\x80\x9d \xf0\x9f\x90\xb3",
		 "Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x80\x9cso\xe2\x80\x9d \xf0\x9f\x90\xb3");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	static char msg[100000];
	struct buf b = BUF_INIT;

	memset(msg, 'x', sizeof(msg));
	unitlog_clean(&b, msg, sizeof(msg));
	ck_assert_uint_le(b.len, UNITLOG_LINE_MAX);
	ck_assert(has_suffix(b.data, "xxx..."));
	buf_done(&b);
	memset(msg, 1, sizeof(msg));
	unitlog_clean(&b, msg, sizeof(msg));
	ck_assert_uint_le(b.len, UNITLOG_LINE_MAX);
	buf_done(&b);
	memcpy(msg, "time=1 ", 7);
	for (size_t i = 7; i + 4 <= sizeof(msg); i += 4)
		memcpy(msg + i, "k=v ", 4);
	unitlog_clean(&b, msg, sizeof(msg));
	ck_assert_uint_le(b.len, UNITLOG_LINE_MAX);
	buf_done(&b);
	for (size_t i = 7; i + 60 <= sizeof(msg); i += 60) {
		memset(msg + i, 'k', 58);
		memcpy(msg + i + 50, "= ", 2);
	}
	unitlog_clean(&b, msg, sizeof(msg));
	ck_assert_uint_le(b.len, UNITLOG_LINE_MAX);
	buf_done(&b);
	memset(msg + 7, 'k', sizeof(msg) - 7);
	msg[50000] = '=';
	unitlog_clean(&b, msg, sizeof(msg));
	ck_assert_uint_le(b.len, UNITLOG_LINE_MAX);
	buf_done(&b);
	memset(msg, ' ', sizeof(msg));
	unitlog_clean(&b, msg, sizeof(msg));
	ck_assert_uint_eq(b.len, 0);
	buf_done(&b);
}
END_TEST

static bool error_is(const char *msg, int priority)
{
	return unitlog_is_error(msg, strlen(msg), priority);
}

START_TEST(levels)
{
	ck_assert(error_is("time=\"x\" level=error msg=\"m\"", 6));
	ck_assert(error_is("time=\"x\" level=fatal msg=\"m\"", 6));
	ck_assert(error_is("time=\"x\" level=panic msg=\"m\"", 6));
	ck_assert(!error_is("time=\"x\" level=info msg=\"level=error\"", 6));
	ck_assert(!error_is("time=\"x\" level=info msg=\"\\\" level=error \"", 6));
	ck_assert(!error_is("time=\"x\" level=warning msg=\"m\"", 6));
	ck_assert(!error_is("time=\"x\" level=errors msg=\"m\"", 6));
	ck_assert(error_is("time=\"x\" level=info msg=\"m\"", 3));
	ck_assert(error_is("{\"level\":\"error\",\"msg\":\"m\"}", 6));
	ck_assert(!error_is("{\"level\":\"info\",\"msg\":\"m\"}", 6));
	ck_assert(!error_is("{\"level\":\"", 6));
	ck_assert(error_is("failed to start daemon: it is so", 6));
	ck_assert(!error_is("", 3));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, logfmt_loses_its_noise);
	tcase_add_test(tc, plain_text_stays);
	tcase_add_test(tc, terminals_are_safe);
	tcase_add_test(tc, long_lines_are_cut);
	tcase_add_test(tc, levels);
}

UNIT_MAIN("unitlog")
