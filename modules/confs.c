/* SPDX-License-Identifier: Apache-2.0 */
#include "confs.h"

static int conf_compare(const void *a, const void *b)
{
	return strcmp(((const struct conf *)a)->name, ((const struct conf *)b)->name);
}

void confs_done(struct confs *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->list[i].path);
	free(c->list);
}

/* The files of one folder, but those that a folder before it has. */
static int confs_add(const struct host *h, const char *dir, struct confs *c, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	size_t before = c->n, n = 0;
	struct conf *list;
	int r = host_list(h, dir, &names, e);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r;
	while (names[n])
		n++;
	list = reallocarray(c->list, c->n + n + 1, sizeof(*list));
	if (!list)
		return err_oom(e);
	c->list = list;
	for (size_t i = 0; i < n; i++) {
		struct conf x = { .name = names[i] };

		if (!has_suffix(x.name, ".conf") ||
		    (before && bsearch(&x, list, before, sizeof(*list), conf_compare)))
			continue;
		if (asprintf(&x.path, "%s/%s", dir, x.name) < 0)
			return err_oom(e);
		x.name = x.path + strlen(dir) + 1;
		list[c->n++] = x;
	}
	qsort(list, c->n, sizeof(*list), conf_compare);
	return 0;
}

int confs_load(const struct host *h, const char *const *dirs, struct confs *ret, struct err *e)
{
	_cleanup_(confs_done) struct confs c = { 0 };

	for (; *dirs; dirs++)
		if (confs_add(h, *dirs, &c, e) < 0)
			return e->code;
	*ret = c;
	c = (struct confs){ 0 };
	return 0;
}
