/*
 * WITHDRAW: a transaction of its own on an agreement (RFC 8921, 9.2.8, 11.1.2
 * and 11.2.2).  What each state does with each event is in test_order_table.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../peer/peer.h"
#include "unit.h"

static struct pair pair;
static struct peer *const client = &pair.client, *const server = &pair.server;

static void
setup(void)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
}

static cpnp_agreement_state
agreement_of(const struct peer *p)
{
	return cpnp_order_agreement_state(peer_order(p, "o1"));
}

static cpnp_msg
sent_by(const struct peer *p)
{
	const struct peer_mail *mail = &p->outbox[0];
	cpnp_msg msg;

	ck_assert_uint_gt(p->outbox_n, 0);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     (cpnp_bytes){mail->bytes, mail->len}, NULL),
	    0);
	return msg;
}

/* C25, C37: identifiers and nonce, in a transaction of its own. */
START_TEST(test_withdraw_says_what_it_has_to)
{
	const uint64_t wanted = CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER) |
	    CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_PROVIDER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
	static cpnp_agreement agreement;
	cpnp_order_opening opening;
	cpnp_order *order;
	cpnp_msg msg;

	setup();
	order = peer_order(client, "o1");
	pair_withdraw(&pair, false);
	msg = sent_by(client);
	ck_assert_int_eq(msg.method, CPNP_METHOD_WITHDRAW);
	ck_assert_uint_eq(msg.present & ~CPNP_MSG_HEAD_READ, wanted);
	ck_assert_int_eq(cpnp_order_get_agreement(order, &agreement), 0);
	unit_assert_bytes(msg.nonce, agreement.nonce);
	unit_assert_bytes(
	    msg.provider_order_id, cpnp_order_provider_id(order));
	unit_assert_bytes(
	    msg.transaction_id, cpnp_order_transaction_id(order));
	/* the order itself is still named by its first one */
	ck_assert_int_eq(cpnp_order_get_opening(order, &opening), 0);
	ck_assert(
	    !cpnp_bytes_equal(opening.transaction_id, msg.transaction_id));
	unit_assert_bytes(opening.transaction_id, agreement.transaction_id);
	ck_assert_uint_le(msg.sequence_number, UINT32_C(0x80000000));
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 33: an agreement that has a transaction open gets no
 * second one, and none that has ended does. */
START_TEST(test_33_no_second_transaction)
{
	setup();
	pair_withdraw(&pair, false);
	ck_assert_int_eq(cpnp_order_withdraw(client->orders,
			     peer_order(client, "o1"), client->now),
	    CPNP_ERR_BUSY);
	ck_assert_int_eq(cpnp_order_cancel(client->orders,
			     peer_order(client, "o1"), client->now),
	    CPNP_ERR_STATE);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert_int_eq(agreement_of(client), CPNP_AGREEMENT_ENDED);
	ck_assert_int_eq(cpnp_order_withdraw(client->orders,
			     peer_order(client, "o1"), client->now),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

/* A FAIL is definite: the agreement is what it was, and may be withdrawn
 * again, in another transaction. */
START_TEST(test_refused_withdrawal_leaves_the_agreement)
{
	uint8_t first[CPNP_TRANSACTION_ID_MAX];
	cpnp_bytes id, receipt;
	cpnp_order *order;
	cpnp_msg fail;

	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
	order = peer_order(client, "o1");
	receipt = cpnp_order_receipt(order);
	ck_assert_uint_gt(receipt.len, 0);
	pair_withdraw(&pair, false);
	peer_clear(client);
	fail = peer_hand(client, "o1", CPNP_METHOD_FAIL);
	id = cpnp_order_transaction_id(order);
	memcpy(first, id.ptr, id.len);
	ck_assert_int_eq(peer_feed_msg(client, &fail), 0);
	ck_assert_str_eq(peer_outcome(client, 0), "CO .");
	ck_assert_int_eq(agreement_of(client), CPNP_AGREEMENT_COMPLETED);
	ck_assert_int_eq(
	    cpnp_order_status(order), CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert(cpnp_order_is_settled(order));
	unit_assert_bytes(cpnp_order_receipt(order), receipt);
	peer_crash(client);
	ck_assert_int_eq(
	    peer_load(client, &client->records[0]), 0);
	order = peer_order(client, "o1");
	ck_assert_int_eq(cpnp_order_set_peer(client->orders, order,
			     client->handle, false, client->now),
	    0);
	pair_withdraw(&pair, false);
	ck_assert_int_eq(cpnp_order_status(order), CPNP_STATUS_NONE);
	ck_assert(!cpnp_bytes_equal(cpnp_order_transaction_id(order),
	    (cpnp_bytes){first, sizeof(first) < 16 ? sizeof(first) : 16}));
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert_int_eq(agreement_of(client), CPNP_AGREEMENT_ENDED);
	ck_assert_int_eq(agreement_of(server), CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* A cookie is asked for: no word on the order. */
START_TEST(test_cookie_is_no_refusal)
{
	cpnp_msg fail;

	setup();
	pair_withdraw(&pair, false);
	fail = peer_hand(client, "o1", CPNP_METHOD_FAIL);
	fail.status = CPNP_STATUS_AUTHENTICATION_REQUIRED;
	fail.cookie = CPNP_BYTES_LIT("12345678");
	fail.present |= CPNP_ATTR_BIT(CPNP_ATTR_COOKIE);
	ck_assert_int_eq(
	    peer_feed_msg(client, &fail), CPNP_ERR_UNEXPECTED);
	ck_assert(cpnp_order_is_outstanding(peer_order(client, "o1")));
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 10: PROCESSING is taken, and stops the retries; when no
 * ACK follows the administrator hears of it, and a new cycle begins. */
START_TEST(test_10_processing_answers_withdraw)
{
	cpnp_msg processing;

	setup();
	pair_withdraw(&pair, false);
	peer_clear(client);
	processing = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	ck_assert_int_eq(peer_feed_msg(client, &processing), 0);
	peer_advance(client, CPNP_SECONDS(299));
	ck_assert_uint_eq(client->outbox_n, 0);
	ck_assert_uint_eq(client->alarms, 0);
	peer_advance(client, CPNP_SECONDS(1));
	ck_assert_uint_eq(client->alarms, 1);
	peer_advance(client, CPNP_SECONDS(300));
	ck_assert_uint_eq(client->outbox_n, 1);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_WITHDRAW);
	/* the one by hand had the largest number there is */
	ck_assert_int_eq(agreement_of(server), CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 8: less than 60 s is 60 s, whatever is configured. */
START_TEST(test_08_never_sooner_than_60_s)
{
	setup();
	client->config.withdraw_retry = CPNP_SECONDS(1);
	peer_crash(client);
	ck_assert_int_eq(peer_load(client, &client->records[0]), 0);
	ck_assert_int_eq(
	    cpnp_order_set_peer(client->orders, peer_order(client, "o1"),
		client->handle, false, client->now),
	    0);
	pair_withdraw(&pair, false);
	for (int i = 0; i < 4; i++)
		peer_advance(client, CPNP_SECONDS(2));
	ck_assert_uint_eq(client->alarms, 1);
	ck_assert_uint_eq(client->outbox_n, 4);
	peer_advance(client, CPNP_SECONDS(59));
	ck_assert_uint_eq(client->outbox_n, 4);
	peer_advance(client, CPNP_SECONDS(1));
	ck_assert_uint_eq(client->outbox_n, 5);
	pair_fini(&pair);
}
END_TEST

/* Whoever asks for it need not wait for the next cycle. */
START_TEST(test_resume_repeats_at_once)
{
	cpnp_order *order;

	setup();
	order = peer_order(client, "o1");
	pair_withdraw(&pair, false);
	for (int i = 0; i < 4; i++)
		peer_advance(client, CPNP_SECONDS(2));
	peer_clear(client);
	ck_assert_int_eq(cpnp_order_set_peer(client->orders, order,
			     client->handle, true, client->now),
	    0);
	peer_drain(client);
	ck_assert_str_eq(peer_outcome(client, 0), "= WITHDRAW~");
	ck_assert_uint_eq(client->alarms, 1);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 14: the order belongs to the identity, and not to the
 * address. */
START_TEST(test_14_withdraw_from_another_address)
{
	setup();
	pair_withdraw(&pair, false);
	server->handle = 99;
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_WITHDRAW);
	ck_assert_int_eq(agreement_of(server), CPNP_AGREEMENT_ENDED);
	ck_assert_uint_eq(server->outbox[0].to, 99);
	pair_fini(&pair);
}
END_TEST

/* The nonce alone is not enough: another customer's is an unknown order. */
START_TEST(test_withdraw_of_another_customer)
{
	cpnp_msg msg;

	setup();
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	server->other = "rival.example";
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_UNKNOWN_ORDER);
	server->other = "acme.example";
	ck_assert_int_eq(agreement_of(server), CPNP_AGREEMENT_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* A peer that knows of no second transaction stays in the first one, with its
 * numbers; so do we. */
START_TEST(test_withdraw_in_the_first_transaction)
{
	uint32_t before;
	cpnp_msg msg, ack;

	setup();
	ck_assert_int_eq(cpnp_msg_decode(&ack,
			     cpnp_order_doc(peer_order(server, "o1"),
				 CPNP_DOC_LAST_OUT),
			     NULL),
	    0);
	before = ack.sequence_number;
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	msg.sequence_number = 1;
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_REPLAY);
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ack = sent_by(server);
	ck_assert_int_eq(ack.method, CPNP_METHOD_ACK);
	ck_assert_uint_eq(ack.sequence_number, before + 1);
	ck_assert_int_eq(agreement_of(server), CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* One for an agreement that has ended is acknowledged again, also in yet
 * another transaction and after the order has left memory (C32). */
START_TEST(test_ended_agreement_is_acknowledged_again)
{
	cpnp_msg msg;

	setup();
	pair_withdraw(&pair, true);
	pair_advance(&pair, CPNP_SECONDS(61));
	ck_assert_ptr_null(peer_order(server, "o1"));
	ck_assert_int_eq(peer_load(server, &server->records[0]), 0);
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	msg.transaction_id = CPNP_BYTES_LIT("transaction3");
	peer_clear(server);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(peer_outcome(server, 0), "= ACK");
	unit_assert_bytes(sent_by(server).service_description,
	    CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80"));
	ck_assert_uint_eq(server->records[0].ended, 1);
	pair_fini(&pair);
}
END_TEST

/* Both changes, of transaction and of agreement, are leaves of the journal. */
START_TEST(test_both_ends_are_in_the_journal)
{
	size_t client_leaves, server_leaves;

	setup();
	client_leaves = client->records[0].leaves;
	server_leaves = server->records[0].leaves;
	pair_withdraw(&pair, true);
	ck_assert_uint_eq(client->records[0].leaves, client_leaves + 2);
	ck_assert_uint_eq(server->records[0].leaves, server_leaves + 1);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_withdraw_says_what_it_has_to,
	    test_33_no_second_transaction,
	    test_refused_withdrawal_leaves_the_agreement,
	    test_cookie_is_no_refusal,
	    test_10_processing_answers_withdraw,
	    test_08_never_sooner_than_60_s,
	    test_resume_repeats_at_once,
	    test_14_withdraw_from_another_address,
	    test_withdraw_of_another_customer,
	    test_withdraw_in_the_first_transaction,
	    test_ended_agreement_is_acknowledged_again,
	    test_both_ends_are_in_the_journal,
	};

	return unit_run(
	    "order_withdraw", tests, sizeof(tests) / sizeof(tests[0]));
}
