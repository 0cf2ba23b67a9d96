/*
 * The server of an order: what it answers, what it promises and for how long,
 * and what it does with what comes twice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../peer/peer.h"
#include "unit_loop.h"

#define RETRANS CPNP_SECONDS(2)
#define LITTLE CPNP_MILLISECONDS(1)

static struct pair pair;
static struct peer *const server = &pair.server;

static void
setup_server(cpnp_state state)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, state);
}

static void
setup_signing_server(cpnp_state state)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_server_to(&pair, state);
}

static cpnp_order *
order(void)
{
	return peer_order(server, "o1");
}

static void
assert_outcome(int err, const char *expected)
{
	ck_assert_str_eq(peer_outcome(server, err), expected);
	peer_clear(server);
}

static void
assert_after(cpnp_tstamp time, const char *expected)
{
	peer_advance(server, time - LITTLE);
	assert_outcome(0, "-");
	peer_advance(server, LITTLE);
	assert_outcome(0, expected);
}

/* The only message in the outbox, decoded. */
static cpnp_msg
sent(void)
{
	cpnp_msg msg;

	ck_assert_uint_eq(server->outbox_n, 1);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     (cpnp_bytes){server->outbox[0].bytes,
				 server->outbox[0].len},
			     NULL),
	    0);
	return msg;
}

/* C30, C24: the identifiers are copied, and ours is a new one. */
START_TEST(test_server_quotation_is_processed)
{
	cpnp_msg msg;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	ck_assert_int_eq(peer_quote(server, "o1"), 0);
	ck_assert_str_eq(server->trace,
	    "none->PQOReceived;PQOReceived->AwaitingProcessing;"
	    "PROCESSING;?decide;");
	msg = sent();
	ck_assert(cpnp_bytes_equal(
	    msg.customer_order_id, CPNP_BYTES_LIT("o1")));
	ck_assert(cpnp_bytes_equal(
	    msg.transaction_id, CPNP_BYTES_LIT("transaction1")));
	ck_assert(cpnp_order_id_is_valid(msg.provider_order_id));
	ck_assert_uint_eq(msg.provider_order_id.len, 25);
	ck_assert_uint_le(msg.sequence_number, (uint32_t)INT32_MAX + 1);
	ck_assert_int_eq(
	    msg.expected_offer_time.sec, server->now.wall.sec + 60);
	pair_fini(&pair);
}
END_TEST

/* C44: an identity that may not order leaves no trace. */
START_TEST(test_server_refuses_who_may_not_order)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	server->may_order = false;
	assert_outcome(peer_quote(server, "o1"), "FAIL3!");
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 0);
	ck_assert_uint_eq(server->records_n, 0);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_server_full_refuses_with_out_of_resources)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	cpnp_orders_del(server->orders);
	server->config.orders_max = 2;
	ck_assert_int_eq(cpnp_orders_new(&server->orders, &server->config,
			     &server->env.env),
	    0);
	ck_assert_int_eq(peer_quote(server, "o1"), 0);
	ck_assert_int_eq(peer_quote(server, "o2"), 0);
	peer_clear(server);
	ck_assert_int_eq(peer_quote(server, "o3"), CPNP_ERR_FULL);
	assert_outcome(CPNP_ERR_FULL, "FAIL5!");
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 2);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 32: also when the order is only in the archive. */
START_TEST(test_32_identifier_is_never_used_again)
{
	setup_server(CPNP_STATE_COMPLETED);
	peer_advance(server, CPNP_SECONDS(60));
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 0);
	peer_clear(server);
	assert_outcome(peer_quote(server, "o1"), "FAIL1!");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 21: another customer's identifier is its own. */
START_TEST(test_21_identifier_belongs_to_identity)
{
	setup_server(CPNP_STATE_AWAITING_PROCESSING);
	server->other = "rival.example";
	assert_outcome(peer_quote(server, "o1"), "AW PROCESSING ?decide");
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 2);
	server->other = "acme.example";
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 12: after an OFFER, a repeated QUOTATION gets it. */
START_TEST(test_12_repeated_quotation_gets_newest_message)
{
	uint8_t bytes[CPNP_MSG_MAX];
	cpnp_bytes quotation;

	setup_server(CPNP_STATE_AWAITING_PROCESSING);
	quotation = cpnp_order_doc(order(), CPNP_DOC_REQUEST);
	memcpy(bytes, quotation.ptr, quotation.len);
	quotation.ptr = bytes;
	assert_outcome(
	    peer_feed(server, server->other, quotation), "= PROCESSING~");
	assert_outcome(peer_feed(server, server->other, quotation), "-");
	pair_fini(&pair);

	setup_server(CPNP_STATE_OFFER_PROPOSED);
	assert_outcome(
	    peer_feed(server, server->other,
		cpnp_order_doc(peer_order(&pair.client, "o1"),
		    CPNP_DOC_REQUEST)),
	    "= OFFER~");
	pair_fini(&pair);
}
END_TEST

/* A number not larger, and other bytes: a replay, or a forgery. */
START_TEST(test_12_equal_number_with_other_bytes_is_discarded)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_OFFER_PROPOSED);
	msg = peer_hand(server, "o1", CPNP_METHOD_PROCESSING);
	assert_outcome(peer_feed_msg(server, &msg), "PC");
	msg = peer_hand(server, "o1", CPNP_METHOD_CANCEL);
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_REPLAY);
	assert_outcome(CPNP_ERR_REPLAY, "x");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 12: draft-02 has no numbers; a late copy of the
 * QUOTATION is known by its bytes. */
START_TEST(test_12_draft02_late_quotation_is_known)
{
	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
	assert_outcome(
	    peer_feed(server, server->other,
		cpnp_order_doc(peer_order(&pair.client, "o1"),
		    CPNP_DOC_REQUEST)),
	    "= OFFER~");
	pair_fini(&pair);
}
END_TEST

/* C38; contradictions.md, 31. */
START_TEST(test_31_offer_is_repeated_then_stays_open)
{
	setup_server(CPNP_STATE_AWAITING_PROCESSING);
	pair_fini(&pair);
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_server_to(&pair, CPNP_STATE_OFFER_PROPOSED);
	assert_after(RETRANS, "= OFFER~");
	assert_after(RETRANS, "= OFFER~");
	assert_after(RETRANS, "= OFFER~");
	assert_after(CPNP_SECONDS(300) - 3 * RETRANS, "CA .");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_18_accept_in_the_last_second_is_taken)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_PROCESSING_RECEIVED);
	server->now.wall.sec += 299;
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	assert_outcome(peer_feed_msg(server, &msg), "CO ACK .");
	pair_fini(&pair);
}
END_TEST

/* The timer has not run yet: the wall clock decides when it arrives. */
START_TEST(test_18_late_accept_gets_a_verdict)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_PROCESSING_RECEIVED);
	server->now.wall.sec += 300;
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	(void)peer_feed_msg(server, &msg);
	ck_assert_uint_gt(sent().explanations_n, 0);
	assert_outcome(0, "CA FAIL1 .");
	/* ... and the same one again, once more */
	assert_outcome(peer_feed_msg(server, &msg), "= FAIL1~");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_18_accept_of_expired_order_gets_a_verdict)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_PROCESSING_RECEIVED);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	peer_advance(server, CPNP_SECONDS(300));
	assert_outcome(0, "CA .");
	assert_outcome(peer_feed_msg(server, &msg), "= FAIL1");
	pair_fini(&pair);
}
END_TEST

/* C31; contradictions.md, 4 and 17. */
START_TEST(test_04_decline_is_acked_with_empty_cpd)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_OFFER_PROPOSED);
	msg = peer_hand(server, "o1", CPNP_METHOD_DECLINE);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert(cpnp_bytes_equal(sent().service_description,
	    CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80")));
	assert_outcome(0, "CA ACK .");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_05_cancel_is_acked_with_requested_cpd)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_PROCESSING_RECEIVED);
	msg = peer_hand(server, "o1", CPNP_METHOD_CANCEL);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	msg = sent();
	ck_assert(cpnp_bytes_equal(msg.service_description, PEER_SERVICE));
	ck_assert(cpnp_bytes_equal(
	    msg.explanations[0].clause, CPNP_BYTES_LIT("CANCEL")));
	assert_outcome(0, "CA ACK .");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 5: after the ACK the answer is the ACK. */
START_TEST(test_05_cancel_after_ack_gets_that_ack)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_COMPLETED);
	msg = peer_hand(server, "o1", CPNP_METHOD_CANCEL);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert(
	    cpnp_bytes_equal(sent().service_description, PEER_SERVICE_80));
	assert_outcome(0, "= ACK~");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 3. */
START_TEST(test_03_draft02_decline_may_leave_out_the_nonce)
{
	cpnp_msg msg;

	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	pair_server_to(&pair, CPNP_STATE_OFFER_PROPOSED);
	msg = peer_hand(server, "o1", CPNP_METHOD_DECLINE);
	ck_assert(!cpnp_msg_has(&msg, CPNP_ATTR_NONCE));
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
	msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	assert_outcome(peer_feed_msg(server, &msg), "FAIL1!");
	msg.present &= ~CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
	assert_outcome(peer_feed_msg(server, &msg), "CA ACK .");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 17 and 28: one offer to an order, under one nonce. */
START_TEST(test_17_declined_order_gets_no_other_offer)
{
	cpnp_offer offer;

	setup_server(CPNP_STATE_CANCELLED);
	offer = peer_offer(server, PEER_SERVICE, 100);
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 33 and 28: what begins a second transaction is refused,
 * and the agreement stays as it is. */
START_TEST(test_33_update_leaves_the_agreement)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_COMPLETED);
	msg = peer_hand(server, "o1", CPNP_METHOD_UPDATE);
	msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	assert_outcome(
	    peer_feed_msg(server, &msg), "AW PROCESSING ?decide");
	peer_clear(server);
	msg.transaction_id = CPNP_BYTES_LIT("transaction3");
	assert_outcome(peer_feed_msg(server, &msg), "FAIL1!");
	peer_clear(server);
	msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	assert_outcome(peer_feed_msg(server, &msg), "FAIL1!");
	ck_assert_int_eq(cpnp_order_agreement_state(order()),
	    CPNP_AGREEMENT_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 14 and 22: the way back follows the customer. */
START_TEST(test_14_answer_goes_where_the_request_came_from)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_OFFER_PROPOSED);
	server->handle = 99;
	msg = peer_hand(server, "o1", CPNP_METHOD_DECLINE);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_uint_eq(server->outbox[0].to, 99);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 22: to the source port, whatever it is. */
START_TEST(test_22_answer_goes_to_the_source_of_the_request)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	server->handle = 49152;
	ck_assert_int_eq(peer_quote(server, "o1"), 0);
	ck_assert_uint_eq(server->outbox[0].to, 49152);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 28: the nonce of the agreement stays good when an UPDATE
 * is refused. */
START_TEST(test_28_refused_update_leaves_the_nonce)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_COMPLETED);
	msg = peer_hand(server, "o1", CPNP_METHOD_UPDATE);
	msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	peer_clear(server);
	ck_assert_int_eq(cpnp_order_refuse(server->orders, order(),
			     CPNP_STATUS_NETWORK_PRESENCE, NULL, 0,
			     server->now),
	    0);
	peer_drain(server);
	assert_outcome(0, "CO FAIL6 .");
	peer_clear(server);
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	msg.transaction_id = CPNP_BYTES_LIT("transaction3");
	assert_outcome(peer_feed_msg(server, &msg), "CA ACK .");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 29: a FAIL names what was readable. */
START_TEST(test_29_fail_names_what_was_readable)
{
	/* [1, 1, {2: h'00..07', 3: "o1", 9: 7}]: no number, and 9 is wrong */
	static const char invalid[] =
	    "\x83\x01\x01\xa3\x02\x48\x00\x01\x02\x03\x04\x05\x06\x07"
	    "\x03\x62o1\x09\x07";
	cpnp_msg msg;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	ck_assert_int_ne(
	    peer_feed(server, server->other, CPNP_BYTES_LIT(invalid)), 0);
	msg = sent();
	ck_assert_int_eq(msg.status, CPNP_STATUS_MESSAGE_VALIDATION);
	ck_assert(cpnp_bytes_equal(
	    msg.customer_order_id, CPNP_BYTES_LIT("o1")));
	ck_assert_uint_eq(msg.transaction_id.len, 8);
	ck_assert(!cpnp_msg_has(&msg, CPNP_ATTR_PROVIDER_ORDER_ID));
	assert_outcome(0, "FAIL1!");
	/* garbage, and a FAIL that is none, get no answer */
	(void)peer_feed(server, server->other, CPNP_BYTES_LIT("\xff\xff"));
	assert_outcome(0, "-");
	(void)peer_feed(
	    server, server->other, CPNP_BYTES_LIT("\x83\x01\x0a\xa0"));
	assert_outcome(0, "-");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_server_gives_up_when_nothing_is_decided)
{
	setup_server(CPNP_STATE_AWAITING_PROCESSING);
	assert_after(CPNP_SECONDS(60), "CA FAIL5 .");
	pair_fini(&pair);
}
END_TEST

/* The offer is due when the client wants it, if that is sooner. */
START_TEST(test_server_offer_time_is_not_after_response_time)
{
	cpnp_quotation q;
	cpnp_order *made;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(&pair.client, "o1");
	q.expected_response_time.sec = pair.client.now.wall.sec + 20;
	ck_assert_int_eq(cpnp_orders_create(pair.client.orders, &q, &made,
			     pair.client.now),
	    0);
	peer_drain(&pair.client);
	ck_assert_int_eq(
	    cpnp_order_start(pair.client.orders, made, 5, pair.client.now),
	    0);
	peer_drain(&pair.client);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(
	    sent().expected_offer_time.sec, server->now.wall.sec + 20);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_server_refusal_explains)
{
	static const cpnp_explanation why = {
	    .clause = {(const uint8_t *)"capacity", 8},
	    .limit = {(const uint8_t *)"100 Mbit/s", 10}};
	cpnp_msg msg;

	setup_server(CPNP_STATE_AWAITING_PROCESSING);
	ck_assert_int_eq(cpnp_order_refuse(server->orders, order(),
			     CPNP_STATUS_OUT_OF_RESOURCES, &why, 1,
			     server->now),
	    0);
	peer_drain(server);
	msg = sent();
	ck_assert_uint_eq(msg.explanations_n, 1);
	ck_assert(cpnp_bytes_equal(msg.explanations[0].limit, why.limit));
	ck_assert(cpnp_bytes_equal(msg.provider_order_id,
	    cpnp_order_provider_id(order())));
	ck_assert_int_eq(
	    cpnp_order_status(order()), CPNP_STATUS_OUT_OF_RESOURCES);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_server_offer_rejects_bad_arguments)
{
	cpnp_offer offer;

	setup_server(CPNP_STATE_AWAITING_PROCESSING);
#define ASSERT_INVALID(change)                                                 \
	offer = peer_offer(server, PEER_SERVICE, 100);                         \
	change;                                                                \
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,     \
			     server->now),                                     \
	    CPNP_ERR_INVALID)
	ASSERT_INVALID(offer.service_description = CPNP_BYTES_NONE);
	ASSERT_INVALID(offer.service_description = CPNP_BYTES_LIT("\xff"));
	ASSERT_INVALID(offer.validity = server->now.wall);
	ASSERT_INVALID(offer.cost.code = CPNP_BYTES_LIT("euro"));
	ck_assert_int_eq(cpnp_order_refuse(server->orders, order(),
			     CPNP_STATUS_NONE, NULL, 0, server->now),
	    CPNP_ERR_INVALID);
	offer = peer_offer(server, PEER_SERVICE, 100);
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    0);
	peer_drain(server);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, 9.2.4: what the OFFER says, the ACCEPT says, and both sides name
 * the same agreement; all Information Elements. */
START_TEST(test_server_offer_carries_everything)
{
	static const cpnp_description provider = {
	    .name = {(const uint8_t *)"Carrier", 7},
	    .has_as_number = true,
	    .as_number = 64500};
	static const cpnp_explanation why = {
	    .clause = {(const uint8_t *)"capacity", 8}};
	struct peer *client = &pair.client;
	cpnp_agreement agreement;
	cpnp_offer offer;
	cpnp_msg msg;

	setup_signing_server(CPNP_STATE_AWAITING_PROCESSING);
	offer = peer_offer(server, PEER_SERVICE_80, 300);
	offer.purpose = CPNP_PURPOSE_TEST;
	offer.has_activation_type = true;
	offer.activation_type = CPNP_ACTIVATION_SCHEDULED;
	offer.has_activation_schedule = true;
	offer.activation_schedule.has_start = true;
	offer.activation_schedule.start.sec = server->now.wall.sec + 3600;
	offer.provider_description = &provider;
	offer.explanations = &why;
	offer.explanations_n = 1;
	offer.settlement_terms = CPNP_BYTES_LIT("\x81\x01");
	offer.order_progress = CPNP_BYTES_LIT("\x81\x02");
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    0);
	peer_drain(server);
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	msg = sent();
	ck_assert_uint_eq(msg.provider_description.as_number, 64500);
	ck_assert_uint_eq(msg.explanations_n, 1);
	ck_assert_uint_eq(msg.order_progress.len, 2);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_OFFER);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_PROCESSING);
	ck_assert_int_eq(cpnp_order_accept_paid(client->orders, client->offer,
			     CPNP_BYTES_LIT("\x81\x03"), client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	peer_clear(server);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	assert_outcome(0, "AR PROCESSING ?pay");
	ck_assert_int_eq(cpnp_order_get_agreement(
			     peer_order(client, "o1"), &agreement),
	    0);
	ck_assert_int_eq(agreement.purpose, CPNP_PURPOSE_TEST);
	ck_assert(agreement.has_activation_schedule);
	ck_assert_uint_eq(agreement.settlement_terms.len, 2);
	pair_fini(&pair);
}
END_TEST

/* Agree on a service of so many bytes, with the longest receipt; does the ACK
 * have it? */
static bool
ack_has_receipt(size_t len)
{
	static uint8_t service[CPNP_MSG_MAX], body[CPNP_MSG_MAX];
	static uint8_t receipt[CPNP_RECEIPT_MAX];
	struct peer *client = &pair.client;
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_offer offer;
	cpnp_msg msg;
	cpnp_buf buf;

	setup_signing_server(CPNP_STATE_AWAITING_PROCESSING);
	cpnp_buf_init_fixed(&buf, service, sizeof(service));
	cpnp_cbor_put_array(&buf, 2);
	cpnp_cbor_put_uint(&buf, 1000);
	cpnp_cbor_put_bytes(&buf, (cpnp_bytes){body, len});
	offer = peer_offer(server, cpnp_buf_bytes(&buf), 300);
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    0);
	peer_drain(server);
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_OFFER);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, client->offer, client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	peer_clear(server);
	ck_assert_int_eq(
	    cpnp_order_signed(server->orders, order(),
		peer_statement(
		    (cpnp_bytes){server->payload, server->payload_len},
		    server->name, store),
		(cpnp_bytes){receipt, sizeof(receipt)}, server->now),
	    0);
	peer_drain(server);
	msg = sent();
	ck_assert_uint_le(server->outbox[0].len, CPNP_MSG_MAX);
	ck_assert_uint_eq(msg.service_description.len, buf.len);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_ACK);
	ck_assert_int_eq(cpnp_order_state(peer_order(client, "o1")),
	    CPNP_STATE_COMPLETED);
	pair_fini(&pair);
	return cpnp_msg_has(&msg, CPNP_ATTR_RECEIPT);
}

START_TEST(test_server_ack_leaves_out_a_receipt_that_does_not_fit)
{
	ck_assert(ack_has_receipt(125000));
	ck_assert(!ack_has_receipt(128000));
}
END_TEST

static int
no_random(void *user, uint8_t *buf, size_t len)
{
	(void)user;
	(void)buf;
	(void)len;
	return -1;
}

/* Without random numbers there is no order, no identifier and no nonce. */
static bool random_fails;

static int
random_or_not(void *user, uint8_t *buf, size_t len)
{
	if (random_fails)
		return no_random(user, buf, len);
	memset(buf, 0x5a, len);
	return 0;
}

START_TEST(test_server_source_of_random_fails)
{
	cpnp_offer offer;
	cpnp_orders *none = NULL;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	server->env.env.random = random_or_not;
	random_fails = true;
	ck_assert_int_eq(
	    cpnp_orders_new(&none, &server->config, &server->env.env),
	    CPNP_ERR_RANDOM);
	cpnp_orders_del(server->orders);
	random_fails = false;
	ck_assert_int_eq(cpnp_orders_new(&server->orders, &server->config,
			     &server->env.env),
	    0);
	random_fails = true;
	ck_assert_int_eq(peer_quote(server, "o1"), CPNP_ERR_RANDOM);
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 0);
	random_fails = false;
	ck_assert_int_eq(peer_quote(server, "o1"), 0);
	offer = peer_offer(server, PEER_SERVICE, 100);
	random_fails = true;
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    CPNP_ERR_RANDOM);
	ck_assert_int_eq(
	    cpnp_order_state(order()), CPNP_STATE_AWAITING_PROCESSING);
	random_fails = false;
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    0);
	peer_drain(server);
	pair_fini(&pair);
}
END_TEST

/* The whole signed way: what is journalled, in which order, and when. */
START_TEST(test_server_journals_what_both_signed)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_server_to(&pair, CPNP_STATE_ACCEPT_RECEIVED);
	ck_assert_ptr_eq(server->sign, order());
	ck_assert(server->wants_receipt);
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	ck_assert_str_eq(server->trace,
	    "AcceptReceived->Completed(signed);ACK;end;");
	ck_assert(cpnp_bytes_equal(
	    sent().receipt, CPNP_BYTES_LIT("receipt")));
	ck_assert(cpnp_bytes_equal(
	    cpnp_order_receipt(order()), CPNP_BYTES_LIT("receipt")));
	pair_fini(&pair);
}
END_TEST

START_TEST(test_server_offer_leaves_when_signed)
{
	cpnp_offer offer;

	setup_signing_server(CPNP_STATE_AWAITING_PROCESSING);
	offer = peer_offer(server, PEER_SERVICE_80, 300);
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    0);
	peer_drain(server);
	ck_assert_str_eq(server->trace, "?sign;");
	ck_assert(!server->wants_receipt);
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	ck_assert_str_eq(server->trace,
	    "?sign;AwaitingProcessing->OfferProposed(signed);OFFER;");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_server_offer_that_cannot_be_signed_fails)
{
	cpnp_offer offer;

	setup_signing_server(CPNP_STATE_AWAITING_PROCESSING);
	offer = peer_offer(server, PEER_SERVICE_80, 300);
	ck_assert_int_eq(cpnp_order_offer(server->orders, order(), &offer,
			     server->now),
	    0);
	peer_drain(server);
	peer_clear(server);
	ck_assert_int_eq(
	    cpnp_order_sign_failed(server->orders, order(), server->now), 0);
	peer_drain(server);
	assert_outcome(0, "CA FAIL5 .");
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, 11.4: while the ACK is being made, PROCESSING is the answer; a
 * signature that failed is asked for again. */
START_TEST(test_server_ack_is_tried_again_with_the_accept)
{
	uint8_t bytes[CPNP_MSG_MAX];
	cpnp_bytes accept;

	setup_signing_server(CPNP_STATE_ACCEPT_RECEIVED);
	accept = cpnp_order_doc(
	    peer_order(&pair.client, "o1"), CPNP_DOC_LAST_OUT);
	memcpy(bytes, accept.ptr, accept.len);
	accept.ptr = bytes;
	assert_outcome(
	    peer_feed(server, server->other, accept), "= PROCESSING");
	assert_outcome(peer_feed(server, server->other, accept), "-");
	ck_assert_int_eq(
	    cpnp_order_sign_failed(server->orders, order(), server->now), 0);
	peer_advance(server, CPNP_SECONDS(1));
	assert_outcome(peer_feed(server, server->other, accept),
	    "= ?sign PROCESSING~");
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	assert_outcome(0, "CO ACK .");
	pair_fini(&pair);
}
END_TEST

/* Who signed the ACCEPT, is a statement required, and what comes of it. */
static const struct {
	const char *signer; /* NULL: no statement */
	bool required;
	const char *outcome;
} signed_accepts[] = {
    {"acme.example", true, "AR ?sign"},
    {"acme.example", false, "AR ?sign"},
    {"rival.example", true, "FAIL3!"},
    {"rival.example", false, "FAIL3!"},
    {"!invalid", true, "FAIL3!"},
    {"!invalid", false, "CO ACK ."},
    {NULL, true, "FAIL2!"},
    {NULL, false, "CO ACK ."},
};

START_TEST(test_server_checks_statement_of_accept)
{
	struct peer *client = &pair.client;
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_msg msg;

	setup_signing_server(CPNP_STATE_PROCESSING_RECEIVED);
	server->require_statement = signed_accepts[_i].required;
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, client->offer, client->now), 0);
	peer_drain(client);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	if (signed_accepts[_i].signer != NULL) {
		msg.statement = peer_statement(
		    (cpnp_bytes){client->payload, client->payload_len},
		    signed_accepts[_i].signer, store);
		msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_STATEMENT);
	}
	assert_outcome(
	    peer_feed_msg(server, &msg), signed_accepts[_i].outcome);
	pair_fini(&pair);
}
END_TEST

/* Numbers are durable before they are seen: STORE stands before SEND. */
START_TEST(test_server_stores_before_it_sends)
{
	cpnp_msg msg;

	setup_server(CPNP_STATE_CANCELLED);
	msg = peer_hand(server, "o1", CPNP_METHOD_CANCEL);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(server->trace, "keep;ACK;");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 2: RFC names. */
START_TEST(test_02_names_are_those_of_the_rfc)
{
	ck_assert_str_eq(
	    cpnp_state_name(CPNP_STATE_OFFER_PROPOSED), "OfferProposed");
	ck_assert_str_eq(cpnp_state_name(CPNP_STATE_COMPLETED), "Completed");
	ck_assert_str_eq(cpnp_state_name((cpnp_state)99), "?");
	ck_assert_str_eq(
	    cpnp_event_name(CPNP_EVENT_RECV_ACCEPT), "ACCEPT received");
	ck_assert_str_eq(
	    cpnp_agreement_state_name(CPNP_AGREEMENT_ENDED), "ended");
}
END_TEST

/* Many orders, each found, each with its own time. */
START_TEST(test_server_holds_many_orders)
{
	char id[16];

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(id, sizeof(id), "o%u", i);
		ck_assert_int_eq(peer_quote(server, id), 0);
		peer_clear(server);
	}
	ck_assert_uint_eq(cpnp_orders_count(server->orders), 3000);
	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(id, sizeof(id), "o%u", i);
		ck_assert_ptr_nonnull(peer_order(server, id));
	}
	/* all give up at the same moment, one call each */
	peer_advance(server, CPNP_SECONDS(60));
	ck_assert_uint_eq(server->ended, 3000);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_server_quotation_is_processed,
	    test_server_refuses_who_may_not_order,
	    test_server_full_refuses_with_out_of_resources,
	    test_32_identifier_is_never_used_again,
	    test_21_identifier_belongs_to_identity,
	    test_12_repeated_quotation_gets_newest_message,
	    test_12_equal_number_with_other_bytes_is_discarded,
	    test_12_draft02_late_quotation_is_known,
	    test_31_offer_is_repeated_then_stays_open,
	    test_18_accept_in_the_last_second_is_taken,
	    test_18_late_accept_gets_a_verdict,
	    test_18_accept_of_expired_order_gets_a_verdict,
	    test_04_decline_is_acked_with_empty_cpd,
	    test_05_cancel_is_acked_with_requested_cpd,
	    test_05_cancel_after_ack_gets_that_ack,
	    test_03_draft02_decline_may_leave_out_the_nonce,
	    test_17_declined_order_gets_no_other_offer,
	    test_33_update_leaves_the_agreement,
	    test_14_answer_goes_where_the_request_came_from,
	    test_22_answer_goes_to_the_source_of_the_request,
	    test_28_refused_update_leaves_the_nonce,
	    test_29_fail_names_what_was_readable,
	    test_server_gives_up_when_nothing_is_decided,
	    test_server_offer_time_is_not_after_response_time,
	    test_server_refusal_explains,
	    test_server_offer_rejects_bad_arguments,
	    test_server_offer_carries_everything,
	    test_server_ack_leaves_out_a_receipt_that_does_not_fit,
	    test_server_source_of_random_fails,
	    test_server_journals_what_both_signed,
	    test_server_offer_leaves_when_signed,
	    test_server_offer_that_cannot_be_signed_fails,
	    test_server_ack_is_tried_again_with_the_accept,
	    test_server_stores_before_it_sends,
	    test_02_names_are_those_of_the_rfc,
	    test_server_holds_many_orders,
	};
	const struct unit_loop loop = {test_server_checks_statement_of_accept,
	    sizeof(signed_accepts) / sizeof(signed_accepts[0])};

	return unit_run_loop("order_server", tests,
	    sizeof(tests) / sizeof(tests[0]), &loop);
}
