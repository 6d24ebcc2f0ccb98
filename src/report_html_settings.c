/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting on the page: what is wanted, what was found, how files and the running host stand;
 * under the controls of the benchmark.
 */
#include "control.h"
#include "html.h"
#include "report_html.h"
#include "report_internal.h"

#define DEEDS_MAX 4 /* of a setting, in words; the rest is counted */

/* Something that apply would do for a setting. */
struct deed {
	const struct why *why;
	const char *what; /* a path, a program, a unit */
	const struct ask *ask;
};

struct deeds {
	struct deed *list;
	size_t n;
};

static int by_setting(const void *a, const void *b)
{
	const struct why *x = ((const struct deed *)a)->why, *y = ((const struct deed *)b)->why;
	int c = strcmp(x->module, y->module);

	return c ? c : strcmp(x->setting ? x->setting : "", y->setting ? y->setting : "");
}

static void deeds_of_whys(struct deeds *d, const struct why *whys, size_t n, const char *what)
{
	for (size_t i = 0; i < n; i++)
		d->list[d->n++] = (struct deed){ &whys[i], what, NULL };
}

/* In the order of settings, to be found quickly: a volume may bring thousands. */
static bool deeds_of(const struct changes *c, struct deeds *d)
{
	size_t n = c->n_asks;

	for (size_t i = 0; i < c->n; i++)
		n += c->list[i]->n_whys;
	for (size_t i = 0; i < c->n_commands; i++)
		n += c->commands[i].n_whys;
	*d = (struct deeds){ .list = calloc(n + 1, sizeof(*d->list)) };
	if (!d->list)
		return false;
	for (size_t i = 0; i < c->n; i++)
		deeds_of_whys(d, c->list[i]->whys, c->list[i]->n_whys, c->list[i]->path);
	for (size_t i = 0; i < c->n_commands; i++)
		deeds_of_whys(d, c->commands[i].whys, c->commands[i].n_whys,
			      c->commands[i].argv[0]);
	for (size_t i = 0; i < c->n_asks; i++)
		if (c->asks[i].action != UNIT_NOTHING)
			d->list[d->n++] =
				(struct deed){ &c->asks[i].why, c->asks[i].unit, &c->asks[i] };
	qsort(d->list, d->n, sizeof(*d->list), by_setting);
	return true;
}

/* Those of a finding: the first, and how many. */
static size_t deeds_find(const struct deeds *d, const struct finding *f, size_t *ret_first)
{
	struct why why = { .module = f->module, .setting = f->setting };
	const struct deed key = { .why = &why };
	size_t low = 0, high = d->n, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_setting(&d->list[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < d->n && by_setting(&d->list[low + n], &key) == 0)
		n++;
	*ret_first = low;
	return n;
}

/* --- a row --- */

static void add_badge(struct buf *b, const char *state)
{
	static const char *const marks[][2] = { { "ok", "✓" },	    { "drift", "≠" },
						{ "pending", "…" }, { "skipped", "–" },
						{ "failed", "✗" },  { "noted", "i" } };
	const char *mark = "";

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (streq(marks[i][0], state))
			mark = marks[i][1];
	buf_addf(b, "<span class=\"badge %s\"><span aria-hidden=\"true\">%s</span> %s</span>",
		 state, mark, state);
}

static void cell(struct buf *b, const char *label)
{
	buf_addf(b, "<td role=\"cell\" data-label=\"%s\">", label);
}

/* What apply would write for it (`asks` false), or ask of units. How many were told. */
static size_t add_deeds(struct buf *b, const struct deeds *d, size_t first, size_t n, bool asks)
{
	size_t told = 0;

	for (size_t i = first; i < first + n; i++) {
		const struct deed *x = &d->list[i];

		if (asks != (x->ask != NULL))
			continue;
		if (++told > DEEDS_MAX)
			continue;
		buf_adds(b, told == 1 ? "<ul><li>" : "<li>");
		if (x->ask)
			buf_addf(b, "%s%s ", x->ask->pending ? "put off: " : "",
				 unit_action_name(x->ask->action));
		buf_adds(b, "<code>");
		html_add_text(b, x->what);
		buf_adds(b, "</code>: ");
		html_add_text(b, x->why->text);
		buf_adds(b, "</li>");
	}
	if (told > DEEDS_MAX)
		buf_addf(b, "<li>and %zu more</li>", told - DEEDS_MAX);
	if (told)
		buf_adds(b, "</ul>");
	return told;
}

static void add_running(struct buf *b, const struct finding *f, bool written)
{
	static const char *const says[] = {
		[FINDING_OK] = "as wanted",	[FINDING_DRIFT] = "otherwise",
		[FINDING_PENDING] = "waits",	[FINDING_SKIPPED] = "not shown",
		[FINDING_FAILED] = "not right", [FINDING_NOTED] = "noted",
	};

	/* The reason is the file's then, and stands there. */
	buf_adds(b, written ? (f->found ? "otherwise" : "follows the files") : says[f->state]);
	if (!f->why || written)
		return;
	buf_adds(b, ": ");
	html_add_text(b, f->why);
}

/* With blanks, for lines to end at. */
static void add_cis(struct buf *b, const char *ids)
{
	buf_adds(b, " <span class=\"cis\">CIS ");
	while (*ids) {
		size_t n = strcspn(ids, ",");

		html_addf(b, "%.*s%s", (int)n, ids, ids[n] ? ", " : "");
		ids += n + (ids[n] == ',');
	}
	buf_adds(b, "</span>");
}

static void add_finding(struct buf *b, const struct finding *f, const struct deeds *d)
{
	const char *name = f->setting ? f->setting : f->module;
	size_t first, n = deeds_find(d, f, &first), written;

	buf_adds(b, "<tr role=\"row\">\n<th scope=\"row\" role=\"rowheader\">");
	report_html_name(b, f->module, f->setting);
	if (f->cis)
		add_cis(b, f->cis);
	buf_adds(b, "</th>\n");
	cell(b, "State");
	add_badge(b, finding_state_name(f->state));
	buf_adds(b, "</td>\n");
	cell(b, "Wanted");
	html_add_value(b, name, f->wanted ? f->wanted : "–");
	buf_adds(b, "</td>\n");
	cell(b, "Found");
	if (f->found)
		html_add_value(b, name, f->found);
	else
		buf_adds(b, f->state == FINDING_OK ? "the same" : "–");
	buf_adds(b, "</td>\n");
	cell(b, "Files");
	written = add_deeds(b, d, first, n, false);
	if (!written)
		buf_adds(b, !f->wanted || f->state == FINDING_FAILED || f->state == FINDING_NOTED
				    ? "–"
				    : "as wanted");
	buf_adds(b, "</td>\n");
	cell(b, "Running");
	if (!add_deeds(b, d, first, n, true))
		add_running(b, f, written > 0);
	buf_adds(b, "</td>\n</tr>\n");
}

/* --- tables --- */

static void table_begin(struct buf *b, const char *id, const char *number, const char *title)
{
	static const char *const columns[] = { "Setting", "State", "Wanted",
					       "Found",	  "Files", "Running" };

	buf_addf(b, "<section id=\"%s\">\n<h2>%s%s%s</h2>\n", id, number, *number ? " " : "",
		 title);
	buf_adds(
		b,
		"<table role=\"table\" class=\"settings\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		buf_addf(b, "<th scope=\"col\" role=\"columnheader\">%s</th>", columns[i]);
	buf_adds(b, "</tr></thead>\n");
}

static void add_rows(struct buf *b, const struct report *r, const struct control *c,
		     const struct deeds *d)
{
	for (size_t i = 0; i < r->findings.n; i++)
		if (report_home(&r->findings.list[i]) == c)
			add_finding(b, &r->findings.list[i], d);
}

static bool any_at(const struct report *r, const struct control *c)
{
	for (size_t i = 0; i < r->findings.n; i++)
		if (report_home(&r->findings.list[i]) == c)
			return true;
	return false;
}

static void add_control(struct buf *b, const struct report *r, const struct control *c,
			const struct deeds *d)
{
	buf_addf(b,
		 "<tbody role=\"rowgroup\">\n<tr role=\"row\" class=\"control\"><th colspan=\"6\" "
		 "scope=\"rowgroup\" role=\"rowheader\"><span class=\"id\">%s</span> ",
		 c->id);
	html_add_text(b, c->title);
	buf_addc(b, ' ');
	add_badge(b, control_state_name(control_judge(c, &r->findings)));
	buf_adds(b, "</th></tr>\n");
	add_rows(b, r, c, d);
	buf_adds(b, "</tbody>\n");
}

/* What is told in the words of another control's settings, or not in the plan: a line each. */
static void add_others(struct buf *b, const struct report *r, const struct control_section *s)
{
	const char *begin = "<h3>Without a setting of their own</h3>\n<ul class=\"others\">\n";

	for (const struct control *c = controls; c->id; c++) {
		enum control_state state = control_judge(c, &r->findings);

		if (!control_in(s, c) || any_at(r, c))
			continue;
		buf_addf(b, "%s<li><span class=\"id\">%s</span> ", begin, c->id);
		begin = "";
		html_add_text(b, c->title);
		if (state == CONTROL_ABSENT)
			buf_adds(b, " <span class=\"absent\">not in the plan</span></li>\n");
		else {
			buf_addc(b, ' ');
			add_badge(b, control_state_name(state));
			buf_adds(b, "</li>\n");
		}
	}
	if (!*begin)
		buf_adds(b, "</ul>\n");
}

static void add_section(struct buf *b, const struct report *r, const struct control_section *s,
			const struct deeds *d)
{
	char id[32];
	bool any = false;

	snprintf(id, sizeof(id), "cis-%s", s->id);
	for (const struct control *c = controls; c->id; c++) {
		if (!control_in(s, c) || !any_at(r, c))
			continue;
		if (!any)
			table_begin(b, id, s->id, s->title);
		any = true;
		add_control(b, r, c, d);
	}
	if (any)
		buf_adds(b, "</table>\n");
	else
		buf_addf(b, "<section id=\"%s\">\n<h2>%s %s</h2>\n", id, s->id, s->title);
	add_others(b, r, s);
	buf_adds(b, "</section>\n");
}

void report_html_settings(struct buf *b, const struct report *r)
{
	struct deeds d;

	if (!deeds_of(&r->changes, &d)) {
		b->failed = true;
		return;
	}
	for (const struct control_section *s = control_sections; s->id; s++)
		add_section(b, r, s, &d);
	if (any_at(r, NULL)) {
		table_begin(b, "beside", "", "Beside the benchmark");
		buf_adds(b, "<tbody role=\"rowgroup\">\n");
		add_rows(b, r, NULL, &d);
		buf_adds(b, "</tbody>\n</table>\n</section>\n");
	}
	free(d.list);
}
