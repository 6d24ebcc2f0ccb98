/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <sys/wait.h>

#include "../src/module.h"
#include "../src/template.h"

extern const struct module module_client, module_rootless;
const struct module *const modules[] = { &module_client, &module_rootless, NULL };

#define PROFILE	    "/etc/profile.d/zz-bulkhead.sh"
#define ENVIRONMENT "/etc/environment.d/90-bulkhead.conf"
#define TLS	    "host: tcp://h:2376, tls-verify: true"

static struct changes c;
static struct findings f;

static void setup(void)
{
	root_setup();
	changes_init(&c);
	f = (struct findings){ 0 };
	put_dir("/etc/profile.d");
	put_dir("/etc/environment.d");
	put("/etc/profile", "for i in /etc/profile.d/*.sh; do . $i; done\n");
}

static void teardown(void)
{
	findings_done(&f);
	changes_done(&c);
	root_teardown();
}

static struct plan *plan_of(const char *client)
{
	_cleanup_free_ char *text = NULL;
	struct errs mistakes = { 0 };
	struct plan *p = NULL;

	ck_assert_int_ge(asprintf(&text, "version: 1\nclient: {%s}\n", client), 0);
	ck_assert_msg(plan_load_text("plan", text, strlen(text), &p, &mistakes, &e) == 0, "%s: %s",
		      text, mistakes.n ? mistakes.list[0].text : e.text);
	return p;
}

static void refused(const char *client, const char *says)
{
	_cleanup_free_ char *text = NULL;
	struct errs mistakes = { 0 };
	struct plan *p = NULL;

	ck_assert_int_ge(asprintf(&text, "version: 1\nclient: {%s}\n", client), 0);
	ck_assert_int_eq(plan_load_text("plan", text, strlen(text), &p, &mistakes, &e), -EINVAL);
	ck_assert_uint_eq(mistakes.n, 1);
	ck_assert_msg(strstr(mistakes.list[0].text, says) != NULL, "%s", mistakes.list[0].text);
	ck_assert_ptr_nonnull(strstr(mistakes.list[0].where, "plan:2:"));
	errs_done(&mistakes);
}

static void diff(const char *client, const json_t *was)
{
	_cleanup_plan_ struct plan *p = plan_of(client);
	struct previous previous = { .state = was };

	changes_done(&c);
	ck_ok(module_client.diff(plan_section(p, "client"), &previous, host, &c, &e));
}

static const char *content(const char *path)
{
	const struct change *x = changes_find(&c, path);

	return x && x->after.exists ? x->after.content : "";
}

static const struct finding *verify(const char *client)
{
	_cleanup_plan_ struct plan *p = plan_of(client);
	struct previous previous = { .state = NULL };

	findings_done(&f);
	host_forget(host);
	ck_ok(module_client.verify(plan_section(p, "client"), &previous, host, &f, &e));
	return f.n ? &f.list[0] : NULL;
}

START_TEST(only_what_is_wanted)
{
	diff("content-trust: true", NULL);
	ck_assert_uint_eq(c.n, 2);
	ck_assert_ptr_nonnull(strstr(content(PROFILE), "\nexport DOCKER_CONTENT_TRUST='1'\n"));
	ck_assert_ptr_nonnull(strstr(content(ENVIRONMENT), "\nDOCKER_CONTENT_TRUST=\"1\"\n"));
	ck_assert_ptr_null(strstr(content(PROFILE), "DOCKER_HOST"));
	ck_assert_str_eq(c.list[0]->whys[0].cis, "4.5");
	ck_assert_uint_eq(c.list[0]->n_whys, 1);
	diff(TLS, NULL);
	ck_assert_uint_eq(c.list[0]->n_whys, 2);
	ck_assert_ptr_null(c.list[0]->whys[0].cis);
	diff("content-trust: false", NULL);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_null(c.state);
	diff("", NULL);
	ck_assert_uint_eq(c.n, 0);
}
END_TEST

/* What this shell prints. */
static void shell_prints(const char *shell, const char *command, char *ret, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execlp(shell, shell, "-c", command, NULL);
		_exit(127);
	}
	close(fds[1]);
	n = read(fds[0], ret, size - 1);
	ck_assert_int_ge(n, 0);
	ret[n] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

/* What a shell that has read a file prints of a variable. */
static void shell_says(const char *path, const char *variable, char *ret, size_t size)
{
	_cleanup_free_ char *command = NULL;

	ck_assert_int_ge(asprintf(&command, "cd / && . '%s' && printf %%s \"$%s\"", path, variable),
			 0);
	shell_prints("sh", command, ret, size);
}

/* What a shell makes of a value is that value, whatever is in it. */
START_TEST(any_value_reaches_the_shell)
{
	static const char *const paths[] = {
		"/a b",	      "/it''s",	     "/$HOME/$(touch x)",
		"/`touch x`", "/a\\\\b\\\\", "/\\\"quoted",
		"/;rm x",     "/a#b",	     "/*",
		"/\\u00fc",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *client = NULL;
		_cleanup_plan_ struct plan *p = NULL;
		char got[256];

		ck_assert_int_ge(asprintf(&client, TLS ", cert-path: \"%s\"", paths[i]), 0);
		p = plan_of(client);
		diff(client, NULL);
		put(PROFILE, content(PROFILE));
		shell_says(at(PROFILE), "DOCKER_CERT_PATH", got, sizeof(got));
		ck_assert_str_eq(got, section_str(plan_section(p, "client"), "cert-path"));
		ck_assert_int_eq(unlink(at(PROFILE)), 0);
	}
}
END_TEST

static char *plan_text(const char *client, const char *rest)
{
	char *text;

	ck_assert_int_ge(asprintf(&text, "%s}\n%s", client, rest), 0);
	return text;
}

/* A login of somebody, in files that are read as /etc/profile reads them: what docker is told. */
static void login(const char *shell, unsigned uid, const char *is)
{
	_cleanup_free_ char *command = NULL;
	char got[256];

	ck_assert_int_ge(
		asprintf(
			&command,
			"set -eu; unset DOCKER_HOST; id() { [ \"$*\" = -u ] && echo %u; }\n"
			"for i in '%s'/*.sh; do . \"$i\"; done\n"
			"sh -c 'echo \"${DOCKER_HOST:-} ${DOCKER_TLS_VERIFY:-} ${DOCKER_CERT_PATH:-} "
			"${DOCKER_CONTENT_TRUST:-}\"'",
			uid, at("/etc/profile.d")),
		0);
	shell_prints(shell, command, got, sizeof(got));
	ck_assert_str_eq(got, is);
}

/* Who has a daemon of their own talks to that, without the other one's TLS. */
START_TEST(beside_rootless)
{
	static const char *const shells[] = { "sh", "bash" };
	static const char client[] = "content-trust: true, " TLS ", cert-path: \"/a'b\"";
	_cleanup_free_ char *both = plan_text(client, "rootless: {users: [alice]"),
			    *off = plan_text(client,
					     "rootless: {users: [alice], docker-host: false"),
			    *nobody = plan_text(client, "rootless: {users: []"), *rootless = NULL;
	const struct template_var uids[] = { { "uids", "1000 | 1002" }, { NULL, NULL } };

	ck_ok(template_fill(template_text("rootless.sh"), uids, &rootless, &e));
	put("/etc/profile.d/bulkhead-rootless.sh", rootless);
	diff(both, NULL);
	put(PROFILE, content(PROFILE));
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		login(shells[i], 1000, "unix:///run/user/1000/docker.sock   1\n");
		login(shells[i], 1002, "unix:///run/user/1002/docker.sock   1\n");
		login(shells[i], 1001, "tcp://h:2376 1 /a'b 1\n");
		login(shells[i], 0, "tcp://h:2376 1 /a'b 1\n");
	}
	diff(both, NULL);
	ck_assert_uint_eq(c.n, 1); /* the other file */
	/* As it was, where nobody has one. */
	diff(off, NULL);
	ck_assert_ptr_nonnull(strstr(content(PROFILE), "\nexport DOCKER_HOST='tcp://h:2376'\n"));
	diff(nobody, NULL);
	ck_assert_ptr_nonnull(strstr(content(PROFILE), "\nexport DOCKER_HOST='tcp://h:2376'\n"));
	/* And without a host there is nothing to choose. */
	free(both);
	both = plan_text("content-trust: true", "rootless: {users: [alice]");
	diff(both, NULL);
	ck_assert_ptr_null(strstr(content(PROFILE), "if "));
}
END_TEST

START_TEST(rules)
{
	refused("host: tcp://h:2375", "plain text");
	refused("tls-verify: true", "tcp://localhost:2376");
	refused("tls-verify: true, host: ssh://h", "speak TLS to what doesn't");
	refused("cert-path: /c", "means nothing without");
	refused("cert-path: \"/a\\tb\", " TLS, "control character");
	refused("content-trust-server: https://n", "means nothing without");
	refused("host: h:2376", "unix:///PATH or ssh://HOST, with");
	refused("host: \"tcp://h 1\"", "unix:///PATH");
	refused("content-trust: true, content-trust-server: n", "https://HOST");
}
END_TEST

START_TEST(certificates)
{
	diff(TLS ", cert-path: /etc/certs", NULL);
	ck_assert_uint_eq(c.n_notes, 3);
	put("/etc/certs/ca.pem", "");
	put("/etc/certs/cert.pem", "");
	put("/etc/certs/key.pem", "");
	diff(TLS ", cert-path: /etc/certs", NULL);
	ck_assert_uint_eq(c.n_notes, 0);
	ck_assert(!errs_any(&c.refusals));
	ck_assert_int_eq(chmod(at("/etc/certs/key.pem"), 0400), 0);
	diff(TLS ", cert-path: /etc/certs", NULL);
	ck_assert_uint_eq(c.n_notes, 1);
	ck_assert_ptr_nonnull(strstr(c.notes[0].text, "everybody else"));
	ck_assert_int_eq(chmod(at("/etc/certs/key.pem"), 0444), 0);
	ck_assert_int_eq(chmod(at("/etc/certs"), 0700), 0);
	diff(TLS ", cert-path: /etc/certs", NULL);
	ck_assert_uint_eq(c.n_notes, 1);
}
END_TEST

START_TEST(what_is_shown)
{
	const struct finding *x;

	x = verify("content-trust: true");
	ck_assert_int_eq(x->state, FINDING_OK);
	ck_assert_str_eq(x->cis, "4.5");
	ck_assert_ptr_nonnull(strstr(x->why, "/zz-bulkhead.sh; no file of the system that is"));
	ck_assert_ptr_null(verify("content-trust: false"));
	put("/etc/bash.bashrc", "# DOCKER_CONTENT_TRUST=0\nMY_DOCKER_CONTENT_TRUST=0\n"
				"DOCKER_CONTENT_TRUST_SERVER=x\n");
	ck_assert_int_eq(verify("content-trust: true")->state, FINDING_OK);
	put("/etc/bash.bashrc", "true; DOCKER_CONTENT_TRUST=0\n");
	ck_assert_int_eq(verify("content-trust: true")->state, FINDING_SKIPPED);
	ck_assert_int_eq(unlink(at("/etc/bash.bashrc")), 0);
	ck_assert_int_eq(unlink(at("/etc/profile")), 0);
	x = verify("content-trust: true");
	ck_assert_int_eq(x->state, FINDING_SKIPPED);
	ck_assert_str_eq(x->why, "/etc/profile can't be read");
}
END_TEST

/* What check, and before it an apply, says with this text at a path. */
static void with_text(const char *client, const char *path, const char *text,
		      enum finding_state state, const char *says)
{
	_cleanup_plan_ struct plan *p = plan_of(client);
	const struct finding *x;
	size_t n;

	put(path, text);
	verify(client);
	n = f.n;
	x = &f.list[n - 1];
	ck_assert_int_eq(x->state, state == FINDING_FAILED ? FINDING_SKIPPED : state);
	ck_ok(module_client.observe(plan_section(p, "client"), host, &f, &e));
	ck_assert_uint_eq(f.n, n);
	ck_assert_msg(x->state == state, "%s: %s: %s", text, finding_state_name(x->state), x->why);
	ck_assert_msg(strstr(x->why, says) != NULL, "%s", x->why);
	ck_assert_int_eq(unlink(at(path)), 0);
}

#define LATER "/etc/profile.d/zzz-corp.sh"

START_TEST(overruled_in_login_shells)
{
	static const struct {
		const char *text;
		enum finding_state state;
		const char *says;
	} rows[] = {
		{ "# theirs\nexport DOCKER_CONTENT_TRUST=\n", FINDING_FAILED,
		  LATER
		  ":2 takes away DOCKER_CONTENT_TRUST, and is read later: no apply mends that" },
		{ "export DOCKER_CONTENT_TRUST=0\n", FINDING_FAILED, LATER ":1 sets" },
		{ "DOCKER_CONTENT_TRUST='false'; export DOCKER_CONTENT_TRUST", FINDING_FAILED,
		  "to 'false'" },
		{ "unset A DOCKER_CONTENT_TRUST\n", FINDING_FAILED, "takes away D" },
		{ "export DOCKER_CONTENT_TRUST=1\n", FINDING_OK, "" },
		{ "export DOCKER_CONTENT_TRUST=\"true\" # ours\n", FINDING_OK, "" },
		{ "export DOCKER_CONTENT_TRUST=0\nexport DOCKER_CONTENT_TRUST=1\n", FINDING_OK,
		  "" },
		{ "export DOCKER_CONTENT_TRUST=1\nexport DOCKER_CONTENT_TRUST=0\n", FINDING_FAILED,
		  LATER ":2" },
		{ "#export DOCKER_CONTENT_TRUST=0\n  # DOCKER_CONTENT_TRUST=0\n", FINDING_OK, "" },
		{ "MY_DOCKER_CONTENT_TRUST=0\nDOCKER_CONTENT_TRUST_SERVER=0\n", FINDING_OK, "" },
		{ "[ \"$DOCKER_CONTENT_TRUST\" = 0 ] || echo ${DOCKER_CONTENT_TRUST:=0}\n",
		  FINDING_OK, "" },
		{ "DOCKER_CONTENT_TRUST=0 docker pull busybox\n", FINDING_OK, "" },
		{ "export A=1 DOCKER_CONTENT_TRUST=0\n", FINDING_SKIPPED, LATER ":1 may set" },
		{ "if [ -e /x ]; then\n\texport DOCKER_CONTENT_TRUST=0\nfi\n", FINDING_SKIPPED,
		  LATER ":2 may set" },
		{ "if [ -e /x ]; then\nexport DOCKER_CONTENT_TRUST=0\nfi\n", FINDING_SKIPPED,
		  LATER ":2" },
		{ "for i in 1; do\n:\ndone\nif a; then b; fi\nexport DOCKER_CONTENT_TRUST=0\n",
		  FINDING_FAILED, LATER ":5" },
		{ "off() {\nexport DOCKER_CONTENT_TRUST=0\n}\n", FINDING_SKIPPED, "may set" },
		{ "[ -e /x ] || return 0\nexport DOCKER_CONTENT_TRUST=0\n", FINDING_SKIPPED,
		  "may set" },
		{ "[ -e /x ] && export DOCKER_CONTENT_TRUST=0\n", FINDING_SKIPPED, "may set" },
		{ "export DOCKER_CONTENT_TRUST; DOCKER_CONTENT_TRUST=0\n", FINDING_SKIPPED, "may" },
		{ "export DOCKER_CONTENT_TRUST=$(cat /x)\n", FINDING_SKIPPED, "may set" },
		{ "export DOCKER_CONTENT_TRUST=\"$X\"\n", FINDING_SKIPPED, "may set" },
		{ "export DOCKER_CONTENT_TRUST=\"0\n", FINDING_SKIPPED, "may set" },
		{ "export DOCKER_CONTENT_TRUST=\033[31m\n", FINDING_SKIPPED, "may set" },
	};
	static const char trust[] = "content-trust: true",
			  off[] = "export DOCKER_CONTENT_TRUST=0\n";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		with_text(trust, LATER, rows[i].text, rows[i].state, rows[i].says);
	/* Who is read before, or not at all. */
	with_text(trust, "/etc/profile.d/zz-a.sh", off, FINDING_OK, "");
	with_text(trust, "/etc/profile.d/corp.sh", off, FINDING_OK, "");
	with_text(trust, "/etc/profile.d/zzz-corp.csh", off, FINDING_OK, "");
	with_text(trust, "/etc/profile.d/.zzz.sh", off, FINDING_OK, "");
	with_text(trust, "/etc/profile.d/sh.local", off, FINDING_OK, "");
	with_text(trust, "/etc/profile.d/zz-bulkhead.sh", off, FINDING_OK, ""); /* diff tells */
	/* After ours in C only, and in other locales only. */
	with_text(trust, "/etc/profile.d/zza.sh", off, FINDING_SKIPPED, "in some locales");
	with_text(trust, "/etc/profile.d/ZZZ.sh", off, FINDING_SKIPPED, "in some locales");
	/* DOCKER_TLS_VERIFY is on whatever it says. */
	with_text(TLS, LATER, "export DOCKER_TLS_VERIFY=0\n", FINDING_OK, "");
	with_text("host: unix:///run/d.sock", LATER, "export DOCKER_HOST=unix:///run/d.sock\n",
		  FINDING_OK, "");
	with_text("host: unix:///run/d.sock", LATER, "export DOCKER_HOST=tcp://h:2375\n",
		  FINDING_FAILED, "to 'tcp://h:2375'");
	/* A file that can't be read may. */
	ck_assert_int_eq(symlink(LATER, at(LATER)), 0);
	ck_assert_int_eq(verify(trust)->state, FINDING_SKIPPED);
	ck_assert_int_eq(unlink(at(LATER)), 0);
	/* Shells that are no login shells. */
	with_text(trust, "/etc/bash.bashrc", "true; DOCKER_CONTENT_TRUST=0\n", FINDING_SKIPPED,
		  "/etc/bash.bashrc:1 may set DOCKER_CONTENT_TRUST, and interactive shells");
	with_text(trust, "/etc/bashrc", off, FINDING_SKIPPED, "sets DOCKER_CONTENT_TRUST to '0'");
	/* /etc/profile itself, behind the loop; and Red Hat's loop. */
	put("/etc/profile", "export DOCKER_CONTENT_TRUST=0\nif [ -d /etc/profile.d ]; then\n"
			    "for i in /etc/profile.d/*.sh /etc/profile.d/sh.local; do\n"
			    ". $i\ndone\nfi\n");
	ck_assert_int_eq(verify(trust)->state, FINDING_OK);
	with_text(trust, "/etc/profile.d/sh.local", off, FINDING_FAILED, "sh.local:1");
	with_text(trust, "/etc/profile",
		  "if [ -d /etc/profile.d ]; then\nfor i in /etc/profile.d/*.sh; do\n. $i\n"
		  "done\nfi\nDOCKER_CONTENT_TRUST=0\n",
		  FINDING_FAILED, "/etc/profile:6 sets DOCKER_CONTENT_TRUST to '0', and does so");
}
END_TEST

START_TEST(overruled_in_environment_d)
{
	static const char trust[] = "content-trust: true", off[] = "DOCKER_CONTENT_TRUST=0\n",
			  on[] = "DOCKER_CONTENT_TRUST=1\n";

	with_text(trust, "/etc/environment.d/99-x.conf", off, FINDING_FAILED,
		  "/etc/environment.d/99-x.conf:1 sets DOCKER_CONTENT_TRUST to '0', and is what a");
	with_text(trust, "/etc/environment.d/99-x.conf", "  DOCKER_CONTENT_TRUST=\"\"\n",
		  FINDING_FAILED, "takes");
	with_text(trust, "/etc/environment.d/99-x.conf", "DOCKER_CONTENT_TRUST=$X\n",
		  FINDING_SKIPPED, "may set");
	with_text(trust, "/etc/environment.d/99-x.conf",
		  "#DOCKER_CONTENT_TRUST=0\n;DOCKER_CONTENT_TRUST=0\nX=DOCKER_CONTENT_TRUST=0\n",
		  FINDING_OK, "");
	with_text(trust, "/etc/environment.d/10-x.conf", off, FINDING_OK, "");
	with_text(trust, "/etc/environment.d/99-x", off, FINDING_OK, "");
	with_text(trust, "/usr/lib/environment.d/90-bulkhead.conf", off, FINDING_OK, "");
	with_text(trust, "/usr/local/lib/environment.d/95-x.conf", off, FINDING_FAILED, "95-x");
	with_text(trust, "/run/environment.d/95-x.conf", off, FINDING_FAILED, "/run/environment.d");
	/* One name in two folders: /etc's counts. */
	put("/etc/environment.d/95-x.conf", on);
	with_text(trust, "/usr/lib/environment.d/95-x.conf", off, FINDING_OK, "");
	/* And the last one that sets it. */
	with_text(trust, "/usr/lib/environment.d/92-x.conf", off, FINDING_OK, "");
	with_text(trust, "/usr/lib/environment.d/96-x.conf", off, FINDING_FAILED, "96-x.conf:1");
	/* systemd's own way to /etc/environment. */
	put("/etc/environment", off);
	ck_assert_int_eq(verify(trust)->state, FINDING_OK);
	ck_assert_int_eq(symlink("../../../etc/environment",
				 at("/usr/lib/environment.d/99-environment.conf")),
			 0);
	ck_assert_int_eq(verify(trust)->state, FINDING_SKIPPED);
	ck_assert_ptr_nonnull(strstr(f.list[0].why, "99-environment.conf:1 sets"));
}
END_TEST

/* The section is gone, or wants nothing any more. */
START_TEST(left_behind)
{
	_cleanup_json_ json_t *was = NULL;
	struct previous previous;

	diff("content-trust: true", NULL);
	was = json_incref(json_object_get(c.state, "client"));
	put(PROFILE, content(PROFILE));
	put(ENVIRONMENT, content(ENVIRONMENT));
	diff("content-trust: true", was);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_ptr_nonnull(json_object_get(c.state, "client"));
	diff("content-trust: false", was);
	ck_assert_uint_eq(c.n, 2);
	ck_assert_int_eq(c.list[0]->kind, CHANGE_REMOVE);
	changes_done(&c);
	previous.state = was;
	ck_ok(module_client.diff(NULL, &previous, host, &c, &e));
	ck_assert_uint_eq(c.n, 2);
	put(PROFILE, "theirs\n");
	changes_done(&c);
	ck_ok(module_client.diff(NULL, &previous, host, &c, &e));
	ck_assert_uint_eq(c.n, 1);
	ck_assert_uint_eq(c.n_notes, 1);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_what_is_wanted);
	tcase_add_test(tc, any_value_reaches_the_shell);
	tcase_add_test(tc, beside_rootless);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, certificates);
	tcase_add_test(tc, what_is_shown);
	tcase_add_test(tc, overruled_in_login_shells);
	tcase_add_test(tc, overruled_in_environment_d);
	tcase_add_test(tc, left_behind);
}

UNIT_MAIN("client")
