/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <limits.h>

#include "buf.h"
#include "json.h"
#include "module.h"
#include "node.h"
#include "resolved.h"
#include "sources.h"
#include "value.h"

struct plan {
	struct node_pool pool;
	struct sources sources;
	struct node *top; /* everything merged */
	struct section *sections;
	struct node **nodes; /* of sections; NULL: all defaults */
	size_t n;
	unsigned engine;
	json_t *engine_given;
};

static bool engine_parse(const char *s, unsigned *ret)
{
	unsigned long part[2];
	char *end;

	for (size_t i = 0; i < 2; i++) {
		if (*s < '0' || *s > '9')
			return false;
		part[i] = strtoul(s, &end, 10);
		if (part[i] > 999 || (i == 0 && (!part[i] || *end != '.')))
			return false;
		s = end + (i == 0);
	}
	/* "28.5.2", "28.5.2-ce" */
	if (*s && (*s != '.' || s[1] < '0' || s[1] > '9'))
		return false;
	*ret = VERSION((unsigned)part[0], (unsigned)part[1]);
	return true;
}

static const char *engine_valid(const char *s)
{
	unsigned v;

	return engine_parse(s, &v) ? NULL : "the version of Docker Engine in quotes, like \"28.5\"";
}

static const struct field engine_fields[] = {
	{ .name = "version",
	  .type = FIELD_STRING,
	  .help = "Docker Engine's version, for a root whose packages don't tell: \"28.5\"",
	  .max = 64,
	  .valid = engine_valid },
	{ 0 },
};

static const char *include_valid(const char *s)
{
	return *s ? NULL : "profile:NAME or the name of a file in this file's folder";
}

static const struct field include_entry = {
	.name = "include",
	.type = FIELD_STRING,
	.max = NAME_MAX,
	.valid = include_valid,
};

const struct field plan_fields[] = {
	{ .name = "version",
	  .type = FIELD_INT,
	  .help = "the format of the plan",
	  .min = PLAN_FORMAT,
	  .max = PLAN_FORMAT,
	  .required = true },
	{ .name = "include",
	  .type = FIELD_LIST,
	  .help = "profile:NAME, or the name of a file in this file's folder; what stands here wins "
		  "over what is included, and later ones over earlier ones; lists replace, mappings are "
		  "merged, and null takes out what an included file says",
	  .max = SOURCES_INCLUDES,
	  .of = &include_entry },
	{ .name = "engine",
	  .type = FIELD_OBJECT,
	  .help = "the Docker Engine that the plan is for",
	  .of = engine_fields },
	{ 0 },
};

static const struct module *module_by_name(const char *name)
{
	for (size_t i = 0; modules[i]; i++)
		if (streq(modules[i]->name, name))
			return modules[i];
	return NULL;
}

static void unknown_section(const struct node *n, struct errs *errs)
{
	_cleanup_free_ const char **names = NULL;
	size_t n_modules = 0, k = 0;
	const char *near = NULL;
	char quoted[QUOTED_SIZE];

	while (modules[n_modules])
		n_modules++;
	names = calloc(n_modules + ARRAY_SIZE(plan_fields), sizeof(*names));
	for (size_t i = 0; names && i + 1 < ARRAY_SIZE(plan_fields); i++)
		names[k++] = plan_fields[i].name;
	for (size_t i = 0; names && i < n_modules; i++)
		names[k++] = modules[i]->name;

	for (; n; n = n->shadow) {
		if (!n->key)
			continue;
		near = names && errs->n < ERRS_MAX ? field_nearest(n->key->text, names) : NULL;
		text_quoted(n->key->text, quoted);
		if (near)
			node_mistake(n->key, errs, "unknown section %s: did you mean %s?", quoted,
				     near);
		else
			node_mistake(n->key, errs, "unknown section %s: bulkhead schema lists them",
				     quoted);
	}
}

/*
 * 28.5 without quotes is a number to YAML, in which 20.10 and 20.1 are the same; plans are read by
 * other programs, too, such as an editor with the schema.
 */
static void engine_load(struct plan *p, struct node *n, struct errs *errs)
{
	const struct field *row = field_find(plan_fields, "engine");
	bool clean = true;
	json_t *v;

	for (struct node *s = n; s; s = s->shadow) {
		struct node *version = s->kind == NODE_MAP ? node_get(s, "version", 7) : NULL;

		for (; version; version = version->shadow) {
			if (version->kind != NODE_SCALAR || !version->plain || !*version->text ||
			    version->text[strspn(version->text, "0123456789.")])
				continue;
			node_mistake(
				version, errs,
				"engine.version: write \"%.20s\" in quotes, YAML reads it as a "
				"number (20.10 would become 20.1)",
				version->text);
			version->kind = NODE_BAD;
		}
	}
	v = value_parse(row, n, row->name, errs, &clean);
	if (json_is_string(json_object_get(v, "version")))
		engine_parse(json_string_value(json_object_get(v, "version")), &p->engine);
	p->engine_given = v;
}

static int section_load(struct plan *p, const struct module *m, struct node *n, struct errs *errs,
			struct err *e)
{
	const struct field row = { .name = m->name, .type = FIELD_OBJECT, .of = m->fields };
	const struct field list = { .name = m->name, .type = FIELD_LIST, .of = &row };
	struct section *s = &p->sections[p->n];
	json_t *v = NULL;
	bool clean;

	s->module = m;
	s->plan = p;
	/* With nothing in it: an empty mapping so far, as for all sections. */
	if (n && m->list && n->kind == NODE_MAP && !n->n && !n->partial)
		n->kind = NODE_LIST;
	if (n)
		v = value_parse(m->list ? &list : &row, n, m->list ? m->name : NULL, errs, &clean);
	if (n && n->kind == NODE_REMOVED && !m->always)
		return 0;
	if (m->list && v)
		v = json_pack("{s:o}", m->name, v);
	else if (!v && !errs->failed)
		v = json_object();
	s->given = v;
	s->values = json_clone(s->given, true);
	p->nodes[p->n++] = n;
	if (!s->given || !s->values)
		return err_oom(e);
	return m->list ? value_fill(&list, section_get(s, m->name), e)
		       : value_fill(&row, s->values, e);
}

/* The merged tree into sections. Every section stands before the first rule is asked. */
static int sections_load(struct plan *p, struct errs *errs, struct err *e)
{
	size_t count = 0;
	int r;

	while (modules[count])
		count++;
	p->sections = calloc(count + 1, sizeof(*p->sections));
	p->nodes = calloc(count + 1, sizeof(*p->nodes));
	if (!p->sections || !p->nodes)
		return err_oom(e);

	for (size_t i = 0; i < p->top->n; i++) {
		struct node *n = p->top->child[i];

		if (streq(n->key->text, "engine"))
			engine_load(p, n, errs);
		else if (!field_find(plan_fields, n->key->text) && !module_by_name(n->key->text))
			unknown_section(n, errs);
	}
	for (size_t i = 0; i < count; i++) {
		const struct module *m = modules[i];
		struct node *n = node_get(p->top, m->name, strlen(m->name));

		if (!n && (!m->always || p->top->partial))
			continue;
		r = section_load(p, m, n, errs, e);
		if (r)
			return r;
	}
	/* What has mistakes is asked as well: all are told at once. What was no value is absent
	 * then. */
	for (size_t i = 0; i < p->n; i++)
		if (p->sections[i].module->check)
			p->sections[i].module->check(&p->sections[i], errs);
	return 0;
}

/* A mistake with its position taken apart. */
struct sortable {
	struct mistake m;
	size_t file, line, column, index;
};

static int by_position(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void position_parse(const struct plan *p, struct sortable *s)
{
	const char *where = s->m.where, *line, *column;

	if (!where)
		return;
	column = strrchr(where, ':');
	line = column ? memrchr(where, ':', (size_t)(column - where)) : NULL;
	s->file = p->sources.n_files + 1;
	if (!line)
		return;
	for (size_t i = 0; i < p->sources.n_files; i++)
		if (strlen(p->sources.files[i]) == (size_t)(line - where) &&
		    has_prefix(where, p->sources.files[i]))
			s->file = i + 1;
	s->line = strtoul(line + 1, NULL, 10);
	s->column = strtoul(column + 1, NULL, 10);
}

/* By file in the order of loading, line and column; one that a file brought in twice is told once.
 */
static void mistakes_sort(const struct plan *p, struct errs *errs)
{
	_cleanup_free_ struct sortable *list = calloc(errs->n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; list && i < errs->n; i++) {
		list[i].m = errs->list[i];
		list[i].index = i;
		position_parse(p, &list[i]);
	}
	if (!list)
		return;
	qsort(list, errs->n, sizeof(*list), by_position);
	for (size_t i = 0; i < errs->n; i++) {
		const struct mistake *last = n ? &errs->list[n - 1] : NULL;

		if (last && last->where && list[i].m.where && streq(last->where, list[i].m.where) &&
		    streq(last->text, list[i].m.text)) {
			free(list[i].m.where);
			free(list[i].m.text);
			continue;
		}
		errs->list[n++] = list[i].m;
	}
	errs->n = n;
}

/* Who has several hosts has several plans that include a file: which one it was is told, too. */
static void mistakes_chain(const struct plan *p, struct errs *errs)
{
	for (size_t i = 0; i < errs->n; i++) {
		struct sortable s = { .m = errs->list[i] };
		const char *from;
		char *text;

		position_parse(p, &s);
		from = s.file && s.file <= p->sources.n_files ? p->sources.from[s.file - 1] : NULL;
		if (!from)
			continue;
		if (asprintf(&text, "%s (included by %s)", s.m.text, from) < 0) {
			errs->failed = true;
			return;
		}
		free(s.m.text);
		errs->list[i].text = text;
	}
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		json_decref(p->sections[i].values);
		json_decref(p->sections[i].given);
	}
	json_decref(p->engine_given);
	free(p->sections);
	free(p->nodes);
	node_pool_done(&p->pool);
	free(p);
}

/* From a file, or from `text` when that is not NULL. */
static int load(const char *name, const char *text, size_t len, bool check, struct plan **ret,
		struct errs *errs, struct err *e)
{
	_cleanup_plan_ struct plan *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_oom(e);
	p->sources.pool = &p->pool;
	p->sources.errs = errs;
	p->sources.e = e;
	p->sources.check = check;
	r = text ? sources_load_text(&p->sources, name, text, len, &p->top)
		 : sources_load(&p->sources, name, &p->top);
	if (r == 0 && p->top)
		r = sections_load(p, errs, e);
	if (r == 0 && errs->failed)
		r = err_oom(e);
	if (r) {
		errs_done(errs);
		return r;
	}
	mistakes_sort(p, errs);
	mistakes_chain(p, errs);
	if (errs->failed) {
		errs_done(errs);
		return err_oom(e);
	}
	if (errs_any(errs))
		return err_set(e, EINVAL, "%s: %zu mistake%s in the plan", name,
			       errs->n + errs->more, errs->n + errs->more == 1 ? "" : "s");
	*ret = TAKE_PTR(p);
	return 0;
}

int plan_load_text(const char *name, const char *text, size_t len, struct plan **ret,
		   struct errs *errs, struct err *e)
{
	return load(name, text, len, false, ret, errs, e);
}

int plan_load(const char *path, const struct plan_options *opt, struct plan **ret,
	      struct errs *errs, struct err *e)
{
	return load(path, NULL, 0, geteuid() == 0 && !(opt && opt->trust_all), ret, errs, e);
}

json_t *plan_files(const struct plan *p)
{
	const struct sources *s = &p->sources;
	_cleanup_buf_ struct buf all = BUF_INIT;
	json_t *files = json_array();
	char sum[SHA256_TEXT];

	for (size_t i = 0; i < s->n_files; i++) {
		buf_addf(&all, "%s\n", s->sha256[i]);
		if (files && json_array_append_new(files, json_pack("{s:o, s:s}", "name",
								    json_string_any(s->files[i]),
								    "sha256", s->sha256[i])))
			all.failed = true;
	}
	if (all.failed) {
		json_decref(files);
		return NULL;
	}
	sha256_text(all.data, all.len, sum);
	return json_pack("{s:s, s:o}", "sha256", sum, "files", files);
}

json_t *plan_resolved(const struct plan *p)
{
	json_t *out = json_array();
	struct err e;
	int r = 0;

	for (size_t i = 0; out && i < p->top->n && r == 0; i++) {
		struct node *n = p->top->child[i];
		const struct section *s = plan_section(p, n->key->text);
		json_t *value = s ? s->given : NULL;

		if (streq(n->key->text, "version") || streq(n->key->text, "include"))
			continue;
		if (s && s->module->list)
			value = json_object_get(value, s->module->name);
		else if (streq(n->key->text, "engine"))
			value = p->engine_given;
		r = resolved_add(out, n->key->text, n, value, p->sources.pool, &e);
	}
	if (r)
		json_decref(out);
	return r ? NULL : out;
}

const struct section *plan_section(const struct plan *p, const char *module)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->sections[i].module->name, module))
			return &p->sections[i];
	return NULL;
}

unsigned plan_engine_version(const struct plan *p)
{
	return p->engine;
}

/* The entry of a list that became the value of this index; list->n: none. */
static size_t list_entry(const struct node *list, size_t index)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!list->child[i]->refused && index-- == 0)
			break;
	return i;
}

/*
 * The child that a path leads to next. A name may hold dots (as com.docker.network.bridge.name
 * does), so the longest one that is there is taken. NULL: nothing.
 */
static struct node *path_step(struct node *n, const char **path)
{
	const char *p = *path;
	struct node *c = NULL;
	size_t len, i;
	char *end;

	if (n->kind == NODE_LIST && *p == '[') {
		i = list_entry(n, strtoul(p + 1, &end, 10));
		*path = end + (*end == ']');
		return i < n->n ? n->child[i] : NULL;
	}
	if (n->kind != NODE_MAP)
		return NULL;
	p += *p == '.';
	for (len = strlen(p); len; len--) {
		if (p[len] && p[len] != '.' && p[len] != '[')
			continue;
		c = node_get(n, p, len);
		if (c)
			break;
	}
	*path = p + len;
	return c;
}

/* As far as the path leads. */
static struct node *section_node(const struct section *s, const char *path)
{
	struct node *n = s->plan->nodes[s - s->plan->sections], *next;

	if (!n)
		return s->plan->top;
	while (path && *path && (next = path_step(n, &path)))
		n = next;
	return n;
}

const char *section_where(const struct section *s, const char *path)
{
	const struct plan *p = s->plan;
	const char *where = node_where(p->sources.pool, section_node(s, path));

	return where ? where : p->sources.files[0];
}

size_t section_index(const struct section *s, const char *path, size_t i)
{
	const struct node *n = section_node(s, path);
	size_t at = n->kind == NODE_LIST ? list_entry(n, i) : n->n;

	return at < n->n ? at : i; /* a default */
}

json_t *section_get(const struct section *s, const char *name)
{
	return json_object_get(s->values, name);
}

const char *section_str(const struct section *s, const char *name)
{
	return json_string_value(section_get(s, name));
}

long long section_int(const struct section *s, const char *name, long long otherwise)
{
	const json_t *v = section_get(s, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool section_bool(const struct section *s, const char *name, bool otherwise)
{
	const json_t *v = section_get(s, name);

	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}
