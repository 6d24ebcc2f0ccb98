/* SPDX-License-Identifier: Apache-2.0 */
#include "volumes_path.h"

#define SYSTEM "is the system's own: a container that may write there owns this host"

/* `whole`: all below it, too. */
static const struct {
	const char *path;
	bool whole;
	const char *why;
} taken[] = {
	{ "/", false, SYSTEM },
	{ "/bin", true, SYSTEM },
	{ "/boot", true, SYSTEM },
	{ "/dev", true, "is the kernel's: devices are given with --device" },
	{ "/etc", true, SYSTEM },
	{ "/home", false, "holds everybody's home: name a directory below it" },
	{ "/lib", true, SYSTEM },
	{ "/lib32", true, SYSTEM },
	{ "/lib64", true, SYSTEM },
	{ "/libx32", true, SYSTEM },
	{ "/proc", true, "is the kernel's" },
	{ "/root", true, "is root's home" },
	{ "/run", true, "is gone with the next boot, and holds the sockets of Docker and systemd" },
	{ "/sbin", true, SYSTEM },
	{ "/sys", true, "is the kernel's" },
	{ "/tmp", false, "is shared by all: name a directory below it" },
	{ "/usr", true, SYSTEM },
	{ "/var", false, SYSTEM },
	{ "/var/cache", false, SYSTEM },
	{ "/var/lib", false, SYSTEM },
	{ "/var/lib/bulkhead", true, "is where bulkhead keeps what it needs for a rollback" },
	{ "/var/lib/containerd", true, "is containerd's own" },
	{ "/var/lib/docker", true, "is Docker's own" },
	{ "/var/lib/dpkg", true, SYSTEM },
	{ "/var/lib/rpm", true, SYSTEM },
	{ "/var/lib/systemd", true, SYSTEM },
	{ "/var/log", false, SYSTEM },
	{ "/var/run", true,
	  "is gone with the next boot, and holds the sockets of Docker and systemd" },
	{ "/var/spool", false, SYSTEM },
	{ "/var/spool/cron", true, SYSTEM },
	{ "/var/tmp", false, "is shared by all: name a directory below it" },
};

bool volume_path_below(const char *path, const char *dir)
{
	return has_prefix(path, dir) && path[strlen(dir)] == '/';
}

const char *volume_path_wrong(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (streq(path, taken[i].path) ||
		    (taken[i].whole && volume_path_below(path, taken[i].path)))
			return taken[i].why;
	return NULL;
}

static int absent(const struct host *h, const char *path, bool create, struct errs *refusals)
{
	if (create)
		return 1;
	errs_add(refusals, NULL,
		 "'%s%s' does not exist: make it (install -d -m 0750 %s%s), or let the plan do it "
		 "(create: true)",
		 host_prefix(h), path, host_prefix(h), path);
	return 0;
}

/* One directory of the way, the last one included. */
static int look_at(const struct host *h, const char *path, bool create, struct errs *refusals,
		   bool *ret_absent, struct err *e)
{
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_(image_done) struct image link = { 0 };

	if (host_attrs(h, path, false, &im, e) < 0)
		return e->code;
	*ret_absent = !im.exists;
	if (!im.exists)
		return absent(h, path, create, refusals);
	if (S_ISLNK(im.mode)) {
		if (host_image(h, path, &link, e) < 0)
			return e->code;
		errs_add(
			refusals, NULL,
			"'%s%s' is a symbolic link to '%s': write the directory itself into the plan",
			host_prefix(h), path, link.content ? link.content : "");
		return 0;
	}
	if (!S_ISDIR(im.mode)) {
		errs_add(refusals, NULL, "'%s%s' is not a directory", host_prefix(h), path);
		return 0;
	}
	return 1;
}

int volume_path_look(const struct host *h, const char *path, bool create, struct errs *refusals,
		     struct err *e)
{
	_cleanup_free_ char *set = NULL, *real = NULL, *part = strdup(path);
	const char *root;
	struct err why;
	bool none = false;
	int r = 1;

	if (!part)
		return err_oom(e);
	if (volume_daemon_key(h, "data-root", &set, e) < 0)
		return e->code;
	root = set && *set == '/' ? set : "/var/lib/docker";
	/* By a link, or as the file spells it; where it can't be resolved, its name has to do. */
	if (host_real_path(h, root, &real, &why) == 0)
		root = real;
	else if (why.code == -ENOMEM)
		return err_oom(e);
	if (streq(path, root) || volume_path_below(path, root) || volume_path_below(root, path)) {
		errs_add(refusals, NULL,
			 "'%s%s' %s '%s', where Docker keeps its data: a container that may write "
			 "there owns this host",
			 host_prefix(h), path, volume_path_below(root, path) ? "holds" : "is in",
			 root);
		return 0;
	}
	for (char *p = part + 1; r == 1 && !none; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		r = look_at(h, part, create, refusals, &none, e);
		*p = c;
		if (c == '\0')
			break;
	}
	if (r <= 0 || none)
		return r;
	if (host_has_acls(h, path, &why) == 0 && host_writable(h, path, &why) == 0)
		return 1;
	/* A directory that is only planned is not there to be asked. */
	if (why.code == -ENOENT)
		return 1;
	errs_add(refusals, NULL, "%s: put the volume elsewhere", why.text);
	return 0;
}
