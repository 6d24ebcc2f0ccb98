/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

const char *finding_state_name(enum finding_state state)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",	       [FINDING_DRIFT] = "drift",
		[FINDING_PENDING] = "pending", [FINDING_SKIPPED] = "skipped",
		[FINDING_FAILED] = "failed",   [FINDING_NOTED] = "noted",
	};

	return names[state];
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct finding *x = &f->list[i];

		free(x->module);
		free(x->setting);
		free(x->cis);
		free(x->wanted);
		free(x->found);
		free(x->why);
	}
	free(f->list);
	*f = (struct findings){ 0 };
}

static int copy(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

int findings_add(struct findings *f, const char *module, const char *setting, const char *cis,
		 enum finding_state state, const char *wanted, const char *found, const char *why,
		 struct err *e)
{
	struct finding *list = reallocarray(f->list, f->n + 1, sizeof(*list));
	struct finding *x;

	if (!list)
		return err_oom(e);
	f->list = list;
	x = &list[f->n++];
	*x = (struct finding){ .state = state };
	if (copy(&x->module, module) < 0 || copy(&x->setting, setting) < 0 ||
	    copy(&x->cis, cis) < 0 || copy(&x->wanted, wanted) < 0 || copy(&x->found, found) < 0 ||
	    copy(&x->why, why) < 0)
		return err_oom(e);
	return 0;
}

const struct module *module_find(const char *name)
{
	for (const struct module *const *m = modules; *m; m++)
		if (streq((*m)->name, name))
			return *m;
	return NULL;
}
