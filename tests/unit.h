/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every unit test needs: a main for one suite, and scratch trees that are removed afterwards.
 *
 * A test file defines tests with START_TEST/END_TEST, lists them in a static `void add_tests(TCase
 * *tc)`, and ends with UNIT_MAIN("name").
 */
#ifndef BULKHEAD_UNIT_H
#define BULKHEAD_UNIT_H

#include <check.h>
#include <ftw.h>
#include <sys/stat.h>

#include "../src/util.h"

#define UNIT_MAIN(name)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		Suite *s = suite_create(name);                                                     \
		TCase *tc = tcase_create(name);                                                    \
		SRunner *sr;                                                                       \
		int failed;                                                                        \
                                                                                                   \
		tcase_set_timeout(tc, 120);                                                        \
		add_tests(tc);                                                                     \
		suite_add_tcase(s, tc);                                                            \
		sr = srunner_create(s);                                                            \
		srunner_run_all(sr, CK_NORMAL);                                                    \
		failed = srunner_ntests_failed(sr);                                                \
		srunner_free(sr);                                                                  \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                       \
	}

/* A new empty directory; give it back with tree_remove. */
static inline char *tree_new(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;

	ck_assert_int_ge(asprintf(&dir, "%s/bulkhead-test.XXXXXX", tmp ? tmp : "/tmp"), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static inline int tree_unlink(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline void tree_remove(char *dir)
{
	ck_assert_msg(nftw(dir, tree_unlink, 16, FTW_DEPTH | FTW_PHYS) == 0,
		      "%s is left behind: %s", dir, strerror(errno));
	free(dir);
}

/* Writes a file below `dir`, making its directories. */
static inline void tree_write(const char *dir, const char *path, const char *content, mode_t mode)
{
	char full[4096];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", dir, path);
	for (char *p = full + strlen(dir) + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(full, 0755);
			*p = '/';
		}
	unlink(full); /* a link that an earlier step left there leads anywhere */
	f = fopen(full, "we");
	ck_assert_ptr_nonnull(f);
	fputs(content, f);
	fclose(f);
	ck_assert_int_eq(chmod(full, mode), 0);
}

/* The content of a file below `dir`, or NULL. */
static inline char *tree_read(const char *dir, const char *path)
{
	char full[4096];
	char *text = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", dir, path);
	f = fopen(full, "re");
	if (!f)
		return NULL;
	if (getdelim(&text, &cap, EOF, f) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

#endif
