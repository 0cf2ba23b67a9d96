/*
 * A parent over its children.
 *
 *	in decision      ask, take alternatives, offer or refuse  [decide]
 *	offered          wait for the customer
 *	to be confirmed  accept all or none                       [confirm]
 *	agreed           exactly what the plan says is served     [keep]
 *	to be activated  activate all or none                     [activate]
 *	over             give everything back                     [release_all]
 *
 * Each of them looks at all children and names the first thing that is to be
 * done, or else the first thing that is waited for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "parent.h"
#include "parent_fault.h"

#ifdef CPNP_PLANTED_FAULTS
unsigned cpnp_parent_faults;
#endif

#define NONE CPNP_PARENT_NONE

struct decision {
	const cpnp_parent_config *config;
	const cpnp_parent_view *view;
	cpnp_parent_action *action;
};

typedef const cpnp_parent_child child_t;
typedef const cpnp_parent_segment segment_t;

/* ---- dates -------------------------------------------------------------- */

static int64_t
seconds(uint32_t n)
{
	return n != 0 ? (int64_t)n : 1;
}

static bool
has_come(const struct decision *d, cpnp_wtime date)
{
	return d->view->now.wall.sec >= date.sec;
}

static cpnp_wtime
before(const struct decision *d, cpnp_wtime date)
{
	int64_t margin = seconds(d->config->margin);

	if (CPNP_PARENT_FAULT(DEADLINE))
		return date;
	if (date.sec < CPNP_WTIME_MIN + margin)
		return date;
	return (cpnp_wtime){date.sec - margin};
}

static cpnp_wtime
after(cpnp_wtime date, int64_t by)
{
	if (date.sec > CPNP_WTIME_MAX - by)
		return (cpnp_wtime){CPNP_WTIME_MAX};
	return (cpnp_wtime){date.sec + by};
}

/* ---- actions ------------------------------------------------------------ */

static bool
act_on(struct decision *d, cpnp_parent_act act, size_t child)
{
	*d->action = (cpnp_parent_action){
	    .act = act, .child = child, .segment = NONE};
	return true;
}

/* What is waited for first is what is named; the earliest date counts. */
static void
wait_for(struct decision *d, size_t child, size_t segment, const char *why)
{
	if (!d->action->is_settled)
		return;
	d->action->is_settled = false;
	d->action->child = child;
	d->action->segment = segment;
	d->action->why = why;
}

static void
wait_until(struct decision *d, cpnp_wtime date)
{
	if (!d->action->has_date || date.sec < d->action->date.sec)
		d->action->date = date;
	d->action->has_date = true;
}

static bool
fail(struct decision *d, cpnp_status status, size_t segment, const char *why)
{
	*d->action = (cpnp_parent_action){
	    .act = d->view->asks == CPNP_PARENT_ASKS_CONFIRM
		? CPNP_PARENT_NOT_CONFIRM
		: CPNP_PARENT_REFUSE,
	    .child = NONE,
	    .segment = segment,
	    .status = status,
	    .why = why};
	return true;
}

/* ---- a child ------------------------------------------------------------ */

static cpnp_state
state_of(child_t *c)
{
	return cpnp_state_of_client(c->state);
}

static bool
stands(child_t *c)
{
	return c->agreement == CPNP_AGREEMENT_COMPLETED ||
	    c->agreement == CPNP_AGREEMENT_ACTIVE;
}

static bool
is_open(child_t *c)
{
	return c->outstanding ||
	    (state_of(c) != CPNP_STATE_COMPLETED &&
		state_of(c) != CPNP_STATE_CANCELLED);
}

static bool
is_withdrawing(child_t *c)
{
	return c->transaction == CPNP_METHOD_WITHDRAW && c->outstanding;
}

/* Its agreement is the part, and nothing is under way. */
static bool
serves(child_t *c, uint64_t part)
{
	return stands(c) && c->part_agreed == part && !is_open(c);
}

/* Something of it was refused a moment ago. */
static bool
must_rest(struct decision *d, child_t *c)
{
	cpnp_wtime until = after(c->failed, seconds(d->config->retry));

	if (c->failed.sec == 0 || has_come(d, until))
		return false;
	wait_until(d, until);
	return true;
}

/* End what is open on it, but an agreement. */
static bool
drop(struct decision *d, size_t i)
{
	child_t *c = &d->view->children[i];

	switch (state_of(c)) {
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
		return act_on(d, CPNP_PARENT_CANCEL_CHILD, i);
	case CPNP_STATE_OFFER_PROCESSING:
		return act_on(d, CPNP_PARENT_DECLINE_CHILD, i);
	case CPNP_STATE_ACCEPT_SENT: /* it may come too late */
		return act_on(d, CPNP_PARENT_CANCEL_CHILD, i);
	case CPNP_STATE_COMPLETED:
	case CPNP_STATE_CANCELLED:
		if (c->outstanding)
			wait_for(d, i, NONE,
			    c->unreachable ? "the neighbour to be reachable"
					   : "the answer of the neighbour");
		return false;
	case CPNP_STATE_NONE:
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES:
		break;
	}
	return false;
}

/* Nothing is left of it: no transaction, no agreement. */
static bool
release(struct decision *d, size_t i)
{
	child_t *c = &d->view->children[i];

	if (is_open(c))
		return drop(d, i);
	if (!stands(c) || CPNP_PARENT_FAULT(RELEASE))
		return false;
	if (must_rest(d, c)) {
		wait_for(d, i, NONE, "the next try of its withdrawal");
		return false;
	}
	return act_on(d, CPNP_PARENT_WITHDRAW_CHILD, i);
}

/* ---- in decision -------------------------------------------------------- */

/* What a child is to a segment of the wanted plan; more is better. */
enum use {
	USE_NONE,
	USE_PENDING, /* it is asked, or busy */
	USE_OFFER,
	USE_SENT, /* accepted, and not acknowledged */
	USE_AGREED
};

static enum use
use_of(const struct decision *d, segment_t *s, child_t *c)
{
	if (c->segment != s->segment || is_withdrawing(c))
		return USE_NONE;
	if (serves(c, s->part))
		return USE_AGREED;
	if (c->request != d->view->request || c->part != s->part)
		return stands(c) && c->part_agreed == s->part ? USE_PENDING
							      : USE_NONE;
	switch (state_of(c)) {
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
		return USE_PENDING;
	case CPNP_STATE_OFFER_PROCESSING:
		if (c->accepting)
			return USE_SENT;
		return has_come(d, c->validity) ? USE_NONE : USE_OFFER;
	case CPNP_STATE_ACCEPT_SENT:
		return USE_SENT;
	case CPNP_STATE_COMPLETED: /* an ACTIVATE is outstanding */
		return stands(c) && c->part_agreed == s->part ? USE_PENDING
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
is_unusable(const struct decision *d, segment_t *s, child_t *c)
{
	return (s->has_cost_max && c->has_cost && c->cost > s->cost_max) ||
	    has_come(d,
		before(d,
		    (cpnp_wtime){c->validity.sec -
			(int64_t)d->config->validity_min}));
}

/* The best child of a segment: what is agreed or accepted before offers, and
 * the cheapest of these. */
static size_t
choose(const struct decision *d, segment_t *s)
{
	enum use best_use = USE_PENDING, use;
	size_t best = NONE;
	child_t *c, *b;

	for (size_t i = 0; i < d->view->children_n; i++) {
		c = &d->view->children[i];
		use = use_of(d, s, c);
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
	const struct decision d = {.config = config, .view = view};

	return choose(&d, &view->wanted.segments[segment]);
}

/* The latest date for neighbours to answer, strictly before the customer is
 * to be answered. */
static cpnp_wtime
limit(const struct decision *d)
{
	return before(d, d->view->deadline);
}

static bool
may_try(const struct decision *d)
{
	cpnp_wtime ends = limit(d);

	return ends.sec - d->view->now.wall.sec >=
	    seconds(d->config->try_min);
}

/* A neighbour is asked once for each request of the parent, and once more when
 * it has asked for time that there is now. */
static bool
is_spent(const struct decision *d, segment_t *s, uint64_t neighbour)
{
	size_t tries = 0, may = 1;

	for (size_t i = 0; i < d->view->children_n; i++) {
		child_t *c = &d->view->children[i];

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
neighbours_left(const struct decision *d, segment_t *s)
{
	size_t n = 0;

	for (size_t i = 0; may_try(d) && i < s->neighbours_n; i++)
		n += !is_spent(d, s, s->neighbours[i]);
	return n;
}

static bool
is_neighbour(segment_t *s, uint64_t neighbour)
{
	for (size_t i = 0; i < s->neighbours_n; i++)
		if (s->neighbours[i] == neighbour)
			return true;
	return false;
}

/* The time that is left is shared among the neighbours that are left. */
static void
set_try(struct decision *d, segment_t *s, size_t left)
{
	int64_t now = d->view->now.wall.sec, ends = limit(d).sec;
	int64_t share = (ends - now) / (int64_t)(left > 0 ? left : 1);

	if (share < seconds(d->config->try_min))
		share = seconds(d->config->try_min);
	d->action->part = s->part;
	d->action->has_date = true;
	d->action->date.sec = now + share < ends ? now + share : ends;
}

/* The agreement that the segment has is changed rather than another one made,
 * if its neighbour is one that may be asked and was not. */
static bool
try_update(struct decision *d, segment_t *s)
{
	for (size_t i = 0; may_try(d) && i < d->view->children_n; i++) {
		child_t *c = &d->view->children[i];

		if (c->segment != s->segment || !stands(c) || is_open(c) ||
		    c->part_agreed == s->part ||
		    is_spent(d, s, c->neighbour) ||
		    !is_neighbour(s, c->neighbour))
			continue;
		act_on(d, CPNP_PARENT_UPDATE_CHILD, i);
		set_try(d, s, neighbours_left(d, s));
		return true;
	}
	return false;
}

/* A standing agreement of the segment cannot be changed yet. */
static bool
is_busy(const struct decision *d, segment_t *s)
{
	for (size_t i = 0; i < d->view->children_n; i++) {
		child_t *c = &d->view->children[i];

		if (c->segment == s->segment && stands(c) && is_open(c) &&
		    c->part_agreed != s->part && !is_withdrawing(c) &&
		    c->request != d->view->request)
			return true;
	}
	return false;
}

static bool
try_new(struct decision *d, segment_t *s, size_t at)
{
	size_t left = neighbours_left(d, s);

	for (size_t i = 0; left > 0 && i < s->neighbours_n; i++) {
		if (is_spent(d, s, s->neighbours[i]))
			continue;
		act_on(d, CPNP_PARENT_START_CHILD, NONE);
		d->action->segment = at;
		d->action->neighbour = s->neighbours[i];
		set_try(d, s, left);
		return true;
	}
	return false;
}

/* How many are asked or have offered. */
static size_t
count_uses(const struct decision *d, segment_t *s, enum use which)
{
	size_t n = 0;

	for (size_t i = 0; i < d->view->children_n; i++)
		n += use_of(d, s, &d->view->children[i]) == which;
	return n;
}

static segment_t *
segment_of(const cpnp_parent_plan *plan, child_t *c)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->segments[i].segment == c->segment)
			return &plan->segments[i];
	return NULL;
}

/* What is left of an earlier request is ended, and so is an offer that is no
 * use, or a child that cannot be reached while there is somebody else. */
static bool
tidy(struct decision *d)
{
	for (size_t i = 0; i < d->view->children_n; i++) {
		child_t *c = &d->view->children[i];
		segment_t *s = segment_of(&d->view->wanted, c);
		enum use use = s != NULL ? use_of(d, s, c) : USE_NONE;

		if (c->outstanding || !is_open(c))
			continue;
		if (use == USE_NONE || c->request != d->view->request) {
			if (drop(d, i))
				return true;
		} else if (state_of(c) == CPNP_STATE_CREATED && may_try(d)) {
			act_on(d, CPNP_PARENT_START_CHILD, i);
			set_try(d, s, neighbours_left(d, s) + 1);
			d->action->neighbour = c->neighbour;
			return true;
		} else if (state_of(c) == CPNP_STATE_CREATED ||
		    (use == USE_OFFER && is_unusable(d, s, c)) ||
		    (use == USE_PENDING && c->unreachable &&
			neighbours_left(d, s) > 0)) {
			return drop(d, i);
		}
	}
	return false;
}

/* A neighbour needs more time than there is: ask the customer. */
static bool
ask_time(struct decision *d)
{
	cpnp_wtime date = {0};

	for (size_t i = 0; i < d->view->children_n; i++) {
		child_t *c = &d->view->children[i];
		segment_t *s = segment_of(&d->view->wanted, c);

		if (s != NULL && c->request == d->view->request &&
		    c->wants.sec > limit(d).sec && c->wants.sec > date.sec &&
		    choose(d, s) == NONE)
			date = c->wants;
	}
	if (date.sec == 0 || d->view->time != CPNP_PARENT_TIME_MAY)
		return false;
	act_on(d, CPNP_PARENT_MORE_TIME, NONE);
	d->action->has_date = true;
	d->action->date = after(date, seconds(d->config->margin));
	return true;
}

/* Ask whoever is still to be asked for a segment.  is_failed: there is nobody
 * left; not when the answer of the customer may change that. */
static bool
seek(struct decision *d, size_t at, bool *is_failed)
{
	segment_t *s = &d->view->wanted.segments[at];
	size_t parallel = d->config->parallel > 0 ? d->config->parallel : 1;
	size_t best = choose(d, s);
	size_t pending = count_uses(d, s, USE_PENDING);
	enum use use = best != NONE ? use_of(d, s, &d->view->children[best])
				    : USE_NONE;

	*is_failed = false;
	if (use == USE_AGREED)
		return false;
	if (use == USE_SENT) {
		wait_for(d, best, at, "the acknowledgement of the neighbour");
		return false;
	}
	if (is_busy(d, s)) {
		wait_for(d, NONE, at, "the end of an earlier transaction");
		return false;
	}
	if (pending + count_uses(d, s, USE_OFFER) < parallel &&
	    (try_update(d, s) || try_new(d, s, at)))
		return true;
	if (pending > 0 && !has_come(d, limit(d)))
		wait_for(d, NONE, at, "the offers of neighbours");
	else if (use == USE_NONE &&
	    d->view->time == CPNP_PARENT_TIME_ASKED &&
	    !has_come(d, d->view->deadline))
		wait_for(d, NONE, at, "the customer to give more time");
	else
		*is_failed = use == USE_NONE;
	return false;
}

/* Whoever is not chosen for a segment is told so, or given up. */
static bool
drop_surplus(struct decision *d)
{
	for (size_t at = 0; at < d->view->wanted.n; at++) {
		segment_t *s = &d->view->wanted.segments[at];
		size_t best = choose(d, s);

		for (size_t i = 0; i < d->view->children_n; i++) {
			enum use use = use_of(d, s, &d->view->children[i]);

			if (i != best && is_open(&d->view->children[i]) &&
			    (use == USE_OFFER || use == USE_PENDING) &&
			    d->view->children[i].request ==
				d->view->request &&
			    drop(d, i))
				return true;
		}
	}
	return false;
}

/* Accept what is chosen; false when all of it is agreed, or waited for. */
static bool
accept_chosen(struct decision *d)
{
	for (size_t at = 0; at < d->view->wanted.n; at++) {
		segment_t *s = &d->view->wanted.segments[at];
		size_t best = choose(d, s);

		if (best != NONE &&
		    use_of(d, s, &d->view->children[best]) == USE_OFFER)
			return act_on(d, CPNP_PARENT_ACCEPT_CHILD, best);
	}
	return false;
}

/* As long as the customer may answer there is time to accept every child. */
static bool
offer(struct decision *d)
{
	cpnp_wtime date = d->view->validity, ends;

	for (size_t at = 0; at < d->view->wanted.n; at++) {
		segment_t *s = &d->view->wanted.segments[at];
		size_t best = choose(d, s);

		if (best == NONE ||
		    use_of(d, s, &d->view->children[best]) != USE_OFFER)
			continue;
		ends = before(d, d->view->children[best].validity);
		if (ends.sec < date.sec)
			date = ends;
	}
	if (has_come(d, date))
		return fail(d, CPNP_STATUS_OUT_OF_RESOURCES, NONE,
		    "no time is left to offer it");
	act_on(d, CPNP_PARENT_OFFER, NONE);
	d->action->has_date = true;
	d->action->date = date;
	return true;
}

static bool
decide(struct decision *d)
{
	const cpnp_parent_plan *plan = &d->view->wanted;
	size_t failed = NONE;
	bool is_failed;

	if (plan->n > 0 && d->view->no_recursion)
		return fail(d, CPNP_STATUS_NETWORK_PRESENCE, 0,
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
		return fail(d, CPNP_STATUS_OUT_OF_RESOURCES, failed,
		    "no neighbour has offered it in time");
	if (!d->action->is_settled) {
		wait_until(d, limit(d));
		if (has_come(d, limit(d)))
			return fail(d, CPNP_STATUS_OUT_OF_RESOURCES,
			    d->action->segment, d->action->why);
		return false;
	}
	if (drop_surplus(d))
		return true;
	if (d->config->mode == CPNP_PARENT_AS_FIGURE && accept_chosen(d))
		return true;
	return offer(d);
}

/* ---- to be confirmed ---------------------------------------------------- */

/* Has an ACCEPT gone out for this request? */
static bool
has_accepted(const struct decision *d)
{
	for (size_t i = 0; i < d->view->children_n; i++) {
		child_t *c = &d->view->children[i];

		if (c->request == d->view->request &&
		    (state_of(c) == CPNP_STATE_ACCEPT_SENT || c->accepting ||
			serves(c, c->part)))
			return true;
	}
	return false;
}

/* The ledger has one verdict for all of them. */
static bool
is_for_ledger(const struct decision *d)
{
	return d->view->set == CPNP_PARENT_SET_OPEN;
}

/* A segment for which there is nothing to accept any more. */
static size_t
find_lost(struct decision *d)
{
	for (size_t at = 0; at < d->view->wanted.n; at++) {
		segment_t *s = &d->view->wanted.segments[at];

		if (choose(d, s) == NONE &&
		    count_uses(d, s, USE_PENDING) == 0 &&
		    !CPNP_PARENT_FAULT(LOST))
			return at;
	}
	return NONE;
}

/* Accepted, and not acknowledged long after it would have expired. */
static size_t
find_silent(struct decision *d)
{
	size_t silent = NONE;

	for (size_t at = 0; at < d->view->wanted.n; at++) {
		segment_t *s = &d->view->wanted.segments[at];
		size_t best = choose(d, s);
		child_t *c;
		cpnp_wtime until;

		if (best == NONE) {
			if (count_uses(d, s, USE_PENDING) > 0)
				wait_for(d, NONE, at,
				    "the end of an earlier transaction");
			continue;
		}
		c = &d->view->children[best];
		if (use_of(d, s, c) != USE_SENT)
			continue;
		wait_for(d, best, at, "the acknowledgement of the neighbour");
		until = after(c->validity, (int64_t)d->config->ack_max);
		if (has_come(d, until))
			silent = silent == NONE ? at : silent;
		else if (!is_for_ledger(d))
			wait_until(d, until);
	}
	return silent;
}

static bool
confirm(struct decision *d)
{
	size_t at;

	if (d->view->set == CPNP_PARENT_SET_VOID)
		return fail(d, CPNP_STATUS_OUT_OF_RESOURCES, NONE,
		    "the ledger has not posted the payments");
	if (d->view->set == CPNP_PARENT_SET_POSTED)
		return act_on(d, CPNP_PARENT_CONFIRM, NONE);
	at = find_lost(d);
	if (at != NONE && !(is_for_ledger(d) && has_accepted(d)))
		return fail(d, CPNP_STATUS_OUT_OF_RESOURCES, at,
		    "the neighbour has not kept its offer");
	if (at == NONE && accept_chosen(d))
		return true;
	at = find_silent(d);
	if (is_for_ledger(d))
		wait_for(d, NONE, NONE, "the verdict of the ledger");
	else if (at != NONE)
		return fail(d, CPNP_STATUS_OUT_OF_RESOURCES, at,
		    "the neighbour has not acknowledged in time");
	if (!d->action->is_settled)
		return false;
	return act_on(d, CPNP_PARENT_CONFIRM, NONE);
}

/* ---- agreed ------------------------------------------------------------- */

/* How well a child can serve a part of the standing plan: as it is, when what
 * is open on it has come to an end, or when it is updated. */
static int
fitness(segment_t *s, child_t *c)
{
	if (c->segment != s->segment || is_withdrawing(c))
		return 0;
	if (serves(c, s->part))
		return 4;
	if (stands(c) && c->part_agreed == s->part)
		return 3;
	if ((state_of(c) == CPNP_STATE_ACCEPT_SENT || c->accepting) &&
	    c->part == s->part)
		return 2;
	return stands(c) ? 1 : 0;
}

static size_t
server_of(const struct decision *d, segment_t *s)
{
	size_t best = NONE;
	int best_fit = 0, fit;

	for (size_t i = 0; i < d->view->children_n; i++) {
		fit = fitness(s, &d->view->children[i]);
		if (fit > best_fit) {
			best = i;
			best_fit = fit;
		}
	}
	return best;
}

/* An UPDATE of the parent that came to nothing has left the child with another
 * part: it is updated back, for as long as that takes. */
static bool
restore(struct decision *d, size_t i, segment_t *s)
{
	child_t *c = &d->view->children[i];

	if (CPNP_PARENT_FAULT(RESTORE))
		return false;
	wait_for(d, i, NONE, "the part that was agreed, once more");
	if (must_rest(d, c))
		return false;
	act_on(d, CPNP_PARENT_UPDATE_CHILD, i);
	d->action->part = s->part;
	d->action->has_date = true;
	d->action->date = after(d->view->now.wall,
	    seconds(d->config->try_min) + seconds(d->config->retry));
	return true;
}

/* The child that serves a segment, as it is to be. */
static bool
keep_one(struct decision *d, size_t i, segment_t *s)
{
	child_t *c = &d->view->children[i];

	if (is_open(c)) {
		bool is_needed = c->part == s->part &&
		    c->transaction != CPNP_METHOD_ACTIVATE &&
		    (c->part_agreed != s->part || !stands(c));

		if (is_needed && state_of(c) == CPNP_STATE_OFFER_PROCESSING &&
		    !c->accepting && !has_come(d, c->validity))
			return act_on(d, CPNP_PARENT_ACCEPT_CHILD, i);
		if (is_needed && state_of(c) != CPNP_STATE_CANCELLED) {
			wait_for(d, i, NONE, "the answer of the neighbour");
			return false;
		}
		return drop(d, i);
	}
	if (c->part_agreed != s->part)
		return restore(d, i, s);
	if (c->activation == d->view->activation)
		return false;
	wait_for(d, i, NONE, "the activation that was agreed, once more");
	if (must_rest(d, c))
		return false;
	act_on(d, CPNP_PARENT_ACTIVATE_CHILD, i);
	d->action->activation = d->view->activation;
	return true;
}

static bool
is_server(const struct decision *d, size_t i)
{
	segment_t *s =
	    segment_of(&d->view->standing, &d->view->children[i]);

	return s != NULL && server_of(d, s) == i;
}

/* Exactly what the agreement says, and nothing besides. */
static bool
keep(struct decision *d)
{
	const cpnp_parent_plan *plan = &d->view->standing;

	for (size_t i = 0; i < d->view->children_n; i++)
		if (!is_server(d, i) && !CPNP_PARENT_FAULT(FORGET) &&
		    release(d, i))
			return true;
	for (size_t at = 0; at < plan->n; at++) {
		size_t i = server_of(d, &plan->segments[at]);

		if (i == NONE)
			wait_for(d, NONE, at, "nobody serves the segment");
		else if (keep_one(d, i, &plan->segments[at]))
			return true;
	}
	return false;
}

/* ---- to be activated ---------------------------------------------------- */

static bool
activate(struct decision *d)
{
	const cpnp_parent_plan *plan = &d->view->standing;
	uint64_t asked = d->view->activation_asked;

	for (size_t at = 0; at < plan->n; at++) {
		size_t i = server_of(d, &plan->segments[at]);
		child_t *c = i != NONE ? &d->view->children[i] : NULL;

		if (c == NULL ||
		    (c->activation_refused == asked && !is_open(c)))
			return fail(d, CPNP_STATUS_OUT_OF_RESOURCES, at,
			    "the neighbour does not activate it");
		if (c->activation == asked)
			continue;
		wait_for(d, i, at, "the activation by the neighbour");
		if (is_open(c))
			continue;
		act_on(d, CPNP_PARENT_ACTIVATE_CHILD, i);
		d->action->activation = asked;
		return true;
	}
	return d->action->is_settled && act_on(d, CPNP_PARENT_GRANT, NONE);
}

/* ---- over --------------------------------------------------------------- */

static bool
release_all(struct decision *d)
{
	for (size_t i = 0; i < d->view->children_n; i++)
		if (release(d, i))
			return true;
	return false;
}

static bool
by_state(struct decision *d)
{
	const cpnp_parent_view *view = d->view;

	switch (view->state) {
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_AWAITING_PROCESSING:
		if (view->asks == CPNP_PARENT_ASKS_DECIDE)
			return decide(d);
		wait_for(d, NONE, NONE, "the signature of the offer");
		return false;
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
		wait_for(d, NONE, NONE, "the customer");
		return false;
	case CPNP_STATE_ACCEPT_RECEIVED:
		if (view->asks == CPNP_PARENT_ASKS_CONFIRM)
			return confirm(d);
		wait_for(d, NONE, NONE, "the signature of the ACK");
		return false;
	case CPNP_STATE_COMPLETED:
		if (view->agreement == CPNP_AGREEMENT_ENDED)
			return release_all(d);
		return view->asks == CPNP_PARENT_ASKS_DECIDE ? activate(d)
							     : keep(d);
	case CPNP_STATE_CANCELLED:
		return release_all(d);
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_OFFER_PROCESSING:
	case CPNP_STATE_ACCEPT_SENT:
	CPNP_CASE_CHILD_STATES: /* of a client, which is nobody's parent */
		break;
	}
	return false;
}

void
cpnp_parent_next(const cpnp_parent_config *config,
    const cpnp_parent_view *view, cpnp_parent_action *action)
{
	struct decision d = {config, view, action};

	*action = (cpnp_parent_action){.act = CPNP_PARENT_WAIT,
	    .child = NONE,
	    .segment = NONE,
	    .is_settled = true};
	(void)by_state(&d);
}

const char *
cpnp_parent_act_name(cpnp_parent_act act)
{
	switch (act) {
#define X(NAME, text)                                                          \
	case CPNP_PARENT_##NAME:                                               \
		return text;
		CPNP_PARENT_ACTION_MAP(X)
#undef X
	}
	return "?";
}
