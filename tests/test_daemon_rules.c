/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

START_TEST(plan_alone)
{
	static const struct {
		unsigned engine;
		const char *doc, *text;
	} t[] = {
		{ 0, "{}", NULL },
		{ 0, "{\"icc\": false}", NULL },
		{ 0, "{\"icc\": false, \"iptables\": true}", NULL },
		{ 0, "{\"icc\": false, \"iptables\": false}", "`icc: false` needs `iptables`" },
		{ 0, "{\"bip\": \"10.0.0.1/24\", \"bridge\": \"br0\"}", "exclude each other" },
		{ 0, "{\"bip\": \"10.0.0.1/24\", \"bridge\": \"\"}", NULL },
		{ 0, "{\"host-gateway-ip\": \"1.1.1.1\", \"host-gateway-ips\": []}", "exclude" },
		{ V20, "{\"ip6tables\": true}", NULL }, /* the host's file may have the rest */
		{ V20, "{\"ip6tables\": true, \"experimental\": true}", NULL },
		{ V28, "{\"ip6tables\": true}", NULL },
		{ 0, "{\"default-address-pools\": [{\"base\": \"10.0.0.0/16\", \"size\": 24}]}",
		  NULL },
		{ 0, "{\"default-address-pools\": [{\"base\": \"10.0.0.0/16\", \"size\": 15}]}",
		  "/15" },
		{ 0, "{\"default-address-pools\": [{\"base\": \"10.0.0.0/16\", \"size\": 33}]}",
		  "/33" },
		{ 0, "{\"default-address-pools\": [{\"base\": \"fd00::/16\", \"size\": 64}]}",
		  NULL },
		/* TLS */
		{ 0, "{\"hosts\": [\"unix:///run/docker.sock\"]}", NULL },
		{ 0, "{\"hosts\": [\"tcp://0.0.0.0:2375\"]}", "whoever reaches the port is root" },
		{ 0, "{\"hosts\": [\"tcp://127.0.0.1:2375\"], \"tls\": true}", "tlsverify" },
		{ 0, "{\"hosts\": [\"tcp://0.0.0.0:2376\"], \"tlsverify\": true}", NULL },
		{ 0, "{\"tlscert\": \"/c\"}", "does not turn TLS on" },
		{ 0, "{\"tlscert\": \"/c\", \"tls\": false}", "does not turn TLS on" },
		{ 0, "{\"tlscert\": \"/c\", \"tls\": true}", NULL },
		{ 0, "{\"tlscert\": \"/c\", \"tlsverify\": true}", NULL },
		/* logging */
		{ 0, "{\"log-opts\": {\"max-size\": \"10m\", \"tag\": \"x\"}}", NULL },
		{ 0, "{\"log-opts\": {\"max-sise\": \"10m\"}}", "did you mean max-size?" },
		{ 0, "{\"log-driver\": \"journald\", \"log-opts\": {\"max-size\": \"1m\"}}",
		  "the log driver journald has no such option" },
		{ 0, "{\"log-driver\": \"local\", \"log-opts\": {\"tag\": \"x\"}}", "local" },
		{ 0, "{\"log-driver\": \"none\", \"log-opts\": {\"any\": \"x\"}}", NULL },
		{ 0, "{\"log-driver\": \"acme/log\", \"log-opts\": {\"any\": \"x\"}}", NULL },
		{ 0, "{\"log-opts\": {\"mode\": \"async\"}}", "blocking or non-blocking" },
		{ 0, "{\"log-opts\": {\"max-buffer-size\": \"1m\"}}", "non-blocking" },
		{ 0, "{\"log-opts\": {\"max-buffer-size\": \"1m\", \"mode\": \"non-blocking\"}}",
		  NULL },
		{ 0, "{\"log-driver\": \"etwlogs\"}", "Windows" },
		{ VERSION(24, 0), "{\"log-driver\": \"logentries\"}", NULL },
		{ VERSION(25, 0), "{\"log-driver\": \"logentries\"}", "gone since Docker 25.0" },
		/* runtimes, cgroups */
		{ 0, "{\"default-runtime\": \"runc\"}", NULL },
		{ 0, "{\"default-runtime\": \"io.containerd.runc.v2\"}", NULL },
		{ 0, "{\"default-runtime\": \"runsc\"}", NULL },
		{ 0, "{\"default-runtime\": \"x\", \"runtimes\": {\"x\": {\"path\": \"/x\"}}}",
		  NULL },
		{ 0, "{\"runtimes\": {\"runc\": {\"path\": \"/x\"}}}", "Docker's own" },
		{ 0, "{\"runtimes\": {\"x\": {}}}", "one of them" },
		{ 0, "{\"runtimes\": {\"x\": {\"path\": \"/x\", \"runtimeType\": \"y\"}}}",
		  "one of them" },
		{ 0, "{\"runtimes\": {\"x\": {\"runtimeArgs\": [], \"runtimeType\": \"y\"}}}",
		  "runtimeArgs" },
		{ V20, "{\"runtimes\": {\"x\": {\"runtimeType\": \"y\"}}}", "23.0" },
		{ 0, "{\"exec-opts\": [\"native.cgroupdriver=systemd\"]}", NULL },
		{ 0, "{\"exec-opts\": [\"native.cgroupdriver=Systemd\"]}", "systemd or cgroupfs" },
		{ 0, "{\"exec-opts\": [\"native.cgroupdrive=systemd\"]}", "the only option" },
		{ 0, "{\"cgroup-parent\": \"/x\"}", NULL },
		{ 0,
		  "{\"cgroup-parent\": \"/x\", \"exec-opts\": [\"native.cgroupdriver=systemd\"]}",
		  ".slice" },
		{ 0,
		  "{\"cgroup-parent\": \".slice\", \"exec-opts\": "
		  "[\"native.cgroupdriver=systemd\"]}",
		  ".slice" },
		{ 0,
		  "{\"cgroup-parent\": \"a.slice\", \"exec-opts\": "
		  "[\"native.cgroupdriver=systemd\"]}",
		  NULL },
		/* limits */
		{ 0,
		  "{\"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\", \"Soft\": 1, \"Hard\": "
		  "2}}}",
		  NULL },
		{ 0, "{\"default-ulimits\": {\"nofile\": {\"Soft\": 1, \"Hard\": -1}}}", NULL },
		{ 0, "{\"default-ulimits\": {\"nofile\": {\"Soft\": -1, \"Hard\": 1}}}",
		  "Soft is above Hard" },
		{ 0, "{\"default-ulimits\": {\"nofile\": {\"Soft\": 2, \"Hard\": 1}}}",
		  "Soft is above Hard" },
		{ 0, "{\"default-ulimits\": {\"nofiles\": {\"Soft\": 1, \"Hard\": 1}}}",
		  "did you mean nofile?" },
		{ 0,
		  "{\"default-ulimits\": {\"nofile\": {\"Name\": \"nproc\", \"Soft\": 1, \"Hard\": "
		  "1}}}",
		  "the same" },
		/* storage, user namespaces */
		{ V28, "{\"storage-driver\": \"overlay2\"}", NULL },
		{ V28, "{\"storage-driver\": \"overlay3\"}", "no such driver" },
		{ V28, "{\"storage-driver\": \"aufs\"}", "gone since Docker 24.0" },
		{ V20, "{\"storage-driver\": \"aufs\"}", NULL },
		{ V28, "{\"storage-driver\": \"acme/graph:1\"}", NULL },
		{ V29, "{\"storage-driver\": \"stargz\"}", NULL },
		{ 0, "{\"storage-driver\": \"stargz\"}", NULL },
		{ V28,
		  "{\"storage-driver\": \"stargz\", \"features\": {\"containerd-snapshotter\": "
		  "true}}",
		  NULL },
		{ V20, "{\"graph\": \"/a\", \"data-root\": \"/b\"}", "old name" },
		{ 0, "{\"features\": {\"containerd-snapshoter\": true}}",
		  "did you mean containerd-snapshotter?" },
		{ 0, "{\"features\": {\"something-new\": true}}", NULL },
		{ 0, "{\"userns-remap\": \"root\"}", "user namespaces off" },
		{ 0, "{\"userns-remap\": \"0\"}", "user namespaces off" },
		{ 0, "{\"userns-remap\": \"0:0\"}", "user namespaces off" },
		{ 0, "{\"userns-remap\": \"rooty\"}", NULL },
		{ V28,
		  "{\"userns-remap\": \"a\", \"features\": {\"containerd-snapshotter\": true}}",
		  NULL },
		{ V29,
		  "{\"userns-remap\": \"a\", \"features\": {\"containerd-snapshotter\": true}}",
		  "exclude each other from Docker 29 on" },
		{ V29,
		  "{\"userns-remap\": \"a\", \"features\": {\"containerd-snapshotter\": false}}",
		  NULL },
		{ V20, "{\"seccomp-profile\": \"unconfined\"}", "takes the word for a file" },
		{ V20, "{\"seccomp-profile\": \"builtin\"}", "leave the key out" },
		{ V28, "{\"seccomp-profile\": \"unconfined\"}", NULL },
		{ 0, "{\"shutdown-timeout\": 0}", "15 seconds" },
		{ 0, "{\"shutdown-timeout\": 30}", NULL },
		{ VERSION(27, 0), "{\"api-cors-header\": \"*\"}", "Docker 27" },
		{ VERSION(26, 0), "{\"api-cors-header\": \"*\"}", NULL },
		/* the default bridge's addresses */
		{ 0, "{\"bip\": \"172.17.0.1/16\"}", NULL },
		{ 0, "{\"bip\": \"172.17.0.0/16\"}", "the network's own address" },
		{ 0, "{\"bip\": \"172.17.255.255/16\"}", "the network's own broadcast address" },
		{ 0, "{\"bip\": \"10.0.0.0/31\"}", NULL },
		{ 0, "{\"bip\": \"10.0.0.0/0\", \"fixed-cidr\": \"10.0.0.0/8\"}", NULL },
		{ 0, "{\"bip\": \"10.0.0.5/32\"}", NULL },
		{ 0, "{\"bip\": \"10.1.0.1/20\", \"fixed-cidr\": \"10.1.8.0/24\"}", NULL },
		{ 0, "{\"bip\": \"10.1.0.1/20\", \"fixed-cidr\": \"10.1.16.0/24\"}",
		  "not inside `bip`" },
		{ 0, "{\"bip\": \"10.1.0.1/20\", \"fixed-cidr\": \"10.1.0.0/16\"}",
		  "not inside `bip`" },
		{ 0, "{\"bip\": \"10.1.0.1/20\", \"default-gateway\": \"10.1.15.254\"}", NULL },
		{ 0, "{\"bip\": \"10.1.0.1/20\", \"default-gateway\": \"10.1.16.1\"}",
		  "not in the network of `bip`" },
		{ 0, "{\"default-gateway\": \"10.1.16.1\", \"fixed-cidr\": \"10.2.0.0/16\"}",
		  NULL },
		/* registries, labels */
		{ V20, "{\"registry-mirrors\": [\"https://m.example/\"]}", NULL },
		{ V20, "{\"registry-mirrors\": [\"https://m.example/a\"]}", "takes no path" },
		{ V28, "{\"registry-mirrors\": [\"https://m.example/a\"]}", NULL },
		{ 0, "{\"labels\": [\"a=b\", \"a=b\", \"ab=c\"]}", NULL },
		{ 0, "{\"labels\": [\"a=b\", \"x=y\", \"a=c\"]}", "a is there twice" },
		/* log sizes */
		{ 0, "{\"log-opts\": {\"max-size\": \"-1\", \"max-file\": \"1\"}}", NULL },
		{ 0, "{\"log-opts\": {\"max-size\": \"10mb\"}}", NULL },
		{ 0, "{\"log-opts\": {\"max-size\": \"10x\"}}", "`log-opts.max-size: 10x`" },
		{ 0, "{\"log-opts\": {\"max-size\": \"0\"}}", "max-size" },
		{ 0, "{\"log-opts\": {\"max-size\": \"\"}}", "max-size" },
		{ 0, "{\"log-opts\": {\"max-size\": \"-2\"}}", "max-size" },
		{ 0, "{\"log-driver\": \"local\", \"log-opts\": {\"max-file\": \"0\"}}",
		  "max-file" },
		{ 0, "{\"log-opts\": {\"max-file\": \"3.5\"}}", "max-file" },
		{ 0, "{\"log-opts\": {\"max-file\": \"\"}}", "max-file" },
		{ 0, "{\"log-driver\": \"acme\", \"log-opts\": {\"max-file\": \"x\"}}", NULL },
		/* storage options */
		{ 0,
		  "{\"storage-opts\": [\"overlay2.size=10G\", \"dm.basesize=1G\", \"zfs.fsname=a\"]}",
		  NULL },
		{ 0, "{\"storage-opts\": [\"overlay2.sise=10G\"]}", "did you mean overlay2.size?" },
		{ 0, "{\"storage-opts\": [\"basesize=10G\"]}", "no storage driver has" },
		{ 0, "{\"storage-driver\": \"acme/graph:1\", \"storage-opts\": [\"any=1\"]}",
		  NULL },
		{ 0,
		  "{\"features\": {\"containerd-snapshotter\": true}, \"storage-opts\": "
		  "[\"any=1\"]}",
		  NULL },
		/* series */
		{ V20, "{\"proxies\": {\"no-proxy\": \"x\"}}",
		  "Docker 20.10.24 on this host does not know it; known since 23.0" },
		{ V20, "{\"default-network-opts\": {}}", "takes the key and ignores it" },
		{ V28, "{\"allow-nondistributable-artifacts\": []}", "ignores it" },
		{ V28, "{\"api-cors-header\": \"*\"}", "known before 28.0" },
		{ 0, "{\"resolv-conf\": \"/x\"}", "write `dns`" },
		{ 0, "{\"http-proxy\": \"x\"}", "proxies: {http-proxy" },
		{ 0, "{\"containerd-plugins-namespace\": \"x\"}", "ignores it" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		expect(t[i].engine, t[i].doc, t[i].text);
}
END_TEST

/* The other half stands in the file: it is the plan's mistake, and the text says where. */
START_TEST(half_in_the_file)
{
	struct run r = { .doc = "{\"icc\": false, \"iptables\": false}",
			 .plan = "{\"icc\": false}" };

	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	ck_assert_uint_eq(r.fatal.n, 0);
	ck_assert_ptr_nonnull(
		strstr(r.mistakes.list[0].text, "`iptables` stands in /etc/docker/daemon.json"));
	run_done(&r);
	r.plan = "{\"debug\": true}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	ck_assert_uint_eq(r.fatal.n, 1);
	run_done(&r);
	/* starts, but unsafe */
	r.doc = "{\"tlscert\": \"/c\"}";
	run(&r);
	ck_assert_uint_eq(r.fatal.n, 0);
	ck_assert_uint_eq(r.warnings.n, 1);
	run_done(&r);
}
END_TEST

START_TEST(strangers)
{
	struct run r = { .doc = "{\"nonsense\": 1, \"label\": [\"a=b\"], \"gone\": null, "
				"\"hardening\": {\"icc\": true, \"x\": 1}}",
			 .plan = "{\"icc\": false}" };

	run(&r);
	ck_assert_uint_eq(r.fatal.n, 1);
	ck_assert_ptr_nonnull(strstr(r.fatal.list[0].text, "`nonsense`"));
	ck_assert_uint_eq(r.warnings.n, 1);
	ck_assert_ptr_nonnull(strstr(r.warnings.list[0].text, "the key is labels"));
	/* flattened: it would turn the plan's icc on again */
	ck_assert_uint_eq(r.mistakes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[0].text, "`icc` inside the unknown key"));
	run_done(&r);
}
END_TEST

START_TEST(flags)
{
	char *argv[] = { (char[]){ "/usr/sbin/dockerd" },
			 (char[]){ "-H" },
			 (char[]){ "fd://" },
			 (char[]){ "--iptables=false" },
			 (char[]){ "--http-proxy=http://p" },
			 (char[]){ "--add-runtime=x=/x" },
			 NULL };
	const struct engine_cmdline cmdline = { .installed = true,
						.argv = argv,
						.source = (char[]){ "/lib/docker.service" } };
	struct run r = { .doc = "{\"icc\": false}", .cmdline = &cmdline };

	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[0].text,
				     "`iptables` is on dockerd's command line, /lib/docker."
				     "service"));
	run_done(&r);
	r.doc = "{\"hosts\": [\"fd://\"]}"; /* equal values conflict too */
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[0].text, "/lib/docker.service"));
	run_done(&r);
	r.doc = "{\"proxies\": {\"http-proxy\": \"http://p\"}}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	run_done(&r);
	/* runtimes may stand in both; and a default may come from the flags */
	r.doc = "{\"runtimes\": {\"y\": {\"path\": \"/y\"}}, \"default-runtime\": \"x\"}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	run_done(&r);
}
END_TEST

START_TEST(tcp_flag)
{
	char *argv[] = { (char[]){ "/usr/bin/dockerd" }, (char[]){ "-H" },
			 (char[]){ "tcp://0.0.0.0:2375" }, NULL };
	const struct engine_cmdline cmdline = { .installed = true,
						.argv = argv,
						.source = (char[]){ "/u" } };
	struct run r = { .doc = "{\"debug\": false}", .cmdline = &cmdline };

	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	ck_assert_uint_eq(r.warnings.n, 1);
	run_done(&r);
	r.doc = "{\"tlsverify\": true}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n + r.warnings.n + r.fatal.n, 0);
	run_done(&r);
}
END_TEST

START_TEST(swarm)
{
	struct run r = { .doc = "{\"live-restore\": true}",
			 .info = "{\"Swarm\": {\"LocalNodeState\": \"active\"}}" };

	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[0].text, "swarm node"));
	run_done(&r);
	r.info = "{\"Swarm\": {\"LocalNodeState\": \"inactive\"}}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	run_done(&r);
	r.info = "{\"Swarm\": {\"LocalNodeState\": \"active\"}}";
	r.doc = "{\"firewall-backend\": \"nftables\"}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 1);
	run_done(&r);
}
END_TEST

START_TEST(root_files)
{
	char *dir = tree_new();
	struct run r = { .doc = "{\"group\": \"api\", \"seccomp-profile\": \"/etc/docker/s.json\","
				"\"tlsverify\": true, \"tlskey\": \"/etc/docker/key.pem\","
				"\"tlscert\": \"/etc/group\", \"tlscacert\": \"/etc/group\","
				"\"log-driver\": \"jsonfile\", \"features\": {\"new\": true}}" };
	struct err e;

	tree_write(dir, "/etc/group", "root:x:0:\n", 0644);
	ck_assert_int_eq(host_open(dir, &r.host, &e), 0);
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 3);
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[0].text, "/etc/docker/key.pem"));
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[1].text, "/etc/docker/s.json"));
	ck_assert_ptr_nonnull(strstr(r.mistakes.list[2].text, "no such group"));
	/* may be a plugin, may be new: only warned of */
	ck_assert_uint_eq(r.warnings.n, 2);
	ck_assert_ptr_nonnull(strstr(r.warnings.list[0].text, "did you mean json-file?"));
	run_done(&r);
	tree_write(dir, "/etc/group", "root:x:0:\napi:x:990:\n", 0644);
	tree_write(dir, "/etc/docker/s.json", "{}", 0644);
	tree_write(dir, "/etc/docker/key.pem", "", 0400);
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	run_done(&r);
	r.doc = "{\"group\": \"docker\"}";
	run(&r);
	ck_assert_uint_eq(r.mistakes.n, 0);
	run_done(&r);
	host_free(r.host);
	tree_remove(dir);
}
END_TEST

/* What the rest of the document or the root has to have. */
START_TEST(needs)
{
	static const struct {
		unsigned engine;
		const char *doc, *text;
	} t[] = {
		{ VERSION(20, 10), "{\"ip6tables\": true}", "experimental" },
		{ VERSION(20, 10), "{\"ip6tables\": true, \"experimental\": true}", NULL },
		{ VERSION(28, 0), "{\"ip6tables\": true}", NULL },
		{ 0, "{\"default-runtime\": \"runsc\"}", "not one of `runtimes`" },
		{ VERSION(26, 1), "{\"ipv6\": true}", "needs `fixed-cidr-v6`" },
		{ VERSION(26, 1), "{\"ipv6\": true, \"fixed-cidr-v6\": \"fd00:1::/64\"}", NULL },
		{ VERSION(26, 1), "{\"ipv6\": true, \"bridge\": \"none\"}", NULL },
		{ VERSION(26, 1), "{\"ipv6\": false}", NULL },
		{ VERSION(27, 0), "{\"ipv6\": true}", NULL },
		{ 0, "{\"ipv6\": true}", NULL },
		{ 0, "{\"tls\": true}", "`tls` turns TLS on, which needs `tlscert` and `tlskey`" },
		{ 0, "{\"tls\": false}", NULL },
		{ 0, "{\"tls\": true, \"tlscert\": \"/there\", \"tlskey\": \"/there\"}", NULL },
		{ 0, "{\"tls\": true, \"tlscert\": \"/there\"}", "`tlskey`" },
		{ 0, "{\"tlsverify\": true, \"tlscert\": \"/there\", \"tlskey\": \"/there\"}",
		  "needs `tlscacert`" },
		{ 0, "{\"tlsverify\": false}", "`tlsverify` turns TLS on" },
		{ 0, "{\"bridge\": \"br0\"}", NULL },
		{ 0, "{\"bridge\": \"br1\"}", "no such interface" },
		{ 0, "{\"bridge\": \"br0/uevent\"}", "no such interface" },
		{ 0, "{\"bridge\": \"none\"}", NULL },
		{ 0, "{\"bridge\": \"docker0\"}", NULL },
		{ 0, "{\"runtimes\": {\"x\": {\"path\": \"/there\"}}}", NULL },
		{ 0, "{\"runtimes\": {\"x\": {\"path\": \"crun\"}}}", NULL },
		{ 0, "{\"runtimes\": {\"x\": {\"path\": \"/no/crun\"}}}", "there is no " },
		{ 0, "{\"seccomp-profile\": \"/there\"}", "is not a JSON object" },
		{ 0, "{\"seccomp-profile\": \"/list.json\"}", "is not a JSON object" },
		{ 0, "{\"seccomp-profile\": \"/fine.json\"}", NULL },
		{ 0, "{\"seccomp-profile\": \"/sys\"}", "/sys" },
	};
	char *argv[] = { (char[]){ "/usr/sbin/dockerd" }, NULL };
	const struct engine_cmdline cmdline = { .installed = true,
						.argv = argv,
						.source = (char[]){ "/u" } };
	char *dir = tree_new();
	struct host *h;
	struct err e;

	tree_write(dir, "/there", "{", 0644);
	tree_write(dir, "/list.json", "[]", 0644);
	tree_write(dir, "/fine.json", "{\"a\": 1, \"a\": 2}\n", 0644);
	tree_write(dir, "/sys/class/net/br0/uevent", "", 0644);
	ck_assert_int_eq(host_open(dir, &h, &e), 0);
	fake_live = true;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct run r = {
			.doc = t[i].doc, .engine = t[i].engine, .host = h, .cmdline = &cmdline
		};

		run(&r);
		ck_assert_msg(r.mistakes.n == (t[i].text != NULL), "%s: %zu", t[i].doc,
			      r.mistakes.n);
		ck_assert_msg(!t[i].text || strstr(r.mistakes.list[0].text, t[i].text), "%s: %s",
			      t[i].doc, t[i].text ? r.mistakes.list[0].text : "");
		run_done(&r);
	}
	fake_live = false;
	{
		/* an image: the bridge comes with its own boot; no Docker yet, no runtime yet */
		struct run r = { .doc = "{\"bridge\": \"br1\", \"runtimes\": "
					"{\"x\": {\"path\": \"/no\"}}}",
				 .host = h };

		run(&r);
		ck_assert_uint_eq(r.mistakes.n, 0);
		run_done(&r);
	}
	host_free(h);
	tree_remove(dir);
}
END_TEST

/* dockerd's own types, in what others wrote. */
START_TEST(types_of_others)
{
	static const struct {
		const char *doc, *text;
	} t[] = {
		{ "{\"icc\": \"false\"}", "`icc` has to be true or false" },
		{ "{\"icc\": null, \"dns\": [null]}", NULL },
		{ "{\"mtu\": 1.5}", "`mtu` has to be an integer" },
		{ "{\"hosts\": \"fd://\"}", "`hosts` has to be a list" },
		{ "{\"dns\": [\"1.1.1.1\", 8]}", "`dns[1]` has to be a string" },
		{ "{\"log-opts\": {\"max-size\": \"1m\", \"max-file\": 3}}",
		  "`log-opts.max-file` has to be a string" },
		{ "{\"default-shm-size\": 64}", "`default-shm-size` has to be a string" },
		{ "{\"selinux-enabled\": \"auto\"}", "true or false" },
		{ "{\"builder\": {\"gc\": {\"enabled\": 1}}}", "`builder.gc.enabled`" },
		{ "{\"builder\": {\"gc\": {\"policy\": [{\"filter\": {\"a\": 1}}]}, \"x\": 1}}",
		  NULL },
		{ "{\"builder\": []}", "`builder` has to be an object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct run r = { .doc = t[i].doc, .plan = "{}", .engine = V28 };

		run(&r);
		ck_assert_msg(!r.mistakes.n && r.fatal.n == (t[i].text != NULL), "%s: %zu",
			      t[i].doc, r.fatal.n);
		ck_assert_msg(!t[i].text || strstr(r.fatal.list[0].text, t[i].text), "%s: %s",
			      t[i].doc, t[i].text ? r.fatal.list[0].text : "");
		run_done(&r);
	}
}
END_TEST

/* Documents of others, with any type anywhere: no rule may trip over them. */
START_TEST(wrong_types)
{
	static const char *const values[] = { "null",
					      "0",
					      "-1",
					      "\"\"",
					      "\"x\"",
					      "true",
					      "[]",
					      "[null]",
					      "[1]",
					      "[\"\"]",
					      "[[]]",
					      "{}",
					      "{\"a\": null}",
					      "{\"a\": []}",
					      "{\"a\": {\"b\": 1}}",
					      "[{\"base\": 1, \"size\": []}]" };
	char doc[256];

	for (const struct field *f = daemon_keys; f->type; f++)
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			struct run r = { .doc = doc,
					 .plan = "{}",
					 .engine = V28,
					 .info = "{\"Swarm\": 1, \"Plugins\": {\"Log\": [1]}}" };

			snprintf(doc, sizeof(doc), "{\"%s\": %s}", f->name, values[i]);
			run(&r);
			ck_assert_uint_eq(r.mistakes.n, 0);
			run_done(&r);
		}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, plan_alone);
	tcase_add_test(tc, half_in_the_file);
	tcase_add_test(tc, strangers);
	tcase_add_test(tc, flags);
	tcase_add_test(tc, tcp_flag);
	tcase_add_test(tc, swarm);
	tcase_add_test(tc, root_files);
	tcase_add_test(tc, needs);
	tcase_add_test(tc, types_of_others);
	tcase_add_test(tc, wrong_types);
}

UNIT_MAIN("daemon_rules")
