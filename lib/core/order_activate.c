/*
 * ACTIVATE (RFC 8921, 9.2.11): a transaction of its own on an agreement, which
 * stays Completed and is outstanding until there is an answer.
 *
 *	client	Completed, ACTIVATE                        [client_activate]
 *		Completed, the service as it asked         [acknowledged]
 *		Completed                                  [refused]
 *	server	Completed, a decision is asked for         [server_activate]
 *		Completed, ACK, the service as was asked   [grant]
 *		Completed, FAIL                            [refuse]
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "order_int.h"

/* ---- client ------------------------------------------------------------- */

int
cpnp_client_activate(struct order_step *s)
{
	cpnp_msg *msg;
	int err = cpnp_client_begin(s, ORDER_KIND_ACTIVATE);

	if (err != 0)
		return err;
	s->order->now.outstanding = true;
	msg = cpnp_order_build(s, CPNP_METHOD_ACTIVATE);
	msg->activation_schedule = *s->schedule;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_ACTIVATION_SCHEDULE);
	return cpnp_order_send(s);
}

/* The ACK has the CPD of the agreement, or none at all (RFC 8921, Figure
 * 16). */
static int
acknowledged(struct order_step *s)
{
	const cpnp_msg *request = &s->orders->doc;
	bool is_agreed = true;
	int err = 0;

	if (!cpnp_client_is_from_provider(s))
		return CPNP_ERR_MISMATCH;
	if (cpnp_msg_has(s->msg, CPNP_ATTR_SERVICE_DESCRIPTION))
		err = cpnp_client_has_service_of(
		    s, CPNP_DOC_OFFER, &is_agreed);
	if (err == 0 && !is_agreed)
		err = CPNP_ERR_MISMATCH;
	if (err == 0)
		err = cpnp_order_read_doc(
		    s->orders, s->order, CPNP_DOC_LAST_OUT);
	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	s->order->now.outstanding = false;
	err = cpnp_service_activate(s, &request->activation_schedule);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

static int
refused(struct order_step *s)
{
	int err = cpnp_client_check_fail(s);

	if (err != 0)
		return err;
	cpnp_step_record_input(s);
	s->order->now.outstanding = false;
	s->order->now.status = s->msg->status;
	err = cpnp_order_note(s, cpnp_status_text(s->msg->status));
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

int
cpnp_client_step_activated(struct order_step *s)
{
	static const struct order_asked activate = {
	    acknowledged, refused, cpnp_order_send_again};

	return cpnp_client_step_asked(s, &activate);
}

/* ---- server ------------------------------------------------------------- */

int
cpnp_server_activate(struct order_step *s)
{
	const cpnp_schedule *schedule = &s->msg->activation_schedule;
	int err = cpnp_server_check_agreement(s);

	if (err == 0 && schedule->has_end &&
	    schedule->end.sec <= s->now.wall.sec) {
		s->why = "the end of the schedule has passed";
		err = CPNP_ERR_MISMATCH;
	}
	if (err == 0)
		err = cpnp_server_begin(s, ORDER_KIND_ACTIVATE);
	if (err != 0 || !s->begun)
		return err;
	cpnp_step_record_input(s);
	s->order->now.outstanding = true;
	err = cpnp_order_keep_doc(s, CPNP_DOC_ACTIVATE);
	if (err == 0)
		err = cpnp_order_note(s, "ACTIVATE");
	return err != 0 ? err : cpnp_step_ask(s, ORDER_PENDING_DECIDE);
}

/* RFC 8921, 11.4: an answer is not there yet. */
int
cpnp_server_activate_in_work(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (cpnp_order_last_method(s->order) == CPNP_METHOD_PROCESSING)
		return cpnp_order_answer_again(s);
	if (s->now.mono < o->quiet)
		return 0;
	o->quiet = s->now.mono + s->orders->config.resend_interval;
	(void)cpnp_order_build(s, CPNP_METHOD_PROCESSING);
	return cpnp_order_send(s);
}

static void
decided(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	o->outstanding = false;
	o->pending = ORDER_PENDING_NONE;
	cpnp_blob_set(&s->orders->env, &o->docs[CPNP_DOC_ACTIVATE], NULL);
}

static int
grant(struct order_step *s)
{
	cpnp_schedule schedule;
	int err;

	if (s->order->now.pending != ORDER_PENDING_DECIDE)
		return CPNP_ERR_STATE;
	err = cpnp_order_read_doc(s->orders, s->order, CPNP_DOC_ACTIVATE);
	if (err != 0)
		return err;
	schedule = s->orders->doc.activation_schedule;
	decided(s);
	err = cpnp_service_activate(s, &schedule);
	if (err == 0)
		err = cpnp_server_send_ack(s, CPNP_DOC_OFFER);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

static int
refuse(struct order_step *s)
{
	int err;

	if (s->order->now.pending != ORDER_PENDING_DECIDE)
		return CPNP_ERR_STATE;
	decided(s);
	s->order->now.status = s->status;
	err = cpnp_order_note(s, cpnp_status_text(s->status));
	if (err == 0)
		err = cpnp_order_send_fail(s, s->status, NULL);
	return err != 0 ? err : cpnp_step_end_transaction(s);
}

int
cpnp_server_step_activated(struct order_step *s)
{
	switch (s->event) {
	case CPNP_EVENT_GRANT:
		return grant(s);
	case CPNP_EVENT_REFUSE:
		return refuse(s);
	case CPNP_EVENT_RECV_WITHDRAW:
		return cpnp_server_withdraw(s);
	case CPNP_EVENT_RECV_UPDATE:
		return cpnp_server_update(s);
	case CPNP_EVENT_RECV_ACTIVATE:
		return cpnp_server_activate(s);
	case CPNP_EVENT_LINGER_EXPIRED:
		return s->order->now.outstanding ? 0 : cpnp_step_forget(s);
	case CPNP_EVENT_RECV_QUOTATION:
	case CPNP_EVENT_RECV_ACCEPT:
	case CPNP_EVENT_RECV_DECLINE:
	case CPNP_EVENT_RECV_CANCEL:
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
	case CPNP_EVENT_ACCEPT:
	case CPNP_EVENT_DECLINE:
	case CPNP_EVENT_CANCEL:
	case CPNP_EVENT_SIGNED:
	case CPNP_EVENT_SIGN_FAILED:
	case CPNP_EVENT_WITHDRAW:
	case CPNP_EVENT_UPDATE:
	case CPNP_EVENT_ACTIVATE:
	case CPNP_EVENT_MORE_TIME:
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
