/* SPDX-License-Identifier: Apache-2.0 */
#include "undo.h"

#include "accounts.h"
#include "acl.h"
#include "buf.h"
#include "stage.h"

#define LOCK_SECONDS 10

/* One of ours that is not there as we wrote it, nor what stood in its place before: how many lines
 * of its name may it be? 0: somebody took it out. *ret is the first. */
static size_t line_edited(const struct line *l, const struct image *im, const char **ret)
{
	size_t n;

	if (!im->content || line_find(im->content, im->len, l->text) ||
	    (l->old && line_find(im->content, im->len, l->old)))
		return 0;
	n = line_named(im->content, im->len, l->text, ret);
	return n < l->same ? 0 : n;
}

static enum undo_where lines_where(const struct step *s, const struct image *now)
{
	enum undo_where where = UNDO_BEFORE;
	const char *first;

	if (!now->exists)
		return UNDO_BEFORE;
	if (!S_ISREG(now->mode))
		return UNDO_ELSEWHERE;
	for (size_t i = 0; i < s->n_lines; i++) {
		const struct line *l = &s->lines[i];

		if (line_edited(l, now, &first))
			return UNDO_ELSEWHERE;
		if (line_find(now->content, now->len, l->text))
			where = UNDO_AFTER;
	}
	return where;
}

bool undo_unclear(const struct step *s, const struct image *now, struct err *e)
{
	for (size_t i = 0; s->kind == CHANGE_LINES && i < s->n_lines; i++) {
		const struct line *l = &s->lines[i];
		const char *first;
		size_t n = now->exists && S_ISREG(now->mode) ? line_edited(l, now, &first) : 0;

		if (n == 0 || (n == 1 && l->same == 1))
			continue;
		err_set(e, ESTALE,
			"has %zu lines of '%.*s', and which of them was ours can't be told since "
			"somebody edited it: take that one out by hand first",
			n, (int)strcspn(l->text, ":"), l->text);
		return true;
	}
	return false;
}

static bool is_acl(const char *xattr)
{
	return streq(xattr, XATTR_ACL) || streq(xattr, XATTR_ACL_DEFAULT);
}

static bool same_xattr(const struct xattr *a, const struct xattr *b)
{
	return a && b ? a->len == b->len && memcmp(a->value, b->value, a->len) == 0 : !a && !b;
}

static bool xattr_from_sides(const struct step *s, const struct image *now, const char *name)
{
	const struct xattr *x = image_xattr(now, name);

	return same_xattr(x, image_xattr(&s->before, name)) ||
	       same_xattr(x, image_xattr(&s->after, name));
}

/* What a change of owner, mode and ACLs leaves alone. */
static bool other_xattrs_same(const struct image *a, const struct image *b)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		while (i < a->n_xattrs && is_acl(a->xattrs[i].name))
			i++;
		while (k < b->n_xattrs && is_acl(b->xattrs[k].name))
			k++;
		if (i == a->n_xattrs || k == b->n_xattrs)
			return i == a->n_xattrs && k == b->n_xattrs;
		if (!streq(a->xattrs[i].name, b->xattrs[k].name) ||
		    !same_xattr(&a->xattrs[i], &b->xattrs[k]))
			return false;
	}
}

/* Bits of a mode that are of one side, as long as both have one owner, or of the owner's side. */
static bool bits_from_sides(mode_t bits, mode_t mask, const struct image *own,
			    const struct image *other, mode_t moving)
{
	return bits == (own->mode & mask) ||
	       (other ? bits == (other->mode & mask) : bits == moving);
}

/* As xattr_from_sides, and a chmod(2) since. */
static bool acl_from_sides(const struct step *s, const struct image *now, bool moves)
{
	const struct xattr *x = image_xattr(now, XATTR_ACL);
	const struct xattr *b = image_xattr(&s->before, XATTR_ACL),
			   *a = image_xattr(&s->after, XATTR_ACL);

	return xattr_from_sides(s, now, XATTR_ACL) ||
	       (moves && x && ((b && acl_same_but_mode(x, b)) || (a && acl_same_but_mode(x, a))));
}

/*
 * Between both sides, where a change was stopped (protect() in stage.c, in either direction): each
 * ACL, the permissions, and the bits above them of one side or the other. A new owner comes behind
 * a chmod(2) to what both sides allow, which is also the mask of an ACL.
 */
static bool attrs_between(const struct step *s, const struct image *now)
{
	const struct image *b = &s->before, *a = &s->after, *own = b, *other = a;
	bool moves = b->uid != a->uid || b->gid != a->gid;

	if (moves) {
		own = now->uid == a->uid && now->gid == a->gid ? a : b;
		other = NULL;
	}
	return now->uid == own->uid && now->gid == own->gid &&
	       (now->mode & S_IFMT) == (own->mode & S_IFMT) && other_xattrs_same(now, own) &&
	       bits_from_sides(now->mode & 0777, 0777, own, other, b->mode & a->mode & 0700) &&
	       bits_from_sides(now->mode & 07000, 07000, own, other, 0) &&
	       xattr_from_sides(s, now, XATTR_ACL_DEFAULT) && acl_from_sides(s, now, moves);
}

enum undo_where undo_where(const struct step *s, const struct image *now)
{
	bool (*same)(const struct image *a, const struct image *b) = image_same;

	switch (s->kind) {
	case CHANGE_LINES:
		return lines_where(s, now);
	case CHANGE_DIR:
		/* A directory that was made goes when it is empty; what else stands there isn't
		 * ours. */
		return now->exists && S_ISDIR(now->mode) ? UNDO_AFTER : UNDO_BEFORE;
	case CHANGE_ATTRS:
		/* A socket comes and goes with its unit: nothing is left of what was set on the old
		 * one. */
		if (!now->exists)
			return UNDO_BEFORE;
		/* Nor on a file that somebody put in the place of the one that was meant, unless it
		 * looks just like that: in a copy of the root all have other numbers. */
		if (s->no_links && now->ino != s->before.ino && !image_same_attrs(now, &s->after) &&
		    !attrs_between(s, now))
			return UNDO_BEFORE;
		same = image_same_attrs;
		break;
	case CHANGE_KNOB:
		/* A module of the kernel's may be gone, and its values with it. */
		if (!now->exists)
			return UNDO_BEFORE;
		same = image_same_value;
		break;
	case CHANGE_FILE:
	case CHANGE_REMOVE:
		break;
	}
	/* After first: when both are the same content, taking back does no harm. */
	if (same(now, &s->after))
		return UNDO_AFTER;
	if (same(now, &s->before))
		return UNDO_BEFORE;
	return s->kind == CHANGE_ATTRS && attrs_between(s, now) ? UNDO_AFTER : UNDO_ELSEWHERE;
}

int undo_look(const struct host *h, const struct step *s, struct image *ret, struct err *e)
{
	return s->kind == CHANGE_ATTRS ? host_attrs_now(h, s->path, s->no_links, ret, e)
				       : host_image_now(h, s->path, ret, e);
}

static void line_remove(struct image *im, const char *line)
{
	char *p = line_find(im->content, im->len, line);
	size_t n = strlen(line);

	if (!p)
		return;
	n += p + n < im->content + im->len; /* its newline */
	memmove(p, p + n, im->len - (size_t)(p - im->content) - n);
	im->len -= n;
}

/* Takes one of ours back, from where it stands as `text`. */
static int line_back(struct image *im, const struct line *l, const char *text, struct err *e)
{
	if (l->old)
		return image_line(im, text, l->old, e);
	line_remove(im, text);
	return 0;
}

int undo_lines_of(const struct step *s, const struct image *now, bool force, struct image *ret,
		  struct err *e)
{
	_cleanup_(image_done) struct image back = { 0 };

	if (image_copy(now, &back, e) < 0)
		return e->code;
	/* The last one first: what it stood in place of may look like another's. */
	for (size_t i = s->n_lines; back.content && i > 0; i--) {
		const struct line *l = &s->lines[i - 1];
		_cleanup_free_ char *edited = NULL;
		const char *first;

		if (force && line_edited(l, &back, &first) == 1 && l->same == 1) {
			edited = strndup(first, strcspn(first, "\n"));
			if (!edited)
				return err_oom(e);
		}
		if (line_back(&back, l, edited ? edited : l->text, e) < 0)
			return e->code;
	}
	/* Without the newline that we added too, when nobody wrote behind it. */
	if (s->newline && back.len == s->was_len + 1 && back.content[back.len - 1] == '\n')
		back.len--;
	if (back.content)
		back.content[back.len] = '\0';
	*ret = back;
	back = (struct image){ 0 };
	return 0;
}

/* --- what a temporary file tells --- */

/* A temporary file beside a step's target, and the target. */
struct found {
	struct image tmp, now;
	bool busy; /* somebody has the temporary open for writing: it was the target's file */
};

static void found_done(struct found *f)
{
	image_done(&f->tmp);
	image_done(&f->now);
}

/* 0: there is no such file, nor one half written. */
static int look(const struct host *h, const struct step *s, const char *name, struct found *ret,
		struct err *e)
{
	_cleanup_free_ char *path = NULL, *part = NULL;
	const char *slash = strrchr(s->path, '/');

	if (asprintf(&part, "%s" STAGE_PART, name) < 0 ||
	    asprintf(&path, "%.*s%s", (int)(slash - s->path) + 1, s->path, name) < 0)
		return err_oom(e);
	if (stage_discard(h, s->path, part, e) < 0)
		return e->code;
	/* Before it is read: a writer that is done by now has its edit in what we read. */
	ret->busy = stage_busy(h, s->path, name);
	if (host_image_now(h, path, &ret->tmp, e) < 0)
		return e->code;
	if (!ret->tmp.exists)
		return 0;
	return host_image_now(h, s->path, &ret->now, e) < 0 ? e->code : 1;
}

static bool is_before(const struct step *s, const struct image *im)
{
	if (s->kind != CHANGE_LINES)
		return image_same(im, &s->before);
	return image_same_attrs(im, &s->before) && (!im->exists || image_sum(im) == s->before_sum);
}

static bool is_after(const struct step *s, const struct image *im)
{
	if (s->kind != CHANGE_LINES)
		return image_same(im, &s->after);
	return image_same_attrs(im, &s->after) && image_sum(im) == s->after_sum;
}

/* Gives back what an exchange had taken from the target, where ours stands since. */
static int give_back(const struct host *h, const struct step *s, const char *name,
		     const struct found *f, struct err *e)
{
	return stage_swap(h, s->path, name, &f->now, e);
}

/*
 * Is the temporary file of an undo of lines nobody's edit? It is what the undo was about to write,
 * or what it had just replaced: by their sums, since accounts may have come and gone meanwhile. An
 * undo that could not note these is told by what stands at the target.
 */
static int undo_of_lines(const struct step *s, const struct found *f, struct err *e)
{
	_cleanup_(image_done) struct image tmp = { 0 }, now = { 0 };
	uint64_t sum = image_sum(&f->tmp);

	if ((sum == s->found_sum || sum == s->back_sum) &&
	    (image_same_attrs(&f->tmp, &f->now) || image_same_attrs(&f->tmp, &s->before) ||
	     image_same_attrs(&f->tmp, &s->after)))
		return 1;
	if (!f->now.exists || !S_ISREG(f->now.mode) || !S_ISREG(f->tmp.mode))
		return 0;
	if (undo_lines_of(s, &f->tmp, false, &tmp, e) < 0 ||
	    undo_lines_of(s, &f->now, false, &now, e) < 0)
		return e->code;
	return image_same(&tmp, &f->now) || image_same(&now, &f->tmp);
}

/*
 * The temporary file of an undo that was stopped: what it was about to write, or what it had just
 * taken away. If that is somebody's edit, it goes back, or is kept beside the target when that has
 * been changed since.
 */
static int tidy_undo_tmp(const struct host *h, const struct step *s, const char *name, bool force,
			 struct err *e)
{
	_cleanup_(found_done) struct found f = { 0 };
	int r = look(h, s, name, &f, e);
	bool ours;

	if (r <= 0)
		return r;
	ours = is_before(s, &f.tmp) || is_after(s, &f.tmp);
	if (!ours && s->kind == CHANGE_LINES) {
		r = undo_of_lines(s, &f, e);
		if (r < 0)
			return r;
		ours = r;
	}
	if (force || (ours && !f.busy))
		return stage_discard(h, s->path, name, e);
	return is_before(s, &f.now) ? give_back(h, s, name, &f, e)
				    : stage_keep(h, s->path, name, e);
}

/*
 * The temporary file of a step tells how far it came. It is still the new content, and the target
 * is not: the step was never done, and what stands at the target is somebody's. It is something
 * else while the target is the new content: the run was stopped between exchanging the two and
 * removing the old one, and the temporary, which is what stood there, goes back as it is. Returns 1
 * when there is nothing more to take back.
 */
static int tidy_tmp(const struct host *h, const struct step *s, struct err *e)
{
	_cleanup_(found_done) struct found f = { 0 };
	int r = s->tmp ? look(h, s, s->tmp, &f, e) : 0;
	bool ours, done;

	if (r <= 0)
		return r;
	/* A version that recorded no sums made no difference: our lines are taken out of what
	 * stands there. */
	if (s->kind == CHANGE_LINES && !s->before_sum && !s->after_sum && !f.busy)
		return stage_discard(h, s->path, s->tmp, e);
	ours = is_after(s, &f.tmp);
	done = is_after(s, &f.now);
	if (done && !ours)
		return give_back(h, s, s->tmp, &f, e) < 0 ? e->code : 1;
	if (f.busy || (!ours && !is_before(s, &f.tmp)))
		return stage_keep(h, s->path, s->tmp, e);
	if (stage_discard(h, s->path, s->tmp, e) < 0)
		return e->code;
	/* Both are the new content where a file system needs link(2) for a new name. */
	return ours && !done;
}

/* Notes in `pending` how far taking `j` back came. What cannot be noted is lost only to a second
 * fault: no reason to leave the host in between. */
static void note(const struct host *h, const struct undo *u)
{
	json_t *progress = u->pending ? journal_progress(u->j) : NULL;
	struct err ignored;

	if (!progress)
		return;
	json_decref(u->pending->progress);
	u->pending->progress = progress;
	journal_update(h, u->pending, &ignored);
}

/* Stages an image under `tmp` and puts it in the place of what is there now. */
static int put(const struct host *h, const struct step *s, const char *tmp, const struct image *im,
	       const struct image *now, struct err *e)
{
	_cleanup_(found_done) struct found f = { 0 };
	struct err other;

	if (stage_whole(h, s->path, tmp, im, true, e) < 0)
		return e->code;
	if (stage_swap(h, s->path, tmp, now, e) == 0)
		return 0;
	if (look(h, s, tmp, &f, &other) == 1 && image_same(&f.tmp, im) && !f.busy)
		stage_discard(h, s->path, tmp, &other);
	return e->code;
}

static int undo_lines(const struct host *h, struct step *s, const struct undo *u, const char *tmp,
		      const struct image *now, struct err *e)
{
	_cleanup_(image_done) struct image back = { 0 };

	if (undo_lines_of(s, now, u->force, &back, e) < 0)
		return e->code;
	s->found_sum = image_sum(now);
	s->back_sum = image_sum(&back);
	note(h, u);
	if (!s->before.exists && back.len == 0)
		return stage_remove(h, s->path, tmp, now, e);
	return put(h, s, tmp, &back, now, e);
}

static int undo_content(const struct host *h, const struct step *s, const char *tmp,
			const struct image *now, struct err *e)
{
	if (s->before.exists)
		return put(h, s, tmp, &s->before, now, e);
	return now->exists ? stage_remove(h, s->path, tmp, now, e) : 0;
}

bool undo_is_elsewhere(const struct host *h, const struct step *s)
{
	return s->kind == CHANGE_KNOB && !host_is_live(h);
}

const char *undo_obstacle(const struct step *s, const struct image *now)
{
	if (!now->exists || S_ISREG(now->mode))
		return NULL;
	if (s->kind == CHANGE_LINES)
		return "is not a regular file any more";
	if ((s->kind == CHANGE_FILE || s->kind == CHANGE_REMOVE) && S_ISDIR(now->mode))
		return "is a directory now";
	return NULL;
}

/* 1: left as it is, since it isn't ours alone any more. */
static int undo_to(const struct host *h, struct step *s, const struct undo *u, const char *tmp,
		   const struct image *now, struct err *e)
{
	int r;

	switch (s->kind) {
	case CHANGE_LINES:
		return undo_lines(h, s, u, tmp, now, e);
	case CHANGE_DIR:
		r = stage_rmdir(h, s->path, e);
		return r == -ENOTEMPTY || r == -EBUSY ? 1 : r;
	case CHANGE_ATTRS:
		return stage_attrs(h, s->path, s->no_links, s->no_links ? now : NULL, &s->before,
				   e);
	case CHANGE_KNOB:
		return stage_knob(h, s->path, now, &s->before, e);
	case CHANGE_FILE:
	case CHANGE_REMOVE:
		break;
	}
	return undo_content(h, s, tmp, now, e);
}

/* Is it there to be seen, as before? What is missing, another file, or what stands in the place of
 * a directory of ours, may only hide it: a link that somebody put there, and takes away again. */
static bool seen_before(const struct step *s, const struct image *now)
{
	return now->exists && s->kind != CHANGE_DIR && !(s->no_links && now->ino != s->before.ino);
}

int undo_step(const struct host *h, struct step *s, const struct undo *u, bool *ret_changed,
	      struct err *e)
{
	_cleanup_(image_done) struct image now = { 0 };
	_cleanup_free_ char *tmp = NULL;
	const char *obstacle;
	int r;

	*ret_changed = false;
	if (undo_is_elsewhere(h, s))
		return 0;
	/* A name of its own: what is half written under it must not be taken for what an apply had
	 * displaced. */
	if (s->tmp && asprintf(&tmp, "%s-undo", s->tmp) < 0)
		return err_oom(e);
	if (tmp && tidy_undo_tmp(h, s, tmp, u->force, e) < 0)
		return e->code;
	r = tidy_tmp(h, s, e);
	if (r != 0 || s->untouched)
		return r < 0 ? r : 0;
	if (undo_look(h, s, &now, e) < 0)
		return e->code;
	obstacle = undo_obstacle(s, &now);
	if (obstacle)
		return err_set(e, EINVAL, "'%s%s' %s: move it out of the way first", host_prefix(h),
			       s->path, obstacle);
	switch (undo_where(s, &now)) {
	case UNDO_BEFORE:
		return seen_before(s, &now) ? 0 : 1;
	case UNDO_ELSEWHERE:
		if (u->force && undo_unclear(s, &now, e))
			return err_prefix(e, "'%s%s'", host_prefix(h), s->path);
		if (!u->force)
			return err_set(e, ESTALE,
				       "'%s%s' was changed by somebody else since: left as it is",
				       host_prefix(h), s->path);
		break;
	case UNDO_AFTER:
		break;
	}
	r = undo_to(h, s, u, tmp, &now, e);
	*ret_changed = r == 0;
	return r;
}

/* Which steps were never done, as long as their temporary files tell (tidy_tmp). Are there any? */
static bool find_never_done(const struct host *h, struct journal *j)
{
	bool any = false;

	for (size_t i = 0; i < j->n_steps; i++) {
		_cleanup_(found_done) struct found f = { 0 };
		struct step *s = &j->steps[i];
		struct err ignored;

		if (!s->untouched && s->tmp && look(h, s, s->tmp, &f, &ignored) == 1 &&
		    is_after(s, &f.tmp) && !is_after(s, &f.now) && !f.busy)
			s->untouched = true;
		any |= s->untouched;
	}
	return any;
}

static bool any_lines(const struct journal *j)
{
	for (size_t i = 0; i < j->n_steps; i++)
		if (j->steps[i].kind == CHANGE_LINES && !j->steps[i].untouched)
			return true;
	return false;
}

/* An account is told by several files: its lines go from all of them or from none. */
static bool of_accounts(const struct step *s)
{
	return s->kind == CHANGE_LINES && !s->untouched && !has_prefix(s->path, "/etc/sub");
}

/* Such a file that will stay as somebody edited it; NULL: none. */
static const char *accounts_stay(const struct host *h, const struct journal *j, bool force)
{
	for (size_t i = 0; i < j->n_steps; i++) {
		_cleanup_(image_done) struct image now = { 0 };
		const struct step *s = &j->steps[i];
		struct err ignored;

		if (of_accounts(s) && undo_look(h, s, &now, &ignored) == 0 &&
		    undo_where(s, &now) == UNDO_ELSEWHERE &&
		    (!force || undo_unclear(s, &now, &ignored)))
			return s->path;
	}
	return NULL;
}

/* The steps that were never done, whose temporary files are all there is, or the others. Returns
 * `first`, or the first error. */
static int undo_those(const struct host *h, const struct undo *u, bool untouched, bool locked,
		      int first, struct errs *failed, struct err *e)
{
	const char *stays = locked ? accounts_stay(h, u->j, u->force) : NULL;

	for (size_t i = u->j->n_steps; i > 0; i--) {
		struct step *s = &u->j->steps[i - 1];
		struct err one;
		bool changed;
		int r;

		if (s->untouched != untouched)
			continue;
		if (s->kind == CHANGE_LINES && !untouched && !locked) {
			errs_add(failed, s->path, "our lines are still in it");
			continue;
		}
		r = stays && of_accounts(s) && !streq(s->path, stays)
			    ? err_set(&one, ESTALE,
				      "our lines stay in it as long as those in %s%s do",
				      host_prefix(h), stays)
			    : undo_step(h, s, u, &changed, &one);
		if (r < 0) {
			errs_add(failed, s->path, "%s", one.text);
			if (first == 0) {
				*e = one;
				first = one.code;
			}
		} else if (r == 0) {
			s->untouched = true;
		}
	}
	return first;
}

int undo_steps(const struct host *h, struct journal *j, struct journal *pending, bool force,
	       struct errs *failed, struct err *e)
{
	const struct undo u = { .j = j, .pending = pending, .force = force };
	struct account_locks *locks = NULL;
	struct err held;
	int first;

	if (pending)
		journal_resume(j, pending->progress);
	if (find_never_done(h, j))
		note(h, &u);
	/* First what needs no lock: on a full disk that makes room for the lock files. */
	first = undo_those(h, &u, true, false, 0, failed, e);
	if (any_lines(j) && accounts_lock(h, account_databases, ACCOUNT_DATABASES, LOCK_SECONDS,
					  &locks, &held) < 0) {
		errs_add(failed, NULL, "%s", held.text);
		if (first == 0) {
			*e = held;
			first = held.code;
		}
	}
	first = undo_those(h, &u, false, locks != NULL, first, failed, e);
	accounts_unlock(locks);
	if (first < 0)
		note(h, &u);
	return first;
}
