/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer.h"

#include <linux/openat2.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define CALL(name, durable)                                                                        \
	{                                                                                          \
		SYS_##name, #name, durable                                                         \
	}

static const struct tracer_call calls[] = {
	CALL(openat, false),	  CALL(openat2, false),	   CALL(write, true),
	CALL(pwrite64, true),	  CALL(fsync, true),	   CALL(renameat, true),
	CALL(renameat2, true),	  CALL(rename, true),	   CALL(linkat, true),
	CALL(unlinkat, true),	  CALL(unlink, true),	   CALL(fchown, true),
	CALL(fchownat, true),	  CALL(fchmod, true),	   CALL(chmod, true),
	CALL(fchmodat, true),	  CALL(fsetxattr, true),   CALL(setxattr, true),
	CALL(fremovexattr, true), CALL(removexattr, true), CALL(mkdirat, true),
	CALL(mkdir, true),	  CALL(rmdir, true),	   CALL(ftruncate, true),
	CALL(fdatasync, true),	  CALL(link, true),	   CALL(symlinkat, true),
	CALL(read, false),	  CALL(pread64, false),	   CALL(close, false),
	CALL(newfstatat, false),  CALL(fcntl, false),	   CALL(getdents64, false),
	CALL(readlinkat, false),  CALL(flistxattr, false), CALL(fgetxattr, false),
	CALL(listxattr, false),	  CALL(getxattr, false),   CALL(mmap, false),
	CALL(statx, false),	  CALL(readlink, false),   CALL(fstatfs, false),
};

const struct tracer_call *tracer_calls(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(calls);
	return calls;
}

ssize_t tracer_read(pid_t pid, unsigned long long addr, void *buf, size_t len)
{
	struct iovec here = { buf, len }, there = { (void *)(uintptr_t)addr, len };
	ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

	return n < 0 ? -errno : n;
}

int tracer_string(pid_t pid, unsigned long long addr, char *buf, size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		ssize_t n = tracer_read(pid, addr + i, buf + i, 1);

		if (n != 1)
			return n < 0 ? (int)n : -EFAULT;
		if (!buf[i])
			return 0;
	}
	return -ENAMETOOLONG;
}

/* An open that can make or cut a file. */
static bool opens_for_writing(pid_t pid, const struct user_regs_struct *r)
{
	unsigned long long flags = r->rdx;
	struct open_how how;

	if (r->orig_rax == SYS_openat2) {
		if (tracer_read(pid, r->rdx, &how, sizeof(how)) != sizeof(how))
			return false;
		flags = how.flags;
	} else if (r->orig_rax != SYS_openat) {
		return false;
	}
	return flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
}

const struct tracer_call *tracer_call_of(pid_t pid, const struct user_regs_struct *r, bool durable)
{
	if (r->orig_rax == SYS_write && (r->rdi == STDOUT_FILENO || r->rdi == STDERR_FILENO))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if ((long)r->orig_rax != calls[i].nr)
			continue;
		return !durable || calls[i].durable || opens_for_writing(pid, r) ? &calls[i] : NULL;
	}
	return NULL;
}

/* On to the next stop at a system call. 1: stopped there; 0: over, with *ret_code. */
static int go_on(pid_t pid, int *ret_code)
{
	long deliver = 0;
	int status;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0 && errno != ESRCH)
			goto trouble;
		if (waitpid(pid, &status, 0) < 0)
			goto trouble;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			*ret_code =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			return 0;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return 1;
		deliver = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
	}
trouble:
	*ret_code = TRACER_TROUBLE;
	return 0;
}

static int trace(pid_t pid, const struct tracer_hooks *hooks, void *arg)
{
	struct user_regs_struct r;
	int code;

	while (go_on(pid, &code)) {
		enum tracer_verdict verdict;
		unsigned long long answer;

		ptrace(PTRACE_GETREGS, pid, 0, &r);
		verdict = hooks->before(pid, &r, arg);
		if (verdict == TRACER_KILL)
			kill(pid, SIGKILL);
		answer = r.rax;
		if (verdict == TRACER_FAIL)
			r.orig_rax = (unsigned long long)-1;
		ptrace(PTRACE_SETREGS, pid, 0, &r);
		/* The other stop of the same call: on its way out. */
		if (!go_on(pid, &code))
			break;
		ptrace(PTRACE_GETREGS, pid, 0, &r);
		if (verdict == TRACER_FAIL) {
			r.rax = answer;
			ptrace(PTRACE_SETREGS, pid, 0, &r);
		} else if (hooks->after) {
			hooks->after(pid, &r, arg);
		}
	}
	return code;
}

int tracer_run(char *const *argv, const struct tracer_hooks *hooks, void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return TRACER_TROUBLE;
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[0], argv);
		_exit(TRACER_TROUBLE);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return TRACER_TROUBLE;
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return trace(pid, hooks, arg);
}
