/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "../src/transaction.h"

static struct changes c;
static struct errs lost;
static bool between;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	put("/etc/f", "before");
	put("/srv/data/file", "x");
	put("/srv/data/sub/file", "x");
}

static void teardown(void)
{
	errs_done(&lost);
	changes_done(&c);
	root_teardown();
}

/* Mounts `path` on itself, read-only, in a name space of the test's own. False: that can't be. */
static bool mount_read_only(const char *path)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(at(path), at(path), "none", MS_BIND, NULL) < 0)
		return false;
	ck_assert_int_eq(mount("none", at(path), "none", MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
			 0);
	host_free(host); /* its root is that of the old name space */
	ck_ok(host_open(root, &host, &e));
	return true;
}

/* A change of content, and after it one of attributes. */
static void plan(const char *path)
{
	ck_assert_int_eq(changes_file(&c, host, "/etc/f", "after", 5, CHANGE_KEEP_ATTRS, 0, 0, "m",
				      NULL, NULL, "t", &e),
			 1);
	ck_ok(changes_attrs(&c, host, path, 0600, getuid(), getgid(), "m", NULL, NULL, "t", &e));
}

static int prepare(struct transaction *t)
{
	int r;

	ck_ok(transaction_begin(t, host, NULL, &e));
	r = transaction_prepare(t, &c, NULL, &e);
	if (r == 0)
		return 0;
	ck_assert(!t->begun);
	ck_assert(!journal_interrupted(host));
	holds("/etc/f", "before");
	transaction_end(t);
	return r;
}

static void apply(void)
{
	struct transaction t;

	ck_ok(prepare(&t));
	ck_ok(transaction_commit(&t, &c, &e));
	ck_ok(transaction_finish(&t, &e));
	transaction_end(&t);
}

static int rollback(void)
{
	_cleanup_journal_ struct journal j = { 0 };

	errs_done(&lost);
	lost = (struct errs){ 0 };
	return transaction_rollback(host, 0, true, false, NULL, NULL, &j, &between, &lost, &e);
}

static void rollback_is_refused(const char *why)
{
	ck_assert_int_eq(rollback(), -EBUSY);
	ck_says("nothing was undone");
	ck_assert_uint_eq(lost.n, 1);
	ck_assert_ptr_nonnull(strstr(lost.list[0].text, why));
	ck_assert(!between);
	ck_assert(!journal_interrupted(host));
	holds("/etc/f", "after");
}

START_TEST(attributes_on_a_read_only_mount)
{
	struct transaction t;

	if (!mount_read_only("/srv/data/sub"))
		return;
	ck_ok(host_changeable(host, "/srv/data/file", &e));
	ck_ok(host_changeable(host, "/srv/data/nothing", &e));
	/* The mount itself, whose directory is writable, as well as what is on it. */
	ck_ok(host_writable(host, "/srv/data/sub", &e));
	ck_assert_int_eq(host_changeable(host, "/srv/data/sub", &e), -EROFS);
	ck_assert_int_eq(host_changeable(host, "/srv/data/sub/file", &e), -EROFS);
	plan("/srv/data/sub");
	ck_assert_int_eq(prepare(&t), -EROFS);
	ck_says("nothing was changed");
	ck_says("/srv/data/sub");
	ck_assert_int_eq(umount(at("/srv/data/sub")), 0);
}
END_TEST

START_TEST(rollback_of_attributes_on_a_read_only_mount)
{
	plan("/srv/data/sub");
	apply();
	if (!mount_read_only("/srv/data/sub"))
		return;
	rollback_is_refused("read-only");
	ck_assert_int_eq(umount(at("/srv/data/sub")), 0);
	ck_ok(rollback());
	holds("/etc/f", "before");
}
END_TEST

static bool fix(const char *path, int flags)
{
	int fd = open(at(path), O_RDONLY | O_NONBLOCK);
	/* The kernel reads an int; valgrind goes by the number's long. */
	int arg[2] = { flags, 0 };
	bool done = fd >= 0 && ioctl(fd, FS_IOC_SETFLAGS, arg) == 0;

	close(fd);
	return done;
}

START_TEST(attributes_of_what_is_immutable)
{
	struct transaction t;

	if (!fix("/srv/data/file", FS_IMMUTABLE_FL))
		return;
	plan("/srv/data/file");
	ck_assert_int_eq(prepare(&t), -EPERM);
	ck_says("is immutable");
	ck_assert(fix("/srv/data/file", 0));
	/* In a directory that is, a file's own attributes can be set. */
	ck_assert(fix("/srv/data", FS_IMMUTABLE_FL));
	apply();
	ck_assert(fix("/srv/data", 0));
	ck_assert(fix("/srv/data/file", FS_APPEND_FL));
	rollback_is_refused("append-only");
	ck_assert(fix("/srv/data/file", 0));
	ck_ok(rollback());
	holds("/etc/f", "before");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, attributes_on_a_read_only_mount);
	tcase_add_test(tc, rollback_of_attributes_on_a_read_only_mount);
	tcase_add_test(tc, attributes_of_what_is_immutable);
}

UNIT_MAIN("obstacle")
