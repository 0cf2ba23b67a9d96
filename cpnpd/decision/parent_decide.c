/*
 * A parent in decision: neighbours are asked, alternatives taken, and the
 * customer is offered what there is.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parent_int.h"

#define NONE CPNP_PARENT_NONE

enum cpnp_parent_use
cpnp_parent_use_of(const struct cpnp_parent_decision *d,
    const cpnp_parent_segment *s, const cpnp_parent_child *c)
{
	if (c->segment != s->segment || cpnp_parent_is_withdrawing(c))
		return USE_NONE;
	if (cpnp_parent_serves(c, s->part))
		return USE_AGREED;
	if (c->request != d->view->request || c->part != s->part)
		return cpnp_parent_stands(c) && c->part_agreed == s->part
			   ? USE_PENDING
			   : USE_NONE;
	switch (cpnp_parent_state_of(c)) {
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
		return USE_PENDING;
	case CPNP_STATE_OFFER_PROCESSING:
		if (c->accepting)
			return USE_SENT;
		return cpnp_parent_has_come(d, c->validity) ? USE_NONE
							    : USE_OFFER;
	case CPNP_STATE_ACCEPT_SENT:
		return USE_SENT;
	case CPNP_STATE_COMPLETED: /* an ACTIVATE is outstanding */
		return cpnp_parent_stands(c) && c->part_agreed == s->part
			   ? USE_PENDING
			   : USE_NONE;
	case CPNP_STATE_CANCELLED:
	case CPNP_STATE_NONE:
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return USE_NONE;
}

/* An offer that is too dear, or for too short a time for the customer to
 * answer and then for us. */
static bool
is_unusable(const struct cpnp_parent_decision *d, const cpnp_parent_segment *s,
    const cpnp_parent_child *c)
{
	return (s->has_cost_max && c->has_cost && c->cost > s->cost_max) ||
	       cpnp_parent_has_come(
		   d, cpnp_parent_before(
			  d, (cpnp_wtime){c->validity.sec -
					  (int64_t)d->config->validity_min}));
}

/* The best child of a segment: what is agreed or accepted before offers, and
 * the cheapest of these. */
size_t
cpnp_parent_choose(
    const struct cpnp_parent_decision *d, const cpnp_parent_segment *s)
{
	enum cpnp_parent_use best_use = USE_PENDING, use;
	size_t best = NONE;
	const cpnp_parent_child *c, *b;

	for (size_t i = 0; i < d->view->children_n; i++) {
		c = &d->view->children[i];
		use = cpnp_parent_use_of(d, s, c);
		if (use < best_use || use == USE_PENDING)
			continue;
		b = best != NONE ? &d->view->children[best] : NULL;
		if (b != NULL && use == best_use &&
		    (use != USE_OFFER || !b->has_cost ||
			(c->has_cost && c->cost >= b->cost)))
			continue;
		best = i;
		best_use = use;
	}
	return best;
}

size_t
cpnp_parent_chosen(const cpnp_parent_config *config,
    const cpnp_parent_view *view, size_t segment)
{
	const struct cpnp_parent_decision d = {.config = config, .view = view};

	return cpnp_parent_choose(&d, &view->wanted.segments[segment]);
}

/* The latest date for neighbours to answer, strictly before the customer is
 * to be answered. */
static cpnp_wtime
limit(const struct cpnp_parent_decision *d)
{
	return cpnp_parent_before(d, d->view->deadline);
}

static bool
may_try(const struct cpnp_parent_decision *d)
{
	cpnp_wtime ends = limit(d);

	return ends.sec - d->view->now.wall.sec >=
	       cpnp_parent_seconds(d->config->try_min);
}

/* A neighbour is asked once for each request of the parent, and once more when
 * it has asked for time that there is now. */
static bool
is_spent(const struct cpnp_parent_decision *d, const cpnp_parent_segment *s,
    uint64_t neighbour)
{
	size_t tries = 0, may = 1;

	for (size_t i = 0; i < d->view->children_n; i++) {
		const cpnp_parent_child *c = &d->view->children[i];

		if (c->segment != s->segment || c->neighbour != neighbour ||
		    c->request != d->view->request)
			continue;
		tries++;
		if (c->wants.sec != 0 && c->wants.sec <= limit(d).sec)
			may = 2;
	}
	return tries >= may;
}

static size_t
neighbours_left(
    const struct cpnp_parent_decision *d, const cpnp_parent_segment *s)
{
	size_t n = 0;

	for (size_t i = 0; may_try(d) && i < s->neighbours_n; i++)
		n += !is_spent(d, s, s->neighbours[i]);
	return n;
}

static bool
is_neighbour(const cpnp_parent_segment *s, uint64_t neighbour)
{
	for (size_t i = 0; i < s->neighbours_n; i++)
		if (s->neighbours[i] == neighbour)
			return true;
	return false;
}

/* The time that is left is shared among the neighbours that are left. */
static void
set_try(
    struct cpnp_parent_decision *d, const cpnp_parent_segment *s, size_t left)
{
	int64_t now = d->view->now.wall.sec, ends = limit(d).sec;
	int64_t share = (ends - now) / (int64_t)(left > 0 ? left : 1);

	if (share < cpnp_parent_seconds(d->config->try_min))
		share = cpnp_parent_seconds(d->config->try_min);
	d->action->part = s->part;
	d->action->has_date = true;
	d->action->date.sec = now + share < ends ? now + share : ends;
}

/* The agreement that the segment has is changed rather than another one made,
 * if its neighbour is one that may be asked and was not. */
static bool
try_update(struct cpnp_parent_decision *d, const cpnp_parent_segment *s)
{
	for (size_t i = 0; may_try(d) && i < d->view->children_n; i++) {
		const cpnp_parent_child *c = &d->view->children[i];

		if (c->segment != s->segment || !cpnp_parent_stands(c) ||
		    cpnp_parent_is_open(c) || c->part_agreed == s->part ||
		    is_spent(d, s, c->neighbour) ||
		    !is_neighbour(s, c->neighbour))
			continue;
		cpnp_parent_do(d, CPNP_PARENT_UPDATE_CHILD, i);
		set_try(d, s, neighbours_left(d, s));
		return true;
	}
	return false;
}

/* A standing agreement of the segment cannot be changed yet. */
static bool
is_busy(const struct cpnp_parent_decision *d, const cpnp_parent_segment *s)
{
	for (size_t i = 0; i < d->view->children_n; i++) {
		const cpnp_parent_child *c = &d->view->children[i];

		if (c->segment == s->segment && cpnp_parent_stands(c) &&
		    cpnp_parent_is_open(c) && c->part_agreed != s->part &&
		    !cpnp_parent_is_withdrawing(c) &&
		    c->request != d->view->request)
			return true;
	}
	return false;
}

static bool
try_new(struct cpnp_parent_decision *d, const cpnp_parent_segment *s, size_t at)
{
	size_t left = neighbours_left(d, s);

	for (size_t i = 0; left > 0 && i < s->neighbours_n; i++) {
		if (is_spent(d, s, s->neighbours[i]))
			continue;
		cpnp_parent_do(d, CPNP_PARENT_START_CHILD, NONE);
		d->action->segment = at;
		d->action->neighbour = s->neighbours[i];
		set_try(d, s, left);
		return true;
	}
	return false;
}

/* How many are asked or have offered. */
size_t
cpnp_parent_count_uses(const struct cpnp_parent_decision *d,
    const cpnp_parent_segment *s, enum cpnp_parent_use which)
{
	size_t n = 0;

	for (size_t i = 0; i < d->view->children_n; i++)
		n += cpnp_parent_use_of(d, s, &d->view->children[i]) == which;
	return n;
}

/* What is left of an earlier request is ended, and so is an offer that is no
 * use, or a child that cannot be reached while there is somebody else. */
static bool
tidy(struct cpnp_parent_decision *d)
{
	for (size_t i = 0; i < d->view->children_n; i++) {
		const cpnp_parent_child *c = &d->view->children[i];
		const cpnp_parent_segment *s =
		    cpnp_parent_segment_of(&d->view->wanted, c);
		enum cpnp_parent_use use =
		    s != NULL ? cpnp_parent_use_of(d, s, c) : USE_NONE;

		if (c->outstanding || !cpnp_parent_is_open(c))
			continue;
		if (use == USE_NONE || c->request != d->view->request) {
			if (cpnp_parent_drop(d, i))
				return true;
		} else if (cpnp_parent_state_of(c) == CPNP_STATE_CREATED &&
			   may_try(d)) {
			cpnp_parent_do(d, CPNP_PARENT_START_CHILD, i);
			set_try(d, s, neighbours_left(d, s) + 1);
			d->action->neighbour = c->neighbour;
			return true;
		} else if (cpnp_parent_state_of(c) == CPNP_STATE_CREATED ||
			   (use == USE_OFFER && is_unusable(d, s, c)) ||
			   (use == USE_PENDING && c->unreachable &&
			       neighbours_left(d, s) > 0)) {
			return cpnp_parent_drop(d, i);
		}
	}
	return false;
}

/* A neighbour needs more time than there is: ask the customer, who may grant
 * everything, so that nobody holds an order for ever. */
static bool
ask_time(struct cpnp_parent_decision *d)
{
	cpnp_wtime date = {0}, latest;

	latest = cpnp_parent_after(limit(d),
	    d->config->more_max > 0 ? (int64_t)d->config->more_max
				    : CPNP_PARENT_MORE_MAX);

	for (size_t i = 0; i < d->view->children_n; i++) {
		const cpnp_parent_child *c = &d->view->children[i];
		const cpnp_parent_segment *s =
		    cpnp_parent_segment_of(&d->view->wanted, c);

		if (s != NULL && c->request == d->view->request &&
		    c->wants.sec > limit(d).sec && c->wants.sec > date.sec &&
		    c->wants.sec <= latest.sec &&
		    cpnp_parent_choose(d, s) == NONE)
			date = c->wants;
	}
	if (date.sec == 0 || d->view->time != CPNP_PARENT_TIME_MAY)
		return false;
	cpnp_parent_do(d, CPNP_PARENT_MORE_TIME, NONE);
	d->action->has_date = true;
	d->action->date =
	    cpnp_parent_after(date, cpnp_parent_seconds(d->config->margin));
	return true;
}

/* Ask whoever is still to be asked for a segment.  is_failed: there is nobody
 * left; not when the answer of the customer may change that. */
static bool
seek(struct cpnp_parent_decision *d, size_t at, bool *is_failed)
{
	const cpnp_parent_segment *s = &d->view->wanted.segments[at];
	size_t parallel = d->config->parallel > 0 ? d->config->parallel : 1;
	size_t best = cpnp_parent_choose(d, s);
	size_t pending = cpnp_parent_count_uses(d, s, USE_PENDING);
	enum cpnp_parent_use use =
	    best != NONE ? cpnp_parent_use_of(d, s, &d->view->children[best])
			 : USE_NONE;

	*is_failed = false;
	if (use == USE_AGREED)
		return false;
	if (use == USE_SENT) {
		cpnp_parent_wait_for(
		    d, best, at, "the acknowledgement of the neighbour");
		return false;
	}
	if (is_busy(d, s)) {
		cpnp_parent_wait_for(
		    d, NONE, at, "the end of an earlier transaction");
		return false;
	}
	if (pending + cpnp_parent_count_uses(d, s, USE_OFFER) < parallel &&
	    (try_update(d, s) || try_new(d, s, at)))
		return true;
	if (pending > 0 && !cpnp_parent_has_come(d, limit(d)))
		cpnp_parent_wait_for(d, NONE, at, "the offers of neighbours");
	else if (use == USE_NONE && d->view->time == CPNP_PARENT_TIME_ASKED &&
		 !cpnp_parent_has_come(d, d->view->deadline))
		cpnp_parent_wait_for(
		    d, NONE, at, "the customer to give more time");
	else
		*is_failed = use == USE_NONE;
	return false;
}

/* Whoever is not chosen for a segment is told so, or given up. */
static bool
drop_surplus(struct cpnp_parent_decision *d)
{
	for (size_t at = 0; at < d->view->wanted.n; at++) {
		const cpnp_parent_segment *s = &d->view->wanted.segments[at];
		size_t best = cpnp_parent_choose(d, s);

		for (size_t i = 0; i < d->view->children_n; i++) {
			enum cpnp_parent_use use =
			    cpnp_parent_use_of(d, s, &d->view->children[i]);

			if (i != best &&
			    cpnp_parent_is_open(&d->view->children[i]) &&
			    (use == USE_OFFER || use == USE_PENDING) &&
			    d->view->children[i].request == d->view->request &&
			    cpnp_parent_drop(d, i))
				return true;
		}
	}
	return false;
}

/* Accept what is chosen; false when all of it is agreed, or waited for. */
bool
cpnp_parent_accept_chosen(struct cpnp_parent_decision *d)
{
	for (size_t at = 0; at < d->view->wanted.n; at++) {
		const cpnp_parent_segment *s = &d->view->wanted.segments[at];
		size_t best = cpnp_parent_choose(d, s);

		if (best != NONE && cpnp_parent_use_of(d, s,
					&d->view->children[best]) == USE_OFFER)
			return cpnp_parent_do(
			    d, CPNP_PARENT_ACCEPT_CHILD, best);
	}
	return false;
}

/* As long as the customer may answer there is time to accept every child. */
static bool
offer(struct cpnp_parent_decision *d)
{
	cpnp_wtime date = d->view->validity, ends;

	for (size_t at = 0; at < d->view->wanted.n; at++) {
		const cpnp_parent_segment *s = &d->view->wanted.segments[at];
		size_t best = cpnp_parent_choose(d, s);

		if (best == NONE || cpnp_parent_use_of(d, s,
					&d->view->children[best]) != USE_OFFER)
			continue;
		ends = cpnp_parent_before(d, d->view->children[best].validity);
		if (ends.sec < date.sec)
			date = ends;
	}
	if (cpnp_parent_has_come(d, date))
		return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES, NONE,
		    "no time is left to offer it");
	cpnp_parent_do(d, CPNP_PARENT_OFFER, NONE);
	d->action->has_date = true;
	d->action->date = date;
	return true;
}

bool
cpnp_parent_decide(struct cpnp_parent_decision *d)
{
	const cpnp_parent_plan *plan = &d->view->wanted;
	size_t failed = NONE;
	bool is_failed;

	if (plan->n > 0 && d->view->no_recursion)
		return cpnp_parent_fail(d, CPNP_STATUS_NETWORK_PRESENCE, 0,
		    "the customer wants no other domain to be asked");
	if (tidy(d) || ask_time(d))
		return true;
	for (size_t at = 0; at < plan->n; at++) {
		if (seek(d, at, &is_failed))
			return true;
		if (is_failed && failed == NONE)
			failed = at;
	}
	if (failed != NONE)
		return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES, failed,
		    "no neighbour has offered it in time");
	if (!d->action->is_settled) {
		cpnp_parent_wait_until(d, limit(d));
		if (cpnp_parent_has_come(d, limit(d)))
			return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES,
			    d->action->segment, d->action->why);
		return false;
	}
	if (drop_surplus(d))
		return true;
	if (d->config->mode == CPNP_PARENT_AS_FIGURE &&
	    cpnp_parent_accept_chosen(d))
		return true;
	return offer(d);
}
