/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page: head, verdict, score by section, and the history.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_html.h"

#include <time.h>

#include "control.h"
#include "html.h"
#include "report_internal.h"
#include "template.h"

#define HISTORY_MAX 100 /* transactions */
#define STEPS_MAX   40	/* lines of each */

void report_html_name(struct buf *b, const char *module, const char *setting)
{
	_cleanup_buf_ struct buf name = BUF_INIT;

	add_setting(&name, module, setting);
	b->failed |= name.failed;
	buf_adds(b, "<code>");
	html_add_text(b, name.data);
	buf_adds(b, "</code>");
}

/* --- head --- */

static void add_hostname(struct buf *b, const struct host *h)
{
	_cleanup_free_ char *text = NULL;
	struct err ignored;
	size_t len;

	if (!h || host_read(h, "/etc/hostname", 4096, &text, &len, &ignored) < 0)
		text = NULL;
	if (text)
		text[strcspn(text, "\n")] = '\0';
	html_add_text(b, text && *text ? text : "a host without a name");
}

static void add_head(struct buf *b, const struct report *r)
{
	/* No script runs in it whatever happens, and nothing is fetched from anywhere. */
	buf_adds(b, "<!DOCTYPE html>\n"
		    "<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
		    "<meta charset=\"utf-8\"/>\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "style-src 'unsafe-inline'\"/>\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
		    "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
	add_hostname(b, r->h);
	buf_adds(b, ": bulkhead check</title>\n<style>\n");
	buf_adds(b, template_text("report.css"));
	buf_adds(b, "</style>\n</head>\n<body>\n");
}

static const char *verdict(const struct report *r)
{
	switch (r->result) {
	case REPORT_CONVERGED:
		return "The host is as the plan wants it";
	case REPORT_DIFFERS:
		return "Something is not as the plan wants it";
	default:
		return "This could not be checked";
	}
}

static void add_title(struct buf *b, const struct report *r)
{
	const char *offline = r->h ? host_offline_why(r->h) : NULL;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	buf_adds(b, "<header>\n<p class=\"kicker\">bulkhead check</p>\n<h1>");
	add_hostname(b, r->h);
	buf_addf(b, "</h1>\n<p class=\"verdict %s\">%s</p>\n<p class=\"facts\">",
		 r->result == REPORT_CONVERGED ? "ok"
		 : r->result == REPORT_DIFFERS ? "drift"
					       : "failed",
		 verdict(r));
	html_add_time(b, (uint64_t)now.tv_sec * 1000000);
	if (r->plan_path) {
		buf_adds(b, " · plan <code>");
		html_add_text(b, r->plan_path);
		buf_adds(b, "</code>");
	}
	if (offline)
		html_addf(b, " · not running (%s)", offline);
	else if (r->h)
		buf_adds(b, " · the running host");
	if (r->h && *host_prefix(r->h)) {
		buf_adds(b, " · root <code>");
		html_add_text(b, host_prefix(r->h));
		buf_adds(b, "</code>");
	}
	buf_adds(b, "</p>\n</header>\n<main>\n");
}

static void add_errs(struct buf *b, const struct errs *es)
{
	for (size_t i = 0; i < es->n; i++) {
		buf_adds(b, "<li>");
		if (es->list[i].where) {
			buf_adds(b, "<code>");
			html_add_text(b, es->list[i].where);
			buf_adds(b, "</code>: ");
		}
		html_add_text(b, es->list[i].text);
		buf_adds(b, "</li>\n");
	}
	if (es->more)
		buf_addf(b, "<li>and %zu more</li>\n", es->more);
}

/* What an apply would stumble over, and what a person should know. */
static void add_words(struct buf *b, const struct report *r)
{
	const struct changes *c = &r->changes;

	if (r->err.text[0] || c->mistakes.n || c->refusals.n) {
		buf_adds(b, "<section>\n<h2>In the way</h2>\n<ul class=\"words\">\n");
		if (r->err.text[0]) {
			buf_adds(b, "<li>");
			html_add_text(b, r->err.text);
			buf_adds(b, "</li>\n");
		}
		add_errs(b, &c->mistakes);
		add_errs(b, &c->refusals);
		buf_adds(b, "</ul>\n</section>\n");
	}
	if (!c->n_notes)
		return;
	buf_adds(b, "<section>\n<h2>To be known</h2>\n<ul class=\"words\">\n");
	for (size_t i = 0; i < c->n_notes; i++) {
		const struct note *n = &c->notes[i];

		buf_adds(b, "<li>");
		report_html_name(b, n->module, n->setting);
		buf_adds(b, ": ");
		html_add_text(b, n->text);
		buf_adds(b, "</li>\n");
	}
	buf_adds(b, "</ul>\n</section>\n");
}

/* --- score --- */

/* By control_state: the class of a part of a bar. */
static const char *const classes[] = { "failed",  "drift", "pending", "noted",
				       "skipped", "ok",	   "absent" };
/* What is well comes first. */
static const enum control_state order[] = { CONTROL_OK,	     CONTROL_FAILED, CONTROL_DRIFT,
					    CONTROL_PENDING, CONTROL_NOTED,  CONTROL_SKIPPED,
					    CONTROL_ABSENT };

static void add_bar(struct buf *b, const size_t n[CONTROL_STATES], size_t all)
{
	size_t before = 0;

	buf_adds(b, "<svg class=\"score\" width=\"100%\" height=\"14\" aria-hidden=\"true\">");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		size_t k = n[order[i]];

		if (!k)
			continue;
		buf_addf(b,
			 "<rect class=\"%s\" x=\"%.3f%%\" y=\"0\" width=\"%.3f%%\" height=\"14\"/>",
			 classes[order[i]], 100.0 * (double)before / (double)all,
			 100.0 * (double)k / (double)all);
		before += k;
	}
	buf_adds(b, "</svg>\n");
}

/* "12 ok, 1 drift", each with the colour that it has in the bar. */
static void add_legend(struct buf *b, const size_t n[CONTROL_STATES])
{
	buf_adds(b, "<p class=\"legend\">");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (n[order[i]])
			buf_addf(b, "<span><i class=\"%s\"></i>%zu %s</span> ", classes[order[i]],
				 n[order[i]], control_state_name(order[i]));
	buf_adds(b, "</p>\n");
}

static void add_score(struct buf *b, const struct report *r)
{
	size_t n[CONTROL_STATES], all = control_score(&r->findings, n);

	if (!all)
		return;
	buf_addf(b,
		 "<section>\n<h2>Score</h2>\n<p class=\"points\"><strong>%zu</strong> of %zu "
		 "controls ok <span class=\"of\">%s</span></p>\n",
		 n[CONTROL_OK], all, controls_name);
	add_bar(b, n, all);
	add_legend(b, n);
	buf_adds(b, "<ul class=\"cards\">\n");
	for (const struct control_section *s = control_sections; s->id; s++) {
		all = control_section_score(s, &r->findings, n);
		if (!all)
			continue;
		buf_addf(b, "<li><h3><a href=\"#cis-%s\">%s %s</a></h3>\n<p>%zu of %zu ok</p>\n",
			 s->id, s->id, s->title, n[CONTROL_OK], all);
		add_bar(b, n, all);
		add_legend(b, n);
		buf_adds(b, "</li>\n");
	}
	buf_adds(b, "</ul>\n</section>\n");
}

/* --- history --- */

static void add_step(struct buf *b, const char *kind, const char *what, const char *more)
{
	buf_addf(b, "<li><span class=\"kind\">%s</span> <code>", kind);
	html_add_text(b, what);
	buf_addf(b, "</code>%s</li>\n", more);
}

static void add_steps(struct buf *b, const struct journal *j)
{
	size_t n = 0, all = j->n_steps + j->n_commands + j->n_units;

	if (!all)
		return;
	buf_adds(b, "<ul class=\"steps\">\n");
	for (size_t i = 0; i < j->n_steps && n < STEPS_MAX; i++, n++)
		add_step(b, change_kind_name(j->steps[i].kind), j->steps[i].path, "");
	for (size_t i = 0; i < j->n_commands && n < STEPS_MAX; i++, n++)
		add_step(b, "command", j->commands[i].argv[0], "");
	for (size_t i = 0; i < j->n_units && n < STEPS_MAX; i++, n++)
		if (j->units[i].action != UNIT_NOTHING)
			add_step(b, unit_action_name(j->units[i].action), j->units[i].unit,
				 j->units[i].pending ? " (put off)" : "");
	if (n == STEPS_MAX && all > n)
		buf_addf(b, "<li>and %zu more</li>\n", all - n);
	buf_adds(b, "</ul>\n");
}

static void add_transaction(struct buf *b, const struct journal *list, size_t n, size_t i)
{
	const struct journal *j = &list[i];
	bool stands = journal_stands(list, n, j->id);

	buf_addf(b, "<li class=\"%s\">\n<h3>%u · ",
		 j->rollback ? "back"
		 : stands    ? "stands"
			     : "gone",
		 j->id);
	html_add_time(b, j->time_us);
	buf_adds(b, "</h3>\n<p>");
	if (j->rollback) {
		buf_adds(b, "rolled back ");
		for (size_t k = 0; k < j->n_undoes; k++)
			buf_addf(b, "%s%u", k ? ", " : "", j->undoes[k]);
	} else {
		buf_adds(b, stands ? "applied" : "applied, and undone since");
		if (j->plan) {
			buf_adds(b, ": <code>");
			html_add_text(b, j->plan);
			buf_adds(b, "</code>");
		}
	}
	buf_adds(b, "</p>\n");
	add_steps(b, j);
	buf_adds(b, "</li>\n");
}

void report_html_history(struct buf *b, const struct host *h)
{
	struct journal *list;
	struct err e;
	size_t n;
	int broken = journal_list(h, &list, &n, &e);

	buf_adds(b, "<section id=\"history\">\n<h2>History</h2>\n");
	if (broken) {
		buf_adds(b, "<p class=\"words\">It can't be read: ");
		html_add_text(b, e.text);
		buf_adds(b, "</p>\n</section>\n");
		if (broken > 0)
			journal_list_free(list, n);
		return;
	}
	if (!n)
		buf_adds(b, "<p>Nothing was applied to this host yet.</p>\n");
	else
		buf_adds(b, "<ol class=\"timeline\" reversed=\"reversed\">\n");
	for (size_t i = n; i > 0 && n - i < HISTORY_MAX; i--)
		add_transaction(b, list, n, i - 1);
	if (n)
		buf_adds(b, "</ol>\n");
	if (n > HISTORY_MAX)
		buf_addf(b, "<p>And %zu before these: <code>bulkhead history", n - HISTORY_MAX);
	if (n > HISTORY_MAX) {
		html_add_text(b, host_root_words(h));
		buf_adds(b, "</code></p>\n");
	}
	buf_adds(b, "</section>\n");
	journal_list_free(list, n);
}

char *report_html(const struct report *r)
{
	struct buf b = BUF_INIT;

	add_head(&b, r);
	add_title(&b, r);
	add_words(&b, r);
	if (report_looked(r)) {
		add_score(&b, r);
		report_html_settings(&b, r);
	}
	if (r->h) {
		report_html_ids(&b, r->h);
		report_html_history(&b, r->h);
	}
	buf_adds(&b, "</main>\n<footer><p>bulkhead " PACKAGE_VERSION
		     "</p></footer>\n</body>\n</html>\n");
	return buf_take(&b, NULL);
}
