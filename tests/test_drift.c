/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for drift, with a module of our own that writes a file and makes trouble, and a journal
 * that only notes the kinds of events.
 */
#include "../src/host.h"

static bool fake_live;

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

#define host_is_live fake_is_live
#include "../src/drift.c"
#undef host_is_live

#include "planned.h"

/* --- the module --- */

static const char *const troubles[] = { "none", "drift", "failed", "pending", "refusal", NULL };

static const struct field fields[] = {
	{ .name = "text", .type = FIELD_STRING, .fallback = "one" },
	{ .name = "trouble", .type = FIELD_ENUM, .choices = troubles, .fallback = "none" },
	{ 0 },
};

static bool has(const struct section *s, const char *trouble)
{
	return streq(section_str(s, "trouble"), trouble);
}

static int one_diff(const struct section *s, const struct previous *was, const struct host *h,
		    struct changes *out, struct err *err)
{
	const char *text = section_str(s, "text");

	(void)was;
	if (has(s, "refusal"))
		errs_add(&out->refusals, "/etc/one", "it is in the way");
	return changes_file(out, h, "/etc/one", text, strlen(text), 0644, 0, 0, "one", "text",
			    "2.2", "text", err);
}

/* The running host never agrees. */
static int one_verify(const struct section *s, const struct previous *was, const struct host *h,
		      struct findings *out, struct err *err)
{
	enum finding_state state = has(s, "drift")     ? FINDING_DRIFT
				   : has(s, "failed")  ? FINDING_FAILED
				   : has(s, "pending") ? FINDING_PENDING
						       : FINDING_OK;

	(void)was;
	(void)h;
	return findings_add(out, "one", state == FINDING_OK ? "text" : "trouble", "2.2", state,
			    NULL, NULL, "because", err);
}

static const struct module one = {
	.name = "one", .fields = fields, .order = 1, .diff = one_diff, .verify = one_verify
};
const struct module *const modules[] = { &one, NULL };
const struct profile profiles[] = { { NULL, NULL, 0 } };

/* --- looking --- */

static struct buf seen; /* kinds of events, as their words' first letters */
static struct report r;
static struct plan *plan;
static volatile int signalled;

static int note(const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++)
		for (enum event_kind k = 0; k < EVENT_KINDS; k++)
			if (iov[i].iov_len == 43 && has_prefix(iov[i].iov_base, "MESSAGE_ID=") &&
			    has_prefix((char *)iov[i].iov_base + 11, event_id(k)))
				buf_addc(&seen, "wDBpMNiRl"[k]);
	return 0;
}

static void setup(void)
{
	root_setup();
	put("/etc/hosts", "");
	put_dir("/run");
	fake_live = true;
	report_init(&r, "drift", host);
}

static void teardown(void)
{
	report_done(&r);
	plan_free(TAKE_PTR(plan));
	buf_done(&seen);
	root_teardown();
}

static void look(const char *text, bool mending, enum exit_code code, const char *kinds)
{
	struct events ev = { .sendv = note };
	struct progress p = { .interrupted = &signalled };
	struct reconcile_options o = { .plan_path = "plan", .progress = &p };

	plan_free(plan);
	plan = plan_of(text);
	report_done(&r);
	report_init(&r, "drift", host);
	buf_done(&seen);
	drift_look(host, plan, mending, &o, &ev, &r);
	ck_assert_msg(streq(seen.data ? seen.data : "", kinds), "%s, not %s: %s",
		      seen.data ? seen.data : "", kinds, r.err.text);
	ck_assert_int_eq(r.code, code);
}

#define PLAN(trouble) "version: 1\none: {trouble: " trouble "}\n"

START_TEST(reports)
{
	look(PLAN("none"), false, EXIT_DIFFERS, "D");
	ck_assert(!exists("/etc/one"));
	put("/etc/one", "one");
	look(PLAN("none"), false, EXIT_AS_WANTED, "w");
	look(PLAN("pending"), false, EXIT_DIFFERS, "p");
	look(PLAN("failed"), false, EXIT_DIFFERS, "B");
	ck_assert(!exists("/var/lib/bulkhead"));
	ck_assert(!exists(DRIFT_FAILED));
}
END_TEST

START_TEST(mends)
{
	look(PLAN("none"), true, EXIT_AS_WANTED, "DM");
	holds("/etc/one", "one");
	ck_assert_uint_eq(r.id, 1);
	ck_assert_str_eq(r.command, "apply");
	look(PLAN("none"), true, EXIT_AS_WANTED, "w");
	put("/etc/one", "two");
	/* What is pending afterwards is told as such. */
	look(PLAN("pending"), true, EXIT_DIFFERS, "pDpM");
	holds("/etc/one", "one");
	ck_assert(!exists(DRIFT_FAILED));
}
END_TEST

/* The undoing of a mending that failed is a change, too: the next look must not try again. */
START_TEST(does_not_try_again)
{
	look(PLAN("drift"), true, EXIT_FAILED, "DDN");
	ck_assert_int_eq(r.result, REPORT_UNDONE);
	ck_assert(!exists("/etc/one"));
	ck_assert(exists(DRIFT_FAILED));
	look(PLAN("drift"), true, EXIT_FAILED, "DDN");
	ck_assert_int_eq(r.result, REPORT_DIFFERS);
	ck_assert_ptr_nonnull(strstr(r.err.text, "not tried again"));
	/* What it would change is another file now. */
	put("/etc/one", "edited");
	look(PLAN("drift"), true, EXIT_FAILED, "DDN");
	ck_assert_int_eq(r.result, REPORT_UNDONE);
	look(PLAN("drift"), true, EXIT_FAILED, "DDN");
	ck_assert_int_eq(r.result, REPORT_DIFFERS);
	/* Another plan. */
	look("version: 1\none: {trouble: drift, text: new}\n", true, EXIT_FAILED, "DDN");
	ck_assert_int_eq(r.result, REPORT_UNDONE);
	look(PLAN("none"), true, EXIT_AS_WANTED, "DM");
}
END_TEST

/* Somebody changes it back each time: Docker isn't restarted for ever. */
START_TEST(not_for_ever)
{
	for (int i = 0; i < 10; i++) {
		put("/etc/one", "theirs");
		look(PLAN("none"), true, EXIT_AS_WANTED, "DM");
	}
	put("/etc/one", "theirs");
	look(PLAN("none"), true, EXIT_FAILED, "DN");
	holds("/etc/one", "theirs");
	ck_assert_ptr_nonnull(strstr(r.err.text, "somebody else"));
	fake_live = false;
	look(PLAN("none"), true, EXIT_AS_WANTED, "DM");
}
END_TEST

/* What can't be read is not known to have gone well. */
START_TEST(memory_that_cannot_be_read)
{
	put_dir(DRIFT_FAILED);
	look(PLAN("none"), true, EXIT_FAILED, "DN");
	ck_assert(!exists("/etc/one"));
}
END_TEST

/* A tree is looked at by who wants it, as often as he wants it. */
START_TEST(offline_forgets)
{
	fake_live = false;
	look(PLAN("drift"), true, EXIT_FAILED, "DDN");
	ck_assert(!exists(DRIFT_FAILED));
	look(PLAN("drift"), true, EXIT_FAILED, "DDN");
	ck_assert_int_eq(r.result, REPORT_UNDONE);
}
END_TEST

START_TEST(nothing_to_mend)
{
	put("/etc/one", "one");
	/* Only what applying can't mend, and what waits. */
	look(PLAN("failed"), true, EXIT_DIFFERS, "B");
	look(PLAN("pending"), true, EXIT_DIFFERS, "p");
	look(PLAN("drift"), true, EXIT_DIFFERS, "D");
	ck_assert(!exists("/var/lib/bulkhead"));
	put("/etc/one", "two");
	look(PLAN("refusal"), false, EXIT_DIFFERS, "DN");
	look(PLAN("refusal"), true, EXIT_FAILED, "DN");
	holds("/etc/one", "two");
}
END_TEST

START_TEST(interrupted_run)
{
	_cleanup_journal_ struct journal j;
	_cleanup_changes_ struct changes c;

	changes_init(&c);
	ck_ok(changes_dir(&c, host, "/etc/dir", 0700, 0, 0, "m", NULL, NULL, "t", &e));
	ck_ok(journal_from_changes(&c, &j, &e));
	ck_ok(journal_create(host, &j, &e));
	look(PLAN("none"), false, EXIT_STUCK, "i");
	ck_assert(exists("/var/lib/bulkhead/pending"));
	look(PLAN("none"), true, EXIT_AS_WANTED, "iRDM");
	ck_assert(!exists("/var/lib/bulkhead/pending"));
}
END_TEST

START_TEST(not_looked)
{
	ck_assert_int_eq(unlink(at("/etc/hosts")), 0);
	ck_assert_int_eq(rmdir(at("/etc")), 0);
	look(PLAN("none"), true, EXIT_FAILED, "l");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reports);
	tcase_add_test(tc, mends);
	tcase_add_test(tc, does_not_try_again);
	tcase_add_test(tc, not_for_ever);
	tcase_add_test(tc, memory_that_cannot_be_read);
	tcase_add_test(tc, offline_forgets);
	tcase_add_test(tc, nothing_to_mend);
	tcase_add_test(tc, interrupted_run);
	tcase_add_test(tc, not_looked);
}

UNIT_MAIN("drift")
