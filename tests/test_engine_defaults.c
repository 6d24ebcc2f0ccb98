/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

#include "../modules/engine.h"

const struct module *const modules[] = { NULL };

#define OWN "/run/docker/containerd/containerd.sock"
#define SYS "/run/containerd/containerd.sock"

static void docker(const char *flags)
{
	char text[256];

	snprintf(text, sizeof(text), "[Service]\nExecStart=/usr/bin/dockerd %s\n", flags);
	put("/usr/lib/systemd/system/docker.service", text);
}

static void sockets_are(const char *config, const char *first, const char *second)
{
	_cleanup_json_ json_t *doc = json_loads(config, 0, NULL);
	_cleanup_strv_ char **list = NULL;
	const struct engine_cmdline *c;

	host_forget(host);
	ck_ok(engine_cmdline(host, &c, &e));
	ck_ok(engine_containerd(host, c, doc, &list, &e));
	ck_assert_str_eq(list[0], first);
	if (second)
		ck_assert_str_eq(list[1], second);
	ck_assert_ptr_null(list[second ? 2 : 1]);
}

/* What is named. */
START_TEST(containerd_named)
{
	docker("--containerd=unix:///run/a.sock");
	sockets_are("{}", "/run/a.sock", NULL);
	docker("--containerd /run/a.sock --containerd=/var/run/b/c.sock");
	sockets_are("{}", "/run/b/c.sock", NULL);
	put(OWN, "");
	docker("");
	sockets_are("{\"containerd\": \"/srv/c.sock\"}", "/srv/c.sock", NULL);
	docker("--containerd=");
	sockets_are("{}", OWN, NULL);
}
END_TEST

/* What is there, and else what is to be expected. */
START_TEST(containerd_found)
{
	static const char unit[] = "/usr/lib/systemd/system/containerd.service";

	sockets_are("{}", SYS, NULL); /* no Docker */
	docker("-H fd://");
	sockets_are("{}", OWN, NULL);
	sockets_are("{\"exec-root\": \"/srv/run\"}", "/srv/run/containerd/containerd.sock", NULL);
	sockets_are("{\"exec-root\": \"run\"}", OWN, NULL);
	docker("--exec-root /var/run/other");
	sockets_are("{}", "/run/other/containerd/containerd.sock", NULL);
	docker("-H fd://");
	put(unit, "[Service]\nExecStart=/usr/bin/containerd\n");
	sockets_are("{}", SYS, NULL);
	put(OWN, "");
	sockets_are("{}", OWN, NULL);
	put(SYS, "");
	sockets_are("{}", SYS, OWN);
	ck_assert_int_eq(unlink(at(OWN)), 0);
	ck_assert_int_eq(unlink(at(unit)), 0);
	sockets_are("{}", SYS, NULL);
	/* A masked one gives nothing. */
	ck_assert_int_eq(unlink(at(SYS)), 0);
	put_dir("/etc/systemd/system");
	ck_assert_int_eq(symlink("/dev/null", at("/etc/systemd/system/containerd.service")), 0);
	sockets_are("{}", OWN, NULL);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, containerd_named);
	tcase_add_test(tc, containerd_found);
}

UNIT_MAIN("engine_defaults")
