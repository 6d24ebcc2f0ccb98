/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CA, the server's pair, the clients' pairs: made where the plan says so, judged whoever made
 * them, owned by root and read by nobody else.
 *
 * What is remembered: {made: {path: sum}}. What we made we make again when it is no longer good;
 * what somebody else put there is never replaced.
 */
#include "tls.h"

#include <inttypes.h>

#include "permissions.h"

#define CA_DAYS	    3650
#define CERT_MODE   0444
#define KEY_MODE    0400
#define ETC_DOCKER  "/etc/docker"
#define FOLDER	    "/etc/docker/tls"
#define FOLDER_MODE 0755
#define CLIENT_DIR  FOLDER "/clients"
#define CLIENT_MODE 0700

void tls_file_done(struct tls_file *f)
{
	tls_wipe(f->text);
	free(f->path);
	*f = (struct tls_file){ 0 };
}

int tls_file_read(const struct host *h, const char *path, struct tls_file *ret, struct err *e)
{
	struct tls_file f = { .path = strdup(path) };
	int r;

	if (!f.path)
		return err_oom(e);
	r = host_read(h, path, TLS_PEM_MAX, &f.text, &f.len, e);
	if (r < 0 && r != -ENOENT) {
		tls_file_done(&f);
		return r;
	}
	*ret = f;
	return 0;
}

struct tls_pem tls_file_pem(const struct tls_file *f)
{
	return (struct tls_pem){ f->text, f->len };
}

/* --- names --- */

static int add_name(char ***list, size_t *n, const char *name, struct err *e)
{
	char **more;

	for (size_t i = 0; i < *n; i++)
		if (strcasecmp((*list)[i], name) == 0)
			return 0;
	more = reallocarray(*list, *n + 2, sizeof(char *));
	if (!more)
		return err_oom(e);
	*list = more;
	more[*n] = strdup(name);
	if (!more[*n])
		return err_oom(e);
	more[++*n] = NULL;
	return 0;
}

/* The host's own name: the first line of /etc/hostname that is none of its comments, hostname(5).
 */
static int add_hostname(const struct host *h, char ***list, size_t *n, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read(h, "/etc/hostname", 4096, &text, &len, e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (char *line = text; line && *line;) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		line[strcspn(line, " \t\r")] = '\0';
		if (*line && *line != '#')
			return strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789-.") == strlen(line) &&
					       strlen(line) < 64
				       ? add_name(list, n, line, e)
				       : 0;
		line = next;
	}
	return 0;
}

int tls_names(const struct section *s, const struct host *h, bool make, char ***ret, struct err *e)
{
	_cleanup_strv_ char **list = calloc(1, sizeof(char *));
	json_t *names = section_get(s, "names"), *v;
	struct tls_address a;
	const char *why;
	size_t n = 0, i;
	int r = list ? 0 : err_oom(e);

	json_array_foreach (names, i, v)
		if (r == 0)
			r = add_name(&list, &n, json_string_value(v), e);
	json_array_foreach (section_get(s, "listen"), i, v)
		if (r == 0 && tls_address_parse(json_string_value(v), &a, &why) == 0 && !a.any)
			r = add_name(&list, &n, a.host, e);
	if (r == 0 && make && !json_array_size(names))
		r = add_hostname(h, &list, &n, e);
	if (r == 0 && make)
		r = add_name(&list, &n, "localhost", e);
	if (r == 0 && make)
		r = add_name(&list, &n, "127.0.0.1", e);
	if (r == 0)
		*ret = TAKE_PTR(list);
	return r;
}

/* --- looking --- */

int tls_look(const struct section *s, const struct host *h, long long now, struct tls_looks *ret,
	     const char **ret_missing, struct err *e)
{
	static const char *const settings[] = { "ca", "cert", "key" };
	struct tls_file f[3] = { 0 };
	_cleanup_strv_ char **names = NULL;
	int r = tls_names(s, h, section_bool(s, "make", false), &names, e);

	*ret_missing = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(f) && r == 0; i++) {
		r = tls_file_read(h, section_str(s, settings[i]), &f[i], e);
		if (r < 0)
			err_prefix(e, "tls.%s", settings[i]);
		else if (!f[i].text && !*ret_missing)
			*ret_missing = settings[i];
	}
	if (r == 0 && *ret_missing) {
		r = 1;
	} else if (r == 0) {
		const struct tls_pair p = { .ca = tls_file_pem(&f[0]),
					    .cert = tls_file_pem(&f[1]),
					    .key = tls_file_pem(&f[2]),
					    .names = (const char *const *)names,
					    .use = TLS_SERVER,
					    .now = now };

		r = tls_judge(&p, ret, e);
	}
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		tls_file_done(&f[i]);
	return r;
}

/* --- what is ours --- */

static void sum_text(const char *text, size_t len, char buf[17])
{
	const struct image im = { .content = (char *)(uintptr_t)text, .len = len };

	snprintf(buf, 17, "%016" PRIx64, image_sum(&im));
}

static const char *sum_was(const struct tls_work *w, const char *path)
{
	return json_string_value(json_object_get(json_object_get(w->was, "made"), path));
}

static int note_made(struct tls_work *w, const char *path, const char *text, struct err *e)
{
	json_t *made = json_object_get(w->state, "made");
	char sum[17];

	sum_text(text, strlen(text), sum);
	if (!made) {
		made = json_object();
		if (!made || json_object_set_new(w->state, "made", made) < 0)
			return err_oom(e);
	}
	return json_object_set_new(made, path, json_string(sum)) < 0 ? err_oom(e) : 0;
}

/* A file that was made before and is still that one. */
static int keep_made(struct tls_work *w, const struct tls_file *f, struct err *e)
{
	const char *was = sum_was(w, f->path);
	char sum[17];

	if (!was || !f->text)
		return 0;
	sum_text(f->text, f->len, sum);
	return streq(was, sum) ? note_made(w, f->path, f->text, e) : 0;
}

static int put_made(struct tls_work *w, const char *path, const char *text, mode_t mode,
		    const char *setting, const char *why, struct err *e)
{
	int r = changes_file(w->out, w->h, path, text, strlen(text), mode, 0, 0, TLS_NAME, setting,
			     TLS_CIS, why, e);

	return r < 0 ? r : note_made(w, path, text, e);
}

static void refuse(struct tls_work *w, const char *setting, const char *path, const char *why)
{
	errs_add(&w->out->refusals, section_where(w->s, setting), "tls.%s: %s%s %s", setting,
		 host_prefix(w->h), path, why);
}

/* --- making --- */

/* A pair that is to be there. */
struct pair {
	struct tls_file cert, key;
	const char *name, *cert_setting, *key_setting;
	const char *const *names;
	enum tls_use use;
};

static void pair_done(struct pair *p)
{
	tls_file_done(&p->cert);
	tls_file_done(&p->key);
}

static long long soon(const struct tls_work *w)
{
	return section_int(w->s, "renew-days", 30) * 86400;
}

/* Why a pair has to be made, or NULL; `buf` may hold it. */
static const char *why_made(const struct tls_work *w, const struct pair *p,
			    const struct tls_looks *l, char buf[400])
{
	size_t n = 0;

	if (!p->cert.text && !p->key.text)
		return "made: there was none";
	if (!p->cert.text || !p->key.text)
		return "made again: half of the pair was gone";
	if (l->cert.fault[0] || l->key.fault[0] || l->names.fault[0]) {
		snprintf(buf, 400, "made again: it %s",
			 l->cert.fault[0]  ? l->cert.fault
			 : l->key.fault[0] ? l->key.fault
					   : l->names.fault);
		return buf;
	}
	if (l->cert.seconds < soon(w)) {
		snprintf(buf, 400, "renewed: it expires on %s", l->cert.until);
		return buf;
	}
	for (; p->names && p->names[n]; n++)
		;
	if (p->names && n != l->n_names)
		return "made again: it was for more names than the plan has";
	return NULL;
}

static int make_pair(struct tls_work *w, const struct tls_file *ca, const struct tls_file *ca_key,
		     const struct pair *p, const char *why, struct err *e)
{
	const struct tls_pem signer = tls_file_pem(ca), secret = tls_file_pem(ca_key);
	const struct tls_make m = { .name = p->name,
				    .names = p->names,
				    .use = p->use,
				    .days = (int)section_int(w->s, "days", 365),
				    .now = w->now,
				    .ca = &signer,
				    .ca_key = &secret };
	_cleanup_free_ char *cert = NULL;
	_cleanup_key_ char *key = NULL;
	int r;

	if (!ca_key->text) {
		refuse(w, "ca-key", section_str(w->s, "ca-key"),
		       "is not there, and a certificate has to be signed: put the CA's key there, "
		       "or move the CA away to have a new one made");
		return 0;
	}
	r = tls_make(&m, &cert, &key, e);
	if (r == 0)
		r = put_made(w, p->cert.path, cert, CERT_MODE, p->cert_setting, why, e);
	if (r == 0)
		r = put_made(w, p->key.path, key, KEY_MODE, p->key_setting, why, e);
	return r;
}

static int diff_pair(struct tls_work *w, const struct tls_file *ca, const struct tls_file *ca_key,
		     struct pair *p, struct err *e)
{
	const struct tls_pair judged = { .ca = tls_file_pem(ca),
					 .cert = tls_file_pem(&p->cert),
					 .key = tls_file_pem(&p->key),
					 .names = p->names,
					 .use = p->use,
					 .now = w->now };
	bool ours = (!p->cert.text || sum_was(w, p->cert.path)) &&
		    (!p->key.text || sum_was(w, p->key.path));
	struct tls_looks l = { 0 };
	const char *why;
	char buf[400];

	if (p->cert.text && p->key.text && tls_judge(&judged, &l, e) < 0)
		return e->code;
	why = why_made(w, p, &l, buf);
	/* Another's that is good, or nearly: it stays. */
	if (!why || (!ours && p->cert.text && p->key.text && !l.cert.fault[0] && !l.key.fault[0] &&
		     !l.names.fault[0])) {
		int r = keep_made(w, &p->cert, e);

		return r < 0 ? r : keep_made(w, &p->key, e);
	}
	if (!ours) {
		refuse(w, p->cert_setting, p->cert.path,
		       "and its key were not made by bulkhead and can't serve; move them away to "
		       "have a pair made");
		return 0;
	}
	return make_pair(w, ca, ca_key, p, why, e);
}

static int make_ca(struct tls_work *w, struct tls_file *ca, struct tls_file *ca_key, struct err *e)
{
	const struct tls_make m = { .name = "Docker on this host", .days = CA_DAYS, .now = w->now };
	const char *why = "made: there was none";
	int r = tls_make(&m, &ca->text, &ca_key->text, e);

	if (r < 0)
		return r;
	ca->len = strlen(ca->text);
	ca_key->len = strlen(ca_key->text);
	r = put_made(w, ca->path, ca->text, CERT_MODE, "ca", why, e);
	return r < 0 ? r : put_made(w, ca_key->path, ca_key->text, KEY_MODE, "ca-key", why, e);
}

/* 1: the CA can't sign, and a refusal says why. */
static int diff_ca(struct tls_work *w, struct tls_file *ca, struct tls_file *ca_key, struct err *e)
{
	const struct tls_pem a = tls_file_pem(ca), k = tls_file_pem(ca_key);
	struct tls_look l;
	int r;

	/* Its key alone, when we made both: the CA is made anew, and with it what it signed. */
	if (!ca->text && ca_key->text && !sum_was(w, ca_key->path)) {
		refuse(w, "ca", ca->path,
		       "is not there, but its key is: put the certificate back, or move the key "
		       "away to have a new CA made");
		return 1;
	}
	if (!ca->text) {
		tls_wipe(TAKE_PTR(ca_key->text));
		return make_ca(w, ca, ca_key, e);
	}
	r = tls_judge_ca_key(&a, ca_key->text ? &k : NULL, w->now, &l, e);
	if (r < 0)
		return r;
	if (!ca_key->text) {
		if (!l.fault[0])
			return keep_made(w, ca, e);
		refuse(w, "ca", ca->path, l.fault);
		return 1;
	}
	if (l.fault[0]) {
		errs_add(&w->out->refusals, section_where(w->s, "ca"),
			 "tls.ca: %s%s or its key %s; move both away to have a new CA made (all "
			 "certificates are then made again)",
			 host_prefix(w->h), ca->path, l.fault);
		return 1;
	}
	r = keep_made(w, ca, e);
	return r < 0 ? r : keep_made(w, ca_key, e);
}

static int client_path(const char *name, const char *file, char **ret, struct err *e)
{
	return asprintf(ret, CLIENT_DIR "/%s/%s", name, file) < 0 ? err_oom(e) : 0;
}

/* One that is the CA already may be as tight as it likes. */
static int put_copy(struct tls_work *w, const char *path, const struct tls_file *ca, struct err *e)
{
	_cleanup_tls_file_ struct tls_file now = { 0 };

	if (tls_file_read(w->h, path, &now, e) < 0)
		return e->code;
	if (now.text && now.len == ca->len && memcmp(now.text, ca->text, ca->len) == 0)
		return note_made(w, path, ca->text, e);
	return put_made(w, path, ca->text, CERT_MODE, "client-certificates",
			"the CA, for the client", e);
}

/* A folder that DOCKER_CERT_PATH can name. */
static int diff_client(struct tls_work *w, const struct tls_file *ca, const struct tls_file *ca_key,
		       const char *name, struct err *e)
{
	static const char setting[] = "client-certificates";
	_cleanup_free_ char *dir = NULL, *cert = NULL, *key = NULL, *copy = NULL;
	_cleanup_(pair_done) struct pair p = {
		.name = name, .cert_setting = setting, .key_setting = setting, .use = TLS_CLIENT
	};
	int r = client_path(name, "cert.pem", &cert, e);

	if (r == 0)
		r = client_path(name, "key.pem", &key, e);
	if (r == 0)
		r = client_path(name, "ca.pem", &copy, e);
	if (r == 0)
		r = asprintf(&dir, CLIENT_DIR "/%s", name) < 0 ? err_oom(e) : 0;
	if (r == 0)
		r = changes_dir(w->out, w->h, CLIENT_DIR, CLIENT_MODE, 0, 0, TLS_NAME, setting,
				TLS_CIS, "keys of clients", e);
	if (r == 0)
		r = changes_dir(w->out, w->h, dir, CLIENT_MODE, 0, 0, TLS_NAME, setting, TLS_CIS,
				"a client's key and certificates", e);
	if (r == 0)
		r = tls_file_read(w->h, cert, &p.cert, e);
	if (r == 0)
		r = tls_file_read(w->h, key, &p.key, e);
	if (r == 0)
		r = diff_pair(w, ca, ca_key, &p, e);
	return r < 0 ? r : put_copy(w, copy, ca, e);
}

static int make_all(struct tls_work *w, struct err *e)
{
	_cleanup_tls_file_ struct tls_file ca = { 0 }, ca_key = { 0 };
	_cleanup_(pair_done) struct pair server = { .name = "Docker's API",
						    .cert_setting = "cert",
						    .key_setting = "key",
						    .use = TLS_SERVER };
	_cleanup_strv_ char **names = NULL;
	json_t *v;
	size_t i;
	int r = tls_names(w->s, w->h, true, &names, e);

	server.names = (const char *const *)names;
	if (r == 0)
		r = tls_file_read(w->h, section_str(w->s, "ca"), &ca, e);
	if (r == 0)
		r = tls_file_read(w->h, section_str(w->s, "ca-key"), &ca_key, e);
	if (r == 0)
		r = tls_file_read(w->h, section_str(w->s, "cert"), &server.cert, e);
	if (r == 0)
		r = tls_file_read(w->h, section_str(w->s, "key"), &server.key, e);
	if (r == 0)
		r = diff_ca(w, &ca, &ca_key, e);
	if (r)
		return r < 0 ? r : 0;
	r = diff_pair(w, &ca, &ca_key, &server, e);
	json_array_foreach (section_get(w->s, "client-certificates"), i, v)
		if (r == 0)
			r = diff_client(w, &ca, &ca_key, json_string_value(v), e);
	return r;
}

/* --- what the plan no longer has --- */

static int drop_made(struct tls_work *w, struct err *e)
{
	const char *path;
	json_t *sum;

	json_object_foreach (json_object_get(w->was, "made"), path, sum) {
		_cleanup_tls_file_ struct tls_file f = { 0 };
		bool client = has_prefix(path, CLIENT_DIR "/");
		char now[17];
		int r;

		if (json_object_get(json_object_get(w->state, "made"), path) ||
		    changes_find(w->out, path))
			continue;
		/* While the section stands, its files stay whoever made them. */
		if (w->s && (streq(path, section_str(w->s, "ca")) ||
			     streq(path, section_str(w->s, "ca-key")) ||
			     streq(path, section_str(w->s, "cert")) ||
			     streq(path, section_str(w->s, "key"))))
			continue;
		r = tls_file_read(w->h, path, &f, e);
		if (r < 0)
			return r;
		if (!f.text)
			continue;
		sum_text(f.text, f.len, now);
		if (!streq(now, json_string_value(sum)))
			r = changes_note(w->out, TLS_NAME, NULL, e,
					 "'%s%s' is no longer what bulkhead made: left as it is",
					 host_prefix(w->h), path);
		else
			r = changes_remove_ours(w->out, w->h, path, f.text, f.len, TLS_NAME,
						client ? "client-certificates" : NULL,
						"the plan no longer has it", e);
		if (r > 0 && w->s && client && has_suffix(path, "/cert.pem"))
			r = changes_note(w->out, TLS_NAME, "client-certificates", e,
					 "a copy of %s still opens Docker until it expires: only a "
					 "new CA shuts it out",
					 path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- what is there --- */

static int diff_attrs(struct tls_work *w, const char *setting, mode_t most, struct err *e)
{
	const char *path = section_str(w->s, setting);
	struct stat st;
	char text[160];
	mode_t mode;
	int r;

	if (changes_find(w->out, path))
		return 0;
	r = host_lstat(w->h, path, &st, e);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	mode = st.st_mode & 07777;
	/* Tighter is fine; what a link points to is told by verify. */
	if (!S_ISREG(st.st_mode) || (!(mode & ~most) && !st.st_uid && !st.st_gid))
		return 0;
	if (st.st_nlink > 1)
		return err_set(
			e, EMLINK,
			"'%s%s' has mode %04o and belongs to %u:%u, and it has %u hard links: "
			"make it a file of its own first",
			host_prefix(w->h), path, mode, st.st_uid, st.st_gid, (unsigned)st.st_nlink);
	snprintf(text, sizeof(text), "%s: %04o %u:%u -> %04o 0:0", setting, mode, st.st_uid,
		 st.st_gid, mode & most ? mode & most : most);
	return changes_attrs(w->out, w->h, path, mode & most ? mode & most : most, 0, 0, TLS_NAME,
			     setting, TLS_CIS, text, e);
}

/* The same of what lies where bulkhead alone puts things: a folder, or a client's file. */
static int diff_own(struct tls_work *w, const char *setting, const char *path, mode_t most,
		    struct err *e)
{
	const struct allowed a = { .file = most, .dir = most };
	_cleanup_judged_ struct judged j = { 0 };
	char text[160];

	if (changes_find(w->out, path))
		return 0;
	if (permissions_judge(w->h, path, &a, &j, e) < 0)
		return e->code;
	if (j.verdict == VERDICT_STUCK)
		errs_add(&w->out->refusals, section_where(w->s, setting),
			 "tls.%s: '%s%s' allows too much (owner %u:%u, mode %04o%s), and can't be "
			 "changed: %s",
			 setting, host_prefix(w->h), j.path, j.st.st_uid, j.st.st_gid,
			 j.st.st_mode & 07777, j.acl ? ", an ACL" : "", j.why);
	if (j.verdict != VERDICT_LOOSE)
		return 0;
	snprintf(text, sizeof(text), "%04o %u:%u%s -> %04o 0:0", j.st.st_mode & 07777, j.st.st_uid,
		 j.st.st_gid, j.acl ? " and an ACL" : "", j.mode & 07777);
	return changes_attrs(w->out, w->h, j.path, j.mode & 07777, 0, j.gid, TLS_NAME, setting,
			     TLS_CIS, text, e);
}

/* Folders before what they hold: who may write one may have anything closed in it. */
static int diff_clients(struct tls_work *w, struct err *e)
{
	static const char setting[] = "client-certificates";
	static const struct {
		const char *file;
		mode_t most;
	} rows[] = {
		{ "", CLIENT_MODE },
		{ "/cert.pem", CERT_MODE },
		{ "/key.pem", KEY_MODE },
		{ "/ca.pem", CERT_MODE },
	};
	json_t *list = section_get(w->s, setting), *v;
	size_t i;
	int r = json_array_size(list) ? diff_own(w, setting, CLIENT_DIR, CLIENT_MODE, e) : 0;

	json_array_foreach (list, i, v)
		for (size_t k = 0; k < ARRAY_SIZE(rows) && r == 0; k++) {
			_cleanup_free_ char *path = NULL;

			if (asprintf(&path, CLIENT_DIR "/%s%s", json_string_value(v),
				     rows[k].file) < 0) {
				path = NULL;
				return err_oom(e);
			}
			r = diff_own(w, setting, path, rows[k].most, e);
		}
	return r;
}

/* Does the plan's permissions section close /etc/docker, behind us? */
static bool is_closed_later(const struct tls_work *w)
{
	const struct section *s = plan_section(w->s->plan, "permissions");
	json_t *v;
	size_t i;

	json_array_foreach (s ? section_get(s, "skip") : NULL, i, v)
		if (streq(json_string_value(v), ETC_DOCKER))
			return false;
	return s;
}

static int diff_folder(struct tls_work *w, struct err *e)
{
	static const char *const settings[] = { "ca", "cert", "key", "ca-key" };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (!has_prefix(section_str(w->s, settings[i]), FOLDER "/"))
			continue;
		if (is_closed_later(w) && diff_own(w, settings[i], ETC_DOCKER, FOLDER_MODE, e) < 0)
			return e->code;
		return diff_own(w, settings[i], FOLDER, FOLDER_MODE, e);
	}
	return 0;
}

static int judge_all(struct tls_work *w, struct err *e)
{
	struct tls_looks l = { 0 };
	const struct {
		const char *setting, *path, *fault;
	} rows[] = {
		{ "ca", section_str(w->s, "ca"), l.ca.fault },
		{ "cert", section_str(w->s, "cert"), l.cert.fault },
		{ "key", section_str(w->s, "key"), l.key.fault },
	};
	const char *missing;
	int r = tls_look(w->s, w->h, w->now, &l, &missing, e);

	if (r < 0)
		return r;
	if (r)
		refuse(w, missing, section_str(w->s, missing),
		       "is not there: put it there, or write `make: true` to have all of them made");
	for (size_t i = 0; i < ARRAY_SIZE(rows) && !r; i++)
		if (rows[i].fault[0])
			refuse(w, rows[i].setting, rows[i].path, rows[i].fault);
	if (!r && l.names.fault[0])
		errs_add(&w->out->refusals, section_where(w->s, "names"), "tls.names: %s",
			 l.names.fault);
	return 0;
}

int tls_diff_files(struct tls_work *w, struct err *e)
{
	bool make = w->s && section_bool(w->s, "make", false);
	size_t refusals = w->out->refusals.n;
	int r = 0;

	if (make)
		r = make_all(w, e);
	if (r == 0 && w->s && w->out->refusals.n == refusals)
		r = judge_all(w, e);
	if (r == 0)
		r = drop_made(w, e);
	/* What a mistaken path names is nothing to set modes of. */
	if (r < 0 || !w->s || w->out->refusals.n != refusals)
		return r;
	r = diff_folder(w, e);
	if (r == 0)
		r = diff_attrs(w, "ca", CERT_MODE, e);
	if (r == 0)
		r = diff_attrs(w, "cert", CERT_MODE, e);
	if (r == 0)
		r = diff_attrs(w, "key", KEY_MODE, e);
	if (r == 0)
		r = diff_attrs(w, "ca-key", KEY_MODE, e);
	return r == 0 && make ? diff_clients(w, e) : r;
}
