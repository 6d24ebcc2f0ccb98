/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a plan: it is loaded or refused with positions, in bounded time and memory.
 */
#include "../plan_modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct errs errs = { 0 };
	struct plan *p = NULL;
	int r = plan_load_text("fuzz", (const char *)data, size, &p, &errs, &e);

	if ((r == 0) != (p != NULL) || (r == 0 && errs_any(&errs)) ||
	    (r == -EINVAL && !errs_any(&errs)))
		__builtin_trap();
	for (size_t i = 0; i < errs.n; i++)
		if (!errs.list[i].where || !errs.list[i].text)
			__builtin_trap();
	plan_free(p);
	errs_done(&errs);
	return 0;
}
