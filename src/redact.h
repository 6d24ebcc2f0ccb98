/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hides secrets in what is shown: proxies' credentials in addresses, values whose names say that
 * they are secret, private keys. What is hidden reads "***". Reports, errors and what daemons said
 * in their logs all pass through here on their way out; files and the journal don't.
 */
#ifndef BULKHEAD_REDACT_H
#define BULKHEAD_REDACT_H

#include <jansson.h>

/*
 * A new copy of `text` without:
 *   - what stands between "://" and the last '@' of an address (RFC 3986, userinfo; up to the last
 *     one, since an '@' in a password is often left bare),
 *   - the values of names that contain password, secret, token and the like: `"name": "value"`, its
 *     list or object, `name=value`, and every quoted string on a line after `name:`,
 *   - the same of names that end in "proxy", up to the last '@': dockerd takes USER:PASSWORD@HOST,
 *   - private keys (RFC 7468).
 * Names of files are no secrets: "token-file" and "-path", "-endpoint" stay. Linear. NULL: out of
 * memory.
 */
char *redact_text(const char *text);

/* The same of a value that stands alone, by the name of its setting ("daemon.http-proxy"; may be
 * NULL). NULL: out of memory. */
char *redact_value(const char *name, const char *value);

/*
 * Adds a line of a database of accounts: in passwd(5), group(5) and their shadows the second field
 * is a password's hash, unless it says that there is none ("", "x", "!", "*"), and reads "***".
 */
struct buf;
void redact_line(const char *path, const char *line, struct buf *out);

/* The same in all strings of a document, in place. -ENOMEM. */
int redact_json(json_t *doc);

#endif
