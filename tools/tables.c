/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: tables TEMPLATE     prints it, tables filled in
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tables.h"

static bool fill(const char *name, size_t len)
{
	const struct writer *const all[] = { manual_writers, completion_writers };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (const struct writer *w = all[i]; w->name; w++)
			if (strlen(w->name) == len && memcmp(w->name, name, len) == 0) {
				w->write();
				return true;
			}
	return false;
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;

	if (!f) {
		fprintf(stderr, "usage: tables TEMPLATE\n");
		return 64;
	}
	while ((n = getline(&line, &size, f)) > 0) {
		if (n < 4 || line[0] != '@' || line[n - 2] != '@') {
			fwrite(line, 1, (size_t)n, stdout);
		} else if (!fill(line + 1, (size_t)n - 3)) {
			fprintf(stderr, "tables: %s: no table for %s", argv[1], line);
			return 1;
		}
	}
	if (ferror(f) || fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "tables: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	fclose(f);
	return 0;
}
