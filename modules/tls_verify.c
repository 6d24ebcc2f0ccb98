/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running host: asks the API over TCP as a client would, without TLS, without a certificate,
 * and with one. Where the CA is ours, that is one made for this look, which nobody ever sees.
 */
#include "tls.h"

#include <time.h>

#include "../src/buf.h"
#include "daemon_host.h"

#define TALK_MS	 3000
#define PROBE_MS 400 /* of this host to itself: what isn't there by then was dropped */

static int tell(struct findings *f, const char *setting, enum finding_state state,
		const char *wanted, const char *found, const char *why, struct err *e)
{
	return findings_add(f, TLS_NAME, setting, TLS_CIS, state, wanted, found, why, e);
}

/* --- files --- */

static int mode_wrong(const struct host *h, const char *path, mode_t most, char buf[160],
		      struct err *e)
{
	struct stat st;

	buf[0] = '\0';
	if (host_stat(h, path, &st, e) < 0)
		return e->code;
	if ((st.st_mode & 07777 & ~most) || st.st_uid || st.st_gid)
		snprintf(buf, 160, "is %04o %u:%u: root alone has to own it, with %04o or less",
			 st.st_mode & 07777, st.st_uid, st.st_gid, most);
	return 0;
}

static int verify_file(const struct section *s, const struct host *h, const char *setting,
		       const struct tls_look *l, mode_t most, struct findings *out, struct err *e)
{
	const char *path = section_str(s, setting);
	long long left = l->seconds / 86400;
	char mode[160], why[200];

	if (mode_wrong(h, path, most, mode, e) < 0)
		return e->code;
	if (l->fault[0] || mode[0])
		return tell(out, setting, FINDING_FAILED, path, NULL, l->fault[0] ? l->fault : mode,
			    e);
	if (!l->until[0])
		return tell(out, setting, FINDING_OK, path, NULL, "it is the certificate's", e);
	snprintf(why, sizeof(why), "good until %s%s", l->until,
		 left < section_int(s, "renew-days", 30) ? ": have it renewed" : "");
	return tell(out, setting,
		    left < section_int(s, "renew-days", 30) ? FINDING_PENDING : FINDING_OK, path,
		    NULL, why, e);
}

static int verify_files(const struct section *s, const struct host *h, struct findings *out,
			struct err *e)
{
	bool make = section_bool(s, "make", false);
	struct tls_looks l = { 0 };
	const char *missing;
	int r = tls_look(s, h, (long long)time(NULL), &l, &missing, e);

	if (r == -EOPNOTSUPP)
		return tell(out, "cert", FINDING_FAILED, NULL, NULL, e->text, e);
	if (r < 0)
		return r;
	if (r)
		return tell(out, missing, make ? FINDING_DRIFT : FINDING_FAILED,
			    section_str(s, missing), NULL, "there is no such file", e);
	if (verify_file(s, h, "ca", &l.ca, 0444, out, e) < 0 ||
	    verify_file(s, h, "cert", &l.cert, 0444, out, e) < 0 ||
	    verify_file(s, h, "key", &l.key, 0400, out, e) < 0)
		return e->code;
	return tell(out, "names", l.names.fault[0] ? FINDING_FAILED : FINDING_OK, NULL, NULL,
		    l.names.fault[0] ? l.names.fault : "subjectAltName of the certificate", e);
}

/* --- the port --- */

/* What a client shows: a pair made for this look, or the first of the plan's clients'. */
struct client {
	struct tls_file ca, ca_key;
	char *cert, *key;
};

static void client_done(struct client *c)
{
	tls_file_done(&c->ca);
	tls_file_done(&c->ca_key);
	free(c->cert);
	tls_wipe(c->key);
}

static int client_load(const struct section *s, const struct host *h, struct client *c,
		       struct err *e)
{
	struct tls_pem ca, ca_key;
	struct tls_make m = { .name = "bulkhead's look",
			      .use = TLS_CLIENT,
			      .days = 1,
			      .now = (long long)time(NULL),
			      .ca = &ca,
			      .ca_key = &ca_key };

	if (tls_file_read(h, section_str(s, "ca"), &c->ca, e) < 0 ||
	    tls_file_read(h, section_str(s, "ca-key"), &c->ca_key, e) < 0)
		return e->code;
	ca = tls_file_pem(&c->ca);
	ca_key = tls_file_pem(&c->ca_key);
	if (!section_bool(s, "make", false) || !ca.text || !ca_key.text)
		return 0;
	return tls_make(&m, &c->cert, &c->key, e);
}

/* "" in `bad`: that address is as wanted. */
static int verify_address(const struct tls_address *a, const struct client *c, char bad[256],
			  struct err *e)
{
	const struct tls_pem ca = tls_file_pem(&c->ca);
	const struct tls_pem cert = { c->cert, c->cert ? strlen(c->cert) : 0 };
	const struct tls_pem key = { c->key, c->key ? strlen(c->key) : 0 };
	struct tls_talk t = { .to = a, .from = a->v6 ? "::1" : "127.0.0.1", .timeout_ms = TALK_MS };
	enum tls_answer answer;
	char text[128];

	bad[0] = '\0';
	if (tls_talk(&t, &answer, text, e) < 0)
		return e->code;
	if (answer == TLS_UNREACHED)
		snprintf(bad, 256, "nobody is reached at %s port %u: %s", a->host, a->port, text);
	else if (answer == TLS_ANSWERED)
		snprintf(bad, 256, "%s port %u answers without TLS: %s", a->host, a->port, text);
	if (bad[0] || !ca.text)
		return 0;
	t.ca = &ca;
	if (tls_talk(&t, &answer, text, e) < 0)
		return e->code;
	if (answer != TLS_REFUSED)
		snprintf(bad, 256, "%s port %u, to a client without a certificate: %s", a->host,
			 a->port, text);
	if (bad[0] || !c->cert)
		return 0;
	t.cert = &cert;
	t.key = &key;
	if (tls_talk(&t, &answer, text, e) < 0)
		return e->code;
	if (answer != TLS_ANSWERED)
		snprintf(bad, 256, "%s port %u, to a client with a certificate: %s", a->host,
			 a->port, text);
	return 0;
}

static int add_address(json_t *all, const char *text, struct err *e)
{
	json_t *v;
	size_t i;

	if (!has_prefix(text, "tcp://"))
		return 0;
	json_array_foreach (all, i, v)
		if (streq(json_string_value(v), text))
			return 0;
	return json_array_append_new(all, json_string(text)) < 0 ? err_oom(e) : 0;
}

/* Where the API is to listen: tls.listen, daemon.hosts, and what else the command line says. */
static int addresses(const struct section *s, const struct engine_cmdline *cmd, json_t *all,
		     struct err *e)
{
	const struct section *d = plan_section(s->plan, "daemon");
	const char *value;
	size_t pos = 0, i;
	json_t *v;

	json_array_foreach (section_get(s, "listen"), i, v)
		if (add_address(all, json_string_value(v), e) < 0)
			return e->code;
	json_array_foreach (d ? section_get(d, "hosts") : NULL, i, v)
		if (add_address(all, json_string_value(v), e) < 0)
			return e->code;
	while ((value = engine_cmdline_next(cmd, "hosts", &pos)))
		if (add_address(all, value, e) < 0)
			return e->code;
	return 0;
}

static int verify_listen(const struct section *s, const struct host *h, const json_t *all,
			 struct findings *out, bool *ret_reached, struct err *e)
{
	_cleanup_(client_done) struct client c = { 0 };
	_cleanup_buf_ struct buf wanted = BUF_INIT;
	_cleanup_free_ char *list = NULL;
	char bad[256] = "";
	json_t *v;
	size_t i;

	if (client_load(s, h, &c, e) < 0)
		return e->code;
	json_array_foreach (all, i, v) {
		struct tls_address a;
		const char *why;

		buf_addf(&wanted, "%s%s", i ? " " : "", json_string_value(v));
		if (bad[0])
			continue;
		if (tls_address_parse(json_string_value(v), &a, &why) < 0)
			snprintf(bad, sizeof(bad), "%s is no address that can be asked",
				 json_string_value(v));
		else if (verify_address(&a, &c, bad, e) < 0)
			return e->code;
	}
	list = buf_take(&wanted, NULL);
	if (!list)
		return err_oom(e);
	*ret_reached = !bad[0];
	if (bad[0])
		return tell(out, "listen", FINDING_DRIFT, list, NULL, bad, e);
	return tell(out, "listen", FINDING_OK, list, NULL,
		    c.cert ? "asked: refused without TLS and without a certificate, answered with "
			     "one of the CA"
			   : "asked: refused without TLS and without a certificate; with one it "
			     "could not be tried, the CA's key is not here",
		    e);
}

/*
 * A loopback address that nothing lets in: who gets through from there gets through from anywhere.
 * Linux takes all of 127.0.0.0/8 for its own, and through a socket of both families as well.
 */
int tls_from_open(const struct section *s, bool *ret, char untried[128], struct err *e)
{
	struct tls_address a;
	enum tls_answer answer;
	char text[128];
	const char *why;
	json_t *v;
	size_t i;

	*ret = false;
	untried[0] = '\0';
	if (tls_from_holds(s, TLS_PROBE)) {
		snprintf(untried, 128,
			 "it lets all of loopback in: there is no address to try from");
		return 0;
	}
	json_array_foreach (section_get(s, "listen"), i, v) {
		struct tls_talk t = { .to = &a, .from = TLS_PROBE, .timeout_ms = PROBE_MS };

		if (tls_address_parse(json_string_value(v), &a, &why) < 0)
			continue;
		if (a.v6 && !a.any) {
			snprintf(untried, 128, "IPv6 has one loopback address: none to try from");
			continue;
		}
		if (tls_talk(&t, &answer, text, e) < 0)
			return e->code;
		if (answer != TLS_UNREACHED)
			*ret = true;
	}
	return 0;
}

static int verify_from(const struct section *s, bool reached, struct findings *out, struct err *e)
{
	char untried[128];
	bool open;

	if (!json_array_size(section_get(s, "from")))
		return 0;
	if (!reached)
		return tell(out, "from", FINDING_SKIPPED, NULL, NULL,
			    "the port itself does not answer", e);
	if (tls_from_open(s, &open, untried, e) < 0)
		return e->code;
	if (open)
		return tell(out, "from", FINDING_DRIFT, NULL, NULL,
			    "a connection from " TLS_PROBE
			    ", which is not among them, gets through",
			    e);
	return tell(out, "from", untried[0] ? FINDING_SKIPPED : FINDING_OK, NULL, NULL,
		    untried[0] ? untried
			       : "tried: a connection from " TLS_PROBE " does not get through",
		    e);
}

int tls_verify(const struct section *s, const struct previous *was, const struct host *h,
	       struct findings *out, struct err *e)
{
	_cleanup_json_ json_t *all = json_array();
	const struct engine_cmdline *cmd;
	struct daemon_running run;
	bool reached = false;
	int r = verify_files(s, h, out, e);

	(void)was;
	if (r < 0 || engine_cmdline(h, &cmd, e) < 0)
		return e->code;
	if (!all)
		return err_oom(e);
	if (addresses(s, cmd, all, e) < 0)
		return e->code;
	if (!json_array_size(all))
		return 0;
	if (daemon_running_load(h, cmd, NULL, &run, e) < 0)
		return e->code;
	if (!run.up) {
		r = tell(out, "listen", FINDING_SKIPPED, NULL, NULL, run.why, e);
		return r < 0 || !json_array_size(section_get(s, "from"))
			       ? r
			       : tell(out, "from", FINDING_SKIPPED, NULL, NULL, run.why, e);
	}
	r = verify_listen(s, h, all, out, &reached, e);
	return r < 0 ? r : verify_from(s, reached, out, e);
}
