/*
 * More time to make an offer (RFC 8921, 9.2.2, Figures 11 and 12).
 *
 *	server	AwaitingProcessing, PROCESSING        [server_more_time]
 *		until ACK or FAIL                     [more_time_answered]
 *		or the tries are used up              [more_time_again]
 *	client	ServerProcessing, ACK or FAIL         [answer_more_time]
 *
 * The server repeats it as it does an OFFER; what the client has answered is
 * its newest message, which it repeats when it is asked again, and slowly
 * while it waits for the offer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "order_int.h"

/* ---- client ------------------------------------------------------------- */

static bool
is_granted(const struct order_now *o, cpnp_wtime date)
{
	switch (o->more_time) {
	case CPNP_MORE_TIME_AS_ASKED:
		return !o->has_response_time ||
		    date.sec <= o->response_time.sec;
	case CPNP_MORE_TIME_UNTIL:
		return date.sec <= o->more_time_until.sec;
	case CPNP_MORE_TIME_NEVER:
		break;
	}
	return false;
}

/*
 * A later time than the one that holds asks for more, and so does a subcode
 * when the first PROCESSING was lost.  One that was granted before, under a
 * new number, is granted again.
 */
bool
cpnp_client_is_more_time(const struct order_step *s)
{
	const struct order_now *o = &s->order->now;
	int64_t date = s->msg->expected_offer_time.sec;

	if (s->order->edition == CPNP_EDITION_DRAFT02 ||
	    !cpnp_msg_has(s->msg, CPNP_ATTR_EXPECTED_OFFER_TIME))
		return false;
	if (!o->has_offer_time)
		return cpnp_msg_has(s->msg, CPNP_ATTR_PROCESSING_SUBCODE);
	return date > o->offer_time.sec ||
	    (date == o->offer_time.sec &&
		cpnp_order_last_method(s->order) == CPNP_METHOD_ACK);
}

static int
grant(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_msg *msg;

	o->has_offer_time = true;
	o->offer_time = s->msg->expected_offer_time;
	if (o->more_time == CPNP_MORE_TIME_UNTIL && o->has_response_time &&
	    o->response_time.sec < o->more_time_until.sec)
		o->response_time = o->more_time_until;
	msg = cpnp_order_build(s, CPNP_METHOD_ACK);
	msg->expected_response_time = o->offer_time;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_RESPONSE_TIME);
	return cpnp_order_send(s);
}

int
cpnp_client_answer_more_time(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	int err = is_granted(o, s->msg->expected_offer_time)
	    ? grant(s)
	    : cpnp_order_send_fail(s, CPNP_STATUS_MORE_TIME_REJECTED, NULL);

	/* It is no request: only the slow repeats follow. */
	o->answered = true;
	cpnp_timer_arm_retrans(s->orders, s->order, s->now);
	return err;
}

/* ---- server ------------------------------------------------------------- */

int
cpnp_server_more_time(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_msg *msg;

	if (o->pending != ORDER_PENDING_DECIDE || o->more_asked)
		return CPNP_ERR_STATE;
	cpnp_update_limit(o, &s->offer_time);
	if (s->offer_time.sec <= s->now.wall.sec ||
	    (o->has_offer_time && s->offer_time.sec <= o->offer_time.sec))
		return CPNP_ERR_INVALID;
	o->more_asked = true;
	o->more_date = s->offer_time;
	msg = cpnp_order_build(s, CPNP_METHOD_PROCESSING);
	msg->expected_offer_time = s->offer_time;
	msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_EXPECTED_OFFER_TIME);
	if (s->subcode != CPNP_SUBCODE_NONE) {
		msg->processing_subcode = s->subcode;
		msg->present |= CPNP_ATTR_BIT(CPNP_ATTR_PROCESSING_SUBCODE);
	}
	return cpnp_order_send(s);
}

static int
tell_time(struct order_step *s, bool is_granted)
{
	struct order_now *o = &s->order->now;
	struct order_effect *e;
	int err = cpnp_order_note(s,
	    is_granted ? "more time was granted" : "more time was not granted");

	if (err != 0)
		return err;
	o->more_asked = false;
	e = cpnp_step_push(s, CPNP_EFFECT_TIME);
	if (e == NULL)
		return CPNP_ERR_INTERNAL;
	e->effect.u.time.granted = is_granted;
	e->effect.u.time.expected_offer_time = o->offer_time;
	return 0;
}

/* contradictions.md, 11: an ACK or FAIL of a client has its place only here.
 * It may grant less than was asked for. */
int
cpnp_server_more_time_answered(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_wtime date = o->more_date;
	bool is_ack = s->event == CPNP_EVENT_RECV_ACK;

	if (!o->more_asked)
		return CPNP_ERR_UNEXPECTED;
	/* contradictions.md, 29: a FAIL may leave it out */
	if (cpnp_msg_has(s->msg, CPNP_ATTR_PROVIDER_ORDER_ID) &&
	    !cpnp_bytes_equal(s->msg->provider_order_id,
		cpnp_order_provider_id(s->order)))
		return CPNP_ERR_MISMATCH;
	cpnp_step_record_input(s);
	if (cpnp_msg_has(s->msg, CPNP_ATTR_EXPECTED_RESPONSE_TIME) &&
	    s->msg->expected_response_time.sec < date.sec)
		date = s->msg->expected_response_time;
	if (!is_ack || date.sec <= o->offer_time.sec)
		return tell_time(s, false);
	o->offer_time = date;
	return tell_time(s, true);
}

int
cpnp_server_more_time_again(struct order_step *s)
{
	const struct order_now *o = &s->order->now;

	if (!o->more_asked)
		return 0;
	return o->tries <= s->orders->config.retries_max
	    ? cpnp_order_send_again(s)
	    : tell_time(s, false);
}
