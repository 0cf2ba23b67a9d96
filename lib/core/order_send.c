/*
 * Building and sending messages.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fault.h"
#include "order_int.h"

bool
cpnp_msg_is_request(cpnp_method method)
{
	switch (method) {
	case CPNP_METHOD_QUOTATION:
	case CPNP_METHOD_ACCEPT:
	case CPNP_METHOD_DECLINE:
	case CPNP_METHOD_CANCEL:
	case CPNP_METHOD_WITHDRAW:
	case CPNP_METHOD_UPDATE:
	case CPNP_METHOD_ACTIVATE:
		return true;
	case CPNP_METHOD_PROCESSING:
	case CPNP_METHOD_OFFER:
	case CPNP_METHOD_ACK:
	case CPNP_METHOD_PARTS:
	case CPNP_METHOD_END:
		break;
	case CPNP_METHOD_FAIL:
		return CPNP_FAULT(ANSWER_FAIL);
	}
	return false;
}

bool
cpnp_msg_allow(cpnp_msg *msg, cpnp_attr attr)
{
	if (cpnp_grammar(msg->edition, msg->method, attr) == CPNP_ABSENT)
		return false;
	msg->present |= CPNP_ATTR_BIT(attr);
	return true;
}

cpnp_msg *
cpnp_order_build(struct order_step *s, cpnp_method method)
{
	cpnp_order *order = s->order;
	cpnp_msg *msg = &s->orders->build;

	memset(msg, 0, sizeof(*msg));
	msg->edition = order->edition;
	msg->method = method;
	if (cpnp_msg_allow(msg, CPNP_ATTR_TRANSACTION_ID))
		msg->transaction_id = cpnp_order_transaction_id(order);
	if (cpnp_msg_allow(msg, CPNP_ATTR_CUSTOMER_ORDER_ID))
		msg->customer_order_id = order->customer_id;
	if (order->now.provider_id_len > 0 &&
	    cpnp_msg_allow(msg, CPNP_ATTR_PROVIDER_ORDER_ID))
		msg->provider_order_id = cpnp_order_provider_id(order);
	if (order->now.has_offer && cpnp_msg_allow(msg, CPNP_ATTR_NONCE))
		msg->nonce = cpnp_order_nonce(order);
	return msg;
}

int
cpnp_order_encode(cpnp_orders *orders, struct cpnp_blob **blob)
{
	int err;

	cpnp_buf_reset(&orders->out);
	err = cpnp_msg_encode(&orders->build, &orders->out, NULL);
	if (err != 0)
		return err;
	*blob = cpnp_blob_new(&orders->env, cpnp_buf_bytes(&orders->out));
	return *blob == NULL ? CPNP_ERR_NOMEM : 0;
}

cpnp_method
cpnp_order_last_method(const cpnp_order *order)
{
	cpnp_cbor_rd rd;

	cpnp_cbor_rd_init(
	    &rd, cpnp_blob_bytes(order->now.docs[CPNP_DOC_LAST_OUT]));
	(void)cpnp_cbor_get_array(&rd, 3, 3);
	(void)cpnp_cbor_get_uint(&rd, 0, CPNP_EDITION_RFC8921);
	return (cpnp_method)cpnp_cbor_get_uint(&rd, 0, CPNP_METHOD_END - 1);
}

static int
push_send(struct order_step *s, bool again)
{
	const cpnp_order *order = s->order;
	struct cpnp_blob *blob = order->now.docs[CPNP_DOC_LAST_OUT];
	struct order_effect *e = cpnp_step_push(s, CPNP_EFFECT_SEND);

	if (e == NULL || blob == NULL)
		return CPNP_ERR_INTERNAL;
	e->hold = cpnp_blob_ref(blob);
	e->effect.u.send.peer = order->now.peer;
	e->effect.u.send.bytes = cpnp_blob_bytes(blob);
	e->effect.u.send.method = cpnp_order_last_method(order);
	e->effect.u.send.again = again;
	return 0;
}

int
cpnp_order_send(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_msg *msg = &s->orders->build;
	struct cpnp_blob *blob;
	int err;

	if (msg->edition == CPNP_EDITION_RFC8921) {
		/* The largest number is kept for what speaks for no order. */
		if (o->out_seq >= ORDER_SEQUENCE_STATELESS - 1)
			return CPNP_ERR_EXHAUSTED;
		msg->sequence_number = o->out_seq + 1;
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_SEQUENCE_NUMBER);
	}
	err = cpnp_order_encode(s->orders, &blob);
	if (err != 0)
		return err;
	cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_LAST_OUT], blob);
	o->out_seq = msg->sequence_number;
	o->tries = 1;
	o->repeat = 0;
	o->answered = false;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	/* The number that was used is durable before it is seen. */
	if (!s->stored) {
		err = cpnp_order_keep(s);
		if (err != 0)
			return err;
	}
	return push_send(s, false);
}

void
cpnp_order_fill_request(cpnp_msg *msg, const cpnp_quotation *q)
{
	uint64_t set = CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);

	msg->service_description = q->service_description;
	msg->expected_response_time = q->expected_response_time;
	if (q->has_response_time)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_RESPONSE_TIME);
	if (q->options != NULL) {
		msg->options = *q->options;
		set |= CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	}
	if (q->customer_description != NULL) {
		msg->customer_description = *q->customer_description;
		set |= CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_DESCRIPTION);
	}
	msg->activation_type = q->activation_type;
	if (q->has_activation_type)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_TYPE);
	msg->activation_schedule = q->activation_schedule;
	if (q->has_activation_schedule)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_SCHEDULE);
	msg->path_marks_n = q->path_marks_n;
	if (q->path_marks_n > 0) {
		memcpy(msg->path_marks, q->path_marks,
		    q->path_marks_n * sizeof(msg->path_marks[0]));
		set |= CPNP_ATTR_BIT(CPNP_ATTR_PATH_MARKS);
	}
	msg->hop_limit = q->hop_limit;
	if (q->has_hop_limit)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_HOP_LIMIT);
	msg->present |= set;
}

int
cpnp_order_send_request(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_LAST_OUT],
	    cpnp_blob_ref(o->docs[CPNP_DOC_REQUEST]));
	o->tries = 1;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	return push_send(s, false);
}

int
cpnp_order_send_again(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (!cpnp_order_is_waiting(s->order))
		return 0;
	if (o->tries < UINT32_MAX)
		o->tries++;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	return push_send(s, true);
}

/* The newest message under a new number, for CPNP_FAULT(RENUMBER). */
static int
send_renumbered(struct order_step *s)
{
	int err = cpnp_msg_decode(&s->orders->build,
	    cpnp_blob_bytes(s->order->now.docs[CPNP_DOC_LAST_OUT]), NULL);

	s->orders->build.present &= ~CPNP_MSG_HEAD_READ;
	return err != 0 ? err : cpnp_order_send(s);
}

int
cpnp_order_answer_again(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (o->docs[CPNP_DOC_LAST_OUT] == NULL || s->now.mono < o->quiet)
		return 0;
	o->quiet = s->now.mono + s->orders->config.resend_interval;
	if (CPNP_FAULT(RENUMBER))
		return send_renumbered(s);
	/* Back after a restart: the peer can be reached again. */
	if (o->retrans == CPNP_NEVER)
		cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	return push_send(s, true);
}

void
cpnp_order_explain(cpnp_msg *msg, const char *clause, const char *reason)
{
	cpnp_explanation *line = &msg->explanations[0];

	if (!cpnp_msg_allow(msg, CPNP_ATTR_EXPLANATION))
		return;
	memset(line, 0, sizeof(*line));
	line->clause = cpnp_bytes_str(clause);
	line->reason = cpnp_bytes_str(reason);
	msg->explanations_n = 1;
}

void
cpnp_order_build_fail(
    struct order_step *s, cpnp_status status, const char *why)
{
	cpnp_msg *msg = cpnp_order_build(s, CPNP_METHOD_FAIL);

	msg->status = status;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE);
	if (why != NULL)
		cpnp_order_explain(msg, "order", why);
	if (s->explanations_n > 0) {
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPLANATION);
		memcpy(msg->explanations, s->explanations,
		    s->explanations_n * sizeof(msg->explanations[0]));
		msg->explanations_n = s->explanations_n;
	}
}

int
cpnp_order_send_fail(
    struct order_step *s, cpnp_status status, const char *why)
{
	cpnp_order_build_fail(s, status, why);
	return cpnp_order_send(s);
}

static const char *
clause_of(const struct order_step *s)
{
	cpnp_edition edition = s->msg->edition;
	int method = (int)s->msg->method;

	if (s->clause != NULL)
		return s->clause;
	return cpnp_method_exists(edition, method)
	    ? cpnp_method_name(edition, method)
	    : "message";
}

int
cpnp_order_send_stateless_fail(struct order_step *s, cpnp_status status)
{
	const uint64_t ids = CPNP_ATTR_BIT(CPNP_ATTR_TRANSACTION_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_CUSTOMER_ORDER_ID) |
	    CPNP_ATTR_BIT(CPNP_ATTR_PROVIDER_ORDER_ID);
	cpnp_msg *msg = &s->orders->build;
	struct order_effect *e;
	struct cpnp_blob *blob;
	cpnp_order *order = s->order;
	int err;

	memset(msg, 0, sizeof(*msg));
	msg->edition = s->msg->edition;
	msg->method = CPNP_METHOD_FAIL;
	/* contradictions.md, 29: the identifiers that were readable */
	msg->present = s->msg->present & ids;
	msg->transaction_id = s->msg->transaction_id;
	msg->customer_order_id = s->msg->customer_order_id;
	msg->provider_order_id = s->msg->provider_order_id;
	if (cpnp_msg_allow(msg, CPNP_ATTR_SEQUENCE_NUMBER))
		msg->sequence_number = ORDER_SEQUENCE_STATELESS;
	msg->status = status;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_STATUS_CODE);
	if (s->why != NULL)
		cpnp_order_explain(msg, clause_of(s), s->why);
	err = cpnp_order_encode(s->orders, &blob);
	if (err != 0)
		return err;
	s->order = NULL;
	e = cpnp_step_push(s, CPNP_EFFECT_SEND);
	s->order = order;
	if (e == NULL) {
		cpnp_blob_unref(&s->orders->env, blob);
		return CPNP_ERR_INTERNAL;
	}
	e->hold = blob;
	e->effect.u.send.peer = s->input->peer;
	e->effect.u.send.bytes = cpnp_blob_bytes(blob);
	e->effect.u.send.method = CPNP_METHOD_FAIL;
	e->effect.u.send.fail = true;
	return 0;
}

int
cpnp_order_read_doc(
    cpnp_orders *orders, const cpnp_order *order, cpnp_doc doc)
{
	return cpnp_msg_decode(
	    &orders->doc, cpnp_blob_bytes(order->now.docs[doc]), NULL);
}

int
cpnp_order_keep_doc(struct order_step *s, cpnp_doc doc)
{
	struct cpnp_blob *blob = cpnp_blob_new(&s->orders->env, s->msg->raw);

	if (blob == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_blob_set(&s->orders->env, &s->order->now.docs[doc], blob);
	s->dirty = true;
	return 0;
}

void
cpnp_order_put_empty(cpnp_bytes service, cpnp_buf *buf)
{
	cpnp_cbor_rd rd;
	uint64_t type;

	cpnp_cbor_rd_init(&rd, service);
	(void)cpnp_cbor_get_array(&rd, 2, 2);
	type = cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	cpnp_cbor_put_array(buf, 2);
	cpnp_cbor_put_uint(buf, type);
	cpnp_cbor_put_array(buf, 0);
}

bool
cpnp_order_is_empty(cpnp_bytes service)
{
	cpnp_cbor_rd rd;

	if (service.len == 0)
		return true;
	cpnp_cbor_rd_init(&rd, service);
	(void)cpnp_cbor_get_array(&rd, 2, 2);
	(void)cpnp_cbor_get_uint(&rd, 0, UINT64_MAX);
	(void)cpnp_cbor_get_array(&rd, 0, 0);
	return cpnp_cbor_rd_finish(&rd) == 0;
}
