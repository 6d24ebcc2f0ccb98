/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reports, when, and of which host: what a collector of many hosts' reports goes by.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report.h"

#include <sys/utsname.h>
#include <time.h>

#include "json.h"
#include "report_internal.h"

void report_add_time(struct buf *b, uint64_t us)
{
	time_t t = (time_t)(us / 1000000);
	char text[64];
	struct tm tm;

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		buf_adds(b, text);
}

/* The machine's id, machine-id(5), where it has one. */
static json_t *machine_id(const struct host *h)
{
	_cleanup_free_ char *text = NULL;
	struct err e;
	size_t len;

	if (host_read(h, "/etc/machine-id", 64, &text, &len, &e) < 0 ||
	    strspn(text, "0123456789abcdef") != 32 || (text[32] && text[32] != '\n'))
		return json_null();
	text[32] = '\0';
	return json_string(text);
}

/* An image has no identity yet, and the machine that builds it is not the one that it becomes. */
static json_t *host_json(const struct host *h)
{
	struct utsname u;

	if (!h || !host_is_live(h) || uname(&u) < 0)
		return json_null();
	return json_pack("{s:o, s:o}", "name", json_string_any(u.nodename), "machine_id",
			 machine_id(h));
}

json_t *report_applied_json(const struct host *h)
{
	struct journal *list = NULL;
	json_t *o = NULL;
	struct err e;
	size_t n;
	int broken = journal_list(h, &list, &n, &e);

	if (broken < 0)
		return json_null();
	for (size_t i = n; i > 0 && list[i - 1].id > (unsigned)broken && !o; i--) {
		const struct journal *j = &list[i - 1];
		_cleanup_buf_ struct buf when = BUF_INIT;

		if (j->rollback || !journal_stands(list, n, j->id))
			continue;
		report_add_time(&when, j->time_us);
		o = json_pack("{s:i, s:s, s:o}", "transaction", (int)j->id, "time",
			      when.data ? when.data : "", "plan", json_string_any(j->plan));
	}
	journal_list_free(list, n);
	return o ? o : json_null();
}

json_t *report_stamp(json_t *doc, const struct host *h)
{
	_cleanup_buf_ struct buf when = BUF_INIT;

	report_add_time(&when, (uint64_t)time(NULL) * 1000000);
	if (doc &&
	    (when.failed || json_object_set_new(doc, "bulkhead", json_string(PACKAGE_VERSION)) ||
	     json_object_set_new(doc, "time", json_string(when.data ? when.data : "")) ||
	     json_object_set_new(doc, "host", host_json(h)))) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}
