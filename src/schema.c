/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings tables as a JSON Schema for editors, and as text for people.
 */
#include "field.h"

#include "buf.h"
#include "module.h"
#include "plan.h"
#include "value.h"

#define NAME_PATTERN "^([0-9]+|(?!-)[A-Za-z0-9_.-]{1,31}[A-Za-z0-9_.$-]?)$"
#define KEY_MAX	     255

static const char *series_text(unsigned v, char buf[24])
{
	snprintf(buf, 24, "%u.%u", v / 1000, v % 1000);
	return buf;
}

/* A JSON document under construction: the first failure (out of memory) makes it NULL, and it stays
 * so. */
static void put(json_t **o, const char *key, json_t *value)
{
	if (*o && json_object_set_new(*o, key, value) == 0)
		return;
	if (!*o)
		json_decref(value);
	json_decref(*o);
	*o = NULL;
}

static void append(json_t **a, json_t *value)
{
	if (*a && json_array_append_new(*a, value) == 0)
		return;
	if (!*a)
		json_decref(value);
	json_decref(*a);
	*a = NULL;
}

static json_t *strings(const char *const *list)
{
	json_t *a = json_array();

	for (; list && *list; list++)
		append(&a, json_string(*list));
	return a;
}

static json_t *table_schema(const struct field *table, bool nullable);
static json_t *or_null(json_t *o);

/* The type alone. */
static json_t *type_schema(const struct field *f)
{
	json_t *o;

	switch (f->type) {
	case FIELD_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_INT:
		o = json_pack("{s:s}", "type", "integer");
		if (f->min == f->max && f->min) {
			put(&o, "const", json_integer(f->min));
		} else if (f->min || f->max) {
			put(&o, "minimum", json_integer(f->min));
			put(&o, "maximum", json_integer(f->max));
		}
		return o;
	case FIELD_ENUM:
		return json_pack("{s:s, s:o}", "type", "string", "enum", strings(f->choices));
	case FIELD_STRING:
		return json_pack("{s:s, s:I}", "type", "string", "maxLength",
				 (json_int_t)(f->max ? f->max : 4096));
	case FIELD_MODE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^0?[0-7]{1,4}$");
	case FIELD_NAME:
		return json_pack("{s:[s,s], s:s}", "type", "string", "integer", "pattern",
				 NAME_PATTERN);
	case FIELD_IDRANGE:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^[0-9]+-[0-9]+$");
	case FIELD_PATH:
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^/");
	case FIELD_LIST:
		return json_pack("{s:s, s:o, s:I}", "type", "array", "items", type_schema(f->of),
				 "maxItems", (json_int_t)(f->max ? f->max : 4096));
	case FIELD_MAP:
		return json_pack("{s:s, s:o, s:I, s:{s:i, s:i}}", "type", "object",
				 "additionalProperties", or_null(type_schema(f->of)),
				 "maxProperties", (json_int_t)(f->max ? f->max : 4096),
				 "propertyNames", "minLength", 1, "maxLength", KEY_MAX);
	case FIELD_OBJECT:
		return table_schema(f->of, false);
	case FIELD_NONE:
		break;
	}
	return json_object();
}

static json_t *field_schema(const struct field *f)
{
	json_t *o = type_schema(f), *v;
	char series[24];
	struct err e;

	if (f->also)
		o = json_pack("{s:[o,{s:o}]}", "anyOf", o, "enum", strings(f->also));
	put(&o, "title", json_string(f->name));
	if (f->help)
		put(&o, "description", json_string(f->help));
	if (value_default(f, &v, &e) == -ENOMEM)
		put(&o, "default", NULL);
	else if (v)
		put(&o, "default", v);
	if (f->cis)
		put(&o, "x-cis", json_string(f->cis));
	if (f->since)
		put(&o, "x-since", json_string(series_text(f->since, series)));
	if (f->until)
		put(&o, "x-until", json_string(series_text(f->until, series)));
	return o;
}

/* Null, too: in a plan of several files it takes out what an included one says. */
static json_t *or_null(json_t *o)
{
	json_t *any = json_object_get(o, "anyOf"), *type = json_object_get(o, "type");
	json_t *choices = json_object_get(o, "enum");

	if (any && json_array_append_new(any, json_pack("{s:s}", "type", "null")) < 0)
		goto failed;
	if (choices && json_array_append_new(choices, json_null()) < 0)
		goto failed;
	if (json_is_array(type) && json_array_append_new(type, json_string("null")) < 0)
		goto failed;
	if (json_is_string(type))
		put(&o, "type", json_pack("[O,s]", type, "null"));
	return o;
failed:
	json_decref(o);
	return NULL;
}

static json_t *table_schema(const struct field *table, bool nullable)
{
	json_t *o = json_pack("{s:s, s:b}", "type", "object", "additionalProperties", 0);
	json_t *properties = json_object(), *required = json_array();

	for (const struct field *f = table; f && f->type != FIELD_NONE; f++) {
		put(&properties, f->name, nullable ? or_null(field_schema(f)) : field_schema(f));
		if (f->required)
			append(&required, json_string(f->name));
	}
	put(&o, "properties", properties);
	if (required && !json_array_size(required))
		json_decref(required);
	else
		put(&o, "required", required);
	return o;
}

/* A section may stand there with nothing in it, or be the value of one of its settings. */
static json_t *section_schema(const char *name, const char *summary, const struct field *table,
			      bool list, const char *scalar)
{
	json_t *o = table_schema(table, !list);

	if (list)
		o = json_pack("{s:[s,s], s:o}", "type", "array", "null", "items", o);
	else
		put(&o, "type", json_pack("[s,s]", "object", "null"));
	if (scalar)
		o = json_pack("{s:[o,o]}", "anyOf", o, field_schema(field_find(table, scalar)));
	put(&o, "title", json_string(name));
	if (summary)
		put(&o, "description", json_string(summary));
	return o;
}

json_t *schema_json(void)
{
	json_t *o = table_schema(plan_fields, false);
	json_t *properties = json_object_get(o, "properties");
	const struct field *engine = field_find(plan_fields, "engine");

	json_incref(properties);
	put(&properties, engine->name,
	    section_schema(engine->name, engine->help, engine->of, false, NULL));
	for (size_t i = 0; modules[i]; i++)
		put(&properties, modules[i]->name,
		    section_schema(modules[i]->name, modules[i]->summary, modules[i]->fields,
				   modules[i]->list, modules[i]->scalar));
	put(&o, "properties", properties);
	put(&o, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	put(&o, "title", json_string("bulkhead plan"));
	put(&o, "description", json_string("What a hardened Docker host looks like."));
	return o;
}

/* "engine from 28.2", "engine before 29.0", ... */
static void series_add(const struct field *f, struct buf *b)
{
	char series[24];

	if (!f->since && !f->until)
		return;
	buf_adds(b, "; engine");
	if (f->since)
		buf_addf(b, " from %s", series_text(f->since, series));
	if (f->until)
		buf_addf(b, "%s before %s", f->since ? "," : "", series_text(f->until, series));
}

void field_takes(const struct field *f, struct buf *b)
{
	char expects[1024];

	field_expects(f, expects, sizeof(expects));
	buf_adds(b, expects);
	if (f->fallback)
		buf_addf(b, "; default %s", f->fallback);
	if (f->required)
		buf_adds(b, "; required");
	if (f->cis)
		buf_addf(b, "; CIS %s", f->cis);
	series_add(f, b);
}

static void table_text(const struct field *table, const char *prefix, struct buf *b);

static void field_text(const struct field *f, const char *prefix, struct buf *b)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	const struct field *of = f;

	buf_addf(&name, "%s%s", prefix, f->name);
	if (name.failed) {
		b->failed = true;
		return;
	}
	buf_addf(b, "  %s\n      ", name.data);
	field_takes(f, b);
	if (f->help)
		buf_addf(b, "\n      %s", f->help);
	buf_addc(b, '\n');

	for (; of->of && (of->type == FIELD_LIST || of->type == FIELD_MAP); of = of->of)
		buf_adds(&name, of->type == FIELD_LIST ? "[]" : ".NAME");
	buf_addc(&name, '.');
	if (name.failed)
		b->failed = true;
	else if (of->type == FIELD_OBJECT)
		table_text(of->of, name.data, b);
}

static void table_text(const struct field *table, const char *prefix, struct buf *b)
{
	for (const struct field *f = table; f && f->type != FIELD_NONE; f++)
		field_text(f, prefix, b);
}

int schema_text(char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *text;

	buf_adds(&b, "the plan itself\n");
	table_text(plan_fields, "", &b);
	for (size_t i = 0; modules[i]; i++) {
		buf_addf(&b, "\n%s%s%s\n", modules[i]->name, modules[i]->summary ? ": " : "",
			 modules[i]->summary ? modules[i]->summary : "");
		if (modules[i]->scalar)
			buf_addf(&b, "  \"%s: VALUE\" is short for \"%s: {%s: VALUE}\"\n",
				 modules[i]->name, modules[i]->name, modules[i]->scalar);
		table_text(modules[i]->fields, modules[i]->list ? "[]." : "", &b);
	}
	text = buf_take(&b, NULL);
	if (!text)
		return err_oom(e);
	*ret = text;
	return 0;
}
