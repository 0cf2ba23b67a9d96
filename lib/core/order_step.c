/*
 * One event on one order: all of it happens or nothing.  A copy of what may
 * change is taken before the event and put back when it fails, so that an
 * order is whole whatever allocation, digest or random number was not to be
 * had.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "order_int.h"

struct cpnp_blob *
cpnp_blob_new(const cpnp_env *env, cpnp_bytes bytes)
{
	struct cpnp_blob *blob =
	    env->mem.alloc(env->mem.user, sizeof(*blob) + bytes.len);

	if (blob == NULL)
		return NULL;
	blob->refs = 1;
	blob->len = bytes.len;
	if (bytes.len > 0)
		memcpy(blob->bytes, bytes.ptr, bytes.len);
	return blob;
}

struct cpnp_blob *
cpnp_blob_ref(struct cpnp_blob *blob)
{
	if (blob != NULL)
		blob->refs++;
	return blob;
}

void
cpnp_blob_unref(const cpnp_env *env, struct cpnp_blob *blob)
{
	if (blob != NULL && --blob->refs == 0)
		env->mem.free(env->mem.user, blob);
}

cpnp_bytes
cpnp_blob_bytes(const struct cpnp_blob *blob)
{
	return blob == NULL ? CPNP_BYTES_NONE
			    : (cpnp_bytes){blob->bytes, blob->len};
}

void
cpnp_blob_set(
    const cpnp_env *env, struct cpnp_blob **slot, struct cpnp_blob *blob)
{
	struct cpnp_blob *old = *slot;

	*slot = blob;
	cpnp_blob_unref(env, old);
}

void
cpnp_orders_clear_effects(cpnp_orders *orders)
{
	for (size_t i = 0; i < orders->effects_n; i++)
		cpnp_blob_set(&orders->env, &orders->effects[i].hold, NULL);
	orders->effects_n = orders->effects_next = 0;
}

int
cpnp_step_begin(cpnp_orders *orders)
{
	if (orders->effects_next < orders->effects_n)
		return CPNP_ERR_STATE;
	cpnp_orders_clear_effects(orders);
	if (orders->forgotten != NULL)
		cpnp_order_del(orders, orders->forgotten);
	orders->forgotten = NULL;
	return 0;
}

struct order_effect *
cpnp_step_push(struct order_step *s, cpnp_effect_type type)
{
	cpnp_orders *orders = s->orders;
	struct order_effect *e;

	if (orders->effects_n == ORDER_EFFECTS_MAX)
		return NULL;
	e = &orders->effects[orders->effects_n++];
	e->hold = NULL;
	e->effect = (cpnp_effect){.type = type, .order = s->order};
	return e;
}

static void
take_undo(struct order_step *s)
{
	struct order_now *undo = &s->orders->undo;

	*undo = s->order->now;
	for (int i = 0; i < ORDER_BLOBS_END; i++)
		(void)cpnp_blob_ref(undo->docs[i]);
}

static void
release(const cpnp_env *env, struct order_now *now)
{
	for (int i = 0; i < ORDER_BLOBS_END; i++)
		cpnp_blob_set(env, &now->docs[i], NULL);
}

/* Name the changed documents at the last STORE of the event; the first event
 * of an order finds its request there already. */
static void
mark_docs(struct order_step *s)
{
	const struct order_now *was = &s->orders->undo, *now = &s->order->now;
	uint32_t changed = 0;

	for (int i = 0; i < CPNP_DOC_END; i++)
		if (was->docs[i] != now->docs[i] ||
		    (was->state == CPNP_STATE_NONE && now->docs[i] != NULL))
			changed |= (uint32_t)1 << i;
	for (size_t i = s->orders->effects_n; i-- > 0;) {
		cpnp_effect *effect = &s->orders->effects[i].effect;

		if (effect->type != CPNP_EFFECT_STORE)
			continue;
		effect->u.store.docs_changed = changed;
		return;
	}
}

/* The STORE effects of one event go into one commit and have one number. */
static void
number_stores(struct order_step *s)
{
	cpnp_orders *orders = s->orders;
	bool any = false;

	for (size_t i = 0; i < orders->effects_n; i++) {
		cpnp_effect *effect = &orders->effects[i].effect;

		if (effect->type != CPNP_EFFECT_STORE)
			continue;
		effect->u.store.number = orders->stores + 1;
		any = true;
	}
	if (any)
		s->order->stored = ++orders->stores;
}

static int
commit(struct order_step *s)
{
	int err;

	if (s->dirty && !s->stored) {
		err = cpnp_order_keep(s);
		if (err != 0)
			return err;
	}
	if (cpnp_order_check(s->order) != NULL)
		return CPNP_ERR_INTERNAL;
	mark_docs(s);
	number_stores(s);
	cpnp_table_weigh(s->orders, s->order);
	if (s->ended) {
		cpnp_table_remove(s->orders, s->order);
		s->orders->forgotten = s->order;
	} else {
		cpnp_timer_arm(s->orders, s->order, false, s->now);
	}
	return 0;
}

int
cpnp_step_run(struct order_step *s)
{
	cpnp_orders *orders = s->orders;
	int err = cpnp_step_begin(orders);

	if (err != 0)
		return err;
	take_undo(s);
	err = s->order->role == CPNP_CLIENT ? cpnp_client_step(s)
					    : cpnp_server_step(s);
	if (err == 0)
		err = commit(s);
	if (err == 0) {
		release(&orders->env, &orders->undo);
		return 0;
	}
	cpnp_orders_clear_effects(orders);
	release(&orders->env, &s->order->now);
	s->order->now = orders->undo;
	memset(&orders->undo, 0, sizeof(orders->undo));
	/* What the codec says of an argument is the caller's fault. */
	if (s->msg == NULL && cpnp_error_is_peer(err) &&
	    err != CPNP_ERR_MISMATCH)
		err = CPNP_ERR_INVALID;
	return err;
}

void
cpnp_step_record_input(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	/* A FAIL that speaks for no order has no number of the transaction. */
	if (s->msg->edition == CPNP_EDITION_RFC8921 &&
	    s->msg->sequence_number == ORDER_SEQUENCE_STATELESS)
		return;
	if (s->msg->edition == CPNP_EDITION_RFC8921)
		o->in_seq = s->msg->sequence_number;
	memcpy(o->in_digest, s->digest, sizeof(o->in_digest));
	o->has_input = true;
	s->dirty = true;
}

static int
push_sign(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	struct order_effect *e = cpnp_step_push(s, CPNP_EFFECT_SIGN);

	if (e == NULL)
		return CPNP_ERR_INTERNAL;
	o->sign_time = s->now.wall;
	if (o->pending == ORDER_PENDING_SIGN_ACCEPT)
		e->effect.u.sign.answers = o->offer_statement;
	if (o->pending == ORDER_PENDING_SIGN_ACK) {
		e->effect.u.sign.answers = o->accept_statement;
		e->effect.u.sign.after_commit = true;
		e->effect.u.sign.wants_receipt = true;
	}
	return cpnp_order_payload(
	    s->order, e->statement, &e->effect.u.sign.payload);
}

int
cpnp_step_ask(struct order_step *s, enum order_pending pending)
{
	struct order_effect *e;

	s->order->now.pending = pending;
	switch (pending) {
	case ORDER_PENDING_DECIDE:
		e = cpnp_step_push(s, CPNP_EFFECT_DECIDE);
		return e == NULL ? CPNP_ERR_INTERNAL : 0;
	case ORDER_PENDING_OFFER:
		e = cpnp_step_push(s, CPNP_EFFECT_OFFER);
		return e == NULL ? CPNP_ERR_INTERNAL : 0;
	case ORDER_PENDING_SIGN_OFFER:
	case ORDER_PENDING_SIGN_ACCEPT:
	case ORDER_PENDING_SIGN_ACK:
		return push_sign(s);
	case ORDER_PENDING_PAY:
		e = cpnp_step_push(s, CPNP_EFFECT_PAY);
		return e == NULL ? CPNP_ERR_INTERNAL : 0;
	case ORDER_PENDING_NONE:
	case ORDER_PENDING_END:
		break;
	}
	return 0;
}

int
cpnp_step_end_transaction(struct order_step *s)
{
	struct order_effect *e = cpnp_step_push(s, CPNP_EFFECT_END);

	if (e == NULL)
		return CPNP_ERR_INTERNAL;
	e->effect.u.end.state = s->order->now.undone
	    ? CPNP_STATE_CANCELLED
	    : cpnp_order_state(s->order);
	e->effect.u.end.status = s->order->now.status;
	return 0;
}

int
cpnp_step_forget(struct order_step *s)
{
	s->ended = true;
	return cpnp_step_push(s, CPNP_EFFECT_FORGET) == NULL
	    ? CPNP_ERR_INTERNAL
	    : 0;
}
