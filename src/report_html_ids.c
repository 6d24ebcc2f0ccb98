/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of subordinate ids on the page. A range is a thousandth of a thousandth of all 32-bit
 * ids: one bar has all of them, with a mark where a range is, and below it each neighbourhood of
 * ranges has a drawing of its own, to its own scale. Lengths are percentages, so that a drawing is
 * as wide as what it is shown on, and its text and hatching keep their form.
 */
#include <inttypes.h>

#include "accounts.h"
#include "html.h"
#include "idmap.h"
#include "idspan.h"
#include "report_html.h"

#define CELLS	   400 /* of the bar of all ids */
#define RANGES_MAX 300 /* drawn and listed one by one */
#define PARTS_MAX  24  /* neighbourhoods */
#define LANES	   4 /* ranges that overlap are drawn below each other, the fifth over the fourth */
#define LANE	   16 /* pixels */

static const char *const file_names[2] = { "subuid", "subgid" };

/* The ranges of each file, and of both side by side. */
struct map {
	const struct idmap *m;
	struct idspans s[2];
	struct idrows rows;
};

static void map_done(struct map *x)
{
	idspans_done(&x->s[0]);
	idspans_done(&x->s[1]);
	free(x->rows.list);
}

static int map_load(const struct idmap *m, struct map *x, struct err *e)
{
	x->m = m;
	if (idspans_of(m, SUBUID, &x->s[SUBUID], e) < 0 ||
	    idspans_of(m, SUBGID, &x->s[SUBGID], e) < 0)
		return e->code;
	return idrows_of(m, x->s, &x->rows, e);
}

static const char *owner_of(const struct idrow *row, char buf[OWNER_SHOWN])
{
	return idmap_owner_shown((row->in[0] ? row->in[0] : row->in[1])->owner, buf);
}

/* --- all ids --- */

static void rect(struct buf *b, const char *class, double from, double to, int y, int height)
{
	buf_addf(b, "<rect class=\"%s\" x=\"%.4f%%\" y=\"%d\" width=\"%.4f%%\" height=\"%d\"/>",
		 class, from, y, to - from, height);
}

/* Cells in a row that are alike make one rectangle. */
static void add_cells(struct buf *b, const int64_t *cells, const char *class)
{
	int64_t now = 0, next;
	size_t begin = 0;

	for (size_t i = 0; i <= CELLS; i++) {
		next = i < CELLS ? now + cells[i] : 0;
		if (now > 0 && next <= 0)
			rect(b, class, 100.0 * (double)begin / CELLS, 100.0 * (double)i / CELLS, 0,
			     20);
		if (now <= 0 && next > 0)
			begin = i;
		now = next;
	}
}

static void mark(int64_t *cells, uint64_t first, uint64_t last)
{
	cells[first * CELLS >> 32]++;
	cells[(last * CELLS >> 32) + 1]--;
}

static void add_all(struct buf *b, const struct map *x, int f)
{
	int64_t given[CELLS + 1] = { 0 }, twice[CELLS + 1] = { 0 };
	uint64_t end = 0;

	for (size_t i = 0; i < x->s[f].n; i++) {
		const struct idspan *s = &x->s[f].list[i];

		mark(given, s->first, s->last);
		if (s->first < end)
			mark(twice, s->first, s->last < end ? s->last : end - 1);
		if (s->last + 1ULL > end)
			end = s->last + 1ULL;
	}
	buf_addf(
		b,
		"<div class=\"track\"><span>%s</span><svg role=\"img\" width=\"100%%\" height=\"20\" "
		"aria-label=\"%s: %zu range%s among all ids\"><rect class=\"free\" width=\"100%%\" "
		"height=\"20\"/>",
		file_names[f], file_names[f], x->s[f].n, x->s[f].n == 1 ? "" : "s");
	add_cells(b, given, "given");
	add_cells(b, twice, "twice");
	buf_adds(b, "</svg></div>\n");
}

/* --- a neighbourhood --- */

struct part {
	size_t from, to; /* of the rows */
	uint32_t first, last;
};

/* Ranges with gaps between them that are not much longer than they are. */
static struct part part_next(const struct map *x, size_t from)
{
	const struct idrow *s = &x->rows.list[from];
	struct part p = { from, from + 1, s->first, s->last };
	uint64_t longest = (uint64_t)s->last - s->first + 1;

	for (; p.to < x->rows.n && p.to < RANGES_MAX; p.to++) {
		uint64_t count;

		s = &x->rows.list[p.to];
		count = (uint64_t)s->last - s->first + 1;
		if (count > longest)
			longest = count;
		if (s->first > p.last && s->first - p.last > 6 * longest)
			break;
		if (s->last > p.last)
			p.last = s->last;
	}
	return p;
}

static double percent(const struct part *p, uint64_t id)
{
	return 100.0 * (double)(id - p->first) / ((double)p->last - p->first + 1);
}

/* Three layers: what overlaps lies over the ranges, and the numbers over that. */
struct layers {
	struct buf ranges, over, numbers;
	int lanes; /* in use */
};

/* `number` is that of the list, where there is room for one; `end` is past all ids so far. */
static void add_range(struct layers *d, const struct idrow *row, const struct part *p, int lane,
		      uint64_t end, size_t number)
{
	double from = percent(p, row->first), to = percent(p, row->last + 1ULL);
	char shown[OWNER_SHOWN];

	buf_adds(&d->ranges, "<g><title>");
	html_addf(&d->ranges, "%s %" PRIu32 "-%" PRIu32, owner_of(row, shown), row->first,
		  row->last);
	buf_adds(&d->ranges, "</title>");
	/* A short one is still to be seen. */
	rect(&d->ranges, "given", from, to - from < 0.5 ? from + 0.5 : to, lane * LANE + 1,
	     LANE - 2);
	buf_adds(&d->ranges, "</g>");
	if (row->first < end)
		rect(&d->over, "twice", from, percent(p, row->last < end ? row->last + 1ULL : end),
		     0, LANES * LANE);
	if (to - from >= 7)
		buf_addf(&d->numbers, "<text x=\"%.4f%%\" dx=\"4\" y=\"%d\">%zu</text>", from,
			 lane * LANE + LANE - 4, number);
}

static void add_layer(struct buf *b, struct buf *layer)
{
	if (layer->len)
		buf_add(b, layer->data, layer->len);
	b->failed |= layer->failed;
	buf_done(layer);
}

/* One file's ranges, in as many lanes as it takes. */
static void add_lanes(struct buf *b, const struct map *x, const struct part *p, int f)
{
	struct layers d = { BUF_INIT, BUF_INIT, BUF_INIT, 1 };
	uint64_t lanes[LANES] = { 0 }, end = 0;

	for (size_t i = p->from; i < p->to; i++) {
		const struct idrow *row = &x->rows.list[i];
		int lane = 0;

		if (!row->in[f])
			continue;
		while (lane < LANES - 1 && row->first < lanes[lane])
			lane++;
		lanes[lane] = row->last + 1ULL;
		if (lane >= d.lanes)
			d.lanes = lane + 1;
		add_range(&d, row, p, lane, end, i + 1);
		if (row->last + 1ULL > end)
			end = row->last + 1ULL;
	}
	buf_addf(
		b,
		"<div class=\"track\"><span>%s</span><svg role=\"img\" width=\"100%%\" height=\"%d\" "
		"aria-label=\"%s from %" PRIu32 " to %" PRIu32
		"\"><rect class=\"free\" width=\"100%%\" height=\"%d\"/>",
		file_names[f], d.lanes * LANE, file_names[f], p->first, p->last, d.lanes * LANE);
	add_layer(b, &d.ranges);
	add_layer(b, &d.over);
	add_layer(b, &d.numbers);
	buf_adds(b, "</svg></div>\n");
}

static void add_part(struct buf *b, const struct map *x, const struct part *p)
{
	buf_addf(b, "<h3>%" PRIu64 " ids from %" PRIu32 "</h3>\n", (uint64_t)p->last - p->first + 1,
		 p->first);
	for (int f = SUBUID; f <= SUBGID; f++)
		add_lanes(b, x, p, f);
	buf_addf(b, "<p class=\"axis\"><span>%" PRIu32 "</span><span>%" PRIu32 "</span></p>\n",
		 p->first, p->last);
}

/* --- the list --- */

static void cell(struct buf *b, const char *label, uint64_t value)
{
	buf_addf(b, "<td role=\"cell\" data-label=\"%s\" class=\"number\">%" PRIu64 "</td>", label,
		 value);
}

static void add_free(struct buf *b, uint64_t first, uint64_t last)
{
	if (first > last)
		return;
	buf_adds(b,
		 "<tr role=\"row\" class=\"gap\"><th scope=\"row\" role=\"rowheader\">free</th>");
	cell(b, "First", first);
	cell(b, "Last", last);
	cell(b, "Ids", last - first + 1);
	buf_adds(b, "<td role=\"cell\" data-label=\"Lines\">–</td></tr>\n");
}

/* `end` is past all ids so far, in each file. */
static void add_row(struct buf *b, const struct idrow *row, size_t number, uint64_t end[2])
{
	bool twice = false, ambiguous = false;
	char shown[OWNER_SHOWN];
	const char *sep = "";

	buf_addf(b,
		 "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><span "
		 "class=\"id\">%zu</span> <code>",
		 number);
	html_add_text(b, owner_of(row, shown));
	buf_adds(b, "</code></th>");
	cell(b, "First", row->first);
	cell(b, "Last", row->last);
	cell(b, "Ids", (uint64_t)row->last - row->first + 1);
	buf_adds(b, "<td role=\"cell\" data-label=\"Lines\">");
	for (int f = SUBUID; f <= SUBGID; f++) {
		if (!row->in[f])
			continue;
		buf_addf(b, "%s%s:%u", sep, file_names[f], row->in[f]->line);
		sep = ", ";
		ambiguous |= row->in[f]->ambiguous;
		twice |= row->first < end[f];
		if (row->last + 1ULL > end[f])
			end[f] = row->last + 1ULL;
	}
	buf_addf(b, "%s%s</td></tr>\n",
		 twice ? " <span class=\"badge failed\">given twice</span>" : "",
		 ambiguous ? " <span class=\"badge drift\">ambiguous</span>" : "");
}

static void add_list(struct buf *b, const struct map *x)
{
	static const char *const columns[] = { "Owner", "First", "Last", "Ids", "Lines" };
	uint64_t next = 65536, end[2] = { 0, 0 };

	buf_adds(
		b,
		"<table role=\"table\" class=\"ids\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		buf_addf(b, "<th scope=\"col\" role=\"columnheader\">%s</th>", columns[i]);
	buf_adds(b, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
	for (size_t i = 0; i < x->rows.n && i < RANGES_MAX; i++) {
		const struct idrow *row = &x->rows.list[i];

		if (row->first > next)
			add_free(b, next, row->first - 1ULL);
		add_row(b, row, i + 1, end);
		if (row->last + 1ULL > next)
			next = row->last + 1ULL;
	}
	if (x->rows.n <= RANGES_MAX)
		add_free(b, next, UINT32_MAX - 1);
	buf_adds(b, "</tbody>\n</table>\n");
	if (x->rows.n > RANGES_MAX)
		buf_addf(b, "<p>And %zu more: <code>bulkhead subids --output json</code></p>\n",
			 x->rows.n - RANGES_MAX);
}

static void add_findings(struct buf *b, const struct idmap_findings *f)
{
	static const char *const badges[][2] = { { "noted", "note" },
						 { "drift", "warning" },
						 { "failed", "error" } };

	if (!f->n) {
		buf_adds(b, "<p>No overlap, and nothing else to say of them.</p>\n");
		return;
	}
	buf_adds(b, "<ul class=\"words\">\n");
	for (size_t i = 0; i < f->n && i < RANGES_MAX; i++) {
		const struct idmap_finding *x = &f->list[i];

		buf_addf(b, "<li><span class=\"badge %s\">%s</span> ", badges[x->severity][0],
			 badges[x->severity][1]);
		if (x->line)
			buf_addf(b, "<code>%s:%u</code> ", file_names[x->file], x->line);
		html_add_text(b, x->text);
		buf_adds(b, "</li>\n");
	}
	if (f->n > RANGES_MAX)
		buf_addf(b, "<li>and %zu more</li>\n", f->n - RANGES_MAX);
	buf_adds(b, "</ul>\n");
}

static void add_map(struct buf *b, const struct map *x, const struct idmap_findings *f)
{
	buf_adds(b,
		 "<svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\"><defs><pattern "
		 "id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
		 "patternTransform=\"rotate(45)\"><rect width=\"3\" height=\"6\"/></pattern>"
		 "</defs></svg>\n");
	for (int i = SUBUID; i <= SUBGID; i++)
		add_all(b, x, i);
	buf_adds(
		b,
		"<p class=\"axis\"><span>0</span><span>all ids</span><span>4294967295</span></p>\n"
		"<p class=\"legend\"><span><i class=\"given\"></i>given</span> <span><i "
		"class=\"twice\"></i>given twice</span> <span><i class=\"free\"></i>free</span></p>"
		"\n");
	for (size_t i = 0, n = 0; i < x->rows.n && i < RANGES_MAX && n < PARTS_MAX; n++) {
		struct part p = part_next(x, i);

		add_part(b, x, &p);
		i = p.to;
	}
	if (x->rows.n)
		add_list(b, x);
	add_findings(b, f);
}

static int load_and_add(struct buf *b, const struct host *h, struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_(map_done) struct map x = { 0 };
	struct idmap_findings f = { 0 };
	const struct idmap *m;

	if (accounts_load(h, &a, e) < 0 || idmap_get(h, &m, e) < 0 || map_load(m, &x, e) < 0 ||
	    idmap_findings(m, &a, h, IDMAP_NOTE, &f, e) < 0)
		return e->code;
	add_map(b, &x, &f);
	idmap_findings_done(&f);
	return 0;
}

void report_html_ids(struct buf *b, const struct host *h)
{
	struct err e;

	buf_adds(b, "<section id=\"ids\">\n<h2>Subordinate ids</h2>\n");
	if (load_and_add(b, h, &e) < 0) {
		buf_adds(b, "<p class=\"words\">They can't be read: ");
		html_add_text(b, e.text);
		buf_adds(b, "</p>\n");
	}
	buf_adds(b, "</section>\n");
}
