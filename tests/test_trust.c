/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/trust.h"

#include "unit.h"

static char *dir;
static char path[4096];

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s%s", dir, name);
	return path;
}

static void setup(void)
{
	unsetenv("SUDO_UID");
	dir = tree_new();
	tree_write(dir, "/etc/plan.yaml", "version: 1\n", 0644);
}

static void teardown(void)
{
	tree_remove(dir);
}

/* Opens DIR/NAME with the check; the error's text stands in `e`. */
static int opened(const char *name, struct err *e)
{
	struct stat st = { 0 };
	int folder = -1, fd = -1, r;

	*e = (struct err){ 0 };
	r = trust_open(*name == '/' ? at(name) : name, true, &folder, &fd, &st, e);
	ck_assert(r == 0 || (r < 0 && r == e->code && *e->text));
	ck_assert((r == 0) == (fd >= 0 && folder >= 0));
	if (!r) {
		ck_assert(S_ISREG(st.st_mode));
		close(fd);
		close(folder);
	}
	return r;
}

START_TEST(test_plain)
{
	struct err e;

	setup();
	ck_assert_msg(opened("/etc/plan.yaml", &e) == 0, "%s", e.text);
	ck_assert_int_eq(opened("/etc/../etc/./plan.yaml", &e), 0);
	ck_assert_int_eq(opened("/etc//plan.yaml", &e), 0);
	ck_assert_int_eq(opened("/etc/nothing", &e), -ENOENT);
	ck_assert_int_eq(opened("/nothing/plan.yaml", &e), -ENOENT);
	ck_assert_int_eq(opened("/etc/plan.yaml/x", &e), -ENOTDIR);
	ck_assert_int_eq(opened("/etc/plan.yaml/", &e), -ENOTDIR);
	ck_assert_int_eq(opened("/etc", &e), -EISDIR);
	ck_assert_int_eq(opened("/etc/", &e), -EISDIR);
	ck_assert_int_eq(opened("", &e), -ENOENT);
	ck_assert_int_eq(mkfifo(at("/etc/fifo"), 0600), 0);
	ck_assert_int_eq(opened("/etc/fifo", &e), -EINVAL);
	ck_assert_int_eq(chdir(at("/etc")), 0);
	ck_assert_int_eq(opened("plan.yaml", &e), 0);
	ck_assert_int_eq(opened("../etc/plan.yaml", &e), 0);
	ck_assert_int_eq(chdir("/"), 0);
	teardown();
}
END_TEST

START_TEST(test_modes)
{
	struct err e;

	setup();
	chmod(at("/etc/plan.yaml"), 0664);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "its group can write to it (mode 0664)"));
	ck_assert_ptr_nonnull(strstr(e.text, "\ntype: chmod go-w '"));
	chmod(at("/etc/plan.yaml"), 0602);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, ": others can write"));
	chmod(at("/etc/plan.yaml"), 0600);

	chmod(at("/etc"), 0775);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "the folder '"));
	ck_assert_ptr_nonnull(strstr(e.text, "/etc' is not trusted"));
	chmod(at("/etc"), 01777);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), 0);
	chmod(at("/etc"), 0755);

	/* A folder further up, also for a path that doesn't name it. */
	chmod(at(""), 0777);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	ck_assert_int_eq(chdir(at("/etc")), 0);
	ck_assert_int_eq(opened("plan.yaml", &e), -EPERM);
	ck_assert_int_eq(chdir("/"), 0);
	chmod(at(""), 0700);
	teardown();
}
END_TEST

START_TEST(test_links)
{
	struct err e;
	char target[4096];

	setup();
	tree_write(dir, "/open/plan.yaml", "version: 1\n", 0644);
	ck_assert_int_eq(symlink("plan.yaml", at("/etc/link")), 0);
	ck_assert_int_eq(opened("/etc/link", &e), 0);
	snprintf(target, sizeof(target), "%s/open/plan.yaml", dir);
	ck_assert_int_eq(symlink(target, at("/etc/far")), 0);
	ck_assert_int_eq(symlink("../open/", at("/etc/folder")), 0);
	ck_assert_int_eq(opened("/etc/far", &e), 0);
	ck_assert_int_eq(opened("/etc/folder/plan.yaml", &e), 0);
	ck_assert_int_eq(opened("/etc/folder/../etc/link", &e), 0);
	/* The target's folder counts. */
	chmod(at("/open"), 0777);
	ck_assert_int_eq(opened("/etc/far", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "/open' is not trusted"));
	ck_assert_int_eq(opened("/etc/folder/plan.yaml", &e), -EPERM);
	/* And the link's. */
	chmod(at("/open"), 0755);
	chmod(at("/etc"), 0777);
	ck_assert_int_eq(opened("/etc/far", &e), -EPERM);
	chmod(at("/etc"), 0755);

	ck_assert_int_eq(symlink("loop", at("/etc/loop")), 0);
	ck_assert_int_eq(opened("/etc/loop", &e), -ELOOP);
	ck_assert_int_eq(symlink("nothing", at("/etc/dangling")), 0);
	ck_assert_int_eq(opened("/etc/dangling", &e), -ENOENT);
	teardown();
}
END_TEST

START_TEST(test_pipe)
{
	int fds[2];
	struct err e = { 0 };
	char name[64];
	struct stat st;
	int folder, fd;

	ck_assert_int_eq(pipe(fds), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	ck_assert_int_eq(trust_open(name, false, &folder, &fd, &st, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "is a pipe"));
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(test_owners)
{
	struct err e;

	if (geteuid() != 0)
		return; /* only root can give files away */
	setup();
	ck_assert_int_eq(chown(at("/etc/plan.yaml"), 4321, 0), 0);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "belongs to uid 4321"));
	ck_assert_ptr_nonnull(strstr(e.text, "\ntype: chown -h root '"));
	setenv("SUDO_UID", "4321", 1);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), 0);
	for (const char *const *s = (const char *const[]){ "04321", "4321 ", "+4321", "",
							   "4294971617", "4294967295", NULL };
	     *s; s++) {
		setenv("SUDO_UID", *s, 1);
		ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	}
	unsetenv("SUDO_UID");
	ck_assert_int_eq(chown(at("/etc/plan.yaml"), 0, 0), 0);
	ck_assert_int_eq(chown(at("/etc"), 4321, 0), 0);
	ck_assert_int_eq(opened("/etc/plan.yaml", &e), -EPERM);
	ck_assert_int_eq(chown(at("/etc"), 0, 0), 0);

	ck_assert_int_eq(symlink("plan.yaml", at("/etc/link")), 0);
	ck_assert_int_eq(lchown(at("/etc/link"), 4321, 0), 0);
	ck_assert_int_eq(opened("/etc/link", &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "the symbolic link '"));
	teardown();
}
END_TEST

START_TEST(test_beside)
{
	struct err e = { 0 };
	struct stat st;
	int folder, fd, beside = -1;

	setup();
	tree_write(dir, "/etc/more.yaml", "", 0644);
	ck_assert_int_eq(symlink("more.yaml", at("/etc/link")), 0);
	ck_assert_int_eq(trust_open(at("/etc/plan.yaml"), true, &folder, &fd, &st, &e), 0);
	ck_assert_int_eq(trust_open_beside(folder, "more.yaml", "m", true, &beside, &st, &e), 0);
	close(beside);
	ck_assert_int_eq(trust_open_beside(folder, "link", "l", true, &beside, &st, &e), -ELOOP);
	chmod(at("/etc/more.yaml"), 0666);
	ck_assert_int_eq(trust_open_beside(folder, "more.yaml", "m", true, &beside, &st, &e),
			 -EPERM);
	ck_assert_int_eq(trust_open_beside(folder, "more.yaml", "m", false, &beside, &st, &e), 0);
	close(beside);
	close(fd);
	close(folder);
	teardown();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_plain);
	tcase_add_test(tc, test_modes);
	tcase_add_test(tc, test_links);
	tcase_add_test(tc, test_pipe);
	tcase_add_test(tc, test_owners);
	tcase_add_test(tc, test_beside);
}

UNIT_MAIN("trust")
