/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <time.h>

#include "../modules/tls_crypto.h"

#define DAY 86400LL

static const char *const localhost[] = { "localhost", "127.0.0.1", NULL };

static struct err e;
static long long now;
static char *ca, *ca_key, *cert, *key;

static struct tls_pem pem(const char *text)
{
	return (struct tls_pem){ text, strlen(text) };
}

static void make(enum tls_use use, const char *const *names, int days, long long when, char **c,
		 char **k)
{
	const struct tls_pem signer = pem(ca), secret = pem(ca_key);
	const struct tls_make m = { .name = "somebody",
				    .names = names,
				    .use = use,
				    .days = days,
				    .now = when,
				    .ca = &signer,
				    .ca_key = &secret };

	ck_assert_msg(tls_make(&m, c, k, &e) == 0, "%s", e.text);
}

static void make_ca(char **c, char **k, int days, long long when)
{
	const struct tls_make m = { .name = "a CA", .days = days, .now = when };

	ck_assert_msg(tls_make(&m, c, k, &e) == 0, "%s", e.text);
}

static void setup(void)
{
	now = time(NULL);
	make_ca(&ca, &ca_key, 3650, now);
	make(TLS_SERVER, localhost, 365, now, &cert, &key);
}

static void teardown(void)
{
	free(ca);
	free(cert);
	tls_wipe(ca_key);
	tls_wipe(key);
}

static struct tls_looks judge(const char *a, const char *c, const char *k, const char *const *names,
			      enum tls_use use, long long when)
{
	const struct tls_pair p = { pem(a), pem(c), pem(k), names, use, when };
	struct tls_looks l;

	ck_assert_msg(tls_judge(&p, &l, &e) == 0, "%s", e.text);
	return l;
}

/* Everything but what `at` points to is fine; "" for fine, too. */
#define faulty(l, which, says)                                                                     \
	ck_assert_msg((says)[0] ? strstr((l).which.fault, (says)) != NULL : !(l).which.fault[0],   \
		      #which ": %s", (l).which.fault)

START_TEST(what_is_made_is_good)
{
	struct tls_looks l = judge(ca, cert, key, localhost, TLS_SERVER, now);
	const struct tls_pem a = pem(ca), k = pem(ca_key), other = pem(key);
	_cleanup_free_ char *again = NULL;
	_cleanup_key_ char *again_key = NULL;
	struct tls_look look;

	faulty(l, ca, "");
	faulty(l, cert, "");
	faulty(l, key, "");
	faulty(l, names, "");
	ck_assert_int_eq(l.cert.seconds, 365 * DAY);
	ck_assert_uint_eq(strlen(l.cert.until), 10);
	ck_assert_int_eq(tls_judge_ca_key(&a, &k, now, &look, &e), 0);
	ck_assert_str_eq(look.fault, "");
	ck_assert_int_eq(tls_judge_ca_key(&a, &other, now, &look, &e), 0);
	ck_assert_ptr_nonnull(strstr(look.fault, "not the CA's key"));
	/* Never the same twice. */
	make(TLS_SERVER, localhost, 365, now, &again, &again_key);
	ck_assert_str_ne(again, cert);
	ck_assert_str_ne(again_key, key);
}
END_TEST

START_TEST(times)
{
	struct tls_looks l;
	_cleanup_free_ char *old = NULL, *old_ca = NULL;
	_cleanup_key_ char *old_key = NULL, *old_ca_key = NULL;

	/* Somebody's clock may be a little behind. */
	l = judge(ca, cert, key, NULL, TLS_SERVER, now - 1800);
	faulty(l, cert, "");
	l = judge(ca, cert, key, NULL, TLS_SERVER, now - 2 * DAY);
	faulty(l, cert, "is not good before");
	l = judge(ca, cert, key, NULL, TLS_SERVER, now + 364 * DAY);
	faulty(l, cert, "");
	ck_assert_int_eq(l.cert.seconds, DAY);
	l = judge(ca, cert, key, NULL, TLS_SERVER, now + 366 * DAY);
	faulty(l, cert, "expired on 2");
	faulty(l, ca, "");
	/* By the certificate's time, not the clock's. */
	make(TLS_SERVER, localhost, 30, now - 31 * DAY, &old, &old_key);
	l = judge(ca, old, old_key, NULL, TLS_SERVER, now);
	faulty(l, cert, "expired on 2");
	make_ca(&old_ca, &old_ca_key, 10, now - 11 * DAY);
	l = judge(old_ca, cert, key, NULL, TLS_SERVER, now);
	faulty(l, ca, "expired on 2");
}
END_TEST

START_TEST(uses_names_and_keys)
{
	static const char *const other[] = { "localhost", "192.0.2.1", NULL };
	_cleanup_free_ char *client = NULL, *ca2 = NULL;
	_cleanup_key_ char *client_key = NULL, *ca2_key = NULL;
	struct tls_looks l;

	make(TLS_CLIENT, NULL, 30, now, &client, &client_key);
	faulty(judge(ca, client, client_key, NULL, TLS_CLIENT, now), cert, "");
	faulty(judge(ca, client, client_key, NULL, TLS_SERVER, now), cert, "not for a server");
	faulty(judge(ca, cert, key, NULL, TLS_CLIENT, now), cert, "not for a client");
	faulty(judge(ca, cert, key, other, TLS_SERVER, now), names, "not for '192.0.2.1'");
	faulty(judge(ca, cert, client_key, NULL, TLS_SERVER, now), key, "not the certificate's");
	make_ca(&ca2, &ca2_key, 3650, now);
	l = judge(ca2, cert, key, localhost, TLS_SERVER, now);
	faulty(l, cert, "does not lead to the CA");
	faulty(l, key, "");
	l = judge(cert, cert, key, localhost, TLS_SERVER, now);
	faulty(l, ca, "not a CA's");
}
END_TEST

START_TEST(no_certificates)
{
	struct tls_looks l = judge("", "nothing\n", "-----BEGIN PRIVATE KEY-----\nAA==\n", NULL,
				   TLS_SERVER, now);

	faulty(l, ca, "holds no certificate");
	faulty(l, cert, "holds no certificate");
	faulty(l, key, "holds no private key");
	/* One in place of the other. */
	l = judge(ca, key, cert, NULL, TLS_SERVER, now);
	faulty(l, cert, "holds no certificate");
	faulty(l, key, "holds no private key");
}
END_TEST

static char *file(const char *name)
{
	char path[512];
	char *text;

	snprintf(path, sizeof(path), "%s/tests/tls", getenv("srcdir") ? getenv("srcdir") : ".");
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", name);
	text = tree_read("", path);
	ck_assert_msg(text != NULL, "%s", path);
	return text;
}

START_TEST(others_certificates)
{
	static const char *const names[] = { "leaf", "192.0.2.1", "a.example.org", NULL };
	_cleanup_free_ char *weak = file("weak.pem"), *weak_key = file("weak-key.pem");
	_cleanup_free_ char *locked = file("encrypted-key.pem"), *root = file("chain-ca.pem");
	_cleanup_free_ char *chain = file("chain.pem"), *chain_key = file("chain-key.pem");
	struct tls_looks l = judge(weak, weak, weak_key, NULL, TLS_SERVER, now);

	faulty(l, ca, "RSA of 1024 bits");
	faulty(l, cert, "RSA of 1024 bits");
	faulty(l, key, "RSA of 1024 bits");
	faulty(judge(ca, cert, locked, NULL, TLS_SERVER, now), key, "is encrypted");
	l = judge(root, chain, chain_key, names, TLS_SERVER, now);
	faulty(l, ca, "");
	faulty(l, cert, "");
	faulty(l, key, "");
	faulty(l, names, "");
	/* Without what is between. */
	strstr(chain, "-----END")[strlen("-----END CERTIFICATE-----")] = '\0';
	faulty(judge(root, chain, chain_key, names, TLS_SERVER, now), cert, "does not lead");
}
END_TEST

START_TEST(signed_with_sha1)
{
	_cleanup_free_ char *text = file("sha1.pem"), *sha1_key = file("sha1-key.pem");

	faulty(judge(text, text, sha1_key, NULL, TLS_SERVER, now), cert, "SHA-1");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_made_is_good);
	tcase_add_test(tc, times);
	tcase_add_test(tc, uses_names_and_keys);
	tcase_add_test(tc, no_certificates);
	tcase_add_test(tc, others_certificates);
	tcase_add_test(tc, signed_with_sha1);
}

UNIT_MAIN("tls_crypto")
