/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program on a root and proves that it stays inside: watch [-2] ROOT PLAN COMMAND...
 *
 * Every system call is judged by what it did, not by the path it was given: the file behind each
 * descriptor that an open returned, and behind each descriptor that something is written, renamed,
 * made, removed or protected through, has to lie below ROOT. Calls by path are let through where
 * the path is a single name in such a directory. What isn't known here is reported too. Nothing may
 * be opened but for O_PATH that isn't a regular file or a directory, nothing written through a file
 * that has other names.
 *
 * Before ROOT is opened the program starts: anything may be read, nothing written. Until something
 * in ROOT is opened, PLAN and the directories on the way to it may be read, too.
 *
 * landlock(7) answers ENOSYS: what holds has to hold without it. -2: openat2(2), too. The program
 * gets 768 MiB of address space and 20 seconds. On fd 3: a line "outside: ..." for each offence, at
 * last "opens N writes N" (calls looked at). Exit code: the program's; 142 when the time is up (by
 * SIGALRM), 125 for trouble of our own.
 */
#include "../faults/tracer.h"

#include <ctype.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define SECONDS 20 /* a lock is waited for 10 */
#define MEMORY	(768UL * 1024 * 1024)
#define WRITES	(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

struct watch {
	const char *root, *plan;
	struct stat st;
	bool begun, inside, old_kernel;
	unsigned long opens, writes;
	pid_t pid;
	const char *call;
};

/* How the arguments of a call name what it touches. */
enum shape {
	HARMLESS,
	OPENS,	     /* returns a descriptor */
	WRITES_FD,   /* something of the file behind arg 0 */
	WRITES_AT,   /* the name arg 1 in the directory arg 0 */
	WRITES_AT2,  /* so, and the name arg 3 in the directory arg 2 */
	WRITES_PATH, /* the path arg 0 */
	READS_AT,
	READS_PATH,
};

#define CALL(name, shape)                                                                          \
	{                                                                                          \
		SYS_##name, #name, shape                                                           \
	}

static const struct {
	long nr;
	const char *name;
	enum shape shape;
} calls[] = {
	CALL(openat, OPENS),
	CALL(openat2, OPENS),
	CALL(open, OPENS),
	CALL(write, WRITES_FD),
	CALL(pwrite64, WRITES_FD),
	CALL(writev, WRITES_FD),
	CALL(ftruncate, WRITES_FD),
	CALL(fchmod, WRITES_FD),
	CALL(fchown, WRITES_FD),
	CALL(fsetxattr, WRITES_FD),
	CALL(fremovexattr, WRITES_FD),
	CALL(mkdirat, WRITES_AT),
	CALL(unlinkat, WRITES_AT),
	CALL(fchownat, WRITES_AT),
	CALL(renameat, WRITES_AT2),
	CALL(renameat2, WRITES_AT2),
	CALL(linkat, WRITES_AT2),
	CALL(chmod, WRITES_PATH),
	CALL(setxattr, WRITES_PATH),
	CALL(removexattr, WRITES_PATH),
	CALL(newfstatat, READS_AT),
	CALL(statx, READS_AT),
	CALL(readlinkat, READS_AT),
	CALL(faccessat2, READS_AT),
	CALL(readlink, READS_PATH),
	CALL(stat, READS_PATH),
	CALL(lstat, READS_PATH),
	CALL(access, READS_PATH),
	CALL(listxattr, READS_PATH),
	CALL(getxattr, READS_PATH),
	CALL(statfs, READS_PATH),
	CALL(read, HARMLESS),
	CALL(pread64, HARMLESS),
	CALL(lseek, HARMLESS),
	CALL(close, HARMLESS),
	CALL(fcntl, HARMLESS),
	CALL(fstat, HARMLESS),
	CALL(fstatfs, HARMLESS),
	CALL(fsync, HARMLESS),
	CALL(getdents64, HARMLESS),
	CALL(flistxattr, HARMLESS),
	CALL(fgetxattr, HARMLESS),
	CALL(fadvise64, HARMLESS),
	CALL(getcwd, HARMLESS),
	CALL(ioctl, HARMLESS),
	CALL(mmap, HARMLESS),
	CALL(munmap, HARMLESS),
	CALL(mremap, HARMLESS),
	CALL(mprotect, HARMLESS),
	CALL(madvise, HARMLESS),
	CALL(brk, HARMLESS),
	CALL(umask, HARMLESS),
	CALL(prctl, HARMLESS),
	CALL(close_range, HARMLESS),
	CALL(landlock_create_ruleset, HARMLESS),
	CALL(capget, HARMLESS),
	CALL(capset, HARMLESS),
	CALL(getpid, HARMLESS),
	CALL(gettid, HARMLESS),
	CALL(geteuid, HARMLESS),
	CALL(getuid, HARMLESS),
	CALL(getrandom, HARMLESS),
	CALL(prlimit64, HARMLESS),
	CALL(sysinfo, HARMLESS),
	CALL(futex, HARMLESS),
	CALL(rseq, HARMLESS),
	CALL(arch_prctl, HARMLESS),
	CALL(set_tid_address, HARMLESS),
	CALL(set_robust_list, HARMLESS),
	CALL(rt_sigaction, HARMLESS),
	CALL(rt_sigprocmask, HARMLESS),
	CALL(nanosleep, HARMLESS),
	CALL(clock_nanosleep, HARMLESS),
	CALL(restart_syscall, HARMLESS),
	CALL(exit_group, HARMLESS),
};

static void tell(const struct watch *w, const char *what, const char *path)
{
	dprintf(3, "outside: %s %s ", w->call, what);
	for (; *path; path++)
		dprintf(3, isprint((unsigned char)*path) ? "%c" : "\\x%02x", (unsigned char)*path);
	dprintf(3, "\n");
}

static bool below(const struct watch *w, const char *path)
{
	size_t n = strlen(w->root);

	return strncmp(path, w->root, n) == 0 && (!path[n] || path[n] == '/');
}

/* What a program needs of the system it runs on: libraries that it loads late, and what libselinux
 * looks at when it is loaded; a seed; the zone of gmtime(3). */
static bool system_file(const char *path)
{
	static const char *const files[] = { "/etc/ld.so.cache",  "/dev/urandom",
					     "/etc/localtime",	  "/etc/selinux/config",
					     "/proc/filesystems", "/proc/mounts",
					     "/proc/self/fd",	  "/sys/fs/selinux",
					     "/selinux" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (streq(path, files[i]))
			return true;
	return has_prefix(path, "/usr/share/zoneinfo/") ||
	       ((has_prefix(path, "/usr/lib/") || has_prefix(path, "/lib/")) &&
		strstr(path, ".so"));
}

static bool plan_file(const struct watch *w, const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return !w->inside && strncmp(w->plan, path, n) == 0 &&
	       (n == 1 || !w->plan[n] || w->plan[n] == '/');
}

/* What stands in for a descriptor that was closed. */
static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* The file behind a descriptor; `writes` is for more than looking at it. */
static void judge_fd(struct watch *w, int fd, bool writes, bool path_only)
{
	char link[64], path[PATH_MAX + 1];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", w->pid, fd);
	n = readlink(link, path, PATH_MAX);
	if (n < 0 || stat(link, &st) < 0) {
		tell(w, "unknown descriptor", link);
		return;
	}
	path[n] = '\0';
	if (!w->begun && st.st_dev == w->st.st_dev && st.st_ino == w->st.st_ino)
		w->begun = true;
	else if (below(w, path))
		w->inside = true;
	if (writes && !w->begun && !is_null(&st))
		tell(w, "writes before the root is opened", path);
	if (w->begun && !below(w, path) && (writes || !(system_file(path) || plan_file(w, path))))
		tell(w, writes ? "writes" : "reads", path);
	if (!path_only && w->begun && below(w, path) && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode))
		tell(w, "opens what is no file", path);
	if (writes && S_ISREG(st.st_mode) && st.st_nlink > 1)
		tell(w, "opens for writing what has other names", path);
}

static void judge_open(struct watch *w, const struct user_regs_struct *r)
{
	unsigned long long flags = r->orig_rax == SYS_open ? r->rsi : r->rdx;
	struct open_how how;

	if (r->orig_rax == SYS_openat2) {
		if (tracer_read(w->pid, r->rdx, &how, sizeof(how)) != sizeof(how))
			return;
		flags = how.flags;
	}
	w->opens++;
	if (flags & O_PATH)
		flags = O_PATH;
	w->writes += !!(flags & WRITES);
	if ((long long)r->rax >= 0)
		judge_fd(w, (int)r->rax, flags & WRITES, flags & O_PATH);
}

/* A path: nothing (the descriptor itself), our link in /proc to one, or a single name in a
 * directory. */
static void judge_path(struct watch *w, long dir, unsigned long long addr, bool writes)
{
	static const char fds[] = "/proc/self/fd/";
	char name[PATH_MAX];
	char *end;

	if (addr == 0 && !writes)
		return;
	if (tracer_string(w->pid, addr, name, sizeof(name)) < 0) {
		tell(w, "a path that can't be read", "");
	} else if (has_prefix(name, fds)) {
		long fd = strtol(name + strlen(fds), &end, 10);

		if (!*end)
			judge_fd(w, (int)fd, writes, true);
		else if (!writes && *end == '/' && !strchr(end + 1, '/') && !streq(end, "/.."))
			judge_fd(w, (int)fd, false, true);
		else
			tell(w, writes ? "writes" : "reads", name);
	} else if (!*name) {
		judge_fd(w, (int)dir, writes, true);
	} else if (!writes && (!w->begun || system_file(name) || plan_file(w, name))) {
		return;
	} else if (strchr(name, '/') || streq(name, "..") || dir == AT_FDCWD) {
		tell(w, writes ? "writes" : "reads", name);
	} else {
		judge_fd(w, (int)dir, false, true);
	}
}

static enum tracer_verdict before(pid_t pid, struct user_regs_struct *r, void *arg)
{
	const struct watch *w = arg;

	(void)pid;
	if (r->orig_rax != SYS_landlock_create_ruleset &&
	    (!w->old_kernel || r->orig_rax != SYS_openat2))
		return TRACER_GO_ON;
	r->rax = (unsigned long long)-ENOSYS;
	return TRACER_FAIL;
}

static void after(pid_t pid, const struct user_regs_struct *r, void *arg)
{
	struct watch *w = arg;
	enum shape shape = HARMLESS;
	size_t i;
	char nr[24];

	for (i = 0; i < ARRAY_SIZE(calls) && calls[i].nr != (long)r->orig_rax; i++)
		;
	if (i == ARRAY_SIZE(calls)) {
		w->call = "system call";
		snprintf(nr, sizeof(nr), "%lld", (long long)r->orig_rax);
		tell(w, "that is not known here:", nr);
		return;
	}
	w->call = calls[i].name;
	w->pid = pid;
	shape = calls[i].shape;
	w->writes += shape >= WRITES_FD && shape <= WRITES_PATH;
	switch (shape) {
	case OPENS:
		judge_open(w, r);
		break;
	case WRITES_FD:
		if ((int)r->rdi > 2)
			judge_fd(w, (int)r->rdi, true, false);
		break;
	case WRITES_AT2:
		judge_path(w, (int)r->rdx, r->r10, true);
		judge_path(w, (int)r->rdi, r->rsi, true);
		break;
	case WRITES_AT:
		judge_path(w, (int)r->rdi, r->rsi, true);
		break;
	case WRITES_PATH:
		judge_path(w, AT_FDCWD, r->rdi, true);
		break;
	case READS_AT:
		if ((int)r->rdi >= 0 && (int)r->rdi <= 2)
			break;
		judge_path(w, (int)r->rdi, r->rsi, false);
		break;
	case READS_PATH:
		judge_path(w, AT_FDCWD, r->rdi, false);
		break;
	case HARMLESS:
	default:
		break;
	}
}

int main(int argc, char **argv)
{
	static const struct tracer_hooks hooks = { .before = before, .after = after };
	const struct rlimit memory = { MEMORY, MEMORY };
	struct watch w = { 0 };
	int at = 1, code;

	if (argc > 1 && streq(argv[1], "-2")) {
		w.old_kernel = true;
		at++;
	}
	if (argc < at + 3 || !(w.root = realpath(argv[at], NULL)) || stat(w.root, &w.st) < 0) {
		fputs("usage: watch [-2] ROOT PLAN COMMAND...\n", stderr);
		return TRACER_TROUBLE;
	}
	setrlimit(RLIMIT_AS, &memory);
	alarm(SECONDS); /* ends us, and what is traced with us */
	w.plan = argv[at + 1];
	code = tracer_run(argv + at + 2, &hooks, &w);
	dprintf(3, "opens %lu writes %lu\n", w.opens, w.writes);
	return code;
}
