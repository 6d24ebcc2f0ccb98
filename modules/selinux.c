/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELinux: the mode that runs, the mode of the next boot, and booleans. Where AppArmor is the
 * host's LSM, what it has of Docker's profile.
 *
 * A kernel that was booted without SELinux has labelled nothing, so that enforcing at once would
 * leave a host that can't boot: the way goes through one boot in permissive mode, which labels the
 * disk (/.autorelabel), and nothing reboots by itself. Enforcing is never loosened unless it was us
 * who asked for it.
 */
#include "../src/json.h"
#include "../src/module.h"
#include "../src/selinuxconf.h"
#include "apparmor.h"
#include "program.h"

#define NAME	   "selinux"
#define RELABEL	   "/.autorelabel"
#define LSMS	   "/sys/kernel/security/lsm"
#define BOOLEANS   "/sys/fs/selinux/booleans"
#define SMALL_FILE 65536

static const char *const modes[] = { "enforcing", "permissive", NULL };
static const char *const boots[] = { "same", "enforcing", "permissive", NULL };
static const struct field boolean_row = { .name = "boolean", .type = FIELD_BOOL };

static const struct field fields[] = {
	{ .name = "mode",
	  .type = FIELD_ENUM,
	  .choices = modes,
	  .help = "what SELinux does now: enforcing (refuses) or permissive (logs); enforcing is left "
		  "alone where permissive is asked for" },
	{ .name = "boot",
	  .type = FIELD_ENUM,
	  .choices = boots,
	  .help = "what it does from the next boot on: same (as mode), enforcing or permissive. From "
		  "disabled, the first boot is permissive and labels the disk",
	  .fallback = "same" },
	{ .name = "booleans",
	  .type = FIELD_MAP,
	  .of = &boolean_row,
	  .max = 256,
	  .help = "switches of the policy, now and after boots: {container_manage_cgroup: true}" },
	{ 0 },
};

/* How a host stands, planned changes included. */
struct now {
	char *config;		 /* of SELINUX_CONFIG, or NULL */
	char type[64];		 /* the policy, "" without one */
	bool kernel;		 /* live: SELinux is on in the running kernel */
	enum selinux_mode conf;	 /* of the next boot */
	enum selinux_mode runs;	 /* live and on */
	bool relabel;		 /* the next boot labels the disk */
	enum selinux_mode boots; /* what the plan wants of the next boot at last */
	enum selinux_mode mode;	 /* and of the running kernel */
};

static void now_done(struct now *n)
{
	free(n->config);
}

/* *ret is NULL when there is no such file. */
static int read_small(const struct host *h, const char *path, char **ret, struct err *e)
{
	size_t len;
	int r = host_read(h, path, SMALL_FILE, ret, &len, e);

	if (r == -ENOENT || r == -ENOTDIR) {
		*ret = NULL;
		return 0;
	}
	if (r == 0 && strlen(*ret) != len)
		return err_set(e, EINVAL, "'%s%s' holds a NUL byte: it is no text", host_prefix(h),
			       path);
	return r;
}

static int there(const struct host *h, const char *path, bool *ret, struct err *e)
{
	struct stat st;
	int r = host_lstat(h, path, &st, e);

	*ret = r == 0;
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int policy_load(const struct host *h, struct now *n, struct err *e)
{
	char path[160];
	bool is;

	if (!n->config || !selinuxconf_type(n->config, n->type, sizeof(n->type)))
		return 0;
	snprintf(path, sizeof(path), "/etc/selinux/%s/contexts", n->type);
	if (there(h, path, &is, e) < 0)
		return e->code;
	/* The package was removed, its config stayed. */
	if (!is)
		n->type[0] = '\0';
	return 0;
}

static int now_load(const struct section *s, const struct host *h, struct now *n, struct err *e)
{
	_cleanup_free_ char *enforce = NULL;
	const char *boot = s ? section_str(s, "boot") : NULL;

	if (read_small(h, SELINUX_CONFIG, &n->config, e) < 0 || policy_load(h, n, e) < 0 ||
	    there(h, RELABEL, &n->relabel, e) < 0 ||
	    (host_is_live(h) && read_small(h, SELINUX_ENFORCE, &enforce, e) < 0))
		return e->code;
	n->conf = selinuxconf_mode(n->config);
	n->kernel = enforce != NULL;
	if (enforce)
		n->runs = *enforce == '1' ? SELINUX_ENFORCING : SELINUX_PERMISSIVE;
	n->mode = selinux_mode_parse(s ? section_str(s, "mode") : NULL);
	n->boots = boot && !streq(boot, "same") ? selinux_mode_parse(boot) : n->mode;
	return 0;
}

/* Has the disk no labels yet, as far as can be told? */
static bool unlabelled(const struct now *n, const struct host *h)
{
	return n->relabel || (host_is_live(h) ? !n->kernel : n->conf < SELINUX_PERMISSIVE);
}

/* --- what we set before --- */

static enum selinux_mode remembered(const json_t *state, const char *what, const char *member)
{
	return selinux_mode_parse(
		json_string_value(json_object_get(json_object_get(state, what), member)));
}

/* Notes that `what` was `was` before it became `set`; what stood there before an earlier run of
 * ours counts. */
static int note(json_t *state, const json_t *old, const char *what, enum selinux_mode was,
		enum selinux_mode set, struct err *e)
{
	enum selinux_mode before = remembered(old, what, "was");

	if (before && remembered(old, what, "set") == was)
		was = before;
	if (was == set || !set)
		return 0;
	return json_object_set_new(state, what,
				   json_pack("{s:s, s:s}", "was", selinux_mode_name(was), "set",
					     selinux_mode_name(set))) < 0
		       ? err_oom(e)
		       : 0;
}

/* Enforcing that isn't ours stays, whatever is asked for. */
static bool kept(const json_t *old, const char *what, enum selinux_mode is,
		 enum selinux_mode wanted)
{
	return is == SELINUX_ENFORCING && wanted == SELINUX_PERMISSIVE &&
	       remembered(old, what, "set") != SELINUX_ENFORCING;
}

/* --- mode and boot --- */

static int set_config(const struct now *n, const struct host *h, enum selinux_mode to,
		      const char *setting, const char *text, struct changes *out, struct err *e)
{
	_cleanup_free_ char *edited = NULL;

	if (selinuxconf_edit(n->config, to, &edited, e) < 0)
		return e->code;
	return changes_file(out, h, SELINUX_CONFIG, edited, strlen(edited), CHANGE_KEEP_ATTRS, 0, 0,
			    NAME, setting, NULL, text, e);
}

static int diff_boot(const struct now *n, const json_t *old, const struct host *h, json_t *state,
		     struct changes *out, struct err *e)
{
	enum selinux_mode to = n->boots;
	bool labels = unlabelled(n, h);
	char text[80];

	/* While labels are still to come nothing is tightened; where SELinux is on, nothing
	 * loosened either. */
	if (labels)
		to = n->kernel && n->conf >= SELINUX_PERMISSIVE ? n->conf : SELINUX_PERMISSIVE;
	if (!n->boots || (!labels && kept(old, "boot", n->conf, to)))
		return 0;
	if (note(state, old, "boot", n->conf, to, e) < 0)
		return e->code;
	snprintf(text, sizeof(text), "SELINUX=%s -> %s", selinux_mode_name(n->conf),
		 selinux_mode_name(to));
	if (n->conf != to && set_config(n, h, to, "boot", text, out, e) < 0)
		return e->code;
	if (json_is_true(json_object_get(old, "relabel")) || (labels && !n->relabel))
		if (json_object_set_new(state, "relabel", json_true()) < 0)
			return err_oom(e);
	if (!labels || n->relabel)
		return 0;
	return changes_file(out, h, RELABEL, "", 0, 0644, 0, 0, NAME, "boot", NULL,
			    "the next boot labels the disk", e);
}

static int diff_mode(const struct now *n, const json_t *old, const struct host *h, json_t *state,
		     struct changes *out, struct err *e)
{
	bool enforcing = n->mode == SELINUX_ENFORCING;
	char text[80];

	if (!n->mode || !n->kernel || (enforcing && n->relabel) ||
	    kept(old, "mode", n->runs, n->mode))
		return 0;
	snprintf(text, sizeof(text), "SELinux: %s -> %s", selinux_mode_name(n->runs),
		 selinux_mode_name(n->mode));
	if (note(state, old, "mode", n->runs, n->mode, e) < 0)
		return e->code;
	return changes_knob(out, h, SELINUX_ENFORCE, enforcing ? "1" : "0", NAME, "mode", NULL,
			    text, e);
}

/* --- booleans --- */

/* The value in force: 1, 0; -ENOENT when the policy has no such boolean. */
static int boolean_now(const struct host *h, const char *name, struct err *e)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t len;

	if (strchr(name, '/') || *name == '.')
		return -ENOENT;
	if (asprintf(&path, BOOLEANS "/%s", name) < 0)
		return err_oom(e);
	if (host_read(h, path, 64, &text, &len, e) < 0)
		return e->code;
	return *text == '1';
}

/* Is it kept for the next boot? As libsemanage notes it, here or where older ones do. */
static int boolean_stored(const struct host *h, const char *type, const char *name, bool value,
			  struct err *e)
{
	static const char *const stores[] = { "/var/lib/selinux", "/etc/selinux" };
	size_t n = strlen(name);
	bool is = false;

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		_cleanup_free_ char *path = NULL, *text = NULL;

		if (asprintf(&path, "%s/%s/%s/booleans.local", stores[i], type,
			     i ? "modules/active" : "active") < 0)
			return err_oom(e);
		if (read_small(h, path, &text, e) < 0)
			return e->code;
		for (const char *line = text; line && *line;) {
			if (strncmp(line, name, n) == 0 && line[n] == '=')
				is = line[n + 1] == '0' + value;
			line = strchr(line, '\n');
			if (line)
				line++;
		}
	}
	return is;
}

/* Words of one command: "name=on" ... */
struct words {
	char *argv[260];
	size_t n;
};

static void words_done(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->argv[i]);
}

static int words_add(struct words *w, struct err *e, const char *fmt, ...) PRINTF(3, 4);

static int words_add(struct words *w, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int r;

	if (w->n + 1 >= ARRAY_SIZE(w->argv))
		return err_set(e, E2BIG, "too many booleans");
	va_start(ap, fmt);
	r = vasprintf(&w->argv[w->n], fmt, ap);
	va_end(ap);
	if (r < 0)
		return err_oom(e);
	w->argv[++w->n] = NULL;
	return 0;
}

static int words_begin(const struct host *h, struct words *w, struct err *e)
{
	_cleanup_free_ char *program = NULL;

	if (program_find(h, "setsebool", &program, e) < 0)
		return e->code;
	if (!program)
		return 0;
	return words_add(w, e, "%s", program) < 0 || words_add(w, e, "-P") < 0 ? e->code : 0;
}

static int unknown_boolean(const struct section *s, const struct host *h, const char *name,
			   struct changes *out, struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *setting = NULL;
	const char *near;

	if (host_list(h, BOOLEANS, &names, e) < 0)
		return e->code;
	if (asprintf(&setting, "booleans.%s", name) < 0)
		return err_oom(e);
	near = field_nearest(name, (const char *const *)names);
	errs_add(&out->mistakes, section_where(s, setting),
		 "selinux.booleans: this host's policy has no boolean '%s'%s%s%s", name,
		 near ? ": did you mean " : " (getsebool -a lists them)", near ? near : "",
		 near ? "?" : "");
	return 0;
}

/* One command for all: each time, the policy is compiled anew. */
static int diff_booleans(const struct section *s, const struct now *n, const json_t *old,
			 const struct host *h, json_t *state, struct changes *out, struct err *e)
{
	_cleanup_(words_done) struct words set = { 0 }, back = { 0 };
	json_t *wanted = section_get(s, "booleans"), *v;
	_cleanup_json_ json_t *mine = json_object();
	const json_t *before = json_object_get(old, "booleans");
	const char *name;

	if (!mine || json_object_set(state, "booleans", mine) < 0)
		return err_oom(e);
	if (words_begin(h, &set, e) < 0 || words_begin(h, &back, e) < 0)
		return e->code;
	json_object_foreach (wanted, name, v) {
		const json_t *was = json_object_get(before, name);
		bool value = json_is_true(v);
		int is = boolean_now(h, name, e), stored;

		if (is == -ENOENT) {
			if (unknown_boolean(s, h, name, out, e) < 0)
				return e->code;
			continue;
		}
		if (is < 0 || (stored = boolean_stored(h, n->type, name, value, e)) < 0)
			return e->code;
		/* What it was before us, while it is still what we set. */
		if (!json_is_boolean(was) || is != value)
			was = is ? json_true() : json_false();
		if (json_object_set(mine, name, (json_t *)(uintptr_t)was) < 0)
			return err_oom(e);
		if (is == value && stored)
			continue;
		if (!set.n) {
			errs_add(&out->refusals, section_where(s, "booleans"),
				 "selinux.booleans: setsebool is missing on this host: install "
				 "policycoreutils");
			return 0;
		}
		if (words_add(&set, e, "%s=%s", name, value ? "on" : "off") < 0 ||
		    words_add(&back, e, "%s=%s", name, is ? "on" : "off") < 0)
			return e->code;
	}
	return set.n > 2 ? changes_command(out, h, set.argv, back.argv, NAME, "booleans", NULL,
					   "booleans of the policy, kept across boots", e)
			 : 0;
}

/* --- the whole section --- */

static int put_booleans_back(const json_t *old, const json_t *wanted, const struct host *h,
			     struct changes *out, struct err *e)
{
	_cleanup_(words_done) struct words set = { 0 }, back = { 0 };
	json_t *was;
	const char *name;

	if (!host_is_live(h))
		return 0;
	if (words_begin(h, &set, e) < 0 || words_begin(h, &back, e) < 0)
		return e->code;
	json_object_foreach (json_object_get(old, "booleans"), name, was) {
		int is = boolean_now(h, name, e);

		if (is == -ENOENT || json_object_get(wanted, name))
			continue;
		if (is < 0)
			return is;
		if (set.n && is != json_is_true(was) &&
		    (words_add(&set, e, "%s=%s", name, is ? "off" : "on") < 0 ||
		     words_add(&back, e, "%s=%s", name, is ? "on" : "off") < 0))
			return e->code;
	}
	return set.n > 2 ? changes_command(out, h, set.argv, back.argv, NAME, "booleans", NULL,
					   "no longer in the plan: as they were before", e)
			 : 0;
}

static int left_behind(const json_t *old, const struct host *h, struct changes *out, struct err *e)
{
	enum selinux_mode boot = remembered(old, "boot", "was"),
			  mode = remembered(old, "mode", "was");
	_cleanup_(now_done) struct now n = { 0 };

	if (now_load(NULL, h, &n, e) < 0)
		return e->code;
	if (n.kernel && mode && n.runs == remembered(old, "mode", "set") &&
	    changes_knob(out, h, SELINUX_ENFORCE, mode == SELINUX_ENFORCING ? "1" : "0", NAME, NULL,
			 NULL, "the plan no longer has an selinux section", e) < 0)
		return e->code;
	if (n.config && boot && n.conf == remembered(old, "boot", "set") &&
	    set_config(&n, h, boot, NULL, "the plan no longer has an selinux section", out, e) < 0)
		return e->code;
	if (n.relabel && json_is_true(json_object_get(old, "relabel")) &&
	    changes_remove_ours(out, h, RELABEL, "", 0, NAME, NULL,
				"the plan no longer has an selinux section", e) < 0)
		return e->code;
	return put_booleans_back(old, NULL, h, out, e);
}

/* What is the running kernel's is looked at by a run that sees it, and kept in mind until then. */
static int carry(const json_t *old, json_t *state, struct err *e)
{
	static const char *const names[] = { "mode", "booleans" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_t *v = json_object_get(old, names[i]);

		if (v && json_object_set(state, names[i], v) < 0)
			return err_oom(e);
	}
	return 0;
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_(now_done) struct now n = { 0 };
	const json_t *old = was ? was->state : NULL;
	_cleanup_json_ json_t *state = json_object();

	if (!state)
		return err_oom(e);
	if (!s)
		return left_behind(old, h, out, e);
	if (now_load(s, h, &n, e) < 0)
		return e->code;
	if (!n.type[0]) /* verify says so; what was left behind stays our own */
		return old ? changes_remember(out, NAME, (json_t *)(uintptr_t)old, e) : 0;
	if (diff_boot(&n, old, h, state, out, e) < 0 || diff_mode(&n, old, h, state, out, e) < 0)
		return e->code;
	if (!n.kernel && carry(old, state, e) < 0)
		return e->code;
	if (n.kernel && (put_booleans_back(old, section_get(s, "booleans"), h, out, e) < 0 ||
			 diff_booleans(s, &n, old, h, state, out, e) < 0))
		return e->code;
	return changes_remember(out, NAME, state, e);
}

/* --- the running host --- */

static int found(struct findings *f, const char *setting, enum finding_state state,
		 const char *wanted, const char *is, const char *why, struct err *e)
{
	return findings_add(f, NAME, setting, NULL, state, wanted, is, why, e);
}

/*
 * What keeps the kernel that runs from having SELinux, and what to do. One that has it among its
 * LSMs lacks a policy only: its config said disabled. security= counts only where lsm= isn't said.
 */
static int kernel_lacks(const struct host *h, char *buf, size_t size, struct err *e)
{
	_cleanup_free_ char *cmdline = NULL, *lsms = NULL;
	const char *what = "";

	if (read_small(h, "/proc/cmdline", &cmdline, e) < 0 || read_small(h, LSMS, &lsms, e) < 0)
		return e->code;
	if (!lsms || !strstr(lsms, NAME))
		what = cmdline && strstr(cmdline, "lsm=")
			       ? "put selinux into lsm= on its command line, before apparmor"
			       : "put 'security=selinux selinux=1' on its command line";
	snprintf(buf, size,
		 "SELinux is off in the running kernel: %s%sreboot (the first boot labels the "
		 "disk and may take long), then apply again",
		 what,
		 !*what ? ""
			: " (Debian: GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub; "
			  "Fedora: grubby --update-kernel ALL --remove-args selinux), ");
	return 0;
}

static int verify_boot(const struct now *n, const json_t *old, const struct host *h,
		       struct findings *out, struct err *e)
{
	const char *wanted = selinux_mode_name(n->boots), *is = selinux_mode_name(n->conf);

	if (!n->boots)
		return 0;
	if (unlabelled(n, h) && n->boots == SELINUX_ENFORCING && n->conf == SELINUX_PERMISSIVE)
		return found(
			out, "boot", host_is_live(h) ? FINDING_PENDING : FINDING_SKIPPED, wanted,
			is, "the next boot is permissive and labels the disk: apply again after it",
			e);
	if (kept(old, "boot", n->conf, n->boots))
		return found(out, "boot", FINDING_OK, wanted, is,
			     SELINUX_CONFIG "; tighter than asked for is left alone", e);
	return found(out, "boot", n->conf == n->boots ? FINDING_OK : FINDING_DRIFT, wanted, is,
		     SELINUX_CONFIG, e);
}

static int verify_mode(const struct now *n, const json_t *old, const struct host *h,
		       struct findings *out, struct err *e)
{
	const char *wanted = selinux_mode_name(n->mode), *is = selinux_mode_name(n->runs);
	char why[400];

	if (!n->mode)
		return 0;
	if (!host_is_live(h))
		return found(out, "mode", FINDING_SKIPPED, wanted, NULL,
			     "offline: no kernel runs in this root", e);
	if (!n->kernel) {
		if (kernel_lacks(h, why, sizeof(why), e) < 0)
			return e->code;
		return found(out, "mode", FINDING_PENDING, wanted, "disabled", why, e);
	}
	if (kept(old, "mode", n->runs, n->mode))
		return found(out, "mode", FINDING_OK, wanted, is,
			     SELINUX_ENFORCE "; tighter than asked for is left alone", e);
	if (n->runs == n->mode)
		return found(out, "mode", FINDING_OK, wanted, is, SELINUX_ENFORCE, e);
	if (n->relabel)
		return found(out, "mode", FINDING_PENDING, wanted, is,
			     "the disk is still to be labelled (" RELABEL
			     "): reboot, then apply again",
			     e);
	return found(out, "mode", FINDING_DRIFT, wanted, is, SELINUX_ENFORCE, e);
}

static int verify_booleans(const struct section *s, const struct now *n, const struct host *h,
			   struct findings *out, struct err *e)
{
	const char *name;
	json_t *v;

	json_object_foreach (section_get(s, "booleans"), name, v) {
		_cleanup_free_ char *setting = NULL;
		const char *wanted = json_is_true(v) ? "true" : "false", *is, *why = BOOLEANS;
		enum finding_state state;
		int value, stored;

		if (asprintf(&setting, "booleans.%s", name) < 0)
			return err_oom(e);
		if (!n->kernel) {
			state = host_is_live(h) ? FINDING_PENDING : FINDING_SKIPPED;
			why = host_is_live(h) ? "SELinux is off in the running kernel"
					      : "offline: set by an apply on the running host";
			is = NULL;
		} else {
			value = boolean_now(h, name, e);
			if (value < 0)
				return value;
			stored = boolean_stored(h, n->type, name, json_is_true(v), e);
			if (stored < 0)
				return stored;
			is = value ? "true" : "false";
			state = streq(is, wanted) && stored ? FINDING_OK : FINDING_DRIFT;
			if (streq(is, wanted) && !stored)
				why = "not kept for the next boot";
		}
		if (found(out, setting, state, wanted, is, why, e) < 0)
			return e->code;
	}
	return 0;
}

/* Without a policy none of it can be. */
static int skip(const struct section *s, struct findings *out, struct err *e)
{
	static const char why[] =
		"this host has no SELinux policy (Debian: apt install selinux-basics "
		"selinux-policy-default)";

	for (const struct field *f = fields; f->name; f++) {
		const char *wanted = f->type == FIELD_ENUM ? section_str(s, f->name) : NULL;

		if (json_object_get(s->given, f->name) &&
		    found(out, f->name, FINDING_SKIPPED, wanted, NULL, why, e) < 0)
			return e->code;
	}
	return 0;
}

/* Where SELinux is off, AppArmor may be what holds Docker's containers. */
static int verify_apparmor(const struct host *h, struct findings *out, struct err *e)
{
	int r = apparmor_on(h, e);

	if (r < 0)
		return r;
	if (r == 0)
		return found(out, APPARMOR_SETTING, FINDING_SKIPPED, APPARMOR_WANTED, NULL,
			     "neither SELinux nor AppArmor is on in the running kernel", e);
	return apparmor_look(h, NAME, FINDING_PENDING, out, e);
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_(now_done) struct now n = { 0 };

	if (now_load(s, h, &n, e) < 0)
		return e->code;
	if (!n.type[0]) {
		if (skip(s, out, e) < 0)
			return e->code;
	} else if (verify_mode(&n, was->state, h, out, e) < 0 ||
		   verify_boot(&n, was->state, h, out, e) < 0 ||
		   verify_booleans(s, &n, h, out, e) < 0) {
		return e->code;
	}
	return host_is_live(h) && !n.kernel ? verify_apparmor(h, out, e) : 0;
}

/* --- survey --- */

static int survey(const struct host *h, struct survey *out, struct err *e)
{
	_cleanup_(now_done) struct now n = { 0 };
	enum selinux_mode mode;

	if (now_load(NULL, h, &n, e) < 0)
		return e->code;
	mode = n.kernel ? n.runs : n.conf;
	if (mode < SELINUX_PERMISSIVE)
		return 0;
	if (survey_add(out, "mode", json_string(selinux_mode_name(mode)), NULL, e) < 0)
		return e->code;
	if (n.conf == mode || n.conf < SELINUX_PERMISSIVE)
		return 0;
	return survey_add(out, "boot", json_string(selinux_mode_name(n.conf)), NULL, e);
}

const struct module module_selinux = {
	.name = NAME,
	.summary =
		"SELinux's mode, now and at boot, and its booleans; AppArmor's profile for Docker",
	.fields = fields,
	.order = 5,
	.diff = diff,
	.verify = verify,
	.survey = survey,
};
