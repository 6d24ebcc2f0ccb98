/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <stdarg.h>

static void cut_mark(struct err *e, int n, size_t at)
{
	size_t room = sizeof(e->text) - at;

	if (n >= 0 && (size_t)n >= room)
		memcpy(e->text + sizeof(e->text) - 4, "...", 4);
}

static void vfill(struct err *e, size_t at, const char *fmt, va_list ap) PRINTF(3, 0);

static void vfill(struct err *e, size_t at, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->text + at, sizeof(e->text) - at, fmt, ap);

	cut_mark(e, n, at);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	e->code = code > 0 ? -code : code;
	va_start(ap, fmt);
	vfill(e, 0, fmt, ap);
	va_end(ap);
	return e->code;
}

int err_sys(struct err *e, int errnum, const char *fmt, ...)
{
	va_list ap;
	int num = errnum < 0 ? -errnum : errnum;

	e->code = -num;
	va_start(ap, fmt);
	vfill(e, 0, fmt, ap);
	va_end(ap);
	return err_append(e, ": %s", strerror(num));
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	va_list ap;

	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vfill(e, 0, fmt, ap);
	va_end(ap);
	return err_append(e, ": %s", old);
}

int err_append(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfill(e, strlen(e->text), fmt, ap);
	va_end(ap);
	return e->code;
}

int err_oom(struct err *e)
{
	return err_set(e, ENOMEM, "out of memory");
}

void errs_done(struct errs *es)
{
	for (size_t i = 0; i < es->n; i++) {
		free(es->list[i].where);
		free(es->list[i].text);
	}
	free(es->list);
	*es = (struct errs){ 0 };
}

void errs_add(struct errs *es, const char *where, const char *fmt, ...)
{
	struct mistake m = { 0 };
	struct mistake *list;
	va_list ap;
	int n;

	if (es->n >= ERRS_MAX) {
		es->more++;
		return;
	}
	va_start(ap, fmt);
	n = vasprintf(&m.text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		es->failed = true;
		return;
	}
	if (where && !(m.where = strdup(where))) {
		free(m.text);
		es->failed = true;
		return;
	}
	/* Grown in powers of two, so that ERRS_MAX additions stay linear. */
	if ((es->n & (es->n - 1)) == 0) {
		list = reallocarray(es->list, es->n ? es->n * 2 : 1, sizeof(*list));
		if (!list) {
			free(m.where);
			free(m.text);
			es->failed = true;
			return;
		}
		es->list = list;
	}
	es->list[es->n++] = m;
}
