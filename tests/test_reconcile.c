/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands, with modules of our own: `one` writes a file and can make every kind of trouble,
 * `two` copies what `one` has only proposed.
 */
#include "rooted.h"

#include "../src/reconcile.h"

/* --- the modules --- */

static const char *const troubles[] = {
	"none",		 "mistake",	 "refusal",	   "error",
	"skip",		 "drift",	 "failed",	   "verify-error",
	"restless",	 "edit-in-diff", "edit-in-verify", "beside",
	"undone-beside", "late-line",	 "killed-beside",  NULL,
};

static const struct field one_fields[] = {
	{ .name = "text",
	  .type = FIELD_STRING,
	  .help = "what the file holds",
	  .cis = "1.1,1.2",
	  .fallback = "one" },
	{ .name = "trouble",
	  .cis = "1.1,1.2",
	  .type = FIELD_ENUM,
	  .choices = troubles,
	  .help = "what goes wrong",
	  .fallback = "none" },
	{ 0 },
};

static bool is(const struct section *s, const char *trouble)
{
	return s && streq(section_str(s, "trouble"), trouble);
}

static int one_applies(const struct section *s, const struct host *h, const char **ret_why,
		       struct err *err)
{
	(void)h;
	(void)err;
	*ret_why = "not here";
	return is(s, "skip");
}

static void edit(const char *path)
{
	put(path, "theirs");
}

static unsigned n_diffs;
static bool locked; /* when a line was proposed last */

static bool leaves_line; /* in a database, too */

/* What a run that is killed after its first file leaves. */
static void leave_half(void)
{
	struct changes c;
	struct journal j;

	changes_init(&c);
	ck_assert_int_eq(
		changes_file(&c, host, "/etc/f", "half", 4, 0644, 0, 0, "m", NULL, NULL, "t", &e),
		1);
	if (leaves_line)
		ck_ok(changes_line(&c, host, "/etc/subuid", "x:1:1", 0644, "m", NULL, "t", &e));
	ck_ok(journal_from_changes(&c, &j, &e));
	j.phase = PHASE_FILES;
	ck_ok(journal_create(host, &j, &e));
	put("/etc/f", "half");
	journal_done(&j);
	changes_done(&c);
}

static int one_diff(const struct section *s, const struct previous *was, const struct host *h,
		    struct changes *out, struct err *err)
{
	_cleanup_json_ json_t *state = NULL;
	const char *text = json_string_value(json_object_get(was ? was->state : NULL, "text"));
	char restless[32];
	int r;

	n_diffs++;
	if (!s)
		return changes_remove_ours(out, h, "/etc/one", text, strlen(text), "one", NULL,
					   "gone", err);
	text = section_str(s, "text");
	if (is(s, "mistake"))
		errs_add(&out->mistakes, section_where(s, "trouble"), "a mistake");
	if (is(s, "refusal"))
		errs_add(&out->refusals, section_where(s, "trouble"), "a refusal");
	if (is(s, "error"))
		return err_set(err, EIO, "a hard error");
	if (is(s, "beside") && n_diffs == 1) { /* another run ends just now */
		put("/var/lib/bulkhead/other", "");
		ck_assert_int_eq(unlink(at("/var/lib/bulkhead/other")), 0);
		return err_set(err, EIO, "read half before and half after");
	}
	if (is(s, "late-line") && n_diffs > 1 && !exists("/etc/subuid")) {
		locked = exists("/etc/subuid.lock");
		r = changes_line(out, h, "/etc/subuid", "one:1:1", 0644, "one", NULL, "a line",
				 err);
		if (r < 0)
			return r;
	}
	if (is(s, "killed-beside") && n_diffs == 1)
		leave_half();
	if (is(s, "edit-in-diff") && n_diffs == 1)
		put("/etc/one", "late");
	if (is(s, "restless")) {
		snprintf(restless, sizeof(restless), "%u", n_diffs);
		text = restless;
	}
	r = changes_file(out, h, "/etc/one", text, strlen(text), CHANGE_KEEP_ATTRS, 0, 0, "one",
			 "text", "1.1", "text: so", err);
	if (r < 0)
		return r;
	state = json_pack("{s:s}", "text", text);
	return state ? changes_remember(out, "one", state, err) : err_oom(err);
}

static int one_verify(const struct section *s, const struct previous *was, const struct host *h,
		      struct findings *out, struct err *err)
{
	(void)was;
	(void)h;
	if (is(s, "verify-error"))
		return err_set(err, EIO, "nobody answers");
	if (is(s, "edit-in-verify"))
		edit("/etc/one");
	if (is(s, "undone-beside") && n_diffs == 1) { /* another run's rollback ends just now */
		ck_assert_int_eq(unlink(at("/etc/one")), 0);
		put("/var/lib/bulkhead/other", "");
		ck_assert_int_eq(unlink(at("/var/lib/bulkhead/other")), 0);
		return findings_add(out, "one", "text", "1.1", FINDING_DRIFT, "that", "this", NULL,
				    err);
	}
	return findings_add(out, "one", "text", "1.1",
			    is(s, "drift") || is(s, "edit-in-verify") ? FINDING_DRIFT
			    : is(s, "failed")			      ? FINDING_FAILED
								      : FINDING_OK,
			    "that", "this", NULL, err);
}

static unsigned n_observed;

static int one_observe(const struct section *s, const struct host *h, struct findings *out,
		       struct err *err)
{
	(void)s;
	(void)h;
	n_observed++;
	return findings_add(out, "one", "seen", NULL, FINDING_NOTED, NULL, "odd", NULL, err);
}

static const struct module module_one = {
	.name = "one",
	.summary = "the first",
	.fields = one_fields,
	.order = 1,
	.applies = one_applies,
	.diff = one_diff,
	.verify = one_verify,
	.observe = one_observe,
};

static const struct field two_fields[] = {
	{ .name = "copies", .type = FIELD_BOOL, .help = "that it does", .fallback = "true" },
	{ 0 },
};

static int two_diff(const struct section *s, const struct previous *was, const struct host *h,
		    struct changes *out, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	(void)was;
	if (!s)
		return 0;
	r = host_read(h, "/etc/one", 4096, &text, &len, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = changes_file(out, h, "/etc/two", text, len, CHANGE_KEEP_ATTRS, 0, 0, "two", NULL, NULL,
			 "a copy", err);
	if (r > 0)
		r = changes_line(out, h, "/etc/subuid", "two:1:1", 0644, "two", NULL, "a line",
				 err);
	return r < 0 ? r : 0;
}

static const struct module module_two = {
	.name = "two",
	.summary = "the second",
	.fields = two_fields,
	.order = 2,
	.diff = two_diff,
};

const struct module *const modules[] = { &module_one, &module_two, NULL };

/* --- running --- */

static struct report report;
static const struct reconcile_options plain = { .plan_path = "plan.yaml" };
static const struct reconcile_options forced = { .force = true };

static void setup(void)
{
	root_setup();
	put("/etc/passwd", "");
	report_init(&report, "apply", host);
}

static void teardown(void)
{
	report_done(&report);
	root_teardown();
}

typedef void command_fn(struct host *h, const struct plan *p, const struct reconcile_options *o,
			struct report *r);

static void gives(command_fn *command, const char *text, enum exit_code code,
		  enum report_result result)
{
	_cleanup_plan_ struct plan *p = NULL;
	struct errs mistakes = { 0 };

	ck_assert_msg(plan_load_text("plan", text, strlen(text), &p, &mistakes, &e) == 0, "%s",
		      mistakes.n ? mistakes.list[0].text : e.text);
	report_done(&report);
	report_init(&report, "apply", host);
	n_diffs = 0;
	command(host, p, &plain, &report);
	ck_assert_msg(report.code == code && report.result == result, "code %d, result %d: %s",
		      (int)report.code, (int)report.result, report.err.text);
	ck_assert_msg((code == EXIT_FAILED || code == EXIT_STUCK) || report.err.text[0] == '\0',
		      "%s", report.err.text);
}

static void rolls_back(enum exit_code code, enum report_result result)
{
	report_done(&report);
	report_init(&report, "rollback", host);
	reconcile_rollback(host, 0, &plain, &report);
	ck_assert_msg(report.code == code && report.result == result, "code %d, result %d: %s",
		      (int)report.code, (int)report.result, report.err.text);
}

#define V   "version: 1\n"
#define ONE V "one: {}\n"

/* Nothing of ours is left, not even a directory of the journal's. */
static void untouched(void)
{
	ck_assert(!exists("/var"));
	holds("/etc/one", NULL);
	holds("/etc/two", NULL);
}

START_TEST(empty_plan)
{
	gives(reconcile_diff, V, EXIT_AS_WANTED, REPORT_CONVERGED);
	gives(reconcile_check, V, EXIT_AS_WANTED, REPORT_CONVERGED);
	gives(reconcile_apply, V, EXIT_AS_WANTED, REPORT_CONVERGED);
	untouched();
}
END_TEST

START_TEST(applies_once)
{
	struct stat before, after;

	gives(reconcile_diff, ONE, EXIT_DIFFERS, REPORT_DIFFERS);
	ck_assert_uint_eq(report.changes.n, 1);
	gives(reconcile_check, ONE, EXIT_DIFFERS, REPORT_DIFFERS);
	ck_assert_int_eq(report.findings.list[0].state, FINDING_DRIFT);
	untouched();
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CHANGED);
	ck_assert_uint_eq(report.id, 1);
	holds("/etc/one", "one");
	gives(reconcile_diff, ONE, EXIT_AS_WANTED, REPORT_CONVERGED);
	gives(reconcile_check, ONE, EXIT_AS_WANTED, REPORT_CONVERGED);
	ck_assert_int_eq(stat(at("/var/lib/bulkhead/lock"), &before), 0);
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CONVERGED);
	ck_assert_uint_eq(report.id, 0);
	ck_assert_int_eq(stat(at("/var/lib/bulkhead/lock"), &after), 0);
	ck_assert_int_eq(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
	ck_assert(!exists("/var/lib/bulkhead/history/000002"));
	rolls_back(EXIT_AS_WANTED, REPORT_ROLLED_BACK);
	holds("/etc/one", NULL);
	rolls_back(EXIT_FAILED, REPORT_REFUSED);
}
END_TEST

START_TEST(later_modules_see_what_is_planned)
{
	gives(reconcile_diff, V "one: {text: x}\ntwo: {}\n", EXIT_DIFFERS, REPORT_DIFFERS);
	ck_assert_uint_eq(report.changes.n, 3);
	ck_assert_str_eq(changes_find(&report.changes, "/etc/two")->after.content, "x");
	gives(reconcile_apply, V "one: {text: x}\ntwo: {}\n", EXIT_AS_WANTED, REPORT_CHANGED);
	holds("/etc/two", "x");
	holds("/etc/subuid", "two:1:1\n");
}
END_TEST

START_TEST(mistakes_and_refusals)
{
	gives(reconcile_diff, V "one: {trouble: mistake}\n", EXIT_USAGE, REPORT_REFUSED);
	ck_assert_str_eq(report.changes.mistakes.list[0].where, "plan:2:16");
	gives(reconcile_apply, V "one: {trouble: mistake}\n", EXIT_USAGE, REPORT_REFUSED);
	gives(reconcile_check, V "one: {trouble: mistake}\n", EXIT_USAGE, REPORT_REFUSED);
	gives(reconcile_diff, V "one: {trouble: refusal}\n", EXIT_FAILED, REPORT_REFUSED);
	ck_assert_str_eq(report.err.text, "");
	gives(reconcile_apply, V "one: {trouble: refusal}\n", EXIT_FAILED, REPORT_REFUSED);
	ck_assert_str_eq(report.err.text, "");
	gives(reconcile_check, V "one: {trouble: refusal}\n", EXIT_DIFFERS, REPORT_DIFFERS);
	gives(reconcile_diff, V "one: {trouble: error}\n", EXIT_FAILED, REPORT_REFUSED);
	ck_assert_ptr_nonnull(strstr(report.err.text, "a hard error"));
	gives(reconcile_apply, V "one: {trouble: error}\n", EXIT_FAILED, REPORT_REFUSED);
	gives(reconcile_check, V "one: {trouble: error}\n", EXIT_FAILED, REPORT_REFUSED);
	untouched();
}
END_TEST

START_TEST(skipped)
{
	gives(reconcile_check, V "one: {trouble: skip}\n", EXIT_AS_WANTED, REPORT_CONVERGED);
	ck_assert_int_eq(report.findings.list[0].state, FINDING_SKIPPED);
	ck_assert_str_eq(report.findings.list[0].why, "not here");
	ck_assert_str_eq(report.findings.list[0].cis, "1.1,1.2");
	gives(reconcile_apply, V "one: {trouble: skip}\n", EXIT_AS_WANTED, REPORT_CONVERGED);
	untouched();
}
END_TEST

/* What is only told is check's alone, and changes no exit code. */
START_TEST(observed)
{
	n_observed = 0;
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CHANGED);
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CONVERGED);
	gives(reconcile_diff, ONE, EXIT_AS_WANTED, REPORT_CONVERGED);
	ck_assert_uint_eq(n_observed, 0);
	gives(reconcile_check, ONE, EXIT_AS_WANTED, REPORT_CONVERGED);
	ck_assert_uint_eq(n_observed, 1);
	ck_assert_uint_eq(report.findings.n, 2);
	ck_assert_int_eq(report.findings.list[1].state, FINDING_NOTED);
}
END_TEST

/* What fails after the commit is undone, all of it. */
static void undone(const char *trouble, const char *says)
{
	char text[128];

	put("/etc/one", "before");
	put("/etc/subuid", "a:1:1");
	snprintf(text, sizeof(text), V "one: {trouble: %s}\ntwo: {}\n", trouble);
	gives(reconcile_apply, text, EXIT_FAILED, REPORT_UNDONE);
	ck_assert_msg(strstr(report.err.text, says), "%s", report.err.text);
	ck_assert_uint_eq(report.failed.n, 0);
	ck_assert_uint_eq(report.id, 0);
	holds("/etc/one", "before");
	holds("/etc/two", NULL);
	holds("/etc/subuid", "a:1:1");
	ck_assert(!exists("/var/lib/bulkhead/pending"));
	ck_assert(!exists("/var/lib/bulkhead/history"));
}

START_TEST(undone_when_the_host_shows_otherwise)
{
	undone("drift", "one.text is not as wanted: wanted that, found this");
}
END_TEST

START_TEST(undone_when_it_failed)
{
	undone("failed", "one.text");
}
END_TEST

START_TEST(undone_when_nobody_answers)
{
	undone("verify-error", "nobody answers");
}
END_TEST

START_TEST(undone_when_a_second_look_wants_more)
{
	undone("restless", "/etc/one");
}
END_TEST

START_TEST(stuck_when_somebody_edits_meanwhile)
{
	gives(reconcile_apply, V "one: {trouble: edit-in-verify}\n", EXIT_STUCK, REPORT_STUCK);
	ck_assert_uint_eq(report.failed.n, 1);
	ck_assert_str_eq(report.failed.list[0].where, "/etc/one");
	holds("/etc/one", "theirs");
	/* Everything but recover waits, apply tries it first. */
	gives(reconcile_diff, ONE, EXIT_STUCK, REPORT_STUCK);
	ck_assert_ptr_nonnull(strstr(report.err.text, "bulkhead recover --root"));
	gives(reconcile_check, ONE, EXIT_STUCK, REPORT_STUCK);
	gives(reconcile_apply, ONE, EXIT_STUCK, REPORT_STUCK);
	rolls_back(EXIT_STUCK, REPORT_STUCK);
	report_done(&report);
	report_init(&report, "recover", host);
	reconcile_recover(host, &plain, &report);
	ck_assert_int_eq(report.code, EXIT_STUCK);
	report_done(&report);
	report_init(&report, "recover", host);
	reconcile_recover(host, &forced, &report);
	ck_assert_int_eq(report.code, EXIT_AS_WANTED);
	ck_assert_int_eq(report.result, REPORT_RECOVERED);
	holds("/etc/one", NULL);
	report_done(&report);
	report_init(&report, "recover", host);
	reconcile_recover(host, &plain, &report);
	ck_assert_int_eq(report.code, EXIT_AS_WANTED);
	ck_assert_int_eq(report.result, REPORT_CONVERGED);
}
END_TEST

/* What counts is what is read under the locks. */
START_TEST(diffed_again_under_the_lock)
{
	gives(reconcile_apply, V "one: {text: wanted, trouble: edit-in-diff}\n", EXIT_AS_WANTED,
	      REPORT_CHANGED);
	ck_assert_str_eq(report.changes.list[0]->before.content, "late");
	ck_assert_uint_ge(n_diffs, 2);
	rolls_back(EXIT_AS_WANTED, REPORT_ROLLED_BACK);
	holds("/etc/one", "late");
}
END_TEST

/* Lines that only the second look proposes are written under the databases' locks, too. */
START_TEST(locked_for_lines_that_come_late)
{
	gives(reconcile_apply, V "one: {trouble: late-line}\n", EXIT_AS_WANTED, REPORT_CHANGED);
	holds("/etc/subuid", "one:1:1\n");
	ck_assert(locked);
	ck_assert(!exists("/etc/subuid.lock"));
}
END_TEST

START_TEST(converged_under_the_lock)
{
	gives(reconcile_apply, V "one: {text: late, trouble: edit-in-diff}\n", EXIT_AS_WANTED,
	      REPORT_CONVERGED);
	ck_assert(!exists("/var/lib/bulkhead/history"));
}
END_TEST

START_TEST(converged_but_not_as_wanted)
{
	put("/etc/one", "one");
	gives(reconcile_apply, V "one: {trouble: failed}\n", EXIT_FAILED, REPORT_DIFFERS);
	gives(reconcile_check, V "one: {trouble: failed}\n", EXIT_DIFFERS, REPORT_DIFFERS);
	ck_assert(!exists("/var"));
}
END_TEST

/* --- what was set before --- */

START_TEST(a_dropped_section_is_taken_out)
{
	gives(reconcile_apply, ONE "two: {}\n", EXIT_AS_WANTED, REPORT_CHANGED);
	gives(reconcile_diff, V, EXIT_DIFFERS, REPORT_DIFFERS);
	gives(reconcile_apply, V, EXIT_AS_WANTED, REPORT_CHANGED);
	holds("/etc/one", NULL);
	gives(reconcile_apply, V, EXIT_AS_WANTED, REPORT_CONVERGED);
	rolls_back(EXIT_AS_WANTED, REPORT_ROLLED_BACK);
	holds("/etc/one", "one");
	/* What is known of before is again what the first one set. */
	gives(reconcile_diff, V, EXIT_DIFFERS, REPORT_DIFFERS);
	rolls_back(EXIT_AS_WANTED, REPORT_ROLLED_BACK);
	gives(reconcile_diff, V, EXIT_AS_WANTED, REPORT_CONVERGED);
}
END_TEST

START_TEST(what_somebody_edited_stays)
{
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CHANGED);
	put("/etc/one", "theirs");
	gives(reconcile_apply, V, EXIT_AS_WANTED, REPORT_CONVERGED);
	ck_assert_uint_eq(report.changes.n_notes, 1);
	holds("/etc/one", "theirs");
	rolls_back(EXIT_FAILED, REPORT_REFUSED);
	ck_assert_uint_eq(report.failed.n, 1);
	holds("/etc/one", "theirs");
}
END_TEST

/* A module that is skipped for a while still knows what it left behind. */
START_TEST(a_skipped_module_keeps_what_it_knows)
{
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CHANGED);
	gives(reconcile_apply, V "one: {trouble: skip}\ntwo: {}\n", EXIT_AS_WANTED, REPORT_CHANGED);
	gives(reconcile_diff, V, EXIT_DIFFERS, REPORT_DIFFERS);
	gives(reconcile_apply, V, EXIT_AS_WANTED, REPORT_CHANGED);
	holds("/etc/one", NULL);
}
END_TEST

START_TEST(apply_recovers_first)
{
	leave_half();
	gives(reconcile_diff, ONE, EXIT_STUCK, REPORT_STUCK);
	gives(reconcile_apply, ONE, EXIT_AS_WANTED, REPORT_CHANGED);
	ck_assert(report.recovered);
	holds("/etc/f", NULL);
	holds("/etc/one", "one");
}
END_TEST

/* What was done stands, and the lock files that keep others out are named. */
START_TEST(lock_files_that_stay)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	put("/etc/subuid.lock", pid);
	gives(reconcile_apply, ONE, EXIT_STUCK, REPORT_CHANGED);
	holds("/etc/one", "one");
	ck_assert_uint_eq(report.failed.n, 1);
	ck_assert_ptr_nonnull(strstr(report.failed.list[0].text, "(subuid.lock)"));
	ck_assert_ptr_nonnull(strstr(report.failed.list[0].text, "bulkhead recover --root"));
	report_done(&report);
	report_init(&report, "recover", host);
	reconcile_recover(host, &plain, &report);
	ck_assert_int_eq(report.code, EXIT_AS_WANTED);
	ck_assert(!exists("/etc/subuid.lock"));
}
END_TEST

/* Nothing was begun where nothing can be. */
START_TEST(no_directory_of_ours)
{
	put("/var/lib/bulkhead", "somebody's");
	gives(reconcile_apply, ONE, EXIT_FAILED, REPORT_REFUSED);
	rolls_back(EXIT_FAILED, REPORT_REFUSED);
	report_done(&report);
	report_init(&report, "recover", host);
	reconcile_recover(host, &plain, &report);
	ck_assert_int_eq(report.code, EXIT_FAILED);
	holds("/etc/one", NULL);
}
END_TEST

/* Another run is killed between the first look and the lock. */
START_TEST(apply_recovers_under_way)
{
	static const char plan[] = V "one: {trouble: killed-beside}\n";

	gives(reconcile_apply, plan, EXIT_AS_WANTED, REPORT_CHANGED);
	ck_assert(report.recovered);
	holds("/etc/f", NULL);
	holds("/etc/one", "one");
	rolls_back(EXIT_AS_WANTED, REPORT_ROLLED_BACK);

	put_dir("/etc/subuid.lock");
	leaves_line = true;
	gives(reconcile_apply, plan, EXIT_STUCK, REPORT_STUCK);
	holds("/etc/one", NULL);
}
END_TEST

/* EBUSY of anything else than the run's lock is no other run: what waits still waits. */
START_TEST(recover_that_is_held_up)
{
	struct changes c;
	struct journal j;

	changes_init(&c);
	ck_ok(changes_line(&c, host, "/etc/subuid", "x:1:1", 0644, "m", NULL, "t", &e));
	ck_ok(journal_from_changes(&c, &j, &e));
	ck_ok(journal_create(host, &j, &e));
	put_dir("/etc/subuid.lock");
	reconcile_recover(host, &plain, &report);
	ck_assert_int_eq(report.code, EXIT_STUCK);
	ck_assert_int_eq(report.result, REPORT_STUCK);
	ck_assert(journal_interrupted(host));
	ck_assert_int_eq(rmdir(at("/etc/subuid.lock")), 0);
	report_done(&report);
	report_init(&report, "recover", host);
	reconcile_recover(host, &plain, &report);
	ck_assert_int_eq(report.code, EXIT_AS_WANTED);
	ck_assert_int_eq(report.result, REPORT_RECOVERED);
	journal_done(&j);
	changes_done(&c);
}
END_TEST

START_TEST(another_run_is_at_work)
{
	uint32_t last;
	int lock;

	ck_ok(journal_lock(host, 0, &lock, &last, &e));
	ck_ok(journal_lock_note(host, lock, &e));
	gives(reconcile_apply, ONE, EXIT_FAILED, REPORT_REFUSED);
	ck_assert_ptr_nonnull(strstr(report.err.text, "another run"));
	holds("/etc/one", NULL);
	gives(reconcile_apply, V "one: {trouble: refusal}\n", EXIT_FAILED, REPORT_REFUSED);
	ck_assert_ptr_nonnull(strstr(report.err.text, "another run"));
	ck_assert_uint_eq(report.changes.refusals.n, 0);
	/* In between while it is at work: not stuck, only early. */
	put_dir("/var/lib/bulkhead/pending");
	gives(reconcile_diff, ONE, EXIT_FAILED, REPORT_REFUSED);
	ck_assert_ptr_nonnull(strstr(report.err.text, "another run"));
	close(lock);
}
END_TEST

START_TEST(another_run_ends_meanwhile)
{
	static const char plan[] = "version: 1\none: {trouble: beside}\n";

	gives(reconcile_diff, plan, EXIT_DIFFERS, REPORT_DIFFERS);
	n_diffs = 0;
	gives(reconcile_apply, plan, EXIT_AS_WANTED, REPORT_CHANGED);
	holds("/etc/one", "one");
	n_diffs = 0;
	gives(reconcile_apply, "version: 1\none: {trouble: undone-beside}\n", EXIT_AS_WANTED,
	      REPORT_CHANGED);
	holds("/etc/one", "one");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, empty_plan);
	tcase_add_test(tc, applies_once);
	tcase_add_test(tc, later_modules_see_what_is_planned);
	tcase_add_test(tc, mistakes_and_refusals);
	tcase_add_test(tc, skipped);
	tcase_add_test(tc, observed);
	tcase_add_test(tc, undone_when_the_host_shows_otherwise);
	tcase_add_test(tc, undone_when_it_failed);
	tcase_add_test(tc, undone_when_nobody_answers);
	tcase_add_test(tc, undone_when_a_second_look_wants_more);
	tcase_add_test(tc, stuck_when_somebody_edits_meanwhile);
	tcase_add_test(tc, diffed_again_under_the_lock);
	tcase_add_test(tc, locked_for_lines_that_come_late);
	tcase_add_test(tc, converged_under_the_lock);
	tcase_add_test(tc, converged_but_not_as_wanted);
	tcase_add_test(tc, a_dropped_section_is_taken_out);
	tcase_add_test(tc, what_somebody_edited_stays);
	tcase_add_test(tc, a_skipped_module_keeps_what_it_knows);
	tcase_add_test(tc, apply_recovers_first);
	tcase_add_test(tc, apply_recovers_under_way);
	tcase_add_test(tc, no_directory_of_ours);
	tcase_add_test(tc, lock_files_that_stay);
	tcase_add_test(tc, recover_that_is_held_up);
	tcase_add_test(tc, another_run_is_at_work);
	tcase_add_test(tc, another_run_ends_meanwhile);
}

UNIT_MAIN("reconcile")
