/*
 * Messages that do not fit in a datagram, between the network and the orders.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include "session.h"

static bool
is_long(const cpnpc_session *session, cpnp_peer peer, size_t len)
{
	return !cpnp_parts_fits(len,
	    session->run->conf.mtu != 0
		? cpnp_net_datagram_max(session->net, peer)
		: CPNP_DATAGRAM_MAX);
}

/* RETRANS_TIMER of the order that a message of ours belongs to runs from now
 * on. */
static void
arrived(cpnpc_session *session, cpnp_peer peer, cpnp_bytes message,
    cpnp_now now)
{
	const cpnpc_link *link = cpnpc_link_of(session, peer);
	cpnp_order *order;
	cpnp_msg msg;

	if (link == NULL || cpnp_msg_decode(&msg, message, NULL) != 0 ||
	    !cpnp_msg_has(&msg, CPNP_ATTR_CUSTOMER_ORDER_ID))
		return;
	order = cpnp_orders_find(session->orders, CPNP_CLIENT,
	    cpnp_bytes_str(link->peer_identity), msg.customer_order_id);
	if (order != NULL)
		cpnp_order_set_arrival(
		    session->orders, order, now.mono, now);
}

static void
tell(cpnpc_session *session, const char *what, cpnp_bytes message)
{
	if (session->run->conf.verbose)
		cpnpc_status_say(
		    session, "a message of %zu bytes in parts %s",
		    message.len, what);
}

/* What is delivered makes us send, and that is drained here as well. */
static void
drain(cpnpc_session *session, cpnp_now now)
{
	cpnp_parts_effect effect;

	if (session->draining_parts)
		return;
	session->draining_parts = true;
	while (cpnp_parts_next(session->parts, &effect)) {
		switch (effect.type) {
		case CPNP_PARTS_SEND:
			/* what gets lost is sent again */
			(void)cpnp_net_send(
			    session->net, effect.peer, effect.bytes, now);
			break;
		case CPNP_PARTS_DELIVER:
			cpnpc_recv_message(session, effect.peer,
			    cpnp_net_peer_identity(
				session->net, effect.peer),
			    effect.bytes, now);
			break;
		case CPNP_PARTS_ACKED:
			tell(session, "has arrived", effect.bytes);
			arrived(session, effect.peer, effect.bytes, now);
			break;
		case CPNP_PARTS_FAILED:
			tell(session, "was not acknowledged", effect.bytes);
			arrived(session, effect.peer, effect.bytes, now);
			break;
		}
	}
	session->draining_parts = false;
	cpnpc_session_arm(session, now);
}

void
cpnpc_on_message(void *user, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now)
{
	cpnpc_session *session = user;
	cpnpc_link *link = cpnpc_link_of(session, peer);

	if (link != NULL)
		link->heard = true;
	if (!cpnp_parts_is_part(datagram)) {
		cpnpc_recv_message(session, peer, identity, datagram, now);
		return;
	}
	(void)cpnp_parts_recv(session->parts, peer, datagram, now.mono);
	drain(session, now);
}

int
cpnpc_parts_send(cpnpc_session *session, const cpnp_effect *effect,
    cpnp_now now)
{
	cpnp_peer peer = effect->u.send.peer;
	cpnp_bytes message = effect->u.send.bytes;
	int err;

	if (!is_long(session, peer, message.len))
		return cpnp_net_send(session->net, peer, message, now);
	err = cpnp_parts_send(session->parts, peer, message,
	    cpnp_net_datagram_max(session->net, peer), effect->u.send.again,
	    now.mono);
	if (err == 0 && effect->order != NULL)
		cpnp_order_set_arrival(session->orders, effect->order,
		    now.mono + CPNP_PARTS_TIME_MAX, now);
	drain(session, now);
	return err;
}

void
cpnpc_parts_timer(cpnpc_session *session, cpnp_now now)
{
	cpnp_parts_handle_expiry(session->parts, now.mono);
	drain(session, now);
}
