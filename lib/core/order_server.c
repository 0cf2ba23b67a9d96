/*
 * The server's states (RFC 8921, 8.11.2 and 11.2.1):
 *
 *	PQOReceived -> AwaitingProcessing, PROCESSING      [quotation]
 *	AwaitingProcessing, PROCESSING                     order_time.c
 *	AwaitingProcessing -> OfferProposed, OFFER         [send_offer]
 *	AwaitingProcessing -> Cancelled, FAIL              [refuse]
 *	OfferProposed -> ProcessingReceived                [is_processed]
 *	OfferProposed, ProcessingReceived
 *	    -> AcceptReceived                              [accept]
 *	    -> Cancelled, ACK                              [decline]
 *	    -> Cancelled                                   [offer_expired]
 *	AcceptReceived, the payment                        order_pay.c
 *	AcceptReceived -> Completed, ACK                   [complete]
 *	AcceptReceived -> Cancelled, FAIL                  [not_paid]
 *	PQOReceived ... AcceptReceived -> Cancelled, ACK   [cancel]
 *	Completed -> Cancelled, ACK                        order_withdraw.c
 *	Completed -> PQOReceived, Cancelled -> Completed   order_update.c
 *	Completed, ACK                                     order_activate.c
 *
 * What is refused with an error changes nothing; cpnp_orders_recv() answers
 * it with a FAIL that speaks for no order, so that a wrong nonce and an
 * unknown order look the same (contradictions.md, 7).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "fault.h"
#include "order_int.h"

#define PROVIDER_ID_RANDOM 15 /* bytes, in base 32 */
#define NONCE_LEN 16

/* An identifier that nobody guesses and no customer has chosen (RFC 8921,
 * 13): "P" and 24 characters of base 32 (RFC 4648). */
static int
make_provider_id(struct order_step *s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	uint8_t bytes[PROVIDER_ID_RANDOM];
	unsigned bits = 0, n = 0;

	if (env->random(env->user, bytes, sizeof(bytes)) != 0)
		return CPNP_ERR_RANDOM;
	o->provider_id[0] = 'P';
	o->provider_id_len = 1;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bits = bits << 8 | bytes[i];
		for (n += 8; n >= 5; n -= 5)
			o->provider_id[o->provider_id_len++] =
			    (uint8_t)alphabet[bits >> (n - 5) & 31];
		bits &= 31;
	}
	return cpnp_bytes_equal(
		   cpnp_order_provider_id(s->order), s->order->customer_id)
	    ? CPNP_ERR_RANDOM
	    : 0;
}

/* When the offer is expected to be there; not later than the client wants it,
 * if that can still be. */
static void
set_offer_time(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	o->has_offer_time = true;
	o->offer_time.sec = s->now.wall.sec +
	    (s->input->expected_offer_sec != 0
		    ? s->input->expected_offer_sec
		    : s->orders->config.expected_offer_sec);
	if (o->has_response_time && o->response_time.sec > s->now.wall.sec &&
	    o->response_time.sec < o->offer_time.sec)
		o->offer_time = o->response_time;
	cpnp_update_limit(o, &o->offer_time);
}

int
cpnp_server_request(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_msg *msg;
	int err = cpnp_order_keep_doc(s, CPNP_DOC_REQUEST);

	cpnp_step_record_input(s);
	o->has_response_time =
	    cpnp_msg_has(s->msg, CPNP_ATTR_EXPECTED_RESPONSE_TIME);
	if (o->has_response_time)
		o->response_time = s->msg->expected_response_time;
	if (err == 0)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_PQO_RECEIVED, NULL, NULL);
	if (err == 0)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_AWAITING_PROCESSING, NULL, NULL);
	if (err != 0)
		return err;
	set_offer_time(s);
	msg = cpnp_order_build(s, CPNP_METHOD_PROCESSING);
	msg->expected_offer_time = o->offer_time;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME);
	err = cpnp_order_send(s);
	return err != 0 ? err : cpnp_step_ask(s, ORDER_PENDING_DECIDE);
}

static int
quotation(struct order_step *s)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	int err = make_provider_id(s);

	if (err == 0 &&
	    env->random(env->user, (uint8_t *)&o->out_seq,
		sizeof(o->out_seq)) != 0)
		err = CPNP_ERR_RANDOM;
	o->out_seq &= INT32_MAX; /* contradictions.md, 13 */
	return err != 0 ? err : cpnp_server_request(s);
}

/* The same QUOTATION or UPDATE, though not the newest message: in draft-02,
 * which has no numbers, it may be late (contradictions.md, 12).  Another one
 * under the same identifier is refused (contradictions.md, 32). */
int
cpnp_server_request_again(struct order_step *s)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err = cpnp_order_read_doc(s->orders, s->order, CPNP_DOC_REQUEST);

	if (err == 0)
		err = cpnp_msg_digest(
		    &s->orders->doc, &s->orders->env, digest);
	if (err != 0)
		return err;
	if (memcmp(digest, s->digest, sizeof(digest)) != 0) {
		s->why = "the identifier was used for another QUOTATION";
		return CPNP_ERR_MISMATCH;
	}
	return cpnp_order_answer_again(s);
}

/* The OFFER in orders->build, without its number. */
static void
build_offer(struct order_step *s)
{
	const cpnp_offer *offer = s->offer;
	cpnp_msg *msg = cpnp_order_build(s, CPNP_METHOD_OFFER);
	uint64_t set = CPNP_ATTR_BIT(CPNP_ATTR_NONCE) |
	    CPNP_ATTR_BIT(CPNP_ATTR_VALIDITY_OFFER_TIME) |
	    CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);

	msg->nonce = cpnp_order_nonce(s->order);
	msg->validity_offer_time = s->order->now.validity;
	msg->service_description = offer->service_description;
	msg->options.has_cost = offer->has_cost;
	msg->options.cost = offer->cost;
	msg->options.purpose = offer->purpose;
	if (offer->has_cost || offer->purpose != CPNP_PURPOSE_NONE)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_NEGOTIATION_OPTIONS);
	msg->activation_type = offer->activation_type;
	if (offer->has_activation_type)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_TYPE);
	msg->activation_schedule = offer->activation_schedule;
	if (offer->has_activation_schedule)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_SCHEDULE);
	if (offer->provider_description != NULL) {
		msg->provider_description = *offer->provider_description;
		set |= CPNP_ATTR_BIT(CPNP_ATTR_PROVIDER_DESCRIPTION);
	}
	if (offer->explanations_n > 0) {
		memcpy(msg->explanations, offer->explanations,
		    offer->explanations_n * sizeof(msg->explanations[0]));
		msg->explanations_n = offer->explanations_n;
		set |= CPNP_ATTR_BIT(CPNP_ATTR_EXPLANATION);
	}
	msg->settlement_terms = offer->settlement_terms;
	if (offer->settlement_terms.len > 0)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_SETTLEMENT_TERMS);
	msg->order_progress = offer->order_progress;
	if (offer->order_progress.len > 0)
		set |= CPNP_ATTR_BIT(CPNP_ATTR_ORDER_PROGRESS);
	msg->present |= set;
}

/* Send the OFFER in orders->build; its fields were taken over before. */
static int
send_offer(struct order_step *s, const cpnp_bytes *statement)
{
	struct order_now *o = &s->order->now;
	int err;

	o->has_offer = true;
	o->has_terms = cpnp_msg_has(
	    &s->orders->build, CPNP_ATTR_SETTLEMENT_TERMS);
	err = cpnp_order_change_state(
	    s, CPNP_STATE_OFFER_PROPOSED, NULL, statement);
	if (err == 0)
		err = cpnp_order_send(s);
	if (err == 0)
		cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_OFFER],
		    cpnp_blob_ref(o->docs[CPNP_DOC_LAST_OUT]));
	return err;
}

static int
offer(struct order_step *s)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	cpnp_msg *msg = &s->orders->build;
	struct cpnp_blob *draft;
	int err;

	if (o->pending != ORDER_PENDING_DECIDE)
		return CPNP_ERR_STATE;
	o->nonce_len = NONCE_LEN;
	if (env->random(env->user, o->nonce, NONCE_LEN) != 0)
		return CPNP_ERR_RANDOM;
	o->validity = s->offer->validity;
	cpnp_update_limit(o, &o->validity);
	if (o->validity.sec <= s->now.wall.sec)
		return CPNP_ERR_INVALID;
	o->confirm = s->offer->confirm;
	build_offer(s);
	err = cpnp_order_digest_agreement(
	    s->orders, s->order, msg, o->validity, o->order_digest);
	if (err != 0)
		return err;
	if (!s->orders->config.sign)
		return send_offer(s, NULL);
	/* The number is given when it is sent. */
	if (cpnp_msg_allow(msg, CPNP_ATTR_SEQUENCE_NUMBER))
		msg->sequence_number = ORDER_SEQUENCE_STATELESS;
	err = cpnp_order_encode(s->orders, &draft);
	if (err != 0)
		return err;
	cpnp_blob_set(env, &o->docs[ORDER_BLOB_DRAFT], draft);
	return cpnp_step_ask(s, ORDER_PENDING_SIGN_OFFER);
}

int
cpnp_order_set_commit_set(
    cpnp_orders *orders, cpnp_order *order, cpnp_bytes commit_set)
{
	struct order_now *o = &order->now;
	cpnp_msg *msg = &orders->build;
	struct cpnp_blob *draft;
	int err;

	if (o->pending != ORDER_PENDING_SIGN_OFFER)
		return CPNP_ERR_STATE;
	if (commit_set.len > 0 && !cpnp_order_is_item(commit_set))
		return CPNP_ERR_INVALID;
	err = cpnp_msg_decode(
	    msg, cpnp_blob_bytes(o->docs[ORDER_BLOB_DRAFT]), NULL);
	if (err != 0)
		return err;
	msg->present &=
	    ~(CPNP_MSG_HEAD_READ | CPNP_ATTR_BIT(CPNP_ATTR_COMMIT_SET));
	msg->commit_set = commit_set;
	if (commit_set.len > 0)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_COMMIT_SET);
	err = cpnp_order_encode(orders, &draft);
	if (err != 0)
		return err;
	cpnp_blob_set(&orders->env, &o->docs[ORDER_BLOB_DRAFT], draft);
	cpnp_table_weigh(orders, order);
	return 0;
}

static int
offer_signed(struct order_step *s)
{
	cpnp_orders *orders = s->orders;
	struct order_now *o = &s->order->now;
	struct cpnp_blob *draft;
	int err;

	if (o->pending != ORDER_PENDING_SIGN_OFFER)
		return CPNP_ERR_STATE;
	err = cpnp_order_check_signed(s);
	if (err == 0)
		err = cpnp_order_statement_digest(
		    orders, s->statement, o->offer_statement);
	if (err == 0)
		err = cpnp_msg_decode(
		    &orders->build, cpnp_blob_bytes(o->docs[ORDER_BLOB_DRAFT]),
		    NULL);
	if (err != 0)
		return err;
	o->has_offer_statement = true;
	orders->build.present &= ~CPNP_MSG_HEAD_READ;
	orders->build.present |= CPNP_ATTR_BIT(CPNP_ATTR_STATEMENT);
	orders->build.statement = s->statement;
	draft = cpnp_blob_ref(o->docs[ORDER_BLOB_DRAFT]);
	err = send_offer(s, &s->statement);
	cpnp_blob_unref(&orders->env, draft);
	return err;
}

/* Send what was built when a transaction has come to nothing, or to its
 * agreement; before it an UPDATE that did leaves things as they were. */
static int
close_with(struct order_step *s)
{
	int err = cpnp_update_undo(s);

	return err != 0 ? err : cpnp_order_send(s);
}

static int
refuse(struct order_step *s, cpnp_status status, const char *why)
{
	int err;

	s->order->now.status = status;
	err = cpnp_order_change_state(
	    s, CPNP_STATE_CANCELLED, cpnp_status_text(status), NULL);
	cpnp_order_build_fail(s, status, why);
	if (err == 0)
		err = close_with(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

static bool
is_our_id(const struct order_step *s)
{
	return cpnp_bytes_equal(
	    s->msg->provider_order_id, cpnp_order_provider_id(s->order));
}

/* The identifier and the nonce of a request are those of the OFFER (RFC 8921,
 * 9.1.5); draft-02 may leave the nonce out of a DECLINE
 * (contradictions.md, 3). */
static int
check_nonce(const struct order_step *s, const uint8_t *nonce, size_t len)
{
	unsigned differ = 0;

	if (!is_our_id(s))
		return CPNP_ERR_UNKNOWN_ORDER;
	if (!cpnp_msg_has(s->msg, CPNP_ATTR_NONCE) || CPNP_FAULT(NONCE))
		return 0;
	if (s->msg->nonce.len != len)
		return CPNP_ERR_NONCE;
	for (size_t i = 0; i < len; i++)
		differ |= (unsigned)(s->msg->nonce.ptr[i] ^ nonce[i]);
	return differ != 0 ? CPNP_ERR_NONCE : 0;
}

int
cpnp_server_check_nonce(const struct order_step *s)
{
	const struct order_now *o = &s->order->now;

	return o->has_offer ? check_nonce(s, o->nonce, o->nonce_len)
			    : CPNP_ERR_UNEXPECTED;
}

/* contradictions.md, 28: that of an UPDATE is good from its ACK on. */
int
cpnp_server_check_agreement(const struct order_step *s)
{
	struct order_standing aside;

	return cpnp_order_get_aside(&s->order->now, &aside)
	    ? check_nonce(s, aside.nonce, aside.nonce_len)
	    : cpnp_server_check_nonce(s);
}

/* contradictions.md, 24: an ACCEPT is matched on the order digest. */
static int
check_accept(struct order_step *s)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err = cpnp_server_check_nonce(s);

	if (err == 0)
		err = cpnp_order_digest_agreement(s->orders, s->order, s->msg,
		    s->order->now.validity, digest);
	if (err != 0)
		return err;
	if (memcmp(digest, s->order->now.order_digest, sizeof(digest)) != 0 &&
	    !CPNP_FAULT(NONCE)) {
		s->why = "it is not a copy of the OFFER";
		return CPNP_ERR_MISMATCH;
	}
	return 0;
}

static int
is_processed(struct order_step *s)
{
	if (!is_our_id(s))
		return CPNP_ERR_MISMATCH;
	cpnp_step_record_input(s);
	if (s->order->now.state == CPNP_STATE_PROCESSING_RECEIVED)
		return 0;
	return cpnp_order_change_state(
	    s, CPNP_STATE_PROCESSING_RECEIVED, NULL, NULL);
}

/* Add the receipt to the ACK in orders->build, if the message takes it: it can
 * be had from the journal later, the ACK cannot. */
static void
add_receipt(struct order_step *s)
{
	cpnp_buf *out = &s->orders->out;
	cpnp_msg *msg = &s->orders->build;

	if (s->receipt.len == 0)
		return;
	msg->receipt = s->receipt;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_RECEIPT);
	/* with the longest number, to see how long it is */
	if (cpnp_msg_allow(msg, CPNP_ATTR_SEQUENCE_NUMBER))
		msg->sequence_number = UINT32_MAX;
	cpnp_buf_reset(out);
	if (cpnp_msg_encode(msg, out, NULL) != 0)
		msg->present &= ~CPNP_ATTR_BIT(CPNP_ATTR_RECEIPT);
}

int
cpnp_server_send_ack(struct order_step *s, cpnp_doc doc)
{
	cpnp_msg *msg;
	int err = cpnp_order_read_doc(s->orders, s->order, doc);

	if (err != 0)
		return err;
	msg = cpnp_order_build(s, CPNP_METHOD_ACK);
	msg->service_description = s->orders->doc.service_description;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	if (s->statement.len > 0) {
		msg->statement = s->statement;
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_STATEMENT);
	}
	/* Tells it from the ACK of an ACCEPT that carries the same CPD. */
	if (doc == CPNP_DOC_REQUEST)
		cpnp_order_explain(msg, "CANCEL", "the order is cancelled");
	add_receipt(s);
	return close_with(s);
}

int
cpnp_server_send_empty_ack(struct order_step *s)
{
	uint8_t store[16];
	cpnp_msg *msg;
	cpnp_buf buf;
	int err = cpnp_order_read_doc(s->orders, s->order, CPNP_DOC_REQUEST);

	if (err != 0)
		return err;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	cpnp_order_put_empty(s->orders->doc.service_description, &buf);
	msg = cpnp_order_build(s, CPNP_METHOD_ACK);
	msg->service_description = cpnp_buf_bytes(&buf);
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_SERVICE_DESCRIPTION);
	if (s->event == CPNP_EVENT_RECV_CANCEL)
		cpnp_order_explain(msg, "CANCEL", "the update is cancelled");
	return close_with(s);
}

static int
complete(struct order_step *s)
{
	int err = cpnp_service_agreed(s);

	cpnp_update_done(s);
	if (err == 0)
		err = cpnp_order_change_state(s, CPNP_STATE_COMPLETED, NULL,
		    s->statement.len > 0 ? &s->statement : NULL);
	if (err == 0)
		err = cpnp_server_send_ack(s, CPNP_DOC_OFFER);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* A statement in the ACCEPT is answered by one in the ACK. */
static int
agree(struct order_step *s)
{
	if (s->orders->config.sign && s->order->now.has_accept_statement)
		return cpnp_step_ask(s, ORDER_PENDING_SIGN_ACK);
	return complete(s);
}

/* contradictions.md, 18: the validity is judged when the ACCEPT arrives. */
static int
accept_too_late(struct order_step *s)
{
	int err;

	cpnp_step_record_input(s);
	err = cpnp_order_change_state(s, CPNP_STATE_CANCELLED,
	    "the ACCEPT came after the validity of the offer", NULL);
	cpnp_order_build_fail(s, CPNP_STATUS_MESSAGE_VALIDATION,
	    "the validity of the offer has ended");
	if (err == 0)
		err = close_with(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* The payment or confirmation comes first, then the signature: nothing is
 * acknowledged that is not paid. */
static int
pay(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (CPNP_FAULT(UNPAID))
		o->paid = o->has_terms || o->confirm;
	return cpnp_order_awaits_payment(o) ? cpnp_server_ask_payment(s)
					    : agree(s);
}

static int
paid(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	int err;

	if (o->pending != ORDER_PENDING_PAY)
		return CPNP_ERR_STATE;
	o->pending = ORDER_PENDING_NONE;
	o->binding = false;
	o->paid = true;
	err = cpnp_order_keep(s);
	return err != 0 ? err : agree(s);
}

/* The agreement does not come about; what an UPDATE would have changed stands,
 * and what paid for it. */
static int
not_paid(struct order_step *s)
{
	return s->order->now.pending == ORDER_PENDING_PAY
	    ? refuse(s, s->status, NULL)
	    : CPNP_ERR_STATE;
}

static int
accept(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	const cpnp_bytes *leaf = NULL;
	int err = check_accept(s);

	if (err != 0)
		return err;
	if (s->now.wall.sec >= o->validity.sec && !CPNP_FAULT(LATE_ACCEPT))
		return accept_too_late(s);
	err = cpnp_order_check_statement(s, CPNP_STATEMENT_ACCEPT,
	    s->input->require_statement, &o->has_accept_statement);
	if (err != 0) {
		s->why = "it has no valid statement";
		if (!cpnp_msg_has(s->msg, CPNP_ATTR_STATEMENT))
			s->answer = CPNP_STATUS_AUTHENTICATION_REQUIRED;
		return err;
	}
	err = cpnp_server_keep_payment(s);
	if (err == 0 && o->has_accept_statement) {
		leaf = &s->msg->statement;
		err = cpnp_order_statement_digest(
		    s->orders, *leaf, o->accept_statement);
	}
	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	err = cpnp_order_change_state(
	    s, CPNP_STATE_ACCEPT_RECEIVED, NULL, leaf);
	return err != 0 ? err : pay(s);
}

/* The ACCEPT once more, or a CANCEL that is too late, while the ACK is being
 * made: PROCESSING says so (RFC 8921, 11.4), and a signature that failed is
 * asked for again. */
static int
accept_in_work(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	bool is_new_cancel = s->event == CPNP_EVENT_RECV_CANCEL && !s->again;
	int err;

	if (o->pending == ORDER_PENDING_NONE) {
		err = agree(s);
		if (err != 0 || o->state == CPNP_STATE_COMPLETED)
			return err;
	}
	if (!is_new_cancel &&
	    cpnp_order_last_method(s->order) != CPNP_METHOD_OFFER)
		return cpnp_order_answer_again(s);
	if (s->now.mono < o->quiet)
		return 0;
	o->quiet = s->now.mono + s->orders->config.resend_interval;
	(void)cpnp_order_build(s, CPNP_METHOD_PROCESSING);
	return cpnp_order_send(s);
}

/* An ACCEPT under a new number, after the first one. */
static int
accept_again(struct order_step *s)
{
	int err = check_accept(s);

	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	return s->order->now.state == CPNP_STATE_ACCEPT_RECEIVED
	    ? accept_in_work(s)
	    : cpnp_order_answer_again(s);
}

static int
ack_signed(struct order_step *s)
{
	int err;

	if (s->order->now.pending != ORDER_PENDING_SIGN_ACK)
		return CPNP_ERR_STATE;
	err = cpnp_order_check_signed(s);
	return err != 0 ? err : complete(s);
}

static int
ack_not_signed(struct order_step *s)
{
	if (s->order->now.pending != ORDER_PENDING_SIGN_ACK)
		return CPNP_ERR_STATE;
	s->order->now.pending = ORDER_PENDING_NONE;
	return 0;
}

static int
cancel(struct order_step *s)
{
	bool is_open = s->order->now.state != CPNP_STATE_CANCELLED;
	int err = 0;

	cpnp_step_record_input(s);
	if (is_open)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_CANCELLED, NULL, NULL);
	if (err == 0)
		err = cpnp_server_send_ack(s, CPNP_DOC_REQUEST);
	return err != 0 || !is_open ? err : cpnp_step_end_transaction(s);
}

#define GAP "unacceptable gap between the request and the offer"
#define CONFLICT "conflict with an offer of another server"
#define ACTIVATION "activation type mismatch"

/* The reasons of a DECLINE (RFC 8921, Table 3), for the history. */
static const char *
why_declined(const cpnp_msg *msg)
{
	static const char *const texts[] = {NULL, GAP, CONFLICT,
	    GAP ", " CONFLICT, ACTIVATION, GAP ", " ACTIVATION,
	    CONFLICT ", " ACTIVATION, GAP ", " CONFLICT ", " ACTIVATION};
	unsigned set = 0;

	if (cpnp_msg_has(msg, CPNP_ATTR_REASON))
		for (size_t i = 0; i < msg->reasons_n; i++)
			set |= 1u << (msg->reasons[i] -
			    CPNP_REASON_UNACCEPTABLE_GAP);
	return set < sizeof(texts) / sizeof(texts[0]) ? texts[set] : NULL;
}

/* contradictions.md, 4 and 17: Cancelled, and an ACK with the empty CPD. */
static int
decline(struct order_step *s)
{
	bool is_open = s->order->now.state != CPNP_STATE_CANCELLED;
	int err = cpnp_server_check_nonce(s);

	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	if (is_open)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_CANCELLED, why_declined(s->msg), NULL);
	if (err == 0)
		err = cpnp_server_send_empty_ack(s);
	return err != 0 || !is_open ? err : cpnp_step_end_transaction(s);
}

/* A definite verdict on an ACCEPT of an order that is over. */
static int
accept_when_cancelled(struct order_step *s)
{
	int err = check_accept(s);

	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	return cpnp_order_send_fail(s, CPNP_STATUS_MESSAGE_VALIDATION,
	    "the order is cancelled or its offer has expired");
}

static int
offer_expired(struct order_step *s)
{
	int err;

	if (CPNP_FAULT(RELEASE)) {
		s->order->now.validity.sec += 1000000;
		return 0;
	}
	err = cpnp_order_change_state(s, CPNP_STATE_CANCELLED,
	    "the validity of the offer ended", NULL);
	if (err == 0)
		err = cpnp_update_undo(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* An UPDATE came to nothing, and the client has not heard or ends it too: what
 * it asked for is gone, and its ACK has the empty CPD. */
static int
end_undone(struct order_step *s)
{
	if (!s->order->now.undone)
		return CPNP_ERR_UNEXPECTED;
	if (s->event == CPNP_EVENT_RECV_DECLINE && !is_our_id(s))
		return CPNP_ERR_UNKNOWN_ORDER;
	cpnp_step_record_input(s);
	return cpnp_server_send_empty_ack(s);
}

/* A request for a transaction while one is open, which may be its own. */
static int
on_agreement(struct order_step *s)
{
	return s->event == CPNP_EVENT_RECV_UPDATE &&
		s->order->now.kind == ORDER_KIND_UPDATE &&
		cpnp_bytes_equal(s->msg->transaction_id,
		    cpnp_order_transaction_id(s->order))
	    ? cpnp_server_request_again(s)
	    : cpnp_server_second(s);
}

/* Messages that a server is never given; cpnp_orders_recv() looks for an
 * order of the client's role. */
#define CASE_FOR_CLIENT                                                        \
	case CPNP_EVENT_RECV_OFFER

/* Nobody asks for more time. */
#define CASE_ANSWER_TO_MORE_TIME                                               \
	case CPNP_EVENT_RECV_ACK:                                              \
	case CPNP_EVENT_RECV_FAIL

#define CASE_ON_AGREEMENT                                                      \
	case CPNP_EVENT_RECV_WITHDRAW:                                         \
	case CPNP_EVENT_RECV_UPDATE:                                           \
	case CPNP_EVENT_RECV_ACTIVATE

#define CASE_COMMAND_OF_CLIENT                                                 \
	case CPNP_EVENT_NONE:                                                  \
	case CPNP_EVENT_CREATE:                                                \
	case CPNP_EVENT_START:                                                 \
	case CPNP_EVENT_ACCEPT:                                                \
	case CPNP_EVENT_DECLINE:                                               \
	case CPNP_EVENT_CANCEL:                                                \
	case CPNP_EVENT_WITHDRAW:                                              \
	case CPNP_EVENT_UPDATE:                                                \
	case CPNP_EVENT_ACTIVATE

/* What concerns the service of an agreement is the same in every state, and
 * cpnp_server_step() has seen to it. */
#define CASE_ON_SERVICE                                                        \
	case CPNP_EVENT_SERVICE_START:                                         \
	case CPNP_EVENT_SERVICE_END:                                           \
	case CPNP_EVENT_SET_ACTIVE:                                            \
	case CPNP_EVENT_SET_INACTIVE

static int
in_none(struct order_step *s)
{
	return s->event == CPNP_EVENT_RECV_QUOTATION ? quotation(s)
						     : CPNP_ERR_STATE;
}

/* AwaitingProcessing, and PQOReceived, which an order only passes through. */
static int
in_awaiting_processing(struct order_step *s)
{
	switch (s->event) {
	CASE_ON_AGREEMENT:
		return on_agreement(s);
	case CPNP_EVENT_RECV_QUOTATION:
		return cpnp_server_request_again(s);
	case CPNP_EVENT_RECV_CANCEL:
		return cancel(s);
	case CPNP_EVENT_OFFER:
		return offer(s);
	case CPNP_EVENT_REFUSE:
		return refuse(s, s->status, NULL);
	case CPNP_EVENT_MORE_TIME:
		return cpnp_server_more_time(s);
	case CPNP_EVENT_RECV_ACK:
	case CPNP_EVENT_RECV_FAIL:
		return cpnp_server_more_time_answered(s);
	case CPNP_EVENT_RETRANS:
		return cpnp_server_more_time_again(s);
	case CPNP_EVENT_SIGNED:
		return offer_signed(s);
	case CPNP_EVENT_SIGN_FAILED:
		return s->order->now.pending == ORDER_PENDING_SIGN_OFFER
		    ? refuse(s, CPNP_STATUS_OUT_OF_RESOURCES,
			  "the offer could not be signed")
		    : CPNP_ERR_STATE;
	case CPNP_EVENT_OFFER_EXPIRED:
		return refuse(s, CPNP_STATUS_OUT_OF_RESOURCES,
		    "no offer was decided by the expected offer time");
	case CPNP_EVENT_RECV_ACCEPT:
	case CPNP_EVENT_RECV_DECLINE:
	case CPNP_EVENT_RECV_PROCESSING:
	CASE_FOR_CLIENT:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_CLIENT:
	CASE_ON_SERVICE:
	case CPNP_EVENT_GRANT:
	case CPNP_EVENT_PAID:
	case CPNP_EVENT_NOT_PAID:
		break;
	}
	return CPNP_ERR_STATE;
}

/* OfferProposed and ProcessingReceived; the OFFER is repeated in the first
 * only. */
static int
in_offer_proposed(struct order_step *s)
{
	switch (s->event) {
	CASE_ON_AGREEMENT:
		return on_agreement(s);
	case CPNP_EVENT_RECV_QUOTATION:
		return cpnp_server_request_again(s);
	case CPNP_EVENT_RECV_PROCESSING:
		return is_processed(s);
	case CPNP_EVENT_RECV_ACCEPT:
		return accept(s);
	case CPNP_EVENT_RECV_DECLINE:
		return decline(s);
	case CPNP_EVENT_RECV_CANCEL:
		return cancel(s);
	case CPNP_EVENT_RETRANS:
		return cpnp_order_send_again(s);
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return offer_expired(s);
	CASE_ANSWER_TO_MORE_TIME:
	CASE_FOR_CLIENT:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_CLIENT:
	CASE_ON_SERVICE:
	case CPNP_EVENT_OFFER:
	case CPNP_EVENT_REFUSE:
	case CPNP_EVENT_MORE_TIME:
	case CPNP_EVENT_GRANT:
	case CPNP_EVENT_PAID:
	case CPNP_EVENT_NOT_PAID:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

static int
in_accept_received(struct order_step *s)
{
	switch (s->event) {
	CASE_ON_AGREEMENT:
		return on_agreement(s);
	case CPNP_EVENT_RECV_QUOTATION:
		return cpnp_server_request_again(s);
	case CPNP_EVENT_RECV_ACCEPT:
		return accept_again(s);
	case CPNP_EVENT_RECV_CANCEL:
		if (!cpnp_server_is_bound(&s->order->now))
			return cancel(s);
		cpnp_step_record_input(s);
		return accept_in_work(s);
	case CPNP_EVENT_PAID:
		return paid(s);
	case CPNP_EVENT_NOT_PAID:
		return not_paid(s);
	case CPNP_EVENT_SIGNED:
		return ack_signed(s);
	case CPNP_EVENT_SIGN_FAILED:
		return ack_not_signed(s);
	case CPNP_EVENT_RECV_DECLINE:
	case CPNP_EVENT_RECV_PROCESSING:
	CASE_ANSWER_TO_MORE_TIME:
	CASE_FOR_CLIENT:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
	case CPNP_EVENT_LINGER_EXPIRED:
		return 0;
	CASE_COMMAND_OF_CLIENT:
	CASE_ON_SERVICE:
	case CPNP_EVENT_OFFER:
	case CPNP_EVENT_REFUSE:
	case CPNP_EVENT_MORE_TIME:
	case CPNP_EVENT_GRANT:
		break;
	}
	return CPNP_ERR_STATE;
}

static int
in_completed(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_QUOTATION:
		return cpnp_server_request_again(s);
	case CPNP_EVENT_RECV_ACCEPT:
		return accept_again(s);
	case CPNP_EVENT_RECV_DECLINE:
		return end_undone(s);
	case CPNP_EVENT_RECV_CANCEL:
		if (s->order->now.undone)
			return end_undone(s);
		/* Too late: the agreement stands, and its ACK says so
		 * (contradictions.md, 5). */
		cpnp_step_record_input(s);
		return cpnp_order_answer_again(s);
	case CPNP_EVENT_RECV_WITHDRAW:
		return cpnp_server_withdraw(s);
	case CPNP_EVENT_RECV_UPDATE:
		return cpnp_server_update(s);
	case CPNP_EVENT_RECV_ACTIVATE:
		return cpnp_server_activate(s);
	case CPNP_EVENT_LINGER_EXPIRED:
		return cpnp_step_forget(s);
	case CPNP_EVENT_RECV_PROCESSING:
	CASE_ANSWER_TO_MORE_TIME:
	CASE_FOR_CLIENT:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return 0;
	CASE_COMMAND_OF_CLIENT:
	CASE_ON_SERVICE:
	case CPNP_EVENT_OFFER:
	case CPNP_EVENT_REFUSE:
	case CPNP_EVENT_MORE_TIME:
	case CPNP_EVENT_GRANT:
	case CPNP_EVENT_PAID:
	case CPNP_EVENT_NOT_PAID:
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
	case CPNP_EVENT_RECV_QUOTATION:
		return cpnp_server_request_again(s);
	case CPNP_EVENT_RECV_ACCEPT:
		return accept_when_cancelled(s);
	case CPNP_EVENT_RECV_DECLINE:
		return decline(s);
	case CPNP_EVENT_RECV_CANCEL:
		return cancel(s);
	case CPNP_EVENT_LINGER_EXPIRED:
		return cpnp_step_forget(s);
	CASE_ON_AGREEMENT:
	case CPNP_EVENT_RECV_PROCESSING:
	CASE_ANSWER_TO_MORE_TIME:
	CASE_FOR_CLIENT:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return 0;
	CASE_COMMAND_OF_CLIENT:
	CASE_ON_SERVICE:
	case CPNP_EVENT_OFFER:
	case CPNP_EVENT_REFUSE:
	case CPNP_EVENT_MORE_TIME:
	case CPNP_EVENT_GRANT:
	case CPNP_EVENT_PAID:
	case CPNP_EVENT_NOT_PAID:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
		break;
	}
	return CPNP_ERR_STATE;
}

/* contradictions.md, 12: a request gets the newest answer; what is an answer
 * itself gets none. */
static int
again(struct order_step *s)
{
	/* The answer to a request for more time is what its client repeats
	 * while it waits: it gets what came after that request. */
	if (s->event == CPNP_EVENT_RECV_ACK ||
	    s->event == CPNP_EVENT_RECV_FAIL)
		return s->order->now.state == CPNP_STATE_AWAITING_PROCESSING
		    ? 0
		    : cpnp_order_answer_again(s);
	if (!cpnp_msg_is_request(s->msg->method))
		return 0;
	if (s->event == CPNP_EVENT_RECV_ACCEPT && CPNP_FAULT(FORGET_ACK))
		return 0;
	if (s->event == CPNP_EVENT_RECV_ACTIVATE &&
	    s->order->now.outstanding)
		return cpnp_server_activate_in_work(s);
	return (s->event == CPNP_EVENT_RECV_ACCEPT ||
		   s->event == CPNP_EVENT_RECV_CANCEL) &&
		s->order->now.state == CPNP_STATE_ACCEPT_RECEIVED
	    ? accept_in_work(s)
	    : cpnp_order_answer_again(s);
}

static bool
is_on_service(cpnp_event event)
{
	return event == CPNP_EVENT_SERVICE_START ||
	    event == CPNP_EVENT_SERVICE_END ||
	    event == CPNP_EVENT_SET_ACTIVE || event == CPNP_EVENT_SET_INACTIVE;
}

int
cpnp_server_step(struct order_step *s)
{
	const struct order_now *o = &s->order->now;

	/* The way back is the one that the newest message came (RFC 8921,
	 * 8.1; contradictions.md, 14 and 22). */
	if (s->input != NULL)
		s->order->now.peer = s->input->peer;
	if (s->ahead)
		return cpnp_server_cancel_ahead(s);
	if (s->again)
		return again(s);
	if (is_on_service(s->event))
		return cpnp_service_step(s);
	if (o->agreement == CPNP_AGREEMENT_ENDED)
		return cpnp_server_step_withdrawn(s);
	switch (o->state) {
	case CPNP_STATE_NONE:
		return in_none(s);
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_AWAITING_PROCESSING:
		return in_awaiting_processing(s);
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
		return in_offer_proposed(s);
	case CPNP_STATE_ACCEPT_RECEIVED:
		return in_accept_received(s);
	case CPNP_STATE_COMPLETED:
		return o->kind == ORDER_KIND_ACTIVATE
		    ? cpnp_server_step_activated(s)
		    : in_completed(s);
	case CPNP_STATE_CANCELLED:
		return in_cancelled(s);
	case CPNP_STATE_CREATED:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_ACCEPT_SENT:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return CPNP_ERR_INTERNAL;
}
