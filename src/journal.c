/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "journal.h"

#include <signal.h>
#include <time.h>

#include "buf.h"
#include "seal.h"
#include "stage.h"

#define PENDING	    JOURNAL_DIR "/pending"
#define NEW	    JOURNAL_DIR "/new"
#define OLD	    JOURNAL_DIR "/old"
#define HISTORY	    JOURNAL_DIR "/history"
#define LOCK	    JOURNAL_DIR "/lock"
#define JOURNAL_MAX (64 * 1024 * 1024)

static const struct image dir_image = { .exists = true, .mode = S_IFDIR | 0700 };

static int write_file(const struct host *h, const char *dir, const char *name, const char *data,
		      size_t len, struct err *e)
{
	struct image im = { .exists = true,
			    .mode = S_IFREG | 0600,
			    .content = (char *)(uintptr_t)data,
			    .len = len };
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_oom(e);
	return stage_file(h, path, name, &im, e);
}

static int write_journal(const struct host *h, const char *dir, const char *name,
			 const struct journal *j, size_t max, struct err *e)
{
	_cleanup_json_ json_t *o = journal_json(j);
	_cleanup_free_ char *plain = o ? json_text(o, JSON_INDENT(1)) : NULL;
	_cleanup_free_ char *text = plain ? seal_put(plain) : NULL;

	if (!text)
		return err_set(e, ENOMEM, "out of memory, or a line that is not UTF-8");
	if (strlen(text) > max)
		return err_set(e, E2BIG,
			       "%zu changes are too many for one run: nothing was changed. Let the "
			       "plan ask for less at a time",
			       j->n_steps);
	return write_file(h, dir, name, text, strlen(text), e);
}

static int write_images(const struct host *h, const char *dir, const struct journal *j,
			struct err *e)
{
	for (size_t i = 0; i < j->n_steps; i++) {
		const struct step *s = &j->steps[i];
		char name[32];

		snprintf(name, sizeof(name), "before-%zu", i);
		if (step_keeps(s, &s->before) &&
		    write_file(h, dir, name, s->before.content, s->before.len, e) < 0)
			return e->code;
		snprintf(name, sizeof(name), "after-%zu", i);
		if (step_keeps(s, &s->after) &&
		    write_file(h, dir, name, s->after.content, s->after.len, e) < 0)
			return e->code;
	}
	return 0;
}

static int remove_tree(const struct host *h, const char *dir, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = host_list(h, dir, &names, e);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	for (char **n = names; *n; n++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, *n) < 0)
			return err_oom(e);
		if (stage_discard(h, path, *n, e) < 0)
			return e->code;
	}
	return stage_rmdir(h, dir, e);
}

/* 1: renamed, but perhaps not on disk yet; *e says why. */
static int rename_dir(const struct host *h, const char *from, const char *to, struct err *e)
{
	_cleanup_close_ int a = -1, b = -1;
	_cleanup_free_ char *from_dir = NULL, *to_dir = NULL;
	const char *from_name, *to_name;

	if (path_split(from, &from_dir, &from_name, e) < 0 ||
	    path_split(to, &to_dir, &to_name, e) < 0 || (a = host_open_dir(h, from_dir, e)) < 0 ||
	    (b = host_open_dir(h, to_dir, e)) < 0)
		return e->code;
	if (renameat(a, from_name, b, to_name) < 0)
		return err_sys(e, errno, "cannot rename '%s%s' to '%s'", host_prefix(h), from, to);
	if (fsync(b) < 0 || fsync(a) < 0) {
		err_sys(e, errno, "cannot sync '%s%s'", host_prefix(h), to_dir);
		return 1;
	}
	return 0;
}

static int make_base(const struct host *h, struct err *e)
{
	static const struct image plain = { .exists = true, .mode = S_IFDIR | 0755 };

	/* An image may come without them. */
	if (!host_exists(h, "/var/lib") &&
	    (stage_mkdir(h, "/var", &plain, e) < 0 || stage_mkdir(h, "/var/lib", &plain, e) < 0))
		return e->code;
	return host_exists(h, JOURNAL_DIR) ? 0 : stage_mkdir(h, JOURNAL_DIR, &dir_image, e);
}

/* The number of an entry of the history; 0: it is none. */
static unsigned entry_id(const char *name)
{
	unsigned long id = strlen(name) > 9 ? 0 : strtoul(name, NULL, 10);
	char own[16];

	snprintf(own, sizeof(own), "%06lu", id);
	return streq(name, own) ? (unsigned)id : 0;
}

/* Not by name: the millionth has a digit more. */
static int by_id(const void *a, const void *b)
{
	unsigned x = entry_id(*(char *const *)a), y = entry_id(*(char *const *)b);

	return (x > y) - (x < y);
}

/* The entries of the history, oldest first; what else somebody put there (lost+found) is passed
 * over. */
static int entries(const struct host *h, char ***ret, size_t *ret_n, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	size_t n = 0;
	int r = host_list(h, HISTORY, &names, e);

	if (r == -ENOENT)
		names = calloc(1, sizeof(*names));
	else if (r < 0)
		return r;
	if (!names)
		return err_oom(e);
	for (char **p = names; *p; p++) {
		if (entry_id(*p))
			names[n++] = *p;
		else
			free(*p);
	}
	names[n] = NULL;
	qsort(names, n, sizeof(*names), by_id);
	*ret = TAKE_PTR(names);
	*ret_n = n;
	return 0;
}

static int next_id(const struct host *h, unsigned *ret, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	size_t n;

	if (entries(h, &names, &n, e) < 0)
		return e->code;
	*ret = n ? entry_id(names[n - 1]) + 1 : 1;
	return 0;
}

int journal_create(const struct host *h, struct journal *j, struct err *e)
{
	if (make_base(h, e) < 0 || remove_tree(h, NEW, e) < 0 || remove_tree(h, OLD, e) < 0 ||
	    next_id(h, &j->id, e) < 0 || stage_mkdir(h, NEW, &dir_image, e) < 0 ||
	    write_images(h, NEW, j, e) < 0 ||
	    /* What is noted later has to fit, too. */
	    write_journal(h, NEW, "journal.json", j, JOURNAL_MAX / 2, e) < 0)
		return err_prefix(e, "cannot write the journal");
	return rename_dir(h, NEW, PENDING, e) ? e->code : 0;
}

int journal_update(const struct host *h, const struct journal *j, struct err *e)
{
	if (stage_discard(h, PENDING "/x", "journal.new", e) < 0 ||
	    write_journal(h, PENDING, "journal.new", j, JOURNAL_MAX, e) < 0 ||
	    stage_return(h, PENDING "/journal.json", "journal.new", e) < 0)
		return err_prefix(e, "cannot update the journal");
	return 0;
}

int journal_commit(const struct host *h, struct journal *j, struct err *e)
{
	_cleanup_free_ char *to = NULL;

	if (!host_exists(h, HISTORY) && stage_mkdir(h, HISTORY, &dir_image, e) < 0)
		return e->code;
	if (asprintf(&to, HISTORY "/%06u", j->id) < 0)
		return err_oom(e);
	if (journal_update(h, j, e) < 0)
		return e->code;
	/* Renamed is committed. If the disk loses that, the next run finds it pending and takes it
	 * back. */
	return rename_dir(h, PENDING, to, e) < 0 ? e->code : 0;
}

int journal_drop(const struct host *h, struct err *e)
{
	int r;

	/* Renamed first: a journal that is half removed must not be taken for one. */
	if (remove_tree(h, NEW, e) < 0 || remove_tree(h, OLD, e) < 0)
		return e->code;
	r = journal_look(h, e);
	if (r < 0 || (r > 0 && rename_dir(h, PENDING, OLD, e)))
		return e->code;
	return remove_tree(h, OLD, e);
}

/* The content of an image, which has to be what was kept: it is put back into files of root's. */
static int load_image(const struct host *h, const char *below, const struct journal *j, size_t i,
		      const char *side, struct image *im, const struct kept *kept, struct err *e)
{
	const struct step *s = &j->steps[i];
	_cleanup_free_ char *blob = NULL;
	char sha256[SHA256_TEXT] = "";
	int r;

	if (!step_keeps(s, im))
		return 0;
	if (asprintf(&blob, "%s/%s-%zu", below, side, i) < 0)
		return err_oom(e);
	r = host_read_own(h, JOURNAL_DIR, blob, HOST_READ_MAX, &im->content, &im->len, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && *kept->sha256)
		sha256_text(im->content, im->len, sha256);
	if (r == 0 && streq(sha256, kept->sha256))
		return 0;
	err_set(e, EBADMSG,
		"'%s" JOURNAL_DIR "/%s', which keeps what '%s%s' was %s transaction %u, ",
		host_prefix(h), blob, host_prefix(h), s->path, side, j->id);
	if (r < 0)
		err_append(e, "is missing");
	else
		err_append(e, "is damaged: it has %zu bytes (sha256 %s)", im->len, sha256);
	if (*kept->sha256)
		err_append(e, ", and had %zu bytes (sha256 %s)", kept->len, kept->sha256);
	return err_append(
		e,
		". Get it back from a backup. If there is none, write into it what '%s%s' "
		"%s, and have that believed: sed -i '/\"sha256\": /d' '%s" JOURNAL_DIR
		"/%s/journal.json'",
		host_prefix(h), s->path, im == &s->before ? "is to hold" : "holds now",
		host_prefix(h), below);
}

static int not_a_journal(const struct host *h, const char *below, const char *why, struct err *e)
{
	return err_set(e, EINVAL,
		       "'%s" JOURNAL_DIR
		       "/%s/journal.json' is not a journal that this version reads%s%s",
		       host_prefix(h), below, *why ? ": " : "", why);
}

/* A run begins only when there is something to do: that none of it is known is no sign that none
 * was done. */
static bool records_nothing(const struct journal *j)
{
	return j->rollback ? !j->n_undoes : !j->n_steps && !j->n_commands && !j->n_units;
}

static int load_whole(const struct host *h, const char *dir, bool images, struct journal *ret,
		      struct err *e)
{
	const char *below = dir + strlen(JOURNAL_DIR "/");
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_journal_ struct journal j = { 0 };
	_cleanup_json_ json_t *o = NULL;
	json_error_t je;
	size_t len;
	int r;

	if (asprintf(&path, "%s/journal.json", below) < 0)
		return err_oom(e);
	if (host_read_own(h, JOURNAL_DIR, path, JOURNAL_MAX, &text, &len, e) < 0)
		return e->code;
	r = json_load(text, len, JSON_REJECT_DUPLICATES, &o, &je);
	if (r == 0)
		r = journal_parse(o, &j);
	if (r == -ENOMEM)
		return err_oom(e);
	if (r == -EPROTONOSUPPORT)
		return err_set(
			e, -r,
			"'%s" JOURNAL_DIR
			"/%s' was written by a newer bulkhead; this one (" PACKAGE_VERSION
			") can't tell what that did, and touched nothing. Install that version "
			"again, or a later one",
			host_prefix(h), path);
	if (images && !seal_holds(text, o))
		return err_set(
			e, EBADMSG,
			"'%s" JOURNAL_DIR
			"/%s' is damaged, or was edited: what it tells is not believed. Get it "
			"back from a backup. If there is none, or the edit is meant, look at each "
			"line, and have them believed: sed -i '/\"sha256\": /d' '%s" JOURNAL_DIR
			"/%s'",
			host_prefix(h), path, host_prefix(h), path);
	if (r < 0)
		return not_a_journal(h, below, o ? "" : je.text, e);
	for (size_t i = 0; images && i < j.n_steps; i++) {
		struct step *s = &j.steps[i];

		if (load_image(h, below, &j, i, "before", &s->before, &s->before_kept, e) < 0 ||
		    load_image(h, below, &j, i, "after", &s->after, &s->after_kept, e) < 0)
			return e->code;
	}
	*ret = j;
	j = (struct journal){ 0 };
	return 0;
}

/* What is missing or cut short won't mend itself: what that means, and how to go on without it. */
static int tell_lost(const struct host *h, const char *dir, struct err *e)
{
	static const char lost_pending[] =
		"What the interrupted run had changed is still in place, and can't be put back "
		"from this: what stood in its files before is in the files before-* there, as far "
		"as they are left. Put back by hand what you need, then give it up and go on from "
		"the host as it is";
	static const char lost_entry[] =
		"What that transaction did can't be taken back without it, nor told from what was "
		"there before. To go on all the same";
	_cleanup_buf_ struct buf mv = BUF_INIT;

	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%.*s%s%s", host_prefix(h),
			     (int)(strrchr(dir, '/') + 1 - dir), dir, i ? "damaged-" : "",
			     strrchr(dir, '/') + 1) < 0)
			return err_oom(e);
		buf_addc(&mv, ' ');
		buf_add_word(&mv, path);
	}
	if (mv.failed)
		return err_oom(e);
	err_append(e, "\n%s: mv -T%s", streq(dir, PENDING) ? lost_pending : lost_entry, mv.data);
	return e->code;
}

static int load(const struct host *h, const char *dir, bool images, struct journal *ret,
		struct err *e)
{
	int r = load_whole(h, dir, images, ret, e);

	return r == -EINVAL || r == -ENOENT || r == -ENOTDIR ? tell_lost(h, dir, e) : r;
}

/* Anything at all, a link that leads nowhere too: who puts things back has to look at it. */
int journal_look(const struct host *h, struct err *e)
{
	struct stat st;
	int r = host_lstat(h, PENDING, &st, e);

	return r == -ENOENT || r == -ENOTDIR ? 0 : r < 0 ? r : 1;
}

bool journal_interrupted(const struct host *h)
{
	struct err ignored;

	return journal_look(h, &ignored) != 0;
}

/* Whatever a run does first and last, it renames an entry of this directory. */
bool journal_moved(const struct host *h, const struct timespec *since)
{
	struct err ignored;
	struct stat st;

	return host_lstat(h, JOURNAL_DIR, &st, &ignored) == 0 &&
	       (st.st_mtim.tv_sec > since->tv_sec ||
		(st.st_mtim.tv_sec == since->tv_sec && st.st_mtim.tv_nsec >= since->tv_nsec));
}

int journal_history(const struct host *h, struct err *e)
{
	struct stat st;
	int r = host_lstat(h, HISTORY, &st, e);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int journal_pending(const struct host *h, struct journal *ret, struct err *e)
{
	_cleanup_strv_ char **names = NULL;

	int r = journal_look(h, e);

	if (r <= 0)
		return r;
	/* An empty directory holds nothing to take back. */
	if (host_list(h, PENDING, &names, e) == 0 && !names[0])
		return 0;
	if (load(h, PENDING, true, ret, e) < 0)
		return e->code;
	if (!records_nothing(ret))
		return 1;
	not_a_journal(h, "pending", "it says nothing of what was done", e);
	return tell_lost(h, PENDING, e);
}

int journal_waits(const struct host *h, struct err *e)
{
	_cleanup_journal_ struct journal j = { 0 };

	if (journal_pending(h, &j, e) < 0)
		return e->code = -EUCLEAN;
	return err_set(e, EUCLEAN, "an interrupted run waits to be put back: bulkhead recover%s",
		       host_root_words(h));
}

int journal_load(const struct host *h, unsigned id, struct journal *ret, struct err *e)
{
	char dir[64];

	snprintf(dir, sizeof(dir), HISTORY "/%06u", id);
	return load(h, dir, true, ret, e);
}

int journal_list(const struct host *h, struct journal **ret, size_t *ret_n, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	struct journal *list;
	size_t n, read = 0;
	int broken = 0;

	if (entries(h, &names, &n, e) < 0)
		return e->code;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return err_oom(e);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *dir = NULL;

		if (asprintf(&dir, HISTORY "/%s", names[i]) < 0 ||
		    load(h, dir, false, &list[read], e) == -ENOMEM) {
			journal_list_free(list, read);
			return err_oom(e);
		}
		if (list[read].id)
			read++;
		else
			broken = (int)entry_id(names[i]);
	}
	*ret = list;
	*ret_n = read;
	return broken;
}

void journal_list_free(struct journal *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		journal_done(&list[i]);
	free(list);
}

bool journal_stands(const struct journal *list, size_t n, unsigned id)
{
	bool stands = false;

	for (size_t i = 0; i < n; i++) {
		if (list[i].id == id)
			stands = !list[i].rollback;
		for (size_t k = 0; k < list[i].n_undoes; k++)
			if (list[i].undoes[k] == id)
				stands = false;
	}
	return stands;
}

static bool contains(const json_t *ids, unsigned id)
{
	size_t i;
	json_t *x;

	json_array_foreach (ids, i, x)
		if (json_integer_value(x) == (json_int_t)id)
			return true;
	return false;
}

int journal_state(const struct host *h, json_t **ret, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_json_ json_t *undone = json_array();
	size_t n;

	if (!undone)
		return err_oom(e);
	if (entries(h, &names, &n, e) < 0)
		return e->code;
	/* From the newest: as a rule the first one that is read stands. */
	while (n > 0) {
		_cleanup_journal_ struct journal j = { 0 };
		_cleanup_free_ char *dir = NULL;

		if (asprintf(&dir, HISTORY "/%s", names[--n]) < 0)
			return err_oom(e);
		if (load(h, dir, false, &j, e) < 0)
			return e->code;
		for (size_t i = 0; i < j.n_undoes; i++)
			if (json_array_append_new(undone, json_integer(j.undoes[i])) < 0)
				return err_oom(e);
		if (!j.rollback && !contains(undone, j.id)) {
			*ret = json_incref(j.state);
			return 0;
		}
	}
	*ret = json_object();
	return *ret ? 0 : err_oom(e);
}

/* --- the lock --- */

/* The kernel doesn't tell the pid of an open file description lock; the holder wrote it down. One
 * without its newline is torn: no pid. */
static int noted_pid(int fd, uint32_t *ret)
{
	char text[16] = "", *end;
	unsigned long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	pid = strtoul(text, &end, 10);
	*ret = *end == '\n' ? (uint32_t)pid : 0;
	return 0;
}

static int untrusted(const struct host *h, const char *name, struct err *e)
{
	return err_set(
		e, EPERM,
		"'%s" JOURNAL_DIR
		"%s%s' belongs to another user, or others can write in it: what stands there "
		"can't be trusted. Look at it, then: chown root:root, chmod 700",
		host_prefix(h), *name ? "/" : "", name);
}

/* What stands in our directory under the names of ours has to be ours: a link would have us clean
 * up, or put back from, somebody else's directory. */
static int dirs_ours(const struct host *h, int dir, struct err *e)
{
	static const char *const ours[] = { "new", "old", "pending", "history" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		struct stat st;

		if (fstatat(dir, ours[i], &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				return err_sys(e, errno, "cannot look at '%s" JOURNAL_DIR "/%s'",
					       host_prefix(h), ours[i]);
		} else if (!S_ISDIR(st.st_mode)) {
			return err_set(e, ENOTDIR,
				       "'%s" JOURNAL_DIR
				       "/%s' is not a directory: look at it, and move it away",
				       host_prefix(h), ours[i]);
		} else if (st.st_uid != geteuid() || (st.st_mode & 022)) {
			return untrusted(h, ours[i], e);
		}
	}
	return 0;
}

int journal_lock(const struct host *h, int seconds, int *ret_fd, uint32_t *ret_last, struct err *e)
{
	_cleanup_close_ int dir = -1, fd = -1;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	uint32_t pid = 0;
	struct stat st;
	int r;

	if (make_base(h, e) < 0 || (dir = host_open_dir(h, JOURNAL_DIR, e)) < 0)
		return e->code;
	if (fstat(dir, &st) < 0)
		return err_sys(e, errno, "cannot look at '%s" JOURNAL_DIR "'", host_prefix(h));
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return untrusted(h, "", e);
	if (dirs_ours(h, dir, e) < 0)
		return e->code;
	/* Looked at before it is opened: opening a device has effects. */
	if (fstatat(dir, "lock", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (!S_ISREG(st.st_mode) || st.st_nlink != 1))
		return err_set(e, EINVAL, "'%s" LOCK "' is not a file of its own: remove it",
			       host_prefix(h));
	if (stage_lock_file(h, dir, LOCK, e) < 0)
		return e->code;
	fd = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "cannot open '%s" LOCK "'", host_prefix(h));
	for (int tenths = 0; fcntl(fd, F_OFD_SETLK, &l) < 0; tenths++) {
		if (errno != EAGAIN && errno != EACCES)
			return err_sys(e, errno, "cannot lock '%s" LOCK "'", host_prefix(h));
		if (tenths >= seconds * 10) {
			char who[32] = "";

			/* One that has only just begun has noted nothing yet: what stands there may
			 * be the pid of a dead one. */
			if (noted_pid(fd, &pid) == 0 && pid &&
			    !(kill((pid_t)pid, 0) < 0 && errno == ESRCH))
				snprintf(who, sizeof(who), " (process %u)", pid);
			return err_set(e, EBUSY,
				       "another run of bulkhead%s is at work on this host: wait "
				       "until it ends; nothing was changed",
				       who);
		}
		nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
	}
	r = noted_pid(fd, &pid);
	if (r < 0)
		return err_sys(e, r, "cannot read '%s" LOCK "'", host_prefix(h));
	*ret_last = pid;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int journal_lock_note(const struct host *h, int fd, struct err *e)
{
	_cleanup_close_ int dir = -1;
	char pid[16];
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid()), r;
	uint32_t last = 0;

	/* Nobody noted anything yet: the file's name may not be on disk. */
	if ((noted_pid(fd, &last) < 0 || !last) && ((dir = host_open_dir(h, JOURNAL_DIR, e)) < 0))
		return e->code;
	if ((dir >= 0 && fsync(dir) < 0) || lseek(fd, 0, SEEK_SET) < 0 || ftruncate(fd, 0) < 0)
		r = -errno;
	else
		r = write_all(fd, pid, (size_t)n);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, r, "cannot write '%s" LOCK "'", host_prefix(h)) : 0;
}

uint32_t journal_locked_by(const struct host *h)
{
	_cleanup_close_ int dir = -1, fd = -1;
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct err ignored;
	uint32_t pid = 0;
	struct stat st;

	dir = host_open_dir(h, JOURNAL_DIR, &ignored);
	if (dir < 0 || fstatat(dir, "lock", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	fd = openat(dir, "lock", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &l) < 0 || l.l_type == F_UNLCK)
		return 0;
	noted_pid(fd, &pid);
	return pid;
}
