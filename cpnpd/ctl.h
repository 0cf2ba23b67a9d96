/*
 * The control socket, cpnpctl(8): requests in, lines of JSON out.
 *
 *	ctl_request.c  a line becomes a request
 *	ctl.c          the socket, its connections and their bounds
 *	ctl_verbs.c    what the verbs do
 *	ctl_orders.c   orders, customers and counters as JSON
 *	ctl_events.c   the stream of events
 *	ctl_approval.c what waits for an administrator, and what becomes of it
 *	ctl_service.c  a service that runs, or does not, by other means
 *
 * A verb runs in steps, so that the loop comes round between two of them, and
 * takes no step while the peer does not read what is there for it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_CTL_H
#define CPNPD_CTL_H

#include <jansson.h>
#include <sys/types.h>

#include "ctl_request.h"
#include "daemon.h"

/* Connections at a time; one more is closed at once. */
#define CPNPD_CTL_CONNS_MAX 16
/* No step is taken while more bytes than this wait to be read. */
#define CPNPD_CTL_OUT_MAX 65536
/* Orders in one step. */
#define CPNPD_CTL_STEP 64
/* Orders of one name that show prints. */
#define CPNPD_CTL_SHOW_MAX 100
/* Pages of the store that one step of a backup copies. */
#define CPNPD_CTL_BACKUP_PAGES 64

struct bufferevent;
struct ctl;

struct conn {
	struct conn *next;
	struct ctl *ctl;
	struct bufferevent *bev;
	struct event *again; /* the next step */
	cpnp_ctl_request request;
	bool busy;   /* with the request */
	bool ending; /* closed when all has been read */
	bool said_all; /* it has closed its side */
	bool stops;  /* and the daemon with it */
	bool waits;  /* no step before cpnpd_ctl_wake() */
	uint64_t cursor;
	uint64_t shown;
	uid_t uid; /* who asks */
	/* what was to be stored when the verb had done its work */
	uint64_t batches_wanted;
	uint64_t batches_failed;
	cpnp_store_backup *backup;
};

/* ctl.c */
/* Listen as the configuration says; why not is told on standard error. */
int cpnpd_ctl_start(struct daemon *d);
void cpnpd_ctl_stop(struct daemon *d);
size_t cpnpd_ctl_count(const struct daemon *d);
/* There may be something new for those who wait. */
void cpnpd_ctl_wake(struct daemon *d);
struct daemon *cpnpd_ctl_daemon(const struct conn *c);
/* Send an object as a line; takes it. */
void cpnpd_ctl_put(struct conn *c, json_t *object);

/* ctl_verbs.c: take a step; more says that there are others.  On failure why
 * says what is wrong. */
int cpnpd_ctl_step(struct conn *c, bool *more, cpnp_diag *why);

/* ctl_orders.c */
int cpnpd_ctl_orders(struct conn *c, bool *more, cpnp_diag *why);
int cpnpd_ctl_show(struct conn *c, bool *more, cpnp_diag *why);
int cpnpd_ctl_customers(struct conn *c, bool *more, cpnp_diag *why);
int cpnpd_ctl_counters(struct conn *c, bool *more, cpnp_diag *why);
json_t *cpnpd_ctl_text(cpnp_bytes text);
json_t *cpnpd_ctl_time(cpnp_wtime time);
json_t *cpnpd_ctl_cost(const cpnp_money *cost);
const char *cpnpd_ctl_state(cpnp_state state);

/* ctl_events.c */
int cpnpd_ctl_events(struct conn *c, bool *more, cpnp_diag *why);

/* ctl_approval.c */
int cpnpd_ctl_pending(struct conn *c, bool *more, cpnp_diag *why);
int cpnpd_ctl_approve(struct conn *c, bool *more, cpnp_diag *why);
int cpnpd_ctl_reject(struct conn *c, bool *more, cpnp_diag *why);

/* Answer when all that is to be stored now is durable: after _want the verb
 * calls _wait in each step.  lost says what it means when that has failed. */
void cpnpd_ctl_want_commit(struct conn *c);
int cpnpd_ctl_wait_commit(
    struct conn *c, const char *lost, bool *more, cpnp_diag *why);

/* ctl_service.c */
int cpnpd_ctl_activate(
    struct conn *c, bool active, bool *more, cpnp_diag *why);

int cpnpd_ctl_fail(cpnp_diag *why, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
