/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <sys/wait.h>

#include "../src/journal.h"

#define PENDING "/var/lib/bulkhead/pending"
#define HISTORY "/var/lib/bulkhead/history"

static struct changes c;

static void setup(void)
{
	root_setup();
	changes_init(&c);
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

/* A journal of one replaced file, one removed file, and one line of a database. */
static struct journal sample(void)
{
	struct journal j;

	put("/etc/file", "before");
	put("/etc/gone", "ours");
	put("/etc/shadow", "root:secret-hash:::::::\n");
	ck_assert_int_eq(changes_file(&c, host, "/etc/file", "after", 5, 0640, 0, 0, "m", "k", NULL,
				      "why", &e),
			 1);
	ck_assert_int_eq(
		changes_remove_ours(&c, host, "/etc/gone", "ours", 4, "m", NULL, "why", &e), 1);
	ck_ok(changes_line(&c, host, "/etc/shadow", "new:!:::::::", 0600, "m", NULL, "why", &e));
	ck_ok(journal_from_changes(&c, &j, &e));
	return j;
}

static struct journal empty(void)
{
	struct changes none;
	struct journal j;

	changes_init(&none);
	ck_ok(journal_from_changes(&none, &j, &e));
	return j;
}

/* As the sed command of the messages makes it, and as versions wrote it that noted no sums. */
static void without_sums(const char *dir)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	char *sum;

	ck_assert_int_ge(asprintf(&path, "%s/journal.json", dir), 0);
	text = tree_read(root, path);
	while ((sum = strstr(text, "\"sha256\": "))) {
		char *end = strchr(sum, '\n') + 1;

		while (sum[-1] != '\n')
			sum--;
		memmove(sum, end, strlen(end) + 1);
	}
	tree_write(root, path, text, 0600);
}

START_TEST(nothing_yet)
{
	_cleanup_journal_ struct journal j = { 0 };
	_cleanup_json_ json_t *state = NULL;
	struct journal *list;
	size_t n;

	ck_assert(!journal_interrupted(host));
	ck_assert_int_eq(journal_history(host, &e), 0);
	ck_assert_int_eq(journal_pending(host, &j, &e), 0);
	ck_ok(journal_list(host, &list, &n, &e));
	ck_assert_uint_eq(n, 0);
	journal_list_free(list, n);
	ck_ok(journal_state(host, &state, &e));
	ck_assert_uint_eq(json_object_size(state), 0);
	ck_assert_int_eq(journal_load(host, 1, &j, &e), -ENOENT);
	ck_assert_uint_eq(journal_locked_by(host), 0);
	ck_ok(journal_drop(host, &e));
	/* Looking left nothing behind. */
	ck_assert(!exists("/var"));
}
END_TEST

START_TEST(pending_comes_back_whole)
{
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	struct stat st;

	ck_ok(journal_create(host, &j, &e));
	ck_assert_uint_eq(j.id, 1);
	ck_assert(journal_interrupted(host));
	ck_assert_int_eq(journal_history(host, &e), 0);
	ck_assert_int_eq(journal_pending(host, &back, &e), 1);
	ck_assert_uint_eq(back.n_steps, 3);
	for (size_t i = 0; i < 2; i++) {
		ck_assert(image_same(&back.steps[i].before, &j.steps[i].before));
		ck_assert(image_same(&back.steps[i].after, &j.steps[i].after));
		ck_assert_str_eq(back.steps[i].tmp, j.steps[i].tmp);
	}
	ck_assert_str_eq(back.steps[0].before.content, "before");
	ck_assert_str_eq(back.steps[0].after.content, "after");
	ck_assert(!back.steps[1].after.exists);
	ck_assert_str_eq(back.steps[2].lines[0].text, "new:!:::::::");
	ck_assert_int_eq(stat(at(PENDING), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(at(PENDING "/before-0"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* Nobody's password hash lands in a journal. */
START_TEST(databases_are_not_copied)
{
	_cleanup_journal_ struct journal j = sample();
	_cleanup_strv_ char **names = NULL;

	ck_ok(journal_create(host, &j, &e));
	ck_ok(host_list(host, PENDING, &names, &e));
	for (char **n = names; *n; n++) {
		_cleanup_free_ char *path = NULL, *text = NULL;

		ck_assert_int_ge(asprintf(&path, PENDING "/%s", *n), 0);
		text = tree_read(root, path);
		ck_assert_ptr_null(strstr(text, "secret-hash"));
	}
}
END_TEST

START_TEST(commit_and_drop)
{
	_cleanup_journal_ struct journal j = sample(), none = { 0 }, back = { 0 };
	struct journal *list;
	size_t n;

	ck_ok(journal_create(host, &j, &e));
	j.phase = PHASE_UNITS;
	ck_ok(journal_update(host, &j, &e));
	ck_ok(journal_commit(host, &j, &e));
	ck_assert(!journal_interrupted(host));
	ck_assert_int_eq(journal_history(host, &e), 1);
	ck_ok(journal_load(host, 1, &back, &e));
	ck_assert_int_eq(back.phase, PHASE_UNITS);
	ck_assert_str_eq(back.steps[0].before.content, "before");

	/* One that is dropped leaves its number to the next. */
	none = empty();
	ck_ok(journal_create(host, &none, &e));
	ck_assert_uint_eq(none.id, 2);
	ck_ok(journal_drop(host, &e));
	ck_assert(!journal_interrupted(host));
	ck_assert(!exists("/var/lib/bulkhead/old"));
	ck_ok(journal_create(host, &none, &e));
	ck_assert_uint_eq(none.id, 2);
	ck_ok(journal_commit(host, &none, &e));
	ck_ok(journal_list(host, &list, &n, &e));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(list[0].id, 1);
	ck_assert_uint_eq(list[1].id, 2);
	ck_assert_ptr_null(list[0].steps[0].before.content);
	journal_list_free(list, n);
}
END_TEST

/* What was killed while it wrote or dropped a journal is no interrupted run, and goes away. */
START_TEST(halves_are_cleaned)
{
	_cleanup_journal_ struct journal j = empty();

	put("/var/lib/bulkhead/new/before-0", "half");
	put("/var/lib/bulkhead/old/journal.json", "half");
	ck_assert(!journal_interrupted(host));
	ck_ok(journal_create(host, &j, &e));
	ck_assert(!exists("/var/lib/bulkhead/new"));
	ck_assert(!exists("/var/lib/bulkhead/old"));
	/* A killed update leaves its temporary file. */
	put(PENDING "/journal.new", "half");
	ck_ok(journal_update(host, &j, &e));
	ck_assert(!exists(PENDING "/journal.new"));
	put("/var/lib/bulkhead/new/x", "");
	ck_ok(journal_drop(host, &e));
	ck_assert(!exists("/var/lib/bulkhead/new"));
	ck_assert(!exists(PENDING));
}
END_TEST

START_TEST(broken_ones_are_told)
{
	static const char *const texts[] = { "", "{", "[]", "{}", "{\"format\": 1}", "null" };
	_cleanup_journal_ struct journal j = { 0 };
	struct journal *list;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(PENDING "/journal.json", texts[i]);
		ck_assert_int_eq(journal_pending(host, &j, &e), -EINVAL);
		ck_says("/var/lib/bulkhead/pending/journal.json");
		ck_says("mv -T ");
		ck_says("/var/lib/bulkhead/damaged-pending");
		ck_assert_int_eq(journal_waits(host, &e), -EUCLEAN);
		ck_says("/var/lib/bulkhead/damaged-pending");
	}
	put("/var/lib/bulkhead/history/000001/journal.json", "{}");
	ck_assert_int_eq(journal_list(host, &list, &n, &e), 1);
	ck_assert_uint_eq(n, 0);
	journal_list_free(list, n);
	ck_says(HISTORY "/000001/journal.json");
	ck_says("mv -T ");
	ck_says(HISTORY "/damaged-000001");
}
END_TEST

START_TEST(newer_ones_are_refused)
{
	_cleanup_journal_ struct journal j = { 0 };
	_cleanup_json_ json_t *state = NULL;
	struct journal *list;
	size_t n;

	put(PENDING "/journal.json", "{\"format\": 2, \"id\": {\"anything\": true}}");
	ck_assert_int_eq(journal_pending(host, &j, &e), -EPROTONOSUPPORT);
	ck_says("/var/lib/bulkhead/pending/journal.json' was written by a newer bulkhead");
	put("/var/lib/bulkhead/history/000001/journal.json", "{\"format\": 2}");
	ck_assert_int_eq(journal_list(host, &list, &n, &e), 1);
	journal_list_free(list, n);
	ck_assert_int_eq(e.code, -EPROTONOSUPPORT);
	ck_says(HISTORY "/000001/journal.json");
	ck_assert_int_eq(journal_state(host, &state, &e), -EPROTONOSUPPORT);
	ck_says("Install that version");
}
END_TEST

/* Whatever an image became, nothing of it is put back: which one it is, and whose, is told. */
START_TEST(damaged_images_are_told)
{
	static const char *const wrong[] = { "before\n", "", "befora", NULL };
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	_cleanup_free_ char *text = NULL;

	ck_ok(journal_create(host, &j, &e));
	ck_assert_int_eq(journal_waits(host, &e), -EUCLEAN);
	ck_says("bulkhead recover --root ");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (wrong[i])
			tree_write(root, PENDING "/before-0", wrong[i], 0600);
		else
			ck_assert_int_eq(unlink(at(PENDING "/before-0")), 0);
		ck_assert_int_eq(journal_pending(host, &back, &e), -EBADMSG);
		ck_says(PENDING "/before-0'");
		ck_says("/etc/file' was before transaction 1, is ");
		ck_says(wrong[i] ? "damaged" : "missing");
		ck_says("had 6 bytes (sha256 6db7d803");
		ck_says("write into it what");
		ck_says("is to hold");
	}
	/* What the message offers. */
	tree_write(root, PENDING "/before-0", "by hand", 0600);
	text = tree_read(root, PENDING "/journal.json");
	ck_assert_ptr_nonnull(strstr(text, "\"sha256\": "));
	without_sums(PENDING);
	ck_assert_int_eq(journal_pending(host, &back, &e), 1);
	ck_assert_str_eq(back.steps[0].before.content, "by hand");
	journal_done(&back);

	tree_write(root, PENDING "/before-0", "before", 0600);
	ck_ok(journal_update(host, &j, &e));
	tree_write(root, PENDING "/after-0", "aftea", 0600);
	ck_assert_int_eq(journal_pending(host, &back, &e), -EBADMSG);
	ck_says(PENDING "/after-0'");
	ck_says("was after transaction 1");
	ck_says("holds now");
	ck_ok(journal_commit(host, &j, &e));
	ck_assert_int_eq(journal_load(host, 1, &back, &e), -EBADMSG);
	ck_says(HISTORY "/000001/after-0");
	tree_write(root, HISTORY "/000001/after-0", "after", 0600);
	ck_ok(journal_load(host, 1, &back, &e));
}
END_TEST

/* Nothing is to be put back, says an interrupted run, and has put nothing there: no run begins so.
 */
START_TEST(pending_that_records_nothing)
{
	_cleanup_journal_ struct journal j = empty(), back = { 0 };
	char program[] = "/bin/true", *argv[] = { program, NULL };

	ck_ok(journal_create(host, &j, &e));
	for (int rollback = 0; rollback < 2; rollback++) {
		j.rollback = rollback;
		ck_ok(journal_update(host, &j, &e));
		ck_assert_int_eq(journal_pending(host, &back, &e), -EINVAL);
		ck_says(PENDING "/journal.json");
		ck_says("says nothing of what was done");
		ck_says("before-*");
		journal_done(&back);
	}
	j.rollback = false;
	ck_ok(journal_add_command(&j, argv, NULL, json_array(), &e));
	ck_ok(journal_update(host, &j, &e));
	ck_assert_int_eq(journal_pending(host, &back, &e), 1);
}
END_TEST

/* Valid JSON all the same, and something else than what was done. */
START_TEST(damaged_journals_are_told)
{
	static const struct {
		const char *was, *is;
	} edits[] = {
		{ "\"phase\": \"prepared\"", "\"phase\": \"files\"" },
		{ "\"path\": \"/etc/file\"", "\"path\": \"/etc/fine\"" },
		{ "\"steps\": [", "\"steps\": [],\n \"others\": [" },
		{ "\"mode\": 416", "\"mode\": 420" },
		{ "\"force\"", "\"farce\"" },
		{ " \"sha256\": \"", " \"sha256\": \"0" },
		{ "{\n \"sha256", "{ \"sha256" },
	};
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	_cleanup_free_ char *whole = NULL;
	struct journal *list;
	size_t n;

	ck_ok(journal_create(host, &j, &e));
	whole = tree_read(root, PENDING "/journal.json");
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		const char *at_it = strstr(whole, edits[i].was);
		_cleanup_free_ char *text = NULL;

		ck_assert_msg(at_it != NULL, "%zu", i);
		ck_assert_int_ge(asprintf(&text, "%.*s%s%s", (int)(at_it - whole), whole,
					  edits[i].is, at_it + strlen(edits[i].was)),
				 0);
		tree_write(root, PENDING "/journal.json", text, 0600);
		ck_assert_int_eq(journal_pending(host, &back, &e), -EBADMSG);
		ck_says(PENDING "/journal.json' is damaged, or was edited");
		ck_says("sed -i");
	}
	/* What the message offers; and it is sealed again as soon as it is written. */
	tree_write(root, PENDING "/journal.json", whole, 0600);
	without_sums(PENDING);
	ck_assert_int_eq(journal_pending(host, &back, &e), 1);
	ck_ok(journal_commit(host, &back, &e));
	journal_done(&back);
	ck_ok(journal_load(host, 1, &back, &e));
	free(TAKE_PTR(whole));
	whole = tree_read(root, HISTORY "/000001/journal.json");
	ck_assert(has_prefix(whole, "{\n \"sha256\": \""));
	strstr(whole, "\"text\": \"")[9] = 'W';
	tree_write(root, HISTORY "/000001/journal.json", whole, 0600);
	journal_done(&back);
	ck_assert_int_eq(journal_load(host, 1, &back, &e), -EBADMSG);
	ck_says(HISTORY "/000001/journal.json");
	/* To look at, it is good enough. */
	ck_ok(journal_list(host, &list, &n, &e));
	journal_list_free(list, n);
}
END_TEST

/* What would be put back into files of root's has to be what was kept. */
START_TEST(images_that_are_not_ours)
{
	static const char *const names[] = { "journal.json", "before-0", "after-0" };
	_cleanup_journal_ struct journal j = sample(), back = { 0 };

	ck_ok(journal_create(host, &j, &e));
	ck_ok(journal_commit(host, &j, &e));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];

		snprintf(path, sizeof(path), HISTORY "/000001/%s", names[i]);
		ck_assert_int_eq(rename(at(path), at("/aside")), 0);
		for (int kind = 0; kind < 3; kind++) {
			ck_assert_int_eq(kind == 0   ? symlink("/aside", at(path))
					 : kind == 1 ? mkdir(at(path), 0700)
						     : mkfifo(at(path), 0600),
					 0);
			ck_assert_int_eq(journal_load(host, 1, &back, &e), -EPERM);
			ck_says(path);
			ck_says("not a regular file");
			ck_assert_int_eq(remove(at(path)), 0);
		}
		ck_assert_int_eq(rename(at("/aside"), at(path)), 0);
		ck_assert_int_eq(chmod(at(path), 0620), 0);
		ck_assert_int_eq(journal_load(host, 1, &back, &e), -EPERM);
		ck_says(path);
		ck_says("others can write");
		ck_assert_int_eq(chmod(at(path), 0600), 0);
		if (getuid() != 0)
			continue;
		ck_assert_int_eq(chown(at(path), 7, 0), 0);
		ck_assert_int_eq(journal_load(host, 1, &back, &e), -EPERM);
		ck_says("another user");
		ck_assert_int_eq(chown(at(path), 0, 0), 0);
	}
	/* Nor behind a link in place of the entry itself; the directory of it all may be elsewhere.
	 */
	ck_assert_int_eq(rename(at(HISTORY "/000001"), at("/aside")), 0);
	ck_assert_int_eq(symlink("/aside", at(HISTORY "/000001")), 0);
	ck_assert_int_eq(journal_load(host, 1, &back, &e), -EPERM);
	ck_assert_int_eq(unlink(at(HISTORY "/000001")), 0);
	ck_assert_int_eq(rename(at("/aside"), at(HISTORY "/000001")), 0);
	ck_assert_int_eq(rename(at("/var/lib/bulkhead"), at("/aside")), 0);
	ck_assert_int_eq(symlink("/aside", at("/var/lib/bulkhead")), 0);
	ck_ok(journal_load(host, 1, &back, &e));
}
END_TEST

/* --- what stands --- */

static void commit(bool rollback, unsigned undoes, int state)
{
	_cleanup_journal_ struct journal j = empty();

	j.rollback = rollback;
	if (undoes) {
		j.undoes = calloc(1, sizeof(*j.undoes));
		ck_assert_ptr_nonnull(j.undoes);
		j.undoes[0] = undoes;
		j.n_undoes = 1;
	}
	ck_assert_int_eq(json_object_set_new(j.state, "m", json_integer(state)), 0);
	ck_ok(journal_create(host, &j, &e));
	ck_ok(journal_commit(host, &j, &e));
}

static void stands(const char *ids, int state)
{
	_cleanup_json_ json_t *now = NULL;
	struct journal *list;
	size_t n;

	ck_ok(journal_list(host, &list, &n, &e));
	for (unsigned id = 1; id <= 9; id++)
		ck_assert_msg(journal_stands(list, n, id) == (strchr(ids, (int)('0' + id)) != NULL),
			      "%u", id);
	journal_list_free(list, n);
	ck_ok(journal_state(host, &now, &e));
	ck_assert_int_eq(json_integer_value(json_object_get(now, "m")), state);
}

START_TEST(what_stands)
{
	commit(false, 0, 10);
	stands("1", 10);
	commit(false, 0, 20);
	stands("12", 20);
	commit(true, 2, 0);
	stands("1", 10);
	commit(true, 1, 0);
	stands("", 0);
	commit(false, 0, 50);
	stands("5", 50);
	commit(true, 5, 0);
	stands("", 0);
}
END_TEST

/* What is older than a damaged one can't be told; what is newer can. */
START_TEST(a_damaged_one_among_others)
{
	_cleanup_json_ json_t *state = NULL;
	struct journal *list;
	size_t n;

	commit(false, 0, 10);
	commit(false, 0, 20);
	put(HISTORY "/000001/journal.json", "{");
	ck_assert_int_eq(journal_list(host, &list, &n, &e), 1);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(list[0].id, 2);
	journal_list_free(list, n);
	ck_ok(journal_state(host, &state, &e));
	put(HISTORY "/000009", "a file");
	ck_assert_int_eq(journal_list(host, &list, &n, &e), 9);
	ck_says("mv -T ");
	journal_list_free(list, n);
	ck_assert_int_eq(rename(at(HISTORY "/000009"), at(HISTORY "/damaged-000009")), 0);
	ck_assert_int_eq(rename(at(HISTORY "/000001"), at(HISTORY "/damaged-000001")), 0);
	stands("2", 20);
}
END_TEST

/* A number more counts as one more: the directories are not sorted by their names. */
START_TEST(the_millionth_is_the_newest)
{
	struct journal *list;
	size_t n;

	commit(false, 0, 10);
	ck_assert_int_eq(rename(at(HISTORY "/000001"), at(HISTORY "/999999")), 0);
	commit(false, 0, 20);
	ck_assert_int_eq(access(at(HISTORY "/1000000/journal.json"), F_OK), 0);
	/* None of ours. */
	put_dir(HISTORY "/7");
	put_dir(HISTORY "/0000007");
	ck_ok(journal_list(host, &list, &n, &e));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(list[1].id, 1000000);
	journal_list_free(list, n);
	stands("1", 20);
}
END_TEST

/* --- the lock --- */

START_TEST(one_run_at_a_time)
{
	uint32_t last = 4711;
	int fd, status;
	pid_t pid;

	ck_ok(journal_lock(host, 0, &fd, &last, &e));
	ck_ok(journal_lock_note(host, fd, &e));
	ck_assert_uint_eq(last, 0);
	ck_assert_uint_eq(journal_locked_by(host), (uint32_t)getpid());
	pid = fork();
	if (pid == 0) {
		struct err other;
		int again;

		_exit(journal_lock(host, 0, &again, &last, &other) == -EBUSY &&
				      strstr(other.text, "another run")
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fd);
	ck_assert_uint_eq(journal_locked_by(host), 0);
	ck_ok(journal_lock(host, 0, &fd, &last, &e));
	ck_ok(journal_lock_note(host, fd, &e));
	ck_assert_uint_eq(last, (uint32_t)getpid());
	close(fd);
}
END_TEST

/* Who has just taken the lock has not noted itself: the one that did is dead, and no use to name.
 */
START_TEST(a_dead_run_is_not_named)
{
	struct err other;
	uint32_t last;
	pid_t pid = fork();
	int fd, again;

	if (pid == 0)
		_exit(journal_lock(host, 0, &fd, &last, &other) ||
		      journal_lock_note(host, fd, &other));
	ck_assert_int_eq(waitpid(pid, &again, 0), pid);
	ck_assert_int_eq(again, 0);
	ck_ok(journal_lock(host, 0, &fd, &last, &e));
	ck_assert_uint_eq(last, (uint32_t)pid);
	ck_assert_int_eq(journal_lock(host, 0, &again, &last, &other), -EBUSY);
	ck_assert_ptr_null(strstr(other.text, "(process"));
	close(fd);
}
END_TEST

/* A run that is killed holds nothing. */
START_TEST(the_lock_dies_with_its_run)
{
	uint32_t last = 0;
	int fd, status;
	pid_t pid = fork();

	if (pid == 0) {
		struct err other;

		_exit(journal_lock(host, 0, &fd, &last, &other) == 0 &&
				      journal_lock_note(host, fd, &other) == 0
			      ? 0
			      : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_ok(journal_lock(host, 0, &fd, &last, &e));
	ck_ok(journal_lock_note(host, fd, &e));
	ck_assert_int_eq(last, pid);
	close(fd);
}
END_TEST

/* Half a pid may be anybody's. */
START_TEST(a_torn_pid_is_none)
{
	uint32_t last = 4711;
	int fd;

	put_dir("/var/lib/bulkhead");
	put("/var/lib/bulkhead/lock", "12");
	ck_ok(journal_lock(host, 0, &fd, &last, &e));
	ck_assert_uint_eq(last, 0);
	ck_ok(journal_lock_note(host, fd, &e));
	close(fd);
	ck_ok(journal_lock(host, 0, &fd, &last, &e));
	ck_assert_int_eq(last, getpid());
	close(fd);
}
END_TEST

START_TEST(a_lock_that_is_no_file)
{
	uint32_t last;
	int fd;

	put_dir("/var/lib/bulkhead");
	put("/etc/victim", "theirs");
	ck_assert_int_eq(symlink("/etc/victim", at("/var/lib/bulkhead/lock")), 0);
	ck_assert_int_lt(journal_lock(host, 0, &fd, &last, &e), 0);
	holds("/etc/victim", "theirs");
}
END_TEST

/* A link would have journal_create clean up in somebody else's directory. */
START_TEST(directories_that_are_not_ours)
{
	static const char *const names[] = { "new", "old", "pending", "history" };
	uint32_t last;
	int fd;

	put("/etc/victim", "theirs");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];

		put_dir("/var/lib/bulkhead");
		snprintf(path, sizeof(path), "/var/lib/bulkhead/%s", names[i]);
		ck_assert_int_eq(symlink("/etc", at(path)), 0);
		ck_assert_int_eq(journal_lock(host, 0, &fd, &last, &e), -ENOTDIR);
		ck_assert_ptr_nonnull(strstr(e.text, path));
		ck_assert_int_eq(unlink(at(path)), 0);
		ck_assert_int_eq(mkdir(at(path), 0700), 0);
		ck_assert_int_eq(chmod(at(path), 0722), 0);
		ck_assert_int_eq(journal_lock(host, 0, &fd, &last, &e), -EPERM);
		ck_assert_ptr_nonnull(strstr(e.text, path));
		ck_assert_int_eq(rmdir(at(path)), 0);
		ck_assert_int_eq(rmdir(at("/var/lib/bulkhead")), 0);
	}
	holds("/etc/victim", "theirs");
}
END_TEST

/* Reading looks before it opens: a device would feel it, a fifo would hold us up. */
START_TEST(a_lock_that_is_a_fifo)
{
	put_dir("/var/lib/bulkhead");
	ck_assert_int_eq(mkfifo(at("/var/lib/bulkhead/lock"), 0600), 0);
	ck_assert_uint_eq(journal_locked_by(host), 0);
}
END_TEST

START_TEST(pending_that_leads_nowhere)
{
	_cleanup_journal_ struct journal j = { 0 };

	put_dir("/var/lib/bulkhead");
	ck_assert_int_eq(symlink("/none", at("/var/lib/bulkhead/pending")), 0);
	ck_assert(journal_interrupted(host));
	ck_assert_int_eq(unlink(at("/var/lib/bulkhead/pending")), 0);
	ck_assert_int_eq(rmdir(at("/var/lib/bulkhead")), 0);
	ck_assert_int_eq(symlink("bulkhead", at("/var/lib/bulkhead")), 0);
	ck_assert_int_eq(journal_history(host, &e), -ELOOP);
	ck_assert_int_eq(journal_look(host, &e), -ELOOP);
	ck_assert_int_eq(journal_pending(host, &j, &e), -ELOOP);
	ck_assert(journal_interrupted(host));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_yet);
	tcase_add_test(tc, pending_comes_back_whole);
	tcase_add_test(tc, databases_are_not_copied);
	tcase_add_test(tc, commit_and_drop);
	tcase_add_test(tc, halves_are_cleaned);
	tcase_add_test(tc, broken_ones_are_told);
	tcase_add_test(tc, newer_ones_are_refused);
	tcase_add_test(tc, damaged_images_are_told);
	tcase_add_test(tc, damaged_journals_are_told);
	tcase_add_test(tc, pending_that_records_nothing);
	tcase_add_test(tc, images_that_are_not_ours);
	tcase_add_test(tc, what_stands);
	tcase_add_test(tc, a_damaged_one_among_others);
	tcase_add_test(tc, the_millionth_is_the_newest);
	tcase_add_test(tc, one_run_at_a_time);
	tcase_add_test(tc, a_dead_run_is_not_named);
	tcase_add_test(tc, the_lock_dies_with_its_run);
	tcase_add_test(tc, a_torn_pid_is_none);
	tcase_add_test(tc, a_lock_that_is_no_file);
	tcase_add_test(tc, directories_that_are_not_ours);
	tcase_add_test(tc, a_lock_that_is_a_fifo);
	tcase_add_test(tc, pending_that_leads_nowhere);
}

UNIT_MAIN("journal")
