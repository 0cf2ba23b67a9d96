/*
 * How many orders a customer may place in a period, cpnp-policy(5): a bucket
 * that holds the orders of a period and fills evenly.  What it has left is
 * known again after a restart, from the orders in the store.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "period.h"

#define SECOND INT64_C(1000000000)
/* Changes that are read at a time. */
#define STEP 1000

/* Nanoseconds that an order takes from the bucket, and that it holds. */
struct bucket {
	int64_t each;
	int64_t all;
};

static bool
find_bucket(const struct daemon *d, const cpnp_conf_customer *c,
    struct bucket *b, cpnp_guidelines *g)
{
	const cpnp_profile *profile = d->policy != NULL &&
		c->profile.value != NULL
	    ? cpnp_policy_profile(d->policy, c->profile.value) : NULL;

	if (d->policy == NULL)
		return false;
	*g = cpnp_policy_guidelines(d->policy, profile);
	if (!g->orders.is_set || !g->period.is_set)
		return false;
	b->all = (int64_t)g->period.value * SECOND;
	b->each = b->all / (int64_t)g->orders.value;
	return true;
}

/* Take an order out of the bucket at a moment; what is missing, 0 for none. */
static int64_t
take(struct use *use, const struct bucket *b, int64_t at)
{
	int64_t level = use->period_until > at ? use->period_until : at;
	int64_t orders;

	/* after a reload as many orders count, not as much time */
	if (use->period_each != b->each && use->period_each > 0) {
		orders = (level - at) / use->period_each;
		level = at + (orders < b->all / b->each
			? orders * b->each : b->all);
	}
	use->period_each = b->each;
	if (level - at > b->all - b->each)
		return level - at - (b->all - b->each);
	use->period_until = level + b->each;
	return 0;
}

bool
cpnpd_period_admit(struct daemon *d, const cpnp_conf_customer *c,
    struct use *use, cpnpd_period_refusal *r, cpnp_now now)
{
	char date[CPNP_DATE_LEN] = "";
	struct bucket b;
	cpnp_guidelines g;
	int64_t missing;

	if (!find_bucket(d, c, &b, &g))
		return true;
	missing = take(use, &b, (int64_t)now.mono);
	if (missing == 0)
		return true;
	(void)cpnp_date_format(CPNP_EDITION_RFC8921,
	    (cpnp_wtime){now.wall.sec + missing / SECOND + 1}, date);
	snprintf(r->limit, sizeof(r->limit), "%" PRIu64 " orders in %" PRIu64
	    " s", g.orders.value, g.period.value);
	snprintf(r->would_fit, sizeof(r->would_fit),
	    "the same order from %s on", date);
	return false;
}

/* ---- after a restart ---- */

struct counting {
	struct daemon *d;
	cpnp_now now;
	int64_t time; /* of the last one seen */
};

static int
see_time(void *user, const cpnp_store_change *change)
{
	struct counting *count = user;

	count->time = change->event.time.sec;
	return 0;
}

static int
count_change(void *user, const cpnp_store_change *change)
{
	struct counting *count = user;
	const struct daemon *d = count->d;
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, change->peer_identity);
	int64_t age = count->now.wall.sec - change->event.time.sec;
	struct bucket b;
	cpnp_guidelines g;

	if (change->role != CPNP_SERVER ||
	    change->event.from != CPNP_STATE_NONE || age < 0 ||
	    c == NULL || !find_bucket(d, c, &b, &g))
		return 0;
	if (age < b.all / SECOND)
		(void)take(cpnpd_use(d, change->peer_identity), &b,
		    (int64_t)count->now.mono - age * SECOND);
	return 0;
}

static int64_t
longest_period(const struct daemon *d)
{
	struct bucket b = {0, 0};
	int64_t longest = 0;
	cpnp_guidelines g;
	size_t i;

	for (i = 0; i < d->conf->customers_n; i++)
		if (find_bucket(d, &d->conf->customers[i], &b, &g) &&
		    b.all / SECOND > longest)
			longest = b.all / SECOND;
	return longest;
}

/* The number behind which changes are no older than since. */
static int
find_first(struct counting *count, int64_t since, uint64_t *first)
{
	cpnp_store *store = count->d->store;
	uint64_t lo = 0, hi, at;
	bool more;
	int err = cpnp_store_last_event(store, &hi);

	while (err == 0 && lo < hi) {
		at = lo + (hi - lo) / 2;
		*first = at;
		count->time = INT64_MAX;
		err = cpnp_store_page_changes(
		    store, first, 1, see_time, count, &more);
		if (count->time < since)
			lo = *first > at ? *first : at + 1;
		else
			hi = at;
	}
	*first = lo;
	return err;
}

int
cpnpd_period_load(struct daemon *d)
{
	struct counting count = {.d = d, .now = cpnp_now_read()};
	int64_t longest = longest_period(d);
	uint64_t cursor = 0;
	bool more = true;
	int err = 0;

	if (longest == 0)
		return 0;
	err = find_first(&count, count.now.wall.sec - longest, &cursor);
	while (err == 0 && more)
		err = cpnp_store_page_changes(d->store, &cursor, STEP,
		    count_change, &count, &more);
	return err;
}
