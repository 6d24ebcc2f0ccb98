/* SPDX-License-Identifier: Apache-2.0 */
#include "steps.h"

static void file(const char *path, const char *content)
{
	ck_assert_int_eq(changes_file(&c, host, path, content, strlen(content), CHANGE_KEEP_ATTRS,
				      0, 0, "m", NULL, NULL, "t", &e),
			 1);
}

static void force(size_t i)
{
	bool changed;

	ck_assert_int_eq(undo_step(host, &j.steps[i], &kindly, &changed, &e), -ESTALE);
	ck_says("changed by somebody else since");
	ck_assert(!changed);
	ck_ok(undo_step(host, &j.steps[i], &forced, &changed, &e));
	ck_assert(changed);
}

/* --- files --- */

START_TEST(replaced_file)
{
	_cleanup_(image_done) struct image before = { 0 }, now = { 0 };

	put("/etc/f", "before");
	ck_assert_int_eq(chmod(at("/etc/f"), 0640), 0);
	ck_ok(host_image_now(host, "/etc/f", &before, &e));
	file("/etc/f", "after");
	record();
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	act(0);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	ck_ok(host_image_now(host, "/etc/f", &now, &e));
	ck_assert(image_same(&before, &now));
	act(0);
	put("/etc/f", "theirs");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
	holds("/etc/f", "before");
	act(0);
	ck_assert_int_eq(unlink(at("/etc/f")), 0);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
	holds("/etc/f", "before");
	act(0);
	ck_assert_int_eq(chmod(at("/etc/f"), 0666), 0);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
}
END_TEST

START_TEST(made_file)
{
	file("/etc/f", "after");
	record();
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	act(0);
	back(0, true);
	ck_assert(!exists("/etc/f"));
	put("/etc/f", "theirs");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
	ck_assert(!exists("/etc/f"));
	ck_assert_int_eq(symlink("/theirs", at("/etc/f")), 0);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
	ck_assert(!exists("/etc/f"));
}
END_TEST

START_TEST(removed_file)
{
	put("/etc/f", "ours");
	ck_assert_int_eq(changes_remove_ours(&c, host, "/etc/f", "ours", 4, "m", NULL, "t", &e), 1);
	record();
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	act(0);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	holds("/etc/f", "ours");
	act(0);
	put("/etc/f", "theirs");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
	holds("/etc/f", "ours");
}
END_TEST

/* --- a run that was killed in between --- */

START_TEST(killed_after_staging)
{
	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	ck_ok(stage_file(host, "/etc/f", j.steps[0].tmp, &c.list[0]->after, &e));
	back(0, false);
	holds("/etc/f", "before");
	tidy();
}
END_TEST

START_TEST(killed_while_staging)
{
	char path[128];

	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	snprintf(path, sizeof(path), "/etc/%s" STAGE_PART, j.steps[0].tmp);
	put(path, "aft");
	back(0, false);
	holds("/etc/f", "before");
	tidy();
}
END_TEST

/* The two have been exchanged, the old one still stands under the temporary name: it is the file
 * itself that comes back, inode and all. */
START_TEST(killed_between_exchange_and_removal)
{
	struct stat before, now;
	char tmp[128];
	bool changed;

	put("/etc/f", "before");
	ck_assert_int_eq(stat(at("/etc/f"), &before), 0);
	file("/etc/f", "after");
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	ck_ok(stage_file(host, "/etc/f", j.steps[0].tmp, &c.list[0]->after, &e));
	ck_assert_int_eq(renameat2(AT_FDCWD, at("/etc/f"), AT_FDCWD, at(tmp), RENAME_EXCHANGE), 0);
	holds("/etc/f", "after");
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	holds("/etc/f", "before");
	ck_assert_int_eq(stat(at("/etc/f"), &now), 0);
	ck_assert_uint_eq(before.st_ino, now.st_ino);
	tidy();
}
END_TEST

/* In the same place, but what was taken away wasn't what had been seen: somebody's edit. It goes
 * back as it is. */
START_TEST(killed_before_an_edit_went_back)
{
	char tmp[128];
	bool changed;

	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	put("/etc/f", "after");
	put(tmp, "theirs");
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	holds("/etc/f", "theirs");
	tidy();
}
END_TEST

/* The exchange took an edit away, and since then the file was edited again: the earlier one is
 * neither put over it nor dropped. */
START_TEST(killed_between_two_edits)
{
	char tmp[128], kept[128];
	bool changed;

	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	snprintf(kept, sizeof(kept), "/etc/f.kept-%s", strstr(tmp, "bulkhead-") + 9);
	put("/etc/f", "theirs, later");
	put(tmp, "theirs");
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), -ESTALE);
	ck_says(kept);
	holds("/etc/f", "theirs, later");
	holds(kept, "theirs");
	tidy();
	/* What had been seen is in the journal: that can go. */
	put(tmp, "before");
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), -ESTALE);
	ck_says("changed by somebody else since");
	holds("/etc/f", "theirs, later");
	tidy();
}
END_TEST

/* An undo exchanges as well; what it took away and had not looked at yet. */
START_TEST(killed_in_an_undo)
{
	static const struct {
		const char *now, *tmp, *left;
	} were[] = {
		{ "after", "before", "before" },	/* about to write */
		{ "before", "after", "before" },	/* just written */
		{ "before", "theirs", "theirs" },	/* an edit taken away */
		{ "theirs", "before", "theirs" },	/* put back */
		{ "theirs, 2", "theirs", "theirs, 2" }, /* and another came */
	};
	char undo[128];
	bool changed;

	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	snprintf(undo, sizeof(undo), "/etc/%s-undo", j.steps[0].tmp);
	for (size_t i = 0; i < ARRAY_SIZE(were); i++) {
		put("/etc/f", were[i].now);
		put(undo, were[i].tmp);
		undo_step(host, &j.steps[0], &kindly, &changed, &e);
		holds("/etc/f", were[i].left);
		ck_assert(!exists(undo));
	}
	ck_says("f.kept-");
}
END_TEST

START_TEST(killed_while_removing)
{
	char tmp[128];

	put("/etc/f", "ours");
	ck_assert_int_eq(changes_remove_ours(&c, host, "/etc/f", "ours", 4, "m", NULL, "t", &e), 1);
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	ck_assert_int_eq(rename(at("/etc/f"), at(tmp)), 0);
	back(0, false);
	holds("/etc/f", "ours");
	tidy();
}
END_TEST

/* The temporary file still is the new one: the step was never done, and what stands at its target
 * is somebody's. */
START_TEST(killed_before_a_race_was_seen)
{
	bool changed;

	file("/etc/f", "after");
	record();
	ck_ok(stage_file(host, "/etc/f", j.steps[0].tmp, &c.list[0]->after, &e));
	put("/etc/f", "theirs");
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	ck_assert(!changed);
	holds("/etc/f", "theirs");
	tidy();
}
END_TEST

/* A file system without RENAME_NOREPLACE gets a link for a new name, and then both names are ours.
 */
START_TEST(killed_between_link_and_unlink)
{
	char tmp[128];
	bool changed;

	file("/etc/f", "after");
	record();
	snprintf(tmp, sizeof(tmp), "/etc/%s", j.steps[0].tmp);
	ck_ok(stage_file(host, "/etc/f", j.steps[0].tmp, &c.list[0]->after, &e));
	ck_assert_int_eq(link(at(tmp), at("/etc/f")), 0);
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	ck_assert(changed);
	ck_assert(!exists("/etc/f"));
	tidy();
}
END_TEST

/* A step that found somebody's edit in its place did nothing. */
START_TEST(untouched)
{
	bool changed;

	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	put("/etc/f", "theirs");
	j.steps[0].untouched = true;
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	ck_assert(!changed);
	holds("/etc/f", "theirs");
}
END_TEST

/* --- directories and attributes --- */

START_TEST(directories)
{
	ck_ok(changes_dir(&c, host, "/etc/d", 0700, getuid(), getgid(), "m", NULL, NULL, "t", &e));
	record();
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	act(0);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	ck_assert(!exists("/etc/d"));
	act(0);
	put("/etc/d/theirs", "x");
	back(0, false);
	holds("/etc/d/theirs", "x");
}
END_TEST

START_TEST(attributes)
{
	struct stat st;

	put("/etc/f", "x");
	ck_ok(changes_attrs(&c, host, "/etc/f", 0600, getuid(), getgid(), "m", NULL, NULL, "t",
			    &e));
	record();
	act(0);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	put("/etc/f", "content is not what counts");
	ck_assert_int_eq(chmod(at("/etc/f"), 0600), 0);
	back(0, true);
	ck_assert_int_eq(stat(at("/etc/f"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(chmod(at("/etc/f"), 0640), 0);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	force(0);
	/* A socket that is gone has nothing of ours left. */
	ck_assert_int_eq(unlink(at("/etc/f")), 0);
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
}
END_TEST

/* A kill between chmod(2) and chown(2), or between chown and the second chmod. */
START_TEST(attributes_half_set)
{
	static const struct {
		uid_t uid;
		mode_t mode;
		enum undo_where where;
	} were[] = {
		{ 0, 0600, UNDO_AFTER },     { 7, 0600, UNDO_AFTER },
		{ 7, 0660, UNDO_AFTER },     { 0, 0640, UNDO_BEFORE },
		{ 8, 0600, UNDO_ELSEWHERE }, { 0, 0660, UNDO_ELSEWHERE },
		{ 7, 0640, UNDO_ELSEWHERE }, { 7, 0400, UNDO_ELSEWHERE },
	};

	if (getuid() != 0)
		return;
	put("/etc/f", "x");
	ck_assert_int_eq(chmod(at("/etc/f"), 0640), 0);
	ck_ok(changes_attrs(&c, host, "/etc/f", 0660, 7, 0, "m", NULL, NULL, "t", &e));
	record();
	for (size_t i = 0; i < ARRAY_SIZE(were); i++) {
		struct stat st;

		ck_assert_int_eq(chown(at("/etc/f"), were[i].uid, 0), 0);
		ck_assert_int_eq(chmod(at("/etc/f"), were[i].mode), 0);
		ck_assert_int_eq(where(0), were[i].where);
		if (were[i].where == UNDO_ELSEWHERE)
			continue;
		back(0, were[i].where == UNDO_AFTER);
		ck_assert_int_eq(stat(at("/etc/f"), &st), 0);
		ck_assert_uint_eq(st.st_uid, 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0640);
	}
}
END_TEST

/* --- all of them --- */

START_TEST(all_steps)
{
	struct errs failed = { 0 };

	put("/etc/passwd", "root:x:0:0:::\n");
	line("/etc/passwd", "ours:x:1:1:::");
	file("/etc/a/b/f", "made");
	put("/etc/g", "before");
	file("/etc/g", "after");
	record();
	for (size_t i = 0; i < c.n; i++)
		act(i);
	/* The last first: what is in a directory goes before it. */
	ck_ok(undo_steps(host, &j, NULL, false, &failed, &e));
	ck_assert_uint_eq(failed.n, 0);
	ck_assert(!exists("/etc/a"));
	holds("/etc/g", "before");
	holds("/etc/passwd", "root:x:0:0:::\n");
	ck_ok(undo_steps(host, &j, NULL, false, &failed, &e));
}
END_TEST

/* A directory of ours, hidden for the time of an undo. */
START_TEST(a_directory_behind_a_link)
{
	struct errs failed = { 0 };

	file("/etc/a/b/f", "made");
	record();
	for (size_t i = 0; i < c.n; i++)
		act(i);
	ck_assert_int_eq(rename(at("/etc/a/b"), at("/etc/away")), 0);
	ck_assert_int_eq(symlink("b", at("/etc/a/b")), 0);
	ck_assert_int_lt(undo_steps(host, &j, NULL, false, &failed, &e), 0);
	errs_done(&failed);
	ck_assert_int_eq(unlink(at("/etc/a/b")), 0);
	ck_assert_int_eq(rename(at("/etc/away"), at("/etc/a/b")), 0);
	ck_ok(undo_steps(host, &j, NULL, false, &failed, &e));
	ck_assert(!exists("/etc/a"));
}
END_TEST

START_TEST(one_that_fails_stops_no_other)
{
	struct errs failed = { 0 };

	put("/etc/a", "before");
	put("/etc/b", "before");
	put("/etc/c", "before");
	file("/etc/a", "after");
	file("/etc/b", "after");
	file("/etc/c", "after");
	record();
	for (size_t i = 0; i < c.n; i++)
		act(i);
	put("/etc/b", "theirs");
	ck_assert_int_eq(undo_steps(host, &j, NULL, false, &failed, &e), -ESTALE);
	ck_assert_uint_eq(failed.n, 1);
	ck_assert_str_eq(failed.list[0].where, "/etc/b");
	holds("/etc/a", "before");
	holds("/etc/b", "theirs");
	holds("/etc/c", "before");
	errs_done(&failed);
	ck_ok(undo_steps(host, &j, NULL, true, &failed, &e));
	holds("/etc/b", "before");
}
END_TEST

/* A link on the way, or another directory, hides what is to be taken back: that is not done because
 * nothing is seen, and its time comes once the way is free. */
START_TEST(what_is_out_of_reach)
{
	struct errs failed = { 0 };
	struct stat st;

	put("/etc/fails", "before");
	put("/etc/d/attrs", "x");
	put("/etc/d/below/attrs", "x");
	put("/etc/d/other", "x");
	file("/etc/fails", "after");
	ck_ok(changes_attrs(&c, host, "/etc/d/attrs", 0600, getuid(), getgid(), "m", NULL, NULL,
			    "t", &e));
	ck_ok(changes_attrs(&c, host, "/etc/d/below/attrs", 0600, getuid(), getgid(), "m", NULL,
			    NULL, "t", &e));
	file("/etc/d/made", "ours");
	line("/etc/d/lines", "ours:1:2");
	c.list[2]->no_links = true;
	record();
	for (size_t i = 0; i < c.n; i++)
		act(i);
	put("/etc/fails", "theirs");
	for (int dir = 0; dir < 2; dir++) {
		ck_assert_int_eq(rename(at("/etc/d"), at("/etc/away")), 0);
		if (dir)
			put("/etc/d/below/attrs", "another");
		else
			ck_assert_int_eq(symlink("/nowhere", at("/etc/d")), 0);
		ck_assert_int_eq(undo_steps(host, &j, NULL, false, &failed, &e), -ESTALE);
		ck_assert_uint_eq(failed.n, 1);
		errs_done(&failed);
		ck_assert_int_eq(rename(at("/etc/d"), at(dir ? "/etc/was_dir" : "/etc/was_link")),
				 0);
		ck_assert_int_eq(rename(at("/etc/away"), at("/etc/d")), 0);
	}
	ck_assert_int_eq(undo_steps(host, &j, NULL, false, &failed, &e), -ESTALE);
	ck_assert_uint_eq(failed.n, 1);
	errs_done(&failed);
	ck_assert(!exists("/etc/d/made"));
	ck_assert(!exists("/etc/d/lines"));
	ck_assert_int_eq(stat(at("/etc/d/attrs"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(stat(at("/etc/d/below/attrs"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	/* Back is back: what somebody does with it now is theirs. */
	put("/etc/d/made", "ours");
	ck_assert_int_eq(chmod(at("/etc/d/attrs"), 0600), 0);
	ck_ok(undo_steps(host, &j, NULL, true, &failed, &e));
	holds("/etc/d/made", "ours");
	ck_assert_int_eq(stat(at("/etc/d/attrs"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* Files go back also when somebody holds the databases. */
START_TEST(databases_that_are_locked)
{
	struct errs failed = { 0 };

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	put("/etc/f", "before");
	file("/etc/f", "after");
	record();
	act(0);
	act(1);
	put("/etc/subuid.lock", "1");
	ck_assert_int_eq(undo_steps(host, &j, NULL, false, &failed, &e), -EBUSY);
	ck_assert_uint_eq(failed.n, 2);
	ck_assert_ptr_nonnull(strstr(failed.list[0].text, "subuid.lock"));
	ck_assert_str_eq(failed.list[1].where, "/etc/subuid");
	holds("/etc/f", "before");
	holds("/etc/subuid", "a:1:1\nours:1:2\n");
	errs_done(&failed);
	ck_assert_int_eq(unlink(at("/etc/subuid.lock")), 0);
	ck_ok(undo_steps(host, &j, NULL, false, &failed, &e));
	holds("/etc/subuid", "a:1:1\n");
}
END_TEST

/* Without a line of ours in them no lock is needed: on a full disk there may be no room for one. */
START_TEST(databases_that_were_not_reached)
{
	struct errs failed = { 0 };

	put("/etc/subuid", "a:1:1\n");
	line("/etc/subuid", "ours:1:2");
	record();
	ck_ok(stage_file(host, "/etc/subuid", j.steps[0].tmp, &c.list[0]->after, &e));
	j.steps[0].untouched = true;
	put("/etc/subuid.lock", "1");
	ck_ok(undo_steps(host, &j, NULL, false, &failed, &e));
	ck_assert_uint_eq(failed.n, 0);
	tidy();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, replaced_file);
	tcase_add_test(tc, made_file);
	tcase_add_test(tc, removed_file);
	tcase_add_test(tc, killed_after_staging);
	tcase_add_test(tc, killed_while_staging);
	tcase_add_test(tc, killed_between_exchange_and_removal);
	tcase_add_test(tc, killed_before_an_edit_went_back);
	tcase_add_test(tc, killed_between_two_edits);
	tcase_add_test(tc, killed_in_an_undo);
	tcase_add_test(tc, killed_while_removing);
	tcase_add_test(tc, killed_before_a_race_was_seen);
	tcase_add_test(tc, killed_between_link_and_unlink);
	tcase_add_test(tc, untouched);
	tcase_add_test(tc, directories);
	tcase_add_test(tc, attributes);
	tcase_add_test(tc, attributes_half_set);
	tcase_add_test(tc, all_steps);
	tcase_add_test(tc, a_directory_behind_a_link);
	tcase_add_test(tc, one_that_fails_stops_no_other);
	tcase_add_test(tc, what_is_out_of_reach);
	tcase_add_test(tc, databases_that_are_locked);
	tcase_add_test(tc, databases_that_were_not_reached);
}

UNIT_MAIN("undo")
