/* SPDX-License-Identifier: Apache-2.0 */
#include "commandrecord.h"

#include <sys/wait.h>

#include "buf.h"
#include "run.h"

/* setsebool -P compiles a whole policy; on a slow machine that takes minutes. */
#define COMMAND_SECONDS 600

/* As a person would type it; NULL: out of memory. */
static char *typed(char *const *argv)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (; *argv; argv++) {
		buf_add_shown(&b, *argv, NULL);
		if (argv[1])
			buf_addc(&b, ' ');
	}
	return buf_take(&b, NULL);
}

static int run(char *const *argv, struct err *e)
{
	_cleanup_free_ char *output = NULL, *line = typed(argv);
	int status;

	if (!line)
		return err_oom(e);
	if (run_program(argv, NULL, COMMAND_SECONDS, &status, &output, e) < 0)
		return e->code;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	for (size_t n = strlen(output); n && output[n - 1] == '\n';)
		output[--n] = '\0';
	return err_set(e, EIO, "'%s' failed (%s %d)%s%s", line,
		       WIFEXITED(status) ? "exit code" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		       *output ? ":\n" : " and said nothing", output);
}

int commandrecord_run(struct journal *j, struct err *e)
{
	for (size_t i = 0; i < j->n_commands; i++)
		if (run(j->commands[i].argv, e) < 0) {
			j->commands[i].failed = true;
			return e->code;
		}
	return 0;
}

/* One on the way back. Returns `first`, or the first error. */
static int run_back(const struct host *h, char *const *argv, int first, struct errs *failed,
		    struct err *e)
{
	_cleanup_free_ char *line = typed(argv);
	struct err one;

	if (!host_is_live(h))
		err_set(&one, EOPNOTSUPP, "it has to be run on the host that this root is of");
	else if (run(argv, &one) == 0)
		return first;
	errs_add(failed, argv[0], "%s\n  type: %s", one.text, line ? line : argv[0]);
	if (first == 0)
		*e = one;
	return first ? first : one.code;
}

int commandrecord_undo(const struct host *h, const struct journal *j, struct errs *failed,
		       struct err *e)
{
	int r = 0;

	for (size_t i = j->n_commands; i > 0 && j->phase >= PHASE_COMMANDS; i--) {
		const struct command_record *x = &j->commands[i - 1];
		struct err ignored;

		if (!x->back)
			continue;
		if (x->failed && strv_same(x->argv, x->back))
			run(x->back, &ignored);
		else
			r = run_back(h, x->back, r, failed, e);
	}
	return r;
}

/* What has been asked for already is to be run where it stands last. */
static void forget(struct journal *j, char *const *argv)
{
	for (size_t i = 0; i < j->n_commands; i++) {
		if (!strv_same(j->commands[i].argv, argv))
			continue;
		command_record_done(&j->commands[i]);
		memmove(&j->commands[i], &j->commands[i + 1],
			(j->n_commands - i - 1) * sizeof(*j->commands));
		j->n_commands--;
		return;
	}
}

int commandrecord_ask_back(const struct host *h, const struct journal *list, size_t n,
			   struct journal *j, struct errs *failed, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = list[i].n_commands; k > 0; k--) {
			const struct command_record *x = &list[i].commands[k - 1];

			if (!x->back)
				continue;
			if (!host_is_live(h)) {
				errs_add(failed, x->back[0],
					 "has to be run on the live host to take back what "
					 "transaction %u did; here only files are put back",
					 list[i].id);
				continue;
			}
			forget(j, x->back);
			if (journal_add_command(j, x->back, NULL, json_incref(x->why), e) < 0)
				return e->code;
		}
	return 0;
}

int commandrecord_run_back(const struct host *h, const struct journal *j, struct errs *failed,
			   struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < j->n_commands; i++)
		r = run_back(h, j->commands[i].argv, r, failed, e);
	return r;
}
