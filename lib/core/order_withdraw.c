/*
 * WITHDRAW (RFC 8921, 9.2.8, 11.1.2 and 11.2.2): a transaction of its own on
 * an agreement.
 *
 *	client	Completed -> Cancelled, WITHDRAW           [client_withdraw]
 *		Cancelled, agreement ended                 [acknowledged]
 *		Cancelled -> Completed                     [refused]
 *	server	Completed -> Cancelled, agreement ended,
 *		    ACK with the empty CPD                 [server_withdraw]
 *
 * The agreement of the client stands until the ACK is there, so that it does
 * not forget a service that still runs (contradictions.md, 27), and a FAIL
 * leaves it as it was (contradictions.md, 33).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "order_int.h"

/* ---- client ------------------------------------------------------------- */

int
cpnp_client_withdraw(struct order_step *s)
{
	bool has_authorization = s->authorization.len > 0;
	cpnp_msg *msg;
	int err;

	if (has_authorization && !s->order->now.has_terms)
		return CPNP_ERR_MISMATCH;
	if (has_authorization && !cpnp_order_is_item(s->authorization))
		return CPNP_ERR_INVALID;
	err = cpnp_client_begin(s, ORDER_KIND_WITHDRAW);
	if (err == 0)
		err = cpnp_order_change_state(
		    s, CPNP_STATE_CANCELLED, NULL, NULL);
	if (err != 0)
		return err;
	s->order->now.outstanding = true;
	msg = cpnp_order_build(s, CPNP_METHOD_WITHDRAW);
	msg->payment_authorization = s->authorization;
	if (has_authorization)
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_PAYMENT_AUTHORIZATION);
	return cpnp_order_send(s);
}

static int
acknowledged(struct order_step *s)
{
	int err;

	if (!cpnp_client_is_from_provider(s) ||
	    !cpnp_order_is_empty(s->msg->service_description))
		return CPNP_ERR_MISMATCH;
	cpnp_step_record_input(s);
	err = cpnp_order_end_agreement(s);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/* A definite no: the agreement stands. */
static int
refused(struct order_step *s)
{
	int err = cpnp_client_check_fail(s);

	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	err = cpnp_order_change_state(s, CPNP_STATE_COMPLETED,
	    cpnp_status_text(s->msg->status), NULL);
	s->order->now.status = s->msg->status;
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

/*
 * Time for the next try.  When the tries of a cycle are used up without an
 * ACK somebody has to know (RFC 8921, 11.1.2; R16), and the next cycle comes
 * by itself after withdraw_retry (contradictions.md, 8).
 */
static int
try_again(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	int err;

	if (!o->answered && o->tries <= s->orders->config.retries_max)
		return cpnp_order_send_again(s);
	o->answered = false;
	o->tries = 0;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	err = cpnp_order_note(s, "the WITHDRAW was not acknowledged");
	if (err != 0)
		return err;
	return cpnp_step_push(s, CPNP_EFFECT_ALARM) == NULL
	    ? CPNP_ERR_INTERNAL
	    : 0;
}

/* Cancelled by a WITHDRAW, outstanding or after its ACK; or the agreement has
 * ended by itself. */
int
cpnp_client_step_withdrawn(struct order_step *s)
{
	static const struct order_asked withdraw = {
	    acknowledged, refused, try_again};

	return cpnp_client_step_asked(s, &withdraw);
}

/* ---- server ------------------------------------------------------------- */

/* RFC 8921, 11.2.2.  One for an agreement that has ended is answered as the
 * first one was. */
int
cpnp_server_withdraw(struct order_step *s)
{
	bool is_open = s->order->now.agreement != CPNP_AGREEMENT_ENDED;
	int err = is_open ? cpnp_server_begin(s, ORDER_KIND_WITHDRAW)
			  : cpnp_server_check_nonce(s);

	if (err == 0 && !is_open)
		err = cpnp_order_begin(
		    s, ORDER_KIND_WITHDRAW, s->msg->transaction_id);
	if (err != 0 || (is_open && !s->begun))
		return err;
	cpnp_step_record_input(s);
	if (is_open)
		err = cpnp_order_end_agreement(s);
	if (err == 0)
		err = cpnp_server_send_empty_ack(s);
	return err != 0 || !is_open ? err : cpnp_step_end_transaction(s);
}

int
cpnp_server_step_withdrawn(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_RECV_WITHDRAW:
		return cpnp_server_withdraw(s);
	case CPNP_EVENT_LINGER_EXPIRED:
		return cpnp_step_forget(s);
	case CPNP_EVENT_RECV_QUOTATION:
	case CPNP_EVENT_RECV_ACCEPT:
	case CPNP_EVENT_RECV_DECLINE:
	case CPNP_EVENT_RECV_CANCEL:
	case CPNP_EVENT_RECV_UPDATE:
	case CPNP_EVENT_RECV_ACTIVATE:
	case CPNP_EVENT_RECV_PROCESSING:
	case CPNP_EVENT_RECV_OFFER:
	case CPNP_EVENT_RECV_ACK:
	case CPNP_EVENT_RECV_FAIL:
		return CPNP_ERR_UNEXPECTED;
	case CPNP_EVENT_RETRANS:
	case CPNP_EVENT_RESPONSE_EXPIRED:
	case CPNP_EVENT_OFFER_EXPIRED:
	case CPNP_EVENT_VALIDITY_EXPIRED:
		return 0;
	case CPNP_EVENT_NONE:
	case CPNP_EVENT_CREATE:
	case CPNP_EVENT_START:
	case CPNP_EVENT_OFFER:
	case CPNP_EVENT_REFUSE:
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_CANCEL:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
	case CPNP_EVENT_WITHDRAW:
	case CPNP_EVENT_UPDATE:
	case CPNP_EVENT_ACTIVATE:
	case CPNP_EVENT_MORE_TIME:
	case CPNP_EVENT_GRANT:
	case CPNP_EVENT_PAID:
	case CPNP_EVENT_NOT_PAID:
	case CPNP_EVENT_SERVICE_START:
	case CPNP_EVENT_SERVICE_END:
	case CPNP_EVENT_SET_ACTIVE:
	case CPNP_EVENT_SET_INACTIVE:
		break;
	}
	return CPNP_ERR_STATE;
}
