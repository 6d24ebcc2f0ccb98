/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of daemon.json about logs, limits and metrics. */
#include "rules.h"

/* Values of log-opts: of the driver that is chosen, in the right form. */
START_TEST(log_values)
{
	static const struct {
		const char *doc, *mistake;
	} rows[] = {
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"udp://10.0.0.1\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://log.example.com:514\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://[::1]:6514\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"unix:///dev/log\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"unixgram:///dev/log\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"\"}}", NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"a\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"10.0.0.1:514\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"http://h:514\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://h:\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://h:99999\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://h:0\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"udp://:514\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"unix://dev/log\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tls://h:6514\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://a b:1\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://u@h:1\"}}",
		  "it has to be udp://HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-facility\": \"local7\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-facility\": \"23\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-facility\": \"local8\"}}",
		  "local0 to local7" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-facility\": \"24\"}}",
		  "up to 23" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-format\": \"rfc5424micro\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-format\": \"json\"}}",
		  "rfc3164, rfc5424" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://h:1\", \"syslog-tls-ca-cert\": \"/ca.pem\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp://h:1\", \"syslog-tls-ca-cert\": \"/ca.pem\"}}",
		  "plain text" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://h:1\", \"syslog-tls-ca-cert\": \"ca.pem\"}}",
		  "absolute path" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-tls-skip-verify\": \"true\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-tls-skip-verify\": \"false\"}}",
		  "any value turns the check" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-tls-skip-verify\": \"0\"}}",
		  "any value turns" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"gelf-address\": \"udp://h:1\"}}",
		  "(it is one of gelf): dockerd does not start" },
		{ "{\"log-driver\": \"journald\", \"log-opts\": {\"syslog-address\": \"udp://h:1\"}}",
		  "(it is one of syslog)" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-adress\": \"udp://h:1\"}}",
		  "did you mean gelf-address?" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-address\": \"udp://h:12201\", \"gelf-compression-type\": \"zlib\", \"gelf-compression-level\": \"-1\"}}",
		  NULL },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-address\": \"udp://h\"}}",
		  "udp://HOST:PORT or tcp://HOST:PORT" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-address\": \"h:1\"}}",
		  "udp://HOST:PORT" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-compression-type\": \"lz4\"}}",
		  "gzip, zlib or none" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-compression-level\": \"10\"}}",
		  "from -1 to 9" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-address\": \"tcp://h:1\", \"gelf-compression-type\": \"gzip\"}}",
		  "is for udp:// only" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-address\": \"udp://h:1\", \"gelf-tcp-max-reconnect\": \"3\"}}",
		  "is for tcp:// only" },
		{ "{\"log-driver\": \"gelf\", \"log-opts\": {\"gelf-tcp-reconnect-delay\": \"soon\"}}",
		  "a number" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"h\"}}",
		  NULL },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"h:24224\"}}",
		  NULL },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"tcp://h:1\"}}",
		  NULL },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"tls://h:1\"}}",
		  NULL },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"unix:///run/f.sock\"}}",
		  NULL },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"udp://h:1\"}}",
		  "HOST:PORT, tcp://" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-address\": \"\"}}",
		  "HOST:PORT" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-async\": \"TRUE\", \"fluentd-retry-wait\": \"1h30m\", \"fluentd-buffer-limit\": \"8MB\", \"fluentd-max-retries\": \"5\"}}",
		  NULL },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-async\": \"yes\"}}",
		  "\"true\" or \"false\"" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-retry-wait\": \"10\"}}",
		  "duration" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-read-timeout\": \"1d\"}}",
		  "duration" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-write-timeout\": \"\"}}",
		  "duration" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-buffer-limit\": \"many\"}}",
		  "size" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-max-retries\": \"-1\"}}",
		  "a number" },
		{ "{\"log-driver\": \"fluentd\", \"log-opts\": {\"fluentd-async\": \"true\", \"fluentd-async-connect\": \"true\"}}",
		  "old name" },
		{ "{\"log-driver\": \"splunk\", \"log-opts\": {\"splunk-url\": \"https://h:8088\", \"splunk-format\": \"raw\", \"splunk-gzip-level\": \"9\"}}",
		  NULL },
		{ "{\"log-driver\": \"splunk\", \"log-opts\": {\"splunk-url\": \"h:8088\"}}",
		  "every container would fail" },
		{ "{\"log-driver\": \"splunk\", \"log-opts\": {\"splunk-format\": \"xml\"}}",
		  "inline, json or raw" },
		{ "{\"log-driver\": \"awslogs\", \"log-opts\": {\"awslogs-create-group\": \"on\"}}",
		  "dockerd does not start" },
		{ "{\"log-opts\": {\"compress\": \"true\", \"max-size\": \"1m\", \"max-file\": \"2\"}}",
		  NULL },
		{ "{\"log-opts\": {\"compress\": \"gzip\"}}", "\"true\" or \"false\"" },
		{ "{\"log-driver\": \"local\", \"log-opts\": {\"compress\": \"false\"}}", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(0, rows[i].doc, rows[i].mistake);
}
END_TEST

/* Where others may have written the rest, only all of it can be judged. */
/* PID 1 of a host that is a container itself: what it may have, and may raise. 0: the kernel's. */
static void limit_of(struct host *h, const char *dir, unsigned long long caps, const char *soft,
		     const char *hard, unsigned most)
{
	char text[256], doc[128];

	snprintf(text, sizeof(text), "Name:\tinit\nCapBnd:\t%016llx\n", caps);
	tree_write(dir, "/proc/1/status", text, 0644);
	snprintf(text, sizeof(text),
		 "Limit  Soft Limit  Hard Limit  Units\nMax open files  %s  %s  files\n", soft,
		 hard);
	tree_write(dir, "/proc/1/limits", text, 0644);
	for (unsigned more = 0; more < 2; more++) {
		struct run r = { .doc = doc, .host = h };

		snprintf(doc, sizeof(doc),
			 "{\"default-ulimits\": {\"nofile\": {\"Soft\": 10, \"Hard\": %u}}}",
			 (most ? most : 1048576) + more);
		run(&r);
		ck_assert_uint_eq(r.mistakes.n, more);
		ck_assert(!more || !most == !!strstr(r.mistakes.list[0].text, "fs.nr_open"));
		run_done(&r);
	}
}

START_TEST(log_values_on_a_host)
{
	static const struct {
		const char *doc, *mistake;
	} rows[] = {
		{ "{\"log-driver\": \"gelf\"}", "needs `log-opts.gelf-address`" },
		{ "{\"log-driver\": \"awslogs\", \"log-opts\": {}}",
		  "needs `log-opts.awslogs-group`" },
		{ "{\"log-opts\": {\"compress\": \"true\", \"max-size\": \"1m\"}}", "2 or more" },
		{ "{\"log-opts\": {\"compress\": \"true\", \"max-file\": \"2\"}}",
		  "needs `max-size`" },
		{ "{\"log-opts\": {\"compress\": \"1\", \"max-file\": \"2\", \"max-size\": \"1m\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-tls-ca-cert\": \"/ca.pem\"}}",
		  "plain text" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://h:1\", "
		  "\"syslog-tls-ca-cert\": \"/none.pem\"}}",
		  "there is no " },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://h:1\", "
		  "\"syslog-tls-ca-cert\": \"/ca.pem\"}}",
		  NULL },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": \"tcp+tls://h:1\", "
		  "\"syslog-tls-cert\": \"/ca.pem\"}}",
		  "go together" },
		{ "{\"log-driver\": \"syslog\", \"log-opts\": {\"syslog-address\": "
		  "\"unix:///none/log\"}}",
		  "there is no /none/log" },
		{ "{\"log-driver\": \"journald\"}", "there is no /run/systemd/journal/socket" },
		{ "{\"default-ulimits\": {\"nofile\": {\"Soft\": 10, \"Hard\": 1048577}}}",
		  "1048576, this kernel's limit" },
		{ "{\"default-ulimits\": {\"nofile\": {\"Soft\": 10, \"Hard\": -1}}}",
		  "fs.nr_open" },
		{ "{\"default-ulimits\": {\"nofile\": {\"Soft\": 10, \"Hard\": 1048576}}}", NULL },
		{ "{\"default-ulimits\": {\"nproc\": {\"Soft\": 10, \"Hard\": -1}}}", NULL },
	};
	char *dir = tree_new();
	struct host *h;
	struct err e;

	tree_write(dir, "/ca.pem", "", 0644);
	tree_write(dir, "/proc/sys/fs/nr_open", "1048576\n", 0644);
	ck_assert_int_eq(host_open(dir, &h, &e), 0);
	fake_live = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run r = { .doc = rows[i].doc, .host = h };

		run(&r);
		ck_assert_msg(r.mistakes.n == (rows[i].mistake ? 1 : 0), "%s: %zu, %s", rows[i].doc,
			      r.mistakes.n, r.mistakes.n ? r.mistakes.list[0].text : "-");
		ck_assert_msg(!rows[i].mistake || strstr(r.mistakes.list[0].text, rows[i].mistake),
			      "%s: %s", rows[i].doc, r.mistakes.n ? r.mistakes.list[0].text : "-");
		run_done(&r);
	}
	limit_of(h, dir, 1ULL << 24, "20000", "20000", 0);
	limit_of(h, dir, 0, "1024", "20000", 20000);
	limit_of(h, dir, 0, "1024", "524288", 524288);
	limit_of(h, dir, 0, "unlimited", "unlimited", 0);
	limit_of(h, dir, 0, "1024", "1048576", 0);
	fake_live = false;
	host_free(h);
	tree_remove(dir);
}
END_TEST

START_TEST(metrics)
{
	static const char *const near[] = { "127.0.0.1:9323", "127.1.2.3:1", "[::1]:9323",
					    "localhost:9323" };
	static const char *const far[] = {
		"0.0.0.0:9323",		 ":9323",      "[::]:9323", "10.0.0.1:9323",
		"host.example.com:9323", "128.0.0.1:1"
	};
	char doc[128];

	for (size_t i = 0; i < ARRAY_SIZE(near); i++) {
		snprintf(doc, sizeof(doc), "{\"metrics-addr\": \"%s\"}", near[i]);
		expect(0, doc, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		snprintf(doc, sizeof(doc), "{\"metrics-addr\": \"%s\"}", far[i]);
		expect(0, doc, "accept-public-metrics: true");
	}
}
END_TEST

START_TEST(log_plugins)
{
	struct run r = { .doc = "{\"log-driver\": \"loki\"}",
			 .info = "{\"Plugins\": {\"Log\": [\"json-file\", \"loki\"]}}" };

	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	run_done(&r);
	r.info = "{\"Plugins\": {\"Log\": [\"json-file\"]}}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	run_done(&r);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, log_values);
	tcase_add_test(tc, log_values_on_a_host);
	tcase_add_test(tc, metrics);
	tcase_add_test(tc, log_plugins);
}

UNIT_MAIN("daemon_rules_log")
