/* SPDX-License-Identifier: Apache-2.0 */
#include "rooted.h"

#include <sys/acl.h>

#include "../src/acl.h"

/* An ACL out of the text that acl_text() makes of it. */
static struct acl acl_of(const char *text)
{
	struct acl a = { 0 };
	char tag[2], id[16], perm[4];
	int n;

	for (const char *p = text; *p; p += n + (p[n] == ',')) {
		unsigned bits;
		enum acl_tag t;

		id[0] = '\0';
		if (sscanf(p, "%1[ugmo]::%3[rwx-]%n", tag, perm, &n) != 2)
			ck_assert_int_eq(sscanf(p, "%1[ug]:%15[0-9]:%3[rwx-]%n", tag, id, perm, &n),
					 3);
		bits = (perm[0] == 'r') * ACL_R | (perm[1] == 'w') * ACL_W | (perm[2] == 'x');
		t = *tag == 'm'	  ? ACL_TAG_MASK
		    : *tag == 'o' ? ACL_TAG_OTHER
		    : *tag == 'u' ? (*id ? ACL_TAG_USER : ACL_TAG_OWNER)
				  : (*id ? ACL_TAG_GROUP : ACL_TAG_OWNING_GROUP);
		ck_ok(acl_put(&a, t, (uint32_t)strtoul(id, NULL, 10), bits, &e));
	}
	return a;
}

static void is(const struct acl *a, const char *want)
{
	_cleanup_free_ char *got = acl_text(a);

	ck_assert_str_eq(got, want);
}

START_TEST(modes)
{
	_cleanup_acl_ struct acl a = { 0 };

	ck_ok(acl_of_mode(S_IFDIR | 01750, &a, &e));
	is(&a, "u::rwx,g::r-x,o::---");
	ck_assert_uint_eq(acl_mode(&a), 0750);
	ck_assert(!acl_is_extended(&a));
	/* The group bits of a file with a mask are the mask. */
	ck_ok(acl_put(&a, ACL_TAG_MASK, 0, ACL_R, &e));
	ck_assert_uint_eq(acl_mode(&a), 0740);
	ck_assert(acl_is_extended(&a));
}
END_TEST

START_TEST(entries)
{
	_cleanup_acl_ struct acl a = { 0 }, b = { 0 };

	ck_ok(acl_of_mode(0640, &a, &e));
	ck_ok(acl_put(&a, ACL_TAG_USER, 33, ACL_R | ACL_W, &e));
	ck_ok(acl_put(&a, ACL_TAG_GROUP, 4294967294, ACL_R, &e));
	ck_ok(acl_put(&a, ACL_TAG_USER, 7, 0, &e));
	ck_ok(acl_put(&a, ACL_TAG_USER, 33, ACL_R, &e));
	is(&a, "u::rw-,u:7:---,u:33:r--,g::r--,g:4294967294:r--,o::---");
	ck_assert_ptr_null(acl_get(&a, ACL_TAG_USER, 8));
	ck_assert_ptr_null(acl_get(&a, ACL_TAG_MASK, 0));
	ck_assert_uint_eq(acl_get(&a, ACL_TAG_USER, 33)->perm, ACL_R);
	ck_ok(acl_copy(&a, &b, &e));
	ck_assert(acl_same(&a, &b));
	acl_drop(&b, ACL_TAG_USER, 8);
	ck_assert(acl_same(&a, &b));
	acl_drop(&b, ACL_TAG_USER, 7);
	ck_assert(!acl_same(&a, &b));
	acl_drop(&b, ACL_TAG_OTHER, 0);
	is(&b, "u::rw-,u:33:r--,g::r--,g:4294967294:r--");
}
END_TEST

/* What the kernel wrote is read, what is written the kernel takes, and libacl sees the same. */
START_TEST(as_the_kernel_has_it)
{
	static const char text[] = "u::rwx,u:33:rwx,u:70000:r--,g::r-x,g:4:rw-,m::rwx,o::r--";
	_cleanup_acl_ struct acl a = { 0 }, d = { 0 }, want = acl_of(text);
	_cleanup_(image_done) struct image im = { 0 };
	_cleanup_free_ void *bytes = NULL;
	size_t len;
	acl_t lib = acl_from_text(text);

	put_dir("/d");
	if (acl_set_file(at("/d"), ACL_TYPE_ACCESS, lib) < 0) {
		acl_free(lib);
		return; /* no ACLs here */
	}
	ck_assert_int_eq(acl_set_file(at("/d"), ACL_TYPE_DEFAULT, lib), 0);
	acl_free(lib);
	ck_ok(host_image_now(host, "/d", &im, &e));
	ck_ok(acl_of_image(&im, &a, &e));
	ck_ok(acl_default_of_image(&im, &d, &e));
	is(&a, text);
	ck_assert(acl_same(&a, &want) && acl_same(&d, &want));
	ck_ok(acl_bytes(&a, &bytes, &len, &e));
	ck_assert_uint_eq(len, image_xattr(&im, XATTR_ACL)->len);
	ck_assert_mem_eq(bytes, image_xattr(&im, XATTR_ACL)->value, len);
}
END_TEST

START_TEST(without_one)
{
	_cleanup_acl_ struct acl a = { 0 }, d = { 0 };
	const struct image im = { .exists = true, .mode = S_IFREG | 0751 };

	ck_ok(acl_of_image(&im, &a, &e));
	is(&a, "u::rwx,g::r-x,o::--x");
	ck_ok(acl_default_of_image(&im, &d, &e));
	ck_assert_uint_eq(d.n, 0);
}
END_TEST

START_TEST(broken_bytes)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "\2\0\0", 3 },
		{ "\3\0\0\0", 4 },
		{ "\2\0\0\0\1\0\7\0\377\377\377", 11 },
		{ "\2\0\0\0\0\0\7\0\377\377\377\377", 12 },
		{ "\2\0\0\0\3\0\7\0\377\377\377\377", 12 },
		{ "\2\0\0\0\100\0\7\0\377\377\377\377", 12 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct xattr x = { (char *)(uintptr_t)XATTR_ACL, (void *)(uintptr_t)rows[i].bytes,
				   rows[i].len };
		const struct image im = { .exists = true, .xattrs = &x, .n_xattrs = 1 };
		struct acl a = { 0 };

		ck_assert_int_eq(acl_of_image(&im, &a, &e), -EINVAL);
		ck_says(XATTR_ACL);
	}
}
END_TEST

static bool id_33(void *arg, const struct acl_line *l)
{
	(void)arg;
	return l->id == 33;
}

START_TEST(granted)
{
	static const struct {
		const char *before;
		unsigned perm;
		const char *after;
	} rows[] = {
		{ "u::rwx,g::r-x,o::---", 7, "u::rwx,u:7:rwx,g::r-x,m::rwx,o::---" },
		{ "u::rwx,g::r-x,o::r-x", 5, "u::rwx,u:7:r-x,g::r-x,m::r-x,o::r-x" },
		{ "u::rwx,g::rwx,o::---", 5, "u::rwx,u:7:r-x,g::rwx,m::rwx,o::---" },
		/* The mask held them back: still it does, in another way. */
		{ "u::rwx,u:8:rwx,g::rw-,m::r--,o::---", 7,
		  "u::rwx,u:7:rwx,u:8:r--,g::r--,m::rwx,o::---" },
		{ "u::rwx,u:7:rwx,g::r-x,g:9:-wx,m::---,o::---", 6,
		  "u::rwx,u:7:rw-,g::---,g:9:---,m::rw-,o::---" },
		{ "u::rwx,u:8:rwx,u:33:rwx,g::r-x,m::r-x,o::---", 7,
		  "u::rwx,u:7:rwx,u:8:r-x,u:33:rwx,g::r-x,m::rwx,o::---" },
		/* It is wide enough. */
		{ "u::rwx,u:8:rwx,g::rwx,m::rw-,o::---", 6,
		  "u::rwx,u:7:rw-,u:8:rwx,g::rwx,m::rw-,o::---" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_acl_ struct acl a = acl_of(rows[i].before);

		ck_ok(acl_grant(&a, ACL_TAG_USER, 7, rows[i].perm, id_33, NULL, &e));
		is(&a, rows[i].after);
		ck_ok(acl_grant(&a, ACL_TAG_USER, 7, rows[i].perm, id_33, NULL, &e));
		is(&a, rows[i].after);
		ck_assert_uint_eq(acl_effective(&a, acl_get(&a, ACL_TAG_USER, 7)), rows[i].perm);
	}
}
END_TEST

START_TEST(revoked)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "u::rwx,u:7:rwx,g::r-x,m::rwx,o::---", "u::rwx,g::r-x,o::---" },
		{ "u::rwx,g::r-x,o::---", "u::rwx,g::r-x,o::---" },
		/* Without the mask the group would have had more than before. */
		{ "u::rwx,u:7:rwx,g::rwx,m::r-x,o::---", "u::rwx,g::r-x,o::---" },
		{ "u::rwx,u:7:rwx,u:8:r-x,g::r--,m::rwx,o::---",
		  "u::rwx,u:8:r-x,g::r--,m::r-x,o::---" },
		{ "u::rwx,u:7:rwx,u:8:rwx,g::r--,m::r-x,o::---",
		  "u::rwx,u:8:rwx,g::r--,m::r-x,o::---" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_acl_ struct acl a = acl_of(rows[i].before);

		ck_ok(acl_revoke(&a, ACL_TAG_USER, 7, &e));
		is(&a, rows[i].after);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, root_setup, root_teardown);
	tcase_add_test(tc, modes);
	tcase_add_test(tc, entries);
	tcase_add_test(tc, as_the_kernel_has_it);
	tcase_add_test(tc, without_one);
	tcase_add_test(tc, broken_bytes);
	tcase_add_test(tc, granted);
	tcase_add_test(tc, revoked);
}

UNIT_MAIN("acl")
