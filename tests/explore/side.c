/*
 * One side of the explored order: a move of it, run through the real code.
 *
 * A move and its commit are one step.  Nothing is lost by that: a crash before
 * the commit is a message that was lost and a crash, and one between commit
 * and sending is a crash and an answer that was lost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "explore.h"

/* --- effects --- */

static void
make_durable(struct peer *p, struct side *side, cpnp_order *order)
{
	const cpnp_env *env = &p->env.env;
	cpnp_buf buf;

	cpnp_buf_init(&buf, &env->mem, 1 << 16);
	must(cpnp_order_save(order, &buf) == 0, "an order is not saved");
	cpnp_blob_set(
	    env, &side->saved, cpnp_blob_new(env, cpnp_buf_bytes(&buf)));
	must(side->saved != NULL, "no memory");
	cpnp_buf_fini(&buf);
	for (int doc = 0; doc < CPNP_DOC_END; doc++)
		cpnp_blob_set(env, &side->docs[doc],
		    cpnp_blob_ref(order->now.docs[doc]));
	side->in_store = true;
}

/* Capacity is held by an offer, and bought or released once. */
static const char *
keep_ledger(struct ledger *ledger, cpnp_state from, cpnp_state to)
{
	if (from == to)
		return NULL;
	if (to == CPNP_STATE_OFFER_PROPOSED)
		ledger->held++;
	else if (to == CPNP_STATE_COMPLETED)
		ledger->bought++;
	else if (to == CPNP_STATE_CANCELLED && ledger->held > 0)
		ledger->released++;
	if (ledger->held > 1)
		return "capacity is held twice";
	if (ledger->released + ledger->bought > ledger->held)
		return "capacity is released twice";
	return NULL;
}

/* contradictions.md, 18: what is accepted is accepted in its time. */
static const char *
check_time(const struct peer *p, const cpnp_effect *effect)
{
	return effect->u.store.to == CPNP_STATE_ACCEPT_RECEIVED &&
		effect->u.store.from != effect->u.store.to &&
		p->now.wall.sec >= effect->order->now.validity.sec
	    ? "an ACCEPT counts after the validity of the offer"
	    : NULL;
}

static void
drain(struct world *world, cpnp_role role, struct side *side,
    struct result *result)
{
	struct peer *p = &world->peers[role];
	const char *broken = NULL;
	cpnp_effect effect;

	while (cpnp_orders_next(p->orders, &effect)) {
		if (effect.order != NULL)
			normalise(p, &effect.order->now);
		if (effect.type == CPNP_EFFECT_STORE) {
			make_durable(p, side, effect.order);
			broken = check_time(p, &effect);
			if (broken == NULL && role == CPNP_SERVER)
				broken = keep_ledger(&side->ledger,
				    effect.u.store.from, effect.u.store.to);
		}
		if (result->broken == NULL)
			result->broken = broken;
		if (effect.type == CPNP_EFFECT_SEND &&
		    effect.u.send.peer != 0 &&
		    result->sent_n < ORDER_EFFECTS_MAX)
			result->sent[result->sent_n++] = intern_message(world,
			    role == CPNP_CLIENT ? CPNP_SERVER : CPNP_CLIENT,
			    effect.u.send.bytes);
	}
}

/* --- moves --- */

/* Back into memory.  A client knows the way to its server; a server learns
 * the way back from the next message. */
static int
bring_back(struct peer *p, cpnp_role role, const struct side *side,
    cpnp_order **order)
{
	*order = load(p, side);
	drop_effects(p);
	return role == CPNP_SERVER ? 0
				   : cpnp_order_set_peer(p->orders, *order,
					 p->handle, false, p->now);
}

static int
feed(struct world *world, cpnp_role role, const struct side *side,
    cpnp_bytes bytes)
{
	struct peer *p = &world->peers[role];
	cpnp_msg msg;
	cpnp_input input = {.msg = &msg,
	    .identity = cpnp_bytes_str(p->other),
	    .peer = p->handle,
	    .require_statement = world->sign,
	    .may_order = true};
	cpnp_order *order;
	int err = cpnp_msg_decode(&msg, bytes, NULL);

	if (err != 0)
		return CPNP_ERR_INTERNAL;
	input.signer = peer_signer(msg.statement);
	err = cpnp_orders_recv(p->orders, &input, p->now);
	if (err != CPNP_ERR_NOT_LOADED)
		return err;
	if (side->in_store) {
		err = bring_back(p, role, side, &order);
		if (err != 0)
			return err;
	}
	input.searched = true;
	return cpnp_orders_recv(p->orders, &input, p->now);
}

static int
crash(struct peer *p, cpnp_role role, const struct side *side)
{
	cpnp_order *order;
	int err;

	clear(p);
	if (!side->in_store)
		return CPNP_ERR_STATE;
	err = bring_back(p, role, side, &order);
	if (err == 0 && cpnp_order_is_settled(order))
		cpnp_orders_drop(p->orders, order);
	return err;
}

/* A timer that is armed becomes due; the earlier date has its turn first. */
static int
fire(struct peer *p, cpnp_order *order, cpnp_tstamp *timer)
{
	if (*timer == CPNP_NEVER)
		return CPNP_ERR_STATE;
	if (timer != &order->now.deadline) {
		if (order->now.deadline <= p->now.mono)
			return CPNP_ERR_STATE;
		*timer = p->now.mono;
		cpnp_timer_arm(p->orders, order, false, p->now);
	} else if (*timer > p->now.mono) {
		return CPNP_ERR_STATE;
	}
	return cpnp_orders_handle_expiry(p->orders, p->now);
}

static int
sign(struct peer *p, cpnp_order *order)
{
	uint8_t store[CPNP_STATEMENT_MAX];
	uint8_t payload_store[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_bytes payload;
	enum order_pending pending = order->now.pending;

	if (pending != ORDER_PENDING_SIGN_OFFER &&
	    pending != ORDER_PENDING_SIGN_ACCEPT &&
	    pending != ORDER_PENDING_SIGN_ACK)
		return CPNP_ERR_STATE;
	if (cpnp_order_payload(order, payload_store, &payload) != 0)
		return CPNP_ERR_INTERNAL;
	return cpnp_order_signed(p->orders, order,
	    peer_statement(payload, p->name, store),
	    pending == ORDER_PENDING_SIGN_ACK ? CPNP_BYTES_LIT("receipt")
					      : CPNP_BYTES_NONE,
	    p->now);
}

static int
make_offer(struct peer *p, cpnp_order *order)
{
	cpnp_offer offer = peer_offer(p, PEER_SERVICE_80, 0);

	offer.validity = moment(MOMENTS_EXPLORED - 1).wall;
	return cpnp_order_offer(p->orders, order, &offer, p->now);
}

static int
command(struct peer *p, cpnp_role role, enum act act)
{
	cpnp_order *order = peer_order(p, ORDER_ID);
	bool is_client = role == CPNP_CLIENT;

	if (order == NULL)
		return CPNP_ERR_STATE;
	switch (act) {
	case ACT_START:
		return !is_client
		    ? CPNP_ERR_STATE
		    : cpnp_order_start(p->orders, order, p->handle, p->now);
	case ACT_ACCEPT:
		return cpnp_order_accept(p->orders, order, p->now);
	case ACT_DECLINE:
		return cpnp_order_decline(p->orders, order, NULL, 0, p->now);
	case ACT_CANCEL:
		return cpnp_order_cancel(p->orders, order, p->now);
	case ACT_OFFER:
		return is_client ? CPNP_ERR_STATE : make_offer(p, order);
	case ACT_REFUSE:
		return cpnp_order_refuse(p->orders, order,
		    CPNP_STATUS_NETWORK_PRESENCE, NULL, 0, p->now);
	case ACT_SIGNED:
		return sign(p, order);
	case ACT_SIGN_FAILED:
		return cpnp_order_sign_failed(p->orders, order, p->now);
	case ACT_RETRANS:
		return fire(p, order, &order->now.retrans);
	case ACT_DEADLINE:
		return fire(p, order, &order->now.deadline);
	case ACT_LINGER:
		return fire(p, order, &order->now.linger);
	case ACT_CLOCK:
	case ACT_CRASH:
	case ACT_DELIVER:
		break;
	}
	return CPNP_ERR_INTERNAL;
}

static int
run(struct world *world, const struct side *from, struct side *to,
    struct move move)
{
	struct peer *p = &world->peers[move.role];
	const struct message *m = &world->messages[move.message];

	switch ((enum act)move.act) {
	case ACT_CLOCK:
		if (from->clock + 1 == MOMENTS)
			return CPNP_ERR_STATE;
		to->clock++;
		p->now = moment(to->clock);
		return 0;
	case ACT_CRASH:
		return crash(p, (cpnp_role)move.role, from);
	case ACT_DELIVER:
		return feed(world, (cpnp_role)move.role, from,
		    (cpnp_bytes){m->bytes, m->len});
	case ACT_START:
	case ACT_ACCEPT:
	case ACT_DECLINE:
	case ACT_CANCEL:
	case ACT_OFFER:
	case ACT_REFUSE:
	case ACT_SIGNED:
	case ACT_SIGN_FAILED:
	case ACT_RETRANS:
	case ACT_DEADLINE:
	case ACT_LINGER:
		break;
	}
	return command(p, (cpnp_role)move.role, (enum act)move.act);
}

/* R1: a number that is smaller than the newest one handled. */
static bool
is_replay(const struct world *world, const struct side *side,
    struct move move)
{
	const struct order_now *o = &side->now;

	return move.act == ACT_DELIVER && side->in_memory && o->has_input &&
	    world->edition == CPNP_EDITION_RFC8921 &&
	    world->messages[move.message].number < o->in_seq;
}

/* The rival's message: all is right but the NONCE.  Says what it changes. */
static const char *
check_nonce(struct world *world, const struct side *side, cpnp_method method)
{
	struct peer *p = &world->peers[CPNP_SERVER];
	uint8_t store[CPNP_DATAGRAM_MAX];
	uint32_t before = 0, after;
	struct side copy;
	cpnp_msg msg;
	cpnp_buf buf;

	put_back(p, side);
	copy_side(&copy, side);
	before = intern_side(world, CPNP_SERVER, &copy);
	msg = peer_hand(p, ORDER_ID, method);
	msg.nonce = CPNP_BYTES_LIT("0123456789abcdeX");
	msg.present |= CPNP_ATTR_BIT(CPNP_ATTR_NONCE);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	must(cpnp_msg_encode(&msg, &buf, NULL) == 0, "no message by hand");
	(void)feed(world, CPNP_SERVER, side, cpnp_buf_bytes(&buf));
	drop_effects(p);
	if (peer_order(p, ORDER_ID) != NULL)
		normalise(p, &peer_order(p, ORDER_ID)->now);
	copy_side(&copy, side);
	after = intern_side(world, CPNP_SERVER, &copy);
	return before == after ? NULL
			       : "a message under another NONCE is obeyed";
}

static const char *
probe(struct world *world, cpnp_role role, uint32_t side)
{
	const struct side *st = world->sides[role][side];
	const char *broken;

	if (role != CPNP_SERVER || !st->in_memory || !st->now.has_offer)
		return NULL;
	broken = check_nonce(world, st, CPNP_METHOD_DECLINE);
	return broken != NULL ? broken
			      : check_nonce(world, st, CPNP_METHOD_ACCEPT);
}

static void
run_move(struct world *world, uint32_t index, struct move move,
    struct result *result)
{
	cpnp_role role = (cpnp_role)move.role;
	struct peer *p = &world->peers[role];
	const struct side *from = world->sides[role][index];
	size_t known = world->sides_n[role];
	cpnp_order *order;
	struct side to;
	int err;

	put_back(p, from);
	copy_side(&to, from);
	err = run(world, from, &to, move);
	if (cpnp_error_is_fatal(err))
		result->broken = cpnp_strerror(err);
	drain(world, role, &to, result);
	order = peer_order(p, ORDER_ID);
	if (order != NULL)
		normalise(p, &order->now);
	result->is_possible = move.act == ACT_DELIVER || err == 0 ||
	    result->broken != NULL;
	result->side = intern_side(world, role, &to);
	if (result->broken == NULL && is_replay(world, from, move) &&
	    (result->side != index || result->sent_n > 0))
		result->broken = "a replayed message is handled";
	if (result->broken == NULL && result->side == known)
		result->broken = probe(world, role, result->side);
}

const struct result *
world_move(struct world *world, uint32_t index, struct move move)
{
	struct side *side = world->sides[move.role][index];
	size_t slot = move.act == ACT_DELIVER
	    ? (size_t)ACT_DELIVER + move.message
	    : move.act;
	struct result *result = side->results[slot];

	if (result != NULL)
		return result;
	result = must_alloc(NULL, 1, sizeof(*result));
	memset(result, 0, sizeof(*result));
	side->results[slot] = result;
	run_move(world, index, move, result);
	return result;
}

/* --- the world --- */

static void
init_peer(struct world *world, cpnp_role role)
{
	struct peer *p = &world->peers[role];

	peer_init(p, role == CPNP_CLIENT ? "acme.example" : "carrier.example",
	    role == CPNP_CLIENT ? "carrier.example" : "acme.example", 1,
	    world->sign);
	/* An answer that the rate limit drops is one that was lost; more
	 * retries, and longer intervals, are more of the same. */
	p->config.resend_interval = 0;
	p->config.retries_max = 1;
	p->config.repeat_max = p->config.repeat_min;
	cpnp_orders_del(p->orders);
	must(cpnp_orders_new(&p->orders, &p->config, &p->env.env) == 0,
	    "no set of orders");
	p->now = moment(0);
}

void
world_init(struct world *world)
{
	init_peer(world, CPNP_CLIENT);
	init_peer(world, CPNP_SERVER);
}

void
world_fini(struct world *world)
{
	for (int role = CPNP_CLIENT; role <= CPNP_SERVER; role++) {
		struct peer *p = &world->peers[role];

		for (size_t i = 0; i < world->sides_n[role]; i++) {
			side_fini(p, world->sides[role][i]);
			free(world->sides[role][i]);
		}
		free(world->sides[role]);
		clear(p);
		peer_fini(p);
	}
	for (size_t i = 0; i < world->messages_n; i++)
		free(world->messages[i].bytes);
}

uint32_t
world_first(struct world *world, cpnp_role role)
{
	struct peer *p = &world->peers[role];
	struct side side = {0};
	struct result result = {0};
	cpnp_quotation q;
	cpnp_order *order;

	if (role == CPNP_CLIENT) {
		q = peer_quotation(p, ORDER_ID);
		q.edition = world->edition;
		q.expected_response_time.sec = BEGIN_WALL + MOMENT_SEC;
		q.require_statements = world->sign;
		must(cpnp_orders_create(p->orders, &q, &order, p->now) == 0,
		    "no order");
		drain(world, role, &side, &result);
		normalise(p, &order->now);
	}
	return intern_side(world, role, &side);
}
