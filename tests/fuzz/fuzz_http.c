/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte of the input is the size of the pieces that the rest arrives in. */
#include "../../modules/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static int feed(struct http *p, const char *text, size_t len, size_t step)
{
	struct err e;

	http_init(p, 1000);
	for (size_t i = 0; i < len; i += step) {
		int r = http_feed(p, text + i, len - i < step ? len - i : step, &e);

		require(r <= 1 && (r >= 0 || (e.code == r && *e.text)));
		if (r)
			return r < 0 ? r : 0;
	}
	return http_end(p, &e);
}

/* The pieces make no difference, and the bounds hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http whole, pieces;
	int r;

	if (len < 2)
		return 0;
	r = feed(&whole, (const char *)data + 1, len - 1, len);
	require(feed(&pieces, (const char *)data + 1, len - 1, 1 + (size_t)*data) == r);
	if (r == 0) {
		require(whole.status >= 200 && whole.status <= 999);
		require(whole.status == pieces.status && whole.body.len == pieces.body.len);
		require(!whole.body.len ||
			memcmp(whole.body.data, pieces.body.data, whole.body.len) == 0);
	}
	require(whole.body.len <= 1000 && pieces.line.len <= HTTP_LINE_MAX);
	http_done(&whole);
	http_done(&pieces);
	return 0;
}
