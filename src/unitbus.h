/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's end of the line: loads libsystemd, connects, calls, looks at units. What to do with
 * units, and when it is done, is units.c's.
 */
#ifndef BULKHEAD_UNITBUS_H
#define BULKHEAD_UNITBUS_H

#include <systemd/sd-bus.h>

#include "units.h"

#define UNITBUS_PRIVATE "unix:path=/run/systemd/private"
#define UNITBUS_SYSTEM	"unix:path=/run/dbus/system_bus_socket"

#define SECOND	  UINT64_C(1000000)
#define CALL_US	  (30 * SECOND)
#define UNIT_NAME 256 /* UNIT_NAME_MAX in systemd's unit-name.h */

/* The functions of libsystemd that are called, without their sd_. */
#define UNITBUS_API(X)                                                                             \
	X(bus_new)                                                                                 \
	X(bus_set_address)                                                                         \
	X(bus_set_bus_client)                                                                      \
	X(bus_start)                                                                               \
	X(bus_flush_close_unref)                                                                   \
	X(bus_is_open)                                                                             \
	X(bus_process)                                                                             \
	X(bus_wait)                                                                                \
	X(bus_call_async)                                                                          \
	X(bus_match_signal)                                                                        \
	X(bus_path_encode)                                                                         \
	X(bus_slot_unref)                                                                          \
	X(bus_message_new_method_call)                                                             \
	X(bus_message_append)                                                                      \
	X(bus_message_ref)                                                                         \
	X(bus_message_unref)                                                                       \
	X(bus_message_is_method_error)                                                             \
	X(bus_message_get_error)                                                                   \
	X(bus_message_get_errno)                                                                   \
	X(bus_message_read)                                                                        \
	X(bus_message_read_basic)                                                                  \
	X(bus_message_read_array)                                                                  \
	X(bus_message_peek_type)                                                                   \
	X(bus_message_skip)                                                                        \
	X(bus_message_enter_container)                                                             \
	X(bus_message_exit_container)

struct unitbus_api {
#define X(name) __typeof__(sd_##name) *name;
	UNITBUS_API(X)
#undef X
};

/* A job that has left systemd's queue: done, failed, canceled, timeout, dependency, skipped ... */
typedef void unitbus_removed(void *arg, uint32_t job, const char *id, const char *result);

struct unitbus {
	void *lib;
	struct unitbus_api api;
	sd_bus *bus;
	const char *address;
	bool subscribed;
	unitbus_removed *removed; /* NULL: nobody wants to know */
	void *removed_arg;
};

/* Who waits, for what, since when: CLOCK_MONOTONIC in microseconds. */
struct waiting {
	const struct progress *p; /* may be NULL */
	const char *unit, *doing;
	uint64_t start, ticked;
};

struct waiting unitbus_waiting(const struct progress *p, const char *unit, const char *doing);

/* `address` is kept by reference. -EOPNOTSUPP, -ENOENT, -ECONNREFUSED, -EACCES, -ETIMEDOUT ... */
int unitbus_open(struct unitbus *b, const char *address, struct err *e);
void unitbus_close(struct unitbus *b);

/* From here on `removed` is told of jobs. Once a connection is enough. */
int unitbus_subscribe(struct unitbus *b, struct waiting *w, struct err *e);

/* True when the connection is gone: systemctl daemon-reexec and a restart of the system bus cut
 * it. */
bool unitbus_broken(struct unitbus *b);

/* Connects and subscribes again, until it works or `until`. */
int unitbus_mend(struct unitbus *b, struct waiting *w, uint64_t until, struct err *e);

/*
 * One turn: what came in is dispatched; else sleeps until something comes in, `until`, or the next
 * tick, whichever is first. -EINTR.
 */
int unitbus_turn(struct unitbus *b, struct waiting *w, uint64_t until, struct err *e);

/*
 * Calls a method of the manager that takes up to two strings. `ret_path`, when not NULL, is the
 * object path of the answer, "" when it is too long. -ENOENT no such unit, -ERFKILL masked,
 * -EACCES, -ETIMEDOUT, -EINTR.
 */
int unitbus_call(struct unitbus *b, struct waiting *w, const char *method, const char *arg,
		 const char *arg2, uint64_t usec, char ret_path[UNIT_NAME], struct err *e);

struct names {
	char **list;
	size_t n;
};

/* What one look at a unit shows. */
struct look {
	char id[UNIT_NAME]; /* its primary name, which signals use */
	struct unit_state state;
	uint64_t exec_us, active_us; /* realtime */
	uint32_t job;		     /* queued or running; 0: none */
	uint32_t restarts;	     /* automatic ones since the last start by hand */
	struct names needs;	     /* Requires=, BindsTo= */
	struct names carries;	     /* what stops and restarts with it */
	struct names triggers;	     /* sockets and timers that start it */
};

int unitbus_look(struct unitbus *b, struct waiting *w, const char *unit, struct look *ret,
		 struct err *e);
void look_done(struct look *l);
bool look_is_up(const struct look *l);
bool look_is_down(const struct look *l);

#endif
