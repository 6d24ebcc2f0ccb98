/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

/* ASan's, where it is linked; <sanitizer/allocator_interface.h> is not on every host. */
typedef void malloc_hook(const volatile void *p, size_t size);
typedef void free_hook(const volatile void *p);
int __sanitizer_install_malloc_and_free_hooks(malloc_hook *m, free_hook *f) __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *p) __attribute__((weak));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static long long live, peak;

static void on_malloc(const volatile void *p, size_t size)
{
	long long now = __atomic_add_fetch(&live, (long long)size, __ATOMIC_RELAXED);

	(void)p;
	if (now > __atomic_load_n(&peak, __ATOMIC_RELAXED))
		__atomic_store_n(&peak, now, __ATOMIC_RELAXED);
}

static void on_free(const volatile void *p)
{
	if (p)
		__atomic_sub_fetch(&live, (long long)__sanitizer_get_allocated_size(p),
				   __ATOMIC_RELAXED);
}

static void count_allocations(void)
{
	static bool tried;

	if (!tried && &__sanitizer_install_malloc_and_free_hooks)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	tried = true;
}

void fuzz_violated(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: violated: %s\n", file, line, what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	long long begun, most;

	count_allocations();
	begun = live;
	peak = live;
	fuzz_one((const char *)data, len);
	most = peak - begun;
	if (most > (long long)(fuzz_bounds.base + fuzz_bounds.per_byte * len)) {
		fprintf(stderr, "%lld bytes allocated for an input of %zu\n", most, len);
		fuzz_violated(__FILE__, __LINE__, "memory is linear in the input");
	}
	return 0;
}

char *fuzz_part(const char **data, size_t *len, bool last, size_t *ret_len)
{
	size_t n = last ? *len : strnlen(*data, *len);
	char *s = malloc(n + 1);

	require(s);
	if (n)
		memcpy(s, *data, n);
	s[n] = '\0';
	*ret_len = n;
	*data += n;
	*len -= n;
	if (*len) {
		++*data;
		--*len;
	}
	return s;
}
