/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include "../src/buf.h"
#include "../src/module.h"

extern const struct module module_trusted_users;
const struct module *const modules[] = { &module_trusted_users, NULL };

#define PASSWD "root:x:0:0:::\nalice:x:1000:1000:::\nbob:x:1001:1001:::\ncarol:x:1002:1002:::\n"

static struct changes c;
static struct plan *plan;
static const struct section *section;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	put("/etc/passwd", PASSWD);
	put("/etc/group", "root:x:0:\ndocker:x:998:bob,alice\n");
	put("/etc/gshadow", "root:*::\ndocker:!::bob,alice\n");
}

static void teardown(void)
{
	plan_free(plan);
	plan = NULL;
	changes_done(&c);
	root_teardown();
}

static void wants(const char *members)
{
	struct errs mistakes = { 0 };
	char text[256];

	snprintf(text, sizeof(text), "version: 1\ntrusted-users: {members: [%s]}\n", members);
	plan_free(plan);
	ck_assert_int_eq(plan_load_text("plan", text, strlen(text), &plan, &mistakes, &e), 0);
	section = plan_section(plan, "trusted-users");
}

static void diff(json_t *state)
{
	const struct previous was = { .state = state };

	changes_done(&c);
	host_overlay(host, &c);
	ck_ok(module_trusted_users.diff(section, &was, host, &c, &e));
	/* Over its own overlay nothing is left to do. */
	if (!errs_any(&c.refusals) && !errs_any(&c.mistakes)) {
		size_t whys = c.n ? c.list[0]->n_whys : 0;
		json_t *first = c.state ? json_deep_copy(c.state) : NULL;

		ck_ok(module_trusted_users.diff(section, &was, host, &c, &e));
		ck_assert(!c.n || c.list[0]->n_whys == whys);
		json_decref(c.state);
		c.state = first;
	}
	host_overlay(host, NULL);
}

static const char *after(const char *path)
{
	const struct change *x = changes_find(&c, path);

	return x ? x->lines[0].text : NULL;
}

static const char *added(void)
{
	static char text[128];
	const json_t *list = json_object_get(json_object_get(c.state, "trusted-users"), "added");
	size_t n = 0, i;
	json_t *v;

	text[0] = '\0';
	json_array_foreach (list, i, v)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ", json_string_value(v));
	return text;
}

/* Who came in by the plan is remembered for as long as it names them. */
START_TEST(remembers_who_came_in)
{
	_cleanup_json_ json_t *state = NULL;

	wants("alice, bob");
	diff(NULL);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_null(c.state);
	wants("carol, alice");
	diff(NULL);
	ck_assert_str_eq(after("/etc/group"), "docker:x:998:alice,carol");
	ck_assert_str_eq(after("/etc/gshadow"), "docker:!::alice,carol");
	ck_assert_str_eq(added(), "carol ");
	state = json_incref(json_object_get(c.state, "trusted-users"));
	put("/etc/group", "docker:x:998:alice,carol\n");
	put("/etc/gshadow", "docker:!::alice,carol\n");
	diff(state);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_str_eq(added(), "carol ");
	wants("bob, carol");
	diff(state);
	ck_assert_str_eq(added(), "carol bob ");
	wants("alice");
	diff(state);
	ck_assert_str_eq(after("/etc/group"), "docker:x:998:alice");
	ck_assert_ptr_null(c.state);
	/* The section leaves the plan: what it brought goes, where it still is. */
	section = NULL;
	diff(state);
	ck_assert_str_eq(after("/etc/group"), "docker:x:998:alice");
	put("/etc/group", "docker:x:998:\n");
	put("/etc/gshadow", "root:*::\n");
	diff(state);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_uint_eq(c.n_notes, 0);
	ck_assert_int_eq(unlink(at("/etc/group")), 0);
	diff(state);
	ck_assert_uint_eq(c.n, 0);
}
END_TEST

static void verified(enum finding_state state, const char *found, const char *why)
{
	_cleanup_findings_ struct findings f = { 0 };

	ck_ok(module_trusted_users.verify(section, NULL, host, &f, &e));
	ck_assert_uint_ge(f.n, 1);
	ck_assert_str_eq(f.list[0].setting, "members");
	ck_assert_str_eq(f.list[0].cis, "1.1.2");
	ck_assert_int_eq(f.list[0].state, state);
	if (found)
		ck_assert_str_eq(f.list[0].found, found);
	if (why)
		ck_assert_ptr_nonnull(strstr(f.list[0].why, why));
}

START_TEST(verifies)
{
	wants("alice, bob");
	verified(FINDING_OK, NULL, "/etc/gshadow");
	wants("alice");
	verified(FINDING_DRIFT, "bob,alice", NULL);
	put("/etc/group", "docker:x:998:alice\n");
	verified(FINDING_DRIFT, NULL, NULL); /* gshadow is another */
	put("/etc/gshadow", "root:*::\n");
	verified(FINDING_OK, NULL, "/etc/group");
	put("/etc/group", "docker:x:998:\n");
	verified(FINDING_DRIFT, "nobody", NULL);
	put("/etc/passwd", "root:x:0:998:::\nalice:x:1000:998:::\nbob:x:1001:998:::\n");
	verified(FINDING_FAILED, NULL, "usermod -g GROUP bob");
	diff(NULL);
	ck_assert_uint_eq(c.refusals.n, 1);
	ck_assert_uint_eq(c.n, 0);
}
END_TEST

/* A database of any size: neither takes time with the square of it. */
START_TEST(large)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	put("/etc/gshadow", "");
	buf_adds(&b, "docker:x:998:alice");
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, ",user%d", i);
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "\ngroup%d:x:998:alice,carol", i);
	put("/etc/group", b.data);
	wants("alice, carol");
	diff(NULL);
	ck_assert_uint_eq(c.refusals.n, 0);
	ck_assert_str_eq(after("/etc/group"), "docker:x:998:alice,carol");
	verified(FINDING_DRIFT, NULL, NULL);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, remembers_who_came_in);
	tcase_add_test(tc, verifies);
	tcase_add_test(tc, large);
}

UNIT_MAIN("trusted_users")
