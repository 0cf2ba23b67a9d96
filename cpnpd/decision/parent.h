/*
 * A parent over its children (RFC 8921, 8.8 to 8.10; contradictions.md, 19 and
 * 20): what is to be done next for an order that is served by orders with
 * neighbours.  cpnp-fsm(7) has it as a table.
 *
 * It is asked after every event on the parent or on one of its children, shown
 * everything as it is now, and answers with one action.  The caller performs
 * that, makes it durable and asks again, until the answer is to wait.  It has
 * no memory: what was asked before is seen in the states of the orders, so
 * that after a crash at any point it goes on.
 *
 * Two ways (contradictions.md, 20).  ON_ACCEPT: the customer is offered what
 * the neighbours offer; when it accepts the children are accepted, and when
 * all of them are agreed the customer has its ACK.  AS_FIGURE: the children
 * are accepted before the customer is offered anything.
 *
 * An action only says what the parent wants; a child that cannot be reached
 * takes it too, and its own machine repeats it.  Numbers of segments, parts,
 * neighbours and activations are the caller's, and compared for being equal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_PARENT_H
#define CPNPD_PARENT_H

#include <cpnp/order.h>

/* Segments of a plan, and so children that serve a parent at a time. */
#define CPNP_PARENT_SEGMENTS_MAX 64

#define CPNP_PARENT_MORE_MAX 3600

#define CPNP_PARENT_NONE SIZE_MAX

typedef enum cpnp_parent_mode {
	CPNP_PARENT_ON_ACCEPT,
	CPNP_PARENT_AS_FIGURE
} cpnp_parent_mode;

typedef struct cpnp_parent_config {
	cpnp_parent_mode mode;
	size_t parallel; /* neighbours asked at a time for a segment; 0: 1 */
	/* seconds by which each date given to a neighbour lies before the one
	 * given to the customer, and each date given to the customer before
	 * those of its neighbours; 0: 1 */
	uint32_t margin;
	uint32_t try_min;      /* what a neighbour has at least to answer; a
				  shorter try is not begun */
	uint32_t validity_min; /* an offer for a shorter time is none */
	uint32_t retry;        /* from a WITHDRAW, UPDATE or ACTIVATE of a
				  child that was refused to the next; 0: 1 */
	uint32_t more_max; /* the customer is asked for at most so much more
			      time than there is, 0: CPNP_PARENT_MORE_MAX */
	uint32_t ack_max; /* an ACK is waited for so long after the validity
			     of the offer that was accepted */
} cpnp_parent_config;

/* Whom to ask for a segment, the best one first. */
typedef struct cpnp_parent_segment {
	uint64_t segment; /* its number, the same in the plan of an UPDATE */
	uint64_t part;    /* what is bought for it: equal for equal parts */
	const uint64_t *neighbours;
	size_t neighbours_n;
	bool has_cost_max; /* an offer that costs more is too dear */
	int64_t cost_max;
} cpnp_parent_segment;

/* The segments that somebody else serves; own ones are not among them. */
typedef struct cpnp_parent_plan {
	const cpnp_parent_segment *segments;
	size_t n; /* at most CPNP_PARENT_SEGMENTS_MAX */
} cpnp_parent_plan;

/* What the parent asks of the application: cpnp_effect. */
typedef enum cpnp_parent_asks {
	CPNP_PARENT_ASKS_NOTHING,
	CPNP_PARENT_ASKS_DECIDE, /* of a QUOTATION, UPDATE or ACTIVATE */
	CPNP_PARENT_ASKS_CONFIRM /* effect PAY */
} cpnp_parent_asks;

typedef enum cpnp_parent_time {
	CPNP_PARENT_TIME_MAY,   /* the customer can be asked for more time */
	CPNP_PARENT_TIME_ASKED, /* it was, and has not answered */
	CPNP_PARENT_TIME_NO     /* it has said no, or cannot be asked */
} cpnp_parent_time;

/* One verdict of the ledger over the escrows of all children and of the
 * parent. */
typedef enum cpnp_parent_set {
	CPNP_PARENT_SET_NONE, /* there is none: each child is paid by itself */
	CPNP_PARENT_SET_OPEN,
	CPNP_PARENT_SET_POSTED,
	CPNP_PARENT_SET_VOID
} cpnp_parent_set;

typedef struct cpnp_parent_child {
	uint64_t segment;
	uint64_t neighbour;
	/* the number of the parent's request (cpnp_parent_view) for which its
	 * newest QUOTATION or UPDATE was begun */
	uint64_t request;
	uint64_t part;          /* that of its newest QUOTATION or UPDATE */
	uint64_t part_agreed;   /* that of its agreement, if it has one */
	cpnp_method transaction; /* cpnp_order_transaction() */
	cpnp_state state;       /* a client's, or the Child state of it */
	cpnp_agreement_state agreement;
	bool outstanding;
	bool accepting;   /* in OfferProcessing: its ACCEPT is being signed */
	bool unreachable; /* no session could be made for some time */
	/* of the newest OFFER, in OfferProcessing and AcceptSent */
	bool has_cost;
	int64_t cost;
	cpnp_wtime validity;
	/* the expected offer time for which the neighbour has asked in vain;
	 * 0: none */
	cpnp_wtime wants;
	/* when its newest WITHDRAW, UPDATE or ACTIVATE has come to nothing;
	 * 0: it has not */
	cpnp_wtime failed;
	/* Each ACTIVATE of the parent has a number of its own: the one that was
	 * acknowledged last, 0: none was; and the one that was refused last,
	 * 0: none was since. */
	uint64_t activation;
	uint64_t activation_refused;
} cpnp_parent_child;

typedef struct cpnp_parent_view {
	cpnp_now now;
	cpnp_method transaction; /* of the parent: cpnp_order_transaction() */
	cpnp_state state;
	cpnp_agreement_state agreement;
	cpnp_parent_asks asks;
	bool no_recursion;
	/* how many requests the parent has had: 1 for its QUOTATION, one more
	 * with each UPDATE */
	uint64_t request;
	cpnp_wtime deadline; /* its expected offer time, while it is decided */
	cpnp_wtime validity; /* until when it would be offered at most */
	cpnp_parent_time time;
	cpnp_parent_set set;
	cpnp_parent_plan wanted;   /* of the request that is open */
	cpnp_parent_plan standing; /* of the agreement that stands */
	uint64_t activation;       /* the ACTIVATE that was granted last, 0:
				      none was */
	uint64_t activation_asked; /* the one that is to be decided */
	/* all children that it ever had but those that are over, which may be
	 * left out when they are of an earlier request */
	const cpnp_parent_child *children;
	size_t children_n;
} cpnp_parent_view;

#define CPNP_PARENT_ACTION_MAP(X)                                              \
	X(WAIT, "wait")                                                        \
	X(START_CHILD, "start a child")                                        \
	X(ACCEPT_CHILD, "accept")                                              \
	X(DECLINE_CHILD, "decline")                                            \
	X(CANCEL_CHILD, "cancel")                                              \
	X(WITHDRAW_CHILD, "withdraw")                                          \
	X(UPDATE_CHILD, "update")                                              \
	X(ACTIVATE_CHILD, "activate")                                          \
	X(MORE_TIME, "ask for more time")                                      \
	X(OFFER, "offer")                                                      \
	X(REFUSE, "refuse")                                                    \
	X(CONFIRM, "confirm")                                                  \
	X(NOT_CONFIRM, "not confirm")                                          \
	X(GRANT, "grant")

typedef enum cpnp_parent_act {
#define CPNP_PARENT_ENUM(NAME, text) CPNP_PARENT_##NAME,
	CPNP_PARENT_ACTION_MAP(CPNP_PARENT_ENUM)
#undef CPNP_PARENT_ENUM
} cpnp_parent_act;

/*
 * WAIT           for an event, and until a date when has_date.  Named is what
 *                is waited for: child, or segment, and why.  is_settled: there
 *                is nothing, every child is as it is to be.
 * START_CHILD    a new child order of segment with neighbour, for part; offer
 *                expected by date.  With child: it is there, and was not sent.
 * ACCEPT_CHILD, DECLINE_CHILD, CANCEL_CHILD, WITHDRAW_CHILD
 *                the command of the core, on child.
 * UPDATE_CHILD   to part; expected by date.
 * ACTIVATE_CHILD as activation says; 0: as the agreement says, without any.
 * MORE_TIME      ask the customer for it, until date.
 * OFFER          what the children of each segment offer
 *                (cpnp_parent_chosen()), with a validity until date.  The
 *                OFFER is one that is to be confirmed (cpnp_offer).
 * REFUSE, NOT_CONFIRM
 *                with status; segment and why say what has failed, for the
 *                provider's eyes.
 * CONFIRM        cpnp_order_paid(); the customer's own payment is a matter of
 *                the caller, who calls it when both are there.
 * GRANT          the ACTIVATE.
 */
typedef struct cpnp_parent_action {
	cpnp_parent_act act;
	size_t child;   /* index into children, or CPNP_PARENT_NONE */
	size_t segment; /* index into the plan, or CPNP_PARENT_NONE */
	uint64_t neighbour;
	uint64_t part;
	uint64_t activation;
	bool has_date;
	cpnp_wtime date;
	cpnp_status status;
	const char *why; /* static text */
	bool is_settled;
} cpnp_parent_action;

/* What to do next.  Cannot fail; view is not changed and may be gone after. */
void cpnp_parent_next(const cpnp_parent_config *config,
    const cpnp_parent_view *view, cpnp_parent_action *action);

/* The child that is to serve a segment of the wanted plan: the one with the
 * offer that the parent's OFFER is made of, or with the agreement.
 * CPNP_PARENT_NONE: there is none. */
size_t cpnp_parent_chosen(const cpnp_parent_config *config,
    const cpnp_parent_view *view, size_t segment);

const char *cpnp_parent_act_name(cpnp_parent_act act);

#endif
