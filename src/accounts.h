/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts and subordinate ids of a root: /etc/passwd, group, shadow, gshadow, subuid, subgid,
 * login.defs, nsswitch.conf of that root, never the running system's NSS; and the locks that
 * shadow's tools take on them.
 */
#ifndef BULKHEAD_ACCOUNTS_H
#define BULKHEAD_ACCOUNTS_H

#include "change.h"

struct account {
	char *name;
	uint32_t id;  /* uid or gid */
	uint32_t gid; /* users: the primary group */
};

struct accounts {
	struct account *users, *groups; /* in the order of the files */
	size_t n_users, n_groups;
	/* Private: indexes for the lookups, and the text that the names point into. */
	const struct account **users_by_name, **groups_by_name, **users_by_id;
	char *text[2];
};

/* Reads ROOT/etc/passwd and group (overlay included); malformed lines and NIS lines are passed
 * over. Absent files are empty. */
int accounts_load(const struct host *h, struct accounts *ret, struct err *e);
/* As accounts_load, from memory: takes over both texts (NUL-terminated; NULL: an absent file). */
int accounts_parse(char *passwd, size_t passwd_len, char *group, size_t group_len,
		   struct accounts *ret, struct err *e);
void accounts_done(struct accounts *a);
#define _cleanup_accounts_ _cleanup_(accounts_done)

/* As getpwnam(3) and the like answer from files: the first line of that name or id. NULL: none. */
const struct account *accounts_user(const struct accounts *a, const char *name);
const struct account *accounts_user_by_id(const struct accounts *a, uint32_t uid);
const struct account *accounts_group(const struct accounts *a, const char *name);

/* The user whom an owner in subuid or subgid, or in a plan, means: a name, else a uid in strict
 * decimal. NULL: none. */
const struct account *accounts_owner(const struct accounts *a, const char *owner);

/* The user's or group's name that was probably meant, or NULL: a hint, so out of memory gives none.
 */
const char *accounts_nearest(const struct accounts *a, bool groups, const char *name);

/* A number from that root's login.defs, in any base as shadow reads it; `otherwise` when the key or
 * the file is absent, or the value is none. */
int accounts_login_def(const struct host *h, const char *key, uint64_t otherwise, uint64_t *ret,
		       struct err *e);

/*
 * The sources of a database ("subid", "group") in that root's nsswitch.conf other than files, with
 * blanks between; actions in brackets aside. NULL: there are none.
 */
int accounts_nss(const struct host *h, const char *database, char **ret, struct err *e);

/*
 * Adds the changes that make a system account `name` with a group of the same name,
 * /usr/sbin/nologin (or what that root has) as its shell, no password, home /nonexistent: lines for
 * passwd, group, and shadow and gshadow where those exist. The uid is the highest free one at or
 * below SYS_UID_MAX (login.defs of that root; 100..999), also free as a gid, as useradd --system
 * picks. A group of that name that exists already becomes its group. Nothing to do when the user
 * exists. -EEXIST: a line of that name is left over in shadow or gshadow; -ENOSPC: no free id;
 * -EINVAL: not a name.
 */
int accounts_add_system(const struct host *h, const char *name, struct changes *out,
			const char *module, const char *setting, struct err *e);

/* The databases that are edited under locks. */
#define ACCOUNT_DATABASES 6
extern const char *const account_databases[ACCOUNT_DATABASES];

/*
 * The locks of shadow's tools on the given databases of a root, as lckpwdf(3) and shadow's commonio
 * take them: a write lock on ROOT/etc/.pwd.lock, then ROOT/etc/NAME.lock for each, in useradd's
 * order. Waits up to `seconds` in all. Under a live root a lock file whose pid is dead is taken
 * over; a live or an empty one is busy. Under an offline root the pid means nothing: any lock file
 * is busy. -EBUSY names the file, the pid and the way out.
 */
struct account_locks;
int accounts_lock(const struct host *h, const char *const *paths, size_t n, int seconds,
		  struct account_locks **ret, struct err *e);
void accounts_unlock(struct account_locks *l); /* takes NULL */

/* Removes lock files that a killed run of ours (its pid) left behind in a root; for recovery,
 * before accounts_lock. -EBUSY: another program is at work on the accounts. */
int accounts_unlock_stale(const struct host *h, uint32_t pid, struct err *e);

/* How many did this run leave that it could not remove? Adds their names, with commas between. */
struct buf;
int accounts_locks_left(const struct host *h, struct buf *names);

#endif
