/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts that land on a host: ${name} is replaced, nothing else; "$${" is a literal "${". An
 * unknown or unclosed name is an error.
 */
#ifndef BULKHEAD_TEMPLATE_H
#define BULKHEAD_TEMPLATE_H

#include "err.h"

struct template_var {
	const char *name, *value;
};

/* Fills a template; `vars` ends with { NULL }. -EINVAL: unknown name, ${ without }, or a value that
 * holds a newline or another control character. */
int template_fill(const char *text, const struct template_var *vars, char **ret, struct err *e);

/* A shipped text by its name under templates/ ("socket.conf"), or NULL. Generated. */
const char *template_text(const char *name);

#endif
