/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELinux labels for what is created. libselinux is loaded when a root first turns out to have a
 * policy: most runs never pay for it.
 */
#ifndef BULKHEAD_LABEL_H
#define BULKHEAD_LABEL_H

#include "host.h"

/*
 * The context that the policy of that root gives to `path` of type `mode`: *ret (allocated), or
 * NULL when SELinux is not in use there or no rule matches. Live: the running kernel's policy.
 * Offline: ROOT/etc/selinux/config and its file_contexts, selabel_file(5).
 */
int label_context(const struct host *h, const char *path, mode_t mode, char **ret, struct err *e);

/*
 * Sets the context for what this thread creates next, setfscreatecon(3); NULL clears it. Live only:
 * offline the label is set on the fd (the extended attribute security.selinux).
 */
int label_create(const char *context, struct err *e);

#endif
