/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <dlfcn.h>

#include "../src/library.h"

#define OF_LIBC "libanl.so.1" /* there, and not loaded */

/* The loader, and how it fails next. */
static void *(*real_dlopen)(const char *name, int flags);
static char *(*real_dlerror)(void);
static const char *failure;
static int failure_errno;

/* Before anybody asks: looking them up takes away what dlerror(3) has to say. The sanitizers' own
 * start comes before constructors. */
__attribute__((constructor)) static void find_real(void)
{
	if (real_dlopen)
		return;
	*(void **)&real_dlopen = dlsym(RTLD_NEXT, "dlopen");
	*(void **)&real_dlerror = dlsym(RTLD_NEXT, "dlerror");
}

void *dlopen(const char *name, int flags)
{
	find_real();
	if (!failure)
		return real_dlopen(name, flags);
	errno = failure_errno;
	return NULL;
}

char *dlerror(void)
{
	static char text[256];

	find_real();
	if (!failure)
		return real_dlerror();
	snprintf(text, sizeof(text), "%s", failure);
	return text;
}

START_TEST(loads)
{
	const char *why = "x";
	void *lib = library_load(OF_LIBC, &why);

	ck_assert_ptr_nonnull(lib);
	ck_assert_ptr_null(why);
	dlclose(lib);
}
END_TEST

START_TEST(absent)
{
	const char *why = NULL;

	ck_assert_ptr_null(library_load("libnothing.so.7", &why));
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, "libnothing.so.7"));
}
END_TEST

/* As glibc says it when an allocation fails, one after the other. */
START_TEST(no_memory)
{
	static const struct {
		int num;
		const char *text;
		bool memory;
	} rows[] = {
		{ ENOMEM, "libx.so: cannot create shared object descriptor", true },
		{ 0, "libx.so: cannot allocate symbol search list: Cannot allocate memory", true },
		{ 0, "out of memory", true },
		{ ENOENT, "libx.so: cannot open shared object file: No such file or directory",
		  false },
		{ 0, "libx.so: file too short", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = "x";

		failure = rows[i].text;
		failure_errno = rows[i].num;
		ck_assert_ptr_null(library_load("libx.so", &why));
		failure = NULL;
		ck_assert_msg(!why == rows[i].memory, "%s", rows[i].text);
		ck_assert(!why || streq(why, rows[i].text));
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, loads);
	tcase_add_test(tc, absent);
	tcase_add_test(tc, no_memory);
}

UNIT_MAIN("library")
