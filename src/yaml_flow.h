/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values as YAML on one line, in the spelling of the plans that are shipped: {Soft: 16384},
 * ["10.0.0.0/8"], "0660".
 */
#ifndef BULKHEAD_YAML_FLOW_H
#define BULKHEAD_YAML_FLOW_H

#include <jansson.h>

#include "buf.h"

/*
 * A text is left plain where no reader of YAML, 1.1 or 1.2, could take it for anything else;
 * otherwise it is in double quotes, with what could end a line or is not printable escaped. Strings
 * have to be UTF-8, as jansson's are.
 */
void yaml_add_string(struct buf *b, const char *text);
void yaml_add_flow(struct buf *b, const json_t *value);

#endif
