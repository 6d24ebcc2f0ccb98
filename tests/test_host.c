/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "../src/change.h"

/* --- opening --- */

START_TEST(open_root)
{
	struct host *h;

	ck_assert_int_eq(host_open(at("/none"), &h, &e), -ENOENT);
	ck_says("/none");
	put("/file", "");
	ck_assert_int_eq(host_open(at("/file"), &h, &e), -ENOTDIR);

	ck_assert(!host_is_live(host));
	ck_assert_str_eq(host_offline_why(host), "--root");
	ck_assert_str_eq(host_prefix(host), root);
}
END_TEST

START_TEST(prefix_has_no_final_slash)
{
	struct host *h;

	put("/a/b", "");
	ck_ok(host_open(at("/a///"), &h, &e));
	ck_assert_str_eq(host_prefix(h), at("/a"));
	ck_assert(has_prefix(host_root_words(h), " --root /") &&
		  has_suffix(host_root_words(h), "/a///"));
	host_free(h);
	/* However it is written, a root that is named is offline. */
	ck_ok(host_open("//", &h, &e));
	ck_assert_str_eq(host_prefix(h), "");
	ck_assert_str_eq(host_root_words(h), " --root //");
	ck_assert_str_eq(host_plan_words(h), " --root //");
	ck_ok(host_set_plan(h, "my plan.yaml", &e));
	ck_assert_str_eq(host_plan_words(h), " --root // 'my plan.yaml'");
	ck_assert(!host_is_live(h));
	host_free(h);
	ck_ok(host_open(NULL, &h, &e));
	ck_assert_str_eq(host_prefix(h), "");
	ck_assert_str_eq(host_root_words(h), "");
	ck_assert(host_is_live(h) == !host_offline_why(h));
	host_free(h);
}
END_TEST

START_TEST(paths)
{
	static const char *const bad[] = { "/",	    "a",       "",	"a/b",	  "//a",
					   "/a//b", "/a/",     "/a/..", "/..",	  "/.",
					   "/a/.",  "/a/../b", "/./a",	"/a/./b", "/../a" };
	char *dir;
	const char *name;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(path_split(bad[i], &dir, &name, &e) == -EINVAL, "'%s'", bad[i]);
	ck_ok(path_split("/a", &dir, &name, &e));
	ck_assert_str_eq(dir, "/");
	ck_assert_str_eq(name, "a");
	free(dir);
	ck_ok(path_split("/a.b/..c/...", &dir, &name, &e));
	ck_assert_str_eq(dir, "/a.b/..c");
	ck_assert_str_eq(name, "...");
	free(dir);
}
END_TEST

/* --- reading --- */

static void reads(const char *path, const char *content)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	ck_ok(host_read(host, path, HOST_READ_MAX, &text, &len, &e));
	ck_assert_uint_eq(len, strlen(content));
	ck_assert_str_eq(text, content);
}

static int read_fails(const char *path, size_t max)
{
	char *text = (char *)(uintptr_t) "untouched";
	size_t len = 4711;
	int r = host_read(host, path, max, &text, &len, &e);

	ck_assert_int_lt(r, 0);
	ck_assert_int_eq(r, e.code);
	ck_assert_str_eq(text, "untouched");
	ck_assert_uint_eq(len, 4711);
	return r;
}

START_TEST(read_files)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	put("/etc/file", "one\ntwo");
	put("/etc/empty", "");
	reads("/etc/file", "one\ntwo");
	reads("/etc/empty", "");
	ck_ok(host_read(host, "/etc/file", 7, &text, &len, &e));
	ck_assert_int_eq(read_fails("/etc/file", 6), -EFBIG);
	ck_says("larger than 6 bytes");
	ck_assert_int_eq(read_fails("/etc/none", 10), -ENOENT);
	ck_says("/etc/none");
	ck_assert_int_eq(read_fails("/none/none", 10), -ENOENT);
	ck_assert_int_eq(read_fails("/etc", 10), -EISDIR);
	ck_assert_int_eq(read_fails("/etc/file/x", 10), -ENOTDIR);
}
END_TEST

/* Files of /proc say they are empty, and aren't. */
START_TEST(read_without_a_size)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;

	ck_ok(host_open(NULL, &h, &e));
	ck_ok(host_read(h, "/proc/self/status", 65536, &text, &len, &e));
	ck_assert_ptr_nonnull(strstr(text, "Pid:"));
	ck_assert_uint_eq(strlen(text), len);
	ck_assert_int_eq(host_read(h, "/proc/self/status", 5, &text, &len, &e), -EFBIG);
	/* One read has it all, a second nothing. */
	free(TAKE_PTR(text));
	ck_ok(host_read(h, "/proc/sys/kernel/threads-max", 128, &text, &len, &e));
	ck_assert_msg(len > 2 && text[len - 1] == '\n', "'%s'", text);
}
END_TEST

/* Neither blocks on a fifo, nor opens a socket or a device. */
START_TEST(read_what_is_no_file)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", at("/socket"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(mkfifo(at("/fifo"), 0644), 0);
	ck_assert_int_eq(symlink("fifo", at("/link")), 0);
	ck_assert_int_eq(read_fails("/fifo", 10), -EINVAL);
	ck_says("not a regular file");
	ck_assert_int_eq(read_fails("/link", 10), -EINVAL);
	ck_assert_int_eq(read_fails("/socket", 10), -EINVAL);
	close(fd);
}
END_TEST

START_TEST(links_stay_inside)
{
	put("/etc/passwd", "the root's");
	put("/deep/er/file", "x");
	ck_assert_int_eq(symlink("/etc/passwd", at("/absolute")), 0);
	ck_assert_int_eq(symlink("../../../../../../../../etc/passwd", at("/deep/dots")), 0);
	ck_assert_int_eq(symlink("/deep/er", at("/dir")), 0);
	ck_assert_int_eq(symlink("loop", at("/loop")), 0);
	ck_assert_int_eq(symlink("/nowhere", at("/dangling")), 0);
	reads("/absolute", "the root's");
	reads("/deep/dots", "the root's");
	reads("/dir/file", "x");
	reads("/dir/../../../etc/passwd", "the root's");
	ck_assert_int_eq(read_fails("/loop", 10), -ELOOP);
	ck_assert_int_eq(read_fails("/dangling", 10), -ENOENT);
	ck_assert(!host_exists(host, "/dangling"));
	ck_assert(host_exists(host, "/absolute"));
}
END_TEST

START_TEST(stats)
{
	struct stat st;
	int fd;

	put("/dir/file", "four");
	ck_assert_int_eq(chmod(at("/dir/file"), 04750), 0);
	ck_assert_int_eq(symlink("dir/file", at("/link")), 0);
	ck_ok(host_lstat(host, "/link", &st, &e));
	ck_assert(S_ISLNK(st.st_mode));
	ck_ok(host_stat(host, "/link", &st, &e));
	ck_assert_uint_eq(st.st_mode, S_IFREG | 04750);
	ck_assert_int_eq(st.st_size, 4);
	ck_assert_int_eq(host_lstat(host, "/none", &st, &e), -ENOENT);
	fd = host_open_path(host, "/link", &e);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = host_open_dir(host, "/dir", &e);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(host_open_dir(host, "/dir/file", &e), -ENOTDIR);
	ck_says("/dir/file");
	ck_assert_int_eq(host_open_dir(host, "/none", &e), -ENOENT);
	ck_assert_int_eq(host_open_path(host, "/none", &e), -ENOENT);
}
END_TEST

START_TEST(lists)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_strv_ char **empty = NULL;
	char name[32];
	size_t n = 0;

	put_dir("/dir");
	ck_ok(host_list(host, "/dir", &empty, &e));
	ck_assert_ptr_null(empty[0]);
	for (int i = 299; i >= 0; i--) {
		snprintf(name, sizeof(name), "/dir/%03d", i);
		put(name, "");
	}
	ck_ok(host_list(host, "/dir", &names, &e));
	for (; names[n]; n++)
		ck_assert_int_eq(strtol(names[n], NULL, 10), n);
	ck_assert_uint_eq(n, 300);
	ck_assert_int_eq(host_list(host, "/none", &names, &e), -ENOENT);
	ck_assert_int_eq(host_list(host, "/dir/000", &names, &e), -ENOTDIR);
}
END_TEST

/* --- images --- */

START_TEST(image_of_a_file)
{
	_cleanup_(image_done) struct image im = { 0 }, copy = { 0 };

	put("/file", "content");
	ck_assert_int_eq(chmod(at("/file"), 0640), 0);
	ck_assert_int_eq(link(at("/file"), at("/other")), 0);
	ck_assert_int_eq(setxattr(at("/file"), "user.b", "2", 1, 0), 0);
	ck_assert_int_eq(setxattr(at("/file"), "user.a", "", 0, 0), 0);
	ck_ok(host_image(host, "/file", &im, &e));
	ck_assert(im.exists);
	ck_assert_uint_eq(im.mode, S_IFREG | 0640);
	ck_assert_uint_eq(im.uid, getuid());
	ck_assert_uint_eq(im.nlink, 2);
	ck_assert_uint_eq(im.len, 7);
	ck_assert_str_eq(im.content, "content");
	ck_assert_uint_ne(im.ino, 0);
	ck_assert_uint_eq(im.n_xattrs, 2);
	ck_assert_str_eq(im.xattrs[0].name, "user.a");
	ck_assert_uint_eq(im.xattrs[0].len, 0);
	ck_assert_str_eq(im.xattrs[1].name, "user.b");
	ck_assert_str_eq(im.xattrs[1].value, "2");

	ck_ok(image_copy(&im, &copy, &e));
	ck_assert(image_same(&im, &copy));
	ck_assert_ptr_ne(im.content, copy.content);
	ck_assert_ptr_ne(im.xattrs[0].name, copy.xattrs[0].name);
}
END_TEST

START_TEST(image_of_others)
{
	struct image im;

	put_dir("/dir");
	put("/file", "");
	ck_assert_int_eq(symlink("/where to", at("/link")), 0);
	ck_assert_int_eq(mkfifo(at("/fifo"), 0600), 0);
	ck_ok(host_image(host, "/dir", &im, &e));
	ck_assert(im.exists && S_ISDIR(im.mode) && !im.content);
	image_done(&im);
	ck_ok(host_image(host, "/link", &im, &e));
	ck_assert(S_ISLNK(im.mode));
	ck_assert_str_eq(im.content, "/where to");
	ck_assert_uint_eq(im.len, 9);
	image_done(&im);
	ck_ok(host_image(host, "/fifo", &im, &e));
	ck_assert(S_ISFIFO(im.mode) && !im.content);
	image_done(&im);
	ck_ok(host_image(host, "/none", &im, &e));
	ck_assert(!im.exists);
	ck_ok(host_image(host, "/none/none", &im, &e));
	ck_assert(!im.exists);
	ck_ok(host_image(host, "/file/none", &im, &e));
	ck_assert(!im.exists);
}
END_TEST

static struct image sample(struct xattr *xattrs, size_t n)
{
	return (struct image){
		.exists = true,
		.mode = S_IFREG | 0644,
		.content = (char *)(uintptr_t) "abc",
		.len = 3,
		.xattrs = xattrs,
		.n_xattrs = n,
	};
}

START_TEST(sameness)
{
	struct xattr label = { (char *)(uintptr_t) "security.selinux", (void *)(uintptr_t) "a", 1 };
	struct xattr label2 = { (char *)(uintptr_t) "security.selinux", (void *)(uintptr_t) "b",
				1 };
	struct xattr user = { (char *)(uintptr_t) "user.x", (void *)(uintptr_t) "a", 1 };
	struct image a = sample(NULL, 0), b = a, none = { 0 };

	ck_assert(image_same(&a, &b));
	ck_assert(image_same(&none, &none));
	ck_assert(!image_same(&a, &none));
	b.mtime.tv_sec = 5;
	b.ino = 5;
	b.nlink = 5;
	ck_assert(image_same(&a, &b));
	b = a;
	b.content = (char *)(uintptr_t) "abd";
	ck_assert(!image_same(&a, &b));
	ck_assert(image_same_attrs(&a, &b));
	b = a;
	b.len = 2;
	ck_assert(!image_same(&a, &b));
	b = a;
	b.mode = S_IFREG | 0640;
	ck_assert(!image_same_attrs(&a, &b));
	b.mode = S_IFDIR | 0644;
	ck_assert(!image_same_attrs(&a, &b));
	b = a;
	b.uid = 1;
	ck_assert(!image_same_attrs(&a, &b));
	b = a;
	b.gid = 1;
	ck_assert(!image_same_attrs(&a, &b));
	/* A planned image has no label yet; two labels have to agree. */
	b = sample(&label, 1);
	ck_assert(image_same_attrs(&a, &b));
	ck_assert(image_same_attrs(&b, &a));
	a = sample(&label2, 1);
	ck_assert(!image_same_attrs(&a, &b));
	a = sample(NULL, 0);
	b = sample(&user, 1);
	ck_assert(!image_same_attrs(&a, &b));
	ck_assert(!image_same_attrs(&b, &a));
}
END_TEST

/* --- the overlay --- */

static void plan_file(struct changes *c, const char *path, const char *content)
{
	ck_assert_int_eq(changes_file(c, host, path, content, strlen(content), 0640, 7, 8, "m",
				      NULL, NULL, "t", &e),
			 1);
}

START_TEST(overlay)
{
	_cleanup_changes_ struct changes c;
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_strv_ char **names = NULL, **made = NULL;
	struct stat st;

	changes_init(&c);
	put("/dir/gone", "old");
	put("/dir/kept", "kept");
	put("/dir/replaced", "before");
	host_overlay(host, &c);
	plan_file(&c, "/dir/replaced", "after");
	plan_file(&c, "/dir/new", "new");
	plan_file(&c, "/made/up/file", "");
	ck_assert_int_eq(changes_remove_ours(&c, host, "/dir/gone", "old", 3, "m", NULL, "t", &e),
			 1);

	reads("/dir/replaced", "after");
	reads("/dir/new", "new");
	reads("/dir/kept", "kept");
	reads("/made/up/file", "");
	ck_assert_int_eq(read_fails("/dir/gone", 10), -ENOENT);
	ck_assert_int_eq(read_fails("/made/up", 10), -EINVAL);
	ck_ok(host_lstat(host, "/dir/new", &st, &e));
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0640);
	ck_assert_uint_eq(st.st_uid, 7);
	ck_assert_uint_eq(st.st_gid, 8);
	ck_assert_int_eq(st.st_size, 3);
	ck_assert_uint_eq(st.st_ino, 0);
	ck_assert_int_eq(host_lstat(host, "/dir/gone", &st, &e), -ENOENT);
	ck_assert(host_exists(host, "/made/up"));
	ck_ok(host_list(host, "/dir", &names, &e));
	ck_assert_str_eq(names[0], "kept");
	ck_assert_str_eq(names[1], "new");
	ck_assert_str_eq(names[2], "replaced");
	ck_assert_ptr_null(names[3]);
	ck_ok(host_list(host, "/made", &made, &e));
	ck_assert_str_eq(made[0], "up");
	ck_assert_ptr_null(made[1]);

	ck_ok(host_image(host, "/dir/replaced", &im, &e));
	ck_assert_str_eq(im.content, "after");
	image_done(&im);
	ck_ok(host_image_now(host, "/dir/replaced", &im, &e));
	ck_assert_str_eq(im.content, "before");

	host_overlay(host, NULL);
	reads("/dir/replaced", "before");
	reads("/dir/gone", "old");
	ck_assert(!host_exists(host, "/made"));
}
END_TEST

/* --- facts --- */

static int dropped;

static void drop(void *fact)
{
	dropped += *(int *)fact;
}

START_TEST(facts)
{
	int one = 1, ten = 10, hundred = 100;

	dropped = 0;
	ck_assert_ptr_null(host_kept(host, "one"));
	ck_ok(host_keep(host, "one", &one, drop, &e));
	ck_ok(host_keep(host, "ten", &ten, drop, &e));
	ck_assert_ptr_eq(host_kept(host, "one"), &one);
	ck_assert_ptr_eq(host_kept(host, "ten"), &ten);
	host_forget(host);
	ck_assert_int_eq(dropped, 11);
	ck_assert_ptr_null(host_kept(host, "one"));
	/* What is still kept goes with the host. */
	ck_ok(host_keep(host, "hundred", &hundred, drop, &e));
	host_free(host);
	ck_assert_int_eq(dropped, 111);
	ck_ok(host_open(root, &host, &e));
}
END_TEST

static void real_path_is(const char *path, const char *real)
{
	_cleanup_free_ char *found = NULL;

	ck_assert_int_eq(host_real_path(host, path, &found, &e), 0);
	ck_assert_str_eq(found, real);
}

START_TEST(real_paths)
{
	_cleanup_free_ char *none = NULL;

	put("/usr/sbin/dockerd", "");
	ck_assert_int_eq(symlink("usr/sbin", at("/sbin")), 0);
	ck_assert_int_eq(symlink("/sbin/dockerd", at("/usr/sbin/engine")), 0);
	real_path_is("/sbin/dockerd", "/usr/sbin/dockerd");
	real_path_is("/usr/sbin/engine", "/usr/sbin/dockerd");
	real_path_is("/sbin/not-there", "/usr/sbin/not-there");
	real_path_is("/", "/");
	ck_assert_int_eq(host_real_path(host, "/none/at/all", &none, &e), 0);
	ck_assert_str_eq(none, "/none/at/all");
	free(TAKE_PTR(none));
	/* What the path itself is wrong in is not told as absence. */
	ck_assert_int_eq(host_real_path(host, "/none//at", &none, &e), -EINVAL);
}
END_TEST

/* A number of the kernel's is told in one read(2). */
START_TEST(reads_sysctls_whole)
{
	_cleanup_free_ char *text = NULL;
	struct host *live;
	struct err err;
	size_t len;

	ck_assert_int_eq(host_open("/", &live, &err), 0);
	ck_assert_int_eq(host_read(live, "/proc/sys/kernel/pid_max", 64, &text, &len, &err), 0);
	ck_assert_uint_gt(len, 2);
	ck_assert_int_eq(text[len - 1], '\n');
	host_free(live);
}
END_TEST

START_TEST(the_first_that_exists)
{
	static const char *const none[] = { "/no/a", "/file/a", NULL };
	static const char *const some[] = { "/no/a", "/file", "/no/b", NULL };
	static const char *const loop[] = { "/loop", "/file", NULL };
	const char *first = "x";

	put("/file", "");
	ck_assert_int_eq(symlink("loop", at("/loop")), 0);
	ck_ok(host_first(host, none, &first, &e));
	ck_assert_ptr_null(first);
	ck_ok(host_first(host, some, &first, &e));
	ck_assert_str_eq(first, "/file");
	ck_assert_int_eq(host_first(host, loop, &first, &e), -ELOOP);
	ck_says("/loop");
	ck_assert_ptr_null(first);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, the_first_that_exists);
	tcase_add_test(tc, real_paths);
	tcase_add_test(tc, reads_sysctls_whole);
	tcase_add_test(tc, open_root);
	tcase_add_test(tc, prefix_has_no_final_slash);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, read_files);
	tcase_add_test(tc, read_without_a_size);
	tcase_add_test(tc, read_what_is_no_file);
	tcase_add_test(tc, links_stay_inside);
	tcase_add_test(tc, stats);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, image_of_a_file);
	tcase_add_test(tc, image_of_others);
	tcase_add_test(tc, sameness);
	tcase_add_test(tc, overlay);
	tcase_add_test(tc, facts);
}

UNIT_MAIN("host")
