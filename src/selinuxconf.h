/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/selinux/config as libselinux reads it (selinux_config(5), its selinux_config.c): the first
 * SELINUX= with a value that it knows counts, and the last SELINUXTYPE=.
 */
#ifndef BULKHEAD_SELINUXCONF_H
#define BULKHEAD_SELINUXCONF_H

#include "err.h"

#define SELINUX_CONFIG	"/etc/selinux/config"
#define SELINUX_ENFORCE "/sys/fs/selinux/enforce" /* there when SELinux is on in this kernel */

enum selinux_mode {
	SELINUX_UNSET, /* no line says */
	SELINUX_DISABLED,
	SELINUX_PERMISSIVE,
	SELINUX_ENFORCING,
};

/* "disabled" ...; SELINUX_UNSET is "unset". */
const char *selinux_mode_name(enum selinux_mode mode);
/* SELINUX_UNSET for any other text, and NULL. */
enum selinux_mode selinux_mode_parse(const char *name);

enum selinux_mode selinuxconf_mode(const char *text);

/* The policy's name into `buf`; false when there is none, or one that is no file's name. */
bool selinuxconf_type(const char *text, char *buf, size_t size);

/* The text with another mode: in the line that counts, or in a new one at the end. *ret is
 * allocated. */
int selinuxconf_edit(const char *text, enum selinux_mode mode, char **ret, struct err *e);

#endif
