/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the rootless module share: the users, and what the host offers them.
 *
 * The daemon is a unit of the user's own manager (/etc/systemd/user, never the user's home), and a
 * unit of the system's, one a user, starts and stops it as that user. So systemd alone crosses
 * over to ground that belongs to the user, and it does so without root.
 */
#ifndef BULKHEAD_ROOTLESS_H
#define BULKHEAD_ROOTLESS_H

#include "../src/module.h"
#include "subrange.h"

#define ROOTLESS_NAME	"rootless"
#define ROOTLESS_CIS	"2.1"
#define ROOTLESS_SYSCTL "/etc/sysctl.d/50-bulkhead-rootless.conf"

struct rootless_user {
	struct subrange range; /* its setting is "users[0]", its owner as the plan writes it */
	const char *name;      /* of the account */
	uid_t uid;
	char unit[40]; /* the system's unit that starts and stops this user's daemon */
};

struct rootless_users {
	struct accounts a;
	struct rootless_user list[SUBRANGES_MAX];
	size_t n;
};

/* The accounts of that root that the plan means. Who isn't there, the system's accounts and one
 * named twice are mistakes, and left out. */
int rootless_users_load(const struct section *s, const struct host *h, struct rootless_users *ret,
			struct errs *mistakes, struct err *e);
void rootless_users_done(struct rootless_users *u);

/* What the distribution's packages have to bring; what is missing goes to the refusals, with the
 * package to install. */
struct rootless_tools {
	const char *script;  /* dockerd-rootless.sh */
	const char *network; /* what its unit has to have in Environment=, or "" */
	const char *systemctl;
};
int rootless_tools_find(const struct host *h, struct rootless_tools *ret, struct errs *refusals,
			struct err *e);

/* A setting of the kernel that rootless Docker needs. */
struct rootless_sysctl {
	const char *name;    /* "user.max_user_namespaces" */
	const char *setting; /* of the plan */
	bool on;	     /* the plan and this kernel know it */
	bool asked;	     /* the plan names it */
	bool only_asked;     /* and else it isn't touched: it guards more than this */
	bool at_least;	     /* or exactly */
	long long need;
	long long kernel;    /* what the running kernel has; -1: offline */
	long long conf;	     /* what sysctl.d sets at boot; -1: nothing */
	char conf_file[256]; /* where */
};
#define ROOTLESS_SYSCTLS 4
int rootless_sysctls_load(const struct section *s, const struct host *h,
			  struct rootless_sysctl ret[ROOTLESS_SYSCTLS], struct err *e);
bool rootless_sysctl_fits(const struct rootless_sysctl *x, long long value);
/* Its file of the running kernel. */
#define ROOTLESS_SYSCTL_PATH 128
void rootless_sysctl_path(const struct rootless_sysctl *x, char path[ROOTLESS_SYSCTL_PATH]);
/* Can users make namespaces at all? Until they can (a container's /proc/sys may be read-only), a
 * start only fails. */
bool rootless_kernel_allows(const struct rootless_sysctl list[ROOTLESS_SYSCTLS]);

int rootless_verify(const struct section *s, const struct previous *was, const struct host *h,
		    struct findings *out, struct err *e);

#endif
