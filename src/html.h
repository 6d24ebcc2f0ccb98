/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text into a page that is read as HTML and as XML alike. What comes from a host goes in through
 * html_add_text() and nothing else: secrets are hidden first, then what is no printable UTF-8 is
 * shown as \xNN, then what means something to a parser is escaped. Nothing of it becomes markup.
 */
#ifndef BULKHEAD_HTML_H
#define BULKHEAD_HTML_H

#include "buf.h"

/* Also fit for an attribute's value in double quotes. NULL adds nothing. */
void html_add_text(struct buf *b, const char *text);

/* The same of the value of a setting: where its name says that it is secret, it reads "***". */
void html_add_value(struct buf *b, const char *setting, const char *value);

void html_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* "2026-11-22 14:05 UTC" */
void html_add_time(struct buf *b, uint64_t us);

#endif
