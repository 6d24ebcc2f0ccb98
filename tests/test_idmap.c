/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <inttypes.h>
#include <time.h>

#include "../src/buf.h"
#include "../src/idmap.h"

#define POOL_FIRST 2000224256u
#define POOL_LAST  2147352575u

static struct err e;

static void parse(const char *uid, const char *gid, struct idmap *ret)
{
	ck_assert_int_eq(idmap_parse(uid ? strdup(uid) : NULL, uid ? strlen(uid) : 0,
				     gid ? strdup(gid) : NULL, gid ? strlen(gid) : 0, ret, &e),
			 0);
}

static void accounts(const char *passwd, const char *group, struct accounts *ret)
{
	ck_assert_int_eq(accounts_parse(strdup(passwd), strlen(passwd), strdup(group),
					strlen(group), ret, &e),
			 0);
}

/* Every row measured on shadow 4.13 and 4.20 and on Docker 20.10 to 29. */
START_TEST(two_readers)
{
	static const struct {
		const char *line;
		bool by_shadow, by_docker, ambiguous;
		uint64_t shadow, docker; /* starts */
		const char *owner;
	} rows[] = {
		{ "a:100000:65536", true, true, false, 100000, 100000, "a" },
		{ "1000:100000:65536", true, true, false, 100000, 100000, "1000" },
		{ "a:0x186a0:65536", true, true, true, 100000, 0, "a" },
		{ "a: 100000:65536", true, true, true, 100000, 0, "a" },
		{ "a:0100000:65536", true, true, true, 32768, 100000, "a" },
		{ "a:100000:65536 ", false, true, true, 0, 100000, "a" },
		{ "a:100000:65536\r", false, true, true, 0, 100000, "a" },
		{ "a:100000:65536:x", false, true, true, 0, 100000, "a" },
		{ "a:100000:65536\xc2\xa0", false, true, true, 0, 100000, "a" },
		{ "a:100000:65536\xe3\x80\x80", false, true, true, 0, 100000, "a" },
		{ "a:+100000:65536", true, true, true, 100000, 100000, "a" },
		{ " a:100000:65536", true, true, true, 100000, 100000, "a" },
		{ "\xe2\x80\x83 a:100000:65536", true, true, true, 100000, 100000, "a" },
		{ "+a:100000:65536", false, true, true, 0, 100000, "+a" },
		{ "-:100000:65536", false, true, true, 0, 100000, "-" },
		{ "a:100000:0200000", true, true, true, 100000, 100000, "a" },
		{ "a::65536", false, true, true, 0, 0, "a" },
		{ ":100000:65536", false, true, true, 0, 100000, "" },
		{ "a:100000", false, false, true, 0, 0, "a" },
		{ "garbage", false, false, true, 0, 0, "garbage" },
		{ "#a:100000:65536", true, true, false, 100000, 100000, "#a" },
		{ "a:18446744073709551615:1", true, true, true, UINT64_MAX, INT64_MAX, "a" },
		{ "a:18446744073709551616:1", false, true, true, 0, INT64_MAX, "a" },
		{ "a:0:1", true, true, false, 0, 0, "a" },
		{ "a:00:1", true, true, true, 0, 0, "a" },
		{ "a:100000:", false, true, true, 0, 100000, "a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_idmap_ struct idmap m = { 0 };
		_cleanup_free_ char *text = NULL;
		const struct subid_line *l;

		ck_assert_int_ge(asprintf(&text, "\n# a comment\n%s\n", rows[i].line), 0);
		parse(text, NULL, &m);
		ck_assert_msg(m.n_lines == 1, "%s: %zu lines", rows[i].line, m.n_lines);
		l = m.lines;
		ck_assert_uint_eq(l->line, 3);
		ck_assert_str_eq(l->owner, rows[i].owner);
		ck_assert_msg(l->by_shadow == rows[i].by_shadow, "%s", rows[i].line);
		ck_assert_msg(l->by_docker == rows[i].by_docker, "%s", rows[i].line);
		ck_assert_msg(l->ambiguous == rows[i].ambiguous, "%s", rows[i].line);
		if (l->by_shadow)
			ck_assert_msg(l->shadow.start == rows[i].shadow, "%s: %" PRIu64,
				      rows[i].line, l->shadow.start);
		if (l->by_docker)
			ck_assert_msg(l->docker.start == rows[i].docker, "%s: %" PRIu64,
				      rows[i].line, l->docker.start);
	}
}
END_TEST

START_TEST(long_lines_and_odd_bytes)
{
	_cleanup_idmap_ struct idmap m = { 0 };
	char *text = malloc(4096);
	size_t n = 0;

	memset(text, 'x', 1100);
	n = 1100 + (size_t)snprintf(text + 1100, 100, ":100000:65536\n");
	memcpy(text + n, "a\0b:200000:65536\n", 17);
	n += 17;
	memcpy(text + n, "c:300000:65536\0:\n", 17);
	n += 17;
	memcpy(text + n, "d:400000:65536", 15);
	n += 14;
	ck_assert_int_eq(idmap_parse(text, n, NULL, 0, &m, &e), 0);
	ck_assert_uint_eq(m.n_lines, 4);
	ck_assert(!m.lines[0].by_shadow && m.lines[0].by_docker && m.lines[0].ambiguous);
	ck_assert_uint_eq(m.lines[0].docker.start, 100000);
	ck_assert(m.lines[1].ambiguous && m.lines[1].by_docker && !m.lines[1].by_shadow);
	ck_assert(m.lines[2].by_shadow && m.lines[2].ambiguous);
	ck_assert_uint_eq(m.lines[2].shadow.start, 300000);
	ck_assert(!m.lines[3].ambiguous);
	ck_assert(m.unterminated[SUBUID] && !m.unterminated[SUBGID]);
	ck_assert(m.exists[SUBUID] && !m.exists[SUBGID]);
}
END_TEST

START_TEST(clips)
{
	uint32_t first, last;

	ck_assert(!idrange_clip(&(struct idrange){ 5, 0 }, &first, &last));
	ck_assert(!idrange_clip(&(struct idrange){ 4294967296, 5 }, &first, &last));
	ck_assert(idrange_clip(&(struct idrange){ 100000, UINT64_MAX }, &first, &last));
	ck_assert_uint_eq(first, 100000);
	ck_assert_uint_eq(last, UINT32_MAX);
	ck_assert(idrange_clip(&(struct idrange){ UINT32_MAX, 1 }, &first, &last));
	ck_assert_uint_eq(first, UINT32_MAX);
	ck_assert(idrange_clip(&(struct idrange){ 0, 4294967296 }, &first, &last));
	ck_assert_uint_eq(last, UINT32_MAX);
}
END_TEST

START_TEST(owner_shown)
{
	char buf[OWNER_SHOWN], longer[300];

	ck_assert_str_eq(idmap_owner_shown("alice", buf), "alice");
	ck_assert_str_eq(idmap_owner_shown("\033[2Ja\\", buf), "\\x1b[2Ja\\x5c");
	memset(longer, '\1', sizeof(longer));
	longer[299] = '\0';
	idmap_owner_shown(longer, buf);
	ck_assert_uint_lt(strlen(buf), OWNER_SHOWN);
	ck_assert_str_eq(buf + strlen(buf) - 3, "...");
	memset(longer, 'a', sizeof(longer));
	longer[299] = '\0';
	ck_assert_uint_lt(strlen(idmap_owner_shown(longer, buf)), OWNER_SHOWN);
}
END_TEST

static uint64_t block(const char *uid, const char *gid, const char *passwd, const char *group,
		      uint64_t first, uint64_t last, uint64_t count, uint64_t align)
{
	static const struct idrange avoid[] = { { 400000, 100000 } };
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_idmap_ struct idmap m = { 0 };
	uint64_t start = 1;
	int r;

	parse(uid, gid, &m);
	accounts(passwd, group, &a);
	r = idmap_free_block(&m, &a, first, last, count, align, avoid, 1, &start, &e);
	if (r == 0)
		return start;
	ck_assert_int_eq(r, -ENOSPC);
	return 0;
}

START_TEST(free_blocks)
{
	/* Nothing there: the pool's first. */
	ck_assert_uint_eq(block(NULL, NULL, "", "", POOL_FIRST, POOL_LAST, 65536, 65536),
			  POOL_FIRST);
	/* Both files count, and a hole that is large enough in one only doesn't. */
	ck_assert_uint_eq(
		block("a:131072:65536\n", "b:196608:65536\n", "", "", 131072, 400000, 65536, 65536),
		262144);
	/* One id is enough to be in the way, of a user, a primary group, a group. */
	ck_assert_uint_eq(block("", "", "u:x:131072:1\nv:x:2:262143\n", "g:x:300000:\n", 131072,
				500000, 65536, 65536),
			  327680);
	/* avoid (400000-499999). */
	ck_assert_uint_eq(block("", "", "", "", 393216, 600000, 65536, 65536), 524288);
	/* Both readings of an ambiguous line are busy: 32768-98303 and 100000-165535. */
	ck_assert_uint_eq(block("a:0100000:65536\n", "", "", "", 65536, 400000, 1, 1), 98304);
	ck_assert_uint_eq(block("a:0100000:65536\n", "", "", "", 98304, 400000, 65536, 1), 165536);
	ck_assert_uint_eq(block("a:200000:65536 \n", "", "", "", 196608, 400000, 65536, 65536),
			  327680);
	/* 2^64-1 as a count covers all that follows, it doesn't wrap. */
	ck_assert_uint_eq(block("a:100000:18446744073709551615\n", "", "", "", 65536, 4294967295u,
				65536, 65536),
			  0);
	/* Inside a larger one, though that one ends after others. */
	ck_assert_uint_eq(block("a:131072:200000\nb:131073:5\nc:140000:1\n", "", "", "", 131072,
				400000, 1, 1),
			  331072);
}
END_TEST

START_TEST(free_blocks_never)
{
	ck_assert_uint_eq(block("", "", "", "", 0, 4294967295u, 1, 1), 65536);
	ck_assert_uint_eq(block("", "", "", "", 0, 65535, 1, 1), 0);
	ck_assert_uint_eq(block("", "", "", "", 2147352576, 2147418111, 1, 1), 0);
	ck_assert_uint_eq(block("", "", "", "", 2147352570, 2147418115, 6, 1), 2147352570);
	ck_assert_uint_eq(block("", "", "", "", 2147352570, 2147418119, 7, 1), 2147418112);
	ck_assert_uint_eq(block("", "", "", "", 4294967295u, 4294967295u, 1, 1), 0);
	ck_assert_uint_eq(block("", "", "", "", 4294967294u, 4294967295u, 1, 1), 4294967294u);
	ck_assert_uint_eq(block("", "", "", "", 4294967294u, 4294967295u, 2, 1), 0);
}
END_TEST

START_TEST(free_blocks_edges)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_idmap_ struct idmap m = { 0 };
	uint64_t start;

	/* Exactly full, exactly one left, alignment that leaves none. */
	ck_assert_uint_eq(block("a:100000:10\n", "", "", "", 100000, 100009, 1, 1), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "10 of its 10"));
	ck_assert_uint_eq(block("a:100000:9\n", "", "", "", 100000, 100009, 1, 1), 100009);
	ck_assert_uint_eq(block("", "", "", "", 131073, 196607, 1, 65536), 0);
	ck_assert_uint_eq(block("a:99990:15\nb:100008:100\n", "", "", "", 100000, 100009, 5, 1), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "7 of its 10"));
	ck_assert_uint_eq(block("", "", "", "", 1, 4294967295u, 4294967295u, 1), 0);
	ck_assert_uint_eq(block("", "", "", "", 1, 4294967295u, 1, 1ULL << 31), 2147483648u);
	parse("", "", &m);
	accounts("", "", &a);
	ck_assert_int_eq(idmap_free_block(&m, &a, 5, 4, 1, 1, NULL, 0, &start, &e), -EINVAL);
	ck_assert_int_eq(idmap_free_block(&m, &a, 5, 6, 0, 1, NULL, 0, &start, &e), -EINVAL);
	ck_assert_int_eq(idmap_free_block(&m, &a, 5, 6, 1, 0, NULL, 0, &start, &e), -EINVAL);
	ck_assert_int_eq(idmap_free_block(&m, &a, 5, 1ULL << 32, 1, 1, NULL, 0, &start, &e),
			 -EINVAL);
}
END_TEST

/* The sweep against the plain definition, on small random maps. */
START_TEST(free_blocks_by_definition)
{
	unsigned seed = 1;

	for (int round = 0; round < 400; round++) {
		_cleanup_buf_ struct buf uid = BUF_INIT, gid = BUF_INIT;
		const uint64_t first = 70000, last = 70127;
		uint64_t align = 1u << (rand_r(&seed) % 4), count = 1 + rand_r(&seed) % 20;
		uint64_t want = 0;
		bool busy[400] = { false };

		for (int i = rand_r(&seed) % 10; i > 0; i--) {
			int at = rand_r(&seed) % 160, n = 1 + rand_r(&seed) % 12;

			buf_addf(i % 2 ? &uid : &gid, "u%d:%d:%d\n", i, 69990 + at, n);
			for (int k = 0; k < n; k++)
				busy[at + k] = true;
		}
		for (uint64_t at = first; !want && at + count - 1 <= last; at++) {
			bool ok = at % align == 0;

			for (uint64_t k = 0; ok && k < count; k++)
				ok = !busy[at - 69990 + k];
			if (ok)
				want = at;
		}
		ck_assert_uint_eq(block(uid.data ? uid.data : "", gid.data ? gid.data : "", "", "",
					first, last, count, align),
				  want);
	}
}
END_TEST

static void owner(const char *uid, const char *gid, const char *name, struct owner_range *ret)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_idmap_ struct idmap m = { 0 };

	parse(uid, gid, &m);
	accounts("docker:x:990:990\nbig:x:500000:1\nprimary:x:1:600000\n",
		 "docker:x:990:\nbiggroup:x:700000:\n", &a);
	ck_assert_int_eq(idmap_owner(&m, &a, name, ret, &e), 0);
}

START_TEST(owner_states)
{
	_cleanup_(owner_range_done) struct owner_range o = { 0 };

	owner("", NULL, "docker", &o);
	ck_assert(!o.in[0] && !o.in[1] && !o.problem);
	owner("a:100000:65536\ndocker:200000:65536\n", "", "docker", &o);
	ck_assert(o.in[0] && !o.in[1] && !o.problem && !o.differs);
	ck_assert_uint_eq(o.range[0].start, 200000);
	owner("docker:200000:65536\n", "docker:200000:65536\na:1000000:5\n", "docker", &o);
	ck_assert(o.in[0] && o.in[1] && !o.problem && !o.differs);
	owner("docker:200000:65536\n", "docker:300000:65536\n", "990", &o);
	ck_assert(o.in[0] && o.in[1] && !o.problem && o.differs);
	/* By uid. */
	owner("990:200000:65536\n", "docker:200000:65536\n", "docker", &o);
	ck_assert(o.in[0] && o.in[1] && !o.problem && !o.differs);
	/* An owner without an account. */
	owner("ghost:200000:65536\n", "ghost:200000:65536\n", "ghost", &o);
	ck_assert(o.in[0] && o.in[1] && !o.problem);
}
END_TEST

START_TEST(owner_problems)
{
	static const struct {
		const char *uid, *gid, *says;
	} rows[] = {
		{ "docker:200000:65536\ndocker:300000:65536\n", "",
		  "lines 1 and 2 of /etc/subuid" },
		{ "docker:200000:65536\n990:300000:65536\n", "", "one by name and one by uid" },
		{ "docker:0x30d40:65536\n", "", "Docker sees 65536 ids from 0" },
		{ "", "docker:200000:65536 \n", "line 1 of /etc/subgid is not plain" },
		{ "docker:200000\n", "", "newuidmap see nothing, Docker sees nothing" },
		{ "docker:200000:0\n", "", "no id at all" },
		{ "docker:200000:65536\nb:265535:1\n", "", "line 2 of /etc/subuid gives" },
		{ "docker:200000:65536\nb:0x30d40:1 \nc:0606500:1\n", "", "line 3" },
		{ "docker:490000:65536\n", "", "uid 500000, which belongs to user big" },
		{ "", "docker:590000:65536\n", "gid 600000, which belongs to user primary" },
		{ "", "docker:690000:65536\n", "gid 700000, which belongs to group biggroup" },
		{ "docker:1000:65536\n", "", "0-65535 is reserved" },
		{ "docker:2147352500:65536\n", "", "2147352576-2147418111 is reserved" },
		{ "docker:4294900000:67296\n", "", "ends past 4294967294" },
		{ "docker:100000:4294967296\n", "", "ends past 4294967294" },
		{ "docker:5000000000:10\n", "", "ends past 4294967294" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(owner_range_done) struct owner_range o = { 0 };

		owner(rows[i].uid, rows[i].gid, "docker", &o);
		ck_assert_msg(o.problem, "row %zu", i);
		ck_assert_msg(strstr(o.problem, rows[i].says), "row %zu: %s", i, o.problem);
	}
}
END_TEST

START_TEST(owner_touches_nothing)
{
	static const char *const uids[] = {
		/* gids don't count for subuid, other owners' neighbours neither */
		"docker:600000:65536\n",     "docker:200000:65536\na:265536:1\nb:199999:1\n",
		"docker:2147418112:65536\n", "docker:4294901759:65536\n",
		"docker:500001:65536\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		_cleanup_(owner_range_done) struct owner_range o = { 0 };

		owner(uids[i], "", "docker", &o);
		ck_assert_msg(!o.problem, "row %zu: %s", i, o.problem);
	}
}
END_TEST

static struct idmap_findings findings(const char *uid, const char *gid, enum idmap_severity least,
				      struct idmap *m)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_host_ struct host *h = NULL;
	struct idmap_findings f = { 0 };
	char *root = tree_new();

	tree_write(root, "/etc/login.defs", "SUB_UID_DETERMINISTIC yes\n", 0644);
	tree_write(root, "/var/lib/docker/100000.100000/x", "", 0644);
	tree_write(root, "/var/lib/docker/777777.777777/x", "", 0644);
	tree_write(root, "/var/lib/docker/overlay2/x", "", 0644);
	parse(uid, gid, m);
	accounts("a:x:1000:1000\nb:x:1001:1001\nc:x:1002:1002\nhigh:x:900000:900000\n"
		 "high2:x:900001:900001\n",
		 "a:x:1000:\ng:x:910000:\n", &a);
	ck_assert_int_eq(host_open(root, &h, &e), 0);
	ck_assert_int_eq(idmap_findings(m, &a, h, least, &f, &e), 0);
	tree_remove(root);
	return f;
}

static const struct idmap_finding *find(const struct idmap_findings *f, const char *class)
{
	for (size_t i = 0; i < f->n; i++)
		if (streq(f->list[i].class, class))
			return &f->list[i];
	return NULL;
}

START_TEST(every_class)
{
	static const struct {
		const char *uid, *gid, *class;
		unsigned line, other;
		uint64_t first, last;
	} rows[] = {
		{ "a:100000:65536\nb:100000:65536\n", "", "identical", 2, 1, 100000, 165535 },
		{ "a:100000:65536\nb:100010:10\n", "", "containing", 2, 1, 100010, 100019 },
		{ "b:100000:10\na:100000:65536\n", "", "containing", 2, 1, 100000, 100009 },
		{ "a:100000:65536\nb:165000:65536\n", "", "overlap", 2, 1, 165000, 165535 },
		{ "a:100000:65536\nb:165535:65536\n", "", "shared-id", 2, 1, 165535, 165535 },
		{ "a:100000:65536\na:165000:65536\n", "", "same-owner-twice", 2, 1, 165000,
		  165535 },
		{ "a:100000:65536\n1000:165000:65536\n", "", "same-owner-twice", 2, 1, 165000,
		  165535 },
		{ "a:890000:65536\n", "", "covers-account", 1, 0, 900000, 900001 },
		{ "", "a:905000:65536\n", "covers-account", 1, 0, 910000, 910000 },
		{ "a:5000:65536\n", "", "reserved", 1, 0, 5000, 65535 },
		{ "a:2147352575:2\n", "", "reserved", 1, 0, 2147352576, 2147352576 },
		{ "a:4294967295:1\n", "", "reserved", 1, 0, 4294967295, 4294967295 },
		{ "a:4294967290:100\n", "", "past-32-bits", 1, 0, 0, 0 },
		{ "a:99999999999:100\n", "", "past-32-bits", 1, 0, 0, 0 },
		{ "a:100000\n", "", "malformed", 1, 0, 0, 0 },
		{ "a:100000:65536\n1000:300000:65536\n", "", "name-and-uid", 1, 0, 0, 0 },
		{ "a:0x186a0:65536\n", "", "ambiguous", 1, 0, 0, 0 },
		{ "a:100000:65536", "", "unterminated", 0, 0, 0, 0 },
		{ "a:100000:65536\n", "a:165536:65536\n", "one-file-only", 1, 0, 100000, 165535 },
		{ "", "", "deterministic", 0, 0, 0, 0 },
		{ "ghost:100000:65536\n", "", "orphan", 1, 0, 0, 0 },
		{ "a:100000:65535\n", "", "small", 1, 0, 0, 0 },
		{ "a:4000000000:65536\n", "", "region", 1, 0, 2147483648, 4294967294 },
		{ "a:100000:65536\n", "", "data-root", 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_idmap_ struct idmap m = { 0 };
		struct idmap_findings f = findings(rows[i].uid, rows[i].gid, IDMAP_NOTE, &m);
		const struct idmap_finding *x = find(&f, rows[i].class);

		ck_assert_msg(x, "row %zu: no %s", i, rows[i].class);
		ck_assert_msg(x->line == rows[i].line && x->other_line == rows[i].other,
			      "row %zu: lines %u, %u", i, x->line, x->other_line);
		ck_assert_msg(x->first == rows[i].first && x->last == rows[i].last,
			      "row %zu: %" PRIu64 "-%" PRIu64, i, x->first, x->last);
		for (size_t k = 1; k < f.n; k++)
			ck_assert_int_ge(f.list[k - 1].severity, f.list[k].severity);
		if (streq(rows[i].class, "data-root"))
			ck_assert_ptr_nonnull(strstr(x->text, "777777"));
		idmap_findings_done(&f);
	}
}
END_TEST

START_TEST(a_clean_map_has_no_errors)
{
	_cleanup_idmap_ struct idmap m = { 0 };
	static const char text[] = "# us\n\na:100000:65536\nb:165536:65536\nc:231072:65536\n";
	struct idmap_findings f = findings(text, text, IDMAP_ERROR, &m);

	ck_assert_uint_eq(f.n, 0);
	idmap_findings_done(&f);
}
END_TEST

START_TEST(overlaps_of_three)
{
	_cleanup_idmap_ struct idmap m = { 0 };
	/* a's second line reaches furthest; c overlaps both a's and b's. */
	struct idmap_findings f = findings(
		"a:100000:1000\nb:100500:1000\na:101400:5000\nc:101450:10\n", "", IDMAP_ERROR, &m);
	bool told[5] = { false };

	for (size_t i = 0; i < f.n; i++)
		told[f.list[i].line] = told[f.list[i].other_line] = true;
	ck_assert(told[1] && told[2] && told[3] && told[4]);
	ck_assert_uint_le(f.n, 8);
	idmap_findings_done(&f);
}
END_TEST

/* Whether two owners overlap at all is told right, on random maps. */
START_TEST(overlaps_by_definition)
{
	unsigned seed = 7;

	for (int round = 0; round < 300; round++) {
		_cleanup_buf_ struct buf uid = BUF_INIT;
		_cleanup_idmap_ struct idmap m = { 0 };
		struct idmap_findings f;
		int start[12], count[12], who[12], n = 2 + rand_r(&seed) % 10;
		bool crossed[12] = { false }, told[13] = { false };

		for (int i = 0; i < n; i++) {
			start[i] = 100000 + rand_r(&seed) % 100;
			count[i] = 1 + rand_r(&seed) % 15;
			who[i] = rand_r(&seed) % 3;
			buf_addf(&uid, "%c:%d:%d\n", 'a' + who[i], start[i], count[i]);
		}
		for (int i = 0; i < n; i++)
			for (int k = 0; k < n; k++)
				crossed[i] |= who[i] != who[k] && start[i] < start[k] + count[k] &&
					      start[k] < start[i] + count[i];
		f = findings(uid.data, "", IDMAP_ERROR, &m);
		for (size_t i = 0; i < f.n; i++)
			if (!streq(f.list[i].class, "same-owner-twice")) {
				told[f.list[i].line] = told[f.list[i].other_line] = true;
				ck_assert(crossed[f.list[i].line - 1]);
			}
		/* At least the later one of each crossing pair, by start. */
		for (int i = 0; i < n; i++)
			for (int k = 0; k < n; k++)
				if (who[i] != who[k] && start[k] > start[i] &&
				    start[k] < start[i] + count[i])
					ck_assert_msg(told[k + 1], "line %d of\n%s", k + 1,
						      uid.data);
		idmap_findings_done(&f);
	}
}
END_TEST

START_TEST(loads_from_a_root)
{
	_cleanup_idmap_ struct idmap m = { 0 };
	_cleanup_host_ struct host *h = NULL;
	char *root = tree_new();

	ck_assert_int_eq(host_open(root, &h, &e), 0);
	ck_assert_int_eq(idmap_load(h, &m, &e), 0);
	ck_assert(!m.exists[0] && !m.exists[1] && !m.nss && m.n_lines == 0);
	idmap_done(&m);
	tree_write(root, "/etc/subuid", "a:1:2\n", 0644);
	tree_write(root, "/etc/nsswitch.conf", "passwd: files sss\nsubid:  files\n", 0644);
	ck_assert_int_eq(idmap_load(h, &m, &e), 0);
	ck_assert(m.exists[0] && !m.exists[1] && !m.nss && m.n_lines == 1);
	idmap_done(&m);
	tree_write(
		root, "/etc/nsswitch.conf",
		"#subid: no\nsubids: no\n SubID : files [NOTFOUND=return x=y] sss\twinbind # z\n",
		0644);
	ck_assert_int_eq(idmap_load(h, &m, &e), 0);
	ck_assert_str_eq(m.nss, "sss winbind");
	tree_remove(root);
}
END_TEST

static void drawn(const char *uid, const char *gid, int width, bool color, char **ret)
{
	_cleanup_idmap_ struct idmap m = { 0 };
	struct idmap_findings f = findings(uid, gid, IDMAP_NOTE, &m);

	ck_assert_int_eq(idmap_draw(&m, &f, width, color, ret, &e), 0);
	idmap_findings_done(&f);
}

#define MAP                                                                                        \
	"a:100000:65536\nb:150000:65536\nb\033[31m:2000224256:65536\n"                             \
	"a-name-that-is-far-too-long-to-fit-into-any-column-of-a-map:0303240:10\n"

START_TEST(drawing)
{
	_cleanup_free_ char *text = NULL, *empty = NULL, *colored = NULL;

	drawn(MAP, "a:100000:65536\n", 80, false, &text);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_nonnull(strstr(text, "subuid:1 subgid:1"));
	ck_assert_ptr_nonnull(strstr(text, "! "));
	ck_assert_ptr_nonnull(strstr(text, ". free"));
	ck_assert_ptr_nonnull(strstr(text, "error    subuid:2: "));
	drawn("", "", 80, false, &empty);
	ck_assert_ptr_nonnull(strstr(empty, "65536 4294967294"));
	drawn(MAP, "", 80, true, &colored);
	ck_assert_ptr_nonnull(strstr(colored, "\033[0m"));
	ck_assert_ptr_null(strstr(colored, "b\033[31m"));
}
END_TEST

START_TEST(drawing_keeps_its_width)
{
	for (int width = 40; width < 140; width += 7) {
		_cleanup_free_ char *text = NULL;

		drawn(MAP, "a:100000:65536\nc:0:4294967296\n", width, false, &text);
		for (char *line = text, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			ck_assert_msg(end - line <= width, "%d: %.*s", width, (int)(end - line),
				      line);
		}
	}
}
END_TEST

START_TEST(json)
{
	_cleanup_idmap_ struct idmap m = { 0 };
	struct idmap_findings f = findings(MAP "c:-1:18446744073709551615\n\xff:300000:1\n",
					   "a:100000:65536\n", IDMAP_NOTE, &m);
	json_t *all = idmap_json(&m, &f), *x;

	ck_assert_ptr_nonnull(all);
	ck_assert_uint_eq(json_array_size(json_object_get(all, "ranges")), m.n_lines);
	ck_assert_uint_eq(json_array_size(json_object_get(all, "findings")), f.n);
	x = json_array_get(json_object_get(all, "gaps"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(x, "first")), 65536);
	ck_assert_int_eq(json_integer_value(json_object_get(x, "last")), 99999);
	ck_assert(json_is_null(json_object_get(all, "nss")));
	x = json_array_get(json_object_get(all, "ranges"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(x, "owner")), "a");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(x, "docker"), "start")),
			 100000);
	json_decref(all);
	idmap_findings_done(&f);
}
END_TEST

static char *many(size_t n, bool shuffled, size_t *ret_len)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "user%zu:%zu:1000\n", i,
			 100000 + (shuffled ? i * 7919 % n : i) * 1900);
	return buf_take(&b, ret_len);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A bound that only something quadratic misses, valgrind and sanitizers included. */
START_TEST(a_million_lines)
{
	const char *lines = getenv("IDMAP_LINES");
	size_t n = lines ? strtoul(lines, NULL, 10) : 200000;
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_host_ struct host *h = NULL;
	char *root = tree_new();

	accounts("a:x:1000:1000\n", "", &a);
	ck_assert_int_eq(host_open(root, &h, &e), 0);
	for (int shuffled = 0; shuffled < 2; shuffled++) {
		_cleanup_idmap_ struct idmap m = { 0 };
		struct idmap_findings f = { 0 };
		struct owner_range o = { 0 };
		size_t uid_len, gid_len;
		char *uid = many(n, shuffled, &uid_len), *gid = many(n, !shuffled, &gid_len);
		uint64_t start;
		double t0 = now(), t1, t2, t3;

		ck_assert_int_eq(idmap_parse(uid, uid_len, gid, gid_len, &m, &e), 0);
		ck_assert_int_eq(idmap_owner(&m, &a, "dockremap", &o, &e), 0);
		t1 = now();
		ck_assert_int_eq(idmap_free_block(&m, &a, 65536, 4294967295u, 65536, 65536, NULL, 0,
						  &start, &e),
				 0);
		ck_assert_uint_ge(start, 100000 + (n - 1) * 1900 + 1000);
		t2 = now();
		ck_assert_int_eq(idmap_findings(&m, &a, h, IDMAP_ERROR, &f, &e), 0);
		ck_assert_uint_eq(f.n, 0);
		t3 = now();
		if (lines)
			printf("%zu lines twice: parse %.3f s, allocate %.3f s, findings %.3f s\n",
			       n, t1 - t0, t2 - t1, t3 - t2);
		ck_assert(t3 - t0 < 60);
		idmap_findings_done(&f);
	}
	tree_remove(root);
}
END_TEST

START_TEST(a_million_overlaps)
{
	struct buf b = BUF_INIT;
	_cleanup_idmap_ struct idmap m = { 0 };
	_cleanup_free_ char *text = NULL;
	struct idmap_findings f;
	size_t len;

	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "u%d:200000:%d\n", i % 1000, 1000 + i % 3);
	ck_assert_ptr_nonnull(text = buf_take(&b, &len));
	f = findings(text, text, IDMAP_NOTE, &m);
	ck_assert_uint_ge(f.n, 2 * 99999);
	ck_assert_uint_le(f.n, 2 * 100000 * 5);
	free(TAKE_PTR(text));
	ck_assert_int_eq(idmap_draw(&m, &f, 100, false, &text, &e), 0);
	ck_assert_ptr_nonnull(strstr(text, "more ranges"));
	ck_assert_ptr_nonnull(strstr(text, "more findings"));
	idmap_findings_done(&f);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, two_readers);
	tcase_add_test(tc, long_lines_and_odd_bytes);
	tcase_add_test(tc, clips);
	tcase_add_test(tc, owner_shown);
	tcase_add_test(tc, free_blocks);
	tcase_add_test(tc, free_blocks_never);
	tcase_add_test(tc, free_blocks_edges);
	tcase_add_test(tc, free_blocks_by_definition);
	tcase_add_test(tc, owner_states);
	tcase_add_test(tc, owner_problems);
	tcase_add_test(tc, owner_touches_nothing);
	tcase_add_test(tc, every_class);
	tcase_add_test(tc, a_clean_map_has_no_errors);
	tcase_add_test(tc, overlaps_of_three);
	tcase_add_test(tc, overlaps_by_definition);
	tcase_add_test(tc, loads_from_a_root);
	tcase_add_test(tc, drawing);
	tcase_add_test(tc, drawing_keeps_its_width);
	tcase_add_test(tc, json);
	tcase_add_test(tc, a_million_lines);
	tcase_add_test(tc, a_million_overlaps);
}

UNIT_MAIN("idmap")
