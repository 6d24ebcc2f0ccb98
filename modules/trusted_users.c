/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in the group that may open Docker's socket: exactly those whom the plan names.
 *
 * The lines of the group in group(5) and gshadow(5) are replaced, under the locks of shadow's
 * tools; only the list of members in them is ours. What makes somebody a member otherwise (a
 * primary group, another group with the same id) can't be mended here, and is refused with the
 * command that does.
 */
#include "../src/accounts.h"
#include "../src/buf.h"
#include "../src/module.h"
#include "engine.h"

#define NAME	"trusted-users"
#define CIS	"1.1.2"
#define GROUP	"/etc/group"
#define GSHADOW "/etc/gshadow"

static const struct field member_row = { .name = "member", .type = FIELD_NAME };

static const struct field fields[] = {
	{ .name = "members",
	  .type = FIELD_LIST,
	  .help = "the users in the group, all of them: others are taken out. Each of them is root on "
		  "this host. []: nobody",
	  .cis = CIS,
	  .required = true,
	  .of = &member_row },
	{ .name = "group",
	  .type = FIELD_NAME,
	  .help = "the group of Docker's socket",
	  .cis = CIS,
	  .fallback = "docker" },
	{ .name = "accept-nss",
	  .type = FIELD_BOOL,
	  .help = "take members that /etc/passwd does not hold, because another source of "
		  "nsswitch.conf (sss, ldap) knows them",
	  .fallback = "false" },
	{ 0 },
};

static void check(const struct section *s, struct errs *out)
{
	_cleanup_json_ json_t *seen = json_object();
	json_t *member;
	char path[64];
	size_t i;

	if (!seen) {
		out->failed = true;
		return;
	}
	json_array_foreach (section_get(s, "members"), i, member) {
		const char *name = json_string_value(member);

		snprintf(path, sizeof(path), "members[%zu]", i);
		if (json_object_get(seen, name))
			errs_add(out, section_where(s, path),
				 NAME ".members: '%s' is named twice: take one of them out", name);
		if (json_object_set_new(seen, name, json_true()) < 0)
			out->failed = true;
	}
}

/* --- the group's line in a file --- */

struct entry {
	char *line;	/* as it stands there; NULL: there is none */
	char *members;	/* the part of it that is behind the last colon */
	char *field[2]; /* the second and the third, copied */
	size_t number;
};

static void entry_done(struct entry *x)
{
	free(x->line);
	free(x->field[0]);
	free(x->field[1]);
}
#define _cleanup_entry_ _cleanup_(entry_done)

/* Why a line can't be edited, or NULL. */
static const char *malformed(const char *path, const char *line, size_t len)
{
	size_t colons = 0, digits;

	for (size_t i = 0; i < len; i++) {
		if (line[i] < ' ' || line[i] > '~')
			return "holds bytes that belong into no name";
		colons += line[i] == ':';
	}
	if (line[0] == ' ')
		return "begins with a blank";
	if (colons != 3)
		return "has not four fields";
	line = strchr(strchr(line, ':') + 1, ':') + 1;
	digits = strspn(line, "0123456789");
	return streq(path, GROUP) && (!digits || line[digits] != ':') ? "has no id" : NULL;
}

static int entry_fill(struct entry *x, const char *line, size_t len, size_t number, struct err *e)
{
	const char *second = strchr(line, ':') + 1, *third = strchr(second, ':') + 1;
	const char *last = strchr(third, ':');

	x->number = number;
	x->line = strndup(line, len);
	x->field[0] = strndup(second, (size_t)(third - second) - 1);
	x->field[1] = strndup(third, (size_t)(last - third));
	if (!x->line || !x->field[0] || !x->field[1])
		return err_oom(e);
	x->members = x->line + (last + 1 - line);
	return 0;
}

/* The line of `group`; what keeps it from being edited is a refusal, and no line then. */
static int entry_find(const struct host *h, const char *path, const char *group, struct entry *ret,
		      struct errs *refusals, struct err *e)
{
	_cleanup_entry_ struct entry x = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len, number = 1, n = strlen(group), refused = refusals->n;
	int r = host_read(h, path, HOST_READ_MAX, &text, &len, e);

	*ret = (struct entry){ 0 };
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (const char *line = text, *end; line < text + len; line = end + 1, number++) {
		const char *name = line + strspn(line, " \t"), *why;

		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			end = text + len;
		if (strncmp(name, group, n) != 0 || name[n] != ':')
			continue;
		why = malformed(path, line, (size_t)(end - line));
		if (why)
			errs_add(refusals, path,
				 "line %zu is of group '%s' and %s: mend it with vigr%s", number,
				 group, why, streq(path, GSHADOW) ? " -s" : "");
		else if (x.line)
			errs_add(
				refusals, path,
				"lines %zu and %zu are both of group '%s': make them one with vigr%s",
				x.number, number, group, streq(path, GSHADOW) ? " -s" : "");
		else if (entry_fill(&x, line, (size_t)(end - line), number, e) < 0)
			return e->code;
	}
	if (refusals->n > refused)
		return 0;
	*ret = x;
	x = (struct entry){ 0 };
	return 0;
}

/* --- what is wanted --- */

struct work {
	const char *group;
	const struct account *account; /* the group's, or NULL */
	struct accounts a;
	json_t *members;       /* object: wanted names, in the plan's order */
	struct entry entry[2]; /* of GROUP and GSHADOW */
};

static void work_done(struct work *w)
{
	accounts_done(&w->a);
	json_decref(w->members);
	entry_done(&w->entry[0]);
	entry_done(&w->entry[1]);
}
#define _cleanup_work_ _cleanup_(work_done)

static int unknown(const struct section *s, const struct host *h, const struct accounts *a,
		   const char *name, size_t i, struct errs *mistakes, struct err *e)
{
	_cleanup_free_ char *nss = NULL;
	const char *near = accounts_nearest(a, false, name);
	char path[64];

	if (accounts_nss(h, "passwd", &nss, e) < 0)
		return e->code;
	if (nss && section_bool(s, "accept-nss", false))
		return 0;
	snprintf(path, sizeof(path), "members[%zu]", i);
	errs_add(mistakes, section_where(s, path),
		 NAME ".members: there is no user '%s' in '%s/etc/passwd'%s%s%s%s%s%s", name,
		 host_prefix(h),
		 near ? ": did you mean " : ": make the account first, or take it out",
		 near ? near : "", near ? "?" : "", nss ? " (nsswitch.conf asks '" : "",
		 nss ? nss : "",
		 nss ? "', too: 'accept-nss: true' takes names that only it knows)" : "");
	return 0;
}

static int wanted(const struct section *s, const struct host *h, struct work *w,
		  struct errs *mistakes, struct err *e)
{
	json_t *member;
	size_t i;

	w->members = json_object();
	if (!w->members)
		return err_oom(e);
	json_array_foreach (section_get(s, "members"), i, member) {
		const char *name = json_string_value(member);
		const struct account *user = accounts_owner(&w->a, name);

		if (!user && unknown(s, h, &w->a, name, i, mistakes, e) < 0)
			return e->code;
		if (json_object_set_new(w->members, user ? user->name : name, json_true()) < 0)
			return err_oom(e);
	}
	return 0;
}

static bool trusted(const struct work *w, const char *name)
{
	return json_object_get(w->members, name) != NULL;
}

/* --- members that no line of the group's own makes --- */

static void by_primary_group(const struct work *w, struct errs *refusals)
{
	for (size_t i = 0; i < w->a.n_users; i++) {
		const struct account *u = &w->a.users[i];

		if (u->gid == w->account->id && u->id != 0 && !trusted(w, u->name))
			errs_add(
				refusals, "/etc/passwd",
				"'%s' is the primary group of user '%s', whom the plan does not name: "
				"give the user another (usermod -g GROUP %s), or name the user",
				w->group, u->name, u->name);
	}
}

/* Members of groups of another name with the same id: to the kernel they are one. */
static int by_same_id(const struct work *w, const struct host *h, struct errs *refusals,
		      struct err *e)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t len;
	int r = host_read(h, GROUP, HOST_READ_MAX, &text, &len, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		const char *name = strsep(&line, ":"), *id, *member;

		strsep(&line, ":");
		id = strsep(&line, ":");
		if (!id || strtoull(id, NULL, 10) != w->account->id || streq(name, w->group) ||
		    strchr("#+-", *name))
			continue;
		while ((member = strsep(&line, ", ")))
			if (*member && !trusted(w, member))
				errs_add(
					refusals, GROUP,
					"group '%s' has the same id %u as '%s', and member '%s', whom the "
					"plan does not name: give it another (groupmod -g ID %s)",
					name, w->account->id, w->group, member, name);
	}
	return 0;
}

static int work_init(const struct section *s, const struct host *h, struct work *w,
		     struct errs *mistakes, struct errs *refusals, struct err *e)
{
	const char *near;

	w->group = section_str(s, "group");
	if (accounts_load(h, &w->a, e) < 0 || wanted(s, h, w, mistakes, e) < 0)
		return e->code;
	if (entry_find(h, GROUP, w->group, &w->entry[0], refusals, e) < 0 ||
	    entry_find(h, GSHADOW, w->group, &w->entry[1], refusals, e) < 0)
		return e->code;
	w->account = accounts_group(&w->a, w->group);
	if (w->account) {
		by_primary_group(w, refusals);
		return by_same_id(w, h, refusals, e);
	}
	near = accounts_nearest(&w->a, true, w->group);
	if (!errs_any(refusals) && near)
		errs_add(refusals, section_where(s, "group"),
			 NAME ".group: there is no group '%s' in '%s" GROUP "': did you mean %s?",
			 w->group, host_prefix(h), near);
	else if (!errs_any(refusals))
		errs_add(refusals, GROUP,
			 "there is no group '%s': make it first (groupadd --system %s)", w->group,
			 w->group);
	return 0;
}

/* --- the new line --- */

/* What becomes of a line: those that stay keep their order, those that are new come last. */
struct edit {
	char *line;	  /* NULL: it is as wanted */
	json_t *out, *in; /* arrays of names */
};

static void edit_done(struct edit *d)
{
	free(d->line);
	json_decref(d->out);
	json_decref(d->in);
}
#define _cleanup_edit_ _cleanup_(edit_done)

static int name_add(json_t *list, const char *name, struct err *e)
{
	return json_array_append_new(list, json_string(name)) < 0 ? err_oom(e) : 0;
}

/* Members without those of `out` (may be NULL), then those of `in` (may be NULL) that are missing.
 */
static int edit_make(const struct entry *x, bool (*stays)(const void *arg, const char *name),
		     const void *arg, const json_t *in, struct edit *ret, struct err *e)
{
	_cleanup_edit_ struct edit d = { .out = json_array(), .in = json_array() };
	_cleanup_json_ json_t *there = json_object();
	_cleanup_free_ char *members = strdup(x->members);
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *name, *sep = "";
	char *rest = members;
	bool same = true;
	json_t *v;

	if (!d.out || !d.in || !there || !members)
		return err_oom(e);
	buf_add(&b, x->line, (size_t)(x->members - x->line));
	while ((name = strsep(&rest, ","))) {
		bool keep = stays(arg, name) && !json_object_get(there, name);

		if (!*name)
			continue;
		same &= keep;
		if (keep) {
			buf_addf(&b, "%s%s", sep, name);
			sep = ",";
		} else if (!stays(arg, name) && name_add(d.out, name, e) < 0) {
			return e->code;
		}
		if (json_object_set_new(there, name, json_true()) < 0)
			return err_oom(e);
	}
	json_object_foreach ((json_t *)(uintptr_t)in, name, v) {
		if (json_object_get(there, name))
			continue;
		same = false;
		buf_addf(&b, "%s%s", sep, name);
		sep = ",";
		if (name_add(d.in, name, e) < 0)
			return e->code;
	}
	if (!same && !(d.line = buf_take(&b, NULL)))
		return err_oom(e);
	*ret = d;
	d = (struct edit){ 0 };
	return 0;
}

static bool stays_trusted(const void *arg, const char *name)
{
	return trusted(arg, name);
}

static void add_names(struct buf *b, const char *what, const json_t *names)
{
	json_t *v;
	size_t i;

	if (!json_array_size(names))
		return;
	buf_addf(b, "%s%s", b->len ? "; " : "", what);
	json_array_foreach (names, i, v)
		buf_addf(b, "%s %s", i ? "," : "", json_string_value(v));
}

static int edit_line(struct changes *out, const struct host *h, const char *path,
		     const struct entry *x, const struct edit *d, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!d->line)
		return 0;
	add_names(&b, "taken out:", d->out);
	add_names(&b, "added:", d->in);
	if (!b.len)
		buf_adds(&b, "named once each");
	if (b.failed)
		return err_oom(e);
	return changes_line_replace(out, h, path, x->line, d->line, NAME, "members", CIS, b.data,
				    e);
}

/* --- what was left behind, and what is remembered --- */

static bool stays_theirs(const void *arg, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach ((const json_t *)arg, i, v)
		if (streq(json_string_value(v), name))
			return false;
	return true;
}

/* The plan no longer names the group: those who came in by it go. */
static int left_behind(const json_t *was, const struct host *h, struct changes *out, struct err *e)
{
	static const char *const paths[] = { GROUP, GSHADOW };
	const char *group = json_string_value(json_object_get(was, "group"));
	const json_t *added = json_object_get(was, "added");
	struct errs ignored = { 0 };
	size_t n = out->n;
	int r = 0;

	for (size_t i = 0; group && i < ARRAY_SIZE(paths) && r == 0; i++) {
		_cleanup_entry_ struct entry x = { 0 };
		_cleanup_edit_ struct edit d = { 0 };

		r = entry_find(h, paths[i], group, &x, &ignored, e);
		if (r == 0 && x.line)
			r = edit_make(&x, stays_theirs, added, NULL, &d, e);
		if (r == 0 && x.line)
			r = edit_line(out, h, paths[i], &x, &d, e);
	}
	errs_done(&ignored);
	if (r == 0 && out->n > n)
		r = changes_note(out, NAME, NULL, e,
				 "the plan no longer names who is in group '%s': whom it had taken "
				 "out stays out",
				 group);
	return r;
}

/* Who came in by the plan, now or before, and still is in. */
static int remember(const struct previous *was, const struct work *w, const json_t *in,
		    struct changes *out, struct err *e)
{
	_cleanup_json_ json_t *added = json_array(), *state = NULL;
	json_t *v;
	size_t i;

	if (!added)
		return err_oom(e);
	json_array_foreach (was ? json_object_get(was->state, "added") : NULL, i, v)
		if (trusted(w, json_string_value(v)) && stays_theirs(in, json_string_value(v)) &&
		    json_array_append(added, v) < 0)
			return err_oom(e);
	if (json_array_extend(added, (json_t *)(uintptr_t)in) < 0)
		return err_oom(e);
	if (!json_array_size(added))
		return 0;
	state = json_pack("{s:s, s:O}", "group", w->group, "added", added);
	return state ? changes_remember(out, NAME, state, e) : err_oom(e);
}

/* --- diff and verify --- */

static int applies(const struct section *s, const struct host *h, const char **ret_why,
		   struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	const struct engine_cmdline *c;

	if (accounts_load(h, &a, e) < 0 || engine_cmdline(h, &c, e) < 0)
		return e->code;
	if (c->installed || accounts_group(&a, section_str(s, "group")))
		return 0;
	*ret_why = "there is no such group yet: Docker is not installed, and its package makes it. "
		   "Apply again then";
	return 1;
}

/* Other ways in, which are somebody's to judge. */
static int notes(const struct work *w, const struct edit *d, const struct host *h,
		 struct changes *out, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct entry *shadow = &w->entry[1];
	const char *password = shadow->line ? shadow->field[0] : w->entry[0].field[0];

	if (json_array_size(d->out) && host_is_live(h)) {
		add_names(&b, "", d->out);
		if (b.failed ||
		    changes_note(out, NAME, "members", e,
				 "who is logged in keeps the group until the session ends "
				 "(loginctl terminate-user NAME):%s",
				 b.data) < 0)
			return b.failed ? err_oom(e) : e->code;
	}
	if (password[strspn(password, "!*x")] && password[0] != '!' &&
	    changes_note(out, NAME, NULL, e,
			 "group '%s' has a password: who knows it can join (gpasswd -r %s takes it "
			 "off)",
			 w->group, w->group) < 0)
		return e->code;
	if (shadow->line && shadow->field[1][0] &&
	    changes_note(out, NAME, NULL, e,
			 "group '%s' has administrators who may add members: %s (gpasswd -A '' %s)",
			 w->group, shadow->field[1], w->group) < 0)
		return e->code;
	return 0;
}

static int diff(const struct section *s, const struct previous *was, const struct host *h,
		struct changes *out, struct err *e)
{
	_cleanup_work_ struct work w = { 0 };
	_cleanup_edit_ struct edit group = { 0 }, shadow = { 0 };
	const char *before = was ? json_string_value(json_object_get(was->state, "group")) : NULL;
	size_t refusals = out->refusals.n, mistakes = out->mistakes.n;

	if (!s)
		return left_behind(was->state, h, out, e);
	if (work_init(s, h, &w, &out->mistakes, &out->refusals, e) < 0)
		return e->code;
	if (out->mistakes.n != mistakes || out->refusals.n != refusals || !w.entry[0].line)
		return 0;
	if (before && !streq(before, w.group)) {
		if (left_behind(was->state, h, out, e) < 0)
			return e->code;
		was = NULL;
	}
	if (edit_make(&w.entry[0], stays_trusted, &w, w.members, &group, e) < 0 ||
	    edit_line(out, h, GROUP, &w.entry[0], &group, e) < 0)
		return e->code;
	if (w.entry[1].line &&
	    (edit_make(&w.entry[1], stays_trusted, &w, w.members, &shadow, e) < 0 ||
	     edit_line(out, h, GSHADOW, &w.entry[1], &shadow, e) < 0))
		return e->code;
	if (notes(&w, &group, h, out, e) < 0)
		return e->code;
	return remember(was, &w, group.in, out, e);
}

static int names_text(const json_t *names, char **ret, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)names, name, v)
		buf_addf(&b, "%s%s", b.len ? ", " : "", name);
	if (!b.len)
		buf_adds(&b, "nobody");
	*ret = buf_take(&b, NULL);
	return *ret ? 0 : err_oom(e);
}

static int verify_members(const struct work *w, struct findings *out, struct err *e)
{
	_cleanup_free_ char *all = NULL;
	bool same = true;

	if (names_text(w->members, &all, e) < 0)
		return e->code;
	for (size_t i = 0; i < ARRAY_SIZE(w->entry); i++) {
		_cleanup_edit_ struct edit d = { 0 };

		if (w->entry[i].line &&
		    edit_make(&w->entry[i], stays_trusted, w, w->members, &d, e) < 0)
			return e->code;
		same &= !d.line;
	}
	return findings_add(out, NAME, "members", CIS, same ? FINDING_OK : FINDING_DRIFT, all,
			    same		   ? NULL
			    : *w->entry[0].members ? w->entry[0].members
						   : "nobody",
			    w->entry[1].line ? GROUP " and " GSHADOW : GROUP, e);
}

static int verify(const struct section *s, const struct previous *was, const struct host *h,
		  struct findings *out, struct err *e)
{
	_cleanup_work_ struct work w = { 0 };
	_cleanup_free_ char *nss = NULL, *why = NULL;
	struct errs mistakes = { 0 }, refusals = { 0 };
	int r = work_init(s, h, &w, &mistakes, &refusals, e);

	(void)was;
	for (size_t i = 0; i < refusals.n && r == 0; i++)
		r = findings_add(out, NAME, "members", CIS, FINDING_FAILED, NULL, NULL,
				 refusals.list[i].text, e);
	if (r == 0 && !refusals.n && w.entry[0].line)
		r = verify_members(&w, out, e);
	errs_done(&mistakes);
	errs_done(&refusals);
	if (r == 0)
		r = accounts_nss(h, "group", &nss, e);
	if (r < 0 || !nss || streq(nss, "systemd"))
		return r;
	if (asprintf(&why,
		     "nsswitch.conf asks '%s', too: whom that puts into the group is not seen here "
		     "(getent group %s)",
		     nss, w.group) < 0) {
		why = NULL;
		return err_oom(e);
	}
	return findings_add(out, NAME, "group", CIS, FINDING_SKIPPED, w.group, NULL, why, e);
}

/* --- survey --- */

/* Who is in the group now. What keeps them from being named comes up when the plan is tried. */
static int survey(const struct host *h, struct survey *out, struct err *e)
{
	_cleanup_json_ json_t *members = json_array();
	_cleanup_(errs_done) struct errs refusals = { 0 };
	_cleanup_entry_ struct entry x = { 0 };
	const char *name;
	char *rest;

	if (entry_find(h, GROUP, "docker", &x, &refusals, e) < 0)
		return e->code;
	if (refusals.n)
		return survey_remark(out, e, "%s: %s", GROUP, refusals.list[0].text);
	if (!x.line)
		return 0;
	rest = x.members;
	while (members && (name = strsep(&rest, ",")))
		if (*name && name_add(members, name, e) < 0)
			return e->code;
	return survey_add(out, "members", TAKE_PTR(members), NULL, e);
}

const struct module module_trusted_users = {
	.name = NAME,
	.summary = "who is in the group that may open Docker's socket",
	.fields = fields,
	.order = 12,
	.check = check,
	.applies = applies,
	.diff = diff,
	.verify = verify,
	.survey = survey,
};
