/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <linux/audit.h>

#include "../src/auditrules.h"

static struct err e;
static unsigned char message[sizeof(struct audit_rule_data) + 512];
static struct audit_rule_data rule;
static size_t text;

static void begin(void)
{
	memset(message, 0, sizeof(message));
	rule = (struct audit_rule_data){ .flags = AUDIT_FILTER_EXIT, .action = AUDIT_ALWAYS };
	text = sizeof(rule);
}

static void field(uint32_t name, uint32_t value)
{
	rule.fields[rule.field_count] = name;
	rule.values[rule.field_count++] = value;
}

static void string(uint32_t name, const char *s)
{
	field(name, (uint32_t)strlen(s));
	memcpy(message + text, s, strlen(s));
	text += strlen(s);
}

static int parse(struct audit_watch *w)
{
	rule.buflen = (uint32_t)(text - sizeof(rule));
	memcpy(message, &rule, sizeof(rule));
	return auditrules_parse(message, text, w, &e);
}

static void is_watch(const char *path, unsigned perms, const char *key)
{
	struct audit_watch w;

	ck_assert_int_eq(parse(&w), 1);
	ck_assert_str_eq(w.path, path);
	ck_assert_uint_eq(w.perms, perms);
	if (key)
		ck_assert_str_eq(w.key, key);
	else
		ck_assert_ptr_null(w.key);
	free(w.path);
	free(w.key);
}

START_TEST(watches)
{
	begin();
	string(AUDIT_WATCH, "/usr/sbin/dockerd");
	field(AUDIT_PERM, AUDIT_PERM_READ | AUDIT_PERM_WRITE | AUDIT_PERM_EXEC | AUDIT_PERM_ATTR);
	string(AUDIT_FILTERKEY, "docker");
	is_watch("/usr/sbin/dockerd", AUDITRULES_ALL, "docker");
	begin();
	field(AUDIT_PERM, AUDIT_PERM_WRITE | AUDIT_PERM_ATTR);
	string(AUDIT_DIR, "/var/lib/docker");
	is_watch("/var/lib/docker", AUDITRULES_WRITE | AUDITRULES_ATTR, NULL);
	begin();
	string(AUDIT_DIR, "/etc/docker");
	is_watch("/etc/docker", AUDITRULES_ALL, NULL);
}
END_TEST

START_TEST(what_is_no_watch)
{
	struct audit_watch w;

	/* Only for one user, only for one program: not everything that happens is recorded. */
	begin();
	string(AUDIT_WATCH, "/etc/docker");
	field(AUDIT_UID, 0);
	ck_assert_int_eq(parse(&w), 0);
	begin();
	string(AUDIT_EXE, "/bin/sh");
	string(AUDIT_WATCH, "/etc/docker");
	ck_assert_int_eq(parse(&w), 0);
	begin();
	string(AUDIT_WATCH, "/etc/docker");
	rule.action = AUDIT_NEVER;
	ck_assert_int_eq(parse(&w), 0);
	begin();
	field(AUDIT_ARCH, 1);
	string(AUDIT_FILTERKEY, "time");
	ck_assert_int_eq(parse(&w), 0);
}
END_TEST

/* Cut short anywhere, and lengths that lie. */
START_TEST(damaged)
{
	struct audit_watch w;
	size_t whole;

	begin();
	string(AUDIT_WATCH, "/etc/docker");
	string(AUDIT_FILTERKEY, "docker");
	whole = text;
	for (text = 0; text < whole; text++) {
		memcpy(message, &rule, sizeof(rule));
		ck_assert_int_eq(auditrules_parse(message, text, &w, &e), 0);
	}
	rule.values[0] = UINT32_MAX;
	ck_assert_int_eq(parse(&w), 0);
	begin();
	rule.field_count = UINT32_MAX;
	ck_assert_int_eq(parse(&w), 0);
}
END_TEST

START_TEST(asked_for)
{
	struct audit_watch list[] = { { (char[]){ "/a" }, AUDITRULES_READ, NULL },
				      { (char[]){ "/a" }, AUDITRULES_ALL, (char[]){ "k" } } };
	struct audit_state s = { .list = list, .n = 2 };

	ck_assert(auditrules_has(&s, "/a", AUDITRULES_ALL, NULL));
	ck_assert(auditrules_has(&s, "/a", AUDITRULES_ALL, "k"));
	ck_assert(!auditrules_has(&s, "/a", AUDITRULES_ALL, "docker"));
	ck_assert(!auditrules_has(&s, "/b", AUDITRULES_READ, NULL));
	s.n = 1;
	ck_assert(!auditrules_has(&s, "/a", AUDITRULES_ALL, NULL));
}
END_TEST

START_TEST(offline)
{
	_cleanup_auditrules_ struct audit_state s = { 0 };
	_cleanup_host_ struct host *h = NULL;

	ck_assert_int_eq(host_open("/", &h, &e), 0);
	ck_assert_int_eq(auditrules_load(h, &s, &e), -EOPNOTSUPP);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, watches);
	tcase_add_test(tc, what_is_no_watch);
	tcase_add_test(tc, damaged);
	tcase_add_test(tc, asked_for);
	tcase_add_test(tc, offline);
}

UNIT_MAIN("auditrules")
