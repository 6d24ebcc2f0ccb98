/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../modules/engine_api_internal.h"

#define SERVICE "/usr/lib/systemd/system/docker.service"
#define SOCKET	"/usr/lib/systemd/system/docker.socket"
#define CONFIG	"/etc/docker/daemon.json"

static char *dir;
static struct host *h;

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

START_TEST(test_offline)
{
	const json_t *doc;
	struct err e;

	setup();
	ck_assert_int_eq(engine_get(h, "/info", &doc, &e), -ENOTCONN);
	ck_assert_ptr_nonnull(strstr(e.text, host_offline_why(h)));
	/* From what is kept, too. */
	e.text[0] = '\0';
	ck_assert_int_eq(engine_get(h, "/version", &doc, &e), -ENOTCONN);
	ck_assert_ptr_nonnull(strstr(e.text, host_offline_why(h)));
	teardown();
}
END_TEST

START_TEST(test_socket)
{
	static const struct {
		const char *args, *listen, *config, *want; /* want NULL: -ENOTCONN */
	} rows[] = {
		{ "-H fd://", "ListenStream=/run/docker.sock\n", "{}", "/run/docker.sock" },
		{ "-H fd://", "ListenStream=2375\nListenStream=%t/d.sock\n", "", "/run/d.sock" },
		{ "-H fd://", "ListenStream=/a\nListenStream=\nListenStream=/b\n", "", "/b" },
		{ "-H fd://", "", "", "/run/docker.sock" },
		{ "-H fd:// -H unix:///x.sock -H unix:///y.sock", "ListenStream=/a\n", "",
		  "/x.sock" },
		{ "--host=tcp://0.0.0.0:2376", "ListenStream=/a\n", "", NULL },
		{ "", "ListenStream=/a\n", "", "/run/docker.sock" },
		{ "", "ListenStream=/a\n", "{\"hosts\": [\"tcp://:1\", \"unix:///c.sock\"]}",
		  "/c.sock" },
		{ "", "ListenStream=/a\n", "{\"hosts\": [\"fd://\"]}", "/a" },
		{ "", "", "{\"hosts\": [\"tcp://:1\"]}", NULL },
		{ "", "", "{\"hosts\": [1, null]}", "/run/docker.sock" },
		{ "", "", "{\"hosts\": \"unix:///c.sock\"}", "/run/docker.sock" },
		{ "", "", "{\"hosts\": [\"unix:///c.sock\"", "/run/docker.sock" },
		{ "-D ; x", "", "{\"hosts\": [\"unix:///c.sock\"]}", "/run/docker.sock" },
	};

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512], *sock = NULL;
		struct err e;
		int r;

		snprintf(text, sizeof(text), "[Service]\nExecStart=/usr/bin/dockerd %s\n",
			 rows[i].args);
		tree_write(dir, SERVICE, text, 0644);
		snprintf(text, sizeof(text), "[Socket]\n%s", rows[i].listen);
		tree_write(dir, SOCKET, text, 0644);
		tree_write(dir, CONFIG, rows[i].config, 0644);
		host_forget(h);
		r = engine_socket(h, &sock, &e);
		ck_assert_int_eq(r, rows[i].want ? 0 : -ENOTCONN);
		ck_assert_msg(r < 0 || streq(sock, rows[i].want), "row %zu: %s", i, sock);
		free(sock);
	}
	teardown();
}
END_TEST

START_TEST(test_socket_nothing)
{
	struct err e;
	char *sock;

	setup();
	ck_assert_int_eq(engine_socket(h, &sock, &e), 0);
	ck_assert_str_eq(sock, "/run/docker.sock");
	free(sock);
	teardown();
}
END_TEST

/* Answers one request on `dir`/run/docker.sock. */
struct daemon {
	pthread_t thread;
	int fd;
	const char *answer;
	bool asked;
};

static void *daemon_run(void *arg)
{
	struct daemon *d = arg;
	int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
	char request[1024];

	d->asked = read(fd, request, sizeof(request)) > 0;
	send(fd, d->answer, strlen(d->answer), MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

/* GETs a document; or POSTs, for the status and the text. */
static int talk(const char *answer, const uid_t *peer, json_t **ret, int *ret_status,
		char **ret_text, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct daemon d = { .answer = answer };
	int r;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/run/docker.sock", dir);
	unlink(sa.sun_path);
	d.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(d.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(d.fd, 1), 0);
	ck_assert_int_eq(pthread_create(&d.thread, NULL, daemon_run, &d), 0);
	/* As dockerd's default is written; the link stays inside the root. */
	r = ret ? engine_fetch(h, "/var/run/docker.sock", peer, "/info", ret, e)
		: engine_send(h, "/var/run/docker.sock", "/images/create?fromImage=x", 5000,
			      ret_status, ret_text, e);
	pthread_join(d.thread, NULL);
	close(d.fd);
	ck_assert(d.asked == (r != -EPERM));
	return r;
}

START_TEST(test_fetch)
{
	static const struct {
		const char *answer;
		int r;
		const char *says;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"ID\":\"\\u0000\"}", 0, "" },
		{ "HTTP/1.1 200 OK\r\n\r\n{}", 0, "" },
		{ "HTTP/1.1 200 OK\r\n\r\n{", -EPROTO, "not JSON" },
		{ "HTTP/1.1 200 OK\r\n\r\n", -EPROTO, "not JSON" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", -EPROTO, "cut short" },
		{ "HTTP/1.1 403 Forbidden\r\n\r\n{\"message\":\"authorization denied by x\\ny\"}",
		  -EACCES, "authorization denied by x y" },
		{ "HTTP/1.1 404 Not Found\r\n\r\n{\"message\":\"network bridge not found\"}",
		  -ENOENT, "network bridge" },
		{ "HTTP/1.1 500 x\r\n\r\nnot JSON", -EREMOTEIO, "status 500" },
		{ "HTTP/1.1 204 x\r\n\r\n", -EREMOTEIO, "status 204" },
		{ "nonsense\r\n", -EPROTO, "not HTTP" },
	};
	char path[4096];

	setup();
	tree_write(dir, "/run/x", "", 0644);
	tree_write(dir, "/var/x", "", 0644);
	snprintf(path, sizeof(path), "%s/var/run", dir);
	ck_assert_int_eq(symlink("/run", path), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *doc = NULL;
		struct err e = { 0 };
		int r = talk(rows[i].answer, NULL, &doc, NULL, NULL, &e);

		ck_assert_msg(r == rows[i].r, "row %zu: %d", i, r);
		ck_assert(r < 0 ? e.code == r : json_is_object(doc));
		ck_assert_msg(strstr(e.text, rows[i].says), "row %zu: %s", i, e.text);
		json_decref(doc);
	}
	teardown();
}
END_TEST

/* Whoever else listens is not even asked. */
START_TEST(test_fetch_peer)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n{}";
	uid_t own = geteuid(), other = own + 1;
	char path[4096];
	json_t *doc;
	struct err e;

	setup();
	tree_write(dir, "/run/x", "", 0644);
	tree_write(dir, "/var/x", "", 0644);
	snprintf(path, sizeof(path), "%s/var/run", dir);
	ck_assert_int_eq(symlink("/run", path), 0);
	ck_assert_int_eq(talk(answer, &own, &doc, NULL, NULL, &e), 0);
	json_decref(doc);
	ck_assert_int_eq(talk(answer, &other, &doc, NULL, NULL, &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "listens on /var/run/docker.sock"));
	ck_assert_int_eq(engine_get_user(h, own, "/info", &doc, &e), -ENOTCONN);
	ck_assert_ptr_nonnull(strstr(e.text, "offline"));
	teardown();
}
END_TEST

START_TEST(test_fetch_nobody)
{
	json_t *doc;
	struct err e;

	setup();
	ck_assert_int_eq(engine_fetch(h, "/run/docker.sock", NULL, "/info", &doc, &e), -ENOTCONN);
	tree_write(dir, "/run/docker.sock", "", 0644);
	ck_assert_int_eq(engine_fetch(h, "/run/docker.sock", NULL, "/info", &doc, &e), -ENOTCONN);
	ck_assert_ptr_nonnull(strstr(e.text, "/run/docker.sock"));
	teardown();
}
END_TEST

/* Whatever the status, and however many documents. */
START_TEST(test_send)
{
	static const char stream[] = "{\"status\":\"Pulling\"}\r\n{\"error\":\"no\"}\r\n";
	char answer[256], *text = NULL;
	const json_t *doc;
	struct err e;
	int status;

	setup();
	tree_write(dir, "/var/run/x", "", 0644);
	tree_write(dir, "/run/x", "", 0644);
	snprintf(answer, sizeof(answer), "%s/var/run/x", dir);
	ck_assert_int_eq(unlink(answer), 0);
	snprintf(answer, sizeof(answer), "%s/var/run", dir);
	ck_assert_int_eq(rmdir(answer), 0);
	ck_assert_int_eq(symlink("/run", answer), 0);
	snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n\r\n%s", stream);
	ck_assert_int_eq(talk(answer, NULL, NULL, &status, &text, &e), 0);
	ck_assert_int_eq(status, 200);
	ck_assert_str_eq(text, stream);
	free(text);
	ck_assert_int_eq(talk("HTTP/1.1 404 x\r\n\r\nno", NULL, NULL, &status, &text, &e), 0);
	ck_assert_int_eq(status, 404);
	ck_assert_str_eq(text, "no");
	free(text);
	ck_assert_int_eq(talk("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", NULL, NULL,
			      &status, &text, &e),
			 -EFBIG);
	/* Offline nobody is asked. */
	ck_assert_int_eq(engine_get(h, "/info", &doc, &e), -ENOTCONN);
	ck_assert_int_eq(engine_post(h, "/x", 1000, &status, &text, &e), -ENOTCONN);
	teardown();
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_offline);
	tcase_add_test(tc, test_socket);
	tcase_add_test(tc, test_socket_nothing);
	tcase_add_test(tc, test_fetch);
	tcase_add_test(tc, test_fetch_peer);
	tcase_add_test(tc, test_fetch_nobody);
	tcase_add_test(tc, test_send);
}

UNIT_MAIN("engine_api")
