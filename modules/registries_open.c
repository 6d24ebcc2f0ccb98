/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPAddressDeny=any filters dockerd both ways, so all that it needs besides registries has to stay
 * open: systemd.resource-control(5). All of it is read from files, not from what runs: a list that
 * followed each new network would restart Docker for it.
 */
#include <arpa/inet.h>

#include "registries.h"

/* Where networks come from without default-address-pools (libnetwork, ipamutils). */
static const char *const pools[] = { "172.17.0.0/16",  "172.18.0.0/16",
				     "172.19.0.0/16",  "172.20.0.0/14",
				     "172.24.0.0/14",  "172.28.0.0/14",
				     "192.168.0.0/16", NULL };

struct look {
	struct registries *r;
	json_t *open;	     /* addresses and networks, each once */
	struct buf homeless; /* names */
	bool failed;
};

static bool is_loopback(const char *s)
{
	unsigned char raw[16];

	if (inet_pton(AF_INET, s, raw) == 1)
		return raw[0] == 127;
	return inet_pton(AF_INET6, s, raw) == 1 && memcmp(raw, &in6addr_loopback, sizeof(raw)) == 0;
}

static void add(struct look *l, const char *address)
{
	json_t *v;
	size_t i;

	if (is_loopback(address))
		return;
	json_array_foreach (l->open, i, v)
		if (streq(json_string_value(v), address))
			return;
	if (json_array_append_new(l->open, json_string(address)) < 0)
		l->failed = true;
}

/* An address or network that is one; what isn't is dockerd's to complain about. */
static void add_network(struct look *l, const char *s)
{
	if (s && !registry_valid_address(s))
		add(l, s);
}

/* What talks to dockerd under this host: open by its address, homeless by its name. */
static void add_peer(struct look *l, const char *what, const char *host)
{
	if (registry_is_address(host))
		add(l, host);
	else if (!streq(host, "localhost") && *host)
		buf_addf(&l->homeless, "%s%s%s", l->homeless.len ? ", " : "", what, host);
}

static void add_url(struct look *l, const char *what, const char *url)
{
	char host[REGISTRY_MAX];

	if (url && registry_url_host(url, host))
		add_peer(l, what, host);
}

static void add_list(struct look *l, const json_t *list)
{
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(list), i, v)
		add_network(l, json_string_value(v));
}

static void containers(struct look *l)
{
	static const char *const keys[] = { "bip", "bip6", "fixed-cidr", "fixed-cidr-v6", NULL };
	const json_t *own = json_object_get(l->r->config, "default-address-pools");
	const char *value;
	json_t *v;
	size_t i, pos = 0;

	for (const char *const *k = keys; *k; k++) {
		add_network(l, json_string_value(json_object_get(l->r->config, *k)));
		pos = 0;
		while ((value = engine_cmdline_next(l->r->cmd, *k, &pos)))
			add_network(l, value);
	}
	json_array_foreach (json_readonly(own), i, v)
		add_network(l, json_string_value(json_object_get(v, "base")));
	for (const char *const *p = pools; !json_array_size(own) && *p; p++)
		add(l, *p);
}

/* nameserver lines, resolv.conf(5). */
static int resolvers(struct look *l, const char *path, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	size_t len;
	int r = host_read(l->r->h, path, 1024 * 1024, &text, &len, e);

	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!has_prefix(line, "nameserver") || !strchr(" \t", line[10]))
			continue;
		line += 10;
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r%#;")] = '\0';
		add_network(l, line);
	}
	return 0;
}

/* Drivers are told where to log to by options that end so. */
static void log_targets(struct look *l)
{
	const char *name;
	json_t *v;

	json_object_foreach (json_readonly(json_object_get(l->r->config, "log-opts")), name, v) {
		const char *url = json_string_value(v);

		if (url && (has_suffix(name, "-address") || has_suffix(name, "-url")) &&
		    !strstr(url, "unix") && strstr(url, "://"))
			add_url(l, "log target ", url);
	}
}

static bool is_remote(const char *address)
{
	char host[REGISTRY_MAX];

	return address && has_prefix(address, "tcp://") && registry_url_host(address, host) &&
	       !streq(host, "localhost") && !is_loopback(host);
}

/* Who may talk to the API over TCP: the tls section's `from`, else nobody knows. */
static void api_clients(struct look *l)
{
	const struct section *tls = plan_section(l->r->s->plan, "tls");
	const json_t *from = tls ? section_get(tls, "from") : NULL;
	bool others = false;
	const char *value;
	json_t *v;
	size_t i, pos = 0;

	while ((value = engine_cmdline_next(l->r->cmd, "hosts", &pos)))
		others = others || is_remote(value);
	json_array_foreach (json_object_get(l->r->config, "hosts"), i, v)
		others = others || is_remote(json_string_value(v));
	add_list(l, from);
	if (others && !json_array_size(from))
		add_peer(l, "", "clients of the TCP API");
}

static void proxies(struct look *l)
{
	static const char *const names[] = { "HTTPS_PROXY=", "https_proxy=", "HTTP_PROXY=",
					     "http_proxy=", NULL };
	const json_t *p = json_object_get(l->r->config, "proxies");

	add_url(l, "proxy ", l->r->proxy);
	if (l->r->proxy)
		return;
	add_url(l, "proxy ", json_string_value(json_object_get(p, "http-proxy")));
	add_url(l, "proxy ", json_string_value(json_object_get(p, "https-proxy")));
	for (char **v = l->r->cmd->env; v && *v; v++)
		for (const char *const *n = names; *n; n++)
			if (has_prefix(*v, *n))
				add_url(l, "proxy ", *v + strlen(*n));
}

static void registries(struct look *l)
{
	json_t *v;
	size_t i;

	/* Through a proxy nothing else is connected to. */
	json_array_foreach (json_readonly(l->r->allow), i, v)
		if (!l->r->proxy)
			add_url(l, "", json_string_value(v));
	json_array_foreach (json_object_get(l->r->config, "registry-mirrors"), i, v)
		add_url(l, "mirror ", json_string_value(v));
}

static void swarm(struct look *l)
{
	const char *state = json_string_value(
		json_object_get(json_object_get(l->r->run.seen.info, "Swarm"), "LocalNodeState"));

	if (state && !streq(state, "inactive"))
		add_peer(l, "", "swarm peers");
}

int registries_open(struct registries *r, struct err *e)
{
	_cleanup_json_ json_t *open = json_array();
	struct look l = { .r = r, .open = open, .homeless = BUF_INIT };
	_cleanup_buf_ struct buf b = BUF_INIT;
	json_t *v;
	size_t i;
	int status;

	if (!open)
		return err_oom(e);
	containers(&l);
	status = resolvers(&l, "/etc/resolv.conf", e);
	/* Behind systemd-resolved's stub containers are sent to the servers themselves. */
	if (status == 0 && host_is_live(r->h))
		status = resolvers(&l, "/run/systemd/resolve/resolv.conf", e);
	add_list(&l, json_object_get(r->config, "dns"));
	log_targets(&l);
	api_clients(&l);
	proxies(&l);
	registries(&l);
	swarm(&l);
	add_list(&l, section_get(r->s, "addresses"));
	buf_adds(&b, "localhost");
	json_array_foreach (open, i, v)
		buf_addf(&b, " %s", json_string_value(v));
	if (l.failed || l.homeless.failed || b.failed)
		status = err_oom(e);
	if (status == 0) {
		r->open = buf_take(&b, NULL);
		r->homeless = l.homeless.len ? buf_take(&l.homeless, NULL) : NULL;
	}
	buf_done(&l.homeless);
	return status;
}
