/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <acl/libacl.h>
#include <sys/acl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "../src/stage.h"

#define TMP ".file.bulkhead-1"

static struct image text_image(const char *text, mode_t mode)
{
	return (struct image){
		.exists = true,
		.mode = S_IFREG | mode,
		.uid = getuid(),
		.gid = getgid(),
		.content = (char *)(uintptr_t)text,
		.len = strlen(text),
	};
}

static struct image image_now(const char *path)
{
	struct image im;

	ck_ok(host_image_now(host, path, &im, &e));
	return im;
}

/* Only what belongs there is left in the root. */
static void only(const char *const *names)
{
	_cleanup_strv_ char **now = NULL;
	size_t i;

	ck_ok(host_list(host, "/", &now, &e));
	for (i = 0; names[i] && now[i]; i++)
		ck_assert_str_eq(now[i], names[i]);
	ck_assert_msg(!names[i] && !now[i], "left: %s", now[i] ? now[i] : "less than wanted");
}
#define ONLY(...) only((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(stages_beside)
{
	_cleanup_(image_done) struct image now = { 0 };
	struct xattr note = { (char *)(uintptr_t) "user.note", (void *)(uintptr_t) "n", 1 };
	struct image im = text_image("text", 02640);

	im.xattrs = &note;
	im.n_xattrs = 1;
	umask(0);
	ck_ok(stage_file(host, "/file", TMP, &im, &e));
	ck_assert(!exists("/file"));
	now = image_now("/" TMP);
	ck_assert(image_same(&now, &im));
	/* Never over what is there. */
	ck_assert_int_eq(stage_file(host, "/file", TMP, &im, &e), -EEXIST);
	ck_ok(stage_discard(host, "/file", TMP, &e));
	ck_ok(stage_discard(host, "/file", TMP, &e));
	ck_ok(stage_discard(host, "/none/file", TMP, &e));
	ck_assert(!exists("/" TMP));
	ck_assert_int_eq(stage_file(host, "/none/file", TMP, &im, &e), -ENOENT);
	ck_assert_int_eq(symlink("/target", at("/" TMP)), 0);
	ck_assert_int_eq(stage_file(host, "/file", TMP, &im, &e), -EEXIST);
	ck_assert(!exists("/target"));
}
END_TEST

START_TEST(empty_and_large)
{
	static char big[1 << 20];
	struct image im = text_image("", 0600);

	ck_ok(stage_file(host, "/a", ".a", &im, &e));
	holds("/.a", "");
	memset(big, 'x', sizeof(big) - 1);
	im = text_image(big, 0600);
	ck_ok(stage_file(host, "/b", ".b", &im, &e));
	holds("/.b", big);
}
END_TEST

START_TEST(owners)
{
	_cleanup_(image_done) struct image now = { 0 };
	struct image im = text_image("text", 06755);

	if (getuid() != 0)
		return;
	im.uid = 12345;
	im.gid = 54321;
	ck_ok(stage_file(host, "/file", TMP, &im, &e));
	now = image_now("/" TMP);
	/* chown(2) clears setuid: the mode comes last. */
	ck_assert(image_same(&now, &im));
}
END_TEST

/* A new file in a directory with a default ACL has the mode that is wanted, and no more. */
START_TEST(default_acls_are_not_inherited)
{
	_cleanup_(image_done) struct image now = { 0 };
	struct image im = text_image("secret", 0640);
	acl_t acl = acl_from_text("u::rwx,u:4711:rwx,g::rwx,m::rwx,o::---");

	ck_assert_ptr_nonnull(acl);
	put_dir("/dir");
	if (acl_set_file(at("/dir"), ACL_TYPE_DEFAULT, acl) == 0) {
		ck_ok(stage_file(host, "/dir/file", TMP, &im, &e));
		ck_assert_int_eq(acl_extended_file(at("/dir/" TMP)), 0);
		now = image_now("/dir/" TMP);
		ck_assert(image_same(&now, &im));
	}
	acl_free(acl);
}
END_TEST

/* A before-image with an ACL comes back with it. */
START_TEST(acls_come_back)
{
	_cleanup_(image_done) struct image before = { 0 }, after = { 0 };
	acl_t acl = acl_from_text("u::rw-,u:4711:r--,g::r--,m::r--,o::---");

	put("/file", "text");
	if (acl_set_file(at("/file"), ACL_TYPE_ACCESS, acl) == 0) {
		before = image_now("/file");
		ck_assert_uint_eq(before.n_xattrs, 1);
		ck_ok(stage_file(host, "/file", TMP, &before, &e));
		after = image_now("/" TMP);
		ck_assert(image_same(&before, &after));
	}
	acl_free(acl);
}
END_TEST

START_TEST(swaps_new)
{
	struct image im = text_image("ours", 0644), none = { 0 };

	ck_ok(stage_file(host, "/file", TMP, &im, &e));
	ck_ok(stage_swap(host, "/file", TMP, &none, &e));
	holds("/file", "ours");
	ONLY("file");
	/* Somebody was faster: theirs stays. */
	ck_ok(stage_file(host, "/other", TMP, &im, &e));
	put("/other", "theirs");
	ck_assert_int_eq(stage_swap(host, "/other", TMP, &none, &e), -ESTALE);
	ck_says("/other' was changed by somebody else");
	holds("/other", "theirs");
	ck_assert_int_eq(unlink(at("/other")), 0);
	ck_assert_int_eq(symlink("/elsewhere", at("/other")), 0);
	ck_assert_int_eq(stage_swap(host, "/other", TMP, &none, &e), -ESTALE);
	ck_assert(!exists("/elsewhere"));
}
END_TEST

START_TEST(swaps_existing)
{
	_cleanup_(image_done) struct image seen = { 0 }, now = { 0 };
	struct image im = text_image("ours", 0600);

	put("/file", "before");
	seen = image_now("/file");
	ck_ok(stage_file(host, "/file", TMP, &im, &e));
	ck_ok(stage_swap(host, "/file", TMP, &seen, &e));
	now = image_now("/file");
	ck_assert(image_same(&now, &im));
	ONLY("file");
}
END_TEST

START_TEST(swaps_only_what_was_seen)
{
	_cleanup_(image_done) struct image seen = { 0 };
	struct image im = text_image("ours", 0644);

	put("/file", "before");
	seen = image_now("/file");
	ck_ok(stage_file(host, "/file", TMP, &im, &e));
	put("/file", "theirs");
	ck_assert_int_eq(stage_swap(host, "/file", TMP, &seen, &e), -ESTALE);
	holds("/file", "theirs");
	put("/file", "before");
	ck_assert_int_eq(chmod(at("/file"), 0600), 0);
	ck_assert_int_eq(stage_swap(host, "/file", TMP, &seen, &e), -ESTALE);
	ck_assert_int_eq(chmod(at("/file"), 0644), 0);
	ck_assert_int_eq(setxattr(at("/file"), "user.theirs", "", 0, 0), 0);
	ck_assert_int_eq(stage_swap(host, "/file", TMP, &seen, &e), -ESTALE);
	ck_assert_int_eq(unlink(at("/file")), 0);
	ck_assert_int_eq(stage_swap(host, "/file", TMP, &seen, &e), -ESTALE);
	put_dir("/file");
	ck_assert_int_eq(stage_swap(host, "/file", TMP, &seen, &e), -ESTALE);
	holds("/" TMP, "ours");
}
END_TEST

/* Who opened the file before it was renamed still writes to it: nothing of theirs may go. */
START_TEST(leaves_what_is_open_for_writing)
{
	_cleanup_(image_done) struct image seen = { 0 };
	struct image im = text_image("ours", 0644);
	_cleanup_close_ int writer = -1, reader = -1;

	put("/file", "before");
	seen = image_now("/file");
	ck_ok(stage_whole(host, "/file", TMP, &im, false, &e));
	writer = open(at("/file"), O_WRONLY | O_APPEND | O_CLOEXEC);
	ck_assert_int_eq(stage_swap(host, "/file", TMP, &seen, &e), -ESTALE);
	ck_says("open for writing");
	ck_assert_int_eq(stage_remove(host, "/file", ".other", &seen, &e), -ESTALE);
	ck_assert_int_eq(write(writer, "+theirs", 7), 7);
	holds("/file", "before+theirs");
	holds("/" TMP, "ours");
	ck_assert(stage_busy(host, "/any", "file"));
	close(TAKE_FD(writer));
	ck_assert(!stage_busy(host, "/any", "file"));
	put("/file", "before");
	reader = open(at("/file"), O_RDONLY | O_CLOEXEC);
	ck_ok(stage_swap(host, "/file", TMP, &seen, &e));
	holds("/file", "ours");
	ONLY("file");
}
END_TEST

START_TEST(stages_whole)
{
	struct image im = text_image("ours", 0644);

	ck_ok(stage_whole(host, "/file", TMP, &im, false, &e));
	ck_assert_int_eq(stage_whole(host, "/file", TMP, &im, false, &e), -EEXIST);
	holds("/" TMP, "ours");
	ONLY(TMP);
}
END_TEST

START_TEST(keeps)
{
	for (int i = 0; i < 2; i++) {
		put("/" TMP, "theirs");
		ck_assert_int_eq(stage_keep(host, "/file", TMP, &e), -ESTALE);
		ck_says(i ? "/file.kept-1.1'" : "/file.kept-1'");
	}
	holds("/file.kept-1", "theirs");
	ck_assert_int_eq(stage_keep(host, "/file", TMP, &e), -ENOENT);
	ONLY("file.kept-1", "file.kept-1.1");
}
END_TEST

START_TEST(removes)
{
	_cleanup_(image_done) struct image seen = { 0 };

	put("/file", "ours");
	seen = image_now("/file");
	put("/file", "theirs");
	ck_assert_int_eq(stage_remove(host, "/file", TMP, &seen, &e), -ESTALE);
	holds("/file", "theirs");
	ONLY("file");
	put("/file", "ours");
	ck_ok(stage_remove(host, "/file", TMP, &seen, &e));
	ck_assert(!exists("/file"));
	ck_assert_int_eq(stage_remove(host, "/file", TMP, &seen, &e), -ESTALE);
	ck_assert_int_eq(stage_remove(host, "/none/file", TMP, &seen, &e), -ENOENT);
}
END_TEST

START_TEST(returns)
{
	put("/file", "new");
	put("/" TMP, "old");
	ck_ok(stage_return(host, "/file", TMP, &e));
	holds("/file", "old");
	ONLY("file");
	ck_assert_int_eq(stage_return(host, "/file", TMP, &e), -ENOENT);
}
END_TEST

START_TEST(directories)
{
	struct image im = {
		.exists = true, .mode = S_IFDIR | 01750, .uid = getuid(), .gid = getgid()
	};
	_cleanup_(image_done) struct image now = { 0 };

	umask(077);
	ck_ok(stage_mkdir(host, "/dir", &im, &e));
	now = image_now("/dir");
	ck_assert(image_same(&now, &im));
	/* One that exists is fine as it is. */
	im.mode = S_IFDIR | 0700;
	ck_ok(stage_mkdir(host, "/dir", &im, &e));
	image_done(&now);
	now = image_now("/dir");
	ck_assert_uint_eq(now.mode, S_IFDIR | 01750);
	put("/file", "");
	ck_assert_int_lt(stage_mkdir(host, "/file", &im, &e), 0);
	ck_assert_int_eq(stage_mkdir(host, "/none/dir", &im, &e), -ENOENT);
	put("/dir/file", "");
	ck_assert_int_eq(stage_rmdir(host, "/dir", &e), -ENOTEMPTY);
	holds("/dir/file", "");
	unlink(at("/dir/file"));
	ck_ok(stage_rmdir(host, "/dir", &e));
	ck_ok(stage_rmdir(host, "/dir", &e));
	ck_ok(stage_rmdir(host, "/none/dir", &e));
	ck_assert_int_eq(stage_rmdir(host, "/file", &e), -ENOTDIR);
}
END_TEST

START_TEST(attributes_in_place)
{
	_cleanup_(image_done) struct image now = { 0 };
	struct image im = text_image("text", 0600);
	struct stat before, after;

	put("/file", "text");
	ck_assert_int_eq(setxattr(at("/file"), "user.gone", "", 0, 0), 0);
	stat(at("/file"), &before);
	ck_ok(stage_attrs(host, "/file", false, NULL, &im, &e));
	stat(at("/file"), &after);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	now = image_now("/file");
	ck_assert(image_same(&now, &im));
	/* What it is has to be what it was. */
	im.mode = S_IFDIR | 0700;
	ck_assert_int_eq(stage_attrs(host, "/file", false, NULL, &im, &e), -ESTALE);
	ck_assert_int_eq(stage_attrs(host, "/none", false, NULL, &im, &e), -ENOENT);
	ck_assert_int_eq(symlink("/file", at("/link")), 0);
	im.mode = S_IFREG | 0777;
	ck_assert_int_eq(stage_attrs(host, "/link", false, NULL, &im, &e), -ESTALE);
}
END_TEST

START_TEST(attributes_of_a_socket)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct image im = {
		.exists = true, .mode = S_IFSOCK | 0660, .uid = getuid(), .gid = getgid()
	};
	struct stat st;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", at("/socket"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(chmod(at("/socket"), 0777), 0);
	ck_ok(stage_attrs(host, "/socket", false, NULL, &im, &e));
	ck_assert_int_eq(lstat(at("/socket"), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | 0660);
	close(fd);
}
END_TEST

START_TEST(links_on_the_way_stay_inside)
{
	struct image im = text_image("ours", 0644), none = { 0 };

	put_dir("/srv/real");
	ck_assert_int_eq(symlink("/srv/real", at("/absolute")), 0);
	ck_assert_int_eq(symlink("../../../../srv/real", at("/dots")), 0);
	ck_ok(stage_file(host, "/absolute/a", TMP, &im, &e));
	ck_ok(stage_swap(host, "/absolute/a", TMP, &none, &e));
	ck_ok(stage_file(host, "/dots/b", TMP, &im, &e));
	ck_ok(stage_swap(host, "/dots/b", TMP, &none, &e));
	holds("/srv/real/a", "ours");
	holds("/srv/real/b", "ours");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, stages_beside);
	tcase_add_test(tc, empty_and_large);
	tcase_add_test(tc, owners);
	tcase_add_test(tc, default_acls_are_not_inherited);
	tcase_add_test(tc, acls_come_back);
	tcase_add_test(tc, swaps_new);
	tcase_add_test(tc, swaps_existing);
	tcase_add_test(tc, swaps_only_what_was_seen);
	tcase_add_test(tc, leaves_what_is_open_for_writing);
	tcase_add_test(tc, stages_whole);
	tcase_add_test(tc, keeps);
	tcase_add_test(tc, removes);
	tcase_add_test(tc, returns);
	tcase_add_test(tc, directories);
	tcase_add_test(tc, attributes_in_place);
	tcase_add_test(tc, attributes_of_a_socket);
	tcase_add_test(tc, links_on_the_way_stay_inside);
}

UNIT_MAIN("stage")
