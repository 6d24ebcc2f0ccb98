/* SPDX-License-Identifier: Apache-2.0 */
/* The map of `bulkhead subids`, for a terminal and as JSON. */
#include "idmap.h"

#include <inttypes.h>

#include "buf.h"
#include "idspan.h"

/* Rows and findings that a terminal is given; JSON has them all. */
#define DRAW_MAX 1000

/* Ids that can be handed out at all: above the host's own, below (uid_t) -1. */
#define USABLE_FIRST 65536u
#define USABLE_LAST  4294967294u

static const char *const file_names[2] = { "subuid", "subgid" };
static const char *const severity_names[] = { "note", "warning", "error" };

int idrows_of(const struct idmap *m, const struct idspans s[2], struct idrows *ret, struct err *e)
{
	size_t i = 0, k = 0;

	ret->list = reallocarray(NULL, s[0].n + s[1].n + 1, sizeof(*ret->list));
	if (!ret->list)
		return err_oom(e);
	while (i < s[0].n || k < s[1].n) {
		const struct idspan *x = i < s[0].n ? &s[0].list[i] : NULL;
		const struct idspan *y = k < s[1].n ? &s[1].list[k] : NULL;
		int c = !x ? 1 : !y ? -1 : idspan_compare(m, x, y);
		const struct idspan *any = c <= 0 ? x : y;
		char shown[OWNER_SHOWN];
		size_t len;

		ret->list[ret->n++] = (struct idrow){
			any->first,
			any->last,
			{ c <= 0 ? &m->lines[x->tag] : NULL, c >= 0 ? &m->lines[y->tag] : NULL },
		};
		i += c <= 0;
		k += c >= 0;
		len = strlen(idmap_owner_shown(m->lines[any->tag].owner, shown));
		if (len > ret->longest)
			ret->longest = (uint32_t)len;
	}
	return 0;
}

static void add_line(struct buf *out, struct buf *line, size_t width, const char *color)
{
	while (line->len && line->data[line->len - 1] == ' ')
		line->len--;
	if (color)
		buf_adds(out, color);
	if (line->len > width) {
		buf_add(out, line->data, width - 1);
		buf_addc(out, '~');
	} else {
		buf_add(out, line->data, line->len);
	}
	if (color)
		buf_adds(out, "\033[0m");
	buf_addc(out, '\n');
	out->failed |= line->failed;
	line->len = 0;
}

/* Adds `mark` to the cells of [first, last]: +1 where it begins, -1 behind where it ends. */
static void cells_mark(int64_t *cells, size_t n, uint32_t first, uint32_t last)
{
	cells[(uint64_t)first * n >> 32]++;
	cells[((uint64_t)last * n >> 32) + 1]--;
}

/* One file as a bar over all 32 bits. */
static int draw_bar(const struct idspans *s, const char *name, size_t n, struct buf *out,
		    struct err *e)
{
	_cleanup_free_ int64_t *cells = calloc(2 * (n + 1), sizeof(*cells));
	int64_t *twice = cells + n + 1, given = 0, both = 0;
	uint64_t end = 0; /* one past the highest id so far */

	if (!cells)
		return err_oom(e);
	for (size_t i = 0; i < s->n; i++) {
		const struct idspan *x = &s->list[i];

		cells_mark(cells, n, x->first, x->last);
		if (x->first < end)
			cells_mark(twice, n, x->first,
				   x->last < end ? x->last : (uint32_t)(end - 1));
		if (x->last + 1ULL > end)
			end = x->last + 1ULL;
	}
	buf_addf(out, "%s [", name);
	for (size_t c = 0; c < n; c++) {
		given += cells[c];
		both += twice[c];
		buf_addc(out, both ? '!' : given ? '#' : '.');
	}
	buf_adds(out, "]\n");
	return 0;
}

static int draw_bars(const struct idspans s[2], int width, struct buf *out, struct err *e)
{
	_cleanup_buf_ struct buf legend = BUF_INIT;
	size_t n = (size_t)width - 9;
	int r;

	for (int f = SUBUID; f <= SUBGID; f++) {
		r = draw_bar(&s[f], file_names[f], n, out, e);
		if (r < 0)
			return r;
	}
	buf_addf(out, "        0%*s\n", (int)n - 1, "4294967295");
	buf_addf(&legend, "        # given  ! given twice  . free; a column is %" PRIu64 " ids",
		 ((uint64_t)1 << 32) / n);
	add_line(out, &legend, (size_t)width, NULL);
	buf_addc(out, '\n');
	return 0;
}

/* `end` is one past the highest id so far, of each file. */
static void draw_row(const struct idrow *row, uint64_t end[2], uint32_t owner_width, size_t width,
		     bool color, struct buf *out)
{
	const struct subid_line *l = row->in[0] ? row->in[0] : row->in[1];
	_cleanup_buf_ struct buf line = BUF_INIT;
	char shown[OWNER_SHOWN];
	bool overlaps = false, ambiguous = false;

	for (int f = SUBUID; f <= SUBGID; f++)
		if (row->in[f]) {
			overlaps |= row->first < end[f];
			ambiguous |= row->in[f]->ambiguous;
			if (row->last + 1ULL > end[f])
				end[f] = row->last + 1ULL;
		}

	buf_addf(&line, "%c %10" PRIu32 " %10" PRIu32 " %10" PRIu64 "  %-*s ", overlaps ? '!' : ' ',
		 row->first, row->last, (uint64_t)row->last - row->first + 1, (int)owner_width,
		 idmap_owner_shown(l->owner, shown));
	for (int f = SUBUID; f <= SUBGID; f++)
		if (row->in[f])
			buf_addf(&line, " %s:%u", file_names[f], row->in[f]->line);

	if (ambiguous)
		buf_adds(&line, " (ambiguous)");
	add_line(out, &line, width, !color ? NULL : overlaps ? "\033[31m" : "\033[1m");
}

static void draw_gap(uint64_t first, uint64_t last, size_t width, bool color, struct buf *out)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	if (first > last)
		return;
	buf_addf(&line, "  %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "  . free", first, last,
		 last - first + 1);
	add_line(out, &line, width, color ? "\033[2m" : NULL);
}

static void draw_rows(const struct idrows *rows, size_t width, bool color, struct buf *out)
{
	uint32_t owner_width = rows->longest < 5 ? 5 : rows->longest;
	_cleanup_buf_ struct buf line = BUF_INIT;
	uint64_t next = USABLE_FIRST, end[2] = { 0, 0 };

	/* Where the files' columns would fall off, a long name makes room. */
	if (owner_width + 56 > width && owner_width > 16)
		owner_width = width > 72 ? (uint32_t)width - 56 : 16;
	buf_addf(&line, "  %10s %10s %10s  %-*s  %s", "FIRST", "LAST", "COUNT", (int)owner_width,
		 "OWNER", "LINES");
	add_line(out, &line, width, NULL);
	for (size_t i = 0; i < rows->n && i < DRAW_MAX; i++) {
		const struct idrow *row = &rows->list[i];
		if (row->first > next)
			draw_gap(next, row->first - 1ULL, width, color, out);
		draw_row(row, end, owner_width, width, color, out);
		if (row->last + 1ULL > next)
			next = row->last + 1ULL;
	}
	if (rows->n > DRAW_MAX)
		buf_addf(out, "  ... and %zu more ranges: --output json has them all\n",
			 rows->n - DRAW_MAX);
	else
		draw_gap(next, USABLE_LAST, width, color, out);
}

/* Text in lines of `width`, all but the first set in by `indent`; the first has `used` columns. */
static void add_wrapped(struct buf *out, const char *text, size_t used, size_t indent, size_t width)
{
	const char *word = text;

	while (*word) {
		size_t len = strcspn(word, " ");

		if (used + (word != text) + len > width && used > indent) {
			buf_addf(out, "\n%*s", (int)indent, "");
			used = indent;
		} else if (word != text) {
			buf_addc(out, ' ');
			used++;
		}
		for (; used + len > width; len -= width - used, used = indent) {
			buf_add(out, word, width - used);
			buf_addf(out, "\n%*s", (int)indent, "");
			word += width - used;
		}
		buf_add(out, word, len);
		used += len;
		word += len + (word[len] == ' ');
	}
	buf_addc(out, '\n');
}

static void draw_findings(const struct idmap_findings *f, size_t width, bool color, struct buf *out)
{
	static const char *const colors[] = { "", "\033[33m", "\033[1;31m" };

	buf_adds(out, f->n ? "\nFindings\n" : "\nNo findings.\n");
	for (size_t i = 0; i < f->n && i < DRAW_MAX; i++) {
		const struct idmap_finding *x = &f->list[i];
		char where[32] = "";

		if (x->line)
			snprintf(where, sizeof(where), "%s:%u: ", file_names[x->file], x->line);
		buf_addf(out, "  %s%-7s%s  %s", color ? colors[x->severity] : "",
			 severity_names[x->severity], color ? "\033[0m" : "", where);
		add_wrapped(out, x->text, 11 + strlen(where), 11, width);
	}
	if (f->n > DRAW_MAX)
		buf_addf(out, "  ... and %zu more findings: --output json has them all\n",
			 f->n - DRAW_MAX);
}

static int spans_and_rows(const struct idmap *m, struct idspans s[2], struct idrows *rows,
			  struct err *e)
{
	int r = idspans_of(m, SUBUID, &s[SUBUID], e);

	if (r == 0)
		r = idspans_of(m, SUBGID, &s[SUBGID], e);
	return r == 0 ? idrows_of(m, s, rows, e) : r;
}

int idmap_draw(const struct idmap *m, const struct idmap_findings *f, int width, bool color,
	       char **ret, struct err *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct idspans s[2] = { { 0 } };
	struct idrows rows = { 0 };
	int r;

	if (width < 40)
		width = 40;
	else if (width > 1000)
		width = 1000;
	r = spans_and_rows(m, s, &rows, e);
	if (r == 0)
		r = draw_bars(s, width, &out, e);
	if (r == 0) {
		draw_rows(&rows, (size_t)width, color, &out);
		draw_findings(f, (size_t)width, color, &out);
		*ret = buf_take(&out, NULL);
		if (!*ret)
			r = err_oom(e);
	}
	free(rows.list);
	idspans_done(&s[0]);
	idspans_done(&s[1]);
	return r;
}

/* Docker's numbers are signed, shadow's are not; what no JSON integer of ours holds becomes the
 * largest. */
static json_t *json_reading(bool by, const struct idrange *r, bool is_signed)
{
	if (!by)
		return json_null();
	return json_pack("{s:I, s:I}", "start",
			 (json_int_t)(r->start > INT64_MAX && !is_signed ? INT64_MAX : r->start),
			 "count",
			 (json_int_t)(r->count > INT64_MAX && !is_signed ? INT64_MAX : r->count));
}

static json_t *json_ranges(const struct idmap *m)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < m->n_lines; i++) {
		const struct subid_line *l = &m->lines[i];
		char owner[OWNER_SHOWN];

		if (json_array_append_new(
			    list, json_pack("{s:s, s:i, s:s, s:o, s:o, s:b}", "file",
					    file_names[l->file], "line", (int)l->line, "owner",
					    idmap_owner_shown(l->owner, owner), "shadow",
					    json_reading(l->by_shadow, &l->shadow, false), "docker",
					    json_reading(l->by_docker, &l->docker, true),
					    "ambiguous", l->ambiguous)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What neither file gives to anybody. */
static json_t *json_gaps(const struct idrows *rows)
{
	json_t *list = json_array();
	uint64_t next = USABLE_FIRST;

	for (size_t i = 0; list && i <= rows->n; i++) {
		uint64_t first = i < rows->n ? rows->list[i].first : USABLE_LAST + 1ULL;

		if (first > next &&
		    json_array_append_new(list,
					  json_pack("{s:I, s:I, s:I}", "first", (json_int_t)next,
						    "last", (json_int_t)(first - 1), "count",
						    (json_int_t)(first - next))) < 0) {
			json_decref(list);
			return NULL;
		}
		if (i < rows->n && rows->list[i].last + 1ULL > next)
			next = rows->list[i].last + 1ULL;
	}
	return list;
}

static json_t *json_findings(const struct idmap_findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < f->n; i++) {
		const struct idmap_finding *x = &f->list[i];
		json_t *o = json_pack("{s:s, s:s, s:s}", "severity", severity_names[x->severity],
				      "class", x->class, "text", x->text);
		int bad = !o;

		if (o && x->line)
			bad |= json_object_set_new(o, "file", json_string(file_names[x->file])) |
			       json_object_set_new(o, "line", json_integer(x->line));
		if (o && x->other_line)
			bad |= json_object_set_new(o, "other_line", json_integer(x->other_line));
		if (o && (x->first || x->last))
			bad |= json_object_set_new(o, "first", json_integer((json_int_t)x->first)) |
			       json_object_set_new(o, "last", json_integer((json_int_t)x->last));
		if (bad) {
			json_decref(o);
			json_decref(list);
			return NULL;
		}
		if (json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *idmap_json(const struct idmap *m, const struct idmap_findings *f)
{
	struct idspans s[2] = { { 0 } };
	struct idrows rows = { 0 };
	json_t *all = NULL;
	struct err ignored;

	if (spans_and_rows(m, s, &rows, &ignored) == 0)
		all = json_pack("{s:{s:b, s:b}, s:s?, s:o, s:o, s:o}", "files", "subuid",
				m->exists[SUBUID], "subgid", m->exists[SUBGID], "nss", m->nss,
				"ranges", json_ranges(m), "gaps", json_gaps(&rows), "findings",
				json_findings(f));
	free(rows.list);
	idspans_done(&s[0]);
	idspans_done(&s[1]);
	return all;
}
