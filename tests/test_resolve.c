/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat2(2) and the walk that stands in for it have to agree, on every kind of path. The walk is
 * reached by a seccomp filter as in no_openat2.c.
 */
#include "rooted.h"

#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../src/resolve.h"

static void forbid_openat2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = ARRAY_SIZE(code), .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0), 0);
}

static void tree(void)
{
	char name[300];

	put("/etc/file", "inside");
	put("/a/b/c/d", "deep");
	put_dir("/dir");
	ck_assert_int_eq(symlink("/etc/file", at("/absolute")), 0);
	ck_assert_int_eq(symlink("etc/file", at("/relative")), 0);
	ck_assert_int_eq(symlink("../../../../etc/file", at("/a/b/dots")), 0);
	ck_assert_int_eq(symlink("..", at("/a/b/up")), 0);
	ck_assert_int_eq(symlink("/", at("/a/top")), 0);
	ck_assert_int_eq(symlink(".", at("/self")), 0);
	ck_assert_int_eq(symlink("loop2", at("/loop1")), 0);
	ck_assert_int_eq(symlink("loop1", at("/loop2")), 0);
	ck_assert_int_eq(symlink("/nowhere/at/all", at("/dangling")), 0);
	ck_assert_int_eq(symlink("etc/file/", at("/slash")), 0);
	ck_assert_int_eq(symlink("a/b/", at("/dirslash")), 0);
	ck_assert_int_eq(symlink("/a//b/./c/../../b", at("/messy")), 0);
	ck_assert_int_eq(symlink("relative", at("/chain0")), 0);
	for (int i = 1; i <= 45; i++) {
		char from[16];

		snprintf(name, sizeof(name), "/chain%d", i);
		snprintf(from, sizeof(from), "chain%d", i - 1);
		ck_assert_int_eq(symlink(from, at(name)), 0);
	}
	ck_assert_int_eq(mkfifo(at("/fifo"), 0644), 0);
}

static const char *const paths[] = {
	"/",
	"/.",
	"/..",
	"/../..",
	"//etc///file",
	"/etc/file",
	"etc/file",
	"/etc",
	"/etc/",
	"/etc/.",
	"/etc/..",
	"/etc/file/",
	"/etc/file/.",
	"/etc/file/..",
	"/etc/file/x",
	"/etc/none",
	"/none/none",
	"/none/..",
	"/absolute",
	"/relative",
	"/a/b/dots",
	"/a/b/up",
	"/a/b/up/b/c/d",
	"/a/b/up/../a/b",
	"/a/top/etc/file",
	"/a/top/../../etc/file",
	"/self/self/self/etc/file",
	"/loop1",
	"/loop1/x",
	"/dangling",
	"/dangling/x",
	"/dangling/..",
	"/slash",
	"/dirslash",
	"/dirslash/c/d",
	"/messy/c/d",
	"/chain0",
	"/chain39",
	"/chain40",
	"/chain45",
	"/fifo",
	"/fifo/",
	"/dir",
	"/dir/",
	"/dir/x/..",
	"/absolute/..",
	"/absolute/",
	"/self/",
	"/a/b/up/",
};

static const int flags[] = {
	O_PATH,
	O_PATH | O_NOFOLLOW,
	O_PATH | O_DIRECTORY,
	O_RDONLY | O_NONBLOCK,
	O_RDONLY | O_NONBLOCK | O_NOFOLLOW,
	O_RDONLY | O_DIRECTORY,
	O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
};

struct outcome {
	int r; /* 0 or a negative errno */
	dev_t dev;
	ino_t ino;
};

static struct outcome outcome(int dir, const char *path, int how)
{
	struct outcome o = { 0 };
	struct stat st;
	int fd = resolve_in_root(dir, path, how);

	if (fd < 0) {
		o.r = fd;
		return o;
	}
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	o.dev = st.st_dev;
	o.ino = st.st_ino;
	close(fd);
	return o;
}

static int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

START_TEST(both_ways_agree)
{
	static struct outcome kernel[ARRAY_SIZE(paths)][ARRAY_SIZE(flags)];
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	tree();
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++)
			kernel[i][k] = outcome(dir, paths[i], flags[k]);
	forbid_openat2();
	fd = lowest_fd();
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
			struct outcome a = kernel[i][k], b = outcome(dir, paths[i], flags[k]);

			ck_assert_msg(a.r == b.r && a.dev == b.dev && a.ino == b.ino,
				      "'%s' with %o: the kernel says %d %ju, the walk %d %ju",
				      paths[i], (unsigned)flags[k], a.r, (uintmax_t)a.ino, b.r,
				      (uintmax_t)b.ino);
		}
	ck_assert_int_eq(lowest_fd(), fd); /* none was left open */
	close(dir);
}
END_TEST

static void nothing_leads_out(void)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[8] = "";
	int fd;

	put("/etc/passwd", "inside");
	ck_assert_int_eq(symlink("../../../../../../../../../../../etc/passwd", at("/out")), 0);
	ck_assert_int_eq(symlink("/etc/passwd", at("/abs")), 0);
	for (int i = 0; i < 2; i++) {
		fd = resolve_in_root(dir, i ? "/out" : "/abs", O_RDONLY);
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(read(fd, text, 6), 6);
		ck_assert_str_eq(text, "inside");
		close(fd);
	}
	close(dir);
}

START_TEST(nothing_leads_out_of_the_kernel)
{
	nothing_leads_out();
}
END_TEST

START_TEST(nothing_leads_out_of_the_walk)
{
	forbid_openat2();
	nothing_leads_out();
}
END_TEST

static void magic_links_are_refused(void)
{
	_cleanup_close_ int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int held = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/file", held);
	put("/file", "");
	ck_assert_int_eq(resolve_in_root(top, path, O_RDONLY), -ELOOP);
	ck_assert_int_eq(resolve_in_root(top, "/proc/self/root/etc", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_in_root(top, "/proc/self/cwd", O_PATH), -ELOOP);
	ck_assert_int_eq(resolve_in_root(top, "/proc/self/exe", O_RDONLY), -ELOOP);
	/* self itself is a link like others, and so is what leads by it. */
	ck_assert_int_eq(outcome(top, "/proc/self/status", O_RDONLY).r, 0);
	ck_assert_int_eq(outcome(top, "/proc/mounts", O_RDONLY).r, 0);
}

START_TEST(magic_links_of_the_kernel)
{
	magic_links_are_refused();
}
END_TEST

START_TEST(magic_links_of_the_walk)
{
	forbid_openat2();
	magic_links_are_refused();
}
END_TEST

static void long_paths(void)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[8192];
	size_t n = 0;

	memset(path, 'x', 300);
	path[0] = '/';
	path[300] = '\0';
	ck_assert_int_eq(resolve_in_root(dir, path, O_PATH), -ENAMETOOLONG);
	while (n < 5000)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/.");
	ck_assert_int_eq(resolve_in_root(dir, path, O_PATH), -ENAMETOOLONG);
	close(dir);
}

START_TEST(long_paths_of_the_kernel)
{
	long_paths();
}
END_TEST

START_TEST(long_paths_of_the_walk)
{
	forbid_openat2();
	long_paths();
}
END_TEST

/* As they are told by an open, or not at all. */
static void without_links(void)
{
	static const struct {
		const char *path;
		int want;
	} rows[] = {
		{ "/etc/file", 0 },
		{ "/a/b/c/d", 0 },
		{ "/absolute", -ELOOP },
		{ "/dirslash/c/d", -ELOOP },
		{ "/a/top/etc/file", -ELOOP },
		{ "/nowhere", -ENOENT },
	};

	tree();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		int fd = resolve_without_links(dir, rows[i].path, O_RDONLY);

		ck_assert_msg(fd < 0 ? fd == rows[i].want : rows[i].want == 0, "%s: %d",
			      rows[i].path, fd);
		if (fd >= 0)
			close(fd);
		fd = resolve_without_links(dir, "/absolute", O_PATH | O_NOFOLLOW);
		ck_assert_int_ge(fd, 0);
		close(fd);
		close(dir);
	}
}

START_TEST(without_links_of_the_kernel)
{
	without_links();
}
END_TEST

START_TEST(without_links_of_the_walk)
{
	forbid_openat2();
	without_links();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, both_ways_agree);
	tcase_add_test(tc, nothing_leads_out_of_the_kernel);
	tcase_add_test(tc, nothing_leads_out_of_the_walk);
	tcase_add_test(tc, magic_links_of_the_kernel);
	tcase_add_test(tc, magic_links_of_the_walk);
	tcase_add_test(tc, long_paths_of_the_kernel);
	tcase_add_test(tc, long_paths_of_the_walk);
	tcase_add_test(tc, without_links_of_the_kernel);
	tcase_add_test(tc, without_links_of_the_walk);
}

UNIT_MAIN("resolve")
