/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a check that found something, for tests of how it is shown. Beside rooted.h.
 */
#ifndef BULKHEAD_CHECKED_H
#define BULKHEAD_CHECKED_H

#include "rooted.h"

#include "../src/report.h"

static struct report r;

static inline void checked_setup(void)
{
	root_setup();
	report_init(&r, "check", host);
	r.result = REPORT_DIFFERS;
	r.code = EXIT_DIFFERS;
}

static inline void checked_teardown(void)
{
	report_done(&r);
	root_teardown();
}

#endif
