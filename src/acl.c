/* SPDX-License-Identifier: Apache-2.0 */
#include "acl.h"

#include <endian.h>
#include <inttypes.h>

#include "buf.h"

/* linux/posix_acl_xattr.h: a version, then entries; all of it little-endian. */
#define XATTR_VERSION 2
#define HEADER	      4
#define ENTRY	      8
#define UNDEFINED_ID  UINT32_MAX

#define PERMS 07u

void acl_done(struct acl *a)
{
	free(a->list);
	*a = (struct acl){ 0 };
}

static bool named(enum acl_tag tag)
{
	return tag == ACL_TAG_USER || tag == ACL_TAG_GROUP;
}

/* Bits that the mask limits, acl(5). */
static bool masked(enum acl_tag tag)
{
	return named(tag) || tag == ACL_TAG_OWNING_GROUP;
}

static int compare(const struct acl_line *l, enum acl_tag tag, uint32_t id)
{
	if (l->tag != tag)
		return l->tag < tag ? -1 : 1;
	if (!named(tag) || l->id == id)
		return 0;
	return l->id < id ? -1 : 1;
}

/* Where an entry stands, or has to. */
static size_t place(const struct acl *a, enum acl_tag tag, uint32_t id)
{
	size_t from = 0, to = a->n;

	while (from < to) {
		size_t i = from + (to - from) / 2;

		if (compare(&a->list[i], tag, id) < 0)
			from = i + 1;
		else
			to = i;
	}
	return from;
}

static struct acl_line *find(const struct acl *a, enum acl_tag tag, uint32_t id)
{
	size_t i = place(a, tag, id);

	return i < a->n && compare(&a->list[i], tag, id) == 0 ? &a->list[i] : NULL;
}

const struct acl_line *acl_get(const struct acl *a, enum acl_tag tag, uint32_t id)
{
	return find(a, tag, id);
}

int acl_put(struct acl *a, enum acl_tag tag, uint32_t id, unsigned perm, struct err *e)
{
	size_t i = place(a, tag, id);
	struct acl_line *list;

	if (i < a->n && compare(&a->list[i], tag, id) == 0) {
		a->list[i].perm = perm & PERMS;
		return 0;
	}
	list = reallocarray(a->list, a->n + 1, sizeof(*list));
	if (!list)
		return err_oom(e);
	a->list = list;
	memmove(&list[i + 1], &list[i], (a->n - i) * sizeof(*list));
	list[i] = (struct acl_line){ tag, perm & PERMS, named(tag) ? id : 0 };
	a->n++;
	return 0;
}

void acl_drop(struct acl *a, enum acl_tag tag, uint32_t id)
{
	struct acl_line *l = find(a, tag, id);

	if (!l)
		return;
	a->n--;
	memmove(l, l + 1, (size_t)(&a->list[a->n] - l) * sizeof(*l));
}

int acl_of_mode(mode_t mode, struct acl *ret, struct err *e)
{
	_cleanup_acl_ struct acl a = { 0 };

	if (acl_put(&a, ACL_TAG_OWNER, 0, mode >> 6, e) < 0 ||
	    acl_put(&a, ACL_TAG_OWNING_GROUP, 0, mode >> 3, e) < 0 ||
	    acl_put(&a, ACL_TAG_OTHER, 0, mode, e) < 0)
		return e->code;
	*ret = a;
	a = (struct acl){ 0 };
	return 0;
}

static uint32_t read32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint16_t read16(const unsigned char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static int parse(const struct xattr *x, struct acl *ret, struct err *e)
{
	_cleanup_acl_ struct acl a = { 0 };
	const unsigned char *p = x->value;

	if (x->len < HEADER || (x->len - HEADER) % ENTRY || read32(p) != XATTR_VERSION)
		return err_set(e, EINVAL, "%s is not an ACL that is known here", x->name);
	for (size_t at = HEADER; at < x->len; at += ENTRY) {
		unsigned tag = read16(p + at);

		if (!tag || tag > ACL_TAG_OTHER || (tag & (tag - 1)))
			return err_set(e, EINVAL, "%s holds an entry of unknown kind %u", x->name,
				       tag);
		if (acl_put(&a, (enum acl_tag)tag, read32(p + at + 4), read16(p + at + 2), e) < 0)
			return e->code;
	}
	*ret = a;
	a = (struct acl){ 0 };
	return 0;
}

int acl_of_image(const struct image *im, struct acl *ret, struct err *e)
{
	const struct xattr *x = image_xattr(im, XATTR_ACL);

	return x ? parse(x, ret, e) : acl_of_mode(im->mode, ret, e);
}

int acl_default_of_image(const struct image *im, struct acl *ret, struct err *e)
{
	const struct xattr *x = image_xattr(im, XATTR_ACL_DEFAULT);

	if (x)
		return parse(x, ret, e);
	*ret = (struct acl){ 0 };
	return 0;
}

int acl_copy(const struct acl *from, struct acl *ret, struct err *e)
{
	struct acl_line *list = NULL;

	if (from->n) {
		list = calloc(from->n, sizeof(*list));
		if (!list)
			return err_oom(e);
		memcpy(list, from->list, from->n * sizeof(*list));
	}
	*ret = (struct acl){ list, from->n };
	return 0;
}

bool acl_same(const struct acl *a, const struct acl *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (compare(&a->list[i], b->list[i].tag, b->list[i].id) != 0 ||
		    a->list[i].perm != b->list[i].perm)
			return false;
	return true;
}

/* chmod(2) sets the mask instead of the group's bits where there is one, acl(5). */
bool acl_same_but_mode(const struct xattr *a, const struct xattr *b)
{
	const unsigned char *p = a->value, *q = b->value;

	if (a->len != b->len || a->len < HEADER || (a->len - HEADER) % ENTRY)
		return false;
	for (size_t at = HEADER; at < a->len; at += ENTRY) {
		unsigned tag = read16(p + at);

		if (memcmp(p + at, q + at, 2) != 0 || memcmp(p + at + 4, q + at + 4, 4) != 0 ||
		    (masked((enum acl_tag)tag) && memcmp(p + at + 2, q + at + 2, 2) != 0))
			return false;
	}
	return true;
}

bool acl_is_extended(const struct acl *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (named(a->list[i].tag) || a->list[i].tag == ACL_TAG_MASK)
			return true;
	return false;
}

static unsigned mask_of(const struct acl *a)
{
	const struct acl_line *mask = find(a, ACL_TAG_MASK, 0);

	return mask ? mask->perm : PERMS;
}

unsigned acl_effective(const struct acl *a, const struct acl_line *l)
{
	return masked(l->tag) ? l->perm & mask_of(a) : l->perm;
}

/* What all whom the mask limits have, together: acl_calc_mask(3). */
static unsigned together(const struct acl *a)
{
	unsigned perm = 0;

	for (size_t i = 0; i < a->n; i++)
		if (masked(a->list[i].tag))
			perm |= a->list[i].perm;
	return perm;
}

int acl_grant(struct acl *a, enum acl_tag tag, uint32_t id, unsigned perm,
	      bool (*ours)(void *arg, const struct acl_line *l), void *arg, struct err *e)
{
	const struct acl_line *had = find(a, ACL_TAG_MASK, 0);
	unsigned mask = had ? had->perm : together(a);

	for (size_t i = 0; i < a->n && (perm & ~mask); i++) {
		struct acl_line *l = &a->list[i];

		if (masked(l->tag) && !(ours && ours(arg, l)))
			l->perm &= mask;
	}
	if (acl_put(a, tag, id, perm, e) < 0)
		return e->code;
	return acl_put(a, ACL_TAG_MASK, 0, mask | perm, e);
}

int acl_revoke(struct acl *a, enum acl_tag tag, uint32_t id, struct err *e)
{
	unsigned mask = mask_of(a);
	struct acl_line *group;

	acl_drop(a, tag, id);
	for (size_t i = 0; i < a->n; i++)
		if (named(a->list[i].tag))
			return acl_put(a, ACL_TAG_MASK, 0, mask & together(a), e);
	acl_drop(a, ACL_TAG_MASK, 0);
	group = find(a, ACL_TAG_OWNING_GROUP, 0);
	if (group)
		group->perm &= mask;
	return 0;
}

static unsigned perm_of(const struct acl *a, enum acl_tag tag)
{
	const struct acl_line *l = find(a, tag, 0);

	return l ? l->perm : 0;
}

mode_t acl_mode(const struct acl *a)
{
	enum acl_tag group = find(a, ACL_TAG_MASK, 0) ? ACL_TAG_MASK : ACL_TAG_OWNING_GROUP;

	return perm_of(a, ACL_TAG_OWNER) << 6 | perm_of(a, group) << 3 | perm_of(a, ACL_TAG_OTHER);
}

int acl_bytes(const struct acl *a, void **ret, size_t *ret_len, struct err *e)
{
	size_t len = HEADER + a->n * ENTRY;
	unsigned char *bytes = malloc(len);
	uint32_t version = htole32(XATTR_VERSION);

	if (!bytes)
		return err_oom(e);
	memcpy(bytes, &version, HEADER);
	for (size_t i = 0; i < a->n; i++) {
		const struct acl_line *l = &a->list[i];
		uint16_t tag = htole16((uint16_t)l->tag), perm = htole16((uint16_t)l->perm);
		uint32_t id = htole32(named(l->tag) ? l->id : UNDEFINED_ID);
		unsigned char *p = bytes + HEADER + i * ENTRY;

		memcpy(p, &tag, 2);
		memcpy(p + 2, &perm, 2);
		memcpy(p + 4, &id, 4);
	}
	*ret = bytes;
	*ret_len = len;
	return 0;
}

const char *acl_perm_text(unsigned perm, char buf[4])
{
	snprintf(buf, 4, "%c%c%c", perm & ACL_R ? 'r' : '-', perm & ACL_W ? 'w' : '-',
		 perm & ACL_X ? 'x' : '-');
	return buf;
}

static char tag_letter(enum acl_tag tag)
{
	switch (tag) {
	case ACL_TAG_OWNER:
	case ACL_TAG_USER:
		return 'u';
	case ACL_TAG_OWNING_GROUP:
	case ACL_TAG_GROUP:
		return 'g';
	case ACL_TAG_MASK:
		return 'm';
	case ACL_TAG_OTHER:
		break;
	}
	return 'o';
}

char *acl_text(const struct acl *a)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char perm[4];

	buf_adds(&b, "");
	for (size_t i = 0; i < a->n; i++) {
		const struct acl_line *l = &a->list[i];

		buf_addf(&b, "%s%c:", i ? "," : "", tag_letter(l->tag));
		if (named(l->tag))
			buf_addf(&b, "%" PRIu32, l->id);
		buf_addf(&b, ":%s", acl_perm_text(l->perm, perm));
	}
	return buf_take(&b, NULL);
}
