/*
 * States: their names, the one function that writes them, and what holds in
 * each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "order_int.h"

const char *
cpnp_state_name(cpnp_state state)
{
	switch (state) {
	case CPNP_STATE_NONE:
		return "none";
#define X(NAME, value, text)                                                   \
	case CPNP_STATE_##NAME:                                                \
		return text;
		CPNP_STATE_MAP(X)
#undef X
	}
	return "?";
}

cpnp_state
cpnp_state_of_client(cpnp_state state)
{
#define X(NAME)                                                                \
	if (state == CPNP_STATE_CHILD_##NAME)                                  \
		return CPNP_STATE_##NAME;
	CPNP_CHILD_STATE_MAP(X)
#undef X
	return state;
}

/* RFC 8921, Figure 9: a child has no name of its own for the others. */
cpnp_state
cpnp_order_shown(const cpnp_order *order, cpnp_state state)
{
#define X(NAME)                                                                \
	if (order->is_child && state == CPNP_STATE_##NAME)                     \
		return CPNP_STATE_CHILD_##NAME;
	CPNP_CHILD_STATE_MAP(X)
#undef X
	return state;
}

const char *
cpnp_event_name(cpnp_event event)
{
	switch (event) {
	case CPNP_EVENT_NONE:
		return "none";
#define X(NAME, value, text)                                                   \
	case CPNP_EVENT_##NAME:                                                \
		return text;
		CPNP_EVENT_MAP(X)
#undef X
	}
	return "?";
}

const char *
cpnp_agreement_state_name(cpnp_agreement_state state)
{
	switch (state) {
	case CPNP_AGREEMENT_NONE:
		return "none";
	case CPNP_AGREEMENT_COMPLETED:
		return "Completed";
	case CPNP_AGREEMENT_ACTIVE:
		return "Active";
	case CPNP_AGREEMENT_ENDED:
		return "ended";
	}
	return "?";
}

/* Put a STORE into the effects; statement is copied. */
static int
push_store(struct order_step *s, cpnp_state from,
    cpnp_agreement_state agreement_from, const char *detail,
    const cpnp_bytes *statement)
{
	const struct order_now *o = &s->order->now;
	struct order_effect *e = cpnp_step_push(s, CPNP_EFFECT_STORE);
	cpnp_effect *effect;

	if (e == NULL)
		return CPNP_ERR_INTERNAL;
	effect = &e->effect;
	effect->u.store.from = cpnp_order_shown(s->order, from);
	effect->u.store.to = cpnp_order_shown(s->order, o->state);
	effect->u.store.agreement_from = agreement_from;
	effect->u.store.agreement_to = o->agreement;
	effect->u.store.event = s->event;
	effect->u.store.time = s->now.wall;
	effect->u.store.detail = detail;
	s->stored = true;
	if (from == o->state && agreement_from == o->agreement)
		return 0;
	if (statement == NULL)
		return cpnp_order_state_leaf(s, effect->u.store.from,
		    effect->u.store.to, e->statement,
		    &effect->u.store.statement);
	e->hold = cpnp_blob_new(&s->orders->env, *statement);
	if (e->hold == NULL)
		return CPNP_ERR_NOMEM;
	effect->u.store.statement = cpnp_blob_bytes(e->hold);
	effect->u.store.statement_is_signed = true;
	return 0;
}

int
cpnp_order_change_state(struct order_step *s, cpnp_state to,
    const char *detail, const cpnp_bytes *statement)
{
	struct order_now *o = &s->order->now;
	cpnp_state from = o->state;
	cpnp_agreement_state agreement_from = o->agreement;

	o->state = to;
	o->pending = ORDER_PENDING_NONE;
	o->more_asked = o->binding = false;
	cpnp_blob_set(
	    &s->orders->env, &o->docs[ORDER_BLOB_DRAFT], NULL);
	if (to == CPNP_STATE_COMPLETED || to == CPNP_STATE_CANCELLED) {
		o->confirm = false;
		o->paid = o->paid && o->has_terms;
	}
	if (to == CPNP_STATE_COMPLETED) {
		if (o->agreement == CPNP_AGREEMENT_NONE)
			o->agreement = CPNP_AGREEMENT_COMPLETED;
		o->outstanding = false;
		o->status = CPNP_STATUS_NONE;
	}
	return push_store(s, from, agreement_from, detail, statement);
}

int
cpnp_order_end_agreement(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_state from = o->state;
	cpnp_agreement_state agreement_from = o->agreement;

	o->state = CPNP_STATE_CANCELLED;
	o->agreement = CPNP_AGREEMENT_ENDED;
	o->outstanding = false;
	cpnp_service_clear(o);
	return push_store(s, from, agreement_from, NULL, NULL);
}

int
cpnp_order_change_agreement(
    struct order_step *s, cpnp_agreement_state to, const char *detail)
{
	struct order_now *o = &s->order->now;
	cpnp_agreement_state from = o->agreement;

	if (from == to)
		return 0;
	o->agreement = to;
	if (to == CPNP_AGREEMENT_ENDED)
		cpnp_service_clear(o);
	return push_store(s, o->state, from, detail, NULL);
}

int
cpnp_order_note(struct order_step *s, const char *detail)
{
	const struct order_now *o = &s->order->now;

	return push_store(s, o->state, o->agreement, detail, NULL);
}

int
cpnp_order_keep(struct order_step *s)
{
	return cpnp_order_note(s, NULL);
}

bool
cpnp_order_is_waiting(const cpnp_order *order)
{
	switch (order->now.state) {
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_ACCEPT_SENT:
	case CPNP_STATE_OFFER_PROPOSED:
		return true;
	case CPNP_STATE_CANCELLED:
		return order->now.outstanding;
	case CPNP_STATE_COMPLETED:
		return order->now.outstanding && order->role == CPNP_CLIENT;
	case CPNP_STATE_AWAITING_PROCESSING:
		return order->now.more_asked;
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return false;
}

/* Which states a role has (RFC 8921, Figures 8 and 9). */
static bool
state_is_of(cpnp_role role, cpnp_state state)
{
	switch (state) {
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_COMPLETED:
	case CPNP_STATE_CANCELLED:
		return true;
	case CPNP_STATE_CREATED:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_ACCEPT_SENT:
		return role == CPNP_CLIENT;
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
		return role == CPNP_SERVER;
	case CPNP_STATE_NONE:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return false;
}

/* An ACTIVATE has no answer. */
static bool
is_activating(const struct order_now *o)
{
	return o->kind == ORDER_KIND_ACTIVATE && o->outstanding;
}

static bool
is_paying(const struct order_now *o)
{
	return o->state == CPNP_STATE_ACCEPT_RECEIVED &&
	    cpnp_order_awaits_payment(o);
}

/* What may be asked of the application in a state. */
static bool
pending_is_of(cpnp_role role, const struct order_now *o)
{
	switch (o->pending) {
	case ORDER_PENDING_NONE:
		return o->state != CPNP_STATE_OFFER_PROCESSING &&
		    (role == CPNP_CLIENT || !is_activating(o)) &&
		    !is_paying(o);
	case ORDER_PENDING_DECIDE:
		return role == CPNP_SERVER &&
		    (o->state == CPNP_STATE_AWAITING_PROCESSING ||
			is_activating(o));
	case ORDER_PENDING_SIGN_OFFER:
		return role == CPNP_SERVER &&
		    o->docs[ORDER_BLOB_DRAFT] != NULL &&
		    o->state == CPNP_STATE_AWAITING_PROCESSING;
	case ORDER_PENDING_OFFER:
	case ORDER_PENDING_SIGN_ACCEPT:
		return o->state == CPNP_STATE_OFFER_PROCESSING;
	case ORDER_PENDING_SIGN_ACK:
		return o->state == CPNP_STATE_ACCEPT_RECEIVED && !is_paying(o);
	case ORDER_PENDING_PAY:
		return is_paying(o);
	case ORDER_PENDING_END:
		break;
	}
	return false;
}

/* An agreement is offered in these, and every one after them. */
static bool
needs_offer(cpnp_state state)
{
	return state == CPNP_STATE_OFFER_RECEIVED ||
	    state == CPNP_STATE_OFFER_PROCESSING ||
	    state == CPNP_STATE_ACCEPT_SENT ||
	    state == CPNP_STATE_OFFER_PROPOSED ||
	    state == CPNP_STATE_PROCESSING_RECEIVED ||
	    state == CPNP_STATE_ACCEPT_RECEIVED ||
	    state == CPNP_STATE_COMPLETED;
}

/* What the transaction makes of the agreement: one that is being withdrawn
 * stands until the ACK is there, and it may end by itself. */
static bool
agreement_fits(const struct order_now *o)
{
	switch (o->agreement) {
	case CPNP_AGREEMENT_NONE:
		return o->kind == ORDER_KIND_QUOTATION &&
		    o->state != CPNP_STATE_COMPLETED;
	case CPNP_AGREEMENT_COMPLETED:
	case CPNP_AGREEMENT_ACTIVE:
		return o->state == CPNP_STATE_COMPLETED ||
		    (o->kind == ORDER_KIND_WITHDRAW && o->outstanding) ||
		    o->docs[ORDER_BLOB_STANDING] != NULL;
	case CPNP_AGREEMENT_ENDED:
		return !o->outstanding &&
		    (o->state == CPNP_STATE_COMPLETED ||
			o->kind == ORDER_KIND_WITHDRAW);
	}
	return false;
}

/* What is open or outstanding. */
static const char *
check_open(const cpnp_order *order)
{
	const struct order_now *o = &order->now;
	bool is_client = order->role == CPNP_CLIENT;

	if (o->kind == ORDER_KIND_WITHDRAW &&
	    o->state != CPNP_STATE_CANCELLED &&
	    o->state != CPNP_STATE_COMPLETED)
		return "a WITHDRAW leads to Cancelled, or back to Completed";
	if (o->kind == ORDER_KIND_ACTIVATE &&
	    o->state != CPNP_STATE_COMPLETED)
		return "an ACTIVATE leaves the order Completed";
	if ((o->docs[ORDER_BLOB_STANDING] != NULL) !=
	    (o->kind == ORDER_KIND_UPDATE && o->state != CPNP_STATE_COMPLETED))
		return "an agreement stands aside while an UPDATE is open";
	for (int i = CPNP_DOC_STANDING_REQUEST; i < CPNP_DOC_ACTIVATE; i++)
		if ((o->docs[i] != NULL) !=
		    (o->docs[ORDER_BLOB_STANDING] != NULL))
			return "its documents stand aside with it";
	if (o->kind == ORDER_KIND_UPDATE && is_client &&
	    (o->state == CPNP_STATE_CREATED ||
		o->state == CPNP_STATE_AWAITING_PROCESSING))
		return "an UPDATE is sent when it begins";
	if (o->kind == ORDER_KIND_UPDATE &&
	    o->state == CPNP_STATE_CANCELLED && !o->outstanding)
		return "an UPDATE that is settled leaves the order Completed";
	if (o->undone && (o->kind != ORDER_KIND_UPDATE ||
			     o->state != CPNP_STATE_COMPLETED))
		return "an UPDATE that came to nothing is over";
	if (o->outstanding && !is_activating(o) &&
	    (!is_client || o->state != CPNP_STATE_CANCELLED))
		return "a cancelled order of a client is outstanding, or an "
		       "ACTIVATE";
	if ((o->docs[CPNP_DOC_ACTIVATE] != NULL) !=
	    (!is_client && is_activating(o)))
		return "the server keeps the ACTIVATE that is not decided";
	if (o->more_asked &&
	    (is_client || o->state != CPNP_STATE_AWAITING_PROCESSING))
		return "more time is asked for while an offer is decided";
	return NULL;
}

const char *
cpnp_order_check(const cpnp_order *order)
{
	const struct order_now *o = &order->now;
	bool is_client = order->role == CPNP_CLIENT;
	const char *why;

	if (!state_is_of(order->role, o->state))
		return "the role has the state";
	if (order->is_child && !is_client)
		return "a child is the order of a client";
	if (!pending_is_of(order->role, o))
		return "what is asked for fits the state";
	if (o->docs[CPNP_DOC_REQUEST] == NULL)
		return "there is a request";
	if ((o->docs[CPNP_DOC_OFFER] != NULL) != o->has_offer)
		return "an offer has its document";
	if ((needs_offer(o->state) || o->kind == ORDER_KIND_WITHDRAW) &&
	    !o->has_offer)
		return "the state has an offer";
	if (o->has_offer && (o->nonce_len == 0 || o->provider_id_len == 0))
		return "an offer has a nonce and a provider order identifier";
	if (!cpnp_order_id_is_valid(order->customer_id) ||
	    (o->provider_id_len != 0 &&
		!cpnp_order_id_is_valid(cpnp_order_provider_id(order))))
		return "the identifiers of an order can be sent";
	if (!is_client && o->provider_id_len == 0)
		return "the server has given its identifier";
	if (cpnp_order_is_waiting(order) && o->docs[CPNP_DOC_LAST_OUT] == NULL)
		return "who waits has sent something";
	if (!agreement_fits(o))
		return "the agreement is what its transactions made of it";
	if ((o->has_start || o->has_stop || o->has_over) &&
	    !cpnp_order_stands(order))
		return "what is scheduled is the service of an agreement";
	if (is_client && o->state == CPNP_STATE_ACCEPT_SENT && !o->accept_sent)
		return "AcceptSent has sent an ACCEPT";
	/* that of a server is its newest until the next transaction */
	if (o->agreement != CPNP_AGREEMENT_NONE &&
	    o->docs[CPNP_DOC_FINAL] == NULL &&
	    o->docs[CPNP_DOC_STANDING_FINAL] == NULL &&
	    (is_client || o->docs[CPNP_DOC_LAST_OUT] == NULL))
		return "an agreement has its ACK";
	if (!is_client && o->state != CPNP_STATE_NONE && !o->has_input)
		return "a server has heard its client";
	why = cpnp_order_check_payment(order);
	return why != NULL ? why : check_open(order);
}
