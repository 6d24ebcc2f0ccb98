/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_reserve(struct buf *b, size_t len)
{
	size_t want, cap;
	char *data;

	if (b->failed)
		return;
	if (len > SIZE_MAX / 2 - b->len) {
		b->failed = true;
		return;
	}
	want = b->len + len + 1;
	if (want <= b->cap)
		return;
	for (cap = b->cap ? b->cap : 64; cap < want;)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return;
	}
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	buf_reserve(b, len);
	if (b->failed)
		return;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0) {
		b->failed = true;
		return;
	}
	buf_reserve(b, (size_t)n);
	if (b->failed)
		return;
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

char *buf_take(struct buf *b, size_t *ret_len)
{
	char *data;

	if (b->failed) {
		buf_done(b);
		return NULL;
	}
	data = b->data ? b->data : strdup("");
	if (ret_len)
		*ret_len = data ? b->len : 0;
	*b = (struct buf)BUF_INIT;
	return data;
}

/* Of three bytes: what ends a line for some (U+2028, U+2029), turns the order of what is shown
 * (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), or is no character (U+FEFF, U+FFFE,
 * U+FFFF).
 */
static bool misleads(const unsigned char *p)
{
	unsigned c = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);

	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c >= 0xfffe;
}

/* How many bytes the character at `p` has that may be shown; 0: none. C1 controls steer a terminal
 * as C0 ones do. */
static size_t shown(const unsigned char *p)
{
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc2 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf5 ? 4
			       : 0;

	if (n == 1)
		return *p >= 0x20 && *p != 0x7f;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if (n == 3 && misleads(p))
		return 0;
	/* Too long, surrogates, beyond the last, C1: RFC 3629. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] >= 0x90) ||
	    (*p == 0xc2 && p[1] < 0xa0))
		return 0;
	return n;
}

void buf_add_word(struct buf *b, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_./:=@%+,-";

	if (*word && !word[strspn(word, plain)]) {
		buf_adds(b, word);
		return;
	}
	buf_addc(b, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_adds(b, "'\\'");
		buf_addc(b, *word);
	}
	buf_addc(b, '\'');
}

char *buf_words(const char *words, const char *before, const char *word)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, words);
	buf_adds(&b, before);
	buf_add_word(&b, word);
	return buf_take(&b, NULL);
}

void buf_add_shown(struct buf *b, const char *text, const char *newline)
{
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t n = shown(p);

		if (n)
			buf_add(b, p, n);
		else if (*p == '\n' && newline)
			buf_adds(b, newline);
		else
			buf_addf(b, "\\x%02x", *p);
		p += n ? n : 1;
	}
}
