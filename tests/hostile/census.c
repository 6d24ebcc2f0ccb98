/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census [-t] DIR [EXCEPT]...: a line for each file of a tree, sorted by the shell's sort(1): path,
 * type, mode, owner, links, size or device, target or a hash of the content, extended attributes.
 * -t adds inode and times, which any write changes. EXCEPT (paths as printed) are left out with all
 * below; mounts are entered, except procfs. Content beyond 1 MiB counts by its size alone.
 */
#include "../../src/util.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#define HASHED (1 << 20)

static bool times;
static char **except;

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)data)[i]) * 0x100000001b3; /* FNV-1a */
	return h;
}

static uint64_t hash_content(int dir, const char *name)
{
	static char data[HASHED];
	uint64_t h = 0xcbf29ce484222325;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));

	if (n > 0)
		h = hash(h, data, (size_t)n);
	if (fd >= 0)
		close(fd);
	return h;
}

/* Names come in any order; a sum doesn't mind. */
static uint64_t hash_xattrs(int dir, const char *name)
{
	static char names[65536], value[65536];
	uint64_t sum = 0;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : flistxattr(fd, names, sizeof(names));

	for (char *x = names; x < names + len; x += strlen(x) + 1) {
		ssize_t n = fgetxattr(fd, x, value, sizeof(value));

		sum += hash(hash(0, x, strlen(x)), value, n < 0 ? 0 : (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	return sum;
}

static void put_safe(const char *text)
{
	for (; *text; text++)
		printf(isgraph((unsigned char)*text) ? "%c" : "\\x%02x", (unsigned char)*text);
}

static bool left_out(const char *path)
{
	for (char **x = except; *x; x++)
		if (streq(*x, path))
			return true;
	return false;
}

static void walk(int dir, char *path, size_t len);

static void one(int dir, const char *name, char *path, size_t len)
{
	struct stat st;
	char target[PATH_MAX];
	ssize_t n;

	if (left_out(path) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	put_safe(path);
	printf(" %o %u:%u %ju %jx", st.st_mode, st.st_uid, st.st_gid,
	       S_ISDIR(st.st_mode) ? 0 : (uintmax_t)st.st_nlink, (uintmax_t)st.st_rdev);
	if (times)
		printf(" %ju %jd.%09ld %jd.%09ld", (uintmax_t)st.st_ino,
		       (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
		       st.st_ctim.tv_nsec);
	if (S_ISREG(st.st_mode))
		printf(" %jd %jx", (intmax_t)st.st_size, (uintmax_t)hash_content(dir, name));
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		printf(" %jx", (uintmax_t)hash_xattrs(dir, name));
	n = S_ISLNK(st.st_mode) ? readlinkat(dir, name, target, sizeof(target) - 1) : 0;
	target[n < 0 ? 0 : n] = '\0';
	putchar(' ');
	put_safe(target);
	putchar('\n');
	if (S_ISDIR(st.st_mode)) {
		int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			walk(fd, path, len);
	}
}

/* Closes `dir`. `path` has room for PATH_MAX; what is deeper is counted by its directory. */
static void walk(int dir, char *path, size_t len)
{
	DIR *stream = fdopendir(dir);
	struct statfs fs;
	struct dirent *d;

	while (stream && fstatfs(dir, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC &&
	       (d = readdir(stream))) {
		size_t n = strlen(d->d_name);

		if (streq(d->d_name, ".") || streq(d->d_name, "..") || len + n + 2 > PATH_MAX)
			continue;
		path[len] = '/';
		memcpy(path + len + 1, d->d_name, n + 1);
		one(dir, d->d_name, path, len + 1 + n);
		path[len] = '\0';
	}
	if (stream)
		closedir(stream);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX + 1] = ".";
	int at = 1;

	if (argc > 1 && streq(argv[1], "-t")) {
		times = true;
		at++;
	}
	if (argc <= at || chdir(argv[at]) < 0) {
		fputs("usage: census [-t] DIR [EXCEPT]...\n", stderr);
		return 125;
	}
	except = argv + at + 1;
	one(AT_FDCWD, ".", path, 1);
	return 0;
}
