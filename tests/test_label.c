/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rooted.h"

#include <sys/xattr.h>

#include "../src/accounts.h"
#include "../src/journal.h"
#include "../src/label.h"
#include "../src/stage.h"

#define CONFIG	 "/etc/selinux/config"
#define CONTEXTS "/etc/selinux/targeted/contexts/files/file_contexts"

static const char rules[] = "/etc(/.*)?	system_u:object_r:etc_t:s0\n"
			    "/etc/docker(/.*)?	system_u:object_r:container_config_t:s0\n"
			    "/etc/docker	-d	system_u:object_r:docker_dir_t:s0\n"
			    "/etc/\\.pwd\\.lock	--	system_u:object_r:shadow_t:s0\n"
			    "/var/lib/bulkhead(/.*)?	system_u:object_r:ours_t:s0\n";

/* The label of a path, "" for none. */
static char *label(const char *path, mode_t mode)
{
	char *con = (char *)(uintptr_t) "untouched";

	host_forget(host);
	ck_ok(label_context(host, path, mode, &con, &e));
	return con ? con : strdup("");
}

static void says(const char *path, mode_t mode, const char *wanted)
{
	_cleanup_free_ char *got = label(path, mode);

	if (HAVE_SELINUX)
		ck_assert_str_eq(got, wanted);
	else
		ck_assert_str_eq(got, "");
}

START_TEST(by_the_root_s_policy)
{
	put(CONFIG, "# comment\nSELINUX=permissive\n  SELINUXTYPE=targeted\n");
	put(CONTEXTS, rules);
	says("/etc/passwd", S_IFREG, "system_u:object_r:etc_t:s0");
	says("/etc/docker/daemon.json", S_IFREG, "system_u:object_r:container_config_t:s0");
	says("/etc/docker", S_IFDIR, "system_u:object_r:docker_dir_t:s0");
	says("/var/lib/x", S_IFREG, "");
}
END_TEST

START_TEST(no_policy_no_label)
{
	static const char *const configs[] = {
		"SELINUX=disabled\nSELINUXTYPE=targeted\n",
		"SELINUX=enforcing\n",
		"SELINUXTYPE=targeted\n",
		"#SELINUX=enforcing\nSELINUXTYPE=targeted\n",
		"SELINUX=enforcing\nSELINUXTYPE=../targeted\n",
		"SELINUX=enforcing\nSELINUXTYPE=..\n",
		"SELINUX=enforcing\nSELINUXTYPE=missing\n",
		"",
	};

	says("/etc/passwd", S_IFREG, "");
	put(CONTEXTS, rules);
	says("/etc/passwd", S_IFREG, "");
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		put(CONFIG, configs[i]);
		says("/etc/passwd", S_IFREG, "");
	}
	put(CONFIG, "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
	says("/etc/passwd", S_IFREG, "system_u:object_r:etc_t:s0");
	ck_assert_int_eq(unlink(at(CONTEXTS)), 0);
	says("/etc/passwd", S_IFREG, "");
}
END_TEST

/* libselinux would read all of it. */
START_TEST(an_endless_policy)
{
	char *con;

	if (!HAVE_SELINUX)
		return;
	put(CONFIG, "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
	put(CONTEXTS, rules);
	put(CONTEXTS ".subs", "");
	ck_assert_int_eq(truncate(at(CONTEXTS ".subs"), (off_t)10 << 30), 0);
	host_forget(host);
	ck_assert_int_eq(label_context(host, "/etc/passwd", S_IFREG, &con, &e), -EFBIG);
}
END_TEST

START_TEST(the_policy_is_read_once)
{
	char *con;

	put(CONFIG, "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
	put(CONTEXTS, rules);
	free(label("/etc/x", S_IFREG));
	ck_assert_int_eq(unlink(at(CONFIG)), 0);
	ck_ok(label_context(host, "/etc/x", S_IFREG, &con, &e));
	ck_assert(HAVE_SELINUX ? con != NULL : con == NULL);
	free(con);
}
END_TEST

START_TEST(new_files_get_it)
{
	struct image im = { .exists = true,
			    .mode = S_IFREG | 0644,
			    .uid = getuid(),
			    .gid = getgid(),
			    .content = (char *)(uintptr_t) "" };
	char value[128] = "";

	put(CONFIG, "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
	put(CONTEXTS, rules);
	put_dir("/etc/docker");
	/* Setting security.* takes CAP_SYS_ADMIN where no SELinux runs, xattr(7). */
	if (!HAVE_SELINUX || setxattr(at(CONFIG), "security.selinux", "x", 2, 0) < 0)
		return;
	/* The label is that of the final name, not of the temporary one. */
	ck_ok(stage_file(host, "/etc/docker/daemon.json", ".tmp", &im, &e));
	ck_assert_int_gt(getxattr(at("/etc/docker/.tmp"), "security.selinux", value, sizeof(value)),
			 0);
	ck_assert_str_eq(value, "system_u:object_r:container_config_t:s0");
	im.mode = S_IFDIR | 0755;
	ck_ok(stage_mkdir(host, "/etc/made", &im, &e));
	ck_assert_int_gt(getxattr(at("/etc/made"), "security.selinux", value, sizeof(value)), 0);
	ck_assert_str_eq(value, "system_u:object_r:etc_t:s0");
}
END_TEST

static void is_labelled(const char *path, const char *wanted)
{
	char value[128] = "";

	ck_assert_int_gt(getxattr(at(path), "security.selinux", value, sizeof(value)), 0);
	ck_assert_str_eq(value, wanted);
}

/* Others lock these, too, and may use none whose label the policy doesn't know. */
START_TEST(lock_files_get_it)
{
	static const char *const databases[] = { "/etc/passwd" };
	struct account_locks *locks;
	uint32_t last;
	int fd;

	put(CONFIG, "SELINUX=enforcing\nSELINUXTYPE=targeted\n");
	put(CONTEXTS, rules);
	put("/etc/passwd", "root:x:0:0::/:\n");
	put_dir("/var/lib");
	if (!HAVE_SELINUX || setxattr(at(CONFIG), "security.selinux", "x", 2, 0) < 0)
		return;
	for (int i = 0; i < 2; i++) {
		ck_ok(accounts_lock(host, databases, 1, 1, &locks, &e));
		accounts_unlock(locks);
		is_labelled("/etc/.pwd.lock", "system_u:object_r:shadow_t:s0");
		ck_ok(journal_lock(host, 1, &fd, &last, &e));
		close(fd);
		is_labelled("/var/lib/bulkhead/lock", "system_u:object_r:ours_t:s0");
	}
	/* One that is there is somebody's: as it is. */
	ck_assert_int_eq(setxattr(at("/etc/.pwd.lock"), "security.selinux", "x", 2, 0), 0);
	ck_ok(accounts_lock(host, databases, 1, 1, &locks, &e));
	accounts_unlock(locks);
	is_labelled("/etc/.pwd.lock", "x");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, by_the_root_s_policy);
	tcase_add_test(tc, no_policy_no_label);
	tcase_add_test(tc, an_endless_policy);
	tcase_add_test(tc, the_policy_is_read_once);
	tcase_add_test(tc, new_files_get_it);
	tcase_add_test(tc, lock_files_get_it);
}

UNIT_MAIN("label")
