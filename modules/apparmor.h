/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AppArmor has of Docker's profile. Docker loads it when it starts; whether it did, and
 * whether it is enforced, the running kernel alone tells: for live hosts.
 */
#ifndef BULKHEAD_APPARMOR_H
#define BULKHEAD_APPARMOR_H

#include "../src/module.h"

#define APPARMOR_SETTING "apparmor"
#define APPARMOR_WANTED	 "docker-default enforced"

/* Is it on in the running kernel? 0, 1, or the error of looking. */
int apparmor_on(const struct host *h, struct err *e);

/* The finding APPARMOR_SETTING of `module`; a profile that isn't loaded, or only logs, is `bad`.
 * What can't be looked at is skipped, with the reason. -ENOMEM. */
int apparmor_look(const struct host *h, const char *module, enum finding_state bad,
		  struct findings *out, struct err *e);

#endif
