/* SPDX-License-Identifier: Apache-2.0 */
#include "idmap.h"

#include <inttypes.h>
#include <stdarg.h>

#include "idspan.h"

const char *const subid_paths[2] = { "/etc/subuid", "/etc/subgid" };

/* systemd's UIDS-GIDS document, sssd-ldap(5), login.defs(5); README, "Subordinate ids". */
const struct idregion idregions[] = {
	{ 0, 65535, "the host's own users, homed, DynamicUser=, nobody", true },
	{ 524288, 1879048191, "the pool that systemd-nspawn and PrivateUsers= pick from", false },
	{ 200000, 2000200000, "SSSD's default id map", false },
	{ 2147352576, 2147418111, "systemd's foreign range, for images on disk", true },
	{ 2147483648, 4294967294, "2^31 and above (FreeIPA, Podman; negative for old software)",
	  false },
	{ 4294967295, 4294967295, "(uid_t) -1, no id at all", true },
	{ 0, 0, NULL, false },
};

size_t subid_line_ranges(const struct subid_line *l, struct idrange ret[2])
{
	size_t n = 0;

	if (l->by_shadow && l->shadow.count)
		ret[n++] = l->shadow;
	if (l->by_docker && l->docker.count &&
	    (!n || l->docker.start != ret[0].start || l->docker.count != ret[0].count))
		ret[n++] = l->docker;
	return n;
}

bool idrange_clip(const struct idrange *r, uint32_t *ret_first, uint32_t *ret_last)
{
	if (!r->count || r->start > UINT32_MAX)
		return false;
	*ret_first = (uint32_t)r->start;
	*ret_last = r->count - 1 > UINT32_MAX - r->start ? UINT32_MAX
							 : (uint32_t)(r->start + r->count - 1);
	return true;
}

static void reading_shown(bool by, const struct idrange *r, char *buf, size_t size)
{
	if (by)
		snprintf(buf, size, "%" PRIu64 " ids from %" PRIu64, r->count, r->start);
	else
		snprintf(buf, size, "nothing");
}

char *subid_line_told(const struct subid_line *l)
{
	char shadow[64], docker[64], *told;

	reading_shown(l->by_shadow, &l->shadow, shadow, sizeof(shadow));
	reading_shown(l->by_docker, &l->docker, docker, sizeof(docker));
	if (asprintf(&told, "useradd and newuidmap see %s, Docker sees %s", shadow, docker) < 0)
		return NULL;
	return told;
}

const char *idmap_owner_shown(const char *owner, char buf[OWNER_SHOWN])
{
	size_t n = 0;

	for (const char *p = owner; *p; p++) {
		if (n + 8 > OWNER_SHOWN) {
			memcpy(buf + n, "...", 3);
			n += 3;
			break;
		}
		if (*p > ' ' && *p < 0x7f && *p != '\\')
			buf[n++] = *p;
		else
			n += (size_t)snprintf(buf + n, 5, "\\x%02x", (unsigned char)*p);
	}
	buf[n] = '\0';
	return buf;
}

/* What is busy inside [first, last]. */
struct busy {
	struct idspans spans;
	uint32_t first, last;
};

static int busy_add(struct busy *b, const struct idrange *r, struct err *e)
{
	uint32_t first, last;

	if (!idrange_clip(r, &first, &last) || first > b->last || last < b->first)
		return 0;
	return idspans_add(&b->spans, first, last, 0, e);
}

static int busy_add_id(struct busy *b, uint32_t id, struct err *e)
{
	return busy_add(b, &(struct idrange){ id, 1 }, e);
}

static int busy_collect(struct busy *b, const struct idmap *m, const struct accounts *a,
			const struct idrange *avoid, size_t n_avoid, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < m->n_lines && r == 0; i++) {
		struct idrange reading[2];
		size_t n = subid_line_ranges(&m->lines[i], reading);

		for (size_t k = 0; k < n && r == 0; k++)
			r = busy_add(b, &reading[k], e);
	}
	for (size_t i = 0; i < a->n_users && r == 0; i++) {
		r = busy_add_id(b, a->users[i].id, e);
		if (r == 0)
			r = busy_add_id(b, a->users[i].gid, e);
	}
	for (size_t i = 0; i < a->n_groups && r == 0; i++)
		r = busy_add_id(b, a->groups[i].id, e);
	for (const struct idregion *g = idregions; g->what && r == 0; g++)
		if (g->never)
			r = busy_add(b, &(struct idrange){ g->first, g->last - g->first + 1 }, e);
	for (size_t i = 0; i < n_avoid && r == 0; i++)
		r = busy_add(b, &avoid[i], e);
	return r;
}

/* The line that takes most of [b->first, b->last], as words to put into a sentence, when it takes
 * half of it or more: "" when none does. What wraps around 64 bits is mostly a slip of the
 * keyboard. */
static void busiest_line(const struct busy *b, const struct idmap *m, char *ret, size_t size)
{
	uint64_t half = ((uint64_t)b->last - b->first + 1) / 2, most = 0;
	char shown[OWNER_SHOWN];

	*ret = '\0';
	for (size_t i = 0; i < m->n_lines; i++) {
		const struct subid_line *l = &m->lines[i];
		struct idrange reading[2];
		size_t n = subid_line_ranges(l, reading);

		for (size_t k = 0; k < n; k++) {
			uint32_t first, last;
			uint64_t here;

			if (!idrange_clip(&reading[k], &first, &last) || first > b->last ||
			    last < b->first)
				continue;
			here = (uint64_t)(last < b->last ? last : b->last) -
			       (first > b->first ? first : b->first) + 1;
			if (here < half || here <= most)
				continue;
			most = here;
			snprintf(ret, size,
				 ", %" PRIu64
				 " of them by line %u of %s alone, which gives %s %" PRIu64
				 " ids from %" PRIu64,
				 here, l->line, subid_paths[l->file],
				 idmap_owner_shown(l->owner, shown), reading[k].count,
				 reading[k].start);
		}
	}
}

static uint64_t align_up(uint64_t id, uint64_t align)
{
	uint64_t over = id % align;

	return over ? id + (align - over) : id;
}

int idmap_free_block(const struct idmap *m, const struct accounts *a, uint64_t first, uint64_t last,
		     uint64_t count, uint64_t align, const struct idrange *avoid, size_t n_avoid,
		     uint64_t *ret_start, struct err *e)
{
	_cleanup_(idspans_done) struct idspans sorted = { 0 };
	struct busy b = { .first = (uint32_t)first, .last = (uint32_t)last };
	uint64_t next = first; /* the lowest id that nothing so far covers */
	uint64_t taken = 0;
	char by[320];
	int r;

	if (first > last || last > UINT32_MAX || !count || !align)
		return err_set(e, EINVAL,
			       "%" PRIu64 " ids out of %" PRIu64 "-%" PRIu64
			       " on multiples of %" PRIu64 " is no request that makes sense",
			       count, first, last, align);
	r = busy_collect(&b, m, a, avoid, n_avoid, e);
	sorted = b.spans;
	if (r == 0)
		r = idspans_sort(&sorted, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i <= sorted.n; i++) {
		uint64_t gap_end = i < sorted.n ? sorted.list[i].first : last + 1;
		uint64_t start = align_up(next, align);

		if (gap_end > start && gap_end - start >= count) {
			*ret_start = start;
			return 0;
		}
		if (i < sorted.n && sorted.list[i].last + 1ULL > next) {
			uint64_t end = sorted.list[i].last + 1ULL;

			if (end > last + 1)
				end = last + 1;
			taken += end - (gap_end > next ? gap_end : next);
			next = end;
		}
	}
	busiest_line(&b, m, by, sizeof(by));
	return err_set(e, ENOSPC,
		       "no %" PRIu64 " ids in a row are free in %" PRIu64 "-%" PRIu64
		       " on a multiple of %" PRIu64 ": %" PRIu64 " of its %" PRIu64
		       " ids are taken or kept out of%s ('bulkhead subids' shows by whom). %s",
		       count, first, last, align, taken, last - first + 1, by,
		       *by ? "Mend that line, or name another pool"
			   : "A larger pool, or a smaller align, makes room");
}

/* --- One owner --- */

static int told(char **ret, struct err *e, const char *fmt, ...) PRINTF(3, 4);

static int told(char **ret, struct err *e, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(ret, fmt, ap);
	va_end(ap);
	if (n >= 0)
		return 1;
	*ret = NULL;
	return err_oom(e);
}

/* What an owner's lines are found by: the name, the uid as text, either may be absent. */
struct owner_keys {
	const char *name;
	char uid[16];
};

static struct owner_keys owner_keys_of(const struct accounts *a, const char *owner)
{
	const struct account *user = accounts_owner(a, owner);
	struct owner_keys k = { .name = owner };

	if (user) {
		k.name = user->name;
		snprintf(k.uid, sizeof(k.uid), "%" PRIu32, user->id);
	}
	return k;
}

static bool owned(const struct owner_keys *k, const char *owner)
{
	return streq(owner, k->name) || (k->uid[0] && streq(owner, k->uid));
}

/* The first line of somebody else (`mine` may be NULL) in a file that shares an id with a range. */
static const struct subid_line *line_in_the_way(const struct idmap *m, enum subid_file file,
						const struct subid_line *mine,
						const struct idrange *r)
{
	uint32_t first, last;

	if (!idrange_clip(r, &first, &last))
		return NULL;
	for (size_t i = 0; i < m->n_lines; i++) {
		const struct subid_line *l = &m->lines[i];
		struct idrange reading[2];
		size_t n;

		if (l->file != file || l == mine)
			continue;
		n = subid_line_ranges(l, reading);
		for (size_t k = 0; k < n; k++) {
			uint32_t f, t;

			if (idrange_clip(&reading[k], &f, &t) && f <= last && t >= first)
				return l;
		}
	}
	return NULL;
}

/* subuid against uids; subgid against the gids of groups and the primary gids of users. */
static const struct account *account_in_the_way(const struct accounts *a, enum subid_file file,
						const struct idrange *r, bool *ret_group)
{
	for (size_t i = 0; i < a->n_users; i++) {
		uint32_t id = file == SUBUID ? a->users[i].id : a->users[i].gid;

		if (id >= r->start && id - r->start < r->count) {
			*ret_group = false;
			return &a->users[i];
		}
	}
	for (size_t i = 0; file == SUBGID && i < a->n_groups; i++)
		if (a->groups[i].id >= r->start && a->groups[i].id - r->start < r->count) {
			*ret_group = true;
			return &a->groups[i];
		}
	return NULL;
}

static const struct idregion *region_in_the_way(const struct idrange *r)
{
	for (const struct idregion *g = idregions; g->what; g++)
		if (g->never && r->start <= g->last &&
		    (r->start >= g->first || g->first - r->start < r->count))
			return g;
	return NULL;
}

static int in_the_way(const struct idmap *m, const struct accounts *a, enum subid_file file,
		      const struct subid_line *mine, const struct idrange *r, char **ret,
		      struct err *e)
{
	const struct subid_line *line = line_in_the_way(m, file, mine, r);
	const struct idregion *region = region_in_the_way(r);
	const struct account *account;
	char shown[OWNER_SHOWN];
	bool group;

	if (r->start > UINT32_MAX || r->count > UINT32_MAX - r->start)
		return told(ret, e,
			    "it ends past 4294967294, and the kernel maps no such range "
			    "(user_namespaces(7))");
	if (region)
		return told(ret, e, "%" PRIu64 "-%" PRIu64 " is reserved: %s", region->first,
			    region->last, region->what);
	if (line)
		return told(ret, e, "line %u of %s gives some of these ids to %s", line->line,
			    subid_paths[file], idmap_owner_shown(line->owner, shown));
	account = account_in_the_way(a, file, r, &group);
	if (account)
		return told(ret, e, "it covers %s %" PRIu32 ", which belongs to %s %s",
			    file == SUBUID ? "uid" : "gid",
			    file == SUBUID || group ? account->id : account->gid,
			    group ? "group" : "user", idmap_owner_shown(account->name, shown));
	return 0;
}

int idmap_in_the_way(const struct idmap *m, const struct accounts *a, enum subid_file file,
		     const struct idrange *r, char **ret, struct err *e)
{
	return in_the_way(m, a, file, NULL, r, ret, e);
}

/* What is wrong with an owner's only line in a file. */
static int line_problem(const struct idmap *m, const struct accounts *a, const struct subid_line *l,
			char **ret, struct err *e)
{
	_cleanup_free_ char *why = NULL;
	int r;

	if (l->ambiguous) {
		why = subid_line_told(l);
		if (!why)
			return err_oom(e);
		return told(
			ret, e,
			"line %u of %s is not plain 'owner:start:count' in decimal: %s. Write the one "
			"that is meant",
			l->line, subid_paths[l->file], why);
	}
	if (!l->shadow.count)
		return told(ret, e, "line %u of %s grants no id at all", l->line,
			    subid_paths[l->file]);
	r = in_the_way(m, a, l->file, l, &l->shadow, &why, e);
	if (r <= 0)
		return r;
	return told(ret, e, "line %u of %s has %" PRIu64 " ids from %" PRIu64 ": %s", l->line,
		    subid_paths[l->file], l->shadow.count, l->shadow.start, why);
}

int idmap_owner(const struct idmap *m, const struct accounts *a, const char *owner,
		struct owner_range *ret, struct err *e)
{
	struct owner_keys keys = owner_keys_of(a, owner);
	const struct subid_line *line[2] = { NULL, NULL }, *twice[2] = { NULL, NULL };
	struct owner_range o = { 0 };
	int r = 0;

	for (size_t i = 0; i < m->n_lines; i++) {
		const struct subid_line *l = &m->lines[i];

		if (!owned(&keys, l->owner))
			continue;
		if (!line[l->file])
			line[l->file] = l;
		else if (!twice[l->file])
			twice[l->file] = l;
	}
	for (int f = SUBUID; f <= SUBGID; f++) {
		if (!line[f])
			continue;
		o.in[f] = true;
		o.range[f] = line[f]->by_shadow ? line[f]->shadow : line[f]->docker;
		if (r)
			continue;
		if (twice[f])
			r = told(&o.problem, e,
				 "lines %u and %u of %s are both its own%s: which of them Docker "
				 "uses, and in which order, depends on its version. Keep one",
				 line[f]->line, twice[f]->line, subid_paths[f],
				 streq(line[f]->owner, twice[f]->owner)
					 ? ""
					 : ", one by name and one by uid");
		else
			r = line_problem(m, a, line[f], &o.problem, e);
	}
	if (r < 0)
		return r;
	o.differs = o.in[0] && o.in[1] &&
		    (o.range[0].start != o.range[1].start || o.range[0].count != o.range[1].count);
	*ret = o;
	return 0;
}

void owner_range_done(struct owner_range *r)
{
	free(r->problem);
	*r = (struct owner_range){ 0 };
}
