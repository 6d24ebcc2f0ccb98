/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loses power after each thing that a command does to a disk, on a model of the disk, and looks at
 * what recovery makes of it.
 *
 *   replay [OPTION...] NAME TREE SCRATCH PROGRAM COMMAND...
 *   replay -m TREE           prints all that a tree is, but for times and the program's history
 *
 * NAME is for messages; COMMAND (apply, rollback, recover and arguments) runs on a copy of TREE
 * below SCRATCH, which is what "@" in it becomes. Options:
 *
 *   -b TREE   what counts as before, if that is not TREE
 *   -r N      random outcomes of each prefix, beside the three that are not (2)
 *   -e N      every Nth prefix only, from a random start (1)
 *   -s N      seed (1)
 *   -p N      this prefix alone; its trees are kept when they are wrong
 *
 * Prints "ok NAME: ..." or lines that begin with FAIL, and as its last line for a script "P M B A
 * F": prefixes, outcomes, how many ended as before, as after, failed.
 */
#include "record.h"

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <sys/wait.h>

static const char *const loss_names[] = { "all that is not synced is lost", "data are lost",
					  "nothing is lost", "some is lost" };

struct replay {
	const char *name, *program, *before_tree;
	char tree[512], out[512]; /* the copy; what the program printed */
	char **command;
	char *before, *after;
	struct disk disk;
	unsigned seed, randoms, every;
	long only;
	unsigned long prefixes, outcomes, n_before, n_after, failed;
	char what[128]; /* the outcome at hand */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void tree_remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		die("cannot remove %s: %m", path);
}

static void bad(struct replay *r, const char *what)
{
	char line[512];
	FILE *f = fopen(r->out, "re");

	r->failed++;
	printf("FAIL %s: power lost %s: %s\n", r->name, r->what, what);
	while (f && fgets(line, sizeof(line), f))
		printf("     %s", line);
	if (f)
		fclose(f);
}

extern char **environ;

/* PROGRAM ARGV[0..] with "@" replaced; what it prints goes to r->out. */
static int run(struct replay *r, const char *const *argv)
{
	posix_spawn_file_actions_t files;
	char *list[32] = { (char *)(uintptr_t)r->program };
	int status, error;
	pid_t pid;

	for (size_t i = 0; argv[i] && i + 2 < ARRAY_SIZE(list); i++)
		list[i + 1] = streq(argv[i], "@") ? r->tree : (char *)(uintptr_t)argv[i];
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, r->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	error = posix_spawn(&pid, r->program, &files, NULL, list, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error || waitpid(pid, &status, 0) < 0)
		die("cannot run %s: %s", r->program, strerror(error));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define RUN(r, ...) run(r, (const char *const[]){ __VA_ARGS__, NULL })

/* The first line in which two manifests differ. */
static void show_difference(const char *wanted, const char *found)
{
	size_t at = 0;

	while (found[at] && found[at] == wanted[at])
		at++;
	while (at > 0 && found[at - 1] != '\n')
		at--;
	printf("     expected: %.*s\n     found:    %.*s\n", (int)strcspn(wanted + at, "\n"),
	       wanted + at, (int)strcspn(found + at, "\n"), found + at);
}

static void differs(struct replay *r, const char *what, const char *wanted)
{
	char *now = tree_manifest(r->tree, false);

	bad(r, what);
	show_difference(wanted, now);
	free(now);
}

static bool is(const struct replay *r, const char *wanted)
{
	char *now = tree_manifest(r->tree, false);
	bool same = streq(now, wanted);

	free(now);
	return same;
}

static bool leftovers(struct replay *r)
{
	static const char *const names[] = { "new", "old", "pending" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[600], what[64];

		snprintf(path, sizeof(path), "%s/var/lib/bulkhead/%s", r->tree, names[i]);
		snprintf(what, sizeof(what), "/var/lib/bulkhead/%s was left", names[i]);
		if (access(path, F_OK) == 0) {
			bad(r, what);
			return true;
		}
	}
	return false;
}

/* What has to hold of the tree that a power loss left. */
static void judge(struct replay *r, bool done)
{
	bool before, after, apply = streq(r->command[0], "apply");

	if (done && !is(r, r->after)) {
		differs(r, "what was reported as done is not there", r->after);
		return;
	}
	if (RUN(r, "recover", "--root", r->tree) != 0) {
		bad(r, "recover failed");
		return;
	}
	before = is(r, r->before);
	after = is(r, r->after);
	if (!before && !after) {
		differs(r, "recovered, it is neither before nor after", r->before);
		return;
	}
	if (done && !after) {
		differs(r, "recovery takes back what was reported as done", r->after);
		return;
	}
	if (leftovers(r))
		return;
	if (RUN(r, "history", "--root", r->tree) != 0) {
		bad(r, "the history can't be read");
		return;
	}
	/* And things go on as if nothing had been. */
	if ((apply || (!after && streq(r->command[0], "rollback"))) &&
	    run(r, (const char *const *)r->command) != 0) {
		bad(r, "the same command failed afterwards");
		return;
	}
	if (apply || !after) {
		if (!is(r, r->after)) {
			differs(r, "the same command did not make it so afterwards", r->after);
			return;
		}
	}
	if (apply && (RUN(r, "rollback", "--root", r->tree) != 0 || !is(r, r->before))) {
		bad(r, "a rollback afterwards did not give back what was before");
		return;
	}
	after ? r->n_after++ : r->n_before++;
}

static void keep(const struct replay *r)
{
	char to[600];

	snprintf(to, sizeof(to), "%s.kept-%lu", r->tree, r->outcomes);
	if (rename(r->tree, to) == 0)
		printf("     kept: %s\n", to);
}

static void lose_power(struct replay *r, size_t n)
{
	unsigned count = LOSS_RANDOM + r->randoms;

	r->prefixes++;
	for (unsigned i = 0; i < count; i++) {
		enum loss loss = i < LOSS_RANDOM ? (enum loss)i : LOSS_RANDOM;
		unsigned seed = r->seed * 2654435761U + (unsigned)n * 97 + i;
		unsigned long failed = r->failed;

		snprintf(r->what, sizeof(r->what), "after operation %zu of %zu, %s (outcome %u)", n,
			 r->disk.n_ops, loss_names[loss], i);
		tree_remove(r->tree);
		disk_build(&r->disk, n, loss, &seed, r->tree);
		r->outcomes++;
		judge(r, n == r->disk.n_ops);
		if (r->only >= 0 && r->failed > failed) {
			keep(r);
			seed = r->seed * 2654435761U + (unsigned)n * 97 + i;
			disk_build(&r->disk, n, loss, &seed, r->tree);
			keep(r);
		}
	}
}

/* Runs the command once, recorded, and makes sure that the record is the whole truth. */
static void record_command(struct replay *r, const char *tree)
{
	char *list[32] = { (char *)(uintptr_t)r->program }, *real, *model;
	struct disk from;
	int code, out, null;

	tree_remove(r->tree);
	disk_scan(&from, tree);
	disk_build(&from, 0, LOSS_NOTHING, NULL, r->tree);
	disk_done(&from);
	disk_scan(&r->disk, r->tree);
	for (size_t i = 0; r->command[i] && i + 2 < ARRAY_SIZE(list); i++)
		list[i + 1] = streq(r->command[i], "@") ? r->tree : r->command[i];
	fflush(stdout);
	out = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDOUT_FILENO);
	code = record(&r->disk, list);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(null);
	if (code != 0)
		die("%s: the command does not even work: it ended with %d", r->name, code);
	r->before = tree_manifest(r->before_tree ? r->before_tree : tree, false);
	r->after = tree_manifest(r->tree, false);

	real = tree_manifest(r->tree, true);
	tree_remove(r->tree);
	disk_build(&r->disk, r->disk.n_ops, LOSS_NOTHING, NULL, r->tree);
	model = tree_manifest(r->tree, true);
	if (!streq(real, model)) {
		show_difference(real, model);
		die("%s: something was done to the tree that the record doesn't have", r->name);
	}
	free(real);
	free(model);
}

static int usage(void)
{
	fputs("usage: replay [-b TREE] [-r N] [-e N] [-s N] [-p N] NAME TREE SCRATCH PROGRAM "
	      "COMMAND... | -m TREE\n",
	      stderr);
	return 125;
}

int main(int argc, char **argv)
{
	struct replay r = { .seed = 1, .randoms = 2, .every = 1, .only = -1 };
	unsigned seed;
	int c;

	while ((c = getopt(argc, argv, "+b:r:e:s:p:m:")) != -1) {
		unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (c) {
		case 'b':
			r.before_tree = optarg;
			break;
		case 'r':
			r.randoms = number;
			break;
		case 'e':
			r.every = number ? number : 1;
			break;
		case 's':
			r.seed = number;
			break;
		case 'm':
			r.before = tree_manifest(optarg, false);
			fputs(r.before, stdout);
			free(r.before);
			return 0;
		case 'p':
			r.only = (long)number;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind < 5)
		return usage();
	argv += optind;
	r.name = argv[0];
	r.program = argv[3];
	r.command = argv + 4;
	snprintf(r.tree, sizeof(r.tree), "%s/tree", argv[2]);
	snprintf(r.out, sizeof(r.out), "%s/out", argv[2]);
	umask(022);
	record_command(&r, argv[1]);
	seed = r.seed;
	for (size_t n = (size_t)rand_r(&seed) % r.every; n <= r.disk.n_ops; n += r.every)
		if (r.only < 0 || (size_t)r.only == n)
			lose_power(&r, n);
	/* What was reported as done is looked at in every run. */
	if (r.every > 1 && r.only < 0)
		lose_power(&r, r.disk.n_ops);
	if (!r.failed)
		printf("ok %s: %lu of %zu prefixes, %lu outcomes: before %lu, after %lu\n", r.name,
		       r.prefixes, r.disk.n_ops + 1, r.outcomes, r.n_before, r.n_after);
	printf("%lu %lu %lu %lu %lu\n", r.prefixes, r.outcomes, r.n_before, r.n_after, r.failed);
	tree_remove(r.tree);
	unlink(r.out);
	disk_done(&r.disk);
	free(r.before);
	free(r.after);
	return r.failed != 0;
}
