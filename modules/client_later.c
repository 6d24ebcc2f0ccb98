/* SPDX-License-Identifier: Apache-2.0 */
#include "client_later.h"

#include <ctype.h>

#include "confs.h"

#define VALUE_MAX 200
#define BLANKS	  " \t"

void later_done(struct later *l)
{
	free(l->text);
}

/* A look through files in the order in which they are read. */
struct look {
	const struct host *h;
	const char *variable;
	bool (*same)(const void *arg, const char *value);
	const void *arg;
	bool shell; /* else environment.d(5) */
	struct later *l;
};

/* A file, as far as it counts. */
struct source {
	const char *path, *verb; /* "is read later" */
	bool certain;
	unsigned after; /* lines up to this one don't count */
};

/* --- one line --- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Is there this word in the line? What stands behind one of `behind` isn't it. */
static const char *word_in(const char *line, const char *word, const char *behind)
{
	size_t n = strlen(word);

	for (const char *at = line; (at = strstr(at, word)); at += n)
		if (!is_word(at[n]) &&
		    (at == line || (!is_word(at[-1]) && !strchr(behind, at[-1]))))
			return at;
	return NULL;
}

/* The value behind "=", where it says what it is: no $, no `, nothing escaped. NULL: it doesn't. */
static const char *literal(const char *p, bool shell, char value[VALUE_MAX])
{
	size_t n = 0;
	char quote = 0;

	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (*p == quote) {
			quote = 0;
		} else if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else {
			if (!quote && shell && strchr(";&|", *p))
				break;
			if ((*p == '$' && (quote != '\'' || !shell)) ||
			    (strchr("`\\", *p) && quote != '\'') || (!quote && *p == '(') ||
			    n + 1 >= VALUE_MAX || !isprint((unsigned char)*p))
				return NULL;
			value[n++] = *p;
		}
	}
	value[n] = '\0';
	return quote ? NULL : p;
}

enum sets { SETS_NOT, SETS_MAYBE, SETS };

/* An assignment from the beginning of the line. */
static enum sets assigns(const char *p, const char *variable, bool shell, char value[VALUE_MAX])
{
	bool exports = shell && has_prefix(p, "export ");
	size_t n = strlen(variable);

	if (exports)
		p += strlen("export ") + strspn(p + strlen("export "), BLANKS);
	if (strncmp(p, variable, n) != 0 || p[n] != '=')
		return SETS_NOT;
	p = literal(p + n + 1, shell, value);
	if (!p)
		return SETS_MAYBE;
	p += strspn(p, BLANKS);
	/* For one command only. */
	return !shell || exports || !*p || strchr(";&#", *p) ? SETS : SETS_NOT;
}

static enum sets line_sets(const char *line, const char *variable, bool shell,
			   char value[VALUE_MAX])
{
	const char *p = line + strspn(line, BLANKS), *at;
	size_t n = strlen(variable);
	enum sets r;

	value[0] = '\0';
	if (*p == '#' || (!shell && *p == ';'))
		return SETS_NOT;
	at = word_in(p, variable, "${");
	if (!at)
		return SETS_NOT;
	r = assigns(p, variable, shell, value);
	if (!shell || r != SETS_NOT)
		return r == SETS && shell && p > line ? SETS_MAYBE : r;
	if (has_prefix(p, "unset ") && !strpbrk(p, ";&|"))
		return p > line ? SETS_MAYBE : SETS;
	/* At the head of a line it was looked at already: for one command. */
	for (; at; at = word_in(at + n, variable, "${"))
		if (at[n] == '=' && at > p)
			return SETS_MAYBE;
	return word_in(p, "unset", "") ? SETS_MAYBE : SETS_NOT;
}

/* --- one file --- */

/* How deep in "if" and its like the next line is. What may end the file early counts as one. */
static void nest(const char *line, unsigned *depth)
{
	static const char *const pairs[][2] = { { "if", "fi" },	     { "case", "esac" },
						{ "for", "done" },   { "while", "done" },
						{ "until", "done" }, { "{", "}" } };
	const char *p = line + strspn(line, BLANKS);
	size_t len = strlen(p);

	if (*p == '#')
		return;
	*depth += word_in(p, "return", "") || word_in(p, "exit", "");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		size_t n = strlen(pairs[i][0]);
		bool opens = *pairs[i][0] == '{' ? len && p[len - 1] == '{'
						 : !strncmp(p, pairs[i][0], n) && !is_word(p[n]);

		if (opens && !word_in(p, pairs[i][1], ""))
			++*depth;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		size_t n = strlen(pairs[i][1]);

		/* "done" closes three of them, and is one. */
		if (*depth && !strncmp(p, pairs[i][1], n) && !is_word(p[n])) {
			--*depth;
			break;
		}
	}
}

static int tell(const struct look *k, const struct source *s, unsigned line, enum sets sets,
		const char *value, struct err *e)
{
	bool certain = sets == SETS && s->certain, to = sets == SETS && *value;
	char *text;
	int r;

	if (k->l->certain && !certain)
		return 0;
	r = asprintf(&text, "%s%s:%u %s %s%s%s%s, and %s%s", host_prefix(k->h), s->path, line,
		     sets != SETS ? "may set"
		     : to	  ? "sets"
				  : "takes away",
		     k->variable, to ? " to '" : "", to ? value : "", to ? "'" : "", s->verb,
		     certain ? ": no apply mends that, take the line out" : "");
	if (r < 0)
		return err_oom(e);
	free(k->l->text);
	k->l->text = text;
	k->l->certain = certain;
	return 0;
}

static int look_at(const struct look *k, const struct source *s, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char value[VALUE_MAX];
	unsigned n = 0, depth = 0;
	size_t len;
	int r = host_read(k->h, s->path, CLIENT_TEXT_MAX, &text, &len, e);

	/* A folder, or a link to /dev/null or nowhere: it is passed over there, too. */
	if (r == -ENOENT || r == -EINVAL)
		return 0;
	if (r < 0 && r != -ENOMEM && !k->l->text) {
		k->l->text = strdup(e->text);
		return k->l->text ? 0 : err_oom(e);
	}
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char *line = text, *next; line; line = next) {
		enum sets sets;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		sets = ++n > s->after ? line_sets(line, k->variable, k->shell, value) : SETS_NOT;
		if (k->shell && depth && sets == SETS)
			sets = SETS_MAYBE;
		if (k->shell)
			nest(line, &depth);
		if (sets == SETS && k->same(k->arg, value)) {
			if (s->certain) {
				free(TAKE_PTR(k->l->text));
				k->l->certain = false;
			}
		} else if (sets != SETS_NOT && tell(k, s, n, sets, value, e) < 0) {
			return e->code;
		}
	}
	return 0;
}

/* --- login shells --- */

/* As locales have it: letters and digits count, and no case. */
static int folded_compare(const char *a, const char *b)
{
	for (;; a++, b++) {
		int d;

		while (*a && !isalnum((unsigned char)*a))
			a++;
		while (*b && !isalnum((unsigned char)*b))
			b++;
		d = tolower((unsigned char)*a) - tolower((unsigned char)*b);
		if (d || !*a)
			return d;
	}
}

/* The last line of /etc/profile that names the folder. */
static unsigned loop_of(const char *text)
{
	unsigned line = 1, last = 0;
	const char *at = text, *named;

	for (; (named = strstr(at, CLIENT_PROFILE_DIR)); at = named + 1) {
		for (; at < named; at++)
			line += *at == '\n';
		last = line;
	}
	return last;
}

static int look_at_shells(const struct look *k, struct err *e)
{
	static const char later[] = "is read later", by_locale[] = "is read later in some locales";
	static const char ours[] = CLIENT_PROFILE_OURS;
	_cleanup_strv_ char **names = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read(k->h, CLIENT_PROFILE, CLIENT_TEXT_MAX, &text, &len, e);

	if (r < 0) /* told by the caller */
		return r == -ENOMEM ? r : 0;
	r = host_list(k->h, CLIENT_PROFILE_DIR, &names, e);
	if (r == -ENOMEM)
		return r;
	for (char **n = r < 0 ? NULL : names; n && *n; n++) {
		bool plain = strcmp(*n, ours) > 0, folded = folded_compare(*n, ours) > 0;
		_cleanup_free_ char *path = NULL;
		struct source s = { .verb = plain && folded ? later : by_locale,
				    .certain = plain && folded };

		/* What a shell's * is for. */
		if (**n == '.' || !has_suffix(*n, ".sh") || streq(*n, ours) || !(plain || folded))
			continue;
		if (asprintf(&path, CLIENT_PROFILE_DIR "/%s", *n) < 0) {
			path = NULL;
			return err_oom(e);
		}
		s.path = path;
		if (look_at(k, &s, e) < 0)
			return e->code;
	}
	/* Red Hat's. */
	if (strstr(text, CLIENT_PROFILE_DIR "/sh.local") &&
	    look_at(k, &(struct source){ CLIENT_PROFILE_DIR "/sh.local", later, true, 0 }, e) < 0)
		return e->code;
	return look_at(k,
		       &(struct source){ CLIENT_PROFILE, "does so behind " CLIENT_PROFILE_DIR, true,
					 loop_of(text) },
		       e);
}

/* Shells that are no login shells read these, too, and have what the login left them. */
static int look_at_interactive(const struct look *k, struct err *e)
{
	static const char *const files[] = { "/etc/bash.bashrc", "/etc/bashrc" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (look_at(k, &(struct source){ files[i], "interactive shells read it", false, 0 },
			    e) < 0)
			return e->code;
	return 0;
}

/* --- environment.d(5) --- */

static int look_at_environment(const struct look *k, struct err *e)
{
	static const char *const dirs[] = { CLIENT_ENVIRONMENT_DIR, "/run/environment.d",
					    "/usr/local/lib/environment.d",
					    "/usr/lib/environment.d", NULL };
	_cleanup_(confs_done) struct confs c = { 0 };

	if (confs_load(k->h, dirs, &c, e) < 0) {
		if (e->code == -ENOMEM)
			return e->code;
		k->l->text = strdup(e->text);
		return k->l->text ? 0 : err_oom(e);
	}
	for (size_t i = 0; i < c.n; i++)
		if (strcmp(c.list[i].name, CLIENT_ENVIRONMENT_OURS) > 0 &&
		    look_at(k,
			    &(struct source){ c.list[i].path,
					      "is what a user's systemd reads later", true, 0 },
			    e) < 0)
			return e->code;
	return 0;
}

int later_find(const struct host *h, const char *variable,
	       bool (*same)(const void *arg, const char *value), const void *arg, struct later *ret,
	       struct err *e)
{
	static int (*const looks[])(const struct look *k, struct err *e) = { look_at_shells,
									     look_at_environment,
									     look_at_interactive };
	_cleanup_(later_done) struct later all = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(looks) && !all.certain; i++) {
		_cleanup_(later_done) struct later l = { 0 };
		struct look k = { h, variable, same, arg, i != 1, &l };

		if (looks[i](&k, e) < 0)
			return e->code;
		if (!l.text || (all.text && !l.certain))
			continue;
		later_done(&all);
		all = l;
		l = (struct later){ 0 };
	}
	*ret = all;
	all = (struct later){ 0 };
	return 0;
}
