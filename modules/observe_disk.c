/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies under Docker's data root, from /proc/self/mountinfo and /sys: read, never changed.
 */
#include <sys/sysmacros.h>

#include "../src/buf.h"
#include "daemon_keys.h"
#include "observe.h"

#define MOUNTINFO     "/proc/self/mountinfo"
#define MOUNTINFO_MAX (16 * 1024 * 1024)
#define DEPTH_MAX     8	 /* devices on devices */
#define DEVICES_MAX   64 /* looked at in all */

/* The mount that a path lies on. */
struct mount {
	char *at, *source; /* "/var", "/dev/sda1" */
	unsigned major, minor;
};

static void mount_done(struct mount *m)
{
	free(m->at);
	free(m->source);
}

/* \040 and its like, in place (proc_pid_mountinfo(5)). */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool is_beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (streq(dir, "/"))
		return true;
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
}

/* ID PARENT MAJOR:MINOR ROOT AT OPTIONS [OPTIONAL]... - TYPE SOURCE OPTIONS: `line` is cut up. */
static bool mount_parse(char *line, struct mount *ret)
{
	char *save, *field, *source = NULL;
	int n = 0, after = -1;

	*ret = (struct mount){ 0 };
	for (field = strtok_r(line, " ", &save); field; field = strtok_r(NULL, " ", &save), n++) {
		if (n == 2 && sscanf(field, "%u:%u", &ret->major, &ret->minor) != 2)
			return false;
		if (n == 4)
			ret->at = field;
		if (n > 5 && after < 0 && streq(field, "-"))
			after = n;
		if (after >= 0 && n == after + 2)
			source = field;
	}
	if (!ret->at || !source)
		return false;
	ret->source = source;
	unescape(ret->at);
	unescape(ret->source);
	return true;
}

/* The last of the deepest mounts above a path is the one that is seen there. -ENOENT: none. */
static int mount_of(const char *table, const char *path, struct mount *ret, struct err *e)
{
	_cleanup_free_ char *text = strdup(table);
	struct mount best = { 0 }, m;
	char *save, *line;

	if (!text)
		return err_oom(e);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (mount_parse(line, &m) && is_beneath(path, m.at) &&
		    (!best.at || strlen(m.at) >= strlen(best.at)))
			best = m;
	if (!best.at)
		return err_set(e, ENOENT, "no mount holds %s", path);
	*ret = best;
	ret->at = strdup(best.at);
	ret->source = strdup(best.source);
	if (!ret->at || !ret->source) {
		mount_done(ret);
		return err_oom(e);
	}
	return 0;
}

/* --- encryption --- */

/* A small file of a block device; "" when there is none. */
static int block_read(const struct host *h, const char *name, const char *file, char **ret,
		      struct err *e)
{
	_cleanup_free_ char *path = NULL;
	size_t len;
	int r;

	if (asprintf(&path, "/sys/class/block/%s/%s", name, file) < 0) {
		path = NULL;
		return err_oom(e);
	}
	r = host_read(h, path, 4096, ret, &len, e);
	if (r < 0 && r != -ENOMEM) {
		*ret = strdup("");
		r = *ret ? 0 : err_oom(e);
	}
	return r;
}

/* The last two names of what a link in /sys points to: ".../sda/sda1". */
static int block_names(const struct host *h, const char *path, char **ret_name, char **ret_parent,
		       struct err *e)
{
	_cleanup_(image_done) struct image im = { 0 };
	char *slash, *above;
	int r = host_image_now(h, path, &im, e);

	if (r < 0)
		return r;
	if (!im.exists || !S_ISLNK(im.mode) || !(slash = strrchr(im.content, '/')))
		return err_set(e, ENOENT, "the kernel shows no device at %s", path);
	*slash = '\0';
	above = strrchr(im.content, '/');
	*ret_name = strdup(slash + 1);
	*ret_parent = strdup(above ? above + 1 : im.content);
	return *ret_name && *ret_parent ? 0 : err_oom(e);
}

static int is_crypt(const struct host *h, const char *name, int depth, int *left, struct err *e);

/* Is all that a device is made of encrypted? 0 when it is made of nothing else. */
static int slaves_crypt(const struct host *h, const char *name, int depth, int *left, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	char **names;
	int r, all;

	if (asprintf(&dir, "/sys/class/block/%s/slaves", name) < 0) {
		dir = NULL;
		return err_oom(e);
	}
	r = host_list(h, dir, &names, e);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	all = names[0] != NULL;
	for (char **n = names; *n; n++) {
		if (all > 0)
			all = is_crypt(h, *n, depth + 1, left, e);
		free(*n);
	}
	free(names);
	return all;
}

/* 1: dm-crypt, or made of nothing else; 0: not as far as the kernel shows; or an error. */
static int is_crypt(const struct host *h, const char *name, int depth, int *left, struct err *e)
{
	_cleanup_free_ char *uuid = NULL, *part = NULL, *path = NULL, *self = NULL, *parent = NULL;
	int r;

	if (depth > DEPTH_MAX || (*left)-- <= 0)
		return 0;
	if (block_read(h, name, "dm/uuid", &uuid, e) < 0)
		return e->code;
	if (has_prefix(uuid, "CRYPT-"))
		return 1;
	r = slaves_crypt(h, name, depth, left, e);
	if (r)
		return r;
	if (block_read(h, name, "partition", &part, e) < 0)
		return e->code;
	if (!*part)
		return 0;
	if (asprintf(&path, "/sys/class/block/%s", name) < 0) {
		path = NULL;
		return err_oom(e);
	}
	r = block_names(h, path, &self, &parent, e);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return is_crypt(h, parent, depth + 1, left, e);
}

static int encrypted(const struct host *h, const struct mount *m, struct findings *out,
		     struct err *e)
{
	_cleanup_free_ char *path = NULL, *name = NULL, *parent = NULL, *found = NULL;
	unsigned major = m->major, minor = m->minor;
	int r, left = DEVICES_MAX;
	struct stat st;

	/* btrfs and its like have no number of their own: what was mounted tells. */
	if (!major && *m->source == '/' && host_stat(h, m->source, &st, e) == 0 &&
	    S_ISBLK(st.st_mode)) {
		major = major(st.st_rdev);
		minor = minor(st.st_rdev);
	}
	if (!major)
		return findings_add(out, OBSERVE, "encryption", NULL, FINDING_SKIPPED, NULL, NULL,
				    "the file system under the data root shows no block device", e);
	if (asprintf(&path, "/sys/dev/block/%u:%u", major, minor) < 0) {
		path = NULL;
		return err_oom(e);
	}
	r = block_names(h, path, &name, &parent, e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(out, OBSERVE, "encryption", NULL, FINDING_SKIPPED, NULL, NULL,
				    e->text, e);
	r = is_crypt(h, name, 0, &left, e);
	if (r < 0)
		return r;
	if (asprintf(&found, r ? "%s is on dm-crypt" : "no dm-crypt under %s", name) < 0) {
		found = NULL;
		return err_oom(e);
	}
	return findings_add(out, OBSERVE, "encryption", NULL, r ? FINDING_OK : FINDING_NOTED, NULL,
			    found,
			    r ? "/sys/dev/block"
			      : "what the disk itself or the file system encrypts isn't seen",
			    e);
}

/* --- the data root --- */

static int partition(const char *root, const struct mount *own, const struct mount *above,
		     struct findings *out, struct err *e)
{
	_cleanup_free_ char *found = NULL;
	bool separate = own->major != above->major || own->minor != above->minor;

	/* Nobody's to change while something runs, so never drift; nor is it ever ok without. */
	if (!separate)
		return findings_add(out, OBSERVE, "partition", "1.1.1", FINDING_SKIPPED, NULL, NULL,
				    "the data root has no file system of its own, and bulkhead "
				    "doesn't repartition",
				    e);
	if (asprintf(&found, "%s is on %s", root, own->source) < 0) {
		found = NULL;
		return err_oom(e);
	}
	return findings_add(out, OBSERVE, "partition", "1.1.1", FINDING_OK, NULL, found, MOUNTINFO,
			    e);
}

int observe_disk(const struct host *h, const json_t *info, struct findings *out, struct err *e)
{
	const char *shown = json_string_value(json_object_get(info, "DockerRootDir"));
	_cleanup_free_ char *table = NULL, *root = NULL, *dir = NULL;
	_cleanup_(mount_done) struct mount own = { 0 }, above = { 0 };
	const char *name;
	uint64_t uid, gid;
	size_t len;
	int r;

	if (!shown || *shown != '/')
		return findings_add(out, OBSERVE, "partition", "1.1.1", FINDING_SKIPPED, NULL, NULL,
				    "dockerd does not say where its data root is", e);
	root = strdup(shown);
	if (!root)
		return err_oom(e);
	/* With user namespaces it is a directory beneath the one that is meant. */
	if (data_root_remap(root, &len, &uid, &gid))
		root[len] = '\0';
	r = host_read(h, MOUNTINFO, MOUNTINFO_MAX, &table, &len, e);
	if (r == 0)
		r = mount_of(table, shown, &own, e);
	if (r == 0)
		r = path_split(root, &dir, &name, e);
	if (r == 0)
		r = mount_of(table, dir, &above, e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(out, OBSERVE, "partition", "1.1.1", FINDING_SKIPPED, NULL, NULL,
				    e->text, e);
	r = partition(root, &own, &above, out, e);
	return r < 0 ? r : encrypted(h, &own, out, e);
}
