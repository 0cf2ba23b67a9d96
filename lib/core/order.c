/*
 * An order, and what it shows of itself.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "order_int.h"

/* Copy a view to *at and move *at behind it. */
static cpnp_bytes
place(uint8_t **at, cpnp_bytes bytes)
{
	cpnp_bytes copy = {*at, bytes.len};

	if (bytes.len > 0)
		memcpy(*at, bytes.ptr, bytes.len);
	*at += bytes.len;
	return copy;
}

int
cpnp_order_new(cpnp_orders *orders, cpnp_role role, cpnp_edition edition,
    cpnp_bytes peer_identity, cpnp_bytes identity, cpnp_bytes customer_id,
    cpnp_bytes transaction_id, cpnp_order **out)
{
	const cpnp_mem *mem = &orders->env.mem;
	size_t size = sizeof(cpnp_order) + peer_identity.len + identity.len +
	    customer_id.len;
	cpnp_order_opening opening;
	cpnp_order *order = mem->alloc(mem->user, size);
	uint8_t *at;
	int err;

	if (order == NULL)
		return CPNP_ERR_NOMEM;
	memset(order, 0, sizeof(*order));
	order->role = role;
	order->edition = edition;
	at = order->tail;
	order->peer_identity = place(&at, peer_identity);
	order->customer_id = place(&at, customer_id);
	order->identity = place(&at, identity);
	order->opening_id_len = (uint8_t)transaction_id.len;
	memcpy(order->opening_id, transaction_id.ptr, transaction_id.len);
	order->heap_pos = ORDER_NOT_IN_HEAP;
	order->now.retrans = CPNP_NEVER;
	order->now.deadline = CPNP_NEVER;
	order->now.linger = CPNP_NEVER;
	order->now.service = CPNP_NEVER;
	(void)cpnp_order_get_opening(order, &opening);
	err = cpnp_order_opening_digest(&opening, &orders->env, order->ref);
	if (err != 0) {
		mem->free(mem->user, order);
		return err;
	}
	*out = order;
	return 0;
}

void
cpnp_order_del(cpnp_orders *orders, cpnp_order *order)
{
	for (int i = 0; i < ORDER_BLOBS_END; i++)
		cpnp_blob_set(&orders->env, &order->now.docs[i], NULL);
	orders->env.mem.free(orders->env.mem.user, order);
}

cpnp_role
cpnp_order_role(const cpnp_order *order)
{
	return order->role;
}

bool
cpnp_order_is_child(const cpnp_order *order)
{
	return order->is_child;
}

cpnp_edition
cpnp_order_edition(const cpnp_order *order)
{
	return order->edition;
}

cpnp_state
cpnp_order_state(const cpnp_order *order)
{
	return cpnp_order_shown(order, order->now.state);
}

cpnp_agreement_state
cpnp_order_agreement_state(const cpnp_order *order)
{
	return order->now.agreement;
}

bool
cpnp_order_is_outstanding(const cpnp_order *order)
{
	return order->now.outstanding;
}

bool
cpnp_order_is_settled(const cpnp_order *order)
{
	return (order->now.state == CPNP_STATE_COMPLETED ||
		   order->now.state == CPNP_STATE_CANCELLED) &&
	    !order->now.outstanding;
}

cpnp_bytes
cpnp_order_identity(const cpnp_order *order)
{
	return order->identity;
}

cpnp_bytes
cpnp_order_peer_identity(const cpnp_order *order)
{
	return order->peer_identity;
}

cpnp_bytes
cpnp_order_customer_id(const cpnp_order *order)
{
	return order->customer_id;
}

cpnp_bytes
cpnp_order_transaction_id(const cpnp_order *order)
{
	const struct order_now *o = &order->now;

	if (o->kind == ORDER_KIND_QUOTATION)
		return cpnp_order_opening_id(order);
	return (cpnp_bytes){o->transaction_id, o->transaction_id_len};
}

cpnp_bytes
cpnp_order_provider_id(const cpnp_order *order)
{
	if (order->now.provider_id_len == 0)
		return CPNP_BYTES_NONE;
	return (cpnp_bytes){
	    order->now.provider_id, order->now.provider_id_len};
}

cpnp_method
cpnp_order_transaction(const cpnp_order *order)
{
	switch (order->now.kind) {
	case ORDER_KIND_WITHDRAW:
		return CPNP_METHOD_WITHDRAW;
	case ORDER_KIND_ACTIVATE:
		return CPNP_METHOD_ACTIVATE;
	case ORDER_KIND_UPDATE:
		return CPNP_METHOD_UPDATE;
	case ORDER_KIND_QUOTATION:
	case ORDER_KIND_END:
		break;
	}
	return CPNP_METHOD_QUOTATION;
}

const uint8_t *
cpnp_order_ref(const cpnp_order *order)
{
	return order->ref;
}

int
cpnp_order_get_opening(const cpnp_order *order, cpnp_order_opening *opening)
{
	bool is_client = order->role == CPNP_CLIENT;

	opening->client = is_client ? order->identity : order->peer_identity;
	opening->provider = is_client ? order->peer_identity : order->identity;
	opening->customer_order_id = order->customer_id;
	opening->transaction_id = cpnp_order_opening_id(order);
	return 0;
}

static int
agreement_in(const cpnp_order *order, cpnp_doc doc, cpnp_agreement *agreement)
{
	cpnp_order_opening opening;
	cpnp_msg msg;
	int err;

	if (order->now.docs[doc] == NULL)
		return CPNP_ERR_STATE;
	err = cpnp_msg_decode(
	    &msg, cpnp_blob_bytes(order->now.docs[doc]), NULL);
	if (err != 0)
		return err;
	(void)cpnp_order_get_opening(order, &opening);
	return cpnp_agreement_from_msg(
	    agreement, &msg, opening.client, opening.provider);
}

int
cpnp_order_get_agreement(const cpnp_order *order, cpnp_agreement *agreement)
{
	return agreement_in(order, CPNP_DOC_OFFER, agreement);
}

int
cpnp_order_get_standing(const cpnp_order *order, cpnp_agreement *agreement)
{
	if (!cpnp_order_stands(order))
		return CPNP_ERR_STATE;
	return agreement_in(order,
	    order->now.docs[CPNP_DOC_STANDING_OFFER] != NULL
		? CPNP_DOC_STANDING_OFFER
		: CPNP_DOC_OFFER,
	    agreement);
}

cpnp_bytes
cpnp_order_doc(const cpnp_order *order, cpnp_doc doc)
{
	return cpnp_blob_bytes(order->now.docs[doc]);
}

cpnp_bytes
cpnp_order_receipt(const cpnp_order *order)
{
	const struct order_now *o = &order->now;
	bool is_aside = o->docs[CPNP_DOC_STANDING_FINAL] != NULL;
	bool is_newest =
	    order->role == CPNP_SERVER && o->docs[CPNP_DOC_FINAL] == NULL;
	cpnp_doc doc = is_newest ? CPNP_DOC_LAST_OUT : CPNP_DOC_FINAL;
	cpnp_msg msg;

	if (is_aside)
		doc = CPNP_DOC_STANDING_FINAL;
	if ((o->state != CPNP_STATE_COMPLETED && !is_aside) ||
	    cpnp_msg_decode(&msg, cpnp_order_doc(order, doc), NULL) != 0 ||
	    !cpnp_msg_has(&msg, CPNP_ATTR_RECEIPT))
		return CPNP_BYTES_NONE;
	return msg.receipt;
}

cpnp_status
cpnp_order_status(const cpnp_order *order)
{
	return order->now.status;
}

size_t
cpnp_order_memory(const cpnp_order *order)
{
	return order->memory;
}

void
cpnp_order_set_user(cpnp_order *order, uint64_t user)
{
	order->user = user;
}

uint64_t
cpnp_order_user(const cpnp_order *order)
{
	return order->user;
}

static const char *
waits_in_decision(const cpnp_order *order)
{
	return order->now.more_asked
	    ? "the answer of the customer to the request for more time"
	    : "a decision on the offer";
}

static const char *
waits_for(const cpnp_order *order)
{
	switch (order->now.state) {
	case CPNP_STATE_CREATED:
		return "the start of the order";
	case CPNP_STATE_AWAITING_PROCESSING:
		return order->role == CPNP_CLIENT ? "the start of the order"
						  : waits_in_decision(order);
	case CPNP_STATE_PQO_SENT:
		return "an answer from the provider";
	case CPNP_STATE_SERVER_PROCESSING:
		return "an offer from the provider";
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
		return order->now.pending == ORDER_PENDING_SIGN_ACCEPT
		    ? "the signature of the acceptance"
		    : "a decision on the offer";
	case CPNP_STATE_ACCEPT_SENT:
		return order->now.has_terms && order->now.answered
		    ? "the payment, which the provider is posting"
		    : "the acknowledgement of the acceptance";
	case CPNP_STATE_CANCELLED:
		if (!order->now.outstanding)
			return NULL;
		return order->now.kind == ORDER_KIND_WITHDRAW
		    ? "the acknowledgement of the withdrawal"
		    : "the acknowledgement of the end of the order";
	case CPNP_STATE_PQO_RECEIVED:
		return "a decision on the offer";
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
		return "the answer of the customer to the offer";
	case CPNP_STATE_ACCEPT_RECEIVED:
		if (order->now.pending != ORDER_PENDING_PAY)
			return "the signature of the acknowledgement";
		return order->now.has_terms ? "the payment"
					    : "the confirmation";
	case CPNP_STATE_COMPLETED:
		if (!order->now.outstanding)
			return NULL;
		return order->role == CPNP_CLIENT
		    ? "the acknowledgement of the activation"
		    : "a decision on the activation";
	case CPNP_STATE_NONE:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return NULL;
}

void
cpnp_order_wait(const cpnp_order *order, cpnp_wait *wait)
{
	const struct order_now *o = &order->now;

	wait->what = waits_for(order);
	wait->has_until = o->deadline_event != CPNP_EVENT_NONE;
	wait->until = o->deadline_date;
	wait->tries = o->tries;
	wait->again = o->retrans;
}
