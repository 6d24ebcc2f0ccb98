/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CIS benchmark asks of keys of daemon.json. A setting that is as the plan wants it speaks
 * for a control only if the plan wants what the control asks.
 */
#ifndef BULKHEAD_DAEMON_CIS_H
#define BULKHEAD_DAEMON_CIS_H

#include "daemon_keys.h"

/* The controls that a key with this value speaks for; NULL: none. `f` may be NULL. */
const char *daemon_key_cis(const struct field *f, const json_t *value);

/* What is asked of a key, for people: "false", "a driver that takes logs elsewhere"; NULL: nothing,
 * or not of its value alone. */
const char *daemon_key_asked(const char *key);

#endif
