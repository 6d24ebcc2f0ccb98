/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/pathindex.h"

static struct err e;

START_TEST(found_again)
{
	enum { N = 5000 };
	static char paths[N][16];
	struct pathindex x = { 0 };
	size_t at = 77;

	ck_assert(!pathindex_find(&x, "/0", &at));
	for (size_t i = 0; i < N; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/%zu", i);
		ck_assert_int_eq(pathindex_add(&x, paths[i], i, &e), 0);
	}
	for (size_t i = 0; i < N; i++) {
		ck_assert(pathindex_find(&x, paths[i], &at));
		ck_assert_uint_eq(at, i);
	}
	ck_assert(!pathindex_find(&x, "/", &at));
	ck_assert(!pathindex_find(&x, "/5000", &at));
	/* What is noted last counts. */
	ck_assert_int_eq(pathindex_add(&x, "/7", 9999, &e), 0);
	ck_assert(pathindex_find(&x, "/7", &at));
	ck_assert_uint_eq(at, 9999);
	ck_assert_uint_eq(x.n, N);
	pathindex_done(&x);
	ck_assert(!pathindex_find(&x, "/7", &at));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, found_again);
}

UNIT_MAIN("pathindex")
