/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <sched.h>
#include <sys/mount.h>

static char told[4096];
static const char *stop; /* not to be looked below */

static int tell(void *arg, const char *path, const struct stat *st, struct err *err)
{
	size_t n = strlen(told);

	(void)err;
	ck_assert_ptr_eq(arg, &stop);
	snprintf(told + n, sizeof(told) - n, "%s%s ", path,
		 S_ISDIR(st->st_mode)	? "/"
		 : S_ISLNK(st->st_mode) ? "@"
					: "");
	return stop && streq(path, stop);
}

static void walks(const char *dir, const char *want)
{
	*told = '\0';
	ck_ok(host_walk(host, dir, tell, &stop, &e));
	ck_assert_str_eq(told, want);
}

START_TEST(all_below)
{
	put("/d/b/2", "");
	put("/d/b/1", "");
	put("/d/a", "");
	put("/e/secret", "");
	ck_assert_int_eq(symlink("/e", at("/d/link")), 0);
	ck_assert_int_eq(symlink("/d", at("/way")), 0);
	stop = NULL;
	walks("/d", "/d/a /d/b/ /d/b/1 /d/b/2 /d/link@ ");
	walks("/d/b", "/d/b/1 /d/b/2 ");
	stop = "/d/b";
	walks("/d", "/d/a /d/b/ /d/link@ ");
	ck_assert_int_eq(host_walk(host, "/way", tell, &stop, &e), -ELOOP);
	ck_assert_int_eq(host_walk(host, "/way/b", tell, &stop, &e), -ELOOP);
	ck_assert_int_eq(host_walk(host, "/none", tell, &stop, &e), -ENOENT);
	ck_assert_int_eq(host_walk(host, "/d/a", tell, &stop, &e), -ENOTDIR);
}
END_TEST

static int fails(void *arg, const char *path, const struct stat *st, struct err *err)
{
	(void)arg;
	(void)st;
	return err_set(err, EIO, "at %s", path);
}

START_TEST(ended)
{
	put("/d/a/b", "");
	put("/d/z", "");
	ck_assert_int_eq(host_walk(host, "/d", fails, NULL, &e), -EIO);
	ck_assert_str_eq(e.text, "at /d/a");
}
END_TEST

START_TEST(too_deep)
{
	char path[2 * HOST_WALK_DEPTH + 16] = "/d";

	for (int i = 0; i < HOST_WALK_DEPTH; i++) {
		ck_assert(mkdir(at(path), 0755) == 0);
		memcpy(path + strlen(path), "/d", 3);
	}
	stop = NULL;
	ck_ok(host_walk(host, "/d", tell, &stop, &e));
	ck_assert(mkdir(at(path), 0755) == 0);
	ck_assert_int_eq(host_walk(host, "/d", tell, &stop, &e), -E2BIG);
}
END_TEST

/* What is mounted is another's, be it the same file system. */
START_TEST(mounts)
{
	put("/d/a/file", "");
	put("/d/b/file", "");
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(at("/d/a"), at("/d/b"), "none", MS_BIND, NULL) < 0)
		return;
	host_free(host); /* its root is that of the old name space */
	ck_ok(host_open(root, &host, &e));
	stop = NULL;
	walks("/d", "/d/a/ /d/a/file ");
	ck_assert_int_eq(umount(at("/d/b")), 0);
	walks("/d", "/d/a/ /d/a/file /d/b/ /d/b/file ");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, all_below);
	tcase_add_test(tc, ended);
	tcase_add_test(tc, too_deep);
	tcase_add_test(tc, mounts);
}

UNIT_MAIN("walk")
