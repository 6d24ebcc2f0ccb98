/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the report share.
 */
#ifndef BULKHEAD_REPORT_INTERNAL_H
#define BULKHEAD_REPORT_INTERNAL_H

#include "buf.h"
#include "report.h"

#define FORMAT 1

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[31m"
#define CYAN   "\033[36m"
#define DIM    "\033[2m"
#define BOLD   "\033[1m"
#define RESET  "\033[0m"

static inline void add_colored(struct buf *b, const struct report_style *st, const char *color,
			       const char *text, int width)
{
	if (st->color)
		buf_adds(b, color);
	buf_addf(b, "%-*s", width, text);
	if (st->color)
		buf_adds(b, RESET);
}

/* Names and texts come from hosts: what could steer a terminal is shown, not sent. */
static inline void add_safe(struct buf *b, const char *text)
{
	buf_add_shown(b, text, "\n          ");
}

static inline void add_setting(struct buf *b, const char *module, const char *setting)
{
	/* An entry of a section that is a list: "volumes[0]". */
	buf_addf(b, "%s%s%s", module, setting && *setting != '[' ? "." : "",
		 setting ? setting : "");
}

/* A command to type, with host_root_words() or host_plan_words(). */
void report_add_command(struct buf *b, const char *command, const char *words);

/* The newest apply that was not undone; null: none, or the history can't be read. */
json_t *report_applied_json(const struct host *h);

/* UTC, as in RFC 3339. */
void report_add_time(struct buf *b, uint64_t us);

void report_add_notes(struct buf *b, const struct report *r, const struct report_style *st);

/* A line a finding, and how many there are of each state. */
void report_add_findings(struct buf *b, const struct report *r, const struct report_style *st);
void report_add_counts(struct buf *b, const struct report *r);

/* What `check` says: findings by control, and the score. */
void report_check_text(struct buf *b, const struct report *r, const struct report_style *st);

/* The control whose lines a finding stands under: the first it names; NULL: of none we know. */
struct control;
const struct control *report_home(const struct finding *f);

/* Is it a check that came to its end? Only then all was looked at. */
bool report_looked(const struct report *r);

json_t *report_findings_json(const struct findings *f);
/* The state of every control, and the score: of `check`, where all was looked at; else an empty
 * list, and null. */
json_t *report_controls_json(const struct report *r);
json_t *report_score_json(const struct report *r);

#endif
