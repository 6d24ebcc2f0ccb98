/* SPDX-License-Identifier: Apache-2.0 */
#include "redact.h"

#include <ctype.h>

#include "buf.h"

#define HIDDEN	    "***"
#define KEY_BEGIN   "-----BEGIN "
#define KEY_END	    "-----END "
#define PRIVATE_KEY "PRIVATE KEY-----"
#define LABEL_MAX   128 /* bytes of a line that begins a key */

static const char *const secret_words[] = {
	"password", "passwd",	  "secret",	 "token",  "credential",
	"api-key",  "access-key", "private-key", "apikey",
};

static const char *const harmless_ends[] = { "-file", "-path", "-endpoint" };

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

static bool is_secret(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless_ends); i++) {
		size_t n = strlen(harmless_ends[i]);

		if (len >= n && same_letters(name + len - n, harmless_ends[i], n))
			return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(secret_words); i++) {
		size_t n = strlen(secret_words[i]);

		for (size_t at = 0; at + n <= len; at++)
			if (same_letters(name + at, secret_words[i], n))
				return true;
	}
	return false;
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

/* Copies up to the end of a quoted string that begins at `p`, without what is in it. */
static const char *hide_quoted(const char *p, struct buf *out)
{
	bool escaped = *p == '\\';
	const char *begin = p + (escaped ? 2 : 1), *end = quoted_end(begin, escaped);

	buf_add(out, p, (size_t)(begin - p));
	if (end > begin)
		buf_adds(out, HIDDEN);
	return end;
}

static bool at_quote(const char *p)
{
	return *p == '"' || (*p == '\\' && p[1] == '"');
}

/* Past a secret name: hides its values. Returns where to go on. */
static const char *hide_values(const char *p, bool quoted, char before, struct buf *out)
{
	const char *value = p;

	if (quoted && at_quote(value))
		value += *value == '\\' ? 2 : 1;
	value += strspn(value, " \t");
	if (*value != ':' && *value != '=')
		return p;
	if (*value == '=') {
		const char *end;

		value++;
		buf_add(out, p, (size_t)(value - p));
		if (at_quote(value))
			return hide_quoted(value, out);
		end = before == '"' || before == '\'' ? strchr(value, before) : NULL;
		if (!end)
			end = value + strcspn(value, " \t\r\n,;\"'}");
		if (end > value)
			buf_adds(out, HIDDEN);
		return end;
	}
	value++;
	buf_add(out, p, (size_t)(value - p));
	/* A member of an object has one value; a line of a report may tell the old and the new. */
	while (*value && *value != '\n') {
		if (!at_quote(value)) {
			if (quoted && !strchr(" \t[", *value))
				break;
			buf_addc(out, *value++);
			continue;
		}
		value = hide_quoted(value, out);
		if (at_quote(value)) {
			size_t n = *value == '\\' ? 2 : 1;

			buf_add(out, value, n);
			value += n;
		}
		if (quoted)
			break;
	}
	return value;
}

/* Past "://": the credentials of an address. Up to *bare there are none, which has not to be looked
 * for again at each "://" of "://://://". */
static const char *hide_userinfo(const char *p, const char **bare, struct buf *out)
{
	const char *at = NULL, *q = p;

	if (p < *bare)
		return p;
	for (; *q && !strchr(" \t\r\n\"'`,<>\033", *q); q++)
		if (*q == '@')
			at = q;
	*bare = q;
	if (!at)
		return p;
	buf_adds(out, HIDDEN);
	return at;
}

/* On "-----BEGIN ": past a private key; NULL when it is something else. */
static const char *private_key_end(const char *p)
{
	size_t line = strnlen(p, LABEL_MAX);
	const char *end = memchr(p, '\n', line);

	if (end)
		line = (size_t)(end - p);
	if (!memmem(p, line, PRIVATE_KEY, sizeof(PRIVATE_KEY) - 1))
		return NULL;
	end = strstr(p, KEY_END);
	if (!end)
		return p + strlen(p);
	end = strstr(end, PRIVATE_KEY);
	return end ? end + sizeof(PRIVATE_KEY) - 1 : p + strlen(p);
}

char *redact_text(const char *text)
{
	struct buf out = { 0 };
	const char *p = text, *bare = text;

	while (*p) {
		const char *next = has_prefix(p, KEY_BEGIN) ? private_key_end(p) : NULL;
		char before = p == text ? '\0' : p[-1];

		if (next) {
			buf_adds(&out, HIDDEN);
			p = next;
		} else if (has_prefix(p, "://")) {
			buf_adds(&out, "://");
			p = hide_userinfo(p + 3, &bare, &out);
		} else if (is_name(*p) && !is_name(before)) {
			for (next = p + 1; is_name(*next) && !has_prefix(next, KEY_BEGIN); next++)
				;
			buf_add(&out, p, (size_t)(next - p));
			p = is_secret(p, (size_t)(next - p))
				    ? hide_values(next, before == '"', before, &out)
				    : next;
		} else {
			buf_addc(&out, *p++);
		}
	}
	return buf_take(&out, NULL);
}

static int redact_string(const char *text, json_t **ret)
{
	_cleanup_free_ char *hidden = redact_text(text);

	*ret = hidden ? json_string(hidden) : NULL;
	return *ret ? 0 : -ENOMEM;
}

int redact_json(json_t *doc)
{
	const char *name;
	json_t *item, *hidden;
	size_t i;

	json_array_foreach (doc, i, item) {
		if (!json_is_string(item)) {
			if (redact_json(item) < 0)
				return -ENOMEM;
		} else if (redact_string(json_string_value(item), &hidden) < 0 ||
			   json_array_set_new(doc, i, hidden) < 0) {
			return -ENOMEM;
		}
	}
	json_object_foreach (doc, name, item) {
		if (!json_is_string(item)) {
			if (redact_json(item) < 0)
				return -ENOMEM;
			continue;
		}
		if (is_secret(name, strlen(name)))
			hidden = json_string(HIDDEN);
		else if (redact_string(json_string_value(item), &hidden) < 0)
			return -ENOMEM;
		if (json_object_set_new(doc, name, hidden) < 0)
			return -ENOMEM;
	}
	return 0;
}
