/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "../faults/tracer.h"

/* A name in a directory, as a call gives it. */
struct place {
	long dir; /* -1: not in our tree */
	char name[256];
	char path[512]; /* where we see it */
};

static long inode_of(const struct disk *d, const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : disk_inode(d, &st);
}

static void fd_path(pid_t pid, unsigned long long fd, char *buf, size_t size)
{
	snprintf(buf, size, "/proc/%d/fd/%d", (int)pid, (int)fd);
}

static void place_of(const struct disk *d, pid_t pid, unsigned long long fd,
		     unsigned long long name, struct place *ret)
{
	char dir[64];

	*ret = (struct place){ .dir = -1 };
	if ((int)fd == AT_FDCWD)
		return;
	fd_path(pid, fd, dir, sizeof(dir));
	ret->dir = inode_of(d, dir);
	if (ret->dir < 0)
		return;
	if (tracer_string(pid, name, ret->name, sizeof(ret->name)) < 0 || strchr(ret->name, '/'))
		die("the recorder knows names in directories alone, not '%s'", ret->name);
	snprintf(ret->path, sizeof(ret->path), "%s/%s", dir, ret->name);
}

/* The inode behind a descriptor, -1 outside of the tree; `path` leads to it. */
static long inode_of_fd(struct disk *d, pid_t pid, unsigned long long fd, char path[64])
{
	fd_path(pid, fd, path, 64);
	return inode_of(d, path);
}

static void touched_fd(struct disk *d, pid_t pid, unsigned long long fd)
{
	char path[64];
	long inode = inode_of_fd(d, pid, fd, path);

	if (inode >= 0)
		disk_touched(d, (size_t)inode, path);
}

/* chmod(2) and the like, which are given the /proc link of an fd. */
static void touched_link(struct disk *d, pid_t pid, unsigned long long addr)
{
	static const char prefix[] = "/proc/self/fd/";
	char path[256];

	if (tracer_string(pid, addr, path, sizeof(path)) < 0 || !has_prefix(path, prefix))
		die("the recorder knows paths below /proc/self/fd alone, not '%s'", path);
	touched_fd(d, pid, strtoul(path + strlen(prefix), NULL, 10));
}

/* The inode that stands there. */
static long at(struct disk *d, const struct place *p)
{
	size_t slot = disk_slot(d, (size_t)p->dir, p->name);

	return d->slots[slot].now;
}

static void put(struct disk *d, struct op *o, const struct place *p, long inode)
{
	size_t slot = disk_slot(d, (size_t)p->dir, p->name);

	o->slots[o->n] = slot;
	o->to[o->n++] = inode;
	d->slots[slot].now = inode;
}

static void made(struct disk *d, const struct place *p, const char *path)
{
	struct stat st;
	long inode;

	if (stat(path, &st) < 0)
		die("cannot look at the new '%s': %m", p->name);
	inode = (long)disk_inode_new(d, &st, path);
	put(d, disk_op(d, OP_NAMES), p, inode);
}

static void opened(struct disk *d, pid_t pid, const struct user_regs_struct *r)
{
	struct place p;
	char path[64];

	place_of(d, pid, r->rdi, r->rsi, &p);
	if (p.dir < 0)
		return;
	fd_path(pid, r->rax, path, sizeof(path));
	if ((r->rdx & O_CREAT) && at(d, &p) < 0)
		made(d, &p, path);
	else
		touched_fd(d, pid, r->rax);
}

static void renamed(struct disk *d, pid_t pid, const struct user_regs_struct *r)
{
	unsigned long long flags = r->orig_rax == SYS_renameat2 ? r->r8 : 0;
	long inode, other = -1;
	struct place from, to;
	struct op *o;

	place_of(d, pid, r->rdi, r->rsi, &from);
	place_of(d, pid, r->rdx, r->r10, &to);
	if (from.dir < 0 && to.dir < 0)
		return;
	if (from.dir < 0 || to.dir < 0)
		die("a rename out of the tree, or into it");
	inode = at(d, &from);
	if (flags & RENAME_EXCHANGE)
		other = at(d, &to);
	o = disk_op(d, OP_NAMES);
	put(d, o, &from, other);
	put(d, o, &to, inode);
}

static void linked(struct disk *d, pid_t pid, const struct user_regs_struct *r)
{
	struct place from, to;

	place_of(d, pid, r->rdi, r->rsi, &from);
	place_of(d, pid, r->rdx, r->r10, &to);
	if (from.dir >= 0 && to.dir >= 0)
		put(d, disk_op(d, OP_NAMES), &to, at(d, &from));
	else if (from.dir >= 0 || to.dir >= 0)
		die("a link out of the tree, or into it");
}

static void synced(struct disk *d, pid_t pid, unsigned long long fd)
{
	char path[64];
	long inode = inode_of_fd(d, pid, fd, path);

	if (inode >= 0)
		disk_op(d, OP_SYNC)->inode = (size_t)inode;
}

static void after(pid_t pid, const struct user_regs_struct *r, void *arg)
{
	const struct tracer_call *call = tracer_call_of(pid, r, true);
	struct disk *d = arg;
	struct open_how how;
	struct place p;

	if (!call || (long long)r->rax < 0)
		return;
	switch (r->orig_rax) {
	case SYS_openat:
		opened(d, pid, r);
		break;
	case SYS_openat2:
		if (tracer_read(pid, r->rdx, &how, sizeof(how)) != sizeof(how) ||
		    (how.flags & (O_CREAT | O_TRUNC)))
			die("the recorder does not know openat2 that makes or cuts a file");
		break;
	case SYS_write:
	case SYS_pwrite64:
	case SYS_ftruncate:
	case SYS_fchmod:
	case SYS_fchown:
	case SYS_fsetxattr:
	case SYS_fremovexattr:
		touched_fd(d, pid, r->rdi);
		break;
	case SYS_chmod:
	case SYS_setxattr:
	case SYS_removexattr:
		touched_link(d, pid, r->rdi);
		break;
	case SYS_fchownat:
		if (!(r->r8 & AT_EMPTY_PATH))
			die("the recorder knows fchownat of a descriptor alone");
		touched_fd(d, pid, r->rdi);
		break;
	case SYS_fsync:
	case SYS_fdatasync:
		synced(d, pid, r->rdi);
		break;
	case SYS_renameat:
	case SYS_renameat2:
		renamed(d, pid, r);
		break;
	case SYS_linkat:
		linked(d, pid, r);
		break;
	case SYS_unlinkat:
		place_of(d, pid, r->rdi, r->rsi, &p);
		if (p.dir >= 0)
			put(d, disk_op(d, OP_NAMES), &p, -1);
		break;
	case SYS_mkdirat:
		place_of(d, pid, r->rdi, r->rsi, &p);
		if (p.dir >= 0)
			made(d, &p, p.path);
		break;
	default:
		die("a call that the recorder does not know: %s", call->name);
	}
}

static enum tracer_verdict before(pid_t pid, struct user_regs_struct *r, void *arg)
{
	(void)pid;
	(void)r;
	(void)arg;
	return TRACER_GO_ON;
}

int record(struct disk *d, char *const *argv)
{
	static const struct tracer_hooks hooks = { .before = before, .after = after };

	return tracer_run(argv, &hooks, d);
}
