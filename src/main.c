/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, by the tables of command.h, and what each command does. The only file that
 * prints or exits.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "buf.h"
#include "command.h"
#include "confine.h"
#include "drift.h"
#include "idmap.h"
#include "init.h"
#include "reconcile.h"
#include "redact.h"
#include "report_html.h"
#include "resolved.h"
#include "trust.h"

/* Outputs that are neither text nor JSON. */
static char *(*const renders[N_OUTPUTS])(const struct report *r) = {
	[OUTPUT_HTML] = report_html,
	[OUTPUT_PROMETHEUS] = report_prometheus,
	[OUTPUT_JUNIT] = report_junit,
};

struct options {
	unsigned given; /* by 1 << enum option_id */
	const char *root;
	enum output output;
	struct report_style style;
	const char *arg; /* PLAN or ID */
};

static bool given(const struct options *o, enum option_id id)
{
	return o->given & 1U << id;
}

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

/* Whoever collects these gets a document that says why nothing could be looked at. `mistakes` are
 * taken over; NULL: none. */
static void put_other(const struct command *c, const struct options *o, enum exit_code code,
		      const struct err *e, struct errs *mistakes)
{
	_cleanup_report_ struct report r;
	_cleanup_free_ char *text = NULL;

	report_init(&r, c->name, NULL);
	r.code = code;
	r.result = REPORT_REFUSED;
	r.err = *e;
	if (mistakes)
		r.changes.mistakes = errs_take(mistakes);
	put_as_is(stdout, text = renders[o->output](&r));
}

static void put_error(const struct command *c, const struct options *o, const struct host *h,
		      enum exit_code code, const struct err *e)
{
	json_t *doc;

	if (o->output != OUTPUT_JSON) {
		put_stderr(e->text);
		if (renders[o->output])
			put_other(c, o, code, e, NULL);
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
	} else if (renders[o->output]) {
		_cleanup_free_ char *text = renders[o->output](r);

		put_as_is(stdout, text);
	} else if (!given(o, OPTION_BOOT) || o->style.verbose || r->result != REPORT_CONVERGED ||
		   r->code != EXIT_AS_WANTED) {
		_cleanup_free_ char *text = report_text(r, &o->style);

		/* bulkhead-boot.service shows that on the console, too. */
		put(given(o, OPTION_BOOT) && r->code != EXIT_AS_WANTED ? stderr : stdout, text);
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

/* What a run came to, in place of how it went on. */
static int put_outcome(const struct progress *p, const struct report *r, const struct options *o)
{
	if (p->tick)
		fputs("\r\033[K", stderr);
	return put_report(r, o);
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
	if ((o->arg && (c->takes & TAKES_PLAN) && host_set_plan(h, o->arg, &e) < 0) ||
	    confine_role(role, host_root(h), &e) < 0)
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
	enum exit_code code = r < 0 && !trust_blames(r) ? EXIT_FAILED : EXIT_USAGE;

	if (r < 0 && !errs_any(&mistakes)) {
		put_error(c, o, h, code, &e);
	} else if (r < 0 && o->output == OUTPUT_JSON) {
		put_json(h ? report_stamp(report_mistakes_json(c->name, &mistakes), h)
			   : report_mistakes_json(c->name, &mistakes));
	} else if (r < 0) {
		_cleanup_free_ char *text = report_mistakes_text(&mistakes, &o->style);

		put(stderr, text);
		fprintf(stderr, "bulkhead: %zu mistake%s in the plan; nothing was touched\n",
			mistakes.n + mistakes.more, mistakes.n + mistakes.more == 1 ? "" : "s");
		if (renders[o->output])
			put_other(c, o, EXIT_USAGE, &e, &mistakes);
	}
	errs_done(&mistakes);
	return r < 0 ? code : EXIT_AS_WANTED;
}

/* The last that a boot that goes wrong shows: in which state it goes on, and what to type. */
static int boot_told(const struct options *o, const struct host *h, int code)
{
	struct err told;

	err_set(&told, EPROTO,
		"the boot goes on with the configuration that was there, or, where boot.strict is "
		"in force, without Docker. When the cause is mended: bulkhead apply%s",
		host_plan_words(h));
	if (given(o, OPTION_BOOT) && code != EXIT_AS_WANTED && o->output == OUTPUT_TEXT)
		put_stderr(told.text);
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
	return boot_told(o, h, r->code);
}

static int cmd_reconcile(const struct command *c, const struct options *o)
{
	void (*run)(struct host * h, const struct plan *p, const struct reconcile_options *ro,
		    struct report *r) = streq(c->name, "apply")	 ? reconcile_apply
					: streq(c->name, "diff") ? reconcile_diff
								 : reconcile_check;
	struct progress p = progress_for(o);
	struct reconcile_options ro = {
		.no_restart = given(o, OPTION_NO_RESTART) || given(o, OPTION_BOOT),
		.plan_path = o->arg ? o->arg : DEFAULT_PLAN,
		.progress = &p,
		.before = o->output == OUTPUT_TEXT && !o->style.quiet ? announce : NULL,
		.arg = (void *)(uintptr_t)o
	};
	_cleanup_host_ struct host *h = NULL;
	_cleanup_plan_ struct plan *plan = NULL;
	_cleanup_report_ struct report r;
	int code;

	report_init(&r, c->name, NULL);
	if ((code = open_host(c, o, &h)))
		return code;
	r.h = h;
	if (given(o, OPTION_BOOT) && (code = begin_boot(c, o, h, &ro, &r)))
		return code;
	if ((code = load_plan(c, o, h, &plan)))
		return boot_told(o, h, code);
	r.plan = plan;
	r.plan_path = ro.plan_path;
	if (c->takes & WRITES)
		catch_signals();
	run(h, plan, &ro, &r);
	return boot_told(o, h, put_outcome(&p, &r, o));
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
	struct reconcile_options ro = { .no_restart = given(o, OPTION_NO_RESTART),
					.no_start = true,
					.plan_path = o->arg ? o->arg : DEFAULT_PLAN,
					.progress = &p };
	_cleanup_host_ struct host *h = NULL;
	_cleanup_plan_ struct plan *plan = NULL;
	_cleanup_events_ struct events ev = { 0 };
	_cleanup_report_ struct report r;
	const struct section *s;
	struct err told;
	bool mend;
	int code;

	report_init(&r, c->name, NULL);
	if ((code = open_host(c, o, &h)))
		return code;
	r.h = h;
	events_open(&ev, h, host_is_live(h) ? put_event : NULL, NULL);
	if ((code = load_plan(c, o, h, &plan))) {
		struct event e = { EVENT_NOT_LOOKED, .text = told.text, .plan = ro.plan_path };

		err_set(&told, EINVAL, "the plan can't be used; bulkhead validate%s tells why",
			host_plan_words(h));
		event_send(&ev, &e, &r.err);
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
	return put_outcome(&p, &r, o);
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
	if (given(o, OPTION_RESOLVED))
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
	struct reconcile_options ro = { .no_restart = given(o, OPTION_NO_RESTART),
					.force = given(o, OPTION_FORCE),
					.progress = &p };
	_cleanup_host_ struct host *h = NULL;
	_cleanup_report_ struct report r;
	unsigned id = 0;
	int code;

	report_init(&r, c->name, NULL);
	if ((code = open_host(c, o, &h)))
		return code;
	if (o->arg && parse_id(o->arg, &id) < 0) {
		struct err e;

		err_set(&e, EINVAL,
			"'%s' is not the number of a transaction: see bulkhead history%s", o->arg,
			host_root_words(h));
		put_stderr(e.text);
		return EXIT_USAGE;
	}
	r.h = h;
	if (given(o, OPTION_BOOT) && reconcile_unproved(h, &id, &r.err) < 0) {
		put_error(c, o, h, EXIT_FAILED, &r.err);
		return EXIT_FAILED;
	}
	if (given(o, OPTION_BOOT) && !id)
		return EXIT_AS_WANTED;
	catch_signals();
	if (streq(c->name, "rollback"))
		reconcile_rollback(h, id, &ro, &r);
	else
		reconcile_recover(h, &ro, &r);
	return put_outcome(&p, &r, o);
}

static int cmd_history(const struct command *c, const struct options *o)
{
	_cleanup_host_ struct host *h = NULL;
	_cleanup_free_ char *text = NULL;
	struct journal *list;
	struct err e;
	size_t n;
	int code = open_host(c, o, &h), broken;

	if (code)
		return code;
	broken = journal_list(h, &list, &n, &e);
	if (broken < 0) {
		put_error(c, o, NULL, EXIT_FAILED, &e);
		return EXIT_FAILED;
	}
	if (o->output == OUTPUT_JSON)
		put_json(report_history_json(list, n));
	else
		put(stdout, text = report_history_text(list, n, &o->style));
	journal_list_free(list, n);
	if (broken)
		put_stderr(e.text);
	if (journal_look(h, &e) > 0 && !journal_locked_by(h)) {
		journal_waits(h, &e);
		put_stderr(e.text);
		return EXIT_STUCK;
	}
	return broken ? EXIT_FAILED : EXIT_AS_WANTED;
}

static int terminal_width(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 40 ? w.ws_col : 80;
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
		put_error(c, o, h, why, &e);
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
	if (given(o, OPTION_JSON) || o->output == OUTPUT_JSON) {
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

static int (*const runs[N_COMMANDS])(const struct command *c, const struct options *o) = {
	[COMMAND_APPLY] = cmd_reconcile, [COMMAND_DIFF] = cmd_reconcile,
	[COMMAND_CHECK] = cmd_reconcile, [COMMAND_VALIDATE] = cmd_validate,
	[COMMAND_ROLLBACK] = cmd_back,	 [COMMAND_RECOVER] = cmd_back,
	[COMMAND_HISTORY] = cmd_history, [COMMAND_SUBIDS] = cmd_subids,
	[COMMAND_SCHEMA] = cmd_schema,	 [COMMAND_DRIFT] = cmd_drift,
	[COMMAND_INIT] = cmd_init,
};

/* The options of a command; of none: those that all take, and --root, which most do. */
static void usage_options(const struct command *c)
{
	puts("\nOptions:");
	for (const struct command_option *o = command_options; o < command_options + N_OPTIONS;
	     o++) {
		if (c ? !command_takes(c, o->takes)
		      : o->takes && o != &command_options[OPTION_ROOT])
			continue;
		printf("  --%s%s%-*s %s\n", o->name, o->arg ? " " : "",
		       (int)(19 - strlen(o->name)) - !!o->arg, o->arg ? o->arg : "", o->help);
		for (const struct command_choice *x = o->choices; x && x->name; x++)
			if (!c || command_takes(c, x->takes))
				printf("%25s%-10s %s\n", "", x->name, x->help);
	}
}

static void usage_command(const struct command *c)
{
	printf("Usage: bulkhead %s%s%s [OPTION]...\n\n%s: %s%s\n%s\n", c->name,
	       *c->synopsis ? " " : "", c->synopsis, c->name, c->summary,
	       has_suffix(c->summary, "?") ? "" : ".", c->help);
	usage_options(c);
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
	for (const struct command *c = commands; c < commands + N_COMMANDS; c++) {
		char left[32];

		snprintf(left, sizeof(left), "%s %s", c->name, c->synopsis);
		printf("  %-18s %s\n", left, c->summary);
	}
	usage_options(NULL);
	puts("\nExit codes:");
	for (const struct command_exit *x = command_exits; x->help; x++)
		printf("  %-18d %s\n", x->code, x->help);
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

static int unknown_command(const char *name)
{
	const char *names[N_COMMANDS + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].name;
	near = field_nearest(name, names);
	if (near)
		return bad_usage("there is no command '%s'; did you mean '%s'?", name, near);
	return bad_usage("there is no command '%s'; see bulkhead --help", name);
}

#define OPT_FIRST 256 /* above all characters */

static const char *option_takes(const struct command_option *o, char *buf, size_t size)
{
	size_t n = 0;

	*buf = '\0';
	for (const struct command_choice *x = o->choices; x->name && n < size; x++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
				      x == o->choices ? ""
				      : x[1].name     ? ", "
						      : " or ",
				      x->name);
	return buf;
}

/* One word of the command line, as getopt_long(3) found it. */
static int set_option(struct options *o, enum option_id id, const char *arg)
{
	const struct command_option *row = &command_options[id];
	int choice = row->choices ? command_choice(row, arg) : 0;
	char all[128];

	if (choice < 0)
		return bad_usage("--%s takes %s, not '%s'", row->name,
				 option_takes(row, all, sizeof(all)), arg);
	o->given |= 1U << id;
	if (id == OPTION_ROOT)
		o->root = arg;
	else if (id == OPTION_OUTPUT)
		o->output = (enum output)choice;
	else if (id == OPTION_COLOR && choice != COLOR_AUTO)
		o->style.color = choice == COLOR_ALWAYS;
	o->style.quiet = given(o, OPTION_QUIET);
	o->style.verbose = given(o, OPTION_VERBOSE);
	return 0;
}

/* What the command line gives that the command doesn't take. */
static int check_usage(const struct command *c, const struct options *o)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct command_option *row = &command_options[i];

		if (given(o, (enum option_id)i) && !command_takes(c, row->takes))
			return bad_usage("%s takes no --%s%s", c->name, row->name,
					 i == OPTION_JSON ? "; did you mean --output json?" : "");
	}
	if (!command_takes(c, command_options[OPTION_OUTPUT].choices[o->output].takes))
		return bad_usage("%s has no --output %s", c->name,
				 command_options[OPTION_OUTPUT].choices[o->output].name);
	if (given(o, OPTION_BOOT) && o->arg && (c->takes & TAKES_ID))
		return bad_usage("--boot finds the transaction by itself: leave out '%s'", o->arg);
	if (given(o, OPTION_BOOT) && o->root)
		return bad_usage(
			"--boot is for the host that boots, and a tree doesn't: leave it out");
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
	struct option long_options[N_OPTIONS + 1] = { 0 };
	struct options o = { 0 };
	const struct command *c = NULL;
	int opt, code;

	confine_start();
	o.style.color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	for (int i = 0; i < N_OPTIONS; i++) {
		const struct command_option *row = &command_options[i];

		long_options[i].name = row->name;
		long_options[i].has_arg = row->arg ? required_argument : no_argument;
		long_options[i].val = OPT_FIRST + i;
	}
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt < OPT_FIRST)
			return bad_usage("see bulkhead --help");
		if (set_option(&o, (enum option_id)(opt - OPT_FIRST), optarg))
			return EXIT_USAGE;
		if (opt - OPT_FIRST == OPTION_VERSION) {
			puts("bulkhead " PACKAGE_VERSION);
			return EXIT_AS_WANTED;
		}
	}
	if (optind < argc && !(c = command_find(argv[optind])))
		return unknown_command(argv[optind]);
	if (given(&o, OPTION_HELP)) {
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
	code = runs[c - commands](c, &o);
	return unreported && code == EXIT_AS_WANTED && !(c->takes & WRITES) ? EXIT_FAILED : code;
}
