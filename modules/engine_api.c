/* SPDX-License-Identifier: Apache-2.0 */
#include "engine_api_internal.h"

#include "../src/units.h"
#include "http.h"
#include "unitfile.h"

#define TIMEOUT_MS	 10000
#define ANSWER_MAX	 (16 * 1024 * 1024)
#define STREAM_MAX	 (1024 * 1024)
#define USERS_ANSWER_MAX (1024 * 1024)
#define DEFAULT_SOCK	 "/run/docker.sock"

/* What the places where dockerd's addresses stand have told so far. */
struct sockets {
	bool any;   /* addresses, of whatever kind */
	bool by_fd; /* "fd://": those of docker.socket */
	char *path; /* of the first unix:// */
};

static void sockets_done(struct sockets *s)
{
	free(s->path);
}

static int address_add(struct sockets *s, const char *address)
{
	s->any = true;
	if (has_prefix(address, "fd://"))
		s->by_fd = true;
	if (s->path || !has_prefix(address, "unix:///"))
		return 0;
	s->path = strdup(address + strlen("unix://"));
	return s->path ? 0 : -ENOMEM;
}

/* "hosts" of daemon.json. What dockerd can't have read tells nothing of where it listens. */
static int sockets_of_config(const struct host *h, const char *config, struct sockets *s)
{
	_cleanup_free_ char *text = NULL;
	json_t *doc, *host;
	struct err none;
	size_t len, i;
	int r = 0;

	if (host_read(h, config, HOST_READ_MAX, &text, &len, &none) < 0)
		return 0;
	if (json_load(text, len, 0, &doc, NULL) < 0)
		return 0;
	json_array_foreach (json_object_get(doc, "hosts"), i, host)
		if (r == 0 && json_is_string(host))
			r = address_add(s, json_string_value(host));
	json_decref(doc);
	return r;
}

/* ListenStream= of docker.socket; a unit that can't be read leaves the usual place. */
static int sockets_of_unit(const struct host *h, struct sockets *s)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const struct unitfile_setting *set;
	struct err none;
	size_t pos = 0;

	if (unitfile_load(h, DOCKER_SOCKET, &u, &none) < 0)
		return 0;
	while (!s->path && (set = unitfile_next(&u, "Socket", "ListenStream", &pos))) {
		_cleanup_free_ char *path = NULL;

		if (unitfile_specifiers(set->value, u.name, &path) < 0)
			return -ENOMEM;
		if (*path == '/')
			s->path = TAKE_PTR(path);
	}
	return 0;
}

int engine_socket(const struct host *h, char **ret, struct err *e)
{
	_cleanup_(sockets_done) struct sockets s = { 0 };
	const struct engine_cmdline *c;
	const char *address;
	struct err none;
	size_t pos = 0;
	int r;

	/* A unit file that is broken now says nothing of the daemon that runs. */
	r = engine_cmdline(h, &c, &none);
	if (r == -ENOMEM)
		return err_oom(e);
	if (r == 0) {
		while (r == 0 && (address = engine_cmdline_next(c, "hosts", &pos)))
			r = address_add(&s, address);
		if (r == 0 && !s.any)
			r = sockets_of_config(h, c->config, &s);
	}
	if (r != -ENOMEM && !s.path && s.by_fd)
		r = sockets_of_unit(h, &s);
	if (r == -ENOMEM)
		return err_oom(e);
	if (!s.path && s.any && !s.by_fd)
		return err_set(e, ENOTCONN, "dockerd listens on no Unix socket");
	*ret = s.path ? TAKE_PTR(s.path) : strdup(DEFAULT_SOCK);
	return *ret ? 0 : err_oom(e);
}

/* Where to connect to, or why not to; one fact for all that is asked. */
struct door {
	int r;
	struct err e;
	char *path;
};

static void door_free(void *p)
{
	struct door *d = p;

	free(d->path);
	free(d);
}

/*
 * Connecting to docker.socket starts docker.service. A check must not, so the service is asked for
 * first; where that can't be asked we don't connect either.
 */
static int door_open(const struct host *h, struct door *d)
{
	_cleanup_units_ struct units *u = NULL;
	struct unit_state st;
	int r;

	if (!host_is_live(h))
		return err_set(&d->e, ENOTCONN, "no daemon is asked offline (%s)",
			       host_offline_why(h));
	r = units_open(h, &u, &d->e);
	if (r == 0)
		r = units_state(u, DOCKER_SERVICE, &st, &d->e);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		err_prefix(&d->e, "can't tell whether " DOCKER_SERVICE " runs");
		d->e.code = -ENOTCONN;
		return -ENOTCONN;
	}
	if (!unit_is_up(st.active))
		return err_set(&d->e, ENOTCONN, DOCKER_SERVICE " is %s",
			       streq(st.load, "loaded") ? st.active : st.load);
	return engine_socket(h, &d->path, &d->e);
}

static int door(const struct host *h, const char **ret_path, struct err *e)
{
	static const char fact[] = "engine_api";
	struct door *d = host_kept(h, fact);
	int r;

	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return err_oom(e);
		d->r = door_open(h, d);
		r = host_keep(h, fact, d, door_free, e);
		if (r < 0)
			return r;
	}
	if (d->r < 0)
		*e = d->e;
	*ret_path = d->path;
	return d->r;
}

/* What the daemon says about a refusal: {"message": "..."}, cut to a line. */
static void message_add(const struct http *http, struct err *e)
{
	const char *body = http->body.data ? http->body.data : "", *s;
	char text[512];
	size_t n = 0;
	json_t *doc;

	if (json_load(body, http->body.len, 0, &doc, NULL) < 0)
		return;
	s = json_string_value(json_object_get(doc, "message"));
	for (; s && *s && n < sizeof(text) - 1; s++)
		text[n++] = (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s;
	text[n] = '\0';
	if (n)
		err_append(e, ": %s", text);
	json_decref(doc);
}

static int ask(const struct host *h, const char *sock, const char *method, const char *path,
	       unsigned timeout_ms, struct http *http, struct err *e)
{
	_cleanup_close_ int fd = host_open_path(h, sock, e);

	if (fd == -ENOENT)
		return err_set(e, ENOTCONN, "there is no socket '%s'", sock);
	if (fd < 0)
		return fd;
	if (http_ask_unix(fd, sock, method, path, timeout_ms, http, e) < 0)
		return err_prefix(e, "%s %s", method, path);
	return 0;
}

int engine_fetch(const struct host *h, const char *sock, const uid_t *peer, const char *path,
		 json_t **ret, struct err *e)
{
	_cleanup_http_ struct http http;
	json_error_t je;
	int r;

	http_init(&http, peer ? USERS_ANSWER_MAX : ANSWER_MAX);
	http.has_peer = peer != NULL;
	http.peer = peer ? *peer : 0;
	r = ask(h, sock, "GET", path, TIMEOUT_MS, &http, e);
	if (r < 0)
		return r;
	if (http.status != 200) {
		r = http.status == 403 ? EACCES : http.status == 404 ? ENOENT : EREMOTEIO;
		err_set(e, r, "GET %s: dockerd answers with status %d", path, http.status);
		message_add(&http, e);
		return -r;
	}
	r = json_load(http.body.data ? http.body.data : "", http.body.len, JSON_ALLOW_NUL, ret,
		      &je);
	if (r == -ENOMEM)
		return err_oom(e);
	if (r < 0)
		return err_set(e, EPROTO, "GET %s: the answer is not JSON: %s", path, je.text);
	return 0;
}

struct answer {
	int r;
	struct err e;
	json_t *doc;
};

static void answer_free(void *p)
{
	struct answer *a = p;

	json_decref(a->doc);
	free(a);
}

int engine_get(const struct host *h, const char *path, const json_t **ret, struct err *e)
{
	_cleanup_free_ char *fact = NULL;
	const char *sock = NULL;
	struct answer *a;
	int r;

	if (asprintf(&fact, "engine GET %s", path) < 0)
		return err_oom(e);
	a = host_kept(h, fact);
	if (!a) {
		r = door(h, &sock, e);
		if (r < 0)
			return r;
		a = calloc(1, sizeof(*a));
		if (!a)
			return err_oom(e);
		a->r = engine_fetch(h, sock, NULL, path, &a->doc, &a->e);
		r = host_keep(h, fact, a, answer_free, e);
		if (r < 0)
			return r;
	}
	if (a->r < 0)
		*e = a->e;
	else
		*ret = a->doc;
	return a->r;
}

int engine_send(const struct host *h, const char *sock, const char *path, unsigned timeout_ms,
		int *ret_status, char **ret_text, struct err *e)
{
	_cleanup_http_ struct http http;
	int r;

	http_init(&http, STREAM_MAX);
	r = ask(h, sock, "POST", path, timeout_ms, &http, e);
	if (r < 0)
		return r;
	*ret_status = http.status;
	*ret_text = buf_take(&http.body, NULL);
	return *ret_text ? 0 : err_oom(e);
}

int engine_post(const struct host *h, const char *path, unsigned timeout_ms, int *ret_status,
		char **ret_text, struct err *e)
{
	const char *sock = NULL;
	int r = door(h, &sock, e);

	return r < 0 ? r : engine_send(h, sock, path, timeout_ms, ret_status, ret_text, e);
}

int engine_get_user(const struct host *h, uid_t uid, const char *path, json_t **ret, struct err *e)
{
	char sock[64];
	struct stat st;
	int r;

	if (!host_is_live(h))
		return err_set(e, ENOTCONN, "no daemon is asked offline (%s)", host_offline_why(h));
	snprintf(sock, sizeof(sock), "/run/user/%u/docker.sock", uid);
	r = host_lstat(h, sock, &st, e);
	if (r == -ENOENT)
		return err_set(e, ENOTCONN, "there is no socket '%s'", sock);
	if (r < 0)
		return r;
	if (!S_ISSOCK(st.st_mode) || st.st_uid != uid)
		return err_set(e, EPERM, "'%s' is no socket of uid %u", sock, uid);
	return engine_fetch(h, sock, &uid, path, ret, e);
}
