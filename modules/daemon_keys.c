/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key of daemon.json on Linux, Docker 20.10 to 29: type, bounds, series, what a change takes,
 * what proves it. Series and reloads follow moby's daemon/config and daemon/reload*.go, tag by tag.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#include "../src/buf.h"
#include "daemon_keys.h"

#define SHOW_MAX 200 /* bytes of a value in a line for people */

/* --- rules for single strings; NULL: fine, else what is expected --- */

static const char *valid_ip(const char *s)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, s, raw) == 1 || inet_pton(AF_INET6, s, raw) == 1)
		return NULL;
	return "an IP address";
}

bool daemon_cidr(const char *s, int *ret_family, unsigned char raw[16], uint64_t *ret_bits)
{
	char ip[INET6_ADDRSTRLEN];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : 0;

	if (!n || n >= sizeof(ip))
		return false;
	memcpy(ip, s, n);
	ip[n] = '\0';
	if (parse_u64(slash + 1, ret_bits) < 0)
		return false;
	*ret_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*ret_family, ip, raw) == 1 &&
	       *ret_bits <= (*ret_family == AF_INET ? 32 : 128);
}

static const char *valid_cidr(const char *s)
{
	unsigned char raw[16];
	uint64_t bits;
	int family;

	return daemon_cidr(s, &family, raw, &bits) ? NULL : "a network such as 10.10.0.0/16";
}

static const char *valid_cidr4(const char *s)
{
	unsigned char raw[16];
	uint64_t bits;
	int family;

	if (daemon_cidr(s, &family, raw, &bits) && family == AF_INET)
		return NULL;
	return "an IPv4 address with its prefix, such as 172.17.0.1/16";
}

static const char *valid_cidr6(const char *s)
{
	unsigned char raw[16];
	uint64_t bits;
	int family;

	if (daemon_cidr(s, &family, raw, &bits) && family == AF_INET6)
		return NULL;
	return "an IPv6 address with its prefix, such as fd00:1::/64";
}

/* As go-units takes it: a number, perhaps a blank, perhaps a unit. */
const char *daemon_valid_size(const char *s)
{
	static const char expected[] = "a quoted size such as \"64M\"";
	size_t digits = strspn(s, "0123456789");
	const char *unit = s + digits;

	if (!digits || digits > 18)
		return expected;
	if (*unit == '.' && unit[1]) {
		unit++;
		digits = strspn(unit, "0123456789");
		if (!digits)
			return expected;
		unit += digits;
	}
	if (*unit == ' ')
		unit++;
	if (*unit && strchr("kKmMgGtTpP", *unit)) {
		unit++;
		if (*unit == 'i')
			unit++;
	}
	if (*unit == 'b' || *unit == 'B')
		unit++;
	return *unit ? expected : NULL;
}

static const char *valid_key_value(const char *s)
{
	const char *eq = strchr(s, '=');

	return eq && eq != s ? NULL : "NAME=VALUE";
}

static const char *valid_host(const char *s)
{
	if (has_prefix(s, "fd://"))
		return NULL;
	if (has_prefix(s, "unix://") && s[7] == '/')
		return NULL;
	if (has_prefix(s, "tcp://") && s[6])
		return NULL;
	return "unix:///PATH, tcp://ADDRESS:PORT or fd://";
}

/* Labels of letters, digits and inner hyphens, between dots (distribution/reference). */
static bool is_domain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool edge = !i || i == n - 1 || s[i - 1] == '.' || s[i + 1] == '.';

		if (!isalnum((unsigned char)s[i]) && (edge || (s[i] != '-' && s[i] != '.')))
			return false;
	}
	return n > 0;
}

/* HOST[:PORT], the host a name, an IPv4 address or [IPv6]; `n` bytes. */
static bool is_host_port(const char *s, size_t n)
{
	const char *end = *s == '[' ? memchr(s, ']', n) : memchr(s, ':', n);
	const char *port = *s == '[' && end ? end + 1 : end;
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	size_t len = end ? (size_t)(end - s) : n;
	uint64_t number;

	if (*s == '[') {
		if (!end || len > sizeof(text))
			return false;
		memcpy(text, s + 1, len - 1);
		text[len - 1] = '\0';
		if (inet_pton(AF_INET6, text, raw) != 1)
			return false;
	} else if (!is_domain(s, len)) {
		return false;
	}
	if (!port || port == s + n)
		return true;
	len = (size_t)(s + n - port) - 1;
	if (*port != ':' || !len || len > 5)
		return false;
	memcpy(text, port + 1, len);
	text[len] = '\0';
	return parse_u64(text, &number) == 0 && number <= 65535;
}

/* moby registry.ValidateMirror; a path is refused up to 20.10 (daemon_rules.c). */
static const char *valid_mirror(const char *s)
{
	const char *rest = has_prefix(s, "https://")  ? s + 8
			   : has_prefix(s, "http://") ? s + 7
						      : NULL;

	if (rest && !strpbrk(rest, "?# @") && is_host_port(rest, strcspn(rest, "/")))
		return NULL;
	return "https://HOST[:PORT] or http://HOST[:PORT], perhaps a path, without user, query or "
	       "fragment";
}

/* moby registry's loadInsecureRegistries. */
static const char *valid_registry(const char *s)
{
	unsigned char raw[16];

	if (strchr(s, '/') ? !valid_cidr(s)
			   : is_host_port(s, strlen(s)) || inet_pton(AF_INET6, s, raw) == 1)
		return NULL;
	return "HOST, HOST:PORT or a network such as 10.0.0.0/8, without a scheme";
}

static const char *valid_address(const char *s)
{
	const char *colon = strrchr(s, ':');
	uint64_t port;

	if (colon && parse_u64(colon + 1, &port) == 0 && port <= 65535)
		return NULL;
	return "ADDRESS:PORT";
}

/* strconv.ParseUint(x, 0, 32), MARK or MARK/MASK. */
static const char *valid_fwmark(const char *s)
{
	static const char expected[] = "MARK or MARK/MASK, such as 0x1/0x3";

	for (int i = 0; i < 2; i++) {
		unsigned long long n;
		char *end;

		if (*s < '0' || *s > '9')
			return expected;
		errno = 0;
		n = strtoull(s, &end, 0);
		if (errno || n > UINT32_MAX)
			return expected;
		if (!*end)
			return NULL;
		if (*end != '/' || i)
			return expected;
		s = end + 1;
	}
	return expected;
}

static const char *valid_seccomp(const char *s)
{
	if (streq(s, "builtin") || streq(s, "unconfined") || *s == '/')
		return NULL;
	return "builtin, unconfined or an absolute path";
}

static const char *valid_api(const char *s)
{
	const char *dot = strchr(s, '.');
	uint64_t minor;

	if (dot == s + 1 && *s == '1' && parse_u64(dot + 1, &minor) == 0 && minor < 1000)
		return NULL;
	return "an API version such as \"1.44\"";
}

static bool userns_part(const char *s, size_t n)
{
	if (!n || n > 32)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '_' ||
			    (i && (c == '-' || c == '.' || (c == '$' && i == n - 1)));

		if (!fine)
			return false;
	}
	return true;
}

static const char *valid_userns(const char *s)
{
	const char *colon = strchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : strlen(s);

	if (streq(s, "default"))
		return NULL;
	if (n == 7 && !strncmp(s, "default", 7))
		return "default alone (dockerd does not take default with a group)";
	if (!userns_part(s, n) || (colon && !userns_part(colon + 1, strlen(colon + 1))))
		return "default, USER, UID, USER:GROUP or UID:GID";
	return NULL;
}

/* --- elements and sub-tables --- */

/* A row: name, type, help, then what else it says. */
#define ROW(n, t, h, ...)                                                                          \
	{                                                                                          \
		.name = (n), .type = FIELD_##t, .help = (h), __VA_ARGS__                           \
	}

static const struct field el_string = ROW("entry", STRING, NULL);
static const struct field el_plugin = ROW("plugin", STRING, NULL);
static const struct field el_path = ROW("directory", PATH, NULL);
static const struct field el_ip = ROW("address", STRING, NULL, .valid = valid_ip);
static const struct field el_pair = ROW("entry", STRING, NULL, .valid = valid_key_value);
static const struct field el_host = ROW("host", STRING, NULL, .valid = valid_host);
static const struct field el_mirror = ROW("mirror", STRING, NULL, .valid = valid_mirror);
static const struct field el_registry = ROW("registry", STRING, NULL, .valid = valid_registry);
static const struct field el_feature = ROW("feature", BOOL, NULL);
static const struct field el_network_opts = ROW("driver", MAP, NULL, .of = &el_string);

static const struct field pool_fields[] = {
	ROW("base", STRING, "the network that is cut into subnets", .valid = valid_cidr,
	    .required = true),
	ROW("size", INT, "prefix length of each subnet", .min = 1, .max = 128, .required = true),
	{ 0 },
};
static const struct field el_pool = ROW("pool", OBJECT, NULL, .of = pool_fields);

/* -1 is "unlimited", as in setrlimit(2). */
static const struct field ulimit_fields[] = {
	ROW("Name", STRING, "the limit's name again; filled in when left out"),
	ROW("Hard", INT, "the hard limit; -1: none", .min = -1, .max = INT64_MAX, .required = true),
	ROW("Soft", INT, "the soft limit; -1: none", .min = -1, .max = INT64_MAX, .required = true),
	{ 0 },
};
static const struct field el_ulimit = ROW("ulimit", OBJECT, NULL, .of = ulimit_fields);

static const struct field runtime_option_fields[] = {
	ROW("BinaryName", STRING, "the OCI runtime's binary"),
	ROW("ConfigPath", PATH, "the shim's configuration file"),
	ROW("CriuImagePath", PATH, "where CRIU keeps its images"),
	ROW("CriuWorkPath", PATH, "where CRIU works"),
	ROW("NoNewKeyring", BOOL, "no session keyring of its own"),
	ROW("NoPivotRoot", BOOL, "chroot in place of pivot_root"),
	ROW("Root", PATH, "where the runtime keeps its state"),
	ROW("ShimCgroup", STRING, "the shim's own cgroup"),
	ROW("SystemdCgroup", BOOL, "cgroups through systemd"),
	ROW("TypeUrl", STRING, "the type of the shim's options"),
	{ 0 },
};
static const struct field runtime_fields[] = {
	ROW("path", STRING, "the runtime's binary; it runs as root"),
	ROW("runtimeArgs", LIST, "arguments for the binary", .of = &el_string),
	ROW("runtimeType", STRING, "a containerd shim in place of a binary (23.0 and later)"),
	ROW("options", OBJECT, "the shim's options (23.0 and later)", .of = runtime_option_fields),
	{ 0 },
};
static const struct field el_runtime = ROW("runtime", OBJECT, NULL, .of = runtime_fields);

static const struct field proxy_fields[] = {
	ROW("http-proxy", STRING, "proxy for http://"),
	ROW("https-proxy", STRING, "proxy for https://"),
	ROW("no-proxy", STRING, "hosts reached without a proxy"),
	{ 0 },
};

static const struct field nri_fields[] = {
	ROW("enable", BOOL, "let NRI plugins alter containers"),
	ROW("plugin-path", PATH, "plugins that dockerd starts"),
	ROW("plugin-config-path", PATH, "their configuration"),
	ROW("socket-path", PATH, "where other plugins connect"),
	{ 0 },
};

static const struct field gc_policy_fields[] = {
	ROW("all", BOOL, "internal and shared cache too"),
	ROW("filter", LIST, "which cache: NAME=VALUE", .of = &el_string),
	ROW("keepStorage", STRING, "cache to keep (28: reservedSpace)", .valid = daemon_valid_size),
	ROW("reservedSpace", STRING, "cache that is never removed (28 and later)",
	    .valid = daemon_valid_size),
	ROW("maxUsedSpace", STRING, "cache never grows past this (28 and later)",
	    .valid = daemon_valid_size),
	ROW("minFreeSpace", STRING, "disk space left to others (28 and later)",
	    .valid = daemon_valid_size),
	{ 0 },
};
static const struct field el_gc_policy = ROW("policy", OBJECT, NULL, .of = gc_policy_fields);
static const struct field gc_fields[] = {
	ROW("enabled", BOOL, "collect old build cache"),
	ROW("defaultKeepStorage", STRING, "cache to keep (28: defaultReservedSpace)",
	    .valid = daemon_valid_size),
	ROW("defaultReservedSpace", STRING, "cache that is never removed (28 and later)",
	    .valid = daemon_valid_size),
	ROW("defaultMaxUsedSpace", STRING, "cache never grows past this (28 and later)",
	    .valid = daemon_valid_size),
	ROW("defaultMinFreeSpace", STRING, "disk space left to others (28 and later)",
	    .valid = daemon_valid_size),
	ROW("policy", LIST, "rules of its own, in order", .of = &el_gc_policy),
	{ 0 },
};
static const struct field entitlement_fields[] = {
	ROW("network-host", BOOL, "builds may use the host's network"),
	ROW("security-insecure", BOOL, "builds may be privileged"),
	ROW("device", BOOL, "builds may use CDI devices"),
	{ 0 },
};
static const struct field builder_fields[] = {
	ROW("gc", OBJECT, "garbage collection of the build cache", .of = gc_fields),
	ROW("entitlements", OBJECT, "what builds may ask for", .of = entitlement_fields),
	{ 0 },
};

static const char *const or_auto[] = { "auto", NULL };
static const char *const log_levels[] = { "debug", "info",  "warn",  "error",
					  "fatal", "panic", "trace", NULL };
static const char *const log_formats[] = { "text", "json", NULL };
static const char *const cgroupns_modes[] = { "host", "private", NULL };
static const char *const ipc_modes[] = { "private", "shareable", NULL };
static const char *const firewalls[] = { "iptables", "nftables", NULL };

const char *const daemon_log_drivers[] = { "none",    "local",	"json-file", "journald",
					   "syslog",  "gelf",	"fluentd",   "awslogs",
					   "gcplogs", "splunk", NULL };

/* --- the table --- */

#define UNIT_OF(...)                                                                               \
	.more = &(const struct daemon_key)                                                         \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define PROVED(fn, m) UNIT_OF(.proof = (fn), .member = (m))
#define FROZEN(fn, m) UNIT_OF(.proof = (fn), .member = (m), .frozen = true)
#define UNSEEN(why)   UNIT_OF(.unseen = (why))
#define REFUSED(why)  UNIT_OF(.refused = (why))

#define BY_CONTAINER "only a new container shows it (docker inspect)"
#define NO_SERIES    "refused: every Docker version takes it for an unknown key and does not start"
#define TO_PROXIES   "refused: stands under `proxies`; at the top Docker ignores it silently"

const struct field daemon_keys[] = {
	ROW("allow-direct-routing", BOOL,
	    "let other hosts reach published ports on container addresses",
	    .since = VERSION(28, 2)),
	ROW("allow-nondistributable-artifacts", LIST,
	    "registries that foreign image layers may be pushed to", .of = &el_registry,
	    .until = VERSION(28, 1), .effect = EFFECT_RELOAD,
	    UNIT_OF(.proof = prove_nondistributable, .gone = "it takes the key and ignores it")),
	ROW("api-cors-header", STRING, "CORS header of the API; a door for web pages, leave it out",
	    .until = VERSION(28, 0), UNIT_OF(.gone = "it does not start with the key")),
	ROW("authorization-plugins", LIST, "plugins that allow or deny every API request, in order",
	    .of = &el_plugin, .cis = "2.12", .effect = EFFECT_RELOAD_BOTH,
	    PROVED(prove_authz, NULL)),
	ROW("bip", STRING, "address and network of the default bridge", .valid = valid_cidr4,
	    UNIT_OF(.frozen = true)),
	ROW("bip6", STRING, "IPv6 address and network of the default bridge",
	    .since = VERSION(28, 0), .valid = valid_cidr6, UNIT_OF(.frozen = true)),
	ROW("bridge", STRING, "a bridge of your own for containers; none: no default network"),
	ROW("bridge-accept-fwmark", STRING, "packets with this firewall mark reach bridge networks",
	    .since = VERSION(29, 0), .valid = valid_fwmark),
	ROW("builder", OBJECT, "the built-in BuildKit: cache and what builds may ask for",
	    .of = builder_fields),
	ROW("cdi-spec-dirs", LIST, "where CDI device specifications are found", .of = &el_path,
	    .since = VERSION(25, 0), PROVED(prove_set, "CDISpecDirs")),
	ROW("cgroup-parent", STRING,
	    "parent cgroup of all containers; a *.slice with the systemd driver", .cis = "2.10",
	    UNSEEN(BY_CONTAINER)),
	ROW("cluster-advertise", STRING, "address of the classic Swarm; long dead",
	    .until = VERSION(24, 0)),
	ROW("cluster-store", STRING, "store of the classic Swarm; long dead",
	    .until = VERSION(24, 0)),
	ROW("cluster-store-opts", MAP, "options of the classic Swarm's store; long dead",
	    .of = &el_string, .until = VERSION(24, 0)),
	ROW("containerd", STRING, "containerd's socket; the stock units pass it as a flag",
	    PROVED(prove_containerd, NULL)),
	ROW("containerd-namespace", STRING, "containerd namespace of containers"),
	ROW("containerd-plugin-namespace", STRING, NO_SERIES,
	    REFUSED("no Docker version takes it in daemon.json; set --containerd-plugins-namespace "
		    "on dockerd's command line")),
	ROW("containerd-plugins-namespace", STRING, "refused: Docker ignores it silently",
	    REFUSED("Docker takes it in daemon.json and ignores it; set "
		    "--containerd-plugins-namespace on dockerd's command line")),
	ROW("cpu-rt-period", INT, "realtime period of all containers together, in microseconds",
	    .min = 0, .max = INT64_MAX),
	ROW("cpu-rt-runtime", INT, "realtime share of that period, in microseconds", .min = 0,
	    .max = INT64_MAX),
	ROW("cri-containerd", BOOL, "start containerd with its CRI plugin, for a kubelet"),
	ROW("data-root", PATH, "where images, containers and volumes live",
	    PROVED(prove_data_root, "DockerRootDir")),
	ROW("debug", BOOL, "log much more, whatever log-level says, and open profiling on the API",
	    .cis = "2.3", .effect = EFFECT_RELOAD, PROVED(prove_member, "Debug")),
	ROW("default-address-pools", LIST, "networks that new networks get their subnets from",
	    .of = &el_pool, PROVED(prove_pools, "DefaultAddressPools")),
	ROW("default-cgroupns-mode", ENUM, "cgroup namespace of new containers",
	    .choices = cgroupns_modes, .effect = EFFECT_RELOAD, PROVED(prove_cgroupns, NULL)),
	ROW("default-gateway", STRING, "IPv4 gateway of containers on the default bridge",
	    .valid = valid_ip, UNIT_OF(.frozen = true)),
	ROW("default-gateway-v6", STRING, "IPv6 gateway of containers on the default bridge",
	    .valid = valid_ip, UNIT_OF(.frozen = true)),
	ROW("default-init", STRING, NO_SERIES,
	    REFUSED("no Docker version takes it in daemon.json; write `init-path`")),
	ROW("default-ipc-mode", ENUM, "IPC namespace of new containers", .choices = ipc_modes,
	    .effect = EFFECT_RELOAD, UNSEEN(BY_CONTAINER)),
	ROW("default-network-opts", MAP, "options of new networks, by driver",
	    .of = &el_network_opts, .since = VERSION(24, 0),
	    UNIT_OF(.unseen = "only a new network shows it (docker network inspect)",
		    .gone = "it takes the key and ignores it")),
	ROW("default-runtime", STRING, "OCI runtime of new containers", .effect = EFFECT_RELOAD,
	    PROVED(prove_member, "DefaultRuntime")),
	ROW("default-shm-size", STRING, "size of /dev/shm in new containers",
	    .effect = EFFECT_RELOAD, .valid = daemon_valid_size, UNSEEN(BY_CONTAINER)),
	ROW("default-stop-timeout", INT, "seconds a container gets to stop", .min = -1,
	    .max = INT32_MAX, .since = VERSION(29, 7), .effect = EFFECT_RELOAD,
	    UNSEEN(BY_CONTAINER)),
	ROW("default-ulimits", MAP,
	    "resource limits of new containers, by name (nofile, nproc, ...)", .of = &el_ulimit,
	    .cis = "2.8", UNSEEN(BY_CONTAINER)),
	ROW("deprecated-key-path", PATH, "where an old identity key is kept",
	    .until = VERSION(24, 0), UNIT_OF(.gone = "it takes the key and ignores it")),
	ROW("dns", LIST, "name servers of new containers", .of = &el_ip, UNSEEN(BY_CONTAINER)),
	ROW("dns-opts", LIST, "resolver options of new containers", .of = &el_string,
	    UNSEEN(BY_CONTAINER)),
	ROW("dns-search", LIST, "search domains of new containers", .of = &el_string,
	    UNSEEN(BY_CONTAINER)),
	ROW("exec-opts", LIST, "native.cgroupdriver=systemd or =cgroupfs", .of = &el_pair,
	    PROVED(prove_exec_opts, "CgroupDriver")),
	ROW("exec-root", PATH, "where state of the run lives"),
	ROW("experimental", BOOL, "experimental features of the daemon",
	    PROVED(prove_member, "ExperimentalBuild")),
	ROW("features", MAP, "named features on or off: containerd-snapshotter, buildkit, cdi",
	    .of = &el_feature, .effect = EFFECT_RELOAD_BOTH),
	ROW("firewall-backend", ENUM, "what container networks are fenced with",
	    .choices = firewalls, .since = VERSION(29, 0),
	    PROVED(prove_firewall, "FirewallBackend")),
	ROW("fixed-cidr", STRING,
	    "part of the default bridge's network that containers get addresses from",
	    .valid = valid_cidr4, UNIT_OF(.frozen = true)),
	ROW("fixed-cidr-v6", STRING, "IPv6 network of the default bridge", .valid = valid_cidr6,
	    UNIT_OF(.frozen = true)),
	ROW("graph", PATH, "old name of data-root", .until = VERSION(24, 0),
	    UNIT_OF(.proof = prove_data_root, .member = "DockerRootDir",
		    .gone = "write `data-root`")),
	ROW("group", NAME, "group of the API socket; not used with fd:// (see `socket`)",
	    UNSEEN("no API field shows it; with fd:// the socket unit decides (see `socket`)")),
	ROW("host-gateway-ip", STRING, "what host-gateway means in --add-host", .valid = valid_ip,
	    UNSEEN(BY_CONTAINER)),
	ROW("host-gateway-ips", LIST, "what host-gateway means in --add-host: one IPv4, one IPv6",
	    .of = &el_ip, .max = 2, .since = VERSION(28, 0), UNSEEN(BY_CONTAINER)),
	ROW("hosts", LIST, "where the API listens; conflicts with -H on the command line",
	    .of = &el_host, .cis = "2.7"),
	ROW("http-proxy", STRING, TO_PROXIES,
	    REFUSED("Docker ignores it at the top; write `proxies: {http-proxy: ...}`")),
	ROW("https-proxy", STRING, TO_PROXIES,
	    REFUSED("Docker ignores it at the top; write `proxies: {https-proxy: ...}`")),
	ROW("icc", BOOL, "containers on the default bridge may talk to each other", .cis = "2.2",
	    FROZEN(prove_bridge, "com.docker.network.bridge.enable_icc")),
	ROW("init", BOOL, "an init process in every new container", UNSEEN(BY_CONTAINER)),
	ROW("init-path", STRING, "the binary of that init process"),
	ROW("insecure-registries", LIST, "registries spoken to without TLS, or without checking it",
	    .of = &el_registry, .cis = "2.5", .effect = EFFECT_RELOAD,
	    PROVED(prove_insecure, "RegistryConfig")),
	ROW("ip", STRING, "address that published ports of the default bridge bind to",
	    .valid = valid_ip, FROZEN(prove_bridge, "com.docker.network.bridge.host_binding_ipv4")),
	ROW("ip-forward", BOOL, "turn the kernel's IP forwarding on",
	    PROVED(prove_forward, "IPv4Forwarding")),
	ROW("ip-forward-no-drop", BOOL,
	    "leave the FORWARD chain's policy alone when turning forwarding on",
	    .since = VERSION(28, 0)),
	ROW("ip-masq", BOOL, "masquerade what leaves the default bridge", UNIT_OF(.frozen = true)),
	ROW("ip6tables", BOOL, "firewall rules for IPv6; needs experimental up to 26"),
	ROW("iptables", BOOL, "firewall rules for container networks; keep it on", .cis = "2.4"),
	ROW("ipv6", BOOL, "IPv6 on the default bridge", FROZEN(prove_bridge_ip6, NULL)),
	ROW("labels", LIST, "labels of the daemon", .of = &el_pair, .effect = EFFECT_RELOAD,
	    PROVED(prove_set, "Labels")),
	ROW("live-restore", BOOL, "containers outlive a restart of the daemon; not on a swarm node",
	    .cis = "2.15", .effect = EFFECT_RELOAD, PROVED(prove_member, "LiveRestoreEnabled")),
	ROW("log-driver", STRING, "where the output of new containers goes", .cis = "2.13",
	    PROVED(prove_member, "LoggingDriver")),
	ROW("log-format", ENUM, "format of the daemon's own log", .choices = log_formats,
	    .since = VERSION(25, 0)),
	ROW("log-level", ENUM, "how much the daemon itself logs", .choices = log_levels,
	    .cis = "2.3"),
	ROW("log-opts", MAP, "options of the log driver; values are strings", .of = &el_string,
	    .cis = "2.13", UNSEEN(BY_CONTAINER)),
	ROW("max-concurrent-downloads", INT, "image layers pulled at a time", .min = 0,
	    .max = INT32_MAX, .effect = EFFECT_RELOAD_BOTH),
	ROW("max-concurrent-uploads", INT, "image layers pushed at a time", .min = 0,
	    .max = INT32_MAX, .effect = EFFECT_RELOAD_BOTH),
	ROW("max-download-attempts", INT, "how often a layer is tried", .min = 1, .max = INT32_MAX,
	    .effect = EFFECT_RELOAD_BOTH),
	ROW("metrics-addr", STRING, "Prometheus metrics; listens without authentication",
	    .valid = valid_address),
	ROW("min-api-version", STRING, "oldest API version that clients may speak",
	    .since = VERSION(29, 0), .valid = valid_api, PROVED(prove_min_api, "MinAPIVersion")),
	ROW("mtu", INT, "MTU of the default bridge", .min = 68, .max = 65535,
	    UNIT_OF(.frozen = true)),
	ROW("network-control-plane-mtu", INT, "MTU of the swarm's control plane", .min = 500,
	    .max = 65535),
	ROW("network-diagnostic-port", INT, "unauthenticated debug server on 127.0.0.1; 0: none",
	    .min = 0, .max = 65535, .effect = EFFECT_RELOAD_BOTH),
	ROW("no-new-privileges", BOOL, "setuid programs gain nothing in new containers",
	    .cis = "2.14,5.26", PROVED(prove_nnp, "no-new-privileges")),
	ROW("no-proxy", STRING, TO_PROXIES,
	    REFUSED("Docker ignores it at the top; write `proxies: {no-proxy: ...}`")),
	ROW("node-generic-resources", LIST, "resources a swarm node offers", .of = &el_pair,
	    UNSEEN("only a swarm manager shows it")),
	ROW("nri-opts", OBJECT, "NRI: plugins that can alter every container", .of = nri_fields,
	    .since = VERSION(29, 2), .effect = EFFECT_RELOAD_BOTH),
	ROW("oom-score-adjust", INT, "the daemon's own oom_score_adj", .min = -1000, .max = 1000,
	    .until = VERSION(26, 0), UNIT_OF(.gone = "set OOMScoreAdjust= in docker.service")),
	ROW("pidfile", PATH, "the daemon's pid file"),
	ROW("proxies", OBJECT, "proxies that the daemon itself uses", .of = proxy_fields,
	    .since = VERSION(23, 0), PROVED(prove_proxies, NULL)),
	ROW("raw-logs", BOOL, "no colours in the daemon's log"),
	ROW("registry-mirrors", LIST, "mirrors of Docker Hub, tried first", .of = &el_mirror,
	    .effect = EFFECT_RELOAD, PROVED(prove_mirrors, "RegistryConfig")),
	ROW("resolv-conf", PATH, NO_SERIES,
	    REFUSED("no Docker version takes it in daemon.json; write `dns`")),
	ROW("rootless", BOOL, "run in rootless mode; set up by its own tool",
	    PROVED(prove_security, "rootless")),
	ROW("runtimes", MAP, "further OCI runtimes; each runs as root", .of = &el_runtime,
	    .effect = EFFECT_RELOAD, PROVED(prove_runtimes, "Runtimes")),
	ROW("seccomp-profile", STRING,
	    "seccomp profile of new containers: builtin, unconfined or a file", .cis = "2.17",
	    .valid = valid_seccomp, PROVED(prove_seccomp, NULL)),
	ROW("selinux-enabled", BOOL,
	    "label containers; auto: where SELinux is on and its policy knows containers",
	    .also = or_auto, PROVED(prove_security, "selinux")),
	ROW("shutdown-timeout", INT,
	    "seconds all containers get when the daemon stops; -1: no limit", .min = -1,
	    .max = INT32_MAX, .effect = EFFECT_RELOAD),
	ROW("storage-driver", STRING, "how image layers are stacked", .cis = "2.6",
	    PROVED(prove_member, "Driver")),
	ROW("storage-opts", LIST, "options of the storage driver", .of = &el_pair),
	ROW("swarm-default-advertise-addr", STRING, "address or interface a swarm node announces"),
	ROW("swarm-raft-election-tick", INT, NO_SERIES, .min = 0, .max = UINT32_MAX,
	    REFUSED("no Docker version takes it in daemon.json")),
	ROW("swarm-raft-heartbeat-tick", INT, NO_SERIES, .min = 0, .max = UINT32_MAX,
	    REFUSED("no Docker version takes it in daemon.json")),
	ROW("tls", BOOL, "TLS on TCP listeners; want tlsverify", .cis = "2.7"),
	ROW("tlscacert", PATH, "CA that client certificates are checked with", .cis = "2.7"),
	ROW("tlscert", PATH, "the server's certificate", .cis = "2.7"),
	ROW("tlskey", PATH, "the server's key", .cis = "2.7"),
	ROW("tlsverify", BOOL, "TLS, and only clients with a certificate of the CA", .cis = "2.7"),
	ROW("userland-proxy", BOOL, "a docker-proxy process for each published port", .cis = "2.16",
	    UNSEEN("no API field shows it; its docker-proxy processes do")),
	ROW("userland-proxy-path", PATH, "the docker-proxy binary"),
	ROW("userns-remap", STRING,
	    "containers' root is an unprivileged id: USER whose ranges are used, or default",
	    .cis = "2.9", .valid = valid_userns, PROVED(prove_userns, NULL)),
	{ 0 },
};

/* --- what the table is asked --- */

const struct daemon_key *daemon_key_of(const struct field *f)
{
	static const struct daemon_key none;

	return f && f->more ? f->more : &none;
}

bool daemon_key_shipped(const struct section *s, const char *key)
{
	return s && has_prefix(section_where(s, key), "profile:");
}

bool daemon_key_known(const struct field *f, unsigned engine)
{
	if (daemon_key_of(f)->refused)
		return false;
	if (!engine)
		return true;
	return (!f->since || engine >= f->since) && (!f->until || engine < f->until);
}

void daemon_key_series(const struct field *f, char *buf, size_t size)
{
	unsigned s = f->since, u = f->until;

	if (s && u)
		snprintf(buf, size, "known from %u.%u to before %u.%u", s / 1000, s % 1000,
			 u / 1000, u % 1000);
	else if (s)
		snprintf(buf, size, "known since %u.%u", s / 1000, s % 1000);
	else if (u)
		snprintf(buf, size, "known before %u.%u", u / 1000, u % 1000);
	else
		snprintf(buf, size, "known to every series");
}

bool daemon_needs_restart(const char *key, const json_t *from, const json_t *to)
{
	static const char *const at_start[] = { "containerd-snapshotter", "cdi" };
	const struct field *f = field_find(daemon_keys, key);

	if (!f || f->effect == EFFECT_RESTART)
		return true;
	/* The image store and CDI are chosen once, when the daemon starts (moby daemon.NewDaemon),
	 * though a reload takes the map of features. */
	if (streq(key, "features"))
		for (size_t i = 0; i < ARRAY_SIZE(at_start); i++)
			if (json_is_true(json_object_get(from, at_start[i])) !=
			    json_is_true(json_object_get(to, at_start[i])))
				return true;
	return !to && f->effect == EFFECT_RELOAD;
}

/* A copy of a value in which no secret is left: the user part of URLs, and members whose name says
 * so. */
static json_t *masked(const json_t *v, const char *name)
{
	static const char *const secret[] = { "token", "password", "secret" };

	if (json_is_string(v)) {
		const char *s = json_string_value(v);
		const char *host = strstr(s, "://");
		const char *at;

		for (size_t i = 0; name && i < ARRAY_SIZE(secret); i++)
			if (strcasestr(name, secret[i]))
				return json_string("***");
		host = host ? host + 3 : s;
		at = memrchr(host, '@', strcspn(host, "/?# "));
		/* dockerd also takes a proxy as USER:PASSWORD@HOST, without a scheme. */
		if (at && (host != s || memchr(s, ':', (size_t)(at - s))))
			return json_sprintf("%.*s***%s", (int)(host - s), s, at);
		return json_clone(v, false);
	}
	if (json_is_object(v)) {
		json_t *o = json_object(), *m;
		const char *key;

		json_object_foreach (json_readonly(v), key, m) {
			json_t *copy = masked(m, key);

			if (!copy || json_object_set_new(o, key, copy)) {
				json_decref(o);
				return NULL;
			}
		}
		return o;
	}
	if (json_is_array(v)) {
		json_t *a = json_array(), *m;
		size_t i;

		json_array_foreach (v, i, m) {
			json_t *copy = masked(m, name);

			if (!copy || json_array_append_new(a, copy)) {
				json_decref(a);
				return NULL;
			}
		}
		return a;
	}
	return json_clone(v, false);
}

int daemon_show(const json_t *value, char **ret, struct err *e)
{
	_cleanup_json_ json_t *safe = NULL;
	char *text;
	size_t n;

	if (!value) {
		text = strdup("unset");
	} else {
		safe = masked(value, NULL);
		text = safe ? json_text(safe, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	}
	if (!text)
		return err_oom(e);
	n = strlen(text);
	if (n > SHOW_MAX) {
		n = SHOW_MAX - 3;
		/* not in the middle of a UTF-8 sequence */
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		memcpy(text + n, "...", 4);
	}
	*ret = text;
	return 0;
}
