/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the tls module share. tls.c has the table and the keys of daemon.json,
 * tls_files.c the certificates, tls_units.c where is listened and who is let in, tls_verify.c the
 * running host.
 */
#ifndef BULKHEAD_TLS_H
#define BULKHEAD_TLS_H

#include "../src/json.h"
#include "../src/module.h"
#include "../src/units.h"
#include "engine.h"
#include "tls_crypto.h"

#define TLS_NAME    "tls"
#define TLS_CIS	    "2.7"
#define TLS_FENCE   "bulkhead-docker-tls.service"
#define TLS_PEM_MAX (1024 * 1024)
#define TLS_PROBE   "127.77.77.77" /* of this host, and let in by nothing of ours */

/* One diff. Plan and remembered state may each be absent. */
struct tls_work {
	const struct section *s;
	const json_t *was;
	const json_t *all; /* what all modules left; or NULL */
	const struct host *h;
	struct changes *out;
	const struct engine_cmdline *cmd;
	json_t *state; /* what is remembered next */
	long long now;
};

/* A file that is read whole; `text` is NULL when there is none. */
struct tls_file {
	char *path;
	char *text;
	size_t len;
};
void tls_file_done(struct tls_file *f);
#define _cleanup_tls_file_ _cleanup_(tls_file_done)
int tls_file_read(const struct host *h, const char *path, struct tls_file *ret, struct err *e);
struct tls_pem tls_file_pem(const struct tls_file *f);

/* The names that the server's certificate has to be good for; with `make`, those it is made for,
 * too. NULL-terminated, each once. */
int tls_names(const struct section *s, const struct host *h, bool make, char ***ret, struct err *e);

/* Looks at the section's CA, certificate and key, as they are in the overlay. 1: one of them is
 * not there, and *ret_missing (of the section) says which. */
int tls_look(const struct section *s, const struct host *h, long long now, struct tls_looks *ret,
	     const char **ret_missing, struct err *e);

/* Makes what is to be made, judges what is there, sets owners and modes, takes out what the plan no
 * longer has. */
int tls_diff_files(struct tls_work *w, struct err *e);

/* The drop-ins, the rules and their unit. */
int tls_diff_units(struct tls_work *w, struct err *e);

/* Does the unit listen through docker.socket? */
bool tls_by_socket(const struct engine_cmdline *cmd);

/* "tcp://ADDRESS:PORT"; 0, or -EINVAL with what is expected in *ret_why (static). */
struct tls_address {
	char host[64]; /* without brackets */
	unsigned port;
	bool v6, any, local; /* 0.0.0.0 or ::; 127.0.0.0/8 or ::1 */
};
int tls_address_parse(const char *text, struct tls_address *ret, const char **ret_why);

/* Is an IPv4 or IPv6 network ("10.0.0.0/8", "192.0.2.1")? NULL, or what is wrong (static). */
const char *tls_network_wrong(const char *text);

/* Does any network of `from` hold an IPv4 address? */
bool tls_from_holds(const struct section *s, const char *address);

/* Does somebody get through to a listener who is not in `from`? `untried` says why some of them
 * could not be tried, or "". */
int tls_from_open(const struct section *s, bool *ret, char untried[128], struct err *e);

/* What listens at an address: asks without TLS, with TLS and no certificate, with a certificate. */
enum tls_answer {
	TLS_UNREACHED, /* no connection */
	TLS_NO_ANSWER, /* nothing that is HTTP or TLS, or not our server */
	TLS_REFUSED,   /* a TLS server that lets us in no further */
	TLS_ANSWERED,  /* an answer of the API */
};
struct tls_talk {
	const struct tls_address *to;
	const char *from;		  /* source address, or NULL */
	const struct tls_pem *ca;	  /* NULL: plaintext */
	const struct tls_pem *cert, *key; /* NULL: no client certificate */
	int timeout_ms;
};
/* `text` says what was seen. -EOPNOTSUPP without libssl, -ENOMEM. */
int tls_talk(const struct tls_talk *t, enum tls_answer *ret, char text[128], struct err *e);

int tls_verify(const struct section *s, const struct previous *was, const struct host *h,
	       struct findings *out, struct err *e);

#endif
