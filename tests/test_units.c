/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Against a manager that we play ourselves, over a socket in a scratch directory: what real hosts
 * rarely do (lost signals, a cut connection, a job that never ends) happens here at will. What
 * systemd really does is asserted in tests/hosts.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "unit.h"

#include "../src/units.h"

static struct err e;

START_TEST(offline_has_no_manager)
{
	_cleanup_host_ struct host *h = NULL;
	struct units *u = NULL;
	char *dir = tree_new();
	char id[33] = "x";

	ck_assert_int_eq(host_open(dir, &h, &e), 0);
	ck_assert_int_eq(units_open(h, &u, &e), -EOPNOTSUPP);
	ck_assert_ptr_null(u);
	ck_assert_int_eq(units_boot_id(h, id, &e), 0);
	ck_assert_str_eq(id, "");
	units_free(NULL);
	tree_remove(dir);
}
END_TEST

#if HAVE_SYSTEMD

#include "manager.h"

static volatile int interrupted;
static unsigned ticks;

static void setup(void)
{
	interrupted = 0;
	ticks = 0;
	fake_setup();
}

static struct units *fake_open(void)
{
	struct units *u = NULL;

	ck_assert_msg(units_open_at(address, &u, &e) == 0, "%s", e.text);
	return u;
}

/* One unit's action with a fresh connection, then what the manager was asked. */
static int run_one(const char *unit, enum unit_action action, int timeout, const struct progress *p)
{
	_cleanup_units_ struct units *u = fake_open();
	const struct unit_todo todo = { unit, action };

	return units_run(u, &todo, 1, timeout, p, &e);
}

static int run_both(int timeout)
{
	_cleanup_units_ struct units *u = fake_open();
	const struct unit_todo todo[] = { { SERVICE, UNIT_RESTART }, { SOCKET, UNIT_RESTART } };

	return units_run(u, todo, 2, timeout, NULL, &e);
}

static void ran(int r)
{
	ck_assert_msg(r == 0, "%d: %s (%s)", r, e.text, fake->log);
}

/* How many calls other than ResetFailedUnit the manager got. */
static unsigned jobs(void)
{
	unsigned n = 0;

	for (const char *p = fake->log; (p = strstr(p, "Unit ")); p++)
		n += p - fake->log < 11 || memcmp(p - 11, "ResetFailed", 11) != 0;
	return n;
}

START_TEST(state_is_read)
{
	_cleanup_units_ struct units *u = fake_open();
	struct unit_state st;

	ran(units_state(u, SERVICE, &st, &e));
	ck_assert_str_eq(st.load, "loaded");
	ck_assert_str_eq(st.active, "active");
	ck_assert_str_eq(st.sub, "running");
	ck_assert_str_eq(st.result, "success");
	ck_assert_str_eq(st.enabled, "enabled");
	ck_assert_str_eq(st.invocation, "ab000000000000000000000000000007");
	ck_assert_uint_eq(st.started_us, 1234567);
	ck_assert_uint_eq(st.main_pid, 42);
	ck_assert(st.need_daemon_reload);
	ran(units_state(u, SOCKET, &st, &e));
	ck_assert_uint_eq(st.started_us, 7654321);
	ran(units_state(u, "no such@thing.service", &st, &e));
	ck_assert_str_eq(st.load, "not-found");
	ck_assert_str_eq(st.invocation, "");
	ck_assert_uint_eq(st.started_us, 0);
	ck_assert_str_eq(fake->log, "");
}
END_TEST

START_TEST(odd_answers_are_passed_over)
{
	_cleanup_units_ struct units *u = fake_open();
	struct unit_state st;
	static char name[5000];

	fake->odd_types = true;
	fake->service.sub = "a sub state of a length that no buffer of ours was made for, ever";
	ran(units_state(u, SERVICE, &st, &e));
	ck_assert_str_eq(st.invocation, "");
	ck_assert(!st.need_daemon_reload);
	ck_assert_uint_eq(strlen(st.sub), sizeof(st.sub) - 1);
	memset(name, 'x', sizeof(name) - 1);
	ck_assert_int_eq(units_run(u, &(struct unit_todo){ name, UNIT_START }, 1, 1, NULL, &e),
			 -EINVAL);
}
END_TEST

START_TEST(restart_resets_first)
{
	ran(run_one(SERVICE, UNIT_RESTART, 10, NULL));
	ck_assert_str_eq(fake->log,
			 "ResetFailedUnit docker.service; ResetFailedUnit docker.socket; "
			 "RestartUnit docker.service");
	ck_assert_uint_eq(fake->service.invocation, 8);
}
END_TEST

START_TEST(lost_signals_dont_matter)
{
	fake->mute = true;
	ran(run_one(SERVICE, UNIT_RESTART, 10, NULL));
	ran(run_both(10));
	ck_assert_uint_eq(jobs(), 2);
}
END_TEST

START_TEST(the_socket_carries_the_service)
{
	ran(run_both(10));
	ck_assert_uint_eq(jobs(), 1);
	ck_assert_ptr_nonnull(strstr(fake->log, "RestartUnit docker.socket"));
	ck_assert_uint_eq(fake->service.invocation, 8);
	ck_assert_uint_eq(fake->socket.invocation, 4);
	ck_assert_uint_eq(fake->service.job, 0);
}
END_TEST

START_TEST(the_socket_alone_waits_for_the_service)
{
	ran(run_one(SOCKET, UNIT_RESTART, 10, NULL));
	ck_assert_uint_eq(jobs(), 1);
	ck_assert_uint_eq(fake->service.invocation, 8);
	ck_assert_uint_eq(fake->service.job, 0);
}
END_TEST

START_TEST(what_a_restart_leaves_down_is_started)
{
	fake->no_carry = true;
	ran(run_both(10));
	ck_assert_uint_eq(jobs(), 2);
	ck_assert_ptr_nonnull(strstr(fake->log, "StartUnit docker.service"));
	ck_assert_str_eq(fake->service.active, "active");
}
END_TEST

START_TEST(what_was_down_stays_down)
{
	fake->service.active = "inactive";
	fake->service.sub = "dead";
	ran(run_one(SOCKET, UNIT_RESTART, 10, NULL));
	ck_assert_uint_eq(jobs(), 1);
	ck_assert_str_eq(fake->service.active, "inactive");
	ran(run_one(SERVICE, UNIT_RELOAD, 10, NULL));
	ck_assert_uint_eq(jobs(), 1);
	ran(run_both(10)); /* asked for by name: it runs afterwards */
	ck_assert_uint_eq(jobs(), 3);
	ck_assert_str_eq(fake->service.active, "active");
}
END_TEST

START_TEST(start_only_what_is_down)
{
	ran(run_one(SERVICE, UNIT_START, 10, NULL));
	ck_assert_str_eq(fake->log, "");
	fake->service.active = "failed";
	ran(run_one(SERVICE, UNIT_START, 10, NULL));
	ck_assert_uint_eq(jobs(), 1);
	ck_assert(has_prefix(fake->log, "ResetFailedUnit docker.service;"));
	fake->service.active = "activating";
	fake->service.sub = "auto-restart";
	ran(run_one(SERVICE, UNIT_START, 10, NULL));
	ck_assert(has_suffix(fake->log, "RestartUnit docker.service"));
	ran(run_one(SERVICE, UNIT_NOTHING, 10, NULL));
	ck_assert_uint_eq(jobs(), 2);
}
END_TEST

START_TEST(reload)
{
	ran(run_one(SERVICE, UNIT_RELOAD, 10, NULL));
	ck_assert_str_eq(fake->log, "ReloadUnit docker.service");
	fake->dies = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RELOAD, 10, NULL), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "reloading"));
	/* Active all the time: only the job says that it isn't over. */
	fake->mute = true;
	fake->job_ms = 1200;
	ran(run_one(SERVICE, UNIT_RELOAD, 10, NULL));
	ck_assert_uint_eq(fake->service.job, 0);
}
END_TEST

START_TEST(a_failed_start_is_told)
{
	fake->dies = true;
	ck_assert_int_eq(run_both(10), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "docker.service failed"));
	ck_assert_ptr_nonnull(strstr(e.text, "exit-code"));
	ck_assert_ptr_nonnull(strstr(e.text, "journalctl -u docker.service"));
	fake->service.active = "active";
	fake->mute = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 10, NULL), -EIO);
	fake->service.active = "active";
	fake->died_unseen = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 10, NULL), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "started again"));
}
END_TEST

START_TEST(somebody_elses_job_wins)
{
	fake->canceled = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 10, NULL), -EIO);
	ck_assert_uint_eq(jobs(), 1);
}
END_TEST

START_TEST(time_runs_out)
{
	int64_t start = clock_ms();

	fake->never = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 1, NULL), -ETIMEDOUT);
	ck_assert_int_lt(clock_ms() - start, 6000);
	ck_assert_ptr_nonnull(strstr(e.text, "docker.service is still activating"));
}
END_TEST

static void on_tick(void *arg, const char *unit, const char *doing, unsigned seconds)
{
	ck_assert_ptr_eq(arg, &ticks);
	ck_assert_str_ne(unit, "");
	ck_assert_str_ne(doing, "");
	ck_assert_uint_eq(seconds, ++ticks);
	if (ticks == 2)
		interrupted = SIGINT;
}

static const struct progress progress = { on_tick, &ticks, &interrupted };

START_TEST(a_signal_ends_the_wait)
{
	fake->never = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 30, &progress), -EINTR);
	ck_assert_uint_eq(ticks, 2);
	ck_assert_ptr_nonnull(strstr(e.text, "restarting docker.service"));
}
END_TEST

START_TEST(a_slow_reload_ticks)
{
	_cleanup_units_ struct units *u = fake_open();

	fake->reload_ms = 1500;
	ran(units_reload_manager(u, &progress, &e));
	ck_assert_uint_eq(ticks, 1);
	interrupted = SIGTERM;
	ck_assert_int_eq(units_reload_manager(u, &progress, &e), -EINTR);
}
END_TEST

START_TEST(refusals)
{
	fake->refuse = "org.freedesktop.DBus.Error.AccessDenied";
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 10, NULL), -EACCES);
	ck_assert_ptr_nonnull(strstr(e.text, "it is refused"));
	fake->refuse = "org.example.Strange";
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 10, NULL), -EIO);
	fake->log[0] = '\0';
	fake->service.load = "masked";
	ck_assert_int_eq(run_both(10), -ERFKILL);
	ck_assert_ptr_nonnull(strstr(e.text, "unmask docker.service"));
	fake->service.load = "bad-setting";
	ck_assert_int_eq(run_both(10), -EINVAL);
	ck_assert_int_eq(run_one("nosuch.service", UNIT_START, 10, NULL), -ENOENT);
	ck_assert_str_eq(fake->log, "");
}
END_TEST

START_TEST(a_cut_connection_is_mended)
{
	fake->cut_once = true;
	ran(run_one(SERVICE, UNIT_RESTART, 20, NULL));
	ck_assert_uint_eq(jobs(), 1);
	ck_assert_uint_eq(fake->service.invocation, 8);
}
END_TEST

START_TEST(units_that_need_each_other)
{
	fake->service.carries = SOCKET;
	fake->socket.needs = SERVICE;
	ran(run_both(10));
	ck_assert_uint_ge(jobs(), 1);
	ck_assert_uint_gt(fake->service.invocation, 7);
	ck_assert_uint_gt(fake->socket.invocation, 3);
}
END_TEST

START_TEST(what_a_unit_needs)
{
	_cleanup_units_ struct units *u = fake_open();

	fake->socket.needs = SERVICE;
	ck_assert_int_eq(units_needs(u, SOCKET, SERVICE, &e), 1);
	ck_assert_int_eq(units_needs(u, SOCKET, "other.service", &e), 0);
	ck_assert_int_eq(units_needs(u, SERVICE, "none.service", &e), 0);
}
END_TEST

/* --- after the start --- */

static int watch(int seconds, const struct progress *p)
{
	_cleanup_units_ struct units *u = fake_open();
	struct unit_watched list[] = { { .unit = SERVICE }, { .unit = SOCKET } };

	return units_watch(u, list, 2, 0, seconds, p, &e);
}

START_TEST(what_stays_up_is_watched)
{
	struct unit_watched x = { SERVICE, "ab000000000000000000000000000007" };
	_cleanup_units_ struct units *u = NULL;
	int64_t start = clock_ms();

	ran(watch(1, NULL));
	u = fake_open();
	ck_assert_int_ge(clock_ms() - start, 1000);
	ck_assert_str_eq(fake->log, "");
	/* Time that has passed counts; one look there is. */
	start = clock_ms();
	ran(units_watch(u, &x, 1, 1, 7, NULL, &e));
	ck_assert_int_lt(clock_ms() - start, 900);
	fake->service.invocation = 8;
	ck_assert_int_eq(units_watch(u, &x, 1, 1, 7, NULL, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "started anew"));
}
END_TEST

START_TEST(what_dies_later_is_noticed)
{
	int64_t start = clock_ms();

	fake->dies_at = start + 700;
	ck_assert_int_eq(watch(10, NULL), -EIO);
	ck_assert_int_lt(clock_ms() - start, 5000);
	ck_assert_ptr_nonnull(strstr(e.text, "docker.service came up and did not stay up"));
	ck_assert_ptr_nonnull(strstr(e.text, "auto-restart, signal"));
	fake->service.active = "active";
	fake->service.sub = "running";
	fake->service.result = "success";
	fake->anew_at = clock_ms() + 700;
	ck_assert_int_eq(watch(10, NULL), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "started anew"));
}
END_TEST

START_TEST(a_watch_ends_at_a_signal)
{
	ck_assert_int_eq(watch(30, &progress), -EINTR);
	ck_assert_uint_eq(ticks, 2);
	ck_assert_ptr_nonnull(strstr(e.text, "watching docker.s"));
}
END_TEST

START_TEST(a_watch_survives_a_cut)
{
	fake->cut_at = clock_ms() + 300;
	ran(watch(1, NULL));
	fake->cut_at = clock_ms() + 300;
	fake->dies_at = clock_ms() + 900;
	ck_assert_int_eq(watch(5, NULL), -EIO);
}
END_TEST

START_TEST(a_look_survives_a_cut)
{
	_cleanup_units_ struct units *u = fake_open();
	struct unit_state st;

	fake->cut_at = clock_ms();
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	ran(units_state(u, SERVICE, &st, &e));
	ck_assert_str_eq(st.active, "active");
}
END_TEST

START_TEST(a_manager_that_stays_away)
{
	int64_t start = clock_ms();

	fake->never = true;
	fake->gone = true;
	fake->cut_at = start + 300;
	ck_assert_int_lt(run_one(SERVICE, UNIT_RESTART, 2, NULL), 0);
	ck_assert_int_lt(clock_ms() - start, 6000);
}
END_TEST

START_TEST(usable)
{
	static const struct {
		const char *load;
		int code;
	} loads[] = { { "loaded", 0 },
		      { "not-found", -ENOENT },
		      { "masked", -ERFKILL },
		      { "bad-setting", -EINVAL } };

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct unit_state st = { 0 };

		snprintf(st.load, sizeof(st.load), "%s", loads[i].load);
		ck_assert_int_eq(units_usable(SERVICE, &st, &e), loads[i].code);
	}
}
END_TEST

START_TEST(stop)
{
	_cleanup_units_ struct units *u = fake_open();

	ran(units_stop(u, SERVICE, 10, NULL, &e));
	ck_assert_str_eq(fake->log, "StopUnit docker.service");
	ck_assert_str_eq(fake->service.active, "inactive");
	ran(units_stop(u, "nosuch.service", 10, NULL, &e));
	/* Its unit file is gone, and it runs on. */
	fake->service.active = "active";
	fake->service.load = "not-found";
	ran(units_stop(u, SERVICE, 10, NULL, &e));
	ck_assert_str_eq(fake->service.active, "inactive");
	fake->service.active = "active";
	fake->service.load = "loaded";
	fake->back_again = true;
	ck_assert_int_eq(units_stop(u, SERVICE, 10, NULL, &e), -EBUSY);
	fake->never = true;
	ck_assert_int_eq(units_stop(u, SERVICE, 1, NULL, &e), -ETIMEDOUT);
}
END_TEST

START_TEST(journal_may_be_silent)
{
	_cleanup_units_ struct units *u = fake_open();
	_cleanup_free_ char *text = NULL, *none = NULL;

	ran(units_journal(u, SERVICE, "00000000000000000000000000000001", 5, &text, &e));
	ck_assert_str_eq(text, "");
	fake->service.invocation = 0;
	ran(units_journal(u, SERVICE, NULL, 5, &none, &e));
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(nobody_at_the_other_end)
{
	struct units *u = NULL;

	ck_assert_int_eq(units_open_at("unix:path=/nonexistent/bus", &u, &e), -ENOENT);
	ck_assert_ptr_null(u);
	kill(server, SIGKILL);
	ck_assert_int_lt(units_open_at(address, &u, &e), 0);
	ck_assert_ptr_null(u);
}
END_TEST

#endif

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, offline_has_no_manager);
#if HAVE_SYSTEMD
	tcase_add_checked_fixture(tc, setup, fake_teardown);
	tcase_add_test(tc, state_is_read);
	tcase_add_test(tc, odd_answers_are_passed_over);
	tcase_add_test(tc, restart_resets_first);
	tcase_add_test(tc, lost_signals_dont_matter);
	tcase_add_test(tc, the_socket_carries_the_service);
	tcase_add_test(tc, the_socket_alone_waits_for_the_service);
	tcase_add_test(tc, what_a_restart_leaves_down_is_started);
	tcase_add_test(tc, what_was_down_stays_down);
	tcase_add_test(tc, start_only_what_is_down);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, a_failed_start_is_told);
	tcase_add_test(tc, somebody_elses_job_wins);
	tcase_add_test(tc, time_runs_out);
	tcase_add_test(tc, a_signal_ends_the_wait);
	tcase_add_test(tc, a_slow_reload_ticks);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, a_cut_connection_is_mended);
	tcase_add_test(tc, units_that_need_each_other);
	tcase_add_test(tc, what_a_unit_needs);
	tcase_add_test(tc, what_stays_up_is_watched);
	tcase_add_test(tc, what_dies_later_is_noticed);
	tcase_add_test(tc, a_watch_ends_at_a_signal);
	tcase_add_test(tc, a_watch_survives_a_cut);
	tcase_add_test(tc, a_look_survives_a_cut);
	tcase_add_test(tc, a_manager_that_stays_away);
	tcase_add_test(tc, usable);
	tcase_add_test(tc, stop);
	tcase_add_test(tc, journal_may_be_silent);
	tcase_add_test(tc, nobody_at_the_other_end);
#endif
}

UNIT_MAIN("units")
