/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What daemon.json says already, for `bulkhead init`. All of it is only told: which of it a plan
 * can say is tried there.
 */
#include "../src/buf.h"
#include "daemon_host.h"

static const char *config(const struct engine_cmdline *cmd)
{
	return cmd->config ? cmd->config : DAEMON_JSON;
}

int daemon_file_load(const struct host *h, json_t **ret, char **ret_why, struct err *e)
{
	const struct engine_cmdline *cmd;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	*ret = NULL;
	*ret_why = NULL;
	r = engine_cmdline(h, &cmd, e);
	if (r < 0)
		return r;
	r = host_read(h, config(cmd), DAEMON_FILE_MAX, &text, &len, e);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = json_parse_object(text, len, ret, e);
	if (r == 0 || r == -ENOMEM)
		return r;
	*ret_why = strdup(e->text);
	return *ret_why ? 0 : err_oom(e);
}

int daemon_remap_now(const struct host *h, char **ret, struct err *e)
{
	_cleanup_json_ json_t *file = NULL;
	_cleanup_free_ char *why = NULL;
	const struct engine_cmdline *cmd;
	const char *value = NULL, *flag;
	size_t pos = 0;

	*ret = NULL;
	if (engine_cmdline(h, &cmd, e) < 0 || daemon_file_load(h, &file, &why, e) < 0)
		return e->code;
	while (cmd->installed && (flag = engine_cmdline_next(cmd, "userns-remap", &pos)))
		value = flag;
	if (!value)
		value = json_string_value(json_member(file, "userns-remap"));
	if (!value || !*value)
		return 0;
	*ret = strdup(value);
	return *ret ? 0 : err_oom(e);
}

static void name(struct buf *b, const char *key)
{
	buf_addf(b, "%s%s", b->len ? ", " : "", key);
}

/* Keys that the command line sets can't stand in the file beside it, and so in no plan. */
static int flags(const struct engine_cmdline *cmd, struct survey *out, struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	for (const struct field *f = daemon_keys; cmd->installed && f->name; f++)
		if (engine_cmdline_flag(cmd, f->name))
			name(&names, f->name);
	if (names.failed)
		return err_oom(e);
	return names.len ? survey_remark(out, e, "set on dockerd's command line (%s): %s",
					 cmd->source, names.data)
			 : 0;
}

int daemon_survey(const struct host *h, struct survey *out, struct err *e)
{
	_cleanup_buf_ struct buf unknown = BUF_INIT;
	_cleanup_json_ json_t *file = NULL;
	_cleanup_free_ char *why = NULL;
	const struct engine_cmdline *cmd;
	const char *key;
	json_t *value;

	if (engine_cmdline(h, &cmd, e) < 0 || daemon_file_load(h, &file, &why, e) < 0 ||
	    flags(cmd, out, e) < 0)
		return e->code;
	if (why)
		return survey_remark(out, e, "%s can't be read, so nothing of it stands here: %s",
				     config(cmd), why);
	json_object_foreach (file, key, value) {
		if (json_is_null(value))
			continue;
		if (!field_find(daemon_keys, key))
			name(&unknown, key);
		else if (survey_add(out, key, json_incref(value), NULL, e) < 0)
			return e->code;
	}
	if (unknown.failed)
		return err_oom(e);
	return unknown.len
		       ? survey_remark(out, e,
				       "in the file, but no setting of a plan; what a plan does "
				       "not name stays as it is: %s",
				       unknown.data)
		       : 0;
}
