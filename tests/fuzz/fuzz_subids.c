/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is /etc/subuid, and from the first NUL byte on /etc/subgid and, after another,
 * /etc/passwd.
 */
#include "../../src/idmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static char *copy(const char *text, size_t len)
{
	char *s = malloc(len + 1);

	require(s);
	memcpy(s, text, len);
	s[len] = '\0';
	return s;
}

/* The next part of the input; the last one keeps its NUL bytes. */
static char *part(const char **text, size_t *len, bool last, size_t *ret_len)
{
	size_t n = last ? *len : strnlen(*text, *len);
	char *s = copy(*text, n);

	*ret_len = n;
	*text += n;
	*len -= n;
	if (*len) {
		++*text;
		--*len;
	}
	return s;
}

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
	for (size_t i = 0; i < a->n_users; i++)
		require(a->users[i].id < start || a->users[i].id >= start + count);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	size_t uid_len, gid_len, passwd_len;
	char *uid = part(&text, &len, false, &uid_len);
	char *gid = part(&text, &len, false, &gid_len);
	char *passwd = part(&text, &len, true, &passwd_len);
	struct accounts a = { 0 };
	struct idmap m = { 0 };
	struct err e;

	require(accounts_parse(passwd, passwd_len, NULL, 0, &a, &e) == 0);
	require(idmap_parse(uid, uid_len, gid, gid_len, &m, &e) == 0);
	check_map(&m, &a);
	check_shown(&m, &a);
	idmap_done(&m);
	accounts_done(&a);
	return 0;
}
