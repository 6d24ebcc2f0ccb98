/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollback of several transactions asks of units, with a manager of which only the states
 * are told.
 */
#include "../src/units.h"

#define FENCE "bulkhead-docker-tls.service"

static const char *active, *invocation;

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
	snprintf(ret->active, sizeof(ret->active), "%s", active);
	snprintf(ret->invocation, sizeof(ret->invocation), "%s", invocation);
	return 0;
}

#define host_is_live fake_is_live
#define units_open   fake_open
#define units_state  fake_state
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

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, made_and_taken_out_by_turns);
	tcase_add_test(tc, down_by_now);
}

UNIT_MAIN("unitrecord")
