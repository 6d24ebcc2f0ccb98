/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audit watches for all that Docker is made of: one rules file, and the running kernel's rules.
 *
 * augenrules(8) makes one list of all files in rules.d, and loads it as a whole at boot or when
 * told to; a rule that fails keeps those behind it from being loaded. So what isn't on the host
 * stands in the file as a comment, a rule that somebody else's file has as well isn't doubled (the
 * kernel refuses it), and the directory that containerd makes too late is made by
 * systemd-tmpfiles(8).
 */
#include "../src/auditrules.h"
#include "../src/buf.h"
#include "../src/module.h"
#include "../src/template.h"
#include "audit_paths.h"
#include "program.h"

#define NAME	 "audit"
#define RULES_D	 "/etc/audit/rules.d"
#define FILENAME "50-bulkhead-docker.rules"
#define RULES	 RULES_D "/" FILENAME
#define TMPFILES "/etc/tmpfiles.d/50-bulkhead-audit.conf"
#define LOADER	 "augenrules"
#define FILE_MAX (1024 * 1024)

static const char *valid_key(const char *value)
{
	return value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "-_.")] ||
			       !*value || value[0] == '-'
		       ? "letters, digits, '-', '_' and '.'"
		       : NULL;
}

static const char *valid_path(const char *value)
{
	return strpbrk(value, " \t\\\"'#")
		       ? "a path without blanks, quotes, '#' and '\\', which audit "
			 "rules can't hold"
		       : NULL;
}

static const struct field path_row = { .name = "path", .type = FIELD_PATH, .valid = valid_path };

static const struct field fields[] = {
	{ .name = "key",
	  .type = FIELD_STRING,
	  .max = 31,
	  .valid = valid_key,
	  .help = "what finds Docker's records: ausearch -k docker",
	  .fallback = "docker" },
	{ .name = "paths",
	  .type = FIELD_LIST,
	  .of = &path_row,
	  .max = 64,
	  .help = "files and directories to watch besides Docker's own, which are found on the host" },
	{ 0 },
};

/* --- rules of others --- */

static unsigned perms_of(const char *letters)
{
	static const char names[] = "rwxa";
	unsigned perms = 0;

	for (; *letters; letters++) {
		const char *p = strchr(names, *letters);

		if (p)
			perms |= 1U << (p - names);
	}
	return perms;
}

static char *value_of(char *word, const char *name)
{
	size_t n = strlen(name);

	return strncmp(word, name, n) == 0 && word[n] == '=' ? word + n + 1 : NULL;
}

/* A line as auditctl(8) takes it; of interest is only what could be the same rule as ours. */
static int parse_rule(char *line, struct audit_state *out, struct err *e)
{
	struct audit_watch w = { .perms = AUDITRULES_ALL }, *list;
	char *path = NULL, *key = NULL, *save = NULL, *option;

	for (option = strtok_r(line, " \t", &save); option; option = strtok_r(NULL, " \t", &save)) {
		char *value = strtok_r(NULL, " \t", &save), *x;

		if (!value || *option == '#')
			return 0;
		if (streq(option, "-w"))
			path = value;
		else if (streq(option, "-p"))
			w.perms = perms_of(value);
		else if (streq(option, "-k"))
			key = value;
		else if (streq(option, "-F") &&
			 ((x = value_of(value, "path")) || (x = value_of(value, "dir"))))
			path = x;
		else if (streq(option, "-F") && (x = value_of(value, "perm")))
			w.perms = perms_of(x);
		else if (streq(option, "-F") && (x = value_of(value, "key")))
			key = x;
		/* A rule that says never, or of another list, watches nothing for us. */
		else if ((!streq(option, "-a") && !streq(option, "-A")) ||
			 (!streq(value, "always,exit") && !streq(value, "exit,always")))
			return 0;
	}
	if (!path)
		return 0;
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
		path[--n] = '\0';
	list = reallocarray(out->list, out->n + 1, sizeof(*list));
	if (!list)
		return err_oom(e);
	out->list = list;
	w.path = strdup(path);
	w.key = key ? strdup(key) : NULL;
	if (!w.path || (key && !w.key)) {
		free(w.path);
		free(w.key);
		return err_oom(e);
	}
	list[out->n++] = w;
	return 0;
}

static int theirs_load(const struct host *h, struct audit_state *out, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	int r = host_list(h, RULES_D, &names, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char **n = names; *n; n++) {
		_cleanup_free_ char *path = NULL, *text = NULL;
		char *save = NULL;
		size_t len;

		if (!has_suffix(*n, ".rules") || streq(*n, FILENAME))
			continue;
		if (asprintf(&path, RULES_D "/%s", *n) < 0)
			return err_oom(e);
		r = host_read(h, path, FILE_MAX, &text, &len, e);
		/* A link that leads nowhere, a directory: augenrules has nothing of them. On a fifo
		 * it would hang. */
		if (r == -ENOENT || r == -EISDIR)
			continue;
		if (r < 0)
			return r;
		for (char *line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if (parse_rule(line, out, e) < 0)
				return e->code;
	}
	return 0;
}

/* --- the file --- */

/* What the plan comes to on this host. */
struct wanted {
	struct audit_paths paths;
	struct audit_state theirs;
	const char *key;
	char *loader;	/* NULL: there is no auditd */
	char *text;	/* of the rules file */
	bool own;	/* the folder of dockerd's own containerd is watched */
	char *tmpfiles; /* the folders that are made at boot; NULL: none is watched */
};

static void wanted_done(struct wanted *w)
{
	audit_paths_done(&w->paths);
	auditrules_done(&w->theirs);
	free(w->loader);
	free(w->text);
	free(w->tmpfiles);
}

/* The first path of that name is the one that has the rule. */
static bool repeats(const struct audit_paths *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!p->list[k].why && streq(p->list[k].path, p->list[i].path))
			return true;
	return false;
}

static bool is_theirs(const struct wanted *w, const char *path)
{
	return auditrules_has(&w->theirs, path, AUDITRULES_ALL, w->key);
}

static int write_rules(struct wanted *w, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT, made = BUF_INIT;
	bool directory = false;

	buf_adds(&b, template_text("docker.rules"));
	for (size_t i = 0; i < w->paths.n; i++) {
		const struct audit_path *x = &w->paths.list[i];

		if (x->why) {
			buf_adds(&b, "# ");
			buf_add_shown(&b, x->path, NULL);
			buf_addf(&b, ": %s\n", x->why);
		} else if (is_theirs(w, x->path)) {
			buf_addf(&b, "# %s: another file here has the same rule\n", x->path);
		} else if (!repeats(&w->paths, i)) {
			buf_addf(&b, "-w %s -p rwxa -k %s\n", x->path, w->key);
		}
		directory |= !x->why && has_prefix(x->path, AUDIT_RUN_DIR);
		w->own |= !x->why && has_prefix(x->path, AUDIT_OWN_DIR "/");
	}
	if (directory || w->own)
		buf_adds(&made, template_text("audit-tmpfiles.conf"));
	if (w->own)
		buf_adds(&made, template_text("audit-tmpfiles-own.conf"));
	w->text = buf_take(&b, NULL);
	if (made.len || made.failed)
		w->tmpfiles = buf_take(&made, NULL);
	return !w->text || (!w->tmpfiles && (directory || w->own)) ? err_oom(e) : 0;
}

static int want(const struct section *s, const struct host *h, struct wanted *w, struct err *e)
{
	w->key = section_str(s, "key");
	if (program_find(h, LOADER, &w->loader, e) < 0 ||
	    audit_paths_load(s, h, &w->paths, e) < 0 || theirs_load(h, &w->theirs, e) < 0)
		return e->code;
	return write_rules(w, e);
}

/* --- what changes --- */

static bool has_rule(const char *text, const char *path)
{
	size_t n = strlen(path);

	for (const char *p = text; p && (p = strstr(p, "-w ")); p += 3)
		if ((p == text || p[-1] == '\n') && strncmp(p + 3, path, n) == 0 && p[3 + n] == ' ')
			return true;
	return false;
}

/* The file, for each setting that it lacks a rule of. */
static int diff_rules(const struct wanted *w, const struct host *h, struct changes *out,
		      struct err *e)
{
	_cleanup_(image_done) struct image was = { 0 };
	bool first = true;
	int r;

	if (host_image(h, RULES, &was, e) < 0)
		return e->code;
	for (size_t i = 0; i < w->paths.n; i++) {
		const struct audit_path *x = &w->paths.list[i];
		char text[96];

		if (!has_rule(w->text, x->path) || has_rule(was.content, x->path) ||
		    repeats(&w->paths, i))
			continue;
		snprintf(text, sizeof(text), "watched for reads, writes, execution, attributes");
		if (first)
			r = changes_file(out, h, RULES, w->text, strlen(w->text), 0640, 0, 0, NAME,
					 x->setting, x->cis, text, e);
		else
			r = changes_why(out, RULES, NAME, x->setting, x->cis, text, e);
		if (r < 0)
			return r;
		first = false;
	}
	if (!first)
		return 0;
	return changes_file(out, h, RULES, w->text, strlen(w->text), 0640, 0, 0, NAME, NULL, NULL,
			    "the audit rules of this host's Docker", e);
}

static int diff_directories(const struct wanted *w, const struct host *h, struct changes *out,
			    struct err *e)
{
	static const char *const own[] = { ENGINE_EXEC_ROOT, AUDIT_OWN_DIR };

	for (size_t i = 0; i < w->paths.n; i++) {
		const struct audit_path *x = &w->paths.list[i];

		if (x->make &&
		    changes_dir(out, h, x->path, x->make, 0, 0, NAME, x->setting, x->cis,
				"made now: only what is there is watched with all below it", e) < 0)
			return e->code;
	}
	/* A rule needs the folder that its path is in. An image's /run is made at boot. */
	for (size_t i = 0; w->own && host_is_live(h) && i < ARRAY_SIZE(own); i++)
		if (changes_dir(out, h, own[i], 0700, 0, 0, NAME, "containerd.sock", "1.1.8",
				"made now: dockerd's own containerd is watched in it", e) < 0)
			return e->code;
	return 0;
}

static int ask_load(const struct host *h, const char *loader, const char *setting, const char *cis,
		    const char *text, struct changes *out, struct err *e)
{
	char *const argv[] = { (char *)(uintptr_t)loader, (char[]){ "--load" }, NULL };

	return changes_command(out, h, argv, argv, NAME, setting, cis, text, e);
}

/* Does the kernel still have rules that we loaded, and that no file asks for any more? */
static bool any_stale(const json_t *state, const struct audit_state *kernel,
		      const struct audit_state *theirs, const char *text)
{
	const json_t *watches = json_object_get(state, "watches"), *x;
	const char *key = json_string_value(json_object_get(state, "key"));
	size_t i;

	json_array_foreach (watches, i, x) {
		const char *path = json_string_value(x);

		if (key && path && !has_rule(text, path) &&
		    auditrules_has(kernel, path, AUDITRULES_ALL, key) &&
		    !auditrules_has(theirs, path, AUDITRULES_ALL, key))
			return true;
	}
	return false;
}

/* What the running kernel lacks. Nothing is asked of one that can't be changed, or can't be asked
 * itself: verify says so. */
static int diff_kernel(const struct wanted *w, const json_t *state, const struct host *h,
		       struct changes *out, struct err *e)
{
	_cleanup_auditrules_ struct audit_state kernel = { 0 };
	const char *old_key = json_string_value(json_object_get(state, "key"));
	struct err why;
	int r;

	if (!host_is_live(h))
		return 0;
	r = auditrules_load(h, &kernel, &why);
	if (r == -ENOMEM) {
		*e = why;
		return r;
	}
	if (r < 0 || kernel.frozen)
		return 0;
	for (size_t i = 0; i < w->paths.n; i++) {
		const struct audit_path *x = &w->paths.list[i];

		if (!x->why && !auditrules_has(&kernel, x->path, AUDITRULES_ALL, w->key) &&
		    ask_load(h, w->loader, x->setting, x->cis, "not among the kernel's rules", out,
			     e) < 0)
			return e->code;
	}
	if (any_stale(state, &kernel, &w->theirs, old_key && streq(old_key, w->key) ? w->text : ""))
		return ask_load(h, w->loader, NULL, NULL, "rules that are no longer in the plan",
				out, e);
	return 0;
}

static int remember(const struct wanted *w, struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *state = NULL;
	json_t *watches = json_array();

	for (size_t i = 0; watches && i < w->paths.n; i++)
		if (has_rule(w->text, w->paths.list[i].path) && !repeats(&w->paths, i) &&
		    json_array_append_new(watches, json_string(w->paths.list[i].path)) < 0) {
			json_decref(watches);
			return err_oom(e);
		}
	state = watches ? json_pack("{s:s, s:s, s:s?, s:o}", "rules", w->text, "key", w->key,
				    "tmpfiles", w->tmpfiles, "watches", watches)
			: NULL;
	return state ? changes_remember(out, NAME, state, e) : err_oom(e);
}

static int remove_tmpfiles(const json_t *state, const struct host *h, struct changes *out,
			   struct err *e)
{
	const json_t *was = json_object_get(state, "tmpfiles");
	/* An earlier bulkhead remembered no more than that it was ours. */
	const char *text =
		json_is_true(was) ? template_text("audit-tmpfiles.conf") : json_string_value(was);

	if (!text)
		return 0;
	return changes_remove_ours(out, h, TMPFILES, text, strlen(text), NAME, NULL,
				   "nothing there is watched any more", e);
}

static int left_behind(const json_t *state, const struct host *h, struct changes *out,
		       struct err *e)
{
	_cleanup_auditrules_ struct audit_state kernel = { 0 }, theirs = { 0 };
	const char *text = json_string_value(json_object_get(state, "rules"));
	_cleanup_free_ char *loader = NULL;
	struct err ignored;
	int r;

	if (!text)
		return 0;
	r = changes_remove_ours(out, h, RULES, text, strlen(text), NAME, NULL,
				"the plan no longer has an audit section", e);
	if (r < 0 || remove_tmpfiles(state, h, out, e) < 0)
		return e->code;
	if (r == 0 || !host_is_live(h))
		return 0;
	if (program_find(h, LOADER, &loader, e) < 0 || theirs_load(h, &theirs, e) < 0)
		return e->code;
	if (!loader || auditrules_load(h, &kernel, &ignored) < 0 ||
	    !any_stale(state, &kernel, &theirs, ""))
		return 0;
	if (kernel.frozen)
		return changes_note(
			out, NAME, NULL, e,
			"the kernel's rules are frozen (-e 2): Docker's stay loaded until "
			"the next boot");
	return ask_load(h, loader, NULL, NULL, "the plan no longer has an audit section", out, e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_(wanted_done) struct wanted w = { 0 };
	const json_t *state = was ? was->state : NULL;

	if (!s)
		return left_behind(state, h, out, e);
	if (want(s, h, &w, e) < 0)
		return e->code;
	if (!w.loader) /* verify says so; what was left behind stays our own */
		return state ? changes_remember(out, NAME, (json_t *)(uintptr_t)state, e) : 0;
	if (diff_rules(&w, h, out, e) < 0 || diff_directories(&w, h, out, e) < 0)
		return e->code;
	if (w.tmpfiles &&
	    changes_file(out, h, TMPFILES, w.tmpfiles, strlen(w.tmpfiles), 0644, 0, 0, NAME,
			 "run-containerd", "1.1.4",
			 "the directory is there when rules are loaded at boot", e) < 0)
		return e->code;
	if (!w.tmpfiles && remove_tmpfiles(state, h, out, e) < 0)
		return e->code;
	return diff_kernel(&w, state, h, out, e) < 0 ? e->code : remember(&w, out, e);
}

/* --- the running host --- */

static int judge(const struct wanted *w, const struct audit_state *kernel, const char *unknown,
		 const struct audit_path *x, struct findings *out, struct err *e)
{
	enum finding_state state = FINDING_OK;
	const char *why = "the kernel's audit rules";

	if (x->why) {
		state = FINDING_SKIPPED;
		why = x->why;
	} else if (!w->loader) {
		state = FINDING_SKIPPED;
		why = "auditd is not installed (Debian: apt install auditd; Fedora: dnf install "
		      "audit), so nothing is recorded";
	} else if (unknown) {
		state = FINDING_SKIPPED;
		why = unknown;
	} else if (!auditrules_has(kernel, x->path, AUDITRULES_ALL, NULL)) {
		state = kernel->frozen ? FINDING_PENDING : FINDING_DRIFT;
		why = kernel->frozen
			      ? "the kernel's rules are frozen (-e 2): the next boot loads this "
				"one"
			      : "not among the kernel's audit rules";
	} else if (!kernel->on) {
		state = FINDING_PENDING;
		why = "the rule is loaded, but the kernel records nothing: auditctl -e 1";
	}
	return findings_add(out, NAME, x->setting, x->cis, state, x->path, NULL, why, e);
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_auditrules_ struct audit_state kernel = { 0 };
	_cleanup_(wanted_done) struct wanted w = { 0 };
	const char *unknown = NULL;
	struct err why;

	(void)was;
	if (want(s, h, &w, e) < 0)
		return e->code;
	if (!host_is_live(h))
		unknown = "offline: the rule is loaded when this root boots";
	else if (w.loader && auditrules_load(h, &kernel, &why) < 0)
		unknown = why.text;
	for (size_t i = 0; i < w.paths.n; i++)
		if (judge(&w, &kernel, unknown, &w.paths.list[i], out, e) < 0)
			return e->code;
	return 0;
}

const struct module module_audit = {
	.name = NAME,
	.summary = "audit watches for all that Docker is made of",
	.fields = fields,
	.order = 50,
	.diff = diff,
	.verify = verify,
};
