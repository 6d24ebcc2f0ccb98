/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/buf.h"
#include "../src/idmap.h"
#include "../src/module.h"

extern const struct module module_subids;
const struct module *const modules[] = { &module_subids, NULL };
const struct profile profiles[] = { { NULL, NULL, 0 } };

#define PASSWD "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000:::\ntoor:x:0:0:::\n"
#define RANGE  "version: 1\nsubids:\n  ranges:\n    - {owner: dockremap}\n"
#define LINE   "dockremap:2000224256:65536"

static struct err e;

/* --- The plan alone --- */

/* The mistakes of a plan, one a line; "" for none. */
static char *mistakes(const char *plan)
{
	_cleanup_plan_ struct plan *p = NULL;
	struct buf b = BUF_INIT;
	struct errs errs = { 0 };
	int r = plan_load_text("plan", plan, strlen(plan), &p, &errs, &e);

	ck_assert_msg(r == 0 || (r == -EINVAL && errs.n), "%d: %s", r, e.text);
	for (size_t i = 0; i < errs.n; i++)
		buf_addf(&b, "%s: %s\n", errs.list[i].where, errs.list[i].text);
	errs_done(&errs);
	return buf_take(&b, NULL);
}

START_TEST(plans)
{
	static const struct {
		const char *plan, *says; /* NULL: fine */
	} rows[] = {
		{ RANGE, NULL },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: dockremap, count: 1, start: 65536}\n"
		  "  pool: 100000-400000\n  align: 1\n  avoid: [300000-399999]\n",
		  NULL },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: root}\n",
		  "plan:4:15: root gets no range" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: \"0\"}\n",
		  "plan:4:15: root gets no range" },
		{ RANGE "    - {owner: a}\n    - {owner: dockremap}\n",
		  "plan:6:15: 'dockremap' has a range in this plan already (ranges[0])" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, count: 200000}\n"
		  "  pool: 100000-200000\n",
		  "plan:4:25: the pool 100000-200000 has room for 68929" },
		{ RANGE "  pool: 65537-131071\n", "has room for 0 ids" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, start: 4294967000}\n",
		  "plan:4:25: 65536 ids from 4294967000 end past" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, start: 2147300000}\n",
		  "reaches into 2147352576-2147418111" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, start: 200000}\n"
		  "    - {owner: b, start: 265535}\n",
		  "plan:5:25: overlaps the range that is pinned for 'a'" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, start: 200000}\n"
		  "  avoid: [1-2, 265535-300000]\n",
		  "plan:4:25: 200000-265535 touches 265535-300000" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, start: 65535}\n",
		  "plan:4:25:" },
		{ "version: 1\nsubids:\n  ranges:\n    - {owner: a, count: 0}\n", "plan:4:25:" },
		{ "version: 1\nsubids:\n  ranges:\n    - {count: 5}\n", "owner" },
		{ "version: 1\nsubids:\n  pool: 5-4\n", "plan:3:9:" },
		{ "version: 1\nsubids:\n  pool: 0x5-6\n", "plan:3:9:" },
		{ "version: 1\nsubids:\n  avoid: [7]\n", "plan:3:11:" },
		{ "version: 1\nsubids:\n  align: 0\n", "plan:3:10:" },
		{ "version: 1\nsubids:\n  align: 2147483649\n", "plan:3:10:" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *told = mistakes(rows[i].plan);

		if (rows[i].says)
			ck_assert_msg(strstr(told, rows[i].says), "row %zu: %s", i, told);
		else
			ck_assert_msg(!*told, "row %zu: %s", i, told);
	}
}
END_TEST

START_TEST(every_mistake_at_once)
{
	_cleanup_free_ char *told = mistakes(
		"version: 1\nsubids:\n  ranges:\n    - {owner: root, start: 2147352576}\n"
		"    - {owner: a, start: 4294967294}\n    - {owner: a, count: 4000000000}\n");

	ck_assert_ptr_nonnull(strstr(told, "plan:4:15: root"));
	ck_assert_ptr_nonnull(strstr(told, "plan:4:28: "));
	ck_assert_ptr_nonnull(strstr(told, "plan:5:25: "));
	ck_assert_ptr_nonnull(strstr(told, "plan:6:15: 'a'"));
	ck_assert_ptr_nonnull(strstr(told, "plan:6:25: "));
}
END_TEST

/* --- Against a root --- */

struct run {
	char *root;
	struct host *h;
	struct plan *p;
	struct changes c;
	struct findings f;
};

static void run_init(struct run *r, const char *subuid, const char *subgid)
{
	*r = (struct run){ .root = tree_new() };
	tree_write(r->root, "/etc/passwd", PASSWD, 0644);
	tree_write(r->root, "/etc/group", "root:x:0:\n", 0644);
	if (subuid)
		tree_write(r->root, "/etc/subuid", subuid, 0644);
	if (subgid)
		tree_write(r->root, "/etc/subgid", subgid, 0644);
	changes_init(&r->c);
}

static void run_diff(struct run *r, const char *plan)
{
	struct errs errs = { 0 };

	ck_assert_msg(plan_load_text("plan", plan, strlen(plan), &r->p, &errs, &e) == 0, "%s",
		      errs.n ? errs.list[0].text : e.text);
	ck_assert_int_eq(host_open(r->root, &r->h, &e), 0);
	host_overlay(r->h, &r->c);
	ck_assert_msg(module_subids.diff(plan_section(r->p, "subids"), NULL, r->h, &r->c, &e) == 0,
		      "%s", e.text);
}

static void run_verify(struct run *r)
{
	findings_done(&r->f);
	ck_assert_msg(module_subids.verify(plan_section(r->p, "subids"), NULL, r->h, &r->f, &e) ==
			      0,
		      "%s", e.text);
}

static void run_done(struct run *r)
{
	findings_done(&r->f);
	changes_done(&r->c);
	plan_free(r->p);
	host_free(r->h);
	tree_remove(r->root);
}

/* The lines that a file gets, joined by blanks; "" for none. */
static const char *lines(const struct run *r, const char *path)
{
	static char all[1024];
	const struct change *c = changes_find(&r->c, path);
	size_t n = 0;

	all[0] = '\0';
	for (size_t i = 0; c && i < c->n_lines; i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? " " : "",
				      c->lines[i].text);
	return all;
}

static bool noted(const struct run *r, const char *text)
{
	for (size_t i = 0; i < r->c.n_notes; i++)
		if (strstr(r->c.notes[i].text, text))
			return true;
	return false;
}

START_TEST(pristine)
{
	struct changes again;
	struct run r;
	json_t *state;

	run_init(&r, NULL, "alice:100000:65536");
	run_diff(&r, RANGE);
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert_str_eq(lines(&r, "/etc/subuid"), LINE);
	ck_assert_str_eq(lines(&r, "/etc/subgid"), LINE);
	ck_assert_str_eq(lines(&r, "/etc/group"), "dockremap:!:999:");
	ck_assert_str_eq(lines(&r, "/etc/passwd"),
			 "dockremap:!:999:999::/nonexistent:/usr/sbin/nologin");
	ck_assert_str_eq(changes_find(&r.c, "/etc/subgid")->after.content,
			 "alice:100000:65536\n" LINE "\n");
	ck_assert_uint_eq(r.c.n_notes, 0);
	state = json_object_get(r.c.state, "subids");
	ck_assert_str_eq(
		json_string_value(json_array_get(json_object_get(state, "/etc/subuid"), 0)), LINE);

	/* Over the overlay there is nothing left to do, and it verifies. */
	changes_init(&again);
	ck_assert_int_eq(module_subids.diff(plan_section(r.p, "subids"),
					    &(struct previous){ .state = state }, r.h, &again, &e),
			 0);
	ck_assert(changes_empty(&again) && !again.n_notes && !again.refusals.n);
	ck_assert(json_equal(json_object_get(again.state, "subids"), state));
	changes_done(&again);
	run_verify(&r);
	ck_assert_uint_eq(r.f.n, 1);
	ck_assert_int_eq(r.f.list[0].state, FINDING_OK);
	ck_assert_str_eq(r.f.list[0].found, "2000224256-2000289791 in subuid and subgid");
	host_overlay(r.h, NULL);
	run_verify(&r);
	ck_assert_int_eq(r.f.list[0].state, FINDING_DRIFT);
	ck_assert_ptr_nonnull(strstr(r.f.list[0].found, "no range, no account"));
	run_done(&r);
}
END_TEST

START_TEST(several_keep_out_of_each_others_way)
{
	struct run r;

	run_init(&r, "x:2000289792:1\n", "");
	run_diff(&r, RANGE "    - {owner: two}\n    - {owner: pinned, start: 2000224256}\n"
			   "    - {owner: three, count: 100}\n"
			   "  avoid: [2000420864-2000420864]\n");
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert_str_eq(lines(&r, "/etc/subuid"),
			 "dockremap:2000355328:65536 two:2000486400:65536 "
			 "pinned:2000224256:65536 three:2000551936:100");
	ck_assert(noted(&r, "fewer than 65536"));
	run_done(&r);
}
END_TEST

START_TEST(kept)
{
	static const char *const both[][2] = {
		{ "dockremap:100000:65536\n", "dockremap:100000:65536\n" },
		{ "dockremap:100000:200000\n", "dockremap:100000:200000\n" },
		{ "# c\njunk\ndockremap:100000:65536\nalice:400000:5\nbob:400000:5\n",
		  "dockremap:300000:65536" },
		{ "999:100000:65536\n", "dockremap:100000:65536\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct run r;

		run_init(&r, both[i][0], both[i][1]);
		tree_write(r.root, "/etc/passwd", PASSWD "dockremap:x:999:999:::\n", 0644);
		run_diff(&r, RANGE);
		ck_assert_uint_eq(r.c.refusals.n, 0);
		ck_assert(changes_empty(&r.c));
		ck_assert_uint_eq(r.c.n_notes, 0);
		ck_assert_ptr_null(r.c.state);
		run_verify(&r);
		ck_assert_int_eq(r.f.list[0].state, FINDING_OK);
		run_done(&r);
	}
}
END_TEST

START_TEST(completed)
{
	struct run r;

	run_init(&r, "dockremap:100000:70000\n", "bob:170000:5\n");
	run_diff(&r, RANGE);
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert_str_eq(lines(&r, "/etc/subuid"), "");
	ck_assert_str_eq(lines(&r, "/etc/subgid"), "dockremap:100000:70000");
	run_done(&r);

	run_init(&r, NULL, "dockremap:100000:65536\n");
	run_diff(&r, RANGE);
	ck_assert_str_eq(lines(&r, "/etc/subuid"), "dockremap:100000:65536");
	host_overlay(r.h, NULL);
	run_verify(&r);
	ck_assert_int_eq(r.f.list[0].state, FINDING_DRIFT);
	run_done(&r);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *uid, *gid, *plan, *says;
	} rows[] = {
		{ "dockremap:100000:1000\n", "", RANGE, "A range is not grown" },
		{ "dockremap:100000:65536\n", "dockremap:100000:65535\n", RANGE, "has 65535 ids" },
		{ "dockremap:100000:65536\ndockremap:300000:65536\n", "", RANGE, "both its own" },
		{ "dockremap:0x186a0:65536\n", "", RANGE, "not plain" },
		{ "dockremap:100000:65536\nb:165535:1\n", "", RANGE, "line 2 of /etc/subuid" },
		{ "dockremap:1:65536\n", "", RANGE, "reserved" },
		{ "dockremap:100000:65536\n", "b:165535:1\n", RANGE,
		  "in /etc/subuid only, and in /etc/subgid these ids are not free" },
		{ "", "dockremap:100000:65536\n",
		  "version: 1\nsubids:\n  ranges:\n    - {owner: dockremap, start: 200000}\n",
		  "A range is not moved" },
		{ "b:200001:1\n", "",
		  "version: 1\nsubids:\n  ranges:\n    - {owner: dockremap, start: 200000}\n",
		  "200000-265535 is not free" },
		{ "", "b:200001:1\n",
		  "version: 1\nsubids:\n  ranges:\n    - {owner: dockremap, start: 200000}\n",
		  "/etc/subgid gives" },
		{ "b:100000:4000000000\n", "", RANGE, "of its 147128320 ids are taken" },
		{ "", "", "version: 1\nsubids:\n  ranges:\n    - {owner: toor}\n", "is uid 0" },
		{ "", "", "version: 1\nsubids:\n  ranges:\n    - {owner: \"4711\"}\n",
		  "no account has uid 4711" },
		{ "", "",
		  "version: 1\nsubids:\n  ranges:\n    - {owner: alice}\n    - {owner: \"1000\"}\n",
		  "are the same account" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run r;

		run_init(&r, rows[i].uid, rows[i].gid);
		run_diff(&r, rows[i].plan);
		ck_assert_msg(r.c.refusals.n == 1, "row %zu: %zu", i, r.c.refusals.n);
		ck_assert_msg(strstr(r.c.refusals.list[0].text, rows[i].says), "row %zu: %s", i,
			      r.c.refusals.list[0].text);
		ck_assert_msg(has_prefix(r.c.refusals.list[0].where, "plan:"), "row %zu: %s", i,
			      r.c.refusals.list[0].where);
		run_done(&r);
	}
}
END_TEST

START_TEST(refused_is_failed_in_verify)
{
	struct run r;

	run_init(&r, "dockremap:100000:1000\n", "dockremap:100000:1000\n");
	run_diff(&r, RANGE);
	run_verify(&r);
	ck_assert_int_eq(r.f.list[0].state, FINDING_FAILED);
	ck_assert_ptr_nonnull(strstr(r.f.list[0].why, "not grown"));
	run_done(&r);
}
END_TEST

START_TEST(shadow_line_left_over)
{
	struct run r;

	run_init(&r, "", "");
	tree_write(r.root, "/etc/shadow", "dockremap:$6$x:1::::::\n", 0640);
	run_diff(&r, RANGE);
	ck_assert_uint_eq(r.c.refusals.n, 1);
	ck_assert_ptr_nonnull(strstr(r.c.refusals.list[0].text, "pwck"));
	run_done(&r);
}
END_TEST

START_TEST(nss)
{
	struct run r;

	run_init(&r, "", "");
	tree_write(r.root, "/etc/nsswitch.conf", "subid: sss\n", 0644);
	run_diff(&r, RANGE);
	ck_assert_uint_eq(r.c.refusals.n, 1);
	ck_assert_ptr_nonnull(strstr(r.c.refusals.list[0].text, "subid: sss"));
	run_verify(&r);
	ck_assert_int_eq(r.f.list[0].state, FINDING_FAILED);
	run_done(&r);

	run_init(&r, "", "");
	tree_write(r.root, "/etc/nsswitch.conf", "subid: sss\n", 0644);
	run_diff(&r, RANGE "  accept-nss: true\n");
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert_str_eq(lines(&r, "/etc/subuid"), LINE);
	run_done(&r);
}
END_TEST

START_TEST(owner_by_uid)
{
	struct run r;

	run_init(&r, "", "");
	run_diff(&r, "version: 1\nsubids:\n  ranges:\n    - {owner: \"1000\"}\n");
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert_str_eq(lines(&r, "/etc/subuid"), "alice:2000224256:65536");
	ck_assert_ptr_null(changes_find(&r.c, "/etc/passwd"));
	run_done(&r);
}
END_TEST

START_TEST(strangers_are_notes)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct run r;

	for (int i = 0; i < 20; i++)
		buf_addf(&b, "s%d:100000:65536\n", i);
	run_init(&r, b.data, "");
	run_diff(&r, RANGE);
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert_str_eq(lines(&r, "/etc/subuid"), LINE);
	ck_assert_uint_eq(r.c.n_notes, 6);
	ck_assert(noted(&r, "and 14 more: 'bulkhead subids' lists them"));
	run_done(&r);
}
END_TEST

START_TEST(regions_of_a_named_pool_are_notes)
{
	struct run r;

	run_init(&r, "", "");
	run_diff(&r, "version: 1\nsubids:\n  ranges:\n    - {owner: dockremap}\n"
		     "    - {owner: ipa, start: 3000000000}\n  pool: 589824-655359\n");
	ck_assert_uint_eq(r.c.refusals.n, 0);
	ck_assert(noted(&r, "nspawn"));
	ck_assert(noted(&r, "SSSD"));
	ck_assert(noted(&r, "useradd serves new users"));
	ck_assert(noted(&r, "FreeIPA"));
	run_done(&r);
}
END_TEST

START_TEST(gone_from_the_plan)
{
	json_t *state = json_pack("{s:[s]}", "/etc/subuid", LINE);
	struct changes c;
	struct run r;

	run_init(&r, LINE "\n", LINE "\n");
	changes_init(&c);
	ck_assert_int_eq(host_open(r.root, &r.h, &e), 0);
	ck_assert_int_eq(
		module_subids.diff(NULL, &(struct previous){ .state = state }, r.h, &c, &e), 0);
	ck_assert(changes_empty(&c));
	ck_assert(json_equal(json_object_get(c.state, "subids"), state));
	changes_done(&c);
	ck_assert_int_eq(module_subids.diff(NULL, NULL, r.h, &c, &e), 0);
	ck_assert_ptr_null(c.state);
	changes_done(&c);
	json_decref(state);
	run_done(&r);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, plans);
	tcase_add_test(tc, every_mistake_at_once);
	tcase_add_test(tc, pristine);
	tcase_add_test(tc, several_keep_out_of_each_others_way);
	tcase_add_test(tc, kept);
	tcase_add_test(tc, completed);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, refused_is_failed_in_verify);
	tcase_add_test(tc, shadow_line_left_over);
	tcase_add_test(tc, nss);
	tcase_add_test(tc, owner_by_uid);
	tcase_add_test(tc, strangers_are_notes);
	tcase_add_test(tc, regions_of_a_named_pool_are_notes);
	tcase_add_test(tc, gone_from_the_plan);
}

UNIT_MAIN("subids")
