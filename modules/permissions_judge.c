/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdarg.h>

#include "permissions.h"

#define LINKS_MAX 40 /* as the kernel's MAXSYMLINKS */

void judged_done(struct judged *j)
{
	free(j->path);
	*j = (struct judged){ 0 };
}

static int say(struct judged *j, enum verdict v, const char *fmt, ...) PRINTF(3, 4);

static int say(struct judged *j, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(j->why, sizeof(j->why), fmt, ap);
	va_end(ap);
	j->verdict = v;
	return 0;
}

/* --- where a path leads --- */

struct walk {
	char path[PATH_MAX]; /* so far, without links */
	char rest[PATH_MAX]; /* still to go */
	unsigned links;
	uid_t link_uid; /* of one on the way that is not root's; 0: there is none */
};

/* Takes the next component off `rest`. */
static bool component(struct walk *w, char name[NAME_MAX + 1])
{
	const char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");

	if (!n || n > NAME_MAX)
		return false;
	memcpy(name, p, n);
	name[n] = '\0';
	memmove(w->rest, p + n, strlen(p + n) + 1);
	return true;
}

static int follow(const struct host *h, struct walk *w, size_t parent, struct err *e)
{
	_cleanup_(image_done) struct image im = { 0 };
	char rest[PATH_MAX];

	if (host_image_now(h, w->path, &im, e) < 0)
		return e->code;
	if (!im.content || ++w->links > LINKS_MAX ||
	    snprintf(rest, sizeof(rest), "%s/%s", im.content, w->rest) >= (int)sizeof(rest))
		return err_set(e, ELOOP, "too many symbolic links at '%s'", w->path);
	if (im.uid)
		w->link_uid = im.uid;
	w->path[im.content[0] == '/' ? 0 : parent] = '\0';
	memcpy(w->rest, rest, sizeof(rest));
	return 0;
}

/* realpath(3) inside the root, of what is on disk. */
static int walk(const struct host *h, const char *path, struct walk *w, struct err *e)
{
	char name[NAME_MAX + 1];
	struct stat st;

	*w = (struct walk){ .links = 0 };
	if (snprintf(w->rest, sizeof(w->rest), "%s", path) >= (int)sizeof(w->rest))
		return err_set(e, ENAMETOOLONG, "'%s' is too long", path);
	while (component(w, name)) {
		size_t n = strlen(w->path);

		if (streq(name, "."))
			continue;
		if (streq(name, "..")) {
			char *slash = strrchr(w->path, '/');

			if (slash)
				*slash = '\0';
			continue;
		}
		if (n + strlen(name) + 2 > sizeof(w->path))
			return err_set(e, ENAMETOOLONG, "'%s' is too long", path);
		memcpy(w->path + n, "/", 1);
		memcpy(w->path + n + 1, name, strlen(name) + 1);
		if (host_lstat(h, w->path, &st, e) < 0 ||
		    (S_ISLNK(st.st_mode) && follow(h, w, n, e) < 0))
			return e->code;
	}
	if (!w->path[0])
		memcpy(w->path, "/", 2);
	return 0;
}

/* --- what it allows --- */

/* The entries of an ACL as the kernel stores them, linux/posix_acl_xattr.h. */
static const struct posix_acl_xattr_entry *entries(const struct xattr *acl, size_t *ret_n)
{
	const struct posix_acl_xattr_header *head = acl ? acl->value : NULL;

	*ret_n = 0;
	if (!head || acl->len < sizeof(*head))
		return NULL;
	*ret_n = (acl->len - sizeof(*head)) / sizeof(struct posix_acl_xattr_entry);
	return (const void *)(head + 1);
}

/* Do named users and groups of the ACL get more than `other` may? */
static bool acl_loose(const struct xattr *acl, mode_t other)
{
	size_t n;
	const struct posix_acl_xattr_entry *list = entries(acl, &n);
	unsigned mask = 7;

	for (size_t i = 0; i < n; i++)
		if (le16toh(list[i].e_tag) == ACL_MASK)
			mask = le16toh(list[i].e_perm);
	for (size_t i = 0; i < n; i++) {
		unsigned tag = le16toh(list[i].e_tag);

		if ((tag == ACL_USER || tag == ACL_GROUP) &&
		    (le16toh(list[i].e_perm) & mask & ~other & 7))
			return true;
	}
	return false;
}

/* The bits of the owning group: with an ACL those of the mode are its mask. */
static mode_t group_bits(const struct image *im, const struct xattr *acl)
{
	size_t n;
	const struct posix_acl_xattr_entry *list = entries(acl, &n);

	for (size_t i = 0; i < n; i++)
		if (le16toh(list[i].e_tag) == ACL_GROUP_OBJ)
			return (mode_t)(le16toh(list[i].e_perm) & 7) << 3 & im->mode;
	return im->mode & 0070;
}

static bool tighten(const struct image *im, const struct allowed *a, mode_t most, struct judged *j)
{
	const struct xattr *acl = image_xattr(im, XATTR_ACL);
	/* On a directory, setgid and sticky only say to whom new files belong. */
	mode_t kept = S_ISDIR(im->mode) ? 07000 : 0;
	bool group = a->any_group || im->gid == a->gid || im->gid == a->other_gid;

	j->acl = acl_loose(acl, most);
	j->gid = group ? im->gid : a->gid;
	j->mode = ((im->mode & 0707) | group_bits(im, acl)) & most;
	j->mode |= im->mode & kept;
	return j->acl || !group || im->uid != a->uid || (im->mode & 07777 & ~most & ~kept);
}

/* --- may it be changed --- */

/* Who can put another thing into a directory on the way can have anything tightened. */
static int foreign_parent(const struct host *h, const char *path, struct judged *j, struct err *e)
{
	_cleanup_free_ char *dir = strdup(path);
	struct stat st;
	char *slash;

	if (!dir)
		return err_oom(e);
	while ((slash = strrchr(dir, '/'))) {
		*slash = '\0';
		if (host_stat(h, *dir ? dir : "/", &st, e) < 0)
			return e->code;
		if (st.st_uid ||
		    (!(st.st_mode & S_ISVTX) && (st.st_mode & (st.st_gid ? 0022 : 0002))))
			return say(
				j, VERDICT_STUCK,
				"'%s%s' can be written by others (owner %u, mode %04o), who could put "
				"anything in its place: move it to where root alone writes",
				host_prefix(h), *dir ? dir : "/", st.st_uid, st.st_mode & 07777);
	}
	return 0;
}

static int changeable(const struct host *h, const char *asked, const struct walk *w,
		      const struct image *im, const struct allowed *a, struct judged *j,
		      struct err *e)
{
	int r;

	if (w->link_uid || (w->links && im->uid != 0 && im->uid != a->uid))
		return say(j, VERDICT_STUCK, "'%s%s' leads there by a symbolic link%s user %u",
			   host_prefix(h), asked,
			   w->link_uid ? " of" : ", and what is there belongs to",
			   w->link_uid ? w->link_uid : im->uid);
	if (S_ISREG(im->mode) && im->nlink > 1)
		return say(j, VERDICT_STUCK,
			   "it has %u hard links: make it a file of its own first",
			   (unsigned)im->nlink);
	r = host_changeable(h, w->path, e);
	if (r == -EROFS || r == -EPERM)
		return say(j, VERDICT_STUCK, "%s", e->text);
	return r < 0 ? r : foreign_parent(h, w->path, j, e);
}

int permissions_judge(const struct host *h, const char *path, const struct allowed *a,
		      struct judged *ret, struct err *e)
{
	_cleanup_judged_ struct judged j = { .verdict = VERDICT_FINE };
	_cleanup_(image_done) struct image im = { 0 };
	struct walk w = { .links = 0 };
	bool planned;
	mode_t most;
	int r = host_lstat(h, path, &j.st, e);

	planned = r == 0 && !j.st.st_ino; /* where it will be is where it was said */
	if (r == 0 && !planned)
		r = walk(h, path, &w, e);
	if (r == -ENOENT || r == -ENOTDIR)
		j.verdict = VERDICT_ABSENT;
	else if (r == -ELOOP || r == -ENAMETOOLONG)
		say(&j, VERDICT_ODD, "%s", e->text);
	else if (r < 0)
		return r;
	j.path = strdup(planned || r < 0 ? path : w.path);
	if (!j.path)
		return err_oom(e);
	if (r == 0) {
		if (host_image(h, j.path, &im, e) < 0 || host_lstat(h, j.path, &j.st, e) < 0)
			return e->code;
		most = S_ISREG(im.mode)	   ? a->file
		       : S_ISDIR(im.mode)  ? a->dir
		       : S_ISSOCK(im.mode) ? a->sock
					   : 0;
		if (!most)
			say(&j, VERDICT_ODD, "it is %s",
			    S_ISDIR(im.mode)   ? "a directory"
			    : S_ISREG(im.mode) ? "a regular file"
					       : "neither a regular file nor a directory");
		else if (tighten(&im, a, most, &j)) {
			j.verdict = VERDICT_LOOSE;
			if (!planned && changeable(h, path, &w, &im, a, &j, e) < 0)
				return e->code;
		}
	}
	*ret = j;
	j = (struct judged){ 0 };
	return 0;
}
