/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a program of a host is: in systemd's default PATH, the order of which counts.
 */
#ifndef BULKHEAD_PROGRAM_H
#define BULKHEAD_PROGRAM_H

#include "../src/host.h"

/* Ends with NULL. */
extern const char *const program_dirs[];

/* The first one of that name: *ret is NULL when there is none. Errors are those of looking. */
int program_find(const struct host *h, const char *name, char **ret, struct err *e);

#endif
