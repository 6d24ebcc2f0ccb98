/* SPDX-License-Identifier: Apache-2.0 */
#include "json_scan.h"

#include <stdarg.h>

void json_scan_done(struct json_scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		json_decref(s->members[i].key);
	free(s->members);
}

static void position(const struct json_scan *s, size_t at, size_t *ret_line, size_t *ret_column)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < s->len; i++) {
		if (s->text[i] == '\n') {
			line++;
			column = 1;
		} else if ((s->text[i] & 0xc0) != 0x80) {
			/* Continuation bytes of UTF-8 belong to the character before them. */
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

int json_scan_fail(const struct json_scan *s, size_t at, const char *fmt, ...)
{
	size_t line, column;
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	position(s, at, &line, &column);
	return err_set(s->e, EINVAL, "%zu:%zu: %s", line, column, what);
}

static int peek(const struct json_scan *s)
{
	return s->pos < s->len ? (unsigned char)s->text[s->pos] : -1;
}

static void scan_blanks(struct json_scan *s)
{
	while (s->pos < s->len && json_is_blank(s->text[s->pos]))
		s->pos++;
}

static int unexpected(const struct json_scan *s, const char *expected)
{
	int c = peek(s);

	if (c < 0)
		return json_scan_fail(s, s->pos, "the document ends where %s should stand",
				      expected);
	if (c == '#' || c == '/')
		return json_scan_fail(s, s->pos, "JSON has no comments: remove it");
	if (c == '\'')
		return json_scan_fail(s, s->pos, "JSON takes double quotes, not single ones");
	if (c > 0x20 && c < 0x7f)
		return json_scan_fail(s, s->pos, "expected %s, not '%c'", expected, c);
	return json_scan_fail(s, s->pos, "expected %s, not the byte 0x%02x", expected,
			      (unsigned int)c);
}

static int scan_escape(struct json_scan *s)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	size_t start = s->pos++;
	int c = peek(s);

	s->pos++;
	if (c > 0 && strchr("\"\\/bfnrt", c))
		return 0;
	if (c != 'u')
		return json_scan_fail(
			s, start, "JSON has no such escape (a backslash itself is written \\\\)");
	for (int i = 0; i < 4; i++, s->pos++) {
		c = peek(s);
		if (c <= 0 || !strchr(hex, c))
			return json_scan_fail(s, start, "\\u takes four hexadecimal digits");
	}
	return 0;
}

static int scan_string(struct json_scan *s)
{
	size_t start = s->pos++;
	int c, r;

	while ((c = peek(s)) != '"') {
		if (c < 0 || c == '\n' || c == '\r')
			return json_scan_fail(s, start,
					      "the string that starts here is not closed");
		if (c < 0x20)
			return json_scan_fail(s, s->pos,
					      "control character in a string: write it \\u%04x",
					      (unsigned int)c);
		if (c == '\\') {
			r = scan_escape(s);
			if (r < 0)
				return r;
		} else {
			s->pos++;
		}
	}
	s->pos++;
	return 0;
}

static bool scan_digits(struct json_scan *s)
{
	size_t start = s->pos;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->pos++;
	return s->pos > start;
}

static int scan_number(struct json_scan *s)
{
	size_t start = s->pos;
	bool ok;

	if (peek(s) == '-')
		s->pos++;
	if (peek(s) == '0') {
		s->pos++;
		ok = peek(s) < '0' || peek(s) > '9';
	} else {
		ok = scan_digits(s);
	}
	if (ok && peek(s) == '.') {
		s->pos++;
		ok = scan_digits(s);
	}
	if (ok && (peek(s) == 'e' || peek(s) == 'E')) {
		s->pos++;
		if (peek(s) == '+' || peek(s) == '-')
			s->pos++;
		ok = scan_digits(s);
	}
	if (!ok)
		return json_scan_fail(s, start, "not a JSON number (12, -3, 0.5 and 1e9 are)");
	return 0;
}

static int scan_word(struct json_scan *s)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t n = 0;
	char c;

	for (; s->pos + n < s->len; n++) {
		c = s->text[s->pos + n];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (n == strlen(words[i]) && memcmp(s->text + s->pos, words[i], n) == 0) {
			s->pos += n;
			return 0;
		}
	if (n)
		return json_scan_fail(
			s, s->pos,
			"'%.*s' is not a JSON value (true, false, null; text takes quotes)",
			n > 40 ? 40 : (int)n, s->text + s->pos);
	return unexpected(s, "a value");
}

static int scan_container(struct json_scan *s);

static int scan_value(struct json_scan *s)
{
	int c = peek(s);

	if (c == '{' || c == '[')
		return scan_container(s);
	if (c == '"')
		return scan_string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s);
}

/* The name as jansson reads it: "\u0069cc" is icc. */
static json_t *decode_key(const struct json_scan *s, const struct json_member *m)
{
	json_t *key;

	return json_load(s->text + m->start, m->key_end - m->start, JSON_DECODE_ANY, &key, NULL) < 0
		       ? NULL
		       : key;
}

/* Notes where each name stands, and fails at the first that is there already. */
static int note_key(const struct json_scan *s, const struct json_member *m, json_t *seen)
{
	_cleanup_json_ json_t *key = decode_key(s, m);
	_cleanup_free_ char *shown = NULL;
	size_t line, column;
	json_t *first;

	if (!key)
		return err_oom(s->e);
	first = json_object_get(seen, json_string_value(key));
	if (!first) {
		if (json_object_set_new(seen, json_string_value(key),
					json_integer((json_int_t)m->start)))
			return err_oom(s->e);
		return 0;
	}
	shown = json_text(key, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	if (!shown)
		return err_oom(s->e);
	position(s, (size_t)json_integer_value(first), &line, &column);
	return json_scan_fail(s, m->start,
			      "%.100s is set a second time, first at %zu:%zu: remove one of them",
			      shown, line, column);
}

static int keep_member(struct json_scan *s, struct json_member *m)
{
	struct json_member *members;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap ? s->cap * 2 : 32;
		members = reallocarray(s->members, cap, sizeof(*members));
		if (!members)
			return err_oom(s->e);
		s->members = members;
		s->cap = cap;
	}
	m->key = decode_key(s, m);
	if (!m->key)
		return err_oom(s->e);
	s->members[s->n++] = *m;
	return 0;
}

static int scan_member(struct json_scan *s, json_t *seen)
{
	struct json_member m = { .start = s->pos };
	int r;

	if (peek(s) != '"')
		return unexpected(s, "a name in double quotes");
	r = scan_string(s);
	if (r < 0)
		return r;
	m.key_end = s->pos;
	if (seen) {
		r = note_key(s, &m, seen);
		if (r < 0)
			return r;
	}
	scan_blanks(s);
	if (peek(s) != ':')
		return unexpected(s, "':'");
	s->pos++;
	scan_blanks(s);
	m.value = s->pos;
	r = scan_value(s);
	if (r < 0)
		return r;
	m.end = s->pos;
	return s->collect && s->depth == 1 ? keep_member(s, &m) : 0;
}

static int scan_container(struct json_scan *s)
{
	_cleanup_json_ json_t *seen = NULL;
	bool object = peek(s) == '{';
	char close = object ? '}' : ']';
	size_t start = s->pos++;
	size_t comma = 0;
	int r;

	if (s->depth == JSON_DEPTH_MAX)
		return json_scan_fail(s, start, "nested deeper than %d levels", JSON_DEPTH_MAX);
	if (object && s->find_duplicates && !(seen = json_object()))
		return err_oom(s->e);
	for (s->depth++;; comma = s->pos++) {
		scan_blanks(s);
		if (peek(s) == close && !comma)
			break;
		if (peek(s) == close)
			return json_scan_fail(s, comma,
					      "a comma before the closing '%c': remove it", close);
		if (peek(s) >= 0) {
			r = object ? scan_member(s, seen) : scan_value(s);
			if (r < 0)
				return r;
			scan_blanks(s);
		}
		if (peek(s) == close)
			break;
		if (peek(s) < 0)
			return json_scan_fail(s, start, "the '%c' that stands here is not closed",
					      object ? '{' : '[');
		if (peek(s) != ',')
			return unexpected(s, object ? "',' or '}'" : "',' or ']'");
	}
	if (--s->depth == 0) {
		s->open = start;
		s->close = s->pos;
	}
	s->pos++;
	return 0;
}

int json_scan_document(struct json_scan *s)
{
	int r;

	s->pos = 0;
	scan_blanks(s);
	if (peek(s) != '{')
		return unexpected(s, "an object, { \"name\": value }");
	r = scan_container(s);
	if (r < 0)
		return r;
	scan_blanks(s);
	if (s->pos < s->len)
		return unexpected(s, "nothing more after the closing '}'");
	return 0;
}
