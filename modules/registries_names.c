/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>

#include "registries.h"

#define PORT_MAX 65535

/* Where Docker Hub's images come from under other names: dockerd's own alias, the API behind it,
 * and what Red Hat's docker calls it. */
static const char *const hub_names[] = { "public", "index.docker.io", "registry-1.docker.io",
					 NULL };

const char *registry_name(const char *s)
{
	for (const char *const *n = hub_names; *n; n++)
		if (streq(s, *n))
			return DOCKER_HUB;
	return s;
}

bool registry_is_wildcard(const char *s)
{
	return s[0] == '*';
}

/* The end of the host: its port's colon, or the end. */
static const char *host_end(const char *s)
{
	const char *end = s[0] == '[' ? strchr(s, ']') : NULL;

	return end ? end + 1 : s + strcspn(s, ":");
}

void registry_host(const char *s, char ret[REGISTRY_MAX])
{
	bool bracket = s[0] == '[';
	size_t n = (size_t)(host_end(s) - s);

	if (bracket && n >= 2) {
		s++;
		n -= 2;
	}
	snprintf(ret, REGISTRY_MAX, "%.*s", n < REGISTRY_MAX ? (int)n : REGISTRY_MAX - 1, s);
}

static bool is_address(const char *s)
{
	unsigned char raw[16];

	return inet_pton(AF_INET, s, raw) == 1 || inet_pton(AF_INET6, s, raw) == 1;
}

bool registry_is_address(const char *s)
{
	char host[REGISTRY_MAX];

	registry_host(s, host);
	return is_address(host);
}

bool registry_is_dns(const char *s)
{
	char host[REGISTRY_MAX];

	registry_host(s, host);
	return !registry_is_wildcard(s) && !is_address(host) && !streq(host, REGISTRY_ALL) &&
	       !streq(host, "localhost") && !has_suffix(host, ".localhost");
}

int registry_find(const json_t *list, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach (json_readonly(list), i, v)
		if (streq(registry_name(json_string_value(v)), registry_name(name)))
			return (int)i;
	return -1;
}

/* A DNS name in lower case: what dockerd takes for a host (distribution/reference, domain). */
static bool is_dns_name(const char *s, size_t len)
{
	size_t label = 0;

	if (!len || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool edge = !label || i + 1 == len || s[i + 1] == '.';

		if (s[i] == '.') {
			if (!label)
				return false;
			label = 0;
			continue;
		}
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') ||
		      (s[i] == '-' && !edge)) ||
		    ++label > 63)
			return false;
	}
	return label;
}

static bool is_port(const char *s)
{
	uint64_t port;

	return parse_u64(s, &port) == 0 && port >= 1 && port <= PORT_MAX;
}

static const char *valid_name(const char *s)
{
	static const char one_word[] =
		"a registry's host with a dot or a port, such as registry.corp:5000: dockerd takes "
		"a single word for a user of docker.io";
	const char *end = host_end(s);
	char host[REGISTRY_MAX];
	size_t n;

	if (strstr(s, "://"))
		return "a registry's host without a scheme, such as registry.corp:5000";
	if (strchr(s, '/'))
		return "a registry's host without a path: dockerd can't block parts of a registry";
	for (const char *c = s; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			return "a registry's host in lower case";
	if (end[0] && (end[0] != ':' || !is_port(end + 1)))
		return "a port from 1 to 65535 behind the host";
	registry_host(s, host);
	n = strlen(host);
	if (s[0] == '[' ? !is_address(host) || !strchr(host, ':')
			: !is_dns_name(host, n) ||
				  (host[strspn(host, "0123456789.")] == '\0' && !is_address(host)))
		return "a registry's host, such as registry.corp, registry.corp:5000, 10.0.0.7:5000 "
		       "or [fd00::7]:5000";
	if (!strchr(host, '.') && !end[0] && s[0] != '[' && !streq(host, "localhost") &&
	    !streq(host, "public"))
		return one_word;
	return NULL;
}

const char *registry_valid_block(const char *s)
{
	static const char wildcard[] = "a wildcard for the names below a domain, such as "
				       "*.example.com, and nowhere else; all of them are `all`";

	if (streq(s, REGISTRY_ALL))
		return NULL;
	if (has_prefix(s, "*.") && is_dns_name(s + 2, strlen(s + 2)) && strchr(s + 2, '.'))
		return NULL;
	return strchr(s, '*') ? wildcard : valid_name(s);
}

const char *registry_valid_allow(const char *s)
{
	if (strchr(s, '*') || streq(s, REGISTRY_ALL))
		return "a registry by its own name: what is not blocked is allowed";
	return valid_name(s);
}

const char *registry_valid_address(const char *s)
{
	unsigned char raw[16];
	uint64_t bits;
	int family;

	if (!is_address(s) && !daemon_cidr(s, &family, raw, &bits))
		return "an address or a network, such as 10.0.0.7 or 10.0.0.0/8";
	return NULL;
}

const char *registry_valid_proxy(const char *s)
{
	char host[REGISTRY_MAX];

	if (!has_prefix(s, "http://") && !has_prefix(s, "https://"))
		return "an http:// or https:// address, such as http://proxy.corp:3128";
	/* It also goes into a unit's Environment=. */
	for (const char *c = s; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("\"'\\`$", *c))
			return "an address without blanks, quotes, backslashes or `$`: write them "
			       "as %20 and the like";
	if (!registry_url_host(s, host) || !host[0])
		return "a proxy's address with a host, such as http://proxy.corp:3128";
	return NULL;
}

bool registry_url_host(const char *url, char ret[REGISTRY_MAX])
{
	const char *begin = strstr(url, "://"), *at;
	char authority[1024];
	size_t n;

	begin = begin ? begin + 3 : url;
	n = strcspn(begin, "/?#");
	if (n >= sizeof(authority))
		return false;
	memcpy(authority, begin, n);
	authority[n] = '\0';
	at = strrchr(authority, '@');
	registry_host(at ? at + 1 : authority, ret);
	return true;
}
