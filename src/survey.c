/* SPDX-License-Identifier: Apache-2.0 */
#include "survey.h"

#include <stdarg.h>

static void row_done(struct survey_row *r)
{
	free(r->setting);
	free(r->remark);
	json_decref(r->value);
}

void survey_done(struct survey *s)
{
	for (size_t i = 0; i < s->n; i++)
		row_done(&s->list[i]);
	free(s->list);
	*s = (struct survey){ 0 };
}

/* Takes what the row holds, also when it fails. */
static int add(struct survey *s, struct survey_row row, struct err *e)
{
	struct survey_row *list = reallocarray(s->list, s->n + 1, sizeof(*list));

	if (!list) {
		row_done(&row);
		return err_oom(e);
	}
	row.module = s->module;
	s->list = list;
	s->list[s->n++] = row;
	return 0;
}

int survey_add(struct survey *s, const char *setting, json_t *value, const char *remark,
	       struct err *e)
{
	struct survey_row row = { .setting = strdup(setting), .value = value };

	if (remark)
		row.remark = strdup(remark);
	if (!row.setting || !row.value || (remark && !row.remark)) {
		row_done(&row);
		return err_oom(e);
	}
	return add(s, row, e);
}

int survey_remark(struct survey *s, struct err *e, const char *fmt, ...)
{
	struct survey_row row = { 0 };
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&row.remark, fmt, ap) < 0)
		row.remark = NULL;
	va_end(ap);
	return row.remark ? add(s, row, e) : err_oom(e);
}
