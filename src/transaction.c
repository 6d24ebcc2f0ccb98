/* SPDX-License-Identifier: Apache-2.0 */
#include "transaction.h"

#include <sys/wait.h>

#include "clock.h"
#include "commandrecord.h"
#include "run.h"
#include "stage.h"
#include "undo.h"
#include "unitrecord.h"

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
	struct err ignored;
	int r, there;

	*t = (struct transaction){ .h = h, .progress = p, .lock = -1 };
	r = lock_run(h, &t->lock, e);
	if (t->lock < 0)
		return r;
	there = journal_look(h, r < 0 ? &ignored : e);
	if (there > 0)
		return journal_waits(h, e);
	return r < 0 ? r : there;
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

/* Attributes are set where they are, which may be a mount of its own; the rest is renamed into a
 * directory. */
static int can_write(const struct host *h, enum change_kind kind, const char *path, struct err *e)
{
	switch (kind) {
	case CHANGE_KNOB:
		return 0;
	case CHANGE_ATTRS:
		return host_changeable(h, path, e);
	case CHANGE_DIR:
	case CHANGE_FILE:
	case CHANGE_LINES:
	case CHANGE_REMOVE:
		break;
	}
	return host_writable(h, path, e);
}

/* The plan's path for the history of this root: a tree doesn't keep where plans lie on the machine
 * that it is made on, only the path in the tree or the name. */
static const char *plan_name(const struct host *h, const char *plan)
{
	const char *root = host_prefix(h), *slash = strrchr(plan, '/');
	size_t n = strlen(root);

	if (!*root || host_is_live(h))
		return plan;
	if (strncmp(plan, root, n) == 0 && plan[n] == '/')
		return plan + n;
	return slash ? slash + 1 : plan;
}

int transaction_prepare(struct transaction *t, const struct changes *c, const char *plan,
			struct err *e)
{
	if (journal_from_changes(c, &t->journal, e) < 0)
		return e->code;
	if (plan && !(t->journal.plan = strdup(plan_name(t->h, plan))))
		return err_oom(e);
	/* The history is JSON, and a path may be any bytes. */
	for (char *p = t->journal.plan; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	if (units_boot_id(t->h, t->journal.boot_id, e) < 0 ||
	    unitrecord_note(t->h, &t->journal, e) < 0)
		return e->code;
	for (size_t i = 0; i < c->n; i++)
		if (can_write(t->h, c->list[i]->kind, c->list[i]->path, e) < 0)
			return err_prefix(e, "nothing was changed");
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
			r = stage_whole(t->h, x->path, s->tmp, &x->after, false, e);
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
			r = stage_attrs(t->h, x->path, x->no_links, &x->before, &x->after, e);
		else
			continue;
		if (r == -ENOENT && x->no_links) {
			s->untouched = true;
			continue;
		}
		if (did(s, r) < 0)
			return r;
	}
	return 0;
}

/* Last: whatever the kernel is to enforce then finds its files. */
static int commit_knobs(struct transaction *t, const struct changes *c, struct err *e)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct change *x = c->list[i];

		if (x->kind == CHANGE_KNOB &&
		    did(&t->journal.steps[i], stage_knob(t->h, x->path, &x->before, &x->after, e)) <
			    0)
			return e->code;
	}
	return 0;
}

static bool stops_units(const struct host *h, const struct journal *j)
{
	for (size_t i = 0; host_is_live(h) && i < j->n_units; i++)
		if (j->units[i].action == UNIT_STOP && !j->units[i].pending)
			return true;
	return false;
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
	j->phase = stops_units(t->h, j) ? PHASE_UNITS : PHASE_FILES;
	if (journal_update(t->h, j, e) < 0 || unitrecord_stop(t->h, j, t->progress, e) < 0 ||
	    commit_files(t, c, e) < 0 || commit_knobs(t, c, e) < 0)
		return e->code;
	if (j->n_commands) {
		if (interrupted(t->progress, e) < 0)
			return e->code;
		if (j->phase < PHASE_COMMANDS)
			j->phase = PHASE_COMMANDS;
		if (journal_update(t->h, j, e) < 0 || commandrecord_run(j, e) < 0)
			return e->code;
	}
	if (!host_is_live(t->h) || (!j->n_units && !j->manager_reload))
		return 0;
	if (j->phase != PHASE_UNITS) {
		j->phase = PHASE_UNITS;
		if (journal_update(t->h, j, e) < 0)
			return e->code;
	}
	if (unitrecord_run(t->h, j, t->progress, e) < 0)
		return e->code;
	t->settled = clock_us();
	return 0;
}

int transaction_watch(struct transaction *t, struct err *e)
{
	return unitrecord_watch(t->h, &t->journal, t->settled, t->progress, e);
}

int transaction_finish(struct transaction *t, struct err *e)
{
	if (journal_commit(t->h, &t->journal, e) < 0)
		return e->code;
	t->begun = false;
	return 0;
}

/* --- taking back --- */

static int undo(const struct host *h, struct journal *j, bool force, const struct progress *p,
		struct errs *failed, struct err *e)
{
	struct err commands, units, ignored;
	int c, u, r = 0;

	if (!j->restored) {
		unitrecord_stop_made(h, j, p);
		r = undo_steps(h, j, j, force, failed, e);
	}
	c = commandrecord_undo(h, j, failed, &commands);
	u = unitrecord_undo(h, j, p, failed, &units);

	if ((c < 0 || u < 0) && r == 0) {
		/* Who starts them by hand now has not to see recovery do it again. */
		j->restored = true;
		journal_update(h, j, &ignored);
		*e = c < 0 ? commands : units;
		r = e->code;
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

/* What paths will hold once later transactions are undone. */
struct expectations {
	struct image *list;
	size_t n;
	struct pathindex index;
};

static void expectations_done(struct expectations *x)
{
	for (size_t i = 0; i < x->n; i++)
		image_done(&x->list[i]);
	free(x->list);
	pathindex_done(&x->index);
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
	if (pathindex_add(&x->index, s->path, x->n, e) < 0 ||
	    (s->kind == CHANGE_LINES ? undo_lines_of(s, at, true, &x->list[x->n], e)
				     : image_copy(&im, &x->list[x->n], e)) < 0)
		return e->code;
	x->n++;
	return 0;
}

/* A later transaction's change of attributes didn't look at the content; a file's does. */
static int expect_content(const struct host *h, const struct step *s, struct image *im,
			  struct err *e)
{
	_cleanup_(image_done) struct image now = { 0 };

	if (s->kind == CHANGE_ATTRS || !im->exists || !S_ISREG(im->mode) || im->content)
		return 0;
	if (host_image_now(h, s->path, &now, e) < 0)
		return e->code;
	im->content = TAKE_PTR(now.content);
	im->len = now.len;
	return 0;
}

/* What keeps what stands at a step's path from being changed, replaced or removed, even by force.
 */
static int fixed(const struct host *h, const struct step *s, struct err *e)
{
	const char *name = strrchr(s->path, '/') + 1;
	int r;

	if (s->kind == CHANGE_ATTRS || s->kind == CHANGE_KNOB)
		return can_write(h, s->kind, s->path, e);
	r = host_replaceable(h, s->path, e);
	/* A directory of ours that something is mounted on stays as it is. */
	if (r < 0 && !(r == -EBUSY && s->kind == CHANGE_DIR))
		return r;
	if (s->kind != CHANGE_DIR && stage_busy(h, s->path, name))
		return err_set(
			e, ETXTBSY,
			"is open for writing in another program ('fuser -v %s%s' shows which): "
			"try again when it is done",
			host_prefix(h), s->path);
	return can_write(h, s->kind, s->path, e);
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
			size_t known;

			if (undo_is_elsewhere(h, s))
				continue;
			if (pathindex_find(&map.index, s->path, &known)) {
				if (expect_content(h, s, &map.list[known], e) < 0)
					return e->code;
				at = &map.list[known];
			}
			if (!at) {
				if (undo_look(h, s, &now, e) < 0)
					return e->code;
				at = &now;
			}
			obstacle = undo_obstacle(s, at);
			if (obstacle ||
			    (undo_where(s, at) != UNDO_BEFORE && fixed(h, s, &blocked) < 0)) {
				errs_add(failed, s->path, "%s", obstacle ? obstacle : blocked.text);
				*ret_blocked = true;
			} else if (undo_unclear(s, at, &blocked)) {
				errs_add(failed, s->path, "%s", blocked.text);
				*ret_blocked = true;
			} else if (undo_where(s, at) == UNDO_ELSEWHERE) {
				errs_add(failed, s->path, "is no longer what transaction %u left",
					 list[i].id);
			}
			if (s->kind != CHANGE_DIR && expect(&map, s, at, e) < 0)
				return e->code;
		}
	}
	return 0;
}

static bool id_in(unsigned id, const unsigned *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* What tells how to go on when a journal, or an image in it, is not what was written. */
static int damaged(const struct host *h, const char *state, const char *command, struct err *e)
{
	if (e->code != -EBADMSG && e->code != -EINVAL)
		return e->code;
	err_prefix(e, "%s", state);
	return err_append(e, "\n  then: bulkhead %s%s", command, host_root_words(h));
}

/* Can all be read that a rollback under way still has to undo? Before the first of it is. */
static int look_ahead(const struct host *h, const struct journal *j, struct err *e)
{
	for (size_t i = 0; i < j->n_undoes; i++) {
		_cleanup_journal_ struct journal one = { 0 };

		if (!id_in(j->undoes[i], j->undone, j->n_undone) &&
		    journal_load(h, j->undoes[i], &one, e) < 0)
			return e->code;
	}
	return 0;
}

/* Carries a rollback to its end from wherever it is. */
static int rollback_run(const struct host *h, struct journal *j, const struct progress *p,
			struct errs *failed, struct err *e)
{
	struct err commands, told_later;
	int c, r;

	unitrecord_stop(h, j, p, &told_later);
	for (size_t i = 0; i < j->n_undoes; i++) {
		_cleanup_journal_ struct journal one = { 0 };

		if (id_in(j->undoes[i], j->undone, j->n_undone))
			continue;
		if (journal_load(h, j->undoes[i], &one, e) < 0)
			return e->code;
		if (undo_steps(h, &one, j, j->force, failed, e) < 0)
			return e->code;
		j->undone[j->n_undone++] = j->undoes[i];
		json_decref(TAKE_PTR(j->progress));
		if (journal_update(h, j, e) < 0)
			return e->code;
	}
	j->phase = PHASE_UNITS;
	if (journal_update(h, j, e) < 0)
		return e->code;
	c = commandrecord_run_back(h, j, failed, &commands);
	r = unitrecord_run_back(h, j, p, failed, e);
	if (c < 0 && r == 0) {
		*e = commands;
		r = c;
	}
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
	struct err unread;
	unsigned *ids;
	size_t n, k = 0;
	int broken = journal_list(h, &list, &n, &unread);

	if (broken < 0) {
		*e = unread;
		return e->code;
	}
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
	else if (broken && (id ? id <= (unsigned)broken : !k || ids[0] < (unsigned)broken))
		*e = unread;
	else if (id && (!k || ids[k - 1] != id))
		err_set(e, ENOENT,
			"there is no transaction %u that could be undone: see bulkhead history%s",
			id, host_root_words(h));
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
			   bool *ret_begun, struct errs *failed, struct err *e)
{
	struct journal *list = NULL;
	const char *kept_off = no_restart ? " --no-restart" : "";
	char which[16] = "";
	bool blocked = false;
	int r = 0;

	if (id)
		snprintf(which, sizeof(which), " %u", id);
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
	if (r < 0)
		damaged(h, "nothing was undone", "rollback", e);
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
			"/history/%06u), or put that back all the same: bulkhead rollback%s%s%s "
			"--force",
			host_prefix(h), j->undoes[0], which, host_root_words(h), kept_off);
	if (r == 0)
		r = commandrecord_ask_back(h, list, j->n_undoes, j, failed, e);
	if (r == 0 && guard && !force && !no_restart)
		r = guard(h, list, j->n_undoes, failed, e);
	if (r == 0 && failed->n && !force)
		r = err_set(e, EBUSY,
			    "nothing was undone. If it is to be all the same: bulkhead "
			    "rollback%s%s%s --force",
			    which, host_root_words(h), kept_off);
	if (r == 0)
		r = databases_free(h, list, j->n_undoes, e);
	if (r == 0) {
		errs_done(failed);
		r = unitrecord_ask_back(h, list, j->n_undoes, no_restart, j, e);
	}
	journal_list_free(list, j->n_undoes);
	if (r < 0)
		return r;
	j->rollback = true;
	j->force = force;
	if (journal_create(h, j, e) < 0) {
		struct err ignored;

		/* It may be there, and only its directory not synced. */
		*ret_begun = journal_drop(h, &ignored) < 0 && journal_interrupted(h);
		return e->code;
	}
	*ret_begun = true;
	return rollback_run(h, j, p, failed, e);
}

int transaction_rollback(struct host *h, unsigned id, bool force, bool no_restart,
			 transaction_guard *guard, const struct progress *p, struct journal *ret,
			 bool *ret_between, struct errs *failed, struct err *e)
{
	static const struct changes none = { 0 };
	_cleanup_journal_ struct journal j = { 0 };
	struct transaction t;
	int r;

	*ret_between = false;
	r = journal_history(h, e);
	if (r <= 0)
		return r < 0 ? r : err_set(e, ENOENT, "nothing is left to undo");
	r = transaction_begin(&t, h, p, e);
	*ret_between = r == -EUCLEAN;
	if (r == 0)
		r = journal_from_changes(&none, &j, e);
	if (r == 0)
		r = units_boot_id(h, j.boot_id, e);
	if (r == 0)
		r = rollback_locked(h, id, force, no_restart, guard, p, &j, ret_between, failed, e);
	transaction_end(&t);
	*ret = j;
	j = (struct journal){ 0 };
	return r;
}

/* --- recovery --- */

int transaction_recover(struct host *h, bool force, const struct progress *p, struct journal *ret,
			bool *ret_between, struct errs *failed, struct err *e)
{
	_cleanup_close_ int lock = -1;
	struct err ignored;
	struct stat st;
	int r, there;

	*ret = (struct journal){ 0 };
	*ret_between = false;
	r = host_stat(h, JOURNAL_DIR, &st, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = lock_run(h, &lock, e);
	there = journal_look(h, &ignored);
	*ret_between = lock >= 0 ? there != 0 : r != -EBUSY && there > 0;
	if (r < 0)
		return r;
	r = journal_pending(h, ret, e);
	if (r == 0)
		return journal_drop(h, e);
	if (r < 0 || look_ahead(h, ret, e) < 0)
		return damaged(h,
			       "nothing was put back, the host is as the interrupted run left it",
			       "recover", e);
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
