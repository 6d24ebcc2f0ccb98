/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a journal's record that images and names on a disk are, to JSON and back.
 */
#include "record_internal.h"

#include <stdarg.h>

#include "buf.h"

static json_t *hex_json(const void *data, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_reserve(&b, len * 2);
	for (size_t i = 0; i < len; i++)
		buf_addf(&b, "%02x", ((const unsigned char *)data)[i]);
	return b.failed ? NULL : json_stringn(b.data ? b.data : "", b.len);
}

bool record_is_ascii(const char *name)
{
	for (; *name; name++)
		if (*name & 0x80)
			return false;
	return true;
}

json_t *record_bytes_json(const char *name)
{
	return hex_json(name, strlen(name));
}

/* The name of an attribute has a point in it, and what record_bytes_json() makes of another has
 * none. */
static int xattr_json(json_t *xattrs, const struct xattr *x)
{
	_cleanup_json_ json_t *key =
		record_is_ascii(x->name) ? json_string(x->name) : record_bytes_json(x->name);

	return key ? json_object_set_new(xattrs, json_string_value(key), hex_json(x->value, x->len))
		   : -1;
}

json_t *record_image_json(const struct image *im, const struct kept *kept)
{
	_cleanup_json_ json_t *xattrs = NULL, *o = NULL;

	if (!im->exists)
		return json_null();
	xattrs = json_object();
	for (size_t i = 0; i < im->n_xattrs; i++)
		if (xattr_json(xattrs, &im->xattrs[i]) < 0)
			return NULL;
	o = json_pack("{s:i, s:i, s:I, s:I}", "type", (int)(im->mode & S_IFMT), "mode",
		      (int)(im->mode & 07777), "uid", (json_int_t)im->uid, "gid",
		      (json_int_t)im->gid);
	if (*kept->sha256 &&
	    (json_object_set_new(o, "length", json_integer((json_int_t)kept->len)) < 0 ||
	     json_object_set_new(o, "sha256", json_string(kept->sha256)) < 0))
		return NULL;
	/* Last: who takes the lines of the sums out leaves JSON behind. */
	return json_object_set(o, "xattrs", xattrs) < 0 ? NULL : TAKE_PTR(o);
}

int record_unpack(json_t *o, const char *format, ...)
{
	json_error_t je;
	va_list ap;
	int r;

	va_start(ap, format);
	r = json_vunpack_ex(o, &je, 0, format, ap);
	va_end(ap);
	if (r == 0)
		return 0;
	return json_error_code(&je) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
}

/* What hex_json() made; a NUL stands behind it. */
static int hex_parse(const json_t *hex, char **ret, size_t *ret_len)
{
	const char *s = json_string_value(hex);
	size_t len = json_string_length(hex) / 2;
	char *bytes;

	if (!s || json_string_length(hex) % 2)
		return -EINVAL;
	bytes = malloc(len + 1);
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		if (sscanf(s + 2 * i, "%2x", &byte) != 1) {
			free(bytes);
			return -EINVAL;
		}
		bytes[i] = (char)byte;
	}
	bytes[len] = '\0';
	*ret = bytes;
	*ret_len = len;
	return 0;
}

int record_bytes_parse(const json_t *hex, char **ret)
{
	size_t len;
	int r = hex_parse(hex, ret, &len);

	if (r == 0 && strlen(*ret) != len) {
		free(*ret);
		*ret = NULL;
		r = -EINVAL;
	}
	return r;
}

static int xattr_name_parse(const char *key, char **ret)
{
	_cleanup_json_ json_t *hex = NULL;

	if (strchr(key, '.')) {
		*ret = strdup(key);
		return *ret ? 0 : -ENOMEM;
	}
	hex = json_string(key);
	return hex ? record_bytes_parse(hex, ret) : -ENOMEM;
}

static int by_xattr_name(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static int xattrs_parse(json_t *o, struct image *im)
{
	const char *name;
	json_t *hex;

	im->xattrs = calloc(json_object_size(o) + 1, sizeof(*im->xattrs));
	if (!im->xattrs)
		return -ENOMEM;
	json_object_foreach (o, name, hex) {
		struct xattr *x = &im->xattrs[im->n_xattrs++];
		char *value = NULL;
		int r = xattr_name_parse(name, &x->name);

		if (r == 0)
			r = hex_parse(hex, &value, &x->len);
		x->value = value;
		if (r < 0)
			return r;
	}
	qsort(im->xattrs, im->n_xattrs, sizeof(*im->xattrs), by_xattr_name);
	return 0;
}

int record_image_parse(json_t *o, struct image *im, struct kept *kept)
{
	int type, mode;
	json_int_t uid, gid, length = 0;
	const char *sha256 = NULL;
	json_t *xattrs;
	int r;

	*im = (struct image){ 0 };
	*kept = (struct kept){ 0 };
	if (json_is_null(o))
		return 0;
	r = record_unpack(o, "{s:i, s:i, s:I, s:I, s:o, s?I, s?s}", "type", &type, "mode", &mode,
			  "uid", &uid, "gid", &gid, "xattrs", &xattrs, "length", &length, "sha256",
			  &sha256);
	if (r < 0)
		return r;
	if (length < 0 || (sha256 && strlen(sha256) != SHA256_TEXT - 1))
		return -EINVAL;
	if (sha256) {
		kept->len = (size_t)length;
		snprintf(kept->sha256, sizeof(kept->sha256), "%s", sha256);
	}
	im->exists = true;
	im->mode = (mode_t)(type | mode);
	im->uid = (uid_t)uid;
	im->gid = (gid_t)gid;
	im->nlink = 1;
	return xattrs_parse(xattrs, im);
}
