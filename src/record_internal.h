/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between record.c and record_image.c: what a journal's record is made of. JSON is NULL when memory
 * ran out; what reads it back returns -ENOMEM or -EINVAL.
 */
#ifndef BULKHEAD_RECORD_INTERNAL_H
#define BULKHEAD_RECORD_INTERNAL_H

#include "journal.h"

/* json_unpack(3). */
int record_unpack(json_t *o, const char *format, ...);

/*
 * Names on a disk are any bytes, and JSON is UTF-8: whoever may write a directory could keep us out
 * with one. Those that aren't ASCII are kept as record_bytes_json() makes them.
 */
bool record_is_ascii(const char *name);
json_t *record_bytes_json(const char *name);
int record_bytes_parse(const json_t *hex, char **ret);

/* An image without its content, and what its content is known by; what read half of one is
 * image_done()'s. */
json_t *record_image_json(const struct image *im, const struct kept *kept);
int record_image_parse(json_t *o, struct image *im, struct kept *kept);

#endif
