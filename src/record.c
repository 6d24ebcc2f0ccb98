/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal as a record: out of changes, to JSON, and back.
 */
#include "record_internal.h"

#include <limits.h>
#include <time.h>

/*
 * Older records of this format lack members that were added since, and are read as what they meant
 * when they were written. A member whose absence would mean something else to an older program, or
 * a new kind of step, makes a new format.
 */
#define FORMAT 1

static const char *const kinds[] = {
	"directory", "file", "lines", "attributes", "removal", "knob"
};
static const char *const actions[] = { "nothing", "reload", "start", "restart", "stop" };
static const char *const whole[] = { "apply", "rollback" }; /* of a journal */
static const char *const phases[] = { "prepared", "files", "commands", "units" };

const char *change_kind_name(enum change_kind kind)
{
	return kinds[kind];
}

const char *unit_action_name(enum unit_action action)
{
	return actions[action];
}

void command_record_done(struct command_record *c)
{
	strv_free(c->argv);
	strv_free(c->back);
	json_decref(c->why);
}

void journal_done(struct journal *j)
{
	for (size_t i = 0; i < j->n_steps; i++) {
		struct step *s = &j->steps[i];

		free(s->path);
		free(s->tmp);
		image_done(&s->before);
		image_done(&s->after);
		lines_free(s->lines, s->n_lines);
		json_decref(s->why);
	}
	free(j->steps);
	for (size_t i = 0; i < j->n_units; i++) {
		free(j->units[i].unit);
		json_decref(j->units[i].why);
	}
	free(j->units);
	for (size_t i = 0; i < j->n_commands; i++)
		command_record_done(&j->commands[i]);
	free(j->commands);
	free(j->undoes);
	free(j->undone);
	free(j->plan);
	json_decref(j->state);
	json_decref(j->progress);
	*j = (struct journal){ 0 };
}

static json_t *why_json(const struct why *whys, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		const struct why *w = &whys[i];
		json_t *one = json_pack("{s:s, s:s?, s:s?, s:s?}", "module", w->module, "setting",
					w->setting, "cis", w->cis, "text", w->text);

		if (!one || json_array_append_new(list, one) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int lines_copy(const struct change *c, struct step *s, struct err *e)
{
	s->lines = calloc(c->n_lines + 1, sizeof(*s->lines));
	if (!s->lines)
		return err_oom(e);
	for (size_t i = 0; i < c->n_lines; i++) {
		const struct line *from = &c->lines[i];
		struct line *to = &s->lines[s->n_lines++];

		*to = (struct line){ from->old ? strdup(from->old) : NULL, strdup(from->text), 1 };
		if ((from->old && !to->old) || !to->text)
			return err_oom(e);
		to->same = line_named(c->after.content, c->after.len, to->text, NULL);
	}
	return 0;
}

/* A database is recorded by its attributes and our lines: its content is not ours to copy. */
static int attrs_copy(const struct image *from, struct image *to, struct err *e)
{
	struct image bare = *from;

	bare.content = NULL;
	bare.len = 0;
	return image_copy(&bare, to, e);
}

/* Has a step no temporary file beside its path? */
static bool in_place(enum change_kind kind)
{
	return kind == CHANGE_DIR || kind == CHANGE_ATTRS || kind == CHANGE_KNOB;
}

bool step_keeps(const struct step *s, const struct image *im)
{
	return (s->kind == CHANGE_FILE || s->kind == CHANGE_REMOVE || s->kind == CHANGE_KNOB) &&
	       im->exists && S_ISREG(im->mode);
}

static void keep(const struct step *s, const struct image *im, struct kept *ret)
{
	if (!step_keeps(s, im))
		return;
	ret->len = im->len;
	sha256_text(im->content, im->len, ret->sha256);
}

static int step_from_change(const struct change *c, uint64_t nonce, struct step *s, struct err *e)
{
	const char *name = strrchr(c->path, '/') + 1;

	s->kind = c->kind;
	s->path = strdup(c->path);
	s->why = why_json(c->whys, c->n_whys);
	if (!s->path || !s->why)
		return err_oom(e);
	if (!in_place(c->kind) && asprintf(&s->tmp, ".%.200s.bulkhead-%08llx", name,
					   (unsigned long long)(nonce & 0xffffffff)) < 0) {
		s->tmp = NULL;
		return err_oom(e);
	}
	s->no_links = c->no_links;
	if (c->kind != CHANGE_LINES) {
		if (image_copy(&c->before, &s->before, e) < 0 ||
		    image_copy(&c->after, &s->after, e) < 0)
			return e->code;
		keep(s, &s->before, &s->before_kept);
		keep(s, &s->after, &s->after_kept);
		return 0;
	}
	s->newline = c->before.len && c->before.content[c->before.len - 1] != '\n' &&
		     c->after.content[c->after.len - 1] == '\n';
	s->was_len = c->before.len;
	s->before_sum = image_sum(&c->before);
	s->after_sum = image_sum(&c->after);
	if (lines_copy(c, s, e) < 0 || attrs_copy(&c->before, &s->before, e) < 0)
		return e->code;
	return attrs_copy(&c->after, &s->after, e);
}

static int unit_from_ask(const struct ask *a, struct journal *j, struct err *e)
{
	_cleanup_json_ json_t *why = why_json(&a->why, 1);
	struct unit_record *u = NULL, *units;

	if (!why)
		return err_oom(e);
	for (size_t i = 0; i < j->n_units; i++)
		if (streq(j->units[i].unit, a->unit))
			u = &j->units[i];
	if (!u) {
		units = reallocarray(j->units, j->n_units + 1, sizeof(*units));
		if (!units)
			return err_oom(e);
		j->units = units;
		u = &units[j->n_units];
		*u = (struct unit_record){ .pending = true, .why = json_array() };
		u->unit = strdup(a->unit);
		if (!u->unit || !u->why)
			return err_oom(e);
		j->n_units++;
	}
	/* What is put off says nothing about what happens now: a reload now stays a reload. */
	if (!a->pending && u->pending) {
		u->action = a->action;
		u->back = a->back;
		u->pending = false;
	} else if (!a->pending == !u->pending) {
		if (a->action > u->action)
			u->action = a->action;
		if (a->back > u->back)
			u->back = a->back;
	}
	return json_array_extend(u->why, why) < 0 ? err_oom(e) : 0;
}

int journal_add_command(struct journal *j, char *const *argv, char *const *back, json_t *why,
			struct err *e)
{
	struct command_record x = { .argv = strv_copy(argv),
				    .back = back ? strv_copy(back) : NULL,
				    .why = why };
	struct command_record *list = reallocarray(j->commands, j->n_commands + 1, sizeof(*list));

	if (list)
		j->commands = list;
	if (!list || !x.argv || (back && !x.back) || !why) {
		command_record_done(&x);
		return err_oom(e);
	}
	list[j->n_commands++] = x;
	return 0;
}

int journal_from_changes(const struct changes *c, struct journal *ret, struct err *e)
{
	_cleanup_journal_ struct journal j = { 0 };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	j.time_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	j.pid = (uint32_t)getpid();
	j.manager_reload = c->manager_reload;
	j.timeout = c->timeout ? c->timeout : UNITS_TIMEOUT;
	j.watch = c->watch;
	j.state = c->state ? json_incref(c->state) : json_object();
	j.steps = calloc(c->n ? c->n : 1, sizeof(*j.steps));
	if (!j.steps || !j.state)
		return err_oom(e);
	for (size_t i = 0; i < c->n; i++) {
		j.n_steps++;
		if (step_from_change(c->list[i], j.time_us ^ (uint64_t)now.tv_nsec << 12,
				     &j.steps[i], e) < 0)
			return e->code;
	}
	for (size_t i = 0; i < c->n_commands; i++) {
		const struct change_command *x = &c->commands[i];

		if (journal_add_command(&j, x->argv, x->back, why_json(x->whys, x->n_whys), e) < 0)
			return e->code;
	}
	for (size_t i = 0; i < c->n_asks; i++)
		if (unit_from_ask(&c->asks[i], &j, e) < 0)
			return e->code;
	*ret = j;
	j = (struct journal){ 0 };
	return 0;
}

/* --- to JSON and back --- */

static json_t *ids_json(const unsigned *ids, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_integer(ids[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* One that was appended is a string, one that was replaced says what stood there; or more. */
static json_t *line_json(const struct line *l)
{
	/* Not "s*": jansson leaves a member out there when memory is short, too. */
	if (l->old)
		return json_pack("{s:s, s:s, s:i}", "old", l->old, "text", l->text, "same",
				 (int)l->same);
	return l->same > 1 ? json_pack("{s:s, s:i}", "text", l->text, "same", (int)l->same)
			   : json_string(l->text);
}

/* For who reads the journal. */
static json_t *path_json(const char *path)
{
	_cleanup_free_ char *shown = strdup(path);

	for (char *p = shown; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	return shown ? json_string(shown) : NULL;
}

static json_t *step_json(const struct step *s)
{
	_cleanup_json_ json_t *lines = NULL;
	_cleanup_json_ json_t *o =
		json_pack("{s:s, s:o, s:s?, s:o, s:o, s:O}", "kind", kinds[s->kind], "path",
			  path_json(s->path), "temporary", s->tmp, "before",
			  record_image_json(&s->before, &s->before_kept), "after",
			  record_image_json(&s->after, &s->after_kept), "why", s->why);

	if (o && !record_is_ascii(s->path) &&
	    json_object_set_new(o, "path_bytes", record_bytes_json(s->path)) < 0)
		return NULL;
	if (o && s->no_links &&
	    (json_object_set_new(o, "no_links", json_true()) < 0 ||
	     json_object_set_new(o, "inode", json_integer((json_int_t)s->before.ino)) < 0))
		return NULL;
	if (!o || s->kind != CHANGE_LINES)
		return TAKE_PTR(o);
	lines = json_array();
	for (size_t i = 0; i < s->n_lines; i++)
		if (json_array_append_new(lines, line_json(&s->lines[i])) < 0)
			return NULL;
	if (json_object_set(o, "lines", lines) < 0 ||
	    json_object_set_new(o, "newline", json_boolean(s->newline)) < 0 ||
	    json_object_set_new(o, "length", json_integer((json_int_t)s->was_len)) < 0 ||
	    json_object_set_new(o, "sum_before", json_integer((json_int_t)s->before_sum)) < 0 ||
	    json_object_set_new(o, "sum_after", json_integer((json_int_t)s->after_sum)) < 0)
		return NULL;
	return TAKE_PTR(o);
}

static json_t *unit_json(const struct unit_record *u)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:O}", "unit", u->unit, "action",
			 actions[u->action], "back", actions[u->back], "pending", u->pending,
			 "invocation_before", u->before, "invocation_after", u->after,
			 "active_before", u->active, "why", u->why);
}

static json_t *strv_json(char *const *v)
{
	json_t *list = v ? json_array() : json_null();

	for (; list && v && *v; v++)
		if (json_array_append_new(list, json_string(*v)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *command_json(const struct command_record *c)
{
	return json_pack("{s:o, s:o, s:O}", "argv", strv_json(c->argv), "back", strv_json(c->back),
			 "why", c->why);
}

json_t *journal_progress(const struct journal *j)
{
	json_t *steps = json_array();

	for (size_t i = 0; steps && i < j->n_steps; i++) {
		const struct step *s = &j->steps[i];
		json_t *o =
			json_pack("{s:b, s:I, s:I}", "back", s->untouched, "sum_found",
				  (json_int_t)s->found_sum, "sum_back", (json_int_t)s->back_sum);

		if (json_array_append_new(steps, o) < 0) {
			json_decref(steps);
			return NULL;
		}
	}
	return steps ? json_pack("{s:i, s:o}", "id", (int)j->id, "steps", steps) : NULL;
}

static uint64_t sum_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

void journal_resume(struct journal *j, const json_t *progress)
{
	const json_t *steps = json_object_get(progress, "steps");

	if (json_integer_value(json_object_get(progress, "id")) != (json_int_t)j->id)
		return;
	for (size_t i = 0; i < j->n_steps; i++) {
		const json_t *o = json_array_get(steps, i);
		struct step *s = &j->steps[i];

		s->untouched |= json_is_true(json_object_get(o, "back"));
		s->found_sum = sum_of(o, "sum_found");
		s->back_sum = sum_of(o, "sum_back");
	}
}

json_t *journal_json(const struct journal *j)
{
	_cleanup_json_ json_t *steps = json_array(), *units = json_array(),
			      *commands = json_array();

	if (!steps || !units || !commands)
		return NULL;
	for (size_t i = 0; i < j->n_commands; i++)
		if (json_array_append_new(commands, command_json(&j->commands[i])) < 0)
			return NULL;
	for (size_t i = 0; i < j->n_steps; i++)
		if (json_array_append_new(steps, step_json(&j->steps[i])) < 0)
			return NULL;
	for (size_t i = 0; i < j->n_units; i++)
		if (json_array_append_new(units, unit_json(&j->units[i])) < 0)
			return NULL;
	return json_pack(
		"{s:i, s:i, s:s, s:s, s:I, s:I, s:s, s:s?, s:b, s:i, s:i, s:b, s:b, s:o, s:o, s:O, s:O, "
		"s:O, s:O, s:O?}",
		"format", FORMAT, "id", (int)j->id, "kind", whole[j->rollback], "phase",
		phases[j->phase], "time_us", (json_int_t)j->time_us, "pid", (json_int_t)j->pid,
		"boot_id", j->boot_id, "plan", j->plan, "manager_reload", j->manager_reload,
		"timeout", j->timeout, "watch", j->watch, "restored", j->restored, "force",
		j->force, "undoes", ids_json(j->undoes, j->n_undoes), "undone",
		ids_json(j->undone, j->n_undone), "steps", steps, "units", units, "commands",
		commands, "state", j->state, "progress", j->progress);
}

static int choice(const char *s, const char *const *names, size_t n)
{
	for (size_t i = 0; s && i < n; i++)
		if (streq(s, names[i]))
			return (int)i;
	return -1;
}

/* A name that can only mean a file beside the target. */
static bool tmp_fine(const char *tmp)
{
	return !tmp || (tmp[0] == '.' && strstr(tmp, ".bulkhead-") && !strchr(tmp, '/'));
}

static int line_parse(json_t *o, struct line *l)
{
	const char *old = NULL, *text = json_string_value(o);
	int same = 1, r = text ? 0
			       : record_unpack(o, "{s?s, s:s, s?i}", "old", &old, "text", &text,
					       "same", &same);

	if (r < 0)
		return r;
	*l = (struct line){ old ? strdup(old) : NULL, strdup(text), same > 0 ? (size_t)same : 1 };
	return (old && !l->old) || !l->text ? -ENOMEM : 0;
}

static int strv_parse(const json_t *list, char ***ret)
{
	size_t i;
	json_t *x;

	*ret = calloc(json_array_size(list) + 1, sizeof(char *));
	if (!*ret)
		return -ENOMEM;
	json_array_foreach (list, i, x) {
		if (!json_is_string(x))
			return -EINVAL;
		(*ret)[i] = strdup(json_string_value(x));
		if (!(*ret)[i])
			return -ENOMEM;
	}
	return 0;
}

static int step_parse(json_t *o, struct step *s)
{
	const char *kind, *path, *tmp;
	json_t *before, *after, *why, *line, *bytes, *lines = NULL;
	json_int_t length = 0, before_sum = 0, after_sum = 0, inode = 0;
	int newline = 0, no_links = 0, k, r;
	size_t i;

	r = record_unpack(o, "{s:s, s:s, s:o, s:o, s:o, s?o, s?b, s?I, s?I, s?I, s?b, s?I}", "kind",
			  &kind, "path", &path, "before", &before, "after", &after, "why", &why,
			  "lines", &lines, "newline", &newline, "length", &length, "sum_before",
			  &before_sum, "sum_after", &after_sum, "no_links", &no_links, "inode",
			  &inode);
	if (r < 0)
		return r;
	tmp = json_string_value(json_object_get(o, "temporary"));
	k = choice(kind, kinds, ARRAY_SIZE(kinds));
	if (k < 0 || path[0] != '/' || !tmp_fine(tmp) || length < 0)
		return -EINVAL;
	s->kind = (enum change_kind)k;
	if (!tmp && !in_place(s->kind))
		return -EINVAL;
	s->newline = newline;
	s->was_len = (size_t)length;
	s->before_sum = (uint64_t)before_sum;
	s->after_sum = (uint64_t)after_sum;
	bytes = json_object_get(o, "path_bytes");
	r = bytes ? record_bytes_parse(bytes, &s->path) : 0;
	if (r < 0 || (bytes && s->path[0] != '/'))
		return r < 0 ? r : -EINVAL;
	if (!bytes)
		s->path = strdup(path);
	s->tmp = tmp ? strdup(tmp) : NULL;
	s->why = json_incref(why);
	if (!s->path || (tmp && !s->tmp))
		return -ENOMEM;
	if ((r = record_image_parse(before, &s->before, &s->before_kept)) < 0 ||
	    (r = record_image_parse(after, &s->after, &s->after_kept)) < 0)
		return r;
	s->no_links = no_links;
	s->before.ino = (ino_t)inode;
	if (k != CHANGE_LINES)
		return 0;
	s->lines = calloc(json_array_size(lines) + 1, sizeof(*s->lines));
	if (!s->lines)
		return -ENOMEM;
	json_array_foreach (lines, i, line) {
		s->n_lines++;
		if ((r = line_parse(line, &s->lines[i])) < 0)
			return r;
	}
	return 0;
}

static int command_parse(json_t *o, struct command_record *c)
{
	json_t *argv, *back, *why;
	int r = record_unpack(o, "{s:o, s:o, s:o}", "argv", &argv, "back", &back, "why", &why);

	if (r < 0)
		return r;
	c->why = json_incref(why);
	r = strv_parse(argv, &c->argv);
	if (r == 0 && !json_is_null(back))
		r = strv_parse(back, &c->back);
	if (r < 0)
		return r;
	/* A damaged one must not run another program. */
	return c->argv[0] && c->argv[0][0] == '/' &&
			       (!c->back || (c->back[0] && c->back[0][0] == '/'))
		       ? 0
		       : -EINVAL;
}

static int unit_parse(json_t *o, struct unit_record *u)
{
	const char *unit, *action, *back = NULL, *before, *after, *active;
	json_t *why;
	int pending, a, b, r;

	r = record_unpack(o, "{s:s, s:s, s?s, s:b, s:s, s:s, s:s, s:o}", "unit", &unit, "action",
			  &action, "back", &back, "pending", &pending, "invocation_before", &before,
			  "invocation_after", &after, "active_before", &active, "why", &why);
	if (r < 0)
		return r;
	a = choice(action, actions, ARRAY_SIZE(actions));
	/* The first records had one action for both ways. */
	b = back ? choice(back, actions, ARRAY_SIZE(actions)) : a;
	if (a < 0 || b < 0)
		return -EINVAL;
	u->action = (enum unit_action)a;
	u->back = (enum unit_action)b;
	u->pending = pending;
	u->why = json_incref(why);
	snprintf(u->before, sizeof(u->before), "%s", before);
	snprintf(u->after, sizeof(u->after), "%s", after);
	snprintf(u->active, sizeof(u->active), "%s", active);
	u->unit = strdup(unit);
	return u->unit ? 0 : -ENOMEM;
}

static int ids_parse(const json_t *list, unsigned **ret, size_t *ret_n)
{
	*ret_n = json_array_size(list);
	*ret = calloc(*ret_n + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < *ret_n; i++) {
		json_int_t id = json_integer_value(json_array_get(list, i));

		/* A damaged one must not mean another transaction. */
		if (id < 1 || id > INT_MAX)
			return -EINVAL;
		(*ret)[i] = (unsigned)id;
	}
	return 0;
}

int journal_parse(json_t *o, struct journal *j)
{
	int format, reload, force, k, p, r, timeout = UNITS_TIMEOUT, watch = UNITS_WATCH;
	int restored = 0;
	const char *kind, *phase, *boot, *plan = NULL;
	unsigned *undone_ids;
	json_int_t id, time_us, pid;
	json_t *undoes, *undone, *steps, *units, *state, *commands, *x;
	size_t i;

	/* Of a newer one nothing else has to be as we know it. */
	if (json_integer_value(json_object_get(o, "format")) > FORMAT)
		return -EPROTONOSUPPORT;
	r = record_unpack(
		o,
		"{s:i, s:I, s:s, s:s, s:I, s:I, s:s, s:b, s?i, s?i, s?b, s:b, s:o, s:o, s:o, s:o, s:o}",
		"format", &format, "id", &id, "kind", &kind, "phase", &phase, "time_us", &time_us,
		"pid", &pid, "boot_id", &boot, "manager_reload", &reload, "timeout", &timeout,
		"watch", &watch, "restored", &restored, "force", &force, "undoes", &undoes,
		"undone", &undone, "steps", &steps, "units", &units, "state", &state);
	if (r < 0)
		return r;
	if (format != FORMAT || timeout < 1 || watch < 0)
		return -EINVAL;
	p = choice(phase, phases, ARRAY_SIZE(phases));
	k = choice(kind, whole, ARRAY_SIZE(whole));
	if (p < 0 || k < 0 || id < 1 || id > INT_MAX || !json_is_object(state))
		return -EINVAL;
	/* None in those of versions that ran none. */
	commands = json_object_get(o, "commands");
	if (!json_is_array(undoes) || !json_is_array(undone) || !json_is_array(steps) ||
	    !json_is_array(units) || (commands && !json_is_array(commands)))
		return -EINVAL;
	plan = json_string_value(json_object_get(o, "plan"));
	j->id = (unsigned)id;
	j->rollback = k;
	j->phase = (enum phase)p;
	j->time_us = (uint64_t)time_us;
	j->pid = (uint32_t)pid;
	j->manager_reload = reload;
	j->timeout = timeout;
	j->watch = watch;
	j->restored = restored;
	j->force = force;
	snprintf(j->boot_id, sizeof(j->boot_id), "%s", boot);
	j->state = json_incref(state);
	j->progress = json_incref(json_object_get(o, "progress"));
	if (plan && !(j->plan = strdup(plan)))
		return -ENOMEM;
	if ((r = ids_parse(undoes, &j->undoes, &j->n_undoes)) < 0 ||
	    (r = ids_parse(undone, &j->undone, &j->n_undone)) < 0)
		return r;
	/* Room for the progress still to be made. */
	undone_ids = reallocarray(j->undone, j->n_undoes + j->n_undone + 1, sizeof(*undone_ids));
	if (!undone_ids)
		return -ENOMEM;
	j->undone = undone_ids;
	j->steps = calloc(json_array_size(steps) + 1, sizeof(*j->steps));
	j->units = calloc(json_array_size(units) + 1, sizeof(*j->units));
	j->commands = calloc(json_array_size(commands) + 1, sizeof(*j->commands));
	if (!j->steps || !j->units || !j->commands)
		return -ENOMEM;
	json_array_foreach (steps, i, x) {
		j->n_steps++;
		if ((r = step_parse(x, &j->steps[i])) < 0)
			return r;
	}
	json_array_foreach (commands, i, x) {
		j->n_commands++;
		if ((r = command_parse(x, &j->commands[i])) < 0)
			return r;
	}
	json_array_foreach (units, i, x) {
		j->n_units++;
		if ((r = unit_parse(x, &j->units[i])) < 0)
			return r;
	}
	return 0;
}
