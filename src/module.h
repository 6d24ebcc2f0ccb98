/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a module: it turns its section of the plan into the changes that would make it
 * true.
 *
 * A module never writes. It looks at the host through `h`, compares, and adds what is missing to
 * `out`; staging, applying, undoing, dry run and reporting are the engine's and the same for all.
 * Callbacks return 0 or a negative errno with *e filled; they keep no state between calls and print
 * nothing.
 *
 * One file in modules/ ends in `const struct module module_NAME`, and one line in Makefile.am
 * (bulkhead_modules) lists it; registry.c is generated from that list.
 */
#ifndef BULKHEAD_MODULE_H
#define BULKHEAD_MODULE_H

#include "change.h"
#include "field.h"
#include "plan.h"
#include "survey.h"

/* What the last committed transaction left in that root: JSON that modules gave to
 * changes_remember, or NULL. */
struct previous {
	const json_t *state;
	const json_t *all; /* of all modules, by name: for files that several have a part in */
};

enum finding_state {
	FINDING_OK,
	FINDING_DRIFT,	 /* the host or the running daemon isn't so; apply would mend it */
	FINDING_PENDING, /* the file is right, the running daemon waits for a restart that policy
			    put off */
	FINDING_SKIPPED, /* can't be shown here, with the reason */
	FINDING_FAILED,	 /* apply can't mend it, or looking failed */
	FINDING_NOTED,	 /* nothing that this program should change by itself: told, and no more */
};

/* "ok" ... */
const char *finding_state_name(enum finding_state state);

struct finding {
	char *module;
	char *setting; /* NULL: the module as a whole */
	char *cis;
	enum finding_state state;
	char *wanted; /* as text, or NULL */
	char *found;  /* as text, or NULL */
	char *why; /* skipped, failed: the reason; ok: what proved it ("GET /info"); may be NULL */
};

struct findings {
	struct finding *list;
	size_t n;
};

void findings_done(struct findings *f);
#define _cleanup_findings_ _cleanup_(findings_done)

/* Adds a finding; strings are copied and may be NULL. -ENOMEM. */
int findings_add(struct findings *f, const char *module, const char *setting, const char *cis,
		 enum finding_state state, const char *wanted, const char *found, const char *why,
		 struct err *e);

struct module {
	const char *name;	    /* its key in a plan */
	const char *summary;	    /* one line, for `schema` and the manual */
	const struct field *fields; /* its settings; ends with { 0 } */
	bool list; /* its section is a list of such settings: section_get() by the module's own
		      name is the array, section_where() takes "[0].path" */
	const char *scalar; /* the setting that a scalar in place of its section is ("drift:
			       apply"), or NULL */
	int order;	    /* subids 10, daemon 20, socket 30, service 90 */
	bool always;	    /* has a section, of defaults, even when the plan doesn't name it */
	/* Rules across settings; section_where() gives positions. */
	void (*check)(const struct section *s, struct errs *out);
	/* 0: on. 1: skipped, *ret_why (static or owned by the section) says why. */
	int (*applies)(const struct section *s, const struct host *h, const char **ret_why,
		       struct err *e);
	/* `s` is NULL when the plan has no such section and the module left something behind
	 * (`was`). A module that writes nothing has none. */
	int (*diff)(const struct section *s, const struct previous *was, const struct host *h,
		    struct changes *out, struct err *e);
	/*
	 * A rollback is about to put `to` in the place of a file of this module's,
	 * and to touch units for it. What a person has to agree to first (--force) is added to
	 * `out`. May be NULL.
	 */
	int (*undo)(const struct host *h, const char *path, const struct image *to,
		    struct errs *out, struct err *e);
	/*
	 * The running host: one finding for each setting of the section that files alone don't
	 * settle, and ok for those they do. Called on a live host and offline (then what needs a
	 * running daemon is skipped, with the reason). What diff would change is already known to
	 * the caller: verify need not repeat it.
	 */
	int (*verify)(const struct section *s, const struct previous *was, const struct host *h,
		      struct findings *out, struct err *e);
	/* As verify, for what is worth telling but no plan's to change. `check` alone asks, so that
	 * an apply doesn't pay for it. */
	int (*observe)(const struct section *s, const struct host *h, struct findings *out,
		       struct err *e);
	/*
	 * What this host has already of the module's settings, for a plan that changes nothing
	 * (`bulkhead init`): survey_add(). Whether it can stand in a plan is tried by the caller,
	 * so that what no plan may say is for the module to name, not to judge.
	 */
	int (*survey)(const struct host *h, struct survey *out, struct err *e);
};

/* All modules in their order; ends with NULL. Generated. */
extern const struct module *const modules[];

const struct module *module_find(const char *name);

#endif
