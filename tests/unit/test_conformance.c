/*
 * Requirements and decisions that no other test shows by itself.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/net.h>

#include "../peer/peer.h"
#include "unit.h"

/* C16, RFC 8921, 8.7: Transaction-IDs are random and cannot be guessed: 128
 * bits of the source of random bytes, others for each order. */
START_TEST(test_client_transaction_ids_are_random)
{
	enum { N = 64 };
	uint8_t ids[N][CPNP_TRANSACTION_ID_MAX];
	struct peer client;
	cpnp_order *order;
	char id[16];

	peer_init(&client, "acme.example", "carrier.example", 1, false);
	for (size_t i = 0; i < N; i++) {
		cpnp_quotation q;
		cpnp_bytes transaction;

		(void)snprintf(id, sizeof(id), "o%zu", i);
		q = peer_quotation(&client, id);
		ck_assert_int_eq(cpnp_orders_create(
				     client.orders, &q, &order, client.now),
		    0);
		peer_drain(&client);
		transaction = cpnp_order_transaction_id(order);
		ck_assert_uint_eq(transaction.len, 16);
		memcpy(ids[i], transaction.ptr, 16);
		for (size_t j = 0; j < i; j++)
			ck_assert_int_ne(memcmp(ids[i], ids[j], 16), 0);
	}
	peer_fini(&client);
}
END_TEST

/* contradictions.md, 9: CANCEL and WITHDRAW are what RFC 8921, 11.2.2, says,
 * and not a new negotiation as those of the section on updates (11.2.3). */
START_TEST(test_09_cancel_and_withdraw_negotiate_nothing)
{
	struct pair pair;

	for (cpnp_edition edition = CPNP_EDITION_DRAFT02;
	     edition <= CPNP_EDITION_RFC8921; edition++) {
		pair_init(&pair, edition, false);
		pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
		ck_assert_int_eq(cpnp_order_cancel(pair.client.orders,
				     peer_order(&pair.client, "o1"),
				     pair.client.now),
		    0);
		peer_drain(&pair.client);
		ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_CANCEL);
		ck_assert_str_eq(peer_outcome(&pair.server, 0), "CA ACK .");
		pair_fini(&pair);

		pair_init(&pair, edition, false);
		pair_server_to(&pair, CPNP_STATE_COMPLETED);
		pair_withdraw(&pair, false);
		ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_WITHDRAW);
		ck_assert_str_eq(peer_outcome(&pair.server, 0), "CA ACK .");
		pair_fini(&pair);
	}
}
END_TEST

/* contradictions.md, 25: services are published by the catalogue; an edition
 * has the methods of its text and no other, besides the parts. */
START_TEST(test_25_no_method_publishes_services)
{
	for (int method = -1; method < 256; method++) {
		ck_assert(cpnp_method_exists(CPNP_EDITION_DRAFT02, method) ==
		    (method >= 0 && method <= 10));
		ck_assert(cpnp_method_exists(CPNP_EDITION_RFC8921, method) ==
		    (method >= 0 && method <= 11));
	}
}
END_TEST

/* C45, draft-02, 14: methods 1 to 10 by their numbers, and a port. */
START_TEST(test_numbers_are_those_of_the_registries)
{
	static const char *const names[] = {"PROVISION", "PROCESSING",
	    "OFFER", "ACCEPT", "DECLINE", "ACK", "CANCEL", "WITHDRAW",
	    "UPDATE", "FAIL"};

	for (int i = 0; i < 10; i++)
		ck_assert_str_eq(
		    cpnp_method_name(CPNP_EDITION_DRAFT02, i + 1), names[i]);
	ck_assert_str_eq(cpnp_method_name(CPNP_EDITION_RFC8921, 1),
	    "QUOTATION");
	ck_assert_str_eq(cpnp_method_name(CPNP_EDITION_RFC8921, 11),
	    "ACTIVATE");
	ck_assert_int_eq(CPNP_PORT, 49920);
	ck_assert_int_eq(CPNP_PORT_DTLS, 49921);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_client_transaction_ids_are_random,
	    test_09_cancel_and_withdraw_negotiate_nothing,
	    test_25_no_method_publishes_services,
	    test_numbers_are_those_of_the_registries};

	return unit_run(
	    "conformance", tests, sizeof(tests) / sizeof(tests[0]));
}
