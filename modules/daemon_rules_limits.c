/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about limits of containers, and who may read the daemon's metrics.
 */
#include <arpa/inet.h>

#include "daemon_rules.h"

/* The most files that a process can be allowed, on the host that runs; 0: not known. */
static uint64_t files_max(const struct host *h)
{
	_cleanup_free_ char *text = NULL;
	struct err none;
	uint64_t n = 0;
	size_t len;

	if (!h || !host_is_live(h) ||
	    host_read(h, "/proc/sys/fs/nr_open", 64, &text, &len, &none) < 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, &n) == 0 ? n : 0;
}

void rule_ulimits(const struct daemon_doc *d)
{
	uint64_t nr_open = doc_get(d, "default-ulimits") ? files_max(d->host) : 0;
	/* getrlimit(2) without RLIMIT_, lower case (go-units ulimitNameMapping). */
	static const char *const names[] = {
		"core",	  "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
		"nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack",	 NULL,
	};
	const char *name;
	json_t *v;

	json_object_foreach (json_readonly(doc_get(d, "default-ulimits")), name, v) {
		const char *inner = json_string_value(json_object_get(v, "Name"));
		json_int_t soft = json_integer_value(json_object_get(v, "Soft"));
		json_int_t hard = json_integer_value(json_object_get(v, "Hard"));
		char hint[HINT_MAX], key[LOG_OPT_KEY];
		const char *near;

		snprintf(key, sizeof(key), "default-ulimits.%.64s", name);
		if (!in_list(names, name)) {
			near = field_nearest(name, names);
			tell(d, UNSAFE, KEYS(key, "default-ulimits"),
			     "`default-ulimits.%s`: no such limit%s: every container would fail "
			     "to start",
			     name, did_you_mean(hint, near));
		} else if (inner && !streq(inner, name)) {
			tell(d, UNSAFE, KEYS(key, "default-ulimits"),
			     "`default-ulimits.%s` says `Name: %s`: they have to be the same", name,
			     inner);
		}
		/* -1 is RLIM_INFINITY, the largest */
		if ((uint64_t)soft > (uint64_t)hard)
			tell(d, UNSAFE, KEYS(key, "default-ulimits"),
			     "`default-ulimits.%s`: Soft is above Hard: every container would fail "
			     "to start",
			     name);
		else if (streq(name, "nofile") && nr_open && (uint64_t)hard > nr_open)
			tell(d, UNSAFE, KEYS(key, "default-ulimits"),
			     "`default-ulimits.nofile`: Hard is above this kernel's limit, %llu "
			     "(fs.nr_open): every container would fail to start",
			     (unsigned long long)nr_open);
	}
}

/* Whoever reaches the port reads them: no TLS, no password. */
void rule_metrics(const struct daemon_doc *d)
{
	const char *address = doc_str(d, "metrics-addr"), *colon;
	const struct section *service =
		d->section ? plan_section(d->section->plan, "service") : NULL;
	unsigned char raw[16];
	char host[64];

	if (!address || (service && section_bool(service, "accept-public-metrics", false)))
		return;
	colon = strrchr(address, ':');
	snprintf(host, sizeof(host), "%.*s",
		 (int)(colon ? (size_t)(colon - address) : strlen(address)), address);
	if (streq(host, "localhost") || streq(host, "[::1]") ||
	    (inet_pton(AF_INET, host, raw) == 1 && raw[0] == 127))
		return;
	tell(d, UNSAFE, KEYS("metrics-addr"),
	     "`metrics-addr: %s` shows the daemon's metrics to the network, without authentication: "
	     "write 127.0.0.1:PORT, or accept it with `service: {accept-public-metrics: true}`",
	     address);
}
