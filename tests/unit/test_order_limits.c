/*
 * What orders hold in memory is counted and bounded, and none is forgotten
 * before it is durable (design: Orders, Security).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit.h"

#define LINGER CPNP_SECONDS(60)
#define LITTLE CPNP_MILLISECONDS(1)

static struct pair pair;
static struct peer *const server = &pair.server;

/* The server again, after a change of its config. */
static void
renew_server(void)
{
	cpnp_orders_del(server->orders);
	ck_assert_int_eq(cpnp_orders_new(&server->orders, &server->config,
			     &server->env.env),
	    0);
}

/* What the documents of an order take, reckoned from outside: those that are
 * at one address are one. */
static size_t
documents(const cpnp_order *order)
{
	cpnp_bytes docs[CPNP_DOC_END];
	size_t size = 0;

	for (int i = 0; i < CPNP_DOC_END; i++) {
		bool again = false;

		docs[i] = cpnp_order_doc(order, (cpnp_doc)i);
		for (int j = 0; j < i; j++)
			again = again || docs[j].ptr == docs[i].ptr;
		if (docs[i].ptr != NULL && !again)
			size += sizeof(struct cpnp_blob) + docs[i].len;
	}
	return size;
}

static size_t
held(const cpnp_order *order)
{
	return sizeof(*order) + cpnp_order_identity(order).len +
	    cpnp_order_peer_identity(order).len +
	    cpnp_order_customer_id(order).len + documents(order);
}

START_TEST(test_memory_is_counted_as_documents_come_and_go)
{
	static const cpnp_state way[] = {CPNP_STATE_AWAITING_PROCESSING,
	    CPNP_STATE_OFFER_PROPOSED, CPNP_STATE_PROCESSING_RECEIVED,
	    CPNP_STATE_COMPLETED};
	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++) {
		const cpnp_order *order;
		size_t now;

		pair_init(&pair, CPNP_EDITION_RFC8921, false);
		ck_assert_uint_eq(cpnp_orders_memory(server->orders), 0);
		pair_server_to(&pair, way[i]);
		order = peer_order(server, "o1");
		now = cpnp_orders_memory(server->orders);
		ck_assert_uint_eq(now, held(order));
		ck_assert_uint_eq(now, cpnp_order_memory(order));
		/* a client's are counted as well */
		ck_assert_uint_eq(cpnp_orders_memory(pair.client.orders),
		    held(peer_order(&pair.client, "o1")));
		/* loaded it is what it was, and gone when it is forgotten */
		peer_crash(server);
		if (way[i] != CPNP_STATE_COMPLETED)
			ck_assert_uint_eq(
			    cpnp_orders_memory(server->orders), now);
		cpnp_orders_clear_effects(server->orders);
		if (peer_order(server, "o1") != NULL)
			cpnp_orders_drop(
			    server->orders, peer_order(server, "o1"));
		ck_assert_uint_eq(cpnp_orders_memory(server->orders), 0);
		pair_fini(&pair);
	}
}
END_TEST

START_TEST(test_memory_is_given_back_when_it_is_forgotten)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, CPNP_STATE_COMPLETED);
	ck_assert_uint_gt(cpnp_orders_memory(server->orders), 0);
	peer_advance(server, LINGER);
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 0);
	ck_assert_uint_eq(cpnp_orders_memory(server->orders), 0);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_memory_max_refuses_new_orders_only)
{
	cpnp_quotation q;
	cpnp_order *order;
	size_t one;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	ck_assert_int_eq(peer_quote(server, "o1"), 0);
	one = cpnp_orders_memory(server->orders);
	/* one byte above what one order holds: a second is taken, no third */
	server->config.memory_max = one + 1;
	renew_server();
	ck_assert_int_eq(peer_quote(server, "o4"), 0);
	ck_assert_int_eq(peer_quote(server, "o2"), 0);
	peer_clear(server);
	ck_assert_int_eq(peer_quote(server, "o3"), CPNP_ERR_FULL);
	ck_assert_str_eq(peer_outcome(server, CPNP_ERR_FULL), "FAIL5!");
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 2);
	/* what is there goes on, and what was there is loaded */
	peer_clear(server);
	ck_assert_int_eq(peer_quote(server, "o2"), 0);
	peer_crash(server);
	ck_assert_uint_ge(cpnp_orders_count(server->orders), 2);
	/* so it is with what is ordered here */
	q = peer_quotation(server, "c1");
	ck_assert_int_eq(cpnp_orders_create(server->orders, &q, &order,
			     server->now),
	    CPNP_ERR_FULL);
	/* and room comes back */
	for (int i = 1; i <= 4; i++) {
		char id[] = {'o', (char)('0' + i), '\0'};

		if (peer_order(server, id) != NULL)
			cpnp_orders_drop(
			    server->orders, peer_order(server, id));
	}
	ck_assert_int_eq(peer_quote(server, "o5"), 0);
	pair_fini(&pair);
}
END_TEST

/* A writer that hangs for longer than the retransmission window: the order
 * stays, until the application says that it is stored. */
START_TEST(test_nothing_is_forgotten_before_it_is_durable)
{
	cpnp_order *order;
	uint64_t stored;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	server->config.confirm_stores = true;
	renew_server();
	pair_server_to(&pair, CPNP_STATE_COMPLETED);
	order = peer_order(server, "o1");
	stored = order->stored;
	ck_assert_uint_gt(stored, 0);
	for (int i = 0; i < 3; i++) {
		cpnp_orders_set_durable(server->orders, stored - 1);
		peer_advance(server, LINGER);
		ck_assert_uint_eq(cpnp_orders_count(server->orders), 1);
	}
	cpnp_orders_set_durable(server->orders, stored);
	/* it never goes back */
	cpnp_orders_set_durable(server->orders, 1);
	peer_advance(server, LINGER - LITTLE);
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 1);
	peer_advance(server, LITTLE);
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 0);
	ck_assert_uint_eq(server->forgotten, 1);
	pair_fini(&pair);
}
END_TEST

/* What is loaded is durable. */
START_TEST(test_loaded_order_is_durable)
{
	cpnp_order *order;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	server->config.confirm_stores = true;
	renew_server();
	pair_server_to(&pair, CPNP_STATE_COMPLETED);
	order = peer_order(server, "o1");
	cpnp_orders_drop(server->orders, order);
	ck_assert_int_eq(peer_load(server,
			     peer_find_record(server, CPNP_SERVER,
				 server->other, "o1")),
	    0);
	peer_advance(server, LINGER);
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 0);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_memory_is_counted_as_documents_come_and_go,
	    test_memory_is_given_back_when_it_is_forgotten,
	    test_memory_max_refuses_new_orders_only,
	    test_nothing_is_forgotten_before_it_is_durable,
	    test_loaded_order_is_durable,
	};

	return unit_run(
	    "order_limits", tests, sizeof(tests) / sizeof(tests[0]));
}
