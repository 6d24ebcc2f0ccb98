/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look for drift: what `bulkhead drift` does from a timer, or soon after a file has changed.
 * Checks; tells the journal; and, when it is to mend, recovers and applies under the plan's own
 * restart policy.
 *
 * A mending that failed restarted Docker, maybe twice, and changed files and put them back, which
 * the path unit sees: the next look would try again, and so on. What failed is therefore remembered
 * until the boot (DRIFT_FAILED), and not tried again unless the plan, what differs, or a file that
 * would be changed is another one.
 */
#ifndef BULKHEAD_DRIFT_H
#define BULKHEAD_DRIFT_H

#include "event.h"
#include "reconcile.h"

#define DRIFT_FAILED "/run/bulkhead-drift.failed"

/*
 * Fills the report: of the check, or (its command says so) of the apply or the recover that came
 * after it. Waits for another run of bulkhead to end first. The exit code is the check's, or the
 * apply's, with EXIT_DIFFERS for what is still pending and EXIT_FAILED for what was to be mended
 * and is not.
 */
void drift_look(struct host *h, const struct plan *p, bool mend, const struct reconcile_options *o,
		struct events *ev, struct report *r);

#endif
