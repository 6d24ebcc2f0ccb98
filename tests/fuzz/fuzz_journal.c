/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery from whatever lies in /var/lib/bulkhead. The input is "force" or nothing, then, each
 * behind a NUL byte, a tree (fuzz.h) with /var/lib/bulkhead/pending or history in it.
 */
#include "fuzz.h"

#include <sys/stat.h>

#include "../../src/accounts.h"
#include "../../src/report.h"
#include "../../src/transaction.h"

const struct fuzz_bounds fuzz_bounds = { 1 << 20, 1000 };

#define PENDING "/var/lib/bulkhead/pending/journal.json"

/* Read, written and read again it is the same record. */
static void check_record(const struct host *h)
{
	_cleanup_journal_ struct journal once = { 0 }, twice = { 0 };
	_cleanup_json_ json_t *o = NULL, *first = NULL, *second = NULL;
	_cleanup_free_ char *text = NULL, *shown = NULL;
	struct report_style plain = { .verbose = true };
	struct err e;
	size_t len;
	int r;

	if (host_read(h, PENDING, 1 << 20, &text, &len, &e) < 0)
		return;
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	r = o ? journal_parse(o, &once) : -EINVAL;
	require(r == 0 || r == -EINVAL || r == -EPROTONOSUPPORT);
	if (r < 0)
		return;
	first = journal_json(&once);
	require(first && journal_parse(first, &twice) == 0);
	second = journal_json(&twice);
	require(json_equal(first, second));
	shown = report_history_text(&once, 1, &plain);
	require(shown);
	for (const char *p = shown; *p; p++)
		require((unsigned char)*p >= ' ' || *p == '\n');
}

/* Locks that a killed run may have left: its pid stands in them, or anything. */
static void check_locks(const struct host *h)
{
	struct err e;

	for (uint32_t pid = 0; pid < 2; pid++)
		require(accounts_unlock_stale(h, 4242 * pid, &e) <= 0);
}

/* An undo that ended well is whole: doing it again changes nothing. */
static void check_recover(struct host *h, bool force)
{
	_cleanup_(errs_done) struct errs failed = { 0 };
	_cleanup_journal_ struct journal j = { 0 };
	struct err e = { 0 };
	bool between;
	int r = transaction_recover(h, force, NULL, &j, &between, &failed, &e);

	require(r <= 1 && (r >= 0 || (e.code == r && *e.text)));
	require(!failed.failed);
	if (r >= 0)
		require(!journal_interrupted(h) && !errs_any(&failed));
}

static void check_history(struct host *h, bool force)
{
	_cleanup_(errs_done) struct errs failed = { 0 };
	_cleanup_journal_ struct journal j = { 0 };
	_cleanup_json_ json_t *state = NULL;
	struct journal *list;
	struct err e = { 0 };
	bool between;
	size_t n;

	require(journal_state(h, &state, &e) <= 0);
	if (journal_list(h, &list, &n, &e) >= 0)
		journal_list_free(list, n);
	require(transaction_rollback(h, 0, force, true, NULL, 0, &j, &between, &failed, &e) <= 0);
}

void fuzz_one(const char *data, size_t len)
{
	_cleanup_host_ struct host *h = NULL;
	size_t n;
	_cleanup_free_ char *how = fuzz_part(&data, &len, false, &n);
	bool force = streq(how, "force");
	struct err e;

	fuzz_tree(data, len);
	require(host_open(fuzz_root(), &h, &e) == 0);
	check_record(h);
	check_locks(h);
	fuzz_unlock();
	check_recover(h, force);
	check_history(h, force);
	fuzz_outside();
}
