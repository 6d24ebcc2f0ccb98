/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of commands; options, exit codes. The only file that prints or exits.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "buf.h"
#include "confine.h"
#include "drift.h"
#include "idmap.h"
#include "init.h"
#include "reconcile.h"
#include "redact.h"
#include "report_html.h"
#include "resolved.h"

#define DEFAULT_PLAN "/etc/bulkhead/plan.yaml"

enum output {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_OTHERS,
};

/* By enum output, and what only one command can be shown as. */
static const struct {
	const char *name;
	const char *command; /* NULL: all take it */
	const char *help;
	char *(*render)(const struct report *r);
} outputs[] = {
	[OUTPUT_TEXT] = { "text", NULL, "text for people (default)", NULL },
	[OUTPUT_JSON] = { "json", NULL, "one JSON document", NULL },
	{ "html", "check", "one page for a browser, a phone or paper", report_html },
	{ "prometheus", "check", "metrics for node_exporter's textfile collector",
	  report_prometheus },
	{ "junit", "check", "JUnit XML for pipelines", report_junit },
};

struct options {
	const char *root;
	enum output output;
	bool no_restart, force, json, boot, resolved;
	struct report_style style;
	const char *arg; /* PLAN or ID */
};

/* Which options a command takes beside those that all take, and what it does. */
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
};

struct command {
	const char *name, *synopsis, *summary, *help;
	unsigned takes;
	int (*run)(const struct command *c, const struct options *o);
};

static volatile int got_signal;

static void on_signal(int sig)
{
	got_signal = sig;
}

/* A run that is asked to stop puts everything back first; what is only read just ends. */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, was;

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* nohup(1) has it ignored, and means it. */
	if (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
}

/* --- printing: all that is shown of a host or a plan goes through put() or put_json() --- */

/* A report that can't be written (a full disk behind a redirection) doesn't change what happened to
 * the host, and is told. A command that does nothing but report has failed then. */
static bool unreported;

static int put_as_is(FILE *f, const char *text)
{
	if (text && fputs(text, f) >= 0 && fflush(f) == 0)
		return 0;
	unreported = true;
	if (text)
		fprintf(stderr, "bulkhead: cannot write the report: %s\n", strerror(errno));
	else
		fputs("bulkhead: out of memory for the report\n", stderr);
	return -1;
}

static int put(FILE *f, const char *text)
{
	_cleanup_free_ char *shown = text ? redact_text(text) : NULL;

	return put_as_is(f, shown);
}

static int put_json(json_t *doc)
{
	_cleanup_free_ char *text = NULL;

	if (doc && redact_json(doc) == 0)
		text = json_text(doc, JSON_INDENT(2));
	json_decref(doc);
	return put_as_is(stdout, text) < 0 ? -1 : put_as_is(stdout, "\n");
}

/* What could steer a terminal, from a path or a file of the host, is shown. */
static void put_stderr(const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, "bulkhead: ");
	buf_add_shown(&b, text, "\n");
	buf_addc(&b, '\n');
	put(stderr, b.failed ? NULL : b.data);
}

/* Whoever collects these gets a document that says that nothing could be looked at. */
static void put_other(const struct command *c, const struct options *o, enum exit_code code,
		      const struct err *e)
{
	_cleanup_report_ struct report r;
	_cleanup_free_ char *text = NULL;

	report_init(&r, c->name, NULL);
	r.code = code;
	r.result = REPORT_REFUSED;
	r.err = *e;
	text = outputs[o->output].render(&r);
	put_as_is(stdout, text);
}

static void put_error(const struct command *c, const struct options *o, const struct host *h,
		      enum exit_code code, const struct err *e)
{
	json_t *doc;

	if (o->output != OUTPUT_JSON) {
		put_stderr(e->text);
		if (o->output >= OUTPUT_OTHERS)
			put_other(c, o, code, e);
		return;
	}
	doc = json_pack("{s:i, s:s, s:s, s:i, s:o}", "format", 1, "command", c->name, "result",
			"refused", "exit_code", (int)code, "error", json_string_any(e->text));
	put_json(h ? report_stamp(doc, h) : doc);
}

static int put_report(const struct report *r, const struct options *o)
{
	if (o->output == OUTPUT_JSON) {
		put_json(report_json(r));
	} else if (o->output >= OUTPUT_OTHERS) {
		_cleanup_free_ char *text = outputs[o->output].render(r);

		put_as_is(stdout, text);
	} else if (!o->boot || o->style.verbose || r->result != REPORT_CONVERGED ||
		   r->code != EXIT_AS_WANTED) {
		_cleanup_free_ char *text = report_text(r, &o->style);

		/* bulkhead-boot.service shows that on the console, too. */
		put(o->boot && r->code != EXIT_AS_WANTED ? stderr : stdout, text);
	}
	return r->code;
}

static void tick(void *arg, const char *unit, const char *doing, unsigned seconds)
{
	(void)arg;
	fprintf(stderr, "\r%s %s: %u s ", doing, unit, seconds);
	fflush(stderr);
}

static void announce(void *arg, const struct report *r)
{
	const struct options *o = arg;
	_cleanup_free_ char *text = report_notes_text(r, &o->style);

	put(stdout, text);
}

static struct progress progress_for(const struct options *o)
{
	struct progress p = { .interrupted = &got_signal };

	if (isatty(STDERR_FILENO) && o->output == OUTPUT_TEXT && !o->style.quiet)
		p.tick = tick;
	return p;
}

/* --- commands --- */

/* The host that a command works on; then what the command doesn't need is given up. */
static int open_host(const struct command *c, const struct options *o, struct host **ret)
{
	_cleanup_host_ struct host *h = NULL;
	enum confine_role role;
	struct err e;

	/* A bare chroot: real paths are asked of it, and what can't be opened is changed through
	 * it. */
	if ((c->takes & (TAKES_PLAN | WRITES)) && access("/proc/self/fd", X_OK) < 0) {
		err_set(&e, ENOENT,
			"/proc is missing here, and no file can be told by its name without it; nothing "
			"was touched\ntype: mount -t proc proc /proc");
		goto failed;
	}
	if (host_open(o->root, &h, &e) < 0)
		goto failed;
	if (c->takes & WRITES)
		role = host_is_live(h) ? CONFINE_LIVE : CONFINE_OFFLINE;
	else
		role = host_is_live(h) ? CONFINE_LOOK : CONFINE_READ;
	if (confine_role(role, host_root(h), &e) < 0)
		goto failed;
	*ret = TAKE_PTR(h);
	return 0;
failed:
	put_error(c, o, NULL, EXIT_FAILED, &e);
	return EXIT_FAILED;
}

/* With no host, whose plan it is doesn't matter. */
static int load_plan(const struct command *c, const struct options *o, const struct host *h,
		     struct plan **ret)
{
	struct plan_options po = { .trust_all = !h };
	struct errs mistakes = { 0 };
	struct err e;
	int r = plan_load(o->arg ? o->arg : DEFAULT_PLAN, &po, ret, &mistakes, &e);

	if (r < 0 && !errs_any(&mistakes)) {
		put_error(c, o, h, EXIT_USAGE, &e);
	} else if (r < 0 && o->output == OUTPUT_JSON) {
		put_json(h ? report_stamp(report_mistakes_json(c->name, &mistakes), h)
			   : report_mistakes_json(c->name, &mistakes));
	} else if (r < 0) {
		_cleanup_free_ char *text = report_mistakes_text(&mistakes, &o->style);

		put(stderr, text);
		fprintf(stderr, "bulkhead: %zu mistake%s in the plan; nothing was touched\n",
			mistakes.n + mistakes.more, mistakes.n + mistakes.more == 1 ? "" : "s");
		if (o->output >= OUTPUT_OTHERS)
			put_other(c, o, EXIT_USAGE, &e);
	}
	errs_done(&mistakes);
	return r < 0 ? EXIT_USAGE : 0;
}

/* The last that a boot that goes wrong shows: in which state it goes on, and what to type. */
static int boot_told(const struct options *o, int code)
{
	if (o->boot && code != EXIT_AS_WANTED && o->output == OUTPUT_TEXT)
		put_stderr("the boot goes on with the configuration that was there, or, where "
			   "boot.strict is in force, without Docker. When the cause is mended: "
			   "bulkhead apply");
	return code;
}

/* First of all what a power cut left is put back: the plan may have become one that nobody can
 * apply. */
static int begin_boot(const struct command *c, const struct options *o, struct host *h,
		      const struct reconcile_options *ro, struct report *r)
{
	if (!host_is_live(h)) {
		struct err e;

		err_set(&e, EOPNOTSUPP, "--boot is for a host that boots, and this is none: %s",
			host_offline_why(h));
		put_error(c, o, h, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	host_set_booting(h);
	/* What an apply of a person's is at now, which starts Docker and so this unit, is not left.
	 */
	if (!journal_interrupted(h) || journal_locked_by(h))
		return EXIT_AS_WANTED;
	catch_signals();
	r->command = "recover";
	reconcile_recover(h, ro, r);
	if (o->output == OUTPUT_TEXT || r->code != EXIT_AS_WANTED)
		put_report(r, o);
	else
		r->recovered = true;
	r->command = c->name;
	return boot_told(o, r->code);
}

static int cmd_reconcile(const struct command *c, const struct options *o)
{
	void (*run)(struct host * h, const struct plan *p, const struct reconcile_options *ro,
		    struct report *r) = streq(c->name, "apply")	 ? reconcile_apply
					: streq(c->name, "diff") ? reconcile_diff
								 : reconcile_check;
	struct progress p = progress_for(o);
	struct reconcile_options ro = { .no_restart = o->no_restart || o->boot,
					.plan_path = o->arg ? o->arg : DEFAULT_PLAN,
					.progress = &p,
					.before = o->output == OUTPUT_TEXT && !o->style.quiet
							  ? announce
							  : NULL,
					.arg = (void *)(uintptr_t)o };
	_cleanup_host_ struct host *h = NULL;
	_cleanup_plan_ struct plan *plan = NULL;
	_cleanup_report_ struct report r;
	int code;

	report_init(&r, c->name, NULL);
	if ((code = open_host(c, o, &h)))
		return code;
	r.h = h;
	if (o->boot && (code = begin_boot(c, o, h, &ro, &r)))
		return code;
	if ((code = load_plan(c, o, h, &plan)))
		return boot_told(o, code);
	r.plan = plan;
	r.plan_path = ro.plan_path;
	if (c->takes & WRITES)
		catch_signals();
	run(h, plan, &ro, &r);
	if (p.tick)
		fputs("\r\033[K", stderr);
	return boot_told(o, put_report(&r, o));
}

/* What the journal would get, where there is none. */
static void put_event(void *arg, const char *text)
{
	(void)arg;
	put_stderr(text);
}

static int cmd_drift(const struct command *c, const struct options *o)
{
	struct progress p = progress_for(o);
	struct reconcile_options ro = { .no_restart = o->no_restart,
					.no_start = true,
					.plan_path = o->arg ? o->arg : DEFAULT_PLAN,
					.progress = &p };
	_cleanup_host_ struct host *h = NULL;
	_cleanup_plan_ struct plan *plan = NULL;
	_cleanup_events_ struct events ev = { 0 };
	_cleanup_report_ struct report r;
	const struct section *s;
	bool mend;
	int code;

	report_init(&r, c->name, NULL);
	if ((code = open_host(c, o, &h)))
		return code;
	r.h = h;
	events_open(&ev, h, host_is_live(h) ? put_event : NULL, NULL);
	if ((code = load_plan(c, o, h, &plan))) {
		event_send(&ev,
			   &(struct event){
				   .kind = EVENT_NOT_LOOKED,
				   .text = "the plan can't be used; bulkhead validate tells why",
				   .plan = ro.plan_path },
			   &r.err);
		return code;
	}
	r.plan = plan;
	r.plan_path = ro.plan_path;
	s = plan_section(plan, "drift");
	mend = s && streq(section_str(s, "action"), "apply");
	if (!mend &&
	    confine_role(host_is_live(h) ? CONFINE_LOOK : CONFINE_READ, host_root(h), &r.err) < 0) {
		put_error(c, o, h, EXIT_FAILED, &r.err);
		return EXIT_FAILED;
	}
	catch_signals();
	drift_look(h, plan, mend, &ro, &ev, &r);
	if (p.tick)
		fputs("\r\033[K", stderr);
	return put_report(&r, o);
}

/* What the layers of a plan came to. */
static int put_resolved(const struct command *c, const struct options *o, const struct plan *plan)
{
	struct errs none = { 0 };
	json_t *resolved = plan_resolved(plan), *doc;

	if (o->output == OUTPUT_JSON) {
		doc = report_mistakes_json(c->name, &none);
		if (doc && json_object_set_new(doc, "resolved", resolved) < 0) {
			json_decref(doc);
			doc = NULL;
		}
		put_json(doc);
	} else {
		_cleanup_free_ char *text = resolved ? resolved_text(resolved) : NULL;

		put(stdout, text);
		json_decref(resolved);
	}
	return EXIT_AS_WANTED;
}

static int cmd_validate(const struct command *c, const struct options *o)
{
	_cleanup_plan_ struct plan *plan = NULL;
	struct errs none = { 0 };
	struct err e;
	int code;

	if (confine_role(CONFINE_PARSE, -1, &e) < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	code = load_plan(c, o, NULL, &plan);
	if (code)
		return code;
	if (o->resolved)
		return put_resolved(c, o, plan);
	if (o->output == OUTPUT_JSON) {
		put_json(report_mistakes_json(c->name, &none));
	} else if (!o->style.quiet) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_add_shown(&b, o->arg, NULL);
		buf_adds(&b, ": valid\n");
		put(stdout, b.failed ? NULL : b.data);
	}
	return EXIT_AS_WANTED;
}

static int parse_id(const char *text, unsigned *ret)
{
	uint64_t id;

	if (parse_u64(text, &id) < 0 || id == 0 || id > 999999999)
		return -EINVAL;
	*ret = (unsigned)id;
	return 0;
}

static int cmd_back(const struct command *c, const struct options *o)
{
	struct progress p = progress_for(o);
	struct reconcile_options ro = { .no_restart = o->no_restart,
					.force = o->force,
					.progress = &p };
	_cleanup_host_ struct host *h = NULL;
	_cleanup_report_ struct report r;
	unsigned id = 0;
	int code;

	report_init(&r, c->name, NULL);
	if (o->arg && parse_id(o->arg, &id) < 0) {
		struct err e;

		err_set(&e, EINVAL, "'%s' is not the number of a transaction: see bulkhead history",
			o->arg);
		put_stderr(e.text);
		return EXIT_USAGE;
	}
	if ((code = open_host(c, o, &h)))
		return code;
	r.h = h;
	if (o->boot && reconcile_unproved(h, &id, &r.err) < 0) {
		put_error(c, o, h, EXIT_FAILED, &r.err);
		return EXIT_FAILED;
	}
	if (o->boot && !id)
		return EXIT_AS_WANTED;
	catch_signals();
	if (streq(c->name, "rollback"))
		reconcile_rollback(h, id, &ro, &r);
	else
		reconcile_recover(h, &ro, &r);
	if (p.tick)
		fputs("\r\033[K", stderr);
	return put_report(&r, o);
}

static int cmd_history(const struct command *c, const struct options *o)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_free_ char *text = NULL;
	struct journal *list;
	struct err e;
	size_t n;
	int code = open_host(c, o, &h);

	if (code)
		return code;
	if (journal_list(h, &list, &n, &e) < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	if (o->output == OUTPUT_JSON)
		put_json(report_history_json(list, n));
	else
		put(stdout, text = report_history_text(list, n, &o->style));
	journal_list_free(list, n);
	if (journal_look(h, &e) > 0 && !journal_locked_by(h)) {
		err_set(&e, EUCLEAN, "an interrupted run waits to be put back: bulkhead recover%s",
			host_root_words(h));
		put_stderr(e.text);
		return EXIT_STUCK;
	}
	return EXIT_AS_WANTED;
}

static int terminal_width(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40)
		return w.ws_col;
	return 80;
}

static int cmd_subids(const struct command *c, const struct options *o)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_idmap_ struct idmap m = { 0 };
	struct idmap_findings f = { 0 };
	_cleanup_free_ char *text = NULL;
	struct err e;
	int code = open_host(c, o, &h);

	if (code)
		return code;
	if (accounts_load(h, &a, &e) < 0 || idmap_load(h, &m, &e) < 0 ||
	    idmap_findings(&m, &a, h, IDMAP_NOTE, &f, &e) < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	if (o->output == OUTPUT_JSON) {
		json_t *doc = idmap_json(&m, &f);

		json_object_set_new(doc, "format", json_integer(1));
		json_object_set_new(doc, "command", json_string(c->name));
		put_json(doc);
	} else if (idmap_draw(&m, &f, terminal_width(), o->style.color, &text, &e) < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		idmap_findings_done(&f);
		return EXIT_FAILED;
	} else {
		put(stdout, text);
	}
	idmap_findings_done(&f);
	return EXIT_AS_WANTED;
}

static int cmd_init(const struct command *c, const struct options *o)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_free_ char *text = NULL;
	enum exit_code why;
	struct err e;
	int code = open_host(c, o, &h);

	if (code)
		return code;
	if (init_plan(h, &text, &why, &e) < 0) {
		put_error(c, o, why, &e);
		return why;
	}
	if (o->output == OUTPUT_JSON)
		put_json(json_pack("{s:i, s:s, s:s}", "format", 1, "command", c->name, "plan",
				   text));
	else
		put(stdout, text);
	return EXIT_AS_WANTED;
}

static int cmd_schema(const struct command *c, const struct options *o)
{
	_cleanup_free_ char *text = NULL;
	struct err e;

	if (confine_role(CONFINE_PARSE, -1, &e) < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	if (o->json || o->output == OUTPUT_JSON) {
		put_json(schema_json());
		return EXIT_AS_WANTED;
	}
	if (schema_text(&text, &e) < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	put(stdout, text);
	return EXIT_AS_WANTED;
}

static const struct command commands[] = {
	{ "apply", "[PLAN]", "make the host match the plan, as one transaction",
	  "First puts back what an interrupted run left. Shows what was changed and why, proves it from\n"
	  "the running daemon, and puts everything back when something fails.",
	  TAKES_ROOT | TAKES_RESTART | TAKES_BOOT | TAKES_PLAN | WRITES, cmd_reconcile },
	{ "diff", "[PLAN]", "what apply would do: a unified diff per file, the unit actions, why",
	  "Writes nothing, takes no lock. Exit code 2: there is something to do.",
	  TAKES_ROOT | TAKES_RESTART | TAKES_PLAN, cmd_reconcile },
	{ "check", "[PLAN]", "does the host, and the running daemon, match the plan?",
	  "A line per setting, by the controls of the benchmark: ok, drift, pending, skipped (with the\n"
	  "reason), failed, or noted (told, and yours to decide); at the end the score. Writes nothing.\n"
	  "Exit code 2: something differs, is pending or failed. Skipped and noted never change it.",
	  TAKES_ROOT | TAKES_RESTART | TAKES_PLAN, cmd_reconcile },
	{ "drift", "[PLAN]", "check, tell the journal, and mend when the plan says drift: apply",
	  "What bulkhead-drift.timer and bulkhead-drift.path run. Restarts only what service.restart\n"
	  "allows now; the rest is pending, and told. Exit code 2: something differs, or is pending.",
	  TAKES_ROOT | TAKES_RESTART | TAKES_PLAN | WRITES, cmd_drift },
	{ "validate", "PLAN", "read the plan only: no host, no root needed",
	  "Tells every mistake at once, as file:line:column: message. --resolved prints what the plan and\n"
	  "its includes come to, as one plan, each value with the file that says so and what it replaces.",
	  TAKES_PLAN | NEEDS_ARG | TAKES_RESOLVED, cmd_validate },
	{ "rollback", "[ID]", "undo the last transaction not yet undone (or down to ID)",
	  "Looks at every file first: when one is not as the transaction left it, nothing is undone and\n"
	  "each is named. --force puts the before-images back all the same.",
	  TAKES_ROOT | TAKES_RESTART | TAKES_FORCE | TAKES_BOOT | TAKES_ID | WRITES, cmd_back },
	{ "recover", "", "put back what an interrupted run left",
	  "An interrupted apply is undone, an interrupted rollback is carried to its end.",
	  TAKES_ROOT | TAKES_FORCE | WRITES, cmd_back },
	{ "history", "", "what was applied, when, what changed, what it did to units",
	  "Writes nothing.", TAKES_ROOT, cmd_history },
	{ "subids", "", "a map of the subordinate ids: who owns what, gaps, every overlap",
	  "Writes nothing.", TAKES_ROOT, cmd_subids },
	{ "init", "", "print a plan from the host as it is, to begin with",
	  "What the host has already stands in it, so that applying it changes nothing; what\n"
	  "profile:baseline would add stands behind a #. Writes nothing: put it into a file with\n"
	  "bulkhead init >plan.yaml.",
	  TAKES_ROOT, cmd_init },
	{ "schema", "", "every setting of every module; --json: a JSON Schema for editors",
	  "With --json (or --output json) a JSON Schema that editors understand.", TAKES_JSON,
	  cmd_schema },
};

static const char common_options[] =
	"  --color WHEN           auto (default), always, never\n"
	"  --quiet                only what failed, differs or is pending\n"
	"  --verbose              more: what is as wanted, the diffs of an apply\n"
	"  --version              print the version\n"
	"  --help                 this text\n";

static void usage_outputs(const struct command *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++)
		if (!outputs[i].command || (c && streq(c->name, outputs[i].command)))
			printf("  --output %-12s  %s\n", outputs[i].name, outputs[i].help);
}

static void usage_command(const struct command *c)
{
	printf("Usage: bulkhead %s%s%s [OPTION]...\n\n%s: %s.\n%s\n\nOptions:\n", c->name,
	       *c->synopsis ? " " : "", c->synopsis, c->name, c->summary, c->help);
	if (c->takes & TAKES_ROOT)
		puts("  --root DIR             work on the tree at DIR: files only, nothing is executed");
	if (c->takes & TAKES_RESTART)
		puts("  --no-restart           leave units alone and report what is pending");
	if (c->takes & TAKES_BOOT)
		puts(c->run == cmd_reconcile
			     ? "  --boot                 for bulkhead-boot.service: before Docker starts, and touching no unit"
			     : "  --boot                 for bulkhead-boot-undo.service: only what this boot applied unproved");
	if (c->takes & TAKES_FORCE)
		puts("  --force                put before-images back over what somebody edited since");
	if (c->takes & TAKES_JSON)
		puts("  --json                 the JSON Schema of a plan");
	if (c->takes & TAKES_RESOLVED)
		puts("  --resolved             print the merged plan, and where each value comes from");
	usage_outputs(c);
	fputs(common_options, stdout);
	if ((c->takes & TAKES_PLAN) && !(c->takes & NEEDS_ARG))
		puts("\nPLAN defaults to " DEFAULT_PLAN "; - is standard input.");
}

static void usage(void)
{
	puts("Usage: bulkhead COMMAND [ARGUMENT] [OPTION]...\n"
	     "\n"
	     "Hardens a host that runs Docker from one plan, as a transaction, with proof from the\n"
	     "running daemon.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char left[32];

		snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].synopsis);
		printf("  %-18s %s\n", left, commands[i].summary);
	}
	printf("\nOptions:\n"
	       "  --root DIR             work on the tree at DIR: files only, nothing is executed\n");
	usage_outputs(NULL);
	printf("%s\n"
	       "Exit codes: 0 as wanted; 1 failed, the host is as it was; 2 (diff, check) something\n"
	       "differs, is pending or failed; 3 not everything could be put back, or an interrupted run\n"
	       "waits for recover; 64 bad usage or plan.\n",
	       common_options);
}

static int bad_usage(const char *fmt, ...) PRINTF(1, 2);

static int bad_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("bulkhead: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	return EXIT_USAGE;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (streq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[ARRAY_SIZE(commands) + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i].name;
	near = field_nearest(name, names);
	if (near)
		return bad_usage("there is no command '%s'; did you mean '%s'?", name, near);
	return bad_usage("there is no command '%s'; see bulkhead --help", name);
}

enum {
	OPT_ROOT = 256,
	OPT_OUTPUT,
	OPT_COLOR,
	OPT_NO_RESTART,
	OPT_FORCE,
	OPT_QUIET,
	OPT_VERBOSE,
	OPT_VERSION,
	OPT_HELP,
	OPT_JSON,
	OPT_BOOT,
	OPT_RESOLVED,
};

static const struct option long_options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "no-restart", no_argument, NULL, OPT_NO_RESTART },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "boot", no_argument, NULL, OPT_BOOT },
	{ "resolved", no_argument, NULL, OPT_RESOLVED },
	{ NULL, 0, NULL, 0 },
};

static int set_color(struct options *o, const char *when)
{
	if (streq(when, "always"))
		o->style.color = true;
	else if (streq(when, "never"))
		o->style.color = false;
	else if (!streq(when, "auto"))
		return bad_usage("--color takes auto, always or never, not '%s'", when);
	return 0;
}

static int set_output(struct options *o, const char *name)
{
	for (o->output = 0; o->output < ARRAY_SIZE(outputs); o->output++)
		if (streq(name, outputs[o->output].name))
			return 0;
	return bad_usage("--output takes text or json (check: html, prometheus and junit, too), "
			 "not '%s'",
			 name);
}

/* What the command line gives that the command doesn't take. */
static int check_usage(const struct command *c, const struct options *o)
{
	if (o->root && !(c->takes & TAKES_ROOT))
		return bad_usage("%s takes no --root", c->name);
	if (outputs[o->output].command && !streq(c->name, outputs[o->output].command))
		return bad_usage("%s takes no --output %s; %s does", c->name,
				 outputs[o->output].name, outputs[o->output].command);
	if (o->no_restart && !(c->takes & TAKES_RESTART))
		return bad_usage("%s takes no --no-restart", c->name);
	if (o->force && !(c->takes & TAKES_FORCE))
		return bad_usage("%s takes no --force", c->name);
	if (o->boot && !(c->takes & TAKES_BOOT))
		return bad_usage("%s takes no --boot", c->name);
	if (o->boot && o->arg && (c->takes & TAKES_ID))
		return bad_usage("--boot finds the transaction by itself: leave out '%s'", o->arg);
	if (o->boot && o->root)
		return bad_usage(
			"--boot is for the host that boots, and a tree doesn't: leave it out");
	if (o->json && !(c->takes & TAKES_JSON))
		return bad_usage("%s takes no --json; did you mean --output json?", c->name);
	if (o->resolved && !(c->takes & TAKES_RESOLVED))
		return bad_usage("%s takes no --resolved; did you mean validate?", c->name);
	if (o->arg && !(c->takes & (TAKES_PLAN | TAKES_ID)))
		return bad_usage("%s takes no argument, but got '%s'", c->name, o->arg);
	if ((c->takes & TAKES_PLAN) && o->arg &&
	    (has_prefix(o->arg, "/dev/fd/") || has_prefix(o->arg, "/proc/self/fd/")))
		return bad_usage(
			"descriptors of the caller are closed before anything is read, '%s' too: name "
			"- and redirect the plan to standard input",
			o->arg);
	/* The history and the shadow files are root's; subids reads what everybody may. */
	if ((c->takes & TAKES_ROOT) && !o->root && geteuid() != 0 && !streq(c->name, "subids"))
		return bad_usage("%s needs root: what it has to read is closed to others", c->name);
	if (!o->arg && (c->takes & NEEDS_ARG))
		return bad_usage("%s needs a plan: bulkhead %s PLAN", c->name, c->name);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	const struct command *c = NULL;
	bool help = false;
	int opt, code;

	confine_start();
	o.style.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (opt) {
		case OPT_ROOT:
			o.root = optarg;
			break;
		case OPT_OUTPUT:
			if (set_output(&o, optarg))
				return EXIT_USAGE;
			break;
		case OPT_COLOR:
			if (set_color(&o, optarg))
				return EXIT_USAGE;
			break;
		case OPT_NO_RESTART:
			o.no_restart = true;
			break;
		case OPT_FORCE:
			o.force = true;
			break;
		case OPT_QUIET:
			o.style.quiet = true;
			break;
		case OPT_VERBOSE:
			o.style.verbose = true;
			break;
		case OPT_VERSION:
			puts("bulkhead " PACKAGE_VERSION);
			return EXIT_AS_WANTED;
		case OPT_HELP:
			help = true;
			break;
		case OPT_JSON:
			o.json = true;
			break;
		case OPT_BOOT:
			o.boot = true;
			break;
		case OPT_RESOLVED:
			o.resolved = true;
			break;
		default:
			return bad_usage("see bulkhead --help");
		}
	}
	if (optind < argc && !(c = command_find(argv[optind])))
		return unknown_command(argv[optind]);
	if (help) {
		if (c)
			usage_command(c);
		else
			usage();
		return EXIT_AS_WANTED;
	}
	if (!c)
		return bad_usage("what is to be done? See bulkhead --help");
	if (argc - optind > 2)
		return bad_usage("%s takes one argument; '%s' is one too many", c->name,
				 argv[optind + 2]);
	o.arg = argv[optind + 1];
	if (o.root && !*o.root)
		return bad_usage("--root needs a directory");
	if (check_usage(c, &o))
		return EXIT_USAGE;
	code = c->run(c, &o);
	return unreported && code == EXIT_AS_WANTED && !(c->takes & WRITES) ? EXIT_FAILED : code;
}
