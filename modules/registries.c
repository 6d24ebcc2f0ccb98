/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which registries images may come from. One list in the plan becomes what the engine on this host
 * understands: Red Hat's docker has a setting for it, podman and its kin read registries.conf.d,
 * upstream's dockerd has neither, and gets the strongest means that its version and this host can
 * enforce. What was chosen, and what stays open, is told each time.
 */
#include "registries.h"

static const char *const enforcements[] = { "auto", "certs.d", "hosts", "network", "proxy", NULL };

static const struct field block_row = { .name = "registry",
					.type = FIELD_STRING,
					.max = REGISTRY_MAX - 1,
					.valid = registry_valid_block };
static const struct field allow_row = { .name = "registry",
					.type = FIELD_STRING,
					.max = REGISTRY_MAX - 1,
					.valid = registry_valid_allow };
static const struct field address_row = {
	.name = "address", .type = FIELD_STRING, .max = 64, .valid = registry_valid_address
};

static const struct field fields[] = {
	{ .name = "block",
	  .type = FIELD_LIST,
	  .max = REGISTRIES_MAX,
	  .of = &block_row,
	  .help = "registries that no image may come from: docker.io (also written public), "
		  "host[:port], *.example.com where the engine can, or all but those of `allow`" },
	{ .name = "allow",
	  .type = FIELD_LIST,
	  .max = REGISTRIES_MAX,
	  .of = &allow_row,
	  .help = "registries that stay open beside `block: [all]` or a wildcard; check tells whether "
		  "dockerd reaches them" },
	{ .name = "enforce",
	  .type = FIELD_ENUM,
	  .choices = enforcements,
	  .fallback = "auto",
	  .help = "how upstream's dockerd, which has no setting for it, is kept to the lists: certs.d "
		  "(hosts.toml, Docker 28 with the containerd image store), hosts (names led astray in "
		  "/etc/hosts), network (IPAddressDeny=, cgroup v2), proxy; auto: all that can be "
		  "enforced here" },
	{ .name = "proxy",
	  .type = FIELD_STRING,
	  .max = 1000,
	  .valid = registry_valid_proxy,
	  .help = "the proxy that dockerd pulls through, and that lets through only what is allowed" },
	{ .name = "addresses",
	  .type = FIELD_LIST,
	  .max = REGISTRIES_MAX,
	  .of = &address_row,
	  .help = "for `network`, which takes no names: addresses or networks of the allowed "
		  "registries, and of what else dockerd talks to (log targets, API clients, swarm "
		  "peers); loopback, containers and resolvers are open by themselves" },
	{ 0 },
};

static void check_list(const struct section *s, const char *list, struct errs *out)
{
	const json_t *names = section_get(s, list);
	char where[32];
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(names), i, v) {
		const char *name = json_string_value(v);
		int first = registry_find(names, name);

		if (!name || first == (int)i)
			continue;
		snprintf(where, sizeof(where), "%s[%zu]", list, i);
		errs_add(out, section_where(s, where),
			 "registries.%s: \"%s\" stands there twice%s: take one out", list, name,
			 streq(name, json_string_value(json_array_get(names, (size_t)first)))
				 ? ""
				 : ", this is another name of docker.io");
	}
}

static void check_both(const struct section *s, struct errs *out)
{
	const json_t *block = section_get(s, "block"), *allow = section_get(s, "allow");
	char where[32], other[32];
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(allow), i, v) {
		int at = registry_find(block, json_string_value(v));

		if (at < 0)
			continue;
		snprintf(where, sizeof(where), "allow[%zu]", i);
		snprintf(other, sizeof(other), "block[%d]", at);
		errs_add(
			out, section_where(s, where),
			"registries.allow: \"%s\" is blocked, too (%s): take it out of one of the two",
			json_string_value(v), section_where(s, other));
	}
}

/* What a means can't do with any host. */
static const char *means_refuses(const char *enforce, const char *name)
{
	bool all = streq(name, REGISTRY_ALL);

	if (streq(enforce, "certs.d"))
		return registry_is_wildcard(name) ? "certs.d knows no wildcards" : NULL;
	if (!streq(enforce, "hosts"))
		return NULL;
	if (all)
		return "/etc/hosts can't hold all names";
	if (registry_is_wildcard(name))
		return "/etc/hosts knows no wildcards";
	return registry_is_dns(name) ? NULL : "/etc/hosts leads names astray, not addresses";
}

static void check_enforce(const struct section *s, struct errs *out)
{
	const char *enforce = section_str(s, "enforce"), *proxy = section_str(s, "proxy");
	const json_t *block = section_get(s, "block"), *allow = section_get(s, "allow");
	bool named = streq(enforce, "network");
	char where[32];
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(block), i, v) {
		const char *name = json_string_value(v), *why = means_refuses(enforce, name);

		if (!why)
			continue;
		snprintf(where, sizeof(where), "block[%zu]", i);
		errs_add(
			out, section_where(s, where),
			"registries.block: \"%s\" beside `enforce: %s`: %s; write `enforce: auto`, or "
			"take it out",
			name, enforce, why);
	}
	if (named && registry_find(block, REGISTRY_ALL) < 0)
		errs_add(
			out, section_where(s, "enforce"),
			"`enforce: network` shuts dockerd's network but for the addresses that are let "
			"through: `block` has to hold all");
	json_array_foreach (json_readonly(allow), i, v) {
		if (!named || section_get(s, "addresses") ||
		    registry_is_address(json_string_value(v)))
			continue;
		snprintf(where, sizeof(where), "allow[%zu]", i);
		errs_add(out, section_where(s, where),
			 "`enforce: network` takes addresses, and those of \"%s\" may be others "
			 "tomorrow: write them into `addresses`, as in `addresses: [10.0.0.7]`",
			 json_string_value(v));
	}
	if (streq(enforce, "proxy") && !proxy)
		errs_add(out, section_where(s, "enforce"),
			 "`enforce: proxy` needs a proxy: add `proxy: http://proxy.corp:3128`");
	if (proxy && !streq(enforce, "proxy") && !streq(enforce, "auto"))
		errs_add(out, section_where(s, "proxy"),
			 "registries.proxy beside `enforce: %s` would not be used: write `enforce: "
			 "proxy` or auto",
			 enforce);
	if (section_get(s, "addresses") && !named && !streq(enforce, "auto"))
		errs_add(
			out, section_where(s, "addresses"),
			"registries.addresses beside `enforce: %s` would not be used: write `enforce: "
			"network` or auto",
			enforce);
}

/* Two sections, one key of daemon.json. */
static void check_daemon(const struct section *s, struct errs *out)
{
	const struct section *daemon = plan_section(s->plan, "daemon");
	const json_t *theirs = daemon ? section_get(daemon, "proxies") : NULL;

	if (section_str(s, "proxy") &&
	    (json_object_get(theirs, "http-proxy") || json_object_get(theirs, "https-proxy")))
		errs_add(
			out, section_where(s, "proxy"),
			"registries.proxy and daemon.proxies (%s) both name dockerd's proxy: take one "
			"of them out",
			section_where(daemon, "proxies"));
}

static void check(const struct section *s, struct errs *out)
{
	check_list(s, "block", out);
	check_list(s, "allow", out);
	check_both(s, out);
	check_enforce(s, out);
	check_daemon(s, out);
}

static int applies(const struct section *s, const struct host *h, const char **ret_why,
		   struct err *e)
{
	_cleanup_registries_ struct registries r = { 0 };

	if (registries_load(s, h, &r, e) < 0)
		return e->code;
	*ret_why = r.cmd->masked ? "docker.service is masked, and podman and its kin are not "
				   "installed"
				 : "neither Docker nor podman, buildah, skopeo or CRI-O is "
				   "installed here";
	return !r.cmd->installed && !r.tools;
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_registries_ struct registries r = { 0 };
	size_t mistakes = out->mistakes.n, refusals = out->refusals.n;

	if (!s)
		return registries_diff(NULL, was, h, out, e);
	if (registries_load(s, h, &r, e) < 0 || registries_tell(&r, out, e) < 0)
		return e->code;
	if (out->mistakes.n != mistakes || out->refusals.n != refusals)
		return 0;
	return registries_diff(&r, was, h, out, e);
}

const struct module module_registries = {
	.name = REGISTRIES,
	.summary = "which registries images may come from",
	.fields = fields,
	.order = 26,
	.check = check,
	.applies = applies,
	.diff = diff,
	.verify = registries_verify,
};
