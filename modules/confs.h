/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The *.conf of folders that stand for one, as sysctl.d(5) and environment.d(5) have it: each name
 * once, from the first folder that has it, in the order of the names.
 */
#ifndef BULKHEAD_CONFS_H
#define BULKHEAD_CONFS_H

#include "../src/host.h"

struct conf {
	char *name, *path; /* `name` is the end of `path` */
};

struct confs {
	struct conf *list;
	size_t n;
};

/* `dirs` ends with NULL. A folder that isn't there has none; other errors are those of host_list.
 */
int confs_load(const struct host *h, const char *const *dirs, struct confs *ret, struct err *e);
void confs_done(struct confs *c);

#endif
