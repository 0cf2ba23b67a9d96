/*
 * UPDATE (RFC 8921, 9.2.9, 11.1.3 and 11.2.3): a negotiation in a transaction
 * of its own on an agreement.  It runs through the states of order_client.c
 * and order_server.c; here is what it does to the agreement.
 *
 *	client	Completed -> PQOSent, UPDATE               [client_update]
 *	server	Completed -> PQOReceived
 *		    -> AwaitingProcessing, PROCESSING      [server_update]
 *	both	AcceptSent, AcceptReceived -> Completed    [update_done]
 *		Cancelled -> Completed                     [update_undo]
 *
 * The agreement stands aside while it is open, with its nonce, validity,
 * digests and documents.  The ACK drops it; when the UPDATE comes to nothing
 * it is put back, so that whoever opens no transaction sees no difference
 * (contradictions.md, 28 and 33).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fault.h"
#include "order_int.h"

/* Each document of the agreement, and where it stands aside. */
static const struct {
	cpnp_doc doc;
	cpnp_doc aside;
} docs[] = {
    {CPNP_DOC_REQUEST, CPNP_DOC_STANDING_REQUEST},
    {CPNP_DOC_OFFER, CPNP_DOC_STANDING_OFFER},
    {CPNP_DOC_FINAL, CPNP_DOC_STANDING_FINAL},
    {CPNP_DOC_PAYMENT, CPNP_DOC_STANDING_PAYMENT},
};

#define DOCS_N (sizeof(docs) / sizeof(docs[0]))

/* What is the same under another name goes with it: no field is forgotten
 * that the saved form has. */
static void
copy_to(struct order_standing *to, const struct order_now *o)
{
	memset(to, 0, sizeof(*to));
	to->has_offer_statement = o->has_offer_statement;
	to->has_accept_statement = o->has_accept_statement;
	to->accept_sent = o->accept_sent;
	to->has_response_time = o->has_response_time;
	to->has_offer_time = o->has_offer_time;
	to->nonce_len = o->nonce_len;
	memcpy(to->nonce, o->nonce, o->nonce_len);
	memcpy(to->order_digest, o->order_digest, CPNP_SHA256_LEN);
	memcpy(to->offer_statement, o->offer_statement, CPNP_SHA256_LEN);
	memcpy(to->accept_statement, o->accept_statement, CPNP_SHA256_LEN);
	to->response_time = o->response_time;
	to->offer_time = o->offer_time;
	to->validity = o->validity;
}

static void
copy_from(struct order_now *o, const struct order_standing *from)
{
	o->has_offer = true;
	o->has_offer_statement = from->has_offer_statement;
	o->has_accept_statement = from->has_accept_statement;
	o->accept_sent = from->accept_sent;
	o->has_response_time = from->has_response_time;
	o->has_offer_time = from->has_offer_time;
	if (!CPNP_FAULT(STANDING) || o->nonce_len == 0) {
		o->nonce_len = from->nonce_len;
		memcpy(o->nonce, from->nonce, from->nonce_len);
	}
	memcpy(o->order_digest, from->order_digest, CPNP_SHA256_LEN);
	memcpy(o->offer_statement, from->offer_statement, CPNP_SHA256_LEN);
	memcpy(o->accept_statement, from->accept_statement, CPNP_SHA256_LEN);
	o->response_time = from->response_time;
	o->offer_time = from->offer_time;
	o->validity = from->validity;
}

/* The capacity that was bought is somebody else's from the agreed end on. */
void
cpnp_update_limit(const struct order_now *o, cpnp_wtime *date)
{
	if (o->kind == ORDER_KIND_UPDATE && o->has_over &&
	    o->over.sec < date->sec)
		*date = o->over;
}

bool
cpnp_order_get_aside(
    const struct order_now *o, struct order_standing *standing)
{
	cpnp_bytes bytes = cpnp_blob_bytes(o->docs[ORDER_BLOB_STANDING]);

	if (bytes.len != sizeof(*standing))
		return false;
	memcpy(standing, bytes.ptr, bytes.len);
	return true;
}

int
cpnp_order_set_aside(const cpnp_env *env, struct order_now *o,
    const struct order_standing *standing)
{
	struct cpnp_blob *blob = cpnp_blob_new(
	    env, (cpnp_bytes){(const uint8_t *)standing, sizeof(*standing)});

	if (blob == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_blob_set(env, &o->docs[ORDER_BLOB_STANDING], blob);
	return 0;
}

/* The agreement stands aside, and the order has no offer any more. */
static int
take_aside(struct order_step *s)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	struct order_standing standing;
	int err;

	copy_to(&standing, o);
	err = cpnp_order_set_aside(env, o, &standing);
	if (err != 0)
		return err;
	for (size_t i = 0; i < DOCS_N; i++) {
		cpnp_blob_set(env, &o->docs[docs[i].aside],
		    cpnp_blob_ref(o->docs[docs[i].doc]));
		if (docs[i].doc != CPNP_DOC_REQUEST)
			cpnp_blob_set(env, &o->docs[docs[i].doc], NULL);
	}
	o->has_offer = o->has_offer_statement = false;
	o->has_accept_statement = o->accept_sent = false;
	o->has_response_time = o->has_offer_time = false;
	o->has_terms = o->paid = false;
	return 0;
}

void
cpnp_update_done(struct order_step *s)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;

	cpnp_blob_set(env, &o->docs[ORDER_BLOB_STANDING], NULL);
	for (size_t i = 0; i < DOCS_N; i++)
		cpnp_blob_set(env, &o->docs[docs[i].aside], NULL);
}

int
cpnp_update_undo(struct order_step *s)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	cpnp_status status = o->status;
	struct order_standing standing;
	int err;

	if (!cpnp_order_get_aside(o, &standing))
		return 0;
	copy_from(o, &standing);
	for (size_t i = 0; i < DOCS_N; i++)
		cpnp_blob_set(env, &o->docs[docs[i].doc],
		    cpnp_blob_ref(o->docs[docs[i].aside]));
	cpnp_update_done(s);
	/* It stands, so it was paid for if it had to be. */
	o->has_terms = o->docs[CPNP_DOC_PAYMENT] != NULL;
	o->paid = o->has_terms && s->order->role == CPNP_SERVER;
	o->undone = true;
	err = cpnp_order_change_state(s, CPNP_STATE_COMPLETED,
	    "the agreement stands as it was", NULL);
	o->status = status;
	return err;
}

int
cpnp_client_update(struct order_step *s)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	int err = cpnp_client_begin(s, ORDER_KIND_UPDATE);

	if (err != 0)
		return err;
	/* under the nonce of the agreement */
	cpnp_order_fill_request(
	    cpnp_order_build(s, CPNP_METHOD_UPDATE), s->request);
	err = take_aside(s);
	if (err != 0)
		return err;
	o->has_response_time = true;
	o->response_time = s->request->expected_response_time;
	o->more_time = s->request->more_time;
	o->more_time_until = s->request->more_time_until;
	err = cpnp_order_change_state(s, CPNP_STATE_PQO_SENT, NULL, NULL);
	if (err == 0)
		err = cpnp_order_send(s);
	if (err == 0)
		cpnp_blob_set(env, &o->docs[CPNP_DOC_REQUEST],
		    cpnp_blob_ref(o->docs[CPNP_DOC_LAST_OUT]));
	return err;
}

int
cpnp_server_update(struct order_step *s)
{
	const struct order_now *o = &s->order->now;
	int err;

	if (o->kind == ORDER_KIND_UPDATE &&
	    cpnp_bytes_equal(s->msg->transaction_id,
		cpnp_order_transaction_id(s->order)))
		/* late, in draft-02; what it asked for is gone when it came
		 * to nothing */
		return o->undone ? CPNP_ERR_REPLAY
				 : cpnp_server_request_again(s);
	err = cpnp_server_begin(s, ORDER_KIND_UPDATE);
	if (err != 0 || !s->begun)
		return err;
	err = take_aside(s);
	return err != 0 ? err : cpnp_server_request(s);
}
