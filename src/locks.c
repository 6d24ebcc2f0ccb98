/* SPDX-License-Identifier: Apache-2.0 */
/* lckpwdf(3) and the lock files of shadow's commonio.c, beneath any root and without alarm(2). */
#include "locks.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "buf.h"
#include "stage.h"

/* In the order in which useradd takes them: two that lock in one order never wait for each other.
 */
static const char *const databases[] = {
	"passwd", "shadow", "group", "gshadow", "subuid", "subgid"
};
#define N_DATABASES ARRAY_SIZE(databases)

#define NAME_SIZE 32

struct account_locks {
	int etc;
	int pwd;	       /* .pwd.lock; the lock goes when this is closed */
	int link[N_DATABASES]; /* our lock files, open so that no other file gets their inode */
};

struct locking {
	int etc;
	bool live;
	const char *prefix;
	struct timespec deadline;
};

static void deadline_set(struct locking *k, int seconds)
{
	clock_gettime(CLOCK_MONOTONIC, &k->deadline);
	k->deadline.tv_sec += seconds;
}

/* Sleeps a little; false when the time is up. */
static bool wait_more(const struct locking *k)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > k->deadline.tv_sec ||
	    (now.tv_sec == k->deadline.tv_sec && now.tv_nsec >= k->deadline.tv_nsec))
		return false;
	nanosleep(&pause, NULL);
	return true;
}

/* Is `name` a regular file? Looked at before it is opened: opening a fifo or a device has effects.
 * -ENOENT: there is none. */
static int look_plain(int etc, const char *name, struct stat *st)
{
	if (fstatat(etc, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISREG(st->st_mode) ? 0 : -EINVAL;
}

/*
 * An open file description lock: it meets lckpwdf's and systemd-sysusers' like any other (fcntl(2),
 * "Open file description locks"), and isn't lost when some other fd of the same file is closed.
 */
static int lock_pwd(const struct locking *k, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;
	int r = look_plain(k->etc, ".pwd.lock", &st);

	if (r == -EINVAL || (r == 0 && st.st_nlink != 1))
		return err_set(
			e, EINVAL,
			"'%s/etc/.pwd.lock' is not a file of its own: look at it, and remove it",
			k->prefix);
	if (r == 0 || r == -ENOENT)
		fd = openat(k->etc, ".pwd.lock",
			    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
			    0600);
	if (fd < 0)
		return err_sys(e, r < 0 && r != -ENOENT ? r : errno, "open '%s/etc/.pwd.lock'",
			       k->prefix);
	while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		struct flock holder = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		char who[32] = "";

		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_sys(e, errno, "lock '%s/etc/.pwd.lock'", k->prefix);
		if (wait_more(k))
			continue;
		if (fcntl(fd, F_OFD_GETLK, &holder) == 0 && holder.l_type != F_UNLCK &&
		    holder.l_pid > 0)
			snprintf(who, sizeof(who), " (process %ld)", (long)holder.l_pid);
		return err_set(
			e, EBUSY,
			"'%s/etc/.pwd.lock' is held by another program%s, such as useradd, "
			"passwd or systemd-sysusers: nothing was changed; try again when it has "
			"finished ('fuser %s/etc/.pwd.lock' shows which it is)",
			k->prefix, who, k->prefix);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

enum lock_owner {
	OWNER_GONE,    /* no lock file any more */
	OWNER_UNKNOWN, /* a file that holds no pid: shadow takes it for busy */
	OWNER_STRANGE, /* no file at all: no tool of shadow's made it, and none will remove it */
	OWNER_UNREAD,  /* can't be looked at: errno */
	OWNER_PID,
};

static enum lock_owner lock_owner_read(int etc, const char *name, pid_t *ret)
{
	_cleanup_close_ int fd = -1;
	char text[32], *end;
	struct stat st;
	ssize_t n;
	long pid;
	int r = look_plain(etc, name, &st);

	if (r == -EINVAL)
		return OWNER_STRANGE;
	if (r == 0)
		fd = openat(etc, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	else
		errno = -r;
	if (fd < 0)
		return errno == ENOENT ? OWNER_GONE : OWNER_UNREAD;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return OWNER_UNREAD;
	if (n == 0 || text[0] < '1' || text[0] > '9')
		return OWNER_UNKNOWN;
	text[n] = '\0';
	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || pid > INT_MAX || (*end && !streq(end, "\n")))
		return OWNER_UNKNOWN;
	*ret = (pid_t)pid;
	return OWNER_PID;
}

/* Tried again: what stays there by one failure of a disk keeps others out. */
static int remove_lock(int etc, const char *name)
{
	for (int tries = 0; unlinkat(etc, name, 0) < 0 && errno != ENOENT; tries++)
		if (tries)
			return -errno;
	return 0;
}

/* Writes our pid with its NUL, as do_lock_file() of shadow does. */
static int write_pid(const struct locking *k, const char *name, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char pid[16];
	size_t len;
	int r;

	for (int tries = 0; fd < 0; tries++) {
		fd = openat(k->etc, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			    0600);
		/* The name has our pid: whoever left it is dead. Not opened with O_TRUNC as shadow
		 * does, since it may be a link to anything. */
		if (fd < 0 && (errno != EEXIST || tries || unlinkat(k->etc, name, 0) < 0))
			return err_sys(e, errno, "create '%s/etc/%s'", k->prefix, name);
	}
	len = (size_t)snprintf(pid, sizeof(pid), "%ld", (long)getpid()) + 1;
	r = write_all(fd, pid, len);
	/* A power loss must not leave a lock that names no process: nobody could take it over. */
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0) {
		err_sys(e, r, "write '%s/etc/%s'", k->prefix, name);
		remove_lock(k->etc, name);
		return e->code;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int busy(const struct locking *k, const char *lock, enum lock_owner owner, pid_t pid,
		struct err *e)
{
	if (owner == OWNER_STRANGE)
		err_set(e, EBUSY, "'%s/etc/%s' is there and is not a file", k->prefix, lock);
	else if (owner != OWNER_PID)
		err_set(e, EBUSY, "'%s/etc/%s' is there and names no process", k->prefix, lock);
	else if (k->live)
		return err_set(
			e, EBUSY,
			"'%s/etc/%s' is held by process %ld, which is running ('ps -fp %ld' "
			"shows what it is): nothing was changed; try again when it has finished",
			k->prefix, lock, (long)pid, (long)pid);
	else
		err_set(e, EBUSY,
			"'%s/etc/%s' is held by process %ld, of which nothing can be known from here "
			"as this root is offline",
			k->prefix, lock, (long)pid);
	return err_append(
		e,
		". Nothing was changed. If no useradd, usermod, vipw or the like is at work "
		"on these files, remove it: rm %s/etc/%s",
		k->prefix, lock);
}

/*
 * link(2) is what makes it a lock: it fails where the name exists. A dead owner's file is taken
 * away, as shadow does; two that do so at once could take away each other's, but whoever comes here
 * holds .pwd.lock, too.
 */
static int link_lock(const struct locking *k, const char *temp, const char *lock, struct err *e)
{
	while (linkat(k->etc, temp, k->etc, lock, 0) < 0) {
		enum lock_owner owner;
		pid_t pid = 0;

		if (errno != EEXIST)
			return err_sys(e, errno, "link '%s/etc/%s' to '%s'", k->prefix, temp, lock);
		owner = lock_owner_read(k->etc, lock, &pid);
		if (owner == OWNER_UNREAD)
			return err_sys(e, errno, "look at '%s/etc/%s'", k->prefix, lock);
		if (owner == OWNER_PID && k->live && kill(pid, 0) < 0 && errno == ESRCH) {
			if (unlinkat(k->etc, lock, 0) < 0 && errno != ENOENT)
				return err_sys(e, errno,
					       "remove '%s/etc/%s', whose process %ld is dead",
					       k->prefix, lock, (long)pid);
		} else if (owner == OWNER_STRANGE || !wait_more(k)) {
			/* One that is gone by now, in the last moment, is busy all the same. */
			return busy(k, lock, owner, pid, e);
		}
	}
	return 0;
}

static int lock_database(const struct locking *k, struct account_locks *l, size_t i, struct err *e)
{
	char temp[NAME_SIZE], lock[NAME_SIZE];
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	snprintf(temp, sizeof(temp), "%s.%ld", databases[i], (long)getpid());
	snprintf(lock, sizeof(lock), "%s.lock", databases[i]);
	r = write_pid(k, temp, &fd, e);
	if (r < 0)
		return r;
	r = link_lock(k, temp, lock, e);
	if (r == 0) {
		/* Over some network file systems link(2) succeeds and hasn't linked. */
		if (fstat(fd, &st) < 0)
			r = err_sys(e, errno, "stat '%s/etc/%s'", k->prefix, temp);
		else if (st.st_nlink != 2)
			r = err_set(
				e, EIO,
				"'%s/etc/%s' could not be linked to '%s': does this file system "
				"have hard links?",
				k->prefix, temp, lock);
		l->link[i] = TAKE_FD(fd);
	}
	if (remove_lock(k->etc, temp) < 0 && r == 0)
		r = err_sys(e, errno, "remove '%s/etc/%s'", k->prefix, temp);
	return r;
}

int accounts_lock_at(int etc, bool live, const char *prefix, const char *const *paths, size_t n,
		     int seconds, struct account_locks **ret, struct err *e)
{
	struct locking k = { .live = live, .prefix = prefix };
	struct account_locks *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l)
		return err_oom(e);
	l->pwd = -1;
	for (size_t i = 0; i < N_DATABASES; i++)
		l->link[i] = -1;
	k.etc = l->etc = fcntl(etc, F_DUPFD_CLOEXEC, 3);
	if (l->etc < 0) {
		r = err_sys(e, errno, "lock the accounts in '%s/etc'", prefix);
		free(l);
		return r;
	}
	deadline_set(&k, seconds);
	r = lock_pwd(&k, &l->pwd, e);
	for (size_t i = 0; i < N_DATABASES && r == 0; i++)
		for (size_t p = 0; p < n; p++)
			if (has_prefix(paths[p], "/etc/") && streq(paths[p] + 5, databases[i])) {
				r = lock_database(&k, l, i, e);
				break;
			}
	if (r < 0) {
		accounts_unlock(l);
		return r;
	}
	*ret = l;
	return 0;
}

static int open_etc(const struct host *h, struct err *e)
{
	int fd = host_open_dir(h, "/etc", e);

	return fd < 0 ? err_prefix(e, "lock the accounts") : fd;
}

int accounts_lock(const struct host *h, const char *const *paths, size_t n, int seconds,
		  struct account_locks **ret, struct err *e)
{
	_cleanup_close_ int etc = open_etc(h, e);

	if (etc < 0)
		return etc;
	if (stage_lock_file(h, etc, "/etc/.pwd.lock", e) < 0)
		return err_prefix(e, "lock the accounts");
	return accounts_lock_at(etc, host_is_live(h), host_prefix(h), paths, n, seconds, ret, e);
}

/* Somebody may have taken it away by hand, and somebody else be in there. */
static bool still_ours(int fd, int etc, const char *lock)
{
	struct stat ours, there;

	for (int tries = 0; tries < 2; tries++) {
		if (fstat(fd, &ours) == 0 && fstatat(etc, lock, &there, AT_SYMLINK_NOFOLLOW) == 0)
			return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
		if (errno == ENOENT)
			return false;
	}
	return false;
}

void accounts_unlock(struct account_locks *l)
{
	bool any = false;

	if (!l)
		return;
	for (size_t i = N_DATABASES; i-- > 0;) {
		char lock[NAME_SIZE];

		if (l->link[i] < 0)
			continue;
		snprintf(lock, sizeof(lock), "%s.lock", databases[i]);
		if (still_ours(l->link[i], l->etc, lock))
			any |= remove_lock(l->etc, lock) == 0;
		close(l->link[i]);
	}
	/* Or a power loss brings them back, with a pid that may be anybody's by then. */
	if (any)
		fsync(l->etc);
	if (l->pwd >= 0)
		close(l->pwd);
	close(l->etc);
	free(l);
}

/* What a kill or a power loss leaves of write_pid(): the pid up to somewhere, or zeros in its
 * place.
 */
static bool is_unfinished(int etc, const char *name, pid_t pid)
{
	_cleanup_close_ int fd =
		openat(etc, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	char wanted[16] = "", text[sizeof(wanted) + 1];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	n = read(fd, text, sizeof(text));
	if (n < 0 || n > snprintf(wanted, sizeof(wanted), "%ld", (long)pid) + 1)
		return false;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] && text[i] != wanted[i])
			return false;
	return true;
}

/* Counts the lock files and temporaries of `pid`, names them in `names` or removes them. */
static int stale_each(int etc, const char *prefix, pid_t pid, bool remove, struct buf *names,
		      struct err *e)
{
	int n = 0;

	for (size_t i = 0; i < N_DATABASES; i++) {
		char name[2][NAME_SIZE];

		snprintf(name[0], NAME_SIZE, "%s.lock", databases[i]);
		snprintf(name[1], NAME_SIZE, "%s.%ld", databases[i], (long)pid);
		for (int f = 0; f < 2; f++) {
			pid_t found = 0;

			enum lock_owner owner = lock_owner_read(etc, name[f], &found);

			if (owner == OWNER_UNREAD)
				return err_sys(e, errno, "look at '%s/etc/%s'", prefix, name[f]);
			/* A temporary bears the pid in its name, and may not have got its content.
			 */
			if (!(owner == OWNER_PID && found == pid) &&
			    !(f == 1 && owner != OWNER_STRANGE && is_unfinished(etc, name[f], pid)))
				continue;
			n++;
			if (names)
				buf_addf(names, "%s%s", names->len ? ", " : "", name[f]);
			if (remove && unlinkat(etc, name[f], 0) < 0 && errno != ENOENT)
				return err_sys(e, errno, "remove '%s/etc/%s'", prefix, name[f]);
		}
	}
	return n;
}

/*
 * The pid may be another process's by now, and the lock file that one's. It isn't while we hold
 * .pwd.lock: only `useradd -P`, which works on another root than its own, does without that.
 */
int accounts_unlock_stale_at(int etc, const char *prefix, uint32_t pid, int seconds, struct err *e)
{
	struct locking k = { .etc = etc, .prefix = prefix };
	_cleanup_close_ int pwd = -1;
	int r;

	if (!pid || pid > INT_MAX)
		return 0;
	r = stale_each(etc, prefix, (pid_t)pid, false, NULL, e);
	if (r <= 0)
		return r;
	deadline_set(&k, seconds);
	r = lock_pwd(&k, &pwd, e);
	if (r < 0)
		return r;
	r = stale_each(etc, prefix, (pid_t)pid, true, NULL, e);
	if (r > 0 && fsync(etc) < 0)
		return err_sys(e, errno, "sync '%s/etc'", prefix);
	return r < 0 ? r : 0;
}

int accounts_unlock_stale(const struct host *h, uint32_t pid, struct err *e)
{
	_cleanup_close_ int etc = open_etc(h, e);

	if (etc < 0)
		return etc;
	return accounts_unlock_stale_at(etc, host_prefix(h), pid, 15, e);
}

int accounts_locks_left(const struct host *h, struct buf *names)
{
	struct err ignored;
	_cleanup_close_ int etc = open_etc(h, &ignored);

	return etc < 0 ? etc : stale_each(etc, host_prefix(h), getpid(), false, names, &ignored);
}
