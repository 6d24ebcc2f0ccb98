/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BULKHEAD_POWER_RECORD_H
#define BULKHEAD_POWER_RECORD_H

#include "disk.h"

/*
 * Runs argv under the tracer and adds everything it does to the tree of `d` that changes a disk, in
 * order. Returns its exit code. A call that changes a disk in a way this doesn't know ends the
 * program: nothing is passed over.
 */
int record(struct disk *d, char *const *argv);

#endif
