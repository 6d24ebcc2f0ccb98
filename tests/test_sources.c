/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/sources.h"

#include "../src/buf.h"
#include "plan_modules.h"
#include "unit.h"

static char *dir;
static struct err e;
static struct errs errs;

static void setup(void)
{
	unsetenv("SUDO_UID");
	dir = tree_new();
	ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	errs_done(&errs);
	tree_remove(dir);
}

static void file(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "/%s", name);
	tree_write(dir, path, text, 0644);
}

static struct plan *load(const char *path)
{
	const struct plan_options trust = { .trust_all = true };
	struct plan *p = NULL;
	int r;

	errs_done(&errs);
	r = plan_load(path, &trust, &p, &errs, &e);
	ck_assert_int_eq(r == 0, p != NULL);
	ck_assert_int_eq(r == -EINVAL && errs_any(&errs), errs_any(&errs));
	return p;
}

static void mistakes(const char *path, const char *want)
{
	struct buf b = BUF_INIT;

	plan_free(load(path));
	for (size_t i = 0; i < errs.n; i++)
		buf_addf(&b, "%s: %s\n", errs.list[i].where, errs.list[i].text);
	ck_assert_str_eq(b.data ? b.data : "", want);
	buf_done(&b);
}

static void values(const struct plan *p, const char *module, const char *want)
{
	char *got = json_dumps(plan_section(p, module)->values, JSON_COMPACT | JSON_SORT_KEYS);

	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(test_later_wins)
{
	struct plan *p;

	setup();
	file("plan.yaml", "version: 1\n"
			  "daemon: {log-opts: {max-size: 1m, x: y}}\n"
			  "include: [profile:baseline, a.yaml, b.yaml]\n"
			  "service: {timeout: 5}\n");
	file("a.yaml", "version: 1\ndaemon: {labels: [c], icc: true}\nsubids: {align: 1}\n");
	file("b.yaml", "version: 1\ndaemon: {icc: false}\nservice: {timeout: 7, restart: never}\n");
	p = load("plan.yaml");
	ck_assert_ptr_nonnull(p);
	values(p, "daemon",
	       "{\"icc\":false,\"labels\":[\"c\"],\"log-opts\":{\"max-file\":\"3\","
	       "\"max-size\":\"1m\",\"x\":\"y\"}}");
	values(p, "service", "{\"restart\":\"never\",\"timeout\":5}");
	ck_assert_str_eq(section_where(plan_section(p, "daemon"), "icc"), "b.yaml:2:15");
	ck_assert_str_eq(section_where(plan_section(p, "daemon"), "labels[0]"), "a.yaml:2:19");
	ck_assert_str_eq(section_where(plan_section(p, "daemon"), "log-opts.max-file"),
			 "profile:baseline:5:39");
	ck_assert_str_eq(section_where(plan_section(p, "subids"), "align"), "a.yaml:3:17");
	ck_assert_str_eq(section_where(plan_section(p, "service"), "timeout"), "plan.yaml:4:20");
	plan_free(p);

	/* The same by its whole path, and by a symbolic link from elsewhere. */
	mkdir("other", 0755);
	ck_assert_int_eq(symlink("../plan.yaml", "other/link.yaml"), 0);
	p = load("other/link.yaml");
	ck_assert_ptr_nonnull(p);
	ck_assert(has_suffix(section_where(plan_section(p, "subids"), "align"), "/a.yaml:3:17"));
	plan_free(p);
	p = load("./other/../plan.yaml");
	ck_assert_str_eq(section_where(plan_section(p, "subids"), "align"),
			 "./other/../a.yaml:3:17");
	plan_free(p);
	teardown();
}
END_TEST

START_TEST(test_mistakes_in_includes)
{
	setup();
	/* Also those in what is overridden, and each once though b.yaml comes in twice. */
	file("plan.yaml", "version: 1\ninclude: [a.yaml, b.yaml]\ndaemon: {icc: false, x1: 1}\n"
			  "deamon: {}\nservice: {timeout: 5}\n");
	file("a.yaml", "version: 1\ninclude: [b.yaml]\ndaemon: {icc: yes, labels: 1}\n");
	file("b.yaml", "version: 3\ndaemon: {labels: 2, x1: 2}\nservice: 1\ndeamon: {}\n");
	mistakes(
		"plan.yaml",
		"plan.yaml:3:22: unknown setting \"x1\" of daemon: bulkhead schema lists them\n"
		"plan.yaml:4:1: unknown section \"deamon\": did you mean daemon?\n"
		"a.yaml:3:15: icc: expects true or false; found \"yes\": write true (included by "
		"plan.yaml:2:11)\n"
		"a.yaml:3:28: labels: expects a list, each a text of at most 64 bytes; found "
		"\"1\": write [ ] around it (included by plan.yaml:2:11)\n"
		"b.yaml:1:10: version: this bulkhead reads plans of version 1, not 3 (included by "
		"plan.yaml:2:19)\n"
		"b.yaml:2:18: labels: expects a list, each a text of at most 64 bytes; found "
		"\"2\": write [ ] around it (included by plan.yaml:2:19)\n"
		"b.yaml:2:21: unknown setting \"x1\" of daemon: bulkhead schema lists them "
		"(included by plan.yaml:2:19)\n"
		"b.yaml:3:10: service: expects settings, \"name: value\"; found \"1\" (included by "
		"plan.yaml:2:19)\n"
		"b.yaml:4:1: unknown section \"deamon\": did you mean daemon? (included by "
		"plan.yaml:2:19)\n");
	teardown();
}
END_TEST

#define LEAVES(column, name)                                                                       \
	"plan.yaml:2:" column ": \"" name "\" leaves the folder of this file: an include is "      \
	"profile:NAME, or the name of a file in the same folder\n"

START_TEST(test_bad_names)
{
	setup();
	file("plan.yaml", "version: 1\n"
			  "include: [../a.yaml, /etc/passwd, .., gone.yaml, link.yaml, dir, fifo,\n"
			  "  profile:basline, profile:xyz, ~, [a], \"\"]\n");
	mkdir("dir", 0755);
	mkfifo("fifo", 0644);
	ck_assert_int_eq(symlink("plan.yaml", "link.yaml"), 0);
	mistakes(
		"plan.yaml",
		LEAVES("11", "../a.yaml") LEAVES("22", "/etc/passwd") LEAVES(
			"35",
			"..") "plan.yaml:2:39: can't include \"gone.yaml\": open 'gone.yaml': No such file or "
			      "directory\n"
			      "plan.yaml:2:50: \"link.yaml\" is a symbolic link: an include is a file in this "
			      "file's own folder\n"
			      "plan.yaml:2:61: can't include \"dir\": 'dir' is a folder, not a regular file\n"
			      "plan.yaml:2:66: can't include \"fifo\": 'fifo' is a device, pipe or socket, not a "
			      "regular file\n"
			      "plan.yaml:3:3: no profile of the name \"basline\": did you mean profile:baseline?\n"
			      "plan.yaml:3:20: no profile of the name \"xyz\": shipped are profile:baseline, profile:strict, profile:watched, profile:loop, profile:pool, profile:wrong\n"
			      "plan.yaml:3:33: include[9]: expects a text of at most 255 bytes; found nothing "
			      "(null): write a value, or take the line out\n"
			      "plan.yaml:3:36: include[10]: expects a text of at most 255 bytes; found a list\n"
			      "plan.yaml:3:41: include[11]: expects profile:NAME or the name of a file in this file's folder; found \"\"\n");
	file("plan.yaml", "version: 1\ninclude: profile:baseline\n");
	mistakes("plan.yaml", "plan.yaml:2:10: include: expects a list, each a text of at most 255 "
			      "bytes; found \"profile:baseline\": write [ ] around it\n");
	teardown();
}
END_TEST

START_TEST(test_cycles)
{
	setup();
	file("self.yaml", "version: 1\ninclude: [self.yaml]\n");
	mistakes("self.yaml", "self.yaml:2:11: \"self.yaml\" includes itself\n");
	file("a.yaml", "version: 1\ninclude: [b.yaml]\n");
	file("b.yaml", "version: 1\ninclude: [c.yaml, b.yaml]\n");
	file("c.yaml", "version: 1\ninclude: [a.yaml]\n");
	mistakes(
		"a.yaml",
		"b.yaml:2:19: \"b.yaml\" includes itself (included by a.yaml:2:11)\n"
		"c.yaml:2:11: \"a.yaml\" includes itself, by way of this file (included by b.yaml:2:11, by a.yaml:2:11)\n");
	/* Under another name it is the same file. */
	ck_assert_int_eq(link("a.yaml", "hard.yaml"), 0);
	file("c.yaml", "version: 1\ninclude: [hard.yaml]\n");
	file("b.yaml", "version: 1\ninclude: [c.yaml]\n");
	mistakes(
		"a.yaml",
		"c.yaml:2:11: \"hard.yaml\" includes itself, by way of this file (included by b.yaml:2:11, by a.yaml:2:11)\n");
	file("a.yaml", "version: 1\ninclude: [profile:loop]\n");
	mistakes(
		"a.yaml",
		"profile:pool:2:11: \"profile:loop\" includes itself, by way of this file (included by profile:loop:2:11, by a.yaml:2:11)\n");
	/* Twice is no cycle. */
	file("a.yaml", "version: 1\ninclude: [profile:strict, profile:baseline, profile:strict]\n");
	mistakes("a.yaml", "");
	teardown();
}
END_TEST

START_TEST(test_bounds)
{
	struct buf b = BUF_INIT;
	char name[32];

	setup();
	/* Every file includes the next one 16 times: 16^9 files without a bound. */
	for (int i = 0; i < 9; i++) {
		buf_adds(&b, "version: 1\ninclude: [");
		for (int j = 0; j < SOURCES_INCLUDES; j++)
			buf_addf(&b, "%s%d.yaml", j ? ", " : "", i + 1);
		buf_adds(&b, "]\n");
		snprintf(name, sizeof(name), "%d.yaml", i);
		file(name, b.data);
		buf_done(&b);
	}
	file("9.yaml", "version: 1\n");
	plan_free(load("0.yaml"));
	ck_assert_uint_ge(errs.n, 1);
	ck_assert_str_eq(
		errs.list[errs.n - 1].text,
		"more than 32 includes in all (included by 7.yaml:2:19, by 6.yaml:2:11, by 5.yaml:2:11, by 4.yaml:2:11, ...)");

	buf_adds(&b, "version: 1\n#");
	while (b.len < (size_t)1024 * 1024 - 1)
		buf_addc(&b, 'x');
	buf_addc(&b, '\n');
	file("big.yaml", b.data);
	mistakes("big.yaml", "");
	for (char i = 'a'; i < 'f'; i++) {
		name[0] = i;
		name[1] = '\0';
		file(name, b.data);
	}
	buf_addc(&b, '\n');
	file("big.yaml", b.data);
	mistakes("big.yaml", "big.yaml:1:1: larger than 1 MiB\n");
	file("plan.yaml", "version: 1\ninclude: [a, b, c, d]\n");
	mistakes(
		"plan.yaml",
		"d:1:1: larger than 4 MiB together with the other files (included by plan.yaml:2:20)\n");
	buf_done(&b);
	teardown();
}
END_TEST

START_TEST(test_standard_input)
{
	struct plan *p;

	setup();
	file("in", "version: 1\ninclude: [profile:baseline, in]\nsocket: {mode: 1}\n");
	ck_assert_ptr_nonnull(freopen("in", "r", stdin));
	mistakes("-", "<stdin>:2:29: \"in\" can't be included: <stdin> has no folder, only "
		      "profile:NAME works here\n"
		      "<stdin>:3:16: mode: expects an octal mode in quotes, like \"0660\"; found "
		      "\"1\": write \"0001\" in quotes, YAML turns 1 into another number\n");
	file("in", "version: 1\ninclude: [profile:baseline]\n");
	ck_assert_ptr_nonnull(freopen("in", "r", stdin));
	p = load("-");
	ck_assert_ptr_nonnull(p);
	plan_free(p);
	teardown();
}
END_TEST

START_TEST(test_unreadable)
{
	setup();
	plan_free(load("gone.yaml"));
	ck_assert_int_eq(e.code, -ENOENT);
	ck_assert(has_prefix(e.text, "open 'gone.yaml': No such file or directory\na first plan"));
	ck_assert(!errs_any(&errs));
	mkdir("dir", 0755);
	plan_free(load("dir"));
	ck_assert_int_eq(e.code, -EISDIR);
	teardown();
}
END_TEST

/* Only root's plans are asked who could have written them. */
START_TEST(test_trust)
{
	struct plan *p = NULL;
	int r;

	setup();
	file("plan.yaml", "version: 1\nfoo: 1\ninclude: [more.yaml]\n");
	file("more.yaml", "version: 1\n");
	chmod("more.yaml", 0666);
	errs_done(&errs);
	r = plan_load("plan.yaml", NULL, &p, &errs, &e);
	if (geteuid() == 0) {
		ck_assert_int_eq(r, -EPERM);
		ck_assert_ptr_nonnull(strstr(e.text, "'more.yaml' is not trusted"));
		ck_assert_ptr_nonnull(strstr(e.text, "\nincluded by plan.yaml:3:11"));
		ck_assert(!errs_any(&errs));
	} else {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_uint_eq(errs.n, 1);
	}
	chmod("more.yaml", 0600);
	ck_assert_int_eq(plan_load("plan.yaml", NULL, &p, &errs, &e), -EINVAL);
	teardown();
}
END_TEST

START_TEST(test_null)
{
	struct plan *p;

	setup();
	file("site.yaml", "version: 1\ndaemon: {icc: false, log-opts: {a: b, c: d}}\n"
			  "socket: {mode: \"0600\"}\nservice: {timeout: 7}\n"
			  "volumes: [{path: /srv}]\n");
	file("plan.yaml", "version: 1\ninclude: [site.yaml]\n"
			  "daemon: {icc: null, log-opts: {c: ~}, log-level: Null}\n"
			  "socket: null\nservice: null\nvolumes: null\n");
	p = load("plan.yaml");
	ck_assert_ptr_nonnull(p);
	values(p, "daemon", "{\"log-opts\":{\"a\":\"b\"}}");
	values(p, "service", "{\"restart\":\"auto\",\"timeout\":120}");
	ck_assert_ptr_null(plan_section(p, "socket"));
	ck_assert_ptr_null(plan_section(p, "volumes"));
	ck_assert_str_eq(section_where(plan_section(p, "daemon"), "icc"), "plan.yaml:3:15");
	plan_free(p);

	/* What stands above a null is not merged with what stands below it. */
	file("top.yaml", "version: 1\ninclude: [plan.yaml]\n"
			 "daemon: {icc: true, log-opts: {e: f}}\nsocket: {}\n");
	p = load("top.yaml");
	ck_assert_ptr_nonnull(p);
	values(p, "daemon", "{\"icc\":true,\"log-opts\":{\"a\":\"b\",\"e\":\"f\"}}");
	ck_assert_str_eq(section_str(plan_section(p, "socket"), "mode"), "0660");
	plan_free(p);

	file("alone.yaml", "version: 1\ndaemon: {icc: null}\n");
	mistakes("alone.yaml", "alone.yaml:2:15: icc: expects true or false; found nothing (null): "
			       "write a value, or take the line out\n");
	file("bad.yaml", "version: 1\ninclude: [alone.yaml]\nsubids: {ranges: [{owner: ~}]}\n"
			 "service: {nonsense: null}\n");
	mistakes("bad.yaml",
		 "bad.yaml:3:27: ranges[0].owner: expects the name of a user or group, or its id; "
		 "found nothing (null): write a value, or take the line out\n"
		 "bad.yaml:4:11: unknown setting \"nonsense\" of service: bulkhead schema lists "
		 "them\n");
	teardown();
}
END_TEST

START_TEST(test_chain)
{
	setup();
	file("plan.yaml", "version: 1\ninclude: [role.yaml]\ndaemon: {icc: 1}\n");
	file("role.yaml", "version: 1\ninclude:\n  - site.yaml\n");
	file("site.yaml", "version: 1\ndaemon: {icc: 2}\n");
	mistakes(
		"plan.yaml",
		"plan.yaml:3:15: icc: expects true or false; found \"1\"\n"
		"site.yaml:2:15: icc: expects true or false; found \"2\" (included by role.yaml:3:5, "
		"by plan.yaml:2:11)\n");
	teardown();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_later_wins);
	tcase_add_test(tc, test_mistakes_in_includes);
	tcase_add_test(tc, test_bad_names);
	tcase_add_test(tc, test_cycles);
	tcase_add_test(tc, test_bounds);
	tcase_add_test(tc, test_null);
	tcase_add_test(tc, test_chain);
	tcase_add_test(tc, test_standard_input);
	tcase_add_test(tc, test_unreadable);
	tcase_add_test(tc, test_trust);
}

UNIT_MAIN("sources")
