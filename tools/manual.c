/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as mdoc(7).
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "buf.h"
#include "module.h"
#include "tables.h"

#define COLUMNS 76 /* of the source: mandoc(1) asks for less than 80 */

/* One word as roff: a hyphen is the character that one types, a backslash itself. */
static size_t put_word(const char *word, size_t len, bool first)
{
	size_t width = 0;

	if (first && (*word == '.' || *word == '\''))
		width += (size_t)printf("\\&");
	for (size_t i = 0; i < len; i++)
		width += (size_t)printf(word[i] == '-'	  ? "\\-"
					: word[i] == '\\' ? "\\e"
							  : "%c",
					word[i]);
	return width;
}

static bool ends_sentence(const char *word, size_t len)
{
	while (len > 1 && strchr(")\"'", word[len - 1]))
		len--;
	return len > 1 && strchr(".?!", word[len - 1]);
}

/* Text in lines, each sentence on one of its own. */
static void put_text(const char *text)
{
	size_t column = 0;

	for (bool end = false;;) {
		size_t len;

		text += strspn(text, " \n");
		len = strcspn(text, " \n");
		if (!len)
			break;
		if (column && (end || column + 1 + len > COLUMNS))
			column = 0 * (size_t)putchar('\n');
		else if (column)
			column += (size_t)printf(" ");
		column += put_word(text, len, column == 0);
		end = ends_sentence(text, len);
		text += len;
	}
	putchar('\n');
}

/* As one argument of a macro. */
static void put_arg(const char *text)
{
	putchar('"');
	for (; *text; text++)
		printf(*text == '-'    ? "\\-"
		       : *text == '"'  ? "\"\""
		       : *text == '\\' ? "\\e"
				       : "%c",
		       *text);
	putchar('"');
}

static void put_flag(const struct command_option *o)
{
	printf("Fl \\-");
	put_word(o->name, strlen(o->name), false);
	if (o->arg)
		printf(" Ar %s", o->arg);
}

/* What a command is called with: "[PLAN]" is an argument that may be left out. */
static void put_synopsis(const struct command *c)
{
	size_t n = strcspn(c->synopsis, "]");

	if (*c->synopsis == '[')
		printf(" Op Ar %.*s", (int)n - 1, c->synopsis + 1);
	else if (*c->synopsis)
		printf(" Ar %s", c->synopsis);
}

static void write_date(void)
{
	printf(".Dd " PACKAGE_DATE "\n");
}

static void write_system(void)
{
	printf(".Os bulkhead " PACKAGE_VERSION "\n");
}

static void write_synopsis(void)
{
	for (const struct command *c = commands; c < commands + N_COMMANDS; c++) {
		printf(".Nm\n.Cm %s", c->name);
		put_synopsis(c);
		putchar('\n');
		for (const struct command_option *o = command_options;
		     o < command_options + N_OPTIONS; o++)
			if (o->takes && command_takes(c, o->takes)) {
				printf(".Op ");
				put_flag(o);
				putchar('\n');
			}
		printf(".Op Ar option ...\n");
	}
}

static void write_commands(void)
{
	printf(".Bl -tag -width Ds\n");
	for (const struct command *c = commands; c < commands + N_COMMANDS; c++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		size_t n = strlen(c->summary);

		printf(".It Cm %s", c->name);
		put_synopsis(c);
		putchar('\n');
		buf_adds(&b, c->summary);
		if (!strchr(".?!", c->summary[n - 1]))
			buf_addc(&b, '.');
		buf_addf(&b, " %s", c->help);
		put_text(b.failed ? "" : b.data);
	}
	printf(".El\n");
}

static void write_options(void)
{
	printf(".Bl -tag -width Ds\n");
	for (const struct command_option *o = command_options; o < command_options + N_OPTIONS;
	     o++) {
		printf(".It ");
		put_flag(o);
		putchar('\n');
		put_text(o->help);
		if (o->takes) {
			const char *between = "(";

			for (const struct command *c = commands; c < commands + N_COMMANDS; c++)
				if (command_takes(c, o->takes)) {
					printf("%s%s", between, c->name);
					between = ", ";
				}
			printf(")\n");
		}
		if (!o->choices)
			continue;
		printf(".Bl -tag -width always -compact\n");
		for (const struct command_choice *x = o->choices; x->name; x++) {
			printf(".It Cm %s\n", x->name);
			put_text(x->help);
		}
		printf(".El\n");
	}
	printf(".El\n");
}

static void write_exits(void)
{
	printf(".Bl -tag -width Ds\n");
	for (const struct command_exit *x = command_exits; x->help; x++) {
		printf(".It %d\n", x->code);
		put_text(x->help);
	}
	printf(".El\n");
}

static void put_table(const struct field *table)
{
	printf(".Bl -tag -width Ds\n");
	for (const struct field *f = table; f && f->type != FIELD_NONE; f++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		const struct field *of = f;

		printf(".It Cm ");
		put_arg(f->name);
		putchar('\n');
		if (f->help)
			buf_addf(&b, "%s. ", f->help);
		buf_adds(&b, "Takes ");
		field_takes(f, &b);
		buf_addc(&b, '.');
		put_text(b.failed ? "" : b.data);
		while (of->of && (of->type == FIELD_LIST || of->type == FIELD_MAP))
			of = of->of;
		if (of->type == FIELD_OBJECT)
			put_table(of->of);
	}
	printf(".El\n");
}

static void write_plan(void)
{
	put_table(plan_fields);
}

static void write_sections(void)
{
	for (size_t i = 0; modules[i]; i++) {
		const struct module *m = modules[i];

		printf(".Ss ");
		put_arg(m->name);
		putchar('\n');
		if (m->summary) {
			_cleanup_buf_ struct buf b = BUF_INIT;

			buf_addf(&b, "%s.", m->summary);
			if (m->list)
				buf_adds(&b, " The section is a list of these:");
			else if (m->always)
				buf_adds(&b,
					 " The section stands even when the plan doesn't name it.");
			put_text(b.failed ? "" : b.data);
		}
		put_table(m->fields);
	}
}

/* The first sentence of a profile says what it is for. */
static void write_profiles(void)
{
	printf(".Bl -tag -width Ds\n");
	for (const struct profile *p = profiles; p->name; p++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		for (const char *s = p->text; *s == '#' && !b.failed; s++) {
			size_t n = strcspn(s, "\n");

			buf_add(&b, s + 1, n - 1);
			if (memmem(b.data, b.len, ". ", 2) || s[n - 1] == '.')
				break;
			s += n;
		}
		if (!b.failed && memmem(b.data, b.len, ". ", 2))
			*((char *)memmem(b.data, b.len, ". ", 2) + 1) = '\0';
		printf(".It Cm profile:%s\n", p->name);
		put_text(b.failed ? "" : b.data);
	}
	printf(".El\n");
}

const struct writer manual_writers[] = {
	{ "date", write_date },		{ "system", write_system },
	{ "synopsis", write_synopsis }, { "commands", write_commands },
	{ "options", write_options },	{ "exits", write_exits },
	{ "plan", write_plan },		{ "profiles", write_profiles },
	{ "sections", write_sections }, { NULL, NULL },
};
