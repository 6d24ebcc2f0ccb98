/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"

#include <time.h>

#include "redact.h"

static void add_escaped(struct buf *b, const char *text)
{
	for (const char *p = text; *p;) {
		size_t plain = strcspn(p, "&<>\"'");

		buf_add(b, p, plain);
		p += plain;
		if (*p)
			buf_addf(b, "&#%d;", *p++);
	}
}

void html_add_text(struct buf *b, const char *text)
{
	_cleanup_free_ char *redacted = text ? redact_text(text) : NULL;
	_cleanup_buf_ struct buf shown = BUF_INIT;

	if (!text)
		return;
	if (redacted)
		buf_add_shown(&shown, redacted, "\n");
	if (!redacted || shown.failed)
		b->failed = true;
	else if (shown.len)
		add_escaped(b, shown.data);
}

void html_add_value(struct buf *b, const char *setting, const char *value)
{
	_cleanup_free_ char *open = value ? redact_value(setting, value) : NULL;

	if (open)
		html_add_text(b, open);
	else if (value)
		b->failed = true;
}

void html_addf(struct buf *b, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	if (text.failed)
		b->failed = true;
	else
		html_add_text(b, text.data);
}

void html_add_time(struct buf *b, uint64_t us)
{
	time_t t = (time_t)(us / 1000000);
	char text[64];
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return;
	if (strftime(text, sizeof(text), "<time datetime=\"%Y-%m-%dT%H:%M:%SZ\">%Y-%m-%d %H:%M",
		     &tm))
		buf_adds(b, text);
	buf_adds(b, " UTC</time>");
}
