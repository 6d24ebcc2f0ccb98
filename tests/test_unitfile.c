/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/unitfile.h"
#include "../src/buf.h"

#define ETC "/etc/systemd/system/"
#define RUN "/run/systemd/system/"
#define USR "/usr/lib/systemd/system/"

/* "a|b|c"; "" for none. */
static char *join(char *const *list)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; list[i]; i++)
		buf_addf(&b, "%s%s", i ? "|" : "", list[i]);
	return buf_take(&b, NULL);
}

static struct unitfile parsed(const char *text, size_t len)
{
	struct unitfile u = { 0 };
	struct err e;

	ck_assert_int_eq(unitfile_parse(&u, "/f", text, len, &e), 0);
	return u;
}

/* The values of [Service] A= that count. */
static char *values(const struct unitfile *u)
{
	const struct unitfile_setting *s;
	struct buf b = BUF_INIT;
	size_t pos = 0;

	while ((s = unitfile_next(u, "Service", "A", &pos)))
		buf_addf(&b, "%s%s", b.len ? "|" : "", s->value);
	return buf_take(&b, NULL);
}

START_TEST(test_parse)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "A=1\n", "" }, /* outside of any section */
		{ "[Service]\nA=1\nA=2", "1|2" },
		{ "[Service]\n  A  =  1 = 2 \t\n", "1 = 2" },
		{ "[Service]\r\nA=1\r\n\r\nA=2\r\n", "1|2" },
		{ "\xef\xbb\xbf[Service]\nA=1\n", "1" },
		{ "[Service]\n# A=1\n; A=2\n  #A=3\nA=4 # not a comment\n", "4 # not a comment" },
		{ "[Service]\nA=1\\\n   2\\\n3\nA=4\n", "1 2 3|4" },
		{ "[Service]\nA=1\\\n# between\n; too\n 2\n", "1 2" },
		{ "[Service]\nA=1\\\n\nA=2\n", "1|2" },
		{ "[Service]\nA=1\\\\\nA=2\n", "1\\\\|2" },
		{ "[Service]\nA=1\\\\\\\nA=2\n", "1\\\\ A=2" },
		{ "[Service]\nA=1\\", "1" },
		{ "[Service]\nA=1\nA=\nA=2\nA=3\n", "2|3" },
		{ "[Service]\nA=1\nA= \n", "" },
		{ "[Service]\nnonsense\n=x\nA=1\n", "1" },
		{ "[Unit]\nA=1\n[Service]\nA=2\n[Install]\nA=3\n[Service]\nA=4\n", "2|4" },
		{ "[Unit]\nA=\n[Service]\nA=2\n[Unit]\nA=\n", "2" },
		{ "[Service\nA=1\n[Service]\n", "" },
		{ "[\nA=1\n", "" },
		{ "[Service]\na=1\n", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unitfile u = parsed(rows[i].text, strlen(rows[i].text));
		char *got = values(&u);

		ck_assert_msg(streq(got, rows[i].want), "row %zu: '%s', not '%s'", i, got,
			      rows[i].want);
		free(got);
		unitfile_done(&u);
	}
}
END_TEST

START_TEST(test_parse_nul)
{
	static const char text[] = "[Service]\nA=1\0A=2\n";
	struct unitfile u = parsed(text, sizeof(text) - 1);
	char *got = values(&u);

	ck_assert_str_eq(got, "1|2");
	free(got);
	unitfile_done(&u);
}
END_TEST

START_TEST(test_words)
{
	static const struct {
		const char *text;
		unsigned flags;
		const char *want; /* NULL: -EINVAL after the words before */
	} rows[] = {
		{ "", UNITFILE_ESCAPES, "" },
		{ " \t ", UNITFILE_ESCAPES, "" },
		{ " a  b\tc ", UNITFILE_ESCAPES, "a|b|c" },
		{ "'a b' \"c d\"", UNITFILE_ESCAPES, "a b|c d" },
		{ "a'b c'd", UNITFILE_ESCAPES, "ab cd" },
		{ "'' \"\"", UNITFILE_ESCAPES, "|" },
		{ "\"it's\" 'say \"x\"'", UNITFILE_ESCAPES, "it's|say \"x\"" },
		{ "a\\ b", UNITFILE_ESCAPES, "a\\ b" }, /* no C escape: stays */
		{ "a\\sb\\x41\\101\\u00e9\\U0001F40B\\n", UNITFILE_ESCAPES,
		  "a bAA\xc3\xa9\xf0\x9f\x90\x8b\n" },
		{ "\\x00 \\x4 \\u12 \\ud800 \\U00110000 \\400 \\000", UNITFILE_ESCAPES,
		  "\\x00|\\x4|\\u12|\\ud800|\\U00110000|\\400|\\000" },
		{ "\\\\ \\\" \\'", UNITFILE_ESCAPES, "\\|\"|'" },
		{ "\"a\\\"b\"", UNITFILE_ESCAPES, "a\"b" },
		{ "a\\", UNITFILE_ESCAPES, "a\\" },
		{ "'a b", UNITFILE_ESCAPES, NULL },
		{ "\"a\\", UNITFILE_ESCAPES, NULL },
		{ "'a b", UNITFILE_RELAX, "a b" },
		{ "a\\ b \\n c\\", UNITFILE_RELAX, "a b|n|c" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *p = rows[i].text;
		struct buf b = BUF_INIT;
		char *word, *got;
		size_t n = 0;
		int r;

		while ((r = unitfile_word(&p, rows[i].flags, &word)) > 0) {
			buf_addf(&b, "%s%s", n++ ? "|" : "", word);
			free(word);
		}
		got = buf_take(&b, NULL);
		ck_assert_int_eq(r, rows[i].want ? 0 : -EINVAL);
		ck_assert_msg(!rows[i].want || streq(got, rows[i].want), "row %zu: '%s'", i, got);
		free(got);
	}
}
END_TEST

START_TEST(test_specifiers)
{
	char *s;

	ck_assert_int_eq(unitfile_specifiers("%% %n %N %p %t/x %S %H %", "docker.service", &s), 0);
	ck_assert_str_eq(s, "% docker.service docker docker /run/x /var/lib %H %");
	free(s);
}
END_TEST

START_TEST(test_env_parse)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "A=1\nB=2", "A=1|B=2" },
		{ "# c\n; d\n  A=1\n\n\nB=\n", "A=1|B=" },
		{ "A=1 # stays \n", "A=1 # stays" },
		{ "A = 1\n", "A=1" },
		{ "A=\"x y\" \n", "A=x y" },
		{ "A=\"x \"\n", "A=x " },
		{ "A='a\\b\"c'\n", "A=a\\b\"c" },
		{ "A=\"a\\\"b\\\\c\\$d\\`e\\f\"\n", "A=a\"b\\c$d`e\\f" },
		{ "A=\"one\\\ntwo\nthree\"\n", "A=onetwo\nthree" },
		{ "A=one\\\ntwo\n", "A=onetwo" },
		{ "A=one\\ \n", "A=one " },
		{ "A=\"a \"b \n", "A=a b" },
		{ "A=\"a \"  \"b\"\n", "A=a b" },
		{ "A=1\r\nB=2\r\n", "A=1|B=2" },
		{ "novalue\nA=1\n", "A=1" },
		{ "export A=1\n1A=2\nA-B=3\n=4\nB=5\n", "B=5" },
		{ "A=1\nA=2\n", "A=1|A=2" },
		{ "A=\"open", "A=open" },
		{ "A='open ", "A=open " },
		{ "A=x\\", "A=x" },
		{ "# comment \\\nA=1\n", "A=1" },
		{ "OPTS=--log-opt env=x --icc=false\n", "OPTS=--log-opt env=x --icc=false" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char **list, *got;
		struct err e;

		ck_assert_int_eq(unitfile_env_parse(rows[i].text, strlen(rows[i].text), &list, &e),
				 0);
		got = join(list);
		ck_assert_msg(streq(got, rows[i].want), "row %zu: '%s'", i, got);
		free(got);
		strv_free(list);
	}
}
END_TEST

START_TEST(test_command)
{
	char *const env[] = { (char[]){ "A=1" },	   (char[]){ "AB=two words" },
			      (char[]){ "EMPTY=" },	   (char[]){ "OPTS=-a 'b c'  -d" },
			      (char[]){ "Q=un'closed x" }, NULL };
	static const struct {
		const char *value, *want; /* NULL: -EINVAL */
	} rows[] = {
		{ "/usr/bin/dockerd -H fd://", "/usr/bin/dockerd|-H|fd://" },
		{ "/x $OPTS y", "/x|-a|b c|-d|y" },
		{ "/x ${OPTS}", "/x|-a 'b c'  -d" },
		{ "/x a${A}b${AB}", "/x|a1btwo words" },
		{ "/x a$A \"$A\"", "/x|a$A|1" },
		{ "/x $NONE ${NONE} $EMPTY ${EMPTY} z", "/x|||z" },
		{ "/x $A/b", "/x" }, /* the whole word is the name */
		{ "/x $$A a$$b $$ ${A", "/x|$A|a$b|$|${A" },
		{ "/x $Q", "/x|unclosed x" },
		{ "/x ${A=1} ${A:-z}", "/x||" },
		{ "-/x a", "/x|a" },
		{ "@/x zero one", "/x|one" },
		{ "@-/x zero one", "/x|one" },
		{ ":/x $A ${A} $$", "/x|$A|${A}|$$" },
		{ "+/x a", "/x|a" },
		{ "!!/x a", "/x|a" },
		{ "-:@!/x zero $A", "/x|$A" },
		{ "/x 100%% %n %t", "/x|100%|docker.service|/run" },
		{ "/x a \\; b ;", "/x|a|;|b" },
		{ "/x a;b ';'", "/x|a;b|;" },
		{ "/x a ; /y b", NULL },
		{ "dockerd -H fd://", "dockerd|-H|fd://" },
		{ "./x", NULL },
		{ "-", NULL },
		{ "\"\"", NULL },
		{ "/x 'open", NULL },
		{ "/x \"a b\" 'c\\x20d'", "/x|a b|c d" },
		{ "$A b", "$A|b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char **argv, *got;
		struct err e;
		int r = unitfile_command(rows[i].value, "docker.service", env, &argv, &e);

		ck_assert_msg(r == (rows[i].want ? 0 : -EINVAL), "row %zu: %d", i, r);
		if (r < 0)
			continue;
		got = join(argv);
		ck_assert_msg(streq(got, rows[i].want), "row %zu: '%s'", i, got);
		free(got);
		strv_free(argv);
	}
}
END_TEST

/* A line of few bytes that would grow without bound. */
START_TEST(test_command_bomb)
{
	static const char *const parts[] = { "${X}", " $X", " ${X}" };
	struct buf value = BUF_INIT;
	char *env[2] = { NULL, NULL };

	buf_adds(&value, "X=");
	for (int i = 0; i < 100000; i++)
		buf_adds(&value, "a ");
	env[0] = buf_take(&value, NULL);
	for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
		struct buf line = BUF_INIT;
		char **argv;
		struct err e;

		buf_adds(&line, "/x ");
		for (int i = 0; i < 100000; i++)
			buf_adds(&line, parts[k]);
		ck_assert_int_eq(unitfile_command(line.data, "docker.service", env, &argv, &e),
				 -E2BIG);
		buf_done(&line);
	}
	free(env[0]);
}
END_TEST

/* Unclosed and odd dollars by the hundred thousand take linear time. */
START_TEST(test_command_hostile)
{
	static const char *const parts[] = { "${", "$", "$$", "${}", "\\", "\"'", "% %%", "; " };
	char *none[] = { NULL };

	for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
		struct buf line = BUF_INIT;
		char **argv;
		struct err e;

		buf_adds(&line, "/x ");
		while (line.len < 400000)
			buf_adds(&line, parts[k]);
		if (unitfile_command(line.data, "docker.service", none, &argv, &e) == 0)
			strv_free(argv);
		buf_done(&line);
	}
}
END_TEST

static char *dir;
static struct host *h;

static void setup(void)
{
	struct err e;

	dir = tree_new();
	ck_assert_int_eq(host_open(dir, &h, &e), 0);
}

static void teardown(void)
{
	host_free(h);
	tree_remove(dir);
}

static void link_at(const char *target, const char *path)
{
	char full[4096];

	tree_write(dir, path, "", 0644);
	snprintf(full, sizeof(full), "%s%s", dir, path);
	ck_assert_int_eq(unlink(full), 0);
	ck_assert_int_eq(symlink(target, full), 0);
}

/* Loads and gives A= of [Service], or the error's name. */
static char *loaded(const char *unit)
{
	struct unitfile u;
	struct err e;
	char *got;
	int r = unitfile_load(h, unit, &u, &e);

	if (r < 0)
		return strdup(strerrorname_np(-r));
	got = u.masked ? strdup("masked") : values(&u);
	unitfile_done(&u);
	return got;
}

#define ck_loaded(unit, want)                                                                      \
	do {                                                                                       \
		char *got_ = loaded(unit);                                                         \
                                                                                                   \
		ck_assert_str_eq(got_, want);                                                      \
		free(got_);                                                                        \
	} while (0)

START_TEST(test_load)
{
	setup();
	ck_loaded("docker.service", "ENOENT");
	tree_write(dir, ETC "docker.service.d/a.conf", "[Service]\nA=drop\n", 0644);
	ck_loaded("docker.service", "ENOENT");
	tree_write(dir, "/lib/systemd/system/docker.service", "[Service]\nA=lib\n", 0644);
	ck_loaded("docker.service", "lib|drop");
	tree_write(dir, USR "docker.service", "[Service]\nA=usr\n", 0644);
	ck_loaded("docker.service", "usr|drop");
	tree_write(dir, RUN "docker.service", "[Service]\nA=run\n", 0644);
	ck_loaded("docker.service", "run|drop");
	tree_write(dir, ETC "docker.service", "[Service]\nA=etc\n", 0644);
	ck_loaded("docker.service", "etc|drop");
	ck_loaded("docker", "EINVAL");
	teardown();
}
END_TEST

START_TEST(test_dropins)
{
	setup();
	tree_write(dir, USR "docker.service", "[Service]\nA=0\n", 0644);
	tree_write(dir, USR "docker.service.d/20.conf", "[Service]\nA=usr20\n", 0644);
	tree_write(dir, ETC "docker.service.d/10.conf", "[Service]\nA=etc10\n", 0644);
	tree_write(dir, RUN "docker.service.d/30.conf", "[Service]\nA=run30\n", 0644);
	tree_write(dir, ETC "docker.service.d/15.txt", "[Service]\nA=no\n", 0644);
	tree_write(dir, ETC "docker.service.d/.15.conf", "[Service]\nA=no\n", 0644);
	tree_write(dir, ETC "docker.service.d/15.conf/x", "", 0644);
	tree_write(dir, USR "service.d/15.conf", "[Service]\nA=type15\n", 0644);
	ck_loaded("docker.service", "0|etc10|type15|usr20|run30");

	/* One name: /etc before /run before /usr, the unit's before the type's. */
	tree_write(dir, RUN "docker.service.d/20.conf", "[Service]\nA=run20\n", 0644);
	tree_write(dir, ETC "service.d/20.conf", "[Service]\nA=type20\n", 0644);
	tree_write(dir, USR "docker.service.d/10.conf", "[Service]\nA=usr10\n", 0644);
	ck_loaded("docker.service", "0|etc10|type15|run20|run30");

	/* Masked by a link or by an empty file; a link to nowhere masks nothing. */
	link_at("/dev/null", ETC "docker.service.d/20.conf");
	tree_write(dir, ETC "docker.service.d/30.conf", "", 0644);
	link_at("nowhere", ETC "docker.service.d/15.conf2");
	link_at("nowhere.conf", "/etc/systemd/system.control/docker.service.d/10.conf");
	ck_loaded("docker.service", "0|etc10|type15");

	tree_write(dir, ETC "docker.service.d/99.conf", "[Service]\nA=\nA=last\n", 0644);
	ck_loaded("docker.service", "last");
	teardown();
}
END_TEST

START_TEST(test_masked)
{
	setup();
	tree_write(dir, USR "docker.service", "[Service]\nA=0\n", 0644);
	tree_write(dir, USR "docker.service.d/1.conf", "[Service]\nA=1\n", 0644);
	link_at("/dev/null", ETC "docker.service");
	ck_loaded("docker.service", "masked");
	link_at("../../../dev/null", ETC "docker.service");
	ck_loaded("docker.service", "masked");
	tree_write(dir, "/etc/systemd/system.control/docker.service", "", 0644);
	ck_loaded("docker.service", "masked");
	teardown();
}
END_TEST

START_TEST(test_alias)
{
	setup();
	tree_write(dir, USR "moby.service", "[Service]\nA=0\n", 0644);
	tree_write(dir, ETC "moby.service.d/2.conf", "[Service]\nA=moby\n", 0644);
	tree_write(dir, ETC "docker.service.d/1.conf", "[Service]\nA=docker\n", 0644);
	link_at("/usr/lib/systemd/system/moby.service", ETC "docker.service");
	ck_loaded("docker.service", "0|docker|moby");

	/* The name counts, not the file linked to. */
	tree_write(dir, RUN "moby.service", "[Service]\nA=run\n", 0644);
	ck_loaded("docker.service", "run|docker|moby");

	/* A linked file elsewhere. */
	tree_write(dir, "/opt/docker.service", "[Service]\nA=opt\n", 0644);
	link_at("/opt/docker.service", ETC "docker.service");
	ck_loaded("docker.service", "opt|docker");

	link_at("b.service", ETC "a.service");
	link_at("a.service", ETC "b.service");
	ck_loaded("a.service", "ENOENT");
	teardown();
}
END_TEST

START_TEST(test_environment)
{
	struct unitfile u;
	struct err e;
	char **env, *got;

	setup();
	tree_write(dir, USR "docker.service",
		   "[Service]\n"
		   "Environment=GONE=1\n"
		   "Environment=\n"
		   "Environment=B=unit \"C=two words\" nonsense D=%n Z=\n"
		   "Environment=P=100%%\n"
		   "EnvironmentFile=-/etc/default/none\n"
		   "EnvironmentFile=/etc/missing\n"
		   "EnvironmentFile=-/etc/default/docker\n"
		   "EnvironmentFile=/etc/docker.d/*.env\n"
		   "EnvironmentFile=relative\n"
		   "UnsetEnvironment=OUT Z=other P=100%\n",
		   0644);
	tree_write(dir, "/etc/default/docker", "B=file\nOUT=1\nA=\"1\"\n", 0644);
	tree_write(dir, "/etc/docker.d/1.env", "A=one\nE=1\n", 0644);
	tree_write(dir, "/etc/docker.d/2.env", "A=two\n", 0644);
	tree_write(dir, "/etc/docker.d/.3.env", "A=hidden\n", 0644);
	tree_write(dir, "/etc/docker.d/3.txt", "A=three\n", 0644);
	ck_assert_int_eq(unitfile_load(h, "docker.service", &u, &e), 0);
	ck_assert_int_eq(unitfile_environment(&u, h, &env, &e), 0);
	got = join(env);
	ck_assert_str_eq(got, "A=two|B=file|C=two words|D=docker.service|E=1|Z=");
	free(got);
	strv_free(env);
	unitfile_done(&u);
	teardown();
}
END_TEST

START_TEST(test_environment_bad_files)
{
	static const char nul[] = "A=1\0B=2\n";
	struct unitfile u;
	char path[4096];
	struct err e;
	char **env;
	FILE *f;

	setup();
	tree_write(dir, USR "a.service", "[Service]\nEnvironmentFile=/etc/bad\n", 0644);
	tree_write(dir, USR "b.service", "[Service]\nEnvironmentFile=-/etc/bad\n", 0644);
	tree_write(dir, "/etc/bad", "", 0644);
	snprintf(path, sizeof(path), "%s/etc/bad", dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fwrite(nul, 1, sizeof(nul) - 1, f);
	fclose(f);
	ck_assert_int_eq(unitfile_load(h, "a.service", &u, &e), 0);
	ck_assert_int_eq(unitfile_environment(&u, h, &env, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "/etc/bad"));
	unitfile_done(&u);
	ck_assert_int_eq(unitfile_load(h, "b.service", &u, &e), 0);
	ck_assert_int_eq(unitfile_environment(&u, h, &env, &e), 0);
	ck_assert_ptr_null(env[0]);
	strv_free(env);
	ck_assert_int_eq(truncate(path, UNITFILE_SIZE_MAX + 1), 0);
	ck_assert_int_eq(unitfile_environment(&u, h, &env, &e), 0);
	strv_free(env);
	unitfile_done(&u);
	teardown();
}
END_TEST

START_TEST(test_too_large)
{
	char path[4096];

	setup();
	tree_write(dir, USR "docker.service", "[Service]\nA=0\n", 0644);
	tree_write(dir, USR "docker.service.d/1.conf", "[Service]\nA=1\n", 0644);
	snprintf(path, sizeof(path), "%s" USR "docker.service.d/1.conf", dir);
	ck_assert_int_eq(truncate(path, UNITFILE_SIZE_MAX), 0);
	ck_loaded("docker.service", "EFBIG");
	for (int i = 0; i <= UNITFILE_FILES_MAX; i++) {
		snprintf(path, sizeof(path), USR "docker.service.d/%d.conf", i);
		tree_write(dir, path, "[Service]\nA=1\n", 0644);
	}
	ck_loaded("docker.service", "EFBIG");
	teardown();
}
END_TEST

/* A megabyte of assignments, and as many to take out. */
START_TEST(test_environment_hostile)
{
	struct buf text = BUF_INIT, unit = BUF_INIT;
	struct unitfile u;
	struct err e;
	char **env;

	setup();
	buf_adds(&unit, "[Service]\nEnvironmentFile=/etc/e\nUnsetEnvironment=");
	for (int i = 0; i < 60000; i++) {
		buf_addf(&text, "V%d=%d\n", i, i);
		buf_addf(&unit, " V%d", i / 2);
	}
	tree_write(dir, "/etc/e", text.data, 0644);
	tree_write(dir, USR "docker.service", unit.data, 0644);
	ck_assert_int_eq(unitfile_load(h, "docker.service", &u, &e), 0);
	ck_assert_int_eq(unitfile_environment(&u, h, &env, &e), 0);
	ck_assert_str_eq(env[0], "V30000=30000");
	ck_assert_str_eq(env[29999], "V59999=59999");
	ck_assert_ptr_null(env[30000]);
	strv_free(env);
	unitfile_done(&u);
	buf_done(&text);
	buf_done(&unit);
	teardown();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_parse);
	tcase_add_test(tc, test_parse_nul);
	tcase_add_test(tc, test_words);
	tcase_add_test(tc, test_specifiers);
	tcase_add_test(tc, test_env_parse);
	tcase_add_test(tc, test_command);
	tcase_add_test(tc, test_command_bomb);
	tcase_add_test(tc, test_command_hostile);
	tcase_add_test(tc, test_load);
	tcase_add_test(tc, test_dropins);
	tcase_add_test(tc, test_masked);
	tcase_add_test(tc, test_alias);
	tcase_add_test(tc, test_environment);
	tcase_add_test(tc, test_environment_bad_files);
	tcase_add_test(tc, test_too_large);
	tcase_add_test(tc, test_environment_hostile);
}

UNIT_MAIN("unitfile")
