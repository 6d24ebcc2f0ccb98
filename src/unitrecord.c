/* SPDX-License-Identifier: Apache-2.0 */
#include "unitrecord.h"

#include "buf.h"

static bool touches_units(const struct host *h)
{
	return host_is_live(h) && !host_is_booting(h);
}

static bool to_run(const struct unit_record *r)
{
	return !r->pending && r->action != UNIT_NOTHING && r->action != UNIT_STOP;
}

static bool to_stop(const struct unit_record *r)
{
	return !r->pending && r->action == UNIT_STOP;
}

/* Is it this transaction that makes the unit's file? */
static bool makes_unit(const struct journal *j, const char *unit)
{
	for (size_t i = 0; i < j->n_steps; i++) {
		const struct step *s = &j->steps[i];

		if (s->kind == CHANGE_FILE && !s->before.exists &&
		    streq(strrchr(s->path, '/') + 1, unit))
			return true;
	}
	return false;
}

/* Or on its way there: between two automatic restarts, too. */
static bool is_wanted_up(const char *state)
{
	return unit_is_up(state) || streq(state, "activating");
}

int unitrecord_note(const struct host *h, struct journal *j, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	if (!j->n_units || !host_is_live(h))
		return 0;
	if (units_open(h, &u, e) < 0)
		return err_prefix(e, "cannot ask systemd about the units to restart");
	for (size_t i = 0; i < j->n_units; i++) {
		struct unit_record *r = &j->units[i];
		struct unit_state s;

		if (units_state(u, r->unit, &s, e) < 0)
			return e->code;
		/* One that is made now is known once the manager has reloaded. */
		if (to_run(r) && !(streq(s.load, "not-found") && makes_unit(j, r->unit)) &&
		    units_usable(r->unit, &s, e) < 0)
			return err_prefix(e, "nothing was changed");
		/* Once it is up, it runs on what was there before, or on what comes now. */
		if (unit_is_starting(&s))
			r->before[0] = '\0';
		else
			memcpy(r->before, s.invocation, sizeof(r->before));
		memcpy(r->active, s.active, sizeof(r->active));
	}
	return 0;
}

int unitrecord_stop(const struct host *h, const struct journal *j, const struct progress *p,
		    struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	for (size_t i = 0; touches_units(h) && i < j->n_units; i++)
		if (to_stop(&j->units[i]) &&
		    ((!u && units_open(h, &u, e) < 0) ||
		     units_stop(u, j->units[i].unit, j->timeout, p, e) < 0))
			return e->code;
	return u != NULL;
}

void unitrecord_stop_made(const struct host *h, const struct journal *j, const struct progress *p)
{
	_cleanup_units_ struct units *u = NULL;
	struct err ignored;

	for (size_t i = 0; touches_units(h) && i < j->n_units; i++)
		if (makes_unit(j, j->units[i].unit) && (u || units_open(h, &u, &ignored) == 0))
			units_stop(u, j->units[i].unit, j->timeout, p, &ignored);
}

int unitrecord_run(const struct host *h, struct journal *j, const struct progress *p, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;
	_cleanup_free_ struct unit_todo *todo = calloc(j->n_units + 1, sizeof(*todo));
	size_t n = 0;

	if (!todo)
		return err_oom(e);
	for (size_t i = 0; touches_units(h) && i < j->n_units; i++)
		if (to_run(&j->units[i]))
			todo[n++] = (struct unit_todo){ j->units[i].unit, j->units[i].action };
	if (!host_is_live(h) || (!n && !j->manager_reload))
		return 0;
	if (units_open(h, &u, e) < 0)
		return e->code;
	if (j->manager_reload && units_reload_manager(u, p, e) < 0)
		return e->code;
	if (n && units_run(u, todo, n, j->timeout, p, e) < 0)
		return e->code;
	/* What the boot has queued knows nothing of a unit that is made now. Its start is queued
	 * beside it: what comes after it, Docker for one, waits for it. */
	for (size_t i = 0; host_is_booting(h) && i < j->n_units; i++)
		if (j->units[i].action == UNIT_START && makes_unit(j, j->units[i].unit) &&
		    units_queue(u, j->units[i].unit, e) < 0)
			return e->code;
	for (size_t i = 0; i < j->n_units; i++) {
		struct unit_state s;

		if (units_state(u, j->units[i].unit, &s, e) < 0)
			return e->code;
		memcpy(j->units[i].after, s.invocation, sizeof(j->units[i].after));
	}
	return 0;
}

int unitrecord_watch(const struct host *h, const struct journal *j, uint64_t since,
		     const struct progress *p, struct err *e)
{
	_cleanup_free_ struct unit_watched *list = calloc(j->n_units + 1, sizeof(*list));
	_cleanup_units_ struct units *u = NULL;
	size_t n = 0;

	if (!list)
		return err_oom(e);
	for (size_t i = 0; i < j->n_units; i++) {
		const struct unit_record *r = &j->units[i];

		if (!to_run(r) || streq(r->after, r->before))
			continue;
		list[n].unit = r->unit;
		memcpy(list[n++].invocation, r->after, sizeof(r->after));
	}
	if (!n || !j->watch || !touches_units(h))
		return 0;
	if (units_open(h, &u, e) < 0 || units_watch(u, list, n, since, j->watch, p, e) < 0)
		return e->code;
	return 1;
}

/* What a person types when systemd could not be brought to it: " a b" each, or nothing. */
struct by_hand {
	struct buf restart, stop;
};

static void by_hand_done(struct by_hand *x)
{
	buf_done(&x->restart);
	buf_done(&x->stop);
}

static void by_hand_tell(struct by_hand *x, struct errs *failed, const char *where,
			 const char *what, const struct err *e, const char *then)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (x->restart.len)
		buf_addf(&b, "; systemctl reset-failed%s; systemctl restart%s", x->restart.data,
			 x->restart.data);
	if (x->stop.len)
		buf_addf(&b, "; systemctl stop%s", x->stop.data);
	errs_add(failed, where, "%s%s\n  type: systemctl daemon-reload%s%s", what, e->text,
		 b.data ? b.data : "", then);
}

static void unit_failed(struct errs *failed, const struct unit_record *r, const char *what,
			const struct err *e)
{
	if (is_wanted_up(r->active))
		errs_add(
			failed, r->unit,
			"could not be %s: %s\n  type: systemctl reset-failed %s; systemctl restart %s; "
			"journalctl -u %s",
			what, e->text, r->unit, r->unit, r->unit);
	else
		errs_add(failed, r->unit,
			 "could not be %s: %s\n  type: systemctl stop %s; journalctl -u %s", what,
			 e->text, r->unit, r->unit);
}

/* What is down starts later, on the files that are back; this one was quicker. */
static int not_at_boot(struct errs *failed, const struct unit_record *r, struct err *e)
{
	err_set(e, EBUSY, "it runs on what was undone, and a run of the boot touches no unit");
	unit_failed(failed, r, "restarted", e);
	return e->code;
}

/* Does the unit run on what is being undone? */
static bool runs_on_undone(const struct journal *j, const struct unit_record *r,
			   const struct unit_state *now, bool same_boot)
{
	/* Started when its files were back already. */
	if (j->restored && !streq(now->invocation, r->after))
		return false;
	if (j->phase == PHASE_UNITS && r->action == UNIT_RELOAD && !r->pending)
		return true;
	return !same_boot || !streq(now->invocation, r->before);
}

/* Runs what was asked, and sees that it stays up. */
static int run_again(struct units *u, const struct unit_todo *todo, size_t n,
		     const struct journal *j, const struct progress *p, struct err *e)
{
	_cleanup_free_ struct unit_watched *list = calloc(n + 1, sizeof(*list));
	size_t k = 0;

	if (!list)
		return err_oom(e);
	for (size_t i = 0; i < n; i++)
		if (todo[i].action == UNIT_RESTART)
			list[k++].unit = todo[i].unit;
	if (n && units_run(u, todo, n, j->timeout, p, e) < 0)
		return e->code;
	return k && j->watch ? units_watch(u, list, k, 0, j->watch, p, e) : 0;
}

int unitrecord_undo(const struct host *h, struct journal *j, const struct progress *p,
		    struct errs *failed, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;
	_cleanup_free_ struct unit_todo *todo = calloc(j->n_units + 1, sizeof(*todo));
	char boot[33];
	size_t n = 0;
	bool same_boot;
	int r = 0;

	if (!todo)
		return err_oom(e);
	if (!host_is_live(h) || j->phase < PHASE_FILES || (!j->n_units && !j->manager_reload))
		return 0;
	if (units_boot_id(h, boot, e) < 0 || units_open(h, &u, e) < 0 ||
	    (j->manager_reload && units_reload_manager(u, p, e) < 0)) {
		_cleanup_(by_hand_done) struct by_hand x = { 0 };

		for (size_t i = 0; i < j->n_units; i++)
			if (to_run(&j->units[i]))
				buf_addf(is_wanted_up(j->units[i].active) ? &x.restart : &x.stop,
					 " %s", j->units[i].unit);
		by_hand_tell(&x, failed, "systemd", "", e, "");
		return e->code;
	}
	same_boot = streq(boot, j->boot_id);
	for (size_t i = 0; i < j->n_units; i++) {
		struct unit_record *x = &j->units[i];
		struct unit_state now;
		bool was = is_wanted_up(x->active);
		bool is;

		if (units_state(u, x->unit, &now, e) < 0) {
			unit_failed(failed, x, "looked at", e);
			r = e->code;
			continue;
		}
		is = streq(now.active, "active");
		if (!j->restored)
			memcpy(x->after, now.invocation, sizeof(x->after));
		if (is && !runs_on_undone(j, x, &now, same_boot))
			continue;
		if (host_is_booting(h)) {
			if (is)
				r = not_at_boot(failed, x, e);
			continue;
		}
		/* We had not touched it: somebody stopped it. */
		if (same_boot && (j->phase < PHASE_UNITS || x->pending) &&
		    streq(now.active, "inactive"))
			continue;
		if (was || (is && !same_boot)) {
			enum unit_action a = UNIT_RESTART;

			if (is && same_boot && streq(now.invocation, x->before))
				a = x->back;
			todo[n++] = (struct unit_todo){ x->unit, a };
		} else if (same_boot && !streq(now.active, "inactive") &&
			   units_stop(u, x->unit, j->timeout, p, e) < 0) {
			unit_failed(failed, x, "stopped", e);
			r = e->code;
		}
	}
	if (run_again(u, todo, n, j, p, e) < 0) {
		for (size_t i = 0; i < n; i++)
			errs_add(failed, todo[i].unit,
				 "%s\n  type: systemctl reset-failed %s; systemctl restart %s",
				 e->text, todo[i].unit, todo[i].unit);
		r = e->code;
	}
	return r;
}

/*
 * What a rollback does to a unit that one of its transactions touched. A daemon that never took
 * what is being undone (its restart was put off, say) is left alone; one that is down stays down;
 * one that only the transaction had started is stopped.
 */
static enum unit_action rollback_action(const struct unit_record *r, const struct unit_state *now,
					bool same_boot)
{
	bool was = is_wanted_up(r->active);
	bool is = is_wanted_up(now->active);

	if (to_stop(r))
		return was && !is ? UNIT_START : UNIT_NOTHING;
	if (r->action == UNIT_NOTHING || (!is && !streq(now->active, "failed")))
		return UNIT_NOTHING;
	if (!was && same_boot && streq(now->invocation, r->after))
		return UNIT_STOP;
	if (same_boot && streq(now->invocation, r->before))
		return r->action == UNIT_RELOAD && !r->pending ? r->back : UNIT_NOTHING;
	return UNIT_RESTART;
}

static struct unit_record *record_of(struct journal *j, const char *unit, struct err *e)
{
	struct unit_record *u, *units;

	for (size_t i = 0; i < j->n_units; i++)
		if (streq(j->units[i].unit, unit))
			return &j->units[i];
	units = reallocarray(j->units, j->n_units + 1, sizeof(*units));
	if (!units) {
		err_oom(e);
		return NULL;
	}
	j->units = units;
	u = &units[j->n_units];
	*u = (struct unit_record){ .unit = strdup(unit), .why = json_array() };
	if (!u->unit || !u->why) {
		free(u->unit);
		json_decref(u->why);
		err_oom(e);
		return NULL;
	}
	j->n_units++;
	return u;
}

int unitrecord_ask_back(const struct host *h, const struct journal *list, size_t n, bool no_restart,
			struct journal *j, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	for (size_t i = 0; i < n; i++)
		j->manager_reload |= list[i].manager_reload;
	j->timeout = list[0].timeout;
	j->watch = list[0].watch;
	if (!host_is_live(h))
		return 0;
	if (units_open(h, &u, e) < 0)
		return err_prefix(e, "nothing was undone: cannot ask systemd");
	for (size_t i = 0; i < n; i++) {
		bool same_boot = streq(list[i].boot_id, j->boot_id);

		for (size_t k = 0; k < list[i].n_units; k++) {
			const struct unit_record *from = &list[i].units[k];
			struct unit_record *to = record_of(j, from->unit, e);
			struct unit_state now;
			enum unit_action a;

			if (!to || units_state(u, from->unit, &now, e) < 0)
				return e->code;
			a = rollback_action(from, &now, same_boot);
			/* It is to go, whoever started it, and whatever newer transactions that are
			 * undone with this one made of it. */
			if (makes_unit(&list[i], from->unit))
				to->action = a == UNIT_NOTHING ? UNIT_NOTHING : UNIT_STOP;
			/* The newer ones only brought back what this one had taken out. */
			else if (to_stop(from) && is_wanted_up(from->active) &&
				 to->action == UNIT_STOP)
				to->action = UNIT_RESTART;
			else if (a > to->action)
				to->action = a;
			to->pending = no_restart;
			memcpy(to->before, now.invocation, sizeof(to->before));
			memcpy(to->active, now.active, sizeof(to->active));
		}
	}
	return 0;
}

/* What a person types when the units of a rollback don't come back: these units alone, by name. */
static void rollback_failed(const struct host *h, const struct journal *j, struct errs *failed,
			    const struct err *e)
{
	_cleanup_(by_hand_done) struct by_hand x = { 0 };
	_cleanup_buf_ struct buf again = BUF_INIT;
	_cleanup_journal_ struct journal last = { 0 };
	struct err ignored;

	for (size_t i = 0; i < j->n_units; i++) {
		const struct unit_record *r = &j->units[i];

		if (to_run(r))
			buf_addf(&x.restart, " %s", r->unit);
		else if (r->action == UNIT_STOP && !r->pending)
			buf_addf(&x.stop, " %s", r->unit);
	}
	if (journal_load(h, j->undoes[0], &last, &ignored) == 0 && last.plan &&
	    !streq(last.plan, "-")) {
		buf_adds(&again, "\n  or, to have again what was undone: bulkhead apply ");
		buf_add_word(&again, last.plan);
	}
	by_hand_tell(&x, failed, "systemd", "the files are back, but: ", e,
		     again.data ? again.data : "");
}

/* A rollback that a boot carries to its end. */
static int none_is_up(const struct host *h, const struct journal *j, struct errs *failed,
		      struct err *e)
{
	_cleanup_units_ struct units *u = NULL;
	int r = 0;

	for (size_t i = 0; i < j->n_units; i++) {
		const struct unit_record *x = &j->units[i];
		struct unit_state now;

		if (x->pending || x->action == UNIT_NOTHING)
			continue;
		if ((!u && units_open(h, &u, e) < 0) || units_state(u, x->unit, &now, e) < 0)
			return e->code;
		if (streq(now.active, "active"))
			r = not_at_boot(failed, x, e);
	}
	return r;
}

int unitrecord_run_back(const struct host *h, struct journal *j, const struct progress *p,
			struct errs *failed, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	if (!host_is_live(h))
		return 0;
	if (unitrecord_run(h, j, p, e) < 0 || unitrecord_watch(h, j, 0, p, e) < 0)
		goto failed;
	if (host_is_booting(h))
		return none_is_up(h, j, failed, e);
	for (size_t i = 0; i < j->n_units; i++) {
		if (j->units[i].action != UNIT_STOP || j->units[i].pending)
			continue;
		if ((!u && units_open(h, &u, e) < 0) ||
		    units_stop(u, j->units[i].unit, j->timeout, p, e) < 0)
			goto failed;
	}
	return 0;
failed:
	rollback_failed(h, j, failed, e);
	return e->code;
}
