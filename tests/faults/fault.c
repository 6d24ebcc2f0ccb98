/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <elf.h>
#include <error.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile pid_t running;

static void too_late(int sig)
{
	(void)sig;
	kill(running, SIGKILL);
}

/* --- the program --- */

/* An open that changes the disk shows only in its flags, which the filter can't always read. */
static bool may_be_durable(const struct tracer_call *c)
{
	return c->durable || c->nr == SYS_openat || c->nr == SYS_openat2;
}

static void stop_at_calls(bool durable)
{
	struct sock_filter code[128] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog filter = { .filter = code };
	const struct tracer_call *calls, *chosen[ARRAY_SIZE(code)];
	size_t all, n = 0, at = 1;

	calls = tracer_calls(&all);
	if (all + 3 > ARRAY_SIZE(code))
		_exit(TRACER_TROUBLE);
	for (size_t i = 0; i < all; i++)
		if (!durable || may_be_durable(&calls[i]))
			chosen[n++] = &calls[i];
	for (size_t i = 0; i < n; i++)
		code[at++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)chosen[i]->nr, (uint8_t)(n - i), 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	filter.len = (unsigned short)at;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0)
		_exit(TRACER_TROUBLE);
}

static void become(char *const *argv, int out, bool durable)
{
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	stop_at_calls(durable);
	execv(argv[0], argv);
	_exit(TRACER_TROUBLE);
}

/* --- its calls --- */

static void string_at(pid_t pid, unsigned long long addr, char *buf, size_t size)
{
	if (tracer_string(pid, addr, buf, size) < 0)
		*buf = '\0';
}

/* Its first argument is a folder's descriptor, and a path from there follows. */
static bool is_at(const char *name)
{
	return has_suffix(name, "at") || has_suffix(name, "at2") || streq(name, "statx");
}

/* The path of the call that is about to be made: an argument, or what its descriptor is. */
static void describe(pid_t pid, const struct user_regs_struct *r, const char *name, char *buf,
		     size_t size)
{
	static const char *const by_path[] = { "rename",   "link",	"unlink",      "chmod",
					       "setxattr", "getxattr",	"removexattr", "mkdir",
					       "rmdir",	   "listxattr", "readlink" };
	char path[PATH_MAX] = "", proc[64];
	ssize_t n;

	for (size_t i = 0; i < ARRAY_SIZE(by_path); i++)
		if (streq(name, by_path[i]))
			string_at(pid, r->rdi, path, sizeof(path));
	if (is_at(name))
		string_at(pid, streq(name, "symlinkat") ? r->rdx : r->rsi, path, sizeof(path));
	if (!*path && !streq(name, "mmap")) {
		snprintf(proc, sizeof(proc), "/proc/%d/fd/%d", (int)pid, (int)r->rdi);
		n = readlink(proc, path, sizeof(path) - 1);
		path[n < 0 ? 0 : n] = '\0';
	}
	snprintf(buf, size, "%s(%s)", name, path);
}

static void note(struct outcome *o, const struct tracer_call *c, bool durable)
{
	if ((o->n & (o->n - 1)) == 0) {
		o->calls = reallocarray(o->calls, o->n ? o->n * 2 : 1, sizeof(*o->calls));
		if (!o->calls)
			error(TRACER_TROUBLE, 0, "out of memory");
	}
	o->calls[o->n++] = (struct fault_call){ c->name, durable };
}

/* A close(2) that fails has closed all the same. */
static void fail_close(pid_t pid, struct user_regs_struct *r, int num)
{
	int status;

	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		error(TRACER_TROUBLE, errno, "close");
	ptrace(PTRACE_GETREGS, pid, 0, r);
	r->rax = (unsigned long long)-num;
	ptrace(PTRACE_SETREGS, pid, 0, r);
}

static void fail(pid_t pid, struct user_regs_struct *r, int num)
{
	if (r->orig_rax == SYS_close) {
		fail_close(pid, r, num);
		return;
	}
	r->orig_rax = (unsigned long long)-1;
	r->rax = (unsigned long long)-num;
	ptrace(PTRACE_SETREGS, pid, 0, r);
}

#define OPTIONS                                                                                    \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	 PTRACE_O_TRACECLONE)

/* No more stops. Where the kernel can't (CONFIG_CHECKPOINT_RESTORE), it only takes longer. */
static void let_run(pid_t pid)
{
	ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS | PTRACE_O_SUSPEND_SECCOMP);
}

static void at_call(pid_t pid, const struct fault *f, struct outcome *o)
{
	struct user_regs_struct r;
	const struct tracer_call *c;

	ptrace(PTRACE_GETREGS, pid, 0, &r);
	c = tracer_call_of(pid, &r, f->durable);
	if (!c)
		return;
	note(o, c, f->durable || tracer_call_of(pid, &r, true));
	if (f->kind == FAULT_STUCK && o->n > f->n)
		fail(pid, &r, f->num);
	if (f->kind == FAULT_NONE || o->n != f->n)
		return;
	describe(pid, &r, c->name, o->at, sizeof(o->at));
	if (f->kind == FAULT_KILL)
		kill(pid, SIGKILL);
	if (f->kind == FAULT_FAIL || f->kind == FAULT_STUCK)
		fail(pid, &r, f->num);
	if (f->kind == FAULT_SHORT && r.rdx > 1) {
		r.rdx /= 2;
		ptrace(PTRACE_SETREGS, pid, 0, &r);
	}
	if (f->kind != FAULT_STUCK)
		let_run(pid);
}

/* --- running --- */

/* Where the program itself begins, once the loader is done. */
static unsigned long long entry_of(pid_t pid)
{
	Elf64_auxv_t list[64];
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, list, sizeof(list));
	cleanup_close(&fd);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*list); i++)
		if (list[i].a_type == AT_ENTRY)
			return list[i].a_un.a_val;
	error(TRACER_TROUBLE, 0, "the program has no entry");
	return 0;
}

/* The next stop of the program. False: it has ended, with o->code. */
static bool next_stop(pid_t pid, int deliver, int *ret_status, struct outcome *o)
{
	pid_t who = pid;
	int status;

	for (;;) {
		ptrace(PTRACE_CONT, who, 0, deliver);
		do
			who = waitpid(-1, &status, __WALL);
		while (who < 0 && errno == EINTR);
		if (who < 0)
			error(TRACER_TROUBLE, errno, "wait");
		if (who == pid)
			break;
		/* A child's stops are passed over; SIGSTOP is how it is born. */
		deliver = WIFSTOPPED(status) && status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP
				  ? WSTOPSIG(status)
				  : 0;
	}
	*ret_status = status;
	if (WIFSTOPPED(status))
		return true;
	o->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return false;
}

static bool is_call(int status)
{
	return status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
}

/* To the entry, by a breakpoint there. */
static bool run_loader(pid_t pid, struct outcome *o)
{
	unsigned long long entry = entry_of(pid);
	struct user_regs_struct r;
	int status;
	long code;

	errno = 0;
	code = ptrace(PTRACE_PEEKTEXT, pid, entry, 0);
	if (errno || ptrace(PTRACE_POKETEXT, pid, entry, (code & ~0xffL) | 0xcc) < 0)
		error(TRACER_TROUBLE, errno, "breakpoint");
	do
		if (!next_stop(pid, 0, &status, o))
			return false;
	while (is_call(status));
	ptrace(PTRACE_GETREGS, pid, 0, &r);
	if (r.rip != entry + 1)
		error(TRACER_TROUBLE, 0, "the program stopped before its entry, by signal %d",
		      WSTOPSIG(status));
	r.rip = entry;
	ptrace(PTRACE_SETREGS, pid, 0, &r);
	ptrace(PTRACE_POKETEXT, pid, entry, code);
	return true;
}

void fault_run(char *const *argv, int out, const struct fault *f, struct outcome *ret)
{
	const struct sigaction sa = { .sa_handler = too_late };
	int status, deliver = 0;
	pid_t pid = fork();

	*ret = (struct outcome){ .code = TRACER_TROUBLE };
	if (pid < 0)
		error(TRACER_TROUBLE, errno, "fork");
	if (pid == 0)
		become(argv, out, f->durable);
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		error(TRACER_TROUBLE, 0, "cannot run %s", argv[0]);
	ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS);
	running = pid;
	sigaction(SIGALRM, &sa, NULL);
	alarm(FAULT_SECONDS);
	if (run_loader(pid, ret)) {
		while (next_stop(pid, deliver, &status, ret)) {
			deliver = 0;
			if (is_call(status))
				at_call(pid, f, ret);
			else if (status >> 16 == 0)
				deliver = WSTOPSIG(status);
		}
	}
	ret->late = alarm(0) == 0;
}
