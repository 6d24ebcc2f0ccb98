/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the daemon module share: the table of every key of daemon.json, the rules
 * between keys, the merge into a file that others own, and what the running daemon proves.
 *
 * All of it but daemon.c is pure: JSON in, JSON or texts out. A rule looks at the host only when it
 * is given one.
 */
#ifndef BULKHEAD_DAEMON_KEYS_H
#define BULKHEAD_DAEMON_KEYS_H

#include "../src/json.h"
#include "../src/module.h"
#include "engine.h"

/* What the Engine API said. Each answer may be NULL: then nothing that needs it is proved. */
struct daemon_seen {
	const json_t *info;    /* GET /info */
	const json_t *bridge;  /* GET /networks/bridge */
	const json_t *version; /* GET /version */
	unsigned engine;       /* the running daemon's, as VERSION(); 0: unknown */
	bool remap_known;      /* the first ids of the ranges that userns-remap has to use */
	uint64_t remap_uid, remap_gid;
	const struct host *host; /* to see that two paths are one directory; NULL: texts compare */
};

enum proof_state {
	PROOF_NONE, /* nothing shows this setting here; `why` says so */
	PROOF_OK,
	PROOF_DIFFERS,
};

struct proof {
	enum proof_state state;
	const char *by;	 /* static: "GET /info: SecurityOptions" */
	const char *why; /* static, PROOF_NONE: the reason */
	json_t *found;	 /* what the daemon has instead; owned; may be NULL */
};

struct daemon_key;
typedef int daemon_proof_fn(const struct daemon_key *k, const json_t *wanted,
			    const struct daemon_seen *seen, struct proof *ret, struct err *e);

/* The module's own columns (field.more). */
struct daemon_key {
	daemon_proof_fn *proof; /* NULL: no API field shows it */
	const char *member;	/* of /info, /version or the bridge's options: for `proof` */
	const char *unseen;	/* why nothing shows it; NULL: the usual words */
	const char *refused;	/* no series takes it: why, and what to write instead */
	const char *gone;	/* what happens in a series that does not know it (any more) */
	bool frozen; /* of the default bridge, which live-restore keeps while containers run */
};

extern const struct field daemon_keys[];

/* The module's columns of a row; all zero when it has none. `f` may be NULL. */
const struct daemon_key *daemon_key_of(const struct field *f);

/* Is it a shipped profile that names the key? Profiles are for every engine: what this one doesn't
 * know is left out, and told. */
bool daemon_key_shipped(const struct section *s, const char *key);

/* Does a series know the key? True for engine 0 when some series does. */
bool daemon_key_known(const struct field *f, unsigned engine);

/* "known since 28.2", "known from 23.0, gone since 26.0", ... */
void daemon_key_series(const struct field *f, char *buf, size_t size);

/* Takes "ADDRESS/PREFIX" apart; `raw` gets the address. */
bool daemon_cidr(const char *s, int *ret_family, unsigned char raw[16], uint64_t *ret_bits);

/* A size as Docker writes it: "64M"; NULL when it is one, else what is expected. */
const char *daemon_valid_size(const char *s);

/* A value for people: compact JSON, "unset" for NULL, passwords in URLs and tokens masked, cut when
 * long. */
int daemon_show(const json_t *value, char **ret, struct err *e);

/* Applying this change of a key takes a restart (else a reload). `to` is NULL when it is removed.
 */
bool daemon_needs_restart(const char *key, const json_t *from, const json_t *to);

/* Every built-in or documented name, NULL-terminated. */
extern const char *const daemon_log_drivers[];

/* Does a log driver take this option? Of those that aren't built in, nobody knows: true. */
bool daemon_log_opt_known(const char *driver, const char *option);

/* jansson iterates over no const object; whoever uses this only reads. */
static inline json_t *json_readonly(const json_t *j)
{
	return (json_t *)(uintptr_t)j;
}

/* A member that counts: dockerd takes null for absent (daemon/config: null values are dropped). */
static inline json_t *json_member(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	return json_is_null(v) ? NULL : v;
}

/* The merge of a plan into a file, three ways. */
struct daemon_merge {
	json_t *edits;	   /* name -> value, null removes: for json_edit_object() */
	json_t *merged;	   /* the document with the edits */
	json_t *ours;	   /* what of it we set: the base of the next merge */
	json_t *forgotten; /* names ("log-opts.tag") that we set, that the plan dropped, and that
			      somebody changed since: left alone */
};

/*
 * `plan` is what is wanted, `was` what we set last time (NULL: nothing). Maps and objects merge
 * member by member, everything else replaces. What the file held before us with the wanted value
 * stays somebody else's. A log driver of the plan's takes options of another out with it: dockerd
 * would not start with them.
 */
int daemon_merge(const json_t *file, const json_t *plan, const json_t *was,
		 struct daemon_merge *ret, struct err *e);
void daemon_merge_done(struct daemon_merge *m);
#define _cleanup_merge_ _cleanup_(daemon_merge_done)

/* A document under the rules. */
struct daemon_doc {
	const json_t *doc;		      /* all that dockerd would read */
	const json_t *plan;		      /* the part of it that the plan names */
	const struct section *section;	      /* for positions; NULL: none */
	const struct engine_cmdline *cmdline; /* NULL: not known */
	const struct host *host;	      /* NULL: rules about files are left out */
	const json_t *info;		      /* GET /info of the running daemon; NULL: none */
	unsigned engine;		      /* 0: unknown */
	const char *engine_text;	      /* "Docker 28.5.2 on this host" */
	const char *config;		      /* where the document stands */
	struct errs *mistakes;		      /* a setting of the plan is involved */
	struct errs *fatal;    /* only others' settings are, and dockerd would not start */
	struct errs *warnings; /* it starts, but not as somebody meant */
};

/* Everything that dockerd's own validation lets pass and that does not survive the start, or turns
 * a protection off; and keys the engine does not know. */
int daemon_rules(const struct daemon_doc *d, struct err *e);

/* Does the running daemon have the wanted value? */
int daemon_prove(const struct field *f, const json_t *wanted, const struct daemon_seen *seen,
		 struct proof *ret, struct err *e);
void proof_done(struct proof *p);
#define _cleanup_proof_ _cleanup_(proof_done)

/* The proofs that the table names. */
daemon_proof_fn prove_member;	  /* /info member equals */
daemon_proof_fn prove_set;	  /* /info member, a list in any order */
daemon_proof_fn prove_security;	  /* SecurityOptions has name=MEMBER */
daemon_proof_fn prove_nnp;	  /* no-new-privileges: from 24.0 on */
daemon_proof_fn prove_bridge;	  /* an option of the default bridge */
daemon_proof_fn prove_bridge_ip6; /* EnableIPv6 */
daemon_proof_fn prove_cgroupns;
daemon_proof_fn prove_seccomp;
daemon_proof_fn prove_userns;
daemon_proof_fn prove_data_root;
daemon_proof_fn prove_authz;
daemon_proof_fn prove_pools;
daemon_proof_fn prove_exec_opts;
daemon_proof_fn prove_firewall;
daemon_proof_fn prove_insecure;
daemon_proof_fn prove_mirrors;
daemon_proof_fn prove_nondistributable;
daemon_proof_fn prove_proxies;
daemon_proof_fn prove_runtimes;
daemon_proof_fn prove_forward;
daemon_proof_fn prove_containerd;
daemon_proof_fn prove_min_api;

/* Splits "UID.GID" off the data root of a remapped daemon: true when there is one. */
bool data_root_remap(const char *root, size_t *ret_base_len, uint64_t *ret_uid, uint64_t *ret_gid);

/* SecurityOptions has this name ("userns", "selinux"). */
bool info_security(const json_t *info, const char *name);

#endif
