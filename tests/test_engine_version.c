/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "unit.h"

#include "../modules/engine.h"
#include "../src/buf.h"
#include "../src/field.h"

#if HAVE_SQLITE
#include <dlfcn.h>
#include <sqlite3.h>
#endif

#define STATUS "/var/lib/dpkg/status"

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

/* Asks twice: afresh, and from what is kept. `why` NULL: the version is known. */
static void ck_version(unsigned want, const char *want_text, const char *want_why)
{
	const char *text, *why;
	struct err e;
	unsigned v;

	host_forget(h);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(engine_version(h, NULL, &v, &text, &why, &e), 0);
		ck_assert_uint_eq(v, want);
		ck_assert_pstr_eq(text, want_text);
		if (!want_why)
			ck_assert_ptr_null(why);
		else
			ck_assert_msg(why && strstr(why, want_why), "%s", why);
	}
}

START_TEST(test_parse)
{
	static const struct {
		const char *s;
		unsigned want;
		const char *text;
	} rows[] = {
		{ "5:28.5.2-1~debian.12~bookworm", VERSION(28, 5), "28.5.2" },
		{ "20.10.24+dfsg1-1+deb12u1", VERSION(20, 10), "20.10.24" },
		{ "26.1.5+dfsg1-9+b11", VERSION(26, 1), "26.1.5" },
		{ "3:29.0.0~rc1-1.fc43", VERSION(29, 0), "29.0.0" },
		{ "28.5", VERSION(28, 5), "28.5" },
		{ "1.13.1", VERSION(1, 13), "1.13.1" },
		{ "17.12.0~ce", VERSION(17, 12), "17.12.0" },
		{ "28.5.2.", VERSION(28, 5), "28.5.2" },
		{ "28", 0, "" },
		{ "28.", 0, "" },
		{ "5:", 0, "" },
		{ "", 0, "" },
		{ ".5", 0, "" },
		{ "0.1", 0, "" },
		{ "dev", 0, "" },
		{ "library-import", 0, "" },
		{ "28..5", 0, "" },
		{ "0.0.20250101", 0, "" },
		{ "99999999999.1", 0, "" },
		{ "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19", VERSION(1, 2),
		  "1.2.3.4.5.6.7.8.9.10.11.12.13.1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[ENGINE_VERSION_TEXT];
		unsigned got = engine_version_parse(rows[i].s, text);

		ck_assert_msg(got == rows[i].want, "row %zu: %u", i, got);
		ck_assert_msg(streq(rows[i].text, text), "row %zu: %s", i, text);
	}
}
END_TEST

START_TEST(test_absent)
{
	setup();
	ck_version(0, NULL, "Docker is not installed");
	tree_write(dir, STATUS, "", 0644);
	ck_version(0, NULL, "Docker is not installed");
	tree_write(dir, STATUS,
		   "Package: docker\nStatus: install ok installed\nVersion: 1.5-2\n\n"
		   "Package: docker-ce-cli\nStatus: install ok installed\nVersion: 5:28.1.0\n\n"
		   "Package: docker.io-doc\nStatus: install ok installed\nVersion: 28.1.0\n",
		   0644);
	ck_version(0, NULL, "Docker is not installed");
	/* A daemon that no package brought. */
	tree_write(dir, "/etc/systemd/system/docker.service",
		   "[Service]\nExecStart=/opt/docker/dockerd\n", 0644);
	ck_version(0, NULL, "no package");
	teardown();
}
END_TEST

START_TEST(test_dpkg)
{
	setup();
	tree_write(dir, STATUS,
		   "Package: adduser\nStatus: install ok installed\nVersion: 3.134\n"
		   "Description: x\n .\n Package: docker-ce\n\n"
		   "Package: docker.io\nStatus: install ok installed\nPriority: optional\n"
		   "Depends: a, b\nVersion: 20.10.24+dfsg1-1+deb12u1\nDescription: y\n\n"
		   "Package: zlib\nStatus: install ok installed\nVersion: 1\n",
		   0644);
	ck_version(VERSION(20, 10), "20.10.24", NULL);
	/* docker-ce wins, wherever it stands, but only when it is there. */
	tree_write(dir, STATUS,
		   "Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24\n\n"
		   "Package: docker-ce\nStatus: hold ok installed\nVersion: 5:28.5.2-1~x\n",
		   0644);
	ck_version(VERSION(28, 5), "28.5.2", NULL);
	tree_write(dir, STATUS,
		   "Package: docker-ce\nStatus: deinstall ok config-files\nVersion: 5:28.5.2-1\n\n"
		   "Package: docker-ce\nStatus: unknown ok not-installed\nVersion: 5:28.5.2-1\n\n"
		   "Package: docker.io\nStatus: install ok triggers-pending\nVersion: 26.1.5\n",
		   0644);
	ck_version(VERSION(26, 1), "26.1.5", NULL);
	tree_write(dir, STATUS,
		   "Package: a\n\nPackage: moby-engine\nStatus: install ok installed\n"
		   "Version: 27.3.1-ubuntu22.04u1",
		   0644);
	ck_version(VERSION(27, 3), "27.3.1", NULL);
	/* Fields of the next paragraph don't count. */
	tree_write(dir, STATUS,
		   "Package: docker-ce\nStatus: install ok installed\n\n"
		   "Package: z\nStatus: install ok installed\nVersion: 1.2.3\n",
		   0644);
	ck_version(0, NULL, "not installed");
	tree_write(dir, STATUS, "Package: docker-ce", 0644);
	ck_version(0, NULL, "not installed");
	teardown();
}
END_TEST

/* The plan's word counts where the root doesn't tell. */
START_TEST(test_plan)
{
	static const char text[] = "version: 1\nengine: {version: \"29.7\"}\n";
	const char *s, *why;
	struct errs errs = { 0 };
	struct plan *plan;
	struct err e;
	unsigned v;

	setup();
	ck_assert_int_eq(plan_load_text("plan", text, strlen(text), &plan, &errs, &e), 0);
	ck_assert_int_eq(engine_version(h, plan, &v, &s, &why, &e), 0);
	ck_assert_uint_eq(v, VERSION(29, 7));
	ck_assert_str_eq(s, "29.7");
	ck_assert_ptr_null(why);
	host_forget(h);
	tree_write(dir, STATUS,
		   "Package: docker.io\nStatus: install ok installed\nVersion: 26.1.5\n", 0644);
	ck_assert_int_eq(engine_version(h, plan, &v, &s, &why, &e), 0);
	ck_assert_uint_eq(v, VERSION(26, 1));
	ck_assert_str_eq(s, "26.1.5");
	plan_free(plan);
	teardown();
}
END_TEST

START_TEST(test_status_d)
{
	setup();
	tree_write(dir, "/var/lib/dpkg/status.d/base", "Package: base\nVersion: 1\n", 0644);
	tree_write(dir, "/var/lib/dpkg/status.d/docker.io",
		   "Package: docker.io\nVersion: 26.1.5+dfsg1-9\n", 0644);
	tree_write(dir, "/var/lib/dpkg/status.d/docker.io.md5sums", "x\n", 0644);
	ck_version(VERSION(26, 1), "26.1.5", NULL);
	teardown();
}
END_TEST

/* Near misses all over. */
START_TEST(test_dpkg_hostile)
{
	struct buf b = BUF_INIT;

	setup();
	while (b.len < 512 * 1024)
		buf_adds(&b, "\nPackage: docker\n\nPackage: docker-c\nPackage: moby-engine");
	tree_write(dir, STATUS, b.data, 0644);
	ck_version(0, NULL, "not installed");
	buf_done(&b);
	teardown();
}
END_TEST

START_TEST(test_rpm_foreign)
{
	setup();
	tree_write(dir, "/var/lib/rpm/Packages", "x", 0644);
	tree_write(dir, "/usr/lib/systemd/system/docker.service",
		   "[Service]\nExecStart=/usr/bin/dockerd\n", 0644);
	ck_version(0, NULL, "format that only rpm reads");
	teardown();
}
END_TEST

#if HAVE_SQLITE

struct header {
	struct buf index, data;
	unsigned n;
};

static void be32_add(struct buf *b, uint32_t v)
{
	unsigned char c[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16),
			       (unsigned char)(v >> 8), (unsigned char)v };

	buf_add(b, c, 4);
}

static void tag_add(struct header *hd, uint32_t tag, uint32_t type, const char *s, uint32_t at)
{
	be32_add(&hd->index, tag);
	be32_add(&hd->index, type);
	be32_add(&hd->index, at == UINT32_MAX ? (uint32_t)hd->data.len : at);
	be32_add(&hd->index, 1);
	buf_add(&hd->data, s, strlen(s) + 1);
	hd->n++;
}

/* The stored form; `lie` is added to the number of entries. */
static struct buf header_give(struct header *hd, uint32_t lie)
{
	struct buf b = BUF_INIT;

	be32_add(&b, hd->n + lie);
	be32_add(&b, (uint32_t)hd->data.len);
	buf_add(&b, hd->index.data, hd->index.len);
	buf_add(&b, hd->data.data, hd->data.len);
	buf_done(&hd->index);
	buf_done(&hd->data);
	return b;
}

/* A database as rpm's, with one package. False where there is no libsqlite3. */
static bool rpmdb(const char *path, const char *name, const struct buf *blob)
{
	void *lib = dlopen("libsqlite3.so.0", RTLD_NOW);
	__typeof__(&sqlite3_open_v2) open_v2;
	__typeof__(&sqlite3_exec) exec;
	__typeof__(&sqlite3_close) close_db;
	struct buf sql = BUF_INIT;
	char full[4096];
	sqlite3 *db;

	if (!lib)
		return false;
	*(void **)&open_v2 = dlsym(lib, "sqlite3_open_v2");
	*(void **)&exec = dlsym(lib, "sqlite3_exec");
	*(void **)&close_db = dlsym(lib, "sqlite3_close");
	tree_write(dir, path, "", 0644);
	snprintf(full, sizeof(full), "%s%s", dir, path);
	ck_assert_int_eq(open_v2(full, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	buf_addf(
		&sql,
		"PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL;"
		"CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);"
		"CREATE TABLE Name (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL,"
		" FOREIGN KEY (hnum) REFERENCES Packages(hnum));"
		"INSERT INTO Name VALUES('%s', 1, 0);"
		"INSERT INTO Packages VALUES(1, x'",
		name);
	for (size_t i = 0; i < blob->len; i++)
		buf_addf(&sql, "%02x", (unsigned char)blob->data[i]);
	buf_adds(&sql, "')");
	ck_assert_int_eq(exec(db, sql.data, NULL, NULL, NULL), SQLITE_OK);
	close_db(db);
	buf_done(&sql);
	dlclose(lib);
	return true;
}

START_TEST(test_rpm)
{
	static const char path[] = "/usr/lib/sysimage/rpm/rpmdb.sqlite";
	static const struct {
		const char *package, *version;
		uint32_t type, at, lie;
		unsigned want;
	} rows[] = {
		{ "moby-engine", "28.5.2", 6, UINT32_MAX, 0, VERSION(28, 5) },
		{ "docker-ce", "29.0.1", 6, UINT32_MAX, 0, VERSION(29, 0) },
		{ "docker", "1.13.1", 6, UINT32_MAX, 0, VERSION(1, 13) },
		{ "podman-docker", "5.0.0", 6, UINT32_MAX, 0, 0 },
		{ "docker-ce", "29.0.1", 8, UINT32_MAX, 0, 0 },
		{ "docker-ce", "29.0.1", 6, 1000, 0, 0 },
		{ "docker-ce", "29.0.1", 6, 0xfffffff0, 0, 0 },
		{ "docker-ce", "29.0.1", 6, UINT32_MAX, 1000, 0 },
		{ "docker-ce", "29.0.1", 6, UINT32_MAX, 0xfffffff0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct header hd = { BUF_INIT, BUF_INIT, 0 };
		struct buf blob;
		bool there;

		setup();
		tag_add(&hd, 63, 7, "region", 0);
		tag_add(&hd, 1000, 6, rows[i].package, UINT32_MAX);
		tag_add(&hd, 1001, rows[i].type, rows[i].version, rows[i].at);
		tag_add(&hd, 1002, 6, "1.fc43", UINT32_MAX);
		blob = header_give(&hd, rows[i].lie);
		there = rpmdb(path, rows[i].package, &blob);
		buf_done(&blob);
		if (there && rows[i].want)
			ck_version(rows[i].want, rows[i].version, NULL);
		else if (there)
			ck_version(0, NULL, "not installed");
		teardown();
	}
}
END_TEST

/* A version without its final NUL, and blobs too short for anything. */
START_TEST(test_rpm_cut)
{
	for (size_t cut = 1; cut <= 31; cut++) {
		struct header hd = { BUF_INIT, BUF_INIT, 0 };
		struct buf blob;

		setup();
		tag_add(&hd, 1001, 6, "29.0.1", UINT32_MAX);
		blob = header_give(&hd, 0);
		blob.len = blob.len > cut ? blob.len - cut : 0;
		if (rpmdb("/var/lib/rpm/rpmdb.sqlite", "docker-ce", &blob))
			ck_version(0, NULL, "not installed");
		buf_done(&blob);
		teardown();
	}
}
END_TEST

START_TEST(test_rpm_broken)
{
	struct buf noise = BUF_INIT;

	setup();
	for (int i = 0; i < 5000; i++)
		buf_addf(&noise, "%d SQLite format 3 ", i);
	tree_write(dir, "/var/lib/rpm/rpmdb.sqlite", noise.data, 0644);
	tree_write(dir, "/usr/lib/systemd/system/docker.service",
		   "[Service]\nExecStart=/usr/bin/dockerd\n", 0644);
	ck_version(0, NULL, "rpm database");
	buf_done(&noise);
	teardown();
}
END_TEST

#endif

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_parse);
	tcase_add_test(tc, test_absent);
	tcase_add_test(tc, test_dpkg);
	tcase_add_test(tc, test_plan);
	tcase_add_test(tc, test_status_d);
	tcase_add_test(tc, test_dpkg_hostile);
	tcase_add_test(tc, test_rpm_foreign);
#if HAVE_SQLITE
	tcase_add_test(tc, test_rpm);
	tcase_add_test(tc, test_rpm_cut);
	tcase_add_test(tc, test_rpm_broken);
#endif
}

UNIT_MAIN("engine_version")
