/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the registries module share.
 *
 *   registries.c         the table of settings, the rules of a plan alone, the module
 *   registries_names.c   names of registries, as they stand in a plan
 *   registries_means.c   what this host has, and so which means can enforce the lists
 *   registries_open.c    the addresses that dockerd itself needs, for IPAddressAllow=
 *   registries_files.c   files of our own, the block in /etc/hosts
 *   registries_config.c  daemon.json, /etc/sysconfig/docker
 *   registries_flags.c   a line of the latter
 *   registries_probe.c   what the running daemon does when it is asked to pull
 */
#ifndef BULKHEAD_REGISTRIES_H
#define BULKHEAD_REGISTRIES_H

#include "../src/buf.h"
#include "daemon_host.h"

#define REGISTRIES "registries"

/* What shows in dockerd's own words that it was us: in the dead address of hosts.toml, and the
 * addresses of the block in /etc/hosts, to which no kernel connects a TCP socket. */
#define REGISTRIES_MARK	 "blocked-by-bulkhead"
#define REGISTRIES_HOLE4 "255.255.255.255"
#define REGISTRIES_HOLE6 "ff00::1"

/* --- names --- */

#define REGISTRY_ALL   "all"
#define DOCKER_HUB     "docker.io"
#define REGISTRY_MAX   260
#define REGISTRIES_MAX 256 /* entries of a list */

/* Further rules for strings of the plan: NULL, or what is expected. */
const char *registry_valid_block(const char *s);
const char *registry_valid_allow(const char *s);
const char *registry_valid_address(const char *s);
const char *registry_valid_proxy(const char *s);

/* One name for all that dockerd takes for Docker Hub ("public", "index.docker.io"), else `s`. */
const char *registry_name(const char *s);

bool registry_is_wildcard(const char *s);

/* Without its port, and without the brackets of an IPv6 address. */
void registry_host(const char *s, char ret[REGISTRY_MAX]);

/* Its host is an IP address. */
bool registry_is_address(const char *s);

/* A name that /etc/hosts can lead astray: no address, no wildcard, not this host's own. */
bool registry_is_dns(const char *s);

/* Is the name in the list, whichever spelling? Returns the index, or -1. */
int registry_find(const json_t *list, const char *name);

/* The host of an URL or an ADDRESS:PORT, without credentials, for what needs an open address. */
bool registry_url_host(const char *url, char ret[REGISTRY_MAX]);

/* --- means --- */

enum {
	MEANS_CERTS = 1,
	MEANS_HOSTS = 2,
	MEANS_NETWORK = 4,
	MEANS_PROXY = 8,
	MEANS_SYSCONFIG = 16, /* Red Hat's docker: $BLOCK_REGISTRY of its unit */
	MEANS_KEYS = 32,      /* Red Hat's docker: block-registry in daemon.json */
};
#define MEANS_REDHAT (MEANS_SYSCONFIG | MEANS_KEYS)

#define MEANS_MAX 6

struct registries {
	const struct section *s;
	const struct host *h;
	const json_t *block, *allow; /* lists, empty or not; NULL when the plan has none */
	const char *enforce, *proxy;
	bool all;
	const struct engine_cmdline *cmd;
	unsigned engine;
	char engine_text[64]; /* "Docker 28.5.2" */
	char *sysconfig;      /* the file that holds $BLOCK_REGISTRY */
	bool adds;	      /* the unit hands over $ADD_REGISTRY, too */
	json_t *config;	      /* daemon.json as it will be; never NULL */
	struct daemon_running run;
	unsigned means;		 /* what is used for dockerd */
	char *cannot[MEANS_MAX]; /* why a means can't be used here; NULL: it can */
	char *tools;		 /* "podman, skopeo": they read registries.conf.d; NULL: none */
	char *open;		 /* the value of IPAddressAllow= */
	char *homeless;		 /* what needs an open address and has only a name; NULL: nothing */
};

/* Looks at the host and decides. */
int registries_load(const struct section *s, const struct host *h, struct registries *ret,
		    struct err *e);
void registries_done(struct registries *r);
#define _cleanup_registries_ _cleanup_(registries_done)

/* Means by their bit, for people: "certs.d, hosts"; "" for none. */
void registries_means_text(unsigned means, char *buf, size_t size);

/* The means, of those in use, that refuse this entry of `block`; 0: nothing here does. */
unsigned registries_covers(const struct registries *r, const char *name);

/* Names that go to the block of /etc/hosts, a new array. */
json_t *registries_astray(const struct registries *r);

/* Mistakes and refusals of this plan on this host; then what was chosen, why, and what stays open,
 * as notes. */
int registries_tell(const struct registries *r, struct changes *out, struct err *e);

/* Fills `open` and `homeless`. */
int registries_open(struct registries *r, struct err *e);

/* --- changes --- */

/* All files of the section (`r` NULL: it has left the plan), against what was left behind. */
int registries_diff(const struct registries *r, const struct previous *was, const struct host *h,
		    struct changes *out, struct err *e);

/* One diff, for the files that have a part in it. */
struct registries_work {
	const struct registries *r; /* NULL: the section has left the plan */
	const struct host *h;
	struct changes *out;
	const json_t *was; /* NULL: nothing was left behind */
	json_t *state;	   /* what is remembered */
	const json_t *all; /* what all modules left; or NULL */
};

#define REGISTRIES_FILE_MAX (1024 * 1024)

static inline bool registries_use(const struct registries_work *w, unsigned means)
{
	return w->r && (w->r->means & means);
}

/* daemon.json knows `proxies` from 23.0 on. */
static inline bool registries_proxy_by_dropin(const struct registries_work *w)
{
	return registries_use(w, MEANS_PROXY) && w->r->engine < VERSION(23, 0);
}

/* Asks for a restart of Docker; the second one when a file is newer than the daemon that runs. */
int registries_restart(const struct registries_work *w, const char *text, struct err *e);
int registries_restart_if_newer(const struct registries_work *w, const char *path, struct err *e);

int registries_config(const struct registries_work *w, struct err *e);
int registries_sysconfig(const struct registries_work *w, struct err *e);

/* A variable of an environment file whose value is `--FLAG NAME` again and again. */
struct flags {
	const char *variable, *flag;
	const json_t *want; /* names */
	const json_t *was;  /* those of them that we put there last time; NULL: none */
	bool made;	    /* the line is of our making */
};

/*
 * The text with the names wanted, those that we no longer want taken out, every other byte as it
 * was. *ret_ours: the names in it that are of our making (a new array); f->made is updated.
 * -EINVAL: the line is written in a way that is not ours to edit.
 */
int flags_edit(const char *text, struct flags *f, char **ret, json_t **ret_ours, struct err *e);

/* --- proof --- */

int registries_verify(const struct section *s, const struct previous *was, const struct host *h,
		      struct findings *out, struct err *e);

enum pull {
	PULL_REFUSED,	/* by means of ours: its mark is in the answer */
	PULL_ANSWERED,	/* the registry answered, whatever */
	PULL_UNREACHED, /* neither: no connection, no name, no time */
};

/* What dockerd's answer to a pull means: its status and its text. *ret_said is what it says, as one
 * line (allocated), or which means of ours it met. */
int pull_judge(int status, const char *text, enum pull *ret, char **ret_said, struct err *e);

#endif
