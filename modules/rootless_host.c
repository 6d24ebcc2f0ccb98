/* SPDX-License-Identifier: Apache-2.0 */
#include "rootless.h"

#include <inttypes.h>

#include "confs.h"

/* --- users --- */

void rootless_users_done(struct rootless_users *u)
{
	accounts_done(&u->a);
}

/* Does a person log in as this account? As useradd divides them. */
static bool is_person(const struct account *a, uint64_t uid_min)
{
	return a->id >= uid_min && a->id != 65534 && a->id != UINT32_MAX;
}

static const char *nearest(const struct accounts *a, const char *given, uint64_t uid_min)
{
	_cleanup_free_ const char **names = calloc(a->n_users + 1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; names && i < a->n_users; i++)
		if (is_person(&a->users[i], uid_min))
			names[n++] = a->users[i].name;
	return names ? field_nearest(given, names) : NULL;
}

static void user_add(const struct section *s, const struct host *h, const struct subrange *range,
		     uint64_t uid_min, struct rootless_users *ret, struct errs *mistakes)
{
	const struct account *a = accounts_owner(&ret->a, range->owner);
	const char *near = a ? NULL : nearest(&ret->a, range->owner, uid_min);
	struct rootless_user *u = &ret->list[ret->n];

	if (!a) {
		subrange_refuse(mistakes, s, range, "",
				"there is no user '%s' in '%s/etc/passwd'%s%s%s", range->owner,
				host_prefix(h), near ? ": did you mean " : "", near ? near : "",
				near ? "?" : "");
		return;
	}
	if (!is_person(a, uid_min)) {
		subrange_refuse(mistakes, s, range, "",
				"'%s' is %s (uid %" PRIu32
				"): rootless Docker is for users who log in, "
				"from uid %" PRIu64 " (UID_MIN of login.defs)",
				range->owner, a->id ? "a system account" : "root", a->id, uid_min);
		return;
	}
	if (strpbrk(a->name, "/%")) {
		subrange_refuse(mistakes, s, range, "",
				"the name of uid %" PRIu32
				" can't be a file's, and lingering needs one",
				a->id);
		return;
	}
	for (size_t i = 0; i < ret->n; i++)
		if (ret->list[i].uid == a->id) {
			subrange_refuse(mistakes, s, range, "",
					"'%s' and '%s' (%s) are the same account", range->owner,
					ret->list[i].range.owner, ret->list[i].range.setting);
			return;
		}
	u->range = *range;
	u->name = a->name;
	u->uid = a->id;
	snprintf(u->unit, sizeof(u->unit), "bulkhead-rootless-%u.service", u->uid);
	ret->n++;
}

int rootless_users_load(const struct section *s, const struct host *h, struct rootless_users *ret,
			struct errs *mistakes, struct err *e)
{
	const json_t *users = section_get(s, "users");
	uint64_t uid_min;

	*ret = (struct rootless_users){ 0 };
	if (accounts_load(h, &ret->a, e) < 0 ||
	    accounts_login_def(h, "UID_MIN", 1000, &uid_min, e) < 0)
		return e->code;
	for (size_t i = 0; i < json_array_size(users) && i < SUBRANGES_MAX; i++) {
		struct subrange r = { .owner = json_string_value(json_array_get(users, i)),
				      .ids = { .count = 65536 } };

		snprintf(r.setting, sizeof(r.setting), "users[%zu]", i);
		if (r.owner)
			user_add(s, h, &r, uid_min, ret, mistakes);
	}
	return 0;
}

/* --- tools --- */

/* May it map ids that are not the caller's? By setuid root, or by a file capability. 1, 0, or an
 * error. */
static int maps_ids(const struct host *h, const char *path, struct err *e)
{
	_cleanup_(image_done) struct image im = { 0 };

	if (host_image(h, path, &im, e) < 0)
		return e->code;
	if (im.exists && S_ISLNK(im.mode)) /* a distribution's own alternative */
		return 1;
	return im.exists &&
	       (((im.mode & S_ISUID) && im.uid == 0) || image_xattr(&im, "security.capability"));
}

/* Only newer scripts look for pasta; those that know it can be told to take it. */
static int script_knows(const struct host *h, const char *script, const char *word, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (host_read(h, script, 1024 * 1024, &text, &len, e) < 0)
		return e->code;
	return strstr(text, word) != NULL;
}

int rootless_tools_find(const struct host *h, struct rootless_tools *ret, struct errs *refusals,
			struct err *e)
{
	static const char *const scripts[] = { "/usr/bin/dockerd-rootless.sh",
					       "/usr/share/docker.io/contrib/dockerd-rootless.sh",
					       "/usr/libexec/docker/dockerd-rootless.sh", NULL };
	static const char *const kits[] = { "/usr/bin/docker-rootlesskit", "/usr/bin/rootlesskit",
					    "/usr/local/bin/rootlesskit", NULL };
	static const char *const slirp[] = { "/usr/bin/slirp4netns", "/usr/local/bin/slirp4netns",
					     NULL };
	static const char *const pasta[] = { "/usr/bin/pasta", "/usr/local/bin/pasta", NULL };
	static const char *const maps[] = { "/usr/bin/newuidmap", "/usr/bin/newgidmap" };
	static const char *const ctl[] = { "/usr/bin/systemctl", "/bin/systemctl", NULL };
	const char *kit, *net, *other = NULL;
	int r;

	*ret = (struct rootless_tools){ .network = "" };
	if (host_first(h, scripts, &ret->script, e) < 0 || host_first(h, kits, &kit, e) < 0 ||
	    host_first(h, slirp, &net, e) < 0 || host_first(h, ctl, &ret->systemctl, e) < 0 ||
	    (!net && host_first(h, pasta, &other, e) < 0))
		return e->code;
	if (!ret->systemctl)
		ret->systemctl = ctl[0];
	if (!ret->script)
		errs_add(refusals, NULL,
			 "rootless Docker is not installed: there is no dockerd-rootless.sh in "
			 "'%s/usr/bin' or '%s%s'. Install docker-ce-rootless-extras (Docker's own "
			 "packages) or docker.io (Debian's)",
			 host_prefix(h), host_prefix(h), "/usr/share/docker.io/contrib");
	if (!kit)
		errs_add(refusals, NULL,
			 "rootless Docker needs rootlesskit, which is not installed: install the "
			 "package rootlesskit, or docker-ce-rootless-extras");
	if (!net) {
		r = other && ret->script ? script_knows(h, ret->script, "pasta", e) : 0;
		if (r < 0)
			return r;
		if (r)
			ret->network = " DOCKERD_ROOTLESS_ROOTLESSKIT_NET=pasta"
				       " DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=implicit";
		else
			errs_add(refusals, NULL,
				 "rootless Docker has no network without slirp4netns, which is not "
				 "installed: install the package slirp4netns");
	}
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		r = maps_ids(h, maps[i], e);
		if (r < 0)
			return r;
		if (!r)
			errs_add(
				refusals, NULL,
				"'%s%s' is missing, or neither setuid root nor given its file "
				"capability: without it no user can have a range of ids. Install the "
				"package uidmap (shadow-utils on Red Hat's), again if need be",
				host_prefix(h), maps[i]);
	}
	return 0;
}

/* --- sysctls --- */

bool rootless_sysctl_fits(const struct rootless_sysctl *x, long long value)
{
	return x->at_least ? value >= x->need : value == x->need;
}

bool rootless_kernel_allows(const struct rootless_sysctl list[ROOTLESS_SYSCTLS])
{
	for (size_t i = 0; i < ROOTLESS_SYSCTLS; i++)
		if (list[i].on && list[i].at_least && list[i].kernel == 0)
			return false;
	return true;
}

/* "/" and "." mean the same in names of sysctl.d(5). */
static bool same_name(const char *a, size_t len, const char *b)
{
	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i] && !(a[i] == '/' && b[i] == '.'))
			return false;
	return true;
}

static void conf_line(char *line, const char *file, struct rootless_sysctl list[ROOTLESS_SYSCTLS])
{
	char *eq = strchr(line, '='), *end;
	size_t len;

	line += strspn(line, " \t-");
	if (!eq || eq < line || *line == '#' || *line == ';')
		return;
	for (len = (size_t)(eq - line); len && strchr(" \t", line[len - 1]); len--)
		;
	for (size_t i = 0; i < ROOTLESS_SYSCTLS; i++) {
		long long value;

		if (!same_name(line, len, list[i].name))
			continue;
		errno = 0;
		value = strtoll(eq + 1, &end, 10);
		if (errno || end == eq + 1)
			continue; /* the kernel takes it no more than we do */
		list[i].conf = value;
		snprintf(list[i].conf_file, sizeof(list[i].conf_file), "%s", file);
	}
}

/* What sysctl.d sets at boot: the last file by name wins, wherever it lies (sysctl.d(5)). */
static int conf_read(const struct host *h, struct rootless_sysctl list[ROOTLESS_SYSCTLS],
		     struct err *e)
{
	static const char *const dirs[] = { "/etc/sysctl.d", "/run/sysctl.d",
					    "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", NULL };
	_cleanup_(confs_done) struct confs c = { 0 };

	if (confs_load(h, dirs, &c, e) < 0)
		return e->code;
	for (size_t i = 0; i < c.n; i++) {
		_cleanup_free_ char *text = NULL;
		char *save = NULL;
		size_t len;
		int r = host_read(h, c.list[i].path, HOST_READ_MAX, &text, &len, e);

		/* Masked by a link to /dev/null, or a link that leads nowhere: systemd passes over
		 * it, too. */
		if (r == -EINVAL || r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		for (char *line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			conf_line(line, c.list[i].path, list);
	}
	return 0;
}

void rootless_sysctl_path(const struct rootless_sysctl *x, char path[ROOTLESS_SYSCTL_PATH])
{
	snprintf(path, ROOTLESS_SYSCTL_PATH, "/proc/sys/%s", x->name);
	for (char *p = path + strlen("/proc/sys/"); *p; p++)
		if (*p == '.')
			*p = '/';
}

/* What the running kernel has; one that doesn't know the name needs nothing. */
static int kernel_read(const struct host *h, struct rootless_sysctl *x, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char path[ROOTLESS_SYSCTL_PATH];
	size_t len;
	int r;

	rootless_sysctl_path(x, path);
	r = host_read(h, path, 128, &text, &len, e);
	if (r == -ENOENT)
		x->on = false;
	else if (r < 0)
		return r;
	else
		x->kernel = strtoll(text, NULL, 10);
	return 0;
}

int rootless_sysctls_load(const struct section *s, const struct host *h,
			  struct rootless_sysctl ret[ROOTLESS_SYSCTLS], struct err *e)
{
	const char *apparmor = section_str(s, "apparmor-userns");
	const struct rootless_sysctl list[ROOTLESS_SYSCTLS] = {
		{ .name = "user.max_user_namespaces",
		  .setting = "max-user-namespaces",
		  .on = true,
		  .asked = json_object_get(s->given, "max-user-namespaces") != NULL,
		  .at_least = true,
		  .need = section_int(s, "max-user-namespaces", 28633) },
		/* Debian's kernels only. */
		{ .name = "kernel.unprivileged_userns_clone",
		  .setting = "users",
		  .on = true,
		  .at_least = true,
		  .need = 1 },
		/* Ubuntu's kernels only. */
		{ .name = "kernel.apparmor_restrict_unprivileged_userns",
		  .setting = "apparmor-userns",
		  .on = true,
		  .asked = apparmor && streq(apparmor, "lift"),
		  .only_asked = true,
		  .need = 0 },
		{ .name = "net.ipv4.ip_unprivileged_port_start",
		  .setting = "port-start",
		  .on = section_get(s, "port-start") != NULL,
		  .asked = true,
		  .need = section_int(s, "port-start", 1024) },
	};

	for (size_t i = 0; i < ROOTLESS_SYSCTLS; i++) {
		ret[i] = list[i];
		ret[i].kernel = ret[i].conf = -1;
		if (ret[i].on && host_is_live(h) && kernel_read(h, &ret[i], e) < 0)
			return e->code;
	}
	return conf_read(h, ret, e);
}
