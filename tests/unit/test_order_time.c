/*
 * More time to make an offer (RFC 8921, 9.2.2, Figures 11 and 12; R3;
 * contradictions.md, 11).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit.h"

static struct pair pair;
static struct peer *const client = &pair.client, *const server = &pair.server;

static void
setup(void)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, CPNP_STATE_SERVER_PROCESSING);
}

static cpnp_order *
order_of(const struct peer *p)
{
	return peer_order(p, "o1");
}

static int
ask(int64_t sec, cpnp_subcode subcode)
{
	int err = cpnp_order_more_time(server->orders, order_of(server),
	    (cpnp_wtime){server->now.wall.sec + sec}, subcode, server->now);

	peer_drain(server);
	return err;
}

static int64_t
until(const struct peer *p)
{
	cpnp_wait wait;

	cpnp_order_wait(order_of(p), &wait);
	return wait.has_until ? wait.until.sec - p->now.wall.sec : -1;
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

static void
offer(void)
{
	cpnp_offer decision = peer_offer(server, PEER_SERVICE_80, 300);

	ck_assert_int_eq(cpnp_order_offer(server->orders, order_of(server),
			     &decision, server->now),
	    0);
	peer_drain(server);
}

START_TEST(test_11_time_that_is_granted_holds_on_both_sides)
{
	cpnp_msg msg;

	setup();
	ck_assert_int_eq(until(client), 60);
	ck_assert_int_eq(ask(300, CPNP_SUBCODE_LOCAL_UPGRADE), 0);
	msg = sent_by(server);
	ck_assert_int_eq(msg.method, CPNP_METHOD_PROCESSING);
	ck_assert_int_eq(
	    msg.processing_subcode, CPNP_SUBCODE_LOCAL_UPGRADE);
	ck_assert_int_eq(until(server), 60);
	(void)pair_to_client(&pair);
	msg = sent_by(client);
	ck_assert_int_eq(msg.method, CPNP_METHOD_ACK);
	ck_assert_int_eq(msg.expected_response_time.sec,
	    client->now.wall.sec + 300);
	peer_clear(server);
	(void)pair_to_server(&pair);
	ck_assert_str_eq(server->trace, "keep;time yes;");
	ck_assert_int_eq(server->offer_time.sec, server->now.wall.sec + 300);
	ck_assert_int_eq(until(client), 300);
	ck_assert_int_eq(until(server), 300);
	/* and a second time */
	ck_assert_int_eq(ask(400, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(until(server), 400);
	pair_advance(&pair, CPNP_SECONDS(399));
	offer();
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_OFFER);
	ck_assert_int_eq(cpnp_order_state(order_of(client)),
	    CPNP_STATE_OFFER_PROCESSING);
	pair_fini(&pair);
}
END_TEST

/* As far as the expected response time, 600 s, and no further. */
START_TEST(test_11_no_time_beyond_the_response_time)
{
	setup();
	ck_assert_int_eq(ask(601, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	ck_assert_int_eq(
	    sent_by(client).status, CPNP_STATUS_MORE_TIME_REJECTED);
	peer_clear(server);
	(void)pair_to_server(&pair);
	ck_assert_str_eq(server->trace, "keep;time no;");
	ck_assert_int_eq(until(client), 60);
	ck_assert_int_eq(until(server), 60);
	/* the decision is still awaited */
	ck_assert_int_eq(ask(600, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(until(server), 600);
	offer();
	pair_fini(&pair);
}
END_TEST

/* Up to a date, which puts off the response time too. */
START_TEST(test_11_time_until_a_date)
{
	cpnp_order *order;

	setup();
	order = order_of(client);
	order->now.more_time = CPNP_MORE_TIME_UNTIL;
	order->now.more_time_until.sec = client->now.wall.sec + 900;
	ck_assert_int_eq(ask(901, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(until(client), 60);
	ck_assert_int_eq(ask(700, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(until(client), 700);
	ck_assert_int_eq(
	    order->now.response_time.sec, client->now.wall.sec + 900);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_more_time_is_asked_in_its_place_only)
{
	setup();
	ck_assert_int_eq(ask(60, CPNP_SUBCODE_NONE), CPNP_ERR_INVALID);
	ck_assert_int_eq(ask(-1, CPNP_SUBCODE_NONE), CPNP_ERR_INVALID);
	ck_assert_int_eq(ask(61, CPNP_SUBCODE_NONE), 0);
	ck_assert_int_eq(ask(62, CPNP_SUBCODE_NONE), CPNP_ERR_STATE);
	offer();
	ck_assert_int_eq(ask(63, CPNP_SUBCODE_NONE), CPNP_ERR_STATE);
	pair_fini(&pair);
	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	pair_client_to(&pair, CPNP_STATE_SERVER_PROCESSING);
	ck_assert_int_eq(ask(61, CPNP_SUBCODE_NONE), CPNP_ERR_METHOD);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, 11.4: repeated like a request, and given up like one. */
START_TEST(test_more_time_is_repeated_and_given_up)
{
	setup();
	ck_assert_int_eq(ask(300, CPNP_SUBCODE_NONE), 0);
	peer_clear(server);
	for (int i = 0; i < 3; i++) {
		peer_advance(server, CPNP_SECONDS(2));
		ck_assert_uint_eq(server->outbox_n, (size_t)i + 1);
		ck_assert(server->outbox[i].again);
	}
	peer_clear(server);
	peer_advance(server, CPNP_MILLISECONDS(1999));
	ck_assert_str_eq(server->trace, "");
	peer_advance(server, CPNP_MILLISECONDS(1));
	ck_assert_str_eq(server->trace, "keep;time no;");
	ck_assert_int_eq(until(server), 52);
	peer_advance(server, CPNP_SECONDS(52));
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_CANCELLED);
	pair_fini(&pair);
}
END_TEST

/* The same time gets the same answer, under the same number and another. */
START_TEST(test_more_time_asked_again_is_answered_again)
{
	cpnp_bytes copy;
	cpnp_msg msg;

	setup();
	ck_assert_int_eq(ask(300, CPNP_SUBCODE_NONE), 0);
	copy = (cpnp_bytes){server->outbox[0].bytes, server->outbox[0].len};
	(void)peer_feed(client, server->name, copy);
	peer_clear(client);
	ck_assert_int_eq(peer_feed(client, server->name, copy), 0);
	ck_assert_str_eq(peer_outcome(client, 0), "= ACK~");
	peer_clear(client);
	ck_assert_int_eq(cpnp_msg_decode(&msg, copy, NULL), 0);
	msg.sequence_number += 5;
	ck_assert_int_eq(peer_feed_msg(client, &msg), 0);
	ck_assert_str_eq(peer_outcome(client, 0), "= ACK");
	pair_fini(&pair);
}
END_TEST

/* The first PROCESSING is lost: a subcode shows what the second one is. */
START_TEST(test_request_may_come_before_the_first_processing)
{
	cpnp_msg msg;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, CPNP_STATE_PQO_SENT);
	msg = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME) |
	    CPNP_ATTR_BIT(CPNP_ATTR_PROCESSING_SUBCODE);
	msg.processing_subcode = CPNP_SUBCODE_EXTERNAL_RESOURCES;
	msg.expected_offer_time.sec = client->now.wall.sec + 100;
	ck_assert_int_eq(peer_feed_msg(client, &msg), 0);
	ck_assert_str_eq(peer_outcome(client, 0), "SP ACK");
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 11: nobody asked. */
START_TEST(test_11_answers_that_nobody_asked_for)
{
	cpnp_msg msg;

	setup();
	msg = peer_hand(server, "o1", CPNP_METHOD_ACK);
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_UNEXPECTED);
	msg = peer_hand(server, "o1", CPNP_METHOD_FAIL);
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_UNEXPECTED);
	ck_assert_int_eq(ask(300, CPNP_SUBCODE_NONE), 0);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACK);
	msg.provider_order_id = CPNP_BYTES_LIT("P-other");
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_MISMATCH);
	/* less may be granted than was asked for */
	msg = peer_hand(server, "o1", CPNP_METHOD_ACK);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_RESPONSE_TIME);
	msg.expected_response_time.sec = server->now.wall.sec + 200;
	peer_clear(server);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(server->trace, "keep;time yes;");
	ck_assert_int_eq(until(server), 200);
	pair_fini(&pair);
}
END_TEST

/* draft-02 has no such request: a later time is ignored (R3). */
START_TEST(test_later_time_in_draft02_is_ignored)
{
	cpnp_msg msg;

	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	pair_client_to(&pair, CPNP_STATE_SERVER_PROCESSING);
	msg = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME);
	msg.expected_offer_time.sec = client->now.wall.sec + 100;
	ck_assert_int_eq(peer_feed_msg(client, &msg), 0);
	ck_assert_str_eq(peer_outcome(client, 0), "=");
	ck_assert_int_eq(until(client), 60);
	pair_fini(&pair);
}
END_TEST

/* A client that waits repeats its ACK, and gets the OFFER that it missed. */
START_TEST(test_repeated_grant_fetches_the_offer)
{
	setup();
	ck_assert_int_eq(ask(300, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	peer_clear(server);
	peer_advance(client, CPNP_SECONDS(30));
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACK);
	ck_assert_str_eq(server->trace, "");
	offer();
	peer_crash(server);
	peer_clear(server);
	peer_advance(client, CPNP_SECONDS(60));
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACK);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_OFFER);
	pair_fini(&pair);
}
END_TEST

/* The server restarts while it waits: the answer still finds the question. */
START_TEST(test_request_survives_a_restart)
{
	setup();
	ck_assert_int_eq(ask(300, CPNP_SUBCODE_NONE), 0);
	(void)pair_to_client(&pair);
	peer_clear(server);
	peer_crash(server);
	peer_crash(client);
	ck_assert_str_eq(server->trace, "?decide;");
	(void)pair_to_server(&pair);
	ck_assert_str_eq(server->trace, "?decide;keep;time yes;");
	ck_assert_int_eq(until(server), 300);
	ck_assert_int_eq(until(client), 300);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_11_time_that_is_granted_holds_on_both_sides,
	    test_11_no_time_beyond_the_response_time,
	    test_11_time_until_a_date,
	    test_more_time_is_asked_in_its_place_only,
	    test_more_time_is_repeated_and_given_up,
	    test_more_time_asked_again_is_answered_again,
	    test_request_may_come_before_the_first_processing,
	    test_11_answers_that_nobody_asked_for,
	    test_later_time_in_draft02_is_ignored,
	    test_repeated_grant_fetches_the_offer,
	    test_request_survives_a_restart,
	};

	return unit_run(
	    "order_time", tests, sizeof(tests) / sizeof(tests[0]));
}
