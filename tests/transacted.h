/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions on a scratch root: what test_transaction and test_rollback begin with. */
#ifndef BULKHEAD_TRANSACTED_H
#define BULKHEAD_TRANSACTED_H

#include "rooted.h"

#include <signal.h>
#include <sys/wait.h>

#include "../src/transaction.h"
#include "../src/undo.h"

static struct changes c;
static struct transaction t;
static struct errs lost;
static bool between;

static inline void setup(void)
{
	root_setup();
	changes_init(&c);
	put("/etc/passwd", "root:x:0:0:::\n");
	put("/etc/subuid", "alice:1:1");
	put("/etc/f", "before");
	put("/etc/old", "ours");
}

static inline void teardown(void)
{
	errs_done(&lost);
	changes_done(&c);
	root_teardown();
}

static inline void file(const char *path, const char *content)
{
	ck_assert_int_ge(changes_file(&c, host, path, content, strlen(content), CHANGE_KEEP_ATTRS,
				      0, 0, "m", "k", NULL, "t", &e),
			 0);
}

static inline void line(const char *path, const char *text)
{
	ck_ok(changes_line(&c, host, path, text, 0644, "m", NULL, "t", &e));
}

/* A change of each kind. */
static inline void plan(void)
{
	line("/etc/subuid", "ours:2:2");
	file("/etc/f", "after");
	file("/etc/dir/new", "made");
	ck_assert_int_eq(changes_remove_ours(&c, host, "/etc/old", "ours", 4, "m", NULL, "t", &e),
			 1);
	ck_ok(changes_attrs(&c, host, "/etc/passwd", 0600, getuid(), getgid(), "m", NULL, NULL, "t",
			    &e));
}

static inline void is_before(void)
{
	struct stat st;
	_cleanup_strv_ char **names = NULL;

	holds("/etc/subuid", "alice:1:1");
	holds("/etc/f", "before");
	holds("/etc/old", "ours");
	ck_assert(!exists("/etc/dir"));
	ck_assert_int_eq(stat(at("/etc/passwd"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_ok(host_list(host, "/etc", &names, &e));
	for (char **n = names; *n; n++)
		ck_assert_ptr_null(strstr(*n, "bulkhead-"));
	ck_assert(!exists("/etc/subuid.lock"));
	ck_assert(!exists("/var/lib/bulkhead/pending"));
}

static inline void is_after(void)
{
	struct stat st;

	holds("/etc/subuid", "alice:1:1\nours:2:2\n");
	holds("/etc/f", "after");
	holds("/etc/dir/new", "made");
	ck_assert(!exists("/etc/old"));
	ck_assert_int_eq(stat(at("/etc/passwd"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert(!exists("/etc/subuid.lock"));
}

static inline void begin(void)
{
	ck_ok(transaction_begin(&t, host, NULL, &e));
	ck_ok(transaction_lock_databases(&t, &e));
}

/* A whole transaction out of `c`, which is empty again then. */
static inline unsigned run(void)
{
	unsigned id;

	begin();
	ck_ok(transaction_prepare(&t, &c, "/home/alice/image/plan.yaml", &e));
	ck_ok(transaction_commit(&t, &c, &e));
	id = t.journal.id;
	ck_ok(transaction_finish(&t, &e));
	transaction_end(&t);
	changes_done(&c);
	return id;
}

static inline int rollback(unsigned id, bool force)
{
	_cleanup_journal_ struct journal j = { 0 };

	errs_done(&lost);
	lost = (struct errs){ 0 };
	return transaction_rollback(host, id, force, false, NULL, NULL, &j, &between, &lost, &e);
}

static inline int recover(void)
{
	_cleanup_journal_ struct journal j = { 0 };

	errs_done(&lost);
	lost = (struct errs){ 0 };
	return transaction_recover(host, false, NULL, &j, &between, &lost, &e);
}

/* --- the usual way --- */

#endif
