/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rootless Docker needs of a running kernel: a scratch root, whose files stand in for the
 * kernel's.
 */
#include "../src/module.h"

static bool fake_live = true;
static bool fake_read_only;

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

static int fake_writable(const struct host *h, const char *path, struct err *e)
{
	return fake_read_only ? err_set(e, EROFS, "'%s' is read-only", path)
			      : host_writable(h, path, e);
}

#define host_is_live  fake_is_live
#define host_writable fake_writable
#include "../src/change.c"
#include "../modules/rootless.c"
#include "../modules/rootless_host.c"
#undef host_is_live
#undef host_writable

#include "planned.h"

const struct module *const modules[] = { &module_rootless, NULL };

#define MAX    "/proc/sys/user/max_user_namespaces"
#define CLONE  "/proc/sys/kernel/unprivileged_userns_clone"
#define PORT   "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define PLAN   "version: 1\nrootless: {users: [alice]}\n"
#define PORT80 "version: 1\nrootless: {users: [alice], port-start: 80}\n"

static struct changes c;
static json_t *state;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	fake_live = true;
	fake_read_only = false;
	put(MAX, "28633\n");
	put(CLONE, "1\n");
	put(PORT, "1024\n");
	put_dir("/etc/sysctl.d");
}

static void teardown(void)
{
	json_decref(TAKE_PTR(state));
	changes_done(&c);
	root_teardown();
}

/* The sysctls alone, and what of them is no longer asked for; no plan: the section is gone. */
static void look(const char *text)
{
	_cleanup_plan_ struct plan *p = text ? plan_of(text) : NULL;
	_cleanup_(work_done) struct work w = { .s = p ? plan_section(p, "rootless") : NULL,
					       .h = host,
					       .out = &c };

	changes_done(&c);
	host_overlay(host, &c);
	for (int pass = 0; pass < 2; pass++) { /* over all that is planned, nothing is added */
		size_t n = c.n;

		json_decref(w.was);
		json_decref(w.files);
		w.was = state ? json_clone(state, false) : json_object();
		w.files = json_object();
		if (w.s)
			ck_ok(diff_sysctls(&w, &e));
		if (pass == 0)
			ck_ok(take_out(&w, "gone", &e));
		ck_assert(pass == 0 || c.n == n);
		if (pass == 0)
			ck_ok(changes_remember(&c, "rootless", w.files, &e));
	}
	host_overlay(host, NULL);
}

static void apply(void)
{
	for (size_t i = 0; i < c.n; i++) {
		if (c.list[i]->kind == CHANGE_REMOVE)
			ck_assert_int_eq(unlink(at(c.list[i]->path)), 0);
		else
			put(c.list[i]->path, c.list[i]->after.content);
	}
	json_decref(state);
	state = json_incref(json_object_get(c.state, "rootless"));
}

static const char *knob(const char *path)
{
	const struct change *x = changes_find(&c, path);

	ck_assert(!x || x->kind == CHANGE_KNOB);
	return x ? x->after.content : NULL;
}

START_TEST(set_now_and_taken_back)
{
	look(PLAN); /* all is well: nothing of it is ours */
	ck_assert_uint_eq(c.n, 0);
	put(MAX, "0\n");
	put(CLONE, "0\n");
	look(PLAN);
	ck_assert_str_eq(knob(MAX), "28633");
	ck_assert_str_eq(knob(CLONE), "1");
	ck_assert_ptr_null(knob(PORT));
	ck_assert_ptr_nonnull(changes_find(&c, ROOTLESS_SYSCTL));
	apply();
	look(PLAN);
	ck_assert_uint_eq(c.n, 0);
	apply();
	put(MAX, "7\n"); /* somebody's, and no more than before what stands there in the end */
	look(PLAN);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_str_eq(knob(MAX), "28633");
	apply();
	put(CLONE, "2\n"); /* somebody's: it stays */
	look(NULL);
	ck_assert_str_eq(knob(MAX), "0");
	ck_assert_ptr_null(knob(CLONE));
	ck_assert_int_eq(changes_find(&c, ROOTLESS_SYSCTL)->kind, CHANGE_REMOVE);
	apply();
}
END_TEST

START_TEST(one_setting_leaves)
{
	put(MAX, "0\n");
	look(PORT80);
	ck_assert_str_eq(knob(PORT), "80");
	apply();
	look("version: 1\nrootless: {users: [alice], port-start: 443}\n");
	ck_assert_str_eq(knob(PORT), "443");
	apply();
	look(PLAN);
	ck_assert_str_eq(knob(PORT), "1024");
	ck_assert_ptr_null(knob(MAX));
	ck_assert_ptr_null(strstr(changes_find(&c, ROOTLESS_SYSCTL)->after.content, "port_start"));
	apply();
	put(MAX, "100000\n"); /* more than we set: somebody's */
	look(NULL);
	ck_assert_ptr_null(knob(MAX));
}
END_TEST

/* In a container /proc/sys is read-only: the file is all that can be. */
START_TEST(not_here)
{
	put(MAX, "0\n");
	fake_read_only = true;
	look(PLAN);
	ck_assert_ptr_null(knob(MAX));
	ck_assert_ptr_nonnull(changes_find(&c, ROOTLESS_SYSCTL));
	fake_read_only = false;
	fake_live = false;
	look(PORT80);
	ck_assert_ptr_null(knob(MAX));
	ck_assert_ptr_null(knob(PORT));
	fake_live = true;
	look(PORT80);
	apply();
	fake_live = false; /* from without, what the running one has is kept in mind */
	look(PORT80);
	ck_assert_ptr_nonnull(json_object_get(json_object_get(c.state, "rootless"), PORT));
	ck_assert_int_eq(unlink(at(PORT)), 0);
	fake_live = true;
	look(NULL); /* a kernel without it */
	ck_assert_str_eq(knob(MAX), "0");
	ck_assert_ptr_null(knob(PORT));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, set_now_and_taken_back);
	tcase_add_test(tc, one_setting_leaves);
	tcase_add_test(tc, not_here);
}

UNIT_MAIN("rootless_knob")
