/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

#include "../modules/rootless.h"

extern const struct module module_rootless;
extern const struct module module_subids;
const struct module *const modules[] = { &module_subids, &module_rootless, NULL };

#define V	"version: 1\n"
#define SERVICE "/etc/systemd/user/bulkhead-docker-rootless.service"
#define START	"/etc/systemd/system/bulkhead-rootless-1000.service"
#define LINGER	"/var/lib/systemd/linger/alice"
#define SCRIPT	"/usr/share/docker.io/contrib/dockerd-rootless.sh"

static struct changes c;

static void program(const char *path, mode_t mode)
{
	put(path, "#!/bin/sh\n");
	ck_assert_int_eq(chown(at(path), 0, 0), 0);
	ck_assert_int_eq(chmod(at(path), mode), 0);
}

static void setup(void)
{
	root_setup();
	changes_init(&c);
	put("/etc/passwd",
	    "root:x:0:0:::\ndaemon:x:1:1:::\nalice:x:1000:1000:::\nbob:x:1001:1001:::\n"
	    "nobody:x:65534:65534:::\na/b:x:1002:1002:::\n");
	put("/etc/group", "root:x:0:\n");
	put("/etc/subuid", "alice:100000:65536\n");
	put("/etc/subgid", "alice:100000:65536\n");
	program(SCRIPT, 0755);
	program("/usr/bin/rootlesskit", 0755);
	program("/usr/bin/slirp4netns", 0755);
	program("/usr/bin/newuidmap", 04755);
	program("/usr/bin/newgidmap", 04755);
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

static void diff(const char *text, const json_t *was)
{
	section_diff(&module_rootless, &c, text, was);
}

/* What has been planned is written, as far as it is files. */
static void apply(void)
{
	for (size_t i = 0; i < c.n; i++) {
		const struct change *x = c.list[i];

		if (x->kind == CHANGE_DIR) {
			put_dir(x->path);
		} else if (x->kind == CHANGE_REMOVE) {
			ck_assert_int_eq(unlink(at(x->path)), 0);
		} else {
			put(x->path, x->after.content);
			ck_assert_int_eq(chown(at(x->path), 0, 0), 0);
			ck_assert_int_eq(chmod(at(x->path), x->after.mode & 07777), 0);
		}
	}
}

static bool refused(const char *says)
{
	for (size_t i = 0; i < c.refusals.n; i++)
		if (strstr(c.refusals.list[i].text, says))
			return true;
	return false;
}

static json_t *state(void)
{
	return json_incref(json_object_get(c.state, "rootless"));
}

START_TEST(all_of_it_and_nothing_more)
{
	_cleanup_json_ json_t *was = NULL;

	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert(!errs_any(&c.mistakes) && !errs_any(&c.refusals));
	ck_assert_ptr_nonnull(changes_find(&c, SERVICE));
	ck_assert_ptr_nonnull(strstr(changes_find(&c, SERVICE)->after.content, "=" SCRIPT "\n"));
	ck_assert_ptr_nonnull(changes_find(&c, START));
	ck_assert_ptr_nonnull(strstr(changes_find(&c, START)->after.content, "\nUser=1000\n"));
	ck_assert_ptr_nonnull(changes_find(&c, LINGER));
	ck_assert_uint_eq(changes_find(&c, LINGER)->after.len, 0);
	ck_assert_ptr_null(changes_find(&c, "/etc/subuid")); /* clean as it stands */
	ck_assert_ptr_null(changes_find(&c, ROOTLESS_SYSCTL));
	ck_assert(c.manager_reload);
	was = state();
	apply();
	diff(V "rootless: {users: [alice]}\n", was);
	ck_assert(changes_empty(&c) && !c.manager_reload);
	ck_assert(json_equal(json_object_get(c.state, "rootless"), was));
	/* Without the section all of ours goes, and its unit is stopped first. */
	diff(V "subids: {}\n", was);
	ck_assert_ptr_null(c.state);
	ck_assert_uint_eq(c.n, json_object_size(was));
	ck_assert_uint_eq(c.n_asks, 1);
	ck_assert_int_eq(c.asks[0].action, UNIT_STOP);
	ck_assert_str_eq(c.asks[0].unit, "bulkhead-rootless-1000.service");
	apply();
	ck_assert(!exists(LINGER));
	diff(V "subids: {}\n", NULL);
	ck_assert(changes_empty(&c));
}
END_TEST

START_TEST(lingering_of_others)
{
	put(LINGER, "");
	ck_assert_int_eq(chmod(at(LINGER), 0600), 0);
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert_ptr_null(changes_find(&c, LINGER));
	ck_assert_ptr_null(json_object_get(json_object_get(c.state, "rootless"), LINGER));
}
END_TEST

START_TEST(who_can)
{
	static const struct {
		const char *user, *says;
	} rows[] = {
		{ "alcie", "did you mean alice?" },
		{ "quux", "there is no user 'quux'" },
		{ "daemon", "a system account (uid 1)" },
		{ "\"1\"", "a system account (uid 1)" },
		{ "nobody", "a system account (uid 65534)" },
		{ "\"1002\"", "can't be a file's" },
		{ "\"1000\"", "are the same account" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[128];

		snprintf(text, sizeof(text), V "rootless:\n  users:\n    - alice\n    - %s\n",
			 rows[i].user);
		diff(text, NULL);
		ck_assert_uint_eq(c.mistakes.n, 1);
		ck_assert_str_eq(c.mistakes.list[0].where, "plan:5:7");
		ck_assert_msg(strstr(c.mistakes.list[0].text, rows[i].says), "%s",
			      c.mistakes.list[0].text);
		ck_assert_uint_eq(c.n, 0);
	}
	/* Distributions begin their users elsewhere. */
	put("/etc/login.defs", "UID_MIN 1001\n");
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert_uint_eq(c.mistakes.n, 1);
}
END_TEST

START_TEST(tools)
{
	static const struct {
		const char *path, *says;
	} rows[] = {
		{ SCRIPT, "no dockerd-rootless.sh" },
		{ "/usr/bin/rootlesskit", "package rootlesskit" },
		{ "/usr/bin/slirp4netns", "package slirp4netns" },
		{ "/usr/bin/newuidmap", "/usr/bin/newuidmap' is missing" },
		{ "/usr/bin/newgidmap", "/usr/bin/newgidmap' is missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(unlink(at(rows[i].path)), 0);
		diff(V "rootless: {users: [alice]}\n", NULL);
		ck_assert_uint_eq(c.refusals.n, 1);
		ck_assert_msg(refused(rows[i].says), "%s", c.refusals.list[0].text);
		ck_assert_uint_eq(c.n, 0);
		program(rows[i].path, 04755);
	}
	/* No user, nothing to be needed. */
	ck_assert_int_eq(unlink(at(SCRIPT)), 0);
	diff(V "rootless: {}\n", NULL);
	ck_assert(!errs_any(&c.refusals) && changes_empty(&c));
	/* Docker's own packages come first. */
	program(SCRIPT, 0755);
	program("/usr/bin/dockerd-rootless.sh", 0755);
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert_ptr_nonnull(strstr(changes_find(&c, SERVICE)->after.content,
				     "=/usr/bin/dockerd-rootless.sh\n"));
}
END_TEST

START_TEST(network)
{
	ck_assert_int_eq(unlink(at("/usr/bin/slirp4netns")), 0);
	program("/usr/bin/pasta", 0755);
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert(refused("package slirp4netns")); /* the script is older than pasta */
	put(SCRIPT, "# ROOTLESSKIT_NET=(slirp4netns|pasta)\n");
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert(!errs_any(&c.refusals));
	ck_assert_ptr_nonnull(
		strstr(changes_find(&c, SERVICE)->after.content, "ROOTLESSKIT_NET=pasta"));
}
END_TEST

START_TEST(sysctls)
{
	static const struct {
		const char *file, *line, *plan;
		const char *writes;  /* in our file; NULL: none is made */
		const char *refuses; /* or NULL */
	} rows[] = {
		{ "/etc/sysctl.d/10-a.conf", "user.max_user_namespaces = 28633", "", NULL, NULL },
		{ "/etc/sysctl.d/10-a.conf", "user.max_user_namespaces = 28632", "",
		  "\nuser.max_user_namespaces = 28633\n", NULL },
		{ "/usr/lib/sysctl.d/10-a.conf", "user/max_user_namespaces=0", "",
		  "\nuser.max_user_namespaces = 28633\n", NULL },
		{ "/run/sysctl.d/10-a.conf", " - kernel.unprivileged_userns_clone=0", "",
		  "\n-kernel.unprivileged_userns_clone = 1\n", NULL },
		{ "/run/sysctl.d/10-a.txt", "kernel.unprivileged_userns_clone=0", "", NULL, NULL },
		{ "/etc/sysctl.d/10-a.conf", "# user.max_user_namespaces = 0", "", NULL, NULL },
		{ "/etc/sysctl.d/10-a.conf", "user.max_user_namespaces", "", NULL, NULL },
		{ "/etc/sysctl.d/10-a.conf", "user.max_user_namespaces = many", "", NULL, NULL },
		{ "/etc/sysctl.d/10-a.conf", "=", ", port-start: 0",
		  "\nnet.ipv4.ip_unprivileged_port_start = 0\n", NULL },
		{ "/etc/sysctl.d/90-a.conf", "user.max_user_namespaces = 0", "",
		  "\nuser.max_user_namespaces = 28633\n", "/etc/sysctl.d/90-a.conf' sets" },
		{ "/etc/sysctl.d/90-a.conf", "net.ipv4.ip_unprivileged_port_start = 1024",
		  ", port-start: 80", "port_start = 80\n", "take that line out" },
		{ "/etc/sysctl.d/10-a.conf", "kernel.apparmor_restrict_unprivileged_userns = 1", "",
		  NULL, NULL },
		{ "/etc/sysctl.d/10-a.conf", "kernel.apparmor_restrict_unprivileged_userns = 1",
		  ", apparmor-userns: lift",
		  "\n-kernel.apparmor_restrict_unprivileged_userns = 0\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct change *x;
		char text[256];

		put(rows[i].file, rows[i].line);
		snprintf(text, sizeof(text), V "rootless: {users: [alice]%s}\n", rows[i].plan);
		diff(text, NULL);
		x = changes_find(&c, ROOTLESS_SYSCTL);
		ck_assert_msg(!x == !rows[i].writes, "row %zu", i);
		ck_assert_msg(!x || strstr(x->after.content, rows[i].writes), "row %zu: %s", i,
			      x ? x->after.content : "");
		ck_assert_msg(errs_any(&c.refusals) == (rows[i].refuses != NULL), "row %zu", i);
		ck_assert_msg(!rows[i].refuses || refused(rows[i].refuses), "row %zu: %s", i,
			      rows[i].refuses ? c.refusals.list[0].text : "");
		ck_assert_int_eq(unlink(at(rows[i].file)), 0);
	}
}
END_TEST

/* The first folder's file of a name counts, one that is masked counts for nothing, and what we
 * wrote once stays ours though it hides why. */
START_TEST(sysctls_by_name)
{
	_cleanup_json_ json_t *was = NULL;

	put("/usr/lib/sysctl.d/10-a.conf", "user.max_user_namespaces = 0");
	put("/etc/sysctl.d/10-a.conf", "# nothing");
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert_ptr_null(changes_find(&c, ROOTLESS_SYSCTL));
	ck_assert_int_eq(unlink(at("/etc/sysctl.d/10-a.conf")), 0);
	ck_assert_int_eq(symlink("/dev/null", at("/etc/sysctl.d/10-a.conf")), 0);
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert_ptr_null(changes_find(&c, ROOTLESS_SYSCTL));
	ck_assert_int_eq(unlink(at("/etc/sysctl.d/10-a.conf")), 0);
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert_ptr_nonnull(changes_find(&c, ROOTLESS_SYSCTL));
	was = state();
	apply();
	diff(V "rootless: {users: [alice]}\n", was);
	ck_assert(changes_empty(&c));
}
END_TEST

/* The pool, and what to keep out of, are those of subids; its refusals stand at the user. */
START_TEST(ranges)
{
	const struct change *x;

	diff(V "subids: {pool: 300000-500000, align: 1, avoid: [300000-300009]}\n"
	       "rootless: {users: [bob]}\n",
	     NULL);
	x = changes_find(&c, "/etc/subuid");
	ck_assert_ptr_nonnull(x);
	ck_assert_str_eq(x->lines[0].text, "bob:300010:65536");
	put("/etc/subuid", "alice:100000:1000\n");
	diff(V "rootless: {users: [alice]}\n", NULL);
	ck_assert(refused("A range is not grown"));
	ck_assert_str_eq(c.refusals.list[0].where, "plan:2:20");
}
END_TEST

START_TEST(findings)
{
	_cleanup_findings_ struct findings f = { 0 };
	_cleanup_plan_ struct plan *p =
		plan_of(V "rootless: {users: [alice, bob, carol], port-start: 80}\n");

	ck_ok(module_rootless.verify(plan_section(p, "rootless"), NULL, host, &f, &e));
	ck_assert_uint_eq(f.n, 3);
	ck_assert_int_eq(f.list[0].state, FINDING_SKIPPED);
	ck_assert_str_eq(f.list[0].setting, "users[0]");
	ck_assert_str_eq(f.list[0].cis, "2.1");
	ck_assert_int_eq(f.list[1].state, FINDING_DRIFT);
	ck_assert_str_eq(f.list[1].found, "no range");
	ck_assert_int_eq(f.list[2].state, FINDING_SKIPPED);
	ck_assert_str_eq(f.list[2].setting, "port-start");
}
END_TEST

START_TEST(kernel)
{
	struct rootless_sysctl list[ROOTLESS_SYSCTLS];
	_cleanup_plan_ struct plan *p = plan_of(V "rootless: {users: [alice], port-start: 80}\n");

	ck_ok(rootless_sysctls_load(plan_section(p, "rootless"), host, list, &e));
	ck_assert(rootless_kernel_allows(list)); /* offline nobody knows better */
	for (size_t i = 0; i < ROOTLESS_SYSCTLS; i++) {
		bool least = list[i].at_least;

		list[i].on = true;
		list[i].kernel = 0;
		ck_assert(rootless_kernel_allows(list) == !least);
		list[i].on = false;
		ck_assert(rootless_kernel_allows(list));
		ck_assert(rootless_sysctl_fits(&list[i], list[i].need));
		ck_assert(rootless_sysctl_fits(&list[i], list[i].need + 1) == least);
		ck_assert(!rootless_sysctl_fits(&list[i], list[i].need - 1));
	}
}
END_TEST

/* A tool that can't be looked at is neither there nor missing. */
START_TEST(a_look_fails)
{
	static const char *const looked[] = { SCRIPT, "/usr/bin/rootlesskit",
					      "/usr/bin/slirp4netns", "/usr/bin/systemctl" };
	_cleanup_plan_ struct plan *p = plan_of(V "rootless: {users: [alice]}\n");
	struct previous previous = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(looked); i++) {
		unlink(at(looked[i]));
		ck_assert_int_eq(symlink(strrchr(looked[i], '/') + 1, at(looked[i])), 0);
		ck_assert_int_eq(
			module_rootless.diff(plan_section(p, "rootless"), &previous, host, &c, &e),
			-ELOOP);
		ck_assert_msg(strstr(e.text, looked[i]), "%s", e.text);
		ck_assert_int_eq(unlink(at(looked[i])), 0);
		program(looked[i], 0755);
		changes_done(&c);
		host_forget(host);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_of_it_and_nothing_more);
	tcase_add_test(tc, lingering_of_others);
	tcase_add_test(tc, who_can);
	tcase_add_test(tc, tools);
	tcase_add_test(tc, network);
	tcase_add_test(tc, sysctls);
	tcase_add_test(tc, sysctls_by_name);
	tcase_add_test(tc, ranges);
	tcase_add_test(tc, findings);
	tcase_add_test(tc, kernel);
	tcase_add_test(tc, a_look_fails);
}

UNIT_MAIN("rootless")
