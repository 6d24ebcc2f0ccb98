/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs on hosts of any content. The input is a plan, a second plan, then a tree (fuzz.h),
 * each behind a NUL byte. An empty first plan is the baseline profile.
 *
 * A run that fails leaves the host as it was. One that succeeds leaves nothing to do, for diff and
 * for another apply. Rolled back, it is as before.
 */
#include "fuzz.h"

#include "../../src/reconcile.h"

const struct fuzz_bounds fuzz_bounds = { 16 << 20, 2000 };

static struct plan *plan_of(const char **data, size_t *len, const char *otherwise)
{
	_cleanup_(errs_done) struct errs errs = { 0 };
	size_t n;
	_cleanup_free_ char *text = fuzz_part(data, len, false, &n);
	struct plan *p = NULL;
	struct err e = { 0 };

	if (!n && otherwise)
		plan_load_text("plan", otherwise, strlen(otherwise), &p, &errs, &e);
	else
		plan_load_text("plan", text, n, &p, &errs, &e);
	return p;
}

static void check_report(const struct report *r)
{
	_cleanup_free_ char *text = report_text(r, &(struct report_style){ .verbose = true });
	_cleanup_json_ json_t *json = report_json(r);
	_cleanup_free_ char *dump = json ? json_dumps(json, 0) : NULL;

	require(text && dump);
	for (const char *p = text; *p; p++)
		require((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
	if (r->code == EXIT_FAILED)
		require(*r->err.text || errs_any(&r->changes.refusals));
}

static enum exit_code run(const struct plan *p, const char *command)
{
	static const struct reconcile_options o = { .plan_path = "plan" };
	_cleanup_report_ struct report r;
	struct host *fresh = NULL;
	struct err e;

	/* As a run of its own: nothing that an earlier one has read is known. */
	require(host_open(fuzz_root(), &fresh, &e) == 0);
	report_init(&r, command, fresh);
	if (streq(command, "apply"))
		reconcile_apply(fresh, p, &o, &r);
	else if (streq(command, "diff"))
		reconcile_diff(fresh, p, &o, &r);
	else if (streq(command, "check"))
		reconcile_check(fresh, p, &o, &r);
	else
		reconcile_rollback(fresh, 0, &o, &r);
	check_report(&r);
	host_free(fresh);
	return r.code;
}

/* Returns whether there is something to roll back. */
static bool apply(const struct plan *p, bool history)
{
	_cleanup_free_ char *seen = fuzz_snapshot(true), *before = fuzz_snapshot(false);
	enum exit_code d = run(p, "diff"), c = run(p, "check"), a;

	fuzz_same(seen, fuzz_snapshot(true), "diff and check");
	require(c != EXIT_STUCK && d != EXIT_STUCK);
	a = run(p, "apply");
	if (a != EXIT_AS_WANTED) {
		require(a == EXIT_FAILED || a == EXIT_USAGE);
		fuzz_same(before, fuzz_snapshot(false), "an apply that failed");
		return history;
	}
	require(d != EXIT_FAILED && d != EXIT_USAGE);
	if (d == EXIT_AS_WANTED)
		fuzz_same(seen, fuzz_snapshot(true), "an apply with nothing to do");
	free(seen);
	seen = fuzz_snapshot(true);
	require(run(p, "diff") == EXIT_AS_WANTED);
	require(run(p, "apply") == EXIT_AS_WANTED);
	fuzz_same(seen, fuzz_snapshot(true), "a second apply");
	return history || d == EXIT_DIFFERS;
}

void fuzz_one(const char *data, size_t len)
{
	_cleanup_plan_ struct plan *first =
		plan_of(&data, &len, "version: 1\ninclude: [profile:baseline]\n");
	_cleanup_plan_ struct plan *second = plan_of(&data, &len, NULL);
	_cleanup_free_ char *before = NULL, *between = NULL;

	if (!first)
		return;
	/* What an interrupted run leaves is fuzz_journal's. */
	if (memmem(data, len, JOURNAL_DIR, strlen(JOURNAL_DIR)))
		return;
	fuzz_tree(data, len);
	fuzz_unlock();
	before = fuzz_snapshot(false);
	if (apply(first, false)) {
		between = fuzz_snapshot(false);
		if (second && apply(second, false)) {
			require(run(NULL, "rollback") == EXIT_AS_WANTED);
			fuzz_same(between, fuzz_snapshot(false), "a rollback of the second");
		}
		require(run(NULL, "rollback") == EXIT_AS_WANTED);
		fuzz_same(before, fuzz_snapshot(false), "a rollback");
	}
	fuzz_outside();
}
