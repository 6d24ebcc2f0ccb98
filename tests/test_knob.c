/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the running kernel, from the change to the rollback. The scratch root's files stand in
 * for the kernel's.
 */
#include "../src/host.h"
#include "../src/transaction.h"

static bool fake_live = true;

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

#define host_is_live fake_is_live
#include "../src/change.c"
#define put undo_put
#include "../src/undo.c"
#undef put
#undef host_is_live

#include "steps.h"

#define ENFORCE "/sys/fs/selinux/enforce"
#define RANGE	"/proc/sys/net/ipv4/ip_local_port_range"

static struct transaction t;
static struct errs lost;
static bool between;

static void set_up(void)
{
	setup();
	fake_live = true;
	put(ENFORCE, "0");
	put(RANGE, "32768\t60999\n");
}

static void tear_down(void)
{
	errs_done(&lost);
	teardown();
}

static int knob(const char *path, const char *value)
{
	return changes_knob(&c, host, path, value, "m", "mode", "5.3", "t", &e);
}

START_TEST(what_is_so_already_is_no_change)
{
	ck_ok(knob(ENFORCE, "0"));
	ck_ok(knob(RANGE, "32768 60999"));
	ck_assert(changes_empty(&c));
	ck_assert_int_eq(knob("/sys/none", "1"), -ENOENT);
	ck_says("this kernel has no");
	ck_assert_int_eq(knob("/etc", "1"), -EINVAL);
	fake_live = false;
	ck_assert_int_eq(knob(ENFORCE, "1"), -EOPNOTSUPP);
	ck_assert(changes_empty(&c));
}
END_TEST

START_TEST(planned_is_what_reads_answer)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	ck_ok(knob(ENFORCE, "1"));
	ck_assert_uint_eq(c.n, 1);
	ck_assert_int_eq(knob(ENFORCE, "1"), -EBUSY);
	host_overlay(host, &c);
	ck_ok(host_read(host, ENFORCE, 16, &text, &len, &e));
	host_overlay(host, NULL);
	ck_assert_str_eq(text, "1");
	holds(ENFORCE, "0");
}
END_TEST

START_TEST(taken_back)
{
	ck_ok(knob(ENFORCE, "1"));
	record();
	ck_assert_int_eq(where(0), UNDO_BEFORE);
	back(0, false);
	act(0);
	holds(ENFORCE, "1");
	put(ENFORCE, "1\n"); /* as another kernel would show it */
	ck_assert_int_eq(where(0), UNDO_AFTER);
	back(0, true);
	holds(ENFORCE, "0");
}
END_TEST

START_TEST(somebody_set_it_since)
{
	bool changed;

	ck_ok(knob(RANGE, "1024 65000"));
	record();
	act(0);
	put(RANGE, "2000\t3000\n");
	ck_assert_int_eq(where(0), UNDO_ELSEWHERE);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), -ESTALE);
	holds(RANGE, "2000\t3000\n");
	ck_ok(undo_step(host, &j.steps[0], &forced, &changed, &e));
	holds(RANGE, "32768\t60999\n");
	/* The module of the kernel's was unloaded. */
	act(0);
	ck_assert_int_eq(unlink(at(RANGE)), 0);
	ck_assert_int_eq(undo_step(host, &j.steps[0], &kindly, &changed, &e), 1);
	ck_assert(!changed);
}
END_TEST

/* Taken back from an image of the host: its kernel doesn't run here. */
START_TEST(not_the_kernel_that_runs)
{
	bool changed;

	ck_ok(knob(ENFORCE, "1"));
	record();
	act(0);
	fake_live = false;
	ck_ok(undo_step(host, &j.steps[0], &kindly, &changed, &e));
	ck_assert(!changed);
	holds(ENFORCE, "1");
}
END_TEST

START_TEST(seen_is_what_has_to_be_there)
{
	ck_ok(knob(ENFORCE, "1"));
	put(ENFORCE, "2");
	ck_assert_int_eq(stage_knob(host, ENFORCE, &c.list[0]->before, &c.list[0]->after, &e),
			 -ESTALE);
	holds(ENFORCE, "2");
	/* No way out of the root, and nothing but a file is written to. */
	ck_assert_int_eq(unlink(at(ENFORCE)), 0);
	ck_assert_int_eq(symlink(at(RANGE), at(ENFORCE)), 0);
	ck_assert_int_eq(stage_knob(host, ENFORCE, NULL, &c.list[0]->after, &e), -ESTALE);
	holds(RANGE, "32768\t60999\n");
}
END_TEST

static unsigned run(void)
{
	unsigned id;

	ck_ok(transaction_begin(&t, host, NULL, &e));
	ck_ok(transaction_prepare(&t, &c, "plan.yaml", &e));
	holds(ENFORCE, "0");
	ck_ok(transaction_commit(&t, &c, &e));
	id = t.journal.id;
	ck_ok(transaction_finish(&t, &e));
	transaction_end(&t);
	return id;
}

START_TEST(a_whole_transaction)
{
	_cleanup_journal_ struct journal k = { 0 }, back = { 0 };

	ck_ok(knob(ENFORCE, "1"));
	ck_ok(knob(RANGE, "1024 65000"));
	ck_assert_uint_eq(run(), 1);
	holds(ENFORCE, "1");
	holds(RANGE, "1024 65000");
	ck_ok(journal_load(host, 1, &k, &e));
	ck_assert_int_eq(k.steps[0].kind, CHANGE_KNOB);
	ck_assert_str_eq(k.steps[0].before.content, "0");
	ck_assert_str_eq(k.steps[1].after.content, "1024 65000");
	put(ENFORCE, "2");
	ck_assert_int_eq(
		transaction_rollback(host, 0, false, false, NULL, NULL, &back, &between, &lost, &e),
		-ESTALE);
	put(ENFORCE, "1");
	errs_done(&lost);
	lost = (struct errs){ 0 };
	journal_done(&back);
	ck_ok(transaction_rollback(host, 0, false, false, NULL, NULL, &back, &between, &lost, &e));
	holds(ENFORCE, "0");
	holds(RANGE, "32768\t60999\n");
}
END_TEST

START_TEST(killed_in_between)
{
	_cleanup_journal_ struct journal k = { 0 };

	ck_ok(knob(ENFORCE, "1"));
	ck_ok(transaction_begin(&t, host, NULL, &e));
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	ck_ok(transaction_commit(&t, &c, &e));
	transaction_end(&t); /* as when it was killed: nothing finished it */
	holds(ENFORCE, "1");
	ck_assert_int_eq(transaction_recover(host, false, NULL, &k, &between, &lost, &e), 1);
	holds(ENFORCE, "0");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_is_so_already_is_no_change);
	tcase_add_test(tc, planned_is_what_reads_answer);
	tcase_add_test(tc, taken_back);
	tcase_add_test(tc, somebody_set_it_since);
	tcase_add_test(tc, not_the_kernel_that_runs);
	tcase_add_test(tc, seen_is_what_has_to_be_there);
	tcase_add_test(tc, a_whole_transaction);
	tcase_add_test(tc, killed_in_between);
}

UNIT_MAIN("knob")
