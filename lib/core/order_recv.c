/*
 * A message that came: find its order, judge its number, feed it, and answer
 * what was refused.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fault.h"
#include "order_int.h"

/* Answers may be for an order of either role, when two peers order from each
 * other under the same identifier; the transaction then tells. */
static cpnp_order *
find_either(const cpnp_orders *orders, cpnp_bytes peer, const cpnp_msg *msg)
{
	cpnp_order *client = cpnp_table_find(
	    orders, CPNP_CLIENT, peer, msg->customer_order_id);
	cpnp_order *server = cpnp_table_find(
	    orders, CPNP_SERVER, peer, msg->customer_order_id);

	if (client == NULL || server == NULL)
		return client != NULL ? client : server;
	return cpnp_bytes_equal(
		   msg->transaction_id, cpnp_order_transaction_id(server))
	    ? server
	    : client;
}

static cpnp_order *
find_order(const cpnp_orders *orders, const cpnp_input *input)
{
	const cpnp_msg *msg = input->msg;

	if (!cpnp_msg_has(msg, CPNP_ATTR_CUSTOMER_ORDER_ID))
		return NULL;
	if (msg->method == CPNP_METHOD_OFFER)
		return cpnp_table_find(orders, CPNP_CLIENT, input->identity,
		    msg->customer_order_id);
	if (cpnp_msg_is_request(msg->method))
		return cpnp_table_find(orders, CPNP_SERVER, input->identity,
		    msg->customer_order_id);
	return find_either(orders, input->identity, msg);
}

/* RFC 8921, 13: the identifiers of an order that is here, the other way
 * round. */
static bool
is_swapped(const cpnp_orders *orders, const cpnp_input *input)
{
	cpnp_msg other = {0};
	const cpnp_order *order;

	if (!cpnp_msg_has(input->msg, CPNP_ATTR_CUSTOMER_ORDER_ID) ||
	    !cpnp_msg_has(input->msg, CPNP_ATTR_PROVIDER_ORDER_ID))
		return false;
	other.customer_order_id = input->msg->provider_order_id;
	other.transaction_id = input->msg->transaction_id;
	order = find_either(orders, input->identity, &other);
	return order != NULL &&
	    cpnp_bytes_equal(cpnp_order_provider_id(order),
		input->msg->customer_order_id);
}

/* A request may begin a transaction of its own on an agreement. */
static bool
begins_transaction(cpnp_method method)
{
	return method == CPNP_METHOD_WITHDRAW ||
	    method == CPNP_METHOD_UPDATE || method == CPNP_METHOD_ACTIVATE;
}

static int
check_transaction(struct order_step *s)
{
	const cpnp_msg *msg = s->msg;
	bool is_past = false;
	int err = 0;

	if (msg->edition != s->order->edition)
		return CPNP_ERR_MISMATCH;
	if (begins_transaction(msg->method) || CPNP_FAULT(TRANSACTION))
		return 0;
	if (cpnp_msg_has(msg, CPNP_ATTR_TRANSACTION_ID) &&
	    cpnp_bytes_equal(msg->transaction_id,
		cpnp_order_transaction_id(s->order)))
		return 0;
	if (msg->method == CPNP_METHOD_CANCEL &&
	    cpnp_msg_has(msg, CPNP_ATTR_TRANSACTION_ID) &&
	    cpnp_order_stands(s->order)) {
		s->ahead = true;
		return 0;
	}
	/* What is late of one that is over is no word on the newest one. */
	if (cpnp_msg_has(msg, CPNP_ATTR_TRANSACTION_ID))
		err = cpnp_order_is_past(s, msg->transaction_id, &is_past);
	if (err != 0 || is_past)
		return err != 0 ? err : CPNP_ERR_REPLAY;
	/* RFC 8921, 10.2: the transaction is part of the key; a second
	 * QUOTATION under an identifier is no order at all. */
	if (msg->method != CPNP_METHOD_QUOTATION)
		return CPNP_ERR_UNKNOWN_ORDER;
	s->why = "the identifier was used for another QUOTATION";
	return CPNP_ERR_MISMATCH;
}

/* RFC 8921, 11.3 and 11.4; contradictions.md, 12. */
static int
check_number(struct order_step *s)
{
	const struct order_now *o = &s->order->now;
	bool is_numbered = s->msg->edition == CPNP_EDITION_RFC8921;
	uint32_t number = s->msg->sequence_number;

	if (!o->has_input || s->ahead || CPNP_FAULT(REPLAY))
		return 0;
	/* The numbers of another transaction are others. */
	if (begins_transaction(s->msg->method) &&
	    !cpnp_bytes_equal(s->msg->transaction_id,
		cpnp_order_transaction_id(s->order)))
		return 0;
	if ((!is_numbered || number == o->in_seq) &&
	    memcmp(s->digest, o->in_digest, sizeof(s->digest)) == 0) {
		s->again = true;
		return 0;
	}
	return is_numbered && number <= o->in_seq ? CPNP_ERR_REPLAY : 0;
}

static int
feed(struct order_step *s)
{
	int err = cpnp_msg_digest(s->msg, &s->orders->env, s->digest);

	if (err == 0)
		err = check_transaction(s);
	if (err == 0)
		err = check_number(s);
	s->event = (cpnp_event)s->msg->method;
	return err != 0 ? err : cpnp_step_run(s);
}

/* A QUOTATION under an identifier that was never used. */
static int
feed_new(struct order_step *s)
{
	cpnp_orders *orders = s->orders;
	cpnp_order *order;
	int err;

	if (!s->input->may_order) {
		s->answer = CPNP_STATUS_AUTHORIZATION_FAILED;
		return CPNP_ERR_FORBIDDEN;
	}
	err = cpnp_table_check_memory(orders);
	if (err == 0)
		err = cpnp_table_reserve(orders);
	if (err == CPNP_ERR_FULL)
		s->answer = CPNP_STATUS_OUT_OF_RESOURCES;
	if (err == 0)
		err = cpnp_order_new(orders, CPNP_SERVER, s->msg->edition,
		    s->input->identity, orders->config.identity,
		    s->msg->customer_order_id, s->msg->transaction_id, &order);
	if (err != 0)
		return err;
	cpnp_table_insert(orders, order);
	s->order = order;
	err = feed(s);
	if (err != 0) {
		cpnp_table_remove(orders, order);
		cpnp_order_del(orders, order);
		s->order = NULL;
	}
	return err;
}

/* Answer a request that was refused; what is an answer itself, or a replay,
 * is discarded silently. */
static int
answer_refused(struct order_step *s, int err)
{
	int sent;

	if (!cpnp_error_is_peer(err) && err != CPNP_ERR_FULL)
		return err;
	if (!cpnp_msg_is_request(s->msg->method) || err == CPNP_ERR_REPLAY)
		return err;
	/* A wrong nonce looks like an unknown order. */
	if (err == CPNP_ERR_NONCE || err == CPNP_ERR_UNKNOWN_ORDER)
		s->why = NULL;
	sent = cpnp_order_send_stateless_fail(s,
	    s->answer != CPNP_STATUS_NONE ? s->answer
					  : cpnp_error_status(err));
	return cpnp_error_is_fatal(sent) ? sent : err;
}

static int
check_input(const cpnp_input *input)
{
	return input->msg == NULL || input->identity.len == 0 ||
		input->identity.len > CPNP_IDENTITY_MAX ||
		!cpnp_utf8_is_valid(input->identity)
	    ? CPNP_ERR_INVALID
	    : 0;
}

int
cpnp_orders_recv(cpnp_orders *orders, const cpnp_input *input, cpnp_now now)
{
	struct order_step s = {
	    .orders = orders, .input = input, .msg = input->msg, .now = now};
	int err = check_input(input);

	if (err == 0)
		err = cpnp_step_begin(orders);
	if (err != 0)
		return err;
	/* A part is no event: see <cpnp/parts.h>. */
	if (s.msg->method == CPNP_METHOD_PARTS)
		return CPNP_ERR_METHOD;
	s.order = find_order(orders, input);
	if (s.order != NULL)
		return answer_refused(&s, feed(&s));
	if (is_swapped(orders, input))
		return answer_refused(&s, CPNP_ERR_SWAPPED);
	if (!input->searched)
		return CPNP_ERR_NOT_LOADED;
	if (s.msg->method == CPNP_METHOD_QUOTATION)
		return answer_refused(&s, feed_new(&s));
	return answer_refused(&s, CPNP_ERR_UNKNOWN_ORDER);
}

int
cpnp_orders_recv_invalid(
    cpnp_orders *orders, const cpnp_input *input, int invalid, cpnp_now now)
{
	struct order_step s = {
	    .orders = orders, .input = input, .msg = input->msg, .now = now};
	int err = check_input(input);

	if (err == 0 && !cpnp_error_is_peer(invalid))
		err = CPNP_ERR_INVALID;
	if (err == 0)
		err = cpnp_step_begin(orders);
	if (err != 0)
		return err;
	/* Without its head nobody knows that it is not a FAIL. */
	if ((s.msg->present & CPNP_MSG_HEAD_READ) == 0 ||
	    (s.msg->method != CPNP_METHOD_END &&
		!cpnp_msg_is_request(s.msg->method)))
		return 0;
	s.why = cpnp_strerror(invalid);
	err = cpnp_order_send_stateless_fail(&s, cpnp_error_status(invalid));
	return cpnp_error_is_fatal(err) ? err : 0;
}
