/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known holes of the engine itself and the upstream releases that closed them, from the advisories
 * of moby and its release notes. Versions are all that is compared: a distribution may have taken
 * the fix into an older one.
 */
#include "../src/buf.h"
#include "observe.h"

static const struct {
	const char *cve, *what;
	const char *since; /* the first release that has the hole; NULL: all before */
	const char *fixed; /* the releases that closed it, one a series, ascending */
} holes[] = {
	{ "CVE-2023-28841", "encrypted overlay networks send plain text", NULL, "20.10.24 23.0.3" },
	{ "CVE-2024-24557", "the classic builder's cache can be poisoned", NULL,
	  "23.0.10 24.0.9 25.0.2" },
	{ "CVE-2024-29018", "internal networks reach DNS servers outside", NULL,
	  "23.0.11 25.0.5 26.0.0" },
	{ "CVE-2024-32473", "IPv6 is on where only IPv4 was asked for", "26.0.0", "26.0.2" },
	{ "CVE-2024-41110", "a request without a body gets past authorization plugins", NULL,
	  "23.0.15 25.0.6 26.1.5 27.1.1" },
	{ "CVE-2025-54410", "a reload of firewalld takes the walls between networks away", NULL,
	  "25.0.13 28.0.0" },
	{ "CVE-2025-54388", "a reload of firewalld opens ports published to loopback", "28.2.0",
	  "28.3.3" },
	{ "CVE-2026-34040", "a large body gets past authorization plugins", NULL, "29.3.1" },
	{ "CVE-2026-97032", "an HTTP/2 client of the API can crash the daemon", NULL, "29.9.0" },
};

/* "28.5.2" as a number that compares; 0: it is none. Ends at a blank, or at what follows the
 * numbers. */
static uint64_t number(const char *s)
{
	uint64_t part[3] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(part); i++) {
		if (*s < '0' || *s > '9')
			return 0;
		for (; *s >= '0' && *s <= '9' && part[i] < 100000; s++)
			part[i] = part[i] * 10 + (uint64_t)(*s - '0');
		if (*s != '.')
			break;
		s++;
	}
	return part[0] << 40 | part[1] << 20 | part[2];
}

#define SERIES(n) ((n) >> 20)

/* Fixed when its own series was at this version, or when it is newer than every series that had to
 * be. *ret_by: the release to go to. */
static bool is_fixed(uint64_t version, const char *fixed, const char **ret_by)
{
	uint64_t last = 0;

	for (const char *f = fixed; *f; f += strcspn(f, " "), f += strspn(f, " ")) {
		last = number(f);
		*ret_by = f;
		if (SERIES(last) == SERIES(version))
			return version >= last;
	}
	return version > last;
}

int observe_fixes(const char *version, struct findings *out, struct err *e)
{
	uint64_t v = number(version);
	bool any = false;

	for (size_t i = 0; v && i < ARRAY_SIZE(holes); i++) {
		const char *by;
		char setting[48], found[160];

		if ((holes[i].since && v < number(holes[i].since)) ||
		    is_fixed(v, holes[i].fixed, &by))
			continue;
		any = true;
		snprintf(setting, sizeof(setting), "fixes[%s]", holes[i].cve);
		snprintf(found, sizeof(found), "%s, closed in %.*s: %s", version,
			 (int)strcspn(by, " "), by, holes[i].what);
		if (findings_add(out, OBSERVE, setting, NULL, FINDING_NOTED, NULL, found,
				 "by upstream's version; your distribution may have backported the "
				 "fix",
				 e) < 0)
			return e->code;
	}
	if (any)
		return 0;
	return findings_add(out, OBSERVE, "fixes", NULL, v ? FINDING_OK : FINDING_SKIPPED, NULL,
			    version,
			    v ? "no hole that this program knows is open in this release"
			      : "this version is no number that could be compared",
			    e);
}
