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

static const char *const address_ends[] = {
	"proxy", "registry", "registries", "mirror", "mirrors", "address", "url",
};

/* What a name says of its value. */
enum kind {
	PLAIN,
	ADDRESS, /* may be USER:PASSWORD@HOST, without "://" */
	SECRET,
};

/* What stands before a name: a quote, or ESCAPED, the quote of JSON in JSON: \". */
#define ESCAPED '\\'

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
	const char *element = memchr(name, '[', len);

	if (element)
		len = (size_t)(element - name);
	for (size_t i = 0; i < ARRAY_SIZE(harmless_ends); i++)
		if (ends_with(name, len, harmless_ends[i]))
			return PLAIN;
	for (size_t i = 0; i < ARRAY_SIZE(secret_words); i++) {
		size_t n = strlen(secret_words[i]);

		for (size_t at = 0; at + n <= len; at++)
			if (same_letters(name + at, secret_words[i], n))
				return SECRET;
	}
	for (size_t i = 0; i < ARRAY_SIZE(address_ends); i++)
		if (ends_with(name, len, address_ends[i]))
			return ADDRESS;
	return PLAIN;
}

/* How long the "://" at `p` is; JSON may write its slashes as "\/". 0: there is none. */
static size_t scheme_end(const char *p)
{
	return has_prefix(p, "://") ? 3 : has_prefix(p, ":\\/\\/") ? 5 : 0;
}

/* "***" in the place of what stands there; its lines stay lines. */
static void hide(const char *p, size_t n, struct buf *out)
{
	buf_adds(out, HIDDEN);
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\n')
			buf_adds(out, "\n" HIDDEN);
}

static void hide_value(const char *value, size_t len, enum kind kind, struct buf *out)
{
	const char *at = kind == ADDRESS ? memrchr(value, '@', len) : NULL;
	const char *from = value;

	if (kind == SECRET && len) {
		hide(value, len, out);
		return;
	}
	for (const char *p = value; at && p < at; p++)
		if (scheme_end(p)) {
			from = p + scheme_end(p);
			break;
		}
	buf_add(out, value, (size_t)(from - value));
	if (at)
		hide(from, at > from ? (size_t)(at - from) : 0, out);
	else
		at = from;
	buf_add(out, at, (size_t)(value + len - at));
}

/* The end of what is quoted, `p` on the first character of it: on this line, or in a file (`whole`)
 * on a later one, should it be closed there. */
static const char *quoted_end(const char *p, char quote, bool whole)
{
	const char *line = NULL;

	for (; *p; p++) {
		if (*p == '\n' && !whole)
			return p;
		if (*p == '\n' && !line)
			line = p;
		if (*p == '\\' && p[1] == '"' && quote == ESCAPED)
			return p;
		if (*p == '\\' && p[1] && (whole || p[1] != '\n'))
			p++;
		else if (*p == (quote == ESCAPED ? '"' : quote))
			return p;
	}
	return line ? line : p;
}

static bool at_quote(const char *p)
{
	return *p == '"' || (*p == '\\' && p[1] == '"');
}

/* Past a quoted string that begins at `p`, without what is to be hidden in it. */
static const char *hide_quoted(const char *p, enum kind kind, struct buf *out)
{
	bool escaped = *p == '\\';
	const char *begin = p + (escaped ? 2 : 1), *end = quoted_end(begin, *p, false);

	buf_add(out, p, (size_t)(begin - p));
	hide_value(begin, (size_t)(end - begin), kind, out);
	p = end;
	if (at_quote(end))
		end += *end == '\\' ? 2 : 1;
	buf_add(out, p, (size_t)(end - p));
	return end;
}

/* Past the value of a member of an object, which may stand on the next line, of a diff even. */
static const char *hide_member(const char *p, enum kind kind, bool whole, struct buf *out)
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
			lines += *value == '\n' && !whole;
			buf_addc(out, *value++);
		}
	} while (depth && *value && lines < LIST_LINES);
	return value;
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

/* Past the line after `name:`: a reason or a mistake, which may tell the old and the new. */
static const char *hide_line(const char *p, enum kind kind, struct buf *out)
{
	const char *bare = p, *word = p, *at;

	while (*p && *p != '\n') {
		size_t n = scheme_end(p);

		if (at_quote(p)) {
			p = hide_quoted(p, kind, out);
		} else if (n) {
			buf_add(out, p, n);
			p = hide_userinfo(p + n, &bare, out);
		} else if (p >= word && kind == ADDRESS && !strchr(" \t", *p)) {
			word = p + strcspn(p, " \t\r\n\"\\");
			at = memchr(p, '@', (size_t)(word - p));
			if (at && memchr(p, ':', (size_t)(at - p))) {
				hide_value(p, (size_t)(word - p), kind, out);
				p = word;
			} else {
				buf_addc(out, *p++);
			}
		} else {
			buf_addc(out, *p++);
		}
	}
	return p;
}

/* Does a quote open something in the middle of a word? Else it ends what is told. */
static bool opens(const char *quote)
{
	return !strchr(" \t\r\n,;:.)]}'\"\\", quote[1]);
}

/* The end of a word of a shell or a unit file, or, in an EnvironmentFile=, of a line. */
static const char *word_end(const char *p, const char *stop, bool whole)
{
	for (const char *begin = p; *p && !strchr(stop, *p); p++) {
		if (*p == '"' || *p == '\'') {
			const char *end = quoted_end(p + 1, *p, whole);

			if ((p == begin || opens(p)) && *end == *p)
				p = end;
			else if (p == begin && *p == '"')
				return end;
			else if (*p == '"' && !strchr(stop, '"') && !whole)
				return p;
		} else if (*p == '\\' && p[1] && whole) {
			p++;
		} else if (at_quote(p)) {
			return p;
		}
	}
	return p;
}

static const char *hide_word(const char *p, const char *end, enum kind kind, struct buf *out)
{
	char quote = *p == '"' || *p == '\'' ? *p : '\0';
	bool closed = quote && end > p + 1 && end[-1] == quote;

	if (quote && end > p)
		buf_addc(out, *p++);
	hide_value(p, (size_t)(end - p) - closed, kind, out);
	if (closed)
		buf_addc(out, quote);
	return end;
}

/* Past the value of `name=value`; `before` stands in front of the name. */
static const char *hide_assigned(const char *p, enum kind kind, char before, bool whole,
				 struct buf *out)
{
	bool line = whole && (before == '\n' || before == '\0');
	const char *value = p;

	if (line || p[-2] == ' ' || p[-2] == '\t')
		value += strspn(value, " \t");
	buf_add(out, p, (size_t)(value - p));
	if (*value == '[' || *value == '{')
		return hide_member(value, kind, whole, out);
	if (*value == '\\' && value[1] == '"')
		return hide_quoted(value, kind, out);
	if (before == '"' || before == '\'' || before == ESCAPED)
		return hide_word(value, quoted_end(value, before, whole), kind, out);
	return hide_word(value, word_end(value, line ? "\n" : " \t\r\n", whole), kind, out);
}

/* Past a backslash and the end of its line, and comments after it; NULL: there is none. */
static const char *continued(const char *p)
{
	size_t n = *p == '\\' ? strspn(p + 1, "\r") : 0;

	if (*p != '\\' || p[1 + n] != '\n')
		return NULL;
	for (p += n + 2;;) {
		const char *line = p + (*p == '+' || (*p == '-' && p[1] != '-'));

		line += strspn(line, " \t");
		if (*line != '#' && *line != ';')
			return line;
		p = line + strcspn(line, "\n");
		p += *p == '\n';
	}
}

/* Past the value of `--name value`; `p` where there is none. */
static const char *hide_argument(const char *p, enum kind kind, char before, bool whole,
				 struct buf *out)
{
	const char *value = p + ((before == '"' || before == '\'') && *p == before), *gap = value;

	for (const char *next = value; next; next = continued(value))
		value = next + strspn(next, " \t");
	if (value == gap)
		return p;
	buf_add(out, p, (size_t)(value - p));
	return hide_word(value, word_end(value, " \t\r\n", whole), kind, out);
}

/* "[3]", of a setting's name. */
static size_t element_len(const char *p)
{
	size_t n = *p == '[' ? strspn(p + 1, "0123456789") : 0;

	return n && p[1 + n] == ']' ? n + 2 : 0;
}

/* Past a name of that kind: hides its values. Returns where to go on. */
static const char *hide_values(const char *p, enum kind kind, char before, bool flag, bool whole,
			       struct buf *out)
{
	bool quoted = (before == '"' || before == ESCAPED) && at_quote(p);
	const char *sign = p;

	if (quoted)
		sign += *sign == '\\' ? 2 : 1;
	else
		sign += element_len(sign);
	sign += strspn(sign, quoted ? " \t\r\n" : " \t");
	if (*sign != ':' && *sign != '=')
		return flag ? hide_argument(p, kind, before, whole, out) : p;
	sign++;
	buf_add(out, p, (size_t)(sign - p));
	if (sign[-1] == '=')
		return hide_assigned(sign, kind, before, whole, out);
	return quoted ? hide_member(sign, kind, whole, out) : hide_line(sign, kind, out);
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

/* What stands in front of a name. */
static char before_of(const char *text, const char *p)
{
	if (p == text)
		return '\0';
	return p[-1] == '"' && p - 1 > text && p[-2] == '\\' ? ESCAPED : p[-1];
}

/* `whole`: of a file, whose lines stay lines; else of a report, where what is open may never be
 * closed. */
static char *redact(const char *text, bool whole)
{
	struct buf out = { 0 };
	const char *p = text, *bare = text;

	while (*p) {
		const char *next = has_prefix(p, KEY_BEGIN) ? private_key_end(p) : NULL;
		char before = before_of(text, p);
		enum kind kind;

		if (next) {
			hide(p, whole ? (size_t)(next - p) : 0, &out);
			p = next;
		} else if (scheme_end(p)) {
			buf_add(&out, p, scheme_end(p));
			p = hide_userinfo(p + scheme_end(p), &bare, &out);
		} else if (is_name(*p) && !is_name(before)) {
			for (next = p + 1; is_name(*next) && !has_prefix(next, KEY_BEGIN); next++)
				;
			buf_add(&out, p, (size_t)(next - p));
			kind = kind_of(p, (size_t)(next - p));
			p = kind == PLAIN ? next
					  : hide_values(next, kind, before, has_prefix(p, "--"),
							whole, &out);
		} else {
			buf_addc(&out, *p++);
		}
	}
	return buf_take(&out, NULL);
}

char *redact_text(const char *text)
{
	return redact(text, false);
}

/* --- files --- */

static int number(const char *p, size_t digits, int base)
{
	int n = 0;

	for (size_t i = 0; i < digits; i++) {
		int c = tolower((unsigned char)p[i]);
		int digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : base;

		if (digit >= base || n > 0xff)
			return -1;
		n = n * base + digit;
	}
	return n;
}

/*
 * What an escape of JSON (RFC 8259) or of a unit file (systemd.syntax(7)) stands for, and how long
 * it is. 0: none; or one that has to stay, for it would be a blank, a quote, or begin another.
 */
static char unescaped(const char *p, size_t len, size_t *ret_len)
{
	static const struct {
		char letter;
		unsigned char digits;
	} forms[] = { { 'x', 2 }, { 'u', 4 }, { 'U', 8 } };
	int c = -1;

	if (len < 2 || *p != '\\')
		return 0;
	*ret_len = 2;
	if (p[1] == '/')
		return '/';
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (p[1] == forms[i].letter && len >= 2U + forms[i].digits) {
			*ret_len = 2U + forms[i].digits;
			c = number(p + 2, forms[i].digits, 16);
		}
	if (isdigit((unsigned char)p[1]) && len >= 4) {
		*ret_len = 4;
		c = number(p + 1, 3, 8);
	}
	return c > ' ' && c < 0x7f && !strchr("\"'\\", c) ? (char)c : 0;
}

static char *unescape(const char *text, size_t len)
{
	struct buf out = { 0 };
	size_t n = 1;

	for (size_t i = 0; i < len; i += n) {
		char c = unescaped(text + i, len - i, &n);

		if (c) {
			buf_addc(&out, c);
			continue;
		}
		/* A backslash takes the next one along: "\\u0040" is no '@'. */
		n = text[i] == '\\' && i + 1 < len && text[i + 1] == '\\' ? 2 : 1;
		if (text[i])
			buf_add(&out, text + i, n);
		else
			buf_addc(&out, '\001');
	}
	return buf_take(&out, NULL);
}

static size_t line_len(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return (size_t)((nl ? nl + 1 : end) - p);
}

char *redact_file(const char *text, size_t len, size_t *ret_len)
{
	_cleanup_free_ char *plain = unescape(text, len),
			    *open = plain ? redact(plain, true) : NULL;
	const char *end = text ? text + len : text, *p = plain, *q = open, *plain_end, *open_end;
	struct buf out = { 0 };

	if (!open)
		return NULL;
	plain_end = strchr(plain, '\0');
	open_end = strchr(open, '\0');
	while (text < end) {
		size_t n = line_len(text, end), np = line_len(p, plain_end),
		       nq = line_len(q, open_end);

		if (np == nq && memcmp(p, q, np) == 0)
			buf_add(&out, text, n);
		else
			buf_add(&out, q, nq);
		text += n;
		p += np;
		q += nq;
	}
	return buf_take(&out, ret_len);
}

static char *redact_kind(const char *value, enum kind kind)
{
	struct buf out = { 0 };

	if (kind == PLAIN)
		return redact_text(value);
	if (kind == ADDRESS && (*value == '[' || *value == '{' || *value == '"'))
		buf_adds(&out, hide_member(value, kind, false, &out));
	else
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
