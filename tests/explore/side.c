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

#define MORE_TIME_MAX 1

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
		cpnp_blob_set(
		    env, &side->docs[doc], cpnp_blob_ref(order->now.docs[doc]));
	side->in_store = true;
}

/* Does the offer hold capacity in that state? */
static bool
is_holding(cpnp_state state)
{
	return state == CPNP_STATE_OFFER_PROPOSED ||
	       state == CPNP_STATE_PROCESSING_RECEIVED ||
	       state == CPNP_STATE_ACCEPT_RECEIVED;
}

/*
 * What a provider does with its capacity, from the STOREs alone: an offer
 * holds some; the agreement buys it, in the place of what it had before;
 * Cancelled releases what the offer holds, and only that; what the agreement
 * has is released when it has ended.
 */
static const char *
keep_ledger(struct ledger *ledger, const cpnp_effect *effect)
{
	cpnp_state from = effect->u.store.from, to = effect->u.store.to;
	cpnp_agreement_state agreement = effect->u.store.agreement_to;

	if (agreement == CPNP_AGREEMENT_ENDED &&
	    effect->u.store.agreement_from != agreement) {
		if (!ledger->bought)
			return "capacity is released twice";
		ledger->bought = false;
	}
	if (from == to)
		return NULL;
	if (to == CPNP_STATE_OFFER_PROPOSED) {
		if (ledger->held)
			return "capacity is held twice";
		ledger->held = true;
	} else if (from == CPNP_STATE_ACCEPT_RECEIVED &&
		   to == CPNP_STATE_COMPLETED) {
		if (!ledger->held)
			return "capacity is bought that nobody holds";
		ledger->held = false;
		ledger->bought = true;
	} else if (to == CPNP_STATE_CANCELLED) {
		if (is_holding(from) != ledger->held)
			return "capacity is released twice";
		ledger->held = false;
	}
	if (ledger->held != is_holding(to))
		return "capacity is held by what is no offer";
	if (ledger->bought != (agreement == CPNP_AGREEMENT_COMPLETED ||
				  agreement == CPNP_AGREEMENT_ACTIVE))
		return "what is bought is not what was agreed";
	return NULL;
}

/*
 * What a provider does with money, from the STOREs alone: what has cost comes
 * about when it is posted, and not before; what was given to the ledger cannot
 * be taken back, so only the ledger's no ends the order then.
 */
static const char *
keep_money(struct ledger *ledger, const cpnp_effect *effect)
{
	cpnp_state to = effect->u.store.to;

	if (effect->u.store.from != CPNP_STATE_ACCEPT_RECEIVED ||
	    to == CPNP_STATE_ACCEPT_RECEIVED)
		return NULL;
	if (to == CPNP_STATE_COMPLETED && ledger->money != MONEY_POSTED)
		return "an agreement is not paid";
	if (to == CPNP_STATE_CANCELLED && ledger->money != MONEY_NONE &&
	    effect->u.store.event != CPNP_EVENT_NOT_PAID)
		return "an order ends that is as good as paid";
	ledger->money = MONEY_NONE;
	return NULL;
}

/* A service begins and ends when that was asked for, agreed or told, and not
 * because an UPDATE came to nothing. */
static const char *
check_service(const cpnp_effect *effect)
{
	cpnp_agreement_state from = effect->u.store.agreement_from;
	cpnp_agreement_state to = effect->u.store.agreement_to;
	cpnp_event event = effect->u.store.event;
	enum order_kind kind = effect->order->now.kind;

	if (from == to || from == CPNP_AGREEMENT_NONE ||
	    event == CPNP_EVENT_GRANT || event == CPNP_EVENT_SERVICE_START ||
	    event == CPNP_EVENT_SERVICE_END ||
	    event == CPNP_EVENT_RECV_WITHDRAW)
		return NULL;
	return event == CPNP_EVENT_RECV_ACK && (kind == ORDER_KIND_WITHDRAW ||
						   kind == ORDER_KIND_ACTIVATE)
		   ? NULL
		   : "the service of an agreement changes by itself";
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
			if (broken == NULL)
				broken = check_service(&effect);
			if (broken == NULL && role == CPNP_SERVER)
				broken = keep_ledger(&side->ledger, &effect);
			if (broken == NULL && role == CPNP_SERVER &&
			    has_terms(world))
				broken = keep_money(&side->ledger, &effect);
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
 * the way back from the next message, and is told again what binds. */
static int
bring_back(
    struct peer *p, cpnp_role role, const struct side *side, cpnp_order **order)
{
	*order = load(p, side);
	drop_effects(p);
	if (role == CPNP_SERVER)
		return side->ledger.money == MONEY_GIVEN
			   ? cpnp_order_set_binding(p->orders, *order)
			   : 0;
	return cpnp_order_set_peer(
	    p->orders, *order, p->handle, false, p->now);
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
	    .require_statement = world->scenario->sign,
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

/* A date that has passed has its turn, that of the state first. */
static int
pass_date(struct peer *p, const cpnp_order *order, cpnp_tstamp date)
{
	return date > p->now.mono || (date != order->now.deadline &&
					 order->now.deadline <= p->now.mono)
		   ? CPNP_ERR_STATE
		   : cpnp_orders_handle_expiry(p->orders, p->now);
}

/* A timer that is armed becomes due; dates have their turn first. */
static int
fire(struct peer *p, cpnp_order *order, cpnp_tstamp *timer)
{
	if (*timer == CPNP_NEVER || order->now.deadline <= p->now.mono ||
	    order->now.service <= p->now.mono)
		return CPNP_ERR_STATE;
	*timer = p->now.mono;
	cpnp_timer_arm(p->orders, order, false, p->now);
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
make_offer(const struct world *world, struct peer *p, cpnp_order *order)
{
	cpnp_offer offer = peer_offer(p,
	    order->now.kind == ORDER_KIND_UPDATE ? OFFER_OF_UPDATE
						 : OFFER_OF_QUOTATION,
	    0);

	offer.validity = moment(MOMENTS_EXPLORED - 1).wall;
	offer.confirm = (world->scenario->acts & CONFIRMS) != 0;
	if (has_terms(world) && !offer.confirm)
		offer.settlement_terms = PEER_TERMS;
	return cpnp_order_offer(p->orders, order, &offer, p->now);
}

/* Until the next moment, which a client grants before the response time. */
static int
ask_more_time(struct peer *p, cpnp_order *order)
{
	return cpnp_order_more_time(p->orders, order,
	    (cpnp_wtime){p->now.wall.sec + MOMENT_SEC}, CPNP_SUBCODE_NONE,
	    p->now);
}

static int
activate(struct peer *p, cpnp_order *order, enum act act)
{
	cpnp_schedule schedule = {.deactivate = act == ACT_DEACTIVATE};

	if (act == ACT_SCHEDULE) {
		schedule.has_start = schedule.has_end = true;
		schedule.start = moment(1).wall;
		schedule.end = moment(2).wall;
	}
	return cpnp_order_activate(p->orders, order, &schedule, p->now);
}

static int
update(struct peer *p, cpnp_order *order)
{
	cpnp_update what = {PEER_UPDATE(p)};

	what.expected_response_time.sec = p->now.wall.sec + MOMENT_SEC;
	return cpnp_order_update(p->orders, order, &what, p->now);
}

static bool
begins_transaction(enum act act)
{
	return act == ACT_WITHDRAW || act == ACT_UPDATE ||
	       act == ACT_ACTIVATE || act == ACT_SCHEDULE ||
	       act == ACT_DEACTIVATE;
}

static int
command_on_agreement(struct peer *p, cpnp_order *order, enum act act)
{
	if (act == ACT_UPDATE)
		return update(p, order);
	return act == ACT_WITHDRAW
		   ? cpnp_order_withdraw(p->orders, order, p->now)
		   : activate(p, order, act);
}

static int
accept(struct peer *p, cpnp_order *order)
{
	return order->now.has_terms
		   ? cpnp_order_accept_paid(
			 p->orders, order, PEER_PAYMENT, p->now)
		   : cpnp_order_accept(p->orders, order, p->now);
}

/* What is awaited is given to the ledger once, and the ledger says yes only to
 * what it was given. */
static int
pay(struct peer *p, cpnp_order *order, struct ledger *ledger, enum act act)
{
	if (order == NULL || order->now.pending != ORDER_PENDING_PAY)
		return CPNP_ERR_STATE;
	if (act == ACT_NOT_PAID)
		return cpnp_order_not_paid(p->orders, order,
		    CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, p->now);
	if (ledger->money != (act == ACT_BIND ? MONEY_NONE : MONEY_GIVEN))
		return CPNP_ERR_STATE;
	ledger->money = act == ACT_BIND ? MONEY_GIVEN : MONEY_POSTED;
	return act == ACT_BIND ? cpnp_order_set_binding(p->orders, order)
			       : cpnp_order_paid(p->orders, order, p->now);
}

static int
command(struct world *world, cpnp_role role, struct side *to, enum act act)
{
	struct peer *p = &world->peers[role];
	cpnp_order *order = peer_order(p, ORDER_ID);
	bool is_client = role == CPNP_CLIENT;

	if (order == NULL)
		return CPNP_ERR_STATE;
	switch (act) {
	case ACT_START:
		return !is_client ? CPNP_ERR_STATE
				  : cpnp_order_start(
					p->orders, order, p->handle, p->now);
	case ACT_ACCEPT:
		return accept(p, order);
	case ACT_DECLINE:
		return cpnp_order_decline(p->orders, order, NULL, 0, p->now);
	case ACT_CANCEL:
		return cpnp_order_cancel(p->orders, order, p->now);
	case ACT_OFFER:
		return is_client ? CPNP_ERR_STATE : make_offer(world, p, order);
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
		return pass_date(p, order, order->now.deadline);
	case ACT_SERVICE:
		return pass_date(p, order, order->now.service);
	case ACT_LINGER:
		return fire(p, order, &order->now.linger);
	case ACT_MORE_TIME:
		return is_client ? CPNP_ERR_STATE : ask_more_time(p, order);
	case ACT_GRANT:
		return cpnp_order_grant(p->orders, order, p->now);
	case ACT_BIND:
	case ACT_PAID:
	case ACT_NOT_PAID:
		return pay(p, order, &to->ledger, act);
	case ACT_WITHDRAW:
	case ACT_UPDATE:
	case ACT_ACTIVATE:
	case ACT_SCHEDULE:
	case ACT_DEACTIVATE:
		return is_client ? command_on_agreement(p, order, act)
				 : CPNP_ERR_STATE;
	case ACT_CLOCK:
	case ACT_CRASH:
	case ACT_DELIVER:
		break;
	}
	return CPNP_ERR_INTERNAL;
}

/* A server might ask for more time for ever, under new numbers. */
static bool
is_bounded(enum act act)
{
	return act == ACT_MORE_TIME || begins_transaction(act);
}

static unsigned
bound(const struct world *world, enum act act)
{
	const struct scenario *scenario = world->scenario;

	return act == ACT_MORE_TIME
		   ? MORE_TIME_MAX
		   : scenario->begun_max + (scenario->is_active ? 1 : 0);
}

/* A command that an application gives to an order that may have left memory,
 * and a date that comes for one. */
static int
command_loaded(struct world *world, const struct side *from, struct side *to,
    struct move move)
{
	struct peer *p = &world->peers[move.role];
	enum act act = (enum act)move.act;
	cpnp_order *order;
	int err = 0;

	if (is_bounded(act) && ++to->begun > bound(world, act))
		return CPNP_ERR_STATE;
	if (!from->in_memory && from->in_store &&
	    (act == ACT_SERVICE || begins_transaction(act)))
		err = bring_back(p, (cpnp_role)move.role, from, &order);
	return err != 0 ? err : command(world, (cpnp_role)move.role, to, act);
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
	case ACT_MORE_TIME:
	case ACT_WITHDRAW:
	case ACT_UPDATE:
	case ACT_ACTIVATE:
	case ACT_SCHEDULE:
	case ACT_DEACTIVATE:
	case ACT_GRANT:
	case ACT_BIND:
	case ACT_PAID:
	case ACT_NOT_PAID:
	case ACT_SERVICE:
	case ACT_RETRANS:
	case ACT_DEADLINE:
	case ACT_LINGER:
		break;
	}
	return command_loaded(world, from, to, move);
}

static bool
is_in(const struct world *world, const struct side *side, size_t message)
{
	const struct transaction *t =
	    &world->transactions[world->messages[message].transaction];

	return cpnp_bytes_equal((cpnp_bytes){t->id, t->id_len},
	    (cpnp_bytes){side->transaction_id, side->transaction_id_len});
}

/* R1: a number that is smaller than the newest one handled in the same
 * transaction. */
static bool
is_replay(const struct world *world, const struct side *side, struct move move)
{
	const struct order_now *o = &side->now;

	return move.act == ACT_DELIVER && side->in_memory && o->has_input &&
	       world->scenario->edition == CPNP_EDITION_RFC8921 &&
	       is_in(world, side, move.message) &&
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
	if (method == CPNP_METHOD_WITHDRAW || method == CPNP_METHOD_UPDATE)
		msg.transaction_id = CPNP_BYTES_LIT("the rival's");
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
	const char *broken = NULL;

	if (role != CPNP_SERVER || !st->in_memory)
		return NULL;
	/* the NONCE of an offer that came to nothing is gone, and its DECLINE
	 * has nothing left to end */
	if (st->now.has_offer && !st->now.undone)
		broken = check_nonce(world, st, CPNP_METHOD_DECLINE);
	if (st->now.has_offer && broken == NULL)
		broken = check_nonce(world, st, CPNP_METHOD_ACCEPT);
	if (side_stands(st) && broken == NULL)
		broken = check_nonce(world, st, CPNP_METHOD_WITHDRAW);
	if (side_stands(st) && broken == NULL)
		broken = check_nonce(world, st, CPNP_METHOD_UPDATE);
	return broken;
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
	p->env.seed = mix(p->env.seed, move.act);
	copy_side(&to, from);
	err = run(world, from, &to, move);
	if (cpnp_error_is_fatal(err))
		result->broken = cpnp_strerror(err);
	drain(world, role, &to, result);
	order = peer_order(p, ORDER_ID);
	if (order != NULL)
		normalise(p, &order->now);
	result->is_possible =
	    move.act == ACT_DELIVER || err == 0 || result->broken != NULL;
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
	struct result *result =
	    slot < side->results_n ? side->results[slot] : NULL;

	if (result != NULL)
		return result;
	if (slot >= side->results_n) {
		side->results = must_alloc(
		    side->results, slot + 16, sizeof(struct result *));
		while (side->results_n < slot + 16)
			side->results[side->results_n++] = NULL;
	}
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
	    world->scenario->sign);
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
		free(world->tables[role].slots);
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
		q.edition = world->scenario->edition;
		q.expected_response_time.sec = BEGIN_WALL + MOMENT_SEC;
		q.require_statements = world->scenario->sign;
		must(cpnp_orders_create(p->orders, &q, &order, p->now) == 0,
		    "no order");
		drain(world, role, &side, &result);
		normalise(p, &order->now);
	}
	return intern_side(world, role, &side);
}
