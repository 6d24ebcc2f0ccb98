/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

void image_done(struct image *im)
{
	free(im->content);
	for (size_t i = 0; i < im->n_xattrs; i++) {
		free(im->xattrs[i].name);
		free(im->xattrs[i].value);
	}
	free(im->xattrs);
	*im = (struct image){ 0 };
}

int image_copy(const struct image *from, struct image *ret, struct err *e)
{
	struct image im = *from;

	im.content = NULL;
	im.xattrs = NULL;
	im.n_xattrs = 0;
	if (from->content && !(im.content = memdup0(from->content, from->len)))
		return err_oom(e);
	if (from->n_xattrs && !(im.xattrs = calloc(from->n_xattrs, sizeof(*im.xattrs))))
		goto oom;
	for (size_t i = 0; i < from->n_xattrs; i++) {
		struct xattr *x = &im.xattrs[i];

		x->len = from->xattrs[i].len;
		x->name = strdup(from->xattrs[i].name);
		x->value = memdup0(from->xattrs[i].value, x->len);
		im.n_xattrs = i + 1;
		if (!x->name || !x->value)
			goto oom;
	}
	*ret = im;
	return 0;
oom:
	image_done(&im);
	return err_oom(e);
}

const struct xattr *image_xattr(const struct image *im, const char *name)
{
	for (size_t i = 0; i < im->n_xattrs; i++)
		if (streq(im->xattrs[i].name, name))
			return &im->xattrs[i];
	return NULL;
}

static int xattr_cmp(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

void image_xattr_drop(struct image *im, const char *name)
{
	for (size_t i = 0; i < im->n_xattrs; i++) {
		struct xattr *x = &im->xattrs[i];

		if (!streq(x->name, name))
			continue;
		free(x->name);
		free(x->value);
		im->n_xattrs--;
		memmove(x, x + 1, (im->n_xattrs - i) * sizeof(*x));
		return;
	}
}

int image_xattr_set(struct image *im, const char *name, void *value, size_t len, struct err *e)
{
	struct xattr *list = reallocarray(im->xattrs, im->n_xattrs + 1, sizeof(*list));
	char *copy = strdup(name);

	if (list)
		im->xattrs = list;
	if (!list || !copy) {
		free(copy);
		free(value);
		return err_oom(e);
	}
	image_xattr_drop(im, name);
	list[im->n_xattrs++] = (struct xattr){ copy, value, len };
	qsort(list, im->n_xattrs, sizeof(*list), xattr_cmp);
	return 0;
}

/* A planned image of a new file has no label yet: the policy gives it one when the file is made. */
static bool xattrs_within(const struct image *a, const struct image *b)
{
	for (size_t i = 0; i < a->n_xattrs; i++) {
		const struct xattr *x = &a->xattrs[i], *y = image_xattr(b, x->name);

		if (!y && streq(x->name, XATTR_LABEL))
			continue;
		if (!y || y->len != x->len || memcmp(x->value, y->value, x->len) != 0)
			return false;
	}
	return true;
}

bool image_same_attrs(const struct image *a, const struct image *b)
{
	if (a->exists != b->exists)
		return false;
	if (!a->exists)
		return true;
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && xattrs_within(a, b) &&
	       xattrs_within(b, a);
}

#define BLANKS " \t\n"

bool image_same_value(const struct image *a, const struct image *b)
{
	const char *p = a->content ? a->content : "", *q = b->content ? b->content : "";

	for (;;) {
		size_t n, m;

		p += strspn(p, BLANKS);
		q += strspn(q, BLANKS);
		n = strcspn(p, BLANKS);
		m = strcspn(q, BLANKS);
		if (n != m || memcmp(p, q, n) != 0)
			return false;
		if (n == 0)
			return true;
		p += n;
		q += n;
	}
}

bool image_same(const struct image *a, const struct image *b)
{
	if (!image_same_attrs(a, b))
		return false;
	if (!a->exists || S_ISDIR(a->mode))
		return true;
	return a->len == b->len && (!a->len || memcmp(a->content, b->content, a->len) == 0);
}

uint64_t image_sum(const struct image *im)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < im->len; i++)
		sum = (sum ^ (unsigned char)im->content[i]) * 0x100000001b3;
	return sum;
}
