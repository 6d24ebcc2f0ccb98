/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon module in a box: a scratch root, a plan, what came of a diff; and a running daemon
 * that is only said to be there.
 */
#ifndef BULKHEAD_TESTS_DAEMON_BOX_H
#define BULKHEAD_TESTS_DAEMON_BOX_H

#include "unit.h"

#include "../modules/daemon_host.h"

/* A live host without one: what the module asks of systemd and of the Engine API is answered here.
 */
static bool fake_live;
static struct unit_state fake_unit;
static const char *fake_info, *fake_bridge;
static json_t *fake_answers[2];

static bool fake_is_live(const struct host *h)
{
	return h && fake_live;
}

static int fake_units_open(const struct host *h, struct units **ret, struct err *e)
{
	(void)h;
	(void)e;
	*ret = NULL;
	return 0;
}

static int fake_units_state(struct units *u, const char *unit, struct unit_state *ret,
			    struct err *e)
{
	(void)u;
	(void)e;
	ck_assert_str_eq(unit, "docker.service");
	*ret = fake_unit;
	return 0;
}

static int fake_engine_get(const struct host *h, const char *path, const json_t **ret,
			   struct err *e)
{
	bool info = streq(path, "/info");
	const char *text = info ? fake_info : streq(path, "/networks/bridge") ? fake_bridge : NULL;

	(void)h;
	if (!text)
		return err_set(e, ENOTCONN, "GET %s: nothing listens", path);
	json_decref(fake_answers[info]);
	fake_answers[info] = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(fake_answers[info]);
	*ret = fake_answers[info];
	return 0;
}

#define host_is_live	 fake_is_live
#define units_open	 fake_units_open
#define units_state(...) fake_units_state(__VA_ARGS__)
#define engine_get	 fake_engine_get
#include "../modules/daemon.c"
#include "../modules/daemon_file.c"
#include "../modules/daemon_host.c"
#include "../modules/daemon_verify.c"

static void check_json(const json_t *got, const char *want, const char *what)
{
	char *text = json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY);

	ck_assert_ptr_nonnull(text);
	ck_assert_msg(streq(text, want), "%s: %s, not %s", what, text, want);
	free(text);
}

/* --- diffs of a root --- */

#define PATH "/etc/docker/daemon.json"
#define UNIT "/lib/systemd/system/docker.service"

struct box {
	char *dir;
	struct host *h;
	struct plan *plan;
	struct changes c;
	json_t *state;
	struct findings f;
};

static const char stock_unit[] = "[Service]\nExecStart=/usr/sbin/dockerd -H fd:// "
				 "--config-file /etc/docker/daemon.json\n";

static void box_init(struct box *b)
{
	*b = (struct box){ .dir = tree_new() };
	changes_init(&b->c);
	fake_live = false;
	fake_info = fake_bridge = NULL;
	fake_unit = (struct unit_state){ .active = "active",
					 .invocation = "11111111111111111111111111111111",
					 .started_us = UINT64_C(4000000000000000) };
	tree_write(b->dir, UNIT, stock_unit, 0644);
	tree_write(b->dir, "/etc/passwd", "root:x:0:0::/:/bin/sh\ndockremap:x:990:990::/:\n", 0644);
	tree_write(b->dir, "/etc/group", "root:x:0:\ndockremap:x:990:\n", 0644);
	tree_write(b->dir, "/etc/subuid", "dockremap:2000224256:65536\n", 0644);
	tree_write(b->dir, "/etc/subgid", "dockremap:2000224256:65536\n", 0644);
}

static void box_done(struct box *b)
{
	changes_done(&b->c);
	findings_done(&b->f);
	plan_free(b->plan);
	host_free(b->h);
	json_decref(b->state);
	tree_remove(b->dir);
	for (size_t i = 0; i < ARRAY_SIZE(fake_answers); i++) {
		json_decref(fake_answers[i]);
		fake_answers[i] = NULL;
	}
}

/* Diffs with the daemon section `daemon` (NULL: none) and other top lines. */
static void box_plan(struct box *b, const char *daemon, const char *more)
{
	char text[4096];
	struct errs errs = { 0 };
	struct err e;
	int r;

	plan_free(b->plan);
	b->plan = NULL;
	snprintf(text, sizeof(text), "version: 1\n%s%s%s\n%s", daemon ? "daemon: {" : "",
		 daemon ? daemon : "", daemon ? "}" : "", more);
	r = plan_load_text("plan", text, strlen(text), &b->plan, &errs, &e);
	ck_assert_msg(r == 0, "%s: %s", text,
		      errs.n  ? errs.list[0].text
		      : r < 0 ? e.text
			      : "no mistake told");
	errs_done(&errs);
}

static void box_diff(struct box *b, const char *daemon, const char *more)
{
	_cleanup_json_ json_t *all = json_pack("{s:O?}", "daemon", b->state);
	struct previous was = { b->state, all };
	const struct section *s;
	struct err e;
	int r;

	box_plan(b, daemon, more);
	changes_done(&b->c);
	changes_init(&b->c);
	host_free(b->h);
	ck_assert_int_eq(host_open(b->dir, &b->h, &e), 0);
	s = plan_section(b->plan, "daemon");
	host_overlay(b->h, &b->c);
	r = module_daemon.diff(s, &was, b->h, &b->c, &e);
	host_overlay(b->h, NULL);
	ck_assert_msg(r == 0, "%s", e.text);
}

static void box_verify(struct box *b)
{
	struct previous was = { .state = b->state };
	struct err e;

	findings_done(&b->f);
	b->f = (struct findings){ 0 };
	ck_assert_int_eq(
		module_daemon.verify(plan_section(b->plan, "daemon"), &was, b->h, &b->f, &e), 0);
}

/* Does what a transaction would. */
static void box_apply(struct box *b)
{
	ck_assert_uint_eq(b->c.mistakes.n + b->c.refusals.n, 0);
	for (size_t i = 0; i < b->c.n; i++) {
		const struct change *c = b->c.list[i];
		char path[4096];

		snprintf(path, sizeof(path), "%s%s", b->dir, c->path);
		if (c->kind == CHANGE_DIR)
			ck_assert_int_eq(mkdir(path, 0755), 0);
		else if (c->kind == CHANGE_FILE)
			tree_write(b->dir, c->path, c->after.content, 0644);
		else if (c->kind == CHANGE_REMOVE)
			ck_assert_int_eq(unlink(path), 0);
	}
	json_decref(b->state);
	b->state = json_incref(json_object_get(b->c.state, "daemon"));
}

static void check_file(struct box *b, const char *want)
{
	char *text = tree_read(b->dir, PATH);

	if (want) {
		ck_assert_ptr_nonnull(text);
		ck_assert_str_eq(text, want);
	} else {
		ck_assert_msg(!text, "%s", text);
	}
	free(text);
}

/* The mistake or refusal, or "". */
static const char *only(const struct errs *es)
{
	ck_assert_uint_le(es->n, 1);
	return es->n ? es->list[0].text : "";
}

#endif
