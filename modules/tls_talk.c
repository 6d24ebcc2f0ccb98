/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "../src/library.h"
#include "tls.h"

#if HAVE_OPENSSL

#include <arpa/inet.h>
#include <dlfcn.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#define REQUEST "GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"

#define SSL_API(X)                                                                                 \
	X(OPENSSL_init_ssl)                                                                        \
	X(SSL_connect)                                                                             \
	X(SSL_CTX_free)                                                                            \
	X(SSL_CTX_get_cert_store)                                                                  \
	X(SSL_CTX_new)                                                                             \
	X(SSL_CTX_set_verify)                                                                      \
	X(SSL_CTX_use_certificate)                                                                 \
	X(SSL_CTX_use_PrivateKey)                                                                  \
	X(SSL_free)                                                                                \
	X(SSL_get_verify_result)                                                                   \
	X(SSL_new)                                                                                 \
	X(SSL_read)                                                                                \
	X(SSL_set_fd)                                                                              \
	X(SSL_write)                                                                               \
	X(TLS_client_method)                                                                       \
	/* libcrypto's, found through libssl */                                                    \
	X(BIO_free)                                                                                \
	X(BIO_new_mem_buf)                                                                         \
	X(ERR_clear_error)                                                                         \
	X(EVP_PKEY_free)                                                                           \
	X(PEM_read_bio_PrivateKey)                                                                 \
	X(PEM_read_bio_X509)                                                                       \
	X(X509_free)                                                                               \
	X(X509_STORE_add_cert)                                                                     \
	X(X509_verify_cert_error_string)

struct ssl {
#define X(name) __typeof__(name) *name;
	SSL_API(X)
#undef X
};

static int ssl_load(struct ssl *s, struct err *e)
{
	/* Never closed, as libcrypto isn't. */
	const char *why;
	void *lib = library_load("libssl.so.3", &why), *f;

	if (!lib)
		return why ? err_set(e, EOPNOTSUPP,
				     "TLS can't be tried without OpenSSL 3 (%s): install libssl3 "
				     "(Debian, Ubuntu) or openssl-libs",
				     why)
			   : err_oom(e);
#define X(name)                                                                                    \
	f = dlsym(lib, #name);                                                                     \
	if (!f)                                                                                    \
		return err_set(e, EOPNOTSUPP, "this libssl.so.3 has no " #name);                   \
	memcpy(&s->name, &f, sizeof(f));
	SSL_API(X)
#undef X
	if (s->OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return err_set(e, EOPNOTSUPP, "OpenSSL does not start");
	return 0;
}

/* --- the connection --- */

static socklen_t address(struct sockaddr_storage *ss, bool v6, const char *host, unsigned port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, host, &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, host, &in->sin_addr);
	return sizeof(*in);
}

/* An fd, or -1 with the reason in `text`. */
static int dial(const struct tls_talk *t, char text[128])
{
	const struct tls_address *to = t->to;
	/* Through a socket of both families an IPv4 address reaches :: too. */
	bool v6 = to->v6 && !(t->from && !strchr(t->from, ':'));
	const char *host = !to->any ? to->host : v6 ? "::1" : "127.0.0.1";
	struct timeval tv = { t->timeout_ms / 1000, t->timeout_ms % 1000 * 1000 };
	_cleanup_close_ int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage ss;
	socklen_t n;

	if (fd >= 0 && t->from) {
		n = address(&ss, v6, t->from, 0);
		if (bind(fd, (struct sockaddr *)&ss, n) < 0)
			goto failed;
	}
	n = address(&ss, v6, host, to->port);
	/* SO_SNDTIMEO bounds connect(2), too, socket(7). */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    connect(fd, (struct sockaddr *)&ss, n) < 0)
		goto failed;
	return TAKE_FD(fd);
failed:
	snprintf(text, 128, "%s",
		 errno == EINPROGRESS || errno == EAGAIN ? "timed out" : strerror(errno));
	return -1;
}

/* Judges the first line of an answer: Go says 400 to whoever speaks plaintext to its TLS. */
static enum tls_answer judge(const char *buf, ssize_t n, bool plain, char text[128])
{
	int line = (int)strcspn(buf, "\r\n");

	if (n <= 0 || !has_prefix(buf, "HTTP/1.")) {
		snprintf(text, 128, "no answer");
		return n > 0 ? TLS_NO_ANSWER : TLS_REFUSED;
	}
	snprintf(text, 128, "%.*s", line < 100 ? line : 100, buf);
	return plain && strstr(buf, " 400 ") && strstr(buf, "HTTPS server") ? TLS_REFUSED
									    : TLS_ANSWERED;
}

static enum tls_answer talk_plain(int fd, char text[128])
{
	char buf[512] = "";
	size_t have = 0;
	ssize_t n = 0;

	if (send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) < 0) {
		snprintf(text, 128, "%s", strerror(errno));
		return TLS_REFUSED;
	}
	while (have < sizeof(buf) - 1 && (n = recv(fd, buf + have, sizeof(buf) - 1 - have, 0)) > 0)
		have += (size_t)n;
	return judge(buf, (ssize_t)have, true, text);
}

/* --- TLS --- */

static X509 *cert_of(const struct ssl *s, const struct tls_pem *pem)
{
	BIO *in = s->BIO_new_mem_buf(pem->text, (int)pem->len);
	X509 *x = in ? s->PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

	s->BIO_free(in);
	return x;
}

static EVP_PKEY *key_of(const struct ssl *s, const struct tls_pem *pem)
{
	BIO *in = s->BIO_new_mem_buf(pem->text, (int)pem->len);
	EVP_PKEY *key = in ? s->PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;

	s->BIO_free(in);
	return key;
}

static bool prepare(const struct ssl *s, const struct tls_talk *t, SSL_CTX *ctx)
{
	X509 *ca = cert_of(s, t->ca), *cert = t->cert ? cert_of(s, t->cert) : NULL;
	EVP_PKEY *key = t->key ? key_of(s, t->key) : NULL;
	bool ok = ca && s->X509_STORE_add_cert(s->SSL_CTX_get_cert_store(ctx), ca) == 1;

	if (ok && t->cert)
		ok = cert && key && s->SSL_CTX_use_certificate(ctx, cert) == 1 &&
		     s->SSL_CTX_use_PrivateKey(ctx, key) == 1;
	s->X509_free(ca);
	s->X509_free(cert);
	s->EVP_PKEY_free(key);
	/* Its names are judged from its file. */
	s->SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ok;
}

static enum tls_answer talk_tls(const struct ssl *s, SSL *ssl, int fd, char text[128])
{
	char buf[512] = "";
	int n;

	if (s->SSL_set_fd(ssl, fd) != 1 || s->SSL_connect(ssl) != 1) {
		long bad = s->SSL_get_verify_result(ssl);

		snprintf(text, 128, "%s%s", bad ? "its certificate: " : "the TLS handshake fails",
			 bad ? s->X509_verify_cert_error_string(bad) : "");
		return bad ? TLS_NO_ANSWER : TLS_REFUSED;
	}
	/* With TLS 1.3 the client is done before the server has looked at its certificate. */
	if (s->SSL_write(ssl, REQUEST, (int)strlen(REQUEST)) <= 0) {
		snprintf(text, 128, "the connection is cut");
		return TLS_REFUSED;
	}
	n = s->SSL_read(ssl, buf, sizeof(buf) - 1);
	return judge(buf, n, false, text);
}

int tls_talk(const struct tls_talk *t, enum tls_answer *ret, char text[128], struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct ssl s;
	SSL_CTX *ctx;
	SSL *ssl;

	if (t->ca && ssl_load(&s, e) < 0)
		return e->code;
	fd = dial(t, text);
	if (fd < 0) {
		*ret = TLS_UNREACHED;
		return 0;
	}
	if (!t->ca) {
		*ret = talk_plain(fd, text);
		return 0;
	}
	ctx = s.SSL_CTX_new(s.TLS_client_method());
	ssl = ctx && prepare(&s, t, ctx) ? s.SSL_new(ctx) : NULL;
	if (ssl)
		*ret = talk_tls(&s, ssl, fd, text);
	s.SSL_free(ssl);
	s.SSL_CTX_free(ctx);
	s.ERR_clear_error();
	return ssl ? 0 : err_set(e, EIO, "OpenSSL can't take the certificates");
}

#else /* !HAVE_OPENSSL */

int tls_talk(const struct tls_talk *t, enum tls_answer *ret, char text[128], struct err *e)
{
	(void)t;
	(void)ret;
	(void)text;
	return err_set(e, EOPNOTSUPP, "this bulkhead was built --without-openssl");
}

#endif
