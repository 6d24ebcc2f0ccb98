/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "label.h"
#include "library.h"
#include "selinuxconf.h"

#if HAVE_SELINUX

#include <dlfcn.h>
#include <selinux/label.h>
#include <selinux/selinux.h>

static struct {
	void *lib;
	struct selabel_handle *(*open)(unsigned backend, const struct selinux_opt *opts,
				       unsigned n);
	int (*lookup)(struct selabel_handle *handle, char **con, const char *key, int type);
	void (*close)(struct selabel_handle *handle);
	int (*create)(const char *con);
	void (*free)(char *con);
} lib;

static int load(struct err *e)
{
	const char *why;

	if (lib.lib)
		return 0;
	lib.lib = library_load("libselinux.so.1", &why);
	if (!lib.lib)
		return why ? err_set(e, EOPNOTSUPP,
				     "this host uses SELinux, but libselinux can't be loaded: %s",
				     why)
			   : err_oom(e);
	*(void **)&lib.open = dlsym(lib.lib, "selabel_open");
	*(void **)&lib.lookup = dlsym(lib.lib, "selabel_lookup_raw");
	*(void **)&lib.close = dlsym(lib.lib, "selabel_close");
	*(void **)&lib.create = dlsym(lib.lib, "setfscreatecon_raw");
	*(void **)&lib.free = dlsym(lib.lib, "freecon");
	if (lib.open && lib.lookup && lib.close && lib.create && lib.free)
		return 0;
	dlclose(lib.lib);
	lib.lib = NULL;
	return err_set(e, EOPNOTSUPP, "this libselinux lacks functions that labels need");
}

static void handle_close(void *handle)
{
	lib.close(handle);
}

/* The directory of that root's file contexts, or "" when SELinux is off there. */
static int contexts_dir(const struct host *h, char **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	enum selinux_mode mode;
	char type[64];
	size_t len;
	int r = host_read(h, SELINUX_CONFIG, 65536, &text, &len, e);

	if (r == -ENOENT) {
		*ret = strdup("");
		return *ret ? 0 : err_oom(e);
	}
	if (r < 0)
		return r;
	mode = selinuxconf_mode(text);
	if (mode < SELINUX_PERMISSIVE || !selinuxconf_type(text, type, sizeof(type)))
		*ret = strdup("");
	else if (asprintf(ret, "/etc/selinux/%s/contexts/files", type) < 0)
		*ret = NULL;
	return *ret ? 0 : err_oom(e);
}

/*
 * libselinux opens these by name, on the running system: a link among them could lead out of the
 * root, and a fifo would hold us up.
 */
static int contexts_plain(const struct host *h, const char *dir, struct err *e)
{
	static const char *const companions[] = { "",		".bin",	     ".local",
						  ".local.bin", ".homedirs", ".homedirs.bin",
						  ".subs",	".subs_dist" };

	for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;
		int r;

		if (asprintf(&path, "%s/file_contexts%s", dir, companions[i]) < 0)
			return err_oom(e);
		r = host_lstat(h, path, &st, e);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && !S_ISREG(st.st_mode))
			return err_set(e, EINVAL,
				       "'%s%s' is not a regular file: no label can be read from it",
				       host_prefix(h), path);
		if (r == 0 && st.st_size > HOST_READ_MAX)
			return err_set(e, EFBIG,
				       "'%s%s' is larger than %d bytes: no label is read from it",
				       host_prefix(h), path, HOST_READ_MAX);
	}
	return 0;
}

static int handle_open(const struct host *h, struct selabel_handle **ret, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int fd = -1;
	struct selinux_opt opt = { .type = SELABEL_OPT_PATH };
	char path[64];
	struct err ignored;

	*ret = host_kept(h, "selabel");
	if (*ret)
		return 0;
	if (host_is_live(h)) {
		if (!host_exists(h, SELINUX_ENFORCE))
			return 0;
		if (load(e) < 0)
			return e->code;
		*ret = lib.open(SELABEL_CTX_FILE, NULL, 0);
	} else {
		if (contexts_dir(h, &dir, e) < 0)
			return e->code;
		if (!*dir || (fd = host_open_dir(h, dir, &ignored)) < 0)
			return 0;
		if (contexts_plain(h, dir, e) < 0 || load(e) < 0)
			return e->code;
		if (access("/proc/self/fd", X_OK) < 0)
			return err_sys(e, errno, "labels of this root can't be read without /proc");
		snprintf(path, sizeof(path), "/proc/self/fd/%d/file_contexts", fd);
		opt.value = path;
		*ret = lib.open(SELABEL_CTX_FILE, &opt, 1);
		if (!*ret && errno == ENOENT)
			return 0;
	}
	if (!*ret)
		return err_sys(e, errno, "cannot read the SELinux file contexts of '%s/'",
			       host_prefix(h));
	return host_keep(h, "selabel", *ret, handle_close, e);
}

int label_context(const struct host *h, const char *path, mode_t mode, char **ret, struct err *e)
{
	struct selabel_handle *handle;
	char *con;

	*ret = NULL;
	if (handle_open(h, &handle, e) < 0)
		return e->code;
	if (!handle)
		return 0;
	if (lib.lookup(handle, &con, path, (int)(mode & S_IFMT)) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "no SELinux label for '%s'", path);
	*ret = strdup(con);
	lib.free(con);
	return *ret ? 0 : err_oom(e);
}

int label_create(const char *context, struct err *e)
{
	if (load(e) < 0)
		return e->code;
	if (lib.create(context) < 0)
		return err_sys(e, errno, "cannot set the SELinux label '%s' for a new file",
			       context ? context : "(default)");
	return 0;
}

#else

int label_context(const struct host *h, const char *path, mode_t mode, char **ret, struct err *e)
{
	(void)h;
	(void)path;
	(void)mode;
	(void)e;
	*ret = NULL;
	return 0;
}

int label_create(const char *context, struct err *e)
{
	return context ? err_set(e, EOPNOTSUPP, "built without SELinux") : 0;
}

#endif
