/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/buf.h"

START_TEST(takes_nothing)
{
	struct buf b = BUF_INIT;
	size_t len = 7;
	char *s = buf_take(&b, &len);

	ck_assert_str_eq(s, "");
	ck_assert_uint_eq(len, 0);
	free(s);
	buf_add(&b, NULL, 0);
	s = buf_take(&b, NULL);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

START_TEST(adds)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t len;
	char *s;

	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_addf(&b, "%d %s", 2, "two");
	buf_addf(&b, "%s", "");
	buf_add(&b, "\0x", 2);
	ck_assert_uint_eq(b.len, 11);
	ck_assert_int_eq(memcmp(b.data, "one 2 two\0x", 12), 0);
	s = buf_take(&b, &len);
	ck_assert_uint_eq(len, 11);
	free(s);
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.len, 0);
	/* What was taken from can be used again. */
	buf_adds(&b, "again");
	ck_assert_str_eq(b.data, "again");
}
END_TEST

START_TEST(adds_words_to_type)
{
	static const char *const words[][2] = {
		{ "/srv/image-1_a.b", "/srv/image-1_a.b" },
		{ "a b", "'a b'" },
		{ "", "''" },
		{ "$(x)", "'$(x)'" },
		{ "it's", "'it'\\''s'" },
		{ "-", "-" },
		{ "~/x", "'~/x'" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_add_word(&b, words[i][0]);
		ck_assert_str_eq(b.data, words[i][1]);
	}
}
END_TEST

START_TEST(grows)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (int i = 0; i < 100000; i++) {
		buf_addf(&b, "%05d", i);
		ck_assert(b.cap > b.len);
		ck_assert_int_eq(b.data[b.len], '\0');
	}
	ck_assert_uint_eq(b.len, 500000);
	for (int i = 0; i < 100000; i += 777) {
		char want[16];

		snprintf(want, sizeof(want), "%05d", i);
		ck_assert_int_eq(memcmp(b.data + (size_t)i * 5, want, 5), 0);
	}
}
END_TEST

START_TEST(reserves)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *data;

	buf_reserve(&b, 1000);
	data = b.data;
	for (int i = 0; i < 1000; i++)
		buf_addc(&b, 'x');
	ck_assert_ptr_eq(b.data, data);
	/* Room that was made and not used is still an empty text. */
	buf_done(&b);
	buf_reserve(&b, 10);
	data = buf_take(&b, NULL);
	ck_assert_str_eq(data, "");
	free(data);
}
END_TEST

START_TEST(fails)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char one = 'x';

	buf_adds(&b, "kept");
	buf_reserve(&b, SIZE_MAX - 8);
	ck_assert(b.failed);
	ck_assert_str_eq(b.data, "kept");
	buf_add(&b, &one, 1);
	buf_adds(&b, "x");
	buf_addf(&b, "%d", 1);
	ck_assert_str_eq(b.data, "kept");
	ck_assert_ptr_null(buf_take(&b, NULL));
	/* Taking has said so; then it is a new buffer. */
	ck_assert(!b.failed);
	ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(shows)
{
	static const struct {
		const char *text, *newline, *shown;
	} cases[] = {
		{ "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3", NULL,
		  "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3" },
		{ "\033[31m\177\t", NULL, "\\x1b[31m\\x7f\\x09" },
		{ "a\nb", "\n  ", "a\n  b" },
		{ "a\nb", NULL, "a\\x0ab" },
		{ "\xc2\x9b"
		  "31m",
		  NULL, "\\xc2\\x9b31m" },
		{ "\xff\xc3(\xe0\x80\x80\xed\xa0\x80\xc3", NULL,
		  "\\xff\\xc3(\\xe0\\x80\\x80\\xed\\xa0\\x80\\xc3" },
		{ "\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf\xef\xbf\xbf\xe2\x80\xa7", NULL,
		  "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xef\\xbb\\xbf\\xef\\xbf\\xbf"
		  "\xe2\x80\xa7" },
		{ "\xf4\x90\x80\x80\xf0\x80\x80\x80", NULL,
		  "\\xf4\\x90\\x80\\x80\\xf0\\x80\\x80\\x80" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_add_shown(&b, cases[i].text, cases[i].newline);
		ck_assert_str_eq(b.data, cases[i].shown);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, takes_nothing);
	tcase_add_test(tc, adds);
	tcase_add_test(tc, adds_words_to_type);
	tcase_add_test(tc, grows);
	tcase_add_test(tc, reserves);
	tcase_add_test(tc, fails);
	tcase_add_test(tc, shows);
}

UNIT_MAIN("buf")
