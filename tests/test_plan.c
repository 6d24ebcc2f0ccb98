/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/plan.h"

#include <time.h>

#include "../src/buf.h"
#include "plan_modules.h"
#include "unit.h"

static struct err e;
static struct errs errs;

static struct plan *load(const char *text)
{
	struct plan *p = NULL;
	int r;

	errs_done(&errs);
	r = plan_load_text("f", text, strlen(text), &p, &errs, &e);
	ck_assert_int_eq(r, p ? 0 : -EINVAL);
	ck_assert_int_eq(errs_any(&errs), !p);
	return p;
}

/* A plan's mistakes, a line each. */
static void mistakes(const char *text, const char *want)
{
	struct buf b = BUF_INIT;

	plan_free(load(text));
	for (size_t i = 0; i < errs.n; i++)
		buf_addf(&b, "%s: %s\n", errs.list[i].where, errs.list[i].text);
	ck_assert_str_eq(b.data ? b.data : "", want);
	buf_done(&b);
}

static void values(const struct plan *p, const char *module, const char *want)
{
	const struct section *s = plan_section(p, module);
	char *got;

	ck_assert_ptr_nonnull(s);
	got = json_dumps(s->values, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(test_smallest)
{
	struct plan *p = load("version: 1\n");

	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_null(plan_section(p, "socket"));
	ck_assert_ptr_null(plan_section(p, "nonsense"));
	values(p, "service", "{\"restart\":\"auto\",\"timeout\":120}");
	ck_assert_uint_eq(json_object_size(plan_section(p, "service")->given), 0);
	ck_assert_str_eq(section_where(plan_section(p, "service"), "restart"), "f:1:1");
	ck_assert_uint_eq(plan_engine_version(p), 0);
	plan_free(p);
}
END_TEST

START_TEST(test_sections)
{
	struct plan *p = load("version: 1\n"
			      "socket:\n"
			      "subids:\n"
			      "  ranges:\n"
			      "    - {owner: dockremap}\n"
			      "    - owner: 1000\n"
			      "      start: 100000\n"
			      "daemon: {selinux-enabled: auto, icc: false}\n");
	const struct section *s;

	ck_assert_ptr_nonnull(p);
	values(p, "socket", "{\"group\":\"docker\",\"mode\":\"0660\",\"user\":\"root\"}");
	values(p, "subids",
	       "{\"align\":65536,\"avoid\":[\"1-2\",\"5-9\"],\"pool\":\"2000224256-2147352575\","
	       "\"ranges\":[{\"count\":65536,\"owner\":\"dockremap\"},{\"count\":65536,\"owner\":"
	       "\"1000\",\"start\":100000}]}");
	s = plan_section(p, "subids");
	ck_assert_ptr_eq(s->module, modules[0]);
	ck_assert_ptr_eq(s->plan, p);
	ck_assert_uint_eq(json_object_size(s->given), 1);
	ck_assert_int_eq(section_int(s, "align", 3), 65536);
	ck_assert_int_eq(section_int(s, "pool", 3), 3);
	ck_assert_str_eq(section_str(s, "pool"), "2000224256-2147352575");
	ck_assert_ptr_null(section_str(s, "align"));
	ck_assert_str_eq(section_where(s, NULL), "f:3:1");
	ck_assert_str_eq(section_where(s, ""), "f:3:1");
	ck_assert_str_eq(section_where(s, "ranges"), "f:4:3");
	ck_assert_str_eq(section_where(s, "ranges[0]"), "f:5:7");
	ck_assert_str_eq(section_where(s, "ranges[1].owner"), "f:6:14");
	ck_assert_str_eq(section_where(s, "ranges[1].count"), "f:6:7");
	ck_assert_str_eq(section_where(s, "ranges[7].owner"), "f:4:3");
	ck_assert_uint_eq(section_index(s, "ranges", 1), 1);
	ck_assert_uint_eq(section_index(s, "ranges", 7), 7);
	ck_assert_uint_eq(section_index(s, "align", 3), 3);
	ck_assert_str_eq(section_where(s, "align"), "f:3:1");
	ck_assert_str_eq(section_where(s, "[["), "f:3:1");
	s = plan_section(p, "daemon");
	ck_assert(!section_bool(s, "icc", true));
	ck_assert(section_bool(s, "selinux-enabled", true));
	ck_assert(!section_bool(s, "selinux-enabled", false));
	ck_assert_ptr_null(section_get(s, "labels"));
	plan_free(p);
}
END_TEST

/* A module whose section is a list. */
START_TEST(test_list_section)
{
	struct plan *p = load("version: 1\nvolumes:\n  - {path: /a}\n  - path: /b\n"
			      "    access: if-idle\n");
	const struct section *s = plan_section(p, "volumes");

	values(p, "volumes",
	       "{\"volumes\":[{\"access\":\"auto\",\"path\":\"/a\"},"
	       "{\"access\":\"if-idle\",\"path\":\"/b\"}]}");
	ck_assert_uint_eq(json_array_size(section_get(s, "volumes")), 2);
	ck_assert_ptr_null(
		json_object_get(json_array_get(json_object_get(s->given, "volumes"), 0), "access"));
	ck_assert_str_eq(section_where(s, NULL), "f:2:1");
	ck_assert_str_eq(section_where(s, "[1]"), "f:4:5");
	ck_assert_str_eq(section_where(s, "[1].access"), "f:5:13");
	ck_assert_str_eq(section_where(s, "[0].access"), "f:3:5");
	ck_assert_str_eq(section_where(s, "[9]"), "f:2:1");
	plan_free(p);
	p = load("version: 1\nvolumes: []\n");
	values(p, "volumes", "{\"volumes\":[]}");
	plan_free(p);
	p = load("version: 1\nvolumes:\n");
	values(p, "volumes", "{\"volumes\":[]}");
	plan_free(p);
	mistakes("version: 1\nvolumes: {path: /a}\n",
		 "f:2:1: volumes: expects a list, each settings (path, access); found a mapping\n");
	mistakes("version: 1\nvolumes:\n  - {pth: a}\n  - {path: /a, access: never}\n  - 3\n",
		 "f:3:5: volumes[0]: path is missing: expects an absolute path\n"
		 "f:3:6: volumes[0]: unknown setting \"pth\": did you mean path?\n"
		 "f:4:24: never\n"
		 "f:5:5: volumes[2]: expects settings (path, access); found \"3\"\n");
}
END_TEST

/* A module whose section may be the value of one of its settings. */
START_TEST(test_scalar_section)
{
	struct plan *p = load("version: 1\nwatch: never\n");
	const struct section *s = plan_section(p, "watch");

	values(p, "watch", "{\"action\":\"never\",\"every\":1}");
	ck_assert_uint_eq(json_object_size(s->given), 1);
	ck_assert_str_eq(section_where(s, "action"), "f:2:8");
	ck_assert_str_eq(section_where(s, "every"), "f:2:1");
	plan_free(p);
	/* It merges as the mapping that it stands for. */
	p = load("version: 1\ninclude: [profile:watched]\nwatch: never\n");
	values(p, "watch", "{\"action\":\"never\",\"every\":3}");
	plan_free(p);
	p = load("version: 1\nwatch:\n");
	values(p, "watch", "{\"action\":\"auto\",\"every\":1}");
	plan_free(p);
	p = load("version: 1\nwatch: {every: 2}\n");
	values(p, "watch", "{\"action\":\"auto\",\"every\":2}");
	plan_free(p);
	mistakes(
		"version: 1\nwatch: nevr\n",
		"f:2:8: action: expects one of: auto, if-idle, never; found \"nevr\": did you mean "
		"never?\n");
	mistakes(
		"version: 1\nwatch: ~\n",
		"f:2:8: action: expects one of: auto, if-idle, never; found nothing (null): write a "
		"value, or take the line out\n");
	mistakes("version: 1\nwatch: [never]\n",
		 "f:2:1: watch: expects settings, \"name: value\"; found a list\n");
}
END_TEST

START_TEST(test_where_of_dotted_names)
{
	struct plan *p = load("version: 1\ndaemon:\n  log-opts: {a.b: 1, a: 2, 'c[0]': 3}\n");
	const struct section *s = plan_section(p, "daemon");

	ck_assert_str_eq(section_where(s, "log-opts.a.b"), "f:3:19");
	ck_assert_str_eq(section_where(s, "log-opts.a"), "f:3:25");
	ck_assert_str_eq(section_where(s, "log-opts.c[0]"), "f:3:36");
	ck_assert_str_eq(section_where(s, "log-opts.a.c"), "f:3:25");
	ck_assert_str_eq(section_where(s, "log-opts.x.y"), "f:3:3");
	plan_free(p);
}
END_TEST

START_TEST(test_version)
{
	mistakes("", "f:1:1: the plan is empty: it begins with \"version: 1\"\n");
	mistakes("- a\n",
		 "f:1:1: a plan is a mapping of sections: it begins with \"version: 1\"\n");
	mistakes("socket:\n", "f:1:1: version is missing: write \"version: 1\" (without quotes) at "
			      "the top\n");
	mistakes("version: 2\n",
		 "f:1:10: version: this bulkhead reads plans of version 1, not 2\n");
	mistakes("version: '1'\n",
		 "f:1:10: version: expects an integer; found \"1\": write it without quotes\n");
	mistakes("version: 1.0\n",
		 "f:1:10: version: expects an integer; found \"1.0\": write it in "
		 "plain decimal digits\n");
	mistakes("version:\n", "f:1:9: version: expects an integer; found nothing (null): write a "
			       "value, or take the line out\n");
}
END_TEST

START_TEST(test_unknown)
{
	mistakes("version: 1\ndeamon: {}\nSocket: {}\nwhatever: {x: 1}\n",
		 "f:2:1: unknown section \"deamon\": did you mean daemon?\n"
		 "f:3:1: unknown section \"Socket\": did you mean socket?\n"
		 "f:4:1: unknown section \"whatever\": bulkhead schema lists them\n");
	mistakes("version: 1\ndaemon:\n  log_opt: {}\n  nonsense: {}\n  proxies: {http_proxy: x}\n",
		 "f:3:3: unknown setting \"log_opt\": did you mean log-opts?\n"
		 "f:4:3: unknown setting \"nonsense\" of daemon: bulkhead schema lists them\n"
		 "f:5:13: proxies: unknown setting \"http_proxy\": did you mean http-proxy?\n");
}
END_TEST

START_TEST(test_empty_and_null)
{
	plan_free(load("version: 1\nsocket: {}\ndaemon:\nengine:\n"));
	mistakes("version: 1\nsocket: null\nservice: ~\nsubids: []\ndaemon: x\n",
		 "f:2:9: socket: expects settings, \"name: value\"; found nothing (null)\n"
		 "f:3:10: service: expects settings, \"name: value\"; found nothing (null)\n"
		 "f:4:1: subids: expects settings, \"name: value\"; found a list\n"
		 "f:5:9: daemon: expects settings, \"name: value\"; found \"x\"\n");
	mistakes("version: 1\ndaemon:\n  proxies:\n  icc: ~\n",
		 "f:3:11: proxies: expects settings (http-proxy, no-proxy); found nothing (null): "
		 "write a value, or take the line out\n"
		 "f:4:8: icc: expects true or false; found nothing (null): write a value, or take "
		 "the line out\n");
}
END_TEST

START_TEST(test_engine)
{
	static const struct {
		const char *text;
		unsigned version;
	} good[] = { { "28.5", VERSION(28, 5) },
		     { "28.5.2", VERSION(28, 5) },
		     { "20.10.24+dfsg1", VERSION(20, 10) },
		     { "19.03", VERSION(19, 3) } };
	static const char *const bad[] = {
		"28",	 "",	  "v28.5", "28.",    ".5",
		"28.5.", "28.5x", "0.1",   "1000.1", "1.1000000000000000000000",
		" 28.5", "28.5.x"
	};
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct plan *p;

		snprintf(text, sizeof(text), "version: 1\nengine: {version: \"%s\"}\n",
			 good[i].text);
		p = load(text);
		ck_assert_uint_eq(plan_engine_version(p), good[i].version);
		plan_free(p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "version: 1\nengine: {version: \"%s\"}\n", bad[i]);
		ck_assert_ptr_null(load(text));
	}
	mistakes("version: 1\nengine: {version: 20.10, x: 1}\n",
		 "f:2:19: engine.version: write \"20.10\" in quotes, YAML reads it as a number "
		 "(20.10 would become 20.1)\n"
		 "f:2:26: engine: unknown setting \"x\": expects settings (version)\n");
	mistakes("version: 1\nengine: {version: v28}\n",
		 "f:2:19: engine.version: expects the version of Docker Engine in quotes, like "
		 "\"28.5\"; found \"v28\"\n");
	mistakes("version: 1\nengine: 28.5\n", "f:2:9: engine: expects settings (version); found "
					       "\"28.5\"\n");
}
END_TEST

START_TEST(test_rules)
{
	/* Rules are asked although there are mistakes, in this section too: all are told at once.
	 */
	mistakes("version: 1\n"
		 "socket: {mode: \"0600\", group: wheel}\n"
		 "daemon: {icc: yes, bip: ab}\n",
		 "f:2:16: the group is wheel\n"
		 "f:3:15: icc: expects true or false; found \"yes\": write true\n"
		 "f:3:25: bip with icc\n");
	mistakes("version: 1\n"
		 "daemon:\n"
		 "  bip: ab\n"
		 "  default-network-opts: {bridge: {com.docker.a.b: \"x\"}}\n"
		 "socket: {group: wheel}\n",
		 "f:3:8: bip with icc\n"
		 "f:4:51: network\n"
		 "f:5:1: the group is wheel\n");
}
END_TEST

#define AVOID(column, n)                                                                           \
	"f:6:" #column ": avoid[" #n "]: expects FIRST-LAST, two decimal ids, like "               \
	"300000-399999; found \"" #n "\"\n"

START_TEST(test_everything_at_once)
{
	mistakes(
		"version: 1\n"
		"socket: {mode: 0660, user: \"a%b\"}\n"
		"service: {restart: atuo, timeout: 4000}\n"
		"subids:\n"
		"  ranges: [{count: 0}, {owner: 'a:b', cuont: 5}]\n"
		"  avoid: [5-1, 1, 2, 3, 4, 5, 6, 7, 8]\n"
		"daemon: {icc: 1, icc: true, labels: [~]}\n"
		"  oops\n",
		"f:2:16: mode: expects an octal mode in quotes, like \"0660\"; found \"0660\": write "
		"\"0660\" in quotes, YAML turns 0660 into another number\n"
		"f:2:28: user: expects the name of a user or group, or its id; found \"a%b\": a % "
		"means something else in a unit file\n"
		"f:3:20: restart: expects one of: auto, if-idle, never; found \"atuo\": did you mean "
		"auto?\n"
		"f:3:35: timeout: expects an integer from 1 to 3600; found \"4000\"\n"
		"f:5:12: ranges[0]: owner is missing: expects the name of a user or group, or its "
		"id\n"
		"f:5:20: ranges[0].count: expects an integer from 1 to 4294967295; found \"0\"\n"
		"f:5:32: ranges[1].owner: expects the name of a user or group, or its id; found "
		"\"a:b\": a : separates fields in the databases\n"
		"f:5:39: ranges[1]: unknown setting \"cuont\": did you mean count?\n"
		"f:6:3: avoid: 9 entries: at most 8 are taken\n"
		"f:6:11: avoid[0]: expects FIRST-LAST, two decimal ids, like 300000-399999; found "
		"\"5-1\"\n" AVOID(16, 1) AVOID(19, 2) AVOID(22, 3) AVOID(25, 4) AVOID(28, 5) AVOID(
			31, 6)
			AVOID(34,
			      7) "f:7:15: icc: expects true or false; found \"1\"\n"
				 "f:7:18: \"icc\" is set twice: it already stands on line 7\n"
				 "f:7:38: labels[0]: expects a text of at most 64 bytes; found nothing (null): write "
				 "a value, or take the line out\n"
				 "f:8:3: not YAML: no setting's name found here: check the indentation of this "
				 "line\n");
}
END_TEST

START_TEST(test_broken_says_nothing_of_what_is_missing)
{
	/* version may stand behind the place where reading ended; owner, too. */
	mistakes("subids: {ranges: [{count: 1, @\nversion: 1\n",
		 "f:1:30: not YAML: a text can't begin with this character: put it in quotes\n");
	mistakes("version: 1\nsubids: {ranges: [{count: 1, \"ow\\tner\": a}]}\n",
		 "f:2:30: control character U+0009 in a text: take it out\n");
}
END_TEST

START_TEST(test_mistakes_bounded)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, "version: 1\ndaemon:\n");
	for (int i = 0; i < 30000; i++)
		buf_addf(&b, "  log-oqts%d: x\n", i);
	ck_assert_ptr_null(load(b.data));
	ck_assert_uint_eq(errs.n, ERRS_MAX);
	ck_assert_uint_eq(errs.more, 30000 - ERRS_MAX);
	ck_assert_str_eq(e.text, "f: 30000 mistakes in the plan");
	buf_done(&b);
}
END_TEST

START_TEST(test_fast)
{
	struct timespec a, b;
	double us;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 100; i++)
		plan_free(load("version: 1\ninclude: [profile:strict]\n"
			       "subids: {ranges: [{owner: dockremap}]}\nservice: {timeout: 60}\n"));
	clock_gettime(CLOCK_MONOTONIC, &b);
	us = (double)(b.tv_sec - a.tv_sec) * 1e4 + (double)(b.tv_nsec - a.tv_nsec) / 1e5;
	/* Well under 1 ms; a generous bound for sanitizers and valgrind on a busy machine. */
	ck_assert_msg(us < 100000, "%f us", us);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_smallest);
	tcase_add_test(tc, test_sections);
	tcase_add_test(tc, test_list_section);
	tcase_add_test(tc, test_scalar_section);
	tcase_add_test(tc, test_where_of_dotted_names);
	tcase_add_test(tc, test_version);
	tcase_add_test(tc, test_unknown);
	tcase_add_test(tc, test_empty_and_null);
	tcase_add_test(tc, test_engine);
	tcase_add_test(tc, test_rules);
	tcase_add_test(tc, test_everything_at_once);
	tcase_add_test(tc, test_broken_says_nothing_of_what_is_missing);
	tcase_add_test(tc, test_mistakes_bounded);
	tcase_add_test(tc, test_fast);
}

UNIT_MAIN("plan")
