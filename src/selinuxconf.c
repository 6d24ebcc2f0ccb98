/* SPDX-License-Identifier: Apache-2.0 */
#include "selinuxconf.h"

#include <strings.h>

#include "buf.h"

#define MODE "SELINUX="
#define TYPE "SELINUXTYPE="

static const char *const modes[] = { "unset", "disabled", "permissive", "enforcing" };

const char *selinux_mode_name(enum selinux_mode mode)
{
	return modes[mode];
}

enum selinux_mode selinux_mode_parse(const char *name)
{
	for (int i = SELINUX_DISABLED; name && i <= SELINUX_ENFORCING; i++)
		if (streq(name, modes[i]))
			return (enum selinux_mode)i;
	return SELINUX_UNSET;
}

/* What a value begins with; what stands behind doesn't count. */
static enum selinux_mode value_mode(const char *value)
{
	for (int i = SELINUX_DISABLED; i <= SELINUX_ENFORCING; i++)
		if (strncasecmp(value, modes[i], strlen(modes[i])) == 0)
			return (enum selinux_mode)i;
	return SELINUX_UNSET;
}

/* The value of the line that counts, or NULL. */
static const char *mode_value(const char *text)
{
	for (const char *line = text; line && *line;) {
		if (has_prefix(line, MODE)) {
			const char *value = line + strlen(MODE);

			value += strspn(value, " \t");
			if (value_mode(value))
				return value;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

enum selinux_mode selinuxconf_mode(const char *text)
{
	const char *value = mode_value(text);

	return value ? value_mode(value) : SELINUX_UNSET;
}

bool selinuxconf_type(const char *text, char *buf, size_t size)
{
	bool found = false;

	while (text && *text) {
		text += strspn(text, " \t");
		if (strncasecmp(text, TYPE, strlen(TYPE)) == 0) {
			const char *value = text + strlen(TYPE);
			size_t len = strcspn(value, "\n");

			while (len && strchr(" \t\r", value[len - 1]))
				len--;
			found = len && len < size && !memchr(value, '/', len) && value[0] != '.';
			if (found) {
				memcpy(buf, value, len);
				buf[len] = '\0';
			}
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return found;
}

int selinuxconf_edit(const char *text, enum selinux_mode mode, char **ret, struct err *e)
{
	const char *value = mode_value(text), *rest = "";
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (value) {
		buf_add(&b, text, (size_t)(value - text));
		rest = value + strlen(modes[value_mode(value)]);
		buf_adds(&b, modes[mode]);
		buf_adds(&b, rest);
	} else {
		buf_adds(&b, text);
		if (b.len && b.data[b.len - 1] != '\n')
			buf_addc(&b, '\n');
		buf_addf(&b, MODE "%s\n", modes[mode]);
	}
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}
