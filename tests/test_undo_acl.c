/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACLs as changes: listed, set, and taken back from wherever that stopped.
 */
#include "steps.h"

#include <sys/xattr.h>

#include "../src/acl.h"

static bool acls; /* has the file system any? */

static void prepare(void)
{
	setup();
	put_dir("/d");
	put("/d/f", "content");
	acls = host_has_acls(host, "/d", &e) == 0;
}

static struct acl acl_with(mode_t mode, uint32_t uid, unsigned perm)
{
	struct acl a = { 0 };

	ck_ok(acl_of_mode(mode, &a, &e));
	ck_ok(acl_grant(&a, ACL_TAG_USER, uid, perm, NULL, NULL, &e));
	return a;
}

static int want(const char *path, const struct acl *access, const struct acl *inherit,
		bool no_links)
{
	int r;

	host_overlay(host, &c);
	r = changes_acl(&c, host, path, CHANGE_KEEP_OWNER, 0, access, inherit, no_links, "m", "s",
			NULL, "t", &e);
	host_overlay(host, NULL);
	return r;
}

static void set_on_disk(const char *path, const char *name, const struct acl *a)
{
	_cleanup_free_ void *bytes = NULL;
	size_t len;

	ck_ok(acl_bytes(a, &bytes, &len, &e));
	ck_assert_int_eq(setxattr(at(path), name, bytes, len, 0), 0);
}

static void look(const char *path, struct image *ret)
{
	ck_ok(host_attrs_now(host, path, false, ret, &e));
}

START_TEST(listed)
{
	_cleanup_acl_ struct acl a = acl_with(0755, 33, 7), two = { 0 }, none = { 0 };
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (!acls)
		return;
	ck_assert_int_eq(want("/d", &a, &a, true), 1);
	ck_assert_int_eq(want("/d", &a, &a, true), 0);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_uint_eq(c.list[0]->after.mode, S_IFDIR | 0775);
	ck_assert(c.list[0]->no_links);
	/* A second one joins, and sees the first. */
	host_overlay(host, &c);
	ck_ok(host_attrs(host, "/d", true, &im, &e));
	host_overlay(host, NULL);
	ck_ok(acl_of_image(&im, &two, &e));
	ck_assert(acl_same(&a, &two));
	ck_ok(acl_grant(&two, ACL_TAG_USER, 34, 5, NULL, NULL, &e));
	ck_assert_int_eq(want("/d", &two, NULL, true), 1);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_uint_eq(c.list[0]->n_whys, 2);
	ck_assert_ptr_nonnull(image_xattr(&c.list[0]->after, XATTR_ACL_DEFAULT));
	/* What a file holds is read past it. */
	ck_assert_int_eq(want("/d/f", &a, NULL, true), 1);
	host_overlay(host, &c);
	ck_ok(host_read(host, "/d/f", 100, &text, &len, &e));
	host_overlay(host, NULL);
	ck_assert_str_eq(text, "content");
	/* The mode alone is no ACL; and there is none to take away. */
	ck_ok(acl_of_mode(0644, &none, &e));
	put("/d/g", "");
	ck_assert_int_eq(want("/d/g", &none, NULL, true), 0);
	ck_assert_int_eq(want("/d/none", &none, NULL, true), -ENOENT);
	/* A directory that is only planned. */
	host_overlay(host, &c);
	ck_ok(changes_dir(&c, host, "/new", 0750, 0, 0, "m", NULL, NULL, "t", &e));
	host_overlay(host, NULL);
	ck_assert_int_eq(want("/new", &a, &a, true), 1);
	ck_assert_int_eq(changes_find(&c, "/new")->kind, CHANGE_DIR);
	/* A file that is replaced whole is another matter. */
	ck_assert_int_eq(
		changes_file(&c, host, "/d/h", "x", 1, 0644, 0, 0, "m", NULL, NULL, "t", &e), 1);
	ck_assert_int_eq(want("/d/h", &a, NULL, true), -EBUSY);
}
END_TEST

START_TEST(set_and_taken_back)
{
	_cleanup_acl_ struct acl a = acl_with(0750, 33, 7), b = acl_with(0640, 33, 6);
	_cleanup_(image_done) struct image dir = { 0 }, file = { 0 }, now = { 0 }, then = { 0 };

	if (!acls)
		return;
	look("/d", &dir);
	look("/d/f", &file);
	ck_assert_int_eq(want("/d", &a, &a, true), 1);
	ck_assert_int_eq(want("/d/f", &b, NULL, true), 1);
	record();
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(where(i), UNDO_BEFORE);
		act(i);
		ck_assert_int_eq(where(i), UNDO_AFTER);
	}
	back(1, true);
	back(0, true);
	look("/d", &now);
	look("/d/f", &then);
	ck_assert(image_same_attrs(&dir, &now));
	ck_assert(image_same_attrs(&file, &then));
}
END_TEST

START_TEST(half_set)
{
	_cleanup_acl_ struct acl a = acl_with(0755, 33, 7), theirs = acl_with(0755, 99, 7);
	_cleanup_acl_ struct acl both = { 0 };

	if (!acls)
		return;
	ck_assert_int_eq(want("/d", &a, &a, true), 1);
	record();
	set_on_disk("/d", XATTR_ACL_DEFAULT, &a);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	set_on_disk("/d", XATTR_ACL, &a);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	/* Somebody's own. */
	set_on_disk("/d", XATTR_ACL, &theirs);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	act(0);
	ck_ok(acl_copy(&a, &both, &e));
	ck_ok(acl_grant(&both, ACL_TAG_USER, 99, 5, NULL, NULL, &e));
	set_on_disk("/d", XATTR_ACL, &both);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	act(0);
	set_on_disk("/d", XATTR_ACL_DEFAULT, &theirs);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
}
END_TEST

static void look_of(const char *path, mode_t mode, uid_t uid)
{
	ck_assert_int_eq(chown(at(path), uid, uid), 0);
	ck_assert_int_eq(chmod(at(path), mode), 0);
}

/* Where setting owner and mode stops: setting an ACL sets the permissions alone, chown(2) comes
 * after a chmod(2) that takes all bits above them. */
START_TEST(stopped_between_two_calls)
{
	_cleanup_acl_ struct acl a = acl_with(0775, 33, 7);
	static const struct stop {
		mode_t was, to, now;
		uid_t owner, owner_now;
		enum undo_where where;
	} stops[] = {
		{ 02775, 0750, 02750, 0, 0, UNDO_AFTER },
		{ 02775, 0750, 0775, 0, 0, UNDO_AFTER },
		{ 02775, 0750, 0700, 0, 0, UNDO_ELSEWHERE },
		{ 02775, 0750, 02770, 0, 0, UNDO_ELSEWHERE },
		{ 0775, 0750, 02750, 0, 0, UNDO_ELSEWHERE },
		{ 02777, 02755, 0700, 7, 7, UNDO_AFTER },
		{ 02777, 02755, 0700, 7, 0, UNDO_AFTER },
		{ 02777, 02755, 0755, 7, 0, UNDO_AFTER },
		{ 02777, 02755, 01755, 7, 0, UNDO_ELSEWHERE },
		{ 02777, 02755, 0711, 7, 0, UNDO_ELSEWHERE },
		{ 02777, 02755, 0755, 7, 8, UNDO_ELSEWHERE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(stops) * (acls ? 2 : 1); i++) {
		const struct stop *s = &stops[i / (acls ? 2 : 1)];
		_cleanup_(image_done) struct image was = { 0 }, now = { 0 };
		bool changed, with_acl = acls && i % 2;

		look_of("/d", s->was, s->owner);
		if (with_acl) {
			set_on_disk("/d", XATTR_ACL, &a);
			look_of("/d", s->was, s->owner);
		}
		look("/d", &was);
		ck_ok(changes_attrs(&c, host, "/d", s->to, 0, 0, "m", NULL, NULL, "t", &e));
		record();
		if (with_acl)
			ck_assert_int_eq(removexattr(at("/d"), XATTR_ACL), 0);
		look_of("/d", s->now, s->owner_now);
		ck_assert_int_eq(where(0), s->where);
		ck_ok(undo_step(host, &j.steps[0], &forced, &changed, &e));
		look("/d", &now);
		ck_assert(image_same_attrs(&was, &now));
		ck_assert_int_eq(where(0), UNDO_BEFORE);
		ck_assert_int_eq(setxattr(at("/d"), "user.theirs", "x", 1, 0), 0);
		ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
		ck_assert_int_eq(removexattr(at("/d"), "user.theirs"), 0);
		if (with_acl)
			ck_assert_int_eq(removexattr(at("/d"), XATTR_ACL), 0);
		journal_done(&j);
		changes_done(&c);
	}
}
END_TEST

/* With an ACL in place chmod(2) changes its mask; an ACL of somebody's is not that. */
START_TEST(stopped_before_the_owner_changes)
{
	_cleanup_acl_ struct acl a = acl_with(0775, 33, 7), theirs = acl_with(0775, 34, 7);

	if (!acls)
		return;
	look_of("/d", 0775, 7);
	set_on_disk("/d", XATTR_ACL, &a);
	ck_ok(changes_attrs(&c, host, "/d", 0750, 0, 0, "m", NULL, NULL, "t", &e));
	record();
	look_of("/d", 0700, 7);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	look_of("/d", 0700, 0);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	set_on_disk("/d", XATTR_ACL, &theirs);
	look_of("/d", 0700, 0);
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
}
END_TEST

/* Whoever may write the directory puts another file there, which looks the same. */
START_TEST(another_of_the_same_looks)
{
	_cleanup_acl_ struct acl a = acl_with(0644, 33, 6);

	if (!acls)
		return;
	put("/d/other", "theirs");
	ck_assert_int_eq(want("/d/f", &a, NULL, true), 1);
	record();
	ck_assert_int_eq(rename(at("/d/other"), at("/d/f")), 0);
	ck_assert_int_eq(stage_attrs(host, "/d/f", true, &c.list[0]->before, &c.list[0]->after, &e),
			 -ESTALE);
	ck_assert_int_eq(getxattr(at("/d/f"), XATTR_ACL, NULL, 0), -1);
}
END_TEST

/* Whoever may write the directory puts something else there. */
START_TEST(replaced_meanwhile)
{
	_cleanup_acl_ struct acl a = acl_with(0644, 33, 6);
	_cleanup_json_ json_t *o = NULL;
	struct journal again = { 0 };
	struct stat st;
	bool changed;

	if (!acls)
		return;
	put_dir("/d/sub");
	put("/d/sub/f", "");
	put("/secret/f", "");
	ck_assert_int_eq(want("/d/sub/f", &a, NULL, true), 1);
	record();
	ck_assert_int_eq(rename(at("/d/sub"), at("/d/moved")), 0);
	ck_assert_int_eq(symlink("/secret", at("/d/sub")), 0);
	ck_assert_int_eq(
		stage_attrs(host, "/d/sub/f", true, &c.list[0]->before, &c.list[0]->after, &e),
		-ENOENT);
	ck_assert_int_eq(stage_attrs(host, "/d/sub/f", true, NULL, &c.list[0]->after, &e), -ENOENT);
	ck_assert_int_eq(stat(at("/secret/f"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	back(0, false);
	/* The record knows it still. */
	j.id = 1;
	o = journal_json(&j);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(journal_parse(o, &again), 0);
	ck_assert(again.steps[0].no_links);
	ck_assert_uint_eq(again.steps[0].before.ino, c.list[0]->before.ino);
	journal_done(&again);
	/* Another file of that name; with what ours had, as in a copy of the root. */
	ck_assert_int_eq(unlink(at("/d/sub")), 0);
	put("/d/sub/f", "");
	j.steps[0].before.ino++;
	ck_assert_int_eq(chmod(at("/d/sub/f"), 0604), 0);
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &forced, &changed, &e), 1);
	ck_assert_int_eq(stat(at("/d/sub/f"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0604);
	ck_assert_int_eq(chmod(at("/d/sub/f"), 0644), 0);
	set_on_disk("/d/sub/f", XATTR_ACL, &a);
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	ck_assert_int_eq(chmod(at("/d/sub/f"), 0664), 0); /* the mask is set, its ACL not yet */
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	ck_assert_int_eq(getxattr(at("/d/sub/f"), XATTR_ACL, NULL, 0), -1);
}
END_TEST

START_TEST(refused_by_the_file_system)
{
	if (host_exists(host, "/d") && host_has_acls(host, "/d", &e) < 0)
		ck_says("without POSIX ACLs");
	ck_assert_int_eq(host_has_acls(host, "/none", &e), -ENOENT);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, prepare, teardown);
	tcase_add_test(tc, listed);
	tcase_add_test(tc, set_and_taken_back);
	tcase_add_test(tc, half_set);
	tcase_add_test(tc, stopped_between_two_calls);
	tcase_add_test(tc, stopped_before_the_owner_changes);
	tcase_add_test(tc, another_of_the_same_looks);
	tcase_add_test(tc, replaced_meanwhile);
	tcase_add_test(tc, refused_by_the_file_system);
}

UNIT_MAIN("undo_acl")
