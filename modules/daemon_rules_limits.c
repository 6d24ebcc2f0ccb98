/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about limits of containers, and who may read the daemon's metrics.
 */
#include <arpa/inet.h>

#include "daemon_rules.h"

#define SYS_RESOURCE 24 /* capabilities(7): raises a hard limit */

/* The first words behind a name in a file of /proc; false: they aren't there. */
static bool proc_words(const struct host *h, const char *path, const char *name, char words[2][32])
{
	_cleanup_free_ char *text = NULL;
	struct err none;
	const char *at;
	size_t len;

	words[0][0] = words[1][0] = '\0';
	if (host_read(h, path, HOST_READ_MAX, &text, &len, &none) < 0)
		return false;
	at = strstr(text, name);
	return at && sscanf(at + strlen(name), "%31s %31s", words[0], words[1]) >= 1;
}

/*
 * The most files that a process can be allowed, on the host that runs; 0: not known. A host that is
 * a container itself may not be let above what its PID 1 was given.
 */
static uint64_t files_max(const struct host *h, const char **ret_whose)
{
	uint64_t nr_open = 0, hard;
	char w[2][32];

	*ret_whose = "this kernel's limit (fs.nr_open)";
	if (!h || !host_is_live(h))
		return 0;
	if (proc_words(h, "/proc/sys/fs/nr_open", "", w) && parse_u64(w[0], &nr_open) < 0)
		nr_open = 0;
	if (!proc_words(h, "/proc/1/status", "\nCapBnd:", w) ||
	    strtoull(w[0], NULL, 16) & 1ULL << SYS_RESOURCE ||
	    !proc_words(h, "/proc/1/limits", "\nMax open files", w) || parse_u64(w[1], &hard) < 0 ||
	    (nr_open && nr_open <= hard))
		return nr_open;
	*ret_whose = "what PID 1 of this host may have and can't raise (no CAP_SYS_RESOURCE)";
	return hard;
}

void rule_ulimits(const struct daemon_doc *d)
{
	const char *whose = NULL;
	uint64_t most = doc_get(d, "default-ulimits") ? files_max(d->host, &whose) : 0;
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
		else if (streq(name, "nofile") && most && (uint64_t)hard > most)
			tell(d, UNSAFE, KEYS(key, "default-ulimits"),
			     "`default-ulimits.nofile`: Hard is above %llu, %s: every container "
			     "would fail to start",
			     (unsigned long long)most, whose);
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
