/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives every file named on the command line, or in a directory named there, to a fuzz driver:
 * `make check` replays the corpus with it, without a fuzzer's runtime.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

#include "../../src/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned files;
static const char *last; /* the input at work, for whoever is killed by it */

static void tell(int sig)
{
	if (last) {
		(void)!write(STDERR_FILENO, last, strlen(last));
		(void)!write(STDERR_FILENO, "\n", 1);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

static int replay(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	size_t n;

	if (!f || fstat(fileno(f), &st) < 0 || !(data = malloc((size_t)st.st_size + 1))) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	n = fread(data, 1, (size_t)st.st_size, f);
	last = path;
	LLVMFuzzerTestOneInput(data, n);
	last = NULL;
	files++;
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	signal(SIGABRT, tell);
	signal(SIGSEGV, tell);

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *d;

		if (!dir) {
			failed |= replay(argv[i]);
			continue;
		}
		while ((d = readdir(dir))) {
			_cleanup_free_ char *path = NULL;

			if (d->d_name[0] == '.')
				continue;
			if (asprintf(&path, "%s/%s", argv[i], d->d_name) < 0)
				return EXIT_FAILURE;
			failed |= replay(path);
		}
		closedir(dir);
	}
	printf("%u files replayed\n", files);
	return failed || !files ? EXIT_FAILURE : EXIT_SUCCESS;
}
