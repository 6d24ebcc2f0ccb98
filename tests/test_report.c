/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include "../src/report.h"

static struct report r;
static struct report_style style;

static void setup(void)
{
	root_setup();
	style = (struct report_style){ 0 };
	report_init(&r, "diff", host);
}

static void teardown(void)
{
	report_done(&r);
	root_teardown();
}

static void is(const char *command, enum report_result result, enum exit_code code)
{
	r.command = command;
	r.result = result;
	r.code = code;
}

static void file(const char *path, const char *before, const char *after)
{
	if (before)
		put(path, before);
	ck_assert_int_eq(changes_file(&r.changes, host, path, after, strlen(after), 0644, 0, 0,
				      "daemon", "icc", "2.2", "icc: true -> false", &e),
			 1);
}

static void finding(const char *setting, enum finding_state state, const char *why)
{
	ck_ok(findings_add(&r.findings, "daemon", setting, "2.2", state, "false", "true", why, &e));
}

/* Does the text of the report say this, or not? */
static bool says(const char *part)
{
	_cleanup_free_ char *text = report_text(&r, &style);

	ck_assert_ptr_nonnull(text);
	return strstr(text, part) != NULL;
}

static json_t *document(void)
{
	json_t *o = report_json(&r);

	ck_assert_ptr_nonnull(o);
	return o;
}

static const char *member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* --- what a report always has --- */

START_TEST(members_of_the_document)
{
	static const char *const names[] = {
		"format",    "command",	    "root",	 "live",     "result",
		"exit_code", "changes",	    "recovered", "undone",   "findings",
		"mistakes",  "transaction", "units",	 "notes",    "failed",
		"error",     "refusals",    "commands",	 "controls", "score",
		"bulkhead",  "time",	    "host",	 "plan",     "applied",
	};
	static const char *const commands[] = { "apply", "diff", "check", "rollback", "recover" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_json_ json_t *o = NULL;

		is(commands[i], REPORT_CONVERGED, EXIT_AS_WANTED);
		o = document();
		for (size_t k = 0; k < ARRAY_SIZE(names); k++)
			ck_assert_msg(json_object_get(o, names[k]) != NULL, "no %s", names[k]);
		ck_assert_uint_eq(json_object_size(o), ARRAY_SIZE(names));
		ck_assert_str_eq(member(o, "command"), commands[i]);
		ck_assert_str_eq(member(o, "root"), root);
		ck_assert_str_eq(member(o, "result"), "converged");
	}
}
END_TEST

START_TEST(results)
{
	static const char *const names[] = {
		[REPORT_CONVERGED] = "converged",     [REPORT_CHANGED] = "changed",
		[REPORT_DIFFERS] = "differs",	      [REPORT_REFUSED] = "refused",
		[REPORT_UNDONE] = "undone",	      [REPORT_STUCK] = "stuck",
		[REPORT_ROLLED_BACK] = "rolled-back", [REPORT_RECOVERED] = "recovered",
		[REPORT_HANDED_OVER] = "handed-over",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_json_ json_t *o = NULL;

		is("apply", (enum report_result)i, EXIT_STUCK);
		o = document();
		ck_assert_str_eq(member(o, "result"), names[i]);
		ck_assert_int_eq(json_integer_value(json_object_get(o, "exit_code")), 3);
	}
}
END_TEST

/* --- diff --- */

START_TEST(diff)
{
	_cleanup_json_ json_t *o = NULL;
	const json_t *change, *why;

	file("/etc/docker/daemon.json", "{\"icc\": true}\n", "{\"icc\": false}\n");
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_ok(host_set_plan(host, "my plan.yaml", &e));
	ck_assert(says("with: bulkhead apply --root "));
	ck_assert(says(" 'my plan.yaml'\n"));
	ck_assert(says("--- "));
	ck_assert(says(root));
	ck_assert(says("\n-{\"icc\": true}\n+{\"icc\": false}\n"));
	ck_assert(says("daemon.icc"));
	ck_assert(says("icc: true -> false"));
	ck_assert(says("2.2"));
	o = document();
	change = json_array_get(json_object_get(o, "changes"), 0);
	ck_assert_str_eq(member(change, "path"), "/etc/docker/daemon.json");
	ck_assert_str_eq(member(change, "kind"), "file");
	ck_assert_ptr_nonnull(strstr(member(change, "diff"), "+{\"icc\": false}"));
	why = json_array_get(json_object_get(change, "why"), 0);
	ck_assert_str_eq(member(why, "module"), "daemon");
	ck_assert_str_eq(member(why, "setting"), "icc");
	ck_assert_str_eq(member(why, "cis"), "2.2");
}
END_TEST

START_TEST(new_and_removed_files)
{
	file("/etc/new", NULL, "text\n");
	put("/etc/old", "ours\n");
	ck_assert_int_eq(changes_remove_ours(&r.changes, host, "/etc/old", "ours\n", 5, "m", NULL,
					     "gone", &e),
			 1);
	put("/etc/attrs", "");
	ck_ok(changes_attrs(&r.changes, host, "/etc/attrs", 0600, 7, 8, "m", NULL, NULL, "t", &e));
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says("--- /dev/null"));
	ck_assert(says("+++ /dev/null"));
	ck_assert(says("\n+text\n"));
	ck_assert(says("\n-ours\n"));
	ck_assert(says("0600"));
	ck_assert(says("7:8"));
}
END_TEST

/* Whatever is next to our lines is other people's business. */
START_TEST(databases_show_our_lines_only)
{
	_cleanup_json_ json_t *o = NULL;
	_cleanup_free_ char *text = NULL;

	put("/etc/shadow", "root:$6$secret$hash:19000::::::\n");
	ck_ok(changes_line(&r.changes, host, "/etc/shadow", "dockremap:!:::::::", 0600, "subids",
			   NULL, "t", &e));
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says("+dockremap:!:::::::"));
	ck_assert(!says("secret"));
	o = document();
	text = json_dumps(o, 0);
	ck_assert_ptr_null(strstr(text, "secret"));
	r.command = "apply";
	r.result = REPORT_CHANGED;
	style.verbose = true;
	ck_assert(!says("secret"));
}
END_TEST

/* A line that is replaced: both of them, where it stands, and no password's hash. */
START_TEST(replaced_lines_show_no_hash)
{
	put("/etc/gshadow", "root:*::\ndocker:$y$secret:adm:bob\nx:!::");
	ck_ok(changes_line_replace(&r.changes, host, "/etc/gshadow", "docker:$y$secret:adm:bob",
				   "docker:$y$secret:adm:alice", "m", "s", NULL, "t", &e));
	ck_ok(changes_line_replace(&r.changes, host, "/etc/gshadow", "x:!::", "x:!::alice", "m",
				   "s", NULL, "t", &e));
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says("@@ -2 +2 @@\n-docker:***:adm:bob\n+docker:***:adm:alice\n"));
	ck_assert(says("@@ -3 +3 @@\n-x:!::\n+x:!::alice\n"));
	ck_assert(!says("secret"));
	r.command = "apply";
	r.result = REPORT_CHANGED;
	ck_assert(says("changed "));
	style.verbose = true;
	ck_assert(!says("secret"));
}
END_TEST

/* Megabytes in place of a drop-in are nobody's to read, and take their time to show. */
START_TEST(huge_files_are_not_shown)
{
	size_t n = 2 << 20;
	char *big = calloc(n + 1, 1);

	memset(big, 'x', n);
	file("/etc/file", big, "ours\n");
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says("(2097152 bytes become 5: too many to show)"));
	ck_assert(!says("xxxx"));
	free(big);
}
END_TEST

/* What a host holds may not steer a terminal, nor break the document. */
START_TEST(hostile_bytes)
{
	_cleanup_json_ json_t *o = NULL;

	file("/etc/file", "\033[2Jcaf\xe9\n", "a\x9b\x7f\n");
	ck_ok(changes_note(&r.changes, "m", NULL, &e, "note \033]0;title\007"));
	finding("icc", FINDING_FAILED, "\033[31mred");
	errs_add(&r.failed, "/etc/x\033", "text\r");
	err_set(&r.err, EIO, "error \033[1m");
	is("check", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says(": bulkhead diff --root "));
	ck_assert(says(": bulkhead apply --root "));
	ck_assert(!says("\033"));
	ck_assert(!says("\007"));
	ck_assert(!says("\r"));
	r.command = "diff";
	ck_assert(!says("\033"));
	ck_assert(!says("\x9b\x7f"));
	o = document();
	ck_assert_uint_eq(json_array_size(json_object_get(o, "changes")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "findings")), 1);
}
END_TEST

START_TEST(colours_when_asked)
{
	file("/etc/f", "a\n", "b\n");
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(!says("\033["));
	style.color = true;
	ck_assert(says("\033["));
}
END_TEST

/* --- what is asked of units --- */

START_TEST(units)
{
	_cleanup_json_ json_t *o = NULL;
	const json_t *unit;

	ck_ok(changes_ask(&r.changes, "docker.service", UNIT_RELOAD, "daemon", "debug", "debug: on",
			  &e));
	ck_ok(changes_ask(&r.changes, "docker.service", UNIT_RESTART, "daemon", "icc", "icc: off",
			  &e));
	ck_ok(changes_ask(&r.changes, "other.service", UNIT_NOTHING, "daemon", NULL, "t", &e));
	is("diff", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says("restart"));
	ck_assert(says("docker.service"));
	ck_assert(says("icc: off"));
	ck_assert(says("debug: on"));
	ck_assert(!says("other.service"));
	r.changes.asks[0].pending = strdup("service.restart is never");
	r.changes.asks[1].pending = strdup("service.restart is never");
	ck_assert(says("pending"));
	ck_assert(says("service.restart is never"));
	r.command = "apply";
	r.result = REPORT_CHANGED;
	ck_assert(says("pending"));
	o = document();
	ck_assert_uint_eq(json_array_size(json_object_get(o, "units")), 2);
	unit = json_array_get(json_object_get(o, "units"), 1);
	ck_assert_str_eq(member(unit, "action"), "restart");
	ck_assert_str_eq(member(unit, "pending"), "service.restart is never");
}
END_TEST

/* --- check --- */

START_TEST(check)
{
	_cleanup_json_ json_t *o = NULL;
	const json_t *f;

	finding("a", FINDING_OK, "GET /info");
	finding("b", FINDING_DRIFT, NULL);
	finding("c", FINDING_PENDING, "later");
	finding("d", FINDING_SKIPPED, "offline");
	finding("e", FINDING_FAILED, "nobody answers");
	is("check", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(says("daemon.a") && says("daemon.b") && says("daemon.c") && says("daemon.d") &&
		  says("daemon.e"));
	ck_assert(says("ok") && says("drift") && says("pending") && says("skipped") &&
		  says("failed"));
	ck_assert(says("offline"));
	ck_assert(says("nobody answers"));
	style.quiet = true;
	ck_assert(!says("daemon.a"));
	ck_assert(!says("daemon.d"));
	ck_assert(says("daemon.b") && says("daemon.c") && says("daemon.e"));
	o = document();
	f = json_array_get(json_object_get(o, "findings"), 1);
	ck_assert_str_eq(member(f, "state"), "drift");
	ck_assert_str_eq(member(f, "wanted"), "false");
	ck_assert_str_eq(member(f, "found"), "true");
}
END_TEST

static void of_control(const char *setting, const char *cis, enum finding_state state)
{
	ck_ok(findings_add(&r.findings, "daemon", setting, cis, state, NULL, NULL, NULL, &e));
}

/* Findings stand under the first control that they name; what names none comes last. */
START_TEST(check_by_control)
{
	_cleanup_json_ json_t *o = NULL, *other = NULL;
	const json_t *score, *control;
	size_t i;

	of_control("own", NULL, FINDING_NOTED);
	of_control("icc", "2.2", FINDING_OK);
	of_control("privileges", "2.14,5.26", FINDING_OK);
	of_control("partition", "1.1.1", FINDING_SKIPPED);
	of_control("limits", "2.8", FINDING_SKIPPED);
	of_control("range", "2.9", FINDING_OK);
	of_control("remap", "2.9", FINDING_DRIFT);
	of_control("unknown", "99.1", FINDING_OK);
	is("check", REPORT_DIFFERS, EXIT_DIFFERS);
	ck_assert(
		says("\nCIS 2.2    ok        no traffic between containers on the default bridge\n"
		     "  ok        daemon.icc"));
	ck_assert(says("\nCIS 2.9    drift     user namespaces\n  ok        daemon.range"));
	ck_assert(says("\nCIS 5.26   ok        no new privileges, for each container  (see 2.14)\n"
		       "beside the benchmark\n"
		       "  noted     daemon.own"));
	ck_assert(says("\n  ok        daemon.unknown"));
	ck_assert(
		says("CIS Docker Benchmark 1.6: 3 of 59 controls ok, 1 drift, 1 skipped, 54 not in "
		     "the plan\n"));
	ck_assert(says("not in the plan: 1.1.2-1.1.18, 2.3-2.7, 2.10-2.13, 2.15-2.17, 3.1-3.24, "
		       "4.5 (--verbose names them)\n"));
	ck_assert(says("\n4 ok, 1 drift, 2 skipped, 1 noted. See"));
	ck_assert(!says("CIS 3.5 "));
	o = document();
	score = json_object_get(o, "score");
	ck_assert_str_eq(member(score, "benchmark"), "CIS Docker Benchmark 1.6");
	ck_assert_int_eq(json_integer_value(json_object_get(score, "controls")), 59);
	ck_assert_int_eq(json_integer_value(json_object_get(score, "ok")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(score, "skipped")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(score, "absent")), 54);
	json_array_foreach (json_object_get(o, "controls"), i, control) {
		if (streq(member(control, "id"), "2.9"))
			ck_assert_str_eq(member(control, "state"), "drift");
		if (streq(member(control, "id"), "1.1.1"))
			ck_assert(json_is_false(json_object_get(control, "counted")));
	}
	ck_assert_uint_eq(i, 61);
	style.verbose = true;
	ck_assert(says("\nCIS 3.5    not in the plan  /etc/docker belongs to root\n"));
	ck_assert(!says("--verbose"));
	style = (struct report_style){ .quiet = true };
	ck_assert(says("CIS 2.9    drift     user namespaces\n  drift     daemon.remap"));
	ck_assert(!says("daemon.range") && !says("CIS 2.2") && !says("beside") && !says("noted"));
	ck_assert(!says("Benchmark"));
	/* Nothing was looked at, or not all. */
	style.quiet = false;
	is("check", REPORT_REFUSED, EXIT_FAILED);
	ck_assert(!says("Benchmark"));
	is("apply", REPORT_CHANGED, EXIT_AS_WANTED);
	ck_assert(!says("Benchmark"));
	ck_assert(says("\nok        daemon.icc"));
	other = document();
	ck_assert(json_is_null(json_object_get(other, "score")));
	ck_assert_uint_eq(json_array_size(json_object_get(other, "controls")), 0);
}
END_TEST

/* --- apply --- */

START_TEST(apply)
{
	file("/etc/f", NULL, "text\n");
	is("apply", REPORT_CHANGED, EXIT_AS_WANTED);
	r.id = 12;
	ck_assert(says("/etc/f"));
	ck_assert(says("12"));
	ck_assert(says("bulkhead rollback --root "));
	ck_assert(!says("+text"));
	r.watched = 7;
	ck_assert(!says("watched"));
	style.verbose = true;
	ck_assert(says("watched   for 7 s"));
	ck_assert(says("+text"));
	style = (struct report_style){ .quiet = true };
	ck_assert(!says("/etc/f"));
}
END_TEST

START_TEST(apply_that_failed)
{
	file("/etc/f", NULL, "text\n");
	err_set(&r.err, EIO, "dockerd said no\nsecond line");
	is("apply", REPORT_UNDONE, EXIT_FAILED);
	style.quiet = true;
	ck_assert(says("dockerd said no"));
	ck_assert(says("second line"));
	ck_assert(says("as it was"));
	is("apply", REPORT_STUCK, EXIT_STUCK);
	errs_add(&r.failed, "/etc/f", "somebody edited it");
	ck_assert(says("/etc/f: somebody edited it"));
	ck_assert(says("bulkhead recover --root "));
	ck_assert(says("--force"));
}
END_TEST

/* The journal of a rollback is history by then: there is nothing to recover. */
START_TEST(rollback_whose_restart_failed)
{
	err_set(&r.err, EIO, "dockerd said no");
	is("rollback", REPORT_STUCK, EXIT_STUCK);
	errs_add(&r.failed, "systemd", "type: this");
	ck_assert(says("dockerd said no"));
	ck_assert(says("systemd: type: this"));
	ck_assert(says("stuck: the files are as they were before"));
	ck_assert(!says("bulkhead recover"));
}
END_TEST

START_TEST(refused)
{
	_cleanup_json_ json_t *o = NULL;

	errs_add(&r.changes.mistakes, "plan.yaml:3:5", "no such key");
	errs_add(&r.changes.refusals, NULL, "a range is in the way");
	is("apply", REPORT_REFUSED, EXIT_USAGE);
	style.quiet = true;
	ck_assert(says("plan.yaml:3:5: no such key"));
	ck_assert(says("a range is in the way"));
	ck_assert(says("nothing was touched"));
	o = document();
	ck_assert_str_eq(member(json_array_get(json_object_get(o, "mistakes"), 0), "where"),
			 "plan.yaml:3:5");
	ck_assert(json_is_null(
		json_object_get(json_array_get(json_object_get(o, "refusals"), 0), "where")));
}
END_TEST

START_TEST(many_mistakes)
{
	for (int i = 0; i < ERRS_MAX + 5; i++)
		errs_add(&r.changes.mistakes, "plan", "mistake %d", i);
	is("diff", REPORT_REFUSED, EXIT_USAGE);
	ck_assert(says("5 more"));
}
END_TEST

/* --- rollback --- */

START_TEST(back)
{
	r.journal.undoes = calloc(2, sizeof(*r.journal.undoes));
	ck_assert_ptr_nonnull(r.journal.undoes);
	r.journal.undoes[0] = 8;
	r.journal.undoes[1] = 7;
	r.journal.n_undoes = 2;
	is("rollback", REPORT_ROLLED_BACK, EXIT_AS_WANTED);
	ck_assert(says("8, 7"));
	is("rollback", REPORT_REFUSED, EXIT_FAILED);
	err_set(&r.err, ENOENT, "nothing is left to undo");
	ck_assert(says("nothing is left to undo"));
	ck_assert(!says("as it was before"));
}
END_TEST

/* --- mistakes of a plan, history --- */

START_TEST(mistakes)
{
	struct errs es = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *o = NULL, *none = NULL;

	errs_add(&es, "p:1:2", "first");
	errs_add(&es, NULL, "second \033");
	text = report_mistakes_text(&es, &style);
	ck_assert_str_eq(text, "p:1:2: first\nsecond \\x1b\n");
	o = report_mistakes_json("validate", &es);
	ck_assert_str_eq(member(o, "result"), "refused");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "exit_code")), 64);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "mistakes")), 2);
	errs_done(&es);
	none = report_mistakes_json("validate", &(struct errs){ 0 });
	ck_assert_str_eq(member(none, "result"), "valid");
}
END_TEST

START_TEST(history)
{
	struct changes none = { 0 };
	struct journal list[2];
	_cleanup_free_ char *text = NULL, *empty = NULL;
	_cleanup_json_ json_t *o = NULL;
	const json_t *first;

	file("/etc/f", NULL, "text\n");
	ck_ok(journal_from_changes(&r.changes, &list[0], &e));
	ck_ok(journal_from_changes(&none, &list[1], &e));
	list[0].id = 1;
	list[0].time_us = 1000000000ULL * 1000000;
	list[0].plan = strdup("the-plan.yaml");
	list[1].id = 2;
	list[1].rollback = true;
	list[1].undoes = calloc(1, sizeof(*list[1].undoes));
	ck_assert_ptr_nonnull(list[1].undoes);
	list[1].undoes[0] = 1;
	list[1].n_undoes = 1;
	text = report_history_text(list, 2, &style);
	ck_assert_ptr_nonnull(strstr(text, "2001-09-09T01:46:40Z"));
	ck_assert_ptr_nonnull(strstr(text, "the-plan.yaml"));
	ck_assert_ptr_nonnull(strstr(text, "/etc/f"));
	ck_assert_ptr_nonnull(strstr(text, "undone"));
	/* The newest first. */
	ck_assert_ptr_nonnull(strstr(strstr(text, "rollback"), "the-plan.yaml"));
	o = report_history_json(list, 2);
	first = json_array_get(json_object_get(o, "transactions"), 0);
	ck_assert_str_eq(member(first, "kind"), "rollback");
	ck_assert(json_is_false(
		json_object_get(json_array_get(json_object_get(o, "transactions"), 1), "stands")));
	journal_done(&list[0]);
	journal_done(&list[1]);
	empty = report_history_text(NULL, 0, &style);
	ck_assert_ptr_nonnull(strstr(empty, "nothing"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, members_of_the_document);
	tcase_add_test(tc, results);
	tcase_add_test(tc, diff);
	tcase_add_test(tc, new_and_removed_files);
	tcase_add_test(tc, databases_show_our_lines_only);
	tcase_add_test(tc, replaced_lines_show_no_hash);
	tcase_add_test(tc, huge_files_are_not_shown);
	tcase_add_test(tc, hostile_bytes);
	tcase_add_test(tc, colours_when_asked);
	tcase_add_test(tc, units);
	tcase_add_test(tc, check);
	tcase_add_test(tc, check_by_control);
	tcase_add_test(tc, apply);
	tcase_add_test(tc, apply_that_failed);
	tcase_add_test(tc, rollback_whose_restart_failed);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, many_mistakes);
	tcase_add_test(tc, back);
	tcase_add_test(tc, mistakes);
	tcase_add_test(tc, history);
}

UNIT_MAIN("report")
