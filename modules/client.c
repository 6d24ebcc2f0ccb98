/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the docker command is told in login sessions: its environment.
 *
 * Two files of our own, both read when a session begins. /etc/profile of Debian and Red Hat reads
 * /etc/profile.d/ *.sh in alphabetical order (login shells of the Bourne family: console, ssh, su
 * -); environment.d(5) is for what the user's systemd starts (services, desktops). Nobody else's
 * file is touched, so what reads neither is not reached: "ssh HOST COMMAND", cron, sudo, csh, fish,
 * zsh on Debian. All of it is the client's, and a user can unset it.
 */
#include "../src/buf.h"
#include "../src/json.h"
#include "../src/module.h"
#include "../src/template.h"
#include "client_later.h"
#include "engine.h"

#define NAME	    "client"
#define PROFILE	    CLIENT_PROFILE
#define PROFILE_DIR CLIENT_PROFILE_DIR

static const char *valid_host(const char *s)
{
	if (!strpbrk(s, " \t\r\n") &&
	    ((has_prefix(s, "tcp://") && s[6]) || (has_prefix(s, "unix:///") && s[8]) ||
	     (has_prefix(s, "ssh://") && s[6])))
		return NULL;
	return "tcp://HOST:PORT, unix:///PATH or ssh://HOST, with a user before it or without";
}

static const char *valid_server(const char *s)
{
	return has_prefix(s, "https://") && s[8] && !strpbrk(s, " \t\r\n") ? NULL
									   : "https://HOST[:PORT]";
}

static const struct field fields[] = {
	{ .name = "content-trust",
	  .type = FIELD_BOOL,
	  .help = "docker takes and runs signed images only (DOCKER_CONTENT_TRUST=1): pulls and builds "
		  "of unsigned ones stop; clients from 29 on ignore it",
	  .cis = "4.5" },
	{ .name = "content-trust-server",
	  .type = FIELD_STRING,
	  .help = "where signatures are asked for, in place of the registry's own server",
	  .valid = valid_server },
	{ .name = "host",
	  .type = FIELD_STRING,
	  .help = "the daemon that docker talks to (DOCKER_HOST); TCP needs tls-verify. Login shells "
		  "of rootless.users talk to their own",
	  .valid = valid_host },
	{ .name = "tls-verify",
	  .type = FIELD_BOOL,
	  .help = "docker speaks TLS, and checks the daemon's certificate (DOCKER_TLS_VERIFY)" },
	{ .name = "cert-path",
	  .type = FIELD_PATH,
	  .help = "directory of ca.pem, cert.pem and key.pem for it; default ~/.docker of each user" },
	{ 0 },
};

static const struct {
	const char *setting, *variable;
	bool of_host; /* which daemon, and how it is spoken to; the last of the table */
} variables[] = {
	{ "content-trust", "DOCKER_CONTENT_TRUST", false },
	{ "content-trust-server", "DOCKER_CONTENT_TRUST_SERVER", false },
	{ "host", "DOCKER_HOST", true },
	{ "tls-verify", "DOCKER_TLS_VERIFY", true },
	{ "cert-path", "DOCKER_CERT_PATH", true },
};

/* docker takes any text but "" for on: what is off is not set. NULL: not wanted. */
static const char *wanted(const struct section *s, const char *setting)
{
	if (field_find(fields, setting)->type == FIELD_BOOL)
		return section_bool(s, setting, false) ? "1" : NULL;
	return section_str(s, setting);
}

/* --- the two files --- */

/* For sh(1): nothing is special between single quotes but themselves. */
static void quote_sh(struct buf *b, const char *s)
{
	buf_addc(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_adds(b, "'\\''");
		else
			buf_addc(b, *s);
	}
	buf_addc(b, '\'');
}

/* For environment.d(5): quotes as in sh(1), and then $ is looked at, quoted or not; $$ is one. */
static void quote_environment(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	for (; *s; s++) {
		if (strchr("\"\\`", *s))
			buf_addc(b, '\\');
		if (*s == '$')
			buf_addc(b, '$');
		buf_addc(b, *s);
	}
	buf_addc(b, '"');
}

static const struct place {
	const char *path, *before, *text;
	void (*quote)(struct buf *b, const char *s);
	const char *unless_own; /* for whom the variables of a host are; it can't say that: NULL */
} places[] = {
	/* Late in its directory, so that it wins over what others set; who is later is told. */
	{ PROFILE_DIR "/" CLIENT_PROFILE_OURS, "export ", "for login shells: /etc/profile reads it",
	  quote_sh,
	  "# Who has a daemon of their own (\"rootless\") talks to that.\n"
	  "if [ \"${DOCKER_HOST:-}\" != \"unix:///run/user/$(id -u)/docker.sock\" ]; then\n" },
	{ CLIENT_ENVIRONMENT_DIR "/" CLIENT_ENVIRONMENT_OURS, "",
	  "for what a user's systemd starts", quote_environment, NULL },
};

/* Do login shells of some users talk to daemons of their own? Their file is read before ours. */
static bool others_have_own(const struct section *s)
{
	const struct section *rootless = plan_section(s->plan, "rootless");

	return rootless && json_array_size(section_get(rootless, "users")) &&
	       section_bool(rootless, "docker-host", true);
}

/* The text of a file; NULL in *ret when no variable is wanted. */
static int fill(const struct section *s, const struct place *p, char **ret, struct err *e)
{
	static const struct template_var none[] = { { NULL, NULL } };
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *head = NULL;
	const char *unless = others_have_own(s) ? p->unless_own : NULL;
	bool any = false, inner = false;

	*ret = NULL;
	if (template_fill(template_text("client.env"), none, &head, e) < 0)
		return e->code;
	buf_adds(&b, head);
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = wanted(s, variables[i].setting);

		if (!value)
			continue;
		if (unless && variables[i].of_host && !inner) {
			buf_adds(&b, unless);
			inner = true;
		}
		buf_addf(&b, "%s%s%s=", inner ? "\t" : "", p->before, variables[i].variable);
		p->quote(&b, value);
		buf_addc(&b, '\n');
		any = true;
	}
	if (inner)
		buf_adds(&b, "fi\n");
	if (any)
		*ret = buf_take(&b, NULL);
	return any && !*ret ? err_oom(e) : 0;
}

/* --- the plan --- */

static void check(const struct section *s, struct errs *out)
{
	const char *host = section_str(s, "host"), *certs = section_str(s, "cert-path");
	bool tls = section_bool(s, "tls-verify", false);
	bool tcp = host && has_prefix(host, "tcp://");

	if (tcp && !tls)
		errs_add(
			out, section_where(s, "host"),
			"client.host %s is spoken to in plain text without tls-verify: whoever is in "
			"between is root on that host; add `tls-verify: true`",
			host);
	if (tls && !tcp)
		errs_add(out, section_where(s, "tls-verify"),
			 "client.tls-verify is for TCP: %s; %s",
			 host ? "docker would speak TLS to what doesn't"
			      : "without `host`, docker would try tcp://localhost:2376",
			 "write `host: tcp://HOST:2376` beside it, or leave it out");
	if (certs && !tls)
		errs_add(
			out, section_where(s, "cert-path"),
			"client.cert-path means nothing without `tls-verify: true`: add it, or leave "
			"cert-path out");
	for (const char *c = certs; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			errs_add(out, section_where(s, "cert-path"),
				 "client.cert-path has a control character in it");
			break;
		}
	if (section_str(s, "content-trust-server") && !section_bool(s, "content-trust", false))
		errs_add(out, section_where(s, "content-trust-server"),
			 "client.content-trust-server means nothing without `content-trust: true`: "
			 "add it, or leave the server out");
}

/* --- diff --- */

/* What stands there from an earlier plan and isn't wanted any more. */
static int left_behind(const struct previous *was, const struct host *h, const char *path,
		       struct changes *out, struct err *e)
{
	const char *text = was ? json_string_value(json_object_get(was->state, path)) : NULL;
	int r;

	if (!text)
		return 0;
	r = changes_remove_ours(out, h, path, text, strlen(text), NAME, NULL,
				"the plan no longer tells docker anything", e);
	return r < 0 ? r : 0;
}

static const char *first_wanted(const struct section *s)
{
	size_t i = 0;

	while (!wanted(s, variables[i].setting))
		i++;
	return variables[i].setting;
}

/* The settings behind a change beside the first. */
static int whys(const struct section *s, const char *path, const char *text, struct changes *out,
		struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *setting = variables[i].setting;

		if (wanted(s, setting) && !streq(setting, first_wanted(s)) &&
		    changes_why(out, path, NAME, setting, field_find(fields, setting)->cis, text,
				e) < 0)
			return e->code;
	}
	return 0;
}

/* Certificates that are not there stop every docker command of every session. What a tls section is
 * about to make is there already, in the overlay. */
static int look_at_certs(const struct section *s, const struct host *h, struct changes *out,
			 struct err *e)
{
	static const char *const names[] = { "ca.pem", "cert.pem", "key.pem" };
	const char *dir = section_str(s, "cert-path");
	struct stat key = { 0 }, folder = { 0 };

	/* The tls section's refusal says why nothing is made. */
	if (errs_any(&out->refusals) && plan_section(s->plan, "tls"))
		return 0;
	for (size_t i = 0; dir && i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;
		int r;

		if (asprintf(&path, "%s/%s", dir, names[i]) < 0)
			return err_oom(e);
		r = host_stat(h, path, &st, e);
		if (r == 0 && streq(names[i], "key.pem"))
			key = st;
		if (r == 0)
			continue;
		if (r != -ENOENT)
			return r;
		if (host_is_live(h))
			errs_add(
				&out->refusals, section_where(s, "cert-path"),
				"client.cert-path: there is no %s: docker would fail for everybody "
				"who logs in; put it there first",
				path);
		else if (changes_note(out, NAME, "cert-path", e,
				      "there is no %s%s: until it is there, docker fails for "
				      "everybody who logs in",
				      host_prefix(h), path) < 0)
			return e->code;
	}
	if (!key.st_mode || host_stat(h, dir, &folder, e) < 0 ||
	    ((key.st_mode & 0044) && (folder.st_mode & 0011)))
		return 0;
	return changes_note(
		out, NAME, "cert-path", e,
		"only its owner can read %s%s/key.pem: docker fails for everybody else who "
		"logs in",
		host_prefix(h), dir);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *state = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place *p = &places[i];
		_cleanup_free_ char *text = NULL;
		int r = s ? fill(s, p, &text, e) : 0;

		if (r < 0)
			return r;
		if (!text) {
			if (left_behind(was, h, p->path, out, e) < 0)
				return e->code;
			continue;
		}
		r = changes_file(out, h, p->path, text, strlen(text), CHANGE_EXACTLY | 0644, 0, 0,
				 NAME, first_wanted(s), field_find(fields, first_wanted(s))->cis,
				 p->text, e);
		if (r > 0)
			r = whys(s, p->path, p->text, out, e);
		if (r < 0)
			return r;
		if (!state || json_object_set_new(state, p->path, json_string(text)))
			return err_oom(e);
	}
	if (s && look_at_certs(s, h, out, e) < 0)
		return e->code;
	if (!state)
		return err_oom(e);
	return json_object_size(state) ? changes_remember(out, NAME, state, e) : 0;
}

/* --- verify --- */

struct want {
	const char *setting, *value;
};

/* "0" is off for content trust, and on for TLS, as docker reads them. */
static bool as_good(const void *arg, const char *value)
{
	static const char *const off[] = { "0", "f", "F", "false", "False", "FALSE" };
	const struct want *w = arg;

	if (field_find(fields, w->setting)->type != FIELD_BOOL)
		return streq(value, w->value);
	for (size_t i = 0; streq(w->setting, "content-trust") && i < ARRAY_SIZE(off); i++)
		if (streq(value, off[i]))
			return false;
	return *value;
}

static int overruled(const struct section *s, const struct host *h, size_t i, struct later *ret,
		     struct err *e)
{
	const struct want w = { variables[i].setting, wanted(s, variables[i].setting) };

	return later_find(h, variables[i].variable, as_good, &w, ret, e);
}

/* Is /etc/profile.d read at all? NULL: it is, else why nothing can be said. */
static int unread(const struct host *h, const char **ret_why, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read(h, PROFILE, CLIENT_TEXT_MAX, &text, &len, e);

	if (r == -ENOMEM)
		return r;
	*ret_why = r < 0			? "/etc/profile can't be read"
		   : !strstr(text, PROFILE_DIR) ? "/etc/profile does not read /etc/profile.d"
						: NULL;
	return 0;
}

static int verify_one(const struct section *s, const struct host *h, size_t i, const char *why_not,
		      struct findings *out, struct err *e)
{
	static const char read[] = PROFILE " reads " PROFILE_DIR "/" CLIENT_PROFILE_OURS
					   "; no file of the system that is read later sets it "
					   "otherwise";
	const char *setting = variables[i].setting, *value = wanted(s, setting), *ignored;
	const char *cis = field_find(fields, setting)->cis, *text;
	_cleanup_(later_done) struct later by = { 0 };
	unsigned engine = 0;

	if (!value)
		return 0;
	if (!why_not && streq(setting, "content-trust")) {
		if (engine_version(h, s->plan, &engine, &text, &ignored, e) < 0)
			return e->code;
		/* docker/cli 29.0 has no content trust any more. */
		if (engine >= VERSION(29, 0))
			why_not = "docker ignores it from 29 on";
	}
	if (!why_not) {
		if (overruled(s, h, i, &by, e) < 0)
			return e->code;
		why_not = by.text;
	}
	return findings_add(out, NAME, setting, cis, why_not ? FINDING_SKIPPED : FINDING_OK,
			    streq(value, "1") ? "true" : value, NULL, why_not ? why_not : read, e);
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	const char *why_not;

	(void)was;
	if (unread(h, &why_not, e) < 0)
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		if (verify_one(s, h, i, why_not, out, e) < 0)
			return e->code;
	return 0;
}

/*
 * What certainly is otherwise is no success of a check. It is a file of others, that no apply
 * mends: an apply says it, too, and is not undone for it.
 */
static int observe(const struct section *s, const struct host *h, struct findings *out,
		   struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		_cleanup_(later_done) struct later by = { 0 };

		if (!wanted(s, variables[i].setting))
			continue;
		if (overruled(s, h, i, &by, e) < 0)
			return e->code;
		for (size_t k = 0; by.certain && k < out->n; k++) {
			struct finding *f = &out->list[k];

			if (streq(f->module, NAME) && f->setting &&
			    streq(f->setting, variables[i].setting) &&
			    f->state == FINDING_SKIPPED && streq(f->why, by.text))
				f->state = FINDING_FAILED;
		}
	}
	return 0;
}

const struct module module_client = {
	.name = NAME,
	.summary = "what the docker command is told in login sessions",
	.fields = fields,
	.order = 45,
	.check = check,
	.diff = diff,
	.verify = verify,
	.observe = observe,
};
