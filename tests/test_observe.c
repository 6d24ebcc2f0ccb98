/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told beside the plan: a scratch root with a /proc and a /sys of its own, and a daemon
 * whose answers are texts.
 */
#include "unit.h"

#include "../modules/engine.h"

#define ANSWERS_MAX 4

static struct {
	const char *path, *text;
	int r;
	json_t *doc;
} answers[ANSWERS_MAX];
static unsigned n_asked;

static int fake_engine_get(const struct host *h, const char *path, const json_t **ret,
			   struct err *err)
{
	(void)h;
	n_asked++;
	for (size_t i = 0; i < ANSWERS_MAX; i++) {
		if (!answers[i].path || strncmp(answers[i].path, path, strlen(answers[i].path)))
			continue;
		if (answers[i].r)
			return err_set(err, -answers[i].r, "GET %s: no", path);
		json_decref(answers[i].doc);
		answers[i].doc = json_loads(answers[i].text, 0, NULL);
		ck_assert_ptr_nonnull(answers[i].doc);
		*ret = answers[i].doc;
		return 0;
	}
	return err_set(err, ENOTCONN, "GET %s: nothing listens", path);
}

static bool live;

static bool fake_is_live(const struct host *h)
{
	return h && live;
}

#define engine_get   fake_engine_get
#define host_is_live fake_is_live
#include "../modules/observe.c"
#undef host_is_live

#include "planned.h"

#define SERVICE "/usr/lib/systemd/system/docker.service"
#define SOCKET	"/usr/lib/systemd/system/docker.socket"
#define CONFIG	"/etc/docker/daemon.json"

extern const struct module module_client, module_daemon, module_selinux, module_tls;
const struct module *const modules[] = { &module_selinux, &module_daemon,  &module_tls,
					 &module_client,  &module_observe, NULL };

static struct findings f;

static void setup(void)
{
	root_setup();
	f = (struct findings){ 0 };
	memset(answers, 0, sizeof(answers));
	n_asked = 0;
	live = true;
	put(SERVICE, "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
	put(SOCKET, "[Socket]\nListenStream=/run/docker.sock\n");
}

static void teardown(void)
{
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		json_decref(answers[i].doc);
	findings_done(&f);
	root_teardown();
}

static const struct finding *found(const char *setting)
{
	for (size_t i = 0; i < f.n; i++)
		if (f.list[i].setting && streq(f.list[i].setting, setting))
			return &f.list[i];
	ck_abort_msg("no finding %s", setting);
	return NULL;
}

static void is(const char *setting, enum finding_state state, const char *what)
{
	const struct finding *x = found(setting);

	ck_assert_msg(x->state == state, "%s: %u: %s, %s", setting, x->state,
		      x->found ? x->found : "-", x->why ? x->why : "-");
	ck_assert_msg(!what || (x->found && strstr(x->found, what)) ||
			      (x->why && strstr(x->why, what)),
		      "%s: %s, %s", setting, x->found ? x->found : "-", x->why ? x->why : "-");
}

/* --- fixes --- */

START_TEST(fixes_by_version)
{
	static const struct {
		const char *version, *open, *closed;
	} rows[] = {
		{ "20.10.24", "CVE-2024-41110", "CVE-2023-28841" },
		{ "20.10.23", "CVE-2023-28841", NULL },
		{ "24.0.7", "CVE-2024-24557", "CVE-2023-28841" },
		{ "23.0.10", "CVE-2024-29018", "CVE-2024-24557" },
		{ "26.0.1", "CVE-2024-32473", "CVE-2024-29018" },
		{ "25.0.1", "CVE-2024-24557", "CVE-2024-32473" },
		{ "26.1.5", "CVE-2025-54410", "CVE-2024-41110" },
		{ "25.0.13", "CVE-2026-34040", "CVE-2025-54410" },
		{ "28.1.1", "CVE-2026-34040", "CVE-2025-54388" },
		{ "28.3.2", "CVE-2025-54388", "CVE-2025-54410" },
		{ "28.5.2", "CVE-2026-34040", "CVE-2025-54388" },
		{ "29.3.1", "CVE-2026-97032", "CVE-2026-34040" },
	};
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		findings_done(&f);
		ck_ok(observe_fixes(rows[i].version, &f, &e));
		snprintf(name, sizeof(name), "fixes[%s]", rows[i].open);
		is(name, FINDING_NOTED, rows[i].version);
		is(name, FINDING_NOTED, "backported");
		for (size_t k = 0; rows[i].closed && k < f.n; k++)
			ck_assert_msg(!strstr(f.list[k].setting, rows[i].closed), "%s: %s",
				      rows[i].version, rows[i].closed);
	}
	findings_done(&f);
	ck_ok(observe_fixes("29.9.0", &f, &e));
	is("fixes", FINDING_OK, NULL);
	findings_done(&f);
	ck_ok(observe_fixes("30.0.0-rc.1", &f, &e));
	is("fixes", FINDING_OK, NULL);
	findings_done(&f);
	ck_ok(observe_fixes("dev", &f, &e));
	is("fixes", FINDING_SKIPPED, NULL);
}
END_TEST

/* --- disk --- */

static void disk(const char *data_root, const char *mountinfo)
{
	_cleanup_json_ json_t *info = json_pack("{s:s}", "DockerRootDir", data_root);

	findings_done(&f);
	put("/proc/self/mountinfo", mountinfo);
	ck_ok(observe_disk(host, info, &f, &e));
}

static void block(const char *number, const char *name)
{
	char path[128], to[128];

	put("/sys/dev/block/.keep", "");
	snprintf(path, sizeof(path), "/sys/devices/%s/size", name);
	put(path, "1\n");
	snprintf(path, sizeof(path), "%s/sys/dev/block/%s", root, number);
	snprintf(to, sizeof(to), "../../devices/%s", name);
	ck_assert_int_eq(symlink(to, path), 0);
	put("/sys/class/block/.keep", "");
	snprintf(path, sizeof(path), "%s/sys/class/block/%s", root,
		 strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
	snprintf(to, sizeof(to), "../../devices/%s", name);
	ck_assert_int_eq(symlink(to, path), 0);
}

#define ROOT_MOUNT "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"

START_TEST(partitions)
{
	disk("/var/lib/docker", ROOT_MOUNT);
	is("partition", FINDING_SKIPPED, "doesn't repartition");
	ck_assert_str_eq(found("partition")->cis, "1.1.1");
	disk("/var/lib/docker",
	     ROOT_MOUNT "30 21 8:2 / /var/lib/docker rw shared:2 master:3 - ext4 /dev/sda2 rw\n");
	is("partition", FINDING_OK, "/var/lib/docker is on /dev/sda2");
	/* With user namespaces Docker names a directory beneath. */
	disk("/var/lib/docker/100000.100000",
	     ROOT_MOUNT "30 21 8:2 / /var/lib/docker rw - ext4 /dev/sda2 rw\n");
	is("partition", FINDING_OK, "/var/lib/docker is on");
	/* All of /var is not for containers alone; nor is a directory mounted on itself. */
	disk("/var/lib/docker", ROOT_MOUNT "30 21 8:3 / /var rw - ext4 /dev/sda3 rw\n");
	is("partition", FINDING_SKIPPED, NULL);
	disk("/var/lib/docker",
	     ROOT_MOUNT "30 21 8:1 /var/lib/docker /var/lib/docker rw - ext4 /dev/sda1 rw\n");
	is("partition", FINDING_SKIPPED, NULL);
	/* Names that only begin alike, blanks, and what is mounted over. */
	disk("/srv/a b", ROOT_MOUNT "30 21 8:2 / /srv/a rw - ext4 /dev/sda2 rw\n"
				    "31 21 8:4 / /srv/a\\040b rw - ext4 /dev/sda4 rw\n"
				    "32 21 8:5 / /srv/a\\040b rw - ext4 /dev/disk\\040five rw\n");
	is("partition", FINDING_OK, "/srv/a b is on /dev/disk five");
	disk("/var/lib/docker", "junk\n\n1 2 3\n");
	is("partition", FINDING_SKIPPED, "no mount");
	disk("relative", ROOT_MOUNT);
	is("partition", FINDING_SKIPPED, NULL);
}
END_TEST

START_TEST(encryption)
{
	disk("/d", ROOT_MOUNT);
	is("encryption", FINDING_SKIPPED, "/sys/dev/block/8:1");
	block("8:0", "sda");
	block("8:1", "sda/sda1");
	put("/sys/devices/sda/sda1/partition", "1\n");
	disk("/d", ROOT_MOUNT);
	is("encryption", FINDING_NOTED, "no dm-crypt under sda1");
	/* LVM on two, of which one is encrypted; then both are. */
	block("253:1", "dm-1");
	block("253:0", "dm-0");
	put("/sys/devices/dm-1/dm/uuid", "LVM-x\n");
	put("/sys/devices/dm-1/slaves/dm-0/x", "");
	put("/sys/devices/dm-1/slaves/a0/x", "");
	put("/sys/devices/dm-0/dm/uuid", "CRYPT-LUKS2-0\n");
	disk("/d", "21 1 253:1 / / rw - ext4 /dev/dm-1 rw\n");
	is("encryption", FINDING_NOTED, "dm-1");
	ck_assert_int_eq(unlink(at("/sys/devices/dm-1/slaves/a0/x")), 0);
	ck_assert_int_eq(rmdir(at("/sys/devices/dm-1/slaves/a0")), 0);
	disk("/d", "21 1 253:1 / / rw - ext4 /dev/dm-1 rw\n");
	is("encryption", FINDING_OK, "dm-1 is on dm-crypt");
	disk("/d", "21 1 253:0 / / rw - ext4 /dev/dm-0 rw\n");
	is("encryption", FINDING_OK, "dm-0");
	/* A device that is made of itself ends. */
	block("253:2", "dm-2");
	put("/sys/devices/dm-2/slaves/dm-2/x", "");
	disk("/d", "21 1 253:2 / / rw - ext4 /dev/dm-2 rw\n");
	is("encryption", FINDING_NOTED, NULL);
	disk("/d", "21 1 0:31 / / rw - overlay overlay rw\n");
	is("encryption", FINDING_SKIPPED, "no block device");
}
END_TEST

/* --- ports --- */

#define TCP_HEAD	       "  sl  local_address rem_address   st\n"
#define TCP(n, address, state) "   " n ": " address " 00000000:0000 " state " 00000000:00000000\n"

static uint64_t since_us = UINT64_MAX;

/* As /proc shows it: NUL ends each argument. */
static void runs_as(const char *args)
{
	FILE *out;

	put("/proc/7/cmdline", "");
	out = fopen(at("/proc/7/cmdline"), "w");
	ck_assert_ptr_nonnull(out);
	for (; *args; args++)
		fputc(*args == ' ' ? '\0' : *args, out);
	fputc('\0', out);
	ck_assert_int_eq(fclose(out), 0);
}

static void ports(const char *tcp, const char *info_text)
{
	_cleanup_json_ json_t *info = json_loads(info_text ? info_text : "{}", 0, NULL);

	findings_done(&f);
	host_forget(host);
	put("/proc/7/net/tcp", tcp);
	ck_ok(observe_ports(host, info, 7, since_us, &f, &e));
}

START_TEST(tcp_ports)
{
	runs_as("/usr/bin/dockerd -H fd://");
	ports(TCP_HEAD TCP("0", "00000000:0016", "0A"), NULL);
	is("tcp-api", FINDING_OK, "none");
	ck_assert_str_eq(found("tcp-api")->cis, "2.7");
	is("tcp-other", FINDING_OK, "none");
	put(CONFIG, "{\"metrics-addr\": \"127.0.0.1:9323\"}");
	ports(TCP_HEAD TCP("0", "0100007F:246B", "01"), NULL); /* a connection, no listener */
	is("tcp-other", FINDING_OK, "none");
	ports(TCP_HEAD TCP("0", "0100007F:246B", "0A"), NULL);
	is("tcp-other", FINDING_NOTED, "127.0.0.1:9323 (metrics)");
	is("tcp-api", FINDING_OK, NULL);
	put(CONFIG, "{\"network-diagnostic-port\": 2000, \"metrics-addr\": \":9323\"}");
	ports(TCP_HEAD TCP("0", "0100007F:07D0", "0A"), NULL);
	is("tcp-other", FINDING_NOTED, "127.0.0.1:2000 (network diagnostic)");
	put(CONFIG, "{}");
	put(SERVICE, "[Service]\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375\n");
	ports(TCP_HEAD TCP("0", "00000000:0947", "0A"), NULL);
	is("tcp-api", FINDING_NOTED, "0.0.0.0:2375");
	is("tcp-api", FINDING_NOTED, "without tlsverify");
	ck_assert_str_eq(found("tcp-api")->cis, "2.7");
	put(CONFIG, "{\"tlsverify\": true}");
	ports(TCP_HEAD TCP("0", "00000000:0947", "0A"), NULL);
	is("tcp-api", FINDING_NOTED, "client certificates");
	ck_assert_ptr_null(found("tcp-api")->cis);
	/* docker.socket listens for it; and a swarm has ports of its own. */
	put(SERVICE, "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
	put(SOCKET, "[Socket]\nListenStream=/run/docker.sock\nListenStream=[::]:2376\n");
	put("/proc/7/net/tcp6", TCP_HEAD "   0: 00000000000000000000000000000000:0948 "
					 "00000000000000000000000000000000:0000 0A 0\n"
					 "   1: 00000000000000000000000001000000:0949 "
					 "00000000000000000000000000000000:0000 0A 0\n");
	ports(TCP_HEAD, "{\"Swarm\": {\"LocalNodeState\": \"active\"}}");
	is("tcp-api", FINDING_NOTED, "[::]:2376");
	is("tcp-other", FINDING_NOTED, "[::1]:2377 (swarm)");
	ports(TCP_HEAD, "{\"Swarm\": {\"LocalNodeState\": \"inactive\"}}");
	is("tcp-other", FINDING_OK, "none");
	findings_done(&f);
	/* Told otherwise since it started: nothing is known of what it has open. */
	ck_assert_int_eq(unlink(at("/proc/7/net/tcp6")), 0);
	runs_as("/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375");
	ports(TCP_HEAD, NULL);
	is("tcp-api", FINDING_SKIPPED, "command line");
	runs_as("/usr/bin/dockerd -H");
	ports(TCP_HEAD, NULL);
	is("tcp-api", FINDING_SKIPPED, "command line");
	runs_as("/usr/bin/dockerd -H fd://");
	ports(TCP_HEAD, NULL);
	is("tcp-api", FINDING_OK, NULL);
	since_us = 1;
	ports(TCP_HEAD, NULL);
	is("tcp-api", FINDING_SKIPPED, "newer than the running daemon");
	findings_done(&f);
	ck_ok(observe_ports(host, NULL, 8, since_us, &f, &e));
	is("tcp-api", FINDING_SKIPPED, "/proc/8/net/tcp");
}
END_TEST

/* --- defaults --- */

#define INFO                                                                                       \
	"{\"Driver\": \"overlay2\", \"SecurityOptions\": [\"name=seccomp,profile=builtin\"], "     \
	"\"RegistryConfig\": {\"InsecureRegistryCIDRs\": [\"127.0.0.0/8\"], "                      \
	"\"IndexConfigs\": {}}}"

static void look_at(const char *plan, const char *config, const char *info_text)
{
	_cleanup_json_ json_t *info = json_loads(info_text, 0, NULL);
	_cleanup_plan_ struct plan *p = plan_of(plan);

	ck_assert_ptr_nonnull(info);
	findings_done(&f);
	host_forget(host);
	put(CONFIG, config);
	ck_ok(observe_defaults(plan_section(p, "observe"), host, info, &f, &e));
}

static bool none(const char *setting)
{
	for (size_t i = 0; i < f.n; i++)
		if (f.list[i].setting && streq(f.list[i].setting, setting))
			return false;
	return true;
}

START_TEST(default_settings)
{
	look_at("version: 1\n", "{}", INFO);
	is("log-level", FINDING_SKIPPED, "nothing says otherwise");
	ck_assert_str_eq(found("log-level")->cis, "2.3");
	is("iptables", FINDING_SKIPPED, NULL);
	is("insecure-registries", FINDING_OK, "RegistryConfig");
	is("seccomp-profile", FINDING_OK, NULL);
	is("cgroup-parent", FINDING_SKIPPED, NULL);
	is("storage-driver", FINDING_OK, "overlay2");
	is("base-device", FINDING_OK, NULL);
	is("authorization-plugins", FINDING_SKIPPED, "this host has none");
	ck_assert_str_eq(found("authorization-plugins")->cis, "2.12");
	/* Somebody else's file. */
	look_at("version: 1\n", "{\"log-level\": \"debug\", \"iptables\": false}", INFO);
	is("log-level", FINDING_NOTED, "debug");
	is("log-level", FINDING_NOTED, "/etc/docker/daemon.json");
	is("iptables", FINDING_NOTED, "false");
	look_at("version: 1\n", "{\"log-level\": \"info\", \"cgroup-parent\": \"x.slice\"}", INFO);
	is("log-level", FINDING_SKIPPED, NULL);
	is("cgroup-parent", FINDING_NOTED, "x.slice");
	/* Whatever the level, it logs all. */
	look_at("version: 1\n", "{\"debug\": true}", INFO);
	is("debug", FINDING_NOTED, "true");
	ck_assert_str_eq(found("debug")->cis, "2.3");
	/* What runs is what counts. */
	look_at("version: 1\n", "{}",
		"{\"Driver\": \"devicemapper\", \"SecurityOptions\": [], \"RegistryConfig\": "
		"{\"InsecureRegistryCIDRs\": [\"10.0.0.0/8\"], \"IndexConfigs\": {}}}");
	is("insecure-registries", FINDING_NOTED, "10.0.0.0/8");
	is("seccomp-profile", FINDING_NOTED, "none");
	is("storage-driver", FINDING_OK, "devicemapper");
	is("base-device", FINDING_SKIPPED, NULL);
	look_at("version: 1\n", "{}", "{\"Driver\": \"aufs\"}");
	is("storage-driver", FINDING_NOTED, "aufs");
	look_at("version: 1\n", "{}", "{\"Plugins\": {\"Authorization\": [\"opa\"]}}");
	is("authorization-plugins", FINDING_OK, "opa");
	look_at("version: 1\ndaemon: {authorization-plugins: [opa]}\n", "{}",
		"{\"Plugins\": {\"Authorization\": [\"opa\"]}}");
	ck_assert(none("authorization-plugins"));
	look_at("version: 1\n", "{}", "{}");
	is("storage-driver", FINDING_SKIPPED, NULL);
	is("insecure-registries", FINDING_SKIPPED, NULL);
	put(SERVICE, "[Service]\nExecStart=/usr/bin/dockerd -H fd:// --log-level=debug "
		     "--iptables=true\n");
	look_at("version: 1\n", "{}", INFO);
	is("log-level", FINDING_NOTED, "--log-level=debug");
	is("log-level", FINDING_NOTED, "docker.service");
	is("iptables", FINDING_SKIPPED, NULL);
}
END_TEST

/* Wanted otherwise, it is told and stands: no control is claimed by it. */
START_TEST(plan_says_otherwise)
{
	look_at("version: 1\ndaemon: {icc: true, log-level: debug, log-driver: local, "
		"userland-proxy: false, mtu: 1400}\n",
		"{}", INFO);
	is("icc", FINDING_NOTED, "the plan wants it so");
	ck_assert_str_eq(found("icc")->cis, "2.2");
	ck_assert_str_eq(found("icc")->wanted, "false");
	is("log-level", FINDING_NOTED, "debug");
	is("log-driver", FINDING_NOTED, "local");
	ck_assert(none("userland-proxy") && none("mtu"));
	look_at("version: 1\ndaemon: {icc: false, log-level: info, log-driver: journald}\n", "{}",
		INFO);
	ck_assert(none("icc") && none("log-level") && none("log-driver"));
}
END_TEST

/* --- containers and images --- */

static void answer(size_t i, const char *path, const char *text, int r)
{
	answers[i].path = path;
	answers[i].text = text;
	answers[i].r = r;
}

static void with_plan(int (*look)(const struct section *s, const struct host *h,
				  struct findings *out, struct err *err),
		      const char *text)
{
	_cleanup_plan_ struct plan *p = plan_of(text);

	findings_done(&f);
	ck_ok(look(plan_section(p, "observe"), host, &f, &e));
}

START_TEST(old_containers)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "[{\"Id\": \"a1\", \"Names\": [\"/old\"], \"Created\": %lld},"
		 " {\"Id\": \"b2\", \"Names\": [], \"Created\": %lld}, {\"Created\": \"x\"}, 1]",
		 (long long)time(NULL) - 40 * 86400, (long long)time(NULL));
	answer(0, "/containers/json?all=1", text, 0);
	with_plan(containers, "version: 1\n");
	is("container-age", FINDING_NOTED, "old");
	ck_assert_str_eq(found("container-age")->found, "old");
	ck_assert_str_eq(found("container-age")->wanted, "none older than 30 days");
	with_plan(containers, "version: 1\nobserve: {container-age: 41}\n");
	is("container-age", FINDING_OK, NULL);
	with_plan(containers, "version: 1\nobserve: {container-age: 0}\n");
	ck_assert_str_eq(found("container-age")->found, "old, b2");
	answer(0, "/containers/json?all=1", NULL, -ETIMEDOUT);
	with_plan(containers, "version: 1\n");
	is("container-age", FINDING_SKIPPED, "no");
}
END_TEST

static int only_images(const struct section *s, const struct host *h, struct findings *out,
		       struct err *err)
{
	(void)s;
	return images(h, out, err);
}

START_TEST(users_of_images)
{
	static const char *const roots[] = { "", "root", "0", "00", "0:0", "root:users" };
	static const char *const others[] = { "app", "1000", "1000:0", "rooty", "10" };
	_cleanup_buf_ struct buf many = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		ck_assert_msg(is_root(roots[i]), "%s", roots[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!is_root(others[i]), "%s", others[i]);
	answer(0, "/images/json",
	       "[{\"Id\": \"sha256:a1\", \"RepoTags\": [\"web:1\"]}, {\"Id\": \"sha256:b2\", "
	       "\"RepoTags\": [\"<none>:<none>\"]}]",
	       0);
	answer(1, "/images/sha256:a1/", "{\"Config\": {\"User\": \"\"}}", 0);
	answer(2, "/images/sha256:b2/", "{\"Config\": {\"User\": \"app\"}}", 0);
	with_plan(only_images, "version: 1\n");
	is("image-user", FINDING_NOTED, NULL);
	ck_assert_str_eq(found("image-user")->found, "web:1");
	ck_assert_str_eq(found("image-user")->why, "GET /images/ID/json");
	answer(2, "/images/sha256:b2/", "{\"Config\": {}}", 0);
	with_plan(only_images, "version: 1\n");
	ck_assert_str_eq(found("image-user")->found, "web:1, sha256:b2");
	answer(1, "/images/sha256:a1/", "{\"Config\": {\"User\": \"app\"}}", 0);
	answer(2, "/images/sha256:b2/", "{\"Config\": {\"User\": \"1\"}}", 0);
	with_plan(only_images, "version: 1\n");
	is("image-user", FINDING_OK, NULL);
	/* One that can't be looked at is no ok; a daemon that hangs is not asked again. */
	answer(2, "/images/sha256:b2/", NULL, -ENOENT);
	with_plan(only_images, "version: 1\n");
	is("image-user", FINDING_SKIPPED, "1 of 2 images were not looked at");
	answer(1, "/images/sha256:a1/", NULL, -ETIMEDOUT);
	n_asked = 0;
	with_plan(only_images, "version: 1\n");
	is("image-user", FINDING_SKIPPED, "2 of 2 images");
	ck_assert_uint_eq(n_asked, 2);
	/* Names of another path are not asked for, and no more than so many. */
	buf_adds(&many, "[{\"Id\": \"../../containers/x\"}");
	for (size_t i = 0; i < 300; i++)
		buf_adds(&many, ", {\"Id\": \"sha256:a1\", \"RepoTags\": null}");
	buf_adds(&many, "]");
	answer(0, "/images/json", many.data, 0);
	answer(1, "/images/sha256:a1/", "{\"Config\": null}", 0);
	n_asked = 0;
	with_plan(only_images, "version: 1\n");
	ck_assert_uint_eq(n_asked, IMAGES_MAX);
	is("image-user", FINDING_NOTED, "102 of 301 images were not looked at");
	ck_assert_str_eq(found("image-user")->found,
			 "sha256:a1, sha256:a1, sha256:a1, sha256:a1, sha256:a1 and 194 more");
}
END_TEST

/* --- AppArmor --- */

/* Told whatever the plan says, once. */
START_TEST(apparmor_always)
{
	static const char on[] = "/sys/module/apparmor/parameters/enabled",
			  loaded[] = "/sys/kernel/security/apparmor/profiles",
			  plan[] = "version: 1\n";

	with_plan(observe, plan);
	ck_assert(none("apparmor"));
	put(on, "N\n");
	with_plan(observe, plan);
	ck_assert(none("apparmor"));
	put(on, "Y\n");
	with_plan(observe, plan);
	is("apparmor", FINDING_SKIPPED, loaded);
	put(loaded, "/usr/bin/man (enforce)\n");
	with_plan(observe, plan);
	is("apparmor", FINDING_NOTED, "not loaded");
	ck_assert_str_eq(found("apparmor")->module, "observe");
	ck_assert_ptr_null(found("apparmor")->cis);
	put(loaded, "docker-default (complain)\n");
	with_plan(observe, plan);
	is("apparmor", FINDING_NOTED, "the profile only logs");
	put(loaded, "docker-default (enforce)\n");
	with_plan(observe, plan);
	is("apparmor", FINDING_OK, loaded);
	with_plan(observe, "version: 1\nselinux: {}\n"); /* that module tells */
	ck_assert(none("apparmor"));
	live = false;
	with_plan(observe, plan);
	ck_assert(none("apparmor"));
	live = true;
	ck_assert_int_eq(unlink(at(SERVICE)), 0);
	host_forget(host);
	with_plan(observe, plan);
	is("apparmor", FINDING_SKIPPED, "not installed");
	/* What can't be looked at is no reason for a check to fail. */
	ck_assert_int_eq(unlink(at(on)), 0);
	put_dir(on);
	with_plan(observe, plan);
	is("apparmor", FINDING_SKIPPED, on);
}
END_TEST

/* Offline, or with the daemon down, every control that would have been looked at is skipped. */
START_TEST(nobody_answers)
{
	with_plan(observe, "version: 1\n");
	ck_assert_str_eq(f.list[f.n - 1].module, "observe");
	ck_assert_ptr_null(f.list[f.n - 1].setting);
	ck_assert_int_eq(f.list[f.n - 1].state, FINDING_SKIPPED);
	ck_assert_ptr_nonnull(strstr(f.list[f.n - 1].cis, "1.1.1"));
	ck_assert_ptr_nonnull(strstr(f.list[f.n - 1].cis, "2.7,"));
	ck_assert_ptr_nonnull(strstr(f.list[f.n - 1].cis, "2.12"));
	is("fixes", FINDING_SKIPPED, NULL);
}
END_TEST

/* Left out of the plan, it is told with the reason; in it, it is the client module's to tell. */
START_TEST(unsigned_images)
{
	with_plan(observe, "version: 1\n");
	is("content-trust", FINDING_SKIPPED, "stops pulls and builds");
	ck_assert_str_eq(found("content-trust")->cis, "4.5");
	with_plan(observe, "version: 1\nclient: {content-trust: false}\n");
	is("content-trust", FINDING_SKIPPED, NULL);
	with_plan(observe, "version: 1\nclient: {content-trust: true}\n");
	ck_assert(none("content-trust"));
}
END_TEST

static bool plain(const char *plan, const char *says)
{
	host_forget(host);
	with_plan(observe_plaintext, plan);
	ck_assert_uint_le(f.n, 1);
	if (!f.n)
		return false;
	ck_assert(f.list[0].state == FINDING_FAILED && streq(f.list[0].cis, "2.7"));
	ck_assert_msg(strstr(f.list[0].why, says), "%s", f.list[0].why);
	return true;
}

START_TEST(plaintext)
{
	static const char plan[] = "version: 1\ndaemon: {icc: false}\n";

	ck_assert(!plain(plan, ""));
	put(CONFIG, "{\"hosts\": [\"tcp://127.0.0.1:2375\"]}");
	ck_assert(plain(plan, CONFIG));
	ck_assert_str_eq(f.list[0].found, "tcp://127.0.0.1:2375");
	put(CONFIG, "{\"tlsverify\": true, \"hosts\": [\"tcp://127.0.0.1:2375\"]}");
	ck_assert(!plain(plan, ""));
	put(CONFIG, "{}");
	put(SOCKET, "[Socket]\nListenStream=/run/docker.sock\nListenStream=2375\n");
	ck_assert(plain(plan, SOCKET));
	put(SOCKET, "[Socket]\nListenStream=/run/docker.sock\n");
	put(SERVICE, "[Service]\nExecStart=/usr/bin/dockerd --tlsverify -H tcp://:2376\n");
	ck_assert(!plain(plan, ""));
	put(SERVICE, "[Service]\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375\n");
	ck_assert(plain(plan, SERVICE));
	/* What hardens no daemon judges none; a tls section has its own word. */
	ck_assert(!plain("version: 1\n", ""));
	ck_assert(!plain("version: 1\ndaemon: {}\ntls: {make: true}\n", ""));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, fixes_by_version);
	tcase_add_test(tc, partitions);
	tcase_add_test(tc, encryption);
	tcase_add_test(tc, tcp_ports);
	tcase_add_test(tc, plaintext);
	tcase_add_test(tc, default_settings);
	tcase_add_test(tc, plan_says_otherwise);
	tcase_add_test(tc, old_containers);
	tcase_add_test(tc, users_of_images);
	tcase_add_test(tc, apparmor_always);
	tcase_add_test(tc, nobody_answers);
	tcase_add_test(tc, unsigned_images);
}

UNIT_MAIN("observe")
