/* SPDX-License-Identifier: Apache-2.0 */
#include "init.h"

#include "buf.h"
#include "reconcile.h"
#include "redact.h"

#define BASELINE "version: 1\ninclude: [profile:baseline]\n"

struct work {
	struct host *h;
	struct survey survey;
	struct plan *baseline;
	struct init_item *list;
	size_t n;
	size_t idle; /* what a plan with nothing in it would do: start a daemon that is down, say */
};

static void work_done(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->list[i].why);
	free(w->list);
	plan_free(w->baseline);
	survey_done(&w->survey);
}

/* --- trying --- */

enum verdict {
	SAME,	 /* valid, and nothing to do */
	CHANGES, /* valid, and something to do */
	REFUSED, /* the host is in the way */
	INVALID, /* no plan may say it, or none for this host */
};

static size_t work_of(const struct changes *c)
{
	size_t n = c->n + c->n_commands;

	for (size_t i = 0; i < c->n_asks; i++)
		n += c->asks[i].action != UNIT_NOTHING;
	return n;
}

/* The first thing that a plan would do, in words. */
static char *deed(const struct changes *c)
{
	const struct change *file = NULL;
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; i < c->n && (!file || file->kind == CHANGE_DIR); i++)
		file = c->list[i];
	if (file)
		r = asprintf(&text, "With it bulkhead would write %s", file->path);
	else if (c->n_commands)
		r = asprintf(&text, "With it bulkhead would run %s", c->commands[0].argv[0]);
	else if (c->n_asks)
		r = asprintf(&text, "With it bulkhead would %s %s: %s",
			     unit_action_name(c->asks[c->n_asks - 1].action),
			     c->asks[c->n_asks - 1].unit, c->asks[c->n_asks - 1].why.text);
	return r < 0 ? NULL : text;
}

/* Takes the words over. */
static int judged(enum verdict v, char *why, enum verdict *ret, char **ret_why, struct err *e)
{
	*ret = v;
	*ret_why = why;
	return why ? 0 : err_oom(e);
}

/* Valid by itself? *ret is NULL when it isn't. */
static int load(const struct work *w, bool behind, struct plan **ret, char **ret_why, struct err *e)
{
	_cleanup_free_ char *text = init_trial(w->list, w->n, behind);
	_cleanup_(errs_done) struct errs mistakes = { 0 };
	int r;

	*ret = NULL;
	*ret_why = NULL;
	if (!text)
		return err_oom(e);
	r = plan_load_text("plan", text, strlen(text), ret, &mistakes, e);
	if (r == 0 || r == -ENOMEM)
		return r;
	*ret_why = strdup(mistakes.n ? mistakes.list[0].text : e->text);
	return *ret_why ? 0 : err_oom(e);
}

/* What would a plan of these do? */
static int look(const struct work *w, bool behind, enum verdict *ret, size_t *ret_work,
		char **ret_why, enum exit_code *ret_code, struct err *e)
{
	const struct reconcile_options o = { .plan_path = "plan" };
	_cleanup_plan_ struct plan *p = NULL;
	_cleanup_report_ struct report r;
	const struct changes *c = &r.changes;
	char *why;

	report_init(&r, "diff", w->h);
	*ret_why = NULL;
	if (load(w, behind, &p, &why, e) < 0)
		return e->code;
	if (!p)
		return judged(INVALID, why, ret, ret_why, e);
	reconcile_diff(w->h, p, &o, &r);
	*ret_code = r.code;
	*ret_work = work_of(c);
	if (r.err.code == -ENOMEM || c->mistakes.failed || c->refusals.failed)
		return err_oom(e);
	if (c->mistakes.n)
		return judged(INVALID, strdup(c->mistakes.list[0].text), ret, ret_why, e);
	if (c->refusals.n)
		return judged(REFUSED, strdup(c->refusals.list[0].text), ret, ret_why, e);
	if (r.result != REPORT_CONVERGED && r.result != REPORT_DIFFERS)
		return judged(REFUSED, strdup(r.err.text), ret, ret_why, e);
	*ret = *ret_work == w->idle ? SAME : CHANGES;
	return *ret == CHANGES && *ret_work ? judged(CHANGES, deed(c), ret, ret_why, e) : 0;
}

static int try(struct work *w, bool behind, enum verdict *ret, char **ret_why, struct err *e)
{
	enum exit_code code;
	size_t n;

	return look(w, behind, ret, &n, ret_why, &code, e);
}

/* --- the host's own --- */

static int add_item(struct work *w, struct init_item item, struct err *e)
{
	struct init_item *list = reallocarray(w->list, w->n + 1, sizeof(*list));

	if (!list)
		return err_oom(e);
	w->list = list;
	w->list[w->n++] = item;
	return 0;
}

static int ask_modules(struct work *w, struct err *e)
{
	for (size_t i = 0; modules[i]; i++) {
		w->survey.module = modules[i];
		if (!modules[i]->survey || modules[i]->survey(w->h, &w->survey, e) == 0)
			continue;
		/* One file that is none is no reason to say nothing of the rest. */
		if (e->code == -ENOMEM ||
		    survey_remark(&w->survey, e, "This could not be looked at: %s", e->text) < 0)
			return e->code;
	}
	return 0;
}

/* Would anything of it read "***" in a report? Then it can't be in a plan that is printed. */
static int is_secret(const struct survey_row *row, bool *ret, struct err *e)
{
	_cleanup_json_ json_t *doc = json_object(), *shown = NULL;
	struct init_item x = { .module = row->module,
			       .setting = row->setting,
			       .value = row->value };
	_cleanup_free_ char *line = init_trial(&x, 1, true), *redacted = NULL;

	if (!doc || json_object_set(doc, row->setting, row->value) < 0)
		return err_oom(e);
	shown = json_clone(doc, true);
	redacted = line ? redact_text(line) : NULL;
	if (!shown || redact_json(shown) < 0 || !redacted)
		return err_oom(e);
	*ret = !json_equal(doc, shown) || !streq(line, redacted);
	return 0;
}

static int items_of_host(struct work *w, struct err *e)
{
	for (size_t i = 0; i < w->survey.n; i++) {
		const struct survey_row *row = &w->survey.list[i];
		struct init_item x = { .module = row->module,
				       .setting = row->setting,
				       .value = row->value,
				       .remark = row->remark,
				       .place = INIT_TOLD };

		if ((row->value && is_secret(row, &x.hidden, e) < 0) || add_item(w, x, e) < 0)
			return e->code;
	}
	return 0;
}

static bool to_try(const struct init_item *x, const struct module *m)
{
	return x->module == m && x->value && !x->hidden && !x->adds;
}

static void place_all(struct work *w, const struct module *m, enum init_place place)
{
	for (size_t i = 0; i < w->n; i++)
		if (to_try(&w->list[i], m))
			w->list[i].place = place;
}

/* All of a module's at once, for some go together; if that is no good, one at a time. */
static int place_host(struct work *w, const struct module *m, struct err *e)
{
	_cleanup_free_ char *why = NULL;
	enum verdict v;

	place_all(w, m, INIT_STANDS);
	if (try(w, false, &v, &why, e) < 0)
		return e->code;
	if (v == SAME)
		return 0;
	place_all(w, m, INIT_TOLD);
	for (size_t i = 0; i < w->n; i++) {
		struct init_item *x = &w->list[i];

		if (!to_try(x, m))
			continue;
		x->place = INIT_STANDS;
		if (try(w, false, &v, &x->why, e) < 0)
			return e->code;
		if (v != SAME)
			x->place = v == CHANGES ? INIT_BEHIND : INIT_TOLD;
	}
	return 0;
}

/* --- what the baseline would add --- */

static struct init_item *item_of(const struct work *w, const struct module *m, const char *setting)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].module == m && w->list[i].setting &&
		    streq(w->list[i].setting, setting))
			return &w->list[i];
	return NULL;
}

static int items_of_section(struct work *w, const struct section *s, struct err *e)
{
	const char *setting;
	json_t *value;

	json_object_foreach (s->given, setting, value) {
		struct init_item *x = item_of(w, s->module, setting);

		if (!x || (x->place == INIT_TOLD && !x->hidden)) {
			struct init_item new = { .module = s->module,
						 .setting = setting,
						 .value = value,
						 .adds = true,
						 .place = INIT_TOLD };

			if (add_item(w, new, e) < 0)
				return e->code;
		} else if (!x->remark && !x->hidden && !json_equal(x->value, value)) {
			x->otherwise = value;
		}
	}
	return 0;
}

static int items_of_baseline(struct work *w, struct err *e)
{
	_cleanup_(errs_done) struct errs mistakes = { 0 };

	if (plan_load_text("plan", BASELINE, strlen(BASELINE), &w->baseline, &mistakes, e) < 0)
		return e->code;
	for (size_t i = 0; modules[i]; i++) {
		const struct section *s = plan_section(w->baseline, modules[i]->name);

		if (s && !modules[i]->list && items_of_section(w, s, e) < 0)
			return e->code;
	}
	return 0;
}

/* One after the other, since userns-remap needs the range. What only the host refuses now goes
 * behind its # once all others have been tried without it. */
static int place_baseline(struct work *w, struct err *e)
{
	_cleanup_free_ bool *refused = calloc(w->n + 1, sizeof(*refused));

	if (!refused)
		return err_oom(e);
	for (size_t i = 0; i < w->n; i++) {
		struct init_item *x = &w->list[i];
		enum verdict v;

		if (!x->adds)
			continue;
		x->place = INIT_BEHIND;
		if (try(w, true, &v, &x->why, e) < 0)
			return e->code;
		refused[i] = v == REFUSED;
		if (v == REFUSED || v == INVALID)
			x->place = INIT_TOLD;
		else
			free(TAKE_PTR(x->why));
	}
	for (size_t i = 0; i < w->n; i++)
		if (refused[i])
			w->list[i].place = INIT_BEHIND;
	return 0;
}

/* With every # taken away it has to be a plan, too. */
static int keep_valid(struct work *w, struct err *e)
{
	_cleanup_plan_ struct plan *p = NULL;
	_cleanup_free_ bool *behind = calloc(w->n + 1, sizeof(*behind));
	_cleanup_free_ char *why = NULL;

	if (!behind)
		return err_oom(e);
	if (load(w, true, &p, &why, e) < 0)
		return e->code;
	if (p)
		return 0;
	for (size_t i = 0; i < w->n; i++) {
		behind[i] = w->list[i].place == INIT_BEHIND;
		if (behind[i])
			w->list[i].place = INIT_TOLD;
	}
	for (size_t i = 0; i < w->n; i++) {
		_cleanup_plan_ struct plan *one = NULL;
		char *mistake;

		if (!behind[i])
			continue;
		w->list[i].place = INIT_BEHIND;
		if (load(w, true, &one, &mistake, e) < 0)
			return e->code;
		if (one)
			continue;
		w->list[i].place = INIT_TOLD;
		free(w->list[i].why);
		w->list[i].why = mistake;
	}
	return 0;
}

/* --- all of it --- */

/* What is the host in without a plan? It has to be at rest, and nobody's but its owner's. */
static int look_first(struct work *w, enum exit_code *ret_code, struct err *e)
{
	_cleanup_json_ json_t *state = NULL;
	_cleanup_free_ char *why = NULL;
	enum verdict v;

	if (look(w, false, &v, &w->idle, &why, ret_code, e) < 0)
		return e->code;
	if (v == REFUSED || v == INVALID)
		return err_set(e, EBUSY, "%s", why);
	*ret_code = EXIT_FAILED;
	if (journal_state(w->h, &state, e) < 0)
		return e->code;
	if (json_object_size(state))
		return err_set(e, EEXIST,
			       "a plan was applied to this host already, and what it set would be "
			       "taken for the host's own: go on with that plan (bulkhead history%s "
			       "names it), or roll it back first",
			       host_root_words(w->h));
	return 0;
}

int init_plan(struct host *h, char **ret, enum exit_code *ret_code, struct err *e)
{
	_cleanup_(work_done) struct work w = { .h = h };

	*ret_code = EXIT_FAILED;
	if (look_first(&w, ret_code, e) < 0 || ask_modules(&w, e) < 0 || items_of_host(&w, e) < 0)
		return e->code;
	for (size_t i = 0; modules[i]; i++)
		if (modules[i]->survey && place_host(&w, modules[i], e) < 0)
			return e->code;
	if (items_of_baseline(&w, e) < 0 || place_baseline(&w, e) < 0 || keep_valid(&w, e) < 0)
		return e->code;
	*ret = init_text(w.list, w.n);
	return *ret ? 0 : err_oom(e);
}
