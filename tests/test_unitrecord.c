/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollback of several transactions asks of units, and what is left alone while the host
 * boots, with a manager of which only the states are told.
 */
#include "../src/units.h"

#define FENCE "bulkhead-docker-tls.service"

static const char *active, *sub = "", *invocation;
static bool booting;
static unsigned reloads, touched, queued;

static bool fake_is_live(const struct host *h)
{
	return h;
}

static int fake_open(const struct host *h, struct units **ret, struct err *err)
{
	(void)h;
	(void)err;
	*ret = NULL;
	return 0;
}

static int fake_state(struct units *u, const char *unit, struct unit_state *ret, struct err *err)
{
	(void)u;
	(void)unit;
	(void)err;
	*ret = (struct unit_state){ 0 };
	snprintf(ret->load, sizeof(ret->load), "loaded");
	snprintf(ret->active, sizeof(ret->active), "%s", active);
	snprintf(ret->sub, sizeof(ret->sub), "%s", sub);
	snprintf(ret->invocation, sizeof(ret->invocation), "%s", invocation);
	return 0;
}

static bool fake_is_booting(const struct host *h)
{
	return h && booting;
}

static int fake_reload(struct units *u, const struct progress *p, struct err *err)
{
	(void)u;
	(void)p;
	(void)err;
	reloads++;
	return 0;
}

static int fake_run(struct units *u, const struct unit_todo *todo, size_t n, int timeout,
		    const struct progress *p, struct err *err)
{
	(void)u;
	(void)todo;
	(void)timeout;
	(void)p;
	(void)err;
	touched += (unsigned)n;
	return 0;
}

static int fake_watch(struct units *u, struct unit_watched *list, size_t n, uint64_t since,
		      int seconds, const struct progress *p, struct err *err)
{
	(void)u;
	(void)list;
	(void)since;
	(void)seconds;
	(void)p;
	(void)err;
	touched += (unsigned)n;
	return 0;
}

static int fake_stop(struct units *u, const char *unit, int timeout, const struct progress *p,
		     struct err *err)
{
	(void)u;
	(void)unit;
	(void)timeout;
	(void)p;
	(void)err;
	touched++;
	return 0;
}

static int fake_queue(struct units *u, const char *unit, struct err *err)
{
	(void)u;
	(void)unit;
	(void)err;
	queued++;
	return 0;
}

static int fake_boot_id(const struct host *h, char ret[33], struct err *err)
{
	(void)h;
	(void)err;
	memset(ret, 'b', 32);
	ret[32] = '\0';
	return 0;
}

#define host_is_live	     fake_is_live
#define host_is_booting	     fake_is_booting
#define units_open	     fake_open
#define units_state	     fake_state
#define units_reload_manager fake_reload
#define units_run	     fake_run
#define units_watch	     fake_watch
#define units_stop	     fake_stop
#define units_queue	     fake_queue
#define units_boot_id	     fake_boot_id
#include "../src/unitrecord.c"

#include "rooted.h"

/* A transaction that asked something of the unit, and may have made its file. */
struct past {
	bool made;
	enum unit_action action;
	const char *was, *before, *after;
};

static enum unit_action asked(const struct past *list, size_t n)
{
	_cleanup_journal_ struct journal j = { 0 };
	struct journal *undone = calloc(n, sizeof(*undone));
	enum unit_action action;

	for (size_t i = 0; i < n; i++) {
		struct journal *one = &undone[i];

		one->timeout = 1;
		one->steps = calloc(1, sizeof(*one->steps));
		one->units = calloc(1, sizeof(*one->units));
		one->n_units = 1;
		one->units[0] =
			(struct unit_record){ .unit = strdup(FENCE), .action = list[i].action };
		snprintf(one->units[0].active, sizeof(one->units[0].active), "%s", list[i].was);
		snprintf(one->units[0].before, sizeof(one->units[0].before), "%s", list[i].before);
		snprintf(one->units[0].after, sizeof(one->units[0].after), "%s", list[i].after);
		if (list[i].made) {
			one->n_steps = 1;
			one->steps[0].kind = CHANGE_FILE;
			one->steps[0].path = strdup("/etc/systemd/system/" FENCE);
		}
	}
	ck_ok(unitrecord_ask_back(host, undone, n, false, &j, &e));
	ck_assert_uint_eq(j.n_units, 1);
	action = j.units[0].action;
	for (size_t i = 0; i < n; i++)
		journal_done(&undone[i]);
	free(undone);
	return action;
}

/* Newest first: made again, taken out, made. */
static const struct past fence[] = {
	{ true, UNIT_START, "inactive", "", "two" },
	{ false, UNIT_STOP, "active", "one", "" },
	{ true, UNIT_START, "inactive", "", "one" },
};

START_TEST(made_and_taken_out_by_turns)
{
	active = "active";
	invocation = "two";
	ck_assert_int_eq(asked(fence, 1), UNIT_STOP);
	/* It ran before the older one of these. */
	ck_assert_int_eq(asked(fence, 2), UNIT_RESTART);
	ck_assert_int_eq(asked(fence, 3), UNIT_STOP);
}
END_TEST

START_TEST(down_by_now)
{
	active = "inactive";
	invocation = "";
	ck_assert_int_eq(asked(fence, 1), UNIT_NOTHING);
	ck_assert_int_eq(asked(fence, 2), UNIT_START);
	ck_assert_int_eq(asked(fence, 3), UNIT_NOTHING);
	ck_assert_int_eq(asked(fence + 1, 1), UNIT_START);
}
END_TEST

/* An apply of the boot before, cut off while it waited for a unit; and a rollback. */
static void interrupted(struct journal *j, enum unit_action action)
{
	*j = (struct journal){ .phase = PHASE_UNITS, .manager_reload = true, .watch = 1 };
	j->undoes = calloc(1, sizeof(*j->undoes));
	j->n_undoes = 1;
	j->units = calloc(1, sizeof(*j->units));
	j->n_units = 1;
	j->units[0] = (struct unit_record){ .unit = strdup(FENCE), .action = action };
	snprintf(j->units[0].active, sizeof(j->units[0].active), "active");
	snprintf(j->units[0].before, sizeof(j->units[0].before), "one");
	reloads = touched = queued = 0;
}

/* All that is done to units, on a host that boots or not: how many were touched, and told of. */
static void walk(bool boots, enum unit_action action, unsigned want_touched, size_t want_failed)
{
	static int (*const steps[])(const struct host *, struct journal *, const struct progress *,
				    struct errs *,
				    struct err *) = { unitrecord_undo, unitrecord_run_back };
	struct errs failed = { 0 };

	booting = boots;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct journal j;
		int r;

		interrupted(&j, action);
		r = steps[i](host, &j, NULL, &failed, &e);
		ck_assert_int_eq(r, want_failed ? -EBUSY : 0);
		ck_assert_uint_eq(reloads, 1);
		ck_assert_msg(!touched == !want_touched, "step %zu: %u", i, touched);
		ck_assert_uint_eq(failed.n, want_failed);
		ck_assert(!want_failed || strstr(failed.list[0].text, "systemctl restart " FENCE));
		errs_done(&failed);
		journal_done(&j);
	}
	booting = false;
}

START_TEST(what_is_down_waits_for_the_boot)
{
	active = "inactive";
	invocation = "";
	walk(true, UNIT_RESTART, 0, 0);
	walk(true, UNIT_STOP, 0, 0);
	walk(false, UNIT_RESTART, 1, 0);
}
END_TEST

/* The job would wait for us, and we for it. */
START_TEST(what_is_up_is_told_at_boot)
{
	active = "active";
	invocation = "two";
	walk(true, UNIT_RESTART, 0, 1);
	walk(false, UNIT_RESTART, 1, 0);
}
END_TEST

START_TEST(a_boot_only_reloads)
{
	struct journal j;

	active = "inactive";
	invocation = "";
	booting = true;
	interrupted(&j, UNIT_STOP);
	j.n_steps = 1;
	j.steps = calloc(1, sizeof(*j.steps));
	j.steps[0].kind = CHANGE_FILE;
	j.steps[0].path = strdup("/etc/systemd/system/" FENCE);
	ck_assert_int_eq(unitrecord_stop(host, &j, NULL, &e), 0);
	unitrecord_stop_made(host, &j, NULL);
	j.units[0].action = UNIT_START;
	ck_ok(unitrecord_run(host, &j, NULL, &e));
	ck_ok(unitrecord_watch(host, &j, 0, NULL, &e));
	ck_assert_uint_eq(reloads, 1);
	ck_assert_uint_eq(touched, 0);
	ck_assert_uint_eq(queued, 1);
	/* One that was there before is the boot's. */
	j.steps[0].before.exists = true;
	ck_ok(unitrecord_run(host, &j, NULL, &e));
	ck_assert_uint_eq(queued, 1);
	journal_done(&j);
	booting = false;
}
END_TEST

/* Its invocation tells nothing of the files that it runs on. */
START_TEST(one_that_is_being_started)
{
	const struct past past = { false, UNIT_RESTART, "activating", "", "one" };
	struct journal j;

	interrupted(&j, UNIT_RESTART);
	active = "activating";
	invocation = "one";
	sub = "start";
	ck_ok(unitrecord_note(host, &j, &e));
	ck_assert_str_eq(j.units[0].before, "");
	ck_assert_str_eq(j.units[0].active, "activating");
	ck_assert_int_eq(asked(&past, 1), UNIT_RESTART);
	/* Down: it reads them when its time has come. */
	sub = "auto-restart";
	ck_ok(unitrecord_note(host, &j, &e));
	ck_assert_str_eq(j.units[0].before, "one");
	ck_assert_int_eq(asked(&past, 1), UNIT_RESTART);
	sub = "";
	active = "active";
	ck_assert_int_eq(asked(&past, 1), UNIT_RESTART);
	journal_done(&j);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, made_and_taken_out_by_turns);
	tcase_add_test(tc, down_by_now);
	tcase_add_test(tc, what_is_down_waits_for_the_boot);
	tcase_add_test(tc, what_is_up_is_told_at_boot);
	tcase_add_test(tc, a_boot_only_reloads);
	tcase_add_test(tc, one_that_is_being_started);
}

UNIT_MAIN("unitrecord")
