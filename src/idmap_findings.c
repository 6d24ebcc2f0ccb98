/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, or may go wrong, with all lines of subuid and subgid. Sorted once, then swept. */
#include "idmap.h"

#include <inttypes.h>
#include <stdarg.h>

#include "idspan.h"

struct finder {
	const struct idmap *m;
	const struct accounts *a;
	const struct host *h;
	enum idmap_severity least;
	struct idmap_findings found;
	size_t cap;
};

static int add(struct finder *f, enum idmap_severity severity, const char *class,
	       const struct subid_line *l, const struct subid_line *other, const struct idspan *ids,
	       struct err *e, const char *fmt, ...) PRINTF(8, 9);

static int add(struct finder *f, enum idmap_severity severity, const char *class,
	       const struct subid_line *l, const struct subid_line *other, const struct idspan *ids,
	       struct err *e, const char *fmt, ...)
{
	struct idmap_finding *to;
	va_list ap;
	int n;

	if (f->found.n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;

		to = reallocarray(f->found.list, cap, sizeof(*to));
		if (!to)
			return err_oom(e);
		f->found.list = to;
		f->cap = cap;
	}
	to = &f->found.list[f->found.n];
	*to = (struct idmap_finding){ .class = class, .severity = severity };
	if (l) {
		to->file = l->file;
		to->line = l->line;
	}
	if (other)
		to->other_line = other->line;
	if (ids) {
		to->first = ids->first;
		to->last = ids->last;
	}
	va_start(ap, fmt);
	n = vasprintf(&to->text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return err_oom(e);
	f->found.n++;
	return 0;
}

static bool same_owner(const struct finder *f, const struct subid_line *x,
		       const struct subid_line *y)
{
	const struct account *user;

	if (streq(x->owner, y->owner))
		return true;
	/* One by name and one by uid? Only then is a lookup worth its time. */
	if ((*x->owner >= '0' && *x->owner <= '9') == (*y->owner >= '0' && *y->owner <= '9'))
		return false;
	user = accounts_owner(f->a, x->owner);
	return user && user == accounts_owner(f->a, y->owner);
}

static int add_overlap(struct finder *f, const struct idspan *x, const struct idspan *y,
		       struct err *e)
{
	const struct subid_line *l = &f->m->lines[x->tag], *other = &f->m->lines[y->tag];
	uint32_t last = x->last < y->last ? x->last : y->last;
	const struct idspan ids = { x->first, last, 0 };
	char mine[OWNER_SHOWN], theirs[OWNER_SHOWN];
	const char *class, *how;

	idmap_owner_shown(l->owner, mine);
	idmap_owner_shown(other->owner, theirs);
	if (same_owner(f, l, other))
		return add(f, IDMAP_ERROR, "same-owner-twice", l, other, &ids, e,
			   "%s has %" PRIu32 "-%" PRIu32
			   " twice, in line %u too; the kernel refuses "
			   "such a map (EINVAL)",
			   mine, ids.first, ids.last, other->line);
	if (x->first == y->first && x->last == y->last) {
		class = "identical";
		how = "have the same range";
	} else if (ids.first == ids.last) {
		class = "shared-id";
		how = "share one id";
	} else if (x->last <= y->last || x->first == y->first) {
		class = "containing";
		how = "overlap, one range inside the other";
	} else {
		class = "overlap";
		how = "overlap";
	}
	return add(f, IDMAP_ERROR, class, l, other, &ids, e,
		   "%s and %s (line %u) %s: %" PRIu32 "-%" PRIu32
		   "; each can reach the other's files",
		   mine, theirs, other->line, how, ids.first, ids.last);
}

/*
 * Each line against the ones that begin before it: of those, the one that reaches furthest, and the
 * one that does so among the owners other than that one's. So nobody's overlap with somebody else
 * is missed, and n lines give at most 2n findings.
 */
static int find_overlaps(struct finder *f, const struct idspans *s, struct err *e)
{
	const struct idspan *best = NULL, *second = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct idspan *x = &s->list[i];
		const struct subid_line *l = &f->m->lines[x->tag];
		bool best_is_mine = best && same_owner(f, l, &f->m->lines[best->tag]);
		int r = 0;

		if (best && best->tag != x->tag && best->last >= x->first)
			r = add_overlap(f, x, best, e);
		if (r == 0 && second && second->tag != x->tag && second->last >= x->first &&
		    (best_is_mine || same_owner(f, l, &f->m->lines[second->tag])))
			r = add_overlap(f, x, second, e);
		if (r < 0)
			return r;
		if (!best || best_is_mine) {
			if (!best || x->last > best->last)
				best = x;
		} else if (x->last > best->last) {
			second = best;
			best = x;
		} else if (!second || x->last > second->last) {
			second = x;
		}
	}
	return 0;
}

/* How many of the sorted `ids` are below `id`. */
static size_t below(const struct idspans *ids, uint64_t id)
{
	size_t lo = 0, hi = ids->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ids->list[mid].first < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The ids that accounts have, sorted; the tag is the user's place, or past all users the group's.
 */
static int account_ids(const struct accounts *a, enum subid_file file, struct idspans *ids,
		       struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < a->n_users && r == 0; i++) {
		uint32_t id = file == SUBUID ? a->users[i].id : a->users[i].gid;

		r = idspans_add(ids, id, id, (uint32_t)i, e);
	}
	for (size_t i = 0; file == SUBGID && i < a->n_groups && r == 0; i++)
		r = idspans_add(ids, a->groups[i].id, a->groups[i].id, (uint32_t)(a->n_users + i),
				e);
	return r == 0 ? idspans_sort(ids, e) : r;
}

static int find_accounts(struct finder *f, enum subid_file file, const struct idspans *s,
			 struct err *e)
{
	_cleanup_idspans_ struct idspans ids = { 0 };
	int r = account_ids(f->a, file, &ids, e);

	for (size_t i = 0; i < s->n && r == 0; i++) {
		const struct subid_line *l = &f->m->lines[s->list[i].tag];
		size_t first = below(&ids, s->list[i].first);
		size_t n = below(&ids, s->list[i].last + 1ULL) - first;
		char owner[OWNER_SHOWN], name[OWNER_SHOWN], more[48] = "";
		bool group;
		uint32_t tag;

		if (!n)
			continue;
		tag = ids.list[first].tag;
		group = tag >= f->a->n_users;
		if (n > 1)
			snprintf(more, sizeof(more), ", and %zu more", n - 1);
		idmap_owner_shown(l->owner, owner);
		idmap_owner_shown(group ? f->a->groups[tag - f->a->n_users].name
					: f->a->users[tag].name,
				  name);
		r = add(f, IDMAP_ERROR, "covers-account", l, NULL,
			&(struct idspan){ ids.list[first].first, ids.list[first + n - 1].first, 0 },
			e,
			"%s's range covers %s %" PRIu32
			" of %s %s%s: its containers can be that account",
			owner, file == SUBUID ? "uid" : "gid", ids.list[first].first,
			group ? "group" : "user", name, more);
	}
	return r;
}

static int find_reserved(struct finder *f, const struct idspans *s, struct err *e)
{
	char owner[OWNER_SHOWN];

	for (size_t i = 0; i < s->n; i++) {
		const struct idspan *x = &s->list[i];
		const struct subid_line *l = &f->m->lines[x->tag];

		for (const struct idregion *g = idregions; g->what; g++) {
			int r;

			if (!g->never || g->first > x->last || g->last < x->first)
				continue;
			r = add(f, IDMAP_ERROR, "reserved", l, NULL,
				&(struct idspan){
					(uint32_t)(g->first > x->first ? g->first : x->first),
					(uint32_t)(g->last < x->last ? g->last : x->last), 0 },
				e,
				"%s's range %" PRIu32 "-%" PRIu32 " reaches into %" PRIu64
				"-%" PRIu64 ": %s",
				idmap_owner_shown(l->owner, owner), x->first, x->last, g->first,
				g->last, g->what);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Regions that others may hand out from: one note a file and region, most hosts have such lines. */
static int find_regions(struct finder *f, const struct idspans *s, struct err *e)
{
	for (const struct idregion *g = idregions; g->what; g++) {
		const struct idspan *first = NULL;
		size_t n = 0;
		int r;

		if (g->never)
			continue;
		for (size_t i = 0; i < s->n; i++)
			if (g->first <= s->list[i].last && g->last >= s->list[i].first) {
				n++;
				if (!first)
					first = &s->list[i];
			}
		if (!n)
			continue;
		r = add(f, IDMAP_NOTE, "region", &f->m->lines[first->tag], NULL,
			&(struct idspan){ (uint32_t)g->first, (uint32_t)g->last, 0 }, e,
			"%zu %s in %" PRIu64 "-%" PRIu64 ": %s", n,
			n == 1 ? "range lies" : "ranges lie", g->first, g->last, g->what);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What a single line says of itself. */
static int find_line(struct finder *f, const struct subid_line *l, struct err *e)
{
	const struct idrange *range = l->by_shadow ? &l->shadow : &l->docker;
	char owner[OWNER_SHOWN];
	int r = 0;

	idmap_owner_shown(l->owner, owner);
	if (!l->by_shadow && !l->by_docker)
		return add(f, IDMAP_ERROR, "malformed", l, NULL, NULL, e,
			   "'%s...' is no range to anybody, and Docker up to 27 doesn't start with "
			   "such a line in the file",
			   owner);
	if (l->ambiguous && f->least <= IDMAP_WARNING) {
		_cleanup_free_ char *how = subid_line_told(l);

		r = how ? add(f, IDMAP_WARNING, "ambiguous", l, NULL, NULL, e, "%s: %s", owner, how)
			: err_oom(e);
	}
	if (r == 0 && range->count &&
	    (range->start > UINT32_MAX || range->count > UINT32_MAX - range->start))
		r = add(f, IDMAP_ERROR, "past-32-bits", l, NULL, NULL, e,
			"%s's range of %" PRIu64 " ids from %" PRIu64
			" ends past 4294967294; the kernel refuses such a map (EINVAL)",
			owner, range->count, range->start);
	if (r < 0 || f->least > IDMAP_NOTE)
		return r;
	if (!accounts_owner(f->a, l->owner))
		r = add(f, IDMAP_NOTE, "orphan", l, NULL, NULL, e,
			"%s is no user in /etc/passwd: the next one of that name inherits the range",
			owner);
	if (r == 0 && range->count < 65536)
		r = add(f, IDMAP_NOTE, "small", l, NULL, NULL, e,
			"%s has %" PRIu64
			" ids; below 65536 'nobody' (65534) of a container is not "
			"mapped",
			owner, range->count);
	return r;
}

/* Users with lines by uid, and lines by name of the same. */
static int find_name_and_uid(struct finder *f, struct err *e)
{
	const size_t words = (f->a->n_users + 7) / 8;
	_cleanup_free_ uint8_t *by_uid[2] = { NULL };
	int r = 0;

	by_uid[0] = calloc(2, words + 1);
	if (!by_uid[0])
		return err_oom(e);
	by_uid[1] = by_uid[0] + words + 1;
	for (size_t i = 0; i < f->m->n_lines; i++) {
		const struct subid_line *l = &f->m->lines[i];
		const struct account *user;
		size_t at;

		if (*l->owner < '0' || *l->owner > '9')
			continue;
		user = accounts_owner(f->a, l->owner);
		if (!user || streq(user->name, l->owner))
			continue;
		at = (size_t)(user - f->a->users);
		by_uid[l->file][at / 8] |= (uint8_t)(1 << at % 8);
	}
	for (size_t i = 0; i < f->m->n_lines && r == 0; i++) {
		const struct subid_line *l = &f->m->lines[i];
		const struct account *user = accounts_user(f->a, l->owner);
		char owner[OWNER_SHOWN];
		size_t at;

		if (!user)
			continue;
		at = (size_t)(user - f->a->users);
		if (by_uid[l->file][at / 8] & 1 << at % 8)
			r = add(f, IDMAP_WARNING, "name-and-uid", l, NULL, NULL, e,
				"%s has lines by name and by uid %" PRIu32
				": Docker up to 27 uses those by uid only, later ones both",
				idmap_owner_shown(l->owner, owner), user->id);
	}
	return r;
}

static int find_one_file_only(struct finder *f, const struct idspans s[2], struct err *e)
{
	size_t i = 0, k = 0;
	int r = 0;

	while (r == 0 && (i < s[0].n || k < s[1].n)) {
		const struct idspan *x = i < s[0].n ? &s[0].list[i] : NULL;
		const struct idspan *y = k < s[1].n ? &s[1].list[k] : NULL;
		int c = !x ? 1 : !y ? -1 : idspan_compare(f->m, x, y);
		const struct idspan *alone = c < 0 ? x : y;
		const struct subid_line *l;
		char owner[OWNER_SHOWN];

		i += c <= 0;
		k += c >= 0;
		if (c == 0)
			continue;
		l = &f->m->lines[alone->tag];
		r = add(f, IDMAP_WARNING, "one-file-only", l, NULL, alone, e,
			"%s has %" PRIu32 "-%" PRIu32
			" in %s only; useradd, which reads each file by "
			"itself, may give the other half away",
			idmap_owner_shown(l->owner, owner), alone->first, alone->last,
			subid_paths[l->file]);
	}
	return r;
}

/* A data root is named after the first ids of the range that it was made with. */
static int find_data_roots(struct finder *f, const struct idspans s[2], struct err *e)
{
	_cleanup_strv_ char **names = NULL;
	struct err ignored;

	/* Root's alone to look at: that others can't is nothing to fail on. */
	if (host_list(f->h, "/var/lib/docker", &names, &ignored) < 0)
		return 0;
	for (char **name = names; *name; name++) {
		unsigned long long uid;
		char *end;
		size_t at;
		int r;

		errno = 0;
		uid = strtoull(*name, &end, 10);
		if (errno || **name < '1' || **name > '9' || *end != '.' || !end[1] ||
		    end[1 + strspn(end + 1, "0123456789")])
			continue;
		at = below(&s[SUBUID], uid);
		if (at < s[SUBUID].n && s[SUBUID].list[at].first == uid)
			continue;
		r = add(f, IDMAP_NOTE, "data-root", NULL, NULL, NULL, e,
			"/var/lib/docker/%s was made for a range from %llu, which nobody has in "
			"/etc/subuid: its images and containers are out of sight",
			*name, uid);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find_settings(struct finder *f, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	struct err ignored;
	size_t len;
	int r = 0;

	if (f->m->nss)
		r = add(f, IDMAP_WARNING, "nss-source", NULL, NULL, NULL, e,
			"/etc/nsswitch.conf has 'subid: %s': newuidmap asks there, and Docker reads the "
			"files only",
			f->m->nss);
	for (int file = SUBUID; file <= SUBGID && r == 0; file++)
		if (f->m->unterminated[file])
			r = add(f, IDMAP_WARNING, "unterminated",
				&(struct subid_line){ .file = (enum subid_file)file }, NULL, NULL,
				e,
				"%s doesn't end with a newline: shadow 4.20 refuses the whole file",
				subid_paths[file]);
	if (r < 0 || host_read(f->h, "/etc/login.defs", 1 << 20, &text, &len, &ignored) < 0)
		return r;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		static const char key[] = "SUB_UID_DETERMINISTIC";

		line += *line == '\n';
		line += strspn(line, " \t");
		if (strncmp(line, key, sizeof(key) - 1))
			continue;
		line += sizeof(key) - 1;
		line += strspn(line, " \t\"");
		if (!strncasecmp(line, "yes", 3))
			return add(
				f, IDMAP_WARNING, "deterministic", NULL, NULL, NULL, e,
				"/etc/login.defs has %s yes: useradd then hands out ranges without a "
				"look at who has them already",
				key);
	}
	return 0;
}

static int find_all(struct finder *f, struct idspans s[2], struct err *e)
{
	int r = 0;

	for (int file = SUBUID; file <= SUBGID && r == 0; file++) {
		r = idspans_of(f->m, file, &s[file], e);
		if (r == 0)
			r = find_overlaps(f, &s[file], e);
		if (r == 0)
			r = find_accounts(f, (enum subid_file)file, &s[file], e);
		if (r == 0)
			r = find_reserved(f, &s[file], e);
		if (r == 0 && f->least <= IDMAP_NOTE)
			r = find_regions(f, &s[file], e);
	}
	for (size_t i = 0; i < f->m->n_lines && r == 0; i++)
		r = find_line(f, &f->m->lines[i], e);
	if (r == 0 && f->least <= IDMAP_WARNING)
		r = find_name_and_uid(f, e);
	if (r == 0 && f->least <= IDMAP_WARNING)
		r = find_one_file_only(f, s, e);
	if (r == 0 && f->least <= IDMAP_WARNING)
		r = find_settings(f, e);
	if (r == 0 && f->least <= IDMAP_NOTE)
		r = find_data_roots(f, s, e);
	return r;
}

static int by_severity(const void *x, const void *y)
{
	const struct idmap_finding *a = x, *b = y;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->other_line != b->other_line)
		return a->other_line < b->other_line ? -1 : 1;
	return strcmp(a->text, b->text);
}

int idmap_findings(const struct idmap *m, const struct accounts *a, const struct host *h,
		   enum idmap_severity least, struct idmap_findings *ret, struct err *e)
{
	struct finder f = { .m = m, .a = a, .h = h, .least = least };
	struct idspans s[2] = { { 0 } };
	int r = find_all(&f, s, e);

	idspans_done(&s[0]);
	idspans_done(&s[1]);
	if (r < 0) {
		idmap_findings_done(&f.found);
		return r;
	}
	if (f.found.n)
		qsort(f.found.list, f.found.n, sizeof(*f.found.list), by_severity);
	*ret = f.found;
	return 0;
}

void idmap_findings_done(struct idmap_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->list[i].text);
	free(f->list);
	*f = (struct idmap_findings){ 0 };
}
