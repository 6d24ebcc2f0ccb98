/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: what a command found and did, as text for people and as one JSON document.
 */
#ifndef BULKHEAD_REPORT_H
#define BULKHEAD_REPORT_H

#include "journal.h"
#include "module.h"

enum exit_code {
	EXIT_AS_WANTED = 0,
	EXIT_FAILED = 1,  /* the host is as it was */
	EXIT_DIFFERS = 2, /* diff, check */
	EXIT_STUCK = 3,	  /* not everything could be put back, or an interrupted run waits */
	EXIT_USAGE = 64,  /* bad usage or plan; EX_USAGE of sysexits.h */
};

#define APPLY_UNIT "bulkhead-apply.service" /* in templates/units */

enum report_result {
	REPORT_CONVERGED, /* nothing was to do */
	REPORT_CHANGED,	  /* done and verified */
	REPORT_DIFFERS,	  /* diff, check */
	REPORT_REFUSED,	  /* nothing was touched */
	REPORT_UNDONE,	  /* it failed and everything was put back */
	REPORT_STUCK,	  /* not everything could be put back */
	REPORT_ROLLED_BACK,
	REPORT_RECOVERED,
	REPORT_HANDED_OVER, /* a boot's run beside a daemon that runs: APPLY_UNIT does it */
};

struct report {
	const char *command; /* "apply" ... */
	const struct host *h;
	const struct plan *plan; /* NULL: the command takes none */
	const char *plan_path;
	enum exit_code code;
	enum report_result result;
	struct changes changes;
	struct findings findings;
	struct err err;		/* why it failed; text "" when it didn't */
	struct errs failed;	/* what could not be put back, or stands in the way: where, text */
	unsigned id;		/* the transaction that is history now, 0: none */
	struct journal journal; /* rollback, recover: what was taken back */
	bool recovered;		/* apply: an interrupted run was put back first (in `journal`) */
	bool announced;		/* apply: the notes were shown before anything happened */
	unsigned seconds;	/* how long units took */
	unsigned watched;	/* and how long they were watched after that */
};

void report_init(struct report *r, const char *command, const struct host *h);
void report_done(struct report *r);
#define _cleanup_report_ _cleanup_(report_done)

struct report_style {
	bool color;
	bool quiet;   /* only what failed, differs or is pending */
	bool verbose; /* also what is as wanted, and the diffs of an apply */
};

/* NULL: out of memory. */
char *report_text(const struct report *r, const struct report_style *style);

/* The notes alone: what a person has to know before anything happens. */
char *report_notes_text(const struct report *r, const struct report_style *style);

/* The document is described in doc/json.md; `format` in it changes when its meaning does. NULL: out
 * of memory. */
json_t *report_json(const struct report *r);

/*
 * What `check` found, for other programs, secrets hidden: metrics for node_exporter's textfile
 * collector; JUnit XML for pipelines. `h` of the report may be NULL (a plan that can't be read).
 * NULL: out of memory.
 */
char *report_prometheus(const struct report *r);
char *report_junit(const struct report *r);
/* Adds who reports, when, and of which host (see doc/json.md); takes `doc` over. NULL: out of
 * memory. */
json_t *report_stamp(json_t *doc, const struct host *h);

/* Mistakes of a plan, one a line: "file:line:column: message"; and as JSON. */
char *report_mistakes_text(const struct errs *mistakes, const struct report_style *style);
json_t *report_mistakes_json(const char *command, const struct errs *mistakes);

/* The history, newest first. */
char *report_history_text(const struct journal *list, size_t n, const struct report_style *style);
json_t *report_history_json(const struct journal *list, size_t n);

#endif
