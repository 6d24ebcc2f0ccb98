/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/engine.h"
#include "../src/buf.h"

#define UNIT "/usr/lib/systemd/system/docker.service"
#define DROP "/etc/systemd/system/docker.service.d/"

static char *dir;
static struct host *h;
static const struct engine_cmdline *c;

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

static int read_again(struct err *e)
{
	host_forget(h);
	return engine_cmdline(h, &c, e);
}

static void ck_argv(const char *want)
{
	struct buf b = BUF_INIT;
	struct err e;
	char *got;

	ck_assert_int_eq(read_again(&e), 0);
	ck_assert(c->installed);
	for (size_t i = 0; c->argv[i]; i++)
		buf_addf(&b, "%s%s", i ? "|" : "", c->argv[i]);
	got = buf_take(&b, NULL);
	ck_assert_str_eq(got, want);
	free(got);
}

/* The stock units of the packages. */
START_TEST(test_stock)
{
	setup();
	tree_write(dir, UNIT,
		   "[Unit]\nDescription=Docker Application Container Engine\n"
		   "[Service]\nType=notify\n"
		   "ExecStart=/usr/bin/dockerd -H fd:// "
		   "--containerd=/run/containerd/containerd.sock\n"
		   "ExecReload=/bin/kill -s HUP $MAINPID\nTimeoutStartSec=0\n",
		   0644);
	ck_argv("/usr/bin/dockerd|-H|fd://|--containerd=/run/containerd/containerd.sock");
	ck_assert_str_eq(c->source, UNIT);
	ck_assert_str_eq(c->config, "/etc/docker/daemon.json");
	ck_assert_ptr_null(c->env[0]);
	ck_assert_str_eq(engine_cmdline_flag(c, "hosts"), "-H");
	ck_assert_str_eq(engine_cmdline_flag(c, "containerd"),
			 "--containerd=/run/containerd/containerd.sock");
	ck_assert_ptr_null(engine_cmdline_flag(c, "icc"));

	tree_write(dir, UNIT,
		   "[Service]\nEnvironmentFile=-/etc/default/docker\n"
		   "ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS\n",
		   0644);
	ck_argv("/usr/sbin/dockerd|-H|fd://");
	tree_write(dir, "/etc/default/docker",
		   "# Use DOCKER_OPTS\nDOCKER_OPTS=\"--icc=false --config-file '/etc/d x.json'\"\n",
		   0644);
	ck_argv("/usr/sbin/dockerd|-H|fd://|--icc=false|--config-file|/etc/d x.json");
	ck_assert_str_eq(c->config, "/etc/d x.json");
	ck_assert_str_eq(engine_cmdline_flag(c, "icc"), "--icc=false");
	ck_assert_str_eq(c->env[0], "DOCKER_OPTS=--icc=false --config-file '/etc/d x.json'");

	/* RHEL 7 */
	tree_write(
		dir, UNIT,
		"[Service]\nEnvironmentFile=-/etc/sysconfig/docker\n"
		"ExecStart=/usr/bin/dockerd-current \\\n"
		"          --exec-opt native.cgroupdriver=systemd \\\n"
		"          $OPTIONS \\\n          $ADD_REGISTRY \\\n          $INSECURE_REGISTRY\n",
		0644);
	tree_write(dir, "/etc/sysconfig/docker",
		   "OPTIONS='--selinux-enabled --log-driver=journald'\nADD_REGISTRY=\n", 0644);
	ck_argv("/usr/bin/dockerd-current|--exec-opt|native.cgroupdriver=systemd|"
		"--selinux-enabled|--log-driver=journald");
	ck_assert_str_eq(engine_cmdline_flag(c, "exec-opts"), "--exec-opt");
	ck_assert_str_eq(engine_cmdline_flag(c, "selinux-enabled"), "--selinux-enabled");
	teardown();
}
END_TEST

START_TEST(test_dropins)
{
	struct err e;

	setup();
	tree_write(dir, UNIT, "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n", 0644);
	tree_write(dir, DROP "env.conf", "[Service]\nEnvironment=HTTP_PROXY=http://p:3128\n", 0644);
	tree_write(dir, DROP "hosts.conf", "[Service]\nExecStart=\nExecStart=dockerd --debug\n",
		   0644);
	tree_write(dir, "/usr/bin/dockerd", "", 0755);
	ck_argv("/usr/bin/dockerd|--debug");
	ck_assert_str_eq(c->source, DROP "hosts.conf");
	ck_assert_str_eq(c->env[0], "HTTP_PROXY=http://p:3128");

	/* What systemd refuses is told, with the files. */
	tree_write(dir, DROP "z.conf", "[Service]\nExecStart=/usr/bin/dockerd\n", 0644);
	ck_assert_int_eq(read_again(&e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "z.conf"));
	ck_assert_ptr_nonnull(strstr(e.text, "hosts.conf"));
	tree_write(dir, DROP "z.conf", "[Service]\nExecStart=\n", 0644);
	ck_assert_int_eq(read_again(&e), -EINVAL);
	tree_write(dir, DROP "z.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd 'x\n",
		   0644);
	ck_assert_int_eq(read_again(&e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "z.conf"));
	teardown();
}
END_TEST

START_TEST(test_absent)
{
	char path[4096];
	struct err e;

	setup();
	ck_assert_int_eq(read_again(&e), 0);
	ck_assert(!c->installed && !c->masked);
	ck_assert_str_eq(c->config, "/etc/docker/daemon.json");
	ck_assert_ptr_null(engine_cmdline_flag(c, "hosts"));
	tree_write(dir, UNIT, "[Service]\nExecStart=/usr/bin/dockerd\n", 0644);
	tree_write(dir, DROP "x", "", 0644);
	snprintf(path, sizeof(path), "%s/etc/systemd/system/docker.service", dir);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(read_again(&e), 0);
	ck_assert(!c->installed && c->masked);
	teardown();
}
END_TEST

/* Kept until it is forgotten. */
START_TEST(test_kept)
{
	const struct engine_cmdline *again;
	struct err e;

	setup();
	tree_write(dir, UNIT, "[Service]\nExecStart=/usr/bin/dockerd -D\n", 0644);
	ck_argv("/usr/bin/dockerd|-D");
	tree_write(dir, UNIT, "[Service]\nExecStart=/usr/bin/dockerd\n", 0644);
	ck_assert_int_eq(engine_cmdline(h, &again, &e), 0);
	ck_assert_ptr_eq(again, c);
	ck_argv("/usr/bin/dockerd");
	teardown();
}
END_TEST

START_TEST(test_flags)
{
	static const struct {
		const char *args, *key, *flag, *values; /* flag NULL: not set */
	} rows[] = {
		{ "-H fd:// -H unix:///x --host=tcp://:1", "hosts", "-H",
		  "fd://|unix:///x|tcp://:1" },
		{ "-Hfd://", "hosts", "-Hfd://", "fd://" },
		{ "-H=fd://", "hosts", "-H=fd://", "fd://" },
		{ "--host fd://", "hosts", "--host", "fd://" },
		{ "-H", "hosts", "-H", "" },
		{ "--icc=false", "icc", "--icc=false", "false" },
		{ "--icc false --ipv6", "icc", "--icc", "true" },
		{ "--iccx", "icc", NULL, "" },
		{ "--ic", "icc", NULL, "" },
		{ "-D", "debug", "-D", "true" },
		{ "-D=false", "debug", "-D=false", "false" },
		{ "-Dl debug", "log-level", "-Dl", "debug" },
		{ "-Dl --icc", "icc", NULL, "" }, /* the value of -l */
		{ "-Dl debug", "debug", "-Dl", "true" },
		{ "-ldebug", "log-level", "-ldebug", "debug" },
		{ "-s overlay2", "storage-driver", "-s", "overlay2" },
		{ "-G docker", "group", "-G", "docker" },
		{ "-b none", "bridge", "-b", "none" },
		{ "-p /x.pid", "pidfile", "-p", "/x.pid" },
		{ "-g /data", "graph", "-g", "/data" },
		{ "--label a --label=b", "labels", "--label", "a|b" },
		{ "--label --icc", "icc", NULL, "" }, /* the value of --label */
		{ "--label --icc", "labels", "--label", "--icc" },
		{ "-- --icc", "icc", NULL, "" },
		{ "--log-opt x=1 --insecure-registry r", "insecure-registries",
		  "--insecure-registry", "r" },
		{ "--log-opt x=1", "log-opts", "--log-opt", "x=1" },
		{ "--http-proxy http://p", "proxies", "--http-proxy", "http://p" },
		{ "--default-ulimit nofile=1", "default-ulimits", "--default-ulimit", "nofile=1" },
		{ "--add-runtime k=/k", "runtimes", "--add-runtime", "k=/k" },
		{ "--userns-remap=default", "userns-remap", "--userns-remap=default", "default" },
		{ "--userns-remap=default", "hosts", NULL, "" },
		{ "--host-gateway-ip=1.2.3.4", "host-gateway-ips", "--host-gateway-ip=1.2.3.4",
		  "1.2.3.4" },
		{ "--host-gateway-ip=1.2.3.4", "host-gateway-ip", "--host-gateway-ip=1.2.3.4",
		  "1.2.3.4" },
		{ "- -- x", "hosts", NULL, "" },
		{ "--new-flag=1", "new-flag", "--new-flag=1", "1" },
		{ "-xH fd://", "hosts", NULL, "" },
	};

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = BUF_INIT;
		const char *value, *flag;
		size_t pos = 0;
		struct err e;
		char *text, *got;

		ck_assert_int_ge(
			asprintf(&text, "[Service]\nExecStart=/usr/bin/dockerd %s\n", rows[i].args),
			0);
		tree_write(dir, UNIT, text, 0644);
		free(text);
		ck_assert_int_eq(read_again(&e), 0);
		flag = engine_cmdline_flag(c, rows[i].key);
		ck_assert_msg(!flag == !rows[i].flag && (!flag || streq(flag, rows[i].flag)),
			      "row %zu: %s", i, flag);
		for (size_t n = 0; (value = engine_cmdline_next(c, rows[i].key, &pos)); n++)
			buf_addf(&b, "%s%s", n ? "|" : "", value);
		got = buf_take(&b, NULL);
		ck_assert_msg(streq(got, rows[i].values), "row %zu: %s", i, got);
		free(got);
	}
	teardown();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_stock);
	tcase_add_test(tc, test_dropins);
	tcase_add_test(tc, test_absent);
	tcase_add_test(tc, test_kept);
	tcase_add_test(tc, test_flags);
}

UNIT_MAIN("engine_cmdline")
