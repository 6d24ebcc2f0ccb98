/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "units.h"

#include <time.h>

int units_boot_id(const struct host *h, char ret[33], struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len, n = 0;
	char id[33];
	int r;

	if (!host_is_live(h)) {
		ret[0] = '\0';
		return 0;
	}
	r = host_read(h, "/proc/sys/kernel/random/boot_id", 128, &text, &len, e);
	if (r < 0)
		return r;
	for (const char *p = text; *p && *p != '\n'; p++)
		if (*p != '-' && n < 32 && strchr("0123456789abcdef", *p))
			id[n++] = *p;
		else if (*p != '-')
			return err_set(e, EINVAL, "the kernel's boot id is no id");
	if (n != 32)
		return err_set(e, EINVAL, "the kernel's boot id is no id");
	id[n] = '\0';
	memcpy(ret, id, sizeof(id));
	return 0;
}

bool unit_is_up(const char *active)
{
	return streq(active, "active") || streq(active, "reloading") || streq(active, "refreshing");
}

bool unit_is_starting(const struct unit_state *s)
{
	return streq(s->active, "activating") && !has_prefix(s->sub, "auto-restart");
}

int units_boot_age(const struct host *h, uint64_t *ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long began = 0;
	struct timespec now;
	const char *p;
	size_t len;

	if (!host_is_live(h))
		return err_set(e, EOPNOTSUPP, "nothing has booted: %s", host_offline_why(h));
	if (host_read(h, "/proc/1/stat", 4096, &text, &len, e) < 0)
		return e->code;
	/* proc(5): the 22nd field, in clock ticks since the kernel booted; the second is a name in
	 * brackets, of any bytes. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		began = strtoull(p + 1, NULL, 10) / (unsigned long long)sysconf(_SC_CLK_TCK);
	if (!p || clock_gettime(CLOCK_BOOTTIME, &now) < 0 || (uint64_t)now.tv_sec < began)
		return err_set(e, EINVAL, "the kernel does not tell since when PID 1 runs");
	*ret = (uint64_t)now.tv_sec - began;
	return 0;
}

int units_usable(const char *unit, const struct unit_state *st, struct err *e)
{
	if (streq(st->load, "loaded"))
		return 0;
	if (streq(st->load, "not-found"))
		return err_set(e, ENOENT, "systemd knows no %s: is its package installed?", unit);
	if (streq(st->load, "masked"))
		return err_set(e, ERFKILL, "%s is masked; to allow it: systemctl unmask %s", unit,
			       unit);
	return err_set(
		e, EINVAL,
		"systemd can't use the unit file of %s (%s); to see why: systemctl status %s", unit,
		st->load, unit);
}

#if HAVE_SYSTEMD

#include "clock.h"
#include "unitbus.h"
#include "unitlog.h"

#define RELOAD_US   (300 * SECOND) /* generators may take 2 x DefaultTimeoutStartSec */
#define POLL_US	    (SECOND / 2)   /* signals get lost: look at the unit all the same */
#define MEND_US	    (10 * SECOND)  /* systemctl daemon-reexec on a slow host */
#define STAGE_MAX   64
#define QUOTE_LINES 5

struct units {
	struct unitbus bus;
};

/* A unit that is taken where it has to be. */
struct watch {
	char unit[UNIT_NAME];
	enum unit_action action; /* NOTHING: only carried along, or stopped */
	struct look before;
	bool carried; /* another one's restart restarts it */
	bool issued;  /* we queued a job for it */
	bool settled;
	uint32_t job;	  /* ours */
	uint32_t bad_job; /* the last of its jobs that went wrong; 0: none */
	char bad[24];	  /* and how */
};

struct stage {
	struct watch *list;
	size_t n;
	bool stop; /* units are stopped, not started */
	bool news; /* a job of ours has ended */
	int timeout;
	uint32_t first_job; /* the oldest that we queued: ids only grow */
	struct waiting w;
};

void units_free(struct units *u)
{
	if (!u)
		return;
	unitbus_close(&u->bus);
	free(u);
}

int units_open_at(const char *address, struct units **ret, struct err *e)
{
	_cleanup_units_ struct units *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return err_oom(e);
	r = unitbus_open(&u->bus, address, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}

/* Is nobody listening, as while systemd executes itself anew? */
static bool between_two(int r)
{
	/* ETIMEDOUT: sd-bus' word for an answer that a cut connection owes. */
	return r == -ECONNREFUSED || r == -ECONNRESET || r == -EPIPE || r == -ENOTCONN ||
	       r == -ETIMEDOUT;
}

int units_open(const struct host *h, struct units **ret, struct err *e)
{
	uint64_t end = clock_us() + MEND_US;
	struct err first;
	int r;

	if (!host_is_live(h))
		return err_set(e, EOPNOTSUPP, "no systemd to ask: %s", host_offline_why(h));
	do {
		/* Root's own socket works before and without the system bus, which is for
		 * everybody.
		 */
		r = units_open_at(UNITBUS_PRIVATE, ret, e);
		if (r == 0 || r == -EOPNOTSUPP || r == -ENOMEM)
			return r;
		first = *e;
		r = units_open_at(UNITBUS_SYSTEM, ret, e);
		if (r == 0 || !between_two(first.code))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 * 1000 }, NULL);
	} while (clock_us() < end);
	if (r < 0)
		err_append(e, "; before that: %s", first.text);
	return r;
}

/* A look that outlives a connection that is cut. */
static int look_again(struct units *u, struct waiting *w, const char *unit, uint64_t end,
		      struct look *ret, struct err *e)
{
	int r;

	while ((r = unitbus_look(&u->bus, w, unit, ret, e)) < 0) {
		if (r == -EINTR || !unitbus_broken(&u->bus) || clock_us() >= end ||
		    (r = unitbus_mend(&u->bus, w, end, e)) < 0)
			return r;
	}
	return 0;
}

int units_state(struct units *u, const char *unit, struct unit_state *ret, struct err *e)
{
	struct waiting w = unitbus_waiting(NULL, unit, "looking at");
	struct look l;
	int r = look_again(u, &w, unit, w.start + MEND_US, &l, e);

	if (r < 0)
		return r;
	*ret = l.state;
	look_done(&l);
	return 0;
}

int units_needs(struct units *u, const char *unit, const char *other, struct err *e)
{
	struct waiting w = unitbus_waiting(NULL, unit, "looking at");
	struct look l;
	int r = look_again(u, &w, unit, w.start + MEND_US, &l, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l.needs.n && r == 0; i++)
		r = streq(l.needs.list[i], other);
	look_done(&l);
	return r;
}

int units_reload_manager(struct units *u, const struct progress *p, struct err *e)
{
	struct waiting w = unitbus_waiting(p, "systemd", "reloading");
	int r = unitbus_call(&u->bus, &w, "Reload", NULL, NULL, RELOAD_US, NULL, e);

	if (r < 0 && r != -EINTR)
		return err_prefix(e, "reload systemd's unit files (systemctl daemon-reload)");
	return r;
}

int units_journal(struct units *u, const char *unit, const char *invocation, unsigned lines,
		  char **ret, struct err *e)
{
	struct unitlog_query q = { .unit = unit, .invocation = invocation, .lines = lines };
	struct unit_state state;
	int r;

	if (!invocation) {
		r = units_state(u, unit, &state, e);
		if (r < 0)
			return r;
		q.invocation = state.invocation;
	}
	if (*q.invocation)
		return unitlog_read(u->bus.lib, &q, ret, e);
	*ret = strdup("");
	return *ret ? 0 : err_oom(e);
}

static struct watch *stage_find(struct stage *s, const char *unit)
{
	for (size_t i = 0; i < s->n; i++)
		if (streq(s->list[i].unit, unit) || streq(s->list[i].before.id, unit))
			return &s->list[i];
	return NULL;
}

static void job_removed(void *arg, uint32_t job, const char *id, const char *result)
{
	struct stage *s = arg;
	struct watch *w = stage_find(s, id);

	if (!w)
		return;
	s->news = true;
	/* A job that another one replaced is "canceled": what came of it, the unit itself shows. */
	if (!streq(result, "done") && !streq(result, "canceled") && job >= w->bad_job) {
		w->bad_job = job;
		snprintf(w->bad, sizeof(w->bad), "%s", result);
	}
}

static int stage_begin(struct units *u, struct stage *s, const char *unit, int timeout,
		       const struct progress *p, struct err *e)
{
	s->timeout = timeout > 0 ? timeout : UNITS_TIMEOUT;
	s->w = unitbus_waiting(p, unit, "looking at");
	s->list = calloc(STAGE_MAX, sizeof(*s->list));
	if (!s->list)
		return err_oom(e);
	u->bus.removed = job_removed;
	u->bus.removed_arg = s;
	/* Signals may come before the answer to the call that caused them. */
	return unitbus_subscribe(&u->bus, &s->w, e);
}

static void stage_end(struct units *u, struct stage *s)
{
	u->bus.removed = NULL;
	for (size_t i = 0; i < s->n; i++)
		look_done(&s->list[i].before);
	free(s->list);
}

static int stage_add(struct units *u, struct stage *s, const char *unit, enum unit_action action,
		     struct err *e)
{
	struct watch *w = &s->list[s->n];
	int r;

	if (s->n == STAGE_MAX || strlen(unit) >= sizeof(w->unit))
		return err_set(e, EINVAL, "too many units, or too long a name: %s", unit);
	r = unitbus_look(&u->bus, &s->w, unit, &w->before, e);
	if (r < 0)
		return r;
	s->n++;
	snprintf(w->unit, sizeof(w->unit), "%s", unit);
	w->action = action;
	return 0;
}

/* Marks what a restart of list[i] carries along, and watches it when it runs now. */
static int stage_carry(struct units *u, struct stage *s, size_t i, struct err *e)
{
	const struct names *carries = &s->list[i].before.carries;
	int r;

	for (size_t k = 0; k < carries->n; k++) {
		struct watch *w = stage_find(s, carries->list[k]);

		if (!w && s->n < STAGE_MAX) {
			r = stage_add(u, s, carries->list[k], UNIT_NOTHING, e);
			if (r < 0)
				return r;
			w = &s->list[s->n - 1];
			w->settled = look_is_down(&w->before);
		}
		if (!w || w == &s->list[i] || w->carried)
			continue;
		w->carried = true;
		r = stage_carry(u, s, (size_t)(w - s->list), e);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Starts by hand count for the start limit (docker.service: 3 a minute), and past it the service
 * and its socket stay down. So the count goes back to zero first: for the unit, what it carries
 * along, and what triggers it.
 */
static int reset_failed(struct units *u, struct stage *s, const struct watch *w, struct err *e)
{
	const struct names *also[] = { &w->before.carries, &w->before.triggers };
	int r = unitbus_call(&u->bus, &s->w, "ResetFailedUnit", w->unit, NULL, CALL_US, NULL, e);

	for (size_t i = 0; i < ARRAY_SIZE(also); i++)
		for (size_t k = 0; k < also[i]->n && (r >= 0 || r == -ENOENT); k++)
			r = unitbus_call(&u->bus, &s->w, "ResetFailedUnit", also[i]->list[k], NULL,
					 CALL_US, NULL, e);
	if (r >= 0 || r == -ENOENT) /* not loaded: nothing is counted against it */
		return 0;
	return err_prefix(e, "reset the failed starts of %s", w->unit);
}

static const char *watch_doing(const struct stage *s, const struct watch *w)
{
	if (s->stop)
		return "stopping";
	if (w->carried || w->action == UNIT_RESTART)
		return "restarting";
	return w->action == UNIT_RELOAD ? "reloading" : "starting";
}

static int watch_issue(struct units *u, struct stage *s, struct watch *w, const char *method,
		       struct err *e)
{
	char path[UNIT_NAME];
	const char *id;
	int r;

	s->w.unit = w->unit;
	s->w.doing = watch_doing(s, w);
	r = unitbus_call(&u->bus, &s->w, method, w->unit, "replace", CALL_US, path, e);
	if (r < 0)
		return r == -EINTR ? r : err_prefix(e, "%s %s", s->w.doing, w->unit);
	id = strrchr(path, '/');
	w->job = id ? (uint32_t)strtoul(id + 1, NULL, 10) : 0;
	w->issued = true;
	if (!s->first_job || w->job < s->first_job)
		s->first_job = w->job;
	return 0;
}

/* The words of the unit that failed, below the error. */
static int quote(struct units *u, const struct unitlog_query *q, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	struct err ignored; /* the failure counts, not that its journal can't be read */
	char *line, *end;

	if (unitlog_read(u->bus.lib, q, &text, &ignored) == 0 && *text) {
		err_append(e, "\nthe journal of %s:", q->unit);
		for (line = text; (end = strchr(line, '\n')); line = end + 1)
			err_append(e, "\n  %.*s", (int)(end - line), line);
	}
	return err_append(e, "\nto see all of it: journalctl -u %s", q->unit);
}

static int quote_journal(struct units *u, const struct stage *s, const struct watch *w,
			 struct err *e)
{
	const struct unitlog_query q = { .unit = w->unit,
					 .past = w->before.state.invocation,
					 .since = s->w.start,
					 .lines = QUOTE_LINES };

	return quote(u, &q, e);
}

/* What a unit needs and did not start is the one to hear. NULL: there is none. */
static const char *find_culprit(struct units *u, const struct look *l)
{
	struct unit_state st;
	struct err ignored;

	for (size_t i = 0; i < l->needs.n; i++)
		if (units_state(u, l->needs.list[i], &st, &ignored) == 0 &&
		    streq(st.active, "failed"))
			return l->needs.list[i];
	return NULL;
}

static int watch_failed(struct units *u, const struct stage *s, const struct watch *w,
			const struct look *l, const char *how, struct err *e)
{
	const char *culprit = streq(w->bad, "dependency") ? find_culprit(u, l) : NULL;
	const struct unit_state *st = &l->state;
	struct watch other = { 0 };

	if (*st->result && !streq(st->result, "success"))
		how = st->result;
	err_set(e, EIO, "%s failed while %s: %s (it is %s, %s)", w->unit, watch_doing(s, w), how,
		st->active, st->sub);
	if (!culprit)
		return quote_journal(u, s, w, e);
	err_append(e, "; it needs %s, which failed", culprit);
	snprintf(other.unit, sizeof(other.unit), "%s", culprit);
	return quote_journal(u, s, &other, e);
}

static int watch_start(struct units *u, struct stage *s, struct watch *w, const char *method,
		       struct err *e)
{
	int r = reset_failed(u, s, w, e);

	return r < 0 ? r : watch_issue(u, s, w, method, e);
}

/* The unit is down, or between two automatic restarts, and nothing is queued for it. */
static int step_down(struct units *u, struct stage *s, struct watch *w, const struct look *l,
		     struct err *e)
{
	bool looping = !look_is_down(l);
	bool ran = !look_is_down(&w->before);
	bool same = streq(l->state.invocation, w->before.state.invocation);

	if (w->action == UNIT_RELOAD && !w->issued && !(w->carried && ran)) {
		w->settled = true; /* it reads its files when it starts */
		return 0;
	}
	if (w->issued)
		return watch_failed(u, s, w, l, "it went down again", e);
	if (w->carried && ran && !same && !streq(l->state.active, "inactive"))
		return watch_failed(u, s, w, l, "it did not stay up", e);
	/* A start job would wait for the automatic restart's timer, a restart job doesn't. */
	return watch_start(u, s, w, looping ? "RestartUnit" : "StartUnit", e);
}

/* Takes a unit one step on; it has settled when it is where it has to be. */
static int watch_step(struct units *u, struct stage *s, struct watch *w, const struct look *l,
		      struct err *e)
{
	bool restarted = w->carried || w->action == UNIT_RESTART;
	bool same = streq(l->state.invocation, w->before.state.invocation);

	/* Its automatic restart may be on the way already: a failed start stays one. */
	if (w->bad_job && s->first_job && w->bad_job >= (w->issued ? w->job : s->first_job))
		return watch_failed(u, s, w, l, w->bad, e);
	if (l->job)
		return 0;
	if (look_is_down(l) || has_prefix(l->state.sub, "auto-restart"))
		return step_down(u, s, w, l, e);
	if (!streq(l->state.active, "active"))
		return 0;
	/* ResetFailedUnit set the count to zero. */
	if (restarted && !same && l->restarts)
		return watch_failed(u, s, w, l, "it died and was started again", e);
	if (w->action == UNIT_RELOAD && same && !w->issued)
		return watch_issue(u, s, w, "ReloadUnit", e);
	if (w->action == UNIT_RESTART && same && !w->issued)
		return watch_start(u, s, w, "RestartUnit", e);
	if (w->action == UNIT_RESTART && same)
		return watch_failed(u, s, w, l, "its restart was canceled", e);
	w->settled = true;
	return 0;
}

static int stop_step(struct units *u, struct stage *s, struct watch *w, const struct look *l,
		     struct err *e)
{
	if (l->job)
		return 0;
	w->settled = look_is_down(l);
	if (w->settled)
		return 0;
	if (!streq(l->state.invocation, w->before.state.invocation))
		return err_set(e, EBUSY, "%s was stopped, but something started it again", w->unit);
	if (w->bad_job && w->bad_job >= w->job)
		return watch_failed(u, s, w, l, w->bad, e);
	return 0;
}

static int watch_late(struct units *u, const struct stage *s, const struct watch *w,
		      const struct look *l, struct err *e)
{
	err_set(e, ETIMEDOUT, "%s is still %s (%s) after %d s of %s", w->unit, l->state.active,
		l->state.sub, s->timeout, watch_doing(s, w));
	return quote_journal(u, s, w, e);
}

static int watch_wait(struct units *u, struct stage *s, struct watch *w, struct err *e)
{
	uint64_t end = s->w.start + (uint64_t)s->timeout * SECOND, until;
	struct look l;
	int r;

	while (!w->settled) {
		s->w.unit = w->unit;
		s->w.doing = watch_doing(s, w);
		s->news = false;
		until = clock_us() + POLL_US;
		r = look_again(u, &s->w, w->unit, end, &l, e);
		if (r < 0)
			return r;
		r = s->stop ? stop_step(u, s, w, &l, e) : watch_step(u, s, w, &l, e);
		if (r >= 0 && !w->settled && clock_us() >= end)
			r = watch_late(u, s, w, &l, e);
		look_done(&l);
		if (r < 0)
			return r;
		/* A broken connection shows, and is mended, at the next look. */
		while (!w->settled && !s->news && clock_us() < until)
			if (unitbus_turn(&u->bus, &s->w, until, e) == -EINTR)
				return -EINTR;
			else if (unitbus_broken(&u->bus))
				break;
	}
	return 0;
}

static int stage_run(struct units *u, struct stage *s, const struct unit_todo *todo, size_t n,
		     struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		if (todo[i].action == UNIT_NOTHING || stage_find(s, todo[i].unit))
			continue;
		r = stage_add(u, s, todo[i].unit, todo[i].action, e);
		if (r >= 0)
			r = units_usable(todo[i].unit, &s->list[s->n - 1].before.state, e);
	}
	for (size_t i = 0, asked = s->n; i < asked && r >= 0; i++)
		if (s->list[i].action == UNIT_RESTART && !s->list[i].carried)
			r = stage_carry(u, s, i, e);
	for (size_t i = 0; i < s->n && r >= 0; i++)
		if (s->list[i].action == UNIT_RESTART || s->list[i].carried)
			r = reset_failed(u, s, &s->list[i], e);
	for (size_t i = 0; i < s->n && r >= 0; i++)
		if (s->list[i].action == UNIT_RESTART && !s->list[i].carried)
			r = watch_issue(u, s, &s->list[i], "RestartUnit", e);
	/* First those that carry others: what they leave down is started when they are up. */
	for (size_t i = 0; i < s->n && r >= 0; i++)
		if (!s->list[i].carried)
			r = watch_wait(u, s, &s->list[i], e);
	for (size_t i = 0; i < s->n && r >= 0; i++)
		if (s->list[i].carried)
			r = watch_wait(u, s, &s->list[i], e);
	return r;
}

int units_run(struct units *u, const struct unit_todo *todo, size_t n, int timeout,
	      const struct progress *p, struct err *e)
{
	struct stage s = { 0 };
	int r;

	if (!n)
		return 0;
	r = stage_begin(u, &s, todo[0].unit, timeout, p, e);
	if (r >= 0)
		r = stage_run(u, &s, todo, n, e);
	stage_end(u, &s);
	return r;
}

int units_queue(struct units *u, const char *unit, struct err *e)
{
	struct waiting w = unitbus_waiting(NULL, unit, "starting");
	int r = unitbus_call(&u->bus, &w, "StartUnit", unit, "replace", CALL_US, NULL, e);

	return r < 0 ? err_prefix(e, "queue the start of %s", unit) : 0;
}

/* It is no longer the one that came up. */
static int watched_died(struct units *u, const struct waiting *w, const struct unit_watched *x,
			const struct look *l, struct err *e)
{
	const struct unitlog_query q = { .unit = x->unit,
					 .invocation = x->invocation,
					 .lines = QUOTE_LINES };
	const struct unit_state *st = &l->state;
	const char *how = *st->result && !streq(st->result, "success") ? st->result : NULL;
	unsigned seconds = (unsigned)((clock_us() - w->start) / SECOND);

	err_set(e, EIO, "%s came up and did not stay up: %u s later it is %s (%s%s%s)%s", x->unit,
		seconds, st->active, st->sub, how ? ", " : "", how ? how : "",
		look_is_up(l) ? " again, started anew" : "");
	return quote(u, &q, e);
}

static int watched_look(struct units *u, struct waiting *w, struct unit_watched *x, uint64_t end,
			struct err *e)
{
	struct look l;
	int r;

	w->unit = x->unit;
	r = look_again(u, w, x->unit, end + MEND_US, &l, e);
	if (r < 0)
		return r;
	if (!*x->invocation)
		memcpy(x->invocation, l.state.invocation, sizeof(x->invocation));
	/* The invocation, not the main process: a daemon may hand itself over to a new one. */
	if (!look_is_up(&l) || !streq(l.state.invocation, x->invocation))
		r = watched_died(u, w, x, &l, e);
	look_done(&l);
	return r;
}

int units_watch(struct units *u, struct unit_watched *list, size_t n, uint64_t since, int seconds,
		const struct progress *p, struct err *e)
{
	struct waiting w = unitbus_waiting(p, "", "watching");
	uint64_t end, until;

	if (since)
		w.start = since;
	end = w.start + (uint64_t)seconds * SECOND;
	do {
		until = clock_us() + POLL_US;
		for (size_t i = 0; i < n; i++)
			if (watched_look(u, &w, &list[i], end, e) < 0)
				return e->code;
		/* A broken connection shows, and is mended, at the next look. */
		while (clock_us() < until && !unitbus_broken(&u->bus))
			if (unitbus_turn(&u->bus, &w, until, e) == -EINTR)
				return -EINTR;
	} while (clock_us() < end);
	return 0;
}

int units_stop(struct units *u, const char *unit, int timeout, const struct progress *p,
	       struct err *e)
{
	struct stage s = { .stop = true };
	int r;

	r = stage_begin(u, &s, unit, timeout, p, e);
	if (r >= 0)
		r = stage_add(u, &s, unit, UNIT_NOTHING, e);
	/* What runs is stopped, its unit file may be gone. */
	if (r >= 0 && !look_is_down(&s.list[0].before))
		r = watch_issue(u, &s, &s.list[0], "StopUnit", e);
	if (r >= 0)
		r = watch_wait(u, &s, &s.list[0], e);
	stage_end(u, &s);
	return r;
}

#else

static int no_systemd(struct err *e)
{
	return err_set(e, EOPNOTSUPP, "this bulkhead was built without systemd");
}

int units_open_at(const char *address, struct units **ret, struct err *e)
{
	(void)address;
	(void)ret;
	return no_systemd(e);
}

int units_open(const struct host *h, struct units **ret, struct err *e)
{
	(void)h;
	(void)ret;
	return no_systemd(e);
}

void units_free(struct units *u)
{
	(void)u;
}

int units_state(struct units *u, const char *unit, struct unit_state *ret, struct err *e)
{
	(void)u;
	(void)unit;
	(void)ret;
	return no_systemd(e);
}

int units_needs(struct units *u, const char *unit, const char *other, struct err *e)
{
	(void)u;
	(void)unit;
	(void)other;
	return no_systemd(e);
}

int units_reload_manager(struct units *u, const struct progress *p, struct err *e)
{
	(void)u;
	(void)p;
	return no_systemd(e);
}

int units_run(struct units *u, const struct unit_todo *todo, size_t n, int timeout,
	      const struct progress *p, struct err *e)
{
	(void)u;
	(void)todo;
	(void)n;
	(void)timeout;
	(void)p;
	return no_systemd(e);
}

int units_queue(struct units *u, const char *unit, struct err *e)
{
	(void)u;
	(void)unit;
	return no_systemd(e);
}

int units_watch(struct units *u, struct unit_watched *list, size_t n, uint64_t since, int seconds,
		const struct progress *p, struct err *e)
{
	(void)u;
	(void)list;
	(void)n;
	(void)since;
	(void)seconds;
	(void)p;
	return no_systemd(e);
}

int units_stop(struct units *u, const char *unit, int timeout, const struct progress *p,
	       struct err *e)
{
	(void)u;
	(void)unit;
	(void)timeout;
	(void)p;
	return no_systemd(e);
}

int units_journal(struct units *u, const char *unit, const char *invocation, unsigned lines,
		  char **ret, struct err *e)
{
	(void)u;
	(void)unit;
	(void)invocation;
	(void)lines;
	(void)ret;
	return no_systemd(e);
}

#endif
