/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

const char *control_state_name(enum control_state state)
{
	static const char *const names[] = {
		"failed", "drift", "pending", "noted", "skipped", "ok", "not in the plan",
	};

	return names[state];
}

bool control_named(const char *ids, const char *id)
{
	size_t len = strlen(id);

	while (ids && *ids) {
		size_t n = strcspn(ids, ", ");

		if (n == len && !strncmp(ids, id, n))
			return true;
		ids += n;
		ids += strspn(ids, ", ");
	}
	return false;
}

enum control_state control_judge(const struct control *c, const struct findings *f)
{
	static const enum control_state of[] = {
		[FINDING_OK] = CONTROL_OK,	     [FINDING_DRIFT] = CONTROL_DRIFT,
		[FINDING_PENDING] = CONTROL_PENDING, [FINDING_SKIPPED] = CONTROL_SKIPPED,
		[FINDING_FAILED] = CONTROL_FAILED,   [FINDING_NOTED] = CONTROL_NOTED,
	};
	enum control_state worst = CONTROL_ABSENT;

	for (size_t i = 0; i < f->n; i++)
		if (of[f->list[i].state] < worst && control_named(f->list[i].cis, c->id))
			worst = of[f->list[i].state];
	return worst;
}

bool control_in(const struct control_section *s, const struct control *c)
{
	size_t n = strlen(s->id);

	return strncmp(c->id, s->id, n) == 0 && c->id[n] == '.';
}

size_t control_section_score(const struct control_section *s, const struct findings *f,
			     size_t ret[CONTROL_STATES])
{
	size_t n = 0;

	memset(ret, 0, CONTROL_STATES * sizeof(*ret));
	for (const struct control *c = controls; c->id; c++) {
		if (c->observed || (s && !control_in(s, c)))
			continue;
		ret[control_judge(c, f)]++;
		n++;
	}
	return n;
}

size_t control_score(const struct findings *f, size_t ret[CONTROL_STATES])
{
	return control_section_score(NULL, f, ret);
}
