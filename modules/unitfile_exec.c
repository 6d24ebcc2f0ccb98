/* SPDX-License-Identifier: Apache-2.0 */
/* The words, environments and command lines of unit files. */
#include "unitfile.h"

#include <fnmatch.h>

#include "../src/buf.h"

#define WHITESPACE " \t\n\r"

/* A NULL-terminated array of strings that grows. */
struct words {
	char **list;
	size_t n, cap;
};

static void words_done(struct words *w)
{
	strv_free(w->list);
	*w = (struct words){ 0 };
}
#define _cleanup_words_ _cleanup_(words_done)

/* Takes ownership of `s`, also when it fails; takes NULL as out of memory. */
static int words_take(struct words *w, char *s)
{
	if (!s)
		return -ENOMEM;
	if (w->n + 1 >= w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 16;
		char **list = reallocarray(w->list, cap, sizeof(*list));

		if (!list) {
			free(s);
			return -ENOMEM;
		}
		w->list = list;
		w->cap = cap;
	}
	w->list[w->n++] = s;
	w->list[w->n] = NULL;
	return 0;
}

/* Gives the strings away, never as NULL but out of memory. */
static char **words_give(struct words *w)
{
	char **list = w->list ? w->list : calloc(1, sizeof(*list));

	*w = (struct words){ 0 };
	return list;
}

/* ---- words ---- */

static int digits(const char *p, int n, unsigned base, uint32_t *ret)
{
	uint32_t v = 0;

	for (int i = 0; i < n; i++) {
		char c = p[i];
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
			     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
						    : 16;

		if (d >= base)
			return -EINVAL;
		v = v * base + d;
	}
	*ret = v;
	return n;
}

static void utf8_add(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_addc(out, (char)(0xe0 | c >> 12));
		} else {
			buf_addc(out, (char)(0xf0 | c >> 18));
			buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_addc(out, (char)(0x80 | (c & 0x3f)));
}

/* One escape, `p` behind the backslash. Returns how many characters it took; -EINVAL: it is none
 * (a NUL is none either). */
static int unescape(const char *p, struct buf *out)
{
	static const char from[] = "abfnrtv\\\"'s", to[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *simple = strchr(from, *p);
	uint32_t c = 0;
	int n;

	if (simple) {
		buf_addc(out, to[simple - from]);
		return 1;
	}
	switch (*p) {
	case 'x':
		n = digits(p + 1, 2, 16, &c);
		break;
	case 'u':
		n = digits(p + 1, 4, 16, &c);
		break;
	case 'U':
		n = digits(p + 1, 8, 16, &c);
		break;
	default:
		n = digits(p, 3, 8, &c);
		if (n < 0 || !c || c > 255)
			return -EINVAL;
		buf_addc(out, (char)c);
		return n;
	}
	if (n < 0 || !c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -EINVAL;
	if (*p == 'x')
		buf_addc(out, (char)c);
	else
		utf8_add(out, c);
	return n + 1;
}

int unitfile_word(const char **p, unsigned flags, char **ret)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const char *s = *p + strspn(*p, WHITESPACE);
	char quote = '\0';

	if (!*s) {
		*p = s;
		return 0;
	}
	for (; *s; s++) {
		if (*s == '\\') {
			int n = -EINVAL;

			if (!s[1]) {
				if (flags & UNITFILE_ESCAPES)
					buf_addc(&out, '\\');
				continue;
			}
			if (flags & UNITFILE_ESCAPES) {
				n = unescape(s + 1, &out);
				if (n < 0)
					buf_addc(&out, '\\');
			}
			if (n < 0) {
				buf_addc(&out, s[1]);
				n = 1;
			}
			s += n;
		} else if (quote) {
			if (*s == quote)
				quote = '\0';
			else
				buf_addc(&out, *s);
		} else if (*s == '"' || *s == '\'') {
			quote = *s;
		} else if (strchr(WHITESPACE, *s)) {
			break;
		} else {
			buf_addc(&out, *s);
		}
	}
	if (quote && !(flags & UNITFILE_RELAX))
		return -EINVAL;
	*ret = buf_take(&out, NULL);
	if (!*ret)
		return -ENOMEM;
	*p = s;
	return 1;
}

/* The text of a specifier into `out`; false when it is not one that is the same everywhere. */
static bool specifier(char c, const char *unit, struct buf *out)
{
	static const struct {
		char c;
		const char *text;
	} fixed[] = {
		{ '%', "%" },	     { 't', "/run" }, { 'S', "/var/lib" }, { 'C', "/var/cache" },
		{ 'L', "/var/log" }, { 'E', "/etc" }, { 'T', "/tmp" },	   { 'V', "/var/tmp" },
		{ 'u', "root" },     { 'U', "0" },    { 'g', "root" },	   { 'G', "0" },
		{ 'h', "/root" },    { 'i', "" },     { 'I', "" },
	};
	const char *dot = strrchr(unit, '.');

	switch (c) {
	case 'n':
		buf_adds(out, unit);
		return true;
	case 'N':
	case 'p':
	case 'P':
		buf_add(out, unit, dot ? (size_t)(dot - unit) : strlen(unit));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].c == c) {
			buf_adds(out, fixed[i].text);
			return true;
		}
	return false;
}

int unitfile_specifiers(const char *text, const char *unit, char **ret)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	for (const char *s = text; *s; s++) {
		if (*s == '%' && s[1] && specifier(s[1], unit, &out))
			s++;
		else
			buf_addc(&out, *s);
	}
	*ret = buf_take(&out, NULL);
	return *ret ? 0 : -ENOMEM;
}

/* ---- the environment ---- */

static size_t name_len(const char *assignment)
{
	return strcspn(assignment, "=");
}

/* Is this NAME=value with a name that systemd takes? */
static bool env_valid(const char *s)
{
	size_t n = name_len(s);

	if (!n || !s[n] || (*s >= '0' && *s <= '9'))
		return false;
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

/* NAME=value from a name and a value that were gathered; both are emptied. Blanks at the value's
 * end go, down to `kept` bytes. */
static int env_push(struct words *w, struct buf *key, struct buf *value, size_t kept)
{
	char *s = NULL;
	size_t nkey = key->len, nvalue = value->len;

	while (nkey && strchr(WHITESPACE, key->data[nkey - 1]))
		nkey--;
	while (nvalue > kept && strchr(WHITESPACE, value->data[nvalue - 1]))
		nvalue--;
	if (key->failed || value->failed ||
	    asprintf(&s, "%.*s=%.*s", (int)nkey, nkey ? key->data : "", (int)nvalue,
		     nvalue ? value->data : "") < 0)
		return -ENOMEM;
	key->len = value->len = 0;
	if (env_valid(s))
		return words_take(w, s);
	free(s);
	return 0;
}

enum env_state {
	ENV_LINE, /* before a name */
	ENV_NAME,
	ENV_START, /* before a value, or between its quoted parts */
	ENV_VALUE,
	ENV_ESCAPE, /* behind a backslash in a plain value */
	ENV_SINGLE,
	ENV_DOUBLE,
	ENV_DOUBLE_ESCAPE,
	ENV_COMMENT,
};

int unitfile_env_parse(const char *text, size_t len, char ***ret, struct err *e)
{
	_cleanup_words_ struct words w = { 0 };
	_cleanup_buf_ struct buf key = BUF_INIT;
	_cleanup_buf_ struct buf value = BUF_INIT;
	enum env_state state = ENV_LINE;
	size_t kept = 0; /* so much of the value was quoted or escaped and keeps its blanks */

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool newline = c == '\n' || c == '\r', blank = newline || c == ' ' || c == '\t';

		if (!c)
			return err_set(e, EINVAL, "it holds a NUL byte: systemd doesn't read it");
		switch (state) {
		case ENV_LINE:
			if (c == '#' || c == ';') {
				state = ENV_COMMENT;
			} else if (!blank) {
				state = ENV_NAME;
				buf_addc(&key, c);
			}
			break;
		case ENV_NAME:
			if (newline) {
				state = ENV_LINE;
				key.len = 0;
			} else if (c == '=') {
				state = ENV_START;
				kept = 0;
			} else {
				buf_addc(&key, c);
			}
			break;
		case ENV_START:
		case ENV_VALUE:
			if (newline) {
				if (env_push(&w, &key, &value, kept) < 0)
					return err_oom(e);
				state = ENV_LINE;
			} else if (c == '\\') {
				state = ENV_ESCAPE;
			} else if (state == ENV_VALUE) {
				buf_addc(&value, c);
			} else if (c == '\'') {
				state = ENV_SINGLE;
			} else if (c == '"') {
				state = ENV_DOUBLE;
			} else if (!blank) {
				state = ENV_VALUE;
				buf_addc(&value, c);
			}
			break;
		case ENV_ESCAPE:
			state = ENV_VALUE;
			if (!newline)
				buf_addc(&value, c);
			kept = value.len;
			break;
		case ENV_SINGLE:
		case ENV_DOUBLE:
			if (c == (state == ENV_SINGLE ? '\'' : '"')) {
				state = ENV_START;
				kept = value.len;
			} else if (c == '\\' && state == ENV_DOUBLE) {
				state = ENV_DOUBLE_ESCAPE;
			} else {
				buf_addc(&value, c);
			}
			break;
		case ENV_DOUBLE_ESCAPE:
			state = ENV_DOUBLE;
			if (!strchr("\"\\`$\n", c))
				buf_addc(&value, '\\');
			if (c != '\n')
				buf_addc(&value, c);
			break;
		case ENV_COMMENT:
			/* Before systemd 254 a backslash at its end continued a comment. */
			if (newline)
				state = ENV_LINE;
			break;
		}
	}
	/* A value that the file's end cuts short counts, an open quote or not. */
	if (state == ENV_SINGLE || state == ENV_DOUBLE || state == ENV_DOUBLE_ESCAPE)
		kept = value.len;
	if (state != ENV_LINE && state != ENV_NAME && state != ENV_COMMENT &&
	    env_push(&w, &key, &value, kept) < 0)
		return err_oom(e);
	*ret = words_give(&w);
	return *ret ? 0 : err_oom(e);
}

/* The order of the environment: by name; `entry` is NAME=value. */
static int name_compare(const char *name, size_t len, const char *entry)
{
	for (size_t i = 0; i < len; i++) {
		if (entry[i] == '=')
			return 1;
		if (name[i] != entry[i])
			return (unsigned char)name[i] - (unsigned char)entry[i];
	}
	return entry[len] == '=' ? 0 : -1;
}

static int assignment_compare(const void *a, const void *b)
{
	const char *x = *(const char *const *)a;

	return name_compare(x, name_len(x), *(const char *const *)b);
}

struct ordered {
	char *s; /* first, so that assignment_compare fits */
	size_t at;
};

static int ordered_compare(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	int r = assignment_compare(a, b);

	return r ? r : (x->at > y->at) - (x->at < y->at);
}

/* Sorts by name; of several assignments to one name the last stays. */
static int env_settle(struct words *w)
{
	_cleanup_free_ struct ordered *o = calloc(w->n + 1, sizeof(*o));
	size_t n = 0;

	if (!o)
		return -ENOMEM;
	for (size_t i = 0; i < w->n; i++)
		o[i] = (struct ordered){ w->list[i], i };
	qsort(o, w->n, sizeof(*o), ordered_compare);
	for (size_t i = 0; i < w->n; i++) {
		if (i + 1 < w->n && assignment_compare(&o[i], &o[i + 1]) == 0)
			free(o[i].s);
		else
			w->list[n++] = o[i].s;
	}
	if (w->list)
		w->list[n] = NULL;
	w->n = n;
	return 0;
}

/* Environment= into `w`. */
static int env_settings(const struct unitfile *u, struct words *w, struct err *e)
{
	const struct unitfile_setting *s;
	size_t pos = 0;

	while ((s = unitfile_next(u, "Service", "Environment", &pos))) {
		const char *p = s->value;
		char *word, *text;
		int r;

		/* systemd takes what stands before a quote that isn't closed. */
		while ((r = unitfile_word(&p, UNITFILE_ESCAPES, &word)) > 0) {
			r = unitfile_specifiers(word, u->name, &text);
			free(word);
			if (r < 0)
				return err_oom(e);
			if (!env_valid(text))
				free(text);
			else if (words_take(w, text) < 0)
				return err_oom(e);
		}
		if (r == -ENOMEM)
			return err_oom(e);
	}
	return 0;
}

struct env_budget {
	size_t bytes, files;
};

static int env_file(const struct host *h, const char *path, bool optional, struct words *w,
		    struct env_budget *left, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char **list = NULL;
	size_t len;
	int r;

	if (!left->files)
		return err_set(e, EFBIG, "%s%s: more than %d environment files", host_prefix(h),
			       path, UNITFILE_FILES_MAX);
	left->files--;
	r = host_read(h, path, left->bytes, &text, &len, e);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0) {
		left->bytes -= len;
		r = unitfile_env_parse(text, len, &list, e);
		if (r < 0)
			err_prefix(e, "%s%s", host_prefix(h), path);
	}
	if (r < 0)
		return optional && r != -ENOMEM ? 0 : r;
	for (char **p = list; *p; p++) {
		r = words_take(w, *p);
		if (r < 0) {
			for (p++; *p; p++)
				free(*p);
			return err_oom(e);
		}
	}
	return 0;
}

/* A path of EnvironmentFile=, which may be a pattern in its last part. */
static int env_files(const struct host *h, const char *path, bool optional, struct words *w,
		     struct env_budget *left, struct err *e)
{
	const char *pattern = strrchr(path, '/') + 1;
	_cleanup_free_ char *dir = strndup(path, (size_t)(pattern - path));
	_cleanup_strv_ char **names = NULL;
	int r;

	if (!dir)
		return err_oom(e);
	if (!strpbrk(pattern, "*?["))
		return env_file(h, path, optional, w, left, e);
	if (dir[1])
		dir[strlen(dir) - 1] = '\0';
	r = host_list(h, dir, &names, e);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **n = names; *n; n++) {
		_cleanup_free_ char *full = NULL;

		if (fnmatch(pattern, *n, FNM_PERIOD) != 0)
			continue;
		if (asprintf(&full, "%s/%s", dir[1] ? dir : "", *n) < 0)
			return err_oom(e);
		r = env_file(h, full, optional, w, left, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* UnsetEnvironment= takes out names, or assignments that stand there exactly so. */
static int env_unset(const struct unitfile *u, struct words *w, struct err *e)
{
	_cleanup_free_ bool *gone = calloc(w->n + 1, sizeof(*gone));
	const struct unitfile_setting *s;
	size_t pos = 0, n = 0;

	if (!gone)
		return err_oom(e);
	while (w->n && (s = unitfile_next(u, "Service", "UnsetEnvironment", &pos))) {
		const char *p = s->value;
		char *word;
		int r;

		while ((r = unitfile_word(&p, UNITFILE_ESCAPES, &word)) > 0) {
			char **found =
				bsearch(&word, w->list, w->n, sizeof(*w->list), assignment_compare);

			if (found && (!strchr(word, '=') || streq(word, *found)))
				gone[found - w->list] = true;
			free(word);
		}
		if (r == -ENOMEM)
			return err_oom(e);
	}
	for (size_t i = 0; i < w->n; i++) {
		if (gone[i])
			free(w->list[i]);
		else
			w->list[n++] = w->list[i];
	}
	w->n = n;
	if (w->list)
		w->list[n] = NULL;
	return 0;
}

int unitfile_environment(const struct unitfile *u, const struct host *h, char ***ret, struct err *e)
{
	_cleanup_words_ struct words w = { 0 };
	struct env_budget left = { UNITFILE_SIZE_MAX, UNITFILE_FILES_MAX };
	const struct unitfile_setting *s;
	size_t pos = 0;
	int r;

	r = env_settings(u, &w, e);
	if (r < 0)
		return r;
	while ((s = unitfile_next(u, "Service", "EnvironmentFile", &pos))) {
		_cleanup_free_ char *path = NULL;
		bool optional = *s->value == '-';

		if (unitfile_specifiers(s->value + optional, u->name, &path) < 0)
			return err_oom(e);
		/* systemd passes over a path that is not absolute. */
		r = *path == '/' ? env_files(h, path, optional, &w, &left, e) : 0;
		if (r < 0)
			return r;
	}
	if (env_settle(&w) < 0)
		return err_oom(e);
	r = env_unset(u, &w, e);
	if (r < 0)
		return r;
	*ret = words_give(&w);
	return *ret ? 0 : err_oom(e);
}

/* ---- command lines ---- */

struct command {
	struct words argv;
	char *const *env;
	size_t n_env;
	size_t left; /* of UNITFILE_COMMAND_MAX */
};

/* Takes ownership of `s`. */
static int argument_take(struct command *c, char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;

	if (n > c->left) {
		free(s);
		return -E2BIG;
	}
	c->left -= n;
	return words_take(&c->argv, s);
}

/* The value of a variable, or "" for an unset one. */
static const char *variable(const struct command *c, const char *name, size_t len)
{
	size_t lo = 0, hi = c->n_env;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = name_compare(name, len, c->env[mid]);

		if (r == 0)
			return c->env[mid] + len + 1;
		if (r < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return "";
}

/* An argument with ${NAME} and $$ in it replaced; $NAME inside a word stays. */
static int argument_expand(struct command *c, const char *arg)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	while (*arg && out.len <= c->left) {
		size_t plain = strcspn(arg, "$");
		const char *end;

		buf_add(&out, arg, plain);
		arg += plain;
		if (!*arg)
			break;
		end = arg[1] == '{' ? strchr(arg + 2, '}') : NULL;
		if (end) {
			buf_adds(&out, variable(c, arg + 2, (size_t)(end - arg - 2)));
			arg = end + 1;
		} else if (arg[1] == '{') {
			buf_adds(&out, arg);
			break;
		} else {
			buf_addc(&out, '$');
			arg += arg[1] == '$' ? 2 : 1;
		}
	}
	return argument_take(c, buf_take(&out, NULL));
}

/* A word of the command line; one that is $NAME as a whole becomes the words of its value. */
static int argument_add(struct command *c, const char *word)
{
	const char *p;
	char *s;
	int r;

	if (word[0] != '$' || word[1] == '{' || word[1] == '$')
		return argument_expand(c, word);
	p = variable(c, word + 1, strlen(word + 1));
	while ((r = unitfile_word(&p, UNITFILE_RELAX, &s)) > 0) {
		r = argument_take(c, s);
		if (r < 0)
			return r;
	}
	return r;
}

static int command_words(struct command *c, const char *value, const char *unit, struct err *e)
{
	const char *p = value;
	bool argv0 = false, expand = true;

	for (size_t n = 0;; n++) {
		_cleanup_free_ char *word = NULL;
		_cleanup_free_ char *text = NULL;
		size_t prefix = 0;
		int r;

		p += strspn(p, WHITESPACE);
		if (n && p[0] == ';' && (!p[1] || strchr(WHITESPACE, p[1]))) {
			if (p[1 + strspn(p + 1, WHITESPACE)])
				return err_set(e, EINVAL, "it holds several commands");
			return 0;
		}
		if (n && p[0] == '\\' && p[1] == ';' && (!p[2] || strchr(WHITESPACE, p[2]))) {
			p += 2;
			r = argument_take(c, strdup(";"));
			if (r < 0)
				return r;
			continue;
		}
		r = unitfile_word(&p, UNITFILE_ESCAPES, &word);
		if (r == -EINVAL)
			return err_set(e, EINVAL, "it has a quote that is not closed");
		if (r <= 0)
			return r;
		if (n == 0) {
			prefix = strspn(word, "-@:+!|");
			argv0 = memchr(word, '@', prefix);
			expand = !memchr(word, ':', prefix);
		}
		r = unitfile_specifiers(word + prefix, unit, &text);
		if (r < 0)
			return r;
		if (n == 0 && *text != '/' && (!*text || strchr(text, '/')))
			return err_set(e, EINVAL, "its program '%s' is not an absolute path", text);
		if (n == 1 && argv0)
			continue;
		/* The program itself is never a variable. */
		r = n && expand ? argument_add(c, text) : argument_take(c, TAKE_PTR(text));
		if (r < 0)
			return r;
	}
}

int unitfile_command(const char *value, const char *unit, char *const *env, char ***ret,
		     struct err *e)
{
	struct command c = { .env = env, .left = UNITFILE_COMMAND_MAX };
	int r;

	while (env[c.n_env])
		c.n_env++;
	r = command_words(&c, value, unit, e);
	if (r == 0 && !c.argv.n)
		r = err_set(e, EINVAL, "it is empty");
	else if (r == -E2BIG)
		r = err_set(e, E2BIG, "it expands to more than %d bytes", UNITFILE_COMMAND_MAX);
	else if (r == -ENOMEM)
		r = err_oom(e);
	if (r < 0)
		words_done(&c.argv);
	else
		*ret = words_give(&c.argv);
	return r;
}
