/* SPDX-License-Identifier: Apache-2.0 */
#include "apparmor.h"

#include "engine.h"

#define ENABLED	 "/sys/module/apparmor/parameters/enabled"
#define PROFILES "/sys/kernel/security/apparmor/profiles"
#define UNLOAD	 "/sys/kernel/security/apparmor/.remove"
#define PROFILE	 "docker-default"

int apparmor_on(const struct host *h, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read(h, ENABLED, 4096, &text, &len, e);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? r : *text == 'Y';
}

/* The profile's mode: "enforce" ..., or "" when it isn't loaded. */
static void profile_mode(const char *text, char *buf, size_t size)
{
	size_t n = strlen(PROFILE), len;

	buf[0] = '\0';
	for (const char *line = text; line && *line;) {
		if (strncmp(line, PROFILE " (", n + 2) == 0) {
			len = strcspn(line + n + 2, ")\n");
			snprintf(buf, size, "%.*s", (int)len, line + n + 2);
			return;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
}

int apparmor_look(const struct host *h, const char *module, enum finding_state bad,
		  struct findings *out, struct err *e)
{
	const char *found = NULL, *why = PROFILES;
	enum finding_state state = FINDING_OK;
	const struct engine_cmdline *c = NULL;
	_cleanup_free_ char *text = NULL;
	char mode[32];
	size_t len;
	int r;

	r = engine_cmdline(h, &c, e);
	if (r == 0 && !c->installed)
		return findings_add(out, module, APPARMOR_SETTING, NULL, FINDING_SKIPPED,
				    APPARMOR_WANTED, NULL, "Docker is not installed", e);
	if (r == 0)
		r = host_read(h, PROFILES, HOST_READ_MAX, &text, &len, e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return findings_add(out, module, APPARMOR_SETTING, NULL, FINDING_SKIPPED,
				    APPARMOR_WANTED, NULL, e->text, e);
	profile_mode(text, mode, sizeof(mode));
	if (!mode[0]) {
		state = bad;
		found = "not loaded";
		why = "dockerd loads it when it starts (it needs apparmor_parser, package "
		      "apparmor): systemctl restart docker";
	} else if (!streq(mode, "enforce") && !streq(mode, "kill")) {
		/* dockerd leaves alone what is loaded, and aa-enforce knows none without a file. */
		state = bad;
		found = mode;
		why = "the profile only logs: printf " PROFILE " >" UNLOAD
		      ", then systemctl restart docker (which loads its own), and "
		      "restart the containers";
	}
	return findings_add(out, module, APPARMOR_SETTING, NULL, state, APPARMOR_WANTED, found, why,
			    e);
}
