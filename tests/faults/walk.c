/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program under ptrace(2) and does something to it at one chosen system call, so that a
 * script can walk through all of them.
 *
 *   walk count SET -- COMMAND...          how many calls of the set it makes: printed on fd 3
 *   walk kill N SET -- COMMAND...         SIGKILL just before the Nth is carried out
 *   walk fail N ERRNO SET -- COMMAND...   the Nth is not carried out and returns -ERRNO; its name
 * is printed on fd 3 walk short N SET -- COMMAND...        the Nth, if a write, is given half of
 * its bytes
 *
 * SET is "durable" (what changes a disk: open for writing, write, fsync, rename, link, unlink,
 * chown, chmod, setxattr, mkdir, rmdir, truncate) or "all" (every call on files, descriptors and
 * memory once the program's main has begun, that is after its first openat2 or, without that, its
 * own files). Exit code: the program's; 128 + signal when it was killed; 125 for trouble of our
 * own.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "../../src/util.h"

#define OWN_TROUBLE 125

struct call {
	long nr;
	const char *name;
	bool durable;
};

#define CALL(name, durable)                                                                        \
	{                                                                                          \
		SYS_##name, #name, durable                                                         \
	}

static const struct call calls[] = {
	CALL(openat, false),	  CALL(openat2, false),	   CALL(write, true),
	CALL(pwrite64, true),	  CALL(fsync, true),	   CALL(renameat, true),
	CALL(renameat2, true),	  CALL(rename, true),	   CALL(linkat, true),
	CALL(unlinkat, true),	  CALL(unlink, true),	   CALL(fchown, true),
	CALL(fchownat, true),	  CALL(fchmod, true),	   CALL(chmod, true),
	CALL(fchmodat, true),	  CALL(fsetxattr, true),   CALL(setxattr, true),
	CALL(fremovexattr, true), CALL(mkdirat, true),	   CALL(mkdir, true),
	CALL(rmdir, true),	  CALL(ftruncate, true),   CALL(read, false),
	CALL(pread64, false),	  CALL(close, false),	   CALL(newfstatat, false),
	CALL(fcntl, false),	  CALL(getdents64, false), CALL(readlinkat, false),
	CALL(flistxattr, false),  CALL(fgetxattr, false),  CALL(listxattr, false),
	CALL(getxattr, false),	  CALL(mmap, false),	   CALL(fdatasync, true),
	CALL(link, true),	  CALL(symlinkat, true),
};

enum mode {
	MODE_COUNT,
	MODE_KILL,
	MODE_FAIL,
	MODE_SHORT,
};

static const struct call *call_of(const struct user_regs_struct *r, bool all)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if ((long)r->orig_rax != calls[i].nr)
			continue;
		if (all || calls[i].durable)
			return &calls[i];
		/* An open that can make or cut a file. */
		if (calls[i].nr == SYS_openat && (r->rdx & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR)))
			return &calls[i];
	}
	return NULL;
}

/* Standard output and error are the test's, not the host's. */
static bool is_report(const struct user_regs_struct *r)
{
	return (long)r->orig_rax == SYS_write && (r->rdi == 1 || r->rdi == 2);
}

static int walk(pid_t pid, enum mode mode, unsigned long n, int num, bool all)
{
	struct user_regs_struct r;
	unsigned long seen = 0;
	bool begun = false, failing = false;
	long deliver = 0;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0 || waitpid(pid, &status, 0) < 0)
			return OWN_TROUBLE;
		deliver = 0;
		if (WIFEXITED(status))
			break;
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			deliver = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
			continue;
		}
		ptrace(PTRACE_GETREGS, pid, 0, &r);
		if (r.orig_rax == SYS_openat2)
			begun = true;
		if ((begun || !all) && call_of(&r, all) && !is_report(&r) && ++seen == n &&
		    mode != MODE_COUNT) {
			if (mode == MODE_KILL) {
				kill(pid, SIGKILL);
				waitpid(pid, &status, 0);
				return 128 + SIGKILL;
			}
			if (mode == MODE_SHORT && r.orig_rax == SYS_write && r.rdx > 1) {
				r.rdx /= 2;
				ptrace(PTRACE_SETREGS, pid, 0, &r);
			}
			if (mode == MODE_FAIL) {
				dprintf(3, "%s\n", call_of(&r, all)->name);
				failing = true;
				r.orig_rax = (unsigned long long)-1;
				ptrace(PTRACE_SETREGS, pid, 0, &r);
			}
		}
		/* The other stop of the same call: on its way out. */
		if (ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0 || waitpid(pid, &status, 0) < 0)
			return OWN_TROUBLE;
		if (WIFEXITED(status))
			break;
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (failing) {
			failing = false;
			ptrace(PTRACE_GETREGS, pid, 0, &r);
			r.rax = (unsigned long long)-num;
			ptrace(PTRACE_SETREGS, pid, 0, &r);
		}
	}
	if (mode == MODE_COUNT)
		dprintf(3, "%lu\n", seen);
	return WEXITSTATUS(status);
}

static int usage(void)
{
	fputs("usage: walk count SET | kill N SET | fail N ERRNO SET | short N SET -- COMMAND...\n",
	      stderr);
	return OWN_TROUBLE;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "count", "kill", "fail", "short" };
	enum mode mode = MODE_COUNT;
	unsigned long n = 0;
	int num = 0, at = 2, status;
	pid_t pid;

	if (argc < 5)
		return usage();
	while (mode <= MODE_SHORT && !streq(argv[1], modes[mode]))
		mode++;
	if (mode > MODE_SHORT)
		return usage();
	if (mode != MODE_COUNT)
		n = strtoul(argv[at++], NULL, 10);
	if (mode == MODE_FAIL)
		num = (int)strtol(argv[at++], NULL, 10);
	if (at + 2 >= argc || !streq(argv[at + 1], "--"))
		return usage();
	pid = fork();
	if (pid < 0)
		return OWN_TROUBLE;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[at + 2], argv + at + 2);
		_exit(OWN_TROUBLE);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return OWN_TROUBLE;
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return walk(pid, mode, n, num, streq(argv[at], "all"));
}
