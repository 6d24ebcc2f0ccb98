/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "event.h"

#include <dlfcn.h>
#include <syslog.h>

#include "buf.h"
#include "library.h"
#include "redact.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define FIELDS	       16

/* By event_kind. What stands before the setting, or is all there is to say. */
static const struct {
	const char *id;
	int priority;
	const char *words;
} kinds[EVENT_KINDS] = {
	[EVENT_AS_WANTED] = { "1fc5a97b1571450a8cec9f20c3026fc9", LOG_INFO,
			      "the host is as the plan wants it" },
	[EVENT_DRIFT] = { "95551d6aea844916aa14da744ae48465", LOG_WARNING, "drift" },
	[EVENT_BROKEN] = { "cba102c919ae493fa307716f3a3c5343", LOG_ERR, "not as wanted" },
	[EVENT_PENDING] = { "c8ba345c96564134ac595ca2542f6cab", LOG_NOTICE, "pending" },
	[EVENT_MENDED] = { "7e7be8c2ae2c40949ba0987da034393e", LOG_NOTICE, "mended" },
	[EVENT_NOT_MENDED] = { "f8ad38b35d2a46dfa8b7edc77b0b6e3b", LOG_ERR, "not mended" },
	[EVENT_INTERRUPTED] = { "db506cb30fdf487298dee2767065a926", LOG_ERR,
				"an interrupted run left this host in between" },
	[EVENT_RECOVERED] = { "2b96611b16fb4f4c9061d80a88a2b461", LOG_NOTICE,
			      "what an interrupted run left was put back" },
	[EVENT_NOT_LOOKED] = { "402248ea49c844f09eae649489061a86", LOG_ERR,
			       "the host could not be looked at" },
};

const char *event_id(enum event_kind kind)
{
	return kinds[kind].id;
}

void events_open(struct events *ev, const struct host *h,
		 void (*otherwise)(void *arg, const char *text), void *arg)
{
	const char *why;
	void *f;

	*ev = (struct events){ .otherwise = otherwise, .arg = arg };
	if (!HAVE_SYSTEMD || !host_is_live(h) || host_absent(h, JOURNAL_SOCKET))
		return;
	ev->lib = library_load("libsystemd.so.0", &why);
	f = ev->lib ? dlsym(ev->lib, "sd_journal_sendv") : NULL;
	memcpy(&ev->sendv, &f, sizeof(f));
}

void events_close(struct events *ev)
{
	if (ev->lib)
		dlclose(ev->lib);
	ev->lib = NULL;
	ev->sendv = NULL;
}

/* --- an entry --- */

struct entry {
	struct buf fields[FIELDS];
	int n;
};

/* A field more: NAME=value, without secrets. `value` NULL: none. */
static void field_add(struct entry *t, const char *name, const char *setting, const char *value)
{
	_cleanup_free_ char *open = value ? redact_value(setting, value) : NULL;
	struct buf *b = &t->fields[t->n];

	if (!value || !*value)
		return;
	t->n++;
	buf_addf(b, "%s=", name);
	if (open)
		buf_adds(b, open);
	else
		b->failed = true;
}

static void words_add(struct buf *b, const char *setting, const char *before, const char *value)
{
	_cleanup_free_ char *open = value ? redact_value(setting, value) : NULL;

	if (!value)
		return;
	buf_adds(b, before);
	if (open)
		buf_add_shown(b, open, "; ");
	else
		b->failed = true;
}

static void name_add(struct buf *b, const struct finding *f)
{
	buf_adds(b, f->module);
	words_add(b, NULL, f->setting && *f->setting == '[' ? "" : ".", f->setting);
}

/* "drift: daemon.icc: wanted false, found true (GET /networks/bridge) [CIS 2.2]" */
static void message_add(struct buf *b, const struct event *v)
{
	const struct finding *f = v->finding;

	buf_adds(b, kinds[v->kind].words);
	if (f) {
		buf_adds(b, ": ");
		name_add(b, f);
		words_add(b, f->setting, ": wanted ", f->wanted);
		if (f->found && (!f->wanted || !streq(f->wanted, f->found)))
			words_add(b, f->setting, f->wanted ? ", found " : ": found ", f->found);
		words_add(b, NULL, f->wanted || f->found ? " (" : ": ", f->why);
		buf_adds(b, f->why && (f->wanted || f->found) ? ")" : "");
		if (f->cis && *f->cis)
			buf_addf(b, " [CIS %s]", f->cis);
	}
	words_add(b, NULL, ": ", v->text);
	if (v->transaction)
		buf_addf(b, " (transaction %u)", v->transaction);
}

static void entry_fill(struct entry *t, const struct event *v)
{
	const struct finding *f = v->finding;
	struct buf *message = &t->fields[t->n++], *name;
	char number[16];

	buf_adds(message, "MESSAGE=");
	message_add(message, v);
	field_add(t, "MESSAGE_ID", NULL, kinds[v->kind].id);
	snprintf(number, sizeof(number), "%d", kinds[v->kind].priority);
	field_add(t, "PRIORITY", NULL, number);
	field_add(t, "SYSLOG_IDENTIFIER", NULL, "bulkhead");
	if (f) {
		name = &t->fields[t->n++];
		buf_adds(name, "BULKHEAD_SETTING=");
		name_add(name, f);
		field_add(t, "BULKHEAD_STATE", NULL, finding_state_name(f->state));
		field_add(t, "BULKHEAD_WANTED", f->setting, f->wanted);
		field_add(t, "BULKHEAD_FOUND", f->setting, f->found);
		field_add(t, "BULKHEAD_WHY", NULL, f->why);
		field_add(t, "BULKHEAD_CIS", NULL, f->cis);
	} else {
		field_add(t, "BULKHEAD_WHY", NULL, v->text);
	}
	field_add(t, "BULKHEAD_PLAN", NULL, v->plan);
	snprintf(number, sizeof(number), "%u", v->transaction);
	field_add(t, "BULKHEAD_TRANSACTION", NULL, v->transaction ? number : NULL);
}

int event_send(struct events *ev, const struct event *v, struct err *e)
{
	struct entry t = { .n = 0 };
	struct iovec iov[FIELDS];
	bool failed = false;

	entry_fill(&t, v);
	for (int i = 0; i < t.n; i++) {
		failed |= t.fields[i].failed;
		iov[i] = (struct iovec){ t.fields[i].data, t.fields[i].len };
	}
	if (!failed && (!ev->sendv || ev->sendv(iov, t.n) < 0) && ev->otherwise)
		ev->otherwise(ev->arg, t.fields[0].data + strlen("MESSAGE="));
	for (int i = 0; i < t.n; i++)
		buf_done(&t.fields[i]);
	return failed ? err_oom(e) : 0;
}
