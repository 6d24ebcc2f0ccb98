/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot does when the plan can't be applied: Docker starts on what was there, or, strict,
 * not at all.
 *
 * Strict is a drop-in for docker.service and docker.socket by which they need bulkhead-boot.service
 * to have succeeded. Where that unit isn't enabled they would run it all the same, and where it
 * isn't installed Docker would never start: so there it is pending, and nothing is written. What a
 * boot has queued already stays as it was queued: the drop-ins count from the next one on.
 */
#include "../src/module.h"
#include "../src/template.h"
#include "../src/units.h"
#include "engine.h"
#include "unitfile.h"

#define NAME	  "boot"
#define BOOT_UNIT "bulkhead-boot.service"

static const struct field fields[] = {
	{ .name = "strict",
	  .type = FIELD_BOOL,
	  .help = "keep Docker down when a boot can't apply the plan; else it starts on what was "
		  "there. It takes bulkhead-boot.service, enabled",
	  .fallback = "false" },
	{ 0 },
};

/* Docker's units, and the drop-in for each. */
static const struct {
	const char *unit, *path;
} dropins[] = {
	{ DOCKER_SERVICE, "/etc/systemd/system/docker.service.d/50-bulkhead-boot.conf" },
	{ DOCKER_SOCKET, "/etc/systemd/system/docker.socket.d/50-bulkhead-boot.conf" },
};

static const char *dropin_text(void)
{
	return template_text("boot-strict.conf");
}

/* Is it among what sockets.target wants? As `systemctl enable` notes it, on a live host and in a
 * tree. */
static int is_wanted(const struct host *h, bool *ret, struct err *e)
{
	static const char *const links[] = {
		"/etc/systemd/system/sockets.target.wants/" BOOT_UNIT,
		"/run/systemd/system/sockets.target.wants/" BOOT_UNIT,
		"/usr/local/lib/systemd/system/sockets.target.wants/" BOOT_UNIT,
		"/usr/lib/systemd/system/sockets.target.wants/" BOOT_UNIT,
		"/lib/systemd/system/sockets.target.wants/" BOOT_UNIT,
	};
	struct stat st;
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(links) && r == -ENOENT; i++)
		r = host_lstat(h, links[i], &st, e);
	*ret = r == 0;
	return r == -ENOENT ? 0 : r;
}

static int say(char **ret, struct err *e, const char *fmt, ...) PRINTF(3, 4);

static int say(char **ret, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(ret, fmt, ap) < 0)
		*ret = NULL;
	va_end(ap);
	return *ret ? 0 : err_oom(e);
}

/* Why strict would hold nothing here, and what to type; NULL: the unit runs at each boot. */
static int why_not(const struct host *h, char **ret, struct err *e)
{
	_cleanup_unitfile_ struct unitfile u = { 0 };
	const char *root = host_root_words(h);
	bool wanted;
	int r = unitfile_load(h, BOOT_UNIT, &u, e);

	*ret = NULL;
	if (r == -ENOENT)
		return say(ret, e,
			   BOOT_UNIT " is not installed, and without it nothing can be kept down");
	if (r < 0)
		return r;
	if (u.masked)
		return say(ret, e,
			   BOOT_UNIT " is masked. Type: systemctl%s unmask " BOOT_UNIT
				     "; systemctl%s enable " BOOT_UNIT "; bulkhead apply%s",
			   root, root, host_plan_words(h));
	r = is_wanted(h, &wanted, e);
	if (r == 0 && !wanted)
		r = say(ret, e,
			BOOT_UNIT " is not enabled. Type: systemctl%s enable " BOOT_UNIT
				  "; bulkhead apply%s",
			root, host_plan_words(h));
	return r;
}

static int take_out(const struct previous *was, const struct host *h, const char *why,
		    struct changes *out, struct err *e)
{
	const char *text = was ? json_string_value(json_object_get(was->state, "dropin")) : NULL;

	for (size_t i = 0; text && i < ARRAY_SIZE(dropins); i++) {
		int r = changes_remove_ours(out, h, dropins[i].path, text, strlen(text), NAME,
					    "strict", why, e);

		if (r < 0)
			return r;
		out->manager_reload |= r > 0;
	}
	return 0;
}

static int put_in(const struct host *h, struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *state = json_pack("{s:s}", "dropin", dropin_text());

	for (size_t i = 0; i < ARRAY_SIZE(dropins); i++) {
		int r = changes_file(out, h, dropins[i].path, dropin_text(), strlen(dropin_text()),
				     0644, 0, 0, NAME, "strict", NULL,
				     "Docker needs " BOOT_UNIT " to have succeeded", e);

		if (r < 0)
			return r;
		out->manager_reload |= r > 0;
	}
	return state ? changes_remember(out, NAME, state, e) : err_oom(e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_free_ char *why = NULL;

	if (!s || !section_bool(s, "strict", false))
		return take_out(was, h, "the plan is strict no longer", out, e);
	if (why_not(h, &why, e) < 0)
		return e->code;
	if (why && changes_note(out, NAME, "strict", e, "%s", why) < 0)
		return e->code;
	if (why)
		return take_out(was, h, BOOT_UNIT " no longer runs at boot", out, e);
	return put_in(h, out, e);
}

/* Does systemd know that Docker needs it? What is on disk alone shows nothing before a reload. */
static int verify_live(const struct host *h, enum finding_state *state, char why[160],
		       struct err *e)
{
	_cleanup_units_ struct units *u = NULL;

	if (units_open(h, &u, e) < 0)
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(dropins); i++) {
		struct unit_state st;
		int r = units_state(u, dropins[i].unit, &st, e);

		if (r == 0 && !streq(st.load, "loaded"))
			continue;
		if (r == 0)
			r = units_needs(u, dropins[i].unit, BOOT_UNIT, e);
		if (r < 0)
			return r;
		if (r == 0) {
			*state = FINDING_DRIFT;
			snprintf(why, 160, "systemd does not know that %s needs " BOOT_UNIT,
				 dropins[i].unit);
			return 0;
		}
	}
	*state = FINDING_OK;
	snprintf(why, 160, "systemd: Requires= of Docker's units, from their next start on");
	return 0;
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	enum finding_state state = FINDING_OK;
	char why[160] = "the drop-ins, and what sockets.target wants";
	_cleanup_free_ char *missing = NULL;

	(void)was;
	if (!section_bool(s, "strict", false))
		return 0;
	if (why_not(h, &missing, e) < 0)
		return e->code;
	if (missing)
		return findings_add(out, NAME, "strict", NULL,
				    host_is_live(h) ? FINDING_PENDING : FINDING_SKIPPED, "true",
				    NULL, missing, e);
	if (host_is_live(h) && verify_live(h, &state, why, e) < 0)
		return e->code;
	return findings_add(out, NAME, "strict", NULL, state, "true", NULL, why, e);
}

const struct module module_boot = {
	.name = NAME,
	.summary = "what a boot does when the plan can't be applied",
	.fields = fields,
	.order = 48, /* audit and permissions look at the drop-ins of the rest */
	.diff = diff,
	.verify = verify,
};
