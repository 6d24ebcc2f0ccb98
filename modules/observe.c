/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guides ask for and no host tool should do by itself: told by `check`, and no more. Nothing
 * of it changes an exit code, and an apply doesn't ask.
 */
#include "observe.h"

#include <time.h>

#include "../src/buf.h"
#include "../src/clock.h"
#include "../src/units.h"
#include "apparmor.h"

#define IMAGES_MAX 200 /* looked at one by one */
#define IMAGES_MS  3000

static const struct field fields[] = {
	{ .name = "container-age",
	  .type = FIELD_INT,
	  .min = 0,
	  .max = 36500,
	  .help = "days after which check names a container as old: it runs on an image as old as that",
	  .fallback = "30" },
	{ 0 },
};

void observe_name(struct buf *b, size_t n, const char *name)
{
	if (n < OBSERVE_NAMES)
		buf_addf(b, "%s%s", n ? ", " : "", name);
}

void observe_more(struct buf *b, size_t n)
{
	if (n > OBSERVE_NAMES)
		buf_addf(b, " and %zu more", n - OBSERVE_NAMES);
}

/* GET `path`; what it can't be asked is a finding. *ret NULL: told. */
static int ask(const struct host *h, const char *path, const char *setting, const json_t **ret,
	       struct findings *out, struct err *e)
{
	int r = engine_get(h, path, ret, e);

	if (r == 0)
		return 0;
	*ret = NULL;
	return r == -ENOMEM ? r
			    : findings_add(out, OBSERVE, setting, NULL, FINDING_SKIPPED, NULL, NULL,
					   e->text, e);
}

/* --- containers --- */

static const char *container_name(const json_t *c)
{
	const char *name = json_string_value(json_array_get(json_object_get(c, "Names"), 0));

	if (!name)
		name = json_string_value(json_object_get(c, "Id"));
	return name && *name == '/' ? name + 1 : name ? name : "?";
}

static int containers(const struct section *s, const struct host *h, struct findings *out,
		      struct err *e)
{
	long long days = section_int(s, "container-age", 30), created;
	_cleanup_buf_ struct buf names = BUF_INIT;
	long long now = (long long)time(NULL);
	char wanted[48];
	const json_t *list;
	size_t n = 0, i;
	json_t *c;

	if (ask(h, "/containers/json?all=1", "container-age", &list, out, e) < 0)
		return e->code;
	if (!list)
		return 0;
	json_array_foreach (list, i, c) {
		created = json_integer_value(json_object_get(c, "Created"));
		if (created && now - created >= days * 86400)
			observe_name(&names, n++, container_name(c));
	}
	observe_more(&names, n);
	if (names.failed)
		return err_oom(e);
	snprintf(wanted, sizeof(wanted), "none older than %lld days", days);
	return findings_add(out, OBSERVE, "container-age", NULL, n ? FINDING_NOTED : FINDING_OK,
			    wanted, n ? names.data : NULL, "GET /containers/json", e);
}

/* --- images --- */

/* Users that are root: what an image without one runs as. */
static bool is_root(const char *user)
{
	size_t n = strcspn(user, ":");

	return !n || (n == 4 && !strncmp(user, "root", n)) || strspn(user, "0") >= n;
}

static const char *image_name(const json_t *image, const char *id)
{
	const char *tag = json_string_value(json_array_get(json_object_get(image, "RepoTags"), 0));

	return tag && !streq(tag, "<none>:<none>") ? tag : id;
}

/* Goes through the images until there were enough of them, or it took too long, or dockerd no
 * longer answers. Returns how many were looked at. */
static int look_at_images(const struct host *h, const json_t *list, struct buf *names,
			  size_t *ret_root, size_t *ret_looked, struct err *e)
{
	int64_t end = clock_ms() + IMAGES_MS;
	size_t i;
	json_t *image;

	json_array_foreach (list, i, image) {
		const char *id = json_string_value(json_object_get(image, "Id")), *user;
		_cleanup_free_ char *path = NULL;
		const json_t *one;
		int r;

		if (i == IMAGES_MAX || clock_ms() > end)
			return 0;
		/* Nothing that would be another path: "sha256:" and hexadecimal digits. */
		if (!id || id[strspn(id, "0123456789abcdefsh:")])
			continue;
		if (asprintf(&path, "/images/%s/json", id) < 0) {
			path = NULL;
			return err_oom(e);
		}
		r = engine_get(h, path, &one, e);
		if (r == -ENOMEM)
			return r;
		if (r == -ETIMEDOUT || r == -ENOTCONN)
			return 0;
		/* Removed meanwhile, perhaps. */
		if (r < 0)
			continue;
		++*ret_looked;
		user = json_string_value(json_object_get(json_object_get(one, "Config"), "User"));
		if (is_root(user ? user : ""))
			observe_name(names, (*ret_root)++, image_name(image, id));
	}
	return 0;
}

static int images(const struct host *h, struct findings *out, struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT, why = BUF_INIT;
	size_t root = 0, looked = 0, all;
	const json_t *list;

	if (ask(h, "/images/json", "image-user", &list, out, e) < 0)
		return e->code;
	if (!list)
		return 0;
	if (look_at_images(h, list, &names, &root, &looked, e) < 0)
		return e->code;
	observe_more(&names, root);
	all = json_array_size(list);
	buf_adds(&why, "GET /images/ID/json");
	if (looked < all)
		buf_addf(&why, "; %zu of %zu images were not looked at", all - looked, all);
	if (names.failed || why.failed)
		return err_oom(e);
	return findings_add(out, OBSERVE, "image-user", NULL,
			    root	   ? FINDING_NOTED
			    : looked < all ? FINDING_SKIPPED
					   : FINDING_OK,
			    "none that runs as root", root ? names.data : NULL, why.data, e);
}

/* --- the module --- */

static int fixes(const struct section *s, const struct host *h, struct findings *out, struct err *e)
{
	const char *text, *why;
	unsigned engine;

	if (engine_version(h, s->plan, &engine, &text, &why, e) < 0)
		return e->code;
	if (!engine || !text)
		return findings_add(out, OBSERVE, "fixes", NULL, FINDING_SKIPPED, NULL, NULL, why,
				    e);
	return observe_fixes(text, out, e);
}

/* What stops pulls and builds is for the plan to want: by default it is left out, and said so. */
static int content_trust(const struct section *s, struct findings *out, struct err *e)
{
	const struct section *client = plan_section(s->plan, "client");

	if (client && section_bool(client, "content-trust", false))
		return 0;
	return findings_add(
		out, OBSERVE, "content-trust", "4.5", FINDING_SKIPPED, NULL, NULL,
		"the plan leaves it out, for it stops pulls and builds of unsigned "
		"images; with it: client: {content-trust: true}, as in profile:lockdown",
		e);
}

/* Where AppArmor is the host's LSM, whatever the plan says; a selinux section tells by itself. */
static int apparmor(const struct section *s, const struct host *h, struct findings *out,
		    struct err *e)
{
	int r;

	if (!host_is_live(h) || plan_section(s->plan, "selinux"))
		return 0;
	r = apparmor_on(h, e);
	if (r == 0 || r == -ENOMEM)
		return r;
	return r < 0 ? findings_add(out, OBSERVE, APPARMOR_SETTING, NULL, FINDING_SKIPPED,
				    APPARMOR_WANTED, NULL, e->text, e)
		     : apparmor_look(h, OBSERVE, FINDING_NOTED, out, e);
}

/* The process of docker.service; main_pid 0: it can't be told. */
static void daemon_process(const struct host *h, struct unit_state *ret)
{
	_cleanup_units_ struct units *u = NULL;
	struct err none;

	if (units_open(h, &u, &none) < 0 || units_state(u, DOCKER_SERVICE, ret, &none) < 0)
		*ret = (struct unit_state){ 0 };
}

static int observe(const struct section *s, const struct host *h, struct findings *out,
		   struct err *e)
{
	const json_t *info = NULL;
	struct unit_state unit;
	int r;

	if (content_trust(s, out, e) < 0 || fixes(s, h, out, e) < 0 || apparmor(s, h, out, e) < 0 ||
	    observe_plaintext(s, h, out, e) < 0)
		return e->code;
	r = engine_get(h, "/info", &info, e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(out, OBSERVE, NULL,
				    "1.1.1,2.3,2.4,2.5,2.6,2.7,2.10,2.11,2.12,2.17",
				    FINDING_SKIPPED, NULL, NULL, e->text, e);
	daemon_process(h, &unit);
	if (observe_disk(h, info, out, e) < 0 || observe_defaults(s, h, info, out, e) < 0 ||
	    containers(s, h, out, e) < 0)
		return e->code;
	if (unit.main_pid)
		r = observe_ports(h, info, unit.main_pid, unit.started_us, out, e);
	else
		r = findings_add(out, OBSERVE, "tcp-api", "2.7", FINDING_SKIPPED, NULL, NULL,
				 "systemd names no process of docker.service", e);
	if (r < 0)
		return r;
	return images(h, out, e);
}

const struct module module_observe = {
	.name = OBSERVE,
	.summary = "what check tells beside the plan, without changing its exit code",
	.fields = fields,
	.order = 85,
	.always = true,
	.observe = observe,
};
