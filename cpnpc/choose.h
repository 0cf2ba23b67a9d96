/*
 * Which of several offers for one request is taken (RFC 8921, 8.10).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_CHOOSE_H
#define CPNPC_CHOOSE_H

#include <stddef.h>

#include <cpnp/types.h>

/* How one is chosen. */
typedef enum cpnpc_rule {
	CPNPC_RULE_NONE = 0, /* there is one server */
	CPNPC_RULE_CHEAPEST, /* the lowest price among what was requested */
	CPNPC_RULE_EXACT,    /* the same, of what is wanted most */
	CPNPC_RULE_ASK       /* the person */
} cpnpc_rule;

const char *cpnpc_rule_name(cpnpc_rule rule);
/* CPNP_ERR_INVALID. */
int cpnpc_rule_parse(const char *text, cpnpc_rule *rule);

/* What is to be known of one offer. */
typedef struct cpnpc_bid {
	bool open;       /* it may be accepted */
	bool fits;       /* every field is one that the request admits */
	bool preferred;  /* the preferred ones, and nothing explained */
	bool affordable; /* within the highest price */
	bool cheats;     /* its settlement terms say something else */
	bool has_cost;   /* it names a price; one without is not free */
	cpnp_money cost;
	cpnp_wtime validity;
} cpnpc_bid;

typedef enum cpnpc_choosing {
	CPNPC_CHOOSING_ONE,      /* this one */
	CPNPC_CHOOSING_NOTHING,  /* none of them will do */
	CPNPC_CHOOSING_TOKENS,   /* prices in different tokens */
	CPNPC_CHOOSING_TO_PERSON /* that is what the rule says */
} cpnpc_choosing;

/* What is wrong with an offer for the rule at this time, for people; NULL:
 * nothing. */
const char *cpnpc_bid_fault(
    cpnpc_rule rule, const cpnpc_bid *bid, cpnp_wtime now);
/* True when the rule may take the offer at this time: it is open, and there is
 * nothing wrong with it. */
bool cpnpc_bid_is_eligible(
    cpnpc_rule rule, const cpnpc_bid *bid, cpnp_wtime now);

/*
 * Choose among n bids; *best gets the index of the one.  The lowest price
 * wins; an offer without a price comes behind all that name one; of equal
 * ones the first.  Prices compare in one token only (code, issuer and
 * exponent), and what no rule would take does not count for that.
 */
cpnpc_choosing cpnpc_choose(cpnpc_rule rule, const cpnpc_bid *bids, size_t n,
    cpnp_wtime now, size_t *best);

#endif
