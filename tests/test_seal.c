/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/json.h"
#include "../src/seal.h"

static bool holds(const char *text)
{
	_cleanup_json_ json_t *o = json_loads(text, 0, NULL);

	return seal_holds(text, o);
}

START_TEST(sealed)
{
	_cleanup_json_ json_t *o =
		json_pack("{s:i, s:[i, i], s:{s:s}}", "a", 1, "b", 2, 3, "c", "sha256", "x");
	_cleanup_free_ char *text = json_text(o, JSON_INDENT(1)), *whole = NULL, *indented = NULL;
	_cleanup_json_ json_t *back = NULL;

	ck_assert(holds(text));
	whole = seal_put(text);
	ck_assert(has_prefix(whole, "{\n \"sha256\": \""));
	ck_assert(holds(whole));
	/* Without the line it is what it was. */
	ck_assert_str_eq(strchr(strchr(whole, '\n') + 1, '\n') + 1, text + 2);

	/* Any byte of it, and any end. */
	for (size_t i = 0; whole[i]; i++) {
		char c = whole[i];

		whole[i] = (char)(c ^ 1);
		ck_assert_msg(!holds(whole) || i < strlen("{\n \"sha256\": \""), "%zu", i);
		whole[i] = '\0';
		ck_assert_msg(!holds(whole) || i < strlen("{\n \"sha256\": \""), "%zu", i);
		whole[i] = c;
	}
	/* Written anew by something else. */
	back = json_loads(whole, 0, NULL);
	indented = json_text(back, JSON_INDENT(4));
	ck_assert(!holds(indented));
}
END_TEST

START_TEST(not_sealed)
{
	static const char *const texts[] = { "", "{", "[]", "{}", "null", "{\n \"a\": 1\n}" };
	static const char *const broken[] = {
		"{\"sha256\": \"\"}",
		"{\n \"sha256\": \"",
		"{\n \"sha256\": \"\",\n \"a\": 1\n}",
		"{\n \"a\": 1,\n \"sha256\": 7\n}",
		"{\n \"sha256\": \"0000000000000000000000000000000000000000000000000000000000000000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(holds(texts[i]), "%zu", i);
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		ck_assert_msg(!holds(broken[i]), "%zu", i);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, sealed);
	tcase_add_test(tc, not_sealed);
}

UNIT_MAIN("seal")
