/* SPDX-License-Identifier: Apache-2.0 */
#include "rootless.h"

#include "../src/units.h"
#include "engine.h"

#define NAME ROOTLESS_NAME
#define CIS  ROOTLESS_CIS

static bool is_rootless(const json_t *info)
{
	const json_t *list = json_object_get(info, "SecurityOptions"), *option;
	size_t i;

	json_array_foreach (list, i, option) {
		const char *text = json_string_value(option);

		if (text && (streq(text, "name=rootless") || has_prefix(text, "name=rootless,")))
			return true;
	}
	return false;
}

/* Why nothing answers, as far as systemd knows. */
static int down(const struct host *h, const struct rootless_user *u, enum finding_state *state,
		struct buf *why, struct err *e)
{
	_cleanup_units_ struct units *units = NULL;
	struct unit_state st, manager;
	char name[40];

	snprintf(name, sizeof(name), "user@%u.service", u->uid);
	if (units_open(h, &units, e) < 0 || units_state(units, u->unit, &st, e) < 0 ||
	    units_state(units, name, &manager, e) < 0)
		return e->code;
	*state = streq(st.active, "activating") ? FINDING_PENDING : FINDING_DRIFT;
	buf_addf(why, "; %s is %s, %s is %s. To see why: journalctl _UID=%u -n 50", u->unit,
		 streq(st.load, "not-found") ? st.load : st.active, name, manager.active, u->uid);
	return 0;
}

static int verify_daemon(const struct host *h, const struct rootless_user *u,
			 enum finding_state *state, const char **found, struct buf *why,
			 struct err *e)
{
	_cleanup_json_ json_t *info = NULL;
	struct err no;
	int r = engine_get_user(h, u->uid, "/info", &info, &no);

	if (r == -ENOMEM)
		return err_oom(e);
	if (r == -ENOTCONN) {
		*found = "no daemon";
		buf_adds(why, no.text);
		return down(h, u, state, why, e);
	}
	*state = FINDING_FAILED;
	if (r < 0) {
		buf_adds(why, no.text);
		return 0;
	}
	if (is_rootless(info)) {
		*state = FINDING_OK;
	} else {
		*found = "a daemon that is not rootless";
	}
	buf_addf(why,
		 "GET /info; as that user: sudo -u '#%u' env XDG_RUNTIME_DIR=/run/user/%u "
		 "DOCKER_HOST=unix:///run/user/%u/docker.sock docker info",
		 u->uid, u->uid, u->uid);
	return 0;
}

static int verify_user(const struct subwork *ranges, const struct rootless_user *u, bool allowed,
		       struct findings *out, struct err *e)
{
	_cleanup_(owner_range_done) struct owner_range o = { 0 };
	_cleanup_buf_ struct buf why = BUF_INIT, has = BUF_INIT;
	enum finding_state state = FINDING_SKIPPED;
	enum subrange_verdict verdict;
	const char *found = NULL;
	char wanted[300];

	if (subrange_judge(ranges, &u->range, &o, &verdict, &why, e) < 0)
		return e->code;
	if (verdict == SUBRANGE_REFUSE) {
		state = FINDING_FAILED;
	} else if (verdict != SUBRANGE_KEEP) {
		state = FINDING_DRIFT;
		subrange_found(&o, &has);
		found = has.data;
	} else if (!host_is_live(ranges->h)) {
		buf_adds(&why, "offline: no daemon runs in this root");
	} else if (verify_daemon(ranges->h, u, &state, &found, &why, e) < 0) {
		return e->code;
	}
	if (found && state == FINDING_DRIFT && verdict == SUBRANGE_KEEP && !allowed) {
		state = FINDING_PENDING;
		buf_adds(&why, "; the kernel lets no user make namespaces before the next boot");
	}
	if (why.failed || has.failed)
		return err_oom(e);
	snprintf(wanted, sizeof(wanted), "a rootless daemon of %s", u->name);
	return findings_add(out, NAME, u->range.setting, CIS, state, wanted, found,
			    why.len ? why.data : NULL, e);
}

static int verify_sysctl(const struct host *h, const struct rootless_sysctl *x,
			 struct findings *out, struct err *e)
{
	char wanted[128], found[32];
	bool fits = rootless_sysctl_fits(x, x->kernel);

	snprintf(wanted, sizeof(wanted), "%s %s%lld", x->name, x->at_least ? "at least " : "",
		 x->need);
	snprintf(found, sizeof(found), "%lld", x->kernel);
	if (!host_is_live(h))
		return findings_add(out, NAME, x->setting, CIS, FINDING_SKIPPED, wanted, NULL,
				    "offline: there is no kernel to ask", e);
	return findings_add(
		out, NAME, x->setting, CIS, fits ? FINDING_OK : FINDING_PENDING, wanted, found,
		fits ? "/proc/sys"
		     : "/proc/sys is read-only here: the kernel takes it at the next boot",
		e);
}

int rootless_verify(const struct section *s, const struct previous *was, const struct host *h,
		    struct findings *out, struct err *e)
{
	_cleanup_(rootless_users_done) struct rootless_users users = { 0 };
	_cleanup_subwork_ struct subwork *ranges = NULL;
	struct rootless_sysctl list[ROOTLESS_SYSCTLS];
	struct errs ignored = { 0 };
	struct subpool pool;
	int r;

	(void)was;
	r = rootless_users_load(s, h, &users, &ignored, e); /* diff tells of mistakes */
	errs_done(&ignored);
	subpool_read(plan_section(s->plan, "subids"), &pool);
	if (r < 0 || subwork_new(s, NAME, &pool, h, NULL, &ranges, e) < 0 ||
	    rootless_sysctls_load(s, h, list, e) < 0)
		return e->code;
	for (size_t i = 0; i < users.n; i++)
		if (verify_user(ranges, &users.list[i], rootless_kernel_allows(list), out, e) < 0)
			return e->code;
	for (size_t i = 0; i < ROOTLESS_SYSCTLS && users.n; i++) {
		const struct rootless_sysctl *x = &list[i];

		/* What nobody asked for, and is fine, is nobody's news. */
		if (x->on &&
		    (x->asked ||
		     (!x->only_asked && x->kernel >= 0 && !rootless_sysctl_fits(x, x->kernel))) &&
		    verify_sysctl(h, x, out, e) < 0)
			return e->code;
	}
	return 0;
}
