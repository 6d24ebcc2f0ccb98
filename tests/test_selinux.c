/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selinux module on a live host: a scratch root, whose files stand in for the kernel's.
 */
#include "../src/module.h"

static bool fake_live = true;

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

#define host_is_live fake_is_live
#include "../src/change.c"
#include "../modules/selinux.c"
#undef host_is_live

const struct module *const modules[] = { &module_selinux, NULL };

#include "sectioned.h"

#define CONFIG(mode) "# a\nSELINUX=" mode "\nSELINUXTYPE=default\n"
#define APPARMOR     "/sys/module/apparmor/parameters/enabled"
#define PROFILES     "/sys/kernel/security/apparmor/profiles"
#define BOOL	     BOOLEANS "/cron_can_relabel"
#define STORE	     "/var/lib/selinux/default/active/booleans.local"

static void setup(void)
{
	root_setup();
	changes_init(&c);
	fake_live = true;
	put(SELINUX_CONFIG, CONFIG("permissive"));
	put_dir("/etc/selinux/default/contexts");
	put(SELINUX_ENFORCE, "0");
	put(BOOL, "0 0");
	put(BOOLEANS "/cron_userdomain_transition", "1 1");
	put("/usr/sbin/setsebool", "");
}

static void is(const char *setting, enum finding_state wanted, const char *why)
{
	for (size_t i = 0; i < f.n; i++)
		if (streq(f.list[i].setting, setting)) {
			ck_assert_msg(f.list[i].state == wanted, "%s: %d (%s)", setting,
				      f.list[i].state, f.list[i].why);
			ck_assert_msg(strstr(f.list[i].why, why) != NULL, "%s", f.list[i].why);
			return;
		}
	ck_abort_msg("no finding of %s", setting);
}

static const char *planned_text(const char *path)
{
	const struct change *x = changes_find(&c, path);

	return x ? x->after.content : NULL;
}

#define ENFORCING  "version: 1\nselinux: {mode: enforcing}\n"
#define PERMISSIVE "version: 1\nselinux: {mode: permissive}\n"

START_TEST(permissive_to_enforcing_and_back)
{
	with(ENFORCING, ask);
	ck_assert_uint_eq(c.n, 2);
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("enforcing"));
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "1");
	done();
	with(ENFORCING, ask);
	ck_assert(changes_empty(&c));
	with(ENFORCING, look);
	is("mode", FINDING_OK, SELINUX_ENFORCE);
	is("boot", FINDING_OK, SELINUX_CONFIG);
	/* It was us who asked for it. */
	with(PERMISSIVE, ask);
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "0");
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("permissive"));
	ask(NULL);
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "0");
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("permissive"));
	/* Somebody else has the last word. */
	put(SELINUX_CONFIG, CONFIG("disabled"));
	put(SELINUX_ENFORCE, "0");
	ask(NULL);
	ck_assert(changes_empty(&c));
}
END_TEST

START_TEST(tighter_is_left_alone)
{
	put(SELINUX_CONFIG, CONFIG("enforcing"));
	put(SELINUX_ENFORCE, "1");
	with(PERMISSIVE, ask);
	ck_assert(changes_empty(&c));
	with(PERMISSIVE, look);
	is("mode", FINDING_OK, "left alone");
	is("boot", FINDING_OK, "left alone");
}
END_TEST

START_TEST(mode_and_boot_of_their_own)
{
	with("version: 1\nselinux: {mode: enforcing, boot: permissive}\n", ask);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "1");
	with("version: 1\nselinux: {boot: enforcing}\n", ask);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("enforcing"));
	with("version: 1\nselinux: {}\n", ask);
	ck_assert(changes_empty(&c));
}
END_TEST

START_TEST(through_permissive)
{
	ck_assert_int_eq(unlink(at(SELINUX_ENFORCE)), 0);
	put(SELINUX_CONFIG, CONFIG("disabled"));
	put("/proc/cmdline", "root=/dev/vda quiet\n");
	with(ENFORCING, ask);
	ck_assert_uint_eq(c.n, 2);
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("permissive"));
	ck_assert_str_eq(planned_text(RELABEL), "");
	done();
	with(ENFORCING, ask);
	ck_assert(changes_empty(&c));
	with(ENFORCING, look);
	is("mode", FINDING_PENDING, "security=selinux selinux=1");
	put(LSMS, "lockdown,capability,yama,apparmor");
	with(ENFORCING, look);
	is("mode", FINDING_PENDING, "security=selinux selinux=1");
	put("/proc/cmdline", "root=/dev/vda lsm=yama,apparmor\n");
	with(ENFORCING, look);
	is("mode", FINDING_PENDING, "put selinux into lsm=");
	put(LSMS, "lockdown,capability,yama,selinux");
	with(ENFORCING, look);
	is("mode", FINDING_PENDING, "kernel: reboot (the first boot labels");
	is("boot", FINDING_PENDING, "labels the disk");
	/* It booted, and did not get to it. */
	put(SELINUX_ENFORCE, "0");
	with(ENFORCING, ask);
	ck_assert(changes_empty(&c));
	with(ENFORCING, look);
	is("mode", FINDING_PENDING, "still to be labelled");
	/* It has labels now. */
	ck_assert_int_eq(unlink(at(RELABEL)), 0);
	with(ENFORCING, ask);
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("enforcing"));
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "1");
	done();
	/* What was there first comes back. */
	ask(NULL);
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("disabled"));
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "0");
}
END_TEST

/* Enforcing on a disk without labels doesn't boot; one that is on is not loosened for labels. */
START_TEST(never_enforcing_without_labels)
{
	put(RELABEL, "");
	put(SELINUX_CONFIG, CONFIG("enforcing"));
	put(SELINUX_ENFORCE, "1");
	with(ENFORCING, ask);
	ck_assert(changes_empty(&c));
	ck_assert_int_eq(unlink(at(SELINUX_ENFORCE)), 0);
	ck_assert_int_eq(unlink(at(RELABEL)), 0);
	with(ENFORCING, ask);
	ck_assert_str_eq(planned_text(SELINUX_CONFIG), CONFIG("permissive"));
	ck_assert_str_eq(planned_text(RELABEL), "");
}
END_TEST

#define BOOLS(x) "version: 1\nselinux: {booleans: {" x "}}\n"

START_TEST(booleans)
{
	with(BOOLS("cron_can_relabel: true, cron_userdomain_transition: true"), ask);
	ck_assert_uint_eq(c.n_commands, 1);
	ck_assert_str_eq(c.commands[0].argv[0], "/usr/sbin/setsebool");
	ck_assert_str_eq(c.commands[0].argv[1], "-P");
	ck_assert_str_eq(c.commands[0].argv[2], "cron_can_relabel=on");
	/* On already, and at the next boot nobody knows. */
	ck_assert_str_eq(c.commands[0].argv[3], "cron_userdomain_transition=on");
	ck_assert_str_eq(c.commands[0].back[2], "cron_can_relabel=off");
	ck_assert_str_eq(c.commands[0].back[3], "cron_userdomain_transition=on");
	done();
	with(BOOLS("cron_can_relabel: true"), look);
	is("booleans.cron_can_relabel", FINDING_DRIFT, BOOLEANS);
	put(BOOL, "1 1");
	put(STORE, "# made by libsemanage\ncron_can_relabel=0\ncron_can_relabel=1\n"
		   "cron_userdomain_transition=1\n");
	with(BOOLS("cron_can_relabel: true, cron_userdomain_transition: true"), ask);
	ck_assert(changes_empty(&c));
	with(BOOLS("cron_can_relabel: true"), look);
	is("booleans.cron_can_relabel", FINDING_OK, BOOLEANS);
	/* One leaves the plan. */
	with(BOOLS("cron_userdomain_transition: true"), ask);
	ck_assert_uint_eq(c.n_commands, 1);
	ck_assert_str_eq(c.commands[0].argv[2], "cron_can_relabel=off");
	ck_assert_ptr_null(c.commands[0].argv[3]);
	ask(NULL);
	ck_assert_uint_eq(c.n_commands, 1);
	put(STORE, "");
	with(BOOLS("cron_can_relabel: true"), look);
	is("booleans.cron_can_relabel", FINDING_DRIFT, "not kept");
}
END_TEST

/* A run from without sees no kernel, and forgets nothing of it. */
START_TEST(offline_forgets_nothing)
{
	static const char plan[] =
		"version: 1\nselinux: {mode: enforcing, booleans: {cron_can_relabel: true}}\n";

	with(plan, ask);
	done();
	fake_live = false;
	with(plan, ask);
	ck_assert(changes_empty(&c));
	done();
	fake_live = true;
	put(BOOL, "1 1");
	ask(NULL);
	ck_assert_str_eq(planned_text(SELINUX_ENFORCE), "0");
	ck_assert_uint_eq(c.n_commands, 1);
	ck_assert_str_eq(c.commands[0].argv[2], "cron_can_relabel=off");
}
END_TEST

START_TEST(booleans_that_are_mistakes)
{
	with(BOOLS("cron_can_relable: true, ../enforce: true, x: true"), ask);
	ck_assert_uint_eq(c.mistakes.n, 3);
	ck_assert_ptr_nonnull(strstr(c.mistakes.list[0].text, "did you mean cron_can_relabel?"));
	ck_assert_ptr_nonnull(strstr(c.mistakes.list[2].text, "getsebool -a"));
	ck_assert(changes_empty(&c));
	ck_assert_int_eq(unlink(at("/usr/sbin/setsebool")), 0);
	with(BOOLS("cron_can_relabel: true"), ask);
	ck_assert_uint_eq(c.refusals.n, 1);
	ck_assert_ptr_nonnull(strstr(c.refusals.list[0].text, "policycoreutils"));
}
END_TEST

START_TEST(apparmor)
{
	ck_assert_int_eq(unlink(at(SELINUX_CONFIG)), 0);
	ck_assert_int_eq(unlink(at(SELINUX_ENFORCE)), 0);
	with(ENFORCING, look);
	is("mode", FINDING_SKIPPED, "no SELinux policy");
	is("apparmor", FINDING_SKIPPED, "neither");
	put(APPARMOR, "Y\n");
	with(ENFORCING, look);
	is("apparmor", FINDING_SKIPPED, "not installed");
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n");
	with(ENFORCING, look);
	is("apparmor", FINDING_SKIPPED, PROFILES);
	put(PROFILES, "/usr/bin/man (enforce)\nmy-docker-default (enforce)\n");
	with(ENFORCING, look);
	is("apparmor", FINDING_PENDING, "loads it when it starts");
	put(PROFILES, "docker-default (complain)\n");
	with(ENFORCING, look);
	is("apparmor", FINDING_PENDING, "apparmor/.remove");
	put(PROFILES, "/usr/bin/man (enforce)\ndocker-default (enforce)\n");
	with(ENFORCING, look);
	is("apparmor", FINDING_OK, PROFILES);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, section_teardown);
	tcase_add_test(tc, permissive_to_enforcing_and_back);
	tcase_add_test(tc, tighter_is_left_alone);
	tcase_add_test(tc, mode_and_boot_of_their_own);
	tcase_add_test(tc, through_permissive);
	tcase_add_test(tc, never_enforcing_without_labels);
	tcase_add_test(tc, booleans);
	tcase_add_test(tc, booleans_that_are_mistakes);
	tcase_add_test(tc, offline_forgets_nothing);
	tcase_add_test(tc, apparmor);
}

UNIT_MAIN("selinux")
