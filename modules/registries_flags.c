/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLOCK_REGISTRY='--block-registry docker.io' of Red Hat's docker: one value of an environment file
 * that people write by hand, so its quotes, the flags of others and every other line stay.
 * systemd.exec(5) "EnvironmentFile=" says what is read; what is written in a harder way than a
 * quoted value in one line is left to whoever wrote it.
 */
#include "registries.h"

/* The value of the last assignment, without its quotes. */
struct value {
	const char *line, *begin, *end, *line_end;
	char quote; /* or '\0' */
};

/* 1: found. 0: there is none. -EINVAL: not ours to edit. */
static int value_find(const char *text, const char *variable, struct value *ret, struct err *e)
{
	size_t n = strlen(variable);
	unsigned number = 0;
	int found = 0;

	for (const char *line = text, *next; *line; line = next) {
		const char *eol = strchrnul(line, '\n'), *p = line + strspn(line, " \t"), *last;
		struct value v = { .line = line, .line_end = eol };

		next = *eol ? eol + 1 : eol;
		number++;
		if (strncmp(p, variable, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		last = eol;
		while (last > p && strchr(" \t\r", last[-1]))
			last--;
		if (p < last && (*p == '\'' || *p == '"'))
			v.quote = *p++;
		v.begin = p;
		v.end = last;
		if (v.quote && (last == p || last[-1] != v.quote))
			return err_set(e, EINVAL, "line %u: a value of %s that doesn't end there",
				       number, variable);
		if (v.quote)
			v.end--;
		for (p = v.begin; p < v.end; p++)
			if (strchr("'\"\\`$", *p))
				return err_set(e, EINVAL,
					       "line %u: %s is written with quotes, backslashes or "
					       "variables inside",
					       number, variable);
		*ret = v;
		found = 1;
	}
	return found;
}

/* "--FLAG NAME" or "--FLAG=NAME" at `p`: the end of it and its name; NULL: another word. */
static const char *pair_end(const char *p, const char *end, const char *flag, const char **ret_name,
			    size_t *ret_len)
{
	size_t n = strlen(flag);
	const char *name;

	if (end - p < 3 || strncmp(p, "--", 2) != 0 || strncmp(p + 2, flag, n) != 0)
		return NULL;
	p += 2 + n;
	if (p < end && *p == '=')
		name = p + 1;
	else if (p < end && strchr(" \t", *p))
		name = p + strspn(p, " \t");
	else
		return NULL;
	for (p = name; p < end && !strchr(" \t", *p); p++)
		;
	*ret_name = name;
	*ret_len = (size_t)(p - name);
	return p;
}

/* The index of a name in a list as it stands there, or -1. */
static int index_of(const json_t *list, const char *name, size_t len)
{
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(list), i, v)
		if (json_string_length(v) == len && memcmp(json_string_value(v), name, len) == 0)
			return (int)i;
	return -1;
}

/* The value with what is not wanted any more taken out; `there` are the names that stay. */
static int value_keep(const struct value *v, const struct flags *f, struct buf *out, json_t *there,
		      struct err *e)
{
	for (const char *p = v->begin; p < v->end;) {
		const char *word = p, *name, *end;
		size_t len;

		while (word < v->end && strchr(" \t", *word))
			word++;
		end = pair_end(word, v->end, f->flag, &name, &len);
		if (!end)
			for (end = word; end < v->end && !strchr(" \t", *end); end++)
				;
		else if (index_of(f->was, name, len) >= 0 && index_of(f->want, name, len) < 0) {
			p = end;
			continue;
		} else if (json_array_append_new(there, json_stringn(name, len)) < 0) {
			return err_oom(e);
		}
		/* What stood before it went: so does the blank. */
		buf_add(out, out->len ? p : word, (size_t)(end - (out->len ? p : word)));
		p = end;
	}
	return 0;
}

int flags_edit(const char *text, struct flags *f, char **ret, json_t **ret_ours, struct err *e)
{
	_cleanup_json_ json_t *there = json_array(), *ours = json_array();
	_cleanup_buf_ struct buf value = BUF_INIT, out = BUF_INIT;
	struct value v = { .line = text + strlen(text) };
	int found = value_find(text, f->variable, &v, e);
	json_t *name;
	bool added = false;
	size_t i;

	if (found < 0)
		return found;
	if (!there || !ours)
		return err_oom(e);
	if (found && value_keep(&v, f, &value, there, e) < 0)
		return e->code;
	json_array_foreach (json_readonly(f->want), i, name) {
		const char *s = json_string_value(name);
		size_t len = json_string_length(name);
		bool has = index_of(there, s, len) >= 0;

		if ((!has || index_of(f->was, s, len) >= 0) && json_array_append(ours, name) < 0)
			return err_oom(e);
		if (has)
			continue;
		buf_addf(&value, "%s--%s %s", value.len ? " " : "", f->flag, s);
		added = true;
	}
	if (value.failed)
		return err_oom(e);
	buf_add(&out, text, (size_t)(v.line - text));
	if (!found) {
		if (added && out.len && out.data[out.len - 1] != '\n')
			buf_addc(&out, '\n');
		if (added)
			buf_addf(&out, "%s='%s'\n", f->variable, value.data);
		f->made = added;
	} else if (!value.len && f->made) {
		buf_adds(&out, *v.line_end ? v.line_end + 1 : v.line_end);
		f->made = false;
	} else {
		char quote[2] = { v.quote ? v.quote : added ? '\'' : '\0', '\0' };

		buf_add(&out, v.line, (size_t)(v.begin - (v.quote ? 1 : 0) - v.line));
		buf_addf(&out, "%s%s%s", quote, value.data ? value.data : "", quote);
		buf_adds(&out, v.end + (v.quote ? 1 : 0));
	}
	if (out.failed)
		return err_oom(e);
	*ret = buf_take(&out, NULL);
	if (!*ret)
		return err_oom(e);
	*ret_ours = TAKE_PTR(ours);
	return 0;
}
