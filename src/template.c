/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include "buf.h"

/* A newline would end the line that the value is meant for: in a unit file, the next setting. C1
 * controls (U+0080 to U+009F) are 0xc2 and one byte in UTF-8; terminals obey them too. */
static bool has_control(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return true;
	return false;
}

static int line_of(const char *text, const char *at)
{
	int line = 1;

	for (const char *p = text; p < at; p++)
		line += *p == '\n';
	return line;
}

static const struct template_var *find(const struct template_var *vars, const char *name,
				       size_t len)
{
	for (; vars->name; vars++)
		if (strlen(vars->name) == len && memcmp(vars->name, name, len) == 0)
			return vars;
	return NULL;
}

int template_fill(const char *text, const struct template_var *vars, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const struct template_var *v;
	const char *p = text;
	const char *name, *end;
	size_t plain;
	char *filled;

	for (;;) {
		plain = strcspn(p, "$");
		buf_add(&out, p, plain);
		p += plain;
		if (!*p)
			break;
		if (has_prefix(p, "$${")) {
			buf_adds(&out, "${");
			p += 3;
			continue;
		}
		if (!has_prefix(p, "${")) {
			buf_addc(&out, *p++);
			continue;
		}
		name = p + 2;
		end = name + strcspn(name, "}\n");
		if (*end != '}')
			return err_set(e, EINVAL, "template, line %d: '${' is not closed with '}'",
				       line_of(text, p));
		v = find(vars, name, (size_t)(end - name));
		if (!v)
			return err_set(e, EINVAL, "template, line %d: unknown name '%.*s'",
				       line_of(text, p), (int)(end - name > 80 ? 80 : end - name),
				       name);
		if (has_control(v->value))
			return err_set(e, EINVAL,
				       "the value for '%s' holds a newline or another control "
				       "character, which no setting may",
				       v->name);
		buf_adds(&out, v->value);
		p = end + 1;
	}
	filled = buf_take(&out, NULL);
	if (!filled)
		return err_oom(e);
	*ret = filled;
	return 0;
}
