/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts.h"

#include <ctype.h>
#include <inttypes.h>

#include "buf.h"
#include "field.h"

const char *const account_databases[ACCOUNT_DATABASES] = {
	"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
};

/* Cuts the next field of a line off at ':'. */
static char *field_next(char **line)
{
	char *field = *line, *colon;

	if (!field)
		return NULL;
	colon = strchr(field, ':');
	if (colon)
		*colon++ = '\0';
	*line = colon;
	return field;
}

/* As glibc's nss_files: decimal, blanks and a sign in front pass. Strictness here would only make
 * us hand out an id that others take for an account's. */
static bool field_id(const char *field, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (!field || !*field)
		return false;
	errno = 0;
	v = strtoull(field, &end, 10);
	if (errno || end == field || *end || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* name:password:id[:gid]; what follows doesn't matter to us, nor to nss_files. */
static bool parse_line(char *line, bool users, struct account *ret)
{
	while (isspace((unsigned char)*line))
		line++;
	if (strchr("#+-", *line)) /* the empty line too; + and - are NIS */
		return false;
	ret->name = field_next(&line);
	if (!*ret->name || !field_next(&line) || !field_id(field_next(&line), &ret->id))
		return false;
	ret->gid = ret->id;
	return !users || field_id(field_next(&line), &ret->gid);
}

static int parse_file(char *text, size_t len, bool users, struct account **ret, size_t *ret_n,
		      struct err *e)
{
	struct account *list;
	size_t lines = 1, n = 0;
	char *line, *next;

	for (char *p = text; (p = memchr(p, '\n', len - (size_t)(p - text))); p++)
		lines++;
	list = calloc(lines, sizeof(*list));
	if (!list)
		return err_oom(e);
	for (line = text; line; line = next) {
		next = memchr(line, '\n', len - (size_t)(line - text));
		if (next)
			*next++ = '\0';
		if (parse_line(line, users, &list[n]))
			n++;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

/* The first line of a name wins, as in nss_files: equals stay in the order of the file. */
static int by_name(const void *x, const void *y)
{
	const struct account *a = *(const struct account *const *)x;
	const struct account *b = *(const struct account *const *)y;
	int c = strcmp(a->name, b->name);

	return c ? c : (a > b) - (a < b);
}

static int by_id(const void *x, const void *y)
{
	const struct account *a = *(const struct account *const *)x;
	const struct account *b = *(const struct account *const *)y;

	return a->id != b->id ? (a->id > b->id) - (a->id < b->id) : (a > b) - (a < b);
}

static const struct account **index_new(const struct account *list, size_t n,
					int (*compare)(const void *, const void *))
{
	const struct account **index = calloc(n + 1, sizeof(*index));

	if (!index)
		return NULL;
	for (size_t i = 0; i < n; i++)
		index[i] = &list[i];
	qsort(index, n, sizeof(*index), compare);
	return index;
}

int accounts_parse(char *passwd, size_t passwd_len, char *group, size_t group_len,
		   struct accounts *ret, struct err *e)
{
	_cleanup_accounts_ struct accounts a = { .text = { passwd, group } };
	int r;

	if (passwd) {
		r = parse_file(passwd, passwd_len, true, &a.users, &a.n_users, e);
		if (r < 0)
			return r;
	}
	if (group) {
		r = parse_file(group, group_len, false, &a.groups, &a.n_groups, e);
		if (r < 0)
			return r;
	}
	a.users_by_name = index_new(a.users, a.n_users, by_name);
	a.users_by_id = index_new(a.users, a.n_users, by_id);
	a.groups_by_name = index_new(a.groups, a.n_groups, by_name);
	if (!a.users_by_name || !a.users_by_id || !a.groups_by_name)
		return err_oom(e);
	*ret = a;
	a = (struct accounts){ 0 };
	return 0;
}

static int read_optional(const struct host *h, const char *path, char **ret, size_t *ret_len,
			 struct err *e)
{
	int r = host_read(h, path, HOST_READ_MAX, ret, ret_len, e);

	if (r != -ENOENT)
		return r;
	*ret = NULL;
	*ret_len = 0;
	return 0;
}

int accounts_load(const struct host *h, struct accounts *ret, struct err *e)
{
	_cleanup_free_ char *passwd = NULL, *group = NULL;
	size_t passwd_len, group_len;
	int r;

	r = read_optional(h, "/etc/passwd", &passwd, &passwd_len, e);
	if (r < 0)
		return r;
	r = read_optional(h, "/etc/group", &group, &group_len, e);
	if (r < 0)
		return r;
	return accounts_parse(TAKE_PTR(passwd), passwd_len, TAKE_PTR(group), group_len, ret, e);
}

void accounts_done(struct accounts *a)
{
	free(a->users);
	free(a->groups);
	free(a->users_by_name);
	free(a->users_by_id);
	free(a->groups_by_name);
	free(a->text[0]);
	free(a->text[1]);
	*a = (struct accounts){ 0 };
}

static const struct account *find_name(const struct account *const *index, size_t n,
				       const char *name)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(index[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && streq(index[lo]->name, name) ? index[lo] : NULL;
}

const struct account *accounts_user(const struct accounts *a, const char *name)
{
	return find_name(a->users_by_name, a->n_users, name);
}

const struct account *accounts_group(const struct accounts *a, const char *name)
{
	return find_name(a->groups_by_name, a->n_groups, name);
}

const struct account *accounts_user_by_id(const struct accounts *a, uint32_t uid)
{
	size_t lo = 0, hi = a->n_users;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->users_by_id[mid]->id < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < a->n_users && a->users_by_id[lo]->id == uid ? a->users_by_id[lo] : NULL;
}

const struct account *accounts_owner(const struct accounts *a, const char *owner)
{
	const struct account *user = accounts_user(a, owner);
	uint64_t uid = 0;

	if (user || !*owner || (*owner == '0' && owner[1]))
		return user;
	for (const char *p = owner; *p; p++) {
		if (*p < '0' || *p > '9')
			return NULL;
		uid = uid * 10 + (uint64_t)(*p - '0');
		if (uid > UINT32_MAX)
			return NULL;
	}
	return accounts_user_by_id(a, (uint32_t)uid);
}

const char *accounts_nearest(const struct accounts *a, bool groups, const char *name)
{
	const struct account *list = groups ? a->groups : a->users;
	size_t n = groups ? a->n_groups : a->n_users;
	_cleanup_free_ const char **names = calloc(n + 1, sizeof(*names));

	for (size_t i = 0; names && i < n; i++)
		names[i] = list[i].name;
	return names ? field_nearest(name, names) : NULL;
}

int accounts_login_def(const struct host *h, const char *key, uint64_t otherwise, uint64_t *ret,
		       struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len, key_len = strlen(key);
	char *line, *next;
	int r;

	r = read_optional(h, "/etc/login.defs", &text, &len, e);
	if (r < 0)
		return r;
	*ret = otherwise;
	for (line = text; line; line = next) {
		unsigned long long v;
		char *end;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (strncmp(line, key, key_len) || !strchr(" \t", line[key_len]))
			continue;
		line += key_len;
		line += strspn(line, " \t\"");
		errno = 0;
		v = strtoull(line, &end, 0); /* base 0: shadow's getdef_ulong */
		if (!errno && end != line && *line != '-' && !end[strspn(end, " \t\r\"")])
			*ret = v; /* the last one wins, as in shadow's getdef.c */
	}
	return 0;
}

int accounts_nss(const struct host *h, const char *database, char **ret, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf found = BUF_INIT;
	char *line, *next, *word, *save = NULL;
	size_t len, n = strlen(database);
	bool action = false;
	int r;

	*ret = NULL;
	r = read_optional(h, "/etc/nsswitch.conf", &text, &len, e);
	if (r < 0)
		return r;
	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line += strspn(line, " \t");
		line[strcspn(line, "#")] = '\0';
		if (strncasecmp(line, database, n))
			continue;
		line += n + strspn(line + n, " \t");
		if (*line++ != ':')
			continue;
		for (word = strtok_r(line, " \t\r", &save); word;
		     word = strtok_r(NULL, " \t\r", &save)) {
			action |= *word == '[';
			if (!action && !streq(word, "files")) {
				buf_adds(&found, found.len ? " " : "");
				buf_add_shown(&found, word, NULL);
			}
			action &= !strchr(word, ']');
		}
		break;
	}
	if (!found.len && !found.failed)
		return 0;
	*ret = buf_take(&found, NULL);
	return *ret ? 0 : err_oom(e);
}

/* The highest id at or below SYS_UID_MAX that is neither a uid nor a gid, as useradd --system
 * picks. */
static int free_system_id(const struct host *h, const struct accounts *a, uint32_t *ret,
			  struct err *e)
{
	uint8_t used[65536 / 8] = { 0 };
	uint64_t min, max, uid_min;
	int r;

	r = accounts_login_def(h, "UID_MIN", 1000, &uid_min, e);
	if (r < 0)
		return r;
	r = accounts_login_def(h, "SYS_UID_MIN", 100, &min, e);
	if (r < 0)
		return r;
	r = accounts_login_def(h, "SYS_UID_MAX", uid_min ? uid_min - 1 : 999, &max, e);
	if (r < 0)
		return r;
	if (max > 65533) /* 65534 is nobody */
		max = 65533;
	for (size_t i = 0; i < a->n_users; i++) {
		if (a->users[i].id < 65536)
			used[a->users[i].id / 8] |= (uint8_t)(1 << a->users[i].id % 8);
		if (a->users[i].gid < 65536)
			used[a->users[i].gid / 8] |= (uint8_t)(1 << a->users[i].gid % 8);
	}
	for (size_t i = 0; i < a->n_groups; i++)
		if (a->groups[i].id < 65536)
			used[a->groups[i].id / 8] |= (uint8_t)(1 << a->groups[i].id % 8);
	for (uint64_t id = max; id >= min && id > 0; id--)
		if (!(used[id / 8] & 1 << id % 8)) {
			*ret = (uint32_t)id;
			return 0;
		}
	return err_set(e, ENOSPC,
		       "%s/etc/passwd: no id is free for a system account between SYS_UID_MIN "
		       "%" PRIu64 " and SYS_UID_MAX %" PRIu64 " of login.defs",
		       host_prefix(h), min, max);
}

/* shadow(5) files are read only to see that no line of an account long gone would give the new one
 * its password. 1: the file exists, and has none. 0: no such file. */
static int shadow_ready(const struct host *h, const char *path, const char *name, const char *tool,
			struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len, n = strlen(name);
	int r;

	r = read_optional(h, path, &text, &len, e);
	if (r < 0 || !text)
		return r;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, n) && line[n] == ':')
			return err_set(
				e, EEXIST,
				"%s%s has a line for '%s' that belongs to nobody (it is left "
				"over from one that was deleted): take it out, '%s' does",
				host_prefix(h), path, name, tool);
	}
	return 1;
}

static const char *nologin_shell(const struct host *h)
{
	static const char *const shells[] = { "/usr/sbin/nologin", "/sbin/nologin",
					      "/usr/bin/nologin", "/bin/false" };

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (host_exists(h, shells[i]))
			return shells[i];
	return shells[0];
}

/* What shadow lets into passwd(5) at all; what useradd finds good style is the plan's affair. */
static bool name_valid(const char *name)
{
	if (!*name || strchr("#+-", *name) || strlen(name) > 255)
		return false;
	for (const char *p = name; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr(":,/", *p))
			return false;
	return true;
}

static int add_line(const struct host *h, struct changes *out, const char *path, mode_t create_mode,
		    const char *module, const char *setting, const char *text, struct buf *line,
		    struct err *e)
{
	_cleanup_free_ char *s = buf_take(line, NULL);
	int r;

	if (!s)
		return err_oom(e);
	r = changes_line(out, h, path, s, create_mode, module, setting, text, e);
	return r < 0 ? r : 0;
}

int accounts_add_system(const struct host *h, const char *name, struct changes *out,
			const char *module, const char *setting, struct err *e)
{
	_cleanup_accounts_ struct accounts a = { 0 };
	_cleanup_buf_ struct buf line = BUF_INIT;
	_cleanup_free_ char *why = NULL;
	const struct account *group;
	int shadow, gshadow, r;
	uint32_t id;

	if (!name_valid(name))
		return err_set(e, EINVAL, "'%s' can't be the name of an account", name);
	r = accounts_load(h, &a, e);
	if (r < 0 || accounts_user(&a, name))
		return r;
	group = accounts_group(&a, name);
	r = free_system_id(h, &a, &id, e);
	if (r < 0)
		return r;
	shadow = shadow_ready(h, "/etc/shadow", name, "pwck", e);
	if (shadow < 0)
		return shadow;
	gshadow = group ? 0 : shadow_ready(h, "/etc/gshadow", name, "grpck", e);
	if (gshadow < 0)
		return gshadow;
	if (asprintf(&why, "system account %s: uid %" PRIu32 ", gid %" PRIu32 ", no login", name,
		     id, group ? group->id : id) < 0) {
		why = NULL;
		return err_oom(e);
	}

	/* The group first: no moment in which the account's gid means nothing. */
	if (!group) {
		buf_addf(&line, "%s:%s:%" PRIu32 ":", name, gshadow ? "x" : "!", id);
		r = add_line(h, out, "/etc/group", 0644, module, setting, why, &line, e);
		if (r < 0)
			return r;
	}
	if (gshadow) {
		buf_addf(&line, "%s:!::", name);
		r = add_line(h, out, "/etc/gshadow", 0600, module, setting, why, &line, e);
		if (r < 0)
			return r;
	}
	/* No date of the last change: shadow(5), ageing is off; and the line is the same tomorrow,
	 * so that a diff stands. */
	if (shadow) {
		buf_addf(&line, "%s:!:::::::", name);
		r = add_line(h, out, "/etc/shadow", 0600, module, setting, why, &line, e);
		if (r < 0)
			return r;
	}
	buf_addf(&line, "%s:%s:%" PRIu32 ":%" PRIu32 "::/nonexistent:%s", name, shadow ? "x" : "!",
		 id, group ? group->id : id, nologin_shell(h));
	return add_line(h, out, "/etc/passwd", 0644, module, setting, why, &line, e);
}
