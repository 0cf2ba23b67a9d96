/*
 * Messages that do not fit in a datagram, between the network and the orders.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "neighbour.h"

bool
cpnpd_is_long(const struct daemon *d, cpnp_peer peer, size_t len)
{
	return !cpnp_parts_fits(len,
	    d->conf->limits.mtu != 0 ? cpnp_net_datagram_max(d->net, peer)
				     : CPNP_DATAGRAM_MAX);
}

/* RETRANS_TIMER of the order that a message of ours belongs to runs from
 * now on. */
static void
arrived(struct daemon *d, cpnp_peer peer, cpnp_bytes message, cpnp_now now)
{
	cpnp_order *order;
	cpnp_msg msg;

	if (cpnp_msg_decode(&msg, message, NULL) != 0 ||
	    !cpnp_msg_has(&msg, CPNP_ATTR_CUSTOMER_ORDER_ID))
		return;
	order = cpnp_orders_find(d->orders,
	    cpnpd_neighbour_of(d, peer) == SIZE_MAX ? CPNP_SERVER
						    : CPNP_CLIENT,
	    cpnp_net_peer_identity(d->net, peer), msg.customer_order_id);
	if (order != NULL)
		cpnp_order_set_arrival(d->orders, order, now.mono, now);
}

/* What is delivered makes us send, and that is drained here as well. */
void
cpnpd_parts_drain(struct daemon *d, cpnp_now now)
{
	cpnp_parts_effect e;

	if (d->draining_parts)
		return;
	d->draining_parts = true;
	while (cpnp_parts_next(d->parts, &e)) {
		switch (e.type) {
		case CPNP_PARTS_SEND:
			if (cpnp_net_send(d->net, e.peer, e.bytes, now) != 0)
				d->counters.send_failed++;
			break;
		case CPNP_PARTS_DELIVER:
			cpnpd_recv_message(d, e.peer,
			    cpnp_net_peer_identity(d->net, e.peer), e.bytes,
			    now);
			break;
		case CPNP_PARTS_ACKED:
			d->counters.sent++;
			arrived(d, e.peer, e.bytes, now);
			break;
		case CPNP_PARTS_FAILED:
			d->counters.send_failed++;
			arrived(d, e.peer, e.bytes, now);
			break;
		}
	}
	d->draining_parts = false;
}

void
cpnpd_parts_recv(
    struct daemon *d, cpnp_peer peer, cpnp_bytes datagram, cpnp_now now)
{
	int err = cpnp_parts_recv(d->parts, peer, datagram, now.mono);

	if (err != 0 && cpnp_log_is_on(CPNP_LOG_DEBUG))
		cpnpd_log(CPNP_LOG_DEBUG, "part of a message dropped: %s",
		    cpnp_strerror(err));
	cpnpd_parts_drain(d, now);
}

void
cpnpd_parts_send(struct daemon *d, cpnp_peer peer, cpnp_bytes message,
    bool again, cpnp_now now)
{
	if (cpnp_parts_send(d->parts, peer, message,
		cpnp_net_datagram_max(d->net, peer), again, now.mono) != 0) {
		d->counters.send_failed++;
		arrived(d, peer, message, now);
	}
	cpnpd_parts_drain(d, now);
}
