/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the observe module share. Each look adds its findings; what can't be looked at
 * is skipped, with the reason. Errors: -ENOMEM.
 */
#ifndef BULKHEAD_OBSERVE_H
#define BULKHEAD_OBSERVE_H

#include "../src/json.h"
#include "../src/module.h"
#include "engine.h"

#define OBSERVE "observe"

/* A file system of its own under the data root, and what encrypts it. `info`: GET /info. */
int observe_disk(const struct host *h, const json_t *info, struct findings *out, struct err *e);

/* TCP ports of the daemon that process `pid` is, which started at `since_us`. */
int observe_ports(const struct host *h, const json_t *info, uint32_t pid, uint64_t since_us,
		  struct findings *out, struct err *e);

/*
 * TCP that the daemon is told to open for clients without a certificate, where the plan hardens it
 * and has no tls section: failed, for no apply mends it. An apply leaves it alone: it is nothing of
 * ours.
 */
int observe_plaintext(const struct section *s, const struct host *h, struct findings *out,
		      struct err *e);

/* What benchmarks ask of daemon.json and defaults give; and where the plan says otherwise. */
int observe_defaults(const struct section *s, const struct host *h, const json_t *info,
		     struct findings *out, struct err *e);

/* Fixes that an upstream release of this version ("28.5.2") doesn't have. */
int observe_fixes(const char *version, struct findings *out, struct err *e);

/* Names for a person: the first few, and how many more there are. */
#define OBSERVE_NAMES 5
struct buf;
void observe_name(struct buf *b, size_t n, const char *name);
void observe_more(struct buf *b, size_t n);

#endif
