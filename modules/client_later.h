/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sets a variable of docker's after the client module's files: what sessions get is then not
 * what the plan says.
 *
 * Looked at are files of the system: what /etc/profile reads behind ours in /etc/profile.d and says
 * itself after that, and what environment.d(5) reads after ours. Each user's own are that user's.
 * They are read as text and never run, so a line that something may pass over only may set it.
 */
#ifndef BULKHEAD_CLIENT_LATER_H
#define BULKHEAD_CLIENT_LATER_H

#include "../src/host.h"

#define CLIENT_PROFILE		"/etc/profile"
#define CLIENT_PROFILE_DIR	"/etc/profile.d"
#define CLIENT_PROFILE_OURS	"zz-bulkhead.sh"
#define CLIENT_ENVIRONMENT_DIR	"/etc/environment.d"
#define CLIENT_ENVIRONMENT_OURS "90-bulkhead.conf"
#define CLIENT_TEXT_MAX		(1024 * 1024)

struct later {
	char *text;   /* for a person; NULL: nobody does */
	bool certain; /* else it may be passed over, or come first */
};
void later_done(struct later *l);

/* `same`: is `value`, "" when it is unset, as good as what we set? Errors: -ENOMEM; what can't be
 * read is told in the text. */
int later_find(const struct host *h, const char *variable,
	       bool (*same)(const void *arg, const char *value), const void *arg, struct later *ret,
	       struct err *e);

#endif
