/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drift: what a look for it (bulkhead drift, from bulkhead-drift.timer and .path) does when it
 * finds some. The units come with the program and are switched on by a person, or not at all.
 */
#include "../src/module.h"
#include "../src/units.h"

#define NAME  "drift"
#define TIMER "bulkhead-drift.timer"

static const char *const actions[] = { "report", "apply", NULL };

static const struct field fields[] = {
	{ .name = "action",
	  .type = FIELD_ENUM,
	  .choices = actions,
	  .help = "what bulkhead-drift.timer and .path do when the host is not as the plan wants it: "
		  "report it to the journal, or apply the plan, under service.restart",
	  .fallback = "report" },
	{ 0 },
};

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	const char *wanted = section_str(s, "action");
	_cleanup_units_ struct units *u = NULL;
	struct unit_state st;

	(void)was;
	if (!host_is_live(h))
		return findings_add(out, NAME, "action", NULL, FINDING_SKIPPED, wanted, NULL,
				    "offline: nothing runs in this root", e);
	if (units_open(h, &u, e) < 0 || units_state(u, TIMER, &st, e) < 0)
		return e->code;
	if (streq(st.active, "active"))
		return findings_add(out, NAME, "action", NULL, FINDING_OK, wanted, NULL,
				    TIMER " is active", e);
	return findings_add(
		out, NAME, "action", NULL, FINDING_NOTED, wanted, "nobody looks for drift",
		streq(st.load, "not-found") ? TIMER " is not installed"
					    : "to switch it on: systemctl enable --now " TIMER
					      " bulkhead-drift.path",
		e);
}

const struct module module_drift = {
	.name = NAME,
	.summary = "what happens when the host is found not to be as the plan wants it",
	.fields = fields,
	.scalar = "action",
	.order = 89,
	/* There is nothing to write: the units read the plan. */
	.verify = verify,
};
