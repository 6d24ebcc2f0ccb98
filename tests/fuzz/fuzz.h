/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the drivers share: bounds on memory, inputs of several parts, scratch trees.
 *
 * A driver defines fuzz_one() and fuzz_bounds. fuzz.c calls it, under libFuzzer (`make fuzz`) and
 * under fuzz_main.c (`make check`), and holds it to its bounds where ASan counts allocations.
 */
#ifndef BULKHEAD_FUZZ_H
#define BULKHEAD_FUZZ_H

#include "../../src/util.h"

/* One input. Returns when every property held; require() ends the process when one did not. */
void fuzz_one(const char *data, size_t len);

/* What may be allocated at the same time: base + per_byte * the input's size. */
struct fuzz_bounds {
	size_t base, per_byte;
};
extern const struct fuzz_bounds fuzz_bounds;

#define require(ok)                                                                                \
	do {                                                                                       \
		if (!(ok))                                                                         \
			fuzz_violated(__FILE__, __LINE__, #ok);                                    \
	} while (0)
void fuzz_violated(const char *file, int line, const char *what) __attribute__((noreturn));

/* A part of an input, up to a NUL byte, as a string of its own (free it) of *ret_len bytes; *data
 * and *len go behind it. The `last` one keeps its NUL bytes. */
char *fuzz_part(const char **data, size_t *len, bool last, size_t *ret_len);

/* --- scratch trees --- */

/*
 * The directory of the host that an input describes, empty at first: made below TMPDIR (/dev/shm
 * when it isn't set), removed at the end. What lies beside it, in "outside", nobody may touch.
 */
const char *fuzz_root(void);

/*
 * Fills fuzz_root() with what the parts of an input describe, after emptying it. A part is a line
 * and a content:
 *
 *   /etc/file                  0644, root:root
 *   /etc/file 0600 1000:1000   mode and owner
 *   /etc/file 0640 acl         with an ACL entry of a named user; xattr: with user.test
 *   /etc/directory/            a directory
 *   /etc/link -> ../else       a symbolic link
 *
 * Directories on the way are made. What can't be made (a part below a file) is left out.
 */
void fuzz_tree(const char *data, size_t len);

/* Takes the lock files of shadow's tools away: a busy one is waited for, longer than an input may
 * take. */
void fuzz_unlock(void);

/*
 * All that a person could see of fuzz_root(): names, types, owners, modes, contents, attributes,
 * but for the journal's own and the lock file that shadow's tools leave. `touched`: inodes and
 * times as well, and the journal's files too. Free it.
 */
char *fuzz_snapshot(bool touched);

/* Require that a snapshot is what it was; `when` tells when not. Frees `now`. */
void fuzz_same(const char *before, char *now, const char *when);

/* Require that nothing beside the root was touched. */
void fuzz_outside(void);

#endif
