/* SPDX-License-Identifier: Apache-2.0 */
#include "auditrules.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#define SECONDS	    10
#define MESSAGE_MAX 65536

void auditrules_done(struct audit_state *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].path);
		free(s->list[i].key);
	}
	free(s->list);
	*s = (struct audit_state){ 0 };
}

static unsigned perms_of(uint32_t value)
{
	return (value & AUDIT_PERM_READ ? AUDITRULES_READ : 0) |
	       (value & AUDIT_PERM_WRITE ? AUDITRULES_WRITE : 0) |
	       (value & AUDIT_PERM_EXEC ? AUDITRULES_EXEC : 0) |
	       (value & AUDIT_PERM_ATTR ? AUDITRULES_ATTR : 0);
}

int auditrules_parse(const void *data, size_t len, struct audit_watch *ret, struct err *e)
{
	struct audit_rule_data rule;
	const char *text = (const char *)data + sizeof(rule);
	struct audit_watch w = { .perms = AUDITRULES_ALL };
	size_t left = len - sizeof(rule);

	if (len < sizeof(rule))
		return 0;
	memcpy(&rule, data, sizeof(rule));
	/* Each of these narrows a rule down: it watches only who or what it names. */
	bool narrow = rule.action != AUDIT_ALWAYS || rule.flags != AUDIT_FILTER_EXIT;

	for (uint32_t i = 0; i < rule.field_count && i < AUDIT_MAX_FIELDS; i++) {
		uint32_t size = rule.values[i];
		char **string = NULL;

		switch (rule.fields[i]) {
		case AUDIT_WATCH:
		case AUDIT_DIR:
			string = &w.path;
			break;
		case AUDIT_FILTERKEY:
			string = &w.key;
			break;
		case AUDIT_PERM:
			w.perms = perms_of(rule.values[i]);
			continue;
		default:
			narrow = true;
			break;
		}
		/* Texts of other fields stand between ours. */
		if (!string &&
		    !(rule.fields[i] >= AUDIT_SUBJ_USER && rule.fields[i] <= AUDIT_OBJ_LEV_HIGH) &&
		    rule.fields[i] != AUDIT_EXE)
			continue;
		if (size > left) {
			narrow = true;
			break;
		}
		if (string && !*string && !(*string = strndup(text, size))) {
			free(w.path);
			free(w.key);
			return err_oom(e);
		}
		text += size;
		left -= size;
	}
	if (w.path && !narrow) {
		*ret = w;
		return 1;
	}
	free(w.path);
	free(w.key);
	return 0;
}

bool auditrules_has(const struct audit_state *s, const char *path, unsigned perms, const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct audit_watch *w = &s->list[i];

		if (streq(w->path, path) && (w->perms & perms) == perms &&
		    (!key || (w->key && streq(w->key, key))))
			return true;
	}
	return false;
}

static int ask(int fd, uint16_t type, struct err *e)
{
	struct nlmsghdr m = { .nlmsg_len = NLMSG_LENGTH(0),
			      .nlmsg_type = type,
			      .nlmsg_flags = NLM_F_REQUEST,
			      .nlmsg_seq = type };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(fd, &m, m.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_sys(e, errno, "cannot ask the kernel for its audit rules");
	return 0;
}

/* An answer's message. 1: there may be more; 0: that was the last. */
static int take(struct nlmsghdr *m, struct audit_state *s, struct err *e)
{
	const void *data = NLMSG_DATA(m);
	size_t len = m->nlmsg_len - NLMSG_HDRLEN;
	struct audit_watch *list;
	struct nlmsgerr error;
	uint32_t status[2]; /* mask, enabled: the head of struct audit_status on every kernel */
	int r;

	switch (m->nlmsg_type) {
	case NLMSG_ERROR:
		if (len < sizeof(error))
			return err_set(e, EPROTO, "the kernel's audit answers nonsense");
		memcpy(&error, data, sizeof(error));
		if (error.error == 0)
			return 1;
		/* audit_netlink_ok(): of a container's kernel only the first user namespace asks.
		 */
		return error.error == -ECONNREFUSED
			       ? err_set(e, EOPNOTSUPP,
					 "the kernel's audit is not to be asked from a container")
			       : err_sys(e, error.error,
					 "cannot ask the kernel for its audit rules");
	case NLMSG_DONE:
		return 0;
	case AUDIT_GET:
		if (len < sizeof(status))
			return err_set(e, EPROTO, "the kernel's audit answers nonsense");
		memcpy(status, data, sizeof(status));
		s->on = status[1] != 0;
		s->frozen = status[1] == 2;
		return 0;
	case AUDIT_LIST_RULES:
		/* Grown in powers of two. */
		if ((s->n & (s->n + 1)) == 0) {
			list = reallocarray(s->list, (s->n + 1) * 2, sizeof(*list));
			if (!list)
				return err_oom(e);
			s->list = list;
		}
		r = auditrules_parse(data, len, &s->list[s->n], e);
		if (r > 0)
			s->n++;
		return r < 0 ? r : 1;
	default: /* a record that goes to whoever listens */
		return 1;
	}
}

static int answer(int fd, struct audit_state *s, struct err *e)
{
	_cleanup_free_ char *buf = malloc(MESSAGE_MAX);
	int r = 1;

	if (!buf)
		return err_oom(e);
	while (r > 0) {
		struct sockaddr_nl from = { 0 };
		socklen_t size = sizeof(from);
		struct nlmsghdr *m = (void *)buf;
		ssize_t n = recvfrom(fd, buf, MESSAGE_MAX, 0, (struct sockaddr *)&from, &size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN
				       ? err_set(e, ETIMEDOUT, "the kernel's audit does not answer")
				       : err_sys(e, errno, "cannot read the kernel's audit rules");
		if (from.nl_pid)
			continue;
		for (size_t left = (size_t)n; r > 0 && NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
			r = take(m, s, e);
	}
	return r;
}

int auditrules_load(const struct host *h, struct audit_state *ret, struct err *e)
{
	const struct timeval patience = { .tv_sec = SECONDS };
	_cleanup_auditrules_ struct audit_state s = { 0 };
	_cleanup_close_ int fd = -1;

	if (!host_is_live(h))
		return err_set(e, EOPNOTSUPP, "offline: there is no kernel to ask");
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (fd < 0)
		return errno == EPROTONOSUPPORT || errno == EINVAL || errno == EAFNOSUPPORT
			       ? err_set(e, EOPNOTSUPP, "this kernel has no audit")
			       : err_sys(e, errno, "cannot reach the kernel's audit");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return err_sys(e, errno, "cannot reach the kernel's audit");
	if (ask(fd, AUDIT_GET, e) < 0 || answer(fd, &s, e) < 0 ||
	    ask(fd, AUDIT_LIST_RULES, e) < 0 || answer(fd, &s, e) < 0)
		return e->code;
	*ret = s;
	s = (struct audit_state){ 0 };
	return 0;
}
