/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules about daemon.json share: reading the document, telling what is wrong with it.
 */
#ifndef BULKHEAD_DAEMON_RULES_H
#define BULKHEAD_DAEMON_RULES_H

#include "daemon_keys.h"

/* A member of the document; null is absent. */
const json_t *doc_get(const struct daemon_doc *d, const char *key);

/* A setting of the document, or else of the command line: the two are one configuration. */
bool doc_bool(const struct daemon_doc *d, const char *key, bool otherwise);

/* NULL when it is unset or empty: dockerd takes "" for unset. */
const char *doc_str(const struct daemon_doc *d, const char *key);

bool in_list(const char *const *list, const char *s);

#define HINT_MAX 80
/* " (did you mean NEAR?)", or "" for NULL. */
const char *did_you_mean(char hint[HINT_MAX], const char *near);

enum harm {
	FATAL,	/* dockerd does not start */
	UNSAFE, /* it starts; a setting is lost, a protection off, or containers fail */
};

/*
 * A mistake of the plan when the plan names one of the settings (`keys`, the likeliest culprit
 * first), at that setting's position; then it is said where the others stand. Else it is between
 * others. A member of a map is named with a dot: "log-opts.max-size".
 */
void tell(const struct daemon_doc *d, enum harm harm, const char *const *keys, const char *fmt, ...)
	PRINTF(4, 5);

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* "log-opts.NAME", for tell(); one that is too long is the map as a whole. */
#define LOG_OPT_KEY 128
const char *log_opt_key(char key[LOG_OPT_KEY], const char *name);

/* In daemon_rules_logopts.c: the values of a driver's options. */
void rule_log_values(const struct daemon_doc *d, const char *driver);

/* In daemon_rules_limits.c. */
void rule_ulimits(const struct daemon_doc *d);
void rule_metrics(const struct daemon_doc *d);

/* In daemon_rules_log.c. */
void rule_type(const struct daemon_doc *d, const struct field *f, const json_t *v);
void rule_log_driver(const struct daemon_doc *d);
void rule_storage(const struct daemon_doc *d);
void rule_storage_opts(const struct daemon_doc *d);

#endif
