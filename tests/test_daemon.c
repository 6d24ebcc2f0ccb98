/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_box.h"

START_TEST(file_made_and_gone)
{
	struct box b;

	box_init(&b);
	box_diff(&b, "icc: false", "engine: {version: \"28.5\"}");
	ck_assert_uint_eq(b.c.n, 2);
	ck_assert_int_eq(b.c.list[0]->kind, CHANGE_DIR);
	ck_assert_str_eq(b.c.list[0]->path, "/etc/docker");
	ck_assert_str_eq(b.c.list[1]->whys[0].text, "icc: unset -> false");
	ck_assert_str_eq(b.c.list[1]->whys[0].cis, "2.2");
	ck_assert_ptr_null(b.c.list[1]->test);
	ck_assert_uint_eq(b.c.n_asks, 0);
	box_apply(&b);
	check_file(&b, "{\n  \"icc\": false\n}\n");
	/* converged, and the memory is the same */
	box_diff(&b, "icc: false", "engine: {version: \"28.5\"}");
	ck_assert(changes_empty(&b.c));
	ck_assert(json_equal(json_object_get(b.c.state, "daemon"), b.state));
	/* the section leaves the plan */
	box_diff(&b, NULL, "");
	ck_assert_uint_eq(b.c.n, 1);
	ck_assert_int_eq(b.c.list[0]->kind, CHANGE_REMOVE);
	box_apply(&b);
	check_file(&b, NULL);
	ck_assert_ptr_null(b.state);
	box_done(&b);
}
END_TEST

START_TEST(file_of_others)
{
	static const char theirs[] = "{\n\t\"debug\" : true,\n\t\"icc\":true\n}\n";
	struct box b;

	box_init(&b);
	tree_write(b.dir, PATH, theirs, 0600);
	box_diff(&b, "icc: false, no-new-privileges: true", "engine: {version: \"28.5\"}");
	ck_assert_uint_eq(b.c.n, 1);
	ck_assert_uint_eq(b.c.list[0]->n_whys, 2);
	ck_assert_uint_eq(b.c.list[0]->after.mode & 07777, 0600);
	box_apply(&b);
	/* icc is set to something else by somebody, and the plan drops it */
	{
		char *text = tree_read(b.dir, PATH);
		char *at = strstr(text, "\"icc\":false");

		ck_assert_ptr_nonnull(at);
		ck_assert_ptr_nonnull(strstr(text, "\n\t\"debug\" : true,"));
		memcpy(at, "\"icc\": true", 11);
		tree_write(b.dir, PATH, text, 0600);
		free(text);
	}
	box_diff(&b, "no-new-privileges: true", "engine: {version: \"28.5\"}");
	ck_assert_uint_eq(b.c.n, 0);
	ck_assert_uint_eq(b.c.n_notes, 1);
	ck_assert_str_eq(b.c.notes[0].setting, "icc");
	box_apply(&b);
	box_diff(&b, NULL, "");
	box_apply(&b);
	check_file(&b, "{\n\t\"debug\" : true,\n\t\"icc\": true\n}\n");
	box_done(&b);
}
END_TEST

START_TEST(file_refused)
{
	static const char *const bad[] = { "{\"icc\": true,}",
					   "{\"icc\": true, \"icc\": false}",
					   "\xef\xbb\xbf{}",
					   "{} x",
					   "[]",
					   "{\"a\": \"\xff\"}" };
	struct box b;

	box_init(&b);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		tree_write(b.dir, PATH, bad[i], 0644);
		box_diff(&b, "icc: false", "");
		ck_assert_uint_eq(b.c.n, 0);
		ck_assert_uint_eq(b.c.refusals.n, 1);
		ck_assert_ptr_nonnull(strstr(b.c.refusals.list[0].text, "daemon.json:1:"));
	}
	box_done(&b);
}
END_TEST

START_TEST(engine_and_flags)
{
	struct box b;

	box_init(&b);
	box_diff(&b, "allow-direct-routing: false", "engine: {version: \"28.2\"}");
	ck_assert_uint_eq(b.c.mistakes.n + b.c.n_notes, 0);
	box_diff(&b, "allow-direct-routing: false", "");
	ck_assert_uint_eq(b.c.mistakes.n, 0);
	ck_assert_uint_eq(b.c.n_notes, 1);
	ck_assert_ptr_nonnull(strstr(b.c.notes[0].text, "allow-direct-routing (known since 28.2)"));
	tree_write(
		b.dir, "/var/lib/dpkg/status",
		"Package: docker.io\nStatus: install ok installed\nVersion: 20.10.24+dfsg1-1\n\n",
		0644);
	box_diff(&b, "allow-direct-routing: false", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "Docker 20.10.24 on this host does not "
							  "know it; known since 28.2"));
	ck_assert_ptr_nonnull(b.c.mistakes.list[0].where);
	/* the host's own word wins, and a plan that says another is told so */
	box_diff(&b, "icc: false", "engine: {version: \"28.2\"}");
	ck_assert_str_eq(only(&b.c.mistakes), "`engine.version` says 28.2, but Docker 20.10.24 is "
					      "installed here: take it out");
	ck_assert_ptr_nonnull(strstr(b.c.mistakes.list[0].where, "plan:2:"));
	tree_write(b.dir, UNIT, "[Service]\nExecStart=/usr/sbin/dockerd --icc=false\n", 0644);
	box_diff(&b, "icc: false", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "--icc=false"));
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), UNIT));
	box_done(&b);
}
END_TEST

/* Others' faults: a note while nothing is written, a refusal before something is. */
START_TEST(faults_of_others)
{
	struct box b;

	box_init(&b);
	tree_write(b.dir, PATH, "{\"icc\": false, \"iptables\": false, \"debug\": false}", 0644);
	box_diff(&b, "debug: false", "");
	ck_assert_uint_eq(b.c.refusals.n + b.c.mistakes.n, 0);
	ck_assert_uint_eq(b.c.n_notes, 1);
	box_diff(&b, "debug: true", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.refusals), "needs `iptables`"));
	tree_write(b.dir, PATH, "{\"icc\": \"false\", \"debug\": false}", 0644);
	box_diff(&b, "debug: true", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.refusals), PATH ": `icc` has to be true or false"));
	tree_write(b.dir, PATH, "{\"icc\": false, \"iptables\": false}", 0644);
	/* the plan's half: its mistake */
	box_diff(&b, "icc: false", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "`iptables` stands in"));
	box_done(&b);
}
END_TEST

START_TEST(userns)
{
	struct box b;

	box_init(&b);
	box_diff(&b, "userns-remap: default", "");
	ck_assert_uint_eq(b.c.mistakes.n + b.c.refusals.n, 0);
	box_apply(&b);
	check_file(&b, "{\n  \"userns-remap\": \"dockremap\"\n}\n");
	tree_write(b.dir, "/etc/subgid", "", 0644);
	box_diff(&b, "userns-remap: default", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "/etc/subgid"));
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "owner: dockremap"));
	box_diff(&b, "userns-remap: nobody-here", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "no such account"));
	box_done(&b);
}
END_TEST

static void policy_with_containers(const char *dir)
{
	static const char types[] = "\x0b\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0container_t"
				    "\x10\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0container_file_t";
	char path[4096];
	FILE *f;

	tree_write(dir, "/etc/selinux/default/contexts/lxc_contexts",
		   "process = \"system_u:system_r:container_t:s0\"\n"
		   "file = \"system_u:object_r:container_file_t:s0\"\n",
		   0644);
	tree_write(dir, "/etc/selinux/default/policy/policy.33", "", 0644);
	snprintf(path, sizeof(path), "%s/etc/selinux/default/policy/policy.33", dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(types, 1, sizeof(types) - 1, f), sizeof(types) - 1);
	fclose(f);
}

START_TEST(selinux_auto)
{
	struct box b;

	box_init(&b);
	box_diff(&b, "selinux-enabled: auto", "");
	ck_assert_uint_eq(b.c.n + b.c.mistakes.n, 0);
	box_verify(&b);
	ck_assert_uint_eq(b.f.n, 1);
	ck_assert_int_eq(b.f.list[0].state, FINDING_SKIPPED);
	tree_write(b.dir, "/etc/selinux/config",
		   "# SELINUX=disabled\nSELINUX=permissive\n"
		   "SELINUXTYPE=default \n",
		   0644);
	/* SELinux is on, but the policy knows no containers */
	box_diff(&b, "selinux-enabled: auto", "");
	ck_assert_uint_eq(b.c.n, 0);
	box_diff(&b, "selinux-enabled: true", "");
	ck_assert_ptr_nonnull(strstr(only(&b.c.mistakes), "lxc_contexts"));
	policy_with_containers(b.dir);
	box_diff(&b, "selinux-enabled: auto", "");
	box_apply(&b);
	check_file(&b, "{\n  \"selinux-enabled\": true\n}\n");
	tree_write(b.dir, "/etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=default\n", 0644);
	box_diff(&b, "selinux-enabled: auto", "");
	box_apply(&b);
	check_file(&b, NULL);
	box_done(&b);
}
END_TEST

START_TEST(ulimit_names)
{
	struct box b;

	box_init(&b);
	box_diff(&b, "default-ulimits: {nofile: {Soft: 1024, Hard: 2048}}", "");
	box_apply(&b);
	check_json(json_object_get(b.state, "keys"),
		   "{\"default-ulimits\": {\"nofile\": {\"Hard\": 2048, \"Name\": \"nofile\", "
		   "\"Soft\": 1024}}}",
		   "keys");
	box_diff(&b, "default-ulimits: {nofile: {Soft: 1024, Hard: 2048}}", "");
	ck_assert(changes_empty(&b.c));
	box_done(&b);
}
END_TEST

START_TEST(config_moved)
{
	struct box b;
	char *text;

	box_init(&b);
	box_diff(&b, "icc: false", "");
	box_apply(&b);
	tree_write(b.dir, UNIT,
		   "[Service]\nExecStart=/usr/sbin/dockerd --config-file=/etc/other/d.json\n",
		   0644);
	box_diff(&b, "icc: false", "");
	box_apply(&b);
	check_file(&b, NULL);
	text = tree_read(b.dir, "/etc/other/d.json");
	ck_assert_str_eq(text, "{\n  \"icc\": false\n}\n");
	free(text);
	box_diff(&b, "icc: false", "");
	ck_assert(changes_empty(&b.c));
	box_done(&b);
}
END_TEST

START_TEST(hostile_files)
{
	struct box b;
	char path[4096];
	struct err e;

	box_init(&b);
	box_plan(&b, "icc: false", "");
	tree_write(b.dir, "/etc/docker/x", "{}", 0644);
	snprintf(path, sizeof(path), "%s" PATH, b.dir);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	ck_assert_int_eq(host_open(b.dir, &b.h, &e), 0);
	ck_assert_int_lt(module_daemon.diff(plan_section(b.plan, "daemon"), NULL, b.h, &b.c, &e),
			 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("x", path), 0);
	ck_assert_int_lt(module_daemon.diff(plan_section(b.plan, "daemon"), NULL, b.h, &b.c, &e),
			 0);
	box_done(&b);
}
END_TEST

/* --- a live host --- */

#define INFO(security, root, images, containers, running, live)                                    \
	"{\"ServerVersion\": \"28.5.2\", \"LiveRestoreEnabled\": " live                            \
	", \"Debug\": false, \"LoggingDriver\": \"json-file\", \"SecurityOptions\": [" security    \
	"], \"DockerRootDir\": \"" root "\", \"Images\": " images ", \"Containers\": " containers  \
	", \"ContainersRunning\": " running "}"
#define BRIDGE(icc) "{\"Options\": {\"com.docker.network.bridge.enable_icc\": \"" icc "\"}}"

#define V28 "engine: {version: \"28.5\"}\n"

static void box_live(struct box *b)
{
	box_init(b);
	fake_live = true;
	fake_info = INFO("", "/var/lib/docker", "3", "2", "0", "false");
	fake_bridge = BRIDGE("true");
}

#define USERNS(running)                                                                            \
	INFO("\"name=userns\"", "/var/lib/docker/2000224256.2000224256", "3", "2", running, "false")
#define PLAIN(running) INFO("", "/var/lib/docker", "3", "2", running, "false")

/* A rollback that moves the data root away from under containers is asked about. */
START_TEST(live_undo)
{
	char remap[] = "{\"userns-remap\": \"dockremap\"}", broken[] = "{", empty[] = "{}";
	struct image none = { 0 },
		     is_remap = { .exists = true, .content = remap, .len = strlen(remap) },
		     is_broken = { .exists = true, .content = broken, .len = strlen(broken) },
		     is_empty = { .exists = true, .content = empty, .len = strlen(empty) };
	const struct {
		const char *path, *info;
		const struct image *to;
		bool asks;
	} undoes[] = {
		{ PATH, USERNS("1"), &none, true },
		{ PATH, USERNS("1"), &is_empty, true },
		{ PATH, USERNS("0"), &none, false },
		{ PATH, USERNS("1"), &is_remap, false },
		{ PATH, USERNS("1"), &is_broken, false },
		{ "/etc/other", USERNS("1"), &none, false },
		{ PATH, PLAIN("1"), &none, false },
		{ PATH, PLAIN("1"), &is_remap, true },
		{ PATH, NULL, &none, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(undoes); i++) {
		struct errs out = { 0 };
		struct box b;
		struct err e;

		box_live(&b);
		fake_info = undoes[i].info;
		ck_assert_int_eq(host_open(b.dir, &b.h, &e), 0);
		ck_assert_int_eq(module_daemon.undo(b.h, undoes[i].path, undoes[i].to, &out, &e),
				 0);
		ck_assert_msg(out.n == undoes[i].asks, "%zu: %s", i, only(&out));
		if (out.n)
			ck_assert_ptr_nonnull(strstr(out.list[0].text, "while 1 container runs"));
		errs_done(&out);
		box_done(&b);
	}
}
END_TEST

/* What a reload brought, a reload may not take back. */
START_TEST(live_back)
{
	struct box b;

	box_live(&b);
	box_diff(&b, "debug: true", V28);
	ck_assert_int_eq(b.c.asks[0].action, UNIT_RELOAD);
	ck_assert_int_eq(b.c.asks[0].back, UNIT_RESTART);
	box_diff(&b, "max-concurrent-downloads: 5", V28);
	ck_assert_int_eq(b.c.asks[0].back, UNIT_RELOAD);
	tree_write(b.dir, PATH, "{\"debug\": false}", 0644);
	box_diff(&b, "debug: true", V28);
	ck_assert_int_eq(b.c.asks[0].back, UNIT_RELOAD);
	box_done(&b);
}
END_TEST

/* `cp -p` brings an old mtime along, but not an old birth. */
START_TEST(file_born)
{
	struct timespec born = { .tv_sec = 1000 };
	struct stat st = { .st_ino = 1, .st_mtim = born };
	struct box b;
	struct err e;

	box_init(&b);
	tree_write(b.dir, PATH, "{}", 0644);
	ck_assert_int_eq(host_open(b.dir, &b.h, &e), 0);
	host_born(b.h, PATH, &born, &e);
	ck_assert_uint_eq(daemon_file_us(b.h, PATH, &st), time_us(&born));
	st.st_ino = 0; /* only planned: what is on disk is another file */
	ck_assert_uint_eq(daemon_file_us(b.h, PATH, &st), 1000000000);
	box_done(&b);
}
END_TEST

START_TEST(live_restart)
{
	struct box b;

	box_live(&b);
	box_diff(&b, "icc: false, userland-proxy: false", V28);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	ck_assert_uint_eq(b.c.n_asks, 2);
	ck_assert_str_eq(b.c.asks[0].why.text, "icc: unset -> false");
	/* validated with the unit's flags, its --config-file replaced */
	{
		static const char *const argv[] = {
			"/usr/sbin/dockerd", "-H", "fd://", "--validate",
			"--config-file",     "{}", NULL
		};
		char **test = changes_find(&b.c, PATH)->test;

		ck_assert_ptr_nonnull(test);
		for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
			ck_assert_pstr_eq(test[i], argv[i]);
	}
	/* Certificates that are still to be put in place can't be loaded yet. */
	{
		const struct host *h = b.h;
		_cleanup_json_ json_t *merged = json_pack("{s:s}", "tlscert", "/cert.pem");
		struct err e;

		host_overlay(b.h, &b.c);
		ck_assert_int_eq(daemon_file_test(&b.c, h, b.plan, PATH, merged, &e), 0);
		ck_assert_ptr_nonnull(changes_find(&b.c, PATH)->test);
		ck_assert_int_eq(changes_file(&b.c, h, "/cert.pem", "x", 1, 0444, 0, 0, "tls",
					      "cert", NULL, "made", &e),
				 1);
		ck_assert_int_eq(daemon_file_test(&b.c, h, b.plan, PATH, merged, &e), 0);
		ck_assert_ptr_null(changes_find(&b.c, PATH)->test);
		host_overlay(b.h, NULL);
	}
	box_apply(&b);
	/* restarted: the daemon has it; the other one can't be shown */
	fake_bridge = BRIDGE("false");
	box_diff(&b, "icc: false, userland-proxy: false", V28);
	ck_assert(changes_empty(&b.c));
	box_verify(&b);
	ck_assert_uint_eq(b.f.n, 2);
	ck_assert_int_eq(b.f.list[0].state, FINDING_OK);
	ck_assert_str_eq(b.f.list[0].why, "GET /networks/bridge");
	ck_assert_int_eq(b.f.list[1].state, FINDING_SKIPPED);
	/* the daemon drifts */
	fake_bridge = BRIDGE("true");
	box_diff(&b, "icc: false, userland-proxy: false", V28);
	ck_assert_uint_eq(b.c.n, 0);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	ck_assert_str_eq(b.c.asks[0].why.text, "icc: the running daemon has true, not false");
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_DRIFT);
	box_diff(&b, "icc: false", V28 "service: {restart: never}\n");
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_PENDING);
	box_done(&b);
}
END_TEST

START_TEST(live_proved_already)
{
	struct box b;

	box_live(&b);
	box_diff(&b, "log-driver: json-file, debug: false", V28);
	ck_assert_uint_eq(b.c.n, 2); /* the directory, the file */
	ck_assert_uint_eq(b.c.n_asks, 0);
	box_done(&b);
}
END_TEST

/* No restart was needed, so the file is newer than the daemon from then on. */
START_TEST(live_in_effect)
{
	struct box b;

	box_live(&b);
	tree_write(b.dir, PATH, "{\n  \"userland-proxy\": false\n}\n", 0644);
	box_diff(&b, "userland-proxy: false, debug: true", V28);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RELOAD);
	box_apply(&b);
	check_json(json_object_get(b.state, "in_effect"),
		   "{\"invocation\": \"11111111111111111111111111111111\", \"keys\": "
		   "{\"debug\": true, \"userland-proxy\": false}}",
		   "in_effect");
	fake_info = "{\"Debug\": true}";
	fake_unit.started_us = 1;
	box_diff(&b, "userland-proxy: false, debug: true", V28);
	ck_assert(changes_empty(&b.c));
	ck_assert(json_equal(json_object_get(b.c.state, "daemon"), b.state));
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_SKIPPED);
	/* another daemon process, older than the file by its clock: it can't be known */
	memset(fake_unit.invocation, '2', 32);
	box_diff(&b, "userland-proxy: false, debug: true", V28);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_DRIFT);
	box_done(&b);
}
END_TEST

/* A restart is asked for and put off: what the daemon had read it still has. */
START_TEST(live_put_off)
{
	struct box b;

	box_live(&b);
	tree_write(b.dir, PATH, "{\n  \"userland-proxy\": false\n}\n", 0644);
	box_diff(&b, "userland-proxy: false, bip: 10.9.0.1/24, debug: true", V28);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	box_apply(&b);
	check_json(json_object_get(b.state, "in_effect"),
		   "{\"invocation\": \"11111111111111111111111111111111\", \"keys\": "
		   "{\"userland-proxy\": false}}",
		   "in_effect");
	fake_unit.started_us = 1;
	box_diff(&b, "userland-proxy: false, bip: 10.9.0.1/24, debug: true", V28);
	box_verify(&b);
	ck_assert_str_eq(b.f.list[0].setting, "userland-proxy");
	ck_assert_int_eq(b.f.list[0].state, FINDING_SKIPPED);
	ck_assert_str_eq(b.f.list[1].setting, "bip");
	ck_assert_int_eq(b.f.list[1].state, FINDING_DRIFT);
	box_done(&b);
}
END_TEST

START_TEST(live_file_newer)
{
	struct box b;

	box_live(&b);
	tree_write(b.dir, PATH, "{\"userland-proxy\": false}", 0644);
	fake_unit.started_us = 1;
	box_diff(&b, "userland-proxy: false", V28);
	ck_assert_uint_eq(b.c.n, 0);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	/* what the API proves needs no such guess */
	tree_write(b.dir, PATH, "{\"log-driver\": \"json-file\"}", 0644);
	box_diff(&b, "log-driver: json-file", V28);
	ck_assert(changes_empty(&b.c));
	box_done(&b);
}
END_TEST

START_TEST(live_frozen)
{
	struct box b;

	box_live(&b);
	fake_info = INFO("", "/var/lib/docker", "3", "2", "1", "true");
	box_diff(&b, "icc: false", V28);
	ck_assert_uint_eq(b.c.n_asks, 0);
	ck_assert_uint_eq(b.c.n_notes, 1);
	box_apply(&b);
	box_diff(&b, "icc: false", V28);
	ck_assert(changes_empty(&b.c));
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_PENDING);
	/* the containers are gone: now it can be done */
	fake_info = INFO("", "/var/lib/docker", "3", "2", "0", "true");
	box_diff(&b, "icc: false", V28);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	box_done(&b);
}
END_TEST

START_TEST(live_data_root)
{
	struct box b;

	box_live(&b);
	box_diff(&b, "userns-remap: dockremap", V28);
	ck_assert_uint_eq(b.c.refusals.n, 0);
	ck_assert_uint_eq(b.c.n_notes, 1);
	ck_assert_ptr_nonnull(strstr(b.c.notes[0].text, "3 images and 2 containers"));
	fake_info = PLAIN("1");
	box_diff(&b, "userns-remap: dockremap", V28);
	ck_assert_ptr_nonnull(strstr(only(&b.c.refusals), "1 containers run"));
	box_diff(&b, "userns-remap: dockremap", V28 "service: {accept-data-root-change: true}\n");
	ck_assert_uint_eq(b.c.refusals.n, 0);
	/* there already */
	fake_info = INFO("\"name=userns\"", "/var/lib/docker/2000224256.2000224256", "3", "2", "1",
			 "false");
	box_diff(&b, "userns-remap: dockremap", V28);
	ck_assert_uint_eq(b.c.refusals.n + b.c.n_asks, 0);
	/* another range */
	fake_info =
		INFO("\"name=userns\"", "/var/lib/docker/100000.100000", "3", "2", "1", "false");
	box_diff(&b, "userns-remap: dockremap", V28);
	ck_assert_uint_eq(b.c.refusals.n, 1);
	/* leaving the plan, it moves back */
	fake_info = INFO("\"name=userns\"", "/var/lib/docker/2000224256.2000224256", "3", "2", "0",
			 "false");
	box_diff(&b, "userns-remap: dockremap", V28);
	box_apply(&b);
	fake_info = INFO("\"name=userns\"", "/var/lib/docker/2000224256.2000224256", "3", "2", "1",
			 "false");
	box_diff(&b, NULL, "");
	ck_assert_uint_eq(b.c.refusals.n, 1);
	box_done(&b);
}
END_TEST

START_TEST(live_down)
{
	struct box b;

	box_live(&b);
	snprintf(fake_unit.active, sizeof(fake_unit.active), "inactive");
	box_diff(&b, "icc: false", V28);
	ck_assert_uint_eq(b.c.n_asks, 0);
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_SKIPPED);
	ck_assert_str_eq(b.f.list[0].why, "docker.service is not running");
	/* up, but its API does not answer */
	snprintf(fake_unit.active, sizeof(fake_unit.active), "active");
	fake_info = NULL;
	box_diff(&b, "icc: false", V28);
	ck_assert_int_eq(changes_action(&b.c, DOCKER_SERVICE), UNIT_RESTART);
	box_verify(&b);
	ck_assert_int_eq(b.f.list[0].state, FINDING_SKIPPED);
	ck_assert_ptr_nonnull(strstr(b.f.list[0].why, "nothing listens"));
	/* not installed */
	tree_write(b.dir, UNIT, "", 0644);
	box_done(&b);
	box_live(&b);
	{
		char path[4096];

		snprintf(path, sizeof(path), "%s" UNIT, b.dir);
		ck_assert_int_eq(unlink(path), 0);
	}
	box_diff(&b, "icc: false", V28);
	ck_assert_uint_eq(b.c.n_asks, 0);
	ck_assert_ptr_null(changes_find(&b.c, PATH)->test);
	box_verify(&b);
	ck_assert_str_eq(b.f.list[0].why, "Docker is not installed");
	box_done(&b);
}
END_TEST

/* Validation of a file that says `default` would create accounts. */
START_TEST(live_no_validation)
{
	struct box b;

	box_live(&b);
	tree_write(b.dir, PATH, "{\"userns-remap\": \"default\"}", 0644);
	fake_info = INFO("\"name=userns\"", "/var/lib/docker/2000224256.2000224256", "0", "0", "0",
			 "false");
	box_diff(&b, "icc: false", V28);
	ck_assert_ptr_null(changes_find(&b.c, PATH)->test);
	box_diff(&b, "icc: false", "engine: {version: \"20.10\"}\n");
	ck_assert_ptr_null(changes_find(&b.c, PATH)->test);
	box_done(&b);
}
END_TEST

START_TEST(offline_verify)
{
	struct box b;

	box_init(&b);
	box_diff(&b, "icc: false, live-restore: true", V28);
	box_verify(&b);
	ck_assert_uint_eq(b.f.n, 2);
	for (size_t i = 0; i < b.f.n; i++) {
		ck_assert_int_eq(b.f.list[i].state, FINDING_SKIPPED);
		ck_assert_str_eq(b.f.list[i].why, "offline: no daemon to ask");
	}
	box_done(&b);
}
END_TEST

/* Diffing again over what was proposed yields nothing. */
START_TEST(diff_twice)
{
	struct previous none = { .state = NULL };
	struct changes again;
	struct box b;
	struct err e;

	box_live(&b);
	box_diff(&b, "icc: false, userns-remap: dockremap, userland-proxy: false", V28);
	changes_init(&again);
	host_overlay(b.h, &b.c);
	ck_assert_int_eq(module_daemon.diff(plan_section(b.plan, "daemon"), &none, b.h, &again, &e),
			 0);
	host_overlay(b.h, NULL);
	ck_assert(changes_empty(&again));
	changes_done(&again);
	box_done(&b);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, file_made_and_gone);
	tcase_add_test(tc, file_of_others);
	tcase_add_test(tc, file_refused);
	tcase_add_test(tc, engine_and_flags);
	tcase_add_test(tc, faults_of_others);
	tcase_add_test(tc, userns);
	tcase_add_test(tc, selinux_auto);
	tcase_add_test(tc, ulimit_names);
	tcase_add_test(tc, config_moved);
	tcase_add_test(tc, hostile_files);
	tcase_add_test(tc, file_born);
	tcase_add_test(tc, live_undo);
	tcase_add_test(tc, live_back);
	tcase_add_test(tc, live_restart);
	tcase_add_test(tc, live_proved_already);
	tcase_add_test(tc, live_in_effect);
	tcase_add_test(tc, live_put_off);
	tcase_add_test(tc, live_file_newer);
	tcase_add_test(tc, live_frozen);
	tcase_add_test(tc, live_data_root);
	tcase_add_test(tc, live_down);
	tcase_add_test(tc, live_no_validation);
	tcase_add_test(tc, offline_verify);
	tcase_add_test(tc, diff_twice);
}

UNIT_MAIN("daemon")
