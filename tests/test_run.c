/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "../src/run.h"

#define SH(script)                                                                                 \
	(char *const[])                                                                            \
	{                                                                                          \
		(char[]){ "/bin/sh" }, (char[]){ "-c" }, (char[]){ script }, NULL                  \
	}

static struct err e;

static char *run_ok(char *const *argv, char *const *env, int seconds, int *status)
{
	char *out = NULL;

	ck_assert_msg(run_program(argv, env, seconds, status, &out, &e) == 0, "%s", e.text);
	ck_assert_ptr_nonnull(out);
	return out;
}

static double clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

START_TEST(both_streams_and_status)
{
	int status = -1;
	char *out = run_ok(SH("echo one; echo two >&2; exit 3"), NULL, 10, &status);

	ck_assert_str_eq(out, "one\ntwo\n");
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	free(out);
}
END_TEST

START_TEST(signals_show_in_the_status)
{
	int status = -1;
	char *out = run_ok(SH("kill -TERM $$"), NULL, 10, &status);

	ck_assert_str_eq(out, "");
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGTERM);
	free(out);
}
END_TEST

START_TEST(environment_is_ours)
{
	char one[] = "DOCKER_OPTS=a b", lang[] = "LANG=de_DE.UTF-8";
	char *env[] = { one, lang, NULL };
	int status;
	char *out;

	setenv("BULKHEAD_TEST_LEAK", "1", 1);
	out = run_ok((char *const[]){ (char[]){ "/usr/bin/env" }, NULL }, env, 10, &status);
	ck_assert_str_eq(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
			      "DOCKER_OPTS=a b\nLANG=de_DE.UTF-8\n");
	free(out);
}
END_TEST

START_TEST(fds_and_signals_are_clean)
{
	int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
	sigset_t all;
	int status;
	char *out;

	ck_assert_int_ge(dup2(fd, 200), 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	out = run_ok(SH("for f in /proc/$$/fd/*; do echo ${f##*/}; done | sort -n | head -c 9;"
			"readlink /proc/$$/fd/0; pwd;"
			/* Not of the shell: that one blocks signals while it waits. 32 and 33 are
			 * glibc's own: who was started with posix_spawn(3), by make say, ignores
			 * them for ever. */
			"exec sed -nE '/^Sig(Blk|Ign):.(0000000180000000|0+)$/d; /^Sig(Blk|Ign)/p' "
			"/proc/self/status"),
		     NULL, 10, &status);
	ck_assert_ptr_null(strstr(out, "200"));
	ck_assert_ptr_null(strstr(out, "Sig"));
	ck_assert_ptr_nonnull(strstr(out, "/dev/null\n/\n"));
	free(out);
	close(200);
	close(fd);
}
END_TEST

START_TEST(missing_and_broken_programs)
{
	char *dir = tree_new(), *path, *out = NULL;
	int status = 77;

	ck_assert_int_eq(run_program((char *const[]){ (char[]){ "/nonexistent/dockerd" }, NULL },
				     NULL, 5, &status, &out, &e),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "/nonexistent/dockerd"));
	ck_assert_int_eq(
		run_program((char *const[]){ (char[]){ "sh" }, NULL }, NULL, 5, &status, &out, &e),
		-EINVAL);
	ck_assert_int_eq(run_program((char *const[]){ NULL }, NULL, 5, &status, &out, &e), -EINVAL);
	tree_write(dir, "/plain", "not a program\n", 0644);
	ck_assert_int_ge(asprintf(&path, "%s/plain", dir), 0);
	ck_assert_int_eq(run_program((char *const[]){ path, NULL }, NULL, 5, &status, &out, &e),
			 -EACCES);
	ck_assert_int_eq(chmod(path, 0755), 0);
	ck_assert_int_eq(run_program((char *const[]){ path, NULL }, NULL, 5, &status, &out, &e),
			 -ENOEXEC);
	ck_assert_int_eq(status, 77);
	ck_assert_ptr_null(out);
	free(path);
	tree_remove(dir);
}
END_TEST

START_TEST(deadline_kills_the_family)
{
	double start = clock_now();
	char *out = NULL;
	int status;
	char *dir = tree_new(), *script, *mark;

	ck_assert_int_ge(
		asprintf(&script, "trap '' TERM; (sleep 2; touch %s/alive) & sleep 60", dir), 0);
	ck_assert_int_eq(run_program((char *const[]){ (char[]){ "/bin/sh" }, (char[]){ "-c" },
						      script, NULL },
				     NULL, 1, &status, &out, &e),
			 -ETIMEDOUT);
	ck_assert(clock_now() - start < 10);
	ck_assert_ptr_nonnull(strstr(e.text, "1 s"));
	sleep(2);
	mark = tree_read(dir, "/alive");
	ck_assert_ptr_null(mark);
	free(script);
	tree_remove(dir);
}
END_TEST

START_TEST(deadline_without_output)
{
	double start = clock_now();
	char *out = NULL;
	int status;

	ck_assert_int_eq(run_program(SH("exec >&- 2>&-; sleep 60"), NULL, 1, &status, &out, &e),
			 -ETIMEDOUT);
	ck_assert(clock_now() - start < 10);
}
END_TEST

START_TEST(endless_writer_is_bounded)
{
	char *out = NULL;
	int status;

	ck_assert_int_eq(run_program(SH("yes"), NULL, 1, &status, &out, &e), -ETIMEDOUT);
	out = run_ok(SH("head -c 1000000 /dev/zero | tr '\\0' x; exit 5"), NULL, 20, &status);
	ck_assert_uint_eq(strlen(out), 65536);
	ck_assert_int_eq(WEXITSTATUS(status), 5);
	free(out);
}
END_TEST

START_TEST(a_daemon_left_behind_holds_nothing_up)
{
	double start = clock_now();
	int status;
	char *out = run_ok(SH("echo words; sleep 30 & exit 0"), NULL, 20, &status);

	ck_assert_str_eq(out, "words\n");
	ck_assert(clock_now() - start < 10);
	free(out);
}
END_TEST

START_TEST(ignored_sigchld_does_not_matter)
{
	struct sigaction sa;
	int status = 0;
	char *out;

	signal(SIGCHLD, SIG_IGN);
	out = run_ok(SH("exit 9"), NULL, 10, &status);
	ck_assert_int_eq(WEXITSTATUS(status), 9);
	sigaction(SIGCHLD, NULL, &sa);
	ck_assert(sa.sa_handler == SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	free(out);
}
END_TEST

START_TEST(closed_standard_fds)
{
	int stdio[] = { dup(0), dup(1), dup(2) }, status, r, missing;
	char *out = NULL, *none = NULL;

	for (int fd = 0; fd < 3; fd++)
		close(fd);
	r = run_program(SH("cat; echo done; echo too >&2"), NULL, 10, &status, &out, &e);
	missing = run_program((char *const[]){ (char[]){ "/nonexistent" }, NULL }, NULL, 10,
			      &status, &none, &e);
	for (int fd = 0; fd < 3; fd++) {
		dup2(stdio[fd], fd);
		close(stdio[fd]);
	}
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(out, "done\ntoo\n");
	ck_assert_int_eq(missing, -ENOENT);
	free(out);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, both_streams_and_status);
	tcase_add_test(tc, signals_show_in_the_status);
	tcase_add_test(tc, environment_is_ours);
	tcase_add_test(tc, fds_and_signals_are_clean);
	tcase_add_test(tc, missing_and_broken_programs);
	tcase_add_test(tc, deadline_kills_the_family);
	tcase_add_test(tc, deadline_without_output);
	tcase_add_test(tc, endless_writer_is_bounded);
	tcase_add_test(tc, a_daemon_left_behind_holds_nothing_up);
	tcase_add_test(tc, ignored_sigchld_does_not_matter);
	tcase_add_test(tc, closed_standard_fds);
}

UNIT_MAIN("run")
