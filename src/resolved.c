/* SPDX-License-Identifier: Apache-2.0 */
#include "resolved.h"

#include "buf.h"
#include "json.h"
#include "sources.h"

#define COMMENT_COLUMN 48

struct walk {
	json_t *out;
	struct node_pool *pool;
	const char *path[NODE_DEPTH_MAX + 1];
	size_t depth;
	bool failed;
};

static void append(struct walk *w, json_t *list, json_t *v)
{
	if (!list || !v || json_array_append_new(list, v) < 0)
		w->failed = true;
}

static void entry_add(struct walk *w, struct node *n, json_t *value)
{
	const char *where = node_where(w->pool, n);
	json_t *path = json_array(), *over = json_array();

	for (size_t i = 0; i < w->depth; i++)
		append(w, path, json_string(w->path[i]));
	for (struct node *s = n->shadow; s; s = s->shadow)
		if (s->kind != NODE_MERGED)
			append(w, over, json_string(node_where(w->pool, s)));
	append(w, w->out,
	       json_pack("{s:o, s:o, s:b, s:s, s:o}", "path", path, "value",
			 value ? json_incref(value) : json_null(), "removed",
			 n->kind == NODE_REMOVED, "where", where ? where : "", "over", over));
	if (!where)
		w->failed = true;
}

static void walk(struct walk *w, const char *name, struct node *n, json_t *value)
{
	bool map = n->kind == NODE_MAP && json_is_object(value);

	if (w->depth == ARRAY_SIZE(w->path))
		return;
	w->path[w->depth++] = name;
	/* A mapping that holds something is told by what it holds. */
	if (map ? !json_object_size(value) : value || n->kind == NODE_REMOVED)
		entry_add(w, n, n->kind == NODE_REMOVED ? NULL : value);
	for (size_t i = 0; map && i < n->n; i++)
		walk(w, n->child[i]->key->text, n->child[i],
		     json_object_get(value, n->child[i]->key->text));
	w->depth--;
}

int resolved_add(json_t *out, const char *name, struct node *n, json_t *value,
		 struct node_pool *pool, struct err *e)
{
	struct walk w = { .out = out, .pool = pool };

	walk(&w, name, n, value);
	return w.failed ? err_oom(e) : 0;
}

static void name_add(struct buf *b, const char *name, size_t depth)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	_cleanup_free_ char *quoted = NULL;
	json_t *s;

	buf_addf(b, "%*s", (int)depth * 2, "");
	if (*name && name[strspn(name, plain)] == '\0' && strchr(plain + 52, *name) == NULL) {
		buf_adds(b, name);
		return;
	}
	s = json_string(name);
	quoted = s ? json_text(s, JSON_ENCODE_ANY) : NULL;
	json_decref(s);
	if (quoted)
		buf_adds(b, quoted);
	else
		b->failed = true;
}

static const char *path_name(const json_t *path, size_t i)
{
	return json_string_value(json_array_get(path, i));
}

/* One line; `last` is the path of the one before it. */
static void line_add(struct buf *b, const json_t *entry, const json_t *last)
{
	const json_t *path = json_object_get(entry, "path"), *over = json_object_get(entry, "over");
	size_t depth = json_array_size(path) - 1, same = 0, begin;
	_cleanup_free_ char *value = NULL;
	int room;

	while (same < depth && same < json_array_size(last) &&
	       streq(path_name(path, same), path_name(last, same)))
		same++;
	for (; same < depth; same++) {
		name_add(b, path_name(path, same), same);
		buf_adds(b, ":\n");
	}
	begin = b->len;
	if (json_is_true(json_object_get(entry, "removed"))) {
		buf_adds(b, "# ");
		name_add(b, path_name(path, depth), depth);
		buf_adds(b, ": null");
	} else {
		value = json_text(json_object_get(entry, "value"), JSON_ENCODE_ANY);
		if (!value)
			b->failed = true;
		name_add(b, path_name(path, depth), depth);
		buf_addf(b, ": %s", value ? value : "");
	}
	room = COMMENT_COLUMN - (int)(b->len - begin);
	buf_addf(b, "%*s # %s", room > 0 ? room : 0, "",
		 json_string_value(json_object_get(entry, "where")));
	for (size_t i = 0; i < json_array_size(over); i++)
		buf_addf(b, "%s%s", i ? ", " : " over ", path_name(over, i));
	buf_addc(b, '\n');
}

char *resolved_text(const json_t *resolved)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const json_t *last = NULL, *entry;
	size_t i;

	buf_addf(&b, "version: %d\n", PLAN_FORMAT);
	json_array_foreach (resolved, i, entry) {
		line_add(&b, entry, last);
		last = json_object_get(entry, "path");
	}
	return buf_take(&b, NULL);
}
