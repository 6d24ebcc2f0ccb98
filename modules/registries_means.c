/* SPDX-License-Identifier: Apache-2.0 */
#include "registries.h"
#include "unitfile.h"

#define VARIABLE "BLOCK_REGISTRY"
#define CGROUP2	 "/sys/fs/cgroup/cgroup.controllers"

/* --- what can't be had here, and why; *ret stays NULL where it can --- */

static const char *config_str(const struct registries *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r->config, key));

	return s && *s ? s : NULL;
}

/* The containerd image store reads hosts.toml (measured: 28.5 and 29.7 do, 26.1 does not); with
 * userns-remap images are pulled by the graph drivers, which don't. */
static int no_certs(const struct registries *r, char **ret, struct err *e)
{
	const json_t *store =
		json_object_get(json_object_get(r->config, "features"), "containerd-snapshotter");
	const json_t *driver = json_object_get(r->run.seen.info, "DriverStatus");
	_cleanup_free_ char *status = NULL;
	const char *why = NULL;

	if (!r->engine)
		why = "the engine's version is not known";
	else if (r->engine < VERSION(28, 0))
		why = "only Docker 28 and later read hosts.toml";
	else if (config_str(r, "userns-remap") || engine_cmdline_flag(r->cmd, "userns-remap"))
		why = "with userns-remap the graph drivers pull, and they read no hosts.toml";
	else if (json_is_false(store) || (!json_is_true(store) && r->engine < VERSION(29, 0)))
		why = "it takes the containerd image store: features.containerd-snapshotter is off";
	else if (!json_is_true(store) &&
		 (config_str(r, "storage-driver") || engine_cmdline_flag(r->cmd, "storage-driver")))
		why = "it takes the containerd image store: storage-driver names another one";
	else if (!json_is_true(store) && driver) {
		status = json_text(driver, JSON_COMPACT);
		if (!status)
			return err_oom(e);
		if (!strstr(status, "io.containerd.snapshotter"))
			why = "it takes the containerd image store, and this daemon runs on a graph "
			      "driver";
	}
	*ret = why ? strdup(why) : NULL;
	return why && !*ret ? err_oom(e) : 0;
}

/* Does dockerd, as it is set up without us, go through a proxy? */
static bool proxied(const struct registries *r)
{
	static const char *const names[] = { "HTTPS_PROXY=", "https_proxy=", "HTTP_PROXY=",
					     "http_proxy=", NULL };
	const json_t *proxies = json_object_get(r->config, "proxies");

	if (json_object_get(proxies, "http-proxy") || json_object_get(proxies, "https-proxy") ||
	    engine_cmdline_flag(r->cmd, "proxies"))
		return true;
	for (char **v = r->cmd->env; v && *v; v++)
		for (const char *const *n = names; *n; n++)
			if (has_prefix(*v, *n) && (*v)[strlen(*n)])
				return true;
	return false;
}

static int no_hosts(const struct registries *r, char **ret, struct err *e)
{
	_cleanup_json_ json_t *names = registries_astray(r);
	const char *why = NULL;

	if (!names)
		return err_oom(e);
	if (r->proxy || proxied(r))
		why = "dockerd goes through a proxy, which looks up names itself";
	else if (!json_array_size(names))
		why = "`block` has no name that /etc/hosts could lead astray";
	*ret = why ? strdup(why) : NULL;
	return why && !*ret ? err_oom(e) : 0;
}

static int no_network(const struct registries *r, char **ret, struct err *e)
{
	const char *why = NULL;
	struct stat st;
	int v2;

	*ret = NULL;
	v2 = host_is_live(r->h) ? host_stat(r->h, CGROUP2, &st, e) : 0;
	if (v2 < 0 && v2 != -ENOENT && v2 != -ENOTDIR)
		return v2;
	if (!r->all) {
		why = "it shuts everything but the allowed addresses, and `block` does not hold all";
	} else if (v2 < 0) {
		why = "IPAddressDeny= is not enforced on cgroup v1, which this host runs on";
	} else if (!host_is_live(r->h) && streq(r->enforce, "auto")) {
		why = "offline it can't be told whether this root runs on cgroup v2";
	} else if (r->homeless && !section_get(r->s, "addresses")) {
		if (asprintf(ret,
			     "it takes addresses, and these have only names: %s; write their "
			     "addresses into `addresses`",
			     r->homeless) < 0)
			return err_oom(e);
		return 0;
	}
	*ret = why ? strdup(why) : NULL;
	return why && !*ret ? err_oom(e) : 0;
}

static int no_proxy(const struct registries *r, char **ret, struct err *e)
{
	*ret = r->proxy ? NULL : strdup("the plan names no proxy");
	return !r->proxy && !*ret ? err_oom(e) : 0;
}

static const struct means {
	unsigned bit;
	const char *name;
	int (*no)(const struct registries *r, char **ret, struct err *e);
	const char *hole; /* what gets past it */
} table[] = {
	{ MEANS_CERTS, "certs.d", no_certs, "mirrors that `registry-mirrors` names" },
	{ MEANS_HOSTS, "hosts", no_hosts, "blocked registries under an address or another name" },
	{ MEANS_NETWORK, "network", no_network, "registries at the addresses that are left open" },
	{ MEANS_PROXY, "proxy", no_proxy, "whatever the proxy lets through" },
	{ MEANS_SYSCONFIG, "$" VARIABLE, NULL, "blocked registries under another name" },
	{ MEANS_KEYS, "block-registry", NULL, "blocked registries under another name" },
};
_Static_assert(ARRAY_SIZE(table) == MEANS_MAX, "a reason for each means");

void registries_means_text(unsigned means, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(table) && n < size; i++)
		if (means & table[i].bit)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
					      table[i].name);
}

/* --- which entries they cover --- */

/* A name of which another port is allowed can't be led astray. */
static bool shares_host(const struct registries *r, const char *name)
{
	char host[REGISTRY_MAX], other[REGISTRY_MAX];
	json_t *v;
	size_t i;

	registry_host(name, host);
	json_array_foreach (json_readonly(r->allow), i, v) {
		registry_host(json_string_value(v), other);
		if (streq(host, other))
			return true;
	}
	return false;
}

static int add_name(json_t *names, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach (names, i, v)
		if (streq(json_string_value(v), name))
			return 0;
	return json_array_append_new(names, json_string(name));
}

json_t *registries_astray(const struct registries *r)
{
	/* Its name, the API behind it, where its tokens come from, and where the layers are. */
	static const char *const hub[] = { DOCKER_HUB,
					   "index.docker.io",
					   "registry-1.docker.io",
					   "auth.docker.io",
					   "production.cloudflare.docker.com",
					   "production.cloudfront.docker.com",
					   NULL };
	_cleanup_json_ json_t *names = json_array();
	char host[REGISTRY_MAX];
	bool is_hub = r->all && registry_find(r->allow, DOCKER_HUB) < 0;
	json_t *v;
	size_t i;

	if (!names)
		return NULL;
	json_array_foreach (json_readonly(r->block), i, v) {
		const char *name = json_string_value(v);

		if (streq(registry_name(name), DOCKER_HUB)) {
			is_hub = true;
		} else if (registry_is_dns(name) && !shares_host(r, name)) {
			registry_host(name, host);
			if (add_name(names, host) < 0)
				return NULL;
		}
	}
	for (const char *const *n = hub; is_hub && *n; n++)
		if (!shares_host(r, *n) && add_name(names, *n) < 0)
			return NULL;
	return TAKE_PTR(names);
}

unsigned registries_covers(const struct registries *r, const char *name)
{
	bool exact = !registry_is_wildcard(name) && !streq(name, REGISTRY_ALL);
	unsigned m = MEANS_PROXY;

	if (exact || r->all)
		m |= MEANS_CERTS;
	if (registry_is_dns(name) && !shares_host(r, name))
		m |= MEANS_HOSTS;
	if (r->all)
		m |= MEANS_NETWORK;
	if (!registry_is_wildcard(name) || r->all)
		m |= MEANS_REDHAT;
	return m & r->means;
}

/* --- the engine --- */

static bool names_variable(const char *command, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = command; (p = strchr(p, '$')); p++) {
		const char *v = p + 1 + (p[1] == '{');

		if (strncmp(v, name, n) == 0 && (v[n] == '\0' || strchr(" \t}", v[n])))
			return true;
	}
	return false;
}

/* Red Hat's docker: its unit hands over $BLOCK_REGISTRY, or it knows the keys (from 1.12 on). */
static int redhat(struct registries *r, unsigned *ret, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const struct unitfile_setting *x;
	bool uses = false;
	size_t pos = 0;
	int status;

	*ret = 0;
	status = unitfile_load(r->h, DOCKER_SERVICE, &u, e);
	if (status < 0)
		return status == -ENOENT ? 0 : status;
	while ((x = unitfile_next(&u, "Service", "ExecStart", &pos))) {
		uses = uses || names_variable(x->value, VARIABLE);
		r->adds = r->adds || names_variable(x->value, "ADD_REGISTRY");
	}
	pos = 0;
	while (uses && (x = unitfile_next(&u, "Service", "EnvironmentFile", &pos))) {
		const char *path = x->value + (x->value[0] == '-');

		/* The last one counts; the files of others (storage, network) have their own
		 * names. */
		if (path[0] != '/' || !has_suffix(path, "/docker"))
			continue;
		free(r->sysconfig);
		r->sysconfig = strdup(path);
		if (!r->sysconfig)
			return err_oom(e);
	}
	if (r->sysconfig)
		*ret = MEANS_SYSCONFIG;
	else if (engine_is_redhat(r->cmd, r->engine))
		*ret = MEANS_KEYS;
	return 0;
}

static int load_engine(struct registries *r, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	const char *version, *why;
	size_t len;
	int status;

	if (engine_version(r->h, r->s->plan, &r->engine, &version, &why, e) < 0)
		return e->code;
	snprintf(r->engine_text, sizeof(r->engine_text), "Docker%s%s",
		 r->engine && version ? " " : "", r->engine && version ? version : "");
	status = host_read(r->h, r->cmd->config, DAEMON_FILE_MAX, &text, &len, e);
	if (status < 0 && status != -ENOENT)
		return status;
	/* What can't be parsed is the daemon module's to refuse, or ours once it has to be edited.
	 */
	if (status == 0)
		status = json_parse_object(text, len, &r->config, e);
	if (status == -ENOMEM)
		return status;
	if (!r->config)
		r->config = json_object();
	if (!r->config)
		return err_oom(e);
	return daemon_running_load(r->h, r->cmd, NULL, &r->run, e);
}

static int load_tools(struct registries *r, struct err *e)
{
	static const struct {
		const char *name, *path;
	} tools[] = {
		{ "podman", "/usr/bin/podman" },    { "buildah", "/usr/bin/buildah" },
		{ "skopeo", "/usr/bin/skopeo" },    { "CRI-O", "/usr/bin/crio" },
		{ "CRI-O", "/usr/local/bin/crio" },
	};
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		struct stat st;
		int status = host_stat(r->h, tools[i].path, &st, e);

		if (status < 0 && status != -ENOENT && status != -ENOTDIR)
			return status;
		if (status == 0)
			buf_addf(&b, "%s%s", b.len ? ", " : "", tools[i].name);
	}
	r->tools = b.len ? buf_take(&b, NULL) : NULL;
	return b.failed || (b.len && !r->tools) ? err_oom(e) : 0;
}

static int choose(struct registries *r, struct err *e)
{
	bool automatic = streq(r->enforce, "auto");
	unsigned own;

	if (redhat(r, &own, e) < 0)
		return e->code;
	if (automatic && own) {
		r->means = own;
		return 0;
	}
	if (registries_open(r, e) < 0)
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!table[i].no)
			continue;
		if (table[i].no(r, &r->cannot[i], e) < 0)
			return e->code;
		if (automatic ? !r->cannot[i] : streq(r->enforce, table[i].name))
			r->means |= table[i].bit;
	}
	return 0;
}

int registries_load(const struct section *s, const struct host *h, struct registries *ret,
		    struct err *e)
{
	*ret = (struct registries){
		.s = s,
		.h = h,
		.block = section_get(s, "block"),
		.allow = section_get(s, "allow"),
		.enforce = section_str(s, "enforce"),
		.proxy = section_str(s, "proxy"),
	};
	ret->all = registry_find(ret->block, REGISTRY_ALL) >= 0;
	if (engine_cmdline(h, &ret->cmd, e) < 0 || load_tools(ret, e) < 0)
		return e->code;
	if (!ret->cmd->installed)
		return 0;
	if (load_engine(ret, e) < 0)
		return e->code;
	/* Lists that ask for nothing take no means. */
	return json_array_size(ret->block) || ret->proxy ? choose(ret, e) : 0;
}

void registries_done(struct registries *r)
{
	json_decref(r->config);
	for (size_t i = 0; i < MEANS_MAX; i++)
		free(r->cannot[i]);
	free(r->sysconfig);
	free(r->tools);
	free(r->open);
	free(r->homeless);
	*r = (struct registries){ 0 };
}

/* --- telling --- */

/* "; certs.d: why; network: why" */
static void add_reasons(const struct registries *r, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (r->cannot[i] && (table[i].bit != MEANS_PROXY || !r->means))
			buf_addf(b, "; not by %s: %s", table[i].name, r->cannot[i]);
}

/* What this host can't be kept to, and what no host can. */
static int tell_uncovered(const struct registries *r, struct changes *out, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char where[32];
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(r->block), i, v) {
		const char *name = json_string_value(v);

		if (registries_covers(r, name))
			continue;
		if (registry_is_wildcard(name) && !r->tools && !r->all) {
			snprintf(where, sizeof(where), "block[%zu]", i);
			errs_add(&out->mistakes, section_where(r->s, where),
				 "registries.block: \"%s\": %s knows no wildcards; name the "
				 "registries, block all, or give it a `proxy` that knows them",
				 name, r->engine_text);
			continue;
		}
		buf_addf(&b, "%s%s", b.len ? ", " : "", name);
	}
	if (b.len)
		buf_addf(&b, ": nothing here keeps %s from it", r->engine_text);
	/* With means in use, what is told of them says why not others. */
	if (b.len && !r->means)
		add_reasons(r, &b);
	if (b.failed)
		return err_oom(e);
	return b.len ? changes_note(out, REGISTRIES, "block", e, "%s", b.data) : 0;
}

/* What gets past one means another may stop. */
static bool is_open(const struct registries *r, unsigned means)
{
	bool others = r->means & (MEANS_NETWORK | MEANS_PROXY | (r->all ? MEANS_CERTS : 0));

	if (means == MEANS_CERTS)
		return json_array_size(json_object_get(r->config, "registry-mirrors"));
	return means != MEANS_HOSTS || !others;
}

static int tell_chosen(const struct registries *r, struct changes *out, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT, holes = BUF_INIT;
	char means[128];

	registries_means_text(r->means, means, sizeof(means));
	buf_addf(&b, "%s is kept to the lists by %s", r->engine_text, means);
	if (streq(r->enforce, "auto"))
		add_reasons(r, &b);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if ((r->means & table[i].bit) && is_open(r, table[i].bit))
			buf_addf(&holes, "%s, ", table[i].hole);
	if (b.failed || holes.failed)
		return err_oom(e);
	if (changes_note(out, REGISTRIES, "enforce", e, "%s", b.data) < 0)
		return e->code;
	return changes_note(
		out, REGISTRIES, NULL, e,
		"still open: %simages from files (docker load, import), other programs "
		"than dockerd, containers that are privileged or use the host's network",
		holes.data ? holes.data : "");
}

static int tell_tools(const struct registries *r, struct changes *out, struct err *e)
{
	if (!r->tools || !r->all)
		return 0;
	return changes_note(out, REGISTRIES, "block", e,
			    "%s: registries.conf can't block all; name the registries, or let "
			    "/etc/containers/policy.json reject by default",
			    r->tools);
}

int registries_tell(const struct registries *r, struct changes *out, struct err *e)
{
	bool refused = false;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!(r->means & table[i].bit) || !r->cannot[i])
			continue;
		refused = true;
		errs_add(&out->refusals, section_where(r->s, "enforce"),
			 "`enforce: %s` can't be had on this host: %s; `enforce: auto` takes what "
			 "can",
			 table[i].name, r->cannot[i]);
	}
	if ((r->means & MEANS_SYSCONFIG) && r->all && json_array_size(r->allow) && !r->adds)
		errs_add(&out->refusals, section_where(r->s, "allow"),
			 "registries.allow: docker.service hands $" VARIABLE
			 " to dockerd, and not $ADD_REGISTRY: with all blocked nothing could be "
			 "pulled. Type: systemctl edit docker.service, and add it to ExecStart=");
	if (r->cmd->installed && tell_uncovered(r, out, e) < 0)
		return e->code;
	if (r->means && !refused && tell_chosen(r, out, e) < 0)
		return e->code;
	return tell_tools(r, out, e);
}
