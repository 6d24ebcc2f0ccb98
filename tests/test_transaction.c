/* SPDX-License-Identifier: Apache-2.0 */
#include "transacted.h"

START_TEST(there_and_back)
{
	_cleanup_journal_ struct journal j = { 0 };

	plan();
	ck_assert_uint_eq(run(), 1);
	is_after();
	ck_assert(!journal_interrupted(host));
	ck_ok(journal_load(host, 1, &j, &e));
	ck_assert_str_eq(j.plan, "plan.yaml");
	ck_ok(rollback(0, false));
	is_before();
	ck_assert_int_eq(rollback(0, false), -ENOENT);
	ck_says("nothing is left to undo");
}
END_TEST

START_TEST(nothing_is_there_before_the_commit)
{
	plan();
	begin();
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	holds("/etc/f", "before");
	holds("/etc/old", "ours");
	holds("/etc/subuid", "alice:1:1");
	ck_assert(!exists("/etc/dir/new"));
	ck_ok(transaction_undo(&t, &lost, &e));
	transaction_end(&t);
	is_before();
}
END_TEST

START_TEST(databases_are_unlocked_by_the_commit)
{
	plan();
	begin();
	ck_assert(exists("/etc/subuid.lock"));
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	ck_ok(transaction_commit(&t, &c, &e));
	ck_assert(!exists("/etc/subuid.lock"));
	ck_ok(transaction_undo(&t, &lost, &e));
	ck_assert_uint_eq(lost.n, 0);
	transaction_end(&t);
	is_before();
	ck_assert_int_eq(rollback(0, false), -ENOENT);
}
END_TEST

/* --- somebody's edits --- */

static void edit_meets_commit(void (*edit)(void))
{
	plan();
	begin();
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	edit();
	ck_assert_int_eq(transaction_commit(&t, &c, &e), -ESTALE);
	ck_ok(transaction_undo(&t, &lost, &e));
	ck_assert_uint_eq(lost.n, 0);
	transaction_end(&t);
}

static void edit_file(void)
{
	put("/etc/f", "theirs");
}

START_TEST(edit_of_a_file)
{
	edit_meets_commit(edit_file);
	holds("/etc/f", "theirs");
	put("/etc/f", "before");
	is_before();
}
END_TEST

static void edit_removed(void)
{
	put("/etc/old", "theirs");
}

START_TEST(edit_of_what_is_removed)
{
	edit_meets_commit(edit_removed);
	holds("/etc/old", "theirs");
	put("/etc/old", "ours");
	is_before();
}
END_TEST

static void edit_new(void)
{
	put("/etc/dir/new", "theirs");
}

START_TEST(edit_in_place_of_a_new_file)
{
	edit_meets_commit(edit_new);
	holds("/etc/dir/new", "theirs");
}
END_TEST

static void edit_database(void)
{
	put("/etc/subuid", "bob:1:1\n");
}

START_TEST(edit_of_a_database)
{
	edit_meets_commit(edit_database);
	holds("/etc/subuid", "bob:1:1\n");
	holds("/etc/f", "before");
}
END_TEST

/* The automatic undo that meets an edit can't put everything back, and says so. */
START_TEST(edit_meets_undo)
{
	plan();
	begin();
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	ck_ok(transaction_commit(&t, &c, &e));
	put("/etc/f", "theirs");
	ck_assert_int_lt(transaction_undo(&t, &lost, &e), 0);
	ck_assert(t.unsolved);
	transaction_end(&t);
	ck_assert_uint_eq(lost.n, 1);
	ck_assert_str_eq(lost.list[0].where, "/etc/f");
	holds("/etc/f", "theirs");
	holds("/etc/old", "ours");
	/* It waits for recover, and for nobody else. */
	ck_assert(journal_interrupted(host));
	ck_assert_int_eq(transaction_begin(&t, host, NULL, &e), -EUCLEAN);
	transaction_end(&t);
	ck_assert_int_lt(recover(), 0);
	holds("/etc/f", "theirs");
	put("/etc/f", "after");
	ck_assert_int_eq(recover(), 1);
	is_before();
}
END_TEST

/* The undo stops at our line, which somebody edited; then that is mended, and the next one comes to
 * its end. */
static void recovers_at_last(const char *theirs)
{
	ck_assert_int_lt(recover(), 0);
	ck_assert_uint_eq(lost.n, 1);
	ck_assert_str_eq(lost.list[0].where, "/etc/subuid");
	holds("/etc/f", theirs);
	put("/etc/subuid", "alice:1:1\nours:2:2\n");
	ck_assert_int_eq(recover(), 1);
	holds("/etc/f", theirs);
	put("/etc/f", "before");
	is_before();
}

START_TEST(edit_left_alone_stays_so)
{
	plan();
	begin();
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	put("/etc/f", "theirs");
	ck_assert_int_eq(transaction_commit(&t, &c, &e), -ESTALE);
	put("/etc/subuid", "alice:1:1\nours:2:3\n");
	ck_assert_int_lt(transaction_undo(&t, &lost, &e), 0);
	ck_assert_uint_eq(lost.n, 1);
	transaction_end(&t);
	recovers_at_last("theirs");
}
END_TEST

START_TEST(edit_of_what_is_back)
{
	plan();
	begin();
	ck_ok(transaction_prepare(&t, &c, NULL, &e));
	ck_ok(transaction_commit(&t, &c, &e));
	put("/etc/subuid", "alice:1:1\nours:2:3\n");
	ck_assert_int_lt(transaction_undo(&t, &lost, &e), 0);
	transaction_end(&t);
	holds("/etc/f", "before");
	put("/etc/f", "theirs");
	recovers_at_last("theirs");
}
END_TEST

/* --- killed --- */

enum kill_at {
	KILL_BEGUN,
	KILL_PREPARED,
	KILL_COMMITTED,
	KILL_UNDONE, /* everything is back, the journal still there */
	KILL_N,
};

/* A child that dies without a word at some point. */
static void killed(enum kill_at when)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (transaction_begin(&t, host, NULL, &e) < 0 ||
		    transaction_lock_databases(&t, &e) < 0)
			_exit(1);
		if (when == KILL_BEGUN)
			_exit(0);
		if (transaction_prepare(&t, &c, NULL, &e) < 0)
			_exit(1);
		if (when == KILL_PREPARED)
			_exit(0);
		if (transaction_commit(&t, &c, &e) < 0)
			_exit(1);
		if (when == KILL_COMMITTED)
			_exit(0);
		_exit(undo_steps(host, &t.journal, NULL, false, &lost, &e) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(killed_run)
{
	plan();
	killed((enum kill_at)_i);
	ck_assert(journal_interrupted(host) == (_i != KILL_BEGUN));
	if (_i == KILL_COMMITTED)
		is_after();
	ck_assert_int_eq(recover(), _i != KILL_BEGUN);
	ck_assert_int_eq(recover(), 0);
	is_before();
	run();
	is_after();
}
END_TEST

/* The pid of the killed run is what tells its lock files from others': it stays noted until they
 * are gone. */
START_TEST(killed_run_and_a_recovery_that_fails)
{
	plan();
	killed(KILL_PREPARED);
	ck_assert(exists("/etc/passwd.lock"));
	ck_assert_int_eq(unlink(at("/etc/.pwd.lock")), 0);
	put_dir("/etc/.pwd.lock");
	ck_assert_int_lt(recover(), 0);
	ck_assert_int_eq(rmdir(at("/etc/.pwd.lock")), 0);
	ck_assert_int_eq(recover(), 1);
	is_before();
}
END_TEST

START_TEST(killed_while_the_journal_was_written)
{
	plan();
	put("/var/lib/bulkhead/new/before-1", "be");
	ck_assert_int_eq(recover(), 0);
	ck_assert(!exists("/var/lib/bulkhead/new"));
	run();
	is_after();
}
END_TEST

/* Before any file was replaced, what differs later is somebody's own doing. */
START_TEST(edit_after_a_killed_prepare)
{
	plan();
	killed(KILL_PREPARED);
	put("/etc/f", "theirs");
	put("/etc/old", "theirs too");
	put("/etc/dir/new", "theirs as well");
	ck_assert_int_eq(recover(), 1);
	ck_assert_uint_eq(lost.n, 0);
	holds("/etc/f", "theirs");
	holds("/etc/old", "theirs too");
	holds("/etc/dir/new", "theirs as well");
}
END_TEST

/* A rollback that stopped after its journal was written. */
static void rollback_begun(void)
{
	_cleanup_journal_ struct journal j = { 0 };

	plan();
	run();
	j.id = 2;
	j.rollback = true;
	j.timeout = UNITS_TIMEOUT;
	j.undoes = calloc(1, sizeof(*j.undoes));
	j.undone = calloc(1, sizeof(*j.undone));
	j.state = json_object();
	ck_assert(j.undoes && j.undone && j.state);
	j.undoes[0] = 1;
	j.n_undoes = 1;
	ck_ok(journal_create(host, &j, &e));
}

START_TEST(edit_of_what_a_rollback_brought_back)
{
	rollback_begun();
	put("/etc/subuid", "alice:1:1\nours:2:3\n");
	ck_assert_int_lt(recover(), 0);
	holds("/etc/f", "before");
	put("/etc/f", "theirs");
	recovers_at_last("theirs");
}
END_TEST

/* It is carried to its end. */
START_TEST(killed_rollback)
{
	rollback_begun();
	ck_assert_int_eq(recover(), 1);
	is_before();
	ck_assert_int_eq(rollback(0, false), -ENOENT);
	ck_assert(exists("/var/lib/bulkhead/history/000002"));
}
END_TEST

/* --- what was kept is not what was kept --- */

/* All of it is looked at before anything is put back. */
START_TEST(damaged_image_stops_a_rollback)
{
	static const char image[] = "/var/lib/bulkhead/history/000001/before-1";

	plan();
	run();
	file("/etc/f", "again");
	run();
	for (int force = 0; force < 2; force++) {
		tree_write(root, image, "beforex", 0600);
		ck_assert_int_eq(rollback(1, force), -EBADMSG);
		ck_says("nothing was undone: ");
		ck_says(image);
		ck_says("/etc/f'");
		ck_says("\n  then: bulkhead rollback --root ");
		ck_assert(!between);
		ck_assert(!journal_interrupted(host));
		holds("/etc/f", "again");
		holds("/etc/subuid", "alice:1:1\nours:2:2\n");
	}
	tree_write(root, image, "before", 0600);
	ck_ok(rollback(1, false));
	is_before();
}
END_TEST

START_TEST(damaged_image_stops_a_recovery)
{
	static const char image[] = "/var/lib/bulkhead/pending/before-1";

	plan();
	killed(KILL_COMMITTED);
	tree_write(root, image, "", 0600);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(recover(), -EBADMSG);
		ck_says("nothing was put back, the host is as the interrupted run left it: ");
		ck_says(image);
		ck_says("\n  then: bulkhead recover --root ");
		ck_assert(between);
		is_after();
	}
	tree_write(root, image, "before", 0600);
	ck_assert_int_eq(recover(), 1);
	is_before();
}
END_TEST

/* Whatever became of its list of steps, what they did is not taken for put back. */
START_TEST(lost_steps_stop_a_recovery)
{
	static const char path[] = "/var/lib/bulkhead/pending/journal.json";
	static const char *const lost_to[] = { "[]", "null", "{}", NULL };
	_cleanup_free_ char *whole = NULL;

	plan();
	killed(KILL_PREPARED);
	whole = tree_read(root, path);
	for (int sealed = 0; sealed < 2; sealed++) {
		for (size_t i = 0; i < ARRAY_SIZE(lost_to); i++) {
			_cleanup_json_ json_t *o = json_loads(whole, 0, NULL);
			_cleanup_free_ char *text = NULL;

			if (lost_to[i])
				json_object_set_new(o, "steps",
						    json_loads(lost_to[i], JSON_DECODE_ANY, NULL));
			else
				json_object_del(o, "steps");
			if (!sealed)
				json_object_del(o, "sha256");
			text = json_dumps(o, JSON_INDENT(1));
			tree_write(root, path, text, 0600);
			ck_assert_int_eq(recover(), sealed ? -EBADMSG : -EINVAL);
			ck_says("nothing was put back, the host is as the interrupted run left it");
			ck_says("\n  then: bulkhead recover --root ");
			ck_assert(between);
			ck_assert(journal_interrupted(host));
		}
	}
	tree_write(root, path, whole, 0600);
	ck_assert_int_eq(recover(), 1);
	is_before();
}
END_TEST

/* Nor does one that a rollback under way would come to last. */
START_TEST(damaged_image_stops_a_rollback_under_way)
{
	static const char image[] = "/var/lib/bulkhead/history/000001/before-1";

	rollback_begun();
	tree_write(root, image, "", 0600);
	ck_assert_int_eq(recover(), -EBADMSG);
	ck_says("nothing was put back");
	ck_assert(between);
	is_after();
	tree_write(root, image, "before", 0600);
	ck_assert_int_eq(recover(), 1);
	is_before();
}
END_TEST

START_TEST(signal_stops_and_is_undone)
{
	static const volatile int sig = SIGTERM;
	struct progress p = { .interrupted = &sig };

	plan();
	ck_ok(transaction_begin(&t, host, &p, &e));
	ck_ok(transaction_lock_databases(&t, &e));
	ck_assert_int_eq(transaction_prepare(&t, &c, NULL, &e), -EINTR);
	ck_says("signal");
	/* The way back isn't cut short by the same signal. */
	ck_ok(transaction_undo(&t, &lost, &e));
	transaction_end(&t);
	is_before();
}
END_TEST

/* --- one at a time --- */

START_TEST(busy)
{
	uint32_t last;
	int lock;

	plan();
	run();
	ck_ok(journal_lock(host, 0, &lock, &last, &e));
	ck_ok(journal_lock_note(host, lock, &e));
	ck_assert_int_eq(transaction_begin(&t, host, NULL, &e), -EBUSY);
	transaction_end(&t);
	/* What waits to be put back then is the other run's own affair. */
	put("/var/lib/bulkhead/pending/journal.json", "{}");
	ck_assert_int_eq(rollback(0, false), -EBUSY);
	ck_assert(!between);
	ck_assert_int_eq(recover(), -EBUSY);
	ck_assert(!between);
	close(lock);
	ck_assert_int_eq(rollback(0, false), -EUCLEAN);
	ck_assert(between);
	ck_assert_int_lt(recover(), 0);
	ck_assert(between);
	is_after();
}
END_TEST

START_TEST(databases_in_use)
{
	plan();
	put("/etc/passwd.lock", "1");
	ck_ok(transaction_begin(&t, host, NULL, &e));
	ck_assert_int_eq(transaction_lock_databases(&t, &e), -EBUSY);
	ck_says("passwd.lock");
	transaction_end(&t);
	ck_assert_int_eq(unlink(at("/etc/passwd.lock")), 0);
	is_before();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, nothing_is_there_before_the_commit);
	tcase_add_test(tc, databases_are_unlocked_by_the_commit);
	tcase_add_test(tc, edit_of_a_file);
	tcase_add_test(tc, edit_of_what_is_removed);
	tcase_add_test(tc, edit_in_place_of_a_new_file);
	tcase_add_test(tc, edit_of_a_database);
	tcase_add_test(tc, edit_meets_undo);
	tcase_add_loop_test(tc, killed_run, 0, KILL_N);
	tcase_add_test(tc, killed_run_and_a_recovery_that_fails);
	tcase_add_test(tc, killed_while_the_journal_was_written);
	tcase_add_test(tc, edit_after_a_killed_prepare);
	tcase_add_test(tc, edit_left_alone_stays_so);
	tcase_add_test(tc, edit_of_what_is_back);
	tcase_add_test(tc, edit_of_what_a_rollback_brought_back);
	tcase_add_test(tc, killed_rollback);
	tcase_add_test(tc, damaged_image_stops_a_rollback);
	tcase_add_test(tc, damaged_image_stops_a_recovery);
	tcase_add_test(tc, damaged_image_stops_a_rollback_under_way);
	tcase_add_test(tc, lost_steps_stop_a_recovery);
	tcase_add_test(tc, signal_stops_and_is_undone);
	tcase_add_test(tc, busy);
	tcase_add_test(tc, databases_in_use);
}

UNIT_MAIN("transaction")
