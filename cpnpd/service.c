/*
 * Services that start or end, and OFFERs that expire, at a date when their
 * order may have left memory: the store knows the dates, and the order is
 * loaded when its date has come.  What then happens is the order's own doing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemon.h"
#include "restore.h"

/* Orders that are looked at in one turn. */
#define DUE_STEP 256

static int
wake(void *user, const cpnp_store_row *row)
{
	struct daemon *d = user;
	int err;

	/* One that is in memory has a timer of its own. */
	if (cpnp_orders_find(d->orders, CPNP_SERVER, row->peer_identity,
		row->customer_order_id) != NULL)
		return 0;
	err = cpnpd_load_row(d, row, cpnp_now_read());
	if (err != 0)
		cpnpd_log(CPNP_LOG_ERROR, "order %.*s/%.*s peer %.*s: its "
		    "service is to start or to end, or its OFFER has expired, "
		    "and it cannot be loaded: %s", ID_WORDS(row->customer_order_id),
		    ID_WORDS(row->provider_order_id),
		    ID_WORDS(row->peer_identity), cpnp_strerror(err));
	/* The others may be whole. */
	return cpnp_error_is_peer(err) ? 0 : err;
}

void
cpnpd_service_expect(struct daemon *d, cpnp_wtime date)
{
	if (date.sec < d->service_at.sec)
		d->service_at = date;
}

/* All that is due has been looked at: when is the next? */
static int
find_next(struct daemon *d, cpnp_now now)
{
	cpnp_wtime date = {CPNP_WTIME_MAX};
	int err = cpnp_store_next_service(
	    d->store, CPNP_SERVER, now.wall, &date);

	d->service_at = date;
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

void
cpnpd_service_start(struct daemon *d, cpnp_now now)
{
	bool more = false;
	int err;

	if (d->failed || d->stopping || d->restore->is_silent ||
	    cpnpd_is_behind(d) || now.wall.sec < d->service_at.sec)
		return;
	err = cpnp_store_page_due(d->store, CPNP_SERVER, now.wall,
	    &d->service_cursor, DUE_STEP, wake, d, &more);
	if (err == 0 && more)
		return; /* the timer comes back at once */
	d->service_cursor = (cpnp_store_due){.id = 0};
	if (err == 0)
		err = find_next(d, now);
	if (err == 0)
		return;
	d->service_at.sec = now.wall.sec + 1;
	cpnpd_log(CPNP_LOG_ERROR, "orders whose date has come: %s, tried "
	    "again in a second", cpnp_strerror(err));
}

cpnp_tstamp
cpnpd_service_expiry(const struct daemon *d, cpnp_now now)
{
	if (d->failed || d->stopping || d->restore->is_silent ||
	    cpnpd_is_behind(d) ||
	    d->service_at.sec == CPNP_WTIME_MAX)
		return CPNP_NEVER;
	if (d->service_at.sec <= now.wall.sec)
		return now.mono;
	if ((uint64_t)(d->service_at.sec - now.wall.sec) >
	    (CPNP_NEVER - now.mono) / CPNP_SECONDS(1))
		return CPNP_NEVER;
	return now.mono +
	    CPNP_SECONDS((uint64_t)(d->service_at.sec - now.wall.sec));
}
