/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#if HAVE_SYSTEMD

#include "clock.h"
#include "library.h"
#include "unitbus.h"

#include <dlfcn.h>
#include <signal.h>
#include <time.h>

#define MANAGER	     "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_FACE "org.freedesktop.systemd1.Manager"

#define RETRY_NS  200000000
#define NAMES_MAX 256

struct waiting unitbus_waiting(const struct progress *p, const char *unit, const char *doing)
{
	uint64_t now = clock_us();

	return (struct waiting){
		.p = p, .unit = unit, .doing = doing, .start = now, .ticked = now
	};
}

static int api_load(struct unitbus *b, struct err *e)
{
	const char *why;
	void *f;

	b->lib = library_load("libsystemd.so.0", &why);
	if (!b->lib)
		return why ? err_set(e, EOPNOTSUPP,
				     "systemd can't be asked without libsystemd (%s): install "
				     "libsystemd0 (Debian, Ubuntu) or systemd-libs",
				     why)
			   : err_oom(e);
#define X(name)                                                                                    \
	f = dlsym(b->lib, "sd_" #name);                                                            \
	if (!f)                                                                                    \
		return err_set(e, EOPNOTSUPP, "this libsystemd is too old: it has no sd_" #name);  \
	memcpy(&b->api.name, &f, sizeof(f));
	UNITBUS_API(X)
#undef X
	return 0;
}

static int interrupted(const struct waiting *w, struct err *e)
{
	int sig = w->p && w->p->interrupted ? *w->p->interrupted : 0;

	return sig ? err_set(e, EINTR, "interrupted (%s) while %s %s", strsignal(sig), w->doing,
			     w->unit)
		   : 0;
}

int unitbus_turn(struct unitbus *b, struct waiting *w, uint64_t until, struct err *e)
{
	uint64_t now, next;
	int r = interrupted(w, e);

	if (r < 0)
		return r;
	r = b->api.bus_process(b->bus, NULL);
	now = clock_us();
	if (now >= w->ticked + SECOND) {
		w->ticked = now;
		if (w->p && w->p->tick)
			w->p->tick(w->p->arg, w->unit, w->doing,
				   (unsigned)((now - w->start) / SECOND));
	}
	next = w->ticked + SECOND < until ? w->ticked + SECOND : until;
	if (r == 0 && next > now)
		r = b->api.bus_wait(b->bus, next - now);
	/* A signal: the flag is looked at in the next turn. */
	if (r < 0 && r != -EINTR)
		return err_sys(e, r, "the connection to systemd broke");
	return 0;
}

struct answer {
	struct unitbus *b;
	sd_bus_message *m;
};

static int on_answer(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	struct answer *a = arg;

	(void)error;
	a->m = a->b->api.bus_message_ref(m);
	return 0;
}

static int answer_failed(struct unitbus *b, sd_bus_message *m, struct err *e)
{
	static const struct {
		const char *name;
		int code;
	} known[] = {
		{ MANAGER ".NoSuchUnit", ENOENT },
		{ MANAGER ".UnitMasked", ERFKILL },
		{ "org.freedesktop.DBus.Error.AccessDenied", EACCES },
		{ "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", EACCES },
	};
	const sd_bus_error *error = b->api.bus_message_get_error(m);
	int code = b->api.bus_message_get_errno(m);

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (error && error->name && streq(error->name, known[i].name))
			code = known[i].code;
	if (code <= 0)
		code = EIO;
	return err_set(e, code, "systemd says: %s",
		       error && error->message ? error->message : strerror(code));
}

/*
 * Sends a call and waits for the answer. Asynchronous underneath, so that a slow manager doesn't
 * keep the person from seeing seconds and from interrupting.
 */
static int call(struct unitbus *b, struct waiting *w, sd_bus_message *m, uint64_t usec,
		sd_bus_message **ret, struct err *e)
{
	struct answer a = { .b = b };
	uint64_t until = clock_us() + usec;
	sd_bus_slot *slot = NULL;
	int r;

	r = b->api.bus_call_async(b->bus, &slot, m, on_answer, &a, usec);
	if (r < 0)
		return err_sys(e, r, "ask systemd");
	while (!a.m && r >= 0)
		r = clock_us() < until ? unitbus_turn(b, w, until, e)
				       : err_set(e, ETIMEDOUT, "systemd does not answer");
	b->api.bus_slot_unref(slot);
	if (!a.m)
		return r;
	if (b->api.bus_message_is_method_error(a.m, NULL)) {
		r = answer_failed(b, a.m, e);
		b->api.bus_message_unref(a.m);
		return r;
	}
	*ret = a.m;
	return 0;
}

int unitbus_call(struct unitbus *b, struct waiting *w, const char *method, const char *arg,
		 const char *arg2, uint64_t usec, char ret_path[UNIT_NAME], struct err *e)
{
	sd_bus_message *m = NULL, *answer = NULL;
	const char *path = "";
	int r;

	r = b->api.bus_message_new_method_call(b->bus, &m, MANAGER, MANAGER_PATH, MANAGER_FACE,
					       method);
	if (r >= 0 && arg)
		r = b->api.bus_message_append(m, "s", arg);
	if (r >= 0 && arg2)
		r = b->api.bus_message_append(m, "s", arg2);
	r = r < 0 ? err_sys(e, r, "ask systemd") : call(b, w, m, usec, &answer, e);
	b->api.bus_message_unref(m);
	if (r < 0)
		return r;
	if (ret_path) {
		r = b->api.bus_message_read_basic(answer, 'o', &path);
		snprintf(ret_path, UNIT_NAME, "%s", r > 0 && strlen(path) < UNIT_NAME ? path : "");
	}
	b->api.bus_message_unref(answer);
	return 0;
}

/* Connects, and proves that the manager is at the other end. */
static int connect_to(struct unitbus *b, const char *address, struct err *e)
{
	struct waiting w = unitbus_waiting(NULL, "systemd", "asking");
	sd_bus_message *m = NULL, *answer = NULL;
	int r;

	r = b->api.bus_new(&b->bus);
	if (r >= 0)
		r = b->api.bus_set_address(b->bus, address);
	if (r >= 0)
		r = b->api.bus_set_bus_client(b->bus, streq(address, UNITBUS_SYSTEM));
	if (r >= 0)
		r = b->api.bus_start(b->bus);
	if (r >= 0)
		r = b->api.bus_message_new_method_call(b->bus, &m, MANAGER, MANAGER_PATH,
						       "org.freedesktop.DBus.Peer", "Ping");
	r = r < 0 ? err_sys(e, r, "connect to %s", address) : call(b, &w, m, CALL_US, &answer, e);
	b->api.bus_message_unref(m);
	b->api.bus_message_unref(answer);
	return r;
}

static void disconnect(struct unitbus *b)
{
	if (b->bus)
		b->bus = b->api.bus_flush_close_unref(b->bus);
	b->subscribed = false;
}

int unitbus_open(struct unitbus *b, const char *address, struct err *e)
{
	int r = b->lib ? 0 : api_load(b, e);

	if (r >= 0)
		r = connect_to(b, address, e);
	if (r < 0)
		disconnect(b);
	b->address = address;
	return r;
}

void unitbus_close(struct unitbus *b)
{
	disconnect(b);
	if (b->lib)
		dlclose(b->lib);
	b->lib = NULL;
}

static int on_job_removed(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	const char *path, *id, *result;
	struct unitbus *b = arg;
	uint32_t job;

	(void)error;
	if (b->removed && b->api.bus_message_read(m, "uoss", &job, &path, &id, &result) >= 0)
		b->removed(b->removed_arg, job, id, result);
	return 0;
}

int unitbus_subscribe(struct unitbus *b, struct waiting *w, struct err *e)
{
	/* The private socket's messages have no sender; on the system bus anybody may broadcast. */
	const char *sender = streq(b->address, UNITBUS_SYSTEM) ? MANAGER : NULL;
	int r;

	if (b->subscribed)
		return 0;
	r = b->api.bus_match_signal(b->bus, NULL, sender, MANAGER_PATH, MANAGER_FACE, "JobRemoved",
				    on_job_removed, b);
	if (r < 0)
		return err_sys(e, r, "listen to systemd");
	r = unitbus_call(b, w, "Subscribe", NULL, NULL, CALL_US, NULL, e);
	if (r < 0)
		return err_prefix(e, "listen to systemd");
	b->subscribed = true;
	return 0;
}

bool unitbus_broken(struct unitbus *b)
{
	return !b->bus || b->api.bus_is_open(b->bus) <= 0;
}

int unitbus_mend(struct unitbus *b, struct waiting *w, uint64_t until, struct err *e)
{
	const struct timespec pause = { .tv_nsec = RETRY_NS };
	int r;

	do {
		nanosleep(&pause, NULL);
		r = interrupted(w, e);
		if (r < 0)
			return r;
		disconnect(b);
		r = unitbus_open(b, b->address, e);
		if (r >= 0)
			r = unitbus_subscribe(b, w, e);
	} while (r < 0 && clock_us() < until);
	return r;
}

static void names_done(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i]);
	free(l->list);
	*l = (struct names){ 0 };
}

void look_done(struct look *l)
{
	names_done(&l->needs);
	names_done(&l->carries);
	names_done(&l->triggers);
}

bool look_is_up(const struct look *l)
{
	return unit_is_up(l->state.active);
}

bool look_is_down(const struct look *l)
{
	return streq(l->state.active, "inactive") || streq(l->state.active, "failed");
}

static int names_read(struct unitbus *b, sd_bus_message *m, struct names *l)
{
	const char *name;
	int r = b->api.bus_message_enter_container(m, 'a', "s");

	if (r < 0)
		return r;
	while ((r = b->api.bus_message_read_basic(m, 's', &name)) > 0) {
		char **list = l->list;

		if (l->n == NAMES_MAX)
			continue;
		if ((l->n & (l->n - 1)) == 0)
			list = reallocarray(list, l->n ? l->n * 2 : 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		l->list = list;
		list[l->n] = strdup(name);
		if (!list[l->n])
			return -ENOMEM;
		l->n++;
	}
	return r < 0 ? r : b->api.bus_message_exit_container(m);
}

static int invocation_read(struct unitbus *b, sd_bus_message *m, char *ret)
{
	const unsigned char *id;
	const void *data;
	size_t len;
	int r = b->api.bus_message_read_array(m, 'y', &data, &len);

	if (r < 0 || len != 16)
		return r;
	id = data;
	for (size_t i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
	return 0;
}

#define PROPERTY(name, type, field)                                                                \
	{                                                                                          \
		name, type, offsetof(struct look, field), sizeof(((struct look *)0)->field)        \
	}

/* org.freedesktop.systemd1(5); those of one type of unit are absent elsewhere. */
static const struct property {
	const char *name, *type;
	size_t offset, size;
} properties[] = {
	PROPERTY("Id", "s", id),
	PROPERTY("LoadState", "s", state.load),
	PROPERTY("ActiveState", "s", state.active),
	PROPERTY("SubState", "s", state.sub),
	PROPERTY("Result", "s", state.result),
	PROPERTY("UnitFileState", "s", state.enabled),
	PROPERTY("InvocationID", "ay", state.invocation),
	PROPERTY("MainPID", "u", state.main_pid),
	PROPERTY("NeedDaemonReload", "b", state.need_daemon_reload),
	PROPERTY("ExecMainStartTimestamp", "t", exec_us),
	PROPERTY("ActiveEnterTimestamp", "t", active_us),
	PROPERTY("Job", "(uo)", job),
	PROPERTY("NRestarts", "u", restarts),
	PROPERTY("Requires", "as", needs),
	PROPERTY("BindsTo", "as", needs),
	PROPERTY("RequiredBy", "as", carries),
	PROPERTY("BoundBy", "as", carries),
	PROPERTY("ConsistsOf", "as", carries),
	PROPERTY("TriggeredBy", "as", triggers),
};

static int property_read(struct unitbus *b, sd_bus_message *m, const struct property *p,
			 struct look *l)
{
	void *to = (char *)l + p->offset;
	const char *text;
	int r, flag;

	switch (p->type[0]) {
	case 's':
		r = b->api.bus_message_read_basic(m, 's', &text);
		if (r >= 0)
			snprintf(to, p->size, "%s", text);
		return r;
	case 'b':
		r = b->api.bus_message_read_basic(m, 'b', &flag);
		if (r >= 0)
			*(bool *)to = flag;
		return r;
	case '(':
		return b->api.bus_message_read(m, "(uo)", to, &text);
	case 'a':
		return p->type[1] == 'y' ? invocation_read(b, m, to) : names_read(b, m, to);
	default:
		return b->api.bus_message_read_basic(m, p->type[0], to);
	}
}

/* One name and value of a{sv}; a property of another type than ours is passed over. */
static int property_next(struct unitbus *b, sd_bus_message *m, struct look *l)
{
	const struct property *p = NULL;
	const char *name, *type;
	int r = b->api.bus_message_read_basic(m, 's', &name);

	if (r >= 0)
		r = b->api.bus_message_peek_type(m, NULL, &type);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(properties) && !p; i++)
		if (streq(properties[i].name, name) && streq(properties[i].type, type))
			p = &properties[i];
	if (!p)
		return b->api.bus_message_skip(m, "v");
	r = b->api.bus_message_enter_container(m, 'v', p->type);
	if (r >= 0)
		r = property_read(b, m, p, l);
	return r < 0 ? r : b->api.bus_message_exit_container(m);
}

static int look_read(struct unitbus *b, sd_bus_message *m, struct look *l)
{
	int r = b->api.bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = b->api.bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = property_next(b, m, l);
		if (r >= 0)
			r = b->api.bus_message_exit_container(m);
	}
	return r;
}

/*
 * All of a unit in one answer, as systemctl show asks for it. Looking at the object's path loads
 * the unit when it isn't; one that does not exist shows as "not-found".
 */
int unitbus_look(struct unitbus *b, struct waiting *w, const char *unit, struct look *ret,
		 struct err *e)
{
	sd_bus_message *m = NULL, *answer = NULL;
	struct look l = { 0 };
	char *path = NULL;
	int r;

	r = b->api.bus_path_encode(MANAGER_PATH "/unit", unit, &path);
	if (r >= 0)
		r = b->api.bus_message_new_method_call(b->bus, &m, MANAGER, path,
						       "org.freedesktop.DBus.Properties", "GetAll");
	free(path);
	if (r >= 0)
		r = b->api.bus_message_append(m, "s", "");
	r = r < 0 ? err_sys(e, r, "ask systemd") : call(b, w, m, CALL_US, &answer, e);
	b->api.bus_message_unref(m);
	if (r < 0)
		return r == -EINTR ? r : err_prefix(e, "look at %s", unit);
	r = look_read(b, answer, &l);
	b->api.bus_message_unref(answer);
	if (r < 0) {
		look_done(&l);
		return err_sys(e, r, "understand what systemd says of %s", unit);
	}
	if (l.state.main_pid)
		l.state.started_us = l.exec_us;
	else if (look_is_up(&l))
		l.state.started_us = l.active_us;
	*ret = l;
	return 0;
}

#endif
