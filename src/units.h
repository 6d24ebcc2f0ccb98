/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd over sd-bus, and its journal. libsystemd is loaded (dlopen) when a live run first needs
 * it: a converged offline run never pays for it. Built --without-systemd, units_open fails with
 * -EOPNOTSUPP.
 *
 * Connects as root to unix:path=/run/systemd/private, which works with the system bus down, and
 * falls back to the system bus.
 */
#ifndef BULKHEAD_UNITS_H
#define BULKHEAD_UNITS_H

#include "change.h"

#define UNITS_TIMEOUT 120 /* seconds a unit has to come back when the plan doesn't say */
#define UNITS_WATCH   7	  /* and seconds it then has to stay up */

struct units;

/* Opens the manager's bus of a live host. -EOPNOTSUPP offline or without libsystemd; -EACCES;
 * -ECONNREFUSED ... */
int units_open(const struct host *h, struct units **ret, struct err *e);
/* The same at one D-Bus address (kept by reference), without a bus behind it: for tests. */
int units_open_at(const char *address, struct units **ret, struct err *e);
void units_free(struct units *u);
DEFINE_CLEANUP(struct units, units_free);
#define _cleanup_units_ _cleanup_(units_free_cleanup)

struct unit_state {
	char load[24];	  /* loaded, not-found, masked, error, bad-setting */
	char active[24];  /* active, reloading, inactive, failed, activating, deactivating */
	char sub[32];	  /* running, listening, auto-restart, dead ... */
	char result[32];  /* success, exit-code, start-limit-hit ...; "" where the type has none */
	char enabled[24]; /* UnitFileState: enabled, disabled, static, masked, "" */
	char invocation[33]; /* 32 hex digits; "" when it never ran */
	uint64_t started_us; /* realtime of ExecMainStartTimestamp (service) or
				ActiveEnterTimestamp; 0: not running */
	uint32_t main_pid;   /* services; 0: none */
	bool need_daemon_reload;
};

/* It runs: "active", or that while it takes a new configuration ("reloading", "refreshing"). The
 * states are those of systemd's org.freedesktop.systemd1(5), ActiveState. */
bool unit_is_up(const char *active);

/*
 * It is being started this moment, by whomever: whether it has read its files already, nobody can
 * tell. One that waits for its automatic restart is down.
 */
bool unit_is_starting(const struct unit_state *s);

/* The state of a unit. A unit that doesn't exist is success with load "not-found". */
int units_state(struct units *u, const char *unit, struct unit_state *ret, struct err *e);

/* Does systemd know that `unit` needs `other` (Requires=, BindsTo=)? 1 or 0. */
int units_needs(struct units *u, const char *unit, const char *other, struct err *e);

/* Can systemd start it? -ENOENT, -ERFKILL (masked), -EINVAL (unusable unit file): no. */
int units_usable(const char *unit, const struct unit_state *st, struct err *e);

/* Called about every second while a job or a unit is waited for; `seconds` since it began. May be
 * NULL. */
struct progress {
	void (*tick)(void *arg, const char *unit, const char *doing, unsigned seconds);
	void *arg;
	const volatile int *interrupted; /* a signal number set by a handler: waiting ends with
					    -EINTR; may be NULL */
};

/* Manager.Reload, with time for slow hosts. */
int units_reload_manager(struct units *u, const struct progress *p, struct err *e);

/*
 * Carries out one stage: every unit's action, in as few jobs as it takes. ResetFailedUnit comes
 * before every start. When docker.socket and docker.service both restart, the socket's restart
 * carries the service along, so that the service starts once: in general a unit that Requires=
 * another one that restarts is not restarted a second time, but waited for (and started when the
 * restart left it down though it ran before). Waits for the jobs and then for each unit's own
 * state: active, with a new InvocationID after a (re)start. What is not listed but ran, and is
 * carried along, has to come back as well. A reload of what is down is nothing to do. -ETIMEDOUT
 * after `timeout` seconds, -EINTR, -EIO when a unit failed: *e names the unit, its Result and
 * quotes the journal. -ENOENT, -ERFKILL (masked), -EINVAL (unusable unit file): nothing was done.
 */
struct unit_todo {
	const char *unit;
	enum unit_action action;
};
int units_run(struct units *u, const struct unit_todo *todo, size_t n, int timeout,
	      const struct progress *p, struct err *e);

/* Queues a unit's start, and waits for nothing. */
int units_queue(struct units *u, const char *unit, struct err *e);

/*
 * Watches units until `seconds` after `since` (CLOCK_MONOTONIC in microseconds; 0: now). Each has
 * to stay up in the invocation given, "" for the one that it has now: systemd takes a daemon for
 * started when it says that it is ready, and some die a little later. -EIO: one went down or was
 * started again; *e quotes what it said. -EINTR.
 */
struct unit_watched {
	const char *unit;
	char invocation[33];
};
int units_watch(struct units *u, struct unit_watched *list, size_t n, uint64_t since, int seconds,
		const struct progress *p, struct err *e);

/* Stops a unit (a daemon that was down before and has to be down again). */
int units_stop(struct units *u, const char *unit, int timeout, const struct progress *p,
	       struct err *e);

/*
 * The last words of error level that a unit's newest invocation (or the one given) logged, or
 * systemd's about it when it said nothing: at most `lines` (and 20), each ended by a newline,
 * control characters escaped. "" when the journal can't be read or has none; that takes up to a
 * second. *ret is allocated.
 */
int units_journal(struct units *u, const char *unit, const char *invocation, unsigned lines,
		  char **ret, struct err *e);

/* For how many seconds has PID 1 run? -EOPNOTSUPP offline. */
int units_boot_age(const struct host *h, uint64_t *ret, struct err *e);

/* The boot id of this kernel as 32 hex digits; "" offline. */
int units_boot_id(const struct host *h, char ret[33], struct err *e);

#endif
