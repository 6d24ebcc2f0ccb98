/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scratch root and a host on it, for tests of what works on hosts.
 */
#ifndef BULKHEAD_ROOTED_H
#define BULKHEAD_ROOTED_H

#include "unit.h"

#include "../src/host.h"

static char *root; /* the directory */
static struct host *host;
static struct err e;

static inline void root_setup(void)
{
	root = tree_new();
	ck_assert_int_eq(host_open(root, &host, &e), 0);
}

static inline void root_teardown(void)
{
	host_free(host);
	tree_remove(root);
}

/* The path of a file of the root, in a buffer that the next call but three uses again. */
static inline const char *at(const char *path)
{
	static char full[4][4096];
	static unsigned n;

	n = (n + 1) % ARRAY_SIZE(full);
	snprintf(full[n], sizeof(full[n]), "%s%s", root, path);
	return full[n];
}

static inline void put(const char *path, const char *content)
{
	tree_write(root, path, content, 0644);
}

static inline void put_dir(const char *path)
{
	tree_write(root, path, "", 0755);
	ck_assert_int_eq(unlink(at(path)), 0);
	ck_assert_int_eq(mkdir(at(path), 0755), 0);
}

static inline bool exists(const char *path)
{
	struct stat st;

	return lstat(at(path), &st) == 0;
}

/* Does a file hold exactly this? NULL: it doesn't exist. */
static inline void holds(const char *path, const char *content)
{
	_cleanup_free_ char *now = tree_read(root, path);

	if (content)
		ck_assert_msg(now && streq(now, content), "%s holds: %s", path,
			      now ? now : "(nothing)");
	else
		ck_assert_msg(!now && !exists(path), "%s is there", path);
}

#define ck_ok(call)   ck_assert_msg((call) == 0, "%s", e.text)
#define ck_says(part) ck_assert_msg(strstr(e.text, part) != NULL, "says: %s", e.text)

#endif
