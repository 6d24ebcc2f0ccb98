/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.json under the rules, for tests of them: included are their sources, on a host that may be
 * taken for a live one.
 */
#ifndef BULKHEAD_TESTS_DAEMON_RULES_H
#define BULKHEAD_TESTS_DAEMON_RULES_H

#include "unit.h"

#include "../modules/daemon_keys.h"

/* A live host without one: its root is a tree. */
static bool fake_live;

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

#define host_is_live fake_is_live
#include "../modules/daemon_rules.c"
#include "../modules/daemon_rules_limits.c"
#include "../modules/daemon_rules_log.c"
#include "../modules/daemon_rules_logopts.c"

/* One document under the rules. */
struct run {
	const char *doc, *plan; /* plan NULL: all of the document */
	const char *info;
	unsigned engine;
	struct host *host;
	const struct engine_cmdline *cmdline;
	struct errs mistakes, fatal, warnings;
};

static json_t *load(const char *text)
{
	json_t *j = text ? json_loads(text, 0, NULL) : NULL;

	ck_assert_msg(!text || j, "%s", text);
	return j;
}

static void run(struct run *r)
{
	json_t *doc = load(r->doc), *plan = load(r->plan ? r->plan : r->doc), *info = load(r->info);
	struct daemon_doc d = { .doc = doc,
				.plan = plan,
				.info = info,
				.engine = r->engine,
				.engine_text = "Docker 20.10.24 on this host",
				.host = r->host,
				.cmdline = r->cmdline,
				.config = "/etc/docker/daemon.json",
				.mistakes = &r->mistakes,
				.fatal = &r->fatal,
				.warnings = &r->warnings };
	struct err e;

	ck_assert_int_eq(daemon_rules(&d, &e), 0);
	json_decref(doc);
	json_decref(plan);
	json_decref(info);
}

static void run_done(struct run *r)
{
	errs_done(&r->mistakes);
	errs_done(&r->fatal);
	errs_done(&r->warnings);
	r->mistakes = r->fatal = r->warnings = (struct errs){ 0 };
}

/* One mistake that holds `text`; NULL: none at all. */
static void expect(unsigned engine, const char *doc, const char *text)
{
	struct run r = { .doc = doc, .engine = engine };

	run(&r);
	ck_assert_msg(!r.fatal.n && !r.warnings.n, "%s", doc);
	if (text) {
		ck_assert_msg(r.mistakes.n == 1, "%s: %zu mistakes", doc, r.mistakes.n);
		ck_assert_msg(strstr(r.mistakes.list[0].text, text), "%s: %s", doc,
			      r.mistakes.list[0].text);
	} else {
		ck_assert_msg(!r.mistakes.n, "%s: %s", doc,
			      r.mistakes.n ? r.mistakes.list[0].text : "");
	}
	run_done(&r);
}

#define V20 VERSION(20, 10)
#define V28 VERSION(28, 5)
#define V29 VERSION(29, 7)

#endif
