/* SPDX-License-Identifier: Apache-2.0 */
/* What the modules that write keys of daemon.json (daemon, tls, registries) do in the same way. */
#include "daemon_host.h"

bool daemon_file_created(const json_t *all, const struct changes *out, const char *path)
{
	const json_t *states[] = { all, out->state };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const json_t *parts[] = {
			json_object_get(states[i], "daemon"),
			json_object_get(states[i], "tls"),
			json_object_get(json_object_get(states[i], "registries"), "config"),
		};

		for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
			const char *of = json_string_value(json_object_get(parts[k], "path"));

			if (of && streq(of, path) &&
			    json_is_true(json_object_get(parts[k], "created")))
				return true;
		}
	}
	return false;
}

static int note_untested(struct changes *out, const char *path, struct err *e)
{
	for (size_t i = 0; i < out->n_notes; i++)
		if (streq(out->notes[i].module, "daemon") && out->notes[i].setting &&
		    streq(out->notes[i].setting, "userns-remap"))
			return 0;
	return changes_note(out, "daemon", "userns-remap", e,
			    "%s says `userns-remap: default`: dockerd --validate would change "
			    "accounts, so it is not run; name the user in the plan",
			    path);
}

/* Are certificates that the daemon will have only planned? dockerd loads them while it validates,
 * and that is before they are in place. */
static bool certificates_planned(const struct host *h, const struct engine_cmdline *cmd,
				 const json_t *merged)
{
	static const char *const keys[] = { "tlscacert", "tlscert", "tlskey" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *path = json_string_value(json_member(merged, keys[i]));
		struct err ignored;
		struct stat st;
		size_t pos = 0;

		if (!path)
			path = engine_cmdline_next(cmd, keys[i], &pos);
		if (path && host_stat(h, path, &st, &ignored) == 0 && !st.st_ino)
			return true;
	}
	return false;
}

int daemon_file_test(struct changes *out, const struct host *h, const struct plan *p,
		     const char *path, const json_t *merged, struct err *e)
{
	const char *remap = json_string_value(json_member(merged, "userns-remap"));
	const struct change *change = changes_find(out, path);
	const struct engine_cmdline *cmd;
	_cleanup_free_ char **argv = NULL;
	const char *text, *why;
	unsigned engine;
	size_t n = 0;

	if (engine_cmdline(h, &cmd, e) < 0 || engine_version(h, p, &engine, &text, &why, e) < 0)
		return e->code;
	if (!change || change->kind != CHANGE_FILE || !host_is_live(h) || !cmd->installed ||
	    !streq(path, cmd->config) || engine < VERSION(23, 0) || cmd->argv[0][0] != '/')
		return 0;
	/* With it, 26.0 and later run useradd and edit subuid and subgid while they validate. */
	if (remap && streq(remap, "default"))
		return note_untested(out, path, e);
	if (certificates_planned(h, cmd, merged))
		return changes_test(out, path, NULL, e);
	while (cmd->argv[n])
		n++;
	argv = calloc(n + 4, sizeof(*argv));
	if (!argv)
		return err_oom(e);
	n = 0;
	/* With the flags that it will see, moby#36911. */
	for (char **a = cmd->argv; *a; a++) {
		if (has_prefix(*a, "--config-file=") || has_prefix(*a, "-config-file="))
			continue;
		if (streq(*a, "--config-file") && a[1])
			a++;
		else
			argv[n++] = *a;
	}
	/* changes_test copies them */
	argv[n++] = (char[]){ "--validate" };
	argv[n++] = (char[]){ "--config-file" };
	argv[n++] = (char[]){ "{}" };
	return changes_test(out, path, argv, e);
}
