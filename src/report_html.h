/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `check --output html`: one page that needs nothing else, no script and no picture, for a screen
 * of any width, light or dark, and for paper. It is XML as well, so that tests and other programs
 * can take it apart.
 */
#ifndef BULKHEAD_REPORT_HTML_H
#define BULKHEAD_REPORT_HTML_H

#include "report.h"

/*
 * What check found, with the history and the map of subordinate ids of the same host, which are
 * read here; what of these can't be read is told in its place. `h` of the report may be NULL (a
 * host or plan that can't be read). Secrets are hidden already. NULL: out of memory.
 */
char *report_html(const struct report *r);

/* Parts of it. */
struct buf;
void report_html_name(struct buf *b, const char *module, const char *setting);
void report_html_settings(struct buf *b, const struct report *r);
void report_html_history(struct buf *b, const struct host *h);
void report_html_ids(struct buf *b, const struct host *h);

#endif
