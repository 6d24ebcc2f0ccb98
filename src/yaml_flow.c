/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_flow.h"

#include <ctype.h>
#include <strings.h>

#include "json.h"

/* Words that some reader takes for a boolean or for nothing (YAML 1.1, types bool and null). */
static bool is_word(const char *text)
{
	static const char *const words[] = { "y",     "n",  "yes", "no",   "true",
					     "false", "on", "off", "null", NULL };

	for (const char *const *w = words; *w; w++)
		if (strcasecmp(text, *w) == 0)
			return true;
	return false;
}

/* A name or an absolute path, of letters that mean nothing to YAML: numbers begin otherwise. */
static bool is_plain(const char *text)
{
	if (!isalpha((unsigned char)*text) && *text != '/')
		return false;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_./-", *p))
			return false;
	return !is_word(text);
}

/* The character at `p`, and how many bytes it has; `p` is UTF-8. */
static unsigned decode(const unsigned char *p, size_t *ret_n)
{
	size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	unsigned c = n == 1 ? *p : *p & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*ret_n = n;
	return c;
}

/* As libyaml has it, and without what turns the order of what is shown. U+2028 and U+2029 end a
 * line in YAML 1.1. */
static bool printable(unsigned c)
{
	return (c >= 0x20 && c < 0x7f) ||
	       (c >= 0xa0 && c <= 0xfffd && c != 0xfeff && !(c >= 0x200e && c <= 0x200f) &&
		!(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069)) ||
	       (c >= 0x10000 && c <= 0x10ffff);
}

void yaml_add_string(struct buf *b, const char *text)
{
	size_t n;

	if (is_plain(text)) {
		buf_adds(b, text);
		return;
	}
	buf_addc(b, '"');
	for (const unsigned char *p = (const unsigned char *)text; *p; p += n) {
		unsigned c = decode(p, &n);

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", (char)c);
		else if (printable(c))
			buf_add(b, p, n);
		else
			buf_addf(b, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
	}
	buf_addc(b, '"');
}

static void add_object(struct buf *b, const json_t *value)
{
	const char *key, *sep = "";
	json_t *v;

	buf_addc(b, '{');
	json_object_foreach ((json_t *)(uintptr_t)value, key, v) {
		buf_adds(b, sep);
		yaml_add_string(b, key);
		buf_adds(b, ": ");
		yaml_add_flow(b, v);
		sep = ", ";
	}
	buf_addc(b, '}');
}

void yaml_add_flow(struct buf *b, const json_t *value)
{
	json_t *v;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		add_object(b, value);
		break;
	case JSON_ARRAY:
		buf_addc(b, '[');
		json_array_foreach (value, i, v) {
			buf_adds(b, i ? ", " : "");
			yaml_add_flow(b, v);
		}
		buf_addc(b, ']');
		break;
	case JSON_STRING:
		yaml_add_string(b, json_string_value(value));
		break;
	case JSON_INTEGER:
		buf_addf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL: /* nothing in a plan takes one: the plan's own reader is to say so */
		buf_addf(b, "%.17g", json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		buf_adds(b, json_is_true(value) ? "true" : "false");
		break;
	case JSON_NULL:
		buf_adds(b, "null");
		break;
	}
}
