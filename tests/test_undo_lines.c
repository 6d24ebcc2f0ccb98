/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

static void undo_line(const char *before, const char *after_ours, const char *edited,
		      const char *wanted)
{
	if (before)
		put("/etc/subuid", before);
	line("/etc/subuid", "ours:1:2");
	line("/etc/subuid", "more:3:4");
	record();
	act(0);
	holds("/etc/subuid", after_ours);
	if (edited)
		put("/etc/subuid", edited);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	holds("/etc/subuid", wanted);
}

START_TEST(lines_of_a_new_file)
{
	undo_line(NULL, "ours:1:2\nmore:3:4\n", NULL, NULL);
}
END_TEST

START_TEST(lines_of_an_empty_file)
{
	undo_line("", "ours:1:2\nmore:3:4\n", NULL, "");
}
END_TEST

START_TEST(lines_behind_others)
{
	undo_line("a:1:1\n", "a:1:1\nours:1:2\nmore:3:4\n", NULL, "a:1:1\n");
}
END_TEST

START_TEST(lines_without_a_final_newline)
{
	undo_line("a:1:1", "a:1:1\nours:1:2\nmore:3:4\n", NULL, "a:1:1");
}
END_TEST

/* Somebody wrote behind ours: the newline that we added is theirs to stand on now. */
START_TEST(lines_with_others_behind)
{
	undo_line("a:1:1", "a:1:1\nours:1:2\nmore:3:4\n", "a:1:1\nours:1:2\nmore:3:4\nb:5:5\n",
		  "a:1:1\nb:5:5\n");
}
END_TEST

/* shadow sorts. */
START_TEST(lines_that_moved)
{
	undo_line("a:9:1\n", "a:9:1\nours:1:2\nmore:3:4\n", "more:3:4\n# c\nours:1:2\na:9:1\n",
		  "# c\na:9:1\n");
}
END_TEST

START_TEST(lines_at_an_end_without_newline)
{
	undo_line("a:9:1\n", "a:9:1\nours:1:2\nmore:3:4\n", "a:9:1\nmore:3:4\nours:1:2", "a:9:1\n");
}
END_TEST

START_TEST(lines_partly_gone)
{
	undo_line("a:9:1\n", "a:9:1\nours:1:2\nmore:3:4\n", "a:9:1\nmore:3:4\n", "a:9:1\n");
}
END_TEST

START_TEST(lines_of_a_new_file_with_others)
{
	undo_line(NULL, "ours:1:2\nmore:3:4\n", "ours:1:2\nb:1:1\nmore:3:4\n", "b:1:1\n");
}
END_TEST

/* Whole lines count, not what contains them. */
START_TEST(lines_like_ours)
{
	undo_line("x-ours:1:2\nours2:1:2\nb:ours:1:2\n",
		  "x-ours:1:2\nours2:1:2\nb:ours:1:2\nours:1:2\nmore:3:4\n", NULL,
		  "x-ours:1:2\nours2:1:2\nb:ours:1:2\n");
}
END_TEST

START_TEST(lines_that_are_gone)
{
	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	act(0);
	put("/etc/subuid", "b:1:1\n");
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	holds("/etc/subuid", "b:1:1\n");
	ck_assert_int_eq(unlink(at("/etc/subuid")), 0);
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
}
END_TEST

/* --- lines that take the place of others --- */

#define WAS "a:1:\nx:2:alice,bob\nz:3:\n"
#define OUR "a:1:\nx:2:alice\nz:3:\n"

static void replace(const char *was)
{
	put("/etc/group", was);
	line_replace("/etc/group", "x:2:alice,bob", "x:2:alice");
	record();
	act(0);
}

START_TEST(replaced)
{
	replace(WAS);
	holds("/etc/group", OUR);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	holds("/etc/group", WAS);
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	tidy();
}
END_TEST

/* No newline is ours at the end of a file that had none, even when somebody adds it. */
START_TEST(replaced_in_the_last_line)
{
	replace("a:1:\nx:2:alice,bob");
	holds("/etc/group", "a:1:\nx:2:alice");
	put("/etc/group", "a:1:\nx:2:alice\n");
	back(0, true);
	holds("/etc/group", "a:1:\nx:2:alice,bob\n");
}
END_TEST

START_TEST(replaced_and_others_moved)
{
	replace(WAS);
	put("/etc/group", "new:9:\nz:3:\nx:2:alice\na:1:carol\n");
	back(0, true);
	holds("/etc/group", "new:9:\nz:3:\nx:2:alice,bob\na:1:carol\n");
}
END_TEST

/* Somebody's edit of it is not ours to take back but by force; nor is its end. */
START_TEST(replaced_and_edited)
{
	bool changed;

	replace(WAS);
	put("/etc/group", "a:1:\nx:2:alice,carol\nz:3:\n");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), -ESTALE);
	holds("/etc/group", "a:1:\nx:2:alice,carol\nz:3:\n");
	ck_ok(undo_step(host, &j.steps[0], &forced, &changed, &e));
	holds("/etc/group", WAS);
	put("/etc/group", "a:1:\nz:3:\n");
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	put("/etc/group", WAS);
	ck_assert_int_eq(where(0), UNDO_BEFORE);
}
END_TEST

/* An appended line that somebody edited goes by force, whole. */
START_TEST(edited)
{
	bool changed;

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	act(0);
	put("/etc/subuid", "a:1:1\nours:1:9\nour:1:1\n");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), -ESTALE);
	ck_ok(undo_step(host, &j.steps[0], &forced, &changed, &e));
	ck_assert(changed);
	holds("/etc/subuid", "a:1:1\nour:1:1\n");
	tidy();
}
END_TEST

/* Of several that it may be none goes, by force neither, and that is told. */
static void unclear(const char *now)
{
	bool changed;

	put("/etc/subuid", now);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &forced, &changed, &e), -ESTALE);
	ck_says("2 lines of 'ours'");
	holds("/etc/subuid", now);
}

START_TEST(edited_and_doubled)
{
	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	act(0);
	unclear("ours:1:3\nours:1:4\n");
}
END_TEST

/* The journal knows that one of that name stood there before. */
START_TEST(edited_beside_theirs)
{
	_cleanup_json_ json_t *o = NULL;
	bool changed;

	put("/etc/subuid", "ours:9:9\n");
	line("/etc/subuid", "ours:1:2");
	record();
	j.id = 1;
	o = journal_json(&j);
	journal_done(&j);
	ck_ok(journal_parse(o, &j));
	act(0);
	unclear("ours:9:9\nours:1:3\n");
	put("/etc/subuid", "ours:9:9\n");
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	ck_ok(undo_step(host, &j.steps[0], &forced, &changed, &e));
	holds("/etc/subuid", "ours:9:9\n");
}
END_TEST

/* No account without its shadow: while one file keeps its line, so do the others. */
START_TEST(accounts_stay_whole)
{
	struct errs failed = { 0 };

	put("/etc/subuid", "");
	put("/etc/group", "");
	put("/etc/shadow", "");
	put("/etc/passwd", "");
	line("/etc/subuid", "ours:1:2");
	line("/etc/group", "ours:x:1:");
	line("/etc/shadow", "ours:!:::::::");
	line("/etc/passwd", "ours:x:1:1::/:");
	record();
	for (size_t i = 0; i < 4; i++)
		act(i);
	put("/etc/passwd", "ours:x:1:1::/home:\n");
	ck_assert_int_eq(undo_steps(host, &j, NULL, false, &failed, &e), -ESTALE);
	ck_assert_uint_eq(failed.n, 3);
	holds("/etc/passwd", "ours:x:1:1::/home:\n");
	holds("/etc/shadow", "ours:!:::::::\n");
	holds("/etc/group", "ours:x:1:\n");
	holds("/etc/subuid", "");
	errs_done(&failed);
	ck_ok(undo_steps(host, &j, NULL, true, &failed, &e));
	holds("/etc/passwd", "");
	holds("/etc/shadow", "");
	holds("/etc/group", "");
	errs_done(&failed);
}
END_TEST

START_TEST(replaced_beside_appended)
{
	put("/etc/group", "x:2:alice,bob");
	line("/etc/group", "made:5:");
	line_replace("/etc/group", "made:5:", "made:5:bob");
	line_replace("/etc/group", "x:2:alice,bob", "x:2:alice");
	record();
	act(0);
	holds("/etc/group", "x:2:alice\nmade:5:bob\n");
	back(0, true);
	holds("/etc/group", "x:2:alice,bob");
}
END_TEST

/* A line that is like one that had to make place. */
START_TEST(replaced_by_turns)
{
	bool changed;

	put("/etc/group", "one\ntwo\n");
	line_replace("/etc/group", "one", "three");
	line_replace("/etc/group", "two", "one");
	record();
	act(0);
	holds("/etc/group", "three\none\n");
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	holds("/etc/group", "one\ntwo\n");
}
END_TEST

/* A database and a temporary file beside it as a kill left them, and what recovery makes of both.
 */
struct left {
	const char *now, *tmp, *left;
	bool kept; /* the temporary is somebody's edit, and stays beside the target */
};

static void recovers(const struct left *was, const char *tmp)
{
	char kept[128];
	bool changed;

	snprintf(kept, sizeof(kept), "/etc/subuid.kept-%s", strstr(tmp, "bulkhead-") + 9);
	put("/etc/subuid", was->now);
	put(tmp, was->tmp);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e),
			 was->kept ? -ESTALE : 0);
	holds(kept, was->kept ? was->tmp : NULL);
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	holds("/etc/subuid", was->left);
	tidy();
}

/* A run was killed between the exchange and the look at what it took away: an edit made without
 * the locks goes back, or is kept when others went on from ours. */
START_TEST(lines_killed_after_the_exchange)
{
	static const struct left were[] = {
		{ "a:1:1\n", "a:1:1\nours:1:2\n", "a:1:1\n", false },
		{ "a:1:1\nours:1:2\n", "a:1:1\n", "a:1:1\n", false },
		{ "a:1:1\nours:1:2\n", "a:1:1\nedit:3:3\n", "a:1:1\nedit:3:3\n", false },
		{ "a:1:1\nedit:3:3\n", "a:1:1\nours:1:2\n", "a:1:1\nedit:3:3\n", false },
		{ "a:1:1\nours:1:2\nadd:5:5\n", "a:1:1\n", "a:1:1\nadd:5:5\n", false },
		{ "a:1:1\nours:1:2\nadd:5:5\n", "a:1:1\nedit:3:3\n", "a:1:1\nadd:5:5\n", true },
	};
	char tmp[128];

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	for (size_t i = 0; i < ARRAY_SIZE(were); i++)
		recovers(&were[i], tmp);
}
END_TEST

/* A journal of a version that recorded no sums. */
START_TEST(lines_without_sums)
{
	static const char *const were[][2] = {
		{ "a:1:1\n", "a:1:1\nours:1:2\n" },
		{ "a:1:1\nours:1:2\n", "a:1:1\n" },
	};
	char tmp[128];
	bool changed;

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	j.steps[0].before_sum = j.steps[0].after_sum = 0;
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	for (size_t i = 0; i < ARRAY_SIZE(were); i++) {
		put("/etc/subuid", were[i][0]);
		put(tmp, were[i][1]);
		ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
		holds("/etc/subuid", "a:1:1\n");
		tidy();
	}
}
END_TEST

static void kills(const char *suffix, const struct left *were, size_t n)
{
	char tmp[128];

	put("/etc/subuid", "x:1\n");
	line_replace("/etc/subuid", "x:1", "x:2");
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s%s", j.steps[0].tmp, suffix);
	for (size_t i = 0; i < n; i++) {
		j.steps[0].found_sum = j.steps[0].back_sum = 0;
		recovers(&were[i], tmp);
	}
}

START_TEST(replaced_killed_after_the_exchange)
{
	static const struct left were[] = {
		{ "x:1\n", "x:2\n", "x:1\n", false },
		{ "x:2\n", "x:1\n", "x:1\n", false },
		{ "x:2\n", "x:1\nedit:3\n", "x:1\nedit:3\n", false },
		{ "x:1\nedit:3\n", "x:2\n", "x:1\nedit:3\n", false },
		{ "x:2\nadd:5\n", "x:1\n", "x:1\nadd:5\n", false },
		{ "x:2\nadd:5\n", "x:1\nedit:3\n", "x:1\nadd:5\n", true },
	};

	kills("", were, ARRAY_SIZE(were));
}
END_TEST

START_TEST(replaced_killed_in_an_undo)
{
	static const struct left were[] = {
		{ "x:2\nb:1\n", "x:1\nb:1\n", "x:1\nb:1\n", false },
		{ "x:1\nb:1\n", "x:2\nb:1\n", "x:1\nb:1\n", false },
		{ "x:1\n", "x:2\nedit:3\n", "x:1\nedit:3\n", false },
		{ "x:1\nb:1\n", "x:2\nedit:3\n", "x:1\nb:1\n", true },
	};

	kills("-undo", were, ARRAY_SIZE(were));
}
END_TEST

START_TEST(lines_killed_in_an_undo)
{
	static const struct left were[] = {
		{ "a:1:1\nours:1:2\nb:1:1\n", "a:1:1\nb:1:1\n", "a:1:1\nb:1:1\n", false },
		{ "a:1:1\nb:1:1\n", "a:1:1\nours:1:2\nb:1:1\n", "a:1:1\nb:1:1\n", false },
		{ "a:1:1\n", "a:1:1\nours:1:2\nedit:3:3\n", "a:1:1\nedit:3:3\n", false },
		{ "a:1:1\nb:1:1\n", "a:1:1\nours:1:2\nedit:3:3\n", "a:1:1\nb:1:1\n", true },
	};
	char undo[128];

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	snprintf(undo, sizeof(undo), "/etc/%s-undo", j.steps[0].tmp);
	for (size_t i = 0; i < ARRAY_SIZE(were); i++) {
		j.steps[0].found_sum = j.steps[0].back_sum = 0;
		recovers(&were[i], undo);
	}
}
END_TEST

/* Between the kill and the recovery accounts came and went: what the undo had staged or taken away
 * is still its own, and comes back neither as the database nor beside it. */
START_TEST(lines_changed_after_a_killed_undo)
{
	static const char *const now[] = { "a:1:1\nours:1:2\n", "a:1:1\n",
					   "a:1:1\nbob:3:3\ncarol:5:5\n" },
				 *const left[] = { "a:1:1\n", "a:1:1\n",
						   "a:1:1\nbob:3:3\ncarol:5:5\n" },
				 *const tmp[] = { "a:1:1\nbob:3:3\n",
						  "a:1:1\nours:1:2\nbob:3:3\n" };
	uint64_t found, back;
	char undo[128];
	bool changed;

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	put("/etc/subuid", "a:1:1\nours:1:2\nbob:3:3\n");
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	holds("/etc/subuid", "a:1:1\nbob:3:3\n");
	found = j.steps[0].found_sum;
	back = j.steps[0].back_sum;
	snprintf(undo, sizeof(undo), "/etc/%s-undo", j.steps[0].tmp);
	for (size_t i = 0; i < ARRAY_SIZE(now) * ARRAY_SIZE(tmp); i++) {
		_cleanup_strv_ char **names = NULL;
		size_t n = 0;

		j.steps[0].found_sum = found;
		j.steps[0].back_sum = back;
		put("/etc/subuid", now[i / 2]);
		put(undo, tmp[i % 2]);
		ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
		holds("/etc/subuid", left[i / 2]);
		ck_ok(host_list(host, "/etc", &names, &e));
		while (names[n])
			n++;
		ck_assert_uint_eq(n, 1);
	}
}
END_TEST

START_TEST(lines_that_were_edited)
{
	bool changed;

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	line("/etc/subuid", "more:1:2");
	record();
	act(0);
	put("/etc/subuid", "a:1:1\nours:1:3\nmore:1:2\n");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), -ESTALE);
	holds("/etc/subuid", "a:1:1\nours:1:3\nmore:1:2\n");
	ck_ok(undo_step(host, &j.steps[0], &forced, &changed, &e));
	holds("/etc/subuid", "a:1:1\n");
	put("/etc/subuid", "");
	ck_assert_int_eq(unlink(at("/etc/subuid")), 0);
	put_dir("/etc/subuid");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
}
END_TEST

/* Undoing lines of a large file takes time with the file, not with its square. */
START_TEST(lines_of_a_large_file)
{
	size_t n = 200000, cap = n * 24 + 1, len = 0;
	char *text = malloc(cap);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, cap - len, "ours%zu:%zu:1\n", i, i);
	put("/etc/subuid", text);
	line("/etc/subuid", "ours:1:2");
	record();
	act(0);
	back(0, true);
	holds("/etc/subuid", text);
	free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_of_a_new_file);
	tcase_add_test(tc, lines_of_an_empty_file);
	tcase_add_test(tc, lines_behind_others);
	tcase_add_test(tc, lines_without_a_final_newline);
	tcase_add_test(tc, lines_with_others_behind);
	tcase_add_test(tc, lines_that_moved);
	tcase_add_test(tc, lines_at_an_end_without_newline);
	tcase_add_test(tc, lines_partly_gone);
	tcase_add_test(tc, lines_of_a_new_file_with_others);
	tcase_add_test(tc, lines_like_ours);
	tcase_add_test(tc, lines_that_are_gone);
	tcase_add_test(tc, replaced);
	tcase_add_test(tc, replaced_in_the_last_line);
	tcase_add_test(tc, replaced_and_others_moved);
	tcase_add_test(tc, replaced_and_edited);
	tcase_add_test(tc, edited);
	tcase_add_test(tc, edited_and_doubled);
	tcase_add_test(tc, edited_beside_theirs);
	tcase_add_test(tc, accounts_stay_whole);
	tcase_add_test(tc, replaced_beside_appended);
	tcase_add_test(tc, replaced_by_turns);
	tcase_add_test(tc, replaced_killed_after_the_exchange);
	tcase_add_test(tc, replaced_killed_in_an_undo);
	tcase_add_test(tc, lines_killed_after_the_exchange);
	tcase_add_test(tc, lines_without_sums);
	tcase_add_test(tc, lines_killed_in_an_undo);
	tcase_add_test(tc, lines_changed_after_a_killed_undo);
	tcase_add_test(tc, lines_that_were_edited);
	tcase_add_test(tc, lines_of_a_large_file);
}

UNIT_MAIN("undo_lines")
