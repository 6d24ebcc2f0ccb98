/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "util.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* --- the process --- */

/* SUDO_UID is asked by trust.c, NO_COLOR by main.c. Variables that libraries
 * believe (DBUS_SYSTEM_BUS_ADDRESS, SYSTEMD_*, SQLITE_TMPDIR...) are the caller's to set, and none
 * of ours. */
static const char *const env_kept[] = { "SUDO_UID", "NO_COLOR" };

static void clean_environment(void)
{
	char *kept[ARRAY_SIZE(env_kept)];

	for (size_t i = 0; i < ARRAY_SIZE(env_kept); i++) {
		const char *value = getenv(env_kept[i]);

		kept[i] = value ? strdup(value) : NULL;
	}
	clearenv();
	for (size_t i = 0; i < ARRAY_SIZE(env_kept); i++) {
		if (kept[i])
			setenv(env_kept[i], kept[i], 1);
		free(kept[i]);
	}
}

/* A file that gets number 2 would take the error messages. A root may have no /dev/null. */
static void standard_descriptors(void)
{
	/* open(2) gives the lowest number that is free. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			open("/", O_PATH);
}

void confine_fds(bool on_exec)
{
	struct rlimit lim;
	int max = 65536;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3U, ~0U, on_exec ? CLOSE_RANGE_CLOEXEC : 0U) == 0)
		return;
#endif
	/* Before Linux 5.9, and 5.11 where a range is only marked: one by one, as far as is
	 * reasonable. */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur < (rlim_t)max)
		max = (int)lim.rlim_cur;
	for (int fd = 3; fd < max; fd++)
		if (on_exec)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		else
			close(fd);
}

static void reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL }, was;
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &was) == 0 && was.sa_handler == SIG_IGN && sig != SIGHUP)
			sigaction(sig, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGXFSZ, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void confine_start(void)
{
	/* Before-images and keys pass through memory. */
	static const struct rlimit no_core = { 0 };

	standard_descriptors();
	confine_fds(false);
	reset_signals();
	clean_environment();
	umask(077);
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* --- capabilities --- */

static const cap_value_t read_caps[] = {
	CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, /* connect(2) to a socket whose owner isn't root */
	CAP_AUDIT_CONTROL, /* CONFINE_LOOK: the kernel's audit rules can't be asked for with less */
};

static const cap_value_t write_caps[] = {
	CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_CHOWN,
	CAP_FOWNER,	     CAP_FSETID, /* chmod(2) keeps a set-group-ID bit of another group */
	CAP_LEASE,	   /* of other owners' files: who has them open for writing, fcntl(2) */
	CAP_SETFCAP,	   /* before-images hold security.capability */
	CAP_SYS_ADMIN,	   /* security.* and trusted.* attributes; systemd asks for it over D-Bus */
	CAP_MAC_ADMIN,	   /* a label that the running policy doesn't know */
	CAP_AUDIT_CONTROL, /* CONFINE_LIVE: auditctl, which gets no more than we have (execve(2),
			      no_new_privs) */
};

static int keep_caps(const cap_value_t *caps, int n, struct err *e)
{
	cap_t have = cap_get_proc(), want = cap_init();
	int r = 0;

	if (!have || !want)
		r = -errno;
	for (int i = 0; i < n && r == 0; i++) {
		cap_flag_value_t is = CAP_CLEAR;

		/* A container's root may lack some of them. */
		if (cap_get_flag(have, caps[i], CAP_PERMITTED, &is) == 0 && is == CAP_SET &&
		    (cap_set_flag(want, CAP_PERMITTED, 1, &caps[i], CAP_SET) < 0 ||
		     cap_set_flag(want, CAP_EFFECTIVE, 1, &caps[i], CAP_SET) < 0))
			r = -errno;
	}
	if (r == 0 && cap_set_proc(want) < 0)
		r = -errno;
	cap_free(have);
	cap_free(want);
	return r < 0 ? err_sys(e, r, "cannot drop capabilities that are not needed") : 0;
}

/* --- Landlock --- */

/*
 * As in <linux/landlock.h>, which the headers of kernels before 5.13 lack, and of which those of
 * later ones know a part. Rights beyond what a kernel knows are refused: each ABI names its own.
 */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

enum {
	SYS_LANDLOCK_CREATE_RULESET = 444,
	SYS_LANDLOCK_ADD_RULE = 445,
	SYS_LANDLOCK_RESTRICT_SELF = 446,
	LANDLOCK_VERSION = 1,
	RULE_BENEATH = 1,
};

#define FS_EXECUTE  (1ULL << 0)
#define FS_WRITE    (1ULL << 1)
#define FS_REMOVE   (1ULL << 4 | 1ULL << 5)
#define FS_MAKE	    (0x7fULL << 6) /* every type of file */
#define FS_REFER    (1ULL << 13)   /* ABI 2: rename(2) and link(2) between directories */
#define FS_TRUNCATE (1ULL << 14)   /* ABI 3 */
#define NET_TCP	    3ULL	   /* ABI 4: bind(2), connect(2) */
#define SCOPE_ALL   3ULL	   /* ABI 6: abstract sockets, signals */

static long ruleset_create(const struct ruleset *rules, size_t size, unsigned flags)
{
	return syscall(SYS_LANDLOCK_CREATE_RULESET, rules, size, flags);
}

static bool allow_beneath(int rules, int dir, uint64_t rights)
{
	struct beneath b = { .allowed = rights, .parent = dir };

	return syscall(SYS_LANDLOCK_ADD_RULE, rules, RULE_BENEATH, &b, 0) == 0;
}

static void restrict_files(int root, bool tcp)
{
	long abi = ruleset_create(NULL, 0, LANDLOCK_VERSION);
	uint64_t writes = FS_WRITE | FS_REMOVE | FS_MAKE;
	struct ruleset want = { 0 };
	_cleanup_close_ int rules = -1;

	/* The first ABI has no way to allow a rename between directories, which is our commit. */
	if (abi < 1 || (abi < 2 && root >= 0))
		return;
	if (abi >= 2)
		writes |= FS_REFER;
	if (abi >= 3)
		writes |= FS_TRUNCATE;
	want.fs = writes | FS_EXECUTE;
	if (abi >= 4 && !tcp)
		want.net = NET_TCP;
	if (abi >= 6)
		want.scoped = SCOPE_ALL;
	rules = (int)ruleset_create(&want,
				    abi >= 6   ? sizeof(want)
				    : abi >= 4 ? offsetof(struct ruleset, scoped)
					       : offsetof(struct ruleset, net),
				    0);
	if (rules >= 0 && (root < 0 || allow_beneath(rules, root, writes)))
		syscall(SYS_LANDLOCK_RESTRICT_SELF, rules, 0);
}

int confine_role(enum confine_role role, int root, struct err *e)
{
	static const int reads[] = { [CONFINE_PARSE] = 1, [CONFINE_READ] = 2, [CONFINE_LOOK] = 3 };
	const int writes = ARRAY_SIZE(write_caps);

	if (role != CONFINE_LIVE)
		restrict_files(role == CONFINE_OFFLINE ? root : -1, role == CONFINE_LOOK);
	if (role == CONFINE_OFFLINE || role == CONFINE_LIVE)
		return keep_caps(write_caps, role == CONFINE_LIVE ? writes : writes - 1, e);
	return keep_caps(read_caps, reads[role], e);
}
