/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../src/locks.h"

static const char *const both[] = { "/etc/subgid", "/etc/subuid" };

static struct err e;

struct dir {
	char *root;
	int etc;
};

static struct dir dir_new(void)
{
	struct dir d = { .root = tree_new() };
	char path[4096];

	snprintf(path, sizeof(path), "%s/etc", d.root);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	d.etc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(d.etc, 0);
	return d;
}

static void dir_remove(struct dir *d)
{
	close(d->etc);
	tree_remove(d->root);
}

static int take(const struct dir *d, bool live, int seconds, struct account_locks **l)
{
	*l = NULL;
	return accounts_lock_at(d->etc, live, d->root, both, ARRAY_SIZE(both), seconds, l, &e);
}

static bool there(const struct dir *d, const char *name)
{
	return faccessat(d->etc, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A pid that no process has: one that was ours to reap. */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void write_lock(const struct dir *d, const char *name, const char *text, size_t len)
{
	int fd = openat(d->etc, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void write_pid(const struct dir *d, const char *name, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	write_lock(d, name, text, strlen(text) + 1);
}

START_TEST(locks_as_shadow_does)
{
	struct dir d = dir_new();
	struct account_locks *l;
	char text[32], pid[32];
	struct stat st;
	int fd;

	ck_assert_msg(take(&d, true, 0, &l) == 0, "%s", e.text);
	ck_assert(there(&d, "subuid.lock") && there(&d, "subgid.lock"));
	ck_assert(!there(&d, "passwd.lock"));
	fd = openat(d.etc, "subuid.lock", O_RDONLY | O_CLOEXEC);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	ck_assert_int_eq(read(fd, text, sizeof(text)), (ssize_t)strlen(pid) + 1);
	ck_assert_str_eq(text, pid);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_nlink, 1); /* the temporary is gone */
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	close(fd);
	ck_assert_int_eq(fstatat(d.etc, ".pwd.lock", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	accounts_unlock(l);
	ck_assert(!there(&d, "subuid.lock") && !there(&d, "subgid.lock"));
	accounts_unlock(NULL);
	dir_remove(&d);
}
END_TEST

START_TEST(second_one_waits_and_gives_up)
{
	struct dir d = dir_new();
	struct account_locks *l, *other;
	struct timespec from, to;

	ck_assert_int_eq(take(&d, true, 0, &l), 0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	ck_assert_int_eq(take(&d, true, 1, &other), -EBUSY);
	clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_int_ge(to.tv_sec * 1000 + to.tv_nsec / 1000000 - from.tv_sec * 1000 -
				 from.tv_nsec / 1000000,
			 900);
	ck_assert_ptr_nonnull(strstr(e.text, ".pwd.lock"));
	ck_assert_ptr_null(other);
	ck_assert(there(&d, "subuid.lock"));
	accounts_unlock(l);
	ck_assert_int_eq(take(&d, true, 0, &other), 0);
	accounts_unlock(other);
	dir_remove(&d);
}
END_TEST

/* What lckpwdf(3) does in useradd: a traditional record lock. */
START_TEST(meets_lckpwdf)
{
	struct dir d = dir_new();
	struct account_locks *l;
	int ready[2], go[2], status;
	char pid[16], c = 0;
	pid_t child;

	ck_assert_int_eq(pipe(ready) | pipe(go), 0);
	child = fork();
	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = openat(d.etc, ".pwd.lock", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1 ||
		    read(go[0], &c, 1) != 1)
			_exit(1);
		usleep(200 * 1000);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(take(&d, true, 0, &l), -EBUSY);
	snprintf(pid, sizeof(pid), "%d", (int)child);
	ck_assert_ptr_nonnull(strstr(e.text, pid));
	ck_assert(!there(&d, "subuid.lock"));
	ck_assert_int_eq(write(go[1], "x", 1), 1);
	ck_assert_msg(take(&d, true, 30, &l) == 0, "%s", e.text);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);

	/* And the other way about. */
	child = fork();
	if (child == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = openat(d.etc, ".pwd.lock", O_WRONLY | O_CLOEXEC);

		_exit(fcntl(fd, F_SETLK, &lock) < 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	accounts_unlock(l);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	dir_remove(&d);
}
END_TEST

START_TEST(dead_owner_is_robbed_live_only)
{
	struct dir d = dir_new();
	struct account_locks *l;
	pid_t dead = dead_pid();
	char rm[4096];

	write_pid(&d, "subuid.lock", dead);
	ck_assert_int_eq(take(&d, false, 0, &l), -EBUSY);
	snprintf(rm, sizeof(rm), "rm %s/etc/subuid.lock", d.root);
	ck_assert_ptr_nonnull(strstr(e.text, rm));
	ck_assert(there(&d, "subuid.lock"));
	ck_assert_msg(take(&d, true, 0, &l) == 0, "%s", e.text);
	accounts_unlock(l);
	ck_assert(!there(&d, "subuid.lock"));
	dir_remove(&d);
}
END_TEST

START_TEST(busy_ones)
{
	static const struct {
		const char *text;
		size_t len;
	} unknown[] = { { "", 0 },   { "x", 1 },   { "0", 2 },
			{ "-1", 3 }, { "12x", 4 }, { "99999999999999999999", 21 },
			{ "\0", 1 } };
	struct dir d = dir_new();
	struct account_locks *l;

	write_pid(&d, "subgid.lock", getppid());
	ck_assert_int_eq(take(&d, true, 0, &l), -EBUSY);
	ck_assert_ptr_nonnull(strstr(e.text, "subgid.lock"));
	/* The one taken before it is given back, and no temporary stays. */
	ck_assert(!there(&d, "subuid.lock"));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		write_lock(&d, "subgid.lock", unknown[i].text, unknown[i].len);
		ck_assert_int_eq(take(&d, true, 0, &l), -EBUSY);
		ck_assert_ptr_nonnull(strstr(e.text, "names no process"));
	}
	unlinkat(d.etc, "subgid.lock", 0);
	ck_assert_int_eq(symlinkat("/dev/null", d.etc, "subgid.lock"), 0);
	ck_assert_int_eq(take(&d, true, 0, &l), -EBUSY);
	unlinkat(d.etc, "subgid.lock", 0);
	/* What is no file is nobody's lock: it is not waited for. */
	ck_assert_int_eq(mkfifoat(d.etc, "subgid.lock", 0600), 0);
	alarm(10);
	ck_assert_int_eq(take(&d, true, 60, &l), -EBUSY);
	alarm(0);
	unlinkat(d.etc, "subgid.lock", 0);
	ck_assert_int_eq(take(&d, true, 0, &l), 0);
	accounts_unlock(l);
	dir_remove(&d);
}
END_TEST

START_TEST(hostile_names)
{
	struct dir d = dir_new();
	struct account_locks *l;
	char temp[32], *kept;

	/* Our temporary's name leads elsewhere: nothing is written through it. */
	tree_write(d.root, "/etc/kept", "keep me", 0644);
	snprintf(temp, sizeof(temp), "subuid.%d", (int)getpid());
	ck_assert_int_eq(symlinkat("kept", d.etc, temp), 0);
	ck_assert_msg(take(&d, true, 0, &l) == 0, "%s", e.text);
	accounts_unlock(l);
	ck_assert(!there(&d, temp));
	ck_assert_int_eq(linkat(d.etc, "kept", d.etc, temp, 0), 0);
	ck_assert_int_eq(take(&d, true, 0, &l), 0);
	accounts_unlock(l);
	kept = tree_read(d.root, "/etc/kept");
	ck_assert_str_eq(kept, "keep me");
	free(kept);
	ck_assert_int_eq(mkdirat(d.etc, temp, 0755), 0);
	ck_assert_int_lt(take(&d, true, 0, &l), 0);
	unlinkat(d.etc, temp, AT_REMOVEDIR);

	unlinkat(d.etc, ".pwd.lock", 0);
	ck_assert_int_eq(symlinkat("kept", d.etc, ".pwd.lock"), 0);
	ck_assert_int_eq(take(&d, true, 0, &l), -EINVAL);
	unlinkat(d.etc, ".pwd.lock", 0);
	ck_assert_int_eq(linkat(d.etc, "kept", d.etc, ".pwd.lock", 0), 0);
	ck_assert_int_eq(take(&d, true, 0, &l), -EINVAL);
	unlinkat(d.etc, ".pwd.lock", 0);
	ck_assert_int_eq(mkfifoat(d.etc, ".pwd.lock", 0600), 0);
	ck_assert_int_lt(take(&d, true, 0, &l), 0);
	dir_remove(&d);
}
END_TEST

START_TEST(unlock_leaves_others)
{
	struct dir d = dir_new();
	struct account_locks *l;

	ck_assert_int_eq(take(&d, true, 0, &l), 0);
	unlinkat(d.etc, "subuid.lock", 0);
	write_pid(&d, "subuid.lock", getppid());
	accounts_unlock(l);
	ck_assert(there(&d, "subuid.lock"));
	ck_assert(!there(&d, "subgid.lock"));
	dir_remove(&d);
}
END_TEST

START_TEST(stale_ones_of_a_killed_run)
{
	struct dir d = dir_new();
	struct account_locks *l;
	pid_t dead = dead_pid();
	char temp[32];

	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, (uint32_t)dead, 0, &e), 0);
	ck_assert(!there(&d, ".pwd.lock")); /* nothing to do: nothing written */
	snprintf(temp, sizeof(temp), "subgid.%d", (int)dead);
	write_pid(&d, "passwd.lock", dead);
	write_pid(&d, "subuid.lock", dead);
	write_pid(&d, "subgid.lock", getppid());
	write_pid(&d, temp, dead);
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, (uint32_t)dead, 0, &e), 0);
	ck_assert(!there(&d, "passwd.lock") && !there(&d, "subuid.lock") && !there(&d, temp));
	ck_assert(there(&d, "subgid.lock"));
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, 0, 0, &e), 0);
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, UINT32_MAX, 0, &e), 0);
	unlinkat(d.etc, "subgid.lock", 0);

	/* What a power loss leaves of a temporary goes, somebody's file of that name stays. */
	write_lock(&d, temp, "\0\0", 2);
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, (uint32_t)dead, 0, &e), 0);
	ck_assert(!there(&d, temp));
	write_lock(&d, temp, "", 0);
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, (uint32_t)dead, 0, &e), 0);
	ck_assert(!there(&d, temp));
	write_lock(&d, temp, "alice:1:2\n", 10);
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, (uint32_t)dead, 0, &e), 0);
	ck_assert(there(&d, temp));
	unlinkat(d.etc, temp, 0);

	/* While another is at work, the pid could be its own by now. */
	ck_assert_int_eq(take(&d, true, 0, &l), 0);
	ck_assert_int_eq(accounts_unlock_stale_at(d.etc, d.root, (uint32_t)getpid(), 0, &e),
			 -EBUSY);
	ck_assert(there(&d, "subuid.lock"));
	accounts_unlock(l);
	dir_remove(&d);
}
END_TEST

/* Eight at once add to a counter under the lock: none of them is lost. */
START_TEST(nobody_is_lost)
{
	struct dir d = dir_new();
	char *text;

	tree_write(d.root, "/etc/count", "0", 0644);
	for (int i = 0; i < 8; i++)
		if (fork() == 0)
			for (int k = 0; k < 5; k++) {
				struct account_locks *l;
				char old[16] = "", new[24];
				int fd;

				if (take(&d, true, 60, &l) < 0)
					_exit(1);
				fd = openat(d.etc, "count", O_RDWR | O_CLOEXEC);
				if (pread(fd, old, sizeof(old) - 1, 0) <= 0)
					_exit(1);
				snprintf(new, sizeof(new), "%ld", strtol(old, NULL, 10) + 1);
				if (pwrite(fd, new, strlen(new), 0) <= 0)
					_exit(1);
				close(fd);
				accounts_unlock(l);
				if (k == 4)
					_exit(0);
			}
	for (int i = 0, status; i < 8; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	text = tree_read(d.root, "/etc/count");
	ck_assert_str_eq(text, "40");
	free(text);
	dir_remove(&d);
}
END_TEST

START_TEST(through_a_host)
{
	struct dir d = dir_new();
	_cleanup_host_ struct host *h = NULL;
	struct account_locks *l = NULL;
	char *bare = tree_new();

	ck_assert_int_eq(host_open(d.root, &h, &e), 0);
	ck_assert_msg(accounts_lock(h, both, 2, 0, &l, &e) == 0, "%s", e.text);
	ck_assert(there(&d, "subuid.lock"));
	accounts_unlock(l);
	write_pid(&d, "subuid.lock", dead_pid());
	ck_assert_int_eq(accounts_lock(h, both, 2, 0, &l, &e), -EBUSY); /* offline */
	host_free(TAKE_PTR(h));
	ck_assert_int_eq(host_open(bare, &h, &e), 0);
	ck_assert_int_eq(accounts_lock(h, both, 2, 0, &l, &e), -ENOENT);
	ck_assert_int_eq(accounts_unlock_stale(h, 1, &e), -ENOENT);
	tree_remove(bare);
	dir_remove(&d);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, locks_as_shadow_does);
	tcase_add_test(tc, second_one_waits_and_gives_up);
	tcase_add_test(tc, meets_lckpwdf);
	tcase_add_test(tc, dead_owner_is_robbed_live_only);
	tcase_add_test(tc, busy_ones);
	tcase_add_test(tc, hostile_names);
	tcase_add_test(tc, unlock_leaves_others);
	tcase_add_test(tc, stale_ones_of_a_killed_run);
	tcase_add_test(tc, nobody_is_lost);
	tcase_add_test(tc, through_a_host);
}

UNIT_MAIN("locks")
