/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of engine_api.c that need no live host, for its tests.
 */
#ifndef BULKHEAD_ENGINE_API_INTERNAL_H
#define BULKHEAD_ENGINE_API_INTERNAL_H

#include "engine.h"

/* Where dockerd listens by its files: -H unix://, -H fd:// with docker.socket, "hosts" of its
 * configuration, the default. -ENOTCONN when that is no Unix socket. */
int engine_socket(const struct host *h, char **ret, struct err *e);

/* GET `path` from the socket `sock`; as engine_get, but it asks nobody whether it may. `peer`: as
 * in engine_get_user; NULL: whoever listens. */
int engine_fetch(const struct host *h, const char *sock, const uid_t *peer, const char *path,
		 json_t **ret, struct err *e);

/* As engine_post, but at the socket `sock`. */
int engine_send(const struct host *h, const char *sock, const char *path, unsigned timeout_ms,
		int *ret_status, char **ret_text, struct err *e);

#endif
