/*
 * Open orders that leave memory.  An OFFER may be valid for a month, and all
 * that is left to do is to wait for its customer: the order is in the store,
 * what it holds is in the table of capacity, and neither needs it in memory.
 * It comes back with the next message about it or at the end of the validity,
 * which the store knows (service.c); a start leaves it where it is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>

#include "daemon.h"

/* An order on an agreement stays: its service has dates of its own. */
static bool
waits_for_customer(const cpnp_order *order)
{
	cpnp_state state = cpnp_order_state(order);

	return cpnp_order_agreement_state(order) == CPNP_AGREEMENT_NONE &&
	    (state == CPNP_STATE_OFFER_PROPOSED ||
		state == CPNP_STATE_PROCESSING_RECEIVED);
}

/* Nothing is repeated, nobody else is concerned with it, and the store has it
 * as it is. */
static bool
may_rest(const struct daemon *d, const cpnp_order *order)
{
	cpnp_wait wait;

	cpnp_order_wait(order, &wait);
	return wait.again == CPNP_NEVER &&
	    cpnp_order_is_durable(d->orders, order) &&
	    cpnp_order_user(order) % ORDER_USER_BYTE == ORDER_USER_OPEN;
}

void
cpnpd_rest_later(struct daemon *d, struct key *key, cpnp_now now)
{
	key->rest_at = now.mono + d->conf->timers.linger;
	key->next = NULL;
	*d->rest_end = key;
	d->rest_end = &key->next;
}

void
cpnpd_rest_start(struct daemon *d, cpnp_now now)
{
	cpnp_order *order;
	struct key *key;
	unsigned n;

	for (n = 0; n < CPNPD_EXPIRIES_MAX && cpnpd_rest_expiry(d) <= now.mono;
	     n++) {
		key = d->rest;
		d->rest = key->next;
		if (d->rest == NULL)
			d->rest_end = &d->rest;
		key->next = NULL;
		order = cpnpd_key_order(d, key);
		if (order == NULL || !waits_for_customer(order)) {
			cpnpd_keys_free(key);
		} else if (!may_rest(d, order)) {
			cpnpd_rest_later(d, key, now);
		} else {
			cpnpd_rest_order(d, order);
			cpnpd_keys_free(key);
		}
	}
}

cpnp_tstamp
cpnpd_rest_expiry(const struct daemon *d)
{
	return d->rest == NULL || d->failed || d->stopping
	    ? CPNP_NEVER : d->rest->rest_at;
}

void
cpnpd_rest_count(struct daemon *d, cpnp_bytes identity, int64_t n)
{
	struct use *use = cpnpd_use(d, identity);

	if (use == NULL)
		return;
	/* a customer that a reload has brought back was not counted */
	if (n < 0 && use->open < (uint64_t)-n)
		n = -(int64_t)use->open;
	use->open += (uint64_t)n;
}

/* ---- at the start ---- */

struct loading {
	struct daemon *d;
	uint64_t n;
};

static int
load_resting(void *user, cpnp_bytes peer_identity, uint64_t n)
{
	struct loading *l = user;

	cpnpd_rest_count(l->d, peer_identity, (int64_t)n);
	l->n += n;
	return 0;
}

int
cpnpd_rest_load(struct daemon *d)
{
	struct loading l = {d, 0};
	int err = cpnp_store_each_resting(d->store, load_resting, &l);

	if (err == 0)
		cpnpd_log(CPNP_LOG_INFO, "store %s: %" PRIu64 " open orders "
		    "rest there and wait for their customers",
		    d->conf->store.value, l.n);
	return err;
}
