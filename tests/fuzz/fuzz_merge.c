/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three-way merge into daemon.json. The input is the file, what the plan wants, and what an
 * earlier plan had set, each behind a NUL byte: three JSON objects, absent ones empty.
 */
#include "fuzz.h"

#include "../../modules/daemon_keys.h"

const struct fuzz_bounds fuzz_bounds = { 512 << 10, 300 };

static json_t *part_object(const char **data, size_t *len, char **ret_text, size_t *ret_len)
{
	struct err e = { 0 };
	json_t *o = NULL;

	*ret_text = fuzz_part(data, len, false, ret_len);
	require(json_parse_object(*ret_text, *ret_len, &o, &e) == 0 || e.code == -EINVAL);
	return o;
}

/* What a plan can say: null is no value of any setting. */
static void drop_nulls(json_t *o)
{
	const char *name;
	void *next;
	json_t *v;

	json_object_foreach_safe (o, next, name, v) {
		if (json_is_null(v))
			json_object_del(o, name);
		else
			drop_nulls(v);
	}
}

/*
 * The bytes of the next member of the top object, from its name to the end of its value; *at goes
 * from behind the opening brace to behind the member. The document is known to be JSON.
 */
static bool next_member(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	const char *begin = NULL, *last = NULL;
	bool string = false, escaped = false;
	int depth = 0;

	for (const char *p = *at; p < end; p++) {
		if (!string && !depth && (*p == ',' || *p == '}')) {
			*at = p + 1;
			break;
		}
		if (*p == '"' && !escaped)
			string = !string;
		escaped = string && !escaped && *p == '\\';
		if (!string && (*p == '{' || *p == '['))
			depth++;
		if (!string && (*p == '}' || *p == ']'))
			depth--;
		if (!begin && *p == '"')
			begin = p;
		if (begin && !strchr(" \t\r\n", *p))
			last = p;
	}
	*ret = begin;
	*ret_len = begin ? (size_t)(last + 1 - begin) : 0;
	return begin != NULL;
}

/* The next member that is none of ours. */
static bool next_other(const char **at, const char *end, const json_t *edits, const char **ret,
		       size_t *ret_len)
{
	while (next_member(at, end, ret, ret_len)) {
		_cleanup_free_ char *one = NULL;
		_cleanup_json_ json_t *o = NULL;

		require(asprintf(&one, "{%.*s}", (int)*ret_len, *ret) > 0);
		o = json_loads(one, 0, NULL);
		require(json_object_size(o) == 1);
		if (!json_object_get(edits, json_object_iter_key(json_object_iter(o))))
			return true;
	}
	return false;
}

/* Members that are not edited are there byte for byte, in their order. */
static void check_others(const char *file, size_t file_len, const char *now, size_t now_len,
			 const json_t *edits)
{
	const char *f = memchr(file, '{', file_len), *n = memchr(now, '{', now_len), *a, *b;
	size_t alen, blen;

	if (!f) /* an empty file */
		return;
	require(n++ && f++);
	while (next_other(&f, file + file_len, edits, &a, &alen)) {
		require(next_other(&n, now + now_len, edits, &b, &blen));
		require(alen == blen && memcmp(a, b, alen) == 0);
	}
	require(!next_other(&n, now + now_len, edits, &b, &blen));
}

/* What the plan names is so, members of maps one by one; lists and the rest are the plan's. An
 * empty map asks for nothing. */
static bool holds(const json_t *now, const json_t *plan)
{
	const char *name;
	json_t *v;

	if (!json_is_object(plan) || (now && !json_is_object(now)))
		return json_equal(now, plan);
	json_object_foreach (json_readonly(plan), name, v)
		if (!holds(json_object_get(now, name), v))
			return false;
	return true;
}

static void check_merge(const json_t *file, const char *text, size_t len, const json_t *plan,
			const json_t *was)
{
	_cleanup_merge_ struct daemon_merge m = { 0 }, again = { 0 }, left = { 0 };
	_cleanup_json_ json_t *got = NULL;
	_cleanup_free_ char *now = NULL;
	size_t now_len;
	const char *name;
	struct err e;
	json_t *v;

	require(daemon_merge(file, plan, was, &m, &e) == 0);
	require(json_edit_object(text, len, m.edits, &now, &now_len, &e) == 0);
	require(json_parse_object(now, now_len, &got, &e) == 0);
	require(json_equal(got, m.merged));
	require(holds(got, plan));
	check_others(text, len, now, now_len, m.edits);
	/* merge twice = merge once, and what is ours stays ours */
	require(daemon_merge(got, plan, m.ours, &again, &e) == 0);
	require(!json_object_size(again.edits) && json_equal(again.ours, m.ours));
	require(!json_array_size(again.forgotten));
	/* a plan that names nothing any more leaves nothing of ours, and nothing else changes */
	require(daemon_merge(got, NULL, m.ours, &left, &e) == 0);
	require(!json_object_size(left.ours) && !json_array_size(left.forgotten));
	json_object_foreach (m.ours, name, v)
		require(json_object_get(file, name) || !json_object_get(left.merged, name));
}

void fuzz_one(const char *data, size_t len)
{
	_cleanup_free_ char *text = NULL, *rest = NULL;
	_cleanup_json_ json_t *file = NULL, *plan = NULL, *was = NULL;
	size_t text_len, rest_len;

	file = part_object(&data, &len, &text, &text_len);
	plan = part_object(&data, &len, &rest, &rest_len);
	free(TAKE_PTR(rest));
	was = part_object(&data, &len, &rest, &rest_len);
	if (!file || !plan || !was)
		return;
	drop_nulls(plan);
	drop_nulls(was);
	check_merge(file, text, text_len, plan, was);
}
