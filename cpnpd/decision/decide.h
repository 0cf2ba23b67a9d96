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
#include "policy.h"
#include "topology.h"

typedef struct cpnp_decide_input {
	const cpnp_catalogue *catalogue;
	/* the own network, prices and guidelines; NULL: what the catalogue
	 * says is all there is */
	const cpnp_topology *topology;
	const cpnp_policy *policy;
	const cpnp_profile *profile; /* of the customer; NULL: none */
	bool is_unverified; /* its administrative data, without leave */
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
	/* an offer that the guidelines want an operator to see: why; else
	 * empty */
	cpnp_bytes escalates;
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

/* What somebody else has decided. */
typedef struct cpnp_told {
	cpnp_bytes service; /* a service description; empty: as it is asked
			       for, ranges at their preferred values */
	bool has_cost;
	cpnp_money cost;
	uint64_t validity; /* seconds; 0: that of the catalogue */
} cpnp_told;

/*
 * The offer that somebody else has decided, without a look at places, paths
 * and capacity: nothing is taken.  Limits of the customer and the form are
 * looked at.  Otherwise as cpnp_decide().
 */
int cpnp_decide_told(cpnp_decision *d, const cpnp_decide_input *in,
    const cpnp_told *told);

/*
 * May the service of an agreement, agreed as that description, be activated
 * or deactivated by an ACTIVATE with that schedule?  status NONE: yes; else a
 * refusal, also when it would run while nothing is held for it.
 * Otherwise as cpnp_decide(); errors: CPNP_ERR_NOMEM, a PEER error when it is
 * no document.
 */
int cpnp_decide_activate(cpnp_decision *d, cpnp_bytes agreed,
    const cpnp_schedule *schedule, cpnp_wtime now);

#endif
