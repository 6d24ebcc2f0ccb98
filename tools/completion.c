/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as bash, zsh and fish read them. Every text of ours is quoted for its shell.
 */
#include "tables.h"

#define EACH_COMMAND(c) for (const struct command *c = commands; c < commands + N_COMMANDS; c++)
#define EACH_OPTION(o)                                                                             \
	for (const struct command_option *o = command_options; o < command_options + N_OPTIONS; o++)
#define EACH_CHOICE(x, o) for (const struct command_choice *x = (o)->choices; x && x->name; x++)

/* Text with a backslash before each of `special`, and what ends a single-quoted string spelled so
 * that it doesn't. */
static void put(const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\''");
		else
			printf(strchr(special, *text) ? "\\%c" : "%c", *text);
	}
}

/* What is taken: files of plans, transactions, or nothing. */
static const char *argument(const struct command *c)
{
	return c->takes & TAKES_PLAN ? "plan" : c->takes & TAKES_ID ? "id" : "";
}

static void options_with_argument(const char *between)
{
	const char *now = "";

	EACH_OPTION(o)
	if (o->arg) {
		printf("%s--%s", now, o->name);
		now = between;
	}
}

/* As a pattern of bash and zsh. */
static void write_pattern(void)
{
	printf("\t\t");
	options_with_argument(" | ");
	printf(")\n");
}

/* --- bash: case branches --- */

static void bash_commands(void)
{
	const char *between = "\tlocal commands='";

	EACH_COMMAND(c)
	{
		printf("%s%s", between, c->name);
		between = " ";
	}
	printf("'\n");
}

static void bash_options(const struct command *c)
{
	printf("\t%s) argument='%s' options='", c ? c->name : "''", c ? argument(c) : "command");
	EACH_OPTION(o)
	if (!c || command_takes(c, o->takes))
		printf("%s--%s", o == command_options ? "" : " ", o->name);
	printf("' ;;\n");
}

static void write_bash_options(void)
{
	bash_options(NULL);
	EACH_COMMAND(c)
	bash_options(c);
}

static void bash_choices(const struct command *c)
{
	EACH_OPTION(o)
	{
		if (!o->choices || (c && !command_takes(c, o->takes)))
			continue;
		printf("\t%s:--%s) choices='", c ? c->name : "", o->name);
		EACH_CHOICE(x, o)
		if (!c || command_takes(c, x->takes))
			printf("%s%s", x == o->choices ? "" : " ", x->name);
		printf("' ;;\n");
	}
}

static void write_bash_choices(void)
{
	bash_choices(NULL);
	EACH_COMMAND(c)
	bash_choices(c);
}

/* --- zsh: arguments of _arguments --- */

static void zsh_options(const struct command *c)
{
	printf("\t%s)\n\t\toptions=(\n", c ? c->name : "''");
	EACH_OPTION(o)
	{
		if (c && !command_takes(c, o->takes))
			continue;
		printf("\t\t\t'--%s%s[", o->name, o->arg ? "=" : "");
		put(o->help, "[]:\\");
		printf("]");
		if (o->choices) {
			printf(":%s:((", o->arg);
			EACH_CHOICE(x, o)
			if (!c || command_takes(c, x->takes)) {
				printf("%s%s\\:\"", x == o->choices ? "" : " ", x->name);
				put(x->help, "\"\\:()");
				printf("\"");
			}
			printf("))");
		} else if (o->arg) {
			printf(":%s:_files%s", o->arg, streq(o->arg, "DIR") ? " -/" : "");
		}
		printf("'\n");
	}
	printf("\t\t)\n\t\targument='%s' ;;\n", c ? argument(c) : "");
}

static void write_zsh_options(void)
{
	zsh_options(NULL);
	EACH_COMMAND(c)
	zsh_options(c);
}

static void write_zsh_commands(void)
{
	EACH_COMMAND(c)
	{
		printf("\t\t'%s:", c->name);
		put(c->summary, ":\\");
		printf("'\n");
	}
}

/* --- fish: calls of complete --- */

/* "-n '__bulkhead_is a b' ", of those commands that take both; nothing when all do. */
static void fish_condition(unsigned takes, unsigned also)
{
	if (!takes && !also)
		return;
	printf("-n '__bulkhead_is");
	EACH_COMMAND(c)
	if (command_takes(c, takes) && command_takes(c, also))
		printf(" %s", c->name);
	printf("' ");
}

/* In fish's single quotes a backslash spells the quote. */
static void fish_put(const char *text)
{
	for (; *text; text++)
		printf(strchr("'\\", *text) ? "\\%c" : "%c", *text);
}

static void write_fish_case(void)
{
	printf("            case ");
	options_with_argument(" ");
	putchar('\n');
}

static void write_fish(void)
{
	EACH_COMMAND(c)
	{
		printf("complete -c bulkhead -n '__bulkhead_is \"\"' -a %s -d '", c->name);
		fish_put(c->summary);
		printf("'\n");
	}
	EACH_OPTION(o)
	{
		printf("complete -c bulkhead ");
		fish_condition(o->takes, 0);
		printf("-l %s ", o->name);
		if (o->arg)
			printf(o->choices	      ? "-x "
			       : streq(o->arg, "DIR") ? "-x -a '(__fish_complete_directories)' "
						      : "-r ");
		printf("-d '");
		fish_put(o->help);
		printf("'\n");
		EACH_CHOICE(x, o)
		{
			printf("complete -c bulkhead ");
			fish_condition(o->takes, x->takes);
			/* Words of -a are split and unquoted a second time. */
			printf("-l %s -x -a '%s\\t\"", o->name, x->name);
			fish_put(x->help);
			printf("\"'\n");
		}
	}
	printf("complete -c bulkhead ");
	fish_condition(TAKES_PLAN, 0);
	printf("-k -a '(__fish_complete_suffix .yaml)'\ncomplete -c bulkhead ");
	fish_condition(TAKES_ID, 0);
	printf("-k -a '(__bulkhead_ids)'\n");
}

const struct writer completion_writers[] = {
	{ "pattern of options with argument", write_pattern },
	{ "fish case of options with argument", write_fish_case },
	{ "bash commands", bash_commands },
	{ "bash options", write_bash_options },
	{ "bash choices", write_bash_choices },
	{ "zsh commands", write_zsh_commands },
	{ "zsh options", write_zsh_options },
	{ "fish", write_fish },
	{ NULL, NULL },
};
