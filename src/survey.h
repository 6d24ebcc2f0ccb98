/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the modules find on a host that a plan could say: the settings as they are already. The data
 * of `bulkhead init` (src/init.c), which tries each of them before it stands in the plan.
 */
#ifndef BULKHEAD_SURVEY_H
#define BULKHEAD_SURVEY_H

#include <jansson.h>

#include "err.h"

struct module;

struct survey_row {
	const struct module *module;
	char *setting; /* of the module's table; NULL: only a remark about the section */
	json_t *value; /* as a plan would have it */
	char *remark;  /* a line for the person, or NULL */
};

struct survey {
	const struct module *module; /* the one that is being asked */
	struct survey_row *list;
	size_t n;
};

void survey_done(struct survey *s);
#define _cleanup_survey_ _cleanup_(survey_done)

/*
 * A setting that the host has. `value` is taken, NULL means that there was no memory for it.
 * `remark` (copied) may be NULL; what has one is not compared with what the baseline would say.
 */
int survey_add(struct survey *s, const char *setting, json_t *value, const char *remark,
	       struct err *e);

/* What a person should know of the section. */
int survey_remark(struct survey *s, struct err *e, const char *fmt, ...) PRINTF(3, 4);

#endif
