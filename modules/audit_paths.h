/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Docker's programs, units, sockets and settings really are on a host: what the audit module
 * watches, one row of the CIS benchmark after the other.
 */
#ifndef BULKHEAD_AUDIT_PATHS_H
#define BULKHEAD_AUDIT_PATHS_H

#include "../src/host.h"
#include "../src/plan.h"
#include "engine.h"

#define AUDIT_RUN_DIR "/run/containerd"
/* Of the containerd that dockerd starts itself. */
#define AUDIT_OWN_DIR ENGINE_EXEC_ROOT "/containerd"

struct audit_path {
	char *setting; /* "dockerd", "paths[0]" */
	const char *cis;
	char *path;	 /* without symbolic links, when it is there */
	const char *why; /* static: why it is not watched; NULL: it is */
	mode_t make;	 /* a directory that Docker makes when it starts, too late to be watched; 0:
			    it is there */
};

struct audit_paths {
	struct audit_path *list;
	size_t n;
};

/*
 * Every path, a setting's own one after the other: each setting has at least one. What is planned
 * counts as there. Errors are those of looking.
 */
int audit_paths_load(const struct section *s, const struct host *h, struct audit_paths *ret,
		     struct err *e);
void audit_paths_done(struct audit_paths *p);
#define _cleanup_audit_paths_ _cleanup_(audit_paths_done)

#endif
