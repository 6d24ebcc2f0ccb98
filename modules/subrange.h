/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One owner, one range of subordinate ids, the same in /etc/subuid and /etc/subgid: what is there
 * is judged and kept, what is missing is allocated. Shared by the modules that need ranges (subids,
 * rootless); the rules are those of subids.
 */
#ifndef BULKHEAD_SUBRANGE_H
#define BULKHEAD_SUBRANGE_H

#include "../src/buf.h"
#include "../src/idmap.h"
#include "../src/module.h"

#define SUBRANGE_POOL                                                                              \
	"2000224256-2147352575" /* outside all of idregions[], on multiples of 65536               \
				 */
#define SUBRANGES_MAX	   64	/* owners of a section */
#define SUBRANGE_AVOID_MAX 1024 /* entries of subids.avoid */

struct subrange {
	char setting[24]; /* "ranges[0]", for positions and reports */
	size_t at;	  /* the number in it */
	const char *owner;
	struct idrange ids; /* start 0: not pinned */
};

/* Where new ranges come from. */
struct subpool {
	uint32_t first, last;
	uint64_t align;
	bool accept_nss;
	struct idrange avoid[SUBRANGE_AVOID_MAX + 2 * SUBRANGES_MAX];
	size_t n_avoid;
};

/* The pool that the plan's subids section describes; NULL: the defaults. */
void subpool_read(const struct section *subids, struct subpool *ret);

/* The ranges of a section, and what the host has. */
struct subwork {
	const struct section *s;
	const char *module;
	const struct host *h;
	struct changes *out; /* NULL: only looking */
	struct subpool pool;
	struct accounts a;
	const struct idmap *m;
	json_t *state; /* the lines we added, now and before; NULL: nobody wants to know */
	bool added;
};

/* Takes a copy of the pool. */
int subwork_new(const struct section *s, const char *module, const struct subpool *pool,
		const struct host *h, struct changes *out, struct subwork **ret, struct err *e);
void subwork_free(struct subwork *w);
DEFINE_CLEANUP(struct subwork, subwork_free);
#define _cleanup_subwork_ _cleanup_(subwork_free_cleanup)

enum subrange_verdict {
	SUBRANGE_KEEP,	   /* in both files, clean and large enough */
	SUBRANGE_COMPLETE, /* in one of them */
	SUBRANGE_ADD,	   /* in neither */
	SUBRANGE_REFUSE,   /* with the reason in `why` */
};

/* What is to be done for a range of the plan; -ENOMEM. */
int subrange_judge(const struct subwork *w, const struct subrange *want, struct owner_range *o,
		   enum subrange_verdict *ret, struct buf *why, struct err *e);

/* Does it: lines for the files where the range is missing. What is in the way goes to the
 * refusals. */
int subrange_settle(struct subwork *w, const struct subrange *want, const struct owner_range *o,
		    enum subrange_verdict verdict, struct err *e);

/* Strangers' overlaps don't stop us, but who adds a range should have read of them once. */
int subrange_note_strangers(struct subwork *w, struct err *e);

/* Adds a refusal or a mistake at a setting below the range's own (".owner", "" for itself). */
void subrange_refuse(struct errs *out, const struct section *s, const struct subrange *want,
		     const char *field, const char *fmt, ...) PRINTF(5, 6);

/* What an owner has, as text: "100000-165535 in subuid and subgid". */
void subrange_found(const struct owner_range *o, struct buf *out);

/* nsswitch.conf names another source for subid, and the plan doesn't accept that. */
bool subrange_nss_refused(const struct subwork *w);
#define SUBRANGE_NSS_WHY                                                                            \
	"/etc/nsswitch.conf of this root has 'subid: %s': useradd and newuidmap ask there, Docker " \
	"reads the files only. Take it out, or say 'accept-nss: true' if both are meant"

#endif
