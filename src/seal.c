/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include "sha256.h"

#define OPENING "{\n"
#define KEY	"sha256"
#define BEFORE	OPENING " \"" KEY "\": \""
#define AFTER	"\",\n"

char *seal_put(const char *text)
{
	const char *rest = text + strlen(OPENING);
	char sum[SHA256_TEXT], *sealed;

	sha256_text(rest, strlen(rest), sum);
	return asprintf(&sealed, BEFORE "%s" AFTER "%s", sum, rest) < 0 ? NULL : sealed;
}

bool seal_holds(const char *text, const json_t *o)
{
	const size_t at = strlen(BEFORE), end = at + SHA256_TEXT - 1;
	char sum[SHA256_TEXT];
	const char *rest;

	/* One that stands anywhere else isn't as it was written. */
	if (!has_prefix(text, BEFORE))
		return !json_object_get(o, KEY);
	if (strlen(text) < end || !has_prefix(text + end, AFTER))
		return false;
	rest = text + end + strlen(AFTER);
	sha256_text(rest, strlen(rest), sum);
	return strncmp(text + at, sum, SHA256_TEXT - 1) == 0;
}
