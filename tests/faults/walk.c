/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does something to a program at one chosen system call, so that a script can walk through all.
 *
 *   walk count SET -- COMMAND...          how many calls of the set it makes: printed on fd 3
 *   walk list SET -- COMMAND...           their names, one a line, on fd 3
 *   walk kill N SET -- COMMAND...         SIGKILL just before the Nth is carried out
 *   walk fail N ERRNO SET -- COMMAND...   the Nth is not carried out and returns -ERRNO; its name
 *                                         is printed on fd 3
 *   walk short N SET -- COMMAND...        the Nth, if a write, is given half of its bytes
 *   walk pause N SET SCRIPT -- COMMAND... `sh -c SCRIPT` runs just before the Nth is carried out;
 *                                         $TRACEE is the program's process
 *   walk pause-kill N K SET SCRIPT -- COMMAND...
 *                                         the same, and SIGKILL just before the one K calls later
 *
 * SET is "durable" (what changes a disk) or "all" (every call on files, descriptors and memory once
 * the program's main has begun, which closes what it was left). Exit code: the program's; 128 +
 * signal when it was killed; 125 for trouble of our own.
 */
#include "tracer.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum mode {
	MODE_COUNT,
	MODE_LIST,
	MODE_KILL,
	MODE_FAIL,
	MODE_SHORT,
	MODE_PAUSE,
	MODE_PAUSE_KILL,
};

struct walk {
	enum mode mode;
	unsigned long n, later, seen;
	int num;
	bool durable, begun;
	const char *script;
};

static void run_script(const char *script, pid_t tracee)
{
	char text[16];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(text, sizeof(text), "%d", (int)tracee);
		setenv("TRACEE", text, 1);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(TRACER_TROUBLE);
	}
	waitpid(pid, NULL, 0);
}

static enum tracer_verdict before(pid_t pid, struct user_regs_struct *r, void *arg)
{
	struct walk *w = arg;
	const struct tracer_call *call = tracer_call_of(pid, r, w->durable);

	if (r->orig_rax == SYS_close_range)
		w->begun = true;
	if (!call || (!w->begun && !w->durable))
		return TRACER_GO_ON;
	w->seen++;
	if (w->mode == MODE_LIST)
		dprintf(3, "%s\n", call->name);
	if (w->mode == MODE_PAUSE_KILL && w->seen == w->n + w->later)
		return TRACER_KILL;
	if (w->seen != w->n)
		return TRACER_GO_ON;
	switch (w->mode) {
	case MODE_KILL:
		return TRACER_KILL;
	case MODE_FAIL:
		dprintf(3, "%s\n", call->name);
		r->rax = (unsigned long long)-w->num;
		return TRACER_FAIL;
	case MODE_SHORT:
		if (r->orig_rax == SYS_write && r->rdx > 1)
			r->rdx /= 2;
		return TRACER_GO_ON;
	case MODE_PAUSE:
	case MODE_PAUSE_KILL:
		run_script(w->script, pid);
		return TRACER_GO_ON;
	case MODE_COUNT:
	case MODE_LIST:
	default:
		return TRACER_GO_ON;
	}
}

static int usage(void)
{
	fputs("usage: walk count SET | list SET | kill N SET | fail N ERRNO SET | short N SET | "
	      "pause N SET SCRIPT | pause-kill N K SET SCRIPT -- COMMAND...\n",
	      stderr);
	return TRACER_TROUBLE;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "count", "list",  "kill",	    "fail",
					     "short", "pause", "pause-kill" };
	static const struct tracer_hooks hooks = { .before = before };
	struct walk w = { 0 };
	int at = 2, code;

	if (argc < 5)
		return usage();
	while (w.mode <= MODE_PAUSE_KILL && !streq(argv[1], modes[w.mode]))
		w.mode++;
	if (w.mode > MODE_PAUSE_KILL)
		return usage();
	if (w.mode != MODE_COUNT && w.mode != MODE_LIST)
		w.n = strtoul(argv[at++], NULL, 10);
	if (w.mode == MODE_FAIL)
		w.num = (int)strtol(argv[at++], NULL, 10);
	if (w.mode == MODE_PAUSE_KILL && at < argc)
		w.later = strtoul(argv[at++], NULL, 10);
	if (at >= argc)
		return usage();
	w.durable = !streq(argv[at++], "all");
	if (w.mode >= MODE_PAUSE && at < argc)
		w.script = argv[at++];
	if (at + 1 >= argc || !streq(argv[at], "--"))
		return usage();
	code = tracer_run(argv + at + 1, &hooks, &w);
	if (w.mode == MODE_COUNT)
		dprintf(3, "%lu\n", w.seen);
	return code;
}
