/*
 * Services start and end by dates that both sides know.  What became due while
 * no cpnpc was running happens now, before the run begins.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "session.h"

/* Orders that rest: one with an open transaction is loaded by whatever goes
 * on with it. */
static int
add_due(void *user, const cpnp_store_row *row)
{
	cpnpc_records *records = user;

	return row->settled ? cpnpc_records_add(records, row) : 0;
}

static void
catch_up(cpnpc_session *session, const cpnpc_record *record, cpnp_now now)
{
	cpnp_orders *orders = session->orders;
	const cpnp_store_row *row = &record->row;
	cpnp_order *order;

	if (cpnp_orders_load(orders, row->saved, row->docs, &order, now) != 0)
		return;
	cpnpc_effects_take(session, now);
	while (!session->broken && cpnp_orders_expiry(orders) <= now.mono &&
	       cpnp_orders_handle_expiry(orders, now) == 0)
		cpnpc_effects_take(session, now);
	order = cpnp_orders_find(orders, CPNP_CLIENT, row->peer_identity,
	    row->customer_order_id);
	if (order != NULL)
		cpnp_orders_drop(orders, order);
}

void
cpnpc_services_catch_up(cpnpc_session *session, cpnp_now now)
{
	cpnpc_records records = {0};
	cpnp_store_due cursor = {.id = 0};
	bool more = true;
	size_t i;
	int err = 0;

	while (more && err == 0)
		err = cpnp_store_page_due(session->store, CPNP_CLIENT,
		    now.wall, &cursor, 64, add_due, &records, &more);
	for (i = 0; i < records.n; i++)
		catch_up(session, &records.items[i], now);
	cpnpc_records_fini(&records);
}
