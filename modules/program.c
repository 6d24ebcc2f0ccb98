/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

const char *const program_dirs[] = {
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", NULL,
};

int program_find(const struct host *h, const char *name, char **ret, struct err *e)
{
	*ret = NULL;
	for (const char *const *dir = program_dirs; *dir; dir++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;
		int r;

		if (asprintf(&path, "%s/%s", *dir, name) < 0)
			return err_oom(e);
		r = host_stat(h, path, &st, e);
		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			return r;
		if (r == 0 && S_ISREG(st.st_mode)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return 0;
}
