/*
 * UPDATE: a negotiation in a transaction of its own on an agreement (RFC 8921,
 * 9.2.9, 11.1.3 and 11.2.3; contradictions.md, 12, 16, 28 and 33).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit_loop.h"

static struct pair pair;
static struct peer *const client = &pair.client, *const server = &pair.server;

static cpnp_order *
order_of(const struct peer *p)
{
	return peer_order(p, "o1");
}

static void
setup(cpnp_edition edition, bool sign)
{
	pair_init(&pair, edition, sign);
	pair_client_to(&pair, CPNP_STATE_COMPLETED);
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

/* Everything that is the agreement, as it is saved. */
struct agreement {
	struct order_standing standing;
	uint8_t docs[3][CPNP_MSG_MAX];
	size_t docs_len[3];
	cpnp_agreement_state state;
	cpnp_state order_state;
};

static void
take(const struct peer *p, struct agreement *a)
{
	const struct order_now *o = &order_of(p)->now;

	memset(a, 0, sizeof(*a));
	a->state = o->agreement;
	a->order_state = o->state;
	a->standing.nonce_len = o->nonce_len;
	memcpy(a->standing.nonce, o->nonce, o->nonce_len);
	memcpy(a->standing.order_digest, o->order_digest, CPNP_SHA256_LEN);
	memcpy(
	    a->standing.offer_statement, o->offer_statement, CPNP_SHA256_LEN);
	memcpy(a->standing.accept_statement, o->accept_statement,
	    CPNP_SHA256_LEN);
	a->standing.has_offer_statement = o->has_offer_statement;
	a->standing.has_accept_statement = o->has_accept_statement;
	a->standing.accept_sent = o->accept_sent;
	a->standing.has_response_time = o->has_response_time;
	a->standing.has_offer_time = o->has_offer_time;
	a->standing.response_time = o->response_time;
	a->standing.offer_time = o->offer_time;
	a->standing.validity = o->validity;
	for (int i = 0; i < 3; i++) {
		static const cpnp_doc docs[] = {
		    CPNP_DOC_REQUEST, CPNP_DOC_OFFER, CPNP_DOC_FINAL};
		cpnp_bytes doc = cpnp_order_doc(order_of(p), docs[i]);

		/* a server puts its ACK there with the next transaction */
		if (i == 2 && doc.len == 0)
			doc = cpnp_order_doc(order_of(p), CPNP_DOC_LAST_OUT);
		a->docs_len[i] = doc.len;
		if (doc.len > 0)
			memcpy(a->docs[i], doc.ptr, doc.len);
	}
}

static void
restart(struct peer *p)
{
	cpnp_order *order;

	peer_crash(p);
	if (order_of(p) == NULL)
		ck_assert_int_eq(peer_load(p, &p->records[0]), 0);
	order = order_of(p);
	(void)cpnp_order_set_peer(
	    p->orders, order, p->handle, false, p->now);
	peer_drain(p);
}

/* C33, contradictions.md, 16 and 28: the nonce of the agreement, a new
 * transaction, and the time always. */
START_TEST(test_16_update_says_what_it_has_to)
{
	uint64_t wanted = CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_PROVIDER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_NONCE) |
	    CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_RESPONSE_TIME) |
	    CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	static cpnp_agreement old, standing, new;
	cpnp_msg msg;

	if (_i == CPNP_EDITION_RFC8921)
		wanted |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	setup((cpnp_edition)_i, false);
	ck_assert_int_eq(cpnp_order_get_agreement(order_of(client), &old), 0);
	pair_update(&pair, CPNP_STATE_PQO_SENT);
	ck_assert_str_eq(client->trace, "Completed->PQOSent;UPDATE;");
	msg = sent_by(client);
	ck_assert_uint_eq(msg.present & ~CPNP_MSG_HEAD_READ, wanted);
	unit_assert_bytes(msg.nonce, old.nonce);
	ck_assert(!cpnp_bytes_equal(msg.transaction_id, old.transaction_id));
	ck_assert_int_eq(
	    cpnp_order_get_agreement(order_of(client), &new), CPNP_ERR_STATE);
	ck_assert_int_eq(
	    cpnp_order_get_standing(order_of(client), &standing), 0);
	unit_assert_bytes(standing.nonce, old.nonce);
	ck_assert_int_eq(
	    cpnp_order_transaction(order_of(client)), CPNP_METHOD_UPDATE);
	pair_fini(&pair);
}
END_TEST

/* RFC 8921, Figure 15; the new agreement is there on both sides, with the new
 * nonce and no other (contradictions.md, 28). */
START_TEST(test_28_update_is_agreed)
{
	static cpnp_agreement old, now;
	uint8_t nonce[CPNP_NONCE_MAX];
	cpnp_msg msg;

	setup((cpnp_edition)_i, true);
	ck_assert_int_eq(cpnp_order_get_agreement(order_of(server), &old), 0);
	memcpy(nonce, old.nonce.ptr, old.nonce.len);
	pair_update(&pair, CPNP_STATE_OFFER_PROCESSING);
	/* until then the old one is good, and the only one */
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	msg.transaction_id = CPNP_BYTES_LIT("transaction9");
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_NONCE);
	peer_clear(server);
	peer_clear(client);
	ck_assert_int_eq(cpnp_order_accept(client->orders, order_of(client),
			     client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	(void)pair_to_client(&pair);
	for (int i = 0; i < 2; i++) {
		const struct peer *p = i == 0 ? client : server;

		ck_assert_int_eq(
		    cpnp_order_get_standing(order_of(p), &now), 0);
		unit_assert_bytes(now.service_description, PEER_SERVICE_60);
		ck_assert(now.nonce.len != sizeof(nonce) ||
		    memcmp(now.nonce.ptr, nonce, now.nonce.len) != 0);
		ck_assert_int_eq(
		    cpnp_order_state(order_of(p)), CPNP_STATE_COMPLETED);
		ck_assert_uint_eq(cpnp_order_doc(order_of(p),
				      CPNP_DOC_STANDING_OFFER)
				      .len,
		    0);
		ck_assert_uint_gt(cpnp_order_receipt(order_of(p)).len, 0);
		ck_assert_uint_eq(p->records[0].completed, 1);
	}
	msg = peer_hand(server, "o1", CPNP_METHOD_WITHDRAW);
	msg.transaction_id = CPNP_BYTES_LIT("transaction2");
	msg.nonce = (cpnp_bytes){nonce, 16};
	ck_assert_int_eq(peer_feed_msg(server, &msg), CPNP_ERR_NONCE);
	peer_clear(server);
	pair_withdraw(&pair, true);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(client)),
	    CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* How an UPDATE may come to nothing. */
enum nothing {
	REFUSED,
	UNDECIDED,  /* the expected offer time passes at the server */
	DECLINED,
	CANCELLED,  /* by the client while the server decides */
	CANCELLED_OFFER,
	CANCELLED_ACCEPT, /* ... after an ACCEPT that was lost */
	EXPIRED,    /* the validity ends on both sides */
	ACCEPTED_LATE,
	UNSENT,     /* the UPDATE is lost, and cancelled */
	NOTHING_END
};

static void
cancel(void)
{
	ck_assert_int_eq(cpnp_order_cancel(client->orders, order_of(client),
			     client->now),
	    0);
	peer_drain(client);
}

static void
come_to(enum nothing how)
{
	switch (how) {
	case REFUSED:
		pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
		ck_assert_int_eq(cpnp_order_refuse(server->orders,
				     order_of(server),
				     CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0,
				     server->now),
		    0);
		peer_drain(server);
		break;
	case UNDECIDED:
		pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
		peer_advance(server, CPNP_SECONDS(60));
		break;
	case DECLINED:
		pair_update(&pair, CPNP_STATE_OFFER_PROCESSING);
		ck_assert_int_eq(cpnp_order_decline(client->orders,
				     order_of(client), NULL, 0, client->now),
		    0);
		peer_drain(client);
		break;
	case CANCELLED:
		pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
		cancel();
		break;
	case CANCELLED_OFFER:
		pair_update(&pair, CPNP_STATE_OFFER_PROCESSING);
		cancel();
		break;
	case CANCELLED_ACCEPT:
		pair_update(&pair, CPNP_STATE_ACCEPT_SENT);
		peer_clear(client);
		cancel();
		break;
	case EXPIRED:
		pair_update(&pair, CPNP_STATE_OFFER_PROCESSING);
		pair_advance(&pair, CPNP_SECONDS(300));
		break;
	case ACCEPTED_LATE:
		pair_update(&pair, CPNP_STATE_ACCEPT_SENT);
		peer_advance(server, CPNP_SECONDS(300));
		break;
	case UNSENT:
		pair_update(&pair, CPNP_STATE_PQO_SENT);
		peer_clear(client);
		cancel();
		break;
	case NOTHING_END:
		ck_abort();
	}
}

/* The two talk until both are still; each restarts in between. */
static void
talk(bool restarts)
{
	for (int i = 0; i < 20; i++) {
		while (pair_to_server(&pair) != CPNP_METHOD_PARTS ||
		    pair_to_client(&pair) != CPNP_METHOD_PARTS)
			if (restarts) {
				restart(client);
				restart(server);
			}
		if (cpnp_order_is_settled(order_of(client)))
			return;
		peer_advance(client, CPNP_SECONDS(2));
	}
	ck_abort_msg("no end of it");
}

static struct agreement before[2], after;

/* contradictions.md, 33: whatever becomes of it, the agreement is what it
 * was, and is withdrawn under its nonce. */
START_TEST(test_33_update_that_comes_to_nothing)
{
	for (int mode = 0; mode < 8; mode++) {
		cpnp_edition edition = mode & 1 ? CPNP_EDITION_RFC8921
						: CPNP_EDITION_DRAFT02;

		setup(edition, (mode & 2) != 0);
		take(client, &before[0]);
		take(server, &before[1]);
		come_to((enum nothing)_i);
		if (mode & 4) {
			restart(client);
			restart(server);
		}
		talk((mode & 4) != 0);
		for (int i = 0; i < 2; i++) {
			take(i == 0 ? client : server, &after);
			ck_assert_int_eq(
			    after.order_state, CPNP_STATE_COMPLETED);
			ck_assert_msg(memcmp(&after, &before[i],
					  sizeof(after)) == 0,
			    "mode %d, side %d", mode, i);
		}
		ck_assert_uint_eq(client->records[0].completed, 1);
		peer_clear(client);
		peer_clear(server);
		pair_withdraw(&pair, true);
		ck_assert_int_eq(
		    cpnp_order_agreement_state(order_of(client)),
		    CPNP_AGREEMENT_ENDED);
		ck_assert_int_eq(
		    cpnp_order_agreement_state(order_of(server)),
		    CPNP_AGREEMENT_ENDED);
		pair_fini(&pair);
	}
}
END_TEST

/* What it says of itself: two changes of state in one step, and the end of a
 * transaction that was cancelled. */
START_TEST(test_33_traces_of_failure)
{
	setup(CPNP_EDITION_RFC8921, false);
	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	peer_clear(server);
	peer_clear(client);
	ck_assert_int_eq(cpnp_order_refuse(server->orders, order_of(server),
			     CPNP_STATUS_NETWORK_PRESENCE, NULL, 0,
			     server->now),
	    0);
	peer_drain(server);
	ck_assert_str_eq(server->trace,
	    "AwaitingProcessing->Cancelled;Cancelled->Completed;FAIL6;end;");
	(void)pair_to_client(&pair);
	ck_assert_str_eq(client->trace,
	    "ServerProcessing->Cancelled;Cancelled->Completed;end;");
	ck_assert_int_eq(cpnp_order_status(order_of(client)),
	    CPNP_STATUS_NETWORK_PRESENCE);
	ck_assert(cpnp_order_is_settled(order_of(client)));
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 5: a CANCEL that crosses the ACK of the UPDATE loses. */
START_TEST(test_05_cancel_crosses_the_ack_of_an_update)
{
	static cpnp_agreement now;

	setup((cpnp_edition)_i, false);
	pair_update(&pair, CPNP_STATE_ACCEPT_SENT);
	(void)pair_to_server(&pair);
	cancel();
	ck_assert(cpnp_order_is_outstanding(order_of(client)));
	restart(client);
	peer_clear(server); /* the ACK is lost; the CANCEL is answered */
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	for (int i = 0; i < 2; i++) {
		const struct peer *p = i == 0 ? client : server;

		ck_assert_int_eq(
		    cpnp_order_get_standing(order_of(p), &now), 0);
		unit_assert_bytes(now.service_description, PEER_SERVICE_60);
	}
	pair_fini(&pair);
}
END_TEST

/* A client that has sent an ACCEPT does not give up by itself. */
START_TEST(test_18_accept_of_an_update_waits_for_a_verdict)
{
	setup(CPNP_EDITION_RFC8921, false);
	pair_update(&pair, CPNP_STATE_ACCEPT_SENT);
	peer_clear(client);
	for (int i = 0; i < 100; i++) {
		peer_advance(client, CPNP_SECONDS(300));
		peer_clear(client);
	}
	ck_assert_int_eq(
	    cpnp_order_state(order_of(client)), CPNP_STATE_ACCEPT_SENT);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 12: the ACCEPT, QUOTATION and ACK of the first
 * transaction, and the UPDATE itself, come late and again. */
START_TEST(test_12_late_messages_disturb_nothing)
{
	struct peer_mail old[4];
	size_t n = 0;

	pair_init(&pair, (cpnp_edition)_i, false);
	pair_client_to(&pair, CPNP_STATE_PQO_SENT);
	peer_clear(client);
	(void)cpnp_order_set_peer(client->orders, order_of(client),
	    client->handle, true, client->now);
	peer_drain(client);
	old[n++] = client->outbox[0];
	client->outbox_n = 0;
	(void)peer_feed(
	    server, client->name, (cpnp_bytes){old[0].bytes, old[0].len});
	(void)pair_to_client(&pair);
	{
		cpnp_offer offer = peer_offer(server, PEER_SERVICE_80, 300);

		ck_assert_int_eq(cpnp_order_offer(server->orders,
				     order_of(server), &offer, server->now),
		    0);
		peer_drain(server);
	}
	(void)pair_to_client(&pair);
	(void)pair_to_server(&pair);
	ck_assert_int_eq(cpnp_order_accept(client->orders, order_of(client),
			     client->now),
	    0);
	peer_drain(client);
	old[n++] = client->outbox[0];
	client->outbox_n = 0;
	(void)peer_feed(
	    server, client->name, (cpnp_bytes){old[1].bytes, old[1].len});
	(void)pair_to_client(&pair);
	pair_update(&pair, CPNP_STATE_PQO_SENT);
	old[n++] = client->outbox[0];
	client->outbox_n = 0;
	(void)peer_feed(
	    server, client->name, (cpnp_bytes){old[2].bytes, old[2].len});
	(void)pair_to_client(&pair);
	for (size_t i = 0; i < 2; i++) {
		peer_clear(server);
		ck_assert_int_eq(peer_feed(server, client->name,
				     (cpnp_bytes){old[i].bytes, old[i].len}),
		    CPNP_ERR_REPLAY);
		ck_assert_str_eq(server->trace, "");
	}
	/* the UPDATE again, and after its end */
	server->now.mono += CPNP_SECONDS(1);
	(void)peer_feed(
	    server, client->name, (cpnp_bytes){old[2].bytes, old[2].len});
	ck_assert_str_eq(server->trace, "PROCESSING again;");
	cancel();
	peer_clear(server);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert(cpnp_order_is_settled(order_of(client)));
	peer_clear(server);
	ck_assert_int_eq(peer_feed(server, client->name,
			     (cpnp_bytes){old[2].bytes, old[2].len}),
	    CPNP_ERR_REPLAY);
	ck_assert_str_eq(server->trace, "");
	pair_withdraw(&pair, true);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(client)),
	    CPNP_AGREEMENT_ENDED);
	for (size_t i = 0; i < n; i++)
		free(old[i].bytes);
	pair_fini(&pair);
}
END_TEST

/* A CANCEL overtakes its UPDATE, which does not begin when it comes.  Each
 * time the CANCEL comes it has its answer, for that may have been lost. */
START_TEST(test_33_overtaken_update_is_refused)
{
	struct peer_mail update;

	setup(CPNP_EDITION_RFC8921, false);
	pair_update(&pair, CPNP_STATE_PQO_SENT);
	update = client->outbox[0];
	client->outbox_n = 0;
	cancel();
	peer_clear(server);
	(void)pair_to_server(&pair);
	ck_assert_str_eq(server->trace, "keep;FAIL1!;");
	peer_crash(server);
	peer_clear(server);
	pair_advance(&pair, CPNP_SECONDS(2));
	(void)pair_to_server(&pair);
	ck_assert_str_eq(server->trace, "FAIL1!;");
	(void)pair_to_client(&pair);
	ck_assert(cpnp_order_is_settled(order_of(client)));
	peer_clear(client);
	peer_clear(server);
	(void)peer_feed(
	    server, client->name, (cpnp_bytes){update.bytes, update.len});
	free(update.bytes);
	ck_assert_str_eq(server->trace, "FAIL1!;");
	ck_assert_int_eq(
	    cpnp_order_state(order_of(server)), CPNP_STATE_COMPLETED);
	(void)pair_to_client(&pair);
	pair_withdraw(&pair, true);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(client)),
	    CPNP_AGREEMENT_ENDED);
	pair_fini(&pair);
}
END_TEST

/* A server that goes on with an UPDATE that was cancelled is told again. */
START_TEST(test_undone_update_is_cancelled_again)
{
	cpnp_msg msg;

	setup(CPNP_EDITION_RFC8921, false);
	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	cancel();
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	ck_assert(cpnp_order_is_settled(order_of(client)));
	peer_clear(client);
	msg = peer_hand(client, "o1", CPNP_METHOD_PROCESSING);
	(void)peer_feed_msg(client, &msg);
	ck_assert_str_eq(client->trace, "CANCEL again;keep;");
	pair_fini(&pair);
}
END_TEST

/* 9.2.11 and 15: an Active agreement stays Active; a schedule in the new OFFER
 * takes the place of the old one, and only then. */
START_TEST(test_15_update_of_an_active_agreement)
{
	static const cpnp_schedule at_once;
	cpnp_offer offer;
	cpnp_wtime date;

	setup(CPNP_EDITION_RFC8921, false);
	pair_activate(&pair, &at_once, true);
	pair_update(&pair, CPNP_STATE_COMPLETED);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(client)),
	    CPNP_AGREEMENT_ACTIVE);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(server)),
	    CPNP_AGREEMENT_ACTIVE);
	peer_clear(client);
	peer_clear(server);
	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	/* the service goes on and off while it is open */
	ck_assert_int_eq(cpnp_order_set_active(server->orders,
			     order_of(server), false, server->now),
	    0);
	peer_drain(server);
	ck_assert_int_eq(cpnp_order_set_active(server->orders,
			     order_of(server), true, server->now),
	    0);
	peer_drain(server);
	offer = peer_offer(server, PEER_SERVICE_60, 300);
	offer.has_activation_schedule = true;
	offer.activation_schedule = (cpnp_schedule){
	    .has_end = true, .end = {server->now.wall.sec + 500}};
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
	ck_assert(cpnp_order_next_service_event(order_of(client), &date));
	ck_assert_int_eq(date.sec, client->now.wall.sec + 500);
	ck_assert_int_eq(cpnp_order_agreement_state(order_of(client)),
	    CPNP_AGREEMENT_ACTIVE);
	pair_fini(&pair);
}
END_TEST

/* One transaction at a time, on the side of the client. */
START_TEST(test_33_update_in_its_place_only)
{
	cpnp_update update;

	setup(CPNP_EDITION_RFC8921, false);
	update = (cpnp_update){PEER_UPDATE(client)};
	update.expected_response_time = client->now.wall;
	ck_assert_int_eq(cpnp_order_update(client->orders, order_of(client),
			     &update, client->now),
	    CPNP_ERR_INVALID);
	pair_update(&pair, CPNP_STATE_SERVER_PROCESSING);
	update = (cpnp_update){PEER_UPDATE(client)};
	ck_assert_int_eq(cpnp_order_update(client->orders, order_of(client),
			     &update, client->now),
	    CPNP_ERR_BUSY);
	ck_assert_int_eq(cpnp_order_withdraw(client->orders,
			     order_of(client), client->now),
	    CPNP_ERR_BUSY);
	pair_fini(&pair);
	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, CPNP_STATE_OFFER_PROCESSING);
	ck_assert_int_eq(cpnp_order_update(client->orders, order_of(client),
			     &update, client->now),
	    CPNP_ERR_STATE);
	pair_fini(&pair);
}
END_TEST

/* Every allocation that fails leaves the order as it was. */
START_TEST(test_update_without_memory)
{
	cpnp_update update;
	int err = CPNP_ERR_NOMEM;

	setup(CPNP_EDITION_RFC8921, false);
	update = (cpnp_update){PEER_UPDATE(client)};
	take(client, &before[0]);
	for (size_t at = 1; err != 0; at++) {
		client->env.fail_at = client->env.asked + at;
		err = cpnp_order_update(client->orders, order_of(client),
		    &update, client->now);
		client->env.fail_at = 0;
		if (err == 0)
			break;
		ck_assert_int_eq(err, CPNP_ERR_NOMEM);
		take(client, &after);
		ck_assert_int_eq(
		    memcmp(&after, &before[0], sizeof(after)), 0);
	}
	peer_drain(client);
	(void)pair_to_server(&pair);
	(void)pair_to_client(&pair);
	/* and the way back */
	take(server, &after);
	for (size_t at = 1;; at++) {
		server->env.fail_at = server->env.asked + at;
		err = cpnp_order_refuse(server->orders, order_of(server),
		    CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, server->now);
		server->env.fail_at = 0;
		if (err == 0)
			break;
		ck_assert_int_eq(err, CPNP_ERR_NOMEM);
		ck_assert_int_eq(cpnp_order_state(order_of(server)),
		    CPNP_STATE_AWAITING_PROCESSING);
	}
	peer_drain(server);
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_33_traces_of_failure,
	    test_18_accept_of_an_update_waits_for_a_verdict,
	    test_33_overtaken_update_is_refused,
	    test_undone_update_is_cancelled_again,
	    test_15_update_of_an_active_agreement,
	    test_33_update_in_its_place_only,
	    test_update_without_memory,
	};
	const TTest *const in_both[] = {
	    test_16_update_says_what_it_has_to,
	    test_28_update_is_agreed,
	    test_05_cancel_crosses_the_ack_of_an_update,
	    test_12_late_messages_disturb_nothing,
	};
	Suite *suite = suite_create("order_update");
	TCase *tcase = tcase_create("order_update");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	for (size_t i = 0; i < sizeof(in_both) / sizeof(in_both[0]); i++)
		tcase_add_loop_test(tcase, in_both[i], 0, 2);
	tcase_add_loop_test(
	    tcase, test_33_update_that_comes_to_nothing, 0, NOTHING_END);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
