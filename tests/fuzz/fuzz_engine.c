/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a socket that should be Docker's may answer. The first byte of the input is the size of the
 * pieces that the answer arrives in; the rest is the answer, which is taken for that to /info, to
 * /version and to /networks/bridge at once.
 */
#include "fuzz.h"

#include "../../modules/daemon_host.h"
#include "../../modules/http.h"

#define BODY_MAX 100000

const struct fuzz_bounds fuzz_bounds = { 1 << 20, 200 };

static int feed(struct http *p, const char *text, size_t len, size_t step)
{
	struct err e;

	http_init(p, BODY_MAX);
	for (size_t i = 0; i < len; i += step) {
		int r = http_feed(p, text + i, len - i < step ? len - i : step, &e);

		require(r <= 1 && (r >= 0 || (e.code == r && *e.text)));
		if (r)
			return r < 0 ? r : 0;
	}
	return http_end(p, &e);
}

/* Something of the right type for a row, which need not be what the answer has. */
static json_t *wanted(const struct field *f)
{
	switch (f->type) {
	case FIELD_BOOL:
		return json_true();
	case FIELD_INT:
		return json_integer(f->min);
	case FIELD_LIST:
		return f->of->type == FIELD_OBJECT
			       ? json_pack("[{s:s,s:i}]", "base", "10.0.0.0/8", "size", 24)
			       : json_pack("[s,s]", "a=b", "native.cgroupdriver=systemd");
	case FIELD_MAP:
		return json_pack("{s:{s:s}}", "name", "path", "/bin/true");
	case FIELD_OBJECT:
		return json_pack("{s:s}", "http-proxy", "http://proxy:3128");
	default:
		return json_string(f->choices ? f->choices[0] : "/var/lib/docker");
	}
}

/* Every proof is one of the three, with its reason, and asks nothing that is not there. */
static void check_proofs(const json_t *doc)
{
	static const unsigned engines[] = { 0, VERSION(20, 10), VERSION(28, 5) };

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		struct daemon_seen seen = { .info = doc,
					    .bridge = doc,
					    .version = doc,
					    .engine = engines[i],
					    .remap_known = i > 0,
					    .remap_uid = 100000,
					    .remap_gid = 100000 };

		for (const struct field *f = daemon_keys; f->name; f++) {
			_cleanup_json_ json_t *want = wanted(f);
			_cleanup_proof_ struct proof p = { 0 };
			_cleanup_free_ char *shown = NULL;
			struct err e;

			require(want && daemon_prove(f, want, &seen, &p, &e) == 0);
			require(p.state == PROOF_NONE ? p.why != NULL : p.by != NULL);
			require(daemon_show(p.found, &shown, &e) == 0 && shown);
			require(strlen(shown) < 1000);
		}
	}
}

static void check_answer(const struct http *p)
{
	_cleanup_json_ json_t *doc =
		json_loadb(p->body.data ? p->body.data : "", p->body.len, JSON_ALLOW_NUL, NULL);
	const char *version = json_string_value(json_object_get(doc, "Version"));
	char text[ENGINE_VERSION_TEXT];

	if (!doc)
		return;
	if (version && engine_version_parse(version, text))
		require(strspn(text, "0123456789.") == strlen(text));
	info_int(doc, "ContainersRunning");
	daemon_network_frozen(doc);
	check_proofs(doc);
}

/* The pieces make no difference, and the bounds hold. */
void fuzz_one(const char *data, size_t len)
{
	_cleanup_http_ struct http whole, pieces;
	int r;

	http_init(&whole, 0);
	http_init(&pieces, 0);
	if (len < 2)
		return;
	r = feed(&whole, data + 1, len - 1, len);
	require(feed(&pieces, data + 1, len - 1, 1 + (size_t)(unsigned char)*data) == r);
	require(whole.body.len <= BODY_MAX && pieces.line.len <= HTTP_LINE_MAX);
	if (r < 0)
		return;
	require(whole.status >= 200 && whole.status <= 999);
	require(whole.status == pieces.status && whole.body.len == pieces.body.len);
	require(!whole.body.len || memcmp(whole.body.data, pieces.body.data, whole.body.len) == 0);
	if (whole.status == 200)
		check_answer(&whole);
}
