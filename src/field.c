/* SPDX-License-Identifier: Apache-2.0 */
#include "field.h"

#include <ctype.h>

#include "buf.h"

#define NEAREST_MAX 48 /* longer names get no "did you mean" */

const struct field *field_find(const struct field *table, const char *name)
{
	for (const struct field *f = table; f && f->type != FIELD_NONE; f++)
		if (streq(f->name, name))
			return f;
	return NULL;
}

int parse_u64(const char *s, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -EINVAL;
	for (const char *p = s; *p; p++)
		if (*p < '0' || *p > '9')
			return -EINVAL;
	for (; *s; s++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
			return -ERANGE;
	*ret = v;
	return 0;
}

int parse_idrange(const char *s, uint32_t *ret_first, uint32_t *ret_last)
{
	const char *dash = strchr(s, '-');
	uint64_t first, last;
	char text[32];
	int r, r_last;

	if (!dash || (size_t)(dash - s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, (size_t)(dash - s));
	text[dash - s] = '\0';
	r = parse_u64(text, &first);
	r_last = parse_u64(dash + 1, &last);
	if (r == -EINVAL || r_last == -EINVAL)
		return -EINVAL;
	if (r || r_last || first > UINT32_MAX || last > UINT32_MAX)
		return -ERANGE;
	if (first > last)
		return -EINVAL;
	*ret_first = (uint32_t)first;
	*ret_last = (uint32_t)last;
	return 0;
}

int parse_mode(const char *s, mode_t *ret)
{
	size_t n = strlen(s);
	mode_t v = 0;

	if (n < 1 || n > 5 || (n == 5 && s[0] != '0'))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '7')
			return -EINVAL;
		v = v << 3 | (mode_t)(*s - '0');
	}
	*ret = v;
	return 0;
}

static void expects_each(const struct field *f, struct buf *b);

static void expects_type(const struct field *f, struct buf *b)
{
	bool bounds = f->min || f->max;

	switch (f->type) {
	case FIELD_BOOL:
		buf_adds(b, f->also ? "true, false" : "true or false");
		break;
	case FIELD_INT:
		if (bounds && f->min == f->max) {
			buf_addf(b, "%lld", f->min);
			break;
		}
		buf_adds(b, "an integer");
		if (bounds)
			buf_addf(b, " from %lld to %lld", f->min, f->max);
		break;
	case FIELD_STRING:
		buf_adds(b, "a text");
		if (f->max)
			buf_addf(b, " of at most %lld bytes", f->max);
		break;
	case FIELD_ENUM:
		buf_adds(b, f->choices[0] && f->choices[1] ? "one of: " : "");
		for (size_t i = 0; f->choices[i]; i++)
			buf_addf(b, "%s%s", i ? ", " : "", f->choices[i]);
		break;
	case FIELD_MODE:
		buf_adds(b, "an octal mode in quotes, like \"0660\"");
		break;
	case FIELD_NAME:
		buf_adds(b, "the name of a user or group, or its id");
		break;
	case FIELD_IDRANGE:
		buf_adds(b, "FIRST-LAST, two decimal ids, like 300000-399999");
		break;
	case FIELD_PATH:
		buf_adds(b, "an absolute path");
		break;
	case FIELD_LIST:
		buf_adds(b, "a list");
		expects_each(f, b);
		break;
	case FIELD_MAP:
		buf_adds(b, "names with values");
		expects_each(f, b);
		break;
	case FIELD_OBJECT:
		buf_adds(b, "settings (");
		for (const struct field *m = f->of; m && m->type != FIELD_NONE; m++)
			buf_addf(b, "%s%s", m == f->of ? "" : ", ", m->name);
		buf_addc(b, ')');
		break;
	case FIELD_NONE:
		break;
	}
	for (size_t i = 0; f->also && f->also[i]; i++)
		buf_addf(b, "%s%s",
			 f->type == FIELD_ENUM ? ", "
			 : f->also[i + 1]      ? ", "
					       : " or ",
			 f->also[i]);
}

static void expects_each(const struct field *f, struct buf *b)
{
	if (!f->of)
		return;
	buf_adds(b, ", each ");
	expects_type(f->of, b);
}

void field_expects(const struct field *f, char *buf, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	expects_type(f, &b);
	snprintf(buf, size, "%s", b.failed || !b.data ? "something else" : b.data);
}

/* Names are compared in lower case with '-' for '_': those are slips of the fingers, too. */
static size_t fold(const char *s, char out[NEAREST_MAX + 1])
{
	size_t n = 0;

	for (; *s; s++) {
		if (n == NEAREST_MAX)
			return 0;
		out[n++] = *s == '_' ? '-' : (char)tolower((unsigned char)*s);
	}
	out[n] = '\0';
	return n;
}

/* Edits between two short texts: insert, delete, replace, swap neighbours (optimal string
 * alignment). */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (unsigned j = 0; j <= m; j++)
		last[j] = j;
	for (unsigned i = 1; i <= n; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= m; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < d)
				d = last[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			now[j] = d;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

struct nearest {
	char given[NEAREST_MAX + 1];
	size_t len;
	const char *best;
	unsigned edits;
	const char *begins; /* a name that begins with what was given */
	unsigned n_begins;
};

static void nearest_try(struct nearest *s, const char *name)
{
	char folded[NEAREST_MAX + 1];
	size_t n = fold(name, folded), longer = n > s->len ? n : s->len;
	unsigned limit = (unsigned)(longer + 1) / 3, d;

	if (!n || !s->len)
		return;
	if (s->len >= 3 && has_prefix(folded, s->given)) {
		s->begins = name;
		s->n_begins++;
	}
	if (limit < 1)
		limit = 1;
	if (limit > 3)
		limit = 3;
	if (longer - (n < s->len ? n : s->len) > limit)
		return;
	d = distance(s->given, s->len, folded, n);
	/* As many edits as letters turn anything into anything. */
	if (d <= limit && d < longer && (!s->best || d < s->edits)) {
		s->best = name;
		s->edits = d;
	}
}

static const char *nearest_result(const struct nearest *s)
{
	return s->best ? s->best : s->n_begins == 1 ? s->begins : NULL;
}

const char *field_nearest(const char *given, const char *const *names)
{
	struct nearest s = { .best = NULL };

	s.len = fold(given, s.given);
	for (; *names; names++)
		nearest_try(&s, *names);
	return nearest_result(&s);
}

const char *field_nearest_name(const char *given, const struct field *table)
{
	struct nearest s = { .best = NULL };

	s.len = fold(given, s.given);
	for (const struct field *f = table; f && f->type != FIELD_NONE; f++)
		nearest_try(&s, f->name);
	return nearest_result(&s);
}
