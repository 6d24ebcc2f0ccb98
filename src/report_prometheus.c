/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `check` found as metrics, in the text format that node_exporter's textfile collector reads:
 * https://prometheus.io/docs/instrumenting/exposition_formats/. No line has a timestamp, which that
 * collector refuses; a series stands there once.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <time.h>

#include "control.h"
#include "redact.h"
#include "report_internal.h"

/* By finding_state: how much it matters. What is above 2 is not as wanted. */
static const int weights[] = {
	[FINDING_OK] = 0,      [FINDING_NOTED] = 1, [FINDING_SKIPPED] = 2,
	[FINDING_PENDING] = 3, [FINDING_DRIFT] = 4, [FINDING_FAILED] = 5,
};

static void metric(struct buf *b, const char *name, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void metric_value(struct buf *b, const char *name, const char *help, long long value)
{
	metric(b, name, help);
	buf_addf(b, "%s %lld\n", name, value);
}

/* name="value", in which a host's bytes may stand. */
static void add_label(struct buf *b, const char *name, const char *text)
{
	_cleanup_free_ char *open = text ? redact_text(text) : strdup("");
	_cleanup_buf_ struct buf shown = BUF_INIT;

	if (open)
		buf_add_shown(&shown, open, NULL);
	if (!open || shown.failed) {
		b->failed = true;
		return;
	}
	buf_addf(b, "%s=\"", name);
	for (const char *p = shown.data ? shown.data : ""; *p; p++) {
		if (*p == '\\' || *p == '"')
			buf_addc(b, '\\');
		buf_addc(b, *p);
	}
	buf_addc(b, '"');
}

/* --- a series a setting --- */

static int by_name(const void *a, const void *b)
{
	const struct finding *x = *(const struct finding *const *)a;
	const struct finding *y = *(const struct finding *const *)b;
	int c = strcmp(x->module, y->module);

	if (!c)
		c = strcmp(x->setting ? x->setting : "", y->setting ? y->setting : "");
	/* Of several findings of one setting the worst is first, and speaks. */
	return c ? c : weights[y->state] - weights[x->state];
}

static bool same_setting(const struct finding *a, const struct finding *b)
{
	return streq(a->module, b->module) &&
	       streq(a->setting ? a->setting : "", b->setting ? b->setting : "");
}

static void add_settings(struct buf *b, const struct findings *f)
{
	_cleanup_free_ const struct finding **list = calloc(f->n + 1, sizeof(*list));

	if (!list) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < f->n; i++)
		list[i] = &f->list[i];
	qsort(list, f->n, sizeof(*list), by_name);
	metric(b, "bulkhead_setting_state",
	       "State of a setting: 0 ok, 1 noted, 2 skipped, 3 pending, 4 drift, 5 failed.");
	for (size_t i = 0; i < f->n; i++) {
		if (i && same_setting(list[i], list[i - 1]))
			continue;
		buf_adds(b, "bulkhead_setting_state{");
		add_label(b, "module", list[i]->module);
		buf_addc(b, ',');
		add_label(b, "setting", list[i]->setting);
		buf_addc(b, ',');
		add_label(b, "cis", list[i]->cis);
		buf_addf(b, "} %d\n", weights[list[i]->state]);
	}
}

static void add_findings(struct buf *b, const struct findings *f)
{
	size_t n[ARRAY_SIZE(weights)] = { 0 };

	for (size_t i = 0; i < f->n; i++)
		n[f->list[i].state]++;
	metric(b, "bulkhead_findings", "Findings of the check, by state.");
	for (size_t i = 0; i < ARRAY_SIZE(weights); i++)
		buf_addf(b, "bulkhead_findings{state=\"%s\"} %zu\n",
			 finding_state_name((enum finding_state)i), n[i]);
	add_settings(b, f);
}

static void add_score(struct buf *b, const struct findings *f)
{
	size_t n[CONTROL_STATES], all = control_score(f, n);

	metric(b, "bulkhead_cis_controls", "Controls of the CIS Docker Benchmark, by state.");
	for (enum control_state s = 0; s < CONTROL_STATES; s++)
		buf_addf(b, "bulkhead_cis_controls{state=\"%s\"} %zu\n",
			 s == CONTROL_ABSENT ? "absent" : control_state_name(s), n[s]);
	metric_value(b, "bulkhead_cis_controls_counted",
		     "How many controls count, whatever their state.", (long long)all);
}

/* --- the host --- */

/* What can't be read is no series: an alert on absent() tells. */
static void add_last(struct buf *b, const struct host *h)
{
	struct journal *list;
	struct err ignored;
	size_t n;
	int broken = h ? journal_list(h, &list, &n, &ignored) : -ENOENT;

	if (broken > 0)
		journal_list_free(list, n);
	if (broken)
		return;
	metric_value(b, "bulkhead_transaction_id",
		     "The last transaction of the history, 0 before the first.",
		     n ? list[n - 1].id : 0);
	metric_value(b, "bulkhead_transaction_time_seconds",
		     "When the last transaction was made, in seconds since 1970.",
		     n ? (long long)(list[n - 1].time_us / 1000000) : 0);
	journal_list_free(list, n);
}

char *report_prometheus(const struct report *r)
{
	bool looked = report_looked(r);
	_cleanup_buf_ struct buf b = BUF_INIT;

	metric(&b, "bulkhead_build_info", "The program that looked.");
	buf_adds(&b, "bulkhead_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	metric_value(&b, "bulkhead_check_success",
		     "1: the host was looked at; 0: it could not be, the other series are absent.",
		     looked);
	metric_value(&b, "bulkhead_check_time_seconds",
		     "When the check ended, in seconds since 1970.", (long long)time(NULL));
	metric_value(&b, "bulkhead_check_exit_code",
		     "0 as wanted, 1 failed, 2 differs, 3 an interrupted run waits, 64 bad plan.",
		     r->code);
	metric_value(&b, "bulkhead_interrupted", "1: an interrupted run waits for recover.",
		     r->result == REPORT_STUCK);
	if (looked) {
		add_findings(&b, &r->findings);
		add_score(&b, &r->findings);
	}
	add_last(&b, r->h);
	return buf_take(&b, NULL);
}
