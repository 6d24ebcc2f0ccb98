/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <setjmp.h>

#include "buf.h"
#include "json_scan.h"

#define INLINE_MAX 60 /* an array of scalars longer than this gets a line for each item */

/* Says what jansson refused in a text that the grammar allows. */
static int refused(struct json_scan *s, const json_error_t *je)
{
	size_t at = je->position > 0 ? (size_t)je->position - 1 : 0;
	const char *near;

	if (at > s->len)
		at = s->len;
	switch (json_error_code(je)) {
	case json_error_out_of_memory:
		return err_oom(s->e);
	case json_error_duplicate_key:
		s->find_duplicates = true;
		if (json_scan_document(s) < 0)
			return s->e->code;
		break;
	case json_error_invalid_utf8:
		/* It is counted when it is decoded, which this byte was not. */
		return json_scan_fail(s, (size_t)je->position, "the text is not UTF-8");
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return json_scan_fail(s, at, "\\u0000 is not allowed in a string");
	case json_error_numeric_overflow:
		while (at && at < s->len && strchr("+-.0123456789Ee", s->text[at - 1]))
			at--;
		return json_scan_fail(s, at, "this number is too large");
	default:
		break;
	}
	/* What follows is a piece of the text, which may hold anything. */
	near = strstr(je->text, " near ");
	return json_scan_fail(s, at, "%.*s", near ? (int)(near - je->text) : (int)strlen(je->text),
			      je->text);
}

static bool blank_only(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!json_is_blank(text[i]))
			return false;
	return true;
}

/*
 * jansson passes over allocations that fail. Its lexer leaves out the byte it had no room for, and
 * copies a string that so lost its closing quote until the next one, wherever that is (lex_save()
 * and lex_scan_string() of its load.c, 2.14); a copy of an object lacks members (json_object_copy()
 * of value.c); a text lacks a part of a name (do_dump() of dump.c). So what fails in there doesn't
 * return there. What had been built is lost, but then there is no memory to go on with.
 */
struct guard {
	jmp_buf out_of_memory;
	json_malloc_t with;
	json_free_t without;
};
static _Thread_local struct guard *guard;

static void *malloc_or_leave(size_t size)
{
	void *p = guard->with(size);

	if (!p)
		longjmp(guard->out_of_memory, 1);
	return p;
}

static void guard_begin(struct guard *g)
{
	guard = g;
	json_get_alloc_funcs(&g->with, &g->without);
	json_set_alloc_funcs(malloc_or_leave, g->without);
}

static void guard_end(void)
{
	json_set_alloc_funcs(guard->with, guard->without);
}

int json_load(const char *text, size_t len, size_t flags, json_t **ret, json_error_t *je)
{
	struct guard g;

	guard_begin(&g);
	if (setjmp(g.out_of_memory)) {
		guard_end();
		return -ENOMEM;
	}
	*ret = json_loadb(text, len, flags, je);
	guard_end();
	return *ret ? 0 : -EINVAL;
}

json_t *json_clone(const json_t *value, bool deep)
{
	json_t *copy;
	struct guard g;

	guard_begin(&g);
	if (setjmp(g.out_of_memory)) {
		guard_end();
		return NULL;
	}
	copy = deep ? json_deep_copy(value) : json_copy((json_t *)(uintptr_t)value);
	guard_end();
	return copy;
}

char *json_text(const json_t *value, size_t flags)
{
	struct guard g;
	char *text;

	guard_begin(&g);
	if (setjmp(g.out_of_memory)) {
		guard_end();
		return NULL;
	}
	text = json_dumps(value, flags);
	guard_end();
	return text;
}

int json_parse_object(const char *text, size_t len, json_t **ret, struct err *e)
{
	struct json_scan s = { .text = text, .len = len, .e = e };
	json_error_t je;
	json_t *doc;
	int r;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return json_scan_fail(&s, 0, "the file starts with a byte-order mark: remove it");
	if (blank_only(text, len)) {
		doc = json_object();
		if (!doc)
			return err_oom(e);
		*ret = doc;
		return 0;
	}
	r = json_scan_document(&s);
	if (r < 0)
		return r;
	r = json_load(text, len, JSON_REJECT_DUPLICATES, &doc, &je);
	if (r < 0)
		return r == -ENOMEM ? err_oom(e) : refused(&s, &je);
	*ret = doc;
	return 0;
}

struct slice {
	const char *p;
	size_t n;
};

/* How a document is written, so that what is added looks like what is there. */
struct style {
	bool lines;		 /* members stand on lines of their own */
	const char *newline;	 /* "\n" or "\r\n" */
	struct slice base, unit; /* indentation of the top object, and of each level in it */
	struct slice gap;	 /* between two members, with the comma; n == 0: comma, new line */
	struct slice colon;	 /* between a name and its value */
	const char *item_gap;	 /* between two items on one line */
};

/* What the replaced value looks like. */
enum shape {
	SHAPE_FREE,
	SHAPE_INLINE,
	SHAPE_SPREAD,
};

static struct slice slice_of(const char *text, size_t from, size_t to)
{
	return (struct slice){ text + from, to - from };
}

static struct slice literal(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void add_slice(struct buf *out, struct slice s)
{
	buf_add(out, s.p, s.n);
}

static bool has_char(struct slice s, char c)
{
	return memchr(s.p, c, s.n);
}

static struct slice line_indent(const char *text, size_t at)
{
	size_t from = at, to;

	while (from && text[from - 1] != '\n')
		from--;
	for (to = from; to < at && (text[to] == ' ' || text[to] == '\t');)
		to++;
	return slice_of(text, from, to);
}

static void style_find(struct style *st, const struct json_scan *s)
{
	const char *nl = memchr(s->text, '\n', s->len);
	const struct json_member *m = s->members;
	struct slice open = { 0 }, gap, colon, indent;

	*st = (struct style){
		.newline = nl && nl > s->text && nl[-1] == '\r' ? "\r\n" : "\n",
		.base = line_indent(s->text, s->open),
		.unit = literal("  "),
		.gap = literal(""),
		.colon = literal(": "),
		.item_gap = ", ",
	};
	if (s->n == 0) {
		st->lines = true;
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		colon = slice_of(s->text, m[i].key_end, m[i].value);
		/* Longer ones align a column of values. */
		if (colon.n <= strlen(" : ") && !has_char(colon, '\n'))
			st->colon = colon;
		if (i == 0)
			continue;
		gap = slice_of(s->text, m[i - 1].end, m[i].start);
		if (has_char(gap, '\n') || !st->lines)
			st->gap = gap;
		st->lines |= has_char(gap, '\n');
	}
	open = slice_of(s->text, s->open + 1, m[0].start);
	if (s->n == 1)
		st->lines = has_char(open, '\n');
	if (!st->lines) {
		if (s->n == 1)
			st->gap = literal(open.n || has_char(st->colon, ' ') ? ", " : ",");
		st->item_gap = has_char(st->gap, ' ') ? ", " : ",";
		return;
	}
	indent = line_indent(s->text, m[s->n - 1].start);
	if (indent.n < st->base.n || memcmp(indent.p, st->base.p, st->base.n) != 0)
		st->base.n = 0;
	st->unit = (struct slice){ indent.p + st->base.n, indent.n - st->base.n };
}

static void add_newline(struct buf *out, const struct style *st, unsigned int level)
{
	buf_adds(out, st->newline);
	add_slice(out, st->base);
	while (level--)
		add_slice(out, st->unit);
}

/* As the gap that is copied, but without its empty lines: those set paragraphs apart. */
static void add_gap(struct buf *out, const struct style *st)
{
	const char *p = st->gap.p, *end = p + st->gap.n;
	const char *to, *nl;

	if (!st->gap.n) {
		buf_addc(out, ',');
		add_newline(out, st, 1);
		return;
	}
	while (p < end) {
		for (to = p; to < end && *to != ',';)
			to++;
		nl = memrchr(p, '\n', (size_t)(to - p));
		if (nl) {
			buf_adds(out, st->newline);
			p = nl + 1;
		}
		buf_add(out, p, (size_t)(to - p));
		if (to < end)
			buf_addc(out, *to++);
		p = to;
	}
}

static int add_bytes(const char *bytes, size_t n, void *out)
{
	buf_add(out, bytes, n);
	return 0;
}

static void add_scalar(struct buf *out, json_t *v, size_t flags)
{
	if (json_dump_callback(v, add_bytes, out, JSON_ENCODE_ANY | flags) < 0)
		out->failed = true;
}

/* The shortest spelling that reads back as the same number: 0.1, not 0.10000000000000001. */
static void add_real(struct buf *out, json_t *v)
{
	for (size_t digits = 15;; digits++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		_cleanup_json_ json_t *back = NULL;

		add_scalar(&text, v, JSON_REAL_PRECISION(digits));
		if (text.failed) {
			out->failed = true;
			return;
		}
		if (json_load(text.data, text.len, JSON_DECODE_ANY, &back, NULL) == -ENOMEM) {
			out->failed = true;
			return;
		}
		if (digits == 17 || (back && json_equal(back, v))) {
			buf_add(out, text.data, text.len);
			return;
		}
	}
}

static void add_name(struct buf *out, const struct style *st, const char *name)
{
	_cleanup_json_ json_t *key = json_string(name);

	if (!key) {
		out->failed = true;
		return;
	}
	add_scalar(out, key, 0);
	add_slice(out, st->colon);
}

static bool only_scalars(json_t *array)
{
	json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (json_is_array(item) || json_is_object(item))
			return false;
	return true;
}

static void add_value(struct buf *out, const struct style *st, json_t *v, unsigned int level,
		      enum shape shape);

static void add_item_lead(struct buf *out, const struct style *st, bool first, unsigned int level,
			  bool spread)
{
	if (!spread) {
		buf_adds(out, first ? "" : st->item_gap);
		return;
	}
	if (!first)
		buf_addc(out, ',');
	add_newline(out, st, level);
}

static void add_items(struct buf *out, const struct style *st, json_t *v, unsigned int level,
		      bool spread)
{
	enum shape shape = spread ? SHAPE_FREE : SHAPE_INLINE;
	bool array = json_is_array(v), first = true;
	const char *name;
	json_t *item;
	size_t i;

	buf_addc(out, array ? '[' : '{');
	json_array_foreach (v, i, item) {
		add_item_lead(out, st, i == 0, level + 1, spread);
		add_value(out, st, item, level + 1, shape);
	}
	json_object_foreach (v, name, item) {
		add_item_lead(out, st, first, level + 1, spread);
		add_name(out, st, name);
		add_value(out, st, item, level + 1, shape);
		first = false;
	}
	if (spread)
		add_newline(out, st, level);
	buf_addc(out, array ? ']' : '}');
}

static void add_value(struct buf *out, const struct style *st, json_t *v, unsigned int level,
		      enum shape shape)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	if (json_is_real(v)) {
		add_real(out, v);
	} else if (!json_is_array(v) && !json_is_object(v)) {
		add_scalar(out, v, 0);
	} else if (!st->lines || shape == SHAPE_INLINE ||
		   json_array_size(v) + json_object_size(v) == 0) {
		add_items(out, st, v, level, false);
	} else if (shape == SHAPE_FREE && json_is_array(v) && only_scalars(v)) {
		add_items(&line, st, v, level, false);
		if (line.failed)
			out->failed = true;
		else if (line.len > INLINE_MAX)
			add_items(out, st, v, level, true);
		else
			buf_add(out, line.data, line.len);
	} else {
		add_items(out, st, v, level, true);
	}
}

static enum shape shape_of(struct slice old)
{
	size_t n = 1;

	if (*old.p != '[' && *old.p != '{')
		return SHAPE_FREE;
	if (has_char(old, '\n'))
		return SHAPE_SPREAD;
	while (json_is_blank(old.p[n]))
		n++;
	return n + 1 == old.n ? SHAPE_FREE : SHAPE_INLINE;
}

/*
 * The gap that is left when what stands between two gaps is removed. Members that had their lines
 * for themselves take them along, from the line break before to the one after them; else one of the
 * two gaps stays, and it is the one that breaks the line. Only one comma may stay: a line break
 * before it belongs to a document whose lines start with commas.
 */
static void add_joined(struct buf *out, struct slice before, struct slice after, bool first)
{
	const char *end = after.p + after.n;
	const char *comma = memchr(after.p, ',', after.n);
	const char *to = memrchr(before.p, '\n', before.n);
	const char *from = memchr(comma, '\n', (size_t)(end - comma));

	if (to && from && (first || (const char *)memchr(before.p, ',', before.n) < to)) {
		/* One empty line is enough. */
		if (memchr(before.p, '\n', before.n) != to)
			from = memrchr(comma, '\n', (size_t)(end - comma));
		buf_add(out, before.p, (size_t)(to + 1 - before.p));
		buf_add(out, from + 1, (size_t)(end - from) - 1);
	} else {
		add_slice(out, first || to || !from ? before : after);
	}
}

/* Writes the members that stay; returns how many. */
static size_t add_kept(struct buf *out, const struct json_scan *s, const struct style *st,
		       json_t *doc, json_t *edits)
{
	size_t kept = 0, from = s->open + 1;
	size_t removed = 0; /* how many just before this one */

	for (size_t i = 0; i < s->n; i++) {
		const struct json_member *m = &s->members[i];
		const char *name = json_string_value(m->key);
		json_t *value = json_object_get(edits, name);

		if (json_is_null(value)) {
			removed++;
			continue;
		}
		if (removed)
			add_joined(out, slice_of(s->text, from, m[-(ptrdiff_t)removed].start),
				   slice_of(s->text, m[-1].end, m->start), kept == 0);
		else
			add_slice(out, slice_of(s->text, from, m->start));
		if (value && !json_equal(value, json_object_get(doc, name))) {
			add_slice(out, slice_of(s->text, m->start, m->value));
			add_value(out, st, value, 1, shape_of(slice_of(s->text, m->value, m->end)));
		} else {
			add_slice(out, slice_of(s->text, m->start, m->end));
		}
		from = m->end;
		removed = 0;
		kept++;
	}
	return kept;
}

static void add_edited(struct buf *out, const struct json_scan *s, json_t *doc, json_t *edits)
{
	struct style st;
	const char *name;
	json_t *value;
	size_t n;

	style_find(&st, s);
	buf_add(out, s->text, s->open + 1);
	n = add_kept(out, s, &st, doc, edits);
	json_object_foreach (edits, name, value) {
		if (json_is_null(value) || json_object_get(doc, name))
			continue;
		if (n++)
			add_gap(out, &st);
		else if (s->n)
			add_slice(out, slice_of(s->text, s->open + 1, s->members[0].start));
		else
			add_newline(out, &st, 1);
		add_name(out, &st, name);
		add_value(out, &st, value, 1, SHAPE_FREE);
	}
	if (n && s->n)
		add_slice(out, slice_of(s->text, s->members[s->n - 1].end, s->close));
	else if (n)
		add_newline(out, &st, 0);
	buf_add(out, s->text + s->close, s->len - s->close);
}

static bool too_deep(json_t *v, unsigned int levels)
{
	const char *name;
	json_t *item;
	size_t i;

	if ((json_is_object(v) || json_is_array(v)) && !levels)
		return true;
	json_array_foreach (v, i, item)
		if (too_deep(item, levels - 1))
			return true;
	json_object_foreach (v, name, item)
		if (too_deep(item, levels - 1))
			return true;
	return false;
}

/* The document as it shall be; changes: how many edits say something new. */
static int apply_edits(json_t *doc, json_t *edits, json_t **ret, size_t *changes, struct err *e)
{
	_cleanup_json_ json_t *wanted = json_clone(doc, false);
	const char *name;
	json_t *value, *old;
	int r;

	if (!wanted)
		return err_oom(e);
	json_object_foreach (edits, name, value) {
		old = json_object_get(doc, name);
		if (json_is_null(value) ? !old : json_equal(old, value))
			continue;
		++*changes;
		r = json_is_null(value) ? json_object_del(wanted, name)
					: json_object_set(wanted, name, value);
		if (r < 0)
			return err_oom(e);
	}
	*ret = TAKE_PTR(wanted);
	return 0;
}

int json_edit_object(const char *text, size_t len, json_t *edits, char **ret, size_t *ret_len,
		     struct err *e)
{
	_cleanup_json_ json_t *doc = NULL, *wanted = NULL, *got = NULL;
	_cleanup_(json_scan_done) struct json_scan s = {
		.text = text, .len = len, .collect = true, .e = e
	};
	_cleanup_buf_ struct buf out = BUF_INIT;
	size_t changes = 0;
	int r;

	if (!json_is_object(edits) || too_deep(edits, JSON_DEPTH_MAX))
		return err_set(e, EINVAL,
			       "the members to set must be an object of at most %d levels",
			       JSON_DEPTH_MAX);
	r = json_parse_object(text, len, &doc, e);
	if (r < 0)
		return r;
	r = apply_edits(doc, edits, &wanted, &changes, e);
	if (r < 0)
		return r;
	if (changes == 0) {
		buf_add(&out, text, len);
	} else {
		if (blank_only(text, len)) {
			s.text = "{}\n";
			s.len = strlen(s.text);
		}
		r = json_scan_document(&s);
		if (r < 0)
			return r;
		add_edited(&out, &s, doc, edits);
		if (out.failed)
			return err_oom(e);
		r = json_parse_object(out.data, out.len, &got, e);
		if (r < 0)
			return err_prefix(e, "the document after editing");
		if (!json_equal(got, wanted))
			return err_set(
				e, EINVAL,
				"editing the document would change more than what was asked");
	}
	*ret = buf_take(&out, ret_len);
	return *ret ? 0 : err_oom(e);
}

json_t *json_string_any(const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	json_t *o = text ? json_string(text) : json_null();

	if (o)
		return o;
	buf_add_shown(&b, text, "\n");
	return b.failed ? NULL : json_string(b.data);
}
