/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.json: the plan's keys, merged into what the file already holds, and proved by the running
 * daemon.
 *
 * What is remembered from one transaction to the next:
 *   path       the file, so that a --config-file that moved leaves nothing behind
 *   created    we made the file: it goes when nothing is left in it
 *   keys       what of it we set: the base of the three-way merge
 *   in_effect  {invocation, keys}: what the running daemon has read though the file is newer than
 *              its start, because a reload, or nothing, was enough for the change
 */
#include "../src/buf.h"
#include "daemon_host.h"

#define CIS_OF(f)  ((f) ? (f)->cis : NULL)
#define KEY_OF(nm) field_find(daemon_keys, nm)

/* One diff. */
struct work {
	const struct section *s; /* NULL: the plan has no such section any more */
	const struct host *h;
	struct changes *out;
	const struct engine_cmdline *cmd;
	unsigned engine;
	char engine_text[96];
	const char *path;
	const json_t *state; /* of the last transaction, about this path; or NULL */
	const json_t *all;   /* of the last transaction, of all modules; or NULL */
	json_t *wanted;
	bool exists, created;
	bool planned;	   /* the file is only in the overlay: nothing of it is on disk yet */
	uint64_t since_us; /* the file is as it is since then; 0: absent */
	json_t *file;	   /* the file as it is */
	struct daemon_merge merge;
	struct daemon_running run;
	json_t *changed; /* name -> true: keys whose change is asked of the unit already */
	bool restart, reload;
};

static void work_done(struct work *w)
{
	json_decref(w->wanted);
	json_decref(w->file);
	json_decref(w->changed);
	daemon_merge_done(&w->merge);
}

static const char *where(const struct work *w, const char *key)
{
	return w->s ? section_where(w->s, key) : NULL;
}

/* --- rules --- */

static void note_errs(const struct errs *from, struct work *w, struct err *e, int *r)
{
	for (size_t i = 0; i < from->n && !*r; i++)
		*r = changes_note(w->out, "daemon", NULL, e, "%s", from->list[i].text);
	if (from->failed && !*r)
		*r = err_oom(e);
}

static int work_rules(struct work *w, struct errs *ret_fatal, struct err *e)
{
	_cleanup_(errs_done) struct errs warnings = { 0 };
	_cleanup_free_ char *config = NULL;
	struct daemon_doc doc = {
		.doc = w->merge.merged,
		.plan = w->wanted,
		.section = w->s,
		.cmdline = w->cmd->installed ? w->cmd : NULL,
		.host = w->h,
		.info = w->run.seen.info,
		.engine = w->engine,
		.engine_text = w->engine_text,
		.mistakes = &w->out->mistakes,
		.fatal = ret_fatal,
		.warnings = &warnings,
	};
	int r;

	if (asprintf(&config, "%s%s", host_prefix(w->h), w->path) < 0)
		return err_oom(e);
	doc.config = config;
	r = daemon_rules(&doc, e);
	if (r == 0)
		note_errs(&warnings, w, e, &r);
	return r;
}

/* The table is of 20.10 to 29; a later engine is taken to be as the last of them. */
static int note_engine(struct work *w, struct err *e)
{
	if (!w->engine || (w->engine >= VERSION(20, 10) && w->engine < VERSION(30, 0)))
		return 0;
	return changes_note(w->out, "daemon", NULL, e,
			    "%s is not among the versions this program knows (20.10 to 29)",
			    w->engine_text);
}

/* `engine` of the plan is for roots that don't tell; beside one that does it can only mislead. */
static void check_engine(struct work *w, const char *text)
{
	unsigned said = plan_engine_version(w->s->plan);
	const char *first = json_object_iter_key(json_object_iter(w->s->given));

	if (!said || !w->engine || said == w->engine)
		return;
	errs_add(&w->out->mistakes, first ? section_where(w->s, first) : NULL,
		 "`engine.version` says %u.%u, but Docker %s is installed here: take it out",
		 said / 1000, said % 1000, text);
}

/* Keys that only some series know, when it isn't known which one this is. */
static int note_series(struct work *w, const char *why, struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	const char *key;
	json_t *v;

	json_object_foreach (w->wanted, key, v) {
		const struct field *f = KEY_OF(key);
		char series[80];

		if (!f || (!f->since && !f->until))
			continue;
		daemon_key_series(f, series, sizeof(series));
		buf_addf(&names, "%s%s (%s)", names.len ? ", " : "", key, series);
	}
	if (names.failed)
		return err_oom(e);
	if (!names.len)
		return 0;
	return changes_note(
		w->out, "daemon", NULL, e,
		"the engine's version is not known (%s), so these are taken on trust: %s; "
		"`engine: {version: \"28.5\"}` in the plan settles it",
		why ? why : "no reason given", names.data);
}

static int check_userns(struct work *w, struct err *e)
{
	const char *value = json_string_value(json_object_get(w->wanted, "userns-remap"));
	_cleanup_userns_ struct daemon_userns u = { 0 };
	int r;

	/* Where subids had to refuse, there is no range yet, and the reason is told already. */
	if (!value || errs_any(&w->out->refusals))
		return 0;
	r = daemon_userns_load(w->h, value, &u, e);
	if (r < 0)
		return r;
	if (!u.exists || !u.range.in[SUBUID] || !u.range.in[SUBGID]) {
		const char *lacks = !u.exists		  ? "passwd"
				    : !u.range.in[SUBUID] ? "subuid"
							  : "subgid";

		errs_add(
			&w->out->mistakes, where(w, "userns-remap"),
			"`userns-remap`: %s%s/etc/%s has no line of %s: dockerd does not start; let "
			"the plan see to it with `subids: {ranges: [{owner: %s, count: 65536}]}`",
			u.exists ? "" : "there is no such account: ", host_prefix(w->h), lacks,
			u.user, u.user);
	} else if (u.range.problem && !(w->s && plan_section(w->s->plan, "subids"))) {
		/* With a subids section that module refuses it, with the way out. */
		errs_add(&w->out->refusals, where(w, "userns-remap"), "`userns-remap: %s`: %s",
			 value, u.range.problem);
	}
	return 0;
}

/* An explicit true where SELinux can't hold it: dockerd only warns, or containers fail. */
static int check_selinux(struct work *w, struct err *e)
{
	const char *off;
	int r;

	if (!json_is_true(json_object_get(w->wanted, "selinux-enabled")))
		return 0;
	r = daemon_selinux_off(w->h, &off, e);
	if (r == 0 && off)
		errs_add(&w->out->mistakes, where(w, "selinux-enabled"),
			 "`selinux-enabled: true`: %s; write auto to have it on where it can be",
			 off);
	return r;
}

/* --- the file --- */

static int why_text(const json_t *from, const json_t *to, const char *key, char **ret,
		    struct err *e)
{
	_cleanup_free_ char *a = NULL, *b = NULL;
	int r = daemon_show(from, &a, e);

	if (r == 0)
		r = daemon_show(to, &b, e);
	if (r < 0)
		return r;
	return asprintf(ret, "%s: %s -> %s", key, a, b) < 0 ? err_oom(e) : 0;
}

/* Directories above a file that is to be made. */
static int make_parents(struct work *w, const char *path, struct err *e)
{
	_cleanup_free_ char *dir = NULL;
	const char *name;
	int r = path_split(path, &dir, &name, e);

	if (r < 0)
		return r;
	if (streq(dir, "/") || host_exists(w->h, dir))
		return 0;
	r = make_parents(w, dir, e);
	if (r < 0)
		return r;
	return changes_dir(w->out, w->h, dir, 0755, 0, 0, "daemon", NULL, NULL,
			   "for the daemon's configuration", e);
}

static int file_change(struct work *w, const char *text, size_t len, struct err *e)
{
	_cleanup_free_ char *content = NULL;
	bool first = true;
	const char *key;
	size_t n;
	json_t *to;
	int r;

	if (!json_object_size(w->merge.edits))
		return 0;
	if (w->created && w->exists && !json_object_size(w->merge.merged))
		return changes_remove_ours(w->out, w->h, w->path, text, len, "daemon", NULL,
					   "made by us, and nothing is left in it", e);
	r = json_edit_object(text, len, w->merge.edits, &content, &n, e);
	if (r < 0)
		return err_prefix(e, "%s%s", host_prefix(w->h), w->path);
	r = w->exists ? 0 : make_parents(w, w->path, e);
	if (r < 0)
		return r;
	json_object_foreach (w->merge.edits, key, to) {
		const struct field *f = KEY_OF(key);
		_cleanup_free_ char *why = NULL;

		r = why_text(json_member(w->file, key), json_is_null(to) ? NULL : to, key, &why, e);
		if (r < 0)
			return r;
		if (first)
			r = changes_file(w->out, w->h, w->path, content, n, CHANGE_KEEP_ATTRS, 0, 0,
					 "daemon", key, CIS_OF(f), why, e);
		else
			r = changes_why(w->out, w->path, "daemon", key, CIS_OF(f), why, e);
		if (r < 0)
			return r;
		first = false;
	}
	return daemon_file_test(w->out, w->h, w->s ? w->s->plan : NULL, w->path, w->merge.merged,
				e);
}

/* --- what is asked of the unit --- */

static int ask(struct work *w, bool restart, const char *key, const char *text, struct err *e)
{
	if (restart)
		w->restart = true;
	else
		w->reload = true;
	return changes_ask(w->out, DOCKER_SERVICE, restart ? UNIT_RESTART : UNIT_RELOAD, "daemon",
			   key, text, e);
}

static int ask_for_edit(struct work *w, const char *key, const json_t *from, const json_t *to,
			struct err *e)
{
	_cleanup_free_ char *text = NULL;
	int r = why_text(from, to, key, &text, e);

	if (r == 0)
		r = ask(w, daemon_needs_restart(key, from, to), key, text, e);
	/* A reload brings most keys, but does not reset them when they leave the file again. */
	if (r == 0 && daemon_needs_restart(key, to, from))
		w->out->asks[w->out->n_asks - 1].back = UNIT_RESTART;
	return r;
}

static int prove(const struct work *w, const char *key, struct proof *ret, struct err *e)
{
	const json_t *wanted = json_object_get(w->wanted, key);

	*ret = (struct proof){ 0 };
	if (!wanted || !w->run.seen.info)
		return 0;
	return daemon_prove(KEY_OF(key), wanted, &w->run.seen, ret, e);
}

static int note_frozen(struct work *w, const char *key, struct err *e)
{
	return changes_note(
		w->out, "daemon", key, e,
		"`%s`: %lld containers run on through live-restore, and with them their "
		"network: it takes effect at a restart of docker.service while none runs",
		key, info_int(w->run.seen.info, "ContainersRunning"));
}

static int ask_for_edits(struct work *w, struct err *e)
{
	const char *key;
	json_t *edit;

	json_object_foreach (w->merge.edits, key, edit) {
		const json_t *from = json_member(w->file, key);
		const json_t *to = json_is_null(edit) ? NULL : edit;
		_cleanup_proof_ struct proof p = { 0 };
		int r = prove(w, key, &p, e);

		if (r < 0)
			return r;
		if (json_object_set_new(w->changed, key, json_true()))
			return err_oom(e);
		/* By default, or from before somebody edited the file. */
		if (to &&
		    (p.state == PROOF_OK ||
		     (p.state == PROOF_NONE && daemon_key_remembered(w->state, &w->run, key, to))))
			continue;
		r = daemon_key_frozen(&w->run, key) ? note_frozen(w, key, e)
						    : ask_for_edit(w, key, from, to, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The file is right, but the daemon may run on an older one. */
static int ask_for_drift(struct work *w, struct err *e)
{
	const char *key;
	json_t *want;

	if (w->planned)
		return 0;
	json_object_foreach (w->wanted, key, want) {
		_cleanup_proof_ struct proof p = { 0 };
		_cleanup_free_ char *found = NULL, *wanted = NULL, *text = NULL;
		const struct field *f = KEY_OF(key);
		bool restart = daemon_needs_restart(key, NULL, want);
		int r;

		if (!f || json_object_get(w->changed, key))
			continue;
		r = prove(w, key, &p, e);
		if (r < 0)
			return r;
		if (p.state == PROOF_OK || daemon_key_frozen(&w->run, key))
			continue;
		if (p.state == PROOF_DIFFERS) {
			r = daemon_show(p.found, &found, e);
			if (r == 0)
				r = daemon_show(want, &wanted, e);
			if (r < 0)
				return r;
			if (asprintf(&text, "%s: the running daemon has %s, not %s", key, found,
				     wanted) < 0)
				return err_oom(e);
		} else if (!daemon_key_read(w->state, w->since_us, &w->run, key,
					    json_object_get(w->file, key))) {
			if (asprintf(&text, "%s: %s is newer than the running daemon", key,
				     w->path) < 0)
				return err_oom(e);
		} else {
			continue;
		}
		r = ask(w, restart, key, text, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A restart would move the data root: images and containers seem to vanish, and with live-restore
 * running containers go on unmanaged. */
static int check_data_root(struct work *w, struct err *e)
{
	const json_t *info = w->run.seen.info;
	const char *now = json_string_value(json_object_get(info, "DockerRootDir"));
	const struct section *service = w->s ? plan_section(w->s->plan, "service") : NULL;
	long long running, containers, images;
	const char *key = NULL;

	if (w->restart && daemon_moves(&w->run, w->cmd, w->merge.merged, &key, e) < 0)
		return e->code;
	if (!key)
		return 0;
	images = info_int(info, "Images");
	containers = info_int(info, "Containers");
	running = info_int(info, "ContainersRunning") + info_int(info, "ContainersPaused");
	if (running && !(service && section_bool(service, "accept-data-root-change", false))) {
		errs_add(
			&w->out->refusals, where(w, key),
			"`%s` moves the data root away from %s while %lld containers run: they "
			"would be orphaned. Stop them first (docker stop $(docker ps -q)), or write "
			"`service: {accept-data-root-change: true}`",
			key, now, running);
		return 0;
	}
	if (!images && !containers)
		return 0;
	return changes_note(
		w->out, "daemon", key, e,
		"the data root moves: %lld images and %lld containers of %s will be out "
		"of sight; they stay on disk",
		images, containers, now);
}

/* --- what is remembered --- */

/*
 * What the daemon is known to have read once this run is through without a restart: what it had
 * read and stays as it is, and what the reload brings.
 */
static json_t *read_keys(const struct work *w)
{
	const char *policy = daemon_restart_policy(w->s, w->run.seen.info);
	bool reloads = w->reload && !w->restart && !policy && !w->out->no_restart;
	json_t *keys = json_object();
	const char *key;
	json_t *v;

	json_object_foreach (w->merge.merged, key, v) {
		const json_t *old = json_member(w->file, key);
		bool same = old && json_equal(old, v);
		bool read = same && daemon_key_read(w->state, w->since_us, &w->run, key, v);

		if (!read && !(reloads && !daemon_needs_restart(key, old, v)))
			continue;
		if (json_object_set(keys, key, v)) {
			json_decref(keys);
			return NULL;
		}
	}
	return keys;
}

static int remember(struct work *w, struct err *e)
{
	bool writes = json_object_size(w->merge.edits) > 0;
	json_t *effect = json_object_get(w->state, "in_effect");
	_cleanup_json_ json_t *state = json_object(), *fresh = NULL;

	if (!state)
		return err_oom(e);
	/* Also when a restart is asked for: it may be put off, and after it the memory is stale. */
	if (w->run.up && !w->run.starting && (writes || w->reload)) {
		json_t *keys = read_keys(w);

		if (!keys)
			return err_oom(e);
		fresh = json_pack("{s:s, s:o}", "invocation", w->run.unit.invocation, "keys", keys);
		if (!fresh)
			return err_oom(e);
		effect = json_object_size(keys) ? fresh : NULL;
	}
	if (!json_object_size(w->merge.ours) && !effect)
		return 0;
	if (json_object_set_new(state, "path", json_string(w->path)) ||
	    json_object_set_new(state, "created", json_boolean(w->created)) ||
	    json_object_set(state, "keys", w->merge.ours) ||
	    (effect && json_object_set(state, "in_effect", effect)))
		return err_oom(e);
	return changes_remember(w->out, "daemon", state, e);
}

/* --- diff --- */

/* Reads and parses the file. 1: it can't be used, and a refusal says why. */
static int work_file(struct work *w, char **ret_text, size_t *ret_len, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	int r;

	r = host_read(w->h, w->path, DAEMON_FILE_MAX, &text, &len, e);
	if (r < 0 && r != -ENOENT)
		return r;
	w->exists = r == 0;
	if (!w->exists) {
		text = strdup("");
		if (!text)
			return err_oom(e);
	} else {
		r = host_stat(w->h, w->path, &st, e);
		if (r < 0)
			return r;
		w->planned = !st.st_ino;
		w->since_us = daemon_file_us(w->h, w->path, &st);
	}
	r = json_parse_object(text, len, &w->file, e);
	if (r == -EINVAL) {
		errs_add(&w->out->refusals, NULL, "%s%s:%s; nothing was touched, mend it first",
			 host_prefix(w->h), w->path, e->text);
		return 1;
	}
	if (r < 0)
		return r;
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* Do plan and file both say "default"? Then it stays: the account has its ranges by now, and
 * dockerd takes "default" for that account, too. */
static bool keeps_default(const struct work *w)
{
	const char *plan = w->s ? section_str(w->s, "userns-remap") : NULL;
	const char *file = json_string_value(json_object_get(w->file, "userns-remap"));

	return plan && file && streq(plan, "default") && streq(file, "default");
}

static int work_diff(struct work *w, struct err *e)
{
	const json_t *was = json_object_get(w->state, "keys");
	_cleanup_(errs_done) struct errs fatal = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *remap;
	size_t len, i;
	json_t *name;
	int r;

	r = work_file(w, &text, &len, e);
	if (r)
		return r < 0 ? r : 0;
	if (keeps_default(w) &&
	    json_object_set_new(w->wanted, "userns-remap", json_string("default")))
		return err_oom(e);
	r = daemon_merge(w->file, w->wanted, was, &w->merge, e);
	if (r < 0)
		return r;
	w->created = daemon_file_created(w->all, w->out, w->path) ||
		     (!w->exists && json_object_size(w->merge.edits));
	remap = json_string_value(json_member(w->merge.merged, "userns-remap"));
	r = daemon_running_load(w->h, w->cmd, remap, &w->run, e);
	if (r == 0)
		r = work_rules(w, &fatal, e);
	if (r == 0)
		r = file_change(w, text, len, e);
	json_array_foreach (w->merge.forgotten, i, name)
		if (r >= 0)
			r = changes_note(w->out, "daemon", json_string_value(name), e,
					 "`%s` left the plan, but %s%s holds another value than we "
					 "set: it stays",
					 json_string_value(name), host_prefix(w->h), w->path);
	if (r >= 0 && w->run.up) {
		r = ask_for_edits(w, e);
		if (r == 0)
			r = ask_for_drift(w, e);
		if (r == 0)
			r = check_data_root(w, e);
	}
	if (r < 0)
		return r;
	/* Others' settings that no start survives: ours to say before we write or restart. */
	if (json_object_size(w->merge.edits) || w->restart) {
		for (i = 0; i < fatal.n; i++)
			errs_add(&w->out->refusals, NULL, "%s%s: %s", host_prefix(w->h), w->path,
				 fatal.list[i].text);
		if (fatal.failed)
			return err_oom(e);
	} else {
		r = 0;
		note_errs(&fatal, w, e, &r);
		if (r < 0)
			return r;
	}
	return 0;
}

/* dockerd reads another file now (--config-file moved): what we set goes from the one before. */
static int leave_file(const struct work *w, const char *path, const json_t *state, struct err *e)
{
	_cleanup_(work_done) struct work before = {
		.h = w->h,
		.out = w->out,
		.cmd = w->cmd,
		.path = path,
		.exists = true,
		.created = daemon_file_created(w->all, w->out, path),
	};
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (!host_exists(w->h, path))
		return 0;
	r = work_file(&before, &text, &len, e);
	if (r)
		return r < 0 ? r : 0;
	r = daemon_merge(before.file, NULL, json_object_get(state, "keys"), &before.merge, e);
	if (r == 0)
		r = file_change(&before, text, len, e);
	return r < 0 ? r : 0;
}

static int daemon_diff(const struct section *s, const struct previous *was, const struct host *h,
		       struct changes *out, struct err *e)
{
	const json_t *state = was ? was->state : NULL;
	const char *old = json_string_value(json_object_get(state, "path"));
	_cleanup_(work_done) struct work w = {
		.s = s, .h = h, .out = out, .all = was ? was->all : NULL
	};
	const char *text, *why, *auto_off;
	int r;

	w.changed = json_object();
	if (!w.changed)
		return err_oom(e);
	r = engine_cmdline(h, &w.cmd, e);
	if (r == 0)
		r = engine_version(h, s ? s->plan : NULL, &w.engine, &text, &why, e);
	if (r < 0)
		return r;
	snprintf(w.engine_text, sizeof(w.engine_text), "Docker %s on this host",
		 w.engine && text ? text : "");
	w.path = w.cmd->config ? w.cmd->config : DAEMON_JSON;
	if (!old || streq(old, w.path))
		w.state = state;
	else
		r = leave_file(&w, old, state, e);
	if (r == 0 && s)
		r = daemon_wanted(s, h, &w.wanted, &auto_off, e);
	if (r == 0 && s)
		r = w.engine ? note_engine(&w, e) : note_series(&w, why, e);
	if (r == 0 && s)
		check_engine(&w, text);
	if (r == 0 && s)
		r = check_userns(&w, e);
	if (r < 0)
		return r;
	r = check_selinux(&w, e);
	if (r == 0)
		r = work_diff(&w, e);
	return r < 0 ? r : remember(&w, e);
}

/* --- undo --- */

static int daemon_undo(const struct host *h, const char *path, const struct image *to,
		       struct errs *out, struct err *e)
{
	_cleanup_json_ json_t *doc = NULL;
	const struct engine_cmdline *cmd;
	struct daemon_running run;
	const char *key = NULL;
	long long n;
	int r;

	r = json_parse_object(to->exists ? to->content : "", to->exists ? to->len : 0, &doc, e);
	if (r == -EINVAL) /* as it was; what it does to a start, the start will say */
		return 0;
	if (r == 0)
		r = engine_cmdline(h, &cmd, e);
	if (r < 0 || !streq(path, cmd->config ? cmd->config : DAEMON_JSON))
		return r;
	r = daemon_running_load(h, cmd, json_string_value(json_member(doc, "userns-remap")), &run,
				e);
	if (r == 0)
		r = daemon_moves(&run, cmd, doc, &key, e);
	if (r < 0 || !key)
		return r;
	n = info_int(run.seen.info, "ContainersRunning") +
	    info_int(run.seen.info, "ContainersPaused");
	if (n)
		errs_add(
			out, path,
			"what stood there before moves the data root (`%s`) while %lld container%s "
			"run%s: they would be orphaned. Stop them first: docker stop $(docker ps -q)",
			key, n, n == 1 ? "" : "s", n == 1 ? "s" : "");
	return 0;
}

/* --- check --- */

static void daemon_check(const struct section *s, struct errs *out)
{
	unsigned engine = plan_engine_version(s->plan);
	char text[80];
	struct daemon_doc doc = {
		.doc = s->values,
		.plan = s->values,
		.section = s,
		.engine = engine,
		.engine_text = text,
		.config = DAEMON_JSON,
		.mistakes = out,
	};
	struct err e;

	snprintf(text, sizeof(text), "Docker %u.%u (the plan's engine.version)", engine / 1000,
		 engine % 1000);
	if (daemon_rules(&doc, &e) < 0)
		out->failed = true;
}

const struct module module_daemon = {
	.name = "daemon",
	.summary = "the keys of daemon.json, merged into the file and proved by the running daemon",
	.fields = daemon_keys,
	.order = 20,
	.check = daemon_check,
	.diff = daemon_diff,
	.undo = daemon_undo,
	.verify = daemon_verify,
	.survey = daemon_survey,
};
