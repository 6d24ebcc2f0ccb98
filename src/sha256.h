/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) of bytes in memory, for reports that are compared between hosts. OpenSSL,
 * which has it, is loaded only where certificates are made, and may be missing.
 */
#ifndef BULKHEAD_SHA256_H
#define BULKHEAD_SHA256_H

#include <stddef.h>

#define SHA256_TEXT 65

/* As lowercase hex with NUL, as sha256sum(1) prints it. */
void sha256_text(const void *data, size_t len, char ret[SHA256_TEXT]);

#endif
