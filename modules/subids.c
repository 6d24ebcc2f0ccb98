/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subids: the accounts that Docker's user namespaces are for, and one range of subordinate ids
 * each, the same in /etc/subuid and /etc/subgid.
 *
 * A range that stands is never moved or grown: Docker's data root is named after its first ids. It
 * is made before the daemon sees userns-remap, since 28 and later allocate over other users' ranges
 * (moby reads root's lines only).
 */
#include <inttypes.h>
#include <stdarg.h>

#include "../src/buf.h"
#include "../src/idmap.h"
#include "../src/module.h"

#define NAME "subids"
#define DEFAULT_POOL                                                                               \
	"2000224256-2147352575" /* outside all of idregions[], on multiples of 65536               \
				 */
#define RANGES_MAX 64
#define AVOID_MAX  1024
#define NOTES_MAX  5

static const struct field range_fields[] = {
	{ .name = "owner",
	  .type = FIELD_NAME,
	  .required = true,
	  .help = "the account, made as a system account when missing; an existing one's uid does "
		  "as well" },
	{ .name = "count",
	  .type = FIELD_INT,
	  .fallback = "65536",
	  .min = 1,
	  .max = 4294901759,
	  .help = "how many ids; below 65536 a container's nobody is not mapped" },
	{ .name = "start",
	  .type = FIELD_INT,
	  .min = 65536,
	  .max = 4294967294,
	  .help = "pins the first id; without it the lowest free block of the pool is taken" },
	{ 0 },
};

static const struct field range_row = { .name = "range", .type = FIELD_OBJECT, .of = range_fields };
static const struct field avoid_row = { .name = "ids", .type = FIELD_IDRANGE };

static const struct field fields[] = {
	{ .name = "ranges",
	  .type = FIELD_LIST,
	  .of = &range_row,
	  .max = RANGES_MAX,
	  .cis = "2.9",
	  .help = "who gets subordinate ids, in /etc/subuid and /etc/subgid alike" },
	{ .name = "pool",
	  .type = FIELD_IDRANGE,
	  .fallback = DEFAULT_POOL,
	  .help = "where new ranges come from" },
	{ .name = "align",
	  .type = FIELD_INT,
	  .fallback = "65536",
	  .min = 1,
	  .max = 2147483648,
	  .help = "new ranges begin on a multiple of this" },
	{ .name = "avoid",
	  .type = FIELD_LIST,
	  .of = &avoid_row,
	  .max = AVOID_MAX,
	  .help = "ids that no new range may touch" },
	{ .name = "accept-nss",
	  .type = FIELD_BOOL,
	  .fallback = "false",
	  .help = "go on where nsswitch.conf names another source for subid, which Docker doesn't "
		  "read" },
	{ 0 },
};

/* --- The plan --- */

struct wanted {
	char setting[24]; /* "ranges[0]" */
	const char *owner;
	struct idrange ids; /* start 0: not pinned */
};

struct settings {
	struct wanted ranges[RANGES_MAX];
	size_t n;
	uint32_t pool_first, pool_last;
	uint64_t align;
	bool accept_nss;
};

static void settings_read(const struct section *s, struct settings *ret)
{
	const json_t *ranges = section_get(s, "ranges");
	const char *pool = section_str(s, "pool");
	long long align = section_int(s, "align", 65536);

	*ret = (struct settings){ .align = align > 0 ? (uint64_t)align : 1,
				  .accept_nss = section_bool(s, "accept-nss", false) };
	if (!pool || parse_idrange(pool, &ret->pool_first, &ret->pool_last) < 0)
		parse_idrange(DEFAULT_POOL, &ret->pool_first, &ret->pool_last);
	for (size_t i = 0; i < json_array_size(ranges) && i < RANGES_MAX; i++) {
		const json_t *range = json_array_get(ranges, i);
		const json_t *count = json_object_get(range, "count");
		struct wanted *w = &ret->ranges[ret->n];

		w->owner = json_string_value(json_object_get(range, "owner"));
		if (!w->owner) /* a mistake that is told already */
			continue;
		w->ids.start = (uint64_t)json_integer_value(json_object_get(range, "start"));
		w->ids.count = count ? (uint64_t)json_integer_value(count) : 65536;
		snprintf(w->setting, sizeof(w->setting), "ranges[%zu]", i);
		ret->n++;
	}
}

static bool overlap(const struct idrange *x, const struct idrange *y)
{
	return x->start < y->start + y->count && y->start < x->start + x->count;
}

/* The plan's own ids to keep out of: `avoid`, and what it pins. Returns how many. */
static size_t avoid_read(const struct section *s, const struct settings *set,
			 struct idrange ret[AVOID_MAX + 2 * RANGES_MAX])
{
	const json_t *avoid = section_get(s, "avoid");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(avoid) && n < AVOID_MAX; i++) {
		const char *text = json_string_value(json_array_get(avoid, i));
		uint32_t first, last;

		if (text && parse_idrange(text, &first, &last) == 0)
			ret[n++] = (struct idrange){ first, (uint64_t)last - first + 1 };
	}
	for (size_t i = 0; i < set->n; i++)
		if (set->ranges[i].ids.start)
			ret[n++] = set->ranges[i].ids;
	return n;
}

static void refuse(struct errs *out, const struct section *s, const struct wanted *w,
		   const char *field, const char *fmt, ...) PRINTF(5, 6);

static void refuse(struct errs *out, const struct section *s, const struct wanted *w,
		   const char *field, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	va_list ap;

	snprintf(path, sizeof(path), "%s%s", w->setting, field);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		errs_add(out, section_where(s, path), "%s", text);
	else
		out->failed = true;
}

static void check_pin(const struct section *s, const struct settings *set, size_t i,
		      const struct idrange *avoid, size_t n_avoid, struct errs *out)
{
	const struct wanted *w = &set->ranges[i];

	if (w->ids.count > UINT32_MAX - w->ids.start) {
		refuse(out, s, w, ".start",
		       "%" PRIu64 " ids from %" PRIu64 " end past 4294967294, the highest there is",
		       w->ids.count, w->ids.start);
		return;
	}
	for (const struct idregion *g = idregions; g->what; g++)
		if (g->never &&
		    overlap(&w->ids, &(struct idrange){ g->first, g->last - g->first + 1 }))
			refuse(out, s, w, ".start",
			       "%" PRIu64 "-%" PRIu64 " reaches into %" PRIu64 "-%" PRIu64
			       ", which is reserved: %s",
			       w->ids.start, w->ids.start + w->ids.count - 1, g->first, g->last,
			       g->what);
	for (size_t k = 0; k < n_avoid; k++)
		if (overlap(&w->ids, &avoid[k])) {
			refuse(out, s, w, ".start",
			       "%" PRIu64 "-%" PRIu64 " touches %" PRIu64 "-%" PRIu64
			       ", which the plan says to avoid",
			       w->ids.start, w->ids.start + w->ids.count - 1, avoid[k].start,
			       avoid[k].start + avoid[k].count - 1);
			break;
		}
	for (size_t k = 0; k < i; k++)
		if (set->ranges[k].ids.start && overlap(&w->ids, &set->ranges[k].ids)) {
			refuse(out, s, w, ".start",
			       "overlaps the range that is pinned for '%s' at %" PRIu64,
			       set->ranges[k].owner, set->ranges[k].ids.start);
			break;
		}
}

static void check(const struct section *s, struct errs *out)
{
	struct idrange avoid[AVOID_MAX + 2 * RANGES_MAX];
	struct settings set;
	uint64_t first, room;
	size_t n_avoid;

	settings_read(s, &set);
	n_avoid = avoid_read(s, &(struct settings){ .n = 0 }, avoid);
	first = (set.pool_first + set.align - 1) / set.align * set.align;
	room = set.pool_last >= first ? set.pool_last - first + 1 : 0;
	for (size_t i = 0; i < set.n; i++) {
		const struct wanted *w = &set.ranges[i];

		if (streq(w->owner, "root") || streq(w->owner, "0"))
			refuse(out, s, w, ".owner",
			       "root gets no range: with it as userns-remap Docker turns user "
			       "namespaces off. Name an account of its own, 'dockremap' say");
		for (size_t k = 0; k < i; k++)
			if (streq(w->owner, set.ranges[k].owner)) {
				refuse(out, s, w, ".owner",
				       "'%s' has a range in this plan already (%s); one owner, one "
				       "range",
				       w->owner, set.ranges[k].setting);
				break;
			}
		if (w->ids.start)
			check_pin(s, &set, i, avoid, n_avoid, out);
		else if (w->ids.count > room)
			refuse(out, s, w, ".count",
			       "the pool %" PRIu32 "-%" PRIu32 " has room for %" PRIu64
			       " ids from a multiple of %" PRIu64 ", not for %" PRIu64,
			       set.pool_first, set.pool_last, room, set.align, w->ids.count);
	}
}

/* --- The host --- */

/* The settings, and what the host has. */
struct work {
	const struct section *s;
	const struct host *h;
	struct changes *out; /* NULL: only looking */
	struct settings set;
	struct accounts a;
	const struct idmap *m;
	struct idrange avoid[AVOID_MAX + 2 * RANGES_MAX];
	size_t n_avoid;
	json_t *state; /* the lines we added, now and before */
	bool added;
};

static void work_free(struct work *w)
{
	accounts_done(&w->a);
	json_decref(w->state);
	free(w);
}
DEFINE_CLEANUP(struct work, work_free);

static int work_new(const struct section *s, const struct host *h, struct changes *out,
		    struct work **ret, struct err *e)
{
	_cleanup_(work_free_cleanup) struct work *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_oom(e);
	w->s = s;
	w->h = h;
	w->out = out;
	settings_read(s, &w->set);
	w->n_avoid = avoid_read(s, &w->set, w->avoid);
	r = accounts_load(h, &w->a, e);
	if (r == 0)
		r = idmap_get(h, &w->m, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

enum verdict {
	KEEP,	  /* in both files, clean and large enough */
	COMPLETE, /* in one of them */
	ADD,	  /* in neither */
	REFUSE,	  /* with the reason in `why` */
};

static bool all_digits(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

/* What is to be done for a range of the plan; -ENOMEM. */
static int judge(const struct work *w, const struct wanted *want, struct owner_range *o,
		 enum verdict *ret, struct buf *why, struct err *e)
{
	const struct account *user = accounts_owner(&w->a, want->owner);
	int r = idmap_owner(w->m, &w->a, want->owner, o, e);

	if (r < 0)
		return r;
	*ret = o->in[SUBUID] && o->in[SUBGID]	? KEEP
	       : o->in[SUBUID] || o->in[SUBGID] ? COMPLETE
						: ADD;
	if (!user && all_digits(want->owner))
		buf_addf(why, "no account has uid %s: name the account, so that it can be made",
			 want->owner);
	else if (user && user->id == 0)
		buf_addf(why, "'%s' is uid 0: with it Docker turns user namespaces off",
			 want->owner);
	else if (o->problem)
		buf_addf(why, "the range that '%s' has can't be used as it is: %s", want->owner,
			 o->problem);
	for (int f = SUBUID; f <= SUBGID && !why->len; f++) {
		if (!o->in[f])
			continue;
		if (want->ids.start && o->range[f].start != want->ids.start)
			buf_addf(
				why,
				"'%s' has its range at %" PRIu64
				" in %s, the plan pins it at %" PRIu64
				". A range is not moved: Docker's data lives under the range's name. "
				"Pin it where it is, or, to begin anew without the images and "
				"containers, take its lines out of both files while Docker is stopped",
				want->owner, o->range[f].start, subid_paths[f], want->ids.start);
		else if (o->range[f].count < want->ids.count)
			buf_addf(
				why,
				"'%s' has %" PRIu64 " ids from %" PRIu64
				" in %s, the plan wants %" PRIu64
				". A range is not grown: its containers' files would get other owners. "
				"Lower 'count', or edit the line while Docker is stopped",
				want->owner, o->range[f].count, o->range[f].start, subid_paths[f],
				want->ids.count);
	}
	if (why->failed)
		return err_oom(e);
	if (why->len)
		*ret = REFUSE;
	return 0;
}

static int remember_line(struct work *w, int file, const char *line, struct err *e)
{
	json_t *lines = json_object_get(w->state, subid_paths[file]);

	if (!json_is_array(lines)) {
		lines = json_array();
		if (!lines || json_object_set_new(w->state, subid_paths[file], lines) < 0)
			return err_oom(e);
	}
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const char *old = json_string_value(json_array_get(lines, i));

		if (old && streq(old, line))
			return 0;
	}
	return json_array_append_new(lines, json_string(line)) < 0 ? err_oom(e) : 0;
}

static int add_line(struct work *w, const struct wanted *want, int file, const struct idrange *ids,
		    const char *how, struct err *e)
{
	const struct account *user = accounts_owner(&w->a, want->owner);
	_cleanup_free_ char *line = NULL, *why = NULL;
	const char *name = user ? user->name : want->owner;

	if (asprintf(&line, "%s:%" PRIu64 ":%" PRIu64, name, ids->start, ids->count) < 0) {
		line = NULL;
		return err_oom(e);
	}
	if (asprintf(&why, "%s gets %" PRIu64 "-%" PRIu64 "%s", name, ids->start,
		     ids->start + ids->count - 1, how) < 0) {
		why = NULL;
		return err_oom(e);
	}
	if (changes_line(w->out, w->h, subid_paths[file], line, 0644, NAME, want->setting, why, e) <
	    0)
		return e->code;
	w->added = true;
	return remember_line(w, file, line, e);
}

/* Traps of a new range that are the plan's to decide. */
static int note_range(struct work *w, const struct wanted *want, const struct idrange *ids,
		      struct err *e)
{
	static const char *const window[2][2] = { { "SUB_UID_MIN", "SUB_UID_MAX" },
						  { "SUB_GID_MIN", "SUB_GID_MAX" } };
	uint64_t last = ids->start + ids->count - 1;

	if (ids->count < 65536 &&
	    changes_note(w->out, NAME, want->setting, e,
			 "%" PRIu64 " ids are fewer than 65536: nobody (65534) of a container is "
			 "not mapped, and images that use it can't be unpacked",
			 ids->count) < 0)
		return e->code;
	for (const struct idregion *g = idregions; g->what; g++)
		if (!g->never && ids->start <= g->last && last >= g->first &&
		    changes_note(w->out, NAME, want->setting, e,
				 "%" PRIu64 "-%" PRIu64 " lies in %" PRIu64 "-%" PRIu64 ": %s",
				 ids->start, last, g->first, g->last, g->what) < 0)
			return e->code;
	for (int f = SUBUID; f <= SUBGID; f++) {
		uint64_t min, max;

		if (accounts_login_def(w->h, window[f][0], 100000, &min, e) < 0 ||
		    accounts_login_def(w->h, window[f][1], 600100000, &max, e) < 0)
			return e->code;
		if (ids->start > max || last < min)
			continue;
		return changes_note(w->out, NAME, want->setting, e,
				    "%" PRIu64 "-%" PRIu64 " lies in %" PRIu64 "-%" PRIu64
				    ", from which useradd serves new users (%s of login.defs)",
				    ids->start, last, min, max, window[f][0]);
	}
	return 0;
}

static int add_both(struct work *w, const struct wanted *want, struct err *e)
{
	struct idrange ids = want->ids;
	int r;

	for (int f = SUBUID; f <= SUBGID && want->ids.start; f++) {
		_cleanup_free_ char *why = NULL;

		r = idmap_in_the_way(w->m, &w->a, (enum subid_file)f, &ids, &why, e);
		if (r < 0)
			return r;
		if (r > 0) {
			refuse(&w->out->refusals, w->s, want, ".start",
			       "%" PRIu64 "-%" PRIu64 " is not free for '%s': %s", ids.start,
			       ids.start + ids.count - 1, want->owner, why);
			return 0;
		}
	}
	if (!want->ids.start) {
		r = idmap_free_block(w->m, &w->a, w->set.pool_first, w->set.pool_last, ids.count,
				     w->set.align, w->avoid, w->n_avoid, &ids.start, e);
		if (r == -ENOSPC) {
			refuse(&w->out->refusals, w->s, want, "", "%s", e->text);
			return 0;
		}
		if (r < 0)
			return r;
		w->avoid[w->n_avoid++] = ids;
	}
	for (int f = SUBUID; f <= SUBGID; f++) {
		r = add_line(w, want, f, &ids,
			     want->ids.start ? ", as the plan pins it"
					     : ", the lowest free block of the pool",
			     e);
		if (r < 0)
			return r;
	}
	return note_range(w, want, &ids, e);
}

static int complete(struct work *w, const struct wanted *want, const struct owner_range *o,
		    struct err *e)
{
	int from = o->in[SUBUID] ? SUBUID : SUBGID, to = from == SUBUID ? SUBGID : SUBUID;
	const struct idrange *ids = &o->range[from];
	_cleanup_free_ char *why = NULL;
	int r = idmap_in_the_way(w->m, &w->a, (enum subid_file)to, ids, &why, e);

	if (r < 0)
		return r;
	if (r > 0) {
		refuse(&w->out->refusals, w->s, want, "",
		       "'%s' has %" PRIu64 "-%" PRIu64
		       " in %s only, and in %s these ids are not free: "
		       "%s",
		       want->owner, ids->start, ids->start + ids->count - 1, subid_paths[from],
		       subid_paths[to], why);
		return 0;
	}
	return add_line(w, want, to, ids,
			from == SUBUID ? ", as /etc/subuid has it already"
				       : ", as /etc/subgid has it already",
			e);
}

static int diff_range(struct work *w, size_t i, struct err *e)
{
	const struct wanted *want = &w->set.ranges[i];
	const struct account *user = accounts_owner(&w->a, want->owner);
	_cleanup_(owner_range_done) struct owner_range o = { 0 };
	_cleanup_buf_ struct buf why = BUF_INIT;
	enum verdict verdict;
	int r;

	for (size_t k = 0; user && k < i; k++)
		if (accounts_owner(&w->a, w->set.ranges[k].owner) == user) {
			refuse(&w->out->refusals, w->s, want, ".owner",
			       "'%s' and '%s' are the same account; one owner, one range",
			       want->owner, w->set.ranges[k].owner);
			return 0;
		}
	r = judge(w, want, &o, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict == REFUSE) {
		refuse(&w->out->refusals, w->s, want, "", "%s", why.data);
		return 0;
	}
	if (!user) {
		r = accounts_add_system(w->h, want->owner, w->out, NAME, want->setting, e);
		if (r == -EEXIST || r == -ENOSPC || r == -EINVAL) {
			refuse(&w->out->refusals, w->s, want, ".owner", "%s", e->text);
			return 0;
		}
		if (r < 0)
			return r;
	}
	if (verdict == ADD)
		return add_both(w, want, e);
	return verdict == COMPLETE ? complete(w, want, &o, e) : 0;
}

/* Strangers' overlaps don't stop us, but who adds a range should have read of them once. */
static int note_strangers(struct work *w, struct err *e)
{
	struct idmap_findings found = { 0 };
	int r = idmap_findings(w->m, &w->a, w->h, IDMAP_ERROR, &found, e);

	for (size_t i = 0; i < found.n && i < NOTES_MAX && r == 0; i++)
		r = changes_note(w->out, NAME, NULL, e, "%s line %u: %s",
				 subid_paths[found.list[i].file], found.list[i].line,
				 found.list[i].text);
	if (r == 0 && found.n > NOTES_MAX)
		r = changes_note(w->out, NAME, NULL, e,
				 "and %zu more: 'bulkhead subids' lists them", found.n - NOTES_MAX);
	idmap_findings_done(&found);
	return r;
}

static bool nss_refused(const struct work *w)
{
	return w->m->nss && !w->set.accept_nss;
}

#define NSS_WHY                                                                                     \
	"/etc/nsswitch.conf of this root has 'subid: %s': useradd and newuidmap ask there, Docker " \
	"reads the files only. Take it out, or say 'accept-nss: true' if both are meant"

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_(work_free_cleanup) struct work *w = NULL;
	const json_t *before = was && json_is_object(was->state) ? was->state : NULL;
	int r;

	if (!s) {
		/* Ranges and accounts stay, so what we know of them does. */
		json_t *state = before ? json_clone(before, true) : NULL;

		if (!before)
			return 0;
		if (!state)
			return err_oom(e);
		r = changes_remember(out, NAME, state, e);
		json_decref(state);
		return r;
	}
	r = work_new(s, h, out, &w, e);
	if (r < 0)
		return r;
	w->state = before ? json_clone(before, true) : json_object();
	if (!w->state)
		return err_oom(e);
	if (nss_refused(w) && w->set.n)
		errs_add(&out->refusals, section_where(s, "ranges"), NSS_WHY, w->m->nss);
	for (size_t i = 0; i < w->set.n; i++) {
		r = diff_range(w, i, e);
		if (r < 0)
			return r;
	}
	if (w->added) {
		r = note_strangers(w, e);
		if (r < 0)
			return r;
	}
	return json_object_size(w->state) ? changes_remember(out, NAME, w->state, e) : 0;
}

static void found_text(const struct owner_range *o, struct buf *out)
{
	char ids[2][48];

	for (int f = SUBUID; f <= SUBGID; f++)
		snprintf(ids[f], sizeof(ids[f]), "%" PRIu64 "-%" PRIu64, o->range[f].start,
			 o->range[f].start + o->range[f].count - 1);
	if (o->in[SUBUID] && o->in[SUBGID] && !o->differs)
		buf_addf(out, "%s in subuid and subgid", ids[SUBUID]);
	else if (o->in[SUBUID] && o->in[SUBGID])
		buf_addf(out, "%s in subuid, %s in subgid", ids[SUBUID], ids[SUBGID]);
	else if (o->in[SUBUID] || o->in[SUBGID])
		buf_addf(out, "%s in %s only", ids[o->in[SUBUID] ? SUBUID : SUBGID],
			 o->in[SUBUID] ? "subuid" : "subgid");
	else
		buf_adds(out, "no range");
}

static int verify_range(struct work *w, const struct wanted *want, struct findings *out,
			struct err *e)
{
	_cleanup_(owner_range_done) struct owner_range o = { 0 };
	_cleanup_buf_ struct buf why = BUF_INIT, found = BUF_INIT;
	enum finding_state state = FINDING_DRIFT;
	char wanted[64];
	enum verdict verdict;
	int r = judge(w, want, &o, &verdict, &why, e);

	if (r < 0)
		return r;
	if (verdict != REFUSE && nss_refused(w)) {
		verdict = REFUSE;
		buf_addf(&why, NSS_WHY, w->m->nss);
	}
	found_text(&o, &found);
	if (verdict == REFUSE) {
		state = FINDING_FAILED;
	} else if (!accounts_owner(&w->a, want->owner)) {
		buf_addf(&found, ", no account %s", want->owner);
	} else if (verdict == KEEP) {
		state = FINDING_OK;
		buf_adds(&why, "/etc/subuid and /etc/subgid, as both of their readers see them");
	}
	if (why.failed || found.failed)
		return err_oom(e);
	if (want->ids.start)
		snprintf(wanted, sizeof(wanted), "%" PRIu64 " ids from %" PRIu64, want->ids.count,
			 want->ids.start);
	else
		snprintf(wanted, sizeof(wanted), "%" PRIu64 " ids", want->ids.count);
	return findings_add(out, NAME, want->setting, "2.9", state, wanted, found.data,
			    why.len ? why.data : NULL, e);
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_(work_free_cleanup) struct work *w = NULL;
	int r;

	(void)was; /* what we added before proves nothing */
	if (!s)
		return 0;
	r = work_new(s, h, NULL, &w, e);
	for (size_t i = 0; r == 0 && i < w->set.n; i++)
		r = verify_range(w, &w->set.ranges[i], out, e);
	return r;
}

const struct module module_subids = {
	.name = NAME,
	.summary = "accounts for user namespaces, and their ranges of subordinate ids",
	.fields = fields,
	.order = 10,
	.check = check,
	.diff = diff,
	.verify = verify,
};
