/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <ctype.h>
#include <time.h>

#include "diff.h"
#include "redact.h"
#include "report_internal.h"

/* What a person would read; a file of such size is none that Docker or systemd was meant to read.
 */
#define DIFF_MAX (1024 * 1024)

static const char *const results[] = {
	"converged", "changed",	    "differs",	 "refused",	"undone",
	"stuck",     "rolled-back", "recovered", "handed-over",
};

void report_init(struct report *r, const char *command, const struct host *h)
{
	*r = (struct report){ .command = command, .h = h };
	changes_init(&r->changes);
}

void report_done(struct report *r)
{
	changes_done(&r->changes);
	findings_done(&r->findings);
	errs_done(&r->failed);
	journal_done(&r->journal);
}

/* --- pieces of text --- */

static void add_path(struct buf *b, const struct report *r, const char *path)
{
	buf_add_shown(b, host_prefix(r->h), NULL);
	buf_add_shown(b, path, NULL);
}

void report_add_command(struct buf *b, const char *command, const char *words)
{
	buf_addf(b, "bulkhead %s", command);
	buf_add_shown(b, words, NULL);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = len && text[len - 1] != '\n';

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

static void diff_line(struct buf *out, const struct change *c, char sign, const char *line)
{
	buf_addc(out, sign);
	redact_line(c->path, line, out);
	buf_addc(out, '\n');
}

/*
 * A database shows our lines only: the lines around them are other people's, password hashes among
 * them.
 */
static void diff_lines(struct buf *out, const struct change *c, const char *from, const char *to)
{
	const struct image *im = &c->before;
	size_t n = 0;

	buf_addf(out, "--- %s\n+++ %s\n", from, to);
	for (size_t i = 0; i < c->n_lines; i++) {
		const struct line *l = &c->lines[i];
		const char *at = l->old ? line_find(im->content, im->len, l->old) : NULL;
		size_t number = at ? count_lines(im->content, (size_t)(at - im->content)) + 1 : 0;

		n += !l->old;
		if (!l->old)
			continue;
		buf_addf(out, "@@ -%zu +%zu @@\n", number, number);
		diff_line(out, c, '-', l->old);
		diff_line(out, c, '+', l->text);
	}
	if (n)
		buf_addf(out, "@@ -%zu,0 +%zu,%zu @@\n", count_lines(im->content, im->len),
			 count_lines(im->content, im->len) + 1, n);
	for (size_t i = 0; i < c->n_lines; i++)
		if (!c->lines[i].old)
			diff_line(out, c, '+', c->lines[i].text);
}

/* Secrets are hidden while all of the file is in sight: a hunk may have a value without its name.
 */
static void diff_content(struct buf *out, const struct change *c, const char *from, const char *to)
{
	struct diff_text before = { from, c->before.content, c->before.len, NULL, 0 };
	struct diff_text after = { to, c->after.content, c->after.len, NULL, 0 };
	_cleanup_free_ char *open_before = NULL, *open_after = NULL;

	before.shown = open_before = redact_file(before.text, before.len, &before.shown_len);
	after.shown = open_after = redact_file(after.text, after.len, &after.shown_len);
	if (before.shown && after.shown)
		diff_shown(out, &before, &after, 3);
	else
		out->failed = true;
}

static char *change_diff(const struct report *r, const struct change *c)
{
	_cleanup_buf_ struct buf out = BUF_INIT, name = BUF_INIT;
	_cleanup_free_ char *path = NULL;
	const char *from, *to;

	add_path(&name, r, c->path);
	path = buf_take(&name, NULL);
	if (!path)
		return NULL;
	from = c->before.exists ? path : "/dev/null";
	to = c->after.exists ? path : "/dev/null";
	if (c->kind != CHANGE_LINES && (c->before.len > DIFF_MAX || c->after.len > DIFF_MAX))
		buf_addf(&out, "--- %s\n+++ %s\n(%zu bytes become %zu: too many to show)\n", from,
			 to, c->before.len, c->after.len);
	else if (c->kind == CHANGE_LINES)
		diff_lines(&out, c, from, to);
	else if (c->kind == CHANGE_FILE || c->kind == CHANGE_REMOVE)
		diff_content(&out, c, from, to);
	else if (c->kind == CHANGE_KNOB)
		buf_addf(&out, "kernel value %s: %.*s -> %s\n", path,
			 (int)strcspn(c->before.content, "\n"), c->before.content,
			 c->after.content);
	if (c->kind == CHANGE_DIR)
		buf_addf(&out, "directory %s, mode %04o, owner %u:%u\n", path,
			 c->after.mode & 07777, c->after.uid, c->after.gid);
	else if (c->before.exists && c->after.exists &&
		 (c->before.mode != c->after.mode || c->before.uid != c->after.uid ||
		  c->before.gid != c->after.gid))
		buf_addf(&out, "attributes %s: mode %04o -> %04o, owner %u:%u -> %u:%u\n", path,
			 c->before.mode & 07777, c->after.mode & 07777, c->before.uid,
			 c->before.gid, c->after.uid, c->after.gid);
	return buf_take(&out, NULL);
}

static void add_diff(struct buf *b, const char *diff, const struct report_style *st)
{
	for (const char *line = diff; *line;) {
		size_t n = strcspn(line, "\n");
		const char *color = NULL;

		if (has_prefix(line, "+++") || has_prefix(line, "---"))
			color = BOLD;
		else if (line[0] == '+')
			color = GREEN;
		else if (line[0] == '-')
			color = RED;
		else if (line[0] == '@')
			color = CYAN;
		if (st->color && color)
			buf_adds(b, color);
		buf_add(b, line, n);
		if (st->color && color)
			buf_adds(b, RESET);
		buf_addc(b, '\n');
		line += n + (line[n] == '\n');
	}
}

static void add_whys(struct buf *b, const struct why *whys, size_t n, const struct report_style *st)
{
	for (size_t i = 0; i < n; i++) {
		const struct why *w = &whys[i];
		_cleanup_buf_ struct buf line = BUF_INIT;

		add_setting(&line, w->module, w->setting);
		if (line.failed || !line.data)
			continue;
		buf_adds(b, "  ");
		add_colored(b, st, DIM, "because ", 0);
		buf_addf(b, "%-26s ", line.data);
		add_safe(b, w->text ? w->text : "");
		if (w->cis)
			buf_addf(b, "  [CIS %s]", w->cis);
		buf_addc(b, '\n');
	}
}

static void add_argv(struct buf *b, char *const *argv)
{
	for (; *argv; argv++) {
		buf_add_shown(b, *argv, NULL);
		buf_adds(b, argv[1] ? " " : "\n");
	}
}

static void add_commands(struct buf *b, const struct changes *c, const struct report_style *st,
			 bool done)
{
	for (size_t i = 0; i < c->n_commands; i++) {
		add_colored(b, st, done ? GREEN : YELLOW, done ? "ran" : "run", 10);
		add_argv(b, c->commands[i].argv);
		add_whys(b, c->commands[i].whys, c->commands[i].n_whys, st);
	}
}

/* By unit_action. */
static const char *const past[] = { "", "reloaded", "started", "restarted", "stopped" };

/* The first ask of a unit speaks for all: is this one not it? */
static bool ask_repeats(const struct changes *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (streq(c->asks[k].unit, c->asks[i].unit) &&
		    !c->asks[k].pending == !c->asks[i].pending && c->asks[k].action != UNIT_NOTHING)
			return true;
	return false;
}

static void add_asks(struct buf *b, const struct report *r, const struct report_style *st,
		     bool done)
{
	const struct changes *c = &r->changes;

	for (size_t i = 0; i < c->n_asks; i++) {
		const struct ask *a = &c->asks[i];
		enum unit_action action = a->action;

		if (action == UNIT_NOTHING || ask_repeats(c, i))
			continue;
		for (size_t k = i; k < c->n_asks; k++)
			if (streq(c->asks[k].unit, a->unit) && !c->asks[k].pending == !a->pending &&
			    c->asks[k].action > action)
				action = c->asks[k].action;
		add_colored(b, st, a->pending ? CYAN : YELLOW,
			    a->pending ? "pending"
			    : done     ? past[action]
				       : unit_action_name(action),
			    10);
		buf_addf(b, "%s", a->unit);
		if (a->pending)
			buf_addf(b, "  %s put off: %s", unit_action_name(action), a->pending);
		else if (done && r->seconds)
			buf_addf(b, "  in %u s", r->seconds);
		buf_addc(b, '\n');
		for (size_t k = i; k < c->n_asks; k++) {
			if (!streq(c->asks[k].unit, a->unit) || !c->asks[k].pending != !a->pending)
				continue;
			buf_adds(b, "  ");
			add_colored(b, st, DIM, "because ", 0);
			add_setting(b, c->asks[k].why.module, c->asks[k].why.setting);
			if (c->asks[k].why.text) {
				buf_adds(b, "  ");
				add_safe(b, c->asks[k].why.text);
			}
			buf_addc(b, '\n');
		}
	}
	if (c->manager_reload && !done && host_is_live(r->h))
		buf_adds(b, "reload    systemd's manager (unit files change)\n");
}

static void add_errs(struct buf *b, const struct errs *es, const char *label,
		     const struct report_style *st)
{
	for (size_t i = 0; i < es->n; i++) {
		add_colored(b, st, RED, label, 10);
		if (es->list[i].where) {
			add_safe(b, es->list[i].where);
			buf_adds(b, ": ");
		}
		add_safe(b, es->list[i].text);
		buf_addc(b, '\n');
	}
	if (es->more)
		buf_addf(b, "%-10sand %zu more\n", label, es->more);
	if (es->failed)
		buf_addf(b, "%-10smemory ran out: the list is not complete\n", label);
}

static void add_error(struct buf *b, const struct report *r, const struct report_style *st)
{
	if (!r->err.text[0])
		return;
	add_colored(b, st, RED, "error", 10);
	add_safe(b, r->err.text);
	buf_addc(b, '\n');
}

static bool any_ask(const struct changes *c)
{
	for (size_t i = 0; i < c->n_asks; i++)
		if (!c->asks[i].pending && c->asks[i].action != UNIT_NOTHING)
			return true;
	return false;
}

static bool any_pending(const struct report *r)
{
	for (size_t i = 0; i < r->changes.n_asks; i++)
		if (r->changes.asks[i].pending && r->changes.asks[i].action != UNIT_NOTHING)
			return true;
	for (size_t i = 0; i < r->findings.n; i++)
		if (r->findings.list[i].state == FINDING_PENDING)
			return true;
	return false;
}

/* --- the text of each command --- */

static void text_diff(struct buf *b, const struct report *r, const struct report_style *st)
{
	report_add_notes(b, r, st);
	for (size_t i = 0; i < r->changes.n; i++) {
		const struct change *c = r->changes.list[i];
		_cleanup_free_ char *diff = change_diff(r, c);

		if (!diff) {
			b->failed = true;
			return;
		}
		add_diff(b, diff, st);
		add_whys(b, c->whys, c->n_whys, st);
	}
	add_commands(b, &r->changes, st, false);
	add_asks(b, r, st, false);
	if (r->result == REPORT_CONVERGED && !st->quiet)
		buf_adds(b, "nothing to do: the host is as the plan wants it\n");
	else if (r->result == REPORT_DIFFERS)
		buf_addf(b, "%zu change%s to files%s%s. Nothing was written; make it so with: ",
			 r->changes.n, r->changes.n == 1 ? "" : "s",
			 r->changes.n_commands ? ", and commands to run" : "",
			 any_ask(&r->changes) ? ", and units to touch" : "");
	if (r->result == REPORT_DIFFERS) {
		report_add_command(b, "apply", host_plan_words(r->h));
		buf_adds(b, r->changes.no_restart ? " --no-restart\n" : "\n");
	}
}

static const char *verb(const struct change *c)
{
	static const char *const verbs[] = { "made", "wrote", "added to", "set", "removed", "set" };

	return c->kind == CHANGE_LINES && c->lines[0].old ? "changed" : verbs[c->kind];
}

static void text_changes_done(struct buf *b, const struct report *r, const struct report_style *st)
{
	for (size_t i = 0; i < r->changes.n; i++) {
		const struct change *c = r->changes.list[i];
		_cleanup_free_ char *diff = NULL;

		add_colored(b, st, GREEN, verb(c), 10);
		add_path(b, r, c->path);
		buf_addc(b, '\n');
		if (st->verbose && (diff = change_diff(r, c)))
			add_diff(b, diff, st);
		add_whys(b, c->whys, c->n_whys, st);
	}
}

static void text_apply(struct buf *b, const struct report *r, const struct report_style *st)
{
	bool pending = any_pending(r);

	if (r->recovered)
		buf_addf(
			b,
			"recovered: what the interrupted run of transaction %u had done was put back first\n",
			r->journal.id);
	if (!st->quiet && !r->announced)
		report_add_notes(b, r, st);
	if (r->result == REPORT_CHANGED) {
		if (!st->quiet) {
			text_changes_done(b, r, st);
			add_commands(b, &r->changes, st, true);
		}
		add_asks(b, r, st, true);
		if (st->verbose && r->watched)
			buf_addf(
				b,
				"watched   for %u s after the start: some daemons come up and die a little "
				"later (service.watch)\n",
				r->watched);
		report_add_findings(b, r, st);
		if (!st->quiet) {
			buf_addf(b, "done: transaction %u. Undo it with: ", r->id);
			report_add_command(b, "rollback", host_root_words(r->h));
			buf_addc(b, '\n');
		}
	} else if (r->result == REPORT_CONVERGED) {
		add_asks(b, r, st, false);
		if (st->verbose)
			report_add_findings(b, r, st);
		if (!st->quiet) {
			buf_adds(b, pending ? "nothing to write ("
					    : "nothing to do: the host is as the plan wants it (");
			report_add_counts(b, r);
			buf_adds(b, ")\n");
		}
	} else if (r->result == REPORT_DIFFERS) {
		report_add_findings(b, r, st);
	} else if (r->result == REPORT_HANDED_OVER && !st->quiet) {
		buf_adds(
			b,
			"nothing was touched: this is no boot, Docker runs already. " APPLY_UNIT
			" applies the plan now, restarts included; what it did: journalctl -u bulkhead-apply\n");
	}
	if (pending && (r->result == REPORT_CHANGED || r->result == REPORT_CONVERGED))
		buf_adds(
			b,
			"pending: the files are right, the running daemon has not taken them yet\n");
}

static void text_back(struct buf *b, const struct report *r, const struct report_style *st)
{
	const struct journal *j = &r->journal;

	if (st->quiet)
		return;
	if (r->result == REPORT_CONVERGED) {
		buf_adds(b, "nothing to recover: no run was interrupted\n");
		return;
	}
	if (r->result == REPORT_RECOVERED) {
		for (size_t i = 0; i < j->n_steps; i++) {
			buf_adds(b, "put back  ");
			add_path(b, r, j->steps[i].path);
			buf_addc(b, '\n');
		}
		buf_addf(
			b,
			j->rollback
				? "recovered: the rollback of transaction %u was carried to its end\n"
				: "recovered: transaction %u, which was interrupted, is undone\n",
			j->rollback && j->n_undoes ? j->undoes[0] : j->id);
		return;
	}
	buf_adds(b, "rolled back: transaction");
	for (size_t i = 0; i < j->n_undoes; i++)
		buf_addf(b, "%s %u", i ? "," : "", j->undoes[i]);
	buf_adds(b, ". The host is as it was before\n");
	for (size_t i = 0; i < j->n_commands; i++) {
		buf_addf(b, "%-10s", "ran");
		add_argv(b, j->commands[i].argv);
	}
	for (size_t i = 0; i < j->n_units; i++)
		if (!j->units[i].pending && j->units[i].action != UNIT_NOTHING)
			buf_addf(b, "%-10s%s\n", past[j->units[i].action], j->units[i].unit);
	for (size_t i = 0; i < j->n_units; i++)
		if (j->units[i].pending && j->units[i].action != UNIT_NOTHING)
			buf_addf(b, "%-10s%s  %s put off: --no-restart\n", "pending",
				 j->units[i].unit, unit_action_name(j->units[i].action));
}

char *report_notes_text(const struct report *r, const struct report_style *style)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	report_add_notes(&b, r, style);
	return buf_take(&b, NULL);
}

char *report_text(const struct report *r, const struct report_style *style)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	add_errs(&b, &r->changes.mistakes, "mistake", style);
	add_errs(&b, &r->changes.refusals, "refused", style);
	if (streq(r->command, "diff"))
		text_diff(&b, r, style);
	else if (streq(r->command, "apply"))
		text_apply(&b, r, style);
	else if (streq(r->command, "check"))
		report_check_text(&b, r, style);
	else if (!r->err.text[0])
		text_back(&b, r, style);
	add_error(&b, r, style);
	add_errs(&b, &r->failed, r->code == EXIT_STUCK ? "not back" : "differs", style);
	if (r->result == REPORT_UNDONE) {
		buf_adds(&b, "undone: everything was put back, the host is as it was\n");
	} else if (r->result == REPORT_STUCK && streq(r->command, "rollback") &&
		   !journal_interrupted(r->h)) {
		buf_adds(&b, "stuck: the files are as they were before, what runs is not\n");
	} else if (r->result == REPORT_STUCK && r->failed.n) {
		buf_adds(&b, "stuck: not everything could be put back. When the cause is gone: ");
		report_add_command(&b, "recover", host_root_words(r->h));
		buf_adds(&b, " (with --force, the before-images overwrite what somebody edited)\n");
	} else if (r->result == REPORT_REFUSED &&
		   (errs_any(&r->changes.mistakes) || errs_any(&r->changes.refusals))) {
		buf_adds(&b, "nothing was touched\n");
	}
	return buf_take(&b, NULL);
}

/* --- JSON --- */

static json_t *errs_json(const struct errs *es)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < es->n; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}", "where",
						      json_string_any(es->list[i].where), "text",
						      json_string_any(es->list[i].text)));
	return list;
}

static json_t *why_json(const struct why *w)
{
	return json_pack("{s:s, s:s?, s:s?, s:o}", "module", w->module, "setting", w->setting,
			 "cis", w->cis, "text", json_string_any(w->text));
}

static json_t *changes_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->changes.n; i++) {
		const struct change *c = r->changes.list[i];
		_cleanup_free_ char *diff = change_diff(r, c);
		json_t *whys = json_array();

		for (size_t k = 0; k < c->n_whys; k++)
			json_array_append_new(whys, why_json(&c->whys[k]));
		json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o}", "path",
						      json_string_any(c->path), "kind",
						      change_kind_name(c->kind), "why", whys,
						      "diff", json_string_any(diff)));
	}
	return list;
}

static json_t *argv_json(char *const *argv)
{
	json_t *list = json_array();

	for (; list && *argv; argv++)
		json_array_append_new(list, json_string_any(*argv));
	return list;
}

static json_t *commands_json(const struct changes *c)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < c->n_commands; i++) {
		json_t *whys = json_array();

		for (size_t k = 0; k < c->commands[i].n_whys; k++)
			json_array_append_new(whys, why_json(&c->commands[i].whys[k]));
		json_array_append_new(list, json_pack("{s:o, s:o}", "argv",
						      argv_json(c->commands[i].argv), "why", whys));
	}
	return list;
}

static json_t *asks_json(const struct changes *c)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < c->n_asks; i++)
		if (c->asks[i].action != UNIT_NOTHING)
			json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:o}", "unit",
							      c->asks[i].unit, "action",
							      unit_action_name(c->asks[i].action),
							      "pending", c->asks[i].pending, "why",
							      why_json(&c->asks[i].why)));
	return list;
}

static json_t *notes_json(const struct changes *c)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < c->n_notes; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s?, s:o}", "module", c->notes[i].module,
						"setting", c->notes[i].setting, "text",
						json_string_any(c->notes[i].text)));
	return list;
}

static json_t *ids_json(const unsigned *ids, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		json_array_append_new(list, json_integer(ids[i]));
	return list;
}

static json_t *plan_json(const struct report *r)
{
	json_t *o;

	if (!r->plan)
		return json_null();
	o = plan_files(r->plan);
	if (o && json_object_set_new(o, "path", json_string_any(r->plan_path))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

json_t *report_json(const struct report *r)
{
	const char *root = *host_prefix(r->h) ? host_prefix(r->h) : "/";

	return report_stamp(
		json_pack(
			"{s:i, s:s, s:o, s:o, s:o, s:b, s:s, s:i, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			"format", FORMAT, "command", r->command, "root", json_string_any(root),
			"plan", plan_json(r), "applied",
			streq(r->command, "check") ? report_applied_json(r->h) : json_null(),
			"live", host_is_live(r->h), "result", results[r->result], "exit_code",
			(int)r->code, "transaction", r->id ? json_integer(r->id) : json_null(),
			"recovered", r->recovered || r->result == REPORT_RECOVERED, "undone",
			ids_json(r->journal.undoes,
				 r->result == REPORT_ROLLED_BACK || r->result == REPORT_RECOVERED
					 ? r->journal.n_undoes
					 : 0),
			"changes", changes_json(r), "commands", commands_json(&r->changes), "units",
			asks_json(&r->changes), "notes", notes_json(&r->changes), "findings",
			report_findings_json(&r->findings), "controls", report_controls_json(r),
			"score", report_score_json(r), "mistakes", errs_json(&r->changes.mistakes),
			"refusals", errs_json(&r->changes.refusals), "failed",
			errs_json(&r->failed), "error",
			json_string_any(r->err.text[0] ? r->err.text : NULL)),
		r->h);
}

char *report_mistakes_text(const struct errs *mistakes, const struct report_style *style)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < mistakes->n; i++) {
		if (mistakes->list[i].where) {
			if (style->color)
				buf_adds(&b, BOLD);
			add_safe(&b, mistakes->list[i].where);
			if (style->color)
				buf_adds(&b, RESET);
			buf_adds(&b, ": ");
		}
		add_safe(&b, mistakes->list[i].text);
		buf_addc(&b, '\n');
	}
	if (mistakes->more)
		buf_addf(&b, "and %zu more\n", mistakes->more);
	return buf_take(&b, NULL);
}

json_t *report_mistakes_json(const char *command, const struct errs *mistakes)
{
	return json_pack("{s:i, s:s, s:s, s:i, s:o}", "format", FORMAT, "command", command,
			 "result", mistakes->n ? "refused" : "valid", "exit_code",
			 mistakes->n ? EXIT_USAGE : EXIT_AS_WANTED, "mistakes",
			 errs_json(mistakes));
}

/* --- history --- */

char *report_history_text(const struct journal *list, size_t n, const struct report_style *style)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = n; i > 0; i--) {
		const struct journal *j = &list[i - 1];
		bool undone = !j->rollback && !journal_stands(list, n, j->id);

		buf_addf(&b, "%4u  ", j->id);
		report_add_time(&b, j->time_us);
		buf_adds(&b, "  ");
		add_colored(&b, style,
			    j->rollback ? CYAN
			    : undone	? DIM
					: GREEN,
			    j->rollback ? "rollback"
			    : undone	? "undone"
					: "applied",
			    8);
		for (size_t k = 0; k < j->n_undoes; k++)
			buf_addf(&b, "%s%u", k ? ", " : "  of ", j->undoes[k]);
		if (j->plan) {
			buf_adds(&b, "  ");
			add_safe(&b, j->plan);
		}
		buf_addc(&b, '\n');
		for (size_t k = 0; k < j->n_steps && !style->quiet; k++) {
			buf_addf(&b, "      %-10s  ", change_kind_name(j->steps[k].kind));
			add_safe(&b, j->steps[k].path);
			buf_addc(&b, '\n');
		}
		for (size_t k = 0; k < j->n_commands && !style->quiet; k++) {
			buf_addf(&b, "      %-10s  ", "command");
			add_argv(&b, j->commands[k].argv);
		}
		for (size_t k = 0; k < j->n_units && !style->quiet; k++)
			if (j->units[k].action != UNIT_NOTHING)
				buf_addf(&b, "      %-10s  %s%s\n",
					 unit_action_name(j->units[k].action), j->units[k].unit,
					 j->units[k].pending ? " (put off)" : "");
	}
	if (!n)
		buf_adds(&b, "nothing was applied to this host yet\n");
	return buf_take(&b, NULL);
}

static json_t *history_steps_json(const struct journal *j)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < j->n_steps; i++)
		json_array_append_new(list, json_pack("{s:o, s:s, s:O}", "path",
						      json_string_any(j->steps[i].path), "kind",
						      change_kind_name(j->steps[i].kind), "why",
						      j->steps[i].why));
	return list;
}

static json_t *history_units_json(const struct journal *j)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < j->n_units; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:b, s:s, s:s}", "unit", j->units[i].unit,
					"action", unit_action_name(j->units[i].action), "pending",
					j->units[i].pending, "invocation_before",
					j->units[i].before, "invocation_after", j->units[i].after));
	return list;
}

static json_t *history_commands_json(const struct journal *j)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < j->n_commands; i++)
		json_array_append_new(list, json_pack("{s:o, s:O}", "argv",
						      argv_json(j->commands[i].argv), "why",
						      j->commands[i].why));
	return list;
}

json_t *report_history_json(const struct journal *list, size_t n)
{
	json_t *all = json_array();

	for (size_t i = n; all && i > 0; i--) {
		const struct journal *j = &list[i - 1];
		_cleanup_buf_ struct buf when = BUF_INIT;

		report_add_time(&when, j->time_us);
		json_array_append_new(
			all, json_pack("{s:i, s:s, s:s, s:b, s:o, s:s?, s:o, s:o, s:o}", "id",
				       (int)j->id, "kind", j->rollback ? "rollback" : "apply",
				       "time", when.data ? when.data : "", "stands",
				       journal_stands(list, n, j->id), "undoes",
				       ids_json(j->undoes, j->n_undoes), "plan", j->plan, "changes",
				       history_steps_json(j), "commands", history_commands_json(j),
				       "units", history_units_json(j)));
	}
	return json_pack("{s:i, s:s, s:o}", "format", FORMAT, "command", "history", "transactions",
			 all);
}
