/*
 * The client of an order: timers, retries and slow repeats, what it checks in
 * answers, and how it ends.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit_loop.h"

#define RETRANS CPNP_SECONDS(2)
#define LITTLE CPNP_MILLISECONDS(1)

static struct pair pair;
static struct peer *const client = &pair.client;

static void
setup_client(cpnp_state state)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, state);
}

static void
setup_signing_client(cpnp_state state)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_client_to(&pair, state);
}

static cpnp_order *
order(void)
{
	return peer_order(client, "o1");
}

static void
assert_outcome(int err, const char *expected)
{
	ck_assert_str_eq(peer_outcome(client, err), expected);
	peer_clear(client);
}

/* Nothing just before a moment, and that just at it. */
static void
assert_after(cpnp_tstamp time, const char *expected)
{
	peer_advance(client, time - LITTLE);
	assert_outcome(0, "-");
	peer_advance(client, LITTLE);
	assert_outcome(0, expected);
}

static void
assert_state(cpnp_state state)
{
	ck_assert_str_eq(cpnp_state_name(cpnp_order_state(order())),
	    cpnp_state_name(state));
}

/* R1, C36: the same bytes, RETRANS_TIMER apart, three times; then slowly, 30 s
 * doubling to 5 min. */
START_TEST(test_client_repeats_quotation_quickly_then_slowly)
{
	cpnp_quotation q;
	cpnp_order *made;
	uint8_t first[CPNP_MSG_MAX];
	size_t len;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(client, "o1");
	q.has_response_time = false;
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(
	    cpnp_order_start(client->orders, made, 5, client->now), 0);
	peer_drain(client);
	ck_assert_uint_eq(client->outbox_n, 1);
	len = client->outbox[0].len;
	memcpy(first, client->outbox[0].bytes, len);
	peer_clear(client);
	for (int i = 0; i < 3; i++) {
		peer_advance(client, RETRANS - LITTLE);
		ck_assert_uint_eq(client->outbox_n, 0);
		peer_advance(client, LITTLE);
		ck_assert_uint_eq(client->outbox_n, 1);
		unit_assert_bytes((cpnp_bytes){client->outbox[0].bytes,
				      client->outbox[0].len},
		    (cpnp_bytes){first, len});
		peer_clear(client);
	}
	assert_after(CPNP_SECONDS(30), "= QUOTATION~");
	assert_after(CPNP_SECONDS(60), "= QUOTATION~");
	assert_after(CPNP_SECONDS(120), "= QUOTATION~");
	assert_after(CPNP_SECONDS(240), "= QUOTATION~");
	assert_after(CPNP_SECONDS(300), "= QUOTATION~");
	assert_after(CPNP_SECONDS(300), "= QUOTATION~");
	pair_fini(&pair);
}
END_TEST

/* A message in parts: RETRANS_TIMER runs from the last acknowledgement on, or
 * from when it should have come. */
START_TEST(test_client_counts_from_the_arrival)
{
	cpnp_quotation q;
	cpnp_order *made;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(client, "o1");
	q.has_response_time = false;
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(
	    cpnp_order_start(client->orders, made, 5, client->now), 0);
	peer_drain(client);
	peer_clear(client);
	cpnp_order_set_arrival(client->orders, made,
	    client->now.mono + CPNP_SECONDS(60), client->now);
	assert_after(CPNP_SECONDS(60) + RETRANS, "= QUOTATION~");
	cpnp_order_set_arrival(client->orders, made,
	    client->now.mono + CPNP_SECONDS(60), client->now);
	peer_advance(client, CPNP_SECONDS(10));
	cpnp_order_set_arrival(
	    client->orders, made, client->now.mono, client->now);
	assert_after(RETRANS, "= QUOTATION~");
	pair_fini(&pair);

	/* where no timer runs, none is started */
	setup_client(CPNP_STATE_COMPLETED);
	cpnp_order_set_arrival(
	    client->orders, order(), client->now.mono, client->now);
	assert_after(CPNP_SECONDS(30), "-");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_repeats_slowly_while_server_processes)
{
	setup_client(CPNP_STATE_SERVER_PROCESSING);
	assert_after(CPNP_SECONDS(30), "= QUOTATION~");
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, 8.5; contradictions.md, 6: the date of the QUOTATION. */
START_TEST(test_06_response_time_cancels)
{
	setup_client(CPNP_STATE_PQO_SENT);
	client->config.retries_max = 0;
	peer_advance(client, CPNP_SECONDS(600) - LITTLE);
	assert_state(CPNP_STATE_PQO_SENT);
	peer_clear(client);
	peer_advance(client, LITTLE);
	assert_outcome(0, "CA CANCEL");
	ck_assert(cpnp_order_is_outstanding(order()));
	pair_fini(&pair);
}
END_TEST

START_TEST(test_06_no_response_time_is_infinite)
{
	cpnp_quotation q;
	cpnp_order *made;
	cpnp_wait wait;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(client, "o1");
	q.has_response_time = false;
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(
	    cpnp_order_start(client->orders, made, 5, client->now), 0);
	peer_drain(client);
	cpnp_order_wait(made, &wait);
	ck_assert(!wait.has_until);
	ck_assert_str_eq(wait.what, "an answer from the provider");
	peer_advance(client, CPNP_SECONDS(86400));
	assert_state(CPNP_STATE_PQO_SENT);
	pair_fini(&pair);
}
END_TEST

/* C26: no offer by the time the server gave. */
START_TEST(test_client_offer_time_cancels)
{
	setup_client(CPNP_STATE_SERVER_PROCESSING);
	peer_advance(client, CPNP_SECONDS(60) - LITTLE);
	assert_state(CPNP_STATE_SERVER_PROCESSING);
	peer_clear(client);
	peer_advance(client, LITTLE);
	assert_outcome(0, "CA CANCEL");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_offer_expires_silently)
{
	setup_client(CPNP_STATE_OFFER_PROCESSING);
	assert_after(CPNP_SECONDS(300), "CA .");
	ck_assert(cpnp_order_is_settled(order()));
	pair_fini(&pair);
}
END_TEST

/* An ACCEPT that left in time is repeated past the validity. */
START_TEST(test_18_accept_is_repeated_past_validity)
{
	setup_client(CPNP_STATE_ACCEPT_SENT);
	for (int i = 0; i < 60; i++)
		peer_advance(client, CPNP_SECONDS(60));
	assert_state(CPNP_STATE_ACCEPT_SENT);
	ck_assert_uint_gt(client->outbox_n, 10);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_accept_after_validity_is_refused)
{
	setup_client(CPNP_STATE_OFFER_PROCESSING);
	client->now.wall.sec += 300;
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

/* C30, C36: answers that match nothing are discarded silently. */
START_TEST(test_client_discards_offer_of_other_provider_id)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	msg.provider_order_id = CPNP_BYTES_LIT("P-other");
	assert_outcome(peer_feed_msg(client, &msg), "x");
	assert_state(CPNP_STATE_SERVER_PROCESSING);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_discards_other_transaction)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	assert_outcome(peer_feed_msg(client, &msg), "x");
	pair_fini(&pair);
}
END_TEST

/* C43: another server than the one that was asked. */
START_TEST(test_client_discards_unknown_server)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	client->other = "rival.example";
	assert_outcome(peer_feed_msg(client, &msg), "x");
	client->other = "carrier.example";
	assert_state(CPNP_STATE_SERVER_PROCESSING);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 10. */
START_TEST(test_10_offer_without_processing_is_taken)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_PQO_SENT);
	msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	assert_outcome(peer_feed_msg(client, &msg), "OP PROCESSING ?offer");
	msg = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	msg.sequence_number--;
	ck_assert_int_eq(peer_feed_msg(client, &msg), CPNP_ERR_REPLAY);
	pair_fini(&pair);
}
END_TEST

/* R3: a client that grants nothing; the date stands. */
START_TEST(test_11_more_time_is_rejected)
{
	cpnp_wait before, after;
	cpnp_msg msg;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	order()->now.more_time = CPNP_MORE_TIME_NEVER;
	cpnp_order_wait(order(), &before);
	msg = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME) |
	    CPNP_ATTR_BIT(CPNP_ATTR_PROCESSING_SUBCODE);
	msg.processing_subcode = CPNP_SUBCODE_EXTERNAL_RESOURCES;
	msg.expected_offer_time.sec = client->now.wall.sec + 100;
	assert_outcome(peer_feed_msg(client, &msg), "= FAIL7");
	cpnp_order_wait(order(), &after);
	ck_assert_int_eq(before.until.sec, after.until.sec);
	/* asked again, answered again, and no oftener than five a second */
	assert_outcome(peer_feed_msg(client, &msg), "= FAIL7~");
	assert_outcome(peer_feed_msg(client, &msg), "-");
	pair_fini(&pair);
}
END_TEST

/* R14; contradictions.md, 12: the newest message, at most every 200 ms. */
START_TEST(test_12_repeated_offer_is_answered_at_limited_rate)
{
	uint8_t offer[CPNP_MSG_MAX];
	cpnp_bytes bytes;

	setup_client(CPNP_STATE_OFFER_PROCESSING);
	bytes = cpnp_order_doc(order(), CPNP_DOC_OFFER);
	memcpy(offer, bytes.ptr, bytes.len);
	bytes.ptr = offer;
	assert_outcome(peer_feed(client, client->other, bytes),
	    "= PROCESSING~");
	assert_outcome(peer_feed(client, client->other, bytes), "-");
	peer_advance(client, CPNP_MILLISECONDS(200) - 1);
	assert_outcome(peer_feed(client, client->other, bytes), "-");
	peer_advance(client, 1);
	assert_outcome(peer_feed(client, client->other, bytes),
	    "= PROCESSING~");
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now), 0);
	peer_drain(client);
	peer_clear(client);
	peer_advance(client, CPNP_MILLISECONDS(200));
	assert_outcome(peer_feed(client, client->other, bytes), "= ACCEPT~");
	pair_fini(&pair);
}
END_TEST

/* A repeated answer gets no answer, or two peers talk for ever. */
START_TEST(test_12_repeated_answer_is_not_answered)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_PQO_SENT);
	msg = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	assert_outcome(peer_feed_msg(client, &msg), "SP");
	assert_outcome(peer_feed_msg(client, &msg), "-");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 27 and 30: DECLINE goes out until it is answered. */
START_TEST(test_27_decline_is_outstanding_until_ack)
{
	static const cpnp_reason gap = CPNP_REASON_UNACCEPTABLE_GAP;
	cpnp_msg msg;

	setup_client(CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(cpnp_order_decline(client->orders, order(), &gap, 1,
			     client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     (cpnp_bytes){client->outbox[0].bytes,
				 client->outbox[0].len},
			     NULL),
	    0);
	ck_assert_uint_eq(msg.reasons_n, 1);
	ck_assert_int_eq(msg.reasons[0], gap);
	assert_outcome(0, "CA DECLINE");
	ck_assert(cpnp_order_is_outstanding(order()));
	ck_assert(!cpnp_order_is_settled(order()));
	assert_after(RETRANS, "= DECLINE~");
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	msg.service_description = CPNP_BYTES_LIT("\x82\x19\x03\xe8\x80");
	assert_outcome(peer_feed_msg(client, &msg), "= .");
	ck_assert(cpnp_order_is_settled(order()));
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 4: either is taken; another CPD is not. */
START_TEST(test_04_ack_of_decline_may_copy_the_request)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_decline(client->orders, order(), NULL, 0, client->now),
	    0);
	peer_drain(client);
	peer_clear(client);
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	msg.service_description =
	    CPNP_BYTES_LIT("\x82\x19\x03\xe8\xa1\x01\x01");
	assert_outcome(peer_feed_msg(client, &msg), "x");
	msg.service_description = PEER_SERVICE;
	assert_outcome(peer_feed_msg(client, &msg), "= .");
	pair_fini(&pair);
}
END_TEST

/* A FAIL is a definite answer to a CANCEL too. */
START_TEST(test_27_fail_settles_a_cancel)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_CANCELLED);
	msg = peer_hand(client, "o1", CPNP_METHOD_FAIL);
	msg.sequence_number = UINT32_MAX;
	msg.status = CPNP_STATUS_MESSAGE_VALIDATION;
	assert_outcome(peer_feed_msg(client, &msg), "= .");
	ck_assert(cpnp_order_is_settled(order()));
	ck_assert_int_eq(cpnp_order_status(order()), CPNP_STATUS_NONE);
	pair_fini(&pair);
}
END_TEST

/* The number of a FAIL that speaks for no order is not recorded: what the
 * server says later is heard. */
START_TEST(test_client_hears_server_after_stateless_fail)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_CANCELLED);
	msg = peer_hand(client, "o1", CPNP_METHOD_FAIL);
	msg.sequence_number = UINT32_MAX;
	assert_outcome(peer_feed_msg(client, &msg), "= .");
	msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	assert_outcome(peer_feed_msg(client, &msg), "= CANCEL~");
	ck_assert(cpnp_order_is_outstanding(order()));
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 30: a FAIL is final wherever an answer is awaited. */
START_TEST(test_30_fail_ends_the_transaction)
{
	static const cpnp_state states[] = {CPNP_STATE_PQO_SENT,
	    CPNP_STATE_SERVER_PROCESSING, CPNP_STATE_OFFER_PROCESSING,
	    CPNP_STATE_ACCEPT_SENT};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		cpnp_msg msg;

		setup_client(states[i]);
		msg = peer_hand(client, "o1", CPNP_METHOD_FAIL);
		assert_outcome(peer_feed_msg(client, &msg), "CA .");
		ck_assert(cpnp_order_is_settled(order()));
		peer_advance(client, CPNP_SECONDS(59));
		assert_outcome(0, "-");
		pair_fini(&pair);
	}
}
END_TEST

START_TEST(test_client_fail_keeps_status_and_explanation)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	msg = peer_hand(client, "o1", CPNP_METHOD_FAIL);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPLANATION);
	msg.explanations[0].clause = CPNP_BYTES_LIT("capacity");
	msg.explanations[0].would_fit = CPNP_BYTES_LIT("80 Mbit/s");
	msg.explanations_n = 1;
	assert_outcome(peer_feed_msg(client, &msg), "CA .");
	ck_assert_int_eq(
	    cpnp_order_status(order()), CPNP_STATUS_OUT_OF_RESOURCES);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     cpnp_order_doc(order(), CPNP_DOC_FINAL), NULL),
	    0);
	ck_assert(cpnp_bytes_equal(msg.explanations[0].would_fit,
	    CPNP_BYTES_LIT("80 Mbit/s")));
	pair_fini(&pair);
}
END_TEST

/* A cookie is asked for below the orders; it ends none. */
START_TEST(test_client_ignores_fail_that_asks_for_cookie)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_PQO_SENT);
	msg = peer_hand(client, "o1", CPNP_METHOD_FAIL);
	msg.status = CPNP_STATUS_AUTHENTICATION_REQUIRED;
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_COOKIE);
	msg.cookie = CPNP_BYTES_LIT("cookie");
	assert_outcome(peer_feed_msg(client, &msg), "x");
	assert_state(CPNP_STATE_PQO_SENT);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 5: the ACK of the ACCEPT was under way when the CANCEL
 * left; the agreement stands. */
START_TEST(test_05_ack_of_accept_after_cancel_is_an_agreement)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_ACCEPT_SENT);
	ck_assert_int_eq(
	    cpnp_order_cancel(client->orders, order(), client->now), 0);
	peer_drain(client);
	assert_outcome(0, "CA CANCEL");
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	assert_outcome(peer_feed_msg(client, &msg), "CO .");
	ck_assert(!cpnp_order_is_outstanding(order()));
	pair_fini(&pair);
}
END_TEST

START_TEST(test_05_ack_of_cancel_after_accept_is_marked)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_ACCEPT_SENT);
	ck_assert_int_eq(
	    cpnp_order_cancel(client->orders, order(), client->now), 0);
	peer_drain(client);
	peer_clear(client);
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPLANATION);
	msg.explanations[0].clause = CPNP_BYTES_LIT("CANCEL");
	msg.explanations_n = 1;
	assert_outcome(peer_feed_msg(client, &msg), "= .");
	assert_state(CPNP_STATE_CANCELLED);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, Table 5: the CPD of the ACK is that of the OFFER. */
START_TEST(test_client_discards_ack_of_another_service)
{
	cpnp_msg msg;

	setup_client(CPNP_STATE_ACCEPT_SENT);
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	msg.service_description = PEER_SERVICE;
	assert_outcome(peer_feed_msg(client, &msg), "x");
	msg.present &= ~CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	assert_outcome(peer_feed_msg(client, &msg), "x");
	assert_state(CPNP_STATE_ACCEPT_SENT);
	pair_fini(&pair);
}
END_TEST

/* An OFFER with the statement of somebody, about something. */
static cpnp_msg
hand_signed_offer(const char *signer, const uint8_t *ref, uint8_t *store)
{
	cpnp_msg msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	uint8_t payload[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_statement statement = {.type = CPNP_STATEMENT_OFFER,
	    .time = client->now.wall,
	    .has_digest = true,
	    .validity = msg.validity_offer_time};
	cpnp_agreement agreement;
	cpnp_buf buf;

	memcpy(statement.order_ref, ref, CPNP_SHA256_LEN);
	(void)cpnp_agreement_from_msg(&agreement, &msg,
	    cpnp_bytes_str(client->name), cpnp_bytes_str(client->other));
	ck_assert_int_eq(cpnp_agreement_digest(&agreement, &client->env.env,
			     statement.digest),
	    0);
	cpnp_buf_init_fixed(&buf, payload, sizeof(payload));
	ck_assert_int_eq(cpnp_statement_encode(&statement, &buf), 0);
	msg.statement =
	    peer_statement(cpnp_buf_bytes(&buf), signer, store);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_STATEMENT);
	return msg;
}

static void
start_requiring(bool required)
{
	cpnp_quotation q;
	cpnp_order *made;

	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	q = peer_quotation(client, "o1");
	q.require_statements = required;
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(
	    cpnp_order_start(client->orders, made, 5, client->now), 0);
	peer_drain(client);
	peer_clear(client);
}

/* Who signed what, is a statement required, and what comes of it. */
static const struct {
	const char *signer;
	bool other_order;
	bool required;
	const char *outcome;
} signed_offers[] = {
    {"carrier.example", false, true, "OP PROCESSING ?offer"},
    {"carrier.example", false, false, "OP PROCESSING ?offer"},
    {"rival.example", false, true, "CA DECLINE"},
    {"rival.example", false, false, "CA DECLINE"},
    {"carrier.example", true, false, "CA DECLINE"},
    {"!invalid", false, true, "CA DECLINE"},
    {"!invalid", false, false, "OP PROCESSING ?offer"},
};

START_TEST(test_client_checks_statement_of_offer)
{
	uint8_t store[CPNP_STATEMENT_MAX], ref[CPNP_SHA256_LEN];
	cpnp_msg msg;

	start_requiring(signed_offers[_i].required);
	memcpy(ref, cpnp_order_ref(order()), sizeof(ref));
	ref[0] ^= signed_offers[_i].other_order ? 1 : 0;
	msg = hand_signed_offer(signed_offers[_i].signer, ref, store);
	assert_outcome(
	    peer_feed_msg(client, &msg), signed_offers[_i].outcome);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_declines_unsigned_offer_when_required)
{
	cpnp_msg msg, decline;

	start_requiring(true);
	msg = peer_hand(client, "o1", CPNP_METHOD_OFFER);
	(void)peer_feed_msg(client, &msg);
	ck_assert_uint_eq(client->outbox_n, 1);
	ck_assert_int_eq(cpnp_msg_decode(&decline,
			     (cpnp_bytes){client->outbox[0].bytes,
				 client->outbox[0].len},
			     NULL),
	    0);
	ck_assert_int_eq(decline.method, CPNP_METHOD_DECLINE);
	ck_assert_int_eq(
	    decline.reasons[0], CPNP_REASON_UNACCEPTABLE_GAP);
	ck_assert(cpnp_bytes_equal(
	    decline.explanations[0].clause, CPNP_BYTES_LIT("STATEMENT")));
	pair_fini(&pair);
}
END_TEST

/* An unsigned ACK is no answer where a statement is required, and the ACCEPT
 * goes on. */
START_TEST(test_client_discards_unsigned_ack_when_required)
{
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_msg msg;

	start_requiring(true);
	msg = hand_signed_offer(
	    "carrier.example", cpnp_order_ref(order()), store);
	msg.sequence_number--;
	(void)peer_feed_msg(client, &msg);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	peer_clear(client);
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	ck_assert_int_eq(peer_feed_msg(client, &msg), CPNP_ERR_SIGNATURE);
	assert_state(CPNP_STATE_ACCEPT_SENT);
	assert_after(RETRANS, "= ACCEPT~");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_signs_only_what_was_asked)
{
	setup_signing_client(CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now), 0);
	peer_drain(client);
	assert_outcome(0, "= ?sign");
	assert_state(CPNP_STATE_OFFER_PROCESSING);
	client->payload[client->payload_len - 1] ^= 1;
	ck_assert_int_eq(peer_sign(client, client->name), CPNP_ERR_MISMATCH);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now),
	    CPNP_ERR_STATE);
	client->payload[client->payload_len - 1] ^= 1;
	client->sign = order();
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	assert_outcome(0, "AS ACCEPT");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_stays_in_offer_processing_when_signing_fails)
{
	setup_signing_client(CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(
	    cpnp_order_sign_failed(client->orders, order(), client->now), 0);
	assert_state(CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, order(), client->now), 0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	assert_state(CPNP_STATE_ACCEPT_SENT);
	pair_fini(&pair);
}
END_TEST

/* The receipt that came with the ACK can be asked for afterwards. */
START_TEST(test_client_keeps_receipt)
{
	setup_signing_client(CPNP_STATE_COMPLETED);
	ck_assert(cpnp_bytes_equal(
	    cpnp_order_receipt(order()), CPNP_BYTES_LIT("receipt")));
	ck_assert_int_eq(cpnp_order_agreement_state(order()),
	    CPNP_AGREEMENT_COMPLETED);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_and_server_name_the_same_agreement)
{
	cpnp_agreement a, b;
	uint8_t digests[2][CPNP_SHA256_LEN];

	setup_signing_client(CPNP_STATE_COMPLETED);
	ck_assert_int_eq(cpnp_order_get_agreement(order(), &a), 0);
	ck_assert_int_eq(cpnp_order_get_agreement(
			     peer_order(&pair.server, "o1"), &b),
	    0);
	(void)cpnp_agreement_digest(&a, &client->env.env, digests[0]);
	(void)cpnp_agreement_digest(&b, &client->env.env, digests[1]);
	ck_assert_mem_eq(digests[0], digests[1], CPNP_SHA256_LEN);
	ck_assert_mem_eq(cpnp_order_ref(order()),
	    cpnp_order_ref(peer_order(&pair.server, "o1")), CPNP_SHA256_LEN);
	pair_fini(&pair);
}
END_TEST

/* At once on resume, over the new session. */
START_TEST(test_client_resume_repeats_at_once)
{
	setup_client(CPNP_STATE_ACCEPT_SENT);
	ck_assert_int_eq(cpnp_order_set_peer(
			     client->orders, order(), 0, false, client->now),
	    0);
	peer_advance(client, CPNP_SECONDS(3600));
	assert_outcome(0, "-");
	ck_assert_int_eq(cpnp_order_set_peer(
			     client->orders, order(), 9, true, client->now),
	    0);
	peer_drain(client);
	ck_assert_uint_eq(client->outbox[0].to, 9);
	assert_outcome(0, "= ACCEPT~");
	assert_after(RETRANS, "= ACCEPT~");
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_create_rejects_bad_arguments)
{
	cpnp_order *made;
	cpnp_quotation q;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
#define ASSERT_INVALID(change)                                                 \
	q = peer_quotation(client, "o1");                                      \
	change;                                                                \
	ck_assert_int_eq(                                                      \
	    cpnp_orders_create(client->orders, &q, &made, client->now),        \
	    CPNP_ERR_INVALID)
	ASSERT_INVALID(q.customer_order_id = CPNP_BYTES_NONE);
	ASSERT_INVALID(q.customer_order_id = CPNP_BYTES_LIT("a b"));
	ASSERT_INVALID(q.peer_identity = CPNP_BYTES_NONE);
	ASSERT_INVALID(q.service_description = CPNP_BYTES_NONE);
	ASSERT_INVALID(q.service_description = CPNP_BYTES_LIT("\xff"));
	ASSERT_INVALID(q.expected_response_time = client->now.wall);
	ASSERT_INVALID(q.require_statements = true);
	ck_assert_uint_eq(cpnp_orders_count(client->orders), 0);
	q = peer_quotation(client, "o1");
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now), 0);
	/* the effects are to be drained first */
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now),
	    CPNP_ERR_STATE);
	peer_drain(client);
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &made, client->now),
	    CPNP_ERR_EXISTS);
	pair_fini(&pair);
}
END_TEST

/* Two peers that order from each other under one identifier. */
START_TEST(test_client_and_server_of_one_identifier_are_told_apart)
{
	struct peer *server = &pair.server;
	cpnp_quotation q;
	cpnp_order *made;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	q = peer_quotation(server, "o1");
	q.service_description = PEER_SERVICE_80;
	ck_assert_int_eq(
	    cpnp_orders_create(server->orders, &q, &made, server->now), 0);
	peer_drain(server);
	ck_assert_int_eq(
	    cpnp_order_start(server->orders, made, 5, server->now), 0);
	peer_drain(server);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_QUOTATION);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_state(made), CPNP_STATE_SERVER_PROCESSING);
	ck_assert_uint_eq(cpnp_orders_count(client->orders), 2);
	pair_fini(&pair);
}
END_TEST

/* The clock was put forward by an hour: the dates count. */
START_TEST(test_06_rearm_follows_a_step_of_the_clock)
{
	setup_client(CPNP_STATE_OFFER_PROCESSING);
	client->now.wall.sec += 200;
	ck_assert_int_eq(cpnp_orders_rearm(client->orders, client->now), 0);
	assert_after(CPNP_SECONDS(100), "CA .");
	pair_fini(&pair);
}
END_TEST

/* A person sees what an order waits for. */
START_TEST(test_client_says_what_it_waits_for)
{
	static const struct {
		cpnp_state state;
		const char *what;
		bool has_until;
	} waits[] = {
	    {CPNP_STATE_CREATED, "the start of the order", false},
	    {CPNP_STATE_PQO_SENT, "an answer from the provider", true},
	    {CPNP_STATE_SERVER_PROCESSING, "an offer from the provider", true},
	    {CPNP_STATE_OFFER_PROCESSING, "a decision on the offer", true},
	    {CPNP_STATE_ACCEPT_SENT,
		"the acknowledgement of the acceptance", false},
	    {CPNP_STATE_CANCELLED,
		"the acknowledgement of the end of the order", false},
	    {CPNP_STATE_COMPLETED, NULL, false},
	};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		cpnp_wait wait;

		setup_client(waits[i].state);
		cpnp_order_wait(order(), &wait);
		ck_assert_pstr_eq(wait.what, waits[i].what);
		ck_assert_int_eq(wait.has_until, waits[i].has_until);
		pair_fini(&pair);
	}
}
END_TEST

START_TEST(test_client_forgets_after_linger)
{
	setup_client(CPNP_STATE_COMPLETED);
	assert_after(CPNP_SECONDS(60), ",");
	ck_assert_uint_eq(cpnp_orders_count(client->orders), 0);
	ck_assert_ptr_null(order());
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 13. */
START_TEST(test_13_numbers_run_out)
{
	cpnp_msg msg;
	uint8_t saved[4096];
	cpnp_bytes docs[CPNP_DOC_END];
	cpnp_buf buf;
	cpnp_order *loaded;
	uint8_t *at;
	cpnp_bytes quotation;

	setup_client(CPNP_STATE_SERVER_PROCESSING);
	quotation = cpnp_order_doc(order(), CPNP_DOC_REQUEST);
	ck_assert_int_eq(cpnp_msg_decode(&msg, quotation, NULL), 0);
	ck_assert_uint_le(msg.sequence_number, INT32_MAX);
	cpnp_buf_init_fixed(&buf, saved, sizeof(saved));
	ck_assert_int_eq(cpnp_order_save(order(), &buf), 0);
	/* the number in the saved form is the last that may be used */
	for (at = saved; at < saved + buf.len - 5; at++)
		if (at[0] == 0x1a &&
		    (uint32_t)(at[1] << 24 | at[2] << 16 | at[3] << 8 |
			at[4]) == msg.sequence_number)
			memcpy(at + 1, "\xff\xff\xff\xfe", 4);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		docs[doc] = cpnp_order_doc(order(), (cpnp_doc)doc);
	cpnp_orders_del(pair.server.orders);
	ck_assert_int_eq(cpnp_orders_new(&pair.server.orders, &client->config,
			     &pair.server.env.env),
	    0);
	ck_assert_int_eq(cpnp_orders_load(pair.server.orders,
			     cpnp_buf_bytes(&buf), docs, &loaded, client->now),
	    0);
	ck_assert_int_eq(
	    cpnp_order_cancel(pair.server.orders, loaded, client->now),
	    CPNP_ERR_EXHAUSTED);
	ck_assert_int_eq(
	    cpnp_order_state(loaded), CPNP_STATE_SERVER_PROCESSING);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, Figure 9: a child shows names of its own, in its journal too, and
 * is a client in all else. */
START_TEST(test_22_child_shows_the_child_states)
{
	static const char *const names[] = {"ChildCreated", "ChildPQOSent",
	    "ChildServerProcessing", "ChildOfferReceived",
	    "ChildOfferProcessing", "ChildAcceptSent", "ChildCompleted"};
	static const char way[] =
	    "none->ChildCreated;"
	    "ChildCreated->AwaitingProcessing;"
	    "AwaitingProcessing->ChildPQOSent;QUOTATION;"
	    "ChildPQOSent->ChildServerProcessing;"
	    "ChildServerProcessing->ChildOfferReceived;"
	    "ChildOfferReceived->ChildOfferProcessing;PROCESSING;?offer;"
	    "ChildOfferProcessing->ChildAcceptSent;ACCEPT;"
	    "ChildAcceptSent->ChildCompleted;end;";
	cpnp_quotation q;
	cpnp_offer offer;
	cpnp_order *child;
	cpnp_state from;

	for (int i = 0; i < 7; i++) {
		ck_assert_str_eq(
		    cpnp_state_name((cpnp_state)(14 + i)), names[i]);
		from = cpnp_state_of_client((cpnp_state)(14 + i));
		ck_assert_str_eq(cpnp_state_name(from), names[i] + 5);
		ck_assert_int_eq(cpnp_state_of_client(from), from);
	}
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(client, "o1");
	q.is_child = true;
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &child, client->now), 0);
	ck_assert(cpnp_order_is_child(child));
	peer_drain(client);
	ck_assert_int_eq(cpnp_order_start(client->orders, child,
			     client->handle, client->now),
	    0);
	peer_drain(client);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	offer = peer_offer(&pair.server, PEER_SERVICE_80, 300);
	ck_assert_int_eq(
	    cpnp_order_offer(pair.server.orders,
		peer_order(&pair.server, "o1"), &offer, pair.server.now),
	    0);
	peer_drain(&pair.server);
	ck_assert(!cpnp_order_is_child(peer_order(&pair.server, "o1")));
	(void)pair_to_client(&pair);
	assert_state(CPNP_STATE_CHILD_OFFER_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_accept(client->orders, child, client->now), 0);
	peer_drain(client);
	(void)pair_to_server(&pair);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert_str_eq(client->trace, way);
	assert_state(CPNP_STATE_CHILD_COMPLETED);
	ck_assert(cpnp_order_is_settled(child));
	peer_clear(client);
	/* Figure 9 has no other Cancelled for it */
	pair_withdraw(&pair, true);
	assert_state(CPNP_STATE_CANCELLED);
	pair_fini(&pair);
}
END_TEST

/* What the journal has of a child names its states. */
START_TEST(test_22_leaf_of_a_child_has_its_states)
{
	cpnp_quotation q;
	cpnp_statement leaf;
	cpnp_effect effect;
	cpnp_order *child;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	q = peer_quotation(client, "o1");
	q.is_child = true;
	ck_assert_int_eq(
	    cpnp_orders_create(client->orders, &q, &child, client->now), 0);
	ck_assert(cpnp_orders_next(client->orders, &effect));
	ck_assert_int_eq(effect.type, CPNP_EFFECT_STORE);
	ck_assert_int_eq(
	    cpnp_statement_decode(&leaf, effect.u.store.statement, NULL), 0);
	ck_assert_int_eq(leaf.to_state, CPNP_STATE_CHILD_CREATED);
	ck_assert_int_eq(effect.u.store.to, CPNP_STATE_CHILD_CREATED);
	pair_fini(&pair);
}
END_TEST

/* The request that the server was asked to decide on. */
static void
assert_request(cpnp_method method, size_t marks, int hop_limit, bool closed)
{
	cpnp_msg msg;

	ck_assert_int_eq(
	    cpnp_msg_decode(&msg,
		cpnp_order_doc(
		    peer_order(&pair.server, "o1"), CPNP_DOC_REQUEST),
		NULL),
	    0);
	ck_assert_int_eq(msg.method, method);
	ck_assert_int_eq(
	    cpnp_msg_has(&msg, CPNP_ATTR_PATH_MARKS), marks > 0);
	ck_assert_uint_eq(msg.path_marks_n, marks);
	for (size_t i = 0; i < marks; i++)
		unit_assert_bytes(msg.path_marks[i], CPNP_BYTES_LIT("mark"));
	ck_assert_int_eq(
	    cpnp_msg_has(&msg, CPNP_ATTR_HOP_LIMIT), hop_limit >= 0);
	ck_assert_int_eq(msg.hop_limit, hop_limit >= 0 ? hop_limit : 0);
	ck_assert_int_eq(msg.options.no_recursion, closed);
}

/* Marks, hop limit and the ban on recursion reach the server, in both
 * editions and in an UPDATE too (RFC 8921, 8.8; contradictions.md, 26). */
START_TEST(test_26_request_tells_its_path)
{
	static const cpnp_negotiation_options closed = {.no_recursion = true};
	cpnp_bytes marks[CPNP_PATH_MARKS_MAX + 1];

	for (size_t i = 0; i < CPNP_PATH_MARKS_MAX + 1; i++)
		marks[i] = CPNP_BYTES_LIT("mark");
	for (int edition = 0; edition < 2; edition++) {
		cpnp_update update = {.path_marks = marks,
		    .path_marks_n = CPNP_PATH_MARKS_MAX + 1};
		cpnp_quotation q;
		cpnp_order *child;

		pair_init(&pair, (cpnp_edition)edition, false);
		q = peer_quotation(client, "o1");
		q.edition = (cpnp_edition)edition;
		q.path_marks = marks;
		q.path_marks_n = CPNP_PATH_MARKS_MAX + 1;
		ck_assert_int_eq(cpnp_orders_create(client->orders, &q,
				     &child, client->now),
		    CPNP_ERR_INVALID);
		q.path_marks_n = CPNP_PATH_MARKS_MAX;
		q.has_hop_limit = true;
		q.options = &closed;
		ck_assert_int_eq(cpnp_orders_create(client->orders, &q,
				     &child, client->now),
		    0);
		peer_drain(client);
		ck_assert_int_eq(cpnp_order_start(client->orders, child,
				     client->handle, client->now),
		    0);
		peer_drain(client);
		(void)pair_to_server(&pair);
		assert_request(CPNP_METHOD_QUOTATION, CPNP_PATH_MARKS_MAX, 0,
		    true);
		pair_fini(&pair);
		pair_init(&pair, (cpnp_edition)edition, false);
		pair_client_to(&pair, CPNP_STATE_COMPLETED);
		update.service_description = PEER_SERVICE_60;
		update.expected_response_time.sec = client->now.wall.sec + 60;
		ck_assert_int_eq(cpnp_order_update(client->orders, order(),
				     &update, client->now),
		    CPNP_ERR_INVALID);
		update.path_marks_n = 2;
		update.has_hop_limit = true;
		update.hop_limit = 255;
		ck_assert_int_eq(cpnp_order_update(client->orders, order(),
				     &update, client->now),
		    0);
		peer_drain(client);
		(void)pair_to_server(&pair);
		assert_request(CPNP_METHOD_UPDATE, 2, 255, false);
		pair_fini(&pair);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_client_repeats_quotation_quickly_then_slowly,
	    test_client_counts_from_the_arrival,
	    test_client_repeats_slowly_while_server_processes,
	    test_06_response_time_cancels,
	    test_06_no_response_time_is_infinite,
	    test_client_offer_time_cancels,
	    test_client_offer_expires_silently,
	    test_18_accept_is_repeated_past_validity,
	    test_client_accept_after_validity_is_refused,
	    test_client_discards_offer_of_other_provider_id,
	    test_client_discards_other_transaction,
	    test_client_discards_unknown_server,
	    test_10_offer_without_processing_is_taken,
	    test_11_more_time_is_rejected,
	    test_12_repeated_offer_is_answered_at_limited_rate,
	    test_12_repeated_answer_is_not_answered,
	    test_27_decline_is_outstanding_until_ack,
	    test_04_ack_of_decline_may_copy_the_request,
	    test_27_fail_settles_a_cancel,
	    test_client_hears_server_after_stateless_fail,
	    test_30_fail_ends_the_transaction,
	    test_client_fail_keeps_status_and_explanation,
	    test_client_ignores_fail_that_asks_for_cookie,
	    test_05_ack_of_accept_after_cancel_is_an_agreement,
	    test_05_ack_of_cancel_after_accept_is_marked,
	    test_client_discards_ack_of_another_service,
	    test_client_declines_unsigned_offer_when_required,
	    test_client_discards_unsigned_ack_when_required,
	    test_client_signs_only_what_was_asked,
	    test_client_stays_in_offer_processing_when_signing_fails,
	    test_client_keeps_receipt,
	    test_client_and_server_name_the_same_agreement,
	    test_client_resume_repeats_at_once,
	    test_client_create_rejects_bad_arguments,
	    test_client_and_server_of_one_identifier_are_told_apart,
	    test_06_rearm_follows_a_step_of_the_clock,
	    test_client_says_what_it_waits_for,
	    test_client_forgets_after_linger,
	    test_13_numbers_run_out,
	    test_22_child_shows_the_child_states,
	    test_22_leaf_of_a_child_has_its_states,
	    test_26_request_tells_its_path,
	};
	const struct unit_loop loop = {test_client_checks_statement_of_offer,
	    sizeof(signed_offers) / sizeof(signed_offers[0])};

	return unit_run_loop("order_client", tests,
	    sizeof(tests) / sizeof(tests[0]), &loop);
}
