/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Engine API proves about a setting. Nothing is guessed: a field that this engine's answer
 * does not have is "not shown", never "not so".
 */
#include "daemon_keys.h"

#define NOT_SHOWN "this engine's API does not show it"

void proof_done(struct proof *p)
{
	json_decref(p->found);
	*p = (struct proof){ 0 };
}

static int proof_none(struct proof *p, const char *why)
{
	*p = (struct proof){ .state = PROOF_NONE, .why = why };
	return 0;
}

/* `found` is taken over. */
static int proof_is(struct proof *p, bool same, const char *by, json_t *found, struct err *e)
{
	if (!found)
		return err_oom(e);
	*p = (struct proof){ .state = same ? PROOF_OK : PROOF_DIFFERS, .by = by, .found = found };
	return 0;
}

static int proof_equal(struct proof *p, const json_t *wanted, json_t *found, const char *by,
		       struct err *e)
{
	return proof_is(p, json_equal(wanted, found), by, json_incref(found), e);
}

int prove_member(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		 struct proof *ret, struct err *e)
{
	json_t *found = json_member(seen->info, k->member);

	if (!found)
		return proof_none(ret, NOT_SHOWN);
	return proof_equal(ret, wanted, found, "GET /info", e);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A list of strings, sorted, NULL-terminated; what is no string is left out. NULL: no memory. */
static const char **sorted(const json_t *list)
{
	const char **v = calloc(json_array_size(list) + 1, sizeof(*v));
	size_t i, n = 0;
	json_t *s;

	if (!v)
		return NULL;
	json_array_foreach (list, i, s)
		if (json_is_string(s))
			v[n++] = json_string_value(s);
	if (n)
		qsort(v, n, sizeof(*v), by_text);
	return v;
}

/* Two lists hold the same strings, in any order. */
static int proof_set(struct proof *p, const json_t *wanted, json_t *found, const char *by,
		     struct err *e)
{
	_cleanup_free_ const char **x = sorted(wanted), **y = sorted(found);
	size_t i = 0;

	if (!x || !y)
		return err_oom(e);
	while (x[i] && y[i] && streq(x[i], y[i]))
		i++;
	return proof_is(p, !x[i] && !y[i], by, json_incref(found), e);
}

int prove_set(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
	      struct proof *ret, struct err *e)
{
	json_t *found = json_member(seen->info, k->member);

	if (!json_is_array(found))
		return proof_none(ret, NOT_SHOWN);
	return proof_set(ret, wanted, found, "GET /info", e);
}

/* --- SecurityOptions: "name=seccomp,profile=builtin" --- */

static const char *security_option(const json_t *info, const char *name)
{
	const json_t *list = json_object_get(info, "SecurityOptions");
	size_t n = strlen(name), i;
	json_t *s;

	json_array_foreach (list, i, s) {
		const char *t = json_string_value(s);

		if (!t || !has_prefix(t, "name="))
			continue;
		t += 5;
		if (!strncmp(t, name, n) && (!t[n] || t[n] == ','))
			return t;
	}
	return NULL;
}

bool info_security(const json_t *info, const char *name)
{
	return security_option(info, name) != NULL;
}

static int prove_option(const char *name, const json_t *wanted, const struct daemon_seen *seen,
			struct proof *ret, struct err *e)
{
	bool on;

	if (!json_is_array(json_object_get(seen->info, "SecurityOptions")))
		return proof_none(ret, NOT_SHOWN);
	on = info_security(seen->info, name);
	return proof_is(ret, on == json_is_true(wanted), "GET /info: SecurityOptions",
			json_boolean(on), e);
}

int prove_security(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		   struct proof *ret, struct err *e)
{
	return prove_option(k->member, wanted, seen, ret, e);
}

int prove_nnp(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
	      struct proof *ret, struct err *e)
{
	/* moby 24.0 added name=no-new-privileges to SecurityOptions. */
	if (seen->engine < VERSION(24, 0))
		return proof_none(
			ret, "Docker shows it from 24.0 on; before, only a new container does");
	return prove_option(k->member, wanted, seen, ret, e);
}

int prove_cgroupns(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		   struct proof *ret, struct err *e)
{
	bool on;

	(void)k;
	if (!json_is_array(json_object_get(seen->info, "SecurityOptions")))
		return proof_none(ret, NOT_SHOWN);
	on = info_security(seen->info, "cgroupns");
	return proof_is(ret, on == streq(json_string_value(wanted), "private"),
			"GET /info: SecurityOptions", json_string(on ? "private" : "host"), e);
}

int prove_seccomp(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		  struct proof *ret, struct err *e)
{
	const char *want = json_string_value(wanted), *found;

	(void)k;
	if (!json_is_array(json_object_get(seen->info, "SecurityOptions")))
		return proof_none(ret, NOT_SHOWN);
	found = security_option(seen->info, "seccomp");
	found = found ? strstr(found, "profile=") : NULL;
	found = found ? found + strlen("profile=") : "none";
	/* 20.10 calls the built-in profile "default". */
	if (streq(found, "default"))
		found = "builtin";
	return proof_is(ret, streq(want, found), "GET /info: SecurityOptions", json_string(found),
			e);
}

/* --- the data root --- */

bool data_root_remap(const char *root, size_t *ret_base_len, uint64_t *ret_uid, uint64_t *ret_gid)
{
	const char *slash = strrchr(root, '/');
	const char *dot = slash ? strchr(slash, '.') : NULL;
	char uid[24];
	size_t n;

	if (!dot || slash == root)
		return false;
	n = (size_t)(dot - slash - 1);
	if (n >= sizeof(uid))
		return false;
	memcpy(uid, slash + 1, n);
	uid[n] = '\0';
	if (parse_u64(uid, ret_uid) < 0 || parse_u64(dot + 1, ret_gid) < 0)
		return false;
	*ret_base_len = (size_t)(slash - root);
	return true;
}

int prove_userns(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		 struct proof *ret, struct err *e)
{
	static const char by[] = "GET /info: SecurityOptions, DockerRootDir";
	const char *root = json_string_value(json_object_get(seen->info, "DockerRootDir"));
	uint64_t uid, gid;
	size_t base;

	(void)k;
	(void)wanted;
	if (!root || !json_is_array(json_object_get(seen->info, "SecurityOptions")))
		return proof_none(ret, NOT_SHOWN);
	if (!info_security(seen->info, "userns"))
		return proof_is(ret, false, by, json_string("user namespaces are off"), e);
	if (!seen->remap_known)
		return proof_none(ret, "user namespaces are on, but the user's ranges could not be "
				       "read to see whose");
	/* moby's daemon.setupDaemonRoot: the data root is named after the range's first ids. */
	if (!data_root_remap(root, &base, &uid, &gid))
		return proof_is(ret, false, by, json_string(root), e);
	return proof_is(ret, uid == seen->remap_uid && gid == seen->remap_gid, by,
			json_sprintf("ids from %llu and %llu", (unsigned long long)uid,
				     (unsigned long long)gid),
			e);
}

static bool same_dir(const struct host *h, const char *a, const char *b)
{
	struct stat x, y;
	struct err e;

	return h && !host_stat(h, a, &x, &e) && !host_stat(h, b, &y, &e) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

int prove_data_root(const struct daemon_key *k, const json_t *wanted,
		    const struct daemon_seen *seen, struct proof *ret, struct err *e)
{
	const char *found = json_string_value(json_object_get(seen->info, k->member));
	const char *want = json_string_value(wanted);
	_cleanup_free_ char *base = NULL;
	uint64_t uid, gid;
	size_t n;

	if (!found)
		return proof_none(ret, NOT_SHOWN);
	base = strdup(found);
	if (!base)
		return err_oom(e);
	if (info_security(seen->info, "userns") && data_root_remap(base, &n, &uid, &gid))
		base[n] = '\0';
	/* dockerd resolves symbolic links in it (moby NewDaemon, getRealPath). */
	return proof_is(ret, streq(base, want) || same_dir(seen->host, base, want),
			"GET /info: DockerRootDir", json_string(base), e);
}

/* --- the default bridge --- */

int prove_bridge(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		 struct proof *ret, struct err *e)
{
	json_t *found = json_member(json_object_get(seen->bridge, "Options"), k->member);
	bool on;

	if (!json_is_string(found))
		return proof_none(ret, "there is no default bridge that shows it");
	if (!json_is_boolean(wanted)) {
		/* host_binding_ipv4 shows IPv4 only. */
		if (strchr(json_string_value(wanted), ':'))
			return proof_none(ret, NOT_SHOWN);
		return proof_equal(ret, wanted, found, "GET /networks/bridge", e);
	}
	on = streq(json_string_value(found), "true");
	return proof_is(ret, on == json_is_true(wanted), "GET /networks/bridge", json_boolean(on),
			e);
}

int prove_bridge_ip6(const struct daemon_key *k, const json_t *wanted,
		     const struct daemon_seen *seen, struct proof *ret, struct err *e)
{
	json_t *found = json_object_get(seen->bridge, "EnableIPv6");

	(void)k;
	if (!json_is_boolean(found))
		return proof_none(ret, "there is no default bridge that shows it");
	return proof_equal(ret, wanted, found, "GET /networks/bridge", e);
}

/* --- the rest of /info --- */

int prove_authz(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		struct proof *ret, struct err *e)
{
	json_t *plugins = json_object_get(seen->info, "Plugins");
	json_t *found = json_object_get(plugins, "Authorization");

	(void)k;
	if (!json_is_object(plugins))
		return proof_none(ret, NOT_SHOWN);
	/* null when there is none; the order is the order of asking */
	if (!json_is_array(found))
		return proof_is(ret, !json_array_size(wanted), "GET /info: Plugins", json_array(),
				e);
	return proof_equal(ret, wanted, found, "GET /info: Plugins", e);
}

int prove_pools(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		struct proof *ret, struct err *e)
{
	json_t *found = json_object_get(seen->info, k->member), *pool;
	bool same = json_array_size(found) == json_array_size(wanted);
	size_t i;

	if (!json_is_array(found))
		return proof_none(ret, NOT_SHOWN);
	json_array_foreach (wanted, i, pool) {
		json_t *f = json_array_get(found, i);

		same = same &&
		       json_equal(json_object_get(pool, "base"), json_object_get(f, "Base")) &&
		       json_equal(json_object_get(pool, "size"), json_object_get(f, "Size"));
	}
	return proof_is(ret, same, "GET /info", json_incref(found), e);
}

int prove_exec_opts(const struct daemon_key *k, const json_t *wanted,
		    const struct daemon_seen *seen, struct proof *ret, struct err *e)
{
	static const char name[] = "native.cgroupdriver=";
	json_t *found = json_member(seen->info, k->member), *opt;
	const char *driver = NULL;
	size_t i;

	json_array_foreach (wanted, i, opt)
		if (has_prefix(json_string_value(opt), name))
			driver = json_string_value(opt) + strlen(name);
	if (!json_is_string(found) || !driver)
		return proof_none(ret, NOT_SHOWN);
	return proof_is(ret, streq(driver, json_string_value(found)), "GET /info: CgroupDriver",
			json_incref(found), e);
}

int prove_firewall(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		   struct proof *ret, struct err *e)
{
	json_t *found = json_member(json_object_get(seen->info, k->member), "Driver");
	const char *want = json_string_value(wanted), *f = json_string_value(found);
	size_t n = strlen(want);

	if (!f)
		return proof_none(ret, NOT_SHOWN);
	/* "iptables+firewalld" where firewalld runs */
	return proof_is(ret, !strncmp(f, want, n) && (!f[n] || f[n] == '+'),
			"GET /info: FirewallBackend", json_incref(found), e);
}

/* Loopback networks are always insecure (moby registry.loadInsecureRegistries). */
static bool registry_builtin(const char *name)
{
	return streq(name, "127.0.0.0/8") || streq(name, "::1/128");
}

int prove_insecure(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		   struct proof *ret, struct err *e)
{
	json_t *config = json_object_get(seen->info, k->member);
	json_t *nets = json_object_get(config, "InsecureRegistryCIDRs");
	json_t *index = json_object_get(config, "IndexConfigs");
	_cleanup_json_ json_t *want = json_array(), *found = json_array();
	const char *name;
	json_t *v;
	size_t i;

	if (!json_is_array(nets) || !json_is_object(index))
		return proof_none(ret, NOT_SHOWN);
	json_array_foreach (wanted, i, v)
		if (!registry_builtin(json_string_value(v)) && json_array_append(want, v))
			return err_oom(e);
	json_array_foreach (nets, i, v)
		if (json_is_string(v) && !registry_builtin(json_string_value(v)) &&
		    json_array_append(found, v))
			return err_oom(e);
	json_object_foreach (index, name, v)
		if (json_is_false(json_object_get(v, "Secure")) &&
		    json_array_append_new(found, json_string(name)))
			return err_oom(e);
	return proof_set(ret, want, found, "GET /info: RegistryConfig", e);
}

int prove_nondistributable(const struct daemon_key *k, const json_t *wanted,
			   const struct daemon_seen *seen, struct proof *ret, struct err *e)
{
	json_t *config = json_object_get(seen->info, "RegistryConfig");
	json_t *nets = json_object_get(config, "AllowNondistributableArtifactsCIDRs");
	json_t *hosts = json_object_get(config, "AllowNondistributableArtifactsHostnames");
	_cleanup_json_ json_t *found = json_array();

	(void)k;
	if (!json_is_array(nets) || !json_is_array(hosts))
		return proof_none(ret, NOT_SHOWN);
	if (json_array_extend(found, nets) || json_array_extend(found, hosts))
		return err_oom(e);
	return proof_set(ret, wanted, found, "GET /info: RegistryConfig", e);
}

int prove_mirrors(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		  struct proof *ret, struct err *e)
{
	json_t *found = json_object_get(json_object_get(seen->info, k->member), "Mirrors"), *v;
	bool same = json_array_size(found) == json_array_size(wanted);
	size_t i;

	if (!json_is_array(found))
		return found && json_is_null(found) && !json_array_size(wanted)
			       ? proof_is(ret, true, "GET /info: RegistryConfig", json_array(), e)
			       : proof_none(ret, NOT_SHOWN);
	json_array_foreach (wanted, i, v) {
		const char *want = json_string_value(v);
		const char *f = json_string_value(json_array_get(found, i));
		size_t n = strlen(want);

		/* moby registry.ValidateMirror ends each in one slash. */
		while (n && want[n - 1] == '/')
			n--;
		same = same && f && !strncmp(f, want, n) && streq(f + n, "/");
	}
	return proof_is(ret, same, "GET /info: RegistryConfig", json_incref(found), e);
}

/* Do two proxy URLs agree, user and password apart? /info masks those as xxxxx. */
static bool same_proxy(const char *a, const char *b)
{
	const char *ha = strstr(a, "://"), *hb = strstr(b, "://"), *ua, *ub;

	ha = ha ? ha + 3 : a;
	hb = hb ? hb + 3 : b;
	if (ha - a != hb - b || strncmp(a, b, (size_t)(ha - a)))
		return false;
	ua = memrchr(ha, '@', strcspn(ha, "/?#"));
	ub = memrchr(hb, '@', strcspn(hb, "/?#"));
	return !ua == !ub && streq(ua ? ua : ha, ub ? ub : hb);
}

int prove_proxies(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		  struct proof *ret, struct err *e)
{
	static const char *const names[][2] = { { "http-proxy", "HttpProxy" },
						{ "https-proxy", "HttpsProxy" },
						{ "no-proxy", "NoProxy" } };
	_cleanup_json_ json_t *found = json_object();
	bool same = true;

	(void)k;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *want = json_string_value(json_object_get(wanted, names[i][0]));
		json_t *f = json_object_get(seen->info, names[i][1]);

		if (!want)
			continue;
		if (!json_is_string(f))
			return proof_none(ret, NOT_SHOWN);
		same = same && same_proxy(want, json_string_value(f));
		if (json_object_set(found, names[i][0], f))
			return err_oom(e);
	}
	return proof_is(ret, same, "GET /info", json_incref(found), e);
}

int prove_runtimes(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		   struct proof *ret, struct err *e)
{
	static const char *const columns[] = { "path", "runtimeArgs", "runtimeType" };
	json_t *all = json_object_get(seen->info, k->member), *want;
	_cleanup_json_ json_t *found = json_object();
	const char *name;
	bool same = true;

	if (!json_is_object(all))
		return proof_none(ret, NOT_SHOWN);
	json_object_foreach (json_readonly(wanted), name, want) {
		json_t *f = json_object_get(all, name);

		same = same && f;
		if (f && json_object_set(found, name, f))
			return err_oom(e);
		/* An engine that doesn't show a column doesn't contradict it. */
		for (size_t i = 0; f && i < ARRAY_SIZE(columns); i++) {
			json_t *a = json_member(want, columns[i]), *b = json_member(f, columns[i]);

			same = same && (!a || !b || json_equal(a, b));
		}
	}
	return proof_is(ret, same, "GET /info: Runtimes", json_incref(found), e);
}

int prove_forward(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		  struct proof *ret, struct err *e)
{
	json_t *found = json_object_get(seen->info, k->member);

	if (!json_is_boolean(found))
		return proof_none(ret, NOT_SHOWN);
	/* The kernel's setting is shown: others may have turned it on, and dockerd never turns it
	 * off. */
	if (!json_is_true(wanted))
		return proof_none(ret, "the API shows the kernel's setting, which others may turn "
				       "on");
	return proof_equal(ret, wanted, found, "GET /info: IPv4Forwarding", e);
}

int prove_containerd(const struct daemon_key *k, const json_t *wanted,
		     const struct daemon_seen *seen, struct proof *ret, struct err *e)
{
	json_t *found = json_member(json_object_get(seen->info, "Containerd"), "Address");

	(void)k;
	if (!json_is_string(found))
		return proof_none(ret, NOT_SHOWN);
	return proof_equal(ret, wanted, found, "GET /info: Containerd", e);
}

int prove_min_api(const struct daemon_key *k, const json_t *wanted, const struct daemon_seen *seen,
		  struct proof *ret, struct err *e)
{
	json_t *found = json_member(seen->version, k->member);

	if (!json_is_string(found))
		return proof_none(ret, NOT_SHOWN);
	return proof_equal(ret, wanted, found, "GET /version: MinAPIVersion", e);
}

int daemon_prove(const struct field *f, const json_t *wanted, const struct daemon_seen *seen,
		 struct proof *ret, struct err *e)
{
	const struct daemon_key *k = daemon_key_of(f);

	if (!k->proof)
		return proof_none(ret, k->unseen ? k->unseen : "no API field shows this key");
	return k->proof(k, wanted, seen, ret, e);
}
