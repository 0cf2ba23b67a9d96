/*
 * ACTIVATE, and the service of an agreement (RFC 8921, 9.2.11 and 10.2;
 * contradictions.md, 15, 28 and 33).  What other states do with it is in
 * test_order_table.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit.h"

static struct pair pair;
static struct peer *const client = &pair.client, *const server = &pair.server;
static const cpnp_schedule at_once, off = {.deactivate = true};

static void
setup(void)
{
	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
}

static cpnp_order *
order_of(const struct peer *p)
{
	return peer_order(p, "o1");
}

static void
assert_agreement(cpnp_agreement_state of_client, cpnp_agreement_state of_server)
{
	ck_assert_int_eq(
	    cpnp_order_agreement_state(order_of(client)), of_client);
	ck_assert_int_eq(
	    cpnp_order_agreement_state(order_of(server)), of_server);
}

static void
assert_both(cpnp_agreement_state state)
{
	assert_agreement(state, state);
}

static cpnp_schedule
between(int64_t start, int64_t end)
{
	return (cpnp_schedule){.has_start = start != 0,
	    .start = {client->now.wall.sec + start},
	    .has_end = end != 0,
	    .end = {client->now.wall.sec + end}};
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

static int64_t
next_event(const struct peer *p)
{
	cpnp_wtime date;

	return cpnp_order_next_service_event(order_of(p), &date)
	    ? date.sec - p->now.wall.sec
	    : 0;
}

/* C34: identifiers and nonce of the agreement, a transaction of its own, and
 * the ACK with the agreed CPD. */
START_TEST(test_activate_says_what_it_has_to)
{
	const uint64_t wanted = CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER) |
	    CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_PROVIDER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_NONCE) |
	    CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_SCHEDULE);
	static cpnp_agreement agreement;
	cpnp_order *order;
	cpnp_msg msg;

	setup();
	order = order_of(client);
	ck_assert_int_eq(cpnp_order_get_standing(order, &agreement), 0);
	pair_activate(&pair, &at_once, false);
	ck_assert(cpnp_order_is_outstanding(order));
	ck_assert(!cpnp_order_is_settled(order));
	ck_assert_int_eq(
	    cpnp_order_transaction(order), CPNP_METHOD_ACTIVATE);
	msg = sent_by(client);
	ck_assert_uint_eq(msg.present & ~CPNP_MSG_HEAD_READ, wanted);
	unit_assert_bytes(msg.nonce, agreement.nonce);
	ck_assert(
	    !cpnp_bytes_equal(msg.transaction_id, agreement.transaction_id));
	ck_assert_uint_le(msg.sequence_number, UINT32_C(0x80000000));
	(void)pair_to_server(&pair);
	ck_assert_str_eq(server->trace, "keep;?decide;");
	assert_both(CPNP_AGREEMENT_COMPLETED);
	peer_clear(server);
	ck_assert_int_eq(
	    cpnp_order_grant(server->orders, order_of(server), server->now),
	    0);
	peer_drain(server);
	ck_assert_str_eq(server->trace, "Completed->Completed;ACK;end;");
	unit_assert_bytes(
	    sent_by(server).service_description, PEER_SERVICE_80);
	peer_clear(client);
	(void)pair_to_client(&pair);
	ck_assert_str_eq(client->trace, "Completed->Completed;end;");
	assert_both(CPNP_AGREEMENT_ACTIVE);
	ck_assert(cpnp_order_is_settled(order));
	/* the receipt of the agreement is still there */
	ck_assert_uint_gt(cpnp_order_receipt(order).len, 0);
	ck_assert_uint_gt(cpnp_order_receipt(order_of(server)).len, 0);
	/* contradictions.md, 15: 0 deactivates */
	pair_activate(&pair, &off, true);
	assert_both(CPNP_AGREEMENT_COMPLETED);
	ck_assert_uint_gt(cpnp_order_receipt(order_of(server)).len, 0);
	pair_withdraw(&pair, true);
	assert_both(CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* The start and the end come by themselves, on both sides. */
START_TEST(test_scheduled_service_starts_and_ends)
{
	cpnp_schedule schedule;

	setup();
	schedule = between(30, 50);
	pair_activate(&pair, &schedule, true);
	assert_both(CPNP_AGREEMENT_COMPLETED);
	ck_assert_int_eq(next_event(client), 30);
	ck_assert_int_eq(next_event(server), 30);
	pair_advance(&pair, CPNP_MILLISECONDS(29999));
	assert_both(CPNP_AGREEMENT_COMPLETED);
	pair_advance(&pair, CPNP_MILLISECONDS(1));
	assert_both(CPNP_AGREEMENT_ACTIVE);
	ck_assert_int_eq(next_event(client), 20);
	pair_advance(&pair, CPNP_SECONDS(20));
	assert_both(CPNP_AGREEMENT_COMPLETED);
	ck_assert_int_eq(next_event(client), 0);
	pair_fini(&pair);
}
END_TEST

/* An order that was forgotten is loaded when the date has come, or later. */
START_TEST(test_overdue_dates_come_when_it_is_loaded)
{
	cpnp_schedule schedule;

	setup();
	schedule = between(300, 500);
	pair_activate(&pair, &schedule, true);
	pair_advance(&pair, CPNP_SECONDS(61));
	pair_advance(&pair, CPNP_SECONDS(339));
	ck_assert_ptr_null(order_of(server));
	ck_assert_int_eq(peer_load(server, &server->records[0]), 0);
	peer_drain(server);
	peer_clear(server);
	peer_run_timers(server);
	ck_assert_str_eq(server->trace, "Completed->Completed;");
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(server)),
	    CPNP_AGREEMENT_ACTIVE);
	pair_advance(&pair, CPNP_SECONDS(300));
	/* both dates have passed */
	ck_assert_int_eq(peer_load(client, &client->records[0]), 0);
	peer_clear(client);
	peer_run_timers(client);
	ck_assert_str_eq(
	    client->trace, "Completed->Completed;Completed->Completed;");
	ck_assert_int_eq(next_event(client), 0);
	pair_fini(&pair);
}
END_TEST

static void
agree(const cpnp_schedule *schedule)
{
	cpnp_offer offer;

	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	pair_client_to(&pair, CPNP_STATE_SERVER_PROCESSING);
	offer = peer_offer(server, PEER_SERVICE_80, 300);
	offer.has_activation_schedule = true;
	offer.activation_schedule = *schedule;
	ck_assert_int_eq(cpnp_order_offer(server->orders, order_of(server),
			     &offer, server->now),
	    0);
	peer_drain(server);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(cpnp_order_accept(client->orders, order_of(client),
			     client->now),
	    0);
	peer_drain(client);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert_int_eq(
	    cpnp_order_state(order_of(client)), CPNP_STATE_COMPLETED);
	peer_clear(client);
	peer_clear(server);
}

/* The schedule of the agreement needs no ACTIVATE, and at its end the
 * agreement is over: in draft-02 too, which has none. */
START_TEST(test_agreed_schedule_starts_and_ends_the_agreement)
{
	cpnp_schedule schedule;

	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	schedule = between(10, 40);
	pair_fini(&pair);
	agree(&schedule);
	assert_both(CPNP_AGREEMENT_COMPLETED);
	pair_advance(&pair, CPNP_SECONDS(10));
	assert_both(CPNP_AGREEMENT_ACTIVE);
	peer_clear(server);
	pair_advance(&pair, CPNP_SECONDS(30));
	assert_both(CPNP_AGREEMENT_ENDED);
	ck_assert_str_eq(server->trace, "Completed->Completed;");
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_COMPLETED);
	/* saved and loaded as it is */
	peer_crash(server);
	ck_assert_int_eq(peer_load(server, &server->records[0]), 0);
	ck_assert_int_eq(cpnp_order_withdraw(client->orders,
			     order_of(client), client->now),
	    CPNP_ERR_STATE);
	/* one of a client that has not noticed is acknowledged */
	{
		cpnp_msg msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);

		msg.transaction_id = CPNP_BYTES_LIT("transaction2");
		peer_clear(server);
		ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
		ck_assert_str_eq(peer_outcome(server, 0), "= ACK");
	}
	pair_fini(&pair);
}
END_TEST

/* The end of the agreement stays, whatever is activated in between, and waits
 * while a transaction is open. */
START_TEST(test_agreed_end_stays_and_waits)
{
	cpnp_schedule schedule;

	setup();
	order_of(client)->now.has_over = order_of(server)->now.has_over = true;
	order_of(client)->now.over.sec = order_of(server)->now.over.sec =
	    client->now.wall.sec + 40;
	schedule = between(10, 20);
	pair_activate(&pair, &schedule, true);
	pair_advance(&pair, CPNP_SECONDS(20));
	assert_both(CPNP_AGREEMENT_COMPLETED);
	ck_assert_int_eq(next_event(server), 20);
	pair_activate(&pair, &at_once, false);
	peer_advance(client, CPNP_SECONDS(20));
	assert_agreement(CPNP_AGREEMENT_COMPLETED, CPNP_AGREEMENT_COMPLETED);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(
	    cpnp_order_grant(server->orders, order_of(server), server->now),
	    0);
	peer_drain(server);
	(void)pair_to_client(&pair);
	peer_run_timers(client);
	peer_advance(server, CPNP_SECONDS(20));
	assert_both(CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* The end waits for an ACTIVATE that is open, and for no other transaction:
 * nobody goes on with a service by opening one after the other. */
START_TEST(test_agreed_end_waits_for_one_transaction)
{
	static const cpnp_method methods[] = {
	    CPNP_METHOD_UPDATE, CPNP_METHOD_ACTIVATE};
	cpnp_msg msg;

	for (size_t i = 0; i < 2; i++) {
		setup();
		order_of(server)->now.has_over = true;
		order_of(server)->now.over.sec = server->now.wall.sec + 40;
		pair_activate(&pair, &at_once, true);
		pair_activate(&pair, &at_once, false);
		(void)pair_to_server(&pair);
		peer_advance(server, CPNP_SECONDS(40));
		ck_assert_int_eq(
		    cpnp_order_agreement_state(order_of(server)),
		    CPNP_AGREEMENT_ACTIVE);
		peer_clear(server);
		/* in one turn, before the end has its own */
		ck_assert_int_eq(cpnp_order_grant(server->orders,
				     order_of(server), server->now),
		    0);
		peer_drain(server);
		msg = peer_hand(server, "o1", methods[i]);
		msg.transaction_id = CPNP_BYTES_LIT("transaction3");
		peer_clear(server);
		ck_assert_int_eq(
		    peer_feed_msg(server, &msg), CPNP_ERR_MISMATCH);
		msg = sent_by(server);
		ck_assert_uint_eq(msg.explanations_n, 1);
		ck_assert_str_eq(peer_outcome(server, 0), "FAIL1!");
		peer_run_timers(server);
		ck_assert_int_eq(
		    cpnp_order_agreement_state(order_of(server)),
		    CPNP_AGREEMENT_ENDED);
		pair_fini(&pair);
	}
}
END_TEST

/* The server offers with a schedule, as long as it may, and that is agreed. */
static void
offer_and_accept(const cpnp_schedule *schedule)
{
	cpnp_offer offer = peer_offer(server, PEER_SERVICE_80, 300);

	offer.has_activation_schedule = true;
	offer.activation_schedule = *schedule;
	ck_assert_int_eq(cpnp_order_offer(server->orders, order_of(server),
			     &offer, server->now),
	    0);
	peer_drain(server);
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(cpnp_order_accept(client->orders, order_of(client),
			     client->now),
	    0);
	peer_drain(client);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert_int_eq(
	    cpnp_order_state(order_of(client)), CPNP_STATE_COMPLETED);
	peer_clear(client);
	peer_clear(server);
}

static cpnp_schedule
agree_on(int64_t start, int64_t end)
{
	cpnp_schedule schedule;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	schedule = between(start, end);
	pair_client_to(&pair, CPNP_STATE_SERVER_PROCESSING);
	offer_and_accept(&schedule);
	pair_advance(&pair, 1);
	return schedule;
}

static void
update_to(const cpnp_schedule *schedule)
{
	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	peer_clear(client);
	peer_clear(server);
	offer_and_accept(schedule);
	pair_advance(&pair, 1);
}

/* contradictions.md, 15: an UPDATE does not start again what was deactivated,
 * unless its schedule has a start of its own. */
START_TEST(test_15_a_start_counts_once)
{
	cpnp_schedule later;

	for (int64_t start = 0; start <= 10; start += 10) {
		later = agree_on(start, 500);
		pair_advance(&pair, CPNP_SECONDS(20));
		assert_both(CPNP_AGREEMENT_ACTIVE);
		later.end.sec += 100;
		update_to(&later);
		assert_both(CPNP_AGREEMENT_ACTIVE);
		ck_assert_int_eq(next_event(server), 580);
		pair_activate(&pair, &off, true);
		later.end.sec += 100;
		update_to(&later);
		assert_both(CPNP_AGREEMENT_COMPLETED);
		ck_assert_int_eq(next_event(client), 680);
		ck_assert_int_eq(next_event(server), 680);
		later.has_start = true;
		later.start.sec = client->now.wall.sec + 30;
		update_to(&later);
		assert_both(CPNP_AGREEMENT_COMPLETED);
		pair_advance(&pair, CPNP_SECONDS(30));
		assert_both(CPNP_AGREEMENT_ACTIVE);
		pair_fini(&pair);
	}
}
END_TEST

/* What an ACTIVATE has scheduled stays too, and so does a start that has not
 * come yet. */
START_TEST(test_15_a_start_that_is_ahead_stays)
{
	cpnp_schedule schedule = agree_on(100, 500), once;

	schedule.end.sec += 100;
	update_to(&schedule);
	ck_assert_int_eq(next_event(server), 100);
	ck_assert_int_eq(next_event(client), 100);
	once = between(20, 40);
	pair_activate(&pair, &once, true);
	schedule.end.sec += 100;
	update_to(&schedule);
	ck_assert_int_eq(next_event(server), 20);
	pair_advance(&pair, CPNP_SECONDS(20));
	assert_both(CPNP_AGREEMENT_ACTIVE);
	pair_advance(&pair, CPNP_SECONDS(20));
	assert_both(CPNP_AGREEMENT_COMPLETED);
	ck_assert_int_eq(next_event(client), 660);
	pair_fini(&pair);
}
END_TEST

/* The agreed end is kept: what an UPDATE waits for comes before it, or the two
 * end there together, whatever the client hears of it. */
START_TEST(test_update_does_not_put_off_the_agreed_end)
{
	cpnp_schedule schedule;
	cpnp_offer offer;
	cpnp_msg msg;

	for (int offered = 0; offered < 2; offered++) {
		schedule = agree_on(0, 50);
		pair_update(&pair, CPNP_STATE_PQO_SENT);
		(void)pair_to_server(&pair);
		msg = sent_by(server);
		ck_assert_int_eq(
		    msg.expected_offer_time.sec, schedule.end.sec);
		ck_assert_int_eq(
		    cpnp_order_more_time(server->orders, order_of(server),
			(cpnp_wtime){schedule.end.sec + 1}, CPNP_SUBCODE_NONE,
			server->now),
		    CPNP_ERR_INVALID);
		(void)pair_to_client(&pair);
		if (offered) {
			offer = peer_offer(server, PEER_SERVICE_60, 300);
			ck_assert_int_eq(
			    cpnp_order_offer(server->orders, order_of(server),
				&offer, server->now),
			    0);
			peer_drain(server);
			msg = sent_by(server);
			ck_assert_int_eq(
			    msg.validity_offer_time.sec, schedule.end.sec);
			(void)pair_to_client(&pair);
		}
		peer_clear(client);
		peer_advance(server, CPNP_SECONDS(50));
		ck_assert_int_eq(
		    cpnp_order_agreement_state(order_of(server)),
		    CPNP_AGREEMENT_ENDED);
		peer_clear(server);
		/* the FAIL was lost: the UPDATE repeated gets another */
		peer_advance(client, CPNP_SECONDS(50));
		while (pair_to_server(&pair) != CPNP_METHOD_PARTS)
			(void)pair_to_client(&pair);
		peer_run_timers(client);
		assert_both(CPNP_AGREEMENT_ENDED);
		pair_fini(&pair);
	}
}
END_TEST

/* So is the time that is asked for. */
START_TEST(test_more_time_for_an_update_up_to_the_agreed_end)
{
	cpnp_schedule schedule = agree_on(0, 200);
	cpnp_msg msg;

	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	peer_clear(server);
	ck_assert_int_eq(
	    cpnp_order_more_time(server->orders, order_of(server),
		(cpnp_wtime){schedule.end.sec + 100}, CPNP_SUBCODE_NONE,
		server->now),
	    0);
	peer_drain(server);
	msg = sent_by(server);
	ck_assert_int_eq(msg.expected_offer_time.sec, schedule.end.sec);
	pair_fini(&pair);
}
END_TEST

/* At its end nothing is offered any more. */
START_TEST(test_no_offer_behind_the_agreed_end)
{
	cpnp_offer offer;

	(void)agree_on(0, 50);
	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	server->now.wall.sec += 50;
	offer = peer_offer(server, PEER_SERVICE_60, 300);
	ck_assert_int_eq(cpnp_order_offer(server->orders, order_of(server),
			     &offer, server->now),
	    CPNP_ERR_INVALID);
	pair_fini(&pair);
}
END_TEST

/* A FAIL leaves the agreement as it was. */
START_TEST(test_refused_activation)
{
	setup();
	pair_activate(&pair, &at_once, false);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(cpnp_order_refuse(server->orders, order_of(server),
			     CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED, NULL, 0,
			     server->now),
	    0);
	peer_clear(server);
	peer_drain(server);
	ck_assert_str_eq(server->trace, "keep;FAIL4;end;");
	peer_clear(client);
	(void)pair_to_client(&pair);
	ck_assert_str_eq(client->trace, "keep;end;");
	assert_both(CPNP_AGREEMENT_COMPLETED);
	ck_assert_int_eq(cpnp_order_status(order_of(client)),
	    CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert(cpnp_order_is_settled(order_of(client)));
	pair_activate(&pair, &at_once, true);
	assert_both(CPNP_AGREEMENT_ACTIVE);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, 11.4: PROCESSING while it is not decided, the stored answer
 * afterwards; never the ACK of the agreement. */
START_TEST(test_repeated_activate)
{
	setup();
	pair_activate(&pair, &at_once, false);
	(void)pair_to_server(&pair);
	peer_clear(server);
	peer_advance(client, CPNP_SECONDS(2));
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACTIVATE);
	ck_assert_str_eq(server->trace, "keep;PROCESSING;");
	server->now.mono += CPNP_SECONDS(1);
	peer_advance(client, CPNP_SECONDS(2));
	(void)pair_to_server(&pair);
	ck_assert_str_eq(
	    server->trace, "keep;PROCESSING;PROCESSING again;");
	(void)pair_to_client(&pair);
	/* contradictions.md, 10: no more quick retries */
	peer_clear(client);
	peer_advance(client, CPNP_SECONDS(29));
	ck_assert_uint_eq(client->outbox_n, 0);
	/* a restart asks again */
	peer_clear(server);
	peer_crash(server);
	ck_assert_str_eq(server->trace, "?decide;");
	ck_assert_int_eq(
	    cpnp_order_grant(server->orders, order_of(server), server->now),
	    0);
	peer_drain(server);
	peer_clear(server);
	peer_crash(server);
	peer_advance(client, CPNP_SECONDS(1));
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACTIVATE);
	ck_assert_str_eq(server->trace, "ACK again;");
	(void)pair_to_client(&pair);
	assert_both(CPNP_AGREEMENT_ACTIVE);
	pair_fini(&pair);
}
END_TEST

/* An ACTIVATE of a transaction that is over is not executed once more, nor
 * does an ACCEPT of one disturb (contradictions.md, 12). */
START_TEST(test_12_old_activate_is_not_executed_again)
{
	struct peer_mail on;

	setup();
	pair_activate(&pair, &at_once, false);
	on = client->outbox[0];
	client->outbox_n = 0;
	(void)peer_feed(
	    server, client->name, (cpnp_bytes){on.bytes, on.len});
	ck_assert_int_eq(
	    cpnp_order_grant(server->orders, order_of(server), server->now),
	    0);
	peer_drain(server);
	(void)pair_to_client(&pair);
	for (int i = 0; i < ORDER_PAST_MAX; i++) {
		pair_activate(&pair, &off, true);
		peer_clear(server);
		ck_assert_int_eq(peer_feed(server, client->name,
				     (cpnp_bytes){on.bytes, on.len}),
		    CPNP_ERR_MISMATCH);
		ck_assert_str_eq(peer_outcome(server, 0), "FAIL1!");
		peer_clear(server);
		assert_both(CPNP_AGREEMENT_COMPLETED);
	}
	/* so many are remembered, and no more */
	pair_activate(&pair, &off, true);
	ck_assert_uint_eq(
	    cpnp_blob_bytes(order_of(server)->now.docs[ORDER_BLOB_PAST]).len,
	    ORDER_PAST_MAX * ORDER_TAG_LEN);
	peer_clear(server);
	ck_assert_int_eq(peer_feed(server, client->name,
			     (cpnp_bytes){on.bytes, on.len}),
	    0);
	ck_assert_str_eq(peer_outcome(server, 0), "= ?decide");
	free(on.bytes);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 33: one transaction at a time; what was refused stays
 * refused. */
START_TEST(test_33_second_transaction_is_refused)
{
	cpnp_msg withdraw, msg;

	setup();
	pair_activate(&pair, &at_once, false);
	ck_assert_int_eq(cpnp_order_activate(client->orders,
			     order_of(client), &off, client->now),
	    CPNP_ERR_BUSY);
	ck_assert_int_eq(cpnp_order_withdraw(client->orders,
			     order_of(client), client->now),
	    CPNP_ERR_BUSY);
	(void)pair_to_server(&pair);
	withdraw = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	withdraw.transaction_id = CPNP_BYTES_LIT("transaction2");
	peer_clear(server);
	ck_assert_int_eq(peer_feed_msg(server, &withdraw), 0);
	ck_assert_str_eq(server->trace, "keep;FAIL1!;");
	msg = sent_by(server);
	ck_assert_uint_eq(msg.explanations_n, 1);
	unit_assert_bytes(msg.transaction_id, withdraw.transaction_id);
	assert_both(CPNP_AGREEMENT_COMPLETED);
	/* the nonce is judged first: a wrong one looks like no order */
	msg = withdraw;
	msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	msg.transaction_id = CPNP_BYTES_LIT("transaction3");
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_NONCE);
	ck_assert_int_eq(
	    cpnp_order_grant(server->orders, order_of(server), server->now),
	    0);
	peer_drain(server);
	peer_crash(server);
	ck_assert_int_eq(peer_load(server, &server->records[0]), 0);
	withdraw = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	withdraw.transaction_id = CPNP_BYTES_LIT("transaction2");
	ck_assert_int_eq(
	    peer_feed_msg(server, &withdraw), CPNP_ERR_MISMATCH);
	assert_agreement(CPNP_AGREEMENT_COMPLETED, CPNP_AGREEMENT_ACTIVE);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, Table 6, C25: what is wrong in an ACTIVATE. */
START_TEST(test_activate_validation)
{
	cpnp_msg right, msg;

	setup();
	right = peer_hand(server, "o1", CPNP_METHOD_ACTIVATE);
	right.transaction_id = CPNP_BYTES_LIT("transaction2");
	msg = right;
	msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_NONCE);
	msg = right;
	msg.provider_order_id = CPNP_BYTES_LIT("P-other");
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_UNKNOWN_ORDER);
	msg = right;
	msg.transaction_id = cpnp_order_transaction_id(order_of(server));
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_MISMATCH);
	msg = right;
	msg.activation_schedule = (cpnp_schedule){
	    .has_end = true, .end = {server->now.wall.sec}};
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_MISMATCH);
	ck_assert_int_eq(peer_feed_msg(server, &right), 0);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_activate_in_its_place_only)
{
	cpnp_schedule schedule;

	setup();
	schedule = between(20, 20);
	ck_assert_int_eq(cpnp_order_activate(client->orders,
			     order_of(client), &schedule, client->now),
	    CPNP_ERR_INVALID);
	schedule = between(0, -1);
	ck_assert_int_eq(cpnp_order_activate(client->orders,
			     order_of(client), &schedule, client->now),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    cpnp_order_grant(server->orders, order_of(server), server->now),
	    CPNP_ERR_STATE);
	pair_withdraw(&pair, false);
	ck_assert_int_eq(cpnp_order_activate(client->orders,
			     order_of(client), &at_once, client->now),
	    CPNP_ERR_BUSY);
	pair_fini(&pair);
	pair_init(&pair, CPNP_EDITION_DRAFT02, false);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
	ck_assert_int_eq(cpnp_order_activate(client->orders,
			     order_of(client), &at_once, client->now),
	    CPNP_ERR_METHOD);
	pair_fini(&pair);
}
END_TEST

/* An ACK of something else is not taken; one without a CPD is (Figure 16). */
START_TEST(test_acknowledgement_of_an_activation)
{
	cpnp_msg msg;

	setup();
	pair_activate(&pair, &at_once, false);
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	msg.service_description = PEER_SERVICE;
	ck_assert_int_eq(peer_feed_msg(client, &msg), CPNP_ERR_MISMATCH);
	msg = peer_hand(client, "o1", CPNP_METHOD_ACK);
	msg.present &= ~CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	ck_assert_int_eq(peer_feed_msg(client, &msg), 0);
	assert_agreement(CPNP_AGREEMENT_ACTIVE, CPNP_AGREEMENT_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* RFC 7297, 3.11: activated by other means. */
START_TEST(test_service_is_reported)
{
	setup();
	ck_assert_int_eq(cpnp_order_set_active(server->orders,
			     order_of(server), true, server->now),
	    0);
	peer_drain(server);
	ck_assert_str_eq(server->trace, "Completed->Completed;");
	assert_agreement(CPNP_AGREEMENT_COMPLETED, CPNP_AGREEMENT_ACTIVE);
	peer_clear(server);
	ck_assert_int_eq(cpnp_order_set_active(server->orders,
			     order_of(server), true, server->now),
	    0);
	peer_drain(server);
	ck_assert_str_eq(server->trace, "");
	ck_assert_int_eq(cpnp_order_set_active(server->orders,
			     order_of(server), false, server->now),
	    0);
	peer_drain(server);
	assert_both(CPNP_AGREEMENT_COMPLETED);
	/* it is withdrawn while it runs */
	pair_activate(&pair, &at_once, true);
	pair_withdraw(&pair, true);
	assert_both(CPNP_AGREEMENT_ENDED);
	ck_assert_int_eq(cpnp_order_set_active(server->orders,
			     order_of(server), true, server->now),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_activate_says_what_it_has_to,
	    test_scheduled_service_starts_and_ends,
	    test_overdue_dates_come_when_it_is_loaded,
	    test_agreed_schedule_starts_and_ends_the_agreement,
	    test_agreed_end_stays_and_waits,
	    test_15_a_start_counts_once,
	    test_15_a_start_that_is_ahead_stays,
	    test_update_does_not_put_off_the_agreed_end,
	    test_more_time_for_an_update_up_to_the_agreed_end,
	    test_no_offer_behind_the_agreed_end,
	    test_agreed_end_waits_for_one_transaction,
	    test_refused_activation,
	    test_repeated_activate,
	    test_12_old_activate_is_not_executed_again,
	    test_33_second_transaction_is_refused,
	    test_activate_validation,
	    test_activate_in_its_place_only,
	    test_acknowledgement_of_an_activation,
	    test_service_is_reported,
	};

	return unit_run(
	    "order_activate", tests, sizeof(tests) / sizeof(tests[0]));
}
