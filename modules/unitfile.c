/* SPDX-License-Identifier: Apache-2.0 */
#include "unitfile.h"

#include "../src/buf.h"

#define WHITESPACE " \t\n\r"

/* The folders of unit files, strongest first (systemd.unit(5) "UNIT FILE LOAD PATH"; /lib where
 * /usr is not merged). Those of generators and transient units never hold Docker's. */
static const char *const unit_dirs[] = {
	"/etc/systemd/system.control", "/run/systemd/system.control",	"/etc/systemd/system",
	"/run/systemd/system",	       "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
	"/lib/systemd/system",
};

void unitfile_done(struct unitfile *u)
{
	for (size_t i = 0; i < u->n; i++)
		free(u->list[i].section);
	free(u->list);
	for (size_t i = 0; i < u->n_files; i++)
		free(u->files[i]);
	free(u->files);
	free(u->name);
	*u = (struct unitfile){ 0 };
}

/* ---- the text of a unit file ---- */

static const char *strip(const char *s, size_t *len)
{
	while (*len && strchr(WHITESPACE, s[*len - 1]))
		(*len)--;
	while (*len && strchr(WHITESPACE, *s)) {
		s++;
		(*len)--;
	}
	return s;
}

static int setting_add(struct unitfile *u, const char *file, const char *section, const char *line,
		       size_t len)
{
	const char *eq = memchr(line, '=', len);
	const char *name = line, *value;
	size_t nsection = strlen(section), nname, nvalue;
	char *store;

	if (!eq)
		return 0;
	nname = (size_t)(eq - line);
	name = strip(name, &nname);
	nvalue = len - (size_t)(eq + 1 - line);
	value = strip(eq + 1, &nvalue);

	if (u->n == u->cap) {
		size_t cap = u->cap ? 2 * u->cap : 32;
		struct unitfile_setting *list = reallocarray(u->list, cap, sizeof(*list));

		if (!list)
			return -ENOMEM;
		u->list = list;
		u->cap = cap;
	}
	store = malloc(nsection + nname + nvalue + 3);
	if (!store)
		return -ENOMEM;
	u->list[u->n++] = (struct unitfile_setting){
		.section = store,
		.name = store + nsection + 1,
		.value = store + nsection + nname + 2,
		.file = file,
	};
	memcpy(store, section, nsection + 1);
	store = mempcpy(store + nsection + 1, name, nname);
	*store++ = '\0';
	store = mempcpy(store, value, nvalue);
	*store = '\0';
	return 0;
}

/* One logical line, continuations joined. */
static int line_add(struct unitfile *u, const char *file, char **section, const char *line,
		    size_t len)
{
	line = strip(line, &len);
	if (!len)
		return 0;
	if (*line == '[') {
		char *name = strndup(line + 1, line[len - 1] == ']' ? len - 2 : 0);

		if (!name)
			return -ENOMEM;
		free(*section);
		*section = name;
		return 0;
	}
	return *section ? setting_add(u, file, *section, line, len) : 0;
}

static bool ends_in_backslash(const struct buf *b)
{
	size_t n = 0;

	while (n < b->len && b->data[b->len - 1 - n] == '\\')
		n++;
	return n % 2;
}

int unitfile_parse(struct unitfile *u, const char *file, const char *text, size_t len,
		   struct err *e)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	_cleanup_free_ char *section = NULL;
	const char *p = text, *end = text + len;

	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end) {
		const char *eol = p;

		while (eol < end && *eol != '\n' && *eol != '\r' && *eol)
			eol++;
		while (p < eol && (*p == ' ' || *p == '\t'))
			p++;
		/* A comment among continued lines doesn't end them (systemd.syntax(7)). */
		if (p == eol || (*p != '#' && *p != ';')) {
			buf_add(&line, p, (size_t)(eol - p));
			if (line.failed)
				return err_oom(e);
			if (ends_in_backslash(&line)) {
				line.data[line.len - 1] = ' ';
			} else {
				if (line_add(u, file, &section, line.data, line.len) < 0)
					return err_oom(e);
				line.len = 0;
			}
		}
		p = eol + 1;
		if (eol + 1 < end && eol[0] == '\r' && eol[1] == '\n')
			p++;
	}
	if (line.len && line_add(u, file, &section, line.data, line.len) < 0)
		return err_oom(e);
	return 0;
}

const struct unitfile_setting *unitfile_next(const struct unitfile *u, const char *section,
					     const char *name, size_t *pos)
{
	const struct unitfile_setting *found = NULL;
	bool first = *pos == 0;

	for (size_t i = *pos; i < u->n; i++) {
		const struct unitfile_setting *s = &u->list[i];

		if (!streq(s->name, name) || !streq(s->section, section))
			continue;
		if (!*s->value) {
			found = NULL;
		} else if (!found) {
			found = s;
			*pos = i + 1;
			/* Only the first call looks ahead for what takes back all before it. */
			if (!first)
				break;
		}
	}
	return found;
}

/* ---- files ---- */

enum file_kind {
	FILE_NONE,
	FILE_MASK, /* /dev/null or empty: what stands below it doesn't count */
	FILE_TEXT,
};

/* What stands at a path, and what it links to, if it does. -ENOMEM and the like. */
static int file_look(const struct host *h, const char *path, enum file_kind *ret, char **ret_target,
		     struct err *e)
{
	struct image im = { 0 };
	struct stat st;
	int r;

	*ret = FILE_NONE;
	r = host_lstat(h, path, &st, e);
	if (r == 0 && S_ISLNK(st.st_mode)) {
		r = host_image(h, path, &im, e);
		*ret_target = TAKE_PTR(im.content);
		image_done(&im);
		/* A root that is only files has no /dev/null to follow the link to. */
		if (r == 0 && *ret_target && has_suffix(*ret_target, "/dev/null")) {
			*ret = FILE_MASK;
			return 0;
		}
		if (r == 0)
			r = host_stat(h, path, &st, e);
	}
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
		return 0;
	if (r < 0)
		return r;
	if (S_ISCHR(st.st_mode))
		*ret = FILE_MASK;
	else if (S_ISREG(st.st_mode))
		*ret = st.st_size ? FILE_TEXT : FILE_MASK;
	return 0;
}

/* The strongest file of a unit's name. *ret_alias: the name that it stands for, or NULL. */
static int fragment_find(const struct host *h, const char *unit, enum file_kind *ret,
			 char **ret_path, char **ret_alias, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_dirs); i++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_free_ char *target = NULL;
		const char *base, *suffix = strrchr(unit, '.');
		int r;

		if (asprintf(&path, "%s/%s", unit_dirs[i], unit) < 0)
			return err_oom(e);
		r = file_look(h, path, ret, &target, e);
		if (r < 0)
			return r;
		if (*ret == FILE_NONE)
			continue;
		if (target && *ret == FILE_TEXT) {
			base = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
			if (!streq(base, unit) && suffix && has_suffix(base, suffix)) {
				*ret_alias = strdup(base);
				if (!*ret_alias)
					return err_oom(e);
			}
		}
		*ret_path = TAKE_PTR(path);
		return 0;
	}
	*ret = FILE_NONE;
	return 0;
}

struct dropin {
	char *path;
	const char *name; /* in path */
	size_t rank;	  /* of two with one name the lower stands */
};

struct dropins {
	struct dropin *list;
	size_t n;
};

static void dropins_done(struct dropins *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->list[i].path);
	free(d->list);
}

static int dropin_compare(const void *a, const void *b)
{
	const struct dropin *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Every *.conf of the folders NAME.d. */
static int dropins_of(const struct host *h, const char *name, struct dropins *d, struct err *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_dirs); i++) {
		_cleanup_free_ char *dir = NULL;
		_cleanup_strv_ char **names = NULL;
		int r;

		if (asprintf(&dir, "%s/%s.d", unit_dirs[i], name) < 0)
			return err_oom(e);
		r = host_list(h, dir, &names, e);
		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
			continue;
		if (r < 0)
			return r;
		for (char **f = names; *f; f++) {
			struct dropin *list;
			char *path;

			if (**f == '.' || !has_suffix(*f, ".conf"))
				continue;
			if (d->n == 4 * UNITFILE_FILES_MAX)
				return err_set(e, EFBIG, "%s%s: too many drop-ins", host_prefix(h),
					       dir);
			list = reallocarray(d->list, d->n + 1, sizeof(*list));
			if (!list)
				return err_oom(e);
			d->list = list;
			if (asprintf(&path, "%s/%s", dir, *f) < 0)
				return err_oom(e);
			list[d->n] = (struct dropin){ path, path + strlen(dir) + 1, d->n };
			d->n++;
		}
	}
	return 0;
}

static int file_read(struct unitfile *u, const struct host *h, const char *path, size_t *left,
		     struct err *e)
{
	char **files = reallocarray(u->files, u->n_files + 1, sizeof(*files));
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (!files)
		return err_oom(e);
	u->files = files;
	if (u->n_files > UNITFILE_FILES_MAX)
		return err_set(e, EFBIG, "%s%s: more than %d drop-ins", host_prefix(h), path,
			       UNITFILE_FILES_MAX);
	r = host_read(h, path, *left, &text, &len, e);
	if (r < 0)
		return r;
	*left -= len;
	files[u->n_files] = strdup(path);
	if (!files[u->n_files])
		return err_oom(e);
	u->n_files++;
	return unitfile_parse(u, files[u->n_files - 1], text, len, e);
}

static int dropins_read(struct unitfile *u, const struct host *h, struct dropins *d, size_t *left,
			struct err *e)
{
	const char *last = NULL;

	if (d->n)
		qsort(d->list, d->n, sizeof(*d->list), dropin_compare);
	for (size_t i = 0; i < d->n; i++) {
		_cleanup_free_ char *target = NULL;
		enum file_kind kind;
		int r;

		if (last && streq(last, d->list[i].name))
			continue;
		r = file_look(h, d->list[i].path, &kind, &target, e);
		if (r == 0 && kind == FILE_TEXT)
			r = file_read(u, h, d->list[i].path, left, e);
		if (r < 0)
			return r;
		if (kind != FILE_NONE)
			last = d->list[i].name;
	}
	return 0;
}

/* A unit's names: the one asked for, then what that is an alias of. */
struct names {
	char *list[8];
	size_t n;
};

static void names_done(struct names *v)
{
	while (v->n)
		free(v->list[--v->n]);
}

static int load(struct unitfile *u, const struct host *h, const char *unit, struct err *e)
{
	_cleanup_(dropins_done) struct dropins d = { 0 };
	_cleanup_(names_done) struct names names = { 0 };
	_cleanup_free_ char *path = NULL;
	size_t left = UNITFILE_SIZE_MAX;
	int r;

	if (!strrchr(unit, '.'))
		return err_set(e, EINVAL, "'%s' is not the name of a unit", unit);
	names.list[0] = strdup(unit);
	if (!names.list[names.n++])
		return err_oom(e);
	for (;;) {
		_cleanup_free_ char *found = NULL;
		char *alias = NULL;
		enum file_kind kind;

		r = fragment_find(h, names.list[names.n - 1], &kind, &found, &alias, e);
		if (r < 0)
			return r;
		u->masked = kind == FILE_MASK;
		if (u->masked)
			return 0;
		if (!found && !path)
			return err_set(e, ENOENT, "there is no %s", unit);
		/* An alias of a file outside the folders of units is read where it is. */
		if (found) {
			free(path);
			path = TAKE_PTR(found);
		}
		if (!alias)
			break;
		if (names.n == ARRAY_SIZE(names.list)) {
			free(alias);
			return err_set(e, ELOOP, "%s%s: an alias of an alias of an alias ...",
				       host_prefix(h), path);
		}
		names.list[names.n++] = alias;
	}
	u->name = strdup(names.list[names.n - 1]);
	if (!u->name)
		return err_oom(e);
	r = file_read(u, h, path, &left, e);
	for (size_t i = names.n; r == 0 && i--;)
		r = dropins_of(h, names.list[i], &d, e);
	/* Those of the type, as service.d/, are the weakest of a name. */
	if (r == 0)
		r = dropins_of(h, strrchr(unit, '.') + 1, &d, e);
	return r < 0 ? r : dropins_read(u, h, &d, &left, e);
}

int unitfile_load(const struct host *h, const char *unit, struct unitfile *ret, struct err *e)
{
	struct unitfile u = { 0 };
	int r;

	r = load(&u, h, unit, e);
	if (r < 0)
		unitfile_done(&u);
	else
		*ret = u;
	return r;
}
