/*
 * Orders that an administrator decides (RFC 8921, 12.2).
 *
 * An order that needs approval stays in AwaitingProcessing, an agreement whose
 * ACTIVATE does stays as it is: nothing is granted and no capacity is held.
 * When it is approved it is decided again, from the request in its documents,
 * with what is free then; the answer, or the FAIL of a rejection, and the line
 * of its history that says who wanted it are one commit.  That it waits is a
 * note in the store beside the order, so that a restart, which asks for each
 * decision again, finds it waiting since the same moment and tells nobody a
 * second time who was told.
 *
 *	verdict.c          an order is decided, approved, rejected
 *	approval.c         what waits, and its time
 *	approval_notify.c  a program tells somebody
 *	ctl_approval.c     pending, approve, reject
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_APPROVAL_H
#define CPNPD_APPROVAL_H

#include "daemon.h"
#include "decide.h"

/* Holds the longest explanation whole. */
#define CPNPD_APPROVAL_REASON_MAX (3 * CPNP_TEXT_MAX)
/* A line of the history that is the daemon's own. */
#define CPNPD_REMARK_MAX (4 * CPNP_TEXT_MAX)
/* Programs that tell of orders at a time. */
#define CPNPD_NOTICES_MAX 4

struct notice;

/* An order that waits. */
struct approval {
	struct approval *next, **at;
	cpnp_order *order;
	uint64_t number; /* grows along the list */
	uint32_t wait; /* names what was seen; of another request another */
	cpnp_wtime since;
	cpnp_method method; /* END: not asked for since it was loaded */
	cpnp_status status; /* of the refusal that it stands for, or NONE */
	bool has_cost;
	int64_t amount;
	uint8_t exponent;
	char code[CPNP_TOKEN_CODE_MAX + 1];
	char reason[CPNPD_APPROVAL_REASON_MAX];

	bool asked;   /* the client, for more time */
	bool no_time; /* there is no more time to be had */

	bool notified;
	struct notice *notice; /* it is being told */
	cpnp_tstamp notify_at;
	cpnp_tstamp notify_wait;
};

struct approvals {
	struct approval *first, **end;
	void *tree; /* the same by order, tsearch(3) */
	uint64_t n;
	uint64_t number;
	struct event *timer; /* while something waits */
	struct notice *notices;
	size_t notices_n;
};

/* What an administrator wants of an order. */
struct approval_terms {
	unsigned long uid;
	bool has_cost;
	cpnp_conf_money cost;
	uint64_t validity; /* seconds, 0: that of the catalogue */
	cpnp_bytes service; /* offered instead of what is asked for */
};

/* approval.c */
int cpnpd_approvals_init(struct daemon *d);
void cpnpd_approvals_fini(struct daemon *d);
/* That of an order, or NULL. */
struct approval *cpnpd_approval_of(
    const struct daemon *d, const cpnp_order *order);
/* The order waits, for what is in decision; an older wait goes on. */
void cpnpd_approval_wait(struct daemon *d, cpnp_order *order,
    cpnp_method method, const cpnp_decision *decision, const char *reason,
    cpnp_now now);
/* The order does not wait any more; with b, the store learns of it. */
void cpnpd_approval_over(
    struct daemon *d, cpnp_order *order, struct batch *b);
/* Take up what the note of an order from the store says; and drop it again,
 * when nothing was asked for after all. */
void cpnpd_approval_load(
    struct daemon *d, cpnp_order *order, cpnp_bytes note);
void cpnpd_approval_loaded(struct daemon *d, cpnp_order *order);
void cpnpd_approval_put_note(struct daemon *d, const struct approval *a);
/* What is asked for, as its edition calls it. */
const char *cpnpd_approval_method(const struct approval *a);
/* Until when an offer is expected; false when there is no such date. */
bool cpnpd_approval_deadline(const struct approval *a, cpnp_wtime *until);
/* Effect TIME. */
void cpnpd_approval_time(struct daemon *d, cpnp_order *order, bool granted,
    cpnp_wtime until, cpnp_now now);
/* Add a line to the history of an order. */
void cpnpd_remark(struct daemon *d, cpnp_order *order, cpnp_now now,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* approval_notify.c */
/* Start what is to be told and may be. */
void cpnpd_notices_start(struct daemon *d, cpnp_now now);
/* The order does not wait any more; its program may go on. */
void cpnpd_notice_detach(struct approval *a);
void cpnpd_notices_kill(struct daemon *d);

/* verdict.c */
/* Decide what an order asks for, now or by an administrator. */
void cpnpd_decide(struct daemon *d, cpnp_order *order,
    const cpnp_msg *request, cpnp_now now);
/* The same once neighbours have offered what is theirs of it. */
void cpnpd_verdict(struct daemon *d, cpnp_order *order,
    const cpnp_msg *request, cpnp_now now);
/* What a decision about a request looks at; with lift, the limits of the
 * customer do not count. */
cpnp_decide_input cpnpd_decide_input(struct daemon *d,
    const cpnp_order *order, const cpnp_msg *request, bool lift,
    cpnp_now now);
/*
 * An administrator decides; effects are drained and the turn is ended.
 * Errors: STATE (it waits for no approval), INVALID (the terms do not fit
 * the request or the catalogue, and it still waits), FORBIDDEN (it does not
 * fit any more and was refused); why says what.
 */
int cpnpd_approve(struct daemon *d, cpnp_order *order,
    const struct approval_terms *terms, cpnp_diag *why, cpnp_now now);
int cpnpd_reject(struct daemon *d, cpnp_order *order, unsigned long uid,
    cpnp_status status, const char *reason, cpnp_diag *why, cpnp_now now);
/* No administrator has decided in time. */
void cpnpd_reject_late(
    struct daemon *d, cpnp_order *order, cpnp_now now);

#endif
