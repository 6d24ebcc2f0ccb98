/* SPDX-License-Identifier: Apache-2.0 */
#include "checked.h"

#include "../src/run.h"

static void finding(const char *module, const char *setting, enum finding_state state,
		    const char *wanted, const char *found, const char *why)
{
	ck_ok(findings_add(&r.findings, module, setting, "2.14,5.26", state, wanted, found, why,
			   &e));
}

#define XMLLINT "/usr/bin/xmllint"

/* What xmllint says to an XPath of the document; every document is read by it. */
static void is(const char *xpath, const char *want)
{
	_cleanup_free_ char *text = report_junit(&r), *got = NULL;
	char xml[4096];
	char *argv[] = { (char[]){ XMLLINT }, (char[]){ "--xpath" }, strdup(xpath), xml, NULL };
	int status;

	ck_assert_ptr_nonnull(text);
	put("/junit.xml", text);
	snprintf(xml, sizeof(xml), "%s", at("/junit.xml"));
	ck_ok(run_program(argv, NULL, 30, &status, &got, &e));
	ck_assert_msg(status == 0, "%s\n%s", got, text);
	got[strcspn(got, "\n")] = '\0';
	ck_assert_msg(streq(got, want), "%s is %s, not %s", xpath, got, want);
	free(argv[2]);
}

START_TEST(cases_of_each_state)
{
	finding("daemon", "icc", FINDING_DRIFT, "false", "true", "GET /networks/bridge");
	finding("daemon", "debug", FINDING_OK, "false", NULL, "GET /info");
	finding("daemon", "iptables", FINDING_PENDING, "true", NULL, "service.restart is never");
	finding("daemon", "userland-proxy", FINDING_SKIPPED, "false", NULL, "no API shows it");
	finding("socket", "mode", FINDING_FAILED, "0660", "0666", NULL);
	finding("observe", NULL, FINDING_NOTED, NULL, "looser", NULL);
	is("string(/testsuites/@tests)", "7");
	is("string(/testsuites/@failures)", "3");
	is("string(/testsuites/@errors)", "0");
	is("string(/testsuites/@skipped)", "1");
	is("count(//testsuite)", "4");
	is("count(//testcase)", "7");
	is("count(//failure)", "3");
	is("string(//testsuite[@name=\"daemon\"]/@failures)", "2");
	is("string(//testcase[@name=\"icc\"]/failure/@type)", "drift");
	is("string(//testcase[@name=\"icc\"]/failure/@message)",
	   "wanted false, found true (GET /networks/bridge)");
	is("string(//testcase[@name=\"mode\"]/failure/@type)", "failed");
	is("string(//testcase[@name=\"iptables\"]/failure/@type)", "pending");
	is("string(//testcase[@name=\"userland-proxy\"]/skipped/@message)",
	   "wanted false (no API shows it)");
	is("count(//testcase[@name=\"debug\"]/failure)", "0");
	is("count(//testcase[@classname=\"observe\"]/failure)", "0");
	is("string(//testcase[@name=\"icc\"]/properties/property[2]/@value)", "5.26");
	is("count(//testcase[@classname=\"bulkhead\"]/error)", "0");
}
END_TEST

START_TEST(any_bytes)
{
	char all[300] = "<&>\"' \xef\xbf\xbe \xef\xbf\xbf \xed\xa0\x80 ]]> ";
	size_t n = strlen(all);

	for (int c = 1; c < 256; c++)
		all[n++] = (char)c;
	all[n] = '\0';
	finding("daemon", all, FINDING_DRIFT, all, all + 1, all);
	finding("daemon", "icc", FINDING_SKIPPED, NULL, NULL, "a \x1b[31m <b> & c");
	is("string(//testcase[@name=\"icc\"]/skipped/@message)", "a \\x1b[31m <b> & c");
	is("count(//testcase)", "3");
}
END_TEST

START_TEST(secrets)
{
	finding("daemon", "http-proxy", FINDING_DRIFT, "user:hunter2@proxy.corp", "x", NULL);
	finding("daemon", "splunk-token", FINDING_DRIFT, "hunter2", NULL,
		"GET https://a:hunter2@b");
	is("count(//*[contains(., \"hunter2\") or @*[contains(., \"hunter2\")]])", "0");
	is("string(//testcase[@name=\"splunk-token\"]/failure/@message)",
	   "wanted *** (GET https://***@b)");
}
END_TEST

START_TEST(not_looked)
{
	r.h = NULL;
	r.result = REPORT_REFUSED;
	r.code = EXIT_USAGE;
	err_set(&r.err, EINVAL, "plan: 3 mistakes in the plan");
	is("string(//error/@message)", "plan: 3 mistakes in the plan");
	is("string(/testsuites/@errors)", "1");
	errs_add(&r.changes.mistakes, "plan:1:2", "too <new>");
	is("string(//error[1]/@message)", "plan:1:2: too <new>");
}
END_TEST

static void add_tests(TCase *tc)
{
	if (access(XMLLINT, X_OK) < 0) {
		puts("SKIP: no xmllint (package libxml2-utils)");
		return;
	}
	tcase_add_checked_fixture(tc, checked_setup, checked_teardown);
	tcase_add_test(tc, cases_of_each_state);
	tcase_add_test(tc, any_bytes);
	tcase_add_test(tc, secrets);
	tcase_add_test(tc, not_looked);
}

UNIT_MAIN("report_junit")
