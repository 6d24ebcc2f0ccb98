/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a directory be a volume?
 */
#ifndef BULKHEAD_VOLUMES_PATH_H
#define BULKHEAD_VOLUMES_PATH_H

#include "volumes_ids.h"

/* Does a path lie below a directory? */
bool volume_path_below(const char *path, const char *dir);

/* Why no container may be given this path, as words behind it (static); NULL: it may. */
const char *volume_path_wrong(const char *path);

/*
 * What stands there on this host: a directory, no symbolic link to it or on the way, not Docker's
 * own, on a file system with ACLs that can be written. 1: it does (or is absent and `create`); 0:
 * told in `refusals`. The directories above may be closed: Docker mounts the volume as the host's
 * root (measured on 20.10, 26 and 28).
 */
int volume_path_look(const struct host *h, const char *path, bool create, struct errs *refusals,
		     struct err *e);

#endif
