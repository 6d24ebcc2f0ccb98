/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/selinuxconf.h"

static struct err e;

static void edited(const char *from, enum selinux_mode mode, const char *to)
{
	_cleanup_free_ char *text = NULL;

	ck_assert_int_eq(selinuxconf_edit(from, mode, &text, &e), 0);
	ck_assert_str_eq(text, to);
	ck_assert_int_eq(selinuxconf_mode(text), mode);
}

START_TEST(modes)
{
	ck_assert_int_eq(selinuxconf_mode("# SELINUX=enforcing\nSELINUX=permissive\n"),
			 SELINUX_PERMISSIVE);
	ck_assert_int_eq(selinuxconf_mode("SELINUX= Enforcing # yes\nSELINUX=disabled"),
			 SELINUX_ENFORCING);
	ck_assert_int_eq(selinuxconf_mode("SELINUX=maybe\nSELINUX=disabled"), SELINUX_DISABLED);
	ck_assert_int_eq(selinuxconf_mode(" SELINUX=enforcing\nSELINUXTYPE=enforcing\n"),
			 SELINUX_UNSET);
	ck_assert_int_eq(selinuxconf_mode(""), SELINUX_UNSET);
	ck_assert_int_eq(selinuxconf_mode(NULL), SELINUX_UNSET);
	ck_assert_int_eq(selinux_mode_parse("enforcing"), SELINUX_ENFORCING);
	ck_assert_int_eq(selinux_mode_parse("unset"), SELINUX_UNSET);
	ck_assert_int_eq(selinux_mode_parse(NULL), SELINUX_UNSET);
	ck_assert_str_eq(selinux_mode_name(SELINUX_DISABLED), "disabled");
}
END_TEST

START_TEST(types)
{
	char buf[16];

	ck_assert(
		selinuxconf_type("SELINUXTYPE=mls\n  SELINUXTYPE=default \r\n", buf, sizeof(buf)));
	ck_assert_str_eq(buf, "default");
	ck_assert(!selinuxconf_type("SELINUXTYPE=../../etc\n", buf, sizeof(buf)));
	ck_assert(!selinuxconf_type("SELINUXTYPE=..\n", buf, sizeof(buf)));
	ck_assert(!selinuxconf_type("SELINUXTYPE=\n#SELINUXTYPE=x\n", buf, sizeof(buf)));
	ck_assert(!selinuxconf_type("SELINUXTYPE=longer-than-there-is-room\n", buf, sizeof(buf)));
}
END_TEST

START_TEST(edits)
{
	edited("# a\nSELINUX=permissive # why\nSELINUXTYPE=x\n", SELINUX_ENFORCING,
	       "# a\nSELINUX=enforcing # why\nSELINUXTYPE=x\n");
	edited("SELINUX=Disabled\r\nSELINUX=enforcing", SELINUX_PERMISSIVE,
	       "SELINUX=permissive\r\nSELINUX=enforcing");
	edited("SELINUXTYPE=x", SELINUX_PERMISSIVE, "SELINUXTYPE=x\nSELINUX=permissive\n");
	edited("", SELINUX_ENFORCING, "SELINUX=enforcing\n");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, modes);
	tcase_add_test(tc, types);
	tcase_add_test(tc, edits);
}

UNIT_MAIN("selinuxconf")
