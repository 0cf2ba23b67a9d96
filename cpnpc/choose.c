/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include <cpnp/error.h>

#include "choose.h"

static const char *const names[] = {
    [CPNPC_RULE_NONE] = "none",
    [CPNPC_RULE_CHEAPEST] = "cheapest",
    [CPNPC_RULE_EXACT] = "exact",
    [CPNPC_RULE_ASK] = "ask",
};

const char *
cpnpc_rule_name(cpnpc_rule rule)
{
	return names[rule];
}

int
cpnpc_rule_parse(const char *text, cpnpc_rule *rule)
{
	cpnpc_rule r;

	for (r = CPNPC_RULE_CHEAPEST; r <= CPNPC_RULE_ASK; r++) {
		if (strcmp(text, names[r]) == 0) {
			*rule = r;
			return 0;
		}
	}
	return CPNP_ERR_INVALID;
}

const char *
cpnpc_bid_fault(cpnpc_rule rule, const cpnpc_bid *bid, cpnp_wtime now)
{
	if (bid->validity.sec <= now.sec)
		return "its validity has ended";
	if (bid->cheats)
		return "its settlement terms do not go with what it offers";
	switch (rule) {
	case CPNPC_RULE_CHEAPEST:
	case CPNPC_RULE_EXACT:
		if (!bid->fits)
			return "it is not what was asked for";
		if (rule == CPNPC_RULE_EXACT && !bid->preferred)
			return "it does not grant all that is preferred";
		return bid->affordable ? NULL
				       : "its price is not within --max-price";
	case CPNPC_RULE_NONE:
	case CPNPC_RULE_ASK:
		break;
	}
	return NULL;
}

bool
cpnpc_bid_is_eligible(cpnpc_rule rule, const cpnpc_bid *bid, cpnp_wtime now)
{
	return bid->open && cpnpc_bid_fault(rule, bid, now) == NULL;
}

static bool
is_same_token(const cpnp_money *a, const cpnp_money *b)
{
	return a->exponent == b->exponent &&
	       cpnp_bytes_equal(a->code, b->code) &&
	       cpnp_bytes_equal(a->issuer, b->issuer);
}

static bool
is_cheaper(const cpnpc_bid *a, const cpnpc_bid *b)
{
	if (!a->has_cost || !b->has_cost)
		return a->has_cost && !b->has_cost;
	return a->cost.amount < b->cost.amount;
}

cpnpc_choosing
cpnpc_choose(cpnpc_rule rule, const cpnpc_bid *bids, size_t n, cpnp_wtime now,
    size_t *best)
{
	const cpnpc_bid *priced = NULL;
	size_t i, found = n;

	for (i = 0; i < n; i++) {
		if (!cpnpc_bid_is_eligible(rule, &bids[i], now))
			continue;
		if (rule == CPNPC_RULE_ASK)
			return CPNPC_CHOOSING_TO_PERSON;
		if (bids[i].has_cost && priced == NULL)
			priced = &bids[i];
		else if (bids[i].has_cost &&
			 !is_same_token(&priced->cost, &bids[i].cost))
			return CPNPC_CHOOSING_TOKENS;
		if (found == n || is_cheaper(&bids[i], &bids[found]))
			found = i;
	}
	if (found == n)
		return CPNPC_CHOOSING_NOTHING;
	*best = found;
	return CPNPC_CHOOSING_ONE;
}
