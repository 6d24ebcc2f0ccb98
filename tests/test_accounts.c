/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/accounts.h"

static struct err e;

static void parse(const char *passwd, const char *group, struct accounts *ret)
{
	ck_assert_int_eq(accounts_parse(passwd ? strdup(passwd) : NULL, passwd ? strlen(passwd) : 0,
					group ? strdup(group) : NULL, group ? strlen(group) : 0,
					ret, &e),
			 0);
}

START_TEST(parse_takes_what_nss_files_takes)
{
	_cleanup_accounts_ struct accounts a = { 0 };

	parse("root:x:0:0:root:/root:/bin/sh\n"
	      "\n"
	      "# comment:x:5:5\n"
	      "  blanks:x:7:8:::\n"
	      "+nis:x:9:9\n"
	      "-nis:x:9:9\n"
	      "nouid:x::9\n"
	      "short:x:10\n"
	      "big:x:4294967296:1\n"
	      "max:x:4294967294:1\n"
	      "junk:x:12a:1\n"
	      ":x:13:1\n"
	      "twice:x:20:20\n"
	      "twice:x:21:21\n"
	      "last:x:30:31",
	      "root:x:0:\nadm:x:4:syslog,alice\nnogid:x\nlone:x:44", &a);
	ck_assert_uint_eq(a.n_users, 6);
	ck_assert_uint_eq(a.n_groups, 3);
	ck_assert_uint_eq(accounts_user(&a, "blanks")->gid, 8);
	ck_assert_uint_eq(accounts_user(&a, "max")->id, 4294967294u);
	ck_assert_uint_eq(accounts_user(&a, "twice")->id, 20);
	ck_assert_uint_eq(accounts_user(&a, "last")->gid, 31);
	ck_assert_ptr_null(accounts_user(&a, "nouid"));
	ck_assert_ptr_null(accounts_user(&a, "junk"));
	ck_assert_ptr_null(accounts_user(&a, ""));
	ck_assert_uint_eq(accounts_group(&a, "lone")->id, 44);
	ck_assert_ptr_null(accounts_group(&a, "nogid"));
	ck_assert_str_eq(accounts_user_by_id(&a, 20)->name, "twice");
	ck_assert_ptr_null(accounts_user_by_id(&a, 22));
}
END_TEST

START_TEST(owner_is_a_name_or_a_uid)
{
	_cleanup_accounts_ struct accounts a = { 0 };

	parse("alice:x:1000:1000\n1001:x:7:7\nbob:x:1001:1001\n", NULL, &a);
	ck_assert_str_eq(accounts_owner(&a, "alice")->name, "alice");
	ck_assert_str_eq(accounts_owner(&a, "1000")->name, "alice");
	/* A name comes before a uid, as getpwnam is asked first. */
	ck_assert_uint_eq(accounts_owner(&a, "1001")->id, 7);
	ck_assert_ptr_null(accounts_owner(&a, "01000"));
	ck_assert_ptr_null(accounts_owner(&a, "1000x"));
	ck_assert_ptr_null(accounts_owner(&a, "99999999999999999999999999"));
	ck_assert_ptr_null(accounts_owner(&a, ""));
}
END_TEST

START_TEST(absent_files_are_empty)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_host_ struct host *h = NULL;
	char *root = tree_new();

	ck_assert_int_eq(host_open(root, &h, &e), 0);
	ck_assert_int_eq(accounts_load(h, &a, &e), 0);
	ck_assert_uint_eq(a.n_users + a.n_groups, 0);
	ck_assert_ptr_null(accounts_user(&a, "root"));
	ck_assert_ptr_null(accounts_owner(&a, "0"));
	tree_remove(root);
}
END_TEST

START_TEST(login_defs)
{
	_cleanup_host_ struct host *h = NULL;
	char *root = tree_new();
	uint64_t v;

	tree_write(root, "/etc/login.defs",
		   "# SUB_UID_MIN 1\nSUB_UID_MINIMUM 7\n  SUB_UID_MIN\t\t0x100 \nUID_MIN 500\n"
		   "UID_MIN 1000\nBAD 12x\nNEG -4\nQUOTED \"99\"\nEMPTY\nLAST 5",
		   0644);
	ck_assert_int_eq(host_open(root, &h, &e), 0);
	ck_assert_int_eq(accounts_login_def(h, "SUB_UID_MIN", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 256);
	ck_assert_int_eq(accounts_login_def(h, "UID_MIN", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 1000);
	ck_assert_int_eq(accounts_login_def(h, "BAD", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 3);
	ck_assert_int_eq(accounts_login_def(h, "NEG", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 3);
	ck_assert_int_eq(accounts_login_def(h, "QUOTED", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 99);
	ck_assert_int_eq(accounts_login_def(h, "EMPTY", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 3);
	ck_assert_int_eq(accounts_login_def(h, "LAST", 3, &v, &e), 0);
	ck_assert_uint_eq(v, 5);
	tree_remove(root);
}
END_TEST

#define PASSWD "root:x:0:0:root:/root:/bin/bash\nsys:x:999:997:::\n"
#define GROUP  "root:x:0:\nx:x:998:\n"

struct made {
	char *root;
	struct host *h;
	struct changes c;
};

static void made_init(struct made *m)
{
	m->root = tree_new();
	tree_write(m->root, "/etc/passwd", PASSWD, 0644);
	tree_write(m->root, "/etc/group", GROUP, 0644);
	changes_init(&m->c);
}

static int made_add(struct made *m, const char *name)
{
	ck_assert_int_eq(host_open(m->root, &m->h, &e), 0);
	host_overlay(m->h, &m->c);
	return accounts_add_system(m->h, name, &m->c, "subids", "ranges[0]", &e);
}

static void made_done(struct made *m)
{
	changes_done(&m->c);
	host_free(m->h);
	tree_remove(m->root);
}

static const char *made_line(const struct made *m, const char *path)
{
	const struct change *c = changes_find(&m->c, path);

	return c ? c->lines[0].text : NULL;
}

START_TEST(account_with_shadow)
{
	struct made m;

	made_init(&m);
	tree_write(m.root, "/etc/shadow", "root:*:1::::::\n", 0640);
	tree_write(m.root, "/etc/gshadow", "root:*::\n", 0640);
	tree_write(m.root, "/sbin/nologin", "", 0755);
	ck_assert_msg(made_add(&m, "dockremap") == 0, "%s", e.text);
	/* 999 is a uid, 998 a gid, 997 a primary group. */
	ck_assert_str_eq(made_line(&m, "/etc/passwd"),
			 "dockremap:x:996:996::/nonexistent:/sbin/nologin");
	ck_assert_str_eq(made_line(&m, "/etc/group"), "dockremap:x:996:");
	ck_assert_str_eq(made_line(&m, "/etc/shadow"), "dockremap:!:::::::");
	ck_assert_str_eq(made_line(&m, "/etc/gshadow"), "dockremap:!::");
	/* The second one sees the first, the same again is nothing to do. */
	ck_assert_int_eq(accounts_add_system(m.h, "other", &m.c, "subids", "ranges[1]", &e), 0);
	ck_assert_str_eq(changes_find(&m.c, "/etc/group")->lines[1].text, "other:x:995:");
	ck_assert_int_eq(accounts_add_system(m.h, "dockremap", &m.c, "subids", "ranges[0]", &e), 0);
	ck_assert_uint_eq(changes_find(&m.c, "/etc/passwd")->n_lines, 2);
	made_done(&m);
}
END_TEST

START_TEST(account_without_shadow)
{
	struct made m;

	made_init(&m);
	tree_write(m.root, "/etc/login.defs", "SYS_UID_MIN 300\nSYS_UID_MAX 301\n", 0644);
	ck_assert_msg(made_add(&m, "dockremap") == 0, "%s", e.text);
	ck_assert_str_eq(made_line(&m, "/etc/passwd"),
			 "dockremap:!:301:301::/nonexistent:/usr/sbin/nologin");
	ck_assert_str_eq(made_line(&m, "/etc/group"), "dockremap:!:301:");
	ck_assert_ptr_null(made_line(&m, "/etc/shadow"));
	ck_assert_ptr_null(made_line(&m, "/etc/gshadow"));
	made_done(&m);
}
END_TEST

START_TEST(account_takes_the_group_that_is_there)
{
	struct made m;

	made_init(&m);
	tree_write(m.root, "/etc/group", "dockremap:x:500:\n", 0644);
	tree_write(m.root, "/etc/gshadow", "dockremap:!::\n", 0640);
	ck_assert_msg(made_add(&m, "dockremap") == 0, "%s", e.text);
	ck_assert_ptr_null(made_line(&m, "/etc/group"));
	ck_assert_ptr_null(made_line(&m, "/etc/gshadow"));
	ck_assert_str_eq(made_line(&m, "/etc/passwd"),
			 "dockremap:!:998:500::/nonexistent:/usr/sbin/nologin");
	made_done(&m);
}
END_TEST

START_TEST(account_no_id_is_free)
{
	struct made m;

	made_init(&m);
	tree_write(m.root, "/etc/login.defs", "SYS_UID_MIN 998\nSYS_UID_MAX 999\n", 0644);
	ck_assert_int_eq(made_add(&m, "dockremap"), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(e.text, "998"));
	ck_assert_uint_eq(m.c.n, 0);
	made_done(&m);
}
END_TEST

START_TEST(account_absurd_login_defs)
{
	struct made m;

	made_init(&m);
	tree_write(m.root, "/etc/login.defs", "SYS_UID_MIN 0\nSYS_UID_MAX 18446744073709551615\n",
		   0644);
	ck_assert_msg(made_add(&m, "dockremap") == 0, "%s", e.text);
	ck_assert_str_eq(made_line(&m, "/etc/group"), "dockremap:!:65533:");
	made_done(&m);
}
END_TEST

START_TEST(account_would_inherit_a_password)
{
	struct made m;

	made_init(&m);
	tree_write(m.root, "/etc/shadow", "root:*:1::::::\ndockremap::1::::::\n", 0640);
	ck_assert_int_eq(made_add(&m, "dockremap"), -EEXIST);
	ck_assert_ptr_nonnull(strstr(e.text, "/etc/shadow"));
	ck_assert_ptr_nonnull(strstr(e.text, "pwck"));
	ck_assert_uint_eq(m.c.n, 0);
	made_done(&m);
}
END_TEST

START_TEST(account_names)
{
	static const char *const bad[] = { "",	 "a:b", "a\nb", "+x",  "-x",
					   "#x", "a b", "a/b",	"a,b", "\xc3\xa4" };
	struct made m;

	made_init(&m);
	ck_assert_int_eq(made_add(&m, "sys"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(accounts_add_system(m.h, bad[i], &m.c, "subids", NULL, &e),
				 -EINVAL);
	ck_assert_uint_eq(m.c.n, 0);
	made_done(&m);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, parse_takes_what_nss_files_takes);
	tcase_add_test(tc, owner_is_a_name_or_a_uid);
	tcase_add_test(tc, absent_files_are_empty);
	tcase_add_test(tc, login_defs);
	tcase_add_test(tc, account_with_shadow);
	tcase_add_test(tc, account_without_shadow);
	tcase_add_test(tc, account_takes_the_group_that_is_there);
	tcase_add_test(tc, account_no_id_is_free);
	tcase_add_test(tc, account_absurd_login_defs);
	tcase_add_test(tc, account_would_inherit_a_password);
	tcase_add_test(tc, account_names);
}

UNIT_MAIN("accounts")
