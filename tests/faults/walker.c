/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command of bulkhead on copies of a tree, each time with one thing going wrong, and then
 * on the tree itself.
 *
 *   walker LOG SEED WALK=STEP... -- BULKHEAD COMMAND... --root DIR ...
 *
 * One in STEP points is tried, drawn by SEED. The walks:
 *
 *   kill    SIGKILL before a call that changes the disk
 *   disk    a call that changes the disk fails; the errors take turns
 *   fail    any call fails; the errors take turns
 *   fails   a call fails with each error
 *   stuck   a call that changes the disk fails, and so do all after it: the disk is full, gone
 *   short   a call writes half
 *   nomem   an allocation fails that is reached by a way not tried before (NOMEM_SEEN, a file)
 *   nomems  an allocation fails
 *
 * Then `recover`, or the same command once more, has to bring the copy to exactly the tree before
 * or exactly the tree after, and the history with it. LOG gets a line of counts for each walk, and
 * one for each point that failed. What is no apply, rollback or recover, changes nothing or doesn't
 * work is only run on the tree itself: so this can stand in front of every command of the cases.
 * What LOG calls it, which also draws the sample, is the folder's name and the command, or
 * WALK_NAME.
 */
#include "fault.h"
#include "nomem.h"
#include "tree.h"

#include <error.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <jansson.h>

#define STATE	  "var/lib/bulkhead"
#define TRIED_MAX 262144

static const int errors[] = { ENOSPC, EIO, EROFS, EDQUOT, EMFILE, ENOMEM, EPERM, EINTR };
static const char *const error_names[] = { "ENOSPC", "EIO",    "EROFS", "EDQUOT",
					   "EMFILE", "ENOMEM", "EPERM", "EINTR" };

struct counts {
	unsigned points, failed;
	unsigned before, after; /* where a kill left the tree once recovered */
	unsigned next;		/* made so by the next apply */
	unsigned told;		/* exit 1 or 64, and as before */
	unsigned mended;	/* exit 3, and mended by recover */
	unsigned none;		/* exit 0, and as after */
};

struct walker {
	FILE *log;
	uint64_t seed;
	char name[512]; /* what this is a walk of */
	char **argv;	/* the command, on the copy */
	char *copy;
	bool recover;	   /* the command is: what it begins with is in between */
	const char *nomem; /* the library to preload */
	int out;	   /* what the command says */
	struct tree before, after;
	struct outcome plain;	/* of the command, undisturbed: all its calls */
	struct outcome durable; /* and those that change the disk */
	struct counts c;
};

static void bad(struct walker *w, const char *fmt, ...) PRINTF(2, 3);

static void bad(struct walker *w, const char *fmt, ...)
{
	va_list ap;

	w->c.failed++;
	fprintf(w->log, "FAIL %s: ", w->name);
	va_start(ap, fmt);
	vfprintf(w->log, fmt, ap);
	va_end(ap);
	fputc('\n', w->log);
	fflush(w->log);
}

/* --- where a tree stands --- */

/* Left behind by any run, or by shadow's locking. */
static bool skip(const char *path)
{
	return streq(path, "etc/.pwd.lock") || streq(path, STATE) || streq(path, STATE "/lock") ||
	       streq(path, STATE "/history") || streq(path, "var") || streq(path, "var/lib");
}

static bool skip_state(const char *path)
{
	return skip(path) || has_prefix(path, STATE "/");
}

/* What differs from run to run in a journal. */
static void mask(json_t *o)
{
	static const char *const keys[] = { "time_us", "pid", "temporary", "sha256" };
	const char *key;
	json_t *x;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_del(o, keys[i]);
	if (json_is_array(o))
		json_array_foreach (o, i, x)
			mask(x);
	else
		json_object_foreach (o, key, x)
			mask(x);
}

static bool alike(const struct tree_entry *a, const struct tree_entry *b)
{
	json_t *x, *y;
	bool same;

	if (!has_suffix(a->path, "/journal.json"))
		return false;
	x = json_loadb(a->data, a->len, 0, NULL);
	y = json_loadb(b->data, b->len, 0, NULL);
	mask(x);
	mask(y);
	same = x && y && json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

enum where {
	BEFORE,
	AFTER,
	NEITHER,
};

static enum where tree_where(struct walker *w, char *ret_path, size_t size)
{
	const char *from_before, *from_after;
	enum where where;
	struct tree now;

	tree_read(w->copy, &now);
	from_before = tree_differs(&now, &w->before, skip, alike);
	from_after = tree_differs(&now, &w->after, skip, alike);
	where = !from_before ? BEFORE : !from_after ? AFTER : NEITHER;
	if (where == NEITHER)
		snprintf(ret_path, size, "%s is not as before, %s is not as after", from_before,
			 from_after);
	tree_done(&now);
	return where;
}

/* The host is as before, whatever stands in our own directory. */
static bool host_as_before(struct walker *w)
{
	struct tree now;
	bool same;

	tree_read(w->copy, &now);
	same = !tree_differs(&now, &w->before, skip_state, alike);
	tree_done(&now);
	return same;
}

/* --- running --- */

static void out_clear(struct walker *w)
{
	if (ftruncate(w->out, 0) < 0 || lseek(w->out, 0, SEEK_SET) < 0)
		error(TRACER_TROUBLE, errno, "output");
}

static const char *out_text(struct walker *w)
{
	static char text[8192];
	ssize_t n = pread(w->out, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Without any fault. Its exit code. */
static int run(struct walker *w, char *const *argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(w->out, STDOUT_FILENO);
		dup2(w->out, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(TRACER_TROUBLE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		error(TRACER_TROUBLE, errno, "run");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void run_fault(struct walker *w, const struct fault *f, struct outcome *ret)
{
	tree_write(w->copy, &w->before);
	out_clear(w);
	fault_run(w->argv, w->out, f, ret);
	free(ret->calls);
	ret->calls = NULL;
}

/* After `recover` it is before, or after. */
static bool recovered(struct walker *w, const char *what, enum where *ret)
{
	char *recover[] = { w->argv[0], (char[]){ "recover" }, (char[]){ "--root" }, w->copy,
			    NULL };
	char path[2 * PATH_MAX + 64];
	int code;

	out_clear(w);
	code = run(w, recover);
	if (code != 0) {
		bad(w, "%s: recover ended with %d: %s", what, code, out_text(w));
		return false;
	}
	*ret = tree_where(w, path, sizeof(path));
	if (*ret == NEITHER)
		bad(w, "%s: once recovered, %s", what, path);
	else if (*ret == BEFORE && w->recover)
		bad(w, "%s: recover did nothing", what);
	else
		return true;
	return false;
}

/* --- which points --- */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u; /* splitmix64 */
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t draw(const struct walker *w, uint64_t walk, uint64_t point)
{
	uint64_t hash = w->seed;

	for (const char *p = w->name; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	return mix(mix(hash) ^ walk << 32 ^ point);
}

static bool chosen(const struct walker *w, uint64_t walk, uint64_t point, unsigned step)
{
	return draw(w, walk, point) % step == 0;
}

/* --- killed --- */

static void kill_at(struct walker *w, unsigned long n, bool next)
{
	struct fault f = { .kind = FAULT_KILL, .durable = true, .n = n };
	char what[PATH_MAX + 256], path[2 * PATH_MAX + 64];
	struct outcome o;
	enum where where;

	w->c.points++;
	run_fault(w, &f, &o);
	snprintf(what, sizeof(what), "killed before durable call %lu of %zu, %s", n, w->durable.n,
		 o.at);
	if (o.code != 128 + SIGKILL || o.late) {
		bad(w, "%s: it ended with %d instead", what, o.code);
	} else if (!next) {
		if (recovered(w, what, &where))
			*(where == BEFORE ? &w->c.before : &w->c.after) += 1;
	} else {
		int code = run(w, w->argv);

		if (code != 0)
			bad(w, "%s: the next apply ended with %d: %s", what, code, out_text(w));
		else if (tree_where(w, path, sizeof(path)) != AFTER)
			bad(w, "%s: the next apply did not make it so: %s", what, path);
		else
			w->c.next++;
	}
}

static void walk_kill(struct walker *w, unsigned step)
{
	bool apply = streq(w->argv[1], "apply"), next = false;

	for (size_t i = 0; i < w->durable.n; i++)
		if (chosen(w, 1, i, step)) {
			kill_at(w, i + 1, apply && next);
			next = !next;
		}
}

/* --- failed --- */

/* What an allocation that fails is called: by no errno of a system call. */
#define NO_MEMORY (-1)

/* One line has both. */
static bool line_tells(const char *text, const char *cause)
{
	for (const char *p = strstr(text, cause); p; p = strstr(p + 1, cause)) {
		const char *begin = p;

		while (begin > text && begin[-1] != '\n')
			begin--;
		if (strcspn(begin, "/'") < strcspn(begin, "\n"))
			return true;
	}
	return false;
}

/* The folder of the file that the failing call was for; names in it may be ours alone. */
static bool folder_told(struct walker *w, const struct outcome *o)
{
	const char *path = strchr(o->at, '('), *end = strrchr(o->at, '/');
	char folder[PATH_MAX];

	if (!path)
		return true;
	path++;
	if (!strncmp(path, w->copy, strlen(w->copy)))
		path += strlen(w->copy);
	else if (*path == '/')
		return true;
	if (!end || end <= path)
		return true;
	snprintf(folder, sizeof(folder), "%.*s", (int)(end - path), path);
	return strstr(out_text(w), folder);
}

/* File and cause. Memory that ran out has no file. Where one call failed, it has to be its file;
 * where all did from then on, it may be the first that could not be done without. */
static bool message_tells(struct walker *w, const struct outcome *o, int num, bool folder)
{
	const char *text = out_text(w);

	if ((num == NO_MEMORY || num == ENOMEM) && strstr(text, "out of memory"))
		return true;
	if (num == NO_MEMORY)
		return strstr(text, strerror(ENOMEM));
	/* ld.so names the library, and keeps to itself why mmap(2) failed. */
	if (strstr(text, "cannot map zero-fill pages") || strstr(text, "failed to map segment"))
		return true;
	return line_tells(text, strerror(num)) && (!folder || folder_told(w, o));
}

/* Bad usage, or a bad plan: the plan may not be read, the copy has nothing to do with it. */
static bool plan_blamed(const struct walker *w, const struct outcome *o, int num)
{
	return (num == ENOENT || num == EACCES || num == EPERM) && !strstr(o->at, w->copy);
}

/* What has to hold after any error. */
static void judge(struct walker *w, const char *what, const struct outcome *o, int num, bool folder)
{
	char path[2 * PATH_MAX + 64];
	enum where where;

	switch (o->code) {
	case 0:
		if (tree_where(w, path, sizeof(path)) == AFTER)
			w->c.none++;
		else
			bad(w, "%s: it ended with 0, but %s", what, path);
		return;
	case 64:
		if (!plan_blamed(w, o, num)) {
			bad(w, "%s: it ended with 64, as if the plan were bad: %s", what,
			    out_text(w));
			return;
		}
		/* fall through */
	case 1:
		if (!message_tells(w, o, num, folder)) {
			bad(w, "%s: the message names not both file and cause: %s", what,
			    out_text(w));
			return;
		}
		if (w->recover) {
			if (recovered(w, what, &where))
				w->c.mended++;
			return;
		}
		if (!host_as_before(w)) {
			bad(w, "%s: it ended with %d, but not as before: %s", what, o->code,
			    out_text(w));
			return;
		}
		if (tree_where(w, path, sizeof(path)) == BEFORE ||
		    (recovered(w, what, &where) && where == BEFORE))
			w->c.told++;
		return;
	case 3:
		if (!message_tells(w, o, num, folder))
			bad(w, "%s: the message names not both file and cause: %s", what,
			    out_text(w));
		else if (recovered(w, what, &where))
			w->c.mended++;
		return;
	default:
		bad(w, "%s: it ended with %d%s: %s", what, o->code, o->late ? ", hanging" : "",
		    out_text(w));
	}
}

static void fail_at(struct walker *w, unsigned long n, enum fault_kind kind, bool durable,
		    size_t error)
{
	struct fault f = { .kind = kind, .durable = durable, .n = n, .num = errors[error] };
	char what[PATH_MAX + 256];
	struct outcome o;

	w->c.points++;
	run_fault(w, &f, &o);
	snprintf(what, sizeof(what), "%scall %lu of %zu, %s, failed with %s%s",
		 f.durable ? "durable " : "", n, f.durable ? w->durable.n : w->plain.n, o.at,
		 error_names[error], kind == FAULT_STUCK ? ", as all after it" : "");
	judge(w, what, &o, f.num, kind != FAULT_STUCK);
}

static void walk_disk(struct walker *w, unsigned step)
{
	for (size_t i = 0; i < w->durable.n; i++)
		if (chosen(w, 24, i, step))
			fail_at(w, i + 1, FAULT_FAIL, true, draw(w, 25, i) % ARRAY_SIZE(errors));
}

static void walk_fail(struct walker *w, unsigned step)
{
	for (size_t i = 0; i < w->plain.n; i++)
		if (chosen(w, 2, i, step))
			fail_at(w, i + 1, FAULT_FAIL, false, draw(w, 3, i) % ARRAY_SIZE(errors));
}

static void walk_fails(struct walker *w, unsigned step)
{
	for (size_t k = 0; k < ARRAY_SIZE(errors); k++)
		for (size_t i = 0; i < w->plain.n; i++)
			if (chosen(w, 4 + k, i, step))
				fail_at(w, i + 1, FAULT_FAIL, false, k);
}

static void walk_stuck(struct walker *w, unsigned step)
{
	for (size_t i = 0; i < w->durable.n; i++)
		if (chosen(w, 20, i, step))
			fail_at(w, i + 1, FAULT_STUCK, true, draw(w, 21, i) % 4);
}

static void walk_short(struct walker *w, unsigned step)
{
	for (size_t i = 0; i < w->durable.n; i++) {
		const char *name = w->durable.calls[i].name;
		struct fault f = { .kind = FAULT_SHORT, .durable = true, .n = i + 1 };
		char what[PATH_MAX + 256], path[2 * PATH_MAX + 64] = "";
		struct outcome o;

		if ((!streq(name, "write") && !streq(name, "pwrite64")) || !chosen(w, 22, i, step))
			continue;
		w->c.points++;
		run_fault(w, &f, &o);
		snprintf(what, sizeof(what), "durable call %zu of %zu, %s, wrote half", i + 1,
			 w->durable.n, o.at);
		if (o.code == 0 && tree_where(w, path, sizeof(path)) == AFTER)
			w->c.none++;
		else
			judge(w, what, &o, EIO, true);
	}
}

/* --- out of memory --- */

static struct nomem *nomem_open(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct nomem *m = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(*m)) == 0)
		m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		error(TRACER_TROUBLE, errno, "%s", path);
	return m;
}

static int run_nomem(struct walker *w)
{
	int code;

	tree_write(w->copy, &w->before);
	out_clear(w);
	setenv("LD_PRELOAD", w->nomem, 1);
	code = run(w, w->argv);
	unsetenv("LD_PRELOAD");
	return code;
}

/* Stacks that were tried, of all walks that share a file. */
struct tried {
	FILE *file;
	uint64_t *list;
	size_t n;
};

static void tried_open(struct tried *t)
{
	const char *path = getenv("NOMEM_SEEN");
	uint64_t stack;

	*t = (struct tried){ .file = path ? fopen(path, "a+e") : tmpfile(),
			     .list = calloc(TRIED_MAX, sizeof(*t->list)) };
	if (!t->file || !t->list)
		error(TRACER_TROUBLE, errno, "%s", path ? path : "stacks");
	while (t->n < TRIED_MAX && fread(&stack, sizeof(stack), 1, t->file) == 1)
		t->list[t->n++] = stack;
}

static void tried_close(struct tried *t)
{
	free(t->list);
	fclose(t->file);
}

/* Each is new once. */
static bool tried_new(struct tried *t, uint64_t stack)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->list[i] == stack)
			return false;
	if (t->n == TRIED_MAX)
		error(TRACER_TROUBLE, 0, "more than %d stacks", TRIED_MAX);
	t->list[t->n++] = stack;
	fwrite(&stack, sizeof(stack), 1, t->file);
	return true;
}

static void walk_nomem(struct walker *w, unsigned step, bool each)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ uint64_t *stacks = NULL;
	struct tried tried;
	struct outcome o = { 0 };
	struct nomem *m;
	uint64_t n;

	if (asprintf(&path, "%s.nomem", w->copy) < 0)
		error(TRACER_TROUBLE, errno, "memory");
	tried_open(&tried);
	m = nomem_open(path);
	setenv("NOMEM_FILE", path, 1);
	m->trace = !each;
	if (run_nomem(w) != 0 || !m->n || m->n > NOMEM_MAX)
		error(TRACER_TROUBLE, 0, "%s counts no allocations", w->nomem);
	n = m->n;
	m->trace = 0;
	stacks = malloc(n * sizeof(*stacks));
	if (!stacks)
		error(TRACER_TROUBLE, errno, "memory");
	memcpy(stacks, m->stack, n * sizeof(*stacks));
	for (uint64_t i = 0; i < n; i++) {
		char what[128];

		if (!chosen(w, 23, i, step) || (!each && !tried_new(&tried, stacks[i])))
			continue;
		w->c.points++;
		m->n = 0;
		m->fail = i + 1;
		o.code = run_nomem(w);
		snprintf(what, sizeof(what), "allocation %llu of %llu failed",
			 (unsigned long long)i + 1, (unsigned long long)n);
		m->fail = 0;
		judge(w, what, &o, NO_MEMORY, false);
	}
	tried_close(&tried);
	munmap(m, sizeof(*m));
	unlink(path);
}

static void walk_nomem_new(struct walker *w, unsigned step)
{
	walk_nomem(w, step, false);
}

static void walk_nomem_each(struct walker *w, unsigned step)
{
	walk_nomem(w, step, true);
}

/* --- all of it --- */

static const struct {
	const char *name, *kind;
	void (*walk)(struct walker *w, unsigned step);
} walks[] = {
	{ "kill", "killed", walk_kill },       { "disk", "failed", walk_disk },
	{ "fail", "failed", walk_fail },       { "fails", "failed", walk_fails },
	{ "stuck", "stuck", walk_stuck },      { "short", "short", walk_short },
	{ "nomem", "memory", walk_nomem_new }, { "nomems", "memory", walk_nomem_each },
};

static void walk(struct walker *w, const char *arg)
{
	const char *equals = strchr(arg, '=');
	unsigned step = equals ? (unsigned)strtoul(equals + 1, NULL, 10) : 0;
	const struct counts *c = &w->c;

	w->c = (struct counts){ 0 };
	for (size_t i = 0; step && i < ARRAY_SIZE(walks); i++)
		if (strlen(walks[i].name) == (size_t)(equals - arg) &&
		    has_prefix(arg, walks[i].name)) {
			walks[i].walk(w, step);
			fprintf(w->log, "%s %u %u %u %u %u %u %u %u\n", walks[i].kind, c->points,
				c->failed, c->before, c->after, c->next, c->told, c->mended,
				c->none);
			fflush(w->log);
			return;
		}
	error(TRACER_TROUBLE, 0, "there is no walk '%s'", arg);
}

/* The command on the copy; the undisturbed run tells its calls, and the tree after. */
static bool prepare(struct walker *w, char **command, size_t root, const char *dir)
{
	static const struct fault none = { 0 }, durable = { .durable = true };
	size_t n = 0;

	while (command[n])
		n++;
	w->argv = calloc(n + 1, sizeof(*w->argv));
	if (!w->argv || asprintf(&w->copy, "%s-walk", dir) < 0)
		error(TRACER_TROUBLE, errno, "memory");
	memcpy(w->argv, command, n * sizeof(*command));
	w->argv[root] = w->copy;
	w->out = memfd_create("out", MFD_CLOEXEC);
	tree_read(dir, &w->before);
	tree_write(w->copy, &w->before);
	fault_run(w->argv, w->out, &none, &w->plain);
	tree_read(w->copy, &w->after);
	tree_write(w->copy, &w->before);
	fault_run(w->argv, w->out, &durable, &w->durable);
	return w->durable.code == 0 && tree_differs(&w->before, &w->after, skip, alike);
}

/* "daemon-fresh: apply plan.yaml": the folder it runs in, and its arguments but the root. */
static void name_walk(struct walker *w, char **command, size_t root)
{
	const char *given = getenv("WALK_NAME");
	char *here = get_current_dir_name();
	size_t len = (size_t)snprintf(w->name, sizeof(w->name), "%s%s",
				      given  ? given
				      : here ? strrchr(here, '/') + 1
					     : "",
				      given ? "" : ":");

	for (size_t i = 1; command[i] && !given; i++)
		if (i != root && i != root - 1 && len < sizeof(w->name))
			len += (size_t)snprintf(w->name + len, sizeof(w->name) - len, " %s",
						command[i]);
	free(here);
}

int main(int argc, char **argv)
{
	struct walker w = { .nomem = getenv("NOMEM") };
	size_t root = 0;
	int at = 3;
	char **command;

	while (at < argc && !streq(argv[at], "--"))
		at++;
	if (at + 2 >= argc)
		error(TRACER_TROUBLE, 0,
		      "usage: walker LOG SEED WALK=STEP... -- BULKHEAD COMMAND...");
	command = argv + at + 1;
	for (size_t i = 2; command[i] && !root; i++)
		if (streq(command[i - 1], "--root"))
			root = i;
	w.recover = streq(command[1], "recover");
	if (root && (w.recover || streq(command[1], "apply") || streq(command[1], "rollback"))) {
		w.log = fopen(argv[1], "ae");
		w.seed = strtoull(argv[2], NULL, 10);
		if (!w.log)
			error(TRACER_TROUBLE, errno, "%s", argv[1]);
		name_walk(&w, command, root);
		/* Freed memory is filled, so that its use shows. */
		setenv("MALLOC_PERTURB_", "165", 1);
		if (prepare(&w, command, root, command[root]))
			for (int i = 3; i < at; i++)
				walk(&w, argv[i]);
		unsetenv("MALLOC_PERTURB_");
		tree_remove(w.copy);
	}
	execv(command[0], command);
	error(TRACER_TROUBLE, errno, "%s", command[0]);
}
