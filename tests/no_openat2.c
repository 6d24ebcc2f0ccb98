/* SPDX-License-Identifier: Apache-2.0 */
/*
 * no_openat2 PROGRAM [ARGUMENT]...: runs a program under a seccomp filter that answers ENOSYS to
 * openat2(2), as kernels before 5.6 and valgrind do. So the walk by components in resolve.c is run
 * by the same tests. Without an argument: does the filter hold? Exit code 0 when it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The number is the same on every architecture, syscalls(2); a foreign ABI isn't filtered out. */
static struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

int main(int argc, char **argv)
{
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };

	/* Without privilege a filter needs no_new_privs, seccomp(2). */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0) {
		fprintf(stderr, "no_openat2: cannot set the filter: %s\n", strerror(errno));
		return 125;
	}
	if (argc < 2)
		return syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)) < 0 && errno == ENOSYS
			       ? 0
			       : 1;
	execvp(argv[1], argv + 1);
	fprintf(stderr, "no_openat2: cannot run '%s': %s\n", argv[1], strerror(errno));
	return 127;
}
