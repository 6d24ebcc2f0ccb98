/* SPDX-License-Identifier: Apache-2.0 */
#include "drift.h"

#include <inttypes.h>
#include <time.h>

#include "buf.h"
#include "stage.h"

#define WAIT_SECONDS 600 /* for another run: an apply may wait for Docker, and for useradd */
#define WAIT_MS	     200

#define OFTEN	      10
#define OFTEN_SECONDS 600

struct look {
	struct host *h;
	const struct plan *plan;
	const struct reconcile_options *o;
	struct events *ev;
	struct report *r;
	bool *untold; /* memory ran out for an event */
};

static void tell(const struct look *l, enum event_kind kind, const struct finding *f,
		 const char *text)
{
	const struct event v = { .kind = kind,
				 .finding = f,
				 .text = text,
				 .plan = l->o->plan_path,
				 .transaction = kind == EVENT_MENDED ? l->r->id : 0 };
	struct err e;

	if (event_send(l->ev, &v, &e) < 0)
		*l->untold = true;
}

/* A report of its own for what comes next. */
static void begin(const struct look *l, const char *command)
{
	report_done(l->r);
	report_init(l->r, command, l->h);
	host_forget(l->h);
}

/* --- what failed before --- */

/* All that decides what a mending would do. NULL: out of memory. */
static char *occasion(const struct look *l)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct report *r = l->r;

	for (size_t i = 0; modules[i]; i++) {
		const struct section *s = plan_section(l->plan, modules[i]->name);
		_cleanup_free_ char *text =
			s ? json_text(s->values, JSON_SORT_KEYS | JSON_COMPACT) : strdup("");

		if (!text)
			return NULL;
		buf_addf(&b, "%s %s\n", modules[i]->name, text);
	}
	for (size_t i = 0; i < r->findings.n; i++) {
		const struct finding *f = &r->findings.list[i];

		if (f->state == FINDING_DRIFT)
			buf_addf(&b, "%s.%s\n", f->module, f->setting ? f->setting : "");
	}
	for (size_t i = 0; i < r->changes.n; i++) {
		const struct change *c = r->changes.list[i];

		buf_addf(&b, "%s %o %u:%u %" PRIx64 "\n", c->path, c->before.mode, c->before.uid,
			 c->before.gid, image_sum(&c->before));
	}
	return buf_take(&b, NULL);
}

static int occasion_sum(const struct look *l, char ret[20], struct err *e)
{
	_cleanup_free_ char *text = occasion(l);
	struct image im = { .content = text, .len = text ? strlen(text) : 0 };

	if (!text)
		return err_oom(e);
	snprintf(ret, 20, "%016" PRIx64 "\n", image_sum(&im));
	return 0;
}

/* 1: it did. */
static int failed_before(const struct look *l, const char *sum, struct err *e)
{
	_cleanup_free_ char *was = NULL;
	size_t len;
	int r;

	if (!host_is_live(l->h))
		return 0;
	r = host_read(l->h, DRIFT_FAILED, 64, &was, &len, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return streq(was, sum);
}

/*
 * Somebody who changes it back each time would have Docker restarted without end. 1: it was mended
 * too often.
 */
static int too_often(const struct look *l, struct err *e)
{
	uint64_t since = (uint64_t)(time(NULL) - OFTEN_SECONDS) * 1000000;
	struct journal *list;
	unsigned often = 0;
	size_t n;

	if (!host_is_live(l->h))
		return 0;
	if (journal_list(l->h, &list, &n, e) < 0)
		return e->code;
	for (size_t i = n; i > 0 && list[i - 1].time_us > since; i--)
		often++;
	journal_list_free(list, n);
	return often >= OFTEN;
}

/* Only a live host is looked at again and again. */
static int remember(const struct look *l, const char *sum, struct err *e)
{
	static const char tmp[] = ".bulkhead-drift.failed";
	struct image im = { .exists = true,
			    .mode = S_IFREG | 0600,
			    .content = (char *)(uintptr_t)sum };

	if (!host_is_live(l->h))
		return 0;
	im.len = strlen(sum);
	if (stage_discard(l->h, DRIFT_FAILED, tmp, e) < 0 ||
	    stage_file(l->h, DRIFT_FAILED, tmp, &im, e) < 0 ||
	    stage_return(l->h, DRIFT_FAILED, tmp, e) < 0)
		return e->code;
	return 0;
}

/* --- the steps of a look --- */

static bool stopped(const struct look *l)
{
	const struct progress *p = l->o->progress;

	return p && p->interrupted && *p->interrupted;
}

/* Our own apply, say, whose files the path unit saw change. */
static void wait_for_others(const struct look *l)
{
	for (int ms = 0; ms < WAIT_SECONDS * 1000 && !stopped(l) && journal_locked_by(l->h);
	     ms += WAIT_MS)
		nanosleep(&(struct timespec){ .tv_nsec = WAIT_MS * 1000 * 1000 }, NULL);
}

/* Why it failed: the error, what stands in the way, and what could not be put back. */
static void tell_failed(const struct look *l, enum event_kind kind)
{
	const struct errs *const lists[] = { &l->r->changes.mistakes, &l->r->changes.refusals,
					     &l->r->failed };
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_adds(&b, l->r->err.text);
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; i < lists[k]->n; i++) {
			const struct mistake *m = &lists[k]->list[i];

			buf_addf(&b, "%s%s%s%s", b.len ? "\n" : "", m->where ? m->where : "",
				 m->where ? ": " : "", m->text);
		}
	tell(l, kind, NULL, b.failed ? "out of memory for the reason" : b.data);
}

/* False: the report says why there is nothing more to be done. */
static bool recovered(const struct look *l)
{
	tell(l, EVENT_INTERRUPTED, NULL, NULL);
	begin(l, "recover");
	reconcile_recover(l->h, l->o, l->r);
	if (l->r->code != EXIT_AS_WANTED) {
		tell_failed(l, EVENT_NOT_MENDED);
		return false;
	}
	if (l->r->result == REPORT_RECOVERED)
		tell(l, EVENT_RECOVERED, NULL, NULL);
	return true;
}

static void check(const struct look *l)
{
	begin(l, "check");
	reconcile_check(l->h, l->plan, l->o, l->r);
}

/* Tells what a check found. Does anything differ that an apply could mend? */
static bool tell_found(const struct look *l)
{
	static const enum event_kind kinds[] = {
		[FINDING_DRIFT] = EVENT_DRIFT,
		[FINDING_PENDING] = EVENT_PENDING,
		[FINDING_FAILED] = EVENT_BROKEN,
	};
	const struct report *r = l->r;
	bool drift = false;

	for (size_t i = 0; i < r->findings.n; i++) {
		const struct finding *f = &r->findings.list[i];

		drift |= f->state == FINDING_DRIFT;
		if (f->state == FINDING_DRIFT || f->state == FINDING_PENDING ||
		    f->state == FINDING_FAILED)
			tell(l, kinds[f->state], f, NULL);
	}
	if (errs_any(&r->changes.refusals))
		tell_failed(l, EVENT_NOT_MENDED);
	else if (r->code == EXIT_AS_WANTED)
		tell(l, EVENT_AS_WANTED, NULL, NULL);
	return drift && !errs_any(&r->changes.refusals) && !changes_empty(&r->changes);
}

static char *name_of(const struct finding *f)
{
	char *name;

	return asprintf(&name, "%s.%s", f->module, f->setting ? f->setting : "") < 0 ? NULL : name;
}

/* What differed before is mended now, or pending. */
static int tell_mended(const struct look *l, const struct findings *was, struct err *e)
{
	_cleanup_json_ json_t *pending = json_object();

	if (!pending)
		return err_oom(e);
	for (size_t i = 0; i < l->r->findings.n; i++) {
		const struct finding *f = &l->r->findings.list[i];
		_cleanup_free_ char *name = name_of(f);

		if (f->state != FINDING_PENDING)
			continue;
		if (!name || json_object_set_new_nocheck(pending, name, json_true()) < 0)
			return err_oom(e);
		tell(l, EVENT_PENDING, f, NULL);
		l->r->code = EXIT_DIFFERS;
	}
	for (size_t i = 0; i < was->n; i++) {
		_cleanup_free_ char *name = name_of(&was->list[i]);

		if (was->list[i].state == FINDING_DRIFT && name && !json_object_get(pending, name))
			tell(l, EVENT_MENDED, &was->list[i], NULL);
	}
	return 0;
}

/* Applies, since the check that the report is of found something to mend. */
static void mend(const struct look *l)
{
	struct findings was = l->r->findings;
	struct err e;
	char sum[20];
	int r;

	if (occasion_sum(l, sum, &l->r->err) < 0) {
		l->r->code = EXIT_FAILED;
		return;
	}
	r = failed_before(l, sum, &l->r->err);
	if (r > 0)
		err_set(&l->r->err, EAGAIN,
			"mending this failed before, and nothing has changed since: it is not tried "
			"again before the next boot. See journalctl -t bulkhead; try it with: bulkhead "
			"apply %s",
			l->o->plan_path);
	else if (r == 0 && (r = too_often(l, &l->r->err)) > 0)
		err_set(&l->r->err, EAGAIN,
			"%d transactions in %d minutes: somebody else seems to change it back, so it is "
			"not mended for now. Find out who does, or take it out of the plan",
			OFTEN, OFTEN_SECONDS / 60);
	if (r) {
		l->r->code = EXIT_FAILED;
		tell_failed(l, EVENT_NOT_MENDED);
		return;
	}
	l->r->findings = (struct findings){ 0 };
	begin(l, "apply");
	reconcile_apply(l->h, l->plan, l->o, l->r);
	if (l->r->code != EXIT_AS_WANTED) {
		tell_failed(l, EVENT_NOT_MENDED);
		/* Who stops us has not seen it fail. */
		if (!stopped(l) && remember(l, sum, &e) < 0)
			err_append(&l->r->err, "\n%s", e.text);
	} else if (tell_mended(l, &was, &l->r->err) < 0) {
		l->r->code = EXIT_FAILED;
	}
	findings_done(&was);
}

void drift_look(struct host *h, const struct plan *p, bool mending,
		const struct reconcile_options *o, struct events *ev, struct report *r)
{
	bool untold = false;
	const struct look l = { h, p, o, ev, r, &untold };

	for (int tries = 0; tries < 5; tries++) {
		wait_for_others(&l);
		if (mending && journal_interrupted(h) && !journal_locked_by(h) && !recovered(&l))
			return;
		check(&l);
		/* Another run began between the two questions. */
		if (r->result != REPORT_REFUSED || r->err.code != -EBUSY)
			break;
	}
	if (r->result == REPORT_STUCK) {
		tell(&l, EVENT_INTERRUPTED, NULL, NULL);
	} else if (r->result == REPORT_REFUSED) {
		tell_failed(&l, EVENT_NOT_LOOKED);
	} else if (tell_found(&l) && mending) {
		mend(&l);
	} else if (mending && r->code == EXIT_DIFFERS && errs_any(&r->changes.refusals)) {
		r->code = EXIT_FAILED;
	}
	if (untold) {
		err_oom(&r->err);
		r->code = r->code == EXIT_STUCK ? EXIT_STUCK : EXIT_FAILED;
	}
}
