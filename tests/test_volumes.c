/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include "../modules/volumes_path.h"
#include "../src/module.h"

extern const struct module module_volumes;
const struct module *const modules[] = { &module_volumes, NULL };

static void is(const struct volume_ids *v, enum subid_file file, uint64_t id, int64_t want)
{
	uint32_t got = 0;

	ck_assert_int_eq(volume_id(v, file, id, &got), want >= 0);
	ck_assert_uint_eq(got, want >= 0 ? (uint32_t)want : 0);
}

static void load(const char *daemon, const char *subuid, struct volume_ids *ret, size_t refused)
{
	struct errs refusals = { 0 };

	put("/etc/passwd", "root:x:0:0:::\ndockremap:x:999:999:::\n");
	put("/etc/group", "root:x:0:\n");
	put("/etc/docker/daemon.json", daemon);
	put("/etc/subuid", subuid);
	put("/etc/subgid", "dockremap:500000:65536\n");
	host_forget(host);
	ck_ok(volume_ids_load(host, ret, &refusals, &e));
	ck_assert_uint_eq(refusals.n, refused);
	errs_done(&refusals);
}

#define REMAP(user) "{\"userns-remap\": \"" user "\"}"

/* End to end, in the order of the file; to the last id and no further. */
START_TEST(ids)
{
	struct volume_ids v;

	load(REMAP("dockremap"), "x:1:5\ndockremap:700:10\ndockremap:300000:100\n", &v, 0);
	is(&v, SUBUID, 0, 700);
	is(&v, SUBUID, 9, 709);
	is(&v, SUBUID, 10, 300000);
	is(&v, SUBUID, 109, 300099);
	is(&v, SUBUID, 110, -1);
	is(&v, SUBGID, 65535, 565535);
	is(&v, SUBGID, 65536, -1);
	ck_assert_uint_eq(volume_ids_count(&v, SUBUID), 110);
	volume_ids_done(&v);
	load(REMAP("default"), "999:300000:100\n", &v, 0);
	is(&v, SUBUID, 33, 300033);
	volume_ids_done(&v);
	load(REMAP("dockremap:dockremap"), "dockremap:4294967290:100\n", &v, 0);
	is(&v, SUBUID, 4, 4294967294);
	is(&v, SUBUID, 5, -1);
	volume_ids_done(&v);
}
END_TEST

START_TEST(ids_unknown)
{
	struct volume_ids v;

	load(REMAP("dockremap"), "dockremap:1:5\n999:300000:100\n", &v, 1);
	volume_ids_done(&v);
	load(REMAP("dockremap"), "dockremap:010:5\n", &v, 2);
	is(&v, SUBUID, 0, -1);
	volume_ids_done(&v);
}
END_TEST

START_TEST(without_user_namespaces)
{
	static const char *const off[] = { "{}", REMAP(""), REMAP("root"), REMAP("0"), "" };
	struct volume_ids v;

	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		load(off[i], "", &v, 0);
		ck_assert_ptr_null(v.user);
		is(&v, SUBUID, 33, 33);
		volume_ids_done(&v);
	}
}
END_TEST

START_TEST(paths)
{
	static const struct {
		const char *path;
		bool fine;
	} rows[] = {
		{ "/srv/data", true },	 { "/srv", true },
		{ "/home/alice", true }, { "/var/lib/postgresql", true },
		{ "/etcetera", true },	 { "/var/log/app", true },
		{ "/", false },		 { "/etc", false },
		{ "/etc/nginx", false }, { "/home", false },
		{ "/var/lib", false },	 { "/var/lib/docker/volumes", false },
		{ "/run/app", false },	 { "/var/run/docker.sock", false },
		{ "/proc/self", false }, { "/usr/share/x", false },
		{ "/tmp", false },	 { "/root/x", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(!volume_path_wrong(rows[i].path) == rows[i].fine, "%s", rows[i].path);
	ck_assert(volume_path_below("/a/b", "/a"));
	ck_assert(!volume_path_below("/ab", "/a"));
	ck_assert(!volume_path_below("/a", "/a"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, ids_unknown);
	tcase_add_test(tc, without_user_namespaces);
	tcase_add_test(tc, paths);
}

UNIT_MAIN("volumes")
