/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <ctype.h>

#include "buf.h"

#define STRING_MAX   4096 /* bytes of a string, unless its row says otherwise */
#define ENTRIES_MAX  4096 /* of a list or a map, unless its row says otherwise */
#define KEY_MAX	     255  /* bytes of a name in a map */
#define NAME_LEN_MAX 32	  /* bytes of a name: what shadow allows */
#define EXPECTS_SIZE 600  /* what a setting expects, as far as an error shows it */

/* Where the parser is: "ranges[0].owner". Put together only when there is something to tell. */
struct trail {
	const struct trail *up;
	const char *name; /* NULL: an entry of a list */
	size_t index;
};

struct parser {
	struct errs *errs;
	bool clean;
};

static void trail_text(const struct trail *t, struct buf *b)
{
	if (!t)
		return;
	trail_text(t->up, b);
	if (t->name)
		buf_addf(b, "%s%s", b->len ? "." : "", t->name);
	else
		buf_addf(b, "[%zu]", t->index);
}

/* Adds "NAME: TEXT"; TEXT and what is built here are cut at a length that a terminal can show. */
static void complain(struct parser *p, const struct node *n, const struct trail *t, const char *fmt,
		     ...) PRINTF(4, 5);

static void complain(struct parser *p, const struct node *n, const struct trail *t, const char *fmt,
		     ...)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	va_list ap;

	p->clean = false;
	if (p->errs->n >= ERRS_MAX) {
		p->errs->more++;
		return;
	}
	trail_text(t, &b);
	if (b.len)
		buf_adds(&b, ": ");
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (b.failed)
		p->errs->failed = true;
	else
		node_mistake(n, p->errs, "%s", b.data);
}

/* "expects X; found Y" and a hint. */
static void complain_type(struct parser *p, const struct field *f, const struct node *n,
			  const struct trail *t, const char *hint)
{
	char expects[EXPECTS_SIZE], text[QUOTED_SIZE];
	const char *found = n->kind == NODE_LIST  ? "a list"
			    : n->kind == NODE_MAP ? "a mapping"
			    : node_is_null(n)	  ? "nothing (null)"
						  : text_quoted(n->text, text);

	if (!t) { /* a section: a list of its settings would be long */
		complain(p, n, t, "%s: expects settings, \"name: value\"; found %s", f->name,
			 found);
		return;
	}
	field_expects(f, expects, sizeof(expects));
	complain(p, n, t, "expects %s; found %s%s%s", expects, found, *hint ? ": " : "", hint);
}

static json_t *string_new(struct parser *p, const char *text)
{
	json_t *s = json_string(text);

	if (!s)
		p->errs->failed = true;
	return s;
}

/* The words of YAML 1.1 that are booleans to other programs, which plans do not take. */
static const char *bool_hint(const struct node *n)
{
	static const char *const yes[] = { "yes", "y", "on", "true", NULL };
	static const char *const no[] = { "no", "n", "off", "false", NULL };

	if (!n->plain && (streq(n->text, "true") || streq(n->text, "false")))
		return "write it without quotes";
	for (size_t i = 0; yes[i]; i++) {
		if (strcasecmp(n->text, yes[i]) == 0)
			return "write true";
		if (strcasecmp(n->text, no[i]) == 0)
			return "write false";
	}
	return "";
}

static json_t *parse_bool(struct parser *p, const struct field *f, const struct node *n,
			  const struct trail *t)
{
	if (n->plain && streq(n->text, "true"))
		return json_true();
	if (n->plain && streq(n->text, "false"))
		return json_false();
	complain_type(p, f, n, t, bool_hint(n));
	return NULL;
}

static int parse_int(const char *s, json_int_t *ret)
{
	bool minus = *s == '-';
	uint64_t v;
	int r = parse_u64(s + minus, &v);

	if (r)
		return r;
	if (minus && !v)
		return -EINVAL;
	if (v > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*ret = minus ? (json_int_t)(0 - v) : (json_int_t)v;
	return 0;
}

static json_t *parse_integer(struct parser *p, const struct field *f, const struct node *n,
			     const struct trail *t)
{
	json_int_t v = 0;
	int r = parse_int(n->text, &v);
	json_t *j;

	if (r == 0 && (f->min || f->max) && (v < f->min || v > f->max))
		r = -ERANGE;
	if (r || !n->plain) {
		complain_type(p, f, n, t,
			      r == 0	     ? "write it without quotes"
			      : r == -ERANGE ? ""
			      : isdigit((unsigned char)n->text[*n->text == '-' || *n->text == '+'])
				      ? "write it in plain decimal digits"
				      : "");
		return NULL;
	}
	j = json_integer(v);
	if (!j)
		p->errs->failed = true;
	return j;
}

/*
 * shadow's own rule (lib/chkname.c): letters, digits, '_', '.', '-', '$' only at the end, '-' not
 * at the beginning, at most 32 bytes. Digits only is an id.
 */
static const char *name_wrong(const char *s)
{
	size_t n = strlen(s), digits = strspn(s, "0123456789");
	uint64_t id;

	if (n && digits == n)
		return parse_u64(s, &id) || id > UINT32_MAX - 1 ? "not an id" : NULL;
	if (!n || n > NAME_LEN_MAX || s[0] == '-' || streq(s, ".") || streq(s, ".."))
		return "not a name that useradd takes";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x80 && (isalnum(c) || c == '_' || c == '.' || c == '-'))
			continue;
		if (c == '$' && i == n - 1 && i)
			continue;
		return c == '%'	  ? "a % means something else in a unit file"
		       : c == ':' ? "a : separates fields in the databases"
				  : "letters, digits, '_', '.' and '-' only";
	}
	return NULL;
}

static const char *path_wrong(const char *s)
{
	if (s[0] != '/')
		return "it has to begin with /";
	if (strlen(s) >= 4096)
		return "it is too long";
	if (streq(s, "/"))
		return NULL;
	for (const char *p = s, *end; *p; p = end) {
		size_t n;

		end = strchrnul(p + 1, '/');
		n = (size_t)(end - p) - 1;
		if (n == 0)
			return *end ? "it holds //" : "it ends in /";
		if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return "it holds . or ..";
	}
	return NULL;
}

static const char *mode_wrong(const struct node *n, char hint[QUOTED_SIZE])
{
	mode_t mode;
	int r = parse_mode(n->text, &mode);

	if (r)
		return "";
	if (!n->plain)
		return NULL;
	snprintf(hint, QUOTED_SIZE, "write \"%04o\" in quotes, YAML turns %s into another number",
		 mode, n->text);
	return hint;
}

static const char *enum_wrong(const struct field *f, const char *s, char hint[QUOTED_SIZE])
{
	const char *near;

	for (size_t i = 0; f->choices[i]; i++)
		if (streq(f->choices[i], s))
			return NULL;
	near = field_nearest(s, f->choices);
	if (!near && f->also)
		near = field_nearest(s, f->also);
	if (!near)
		return "";
	snprintf(hint, QUOTED_SIZE, "did you mean %s?", near);
	return hint;
}

/* All whose value stays a string. */
static json_t *parse_text(struct parser *p, const struct field *f, const struct node *n,
			  const struct trail *t)
{
	char hint[QUOTED_SIZE], quoted[QUOTED_SIZE];
	const char *wrong = NULL;
	uint32_t first, last;
	size_t max = f->type == FIELD_STRING && f->max ? (size_t)f->max : STRING_MAX;
	int r;

	if (f->type == FIELD_MODE)
		wrong = mode_wrong(n, hint);
	else if (f->type == FIELD_NAME)
		wrong = name_wrong(n->text);
	else if (f->type == FIELD_PATH)
		wrong = path_wrong(n->text);
	else if (f->type == FIELD_ENUM)
		wrong = enum_wrong(f, n->text, hint);
	else if (f->type == FIELD_IDRANGE && (r = parse_idrange(n->text, &first, &last)))
		wrong = r == -ERANGE ? "ids end at 4294967295" : "";
	if (!wrong && strlen(n->text) > max)
		wrong = "it is too long";
	if (wrong) {
		complain_type(p, f, n, t, wrong);
		return NULL;
	}
	wrong = f->valid ? f->valid(n->text) : NULL;
	if (wrong) {
		complain(p, n, t, "expects %s; found %s", wrong, text_quoted(n->text, quoted));
		return NULL;
	}
	return string_new(p, n->text);
}

static json_t *parse_value(struct parser *p, const struct field *f, const struct node *n,
			   const struct trail *t);

static json_t *parse_list(struct parser *p, const struct field *f, const struct node *n,
			  const struct trail *t)
{
	size_t max = f->max ? (size_t)f->max : ENTRIES_MAX;
	json_t *list = json_array();

	if (n->n > max)
		complain(p, n, t, "%zu entries: at most %zu are taken", n->n, max);
	for (size_t i = 0; list && i < n->n && i < max; i++) {
		const struct trail here = { .up = t, .index = i };
		json_t *v = parse_value(p, f->of, n->child[i], &here);

		n->child[i]->refused = !v;
		if (v && json_array_append_new(list, v) < 0)
			p->errs->failed = true;
	}
	if (!list)
		p->errs->failed = true;
	return list;
}

static json_t *parse_map(struct parser *p, const struct field *f, const struct node *n,
			 const struct trail *t)
{
	size_t max = f->max ? (size_t)f->max : ENTRIES_MAX;
	json_t *map = json_object();

	if (n->n > max)
		complain(p, n, t, "%zu entries: at most %zu are taken", n->n, max);
	for (size_t i = 0; map && i < n->n && i < max; i++) {
		const struct node *key = n->child[i]->key;
		const struct trail here = { .up = t, .name = key->text };
		json_t *v;

		if (!*key->text || strlen(key->text) > KEY_MAX)
			complain(p, key, t, "a name has from 1 to %d bytes", KEY_MAX);
		v = parse_value(p, f->of, n->child[i], &here);
		if (v && json_object_set_new_nocheck(map, key->text, v) < 0)
			p->errs->failed = true;
	}
	if (!map)
		p->errs->failed = true;
	return map;
}

static void unknown_setting(struct parser *p, const struct field *f, const struct node *key,
			    const struct trail *t)
{
	const char *near = p->errs->n < ERRS_MAX ? field_nearest_name(key->text, f->of) : NULL;
	char quoted[QUOTED_SIZE], expects[EXPECTS_SIZE];

	text_quoted(key->text, quoted);
	if (near)
		complain(p, key, t, "unknown setting %s: did you mean %s?", quoted, near);
	else if (!t) /* a section can be long; a nested table is short enough to be told whole */
		complain(p, key, t, "unknown setting %s of %s: bulkhead schema lists them", quoted,
			 f->name);
	else {
		field_expects(f, expects, sizeof(expects));
		complain(p, key, t, "unknown setting %s: expects %s", quoted, expects);
	}
}

static json_t *parse_object(struct parser *p, const struct field *f, const struct node *n,
			    const struct trail *t)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < n->n; i++) {
		const struct node *c = n->child[i];
		const struct field *m = field_find(f->of, c->key->text);
		json_t *v;

		if (!m) {
			for (; c; c = c->shadow)
				unknown_setting(p, f, c->key ? c->key : n->child[i]->key, t);
			continue;
		}
		v = parse_value(p, m, c, &(struct trail){ .up = t, .name = m->name });
		if (v && json_object_set_new_nocheck(object, m->name, v) < 0)
			p->errs->failed = true;
	}
	if (n->partial)
		p->clean = false;
	for (const struct field *m = f->of; m && m->type != FIELD_NONE && !n->partial; m++) {
		const struct node *c = node_get(n, m->name, strlen(m->name));
		char expects[EXPECTS_SIZE];

		if (!m->required || (c && c->kind != NODE_REMOVED))
			continue;
		field_expects(m, expects, sizeof(expects));
		complain(p, n, t, "%s is missing: expects %s", m->name, expects);
	}
	if (!object)
		p->errs->failed = true;
	return object;
}

static bool is_also(const struct field *f, const struct node *n)
{
	for (size_t i = 0; n->kind == NODE_SCALAR && f->also && f->also[i]; i++)
		if (streq(f->also[i], n->text))
			return true;
	return false;
}

static json_t *parse_one(struct parser *p, const struct field *f, const struct node *n,
			 const struct trail *t)
{
	enum node_kind wants = f->type == FIELD_LIST				 ? NODE_LIST
			       : f->type == FIELD_MAP || f->type == FIELD_OBJECT ? NODE_MAP
										 : NODE_SCALAR;
	const char *hint = "";

	if (n->kind == NODE_MERGED || n->kind == NODE_REMOVED)
		return NULL;
	if (n->kind == NODE_BAD) {
		p->clean = false;
		return NULL;
	}
	if (is_also(f, n))
		return string_new(p, n->text);
	if (n->kind != wants || node_is_null(n)) {
		if (node_is_null(n))
			hint = "write a value, or take the line out";
		else if (wants == NODE_LIST && n->kind == NODE_SCALAR)
			hint = "write [ ] around it";
		complain_type(p, f, n, t, hint);
		return NULL;
	}
	switch (f->type) {
	case FIELD_BOOL:
		return parse_bool(p, f, n, t);
	case FIELD_INT:
		return parse_integer(p, f, n, t);
	case FIELD_LIST:
		return parse_list(p, f, n, t);
	case FIELD_MAP:
		return parse_map(p, f, n, t);
	case FIELD_OBJECT:
		return parse_object(p, f, n, t);
	default:
		return parse_text(p, f, n, t);
	}
}

static json_t *parse_value(struct parser *p, const struct field *f, const struct node *n,
			   const struct trail *t)
{
	json_t *v = parse_one(p, f, n, t);

	/* What is replaced has no say, but its mistakes are mistakes. */
	for (const struct node *s = n->shadow; s; s = s->shadow)
		json_decref(parse_one(p, f, s, t));
	return v;
}

json_t *value_parse(const struct field *f, const struct node *n, const char *name,
		    struct errs *errs, bool *clean)
{
	struct parser p = { .errs = errs, .clean = true };
	const struct trail top = { .name = name };
	json_t *v = parse_value(&p, f, n, name ? &top : NULL);

	if (!p.clean || errs->failed)
		*clean = false;
	return v;
}

int value_default(const struct field *f, json_t **ret, struct err *e)
{
	_cleanup_node_pool_ struct node_pool pool = { 0 };
	struct node scalar = { .kind = NODE_SCALAR,
			       .plain = f->type == FIELD_BOOL || f->type == FIELD_INT,
			       .text = f->fallback,
			       .file = f->name };
	struct node *n = &scalar;
	struct errs errs = { 0 };
	bool clean = true;
	json_t *v = NULL;
	int r = 0;

	*ret = NULL;
	if (!f->fallback)
		return 0;
	if (f->fallback[0] && strchr("[{\"", f->fallback[0]) &&
	    node_parse(&pool, f->name, f->fallback, strlen(f->fallback), &n, &errs) < 0)
		errs.failed = true;
	else if (n)
		v = value_parse(f, n, f->name, &errs, &clean);
	if (errs.failed)
		r = err_oom(e);
	else if (!v || !clean || errs_any(&errs))
		r = err_set(e, EINVAL, "the default of %s, %s, is not valid", f->name, f->fallback);
	errs_done(&errs);
	if (r)
		json_decref(v);
	else
		*ret = v;
	return r;
}

int value_fill(const struct field *f, json_t *value, struct err *e)
{
	const char *key;
	json_t *v;
	size_t i;
	int r = 0;

	if (f->type == FIELD_LIST) {
		json_array_foreach (value, i, v)
			if (!r)
				r = value_fill(f->of, v, e);
		return r;
	}
	if (f->type == FIELD_MAP) {
		json_object_foreach (value, key, v)
			if (!r)
				r = value_fill(f->of, v, e);
		return r;
	}
	if (f->type != FIELD_OBJECT || !json_is_object(value))
		return 0;
	for (const struct field *m = f->of; m && m->type != FIELD_NONE && !r; m++) {
		v = json_object_get(value, m->name);
		if (!v) {
			r = value_default(m, &v, e);
			if (r)
				return r;
			if (v && json_object_set_new_nocheck(value, m->name, v) < 0)
				return err_oom(e);
		}
		if (v)
			r = value_fill(m, v, e);
	}
	return r;
}
