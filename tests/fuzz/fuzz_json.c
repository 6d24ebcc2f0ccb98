/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line of the input is the edits, the rest is the document. Without a line break it is a
 * document only.
 */
#include "fuzz.h"

#include "../../src/json.h"

const struct fuzz_bounds fuzz_bounds = { 512 << 10, 300 };

/* What jansson takes is refused only for what the header names. */
static void check_refusal(const char *text, size_t len, const struct err *e)
{
	json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	require(e->code == -EINVAL && e->text[0] >= '1' && e->text[0] <= '9');
	if (!doc)
		return;
	/* It skips NUL bytes behind a number. */
	require(!json_is_object(doc) || memchr(text, '\0', len) ||
		strstr(e->text, "nested deeper"));
	json_decref(doc);
}

static char *edit(const char *text, size_t len, json_t *edits, size_t *ret_len)
{
	struct err e = { 0 };
	char *ret = NULL;

	require(json_edit_object(text, len, edits, &ret, ret_len, &e) == 0);
	return ret;
}

static void check_set_and_remove(const char *text, size_t len, json_t *doc)
{
	static const char *const names[] = { "new", "other new" };
	_cleanup_json_ json_t *set =
		json_pack("{s:[i,{s:b}],s:s}", names[0], 1, "x", 1, names[1],
			  "a long string, so that it does not fit into a line");
	_cleanup_json_ json_t *remove = json_pack("{s:n,s:n}", names[1], names[0]);
	_cleanup_free_ char *with = NULL, *without = NULL;
	size_t with_len, without_len;

	if (json_object_get(doc, names[0]) || json_object_get(doc, names[1]))
		return;
	with = edit(text, len, set, &with_len);
	without = edit(with, with_len, remove, &without_len);
	if (json_object_size(doc) > 0)
		require(without_len == len && memcmp(without, text, len) == 0);
}

void fuzz_one(const char *data, size_t len)
{
	const char *text = data;
	const char *nl = memchr(text, '\n', len);
	_cleanup_json_ json_t *doc = NULL, *edits = NULL, *got = NULL;
	_cleanup_free_ char *once = NULL, *twice = NULL;
	size_t once_len, twice_len;
	struct err e = { 0 };
	const char *name;
	json_t *value;

	if (nl) {
		if (json_parse_object(text, (size_t)(nl - text), &edits, &e) < 0)
			return;
		len -= (size_t)(nl - text) + 1;
		text = nl + 1;
	}
	if (json_parse_object(text, len, &doc, &e) < 0) {
		check_refusal(text, len, &e);
		return;
	}
	check_set_and_remove(text, len, doc);
	if (!edits)
		return;
	once = edit(text, len, edits, &once_len);
	twice = edit(once, once_len, edits, &twice_len);
	require(once_len == twice_len && memcmp(once, twice, once_len) == 0);
	require(json_parse_object(once, once_len, &got, &e) == 0);
	json_object_foreach (edits, name, value) {
		if (json_is_null(value))
			json_object_del(doc, name);
		else
			json_object_set(doc, name, value);
	}
	require(json_equal(got, doc));
}
