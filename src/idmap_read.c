/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of subuid and subgid as shadow and as Docker read them. */
#include "idmap.h"

/* strtoul(3) in base 0 on the whole field, as shadow's getulong(). */
static bool shadow_number(const char *s, size_t len, uint64_t *ret)
{
	char copy[1024], *end;

	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, s, len);
	copy[len] = '\0';
	errno = 0;
	*ret = strtoull(copy, &end, 0);
	return !errno && end == copy + len;
}

/* Go's strconv.ParseInt(s, 10, 64) with its error ignored, as moby/sys/user does: 0 for what is no
 * number, the largest for what is too large. */
static int64_t docker_number(const char *s, size_t len)
{
	bool negative = len && *s == '-';
	uint64_t v = 0;

	if (len && (*s == '-' || *s == '+')) {
		s++;
		len--;
	}
	if (!len)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return 0;
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(s[i] - '0');

		if (v > (INT64_MAX - digit) / 10)
			return negative ? INT64_MIN : INT64_MAX;
		v = v * 10 + digit;
	}
	return negative ? -(int64_t)v : (int64_t)v;
}

/* The length of the blank that `s` begins with, 0 for none: unicode.IsSpace of Go, which
 * bytes.TrimSpace asks. */
static size_t go_blank(const char *s, size_t len)
{
	static const char *const blanks[] = {
		"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
		"\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
		"\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
	};

	if (len && *s && strchr(" \t\n\v\f\r", *s))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(blanks); i++) {
		size_t n = strlen(blanks[i]);

		if (len >= n && !memcmp(s, blanks[i], n))
			return n;
	}
	return 0;
}

static size_t go_blank_at_end(const char *s, size_t len)
{
	for (size_t n = 1; n <= 3 && n <= len; n++)
		if (go_blank(s + len - n, n) == n)
			return n;
	return 0;
}

static void go_trim(char **s, size_t *len)
{
	size_t n;

	while ((n = go_blank(*s, *len))) {
		*s += n;
		*len -= n;
	}
	while ((n = go_blank_at_end(*s, *len)))
		*len -= n;
}

/* The fields of a line as both readers cut them. Returns how many there are. */
static size_t split(const char *s, size_t len, const char *field[3], size_t field_len[3])
{
	size_t n = 0;

	for (;;) {
		const char *colon = memchr(s, ':', len);
		size_t part = colon ? (size_t)(colon - s) : len;

		if (n < 3) {
			field[n] = s;
			field_len[n] = part;
		}
		n++;
		if (!colon)
			return n;
		s += part + 1;
		len -= part + 1;
	}
}

/* shadow's subordinate_parse(); commonio keeps + and - lines as NIS's and passes them over. */
static bool read_shadow(const char *s, size_t len, struct idrange *ret)
{
	const char *field[3];
	size_t field_len[3];

	len = strnlen(s, len);
	return len < 1024 && !(len && (*s == '+' || *s == '-')) &&
	       split(s, len, field, field_len) == 3 && field_len[0] &&
	       shadow_number(field[1], field_len[1], &ret->start) &&
	       shadow_number(field[2], field_len[2], &ret->count);
}

/* moby/sys/user's parseSubIDFile() of the trimmed line; Docker up to 27 is stricter, and dies of
 * what it can't read. */
static bool read_docker(const char *s, size_t len, struct idrange *ret)
{
	const char *field[3];
	size_t field_len[3];
	int64_t count;

	if (split(s, len, field, field_len) < 3)
		return false;
	ret->start = (uint64_t)docker_number(field[1], field_len[1]);
	count = docker_number(field[2], field_len[2]);
	ret->count = count > 0 ? (uint64_t)count : 0;
	return true;
}

/* Strict decimal up to `end`, which is passed. NULL: it isn't. */
static const char *strict_number(const char *s, char end, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == s || p - s > 18 || (*s == '0' && p - s > 1) || *p != end)
		return NULL;
	*ret = v;
	return p + 1;
}

/* The plain line, which both read alike and nearly every line is. `s` ends with a NUL at s[len]. */
static bool read_strict(char *s, size_t len, struct subid_line *ret)
{
	char *colon = memchr(s, ':', len);
	const char *p;

	if (!colon || colon == s || len >= 1024 || (unsigned char)*s <= ' ' ||
	    (unsigned char)*s >= 0x7f || *s == '+' || *s == '-')
		return false;
	p = strict_number(colon + 1, ':', &ret->shadow.start);
	if (p)
		p = strict_number(p, '\0', &ret->shadow.count);
	if (!p || p - 1 != s + len)
		return false;
	*colon = '\0';
	if (strlen(s) != (size_t)(colon - s)) {
		*colon = ':';
		return false;
	}
	ret->owner = s;
	ret->docker = ret->shadow;
	ret->by_shadow = ret->by_docker = true;
	ret->ambiguous = false;
	return true;
}

/* False for what is no line to anybody: a blank, a comment without a range in it. */
static bool read_line(char *s, size_t len, struct subid_line *ret)
{
	char *trimmed = s, *colon;
	size_t trimmed_len = len;

	if (read_strict(s, len, ret))
		return true;
	go_trim(&trimmed, &trimmed_len);
	ret->by_shadow = read_shadow(s, len, &ret->shadow);
	ret->by_docker = read_docker(trimmed, trimmed_len, &ret->docker);
	if (!trimmed_len || (*trimmed == '#' && !ret->by_shadow && !ret->by_docker))
		return false;
	ret->ambiguous = true;
	trimmed[trimmed_len] = '\0';
	colon = memchr(trimmed, ':', trimmed_len);
	if (colon)
		*colon = '\0';
	ret->owner = trimmed;
	return true;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 1;

	if (!text)
		return 0;
	for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + len - p))); p++)
		n++;
	return n;
}

static void parse_file(struct idmap *m, enum subid_file file, size_t len)
{
	char *line = m->text[file], *end, *next;
	unsigned number = 0;

	m->exists[file] = line;
	if (!line)
		return;
	m->unterminated[file] = len && line[len - 1] != '\n';
	for (end = line + len; line < end; line = next) {
		struct subid_line *l = &m->lines[m->n_lines];
		char *newline = memchr(line, '\n', (size_t)(end - line));

		next = newline ? newline + 1 : end;
		if (!newline)
			newline = end;
		*newline = '\0';
		*l = (struct subid_line){ .file = file, .line = ++number };
		if (read_line(line, (size_t)(newline - line), l))
			m->n_lines++;
	}
}

int idmap_parse(char *subuid, size_t subuid_len, char *subgid, size_t subgid_len, struct idmap *ret,
		struct err *e)
{
	_cleanup_idmap_ struct idmap m = { .text = { subuid, subgid } };

	m.lines = reallocarray(
		NULL, count_lines(subuid, subuid_len) + count_lines(subgid, subgid_len) + 1,
		sizeof(*m.lines));
	if (!m.lines)
		return err_oom(e);
	parse_file(&m, SUBUID, subuid_len);
	parse_file(&m, SUBGID, subgid_len);
	*ret = m;
	m = (struct idmap){ 0 };
	return 0;
}

void idmap_done(struct idmap *m)
{
	free(m->lines);
	free(m->text[0]);
	free(m->text[1]);
	free(m->nss);
	*m = (struct idmap){ 0 };
}

int idmap_load(const struct host *h, struct idmap *ret, struct err *e)
{
	_cleanup_free_ char *uid = NULL, *gid = NULL, *nss = NULL;
	size_t uid_len = 0, gid_len = 0;
	int r;

	r = host_read(h, subid_paths[SUBUID], HOST_READ_MAX, &uid, &uid_len, e);
	if (r < 0 && r != -ENOENT)
		return r;
	r = host_read(h, subid_paths[SUBGID], HOST_READ_MAX, &gid, &gid_len, e);
	if (r < 0 && r != -ENOENT)
		return r;
	r = accounts_nss(h, "subid", &nss, e);
	if (r < 0)
		return r;
	r = idmap_parse(TAKE_PTR(uid), uid_len, TAKE_PTR(gid), gid_len, ret, e);
	if (r < 0)
		return r;
	ret->nss = TAKE_PTR(nss);
	return 0;
}

/* A map with what tells whether its files have changed. */
struct kept {
	struct idmap map;
	struct stat st[3];
};

static void kept_free(void *fact)
{
	struct kept *k = fact;

	idmap_done(&k->map);
	free(k);
}

static void look(const struct host *h, struct stat st[3])
{
	const char *const paths[3] = { subid_paths[SUBUID], subid_paths[SUBGID],
				       "/etc/nsswitch.conf" };
	struct err absent;

	for (int i = 0; i < 3; i++)
		if (host_stat(h, paths[i], &st[i], &absent) < 0)
			st[i] = (struct stat){ 0 };
}

/* What is only planned has no inode, and what is planned may change: never the same. */
static bool same(const struct stat *a, const struct stat *b)
{
	if (!a->st_mode && !b->st_mode)
		return true;
	return a->st_ino && a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
	       memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0;
}

int idmap_get(const struct host *h, const struct idmap **ret, struct err *e)
{
	static const char name[] = "subordinate ids";
	struct kept *k = host_kept(h, name);
	struct stat st[3];
	int r;

	look(h, st);
	if (!k || !same(&k->st[0], &st[0]) || !same(&k->st[1], &st[1]) ||
	    !same(&k->st[2], &st[2])) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return err_oom(e);
		memcpy(k->st, st, sizeof(st));
		r = idmap_load(h, &k->map, e);
		if (r < 0) {
			free(k);
			return r;
		}
		r = host_keep(h, name, k, kept_free, e);
		if (r < 0)
			return r;
	}
	*ret = &k->map;
	return 0;
}
