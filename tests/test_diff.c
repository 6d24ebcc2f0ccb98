/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "../src/diff.h"

static char *diff(const char *a, size_t alen, const char *b, size_t blen, int context)
{
	struct buf out = BUF_INIT;
	char *text;

	diff_unified(&out, a, alen, b, blen, "a", "b", context);
	text = buf_take(&out, NULL);
	ck_assert_ptr_nonnull(text);
	return text;
}

static void check_diff(const char *a, const char *b, int context, const char *expected)
{
	_cleanup_free_ char *got = diff(a, strlen(a), b, strlen(b), context);

	ck_assert_str_eq(got, expected);
}

#define HEAD "--- a\n+++ b\n"

START_TEST(equal)
{
	_cleanup_free_ char *none = NULL;

	check_diff("", "", 3, "");
	check_diff("a\nb\n", "a\nb\n", 3, "");
	check_diff("a", "a", 3, "");
	none = diff(NULL, 0, NULL, 0, 3);
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(simple)
{
	check_diff("a\nb\nc\n", "a\nx\nc\n", 3, HEAD "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
	check_diff("", "a\nb\n", 3, HEAD "@@ -0,0 +1,2 @@\n+a\n+b\n");
	check_diff("a\n", "", 3, HEAD "@@ -1 +0,0 @@\n-a\n");
	check_diff("a\n", "b\n", 3, HEAD "@@ -1 +1 @@\n-a\n+b\n");
	check_diff("a\nb\n", "a\nb\nc\n", 3, HEAD "@@ -1,2 +1,3 @@\n a\n b\n+c\n");
	check_diff("a\nb\n", "x\na\nb\n", 3, HEAD "@@ -1,2 +1,3 @@\n+x\n a\n b\n");
	check_diff("\n", "\n\n", 3, HEAD "@@ -1 +1,2 @@\n \n+\n");
}
END_TEST

START_TEST(contexts)
{
	static const char a[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
	static const char b[] = "1\nx\n3\n4\n5\n6\n7\ny\n9\n";

	check_diff(a, b, 0, HEAD "@@ -2 +2 @@\n-2\n+x\n@@ -8 +8 @@\n-8\n+y\n");
	check_diff(a, b, -1, HEAD "@@ -2 +2 @@\n-2\n+x\n@@ -8 +8 @@\n-8\n+y\n");
	check_diff(a, b, 2,
		   HEAD
		   "@@ -1,4 +1,4 @@\n 1\n-2\n+x\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n-8\n+y\n 9\n");
	/* Five lines between them: contexts of three meet. */
	check_diff(a, b, 3, HEAD "@@ -1,9 +1,9 @@\n 1\n-2\n+x\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n 9\n");
	check_diff(a, b, INT32_MAX,
		   HEAD "@@ -1,9 +1,9 @@\n 1\n-2\n+x\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n 9\n");
	check_diff("1\n2\n3\n", "1\n2\nx\n3\n", 0, HEAD "@@ -2,0 +3 @@\n+x\n");
	check_diff("1\n2\nx\n3\n", "1\n2\n3\n", 0, HEAD "@@ -3 +2,0 @@\n-x\n");
}
END_TEST

START_TEST(no_final_newline)
{
	check_diff("a", "a\n", 3, HEAD "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
	check_diff("a\n", "a", 3, HEAD "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
	check_diff("x\na", "y\na", 3,
		   HEAD "@@ -1,2 +1,2 @@\n-x\n+y\n a\n\\ No newline at end of file\n");
	check_diff("a", "b", 3,
		   HEAD "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
			"\\ No newline at end of file\n");
	check_diff("", "a", 3, HEAD "@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n");
	check_diff("a\nb", "a\nb\nc", 3,
		   HEAD "@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n"
			"\\ No newline at end of file\n");
}
END_TEST

START_TEST(unprintable)
{
	static const char a[] = "a\0b\x1b[31m\x7f\n";
	static const char b[] = "\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\x\n";
	_cleanup_free_ char *got = diff(a, sizeof(a) - 1, b, sizeof(b) - 1, 3);

	ck_assert_str_eq(got, HEAD "@@ -1 +1 @@\n-a\\x00b\\x1b[31m\\x7f\n"
				   "+\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \\x\n");
	/* CR, latin-1, cut and overlong sequences, a surrogate, past U+10FFFF, C1, bidi, BOM. */
	check_diff("", "a\r\n\xe9t\xe9\n\xe2\x82\n\xc0\xaf\n\xe0\x80\xaf\n\xed\xa0\x80\n", 0,
		   HEAD "@@ -0,0 +1,6 @@\n+a\\x0d\n+\\xe9t\\xe9\n+\\xe2\\x82\n+\\xc0\\xaf\n"
			"+\\xe0\\x80\\xaf\n+\\xed\\xa0\\x80\n");
	check_diff(
		"", "\xf4\x90\x80\x80\n\xc2\x9b\n\xe2\x80\xae\n\xef\xbb\xbf\n\xff\n\xf0\x9f\x98", 0,
		HEAD "@@ -0,0 +1,6 @@\n+\\xf4\\x90\\x80\\x80\n+\\xc2\\x9b\n+\\xe2\\x80\\xae\n"
		     "+\\xef\\xbb\\xbf\n+\\xff\n+\\xf0\\x9f\\x98\n\\ No newline at end of file\n");
}
END_TEST

START_TEST(labels)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	buf_adds(&out, "before\n");
	diff_unified(&out, "", 0, "a\n", 2, "/dev/null", "/etc/x\n+y", 3);
	ck_assert_str_eq(out.data, "before\n--- /dev/null\n+++ /etc/x\\x0a+y\n@@ -0,0 +1 @@\n+a\n");
}
END_TEST

/* What differs is one thing, what is told of it another: also of the last line, which has no end.
 */
START_TEST(shown_otherwise)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const struct diff_text a = { "a", "1\n2\nx\nold", 9, "1\n2\ny\n***", 9 };
	const struct diff_text b = { "b", "1\n2\nx\nnewer", 11, "1\n2\ny\n***\n", 10 };

	diff_shown(&out, &a, &b, 1);
	ck_assert_str_eq(out.data, HEAD "@@ -3,2 +3,2 @@\n y\n-***\n\\ No newline at end of file\n"
					"+***\n\\ No newline at end of file\n");
}
END_TEST

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

START_TEST(append_to_many)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	_cleanup_free_ char *got = NULL, *rev = NULL;

	for (int i = 0; i < 1000000; i++)
		buf_addf(&a, "user%d:%d:65536\n", i, i);
	buf_add(&b, a.data, a.len);
	buf_adds(&b, "dockremap:1:65536\n");
	got = diff(a.data, a.len, b.data, b.len, 2);
	ck_assert_str_eq(got, HEAD "@@ -999999,2 +999999,3 @@\n user999998:999998:65536\n"
				   " user999999:999999:65536\n+dockremap:1:65536\n");
	/* The first and the last line: everything in between is compared. */
	b.data[0] = 'U';
	rev = diff(b.data, b.len, a.data, a.len, 0);
	ck_assert_str_eq(rev, HEAD "@@ -1 +1 @@\n-User0:0:65536\n+user0:0:65536\n"
				   "@@ -1000001 +1000000,0 @@\n-dockremap:1:65536\n");
}
END_TEST

/* Nothing in common: past the bounds, the middle is replaced whole, and soon. */
START_TEST(all_different)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	_cleanup_free_ char *got = NULL;
	double start = seconds();

	buf_adds(&a, "same\n");
	buf_adds(&b, "same\n");
	for (int i = 0; i < 200000; i++) {
		buf_addf(&a, "a%d\n", i % 3 ? i : 7);
		buf_addf(&b, "b%d\n", i % 3 ? i : 7);
	}
	buf_adds(&a, "end\n");
	buf_adds(&b, "end\n");
	got = diff(a.data, a.len, b.data, b.len, 3);
	ck_assert(has_prefix(got, HEAD "@@ -1,200002 +1,200002 @@\n same\n-a7\n-a1\n"));
	ck_assert(has_suffix(got, "+b199999\n end\n"));
	ck_assert_msg(seconds() - start < 20, "took %.1f s", seconds() - start);
}
END_TEST

/* Long equal runs at many offsets, which make every step of the comparison expensive. */
START_TEST(hostile)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	_cleanup_free_ char *got = NULL;
	double start = seconds();

	for (int i = 0; i < 300000; i++) {
		buf_adds(&a, i % 1000 == 7 ? "p\n" : "x\n");
		buf_adds(&b, i % 997 == 5 ? "q\n" : "x\n");
	}
	got = diff(a.data, a.len, b.data, b.len, 3);
	ck_assert(has_prefix(got, HEAD));
	ck_assert_msg(seconds() - start < 20, "took %.1f s", seconds() - start);
}
END_TEST

static int shell(char *command)
{
	char sh[] = "sh", option[] = "-c";
	char *argv[] = { sh, option, command, NULL };
	int status;
	pid_t pid;

	ck_assert_int_eq(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static char *random_text(unsigned int *seed)
{
	static const char *const lines[] = { "a", "b", "c", "", "{", "}", "long line", "x y" };
	int n = rand_r(seed) % 40;
	struct buf text = BUF_INIT;
	char *ret;

	for (int i = 0; i < n; i++) {
		buf_adds(&text, lines[(size_t)rand_r(seed) % ARRAY_SIZE(lines)]);
		if (i < n - 1 || rand_r(seed) % 4)
			buf_addc(&text, '\n');
	}
	ret = buf_take(&text, NULL);
	ck_assert_ptr_nonnull(ret);
	return ret;
}

/* A text with some lines left out, doubled, or changed. */
static char *random_edit(unsigned int *seed, const char *text)
{
	struct buf out = BUF_INIT;
	char *ret;

	while (*text) {
		size_t n = strcspn(text, "\n");

		n += text[n] == '\n';
		switch (rand_r(seed) % 12) {
		case 0:
			break;
		case 1:
			buf_add(&out, text, n);
			buf_adds(&out, "new\n");
			break;
		case 2:
			buf_adds(&out, "changed\n");
			break;
		default:
			buf_add(&out, text, n);
			break;
		}
		text += n;
	}
	ret = buf_take(&out, NULL);
	ck_assert_ptr_nonnull(ret);
	return ret;
}

static int changed_lines(const char *patch)
{
	int n = 0;

	for (const char *p = strstr(patch, "\n@@"); p; p = strchr(p + 1, '\n'))
		n += p[1] == '+' || p[1] == '-';
	return n;
}

/* patch(1) turns one text into the other with what we print, in both directions, and we need no
 * more lines than diff(1). */
START_TEST(as_diff_and_patch_do)
{
	unsigned int seed = (unsigned int)_i * 1000;
	static char have[] = "command -v diff >/dev/null && command -v patch >/dev/null";
	char *dir;

	if (shell(have) != 0)
		return;
	dir = tree_new();
	for (int round = 0; round < 60; round++) {
		_cleanup_free_ char *a = random_text(&seed);
		_cleanup_free_ char *b =
			rand_r(&seed) % 4 ? random_edit(&seed, a) : random_text(&seed);
		int context = rand_r(&seed) % 5;
		_cleanup_free_ char *ours = diff(a, strlen(a), b, strlen(b), context);
		_cleanup_free_ char *theirs = NULL, *forth = NULL, *back = NULL, *cmd = NULL;

		if (streq(a, b)) {
			ck_assert_str_eq(ours, "");
			continue;
		}
		tree_write(dir, "/a", a, 0600);
		tree_write(dir, "/b", b, 0600);
		tree_write(dir, "/ours", ours, 0600);
		ck_assert_int_gt(
			asprintf(&cmd,
				 "cd '%s' && { diff -U %d --label a --label b a b >theirs; "
				 "patch -s -o forth a ours && patch -s -R -o back b ours; }",
				 dir, context),
			0);
		ck_assert_msg(shell(cmd) == 0, "patch refused\n%s", ours);
		forth = tree_read(dir, "/forth");
		back = tree_read(dir, "/back");
		theirs = tree_read(dir, "/theirs");
		ck_assert_str_eq(forth, b);
		ck_assert_str_eq(back, a);
		ck_assert_int_le(changed_lines(ours), changed_lines(theirs));
	}
	tree_remove(dir);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, equal);
	tcase_add_test(tc, simple);
	tcase_add_test(tc, contexts);
	tcase_add_test(tc, no_final_newline);
	tcase_add_test(tc, unprintable);
	tcase_add_test(tc, labels);
	tcase_add_test(tc, shown_otherwise);
	tcase_add_test(tc, append_to_many);
	tcase_add_test(tc, all_different);
	tcase_add_test(tc, hostile);
	tcase_add_loop_test(tc, as_diff_and_patch_do, 0, 4);
}

UNIT_MAIN("diff")
