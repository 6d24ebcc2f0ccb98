/* SPDX-License-Identifier: Apache-2.0 */
#include "subrange.h"

#include <inttypes.h>
#include <stdarg.h>

#define NOTES_MAX 5

void subpool_read(const struct section *subids, struct subpool *ret)
{
	const json_t *avoid = subids ? section_get(subids, "avoid") : NULL;
	const char *pool = subids ? section_str(subids, "pool") : NULL;
	long long align = subids ? section_int(subids, "align", 65536) : 65536;

	*ret = (struct subpool){ .align = align > 0 ? (uint64_t)align : 1,
				 .accept_nss =
					 subids && section_bool(subids, "accept-nss", false) };
	if (!pool || parse_idrange(pool, &ret->first, &ret->last) < 0)
		parse_idrange(SUBRANGE_POOL, &ret->first, &ret->last);
	for (size_t i = 0; i < json_array_size(avoid) && ret->n_avoid < SUBRANGE_AVOID_MAX; i++) {
		const char *text = json_string_value(json_array_get(avoid, i));
		uint32_t first, last;

		if (text && parse_idrange(text, &first, &last) == 0)
			ret->avoid[ret->n_avoid++] =
				(struct idrange){ first, (uint64_t)last - first + 1 };
	}
}

void subwork_free(struct subwork *w)
{
	if (!w)
		return;
	accounts_done(&w->a);
	json_decref(w->state);
	free(w);
}

int subwork_new(const struct section *s, const char *module, const struct subpool *pool,
		const struct host *h, struct changes *out, struct subwork **ret, struct err *e)
{
	_cleanup_subwork_ struct subwork *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_oom(e);
	w->s = s;
	w->module = module;
	w->h = h;
	w->out = out;
	w->pool = *pool;
	r = accounts_load(h, &w->a, e);
	if (r == 0)
		r = idmap_get(h, &w->m, e);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

void subrange_refuse(struct errs *out, const struct section *s, const struct subrange *want,
		     const char *field, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	char path[48];
	va_list ap;

	snprintf(path, sizeof(path), "%s%s", want->setting, field);
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		errs_add(out, section_where(s, path), "%s", text);
	else
		out->failed = true;
}

static bool all_digits(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

int subrange_judge(const struct subwork *w, const struct subrange *want, struct owner_range *o,
		   enum subrange_verdict *ret, struct buf *why, struct err *e)
{
	const struct account *user = accounts_owner(&w->a, want->owner);
	int r = idmap_owner(w->m, &w->a, want->owner, o, e);

	if (r < 0)
		return r;
	*ret = o->in[SUBUID] && o->in[SUBGID]	? SUBRANGE_KEEP
	       : o->in[SUBUID] || o->in[SUBGID] ? SUBRANGE_COMPLETE
						: SUBRANGE_ADD;
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
		*ret = SUBRANGE_REFUSE;
	return 0;
}

static int remember_line(struct subwork *w, int file, const char *line, struct err *e)
{
	json_t *lines = json_object_get(w->state, subid_paths[file]);

	if (!w->state)
		return 0;
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

static int add_line(struct subwork *w, const struct subrange *want, int file,
		    const struct idrange *ids, const char *how, struct err *e)
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
	if (changes_line(w->out, w->h, subid_paths[file], line, 0644, w->module, want->setting, why,
			 e) < 0)
		return e->code;
	w->added = true;
	return remember_line(w, file, line, e);
}

/* Traps of a new range that are the plan's to decide. */
static int note_range(struct subwork *w, const struct subrange *want, const struct idrange *ids,
		      struct err *e)
{
	static const char *const window[2][2] = { { "SUB_UID_MIN", "SUB_UID_MAX" },
						  { "SUB_GID_MIN", "SUB_GID_MAX" } };
	uint64_t last = ids->start + ids->count - 1;

	if (ids->count < 65536 &&
	    changes_note(w->out, w->module, want->setting, e,
			 "%" PRIu64 " ids are fewer than 65536: nobody (65534) of a container is "
			 "not mapped, and images that use it can't be unpacked",
			 ids->count) < 0)
		return e->code;
	for (const struct idregion *g = idregions; g->what; g++)
		if (!g->never && ids->start <= g->last && last >= g->first &&
		    changes_note(w->out, w->module, want->setting, e,
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
		return changes_note(w->out, w->module, want->setting, e,
				    "%" PRIu64 "-%" PRIu64 " lies in %" PRIu64 "-%" PRIu64
				    ", from which useradd serves new users (%s of login.defs)",
				    ids->start, last, min, max, window[f][0]);
	}
	return 0;
}

static int add_both(struct subwork *w, const struct subrange *want, struct err *e)
{
	struct idrange ids = want->ids;
	int r;

	for (int f = SUBUID; f <= SUBGID && want->ids.start; f++) {
		_cleanup_free_ char *why = NULL;

		r = idmap_in_the_way(w->m, &w->a, (enum subid_file)f, &ids, &why, e);
		if (r < 0)
			return r;
		if (r > 0) {
			subrange_refuse(&w->out->refusals, w->s, want, ".start",
					"%" PRIu64 "-%" PRIu64 " is not free for '%s': %s",
					ids.start, ids.start + ids.count - 1, want->owner, why);
			return 0;
		}
	}
	if (!want->ids.start) {
		r = idmap_free_block(w->m, &w->a, w->pool.first, w->pool.last, ids.count,
				     w->pool.align, w->pool.avoid, w->pool.n_avoid, &ids.start, e);
		if (r == -ENOSPC) {
			subrange_refuse(&w->out->refusals, w->s, want, "", "%s", e->text);
			return 0;
		}
		if (r < 0)
			return r;
		w->pool.avoid[w->pool.n_avoid++] = ids;
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

static int complete(struct subwork *w, const struct subrange *want, const struct owner_range *o,
		    struct err *e)
{
	int from = o->in[SUBUID] ? SUBUID : SUBGID, to = from == SUBUID ? SUBGID : SUBUID;
	const struct idrange *ids = &o->range[from];
	_cleanup_free_ char *why = NULL;
	int r = idmap_in_the_way(w->m, &w->a, (enum subid_file)to, ids, &why, e);

	if (r < 0)
		return r;
	if (r > 0) {
		subrange_refuse(&w->out->refusals, w->s, want, "",
				"'%s' has %" PRIu64 "-%" PRIu64
				" in %s only, and in %s these ids are not free: "
				"%s",
				want->owner, ids->start, ids->start + ids->count - 1,
				subid_paths[from], subid_paths[to], why);
		return 0;
	}
	return add_line(w, want, to, ids,
			from == SUBUID ? ", as /etc/subuid has it already"
				       : ", as /etc/subgid has it already",
			e);
}

int subrange_settle(struct subwork *w, const struct subrange *want, const struct owner_range *o,
		    enum subrange_verdict verdict, struct err *e)
{
	if (verdict == SUBRANGE_ADD)
		return add_both(w, want, e);
	return verdict == SUBRANGE_COMPLETE ? complete(w, want, o, e) : 0;
}

int subrange_note_strangers(struct subwork *w, struct err *e)
{
	struct idmap_findings found = { 0 };
	int r = idmap_findings(w->m, &w->a, w->h, IDMAP_ERROR, &found, e);

	for (size_t i = 0; i < found.n && i < NOTES_MAX && r == 0; i++)
		r = changes_note(w->out, w->module, NULL, e, "%s line %u: %s",
				 subid_paths[found.list[i].file], found.list[i].line,
				 found.list[i].text);
	if (r == 0 && found.n > NOTES_MAX)
		r = changes_note(w->out, w->module, NULL, e,
				 "and %zu more: 'bulkhead subids' lists them", found.n - NOTES_MAX);
	idmap_findings_done(&found);
	return r;
}

void subrange_found(const struct owner_range *o, struct buf *out)
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

bool subrange_nss_refused(const struct subwork *w)
{
	return w->m->nss && !w->pool.accept_nss;
}
