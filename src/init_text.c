/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the plan of `bulkhead init` is written. Words of the host go through add_words() or the YAML
 * printer: nothing in them can end a comment.
 */
#include "init.h"

#include "control.h"
#include "redact.h"
#include "yaml_flow.h"

#define WIDTH 98

static const char head[] =
	"# This host as it is, as a plan: written by `bulkhead init`.\n"
	"#\n"
	"# What stands here is so already: `bulkhead diff` finds nothing to do. What has a # and no blank\n"
	"# behind it is what profile:baseline would add, or what is so but not yet held by bulkhead: take\n"
	"# away the #, also that of its section, and see with `bulkhead diff` what it would change. What a\n"
	"# plan does not name stays as it is. `bulkhead schema` tells every setting.\n"
	"version: 1\n";

/* A comment, in lines; words stay whole. */
static void add_words(struct buf *b, int indent, const char *text)
{
	_cleanup_free_ char *open = redact_text(text); /* before a line ends behind a name */
	_cleanup_buf_ struct buf shown = BUF_INIT;
	size_t column = 0;

	if (open)
		buf_add_shown(&shown, open, " ");
	b->failed |= shown.failed || !open;
	for (const char *p = shown.data; p && *p;) {
		size_t n = strcspn(p, " ");

		if (column && column + 1 + n > WIDTH) {
			buf_addc(b, '\n');
			column = 0;
		}
		if (!column) {
			buf_addf(b, "%*s#", indent, "");
			column = (size_t)indent + 1;
		}
		buf_addc(b, ' ');
		buf_add(b, p, n);
		column += 1 + n;
		p += n;
		p += strspn(p, " ");
	}
	if (column)
		buf_addc(b, '\n');
}

static void add_wordsf(struct buf *b, int indent, const char *fmt, ...) PRINTF(3, 4);

static void add_wordsf(struct buf *b, int indent, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	b->failed |= text.failed;
	if (!text.failed)
		add_words(b, indent, text.data);
}

static char *flow(const json_t *value)
{
	struct buf b = BUF_INIT;

	yaml_add_flow(&b, value);
	return buf_take(&b, NULL);
}

/* What it does, and what the benchmark wants of it. */
static void add_help(struct buf *b, const struct init_item *x)
{
	const struct field *f = field_find(x->module->fields, x->setting);
	_cleanup_buf_ struct buf text = BUF_INIT;
	bool named = false;

	if (!f)
		return;
	buf_adds(&text, f->help ? f->help : f->name);
	for (const struct control *c = controls; c->id; c++) {
		if (!control_named(f->cis, c->id))
			continue;
		buf_addf(&text, "%s %s: %s", named ? ";" : ". CIS", c->id, c->title);
		named = true;
	}
	b->failed |= text.failed;
	if (!text.failed)
		add_words(b, 2, text.data);
}

static void add_setting(struct buf *b, const struct init_item *x)
{
	_cleanup_free_ char *line = flow(x->value);
	json_t *v;
	size_t i;

	if (!line) {
		b->failed = true;
		return;
	}
	if (!json_is_array(x->value) || !json_array_size(x->value) ||
	    strlen(x->setting) + strlen(line) + 4 <= WIDTH) {
		buf_addf(b, "  %s: %s\n", x->setting, line);
		return;
	}
	buf_addf(b, "  %s:\n", x->setting);
	json_array_foreach (x->value, i, v) {
		buf_adds(b, "    - ");
		yaml_add_flow(b, v);
		buf_addc(b, '\n');
	}
}

static void add_stands(struct buf *b, const struct init_item *x, const struct init_item *last)
{
	(void)last;
	if (x->remark)
		add_words(b, 2, x->remark);
	if (x->otherwise) {
		_cleanup_free_ char *line = flow(x->otherwise);

		if (!line)
			b->failed = true;
		else
			add_wordsf(b, 2, "profile:baseline has %s here:", line);
		add_help(b, x);
	}
	add_setting(b, x);
}

/* The settings of a file of ours have one reason: it is told once. */
static bool told_before(const struct init_item *x, const struct init_item *last)
{
	return last && last->module == x->module && last->why && streq(last->why, x->why);
}

static void add_behind(struct buf *b, const struct init_item *x, const struct init_item *last)
{
	_cleanup_free_ char *line = flow(x->value);

	add_help(b, x);
	if (x->remark)
		add_words(b, 2, x->remark);
	if (x->why && x->adds)
		add_wordsf(b, 2, "Not as things stand: %s", x->why);
	else if (x->why && !told_before(x, last))
		add_wordsf(b, 2, "So it is already. %s", x->why);
	if (line)
		buf_addf(b, "  #%s: %s\n", x->setting, line);
	else
		b->failed = true;
}

static void add_told(struct buf *b, const struct init_item *x, const struct init_item *last)
{
	_cleanup_free_ char *line = NULL;

	(void)last;
	if (!x->setting) {
		add_words(b, 2, x->remark);
		return;
	}
	if (x->hidden) {
		add_wordsf(
			b, 2,
			"%s is set, and not shown: there are credentials in it. It stays as it is",
			x->setting);
		return;
	}
	line = flow(x->value);
	if (!line)
		b->failed = true;
	else
		add_wordsf(b, 2, "%s %s: %s, but not in a plan for this host: %s",
			   x->adds ? "profile:baseline has" : "It is", x->setting, line,
			   x->why ? x->why : "it can't be tried");
}

static size_t count(const struct init_item *list, size_t n, const struct module *m,
		    enum init_place place)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += list[i].module == m && list[i].place == place;
	return found;
}

static void add_module(struct buf *b, const struct init_item *list, size_t n,
		       const struct module *m)
{
	static void (*const add[])(struct buf * b, const struct init_item *x,
				   const struct init_item *last) = {
		[INIT_STANDS] = add_stands,
		[INIT_BEHIND] = add_behind,
		[INIT_TOLD] = add_told,
	};
	size_t stands = count(list, n, m, INIT_STANDS), behind = count(list, n, m, INIT_BEHIND);

	if (!stands && !behind && !count(list, n, m, INIT_TOLD))
		return;
	buf_addc(b, '\n');
	add_words(b, 0, m->summary ? m->summary : m->name);
	if (stands || behind)
		buf_addf(b, "%s%s:\n", stands ? "" : "#", m->name);
	for (int p = INIT_STANDS; p <= INIT_TOLD; p++) {
		const struct init_item *last = NULL;

		for (size_t i = 0; i < n; i++) {
			if (list[i].module != m || list[i].place != (enum init_place)p)
				continue;
			add[p](b, &list[i], last);
			last = &list[i];
		}
	}
}

char *init_text(const struct init_item *list, size_t n)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, head);
	for (size_t i = 0; modules[i]; i++)
		add_module(&b, list, n, modules[i]);
	return buf_take(&b, NULL);
}

char *init_trial(const struct init_item *list, size_t n, bool behind)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "version: 1\n");
	for (size_t i = 0; modules[i]; i++) {
		bool named = false;

		for (size_t k = 0; k < n; k++) {
			const struct init_item *x = &list[k];

			if (x->module != modules[i] ||
			    !(x->place == INIT_STANDS || (behind && x->place == INIT_BEHIND)))
				continue;
			if (!named)
				buf_addf(&b, "%s:\n", x->module->name);
			named = true;
			buf_addf(&b, "  %s: ", x->setting);
			yaml_add_flow(&b, x->value);
			buf_addc(&b, '\n');
		}
	}
	return buf_take(&b, NULL);
}
