/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Findings, for people and as JSON: a line each, and by the controls that they speak for.
 */
#include "control.h"
#include "report_internal.h"

/* By finding_state. */
static const char *const state_colors[] = { GREEN, YELLOW, CYAN, DIM, RED, CYAN };
/* By control_state. */
static const char *const control_colors[] = { RED, YELLOW, CYAN, CYAN, DIM, GREEN, DIM };

/* --- a line a finding --- */

void report_add_notes(struct buf *b, const struct report *r, const struct report_style *st)
{
	for (size_t i = 0; i < r->changes.n_notes; i++) {
		const struct note *n = &r->changes.notes[i];

		add_colored(b, st, YELLOW, "note", 10);
		add_setting(b, n->module, n->setting);
		buf_adds(b, ": ");
		add_safe(b, n->text);
		buf_addc(b, '\n');
	}
}

static void add_finding(struct buf *b, const struct finding *f, const struct report_style *st)
{
	_cleanup_buf_ struct buf name = BUF_INIT;

	add_setting(&name, f->module, f->setting);
	add_colored(b, st, state_colors[f->state], finding_state_name(f->state), 8);
	buf_addf(b, "  %-30s", name.data ? name.data : "");
	if (f->wanted) {
		buf_adds(b, "  ");
		add_safe(b, f->wanted);
	}
	if (f->found && (!f->wanted || !streq(f->wanted, f->found))) {
		buf_adds(b, f->wanted ? ", found " : "  found ");
		add_safe(b, f->found);
	}
	if (f->why) {
		buf_adds(b, "  (");
		add_safe(b, f->why);
		buf_addc(b, ')');
	}
	if (f->cis)
		buf_addf(b, "  [CIS %s]", f->cis);
	buf_addc(b, '\n');
}

static bool is_shown(const struct finding *f, const struct report_style *st)
{
	return !st->quiet || f->state == FINDING_DRIFT || f->state == FINDING_PENDING ||
	       f->state == FINDING_FAILED;
}

void report_add_findings(struct buf *b, const struct report *r, const struct report_style *st)
{
	for (size_t i = 0; i < r->findings.n; i++) {
		const struct finding *f = &r->findings.list[i];

		if (is_shown(f, st))
			add_finding(b, f, st);
	}
}

void report_add_counts(struct buf *b, const struct report *r)
{
	size_t n[ARRAY_SIZE(state_colors)] = { 0 };
	const char *sep = "";

	for (size_t i = 0; i < r->findings.n; i++)
		n[r->findings.list[i].state]++;
	for (size_t i = 0; i < ARRAY_SIZE(state_colors); i++) {
		if (!n[i])
			continue;
		buf_addf(b, "%s%zu %s", sep, n[i], finding_state_name((enum finding_state)i));
		sep = ", ";
	}
}

/* --- by control --- */

const struct control *report_home(const struct finding *f)
{
	for (const struct control *c = controls; f->cis && c->id; c++)
		if (control_named(f->cis, c->id))
			return c;
	return NULL;
}

static bool any_at(const struct report *r, const struct control *c, const struct report_style *st)
{
	for (size_t i = 0; i < r->findings.n; i++)
		if (is_shown(&r->findings.list[i], st) && report_home(&r->findings.list[i]) == c)
			return true;
	return false;
}

static void add_lines(struct buf *b, const struct report *r, const struct control *c,
		      const struct report_style *st)
{
	for (size_t i = 0; i < r->findings.n; i++) {
		const struct finding *f = &r->findings.list[i];

		if (!is_shown(f, st) || report_home(f) != c)
			continue;
		buf_adds(b, "  ");
		add_finding(b, f, st);
	}
}

/* The first finding of a control that stands under an earlier one. */
static const struct control *shown_at(const struct report *r, const struct control *c)
{
	for (size_t i = 0; i < r->findings.n; i++)
		if (control_named(r->findings.list[i].cis, c->id))
			return report_home(&r->findings.list[i]);
	return NULL;
}

static void add_control(struct buf *b, const struct report *r, const struct control *c,
			const struct report_style *st)
{
	enum control_state state = control_judge(c, &r->findings);
	bool lines = any_at(r, c, st);

	/* What the plan doesn't name is one line at the end; what has no line of its own is said
	 * where it has. */
	if ((state == CONTROL_ABSENT && !st->verbose) || (!lines && st->quiet))
		return;
	buf_addf(b, "CIS %-7s", c->id);
	add_colored(b, st, control_colors[state], control_state_name(state), 8);
	buf_adds(b, "  ");
	add_colored(b, st, BOLD, c->title, 0);
	if (!lines && state != CONTROL_ABSENT)
		buf_addf(b, "  (see %s)", shown_at(r, c)->id);
	buf_addc(b, '\n');
	add_lines(b, r, c, st);
}

/* Does the plan say nothing of it, though it counts? */
static bool is_absent(const struct report *r, const struct control *c)
{
	return c->id && !c->observed && control_judge(c, &r->findings) == CONTROL_ABSENT;
}

static bool same_section(const struct control *a, const struct control *b)
{
	size_t n = (size_t)(strrchr(a->id, '.') - a->id);

	return b->id && !strncmp(a->id, b->id, n + 1) && !strchr(b->id + n + 1, '.');
}

/* "1.1.3-1.1.18, 2.8": neighbours of a section as one. */
static void add_absent(struct buf *b, const struct report *r, size_t n)
{
	const char *sep = "not in the plan: ";

	if (!n)
		return;
	for (const struct control *c = controls, *last; c->id; c++) {
		if (!is_absent(r, c))
			continue;
		for (last = c; same_section(c, last + 1) && is_absent(r, last + 1); last++)
			;
		buf_addf(b, "%s%s", sep, c->id);
		if (last > c)
			buf_addf(b, "%s%s", last > c + 1 ? "-" : ", ", last->id);
		sep = ", ";
		c = last;
	}
	buf_adds(b, " (--verbose names them)\n");
}

static void add_score(struct buf *b, const struct report *r, const struct report_style *st)
{
	size_t n[CONTROL_STATES], all = control_score(&r->findings, n);

	add_colored(b, st, BOLD, controls_name, 0);
	buf_addf(b, ": %zu of %zu controls ok", n[CONTROL_OK], all);
	for (enum control_state s = 0; s < CONTROL_STATES; s++)
		if (s != CONTROL_OK && n[s])
			buf_addf(b, ", %zu %s", n[s], control_state_name(s));
	buf_addc(b, '\n');
	if (!st->verbose)
		add_absent(b, r, n[CONTROL_ABSENT]);
}

bool report_looked(const struct report *r)
{
	return streq(r->command, "check") && r->result != REPORT_REFUSED &&
	       r->result != REPORT_STUCK;
}

void report_check_text(struct buf *b, const struct report *r, const struct report_style *st)
{
	if (!report_looked(r)) {
		report_add_findings(b, r, st);
		return;
	}
	for (const struct control *c = controls; c->id; c++)
		add_control(b, r, c, st);
	if (any_at(r, NULL, st)) {
		add_colored(b, st, BOLD, "beside the benchmark", 0);
		buf_addc(b, '\n');
		add_lines(b, r, NULL, st);
	}
	if (st->quiet)
		return;
	report_add_notes(b, r, st);
	add_score(b, r, st);
	report_add_counts(b, r);
	if (r->result == REPORT_DIFFERS) {
		buf_adds(b, ". See what would change: ");
		report_add_command(b, "diff", host_plan_words(r->h));
		buf_adds(b, "; mend it: ");
		report_add_command(b, "apply", host_plan_words(r->h));
	}
	buf_addc(b, '\n');
}

/* --- JSON --- */

json_t *report_findings_json(const struct findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < f->n; i++) {
		const struct finding *x = &f->list[i];

		json_array_append_new(list, json_pack("{s:s, s:s?, s:s, s:o, s:o, s:o, s:s?}",
						      "module", x->module, "setting", x->setting,
						      "state", finding_state_name(x->state),
						      "wanted", json_string_any(x->wanted), "found",
						      json_string_any(x->found), "why",
						      json_string_any(x->why), "cis", x->cis));
	}
	return list;
}

/* "not in the plan" is a name for people. */
static const char *control_state_key(enum control_state state)
{
	return state == CONTROL_ABSENT ? "absent" : control_state_name(state);
}

json_t *report_controls_json(const struct report *r)
{
	json_t *list = json_array();

	for (const struct control *c = controls; list && report_looked(r) && c->id; c++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b}", "id", c->id, "title", c->title,
					"state", control_state_key(control_judge(c, &r->findings)),
					"counted", !c->observed));
	return list;
}

json_t *report_score_json(const struct report *r)
{
	size_t n[CONTROL_STATES], all = control_score(&r->findings, n);
	json_t *o;

	if (!report_looked(r))
		return json_null();
	o = json_pack("{s:s, s:I}", "benchmark", controls_name, "controls", (json_int_t)all);
	for (enum control_state s = 0; o && s < CONTROL_STATES; s++)
		if (json_object_set_new(o, control_state_key(s), json_integer((json_int_t)n[s]))) {
			json_decref(o);
			return NULL;
		}
	return o;
}
