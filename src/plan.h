/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: YAML in, typed sections out, all mistakes at once with file:line:column.
 *
 * Pure but for reading the plan and its includes: needs no host and no root. Bounded in time and
 * memory whatever it is fed.
 */
#ifndef BULKHEAD_PLAN_H
#define BULKHEAD_PLAN_H

#include <jansson.h>

#include "field.h"

struct module;
struct plan;

/* One module's part of the plan. */
struct section {
	const struct module *module;
	const struct plan *plan;
	json_t *values; /* object: what the plan says, defaults filled in; of a module whose section
			   is a list one member, by its name */
	json_t *given;	/* object: only what the plan (or an include) says */
};

struct plan_options {
	bool trust_all; /* `validate`, and runs without privilege: who owns the plan doesn't matter
			 */
};

/*
 * Loads a plan: `path` is a file, or "-" for standard input (no relative includes then). Mistakes
 * go to `errs` (the plan is then not usable, *ret is NULL and -EINVAL is returned); what keeps us
 * from reading at all (-ENOENT, -EACCES, -EPERM: not trusted) is in *e with nothing in `errs`.
 *
 * A plan is trusted when its owner is root, the caller, or SUDO_UID, and neither it nor a folder
 * above it can be written by group or others (sticky folders are fine). Includes are "profile:NAME"
 * (shipped) or a file's name in the plan's own folder.
 */
int plan_load(const char *path, const struct plan_options *opt, struct plan **ret,
	      struct errs *errs, struct err *e);

/* As plan_load, from memory; `name` stands in positions. Only profile: includes. For tests and
 * fuzzing. */
int plan_load_text(const char *name, const char *text, size_t len, struct plan **ret,
		   struct errs *errs, struct err *e);

void plan_free(struct plan *p);
DEFINE_CLEANUP(struct plan, plan_free);
#define _cleanup_plan_ _cleanup_(plan_free_cleanup)

/* The settings of a plan that belong to no module: version, include, engine. */
extern const struct field plan_fields[];

/* Every value that the plan's files give, in the order of sections, and where from: see resolved.h.
 * Defaults are not among them. NULL: out of memory. */
json_t *plan_resolved(const struct plan *p);

/* What the plan was read from, as object: `sha256` and `files` as in doc/json.md. NULL: out of
 * memory. */
json_t *plan_files(const struct plan *p);

/* The section of a module, or NULL when the plan has none. */
const struct section *plan_section(const struct plan *p, const char *module);

/* engine: {version: "28.5"} of the plan as VERSION(28, 5), 0 when not given. */
unsigned plan_engine_version(const struct plan *p);

/* "file:line:column" of a setting by its path ("mode", "ranges[0].owner"); of the nearest thing
 * that has a position when the setting is a default. */
const char *section_where(const struct section *s, const char *path);

/* Which entry of the list at `path`, as the plan's text counts, became value `i`: an entry that was
 * refused has no value. */
size_t section_index(const struct section *s, const char *path, size_t i);

/* Values by path-free name; defaults filled in. The string and object forms return NULL when
 * absent. */
const char *section_str(const struct section *s, const char *name);
long long section_int(const struct section *s, const char *name, long long otherwise);
bool section_bool(const struct section *s, const char *name, bool otherwise);
json_t *section_get(const struct section *s, const char *name);

/* The text of a shipped profile, or NULL; and the NULL-terminated list of their names. Generated
 * from templates/profiles/. */
struct profile {
	const char *name;
	const char *text;
	size_t len;
};
extern const struct profile profiles[]; /* ends with { NULL } */

#endif
