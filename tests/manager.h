/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manager that we play ourselves, over a socket in a scratch directory, as a process of its own.
 * One connection at a time.
 */
#ifndef BULKHEAD_TESTS_MANAGER_H
#define BULKHEAD_TESTS_MANAGER_H

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "unit.h"

#include "../src/clock.h"

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
	int64_t dies_at;    /* ms: the service dies, whatever it was told */
	int64_t anew_at;    /* ms: it dies, and systemd has started it again before anyone looks */
	int64_t cut_at;	    /* ms: the manager hangs up */
	bool gone;	    /* and doesn't come back */
	unsigned last_job;
	char log[4096];
};

static struct fake *fake;
static pid_t server;
static char *dir, *address;

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
	f->job_ends = fake->never ? -1 : clock_ms() + fake->job_ms;
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

static bool is_time(int64_t *at)
{
	if (!*at || clock_ms() < *at)
		return false;
	*at = 0;
	return true;
}

/* What happens to the service by itself. True: the manager hangs up. */
static bool fate(void)
{
	if (is_time(&fake->dies_at)) {
		fake->service.active = "activating";
		fake->service.sub = "auto-restart";
		fake->service.result = "signal";
	}
	if (is_time(&fake->anew_at))
		fake->service.invocation++;
	return is_time(&fake->cut_at);
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
	while (!hang_up && !fate()) {
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (units[i]->job_ends > 0 && clock_ms() >= units[i]->job_ends)
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
		if (fake->gone)
			_exit(0);
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

#endif
