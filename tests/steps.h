/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that are recorded, done and taken back step by step, for the tests of undo.c.
 */
#ifndef BULKHEAD_STEPS_H
#define BULKHEAD_STEPS_H

#include "rooted.h"

#include "../src/stage.h"
#include "../src/undo.h"

static struct changes c;
static struct journal j;
static const struct undo kindly = { .j = &j }, forced = { .j = &j, .force = true };

static inline void setup(void)
{
	root_setup();
	changes_init(&c);
	put_dir("/etc");
}

static inline void teardown(void)
{
	journal_done(&j);
	changes_done(&c);
	root_teardown();
}

static inline void record(void)
{
	ck_ok(journal_from_changes(&c, &j, &e));
}

/* Does what a transaction would do with step `i`. */
static inline void act(size_t i)
{
	const struct change *x = c.list[i];
	const struct step *s = &j.steps[i];

	switch (x->kind) {
	case CHANGE_DIR:
		ck_ok(stage_mkdir(host, x->path, &x->after, &e));
		break;
	case CHANGE_FILE:
	case CHANGE_LINES:
		ck_ok(stage_file(host, x->path, s->tmp, &x->after, &e));
		ck_ok(stage_swap(host, x->path, s->tmp, &x->before, &e));
		break;
	case CHANGE_REMOVE:
		ck_ok(stage_remove(host, x->path, s->tmp, &x->before, &e));
		break;
	case CHANGE_ATTRS:
		ck_ok(stage_attrs(host, x->path, false, NULL, &x->after, &e));
		break;
	case CHANGE_KNOB:
		ck_ok(stage_knob(host, x->path, &x->before, &x->after, &e));
		break;
	}
}

static inline enum undo_where where(size_t i)
{
	_cleanup_(image_done) struct image now = { 0 };

	ck_ok(host_image_now(host, j.steps[i].path, &now, &e));
	return undo_where(&j.steps[i], &now);
}

/* Takes step `i` back, and once more: twice is once. */
static inline void back(size_t i, bool wanted)
{
	bool changed;

	ck_assert_msg(undo_step(host, &j.steps[i], &kindly, &changed, &e) >= 0, "%s", e.text);
	ck_assert(changed == wanted);
	ck_assert_msg(undo_step(host, &j.steps[i], &kindly, &changed, &e) >= 0, "%s", e.text);
	ck_assert(!changed);
}

static inline void line(const char *path, const char *text)
{
	ck_ok(changes_line(&c, host, path, text, 0644, "m", NULL, "t", &e));
}

static inline void line_replace(const char *path, const char *old, const char *text)
{
	ck_ok(changes_line_replace(&c, host, path, old, text, "m", NULL, NULL, "t", &e));
}

/* The names in /etc: one file, nothing temporary. */
static inline void tidy(void)
{
	_cleanup_strv_ char **names = NULL;

	ck_ok(host_list(host, "/etc", &names, &e));
	for (char **n = names; *n; n++)
		ck_assert_ptr_null(strstr(*n, "bulkhead"));
}

#endif
