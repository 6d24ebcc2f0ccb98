/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look for drift tells the system's journal: structured entries, by a stable id for each
 * kind of event (systemd.journal-fields(7), MESSAGE_ID). templates/bulkhead.catalog explains each
 * id to who reads it; ids never change their meaning.
 *
 * Besides MESSAGE and PRIORITY an entry has, as far as they are known, BULKHEAD_SETTING
 * ("daemon.icc"), BULKHEAD_STATE, BULKHEAD_WANTED, BULKHEAD_FOUND, BULKHEAD_WHY, BULKHEAD_CIS,
 * BULKHEAD_PLAN, BULKHEAD_TRANSACTION. Secrets are hidden in all of them.
 */
#ifndef BULKHEAD_EVENT_H
#define BULKHEAD_EVENT_H

#include <sys/uio.h>

#include "module.h"

enum event_kind {
	EVENT_AS_WANTED,   /* nothing differs */
	EVENT_DRIFT,	   /* a setting differs, and apply would mend it */
	EVENT_BROKEN,	   /* a setting differs, and apply can't mend it */
	EVENT_PENDING,	   /* the file is right, the running daemon waits for a restart */
	EVENT_MENDED,	   /* a setting differed, and no longer does */
	EVENT_NOT_MENDED,  /* mending failed or was refused; the host is as it was */
	EVENT_INTERRUPTED, /* an interrupted run waits to be put back */
	EVENT_RECOVERED,   /* it was put back */
	EVENT_NOT_LOOKED,  /* the host could not be looked at */
	EVENT_KINDS,
};

/* 32 hex digits. */
const char *event_id(enum event_kind kind);

struct event {
	enum event_kind kind;
	const struct finding *finding; /* what it is about, or NULL */
	const char *text;	       /* what there is to say besides, or NULL */
	const char *plan;
	unsigned transaction; /* 0: none */
};

struct events {
	void *lib;
	int (*sendv)(const struct iovec *iov, int n); /* sd_journal_sendv(3); NULL: no journal */
	/* Gets the message where no journal listens. */
	void (*otherwise)(void *arg, const char *text);
	void *arg;
};

/*
 * Finds the journal of a live host: libsystemd is loaded, and its socket has to be there, for
 * sd_journal_sendv() says yes into nothing, too. What can't be had leaves `otherwise`, which may be
 * NULL.
 */
void events_open(struct events *ev, const struct host *h,
		 void (*otherwise)(void *arg, const char *text), void *arg);
void events_close(struct events *ev);
#define _cleanup_events_ _cleanup_(events_close)

/* Sends one. -ENOMEM: it was not sent. */
int event_send(struct events *ev, const struct event *v, struct err *e);

#endif
