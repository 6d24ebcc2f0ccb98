/* SPDX-License-Identifier: Apache-2.0 */
#include "checked.h"

#include "../src/buf.h"

static void finding(const char *setting, enum finding_state state)
{
	ck_ok(findings_add(&r.findings, "daemon", setting, "2.2", state, NULL, NULL, NULL, &e));
}

/* --- the grammar, as strict as a scraper may be --- */

static const char *name_end(const char *p)
{
	ck_assert_msg((*p >= 'a' && *p <= 'z') || *p == '_', "a name: %s", p);
	return p + strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

static const char *label_end(const char *p)
{
	p = name_end(p);
	ck_assert_msg(has_prefix(p, "=\""), "a label: %s", p);
	for (p += 2; *p != '"'; p++) {
		ck_assert_msg((unsigned char)*p >= 0x20, "a control character: %s", p);
		if (*p == '\\') {
			p++;
			ck_assert_msg(*p == '\\' || *p == '"' || *p == 'n', "an escape: %s", p);
		}
	}
	return p + 1;
}

static void grammar(const char *text)
{
	_cleanup_buf_ struct buf seen = BUF_INIT;
	char family[100] = "", *copy = strdup(text), *save = NULL;

	ck_assert(has_suffix(text, "\n"));
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *p, *end;
		char word[120];

		if (has_prefix(line, "# HELP ")) {
			p = line + strlen("# HELP ");
			snprintf(family, sizeof(family), "%.*s", (int)(name_end(p) - p), p);
			snprintf(word, sizeof(word), " %s ", family);
			ck_assert_msg(!seen.data || !strstr(seen.data, word), "%s twice", family);
			buf_adds(&seen, word);
			line = strtok_r(NULL, "\n", &save);
			snprintf(word, sizeof(word), "# TYPE %s gauge", family);
			ck_assert_str_eq(line, word);
			continue;
		}
		end = name_end(line);
		ck_assert_int_eq(strncmp(line, family, (size_t)(end - line)), 0);
		ck_assert_uint_eq(strlen(family), end - line);
		if (*end == '{')
			do
				end = label_end(end + 1);
			while (*end == ',');
		end += *end == '}';
		ck_assert_msg(*end == ' ' && end[1], "a value: %s", line);
		ck_assert_uint_eq(strspn(end + 1, "0123456789"), strlen(end + 1));
	}
	free(copy);
}

static char *rendered(void)
{
	char *text = report_prometheus(&r);

	ck_assert_ptr_nonnull(text);
	grammar(text);
	return text;
}

static bool says(const char *part)
{
	_cleanup_free_ char *text = rendered();

	return strstr(text, part) != NULL;
}

START_TEST(states_and_counts)
{
	finding("icc", FINDING_DRIFT);
	finding("debug", FINDING_OK);
	finding("iptables", FINDING_PENDING);
	finding("userland-proxy", FINDING_SKIPPED);
	finding("log-level", FINDING_NOTED);
	finding(NULL, FINDING_FAILED);
	ck_assert(says("\nbulkhead_findings{state=\"drift\"} 1\n"));
	ck_assert(says("\nbulkhead_findings{state=\"failed\"} 1\n"));
	ck_assert(says("{module=\"daemon\",setting=\"icc\",cis=\"2.2\"} 4\n"));
	ck_assert(says("{module=\"daemon\",setting=\"debug\",cis=\"2.2\"} 0\n"));
	ck_assert(says("{module=\"daemon\",setting=\"iptables\",cis=\"2.2\"} 3\n"));
	ck_assert(says("{module=\"daemon\",setting=\"userland-proxy\",cis=\"2.2\"} 2\n"));
	ck_assert(says("{module=\"daemon\",setting=\"log-level\",cis=\"2.2\"} 1\n"));
	ck_assert(says("{module=\"daemon\",setting=\"\",cis=\"2.2\"} 5\n"));
	ck_assert(says("\nbulkhead_check_success 1\n"));
	ck_assert(says("\nbulkhead_check_exit_code 2\n"));
	ck_assert(says("\nbulkhead_interrupted 0\n"));
	ck_assert(says("\nbulkhead_transaction_id 0\n"));
	ck_assert(says("\nbulkhead_cis_controls{state=\"failed\"} 1\n"));
}
END_TEST

/* A series that stands there twice makes the collector refuse the whole file. */
START_TEST(worst_of_several_speaks)
{
	finding("icc", FINDING_OK);
	finding("icc", FINDING_FAILED);
	finding("icc", FINDING_DRIFT);
	ck_assert(says("setting=\"icc\",cis=\"2.2\"} 5\n"));
	ck_assert(!says("setting=\"icc\",cis=\"2.2\"} 4\n"));
	ck_assert(!says("setting=\"icc\",cis=\"2.2\"} 0\n"));
}
END_TEST

START_TEST(hostile_names)
{
	finding("a\"b\\c\nd\x01\xff", FINDING_OK);
	finding("https://user:hunter2@proxy.corp", FINDING_OK);
	ck_assert(says("setting=\"a\\\"b\\\\c\\\\x0ad\\\\x01\\\\xff\""));
	ck_assert(!says("hunter2"));
}
END_TEST

START_TEST(not_looked)
{
	finding("icc", FINDING_OK);
	r.result = REPORT_STUCK;
	r.code = EXIT_STUCK;
	ck_assert(says("\nbulkhead_check_success 0\n"));
	ck_assert(says("\nbulkhead_interrupted 1\n"));
	ck_assert(!says("bulkhead_setting_state"));
	ck_assert(!says("bulkhead_cis_controls"));
	r.h = NULL;
	r.result = REPORT_REFUSED;
	r.code = EXIT_USAGE;
	ck_assert(says("\nbulkhead_check_exit_code 64\n"));
	ck_assert(!says("bulkhead_transaction_id"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, checked_setup, checked_teardown);
	tcase_add_test(tc, states_and_counts);
	tcase_add_test(tc, worst_of_several_speaks);
	tcase_add_test(tc, hostile_names);
	tcase_add_test(tc, not_looked);
}

UNIT_MAIN("report_prometheus")
