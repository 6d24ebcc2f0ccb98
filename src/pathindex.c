/* SPDX-License-Identifier: Apache-2.0 */
#include "pathindex.h"

void pathindex_done(struct pathindex *x)
{
	free(x->slots);
	*x = (struct pathindex){ 0 };
}

/* FNV-1a. Paths that collide cost time, no more: names are chosen by whoever may write a volume, so
 * the sum begins with an address, which they don't know. */
static size_t sum_of(const struct pathindex *x, const char *path)
{
	uint64_t sum = 0xcbf29ce484222325 ^ (uint64_t)(uintptr_t)x->slots;

	for (; *path; path++)
		sum = (sum ^ (unsigned char)*path) * 0x100000001b3;
	return (size_t)(sum ^ sum >> 32);
}

/* The slot of a path, or the free one where it has to go; cap is a power of two. */
static struct pathindex_slot *slot_of(const struct pathindex *x, const char *path)
{
	size_t i = sum_of(x, path) & (x->cap - 1);

	while (x->slots[i].path && !streq(x->slots[i].path, path))
		i = (i + 1) & (x->cap - 1);
	return &x->slots[i];
}

static int grow(struct pathindex *x, struct err *e)
{
	struct pathindex larger = { .cap = x->cap ? x->cap * 2 : 64, .n = x->n };

	larger.slots = calloc(larger.cap, sizeof(*larger.slots));
	if (!larger.slots)
		return err_oom(e);
	for (size_t i = 0; i < x->cap; i++)
		if (x->slots[i].path)
			*slot_of(&larger, x->slots[i].path) = x->slots[i];
	free(x->slots);
	*x = larger;
	return 0;
}

int pathindex_add(struct pathindex *x, const char *path, size_t at, struct err *e)
{
	struct pathindex_slot *s;

	if (x->n * 2 >= x->cap && grow(x, e) < 0)
		return e->code;
	s = slot_of(x, path);
	x->n += !s->path;
	*s = (struct pathindex_slot){ path, at };
	return 0;
}

bool pathindex_find(const struct pathindex *x, const char *path, size_t *ret_at)
{
	const struct pathindex_slot *s = x->cap ? slot_of(x, path) : NULL;

	if (!s || !s->path)
		return false;
	*ret_at = s->at;
	return true;
}
