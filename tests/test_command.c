/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of a transaction, from the change to the rollback: real programs, which leave a line in
 * a file of the scratch root.
 */
#include "../src/host.h"
#include "../src/journal.h"

static bool fake_live = true;

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

#define host_is_live fake_is_live
#include "../src/change.c"
#include "../src/commandrecord.c"
#undef host_is_live

#include "rooted.h"

#include "../src/report.h"
#include "../src/transaction.h"

static struct changes c;
static struct transaction t;
static struct errs lost;
static bool between;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	fake_live = true;
	put("/etc/f", "before");
	put("/log", "");
}

static void teardown(void)
{
	errs_done(&lost);
	changes_done(&c);
	root_teardown();
}

#define SH(script) ((char *[]){ (char[]){ "/bin/sh" }, (char[]){ "-c" }, script, NULL })

/* Adds `word`, and what /etc/f holds then, to the log; then ends with `code`. */
static void script(char *buf, size_t size, const char *word, int code)
{
	snprintf(buf, size,
		 "echo %s $(cat '%s/etc/f') >>'%s/log'; [ %d = 0 ] || echo no %s today; exit %d",
		 word, root, root, code, word, code);
}

static void command(const char *word, int code, const char *back, int back_code)
{
	char there[512], again[512];

	script(there, sizeof(there), word, code);
	if (back)
		script(again, sizeof(again), back, back_code);
	ck_ok(changes_command(&c, host, SH(there), back ? SH(again) : NULL, "m", "x", "1.1.3", "t",
			      &e));
}

static void file(void)
{
	ck_assert_int_eq(changes_file(&c, host, "/etc/f", "after", 5, CHANGE_KEEP_ATTRS, 0, 0, "m",
				      NULL, NULL, "t", &e),
			 1);
}

static int commit(void)
{
	ck_ok(transaction_begin(&t, host, NULL, &e));
	ck_ok(transaction_prepare(&t, &c, "plan.yaml", &e));
	return transaction_commit(&t, &c, &e);
}

static void run_all(void)
{
	ck_ok(commit());
	ck_ok(transaction_finish(&t, &e));
	transaction_end(&t);
	changes_done(&c);
}

static int rollback(unsigned id, bool force)
{
	_cleanup_journal_ struct journal j = { 0 };

	errs_done(&lost);
	lost = (struct errs){ 0 };
	return transaction_rollback(host, id, force, false, NULL, NULL, &j, &between, &lost, &e);
}

START_TEST(run_once_the_files_are_there)
{
	_cleanup_journal_ struct journal j = { 0 };

	file();
	command("one", 0, "undo-one", 0);
	command("two", 0, NULL, 0);
	ck_assert(!changes_empty(&c));
	run_all();
	holds("/log", "one after\ntwo after\n");
	ck_ok(journal_load(host, 1, &j, &e));
	ck_assert_uint_eq(j.n_commands, 2);
	ck_assert_str_eq(j.commands[0].argv[0], "/bin/sh");
	ck_assert_str_eq(j.commands[0].back[1], "-c");
	ck_assert_ptr_null(j.commands[1].back);
	put("/log", "");
	ck_ok(rollback(0, false));
	holds("/log", "undo-one before\n");
	holds("/etc/f", "before");
}
END_TEST

START_TEST(asked_for_twice)
{
	command("one", 0, NULL, 0);
	command("one", 0, NULL, 0);
	ck_assert_uint_eq(c.n_commands, 1);
	ck_assert_uint_eq(c.commands[0].n_whys, 2);
	ck_assert_int_eq(changes_command(&c, host, (char *[]){ (char[]){ "sh" }, NULL }, NULL, "m",
					 NULL, NULL, "t", &e),
			 -EINVAL);
	fake_live = false;
	ck_assert_int_eq(
		changes_command(&c, host, SH((char[]){ "true" }), NULL, "m", NULL, NULL, "t", &e),
		-EOPNOTSUPP);
	ck_assert_uint_eq(c.n_commands, 1);
}
END_TEST

START_TEST(one_that_fails_undoes_everything)
{
	file();
	command("one", 0, "undo-one", 0);
	command("two", 3, "undo-two", 0);
	command("three", 0, "undo-three", 0);
	ck_assert_int_eq(commit(), -EIO);
	ck_says("failed (exit code 3):\nno two today");
	ck_ok(transaction_undo(&t, &lost, &e));
	transaction_end(&t);
	/* Whether the third was run is known to us alone. */
	holds("/log",
	      "one after\ntwo after\nundo-three before\nundo-two before\nundo-one before\n");
	holds("/etc/f", "before");
	ck_assert(!exists("/var/lib/bulkhead/pending"));
}
END_TEST

START_TEST(a_way_back_that_fails)
{
	_cleanup_journal_ struct journal j = { 0 };

	file();
	command("one", 1, "undo-one", 4);
	ck_assert_int_eq(commit(), -EIO);
	ck_assert_int_eq(transaction_undo(&t, &lost, &e), -EIO);
	transaction_end(&t);
	ck_assert_uint_eq(lost.n, 1);
	ck_assert_str_eq(lost.list[0].where, "/bin/sh");
	ck_assert_ptr_nonnull(strstr(lost.list[0].text, "no undo-one today"));
	ck_assert_ptr_nonnull(strstr(lost.list[0].text, "type: /bin/sh -c"));
	holds("/etc/f", "before");
	ck_assert(exists("/var/lib/bulkhead/pending"));
	/* What somebody edits now is theirs: only the command is tried again. */
	put("/etc/f", "theirs");
	ck_assert_int_eq(transaction_recover(host, false, NULL, &j, &between, &lost, &e), -EIO);
	holds("/etc/f", "theirs");
	holds("/log", "one after\nundo-one before\nundo-one theirs\n");
}
END_TEST

/* What fails with our files fails without them: that is how it was before. */
START_TEST(a_loader_that_fails_anyway)
{
	char load[512];

	file();
	script(load, sizeof(load), "load", 1);
	ck_ok(changes_command(&c, host, SH(load), SH(load), "m", NULL, NULL, "t", &e));
	ck_assert_int_eq(commit(), -EIO);
	ck_ok(transaction_undo(&t, &lost, &e));
	transaction_end(&t);
	ck_assert_uint_eq(lost.n, 0);
	holds("/log", "load after\nload before\n");
	ck_assert(!exists("/var/lib/bulkhead/pending"));
}
END_TEST

static void killed_at(enum phase phase)
{
	file();
	command("one", 0, "undo-one", 0);
	ck_ok(commit());
	t.journal.phase = phase;
	ck_ok(journal_update(host, &t.journal, &e));
	transaction_end(&t);
	put("/log", "");
}

START_TEST(killed_in_between)
{
	_cleanup_journal_ struct journal j = { 0 };

	killed_at(PHASE_COMMANDS);
	ck_assert_int_eq(transaction_recover(host, false, NULL, &j, &between, &lost, &e), 1);
	holds("/log", "undo-one before\n");
	holds("/etc/f", "before");
}
END_TEST

START_TEST(killed_before_they_were_run)
{
	_cleanup_journal_ struct journal j = { 0 };

	killed_at(PHASE_FILES);
	ck_assert_int_eq(transaction_recover(host, false, NULL, &j, &between, &lost, &e), 1);
	holds("/log", "");
	holds("/etc/f", "before");
}
END_TEST

/* The disk of a live host, mounted on another. */
START_TEST(not_the_host_that_runs)
{
	_cleanup_journal_ struct journal j = { 0 };

	killed_at(PHASE_COMMANDS);
	fake_live = false;
	ck_assert_int_eq(transaction_recover(host, false, NULL, &j, &between, &lost, &e),
			 -EOPNOTSUPP);
	holds("/log", "");
	holds("/etc/f", "before");
	ck_assert_uint_eq(lost.n, 1);
	journal_done(&j);
	fake_live = true;
	ck_assert_int_eq(transaction_recover(host, false, NULL, &j, &between, &lost, &e), 1);
	holds("/log", "undo-one before\n");
}
END_TEST

START_TEST(rolled_back_offline)
{
	file();
	command("one", 0, "undo-one", 0);
	run_all();
	put("/log", "");
	fake_live = false;
	ck_assert_int_eq(rollback(0, false), -EBUSY);
	ck_assert_uint_eq(lost.n, 1);
	ck_assert_ptr_nonnull(strstr(lost.list[0].text, "on the live host"));
	holds("/etc/f", "after");
	ck_ok(rollback(0, true));
	holds("/etc/f", "before");
	holds("/log", "");
}
END_TEST

/* Newest first, and what several ask for only once, in the end. */
START_TEST(several_rolled_back)
{
	file();
	command("one", 0, "load", 0);
	run_all();
	command("two", 0, "undo-two", 0);
	command("three", 0, "load", 0);
	run_all();
	put("/log", "");
	ck_ok(rollback(1, false));
	holds("/log", "undo-two before\nload before\n");
}
END_TEST

/* The files are back, and that is history; the rest of the commands has had its turn. */
START_TEST(rollback_that_fails)
{
	file();
	command("one", 0, "undo-one", 0);
	command("two", 0, "undo-two", 5);
	run_all();
	put("/log", "");
	ck_assert_int_eq(rollback(0, false), -EIO);
	ck_assert(between);
	ck_assert_uint_eq(lost.n, 1);
	holds("/log", "undo-two before\nundo-one before\n");
	holds("/etc/f", "before");
	ck_assert_int_eq(rollback(0, false), -ENOENT);
}
END_TEST

START_TEST(damaged_records)
{
	static const char *const bad[] = {
		"{\"argv\": [], \"back\": null, \"why\": []}",
		"{\"argv\": [\"sh\"], \"back\": null, \"why\": []}",
		"{\"argv\": [\"/bin/sh\", 1], \"back\": null, \"why\": []}",
		"{\"argv\": [\"/bin/sh\"], \"back\": [], \"why\": []}",
		"{\"argv\": [\"/bin/sh\"], \"why\": []}",
	};
	_cleanup_journal_ struct journal j = { 0 };
	_cleanup_json_ json_t *o = NULL;

	command("one", 0, "undo-one", 0);
	ck_ok(journal_from_changes(&c, &j, &e));
	j.id = 1;
	o = journal_json(&j);
	ck_assert_ptr_nonnull(o);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_journal_ struct journal k = { 0 };
		_cleanup_json_ json_t *one = json_loads(bad[i], 0, NULL);

		json_array_set(json_object_get(o, "commands"), 0, one);
		ck_assert_int_eq(journal_parse(o, &k), -EINVAL);
	}
	/* As a version without commands wrote it. */
	json_object_del(o, "commands");
	{
		_cleanup_journal_ struct journal k = { 0 };

		ck_ok(journal_parse(o, &k));
		ck_assert_uint_eq(k.n_commands, 0);
	}
}
END_TEST

START_TEST(shown)
{
	static const struct report_style style;
	_cleanup_free_ char *text = NULL, *done = NULL, *history = NULL;
	_cleanup_json_ json_t *o = NULL;
	_cleanup_report_ struct report r;
	struct journal *list;
	size_t n;

	report_init(&r, "diff", host);
	r.result = REPORT_DIFFERS;
	ck_ok(changes_command(&r.changes, host, SH((char[]){ "true" }), SH((char[]){ "true" }), "m",
			      "x", "1.1.3", "loaded", &e));
	text = report_text(&r, &style);
	ck_assert_ptr_nonnull(strstr(text, "run       /bin/sh -c true\n"));
	ck_assert_ptr_nonnull(strstr(text, "loaded  [CIS 1.1.3]"));
	ck_assert_ptr_nonnull(strstr(text, "0 changes to files, and commands to run."));
	r.command = "apply";
	r.result = REPORT_CHANGED;
	done = report_text(&r, &style);
	ck_assert_ptr_nonnull(strstr(done, "ran       /bin/sh -c true\n"));
	o = report_json(&r);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "commands")), 1);

	command("one", 0, NULL, 0);
	run_all();
	ck_ok(journal_list(host, &list, &n, &e));
	history = report_history_text(list, n, &style);
	journal_list_free(list, n);
	ck_assert_ptr_nonnull(strstr(history, "command     /bin/sh -c echo one"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, run_once_the_files_are_there);
	tcase_add_test(tc, asked_for_twice);
	tcase_add_test(tc, one_that_fails_undoes_everything);
	tcase_add_test(tc, a_way_back_that_fails);
	tcase_add_test(tc, a_loader_that_fails_anyway);
	tcase_add_test(tc, killed_in_between);
	tcase_add_test(tc, killed_before_they_were_run);
	tcase_add_test(tc, not_the_host_that_runs);
	tcase_add_test(tc, rolled_back_offline);
	tcase_add_test(tc, several_rolled_back);
	tcase_add_test(tc, rollback_that_fails);
	tcase_add_test(tc, damaged_records);
	tcase_add_test(tc, shown);
}

UNIT_MAIN("command")
