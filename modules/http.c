/* SPDX-License-Identifier: Apache-2.0 */
#include "../src/clock.h"
#include "http.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

void http_init(struct http *p, size_t max)
{
	*p = (struct http){ .max = max };
}

void http_done(struct http *p)
{
	buf_done(&p->body);
	buf_done(&p->line);
}

/* ---- the parser ---- */

static bool is_token(const char *s, size_t len)
{
	static const char chars[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (size_t i = 0; i < len; i++)
		if (!memchr(chars, s[i], sizeof(chars) - 1))
			return false;
	return len;
}

/* "HTTP/1.1 200 OK"; the reason may be empty or, with its space, missing. */
static int status_line(struct http *p, const char *s, struct err *e)
{
	int status = 0;

	if (!has_prefix(s, "HTTP/1.1 ") && !has_prefix(s, "HTTP/1.0 "))
		return err_set(e, EPROTO, "the answer is not HTTP/1.1");
	for (int i = 9; i < 12; i++) {
		if (s[i] < '0' || s[i] > '9')
			return err_set(e, EPROTO, "an HTTP answer without a status");
		status = status * 10 + (s[i] - '0');
	}
	if (status < 100 || (s[12] && s[12] != ' '))
		return err_set(e, EPROTO, "an HTTP answer with a broken status");
	if (status == 101)
		return err_set(e, EPROTO, "an HTTP answer that changes the protocol");
	p->status = status;
	p->has_length = p->chunked = false;
	p->left = 0;
	p->state = HTTP_HEADERS;
	return 0;
}

static int length_set(struct http *p, const char *value, struct err *e)
{
	uint64_t n = 0;

	if (p->has_length)
		return err_set(e, EPROTO, "an HTTP answer with two lengths");
	if (!*value)
		return err_set(e, EPROTO, "an HTTP answer with an empty Content-Length");
	for (; *value; value++) {
		if (*value < '0' || *value > '9')
			return err_set(e, EPROTO, "an HTTP answer with a broken Content-Length");
		if (n > (UINT64_MAX - 9) / 10)
			return err_set(e, EFBIG, "an answer of more than %zu bytes", p->max);
		n = n * 10 + (uint64_t)(*value - '0');
	}
	p->has_length = true;
	p->left = n;
	return 0;
}

static int header_line(struct http *p, char *line, size_t len, struct err *e)
{
	const char *colon = memchr(line, ':', len);
	const char *value;

	if (!colon || !is_token(line, (size_t)(colon - line)))
		return err_set(e, EPROTO, "an HTTP answer with a broken header");
	for (value = colon + 1; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return err_set(e, EPROTO, "an HTTP answer with a broken header");
	if (p->state == HTTP_TRAILERS)
		return 0;
	while (line[len - 1] == ' ' || line[len - 1] == '\t')
		line[--len] = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	len = (size_t)(colon - line);
	if (len == strlen("content-length") && strncasecmp(line, "content-length", len) == 0)
		return length_set(p, value, e);
	if (len == strlen("transfer-encoding") &&
	    strncasecmp(line, "transfer-encoding", len) == 0) {
		if (p->chunked || strcasecmp(value, "chunked") != 0)
			return err_set(e, EPROTO, "an HTTP answer in an encoding not asked for");
		p->chunked = true;
	}
	return 0;
}

/* The empty line behind the headers: what kind of body follows (RFC 9112, 6.3). */
static int headers_end(struct http *p, struct err *e)
{
	if (p->status < 200)
		p->state = HTTP_STATUS;
	else if (p->chunked && p->has_length)
		return err_set(e, EPROTO, "an HTTP answer with a length and in chunks");
	else if (p->status == 204 || p->status == 304)
		p->state = HTTP_COMPLETE;
	else if (p->chunked)
		p->state = HTTP_CHUNK_SIZE;
	else if (!p->has_length)
		p->state = HTTP_UNTIL_END;
	else if (p->left > p->max)
		return err_set(e, EFBIG, "an answer of more than %zu bytes", p->max);
	else
		p->state = p->left ? HTTP_LENGTH : HTTP_COMPLETE;
	return 0;
}

/* "1a" or "1a;name=value" (extensions are to be passed over). */
static int chunk_size(struct http *p, const char *s, struct err *e)
{
	const char *digits = s;
	uint64_t n = 0;

	for (; (*s >= '0' && *s <= '9') || ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'f'); s++) {
		if (n > p->max)
			break;
		n = n * 16 + (uint64_t)(*s <= '9' ? *s - '0' : (*s | 0x20) - 'a' + 10);
	}
	if (n > p->max - p->body.len)
		return err_set(e, EFBIG, "an answer of more than %zu bytes", p->max);
	s += strspn(s, " \t");
	if (s == digits || (*s && *s != ';'))
		return err_set(e, EPROTO, "an HTTP answer with a broken chunk");
	p->left = n;
	p->state = n ? HTTP_CHUNK : HTTP_TRAILERS;
	return 0;
}

static int take_line(struct http *p, struct err *e)
{
	char *line = p->line.data;
	size_t len = p->line.len;

	if (!len || line[len - 1] != '\r' || memchr(line, '\r', len) != line + len - 1 ||
	    memchr(line, '\0', len))
		return err_set(e, EPROTO, "an HTTP answer with a broken line");
	line[--len] = '\0';
	p->line.len = 0;
	switch (p->state) {
	case HTTP_STATUS:
		return status_line(p, line, e);
	case HTTP_HEADERS:
		return len ? header_line(p, line, len, e) : headers_end(p, e);
	case HTTP_CHUNK_SIZE:
		return chunk_size(p, line, e);
	case HTTP_CHUNK_END:
		if (len)
			return err_set(e, EPROTO, "an HTTP answer with a broken chunk");
		p->state = HTTP_CHUNK_SIZE;
		return 0;
	default:
		if (len)
			return header_line(p, line, len, e);
		p->state = HTTP_COMPLETE;
		return 0;
	}
}

int http_feed(struct http *p, const char *data, size_t len, struct err *e)
{
	while (len && p->state != HTTP_COMPLETE) {
		size_t n;
		int r;

		if (p->state == HTTP_LENGTH || p->state == HTTP_CHUNK ||
		    p->state == HTTP_UNTIL_END) {
			n = p->state != HTTP_UNTIL_END && len > p->left ? (size_t)p->left : len;
			if (n > p->max - p->body.len)
				return err_set(e, EFBIG, "an answer of more than %zu bytes",
					       p->max);
			buf_add(&p->body, data, n);
			if (p->body.failed)
				return err_oom(e);
			if (p->state != HTTP_UNTIL_END) {
				p->left -= n;
				if (!p->left)
					p->state = p->state == HTTP_CHUNK ? HTTP_CHUNK_END
									  : HTTP_COMPLETE;
			}
		} else {
			const char *eol = memchr(data, '\n', len);

			n = eol ? (size_t)(eol - data) : len;
			if (p->line.len + n > HTTP_LINE_MAX)
				return err_set(e, EPROTO, "an HTTP answer with an endless line");
			buf_add(&p->line, data, n);
			if (p->line.failed)
				return err_oom(e);
			if (p->state != HTTP_CHUNK_SIZE && p->state != HTTP_CHUNK_END) {
				p->head += n + 1;
				if (p->head > HTTP_HEAD_MAX)
					return err_set(e, EPROTO,
						       "an HTTP answer with endless headers");
			}
			if (eol) {
				n++;
				r = take_line(p, e);
				if (r < 0)
					return r;
			}
		}
		data += n;
		len -= n;
	}
	return p->state == HTTP_COMPLETE;
}

int http_end(struct http *p, struct err *e)
{
	if (p->state == HTTP_UNTIL_END)
		p->state = HTTP_COMPLETE;
	if (p->state == HTTP_COMPLETE)
		return 0;
	if (p->state == HTTP_STATUS && !p->line.len)
		return err_set(e, EPROTO, "the connection was closed without an answer");
	return err_set(e, EPROTO, "the answer was cut short");
}

/* ---- the connection ---- */

static int wait_for(int fd, short events, int64_t deadline, const char *name, struct err *e)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline - clock_ms();
		int r;

		if (left <= 0)
			return err_set(e, ETIMEDOUT, "%s does not answer in time", name);
		r = poll(&pfd, 1, left > 60000 ? 60000 : (int)left);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return err_sys(e, errno, "cannot wait for %s", name);
	}
}

static int connect_to(int fd, int pathfd, const char *name, int64_t deadline, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	/* A path of any length, inside any root: connect(2) follows the link to what it stands for.
	 */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", pathfd);
	while (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		switch (errno) {
		case EINTR:
			break;
		case EAGAIN:
			/* The queue of the listener is full, and there is nothing to poll for
			 * (unix(7)). */
			if (clock_ms() >= deadline)
				return err_set(e, ETIMEDOUT, "%s does not answer in time", name);
			poll(NULL, 0, 20);
			break;
		case ECONNREFUSED:
		case ENOENT:
			return err_set(e, ENOTCONN, "nothing listens on %s", name);
		default:
			return err_sys(e, errno, "cannot connect to %s", name);
		}
	}
	return 0;
}

static int check_peer(int fd, const char *name, uid_t peer, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return err_sys(e, errno, "cannot tell who listens on %s", name);
	if (cred.uid != peer)
		return err_set(e, EPERM, "uid %u listens on %s, and it has to be uid %u", cred.uid,
			       name, peer);
	return 0;
}

static int send_request(int fd, const char *name, const char *method, const char *path,
			int64_t deadline, struct err *e)
{
	_cleanup_buf_ struct buf req = BUF_INIT;
	size_t sent = 0;

	buf_addf(&req,
		 "%s %s HTTP/1.1\r\nHost: docker\r\nUser-Agent: bulkhead\r\n"
		 "Accept: application/json\r\n%sConnection: close\r\n\r\n",
		 method, path, streq(method, "GET") ? "" : "Content-Length: 0\r\n");
	if (req.failed)
		return err_oom(e);
	while (sent < req.len) {
		ssize_t n = send(fd, req.data + sent, req.len - sent, MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			sent += (size_t)n;
		} else if (errno == EAGAIN) {
			r = wait_for(fd, POLLOUT, deadline, name, e);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return err_sys(e, errno, "cannot ask %s", name);
		}
	}
	return 0;
}

static int receive(int fd, const char *name, int64_t deadline, struct http *p, struct err *e)
{
	char data[16384];

	for (;;) {
		ssize_t n;
		int r;

		r = wait_for(fd, POLLIN, deadline, name, e);
		if (r < 0)
			return r;
		n = recv(fd, data, sizeof(data), 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_sys(e, errno, "cannot read the answer of %s", name);
		r = n ? http_feed(p, data, (size_t)n, e) : http_end(p, e);
		if (r < 0)
			return err_prefix(e, "%s", name);
		if (r > 0 || !n)
			return 0;
	}
}

int http_ask_unix(int pathfd, const char *name, const char *method, const char *path,
		  unsigned timeout_ms, struct http *p, struct err *e)
{
	int64_t deadline = clock_ms() + timeout_ms;
	_cleanup_close_ int fd = -1;
	int r;

	for (const char *s = path; *s; s++)
		if (*path != '/' || *s <= ' ' || *s >= 0x7f)
			return err_set(e, EINVAL, "'%s' can't be asked for over HTTP", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket");
	r = connect_to(fd, pathfd, name, deadline, e);
	if (r == 0 && p->has_peer)
		r = check_peer(fd, name, p->peer, e);
	if (r == 0)
		r = send_request(fd, name, method, path, deadline, e);
	return r < 0 ? r : receive(fd, name, deadline, p, e);
}
