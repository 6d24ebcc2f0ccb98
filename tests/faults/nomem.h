/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nomem.so, preloaded, and who runs a program under it tell each other: a file that both map,
 * named by NOMEM_FILE.
 */
#ifndef BULKHEAD_NOMEM_H
#define BULKHEAD_NOMEM_H

#include <stdint.h>

#define NOMEM_MAX 262144

struct nomem {
	uint64_t fail;		   /* in: the allocation that fails, from 1; 0: none does */
	uint64_t trace;		   /* in: whether to fill `stack` */
	uint64_t n;		   /* out: how many there were */
	uint64_t stack[NOMEM_MAX]; /* out: a hash of the return addresses of each */
};

#endif
