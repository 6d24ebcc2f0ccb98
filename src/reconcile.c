/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile.h"

#include <time.h>

#include "buf.h"
#include "clock.h"
#include "transaction.h"

/* --- asking the modules --- */

static struct previous previous_of(const json_t *state, const struct module *m)
{
	return (struct previous){ json_object_get(state, m->name), state };
}

/* Sections and what was left behind decide whether a module has anything to say. 1: it does. */
static int module_on(const struct module *m, const struct section *s, const struct previous *was,
		     const struct host *h, const char **ret_why, struct err *e)
{
	*ret_why = NULL;
	if (!s)
		return was->state != NULL;
	if (!m->applies)
		return 1;
	switch (m->applies(s, h, ret_why, e)) {
	case 0:
		return 1;
	case 1:
		return 0;
	default:
		return e->code;
	}
}

static int ask_diff(struct host *h, const struct plan *p, const json_t *state, struct changes *c,
		    struct err *e)
{
	int r = 0;

	host_overlay(h, c);
	for (const struct module *const *m = modules; *m && r >= 0; m++) {
		const struct section *s = plan_section(p, (*m)->name);
		struct previous was = previous_of(state, *m);
		const char *why;

		r = module_on(*m, s, &was, h, &why, e);
		if (r > 0 && (*m)->diff)
			r = (*m)->diff(s, s || was.state ? &was : NULL, h, c, e);
		else if (r == 0 && was.state) /* skipped, not gone: what it left is still its own */
			r = changes_remember(c, (*m)->name, json_object_get(state, (*m)->name), e);
	}
	host_overlay(h, NULL);
	return r < 0 ? err_prefix(e, "nothing was changed") : 0;
}

/* A module that this host has no use for: skipped, and with it every control of its table. */
static int skip_module(const struct module *m, const char *why, struct findings *f, struct err *e)
{
	_cleanup_buf_ struct buf ids = BUF_INIT;

	for (const struct field *x = m->fields; x && x->name; x++)
		if (x->cis && !(ids.data && strstr(ids.data, x->cis)))
			buf_addf(&ids, "%s%s", ids.len ? "," : "", x->cis);
	if (ids.failed)
		return err_oom(e);
	return findings_add(f, m->name, NULL, ids.data, FINDING_SKIPPED, NULL, NULL, why, e);
}

static int ask_verify(struct host *h, const struct plan *p, const json_t *state, struct findings *f,
		      struct err *e)
{
	for (const struct module *const *m = modules; *m; m++) {
		const struct section *s = plan_section(p, (*m)->name);
		struct previous was = previous_of(state, *m);
		const char *why;
		int r;

		if (!s)
			continue;
		r = module_on(*m, s, &was, h, &why, e);
		if (r < 0)
			return r;
		if (r == 0)
			r = skip_module(*m, why, f, e);
		else if ((*m)->verify)
			r = (*m)->verify(s, &was, h, f, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask_observe(struct host *h, const struct plan *p, struct findings *f, struct err *e)
{
	for (const struct module *const *m = modules; *m; m++) {
		const struct section *s = plan_section(p, (*m)->name);

		if (s && (*m)->observe && (*m)->observe(s, h, f, e) < 0)
			return e->code;
	}
	return 0;
}

/* --- from changes to findings --- */

static struct finding *finding_of(struct findings *f, const char *module, const char *setting)
{
	for (size_t i = 0; i < f->n; i++) {
		struct finding *x = &f->list[i];

		if (streq(x->module, module) &&
		    (setting ? x->setting && streq(x->setting, setting) : !x->setting))
			return x;
	}
	return NULL;
}

static int overrule(struct findings *f, const struct why *w, enum finding_state state,
		    const char *text, struct err *e)
{
	struct finding *x = finding_of(f, w->module, w->setting);

	if (!x)
		return findings_add(f, w->module, w->setting, w->cis, state, NULL, NULL, text, e);
	if (x->state == state || x->state == FINDING_FAILED)
		return 0;
	x->state = state;
	free(x->why);
	x->why = text ? strdup(text) : NULL;
	return text && !x->why ? err_oom(e) : 0;
}

/* What is asked of units: drift, or pending when policy puts it off; the running daemon is not what
 * is wanted either way. */
static int findings_from_asks(struct findings *f, const struct changes *c, struct err *e)
{
	for (size_t i = 0; i < c->n_asks; i++) {
		const struct ask *a = &c->asks[i];

		if (a->action != UNIT_NOTHING &&
		    overrule(f, &a->why, a->pending ? FINDING_PENDING : FINDING_DRIFT,
			     a->pending ? a->pending : a->why.text, e) < 0)
			return e->code;
	}
	return 0;
}

static int overrule_all(struct findings *f, const struct why *whys, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (overrule(f, &whys[i], FINDING_DRIFT, whys[i].text, e) < 0)
			return e->code;
	return 0;
}

/* A setting that a file doesn't have is drift, whatever the running daemon shows. */
static int findings_from_changes(struct findings *f, const struct changes *c, struct err *e)
{
	if (findings_from_asks(f, c, e) < 0)
		return e->code;
	for (size_t i = 0; i < c->n; i++)
		if (overrule_all(f, c->list[i]->whys, c->list[i]->n_whys, e) < 0)
			return e->code;
	for (size_t i = 0; i < c->n_commands; i++)
		if (overrule_all(f, c->commands[i].whys, c->commands[i].n_whys, e) < 0)
			return e->code;
	return 0;
}

/* After a commit: what was put off is pending, not wrong. */
static int findings_put_off(struct findings *f, const struct changes *c, struct err *e)
{
	for (size_t i = 0; i < c->n_asks; i++) {
		const struct ask *a = &c->asks[i];

		if (a->action != UNIT_NOTHING && a->pending &&
		    overrule(f, &a->why, FINDING_PENDING, a->pending, e) < 0)
			return e->code;
	}
	return 0;
}

static bool findings_have(const struct findings *f, enum finding_state a, enum finding_state b)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].state == a || f->list[i].state == b)
			return true;
	return false;
}

/* --- the commands --- */

static void end(struct report *r, enum report_result result, enum exit_code code)
{
	r->result = result;
	r->code = code;
	/* Looking at what may be absent leaves texts behind; only a failure's is a report's. */
	if (code == EXIT_AS_WANTED || code == EXIT_DIFFERS)
		r->err.text[0] = '\0';
}

/* Does something wait for recover? Then the host is in between, and the report says so. */
static bool in_between(const struct host *h, struct report *r)
{
	uint32_t pid;
	int there = journal_look(h, &r->err);

	if (there == 0)
		return false;
	if (there < 0) {
		end(r, REPORT_REFUSED, EXIT_FAILED);
		return true;
	}
	pid = journal_locked_by(h);
	/* It may have come to its end between the two questions. */
	if (!pid && !journal_interrupted(h))
		return false;
	if (pid)
		err_set(&r->err, EBUSY,
			"another run of bulkhead (process %u) is at work on this host", pid);
	else
		journal_waits(h, &r->err);
	end(r, pid ? REPORT_REFUSED : REPORT_STUCK, pid ? EXIT_FAILED : EXIT_STUCK);
	return true;
}

/* Plan against host: mistakes are the plan's (64), refusals the host's (1). */
static bool refused(struct report *r)
{
	if (errs_any(&r->changes.mistakes))
		end(r, REPORT_REFUSED, EXIT_USAGE);
	else if (errs_any(&r->changes.refusals))
		end(r, REPORT_REFUSED, EXIT_FAILED);
	else
		return false;
	r->err.text[0] = '\0'; /* as in end(): the modules were asked without a failure */
	return true;
}

static int ask(struct host *h, const struct plan *p, const struct reconcile_options *o,
	       struct changes *c, json_t **ret_state, struct err *e)
{
	json_t *state = NULL;
	struct stat st;

	c->no_restart = o->no_restart;
	c->no_start = o->no_start;
	if (host_stat(h, "/etc", &st, e) < 0)
		return e->code != -ENOENT
			       ? e->code
			       : err_set(e, ENOENT,
					 "'%s/' has no /etc: it is not the root of a host",
					 host_prefix(h));
	if (journal_state(h, &state, e) < 0)
		return e->code;
	if (ask_diff(h, p, state, c, e) < 0) {
		json_decref(state);
		return e->code;
	}
	*ret_state = state;
	return 0;
}

/*
 * A look without the lock. While other runs come and go, a module may read one file as it was and
 * the next as it is: what is refused then is looked at again.
 */
static int ask_unlocked(struct host *h, const struct plan *p, const struct reconcile_options *o,
			struct changes *c, json_t **ret_state, struct err *e)
{
	for (int tries = 0;; tries++) {
		struct timespec began;
		int r;

		clock_gettime(CLOCK_REALTIME_COARSE, &began);
		r = ask(h, p, o, c, ret_state, e);
		if ((r == 0 && !errs_any(&c->mistakes) && !errs_any(&c->refusals)) || tries == 5 ||
		    !journal_moved(h, &began))
			return r;
		if (r == 0)
			json_decref(TAKE_PTR(*ret_state));
		changes_done(c);
	}
}

void reconcile_diff(struct host *h, const struct plan *p, const struct reconcile_options *o,
		    struct report *r)
{
	_cleanup_json_ json_t *state = NULL;
	bool pending = false;

	if (in_between(h, r))
		return;
	if (ask_unlocked(h, p, o, &r->changes, &state, &r->err) < 0) {
		end(r, REPORT_REFUSED, EXIT_FAILED);
		return;
	}
	if (refused(r))
		return;
	for (size_t i = 0; i < r->changes.n_asks; i++)
		pending |= r->changes.asks[i].pending != NULL;
	if (changes_empty(&r->changes) && !pending)
		end(r, REPORT_CONVERGED, EXIT_AS_WANTED);
	else
		end(r, REPORT_DIFFERS, EXIT_DIFFERS);
}

/* Is the host not as it should be? What is skipped, or only told, says nothing of it. */
static bool finding_counts(enum finding_state state)
{
	return state == FINDING_DRIFT || state == FINDING_PENDING || state == FINDING_FAILED;
}

void reconcile_check(struct host *h, const struct plan *p, const struct reconcile_options *o,
		     struct report *r)
{
	_cleanup_json_ json_t *state = NULL;
	bool differs;

	if (in_between(h, r))
		return;
	if (ask_unlocked(h, p, o, &r->changes, &state, &r->err) < 0 ||
	    ask_verify(h, p, state, &r->findings, &r->err) < 0 ||
	    findings_from_changes(&r->findings, &r->changes, &r->err) < 0 ||
	    ask_observe(h, p, &r->findings, &r->err) < 0) {
		end(r, REPORT_REFUSED, EXIT_FAILED);
		return;
	}
	if (errs_any(&r->changes.mistakes)) {
		refused(r);
		return;
	}
	differs = errs_any(&r->changes.refusals);
	for (size_t i = 0; i < r->findings.n; i++)
		differs |= finding_counts(r->findings.list[i].state);
	end(r, differs ? REPORT_DIFFERS : REPORT_CONVERGED,
	    differs ? EXIT_DIFFERS : EXIT_AS_WANTED);
}

static const struct finding *first_bad(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->list[i].state == FINDING_DRIFT || f->list[i].state == FINDING_FAILED)
			return &f->list[i];
	return NULL;
}

#define SETTLE_MS                                                                                  \
	5000 /* a reload is a signal that nobody answers (docker.service: ExecReload=kill -HUP) */

/* One look at what was committed: what the running host does not agree with, and what there would
 * still be to do. */
static int look_again(struct host *h, const struct plan *p, const struct reconcile_options *o,
		      const json_t *state, struct report *r, struct changes *again, struct err *e)
{
	findings_done(&r->findings);
	changes_done(again);
	again->no_restart = o->no_restart;
	again->no_start = o->no_start;
	host_forget(h);
	if (ask_verify(h, p, state, &r->findings, e) < 0 ||
	    findings_put_off(&r->findings, &r->changes, e) < 0)
		return e->code;
	return ask_diff(h, p, state, again, e);
}

/* What the units that were touched logged: a reload that a daemon refuses is told only there. */
static void quote_units(struct host *h, const struct journal *j, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;
	struct err ignored;

	if (!host_is_live(h) || !j->n_units || units_open(h, &u, &ignored) < 0)
		return;
	for (size_t i = 0; i < j->n_units; i++) {
		_cleanup_free_ char *words = NULL;

		if (!j->units[i].pending &&
		    units_journal(u, j->units[i].unit, NULL, 5, &words, &ignored) == 0 && *words)
			err_append(e, "\n%s said:\n%s", j->units[i].unit, words);
	}
}

/* After commit: the running host has to agree, and a second look has to find nothing left to do. */
static int verify(struct host *h, const struct plan *p, const struct reconcile_options *o,
		  const struct journal *j, struct report *r, struct err *e)
{
	_cleanup_changes_ struct changes again;
	const struct finding *bad;

	changes_init(&again);
	for (int ms = 0;; ms += 200) {
		if (look_again(h, p, o, j->state, r, &again, e) < 0)
			return e->code;
		bad = first_bad(&r->findings);
		if (!bad && changes_empty(&again))
			return 0;
		if (ms >= SETTLE_MS || !host_is_live(h))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 200 * 1000 * 1000 }, NULL);
	}
	if (bad)
		err_set(e, EPROTO, "verification: %s%s%s is not as wanted%s%s%s%s%s%s", bad->module,
			bad->setting && *bad->setting != '[' ? "." : "",
			bad->setting ? bad->setting : "", bad->wanted ? ": wanted " : "",
			bad->wanted ? bad->wanted : "", bad->found ? ", found " : "",
			bad->found ? bad->found : "", bad->why ? ": " : "",
			bad->why ? bad->why : "");
	else if (errs_any(&again.refusals)) /* what can't be looked at now, for one */
		err_set(e, EPROTO, "verification: a second look is refused: %s%s%s",
			again.refusals.list[0].where ? again.refusals.list[0].where : "",
			again.refusals.list[0].where ? ": " : "", again.refusals.list[0].text);
	else
		err_set(e, EPROTO, "verification: a second look still finds something to do: %s",
			again.n		   ? again.list[0]->path
			: again.n_commands ? again.commands[0].argv[0]
					   : again.asks[0].why.text);
	quote_units(h, j, e);
	return e->code;
}

/* Puts back what was done and says in which state that leaves the host. */
static void give_up(struct transaction *t, struct report *r)
{
	struct err undo;

	if (transaction_undo(t, &r->failed, &undo) < 0) {
		if (!r->failed.n)
			errs_add(&r->failed, NULL, "%s", undo.text);
		end(r, REPORT_STUCK, EXIT_STUCK);
	} else {
		end(r, REPORT_UNDONE, EXIT_FAILED);
	}
}

static bool any_lines(const struct changes *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i]->kind == CHANGE_LINES)
			return true;
	return false;
}

/* Nothing to write. What the running host says still counts. */
static void converged(struct host *h, const struct plan *p, const json_t *state, struct report *r)
{
	if (ask_verify(h, p, state, &r->findings, &r->err) < 0 ||
	    findings_from_changes(&r->findings, &r->changes, &r->err) < 0) {
		end(r, REPORT_REFUSED, EXIT_FAILED);
		return;
	}
	if (findings_have(&r->findings, FINDING_DRIFT, FINDING_FAILED)) {
		err_set(&r->err, EPROTO, "something is not as wanted, and applying can't mend it");
		end(r, REPORT_DIFFERS, EXIT_FAILED);
		return;
	}
	end(r, REPORT_CONVERGED, EXIT_AS_WANTED);
}

static int run(struct transaction *t, struct host *h, const struct plan *p,
	       const struct reconcile_options *o, struct report *r)
{
	_cleanup_json_ json_t *state = NULL;
	uint64_t begun;
	int result;

	/*
	 * The databases may have moved since: what counts is what is read under their locks, which
	 * the look before may not have asked for. What Docker said is kept from the first look:
	 * nobody waits for a daemon while useradd waits for us.
	 */
	do {
		if (any_lines(&r->changes) && transaction_lock_databases(t, &r->err) < 0)
			return -1;
		changes_done(&r->changes);
		json_decref(TAKE_PTR(state));
		if (ask(h, p, o, &r->changes, &state, &r->err) < 0 || refused(r))
			return -1;
	} while (any_lines(&r->changes) && !t->databases);
	if (changes_empty(&r->changes)) {
		accounts_unlock(TAKE_PTR(t->databases));
		converged(h, p, state, r);
		return 0;
	}
	if (o->before) {
		o->before(o->arg, r);
		r->announced = true;
	}
	if (transaction_prepare(t, &r->changes, o->plan_path, &r->err) < 0)
		return -1;
	begun = clock_us();
	result = transaction_commit(t, &r->changes, &r->err);
	r->seconds = (unsigned)((clock_us() - begun) / 1000000);
	if (result < 0 || verify(h, p, o, &t->journal, r, &r->err) < 0)
		return -1;
	result = transaction_watch(t, &r->err);
	if (result < 0 || transaction_finish(t, &r->err) < 0)
		return -1;
	r->watched = result ? (unsigned)t->journal.watch : 0;
	r->id = t->journal.id;
	end(r, REPORT_CHANGED, EXIT_AS_WANTED);
	return 0;
}

/* Lock files that could not be removed keep useradd out: the host is not as it was. */
static void look_for_locks(struct host *h, struct report *r)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	if (accounts_locks_left(h, &names) <= 0)
		return;
	errs_add(
		&r->failed, "/etc",
		"lock files that could not be removed keep useradd and the like out (%s). When the "
		"cause is gone: bulkhead recover%s",
		names.failed ? "out of memory for their names" : names.data, host_root_words(h));
	/* What was done stands: only these are in the way. */
	end(r, r->code == EXIT_AS_WANTED ? r->result : REPORT_STUCK, EXIT_STUCK);
}

/* Puts back what an interrupted run left, before an apply. False: the report says why not. */
static bool recover_first(struct host *h, const struct reconcile_options *o, struct report *r)
{
	reconcile_recover(h, o, r);
	if (r->code != EXIT_AS_WANTED)
		return false;
	r->recovered |= r->result == REPORT_RECOVERED;
	return true;
}

/* The run that is waited for may be killed: what it leaves is put back, and it is tried again. */
static int begin(struct transaction *t, struct host *h, const struct reconcile_options *o,
		 struct report *r)
{
	int began = transaction_begin(t, h, o->progress, &r->err);

	if (began == -EUCLEAN) {
		transaction_end(t);
		if (!recover_first(h, o, r))
			return -1;
		host_forget(h);
		end(r, REPORT_REFUSED, EXIT_FAILED);
		began = transaction_begin(t, h, o->progress, &r->err);
	}
	if (began == -EUCLEAN)
		end(r, REPORT_STUCK, EXIT_STUCK);
	return began;
}

/*
 * A boot's run that finds Docker up is none of a boot: somebody has just switched the unit on. It
 * may not restart what waits for its own unit's end (a dead lock), nor leave files that nothing
 * has proved; so a whole apply is queued behind it. False: there is no such unit here.
 */
static bool hand_over(struct host *h, struct report *r)
{
	_cleanup_units_ struct units *u = NULL;
	struct err e;

	if (!r->changes.no_boot || units_open(h, &u, &e) < 0 || units_queue(u, APPLY_UNIT, &e) < 0)
		return false;
	changes_done(&r->changes); /* none of it is done here */
	end(r, REPORT_HANDED_OVER, EXIT_AS_WANTED);
	return true;
}

void reconcile_apply(struct host *h, const struct plan *p, const struct reconcile_options *o,
		     struct report *r)
{
	_cleanup_json_ json_t *state = NULL;
	struct timespec began;
	struct transaction t;
	int asked;
	bool bad;

	if (journal_interrupted(h) && !journal_locked_by(h) && !recover_first(h, o, r))
		return;
	clock_gettime(CLOCK_REALTIME_COARSE, &began);
	asked = ask_unlocked(h, p, o, &r->changes, &state, &r->err);
	bad = asked < 0 || refused(r);
	if (bad && !journal_locked_by(h)) {
		if (asked < 0)
			end(r, REPORT_REFUSED, EXIT_FAILED);
		return;
	}
	if (!bad && hand_over(h, r))
		return;
	/* What was seen in the middle of another run counts for nothing: the look under the lock
	 * does. */
	if (bad)
		changes_done(&r->changes);
	if (!bad && changes_empty(&r->changes)) {
		converged(h, p, state, r);
		if (r->code == EXIT_AS_WANTED ||
		    (!journal_moved(h, &began) && !journal_locked_by(h)))
			return;
		findings_done(&r->findings);
	}
	end(r, REPORT_REFUSED, EXIT_FAILED);
	if (begin(&t, h, o, r) < 0 || run(&t, h, p, o, r) < 0) {
		if (t.begun)
			give_up(&t, r);
	}
	transaction_end(&t);
	look_for_locks(h, r);
}

static bool step_of(const struct step *s, const struct module *m)
{
	const char *name = json_string_value(json_object_get(json_array_get(s->why, 0), "module"));

	return (s->kind == CHANGE_FILE || s->kind == CHANGE_REMOVE) && name && streq(name, m->name);
}

/* What the modules say to the files that would stand there in the end: the oldest undone knows. */
static int ask_undo(const struct host *h, const struct journal *undone, size_t n,
		    struct errs *failed, struct err *e)
{
	for (const struct module *const *m = modules; *m; m++) {
		const struct step *last = NULL;

		for (size_t i = 0; (*m)->undo && i < n; i++)
			for (size_t k = 0; k < undone[i].n_steps; k++)
				if (step_of(&undone[i].steps[k], *m))
					last = &undone[i].steps[k];
		if (last && (*m)->undo(h, last->path, &last->before, failed, e) < 0)
			return err_prefix(e, "nothing was undone");
	}
	return 0;
}

/* Was a unit that was to take it down, and left alone? */
static bool waited_for_units(const struct journal *j)
{
	for (size_t i = 0; i < j->n_units; i++)
		if (j->units[i].pending && j->units[i].action == UNIT_START)
			return true;
	return false;
}

int reconcile_unproved(const struct host *h, unsigned *ret, struct err *e)
{
	struct journal *list;
	char boot[33];
	uint64_t age;
	size_t n;
	int r;

	*ret = 0;
	if (units_boot_age(h, &age, e) < 0 || units_boot_id(h, boot, e) < 0)
		return e->code;
	if (age > RECONCILE_YOUNG)
		return 0;
	r = journal_list(h, &list, &n, e);
	if (r > 0)
		journal_list_free(list, n);
	if (r != 0)
		return e->code;
	for (size_t i = n; i > 0 && !*ret; i--) {
		const struct journal *j = &list[i - 1];

		if (!journal_stands(list, n, j->id))
			continue;
		if (*boot && streq(j->boot_id, boot) && waited_for_units(j))
			*ret = j->id;
		break;
	}
	journal_list_free(list, n);
	return 0;
}

void reconcile_rollback(struct host *h, unsigned id, const struct reconcile_options *o,
			struct report *r)
{
	bool between;

	if (in_between(h, r))
		return;
	if (transaction_rollback(h, id, o->force, o->no_restart, ask_undo, o->progress, &r->journal,
				 &between, &r->failed, &r->err) == 0) {
		r->id = r->journal.id;
		end(r, REPORT_ROLLED_BACK, EXIT_AS_WANTED);
	} else if (between) {
		end(r, REPORT_STUCK, EXIT_STUCK);
	} else {
		end(r, REPORT_REFUSED, EXIT_FAILED);
	}
	look_for_locks(h, r);
}

void reconcile_recover(struct host *h, const struct reconcile_options *o, struct report *r)
{
	bool between;
	int n;

	journal_done(&r->journal);
	n = transaction_recover(h, o->force, o->progress, &r->journal, &between, &r->failed,
				&r->err);
	if (n >= 0)
		end(r, n ? REPORT_RECOVERED : REPORT_CONVERGED, EXIT_AS_WANTED);
	else if (between)
		end(r, REPORT_STUCK, EXIT_STUCK);
	else
		end(r, REPORT_REFUSED, EXIT_FAILED);
	look_for_locks(h, r);
}
