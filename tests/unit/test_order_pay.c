/*
 * The payment for an agreement: an OFFER with settlement terms, an ACCEPT with
 * an authorization, and no ACK before it is paid (contradictions.md, 5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit.h"

#define OTHER_PAYMENT CPNP_BYTES_LIT("\x81\x43PAY")

static struct pair pair;
static struct peer *const client = &pair.client, *const server = &pair.server;

/* Both editions, without and with signatures. */
#define WAYS 4

static cpnp_order *
order_of(const struct peer *p)
{
	return peer_order(p, "o1");
}

static void
begin(int way)
{
	pair_init(&pair, (cpnp_edition)(way % 2), way / 2 == 1);
	pair.has_terms = true;
}

/* The ACCEPT has come, and the payment is awaited. */
static void
setup(int way)
{
	begin(way);
	pair_client_to(&pair, CPNP_STATE_ACCEPT_SENT);
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_ACCEPT_RECEIVED);
	peer_clear(client);
	peer_clear(server);
}

static void
say_paid(void)
{
	ck_assert_int_eq(cpnp_order_paid(
			     server->orders, order_of(server), server->now),
	    0);
	peer_drain(server);
}

static void
say_not_paid(void)
{
	static const cpnp_explanation why = {
	    .clause = {(const uint8_t *)"PAYMENT", 7},
	    .reason = {(const uint8_t *)"too little", 10}};

	ck_assert_int_eq(
	    cpnp_order_not_paid(server->orders, order_of(server),
		CPNP_STATUS_AUTHORIZATION_FAILED, &why, 1, server->now),
	    0);
	peer_drain(server);
}

static void
sign_ack(void)
{
	if (server->config.sign)
		ck_assert_int_eq(peer_sign(server, server->name), 0);
}

static void
cancel(void)
{
	ck_assert_int_eq(cpnp_order_cancel(
			     client->orders, order_of(client), client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_CANCEL);
}

static void
assert_states(cpnp_state of_client, cpnp_state of_server)
{
	ck_assert_int_eq(cpnp_order_state(order_of(client)), of_client);
	ck_assert_int_eq(cpnp_order_state(order_of(server)), of_server);
}

static void
assert_payment(const struct peer *p, cpnp_bytes payment)
{
	unit_assert_bytes(
	    cpnp_order_doc(order_of(p), CPNP_DOC_PAYMENT), payment);
}

static void
restart(struct peer *p)
{
	peer_crash(p);
	if (order_of(p) == NULL)
		ck_assert_int_eq(peer_load(p, &p->records[0]), 0);
	(void)cpnp_order_set_peer(
	    p->orders, order_of(p), p->handle, false, p->now);
	peer_drain(p);
}

/* --- the way that it usually goes --- */

START_TEST(test_05_no_ack_before_it_is_paid)
{
	cpnp_wait wait;

	begin(_i);
	pair_client_to(&pair, CPNP_STATE_ACCEPT_SENT);
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	peer_clear(server);
	(void)pair_to_server(&pair);
	ck_assert_str_eq(peer_outcome(server, 0), "AR PROCESSING ?pay");
	cpnp_order_wait(order_of(server), &wait);
	ck_assert_str_eq(wait.what, "the payment");
	ck_assert(!wait.has_until);
	assert_payment(client, PEER_PAYMENT);
	assert_payment(server, PEER_PAYMENT);
	/* told at once, the client does not repeat it quickly */
	(void)pair_to_client(&pair);
	cpnp_order_wait(order_of(client), &wait);
	ck_assert_str_eq(
	    wait.what, "the payment, which the provider is posting");
	peer_clear(client);
	peer_advance(client, CPNP_SECONDS(10));
	ck_assert_uint_eq(client->outbox_n, 0);
	/* whatever time passes */
	peer_advance(server, CPNP_SECONDS(100000));
	peer_clear(server);
	say_paid();
	ck_assert_str_eq(peer_outcome(server, 0),
	    server->config.sign ? "= ?sign" : "CO ACK .");
	sign_ack();
	(void)pair_to_client(&pair);
	assert_states(CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
	ck_assert_int_eq(cpnp_order_paid(
			     server->orders, order_of(server), server->now),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

/* What the effect shows is what was sent, and again after a load. */
START_TEST(test_effect_pay_shows_terms_and_authorization)
{
	cpnp_effect effect;
	cpnp_msg msg;

	begin(0);
	pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	for (int i = 0; i < 2; i++) {
		if (i == 0) {
			cpnp_input input = {.msg = &msg,
			    .identity = cpnp_bytes_str(client->name),
			    .peer = 7,
			    .searched = true};
			static uint8_t store[4096];
			static cpnp_msg in;
			cpnp_buf buf;

			cpnp_buf_init_fixed(&buf, store, sizeof(store));
			ck_assert_int_eq(cpnp_msg_encode(&msg, &buf, NULL), 0);
			ck_assert_int_eq(
			    cpnp_msg_decode(&in, cpnp_buf_bytes(&buf), NULL),
			    0);
			input.msg = &in;
			ck_assert_int_eq(cpnp_orders_recv(server->orders,
					     &input, server->now),
			    0);
		} else {
			peer_drain(server);
			cpnp_orders_drop(server->orders, order_of(server));
			ck_assert_int_eq(
			    peer_load(server, &server->records[0]), 0);
		}
		do {
			ck_assert(cpnp_orders_next(server->orders, &effect));
			if (effect.type == CPNP_EFFECT_STORE) {
				struct peer_update *update =
				    peer_update_new(&effect);

				peer_update_apply(server, update);
				peer_update_del(update);
			}
		} while (effect.type != CPNP_EFFECT_PAY);
		ck_assert_ptr_eq(effect.order, order_of(server));
		unit_assert_bytes(effect.u.pay.authorization, PEER_PAYMENT);
		unit_assert_bytes(effect.u.pay.settlement_terms, PEER_TERMS);
		ck_assert_uint_eq(effect.u.pay.commit_set.len, 0);
		ck_assert(!cpnp_orders_next(server->orders, &effect));
	}
	pair_fini(&pair);
}
END_TEST

/* An ACCEPT that comes again, or under a new number with another
 * authorization, changes nothing. */
START_TEST(test_accept_again_while_it_is_paid)
{
	cpnp_msg msg;

	setup(_i);
	server->now.mono += CPNP_SECONDS(1);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	msg.payment_authorization = OTHER_PAYMENT;
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(peer_outcome(server, 0), "= PROCESSING~");
	assert_payment(server, PEER_PAYMENT);
	/* and once more: a repetition, which the rate limit drops */
	peer_clear(server);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(peer_outcome(server, 0), "-");
	server->now.mono += CPNP_SECONDS(1);
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(peer_outcome(server, 0), "= PROCESSING~");
	pair_fini(&pair);
}
END_TEST

/* --- what is missing --- */

START_TEST(test_accept_without_payment_is_refused)
{
	struct peer_mail mail;
	cpnp_msg msg;

	begin(_i);
	pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	msg.present &= ~CPNP_ATTR_BIT(CPNP_ATTR_PAYMENT_AUTHORIZATION);
	ck_assert_int_eq(
	    peer_feed_msg(server, &msg), CPNP_ERR_ATTR_MISSING);
	ck_assert_int_eq(cpnp_order_state(order_of(server)),
	    CPNP_STATE_PROCESSING_RECEIVED);
	assert_payment(server, CPNP_BYTES_NONE);
	ck_assert_uint_eq(server->outbox_n, 1);
	mail = server->outbox[0];
	ck_assert(mail.fail);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     (cpnp_bytes){mail.bytes, mail.len}, NULL),
	    0);
	ck_assert_int_eq(msg.status,
	    msg.edition == CPNP_EDITION_RFC8921
		? CPNP_STATUS_AUTHORIZATION_FAILED
		: CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED);
	ck_assert_uint_eq(msg.explanations_n, 1);
	unit_assert_bytes(
	    msg.explanations[0].clause, CPNP_BYTES_LIT("PAYMENT"));
	pair_fini(&pair);
}
END_TEST

/* An extension attribute may stand anywhere; nobody asked for this one. */
START_TEST(test_payment_without_terms_is_ignored)
{
	cpnp_msg msg;

	pair_init(&pair, (cpnp_edition)(_i % 2), false);
	pair_server_to(&pair, CPNP_STATE_PROCESSING_RECEIVED);
	msg = peer_hand(server, "o1", CPNP_METHOD_ACCEPT);
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_PAYMENT_AUTHORIZATION);
	msg.payment_authorization = PEER_PAYMENT;
	ck_assert_int_eq(peer_feed_msg(server, &msg), 0);
	ck_assert_str_eq(peer_outcome(server, 0), "CO ACK .");
	assert_payment(server, CPNP_BYTES_NONE);
	ck_assert_int_eq(cpnp_order_set_binding(
			     server->orders, order_of(server)),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_client_pays_when_asked_and_only_then)
{
	uint8_t item[CPNP_EXTENSION_MAX + 1] = {0x59};
	cpnp_bytes whole = {item, CPNP_EXTENSION_MAX};
	cpnp_orders *orders = client->orders;

	begin(0);
	orders = client->orders;
	pair_client_to(&pair, CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(
	    cpnp_order_accept(orders, order_of(client), client->now),
	    CPNP_ERR_MISMATCH);
#define PAY_WITH(bytes)                                                        \
	cpnp_order_accept_paid(orders, order_of(client), bytes, client->now)
	ck_assert_int_eq(PAY_WITH(CPNP_BYTES_NONE), CPNP_ERR_INVALID);
	ck_assert_int_eq(PAY_WITH(CPNP_BYTES_LIT("\x82")), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    PAY_WITH(CPNP_BYTES_LIT("\x01\x01")), CPNP_ERR_INVALID);
	whole.len++;
	item[1] = (CPNP_EXTENSION_MAX - 2) >> 8;
	item[2] = (CPNP_EXTENSION_MAX - 2) & 0xff;
	ck_assert_int_eq(PAY_WITH(whole), CPNP_ERR_INVALID);
	whole.len--;
	item[1] = (CPNP_EXTENSION_MAX - 3) >> 8;
	item[2] = (CPNP_EXTENSION_MAX - 3) & 0xff;
	ck_assert_int_eq(PAY_WITH(whole), 0);
	peer_drain(client);
	ck_assert_str_eq(peer_outcome(client, 0), "AS ACCEPT");
	ck_assert_int_eq(PAY_WITH(whole), CPNP_ERR_STATE);
	(void)pair_to_server(&pair);
	assert_payment(server, whole);
	pair_fini(&pair);
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	orders = client->orders;
	pair_client_to(&pair, CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(PAY_WITH(PEER_PAYMENT), CPNP_ERR_MISMATCH);
#undef PAY_WITH
	pair_fini(&pair);
}
END_TEST

/* While its ACCEPT is being signed it is nowhere but in memory. */
START_TEST(test_authorization_waits_for_the_signature)
{
	cpnp_bytes payments[] = {PEER_PAYMENT, OTHER_PAYMENT, PEER_PAYMENT};

	begin(3);
	pair_client_to(&pair, CPNP_STATE_OFFER_PROCESSING);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(cpnp_order_accept_paid(client->orders,
				     order_of(client), payments[i],
				     client->now),
		    0);
		peer_drain(client);
		assert_payment(client, CPNP_BYTES_NONE);
		if (i == 0) {
			ck_assert_int_eq(
			    cpnp_order_sign_failed(client->orders,
				order_of(client), client->now),
			    0);
			peer_drain(client);
		} else if (i == 1) {
			restart(client);
		}
	}
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	assert_payment(client, PEER_PAYMENT);
	restart(client);
	assert_payment(client, PEER_PAYMENT);
	pair_fini(&pair);
}
END_TEST

/* --- not paid --- */

START_TEST(test_not_paid_says_why)
{
	cpnp_msg msg;

	setup(_i);
	ck_assert_int_eq(cpnp_order_not_paid(server->orders, order_of(server),
			     CPNP_STATUS_NONE, NULL, 0, server->now),
	    CPNP_ERR_INVALID);
	say_not_paid();
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_FAIL);
	assert_states(CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED);
	ck_assert_int_eq(cpnp_msg_decode(&msg,
			     cpnp_order_doc(order_of(client), CPNP_DOC_FINAL),
			     NULL),
	    0);
	unit_assert_bytes(
	    msg.explanations[0].reason, CPNP_BYTES_LIT("too little"));
	/* what was tried is kept */
	assert_payment(server, PEER_PAYMENT);
	ck_assert_int_eq(cpnp_order_paid(
			     server->orders, order_of(server), server->now),
	    CPNP_ERR_STATE);
	restart(server);
	restart(client);
	assert_states(CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED);
	pair_fini(&pair);
}
END_TEST

/* --- CANCEL --- */

START_TEST(test_05_cancel_before_it_binds)
{
	setup(_i);
	cancel();
	(void)pair_to_client(&pair);
	assert_states(CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED);
	ck_assert(!cpnp_order_is_outstanding(order_of(client)));
	ck_assert_int_eq(cpnp_order_paid(
			     server->orders, order_of(server), server->now),
	    CPNP_ERR_STATE);
	ck_assert_int_eq(cpnp_order_set_binding(
			     server->orders, order_of(server)),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

static void
bind(void)
{
	ck_assert_int_eq(
	    cpnp_order_set_binding(server->orders, order_of(server)), 0);
}

/* It is answered with PROCESSING, and then with the ACK of the ACCEPT. */
START_TEST(test_05_cancel_after_it_binds)
{
	setup(_i);
	bind();
	cancel();
	assert_states(CPNP_STATE_CANCELLED, CPNP_STATE_ACCEPT_RECEIVED);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_PROCESSING);
	ck_assert(cpnp_order_is_outstanding(order_of(client)));
	/* no more quick retries, and the slow ones get the same answer */
	peer_clear(client);
	peer_advance(client, CPNP_SECONDS(10));
	ck_assert_uint_eq(client->outbox_n, 0);
	peer_advance(client, CPNP_SECONDS(30));
	peer_advance(server, CPNP_SECONDS(40));
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_CANCEL);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_PROCESSING);
	restart(client);
	peer_clear(server);
	say_paid();
	sign_ack();
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_ACK);
	assert_states(CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
	ck_assert(!cpnp_order_is_outstanding(order_of(client)));
	pair_fini(&pair);
}
END_TEST

/* ... or with the FAIL, when it is not paid after all. */
START_TEST(test_05_cancel_after_it_binds_and_not_paid)
{
	setup(_i);
	bind();
	cancel();
	(void)pair_to_client(&pair);
	say_not_paid();
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_FAIL);
	assert_states(CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED);
	ck_assert(!cpnp_order_is_outstanding(order_of(client)));
	pair_fini(&pair);
}
END_TEST

/* What is paid is paid, also while its ACK is being signed, when that has
 * failed, and after a restart. */
START_TEST(test_05_cancel_while_the_ack_is_signed)
{
	setup(2 + _i % 2);
	say_paid();
	if (_i / 2 == 1)
		restart(server);
	else
		ck_assert_int_eq(cpnp_order_sign_failed(server->orders,
				     order_of(server), server->now),
		    0);
	peer_drain(server);
	peer_clear(server);
	server->now.mono += CPNP_SECONDS(1);
	cancel();
	ck_assert_str_eq(peer_outcome(server, 0),
	    _i / 2 == 1 ? "= PROCESSING" : "= ?sign PROCESSING");
	(void)pair_to_client(&pair);
	sign_ack();
	(void)pair_to_client(&pair);
	assert_states(CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* --- restarts --- */

START_TEST(test_payment_is_asked_for_again)
{
	setup(_i);
	bind();
	restart(server);
	ck_assert_str_eq(server->trace, "?pay;");
	assert_payment(server, PEER_PAYMENT);
	/* the application says again what binds */
	ck_assert(!order_of(server)->now.binding);
	bind();
	peer_clear(server);
	say_paid();
	if (server->config.sign) {
		restart(server);
		peer_clear(server);
		restart(server);
		ck_assert_str_eq(server->trace, "?sign;");
	}
	sign_ack();
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_COMPLETED);
	restart(server);
	restart(client);
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* --- UPDATE --- */

/* The agreement stands, and an UPDATE with another payment is accepted. */
static void
setup_update(int way)
{
	setup(way);
	say_paid();
	sign_ack();
	(void)pair_to_client(&pair);
	peer_clear(client);
	peer_clear(server);
	pair_update(&pair, CPNP_STATE_OFFER_PROCESSING);
	assert_payment(client, CPNP_BYTES_NONE);
	ck_assert_int_eq(cpnp_order_accept_paid(client->orders,
			     order_of(client), OTHER_PAYMENT, client->now),
	    0);
	peer_drain(client);
	if (client->config.sign)
		ck_assert_int_eq(peer_sign(client, client->name), 0);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	for (int i = 0; i < 2; i++) {
		const struct peer *p = i == 0 ? client : server;

		assert_payment(p, OTHER_PAYMENT);
		unit_assert_bytes(
		    cpnp_order_doc(order_of(p), CPNP_DOC_STANDING_PAYMENT),
		    PEER_PAYMENT);
	}
	(void)pair_to_client(&pair);
	restart(client);
	restart(server);
	peer_clear(server);
}

static void
assert_agreed(cpnp_bytes service, cpnp_bytes payment)
{
	static cpnp_agreement agreement;

	assert_states(CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
	for (int i = 0; i < 2; i++) {
		const struct peer *p = i == 0 ? client : server;

		ck_assert_int_eq(
		    cpnp_order_get_standing(order_of(p), &agreement), 0);
		unit_assert_bytes(agreement.service_description, service);
		assert_payment(p, payment);
		ck_assert_uint_eq(
		    cpnp_order_doc(order_of(p), CPNP_DOC_STANDING_PAYMENT).len,
		    0);
	}
}

START_TEST(test_33_update_is_paid)
{
	setup_update(_i);
	say_paid();
	sign_ack();
	(void)pair_to_client(&pair);
	assert_agreed(PEER_SERVICE_60, OTHER_PAYMENT);
	pair_fini(&pair);
}
END_TEST

/* The agreement stands as it was, with its own payment, also after another
 * restart, and can be withdrawn. */
START_TEST(test_33_update_is_not_paid)
{
	setup_update(_i);
	say_not_paid();
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_FAIL);
	assert_agreed(PEER_SERVICE_80, PEER_PAYMENT);
	restart(client);
	restart(server);
	assert_agreed(PEER_SERVICE_80, PEER_PAYMENT);
	pair_withdraw(&pair, true);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(server)),
	    CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

static void
assert_all_carry(const struct peer *p, cpnp_bytes authorization)
{
	cpnp_msg msg;

	ck_assert_uint_gt(p->outbox_n, 0);
	for (size_t i = 0; i < p->outbox_n; i++) {
		ck_assert_int_eq(cpnp_msg_decode(&msg,
		    (cpnp_bytes){p->outbox[i].bytes, p->outbox[i].len}, NULL),
		    0);
		ck_assert_int_eq(msg.method, CPNP_METHOD_WITHDRAW);
		unit_assert_bytes(msg.payment_authorization, authorization);
	}
}

static int
withdraw_paid(cpnp_bytes authorization)
{
	int err = cpnp_order_withdraw_paid(
	    client->orders, order_of(client), authorization, client->now);

	peer_drain(client);
	return err;
}

/* What ends the payment goes with every WITHDRAW: the first, those of a cycle,
 * after a restart and of the next cycle; what began it stays. */
START_TEST(test_withdraw_brings_the_word_of_the_payer)
{
	static uint8_t item[CPNP_EXTENSION_MAX + 1] = {0x59};
	const cpnp_bytes whole = {item, CPNP_EXTENSION_MAX};

	begin(_i);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
	peer_clear(client);
	item[1] = (CPNP_EXTENSION_MAX - 2) >> 8;
	item[2] = (CPNP_EXTENSION_MAX - 2) & 0xff;
	ck_assert_int_eq(withdraw_paid(CPNP_BYTES_NONE), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    withdraw_paid(CPNP_BYTES_LIT("\x82")), CPNP_ERR_INVALID);
	ck_assert_int_eq(withdraw_paid((cpnp_bytes){item, sizeof(item)}),
	    CPNP_ERR_INVALID);
	ck_assert_uint_eq(client->outbox_n, 0);
	item[1] = (CPNP_EXTENSION_MAX - 3) >> 8;
	item[2] = (CPNP_EXTENSION_MAX - 3) & 0xff;
	ck_assert_int_eq(withdraw_paid(whole), 0);
	ck_assert_int_eq(withdraw_paid(whole), CPNP_ERR_BUSY);
	peer_advance(client, CPNP_SECONDS(2));
	assert_all_carry(client, whole);
	peer_clear(client);
	restart(client);
	for (int i = 0; i < 30 && client->alarms == 0; i++)
		peer_advance(client, CPNP_SECONDS(2));
	ck_assert_uint_eq(client->alarms, 1);
	peer_clear(client);
	peer_advance(client, CPNP_SECONDS(300));
	assert_all_carry(client, whole);
	assert_payment(client, PEER_PAYMENT);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_WITHDRAW);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(server)),
	    CPNP_AGREEMENT_ENDED);
	assert_payment(server, PEER_PAYMENT);
	pair_fini(&pair);
	pair_init(&pair, (cpnp_edition)(_i % 2), _i / 2 == 1);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
	ck_assert_int_eq(withdraw_paid(PEER_PAYMENT), CPNP_ERR_MISMATCH);
	ck_assert_int_eq(
	    cpnp_order_state(order_of(client)), CPNP_STATE_COMPLETED);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_33_update_is_cancelled_before_and_after_it_binds)
{
	for (int binds = 0; binds < 2; binds++) {
		setup_update(_i);
		if (binds)
			bind();
		cancel();
		(void)pair_to_client(&pair);
		if (binds) {
			say_paid();
			sign_ack();
			(void)pair_to_client(&pair);
		}
		assert_agreed(binds ? PEER_SERVICE_60 : PEER_SERVICE_80,
		    binds ? OTHER_PAYMENT : PEER_PAYMENT);
		pair_fini(&pair);
	}
}
END_TEST

/* From what costs nothing to what does, and back. */
START_TEST(test_33_update_brings_terms_and_takes_them)
{
	pair_init(&pair, (cpnp_edition)(_i % 2), _i / 2 == 1);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
	pair.has_terms = true;
	pair_update(&pair, CPNP_STATE_ACCEPT_SENT);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	say_paid();
	sign_ack();
	(void)pair_to_client(&pair);
	assert_agreed(PEER_SERVICE_60, PEER_PAYMENT);
	pair.has_terms = false;
	pair_update(&pair, CPNP_STATE_COMPLETED);
	assert_agreed(PEER_SERVICE_60, CPNP_BYTES_NONE);
	pair_fini(&pair);
}
END_TEST

/* --- what is confirmed, with or without terms --- */

/* The ACCEPT of an OFFER that is to be confirmed has come. */
static void
setup_confirm(int way, bool has_terms)
{
	begin(way);
	pair.has_terms = has_terms;
	pair.confirms = true;
	pair_client_to(&pair, CPNP_STATE_ACCEPT_SENT);
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	peer_clear(server);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	ck_assert_str_eq(peer_outcome(server, 0), "AR PROCESSING ?pay");
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_PROCESSING);
	peer_clear(client);
	peer_clear(server);
}

START_TEST(test_20_no_ack_before_it_is_confirmed)
{
	cpnp_wait wait;

	setup_confirm(_i, false);
	cpnp_order_wait(order_of(server), &wait);
	ck_assert_str_eq(wait.what, "the confirmation");
	peer_advance(server, CPNP_SECONDS(100000));
	peer_clear(server);
	restart(server);
	ck_assert_ptr_nonnull(strstr(server->trace, "?pay;"));
	peer_clear(server);
	say_paid();
	ck_assert_str_eq(peer_outcome(server, 0),
	    server->config.sign ? "= ?sign" : "CO ACK .");
	if (server->config.sign) {
		/* confirmed is confirmed, whatever comes in between */
		restart(server);
		ck_assert_ptr_null(strstr(server->trace, "?pay;"));
		ck_assert_int_eq(cpnp_order_set_binding(server->orders,
				     order_of(server)),
		    CPNP_ERR_STATE);
	}
	sign_ack();
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	(void)pair_to_server(&pair);
	while (pair_to_client(&pair) != CPNP_METHOD_PARTS)
		continue;
	assert_states(CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
	assert_payment(server, CPNP_BYTES_NONE);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_20_not_confirmed_says_why)
{
	setup_confirm(_i, _i % 2 == 0);
	say_not_paid();
	ck_assert_str_eq(peer_outcome(server, 0),
	    pair.edition == CPNP_EDITION_RFC8921 ? "CA FAIL3 ."
						 : "CA FAIL4 .");
	(void)pair_to_client(&pair);
	assert_states(CPNP_STATE_CANCELLED, CPNP_STATE_CANCELLED);
	pair_fini(&pair);
}
END_TEST

START_TEST(test_20_cancel_before_and_after_it_binds)
{
	setup_confirm(_i, false);
	cancel();
	ck_assert_str_eq(peer_outcome(server, 0), "CA ACK .");
	pair_fini(&pair);
	setup_confirm(_i, false);
	ck_assert_int_eq(
	    cpnp_order_set_binding(server->orders, order_of(server)), 0);
	server->now.mono += CPNP_SECONDS(1);
	cancel();
	ck_assert_str_eq(peer_outcome(server, 0), "= PROCESSING");
	(void)pair_to_client(&pair);
	say_paid();
	if (server->config.sign) {
		/* nor while its ACK is being signed */
		server->now.mono += CPNP_SECONDS(1);
		peer_clear(server);
		(void)cpnp_order_set_peer(client->orders, order_of(client),
		    client->handle, true, client->now);
		peer_drain(client);
		ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_CANCEL);
		ck_assert_int_eq(cpnp_order_state(order_of(server)),
		    CPNP_STATE_ACCEPT_RECEIVED);
	}
	sign_ack();
	while (pair_to_client(&pair) != CPNP_METHOD_PARTS)
		continue;
	assert_states(CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* An UPDATE is confirmed by itself, whether the agreement was or not. */
START_TEST(test_20_update_is_confirmed)
{
	for (int was = 0; was < 2; was++) {
		begin(_i);
		pair.has_terms = false;
		pair.confirms = was != 0;
		pair_client_to(&pair, CPNP_STATE_COMPLETED);
		pair.confirms = true;
		pair_update(&pair, CPNP_STATE_OFFER_PROCESSING);
		peer_clear(server);
		ck_assert_int_eq(cpnp_order_accept(client->orders,
				     order_of(client), client->now),
		    0);
		peer_drain(client);
		if (client->config.sign)
			ck_assert_int_eq(peer_sign(client, client->name), 0);
		while (pair_to_server(&pair) != CPNP_METHOD_ACCEPT)
			peer_clear(server);
		ck_assert_str_eq(
		    peer_outcome(server, 0), "AR PROCESSING ?pay");
		peer_clear(server);
		if (was != 0) {
			say_not_paid();
			ck_assert_int_eq(cpnp_order_agreement_state(
					     order_of(server)),
			    CPNP_AGREEMENT_COMPLETED);
			ck_assert_int_eq(cpnp_order_state(order_of(server)),
			    CPNP_STATE_COMPLETED);
		} else {
			say_paid();
			sign_ack();
			while (pair_to_client(&pair) != CPNP_METHOD_PARTS)
				continue;
			assert_states(
			    CPNP_STATE_COMPLETED, CPNP_STATE_COMPLETED);
		}
		ck_assert_ptr_null(cpnp_order_check(order_of(server)));
		pair_fini(&pair);
	}
}
END_TEST

/* --- the commit set --- */

#define SET CPNP_BYTES_LIT("\x82\x01\x02")

static int
say_set(cpnp_bytes set)
{
	return cpnp_order_set_commit_set(
	    server->orders, order_of(server), set);
}

static void
ask_signature(void)
{
	cpnp_offer offer = peer_offer(server, PEER_SERVICE_80, 300);

	offer.settlement_terms = PEER_TERMS;
	ck_assert_int_eq(cpnp_order_offer(server->orders, order_of(server),
			     &offer, server->now),
	    0);
	peer_drain(server);
}

/* Known when the digest of the OFFER is, it is no part of what is signed; the
 * client and the one who pays see it. */
START_TEST(test_offer_goes_with_its_commit_set)
{
	uint8_t payload[CPNP_STATEMENT_PAYLOAD_MAX];
	size_t payload_len;
	cpnp_effect effect = {0};
	cpnp_msg msg;

	pair_init(&pair, (cpnp_edition)_i, true);
	pair.has_terms = true;
	pair_server_to(&pair, CPNP_STATE_AWAITING_PROCESSING);
	ck_assert_int_eq(say_set(SET), CPNP_ERR_STATE);
	ask_signature();
	payload_len = server->payload_len;
	memcpy(payload, server->payload, payload_len);
	ck_assert_int_eq(say_set(CPNP_BYTES_LIT("\x82")), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    say_set(CPNP_BYTES_LIT("\x01\x01")), CPNP_ERR_INVALID);
	ck_assert_int_eq(say_set(PEER_TERMS), 0);
	ck_assert_int_eq(say_set(CPNP_BYTES_NONE), 0);
	ck_assert_int_eq(say_set(SET), 0);
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	ck_assert_uint_eq(server->payload_len, payload_len);
	ck_assert_mem_eq(server->payload, payload, payload_len);
	ck_assert_int_eq(say_set(SET), CPNP_ERR_STATE);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_OFFER);
	ck_assert_int_eq(
	    cpnp_msg_decode(
		&msg, cpnp_order_doc(order_of(client), CPNP_DOC_OFFER), NULL),
	    0);
	ck_assert(cpnp_msg_has(&msg, CPNP_ATTR_COMMIT_SET));
	unit_assert_bytes(msg.commit_set, SET);
	ck_assert_int_eq(cpnp_order_accept_paid(client->orders,
			     order_of(client), PEER_PAYMENT, client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	while (pair_to_server(&pair) != CPNP_METHOD_ACCEPT)
		continue;
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_ACCEPT_RECEIVED);
	cpnp_orders_drop(server->orders, order_of(server));
	ck_assert_int_eq(peer_load(server, &server->records[0]), 0);
	ck_assert(cpnp_orders_next(server->orders, &effect));
	ck_assert_int_eq(effect.type, CPNP_EFFECT_PAY);
	unit_assert_bytes(effect.u.pay.commit_set, SET);
	pair_fini(&pair);
}
END_TEST

/* As long as it may be; one byte more is refused. */
START_TEST(test_commit_set_has_a_limit)
{
	static uint8_t item[CPNP_EXTENSION_MAX + 1];
	const size_t most = CPNP_EXTENSION_MAX;

	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_server_to(&pair, CPNP_STATE_AWAITING_PROCESSING);
	ask_signature();
	for (size_t len = most; len <= most + 1; len++) {
		item[0] = 0x59;
		item[1] = (uint8_t)((len - 3) >> 8);
		item[2] = (uint8_t)(len - 3);
		ck_assert_int_eq(say_set((cpnp_bytes){item, len}),
		    len == most ? 0 : CPNP_ERR_INVALID);
	}
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const in_each_way[] = {test_05_no_ack_before_it_is_paid,
	    test_accept_again_while_it_is_paid,
	    test_accept_without_payment_is_refused,
	    test_payment_without_terms_is_ignored, test_not_paid_says_why,
	    test_05_cancel_before_it_binds, test_05_cancel_after_it_binds,
	    test_05_cancel_after_it_binds_and_not_paid,
	    test_05_cancel_while_the_ack_is_signed,
	    test_payment_is_asked_for_again, test_33_update_is_paid,
	    test_33_update_is_not_paid,
	    test_withdraw_brings_the_word_of_the_payer,
	    test_33_update_is_cancelled_before_and_after_it_binds,
	    test_33_update_brings_terms_and_takes_them,
	    test_20_no_ack_before_it_is_confirmed,
	    test_20_not_confirmed_says_why,
	    test_20_cancel_before_and_after_it_binds,
	    test_20_update_is_confirmed};
	const TTest *const once[] = {
	    test_effect_pay_shows_terms_and_authorization,
	    test_client_pays_when_asked_and_only_then,
	    test_authorization_waits_for_the_signature,
	    test_commit_set_has_a_limit};
	Suite *suite = suite_create("order_pay");
	TCase *tcase = tcase_create("order_pay");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		tcase_add_test(tcase, once[i]);
	for (size_t i = 0; i < sizeof(in_each_way) / sizeof(in_each_way[0]);
	     i++)
		tcase_add_loop_test(tcase, in_each_way[i], 0, WAYS);
	tcase_add_loop_test(tcase, test_offer_goes_with_its_commit_set,
	    CPNP_EDITION_DRAFT02, CPNP_EDITION_RFC8921 + 1);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
