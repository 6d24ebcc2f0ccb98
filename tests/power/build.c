/* SPDX-License-Identifier: Apache-2.0 */
/* What a power loss may leave, as a tree. */
#include "disk.h"

#include <sys/xattr.h>

/* What becomes of the unsynced part of a file's content. */
enum fate {
	FATE_LOST,
	FATE_WRITTEN,
	FATE_EMPTY,
	FATE_TORN,   /* cut off somewhere */
	FATE_ZEROED, /* the length is there, the bytes are not */
	FATE_HOLED,  /* so from somewhere on */
	FATES,
};

struct state {
	const struct disk *d;
	unsigned *seed;
	size_t *sure, *last; /* versions of each inode; last: the newest one */
	long *at;	     /* the inode in each slot */
	bool *happened;	     /* of each operation on names */
	char **built;	     /* where each inode was built, for hard links */
	enum loss loss;
};

static size_t some(struct state *s, size_t n)
{
	return n ? (size_t)rand_r(s->seed) % n : 0;
}

/* Is what operation `i` did to names on disk after the first n? */
static bool is_sure(const struct disk *d, size_t i, size_t n)
{
	const struct op *o = &d->ops[i];

	for (int k = 0; k < o->n; k++) {
		bool synced = false;

		for (size_t j = i + 1; j < n && !synced; j++)
			synced = d->ops[j].kind == OP_SYNC &&
				 d->ops[j].inode == d->slots[o->slots[k]].dir;
		if (!synced)
			return false;
	}
	return true;
}

/*
 * Three kinds of file system: one journal for all, so that what happened is what came first; order
 * in each directory alone; no order at all.
 */
static void choose_names(struct state *s, size_t n)
{
	const struct disk *d = s->d;
	size_t order = some(s, 3), cut = some(s, n + 1), last_sure = 0;
	_cleanup_free_ size_t *cuts = calloc(d->n_inodes, sizeof(*cuts));

	if (!cuts)
		die("out of memory");
	for (size_t i = 0; i < d->n_inodes; i++)
		cuts[i] = some(s, n + 1);
	for (size_t i = 0; i < n; i++)
		if (d->ops[i].kind == OP_NAMES && s->happened[i])
			last_sure = i;
	for (size_t i = 0; i < n; i++) {
		if (d->ops[i].kind != OP_NAMES || s->happened[i])
			continue;
		if (order == 0)
			s->happened[i] = i < cut || i < last_sure;
		else if (order == 1)
			s->happened[i] = i < cuts[d->slots[d->ops[i].slots[0]].dir];
		else
			s->happened[i] = some(s, 2);
	}
}

static void name_put(struct state *s, size_t slot, long inode)
{
	/* No directory has two names, whatever is lost. */
	if (inode >= 0 && S_ISDIR(s->d->inodes[inode].versions[0].mode))
		for (size_t i = 0; i < s->d->n_slots; i++)
			if (s->at[i] == inode)
				s->at[i] = -1;
	s->at[slot] = inode;
}

static void resolve(struct state *s, size_t n)
{
	const struct disk *d = s->d;

	for (size_t i = 0; i < n; i++) {
		const struct op *o = &d->ops[i];

		if (o->kind == OP_VERSION)
			s->last[o->inode] = o->version;
		else if (o->kind == OP_SYNC)
			s->sure[o->inode] = s->last[o->inode];
		else
			s->happened[i] =
				s->loss == LOSS_DATA || s->loss == LOSS_NOTHING || is_sure(d, i, n);
	}
	if (s->loss == LOSS_RANDOM)
		choose_names(s, n);
	for (size_t i = 0; i < d->n_slots; i++)
		s->at[i] = d->slots[i].base;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < d->ops[i].n; k++)
			if (s->happened[i])
				name_put(s, d->ops[i].slots[k], d->ops[i].to[k]);
}

/* Has its content changed since it was synced? A change of attributes alone endangers no content.
 */
static bool content_unsynced(const struct state *s, size_t inode)
{
	const struct version *v = s->d->inodes[inode].versions;
	const struct version *sure = &v[s->sure[inode]];

	for (size_t i = s->sure[inode] + 1; i <= s->last[inode]; i++)
		if (v[i].len != sure->len || memcmp(v[i].data, sure->data, sure->len) != 0)
			return true;
	return false;
}

static void write_content(struct state *s, const char *path, size_t inode)
{
	const struct inode *i = &s->d->inodes[inode];
	const struct version *sure = &i->versions[s->sure[inode]];
	const struct version *last = &i->versions[s->last[inode]];
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	enum fate fate = s->loss == LOSS_NOTHING ? FATE_WRITTEN : FATE_LOST;
	size_t len = last->len;
	int r = fd < 0 ? -errno : 0;

	if (s->loss == LOSS_RANDOM && content_unsynced(s, inode))
		fate = (enum fate)some(s, FATES);
	if (fate == FATE_TORN || fate == FATE_HOLED)
		len = some(s, len + 1);
	if (r == 0 && fate == FATE_LOST)
		r = write_all(fd, sure->data, sure->len);
	else if (r == 0 && (fate == FATE_WRITTEN || fate == FATE_TORN || fate == FATE_HOLED))
		r = write_all(fd, last->data, len);
	if (r == 0 && (fate == FATE_ZEROED || fate == FATE_HOLED) &&
	    ftruncate(fd, (off_t)last->len) < 0)
		r = -errno;
	if (r < 0)
		die("cannot write %s: %s", path, strerror(-r));
}

static void set_attributes(struct state *s, const char *path, size_t inode)
{
	const struct inode *i = &s->d->inodes[inode];
	size_t number = s->loss == LOSS_NOTHING ? s->last[inode] : s->sure[inode];
	const struct version *v;

	if (s->loss == LOSS_RANDOM)
		number += some(s, s->last[inode] - s->sure[inode] + 1);
	v = &i->versions[number];
	if (lchown(path, v->uid, v->gid) < 0)
		die("cannot set the owner of %s: %m", path);
	if (S_ISLNK(v->mode))
		return;
	for (const char *p = v->xattrs; p < v->xattrs + v->xattrs_len;) {
		const char *name = p;
		uint32_t size;

		p += strlen(p) + 1;
		memcpy(&size, p, sizeof(size));
		p += sizeof(size);
		if (lsetxattr(path, name, p, size, 0) < 0)
			die("cannot set attribute %s of %s: %m", name, path);
		p += size;
	}
	if (chmod(path, v->mode & 07777) < 0)
		die("cannot set the mode of %s: %m", path);
}

static void build(struct state *s, const char *path, size_t inode)
{
	const struct version *v = &s->d->inodes[inode].versions[s->last[inode]];

	if (s->built[inode]) {
		if (link(s->built[inode], path) < 0)
			die("cannot link %s: %m", path);
		return;
	}
	s->built[inode] = strdup(path);
	if (S_ISREG(v->mode))
		write_content(s, path, inode);
	else if (S_ISDIR(v->mode)   ? mkdir(path, 0700) < 0
		 : S_ISLNK(v->mode) ? symlink(v->data, path) < 0
				    : mknod(path, v->mode, 0) < 0)
		die("cannot make %s: %m", path);
	for (size_t i = 0; S_ISDIR(v->mode) && i < s->d->n_slots; i++) {
		char child[4096];

		if (s->d->slots[i].dir != inode || s->at[i] < 0)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, s->d->slots[i].name);
		build(s, child, (size_t)s->at[i]);
	}
	/* After its children: they would inherit a default ACL. */
	set_attributes(s, path, inode);
}

void disk_build(const struct disk *d, size_t n, enum loss loss, unsigned *seed, const char *to)
{
	struct state s = {
		.d = d,
		.seed = seed,
		.loss = loss,
		.sure = calloc(d->n_inodes, sizeof(*s.sure)),
		.last = calloc(d->n_inodes, sizeof(*s.last)),
		.at = calloc(d->n_slots + 1, sizeof(*s.at)),
		.happened = calloc(d->n_ops + 1, sizeof(*s.happened)),
		.built = calloc(d->n_inodes, sizeof(*s.built)),
	};

	if (!s.sure || !s.last || !s.at || !s.happened || !s.built)
		die("out of memory");
	resolve(&s, n);
	build(&s, to, 0);
	for (size_t i = 0; i < d->n_inodes; i++)
		free(s.built[i]);
	free(s.built);
	free(s.happened);
	free(s.at);
	free(s.last);
	free(s.sure);
}
