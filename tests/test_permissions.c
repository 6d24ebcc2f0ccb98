/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/xattr.h>

#include "../src/host.h"

static bool live;
#define host_is_live(h) live
#define rows		permission_rows
#include "../modules/permissions.c"
#undef host_is_live
#undef rows
#undef NAME

#include "rooted.h"

extern const struct module module_socket;
const struct module *const modules[] = { &module_permissions, &module_socket, NULL };

/* An ACL: user::rw- user:1000:PERM group::r-- mask::MASK other::r-- */
#define ACL(perm, mask)                                                                            \
	"\2\0\0\0\1\0\6\0\377\377\377\377\2\0" perm "\0\350\3\0\0"                                 \
	"\4\0\4\0\377\377\377\377\20\0" mask "\0\377\377\377\377\40\0\4\0\377\377\377\377"
#define ACL_LEN (4 + 5 * 8)

static struct changes c;
static struct plan *plan;

static void plan_is(const char *text)
{
	struct errs mistakes = { 0 };

	plan_free(plan);
	plan = NULL;
	ck_assert_int_eq(plan_load_text("plan", text, strlen(text), &plan, &mistakes, &e), 0);
}

static void setup(void)
{
	root_setup();
	changes_init(&c);
	live = false;
	put("/etc/passwd", "root:x:0:0:::\n");
	put("/etc/group", "root:x:0:\ndocker:x:998:\n");
	plan_is("version: 1\npermissions: {}\n");
}

static void teardown(void)
{
	plan_free(plan);
	changes_done(&c);
	root_teardown();
}

static bool acl(const char *path, const char *value)
{
	if (setxattr(at(path), XATTR_ACL, value, ACL_LEN, 0) == 0)
		return true;
	ck_assert_int_eq(errno, EOPNOTSUPP);
	return false;
}

static void look(void)
{
	host_overlay(host, &c);
	ck_ok(module_permissions.diff(plan_section(plan, "permissions"), NULL, host, &c, &e));
	host_overlay(host, NULL);
}

/* A copy of one of verify's; its texts are gone. */
static struct finding finding_of(const char *setting)
{
	_cleanup_findings_ struct findings f = { 0 };

	ck_ok(module_permissions.verify(plan_section(plan, "permissions"), NULL, host, &f, &e));
	for (size_t i = 0; i < f.n; i++)
		if (streq(f.list[i].setting, setting))
			return f.list[i];
	ck_abort_msg("no finding '%s'", setting);
}

static enum finding_state state_of(const char *setting)
{
	return finding_of(setting).state;
}

/* Where the owner and the group are root's, as all the paths of the table. */
#define ROOT_ONLY                                                                                  \
	if (getuid())                                                                              \
	return

/* Who is named in an ACL and gets more than others may. */
START_TEST(acls)
{
	static const struct {
		const char *acl;
		mode_t after; /* 0: it is fine */
	} rows[] = {
		{ ACL("\6", "\6"), 0644 },
		{ ACL("\2", "\2"), 0604 },
		{ ACL("\6", "\4"), 0 },
		{ ACL("\4", "\4"), 0 },
		/* nobody has more than r--, but the mode shows the mask */
		{ ACL("\4", "\6"), 0644 },
	};

	ROOT_ONLY;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct change *x;

		changes_done(&c);
		put("/etc/docker/daemon.json", "{}");
		if (!acl("/etc/docker/daemon.json", rows[i].acl))
			return;
		ck_assert_int_eq(state_of("daemon.json"),
				 rows[i].after ? FINDING_DRIFT : FINDING_OK);
		look();
		x = changes_find(&c, "/etc/docker/daemon.json");
		ck_assert_msg(!x == !rows[i].after, "row %zu", i);
		if (!x)
			continue;
		ck_assert_uint_eq(x->after.mode, S_IFREG | rows[i].after);
		ck_assert_ptr_null(image_xattr(&x->after, XATTR_ACL));
		look();
		ck_assert_uint_eq(x->n_whys, 1);
	}
}
END_TEST

/* A key's ACL: nobody may be named in it at all. */
START_TEST(acl_of_a_key)
{
	const struct change *x;

	ROOT_ONLY;
	put("/etc/docker/daemon.json", "{\"tlskey\": \"/etc/docker/key.pem\"}");
	put("/etc/docker/key.pem", "key");
	if (!acl("/etc/docker/key.pem", ACL("\4", "\4")))
		return;
	look();
	x = changes_find(&c, "/etc/docker/key.pem");
	ck_assert_ptr_nonnull(x);
	ck_assert_uint_eq(x->after.mode, S_IFREG | 0400);
	ck_assert_ptr_null(image_xattr(&x->after, XATTR_ACL));
}
END_TEST

/* Attributes that another module has set already are what counts. */
START_TEST(what_is_planned_counts)
{
	ROOT_ONLY;
	put("/etc/default/docker", "");
	ck_assert_int_eq(chmod(at("/etc/default/docker"), 0666), 0);
	ck_ok(changes_attrs(&c, host, "/etc/default/docker", 0600, 0, 0, "m", NULL, NULL, "t", &e));
	look();
	ck_assert_uint_eq(changes_find(&c, "/etc/default/docker")->n_whys, 1);
	ck_assert_uint_eq(c.n, 1);
}
END_TEST

static enum verdict judge(const char *path, struct judged *j)
{
	const struct allowed a = {
		.uid = getuid(), .gid = getgid(), .other_gid = getgid(), .file = 0644, .dir = 0755
	};

	judged_done(j);
	ck_ok(permissions_judge(host, path, &a, j, &e));
	return j->verdict;
}

/* Where links lead: inside the root, and no further than a kernel would go. */
START_TEST(where_links_lead)
{
	_cleanup_judged_ struct judged j = { 0 };
	static const char *const links[][2] = {
		{ "/etc/a", "../srv/./x/../f" },
		{ "/etc/b", "/srv/f" },
		{ "/etc/c", "../../../../srv/f" },
		{ "/alias", "/etc" },
	};
	char name[16];

	put("/srv/f", "x");
	put("/srv/x/y", "x");
	put_dir("/etc/d");
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		ck_assert_int_eq(symlink(links[i][1], at(links[i][0])), 0);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(judge(links[i][0], &j), VERDICT_FINE);
		ck_assert_str_eq(j.path, "/srv/f");
	}
	ck_assert_int_eq(judge("/alias/c", &j), VERDICT_FINE);
	ck_assert_str_eq(j.path, "/srv/f");
	ck_assert_int_eq(judge("/alias/d", &j), VERDICT_FINE);
	ck_assert_str_eq(j.path, "/etc/d");
	ck_assert_int_eq(judge("/etc/none", &j), VERDICT_ABSENT);
	ck_assert_int_eq(judge("/srv/f/none", &j), VERDICT_ABSENT);
	ck_assert_int_eq(symlink("none", at("/dangling")), 0);
	ck_assert_int_eq(judge("/dangling", &j), VERDICT_ABSENT);
	for (int i = 0; i < 45; i++) {
		char to[16];

		snprintf(name, sizeof(name), "/l%d", i);
		snprintf(to, sizeof(to), "l%d", i + 1);
		ck_assert_int_eq(symlink(to, at(name)), 0);
	}
	put("/l45", "x");
	ck_assert_int_eq(judge("/l0", &j), VERDICT_ODD);
	ck_assert_int_eq(judge("/l10", &j), VERDICT_FINE);
}
END_TEST

START_TEST(kinds)
{
	_cleanup_judged_ struct judged j = { 0 };

	ck_assert_int_eq(mkfifo(at("/fifo"), 0600), 0);
	ck_assert_int_eq(judge("/fifo", &j), VERDICT_ODD);
	put("/file", "x");
	ck_assert_int_eq(chmod(at("/file"), 06755), 0);
	ck_assert_int_eq(judge("/file", &j), VERDICT_LOOSE);
	ck_assert_uint_eq(j.mode, 0644);
	put_dir("/dir");
	ck_assert_int_eq(chmod(at("/dir"), 03777), 0);
	ck_assert_int_eq(judge("/dir", &j), VERDICT_LOOSE);
	ck_assert_uint_eq(j.mode, 03755);
	ck_assert_int_eq(link(at("/file"), at("/other")), 0);
	ck_assert_int_eq(judge("/file", &j), VERDICT_STUCK);
	ck_assert_ptr_nonnull(strstr(j.why, "2 hard links"));
}
END_TEST

/* A directory that others write: who does has anything changed that is put there. */
START_TEST(parents)
{
	_cleanup_judged_ struct judged j = { 0 };

	ROOT_ONLY;
	put("/srv/d/file", "x");
	ck_assert_int_eq(chmod(at("/srv/d/file"), 0666), 0);
	ck_assert_int_eq(judge("/srv/d/file", &j), VERDICT_LOOSE);
	ck_assert_int_eq(chmod(at("/srv"), 0775), 0); /* of root's own group */
	ck_assert_int_eq(judge("/srv/d/file", &j), VERDICT_LOOSE);
	ck_assert_int_eq(chown(at("/srv"), 0, 5), 0);
	ck_assert_int_eq(judge("/srv/d/file", &j), VERDICT_STUCK);
	ck_assert_ptr_nonnull(strstr(j.why, "/srv' can be written by others"));
	ck_assert_int_eq(chmod(at("/srv"), 01777), 0);
	ck_assert_int_eq(judge("/srv/d/file", &j), VERDICT_LOOSE);
	ck_assert_int_eq(chown(at("/srv/d"), 7, 0), 0);
	ck_assert_int_eq(judge("/srv/d/file", &j), VERDICT_STUCK);
}
END_TEST

/* What another finding speaks for is not taken back by one that had nothing to look at. */
START_TEST(whose_controls)
{
	static const char unit[] = "/usr/lib/systemd/system/docker.service";

	ROOT_ONLY;
	put("/etc/docker/certs.d/r/ca.crt", "");
	ck_assert_int_eq(chmod(at("/etc/docker/certs.d/r/ca.crt"), 0444), 0);
	ck_assert_int_eq(state_of("certs.d"), FINDING_OK);
	ck_assert_ptr_nonnull(finding_of("certs.d").cis);
	ck_assert_int_eq(state_of("certs.d-keys"), FINDING_SKIPPED);
	ck_assert_ptr_null(finding_of("certs.d-keys").cis);
	put("/etc/docker/certs.d/r/client.key", "");
	ck_assert_ptr_nonnull(finding_of("certs.d-keys").cis);
	ck_assert_ptr_nonnull(finding_of("docker.sock").cis);
	put(unit, "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
	plan_is("version: 1\npermissions: {}\nsocket: {}\n");
	host_forget(host);
	ck_assert_int_eq(state_of("docker.sock"), FINDING_SKIPPED);
	ck_assert_ptr_null(finding_of("docker.sock").cis);
	/* One that dockerd binds itself is none of docker.socket's. */
	put(unit, "[Service]\nExecStart=/usr/bin/dockerd\n");
	host_forget(host);
	ck_assert_ptr_nonnull(finding_of("docker.sock").cis);
}
END_TEST

/* dockerd's own places count when a flag, or its environment, asks for TLS; a key alone doesn't. */
START_TEST(tls_defaults)
{
	static const struct {
		const char *command, *env, *config, *dir;
	} rows[] = {
		{ "", "", "{}", NULL },
		{ "", "", "{\"tls\": true, \"tlsverify\": true}", NULL },
		{ "--tls=false", "", "{\"tls\": true}", NULL },
		{ "--tls", "", "{}", "/root/.docker" },
		{ "--tls=false --tls=1", "", "{}", "/root/.docker" },
		{ "--tlsverify=false", "", "{}", "/root/.docker" },
		{ "", "DOCKER_TLS_VERIFY=1", "{\"tls\": true}", "/root/.docker" },
		{ "", "DOCKER_TLS_VERIFY=", "{\"tls\": true}", NULL },
		{ "--tlsverify", "HOME=/srv/home", "{}", "/srv/home/.docker" },
		{ "--tlsverify", "HOME=/srv/home DOCKER_CONFIG=/srv/config", "{}", "/srv/config" },
		{ "--tls", "DOCKER_CONFIG=/srv/config DOCKER_CERT_PATH=/srv/certs", "{}",
		  "/srv/certs" },
		{ "--tls", "DOCKER_CERT_PATH=certs", "{}", NULL },
	};
	static const char *const dirs[] = { "/root/.docker", "/srv/home/.docker", "/srv/config",
					    "/srv/certs" };
	static const char *const names[] = { "ca", "cert", "key" };
	char path[64], text[256];

	ROOT_ONLY;
	for (size_t d = 0; d < ARRAY_SIZE(dirs); d++)
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			snprintf(path, sizeof(path), "%s/%s.pem", dirs[d], names[n]);
			put(path, "");
			ck_assert_int_eq(chmod(at(path), 0644), 0);
		}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text),
			 "[Service]\nEnvironment=%s\nExecStart=/usr/bin/dockerd -H fd:// %s\n",
			 rows[i].env, rows[i].command);
		put("/usr/lib/systemd/system/docker.service", text);
		put("/etc/docker/daemon.json", rows[i].config);
		host_forget(host);
		changes_done(&c);
		look();
		for (size_t d = 0; d < ARRAY_SIZE(dirs); d++)
			for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
				const struct change *x;

				snprintf(path, sizeof(path), "%s/%s.pem", dirs[d], names[n]);
				x = changes_find(&c, path);
				ck_assert_msg(!x == !(rows[i].dir && streq(rows[i].dir, dirs[d])),
					      "row %zu: %s", i, path);
				if (x)
					ck_assert_int_eq(x->after.mode & 07777,
							 n == 2 ? 0400 : 0444);
			}
	}
	/* One that is named is it; the others stay with their default. */
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/bin/dockerd --tls --tlskey /srv/config/key.pem\n");
	host_forget(host);
	changes_done(&c);
	look();
	ck_assert_ptr_nonnull(changes_find(&c, "/srv/config/key.pem"));
	ck_assert_ptr_null(changes_find(&c, "/root/.docker/key.pem"));
	ck_assert_ptr_nonnull(changes_find(&c, "/root/.docker/ca.pem"));
	ck_assert_int_eq(unlink(at("/root/.docker/cert.pem")), 0);
	ck_assert_int_eq(state_of("tlscert"), FINDING_SKIPPED);
}
END_TEST

static void bind_socket(const char *path)
{
	put(path, "");
	ck_assert_int_eq(unlink(at(path)), 0);
	ck_assert_int_eq(mknod(at(path), S_IFSOCK | 0666, 0), 0);
	ck_assert_int_eq(chmod(at(path), 0666), 0);
}

/* The socket of dockerd's own containerd is one as good as the system's. */
START_TEST(own_containerd)
{
	static const char own[] = "/run/docker/containerd/containerd.sock";
	static const char systems[] = "/run/containerd/containerd.sock";

	ROOT_ONLY;
	live = true;
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
	bind_socket(own);
	ck_assert_int_eq(state_of("containerd.sock"), FINDING_DRIFT);
	look();
	ck_assert_int_eq(changes_find(&c, own)->after.mode & 07777, 0660);
	ck_assert_ptr_nonnull(strstr(changes_find(&c, own)->whys[0].cis, "3.24"));
	/* Both are there: each of them opens the host. */
	bind_socket(systems);
	ck_assert_int_eq(chmod(at(own), 0600), 0);
	ck_assert_int_eq(state_of("containerd.sock"), FINDING_DRIFT);
	ck_assert_int_eq(chmod(at(systems), 0600), 0);
	ck_assert_int_eq(state_of("containerd.sock"), FINDING_OK);
	live = false;
	ck_assert_int_eq(state_of("containerd.sock"), FINDING_SKIPPED);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, acls);
	tcase_add_test(tc, acl_of_a_key);
	tcase_add_test(tc, what_is_planned_counts);
	tcase_add_test(tc, where_links_lead);
	tcase_add_test(tc, kinds);
	tcase_add_test(tc, parents);
	tcase_add_test(tc, whose_controls);
	tcase_add_test(tc, tls_defaults);
	tcase_add_test(tc, own_containerd);
}

UNIT_MAIN("permissions")
