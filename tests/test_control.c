/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/control.h"

static struct findings f;
static struct err e;

static void setup(void)
{
	f = (struct findings){ 0 };
}

static void teardown(void)
{
	findings_done(&f);
}

static void found(const char *ids, enum finding_state state)
{
	ck_assert_int_eq(findings_add(&f, "one", NULL, ids, state, NULL, NULL, NULL, &e), 0);
}

static enum control_state judge(const char *id)
{
	return control_judge(&(const struct control){ .id = id }, &f);
}

START_TEST(named)
{
	ck_assert(control_named("2.2", "2.2"));
	ck_assert(control_named("2.14,5.26", "5.26"));
	ck_assert(control_named("2.14, 5.26", "5.26"));
	ck_assert(!control_named("2.14", "2.1"));
	ck_assert(!control_named("2.1", "2.14"));
	ck_assert(!control_named("1.1.1", "1.1"));
	ck_assert(!control_named("", "2.2"));
	ck_assert(!control_named(NULL, "2.2"));
}
END_TEST

/* Every finding has to be ok, and none is not enough. */
START_TEST(the_worst_decides)
{
	static const struct {
		enum finding_state finding;
		enum control_state control;
	} steps[] = {
		{ FINDING_OK, CONTROL_OK },	  { FINDING_SKIPPED, CONTROL_SKIPPED },
		{ FINDING_NOTED, CONTROL_NOTED }, { FINDING_PENDING, CONTROL_PENDING },
		{ FINDING_DRIFT, CONTROL_DRIFT }, { FINDING_FAILED, CONTROL_FAILED },
		{ FINDING_OK, CONTROL_FAILED },
	};

	ck_assert_int_eq(judge("2.2"), CONTROL_ABSENT);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		found("2.2", steps[i].finding);
		ck_assert_int_eq(judge("2.2"), steps[i].control);
	}
	ck_assert_int_eq(judge("2.3"), CONTROL_ABSENT);
	found(NULL, FINDING_OK);
	ck_assert_int_eq(judge("2.3"), CONTROL_ABSENT);
}
END_TEST

START_TEST(score)
{
	size_t n[CONTROL_STATES], sum = 0;

	/* What a tool on the host can make so; a separate file system is not among them. */
	ck_assert_uint_eq(control_score(&f, n), 59);
	ck_assert_uint_eq(n[CONTROL_ABSENT], 59);
	found("1.1.1", FINDING_OK);
	found("2.14,5.26", FINDING_OK);
	found("2.9", FINDING_OK);
	found("2.9", FINDING_SKIPPED);
	found("9.99", FINDING_OK);
	ck_assert_uint_eq(control_score(&f, n), 59);
	ck_assert_uint_eq(n[CONTROL_OK], 2);
	ck_assert_uint_eq(n[CONTROL_SKIPPED], 1);
	for (size_t i = 0; i < CONTROL_STATES; i++)
		sum += n[i];
	ck_assert_uint_eq(sum, 59);
}
END_TEST

/* Every control is of one section, and counts there. */
START_TEST(sections)
{
	size_t n[CONTROL_STATES], sum = 0;

	found("2.14,5.26", FINDING_OK);
	for (const struct control *c = controls; c->id; c++) {
		size_t in = 0;

		for (const struct control_section *s = control_sections; s->id; s++)
			in += control_in(s, c);
		ck_assert_msg(in == 1, "%s", c->id);
	}
	for (const struct control_section *s = control_sections; s->id; s++) {
		sum += control_section_score(s, &f, n);
		ck_assert_uint_eq(n[CONTROL_OK], streq(s->id, "2") || streq(s->id, "5"));
	}
	ck_assert_uint_eq(sum, 59);
}
END_TEST

START_TEST(table)
{
	for (const struct control *c = controls; c->id; c++) {
		ck_assert_ptr_nonnull(c->title);
		for (const struct control *d = c + 1; d->id; d++) {
			ck_assert_str_ne(c->id, d->id);
			ck_assert_str_ne(c->title, d->title);
		}
	}
	/* Every id that a setting names is one of them. */
	for (const struct module *const *m = modules; *m; m++)
		for (const struct field *x = (*m)->fields; x->name; x++) {
			bool known = !x->cis;

			for (const struct control *c = controls; c->id; c++)
				known = known || control_named(x->cis, c->id);
			ck_assert_msg(known, "%s.%s: CIS %s", (*m)->name, x->name, x->cis);
		}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, named);
	tcase_add_test(tc, the_worst_decides);
	tcase_add_test(tc, score);
	tcase_add_test(tc, sections);
	tcase_add_test(tc, table);
}

UNIT_MAIN("control")
