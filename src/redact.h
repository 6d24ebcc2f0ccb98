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
 *   - the same of names of addresses (they end in "proxy", "registries" and the like), up to the
 *     last '@': dockerd takes USER:PASSWORD@HOST,
 *   - the word after a flag of such a name: `--name value`,
 *   - private keys (RFC 7468).
 * Names of files are no secrets: "token-file" and "-path", "-endpoint" stay. Linear. NULL: out of
 * memory.
 */
char *redact_text(const char *text);

/*
 * A new copy of a file's content (JSON, a unit, an environment) to show parts of: with all of it in
 * sight, and whatever escapes names and values are written in. It has the lines that the file has;
 * one in which nothing is hidden is as it was. NULL: out of memory.
 */
char *redact_file(const char *text, size_t len, size_t *ret_len);

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
