/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "tls_crypto.h"

#if HAVE_OPENSSL

#include <arpa/inet.h>
#include <dlfcn.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "../src/buf.h"
#include "../src/library.h"

#define CHAIN_MAX 8 /* certificates of one file */
#define BACKDATED 3600
#define DAY	  86400

#define CRYPTO_API(X)                                                                              \
	X(ASN1_INTEGER_free)                                                                       \
	X(ASN1_TIME_set)                                                                           \
	X(ASN1_TIME_to_tm)                                                                         \
	X(BIO_ctrl)                                                                                \
	X(BIO_free)                                                                                \
	X(BIO_new)                                                                                 \
	X(BIO_new_mem_buf)                                                                         \
	X(BIO_s_mem)                                                                               \
	X(BN_bin2bn)                                                                               \
	X(BN_free)                                                                                 \
	X(BN_to_ASN1_INTEGER)                                                                      \
	X(CRYPTO_set_mem_functions)                                                                \
	X(ERR_get_error)                                                                           \
	X(EVP_PKEY_free)                                                                           \
	X(EVP_PKEY_get_base_id)                                                                    \
	X(EVP_PKEY_get_bits)                                                                       \
	X(EVP_PKEY_Q_keygen)                                                                       \
	X(EVP_sha256)                                                                              \
	X(OPENSSL_init_crypto)                                                                     \
	X(OPENSSL_sk_free)                                                                         \
	X(OPENSSL_sk_num)                                                                          \
	X(OPENSSL_sk_new_null)                                                                     \
	X(OPENSSL_sk_push)                                                                         \
	X(PEM_read_bio_PrivateKey)                                                                 \
	X(PEM_read_bio_X509)                                                                       \
	X(PEM_write_bio_PrivateKey)                                                                \
	X(PEM_write_bio_X509)                                                                      \
	X(RAND_bytes)                                                                              \
	X(X509_add_ext)                                                                            \
	X(X509_check_ca)                                                                           \
	X(X509_check_host)                                                                         \
	X(X509_check_ip_asc)                                                                       \
	X(X509_check_private_key)                                                                  \
	X(X509_check_purpose)                                                                      \
	X(X509_EXTENSION_free)                                                                     \
	X(X509_free)                                                                               \
	X(X509_get_ext_d2i)                                                                        \
	X(GENERAL_NAMES_free)                                                                      \
	X(X509_get0_notAfter)                                                                      \
	X(X509_get0_notBefore)                                                                     \
	X(X509_get0_pubkey)                                                                        \
	X(X509_getm_notAfter)                                                                      \
	X(X509_getm_notBefore)                                                                     \
	X(X509_get_signature_info)                                                                 \
	X(X509_get_subject_name)                                                                   \
	X(X509_NAME_add_entry_by_txt)                                                              \
	X(X509_new)                                                                                \
	X(X509_set_issuer_name)                                                                    \
	X(X509_set_pubkey)                                                                         \
	X(X509_set_serialNumber)                                                                   \
	X(X509_set_version)                                                                        \
	X(X509_sign)                                                                               \
	X(X509_STORE_add_cert)                                                                     \
	X(X509_STORE_CTX_free)                                                                     \
	X(X509_STORE_CTX_get_error)                                                                \
	X(X509_STORE_CTX_get0_param)                                                               \
	X(X509_STORE_CTX_init)                                                                     \
	X(X509_STORE_CTX_new)                                                                      \
	X(X509_STORE_free)                                                                         \
	X(X509_STORE_new)                                                                          \
	X(X509V3_EXT_conf_nid)                                                                     \
	X(X509V3_set_ctx)                                                                          \
	X(X509_VERIFY_PARAM_set_time)                                                              \
	X(X509_verify_cert)                                                                        \
	X(X509_verify_cert_error_string)

struct crypto {
#define X(name) __typeof__(name) *name;
	CRYPTO_API(X)
#undef X
};

/*
 * OpenSSL doesn't always say that memory ran out: a certificate is then "not for a server". Its
 * hooks for allocations take no argument, so that this has to be a variable. It stays: what failed
 * while the library set itself up once, fails ever after, without a word about memory.
 */
static bool starved;

static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
	void *q = realloc(p, n);

	(void)file;
	(void)line;
	starved |= !q && n;
	return q;
}

static void *crypto_malloc(size_t n, const char *file, int line)
{
	return crypto_realloc(NULL, n, file, line);
}

static void crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static int crypto_load(struct crypto *c, struct err *e)
{
	/* Never closed: libcrypto has pinned itself, and a second load finds it. */
	const char *why;
	void *lib = starved ? NULL : library_load("libcrypto.so.3", &why), *f;

	if (starved)
		return err_oom(e);
	if (!lib)
		return why ? err_set(e, EOPNOTSUPP,
				     "certificates can't be looked at without OpenSSL 3 (%s): "
				     "install libssl3 (Debian, Ubuntu) or openssl-libs",
				     why)
			   : err_oom(e);
#define X(name)                                                                                    \
	f = dlsym(lib, #name);                                                                     \
	if (!f)                                                                                    \
		return err_set(e, EOPNOTSUPP, "this libcrypto.so.3 has no " #name);                \
	memcpy(&c->name, &f, sizeof(f));
	CRYPTO_API(X)
#undef X
	/* Once: a later load finds them set. */
	c->CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
	/* Not this machine's openssl.cnf: it may be another host that is looked at. */
	if (c->OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return starved ? err_oom(e) : err_set(e, EOPNOTSUPP, "OpenSSL does not start");
	return 0;
}

/* What went wrong is told by results; that memory ran out is told here alone, and would be taken
 * for a bad certificate. */
static int crypto_errors(const struct crypto *c, struct err *e)
{
	bool oom = starved;
	unsigned long code;

	while ((code = c->ERR_get_error()))
		oom |= ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
	return oom ? err_oom(e) : 0;
}

/* --- reading --- */

/* The certificates of one file. */
struct chain {
	const struct crypto *c;
	X509 *list[CHAIN_MAX];
	int n;
};

static void chain_done(struct chain *x)
{
	for (int i = 0; i < x->n; i++)
		x->c->X509_free(x->list[i]);
}

static void fault(struct tls_look *l, const char *fmt, ...) PRINTF(2, 3);

/* The first one is told: the others may follow from it. */
static void fault(struct tls_look *l, const char *fmt, ...)
{
	va_list ap;

	if (l->fault[0])
		return;
	va_start(ap, fmt);
	vsnprintf(l->fault, sizeof(l->fault), fmt, ap);
	va_end(ap);
}

static int chain_read(struct chain *x, const struct tls_pem *pem, struct tls_look *l, struct err *e)
{
	BIO *in = x->c->BIO_new_mem_buf(pem->text, (int)pem->len);

	if (!in)
		return err_oom(e);
	while (x->n < CHAIN_MAX && (x->list[x->n] = x->c->PEM_read_bio_X509(in, NULL, NULL, NULL)))
		x->n++;
	x->c->BIO_free(in);
	if (!x->n)
		fault(l, "holds no certificate (PEM, \"-----BEGIN CERTIFICATE-----\")");
	return crypto_errors(x->c, e); /* the end of the text is one, but no matter */
}

/* A key with a passphrase is nobody's here: dockerd can't read it either. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static int key_read(const struct crypto *c, const struct tls_pem *pem, EVP_PKEY **ret,
		    struct tls_look *l, struct err *e)
{
	BIO *in = c->BIO_new_mem_buf(pem->text, (int)pem->len);

	if (!in)
		return err_oom(e);
	*ret = c->PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	c->BIO_free(in);
	if (!*ret)
		fault(l, "%s",
		      memmem(pem->text, pem->len, "ENCRYPTED", 9)
			      ? "is encrypted: dockerd has nobody to ask for the passphrase"
			      : "holds no private key (PEM)");
	if (crypto_errors(c, e) < 0) {
		c->EVP_PKEY_free(*ret);
		*ret = NULL;
		return e->code;
	}
	return 0;
}

/* NIST SP 800-57: what is weaker is broken, or soon. */
static void judge_strength(const struct crypto *c, const EVP_PKEY *key, struct tls_look *l)
{
	int bits = key ? c->EVP_PKEY_get_bits(key) : 0, id = key ? c->EVP_PKEY_get_base_id(key) : 0;

	if ((id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS) && bits < 2048)
		fault(l, "is weak: RSA of %d bits; 2048 is the least", bits);
	else if (id == EVP_PKEY_EC && bits < 256)
		fault(l, "is weak: EC of %d bits; 256 is the least", bits);
	else if (id == EVP_PKEY_DSA)
		fault(l, "is weak: DSA");
}

static void judge_signature(const struct crypto *c, X509 *cert, struct tls_look *l)
{
	int digest = 0, bits = 0;

	if (c->X509_get_signature_info(cert, &digest, NULL, &bits, NULL) != 1)
		return;
	if (digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1)
		fault(l, "is signed with %s, which can be forged",
		      digest == NID_sha1 ? "SHA-1" : "MD5");
}

static long long seconds_of(const struct crypto *c, const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return c->ASN1_TIME_to_tm(t, &tm) == 1 ? (long long)timegm(&tm) : 0;
}

static void day_of(long long when, char buf[24])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(buf, 24, "%Y-%m-%d", &tm))
		buf[0] = '\0';
}

static void judge_time(const struct crypto *c, X509 *cert, long long now, struct tls_look *l)
{
	long long from = seconds_of(c, c->X509_get0_notBefore(cert));
	long long until = seconds_of(c, c->X509_get0_notAfter(cert));
	char begins[24];

	day_of(until, l->until);
	l->seconds = until - now;
	day_of(from, begins);
	if (until <= now)
		fault(l, "expired on %s", l->until);
	else if (from > now)
		fault(l, "is not good before %s", begins);
}

static void judge_ca(const struct crypto *c, X509 *ca, long long now, struct tls_look *l)
{
	judge_time(c, ca, now, l);
	if (c->X509_check_ca(ca) != 1)
		fault(l, "is not a CA's certificate (basicConstraints, keyUsage)");
	judge_strength(c, c->X509_get0_pubkey(ca), l);
}

static int judge_chain(const struct crypto *c, const struct chain *ca, const struct chain *cert,
		       long long now, struct tls_look *l, struct err *e)
{
	X509_STORE *store = c->X509_STORE_new();
	X509_STORE_CTX *ctx = c->X509_STORE_CTX_new();
	OPENSSL_STACK *more = c->OPENSSL_sk_new_null();
	int r = store && ctx && more ? 0 : err_oom(e);

	for (int i = 0; i < ca->n && r == 0; i++)
		if (c->X509_STORE_add_cert(store, ca->list[i]) != 1)
			r = err_oom(e);
	for (int i = 1; i < cert->n && r == 0; i++)
		if (c->OPENSSL_sk_push(more, cert->list[i]) < 1)
			r = err_oom(e);
	if (r == 0 &&
	    c->X509_STORE_CTX_init(ctx, store, cert->list[0], (STACK_OF(X509) *)(void *)more) != 1)
		r = err_oom(e);
	if (r == 0) {
		c->X509_VERIFY_PARAM_set_time(c->X509_STORE_CTX_get0_param(ctx), (time_t)now);
		if (c->X509_verify_cert(ctx) != 1)
			fault(l, "does not lead to the CA: %s",
			      c->X509_verify_cert_error_string(c->X509_STORE_CTX_get_error(ctx)));
	}
	c->X509_STORE_CTX_free(ctx);
	c->X509_STORE_free(store);
	c->OPENSSL_sk_free(more);
	return r;
}

static void judge_names(const struct crypto *c, X509 *cert, const char *const *names,
			struct tls_look *l)
{
	for (; names && *names; names++) {
		unsigned char raw[16];
		bool ip = inet_pton(AF_INET, *names, raw) == 1 ||
			  inet_pton(AF_INET6, *names, raw) == 1;

		/* Go looks at subjectAltName alone since 1.15. */
		if ((ip ? c->X509_check_ip_asc(cert, *names, 0)
			: c->X509_check_host(cert, *names, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
					     NULL)) != 1) {
			fault(l, "the certificate is not for '%s' (subjectAltName)", *names);
			return;
		}
	}
}

static size_t count_names(const struct crypto *c, const X509 *cert)
{
	GENERAL_NAMES *san = c->X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int n = san ? c->OPENSSL_sk_num((const OPENSSL_STACK *)san) : 0;

	c->GENERAL_NAMES_free(san);
	return n > 0 ? (size_t)n : 0;
}

int tls_judge(const struct tls_pair *p, struct tls_looks *ret, struct err *e)
{
	struct crypto c;
	_cleanup_(chain_done) struct chain ca = { .c = &c }, cert = { .c = &c };
	struct tls_looks l = { 0 };
	EVP_PKEY *key = NULL;
	int r = crypto_load(&c, e);

	if (r == 0)
		r = chain_read(&ca, &p->ca, &l.ca, e);
	if (r == 0)
		r = chain_read(&cert, &p->cert, &l.cert, e);
	if (r == 0)
		r = key_read(&c, &p->key, &key, &l.key, e);
	if (r < 0)
		return r;
	for (int i = 0; i < ca.n; i++)
		judge_ca(&c, ca.list[i], p->now, &l.ca);
	if (cert.n) {
		X509 *leaf = cert.list[0];

		judge_time(&c, leaf, p->now, &l.cert);
		judge_strength(&c, c.X509_get0_pubkey(leaf), &l.cert);
		for (int i = 0; i < cert.n; i++)
			judge_signature(&c, cert.list[i], &l.cert);
		if (c.X509_check_purpose(leaf,
					 p->use == TLS_SERVER ? X509_PURPOSE_SSL_SERVER
							      : X509_PURPOSE_SSL_CLIENT,
					 0) != 1)
			fault(&l.cert, "is not for a %s (extendedKeyUsage, keyUsage)",
			      p->use == TLS_SERVER ? "server" : "client");
		if (ca.n)
			r = judge_chain(&c, &ca, &cert, p->now, &l.cert, e);
		judge_names(&c, leaf, p->names, &l.names);
		l.n_names = count_names(&c, leaf);
	}
	if (key && cert.n && c.X509_check_private_key(cert.list[0], key) != 1)
		fault(&l.key, "is not the certificate's key");
	judge_strength(&c, key, &l.key);
	c.EVP_PKEY_free(key);
	if (r == 0)
		r = crypto_errors(&c, e);
	if (r == 0)
		*ret = l;
	return r;
}

int tls_judge_ca_key(const struct tls_pem *ca_pem, const struct tls_pem *key_pem, long long now,
		     struct tls_look *ret, struct err *e)
{
	struct crypto c;
	_cleanup_(chain_done) struct chain ca = { .c = &c };
	struct tls_look l = { 0 };
	EVP_PKEY *key = NULL;
	int r = crypto_load(&c, e);

	if (r == 0)
		r = chain_read(&ca, ca_pem, &l, e);
	if (r == 0 && key_pem)
		r = key_read(&c, key_pem, &key, &l, e);
	if (r < 0)
		return r;
	if (ca.n)
		judge_ca(&c, ca.list[0], now, &l);
	if (key && ca.n && c.X509_check_private_key(ca.list[0], key) != 1)
		fault(&l, "is not the CA's key");
	c.EVP_PKEY_free(key);
	r = crypto_errors(&c, e);
	if (r == 0)
		*ret = l;
	return r;
}

/* --- making --- */

/* RFC 5280, 4.1.2.2: positive, up to 20 bytes; CA/Browser Forum: 64 random bits or more. */
static int set_serial(const struct crypto *c, X509 *x)
{
	unsigned char raw[16];
	BIGNUM *n;
	ASN1_INTEGER *serial;
	int ok;

	if (c->RAND_bytes(raw, sizeof(raw)) != 1)
		return 0;
	raw[0] = (raw[0] & 0x7f) | 0x40;
	n = c->BN_bin2bn(raw, sizeof(raw), NULL);
	serial = n ? c->BN_to_ASN1_INTEGER(n, NULL) : NULL;
	ok = serial && c->X509_set_serialNumber(x, serial) == 1;
	c->ASN1_INTEGER_free(serial);
	c->BN_free(n);
	return ok;
}

static int add_ext(const struct crypto *c, X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx = { 0 };
	X509_EXTENSION *ext;
	int ok;

	c->X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = c->X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && c->X509_add_ext(x, ext, -1) == 1;
	c->X509_EXTENSION_free(ext);
	return ok;
}

static char *san_text(const char *const *names)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (; names && *names; names++) {
		unsigned char raw[16];
		bool ip = inet_pton(AF_INET, *names, raw) == 1 ||
			  inet_pton(AF_INET6, *names, raw) == 1;

		buf_addf(&b, "%s%s:%s", b.len ? "," : "", ip ? "IP" : "DNS", *names);
	}
	return buf_take(&b, NULL);
}

static int add_exts(const struct crypto *c, const struct tls_make *m, X509 *x, X509 *issuer)
{
	_cleanup_free_ char *san = san_text(m->names);

	if (!san)
		return 0;
	if (!m->ca)
		return add_ext(c, x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		       add_ext(c, x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		       add_ext(c, x, x, NID_subject_key_identifier, "hash");
	return add_ext(c, x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_ext(c, x, issuer, NID_key_usage, "critical,digitalSignature") &&
	       add_ext(c, x, issuer, NID_ext_key_usage,
		       m->use == TLS_SERVER ? "serverAuth" : "clientAuth") &&
	       add_ext(c, x, issuer, NID_subject_key_identifier, "hash") &&
	       add_ext(c, x, issuer, NID_authority_key_identifier, "keyid") &&
	       (!*san || add_ext(c, x, issuer, NID_subject_alt_name, san));
}

static int fill(const struct crypto *c, const struct tls_make *m, X509 *x, X509 *issuer,
		EVP_PKEY *key, EVP_PKEY *signer)
{
	const unsigned char *name = (const unsigned char *)m->name;
	X509_NAME *subject = c->X509_get_subject_name(x);

	return c->X509_set_version(x, 2) == 1 && set_serial(c, x) &&
	       c->ASN1_TIME_set(c->X509_getm_notBefore(x), (time_t)(m->now - BACKDATED)) &&
	       c->ASN1_TIME_set(c->X509_getm_notAfter(x),
				(time_t)(m->now + (long long)m->days * DAY)) &&
	       c->X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
					     (const unsigned char *)"bulkhead", -1, -1, 0) == 1 &&
	       c->X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1 &&
	       c->X509_set_issuer_name(x, c->X509_get_subject_name(issuer)) == 1 &&
	       c->X509_set_pubkey(x, key) == 1 && add_exts(c, m, x, issuer) &&
	       c->X509_sign(x, signer, c->EVP_sha256()) > 0;
}

static char *text_of(const struct crypto *c, BIO *out)
{
	char *data = NULL;
	long n = c->BIO_ctrl(out, BIO_CTRL_INFO, 0, &data);

	return n > 0 ? strndup(data, (size_t)n) : NULL;
}

static int write_pems(const struct crypto *c, X509 *x, EVP_PKEY *key, char **ret_cert,
		      char **ret_key)
{
	BIO *cert = c->BIO_new(c->BIO_s_mem()), *pk = c->BIO_new(c->BIO_s_mem());
	_cleanup_key_ char *secret = NULL;
	_cleanup_free_ char *text = NULL;
	bool ok;

	if (cert && pk && c->PEM_write_bio_X509(cert, x) == 1 &&
	    c->PEM_write_bio_PrivateKey(pk, key, NULL, NULL, 0, NULL, NULL) == 1) {
		text = text_of(c, cert);
		secret = text_of(c, pk);
	}
	c->BIO_free(cert);
	c->BIO_free(pk);
	ok = text && secret;
	if (ok) {
		*ret_cert = TAKE_PTR(text);
		*ret_key = TAKE_PTR(secret);
	}
	return ok;
}

int tls_make(const struct tls_make *m, char **ret_cert, char **ret_key, struct err *e)
{
	struct crypto c;
	_cleanup_(chain_done) struct chain ca = { .c = &c };
	struct tls_look l = { 0 };
	EVP_PKEY *key, *signer = NULL;
	X509 *x;
	int r = crypto_load(&c, e);

	if (r == 0 && m->ca)
		r = chain_read(&ca, m->ca, &l, e);
	if (r == 0 && m->ca)
		r = key_read(&c, m->ca_key, &signer, &l, e);
	if (r < 0)
		return r;
	if (l.fault[0]) {
		c.EVP_PKEY_free(signer);
		return err_set(e, EINVAL, "the CA or its key %s", l.fault);
	}
	key = c.EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	x = c.X509_new();
	if (!key || !x || !fill(&c, m, x, ca.n ? ca.list[0] : x, key, signer ? signer : key) ||
	    !write_pems(&c, x, key, ret_cert, ret_key))
		r = err_set(e, EIO, "OpenSSL could not make a certificate for '%s'", m->name);
	c.X509_free(x);
	c.EVP_PKEY_free(key);
	c.EVP_PKEY_free(signer);
	return crypto_errors(&c, e) < 0 ? e->code : r;
}

#else /* !HAVE_OPENSSL */

static int without(struct err *e)
{
	return err_set(e, EOPNOTSUPP,
		       "this bulkhead was built --without-openssl: it can't look at certificates");
}

int tls_judge(const struct tls_pair *p, struct tls_looks *ret, struct err *e)
{
	(void)p;
	(void)ret;
	return without(e);
}

int tls_judge_ca_key(const struct tls_pem *ca, const struct tls_pem *key, long long now,
		     struct tls_look *ret, struct err *e)
{
	(void)ca;
	(void)key;
	(void)now;
	(void)ret;
	return without(e);
}

int tls_make(const struct tls_make *m, char **ret_cert, char **ret_key, struct err *e)
{
	(void)m;
	(void)ret_cert;
	(void)ret_key;
	return without(e);
}

#endif

void tls_wipe(char *key)
{
	if (!key)
		return;
	explicit_bzero(key, strlen(key));
	free(key);
}
