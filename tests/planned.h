/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan that has to be valid, out of its text, for tests of what works on a section of one. Beside
 * rooted.h.
 */
#ifndef BULKHEAD_PLANNED_H
#define BULKHEAD_PLANNED_H

#include "rooted.h"

#include "../src/module.h"

static inline struct plan *plan_of(const char *text)
{
	struct errs mistakes = { 0 };
	struct plan *p = NULL;

	ck_assert_msg(plan_load_text("plan", text, strlen(text), &p, &mistakes, &e) == 0, "%s: %s",
		      text, mistakes.n ? mistakes.list[0].text : e.text);
	return p;
}

/* The changes that a module's section of a plan asks for, into `out`. `was` is the state of before,
 * or NULL. */
static inline void section_diff(const struct module *m, struct changes *out, const char *text,
				const json_t *was)
{
	_cleanup_plan_ struct plan *p = plan_of(text);
	struct previous previous = { .state = was };

	changes_done(out);
	host_forget(host);
	host_overlay(host, out);
	ck_ok(m->diff(plan_section(p, m->name), &previous, host, out, &e));
	host_overlay(host, NULL);
}

#endif
