/*
 * What the guidelines of the provider say to an order that could be served:
 * it is offered, an operator sees it first, or it is refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "decide_int.h"

static void
check_unverified(struct deciding *w, const cpnp_guidelines *g)
{
	if (!w->in->is_unverified)
		return;
	if (g->unverified == CPNP_UNVERIFIED_ESCALATE)
		w->d->escalates = SAY(w, "the administrative data of %.*s are "
		    "not verified", WORDS(w->in->customer));
	if (g->unverified == CPNP_UNVERIFIED_REFUSE)
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    CPNP_BYTES_LIT("customer"),
		    SAY(w, "the administrative data of %.*s are not verified",
			WORDS(w->in->customer)), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("the same order once they are"));
}

void
check_guidelines(struct deciding *w)
{
	const cpnp_guidelines g = w->in->policy == NULL
	    ? (cpnp_guidelines){.unverified = CPNP_UNVERIFIED_OFFER}
	    : cpnp_policy_guidelines(w->in->policy, w->in->profile);
	cpnp_bytes *why = &w->d->escalates;

	check_unverified(w, &g);
	if (g.escalate_rate.is_set && w->most_rate > g.escalate_rate.value)
		*why = SAY(w, "it takes %.*s, more than the %.*s that are "
		    "offered without an operator",
		    WORDS(quantity(w, CPNP_UNIT_RATE, w->most_rate)),
		    WORDS(quantity(
			w, CPNP_UNIT_RATE, g.escalate_rate.value)));
	else if (g.escalate_term.is_set &&
	    w->longest > g.escalate_term.value)
		*why = SAY(w, "it lasts longer than the %.*s that are offered "
		    "without an operator",
		    WORDS(quantity(
			w, CPNP_UNIT_SECONDS, g.escalate_term.value)));
	else if (g.escalate_load.is_set &&
	    w->most_load > g.escalate_load.value)
		*why = SAY(w, "it would take the link %s to %.*s, more than "
		    "the %.*s that are offered without an operator",
		    w->loaded,
		    WORDS(quantity(w, CPNP_UNIT_RATIO, w->most_load)),
		    WORDS(quantity(
			w, CPNP_UNIT_RATIO, g.escalate_load.value)));
	if (g.offer_validity.is_set)
		w->d->offer.validity.sec =
		    w->in->now.sec + (int64_t)g.offer_validity.value;
}
