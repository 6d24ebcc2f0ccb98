/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a SELinux policy knows of containers. Docker takes the types of a container's processes and
 * files from contexts/lxc_contexts (go-selinux, container_selinux_linux.go); Debian ships one that
 * names types which its policy lacks: then dockerd starts, and every container fails.
 */
#ifndef BULKHEAD_SELINUX_POLICY_H
#define BULKHEAD_SELINUX_POLICY_H

#include "../src/host.h"

/* Has the policy `type` ("targeted") of that root the types for containers? *ret_why is NULL when
 * it has, else why not (static). Fails when that can't be told. */
int selinux_policy_containers(const struct host *h, const char *type, const char **ret_why,
			      struct err *e);

#endif
