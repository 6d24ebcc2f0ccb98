/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual and the completions of shells, from the tables that the program runs by. A template is
 * copied; a line "@NAME@" of it becomes what the writer of that name makes of its table.
 */
#ifndef BULKHEAD_TABLES_H
#define BULKHEAD_TABLES_H

#include "command.h"

struct writer {
	const char *name;
	void (*write)(void);
};

/* End with { NULL }. */
extern const struct writer manual_writers[], completion_writers[];

#endif
