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

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define SERVICE "docker.service"
#define SOCKET	"docker.socket"

struct fake_unit {
	const char *name, *load, *needs, *carries, *triggered;
	const char *active, *sub, *result;
	unsigned invocation, restarts, job, pid;
	/* What becomes of it when its job ends. */
	const char *then_active, *then_sub, *then_job;
	bool then_fresh;
	int64_t job_ends; /* ms; 0: none runs, < 0: never */
};

/* Lives in shared memory: the manager is a process of its own. */
struct fake {
	struct fake_unit service, socket;
	bool mute;	    /* JobRemoved is lost */
	bool cut_once;	    /* hangs up at the first job */
	bool no_carry;	    /* a restart of the socket stops the service */
	bool odd_types;	    /* properties of types nobody expects */
	const char *refuse; /* error name for every job */
	int job_ms;	    /* how long a job takes */
	int reload_ms;	    /* and Reload */
	bool dies;	    /* a restarted service fails */
	bool died_unseen;   /* it failed, was started again by systemd, and no signal said so */
	bool canceled;	    /* somebody's job replaces ours and stops the unit */
	bool back_again;    /* what is stopped comes back at once */
	bool never;	    /* jobs don't end */
	unsigned last_job;
	char log[4096];
};

static struct fake *fake;
static pid_t server;
static char *dir, *address;
static volatile int interrupted;
static unsigned ticks;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void note(const char *method, const char *unit)
{
	size_t n = strlen(fake->log);

	snprintf(fake->log + n, sizeof(fake->log) - n, "%s%s %s", n ? "; " : "", method, unit);
}

static struct fake_unit *fake_find(const char *name)
{
	return streq(name, SERVICE) ? &fake->service : streq(name, SOCKET) ? &fake->socket : NULL;
}

static void job_removed(sd_bus *bus, struct fake_unit *f, const char *result)
{
	char path[64];

	snprintf(path, sizeof(path), "/org/freedesktop/systemd1/job/%u", f->job);
	if (!fake->mute)
		sd_bus_emit_signal(bus, "/org/freedesktop/systemd1",
				   "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", f->job,
				   path, f->name, result);
	f->job = 0;
	f->job_ends = 0;
}

static void job_begin(struct fake_unit *f, const char *active, const char *sub, bool fresh,
		      const char *result)
{
	f->job = ++fake->last_job;
	f->job_ends = fake->never ? -1 : now_ms() + fake->job_ms;
	f->then_active = active;
	f->then_sub = sub;
	f->then_fresh = fresh;
	f->then_job = result;
	if (fresh) {
		f->active = "activating";
		f->sub = "start";
	}
}

static void job_end(sd_bus *bus, struct fake_unit *f)
{
	f->active = f->then_active;
	f->sub = f->then_sub;
	f->invocation += f->then_fresh;
	if (streq(f->active, "failed") || streq(f->sub, "auto-restart"))
		f->result = "exit-code";
	job_removed(bus, f, f->then_job);
	if (fake->died_unseen && f == &fake->service) {
		f->active = "active";
		f->sub = "running";
		f->result = "success";
		f->restarts = 1;
		f->invocation++;
	}
}

static void restart(struct fake_unit *f)
{
	if (fake->canceled)
		job_begin(f, "inactive", "dead", false, "canceled");
	else if (fake->dies && f == &fake->service)
		job_begin(f, "activating", "auto-restart", true, "failed");
	else
		job_begin(f, "active", f == &fake->service ? "running" : "listening", true, "done");
}

static void react(struct fake_unit *f, const char *method)
{
	bool stop = streq(method, "StopUnit");

	if (stop && fake->back_again)
		job_begin(f, "active", "running", true, "done");
	else if (stop)
		job_begin(f, "inactive", "dead", false, "done");
	else if (streq(method, "ReloadUnit"))
		job_begin(f, "active", "running", false, fake->dies ? "failed" : "done");
	else
		restart(f);
	if (f != &fake->socket || streq(method, "StartUnit") ||
	    streq(fake->service.active, "inactive"))
		return;
	if (stop || fake->no_carry)
		job_begin(&fake->service, "inactive", "dead", false, "done");
	else
		restart(&fake->service);
}

static void add_text(sd_bus_message *m, const char *name, const char *value)
{
	sd_bus_message_append(m, "{sv}", name, "s", value ? value : "");
}

static void add_names(sd_bus_message *m, const char *name, const char *value)
{
	if (value)
		sd_bus_message_append(m, "{sv}", name, "as", 1, value);
	else
		sd_bus_message_append(m, "{sv}", name, "as", 0);
}

static void add_unit(sd_bus_message *m, const struct fake_unit *f)
{
	unsigned char id[16] = { 0xab };

	id[15] = (unsigned char)f->invocation;
	add_text(m, "Id", f->name);
	add_text(m, "LoadState", f->load);
	add_text(m, "ActiveState", f->active);
	add_text(m, "SubState", f->sub);
	add_text(m, "Result", f->result);
	add_text(m, "UnitFileState", "enabled");
	add_text(m, "Unknown", "to us");
	add_names(m, "Requires", f->needs);
	add_names(m, "RequiredBy", f->carries);
	add_names(m, "TriggeredBy", f->triggered);
	sd_bus_message_append(m, "{sv}", "MainPID", "u", f->pid);
	sd_bus_message_append(m, "{sv}", "ExecMainStartTimestamp", "t", UINT64_C(1234567));
	sd_bus_message_append(m, "{sv}", "ActiveEnterTimestamp", "t", UINT64_C(7654321));
	sd_bus_message_append(m, "{sv}", "Job", "(uo)", f->job, "/");
	if (fake->odd_types) {
		sd_bus_message_append(m, "{sv}", "NRestarts", "s", "many");
		sd_bus_message_append(m, "{sv}", "NeedDaemonReload", "as", 1, "yes");
		sd_bus_message_append(m, "{sv}", "InvocationID", "ay", 3, 1, 2, 3);
		return;
	}
	sd_bus_message_append(m, "{sv}", "NRestarts", "u", f->restarts);
	sd_bus_message_append(m, "{sv}", "NeedDaemonReload", "b", 1);
	if (!f->invocation)
		return;
	sd_bus_message_open_container(m, 'e', "sv");
	sd_bus_message_append(m, "s", "InvocationID");
	sd_bus_message_open_container(m, 'v', "ay");
	sd_bus_message_append_array(m, 'y', id, sizeof(id));
	sd_bus_message_close_container(m);
	sd_bus_message_close_container(m);
}

static int answer_state(sd_bus_message *call)
{
	struct fake_unit none = { .load = "not-found", .active = "inactive", .sub = "dead" };
	const struct fake_unit *f = NULL;
	sd_bus_message *m = NULL;
	char *unit = NULL;

	sd_bus_path_decode(sd_bus_message_get_path(call), "/org/freedesktop/systemd1/unit", &unit);
	f = fake_find(unit);
	none.name = unit;
	sd_bus_message_new_method_return(call, &m);
	sd_bus_message_open_container(m, 'a', "{sv}");
	add_unit(m, f ? f : &none);
	sd_bus_message_close_container(m);
	sd_bus_send(NULL, m, NULL);
	sd_bus_message_unref(m);
	free(unit);
	return 1;
}

static int on_call(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const struct timespec slow = { .tv_sec = fake->reload_ms / 1000,
				       .tv_nsec = fake->reload_ms % 1000 * 1000000L };
	const char *method = sd_bus_message_get_member(m), *unit;
	bool *hang_up = arg;
	struct fake_unit *f;
	char path[64];

	(void)error;
	if (!sd_bus_message_is_method_call(m, NULL, NULL) || streq(method, "Ping"))
		return 0;
	if (streq(method, "GetAll"))
		return answer_state(m);
	if (streq(method, "Subscribe"))
		return sd_bus_reply_method_return(m, NULL), 1;
	if (streq(method, "Reload")) {
		nanosleep(&slow, NULL);
		return sd_bus_reply_method_return(m, NULL), 1;
	}
	sd_bus_message_read(m, "s", &unit);
	note(method, unit);
	f = fake_find(unit);
	if (!f)
		return sd_bus_reply_method_errorf(m, "org.freedesktop.systemd1.NoSuchUnit",
						  "Unit %s not loaded.", unit),
		       1;
	if (streq(method, "ResetFailedUnit")) {
		f->restarts = 0;
		return sd_bus_reply_method_return(m, NULL), 1;
	}
	if (fake->refuse)
		return sd_bus_reply_method_errorf(m, fake->refuse, "it is refused"), 1;
	react(f, method);
	snprintf(path, sizeof(path), "/org/freedesktop/systemd1/job/%u", f->job);
	*hang_up = fake->cut_once;
	fake->cut_once = false;
	return sd_bus_reply_method_return(m, "o", path), 1;
}

static void serve_one(int fd)
{
	struct fake_unit *units[] = { &fake->service, &fake->socket };
	sd_id128_t id = { .bytes = { 1 } };
	bool hang_up = false;
	sd_bus *bus = NULL;
	int r;

	sd_bus_new(&bus);
	sd_bus_set_fd(bus, fd, fd);
	sd_bus_set_server(bus, 1, id);
	sd_bus_start(bus);
	sd_bus_add_filter(bus, NULL, on_call, &hang_up);
	while (!hang_up) {
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (units[i]->job_ends > 0 && now_ms() >= units[i]->job_ends)
				job_end(bus, units[i]);
		r = sd_bus_process(bus, NULL);
		if (r < 0)
			break;
		if (r == 0 && sd_bus_wait(bus, 10000) < 0)
			break;
	}
	sd_bus_flush_close_unref(bus);
}

static void serve(int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			_exit(1);
		serve_one(fd);
	}
}

static void fake_setup(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int listener;

	dir = tree_new();
	ck_assert_int_ge(asprintf(&address, "unix:path=%s/bus", dir), 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/bus", dir);
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(fake, MAP_FAILED);
	fake->last_job = 100;
	fake->job_ms = 150;
	interrupted = 0;
	ticks = 0;
	fake->service = (struct fake_unit){ .name = SERVICE,
					    .load = "loaded",
					    .needs = SOCKET,
					    .triggered = SOCKET,
					    .active = "active",
					    .sub = "running",
					    .result = "success",
					    .invocation = 7,
					    .pid = 42 };
	fake->socket = (struct fake_unit){ .name = SOCKET,
					   .load = "loaded",
					   .carries = SERVICE,
					   .active = "active",
					   .sub = "running",
					   .result = "success",
					   .invocation = 3 };
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	server = fork();
	if (!server)
		serve(listener);
	ck_assert_int_ge(server, 0);
	close(listener);
}

static void fake_teardown(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	munmap(fake, sizeof(*fake));
	free(address);
	tree_remove(dir);
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
	int64_t start = now_ms();

	fake->never = true;
	ck_assert_int_eq(run_one(SERVICE, UNIT_RESTART, 1, NULL), -ETIMEDOUT);
	ck_assert_int_lt(now_ms() - start, 6000);
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

START_TEST(stop)
{
	_cleanup_units_ struct units *u = fake_open();

	ran(units_stop(u, SERVICE, 10, NULL, &e));
	ck_assert_str_eq(fake->log, "StopUnit docker.service");
	ck_assert_str_eq(fake->service.active, "inactive");
	ran(units_stop(u, "nosuch.service", 10, NULL, &e));
	fake->service.active = "active";
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
	tcase_add_checked_fixture(tc, fake_setup, fake_teardown);
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
	tcase_add_test(tc, stop);
	tcase_add_test(tc, journal_may_be_silent);
	tcase_add_test(tc, nobody_at_the_other_end);
#endif
}

UNIT_MAIN("units")
