/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of log-opts. syslog, gelf, fluentd and awslogs judge theirs when dockerd starts, the
 * others when a container does (moby daemon/logger, 20.10 to 29).
 */
#include <ctype.h>

#include "daemon_rules.h"

/* --- values; NULL: fine, else what is expected --- */

/* strconv.ParseBool. */
static const char *valid_bool(const char *s)
{
	static const char *const words[] = { "1", "t", "T",	"true",	 "True",  "TRUE", "0",
					     "f", "F", "false", "False", "FALSE", NULL };

	return in_list(words, s) ? NULL : "\"true\" or \"false\"";
}

static const char *valid_count(const char *s)
{
	uint64_t n;

	return parse_u64(s, &n) == 0 && n <= INT32_MAX ? NULL : "a number";
}

static const char *valid_level(const char *s)
{
	if (streq(s, "-1") || (s[0] >= '0' && s[0] <= '9' && !s[1]))
		return NULL;
	return "a number from -1 to 9";
}

/* time.ParseDuration, without signs: "1h30m", "500ms". */
static const char *valid_duration(const char *s)
{
	static const char *const units[] = { "ns", "us", "ms", "s", "m", "h", NULL };

	if (!*s)
		return "a duration such as 10s";
	while (*s && !streq(s, "0")) {
		size_t digits = strspn(s, "0123456789."), n;
		char unit[4] = "";

		s += digits;
		n = strspn(s, "numsh");
		/* "1h30m": a unit ends where digits begin. */
		if (!digits || !n || n >= sizeof(unit))
			return "a duration such as 10s";
		memcpy(unit, s, n);
		if (!in_list(units, unit))
			return "a duration such as 10s";
		s += n;
	}
	return NULL;
}

/* HOST, HOST:PORT, [IPv6]:PORT up to the end or a slash. */
static bool is_endpoint(const char *s, bool port_needed)
{
	size_t n = strcspn(s, "/");
	const char *end = s + n, *after = *s == '[' ? memchr(s, ']', n) : NULL;
	const char *colon = memchr(after ? after : s, ':', (size_t)(end - (after ? after : s)));
	uint64_t port;
	char text[8];
	size_t len;

	if (!n || (*s == '[' && !after) || s[strcspn(s, " \t?#@")])
		return false;
	if (!colon)
		return !port_needed;
	len = (size_t)(end - colon) - 1;
	if (colon == s || !len || len >= sizeof(text))
		return false;
	memcpy(text, colon + 1, len);
	text[len] = '\0';
	return parse_u64(text, &port) == 0 && port && port <= 65535;
}

/* What follows one of the schemes, or NULL. */
static const char *after_scheme(const char *s, const char *const *schemes)
{
	for (; *schemes; schemes++)
		if (has_prefix(s, *schemes))
			return s + strlen(*schemes);
	return NULL;
}

static bool is_unix(const char *s)
{
	const char *path = after_scheme(s, KEYS("unix://", "unixgram://"));

	return path && *path == '/' && path[1];
}

static const char *valid_syslog_address(const char *s)
{
	const char *rest = after_scheme(s, KEYS("udp://", "tcp://", "tcp+tls://"));

	if (!*s || is_unix(s) || (rest && is_endpoint(rest, false)))
		return NULL;
	return "udp://HOST:PORT, tcp://HOST:PORT, tcp+tls://HOST:PORT or unix:///PATH";
}

static const char *valid_facility(const char *s)
{
	static const char *const names[] = { "kern",	 "user",   "mail",   "daemon", "auth",
					     "syslog",	 "lpr",	   "news",   "uucp",   "cron",
					     "authpriv", "ftp",	   "local0", "local1", "local2",
					     "local3",	 "local4", "local5", "local6", "local7",
					     NULL };
	uint64_t n;

	if (!*s || in_list(names, s) || (parse_u64(s, &n) == 0 && n <= 23))
		return NULL;
	return "daemon, user, local0 to local7 ... or a number up to 23";
}

static const char *valid_syslog_format(const char *s)
{
	return in_list(KEYS("", "rfc3164", "rfc5424", "rfc5424micro"), s)
		       ? NULL
		       : "rfc3164, rfc5424 or rfc5424micro";
}

static const char *valid_gelf_address(const char *s)
{
	const char *rest = after_scheme(s, KEYS("udp://", "tcp://"));

	return rest && is_endpoint(rest, true) ? NULL : "udp://HOST:PORT or tcp://HOST:PORT";
}

static const char *valid_compression(const char *s)
{
	return in_list(KEYS("gzip", "zlib", "none"), s) ? NULL : "gzip, zlib or none";
}

static const char *valid_fluentd_address(const char *s)
{
	const char *rest = after_scheme(s, KEYS("tcp://", "tls://"));

	if (is_unix(s) || is_endpoint(rest ? rest : s, false))
		return NULL;
	return "HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH";
}

static const char *valid_splunk_format(const char *s)
{
	return in_list(KEYS("inline", "json", "raw"), s) ? NULL : "inline, json or raw";
}

static const char *valid_url(const char *s)
{
	const char *rest = after_scheme(s, KEYS("https://", "http://"));

	return rest && is_endpoint(rest, false) ? NULL : "https://HOST:PORT";
}

/* Where an option belongs to one driver, its name says so. */
static const struct {
	const char *option;
	const char *(*valid)(const char *s);
} judged[] = {
	{ "compress", valid_bool },
	{ "syslog-address", valid_syslog_address },
	{ "syslog-facility", valid_facility },
	{ "syslog-format", valid_syslog_format },
	{ "gelf-address", valid_gelf_address },
	{ "gelf-compression-level", valid_level },
	{ "gelf-compression-type", valid_compression },
	{ "gelf-tcp-max-reconnect", valid_count },
	{ "gelf-tcp-reconnect-delay", valid_count },
	{ "fluentd-address", valid_fluentd_address },
	{ "fluentd-async", valid_bool },
	{ "fluentd-async-connect", valid_bool },
	{ "fluentd-async-reconnect-interval", valid_duration },
	{ "fluentd-buffer-limit", daemon_valid_size },
	{ "fluentd-max-retries", valid_count },
	{ "fluentd-read-timeout", valid_duration },
	{ "fluentd-request-ack", valid_bool },
	{ "fluentd-retry-wait", valid_duration },
	{ "fluentd-sub-second-precision", valid_bool },
	{ "fluentd-write-timeout", valid_duration },
	{ "awslogs-create-group", valid_bool },
	{ "awslogs-create-stream", valid_bool },
	{ "awslogs-force-flush-interval-seconds", valid_count },
	{ "awslogs-max-buffered-events", valid_count },
	{ "splunk-format", valid_splunk_format },
	{ "splunk-gzip", valid_bool },
	{ "splunk-gzip-level", valid_level },
	{ "splunk-index-acknowledgment", valid_bool },
	{ "splunk-insecureskipverify", valid_bool },
	{ "splunk-url", valid_url },
	{ "splunk-verify-connection", valid_bool },
};

/* --- the rules --- */

static const char *option(const struct daemon_doc *d, const char *name)
{
	return json_string_value(json_object_get(doc_get(d, "log-opts"), name));
}

/* Is it judged when dockerd starts? */
static enum harm harm_of(const char *driver)
{
	return in_list(KEYS("syslog", "gelf", "fluentd", "awslogs"), driver) ? FATAL : UNSAFE;
}

static const char *consequence(enum harm harm)
{
	return harm == FATAL ? "dockerd does not start" : "every container would fail to start";
}

static void rule_values(const struct daemon_doc *d, const char *driver)
{
	enum harm harm = harm_of(driver);
	const char *name;
	json_t *v;

	json_object_foreach (json_readonly(doc_get(d, "log-opts")), name, v) {
		const char *s = json_string_value(v), *expected = NULL;
		char key[LOG_OPT_KEY];

		for (size_t i = 0; s && i < ARRAY_SIZE(judged); i++)
			if (streq(judged[i].option, name))
				expected = judged[i].valid(s);
		if (expected)
			tell(d, harm, KEYS(log_opt_key(key, name)),
			     "`log-opts.%s: %s`: it has to be %s: %s", name, s, expected,
			     consequence(harm));
	}
}

/* Options without which a driver can't work. Others' file may hold them: a plan alone is not
 * judged. */
static void rule_needed(const struct daemon_doc *d, const char *driver)
{
	static const struct {
		const char *driver, *option;
	} needed[] = {
		{ "gelf", "gelf-address" },
		{ "splunk", "splunk-token" },
		{ "splunk", "splunk-url" },
		{ "awslogs", "awslogs-group" },
	};

	for (size_t i = 0; d->host && i < ARRAY_SIZE(needed); i++) {
		const char *s = option(d, needed[i].option);

		if (streq(needed[i].driver, driver) && (!s || !*s))
			tell(d, UNSAFE, KEYS("log-driver", "log-opts"),
			     "`log-driver: %s` needs `log-opts.%s`: every container would fail to "
			     "start",
			     driver, needed[i].option);
	}
}

static void rule_syslog(const struct daemon_doc *d)
{
	static const char *const files[] = { "syslog-tls-ca-cert", "syslog-tls-cert",
					     "syslog-tls-key" };
	const char *address = option(d, "syslog-address"), *s;
	bool tls = address && has_prefix(address, "tcp+tls://");
	char key[LOG_OPT_KEY];

	s = option(d, "syslog-tls-skip-verify");
	if (s && valid_bool(s) == NULL && strchr("0fF", *s))
		tell(d, UNSAFE, KEYS("log-opts.syslog-tls-skip-verify"),
		     "`log-opts.syslog-tls-skip-verify: %s`: any value turns the check of the "
		     "server's certificate off, this one, too; leave it out",
		     s);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		s = option(d, files[i]);
		if (!s || !*s)
			continue;
		log_opt_key(key, files[i]);
		if (!tls && (address || d->host))
			tell(d, UNSAFE, KEYS(key, "log-opts"),
			     "`log-opts.%s` means nothing without `syslog-address: "
			     "tcp+tls://HOST:PORT`: logs would go in plain text",
			     files[i]);
		else if (*s != '/')
			tell(d, UNSAFE, KEYS(key),
			     "`log-opts.%s: %s`: it has to be an absolute path", files[i], s);
		else if (d->host && host_absent(d->host, s))
			tell(d, UNSAFE, KEYS(key),
			     "`log-opts.%s`: there is no %s%s: every container would fail to start",
			     files[i], host_prefix(d->host), s);
	}
	if (tls && d->host && !option(d, files[1]) != !option(d, files[2]))
		tell(d, UNSAFE, KEYS("log-opts"),
		     "`log-opts`: syslog-tls-cert and syslog-tls-key go together: every container "
		     "would fail to start");
	if (address && is_unix(address) && d->host && host_is_live(d->host) &&
	    host_absent(d->host, strchr(address, '/') + 2))
		tell(d, FATAL, KEYS("log-opts.syslog-address"),
		     "`log-opts.syslog-address`: there is no %s: dockerd does not start",
		     strchr(address, '/') + 2);
}

static void rule_gelf(const struct daemon_doc *d)
{
	static const struct {
		const char *option, *scheme;
	} only[] = {
		{ "gelf-compression-level", "udp://" },
		{ "gelf-compression-type", "udp://" },
		{ "gelf-tcp-max-reconnect", "tcp://" },
		{ "gelf-tcp-reconnect-delay", "tcp://" },
	};
	const char *address = option(d, "gelf-address");
	char key[LOG_OPT_KEY];

	for (size_t i = 0; address && i < ARRAY_SIZE(only); i++)
		if (option(d, only[i].option) && !has_prefix(address, only[i].scheme))
			tell(d, FATAL, KEYS(log_opt_key(key, only[i].option), "log-opts"),
			     "`log-opts.%s` is for %s only, and gelf-address is %s", only[i].option,
			     only[i].scheme, address);
}

/* Files are compressed when they are put aside: there have to be two. */
static void rule_compress(const struct daemon_doc *d)
{
	const char *compress = option(d, "compress"), *files = option(d, "max-file");
	const char *size = option(d, "max-size");
	bool one = !files || streq(files, "1");

	if (!d->host || !compress || valid_bool(compress) || !strchr("1tT", *compress))
		return;
	if (one || !size || streq(size, "-1"))
		tell(d, UNSAFE, KEYS("log-opts.compress", "log-opts"),
		     "`log-opts.compress: %s` needs `max-size`, and `max-file` of 2 or more: every "
		     "container would fail to start",
		     compress);
}

void rule_log_values(const struct daemon_doc *d, const char *driver)
{
	rule_values(d, driver);
	rule_needed(d, driver);
	if (streq(driver, "syslog"))
		rule_syslog(d);
	else if (streq(driver, "gelf"))
		rule_gelf(d);
	else if (streq(driver, "json-file"))
		rule_compress(d);
	else if (streq(driver, "fluentd") && option(d, "fluentd-async") &&
		 option(d, "fluentd-async-connect"))
		tell(d, FATAL, KEYS("log-opts.fluentd-async-connect", "log-opts"),
		     "`log-opts.fluentd-async-connect` is the old name of `fluentd-async`: dockerd "
		     "does not start with both");
}
