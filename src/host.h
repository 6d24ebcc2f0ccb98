/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host, through a directory fd of its root. No other file opens a path of the host.
 *
 * A live host, an image under --root and a test tree run the same code. Paths are absolute as seen
 * from the root, in normal form ("/etc/docker/daemon.json"). Directories are resolved with
 * openat2(RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS): absolute and ".." symbolic links stay inside the
 * root. Where the kernel (or valgrind) has no openat2, a walk by components does the same.
 *
 * Reads answer from the overlay: what the changes proposed so far would leave (see change.h). So a
 * module finds the account that another has only proposed.
 */
#ifndef BULKHEAD_HOST_H
#define BULKHEAD_HOST_H

#include <sys/stat.h>

#include "err.h"

/* An extended attribute, POSIX ACLs (system.posix_acl_access) and the SELinux label
 * (security.selinux) among them. */
struct xattr {
	char *name;
	void *value;
	size_t len;
};

/* What stands at a path: whether, what kind, content, and everything that protects it. A
 * before-image is one of these. */
struct image {
	bool exists;
	mode_t mode; /* as st_mode: type and permission bits */
	uid_t uid;
	gid_t gid;
	nlink_t nlink;
	char *content; /* regular files: the bytes (NUL after them); symbolic links: the target;
			  else NULL */
	size_t len;
	struct xattr *xattrs; /* sorted by name */
	size_t n_xattrs;
	struct timespec
		mtime; /* not compared by image_same; zero in an image that is only planned */
	ino_t ino;
};

void image_done(struct image *im);
int image_copy(const struct image *from, struct image *ret, struct err *e);

/* An extended attribute of an image, or NULL. XATTR_ACL is the access ACL: with one, the mode's
 * group bits are only its mask, acl(5). */
#define XATTR_ACL "system.posix_acl_access"
#define XATTR_ACL_DEFAULT                                                                          \
	"system.posix_acl_default" /* what is made in a directory begins with it */
#define XATTR_LABEL "security.selinux"
const struct xattr *image_xattr(const struct image *im, const char *name);

/* Sets an extended attribute of an image; takes `value` over, also on failure. -ENOMEM. */
int image_xattr_set(struct image *im, const char *name, void *value, size_t len, struct err *e);
void image_xattr_drop(struct image *im, const char *name);

/* Same existence, type, permission bits, owner, content and extended attributes. Times and inode
 * don't count. */
bool image_same(const struct image *a, const struct image *b);

/* A checksum of the content (FNV-1a, 64 bits): tells an edit by accident, not by malice. */
uint64_t image_sum(const struct image *im);

/* Do both hold the same words, however they are spaced? The kernel ends its values with a newline
 * or without. */
bool image_same_value(const struct image *a, const struct image *b);

/* As image_same, but content is not looked at. */
bool image_same_attrs(const struct image *a, const struct image *b);

struct host;
struct changes;

/*
 * Opens a root read-only. `root` NULL is this system's own, live when /proc/1/root is our root and
 * systemd runs (/run/systemd/system exists); anything else (also "/"), a chroot, or no systemd is
 * offline: no bus, no API, nothing executed. Errors: -ENOENT, -ENOTDIR, -EACCES ... on the root
 * directory; -ENOMEM.
 */
int host_open(const char *root, struct host **ret, struct err *e);
void host_free(struct host *h);
DEFINE_CLEANUP(struct host, host_free);
#define _cleanup_host_ _cleanup_(host_free_cleanup)

bool host_is_live(const struct host *h);
/* The fd of the root directory, for confine_role(). */
int host_root(const struct host *h);
/* Why the host is offline ("--root", "in a chroot", "systemd is not running"); NULL when live. */
const char *host_offline_why(const struct host *h);
/*
 * This run is one of the boot itself, with units ordered behind it: a job that it waited for would
 * never end. So no unit is started, stopped or reloaded; systemd's manager alone reads its files
 * again, and starts what is new when its turn comes. What a daemon would prove waits for its start.
 */
void host_set_booting(struct host *h);
bool host_is_booting(const struct host *h); /* never of a host that isn't live */
/* What to put in front of a path when it is shown to a person: "" for "/", else the --root as given
 * without a final slash. */
const char *host_prefix(const struct host *h);
/*
 * What a command to type needs to reach this root, as the shell reads it: " --root DIR", or "". And
 * one that takes a plan: the same, and the plan that was given, if one was.
 */
const char *host_root_words(const struct host *h);
const char *host_plan_words(const struct host *h);
/* This run was given a plan. -ENOMEM. */
int host_set_plan(struct host *h, const char *plan, struct err *e);

/*
 * Reads a file, following symbolic links inside the root; answers from the overlay. At most `max`
 * bytes (else -EFBIG); HOST_READ_MAX is the usual bound. Refuses what is not a regular file
 * (-EINVAL), without ever blocking on a fifo or opening a device. *ret is NUL-terminated. -ENOENT,
 * with *e filled, when there is none.
 */
#define HOST_READ_MAX (64 * 1024 * 1024)
int host_read(const struct host *h, const char *path, size_t max, char **ret, size_t *ret_len,
	      struct err *e);

/*
 * As host_read, past the overlay, for what nobody but this program writes: `path` is one below
 * `dir`, without a slash in front. -EPERM when it isn't a regular file of ours that no other can
 * write, or is reached by a symbolic link behind `dir`: whose bytes these are is not known then.
 */
int host_read_own(const struct host *h, const char *dir, const char *path, size_t max, char **ret,
		  size_t *ret_len, struct err *e);

/* lstat(2) inside the root, answered from the overlay for what is planned (then st_ino and times
 * are zero). -ENOENT quietly in *e. */
int host_lstat(const struct host *h, const char *path, struct stat *ret, struct err *e);

/* Follows symbolic links inside the root; answers from the overlay. */
int host_stat(const struct host *h, const char *path, struct stat *ret, struct err *e);

/* True when host_stat succeeds. */
bool host_exists(const struct host *h, const char *path);

/* True when nothing stands there. What can't be looked at is not known to be absent. */
bool host_absent(const struct host *h, const char *path);

/* The first of some paths (ends with NULL) that exists, or NULL. What can't be looked at is an
 * error, not absence. */
int host_first(const struct host *h, const char *const *paths, const char **ret, struct err *e);

/* Names in a directory without "." and "..", sorted, NULL-terminated; overlay included. -ENOENT
 * when there is none. */
int host_list(const struct host *h, const char *dir, char ***ret, struct err *e);

/*
 * The image at a path, final symbolic link not followed, overlay included. Absent (also: a parent
 * is absent) is success with ret->exists false. Content is read for regular files only, up to
 * HOST_READ_MAX. Directories have no content.
 */
int host_image(const struct host *h, const char *path, struct image *ret, struct err *e);

/* As host_image, but what is on disk now: the overlay is not asked. */
int host_image_now(const struct host *h, const char *path, struct image *ret, struct err *e);

/*
 * As host_image and host_image_now, but without content: what a file of any size is protected by.
 * `no_links`: what lies behind a symbolic link is absent (see resolve_without_links).
 */
int host_attrs(const struct host *h, const char *path, bool no_links, struct image *ret,
	       struct err *e);
int host_attrs_now(const struct host *h, const char *path, bool no_links, struct image *ret,
		   struct err *e);

/* Has the file system under `path` POSIX ACLs? -EOPNOTSUPP: it has none, *e names it. */
int host_has_acls(const struct host *h, const char *path, struct err *e);

/*
 * All that is on disk below a directory, on the same mount, sorted, directories before what they
 * hold. Symbolic links are told, not followed; what is mounted below is not told. `fn` gets the
 * path and what lstat(2) says, and returns 0, 1 (don't look below this directory), or a negative
 * errno, which ends the walk. -ELOOP: a symbolic link leads to `dir`; -E2BIG: more than
 * HOST_WALK_DEPTH directories in each other.
 */
#define HOST_WALK_DEPTH 200
int host_walk(const struct host *h, const char *dir,
	      int (*fn)(void *arg, const char *path, const struct stat *st, struct err *e),
	      void *arg, struct err *e);

/*
 * Can what stands at `path` (or nothing yet) be replaced by a rename, as far as attributes and
 * mounts tell? -EPERM: it or its directory is immutable or append-only (chattr(1)); -EBUSY: it is a
 * mount point. 0 also when the directory doesn't exist yet.
 */
int host_replaceable(const struct host *h, const char *path, struct err *e);

/* -EROFS: `path` lies on a file system that is read-only. 0 also when its directory doesn't exist.
 */
int host_writable(const struct host *h, const char *path, struct err *e);

/* Can owner, mode and ACL of what stands at `path` be set, as far as attributes and mounts tell?
 * -EPERM: it is immutable or append-only; -EROFS: it lies on a file system, or is a mount, that is
 * read-only. 0 also when nothing stands there. */
int host_changeable(const struct host *h, const char *path, struct err *e);

/* When the file at `path` was made (statx(2) stx_btime). -EOPNOTSUPP where the file system doesn't
 * tell. */
int host_born(const struct host *h, const char *path, struct timespec *ret, struct err *e);

/* The overlay that reads answer from; NULL takes it away. Borrowed. */
void host_overlay(struct host *h, const struct changes *c);

/* A read-only O_PATH fd for a path inside the root (symbolic links followed inside the root), past
 * the overlay. -ENOENT ... */
int host_open_path(const struct host *h, const char *path, struct err *e);

/* Where a path leads: without symbolic links, as a path of this root. What isn't there, or only
 * planned, is below where its directory leads. */
int host_real_path(const struct host *h, const char *path, char **ret, struct err *e);

/*
 * A directory to write in, for stage.c: its fd (O_RDONLY|O_DIRECTORY), symbolic links in it
 * resolved inside the root. -ENOENT when it doesn't exist.
 */
int host_open_dir(const struct host *h, const char *dir, struct err *e);
/* As host_open_dir; -ELOOP where a symbolic link is on the way. */
int host_open_dir_without_links(const struct host *h, const char *dir, struct err *e);

/* Splits "/a/b/c" into a new "/a/b" and a pointer to "c" inside `path`. -ENOMEM, or -EINVAL for "/"
 * and what is not in normal form. */
int path_split(const char *path, char **ret_dir, const char **ret_name, struct err *e);

/*
 * Facts that several modules ask for in one run (the Engine API's /info, say), so that each is
 * fetched once. A fact is dropped by host_forget(), which the engine calls after units have
 * changed. host_keep takes ownership.
 */
void *host_kept(const struct host *h, const char *name);
int host_keep(const struct host *h, const char *name, void *fact, void (*done)(void *),
	      struct err *e);
void host_forget(const struct host *h);

#endif
