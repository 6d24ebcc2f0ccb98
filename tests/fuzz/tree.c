/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "../../src/buf.h"

static char scratch[200], root[220], outside[220];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	return ftw->level == 0 && streq(path, root) ? 0 : remove(path);
}

static void scratch_remove(void)
{
	nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void file_make(const char *path, const char *data, size_t len)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	require(fd >= 0 && write_all(fd, data, len) == 0);
}

const char *fuzz_root(void)
{
	const char *tmp = getenv("TMPDIR");
	char secret[240];

	if (*root)
		return root;
	umask(022);
	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(scratch, sizeof(scratch), "%.150s/bulkhead-fuzz.XXXXXX", tmp);
	require(mkdtemp(scratch));
	snprintf(outside, sizeof(outside), "%s/outside", scratch);
	snprintf(secret, sizeof(secret), "%s/file", outside);
	require(mkdir(outside, 0755) == 0);
	file_make(secret, "untouched\n", 10);
	snprintf(root, sizeof(root), "%s/root", scratch);
	require(mkdir(root, 0755) == 0);
	atexit(scratch_remove);
	return root;
}

/* --- making one --- */

/* The directory that a path stands in, made with those above it; symbolic links are not followed,
 * whatever an input makes of them. *ret_name is a pointer into `path`. */
static int parent_open(char *path, char **ret_name)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0) {
		char *slash = strchr(path, '/');
		int below;

		if (slash)
			*slash = '\0';
		if (!*path || streq(path, ".") || streq(path, "..") || strlen(path) > 200)
			break;
		if (!slash || !slash[1]) {
			*ret_name = path;
			return fd;
		}
		mkdirat(fd, path, 0755);
		below = openat(fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = below;
		path = slash + 1;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* acl(5) as the kernel stores it: version 2, then tag, permissions, id. A named user may read. */
static void acl_set(int fd)
{
	static const unsigned char acl[] = {
		2, 0,	 0,    0,    1,	   0,	 6,    0, 0xff, 0xff, 0xff, 0xff, 2,	0,    4,
		0, 0xe8, 3,    0,    0,	   4,	 0,    4, 0,	0xff, 0xff, 0xff, 0xff, 0x10, 0,
		4, 0,	 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,	0,    0xff, 0xff, 0xff, 0xff,
	};

	fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0);
}

static void file_put(int dir, const char *name, const char *how, const char *data, size_t len)
{
	_cleanup_close_ int fd =
		openat(dir, name,
		       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	unsigned mode = 0644, uid = 0, gid = 0;

	if (fd < 0 || write_all(fd, data, len) < 0)
		return;
	if (sscanf(how, "%o %u:%u", &mode, &uid, &gid) == 3 &&
	    fchown(fd, uid % 65536, gid % 65536) < 0)
		return;
	if (fchmod(fd, mode & 07777) < 0)
		return;
	if (strstr(how, "acl"))
		acl_set(fd);
	if (strstr(how, "xattr"))
		fsetxattr(fd, "user.test", "value", 5, 0);
}

static void part_make(char *text, size_t len)
{
	char *nl = memchr(text, '\n', len), *how = NULL, *arrow, *name;
	const char *content = nl ? nl + 1 : text + len;
	bool directory;
	int dir;

	if (nl)
		*nl = '\0';
	if (text[0] != '/')
		return;
	arrow = strstr(text, " -> ");
	if (arrow)
		*arrow = '\0';
	else if ((how = strchr(text, ' ')))
		*how++ = '\0';
	directory = has_suffix(text, "/");
	dir = parent_open(text + 1, &name);
	if (dir < 0)
		return;
	if (arrow)
		(void)!symlinkat(arrow + strlen(" -> "), dir, name);
	else if (directory)
		mkdirat(dir, name, 0755);
	else
		file_put(dir, name, how ? how : "", content, len - (size_t)(content - text));
	close(dir);
}

void fuzz_tree(const char *data, size_t len)
{
	fuzz_root();
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	/* A host has the one; the other stays where it was made for the journal. */
	part_make((char[]){ "/etc/" }, strlen("/etc/"));
	part_make((char[]){ "/var/lib/" }, strlen("/var/lib/"));
	while (len) {
		size_t n;
		_cleanup_free_ char *part = fuzz_part(&data, &len, false, &n);

		part_make(part, n);
	}
}

void fuzz_unlock(void)
{
	static const char *const names[] = { "passwd",	"group",  "shadow",
					     "gshadow", "subuid", "subgid" };
	char path[300];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/etc/%s.lock", root, names[i]);
		remove(path);
	}
}

/* --- looking at one --- */

static void add_bytes(struct buf *b, const char *data, size_t len)
{
	buf_addf(b, " %zu:", len);
	buf_add(b, data, len);
}

static void add_xattrs(struct buf *b, int fd)
{
	char names[4096], value[65536];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	for (char *n = names; len > 0 && n < names + len; n += strlen(n) + 1) {
		ssize_t size = fgetxattr(fd, n, value, sizeof(value));

		buf_addf(b, " %s", n);
		add_bytes(b, value, size > 0 ? (size_t)size : 0);
	}
}

static void add_content(struct buf *b, int fd)
{
	char data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0)
		add_bytes(b, data, (size_t)n);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_tree(struct buf *b, const char *dir, bool touched);

static void add_one(struct buf *b, const char *path, bool touched)
{
	_cleanup_close_ int fd = -1;
	char target[4096];
	struct stat st;

	require(lstat(path, &st) == 0);
	buf_addf(b, "\n%s %o %u:%u", path + strlen(scratch), (unsigned)st.st_mode,
		 (unsigned)st.st_uid, (unsigned)st.st_gid);
	if (touched)
		buf_addf(b, " %ju %jd.%09ld", (uintmax_t)st.st_ino, (intmax_t)st.st_mtim.tv_sec,
			 st.st_mtim.tv_nsec);
	if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(path, target, sizeof(target));

		require(n >= 0);
		add_bytes(b, target, (size_t)n);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	require(fd >= 0);
	add_xattrs(b, fd);
	if (S_ISDIR(st.st_mode))
		add_tree(b, path, touched);
	else
		add_content(b, fd);
}

static void add_tree(struct buf *b, const char *dir, bool touched)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, by_name);

	require(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		_cleanup_free_ char *path = NULL;

		require(asprintf(&path, "%s/%s", dir, name) > 0);
		if (!streq(name, ".") && !streq(name, "..") &&
		    (touched || (!has_suffix(path, "/root/var/lib/bulkhead") &&
				 !has_suffix(path, "/root/etc/.pwd.lock"))))
			add_one(b, path, touched);
		free(list[i]);
	}
	free(list);
}

static char *taken(struct buf *b)
{
	char *text;

	buf_addc(b, '\n');
	/* Compared, and shown, as a string. */
	for (size_t i = 0; i < b->len; i++)
		if (!b->data[i])
			b->data[i] = '\1';
	text = buf_take(b, NULL);
	require(text);
	return text;
}

char *fuzz_snapshot(bool touched)
{
	struct buf b = BUF_INIT;

	add_tree(&b, root, touched);
	return taken(&b);
}

void fuzz_same(const char *before, char *now, const char *when)
{
	if (!streq(before, now)) {
		fprintf(stderr, "--- before\n%s--- %s\n%s", before, when, now);
		fuzz_violated(__FILE__, __LINE__, "the tree is the same");
	}
	free(now);
}

void fuzz_outside(void)
{
	static char *before;
	struct buf b = BUF_INIT;
	char *now;

	add_tree(&b, outside, true);
	now = taken(&b);
	if (!before)
		before = now;
	else
		fuzz_same(before, now, "outside");
}
