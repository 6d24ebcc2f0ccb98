/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include "../modules/selinux_policy.h"

#define CONTEXTS "/etc/selinux/targeted/contexts/lxc_contexts"
#define POLICY	 "/etc/selinux/targeted/policy/policy."

/* A policy with these types, of version `v`. */
static void policy(const char *version, const char *const *types, size_t head)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), POLICY "%s", version);
	put(path, "");
	f = fopen(at(path), "we");
	ck_assert_ptr_nonnull(f);
	fwrite("\x8c\xff\x7c\xf9\x08\0\0\0SE Linux", 1, 16, f);
	for (; *types; types++) {
		unsigned char words[16] = { (unsigned char)strlen(*types), 0, 0, 0, 7 };

		fwrite(words, 1, head, f);
		fputs(*types, f);
	}
	fclose(f);
}

static const char *why(void)
{
	const char *text;

	ck_ok(selinux_policy_containers(host, "targeted", &text, &e));
	return text;
}

#define TYPES(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(types_of_containers)
{
	ck_assert_ptr_nonnull(strstr(why(), "no lxc_contexts"));
	put(CONTEXTS, "process = \"system_u:system_r:container_t:s0\"\n"
		      "content = \"system_u:object_r:virt_var_lib_t:s0\"\n"
		      "file = \"system_u:object_r:container_file_t:s0\"\n");
	ck_assert_ptr_nonnull(strstr(why(), "no SELinux policy to load"));
	policy("33", TYPES("etc_t", "container_t", "container_file_t", "bin_t"), 16);
	ck_assert_ptr_null(why());
	policy("33", TYPES("etc_t", "container_t", "bin_t"), 16);
	ck_assert_ptr_nonnull(strstr(why(), "some that it lacks"));
	policy("33", TYPES("lxc_container_t", "container_tmp_t", "container_file_t"), 16);
	ck_assert_ptr_nonnull(strstr(why(), "some that it lacks"));
	/* The highest version is loaded; that of 2.6.28 was written otherwise. */
	policy("9", TYPES("container_t", "container_file_t"), 12);
	ck_assert_ptr_nonnull(why());
	ck_assert_int_eq(unlink(at(POLICY "33")), 0);
	ck_assert_ptr_null(why());
}
END_TEST

START_TEST(contexts_that_name_none)
{
	static const char *const texts[] = { "", "process",
					     "process = \"a:b\"\nfile = \"a:b:c:s0\"",
					     "processes = \"a:b:c\"\n",
					     "process = \"a:b:\"\nfile = \"\"" };

	policy("33", TYPES("c"), 16);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(CONTEXTS, texts[i]);
		ck_assert_ptr_nonnull(strstr(why(), "names none"));
	}
	put(CONTEXTS, "file=\"a:b:c\"\nprocess  = \"a:b:c:s0:c1\"");
	ck_assert_ptr_null(why());
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, types_of_containers);
	tcase_add_test(tc, contexts_that_name_none);
}

UNIT_MAIN("selinux_policy")
