/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subordinate id ranges: /etc/subuid and /etc/subgid as both of their readers see them, what is
 * busy, what is free, what overlaps.
 *
 * shadow and Docker read one line differently (base 0 against decimal, see doc/facts in README
 * "Subordinate ids"): the union of both readings is busy, and a line of the owner being managed on
 * which they disagree is ambiguous.
 */
#ifndef BULKHEAD_IDMAP_H
#define BULKHEAD_IDMAP_H

#include "accounts.h"

struct idrange {
	uint64_t start, count; /* 64 bits: lines may wrap */
};

enum subid_file {
	SUBUID,
	SUBGID,
};

struct subid_line {
	enum subid_file file;
	unsigned line;		       /* from 1 */
	char *owner;		       /* without blanks in front; see idmap_owner_shown */
	bool by_shadow, by_docker;     /* does that reader honour it */
	struct idrange shadow, docker; /* as that reader sees it */
	bool ambiguous;		       /* they disagree, or it is not strict decimal */
};

struct idmap {
	struct subid_line *lines; /* subuid's, then subgid's; blank lines and comments left out */
	size_t n_lines;
	bool exists[2];
	bool unterminated[2]; /* the last line has no newline */
	char *nss;     /* the sources of `subid:` in nsswitch.conf other than files, or NULL */
	char *text[2]; /* private: what owners point into */
};

int idmap_load(const struct host *h, struct idmap *ret, struct err *e);

/*
 * As idmap_load, but what this run has read already is not read again while the files are the same
 * ones (inode, size, times) and nothing is planned for them: with a million lines that counts. The
 * map is the host's, until host_forget().
 */
int idmap_get(const struct host *h, const struct idmap **ret, struct err *e);

/* As idmap_load, from memory: takes over the texts (NUL-terminated; NULL: an absent file). */
int idmap_parse(char *subuid, size_t subuid_len, char *subgid, size_t subgid_len, struct idmap *ret,
		struct err *e);
void idmap_done(struct idmap *m);
#define _cleanup_idmap_ _cleanup_(idmap_done)

/* "/etc/subuid", "/etc/subgid". */
extern const char *const subid_paths[2];

/* What a line makes busy: the readings that differ, none to two of them. */
size_t subid_line_ranges(const struct subid_line *l, struct idrange ret[2]);

/* What each reader makes of an ambiguous line, as text; NULL: out of memory. */
char *subid_line_told(const struct subid_line *l);

/* The part of a range within 32 bits; false when there is none. What wraps reaches to the end. */
bool idrange_clip(const struct idrange *r, uint32_t *ret_first, uint32_t *ret_last);

/* The owner of a line, fit for a terminal: other bytes than printable ASCII as \xNN, cut when
 * long. Returns buf. */
#define OWNER_SHOWN 72
const char *idmap_owner_shown(const char *owner, char buf[OWNER_SHOWN]);

/*
 * The lowest aligned block of `count` ids inside [first, last] that is free in both files and of
 * all accounts: *ret_start. `avoid` are further ranges. Lines of `owner` itself are busy too.
 * Never: 0-65535, 2147352576-2147418111, 4294967295. -ENOSPC: none; *e says how much of the pool is
 * taken. O(n log n).
 */
int idmap_free_block(const struct idmap *m, const struct accounts *a, uint64_t first, uint64_t last,
		     uint64_t count, uint64_t align, const struct idrange *avoid, size_t n_avoid,
		     uint64_t *ret_start, struct err *e);

/* What stands in the way of a range in one of the files: a line, an account, a reserved region; as
 * text for a person. 1 and *ret (allocated), or 0. */
int idmap_in_the_way(const struct idmap *m, const struct accounts *a, enum subid_file file,
		     const struct idrange *r, char **ret, struct err *e);

/*
 * The ranges that Docker would use for a user (name or uid lines; `owner` may be either), and what
 * is wrong with them. in[] says in which files it stands. `problem` (allocated) is set when the
 * range is doubled, ambiguous, overlapping another range or an account, or reserved. `differs`: the
 * files have different ranges, which is legal.
 */
struct owner_range {
	bool in[2];
	struct idrange range[2];
	bool differs;
	char *problem;
};
int idmap_owner(const struct idmap *m, const struct accounts *a, const char *owner,
		struct owner_range *ret, struct err *e);
void owner_range_done(struct owner_range *r);

/*
 * Every class of finding about overlaps and traps, most serious first; those below `least` are left
 * out. Of the lines that a line overlaps, only the furthest-reaching one or two are told: every
 * line in an overlap is named, without a finding for each of its pairs.
 */
enum idmap_severity {
	IDMAP_NOTE,
	IDMAP_WARNING,
	IDMAP_ERROR,
};
struct idmap_finding {
	/*
	 * Stable, for JSON. Errors: "identical", "containing", "overlap", "shared-id" (of two
	 * owners), "same-owner-twice", "covers-account", "reserved", "past-32-bits", "malformed".
	 * Warnings: "name-and-uid", "ambiguous", "unterminated", "one-file-only", "nss-source",
	 * "deterministic". Notes: "orphan", "small", "region", "data-root".
	 */
	const char *class;
	enum idmap_severity severity;
	enum subid_file file;
	unsigned line, other_line; /* 0: none */
	uint64_t first, last;	   /* the ids concerned */
	char *text;
};
struct idmap_findings {
	struct idmap_finding *list;
	size_t n;
};
int idmap_findings(const struct idmap *m, const struct accounts *a, const struct host *h,
		   enum idmap_severity least, struct idmap_findings *ret, struct err *e);
void idmap_findings_done(struct idmap_findings *f);

/* A region that others hand out from, or that has a meaning of its own. */
struct idregion {
	uint64_t first, last;
	const char *what;
	bool never; /* no range of anybody may lie there */
};
extern const struct idregion idregions[]; /* ends with a NULL `what` */

/* The map for `bulkhead subids`: who owns what, gaps, findings; drawn with `width` columns, and as
 * JSON. */
int idmap_draw(const struct idmap *m, const struct idmap_findings *f, int width, bool color,
	       char **ret, struct err *e);
json_t *idmap_json(const struct idmap *m, const struct idmap_findings *f);

#endif
