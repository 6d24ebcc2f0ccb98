/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules between the keys of daemon.json: what `dockerd --validate` lets pass and the start (or the
 * next container) does not survive, and what silently turns a protection off. Measured on 20.10,
 * 26.1, 28.5 and 29.7; most of it is moby's daemon.verifyDaemonSettings, which only a start runs.
 */
#include <arpa/inet.h>
#include <limits.h>

#include "../src/accounts.h"
#include "../src/buf.h"
#include "daemon_rules.h"

#define SECCOMP_MAX (4 * 1024 * 1024)

/* --- reading the document --- */

/* What a flag of the command line says, or NULL. Flags and file are one configuration. */
static const char *flag_value(const struct daemon_doc *d, const char *key)
{
	size_t pos = 0;

	return d->cmdline ? engine_cmdline_next(d->cmdline, key, &pos) : NULL;
}

const json_t *doc_get(const struct daemon_doc *d, const char *key)
{
	return json_member(d->doc, key);
}

bool doc_bool(const struct daemon_doc *d, const char *key, bool otherwise)
{
	const json_t *v = doc_get(d, key);
	const char *flag;

	if (json_is_boolean(v))
		return json_is_true(v);
	flag = flag_value(d, key);
	return flag ? streq(flag, "true") || streq(flag, "1") : otherwise;
}

const char *doc_str(const struct daemon_doc *d, const char *key)
{
	const json_t *v = doc_get(d, key);
	const char *s = json_is_string(v) ? json_string_value(v) : flag_value(d, key);

	return s && *s ? s : NULL;
}

bool in_list(const char *const *list, const char *s)
{
	for (; *list; list++)
		if (streq(*list, s))
			return true;
	return false;
}

const char *did_you_mean(char hint[HINT_MAX], const char *near)
{
	if (!near)
		return "";
	snprintf(hint, HINT_MAX, " (did you mean %s?)", near);
	return hint;
}

/* A member of an object, or of one of its maps: "log-opts.max-size". */
static const json_t *deep_member(const json_t *object, const char *key)
{
	const char *dot = strchr(key, '.');
	char top[64];

	if (!dot)
		return json_member(object, key);
	snprintf(top, sizeof(top), "%.*s", (int)(dot - key), key);
	return json_member(json_member(object, top), dot + 1);
}

void tell(const struct daemon_doc *d, enum harm harm, const char *const *keys, const char *fmt, ...)
{
	struct errs *to = harm == FATAL ? d->fatal : d->warnings;
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *where = NULL;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	for (const char *const *k = keys; *k; k++) {
		if (!deep_member(d->plan, *k)) {
			if (deep_member(d->doc, *k))
				buf_addf(&text, "; `%s` stands in %s", *k, d->config);
			else if (flag_value(d, *k))
				buf_addf(&text, "; `%s` is on dockerd's command line, %s", *k,
					 d->cmdline->source);
		} else if (to != d->mistakes) {
			to = d->mistakes;
			where = d->section ? section_where(d->section, *k) : NULL;
		}
	}
	if (!to)
		return;
	if (text.failed)
		to->failed = true;
	else
		errs_add(to, where, "%s", text.data);
}

/* --- keys this engine does not know --- */

/* Flags that are no keys: dockerd takes them in the file and ignores them. */
static const struct {
	const char *name, *right;
} ignored[] = {
	{ "add-runtime", "runtimes" },
	{ "authorization-plugin", "authorization-plugins" },
	{ "cdi-spec-dir", "cdi-spec-dirs" },
	{ "containerd-plugins-namespace", NULL },
	{ "default-address-pool", "default-address-pools" },
	{ "default-ulimit", "default-ulimits" },
	{ "dns-opt", "dns-opts" },
	{ "exec-opt", "exec-opts" },
	{ "feature", "features" },
	{ "help", NULL },
	{ "host", "hosts" },
	{ "http-proxy", "proxies: {http-proxy}" },
	{ "https-proxy", "proxies: {https-proxy}" },
	{ "insecure-registry", "insecure-registries" },
	{ "label", "labels" },
	{ "log-opt", "log-opts" },
	{ "no-proxy", "proxies: {no-proxy}" },
	{ "node-generic-resource", "node-generic-resources" },
	{ "registry-mirror", "registry-mirrors" },
	{ "restart", NULL },
	{ "storage-opt", "storage-opts" },
	{ "version", NULL },
};

static void rule_stranger(const struct daemon_doc *d, const char *key, const json_t *v)
{
	const char *name;
	json_t *m;

	if ((streq(key, "block-registry") || streq(key, "add-registry")) && d->cmdline &&
	    engine_is_redhat(d->cmdline, d->engine))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		if (streq(ignored[i].name, key)) {
			tell(d, UNSAFE, KEYS(key), "dockerd ignores `%s` in its file%s%s", key,
			     ignored[i].right ? "; the key is " : "",
			     ignored[i].right ? ignored[i].right : "");
			return;
		}
	if (!json_is_object(v)) {
		tell(d, FATAL, KEYS(key), "no Docker version knows the key `%s`: it does not start",
		     key);
		return;
	}
	/* getConflictFreeConfiguration flattens objects of unknown names one level: booleans in
	 * them take effect, the rest is dropped. */
	json_object_foreach (json_readonly(v), name, m)
		if (json_is_boolean(m) && field_find(daemon_keys, name))
			tell(d, UNSAFE, KEYS(name, key),
			     "`%s` inside the unknown key `%s` takes effect as if it stood at the "
			     "top",
			     name, key);
}

static void rule_known(const struct daemon_doc *d)
{
	const char *key;
	json_t *v;

	json_object_foreach (json_readonly(d->doc), key, v) {
		const struct field *f = field_find(daemon_keys, key);
		const struct daemon_key *k = daemon_key_of(f);
		char series[80];

		if (json_is_null(v))
			continue;
		if (!f || (k->refused && !json_member(d->plan, key))) {
			rule_stranger(d, key, v);
		} else if (k->refused) {
			tell(d, FATAL, KEYS(key), "`%s`: %s", key, k->refused);
		} else if (!daemon_key_known(f, d->engine)) {
			if (daemon_key_shipped(d->section, key) &&
			    json_equal(v, json_object_get(d->plan, key)))
				continue;
			daemon_key_series(f, series, sizeof(series));
			tell(d, FATAL, KEYS(key), "`%s`: %s does not know it; %s%s%s", key,
			     d->engine_text, series, k->gone ? "; " : "", k->gone ? k->gone : "");
		} else {
			rule_type(d, f, v);
		}
	}
}

/* --- keys that stand on the command line too --- */

static void tell_flag(const struct daemon_doc *d, const char *key, const char *flag)
{
	tell(d, FATAL, KEYS(key),
	     "`%s` is set by %s on dockerd's command line already (%s): dockerd does not start "
	     "with both, equal values or not; take it out of one",
	     key, flag, d->cmdline->source);
}

/* findConfigurationConflicts: only `runtimes` may stand in both. */
static void rule_flags(const struct daemon_doc *d)
{
	const char *key, *name, *flag;
	json_t *v, *m;

	if (!d->cmdline)
		return;
	json_object_foreach (json_readonly(d->doc), key, v) {
		if (json_is_null(v) || streq(key, "runtimes"))
			continue;
		if (!streq(key, "proxies")) {
			flag = engine_cmdline_flag(d->cmdline, key);
			if (flag)
				tell_flag(d, key, flag);
			continue;
		}
		/* Flattened: its members are the flags' names. */
		json_object_foreach (v, name, m) {
			flag = engine_cmdline_flag(d->cmdline, name);
			if (flag)
				tell_flag(d, key, flag);
		}
	}
}

/* --- networks --- */

static void rule_network(const struct daemon_doc *d)
{
	if (!doc_bool(d, "icc", true) && !doc_bool(d, "iptables", true))
		tell(d, FATAL, KEYS("icc", "iptables"),
		     "`icc: false` needs `iptables`, which is false: dockerd does not start");
	if (doc_str(d, "bridge") && doc_str(d, "bip"))
		tell(d, FATAL, KEYS("bip", "bridge"),
		     "`bip` and `bridge` exclude each other: dockerd does not start");
	if (doc_get(d, "host-gateway-ip") && doc_get(d, "host-gateway-ips"))
		tell(d, FATAL, KEYS("host-gateway-ip", "host-gateway-ips"),
		     "`host-gateway-ip` and `host-gateway-ips` exclude each other");
	/* What a plan lacks the host's file may hold: only both together can be judged. */
	if (d->host && d->engine && d->engine < VERSION(27, 0) && doc_bool(d, "ip6tables", false) &&
	    !doc_bool(d, "experimental", false))
		tell(d, FATAL, KEYS("ip6tables", "experimental"),
		     "`ip6tables: true` needs `experimental: true` up to Docker 26: dockerd does "
		     "not start");
}

/* Are the first `bits` bits of two addresses the same? */
static bool same_net(const unsigned char *a, const unsigned char *b, uint64_t bits)
{
	size_t n = (size_t)(bits / 8);
	unsigned rest = (unsigned)(bits % 8);

	return memcmp(a, b, n) == 0 && (!rest || !((a[n] ^ b[n]) >> (8 - rest)));
}

/* What a network driver refuses of the default bridge (moby daemon.initBridgeDriver, libnetwork's
 * ipam). */
static void rule_bip(const struct daemon_doc *d)
{
	const char *bip = doc_str(d, "bip"), *fixed = doc_str(d, "fixed-cidr");
	const char *gateway = doc_str(d, "default-gateway");
	unsigned char ip[16], other[16];
	uint64_t bits, fixed_bits;
	uint32_t host, ones;
	int family;

	if (!bip || !daemon_cidr(bip, &family, ip, &bits) || family != AF_INET)
		return;
	ones = bits < 32 ? UINT32_MAX >> bits : 0;
	host = ((uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3]) &
	       ones;
	/* A /31 has neither (RFC 3021). */
	if (bits < 31 && (!host || host == ones))
		tell(d, FATAL, KEYS("bip"),
		     "`bip: %s` is the network's own %s: dockerd does not start; write the "
		     "bridge's address, such as 172.17.0.1/16",
		     bip, host ? "broadcast address" : "address");
	if (fixed && daemon_cidr(fixed, &family, other, &fixed_bits) && family == AF_INET &&
	    (fixed_bits < bits || !same_net(ip, other, bits)))
		tell(d, FATAL, KEYS("fixed-cidr", "bip"),
		     "`fixed-cidr: %s` is not inside `bip`, %s: dockerd does not start", fixed,
		     bip);
	if (gateway && inet_pton(AF_INET, gateway, other) == 1 && !same_net(ip, other, bits))
		tell(d, FATAL, KEYS("default-gateway", "bip"),
		     "`default-gateway: %s` is not in the network of `bip`, %s: dockerd does not "
		     "start",
		     gateway, bip);
}

/* What the rest of the file, or the host, has to have: not asked of a plan alone. */
static void rule_bridge(const struct daemon_doc *d)
{
	const char *bridge = doc_str(d, "bridge");
	char path[PATH_MAX];

	if (!d->host)
		return;
	if (d->engine && d->engine < VERSION(27, 0) && doc_bool(d, "ipv6", false) &&
	    !doc_str(d, "fixed-cidr-v6") && !(bridge && streq(bridge, "none")))
		tell(d, FATAL, KEYS("ipv6"),
		     "`ipv6: true` needs `fixed-cidr-v6` up to Docker 26: dockerd does not start; "
		     "add a network such as fd00:1::/64");
	/* docker0 is made when it is missing. */
	if (!bridge || !host_is_live(d->host) || streq(bridge, "none") || streq(bridge, "docker0"))
		return;
	snprintf(path, sizeof(path), "/sys/class/net/%s", bridge);
	if (strchr(bridge, '/') || host_absent(d->host, path))
		tell(d, FATAL, KEYS("bridge"),
		     "`bridge: %s`: there is no such interface on this host: dockerd does not "
		     "start; make it first (ip link add %s type bridge)",
		     bridge, bridge);
}

static void rule_pools(const struct daemon_doc *d)
{
	json_t *pool;
	size_t i;

	json_array_foreach (doc_get(d, "default-address-pools"), i, pool) {
		const char *base = json_string_value(json_object_get(pool, "base"));
		json_int_t size = json_integer_value(json_object_get(pool, "size"));
		const char *slash = base ? strchr(base, '/') : NULL;
		uint64_t bits;

		if (!slash || parse_u64(slash + 1, &bits) < 0)
			continue;
		if (size < (json_int_t)bits || size > (strchr(base, ':') ? 128 : 32))
			tell(d, FATAL, KEYS("default-address-pools"),
			     "`default-address-pools`: subnets of /%lld can't be cut from %s",
			     (long long)size, base);
	}
}

/* --- TLS --- */

/*
 * With TLS turned on by the file, dockerd has no default paths (cmd/dockerd newAPIServerTLSConfig):
 * without a certificate it does not start, without a CA it trusts the system's.
 */
static void rule_tls_files(const struct daemon_doc *d, bool verify)
{
	const char *key = doc_get(d, "tlsverify") ? "tlsverify" : "tls";

	if (!d->host || (!doc_get(d, "tlsverify") && !json_is_true(doc_get(d, "tls"))))
		return;
	if (!doc_str(d, "tlscert") || !doc_str(d, "tlskey"))
		tell(d, FATAL, KEYS(key),
		     "`%s` turns TLS on, which needs `tlscert` and `tlskey`: dockerd does not start",
		     key);
	if (verify && !doc_str(d, "tlscacert"))
		tell(d, UNSAFE, KEYS(key),
		     "`tlsverify: true` needs `tlscacert`: with none, certificates of any public CA "
		     "count");
}

static void rule_tls(const struct daemon_doc *d)
{
	static const char *const files[] = { "tlscacert", "tlscert", "tlskey" };
	bool verify = doc_bool(d, "tlsverify", false);
	/* moby cmd/dockerd: the key tlsverify, even false, turns TLS on. */
	bool on = verify || doc_get(d, "tlsverify") || doc_bool(d, "tls", false);
	const char *tcp = NULL, *flag;
	size_t pos = 0, i;
	json_t *v;

	/* It sets the keys after this, makes the files, and has its own word on all of them. */
	if (d->section && plan_section(d->section->plan, "tls"))
		return;
	json_array_foreach (doc_get(d, "hosts"), i, v)
		if (json_is_string(v) && has_prefix(json_string_value(v), "tcp:"))
			tcp = json_string_value(v);
	while (d->cmdline && (flag = engine_cmdline_next(d->cmdline, "hosts", &pos)))
		if (has_prefix(flag, "tcp:"))
			tcp = flag;
	/* Without client certificates, whoever reaches the port is root on the host. */
	if (tcp && !verify)
		tell(d, UNSAFE, KEYS("hosts", "tlsverify", "tls", "tlscacert", "tlscert", "tlskey"),
		     "the API listens on TCP (%s) without `tlsverify: true`: whoever reaches the "
		     "port is root",
		     tcp);
	rule_tls_files(d, verify);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = doc_str(d, files[i]);

		if (path && !on)
			tell(d, UNSAFE, KEYS(files[i], "tls"),
			     "`%s` alone does not turn TLS on: TCP would be plaintext; add "
			     "`tlsverify: true`",
			     files[i]);
		else if (path && d->host && *path == '/' && host_absent(d->host, path))
			tell(d, FATAL, KEYS(files[i]),
			     "`%s`: there is no %s%s: dockerd does not start", files[i],
			     host_prefix(d->host), path);
	}
}

/* --- runtimes, cgroups --- */

static void rule_runtimes(const struct daemon_doc *d)
{
	const json_t *runtimes = doc_get(d, "runtimes");
	const char *chosen = doc_str(d, "default-runtime"), *name;
	json_t *v;

	json_object_foreach (json_readonly(runtimes), name, v) {
		bool path = json_member(v, "path"), type = json_member(v, "runtimeType");
		const char *binary = json_string_value(json_object_get(v, "path"));

		if (streq(name, "runc"))
			tell(d, FATAL, KEYS("runtimes"),
			     "`runtimes.runc`: the name runc is Docker's own: dockerd does not "
			     "start");
		if (type && d->engine && d->engine < VERSION(23, 0))
			tell(d, FATAL, KEYS("runtimes"),
			     "`runtimes.%s.runtimeType` needs Docker 23.0", name);
		else if (path == type)
			tell(d, FATAL, KEYS("runtimes"),
			     "`runtimes.%s` needs `path` or `runtimeType`, one of them", name);
		else if (type && json_member(v, "runtimeArgs"))
			tell(d, FATAL, KEYS("runtimes"),
			     "`runtimes.%s`: `runtimeArgs` goes with `path` only", name);
		/* Where Docker is not installed yet, its runtimes may not be either. */
		if (binary && *binary == '/' && d->host && d->cmdline &&
		    host_absent(d->host, binary))
			tell(d, UNSAFE, KEYS("runtimes"),
			     "`runtimes.%s`: there is no %s%s: no container could start with it",
			     name, host_prefix(d->host), binary);
	}
	/* From 23.0 on a shim's name ("io.containerd.runc.v2") or path is taken as it is; up to
	 * then an unknown one was found when a container starts. */
	if (d->host && chosen && !streq(chosen, "runc") && !json_member(runtimes, chosen) &&
	    !has_prefix(chosen, "io.containerd.") && *chosen != '/' &&
	    !(d->cmdline && engine_cmdline_flag(d->cmdline, "runtimes")))
		tell(d, FATAL, KEYS("default-runtime", "runtimes"),
		     "`default-runtime: %s` is not one of `runtimes`: dockerd does not start",
		     chosen);
}

static void rule_cgroups(const struct daemon_doc *d)
{
	static const char name[] = "native.cgroupdriver=";
	const char *parent = doc_str(d, "cgroup-parent");
	const char *driver = NULL;
	json_t *v;
	size_t i;

	json_array_foreach (doc_get(d, "exec-opts"), i, v) {
		const char *s = json_string_value(v);

		if (!s)
			continue;
		if (!has_prefix(s, name))
			tell(d, d->engine >= VERSION(28, 0) ? FATAL : UNSAFE, KEYS("exec-opts"),
			     "`exec-opts`: %s: the only option on Linux is "
			     "native.cgroupdriver=systemd or =cgroupfs",
			     s);
		else if (!streq(s + strlen(name), "systemd") &&
			 !streq(s + strlen(name), "cgroupfs"))
			tell(d, FATAL, KEYS("exec-opts"),
			     "`exec-opts`: native.cgroupdriver is systemd or cgroupfs, not %s: "
			     "dockerd does not start",
			     s + strlen(name));
		else
			driver = s + strlen(name);
	}
	if (!parent)
		return;
	/* The default is systemd where cgroup v2 and systemd run (moby daemon.usingSystemd). */
	if (!driver && d->host && host_is_live(d->host) &&
	    host_exists(d->host, "/sys/fs/cgroup/cgroup.controllers"))
		driver = "systemd";
	if (driver && streq(driver, "systemd") &&
	    (!has_suffix(parent, ".slice") || strlen(parent) < 7))
		tell(d, FATAL, KEYS("cgroup-parent", "exec-opts"),
		     "`cgroup-parent: %s`: with the systemd cgroup driver it has to be a NAME.slice: "
		     "dockerd does not start",
		     parent);
}

/* --- features, user namespaces, swarm --- */

static void rule_features(const struct daemon_doc *d)
{
	static const char *const names[] = { "buildkit", "cdi", "containerd-snapshotter",
					     "windows-dns-proxy", NULL };
	const char *name;
	json_t *v;

	json_object_foreach (json_readonly(doc_get(d, "features")), name, v) {
		const char *near;

		if (in_list(names, name))
			continue;
		near = field_nearest(name, names);
		if (near)
			tell(d, UNSAFE, KEYS("features"),
			     "`features.%s`: dockerd ignores unknown features; did you mean %s?",
			     name, near);
		else if (d->warnings && d->host)
			errs_add(
				d->warnings, NULL,
				"`features.%s` is not a feature this program knows; dockerd ignores "
				"unknown ones silently",
				name);
	}
}

static void rule_userns(const struct daemon_doc *d)
{
	const char *user = doc_str(d, "userns-remap");
	const json_t *features = doc_get(d, "features");
	size_t n;

	if (!user)
		return;
	n = strcspn(user, ":");
	if ((n == 4 && !strncmp(user, "root", 4)) || (n == 1 && *user == '0')) {
		tell(d, UNSAFE, KEYS("userns-remap"),
		     "`userns-remap: %s` turns user namespaces off: dockerd only warns; name an "
		     "unprivileged user, or `default`",
		     user);
		return;
	}
	if (d->engine >= VERSION(29, 0) &&
	    json_is_true(json_object_get(features, "containerd-snapshotter")))
		tell(d, FATAL, KEYS("features", "userns-remap"),
		     "`features.containerd-snapshotter: true` and `userns-remap` exclude each other "
		     "from Docker 29 on: dockerd does not start");
}

static void rule_swarm(const struct daemon_doc *d)
{
	const char *state = json_string_value(
		json_object_get(json_object_get(d->info, "Swarm"), "LocalNodeState"));

	if (!state || !*state || streq(state, "inactive"))
		return;
	/* A reload takes it, the next start dies (moby config.IsSwarmCompatible). */
	if (doc_bool(d, "live-restore", false))
		tell(d, FATAL, KEYS("live-restore"),
		     "`live-restore: true`: this host is a swarm node (%s): dockerd would not survive "
		     "its next start",
		     state);
	if (doc_str(d, "firewall-backend") && streq(doc_str(d, "firewall-backend"), "nftables") &&
	    doc_bool(d, "iptables", true))
		tell(d, FATAL, KEYS("firewall-backend"),
		     "`firewall-backend: nftables`: this host is a swarm node (%s), which needs "
		     "iptables: dockerd does not start",
		     state);
}

/* --- registries, labels --- */

static void rule_mirrors(const struct daemon_doc *d)
{
	json_t *v;
	size_t i;

	if (!d->engine || d->engine >= VERSION(23, 0))
		return;
	json_array_foreach (doc_get(d, "registry-mirrors"), i, v) {
		const char *s = json_string_value(v), *host = s ? strstr(s, "://") : NULL;
		const char *path = host ? strchr(host + 3, '/') : NULL;

		if (path && path[1])
			tell(d, FATAL, KEYS("registry-mirrors"),
			     "`registry-mirrors`: %s: Docker 20.10 takes no path in it and does "
			     "not start",
			     s);
	}
}

/* moby config.GetConflictFreeLabels: the same label again is fine, another value is not. */
static void rule_labels(const struct daemon_doc *d)
{
	_cleanup_json_ json_t *seen = json_object();
	json_t *v;
	size_t i;

	json_array_foreach (doc_get(d, "labels"), i, v) {
		const char *s = json_string_value(v), *eq = s ? strchr(s, '=') : NULL;
		_cleanup_free_ char *name = eq ? strndup(s, (size_t)(eq - s)) : NULL;
		const char *before;

		if (!name)
			continue;
		before = json_string_value(json_object_get(seen, name));
		if (!before)
			json_object_set_new(seen, name, json_string(eq));
		else if (!streq(before, eq))
			tell(d, FATAL, KEYS("labels"),
			     "`labels`: %s is there twice, with different values: dockerd does "
			     "not start",
			     name);
	}
}

/* --- what has to exist in the root --- */

/* runc's profile is parsed when a container starts (moby profiles/seccomp LoadProfile). */
static void rule_seccomp_file(const struct daemon_doc *d, const char *profile)
{
	_cleanup_json_ json_t *json = NULL;
	_cleanup_free_ char *text = NULL;
	struct err why;
	size_t len;
	int r = host_read(d->host, profile, SECCOMP_MAX, &text, &len, &why);

	if (r == -EINVAL || r == -EISDIR || r == -EFBIG)
		tell(d, FATAL, KEYS("seccomp-profile"), "`seccomp-profile`: %s", why.text);
	if (r < 0)
		return;
	if (json_load(text, len, 0, &json, NULL) != -ENOMEM && !json_is_object(json))
		tell(d, UNSAFE, KEYS("seccomp-profile"),
		     "`seccomp-profile`: %s%s is not a JSON object: every container would fail to "
		     "start",
		     host_prefix(d->host), profile);
}

static void rule_seccomp(const struct daemon_doc *d)
{
	const char *profile = doc_str(d, "seccomp-profile");
	bool word = profile && (streq(profile, "builtin") || streq(profile, "unconfined"));

	if (!profile)
		return;
	if (word && d->engine && d->engine < VERSION(23, 0))
		tell(d, FATAL, KEYS("seccomp-profile"),
		     "`seccomp-profile: %s`: Docker before 23.0 takes the word for a file's name and "
		     "does not start%s",
		     profile, streq(profile, "builtin") ? "; leave the key out" : "");
	else if (!word && d->host && host_absent(d->host, profile))
		tell(d, FATAL, KEYS("seccomp-profile"),
		     "`seccomp-profile`: there is no %s%s: dockerd does not start",
		     host_prefix(d->host), profile);
	else if (!word && d->host && *profile == '/')
		rule_seccomp_file(d, profile);
}

static int rule_group(const struct daemon_doc *d, struct err *e)
{
	_cleanup_(accounts_done) struct accounts a = { 0 };
	const char *group = doc_str(d, "group");
	uint64_t gid;
	int r;

	/* docker may be missing (the socket is root's then); a number is taken as it is. */
	if (!group || !d->host || streq(group, "docker") || parse_u64(group, &gid) == 0)
		return 0;
	r = accounts_load(d->host, &a, e);
	if (r < 0)
		return r;
	if (!accounts_group(&a, group))
		tell(d, FATAL, KEYS("group"),
		     "`group: %s`: there is no such group in %s/etc/group: dockerd does not start",
		     group, host_prefix(d->host));
	return 0;
}

/* Where dockerd looks for a legacy plugin: DIR/NAME.EXT and DIR/NAME/NAME.EXT (moby pkg/plugins).
 */
static bool plugin_legacy(const struct host *h, const char *name)
{
	static const struct {
		const char *dir, *ext;
	} places[] = {
		{ "/run/docker/plugins", "sock" },     { "/etc/docker/plugins", "spec" },
		{ "/etc/docker/plugins", "json" },     { "/usr/lib/docker/plugins", "spec" },
		{ "/usr/lib/docker/plugins", "json" },
	};
	char path[PATH_MAX];

	if (strchr(name, '/'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), "%s/%s.%s", places[i].dir, name, places[i].ext);
		if (host_exists(h, path))
			return true;
		snprintf(path, sizeof(path), "%s/%s/%s.%s", places[i].dir, name, name,
			 places[i].ext);
		if (host_exists(h, path))
			return true;
	}
	return false;
}

static bool plugin_found(const struct daemon_doc *d, const char *name)
{
	const json_t *running =
		json_object_get(json_object_get(d->info, "Plugins"), "Authorization");
	const json_t *managed = NULL;
	struct err e;
	json_t *v;
	size_t i;

	json_array_foreach (running, i, v)
		if (json_is_string(v) && streq(json_string_value(v), name))
			return true;
	if (plugin_legacy(d->host, name))
		return true;
	if (engine_get(d->host, "/plugins", &managed, &e) < 0)
		return false;
	json_array_foreach (managed, i, v) {
		const char *n = json_string_value(json_object_get(v, "Name"));
		size_t len = strlen(name);

		if (n && json_is_true(json_object_get(v, "Enabled")) && !strncmp(n, name, len) &&
		    (!n[len] || streq(n + len, ":latest")))
			return true;
	}
	return false;
}

static void rule_plugins(const struct daemon_doc *d)
{
	json_t *v;
	size_t i;

	/* Legacy plugins leave their socket in /run, managed ones are the daemon's: offline, and
	 * with the daemon down, nothing can be said. */
	if (!d->host || !d->info)
		return;
	json_array_foreach (doc_get(d, "authorization-plugins"), i, v) {
		const char *name = json_string_value(v);

		if (name && !plugin_found(d, name))
			tell(d, FATAL, KEYS("authorization-plugins"),
			     "`authorization-plugins`: there is no plugin %s on this host (no socket "
			     "or spec in /run/docker/plugins, /etc/docker/plugins, "
			     "/usr/lib/docker/plugins; no enabled managed plugin): dockerd would "
			     "wait 15 s and not start",
			     name);
	}
}

static void rule_odds(const struct daemon_doc *d)
{
	const json_t *timeout = doc_get(d, "shutdown-timeout");
	const char *cors = doc_str(d, "api-cors-header");

	/* mergo.Merge takes a zero in the file for "not set". */
	if (json_is_integer(timeout) && !json_integer_value(timeout))
		tell(d, UNSAFE, KEYS("shutdown-timeout"),
		     "`shutdown-timeout: 0` is taken for \"not set\", which is 15 seconds; write 1 "
		     "or more, or -1 for no limit");
	if (cors && d->engine >= VERSION(27, 0) && d->engine < VERSION(28, 0)) {
		for (char **v = d->cmdline ? d->cmdline->env : NULL; v && *v; v++)
			if (has_prefix(*v, "DOCKERD_DEPRECATED_CORS_HEADER="))
				return;
		tell(d, FATAL, KEYS("api-cors-header"),
		     "`api-cors-header`: Docker 27 does not start with it unless its unit sets "
		     "DOCKERD_DEPRECATED_CORS_HEADER=1; leave the key out");
	}
}

int daemon_rules(const struct daemon_doc *d, struct err *e)
{
	static void (*const rules[])(const struct daemon_doc *) = {
		rule_known,    rule_flags,   rule_network, rule_bip,	 rule_bridge,
		rule_pools,    rule_tls,     rule_mirrors, rule_labels,	 rule_log_driver,
		rule_runtimes, rule_cgroups, rule_ulimits, rule_storage, rule_storage_opts,
		rule_features, rule_userns,  rule_swarm,   rule_seccomp, rule_plugins,
		rule_odds,     rule_metrics,
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i](d);
	return rule_group(d, e);
}
