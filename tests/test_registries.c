/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/registries.h"

START_TEST(names)
{
	static const struct {
		const char *name;
		bool block, allow;
	} rows[] = {
		{ "docker.io", true, true },
		{ "public", true, true },
		{ "localhost", true, true },
		{ "registry:5000", true, true },
		{ "registry.corp:5000", true, true },
		{ "10.0.0.7", true, true },
		{ "10.0.0.7:5000", true, true },
		{ "[fd00::7]:5000", true, true },
		{ "[::1]", true, true },
		{ "all", true, false },
		{ "*.example.com", true, false },
		{ "*.com", false, false },
		{ "*", false, false },
		{ "a.*.com", false, false },
		{ "*.example.com:5000", false, false },
		{ "", false, false },
		{ "registry", false, false },
		{ "Registry.corp", false, false },
		{ "https://quay.io", false, false },
		{ "quay.io/team", false, false },
		{ "quay.io:", false, false },
		{ "quay.io:0", false, false },
		{ "quay.io:65536", false, false },
		{ "quay.io:5000:1", false, false },
		{ "a..b", false, false },
		{ ".a.b", false, false },
		{ "a.b.", false, false },
		{ "-a.b", false, false },
		{ "a-.b", false, false },
		{ "a_b.c", false, false },
		{ "10.0.0.300", false, false },
		{ "fd00::7", false, false },
		{ "[fd00::7", false, false },
		{ "[10.0.0.7]", false, false },
		{ "[fd00::7]x", false, false },
		{ "a.b c.d", false, false },
		{ "a.b\n", false, false },
		{ "..", false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_msg(!registry_valid_block(rows[i].name) == rows[i].block, "block %s",
			      rows[i].name);
		ck_assert_msg(!registry_valid_allow(rows[i].name) == rows[i].allow, "allow %s",
			      rows[i].name);
	}
}
END_TEST

START_TEST(hosts)
{
	char host[REGISTRY_MAX];

	registry_host("[fd00::7]:5000", host);
	ck_assert_str_eq(host, "fd00::7");
	registry_host("registry.corp:5000", host);
	ck_assert_str_eq(host, "registry.corp");
	ck_assert(registry_url_host("http://me:p@ss@[::1]:3128/x", host));
	ck_assert_str_eq(host, "::1");
	ck_assert(registry_url_host("tcp://logs.corp:514", host));
	ck_assert_str_eq(host, "logs.corp");
	ck_assert(registry_is_address("10.0.0.7:5000"));
	ck_assert(registry_is_address("[::1]:5000"));
	ck_assert(!registry_is_address("quay.io"));
	ck_assert(registry_is_dns("quay.io:5000"));
	ck_assert(!registry_is_dns("all"));
	ck_assert(!registry_is_dns("*.example.com"));
	ck_assert(!registry_is_dns("localhost:5000"));
	ck_assert_str_eq(registry_name("index.docker.io"), DOCKER_HUB);
	ck_assert_str_eq(registry_name("quay.io"), "quay.io");
}
END_TEST

START_TEST(addresses)
{
	ck_assert_ptr_null(registry_valid_address("10.0.0.7"));
	ck_assert_ptr_null(registry_valid_address("fd00::/8"));
	ck_assert_ptr_nonnull(registry_valid_address("10.0.0.0/33"));
	ck_assert_ptr_nonnull(registry_valid_address("any"));
	ck_assert_ptr_null(registry_valid_proxy("http://me:p%40ss@proxy.corp:3128"));
	ck_assert_ptr_nonnull(registry_valid_proxy("proxy.corp:3128"));
	ck_assert_ptr_nonnull(registry_valid_proxy("http://"));
	/* What would end a unit's line, or its quotes. */
	ck_assert_ptr_nonnull(registry_valid_proxy("http://a\" \"B=c"));
	ck_assert_ptr_nonnull(registry_valid_proxy("http://a\nExecStart=x"));
	ck_assert_ptr_nonnull(registry_valid_proxy("http://$(x)"));
}
END_TEST

static json_t *list(const char *words)
{
	json_t *l = json_array();
	char copy[256], *rest, *w;

	snprintf(copy, sizeof(copy), "%s", words);
	for (w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		json_array_append_new(l, json_string(w));
	return l;
}

static char *edit(const char *text, const char *want, const char *was, bool *made, json_t **ours)
{
	_cleanup_json_ json_t *w = list(want), *o = list(was);
	struct flags f = { .variable = "B", .flag = "b", .want = w, .was = o, .made = *made };
	char *next = NULL;
	struct err e;

	*ours = NULL;
	if (flags_edit(text, &f, &next, ours, &e) < 0)
		ck_assert_int_eq(e.code, -EINVAL);
	*made = f.made;
	return next;
}

START_TEST(flags)
{
	static const struct {
		const char *text, *want, *was;
		bool made;
		const char *next, *ours; /* NULL: refused */
		bool made_next;
	} rows[] = {
		{ "", "x y", "", false, "B='--b x --b y'\n", "x y", true },
		{ "A=1", "x", "", false, "A=1\nB='--b x'\n", "x", true },
		{ "A=1\n", "", "", false, "A=1\n", "", false },
		/* Theirs stays theirs; quotes, blanks and other lines stay. */
		{ "B=\"--b  old\" \nA=1\n", "x", "", false, "B=\"--b  old --b x\" \nA=1\n", "x",
		  false },
		{ " B='--b=x -v'\n", "x y", "", false, " B='--b=x -v --b y'\n", "y", false },
		{ "B=\n", "x", "", false, "B='--b x'\n", "x", false },
		{ "B=--b\n", "x", "", false, "B='--b --b x'\n", "x", false },
		/* The last assignment counts; comments are none. */
		{ "B='--b a'\n#B='z'\nB='--b c'\nBB=1\n", "x", "", false,
		  "B='--b a'\n#B='z'\nB='--b c --b x'\nBB=1\n", "x", false },
		/* Again, and back. */
		{ "B='--b old --b x'\n", "x", "x", false, "B='--b old --b x'\n", "x", false },
		{ "B='--b old --b x --b y'\n", "y", "x y", false, "B='--b old --b y'\n", "y",
		  false },
		{ "B='--b x --b y -v'\n", "", "x y", false, "B='-v'\n", "", false },
		{ "A=1\nB='--b x'\nC=2\n", "", "x", true, "A=1\nC=2\n", "", false },
		{ "B='--b x'", "", "x", true, "", "", false },
		{ "B='--b x --b theirs'\n", "", "x", true, "B='--b theirs'\n", "", true },
		{ "B='--b x'\n", "", "x", false, "B=''\n", "", false },
		/* Not ours to edit. */
		{ "B='--b a\n --b c'\n", "x", "", false, NULL, NULL, false },
		{ "B='--b a\\\n", "x", "", false, NULL, NULL, false },
		{ "B='a'\"b\"\n", "x", "", false, NULL, NULL, false },
		{ "B=$A\n", "x", "", false, NULL, NULL, false },
		{ "B='\n", "x", "", false, NULL, NULL, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ json_t *ours = NULL,
				      *wanted = list(rows[i].ours ? rows[i].ours : "");
		bool made = rows[i].made;
		_cleanup_free_ char *next =
			edit(rows[i].text, rows[i].want, rows[i].was, &made, &ours);

		if (!rows[i].next) {
			ck_assert_msg(!next, "row %zu: %s", i, next);
			continue;
		}
		ck_assert_msg(next && streq(next, rows[i].next), "row %zu: %s", i,
			      next ? next : "refused");
		ck_assert_msg(json_equal(ours, wanted), "row %zu: others are ours", i);
		ck_assert_msg(made == rows[i].made_next, "row %zu: made", i);
	}
}
END_TEST

START_TEST(judge)
{
	static const struct {
		int status;
		const char *text;
		enum pull pull;
	} rows[] = {
		/* As dockerd 20.10, 26.1 and 28.5 said it. */
		{ 404,
		  "{\"message\":\"manifest for a.b/bulkhead-probe@sha256:00 not found: manifest "
		  "unknown: manifest unknown\"}",
		  PULL_ANSWERED },
		{ 404,
		  "{\"message\":\"pull access denied for x, repository does not exist or may "
		  "require 'docker login': denied: requested access to the resource is denied\"}",
		  PULL_ANSWERED },
		{ 500,
		  "{\"message\":\"Get \\\"https://a.b/v2/\\\": x509: certificate signed by unknown "
		  "authority\"}",
		  PULL_ANSWERED },
		{ 500,
		  "{\"message\":\"Get \\\"https://a.b/v2/\\\": http: server gave HTTP response to "
		  "HTTPS client\"}",
		  PULL_ANSWERED },
		{ 200,
		  "{\"status\":\"Pulling from x\"}\r\n{\"errorDetail\":{\"message\":\"manifest "
		  "unknown\"},\"error\":\"manifest unknown\"}\r\n",
		  PULL_ANSWERED },
		{ 200, "{\"status\":\"Pulling from x\"}\r\n", PULL_ANSWERED },
		{ 500,
		  "{\"message\":\"Get \\\"https://quay.io/v2/\\\": dial tcp 255.255.255.255:443: "
		  "connect: network is unreachable\"}",
		  PULL_REFUSED },
		{ 500,
		  "{\"message\":\"Get \\\"https://quay.io/v2/\\\": dial tcp [ff00::1]:443: connect: "
		  "network is unreachable\"}",
		  PULL_REFUSED },
		{ 500,
		  "{\"message\":\"failed to do request: Head "
		  "\\\"https://127.0.0.1:1/blocked-by-bulkhead/v2/x\\\": dial tcp 127.0.0.1:1: "
		  "connect: connection refused\"}",
		  PULL_REFUSED },
		{ 500, "{\"message\":\"All endpoints blocked.\"}", PULL_REFUSED },
		{ 500, "{\"message\":\"Get \\\"https://quay.io/v2/\\\": Forbidden\"}",
		  PULL_REFUSED },
		/* None of these says who stopped it. */
		{ 500,
		  "{\"message\":\"Get \\\"https://quay.io/v2/\\\": dial tcp: lookup quay.io: no such "
		  "host\"}",
		  PULL_UNREACHED },
		{ 500,
		  "{\"message\":\"Get \\\"https://10.0.0.7/v2/\\\": dial tcp 10.0.0.7:443: connect: "
		  "connection refused\"}",
		  PULL_UNREACHED },
		{ 500,
		  "{\"message\":\"Get \\\"https://10.0.0.7/v2/\\\": context deadline exceeded\"}",
		  PULL_UNREACHED },
		{ 403, "{\"message\":\"authorization denied by plugin x: no\"}", PULL_UNREACHED },
		{ 500, "{\"message\":\"something new\"}", PULL_UNREACHED },
		{ 500, "not JSON", PULL_UNREACHED },
		{ 500, "", PULL_UNREACHED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *said = NULL;
		enum pull pull;
		struct err e;

		ck_assert_int_eq(pull_judge(rows[i].status, rows[i].text, &pull, &said, &e), 0);
		ck_assert_msg(pull == rows[i].pull, "row %zu: %d", i, (int)pull);
		ck_assert_ptr_null(strchr(said, '\n'));
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, names);
	tcase_add_test(tc, hosts);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, judge);
}

UNIT_MAIN("registries")
