/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../src/confine.h"

/* What is given up stays given up: each test's process is one of its own. A child says what is
 * wrong by the number of the line. */
#define IN_CHILD(body)                                                                             \
	do {                                                                                       \
		pid_t pid_ = fork();                                                               \
		int status_;                                                                       \
		if (pid_ == 0) {                                                                   \
			body;                                                                      \
			_exit(0);                                                                  \
		}                                                                                  \
		ck_assert_int_eq(waitpid(pid_, &status_, 0), pid_);                                \
		ck_assert_msg(WIFEXITED(status_) && WEXITSTATUS(status_) == 0,                     \
			      "the child ended with %d (line %d)", status_,                        \
			      __LINE__ / 256 * 256 + WEXITSTATUS(status_));                        \
	} while (0)

#define NEED(x)                                                                                    \
	do {                                                                                       \
		if (!(x))                                                                          \
			_exit(__LINE__ % 256 ? __LINE__ % 256 : 1);                                \
	} while (0)

static uint64_t status_value(const char *name, int base)
{
	char line[256];
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (has_prefix(line, name))
			return strtoull(line + strlen(name), NULL, base);
	return UINT64_MAX;
}

static bool closed(int fd)
{
	return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static void disturbed(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t all;

	NEED(dup2(STDERR_FILENO, 9) == 9 && dup2(STDERR_FILENO, 300) == 300);
	close(STDIN_FILENO);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigaction(SIGCHLD, &ignore, NULL);
	sigaction(SIGTERM, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	umask(0);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/evil", 1);
	setenv("SUDO_UID", "1000", 1);
}

START_TEST(start_leaves_a_known_process)
{
	IN_CHILD({
		struct sigaction now;
		struct rlimit core;
		struct stat st;
		sigset_t blocked;

		disturbed();
		confine_start();
		NEED(closed(9) && closed(300));
		NEED(fstat(STDIN_FILENO, &st) == 0 && S_ISCHR(st.st_mode));
		sigprocmask(SIG_SETMASK, NULL, &blocked);
		NEED(sigisemptyset(&blocked));
		NEED(sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
		NEED(sigaction(SIGTERM, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
		NEED(sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
		NEED(sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
		NEED(sigaction(SIGXFSZ, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
		NEED(umask(0) == 077);
		NEED(!getenv("DBUS_SYSTEM_BUS_ADDRESS") && !getenv("PATH"));
		NEED(getenv("SUDO_UID") && streq(getenv("SUDO_UID"), "1000"));
		NEED(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
		NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	});
}
END_TEST

/* Of what is left open for a program, nothing reaches it. */
START_TEST(fds_end_with_exec)
{
	IN_CHILD({
		NEED(dup2(STDIN_FILENO, 9) == 9 && dup2(STDIN_FILENO, 300) == 300);
		confine_fds(true);
		NEED(fcntl(9, F_GETFD) == FD_CLOEXEC && fcntl(300, F_GETFD) == FD_CLOEXEC);
		NEED(fcntl(STDERR_FILENO, F_GETFD) == 0);
		confine_fds(false);
		NEED(closed(9) && closed(300));
	});
}
END_TEST

/* --- roles --- */

static char *dir;

/* in/, in/a, in/b, and a file outside of in/. */
static void set_up(void)
{
	_cleanup_close_ int fd = -1;

	dir = tree_new();
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("in", 0700) | mkdir("in/a", 0700) | mkdir("in/b", 0700), 0);
	fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	tree_remove(dir);
}

/* The ABI that the kernel has: 0 without Landlock (and under valgrind). */
static long landlock(void)
{
	long abi = syscall(444, NULL, 0, 1);

	return abi < 0 ? 0 : abi;
}

static bool can_make(const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0;
}

static bool can_read(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0;
}

static bool can_run(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execv("/bin/true", argv);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static uint64_t caps_were(void)
{
	return status_value("CapEff:", 16);
}

START_TEST(readers_read)
{
	static const enum confine_role roles[] = { CONFINE_PARSE, CONFINE_READ, CONFINE_LOOK };
	/* CAP_DAC_OVERRIDE is 1, CAP_DAC_READ_SEARCH is 2, CAP_AUDIT_CONTROL is 30. */
	static const uint64_t caps[] = { 4, 6, 6 | 1ULL << 30 };
	bool locked = landlock() >= 1;

	IN_CHILD({
		uint64_t had = caps_were();
		struct err e;

		NEED(confine_role(roles[_i], -1, &e) == 0);
		NEED(can_read("file"));
		NEED(!locked || (!can_make("in/a/new") && !can_make("file")));
		NEED(!locked || unlink("file") < 0);
		NEED(!locked || rename("file", "new") < 0);
		NEED(!locked || mkdir("in/c", 0700) < 0);
		NEED(!locked || !can_run());
		NEED(caps_were() == (had & caps[_i]));
		NEED(status_value("CapPrm:", 16) == (had & caps[_i]));
	});
}
END_TEST

START_TEST(an_offline_run_writes_in_its_root_alone)
{
	bool locked = landlock() >= 2;

	IN_CHILD({
		int root = open("in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct err e;

		NEED(confine_role(CONFINE_OFFLINE, root, &e) == 0);
		NEED(can_make("in/a/new"));
		NEED(rename("in/a/new", "in/b/new") == 0);
		NEED(can_read("file"));
		NEED(!locked || (!can_make("new") && !can_make("file")));
		NEED(!locked || rename("in/b/new", "new") < 0);
		NEED(!locked || !can_run());
	});
}
END_TEST

START_TEST(a_live_run_keeps_what_it_writes_with)
{
	IN_CHILD({
		uint64_t had = caps_were();
		struct err e;

		NEED(confine_role(CONFINE_LIVE, -1, &e) == 0);
		NEED(can_make("new") && can_run());
		/* CHOWN 0, DAC_OVERRIDE 1, DAC_READ_SEARCH 2, FOWNER 3, FSETID 4, SYS_ADMIN 21,
		 * LEASE 28, AUDIT_CONTROL 30, SETFCAP 31, MAC_ADMIN 33. */
		NEED(caps_were() == (had & (0x1f | 1ULL << 21 | 1ULL << 28 | 1ULL << 30 |
					    1ULL << 31 | 1ULL << 33)));
		NEED(confine_role(CONFINE_READ, -1, &e) == 0);
		NEED(caps_were() == (had & 6));
	});
}
END_TEST

/* Whether connect(2) is let through; who listens there doesn't matter. */
static bool can_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == ECONNREFUSED;
}

START_TEST(only_a_look_at_the_running_host_uses_tcp)
{
	bool locked = landlock() >= 4;

	IN_CHILD({
		struct err e;

		NEED(confine_role(_i ? CONFINE_LOOK : CONFINE_READ, -1, &e) == 0);
		NEED(_i ? can_connect() : !locked || !can_connect());
		NEED(landlock() < 1 || (!can_make("new") && !can_run()));
	});
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, start_leaves_a_known_process);
	tcase_add_test(tc, fds_end_with_exec);
	tcase_add_loop_test(tc, readers_read, 0, 3);
	tcase_add_test(tc, an_offline_run_writes_in_its_root_alone);
	tcase_add_loop_test(tc, only_a_look_at_the_running_host_uses_tcp, 0, 2);
	tcase_add_test(tc, a_live_run_keeps_what_it_writes_with);
}

UNIT_MAIN("confine")
