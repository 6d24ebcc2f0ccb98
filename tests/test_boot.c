/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.strict where nothing runs. What a boot makes of it is asserted on real hosts, in
 * tests/hosts.
 */
#include "planned.h"

#include "../src/module.h"

extern const struct module module_boot;
const struct module *const modules[] = { &module_boot, NULL };

#define UNIT	"/usr/lib/systemd/system/bulkhead-boot.service"
#define MASK	"/etc/systemd/system/bulkhead-boot.service"
#define LINK	"/etc/systemd/system/sockets.target.wants/bulkhead-boot.service"
#define SERVICE "/etc/systemd/system/docker.service.d/50-bulkhead-boot.conf"
#define SOCKET	"/etc/systemd/system/docker.socket.d/50-bulkhead-boot.conf"
#define STRICT	"version: 1\nboot: {strict: true}\n"

static struct changes c;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	put(UNIT, "[Service]\nType=oneshot\nExecStart=/usr/sbin/bulkhead apply --boot\n");
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

static void diff(const char *text, const json_t *was)
{
	section_diff(&module_boot, &c, text, was);
}

/* The one finding's state, and that its reason holds `says`. NULL: there is no finding. */
static void finds(const char *text, enum finding_state state, const char *says)
{
	_cleanup_plan_ struct plan *p = plan_of(text);
	_cleanup_findings_ struct findings f = { 0 };

	ck_ok(module_boot.verify(plan_section(p, "boot"), NULL, host, &f, &e));
	ck_assert_uint_eq(f.n, says ? 1 : 0);
	if (!says)
		return;
	ck_assert_int_eq(f.list[0].state, state);
	ck_assert_msg(strstr(f.list[0].why, says), "%s", f.list[0].why);
}

static void put_link(const char *path, const char *to)
{
	put(path, "");
	ck_assert_int_eq(unlink(at(path)), 0);
	ck_assert_int_eq(symlink(to, at(path)), 0);
}

static void wanted(void)
{
	put_link(LINK, "/usr/lib/systemd/system/bulkhead-boot.service");
}

START_TEST(by_default_nothing)
{
	wanted();
	diff("version: 1\nboot: {}\n", NULL);
	ck_assert(changes_empty(&c));
	finds("version: 1\nboot: {}\n", FINDING_OK, NULL);
}
END_TEST

START_TEST(strict_makes_docker_need_the_unit)
{
	static const char *const paths[] = { SERVICE, SOCKET };

	wanted();
	diff(STRICT, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct change *x = changes_find(&c, paths[i]);

		ck_assert_ptr_nonnull(x);
		ck_assert(strstr(x->after.content, "\nRequires=bulkhead-boot.service\n"));
		ck_assert(strstr(x->after.content, "\nAfter=bulkhead-boot.service\n"));
		ck_assert_uint_eq(x->after.mode, S_IFREG | 0644);
	}
	ck_assert(c.manager_reload);
	ck_assert_uint_eq(c.n_notes, 0);
	finds(STRICT, FINDING_OK, "sockets.target wants");
}
END_TEST

static void holds_nothing(const char *says)
{
	diff(STRICT, NULL);
	ck_assert(changes_empty(&c));
	ck_assert(!c.manager_reload);
	ck_assert_uint_eq(c.n_notes, 1);
	ck_assert_msg(strstr(c.notes[0].text, says), "%s", c.notes[0].text);
	finds(STRICT, FINDING_SKIPPED, says);
}

START_TEST(not_enabled)
{
	holds_nothing("systemctl --root ");
}
END_TEST

/* Requires= of a unit that there is not: Docker would never start. */
START_TEST(not_installed)
{
	wanted();
	ck_assert_int_eq(unlink(at(UNIT)), 0);
	holds_nothing("is not installed");
}
END_TEST

START_TEST(masked)
{
	wanted();
	put_link(MASK, "/dev/null");
	holds_nothing(" unmask bulkhead-boot.service; systemctl --root ");
}
END_TEST

START_TEST(taken_out_when_it_no_longer_holds)
{
	static const char *const texts[] = { "version: 1\n", "version: 1\nboot: {strict: false}\n",
					     STRICT };
	_cleanup_json_ json_t *was = NULL;
	char *content;

	wanted();
	diff(STRICT, NULL);
	content = changes_find(&c, SERVICE)->after.content;
	put(SERVICE, content);
	put(SOCKET, content);
	was = json_incref(json_object_get(c.state, "boot"));
	diff(STRICT, was);
	ck_assert(changes_empty(&c));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (streq(texts[i], STRICT))
			ck_assert_int_eq(unlink(at(LINK)), 0); /* disabled by hand */
		diff(texts[i], was);
		ck_assert_int_eq(changes_find(&c, SERVICE)->kind, CHANGE_REMOVE);
		ck_assert_int_eq(changes_find(&c, SOCKET)->kind, CHANGE_REMOVE);
		ck_assert(c.manager_reload);
		ck_assert_ptr_null(json_object_get(c.state, "boot"));
	}
	put(SERVICE, "[Unit]\nAfter=mine.service\n");
	diff("version: 1\n", was);
	ck_assert_ptr_null(changes_find(&c, SERVICE));
	ck_assert_int_eq(changes_find(&c, SOCKET)->kind, CHANGE_REMOVE);
	ck_assert_uint_eq(c.n_notes, 1);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, by_default_nothing);
	tcase_add_test(tc, strict_makes_docker_need_the_unit);
	tcase_add_test(tc, not_enabled);
	tcase_add_test(tc, not_installed);
	tcase_add_test(tc, masked);
	tcase_add_test(tc, taken_out_when_it_no_longer_holds);
}

UNIT_MAIN("boot")
