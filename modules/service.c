/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running daemon: collects what the other modules ask of units and decides what happens now.
 * Comes last.
 *
 * Nothing, a reload, or one restart; put off when the plan's policy says so. A daemon that is down
 * though its unit is enabled is started; one that somebody disabled stays down.
 */
#include <stdarg.h>

#include "../src/module.h"
#include "../src/units.h"
#include "engine.h"

#define NAME "service"

static const char *const policies[] = { "auto", "if-idle", "never", NULL };

static const struct field fields[] = {
	{ .name = "restart",
	  .type = FIELD_ENUM,
	  .choices = policies,
	  .help = "when Docker may be restarted: auto, if-idle (only with no running container), never "
		  "(reported as pending)",
	  .fallback = "auto" },
	{ .name = "timeout",
	  .type = FIELD_INT,
	  .min = 1,
	  .max = 3600,
	  .help = "seconds Docker has to come back after a restart; then everything is undone",
	  .fallback = "120" },
	{ .name = "watch",
	  .type = FIELD_INT,
	  .min = 0,
	  .max = 300,
	  .help = "seconds Docker is watched after a restart: one that comes up and dies a little later "
		  "is undone, too; 0: not watched",
	  .fallback = "7" },
	{ .name = "accept-data-root-change",
	  .type = FIELD_BOOL,
	  .help = "switch user namespaces on or off even while containers run: images and containers "
		  "of the present data root go out of sight",
	  .fallback = "false" },
	{ .name = "accept-public-metrics",
	  .type = FIELD_BOOL,
	  .help = "let daemon.metrics-addr be an address that others reach: whoever does reads the "
		  "metrics, without authentication",
	  .fallback = "false" },
	{ 0 },
};

/* How many containers run; -1 when it can't be known. */
static long long running(const struct host *h, struct err *e)
{
	const json_t *info;

	if (engine_get(h, "/info", &info, e) < 0)
		return -1;
	return json_integer_value(json_object_get(info, "ContainersRunning"));
}

static int put_off(struct ask *a, struct err *e, const char *fmt, ...) PRINTF(3, 4);

static int put_off(struct ask *a, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int r;

	free(a->pending);
	va_start(ap, fmt);
	r = vasprintf(&a->pending, fmt, ap);
	va_end(ap);
	if (r < 0) {
		a->pending = NULL;
		return err_oom(e);
	}
	return 0;
}

/* By the command line, whatever the plan's policy. */
static int put_off_now(const struct host *h, const struct unit_state *u, struct ask *a,
		       struct err *e)
{
	if (!host_is_booting(h))
		return put_off(a, e, "--no-restart");
	if (unit_is_up(u->active))
		return put_off(a, e, "--boot touches no unit; to have it now: bulkhead apply%s",
			       host_plan_words(h));
	return put_off(a, e, "%s is not started yet", a->unit);
}

/* The restart of the socket carries the service along. */
static bool is_dockers(const char *unit)
{
	return streq(unit, DOCKER_SERVICE) || streq(unit, DOCKER_SOCKET);
}

static bool is_enabled(const struct unit_state *u)
{
	return has_prefix(u->enabled, "enabled");
}

/* What a unit that is down needs: a start when it is meant to run, nothing otherwise. */
static void ask_of_down(struct ask *a, const struct unit_state *u)
{
	a->action = is_enabled(u) ? UNIT_START : UNIT_NOTHING;
}

static int decide(const struct section *s, const struct host *h, const struct unit_state *u,
		  struct changes *out, struct ask *a, struct err *e)
{
	const char *policy = section_str(s, "restart");
	long long n;

	if (!unit_is_up(u->active) && !unit_is_starting(u))
		ask_of_down(a, u);
	if (a->action == UNIT_NOTHING)
		return 0;
	if (out->no_restart) {
		out->no_boot |= host_is_booting(h) && unit_is_up(u->active);
		return put_off_now(h, u, a, e);
	}
	if (a->action == UNIT_START && out->no_start)
		return put_off(
			a, e,
			"%s is down, and a look for drift starts nothing: systemctl start docker",
			a->unit);
	if (a->action == UNIT_RELOAD)
		return 0;
	if (streq(policy, "never"))
		return put_off(a, e, "service.restart is never");
	if (!streq(policy, "if-idle") || a->action != UNIT_RESTART)
		return 0;
	n = running(h, e);
	if (n > 0)
		return put_off(a, e, "service.restart is if-idle, and %lld container%s run%s", n,
			       n == 1 ? "" : "s", n == 1 ? "s" : "");
	if (n < 0)
		return put_off(
			a, e,
			"service.restart is if-idle, and Docker can't be asked whether containers "
			"run: %s",
			e->text);
	return 0;
}

static int state_of(const struct host *h, const char *unit, struct unit_state *ret, struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	if (units_open(h, &u, e) < 0)
		return e->code;
	return units_state(u, unit, ret, e);
}

/* Other units than Docker's are judged by their own state; no container hangs on them. */
static int decide_other(const struct host *h, const struct unit_state *u, const struct changes *out,
			struct ask *a, struct err *e)
{
	if ((a->action == UNIT_RELOAD || a->action == UNIT_RESTART) && !unit_is_up(u->active)) {
		/* One that this very transaction makes is to run. */
		if (streq(u->load, "not-found"))
			a->action = UNIT_START;
		else
			ask_of_down(a, u);
	}
	if (a->action == UNIT_STOP && !unit_is_up(u->active) && host_is_booting(h))
		a->action = UNIT_NOTHING;
	if (a->action != UNIT_NOTHING && out->no_restart)
		return put_off_now(h, u, a, e);
	return 0;
}

/* Does anything change that the daemon is to take? What isn't to be restarted is nobody's hurry. */
static bool is_to_take(const struct section *s, const struct changes *c)
{
	return c->n && !c->no_restart && !streq(section_str(s, "restart"), "never");
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	struct unit_state u;
	struct err why;

	(void)was;
	if (!s)
		return 0;
	out->timeout = (int)section_int(s, "timeout", UNITS_TIMEOUT);
	out->watch = (int)section_int(s, "watch", UNITS_WATCH);
	if (!host_is_live(h)) {
		for (size_t i = 0; i < out->n_asks; i++)
			out->asks[i].action = UNIT_NOTHING;
		return 0;
	}
	if (state_of(h, DOCKER_SERVICE, &u, e) < 0)
		return e->code;
	if (streq(u.load, "loaded") && !unit_is_up(u.active) && is_enabled(&u) &&
	    !(unit_is_starting(&u) && out->no_start) &&
	    changes_ask(out, DOCKER_SERVICE, UNIT_START, NAME, NULL,
			unit_is_starting(&u) ? "docker.service is not up yet"
					     : "docker.service is down though it is enabled",
			e) < 0)
		return e->code;
	for (size_t i = 0; i < out->n_asks; i++) {
		struct ask *a = &out->asks[i];
		struct unit_state own = u;

		if ((!streq(a->unit, DOCKER_SERVICE) && state_of(h, a->unit, &own, e) < 0) ||
		    (is_dockers(a->unit) ? decide(s, h, &own, out, a, e)
					 : decide_other(h, &own, out, a, e)) < 0)
			return e->code;
	}
	if (unit_is_up(u.active) && is_to_take(s, out) &&
	    units_usable(DOCKER_SERVICE, &u, &why) < 0)
		errs_add(&out->refusals, NULL, "the running daemon could not be started again: %s",
			 why.text);
	return 0;
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	const char *const wanted = "running";
	char found[160];
	const json_t *info;
	struct unit_state u;

	(void)s;
	(void)was;
	if (!host_is_live(h))
		return findings_add(out, NAME, NULL, NULL, FINDING_SKIPPED, wanted, NULL,
				    "offline: nothing runs in this root", e);
	if (state_of(h, DOCKER_SERVICE, &u, e) < 0)
		return e->code;
	if (!streq(u.load, "loaded")) {
		snprintf(found, sizeof(found), "docker.service is %s", u.load);
		return findings_add(out, NAME, NULL, NULL, FINDING_SKIPPED, wanted, NULL, found, e);
	}
	snprintf(found, sizeof(found), "%s (%s%s%s)", u.active, u.sub,
		 u.result[0] && !streq(u.result, "success") ? ", " : "",
		 streq(u.result, "success") ? "" : u.result);
	if (!unit_is_up(u.active) && !is_enabled(&u))
		return findings_add(out, NAME, NULL, NULL, FINDING_SKIPPED, wanted, found,
				    "docker.service is not enabled", e);
	if (!unit_is_up(u.active) && host_is_booting(h))
		return findings_add(out, NAME, NULL, NULL, FINDING_PENDING, wanted, found,
				    DOCKER_SERVICE " is not started yet", e);
	if (!unit_is_up(u.active))
		return findings_add(
			out, NAME, NULL, NULL, FINDING_DRIFT, wanted, found,
			"docker.service is down though it is enabled: see journalctl -u docker", e);
	if (engine_get(h, "/info", &info, e) < 0)
		return findings_add(out, NAME, NULL, NULL, FINDING_FAILED, wanted, found, e->text,
				    e);
	return findings_add(out, NAME, NULL, NULL, FINDING_OK, wanted, NULL, "GET /info answers",
			    e);
}

const struct module module_service = {
	.name = NAME,
	.summary = "when the daemon may be restarted, and that it runs",
	.fields = fields,
	.order = 90,
	.always = true,
	.diff = diff,
	.verify = verify,
};
