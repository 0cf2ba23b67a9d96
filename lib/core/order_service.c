/*
 * The service of an agreement: whether it runs, and when it is to start and to
 * end (RFC 8921, 9.2.11; contradictions.md, 15).
 *
 *	Completed -> Active      [service_start, set_active, activate]
 *	Active -> Completed      [service_end, set_active, activate]
 *	either -> ended          [service_end]
 *
 * A start and an end (stop) are those of the ACTIVATE that was acknowledged
 * last, else those of the agreement; the end that the agreement itself gives
 * (over) stays whatever is activated in between, and waits for a transaction
 * that is open.  An UPDATE has to come to its ACCEPT before it
 * (cpnp_update_limit()).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "order_int.h"

void
cpnp_service_clear(struct order_now *o)
{
	o->has_start = o->has_stop = o->has_over = false;
}

/* The schedule in an OFFER, when it has one that is no deactivation. */
static int
read_schedule(
    struct order_step *s, cpnp_doc doc, bool *has, cpnp_schedule *schedule)
{
	int err;

	if (s->order->now.docs[doc] == NULL)
		return 0;
	err = cpnp_order_read_doc(s->orders, s->order, doc);
	*schedule = s->orders->doc.activation_schedule;
	*has = err == 0 &&
	    cpnp_msg_has(&s->orders->doc, CPNP_ATTR_ACTIVATION_SCHEDULE) &&
	    !schedule->deactivate;
	return err;
}

static bool
is_same_start(const cpnp_schedule *a, const cpnp_schedule *b)
{
	return a->has_start == b->has_start &&
	    (!a->has_start || a->start.sec == b->start.sec);
}

/*
 * The agreement says when; a service that runs goes on.  A start counts once:
 * one that an UPDATE has in common with what it changes leaves the service as
 * it is, also deactivated.
 */
int
cpnp_service_agreed(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	cpnp_schedule agreed = {0}, was = {0};
	bool has = false, had = false;
	int err = read_schedule(s, CPNP_DOC_STANDING_OFFER, &had, &was);

	if (err == 0)
		err = read_schedule(s, CPNP_DOC_OFFER, &has, &agreed);
	if (err != 0 || !has)
		return err;
	if (!had || !is_same_start(&agreed, &was)) {
		o->has_stop = false;
		o->has_start = o->agreement != CPNP_AGREEMENT_ACTIVE;
		o->start = agreed.has_start ? agreed.start : s->now.wall;
	}
	o->has_over = agreed.has_end;
	o->over = agreed.end;
	return 0;
}

int
cpnp_service_activate(struct order_step *s, const cpnp_schedule *schedule)
{
	struct order_now *o = &s->order->now;

	o->has_start = o->has_stop = false;
	s->dirty = true;
	if (schedule->deactivate)
		return cpnp_order_change_agreement(
		    s, CPNP_AGREEMENT_COMPLETED, NULL);
	o->has_stop = schedule->has_end;
	o->stop = schedule->end;
	o->has_start = schedule->has_start &&
	    schedule->start.sec > s->now.wall.sec;
	o->start = schedule->start;
	return o->has_start ? 0
			    : cpnp_order_change_agreement(
				  s, CPNP_AGREEMENT_ACTIVE, NULL);
}

static int
starts(struct order_step *s)
{
	struct order_now *o = &s->order->now;

	if (!o->has_start)
		return 0;
	o->has_start = false;
	s->dirty = true;
	return cpnp_order_change_agreement(s, CPNP_AGREEMENT_ACTIVE, NULL);
}

static int
ends(struct order_step *s)
{
	struct order_now *o = &s->order->now;
	bool is_open = cpnp_order_is_open(s->order);

	if (o->has_over && !is_open &&
	    (!o->has_stop || o->over.sec <= o->stop.sec))
		return cpnp_order_change_agreement(s, CPNP_AGREEMENT_ENDED,
		    "the end that was agreed");
	if (!o->has_stop)
		return 0;
	o->has_stop = false;
	s->dirty = true;
	return cpnp_order_change_agreement(
	    s, CPNP_AGREEMENT_COMPLETED, NULL);
}

int
cpnp_service_step(struct order_step *s)
{
	bool is_command = s->event == CPNP_EVENT_SET_ACTIVE ||
	    s->event == CPNP_EVENT_SET_INACTIVE;

	if (!cpnp_order_stands(s->order))
		return is_command ? CPNP_ERR_STATE : 0;
	if (s->event == CPNP_EVENT_SERVICE_START)
		return starts(s);
	if (s->event == CPNP_EVENT_SERVICE_END)
		return ends(s);
	return cpnp_order_change_agreement(s,
	    s->event == CPNP_EVENT_SET_ACTIVE ? CPNP_AGREEMENT_ACTIVE
					      : CPNP_AGREEMENT_COMPLETED,
	    NULL);
}

static void
take_earlier(bool has, cpnp_wtime date, cpnp_event event, cpnp_event *next,
    cpnp_wtime *next_date)
{
	if (!has || (*next != CPNP_EVENT_NONE && next_date->sec <= date.sec))
		return;
	*next = event;
	*next_date = date;
}

cpnp_event
cpnp_service_next(const cpnp_order *order, bool is_open, cpnp_wtime *date)
{
	const struct order_now *o = &order->now;
	cpnp_event next = CPNP_EVENT_NONE;

	take_earlier(
	    o->has_start, o->start, CPNP_EVENT_SERVICE_START, &next, date);
	take_earlier(
	    o->has_stop, o->stop, CPNP_EVENT_SERVICE_END, &next, date);
	take_earlier(o->has_over && !is_open, o->over, CPNP_EVENT_SERVICE_END,
	    &next, date);
	return next;
}

bool
cpnp_order_next_service_event(const cpnp_order *order, cpnp_wtime *date)
{
	return cpnp_service_next(order, false, date) != CPNP_EVENT_NONE;
}
