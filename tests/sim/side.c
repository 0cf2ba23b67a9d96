/*
 * One side of the simulated world: its effects, its store that commits later
 * or fails, its application, and its crashes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static void
order_name(unsigned id, char name[16])
{
	(void)snprintf(name, 16, "o%u", id);
}

static unsigned
order_number(const cpnp_order *order)
{
	cpnp_bytes id = cpnp_order_customer_id(order);

	return (unsigned)(id.ptr[1] - '0');
}

static cpnp_order *
find(const struct side *side, unsigned id)
{
	char name[16];

	order_name(id, name);
	return peer_order(&side->peer, name);
}

cpnp_now
side_now(const struct side *side)
{
	cpnp_tstamp now = side->world->now;

	return (cpnp_now){.mono = now,
	    .wall = {
		1800000000 + side->skew + (int64_t)(now / CPNP_SECONDS(1))}};
}

void
side_init(struct side *side, struct world *world, struct side *other,
    const char *name, const char *other_name, bool sign)
{
	memset(side, 0, sizeof(*side));
	side->world = world;
	side->other = other;
	side->last = &side->first;
	side->skew = (int64_t)sim_dice(world, 11) - 5;
	peer_init(
	    &side->peer, name, other_name, peer_random(&world->dice), sign);
	side->peer.now = side_now(side);
}

static void
drop_waiting(struct side *side)
{
	struct waiting *w;

	while ((w = side->first) != NULL) {
		side->first = w->next;
		if (w->update != NULL)
			peer_update_del(w->update);
		free(w->todo.bytes);
		free(w);
	}
	side->last = &side->first;
	side->is_committing = false;
}

void
side_fini(struct side *side)
{
	drop_waiting(side);
	peer_fini(&side->peer);
}

static struct waiting *
wait_behind(struct side *side)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->todo.side = side;
	*side->last = w;
	side->last = &w->next;
	return w;
}

static uint64_t
hash_bytes(const uint8_t *bytes, size_t len)
{
	uint64_t hash = 1469598103934665603u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 1099511628211u;
	return hash;
}

/* A number is used for one message only, and new ones are larger, whatever
 * crashed in between (R1). */
static void
check_number(
    struct side *side, struct wire *wire, const cpnp_msg *msg, uint64_t hash)
{
	uint32_t number = msg->sequence_number;

	for (size_t i = 0; i < wire->n; i++) {
		if (wire->numbers[i] != number)
			continue;
		if (wire->hashes[i] != hash)
			sim_break(side->world, "a number was used twice");
		return;
	}
	if (wire->n > 0 && number <= wire->last)
		sim_break(side->world, "a number is not larger");
	if (wire->n == NUMBERS_MAX) {
		sim_break(side->world, "too many messages for one order");
		return;
	}
	wire->numbers[wire->n] = number;
	wire->hashes[wire->n++] = hash;
	wire->last = number;
}

/* No answer contradicts an earlier one. */
static void
check_answers(struct side *side, struct wire *wire, const cpnp_msg *msg)
{
	bool is_marked = cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION);

	if (cpnp_msg_has(msg, CPNP_ATTR_PROVIDER_ORDER_ID)) {
		char id[CPNP_ORDER_ID_MAX + 1] = {0};

		memcpy(
		    id, msg->provider_order_id.ptr, msg->provider_order_id.len);
		if (wire->provider_id[0] != '\0' &&
		    strcmp(wire->provider_id, id) != 0)
			sim_break(side->world, "two orders for one");
		memcpy(wire->provider_id, id, sizeof(id));
	}
	if (side != &side->world->server)
		return;
	if (msg->method == CPNP_METHOD_ACK && !is_marked &&
	    msg->service_description.len > 5)
		wire->is_acked = true;
	else if (wire->is_acked && msg->method != CPNP_METHOD_OFFER)
		sim_break(side->world, "an ACK was taken back");
}

/* A side goes from one transaction to the next, and not back; each has its own
 * numbers. */
static void
check_transaction(struct side *side, struct wire *wire, const cpnp_msg *msg)
{
	for (size_t i = 0; i < wire->ids_n; i++) {
		cpnp_bytes id = {wire->ids[i], wire->ids_len[i]};

		if (!cpnp_bytes_equal(msg->transaction_id, id))
			continue;
		if (i + 1 < wire->ids_n)
			sim_break(side->world, "a transaction goes on that "
					       "was over");
		return;
	}
	if (wire->ids_n > TRANSACTIONS_MAX + 1) {
		sim_break(side->world, "a transaction that nobody began");
		return;
	}
	wire->ids_len[wire->ids_n] = msg->transaction_id.len;
	memcpy(wire->ids[wire->ids_n], msg->transaction_id.ptr,
	    msg->transaction_id.len);
	wire->ids_n++;
	wire->n = 0;
	wire->is_acked = false;
}

static void
check_wire(struct side *side, const uint8_t *bytes, size_t len)
{
	struct wire *wire;
	cpnp_msg msg;

	if (cpnp_msg_decode(&msg, (cpnp_bytes){bytes, len}, NULL) != 0) {
		sim_break(side->world, "a message does not decode");
		return;
	}
	wire = &side->wires[msg.customer_order_id.ptr[1] - '0'];
	/* A FAIL that speaks for no order is of no transaction of it. */
	if (msg.edition == CPNP_EDITION_RFC8921
		? msg.sequence_number == UINT32_MAX
		: msg.method == CPNP_METHOD_FAIL)
		return;
	check_transaction(side, wire, &msg);
	if (msg.edition == CPNP_EDITION_RFC8921)
		check_number(side, wire, &msg, hash_bytes(bytes, len));
	check_answers(side, wire, &msg);
}

static void
release(struct side *side, struct waiting *w)
{
	struct todo todo = w->todo;

	if (w->is_asked) {
		todo.epoch = side->epoch;
		sim_later(side->world, todo,
		    CPNP_MILLISECONDS(sim_dice(side->world, 100)));
		return;
	}
	check_wire(side, todo.bytes, todo.len);
	sim_send(side, todo.bytes, todo.len);
	free(todo.bytes);
}

/* What waits for nothing goes; else a commit is begun. */
static void
pump(struct side *side)
{
	struct waiting *w;

	while ((w = side->first) != NULL && w->update == NULL) {
		side->first = w->next;
		if (side->first == NULL)
			side->last = &side->first;
		release(side, w);
		free(w);
	}
	if (side->first == NULL || side->is_committing)
		return;
	side->is_committing = true;
	sim_later(side->world,
	    (struct todo){
		.kind = TODO_COMMIT, .side = side, .epoch = side->epoch},
	    CPNP_MILLISECONDS(sim_dice(side->world, 30)));
}

static void
on_send(struct side *side, const cpnp_effect *effect)
{
	struct waiting *w;

	if (effect->u.send.peer == 0)
		return;
	w = wait_behind(side);
	w->todo.len = effect->u.send.bytes.len;
	w->todo.bytes = malloc(w->todo.len);
	if (w->todo.bytes == NULL)
		abort();
	memcpy(w->todo.bytes, effect->u.send.bytes.ptr, w->todo.len);
}

static void
ask_later(struct side *side, const cpnp_effect *effect, enum todo_kind kind,
    unsigned seconds_max)
{
	struct todo todo = {.kind = kind,
	    .side = side,
	    .epoch = side->epoch,
	    .id = order_number(effect->order)};

	sim_later(side->world, todo,
	    CPNP_MILLISECONDS(sim_dice(side->world, 1000 * seconds_max)));
}

static void
on_sign(struct side *side, const cpnp_effect *effect)
{
	struct waiting *w = wait_behind(side);
	cpnp_bytes payload = effect->u.sign.payload;

	w->is_asked = true;
	w->todo.kind = TODO_SIGN;
	w->todo.id = order_number(effect->order);
	w->todo.receipt = effect->u.sign.wants_receipt;
	w->todo.len = payload.len;
	w->todo.bytes = malloc(payload.len);
	if (w->todo.bytes == NULL)
		abort();
	memcpy(w->todo.bytes, payload.ptr, payload.len);
}

/* --- payments --- */

/* The authorization for an OFFER, the same whenever it is made. */
static void
authorize(const cpnp_agreement *agreement, uint8_t item[PAYMENT_LEN])
{
	if (agreement->nonce.len != PAYMENT_LEN - 1)
		abort();
	item[0] = 0x50;
	memcpy(item + 1, agreement->nonce.ptr, PAYMENT_LEN - 1);
}

static struct payment *
find_payment(struct world *world, const uint8_t item[PAYMENT_LEN])
{
	for (size_t i = 0; i < world->payments_n; i++)
		if (memcmp(world->payments[i].item, item, PAYMENT_LEN) == 0)
			return &world->payments[i];
	return NULL;
}

/* A restart finds in the ledger what was given to it, before any message
 * comes. */
static void
on_pay(struct side *side, const cpnp_effect *effect)
{
	struct world *world = side->world;
	unsigned id = order_number(effect->order);
	const uint8_t *item = effect->u.pay.authorization.ptr;
	struct payment *payment;
	struct waiting *w;

	if (effect->u.pay.authorization.len != PAYMENT_LEN ||
	    !cpnp_bytes_equal(effect->u.pay.settlement_terms, PEER_TERMS)) {
		sim_break(world, "a payment is not the one that was sent");
		return;
	}
	payment = find_payment(world, item);
	if (payment == NULL) {
		if (world->payments_n == PAYMENTS_MAX)
			abort();
		payment = &world->payments[world->payments_n++];
		memcpy(payment->item, item, PAYMENT_LEN);
	}
	side->paying[id] = payment;
	if (payment->state != PAYMENT_NEW &&
	    cpnp_order_set_binding(side->peer.orders, effect->order) != 0)
		sim_break(world, "what is asked for does not bind");
	w = wait_behind(side);
	w->is_asked = true;
	w->todo.kind = TODO_PAY;
	w->todo.id = id;
}

/* Nothing comes about that has cost and is not posted, and nothing ends that
 * was given to the ledger but by its no (contradictions.md, 5). */
static void
check_payment(struct side *side, const cpnp_effect *effect)
{
	static cpnp_agreement agreement;
	struct payment *payment = side->paying[order_number(effect->order)];
	uint8_t item[PAYMENT_LEN];

	if (effect->u.store.to == CPNP_STATE_CANCELLED && payment != NULL &&
	    !payment->is_agreed && effect->u.store.event != CPNP_EVENT_NOT_PAID &&
	    (payment->state == PAYMENT_GIVEN ||
		payment->state == PAYMENT_POSTED))
		sim_break(side->world, "an order ends that is as good as paid");
	if (effect->u.store.to != CPNP_STATE_COMPLETED ||
	    cpnp_order_get_agreement(effect->order, &agreement) != 0 ||
	    agreement.settlement_terms.len == 0)
		return;
	authorize(&agreement, item);
	payment = find_payment(side->world, item);
	if (payment == NULL || payment->state != PAYMENT_POSTED)
		sim_break(side->world, "an agreement is not paid");
	else
		payment->is_agreed = true;
}

void
side_check_payments(struct world *world)
{
	for (size_t i = 0; i < world->payments_n; i++) {
		const struct payment *payment = &world->payments[i];

		if (payment->state == PAYMENT_GIVEN)
			sim_break(world, "the ledger does not answer");
		if (payment->state == PAYMENT_POSTED && !payment->is_agreed)
			sim_break(world, "what was paid is for no agreement");
	}
}

/* What is accepted is accepted in its time (contradictions.md, 18), and what
 * is agreed is paid. */
static void
check_store(struct side *side, const cpnp_effect *effect)
{
	static cpnp_agreement agreement;

	if (effect->u.store.from == CPNP_STATE_ACCEPT_RECEIVED &&
	    effect->u.store.to != effect->u.store.from)
		check_payment(side, effect);
	if (effect->u.store.to != CPNP_STATE_ACCEPT_RECEIVED ||
	    effect->u.store.from == effect->u.store.to)
		return;
	if (cpnp_order_get_agreement(effect->order, &agreement) != 0)
		sim_break(side->world, "an ACCEPT of nothing");
	else if (side_now(side).wall.sec >= agreement.validity.sec)
		sim_break(side->world, "accepted after the validity");
}

/* An agreement stands: something may be asked for on it. */
static void
on_end(struct side *side, const cpnp_effect *effect)
{
	struct world *world = side->world;
	cpnp_method method = cpnp_order_transaction(effect->order);
	cpnp_agreement_state agreement =
	    cpnp_order_agreement_state(effect->order);

	if (method == CPNP_METHOD_UPDATE &&
	    effect->u.end.state == CPNP_STATE_COMPLETED)
		world->updated++;
	if (method == CPNP_METHOD_ACTIVATE &&
	    cpnp_order_status(effect->order) == CPNP_STATUS_NONE)
		world->activated++;
	if ((agreement == CPNP_AGREEMENT_COMPLETED ||
		agreement == CPNP_AGREEMENT_ACTIVE) &&
	    sim_chance(world, 70))
		ask_later(side, effect, TODO_NEXT, 60);
}

static void
drain(struct side *side)
{
	struct world *world = side->world;
	cpnp_effect effect;

	while (cpnp_orders_next(side->peer.orders, &effect)) {
		switch (effect.type) {
		case CPNP_EFFECT_STORE:
			check_store(side, &effect);
			wait_behind(side)->update = peer_update_new(&effect);
			break;
		case CPNP_EFFECT_SEND:
			on_send(side, &effect);
			break;
		case CPNP_EFFECT_DECIDE:
			ask_later(side, &effect, TODO_DECIDE,
			    sim_chance(world, 5) ? 90 : 20);
			break;
		case CPNP_EFFECT_OFFER:
			ask_later(side, &effect, TODO_ANSWER, 10);
			break;
		case CPNP_EFFECT_SIGN:
			on_sign(side, &effect);
			break;
		case CPNP_EFFECT_END:
			if (side == &world->client)
				on_end(side, &effect);
			break;
		case CPNP_EFFECT_FORGET:
		case CPNP_EFFECT_ALARM:
		case CPNP_EFFECT_TIME:
			break;
		case CPNP_EFFECT_PAY:
			on_pay(side, &effect);
			break;
		}
	}
	pump(side);
}

/* After an event: nothing fatal may come of what peers and applications do. */
static void
after(struct side *side, int err)
{
	side->world->events++;
	if (cpnp_error_is_fatal(err))
		sim_break(side->world, cpnp_strerror(err));
	drain(side);
}

static void
start(struct side *side, unsigned id)
{
	cpnp_order *order = find(side, id);
	int err;

	if (order == NULL || cpnp_order_state(order) != CPNP_STATE_CREATED)
		return;
	err = cpnp_order_start(
	    side->peer.orders, order, side->peer.handle, side_now(side));
	after(side, err);
	/* the clock was set past the response time */
	if (err == CPNP_ERR_INVALID)
		after(side, cpnp_order_cancel(
				side->peer.orders, order, side_now(side)));
}

void
side_create(struct side *side, unsigned id)
{
	struct world *world = side->world;
	cpnp_quotation q;
	cpnp_order *order;
	char name[16];

	order_name(id, name);
	side->peer.now = side_now(side);
	q = peer_quotation(&side->peer, name);
	q.edition = world->edition;
	q.has_response_time = !sim_chance(world, 20);
	q.expected_response_time.sec =
	    side->peer.now.wall.sec + 10 + sim_dice(world, 120);
	q.require_statements = side->peer.config.sign && sim_chance(world, 50);
	after(side,
	    cpnp_orders_create(side->peer.orders, &q, &order, side_now(side)));
	sim_later(world,
	    (struct todo){.kind = TODO_START,
		.side = side,
		.epoch = side->epoch,
		.id = id},
	    CPNP_MILLISECONDS(sim_dice(world, 2000)));
	if (sim_chance(world, 25))
		sim_later(world,
		    (struct todo){.kind = TODO_CANCEL,
			.side = side,
			.epoch = side->epoch,
			.id = id},
		    CPNP_MILLISECONDS(sim_dice(world, 40000)));
}

static void
decide_later(struct side *side, unsigned id)
{
	sim_later(side->world,
	    (struct todo){.kind = TODO_DECIDE,
		.side = side,
		.epoch = side->epoch,
		.id = id},
	    CPNP_SECONDS(sim_dice(side->world, 60)));
}

static cpnp_offer
make_offer(struct side *side, const cpnp_order *order)
{
	struct world *world = side->world;
	bool is_update = cpnp_order_transaction(order) == CPNP_METHOD_UPDATE;
	cpnp_offer offer = peer_offer(&side->peer,
	    is_update      ? (world->exact ? PEER_SERVICE_60 : PEER_SERVICE)
	    : world->exact ? PEER_SERVICE
			   : PEER_SERVICE_80,
	    5 + sim_dice(world, 120));
	cpnp_schedule *schedule = &offer.activation_schedule;

	offer.has_activation_schedule = sim_chance(world, 20);
	schedule->has_start = sim_chance(world, 50);
	schedule->start.sec = side->peer.now.wall.sec + sim_dice(world, 200);
	schedule->has_end = sim_chance(world, 50) || !schedule->has_start;
	schedule->end.sec = schedule->start.sec + 1 + sim_dice(world, 1000);
	if (sim_chance(world, world->terms))
		offer.settlement_terms = PEER_TERMS;
	return offer;
}

static void
decide(struct side *side, unsigned id)
{
	struct world *world = side->world;
	cpnp_order *order = find(side, id);
	cpnp_offer offer;

	if (order == NULL)
		return;
	if (world->edition == CPNP_EDITION_RFC8921 && sim_chance(world, 10)) {
		after(side, cpnp_order_more_time(side->peer.orders, order,
				(cpnp_wtime){side_now(side).wall.sec + 30 +
					     sim_dice(world, 100)},
				CPNP_SUBCODE_NONE, side_now(side)));
		decide_later(side, id);
		return;
	}
	if (sim_chance(world, 15)) {
		after(side,
		    cpnp_order_refuse(side->peer.orders, order,
			CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, side_now(side)));
		return;
	}
	if (cpnp_order_transaction(order) == CPNP_METHOD_ACTIVATE) {
		after(side,
		    cpnp_order_grant(side->peer.orders, order, side_now(side)));
		return;
	}
	side->peer.now = side_now(side);
	offer = make_offer(side, order);
	after(side,
	    cpnp_order_offer(side->peer.orders, order, &offer, side_now(side)));
}

static int
accept(struct side *side, cpnp_order *order)
{
	static cpnp_agreement agreement;
	uint8_t item[PAYMENT_LEN];

	if (cpnp_order_get_agreement(order, &agreement) != 0 ||
	    agreement.settlement_terms.len == 0)
		return cpnp_order_accept(
		    side->peer.orders, order, side_now(side));
	authorize(&agreement, item);
	return cpnp_order_accept_paid(side->peer.orders, order,
	    (cpnp_bytes){item, sizeof(item)}, side_now(side));
}

static void
answer(struct side *side, unsigned id)
{
	static const cpnp_reason gap = CPNP_REASON_UNACCEPTABLE_GAP;
	unsigned what = sim_dice(side->world, 100);
	cpnp_orders *orders = side->peer.orders;
	cpnp_order *order = find(side, id);

	if (order == NULL)
		return;
	if (what < 65)
		after(side, accept(side, order));
	else if (what < 80)
		after(side,
		    cpnp_order_decline(orders, order, &gap, 1, side_now(side)));
	else if (what < 90)
		after(side, cpnp_order_cancel(orders, order, side_now(side)));
}

static void
sign(struct side *side, const struct todo *todo)
{
	uint8_t store[CPNP_STATEMENT_MAX];
	cpnp_order *order = find(side, todo->id);
	cpnp_bytes statement = peer_statement(
	    (cpnp_bytes){todo->bytes, todo->len}, side->peer.name, store);

	if (order == NULL)
		return;
	if (sim_chance(side->world, 5))
		after(side, cpnp_order_sign_failed(
				side->peer.orders, order, side_now(side)));
	else
		after(
		    side, cpnp_order_signed(side->peer.orders, order, statement,
			      todo->receipt ? CPNP_BYTES_LIT("receipt")
					    : CPNP_BYTES_NONE,
			      side_now(side)));
}

static void
say_paid(struct side *side, unsigned id)
{
	const struct payment *payment = side->paying[id];
	cpnp_order *order = find(side, id);

	if (order == NULL)
		return;
	if (payment->state == PAYMENT_POSTED)
		after(side,
		    cpnp_order_paid(side->peer.orders, order, side_now(side)));
	else
		after(side,
		    cpnp_order_not_paid(side->peer.orders, order,
			CPNP_STATUS_OUT_OF_RESOURCES, NULL, 0, side_now(side)));
}

/* It is judged, and given to the ledger, unless a CANCEL was faster. */
static void
pay(struct side *side, unsigned id)
{
	struct world *world = side->world;
	struct payment *payment = side->paying[id];
	cpnp_order *order = find(side, id);

	if (order == NULL || payment->state == PAYMENT_GIVEN)
		return;
	if (payment->state != PAYMENT_NEW || sim_chance(world, 15)) {
		say_paid(side, id);
		return;
	}
	if (cpnp_order_set_binding(side->peer.orders, order) != 0)
		return;
	payment->state = PAYMENT_GIVEN;
	sim_later(world,
	    (struct todo){.kind = TODO_LEDGER,
		.side = side,
		.id = id,
		.len = (size_t)(payment - world->payments)},
	    CPNP_MILLISECONDS(sim_dice(world, 20000)));
}

static void
ledger_says(struct side *side, const struct todo *todo)
{
	struct payment *payment = &side->world->payments[todo->len];

	payment->state = sim_chance(side->world, 85) ? PAYMENT_POSTED
						     : PAYMENT_REFUSED;
	if (side->paying[todo->id] == payment)
		say_paid(side, todo->id);
}

/* What an application does with an order that it has just loaded. */
static void
resume(struct side *side, cpnp_order *order)
{
	drain(side);
	if (cpnp_order_role(order) == CPNP_SERVER)
		return;
	if (cpnp_order_state(order) == CPNP_STATE_CREATED) {
		start(side, order_number(order));
		return;
	}
	after(side,
	    cpnp_order_set_peer(side->peer.orders, order, side->peer.handle,
		sim_chance(side->world, 50), side_now(side)));
}

static void
load(struct side *side, const struct peer_record *record)
{
	side->peer.now = side_now(side);
	if (peer_load(&side->peer, record) != 0)
		sim_break(side->world, "what was saved does not load");
	else
		resume(side, peer_order(&side->peer, record->id));
}

cpnp_order *
side_get(struct side *side, unsigned id)
{
	const struct peer_record *record;
	char name[16];

	order_name(id, name);
	record = peer_find_record(&side->peer,
	    side == &side->world->client ? CPNP_CLIENT : CPNP_SERVER,
	    side->peer.other, name);
	if (find(side, id) == NULL && record != NULL)
		load(side, record);
	return find(side, id);
}

static int
update(struct side *side, cpnp_order *order)
{
	struct world *world = side->world;
	cpnp_update what = {PEER_UPDATE(&side->peer)};

	side->peer.now = side_now(side);
	what.expected_response_time.sec =
	    side->peer.now.wall.sec + 10 + sim_dice(world, 120);
	what.more_time = sim_chance(world, 50) ? CPNP_MORE_TIME_AS_ASKED
					       : CPNP_MORE_TIME_NEVER;
	world->updates++;
	return cpnp_order_update(
	    side->peer.orders, order, &what, side->peer.now);
}

static int
activate(struct side *side, cpnp_order *order)
{
	struct world *world = side->world;
	int64_t now = side_now(side).wall.sec;
	cpnp_schedule schedule = {.deactivate = sim_chance(world, 25)};

	if (!schedule.deactivate) {
		schedule.has_start = sim_chance(world, 50);
		schedule.start.sec = now + sim_dice(world, 200);
		schedule.has_end = sim_chance(world, 50);
		schedule.end.sec =
		    schedule.start.sec + 1 + sim_dice(world, 400);
	}
	if (schedule.has_end && !schedule.has_start)
		schedule.end.sec = now + 1 + sim_dice(world, 400);
	world->activations++;
	return cpnp_order_activate(
	    side->peer.orders, order, &schedule, side_now(side));
}

/* The order may have left memory, and the answer may be late. */
static void
begin_next(struct side *side, unsigned id)
{
	unsigned what = sim_dice(side->world, 100);
	cpnp_order *order = side_get(side, id);
	int err;

	if (order == NULL || side->begun[id] == TRANSACTIONS_MAX)
		return;
	if (what < 20)
		err = cpnp_order_withdraw(
		    side->peer.orders, order, side_now(side));
	else if (what < 60 || side->world->edition == CPNP_EDITION_DRAFT02)
		err = update(side, order);
	else
		err = activate(side, order);
	side->begun[id] += err == 0;
	after(side, err);
	if (err == 0 && sim_chance(side->world, 20))
		sim_later(side->world,
		    (struct todo){.kind = TODO_CANCEL,
			.side = side,
			.epoch = side->epoch,
			.id = id},
		    CPNP_MILLISECONDS(sim_dice(side->world, 20000)));
}

void
side_withdraw(struct side *side, unsigned id)
{
	cpnp_order *order = side_get(side, id);

	if (order != NULL)
		after(side, cpnp_order_withdraw(
				side->peer.orders, order, side_now(side)));
}

void
side_step_clock(struct side *side)
{
	side->skew += (int64_t)sim_dice(side->world, 201) - 100;
	after(side, cpnp_orders_rearm(side->peer.orders, side_now(side)));
}

void
side_crash(struct side *side)
{
	struct peer *p = &side->peer;

	side->epoch++;
	side->world->crashes++;
	drop_waiting(side);
	cpnp_orders_del(p->orders);
	if (cpnp_orders_new(&p->orders, &p->config, &p->env.env) != 0)
		abort();
	for (size_t i = 0; i < p->records_n; i++)
		if (!p->records[i].is_settled)
			load(side, &p->records[i]);
}

/* A commit that fails: what it touched, and everything behind it, is dropped
 * and read back. */
static void
fail_commit(struct side *side)
{
	bool touched[ORDERS_MAX] = {false};
	char name[16];

	for (struct waiting *w = side->first; w != NULL; w = w->next)
		if (w->update != NULL)
			touched[w->update->record.id[1] - '0'] = true;
	drop_waiting(side);
	for (unsigned id = 0; id < ORDERS_MAX; id++) {
		cpnp_order *order = find(side, id);
		const struct peer_record *r;

		if (!touched[id])
			continue;
		if (order != NULL)
			cpnp_orders_drop(side->peer.orders, order);
		order_name(id, name);
		r = peer_find_record(&side->peer,
		    side == &side->world->client ? CPNP_CLIENT : CPNP_SERVER,
		    side->peer.other, name);
		if (r != NULL)
			load(side, r);
		else if (side == &side->world->client)
			side_create(side, id);
	}
}

static void
commit(struct side *side)
{
	struct waiting *w;

	side->is_committing = false;
	if (!side->world->is_calm &&
	    sim_dice(side->world, 1000) < side->world->commit_fails) {
		fail_commit(side);
		return;
	}
	while ((w = side->first) != NULL) {
		side->first = w->next;
		if (side->first == NULL)
			side->last = &side->first;
		if (w->update != NULL) {
			peer_update_apply(&side->peer, w->update);
			peer_update_del(w->update);
		} else {
			release(side, w);
		}
		free(w);
	}
}

static void
arrive(struct side *side, const struct todo *todo)
{
	cpnp_msg msg;
	cpnp_input input = {.msg = &msg,
	    .identity = cpnp_bytes_str(side->peer.other),
	    .peer = side->peer.handle,
	    .may_order = true};
	const struct peer_record *r;
	char name[16];
	int err;

	err = cpnp_msg_decode(&msg, (cpnp_bytes){todo->bytes, todo->len}, NULL);
	if (err != 0) {
		sim_break(side->world, "a message does not decode");
		return;
	}
	input.signer = peer_signer(msg.statement);
	err = cpnp_orders_recv(side->peer.orders, &input, side_now(side));
	if (err == CPNP_ERR_NOT_LOADED) {
		memcpy(
		    name, msg.customer_order_id.ptr, msg.customer_order_id.len);
		name[msg.customer_order_id.len] = '\0';
		r = peer_find_record(&side->peer,
		    side == &side->world->client ? CPNP_CLIENT : CPNP_SERVER,
		    side->peer.other, name);
		if (r != NULL)
			load(side, r);
		input.searched = true;
		err =
		    cpnp_orders_recv(side->peer.orders, &input, side_now(side));
	}
	after(side, err);
}

void
side_do(struct side *side, struct todo *todo)
{
	switch (todo->kind) {
	case TODO_ARRIVE:
		arrive(side, todo);
		break;
	case TODO_COMMIT:
		commit(side);
		break;
	case TODO_DECIDE:
		decide(side, todo->id);
		break;
	case TODO_ANSWER:
		answer(side, todo->id);
		break;
	case TODO_SIGN:
		sign(side, todo);
		break;
	case TODO_PAY:
		pay(side, todo->id);
		break;
	case TODO_LEDGER:
		ledger_says(side, todo);
		break;
	case TODO_START:
		start(side, todo->id);
		break;
	case TODO_CANCEL:
		if (find(side, todo->id) != NULL)
			after(side, cpnp_order_cancel(side->peer.orders,
					find(side, todo->id), side_now(side)));
		break;
	case TODO_NEXT:
		begin_next(side, todo->id);
		break;
	case TODO_CRASH:
		side_crash(side);
		break;
	}
}

void
side_run_timer(struct side *side)
{
	after(
	    side, cpnp_orders_handle_expiry(side->peer.orders, side_now(side)));
}
