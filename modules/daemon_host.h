/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon module asks a host: is SELinux fit for containers, whose ranges would
 * userns-remap use, what does the running daemon say.
 */
#ifndef BULKHEAD_DAEMON_HOST_H
#define BULKHEAD_DAEMON_HOST_H

#include "../src/idmap.h"
#include "../src/units.h"
#include "daemon_keys.h"

#define DAEMON_JSON    "/etc/docker/daemon.json"
#define DAEMON_ACCOUNT "dockremap" /* what `userns-remap: default` means */

/* Is SELinux on in this root, with a policy that knows containers? *ret_why is NULL when it is,
 * else why not (static). Fails when that can't be told. */
int daemon_selinux_off(const struct host *h, const char **ret_why, struct err *e);

/*
 * The plan's settings as they go into the file: `default` and `auto` replaced, names of limits
 * filled in, keys left out that a shipped profile names and this engine doesn't know.
 * *ret_auto_off: why an automatic selinux-enabled is left out, or NULL.
 */
int daemon_wanted(const struct section *s, const struct host *h, json_t **ret,
		  const char **ret_auto_off, struct err *e);

/* The user that a value of userns-remap names, and the ranges dockerd would use. */
struct daemon_userns {
	char *user;  /* by name; a uid without account stays a number */
	bool exists; /* in that root's passwd */
	struct owner_range range;
};
int daemon_userns_load(const struct host *h, const char *value, struct daemon_userns *ret,
		       struct err *e);
void daemon_userns_done(struct daemon_userns *u);
#define _cleanup_userns_ _cleanup_(daemon_userns_done)

/* The running daemon. */
struct daemon_running {
	char why[400];		/* why there is none to ask; "" when there is */
	bool up;		/* the unit runs, though its API may not answer */
	bool starting;		/* it is `up`, and may have read its files or not */
	struct unit_state unit; /* when `up` */
	struct daemon_seen seen;
};

/* `remap` is what userns-remap is to be, or NULL. Never fails for a daemon that does not answer. */
int daemon_running_load(const struct host *h, const struct engine_cmdline *cmd, const char *remap,
			struct daemon_running *ret, struct err *e);

/* The key by which a start on `doc` moves the running daemon's data root; NULL: it stays, or none
 * runs. */
int daemon_moves(const struct daemon_running *run, const struct engine_cmdline *cmd,
		 const json_t *doc, const char **ret_key, struct err *e);

/* A number of /info; 0 when absent. */
long long info_int(const json_t *info, const char *name);

/* Containers that live on through a restart: their network is not touched by it. */
bool daemon_network_frozen(const json_t *info);

/* live-restore keeps the default bridge as it is while containers run: a restart would change
 * nothing about this key. */
bool daemon_key_frozen(const struct daemon_running *run, const char *key);

/* Why the plan's service section puts a restart off, or NULL. */
const char *daemon_restart_policy(const struct section *s, const json_t *info);

/* Was it remembered (`state`, of the last transaction) that this very invocation has read the value
 * of a key? */
bool daemon_key_remembered(const json_t *state, const struct daemon_running *run, const char *key,
			   const json_t *value);

/* Has the running daemon read this value, which stands in a file that is as it is since then? */
bool daemon_key_read(const json_t *state, uint64_t since_us, const struct daemon_running *run,
		     const char *key, const json_t *value);

/* Since when a file is as it is: the later of its mtime and its birth, because `cp -p` and mv bring
 * old times along. */
uint64_t daemon_file_us(const struct host *h, const char *path, const struct stat *st);

#define DAEMON_FILE_MAX (4 * 1024 * 1024)

/* Has any module that writes daemon.json made the file at `path`, as the last transaction (`all`:
 * struct previous; or NULL) and this run remember it? Whoever takes the last key out removes it
 * then. */
bool daemon_file_created(const json_t *all, const struct changes *out, const char *path);

/* Has the change to `path`, if it is the file that dockerd reads, proved by dockerd's own
 * validation where this engine can do that without harm. `merged` is what the file will hold. `p`
 * may be NULL. */
int daemon_file_test(struct changes *out, const struct host *h, const struct plan *p,
		     const char *path, const json_t *merged, struct err *e);

/* What stands in the file that dockerd reads. *ret is NULL where there is none, and where it can't
 * be read: then *ret_why (allocated) says why. */
int daemon_file_load(const struct host *h, json_t **ret, char **ret_why, struct err *e);

/* The user whose ranges dockerd uses: userns-remap of the command line, or of the file; NULL: no
 * user namespaces. */
int daemon_remap_now(const struct host *h, char **ret, struct err *e);

int daemon_survey(const struct host *h, struct survey *out, struct err *e);

int daemon_verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e);

#endif
