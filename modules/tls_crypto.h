/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to OpenSSL 3: certificates are judged, and made, by libcrypto, which is loaded when a
 * plan has a tls section. All is in memory: no file, no configuration of OpenSSL's is read.
 */
#ifndef BULKHEAD_TLS_CRYPTO_H
#define BULKHEAD_TLS_CRYPTO_H

#include "../src/err.h"

#define TLS_NAMES_MAX 64

/* What a look at a certificate or a key shows. */
struct tls_look {
	char fault[320]; /* why it can't serve; "" when it can */
	char until[24];	 /* a certificate's last day, "2026-11-22"; "" when it could not be read */
	long long seconds; /* that it is still good for */
};

enum tls_use {
	TLS_SERVER,
	TLS_CLIENT,
};

/* PEM texts, owned by the caller. */
struct tls_pem {
	const char *text;
	size_t len;
};

/* A pair and its CA, and how they are to be. NULL-terminated `names` are host names and addresses;
 * NULL: they don't matter. */
struct tls_pair {
	struct tls_pem ca, cert, key;
	const char *const *names;
	enum tls_use use;
	long long now; /* seconds since 1970 */
};

struct tls_looks {
	struct tls_look ca, cert, key, names;
	size_t n_names; /* that the certificate has (subjectAltName) */
};

/*
 * Judges a pair as a TLS peer would: the CA may sign and is good, the certificate chains to it
 * (through what else stands in its file), is good now, is for this use and covers the names, the
 * key is the certificate's; RSA has 2048 bits or more, EC 256, nothing is signed with SHA-1 or MD5.
 * 0, whatever the faults; -EOPNOTSUPP without OpenSSL 3; -ENOMEM.
 */
int tls_judge(const struct tls_pair *p, struct tls_looks *ret, struct err *e);

/* May the CA sign, and is the key (NULL: not looked at) its own? 0 with a fault or "". */
int tls_judge_ca_key(const struct tls_pem *ca, const struct tls_pem *key, long long now,
		     struct tls_look *ret, struct err *e);

/*
 * Makes a key (EC, P-256) and a certificate of it: signed by `ca` and `ca_key`, or by itself, as a
 * CA, when they are NULL. `name` is the subject's common name; `names` as above. Good from an hour
 * ago (clocks differ) until `days` from `now`. Serial numbers and keys are random: no two are the
 * same. The texts are the caller's; *ret_key is wiped with tls_wipe().
 */
struct tls_make {
	const char *name;
	const char *const *names;
	enum tls_use use;
	int days;
	long long now;
	const struct tls_pem *ca, *ca_key;
};
int tls_make(const struct tls_make *m, char **ret_cert, char **ret_key, struct err *e);

/* Frees a key's text, overwritten first. Takes NULL. */
void tls_wipe(char *key);
static inline void tls_wipe_cleanup(char **p)
{
	tls_wipe(*p);
}
#define _cleanup_key_ _cleanup_(tls_wipe_cleanup)

#endif
