/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Controls: what a benchmark asks of a host, and how far findings show it. A finding names the
 * controls it speaks for ("2.14,5.26"). The table is the modules' (modules/cis.c): the engine knows
 * no Docker.
 */
#ifndef BULKHEAD_CONTROL_H
#define BULKHEAD_CONTROL_H

#include "module.h"

struct control {
	const char *id;	   /* "2.14" */
	const char *title; /* what is asked, in a few words */
	bool observed;	   /* told, but no program can make it so: it is not in the score */
};

/* In the benchmark's order; ends with { 0 }. */
extern const struct control controls[];
extern const char controls_name[];

/* The parts of the benchmark: a control belongs to the one that its id begins with. Ends with { 0
 * }.
 */
struct control_section {
	const char *id; /* "2" */
	const char *title;
};
extern const struct control_section control_sections[];

bool control_in(const struct control_section *s, const struct control *c);

/* From the worst to the best: the worst finding decides. */
enum control_state {
	CONTROL_FAILED,
	CONTROL_DRIFT,
	CONTROL_PENDING,
	CONTROL_NOTED,
	CONTROL_SKIPPED, /* one finding that can't be shown, and the control isn't ok */
	CONTROL_OK,	 /* every finding is */
	CONTROL_ABSENT,	 /* the plan says nothing of it, and nothing was found */
	CONTROL_STATES,
};

/* "failed" ... "not in the plan" */
const char *control_state_name(enum control_state state);

/* Does a list of ids ("2.14,5.26", or NULL) name this one? */
bool control_named(const char *ids, const char *id);

enum control_state control_judge(const struct control *c, const struct findings *f);

/* Counts the controls of each state, without those that are only observed; returns how many. */
size_t control_score(const struct findings *f, size_t ret[CONTROL_STATES]);

/* The same of one section; NULL: of all. */
size_t control_section_score(const struct control_section *s, const struct findings *f,
			     size_t ret[CONTROL_STATES]);

#endif
