/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../modules/daemon_cis.h"

static const char *cis(const char *key, const char *value)
{
	_cleanup_json_ json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);

	ck_assert_msg(v != NULL, "%s", value);
	return daemon_key_cis(field_find(daemon_keys, key), v);
}

/* A value that a control doesn't ask for speaks for none. */
START_TEST(values)
{
	static const struct {
		const char *key, *met, *not ;
	} rows[] = {
		{ "authorization-plugins", "[\"p\"]", "[]" },
		{ "debug", "false", "true" },
		{ "default-ulimits", "{\"nofile\": {}}", "{}" },
		{ "icc", "false", "true" },
		{ "insecure-registries", "[]", "[\"r:5000\"]" },
		{ "iptables", "true", "false" },
		{ "live-restore", "true", "false" },
		{ "log-driver", "\"journald\"", "\"json-file\"" },
		{ "log-driver", "\"syslog\"", "\"local\"" },
		{ "log-driver", "\"a-plugin\"", "\"none\"" },
		{ "log-level", "\"info\"", "\"debug\"" },
		{ "log-level", "\"info\"", "\"fatal\"" },
		{ "no-new-privileges", "true", "false" },
		{ "seccomp-profile", "\"/etc/p.json\"", "\"unconfined\"" },
		{ "storage-driver", "\"overlay2\"", "\"aufs\"" },
		{ "tlsverify", "true", "false" },
		{ "userland-proxy", "false", "true" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct field *f = field_find(daemon_keys, rows[i].key);

		ck_assert_ptr_nonnull(f->cis);
		ck_assert_ptr_nonnull(daemon_key_asked(rows[i].key));
		ck_assert_ptr_eq(cis(rows[i].key, rows[i].met), f->cis);
		ck_assert_msg(!cis(rows[i].key, rows[i].not ), "%s: %s", rows[i].key, rows[i].not );
		ck_assert_ptr_null(cis(rows[i].key, "1"));
	}
	ck_assert_str_eq(cis("userns-remap", "\"dockremap\""), "2.9");
	ck_assert_ptr_null(cis("mtu", "1500"));
	ck_assert_ptr_null(daemon_key_cis(NULL, NULL));
	ck_assert_ptr_null(daemon_key_asked("mtu"));
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, values);
}

UNIT_MAIN("daemon_cis")
