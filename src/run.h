/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program of the live host (dockerd --validate): no shell, a sane environment, all fds but
 * 0-2 closed, a deadline, bounded output. Never used offline.
 */
#ifndef BULKHEAD_RUN_H
#define BULKHEAD_RUN_H

#include "err.h"

/*
 * argv[0] is an absolute path. `env` is added to
 * PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin and LANG=C.UTF-8; may be NULL.
 * *ret_status is the wait status; *ret_output what it wrote to standard output and error (at most
 * 64 KiB, NUL-terminated). -ETIMEDOUT: it was killed after `seconds`. -ENOENT: no such program.
 */
int run_program(char *const *argv, char *const *env, int seconds, int *ret_status,
		char **ret_output, struct err *e);

#endif
