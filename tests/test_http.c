/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../modules/http.h"

#define MAX 100
#define OK  "HTTP/1.1 200 OK\r\n"

/* Feeds `text` in pieces of `step` bytes and then the end; the return value of the parser. */
static int feed(struct http *p, const char *text, size_t len, size_t step, struct err *e)
{
	http_init(p, MAX);
	for (size_t i = 0; i < len; i += step) {
		int r = http_feed(p, text + i, len - i < step ? len - i : step, e);

		if (r)
			return r < 0 ? r : 0;
	}
	return http_end(p, e);
}

START_TEST(test_answers)
{
	static const struct {
		const char *text;
		int r, status;
		const char *body;
	} rows[] = {
		{ OK "Content-Length: 2\r\n\r\n{}", 0, 200, "{}" },
		{ OK "content-length:  2 \t\r\n\r\n{}trailing", 0, 200, "{}" },
		{ OK "Content-Length: 0\r\n\r\n", 0, 200, "" },
		{ OK "\r\nto the end", 0, 200, "to the end" },
		{ "HTTP/1.0 404 \r\n\r\nx", 0, 404, "x" },
		{ "HTTP/1.1 404\r\n\r\nx", 0, 404, "x" },
		{ "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 0, 204, "" },
		{ "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", 0, 304, "" },
		{ "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\na", 0, 200, "a" },
		{ "HTTP/1.1 103 Hints\r\nContent-Length: 7\r\n\r\n" OK "Content-Length: 1\r\n\r\na",
		  0, 200, "a" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", 0,
		  200, "abcde" },
		{ OK "transfer-encoding: Chunked\r\n\r\n0a\r\n0123456789\r\n00\r\nT: x\r\n\r\n", 0,
		  200, "0123456789" },
		{ OK "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 0, 200,
		  "0123456789" },

		{ "", -EPROTO, 0, "" },
		{ "\r\n", -EPROTO, 0, "" },
		{ OK, -EPROTO, 0, "" },
		{ "HTTP/1.1 200 OK", -EPROTO, 0, "" },
		{ OK "Content-Length: 3\r\n\r\n{}", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n1 x\r\na\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: gzip\r\n\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", -EPROTO, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", -EPROTO, 0,
		  "" },
		{ OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", -EPROTO, 0, "" },
		{ OK "Content-Length: +2\r\n\r\n{}", -EPROTO, 0, "" },
		{ OK "Content-Length: 2, 2\r\n\r\n{}", -EPROTO, 0, "" },
		{ OK "Content-Length:\r\n\r\n", -EPROTO, 0, "" },
		{ OK "Content-Length : 2\r\n\r\n{}", -EPROTO, 0, "" },
		{ OK "no colon\r\n\r\n", -EPROTO, 0, "" },
		{ OK ": x\r\n\r\n", -EPROTO, 0, "" },
		{ OK "A: x\r\n folded\r\n\r\n", -EPROTO, 0, "" },
		{ OK "A: \x01\r\n\r\n", -EPROTO, 0, "" },
		{ OK "A: x\n\r\n", -EPROTO, 0, "" },
		{ OK "A: x\ry\r\n\r\n", -EPROTO, 0, "" },
		{ "HTTP/1.1 101 Switching\r\n\r\n", -EPROTO, 0, "" },
		{ "HTTP/2 200\r\n\r\n", -EPROTO, 0, "" },
		{ "HTTP/1.1 20\r\n\r\n", -EPROTO, 0, "" },
		{ "HTTP/1.1 2000\r\n\r\n", -EPROTO, 0, "" },
		{ "HTTP/1.1 099 x\r\n\r\n", -EPROTO, 0, "" },
		{ "HTTP/1.1  200\r\n\r\n", -EPROTO, 0, "" },
		{ "SSH-2.0-OpenSSH_9\r\n", -EPROTO, 0, "" },

		{ OK "Content-Length: 101\r\n\r\n", -EFBIG, 0, "" },
		{ OK "Content-Length: 18446744073709551616\r\n\r\n", -EFBIG, 0, "" },
		{ OK "Content-Length: 99999999999999999999999999\r\n\r\n", -EFBIG, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n65\r\n", -EFBIG, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n64\r\n", -EFBIG, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", -EFBIG, 0, "" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\n", -EFBIG, 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t step = 1; step<200; step += step> 8 ? 63 : 1) {
			struct http p;
			struct err e;
			int r = feed(&p, rows[i].text, strlen(rows[i].text), step, &e);

			ck_assert_msg(r == rows[i].r, "row %zu step %zu: %d", i, step, r);
			if (r == 0) {
				ck_assert_int_eq(p.status, rows[i].status);
				ck_assert_int_eq(p.body.len, strlen(rows[i].body));
				ck_assert(!p.body.len ||
					  memcmp(p.body.data, rows[i].body, p.body.len) == 0);
			}
			http_done(&p);
		}
}
END_TEST

START_TEST(test_nul)
{
	static const char head[] = OK "A: \0\r\n\r\n";
	static const char body[] = OK "Content-Length: 3\r\n\r\na\0b";
	struct http p;
	struct err e;

	ck_assert_int_eq(feed(&p, head, sizeof(head) - 1, 7, &e), -EPROTO);
	http_done(&p);
	ck_assert_int_eq(feed(&p, body, sizeof(body) - 1, 7, &e), 0);
	ck_assert(p.body.len == 3 && memcmp(p.body.data, "a\0b", 3) == 0);
	http_done(&p);
}
END_TEST

/* Answers without an end are cut off. */
START_TEST(test_endless)
{
	static const struct {
		const char *start, *again;
		int r;
	} rows[] = {
		{ "HTTP/1.1 200 ", "x", -EPROTO },
		{ OK, "A: b\r\n", -EPROTO },
		{ OK "A: ", "b", -EPROTO },
		{ "", "HTTP/1.1 100 x\r\n\r\n", -EPROTO },
		{ OK "\r\n", "x", -EFBIG },
		{ OK "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", -EFBIG },
		{ OK "Transfer-Encoding: chunked\r\n\r\n", "0", -EPROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n1;", "x", -EPROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n", -EPROTO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http p;
		struct err e;
		int r;

		http_init(&p, MAX);
		r = http_feed(&p, rows[i].start, strlen(rows[i].start), &e);
		for (int n = 0; r == 0 && n < 100000; n++)
			r = http_feed(&p, rows[i].again, strlen(rows[i].again), &e);
		ck_assert_msg(r == rows[i].r, "row %zu: %d", i, r);
		http_done(&p);
	}
}
END_TEST

/* A server for one connection: reads the request, sends `answer` in two pieces. */
struct server {
	pthread_t thread;
	int fd;
	const char *answer;
	const char *method; /* NULL: GET */
	bool hang;	    /* stays silent instead */
	char request[1024];
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	size_t n = 0, half = strlen(s->answer) / 2;

	while (n < sizeof(s->request) - 1 && !strstr(s->request, "\r\n\r\n")) {
		ssize_t got = read(fd, s->request + n, sizeof(s->request) - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (s->hang) {
		char c;

		while (read(fd, &c, 1) > 0)
			;
	}
	send(fd, s->answer, half, MSG_NOSIGNAL);
	usleep(10000);
	send(fd, s->answer + half, strlen(s->answer) - half, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

/* Listens on `dir`/sock and returns an O_PATH fd of it. */
static int listen_at(const char *dir, int *ret_fd)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), path;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/sock", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	path = open(sa.sun_path, O_PATH | O_CLOEXEC);
	ck_assert_int_ge(path, 0);
	*ret_fd = fd;
	return path;
}

static int ask(struct server *s, const char *path, unsigned ms, struct http *p, struct err *e)
{
	char *dir = tree_new();
	int pathfd = listen_at(dir, &s->fd), r;

	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
	http_init(p, MAX);
	r = http_ask_unix(pathfd, "/run/docker.sock", s->method ? s->method : "GET", path, ms, p,
			  e);
	pthread_join(s->thread, NULL);
	close(pathfd);
	close(s->fd);
	tree_remove(dir);
	return r;
}

START_TEST(test_get)
{
	struct server s = { .answer = OK "Content-Length: 2\r\n\r\n{}" };
	struct http p;
	struct err e;

	ck_assert_int_eq(ask(&s, "/info", 5000, &p, &e), 0);
	ck_assert_int_eq(p.status, 200);
	ck_assert_str_eq(p.body.data, "{}");
	ck_assert(has_prefix(s.request, "GET /info HTTP/1.1\r\nHost: docker\r\n"));
	ck_assert_ptr_nonnull(strstr(s.request, "\r\nConnection: close\r\n"));
	http_done(&p);
}
END_TEST

START_TEST(test_post)
{
	struct server s = { .method = "POST", .answer = OK "Content-Length: 0\r\n\r\n" };
	struct http p;
	struct err e;

	ck_assert_int_eq(ask(&s, "/images/create?tag=1", 5000, &p, &e), 0);
	ck_assert(has_prefix(s.request, "POST /images/create?tag=1 HTTP/1.1\r\nHost: docker\r\n"));
	ck_assert_ptr_nonnull(strstr(s.request, "\r\nContent-Length: 0\r\n"));
	http_done(&p);
}
END_TEST

START_TEST(test_get_bad)
{
	struct server silent = { .answer = "", .hang = true };
	struct server closes = { .answer = "" };
	struct server noise = { .answer = "220 mail ready\r\n" };
	struct http p;
	struct err e;

	ck_assert_int_eq(ask(&silent, "/info", 200, &p, &e), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(e.text, "/run/docker.sock"));
	http_done(&p);
	ck_assert_int_eq(ask(&closes, "/info", 5000, &p, &e), -EPROTO);
	http_done(&p);
	ck_assert_int_eq(ask(&noise, "/info", 5000, &p, &e), -EPROTO);
	http_done(&p);
}
END_TEST

START_TEST(test_nobody)
{
	char *dir = tree_new();
	struct http p;
	struct err e;
	int fd, path = listen_at(dir, &fd), clients[8], n = 0;

	http_init(&p, MAX);
	ck_assert_int_eq(http_ask_unix(path, "s", "GET", "relative", 1000, &p, &e), -EINVAL);
	ck_assert_int_eq(http_ask_unix(path, "s", "GET", "/a b", 1000, &p, &e), -EINVAL);
	ck_assert_int_eq(http_ask_unix(path, "s", "GET", "/a\r\nX: y", 1000, &p, &e), -EINVAL);
	/* A listener that accepts nothing, its queue full. */
	for (; n < 8; n++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };

		snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/sock", dir);
		clients[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(clients[n], (struct sockaddr *)&sa, sizeof(sa)) < 0)
			break;
	}
	ck_assert_int_lt(n, 8);
	ck_assert_int_eq(http_ask_unix(path, "s", "GET", "/info", 100, &p, &e), -ETIMEDOUT);
	for (; n >= 0; n--)
		close(clients[n]);
	close(fd);
	ck_assert_int_eq(http_ask_unix(path, "s", "GET", "/info", 1000, &p, &e), -ENOTCONN);
	close(path);
	path = open(dir, O_PATH | O_CLOEXEC);
	ck_assert_int_eq(http_ask_unix(path, "s", "GET", "/info", 1000, &p, &e), -ENOTCONN);
	close(path);
	http_done(&p);
	tree_remove(dir);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, test_answers);
	tcase_add_test(tc, test_nul);
	tcase_add_test(tc, test_endless);
	tcase_add_test(tc, test_get);
	tcase_add_test(tc, test_post);
	tcase_add_test(tc, test_get_bad);
	tcase_add_test(tc, test_nobody);
}

UNIT_MAIN("http")
