/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/buf.h"
#include "engine.h"
#include "unitfile.h"

#define FACT "engine_cmdline"

/* Flags that take no value of their own (pflag's bools): the next argument is not theirs. */
static const char *const switches[] = {
	"allow-direct-routing",
	"cri-containerd",
	"debug",
	"disable-legacy-registry",
	"experimental",
	"help",
	"icc",
	"init",
	"ip-forward",
	"ip-forward-no-drop",
	"ip-masq",
	"ip6tables",
	"iptables",
	"ipv6",
	"live-restore",
	"no-new-privileges",
	"raw-logs",
	"rootless",
	"selinux-enabled",
	"tls",
	"tlsverify",
	"userland-proxy",
	"validate",
	"version",
};

static const struct {
	char letter;
	const char *flag;
} letters[] = {
	{ 'b', "bridge" },	   { 'D', "debug" },   { 'g', "graph" },     { 'G', "group" },
	{ 'h', "help" },	   { 'H', "host" },    { 'l', "log-level" }, { 'p', "pidfile" },
	{ 's', "storage-driver" }, { 'v', "version" },
};

/*
 * Flags whose key has another name: those that may stand several times are plural in daemon.json
 * (moby's opts.NewNamedListOptsRef). Every other flag is named as its key.
 */
static const struct {
	const char *flag, *key;
} renamed[] = {
	{ "add-runtime", "runtimes" },
	{ "allow-nondistributable-artifact", "allow-nondistributable-artifacts" },
	{ "authorization-plugin", "authorization-plugins" },
	{ "cdi-spec-dir", "cdi-spec-dirs" },
	{ "cluster-store-opt", "cluster-store-opts" },
	{ "default-address-pool", "default-address-pools" },
	{ "default-network-opt", "default-network-opts" },
	{ "default-ulimit", "default-ulimits" },
	{ "dns-opt", "dns-opts" },
	{ "exec-opt", "exec-opts" },
	{ "feature", "features" },
	{ "host", "hosts" },
	{ "host-gateway-ip", "host-gateway-ips" },
	{ "http-proxy", "proxies" },
	{ "https-proxy", "proxies" },
	{ "insecure-registry", "insecure-registries" },
	{ "label", "labels" },
	{ "log-opt", "log-opts" },
	{ "no-proxy", "proxies" },
	{ "node-generic-resource", "node-generic-resources" },
	{ "registry-mirror", "registry-mirrors" },
	{ "storage-opt", "storage-opts" },
};

static bool is_switch(const char *flag, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (strlen(switches[i]) == len && memcmp(switches[i], flag, len) == 0)
			return true;
	return false;
}

static bool sets_key(const char *flag, size_t len, const char *key)
{
	if (strlen(key) == len && memcmp(key, flag, len) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(renamed); i++)
		if (streq(renamed[i].key, key) && strlen(renamed[i].flag) == len &&
		    memcmp(renamed[i].flag, flag, len) == 0)
			return true;
	return false;
}

static const char *flag_of_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (letters[i].letter == letter)
			return letters[i].flag;
	return "";
}

/*
 * Looks for the first flag at or behind argv[*pos] that sets `key`, as pflag reads a command line:
 * "--flag value", "--flag=value", "-f value", "-fvalue", "-f=value", "-Dl debug", "--" ends the
 * flags. Returns the index of the argument, with *ret_value and *pos behind all that was read; 0
 * when there is none.
 */
static size_t flag_find(const struct engine_cmdline *c, const char *key, size_t *pos,
			const char **ret_value)
{
	static const char on[] = "true";
	size_t i = *pos ? *pos : 1;

	if (!c->argv || !c->argv[0])
		return 0;
	while (c->argv[i] && !streq(c->argv[i], "--")) {
		const char *arg = c->argv[i], *value = NULL, *own, *flag;
		size_t at = i++, len;
		bool found = false;

		if (has_prefix(arg, "--")) {
			flag = arg + 2;
			len = strcspn(flag, "=");
			if (flag[len])
				value = flag + len + 1;
			else if (is_switch(flag, len))
				value = on;
			else
				value = c->argv[i] ? c->argv[i++] : "";
			found = sets_key(flag, len, key);
		} else if (arg[0] == '-') {
			for (const char *l = arg + 1; *l; l++) {
				bool hit;

				flag = flag_of_letter(*l);
				len = strlen(flag);
				hit = sets_key(flag, len, key);
				if (l[1] == '=')
					own = l + 2;
				else if (is_switch(flag, len))
					own = on;
				else if (l[1])
					own = l + 1;
				else
					own = c->argv[i] ? c->argv[i++] : "";
				if (hit)
					value = own;
				found |= hit;
				if (own != on)
					break;
			}
		}
		*pos = i;
		if (found) {
			*ret_value = value;
			return at;
		}
	}
	return 0;
}

bool engine_is_redhat(const struct engine_cmdline *c, unsigned engine)
{
	return c->installed && engine >= VERSION(1, 12) && engine < VERSION(1, 14) &&
	       (has_suffix(c->argv[0], "-current") || has_suffix(c->argv[0], "-latest"));
}

const char *engine_cmdline_flag(const struct engine_cmdline *c, const char *key)
{
	const char *value;
	size_t pos = 0, at = flag_find(c, key, &pos, &value);

	return at ? c->argv[at] : NULL;
}

const char *engine_cmdline_next(const struct engine_cmdline *c, const char *key, size_t *pos)
{
	const char *value;

	return flag_find(c, key, pos, &value) ? value : NULL;
}

static void cmdline_free(void *p)
{
	struct engine_cmdline *c = p;

	if (!c)
		return;
	strv_free(c->argv);
	strv_free(c->env);
	free(c->source);
	free(c->config);
	free(c);
}
DEFINE_CLEANUP(void, cmdline_free);

/* A program without a path is looked for as systemd does (systemd.service(5) "COMMAND LINES"). */
static int program_find(const struct host *h, char **program, struct err *e)
{
	static const char *const dirs[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
	};

	if (strchr(*program, '/'))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char *path;

		if (asprintf(&path, "%s/%s", dirs[i], *program) < 0)
			return err_oom(e);
		if (host_exists(h, path)) {
			free(*program);
			*program = path;
			return 0;
		}
		free(path);
	}
	return 0;
}

/* Where the command line comes from: the file of ExecStart=, and the environment files that its
 * variables may come from. */
static int source_of(const struct host *h, const struct unitfile *u,
		     const struct unitfile_setting *start, char **ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct unitfile_setting *x;
	const char *sep = ", with variables of ";
	size_t pos = 0;

	buf_adds(&b, start->file);
	while (strchr(start->value, '$') &&
	       (x = unitfile_next(u, "Service", "EnvironmentFile", &pos))) {
		const char *path = x->value + (x->value[0] == '-');

		if (path[0] != '/' || !host_exists(h, path))
			continue;
		buf_addf(&b, "%s%s", sep, path);
		sep = ", ";
	}
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : -ENOMEM;
}

static int read_unit(struct engine_cmdline *c, const struct host *h, const struct unitfile *u,
		     struct err *e)
{
	const struct unitfile_setting *start, *second;
	const char *config, *next;
	size_t pos = 0;
	int r;

	start = unitfile_next(u, "Service", "ExecStart", &pos);
	if (!start)
		return err_set(e, EINVAL,
			       "%s has no ExecStart= (look at: systemctl cat " DOCKER_SERVICE ")",
			       DOCKER_SERVICE);
	second = unitfile_next(u, "Service", "ExecStart", &pos);
	if (second)
		return err_set(e, EINVAL,
			       "%s%s: a second ExecStart= (the first is in %s%s), which systemd "
			       "refuses; put an empty 'ExecStart=' line before it",
			       host_prefix(h), second->file, host_prefix(h), start->file);
	r = unitfile_environment(u, h, &c->env, e);
	if (r < 0)
		return r;
	r = unitfile_command(start->value, u->name, c->env, &c->argv, e);
	if (r < 0)
		return r == -ENOMEM
			       ? r
			       : err_prefix(e, "%s%s: ExecStart=", host_prefix(h), start->file);
	r = program_find(h, &c->argv[0], e);
	if (r < 0)
		return r;
	/* Of several, the last counts (pflag). */
	config = "/etc/docker/daemon.json";
	pos = 0;
	while ((next = engine_cmdline_next(c, "config-file", &pos)))
		config = next;
	c->config = strdup(config);
	c->installed = true;
	return source_of(h, u, start, &c->source) < 0 || !c->config ? err_oom(e) : 0;
}

int engine_cmdline(const struct host *h, const struct engine_cmdline **ret, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	_cleanup_(cmdline_free_cleanup) void *made = NULL;
	struct engine_cmdline *c = host_kept(h, FACT);
	int r;

	if (c) {
		*ret = c;
		return 0;
	}
	made = c = calloc(1, sizeof(*c));
	if (!c)
		return err_oom(e);
	r = unitfile_load(h, DOCKER_SERVICE, &u, e);
	if (r < 0 && r != -ENOENT)
		return r;
	c->masked = r == 0 && u.masked;
	if (r == 0 && !u.masked) {
		r = read_unit(c, h, &u, e);
		if (r < 0)
			return r;
	} else {
		c->config = strdup("/etc/docker/daemon.json");
		if (!c->config)
			return err_oom(e);
	}
	r = host_keep(h, FACT, TAKE_PTR(made), cmdline_free, e);
	if (r < 0)
		return r;
	*ret = c;
	return 0;
}
