/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a plan, of the real modules: it is loaded, or refused with positions, in bounded
 * memory.
 */
#include "fuzz.h"

#include "../../src/module.h"
#include "../../src/report.h"

/* Aliases multiply what a plan holds, up to NODES_MAX nodes: that is the base. */
const struct fuzz_bounds fuzz_bounds = { 16 << 20, 2000 };

/* Mistakes are for a terminal: nothing that moves the cursor. */
static void check_shown(const struct errs *errs)
{
	_cleanup_free_ char *text = report_mistakes_text(errs, &(struct report_style){ 0 });
	_cleanup_json_ json_t *json = report_mistakes_json("validate", errs);

	require(text && json);
	for (const char *p = text; *p; p++)
		require((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
}

static void check_sections(const struct plan *p)
{
	for (const struct module *const *m = modules; *m; m++) {
		const struct section *s = plan_section(p, (*m)->name);
		const char *name;
		json_t *v;

		if (!s)
			continue;
		json_object_foreach (s->given, name, v) {
			require(json_object_get(s->values, name));
			require(has_prefix(section_where(s, name), "fuzz:") ||
				has_prefix(section_where(s, name), "profile:"));
		}
	}
}

void fuzz_one(const char *data, size_t len)
{
	struct err e = { 0 };
	_cleanup_(errs_done) struct errs errs = { 0 };
	_cleanup_plan_ struct plan *p = NULL;
	int r = plan_load_text("fuzz", data, len, &p, &errs, &e);

	require((r == 0) == (p != NULL));
	require(!errs.failed && (r == -EINVAL) == errs_any(&errs));
	for (size_t i = 0; i < errs.n; i++)
		require(errs.list[i].where && errs.list[i].text);
	if (p)
		check_sections(p);
	else
		check_shown(&errs);
}
