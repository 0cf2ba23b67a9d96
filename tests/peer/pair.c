/*
 * A client and a server joined, for tests.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

void
pair_init(struct pair *pair, cpnp_edition edition, bool sign)
{
	peer_init(&pair->client, "acme.example", "carrier.example", 1, sign);
	peer_init(&pair->server, "carrier.example", "acme.example", 2, sign);
	pair->edition = edition;
	pair->has_terms = pair->confirms = pair->is_child = false;
}

void
pair_fini(struct pair *pair)
{
	peer_fini(&pair->client);
	peer_fini(&pair->server);
}

void
pair_advance(struct pair *pair, cpnp_tstamp by)
{
	peer_advance(&pair->client, by);
	peer_advance(&pair->server, by);
}

static cpnp_method
hand_over(struct peer *from, struct peer *to)
{
	struct peer_mail mail;

	if (from->outbox_n == 0)
		return CPNP_METHOD_PARTS;
	mail = from->outbox[0];
	from->outbox_n--;
	memmove(&from->outbox[0], &from->outbox[1],
	    from->outbox_n * sizeof(from->outbox[0]));
	(void)peer_feed(to, from->name, (cpnp_bytes){mail.bytes, mail.len});
	free(mail.bytes);
	return mail.method;
}

cpnp_method
pair_to_server(struct pair *pair)
{
	return hand_over(&pair->client, &pair->server);
}

cpnp_method
pair_to_client(struct pair *pair)
{
	return hand_over(&pair->server, &pair->client);
}

static void
must(int err)
{
	if (err != 0)
		abort();
}

/* The steps of the usual negotiation, and where each leaves the two. */
enum stage {
	STAGE_CREATED,
	STAGE_QUOTATION_SENT,
	STAGE_AWAITING,
	STAGE_PROCESSING_SEEN,
	STAGE_OFFER_SENT,
	STAGE_OFFER_SEEN,
	STAGE_OFFER_PROCESSED,
	STAGE_ACCEPT_SENT,
	STAGE_ACCEPT_RECEIVED,
	STAGE_ACK_SENT,
	STAGE_COMPLETED
};

static void
do_create(struct pair *pair)
{
	cpnp_quotation q = peer_quotation(&pair->client, "o1");
	cpnp_order *order;

	q.edition = pair->edition;
	q.is_child = pair->is_child;
	must(cpnp_orders_create(
	    pair->client.orders, &q, &order, pair->client.now));
	peer_drain(&pair->client);
}

static void
do_offer(struct pair *pair, cpnp_bytes service)
{
	struct peer *server = &pair->server;
	cpnp_offer offer = peer_offer(server, service, 300);

	if (pair->has_terms)
		offer.settlement_terms = PEER_TERMS;
	offer.confirm = pair->confirms;
	must(cpnp_order_offer(
	    server->orders, peer_order(server, "o1"), &offer, server->now));
	peer_drain(server);
	if (server->config.sign)
		must(peer_sign(server, server->name));
}

static void
do_accept(struct pair *pair)
{
	struct peer *client = &pair->client;

	must(pair->has_terms ? cpnp_order_accept_paid(client->orders,
				   client->offer, PEER_PAYMENT, client->now)
			     : cpnp_order_accept(client->orders, client->offer,
				   client->now));
	peer_drain(client);
	if (client->config.sign)
		must(peer_sign(client, client->name));
}

static void
do_ack(struct pair *pair)
{
	struct peer *server = &pair->server;

	if (pair->has_terms || pair->confirms) {
		must(cpnp_order_paid(
		    server->orders, peer_order(server, "o1"), server->now));
		peer_drain(server);
	}
	if (server->config.sign)
		must(peer_sign(server, server->name));
}

static void
do_stage(struct pair *pair, enum stage stage)
{
	struct peer *client = &pair->client;

	switch (stage) {
	case STAGE_CREATED:
		do_create(pair);
		break;
	case STAGE_QUOTATION_SENT:
		must(cpnp_order_start(client->orders,
		    peer_order(client, "o1"), client->handle, client->now));
		peer_drain(client);
		break;
	case STAGE_AWAITING:
	case STAGE_OFFER_PROCESSED:
		(void)pair_to_server(pair);
		break;
	case STAGE_PROCESSING_SEEN:
	case STAGE_OFFER_SEEN:
		(void)pair_to_client(pair);
		break;
	case STAGE_COMPLETED:
		while (pair_to_client(pair) != CPNP_METHOD_PARTS)
			continue;
		break;
	case STAGE_OFFER_SENT:
		do_offer(pair, PEER_SERVICE_80);
		break;
	case STAGE_ACCEPT_SENT:
		do_accept(pair);
		break;
	case STAGE_ACCEPT_RECEIVED:
		(void)pair_to_server(pair);
		break;
	case STAGE_ACK_SENT:
		do_ack(pair);
		break;
	}
}

static void
run_to(struct pair *pair, enum stage last)
{
	for (int stage = STAGE_CREATED; stage <= (int)last; stage++)
		do_stage(pair, (enum stage)stage);
}

void
pair_client_to(struct pair *pair, cpnp_state state)
{
	switch (state) {
	case CPNP_STATE_CREATED:
		run_to(pair, STAGE_CREATED);
		break;
	case CPNP_STATE_PQO_SENT:
		run_to(pair, STAGE_QUOTATION_SENT);
		break;
	case CPNP_STATE_SERVER_PROCESSING:
		run_to(pair, STAGE_PROCESSING_SEEN);
		break;
	case CPNP_STATE_OFFER_PROCESSING:
		run_to(pair, STAGE_OFFER_PROCESSED);
		break;
	case CPNP_STATE_ACCEPT_SENT:
		run_to(pair, STAGE_ACCEPT_SENT);
		break;
	case CPNP_STATE_COMPLETED:
		run_to(pair, STAGE_COMPLETED);
		break;
	case CPNP_STATE_CANCELLED:
		run_to(pair, STAGE_PROCESSING_SEEN);
		must(cpnp_order_cancel(pair->client.orders,
		    peer_order(&pair->client, "o1"), pair->client.now));
		peer_drain(&pair->client);
		break;
	case CPNP_STATE_NONE:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		abort();
	}
	peer_clear(&pair->client);
	peer_clear(&pair->server);
}

void
pair_server_to(struct pair *pair, cpnp_state state)
{
	switch (state) {
	case CPNP_STATE_AWAITING_PROCESSING:
		run_to(pair, STAGE_PROCESSING_SEEN);
		break;
	case CPNP_STATE_OFFER_PROPOSED:
		run_to(pair, STAGE_OFFER_SEEN);
		break;
	case CPNP_STATE_PROCESSING_RECEIVED:
		run_to(pair, STAGE_OFFER_PROCESSED);
		break;
	case CPNP_STATE_ACCEPT_RECEIVED:
		run_to(pair, STAGE_ACCEPT_RECEIVED);
		break;
	case CPNP_STATE_COMPLETED:
		run_to(pair, STAGE_COMPLETED);
		break;
	case CPNP_STATE_CANCELLED:
		run_to(pair, STAGE_OFFER_PROCESSED);
		must(cpnp_order_decline(pair->client.orders,
		    pair->client.offer, NULL, 0, pair->client.now));
		peer_drain(&pair->client);
		(void)pair_to_server(pair);
		(void)pair_to_client(pair);
		break;
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_ACCEPT_SENT:
	case CPNP_STATE_PQO_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		abort();
	}
	peer_clear(&pair->client);
	peer_clear(&pair->server);
}

void
pair_activate(
    struct pair *pair, const cpnp_schedule *schedule, bool is_granted)
{
	struct peer *client = &pair->client, *server = &pair->server;

	must(cpnp_order_activate(client->orders, peer_order(client, "o1"),
	    schedule, client->now));
	peer_drain(client);
	if (!is_granted)
		return;
	(void)pair_to_server(pair);
	must(cpnp_order_grant(
	    server->orders, peer_order(server, "o1"), server->now));
	peer_drain(server);
	(void)pair_to_client(pair);
	peer_clear(client);
	peer_clear(server);
}

static void
do_update(struct pair *pair)
{
	struct peer *client = &pair->client;
	cpnp_update update = {PEER_UPDATE(client)};

	must(cpnp_order_update(client->orders, peer_order(client, "o1"),
	    &update, client->now));
	peer_drain(client);
}

void
pair_update(struct pair *pair, cpnp_state state)
{
	static const cpnp_state states[] = {CPNP_STATE_PQO_SENT,
	    CPNP_STATE_SERVER_PROCESSING, CPNP_STATE_OFFER_PROCESSING,
	    CPNP_STATE_ACCEPT_SENT, CPNP_STATE_COMPLETED};
	size_t i = 0;

	do_update(pair);
	while (states[i++] != state) {
		switch (i) {
		case 1:
			(void)pair_to_server(pair);
			(void)pair_to_client(pair);
			break;
		case 2:
			do_offer(pair, PEER_SERVICE_60);
			(void)pair_to_client(pair);
			(void)pair_to_server(pair);
			break;
		case 3:
			do_stage(pair, STAGE_ACCEPT_SENT);
			break;
		default:
			(void)pair_to_server(pair);
			do_stage(pair, STAGE_ACK_SENT);
			do_stage(pair, STAGE_COMPLETED);
		}
	}
}

void
pair_withdraw(struct pair *pair, bool is_acknowledged)
{
	must(cpnp_order_withdraw(pair->client.orders,
	    peer_order(&pair->client, "o1"), pair->client.now));
	peer_drain(&pair->client);
	if (!is_acknowledged)
		return;
	(void)pair_to_server(pair);
	(void)pair_to_client(pair);
	peer_clear(&pair->client);
	peer_clear(&pair->server);
}
