/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <yaml.h>

#include "buf.h"

struct node_chunk {
	struct node_chunk *next;
	size_t size;
	_Alignas(max_align_t) char data[];
};

#define CHUNK_SIZE ((size_t)16 * 1024)

void node_pool_done(struct node_pool *pool)
{
	for (struct node_chunk *c = pool->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	*pool = (struct node_pool){ 0 };
}

void *node_alloc(struct node_pool *pool, size_t size)
{
	struct node_chunk *c = pool->chunks;
	size_t room;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!c || c->size - pool->used < size) {
		room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		c->size = room;
		c->next = pool->chunks;
		pool->chunks = c;
		pool->used = 0;
	}
	pool->used += size;
	return c->data + pool->used - size;
}

char *node_strdup(struct node_pool *pool, const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = node_alloc(pool, n);

	return copy ? memcpy(copy, s, n) : NULL;
}

/* A list or mapping begins on the line after its name: the name says more. */
static const struct node *position_of(const struct node *n)
{
	return n->key && (n->kind == NODE_LIST || n->kind == NODE_MAP) ? n->key : n;
}

const char *node_where(struct node_pool *pool, struct node *n)
{
	const struct node *at = position_of(n);
	size_t size = strlen(at->file) + 32;
	char *where;

	if (!n->where) {
		where = node_alloc(pool, size);
		if (where)
			snprintf(where, size, "%s:%u:%u", at->file, at->line, at->column);
		n->where = where;
	}
	return n->where;
}

static void mistake_at(struct errs *errs, const char *file, unsigned line, unsigned column,
		       const char *fmt, ...) PRINTF(5, 6);

static void vmistake_at(struct errs *errs, const char *file, unsigned line, unsigned column,
			const char *fmt, va_list ap) PRINTF(5, 0);

static void vmistake_at(struct errs *errs, const char *file, unsigned line, unsigned column,
			const char *fmt, va_list ap)
{
	_cleanup_free_ char *where = NULL;
	_cleanup_free_ char *text = NULL;

	/* A full list only counts: hostile input must not make us format without end. */
	if (errs->n >= ERRS_MAX) {
		errs->more++;
		return;
	}
	if (asprintf(&where, "%s:%u:%u", file, line, column) < 0) {
		where = NULL;
		errs->failed = true;
	} else if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		errs->failed = true;
	} else {
		errs_add(errs, where, "%s", text);
	}
}

static void mistake_at(struct errs *errs, const char *file, unsigned line, unsigned column,
		       const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vmistake_at(errs, file, line, column, fmt, ap);
	va_end(ap);
}

void node_mistake(const struct node *n, struct errs *errs, const char *fmt, ...)
{
	const struct node *at = position_of(n);
	va_list ap;

	va_start(ap, fmt);
	vmistake_at(errs, at->file, at->line, at->column, fmt, ap);
	va_end(ap);
}

const char *text_quoted(const char *text, char buf[QUOTED_SIZE])
{
	size_t max = QUOTED_SIZE - sizeof("\"\"...");
	size_t n = strnlen(text, max + 1);
	const char *dots = "";

	if (n > max) {
		for (n = max; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
		dots = "...";
	}
	snprintf(buf, QUOTED_SIZE, "\"%.*s%s\"", (int)n, text, dots);
	return buf;
}

/* One UTF-8 sequence as in RFC 3629: shortest form, no surrogates. Returns its length, 0: invalid.
 */
static size_t utf8_decode(const unsigned char *p, size_t left, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c;

	if (!n || n > left || p[0] > 0xf4)
		return 0;
	c = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	*ret = c;
	return n;
}

/*
 * What has no place in a plan: C0 and C1 controls, the line breaks that only YAML 1.1 counts as
 * such (positions would be off), byte-order marks, and what is no character.
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

struct reader {
	struct node_pool *pool;
	const char *file;
	struct errs *errs;
	yaml_parser_t parser;
	bool nomem;
	unsigned tab_line; /* 0: no tab in the indentation */
	struct node *root;
	struct node *open[NODE_DEPTH_MAX];
	struct node *key[NODE_DEPTH_MAX]; /* of open[]: read, its value still to come */
	struct node **pending;		  /* children of the open ones, innermost last */
	size_t n_pending, cap_pending;
	size_t base[NODE_DEPTH_MAX]; /* of open[]: where its children begin in pending */
	unsigned depth;
	struct {
		const char *name;
		struct node *node;
	} anchors[NODE_ANCHORS_MAX];
	unsigned n_anchors;
};

/*
 * The bytes, before libyaml sees them: so that what it would refuse (or count otherwise) is told in
 * our words. True when the text can be parsed.
 */
static bool text_check(struct reader *r, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned line = 1, column = 1;
	bool indent = true, line_told = false, good = true;
	size_t n;
	uint32_t c;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(p + i, len - i, &c);
		if (!n) {
			if (!line_told)
				mistake_at(r->errs, r->file, line, column,
					   "byte 0x%02x is not UTF-8: save the file as UTF-8",
					   p[i]);
			line_told = true;
			good = false;
			n = 1;
			column++;
			continue;
		}
		if (c == '\n') {
			line++;
			column = 1;
			indent = true;
			line_told = false;
			continue;
		}
		if (is_control(c) && c != '\t' && !(c == '\r' && i + 1 < len && p[i + 1] == '\n')) {
			if (!line_told)
				mistake_at(r->errs, r->file, line, column,
					   c == 0xfeff
						   ? "a byte-order mark (U+%04X): save the file as "
						     "UTF-8 without it"
						   : "control character U+%04X: take it out",
					   c);
			line_told = true;
			good = false;
		}
		/* libyaml refuses them on blank and comment lines, too. */
		if (indent && c == '\t' && !r->tab_line) {
			r->tab_line = line;
			mistake_at(r->errs, r->file, line, column,
				   "a tab in the indentation: YAML indents with spaces");
		}
		if (indent && c == '%' && column == 1 &&
		    (len - i < 6 || memcmp(p + i, "%YAML ", 6) != 0)) {
			/* libyaml looks through all %TAG lines for each of them. */
			mistake_at(r->errs, r->file, line, column,
				   "a line can't begin with %%: a plan has no YAML directives");
			good = false;
		}
		indent = indent && (c == ' ' || c == '\t');
		column++;
	}
	return good;
}

static struct node *node_new(struct reader *r, enum node_kind kind, const yaml_mark_t *at)
{
	struct node *n = NULL;

	if (r->pool->nodes < NODES_MAX)
		n = node_alloc(r->pool, sizeof(*n));
	if (!n) {
		r->nomem = r->pool->nodes < NODES_MAX;
		if (!r->nomem)
			mistake_at(r->errs, r->file, (unsigned)at->line + 1,
				   (unsigned)at->column + 1,
				   "more than %d values in the plan, its includes and aliases",
				   NODES_MAX);
		return NULL;
	}
	r->pool->nodes++;
	*n = (struct node){ .kind = kind,
			    .file = r->file,
			    .line = (unsigned)at->line + 1,
			    .column = (unsigned)at->column + 1 };
	return n;
}

/* Puts a finished or just opened node where it belongs. False: stop. */
static bool node_place(struct reader *r, struct node *n)
{
	struct node *in = r->depth ? r->open[r->depth - 1] : NULL;
	struct node **key = r->depth ? &r->key[r->depth - 1] : NULL;
	struct node **grown;
	size_t cap;

	if (!in) {
		r->root = n;
		return true;
	}
	if (in->kind == NODE_MAP && !*key) {
		if (n->kind != NODE_SCALAR && n->kind != NODE_BAD) {
			node_mistake(
				n, r->errs,
				"a setting's name is expected here, not a %s (text that begins "
				"with { or [ needs quotes)",
				n->kind == NODE_LIST ? "list" : "mapping");
			return false;
		}
		*key = n;
		return true;
	}
	if (in->kind == NODE_MAP) {
		const struct node *k = *key;

		*key = NULL;
		n->key = k;
		if (k->kind == NODE_SCALAR && k->plain && streq(k->text, "<<")) {
			node_mistake(
				k, r->errs,
				"merge keys (<<) are not supported: write the settings out, or "
				"put them into a file and include it");
			in->partial = true;
			return true;
		}
		if (k->kind == NODE_BAD) {
			in->partial = true;
			return true;
		}
	}
	if (r->n_pending == r->cap_pending) {
		cap = r->cap_pending ? r->cap_pending * 2 : 64;
		grown = reallocarray(r->pending, cap, sizeof(*grown));
		if (!grown) {
			r->nomem = true;
			return false;
		}
		r->pending = grown;
		r->cap_pending = cap;
	}
	r->pending[r->n_pending++] = n;
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
	int c = strcmp(x->key->text, y->key->text);

	if (c)
		return c;
	if (x->key->line != y->key->line)
		return x->key->line < y->key->line ? -1 : 1;
	return (x->key->column > y->key->column) - (x->key->column < y->key->column);
}

static bool node_sort(struct node_pool *pool, struct node *map)
{
	map->sorted = node_alloc(pool, map->n * sizeof(*map->sorted));
	if (!map->sorted)
		return false;
	memcpy(map->sorted, map->child, map->n * sizeof(*map->sorted));
	qsort(map->sorted, map->n, sizeof(*map->sorted), by_key);
	return true;
}

static void shadow_add(struct node *n, struct node *shadow)
{
	while (n->shadow)
		n = n->shadow;
	n->shadow = shadow;
}

/* Tells duplicate keys; each becomes the shadow of the first, so that its value is looked at, too.
 */
static bool drop_duplicates(struct reader *r, struct node *map)
{
	struct node *first = NULL, *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < map->n; i++) {
		struct node *c = map->sorted[i];
		char name[QUOTED_SIZE];

		if (!first || !streq(first->key->text, c->key->text)) {
			first = last = c;
			continue;
		}
		node_mistake(c->key, r->errs, "%s is set twice: it already stands on line %u",
			     text_quoted(c->key->text, name), first->key->line);
		last->shadow = c;
		last = c;
		c->key = NULL;
	}
	for (size_t i = 0; i < map->n; i++)
		if (map->child[i]->key)
			map->child[n++] = map->child[i];
	if (n == map->n)
		return true;
	map->n = n;
	return node_sort(r->pool, map);
}

/* The innermost open node is complete (or, `partial`, as complete as it gets). */
static bool node_close(struct reader *r, bool partial)
{
	struct node *n = r->open[--r->depth];

	n->n = r->n_pending - r->base[r->depth];
	r->n_pending = r->base[r->depth];
	n->child = node_alloc(r->pool, n->n * sizeof(*n->child));
	if (!n->child) {
		r->nomem = true;
		return false;
	}
	if (n->n)
		memcpy(n->child, r->pending + r->n_pending, n->n * sizeof(*n->child));
	n->height = 1;
	for (size_t i = 0; i < n->n; i++)
		if (n->child[i]->height >= n->height)
			n->height = (uint8_t)(n->child[i]->height + 1);
	if (n->kind == NODE_MAP && (!node_sort(r->pool, n) || !drop_duplicates(r, n))) {
		r->nomem = true;
		return false;
	}
	if (partial)
		n->partial = true;
	return true;
}

static bool anchor_add(struct reader *r, const yaml_char_t *anchor, struct node *n)
{
	const char *name;

	if (!anchor)
		return true;
	if (r->n_anchors == NODE_ANCHORS_MAX) {
		node_mistake(n, r->errs, "more than %d anchors", NODE_ANCHORS_MAX);
		return false;
	}
	name = node_strdup(r->pool, (const char *)anchor);
	if (!name) {
		r->nomem = true;
		return false;
	}
	r->anchors[r->n_anchors].name = name;
	r->anchors[r->n_anchors++].node = n;
	return true;
}

/* A copy of what an alias stands for; mistakes in it are told where the original stands. */
static struct node *node_copy(struct reader *r, const struct node *from, const yaml_mark_t *at)
{
	struct node *n = node_new(r, from->kind, at);

	if (!n)
		return NULL;
	*n = *from;
	n->shadow = NULL;
	n->where = NULL;
	if (from->kind != NODE_LIST && from->kind != NODE_MAP)
		return n;
	n->child = node_alloc(r->pool, n->n * sizeof(*n->child));
	if (!n->child) {
		r->nomem = true;
		return NULL;
	}
	for (size_t i = 0; i < n->n; i++) {
		n->child[i] = node_copy(r, from->child[i], at);
		if (!n->child[i])
			return NULL;
	}
	if (n->kind == NODE_MAP && !node_sort(r->pool, n)) {
		r->nomem = true;
		return NULL;
	}
	return n;
}

static bool alias_read(struct reader *r, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	const struct node *from = NULL;
	char quoted[QUOTED_SIZE];
	struct node *n;

	for (unsigned i = r->n_anchors; i-- && !from;)
		if (streq(r->anchors[i].name, name))
			from = r->anchors[i].node;
	if (from && (from->kind == NODE_SCALAR || from->height) &&
	    r->depth + from->height <= NODE_DEPTH_MAX) {
		n = node_copy(r, from, &ev->start_mark);
		if (!n)
			return false;
		n->key = NULL;
		n->line = (unsigned)ev->start_mark.line + 1;
		n->column = (unsigned)ev->start_mark.column + 1;
		return node_place(r, n);
	}
	n = node_new(r, NODE_BAD, &ev->start_mark);
	if (!n)
		return false;
	text_quoted(name, quoted);
	if (!from)
		node_mistake(n, r->errs, "alias %s: no anchor of that name stands before it",
			     quoted);
	else if (!from->height && from->kind != NODE_BAD)
		node_mistake(n, r->errs, "alias %s stands inside what it stands for", quoted);
	else if (from->kind != NODE_BAD)
		node_mistake(n, r->errs, "alias %s makes more than %d levels", quoted,
			     NODE_DEPTH_MAX);
	return node_place(r, n);
}

static void tag_refuse(struct reader *r, const struct node *n, const yaml_char_t *tag)
{
	if (tag)
		node_mistake(n, r->errs,
			     "YAML tags (!) are not supported: leave it out (text that begins "
			     "with ! needs quotes)");
}

static bool scalar_read(struct reader *r, const yaml_event_t *ev)
{
	const unsigned char *text = ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct node *n = node_new(r, NODE_SCALAR, &ev->start_mark);
	uint32_t c = 0;
	char *copy;

	if (!n)
		return false;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	tag_refuse(r, n, ev->data.scalar.tag);
	for (size_t i = 0, step; i < len && n->kind == NODE_SCALAR; i += step) {
		step = utf8_decode(text + i, len - i, &c);
		if (!step || is_control(c))
			n->kind = NODE_BAD;
	}
	if (n->kind == NODE_BAD && c == '\n')
		node_mistake(n, r->errs, "a line break in a text: write it on one line");
	else if (n->kind == NODE_BAD)
		node_mistake(n, r->errs, "control character U+%04X in a text: take it out", c);
	copy = node_alloc(r->pool, len + 1);
	if (!copy) {
		r->nomem = true;
		return false;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	n->text = copy;
	return anchor_add(r, ev->data.scalar.anchor, n) && node_place(r, n);
}

static bool collection_open(struct reader *r, enum node_kind kind, const yaml_event_t *ev,
			    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct node *n = node_new(r, kind, &ev->start_mark);

	if (!n)
		return false;
	tag_refuse(r, n, tag);
	if (r->depth == NODE_DEPTH_MAX) {
		node_mistake(n, r->errs, "nested deeper than %d levels", NODE_DEPTH_MAX);
		return false;
	}
	if (!anchor_add(r, anchor, n) || !node_place(r, n))
		return false;
	r->open[r->depth] = n;
	r->key[r->depth] = NULL;
	r->base[r->depth++] = r->n_pending;
	return true;
}

/* One event. False: stop reading. */
static bool event_read(struct reader *r, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->root)
			mistake_at(r->errs, r->file, (unsigned)ev->start_mark.line + 1,
				   (unsigned)ev->start_mark.column + 1,
				   "a second document begins: a plan is one document");
		return !r->root;
	case YAML_ALIAS_EVENT:
		return alias_read(r, ev);
	case YAML_SCALAR_EVENT:
		return scalar_read(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		return collection_open(r, NODE_LIST, ev, ev->data.sequence_start.anchor,
				       ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return collection_open(r, NODE_MAP, ev, ev->data.mapping_start.anchor,
				       ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return node_close(r, false);
	default:
		return ev->type != YAML_STREAM_END_EVENT;
	}
}

/* What libyaml says, and what usually is behind it. */
static const struct {
	const char *problem, *says;
	bool at_context; /* where it began tells more than where it was noticed */
} problems[] = {
	{ "mapping values are not allowed in this context",
	  "': ' can't stand here: check the indentation, and put text that holds ': ' in quotes",
	  false },
	{ "did not find expected key",
	  "no setting's name found here: check the indentation of this line", false },
	{ "could not find expected ':'", "a name without ': ' after it", true },
	{ "found unexpected end of stream", "a quote that is never closed", true },
	{ "did not find expected ',' or ']'", "a [ that is not closed, or a missing comma", false },
	{ "did not find expected ',' or '}'", "a { that is not closed, or a missing comma", false },
	{ "did not find expected '-' indicator",
	  "an entry of a list (-) is expected here: check the indentation of this line", false },
	{ "block sequence entries are not allowed in this context",
	  "an entry of a list (-) can't stand here: put it on a line of its own", false },
	{ "found character that cannot start any token",
	  "a text can't begin with this character: put it in quotes", false },
};

static void syntax_mistake(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "unreadable";
	const yaml_mark_t *at = &p->problem_mark;

	/* The tab has been told, and is the reason. */
	if (r->tab_line && at->line + 1 >= r->tab_line)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(problems); i++) {
		if (!streq(problem, problems[i].problem))
			continue;
		if (problems[i].at_context && p->context)
			at = &p->context_mark;
		mistake_at(r->errs, r->file, (unsigned)at->line + 1, (unsigned)at->column + 1,
			   "not YAML: %s", problems[i].says);
		return;
	}
	mistake_at(r->errs, r->file, (unsigned)at->line + 1, (unsigned)at->column + 1,
		   "not YAML: %s%s%s", problem, p->context ? ", " : "",
		   p->context ? p->context : "");
}

int node_parse(struct node_pool *pool, const char *file, const char *text, size_t len,
	       struct node **ret, struct errs *errs)
{
	struct reader r = { .pool = pool, .file = file, .errs = errs };
	yaml_event_t ev;
	bool more = true;

	*ret = NULL;
	if (!text_check(&r, text, len))
		return 0;
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	while (more) {
		if (!yaml_parser_parse(&r.parser, &ev)) {
			if (r.parser.error == YAML_MEMORY_ERROR)
				r.nomem = true;
			else
				syntax_mistake(&r);
			break;
		}
		more = event_read(&r, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&r.parser);
	while (r.depth && !r.nomem)
		node_close(&r, true);
	free(r.pending);
	if (r.nomem)
		return -ENOMEM;
	*ret = r.root;
	return 0;
}

bool node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain &&
	       (!*n->text || streq(n->text, "~") || streq(n->text, "null") ||
		streq(n->text, "Null") || streq(n->text, "NULL"));
}

struct node *node_get(const struct node *map, const char *name, size_t len)
{
	size_t lo = 0, hi = map->kind == NODE_MAP ? map->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *key = map->sorted[mid]->key->text;
		int c = strncmp(name, key, len);

		if (c == 0 && key[len] == '\0')
			return map->sorted[mid];
		if (c > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int node_wrap(struct node_pool *pool, struct node *n, const char *name)
{
	for (; n; n = n->shadow) {
		struct node *key, *value;

		if (n->kind != NODE_SCALAR)
			continue;
		key = node_alloc(pool, sizeof(*key));
		value = node_alloc(pool, sizeof(*value));
		n->child = node_alloc(pool, sizeof(*n->child));
		if (!key || !value || !n->child)
			return -ENOMEM;
		*value = *n;
		value->shadow = NULL;
		*key = *value;
		key->key = NULL;
		key->text = name;
		value->key = key;
		n->kind = NODE_MAP;
		n->child[0] = value;
		n->n = 1;
		n->height = 1;
		if (!node_sort(pool, n))
			return -ENOMEM;
	}
	return 0;
}

struct node *node_merge(struct node_pool *pool, struct node *base, struct node *over)
{
	struct node *n, *echo;

	if (!base || !over)
		return base ? base : over;
	if (base->kind != NODE_MAP || over->kind != NODE_MAP) {
		shadow_add(over, base);
		return over;
	}
	n = node_alloc(pool, sizeof(*n));
	echo = node_alloc(pool, sizeof(*echo));
	if (!n || !echo)
		return NULL;
	*n = *over;
	n->n = 0;
	n->where = NULL;
	n->partial = base->partial || over->partial;
	n->child = node_alloc(pool, (base->n + over->n) * sizeof(*n->child));
	if (!n->child)
		return NULL;
	for (size_t i = 0; i < base->n; i++) {
		const char *key = base->child[i]->key->text;
		struct node *c = node_merge(pool, base->child[i], node_get(over, key, strlen(key)));

		if (!c)
			return NULL;
		n->child[n->n++] = c;
	}
	for (size_t i = 0; i < over->n; i++) {
		const char *key = over->child[i]->key->text;

		if (!node_get(base, key, strlen(key)))
			n->child[n->n++] = over->child[i];
	}
	*echo = *base;
	echo->kind = NODE_MERGED;
	shadow_add(n, echo);
	return node_sort(pool, n) ? n : NULL;
}
