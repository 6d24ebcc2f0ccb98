/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/daemon_keys.h"

/* Answers as Docker 28.5 gives them, cut down to what is asked. */
static const char info_28[] =
	"{\"ServerVersion\": \"28.5.2\", \"Driver\": \"overlay2\", \"LoggingDriver\": \"journald\","
	" \"CgroupDriver\": \"systemd\", \"Debug\": false, \"LiveRestoreEnabled\": true,"
	" \"ExperimentalBuild\": false, \"DefaultRuntime\": \"runc\", \"IPv4Forwarding\": true,"
	" \"DockerRootDir\": \"/var/lib/docker/2000224256.2000224256\","
	" \"Labels\": [\"a=b\", \"c=d\"],"
	" \"HttpProxy\": \"http://xxxxx:xxxxx@proxy:3128\", \"HttpsProxy\": \"\","
	" \"NoProxy\": \"localhost\","
	" \"Plugins\": {\"Log\": [\"json-file\"], \"Authorization\": [\"opa\", \"casbin\"]},"
	" \"SecurityOptions\": [\"name=apparmor\", \"name=seccomp,profile=builtin\","
	" \"name=cgroupns\", \"name=userns\", \"name=no-new-privileges\"],"
	" \"DefaultAddressPools\": [{\"Base\": \"10.10.0.0/16\", \"Size\": 24}],"
	" \"RegistryConfig\": {\"InsecureRegistryCIDRs\": [\"::1/128\", \"127.0.0.0/8\","
	" \"10.0.0.0/8\"], \"IndexConfigs\": {\"docker.io\": {\"Secure\": true},"
	" \"reg.example:5000\": {\"Secure\": false}}, \"Mirrors\": [\"https://m.example/\"]},"
	" \"Runtimes\": {\"runc\": {\"path\": \"runc\"},"
	" \"runsc\": {\"path\": \"/usr/bin/runsc\", \"runtimeArgs\": [\"--x\"]}},"
	" \"Containerd\": {\"Address\": \"/run/containerd/containerd.sock\"},"
	" \"FirewallBackend\": {\"Driver\": \"iptables+firewalld\"}}";

static const char info_20[] =
	"{\"ServerVersion\": \"20.10.24\", \"DockerRootDir\": \"/var/lib/docker\","
	" \"SecurityOptions\": [\"name=seccomp,profile=default\"],"
	" \"Plugins\": {\"Authorization\": null},"
	" \"RegistryConfig\": {\"Mirrors\": null, \"AllowNondistributableArtifactsCIDRs\": [],"
	" \"AllowNondistributableArtifactsHostnames\": [\"r.example\"]}}";

static const char bridge[] = "{\"EnableIPv6\": false, \"Options\": {"
			     "\"com.docker.network.bridge.enable_icc\": \"false\","
			     "\"com.docker.network.bridge.host_binding_ipv4\": \"127.0.0.1\"}}";

static json_t *load(const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);

	ck_assert_msg(j, "%s", text);
	return j;
}

/* The state, and what was found as text in `found` (may be NULL). */
static enum proof_state proved(const char *info, const char *key, const char *wanted,
			       char found[256])
{
	json_t *i = load(info), *b = load(bridge), *v = load("{\"MinAPIVersion\": \"1.44\"}");
	struct daemon_seen seen = { .info = i,
				    .bridge = b,
				    .version = v,
				    .engine = info == info_20 ? VERSION(20, 10) : VERSION(28, 5),
				    .remap_known = true,
				    .remap_uid = 2000224256,
				    .remap_gid = 2000224256 };
	json_t *want = load(wanted);
	struct proof p = { 0 };
	enum proof_state state;
	struct err e;

	ck_assert_int_eq(daemon_prove(field_find(daemon_keys, key), want, &seen, &p, &e), 0);
	state = p.state;
	ck_assert((state == PROOF_NONE) == (p.why != NULL));
	ck_assert((state != PROOF_NONE) == (p.by != NULL && p.found != NULL));
	if (found) {
		char *text = p.found ? json_dumps(p.found, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;

		snprintf(found, 256, "%s", text ? text : p.why);
		free(text);
	}
	proof_done(&p);
	json_decref(want);
	json_decref(i);
	json_decref(b);
	json_decref(v);
	return state;
}

START_TEST(proofs)
{
	static const struct {
		const char *key, *wanted;
		enum proof_state state;
	} t[] = {
		{ "debug", "false", PROOF_OK },
		{ "debug", "true", PROOF_DIFFERS },
		{ "live-restore", "true", PROOF_OK },
		{ "log-driver", "\"journald\"", PROOF_OK },
		{ "log-driver", "\"json-file\"", PROOF_DIFFERS },
		{ "storage-driver", "\"overlay2\"", PROOF_OK },
		{ "default-runtime", "\"runsc\"", PROOF_DIFFERS },
		{ "icc", "false", PROOF_OK },
		{ "icc", "true", PROOF_DIFFERS },
		{ "ip", "\"127.0.0.1\"", PROOF_OK },
		{ "ip", "\"0.0.0.0\"", PROOF_DIFFERS },
		{ "ip", "\"::1\"", PROOF_NONE },
		{ "ipv6", "false", PROOF_OK },
		{ "ipv6", "true", PROOF_DIFFERS },
		{ "no-new-privileges", "true", PROOF_OK },
		{ "no-new-privileges", "false", PROOF_DIFFERS },
		{ "selinux-enabled", "true", PROOF_DIFFERS },
		{ "selinux-enabled", "false", PROOF_OK },
		{ "rootless", "false", PROOF_OK },
		{ "default-cgroupns-mode", "\"private\"", PROOF_OK },
		{ "default-cgroupns-mode", "\"host\"", PROOF_DIFFERS },
		{ "seccomp-profile", "\"builtin\"", PROOF_OK },
		{ "seccomp-profile", "\"unconfined\"", PROOF_DIFFERS },
		{ "seccomp-profile", "\"/etc/s.json\"", PROOF_DIFFERS },
		{ "userns-remap", "\"dockremap\"", PROOF_OK },
		{ "data-root", "\"/var/lib/docker\"", PROOF_OK },
		{ "data-root", "\"/srv/docker\"", PROOF_DIFFERS },
		{ "authorization-plugins", "[\"opa\", \"casbin\"]", PROOF_OK },
		{ "authorization-plugins", "[\"casbin\", \"opa\"]", PROOF_DIFFERS },
		{ "labels", "[\"c=d\", \"a=b\"]", PROOF_OK },
		{ "labels", "[\"a=b\"]", PROOF_DIFFERS },
		{ "default-address-pools", "[{\"base\": \"10.10.0.0/16\", \"size\": 24}]",
		  PROOF_OK },
		{ "default-address-pools", "[{\"base\": \"10.10.0.0/16\", \"size\": 25}]",
		  PROOF_DIFFERS },
		{ "default-address-pools", "[]", PROOF_DIFFERS },
		{ "exec-opts", "[\"native.cgroupdriver=systemd\"]", PROOF_OK },
		{ "exec-opts", "[\"native.cgroupdriver=cgroupfs\"]", PROOF_DIFFERS },
		{ "firewall-backend", "\"iptables\"", PROOF_OK },
		{ "firewall-backend", "\"nftables\"", PROOF_DIFFERS },
		{ "insecure-registries", "[\"reg.example:5000\", \"10.0.0.0/8\"]", PROOF_OK },
		{ "insecure-registries", "[\"reg.example:5000\"]", PROOF_DIFFERS },
		{ "insecure-registries", "[]", PROOF_DIFFERS },
		{ "registry-mirrors", "[\"https://m.example\"]", PROOF_OK },
		{ "registry-mirrors", "[\"https://m.example/\"]", PROOF_OK },
		{ "registry-mirrors", "[\"https://m.exampl\"]", PROOF_DIFFERS },
		{ "registry-mirrors", "[]", PROOF_DIFFERS },
		{ "proxies", "{\"http-proxy\": \"http://joe:secret@proxy:3128\"}", PROOF_OK },
		{ "proxies", "{\"http-proxy\": \"http://proxy:3128\"}", PROOF_DIFFERS },
		{ "proxies", "{\"http-proxy\": \"https://joe:secret@proxy:3128\"}", PROOF_DIFFERS },
		{ "proxies", "{\"no-proxy\": \"localhost\"}", PROOF_OK },
		{ "runtimes", "{\"runsc\": {\"path\": \"/usr/bin/runsc\"}}", PROOF_OK },
		{ "runtimes", "{\"runsc\": {\"path\": \"/usr/bin/other\"}}", PROOF_DIFFERS },
		{ "runtimes", "{\"kata\": {\"runtimeType\": \"x\"}}", PROOF_DIFFERS },
		{ "ip-forward", "true", PROOF_OK },
		{ "ip-forward", "false", PROOF_NONE },
		{ "containerd", "\"/run/containerd/containerd.sock\"", PROOF_OK },
		{ "min-api-version", "\"1.44\"", PROOF_OK },
		{ "min-api-version", "\"1.24\"", PROOF_DIFFERS },
		{ "log-opts", "{\"tag\": \"x\"}", PROOF_NONE },
		{ "userland-proxy", "false", PROOF_NONE },
		{ "hosts", "[\"fd://\"]", PROOF_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		ck_assert_msg(proved(info_28, t[i].key, t[i].wanted, NULL) == t[i].state, "%s: %s",
			      t[i].key, t[i].wanted);
}
END_TEST

START_TEST(old_engine)
{
	char found[256];

	ck_assert(proved(info_20, "no-new-privileges", "true", found) == PROOF_NONE);
	ck_assert_ptr_nonnull(strstr(found, "24.0"));
	ck_assert(proved(info_20, "seccomp-profile", "\"builtin\"", NULL) == PROOF_OK);
	ck_assert(proved(info_20, "userns-remap", "\"dockremap\"", found) == PROOF_DIFFERS);
	ck_assert_str_eq(found, "\"user namespaces are off\"");
	ck_assert(proved(info_20, "authorization-plugins", "[]", NULL) == PROOF_OK);
	ck_assert(proved(info_20, "authorization-plugins", "[\"a\"]", NULL) == PROOF_DIFFERS);
	ck_assert(proved(info_20, "containerd", "\"/run/c.sock\"", NULL) == PROOF_NONE);
	ck_assert(proved(info_20, "registry-mirrors", "[]", NULL) == PROOF_OK);
	ck_assert(proved(info_20, "allow-nondistributable-artifacts", "[\"r.example\"]", NULL) ==
		  PROOF_OK);
}
END_TEST

START_TEST(other_ranges)
{
	static const char other[] = "{\"DockerRootDir\": \"/var/lib/docker/100000.100000\","
				    "\"SecurityOptions\": [\"name=userns\"]}";
	char found[256];

	ck_assert(proved(other, "userns-remap", "\"dockremap\"", found) == PROOF_DIFFERS);
	ck_assert_str_eq(found, "\"ids from 100000 and 100000\"");
}
END_TEST

START_TEST(nothing_is_guessed)
{
	static const char *const answers[] = { "{}", "[]", "null", "3",
					       "{\"SecurityOptions\": 1, \"DockerRootDir\": 2, "
					       "\"RegistryConfig\": [], \"Plugins\": \"\", "
					       "\"Runtimes\": 0, \"FirewallBackend\": \"\"}" };

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		ck_assert(proved(answers[i], "seccomp-profile", "\"builtin\"", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "userns-remap", "\"d\"", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "data-root", "\"/d\"", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "live-restore", "true", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "runtimes", "{}", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "registry-mirrors", "[]", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "insecure-registries", "[]", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "authorization-plugins", "[]", NULL) == PROOF_NONE);
		ck_assert(proved(answers[i], "firewall-backend", "\"iptables\"", NULL) ==
			  PROOF_NONE);
		ck_assert(proved(answers[i], "proxies", "{\"no-proxy\": \"x\"}", NULL) ==
			  PROOF_NONE);
	}
}
END_TEST

START_TEST(remap_of_root)
{
	uint64_t u, g;
	size_t n;

	ck_assert(data_root_remap("/var/lib/docker/231072.165536", &n, &u, &g));
	ck_assert_uint_eq(n, strlen("/var/lib/docker"));
	ck_assert_uint_eq(u, 231072);
	ck_assert_uint_eq(g, 165536);
	ck_assert(!data_root_remap("/var/lib/docker", &n, &u, &g));
	ck_assert(!data_root_remap("/var/lib/docker/a.1", &n, &u, &g));
	ck_assert(!data_root_remap("/var/lib/docker/1.", &n, &u, &g));
	ck_assert(!data_root_remap("/var/lib/docker/1.2.3", &n, &u, &g));
	ck_assert(!data_root_remap("/1.2", &n, &u, &g));
	ck_assert(!data_root_remap("", &n, &u, &g));
	ck_assert(!data_root_remap("/x/99999999999999999999999999.1", &n, &u, &g));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, proofs);
	tcase_add_test(tc, old_engine);
	tcase_add_test(tc, other_ranges);
	tcase_add_test(tc, nothing_is_guessed);
	tcase_add_test(tc, remap_of_root);
}

UNIT_MAIN("daemon_proof")
