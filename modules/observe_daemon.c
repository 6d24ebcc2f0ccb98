/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the running daemon was told, by its file, its unit and docker.socket, beside what the plan
 * says of it: TCP ports, and settings that a benchmark asks for.
 *
 * Whose socket a port is, /proc shows to CAP_SYS_PTRACE only, which no run of ours has: looked for
 * are the ports that the daemon is told to open.
 */
#include <arpa/inet.h>

#include "../src/buf.h"
#include "daemon_cis.h"
#include "daemon_host.h"
#include "daemon_rules.h"
#include "observe.h"
#include "unitfile.h"

#define NET_MAX	  (16 * 1024 * 1024)
#define PORTS_MAX 64

/* --- the configuration --- */

static void doc_done(struct daemon_doc *d)
{
	json_decref(json_readonly(d->doc));
}

/* File and flags. A file that can't be read is the daemon module's to tell; what it says isn't
 * known then. */
static int doc_load(const struct host *h, struct daemon_doc *ret, struct err *e)
{
	const struct engine_cmdline *c = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *doc = NULL;
	size_t len;
	int r;

	*ret = (struct daemon_doc){ .host = h, .config = DAEMON_JSON };
	r = engine_cmdline(h, &c, e);
	if (r == -ENOMEM)
		return r;
	if (r == 0 && c->installed) {
		ret->cmdline = c;
		ret->config = c->config;
	}
	r = host_read(h, ret->config, DAEMON_FILE_MAX, &text, &len, e);
	if (r == 0)
		r = json_parse_object(text, len, &doc, e);
	if (r == -ENOMEM)
		return r;
	ret->doc = doc ? doc : json_object();
	return ret->doc ? 0 : err_oom(e);
}

/* --- TCP --- */

/* A port that the daemon is told to open, and what for. */
struct told {
	unsigned port;
	const char *what; /* "metrics"; NULL: the API */
};

struct ports {
	struct told list[PORTS_MAX];
	size_t n;
	struct buf api, other; /* those that listen */
	size_t n_api, n_other;
};

static void ports_done(struct ports *p)
{
	buf_done(&p->api);
	buf_done(&p->other);
}

static void tell_port(struct ports *p, unsigned long port, const char *what)
{
	if (port && port <= 65535 && p->n < PORTS_MAX)
		p->list[p->n++] = (struct told){ (unsigned)port, what };
}

/* "tcp://0.0.0.0:2375", "127.0.0.1:9323", "[::]:2376", "2375". */
static void tell_address(struct ports *p, const char *address, const char *what)
{
	const char *colon = strrchr(address, ':');
	const char *digits = colon ? colon + 1 : address;

	if (has_prefix(address, "tcp:") && colon == address + 3) {
		/* No port: Docker's own, one of them with TLS. */
		tell_port(p, 2375, what);
		tell_port(p, 2376, what);
	} else if (*digits >= '0' && *digits <= '9') {
		tell_port(p, strtoul(digits, NULL, 10), what);
	}
}

/* Where the API is on TCP by file, flags and docker.socket: `fn` gets each address, and who says
 * so.
 */
static int each_api(const struct host *h, const struct daemon_doc *d,
		    int (*fn)(void *arg, const char *address, const char *source, struct err *e),
		    void *arg, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const struct unitfile_setting *x;
	const char *host;
	size_t i, pos = 0;
	json_t *v;
	int r = 0;

	json_array_foreach (doc_get(d, "hosts"), i, v)
		if (r == 0 && json_is_string(v) && has_prefix(json_string_value(v), "tcp:"))
			r = fn(arg, json_string_value(v), d->config, e);
	while (r == 0 && d->cmdline && (host = engine_cmdline_next(d->cmdline, "hosts", &pos)))
		if (has_prefix(host, "tcp:"))
			r = fn(arg, host, d->cmdline->source, e);
	if (r < 0)
		return r;
	r = unitfile_load(h, DOCKER_SOCKET, &u, e);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	pos = 0;
	while (r == 0 && (x = unitfile_next(&u, "Socket", "ListenStream", &pos)))
		if (x->value[0] != '/' && x->value[0] != '%' && x->value[0] != '@')
			r = fn(arg, x->value, x->file, e);
	return r;
}

static int tell_api(void *arg, const char *address, const char *source, struct err *e)
{
	(void)source;
	(void)e;
	tell_address(arg, address, NULL);
	return 0;
}

static int tell_all(const struct host *h, const struct daemon_doc *d, const json_t *info,
		    struct ports *p, struct err *e)
{
	const char *state = json_string_value(
		json_object_get(json_object_get(info, "Swarm"), "LocalNodeState"));
	const char *metrics = doc_str(d, "metrics-addr");
	const json_t *diagnostic = doc_get(d, "network-diagnostic-port");

	if (metrics)
		tell_address(p, metrics, "metrics");
	if (json_is_integer(diagnostic))
		tell_port(p, (unsigned long)json_integer_value(diagnostic), "network diagnostic");
	if (state && *state && !streq(state, "inactive")) {
		tell_port(p, 2377, "swarm");
		tell_port(p, 7946, "swarm");
	}
	return each_api(h, d, tell_api, p, e);
}

/* A listening socket: is it one of those? */
static void listens(struct ports *p, const char *address, unsigned port)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct told *t = &p->list[i];
		struct buf *b = t->what ? &p->other : &p->api;
		size_t *n = t->what ? &p->n_other : &p->n_api;

		if (t->port != port)
			continue;
		buf_addf(b, strchr(address, ':') ? "%s[%s]:%u" : "%s%s:%u", (*n)++ ? ", " : "",
			 address, port);
		if (t->what)
			buf_addf(b, " (%s)", t->what);
		return;
	}
}

/* proc_pid_net(5): addresses are words in the host's byte order; 0A is LISTEN. */
static void net_line(struct ports *p, const char *line)
{
	char hex[40] = "", text[INET6_ADDRSTRLEN];
	unsigned port, state;
	uint32_t word[4];
	size_t words;

	if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x", hex, &port, &state) != 3 ||
	    state != 0x0a)
		return;
	words = strlen(hex) / 8;
	for (size_t i = 0; i < words && i < ARRAY_SIZE(word); i++)
		if (sscanf(hex + i * 8, "%8x", &word[i]) != 1)
			return;
	if ((words == 1 || words == 4) &&
	    inet_ntop(words == 1 ? AF_INET : AF_INET6, word, text, sizeof(text)))
		listens(p, text, port);
}

static int net_read(const struct host *h, uint32_t pid, const char *name, struct ports *p,
		    struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *save, *line;
	size_t len;
	int r;

	snprintf(path, sizeof(path), "/proc/%u/net/%s", pid, name);
	r = host_read(h, path, NET_MAX, &text, &len, e);
	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		net_line(p, line);
	return 0;
}

/* Does the process run with what its file and its unit say now? NULL: it does, else why not. */
static int outdated(const struct host *h, const struct daemon_doc *d, uint32_t pid,
		    uint64_t since_us, const char **ret_why, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *at, **arg;
	struct stat st;
	size_t len;
	int r;

	*ret_why = NULL;
	r = host_stat(h, d->config, &st, e);
	if (r == 0 && daemon_file_us(h, d->config, &st) > since_us)
		*ret_why = "the file is newer than the running daemon";
	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	r = host_read(h, path, HOST_READ_MAX, &text, &len, e);
	if (r == -ENOMEM)
		return r;
	at = text;
	arg = d->cmdline ? d->cmdline->argv : NULL;
	for (; r == 0 && arg && *arg && at < text + len && streq(*arg, at); arg++)
		at += strlen(at) + 1;
	if (!*ret_why && (r < 0 || !arg || *arg || at < text + len))
		*ret_why = "the running daemon's command line is not its unit's";
	return 0;
}

static int add_ports(const struct daemon_doc *d, const struct ports *p, const char *outdated_why,
		     struct findings *out, struct err *e)
{
	bool verified = doc_bool(d, "tlsverify", false);

	if (p->api.failed || p->other.failed)
		return err_oom(e);
	/* What it was told when it started isn't known: no port found is no proof of none. */
	if (!p->n_api && outdated_why)
		return findings_add(out, OBSERVE, "tcp-api", "2.7", FINDING_SKIPPED, NULL, NULL,
				    outdated_why, e);
	if (findings_add(out, OBSERVE, "tcp-api", !p->n_api || !verified ? "2.7" : NULL,
			 p->n_api ? FINDING_NOTED : FINDING_OK, NULL,
			 p->n_api ? p->api.data : "none",
			 !p->n_api  ? "none of its addresses is TCP and listens: /proc/PID/net/tcp"
			 : verified ? "asks for client certificates"
				    : "without tlsverify: who reaches it is root on this host",
			 e) < 0)
		return e->code;
	return findings_add(out, OBSERVE, "tcp-other", NULL,
			    p->n_other ? FINDING_NOTED : FINDING_OK, NULL,
			    p->n_other ? p->other.data : "none",
			    p->n_other ? "open without authentication: keep strangers away"
				       : "/proc/PID/net/tcp",
			    e);
}

int observe_ports(const struct host *h, const json_t *info, uint32_t pid, uint64_t since_us,
		  struct findings *out, struct err *e)
{
	const char *why = NULL;
	_cleanup_(doc_done) struct daemon_doc d = { 0 };
	_cleanup_(ports_done) struct ports p = { .n = 0 };
	int r = doc_load(h, &d, e);

	if (r == 0)
		r = tell_all(h, &d, info, &p, e);
	if (r < 0)
		return r;
	r = net_read(h, pid, "tcp", &p, e);
	if (r == 0) {
		r = net_read(h, pid, "tcp6", &p, e);
		/* A kernel without IPv6 has no such file. */
		if (r == -ENOENT)
			r = 0;
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(out, OBSERVE, "tcp-api", NULL, FINDING_SKIPPED, NULL, NULL,
				    e->text, e);
	r = outdated(h, &d, pid, since_us, &why, e);
	return r < 0 ? r : add_ports(&d, &p, why, out, e);
}

struct plaintext {
	const struct host *host;
	struct findings *out;
};

static int add_plaintext(void *arg, const char *address, const char *source, struct err *e)
{
	const struct plaintext *p = arg;
	_cleanup_free_ char *why = NULL;

	if (asprintf(
		    &why,
		    "opened by %s%s: no client has to show a certificate, who reaches it is root on "
		    "this host. Take it out there, or have clients show one by a section of the "
		    "plan: tls: {make: true, client-certificates: [NAME]}",
		    host_prefix(p->host), source) < 0)
		return err_oom(e);
	return findings_add(p->out, "daemon", "hosts", "2.7", FINDING_FAILED,
			    "client certificates on TCP", address, why, e);
}

int observe_plaintext(const struct section *s, const struct host *h, struct findings *out,
		      struct err *e)
{
	_cleanup_(doc_done) struct daemon_doc d = { 0 };
	struct plaintext p = { h, out };
	int r;

	if (!plan_section(s->plan, "daemon") || plan_section(s->plan, "tls"))
		return 0;
	r = doc_load(h, &d, e);
	return r < 0 || doc_bool(&d, "tlsverify", false) ? r
							 : each_api(h, &d, add_plaintext, &p, e);
}

/* --- what a benchmark asks for --- */

/* Settings whose default is what is asked. */
static const struct {
	const char *key, *fallback; /* as JSON; NULL: that it isn't set */
} defaults[] = {
	{ "log-level", "\"info\"" },
	{ "debug", "false" },
	{ "iptables", "true" },
	{ "insecure-registries", "[]" },
	{ "seccomp-profile", "\"builtin\"" },
	{ "cgroup-parent", NULL },
};

/* What flag or file say of a key, as text for people; NULL in *ret: nothing. */
static int said(const struct daemon_doc *d, const char *key, char **ret, struct err *e)
{
	const json_t *v = doc_get(d, key);
	const char *flag = d->cmdline ? engine_cmdline_flag(d->cmdline, key) : NULL;

	*ret = NULL;
	if (v)
		return daemon_show(v, ret, e);
	if (flag && !(*ret = strdup(flag)))
		return err_oom(e);
	return 0;
}

/* Nothing says otherwise: what does the daemon show? */
static int add_default(const struct field *f, const char *fallback, const struct daemon_seen *seen,
		       struct findings *out, struct err *e)
{
	_cleanup_proof_ struct proof p = { 0 };
	_cleanup_json_ json_t *want = NULL;
	_cleanup_free_ char *found = NULL;

	if (fallback && json_load(fallback, strlen(fallback), JSON_DECODE_ANY, &want, NULL) < 0)
		return err_oom(e);
	if (want && daemon_prove(f, want, seen, &p, e) < 0)
		return e->code;
	if (p.found && daemon_show(p.found, &found, e) < 0)
		return e->code;
	if (p.state == PROOF_DIFFERS)
		return findings_add(out, OBSERVE, f->name, f->cis, FINDING_NOTED,
				    daemon_key_asked(f->name), found, p.by, e);
	return findings_add(
		out, OBSERVE, f->name, f->cis, p.state == PROOF_OK ? FINDING_OK : FINDING_SKIPPED,
		daemon_key_asked(f->name), NULL,
		p.state == PROOF_OK
			? p.by
			: "Docker's default, and nothing says otherwise; no API field shows it",
		e);
}

/* Does the file, or else a flag, say what is the default? */
static bool says_default(const struct daemon_doc *d, const struct field *f, const char *fallback)
{
	const json_t *v = doc_get(d, f->name);
	const char *flag;
	size_t n, pos = 0;

	if (!fallback)
		return false;
	if (v)
		return daemon_key_cis(f, v) != NULL;
	flag = d->cmdline ? engine_cmdline_next(d->cmdline, f->name, &pos) : NULL;
	n = strlen(fallback);
	if (*fallback == '"') {
		fallback++;
		n -= 2;
	}
	return flag && strlen(flag) == n && !strncmp(flag, fallback, n);
}

static int look_at_default(size_t i, const struct daemon_doc *d, const struct daemon_seen *seen,
			   struct findings *out, struct err *e)
{
	const struct field *f = field_find(daemon_keys, defaults[i].key);
	_cleanup_free_ char *text = NULL, *why = NULL;

	if (said(d, f->name, &text, e) < 0)
		return e->code;
	if (!text || says_default(d, f, defaults[i].fallback))
		return add_default(f, defaults[i].fallback, seen, out, e);
	if (asprintf(&why, "by %s; the plan doesn't name it",
		     doc_get(d, f->name) ? d->config : d->cmdline->source) < 0) {
		why = NULL;
		return err_oom(e);
	}
	return findings_add(out, OBSERVE, f->name, f->cis, FINDING_NOTED, daemon_key_asked(f->name),
			    text, why, e);
}

/* aufs, and devicemapper's size of a container's device: the driver's name tells. */
static int look_at_driver(const json_t *info, bool named, struct findings *out, struct err *e)
{
	const char *driver = json_string_value(json_object_get(info, "Driver"));
	bool aufs = driver && streq(driver, "aufs");
	bool mapper = driver && streq(driver, "devicemapper");

	if (!named && findings_add(out, OBSERVE, "storage-driver", "2.6",
				   !driver ? FINDING_SKIPPED
				   : aufs  ? FINDING_NOTED
					   : FINDING_OK,
				   "any but aufs", driver,
				   driver ? "GET /info: Driver" : "dockerd names none", e) < 0)
		return e->code;
	return findings_add(out, OBSERVE, "base-device", "2.11",
			    driver && !mapper ? FINDING_OK : FINDING_SKIPPED, NULL, driver,
			    !driver  ? "dockerd names no storage driver"
			    : mapper ? "no API field shows whether dm.basesize was changed"
				     : "GET /info: this storage driver has no base device",
			    e);
}

/* Who asks the plugin is the daemon's to say; that none is asked, too. */
static int look_at_authorization(const json_t *info, struct findings *out, struct err *e)
{
	const json_t *plugins = json_object_get(json_object_get(info, "Plugins"), "Authorization");
	_cleanup_free_ char *names = NULL;
	bool any = json_array_size(plugins) > 0;

	if (any && daemon_show(plugins, &names, e) < 0)
		return e->code;
	return findings_add(out, OBSERVE, "authorization-plugins", "2.12",
			    any ? FINDING_OK : FINDING_SKIPPED,
			    daemon_key_asked("authorization-plugins"), names,
			    any ? "GET /info: Plugins"
				: "this host has none: who reaches Docker's socket may ask for all",
			    e);
}

/* The plan wants something else than a control asks: it is what stands, and no more than told. */
static int look_at_plan(const struct section *s, struct findings *out, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach (s->given, key, v) {
		const struct field *f = field_find(daemon_keys, key);
		_cleanup_free_ char *text = NULL;

		if (!f || !f->cis || daemon_key_cis(f, v))
			continue;
		if (daemon_show(v, &text, e) < 0 ||
		    findings_add(out, OBSERVE, key, f->cis, FINDING_NOTED, daemon_key_asked(key),
				 text, "the plan wants it so", e) < 0)
			return e->code;
	}
	return 0;
}

int observe_defaults(const struct section *s, const struct host *h, const json_t *info,
		     struct findings *out, struct err *e)
{
	const struct section *plan = plan_section(s->plan, "daemon");
	const json_t *given = plan ? plan->given : NULL;
	struct daemon_seen seen = { .info = info, .host = h };
	_cleanup_(doc_done) struct daemon_doc d = { 0 };
	int r = doc_load(h, &d, e);

	for (size_t i = 0; i < ARRAY_SIZE(defaults) && r == 0; i++)
		if (!json_object_get(given, defaults[i].key))
			r = look_at_default(i, &d, &seen, out, e);
	if (r == 0)
		r = look_at_driver(info, json_object_get(given, "storage-driver") != NULL, out, e);
	if (r == 0 && !json_object_get(given, "authorization-plugins"))
		r = look_at_authorization(info, out, e);
	if (r == 0 && plan)
		r = look_at_plan(plan, out, e);
	return r;
}
