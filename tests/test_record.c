/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <sys/xattr.h>

#include "../src/journal.h"

/* Of "before". */
#define SUM "6db7d803e74f1ffa7d8f5adc0bf95b3e15bf4c8373fffadf546227cc6c6742cb"

static struct changes c;

static void setup(void)
{
	root_setup();
	changes_init(&c);
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

/* One change of each kind, and asks. */
static struct journal sample(void)
{
	_cleanup_json_ json_t *state = json_pack("{s:i}", "n", 7);
	struct journal j;

	put("/etc/file", "before");
	put("/etc/gone", "ours");
	put("/etc/attrs", "x");
	put("/etc/db", "no newline");
	ck_assert_int_eq(setxattr(at("/etc/file"), "user.note", "\x00\xff\x10", 3, 0), 0);
	ck_assert_int_eq(changes_file(&c, host, "/etc/file", "after", 5, CHANGE_KEEP_ATTRS, 0, 0,
				      "m", "key", "2.2", "why", &e),
			 1);
	ck_assert_int_eq(changes_remove_ours(&c, host, "/etc/gone", "ours", 4, "m", NULL, "t", &e),
			 1);
	ck_ok(changes_attrs(&c, host, "/etc/attrs", 0600, 1, 2, "m", NULL, NULL, "t", &e));
	ck_ok(changes_line(&c, host, "/etc/db", "one", 0600, "m", NULL, "t", &e));
	ck_ok(changes_line(&c, host, "/etc/db", "two", 0600, "m", NULL, "t", &e));
	ck_ok(changes_dir(&c, host, "/etc/dir", 0700, 3, 4, "m", NULL, NULL, "t", &e));
	ck_ok(changes_ask(&c, "docker.service", UNIT_RELOAD, "m", "a", "why", &e));
	ck_ok(changes_ask(&c, "docker.service", UNIT_RESTART, "m", "b", "why", &e));
	ck_ok(changes_ask(&c, "docker.socket", UNIT_START, "m", NULL, "why", &e));
	c.asks[2].pending = strdup("later");
	c.manager_reload = true;
	ck_ok(changes_remember(&c, "m", state, &e));
	ck_ok(journal_from_changes(&c, &j, &e));
	j.id = 12;
	j.plan = strdup("/etc/bulkhead/plan.yaml");
	snprintf(j.boot_id, sizeof(j.boot_id), "0123456789abcdef0123456789abcdef");
	return j;
}

START_TEST(out_of_changes)
{
	_cleanup_journal_ struct journal j = sample();

	ck_assert_uint_eq(j.n_steps, 5);
	ck_assert_uint_ne(j.time_us, 0);
	ck_assert_uint_eq(j.pid, (uint32_t)getpid());
	ck_assert_int_eq(j.phase, PHASE_PREPARED);
	ck_assert(j.manager_reload);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(j.state, "m"), "n")),
			 7);

	ck_assert_int_eq(j.steps[0].kind, CHANGE_FILE);
	ck_assert(has_prefix(j.steps[0].tmp, ".file.bulkhead-"));
	ck_assert_str_eq(j.steps[0].before.content, "before");
	ck_assert_uint_eq(j.steps[0].before_kept.len, 6);
	ck_assert_str_eq(j.steps[0].before_kept.sha256, SUM);
	ck_assert_str_ne(j.steps[0].before_kept.sha256, j.steps[0].after_kept.sha256);
	ck_assert_int_eq(j.steps[1].kind, CHANGE_REMOVE);
	ck_assert_str_eq(j.steps[1].after_kept.sha256, "");
	ck_assert_ptr_nonnull(j.steps[1].tmp);
	ck_assert_int_eq(j.steps[2].kind, CHANGE_ATTRS);
	ck_assert_ptr_null(j.steps[2].tmp);
	ck_assert_int_eq(j.steps[3].kind, CHANGE_LINES);
	ck_assert(j.steps[3].newline);
	ck_assert_uint_eq(j.steps[3].was_len, 10);
	ck_assert_ptr_null(j.steps[3].before.content);
	ck_assert_ptr_null(j.steps[3].after.content);
	/* Not even a sum that could be compared with a guess. */
	ck_assert_str_eq(j.steps[3].before_kept.sha256, "");
	ck_assert_int_eq(j.steps[4].kind, CHANGE_DIR);

	/* One record a unit, with the strongest action; put off only when all of it is. */
	ck_assert_uint_eq(j.n_units, 2);
	ck_assert_str_eq(j.units[0].unit, "docker.service");
	ck_assert_int_eq(j.units[0].action, UNIT_RESTART);
	ck_assert(!j.units[0].pending);
	ck_assert_uint_eq(json_array_size(j.units[0].why), 2);
	ck_assert(j.units[1].pending);
}
END_TEST

START_TEST(long_names_have_room)
{
	_cleanup_journal_ struct journal j = { 0 };
	char path[256] = "/";

	memset(path + 1, 'n', 250);
	ck_assert_int_eq(changes_file(&c, host, path, "x", 1, 0644, 0, 0, "m", NULL, NULL, "t", &e),
			 1);
	ck_ok(journal_from_changes(&c, &j, &e));
	ck_assert_uint_le(strlen(j.steps[0].tmp), 255);
}
END_TEST

START_TEST(there_and_back)
{
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	_cleanup_json_ json_t *o = NULL, *again = NULL;

	j.rollback = true;
	j.force = true;
	j.phase = PHASE_UNITS;
	j.undoes = calloc(3, sizeof(*j.undoes));
	j.undone = calloc(3, sizeof(*j.undone));
	ck_assert(j.undoes && j.undone);
	j.undoes[0] = 11;
	j.undoes[1] = 9;
	j.n_undoes = 2;
	j.undone[0] = 11;
	j.n_undone = 1;
	j.timeout = 33;
	j.watch = 0;
	j.restored = true;
	snprintf(j.units[0].before, sizeof(j.units[0].before), "aa");
	snprintf(j.units[0].after, sizeof(j.units[0].after), "bb");
	snprintf(j.units[0].active, sizeof(j.units[0].active), "active");
	o = journal_json(&j);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(journal_parse(o, &back), 0);
	again = journal_json(&back);
	ck_assert(json_equal(o, again));

	ck_assert_uint_eq(back.id, 12);
	ck_assert(back.rollback && back.force && back.manager_reload);
	ck_assert_int_eq(back.timeout, 33);
	ck_assert_int_eq(back.watch, 0);
	ck_assert(back.restored);
	ck_assert_int_eq(back.phase, PHASE_UNITS);
	ck_assert_str_eq(back.plan, "/etc/bulkhead/plan.yaml");
	ck_assert_str_eq(back.boot_id, j.boot_id);
	ck_assert_uint_eq(back.time_us, j.time_us);
	ck_assert_uint_eq(back.undoes[1], 9);
	ck_assert_uint_eq(back.undone[0], 11);
	ck_assert_str_eq(back.units[0].before, "aa");
	ck_assert_str_eq(back.units[0].after, "bb");
	ck_assert_str_eq(back.units[0].active, "active");
	for (size_t i = 0; i < j.n_steps; i++) {
		ck_assert_int_eq(back.steps[i].kind, j.steps[i].kind);
		ck_assert_str_eq(back.steps[i].path, j.steps[i].path);
		ck_assert(image_same_attrs(&back.steps[i].before, &j.steps[i].before));
		ck_assert(image_same_attrs(&back.steps[i].after, &j.steps[i].after));
	}
	ck_assert_uint_eq(back.steps[0].before.n_xattrs, 1);
	ck_assert_uint_eq(back.steps[0].before.xattrs[0].len, 3);
	ck_assert_str_eq(back.steps[3].lines[1].text, "two");
	ck_assert(back.steps[3].newline);
}
END_TEST

/* What was appended is recorded as ever, so that versions understand each other. */
START_TEST(replaced_lines)
{
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	_cleanup_json_ json_t *o = NULL;
	json_t *steps, *lines;

	j.steps[3].lines[0].old = strdup("x:1:");
	o = journal_json(&j);
	steps = json_object_get(o, "steps");
	lines = json_object_get(json_array_get(steps, 3), "lines");
	ck_assert(json_is_object(json_array_get(lines, 0)));
	ck_assert(json_is_string(json_array_get(lines, 1)));
	ck_assert_int_eq(journal_parse(o, &back), 0);
	ck_assert_uint_eq(back.steps[3].n_lines, 2);
	ck_assert_str_eq(back.steps[3].lines[0].old, "x:1:");
	ck_assert_str_eq(back.steps[3].lines[0].text, j.steps[3].lines[0].text);
	ck_assert_ptr_null(back.steps[3].lines[1].old);
	ck_assert_int_eq(json_object_del(json_array_get(lines, 0), "text"), 0);
	journal_done(&back);
	ck_assert_int_eq(journal_parse(o, &back), -EINVAL);
}
END_TEST

START_TEST(progress)
{
	_cleanup_journal_ struct journal j = sample(), back = { 0 }, other = { 0 };
	_cleanup_json_ json_t *o = NULL;

	j.steps[1].untouched = true;
	j.steps[3].found_sum = UINT64_MAX;
	j.steps[3].back_sum = 7;
	j.progress = journal_progress(&j);
	o = journal_json(&j);
	ck_assert_int_eq(journal_parse(o, &back), 0);
	ck_assert(!back.steps[1].untouched);
	journal_resume(&back, back.progress);
	ck_assert(back.steps[1].untouched && !back.steps[0].untouched);
	ck_assert(back.steps[3].found_sum == UINT64_MAX && back.steps[3].back_sum == 7);
	/* Another transaction's says nothing. */
	ck_assert_int_eq(journal_parse(o, &other), 0);
	other.id++;
	journal_resume(&other, other.progress);
	ck_assert(!other.steps[1].untouched && other.steps[3].found_sum == 0);
}
END_TEST

/* Of a version that did not write them. */
START_TEST(what_an_older_record_lacks)
{
	static const char *const keys[] = { "timeout", "watch", "restored", "progress",
					    "commands" };
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	_cleanup_json_ json_t *o = journal_json(&j);
	size_t n;
	json_t *x;

	json_array_foreach (json_object_get(o, "units"), n, x)
		ck_assert_int_eq(json_object_del(x, "back"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		ck_assert_int_eq(json_object_del(o, keys[i]), 0);
	ck_assert_int_eq(journal_parse(o, &back), 0);
	ck_assert_int_eq(back.timeout, UNITS_TIMEOUT);
	ck_assert_int_eq(back.watch, UNITS_WATCH);
	ck_assert(!back.restored);
	ck_assert_uint_eq(back.n_commands, 0);
	ck_assert_uint_eq(back.n_units, 2);
	ck_assert_int_eq(back.units[0].action, UNIT_RESTART);
	ck_assert_int_eq(back.units[0].back, UNIT_RESTART);
}
END_TEST

/* A journal is root's own, but a disk may have lost half of it: whatever is missing or of another
 * type is an error, never more. */
static void without_each_member(json_t *o, const json_t *whole)
{
	const char *keys[64];
	const char *key;
	json_t *v;
	size_t n = 0;

	json_object_foreach (o, key, v) {
		ck_assert_uint_lt(n, ARRAY_SIZE(keys));
		keys[n++] = key;
	}
	for (size_t i = 0; i < n; i++) {
		json_t *kept = json_incref(json_object_get(o, keys[i]));
		json_t *const others[] = { json_null(),	     json_string("text"),
					   json_integer(-1), json_array(),
					   json_object(),    json_pack("[[], {}, 3, s]", "x") };

		for (size_t k = 0; k < ARRAY_SIZE(others); k++) {
			struct journal j = { 0 };
			_cleanup_json_ json_t *copy = NULL;

			json_object_set(o, keys[i], others[k]);
			copy = json_deep_copy(whole);
			journal_parse(copy, &j);
			journal_done(&j);
		}
		for (size_t k = 0; k < ARRAY_SIZE(others); k++)
			json_decref(others[k]);
		json_object_set_new(o, keys[i], kept);
	}
}

START_TEST(broken_records)
{
	_cleanup_journal_ struct journal j = sample();
	_cleanup_json_ json_t *o = journal_json(&j);
	size_t i;
	json_t *x;

	without_each_member(o, o);
	json_array_foreach (json_object_get(o, "steps"), i, x) {
		without_each_member(x, o);
		if (json_is_object(json_object_get(x, "before")))
			without_each_member(json_object_get(x, "before"), o);
	}
	json_array_foreach (json_object_get(o, "units"), i, x)
		without_each_member(x, o);
}
END_TEST

static int parse_with(const char *key, json_t *value, bool in_step)
{
	_cleanup_journal_ struct journal j = sample(), back = { 0 };
	_cleanup_json_ json_t *o = journal_json(&j);
	json_t *to = in_step ? json_array_get(json_object_get(o, "steps"), 0) : o;

	changes_done(&c);
	json_object_set_new(to, key, value);
	return journal_parse(o, &back);
}

static json_t *image(int length, const char *sha256)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:{}, s:i, s:s}", "type", S_IFREG, "mode", 0600,
			 "uid", 0, "gid", 0, "xattrs", "length", length, "sha256", sha256);
}

START_TEST(refused_records)
{
	static const char *const lists[] = { "steps", "units", "commands", "undoes", "undone" };

	ck_assert_int_eq(parse_with("format", json_integer(1), false), 0);
	ck_assert_int_eq(parse_with("format", json_integer(2), false), -EPROTONOSUPPORT);
	ck_assert_int_eq(parse_with("format", json_integer(0), false), -EINVAL);
	ck_assert_int_eq(parse_with("id", json_integer(0), false), -EINVAL);
	ck_assert_int_eq(parse_with("id", json_integer(4294967297), false), -EINVAL);
	ck_assert_int_eq(parse_with("kind", json_string("magic"), false), -EINVAL);
	ck_assert_int_eq(parse_with("undoes", json_pack("[i]", -1), false), -EINVAL);
	ck_assert_int_eq(parse_with("undone", json_pack("[I]", (json_int_t)4294967297), false),
			 -EINVAL);
	ck_assert_int_eq(parse_with("phase", json_string("later"), false), -EINVAL);
	ck_assert_int_eq(parse_with("state", json_array(), false), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		ck_assert_int_eq(parse_with(lists[i], json_array(), false), 0);
		ck_assert_int_eq(parse_with(lists[i], json_null(), false), -EINVAL);
		ck_assert_int_eq(parse_with(lists[i], json_object(), false), -EINVAL);
	}
	ck_assert_int_eq(parse_with("kind", json_string("magic"), true), -EINVAL);
	ck_assert_int_eq(parse_with("path", json_string("relative"), true), -EINVAL);
	ck_assert_int_eq(parse_with("length", json_integer(-1), true), -EINVAL);
	ck_assert_int_eq(parse_with("before", image(6, SUM), true), 0);
	ck_assert_int_eq(parse_with("before", image(-1, SUM), true), -EINVAL);
	ck_assert_int_eq(parse_with("before", image(6, SUM "0"), true), -EINVAL);
	/* A temporary name can only mean a file of ours beside the target. */
	ck_assert_int_eq(parse_with("temporary", json_string(".x.bulkhead-1"), true), 0);
	ck_assert_int_eq(parse_with("temporary", json_string("passwd"), true), -EINVAL);
	ck_assert_int_eq(parse_with("temporary", json_string("./.bulkhead-/../x"), true), -EINVAL);
	ck_assert_int_eq(parse_with("temporary", json_string(".."), true), -EINVAL);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(change_kind_name(CHANGE_DIR), "directory");
	ck_assert_str_eq(change_kind_name(CHANGE_FILE), "file");
	ck_assert_str_eq(change_kind_name(CHANGE_LINES), "lines");
	ck_assert_str_eq(change_kind_name(CHANGE_ATTRS), "attributes");
	ck_assert_str_eq(change_kind_name(CHANGE_KNOB), "knob");
	ck_assert_str_eq(change_kind_name(CHANGE_REMOVE), "removal");
	ck_assert_str_eq(unit_action_name(UNIT_NOTHING), "nothing");
	ck_assert_str_eq(unit_action_name(UNIT_RELOAD), "reload");
	ck_assert_str_eq(unit_action_name(UNIT_START), "start");
	ck_assert_str_eq(unit_action_name(UNIT_RESTART), "restart");
}
END_TEST

/* Names on a disk are any bytes; whoever may write a directory chooses them. */
START_TEST(names_of_any_bytes)
{
	static const char path[] = "/srv/a\xff\nb", note[] = "user.\xfe";
	_cleanup_journal_ struct journal j = { 0 }, again = { 0 };
	_cleanup_json_ json_t *o = NULL;
	json_t *step, *bad = json_string("2f00");

	put(path, "");
	ck_assert_int_eq(setxattr(at(path), "user.b", "1", 1, 0), 0);
	ck_assert_int_eq(setxattr(at(path), note, "2", 1, 0), 0);
	ck_ok(changes_attrs(&c, host, path, 0600, 0, 0, "m", NULL, NULL, "t", &e));
	ck_ok(journal_from_changes(&c, &j, &e));
	j.id = 1;
	o = journal_json(&j);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(journal_parse(o, &again), 0);
	ck_assert_str_eq(again.steps[0].path, path);
	ck_assert(image_same(&again.steps[0].before, &j.steps[0].before));
	ck_assert_uint_eq(again.steps[0].before.n_xattrs, 2);
	/* Damaged. */
	step = json_array_get(json_object_get(o, "steps"), 0);
	json_object_set_new(step, "path_bytes", bad);
	journal_done(&again);
	ck_assert_int_eq(journal_parse(o, &again), -EINVAL);
	json_object_set_new(step, "path_bytes", json_string("657463"));
	journal_done(&again);
	ck_assert_int_eq(journal_parse(o, &again), -EINVAL);
	json_object_set_new(step, "path_bytes", json_string("2fzz"));
	journal_done(&again);
	ck_assert_int_eq(journal_parse(o, &again), -EINVAL);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, out_of_changes);
	tcase_add_test(tc, long_names_have_room);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, replaced_lines);
	tcase_add_test(tc, progress);
	tcase_add_test(tc, what_an_older_record_lacks);
	tcase_add_test(tc, broken_records);
	tcase_add_test(tc, refused_records);
	tcase_add_test(tc, names);
	tcase_add_test(tc, names_of_any_bytes);
}

UNIT_MAIN("record")
