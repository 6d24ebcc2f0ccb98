/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does dockerd pull from a registry? It is asked to, for an image of a random digest: no content
 * has it, so nothing can come of it, whatever a registry answers. A refusal of ours carries its
 * mark. No connection at all proves nothing, unless another registry shows that the network is
 * there.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "../src/clock.h"
#include "registries.h"

#define PROBE_MS   4000	 /* one registry */
#define PROBES_MS  40000 /* all of them */
#define CONTROL_MS 1500
#define HOSTS_MS   6000 /* dockerd looks at /etc/hosts every 5 seconds (Go's net, cacheMaxAge) */
#define SAID_MAX   300

/* --- what dockerd says --- */

/* What only means of ours make it say. */
static const struct {
	const char *mark, *by;
} refusals[] = {
	{ REGISTRIES_MARK, "dockerd is sent nowhere by hosts.toml" },
	{ REGISTRIES_HOLE4, "dockerd is sent nowhere by /etc/hosts" },
	{ REGISTRIES_HOLE6, "dockerd is sent nowhere by /etc/hosts" },
	{ "All endpoints blocked", "dockerd: all endpoints blocked" }, /* Red Hat's */
	{ "\": Forbidden",
	  "the proxy answers dockerd with Forbidden" }, /* CONNECT, in Go's words */
};

static const char *const failures[] = {
	"no such host",
	"i/o timeout",
	"connection refused",
	"no route to host",
	"is unreachable",
	"deadline exceeded",
	"Client.Timeout",
	"handshake timeout",
	"request canceled",
	"connection reset",
	"server misbehaving",
	"operation not permitted",
	"proxyconnect",
	"authorization denied by plugin",
	"Bad Gateway",
	"Service Unavailable",
	"Gateway Time",
	"Proxy Authentication",
	"EOF",
	NULL,
};

static const char *const answers[] = {
	"not found",
	"manifest unknown",
	"name unknown",
	"unauthorized",
	"denied",
	"authentication",
	"x509:",
	"tls:",
	"HTTPS",
	"toomanyrequests",
	"unexpected status",
	"no basic auth",
	"failed to resolve reference",
	"unsupported",
	NULL,
};

static bool says(const char *said, const char *const *list)
{
	for (; *list; list++)
		if (strcasestr(said, *list))
			return true;
	return false;
}

static const char *message_of(const json_t *doc)
{
	const char *s = json_string_value(json_object_get(doc, "message"));

	if (!s)
		s = json_string_value(json_object_get(doc, "error"));
	return s ? s
		 : json_string_value(
			   json_object_get(json_object_get(doc, "errorDetail"), "message"));
}

/* The last thing it complains about, of a document a line. */
static int complaint(const char *text, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (const char *line = text, *eol; *line; line = *eol ? eol + 1 : eol) {
		json_t *doc = NULL;
		const char *s;
		int r;

		eol = strchrnul(line, '\n');
		r = json_load(line, (size_t)(eol - line), 0, &doc, NULL);
		if (r == -ENOMEM)
			return err_oom(e);
		s = r == 0 ? message_of(doc) : NULL;
		if (s) {
			b.len = 0;
			buf_add_shown(&b, s, " ");
		}
		json_decref(doc);
	}
	if (b.len > SAID_MAX) {
		b.len = SAID_MAX;
		buf_adds(&b, "...");
	}
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

int pull_judge(int status, const char *text, enum pull *ret, char **ret_said, struct err *e)
{
	_cleanup_free_ char *said = NULL;

	if (complaint(text, &said, e) < 0)
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (!strstr(said, refusals[i].mark))
			continue;
		*ret = PULL_REFUSED;
		*ret_said = strdup(refusals[i].by);
		return *ret_said ? 0 : err_oom(e);
	}
	if (says(said, failures))
		*ret = PULL_UNREACHED;
	else if (says(said, answers) || (status == 200 && !*said))
		*ret = PULL_ANSWERED;
	else
		*ret = PULL_UNREACHED;
	*ret_said = TAKE_PTR(said);
	return 0;
}

/* --- asking --- */

/* Where images of an entry would come from: for "all" and for wildcards a name that is nobody's. */
static void probe_name(const char *entry, char ret[REGISTRY_MAX + 32])
{
	if (streq(entry, REGISTRY_ALL))
		snprintf(ret, REGISTRY_MAX + 32, "bulkhead-probe.invalid");
	else if (registry_is_wildcard(entry))
		snprintf(ret, REGISTRY_MAX + 32, "bulkhead-probe%s", entry + 1);
	else
		snprintf(ret, REGISTRY_MAX + 32, "%s", registry_name(entry));
}

static int probe_path(const char *entry, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char name[REGISTRY_MAX + 32];
	unsigned char digest[32];

	if (getrandom(digest, sizeof(digest), 0) != (ssize_t)sizeof(digest))
		return err_sys(e, errno, "cannot draw a random digest");
	probe_name(entry, name);
	buf_adds(&b, "/images/create?fromImage=");
	for (const char *c = name; *c; c++)
		buf_addf(&b, strchr("[]:", *c) ? "%%%02X" : "%c", (unsigned char)*c);
	buf_adds(&b, "/bulkhead-probe&tag=sha256:");
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_addf(&b, "%02x", digest[i]);
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

struct look {
	const struct registries *r;
	struct findings *out;
	int64_t deadline;
	const char *alive; /* a registry that dockerd reaches: the network is there */
	const char *offline;
};

static int probe_once(const struct look *l, const char *entry, enum pull *ret, char **ret_said,
		      struct err *e)
{
	int64_t left = l->deadline - clock_ms();
	_cleanup_free_ char *path = NULL, *text = NULL;
	int status, r;

	*ret = PULL_UNREACHED;
	if (left <= 0) {
		*ret_said = strdup("there was no time left to ask dockerd");
		return *ret_said ? 0 : err_oom(e);
	}
	if (probe_path(entry, &path, e) < 0)
		return e->code;
	r = engine_post(l->r->h, path, left < PROBE_MS ? (unsigned)left : PROBE_MS, &status, &text,
			e);
	if (r == -ETIMEDOUT) {
		*ret_said = strdup("no connection in time");
		return *ret_said ? 0 : err_oom(e);
	}
	return r < 0 ? r : pull_judge(status, text, ret, ret_said, e);
}

/* How long until dockerd must have read /etc/hosts as it is; 0: it has. */
static int hosts_wait(const struct look *l)
{
	struct timespec now;
	struct stat st;
	struct err ignored;
	int64_t age;

	if (!(l->r->means & MEANS_HOSTS) || host_stat(l->r->h, "/etc/hosts", &st, &ignored) < 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	age = ((int64_t)now.tv_sec - st.st_mtim.tv_sec) * 1000;
	return age < 0 || age >= HOSTS_MS ? 0 : (int)(HOSTS_MS - age);
}

/* What came of asking for one entry; `unwanted` may be of before. -ENOTCONN and others: dockerd
 * could not be asked. */
static int probe(const struct look *l, const char *entry, enum pull unwanted, enum pull *ret,
		 char **ret_said, struct err *e)
{
	int r = probe_once(l, entry, ret, ret_said, e), wait;

	if (r < 0 || *ret != unwanted)
		return r;
	wait = hosts_wait(l);
	if (!wait)
		return 0;
	poll(NULL, 0, wait);
	free(*ret_said);
	*ret_said = NULL;
	return probe_once(l, entry, ret, ret_said, e);
}

/* Does this program, which IPAddressDeny= doesn't touch, get a connection? False also where it may
 * make none (Landlock). */
static bool is_there(const char *entry)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *port = strrchr(entry, ':');
	_cleanup_close_ int fd = -1;
	char host[REGISTRY_MAX];
	uint64_t number = 443;
	socklen_t len = sizeof(int);
	struct pollfd p;
	bool six;
	int failed = 0, r;

	registry_host(entry, host);
	if (port && port[1] && !strchr(port, ']') && parse_u64(port + 1, &number) < 0)
		return false;
	in.sin_port = in6.sin6_port = htons((uint16_t)number);
	six = inet_pton(AF_INET, host, &in.sin_addr) != 1;
	if (six && inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
		return false;
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	r = six ? connect(fd, (struct sockaddr *)&in6, sizeof(in6))
		: connect(fd, (struct sockaddr *)&in, sizeof(in));
	if (r == 0 || errno != EINPROGRESS)
		return r == 0;
	p = (struct pollfd){ .fd = fd, .events = POLLOUT };
	return poll(&p, 1, CONTROL_MS) == 1 &&
	       getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && !failed;
}

/* --- findings --- */

static int add(const struct look *l, const char *setting, const char *entry, bool blocked,
	       enum finding_state state, const char *found, const char *why, struct err *e)
{
	_cleanup_free_ char *wanted = NULL;

	if (asprintf(&wanted, "%s %s", entry, blocked ? "refused" : "reachable") < 0)
		return err_oom(e);
	return findings_add(l->out, REGISTRIES, setting, NULL, state, wanted, found, why, e);
}

static int verify_allowed(struct look *l, const char *setting, const char *entry, struct err *e)
{
	_cleanup_free_ char *said = NULL;
	enum pull pull;
	int r = probe(l, entry, PULL_REFUSED, &pull, &said, e);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return add(l, setting, entry, false, FINDING_SKIPPED, NULL, e->text, e);
	if (pull == PULL_ANSWERED) {
		l->alive = entry;
		return add(l, setting, entry, false, FINDING_OK, NULL,
			   "dockerd pulls from there: POST /images/create", e);
	}
	if (pull == PULL_REFUSED ||
	    ((l->r->means & MEANS_NETWORK) && registry_is_address(entry) && is_there(entry)))
		return add(l, setting, entry, false, FINDING_DRIFT, "refused", said, e);
	return add(l, setting, entry, false, FINDING_SKIPPED, NULL, said, e);
}

static int blocked_why(const struct look *l, bool there, char **ret, struct err *e)
{
	if (asprintf(ret, "dockerd gets no connection, %s%s (IPAddressDeny=)",
		     there ? "this program does" : "though it reaches ", there ? "" : l->alive) < 0)
		return err_oom(e);
	return 0;
}

static int verify_blocked(struct look *l, const char *setting, const char *entry, struct err *e)
{
	unsigned by = registries_covers(l->r, entry);
	_cleanup_free_ char *said = NULL, *why = NULL;
	bool named = !registry_is_wildcard(entry) && !streq(entry, REGISTRY_ALL), there;
	enum pull pull;
	int r;

	/* No connection would prove nothing: to whom? */
	if (by == MEANS_NETWORK && !named)
		return add(l, setting, entry, true, FINDING_SKIPPED, NULL,
			   "IPAddressDeny= is shown by an address that `block` names", e);
	r = probe(l, entry, PULL_ANSWERED, &pull, &said, e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return add(l, setting, entry, true, FINDING_SKIPPED, NULL, e->text, e);
	if (pull == PULL_REFUSED)
		return add(l, setting, entry, true, FINDING_OK, NULL, said, e);
	if (pull == PULL_ANSWERED) {
		if (asprintf(&why, "%s%s",
			     by ? "dockerd reaches it: "
				: "nothing here can keep dockerd "
				  "from it: ",
			     said) < 0)
			return err_oom(e);
		return add(l, setting, entry, true, by ? FINDING_DRIFT : FINDING_SKIPPED,
			   "reachable", why, e);
	}
	if (!(by & MEANS_NETWORK) || !named || !registry_is_address(entry))
		return add(l, setting, entry, true, FINDING_SKIPPED, NULL, said, e);
	there = is_there(entry);
	if (!there && !l->alive)
		return add(l, setting, entry, true, FINDING_SKIPPED, NULL, said, e);
	if (blocked_why(l, there, &why, e) < 0)
		return e->code;
	return add(l, setting, entry, true, FINDING_OK, NULL, why, e);
}

static int verify_list(struct look *l, const char *list, bool blocked, struct err *e)
{
	const json_t *names = blocked ? l->r->block : l->r->allow;
	char setting[32];
	int r = 0;
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(names), i, v) {
		const char *entry = json_string_value(v);

		snprintf(setting, sizeof(setting), "%s[%zu]", list, i);
		if (l->offline)
			r = add(l, setting, entry, blocked, FINDING_SKIPPED, NULL, l->offline, e);
		else
			r = blocked ? verify_blocked(l, setting, entry, e)
				    : verify_allowed(l, setting, entry, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int verify_means(const struct look *l, struct err *e)
{
	const char *why = NULL;
	char means[128];

	if (!json_array_size(l->r->block) && !l->r->proxy)
		return 0;
	registries_means_text(l->r->means, means, sizeof(means));
	if (!l->r->means && l->r->cmd->installed)
		why = "nothing on this host can keep dockerd to the lists";
	else if (!l->r->means && l->r->all && json_array_size(l->r->block) == 1)
		why = "registries.conf, which is what there is to write, can't block all";
	if (why)
		return findings_add(l->out, REGISTRIES, "enforce", NULL, FINDING_SKIPPED,
				    l->r->enforce, NULL, why, e);
	return findings_add(l->out, REGISTRIES, "enforce", NULL, FINDING_OK, l->r->enforce, NULL,
			    l->r->means ? means : l->r->tools, e);
}

static int verify_proxy(const struct look *l, struct err *e)
{
	_cleanup_json_ json_t *wanted = NULL;
	_cleanup_proof_ struct proof p = { 0 };
	enum finding_state state = FINDING_SKIPPED;

	if (!(l->r->means & MEANS_PROXY))
		return 0;
	wanted = json_pack("{s:s, s:s}", "http-proxy", l->r->proxy, "https-proxy", l->r->proxy);
	if (!wanted)
		return err_oom(e);
	if (l->r->run.seen.info &&
	    daemon_prove(field_find(daemon_keys, "proxies"), wanted, &l->r->run.seen, &p, e) < 0)
		return e->code;
	if (p.state == PROOF_OK)
		state = FINDING_OK;
	else if (p.state == PROOF_DIFFERS)
		state = FINDING_DRIFT;
	return findings_add(
		l->out, REGISTRIES, "proxy", NULL, state, l->r->proxy, NULL,
		state == FINDING_SKIPPED ? l->r->run.seen.info ? p.why : l->r->run.why : p.by, e);
}

int registries_verify(const struct section *s, const struct previous *was, const struct host *h,
		      struct findings *out, struct err *e)
{
	_cleanup_registries_ struct registries r = { 0 };
	struct look l = { .r = &r, .out = out, .deadline = clock_ms() + PROBES_MS };

	(void)was;
	if (registries_load(s, h, &r, e) < 0)
		return e->code;
	if (!host_is_live(h))
		l.offline = "offline: no daemon to ask";
	else if (!r.cmd->installed)
		l.offline = "no dockerd to ask: what podman and its kin do is in registries.conf.d";
	else if (!r.run.seen.info)
		l.offline = r.run.why;
	if (verify_means(&l, e) < 0 || verify_proxy(&l, e) < 0)
		return e->code;
	/* Those that answer first: they show that there is a network. */
	if (verify_list(&l, "allow", false, e) < 0)
		return e->code;
	return verify_list(&l, "block", true, e);
}
