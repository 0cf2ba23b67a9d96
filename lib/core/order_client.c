/*
 * The client's states (RFC 8921, 8.11.1 and 11.1.1):
 *
 *	Created -> AwaitingProcessing -> PQOSent           [start]
 *	PQOSent -> ServerProcessing                        [is_processed]
 *	ServerProcessing, ACK or FAIL                      order_time.c
 *	PQOSent, ServerProcessing -> OfferReceived
 *	    -> OfferProcessing                             [offer]
 *	OfferReceived -> Cancelled, DECLINE                [decline]
 *	OfferProcessing -> AcceptSent                      [send_accept]
 *	OfferProcessing -> Cancelled, DECLINE              [decline]
 *	AcceptSent -> Completed                            [complete]
 *	PQOSent ... AcceptSent -> Cancelled, CANCEL        [cancel]
 *	PQOSent ... AcceptSent -> Cancelled                [failed]
 *	Cancelled -> Completed                             [complete]
 *	Completed -> Cancelled                             order_withdraw.c
 *	Completed -> PQOSent, UPDATE                       order_update.c
 *	Cancelled -> Completed                             order_update.c
 *	Completed, ACTIVATE                                order_activate.c
 *
 * [complete] in Cancelled is not in Figure 8: a CANCEL and the ACK of an ACCEPT
 * may pass each other, or the CANCEL comes when the agreement is as good as
 * paid, and a client must not believe itself free of an agreement that the
 * provider holds (contradictions.md, 5).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "order_int.h"

bool
cpnp_client_is_from_provider(const struct order_step *s)
{
	return s->order->now.provider_id_len == 0 ||
	    !cpnp_msg_has(s->msg, CPNP_ATTR_PROVIDER_ORDER_ID) ||
	    cpnp_bytes_equal(s->msg->provider_order_id,
		cpnp_order_provider_id(s->order));
}

static void
learn_provider(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (!cpnp_msg_has(s->msg, CPNP_ATTR_PROVIDER_ORDER_ID))
		return;
	o->provider_id_len = (uint8_t)s->msg->provider_order_id.len;
	memcpy(o->provider_id, s->msg->provider_order_id.ptr,
	    s->msg->provider_order_id.len);
}

static int
start(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	int err = 0;

	if (o->has_response_time && o->response_time.sec <= s->now.wall.sec)
		return CPNP_ERR_INVALID;
	o->peer = s->peer;
	if (o->state == CPNP_STATE_CREATED)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_AWAITING_PROCESSING, NULL, NULL);
	if (err == 0)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_PQO_SENT, NULL, NULL);
	return err != 0 ? err : cpnp_order_send_request(s);
}

/* An order that the server has never heard of. */
static int
drop_unsent(struct order_step *s)
{
	int err = cpnp_order_change_state(
	    s, CPNP_STATE_CANCELLED, "never sent", NULL);

	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* Cancelled, and the server is told until it answers (contradictions.md,
 * 27). */
static int
cancel(struct order_step *s, const char *detail)
{
	int err = cpnp_order_change_state(
	    s, CPNP_STATE_CANCELLED, detail, NULL);

	if (err != 0)
		return err;
	s->order->now.outstanding = true;
	(void)cpnp_order_build(s, CPNP_METHOD_CANCEL);
	return cpnp_order_send(s);
}

static int
decline(struct order_step *s, const char *why)
{
	int err = cpnp_order_change_state(s, CPNP_STATE_CANCELLED, why, NULL);
	cpnp_msg *msg;

	if (err != 0)
		return err;
	s->order->now.outstanding = true;
	msg = cpnp_order_build(s, CPNP_METHOD_DECLINE);
	if (s->reasons_n > 0 && cpnp_msg_allow(msg, CPNP_ATTR_REASON)) {
		memcpy(msg->reasons, s->reasons,
		    s->reasons_n * sizeof(msg->reasons[0]));
		msg->reasons_n = s->reasons_n;
	}
	if (why != NULL)
		cpnp_order_explain(msg, "STATEMENT", why);
	return cpnp_order_send(s);
}

/* A PROCESSING in answer to the newest request: no more quick retries. */
static int
is_processed(struct order_step *s, cpnp_state to)
{
	struct order_now *o = &s->order->now;
	int err = 0;

	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	learn_provider(s);
	if (to == CPNP_STATE_SERVER_PROCESSING &&
	    cpnp_msg_has(s->msg, CPNP_ATTR_EXPECTED_OFFER_TIME) &&
	    (!o->has_offer_time ||
		s->msg->expected_offer_time.sec < o->offer_time.sec)) {
		o->has_offer_time = true;
		o->offer_time = s->msg->expected_offer_time;
	}
	cpnp_step_record_input(s);
	if (to != o->state)
		err = cpnp_order_change_state(s, to, NULL, NULL);
	o->answered = true;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	return err;
}

/* A PROCESSING, the first one or another: it may ask for more time. */
static int
processing(struct order_step *s)
{
	int err = 0;

	if (!cpnp_client_is_more_time(s))
		return is_processed(s, CPNP_STATE_SERVER_PROCESSING);
	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	learn_provider(s);
	cpnp_step_record_input(s);
	if (s->order->now.state != CPNP_STATE_SERVER_PROCESSING)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_SERVER_PROCESSING, NULL, NULL);
	return err != 0 ? err : cpnp_client_answer_more_time(s);
}

/* Take over what the OFFER says, before anything is checked. */
static int
take_offer(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	int err = cpnp_order_digest_agreement(s->orders, s->order, s->msg,
	    s->msg->validity_offer_time, o->order_digest);

	if (err != 0)
		return err;
	learn_provider(s);
	o->nonce_len = (uint8_t)s->msg->nonce.len;
	memcpy(o->nonce, s->msg->nonce.ptr, s->msg->nonce.len);
	o->validity = s->msg->validity_offer_time;
	o->has_offer = true;
	o->has_terms = cpnp_msg_has(s->msg, CPNP_ATTR_SETTLEMENT_TERMS);
	cpnp_step_record_input(s);
	return cpnp_order_keep_doc(s, CPNP_DOC_OFFER);
}

static int
offer(struct order_step *s)
{
	static const cpnp_reason gap = CPNP_REASON_UNACCEPTABLE_GAP;
	struct order_now *o = &s->order->now;
	const cpnp_bytes *leaf = NULL;
	int err, unsound;

	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	err = take_offer(s);
	if (err != 0)
		return err;
	unsound = cpnp_order_check_statement(s, CPNP_STATEMENT_OFFER,
	    s->order->require_statements, &o->has_offer_statement);
	if (o->has_offer_statement) {
		leaf = &s->msg->statement;
		err = cpnp_order_statement_digest(
		    s->orders, *leaf, o->offer_statement);
	}
	if (err == 0)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_OFFER_RECEIVED, NULL, leaf);
	if (err != 0)
		return err;
	if (unsound != 0) {
		s->reasons = &gap;
		s->reasons_n = 1;
		return decline(s, "the OFFER has no valid statement");
	}
	err = cpnp_order_change_state(
	    s, CPNP_STATE_OFFER_PROCESSING, NULL, NULL);
	(void)cpnp_order_build(s, CPNP_METHOD_PROCESSING);
	if (err == 0)
		err = cpnp_order_send(s);
	return err != 0 ? err : cpnp_step_ask(s, ORDER_PENDING_OFFER);
}

/* An OFFER under a new number: the same one is answered as before. */
static int
offer_again(struct order_step *s)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err = cpnp_order_digest_agreement(s->orders, s->order, s->msg,
	    s->msg->validity_offer_time, digest);

	if (err != 0)
		return err;
	if (memcmp(digest, s->order->now.order_digest, sizeof(digest)) != 0)
		return CPNP_ERR_UNEXPECTED;
	cpnp_step_record_input(s);
	return cpnp_order_answer_again(s);
}

/* RFC 8921, 9.2.4: the fields are copied from the OFFER. */
static int
send_accept(struct order_step *s, const cpnp_bytes *statement)
{
	static const cpnp_attr copied[] = {CPNP_ATTR_SERVICE_DESCRIPTION,
	    CPNP_ATTR_NEGOTIATION_OPTIONS, CPNP_ATTR_ACTIVATION_TYPE,
	    CPNP_ATTR_ACTIVATION_SCHEDULE, CPNP_ATTR_SETTLEMENT_TERMS};
	const cpnp_msg *from = &s->orders->doc;
	cpnp_msg *msg;
	int err = cpnp_order_read_doc(s->orders, s->order, CPNP_DOC_OFFER);

	cpnp_client_keep_payment(s);
	if (err == 0)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_ACCEPT_SENT, NULL, statement);
	if (err != 0)
		return err;
	s->order->now.accept_sent = true;
	msg = cpnp_order_build(s, CPNP_METHOD_ACCEPT);
	for (size_t i = 0; i < sizeof(copied) / sizeof(copied[0]); i++)
		msg->present |= from->present & CPNP_ATTR_BIT(copied[i]);
	msg->service_description = from->service_description;
	msg->options = from->options;
	msg->activation_type = from->activation_type;
	msg->activation_schedule = from->activation_schedule;
	msg->settlement_terms = from->settlement_terms;
	msg->payment_authorization =
	    cpnp_order_doc(s->order, CPNP_DOC_PAYMENT);
	if (s->order->now.has_terms)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_PAYMENT_AUTHORIZATION);
	if (statement != NULL) {
		msg->statement = *statement;
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_STATEMENT);
	}
	return cpnp_order_send(s);
}

static int
accept(struct order_step *s)
{
	const struct order_now *o = &s->order->now;
	int err;

	if (o->pending != ORDER_PENDING_OFFER ||
	    s->now.wall.sec >= o->validity.sec)
		return CPNP_ERR_STATE;
	err = cpnp_client_set_payment(s);
	if (err != 0)
		return err;
	/* A statement answers one: an OFFER without has none to its ACCEPT. */
	if (s->orders->config.sign && o->has_offer_statement)
		return cpnp_step_ask(s, ORDER_PENDING_SIGN_ACCEPT);
	return send_accept(s, NULL);
}

static int
accept_signed(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	int err;

	if (o->pending != ORDER_PENDING_SIGN_ACCEPT ||
	    s->now.wall.sec >= o->validity.sec)
		return CPNP_ERR_STATE;
	err = cpnp_order_check_signed(s);
	if (err == 0)
		err = cpnp_order_statement_digest(
		    s->orders, s->statement, o->accept_statement);
	if (err != 0)
		return err;
	o->has_accept_statement = true;
	return send_accept(s, &s->statement);
}

static int
accept_not_signed(struct order_step *s)
{
	if (s->order->now.pending != ORDER_PENDING_SIGN_ACCEPT)
		return CPNP_ERR_STATE;
	s->order->now.pending = ORDER_PENDING_OFFER;
	cpnp_blob_set(&s->orders->env,
	    &s->order->now.docs[ORDER_BLOB_DRAFT], NULL);
	return 0;
}

static int
complete(struct order_step *s, bool has_statement)
{
	int err = cpnp_order_keep_doc(s, CPNP_DOC_FINAL);

	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	err = cpnp_service_agreed(s);
	cpnp_update_done(s);
	if (err == 0)
		err = cpnp_order_change_state(s, CPNP_STATE_COMPLETED, NULL,
		    has_statement ? &s->msg->statement : NULL);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* RFC 8921, Table 5: the ACK carries the CPD of the OFFER. */
int
cpnp_client_has_service_of(struct order_step *s, cpnp_doc doc, bool *has)
{
	int err;

	*has = false;
	if (s->order->now.docs[doc] == NULL)
		return 0;
	err = cpnp_order_read_doc(s->orders, s->order, doc);
	*has = err == 0 &&
	    cpnp_bytes_equal(s->msg->service_description,
		s->orders->doc.service_description);
	return err;
}

static int
ack_of_accept(struct order_step *s)
{
	bool is_offered, has_statement;
	int err;

	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	err = cpnp_client_has_service_of(s, CPNP_DOC_OFFER, &is_offered);
	if (err != 0)
		return err;
	if (!is_offered)
		return CPNP_ERR_MISMATCH;
	err = cpnp_order_check_statement(s, CPNP_STATEMENT_ACK,
	    s->order->require_statements, &has_statement);
	return err != 0 ? err : complete(s, has_statement);
}

/* Does an ACK say of itself that it answers the CANCEL? */
static bool
is_marked(const cpnp_msg *msg)
{
	for (size_t i = 0; cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION) &&
	     i < msg->explanations_n;
	     i++)
		if (cpnp_bytes_equal(msg->explanations[i].clause,
			CPNP_BYTES_LIT("CANCEL")))
			return true;
	return false;
}

/*
 * After an ACCEPT and a CANCEL, which of the two does an ACK answer?  A valid
 * statement is for the ACCEPT.  Without one, the CPD of the OFFER is, unless
 * the ACK says that it answers the CANCEL.
 */
static int
answers_accept(struct order_step *s, bool *is_accept, bool *has_statement)
{
	int err = cpnp_order_check_statement(
	    s, CPNP_STATEMENT_ACK, false, has_statement);

	*is_accept = *has_statement;
	if (err == CPNP_ERR_SIGNATURE || *has_statement ||
	    s->order->require_statements || is_marked(s->msg))
		return err;
	return cpnp_client_has_service_of(s, CPNP_DOC_OFFER, is_accept);
}

static int
settle(struct order_step *s)
{
	int err;

	cpnp_step_record_input(s);
	s->order->now.outstanding = false;
	err = cpnp_update_undo(s);
	if (err == 0 && !s->stored)
		err = cpnp_order_keep(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

static int
ack_when_cancelled(struct order_step *s)
{
	bool is_accept, has_statement, is_known;
	int err = 0;

	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	if (s->order->now.accept_sent) {
		err = answers_accept(s, &is_accept, &has_statement);
		if (err != 0)
			return err;
		if (is_accept)
			return complete(s, has_statement);
	}
	if (!s->order->now.outstanding)
		return CPNP_ERR_UNEXPECTED;
	/* contradictions.md, 4: nothing, or what was asked or offered */
	is_known = cpnp_order_is_empty(s->msg->service_description);
	if (!is_known)
		err = cpnp_client_has_service_of(
		    s, CPNP_DOC_REQUEST, &is_known);
	if (err == 0 && !is_known)
		err = cpnp_client_has_service_of(s, CPNP_DOC_OFFER, &is_known);
	if (err != 0)
		return err;
	if (!is_known)
		return CPNP_ERR_MISMATCH;
	learn_provider(s);
	return settle(s);
}

int
cpnp_client_check_fail(const struct order_step *s)
{
	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	/* A cookie is asked for: no word on the order. */
	if (s->msg->status == CPNP_STATUS_AUTHENTICATION_REQUIRED &&
	    cpnp_msg_has(s->msg, CPNP_ATTR_COOKIE))
		return CPNP_ERR_UNEXPECTED;
	return 0;
}

static int
failed(struct order_step *s)
{
	int err = cpnp_client_check_fail(s);

	if (err == 0)
		err = cpnp_order_keep_doc(s, CPNP_DOC_FINAL);
	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	s->order->now.status = s->msg->status;
	err = cpnp_order_change_state(s, CPNP_STATE_CANCELLED,
	    cpnp_status_text(s->msg->status), NULL);
	if (err == 0)
		err = cpnp_update_undo(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

static int
fail_when_cancelled(struct order_step *s)
{
	int err = cpnp_client_check_fail(s);

	if (err == 0 && !s->order->now.outstanding)
		err = CPNP_ERR_UNEXPECTED;
	return err != 0 ? err : settle(s);
}

static bool
has_told(const cpnp_order *order)
{
	cpnp_method method = cpnp_order_last_method(order);

	return method == CPNP_METHOD_CANCEL || method == CPNP_METHOD_DECLINE;
}

/* A PROCESSING after an ACCEPT and a CANCEL: the agreement is being paid for,
 * and the ACK of the ACCEPT or a FAIL will follow (contradictions.md, 5). */
static bool
is_being_paid(const struct order_now *o)
{
	return o->state == CPNP_STATE_CANCELLED &&
	    o->kind != ORDER_KIND_WITHDRAW && o->accept_sent && o->outstanding;
}

/* The server goes on with an order that is over here: a QUOTATION was late
 * and came after the CANCEL.  Tell it again. */
static int
tell_again(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	if (s->now.mono < o->quiet)
		return 0;
	learn_provider(s);
	cpnp_step_record_input(s);
	o->outstanding = true;
	if (has_told(s->order))
		return cpnp_order_answer_again(s);
	o->quiet = s->now.mono + s->orders->config.resend_interval;
	(void)cpnp_order_build(s, CPNP_METHOD_CANCEL);
	return cpnp_order_send(s);
}

/* The same of an UPDATE, after which the order is Completed: it is told, and
 * no answer is awaited. */
static int
tell_undone(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (!o->undone)
		return CPNP_ERR_UNEXPECTED;
	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	if (s->now.mono < o->quiet)
		return 0;
	cpnp_step_record_input(s);
	if (has_told(s->order))
		return cpnp_order_answer_again(s);
	o->quiet = s->now.mono + s->orders->config.resend_interval;
	(void)cpnp_order_build(s, CPNP_METHOD_CANCEL);
	return cpnp_order_send(s);
}

static int
offer_expired(struct order_step *s)
{
	/* Nothing is sent: the same moment ends the offer at the server (RFC
	 * 8921, 9.1.8). */
	int err = cpnp_order_change_state(s, CPNP_STATE_CANCELLED,
	    "the validity of the offer ended", NULL);

	if (err == 0)
		err = cpnp_update_undo(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* Messages that a client is never given; cpnp_orders_recv() looks for an
 * order of the server's role. */
#define CASE_FOR_SERVER                                                        \
	case CPNP_EVENT_RECV_QUOTATION:                                        \
	case CPNP_EVENT_RECV_ACCEPT:                                           \
	case CPNP_EVENT_RECV_DECLINE:                                          \
	case CPNP_EVENT_RECV_CANCEL:                                           \
	case CPNP_EVENT_RECV_WITHDRAW:                                         \
	case CPNP_EVENT_RECV_UPDATE:                                           \
	case CPNP_EVENT_RECV_ACTIVATE

#define CASE_COMMAND_OF_SERVER                                                 \
	case CPNP_EVENT_NONE:                                                  \
	case CPNP_EVENT_CREATE:                                                \
	case CPNP_EVENT_OFFER:                                                 \
	case CPNP_EVENT_REFUSE:                                                \
	case CPNP_EVENT_MORE_TIME:                                             \
	case CPNP_EVENT_GRANT:                                                 \
	case CPNP_EVENT_PAID:                                                  \
	case CPNP_EVENT_NOT_PAID:                                              \
	case CPNP_EVENT_SET_ACTIVE:                                            \
	case CPNP_EVENT_SET_INACTIVE

/* What begins a transaction on an agreement, and what concerns its service, is
 * the same in every state, and cpnp_client_step() has seen to it. */
#define CASE_ON_AGREEMENT                                                      \
	case CPNP_EVENT_UPDATE:                                                \
	case CPNP_EVENT_ACTIVATE:                                              \
	case CPNP_EVENT_WITHDRAW:                                              \
	case CPNP_EVENT_SERVICE_START:                                         \
	case CPNP_EVENT_SERVICE_END

/* Timers; one that is not armed in a state does nothing. */
#define CASE_TIMER                                                             \
	case CPNP_EVENT_RETRANS:                                               \
	case CPNP_EVENT_RESPONSE_EXPIRED:                                      \
	case CPNP_EVENT_OFFER_EXPIRED:                                         \
	case CPNP_EVENT_VALIDITY_EXPIRED:                                      \
	case CPNP_EVENT_LINGER_EXPIRED

static int
in_none(struct order_step *s)
{
	if (s->event != CPNP_EVENT_CREATE)
		return CPNP_ERR_STATE;
	return cpnp_order_change_state(s, CPNP_STATE_CREATED, NULL, NULL);
}

/* Created, and AwaitingProcessing, which an order only passes through. */
static int
in_created(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_START:
		return start(s);
	case CPNP_EVENT_CANCEL:
		return drop_unsent(s);
	CASE_FOR_SERVER:
	case CPNP_EVENT_RECV_PROCESSING:
	case CPNP_EVENT_RECV_OFFER:
	case CPNP_EVENT_RECV_ACK:
	case CPNP_EVENT_RECV_FAIL:
		return CPNP_ERR_UNEXPECTED;
	CASE_TIMER:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

static int
in_pqo_sent(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_PROCESSING:
		return processing(s);
	case CPNP_EVENT_RECV_OFFER:
		return offer(s);
	case CPNP_EVENT_RECV_FAIL:
		return failed(s);
	case CPNP_EVENT_RETRANS:
		return cpnp_order_send_again(s);
	case CPNP_EVENT_RESPONSE_EXPIRED:
		return cancel(s, "the expected response time passed");
	case CPNP_EVENT_CANCEL:
		return cancel(s, NULL);
	CASE_FOR_SERVER:
	case CPNP_EVENT_RECV_ACK:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_START:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

static int
in_server_processing(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_PROCESSING:
		return processing(s);
	case CPNP_EVENT_RECV_OFFER:
		return offer(s);
	case CPNP_EVENT_RECV_FAIL:
		return failed(s);
	case CPNP_EVENT_RETRANS:
		return cpnp_order_send_again(s);
	case CPNP_EVENT_RESPONSE_EXPIRED:
		return cancel(s, "the expected response time passed");
	case CPNP_EVENT_OFFER_EXPIRED:
		return cancel(s, "the expected offer time passed");
	case CPNP_EVENT_CANCEL:
		return cancel(s, NULL);
	CASE_FOR_SERVER:
	case CPNP_EVENT_RECV_ACK:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_VALIDITY_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_START:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

/* OfferProcessing, and OfferReceived, which an order only passes through. */
static int
in_offer_processing(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_OFFER:
		return offer_again(s);
	case CPNP_EVENT_RECV_FAIL:
		return failed(s);
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return offer_expired(s);
	case CPNP_EVENT_ACCEPT:
		return accept(s);
	case CPNP_EVENT_DECLINE:
		return decline(s, NULL);
	case CPNP_EVENT_CANCEL:
		return cancel(s, NULL);
	case CPNP_EVENT_SIGNED:
		return accept_signed(s);
	case CPNP_EVENT_SIGN_FAILED:
		return accept_not_signed(s);
	CASE_FOR_SERVER:
	case CPNP_EVENT_RECV_PROCESSING:
	case CPNP_EVENT_RECV_ACK:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_START:
		break;
	}
	return CPNP_ERR_STATE;
}

/* The validity may end here: what was accepted in time wants a definite
 * answer (contradictions.md, 18). */
static int
in_accept_sent(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_ACK:
		return ack_of_accept(s);
	case CPNP_EVENT_RECV_PROCESSING:
		return is_processed(s, CPNP_STATE_ACCEPT_SENT);
	case CPNP_EVENT_RECV_OFFER:
		return offer_again(s);
	case CPNP_EVENT_RECV_FAIL:
		return failed(s);
	case CPNP_EVENT_RETRANS:
		return cpnp_order_send_again(s);
	case CPNP_EVENT_CANCEL:
		return cancel(s, NULL);
	CASE_FOR_SERVER:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_START:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

static int
in_completed(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_LINGER_EXPIRED:
		return cpnp_step_forget(s);
	case CPNP_EVENT_RECV_PROCESSING:
	case CPNP_EVENT_RECV_OFFER:
		return tell_undone(s);
	CASE_FOR_SERVER:
	case CPNP_EVENT_RECV_ACK:
	case CPNP_EVENT_RECV_FAIL:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_START:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_CANCEL:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

static int
in_cancelled(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_ACK:
		return ack_when_cancelled(s);
	case CPNP_EVENT_RECV_FAIL:
		return fail_when_cancelled(s);
	case CPNP_EVENT_RECV_PROCESSING:
		return is_being_paid(&s->order->now)
		    ? is_processed(s, CPNP_STATE_CANCELLED)
		    : tell_again(s);
	case CPNP_EVENT_RECV_OFFER:
		return tell_again(s);
	case CPNP_EVENT_RETRANS:
		return cpnp_order_send_again(s);
	case CPNP_EVENT_LINGER_EXPIRED:
		return s->order->now.outstanding ? 0 : cpnp_step_forget(s);
	CASE_FOR_SERVER:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return 0;
	CASE_COMMAND_OF_SERVER:
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_START:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_CANCEL:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

/* contradictions.md, 12: what asks for an answer gets the newest one; what is
 * an answer itself does not, else two peers answer each other for ever. */
static int
again(struct order_step *s)
{
	cpnp_state state = s->order->now.state;

	if (s->msg->method == CPNP_METHOD_PROCESSING) {
		cpnp_method last = cpnp_order_last_method(s->order);

		/* that of a CANCEL may have the bytes of an earlier one */
		if (is_being_paid(&s->order->now) &&
		    !s->order->now.answered)
			return is_processed(s, state);
		/* the answer to a request for more time */
		return last == CPNP_METHOD_ACK || last == CPNP_METHOD_FAIL
		    ? cpnp_order_answer_again(s)
		    : 0;
	}
	if (s->msg->method != CPNP_METHOD_OFFER)
		return 0;
	if (state == CPNP_STATE_OFFER_PROCESSING ||
	    state == CPNP_STATE_ACCEPT_SENT)
		return cpnp_order_answer_again(s);
	if ((state == CPNP_STATE_CANCELLED || s->order->now.undone) &&
	    has_told(s->order))
		return cpnp_order_answer_again(s);
	return 0;
}

static bool
is_on_service(cpnp_event event)
{
	return event == CPNP_EVENT_SERVICE_START ||
	    event == CPNP_EVENT_SERVICE_END;
}

/* The commands that begin a transaction on an agreement. */
static int
on_agreement(struct order_step *s)
{
	if (!cpnp_order_stands(s->order))
		return CPNP_ERR_STATE;
	if (cpnp_order_is_open(s->order))
		return CPNP_ERR_BUSY;
	if (s->event == CPNP_EVENT_WITHDRAW)
		return cpnp_client_withdraw(s);
	return s->event == CPNP_EVENT_ACTIVATE ? cpnp_client_activate(s)
					       : cpnp_client_update(s);
}

int
cpnp_client_step(struct order_step *s)
{
	const struct order_now *o = &s->order->now;

	if (s->again)
		return again(s);
	if (is_on_service(s->event))
		return cpnp_service_step(s);
	if (s->event == CPNP_EVENT_UPDATE ||
	    s->event == CPNP_EVENT_ACTIVATE ||
	    s->event == CPNP_EVENT_WITHDRAW)
		return on_agreement(s);
	if (o->agreement == CPNP_AGREEMENT_ENDED)
		return cpnp_client_step_withdrawn(s);
	switch (o->state) {
	case CPNP_STATE_NONE:
		return in_none(s);
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
		return in_created(s);
	case CPNP_STATE_PQO_SENT:
		return in_pqo_sent(s);
	case CPNP_STATE_SERVER_PROCESSING:
		return in_server_processing(s);
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
		return in_offer_processing(s);
	case CPNP_STATE_ACCEPT_SENT:
		return in_accept_sent(s);
	case CPNP_STATE_COMPLETED:
		return o->kind == ORDER_KIND_ACTIVATE
		    ? cpnp_client_step_activated(s)
		    : in_completed(s);
	case CPNP_STATE_CANCELLED:
		return o->kind == ORDER_KIND_WITHDRAW
		    ? cpnp_client_step_withdrawn(s)
		    : in_cancelled(s);
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return CPNP_ERR_INTERNAL;
}
