/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "buf.h"
#include "clock.h"
#include "confine.h"

#define OUTPUT_MAX 65536
#define ENV_MAX	   1024

static const char *const env_default[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
};

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && (b[n] == '=' || !b[n]);
}

/* A name stands once: programs differ in whether the first or the last one counts. */
static char **env_build(char *const *env)
{
	size_t n = 0, k = 0;
	char **v;

	while (env && env[n] && n < ENV_MAX)
		n++;
	v = calloc(n + ARRAY_SIZE(env_default) + 1, sizeof(*v));
	if (!v)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(env_default); i++) {
		bool given = false;

		for (size_t j = 0; j < n && !given; j++)
			given = same_name(env_default[i], env[j]);
		if (!given && !(v[k++] = strdup(env_default[i])))
			goto oom;
	}
	for (size_t j = 0; j < n; j++)
		if (!(v[k++] = strdup(env[j])))
			goto oom;
	return v;
oom:
	strv_free(v);
	return NULL;
}

/* Between fork and exec: only what signal-safety(7) allows. */
static _Noreturn void child(char *const *argv, char *const *envp, pid_t parent, int out, int fail)
{
	sigset_t none;
	int null, num;

	/* A session of its own: no terminal to ask at, and one group to kill. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);

	/* Ours may have been closed, then a pipe took their numbers. */
	out = fcntl(out, F_DUPFD_CLOEXEC, 3);
	fail = fcntl(fail, F_DUPFD_CLOEXEC, 3);
	null = open("/dev/null", O_RDWR);
	if (out < 0 || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    chdir("/") < 0)
		goto failed;
	confine_fds(true);
	execve(argv[0], argv, envp);
failed:
	num = errno;
	while (write(fail, &num, sizeof(num)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* Reads what is there; the rest past OUTPUT_MAX is taken and dropped, so that nobody blocks on a
 * full pipe. False at the end. */
static bool drain(int fd, struct buf *out)
{
	char chunk[4096];
	ssize_t n;

	/* A writer that never pauses must not keep us from looking at the clock. */
	for (int turns = 0; turns < 64; turns++) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		if (out->len < OUTPUT_MAX) {
			size_t room = OUTPUT_MAX - out->len;

			buf_add(out, chunk, (size_t)n < room ? (size_t)n : room);
		}
	}
	return true;
}

/* Follows a child to its end and leaves it a zombie: its group can't be another's then. A
 * descendant that keeps the output open does not hold us up. */
static int follow(pid_t pid, int fd, int seconds, struct buf *out)
{
	int64_t end = clock_ms() + (int64_t)seconds * 1000;
	bool open = true;
	int nap = 1;

	for (;;) {
		struct pollfd pfd = { .fd = open ? fd : -1, .events = POLLIN };
		int64_t left = end - clock_ms();
		siginfo_t si = { 0 };

		if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 &&
		    errno != EINTR)
			return -errno;
		if (open)
			open = drain(fd, out);
		if (si.si_pid == pid)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		/* The end of a child that keeps its output open shows only here, so look often. */
		if (poll(&pfd, 1, left < nap ? (int)left : nap) > 0)
			nap = 1;
		else if (nap < 32)
			nap *= 2;
	}
}

static int run_child(char *const *argv, char *const *envp, int seconds, int *status,
		     struct buf *out, struct err *e)
{
	_cleanup_close_ int out_r = -1, out_w = -1, fail_r = -1, fail_w = -1;
	pid_t pid, parent = getpid();
	int p[2], num = 0, r;
	ssize_t n;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "run '%s': make a pipe", argv[0]);
	out_r = p[0];
	out_w = p[1];
	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, errno, "run '%s': make a pipe", argv[0]);
	fail_r = p[0];
	fail_w = p[1];
	if (fcntl(out_r, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(e, errno, "run '%s': set up a pipe", argv[0]);

	pid = fork();
	if (pid < 0)
		return err_sys(e, errno, "run '%s': fork", argv[0]);
	if (pid == 0)
		child(argv, envp, parent, out_w, fail_w);
	close(TAKE_FD(out_w));
	close(TAKE_FD(fail_w));

	do
		n = read(fail_r, &num, sizeof(num));
	while (n < 0 && errno == EINTR);
	r = n == sizeof(num) ? -num : follow(pid, out_r, seconds, out);
	kill(-pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	if (r == -ETIMEDOUT)
		return err_set(e, r, "'%s' did not end within %d s and was killed", argv[0],
			       seconds);
	if (r < 0)
		return err_sys(e, r, "run '%s'", argv[0]);
	return 0;
}

int run_program(char *const *argv, char *const *env, int seconds, int *ret_status,
		char **ret_output, struct err *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_strv_ char **envp = NULL;
	struct sigaction dfl = { .sa_handler = SIG_DFL }, was;
	int status = 0, r;
	char *output;

	if (!argv[0] || argv[0][0] != '/')
		return err_set(e, EINVAL, "run '%s': not an absolute path", argv[0] ? argv[0] : "");
	envp = env_build(env);
	if (!envp)
		return err_oom(e);
	/* An ignored SIGCHLD, which a parent may have left us, would take the status away: wait(2).
	 */
	sigaction(SIGCHLD, &dfl, &was);
	r = run_child(argv, envp, seconds, &status, &out, e);
	sigaction(SIGCHLD, &was, NULL);
	if (r < 0)
		return r;
	output = buf_take(&out, NULL);
	if (!output)
		return err_oom(e);
	*ret_status = status;
	*ret_output = output;
	return 0;
}
