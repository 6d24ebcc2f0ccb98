/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit module on a live host: a scratch root, and a kernel that says what the test wants.
 */
#include "../src/auditrules.h"
#include "../src/module.h"

static struct audit_state told;
static int told_error;

static bool fake_is_live(const struct host *h)
{
	return h != NULL;
}

static int fake_load(const struct host *h, struct audit_state *ret, struct err *e)
{
	(void)h;
	if (told_error)
		return err_set(e, told_error, "no audit in here");
	*ret = told;
	ret->list = calloc(told.n + 1, sizeof(*ret->list));
	for (size_t i = 0; ret->list && i < told.n; i++) {
		ret->list[i] = told.list[i];
		ret->list[i].path = strdup(told.list[i].path);
		ret->list[i].key = strdup(told.list[i].key);
	}
	return 0;
}

#define host_is_live	fake_is_live
#define auditrules_load fake_load
#include "../src/change.c"
#define add  paths_add
#define find paths_find
#include "../modules/audit_paths.c"
#undef add
#undef find
#include "../modules/audit.c"
#undef host_is_live

const struct module *const modules[] = { &module_audit, NULL };

#include "sectioned.h"

static struct audit_watch list[64];

static void setup(void)
{
	root_setup();
	changes_init(&c);
	told = (struct audit_state){ .on = true, .list = list };
	told_error = 0;
	put("/usr/sbin/augenrules", "");
	put("/usr/sbin/dockerd", "");
	put("/usr/bin/containerd", "");
	put("/usr/lib/systemd/system/containerd.service",
	    "[Service]\nExecStart=/usr/bin/containerd\n");
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n");
	put("/etc/docker/daemon.json", "{}\n");
	put("/etc/audit/rules.d/audit.rules", "-D\n");
}

/* As augenrules --load would: our file's rules are the kernel's. */
static void load_file(void)
{
	static char text[8192];
	_cleanup_free_ char *now = tree_read(root, RULES);
	char *save = NULL;

	told.n = 0;
	snprintf(text, sizeof(text), "%s", now ? now : "");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end;

		if (!has_prefix(line, "-w "))
			continue;
		end = strchr(line + 3, ' ');
		*end = '\0';
		list[told.n++] = (struct audit_watch){ line + 3, AUDITRULES_ALL,
						       strstr(end + 1, "-k ") + 3 };
	}
}

static const struct finding *of(const char *setting)
{
	for (size_t i = 0; i < f.n; i++)
		if (streq(f.list[i].setting, setting))
			return &f.list[i];
	ck_abort_msg("no finding of %s", setting);
}

static void is(const char *setting, enum finding_state wanted)
{
	ck_assert_msg(of(setting)->state == wanted, "%s: %d (%s)", setting, of(setting)->state,
		      of(setting)->why);
}

#define PLAN "version: 1\naudit: {}\n"

START_TEST(loaded_once)
{
	with(PLAN, ask);
	/* The file, what systemd-tmpfiles is to make, and what Docker would make too late. */
	ck_assert_ptr_nonnull(changes_find(&c, RULES));
	ck_assert_ptr_nonnull(changes_find(&c, TMPFILES));
	ck_assert_int_eq(changes_find(&c, "/var/lib/docker")->kind, CHANGE_DIR);
	ck_assert_int_eq(changes_find(&c, "/run/containerd")->kind, CHANGE_DIR);
	ck_assert_uint_eq(c.n_commands, 1);
	ck_assert_str_eq(c.commands[0].argv[0], "/usr/sbin/augenrules");
	ck_assert_str_eq(c.commands[0].back[1], "--load");
	ck_assert_str_eq(c.commands[0].whys[0].cis, "1.1.3");
	done();
	with(PLAN, look);
	is("dockerd", FINDING_DRIFT);
	is("runc", FINDING_SKIPPED);
	load_file();
	with(PLAN, ask);
	ck_assert(changes_empty(&c));
	with(PLAN, look);
	is("dockerd", FINDING_OK);
	is("containerd.sock", FINDING_OK);
	is("data-root", FINDING_OK);
	ck_assert_str_eq(of("runc")->cis, "1.1.18");
	/* Somebody flushed the kernel's. */
	told.n = 0;
	with(PLAN, ask);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_uint_eq(c.n_commands, 1);
}
END_TEST

START_TEST(records_off)
{
	with(PLAN, ask);
	done();
	load_file();
	told.on = false;
	with(PLAN, look);
	is("dockerd", FINDING_PENDING);
	ck_assert_ptr_nonnull(strstr(of("dockerd")->why, "auditctl -e 1"));
}
END_TEST

START_TEST(frozen)
{
	told.frozen = true;
	with(PLAN, ask);
	ck_assert_ptr_nonnull(changes_find(&c, RULES));
	ck_assert_uint_eq(c.n_commands, 0);
	done();
	with(PLAN, ask);
	ck_assert(changes_empty(&c));
	with(PLAN, look);
	is("dockerd", FINDING_PENDING);
	load_file();
	ask(NULL);
	ck_assert_int_eq(changes_find(&c, RULES)->kind, CHANGE_REMOVE);
	ck_assert_uint_eq(c.n_commands, 0);
	ck_assert_uint_eq(c.n_notes, 1);
}
END_TEST

START_TEST(kernel_that_cannot_be_asked)
{
	told_error = EOPNOTSUPP;
	with(PLAN, ask);
	ck_assert_ptr_nonnull(changes_find(&c, RULES));
	ck_assert_uint_eq(c.n_commands, 0);
	with(PLAN, look);
	is("dockerd", FINDING_SKIPPED);
	ck_assert_str_eq(of("dockerd")->why, "no audit in here");
}
END_TEST

START_TEST(no_auditd)
{
	ck_assert_int_eq(unlink(at("/usr/sbin/augenrules")), 0);
	with(PLAN, ask);
	ck_assert(changes_empty(&c));
	with(PLAN, look);
	for (size_t i = 0; i < f.n; i++)
		ck_assert_int_eq(f.list[i].state, FINDING_SKIPPED);
	ck_assert_uint_eq(f.n, 16);
}
END_TEST

START_TEST(what_leaves_the_plan)
{
	with("version: 1\naudit: {paths: [/usr/bin/containerd, /etc/docker/daemon.json, /etc]}\n",
	     ask);
	done();
	load_file();
	/* One path less, then another key, then nothing. */
	with(PLAN, ask);
	ck_assert_uint_eq(c.n_commands, 1);
	ck_assert_ptr_nonnull(strstr(c.commands[0].whys[0].text, "no longer in the plan"));
	done();
	load_file();
	with("version: 1\naudit: {key: site}\n", ask);
	ck_assert_uint_eq(c.n_commands, 1);
	done();
	load_file();
	with("version: 1\naudit: {key: site}\n", ask);
	ck_assert(changes_empty(&c));
	ask(NULL);
	ck_assert_int_eq(changes_find(&c, RULES)->kind, CHANGE_REMOVE);
	ck_assert_int_eq(changes_find(&c, TMPFILES)->kind, CHANGE_REMOVE);
	ck_assert_uint_eq(c.n_commands, 1);
	/* Rules of somebody else's that stay are no reason to load. */
	list[0] = (struct audit_watch){ (char[]){ "/usr/sbin/dockerd" }, AUDITRULES_ALL,
					(char[]){ "theirs" } };
	told.n = 1;
	ask(NULL);
	ck_assert_uint_eq(c.n_commands, 0);
}
END_TEST

/* Without a unit for it, dockerd starts a containerd itself, in a folder that has to be there. */
START_TEST(own_containerd)
{
	static const char own[] = "/run/docker/containerd/containerd.sock";

	ck_assert_int_eq(unlink(at("/usr/lib/systemd/system/containerd.service")), 0);
	with(PLAN, ask);
	ck_assert_ptr_nonnull(strstr(changes_find(&c, RULES)->after.content, own));
	ck_assert_ptr_null(strstr(changes_find(&c, RULES)->after.content, ENGINE_CONTAINERD));
	ck_assert_ptr_nonnull(
		strstr(changes_find(&c, TMPFILES)->after.content, "/run/docker/containerd 0700"));
	ck_assert_int_eq(changes_find(&c, "/run/docker")->after.mode & 07777, 0700);
	ck_assert_int_eq(changes_find(&c, "/run/docker/containerd")->after.mode & 07777, 0700);
	done();
	load_file();
	with(PLAN, ask);
	ck_assert(changes_empty(&c));
	with(PLAN, look);
	is("containerd.sock", FINDING_OK);
	ck_assert_str_eq(of("containerd.sock")->wanted, own);
	/* It starts: the path is the same. */
	put(own, "");
	with(PLAN, ask);
	ck_assert(changes_empty(&c));
	/* The system's appears beside it. */
	put(ENGINE_CONTAINERD, "");
	with(PLAN, ask);
	ck_assert_ptr_nonnull(strstr(changes_find(&c, RULES)->after.content, own));
	ck_assert_ptr_nonnull(strstr(changes_find(&c, RULES)->after.content, ENGINE_CONTAINERD));
	done();
	load_file();
	/* And dockerd takes that one: the other's folder is no longer made. */
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/sbin/dockerd --containerd " ENGINE_CONTAINERD "\n");
	host_forget(host);
	with(PLAN, ask);
	ck_assert_ptr_null(strstr(changes_find(&c, RULES)->after.content, own));
	ck_assert_ptr_null(strstr(changes_find(&c, TMPFILES)->after.content, "/run/docker"));
	done();
	ask(NULL);
	ck_assert_int_eq(changes_find(&c, TMPFILES)->kind, CHANGE_REMOVE);
}
END_TEST

/* The same rule twice is one that fails. */
START_TEST(rules_of_others)
{
	_cleanup_free_ char *text = NULL;

	put("/etc/audit/rules.d/10-site.rules", "-w /usr/sbin/dockerd -p rwxa -k docker\n");
	with(PLAN, ask);
	text = strdup(changes_find(&c, RULES)->after.content);
	ck_assert_ptr_nonnull(
		strstr(text, "# /usr/sbin/dockerd: another file here has the same rule\n"));
	ck_assert_ptr_null(strstr(text, "-w /usr/sbin/dockerd "));
}
END_TEST

/* What keeps records away is no rule like ours, and what augenrules can't read stops nobody. */
START_TEST(files_of_others)
{
	put("/etc/audit/rules.d/10-never.rules",
	    "-a never,exit -F path=/usr/sbin/dockerd -F perm=rwxa -F key=docker\n"
	    "-A exclude,never -F path=/usr/sbin/dockerd -F perm=rwxa -F key=docker\n");
	put_dir("/etc/audit/rules.d/20-directory.rules");
	ck_assert_int_eq(symlink("/nowhere", at("/etc/audit/rules.d/30-dangling.rules")), 0);
	with(PLAN, ask);
	ck_assert_ptr_nonnull(
		strstr(changes_find(&c, RULES)->after.content, "\n-w /usr/sbin/dockerd "));
	put("/etc/audit/rules.d/10-never.rules",
	    "-a exit,always -F path=/usr/sbin/dockerd -F perm=rwxa -F key=docker\n");
	with(PLAN, ask);
	ck_assert_ptr_null(
		strstr(changes_find(&c, RULES)->after.content, "\n-w /usr/sbin/dockerd "));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, section_teardown);
	tcase_add_test(tc, loaded_once);
	tcase_add_test(tc, records_off);
	tcase_add_test(tc, frozen);
	tcase_add_test(tc, kernel_that_cannot_be_asked);
	tcase_add_test(tc, no_auditd);
	tcase_add_test(tc, what_leaves_the_plan);
	tcase_add_test(tc, own_containerd);
	tcase_add_test(tc, rules_of_others);
	tcase_add_test(tc, files_of_others);
}

UNIT_MAIN("audit")
