/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One module and its section of a plan on a scratch root: what it asks for, what it sees. Behind
 * modules[], whose first it is.
 */
#ifndef BULKHEAD_SECTIONED_H
#define BULKHEAD_SECTIONED_H

#include "planned.h"

#include "../src/module.h"

static struct changes c;
static struct findings f;
static json_t *state; /* what it remembers */

static inline void section_teardown(void)
{
	json_decref(TAKE_PTR(state));
	findings_done(&f);
	changes_done(&c);
	root_teardown();
}

static inline void with(const char *text, void (*what)(const struct section *s))
{
	_cleanup_plan_ struct plan *p = plan_of(text);

	host_forget(host);
	what(plan_section(p, modules[0]->name));
}

static inline void ask(const struct section *s)
{
	struct previous was = { .state = state };

	changes_done(&c);
	host_overlay(host, &c);
	ck_ok(modules[0]->diff(s, &was, host, &c, &e));
	host_overlay(host, NULL);
}

/* Puts what is planned there, and remembers. */
static inline void done(void)
{
	json_decref(state);
	state = json_incref(json_object_get(c.state, modules[0]->name));
	for (size_t i = 0; i < c.n; i++) {
		const struct change *x = c.list[i];

		if (x->kind == CHANGE_DIR)
			put_dir(x->path);
		else if (x->kind == CHANGE_REMOVE)
			ck_assert_int_eq(unlink(at(x->path)), 0);
		else
			tree_write(root, x->path, x->after.content, x->after.mode & 07777);
	}
}

static inline void look(const struct section *s)
{
	struct previous was = { .state = state };

	findings_done(&f);
	ck_ok(modules[0]->verify(s, &was, host, &f, &e));
}

#endif
