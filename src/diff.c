/* SPDX-License-Identifier: Apache-2.0 */
#include "diff.h"

/*
 * Both texts are cut down to a window: what differs, and the context around it. Within the window
 * lines are compared with the greedy algorithm of E. Myers, "An O(ND) Difference Algorithm and Its
 * Variations" (Algorithmica 1, 1986), whose cost grows with the number of differences. EDITS_MAX
 * bounds the memory of its trace (2 MB), WORK_MAX its time: a unit is one step or 16 bytes
 * compared.
 */
#define EDITS_MAX 1000
#define WORK_MAX  50000000

struct side {
	const char *text;
	size_t from, to; /* the window */
	size_t before;	 /* number of lines before it */
	size_t n;	 /* number of lines in it */
	size_t *start;	 /* n + 1 offsets into text */
	bool *changed;	 /* n lines: not in the other text */
	const char *shown;
	size_t *shown_start; /* n + 1 offsets into it */
};

static void side_done(struct side *s)
{
	if (s->shown_start != s->start)
		free(s->shown_start);
	free(s->start);
	free(s->changed);
}

static size_t prefix_len(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t max = alen < blen ? alen : blen;
	size_t n = 0;

	/* In blocks, which memcmp does many times faster than a loop over bytes. */
	while (max - n >= 4096 && memcmp(a + n, b + n, 4096) == 0)
		n += 4096;
	while (n < max && a[n] == b[n])
		n++;
	while (n && a[n - 1] != '\n')
		n--;
	return n;
}

/* The common suffix in whole lines, of texts that start after the common prefix. */
static size_t suffix_len(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t max = alen < blen ? alen : blen;
	const char *aend = a + alen, *bend = b + blen;
	const char *line;
	size_t n = 0;

	while (max - n >= 4096 && memcmp(aend - n - 4096, bend - n - 4096, 4096) == 0)
		n += 4096;
	while (n < max && aend[-(ptrdiff_t)n - 1] == bend[-(ptrdiff_t)n - 1])
		n++;
	/* It may begin within a line: from the first line break on, it surely does not. */
	line = memchr(aend - n, '\n', n);
	return line ? (size_t)(aend - line - 1) : 0;
}

static size_t count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	size_t n = 0;

	for (const char *p = text; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return n;
}

/* Where the lines of the window begin in what is shown. */
static bool side_show(struct side *s, const struct diff_text *t)
{
	const char *p = t->shown, *end, *nl;

	if (!p) {
		s->shown = s->text;
		s->shown_start = s->start;
		return true;
	}
	s->shown = p;
	s->shown_start = reallocarray(NULL, s->n + 1, sizeof(*s->shown_start));
	if (!s->shown_start)
		return false;
	end = p + t->shown_len;
	for (size_t i = 0; i <= s->before + s->n; i++) {
		if (i >= s->before)
			s->shown_start[i - s->before] = (size_t)(p - t->shown);
		nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		p = nl ? nl + 1 : end;
	}
	return true;
}

static bool side_split(struct side *s)
{
	const char *p = s->text + s->from;
	const char *end = s->text + s->to;
	const char *nl;
	size_t n = 0;

	s->before = count_lines(s->text, s->from);
	s->n = count_lines(p, s->to - s->from);
	if (p < end && end[-1] != '\n')
		s->n++;
	s->start = reallocarray(NULL, s->n + 1, sizeof(*s->start));
	s->changed = calloc(s->n + 1, sizeof(*s->changed));
	if (!s->start || !s->changed)
		return false;
	while (p < end) {
		s->start[n++] = (size_t)(p - s->text);
		nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	s->start[n] = s->to;
	return true;
}

static bool line_equal(const struct side *a, size_t i, const struct side *b, size_t j, long *work)
{
	size_t n = a->start[i + 1] - a->start[i];

	--*work;
	if (n != b->start[j + 1] - b->start[j])
		return false;
	*work -= (long)(n / 16);
	return memcmp(a->text + a->start[i], b->text + b->start[j], n) == 0;
}

/*
 * Marks the changed lines among a[from..a_to) and b[from..b_to). False: too many differences, too
 * much work or no memory, and nothing is marked.
 *
 * Step d holds, for its d + 1 diagonals k = x - y = -d, -d + 2 ... d, how far x gets with d edits.
 * The steps lie one behind the other in `trace`: number i of step d is trace[d * (d + 1) / 2 + i].
 */
static bool mark_changed(struct side *a, size_t a_to, struct side *b, size_t b_to, size_t from)
{
	_cleanup_free_ uint32_t *trace = NULL;
	size_t n = a_to - from, m = b_to - from;
	long work = WORK_MAX;
	size_t cap = 0, d, i, x, y;
	uint32_t *v, *prev;

	if (n > INT32_MAX || m > INT32_MAX)
		return false;
	for (d = 0;; d++) {
		if (d > EDITS_MAX)
			return false;
		if ((d + 1) * (d + 2) / 2 > cap) {
			cap = cap ? cap * 2 : 64;
			v = reallocarray(trace, cap, sizeof(*trace));
			if (!v)
				return false;
			trace = v;
		}
		v = trace + d * (d + 1) / 2;
		prev = v - d;
		for (i = 0; i <= d; i++) {
			if (d == 0)
				x = 0;
			else if (i == 0 || (i != d && prev[i - 1] < prev[i]))
				x = prev[i];
			else
				x = prev[i - 1] + 1;
			y = x + d - 2 * i;
			while (x < n && y < m && work > 0 &&
			       line_equal(a, from + x, b, from + y, &work)) {
				x++;
				y++;
			}
			v[i] = (uint32_t)x;
			if (--work <= 0)
				return false;
			if (x == n && y == m)
				goto found;
		}
	}
found:
	for (; d; d--) {
		v = trace + d * (d + 1) / 2;
		prev = v - d;
		if (i == 0 || (i != d && prev[i - 1] < prev[i])) {
			x = prev[i];
			b->changed[from + x + d - 1 - 2 * i] = true;
		} else {
			i--;
			a->changed[from + prev[i]] = true;
		}
	}
	return true;
}

static void side_compare(struct side *a, struct side *b)
{
	size_t a_to = a->n, b_to = b->n, from = 0;
	long unbounded = 0;

	while (from < a_to && from < b_to && line_equal(a, from, b, from, &unbounded))
		from++;
	while (a_to > from && b_to > from && line_equal(a, a_to - 1, b, b_to - 1, &unbounded)) {
		a_to--;
		b_to--;
	}
	if (mark_changed(a, a_to, b, b_to, from))
		return;
	memset(a->changed + from, true, a_to - from);
	memset(b->changed + from, true, b_to - from);
}

/*
 * How many bytes of `p` are one printable character of UTF-8, 0 for none. Not printable here:
 * controls, and what makes a terminal show something else than what is there (directional marks and
 * other invisible characters, see Unicode TR36).
 */
static size_t printable_len(const char *text, size_t len)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x80, 0x9f },	    { 0xad, 0xad },	{ 0x61c, 0x61c },   { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xd800, 0xdfff },
		{ 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c = p[0];
	size_t n;

	if (c < 0x80)
		return (c >= 0x20 && c < 0x7f) || c == '\t';
	n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n > len)
		return 0;
	c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c & 0xfffe) == 0xfffe)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return 0;
	return n;
}

static void add_shown(struct buf *out, const char *text, size_t len)
{
	size_t from = 0, n;

	for (size_t i = 0; i < len; i += n) {
		n = printable_len(text + i, len - i);
		if (n)
			continue;
		buf_add(out, text + from, i - from);
		buf_addf(out, "\\x%02x", (unsigned char)text[i]);
		n = 1;
		from = i + 1;
	}
	buf_add(out, text + from, len - from);
}

static void add_line(struct buf *out, char mark, const struct side *s, size_t i)
{
	const char *p = s->shown + s->shown_start[i];
	size_t n = s->shown_start[i + 1] - s->shown_start[i];
	bool ended = s->text[s->start[i + 1] - 1] == '\n';

	buf_addc(out, mark);
	add_shown(out, p, n && p[n - 1] == '\n' ? n - 1 : n);
	buf_adds(out, ended ? "\n" : "\n\\ No newline at end of file\n");
}

/* POSIX, diff: the number of a lone line stands for itself, and that of no line is the one before.
 */
static void add_range(struct buf *out, char mark, const struct side *s, size_t from, size_t to)
{
	size_t first = s->before + from + (to > from);

	if (to - from == 1)
		buf_addf(out, "%c%zu", mark, first);
	else
		buf_addf(out, "%c%zu,%zu", mark, first, to - from);
}

static void add_label(struct buf *out, const char *mark, const char *label)
{
	buf_adds(out, mark);
	add_shown(out, label, strlen(label));
	buf_addc(out, '\n');
}

static void add_hunk(struct buf *out, const struct side *a, size_t i, size_t a_to,
		     const struct side *b, size_t j, size_t b_to)
{
	buf_adds(out, "@@ ");
	add_range(out, '-', a, i, a_to);
	buf_addc(out, ' ');
	add_range(out, '+', b, j, b_to);
	buf_adds(out, " @@\n");
	while (i < a_to || j < b_to) {
		while (i < a_to && a->changed[i])
			add_line(out, '-', a, i++);
		while (j < b_to && b->changed[j])
			add_line(out, '+', b, j++);
		while (i < a_to && j < b_to && !a->changed[i] && !b->changed[j]) {
			add_line(out, ' ', a, i++);
			j++;
		}
	}
}

static void add_hunks(struct buf *out, const struct side *a, const struct side *b, size_t context)
{
	size_t i = 0, j = 0, same = 0;
	size_t a_from, b_from;

	while (i < a->n || j < b->n) {
		if (!a->changed[i] && !b->changed[j]) {
			i++;
			j++;
			same++;
			continue;
		}
		if (same > context)
			same = context;
		a_from = i - same;
		b_from = j - same;
		/* Changes whose contexts meet share a hunk. */
		for (same = 0; (i < a->n || j < b->n) && same <= 2 * context;) {
			if (a->changed[i] || b->changed[j]) {
				i += a->changed[i];
				j += b->changed[j];
				same = 0;
			} else {
				i++;
				j++;
				same++;
			}
		}
		if (same > context) {
			i -= same - context;
			j -= same - context;
		}
		add_hunk(out, a, a_from, i, b, b_from, j);
		same = 0;
	}
}

void diff_shown(struct buf *out, const struct diff_text *a, const struct diff_text *b, int context)
{
	size_t around = context > 0 ? (size_t)context : 0;
	_cleanup_(side_done) struct side sa = { .text = a->len ? a->text : "" };
	_cleanup_(side_done) struct side sb = { .text = b->len ? b->text : "" };
	size_t from, tail;
	const char *nl;

	if (a->len == b->len && memcmp(sa.text, sb.text, a->len) == 0)
		return;
	from = prefix_len(sa.text, a->len, sb.text, b->len);
	tail = suffix_len(sa.text + from, a->len - from, sb.text + from, b->len - from);
	for (size_t i = 0; i < around && from; i++) {
		nl = memrchr(sa.text, '\n', from - 1);
		from = nl ? (size_t)(nl - sa.text) + 1 : 0;
	}
	for (size_t i = 0; i < around && tail; i++) {
		nl = memchr(sa.text + a->len - tail, '\n', tail);
		tail = nl ? (size_t)(sa.text + a->len - nl) - 1 : 0;
	}
	sa.from = sb.from = from;
	sa.to = a->len - tail;
	sb.to = b->len - tail;
	if (!side_split(&sa) || !side_split(&sb) || !side_show(&sa, a) || !side_show(&sb, b)) {
		out->failed = true;
		return;
	}
	side_compare(&sa, &sb);
	add_label(out, "--- ", a->label);
	add_label(out, "+++ ", b->label);
	add_hunks(out, &sa, &sb, around);
}

void diff_unified(struct buf *out, const char *a, size_t alen, const char *b, size_t blen,
		  const char *label_a, const char *label_b, int context)
{
	diff_shown(out, &(struct diff_text){ .label = label_a, .text = a, .len = alen },
		   &(struct diff_text){ .label = label_b, .text = b, .len = blen }, context);
}
