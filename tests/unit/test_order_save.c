/*
 * Saved and loaded, an order goes on exactly where it was, in every state
 * (R11).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../lib/core/order_int.h"
#include "../peer/peer.h"
#include "unit_loop.h"

static struct pair pair;

struct stage {
	bool is_server;
	cpnp_state state;
	bool sign;
	const char *asked; /* what loading asks again */
	enum {
		AS_IT_IS, WITHDRAWS, WITHDRAWN, UPDATES, ACTIVATES, ACTIVE
	} then;
	cpnp_state update;
	enum { TERMS = 1, CONFIRMS = 2, CHILD = 4 } has;
};

static const struct stage stages[] = {
    {false, CPNP_STATE_CREATED, false, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_PQO_SENT, false, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_SERVER_PROCESSING, false, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_OFFER_PROCESSING, false, "?offer;", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_OFFER_PROCESSING, true, "?offer;", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_ACCEPT_SENT, false, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_ACCEPT_SENT, true, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_COMPLETED, true, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_CANCELLED, false, "", AS_IT_IS, 0, 0},
    {true, CPNP_STATE_AWAITING_PROCESSING, true, "?decide;", AS_IT_IS, 0,
	0},
    {true, CPNP_STATE_OFFER_PROPOSED, false, "", AS_IT_IS, 0, 0},
    {true, CPNP_STATE_OFFER_PROPOSED, true, "", AS_IT_IS, 0, 0},
    {true, CPNP_STATE_PROCESSING_RECEIVED, true, "", AS_IT_IS, 0, 0},
    {true, CPNP_STATE_ACCEPT_RECEIVED, true, "?sign;", AS_IT_IS, 0, 0},
    {true, CPNP_STATE_COMPLETED, true, "", AS_IT_IS, 0, 0},
    {true, CPNP_STATE_CANCELLED, false, "", AS_IT_IS, 0, 0},
    {false, CPNP_STATE_COMPLETED, true, "", WITHDRAWS, 0, 0},
    {false, CPNP_STATE_COMPLETED, false, "", WITHDRAWN, 0, 0},
    {true, CPNP_STATE_COMPLETED, true, "", WITHDRAWN, 0, 0},
    {false, CPNP_STATE_COMPLETED, true, "", UPDATES,
	CPNP_STATE_PQO_SENT, 0},
    {false, CPNP_STATE_COMPLETED, true, "", UPDATES,
	CPNP_STATE_SERVER_PROCESSING, 0},
    {false, CPNP_STATE_COMPLETED, true, "?offer;", UPDATES,
	CPNP_STATE_OFFER_PROCESSING, 0},
    {false, CPNP_STATE_COMPLETED, true, "", UPDATES,
	CPNP_STATE_ACCEPT_SENT, 0},
    {false, CPNP_STATE_COMPLETED, true, "", UPDATES,
	CPNP_STATE_COMPLETED, 0},
    {true, CPNP_STATE_COMPLETED, true, "?decide;", UPDATES,
	CPNP_STATE_SERVER_PROCESSING, 0},
    {true, CPNP_STATE_COMPLETED, true, "", UPDATES,
	CPNP_STATE_OFFER_PROCESSING, 0},
    {false, CPNP_STATE_COMPLETED, false, "", ACTIVATES, 0, 0},
    {true, CPNP_STATE_COMPLETED, true, "?decide;", ACTIVATES, 0, 0},
    {false, CPNP_STATE_COMPLETED, true, "", ACTIVE, 0, 0},
    {true, CPNP_STATE_COMPLETED, false, "", ACTIVE, 0, 0},
};

/* The same with settlement terms; version 4. */
static const struct stage paid_stages[] = {
    {false, CPNP_STATE_OFFER_PROCESSING, true, "?offer;", AS_IT_IS, 0, TERMS},
    {false, CPNP_STATE_ACCEPT_SENT, true, "", AS_IT_IS, 0, TERMS},
    {false, CPNP_STATE_COMPLETED, false, "", AS_IT_IS, 0, TERMS},
    {true, CPNP_STATE_PROCESSING_RECEIVED, true, "", AS_IT_IS, 0, TERMS},
    {true, CPNP_STATE_ACCEPT_RECEIVED, false, "?pay;", AS_IT_IS, 0, TERMS},
    {true, CPNP_STATE_COMPLETED, true, "", AS_IT_IS, 0, TERMS},
    {true, CPNP_STATE_COMPLETED, true, "?decide;", UPDATES,
	CPNP_STATE_SERVER_PROCESSING, TERMS},
    {false, CPNP_STATE_COMPLETED, true, "", UPDATES, CPNP_STATE_ACCEPT_SENT,
	TERMS},
};

/* A child, and an OFFER that is to be confirmed; version 5. */
static const struct stage new_stages[] = {
    {.state = CPNP_STATE_CREATED, .asked = "", .has = CHILD},
    {.state = CPNP_STATE_PQO_SENT, .asked = "", .has = CHILD},
    {.state = CPNP_STATE_SERVER_PROCESSING, .asked = "", .has = CHILD},
    {.state = CPNP_STATE_OFFER_PROCESSING, .asked = "?offer;",
	.sign = true, .has = TERMS | CHILD},
    {.state = CPNP_STATE_ACCEPT_SENT, .asked = "", .has = CHILD},
    {.state = CPNP_STATE_COMPLETED, .asked = "", .has = CHILD},
    {.state = CPNP_STATE_CANCELLED, .asked = "", .has = CHILD},
    {.state = CPNP_STATE_COMPLETED, .asked = "", .then = WITHDRAWS,
	.has = CHILD},
    {.state = CPNP_STATE_COMPLETED, .asked = "", .then = UPDATES,
	.update = CPNP_STATE_ACCEPT_SENT, .sign = true, .has = CHILD},
    {.state = CPNP_STATE_OFFER_PROPOSED, .asked = "", .is_server = true,
	.has = CONFIRMS},
    {.state = CPNP_STATE_ACCEPT_RECEIVED, .asked = "?pay;",
	.is_server = true, .has = CONFIRMS},
    {.state = CPNP_STATE_ACCEPT_RECEIVED, .asked = "?pay;",
	.is_server = true, .has = CONFIRMS | TERMS},
};

#define NEW_STAGES_N (sizeof(new_stages) / sizeof(new_stages[0]))
#define PAID_STAGES_N (sizeof(paid_stages) / sizeof(paid_stages[0]))

#define STAGES_N (sizeof(stages) / sizeof(stages[0]))

static const cpnp_schedule later = {.has_start = true,
    .start = {1800001000},
    .has_end = true,
    .end = {1800002000}};

static struct peer *
setup(const struct stage *stage, cpnp_edition edition)
{
	pair_init(&pair, edition, stage->sign);
	pair.has_terms = (stage->has & TERMS) != 0;
	pair.confirms = (stage->has & CONFIRMS) != 0;
	pair.is_child = (stage->has & CHILD) != 0;
	if (stage->is_server)
		pair_server_to(&pair, stage->state);
	else
		pair_client_to(&pair, stage->state);
	if (stage->then == WITHDRAWS || stage->then == WITHDRAWN)
		pair_withdraw(&pair, stage->then == WITHDRAWN);
	if (stage->then == UPDATES)
		pair_update(&pair, stage->update);
	if (stage->then == ACTIVATES || stage->then == ACTIVE) {
		pair_activate(&pair, &later, stage->then == ACTIVE);
		(void)pair_to_server(&pair);
	}
	peer_clear(&pair.client);
	peer_clear(&pair.server);
	return stage->is_server ? &pair.server : &pair.client;
}

struct saved {
	uint8_t state[4096];
	size_t state_len;
	uint8_t docs[CPNP_DOC_END][CPNP_MSG_MAX];
	cpnp_bytes views[CPNP_DOC_END];
};

static void
save(const cpnp_order *order, struct saved *saved)
{
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, saved->state, sizeof(saved->state));
	ck_assert_int_eq(cpnp_order_save(order, &buf), 0);
	saved->state_len = buf.len;
	ck_assert_int_eq(cpnp_cbor_check(cpnp_buf_bytes(&buf)), 0);
	for (int doc = 0; doc < CPNP_DOC_END; doc++) {
		cpnp_bytes bytes = cpnp_order_doc(order, (cpnp_doc)doc);

		if (bytes.len > 0)
			memcpy(saved->docs[doc], bytes.ptr, bytes.len);
		saved->views[doc] =
		    (cpnp_bytes){saved->docs[doc], bytes.len};
	}
}

static int
load(struct peer *p, const struct saved *saved, size_t len)
{
	cpnp_order *order;

	return cpnp_orders_load(p->orders, (cpnp_bytes){saved->state, len},
	    saved->views, &order, p->now);
}

static struct saved before, after;

static void
round_trip(const struct stage *stage)
{
	for (int edition = 0; edition < 2; edition++) {
		bool activates = stage->then >= ACTIVATES;
		struct peer *p = setup(stage,
		    activates ? CPNP_EDITION_RFC8921 : (cpnp_edition)edition);

		save(peer_order(p, "o1"), &before);
		cpnp_orders_drop(p->orders, peer_order(p, "o1"));
		ck_assert_uint_eq(cpnp_orders_count(p->orders), 0);
		ck_assert_int_eq(load(p, &before, before.state_len), 0);
		peer_drain(p);
		ck_assert_str_eq(p->trace, stage->asked);
		save(peer_order(p, "o1"), &after);
		unit_assert_bytes((cpnp_bytes){after.state, after.state_len},
		    (cpnp_bytes){before.state, before.state_len});
		for (int doc = 0; doc < CPNP_DOC_END; doc++)
			unit_assert_bytes(
			    after.views[doc], before.views[doc]);
		ck_assert_int_eq(
		    load(p, &before, before.state_len), CPNP_ERR_EXISTS);
		pair_fini(&pair);
	}
}

START_TEST(test_order_round_trip_in_every_state)
{
	round_trip(&stages[_i]);
}
END_TEST

START_TEST(test_order_with_payment_round_trip)
{
	for (size_t i = 0; i < PAID_STAGES_N; i++)
		round_trip(&paid_stages[i]);
}
END_TEST

START_TEST(test_child_and_confirmation_round_trip)
{
	for (size_t i = 0; i < NEW_STAGES_N; i++)
		round_trip(&new_stages[i]);
}
END_TEST

/* A child that says it is none, or the other way round, is refused. */
static void
call_it(const struct stage *stage, uint8_t shown, uint8_t other)
{
	struct peer *p = setup(stage, CPNP_EDITION_RFC8921);
	uint8_t *at = before.state;

	save(peer_order(p, "o1"), &before);
	cpnp_orders_drop(p->orders, peer_order(p, "o1"));
	/* there is no agreement and no status */
	while (at[0] != shown || at[1] != 0 || at[2] != 0)
		ck_assert_ptr_ne(++at, before.state + before.state_len - 2);
	*at = other;
	ck_assert_int_eq(
	    load(p, &before, before.state_len), CPNP_ERR_MISMATCH);
	*at = shown;
	ck_assert_int_eq(load(p, &before, before.state_len), 0);
	peer_drain(p);
	ck_assert_int_eq(
	    cpnp_order_is_child(peer_order(p, "o1")),
	    (stage->has & CHILD) != 0);
	ck_assert_int_eq(cpnp_order_state(peer_order(p, "o1")), shown);
	pair_fini(&pair);
}

START_TEST(test_22_saved_state_is_that_of_a_child)
{
	call_it(&new_stages[1], CPNP_STATE_CHILD_PQO_SENT,
	    CPNP_STATE_PQO_SENT);
	call_it(
	    &stages[1], CPNP_STATE_PQO_SENT, CPNP_STATE_CHILD_PQO_SENT);
}
END_TEST

/* Loaded, the negotiation comes to its end as if nothing had been. */
START_TEST(test_negotiation_goes_on_after_restart_of_both)
{
	struct peer *client = &pair.client, *server = &pair.server;

	pair_init(&pair, CPNP_EDITION_RFC8921, true);
	pair_client_to(&pair, CPNP_STATE_SERVER_PROCESSING);
	peer_crash(client);
	peer_crash(server);
	ck_assert_str_eq(server->trace, "?decide;");
	ck_assert_int_eq(cpnp_order_set_peer(client->orders,
			     peer_order(client, "o1"), client->handle, true,
			     client->now),
	    0);
	peer_drain(client);
	/* the server learns the way back */
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_QUOTATION);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_PROCESSING);
	{
		cpnp_offer offer = peer_offer(server, PEER_SERVICE_80, 300);

		ck_assert_int_eq(cpnp_order_offer(server->orders,
				     peer_order(server, "o1"), &offer,
				     server->now),
		    0);
		peer_drain(server);
		ck_assert_int_eq(peer_sign(server, server->name), 0);
	}
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_OFFER);
	peer_crash(client);
	ck_assert_int_eq(cpnp_order_set_peer(client->orders,
			     peer_order(client, "o1"), client->handle, true,
			     client->now),
	    0);
	peer_clear(client);
	ck_assert_int_eq(cpnp_order_accept(client->orders,
			     peer_order(client, "o1"), client->now),
	    0);
	peer_drain(client);
	ck_assert_int_eq(peer_sign(client, client->name), 0);
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	peer_clear(server);
	peer_crash(server);
	ck_assert_str_eq(server->trace, "?sign;");
	ck_assert_int_eq(peer_sign(server, server->name), 0);
	/* the ACK has no way back yet; the ACCEPT repeated shows it */
	pair_advance(&pair, CPNP_SECONDS(2));
	ck_assert_int_eq(pair_to_server(&pair), CPNP_METHOD_ACCEPT);
	ck_assert_int_eq(pair_to_client(&pair), CPNP_METHOD_ACK);
	ck_assert_int_eq(cpnp_order_state(peer_order(client, "o1")),
	    CPNP_STATE_COMPLETED);
	ck_assert_int_eq(cpnp_order_state(peer_order(server, "o1")),
	    CPNP_STATE_COMPLETED);
	pair_fini(&pair);
}
END_TEST

/* contradictions.md, 6: armed again from the dates. */
START_TEST(test_06_deadline_that_passed_meanwhile_comes_at_once)
{
	struct peer *client = &pair.client;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, CPNP_STATE_OFFER_PROCESSING);
	client->now.wall.sec += 1000;
	client->now.mono = 5;
	peer_crash(client);
	ck_assert_uint_le(cpnp_orders_expiry(client->orders), 5);
	peer_run_timers(client);
	ck_assert_str_eq(peer_outcome(client, 0), "CA ?offer .");
	pair_fini(&pair);
}
END_TEST

/* One that was damaged, and says when an offer is expected that nobody has
 * announced, has no timer that is due for ever. */
START_TEST(test_offer_time_before_its_processing)
{
	struct peer *client = &pair.client;
	cpnp_order *order;

	pair_init(&pair, CPNP_EDITION_RFC8921, false);
	pair_client_to(&pair, CPNP_STATE_PQO_SENT);
	order = peer_order(client, "o1");
	order->now.has_offer_time = true;
	order->now.offer_time = client->now.wall;
	cpnp_timer_arm(client->orders, order, true, client->now);
	ck_assert_uint_gt(
	    cpnp_orders_expiry(client->orders), client->now.mono);
	pair_fini(&pair);
}
END_TEST

/* What an older version has saved is the same as what is saved now of an order
 * that has had no transaction but its first. */
START_TEST(test_version_1_is_loaded)
{
	struct peer *p = setup(&stages[7], CPNP_EDITION_RFC8921);

	save(peer_order(p, "o1"), &before);
	ck_assert_uint_eq(before.state[0], 0x98); /* array of ... */
	ck_assert_uint_eq(before.state[1], 24);
	ck_assert_uint_eq(before.state[2], 1);
	before.state[2] = 2;
	cpnp_orders_drop(p->orders, peer_order(p, "o1"));
	ck_assert(cpnp_error_is_peer(load(p, &before, before.state_len)));
	before.state[2] = 1;
	ck_assert_int_eq(load(p, &before, before.state_len), 0);
	peer_drain(p);
	pair_fini(&pair);
}
END_TEST

/* Each order is saved in the lowest version that has room for it, and what
 * another version says of itself is not believed. */
START_TEST(test_each_version_is_written_and_loaded)
{
	static const struct {
		const struct stage *stage;
		uint8_t version;
		uint8_t fields;
	} saves[] = {{&stages[7], 1, 24}, {&stages[16], 2, 26},
	    {&stages[STAGES_N - 1], 3, 34}, {&paid_stages[0], 4, 35},
	    {&paid_stages[PAID_STAGES_N - 2], 4, 35}, {&new_stages[0], 5, 36},
	    {&new_stages[NEW_STAGES_N - 2], 5, 36}};

	for (size_t i = 0; i < sizeof(saves) / sizeof(saves[0]); i++) {
		struct peer *p =
		    setup(saves[i].stage, CPNP_EDITION_RFC8921);

		save(peer_order(p, "o1"), &before);
		ck_assert_uint_eq(before.state[1], saves[i].fields);
		ck_assert_uint_eq(before.state[2], saves[i].version);
		cpnp_orders_drop(p->orders, peer_order(p, "o1"));
		for (uint8_t version = 1; version <= 6; version++) {
			if (version == saves[i].version)
				continue;
			before.state[2] = version;
			ck_assert(cpnp_error_is_peer(
			    load(p, &before, before.state_len)));
		}
		before.state[2] = saves[i].version;
		ck_assert_int_eq(load(p, &before, before.state_len), 0);
		peer_drain(p);
		pair_fini(&pair);
	}
}
END_TEST

/* Damaged in any byte, or cut short anywhere: an error of class PEER, or an
 * order that keeps its invariants; never a crash. */
static void
damage(const struct stage *stage)
{
	struct peer *p = setup(stage, CPNP_EDITION_RFC8921);
	size_t refused = 0;
	int err;

	save(peer_order(p, "o1"), &before);
	cpnp_orders_drop(p->orders, peer_order(p, "o1"));
	for (size_t len = 0; len < before.state_len; len++)
		ck_assert(cpnp_error_is_peer(load(p, &before, len)));
	for (size_t i = 0; i < before.state_len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			before.state[i] ^= (uint8_t)(1 << bit);
			err = load(p, &before, before.state_len);
			ck_assert(err == 0 || cpnp_error_is_peer(err));
			refused += err != 0;
			before.state[i] ^= (uint8_t)(1 << bit);
			peer_drain(p);
			cpnp_orders_del(p->orders);
			ck_assert_int_eq(cpnp_orders_new(&p->orders,
					     &p->config, &p->env.env),
			    0);
		}
	}
	ck_assert_uint_gt(refused, 100);
	pair_fini(&pair);
}

START_TEST(test_damaged_state_is_refused)
{
	damage(&stages[13]);
	damage(&stages[16]);
	damage(&stages[18]);
	damage(&stages[STAGES_N - 8]);
	damage(&stages[STAGES_N - 5]);
	damage(&stages[STAGES_N - 3]);
	damage(&stages[STAGES_N - 2]);
	damage(&paid_stages[PAID_STAGES_N - 1]);
	damage(&new_stages[3]);
	damage(&new_stages[NEW_STAGES_N - 1]);
}
END_TEST

/* Nothing is half paid for: of terms, authorization and what is said of the
 * payment none may be missing, and the item is whole. */
START_TEST(test_half_a_payment_is_refused)
{
	static const size_t with_payment[] = {1, 2, 4, 5};

	for (size_t i = 0; i < 4; i++) {
		struct peer *p = setup(&paid_stages[with_payment[i]],
		    CPNP_EDITION_RFC8921);
		cpnp_bytes *view = &before.views[CPNP_DOC_PAYMENT];
		uint8_t *said;

		save(peer_order(p, "o1"), &before);
		cpnp_orders_drop(p->orders, peer_order(p, "o1"));
		view->len--;
		ck_assert(cpnp_error_is_peer(
		    load(p, &before, before.state_len)));
		view->len = 0;
		ck_assert_int_eq(
		    load(p, &before, before.state_len), CPNP_ERR_MISMATCH);
		view->len = PEER_PAYMENT.len;
		/* 0, 1, 2: no terms, not paid, paid */
		said = &before.state[before.state_len - 1];
		for (uint8_t other = 0; other <= 2; other++) {
			uint8_t is = *said;

			/* a server that has it paid goes on with its ACK */
			if (other == is ||
			    (paid_stages[with_payment[i]].state ==
				    CPNP_STATE_ACCEPT_RECEIVED &&
				other == 2))
				continue;
			*said = other;
			ck_assert_int_eq(load(p, &before, before.state_len),
			    CPNP_ERR_MISMATCH);
			*said = is;
		}
		ck_assert_int_eq(load(p, &before, before.state_len), 0);
		peer_drain(p);
		pair_fini(&pair);
	}
}
END_TEST

START_TEST(test_missing_document_is_refused)
{
	struct peer *p = setup(&stages[13], CPNP_EDITION_RFC8921);

	save(peer_order(p, "o1"), &before);
	cpnp_orders_drop(p->orders, peer_order(p, "o1"));
	for (int doc = 0; doc <= CPNP_DOC_OFFER; doc++) {
		cpnp_bytes view = before.views[doc];

		before.views[doc] = CPNP_BYTES_NONE;
		ck_assert(cpnp_error_is_peer(
		    load(p, &before, before.state_len)));
		before.views[doc] = view;
		before.views[doc].len--;
		ck_assert(cpnp_error_is_peer(
		    load(p, &before, before.state_len)));
		before.views[doc] = view;
	}
	ck_assert_int_eq(load(p, &before, before.state_len), 0);
	peer_drain(p);
	pair_fini(&pair);
}
END_TEST

/* What is saved with each of these would load, and fail at the next message or
 * command; the order is sound but for them. */
START_TEST(test_damage_that_shows_later_is_refused)
{
	struct peer *p = setup(&stages[14], CPNP_EDITION_RFC8921);
	cpnp_order *order = peer_order(p, "o1");
	uint8_t *customer_id = (uint8_t *)(uintptr_t)order->customer_id.ptr;
	struct cpnp_blob *newest = order->now.docs[CPNP_DOC_LAST_OUT];

	ck_assert_ptr_null(cpnp_order_check(order));
	/* nothing would stand aside when an UPDATE comes */
	ck_assert_ptr_null(order->now.docs[CPNP_DOC_FINAL]);
	order->now.docs[CPNP_DOC_LAST_OUT] = NULL;
	ck_assert_ptr_nonnull(cpnp_order_check(order));
	order->now.docs[CPNP_DOC_LAST_OUT] = newest;
	/* no message has identifiers like these */
	order->now.provider_id[0] ^= 0x80;
	ck_assert_ptr_nonnull(cpnp_order_check(order));
	order->now.provider_id[0] ^= 0x80;
	customer_id[0] ^= 0x80;
	ck_assert_ptr_nonnull(cpnp_order_check(order));
	customer_id[0] ^= 0x80;
	ck_assert_ptr_null(cpnp_order_check(order));
	save(order, &before);
	cpnp_orders_drop(p->orders, order);
	before.views[CPNP_DOC_LAST_OUT] = CPNP_BYTES_NONE;
	ck_assert_int_eq(
	    load(p, &before, before.state_len), CPNP_ERR_MISMATCH);
	pair_fini(&pair);
	/* what was never sent cannot be cancelled as an UPDATE is */
	p = setup(&stages[19], CPNP_EDITION_RFC8921);
	order = peer_order(p, "o1");
	ck_assert_ptr_null(cpnp_order_check(order));
	order->now.state = CPNP_STATE_CREATED;
	ck_assert_ptr_nonnull(cpnp_order_check(order));
	order->now.state = CPNP_STATE_AWAITING_PROCESSING;
	ck_assert_ptr_nonnull(cpnp_order_check(order));
	order->now.state = CPNP_STATE_PQO_SENT;
	pair_fini(&pair);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_negotiation_goes_on_after_restart_of_both,
	    test_06_deadline_that_passed_meanwhile_comes_at_once,
	    test_offer_time_before_its_processing,
	    test_version_1_is_loaded,
	    test_each_version_is_written_and_loaded,
	    test_order_with_payment_round_trip,
	    test_child_and_confirmation_round_trip,
	    test_22_saved_state_is_that_of_a_child,
	    test_half_a_payment_is_refused,
	    test_damaged_state_is_refused,
	    test_missing_document_is_refused,
	    test_damage_that_shows_later_is_refused,
	};
	const struct unit_loop loop = {
	    test_order_round_trip_in_every_state, STAGES_N};

	return unit_run_loop("order_save", tests,
	    sizeof(tests) / sizeof(tests[0]), &loop);
}
