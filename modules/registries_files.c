/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lists become on disk. Remembered from one transaction to the next:
 *   files      {path: text} of files of our own
 *   hosts      {text, newline, created}: the block in /etc/hosts; a newline before it, or the file,
 *              that are of our making
 *   config     {path, created, keys}: members of daemon.json, as the daemon module has it
 *   sysconfig  {path, created, VARIABLE: {ours, made}}
 */
#include "../src/template.h"
#include "registries.h"

#define CERTS	    "/etc/docker/certs.d"
#define HOSTS	    "/etc/hosts"
#define CONTAINERS  "/etc/containers/registries.conf.d/50-bulkhead.conf"
#define DROPINS	    "/etc/systemd/system/docker.service.d/"
#define NETWORK	    DROPINS "50-bulkhead-registries.conf"
#define PROXY	    DROPINS "50-bulkhead-proxy.conf"
#define BLOCK_BEGIN "# BEGIN bulkhead registries"
#define BLOCK_END   "# END bulkhead registries"
#define OUR_HEAD    "# Written by bulkhead "

int registries_restart(const struct registries_work *w, const char *text, struct err *e)
{
	return changes_ask(w->out, DOCKER_SERVICE, UNIT_RESTART, REGISTRIES,
			   w->r ? "enforce" : NULL, text, e);
}

int registries_restart_if_newer(const struct registries_work *w, const char *path, struct err *e)
{
	const struct daemon_running *run = &w->r->run;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	int r;

	if (!run->up || !run->unit.started_us)
		return 0;
	r = host_stat(w->h, path, &st, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* Not yet on disk: what writes it asks. */
	if (!st.st_ino || daemon_file_us(w->h, path, &st) <= run->unit.started_us)
		return 0;
	if (asprintf(&text, "%s is newer than the running daemon", path) < 0)
		return err_oom(e);
	return registries_restart(w, text, e);
}

static int fill(const char *name, const struct template_var *vars, char **ret, struct err *e)
{
	return template_fill(template_text(name), vars, ret, e);
}

/* --- files of our own --- */

static int want_file(json_t *files, const char *path, const char *text, struct err *e)
{
	return json_object_set_new(files, path, json_string(text)) < 0 ? err_oom(e) : 0;
}

static int want_certs_of(json_t *files, const char *dir, struct err *e)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, CERTS "/%s/hosts.toml", dir) < 0)
		return err_oom(e);
	return want_file(files, path, template_text("registries-hosts.toml"), e);
}

/*
 * The registry that a directory of certs.d is for: "host:port", or "host_port_" (containerd,
 * hostDirectory). False: for none.
 */
static bool certs_dir_name(const char *dir, char name[REGISTRY_MAX])
{
	size_t n = strlen(dir);
	char *port;

	if (n >= REGISTRY_MAX)
		return false;
	memcpy(name, dir, n + 1);
	if (n && name[n - 1] == '_') {
		name[n - 1] = '\0';
		port = strrchr(name, '_');
		if (!port)
			return false;
		*port = ':';
	}
	return !registry_valid_allow(name);
}

/* A directory of its own keeps a registry from _default: those that are not allowed get the same
 * file. */
static int want_certs_of_others(const struct registries_work *w, json_t *files, struct err *e)
{
	_cleanup_strv_ char **dirs = NULL;
	char name[REGISTRY_MAX];
	int r = host_list(w->h, CERTS, &dirs, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char **d = dirs; *d; d++) {
		_cleanup_free_ char *path = NULL;
		struct stat st;

		if (!certs_dir_name(*d, name) || registry_find(w->r->allow, name) >= 0)
			continue;
		if (asprintf(&path, CERTS "/%s", *d) < 0)
			return err_oom(e);
		r = host_stat(w->h, path, &st, e);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0 && S_ISDIR(st.st_mode) && want_certs_of(files, *d, e) < 0)
			return e->code;
	}
	return 0;
}

static int want_certs(const struct registries_work *w, json_t *files, struct err *e)
{
	json_t *v;
	size_t i;

	if (w->r->all) {
		if (want_certs_of(files, "_default", e) < 0 ||
		    want_certs_of_others(w, files, e) < 0)
			return e->code;
		return 0;
	}
	json_array_foreach (json_readonly(w->r->block), i, v) {
		const char *name = registry_name(json_string_value(v));

		if (registry_is_wildcard(name))
			continue;
		if (want_certs_of(files, name, e) < 0)
			return e->code;
		/* dockerd takes it for a registry of its own. */
		if (streq(name, DOCKER_HUB) && want_certs_of(files, "registry-1.docker.io", e) < 0)
			return e->code;
	}
	return 0;
}

static int add_entry(struct buf *b, const char *name, bool blocked, struct err *e)
{
	const struct template_var vars[] = {
		/* containers-registries.conf(5): a prefix without a location is for wildcards. */
		{ "key", registry_is_wildcard(name) ? "prefix" : "location" },
		{ "name", name },
		{ "blocked", blocked ? "true" : "false" },
		{ NULL, NULL },
	};
	_cleanup_free_ char *text = NULL;

	if (fill("registries-containers-entry.conf", vars, &text, e) < 0)
		return e->code;
	buf_adds(b, text);
	return 0;
}

/* Is it below a wildcard that is blocked? */
static bool below_wildcard(const struct registries *r, const char *name)
{
	char host[REGISTRY_MAX];
	json_t *v;
	size_t i;

	registry_host(name, host);
	json_array_foreach (json_readonly(r->block), i, v)
		if (registry_is_wildcard(json_string_value(v)) &&
		    has_suffix(host, json_string_value(v) + 1))
			return true;
	return false;
}

static int want_containers(const struct registries_work *w, json_t *files, struct err *e)
{
	const char *head = template_text("registries-containers.conf");
	_cleanup_buf_ struct buf b = BUF_INIT;
	json_t *v;
	size_t i;

	buf_adds(&b, head);
	json_array_foreach (json_readonly(w->r->block), i, v) {
		const char *name = registry_name(json_string_value(v));

		if (streq(name, REGISTRY_ALL))
			continue;
		if (add_entry(&b, name, true, e) < 0 ||
		    (streq(name, DOCKER_HUB) && add_entry(&b, "registry-1.docker.io", true, e) < 0))
			return e->code;
	}
	/* The longest match counts. */
	json_array_foreach (json_readonly(w->r->allow), i, v)
		if (below_wildcard(w->r, json_string_value(v)) &&
		    add_entry(&b, json_string_value(v), false, e) < 0)
			return e->code;
	if (b.failed)
		return err_oom(e);
	return b.len == strlen(head) ? 0 : want_file(files, CONTAINERS, b.data, e);
}

/* Below a unit's Environment= a percent sign begins a specifier. */
static int want_proxy(const struct registries_work *w, json_t *files, struct err *e)
{
	_cleanup_buf_ struct buf url = BUF_INIT;
	_cleanup_free_ char *text = NULL;

	for (const char *c = w->r->proxy; *c; c++)
		buf_addf(&url, "%s%c", *c == '%' ? "%" : "", *c);
	if (url.failed)
		return err_oom(e);
	const struct template_var vars[] = { { "proxy", url.data }, { NULL, NULL } };

	if (fill("registries-proxy.conf", vars, &text, e) < 0)
		return e->code;
	return want_file(files, PROXY, text, e);
}

static int want_network(const struct registries_work *w, json_t *files, struct err *e)
{
	const struct template_var vars[] = { { "open", w->r->open }, { NULL, NULL } };
	_cleanup_free_ char *text = NULL;

	if (fill("registries-network.conf", vars, &text, e) < 0)
		return e->code;
	return want_file(files, NETWORK, text, e);
}

static int want_files(const struct registries_work *w, json_t *files, struct err *e)
{
	int r = 0;

	if (registries_use(w, MEANS_CERTS))
		r = want_certs(w, files, e);
	if (r == 0 && w->r && w->r->tools)
		r = want_containers(w, files, e);
	if (r == 0 && registries_use(w, MEANS_NETWORK))
		r = want_network(w, files, e);
	if (r == 0 && registries_proxy_by_dropin(w))
		r = want_proxy(w, files, e);
	return r;
}

/* As permissions has it of all that lies in certs.d, CIS 3.8. */
static mode_t file_mode(const char *path)
{
	return streq(path, PROXY) ? 0600 : has_prefix(path, CERTS "/") ? 0444 : 0644;
}

static bool is_dropin(const char *path)
{
	return has_prefix(path, DROPINS);
}

static const char *purpose(const char *path)
{
	if (streq(path, CONTAINERS))
		return "podman and its kin refuse what is blocked";
	if (streq(path, NETWORK))
		return "dockerd reaches the open addresses alone";
	if (streq(path, PROXY))
		return "dockerd pulls through the proxy";
	return "dockerd refuses this registry";
}

/* Somebody's own file at a place of ours. 1: it is, and is told. */
static int is_theirs(const struct registries_work *w, const char *path, const char *text,
		     struct err *e)
{
	_cleanup_free_ char *now = NULL;
	size_t len;
	int r;

	if (json_object_get(json_object_get(w->was, "files"), path))
		return 0;
	r = host_read(w->h, path, REGISTRIES_FILE_MAX, &now, &len, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* Our head tells it, too, where what was remembered is lost. */
	if (streq(now, text) || has_prefix(now, OUR_HEAD))
		return 0;
	errs_add(
		&w->out->refusals, NULL,
		"'%s%s' is not of bulkhead's making, and the plan's registries need its place: move "
		"it away, or take the registry out of the plan",
		host_prefix(w->h), path);
	return 1;
}

static int write_file(const struct registries_work *w, const char *path, const char *text,
		      struct err *e)
{
	int r = is_theirs(w, path, text, e);

	if (r)
		return r < 0 ? r : 0;
	r = changes_file(w->out, w->h, path, text, strlen(text), file_mode(path), 0, 0, REGISTRIES,
			 "enforce", NULL, purpose(path), e);
	if (r < 0 || !is_dropin(path))
		return r;
	if (r == 0)
		return registries_restart_if_newer(w, path, e);
	w->out->manager_reload = true;
	return registries_restart(w, purpose(path), e);
}

static int files_diff(const struct registries_work *w, struct err *e)
{
	_cleanup_json_ json_t *files = json_object();
	json_t *text;
	const char *path;
	int r;

	if (!files)
		return err_oom(e);
	r = want_files(w, files, e);
	if (r < 0)
		return r;
	json_object_foreach (files, path, text)
		if (r >= 0)
			r = write_file(w, path, json_string_value(text), e);
	if (r < 0)
		return r;
	json_object_foreach (json_readonly(json_object_get(w->was, "files")), path, text) {
		if (json_object_get(files, path) || !json_is_string(text))
			continue;
		r = changes_remove_ours(
			w->out, w->h, path, json_string_value(text), json_string_length(text),
			REGISTRIES, w->r ? "enforce" : NULL, "the plan no longer asks for it", e);
		if (r > 0 && is_dropin(path)) {
			w->out->manager_reload = true;
			r = registries_restart(w, "a drop-in of docker.service goes", e);
		}
		if (r < 0)
			return r;
	}
	if (json_object_size(files) && json_object_set(w->state, "files", files) < 0)
		return err_oom(e);
	return 0;
}

/* What _default is not to catch has a directory of its own; an empty one is enough. */
static int allowed_dirs(const struct registries_work *w, struct err *e)
{
	json_t *v;
	size_t i;

	json_array_foreach (
		json_readonly(registries_use(w, MEANS_CERTS) && w->r->all ? w->r->allow : NULL), i,
		v) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, CERTS "/%s", registry_name(json_string_value(v))) < 0)
			return err_oom(e);
		if (changes_dir(w->out, w->h, path, 0755, 0, 0, REGISTRIES, "allow", NULL,
				"kept out of _default", e) < 0)
			return e->code;
	}
	return 0;
}

/* --- /etc/hosts --- */

struct block {
	size_t begin, end; /* offsets; both at the end of the text when there is none */
};

/* -EINVAL: it begins, and doesn't end. */
static int block_find(const char *text, struct block *ret)
{
	const char *begin = NULL;

	*ret = (struct block){ strlen(text), strlen(text) };
	for (const char *line = text; *line;) {
		const char *eol = strchrnul(line, '\n');
		const char *next = *eol ? eol + 1 : eol;

		if (!begin && has_prefix(line, BLOCK_BEGIN)) {
			begin = line;
		} else if (begin && has_prefix(line, BLOCK_END)) {
			*ret = (struct block){ (size_t)(begin - text), (size_t)(next - text) };
			return 0;
		}
		line = next;
	}
	return begin ? -EINVAL : 0;
}

/* Names that somebody's own line gives an address: both of them would be tried. hosts(5). */
static int refuse_theirs(const struct registries_work *w, const char *text, const struct block *b,
			 const json_t *names, struct err *e)
{
	unsigned number = 0;

	for (const char *line = text; *line;) {
		const char *eol = strchrnul(line, '\n'), *end = line + strcspn(line, "#\n");
		size_t at = (size_t)(line - text);
		_cleanup_free_ char *copy = strndup(line, (size_t)(end - line));
		char *word, *rest;

		if (!copy)
			return err_oom(e);
		number++;
		line = *eol ? eol + 1 : eol;
		if (at >= b->begin && at < b->end)
			continue;
		strtok_r(copy, " \t\r", &rest);
		while ((word = strtok_r(NULL, " \t\r", &rest))) {
			json_t *v;
			size_t i;

			json_array_foreach (json_readonly(names), i, v)
				if (strcasecmp(json_string_value(v), word) == 0)
					errs_add(
						&w->out->refusals, NULL,
						"'%s" HOSTS "', line %u: gives %s an address, and "
						"dockerd would use it all the same: take that line "
						"out, or the name out of registries.block",
						host_prefix(w->h), number, word);
		}
	}
	return 0;
}

static int block_text(const struct registries_work *w, const char *text, const struct block *b,
		      char **ret, struct err *e)
{
	_cleanup_json_ json_t *names = registries_astray(w->r);
	_cleanup_buf_ struct buf line = BUF_INIT;
	json_t *v;
	size_t i;

	if (!names)
		return err_oom(e);
	json_array_foreach (names, i, v)
		buf_addf(&line, "%s%s", i ? " " : "", json_string_value(v));
	if (line.failed)
		return err_oom(e);
	const struct template_var vars[] = { { "names", line.data }, { NULL, NULL } };

	if (refuse_theirs(w, text, b, names, e) < 0)
		return e->code;
	return fill("registries-hosts", vars, ret, e);
}

static int hosts_take_out(const struct registries_work *w, const json_t *was, const char *text,
			  const struct block *b, struct err *e)
{
	const char *ours = json_string_value(json_object_get(was, "text"));
	_cleanup_buf_ struct buf rest = BUF_INIT;
	size_t begin = b->begin;

	if (!ours || b->begin == b->end)
		return 0;
	if (strlen(ours) != b->end - b->begin || strncmp(ours, text + b->begin, strlen(ours)) != 0)
		return changes_note(w->out, REGISTRIES, NULL, e,
				    "'%s" HOSTS
				    "': our block is no longer what bulkhead wrote: left "
				    "as it is",
				    host_prefix(w->h));
	if (json_is_true(json_object_get(was, "newline")) && !text[b->end] && begin &&
	    text[begin - 1] == '\n')
		begin--;
	buf_add(&rest, text, begin);
	buf_adds(&rest, text + b->end);
	if (rest.failed)
		return err_oom(e);
	if (!rest.len && json_is_true(json_object_get(was, "created")))
		return changes_remove_ours(w->out, w->h, HOSTS, text, strlen(text), REGISTRIES,
					   NULL, "made by us, and nothing is left in it", e);
	return changes_file(w->out, w->h, HOSTS, rest.data ? rest.data : "", rest.len,
			    CHANGE_KEEP_ATTRS, 0, 0, REGISTRIES, w->r ? "enforce" : NULL, NULL,
			    "the plan no longer asks for our block", e);
}

static int hosts_put(const struct registries_work *w, const json_t *was, const char *text,
		     const struct block *b, bool exists, struct err *e)
{
	_cleanup_free_ char *block = NULL;
	_cleanup_buf_ struct buf all = BUF_INIT;
	bool newline = b->begin == b->end && b->begin && text[b->begin - 1] != '\n';
	json_t *state;

	if (block_text(w, text, b, &block, e) < 0)
		return e->code;
	buf_add(&all, text, b->begin);
	if (newline)
		buf_addc(&all, '\n');
	buf_adds(&all, block);
	buf_adds(&all, text + b->end);
	if (all.failed)
		return err_oom(e);
	if (changes_file(w->out, w->h, HOSTS, all.data, all.len, CHANGE_KEEP_ATTRS, 0, 0,
			 REGISTRIES, "enforce", NULL, "names of blocked registries lead nowhere",
			 e) < 0)
		return e->code;
	state = json_pack("{s:s, s:b, s:b}", "text", block, "newline",
			  newline || json_is_true(json_object_get(was, "newline")), "created",
			  !exists || json_is_true(json_object_get(was, "created")));
	return json_object_set_new(w->state, "hosts", state) < 0 ? err_oom(e) : 0;
}

static int hosts_diff(const struct registries_work *w, struct err *e)
{
	const json_t *was = json_object_get(w->was, "hosts");
	_cleanup_free_ char *text = NULL;
	struct block b;
	size_t len;
	int r;

	if (!registries_use(w, MEANS_HOSTS) && !was)
		return 0;
	r = host_read(w->h, HOSTS, REGISTRIES_FILE_MAX, &text, &len, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && strlen(text) != len)
		return err_set(e, EINVAL, "'%s" HOSTS "' holds a NUL byte: mend it first",
			       host_prefix(w->h));
	if (block_find(text ? text : "", &b) < 0) {
		errs_add(&w->out->refusals, NULL,
			 "'%s" HOSTS "': the line \"" BLOCK_BEGIN "...\" has no \"" BLOCK_END
			 "\" behind it: mend or take out that block",
			 host_prefix(w->h));
		return 0;
	}
	if (registries_use(w, MEANS_HOSTS))
		return hosts_put(w, was, text ? text : "", &b, text != NULL, e);
	return text ? hosts_take_out(w, was, text, &b, e) : 0;
}

int registries_diff(const struct registries *r, const struct previous *was, const struct host *h,
		    struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *state = json_object();
	struct registries_work w = { r,	    h,
				     out,   was ? was->state : NULL,
				     state, was ? was->all : NULL };

	if (!state)
		return err_oom(e);
	if (allowed_dirs(&w, e) < 0 || files_diff(&w, e) < 0 || hosts_diff(&w, e) < 0 ||
	    registries_config(&w, e) < 0 || registries_sysconfig(&w, e) < 0)
		return e->code;
	return json_object_size(state) ? changes_remember(out, REGISTRIES, state, e) : 0;
}
