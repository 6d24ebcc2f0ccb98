/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command line takes: the tables of commands, options and exit codes. main.c runs by them,
 * the manual and the completions of shells are made from them.
 */
#ifndef BULKHEAD_COMMAND_H
#define BULKHEAD_COMMAND_H

#include "util.h"

#define DEFAULT_PLAN "/etc/bulkhead/plan.yaml"

enum command_id {
	COMMAND_APPLY,
	COMMAND_DIFF,
	COMMAND_CHECK,
	COMMAND_DRIFT,
	COMMAND_VALIDATE,
	COMMAND_ROLLBACK,
	COMMAND_RECOVER,
	COMMAND_HISTORY,
	COMMAND_SUBIDS,
	COMMAND_INIT,
	COMMAND_SCHEMA,
	N_COMMANDS,
};

/* What a command takes beside what all take, and what it does. */
enum {
	TAKES_ROOT = 1,
	TAKES_RESTART = 2,
	TAKES_FORCE = 4,
	TAKES_PLAN = 8,
	TAKES_ID = 16,
	TAKES_JSON = 32,
	NEEDS_ARG = 64,
	WRITES = 128,
	TAKES_BOOT = 256,
	TAKES_RESOLVED = 512,
	TAKES_RENDERED = 1024, /* what other programs and browsers read */
};

struct command {
	const char *name, *synopsis, *summary;
	const char *help; /* whole sentences, in lines of a terminal */
	unsigned takes;
};

/* By id. */
extern const struct command commands[N_COMMANDS];

/* By name, or NULL. */
const struct command *command_find(const char *name);

enum option_id {
	OPTION_ROOT,
	OPTION_NO_RESTART,
	OPTION_BOOT,
	OPTION_FORCE,
	OPTION_JSON,
	OPTION_RESOLVED,
	OPTION_OUTPUT,
	OPTION_COLOR,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_VERSION,
	OPTION_HELP,
	N_OPTIONS,
};

/* The choices of --output and --color, in the order of their rows. */
enum output {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_HTML,
	OUTPUT_PROMETHEUS,
	OUTPUT_JUNIT,
	N_OUTPUTS,
};

enum color {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

/* One of the words that an option takes. */
struct command_choice {
	const char *name, *help;
	unsigned takes; /* as of the option */
};

struct command_option {
	const char *name; /* without the hyphens */
	const char *arg;  /* what it takes, as it is shown; NULL: nothing */
	const char *help;
	const struct command_choice *choices; /* ends with { NULL }; NULL: any text */
	unsigned takes; /* the commands that take it: those with one of these bits; 0: all */
};

/* By id. */
extern const struct command_option command_options[N_OPTIONS];

/* Is something with such `takes` for this command? */
static inline bool command_takes(const struct command *c, unsigned takes)
{
	return !takes || (c->takes & takes);
}

/* The place of a word among an option's choices, or -1. */
int command_choice(const struct command_option *o, const char *word);

struct command_exit {
	int code;
	const char *help;
};

/* Ends with { 0, NULL }. */
extern const struct command_exit command_exits[];

#endif
