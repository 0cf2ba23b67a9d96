/*
 * Statements of an order: the ones it makes and the ones it is shown.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "order_int.h"

int
cpnp_order_digest_agreement(cpnp_orders *orders, const cpnp_order *order,
    const cpnp_msg *msg, cpnp_wtime validity,
    uint8_t digest[CPNP_SHA256_LEN])
{
	bool is_client = order->role == CPNP_CLIENT;
	cpnp_agreement agreement;
	cpnp_bytes encoded;
	int err;

	err = cpnp_agreement_from_msg(&agreement, msg,
	    is_client ? order->identity : order->peer_identity,
	    is_client ? order->peer_identity : order->identity);
	if (err != 0)
		return err;
	agreement.validity = validity;
	cpnp_buf_reset(&orders->scratch);
	err = cpnp_agreement_encode(&agreement, &orders->scratch);
	if (err != 0)
		return err;
	encoded = cpnp_buf_bytes(&orders->scratch);
	return orders->env.sha256(orders->env.user, &encoded, 1, digest) != 0
	    ? CPNP_ERR_CRYPTO
	    : 0;
}

static int
encode(const cpnp_statement *statement,
    uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX], cpnp_bytes *out)
{
	cpnp_buf buf;
	int err;

	cpnp_buf_init_fixed(&buf, store, CPNP_STATEMENT_PAYLOAD_MAX);
	err = cpnp_statement_encode(statement, &buf);
	*out = cpnp_buf_bytes(&buf);
	return err;
}

int
cpnp_order_state_leaf(const struct order_step *s, cpnp_state from,
    cpnp_state to, uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX],
    cpnp_bytes *statement)
{
	const cpnp_order *order = s->order;
	cpnp_statement leaf = {
	    .type = CPNP_STATEMENT_STATE,
	    .time = s->now.wall,
	    .role = (uint8_t)order->role,
	    .from_state = (uint8_t)from,
	    .to_state = (uint8_t)to,
	    .event = (uint8_t)s->event,
	    .has_digest = order->now.has_offer,
	};

	memcpy(leaf.order_ref, order->ref, sizeof(leaf.order_ref));
	if (leaf.has_digest)
		memcpy(leaf.digest, order->now.order_digest,
		    sizeof(leaf.digest));
	return encode(&leaf, store, statement);
}

int
cpnp_order_payload(const cpnp_order *order,
    uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX], cpnp_bytes *payload)
{
	const struct order_now *o = &order->now;
	cpnp_statement statement = {
	    .type = CPNP_STATEMENT_OFFER,
	    .time = o->sign_time,
	    .has_digest = true,
	    .validity = o->validity,
	};

	memcpy(statement.order_ref, order->ref, sizeof(statement.order_ref));
	memcpy(statement.digest, o->order_digest, sizeof(statement.digest));
	if (o->pending == ORDER_PENDING_SIGN_ACCEPT) {
		statement.type = CPNP_STATEMENT_ACCEPT;
		statement.has_answers = true;
		memcpy(statement.answers, o->offer_statement,
		    sizeof(statement.answers));
	}
	if (o->pending == ORDER_PENDING_SIGN_ACK) {
		statement.type = CPNP_STATEMENT_ACK;
		statement.has_answers = true;
		memcpy(statement.answers, o->accept_statement,
		    sizeof(statement.answers));
	}
	return encode(&statement, store, payload);
}

int
cpnp_order_check_signed(const struct order_step *s)
{
	uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_bytes asked, payload;
	int err = cpnp_order_payload(s->order, store, &asked);

	if (err != 0)
		return err;
	if (cpnp_statement_payload(s->statement, &payload) != 0 ||
	    !cpnp_bytes_equal(asked, payload))
		return CPNP_ERR_MISMATCH;
	return 0;
}

int
cpnp_order_statement_digest(const cpnp_orders *orders,
    cpnp_bytes statement, uint8_t digest[CPNP_SHA256_LEN])
{
	return orders->env.sha256(
		   orders->env.user, &statement, 1, digest) != 0
	    ? CPNP_ERR_CRYPTO
	    : 0;
}

/* The statement that one of a type has to answer; NULL: it answers none. */
static const uint8_t *
answered_by(const struct order_now *o, cpnp_statement_type type)
{
	if (type == CPNP_STATEMENT_ACCEPT && o->has_offer_statement)
		return o->offer_statement;
	if (type == CPNP_STATEMENT_ACK && o->has_accept_statement)
		return o->accept_statement;
	return NULL;
}

/* Does the statement speak of what this message speaks of? */
static bool
speaks_of_order(const cpnp_order *order, const cpnp_statement *statement,
    cpnp_statement_type type)
{
	const struct order_now *o = &order->now;
	const uint8_t *answers = answered_by(o, type);

	if (statement->type != type ||
	    memcmp(statement->order_ref, order->ref, sizeof(order->ref)) != 0)
		return false;
	if (!statement->has_digest ||
	    memcmp(statement->digest, o->order_digest,
		sizeof(o->order_digest)) != 0)
		return false;
	if (type == CPNP_STATEMENT_OFFER)
		return statement->validity.sec == o->validity.sec;
	return answers != NULL && statement->has_answers &&
	    memcmp(statement->answers, answers, CPNP_SHA256_LEN) == 0;
}

int
cpnp_order_check_statement(struct order_step *s, cpnp_statement_type type,
    bool required, bool *has)
{
	cpnp_statement statement;
	cpnp_bytes payload;

	*has = false;
	if (!cpnp_msg_has(s->msg, CPNP_ATTR_STATEMENT) ||
	    s->input->signer.len == 0)
		return required ? CPNP_ERR_SIGNATURE : 0;
	if (!cpnp_bytes_equal(s->input->signer, s->order->peer_identity))
		return CPNP_ERR_SIGNATURE;
	if (cpnp_statement_payload(s->msg->statement, &payload) != 0 ||
	    cpnp_statement_decode(&statement, payload, NULL) != 0 ||
	    !speaks_of_order(s->order, &statement, type))
		return CPNP_ERR_SIGNATURE;
	*has = true;
	return 0;
}
