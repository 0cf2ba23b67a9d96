/*
 * Timers of orders (RFC 8921, 8.5).  A date from a message becomes a moment
 * of the monotonic clock when it is armed (contradictions.md, 6); each order
 * is once in a heap, with the earliest of its moments.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "order_int.h"

static void
place(cpnp_orders *orders, size_t pos, cpnp_order *order)
{
	orders->heap[pos] = order;
	order->heap_pos = pos;
}

static void
sift_up(cpnp_orders *orders, size_t pos, cpnp_order *order)
{
	size_t up;

	for (; pos > 0; pos = up) {
		up = (pos - 1) / 2;
		if (orders->heap[up]->expiry <= order->expiry)
			break;
		place(orders, pos, orders->heap[up]);
	}
	place(orders, pos, order);
}

static void
sift_down(cpnp_orders *orders, size_t pos, cpnp_order *order)
{
	size_t down;

	while ((down = 2 * pos + 1) < orders->heap_n) {
		if (down + 1 < orders->heap_n &&
		    orders->heap[down + 1]->expiry <
			orders->heap[down]->expiry)
			down++;
		if (order->expiry <= orders->heap[down]->expiry)
			break;
		place(orders, pos, orders->heap[down]);
		pos = down;
	}
	place(orders, pos, order);
}

void
cpnp_timer_remove(cpnp_orders *orders, cpnp_order *order)
{
	size_t pos = order->heap_pos;
	cpnp_order *last;

	if (pos == ORDER_NOT_IN_HEAP)
		return;
	order->heap_pos = ORDER_NOT_IN_HEAP;
	last = orders->heap[--orders->heap_n];
	if (last == order)
		return;
	if (pos > 0 && last->expiry < orders->heap[(pos - 1) / 2]->expiry)
		sift_up(orders, pos, last);
	else
		sift_down(orders, pos, last);
}

static void
schedule(cpnp_orders *orders, cpnp_order *order, cpnp_tstamp expiry)
{
	if (order->heap_pos != ORDER_NOT_IN_HEAP && order->expiry == expiry)
		return;
	cpnp_timer_remove(orders, order);
	order->expiry = expiry;
	if (expiry != CPNP_NEVER)
		sift_up(orders, orders->heap_n++, order);
}

/* The moment at which the wall clock shows date. */
static cpnp_tstamp
moment_of(cpnp_wtime date, cpnp_now now)
{
	uint64_t ahead;

	if (date.sec <= now.wall.sec)
		return now.mono;
	ahead = (uint64_t)date.sec - (uint64_t)now.wall.sec;
	if (ahead > (CPNP_NEVER - 1 - now.mono) / CPNP_SECONDS(1))
		return CPNP_NEVER;
	return now.mono + CPNP_SECONDS(ahead);
}

/* The date that ends the state, and the event that then comes. */
static cpnp_event
next_date(const cpnp_order *order, cpnp_wtime *date)
{
	const struct order_now *o = &order->now;

	switch (o->state) {
	case CPNP_STATE_PQO_SENT: /* no offer is expected at a time yet */
		*date = o->response_time;
		return o->has_response_time ? CPNP_EVENT_RESPONSE_EXPIRED
					    : CPNP_EVENT_NONE;
	case CPNP_STATE_SERVER_PROCESSING:
		*date = o->response_time;
		if (o->has_offer_time &&
		    (!o->has_response_time ||
			o->offer_time.sec < o->response_time.sec)) {
			*date = o->offer_time;
			return CPNP_EVENT_OFFER_EXPIRED;
		}
		return o->has_response_time ? CPNP_EVENT_RESPONSE_EXPIRED
					    : CPNP_EVENT_NONE;
	case CPNP_STATE_AWAITING_PROCESSING:
		*date = o->offer_time;
		return order->role == CPNP_SERVER && o->has_offer_time
		    ? CPNP_EVENT_OFFER_EXPIRED
		    : CPNP_EVENT_NONE;
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
		*date = o->validity;
		return CPNP_EVENT_VALIDITY_EXPIRED;
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_ACCEPT_SENT:
	case CPNP_STATE_COMPLETED:
	case CPNP_STATE_CANCELLED:
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return CPNP_EVENT_NONE;
}

/* A moment that was armed from the same date stays. */
static cpnp_tstamp
moment_again(bool is_same, cpnp_tstamp moment, cpnp_event event,
    cpnp_wtime date, cpnp_now now)
{
	if (event == CPNP_EVENT_NONE)
		return CPNP_NEVER;
	return is_same ? moment : moment_of(date, now);
}

static void
arm_deadline(struct order_now *o, cpnp_event event, cpnp_wtime date,
    bool again, cpnp_now now)
{
	bool is_same = !again && event == o->deadline_event &&
	    date.sec == o->deadline_date.sec;

	o->deadline = moment_again(is_same, o->deadline, event, date, now);
	o->deadline_event = event;
	o->deadline_date = date;
}

static void
arm_service(cpnp_order *order, bool again, cpnp_now now)
{
	struct order_now *o = &order->now;
	cpnp_wtime date = {0};
	cpnp_event event =
	    cpnp_service_next(order, cpnp_order_is_open(order), &date);
	bool is_same = !again && event == o->service_event &&
	    date.sec == o->service_date.sec;

	o->service = moment_again(is_same, o->service, event, date, now);
	o->service_event = event;
	o->service_date = date;
}

static cpnp_tstamp
earlier(cpnp_tstamp a, cpnp_tstamp b)
{
	return a < b ? a : b;
}

void
cpnp_timer_arm(
    cpnp_orders *orders, cpnp_order *order, bool again, cpnp_now now)
{
	struct order_now *o = &order->now;
	cpnp_wtime date = {0};
	cpnp_event event = next_date(order, &date);

	arm_deadline(o, event, date, again, now);
	arm_service(order, again, now);
	if (!cpnp_order_is_waiting(order))
		o->retrans = CPNP_NEVER;
	if (!cpnp_order_is_settled(order))
		o->linger = CPNP_NEVER;
	else if (o->linger == CPNP_NEVER)
		o->linger = now.mono + orders->config.linger;
	schedule(orders, order,
	    earlier(earlier(o->deadline, o->service),
		earlier(o->retrans, o->linger)));
}

void
cpnp_timer_arm_retrans(
    const cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	const cpnp_orders_config *config = &orders->config;
	struct order_now *o = &order->now;

	o->retrans = CPNP_NEVER;
	if (!cpnp_order_is_waiting(order) || o->peer == 0)
		return;
	/* The cycle of a WITHDRAW: its tries, and then a long time (RFC 8921,
	 * 11.1.2).  tries is 0 when the next cycle is awaited. */
	if (cpnp_order_is_withdrawing(order)) {
		o->retrans = now.mono +
		    (o->answered || o->tries == 0 ? config->withdraw_retry
						  : config->retrans_timer);
		return;
	}
	/* The last try has its time too, before it is given up. */
	if (o->more_asked ||
	    (!o->answered && o->tries <= config->retries_max)) {
		o->retrans = now.mono + config->retrans_timer;
		return;
	}
	/* An offer that nobody answers stays open, silently
	 * (contradictions.md, 31). */
	if (order->role == CPNP_SERVER)
		return;
	if (o->repeat == 0)
		o->repeat = config->repeat_min;
	else if (o->repeat < config->repeat_max / 2)
		o->repeat *= 2;
	else
		o->repeat = config->repeat_max;
	o->retrans = now.mono + o->repeat;
}

void
cpnp_order_set_arrival(cpnp_orders *orders, cpnp_order *order,
    cpnp_tstamp arrived, cpnp_now now)
{
	struct order_now *o = &order->now;

	if (o->retrans == CPNP_NEVER)
		return;
	o->retrans = arrived +
	    (o->repeat != 0 ? o->repeat : orders->config.retrans_timer);
	cpnp_timer_arm(orders, order, false, now);
}

cpnp_event
cpnp_timer_due(const cpnp_order *order, cpnp_now now)
{
	const struct order_now *o = &order->now;

	if (o->deadline <= now.mono)
		return o->deadline_event;
	if (o->service <= now.mono)
		return o->service_event;
	if (o->retrans <= now.mono)
		return CPNP_EVENT_RETRANS;
	if (o->linger <= now.mono)
		return CPNP_EVENT_LINGER_EXPIRED;
	return CPNP_EVENT_NONE;
}

void
cpnp_timer_put_off(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	schedule(orders, order, now.mono + CPNP_SECONDS(1));
}
