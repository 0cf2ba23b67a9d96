/*
 * What the decision over children is made of: dates, the action that comes of
 * it, and what a child is and how it is ended.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parent_fault.h"
#include "parent_int.h"

/* ---- dates -------------------------------------------------------------- */

int64_t
cpnp_parent_seconds(uint32_t n)
{
	return n != 0 ? (int64_t)n : 1;
}

bool
cpnp_parent_has_come(const struct cpnp_parent_decision *d, cpnp_wtime date)
{
	return d->view->now.wall.sec >= date.sec;
}

cpnp_wtime
cpnp_parent_before(const struct cpnp_parent_decision *d, cpnp_wtime date)
{
	int64_t margin = cpnp_parent_seconds(d->config->margin);

	if (CPNP_PARENT_FAULT(DEADLINE))
		return date;
	if (date.sec < CPNP_WTIME_MIN + margin)
		return date;
	return (cpnp_wtime){date.sec - margin};
}

cpnp_wtime
cpnp_parent_after(cpnp_wtime date, int64_t by)
{
	if (date.sec > CPNP_WTIME_MAX - by)
		return (cpnp_wtime){CPNP_WTIME_MAX};
	return (cpnp_wtime){date.sec + by};
}

/* ---- actions ------------------------------------------------------------ */

bool
cpnp_parent_do(
    struct cpnp_parent_decision *d, cpnp_parent_act act, size_t child)
{
	*d->action = (cpnp_parent_action){
	    .act = act, .child = child, .segment = CPNP_PARENT_NONE};
	return true;
}

/* What is waited for first is what is named; the earliest date counts. */
void
cpnp_parent_wait_for(struct cpnp_parent_decision *d, size_t child,
    size_t segment, const char *why)
{
	if (!d->action->is_settled)
		return;
	d->action->is_settled = false;
	d->action->child = child;
	d->action->segment = segment;
	d->action->why = why;
}

void
cpnp_parent_wait_until(struct cpnp_parent_decision *d, cpnp_wtime date)
{
	if (!d->action->has_date || date.sec < d->action->date.sec)
		d->action->date = date;
	d->action->has_date = true;
}

bool
cpnp_parent_fail(struct cpnp_parent_decision *d, cpnp_status status,
    size_t segment, const char *why)
{
	*d->action = (cpnp_parent_action){
	    .act = d->view->asks == CPNP_PARENT_ASKS_CONFIRM
		       ? CPNP_PARENT_NOT_CONFIRM
		       : CPNP_PARENT_REFUSE,
	    .child = CPNP_PARENT_NONE,
	    .segment = segment,
	    .status = status,
	    .why = why};
	return true;
}

/* ---- a child ------------------------------------------------------------ */

cpnp_state
cpnp_parent_state_of(const cpnp_parent_child *c)
{
	return cpnp_state_of_client(c->state);
}

bool
cpnp_parent_stands(const cpnp_parent_child *c)
{
	return c->agreement == CPNP_AGREEMENT_COMPLETED ||
	       c->agreement == CPNP_AGREEMENT_ACTIVE;
}

bool
cpnp_parent_is_open(const cpnp_parent_child *c)
{
	return c->outstanding ||
	       (cpnp_parent_state_of(c) != CPNP_STATE_COMPLETED &&
		   cpnp_parent_state_of(c) != CPNP_STATE_CANCELLED);
}

bool
cpnp_parent_is_withdrawing(const cpnp_parent_child *c)
{
	return c->transaction == CPNP_METHOD_WITHDRAW && c->outstanding;
}

/* Its agreement is the part, and nothing is under way. */
bool
cpnp_parent_serves(const cpnp_parent_child *c, uint64_t part)
{
	return cpnp_parent_stands(c) && c->part_agreed == part &&
	       !cpnp_parent_is_open(c);
}

const cpnp_parent_segment *
cpnp_parent_segment_of(const cpnp_parent_plan *plan, const cpnp_parent_child *c)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->segments[i].segment == c->segment)
			return &plan->segments[i];
	return NULL;
}

/* Something of it was refused a moment ago. */
bool
cpnp_parent_must_rest(
    struct cpnp_parent_decision *d, const cpnp_parent_child *c)
{
	cpnp_wtime until =
	    cpnp_parent_after(c->failed, cpnp_parent_seconds(d->config->retry));

	if (c->failed.sec == 0 || cpnp_parent_has_come(d, until))
		return false;
	cpnp_parent_wait_until(d, until);
	return true;
}

/* End what is open on it, but an agreement. */
bool
cpnp_parent_drop(struct cpnp_parent_decision *d, size_t i)
{
	const cpnp_parent_child *c = &d->view->children[i];

	switch (cpnp_parent_state_of(c)) {
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
		return cpnp_parent_do(d, CPNP_PARENT_CANCEL_CHILD, i);
	case CPNP_STATE_OFFER_PROCESSING:
		return cpnp_parent_do(d, CPNP_PARENT_DECLINE_CHILD, i);
	case CPNP_STATE_ACCEPT_SENT: /* it may come too late */
		return cpnp_parent_do(d, CPNP_PARENT_CANCEL_CHILD, i);
	case CPNP_STATE_COMPLETED:
	case CPNP_STATE_CANCELLED:
		if (c->outstanding)
			cpnp_parent_wait_for(d, i, CPNP_PARENT_NONE,
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
bool
cpnp_parent_release(struct cpnp_parent_decision *d, size_t i)
{
	const cpnp_parent_child *c = &d->view->children[i];

	if (cpnp_parent_is_open(c))
		return cpnp_parent_drop(d, i);
	if (!cpnp_parent_stands(c) || CPNP_PARENT_FAULT(RELEASE))
		return false;
	if (cpnp_parent_must_rest(d, c)) {
		cpnp_parent_wait_for(
		    d, i, CPNP_PARENT_NONE, "the next try of its withdrawal");
		return false;
	}
	return cpnp_parent_do(d, CPNP_PARENT_WITHDRAW_CHILD, i);
}
