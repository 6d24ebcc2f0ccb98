/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The half of accounts_lock() that needs no struct host.
 */
#ifndef BULKHEAD_LOCKS_H
#define BULKHEAD_LOCKS_H

#include "accounts.h"

/*
 * As accounts_lock, in the directory `etc` (an fd that is not kept). `live`: the pids in lock files
 * are this system's. `prefix` stands before paths in errors.
 */
int accounts_lock_at(int etc, bool live, const char *prefix, const char *const *paths, size_t n,
		     int seconds, struct account_locks **ret, struct err *e);

int accounts_unlock_stale_at(int etc, const char *prefix, uint32_t pid, int seconds, struct err *e);

#endif
