/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "unitlog.h"

/* One key=value of a logfmt line, value without its quotes. */
struct pair {
	const char *key, *value;
	size_t key_len, value_len;
	bool quoted;
};

static bool is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

/* Takes the pair at *pos; false when none stands there. */
static bool pair_next(const char **pos, const char *end, struct pair *ret)
{
	const char *p = *pos;
	struct pair v = { 0 };

	while (p < end && *p == ' ')
		p++;
	v.key = p;
	while (p < end && is_key(*p))
		p++;
	v.key_len = (size_t)(p - v.key);
	if (!v.key_len || p == end || *p++ != '=')
		return false;
	v.quoted = p < end && *p == '"';
	if (v.quoted) {
		for (v.value = ++p; p < end && *p != '"'; p++)
			if (*p == '\\' && ++p == end)
				return false;
		if (p == end)
			return false;
		v.value_len = (size_t)(p++ - v.value);
	} else {
		for (v.value = p; p < end && *p != ' ';)
			p++;
		v.value_len = (size_t)(p - v.value);
	}
	*pos = p;
	*ret = v;
	return true;
}

static bool pair_is(const struct pair *v, const char *key)
{
	return v->key_len == strlen(key) && memcmp(v->key, key, v->key_len) == 0;
}

/* logrus, which the container world logs with, begins each line with its time. */
static bool is_logfmt(const char *msg, size_t len)
{
	return len > 5 && memcmp(msg, "time=", 5) == 0;
}

/* The level that a line of logfmt or JSON names itself; NULL: it is plain text. */
static const char *level_of(const char *msg, size_t len, size_t *ret_len)
{
	static const char json[] = "\"level\":\"";
	const char *pos = msg, *end = msg + len, *level;
	struct pair v;

	if (is_logfmt(msg, len))
		while (pair_next(&pos, end, &v))
			if (pair_is(&v, "level")) {
				*ret_len = v.value_len;
				return v.value;
			}
	if (!len || *msg != '{')
		return NULL;
	level = memmem(msg, len, json, sizeof(json) - 1);
	if (!level)
		return NULL;
	level += sizeof(json) - 1;
	for (pos = level; pos < end && *pos != '"';)
		pos++;
	*ret_len = (size_t)(pos - level);
	return level;
}

bool unitlog_is_error(const char *msg, size_t len, int priority)
{
	static const char *const bad[] = { "error", "fatal", "panic" };
	size_t n = 0;
	const char *level = level_of(msg, len, &n);

	/*
	 * Without a level it is a program's last words on standard error ("failed to start daemon:
	 * ...", "unable to configure the Docker daemon ..."), which the journal files under info.
	 */
	if (!level)
		return len > 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (n == strlen(bad[i]) && memcmp(level, bad[i], n) == 0)
			return true;
	return priority <= 3; /* LOG_ERR and worse */
}

/* The length of the UTF-8 sequence of a printable character at p; 0 when there is none. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
	static const unsigned min[] = { 0, 0, 0xa0, 0x800, 0x10000 }; /* 0x80-0x9f are controls */
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	unsigned c;

	if (n == 1)
		return *p >= 0x20 && *p != 0x7f;
	if (*p < 0xc2 || *p > 0xf4 || left < n)
		return 0;
	c = *p & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	/* U+202A-202E and U+2066-2069 turn the direction of what follows. */
	if (c < min[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	return n;
}

/* Adds text up to the length `max` of the whole; false when it did not fit. */
static bool add_safe(struct buf *out, const char *text, size_t len, bool unquote, size_t max)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		unsigned char c = p[i];

		if (out->failed || out->len + 4 > max)
			return false;
		n = 1;
		if (unquote && c == '\\' && i + 1 < len) {
			c = p[++i];
			if (c == 'n' || c == 't' || c == 'r') {
				buf_addc(out, ' ');
				continue;
			}
		}
		if (c == '\t' || c == '\n' || c == '\r') {
			buf_addc(out, ' ');
			continue;
		}
		n = utf8_len(p + i, len - i);
		if (n) {
			buf_add(out, p + i, n);
		} else {
			n = 1;
			buf_addf(out, "\\x%02x", c);
		}
	}
	return true;
}

void unitlog_clean(struct buf *out, const char *msg, size_t len)
{
	size_t start = out->len, max = start + UNITLOG_LINE_MAX - 3;
	const char *pos = msg, *end = msg + len;
	bool fits = true;
	struct pair v;

	while (end > pos && strchr(" \r\n", end[-1]))
		end--;
	while (is_logfmt(msg, len) && fits && pair_next(&pos, end, &v)) {
		if (pair_is(&v, "time") || pair_is(&v, "level"))
			continue;
		if (out->len > start)
			buf_addc(out, ' ');
		if (!pair_is(&v, "msg"))
			fits = add_safe(out, v.key, v.key_len, false, max - 1) &&
			       add_safe(out, "=", 1, false, max);
		fits = fits && add_safe(out, v.value, v.value_len, v.quoted, max);
	}
	if (fits && pos < end) {
		while (pos < end && *pos == ' ')
			pos++;
		if (out->len > start)
			buf_addc(out, ' ');
		fits = add_safe(out, pos, (size_t)(end - pos), false, max);
	}
	if (!fits)
		buf_adds(out, "...");
}

#if HAVE_SYSTEMD

#include <dlfcn.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "clock.h"

#define WAIT_US	  1000000 /* for lines that are still on their way */
#define SETTLE_NS 100000000
#define SCAN_MAX  1000 /* entries looked at */

#define JOURNAL(X)                                                                                 \
	X(open)                                                                                    \
	X(close)                                                                                   \
	X(add_match)                                                                               \
	X(add_disjunction)                                                                         \
	X(seek_tail)                                                                               \
	X(previous)                                                                                \
	X(get_data)                                                                                \
	X(get_monotonic_usec)                                                                      \
	X(has_runtime_files)                                                                       \
	X(has_persistent_files)                                                                    \
	X(set_data_threshold)                                                                      \
	X(wait)

struct api {
#define X(name) __typeof__(sd_journal_##name) *name;
	JOURNAL(X)
#undef X
};

/* Newest first. */
struct lines {
	char *text[UNITLOG_LINES_MAX];
	size_t n;
};

struct reader {
	struct api api;
	sd_journal *j;
	const struct unitlog_query *q;
	struct lines own, manager;
};

static int api_load(void *lib, struct api *api, struct err *e)
{
	void *f;

#define X(name)                                                                                    \
	f = dlsym(lib, "sd_journal_" #name);                                                       \
	if (!f)                                                                                    \
		return err_set(e, EOPNOTSUPP, "this libsystemd has no sd_journal_" #name);         \
	memcpy(&api->name, &f, sizeof(f));
	JOURNAL(X)
#undef X
	return 0;
}

static void lines_done(struct lines *l)
{
	while (l->n)
		free(l->text[--l->n]);
}

static void reader_done(struct reader *rd)
{
	lines_done(&rd->own);
	lines_done(&rd->manager);
	if (rd->j)
		rd->api.close(rd->j);
}

/* A field of the entry that the reader is at, without its "NAME="; false when it has none. */
static bool field(struct reader *rd, const char *name, const char **ret, size_t *ret_len)
{
	const void *data;
	size_t len, skip = strlen(name) + 1;

	if (rd->api.get_data(rd->j, name, &data, &len) < 0 || len < skip)
		return false;
	*ret = (const char *)data + skip;
	*ret_len = len - skip;
	return true;
}

static bool field_is(struct reader *rd, const char *name, const char *value)
{
	const char *data;
	size_t len;

	return field(rd, name, &data, &len) && len == strlen(value) &&
	       memcmp(data, value, len) == 0;
}

static int lines_add(struct lines *l, unsigned max, const char *msg, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ char *text = NULL;

	unitlog_clean(&b, msg, len);
	text = buf_take(&b, NULL);
	if (!text)
		return -ENOMEM;
	if (l->n >= max || !*text)
		return 0;
	/* A daemon that is started over and over says the same each time. */
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->text[i], text))
			return 0;
	l->text[l->n++] = TAKE_PTR(text);
	return 0;
}

/* The entry the reader is at. */
static int entry_take(struct reader *rd)
{
	const char *past = rd->q->past && *rd->q->past ? rd->q->past : NULL;
	const char *msg, *prio;
	size_t len, prio_len, name = strlen(rd->q->unit);
	int priority = 6;
	bool about;

	/* Containers' output under the journald log driver carries the daemon's unit. */
	if (field(rd, "CONTAINER_ID", &msg, &len))
		return 0;
	if (past &&
	    (field_is(rd, "_SYSTEMD_INVOCATION_ID", past) || field_is(rd, "INVOCATION_ID", past)))
		return 0;
	if (field(rd, "PRIORITY", &prio, &prio_len) && prio_len == 1)
		priority = *prio - '0';
	if (!field(rd, "MESSAGE", &msg, &len))
		return 0;
	/* systemd's helpers speak about the unit from within it: "docker.service: Failed to ...".
	 */
	about = len > name && memcmp(msg, rd->q->unit, name) == 0 && msg[name] == ':';
	if (field_is(rd, "_SYSTEMD_UNIT", rd->q->unit) && !about)
		return unitlog_is_error(msg, len, priority)
			       ? lines_add(&rd->own, rd->q->lines, msg, len)
			       : 0;
	return priority <= 4 ? lines_add(&rd->manager, rd->q->lines, msg, len) : 0;
}

static int journal_scan(struct reader *rd)
{
	uint64_t usec;
	int r;

	lines_done(&rd->own);
	lines_done(&rd->manager);
	if (rd->api.seek_tail(rd->j) < 0)
		return 0;
	for (unsigned i = 0; i < SCAN_MAX && rd->own.n < rd->q->lines; i++) {
		if (rd->api.previous(rd->j) <= 0)
			break;
		/* -ESTALE: of another boot. */
		if (!rd->q->invocation &&
		    (rd->api.get_monotonic_usec(rd->j, &usec, NULL) < 0 || usec < rd->q->since))
			break;
		r = entry_take(rd);
		if (r < 0)
			return r;
	}
	return 0;
}

static int match(struct reader *rd, const char *name, const char *value)
{
	char text[512];

	snprintf(text, sizeof(text), "%s=%s", name, value);
	return rd->api.add_match(rd->j, text, 0);
}

/*
 * (what the unit's processes wrote) or (what PID 1, and its children on the way to exec, wrote
 * about the unit): systemd.journal-fields(7), and what journalctl -u asks for.
 */
static int journal_match(struct reader *rd)
{
	int r = match(rd, "_SYSTEMD_UNIT", rd->q->unit);

	if (r >= 0 && rd->q->invocation)
		r = match(rd, "_SYSTEMD_INVOCATION_ID", rd->q->invocation);
	if (r >= 0)
		r = rd->api.add_disjunction(rd->j);
	if (r >= 0)
		r = match(rd, "UNIT", rd->q->unit);
	if (r >= 0)
		r = match(rd, "_UID", "0");
	if (r >= 0 && rd->q->invocation)
		r = match(rd, "INVOCATION_ID", rd->q->invocation);
	return r;
}

int unitlog_read(void *lib, const struct unitlog_query *q, char **ret, struct err *e)
{
	_cleanup_(reader_done) struct reader rd = { .q = q };
	_cleanup_buf_ struct buf out = BUF_INIT;
	uint64_t end = clock_us() + WAIT_US;
	const struct timespec settle = { .tv_nsec = SETTLE_NS };
	const struct lines *said;
	size_t before = 0;
	int r;

	r = api_load(lib, &rd.api, e);
	if (r < 0)
		return r;
	if (q->lines > UNITLOG_LINES_MAX)
		return err_set(e, EINVAL, "more lines of a journal than it gives");
	r = rd.api.open(&rd.j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	if (r >= 0)
		r = journal_match(&rd);
	if (r >= 0 && rd.api.has_runtime_files(rd.j) <= 0 && rd.api.has_persistent_files(rd.j) <= 0)
		r = -ENOENT;
	/* Done when two looks in a row found the same. */
	while (r >= 0) {
		rd.api.set_data_threshold(rd.j, 4096);
		if (journal_scan(&rd) < 0)
			return err_oom(e);
		if ((rd.own.n && rd.own.n == before) || clock_us() >= end)
			break;
		before = rd.own.n;
		nanosleep(&settle, NULL);
		r = rd.api.wait(rd.j, 0); /* notices files that are new */
	}
	said = rd.own.n ? &rd.own : &rd.manager;
	for (size_t i = said->n; i > 0; i--)
		buf_addf(&out, "%s\n", said->text[i - 1]);
	*ret = buf_take(&out, NULL);
	return *ret ? 0 : err_oom(e);
}

#endif
