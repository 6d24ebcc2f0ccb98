/* SPDX-License-Identifier: Apache-2.0 */
#include "idspan.h"

#include "idmap.h"

int idspans_add(struct idspans *s, uint32_t first, uint32_t last, uint32_t tag, struct err *e)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct idspan *list = reallocarray(s->list, cap, sizeof(*list));

		if (!list)
			return err_oom(e);
		s->list = list;
		s->cap = cap;
	}
	s->list[s->n++] = (struct idspan){ first, last, tag };
	return 0;
}

static bool sorted(const struct idspans *s)
{
	for (size_t i = 1; i < s->n; i++)
		if (s->list[i - 1].first > s->list[i].first)
			return false;
	return true;
}

/* Three passes of a radix sort, the low digit first; 11 bits a digit keep the counters in the
 * first-level cache. */
#define DIGITS 2048

int idspans_sort(struct idspans *s, struct err *e)
{
	_cleanup_free_ struct idspan *other = NULL;

	if (sorted(s)) /* shadow writes the files in this order */
		return 0;
	other = reallocarray(NULL, s->n, sizeof(*other));
	if (!other)
		return err_oom(e);
	for (int shift = 0; shift < 32; shift += 11) {
		size_t at[DIGITS] = { 0 }, sum = 0;
		struct idspan *swap;

		for (size_t i = 0; i < s->n; i++)
			at[(s->list[i].first >> shift) % DIGITS]++;
		for (size_t d = 0; d < DIGITS; d++) {
			size_t n = at[d];

			at[d] = sum;
			sum += n;
		}
		for (size_t i = 0; i < s->n; i++)
			other[at[(s->list[i].first >> shift) % DIGITS]++] = s->list[i];
		swap = s->list;
		s->list = other;
		other = swap;
	}
	s->cap = s->n;
	return 0;
}

int idspan_compare(const struct idmap *m, const struct idspan *x, const struct idspan *y)
{
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->last != y->last)
		return x->last < y->last ? -1 : 1;
	return strcmp(m->lines[x->tag].owner, m->lines[y->tag].owner);
}

struct order {
	const struct idmap *m;
};

static int compare_ties(const void *x, const void *y, void *order)
{
	const struct idspan *a = x, *b = y;
	int c = idspan_compare(((struct order *)order)->m, a, b);

	return c ? c : (a->tag > b->tag) - (a->tag < b->tag);
}

int idspans_of(const struct idmap *m, int file, struct idspans *s, struct err *e)
{
	struct order order = { m };
	int r;

	for (size_t i = 0; i < m->n_lines; i++) {
		struct idrange reading[2];
		size_t n = (int)m->lines[i].file == file ? subid_line_ranges(&m->lines[i], reading)
							 : 0;

		for (size_t k = 0; k < n; k++) {
			uint32_t first, last;

			if (!idrange_clip(&reading[k], &first, &last))
				continue;
			r = idspans_add(s, first, last, (uint32_t)i, e);
			if (r < 0)
				return r;
		}
	}
	r = idspans_sort(s, e);
	if (r < 0)
		return r;
	/* Few have equal first ids. */
	for (size_t i = 0, n; i < s->n; i += n) {
		for (n = 1; i + n < s->n && s->list[i + n].first == s->list[i].first; n++)
			;
		if (n > 1)
			qsort_r(&s->list[i], n, sizeof(*s->list), compare_ties, &order);
	}
	return 0;
}

void idspans_done(struct idspans *s)
{
	free(s->list);
	*s = (struct idspans){ 0 };
}
