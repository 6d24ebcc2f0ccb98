/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include "../src/buf.h"
#include "../src/event.h"

static char sent[16][4096];
static int n_sent, answer;
static char told[4096];

static int fake_sendv(const struct iovec *iov, int n)
{
	n_sent = n;
	for (int i = 0; i < n; i++)
		snprintf(sent[i], sizeof(sent[i]), "%.*s", (int)iov[i].iov_len,
			 (const char *)iov[i].iov_base);
	return answer;
}

static void otherwise(void *arg, const char *text)
{
	ck_assert_ptr_null(arg);
	snprintf(told, sizeof(told), "%s", text);
}

static struct events ev = { .sendv = fake_sendv, .otherwise = otherwise };

static void setup(void)
{
	answer = 0;
	n_sent = 0;
	told[0] = '\0';
	ev.sendv = fake_sendv;
}

/* The value of a field that was sent, or NULL. */
static const char *field(const char *name)
{
	for (int i = 0; i < n_sent; i++)
		if (has_prefix(sent[i], name) && sent[i][strlen(name)] == '=')
			return sent[i] + strlen(name) + 1;
	return NULL;
}

static void is(const char *name, const char *want)
{
	const char *got = field(name);

	if (want)
		ck_assert_ptr_nonnull(got);
	else
		ck_assert_ptr_null(got);
	ck_assert(!want || streq(got, want));
}

static struct finding finding = {
	.module = (char[]){ "daemon" },
	.setting = (char[]){ "icc" },
	.cis = (char[]){ "2.2" },
	.state = FINDING_DRIFT,
	.wanted = (char[]){ "false" },
	.found = (char[]){ "true" },
	.why = (char[]){ "GET /networks/bridge" },
};

static void send_(enum event_kind kind, const struct finding *f, const char *text)
{
	const struct event v = {
		.kind = kind, .finding = f, .text = text, .plan = "/etc/bulkhead/plan.yaml"
	};

	ck_ok(event_send(&ev, &v, &e));
}

START_TEST(fields_of_an_entry)
{
	send_(EVENT_DRIFT, &finding, NULL);
	is("MESSAGE",
	   "drift: daemon.icc: wanted false, found true (GET /networks/bridge) [CIS 2.2]");
	is("MESSAGE_ID", event_id(EVENT_DRIFT));
	is("PRIORITY", "4");
	is("SYSLOG_IDENTIFIER", "bulkhead");
	is("BULKHEAD_SETTING", "daemon.icc");
	is("BULKHEAD_STATE", "drift");
	is("BULKHEAD_WANTED", "false");
	is("BULKHEAD_FOUND", "true");
	is("BULKHEAD_WHY", "GET /networks/bridge");
	is("BULKHEAD_CIS", "2.2");
	is("BULKHEAD_PLAN", "/etc/bulkhead/plan.yaml");
	is("BULKHEAD_TRANSACTION", NULL);
	ck_assert_str_eq(told, "");
	ck_ok(event_send(
		&ev, &(struct event){ .kind = EVENT_MENDED, .finding = &finding, .transaction = 7 },
		&e));
	is("BULKHEAD_TRANSACTION", "7");
	send_(EVENT_NOT_MENDED, NULL, "one\ntwo");
	is("MESSAGE", "not mended: one; two");
	is("BULKHEAD_WHY", "one\ntwo");
	is("BULKHEAD_SETTING", NULL);
}
END_TEST

START_TEST(names_of_settings)
{
	struct finding f = finding;

	f.setting = (char[]){ "[0].path" };
	send_(EVENT_DRIFT, &f, NULL);
	is("BULKHEAD_SETTING", "daemon[0].path");
	f = (struct finding){ .module = finding.module, .state = FINDING_FAILED };
	send_(EVENT_BROKEN, &f, NULL);
	is("BULKHEAD_SETTING", "daemon");
	is("MESSAGE", "not as wanted: daemon");
}
END_TEST

START_TEST(secrets)
{
	struct finding f = finding;

	f.setting = (char[]){ "log-opts.splunk-token" };
	f.wanted = (char[]){ "hunter2" };
	f.found = (char[]){ "https://a:hunter2@b" };
	f.why = (char[]){ "password=hunter2 \x1b[31m" };
	send_(EVENT_DRIFT, &f, "http://u:hunter2@h");
	for (int i = 0; i < n_sent; i++)
		ck_assert_msg(!strstr(sent[i], "hunter2"), "%s", sent[i]);
	ck_assert_ptr_null(strchr(field("MESSAGE"), '\x1b'));
	answer = -ENOENT;
	send_(EVENT_DRIFT, &f, "http://u:hunter2@h");
	ck_assert_ptr_null(strstr(told, "hunter2"));
}
END_TEST

START_TEST(no_journal)
{
	answer = -ECONNREFUSED;
	send_(EVENT_DRIFT, &finding, NULL);
	ck_assert(has_prefix(told, "drift: daemon.icc: wanted false"));
	told[0] = '\0';
	ev.sendv = NULL;
	send_(EVENT_AS_WANTED, NULL, NULL);
	ck_assert_str_eq(told, "the host is as the plan wants it");
	/* No host but a live one has a journal that is ours to write. */
	root_setup();
	put("/run/systemd/journal/socket", "");
	events_open(&ev, host, otherwise, NULL);
	ck_assert_ptr_null(ev.sendv);
	events_close(&ev);
	root_teardown();
}
END_TEST

/* Every id is explained, and what is explained is an id. */
START_TEST(catalog)
{
	char path[4096], line[1024];
	unsigned seen[EVENT_KINDS] = { 0 };
	const char *dir = getenv("srcdir");
	bool subject = true;
	FILE *f;

	snprintf(path, sizeof(path), "%s/templates/bulkhead.catalog", dir ? dir : ".");
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		enum event_kind i;

		if (!subject) {
			ck_assert(has_prefix(line, "Subject: "));
			subject = true;
		}
		if (!has_prefix(line, "-- "))
			continue;
		line[strcspn(line, "\n")] = '\0';
		ck_assert_uint_eq(strspn(line + 3, "0123456789abcdef"), 32);
		ck_assert_uint_eq(strlen(line), 35);
		for (i = 0; i < EVENT_KINDS && !streq(event_id(i), line + 3); i++)
			;
		ck_assert_msg(i < EVENT_KINDS, "no event has the id %s", line + 3);
		ck_assert_msg(!seen[i]++, "%s twice", line + 3);
		subject = false;
	}
	fclose(f);
	for (enum event_kind i = 0; i < EVENT_KINDS; i++)
		ck_assert_msg(seen[i], "%s is not explained", event_id(i));
}
END_TEST

/* Alerts are built on them: an id that is published never changes. */
START_TEST(stable_ids)
{
	ck_assert_str_eq(event_id(EVENT_AS_WANTED), "1fc5a97b1571450a8cec9f20c3026fc9");
	ck_assert_str_eq(event_id(EVENT_DRIFT), "95551d6aea844916aa14da744ae48465");
	ck_assert_str_eq(event_id(EVENT_BROKEN), "cba102c919ae493fa307716f3a3c5343");
	ck_assert_str_eq(event_id(EVENT_PENDING), "c8ba345c96564134ac595ca2542f6cab");
	ck_assert_str_eq(event_id(EVENT_MENDED), "7e7be8c2ae2c40949ba0987da034393e");
	ck_assert_str_eq(event_id(EVENT_NOT_MENDED), "f8ad38b35d2a46dfa8b7edc77b0b6e3b");
	ck_assert_str_eq(event_id(EVENT_INTERRUPTED), "db506cb30fdf487298dee2767065a926");
	ck_assert_str_eq(event_id(EVENT_RECOVERED), "2b96611b16fb4f4c9061d80a88a2b461");
	ck_assert_str_eq(event_id(EVENT_NOT_LOOKED), "402248ea49c844f09eae649489061a86");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, fields_of_an_entry);
	tcase_add_test(tc, names_of_settings);
	tcase_add_test(tc, secrets);
	tcase_add_test(tc, no_journal);
	tcase_add_test(tc, catalog);
	tcase_add_test(tc, stable_ids);
}

UNIT_MAIN("event")
