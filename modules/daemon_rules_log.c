/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about single values: types, drivers and their options. dockerd checks the names of log-opts
 * when it starts, their values and the log driver's name not before a container starts; storage
 * drivers look at their options when they start.
 */
#include <strings.h>

#include "../src/buf.h"
#include "daemon_rules.h"

/* --- types --- */

/* What a Go field of the row's type expects, when it can't take a value; NULL: it can. */
static const char *type_expected(enum field_type type, const json_t *v)
{
	switch (type) {
	case FIELD_BOOL:
		return json_is_boolean(v) ? NULL : "true or false";
	case FIELD_INT:
		return json_is_integer(v) ? NULL : "an integer";
	case FIELD_LIST:
		return json_is_array(v) ? NULL : "a list";
	case FIELD_MAP:
	case FIELD_OBJECT:
		return json_is_object(v) ? NULL : "an object";
	default:
		return json_is_string(v) ? NULL : "a string";
	}
}

/* What is expected where a value is of no type dockerd takes; NULL: fine. `path` is extended to
 * what is wrong ("dns[1]"). */
static const char *mistyped(const struct field *f, const json_t *v, struct buf *path)
{
	/* `filter` may also be an object; `options` are the shim's own. */
	static const char *const any[] = { "filter", "options" };
	const char *expected, *name;
	size_t len = path->len, i;
	json_t *m;

	for (i = 0; i < ARRAY_SIZE(any); i++)
		if (streq(f->name, any[i]))
			return NULL;
	/* encoding/json leaves a field alone at null. */
	if (json_is_null(v))
		return NULL;
	expected = type_expected(f->type, v);
	if (expected || !f->of)
		return expected;
	json_array_foreach (v, i, m) {
		buf_addf(path, "[%zu]", i);
		expected = mistyped(f->of, m, path);
		if (expected)
			return expected;
		path->len = len;
	}
	json_object_foreach (json_readonly(v), name, m) {
		const struct field *inner = f->type == FIELD_MAP ? f->of : field_find(f->of, name);

		if (!inner)
			continue;
		buf_addf(path, ".%s", name);
		expected = mistyped(inner, m, path);
		if (expected)
			return expected;
		path->len = len;
	}
	return NULL;
}

/* Members of other people: the plan's have the right type. */
void rule_type(const struct daemon_doc *d, const struct field *f, const json_t *v)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	const char *expected;

	if (json_equal(v, json_object_get(d->plan, f->name)))
		return;
	buf_adds(&path, f->name);
	expected = mistyped(f, v, &path);
	if (expected)
		tell(d, FATAL, KEYS(f->name), "`%s` has to be %s: dockerd does not start",
		     path.failed ? f->name : path.data, expected);
}

/* --- logging --- */

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

/* json-file and local look at these when a container starts. */
static void rule_log_sizes(const struct daemon_doc *d)
{
	const json_t *opts = doc_get(d, "log-opts");
	const char *size = json_string_value(json_object_get(opts, "max-size"));
	const char *file = json_string_value(json_object_get(opts, "max-file"));

	if (size && !streq(size, "-1") && (daemon_valid_size(size) || !strpbrk(size, "123456789")))
		tell(d, UNSAFE, KEYS("log-opts.max-size"),
		     "`log-opts.max-size: %s` is no size such as 10m: every container would fail to "
		     "start",
		     size);
	if (file && (!*file || file[strspn(file, "0123456789")] || strlen(file) > 18 ||
		     !strpbrk(file, "123456789")))
		tell(d, UNSAFE, KEYS("log-opts.max-file"),
		     "`log-opts.max-file: %s` is no number from 1 up: every container would fail to "
		     "start",
		     file);
}

const char *log_opt_key(char key[LOG_OPT_KEY], const char *name)
{
	int n = snprintf(key, LOG_OPT_KEY, "log-opts.%s", name);

	return n > 0 && n < LOG_OPT_KEY ? key : "log-opts";
}

/* The driver that has an option, for a suggestion; NULL: none, or several. */
static const char *driver_of(const char *option)
{
	const char *driver = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(log_opts); i++) {
		if (!in_list(log_opts[i].opts, option))
			continue;
		if (driver)
			return NULL;
		driver = log_opts[i].driver;
	}
	return driver;
}

bool daemon_log_opt_known(const char *driver, const char *option)
{
	for (size_t i = 0; i < ARRAY_SIZE(log_opts); i++)
		if (streq(log_opts[i].driver, driver))
			return in_list(log_opts[i].opts, option) || in_list(log_opts_any, option);
	return true;
}

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
		char hint[HINT_MAX], key[LOG_OPT_KEY];
		const char *other;

		if (daemon_log_opt_known(driver, name))
			continue;
		other = driver_of(name);
		if (other)
			snprintf(hint, sizeof(hint), " (it is one of %s)", other);
		else
			did_you_mean(hint, field_nearest(name, known));
		tell(d, FATAL, KEYS(log_opt_key(key, name), "log-driver"),
		     "`log-opts.%s`: the log driver %s has no such option%s: dockerd does not "
		     "start",
		     name, driver, other || field_nearest(name, known) ? hint : "");
	}
	rule_log_values(d, driver);
	if (mode && !streq(mode, "blocking") && !streq(mode, "non-blocking"))
		tell(d, FATAL, KEYS("log-opts.mode"),
		     "`log-opts.mode` is blocking or non-blocking");
	if (json_member(opts, "max-buffer-size") && (!mode || !streq(mode, "non-blocking")))
		tell(d, FATAL, KEYS("log-opts.max-buffer-size", "log-opts"),
		     "`log-opts.max-buffer-size` needs `mode: non-blocking`");
}

/* moby daemon/logger/journald: looked for when a container starts. */
static void rule_journald(const struct daemon_doc *d)
{
	static const char socket[] = "/run/systemd/journal/socket";
	struct err e;
	struct stat st;

	if (d->host && host_is_live(d->host) && host_stat(d->host, socket, &st, &e) == -ENOENT)
		tell(d, UNSAFE, KEYS("log-driver"),
		     "`log-driver: journald`: systemd-journald doesn't run on this host (there is no "
		     "%s): every container would fail to start; start it, or write `log-driver: "
		     "syslog`",
		     socket);
}

void rule_log_driver(const struct daemon_doc *d)
{
	const char *driver = doc_str(d, "log-driver"), *near;
	char hint[HINT_MAX];
	const json_t *running;
	json_t *v;
	size_t i;

	rule_log_opts(d, driver ? driver : "json-file");
	if (driver && streq(driver, "journald"))
		rule_journald(d);
	if (!driver || streq(driver, "json-file") || streq(driver, "local"))
		rule_log_sizes(d);
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

/* --- storage --- */

void rule_storage(const struct daemon_doc *d)
{
	static const struct {
		const char *name;
		unsigned until;
	} drivers[] = {
		{ "overlay2", 0 },
		{ "fuse-overlayfs", 0 },
		{ "btrfs", 0 },
		{ "zfs", 0 },
		{ "vfs", 0 },
		{ "devicemapper", VERSION(25, 0) },
		{ "overlay", VERSION(25, 0) },
		{ "aufs", VERSION(24, 0) },
	};
	const char *driver = doc_str(d, "storage-driver");
	const json_t *snapshotter =
		json_object_get(doc_get(d, "features"), "containerd-snapshotter");

	if (doc_get(d, "graph") && doc_get(d, "data-root"))
		tell(d, FATAL, KEYS("graph", "data-root"),
		     "`graph` is the old name of `data-root`: dockerd does not start with both");
	/* With the containerd image store it names a snapshotter, which may be anybody's; a colon
	 * or slash names a plugin. */
	if (!driver || !d->engine || d->engine >= VERSION(29, 0) || json_is_true(snapshotter) ||
	    strpbrk(driver, "/:"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (!streq(drivers[i].name, driver))
			continue;
		if (drivers[i].until && d->engine >= drivers[i].until)
			tell(d, FATAL, KEYS("storage-driver"),
			     "`storage-driver: %s` is gone since Docker %u.0: dockerd does not start",
			     driver, drivers[i].until / 1000);
		return;
	}
	tell(d, FATAL, KEYS("storage-driver"),
	     "`storage-driver: %s`: no such driver: dockerd does not start", driver);
}

/* moby daemon/graphdriver/ * /: what the drivers take, the union of 20.10 to 29; devicemapper has
 * more than thirty. */
static const char *const storage_opts[] = {
	"overlay2.size",
	"overlay2.override_kernel_check",
	"overlay.override_kernel_check",
	"zfs.fsname",
	"btrfs.min_space",
	"vfs.xattrs",
	"windowsfilter.size",
	"size",
	NULL,
};

void rule_storage_opts(const struct daemon_doc *d)
{
	const char *driver = doc_str(d, "storage-driver");
	json_t *v;
	size_t i;

	/* A plugin's, or a snapshotter's: theirs to know. */
	if ((driver && strpbrk(driver, "/:")) ||
	    json_is_true(json_object_get(doc_get(d, "features"), "containerd-snapshotter")))
		return;
	json_array_foreach (doc_get(d, "storage-opts"), i, v) {
		const char *s = json_string_value(v), *near;
		char name[128], hint[HINT_MAX];
		bool known = false;

		/* Without "=", and its type, are told elsewhere. */
		if (!s || !strchr(s, '='))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(s, "="), s);
		for (const char *const *o = storage_opts; *o; o++)
			known = known || !strcasecmp(name, *o);
		if (known || !strncasecmp(name, "dm.", 3))
			continue;
		near = field_nearest(name, storage_opts);
		tell(d, FATAL, KEYS("storage-opts", "storage-driver"),
		     "`storage-opts`: no storage driver has the option %s%s: dockerd does not start",
		     name, did_you_mean(hint, near));
	}
}
