/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan that has to be valid, out of its text, for tests of what works on a section of one. Beside
 * rooted.h.
 */
#ifndef BULKHEAD_PLANNED_H
#define BULKHEAD_PLANNED_H

#include "rooted.h"

#include "../src/plan.h"

static inline struct plan *plan_of(const char *text)
{
	struct errs mistakes = { 0 };
	struct plan *p = NULL;

	ck_assert_msg(plan_load_text("plan", text, strlen(text), &p, &mistakes, &e) == 0, "%s: %s",
		      text, mistakes.n ? mistakes.list[0].text : e.text);
	return p;
}

#endif
