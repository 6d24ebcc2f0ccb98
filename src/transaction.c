/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction.h"

#include <sys/wait.h>
#include <time.h>

#include "buf.h"
#include "run.h"
#include "stage.h"
#include "undo.h"

#define RUN_LOCK_SECONDS      5
#define DATABASE_LOCK_SECONDS 10
#define TEST_SECONDS	      60

static int lock_run(struct host *h, int *ret_fd, struct err *e)
{
	uint32_t last = 0;

	if (journal_lock(h, RUN_LOCK_SECONDS, ret_fd, &last, e) < 0)
		return e->code;
	/* We hold the lock, so whoever noted that pid is done or dead. */
	if (last && accounts_unlock_stale(h, last, e) < 0)
		return e->code;
	return journal_lock_note(h, *ret_fd, e);
}

int transaction_begin(struct transaction *t, struct host *h, const struct progress *p,
		      struct err *e)
{
	*t = (struct transaction){ .h = h, .progress = p, .lock = -1 };
	if (lock_run(h, &t->lock, e) < 0)
		return e->code;
	if (journal_interrupted(h))
		return err_set(e, EUCLEAN,
			       "an interrupted run waits to be put back: bulkhead recover");
	return 0;
}

int transaction_lock_databases(struct transaction *t, struct err *e)
{
	return accounts_lock(t->h, account_databases, ACCOUNT_DATABASES, DATABASE_LOCK_SECONDS,
			     &t->databases, e);
}

void transaction_end(struct transaction *t)
{
	accounts_unlock(t->databases);
	journal_done(&t->journal);
	if (t->lock >= 0)
		close(t->lock);
	*t = (struct transaction){ .lock = -1 };
}

static int interrupted(const struct progress *p, struct err *e)
{
	if (!p || !p->interrupted || !*p->interrupted)
		return 0;
	return err_set(e, EINTR, "stopped by signal %d (%s)", *p->interrupted,
		       strsignal(*p->interrupted));
}

static bool to_run(const struct unit_record *r)
{
	return !r->pending && r->action != UNIT_NOTHING && r->action != UNIT_STOP;
}

/* What the units run as before anything is touched: recovery restarts only what runs on what is
 * undone. */
static int record_units(struct transaction *t, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	if (!t->journal.n_units || !host_is_live(t->h))
		return 0;
	if (units_open(t->h, &u, e) < 0)
		return err_prefix(e, "cannot ask systemd about the units to restart");
	for (size_t i = 0; i < t->journal.n_units; i++) {
		struct unit_record *r = &t->journal.units[i];
		struct unit_state s;

		if (units_state(u, r->unit, &s, e) < 0)
			return e->code;
		if (to_run(r) && units_usable(r->unit, &s, e) < 0)
			return err_prefix(e, "nothing was changed");
		memcpy(r->before, s.invocation, sizeof(r->before));
		memcpy(r->active, s.active, sizeof(r->active));
	}
	return 0;
}

int transaction_prepare(struct transaction *t, const struct changes *c, const char *plan,
			struct err *e)
{
	if (journal_from_changes(c, &t->journal, e) < 0)
		return e->code;
	if (plan && !(t->journal.plan = strdup(plan)))
		return err_oom(e);
	/* The history is JSON, and a path may be any bytes. */
	for (char *p = t->journal.plan; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	if (units_boot_id(t->h, t->journal.boot_id, e) < 0 || record_units(t, e) < 0)
		return e->code;
	for (size_t i = 0; i < t->journal.n_steps; i++)
		t->journal.steps[i].untouched = true;
	if (journal_create(t->h, &t->journal, e) < 0) {
		struct err ignored;

		t->begun = journal_interrupted(t->h);
		if (!t->begun)
			journal_drop(t->h, &ignored);
		return e->code;
	}
	t->begun = true;
	for (size_t i = 0; i < c->n; i++) {
		const struct change *x = c->list[i];
		const struct step *s = &t->journal.steps[i];
		int r = 0;

		if (interrupted(t->progress, e) < 0)
			return e->code;
		if (x->kind == CHANGE_DIR) {
			t->journal.steps[i].untouched = false;
			r = stage_mkdir(t->h, x->path, &x->after, e);
		}
		if (x->kind == CHANGE_FILE || x->kind == CHANGE_LINES)
			r = stage_whole(t->h, x->path, s->tmp, &x->after, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A step that finds somebody's edit in its place leaves it there: there is nothing of ours to take
 * back. */
static int did(struct step *s, int r)
{
	s->untouched = r == -ESTALE;
	return r;
}

static int commit_lines(struct transaction *t, const struct changes *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		struct step *s = &t->journal.steps[i];

		if (c->list[i]->kind == CHANGE_LINES &&
		    did(s, stage_swap(t->h, s->path, s->tmp, &c->list[i]->before, e)) < 0)
			return e->code;
	}
	return 0;
}

/* Runs the command that proves a staged file; "{}" becomes its path. */
static int test_staged(const struct step *s, char *const *test, struct err *e)
{
	_cleanup_free_ char *staged = NULL, *output = NULL;
	const char *slash = strrchr(s->path, '/');
	_cleanup_free_ char **argv = NULL;
	size_t n = 0;
	int status;

	while (test[n])
		n++;
	argv = calloc(n + 1, sizeof(*argv));
	if (!argv || asprintf(&staged, "%.*s%s", (int)(slash - s->path) + 1, s->path, s->tmp) < 0)
		return err_oom(e);
	for (size_t i = 0; i < n; i++)
		argv[i] = streq(test[i], "{}") ? staged : test[i];
	if (run_program(argv, NULL, TEST_SECONDS, &status, &output, e) < 0)
		return err_prefix(e, "cannot test the new '%s'", s->path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, EINVAL, "%s refuses the new '%s': %s", argv[0], s->path, output);
}

static int commit_files(struct transaction *t, const struct changes *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct change *x = c->list[i];
		struct step *s = &t->journal.steps[i];
		int r = 0;

		if (interrupted(t->progress, e) < 0)
			return e->code;
		if (x->kind == CHANGE_FILE)
			r = stage_swap(t->h, x->path, s->tmp, &x->before, e);
		else if (x->kind == CHANGE_REMOVE)
			r = stage_remove(t->h, x->path, s->tmp, &x->before, e);
		else if (x->kind == CHANGE_ATTRS)
			r = stage_attrs(t->h, x->path, &x->before, &x->after, e);
		else
			continue;
		if (did(s, r) < 0)
			return r;
	}
	return 0;
}

/* The units of a journal, and the manager's reload before them. */
static int run_units(const struct host *h, struct journal *j, const struct progress *p,
		     struct err *e)
{
	_cleanup_units_ struct units *u = NULL;
	_cleanup_free_ struct unit_todo *todo = calloc(j->n_units + 1, sizeof(*todo));
	size_t n = 0;

	if (!todo)
		return err_oom(e);
	for (size_t i = 0; i < j->n_units; i++)
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
	for (size_t i = 0; i < j->n_units; i++) {
		struct unit_state s;

		if (units_state(u, j->units[i].unit, &s, e) < 0)
			return e->code;
		memcpy(j->units[i].after, s.invocation, sizeof(j->units[i].after));
	}
	return 0;
}

/* Those that run_units (re)started, until j->watch seconds after `since`. 1: there were some. */
static int watch_units(const struct host *h, const struct journal *j, uint64_t since,
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
	if (!n || !j->watch || !host_is_live(h))
		return 0;
	if (units_open(h, &u, e) < 0 || units_watch(u, list, n, since, j->watch, p, e) < 0)
		return e->code;
	return 1;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int transaction_commit(struct transaction *t, const struct changes *c, struct err *e)
{
	struct journal *j = &t->journal;

	if (commit_lines(t, c, e) < 0)
		return e->code;
	accounts_unlock(TAKE_PTR(t->databases));
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i]->test && host_is_live(t->h) &&
		    test_staged(&j->steps[i], c->list[i]->test, e) < 0)
			return e->code;
	if (interrupted(t->progress, e) < 0)
		return e->code;
	j->phase = PHASE_FILES;
	if (journal_update(t->h, j, e) < 0 || commit_files(t, c, e) < 0)
		return e->code;
	if (!host_is_live(t->h) || (!j->n_units && !j->manager_reload))
		return 0;
	j->phase = PHASE_UNITS;
	if (journal_update(t->h, j, e) < 0)
		return e->code;
	if (run_units(t->h, j, t->progress, e) < 0)
		return e->code;
	t->settled = now_us();
	return 0;
}

int transaction_watch(struct transaction *t, struct err *e)
{
	return watch_units(t->h, &t->journal, t->settled, t->progress, e);
}

int transaction_finish(struct transaction *t, struct err *e)
{
	if (journal_commit(t->h, &t->journal, e) < 0)
		return e->code;
	t->begun = false;
	return 0;
}

/* --- taking back --- */

static void unit_failed(struct errs *failed, const struct unit_record *r, const char *what,
			const struct err *e)
{
	errs_add(
		failed, r->unit,
		"could not be %s: %s\n  type: systemctl reset-failed %s; systemctl restart %s; journalctl -u %s",
		what, e->text, r->unit, r->unit, r->unit);
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

/* Gives the units of an undone apply the state they had. Files are back already. */
static int undo_units(const struct host *h, struct journal *j, const struct progress *p,
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
		errs_add(failed, "systemd", "%s\n  type: systemctl daemon-reload", e->text);
		return e->code;
	}
	same_boot = streq(boot, j->boot_id);
	for (size_t i = 0; i < j->n_units; i++) {
		struct unit_record *x = &j->units[i];
		struct unit_state now;
		bool was = streq(x->active, "active") || streq(x->active, "reloading") ||
			   streq(x->active, "activating");
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

static int undo(const struct host *h, struct journal *j, bool force, const struct progress *p,
		struct errs *failed, struct err *e)
{
	int r = undo_steps(h, j, force, failed, e);
	struct err units, ignored;

	if (undo_units(h, j, p, failed, &units) < 0 && r == 0) {
		/* Who starts them by hand now has not to see recovery do it again. */
		j->restored = true;
		journal_update(h, j, &ignored);
		*e = units;
		r = units.code;
	}
	return r;
}

int transaction_undo(struct transaction *t, struct errs *failed, struct err *e)
{
	/* A signal has ended what was going on; the way back is not to be cut short by the same
	 * one. */
	struct progress back = { .tick = t->progress ? t->progress->tick : NULL,
				 .arg = t->progress ? t->progress->arg : NULL };
	int r = 0;

	accounts_unlock(TAKE_PTR(t->databases));
	if (!t->begun)
		return 0;
	r = undo(t->h, &t->journal, false, &back, failed, e);
	if (r == 0)
		r = journal_drop(t->h, e);
	t->unsolved = r < 0;
	t->begun = false;
	return r;
}

/* --- rollback --- */

/* What a path will hold once later transactions are undone. */
struct expected {
	const char *path;
	struct image image;
};

struct expectations {
	struct expected *list;
	size_t n;
};

static void expectations_done(struct expectations *x)
{
	for (size_t i = 0; i < x->n; i++)
		image_done(&x->list[i].image);
	free(x->list);
}

/* Undoing `s` turns what is at its path into this. Attributes are recorded without the content that
 * they protect. */
static int expect(struct expectations *x, const struct step *s, const struct image *at,
		  struct err *e)
{
	struct image im = s->before;

	if (s->kind == CHANGE_ATTRS) {
		im.content = at->content;
		im.len = at->len;
	}
	x->list[x->n].path = s->path;
	if (image_copy(&im, &x->list[x->n].image, e) < 0)
		return e->code;
	x->n++;
	return 0;
}

/* What stands in the way of undoing; *ret_blocked: even by force. */
static int look(const struct host *h, struct journal *list, size_t n, struct errs *failed,
		bool *ret_blocked, struct err *e)
{
	_cleanup_(expectations_done) struct expectations map = { 0 };
	size_t total = 1;

	for (size_t i = 0; i < n; i++)
		total += list[i].n_steps;
	map.list = calloc(total, sizeof(*map.list));
	if (!map.list)
		return err_oom(e);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = list[i].n_steps; k > 0; k--) {
			const struct step *s = &list[i].steps[k - 1];
			_cleanup_(image_done) struct image now = { 0 };
			const struct image *at = NULL;
			const char *obstacle;
			struct err blocked;

			/* Lines are ours alone: later transactions' lines don't hide earlier ones.
			 */
			for (size_t m = 0; m < map.n && s->kind != CHANGE_LINES; m++)
				if (streq(map.list[m].path, s->path))
					at = &map.list[m].image;
			if (!at) {
				if (host_image_now(h, s->path, &now, e) < 0)
					return e->code;
				at = &now;
			}
			obstacle = undo_obstacle(s, at);
			if (obstacle ||
			    (s->kind != CHANGE_ATTRS && undo_where(s, at) != UNDO_BEFORE &&
			     host_replaceable(h, s->path, &blocked) < 0)) {
				errs_add(failed, s->path, "%s", obstacle ? obstacle : blocked.text);
				*ret_blocked = true;
			} else if (undo_where(s, at) == UNDO_ELSEWHERE) {
				errs_add(failed, s->path, "is no longer what transaction %u left",
					 list[i].id);
			}
			if (s->kind != CHANGE_LINES && s->kind != CHANGE_DIR &&
			    expect(&map, s, at, e) < 0)
				return e->code;
		}
	}
	return 0;
}

/*
 * What a rollback does to a unit that one of its transactions touched. A daemon that never took
 * what is being undone (its restart was put off, say) is left alone; one that is down stays down;
 * one that only the transaction had started is stopped.
 */
static enum unit_action rollback_action(const struct unit_record *r, const struct unit_state *now,
					bool same_boot)
{
	bool was = streq(r->active, "active") || streq(r->active, "reloading") ||
		   streq(r->active, "activating");
	bool is = streq(now->active, "active") || streq(now->active, "reloading");

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

/* What the undone transactions, newest first, ask of units now: the strongest of each unit. */
static int rollback_units(const struct host *h, const struct journal *list, size_t n,
			  bool no_restart, struct journal *j, struct err *e)
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
			if (a > to->action)
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
	_cleanup_buf_ struct buf units = BUF_INIT, again = BUF_INIT;
	_cleanup_journal_ struct journal last = { 0 };
	struct err ignored;

	for (size_t i = 0; i < j->n_units; i++)
		if (to_run(&j->units[i]))
			buf_addf(&units, " %s", j->units[i].unit);
	if (journal_load(h, j->undoes[0], &last, &ignored) == 0 && last.plan &&
	    !streq(last.plan, "-"))
		buf_addf(&again, "\n  or, to have again what was undone: bulkhead apply %s",
			 last.plan);
	if (!units.len)
		errs_add(failed, "systemd", "%s\n  type: systemctl daemon-reload", e->text);
	else
		errs_add(
			failed, "systemd",
			"the files are back, but: %s\n"
			"  type: systemctl daemon-reload; systemctl reset-failed%s; systemctl restart%s%s",
			e->text, units.data, units.data, again.data ? again.data : "");
}

static int rollback_run_units(const struct host *h, struct journal *j, const struct progress *p,
			      struct errs *failed, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	if (!host_is_live(h))
		return 0;
	if (run_units(h, j, p, e) < 0 || watch_units(h, j, 0, p, e) < 0)
		goto failed;
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

static bool id_in(unsigned id, const unsigned *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* Carries a rollback to its end from wherever it is. */
static int rollback_run(const struct host *h, struct journal *j, const struct progress *p,
			struct errs *failed, struct err *e)
{
	int r;

	for (size_t i = 0; i < j->n_undoes; i++) {
		_cleanup_journal_ struct journal one = { 0 };

		if (id_in(j->undoes[i], j->undone, j->n_undone))
			continue;
		if (journal_load(h, j->undoes[i], &one, e) < 0)
			return e->code;
		if (undo_steps(h, &one, j->force, failed, e) < 0)
			return e->code;
		j->undone[j->n_undone++] = j->undoes[i];
		if (journal_update(h, j, e) < 0)
			return e->code;
	}
	j->phase = PHASE_UNITS;
	if (journal_update(h, j, e) < 0)
		return e->code;
	r = rollback_run_units(h, j, p, failed, e);
	if (r < 0) {
		struct err ignored;

		/* The files are back: that is history, whatever the daemon does. */
		journal_commit(h, j, &ignored);
		return r;
	}
	return journal_commit(h, j, e);
}

/* Which transactions: the newest standing one, or all down to `id`, newest first. */
static int rollback_choose(const struct host *h, unsigned id, unsigned **ret, size_t *ret_n,
			   struct err *e)
{
	struct journal *list;
	unsigned *ids;
	size_t n, k = 0;

	if (journal_list(h, &list, &n, e) < 0)
		return e->code;
	ids = calloc(n + 1, sizeof(*ids));
	for (size_t i = n; ids && i > 0; i--) {
		if (list[i - 1].id < id)
			break;
		if (journal_stands(list, n, list[i - 1].id)) {
			ids[k++] = list[i - 1].id;
			if (!id)
				break;
		}
	}
	if (!ids)
		err_oom(e);
	else if (id && (!k || ids[k - 1] != id))
		err_set(e, ENOENT,
			"there is no transaction %u that could be undone: see bulkhead history",
			id);
	else if (!k)
		err_set(e, ENOENT, "nothing is left to undo");
	else
		e->code = 0;
	journal_list_free(list, n);
	if (e->code < 0) {
		free(ids);
		return e->code;
	}
	*ret = ids;
	*ret_n = k;
	return 0;
}

/* Databases that can't be locked stop a rollback before it has begun, not half-way. */
static int databases_free(const struct host *h, const struct journal *list, size_t n, struct err *e)
{
	struct account_locks *locks;
	bool any = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i].n_steps; k++)
			any |= list[i].steps[k].kind == CHANGE_LINES;
	if (!any)
		return 0;
	if (accounts_lock(h, account_databases, ACCOUNT_DATABASES, DATABASE_LOCK_SECONDS, &locks,
			  e) < 0)
		return err_prefix(e, "nothing was undone");
	accounts_unlock(locks);
	return 0;
}

static int rollback_locked(struct host *h, unsigned id, bool force, bool no_restart,
			   transaction_guard *guard, const struct progress *p, struct journal *j,
			   struct errs *failed, struct err *e)
{
	struct journal *list = NULL;
	bool blocked = false;
	int r = 0;

	if (rollback_choose(h, id, &j->undoes, &j->n_undoes, e) < 0)
		return e->code;
	j->undone = calloc(j->n_undoes + 1, sizeof(*j->undone));
	list = calloc(j->n_undoes + 1, sizeof(*list));
	if (!list || !j->undone) {
		free(list);
		return err_oom(e);
	}
	for (size_t i = 0; i < j->n_undoes && r == 0; i++)
		r = journal_load(h, j->undoes[i], &list[i], e);
	if (r == 0)
		r = look(h, list, j->n_undoes, failed, &blocked, e);
	if (r == 0 && blocked)
		r = err_set(e, EBUSY,
			    "nothing was undone: some files can't be put back as things are");
	if (r == 0 && failed->n && !force)
		r = err_set(
			e, ESTALE,
			"nothing was undone: files were changed since. Compare them with what stood there "
			"before (%s" JOURNAL_DIR
			"/history/%06u), or put that back all the same: bulkhead "
			"rollback --force",
			host_prefix(h), j->undoes[0]);
	if (r == 0 && guard && !force && !no_restart)
		r = guard(h, list, j->n_undoes, failed, e);
	if (r == 0 && failed->n && !force)
		r = err_set(e, EBUSY,
			    "nothing was undone. If it is to be all the same: bulkhead rollback "
			    "--force");
	if (r == 0)
		r = databases_free(h, list, j->n_undoes, e);
	if (r == 0) {
		errs_done(failed);
		r = rollback_units(h, list, j->n_undoes, no_restart, j, e);
	}
	journal_list_free(list, j->n_undoes);
	if (r < 0)
		return r;
	j->rollback = true;
	j->force = force;
	if (journal_create(h, j, e) < 0)
		return e->code;
	return rollback_run(h, j, p, failed, e);
}

int transaction_rollback(struct host *h, unsigned id, bool force, bool no_restart,
			 transaction_guard *guard, const struct progress *p, struct journal *ret,
			 struct errs *failed, struct err *e)
{
	static const struct changes none = { 0 };
	_cleanup_journal_ struct journal j = { 0 };
	struct transaction t;
	int r;

	r = journal_history(h, e);
	if (r <= 0)
		return r < 0 ? r : err_set(e, ENOENT, "nothing is left to undo");
	r = transaction_begin(&t, h, p, e);
	if (r == 0)
		r = journal_from_changes(&none, &j, e);
	if (r == 0)
		r = units_boot_id(h, j.boot_id, e);
	if (r == 0)
		r = rollback_locked(h, id, force, no_restart, guard, p, &j, failed, e);
	transaction_end(&t);
	*ret = j;
	j = (struct journal){ 0 };
	return r;
}

/* --- recovery --- */

int transaction_recover(struct host *h, bool force, const struct progress *p, struct journal *ret,
			struct errs *failed, struct err *e)
{
	_cleanup_close_ int lock = -1;
	int r;

	*ret = (struct journal){ 0 };
	if (!host_exists(h, JOURNAL_DIR))
		return 0;
	if (lock_run(h, &lock, e) < 0)
		return e->code;
	r = journal_pending(h, ret, e);
	if (r < 0)
		return r;
	if (r == 0)
		return journal_drop(h, e);
	/* It was killed before any file was replaced: what differs now is somebody's own doing. */
	for (size_t i = 0; i < ret->n_steps && ret->phase == PHASE_PREPARED; i++)
		ret->steps[i].untouched =
			ret->steps[i].kind != CHANGE_DIR && ret->steps[i].kind != CHANGE_LINES;
	ret->force |= force;
	if (ret->rollback)
		return rollback_run(h, ret, p, failed, e) < 0 ? e->code : 1;
	if (undo(h, ret, force, p, failed, e) < 0 || journal_drop(h, e) < 0)
		return e->code;
	return 1;
}
