/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about log-driver and log-opts: dockerd checks the options of its drivers when it starts,
 * and the driver's name not before a container starts.
 */
#include "daemon_rules.h"

#define COMMON_OPTS "env", "env-regex", "labels", "labels-regex", "tag"

/* moby daemon/logger/ * /: what each driver's validator takes, the union of 20.10 to 29. */
static const struct {
	const char *driver;
	const char *const *opts;
} log_opts[] = {
	{ "json-file", KEYS("max-file", "max-size", "compress", COMMON_OPTS) },
	{ "local", KEYS("max-file", "max-size", "compress") },
	{ "journald", KEYS(COMMON_OPTS) },
	{ "syslog",
	  KEYS("syslog-address", "syslog-facility", "syslog-format", "syslog-tls-ca-cert",
	       "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify", COMMON_OPTS) },
	{ "gelf", KEYS("gelf-address", "gelf-compression-level", "gelf-compression-type",
		       "gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay", COMMON_OPTS) },
	{ "fluentd",
	  KEYS("fluentd-address", "fluentd-async", "fluentd-async-connect",
	       "fluentd-async-reconnect-interval", "fluentd-buffer-limit", "fluentd-max-retries",
	       "fluentd-read-timeout", "fluentd-request-ack", "fluentd-retry-wait",
	       "fluentd-sub-second-precision", "fluentd-write-timeout", COMMON_OPTS) },
	{ "awslogs", KEYS("awslogs-create-group", "awslogs-create-stream",
			  "awslogs-credentials-endpoint", "awslogs-datetime-format",
			  "awslogs-endpoint", "awslogs-force-flush-interval-seconds",
			  "awslogs-format", "awslogs-group", "awslogs-max-buffered-events",
			  "awslogs-multiline-pattern", "awslogs-region", "awslogs-stream", "tag") },
	{ "gcplogs", KEYS("gcp-log-cmd", "gcp-meta-id", "gcp-meta-name", "gcp-meta-zone",
			  "gcp-project", "env", "env-regex", "labels", "labels-regex") },
	{ "splunk", KEYS("splunk-caname", "splunk-capath", "splunk-format", "splunk-gzip",
			 "splunk-gzip-level", "splunk-index", "splunk-index-acknowledgment",
			 "splunk-insecureskipverify", "splunk-source", "splunk-sourcetype",
			 "splunk-token", "splunk-url", "splunk-verify-connection", COMMON_OPTS) },
};

/* logger.ValidateLogOpts takes these for every driver. */
static const char *const log_opts_any[] = {
	"mode",
	"max-buffer-size",
	"cache-disabled",
	"cache-max-size",
	"cache-max-file",
	"cache-compress",
	NULL,
};

static void rule_log_opts(const struct daemon_doc *d, const char *driver)
{
	const json_t *opts = doc_get(d, "log-opts");
	const char *mode = json_string_value(json_object_get(opts, "mode"));
	const char *const *known = NULL;
	const char *name;
	json_t *v;

	for (size_t i = 0; i < ARRAY_SIZE(log_opts); i++)
		if (streq(log_opts[i].driver, driver))
			known = log_opts[i].opts;
	if (!known)
		return;
	json_object_foreach (json_readonly(opts), name, v) {
		char hint[HINT_MAX];
		const char *near;

		if (!json_is_string(v)) {
			tell(d, FATAL, KEYS("log-opts"),
			     "`log-opts.%s`: values are strings: dockerd does not start", name);
			continue;
		}
		if (in_list(known, name) || in_list(log_opts_any, name))
			continue;
		near = field_nearest(name, known);
		tell(d, FATAL, KEYS("log-opts", "log-driver"),
		     "`log-opts.%s`: the log driver %s has no such option%s: dockerd does not "
		     "start",
		     name, driver, did_you_mean(hint, near));
	}
	if (mode && !streq(mode, "blocking") && !streq(mode, "non-blocking"))
		tell(d, FATAL, KEYS("log-opts"), "`log-opts.mode` is blocking or non-blocking");
	if (json_member(opts, "max-buffer-size") && (!mode || !streq(mode, "non-blocking")))
		tell(d, FATAL, KEYS("log-opts"),
		     "`log-opts.max-buffer-size` needs `mode: non-blocking`");
}

void rule_log_driver(const struct daemon_doc *d)
{
	const char *driver = doc_str(d, "log-driver"), *near;
	char hint[HINT_MAX];
	const json_t *running;
	json_t *v;
	size_t i;

	rule_log_opts(d, driver ? driver : "json-file");
	if (!driver || in_list(daemon_log_drivers, driver))
		return;
	if (streq(driver, "etwlogs")) {
		tell(d, UNSAFE, KEYS("log-driver"), "`log-driver: etwlogs` is for Windows only");
		return;
	}
	if (streq(driver, "logentries")) {
		if (d->engine >= VERSION(25, 0))
			tell(d, UNSAFE, KEYS("log-driver"),
			     "`log-driver: logentries` is gone since Docker 25.0: every container "
			     "would fail to start");
		return;
	}
	near = field_nearest(driver, daemon_log_drivers);
	/* Any other name may be a plugin: only the running daemon can say. */
	running = json_object_get(json_object_get(d->info, "Plugins"), "Log");
	if (!json_is_array(running)) {
		if (d->warnings && d->host)
			errs_add(d->warnings, NULL,
				 "`log-driver: %s` is not built in%s; when there is no plugin of "
				 "that name, containers fail to start",
				 driver, did_you_mean(hint, near));
		return;
	}
	json_array_foreach (running, i, v)
		if (json_is_string(v) && streq(json_string_value(v), driver))
			return;
	tell(d, UNSAFE, KEYS("log-driver"),
	     "`log-driver: %s` is neither built in nor a plugin of the running daemon%s: every "
	     "container would fail to start",
	     driver, did_you_mean(hint, near));
}
