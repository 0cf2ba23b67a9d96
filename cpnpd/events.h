/*
 * The stream of events to provisioning, billing and AAA: each change of state
 * once, in order, by number, after its commit.
 *
 *	events.c       the program of the option event-command
 *	events_json.c  an event as JSON
 *	ctl_events.c   the same for cpnpctl(8)
 *
 * The program gets one line of JSON for each event and answers with the number
 * of the last one that it has handled.  The store keeps that number, so a
 * program that is started again, by us or after us, goes on behind it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_EVENTS_H
#define CPNPD_EVENTS_H

#include <jansson.h>

#include "daemon.h"

/* Events that the program has been given and has not acknowledged. */
#define CPNPD_EVENTS_FLIGHT_MAX 1024
/* No event is added while more bytes than this wait to be read. */
#define CPNPD_EVENTS_OUT_MAX 65536
/* Events in one step of the loop. */
#define CPNPD_EVENTS_STEP 32

typedef struct cpnpd_events_status {
	uint64_t newest;       /* number of the newest event */
	uint64_t acknowledged; /* number of the last one that was handled */
	size_t in_flight;
	const char *program; /* what it does, NULL: there is none */
} cpnpd_events_status;

/* Start the program, if there is one. */
int cpnpd_events_start(struct daemon *d);
void cpnpd_events_del(struct daemon *d);
/* A commit has come back. */
void cpnpd_events_wake(struct daemon *d);
/* A batch is about to be submitted; a commit has failed. */
void cpnpd_events_collect(struct daemon *d, cpnp_store_batch *batch);
void cpnpd_events_failed(struct daemon *d);
/* Another configuration is in use. */
void cpnpd_events_reload(struct daemon *d);
/* The daemon stops: let the program end. */
void cpnpd_events_stop(struct daemon *d);
bool cpnpd_events_is_idle(const struct daemon *d);
int cpnpd_events_get_status(
    const struct daemon *d, cpnpd_events_status *status);

/* events_json.c: a new object. */
int cpnpd_event_json(
    struct daemon *d, const cpnp_store_change *change, json_t **object);

#endif
