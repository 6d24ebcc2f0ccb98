/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/module.h"

/* The registry as it is built: what a module has to bring, whatever it is about. */
START_TEST(registry)
{
	size_t n = 0;

	for (; modules[n]; n++) {
		const struct module *m = modules[n];

		ck_assert_msg(m->name && *m->name, "module %zu has no name", n);
		ck_assert_msg(m->name[strspn(m->name, "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
				      '\0',
			      "%s", m->name);
		ck_assert_msg(m->summary && *m->summary, "%s says nothing about itself", m->name);
		ck_assert_msg(m->fields != NULL, "%s has no settings", m->name);
		ck_assert_msg(m->diff || m->verify || m->observe, "%s does nothing", m->name);
		ck_assert_msg(m->order > 0, "%s has no order", m->name);
		if (n)
			ck_assert_msg(modules[n - 1]->order < m->order,
				      "%s comes before %s in Makefile.am, by order it comes after",
				      modules[n - 1]->name, m->name);
		for (size_t i = 0; i < n; i++)
			ck_assert_msg(!streq(modules[i]->name, m->name), "%s twice", m->name);
		ck_assert_ptr_eq(module_find(m->name), m);
		/* These are the plan's own. */
		ck_assert_ptr_null(field_find(plan_fields, m->name));
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_ptr_null(module_find(""));
	ck_assert_ptr_null(module_find("no-such-module"));
}
END_TEST

/* Settings of one name in one table would hide each other. */
static void names_once(const char *module, const struct field *table)
{
	for (const struct field *f = table; f->name; f++) {
		ck_assert_msg(f->type != FIELD_NONE, "%s.%s has no type", module, f->name);
		for (const struct field *g = table; g != f; g++)
			ck_assert_msg(!streq(f->name, g->name), "%s.%s twice", module, f->name);
		if (f->type == FIELD_OBJECT)
			names_once(f->name, f->of);
	}
}

START_TEST(tables)
{
	for (const struct module *const *m = modules; *m; m++) {
		names_once((*m)->name, (*m)->fields);
		for (const struct field *f = (*m)->fields; f->name; f++)
			ck_assert_msg(f->help && *f->help, "%s.%s has no help", (*m)->name,
				      f->name);
	}
}
END_TEST

/* What stands last in the order sees what all others asked of units. */
START_TEST(service_comes_last)
{
	size_t n = 0;

	while (modules[n])
		n++;
	ck_assert_str_eq(modules[n - 1]->name, "service");
	ck_assert(modules[n - 1]->always);
}
END_TEST

START_TEST(findings)
{
	_cleanup_findings_ struct findings f = { 0 };
	char text[] = "text";
	struct err e;

	ck_assert_int_eq(findings_add(&f, "m", "s", "1.2", FINDING_DRIFT, text, "found", "why", &e),
			 0);
	ck_assert_int_eq(findings_add(&f, "m", NULL, NULL, FINDING_SKIPPED, NULL, NULL, NULL, &e),
			 0);
	text[0] = 'n';
	ck_assert_uint_eq(f.n, 2);
	ck_assert_str_eq(f.list[0].wanted, "text");
	ck_assert_str_eq(f.list[0].cis, "1.2");
	ck_assert_int_eq(f.list[0].state, FINDING_DRIFT);
	ck_assert_ptr_null(f.list[1].setting);
	ck_assert_ptr_null(f.list[1].why);
	findings_done(&f);
	ck_assert_uint_eq(f.n, 0);
	findings_done(&f);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, registry);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, service_comes_last);
	tcase_add_test(tc, findings);
}

UNIT_MAIN("module")
