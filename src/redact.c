/* SPDX-License-Identifier: Apache-2.0 */
#include "redact.h"

#include <ctype.h>

#include "buf.h"

#define HIDDEN	    "***"
#define KEY_BEGIN   "-----BEGIN "
#define KEY_END	    "-----END "
#define PRIVATE_KEY "PRIVATE KEY-----"
#define BASE64	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
#define LIST_LINES  64
#define LABEL_MAX   128 /* bytes of a line that begins a key */

static const char *const secret_words[] = {
	"password", "passwd",	  "secret",	 "token",  "credential",
	"api-key",  "access-key", "private-key", "apikey",
};

static const char *const harmless_ends[] = { "-file", "-path", "-endpoint" };

/* What a name says of its value. */
enum kind {
	PLAIN,
	PROXY, /* may be USER:PASSWORD@HOST, without "://" */
	SECRET,
};

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* Compared in lower case, with '-' for '_'. */
static bool same_letters(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i] == '_' ? '-' : tolower((unsigned char)a[i])) != b[i])
			return false;
	return true;
}

static bool ends_with(const char *name, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && same_letters(name + len - n, end, n);
}

static enum kind kind_of(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless_ends); i++)
		if (ends_with(name, len, harmless_ends[i]))
			return PLAIN;
	for (size_t i = 0; i < ARRAY_SIZE(secret_words); i++) {
		size_t n = strlen(secret_words[i]);

		for (size_t at = 0; at + n <= len; at++)
			if (same_letters(name + at, secret_words[i], n))
				return SECRET;
	}
	return ends_with(name, len, "proxy") ? PROXY : PLAIN;
}

/* How long the "://" at `p` is; JSON may write its slashes as "\/". 0: there is none. */
static size_t scheme_end(const char *p)
{
	return has_prefix(p, "://") ? 3 : has_prefix(p, ":\\/\\/") ? 5 : 0;
}

static void hide_value(const char *value, size_t len, enum kind kind, struct buf *out)
{
	const char *at = kind == PROXY ? memrchr(value, '@', len) : NULL;
	const char *from = value;

	if (kind == SECRET && len) {
		buf_adds(out, HIDDEN);
		return;
	}
	for (const char *p = value; at && p < at; p++)
		if (scheme_end(p)) {
			from = p + scheme_end(p);
			break;
		}
	buf_add(out, value, (size_t)(from - value));
	if (at)
		buf_adds(out, HIDDEN);
	else
		at = from;
	buf_add(out, at, (size_t)(value + len - at));
}

/* The end of a quoted string, `p` on the first character of it; JSON in JSON has its quotes
 * escaped. */
static const char *quoted_end(const char *p, bool escaped)
{
	for (; *p && *p != '\n'; p++) {
		if (*p == '\\' && p[1] == '"' && escaped)
			return p;
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			return p;
	}
	return p;
}

static bool at_quote(const char *p)
{
	return *p == '"' || (*p == '\\' && p[1] == '"');
}

/* Past a quoted string that begins at `p`, without what is to be hidden in it. */
static const char *hide_quoted(const char *p, enum kind kind, struct buf *out)
{
	bool escaped = *p == '\\';
	const char *begin = p + (escaped ? 2 : 1), *end = quoted_end(begin, escaped);

	buf_add(out, p, (size_t)(begin - p));
	hide_value(begin, (size_t)(end - begin), kind, out);
	p = end;
	if (at_quote(end))
		end += *end == '\\' ? 2 : 1;
	buf_add(out, p, (size_t)(end - p));
	return end;
}

/* Past the value of a member of an object, which may stand on the next line, of a diff even. */
static const char *hide_member(const char *p, enum kind kind, struct buf *out)
{
	const char *value = p + strspn(p, " \t\r\n");
	int depth = 0, lines = 0;

	if ((*value == '+' || *value == '-') && value > p && value[-1] == '\n')
		value += 1 + strspn(value + 1, " \t");
	buf_add(out, p, (size_t)(value - p));
	do {
		if (at_quote(value)) {
			value = hide_quoted(value, kind, out);
		} else if (depth || *value == '[' || *value == '{') {
			depth += *value == '[' || *value == '{';
			depth -= *value == ']' || *value == '}';
			/* A diff may not show its end. */
			lines += *value == '\n';
			buf_addc(out, *value++);
		}
	} while (depth && *value && lines < LIST_LINES);
	return value;
}

/* Past the line after `name:`: a reason or a mistake, which may tell the old and the new. */
static const char *hide_line(const char *p, enum kind kind, struct buf *out)
{
	while (*p && *p != '\n') {
		if (at_quote(p))
			p = hide_quoted(p, kind, out);
		else
			buf_addc(out, *p++);
	}
	return p;
}

/* Past the value of `name=value`; `before` stands in front of the name. */
static const char *hide_assigned(const char *p, enum kind kind, char before, struct buf *out)
{
	const char *end = NULL;

	if (at_quote(p))
		return hide_quoted(p, kind, out);
	if (before == '"' || before == '\'')
		end = strchrnul(p, before);
	else
		end = p + strcspn(p, " \t\r\n\"");
	hide_value(p, (size_t)(end - p), kind, out);
	return end;
}

/* Past a name of that kind: hides its values. Returns where to go on. */
static const char *hide_values(const char *p, enum kind kind, char before, struct buf *out)
{
	bool quoted = before == '"' && at_quote(p);
	const char *sign = p;

	if (quoted)
		sign += *sign == '\\' ? 2 : 1;
	sign += strspn(sign, " \t");
	if (*sign != ':' && *sign != '=')
		return p;
	sign++;
	buf_add(out, p, (size_t)(sign - p));
	return sign[-1] == '=' ? hide_assigned(sign, kind, before, out)
	       : quoted	       ? hide_member(sign, kind, out)
			       : hide_line(sign, kind, out);
}

/* Past "://": the credentials of an address. Up to *bare there are none, which has not to be looked
 * for again at each "://" of "://://://". */
static const char *hide_userinfo(const char *p, const char **bare, struct buf *out)
{
	const char *at = NULL, *q = p;

	if (p < *bare)
		return p;
	for (; *q && !strchr(" \t\r\n\"\033", *q); q++)
		if (*q == '@')
			at = q;
	*bare = q;
	if (!at)
		return p;
	buf_adds(out, HIDDEN);
	return at;
}

/*
 * On "-----BEGIN ": past a private key; NULL when it is something else. A key that doesn't end (a
 * line of a diff, somebody's label) takes with it what looks like one and no more: a report goes on
 * below.
 */
static const char *private_key_end(const char *p)
{
	const char *q = memmem(p, strnlen(p, LABEL_MAX), PRIVATE_KEY, sizeof(PRIVATE_KEY) - 1);

	if (!q || memchr(p, '\n', (size_t)(q - p)))
		return NULL;
	q += sizeof(PRIVATE_KEY) - 1;
	for (;;) {
		const char *line;
		size_t n;

		q += strspn(q, BASE64 "\\"); /* in JSON its lines are joined by "\n" */
		if (has_prefix(q, KEY_END)) {
			p = memmem(q, strnlen(q, LABEL_MAX), PRIVATE_KEY, sizeof(PRIVATE_KEY) - 1);
			return p ? p + sizeof(PRIVATE_KEY) - 1 : q + strlen(KEY_END);
		}
		n = strspn(q, "\r\n");
		line = q + n;
		if (n && *line && strchr("+- ", *line) && !has_prefix(line, KEY_END))
			line++;
		line += strspn(line, " \t");
		n = n ? strspn(line, BASE64) : 0;
		if (line > q && has_prefix(line, KEY_END))
			q = line;
		else if (n && (!line[n] || strchr("\r\n", line[n])))
			q = line + n;
		else
			return q;
	}
}

char *redact_text(const char *text)
{
	struct buf out = { 0 };
	const char *p = text, *bare = text;

	while (*p) {
		const char *next = has_prefix(p, KEY_BEGIN) ? private_key_end(p) : NULL;
		enum kind kind;
		char before = p == text ? '\0' : p[-1];

		if (next) {
			buf_adds(&out, HIDDEN);
			p = next;
		} else if (scheme_end(p)) {
			buf_add(&out, p, scheme_end(p));
			p = hide_userinfo(p + scheme_end(p), &bare, &out);
		} else if (is_name(*p) && !is_name(before)) {
			for (next = p + 1; is_name(*next) && !has_prefix(next, KEY_BEGIN); next++)
				;
			buf_add(&out, p, (size_t)(next - p));
			kind = kind_of(p, (size_t)(next - p));
			p = kind == PLAIN ? next : hide_values(next, kind, before, &out);
		} else {
			buf_addc(&out, *p++);
		}
	}
	return buf_take(&out, NULL);
}

static char *redact_kind(const char *value, enum kind kind)
{
	struct buf out = { 0 };

	if (kind == PLAIN)
		return redact_text(value);
	hide_value(value, strlen(value), kind, &out);
	return buf_take(&out, NULL);
}

char *redact_value(const char *name, const char *value)
{
	return redact_kind(value, name ? kind_of(name, strlen(name)) : PLAIN);
}

void redact_line(const char *path, const char *line, struct buf *out)
{
	static const char *const databases[] = { "/passwd", "/group", "/shadow", "/gshadow" };
	const char *field = strchr(line, ':');
	size_t len = field ? strcspn(++field, ":") : 0;
	bool hashes = false;

	for (size_t i = 0; i < ARRAY_SIZE(databases); i++)
		hashes |= has_suffix(path, databases[i]);
	if (!hashes || strspn(field ? field : "", "x!*") >= len) {
		buf_adds(out, line);
		return;
	}
	buf_add(out, line, (size_t)(field - line));
	buf_adds(out, HIDDEN);
	buf_adds(out, field + len);
}

/* The new value of a member or element. */
static json_t *redacted(json_t *item, enum kind kind)
{
	_cleanup_free_ char *hidden = redact_kind(json_string_value(item), kind);

	return hidden ? json_string(hidden) : NULL;
}

/* All strings below a secret name are secret. */
static int redact_below(json_t *doc, enum kind above)
{
	const char *name;
	json_t *item;
	size_t i;

	json_array_foreach (doc, i, item) {
		if (json_is_string(item) ? json_array_set_new(doc, i, redacted(item, above)) < 0
					 : redact_below(item, above) < 0)
			return -ENOMEM;
	}
	json_object_foreach (doc, name, item) {
		enum kind kind = kind_of(name, strlen(name));

		if (kind == PLAIN)
			kind = above;
		if (json_is_string(item) ? json_object_set_new(doc, name, redacted(item, kind)) < 0
					 : redact_below(item, kind) < 0)
			return -ENOMEM;
	}
	return 0;
}

int redact_json(json_t *doc)
{
	return redact_below(doc, PLAIN);
}
