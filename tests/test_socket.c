/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

#include "../src/module.h"

extern const struct module module_socket;
const struct module *const modules[] = { &module_socket, NULL };

#define DROPIN "/etc/systemd/system/docker.socket.d/50-bulkhead.conf"
#define V      "version: 1\n"
#define BODY(mode, user, group)                                                                    \
	"[Socket]\nSocketMode=" mode "\nSocketUser=" user "\nSocketGroup=" group "\n"

static struct changes c;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	put("/etc/passwd", "root:x:0:0:::\nalice:x:1000:1000:::\n");
	put("/etc/group", "root:x:0:\ndocker:x:998:\n");
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
	put("/usr/lib/systemd/system/docker.socket", "[Socket]\nListenStream=/run/docker.sock\n");
}

static void teardown(void)
{
	changes_done(&c);
	root_teardown();
}

/* The section's changes are in `c`. `was` is the state of before, or NULL. */
static void diff(const char *text, const json_t *was)
{
	section_diff(&module_socket, &c, text, was);
}

static void writes(const char *text, const char *body)
{
	diff(text, NULL);
	ck_assert(!errs_any(&c.mistakes));
	ck_assert_ptr_nonnull(changes_find(&c, DROPIN));
	ck_assert_msg(has_suffix(changes_find(&c, DROPIN)->after.content, body), "%s",
		      changes_find(&c, DROPIN)->after.content);
	ck_assert_uint_eq(changes_find(&c, DROPIN)->after.mode, S_IFREG | 0644);
	ck_assert(c.manager_reload);
	/* What was written is known later. */
	ck_assert_str_eq(
		json_string_value(json_object_get(json_object_get(c.state, "socket"), "dropin")),
		changes_find(&c, DROPIN)->after.content);
}

START_TEST(drop_in)
{
	writes(V "socket: {}\n", BODY("0660", "root", "docker"));
	writes(V "socket: {mode: \"0600\", user: alice, group: root}\n",
	       BODY("0600", "alice", "root"));
	writes(V "socket: {mode: \"600\", user: \"1000\", group: \"4711\"}\n",
	       BODY("600", "1000", "4711"));
}
END_TEST

START_TEST(nothing_to_do)
{
	_cleanup_free_ char *text = NULL;

	writes(V "socket: {}\n", BODY("0660", "root", "docker"));
	text = strdup(changes_find(&c, DROPIN)->after.content);
	put(DROPIN, text);
	ck_assert_int_eq(chown(at(DROPIN), 0, 0), 0);
	diff(V "socket: {}\n", NULL);
	ck_assert(changes_empty(&c));
	ck_assert(!c.manager_reload);
	/* Not once more, but still ours. */
	ck_assert_ptr_nonnull(json_object_get(c.state, "socket"));
	ck_assert_int_eq(chmod(at(DROPIN), 0666), 0);
	diff(V "socket: {}\n", NULL);
	ck_assert(!changes_empty(&c));
}
END_TEST

/* The overlay is asked, so that an account that the plan makes counts. */
START_TEST(accounts_of_that_root)
{
	diff(V "socket:\n  user: nobody-here\n  group: dokcer\n", NULL);
	ck_assert(changes_empty(&c));
	ck_assert_uint_eq(c.mistakes.n, 2);
	ck_assert_str_eq(c.mistakes.list[0].where, "plan:3:9");
	ck_assert_ptr_nonnull(strstr(c.mistakes.list[0].text, "useradd --system nobody-here"));
	ck_assert_str_eq(c.mistakes.list[1].where, "plan:4:10");
	ck_assert_ptr_nonnull(strstr(c.mistakes.list[1].text, "did you mean docker?"));
	/* Docker's package makes its group: before it is there, the file is written all the same.
	 */
	ck_assert_int_eq(unlink(at("/usr/lib/systemd/system/docker.service")), 0);
	writes(V "socket: {group: dokcer}\n", BODY("0660", "root", "dokcer"));
}
END_TEST

START_TEST(rules)
{
	static const struct {
		const char *mode, *says; /* NULL: fine */
	} rows[] = {
		{ "0660", NULL },	  { "0600", NULL },	{ "0640", NULL },
		{ "660", NULL },	  { "0770", NULL },	{ "0666", "every user" },
		{ "0661", "every user" }, { "0060", "owner" },	{ "0460", "owner" },
		{ "2660", "setgid" },	  { "4660", "setuid" }, { "1660", "sticky" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_plan_ struct plan *p = NULL;
		struct errs mistakes = { 0 };
		char text[64];

		snprintf(text, sizeof(text), V "socket:\n  mode: \"%s\"\n", rows[i].mode);
		plan_load_text("plan", text, strlen(text), &p, &mistakes, &e);
		if (rows[i].says) {
			ck_assert_msg(mistakes.n == 1, "%s: %zu", rows[i].mode, mistakes.n);
			ck_assert_str_eq(mistakes.list[0].where, "plan:3:9");
			ck_assert_msg(strstr(mistakes.list[0].text, rows[i].says), "%s",
				      mistakes.list[0].text);
		} else {
			ck_assert_msg(p != NULL, "%s: %s", rows[i].mode,
				      mistakes.n ? mistakes.list[0].text : "");
		}
		errs_done(&mistakes);
	}
}
END_TEST

/* dockerd may bind its socket itself; then docker.socket counts for nothing. */
START_TEST(where_it_applies)
{
	_cleanup_plan_ struct plan *p = plan_of(V "socket: {}\n");
	const struct section *s = plan_section(p, "socket");
	const char *why = NULL;

	ck_assert_int_eq(module_socket.applies(s, host, &why, &e), 0);
	put("/etc/systemd/system/docker.service.d/x.conf",
	    "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H unix:///run/docker.sock\n");
	host_forget(host);
	ck_assert_int_eq(module_socket.applies(s, host, &why, &e), 1);
	ck_assert_ptr_nonnull(why);
	put("/etc/systemd/system/docker.service.d/x.conf",
	    "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --host=fd://\n");
	host_forget(host);
	ck_assert_int_eq(module_socket.applies(s, host, &why, &e), 0);
	ck_assert_int_eq(unlink(at("/etc/systemd/system/docker.service.d/x.conf")), 0);
	ck_assert_int_eq(unlink(at("/usr/lib/systemd/system/docker.service")), 0);
	host_forget(host);
	ck_assert_int_eq(module_socket.applies(s, host, &why, &e), 0);
}
END_TEST

START_TEST(left_behind)
{
	_cleanup_json_ json_t *was = json_pack("{s:s}", "dropin", "ours\n");
	_cleanup_json_ json_t *nothing = json_object();

	put(DROPIN, "ours\n");
	diff(V, was);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_int_eq(c.list[0]->kind, CHANGE_REMOVE);
	ck_assert(c.manager_reload);
	ck_assert_ptr_null(c.state);
	put(DROPIN, "edited\n");
	diff(V, was);
	ck_assert(changes_empty(&c));
	ck_assert(!c.manager_reload);
	ck_assert_uint_eq(c.n_notes, 1);
	ck_assert_int_eq(unlink(at(DROPIN)), 0);
	diff(V, was);
	ck_assert(changes_empty(&c));
	ck_assert_uint_eq(c.n_notes, 0);
	diff(V, nothing);
	ck_assert(changes_empty(&c));
}
END_TEST

/* Numbers of that root, each once; what is remembered is who has to go out again. */
START_TEST(let_in_by_acl)
{
	const json_t *list;

	put("/bin/setfacl", "");
	writes(V
	       "socket: {mode: \"0600\", acl: {users: [alice, alice, \"7\"], groups: [docker]}}\n",
	       "ExecStartPost=-/bin/setfacl -m u:7:rw,u:1000:rw,g:998:rw \"/run/docker.sock\"\n");
	list = json_object_get(json_object_get(c.state, "socket"), "acl");
	ck_assert_uint_eq(json_array_size(list), 3);
	put("/usr/bin/setfacl", "");
	put("/usr/lib/systemd/system/docker.socket", "[Socket]\nListenStream=/var/run/d.sock\n");
	writes(V "socket: {acl: {users: [alice]}}\n",
	       "ExecStartPost=-/usr/bin/setfacl -m u:1000:rw \"/run/d.sock\"\n");
	put("/usr/lib/systemd/system/docker.socket", "[Socket]\nListenStream=/run/a$b.sock\n");
	diff(V "socket: {acl: {users: [alice]}}\n", NULL);
	ck_assert_uint_eq(c.refusals.n, 1);
	writes(V "socket: {acl: {users: []}}\n", BODY("0660", "root", "docker"));
}
END_TEST

START_TEST(offline_nothing_is_proved)
{
	_cleanup_plan_ struct plan *p = plan_of(V "socket: {}\n");
	_cleanup_findings_ struct findings f = { 0 };

	ck_ok(module_socket.verify(plan_section(p, "socket"), NULL, host, &f, &e));
	ck_assert_uint_eq(f.n, 3);
	for (size_t i = 0; i < f.n; i++) {
		ck_assert_int_eq(f.list[i].state, FINDING_SKIPPED);
		ck_assert_ptr_nonnull(f.list[i].why);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, drop_in);
	tcase_add_test(tc, nothing_to_do);
	tcase_add_test(tc, accounts_of_that_root);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, where_it_applies);
	tcase_add_test(tc, left_behind);
	tcase_add_test(tc, let_in_by_acl);
	tcase_add_test(tc, offline_nothing_is_proved);
}

UNIT_MAIN("socket")
