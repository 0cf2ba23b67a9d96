/*
 * What an order costs: of each place and link the rate that it takes, for the
 * time that is paid; then what the class, the availability and the customer
 * make of it, and the set-up.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "decide_int.h"

static uint64_t
paid_seconds(const struct deciding *w)
{
	const cpnp_catalogue *c = w->catalogue;
	uint64_t seconds = c->open_term;

	if (w->until.sec < CPNP_WTIME_MAX)
		seconds = (uint64_t)(w->until.sec - w->from.sec);
	return seconds > c->minimum_term ? seconds : c->minimum_term;
}

int
add_cost(struct deciding *w, uint64_t price, bool thousandths, uint64_t rate)
{
	const cpnp_policy *policy = w->in->policy;
	uint64_t seconds = paid_seconds(w);

	if (policy == NULL)
		return cpnp_price_add(&w->profile_cost, price, rate, seconds);
	if (!thousandths)
		price *= 1000;
	seconds = cpnp_weekly_sum(&policy->hours, 100, w->from,
	    (cpnp_wtime){w->from.sec + (int64_t)seconds});
	return cpnp_price_add(&w->profile_cost, price, rate, seconds);
}

int
close_cost(struct deciding *w)
{
	const cpnp_policy *policy = w->in->policy;
	const cpnp_cpd_profile *p = w->profile;
	cpnp_price_sum cost = w->profile_cost;
	uint64_t percent = 1;

	w->profile_cost = 0;
	if (policy != NULL) {
		percent = p->qos == NULL
		    ? 100 : cpnp_policy_class(policy, p->qos->meta_class);
		percent *= p->availability == NULL ? 100
		    : cpnp_policy_availability(
			  policy, p->availability->value.lo);
	}
	return cpnp_price_add_times(&w->cost, cost, percent);
}

int
total_cost(struct deciding *w, int64_t *amount)
{
	const cpnp_policy *policy = w->in->policy;
	const cpnp_profile *profile = w->in->profile;
	cpnp_price_sum sum = w->cost, all = 0;
	int err = 0;

	if (policy == NULL)
		return cpnp_price_round(sum, 1, amount);
	/* What is there already is not set up. */
	if (w->in->standing == NULL)
		err = cpnp_price_add_times(&sum,
		    (cpnp_price_sum)policy->set_up * CPNP_PRICE_UNIT,
		    COST_SCALE / 100);
	if (err == 0)
		err = cpnp_price_add_times(
		    &all, sum, profile == NULL ? 100 : profile->percent);
	return err == 0 ? cpnp_price_round(all, COST_SCALE, amount) : err;
}
