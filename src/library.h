/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that only some runs need, loaded when one does.
 */
#ifndef BULKHEAD_LIBRARY_H
#define BULKHEAD_LIBRARY_H

#include "util.h"

/*
 * Loads a shared library for dlsym(3). NULL when that fails: *ret_why, the loader's text that the
 * next dlopen(3) takes away, says why, and is NULL when memory ran out.
 */
void *library_load(const char *name, const char **ret_why);

#endif
