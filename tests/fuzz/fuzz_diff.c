/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is two texts with a NUL between them. The diff with all of the context holds both of
 * them: each is read back out of it.
 */
#include "fuzz.h"

#include "../../src/diff.h"

/* The trace of the comparison is no more than 2 MB for any input (EDITS_MAX), and 1 MB while it
 * grows. */
const struct fuzz_bounds fuzz_bounds = { 4 << 20, 400 };

/* Only what is shown as it is can be read back. */
static bool plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] < 0x20 || text[i] > 0x7e) && text[i] != '\n' && text[i] != '\t')
			return false;
	return true;
}

/* The text whose own lines have `mark`. */
static void read_back(struct buf *out, const char *diff, char mark)
{
	bool ours = false;
	const char *nl;

	for (const char *p = diff; *p; p = nl + 1) {
		nl = strchr(p, '\n');
		require(nl);
		if (*p == '\\' && ours)
			out->data[--out->len] = '\0';
		if (*p == '\\')
			continue;
		ours = *p == ' ' || *p == mark;
		if (ours)
			buf_add(out, p + 1, (size_t)(nl - p));
	}
}

static const char *line_after(const char *p)
{
	p = strchr(p, '\n');
	require(p);
	return p + 1;
}

void fuzz_one(const char *data, size_t len)
{
	const char *a = data;
	const char *nul = memchr(a, '\0', len);
	size_t alen = nul ? (size_t)(nul - a) : len;
	const char *b = nul ? nul + 1 : a + len;
	size_t blen = len - (size_t)(b - a);
	_cleanup_buf_ struct buf diff = BUF_INIT, part = BUF_INIT, old = BUF_INIT, new = BUF_INIT;
	const char *body;

	diff_unified(&part, a, alen, b, blen, "a", "b", 3);
	diff_unified(&diff, a, alen, b, blen, "a", "b", INT32_MAX);
	require(!diff.failed && !part.failed);
	require((diff.len == 0) == (alen == blen && memcmp(a, b, alen) == 0));
	require((diff.len == 0) == (part.len == 0));
	if (diff.len == 0 || !plain(a, alen) || !plain(b, blen))
		return;
	body = line_after(line_after(line_after(diff.data)));
	read_back(&old, body, '-');
	read_back(&new, body, '+');
	require(!old.failed && !new.failed);
	require(old.len == alen && memcmp(old.data ? old.data : "", a, alen) == 0);
	require(new.len == blen &&memcmp(new.data ? new.data : "", b, blen) == 0);
}
