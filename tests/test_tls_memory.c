/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory inside of OpenSSL, which begins anew in each process: never a bad certificate. */
#include "unit.h"

#include <sys/wait.h>

static unsigned long left; /* allocations until one fails; 0: none does */

static void *scarce_realloc(void *p, size_t n)
{
	return left && !--left ? NULL : realloc(p, n);
}

#define realloc scarce_realloc
#include "../modules/tls_crypto.c"
#undef realloc

#define STEP 397 /* each takes seconds under valgrind */

enum { AS_EVER, NO_MEMORY, WRONG, NOT_REACHED };

static char *texts[3];

/* Twice: what failed while the library set itself up must not be taken for the answer later. */
static int judge_twice(unsigned long nth)
{
	const struct tls_pair p = { .ca = { texts[0], strlen(texts[0]) },
				    .cert = { texts[1], strlen(texts[1]) },
				    .key = { texts[2], strlen(texts[2]) },
				    .use = TLS_SERVER,
				    .now = 1800000000 };
	bool failed = false;

	left = nth;
	for (int i = 0; i < 2; i++) {
		struct tls_looks l;
		struct err e;
		int r = tls_judge(&p, &l, &e);

		if ((r < 0 && r != -ENOMEM) || (r == 0 && failed) ||
		    (r == 0 && (*l.ca.fault || *l.cert.fault || *l.key.fault)))
			return WRONG;
		failed |= r < 0;
	}
	if (left)
		return NOT_REACHED;
	return failed ? NO_MEMORY : AS_EVER;
}

START_TEST(told_as_such)
{
	unsigned told = 0, status = AS_EVER;

	for (unsigned long nth = 1; status != NOT_REACHED; nth += STEP) {
		int how;
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (!pid)
			_exit(judge_twice(nth));
		ck_assert_int_eq(waitpid(pid, &how, 0), pid);
		ck_assert_msg(WIFEXITED(how), "allocation %lu", nth);
		status = (unsigned)WEXITSTATUS(how);
		ck_assert_msg(status != WRONG,
			      "allocation %lu: a good certificate is faulted, or "
			      "what memory was short for is forgotten",
			      nth);
		told += status == NO_MEMORY;
	}
	ck_assert_uint_gt(told, 3);
}
END_TEST

static void load(void)
{
	static const char *const names[] = { "chain-ca.pem", "chain.pem", "chain-key.pem" };
	const char *why;

	/* Mapped once for all; it is set up by its first use, in each process anew. */
	ck_assert_ptr_nonnull(library_load("libcrypto.so.3", &why));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *dir = getenv("srcdir");
		char path[512];

		snprintf(path, sizeof(path), "%s/tests/tls/%s", dir ? dir : ".", names[i]);
		texts[i] = tree_read("", path);
		ck_assert_msg(texts[i] != NULL, "%s", path);
	}
}

static void unload(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
}

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, load, unload);
	tcase_add_test(tc, told_as_such);
}

UNIT_MAIN("tls_memory")
