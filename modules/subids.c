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

#include "daemon_host.h"
#include "subrange.h"

#define NAME "subids"

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
	  .max = SUBRANGES_MAX,
	  .cis = "2.9",
	  .help = "who gets subordinate ids, in /etc/subuid and /etc/subgid alike" },
	{ .name = "pool",
	  .type = FIELD_IDRANGE,
	  .fallback = SUBRANGE_POOL,
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
	  .max = SUBRANGE_AVOID_MAX,
	  .help = "ids that no new range may touch" },
	{ .name = "accept-nss",
	  .type = FIELD_BOOL,
	  .fallback = "false",
	  .help = "go on where nsswitch.conf names another source for subid, which Docker doesn't "
		  "read" },
	{ 0 },
};

/* --- The plan --- */

struct settings {
	struct subrange ranges[SUBRANGES_MAX];
	size_t n;
	struct subpool pool;
};

static void settings_read(const struct section *s, struct settings *ret)
{
	const json_t *ranges = section_get(s, "ranges");

	*ret = (struct settings){ 0 };
	subpool_read(s, &ret->pool);
	for (size_t i = 0; i < json_array_size(ranges) && i < SUBRANGES_MAX; i++) {
		const json_t *range = json_array_get(ranges, i);
		const json_t *count = json_object_get(range, "count");
		struct subrange *w = &ret->ranges[ret->n];

		w->owner = json_string_value(json_object_get(range, "owner"));
		if (!w->owner) /* a mistake that is told already */
			continue;
		w->ids.start = (uint64_t)json_integer_value(json_object_get(range, "start"));
		w->ids.count = count ? (uint64_t)json_integer_value(count) : 65536;
		snprintf(w->setting, sizeof(w->setting), "ranges[%zu]", i);
		w->at = i;
		ret->n++;
	}
}

static bool overlap(const struct idrange *x, const struct idrange *y)
{
	return x->start < y->start + y->count && y->start < x->start + x->count;
}

static void check_pin(const struct section *s, const struct settings *set, size_t i,
		      struct errs *out)
{
	const struct subrange *w = &set->ranges[i];
	const struct idrange *avoid = set->pool.avoid;

	if (w->ids.count > UINT32_MAX - w->ids.start) {
		subrange_refuse(out, s, w, ".start",
				"%" PRIu64 " ids from %" PRIu64
				" end past 4294967294, the highest there is",
				w->ids.count, w->ids.start);
		return;
	}
	for (const struct idregion *g = idregions; g->what; g++)
		if (g->never &&
		    overlap(&w->ids, &(struct idrange){ g->first, g->last - g->first + 1 }))
			subrange_refuse(out, s, w, ".start",
					"%" PRIu64 "-%" PRIu64 " reaches into %" PRIu64 "-%" PRIu64
					", which is reserved: %s",
					w->ids.start, w->ids.start + w->ids.count - 1, g->first,
					g->last, g->what);
	for (size_t k = 0; k < set->pool.n_avoid; k++)
		if (overlap(&w->ids, &avoid[k])) {
			subrange_refuse(out, s, w, ".start",
					"%" PRIu64 "-%" PRIu64 " touches %" PRIu64 "-%" PRIu64
					", which the plan says to avoid",
					w->ids.start, w->ids.start + w->ids.count - 1,
					avoid[k].start, avoid[k].start + avoid[k].count - 1);
			break;
		}
	for (size_t k = 0; k < i; k++)
		if (set->ranges[k].ids.start && overlap(&w->ids, &set->ranges[k].ids)) {
			subrange_refuse(out, s, w, ".start",
					"overlaps the range that is pinned for '%s' at %" PRIu64,
					set->ranges[k].owner, set->ranges[k].ids.start);
			break;
		}
}

static void check(const struct section *s, struct errs *out)
{
	const struct subpool *pool;
	struct settings set;
	uint64_t first, room;

	settings_read(s, &set);
	pool = &set.pool;
	first = (pool->first + pool->align - 1) / pool->align * pool->align;
	room = pool->last >= first ? pool->last - first + 1 : 0;
	for (size_t i = 0; i < set.n; i++) {
		const struct subrange *w = &set.ranges[i];

		if (streq(w->owner, "root") || streq(w->owner, "0"))
			subrange_refuse(
				out, s, w, ".owner",
				"root gets no range: with it as userns-remap Docker turns user "
				"namespaces off. Name an account of its own, 'dockremap' say");
		for (size_t k = 0; k < i; k++)
			if (streq(w->owner, set.ranges[k].owner)) {
				subrange_refuse(
					out, s, w, ".owner",
					"'%s' has a range in this plan already (ranges[%zu]); one "
					"owner, one range",
					w->owner, section_index(s, "ranges", set.ranges[k].at));
				break;
			}
		if (w->ids.start)
			check_pin(s, &set, i, out);
		else if (w->ids.count > room)
			subrange_refuse(out, s, w, ".count",
					"the pool %" PRIu32 "-%" PRIu32 " has room for %" PRIu64
					" ids from a multiple of %" PRIu64 ", not for %" PRIu64,
					pool->first, pool->last, room, pool->align, w->ids.count);
	}
}

/* --- The host --- */

/* What the plan pins is kept out of, too. */
static int work_new(const struct section *s, const struct host *h, struct changes *out,
		    struct settings *set, struct subwork **ret, struct err *e)
{
	settings_read(s, set);
	for (size_t i = 0; i < set->n; i++)
		if (set->ranges[i].ids.start)
			set->pool.avoid[set->pool.n_avoid++] = set->ranges[i].ids;
	return subwork_new(s, NAME, &set->pool, h, out, ret, e);
}

static int diff_range(struct subwork *w, const struct settings *set, size_t i, struct err *e)
{
	const struct subrange *want = &set->ranges[i];
	const struct account *user = accounts_owner(&w->a, want->owner);
	_cleanup_(owner_range_done) struct owner_range o = { 0 };
	_cleanup_buf_ struct buf why = BUF_INIT;
	enum subrange_verdict verdict;
	int r;

	for (size_t k = 0; user && k < i; k++)
		if (accounts_owner(&w->a, set->ranges[k].owner) == user) {
			subrange_refuse(&w->out->refusals, w->s, want, ".owner",
					"'%s' and '%s' are the same account; one owner, one range",
					want->owner, set->ranges[k].owner);
			return 0;
		}
	r = subrange_judge(w, want, &o, &verdict, &why, e);
	if (r < 0)
		return r;
	if (verdict == SUBRANGE_REFUSE) {
		subrange_refuse(&w->out->refusals, w->s, want, "", "%s", why.data);
		return 0;
	}
	if (!user) {
		r = accounts_add_system(w->h, want->owner, w->out, NAME, want->setting, e);
		if (r == -EEXIST || r == -ENOSPC || r == -EINVAL) {
			subrange_refuse(&w->out->refusals, w->s, want, ".owner", "%s", e->text);
			return 0;
		}
		if (r < 0)
			return r;
	}
	return subrange_settle(w, want, &o, verdict, e);
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_subwork_ struct subwork *w = NULL;
	struct settings set;
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
	r = work_new(s, h, out, &set, &w, e);
	if (r < 0)
		return r;
	w->state = before ? json_clone(before, true) : json_object();
	if (!w->state)
		return err_oom(e);
	if (subrange_nss_refused(w) && set.n)
		errs_add(&out->refusals, section_where(s, "ranges"), SUBRANGE_NSS_WHY, w->m->nss);
	for (size_t i = 0; i < set.n; i++) {
		r = diff_range(w, &set, i, e);
		if (r < 0)
			return r;
	}
	if (w->added) {
		r = subrange_note_strangers(w, e);
		if (r < 0)
			return r;
	}
	return json_object_size(w->state) ? changes_remember(out, NAME, w->state, e) : 0;
}

static int verify_range(struct subwork *w, const struct subrange *want, struct findings *out,
			struct err *e)
{
	_cleanup_(owner_range_done) struct owner_range o = { 0 };
	_cleanup_buf_ struct buf why = BUF_INIT, found = BUF_INIT;
	enum finding_state state = FINDING_DRIFT;
	char wanted[64];
	enum subrange_verdict verdict;
	int r = subrange_judge(w, want, &o, &verdict, &why, e);

	if (r < 0)
		return r;
	if (verdict != SUBRANGE_REFUSE && subrange_nss_refused(w)) {
		verdict = SUBRANGE_REFUSE;
		buf_addf(&why, SUBRANGE_NSS_WHY, w->m->nss);
	}
	subrange_found(&o, &found);
	if (verdict == SUBRANGE_REFUSE) {
		state = FINDING_FAILED;
	} else if (!accounts_owner(&w->a, want->owner)) {
		buf_addf(&found, ", no account %s", want->owner);
	} else if (verdict == SUBRANGE_KEEP) {
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
	_cleanup_subwork_ struct subwork *w = NULL;
	struct settings set;
	int r;

	(void)was; /* what we added before proves nothing */
	if (!s)
		return 0;
	r = work_new(s, h, NULL, &set, &w, e);
	for (size_t i = 0; r == 0 && i < set.n; i++)
		r = verify_range(w, &set.ranges[i], out, e);
	return r;
}

/* The range that dockerd uses, pinned where it is: another one would be another data root. */
static int survey(const struct host *h, struct survey *out, struct err *e)
{
	static const char pinned[] =
		"Docker's data root is named after its first id: it is never moved";
	_cleanup_userns_ struct daemon_userns u = { 0 };
	const struct idrange *x = u.range.range, *y = x + 1;
	_cleanup_free_ char *remap = NULL;
	json_t *range;

	if (daemon_remap_now(h, &remap, e) < 0)
		return e->code;
	if (!remap)
		return 0;
	if (daemon_userns_load(h, remap, &u, e) < 0)
		return e->code;
	if (!u.range.in[SUBUID] && !u.range.in[SUBGID])
		return survey_remark(
			out, e,
			"userns-remap names '%s', who has no range in /etc/subuid and /etc/subgid",
			u.user);
	if (!u.range.in[SUBUID])
		x = y;
	else if (!u.range.in[SUBGID])
		y = x;
	range = json_pack("{s:s, s:I}", "owner", u.user, "count",
			  (json_int_t)(x->count < y->count ? x->count : y->count));
	/* Where the files differ there is no one id to pin; what stands is kept all the same. */
	if (range && x->start == y->start &&
	    json_object_set_new(range, "start", json_integer((json_int_t)x->start)) < 0) {
		json_decref(range);
		return err_oom(e);
	}
	return survey_add(out, "ranges", range ? json_pack("[o]", range) : NULL, pinned, e);
}

const struct module module_subids = {
	.name = NAME,
	.summary = "accounts for user namespaces, and their ranges of subordinate ids",
	.fields = fields,
	.order = 10,
	.check = check,
	.diff = diff,
	.verify = verify,
	.survey = survey,
};
