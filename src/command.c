/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "report.h"

const struct command commands[N_COMMANDS] = {
	[COMMAND_APPLY] = { "apply", "[PLAN]", "make the host match the plan, as one transaction",
			    "First puts back what an interrupted run left. Shows what was changed and why, proves it from\n"
			    "the running daemon, and puts everything back when something fails.",
			    TAKES_ROOT | TAKES_RESTART | TAKES_BOOT | TAKES_PLAN | WRITES },
	[COMMAND_DIFF] = { "diff", "[PLAN]",
			   "what apply would do: a unified diff per file, the unit actions, why",
			   "Writes nothing, takes no lock. Exit code 2: there is something to do.",
			   TAKES_ROOT | TAKES_RESTART | TAKES_PLAN },
	[COMMAND_CHECK] = { "check", "[PLAN]",
			    "does the host, and the running daemon, match the plan?",
			    "A line per setting, by the controls of the benchmark: ok, drift, pending, skipped (with the\n"
			    "reason), failed, or noted (told, and yours to decide); at the end the score. Writes nothing.\n"
			    "Exit code 2: something differs, is pending or failed. Skipped and noted never change it.",
			    TAKES_ROOT | TAKES_RESTART | TAKES_PLAN | TAKES_RENDERED },
	[COMMAND_DRIFT] = { "drift", "[PLAN]",
			    "check, tell the journal, and mend when the plan says drift: apply",
			    "What bulkhead-drift.timer and bulkhead-drift.path run. Restarts only what service.restart\n"
			    "allows now; the rest is pending, and told. Exit code 2: something differs, or is pending.",
			    TAKES_ROOT | TAKES_RESTART | TAKES_PLAN | WRITES },
	[COMMAND_VALIDATE] = { "validate", "PLAN", "read the plan only: no host, no root needed",
			       "Tells every mistake at once, as file:line:column: message. --resolved prints what the plan and\n"
			       "its includes come to, as one plan, each value with the file that says so and what it replaces.",
			       TAKES_PLAN | NEEDS_ARG | TAKES_RESOLVED },
	[COMMAND_ROLLBACK] = { "rollback", "[ID]",
			       "undo the last transaction not yet undone (or down to ID)",
			       "Looks at every file first: when one is not as the transaction left it, nothing is undone and\n"
			       "each is named. --force puts the before-images back all the same.",
			       TAKES_ROOT | TAKES_RESTART | TAKES_FORCE | TAKES_BOOT | TAKES_ID |
				       WRITES },
	[COMMAND_RECOVER] = { "recover", "", "put back what an interrupted run left",
			      "An interrupted apply is undone, an interrupted rollback is carried to its end.",
			      TAKES_ROOT | TAKES_FORCE | WRITES },
	[COMMAND_HISTORY] = { "history", "",
			      "what was applied, when, what changed, what it did to units",
			      "Writes nothing.", TAKES_ROOT },
	[COMMAND_SUBIDS] = { "subids", "",
			     "a map of the subordinate ids: who owns what, gaps, every overlap",
			     "Writes nothing.", TAKES_ROOT },
	[COMMAND_INIT] = { "init", "", "print a plan from the host as it is, to begin with",
			   "What the host has already stands in it, so that applying it changes nothing; what\n"
			   "profile:baseline would add stands behind a #. Writes nothing: put it into a file with\n"
			   "bulkhead init >plan.yaml.",
			   TAKES_ROOT },
	[COMMAND_SCHEMA] = { "schema", "",
			     "every setting of every module; --json: a JSON Schema for editors",
			     "With --json (or --output json) a JSON Schema that editors understand.",
			     TAKES_JSON },
};

static const struct command_choice outputs[] = {
	[OUTPUT_TEXT] = { "text", "for people (default)", 0 },
	[OUTPUT_JSON] = { "json", "one JSON document", 0 },
	[OUTPUT_HTML] = { "html", "one page for a browser, a phone or paper", TAKES_RENDERED },
	[OUTPUT_PROMETHEUS] = { "prometheus", "metrics for node_exporter's textfile collector",
				TAKES_RENDERED },
	[OUTPUT_JUNIT] = { "junit", "JUnit XML for pipelines", TAKES_RENDERED },
	{ 0 },
};

static const struct command_choice colors[] = {
	[COLOR_AUTO] = { "auto", "on a terminal, unless NO_COLOR is set (default)", 0 },
	[COLOR_ALWAYS] = { "always", "colors wherever it goes", 0 },
	[COLOR_NEVER] = { "never", "none", 0 },
	{ 0 },
};

const struct command_option command_options[N_OPTIONS] = {
	[OPTION_ROOT] = { "root", "DIR", "work on the tree at DIR: files only, nothing is executed",
			  NULL, TAKES_ROOT },
	[OPTION_NO_RESTART] = { "no-restart", NULL, "leave units alone and report what is pending",
				NULL, TAKES_RESTART },
	[OPTION_BOOT] = { "boot", NULL,
			  "for the units of the boot: before Docker starts, touching no unit", NULL,
			  TAKES_BOOT },
	[OPTION_FORCE] = { "force", NULL, "put before-images back over what somebody edited since",
			   NULL, TAKES_FORCE },
	[OPTION_JSON] = { "json", NULL, "the JSON Schema of a plan", NULL, TAKES_JSON },
	[OPTION_RESOLVED] = { "resolved", NULL,
			      "print the merged plan, and where each value comes from", NULL,
			      TAKES_RESOLVED },
	[OPTION_OUTPUT] = { "output", "FORMAT", "how it is reported", outputs, 0 },
	[OPTION_COLOR] = { "color", "WHEN", "colors in the report", colors, 0 },
	[OPTION_QUIET] = { "quiet", NULL, "only what failed, differs or is pending", NULL, 0 },
	[OPTION_VERBOSE] = { "verbose", NULL, "more: what is as wanted, the diffs of an apply",
			     NULL, 0 },
	[OPTION_VERSION] = { "version", NULL, "print the version", NULL, 0 },
	[OPTION_HELP] = { "help", NULL, "print the usage, of the command when one is named", NULL,
			  0 },
};

const struct command_exit command_exits[] = {
	{ EXIT_AS_WANTED, "as wanted" },
	{ EXIT_FAILED, "failed; the host is as it was" },
	{ EXIT_DIFFERS, "diff, check, drift: something differs, is pending or failed" },
	{ EXIT_STUCK, "not everything could be put back, or an interrupted run waits for recover" },
	{ EXIT_USAGE, "bad usage or plan" },
	{ 0 },
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int command_choice(const struct command_option *o, const char *word)
{
	for (int i = 0; o->choices[i].name; i++)
		if (streq(o->choices[i].name, word))
			return i;
	return -1;
}
