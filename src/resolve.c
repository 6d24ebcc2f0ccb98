/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define LINKS_MAX 40 /* as the kernel, path_resolution(7) */
#define DEPTH_MAX 128

struct walk {
	int fds[DEPTH_MAX]; /* fds[0] is the root and not ours to close */
	int depth;
	char *rest;
	unsigned links;
};

static void walk_done(struct walk *w)
{
	while (w->depth > 0)
		close(w->fds[w->depth--]);
	free(w->rest);
}

/* A symbolic link is met: its target goes in front of what is left of the path. */
static int walk_link(struct walk *w, int link)
{
	char target[PATH_MAX];
	struct statfs fs;
	struct stat dir;
	ssize_t n;
	char *rest;

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	/*
	 * proc(5): links below a process may lead anywhere, out of the root too. Those in the top
	 * directory (PROC_ROOT_INO), such as self, are links like all others.
	 */
	if (fstatfs(link, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
	    (fstat(w->fds[w->depth], &dir) < 0 || dir.st_ino != 1))
		return -ELOOP;
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (target[0] == '/')
		while (w->depth > 0)
			close(w->fds[w->depth--]);
	/* The rest is empty or begins with a slash. */
	if (asprintf(&rest, "%s%s", target, w->rest) < 0)
		return -ENOMEM;
	free(w->rest);
	w->rest = rest;
	return 0;
}

/*
 * What openat2(RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS) does, by components: for kernels before 5.6,
 * seccomp filters that refuse it, and valgrind.
 */
static int walk_open(int root, const char *path, int flags, unsigned links)
{
	struct walk w = { .fds = { root }, .links = links };
	int r = -ENOMEM;

	if (!*path)
		return -ENOENT;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	w.rest = strdup(path);
	while (w.rest) {
		_cleanup_close_ int fd = -1;
		char *name = w.rest + strspn(w.rest, "/");
		size_t n = strcspn(name, "/");
		bool last = !name[n + strspn(name + n, "/")];
		char *next = name + n, slash = *next;
		struct stat st;

		if (n > NAME_MAX) {
			r = -ENAMETOOLONG;
			break;
		}
		if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && !memcmp(name, "..", 2))) {
			if (n == 2 && w.depth > 0)
				close(w.fds[w.depth--]);
			memmove(w.rest, next, strlen(next) + 1);
			if (!last)
				continue;
			fd = openat(w.fds[w.depth], ".", flags | O_CLOEXEC);
			r = fd < 0 ? -errno : TAKE_FD(fd);
			break;
		}
		/* A slash behind the last name asks for a directory, behind a link too,
		 * path_resolution(7). */
		if (last && slash)
			flags = (flags | O_DIRECTORY) & ~O_NOFOLLOW;
		*next = '\0';
		fd = openat(w.fds[w.depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0) {
			r = -errno;
			break;
		}
		if (S_ISLNK(st.st_mode) && !(last && (flags & O_NOFOLLOW))) {
			*next = slash;
			memmove(w.rest, next, strlen(next) + 1);
			r = walk_link(&w, fd);
			if (r < 0)
				break;
			continue;
		}
		if ((!last || (flags & O_DIRECTORY)) && !S_ISDIR(st.st_mode)) {
			r = -ENOTDIR;
			break;
		}
		if (last) {
			if (!(flags & O_PATH)) {
				int again = openat(w.fds[w.depth], name,
						   flags | O_NOFOLLOW | O_CLOEXEC);

				r = again < 0 ? -errno : again;
			} else {
				r = TAKE_FD(fd);
			}
			break;
		}
		if (w.depth + 1 >= DEPTH_MAX) {
			r = -ENAMETOOLONG;
			break;
		}
		*next = slash;
		memmove(w.rest, next, strlen(next) + 1);
		w.fds[++w.depth] = TAKE_FD(fd);
	}
	walk_done(&w);
	return r;
}

static int resolve(int root, const char *path, int flags, uint64_t how_links)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | how_links,
	};

	/* EAGAIN: a rename or a mount somewhere raced with a ".." that had to be checked,
	 * openat2(2). */
	for (int tries = 0; tries < 64; tries++) {
		long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	if (errno == ENOSYS || errno == EPERM)
		return walk_open(root, path, flags,
				 how_links == RESOLVE_NO_SYMLINKS ? LINKS_MAX : 0);
	return -errno;
}

int resolve_in_root(int root, const char *path, int flags)
{
	return resolve(root, path, flags, RESOLVE_NO_MAGICLINKS);
}

int resolve_without_links(int root, const char *path, int flags)
{
	return resolve(root, path, flags, RESOLVE_NO_SYMLINKS);
}
