/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of an HTTP/1.1 client as asking a local daemon takes: one request without a body over a
 * Unix socket, one answer, then the connection is closed.
 *
 * The parser is fed what arrives, in pieces of any size, and keeps to RFC 9112 without its
 * leniencies: what is not exactly an answer is -EPROTO. It is linear in the bytes it is fed and
 * never holds more than the body's bound and HTTP_HEAD_MAX.
 */
#ifndef BULKHEAD_HTTP_H
#define BULKHEAD_HTTP_H

#include "../src/buf.h"
#include "../src/err.h"

#define HTTP_LINE_MAX (16 * 1024)
#define HTTP_HEAD_MAX (64 * 1024) /* header and trailer lines of all answers of one connection */

enum http_state {
	HTTP_STATUS,
	HTTP_HEADERS,
	HTTP_LENGTH,	/* a body of a known length */
	HTTP_UNTIL_END, /* a body up to the end of the connection */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,
	HTTP_CHUNK_END,
	HTTP_TRAILERS,
	HTTP_COMPLETE,
};

struct http {
	enum http_state state;
	int status;	 /* 200, 403 ... valid when complete */
	struct buf body; /* without transfer coding */
	bool has_peer;	 /* set after http_init: who listens has to be `peer`, SO_PEERCRED */
	uid_t peer;
	/* The parser's own. */
	struct buf line;
	size_t head, max;
	uint64_t left;
	bool has_length, chunked;
};

/* Prepares for one answer whose body may have `max` bytes. */
void http_init(struct http *p, size_t max);
void http_done(struct http *p);
#define _cleanup_http_ _cleanup_(http_done)

/* 1: the answer is complete, what follows it was not looked at. 0: more is needed. -EPROTO: this is
 * not HTTP. -EFBIG: the body is longer than `max`. */
int http_feed(struct http *p, const char *data, size_t len, struct err *e);

/* The connection ended. 0: the answer is complete; -EPROTO: it was cut short. */
int http_end(struct http *p, struct err *e);

/*
 * Asks for `path` with `method` ("GET", "POST") at a Unix socket that an O_PATH fd stands for;
 * `name` is what errors call it. 0 with the answer in *p, whatever its status, which http_init has
 * prepared. -ENOTCONN: nothing listens; -EACCES; -EPERM: somebody else than `peer` listens, who was
 * not asked; -ETIMEDOUT after `timeout_ms` in all, *p then holds what came until then; -EPROTO,
 * -EFBIG, -ECONNRESET.
 */
int http_ask_unix(int pathfd, const char *name, const char *method, const char *path,
		  unsigned timeout_ms, struct http *p, struct err *e);

#endif
