/* SPDX-License-Identifier: Apache-2.0 */
#include "selinux_policy.h"

#include <endian.h>

#define CONTEXTS_MAX 65536

/* Absent: *ret is NULL. */
static int read_file(const struct host *h, const char *path, size_t max, char **ret,
		     size_t *ret_len, struct err *e)
{
	int r = host_read(h, path, max, ret, ret_len, e);

	if (r != -ENOENT && r != -ENOTDIR)
		return r;
	*ret = NULL;
	return 0;
}

/* The type in the context of a line  key = "user:role:type:level". */
static bool context_type(const char *text, const char *key, char *buf, size_t size)
{
	size_t n = strlen(key), len;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, " \t\n");
		if (strncmp(line, key, n) != 0 || !strchr(" \t=", line[n]))
			continue;
		line += n;
		line += strspn(line, " \t=\"");
		for (int colons = 0; colons < 2 && line; colons++) {
			line = strpbrk(line, ":\n");
			line = line && *line == ':' ? line + 1 : NULL;
		}
		if (!line)
			return false;
		len = strcspn(line, ":\"\n");
		if (!len || len >= size)
			return false;
		memcpy(buf, line, len);
		buf[len] = '\0';
		return true;
	}
	return false;
}

/*
 * Is there a type of that name? libsepol's type_write(): four words of 32 bits (three before
 * version 24), the first of which is the name's length, then the name.
 */
static bool has_type(const char *policy, size_t len, const char *name)
{
	const size_t n = strlen(name), head[] = { 16, 12 };
	const char *p = policy, *end = policy + len;

	for (; (p = memmem(p, (size_t)(end - p), name, n)); p++)
		for (size_t i = 0; i < ARRAY_SIZE(head); i++) {
			uint32_t word;

			if ((size_t)(p - policy) < head[i])
				continue;
			memcpy(&word, p - head[i], sizeof(word));
			if (le32toh(word) == n)
				return true;
		}
	return false;
}

/* The policy of the highest version: the one that is loaded at boot. Absent: *ret is NULL. */
static int read_policy(const struct host *h, const char *type, char **ret, size_t *ret_len,
		       struct err *e)
{
	_cleanup_free_ char *dir = NULL, *path = NULL;
	_cleanup_strv_ char **names = NULL;
	unsigned long best = 0;
	int r;

	*ret = NULL;
	if (asprintf(&dir, "/etc/selinux/%s/policy", type) < 0)
		return err_oom(e);
	r = host_list(h, dir, &names, e);
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	for (char **n = names; *n; n++) {
		unsigned long version =
			has_prefix(*n, "policy.") ? strtoul(*n + strlen("policy."), NULL, 10) : 0;

		if (version > best)
			best = version;
	}
	if (!best)
		return 0;
	if (asprintf(&path, "%s/policy.%lu", dir, best) < 0)
		return err_oom(e);
	return read_file(h, path, HOST_READ_MAX, ret, ret_len, e);
}

int selinux_policy_containers(const struct host *h, const char *type, const char **ret_why,
			      struct err *e)
{
	_cleanup_free_ char *contexts = NULL, *policy = NULL, *path = NULL;
	static const char *const keys[] = { "process", "file" };
	size_t len, size = 0;

	*ret_why = NULL;
	if (asprintf(&path, "/etc/selinux/%s/contexts/lxc_contexts", type) < 0)
		return err_oom(e);
	if (read_file(h, path, CONTEXTS_MAX, &contexts, &len, e) < 0 ||
	    read_policy(h, type, &policy, &size, e) < 0)
		return e->code;
	if (!contexts)
		*ret_why = "the SELinux policy has no types for containers (no lxc_contexts)";
	else if (!policy)
		*ret_why = "there is no SELinux policy to load (/etc/selinux/TYPE/policy)";
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !*ret_why; i++) {
		char name[128];

		if (!context_type(contexts, keys[i], name, sizeof(name)))
			*ret_why =
				"the SELinux policy has no types for containers (lxc_contexts names "
				"none)";
		else if (!has_type(policy, size, name))
			*ret_why =
				"the SELinux policy has no types for containers (lxc_contexts names "
				"some that it lacks)";
	}
	return 0;
}
