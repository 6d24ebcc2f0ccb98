/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "../modules/tls.h"

extern const struct module module_tls;
extern const struct module module_daemon;
const struct module *const modules[] = { &module_daemon, &module_tls, NULL };

#define DIR    "/etc/docker/tls"
#define LISTEN "listen: [\"tcp://0.0.0.0:2376\"]"
#define PLAN(more)                                                                                 \
	"version: 1\ntls:\n  make: true\n  " LISTEN "\n  client-certificates: [alice]\n" more

static struct changes c;
static json_t *state; /* as if the last changes had been applied */

static void setup(void)
{
	root_setup();
	changes_init(&c);
	state = NULL;
	put("/etc/hostname", "# ours\ndocky\n");
	put("/usr/lib/systemd/system/docker.service",
	    "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n");
	put("/usr/lib/systemd/system/docker.socket", "[Socket]\nListenStream=/run/docker.sock\n");
}

static void teardown(void)
{
	changes_done(&c);
	json_decref(state);
	root_teardown();
}

static void diff(const char *text)
{
	_cleanup_plan_ struct plan *p = plan_of(text);
	_cleanup_json_ json_t *all = json_pack("{s:O?}", "tls", state);
	struct previous was = { state, all };

	changes_done(&c);
	host_forget(host);
	host_overlay(host, &c);
	ck_ok(module_tls.diff(plan_section(p, "tls"), &was, host, &c, &e));
	host_overlay(host, NULL);
}

/* The diff, and what it wants done. */
static void apply(const char *text)
{
	diff(text);
	ck_assert_msg(!errs_any(&c.refusals), "%s", c.refusals.n ? c.refusals.list[0].text : "");
	for (size_t i = 0; i < c.n; i++) {
		const struct change *x = c.list[i];

		if (x->kind == CHANGE_REMOVE) {
			ck_assert_int_eq(unlink(at(x->path)), 0);
			continue;
		}
		if (x->kind == CHANGE_FILE)
			put(x->path, x->after.content);
		else if (x->kind == CHANGE_DIR)
			put_dir(x->path);
		ck_assert_int_eq(chmod(at(x->path), x->after.mode & 07777), 0);
		ck_assert_int_eq(chown(at(x->path), x->after.uid, x->after.gid), 0);
	}
	json_decref(state);
	state = json_incref(json_object_get(c.state, "tls"));
}

static void refused(const char *text, const char *says)
{
	diff(text);
	ck_assert_uint_ge(c.refusals.n, 1);
	ck_assert_msg(strstr(c.refusals.list[0].text, says), "%s", c.refusals.list[0].text);
}

static bool changed(const char *path)
{
	return changes_find(&c, path) != NULL;
}

static struct tls_looks look(const char *plan)
{
	_cleanup_plan_ struct plan *p = plan_of(plan);
	struct tls_looks l = { 0 };
	const char *missing;

	ck_assert_int_eq(tls_look(plan_section(p, "tls"), host, time(NULL), &l, &missing, &e), 0);
	ck_assert_str_eq(l.ca.fault, "");
	ck_assert_str_eq(l.cert.fault, "");
	ck_assert_str_eq(l.key.fault, "");
	return l;
}

START_TEST(made_once)
{
	struct stat st;

	apply(PLAN(""));
	look(PLAN(""));
	ck_assert_int_eq(stat(at(DIR "/key.pem"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0400);
	ck_assert_int_eq(stat(at(DIR "/ca-key.pem"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0400);
	ck_assert_int_eq(stat(at(DIR "/clients/alice/key.pem"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0400);
	diff(PLAN(""));
	ck_assert(changes_empty(&c));
	/* Still known as ours. */
	ck_assert_uint_eq(
		json_object_size(json_object_get(json_object_get(c.state, "tls"), "made")),
		json_object_size(json_object_get(state, "made")));
}
END_TEST

static void is_attrs(const char *path, mode_t mode)
{
	const struct change *x = changes_find(&c, path);

	ck_assert_msg(x, "%s", path);
	ck_assert_int_eq(x->kind, CHANGE_ATTRS);
	ck_assert_int_eq(x->after.mode & 07777, mode);
	ck_assert_uint_eq(x->after.uid, 0);
	ck_assert_str_eq(x->whys[0].cis, TLS_CIS);
}

/* What was made stays closed: its folders, and all that is a client's. */
START_TEST(opened_again)
{
	static const char *const paths[] = { DIR,
					     DIR "/clients",
					     DIR "/clients/alice",
					     DIR "/clients/alice/key.pem",
					     DIR "/clients/alice/cert.pem",
					     DIR "/clients/alice/ca.pem" };
	static const mode_t opened[] = { 0777, 0755, 0711, 0644, 0666, 0664 };
	static const mode_t closed[] = { 0755, 0700, 0700, 0400, 0444, 0444 };
	static const mode_t tighter[] = { 0700, 0500, 0100, 0000, 0400, 0400 };

	apply(PLAN(""));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert_int_eq(chmod(at(paths[i]), opened[i]), 0);
	ck_assert_int_eq(chown(at(DIR "/clients/alice/key.pem"), 1000, 0), 0);
	diff(PLAN(""));
	ck_assert_uint_eq(c.n, ARRAY_SIZE(paths));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		is_attrs(paths[i], closed[i]);
	apply(PLAN(""));
	diff(PLAN(""));
	ck_assert(changes_empty(&c));
	/* One owner is enough. */
	ck_assert_int_eq(chown(at(DIR "/clients/alice"), 1000, 1000), 0);
	diff(PLAN(""));
	ck_assert_uint_eq(c.n, 1);
	apply(PLAN(""));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert_int_eq(chmod(at(paths[i]), tighter[i]), 0);
	diff(PLAN(""));
	ck_assert(changes_empty(&c));
	ck_assert_uint_eq(c.refusals.n, 0);
	/* Still known as ours. */
	ck_assert_ptr_nonnull(
		json_object_get(json_object_get(json_object_get(c.state, "tls"), "made"),
				DIR "/clients/alice/ca.pem"));
}
END_TEST

/* Who writes a folder on the way, or made a link, could have anything closed. */
START_TEST(opened_in_the_hands_of_others)
{
	apply(PLAN(""));
	ck_assert_int_eq(chmod(at(DIR "/clients"), 0755), 0);
	ck_assert_int_eq(chmod(at("/etc/docker"), 0777), 0);
	refused(PLAN(""), "/etc/docker' can be written by others");
	ck_assert_ptr_nonnull(strstr(c.refusals.list[0].text, "tls.client-certificates: "));
	ck_assert_int_eq(chmod(at("/etc/docker"), 0755), 0);
	ck_assert_int_eq(chmod(at(DIR "/clients/alice/key.pem"), 0644), 0);
	ck_assert_int_eq(link(at(DIR "/clients/alice/key.pem"), at("/etc/other")), 0);
	refused(PLAN(""), "hard links");
	ck_assert_int_eq(unlink(at("/etc/other")), 0);
	/* Root's own link is where it leads. */
	put_dir("/srv/keys");
	ck_assert_int_eq(rename(at(DIR "/clients/alice"), at("/srv/keys/alice")), 0);
	ck_assert_int_eq(symlink("/srv/keys/alice", at(DIR "/clients/alice")), 0);
	ck_assert_int_eq(chmod(at("/srv/keys/alice"), 0755), 0);
	diff(PLAN(""));
	ck_assert_uint_eq(c.refusals.n, 0);
	is_attrs("/srv/keys/alice", 0700);
	is_attrs("/srv/keys/alice/key.pem", 0400);
	ck_assert_int_eq(lchown(at(DIR "/clients/alice"), 1000, 1000), 0);
	refused(PLAN(""), "symbolic link of user 1000");
}
END_TEST

START_TEST(nothing_over_its_own_overlay)
{
	_cleanup_plan_ struct plan *p = plan_of(PLAN(""));
	_cleanup_free_ char *key = NULL;
	struct previous was = { .state = NULL };
	size_t n;

	diff(PLAN(""));
	n = c.n;
	key = strdup(changes_find(&c, DIR "/key.pem")->after.content);
	host_overlay(host, &c);
	ck_ok(module_tls.diff(plan_section(p, "tls"), &was, host, &c, &e));
	host_overlay(host, NULL);
	ck_assert_uint_eq(c.n, n);
	ck_assert_str_eq(changes_find(&c, DIR "/key.pem")->after.content, key);
}
END_TEST

START_TEST(renewed_before_it_expires)
{
	_cleanup_free_ char *ca = NULL, *now = NULL;

	apply(PLAN("  days: 10\n  renew-days: 2\n"));
	ca = tree_read(root, DIR "/ca.pem");
	diff(PLAN("  days: 20\n  renew-days: 2\n"));
	ck_assert(changes_empty(&c));
	apply(PLAN("  days: 20\n  renew-days: 11\n"));
	ck_assert(changed(DIR "/cert.pem") && changed(DIR "/key.pem"));
	ck_assert(changed(DIR "/clients/alice/cert.pem"));
	ck_assert(!changed(DIR "/ca.pem") && !changed(DIR "/ca-key.pem"));
	ck_assert_int_ge(look(PLAN("")).cert.seconds, 19 * 86400);
	now = tree_read(root, DIR "/ca.pem");
	ck_assert_str_eq(now, ca);
	diff(PLAN("  days: 20\n  renew-days: 11\n"));
	ck_assert(changes_empty(&c));
}
END_TEST

START_TEST(names_change)
{
	apply(PLAN(""));
	ck_assert_uint_eq(look(PLAN("")).n_names, 3); /* docky, localhost, 127.0.0.1 */
	apply(PLAN("  names: [docker.example.org, 192.0.2.7, \"2001:db8::7\"]\n"));
	ck_assert(changed(DIR "/cert.pem") && !changed(DIR "/clients/alice/cert.pem"));
	ck_assert_uint_eq(look(PLAN("")).n_names, 5);
	/* One less is a change, too. */
	apply(PLAN("  names: [docker.example.org]\n"));
	ck_assert(changed(DIR "/cert.pem"));
	ck_assert_uint_eq(look(PLAN("")).n_names, 3);
	put("/etc/hostname", "elsewhere\n");
	diff(PLAN("  names: [docker.example.org]\n"));
	ck_assert(changes_empty(&c));
	apply(PLAN(""));
	ck_assert(changed(DIR "/cert.pem"));
}
END_TEST

START_TEST(damage_is_mended)
{
	apply(PLAN(""));
	ck_assert_int_eq(unlink(at(DIR "/key.pem")), 0);
	apply(PLAN(""));
	ck_assert(changed(DIR "/cert.pem") && changed(DIR "/key.pem"));
	put(DIR "/cert.pem", "nonsense\n");
	apply(PLAN(""));
	ck_assert(changed(DIR "/cert.pem") && changed(DIR "/key.pem"));
	put(DIR "/clients/alice/ca.pem", "nonsense\n");
	apply(PLAN(""));
	ck_assert(changed(DIR "/clients/alice/ca.pem"));
	ck_assert(!changed(DIR "/clients/alice/cert.pem"));
	/* A new CA takes what it signed along. */
	ck_assert_int_eq(unlink(at(DIR "/ca.pem")), 0);
	apply(PLAN(""));
	ck_assert(changed(DIR "/ca.pem") && changed(DIR "/ca-key.pem") && changed(DIR "/cert.pem"));
	ck_assert(changed(DIR "/clients/alice/cert.pem") && changed(DIR "/clients/alice/ca.pem"));
	look(PLAN(""));
	diff(PLAN(""));
	ck_assert(changes_empty(&c));
	/* Open to others. */
	ck_assert_int_eq(chmod(at(DIR "/ca-key.pem"), 0640), 0);
	diff(PLAN(""));
	ck_assert_int_eq(changes_find(&c, DIR "/ca-key.pem")->kind, CHANGE_ATTRS);
	ck_assert_uint_eq(changes_find(&c, DIR "/ca-key.pem")->after.mode & 07777, 0400);
}
END_TEST

START_TEST(the_ca_elsewhere)
{
	apply(PLAN(""));
	/* Taken off the host, as one should: nothing is amiss until something has to be signed. */
	ck_assert_int_eq(unlink(at(DIR "/ca-key.pem")), 0);
	diff(PLAN(""));
	ck_assert(changes_empty(&c));
	refused(PLAN("  names: [other]\n"), "a certificate has to be signed");
	put(DIR "/ca-key.pem", "nonsense\n");
	refused(PLAN(""), "holds no private key");
}
END_TEST

START_TEST(others_stay)
{
	_cleanup_free_ char *cert = NULL;

	apply(PLAN(""));
	cert = tree_read(root, DIR "/cert.pem");
	/* As if another had made all of it. */
	json_decref(TAKE_PTR(state));
	diff(PLAN(""));
	ck_assert(!changed(DIR "/cert.pem") && !changed(DIR "/ca.pem"));
	diff(PLAN("  days: 800\n  renew-days: 364\n"));
	ck_assert(!changed(DIR "/cert.pem"));
	refused(PLAN("  names: [other]\n"), "were not made by bulkhead");
	ck_assert_int_eq(unlink(at(DIR "/ca.pem")), 0);
	refused(PLAN(""), "but its key is");
}
END_TEST

START_TEST(taken_out)
{
	apply(PLAN(""));
	apply("version: 1\ntls: {make: true, " LISTEN "}\n");
	ck_assert_int_eq(changes_find(&c, DIR "/clients/alice/key.pem")->kind, CHANGE_REMOVE);
	ck_assert(!exists(DIR "/clients/alice/cert.pem") && exists(DIR "/key.pem"));
	ck_assert_uint_eq(c.n_notes, 1);
	ck_assert_ptr_nonnull(strstr(c.notes[0].text, "until it expires"));
	/* What somebody put in the place of ours is theirs. */
	put(DIR "/cert.pem", "mine\n");
	apply("version: 1\n");
	holds(DIR "/cert.pem", "mine\n");
	ck_assert(!exists(DIR "/key.pem") && !exists(DIR "/ca-key.pem"));
	ck_assert(!exists("/etc/docker/daemon.json"));
	ck_assert(!exists("/etc/systemd/system/docker.socket.d/50-bulkhead-tls.conf"));
	ck_assert_ptr_null(state);
}
END_TEST

START_TEST(no_longer_made_is_kept)
{
	apply(PLAN(""));
	diff("version: 1\ntls: {" LISTEN "}\n");
	ck_assert(!changed(DIR "/key.pem") && !changed(DIR "/cert.pem") && !changed(DIR "/ca.pem"));
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		bool any, local;
	} rows[] = {
		{ "tcp://0.0.0.0:2376", "0.0.0.0", 2376, true, false },
		{ "tcp://[::]:1", "::", 1, true, false },
		{ "tcp://127.0.0.1:65535", "127.0.0.1", 65535, false, true },
		{ "tcp://[2001:db8::1]:2376", "2001:db8::1", 2376, false, false },
		{ .text = "tcp://:2376" },
		{ .text = "tcp://0.0.0.0" },
		{ .text = "tcp://0.0.0.0:" },
		{ .text = "tcp://0.0.0.0:0" },
		{ .text = "tcp://0.0.0.0:65536" },
		{ .text = "tcp://0.0.0.0:2376/" },
		{ .text = "tcp://host:2376" },
		{ .text = "tcp://[::1:2376" },
		{ .text = "tcp://[::1]2376" },
		{ .text = "tcp://::1:2376" },
		{ .text = "tcp://[1.2.3.4]:2376" },
		{ .text = "unix:///x" },
		{ .text = "tcp://" },
		{ .text = "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tls_address a;
		const char *why = NULL;
		int r = tls_address_parse(rows[i].text, &a, &why);

		ck_assert_msg(r == (rows[i].host ? 0 : -EINVAL), "%s", rows[i].text);
		if (r < 0)
			continue;
		ck_assert_str_eq(a.host, rows[i].host);
		ck_assert_uint_eq(a.port, rows[i].port);
		ck_assert_int_eq(a.any, rows[i].any);
		ck_assert_int_eq(a.local, rows[i].local);
	}
}
END_TEST

START_TEST(networks)
{
	_cleanup_plan_ struct plan *p =
		plan_of("version: 1\ntls: {" LISTEN ", from: [10.0.0.0/8, 192.0.2.7, \"::1\"]}\n");
	const struct section *s = plan_section(p, "tls");

	ck_assert_ptr_null(tls_network_wrong("10.0.0.0/8"));
	ck_assert_ptr_null(tls_network_wrong("0.0.0.0/0"));
	ck_assert_ptr_null(tls_network_wrong("192.0.2.7"));
	ck_assert_ptr_null(tls_network_wrong("2001:db8::/32"));
	ck_assert_ptr_nonnull(tls_network_wrong("10.0.0.1/8"));
	ck_assert_ptr_nonnull(tls_network_wrong("2001:db8::1/32"));
	ck_assert_ptr_nonnull(tls_network_wrong("10.0.0.0/33"));
	ck_assert_ptr_nonnull(tls_network_wrong("localhost"));
	ck_assert_ptr_nonnull(tls_network_wrong("10.0.0.0/8; drop"));
	ck_assert(tls_from_holds(s, "10.255.0.1"));
	ck_assert(tls_from_holds(s, "192.0.2.7"));
	ck_assert(!tls_from_holds(s, "192.0.2.6"));
	ck_assert(!tls_from_holds(s, TLS_PROBE));
}
END_TEST

/* Plaintext with a server that says `answer`. */
static enum tls_answer talk(const char *answer)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	struct tls_address to = { .host = "127.0.0.1", .local = true };
	const struct tls_talk t = { .to = &to, .from = TLS_PROBE, .timeout_ms = 2000 };
	enum tls_answer got;
	char text[128], buf[256];
	pid_t pid = -1;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, n), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	to.port = ntohs(in.sin_port);
	if (answer) {
		ck_assert_int_eq(listen(fd, 1), 0);
		pid = fork();
		if (pid == 0) {
			int peer = accept(fd, NULL, NULL);

			_exit(recv(peer, buf, sizeof(buf), 0) < 0 ||
			      send(peer, answer, strlen(answer), 0) < 0);
		}
	}
	ck_assert_int_eq(tls_talk(&t, &got, text, &e), 0);
	close(fd);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return got;
}

START_TEST(plaintext)
{
	ck_assert_int_eq(talk(NULL), TLS_UNREACHED);
	ck_assert_int_eq(talk("HTTP/1.0 200 OK\r\n\r\nOK"), TLS_ANSWERED);
	ck_assert_int_eq(talk("HTTP/1.1 403 Forbidden\r\n\r\n"), TLS_ANSWERED);
	/* An error of the API's own is an answer. */
	ck_assert_int_eq(talk("HTTP/1.1 400 Bad Request\r\n\r\n{}"), TLS_ANSWERED);
	ck_assert_int_eq(talk("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an "
			      "HTTPS server.\n"),
			 TLS_REFUSED);
	ck_assert_int_eq(talk("\x15\x03\x01"), TLS_NO_ANSWER);
	ck_assert_int_eq(talk(""), TLS_REFUSED);
}
END_TEST

/* What a mistaken path names is neither signed with nor touched. */
START_TEST(no_certificate)
{
	put("/etc/passwd", "root:x:0:0:::\n");
	refused("version: 1\ntls: {make: true, ca: /etc/passwd}\n", "holds no certificate");
	ck_assert(!changed("/etc/passwd"));
	apply(PLAN(""));
	refused("version: 1\ntls: {key: /etc/passwd}\n", "holds no private key");
	ck_assert(!changed("/etc/passwd"));
}
END_TEST

/* Which means there is for `from` is not guessed when nft can't be looked at. */
START_TEST(a_look_fails)
{
	_cleanup_plan_ struct plan *p = plan_of(PLAN("  from: [10.0.0.0/8]\n"));
	struct previous was = { 0 };

	put_dir("/usr/sbin");
	ck_assert_int_eq(symlink("nft", at("/usr/sbin/nft")), 0);
	ck_assert_int_eq(module_tls.diff(plan_section(p, "tls"), &was, host, &c, &e), -ELOOP);
	ck_assert_msg(strstr(e.text, "/usr/sbin/nft"), "%s", e.text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, made_once);
	tcase_add_test(tc, opened_again);
	tcase_add_test(tc, opened_in_the_hands_of_others);
	tcase_add_test(tc, nothing_over_its_own_overlay);
	tcase_add_test(tc, renewed_before_it_expires);
	tcase_add_test(tc, names_change);
	tcase_add_test(tc, damage_is_mended);
	tcase_add_test(tc, the_ca_elsewhere);
	tcase_add_test(tc, others_stay);
	tcase_add_test(tc, taken_out);
	tcase_add_test(tc, no_longer_made_is_kept);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, networks);
	tcase_add_test(tc, plaintext);
	tcase_add_test(tc, no_certificate);
	tcase_add_test(tc, a_look_fails);
}

UNIT_MAIN("tls")
