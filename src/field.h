/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings tables. One row a setting drives parsing, errors, `schema`, the JSON Schema, the
 * manual and the check report.
 *
 * A parsed value is JSON (jansson): objects, arrays, strings, integers, booleans. A row says what
 * is accepted.
 */
#ifndef BULKHEAD_FIELD_H
#define BULKHEAD_FIELD_H

#include <jansson.h>

#include "err.h"

enum field_type {
	FIELD_NONE, /* ends a table */
	FIELD_BOOL, /* true or false, nothing else */
	FIELD_INT,  /* strict decimal, min..max */
	FIELD_STRING,
	FIELD_ENUM, /* one of `choices` */
	FIELD_MODE, /* a quoted octal mode: "0660"; the value stays a string */
	FIELD_NAME, /* a user's or group's name as useradd allows it (or a numeric id): no control
		       characters, no '%', no ':' */
	FIELD_IDRANGE, /* "FIRST-LAST", decimal, inclusive; the value stays a string */
	FIELD_PATH,    /* absolute, in normal form */
	FIELD_LIST,    /* of what `of` points to */
	FIELD_MAP,     /* of any name to what `of` points to */
	FIELD_OBJECT,  /* of the settings in the table `of` */
};

/* What has to happen before a changed setting is in effect (for settings of a daemon). */
enum field_effect {
	EFFECT_RESTART,
	EFFECT_RELOAD,	    /* a reload applies it, but removing it needs a restart ("keep") */
	EFFECT_RELOAD_BOTH, /* a reload applies it and resets it ("reset") */
};

#define VERSION(major, minor)                                                                      \
	((major)*1000 + (minor)) /* engine series: 20.10 is VERSION(20, 10)                        \
				  */

struct field {
	const char *name;
	enum field_type type;
	const char *help;     /* one line: what it does */
	const char *cis;      /* "2.2", or NULL */
	const char *fallback; /* the default as it would be written in a plan, or NULL; filled in
				 when the section stands */
	const char *const
		*choices; /* ENUM: NULL-terminated. With AUTO or others beside a type: see `also` */
	const char *const *also; /* strings accepted besides the type ("auto"), or NULL */
	long long min, max;	/* INT: bounds, both 0: none but int64; STRING: max length, 0: 4096;
				   LIST/MAP: max entries, 0: 4096 */
	const struct field *of; /* LIST, MAP: the row of an element (its name is shown in errors);
				   OBJECT: a table */
	bool required;		/* in an OBJECT */
	unsigned since, until;	/* first engine series that knows it, first that no longer does; 0:
				   no bound */
	enum field_effect effect;
	const char *(*valid)(const char *value); /* a further rule for strings: NULL when fine, else
						    what is expected (static) */
	const void *more;			 /* the module's own columns */
};

/* The row of a setting in a table, or NULL. */
const struct field *field_find(const struct field *table, const char *name);

/* "true or false", "an integer from 1 to 3600", "one of: auto, never" ...: what a setting expects,
 * for errors and `schema`. */
void field_expects(const struct field *f, char *buf, size_t size);

/* The name in a NULL-terminated list nearest to `given` when it is near enough to be meant, or
 * NULL. Case and -/_ hardly count. */
const char *field_nearest(const char *given, const char *const *names);

/* As field_nearest, over the names of a table. */
const char *field_nearest_name(const char *given, const struct field *table);

/* Strict decimal without sign, blanks or leading zeros (other than "0"). -EINVAL, -ERANGE. */
int parse_u64(const char *s, uint64_t *ret);

/* "FIRST-LAST" -> two 32-bit ids, FIRST <= LAST. -EINVAL, -ERANGE. */
int parse_idrange(const char *s, uint32_t *ret_first, uint32_t *ret_last);

/* "0660" -> 0660. One to four octal digits, or five with... no more than 07777. -EINVAL. */
int parse_mode(const char *s, mode_t *ret);

struct buf;

/* Adds what a setting takes: "true or false; default true; CIS 2.2; engine from 28.2". */
void field_takes(const struct field *f, struct buf *b);

/* The JSON Schema (draft 2020-12) of a plan, from the tables of all modules. NULL: out of memory.
 */
json_t *schema_json(void);

/* Every setting of every module as text: name, what it expects, default, CIS ids, engine series,
 * help. */
int schema_text(char **ret, struct err *e);

#endif
