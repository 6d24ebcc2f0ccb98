/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the running daemon have what the plan says? A finding for each key; what diff would change
 * in the file is not told again.
 */
#include "daemon_cis.h"
#include "daemon_host.h"

struct look {
	const struct section *s;
	const json_t *state, *file;
	uint64_t since_us;
	struct daemon_running run;
	struct findings *out;
};

static int verify_key(const struct look *l, const char *key, const json_t *want, struct err *e)
{
	static const char frozen_why[] = "live-restore keeps the network while containers run: "
					 "restart docker.service while none does";
	const char *policy = daemon_restart_policy(l->s, l->run.seen.info);
	_cleanup_free_ char *wanted = NULL, *found = NULL;
	enum finding_state state = FINDING_SKIPPED;
	_cleanup_proof_ struct proof p = { 0 };
	const struct field *f = field_find(daemon_keys, key);
	const char *why = l->run.why;
	int r;

	r = daemon_show(want, &wanted, e);
	if (r == 0 && l->run.seen.info)
		r = daemon_prove(f, want, &l->run.seen, &p, e);
	if (r == 0 && p.found)
		r = daemon_show(p.found, &found, e);
	if (r < 0)
		return r;
	if (p.state == PROOF_OK) {
		state = FINDING_OK;
		why = p.by;
	} else if (p.state == PROOF_DIFFERS ||
		   (l->run.up && json_equal(want, json_member(l->file, key)) &&
		    !daemon_key_read(l->state, l->since_us, &l->run, key, want))) {
		bool kept = daemon_key_frozen(&l->run, key);

		state = kept || policy ? FINDING_PENDING : FINDING_DRIFT;
		why = kept			 ? frozen_why
		      : policy			 ? policy
		      : p.state == PROOF_DIFFERS ? p.by
						 : "the file is newer than the running daemon";
	} else if (l->run.seen.info) {
		why = p.why;
	}
	return findings_add(l->out, "daemon", key, daemon_key_cis(f, want), state, wanted, found,
			    why, e);
}

/* What a profile asks for and this engine doesn't have. */
static int verify_left_out(const struct section *s, const json_t *wanted, struct findings *out,
			   struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach (s->values, key, v) {
		const struct field *f = field_find(daemon_keys, key);
		_cleanup_free_ char *text = NULL;
		char series[80], why[128];

		if (json_object_get(wanted, key) || !daemon_key_shipped(s, key) ||
		    streq(key, "selinux-enabled"))
			continue;
		daemon_key_series(f, series, sizeof(series));
		snprintf(why, sizeof(why), "this engine doesn't know it (%s): left out", series);
		if (daemon_show(v, &text, e) < 0 ||
		    findings_add(out, "daemon", key, f->cis, FINDING_SKIPPED, text, NULL, why, e) <
			    0)
			return e->code;
	}
	return 0;
}

int daemon_verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_json_ json_t *wanted = NULL, *file = NULL;
	struct look l = { .s = s, .out = out };
	const struct engine_cmdline *cmd;
	const char *auto_off, *path, *key, *old;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	struct err why;
	json_t *want;
	size_t len;
	int r;

	if (!s)
		return 0;
	r = engine_cmdline(h, &cmd, e);
	if (r == 0)
		r = daemon_wanted(s, h, &wanted, &auto_off, e);
	if (r == 0)
		r = daemon_running_load(h, cmd,
					json_string_value(json_object_get(wanted, "userns-remap")),
					&l.run, e);
	if (r < 0)
		return r;
	/* A file that can't be read is diff's to tell. */
	path = cmd->config ? cmd->config : DAEMON_JSON;
	if (host_read(h, path, DAEMON_FILE_MAX, &text, &len, &why) == 0 &&
	    json_parse_object(text, len, &file, &why) == 0 && host_stat(h, path, &st, &why) == 0) {
		l.file = file;
		l.since_us = daemon_file_us(h, path, &st);
	}
	old = was ? json_string_value(json_object_get(was->state, "path")) : NULL;
	l.state = old && streq(old, path) ? was->state : NULL;
	if (auto_off)
		r = findings_add(out, "daemon", "selinux-enabled", NULL, FINDING_SKIPPED, "auto",
				 NULL, auto_off, e);
	json_object_foreach (wanted, key, want)
		if (r == 0)
			r = verify_key(&l, key, want, e);
	if (r == 0)
		r = verify_left_out(s, wanted, out, e);
	return r;
}
