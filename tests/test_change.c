/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "../src/change.h"

static struct changes c;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	host_overlay(host, &c);
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

static int file(const char *path, const char *content, mode_t mode)
{
	return changes_file(&c, host, path, content, strlen(content), mode, getuid(), getgid(),
			    "mod", "key", "2.2", "why", &e);
}

static int line(const char *path, const char *text)
{
	return changes_line(&c, host, path, text, 0640, "mod", "key", "why", &e);
}

static int attrs(const char *path, mode_t mode)
{
	return changes_attrs(&c, host, path, mode, getuid(), getgid(), "mod", NULL, NULL, "why",
			     &e);
}

static int dir(const char *path)
{
	return changes_dir(&c, host, path, 0750, 1, 2, "mod", NULL, NULL, "why", &e);
}

static int remove_ours(const char *path, const char *content)
{
	return changes_remove_ours(&c, host, path, content, strlen(content), "mod", "key", "why",
				   &e);
}

/* --- files --- */

START_TEST(new_file)
{
	const struct change *x;

	ck_assert(changes_empty(&c));
	ck_assert_int_eq(file("/etc/new", "text", 0600), 1);
	ck_assert(!changes_empty(&c));
	/* Its directory is a change of its own, before it. */
	ck_assert_uint_eq(c.n, 2);
	ck_assert_str_eq(c.list[0]->path, "/etc");
	ck_assert_int_eq(c.list[0]->kind, CHANGE_DIR);
	ck_assert_uint_eq(c.list[0]->after.mode, S_IFDIR | 0755);
	x = changes_find(&c, "/etc/new");
	ck_assert_ptr_eq(x, c.list[1]);
	ck_assert_int_eq(x->kind, CHANGE_FILE);
	ck_assert(!x->before.exists);
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0600);
	ck_assert_str_eq(x->after.content, "text");
	ck_assert_str_eq(x->whys[0].module, "mod");
	ck_assert_str_eq(x->whys[0].setting, "key");
	ck_assert_str_eq(x->whys[0].cis, "2.2");
	ck_assert_str_eq(x->whys[0].text, "why");
	ck_assert_ptr_null(changes_find(&c, "/etc/ne"));
}
END_TEST

START_TEST(same_file_is_no_change)
{
	put("/file", "text");
	ck_assert_int_eq(file("/file", "text", 0644), 0);
	ck_assert_int_eq(file("/file", "text", CHANGE_KEEP_ATTRS), 0);
	ck_assert(changes_empty(&c));
	ck_assert_int_eq(file("/file", "text", 0600), 1);
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

START_TEST(attributes_are_kept_or_set)
{
	const struct change *x;

	put("/file", "old");
	ck_assert_int_eq(chmod(at("/file"), 0640), 0);
	ck_assert_int_eq(setxattr(at("/file"), "user.note", "n", 1, 0), 0);
	ck_assert_int_eq(file("/file", "new", CHANGE_KEEP_ATTRS), 1);
	x = changes_find(&c, "/file");
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0640);
	ck_assert_uint_eq(x->after.n_xattrs, 1);
	ck_assert_str_eq(x->after.content, "new");
	ck_assert_str_eq(x->before.content, "old");
	ck_assert_int_eq(changes_file(&c, host, "/fresh", "", 0, CHANGE_KEEP_ATTRS, 5, 5, "mod",
				      NULL, NULL, "why", &e),
			 1);
	x = changes_find(&c, "/fresh");
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0644);
	ck_assert_uint_eq(x->after.uid, 0);
	ck_assert_uint_eq(x->after.len, 0);
	ck_assert_str_eq(x->after.content, "");
}
END_TEST

START_TEST(settings_join_a_file)
{
	const struct change *x;

	put("/file", "0");
	ck_assert_int_eq(file("/file", "1", CHANGE_KEEP_ATTRS), 1);
	ck_assert_int_eq(file("/file", "1", CHANGE_KEEP_ATTRS), 0);
	ck_assert_int_eq(file("/file", "12", CHANGE_KEEP_ATTRS), 1);
	ck_assert_uint_eq(c.n, 1);
	x = c.list[0];
	ck_assert_uint_eq(x->n_whys, 2);
	ck_assert_str_eq(x->after.content, "12");
	ck_assert_str_eq(x->before.content, "0");
	ck_ok(changes_why(&c, "/file", "other", NULL, NULL, "too", &e));
	ck_assert_uint_eq(x->n_whys, 3);
	ck_assert_ptr_null(x->whys[2].setting);
	ck_assert_int_eq(changes_why(&c, "/none", "other", NULL, NULL, "too", &e), -ENOENT);
}
END_TEST

START_TEST(bytes_with_nul)
{
	ck_assert_int_eq(
		changes_file(&c, host, "/bin", "a\0b", 3, 0644, 0, 0, "mod", NULL, NULL, "why", &e),
		1);
	ck_assert_uint_eq(c.list[0]->after.len, 3);
	ck_assert_int_eq(memcmp(c.list[0]->after.content, "a\0b", 4), 0);
	ck_assert_int_eq(
		changes_file(&c, host, "/bin", "a\0c", 3, 0644, 0, 0, "mod", NULL, NULL, "why", &e),
		1);
}
END_TEST

START_TEST(targets_that_are_no_plain_file)
{
	put("/file", "x");
	ck_assert_int_eq(link(at("/file"), at("/hard")), 0);
	ck_assert_int_eq(symlink("/file", at("/soft")), 0);
	ck_assert_int_eq(symlink("/nowhere", at("/dangling")), 0);
	ck_assert_int_eq(mkfifo(at("/fifo"), 0644), 0);
	put_dir("/dir");
	ck_assert_int_eq(file("/hard", "y", 0644), -EMLINK);
	ck_says("2 hard links");
	ck_assert_int_eq(file("/soft", "y", 0644), -ELOOP);
	ck_says("symbolic link to '/file'");
	ck_assert_int_eq(file("/dangling", "y", 0644), -ELOOP);
	ck_assert_int_eq(file("/fifo", "y", 0644), -EINVAL);
	ck_says("move it out of the way");
	ck_assert_int_eq(file("/dir", "y", 0644), -EINVAL);
	ck_assert_int_eq(line("/hard", "l"), -EMLINK);
	ck_assert_int_eq(line("/soft", "l"), -ELOOP);
	ck_assert_int_eq(line("/fifo", "l"), -EINVAL);
	ck_assert_int_eq(file("/file/below", "y", 0644), -ENOTDIR);
	ck_assert_int_eq(file("/fifo/below", "y", 0644), -ENOTDIR);
	ck_assert_int_eq(file("/dangling/below", "y", 0644), -ENOTDIR);
	ck_says("leads nowhere");
	ck_assert_int_eq(file("relative", "y", 0644), -EINVAL);
	ck_assert_int_eq(c.n, 0);
}
END_TEST

/* As chattr(1) does; false where the file system has no such attributes. The kernel takes an int,
 * and the number of the call says long: valgrind believes that. */
static bool fix(const char *path, int flag)
{
	int flags[2] = { flag, 0 };
	int fd = open(at(path), O_RDONLY | O_NONBLOCK);
	bool done = fd >= 0 && ioctl(fd, FS_IOC_SETFLAGS, flags) == 0;

	close(fd);
	return done;
}

/* Told before anything is written: half of a transaction may not be possible to take back there. */
START_TEST(immutable_and_append_only)
{
	put("/kept", "x");
	put("/dir/there", "x");
	put("/log/there", "x");
	if (!fix("/kept", FS_IMMUTABLE_FL))
		return;
	ck_assert_int_eq(file("/kept", "y", 0644), -EPERM);
	ck_says("immutable");
	ck_assert_int_eq(line("/kept", "l"), -EPERM);
	ck_assert_int_eq(remove_ours("/kept", "x"), -EPERM);
	/* What is as wanted may be fixed. */
	ck_assert_int_eq(file("/kept", "x", 0644), 0);
	ck_assert(fix("/kept", 0));
	ck_assert(fix("/log", FS_APPEND_FL));
	ck_assert_int_eq(file("/log/there", "y", 0644), -EPERM);
	ck_says("append-only");
	ck_assert_int_eq(file("/log/new", "y", 0644), -EPERM);
	ck_assert_int_eq(dir("/log/new"), -EPERM);
	ck_assert_int_eq(line("/log/there", "l"), -EPERM);
	ck_assert(fix("/log", 0));
	ck_assert_int_eq(c.n, 0);
}
END_TEST

/* --- directories --- */

START_TEST(directories)
{
	put("/etc/file", "");
	ck_assert_int_eq(symlink("/etc", at("/link")), 0);
	ck_ok(dir("/etc"));
	ck_ok(dir("/link"));
	ck_ok(dir("/"));
	ck_assert_uint_eq(c.n, 0);
	ck_ok(dir("/etc/a/b"));
	ck_ok(dir("/etc/a/b"));
	ck_assert_uint_eq(c.n, 2);
	ck_assert_str_eq(c.list[0]->path, "/etc/a");
	ck_assert_uint_eq(c.list[0]->after.mode, S_IFDIR | 0755);
	ck_assert_uint_eq(c.list[0]->after.uid, 0);
	ck_assert_str_eq(c.list[1]->path, "/etc/a/b");
	ck_assert_uint_eq(c.list[1]->after.mode, S_IFDIR | 0750);
	ck_assert_uint_eq(c.list[1]->after.uid, 1);
	ck_assert_int_eq(dir("/etc/file"), -ENOTDIR);
	ck_assert_int_eq(dir("/etc/file/x"), -ENOTDIR);
}
END_TEST

/* --- lines --- */

START_TEST(lines)
{
	const struct change *x;

	put("/db", "one");
	ck_assert_int_eq(chmod(at("/db"), 0600), 0);
	ck_ok(line("/db", "two"));
	ck_ok(line("/db", "three"));
	ck_assert_uint_eq(c.n, 1);
	x = c.list[0];
	ck_assert_int_eq(x->kind, CHANGE_LINES);
	ck_assert_str_eq(x->after.content, "one\ntwo\nthree\n");
	ck_assert_uint_eq(x->after.len, strlen(x->after.content));
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0600);
	ck_assert_uint_eq(x->n_lines, 2);
	ck_assert_str_eq(x->lines[0].text, "two");
	ck_assert_str_eq(x->lines[1].text, "three");
	ck_assert_ptr_null(x->lines[0].old);
	ck_assert_uint_eq(x->n_whys, 2);

	ck_ok(line("/etc/made", "first"));
	x = changes_find(&c, "/etc/made");
	ck_assert_str_eq(x->after.content, "first\n");
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0640);
	put("/empty", "");
	ck_ok(line("/empty", "first"));
	ck_assert_str_eq(changes_find(&c, "/empty")->after.content, "first\n");
	put("/whole", "a\n");
	ck_ok(line("/whole", "b"));
	ck_assert_str_eq(changes_find(&c, "/whole")->after.content, "a\nb\n");
	ck_assert_int_eq(line("/db", "a\nb"), -EINVAL);
}
END_TEST

static int line_replace(const char *path, const char *old, const char *text)
{
	return changes_line_replace(&c, host, path, old, text, "m", "s", "1.1.2", "t", &e);
}

/* Where it stood, and nothing else moves. */
START_TEST(lines_replaced)
{
	const struct change *x;

	put("/db", "xx:1\nx:1\nx:1:a\nx:1:a\nlast");
	ck_ok(line_replace("/db", "x:1:a", "x:1:a,b"));
	x = changes_find(&c, "/db");
	ck_assert_int_eq(x->kind, CHANGE_LINES);
	ck_assert_str_eq(x->after.content, "xx:1\nx:1\nx:1:a,b\nx:1:a\nlast");
	ck_assert_uint_eq(x->after.len, strlen(x->after.content));
	ck_assert_str_eq(x->lines[0].old, "x:1:a");
	ck_assert_str_eq(x->lines[0].text, "x:1:a,b");
	ck_assert_str_eq(x->whys[0].cis, "1.1.2");
	/* Whole lines count, and the last one without a newline stays so. */
	ck_ok(line_replace("/db", "last", "least"));
	ck_assert_str_eq(x->after.content, "xx:1\nx:1\nx:1:a,b\nx:1:a\nleast");
	ck_assert_int_eq(line_replace("/db", "x", "y"), -ENOENT);
	ck_assert_int_eq(line_replace("/none", "x", "y"), -ENOENT);
	ck_assert_int_eq(line_replace("/db", "least", "a\nb"), -EINVAL);
	ck_assert_ptr_null(changes_find(&c, "/none"));
	ck_assert_uint_eq(x->n_lines, 2);
}
END_TEST

/* One line, one record: of what stood there before, and what will in the end. */
START_TEST(lines_replaced_twice)
{
	const struct change *x;

	put("/db", "x:1:a\n");
	ck_ok(line("/db", "made:2:"));
	ck_ok(line_replace("/db", "made:2:", "made:2:b"));
	ck_ok(line_replace("/db", "x:1:a", "x:1:b"));
	ck_ok(line_replace("/db", "x:1:b", "x:1:c"));
	x = changes_find(&c, "/db");
	ck_assert_str_eq(x->after.content, "x:1:c\nmade:2:b\n");
	ck_assert_uint_eq(x->n_lines, 2);
	ck_assert_ptr_null(x->lines[0].old);
	ck_assert_str_eq(x->lines[0].text, "made:2:b");
	ck_assert_str_eq(x->lines[1].old, "x:1:a");
	ck_assert_str_eq(x->lines[1].text, "x:1:c");
}
END_TEST

START_TEST(two_changes_to_one_path)
{
	put("/file", "x");
	ck_assert_int_eq(file("/file", "y", 0644), 1);
	ck_assert_int_eq(line("/file", "l"), -EBUSY);
	ck_says("two changes to '/file': by mod and by mod");
	ck_assert_int_eq(attrs("/file", 0664), -EBUSY);
	ck_assert_int_eq(remove_ours("/file", "x"), -EBUSY);
	ck_assert_int_eq(file("/new", "y", 0644), 1);
	ck_assert_int_eq(remove_ours("/new", "y"), -EBUSY); /* nothing is there to remove */
	put("/db", "x\n");
	ck_ok(line("/db", "l"));
	ck_assert_int_eq(file("/db", "y", 0644), -EBUSY);
	ck_assert_int_eq(attrs("/db", 0600), -EBUSY);
	put("/a", "x\n");
	ck_ok(attrs("/a", 0600));
	ck_assert_int_eq(attrs("/a", 0640), -EBUSY);
	ck_assert_int_eq(file("/a", "y", 0644), -EBUSY);
	ck_assert_uint_eq(c.n, 4);
}
END_TEST

/* One module empties a file that another one had begun to, or fills it again. */
START_TEST(removals_that_join)
{
	char *const argv[] = { (char[]){ "/bin/true" }, NULL };
	const struct change *x;

	put("/file", "x");
	ck_assert_int_eq(chmod(at("/file"), 0640), 0);
	ck_assert_int_eq(file("/file", "y", CHANGE_KEEP_ATTRS), 1);
	ck_ok(changes_test(&c, "/file", argv, &e));
	ck_ok(changes_test(&c, "/file", NULL, &e));
	ck_assert_ptr_null(changes_find(&c, "/file")->test);
	ck_ok(changes_test(&c, "/file", argv, &e));
	ck_assert_int_eq(remove_ours("/file", "y"), 1);
	x = changes_find(&c, "/file");
	ck_assert_int_eq(x->kind, CHANGE_REMOVE);
	ck_assert(x->before.exists && !x->after.exists);
	ck_assert_ptr_null(x->after.content);
	ck_assert_ptr_null(x->test);
	ck_assert_uint_eq(x->n_whys, 2);
	ck_assert_int_eq(remove_ours("/file", "y"), -EBUSY);
	ck_assert_int_eq(file("/file", "z", CHANGE_KEEP_ATTRS), 1);
	ck_assert_int_eq(x->kind, CHANGE_FILE);
	ck_assert_str_eq(x->after.content, "z");
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0640);
	ck_assert_uint_eq(x->n_whys, 3);
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

/* --- attributes and removals --- */

START_TEST(attributes)
{
	put("/file", "x");
	put_dir("/dir");
	ck_assert_int_eq(symlink("file", at("/link")), 0);
	ck_ok(attrs("/file", 0644));
	ck_assert(changes_empty(&c));
	ck_ok(attrs("/file", 0600));
	ck_assert_uint_eq(c.list[0]->after.mode, S_IFREG | 0600);
	ck_assert_int_eq(c.list[0]->kind, CHANGE_ATTRS);
	ck_ok(attrs("/dir", 01777));
	ck_assert_uint_eq(c.list[1]->after.mode, S_IFDIR | 01777);
	ck_assert_int_eq(attrs("/link", 0600), -ELOOP);
	ck_assert_int_eq(attrs("/none", 0600), -ENOENT);
	ck_says("does not exist");
}
END_TEST

/* What is written anyway is written so; nothing but the attributes changes. */
START_TEST(attributes_join)
{
	static const char acl[] = "\2\0\0\0\1\0\6\0\377\377\377\377\2\0\6\0\350\3\0\0"
				  "\4\0\4\0\377\377\377\377\20\0\6\0\377\377\377\377"
				  "\40\0\4\0\377\377\377\377";
	const struct change *x;

	put("/file", "x");
	ck_assert_int_eq(chmod(at("/file"), 0666), 0);
	if (setxattr(at("/file"), XATTR_ACL, acl, sizeof(acl) - 1, 0) < 0)
		ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_int_eq(file("/file", "y", CHANGE_KEEP_ATTRS), 1);
	ck_ok(attrs("/file", 0644));
	x = changes_find(&c, "/file");
	ck_assert_uint_eq(c.n, 1);
	ck_assert_int_eq(x->kind, CHANGE_FILE);
	ck_assert_str_eq(x->after.content, "y");
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0644);
	ck_assert_uint_eq(x->before.mode & 0664, 0664);
	ck_assert_ptr_null(image_xattr(&x->after, XATTR_ACL));
	ck_assert_uint_eq(x->n_whys, 2);
	ck_ok(attrs("/file", 0644));
	ck_assert_uint_eq(x->n_whys, 2);

	ck_assert_int_eq(file("/made/new", "y", 0644), 1);
	ck_ok(attrs("/made/new", 0400));
	ck_ok(attrs("/made", 0700));
	ck_assert_uint_eq(changes_find(&c, "/made/new")->after.mode, S_IFREG | 0400);
	ck_assert_uint_eq(changes_find(&c, "/made")->after.mode, S_IFDIR | 0700);
	put("/set", "x");
	ck_ok(attrs("/set", 0600));
	ck_ok(attrs("/set", 0400));
	ck_assert_uint_eq(changes_find(&c, "/set")->after.mode, S_IFREG | 0400);
	ck_assert_uint_eq(changes_find(&c, "/set")->n_whys, 2);
}
END_TEST

START_TEST(removals)
{
	put("/ours", "ours");
	put("/edited", "ours, edited");
	put_dir("/dir");
	ck_assert_int_eq(symlink("ours", at("/link")), 0);
	ck_assert_int_eq(remove_ours("/none", "ours"), 0);
	ck_assert_uint_eq(c.n_notes, 0);
	ck_assert_int_eq(remove_ours("/edited", "ours"), 0);
	ck_assert_uint_eq(c.n_notes, 1);
	ck_assert_ptr_nonnull(strstr(c.notes[0].text, "/edited"));
	ck_assert_str_eq(c.notes[0].module, "mod");
	ck_assert_int_eq(remove_ours("/link", "ours"), 0);
	ck_assert_int_eq(remove_ours("/dir", ""), 0);
	ck_assert_uint_eq(c.n_notes, 3);
	ck_assert(changes_empty(&c));
	ck_assert_int_eq(remove_ours("/ours", "ours"), 1);
	ck_assert_int_eq(c.list[0]->kind, CHANGE_REMOVE);
	ck_assert(!c.list[0]->after.exists);
	ck_assert(!host_exists(host, "/ours"));
}
END_TEST

/* --- what is asked of units, and the rest --- */

START_TEST(asks)
{
	ck_ok(changes_ask(&c, "docker.service", UNIT_NOTHING, "mod", NULL, "why", &e));
	ck_assert(changes_empty(&c));
	ck_ok(changes_ask(&c, "docker.service", UNIT_RELOAD, "mod", "a", "why", &e));
	ck_assert(!changes_empty(&c));
	ck_ok(changes_ask(&c, "docker.service", UNIT_RESTART, "mod", "b", "why", &e));
	ck_ok(changes_ask(&c, "docker.socket", UNIT_START, "mod", NULL, "why", &e));
	ck_assert_int_eq(changes_action(&c, "docker.service"), UNIT_RESTART);
	ck_assert_int_eq(changes_action(&c, "docker.socket"), UNIT_START);
	ck_assert_int_eq(changes_action(&c, "other.service"), UNIT_NOTHING);
	/* What policy put off is no work. */
	c.asks[2].pending = strdup("later");
	ck_assert_int_eq(changes_action(&c, "docker.service"), UNIT_RELOAD);
	c.asks[1].pending = strdup("later");
	c.asks[3].pending = strdup("later");
	ck_assert(changes_empty(&c));
}
END_TEST

START_TEST(tests_of_staged_files)
{
	char program[] = "/usr/bin/prove", staged[] = "{}";
	char *argv[] = { program, staged, NULL };

	ck_assert_int_eq(changes_test(&c, "/file", argv, &e), -ENOENT);
	ck_assert_int_eq(file("/file", "x", 0644), 1);
	ck_ok(changes_test(&c, "/file", argv, &e));
	ck_ok(changes_test(&c, "/file", argv, &e));
	ck_assert_str_eq(c.list[0]->test[0], "/usr/bin/prove");
	ck_assert_ptr_ne(c.list[0]->test[0], program);
	ck_assert_ptr_null(c.list[0]->test[2]);
}
END_TEST

START_TEST(what_is_remembered)
{
	json_t *one = json_integer(1), *two = json_integer(2);

	ck_assert_ptr_null(c.state);
	ck_ok(changes_remember(&c, "a", one, &e));
	ck_ok(changes_remember(&c, "b", two, &e));
	ck_ok(changes_remember(&c, "a", two, &e));
	json_decref(one);
	json_decref(two);
	ck_assert_int_eq(json_integer_value(json_object_get(c.state, "a")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(c.state, "b")), 2);
	ck_ok(changes_note(&c, "a", "set", &e, "%d of %s", 3, "them"));
	ck_assert_str_eq(c.notes[0].text, "3 of them");
	ck_assert_str_eq(c.notes[0].setting, "set");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, new_file);
	tcase_add_test(tc, same_file_is_no_change);
	tcase_add_test(tc, attributes_are_kept_or_set);
	tcase_add_test(tc, settings_join_a_file);
	tcase_add_test(tc, bytes_with_nul);
	tcase_add_test(tc, targets_that_are_no_plain_file);
	tcase_add_test(tc, immutable_and_append_only);
	tcase_add_test(tc, directories);
	tcase_add_test(tc, lines);
	tcase_add_test(tc, lines_replaced);
	tcase_add_test(tc, lines_replaced_twice);
	tcase_add_test(tc, two_changes_to_one_path);
	tcase_add_test(tc, removals_that_join);
	tcase_add_test(tc, attributes);
	tcase_add_test(tc, attributes_join);
	tcase_add_test(tc, removals);
	tcase_add_test(tc, asks);
	tcase_add_test(tc, tests_of_staged_files);
	tcase_add_test(tc, what_is_remembered);
}

UNIT_MAIN("change")
