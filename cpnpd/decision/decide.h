/*
 * The first automatic decision: a request against the catalogue and the
 * capacity that is free.  An offer, a counter-offer that says of each clause
 * that it changes why and what would fit, or a refusal that does the same.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_DECIDE_H
#define CPNPD_DECIDE_H

#include <cpnp/message.h>
#include <cpnp/order.h>

#include "arena.h"
#include "capacity.h"
#include "catalogue.h"

typedef struct cpnp_decide_input {
	const cpnp_catalogue *catalogue;
	cpnp_capacity *capacity;
	const cpnp_msg *request; /* a decoded QUOTATION or UPDATE */
	/* what an UPDATE is to change, else NULL; what it has bought is known
	 * in capacity */
	const cpnp_agreement *standing;
	const uint8_t *order_ref; /* CPNP_SHA256_LEN bytes */
	cpnp_bytes customer;
	uint64_t held_max; /* bit/s that the customer may hold */
	uint64_t open_max; /* orders that it may have open ... */
	uint64_t open;     /* ... and has, with this one */
	cpnp_wtime now;
} cpnp_decide_input;

/* status NONE: offer, and its rows are taken in capacity for the order; else
 * a refusal, and the order takes nothing but what it has bought.  Views live
 * until _fini(). */
typedef struct cpnp_decision {
	cpnp_status status;
	cpnp_offer offer;
	cpnp_explanation explanations[CPNP_EXPLANATIONS_MAX];
	size_t explanations_n;
	cpnp_description provider;
	cpnp_arena arena;
} cpnp_decision;

/*
 * Decide.  d is initialised here; call cpnp_decision_fini() in any case.
 * Errors: CPNP_ERR_NOMEM; the order takes nothing then but, with standing,
 * capacity may have to be loaded again.
 */
int cpnp_decide(cpnp_decision *d, const cpnp_decide_input *in);
void cpnp_decision_fini(cpnp_decision *d);

/*
 * May the service of an agreement, agreed as that description, be activated
 * or deactivated by an ACTIVATE with that schedule?  status NONE: yes; else a
 * refusal, also when it would run while nothing is held for it.
 * Otherwise as cpnp_decide(); errors: CPNP_ERR_NOMEM, a PEER error when it is
 * no document.
 */
int cpnp_decide_activate(cpnp_decision *d, cpnp_bytes agreed,
    const cpnp_schedule *schedule, cpnp_wtime now);

/*
 * What rate bit/s cost for seconds at price minor units for one Mbit/s and
 * one hour, added up exactly in sum; cpnp_price_round() rounds up once, to
 * whole minor units.  Errors: CPNP_ERR_RANGE when it does not fit.
 */
__extension__ typedef unsigned __int128 cpnp_price_sum;
int cpnp_price_add(cpnp_price_sum *sum, uint64_t price, uint64_t rate,
    uint64_t seconds);
int cpnp_price_round(cpnp_price_sum sum, int64_t *amount);

#endif
