/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is /etc/subuid, /etc/subgid, /etc/passwd and /etc/group, each behind a NUL byte.
 */
#include "fuzz.h"

#include "../../src/idmap.h"

const struct fuzz_bounds fuzz_bounds = { 1 << 20, 1000 };

/* What was handed out is no id of any line or account. */
static void check_block(const struct idmap *m, const struct accounts *a, uint64_t start,
			uint64_t count)
{
	for (size_t i = 0; i < m->n_lines; i++) {
		struct idrange reading[2];
		size_t n = subid_line_ranges(&m->lines[i], reading);

		for (size_t k = 0; k < n; k++) {
			uint32_t first, last;

			require(!idrange_clip(&reading[k], &first, &last) ||
				first >= start + count || last < start);
		}
	}
	for (size_t i = 0; i < a->n_users; i++) {
		require(a->users[i].id < start || a->users[i].id >= start + count);
		require(a->users[i].gid < start || a->users[i].gid >= start + count);
	}
	for (size_t i = 0; i < a->n_groups; i++)
		require(a->groups[i].id < start || a->groups[i].id >= start + count);
}

static void check_map(const struct idmap *m, const struct accounts *a)
{
	static const struct idrange avoid[] = { { 300000, 100000 } };
	struct err e;
	uint64_t start;
	char *why = NULL;
	int r = idmap_free_block(m, a, 0, UINT32_MAX, 65536, 4096, avoid, 1, &start, &e);

	require(r == 0 || r == -ENOSPC);
	if (r == 0) {
		require(start % 4096 == 0);
		check_block(m, a, start, 65536);
		for (int f = SUBUID; f <= SUBGID; f++)
			require(idmap_in_the_way(m, a, (enum subid_file)f,
						 &(struct idrange){ start, 65536 }, &why, &e) == 0);
	}
	for (size_t i = 0; i < m->n_lines && i < 4; i++) {
		struct owner_range o = { 0 };

		require(idmap_owner(m, a, m->lines[i].owner, &o, &e) == 0);
		require(o.in[m->lines[i].file]);
		owner_range_done(&o);
	}
}

static void check_shown(const struct idmap *m, const struct accounts *a)
{
	struct idmap_findings f = { 0 };
	struct host *h = NULL;
	char *text = NULL;
	struct err e;
	json_t *json;

	require(host_open("/proc/self/fdinfo", &h, &e) == 0); /* a root without any files */
	require(idmap_findings(m, a, h, IDMAP_NOTE, &f, &e) == 0);
	require(idmap_draw(m, &f, 60, true, &text, &e) == 0);
	for (const char *p = text; *p; p++)
		require(*p == '\n' || *p == '\033' || (*p >= ' ' && *p < 0x7f));
	json = idmap_json(m, &f);
	require(json);
	json_decref(json);
	free(text);
	idmap_findings_done(&f);
	host_free(h);
}

/* The map with a line more in each file, as an apply would write it. */
static void grow(char **text, size_t *len, const char *line)
{
	size_t n = strlen(line);
	char *more = realloc(*text, *len + n + 3);

	require(more);
	if (*len && more[*len - 1] != '\n')
		more[(*len)++] = '\n';
	memcpy(more + *len, line, n + 1);
	*len += n;
	*text = more;
}

static void parse(const char *uid, size_t uid_len, const char *gid, size_t gid_len,
		  struct idmap *ret)
{
	char *both[] = { malloc(uid_len + 1), malloc(gid_len + 1) };
	struct err e;

	require(both[0] && both[1]);
	memcpy(both[0], uid, uid_len + 1);
	memcpy(both[1], gid, gid_len + 1);
	require(idmap_parse(both[0], uid_len, both[1], gid_len, ret, &e) == 0);
}

/* Ranges drawn one after the other, each written before the next: none overlaps another, both
 * readers see each as it was meant, and nothing is in its way. */
static void check_draws(const struct accounts *a, char **uid, size_t *uid_len, char **gid,
			size_t *gid_len)
{
	for (unsigned i = 0; i < 3; i++) {
		_cleanup_(idmap_done) struct idmap m = { 0 }, now = { 0 };
		_cleanup_(owner_range_done) struct owner_range o = { 0 };
		uint64_t start, count = 65536 >> i;
		char line[80], owner[16];
		struct err e;
		int r;

		parse(*uid, *uid_len, *gid, *gid_len, &m);
		r = idmap_free_block(&m, a, 2000224256, 2147352575, count, 65536, NULL, 0, &start,
				     &e);
		require(r == 0 || (r == -ENOSPC && *e.text));
		if (r < 0)
			return;
		check_block(&m, a, start, count);
		snprintf(owner, sizeof(owner), "~drawn%u", i);
		snprintf(line, sizeof(line), "%s:%llu:%llu\n", owner, (unsigned long long)start,
			 (unsigned long long)count);
		grow(uid, uid_len, line);
		grow(gid, gid_len, line);
		parse(*uid, *uid_len, *gid, *gid_len, &now);
		require(now.n_lines == m.n_lines + 2);
		require(idmap_owner(&now, a, owner, &o, &e) == 0);
		require(o.in[0] && o.in[1] && !o.differs && !o.problem);
		require(o.range[0].start == start && o.range[0].count == count);
	}
}

void fuzz_one(const char *data, size_t len)
{
	size_t uid_len, gid_len, passwd_len, group_len;
	_cleanup_free_ char *uid = fuzz_part(&data, &len, false, &uid_len);
	_cleanup_free_ char *gid = fuzz_part(&data, &len, false, &gid_len);
	char *passwd = fuzz_part(&data, &len, false, &passwd_len);
	char *group = fuzz_part(&data, &len, true, &group_len);
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_(idmap_done) struct idmap m = { 0 };
	struct err e;

	require(accounts_parse(passwd, passwd_len, group, group_len, &a, &e) == 0);
	parse(uid, uid_len, gid, gid_len, &m);
	check_map(&m, &a);
	check_shown(&m, &a);
	if (!memmem(uid, uid_len, "~drawn", 6) && !memmem(gid, gid_len, "~drawn", 6))
		check_draws(&a, &uid, &uid_len, &gid, &gid_len);
}
