/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `check` found as JUnit XML, which pipelines read: a suite a module, a case a setting. There
 * is no standard of it; what stands here is what Jenkins, GitLab and GitHub's actions agree on.
 */
#include "redact.h"
#include "report_internal.h"

/* By finding_state: what a case that did not pass is called. */
static const char *const types[] = {
	[FINDING_DRIFT] = "drift",
	[FINDING_PENDING] = "pending",
	[FINDING_FAILED] = "failed",
	[FINDING_NOTED] = NULL,
};

/*
 * Text in an attribute or an element. XML 1.0 has no way to write control characters: they are
 * shown, as are U+FFFE and U+FFFF, which are no characters (section 2.2).
 */
static void add_xml(struct buf *b, const char *text)
{
	_cleanup_buf_ struct buf shown = BUF_INIT;

	buf_add_shown(&shown, text, "\n");
	if (shown.failed) {
		b->failed = true;
		return;
	}
	for (const char *p = shown.data ? shown.data : ""; *p; p++) {
		if (*p == '&')
			buf_adds(b, "&amp;");
		else if (*p == '<')
			buf_adds(b, "&lt;");
		else if (*p == '>')
			buf_adds(b, "&gt;");
		else if (*p == '"')
			buf_adds(b, "&quot;");
		else if (*p == '\n')
			buf_adds(b, "&#10;");
		else if (has_prefix(p, "\xef\xbf\xbe") || has_prefix(p, "\xef\xbf\xbf")) {
			buf_addf(b, "\\xef\\xbf\\x%02x", (unsigned char)p[2]);
			p += 2;
		} else
			buf_addc(b, *p);
	}
}

/* As add_xml, of a value by the name of its setting: without its secrets. */
static void add_open(struct buf *b, const char *name, const char *value)
{
	_cleanup_free_ char *open = redact_value(name, value);

	if (open)
		add_xml(b, open);
	else
		b->failed = true;
}

static void add_attribute(struct buf *b, const char *name, const char *text)
{
	buf_addf(b, " %s=\"", name);
	add_open(b, NULL, text);
	buf_addc(b, '"');
}

/* "wanted false, found true (GET /info)" */
static void add_words(struct buf *b, const struct finding *f)
{
	if (f->wanted) {
		buf_adds(b, "wanted ");
		add_open(b, f->setting, f->wanted);
	}
	if (f->found && (!f->wanted || !streq(f->wanted, f->found))) {
		buf_adds(b, f->wanted ? ", found " : "found ");
		add_open(b, f->setting, f->found);
	}
	if (f->why) {
		buf_adds(b, f->wanted || f->found ? " (" : "");
		add_open(b, NULL, f->why);
		buf_adds(b, f->wanted || f->found ? ")" : "");
	}
}

static void add_properties(struct buf *b, const char *cis)
{
	buf_adds(b, "      <properties>\n");
	for (const char *id = cis; *id; id += strspn(id, ", ")) {
		size_t n = strcspn(id, ", ");

		buf_addf(b, "        <property name=\"cis\" value=\"%.*s\"/>\n", (int)n, id);
		id += n;
	}
	buf_adds(b, "      </properties>\n");
}

static void add_case(struct buf *b, const struct finding *f)
{
	buf_adds(b, "    <testcase");
	add_attribute(b, "classname", f->module);
	add_attribute(b, "name", f->setting ? f->setting : f->module);
	buf_adds(b, ">\n");
	if (f->cis && *f->cis)
		add_properties(b, f->cis);
	if (f->state == FINDING_SKIPPED)
		buf_adds(b, "      <skipped message=\"");
	else if (types[f->state])
		buf_addf(b, "      <failure type=\"%s\" message=\"", types[f->state]);
	else
		buf_adds(b, "      <system-out>");
	add_words(b, f);
	buf_adds(b, f->state == FINDING_SKIPPED || types[f->state] ? "\"/>\n" : "</system-out>\n");
	buf_adds(b, "    </testcase>\n");
}

struct counts {
	size_t tests, failures, errors, skipped;
};

static void add_counts(struct buf *b, const struct counts *c)
{
	buf_addf(b, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n", c->tests,
		 c->failures, c->errors, c->skipped);
}

/* Of one module, or (NULL) of all. */
static struct counts count(const struct findings *f, const char *module)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		if (module && !streq(f->list[i].module, module))
			continue;
		c.tests++;
		c.skipped += f->list[i].state == FINDING_SKIPPED;
		c.failures += types[f->list[i].state] != NULL;
	}
	return c;
}

static void add_suite(struct buf *b, const struct findings *f, const char *module)
{
	const struct counts c = count(f, module);

	if (!c.tests)
		return;
	buf_adds(b, "  <testsuite");
	add_attribute(b, "name", module);
	add_counts(b, &c);
	for (size_t i = 0; i < f->n; i++)
		if (streq(f->list[i].module, module))
			add_case(b, &f->list[i]);
	buf_adds(b, "  </testsuite>\n");
}

static void add_error(struct buf *b, const char *where, const char *text)
{
	buf_adds(b, "      <error message=\"");
	if (where) {
		add_open(b, NULL, where);
		buf_adds(b, ": ");
	}
	add_open(b, NULL, text);
	buf_adds(b, "\"/>\n");
}

/* That the host could be looked at is a case, too. */
static void add_look(struct buf *b, const struct report *r)
{
	const struct errs *const lists[] = { &r->changes.mistakes, &r->changes.refusals };

	buf_adds(b, "    <testcase classname=\"bulkhead\" name=\"check\">\n");
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++)
			add_error(b, lists[k]->list[i].where, lists[k]->list[i].text);
	if (r->err.text[0])
		add_error(b, NULL, r->err.text);
	buf_adds(b, "    </testcase>\n");
}

char *report_junit(const struct report *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	bool error =
		r->err.text[0] || errs_any(&r->changes.mistakes) || errs_any(&r->changes.refusals);
	struct counts look = { .tests = 1, .errors = error }, all = count(&r->findings, NULL);

	all.tests += look.tests;
	all.errors += look.errors;
	buf_adds(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"bulkhead\"");
	add_counts(&b, &all);
	buf_adds(&b, "  <testsuite name=\"bulkhead\"");
	add_counts(&b, &look);
	add_look(&b, r);
	buf_adds(&b, "  </testsuite>\n");
	for (size_t i = 0; modules[i]; i++)
		add_suite(&b, &r->findings, modules[i]->name);
	buf_adds(&b, "</testsuites>\n");
	return buf_take(&b, NULL);
}
