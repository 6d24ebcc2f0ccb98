/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock that nobody sets: for how long something takes, and until when it is waited for.
 */
#ifndef BULKHEAD_CLOCK_H
#define BULKHEAD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline int64_t clock_ms(void)
{
	return (int64_t)(clock_us() / 1000);
}

#endif
