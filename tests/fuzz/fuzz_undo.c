/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of every kind to trees of every kind, taken back from wherever they stopped. The input is
 * a program, then a tree (fuzz.h), each behind a NUL byte. The program's first byte says how it
 * ends, the second which file somebody edits in between; then four bytes a change: kind, path,
 * content, mode.
 */
#include "fuzz.h"

#include <sys/stat.h>

#include "../../src/transaction.h"

const struct fuzz_bounds fuzz_bounds = { 1 << 20, 1000 };

#define CHANGES_MAX 24

/* Databases get lines, everything else the other changes: no module mixes them. */
static const char *const databases[] = { "/etc/subuid", "/etc/subgid", "/etc/passwd", "/b/d" };
static const char *const paths[] = {
	"/etc/docker/daemon.json",
	"/etc/a",
	"/etc/b",
	"/etc/d/e/f/g",
	"/etc/d/e",
	"/etc/d",
	"/a",
	"/b/c",
	"/b",
};

static const char *const contents[] = {
	"",  "a\n", "no newline", "dockremap:100000:65536", "{\n  \"icc\": false\n}\n",
	"x", "a",   "alice:1:2",
};

static const unsigned modes[] = { 0644, 0600, 0755, 0666, 04755, 0, 0640, 02775 };

/* No module adds a line of an owner that has one: undoing could not tell ours from theirs. */
static bool has_line_of(const struct host *h, const char *path, const char *line)
{
	_cleanup_free_ char *text = NULL;
	size_t len, n = strcspn(line, ":");
	struct err e;

	if (host_read(h, path, HOST_READ_MAX, &text, &len, &e) < 0)
		return false;
	for (const char *p = text; p; p = p ? p + 1 : NULL) {
		if (strncmp(p, line, n) == 0 && (!p[n] || strchr(":\n", p[n])))
			return true;
		p = memchr(p, '\n', (size_t)(text + len - p));
	}
	return false;
}

/* One change; what is refused (a directory in place of a file, two changes to one path) is left
 * out. */
static void change_add(struct changes *c, const struct host *h, const unsigned char op[4])
{
	const char *database = databases[op[1] % ARRAY_SIZE(databases)];
	const char *path = paths[op[1] % ARRAY_SIZE(paths)],
		   *text = contents[op[2] % ARRAY_SIZE(contents)];
	unsigned mode = modes[op[3] % ARRAY_SIZE(modes)], id = op[3] / 16;
	_cleanup_(image_done) struct image now = { 0 };
	struct err e;

	switch (op[0] % 6) {
	case 0:
		changes_file(c, h, path, text, strlen(text), mode, id, id, "m", "s", NULL, "t", &e);
		break;
	case 1:
		changes_file(c, h, path, text, strlen(text), CHANGE_KEEP_ATTRS, 0, 0, "m", "s",
			     NULL, "t", &e);
		break;
	case 2:
		if (*text && !strchr(text, '\n') && !has_line_of(h, database, text))
			changes_line(c, h, database, text, mode, "m", "s", "t", &e);
		break;
	case 3:
		changes_attrs(c, h, path, mode, id, id, "m", "s", NULL, "t", &e);
		break;
	case 4:
		changes_dir(c, h, path, mode, id, id, "m", "s", NULL, "t", &e);
		break;
	default:
		if (host_image_now(h, path, &now, &e) == 0 && now.content)
			changes_remove_ours(c, h, path, now.content, now.len, "m", "s", "t", &e);
	}
}

static void changes_from(struct changes *c, struct host *h, const char *program, size_t len)
{
	changes_init(c);
	host_overlay(h, c);
	for (size_t i = 0; i + 4 <= len && i < 4 * CHANGES_MAX; i += 4)
		change_add(c, h, (const unsigned char *)program + i);
	host_overlay(h, NULL);
}

/* What was promised is there. */
static void check_done(const struct host *h, const struct changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		_cleanup_(image_done) struct image now = { 0 };
		struct err e;

		require(host_image_now(h, c->list[i]->path, &now, &e) == 0);
		if (c->list[i]->kind != CHANGE_DIR)
			require(image_same(&now, &c->list[i]->after) ||
				(c->list[i]->kind == CHANGE_ATTRS &&
				 image_same_attrs(&now, &c->list[i]->after)));
		else
			require(S_ISDIR(now.mode));
	}
}

static const char *edited(unsigned i)
{
	i %= ARRAY_SIZE(databases) + ARRAY_SIZE(paths);
	return i < ARRAY_SIZE(databases) ? databases[i] : paths[i - ARRAY_SIZE(databases)];
}

#define THEIRS "somebody's\n"

/* Somebody writes a file of his own while we are at it. Returns whether he could. */
static bool somebody(const struct host *h, const char *path)
{
	_cleanup_close_ int dir = -1, fd = -1;
	_cleanup_free_ char *parent = NULL;
	const char *name;
	struct err e;

	require(path_split(path, &parent, &name, &e) == 0);
	dir = host_open_dir(h, parent, &e);
	if (dir < 0)
		return false;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd >= 0 && write_all(fd, THEIRS, strlen(THEIRS)) == 0;
}

static void check_theirs(const struct host *h, const char *path)
{
	_cleanup_(image_done) struct image now = { 0 };
	struct err e;

	require(host_image_now(h, path, &now, &e) == 0);
	require(now.exists && now.len == strlen(THEIRS) && !memcmp(now.content, THEIRS, now.len));
}

static void recover(struct host *h, bool edited)
{
	_cleanup_(errs_done) struct errs failed = { 0 };
	_cleanup_journal_ struct journal j = { 0 };
	struct err e = { 0 };
	bool between;
	int r = transaction_recover(h, false, NULL, &j, &between, &failed, &e);

	if (r < 0 && !edited)
		fprintf(stderr, "%s\n", e.text);
	require((r >= 0 && !failed.n) || edited);
}

static void rollback(struct host *h, unsigned id)
{
	_cleanup_(errs_done) struct errs failed = { 0 };
	_cleanup_journal_ struct journal j = { 0 };
	struct err e = { 0 };
	bool between;

	if (transaction_rollback(h, id, false, true, NULL, 0, &j, &between, &failed, &e) < 0) {
		fprintf(stderr, "%s: %s\n", e.text, failed.n ? failed.list[0].text : "");
		fuzz_violated(__FILE__, __LINE__, "rolled back");
	}
}

/* How far a transaction goes before it stops. */
enum far {
	STAGED_UNDONE,
	STAGED_KILLED,
	DONE_UNDONE,
	DONE_KILLED,
	FINISHED,
	N_FAR,
};

/* Returns whether it is history. `edit`: the path that somebody writes in between, NULL when he
 * does not; NULL comes back when he could not. */
static bool transact(struct host *h, const struct changes *c, enum far far, const char **edit)
{
	_cleanup_(errs_done) struct errs failed = { 0 };
	struct transaction t;
	struct err e = { 0 };
	bool done = false;
	int r;

	/* Nothing to do begins nothing. */
	if (!c->n) {
		*edit = NULL;
		return false;
	}
	require(transaction_begin(&t, h, NULL, &e) == 0);
	require(transaction_lock_databases(&t, &e) == 0);
	r = transaction_prepare(&t, c, "plan", &e);
	if (r < 0 || (*edit && !somebody(h, *edit)))
		*edit = NULL;
	if (r == 0 && far >= DONE_UNDONE)
		r = transaction_commit(&t, c, &e);
	if (r == 0 && far >= DONE_UNDONE && !*edit)
		check_done(h, c);
	if (r == 0 && far == FINISHED) {
		require(transaction_finish(&t, &e) == 0);
		done = true;
	} else if (far != STAGED_KILLED && far != DONE_KILLED) {
		r = transaction_undo(&t, &failed, &e);
		require((r == 0 && !failed.n) || *edit);
	}
	transaction_end(&t);
	return done;
}

/* A first and a second one, rolled back one by one or both at once. */
static void check_history(struct host *h, const char *program, size_t n, bool one_by_one)
{
	_cleanup_changes_ struct changes one = { 0 }, two = { 0 };
	size_t half = n / 8 * 4;
	const char *edit = NULL;

	changes_from(&one, h, program, half);
	if (!transact(h, &one, FINISHED, &edit))
		return;
	changes_from(&two, h, program + half, n - half);
	if (transact(h, &two, FINISHED, &edit) && one_by_one)
		rollback(h, 0);
	rollback(h, 1);
}

void fuzz_one(const char *data, size_t len)
{
	size_t n;
	_cleanup_free_ char *program = fuzz_part(&data, &len, false, &n), *before = NULL;
	_cleanup_changes_ struct changes c = { 0 };
	_cleanup_host_ struct host *h = NULL;
	const char *edit = NULL;
	enum far far;
	struct err e;

	/* What an earlier run leaves is fuzz_journal's. A database without a label keeps the one
	 * that a policy has for it. */
	if (n < 6 || memmem(data, len, JOURNAL_DIR, strlen(JOURNAL_DIR)) ||
	    memmem(data, len, "file_contexts", strlen("file_contexts")))
		return;
	far = (enum far)((unsigned char)program[0] % N_FAR);
	fuzz_tree(data, len);
	fuzz_unlock();
	require(host_open(fuzz_root(), &h, &e) == 0);
	before = fuzz_snapshot(false);
	if (far == FINISHED) {
		check_history(h, program + 2, n - 2, program[1] & 1);
	} else {
		if (program[1] & 1)
			edit = edited((unsigned char)program[1] / 2);
		changes_from(&c, h, program + 2, n - 2);
		transact(h, &c, far, &edit);
		recover(h, edit);
	}
	if (edit)
		check_theirs(h, edit);
	else
		fuzz_same(before, fuzz_snapshot(false), "taken back");
	fuzz_outside();
}
