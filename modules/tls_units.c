/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the API listens on TCP, and whom the kernel lets in.
 *
 * Where dockerd takes its sockets from docker.socket (-H fd://), a drop-in there adds
 * ListenStream=: systemd binds it before dockerd runs. Elsewhere a drop-in for docker.service says
 * ExecStart= anew, with -H. The key `hosts` is never used: dockerd refuses it beside any -H.
 *
 * `from` is never the daemon's own IPAddressAllow=: that would cut pulls, too. On docker.socket it
 * covers the listening socket and what is accepted from it, and nothing that dockerd opens itself
 * (systemd.resource-control(5)); it takes cgroup v2. Elsewhere a table of nftables, loaded by a
 * unit of ours without which Docker's socket doesn't start.
 */
#include "../src/buf.h"
#include "../src/template.h"
#include "tls.h"
#include "unitfile.h"

#define SOCKET_DROPIN  "/etc/systemd/system/docker.socket.d/50-bulkhead-tls.conf"
#define SERVICE_DROPIN "/etc/systemd/system/docker.service.d/50-bulkhead-tls.conf"
#define FENCE_UNIT     "/etc/systemd/system/" TLS_FENCE
#define FENCE_RULES    "/etc/bulkhead/docker-tls.nft"

enum fence {
	FENCE_NONE, /* everybody may knock */
	FENCE_SYSTEMD,
	FENCE_NFT,
};

bool tls_by_socket(const struct engine_cmdline *cmd)
{
	const char *value;
	size_t pos = 0;

	while ((value = engine_cmdline_next(cmd, "hosts", &pos)))
		if (has_prefix(value, "fd://"))
			return true;
	return false;
}

static int nft_of(const struct host *h, const char **ret, struct err *e)
{
	static const char *const paths[] = { "/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", NULL };

	return host_first(h, paths, ret, e);
}

/* What lets `from` in on this host. An image doesn't tell which cgroups it will boot with. */
static int fence_of(const struct tls_work *w, enum fence *ret, struct err *e)
{
	static const char *const v2[] = { "/sys/fs/cgroup/cgroup.controllers", NULL };
	const char *enforce = section_str(w->s, "enforce");
	const char *was = json_string_value(json_object_get(w->was, "enforce"));
	const char *there = NULL;
	int r = 0;

	if (!json_array_size(section_get(w->s, "from")) ||
	    !json_array_size(section_get(w->s, "listen"))) {
		*ret = FENCE_NONE;
	} else if (streq(enforce, "systemd")) {
		*ret = FENCE_SYSTEMD;
	} else if (streq(enforce, "nftables") || !tls_by_socket(w->cmd)) {
		*ret = FENCE_NFT;
	} else if (host_is_live(w->h)) {
		r = host_first(w->h, v2, &there, e);
		*ret = there ? FENCE_SYSTEMD : FENCE_NFT;
	} else if (was) {
		*ret = streq(was, "systemd") ? FENCE_SYSTEMD : FENCE_NFT;
	} else {
		r = nft_of(w->h, &there, e);
		*ret = there ? FENCE_NFT : FENCE_SYSTEMD;
	}
	return r;
}

/* --- texts --- */

/* Strings of a list, each behind `before`. */
static void add_list(struct buf *b, const json_t *list, const char *before)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		buf_addf(b, "%s%s", before, json_string_value(json_array_get(list, i)));
}

/* The host itself is let in by its first loopback addresses only, so that another one can show that
 * the rules hold. */
static void add_allowed(struct buf *b, const struct tls_work *w)
{
	buf_adds(b, "IPAddressDeny=any\nIPAddressAllow=127.0.0.1/32 ::1/128");
	add_list(b, section_get(w->s, "from"), " ");
	buf_addc(b, '\n');
}

static int socket_text(const struct tls_work *w, enum fence fence, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	bool free_bind = false;
	struct tls_address a;
	const char *why;
	json_t *v;
	size_t i;

	buf_adds(&b, template_text("tls-dropin.conf"));
	if (fence == FENCE_NFT)
		buf_adds(&b, "[Unit]\nRequires=" TLS_FENCE "\nAfter=" TLS_FENCE "\n");
	buf_adds(&b, "[Socket]\n");
	json_array_foreach (section_get(w->s, "listen"), i, v) {
		if (tls_address_parse(json_string_value(v), &a, &why) < 0)
			continue;
		buf_addf(&b, a.v6 ? "ListenStream=[%s]:%u\n" : "ListenStream=%s:%u\n", a.host,
			 a.port);
		free_bind |= !a.any && !a.local;
	}
	/* At boot the address may not be there yet, and Docker would not start. */
	if (free_bind)
		buf_adds(&b, "FreeBind=yes\n");
	if (fence == FENCE_SYSTEMD)
		add_allowed(&b, w);
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

/* ExecStart= as it is without our drop-in. */
static int base_command(const struct host *h, char **ret, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const char *value = NULL;
	int r = unitfile_load(h, DOCKER_SERVICE, &u, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < u.n; i++) {
		const struct unitfile_setting *x = &u.list[i];

		if (streq(x->section, "Service") && streq(x->name, "ExecStart") &&
		    !streq(x->file, SERVICE_DROPIN))
			value = *x->value ? x->value : NULL;
	}
	if (!value)
		return err_set(e, EINVAL, "docker.service has no ExecStart= of its own");
	*ret = strdup(value);
	return *ret ? 0 : err_oom(e);
}

/* Does the command line say -H? A listener of ours that it has already is a refusal. */
static int base_hosts(const struct tls_work *w, const char *command, bool *ret, struct err *e)
{
	struct engine_cmdline base = { 0 };
	const char *value;
	size_t pos = 0, i;
	json_t *v;
	int r = unitfile_command(command, DOCKER_SERVICE, w->cmd->env, &base.argv, e);

	*ret = false;
	while (r == 0 && (value = engine_cmdline_next(&base, "hosts", &pos))) {
		*ret = true;
		json_array_foreach (section_get(w->s, "listen"), i, v)
			if (streq(value, json_string_value(v)))
				errs_add(
					&w->out->refusals, section_where(w->s, "listen"),
					"tls.listen: docker.service already has -H %s: take it out "
					"of %s, or out of the plan",
					value, w->cmd->source);
	}
	strv_free(base.argv);
	return r;
}

static int service_text(const struct tls_work *w, enum fence fence, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *command = NULL;
	json_t *listen = section_get(w->s, "listen");
	bool hosts;

	if (base_command(w->h, &command, e) < 0 || base_hosts(w, command, &hosts, e) < 0)
		return e->code;
	buf_adds(&b, template_text("tls-dropin.conf"));
	if (fence == FENCE_NFT)
		buf_adds(&b, "[Unit]\nRequires=" TLS_FENCE "\nAfter=" TLS_FENCE "\n");
	buf_addf(&b, "[Service]\nExecStart=\nExecStart=%s", command);
	/* With any -H, dockerd has no default any more. */
	if (!hosts)
		buf_adds(&b, " -H unix:///var/run/docker.sock");
	add_list(&b, listen, " -H ");
	buf_addc(&b, '\n');
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

static int rules_text(const struct tls_work *w, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT, ports = BUF_INIT;
	_cleanup_free_ char *head = NULL, *list = NULL;
	struct tls_address a;
	const char *why;
	json_t *v;
	size_t i;

	json_array_foreach (section_get(w->s, "listen"), i, v)
		if (tls_address_parse(json_string_value(v), &a, &why) == 0)
			buf_addf(&ports, "%s%u", i ? ", " : "", a.port);
	list = buf_take(&ports, NULL);
	if (!list)
		return err_oom(e);
	if (template_fill(template_text("tls-fence.nft"),
			  (const struct template_var[]){ { "ports", list }, { NULL, NULL } }, &head,
			  e) < 0)
		return e->code;
	buf_adds(&b, head);
	buf_adds(&b, "\t\tip saddr 127.0.0.1 accept\n\t\tip6 saddr ::1 accept\n");
	json_array_foreach (section_get(w->s, "from"), i, v)
		buf_addf(&b, "\t\t%s saddr %s accept\n",
			 strchr(json_string_value(v), ':') ? "ip6" : "ip", json_string_value(v));
	buf_adds(&b, "\t\treject with tcp reset\n\t}\n}\n");
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

/* --- changes --- */

static int put(struct tls_work *w, const char *path, const char *text, const char *key,
	       const char *setting, const char *why, struct err *e)
{
	int r = changes_file(w->out, w->h, path, text, strlen(text), 0644, 0, 0, TLS_NAME, setting,
			     TLS_CIS, why, e);

	if (r >= 0 && json_object_set_new(w->state, key, json_string(text)) < 0)
		return err_oom(e);
	return r;
}

static int drop(struct tls_work *w, const char *path, const char *key, struct err *e)
{
	const char *text = json_string_value(json_object_get(w->was, key));

	return text ? changes_remove_ours(w->out, w->h, path, text, strlen(text), TLS_NAME, NULL,
					  "the plan no longer has it", e)
		    : 0;
}

static int ask(struct tls_work *w, const char *unit, enum unit_action action, const char *setting,
	       const char *why, struct err *e)
{
	if (!host_is_live(w->h))
		return 0;
	return changes_ask(w->out, unit, action, TLS_NAME, setting, why, e);
}

/* Both settings of it, so that each is pending where a restart is put off. */
static int ask_listen(struct tls_work *w, bool by_socket, const char *why, struct err *e)
{
	const char *unit = by_socket ? DOCKER_SOCKET : DOCKER_SERVICE;
	int r = ask(w, unit, UNIT_RESTART, "listen", why, e);

	/* It goes down with the unit of the rules, too, and has to come back. */
	if (r == 0 && by_socket)
		r = ask(w, DOCKER_SERVICE, UNIT_RESTART, "listen", why, e);
	if (r == 0 && w->s && json_array_size(section_get(w->s, "from")))
		r = ask(w, unit, UNIT_RESTART, "from", why, e);
	return r;
}

/* The rules are right on disk, but somebody's firewall may have flushed them. */
static int mend_fence(struct tls_work *w, struct err *e)
{
	char ignored[128];
	bool open;
	int r;

	if (!host_is_live(w->h))
		return 0;
	r = tls_from_open(w->s, &open, ignored, e);
	return r < 0 || !open ? r
			      : ask(w, TLS_FENCE, UNIT_RELOAD, "from",
				    "the rules are not in the kernel", e);
}

/* Rules first: the drop-in makes Docker wait for them. */
static int diff_fence(struct tls_work *w, enum fence fence, struct err *e)
{
	_cleanup_free_ char *unit = NULL, *rules = NULL;
	const char *nft;
	int r, changed;

	if (fence != FENCE_NFT)
		return 0;
	if (nft_of(w->h, &nft, e) < 0)
		return e->code;
	if (!nft) {
		errs_add(&w->out->refusals, section_where(w->s, "from"),
			 "tls.from: only nftables can hold it here (%s), and there is no "
			 "%s/usr/sbin/nft: install nftables",
			 !tls_by_socket(w->cmd) ? "docker.service has no -H fd://"
			 : host_is_live(w->h)	? "this host has no cgroup v2"
						: "the plan says so",
			 host_prefix(w->h));
		return 0;
	}
	if (rules_text(w, &rules, e) < 0 ||
	    template_fill(template_text("tls-fence.service"),
			  (const struct template_var[]){
				  { "nft", nft }, { "rules", FENCE_RULES }, { NULL, NULL } },
			  &unit, e) < 0)
		return e->code;
	changed = put(w, FENCE_RULES, rules, "rules", "from", "the addresses that are let in", e);
	r = changed < 0 ? changed
			: put(w, FENCE_UNIT, unit, "unit", "from", "loads them before Docker", e);
	if (r > 0)
		w->out->manager_reload = true;
	if (r == 0 && changed > 0)
		return ask(w, TLS_FENCE, UNIT_RELOAD, "from", "the addresses change", e);
	if (r == 0)
		return mend_fence(w, e);
	if (r < 0)
		return r;
	return ask(w, TLS_FENCE, json_object_get(w->was, "unit") ? UNIT_RESTART : UNIT_START,
		   "from", "the rules are to be loaded", e);
}

/* Its unit stops while its file is there: the table goes with it. */
static int drop_fence(struct tls_work *w, struct err *e)
{
	int r = drop(w, FENCE_UNIT, "unit", e);

	if (r > 0) {
		w->out->manager_reload = true;
		r = ask(w, TLS_FENCE, UNIT_STOP, NULL, "the plan no longer has it", e);
	}
	return r < 0 ? r : drop(w, FENCE_RULES, "rules", e);
}

/* Without the keys, what somebody's edit left listening would be plaintext. */
static int refuse_edited(struct tls_work *w, const char *path, const char *text, struct err *e)
{
	_cleanup_(image_done) struct image now = { 0 };

	if (w->s || !text)
		return 0;
	if (host_image_now(w->h, path, &now, e) < 0)
		return e->code;
	if (now.exists && (!now.content || !streq(now.content, text)))
		errs_add(
			&w->out->refusals, NULL,
			"tls: '%s%s' is no longer what bulkhead wrote, and without the tls section "
			"its listeners would have no TLS: take it out first",
			host_prefix(w->h), path);
	return 0;
}

static int drop_dropin(struct tls_work *w, bool by_socket, struct err *e)
{
	const char *path = by_socket ? SOCKET_DROPIN : SERVICE_DROPIN;
	const char *key = by_socket ? "socket" : "service";
	int r = refuse_edited(w, path, json_string_value(json_object_get(w->was, key)), e);

	if (r == 0)
		r = drop(w, path, key, e);

	if (r <= 0)
		return r;
	w->out->manager_reload = true;
	return ask_listen(w, by_socket, "the API no longer listens on TCP", e);
}

/* dockerd would have hosts from its file and from the command line that we write. */
static int hosts_in_file(struct tls_work *w, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *doc = NULL;
	size_t len;
	int r = host_read(w->h, w->cmd->config, TLS_PEM_MAX, &text, &len, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* What is wrong with it is told elsewhere. */
	if (json_parse_object(text, len, &doc, e) < 0)
		return e->code == -ENOMEM ? e->code : 0;
	if (json_object_get(doc, "hosts"))
		errs_add(&w->out->refusals, section_where(w->s, "listen"),
			 "tls.listen: %s%s sets `hosts`, which dockerd refuses beside -H: take it "
			 "out, the plan's tls.listen takes its place",
			 host_prefix(w->h), w->cmd->config);
	return 0;
}

/* Nothing would listen: neither what dockerd waits for, nor what a drop-in adds to it. */
static int refuse_masked(struct tls_work *w, bool *ret, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	int r = unitfile_load(w->h, DOCKER_SOCKET, &u, e);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret = r == -ENOENT || u.masked;
	if (r < 0)
		errs_add(
			&w->out->refusals, section_where(w->s, "listen"),
			"tls.listen: docker.service takes its sockets from docker.socket (-H fd:// "
			"of %s%s), and there is none: install it again, or take -H fd:// out",
			host_prefix(w->h), w->cmd->source);
	else if (u.masked)
		errs_add(
			&w->out->refusals, section_where(w->s, "listen"),
			"tls.listen: docker.service takes its sockets from docker.socket (-H fd:// "
			"of %s%s), which is masked: type systemctl%s unmask docker.socket, or take "
			"-H fd:// out",
			host_prefix(w->h), w->cmd->source, host_root_words(w->h));
	return 0;
}

static int diff_listen(struct tls_work *w, bool by_socket, enum fence fence, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	bool masked = false;
	int r = by_socket ? refuse_masked(w, &masked, e) : hosts_in_file(w, e);

	if (r < 0 || masked)
		return r;
	r = by_socket ? socket_text(w, fence, &text, e) : service_text(w, fence, &text, e);
	if (r == 0)
		r = put(w, by_socket ? SOCKET_DROPIN : SERVICE_DROPIN, text,
			by_socket ? "socket" : "service", "listen",
			by_socket ? "drop-in for docker.socket" : "drop-in for docker.service", e);
	if (r <= 0)
		return r;
	w->out->manager_reload = true;
	return ask_listen(w, by_socket, "the API listens elsewhere", e);
}

int tls_diff_units(struct tls_work *w, struct err *e)
{
	bool listens = w->s && json_array_size(section_get(w->s, "listen"));
	bool by_socket = tls_by_socket(w->cmd);
	enum fence fence = FENCE_NONE;
	int r = 0;

	if (listens && fence_of(w, &fence, e) < 0)
		return e->code;
	if (fence == FENCE_SYSTEMD && !by_socket)
		errs_add(&w->out->refusals, section_where(w->s, "enforce"),
			 "tls.enforce: systemd lets addresses in on docker.socket, which this "
			 "docker.service does not use (no -H fd://); write nftables");
	if (fence != FENCE_NONE &&
	    json_object_set_new(w->state, "enforce",
				json_string(fence == FENCE_SYSTEMD ? "systemd" : "nftables")) < 0)
		return err_oom(e);
	r = listens ? diff_fence(w, fence, e) : 0;
	if (r == 0 && listens)
		r = diff_listen(w, by_socket, fence, e);
	if (r >= 0 && fence != FENCE_NFT)
		r = drop_fence(w, e);
	if (r >= 0 && (!listens || !by_socket))
		r = drop_dropin(w, true, e);
	if (r >= 0 && (!listens || by_socket))
		r = drop_dropin(w, false, e);
	return r < 0 ? r : 0;
}
