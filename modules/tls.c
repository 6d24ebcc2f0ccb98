/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's API on TCP: mutual TLS or nothing.
 *
 * The keys tlsverify, tlscacert, tlscert and tlskey go into daemon.json beside what the daemon
 * module wrote there (or are the command line's already), certificates into /etc/docker/tls,
 * listeners into drop-ins.
 *
 * What is remembered: path, created, keys (as the daemon module's), made (tls_files.c); socket,
 * service, unit, rules: our files' texts; enforce; stale: the invocation of docker.service that has
 * not read what was written for it yet, stale-socket: docker.socket is to be bound anew, too.
 */
#include "tls.h"

#include <arpa/inet.h>
#include <time.h>

#include "daemon_host.h"

static const char *valid_listen(const char *s)
{
	struct tls_address a;
	const char *why;

	return tls_address_parse(s, &a, &why) < 0 ? why : NULL;
}

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

static const char *valid_name(const char *s)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, s, raw) == 1 || inet_pton(AF_INET6, s, raw) == 1)
		return NULL;
	/* What would end in digits is taken for an address by clients. */
	if (!*s || strlen(s) > 253 || strspn(s, HOST_CHARS) != strlen(s) || *s == '-' ||
	    *s == '.' || strstr(s, "..") || strspn(s, "0123456789.") == strlen(s))
		return "a host name (docker.example.org) or an address";
	for (const char *label = s; *label; label += strspn(label, ".")) {
		size_t n = strcspn(label, ".");

		if (n > 63 || label[0] == '-' || label[n - 1] == '-')
			return "a host name (docker.example.org) or an address";
		label += n;
	}
	return NULL;
}

/* It becomes a directory's name. */
static const char *valid_client(const char *s)
{
	if (!*s || strlen(s) > 64 || *s == '.' || *s == '-' ||
	    strspn(s, HOST_CHARS "_@") != strlen(s))
		return "letters, digits, '.', '_', '-' and '@', up to 64, not beginning with '.' or "
		       "'-'";
	return NULL;
}

static const struct field listen_row = { .name = "listen",
					 .type = FIELD_STRING,
					 .valid = valid_listen };
static const struct field from_row = { .name = "from",
				       .type = FIELD_STRING,
				       .valid = tls_network_wrong };
static const struct field name_row = { .name = "names", .type = FIELD_STRING, .valid = valid_name };
static const struct field client_row = { .name = "client-certificates",
					 .type = FIELD_STRING,
					 .valid = valid_client };
static const char *const enforces[] = { "auto", "systemd", "nftables", NULL };

static const struct field fields[] = {
	{ .name = "listen",
	  .type = FIELD_LIST,
	  .max = 8,
	  .of = &listen_row,
	  .help = "where the API listens on TCP, with mutual TLS: tcp://0.0.0.0:2376; none: what the "
		  "unit or daemon.hosts say",
	  .cis = TLS_CIS },
	{ .name = "from",
	  .type = FIELD_LIST,
	  .max = 256,
	  .of = &from_row,
	  .help = "networks that may connect to `listen` at all (10.0.0.0/8), besides this host; "
		  "none: everybody, and TLS alone stands in the way" },
	{ .name = "enforce",
	  .type = FIELD_ENUM,
	  .choices = enforces,
	  .help = "what holds `from`: systemd (IPAddressAllow= of docker.socket, cgroup v2), nftables "
		  "(a table of its own), auto",
	  .fallback = "auto" },
	{ .name = "ca",
	  .type = FIELD_PATH,
	  .help = "certificate of the CA that clients' certificates have to be of",
	  .cis = "2.7,3.9,3.10",
	  .fallback = "/etc/docker/tls/ca.pem" },
	{ .name = "ca-key",
	  .type = FIELD_PATH,
	  .help = "the CA's key, for `make`; it never leaves the host",
	  .fallback = "/etc/docker/tls/ca-key.pem" },
	{ .name = "cert",
	  .type = FIELD_PATH,
	  .help = "the server's certificate",
	  .cis = "2.7,3.11,3.12",
	  .fallback = "/etc/docker/tls/cert.pem" },
	{ .name = "key",
	  .type = FIELD_PATH,
	  .help = "the server's key",
	  .cis = "2.7,3.13,3.14",
	  .fallback = "/etc/docker/tls/key.pem" },
	{ .name = "names",
	  .type = FIELD_LIST,
	  .max = 32,
	  .of = &name_row,
	  .help = "host names and addresses that clients use for this host, besides those of "
		  "`listen`; with `make` and none: the host's own name" },
	{ .name = "make",
	  .type = FIELD_BOOL,
	  .help = "make CA, server and client certificates that are not there, and renew those that "
		  "were made",
	  .fallback = "false" },
	{ .name = "client-certificates",
	  .type = FIELD_LIST,
	  .max = 64,
	  .of = &client_row,
	  .help = "clients to make certificates for, in /etc/docker/tls/clients/NAME (a "
		  "DOCKER_CERT_PATH): who has one is root on this host" },
	{ .name = "days",
	  .type = FIELD_INT,
	  .min = 2,
	  .max = 825,
	  .help = "days that a made certificate is good for; a made CA is for ten years",
	  .fallback = "365" },
	{ .name = "renew-days",
	  .type = FIELD_INT,
	  .min = 1,
	  .max = 365,
	  .help = "days before it expires that a made certificate is renewed, and another's is told",
	  .fallback = "30" },
	{ 0 },
};

/* --- addresses --- */

int tls_address_parse(const char *text, struct tls_address *ret, const char **ret_why)
{
	struct tls_address a = { 0 };
	unsigned char raw[16];
	const char *p, *end;
	uint64_t port;
	size_t n;

	*ret_why = "tcp://ADDRESS:PORT, as in tcp://0.0.0.0:2376 or tcp://[::]:2376 (an address of "
		   "this host, no name)";
	if (!has_prefix(text, "tcp://"))
		return -EINVAL;
	p = text + strlen("tcp://");
	a.v6 = *p == '[';
	p += a.v6;
	end = strchr(p, a.v6 ? ']' : ':');
	n = end ? (size_t)(end - p) : sizeof(a.host);
	if (n >= sizeof(a.host))
		return -EINVAL;
	memcpy(a.host, p, n);
	end += a.v6;
	if (inet_pton(a.v6 ? AF_INET6 : AF_INET, a.host, raw) != 1 || *end != ':' ||
	    parse_u64(end + 1, &port) < 0 || !port || port > 65535)
		return -EINVAL;
	a.port = (unsigned)port;
	if (a.v6) {
		struct in6_addr v6;

		memcpy(&v6, raw, sizeof(v6));
		a.any = IN6_IS_ADDR_UNSPECIFIED(&v6);
		a.local = IN6_IS_ADDR_LOOPBACK(&v6);
	} else {
		a.any = !raw[0] && !raw[1] && !raw[2] && !raw[3];
		a.local = raw[0] == 127;
	}
	*ret = a;
	return 0;
}

/* An address alone is a network of one. */
static bool network_parse(const char *text, int *ret_family, unsigned char raw[16],
			  uint64_t *ret_bits)
{
	if (daemon_cidr(text, ret_family, raw, ret_bits))
		return true;
	if (inet_pton(AF_INET, text, raw) == 1) {
		*ret_family = AF_INET;
		*ret_bits = 32;
		return true;
	}
	if (inet_pton(AF_INET6, text, raw) == 1) {
		*ret_family = AF_INET6;
		*ret_bits = 128;
		return true;
	}
	return false;
}

const char *tls_network_wrong(const char *text)
{
	unsigned char raw[16];
	uint64_t bits;
	int family;

	if (!network_parse(text, &family, raw, &bits))
		return "a network or an address, as in 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32";
	for (size_t bit = bits; bit < (family == AF_INET ? 32 : 128); bit++)
		if (raw[bit / 8] & (0x80 >> (bit % 8)))
			return "a network without host bits, as in 10.0.0.0/8 (not 10.1.2.3/8)";
	return NULL;
}

bool tls_from_holds(const struct section *s, const char *address)
{
	unsigned char a[16], net[16];
	uint64_t bits;
	int family;
	json_t *v;
	size_t i;

	if (inet_pton(AF_INET, address, a) != 1)
		return false;
	json_array_foreach (section_get(s, "from"), i, v) {
		bool in = network_parse(json_string_value(v), &family, net, &bits) &&
			  family == AF_INET;

		for (size_t bit = 0; in && bit < bits; bit++)
			in = !((a[bit / 8] ^ net[bit / 8]) & (0x80 >> (bit % 8)));
		if (in)
			return true;
	}
	return false;
}

/* --- the plan --- */

static void check_twice(const struct section *s, const char *list, struct errs *out)
{
	const json_t *l = section_get(s, list);

	for (size_t i = 0; i < json_array_size(l); i++)
		for (size_t k = 0; k < i; k++)
			if (json_equal(json_array_get(l, i), json_array_get(l, k))) {
				char path[64];

				snprintf(path, sizeof(path), "%s[%zu]", list, i);
				errs_add(out, section_where(s, path), "tls.%s names \"%s\" twice",
					 list, json_string_value(json_array_get(l, i)));
				break;
			}
}

static void check_paths(const struct section *s, struct errs *out)
{
	static const char *const paths[] = { "ca", "ca-key", "cert", "key" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (size_t k = 0; k < i; k++)
			if (streq(section_str(s, paths[i]), section_str(s, paths[k])))
				errs_add(out, section_where(s, paths[i]),
					 "tls.%s and tls.%s are the same file, %s", paths[k],
					 paths[i], section_str(s, paths[i]));
}

/* What this section sets, the daemon section has not to say otherwise. */
static void check_daemon(const struct section *s, struct errs *out)
{
	static const char *const keys[] = { "tls", "tlsverify", "tlscacert", "tlscert", "tlskey" };
	const struct section *d = plan_section(s->plan, "daemon");
	json_t *v;
	size_t i;

	if (!d)
		return;
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (section_get(d, keys[i]))
			errs_add(out, section_where(d, keys[i]),
				 "`%s` stands beside a tls section, which sets it: take it out%s",
				 keys[i],
				 has_prefix(keys[i], "tls") && i >= 2
					 ? " and name the file in the tls section"
					 : "");
	if (!json_array_size(section_get(s, "listen")))
		return;
	json_array_foreach (section_get(d, "hosts"), i, v)
		if (has_prefix(json_string_value(v), "tcp:"))
			errs_add(
				out, section_where(d, "hosts"),
				"`hosts` names %s beside tls.listen, which owns TCP: move it there",
				json_string_value(v));
}

static void check(const struct section *s, struct errs *out)
{
	bool make = section_bool(s, "make", false);

	check_twice(s, "listen", out);
	check_twice(s, "from", out);
	check_twice(s, "names", out);
	check_twice(s, "client-certificates", out);
	check_paths(s, out);
	check_daemon(s, out);
	if (json_array_size(section_get(s, "from")) && !json_array_size(section_get(s, "listen")))
		errs_add(out, section_where(s, "from"),
			 "tls.from lets addresses in to tls.listen, and that is empty: write "
			 "listen: [\"tcp://0.0.0.0:2376\"]");
	if (json_array_size(section_get(s, "client-certificates")) && !make)
		errs_add(out, section_where(s, "client-certificates"),
			 "tls.client-certificates are made, and `make` is not true: write "
			 "make: true, or have them made where the CA is");
	if (section_int(s, "renew-days", 30) >= section_int(s, "days", 365))
		errs_add(out,
			 section_where(s, json_object_get(s->given, "renew-days") ? "renew-days"
										  : "days"),
			 "tls.renew-days (%lld) has to be less than tls.days (%lld), or "
			 "certificates would be made at each run",
			 section_int(s, "renew-days", 30), section_int(s, "days", 365));
}

static int applies(const struct section *s, const struct host *h, const char **ret_why,
		   struct err *e)
{
	const struct engine_cmdline *c;

	(void)s;
	if (engine_cmdline(h, &c, e) < 0)
		return e->code;
	if (c->installed)
		return 0;
	*ret_why = c->masked ? "docker.service is masked" : "Docker is not installed";
	return 1;
}

/* --- daemon.json --- */

static bool is_true(const char *flag)
{
	/* Go's strconv.ParseBool. */
	static const char *const words[] = { "1", "t", "T", "true", "True", "TRUE" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (streq(flag, words[i]))
			return true;
	return false;
}

/* What is wanted of the file: dockerd refuses a key that a flag sets, too. */
static int wanted_keys(struct tls_work *w, json_t **ret, struct err *e)
{
	static const struct {
		const char *key, *setting;
	} rows[] = {
		{ "tlsverify", NULL },
		{ "tlscacert", "ca" },
		{ "tlscert", "cert" },
		{ "tlskey", "key" },
	};
	_cleanup_json_ json_t *keys = json_object();

	if (!keys)
		return err_oom(e);
	for (size_t i = 0; w->s && i < ARRAY_SIZE(rows); i++) {
		const char *want = rows[i].setting ? section_str(w->s, rows[i].setting) : "true";
		const char *flag = NULL, *next;
		size_t pos = 0;

		while ((next = engine_cmdline_next(w->cmd, rows[i].key, &pos)))
			flag = next;
		if (flag && (rows[i].setting ? !streq(flag, want) : !is_true(flag)))
			errs_add(
				&w->out->refusals,
				rows[i].setting ? section_where(w->s, rows[i].setting) : NULL,
				"dockerd's command line has --%s=%s, and the plan wants %s: take it "
				"out of %s%s",
				rows[i].key, flag, want, host_prefix(w->h), w->cmd->source);
		if (!flag &&
		    json_object_set_new(keys, rows[i].key,
					rows[i].setting ? json_string(want) : json_true()) < 0)
			return err_oom(e);
	}
	*ret = TAKE_PTR(keys);
	return 0;
}

static int put_keys(struct tls_work *w, const char *path, const char *text, size_t len,
		    const struct daemon_merge *m, struct err *e)
{
	_cleanup_free_ char *content = NULL;
	const char *key;
	bool first = true;
	size_t n;
	json_t *v;
	int r = json_edit_object(text, len, m->edits, &content, &n, e);

	if (r < 0)
		return err_prefix(e, "%s%s", host_prefix(w->h), path);
	json_object_foreach (m->edits, key, v) {
		_cleanup_free_ char *value = NULL, *why = NULL;

		if (daemon_show(json_is_null(v) ? NULL : v, &value, e) < 0)
			return e->code;
		if (asprintf(&why, "%s: -> %s", key, value) < 0)
			return err_oom(e);
		r = first ? changes_file(w->out, w->h, path, content, n, CHANGE_KEEP_ATTRS, 0, 0,
					 TLS_NAME, "listen", TLS_CIS, why, e)
			  : changes_why(w->out, path, TLS_NAME, "listen", TLS_CIS, why, e);
		if (r < 0)
			return r;
		first = false;
	}
	return daemon_file_test(w->out, w->h, w->s ? w->s->plan : NULL, path, m->merged, e);
}

static int diff_keys(struct tls_work *w, const char *path, const json_t *was, struct err *e)
{
	_cleanup_json_ json_t *file = NULL, *wanted = NULL;
	_cleanup_merge_ struct daemon_merge m = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_(image_done) struct image now = { 0 };
	size_t len = 0;
	bool created;
	int r = host_read(w->h, path, DAEMON_FILE_MAX, &text, &len, e);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0 && !(text = strdup("")))
		return err_oom(e);
	if (host_image_now(w->h, path, &now, e) < 0)
		return e->code;
	r = json_parse_object(text, len, &file, e);
	if (r == -EINVAL) {
		/* The daemon module has said so. */
		if (!w->s || !plan_section(w->s->plan, "daemon"))
			errs_add(&w->out->refusals, NULL,
				 "%s%s:%s; nothing was touched, mend it first", host_prefix(w->h),
				 path, e->text);
		return 0;
	}
	if (r < 0 || wanted_keys(w, &wanted, e) < 0 ||
	    daemon_merge(file, wanted, json_object_get(was, "keys"), &m, e) < 0)
		return e->code;
	created = daemon_file_created(w->all, w->out, path) ||
		  (!now.exists && json_object_size(m.edits));
	for (size_t i = 0; i < json_array_size(m.forgotten); i++)
		if (changes_note(w->out, TLS_NAME, NULL, e,
				 "`%s` holds another value than we set in %s%s: it stays",
				 json_string_value(json_array_get(m.forgotten, i)),
				 host_prefix(w->h), path) < 0)
			return e->code;
	if (json_object_size(m.edits)) {
		if (created && now.exists && !json_object_size(m.merged))
			r = changes_remove_ours(w->out, w->h, path, text, len, TLS_NAME, NULL,
						"made by us, and nothing is left in it", e);
		else
			r = put_keys(w, path, text, len, &m, e);
	}
	if (r < 0 || !json_object_size(m.ours))
		return r < 0 ? r : 0;
	if (json_object_set_new(w->state, "path", json_string(path)) < 0 ||
	    json_object_set_new(w->state, "created", json_boolean(created)) < 0 ||
	    json_object_set(w->state, "keys", m.ours) < 0)
		return err_oom(e);
	return 0;
}

static int diff_daemon(struct tls_work *w, struct err *e)
{
	const char *old = json_string_value(json_object_get(w->was, "path"));
	const char *path = w->cmd->config;

	/* dockerd reads another file now: ours comes out of the one before. */
	if (old && !streq(old, path)) {
		struct tls_work before = {
			.was = w->was, .all = w->all, .h = w->h, .out = w->out, .cmd = w->cmd
		};
		int r;

		before.state = json_object();
		r = before.state ? diff_keys(&before, old, w->was, e) : err_oom(e);
		json_decref(before.state);
		if (r < 0)
			return r;
	}
	return diff_keys(w, path, old && streq(old, path) ? w->was : NULL, e);
}

/* --- the daemon --- */

/* Does a change of ours want dockerd to start anew? It reads certificates at its start alone. */
static bool daemon_reads(const struct tls_work *w)
{
	for (size_t i = 0; i < w->out->n; i++) {
		const struct change *c = w->out->list[i];
		bool ours = false;

		for (size_t k = 0; k < c->n_whys; k++)
			ours |= streq(c->whys[k].module, TLS_NAME);
		if (!ours || c->kind == CHANGE_ATTRS || c->kind == CHANGE_DIR)
			continue;
		if (streq(c->path, w->cmd->config) ||
		    (w->s && (streq(c->path, section_str(w->s, "ca")) ||
			      streq(c->path, section_str(w->s, "cert")) ||
			      streq(c->path, section_str(w->s, "key")))))
			return true;
	}
	return false;
}

static bool socket_asked(const struct tls_work *w)
{
	for (size_t i = 0; i < w->out->n_asks; i++)
		if (streq(w->out->asks[i].unit, DOCKER_SOCKET) &&
		    streq(w->out->asks[i].why.module, TLS_NAME))
			return true;
	return false;
}

static int ask_restart(struct tls_work *w, const char *unit, const char *const *settings,
		       const char *why, struct err *e)
{
	for (; *settings; settings++)
		if (changes_ask(w->out, unit, UNIT_RESTART, TLS_NAME, *settings, why, e) < 0)
			return e->code;
	return 0;
}

/* What was put off is asked for again while the daemon of then runs. */
static int ask_daemon(struct tls_work *w, struct err *e)
{
	static const char *const read[] = { "listen", "ca", "cert", "key", NULL };
	static const char *const bound[] = { "listen", "from", NULL };
	const char *was = json_string_value(json_object_get(w->was, "stale"));
	bool reads = daemon_reads(w), socket = socket_asked(w), stale;
	struct daemon_running run;
	int r = 0;

	if (!host_is_live(w->h))
		return 0;
	if (daemon_running_load(w->h, w->cmd, NULL, &run, e) < 0)
		return e->code;
	stale = run.up && was && streq(was, run.unit.invocation);
	if (!run.up || (!reads && !socket && !stale))
		return 0;
	if (stale && !socket && json_is_true(json_object_get(w->was, "stale-socket"))) {
		socket = true;
		r = ask_restart(w, DOCKER_SOCKET, bound, "docker.socket is bound as before", e);
	}
	if (r == 0 && (reads || stale))
		r = ask_restart(w, DOCKER_SERVICE, read,
				reads ? "dockerd reads certificates when it starts"
				      : "the running daemon is from before this",
				e);
	if (r == 0 &&
	    (json_object_set_new(w->state, "stale", json_string(run.unit.invocation)) < 0 ||
	     json_object_set_new(w->state, "stale-socket", json_boolean(socket)) < 0))
		return err_oom(e);
	return r;
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	struct tls_work w = { .s = s,
			      .was = was ? was->state : NULL,
			      .all = was ? was->all : NULL,
			      .h = h,
			      .out = out,
			      .now = (long long)time(NULL) };
	int r = engine_cmdline(h, &w.cmd, e);

	if (r < 0)
		return r;
	w.state = json_object();
	if (!w.state)
		return err_oom(e);
	r = tls_diff_files(&w, e);
	if (r == 0)
		r = diff_daemon(&w, e);
	if (r == 0)
		r = tls_diff_units(&w, e);
	if (r == 0)
		r = ask_daemon(&w, e);
	if (r == 0 && json_object_size(w.state))
		r = changes_remember(out, TLS_NAME, w.state, e);
	json_decref(w.state);
	return r;
}

const struct module module_tls = {
	.name = TLS_NAME,
	.summary = "the API on TCP: mutual TLS, its certificates, and who may connect",
	.fields = fields,
	.order = 24,
	.check = check,
	.applies = applies,
	.diff = diff,
	.verify = tls_verify,
};
