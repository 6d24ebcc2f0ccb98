/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which id of the host an id in a container is: the ranges that userns-remap uses, in the order of
 * the file, end to end (user_namespaces(7), and docker's idtools).
 */
#ifndef BULKHEAD_VOLUMES_IDS_H
#define BULKHEAD_VOLUMES_IDS_H

#include "../src/idmap.h"

struct volume_ids {
	char *user; /* whose ranges; NULL: no user namespaces, an id is itself */
	struct idrange *ranges[2];
	size_t n[2];
};

/*
 * As daemon.json (what is planned for it included) and dockerd's command line say. What keeps the
 * ids from being known is added to `refusals`; *ret has no ranges then.
 */
int volume_ids_load(const struct host *h, struct volume_ids *ret, struct errs *refusals,
		    struct err *e);
void volume_ids_done(struct volume_ids *v);
#define _cleanup_volume_ids_ _cleanup_(volume_ids_done)

/* A text that dockerd's command line or daemon.json (what is planned for it included) sets,
 * allocated; NULL: neither does. -EINVAL: that file is no JSON object. */
int volume_daemon_key(const struct host *h, const char *key, char **ret, struct err *e);

/* The host's id of a container's user (SUBUID) or group; false: it has none. */
bool volume_id(const struct volume_ids *v, enum subid_file file, uint64_t id, uint32_t *ret);

/* How many ids a container has. */
uint64_t volume_ids_count(const struct volume_ids *v, enum subid_file file);

#endif
