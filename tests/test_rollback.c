/* SPDX-License-Identifier: Apache-2.0 */
#include "transacted.h"

static void three(void)
{
	file("/etc/f", "one");
	line("/etc/subuid", "one:1:1");
	run();
	file("/etc/f", "two");
	line("/etc/subuid", "two:2:2");
	run();
	file("/etc/f", "three");
	file("/etc/g", "three");
	ck_assert_uint_eq(run(), 3);
}

START_TEST(rollback_walks_back)
{
	three();
	ck_ok(rollback(0, false));
	holds("/etc/f", "two");
	ck_assert(!exists("/etc/g"));
	ck_ok(rollback(0, false));
	holds("/etc/f", "one");
	holds("/etc/subuid", "alice:1:1\none:1:1\n");
	/* A new one on top of what is left. */
	file("/etc/f", "four");
	ck_assert_uint_eq(run(), 6);
	ck_ok(rollback(0, false));
	holds("/etc/f", "one");
	ck_ok(rollback(0, false));
	holds("/etc/f", "before");
	holds("/etc/subuid", "alice:1:1");
	ck_assert_int_eq(rollback(0, false), -ENOENT);
}
END_TEST

static unsigned asked;

static int objects(const struct host *h, const struct journal *undone, size_t n,
		   struct errs *failed, struct err *err)
{
	(void)h;
	(void)err;
	asked++;
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(undone[0].id, 3);
	errs_add(failed, "/etc/f", "containers run");
	return 0;
}

START_TEST(rollback_that_is_asked_about)
{
	_cleanup_journal_ struct journal a = { 0 }, b = { 0 };

	three();
	asked = 0;
	ck_assert_int_eq(
		transaction_rollback(host, 0, false, false, objects, NULL, &a, &between, &lost, &e),
		-EBUSY);
	ck_assert_uint_eq(lost.n, 1);
	ck_says("--force");
	holds("/etc/f", "three");
	ck_assert(!journal_interrupted(host));
	errs_done(&lost);
	lost = (struct errs){ 0 };
	/* Units are left alone: nothing happens to them now. */
	ck_ok(transaction_rollback(host, 0, false, true, objects, NULL, &b, &between, &lost, &e));
	ck_assert_uint_eq(asked, 1);
	holds("/etc/f", "two");
}
END_TEST

START_TEST(rollback_down_to_one)
{
	three();
	ck_assert_int_eq(rollback(9, false), -ENOENT);
	ck_says("no transaction 9");
	ck_ok(rollback(2, false));
	holds("/etc/f", "one");
	ck_assert(!exists("/etc/g"));
	ck_assert_int_eq(rollback(2, false), -ENOENT);
	ck_assert_int_eq(rollback(3, false), -ENOENT);
	ck_ok(rollback(1, false));
	holds("/etc/f", "before");
	holds("/etc/subuid", "alice:1:1");
}
END_TEST

START_TEST(rollback_of_attributes_of_our_file)
{
	file("/etc/g", "ours");
	run();
	ck_ok(changes_attrs(&c, host, "/etc/g", 0600, getuid(), getgid(), "m", NULL, NULL, "t",
			    &e));
	run();
	ck_ok(rollback(1, false));
	ck_assert(!exists("/etc/g"));
}
END_TEST

/* Everything is looked at before anything is touched. */
START_TEST(rollback_refuses_edits)
{
	three();
	put("/etc/f", "theirs");
	put("/etc/g", "theirs");
	ck_assert_int_eq(rollback(1, false), -ESTALE);
	ck_says("nothing was undone");
	ck_assert_uint_eq(lost.n, 2);
	holds("/etc/f", "theirs");
	holds("/etc/g", "theirs");
	holds("/etc/subuid", "alice:1:1\none:1:1\ntwo:2:2\n");
	ck_assert(!journal_interrupted(host));
	ck_ok(rollback(1, true));
	ck_assert_uint_eq(lost.n, 0);
	holds("/etc/f", "before");
	ck_assert(!exists("/etc/g"));
	holds("/etc/subuid", "alice:1:1");
}
END_TEST

START_TEST(rollback_refuses_what_came_in_place_of_a_removed_file)
{
	plan();
	run();
	put("/etc/old", "theirs");
	ck_assert_int_eq(rollback(0, false), -ESTALE);
	ck_assert_str_eq(lost.list[0].where, "/etc/old");
	holds("/etc/old", "theirs");
	holds("/etc/f", "after");
	ck_ok(rollback(0, true));
	is_before();
}
END_TEST

START_TEST(rollback_begins_only_when_the_databases_are_free)
{
	plan();
	run();
	put_dir("/etc/subuid.lock");
	ck_assert_int_eq(rollback(0, false), -EBUSY);
	ck_says("nothing was undone");
	ck_assert(!journal_interrupted(host));
	ck_assert_int_eq(rmdir(at("/etc/subuid.lock")), 0);
	is_after();
	ck_ok(rollback(0, false));
	is_before();
}
END_TEST

/* Other people's lines are not edits of ours. */
START_TEST(rollback_of_lines_leaves_others)
{
	plan();
	run();
	put("/etc/subuid", "bob:5:5\nours:2:2\nalice:1:1\n");
	ck_ok(rollback(0, false));
	holds("/etc/subuid", "bob:5:5\nalice:1:1\n");
	holds("/etc/f", "before");
}
END_TEST

static void run_replace(const char *old, const char *text)
{
	ck_ok(changes_line_replace(&c, host, "/etc/subuid", old, text, "m", NULL, NULL, "t", &e));
	run();
}

/* A later transaction's line in the place of an earlier one's is no edit of it. */
START_TEST(rollback_of_lines_replaced_again)
{
	plan();
	run();
	run_replace("ours:2:2", "ours:2:3");
	run_replace("ours:2:3", "ours:2:4");
	run_replace("alice:1:1", "alice:1:5");
	holds("/etc/subuid", "alice:1:5\nours:2:4\n");
	ck_assert_msg(rollback(1, false) == 0, "%s", e.text);
	is_before();
}
END_TEST

/* Replaced by somebody else in between, it is. */
START_TEST(rollback_of_replaced_lines_edited)
{
	plan();
	run();
	run_replace("ours:2:2", "ours:2:3");
	put("/etc/subuid", "alice:1:1\nours:2:9\n");
	ck_assert_int_eq(rollback(1, false), -ESTALE);
	ck_assert_str_eq(lost.list[0].where, "/etc/subuid");
	holds("/etc/subuid", "alice:1:1\nours:2:9\n");
}
END_TEST

START_TEST(rollback_of_edited_lines)
{
	plan();
	run();
	put("/etc/subuid", "alice:1:1\nours:2:3\n");
	ck_assert_int_eq(rollback(0, false), -ESTALE);
	ck_assert_str_eq(lost.list[0].where, "/etc/subuid");
	holds("/etc/f", "after");
	ck_ok(rollback(0, true));
	holds("/etc/subuid", "alice:1:1");
	holds("/etc/f", "before");
}
END_TEST

START_TEST(rollback_keeps_directories_in_use)
{
	plan();
	run();
	put("/etc/dir/theirs", "x");
	ck_ok(rollback(0, false));
	holds("/etc/dir/theirs", "x");
	ck_assert(!exists("/etc/dir/new"));
}
END_TEST

START_TEST(rollback_begins_only_when_nobody_writes)
{
	int fd;

	plan();
	run();
	fd = open(at("/etc/f"), O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (int force = 0; force < 2; force++) {
		ck_assert_int_eq(rollback(0, force), -EBUSY);
		ck_assert(!between);
		ck_assert_uint_eq(lost.n, 1);
		ck_assert_str_eq(lost.list[0].where, "/etc/f");
		ck_assert_ptr_nonnull(strstr(lost.list[0].text, "open for writing"));
		is_after();
	}
	close(fd);
	ck_ok(rollback(0, false));
	is_before();
}
END_TEST

START_TEST(rollback_without_history_writes_nothing)
{
	ck_assert_int_eq(rollback(0, false), -ENOENT);
	ck_assert_int_eq(rollback(1, true), -ENOENT);
	ck_assert(!exists("/var"));
	ck_assert_int_eq(recover(), 0);
	ck_assert(!exists("/var"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rollback_walks_back);
	tcase_add_test(tc, rollback_that_is_asked_about);
	tcase_add_test(tc, rollback_down_to_one);
	tcase_add_test(tc, rollback_of_attributes_of_our_file);
	tcase_add_test(tc, rollback_refuses_edits);
	tcase_add_test(tc, rollback_refuses_what_came_in_place_of_a_removed_file);
	tcase_add_test(tc, rollback_begins_only_when_the_databases_are_free);
	tcase_add_test(tc, rollback_of_lines_leaves_others);
	tcase_add_test(tc, rollback_of_lines_replaced_again);
	tcase_add_test(tc, rollback_of_replaced_lines_edited);
	tcase_add_test(tc, rollback_of_edited_lines);
	tcase_add_test(tc, rollback_keeps_directories_in_use);
	tcase_add_test(tc, rollback_begins_only_when_nobody_writes);
	tcase_add_test(tc, rollback_without_history_writes_nothing);
}

UNIT_MAIN("rollback")
