/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX ACLs as data: entries of numeric ids, to and from the form in which a struct image carries
 * them (system.posix_acl_access, system.posix_acl_default; linux/posix_acl_xattr.h). Nothing here
 * asks the running host for a name: acl_from_text(3) would, which is wrong under --root.
 */
#ifndef BULKHEAD_ACL_H
#define BULKHEAD_ACL_H

#include "host.h"

/* acl(5); numbers as in linux/posix_acl.h. */
enum acl_tag {
	ACL_TAG_OWNER = 0x01,
	ACL_TAG_USER = 0x02,
	ACL_TAG_OWNING_GROUP = 0x04,
	ACL_TAG_GROUP = 0x08,
	ACL_TAG_MASK = 0x10,
	ACL_TAG_OTHER = 0x20,
};

#define ACL_R 04
#define ACL_W 02
#define ACL_X 01

struct acl_line {
	enum acl_tag tag;
	unsigned perm; /* ACL_R | ... */
	uint32_t id;   /* of USER and GROUP; else 0 */
};

/* Sorted by tag, then id; a named entry stands there once. Zeroed: no ACL at all. */
struct acl {
	struct acl_line *list;
	size_t n;
};

void acl_done(struct acl *a);
#define _cleanup_acl_ _cleanup_(acl_done)

/* The ACL that permission bits stand for: owner, owning group, other. -ENOMEM. */
int acl_of_mode(mode_t mode, struct acl *ret, struct err *e);

/* The access ACL of an image, that of its mode when it has none of its own. -EINVAL: the attribute
 * is not an ACL of the version that Linux has. */
int acl_of_image(const struct image *im, struct acl *ret, struct err *e);

/* The default ACL of an image (a directory's); zeroed when it has none. */
int acl_default_of_image(const struct image *im, struct acl *ret, struct err *e);

int acl_copy(const struct acl *from, struct acl *ret, struct err *e);
bool acl_same(const struct acl *a, const struct acl *b);

/* An entry, or NULL. `id` counts for USER and GROUP. */
const struct acl_line *acl_get(const struct acl *a, enum acl_tag tag, uint32_t id);

/* Sets an entry, or adds it; the mask stays as it is. -ENOMEM. */
int acl_put(struct acl *a, enum acl_tag tag, uint32_t id, unsigned perm, struct err *e);

/* Takes an entry out; absent is fine. */
void acl_drop(struct acl *a, enum acl_tag tag, uint32_t id);

/* Have two of them, as extended attributes, the same entries, but for what chmod(2) with an ACL in
 * place changes: the owner's, the others', the mask? */
bool acl_same_but_mode(const struct xattr *a, const struct xattr *b);

/* Has it entries for named users or groups, or a mask? Else the mode says it all. */
bool acl_is_extended(const struct acl *a);

/* What an entry gives once the mask is applied. */
unsigned acl_effective(const struct acl *a, const struct acl_line *l);

/*
 * Gives a named user or group `perm`, and nobody anything else: where the mask has to grow for it,
 * entries that it held back so far are cut to what they were good for, but for those that
 * `ours(arg, line)` says are to have what they say (NULL: none). -ENOMEM.
 */
int acl_grant(struct acl *a, enum acl_tag tag, uint32_t id, unsigned perm,
	      bool (*ours)(void *arg, const struct acl_line *l), void *arg, struct err *e);

/* Takes a named entry out, and the mask with the last of them: nobody gains by it. -ENOMEM. */
int acl_revoke(struct acl *a, enum acl_tag tag, uint32_t id, struct err *e);

/* The permission bits that a file with this access ACL shows: its group bits are the mask. */
mode_t acl_mode(const struct acl *a);

/* The bytes of the extended attribute, allocated. -ENOMEM. */
int acl_bytes(const struct acl *a, void **ret, size_t *ret_len, struct err *e);

/* "u::rw-,u:1000:rw-,g::r--,m::rw-,o::---", as setfacl(1) takes it; allocated, NULL: out of memory.
 */
char *acl_text(const struct acl *a);

/* "rw-" of a permission. Returns buf. */
const char *acl_perm_text(unsigned perm, char buf[4]);

#endif
