/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../src/buf.h"
#include "../src/redact.h"

static const struct {
	const char *text, *shown;
} texts[] = {
	{ "", "" },
	{ "icc: unset -> false\n", "icc: unset -> false\n" },
	/* addresses */
	{ "http://joe:pw@proxy:3128/", "http://***@proxy:3128/" },
	{ "\"http-proxy\": \"http://joe:p@ss/w@proxy\",", "\"http-proxy\": \"http://***@proxy\"," },
	{ "HTTPS_PROXY=https://t0ken@proxy NO_PROXY=a@b",
	  "HTTPS_PROXY=https://***@proxy NO_PROXY=***@b" },
	{ "http://a:b@c http://d:e@f", "http://***@c http://***@f" },
	{ "\"http://bob:hunt'er,2`<>@c\"", "\"http://***@c\"" },
	{ "\"http:\\/\\/bob:pw@c\"", "\"http:\\/\\/***@c\"" },
	/* dockerd takes proxies without a scheme */
	{ "log-opts.splunk-url: https://u:hunter2@h/\"'<b>`: it has to be",
	  "log-opts.splunk-url: https://***@h/\"'<b>`: it has to be" },
	{ "registry-mirrors[0]: not http://a:hunter2@b nor u:hunter2@c \\ a@b x:",
	  "registry-mirrors[0]: not http://***@b nor ***@c \\ a@b x:" },
	{ "token: see https://u:hunter2@x", "token: see https://***@x" },
	{ "\"http-proxy\": \"bob:hunter2@proxy:3128\"", "\"http-proxy\": \"***@proxy:3128\"" },
	{ "HTTPS_PROXY=bob:hun'ter,2@proxy:3128 x", "HTTPS_PROXY=***@proxy:3128 x" },
	{ "https-proxy: unset -> \"bob:pw@h\"", "https-proxy: unset -> \"***@h\"" },
	{ "\"http-proxy\": \"proxy:3128\"", "\"http-proxy\": \"proxy:3128\"" },
	{ "https://mirror.example/v2/", "https://mirror.example/v2/" },
	{ "see ://@", "see ://***@" },
	{ "\033[32m+http://u:p@h\033[0m", "\033[32m+http://***@h\033[0m" },
	/* members */
	{ "+    \"splunk-token\": \"abc\",\n", "+    \"splunk-token\": \"***\",\n" },
	{ "{\"splunk-token\":\"a\\\"b\", \"tag\": \"x\"}",
	  "{\"splunk-token\":\"***\", \"tag\": \"x\"}" },
	{ "{\\\"splunk-token\\\": \\\"abc\\\", \\\"tag\\\": \\\"x\\\"}",
	  "{\\\"splunk-token\\\": \\\"***\\\", \\\"tag\\\": \\\"x\\\"}" },
	{ "\"api_KEY\": [ \"abc\" ]", "\"api_KEY\": [ \"***\" ]" },
	{ "\"token\": true, \"x\": \"y\"", "\"token\": true, \"x\": \"y\"" },
	{ "\"token\": \"open", "\"token\": \"***" },
	{ "\"token\": \"\"", "\"token\": \"\"" },
	{ "+ \"token\":\n+   \"abc\"", "+ \"token\":\n+   \"***\"" },
	{ "\"token\": [\"a\",\n \"b\"], \"c\": \"d\"",
	  "\"token\": [\"***\",\n \"***\"], \"c\": \"d\"" },
	{ "\"secrets\": {\"a\": {\"b\": \"c\"}}, \"d\": \"e\"",
	  "\"secrets\": {\"***\": {\"***\": \"***\"}}, \"d\": \"e\"" },
	/* names that are files */
	{ "\"token-file\": \"/run/t\"", "\"token-file\": \"/run/t\"" },
	{ "\"awslogs-credentials-endpoint\": \"/x\"", "\"awslogs-credentials-endpoint\": \"/x\"" },
	/* reasons and mistakes */
	{ "log-opts.splunk-token: unset -> \"abc\"\nicc: \"x\"",
	  "log-opts.splunk-token: unset -> \"***\"\nicc: \"x\"" },
	{ "splunk-token: \"abc\" -> \"def\"", "splunk-token: \"***\" -> \"***\"" },
	{ "p.yaml:3:9: splunk-token: expects text; found \"abc\"",
	  "p.yaml:3:9: splunk-token: expects text; found \"***\"" },
	{ "cannot open '/etc/token': No such file", "cannot open '/etc/token': No such file" },
	/* command lines and environments */
	{ "--log-opt splunk-token=abc --icc=false", "--log-opt splunk-token=*** --icc=false" },
	{ "Environment=\"DB_PASSWORD=a b\" \"X=y\"", "Environment=\"DB_PASSWORD=***\" \"X=y\"" },
	{ "my_secret=\"a b\" x=y", "my_secret=\"***\" x=y" },
	{ "my_secret='a b' x=y", "my_secret='***' x=y" },
	{ "my_secret=a\"b c\"d x=y", "my_secret=*** x=y" },
	{ "Environment=\"DB_PASSWORD=a\\\"b c\" X=y", "Environment=\"DB_PASSWORD=***\" X=y" },
	{ "token = \"a b\"", "token = \"***\"" },
	{ "dockerd --http-proxy bob:pw@h --icc", "dockerd --http-proxy ***@h --icc" },
	{ "dockerd --http-proxy 'bob:p w@h' --icc", "dockerd --http-proxy '***@h' --icc" },
	{ "\"--http-proxy\" \"bob:pw@h\"", "\"--http-proxy\" \"***@h\"" },
	{ "dockerd --https-proxy \\\n  bob:pw@h x", "dockerd --https-proxy \\\n  ***@h x" },
	{ "+dockerd --https-proxy \\\n+# no\n+  bob:pw@h",
	  "+dockerd --https-proxy \\\n+# no\n+  ***@h" },
	{ "--auth-token abc -H fd://", "--auth-token *** -H fd://" },
	{ "`proxies` is set by --https-proxy on dockerd's command line",
	  "`proxies` is set by --https-proxy on dockerd's command line" },
	{ "\"insecure-registries\": [\"bob:pw@h:1\", \"h:2\"]",
	  "\"insecure-registries\": [\"***@h:1\", \"h:2\"]" },
	{ "insecure-registries[0]: no address: found \"bob:pw@h\"",
	  "insecure-registries[0]: no address: found \"***@h\"" },
	{ "token=", "token=" },
	/* keys */
	{ "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
	  "a\n***\nb" },
	{ "a\\n-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\nb", "a\\n***\\nb" },
	{ "-----BEGIN PRIVATE KEY-----\nMIIE", "***" },
	{ "+-----BEGIN PRIVATE KEY-----\n+MIIE\n+-----END PRIVATE KEY-----\n+x", "+***\n+x" },
	{ "[\"-----BEGIN PRIVATE KEY-----\"]\ndone: transaction 1\n",
	  "[\"***\"]\ndone: transaction 1\n" },
	{ "-----BEGIN PRIVATE KEY-----\n+MIIE\n  because x", "***\n  because x" },
	{ "-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE" },
};

START_TEST(hides_in_text)
{
	_cleanup_free_ char *shown = redact_text(texts[_i].text);

	ck_assert_str_eq(shown, texts[_i].shown);
}
END_TEST

START_TEST(hides_twice_as_once)
{
	_cleanup_free_ char *once = redact_text(texts[_i].text), *twice = redact_text(once);

	ck_assert_str_eq(once, twice);
}
END_TEST

static const struct {
	const char *text, *shown;
} files[] = {
	{ "", "" },
	/* names and values far apart, and in escapes */
	{ "{\"splunk-token\":\n\n\n\n\n\n\"a\"}", "{\"splunk-token\":\n\n\n\n\n\n\"***\"}" },
	{ "{\"token\"\n\n:\n\"a\",\n\"icc\": \"\\u0041\"}",
	  "{\"token\"\n\n:\n\"***\",\n\"icc\": \"\\u0041\"}" },
	{ "{\"splunk-\\u0074oken\": \"a\"}", "{\"splunk-token\": \"***\"}" },
	{ "{\"https-prox\\u0079\": \"u:p@h\"}", "{\"https-proxy\": \"***@h\"}" },
	{ "{\"https-proxy\": \"http://u:a\\u0040h\"}", "{\"https-proxy\": \"http://***@h\"}" },
	{ "[\"https:\\u002f\\u002fu:a@h\"]", "[\"https://***@h\"]" },
	{ "[\"https:\\/\\u002fu:a@h\", \"\\/\"]", "[\"https://***@h\", \"/\"]" },
	{ "{\"x\": \"\\\\u0040\", \"y\": \"\\u0022\"}",
	  "{\"x\": \"\\\\u0040\", \"y\": \"\\u0022\"}" },
	/* units */
	{ "ExecStart=x --http-proxy u:a\\x40h\n", "ExecStart=x --http-proxy ***@h\n" },
	{ "ExecStart=x --log-opt splunk-tok\\145n=a\n",
	  "ExecStart=x --log-opt splunk-token=***\n" },
	{ "Environment=\"A_TOKEN=a \\\nb\" X=y\n", "Environment=\"A_TOKEN=***\n***\" X=y\n" },
	{ "ExecStart=x --token \\\n# no\n  a \\\n  -y\n",
	  "ExecStart=x --token \\\n# no\n  *** \\\n  -y\n" },
	/* environments: a line, or what is quoted */
	{ "A_TOKEN=a b\nX=y\n", "A_TOKEN=***\nX=y\n" },
	{ "A_TOKEN= a b\nX=y\n", "A_TOKEN= ***\nX=y\n" },
	{ "A_TOKEN=\"a\nb\"\nX=y\n", "A_TOKEN=\"***\n***\"\nX=y\n" },
	{ "A_TOKEN='a\nX=y\n", "A_TOKEN='***\nX=y\n" },
	{ "HTTP_PROXY=u:a b@h\n", "HTTP_PROXY=***@h\n" },
	/* a line for a line */
	{ "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nb", "***\n***\n***\nb" },
};

START_TEST(hides_in_files)
{
	size_t len;
	_cleanup_free_ char *shown = redact_file(files[_i].text, strlen(files[_i].text), &len);

	ck_assert_str_eq(shown, files[_i].shown);
	ck_assert_uint_eq(len, strlen(shown));
}
END_TEST

START_TEST(keeps_zero_bytes)
{
	static const char text[] = "a\0b\nA_TOKEN=a\0b\nc";
	size_t len;
	_cleanup_free_ char *shown = redact_file(text, sizeof(text) - 1, &len);

	ck_assert_uint_eq(len, 17);
	ck_assert_mem_eq(shown, "a\0b\nA_TOKEN=***\nc", 17);
}
END_TEST

START_TEST(hides_in_documents)
{
	json_t *doc = json_pack("{s:{s:s, s:[s, s, {s:s}], s:i}, s:s, s:[s, {s:s}], s:s}",
				"log-opts", "splunk-token", "abc", "list", "http://a:b@c", "x",
				"password", "p", "token", 7, "why", "token: unset -> \"t\"",
				"tokens", "a", "x", "b", "http-proxy", "u:p@h");
	_cleanup_free_ char *shown = NULL;

	ck_assert_int_eq(redact_json(doc), 0);
	shown = json_dumps(doc, JSON_SORT_KEYS | JSON_COMPACT);
	ck_assert_str_eq(
		shown,
		"{\"http-proxy\":\"***@h\",\"log-opts\":{\"list\":[\"http://***@c\",\"x\",{\"password\":\"***\"}],"
		"\"splunk-token\":\"***\",\"token\":7},"
		"\"tokens\":[\"***\",{\"x\":\"***\"}],"
		"\"why\":\"token: unset -> \\\"***\\\"\"}");
	json_decref(doc);
}
END_TEST

START_TEST(hides_in_lines)
{
	static const char *const lines[][3] = {
		{ "/etc/gshadow", "docker:$y$j9T$x:adm:bob", "docker:***:adm:bob" },
		{ "/etc/gshadow", "docker:!$6$x::", "docker:***::" },
		{ "/etc/gshadow", "docker:!*::bob", "docker:!*::bob" },
		{ "/etc/group", "docker:aB1x:998:bob", "docker:***:998:bob" },
		{ "/etc/group", "docker::998:", "docker::998:" },
		{ "/etc/shadow", "bob:x1", "bob:***" },
		{ "/etc/passwd", "bob", "bob" },
		{ "/etc/subuid", "bob:100000:65536", "bob:100000:65536" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		redact_line(lines[i][0], lines[i][1], &b);
		ck_assert_str_eq(b.data, lines[i][2]);
	}
}
END_TEST

START_TEST(hides_by_name)
{
	static const char *const values[][3] = {
		{ "splunk-token", "abc", "***" },
		{ "log-opts.splunk-token", "\"a b\"", "***" },
		{ "http-proxy", "bob:pw@proxy", "***@proxy" },
		{ "http-proxy", "http://proxy", "http://proxy" },
		{ "insecure-registries", "[\"bob:pw@h\",\"i\"]", "[\"***@h\",\"i\"]" },
		{ "insecure-registries[1]", "bob:pw@h", "***@h" },
		{ "icc", "https://bob:pw@h", "https://***@h" },
		{ "token-file", "/etc/token", "/etc/token" },
		{ NULL, "{\"password\": \"x\"}", "{\"password\": \"***\"}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_free_ char *shown = redact_value(values[i][0], values[i][1]);

		ck_assert_str_eq(shown, values[i][2]);
	}
}
END_TEST

/* What a host holds may be made to take its time: a minute here, were it quadratic. */
START_TEST(long_lines)
{
	static const char *const parts[] = {
		"://",		 "-----BEGIN ",	 "token=",	 "\"token\": ",
		"'token=",	 "token[",	 "token='\n",	 "token=a'b\n",
		"--token \\\n#", "\"token\": [", "token=\"\\\"",
	};
	size_t n = strlen(parts[_i]), times = 300000;
	char *text = malloc(n * times + 1);
	_cleanup_free_ char *shown = NULL, *file = NULL;
	size_t len;

	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, parts[_i], n);
	text[n * times] = '\0';
	shown = redact_text(text);
	ck_assert_ptr_nonnull(shown);
	file = redact_file(text, n * times, &len);
	ck_assert_ptr_nonnull(file);
	free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, hides_in_text, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(tc, hides_twice_as_once, 0, ARRAY_SIZE(texts));
	tcase_add_loop_test(tc, hides_in_files, 0, ARRAY_SIZE(files));
	tcase_add_test(tc, keeps_zero_bytes);
	tcase_add_test(tc, hides_in_documents);
	tcase_add_test(tc, hides_in_lines);
	tcase_add_test(tc, hides_by_name);
	tcase_add_loop_test(tc, long_lines, 0, 11);
	tcase_set_timeout(tc, 20);
}

UNIT_MAIN("redact")
