/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "engine.h"

#include "../src/field.h"
#include "../src/library.h"

#if HAVE_SQLITE
#include <dlfcn.h>
#include <sqlite3.h>
#endif

#define FACT "engine_version"

/* The packages that hold dockerd, the one to believe first. dpkg's "docker" is something else. */
static const char *const deb_packages[] = { "docker-ce",     "docker-ee", "moby-engine",
					    "docker-engine", "docker.io", NULL };
#if HAVE_SQLITE
static const char *const rpm_packages[] = { "docker-ce",     "docker-ee", "moby-engine",
					    "docker-engine", "docker",	  NULL };
#endif

/* What is known of a root's engine; kept by the host. */
struct known {
	unsigned version;
	char text[ENGINE_VERSION_TEXT];
	const char *why;
	bool looked; /* beyond the packages, too */
};

unsigned engine_version_parse(const char *s, char text[ENGINE_VERSION_TEXT])
{
	const char *epoch = s + strspn(s, "0123456789");
	unsigned part[2] = { 0, 0 }, dots = 0;
	size_t n = 0, digits = 0;

	text[0] = '\0';
	if (*epoch == ':')
		s = epoch + 1;
	for (; n < ENGINE_VERSION_TEXT - 1; s++) {
		if (*s >= '0' && *s <= '9' && digits < 3) {
			if (dots < 2)
				part[dots] = part[dots] * 10 + (unsigned)(*s - '0');
			digits++;
		} else if (*s == '.' && digits) {
			dots++;
			digits = 0;
		} else {
			break;
		}
		text[n++] = *s;
	}
	/* More digits than any version of Docker has: a date, a commit. */
	if (digits == 3 && *s >= '0' && *s <= '9')
		n = 0;
	while (n && text[n - 1] == '.') {
		n--;
		dots--;
	}
	if (!n || !dots || !part[0])
		n = 0;
	text[n] = '\0';
	return n ? VERSION(part[0], part[1]) : 0;
}

/* ---- dpkg ---- */

/* The value of a field in one paragraph, up to its line's end, into `ret`; false without one. */
static bool field_value(const char *para, size_t len, const char *field, char *ret, size_t size)
{
	const char *v = memmem(para, len, field, strlen(field));
	const char *eol;
	size_t n;

	if (!v)
		return false;
	v += strlen(field);
	len -= (size_t)(v - para);
	eol = memchr(v, '\n', len);
	n = eol ? (size_t)(eol - v) : len;
	if (n >= size)
		return false;
	memcpy(ret, v, n);
	ret[n] = '\0';
	return true;
}

/* Unpacked and configured, if perhaps waiting for a trigger (dpkg(1) "Package states"). */
static bool is_installed(const char *status)
{
	return has_suffix(status, " installed") || has_suffix(status, " triggers-pending") ||
	       has_suffix(status, " triggers-awaited");
}

/* The rank of a package by the name that begins at `s`, or `otherwise`. */
static size_t deb_rank(const char *s, size_t len, size_t otherwise)
{
	for (size_t i = 0; i < otherwise; i++) {
		size_t n = strlen(deb_packages[i]);

		if (len > n && s[n] == '\n' && memcmp(s, deb_packages[i], n) == 0)
			return i;
	}
	return otherwise;
}

/*
 * Looks through a dpkg database; `known` and `*best`, an index of deb_packages, are only bettered.
 * The text is scanned for what the names begin with rather than read line by line: it has
 * megabytes. `bare`: a paragraph needs no Status.
 */
static void deb_scan(const char *text, size_t len, bool bare, struct known *known, size_t *best)
{
	static const char *const begins[] = { "\nPackage: docker", "\nPackage: moby-engine" };
	const size_t name_at = strlen("\nPackage: ");
	const char *stop = text + len;

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		const char *p = text, *end;

		/* The first paragraph has no newline before it. */
		if (len < strlen(begins[i]) ||
		    memcmp(text, begins[i] + 1, strlen(begins[i]) - 1) != 0)
			p = memmem(text, len, begins[i], strlen(begins[i]));
		for (; p; p = memmem(end, (size_t)(stop - end), begins[i], strlen(begins[i]))) {
			const char *name = p + name_at - (*p != '\n');
			char status[128], version[256];
			size_t rank = deb_rank(name, (size_t)(stop - name), *best);

			end = memmem(name, (size_t)(stop - name), "\n\n", 2);
			if (!end)
				end = stop;
			if (rank < *best &&
			    (field_value(p, (size_t)(end - p), "\nStatus: ", status, sizeof(status))
				     ? is_installed(status)
				     : bare) &&
			    field_value(p, (size_t)(end - p), "\nVersion: ", version,
					sizeof(version))) {
				known->version = engine_version_parse(version, known->text);
				*best = rank;
			}
		}
	}
}

/* Images without dpkg itself keep a paragraph a file in status.d. */
static int deb_version(const struct host *h, struct known *known, size_t *best, struct err *e)
{
	static const char dir[] = "/var/lib/dpkg/status.d";
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **names = NULL;
	size_t len;
	int r;

	r = host_read(h, "/var/lib/dpkg/status", HOST_READ_MAX, &text, &len, e);
	if (r == 0)
		deb_scan(text, len, false, known, best);
	else if (r != -ENOENT)
		return r;
	r = host_list(h, dir, &names, e);
	if (r == -ENOENT)
		return 0;
	for (char **n = names; r == 0 && *n; n++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_free_ char *one = NULL;

		if (!has_prefix(*n, "docker") && !has_prefix(*n, "moby"))
			continue;
		if (has_suffix(*n, ".md5sums"))
			continue;
		if (asprintf(&path, "%s/%s", dir, *n) < 0)
			return err_oom(e);
		r = host_read(h, path, 1024 * 1024, &one, &len, e);
		if (r == 0)
			deb_scan(one, len, true, known, best);
	}
	return r;
}

/* ---- rpm ---- */

static const char *const rpm_sqlite[] = { "/usr/lib/sysimage/rpm/rpmdb.sqlite",
					  "/var/lib/rpm/rpmdb.sqlite" };

#if HAVE_SQLITE

struct sqlite {
	void *lib;
	__typeof__(&sqlite3_open_v2) open_v2;
	__typeof__(&sqlite3_close) close;
	__typeof__(&sqlite3_limit) limit;
	__typeof__(&sqlite3_progress_handler) progress_handler;
	__typeof__(&sqlite3_prepare_v2) prepare_v2;
	__typeof__(&sqlite3_bind_text) bind_text;
	__typeof__(&sqlite3_step) step;
	__typeof__(&sqlite3_column_blob) column_blob;
	__typeof__(&sqlite3_column_bytes) column_bytes;
	__typeof__(&sqlite3_finalize) finalize;
};

static int sqlite_load(struct sqlite *s, struct err *e)
{
	const struct {
		const char *name;
		size_t at;
	} symbols[] = {
		{ "sqlite3_open_v2", offsetof(struct sqlite, open_v2) },
		{ "sqlite3_close", offsetof(struct sqlite, close) },
		{ "sqlite3_limit", offsetof(struct sqlite, limit) },
		{ "sqlite3_progress_handler", offsetof(struct sqlite, progress_handler) },
		{ "sqlite3_prepare_v2", offsetof(struct sqlite, prepare_v2) },
		{ "sqlite3_bind_text", offsetof(struct sqlite, bind_text) },
		{ "sqlite3_step", offsetof(struct sqlite, step) },
		{ "sqlite3_column_blob", offsetof(struct sqlite, column_blob) },
		{ "sqlite3_column_bytes", offsetof(struct sqlite, column_bytes) },
		{ "sqlite3_finalize", offsetof(struct sqlite, finalize) },
	};

	const char *why;

	s->lib = library_load("libsqlite3.so.0", &why);
	if (!s->lib)
		return why ? err_set(e, EOPNOTSUPP, "%s", why) : err_oom(e);
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *f = dlsym(s->lib, symbols[i].name);

		if (!f) {
			dlclose(s->lib);
			return err_set(e, EOPNOTSUPP, "it has no %s", symbols[i].name);
		}
		memcpy((char *)s + symbols[i].at, &f, sizeof(f));
	}
	return 0;
}

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/*
 * VERSION of a header as rpm stores it: the number of entries and the bytes of data, big-endian;
 * entries of tag, type, offset, count; the data (rpm, docs/manual/hregions.md, lib/header.c). NULL
 * when it has none.
 */
static const char *rpm_header_version(const unsigned char *blob, size_t len)
{
	enum { TAG_VERSION = 1001, TYPE_STRING = 6, ENTRY = 16 };
	uint32_t entries, bytes;
	const unsigned char *data;

	if (len < 8)
		return NULL;
	entries = be32(blob);
	bytes = be32(blob + 4);
	if (entries > (len - 8) / ENTRY || bytes > len - 8 - (size_t)entries * ENTRY)
		return NULL;
	data = blob + 8 + (size_t)entries * ENTRY;
	for (uint32_t i = 0; i < entries; i++) {
		const unsigned char *entry = blob + 8 + (size_t)i * ENTRY;
		uint32_t at = be32(entry + 8);

		if (be32(entry) == TAG_VERSION && be32(entry + 4) == TYPE_STRING && at < bytes &&
		    memchr(data + at, '\0', bytes - at))
			return (const char *)data + at;
	}
	return NULL;
}

/* A database that makes sqlite work for long is not rpm's. */
static int sqlite_enough(void *arg)
{
	(void)arg;
	return 1;
}

/* SQLITE_OK, or what went wrong. */
static int rpm_query(const struct sqlite *s, sqlite3 *db, struct known *known, size_t *best)
{
	static const char query[] = "SELECT p.blob FROM Name n JOIN Packages p ON p.hnum = n.hnum"
				    " WHERE n.key = ? ORDER BY n.hnum DESC LIMIT 1";
	sqlite3_stmt *st = NULL;
	int r = SQLITE_OK;

	for (size_t i = 0; r == SQLITE_OK && i < *best && rpm_packages[i]; i++) {
		r = s->prepare_v2(db, query, -1, &st, NULL);
		if (r != SQLITE_OK)
			return r;
		r = s->bind_text(st, 1, rpm_packages[i], -1, SQLITE_STATIC);
		if (r == SQLITE_OK)
			r = s->step(st);
		if (r == SQLITE_ROW) {
			const unsigned char *blob = s->column_blob(st, 0);
			int len = s->column_bytes(st, 0);
			const char *version =
				blob && len > 0 ? rpm_header_version(blob, (size_t)len) : NULL;

			if (version) {
				known->version = engine_version_parse(version, known->text);
				*best = i;
			}
		}
		s->finalize(st);
		if (r == SQLITE_ROW || r == SQLITE_DONE)
			r = SQLITE_OK;
	}
	return r;
}

static int rpm_read(int fd, struct known *known, size_t *best, struct err *e)
{
	struct sqlite s = { 0 };
	sqlite3 *db = NULL;
	char uri[80];
	int r = sqlite_load(&s, e);

	if (r == -EOPNOTSUPP)
		known->why = "libsqlite3, which reads that root's rpm database, is not installed";
	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	/* immutable: no lock, no journal and no -wal file is looked for or made beside it. */
	snprintf(uri, sizeof(uri), "file:/proc/self/fd/%d?mode=ro&immutable=1", fd);
	r = s.open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	if (r == SQLITE_OK) {
		s.limit(db, SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024);
		s.progress_handler(db, 1000000, sqlite_enough, NULL);
		r = rpm_query(&s, db, known, best);
	}
	if (r != SQLITE_OK)
		known->why = "the rpm database of that root can't be read";
	s.close(db);
	dlclose(s.lib);
	return r == SQLITE_NOMEM ? err_oom(e) : 0;
}

#else

static int rpm_read(int fd, struct known *known, size_t *best, struct err *e)
{
	(void)fd;
	(void)best;
	(void)e;
	known->why = "this bulkhead was built without sqlite, which reads that root's rpm database";
	return 0;
}

#endif

static int rpm_version(const struct host *h, struct known *known, size_t *best, struct err *e)
{
	static const char *const others[] = {
		"/usr/lib/sysimage/rpm/Packages.db",
		"/var/lib/rpm/Packages.db",
		"/var/lib/rpm/Packages",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rpm_sqlite); i++) {
		_cleanup_close_ int fd = -1;
		struct stat st;
		struct err none;

		if (host_stat(h, rpm_sqlite[i], &st, &none) < 0 || !S_ISREG(st.st_mode))
			continue;
		fd = host_open_path(h, rpm_sqlite[i], e);
		return fd < 0 ? fd : rpm_read(fd, known, best, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (host_exists(h, others[i]))
			known->why = "the rpm database of that root is in a format that only rpm "
				     "reads";
	return 0;
}

/* ---- all together ---- */

static int package_version(const struct host *h, struct known **ret, struct err *e)
{
	struct known *known = host_kept(h, FACT);
	size_t best = ARRAY_SIZE(deb_packages) - 1;
	int r;

	if (known) {
		*ret = known;
		return 0;
	}
	known = calloc(1, sizeof(*known));
	if (!known)
		return err_oom(e);
	r = deb_version(h, known, &best, e);
	if (r == 0 && !known->version)
		r = rpm_version(h, known, &best, e);
	if (r < 0) {
		free(known);
		return err_prefix(e, "cannot tell which Docker is installed");
	}
	*ret = known;
	return host_keep(h, FACT, known, free, e);
}

/* The text of a version that the plan gives is kept apart: package_version may have its own. */
static int plan_text(const struct host *h, unsigned version, const char **ret, struct err *e)
{
	struct known *known = host_kept(h, FACT " of the plan");
	int r = 0;

	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return err_oom(e);
		r = host_keep(h, FACT " of the plan", known, free, e);
		if (r < 0)
			return r;
	}
	snprintf(known->text, sizeof(known->text), "%u.%u", version / 1000, version % 1000);
	*ret = known->text;
	return 0;
}

/* What the running daemon says of itself, where no package does. */
static int live_version(const struct host *h, struct known *known)
{
	const json_t *doc = NULL;
	const char *s;
	struct err none;
	int r;

	r = engine_get(h, "/version", &doc, &none);
	s = r == 0 ? json_string_value(json_object_get(doc, "Version")) : NULL;
	if (s)
		known->version = engine_version_parse(s, known->text);
	return r == -ENOMEM ? r : 0;
}

static int known_version(const struct host *h, struct known **ret, struct err *e)
{
	const struct engine_cmdline *c;
	struct known *known = NULL;
	struct err none;
	int r;

	r = package_version(h, &known, e);
	if (r < 0)
		return r;
	*ret = known;
	if (known->version || known->looked)
		return 0;
	known->looked = true;
	/* A unit that can't be understood is told of where the command line matters. */
	r = engine_cmdline(h, &c, &none);
	if (r == 0 && !c->installed && !c->masked && !known->why) {
		known->why = "Docker is not installed";
		return 0;
	}
	if (!known->why)
		known->why = "no package of that root's package database holds its Docker";
	if (r != -ENOMEM && host_is_live(h))
		r = live_version(h, known);
	return r == -ENOMEM ? err_oom(e) : 0;
}

int engine_version(const struct host *h, const struct plan *p, unsigned *ret, const char **ret_text,
		   const char **ret_why, struct err *e)
{
	const char *text = NULL, *why = NULL;
	struct known *known = NULL;
	unsigned version;
	int r;

	r = known_version(h, &known, e);
	if (r < 0)
		return r;
	version = known->version;
	if (version) {
		text = known->text;
	} else if (p && plan_engine_version(p)) {
		version = plan_engine_version(p);
		r = plan_text(h, version, &text, e);
		if (r < 0)
			return r;
	} else {
		why = known->why;
	}
	*ret = version;
	if (ret_text)
		*ret_text = text;
	if (ret_why)
		*ret_why = why;
	return 0;
}
