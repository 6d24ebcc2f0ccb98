/* SPDX-License-Identifier: Apache-2.0 */
#include "library.h"

#include <dlfcn.h>

/* Its errno is in the loader's text at times; where there was no memory for a text either, that is
 * said instead (glibc, dl-exception.c). An allocation of libc's leaves ENOMEM and may say nothing.
 */
static bool tells_memory(int num, const char *text)
{
	return num == ENOMEM || strstr(text, strerror(ENOMEM)) || streq(text, "out of memory");
}

void *library_load(const char *name, const char **ret_why)
{
	const char *text;
	void *lib;

	*ret_why = NULL;
	errno = 0;
	lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		int num = errno;

		text = dlerror();
		*ret_why = text && !tells_memory(num, text) ? text : NULL;
	}
	return lib;
}
