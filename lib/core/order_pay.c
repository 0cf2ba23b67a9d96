/*
 * The payment for an agreement: an OFFER with settlement terms is accepted
 * with an authorization, and acknowledged when the application says that it is
 * paid.  One that is to be confirmed is acknowledged when the application says
 * so, whether it has terms or not.
 *
 *	client	OfferProcessing -> AcceptSent              [set_payment]
 *	server	AcceptReceived, PROCESSING                 [ask_payment]
 *		AcceptReceived -> Completed, ACK           order_server.c
 *		AcceptReceived -> Cancelled, FAIL          order_server.c
 *		AcceptReceived, PROCESSING to a CANCEL     [is_bound]
 *
 * The authorization is a document of its own: the application judges it, and
 * asks again for what it was asked before a restart.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "codec.h"
#include "fault.h"
#include "order_int.h"

bool
cpnp_order_awaits_payment(const struct order_now *o)
{
	return (o->has_terms || o->confirm) && !o->paid;
}

bool
cpnp_order_is_item(cpnp_bytes bytes)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(&rd, bytes);
	(void)cpnp_cbor_get_raw(&rd, CPNP_EXTENSION_MAX);
	return cpnp_cbor_rd_finish(&rd) == 0;
}

/* ---- server ------------------------------------------------------------- */

int
cpnp_server_keep_payment(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	struct cpnp_blob *blob;

	if (!o->has_terms)
		return 0;
	if (!cpnp_msg_has(s->msg, CPNP_ATTR_PAYMENT_AUTHORIZATION)) {
		s->answer = CPNP_STATUS_AUTHORIZATION_FAILED;
		s->clause = "PAYMENT";
		s->why = "the OFFER has settlement terms, and the ACCEPT no "
			 "PAYMENT_AUTHORIZATION";
		return CPNP_ERR_ATTR_MISSING;
	}
	blob = cpnp_blob_new(&s->orders->env, s->msg->payment_authorization);
	if (blob == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_PAYMENT], blob);
	return 0;
}

/* RFC 8921, 11.4: who waits for a ledger is told at once. */
int
cpnp_server_ask_payment(struct order_step *s)
{
	int err;

	(void)cpnp_order_build(s, CPNP_METHOD_PROCESSING);
	err = cpnp_order_send(s);
	return err != 0 ? err : cpnp_step_ask(s, ORDER_PENDING_PAY);
}

bool
cpnp_server_is_bound(const struct order_now *o)
{
	return !CPNP_FAULT(UNBOUND) && (o->binding || o->paid);
}

int
cpnp_order_set_binding(cpnp_orders *orders, cpnp_order *order)
{
	(void)orders;
	if (order->now.pending != ORDER_PENDING_PAY)
		return CPNP_ERR_STATE;
	order->now.binding = true;
	return 0;
}

/* ---- client ------------------------------------------------------------- */

int
cpnp_client_set_payment(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	struct cpnp_blob *blob;

	if ((s->authorization.len > 0) != o->has_terms)
		return CPNP_ERR_MISMATCH;
	if (!o->has_terms)
		return 0;
	if (!cpnp_order_is_item(s->authorization))
		return CPNP_ERR_INVALID;
	blob = cpnp_blob_new(&s->orders->env, s->authorization);
	if (blob == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_blob_set(&s->orders->env, &o->docs[ORDER_BLOB_DRAFT], blob);
	return 0;
}

void
cpnp_client_keep_payment(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_PAYMENT],
	    cpnp_blob_ref(o->docs[ORDER_BLOB_DRAFT]));
}

/* ---- both --------------------------------------------------------------- */

/* Has the order come so far that a payment belongs to it? */
static bool
has_payment(const cpnp_order *order)
{
	const struct order_now *o = &order->now;

	if (order->role == CPNP_CLIENT)
		return o->accept_sent;
	return o->state == CPNP_STATE_ACCEPT_RECEIVED ||
	    (o->agreement != CPNP_AGREEMENT_NONE &&
		o->docs[ORDER_BLOB_STANDING] == NULL);
}

const char *
cpnp_order_check_payment(const cpnp_order *order)
{
	const struct order_now *o = &order->now;
	bool has_doc = o->docs[CPNP_DOC_PAYMENT] != NULL;
	bool is_server = order->role == CPNP_SERVER;

	if (o->has_terms && !o->has_offer)
		return "settlement terms are those of an OFFER";
	if (has_payment(order) && has_doc != o->has_terms)
		return "settlement terms and a payment go together";
	if (has_doc && !o->has_terms)
		return "a payment is for settlement terms";
	if (o->docs[CPNP_DOC_STANDING_PAYMENT] != NULL &&
	    o->docs[ORDER_BLOB_STANDING] == NULL)
		return "a payment stands aside with its agreement";
	if (o->confirm &&
	    (!is_server || o->state == CPNP_STATE_COMPLETED ||
		o->state == CPNP_STATE_CANCELLED))
		return "an agreement is confirmed before it is one";
	if (o->paid && (!is_server || has_doc != o->has_terms))
		return "what is paid has an authorization";
	if (o->paid && !o->has_terms && !o->confirm)
		return "what is paid has terms, or was to be confirmed";
	if (is_server && has_payment(order) &&
	    o->state != CPNP_STATE_ACCEPT_RECEIVED &&
	    cpnp_order_awaits_payment(o))
		return "an agreement is paid for";
	if (o->binding && o->pending != ORDER_PENDING_PAY)
		return "what binds is a payment that is awaited";
	return NULL;
}
