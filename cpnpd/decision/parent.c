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
#include "parent_fault.h"
#include "parent_int.h"

#ifdef CPNP_PLANTED_FAULTS
unsigned cpnp_parent_faults;
#endif

#define NONE CPNP_PARENT_NONE

/* ---- to be confirmed ---------------------------------------------------- */

/* Has an ACCEPT gone out for this request? */
static bool
has_accepted(const struct cpnp_parent_decision *d)
{
	for (size_t i = 0; i < d->view->children_n; i++) {
		const cpnp_parent_child *c = &d->view->children[i];

		if (c->request == d->view->request &&
		    (cpnp_parent_state_of(c) == CPNP_STATE_ACCEPT_SENT ||
			c->accepting || cpnp_parent_serves(c, c->part)))
			return true;
	}
	return false;
}

/* The ledger has one verdict for all of them. */
static bool
is_for_ledger(const struct cpnp_parent_decision *d)
{
	return d->view->set == CPNP_PARENT_SET_OPEN;
}

/* A segment for which there is nothing to accept any more. */
static size_t
find_lost(struct cpnp_parent_decision *d)
{
	for (size_t at = 0; at < d->view->wanted.n; at++) {
		const cpnp_parent_segment *s = &d->view->wanted.segments[at];

		if (cpnp_parent_choose(d, s) == NONE &&
		    cpnp_parent_count_uses(d, s, USE_PENDING) == 0 &&
		    !CPNP_PARENT_FAULT(LOST))
			return at;
	}
	return NONE;
}

/* Accepted, and not acknowledged long after it would have expired. */
static size_t
find_silent(struct cpnp_parent_decision *d)
{
	size_t silent = NONE;

	for (size_t at = 0; at < d->view->wanted.n; at++) {
		const cpnp_parent_segment *s = &d->view->wanted.segments[at];
		size_t best = cpnp_parent_choose(d, s);
		const cpnp_parent_child *c;
		cpnp_wtime until;

		if (best == NONE) {
			if (cpnp_parent_count_uses(d, s, USE_PENDING) > 0)
				cpnp_parent_wait_for(d, NONE, at,
				    "the end of an earlier transaction");
			continue;
		}
		c = &d->view->children[best];
		if (cpnp_parent_use_of(d, s, c) != USE_SENT)
			continue;
		cpnp_parent_wait_for(
		    d, best, at, "the acknowledgement of the neighbour");
		until =
		    cpnp_parent_after(c->validity, (int64_t)d->config->ack_max);
		if (cpnp_parent_has_come(d, until))
			silent = silent == NONE ? at : silent;
		else if (!is_for_ledger(d))
			cpnp_parent_wait_until(d, until);
	}
	return silent;
}

static bool
confirm(struct cpnp_parent_decision *d)
{
	size_t at;

	if (d->view->set == CPNP_PARENT_SET_VOID)
		return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES, NONE,
		    "the ledger has not posted the payments");
	if (d->view->set == CPNP_PARENT_SET_POSTED)
		return cpnp_parent_do(d, CPNP_PARENT_CONFIRM, NONE);
	at = find_lost(d);
	if (at != NONE && !(is_for_ledger(d) && has_accepted(d)))
		return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES, at,
		    "the neighbour has not kept its offer");
	if (at == NONE && cpnp_parent_accept_chosen(d))
		return true;
	at = find_silent(d);
	if (is_for_ledger(d))
		cpnp_parent_wait_for(
		    d, NONE, NONE, "the verdict of the ledger");
	else if (at != NONE)
		return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES, at,
		    "the neighbour has not acknowledged in time");
	if (!d->action->is_settled)
		return false;
	return cpnp_parent_do(d, CPNP_PARENT_CONFIRM, NONE);
}

/* ---- agreed ------------------------------------------------------------- */

/* How well a child can serve a part of the standing plan: as it is, when what
 * is open on it has come to an end, or when it is updated. */
static int
fitness(const cpnp_parent_segment *s, const cpnp_parent_child *c)
{
	if (c->segment != s->segment || cpnp_parent_is_withdrawing(c))
		return 0;
	if (cpnp_parent_serves(c, s->part))
		return 4;
	if (cpnp_parent_stands(c) && c->part_agreed == s->part)
		return 3;
	if ((cpnp_parent_state_of(c) == CPNP_STATE_ACCEPT_SENT ||
		c->accepting) &&
	    c->part == s->part)
		return 2;
	return cpnp_parent_stands(c) ? 1 : 0;
}

static size_t
server_of(const struct cpnp_parent_decision *d, const cpnp_parent_segment *s)
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
restore(struct cpnp_parent_decision *d, size_t i, const cpnp_parent_segment *s)
{
	const cpnp_parent_child *c = &d->view->children[i];

	if (CPNP_PARENT_FAULT(RESTORE))
		return false;
	cpnp_parent_wait_for(d, i, NONE, "the part that was agreed, once more");
	if (cpnp_parent_must_rest(d, c))
		return false;
	cpnp_parent_do(d, CPNP_PARENT_UPDATE_CHILD, i);
	d->action->part = s->part;
	d->action->has_date = true;
	d->action->date = cpnp_parent_after(
	    d->view->now.wall, cpnp_parent_seconds(d->config->try_min) +
				   cpnp_parent_seconds(d->config->retry));
	return true;
}

/* The child that serves a segment, as it is to be. */
static bool
keep_one(struct cpnp_parent_decision *d, size_t i, const cpnp_parent_segment *s)
{
	const cpnp_parent_child *c = &d->view->children[i];

	if (cpnp_parent_is_open(c)) {
		bool is_needed =
		    c->part == s->part &&
		    c->transaction != CPNP_METHOD_ACTIVATE &&
		    (c->part_agreed != s->part || !cpnp_parent_stands(c));

		if (is_needed &&
		    cpnp_parent_state_of(c) == CPNP_STATE_OFFER_PROCESSING &&
		    !c->accepting && !cpnp_parent_has_come(d, c->validity))
			return cpnp_parent_do(d, CPNP_PARENT_ACCEPT_CHILD, i);
		if (is_needed &&
		    cpnp_parent_state_of(c) != CPNP_STATE_CANCELLED) {
			cpnp_parent_wait_for(
			    d, i, NONE, "the answer of the neighbour");
			return false;
		}
		return cpnp_parent_drop(d, i);
	}
	if (c->part_agreed != s->part)
		return restore(d, i, s);
	if (c->activation == d->view->activation)
		return false;
	cpnp_parent_wait_for(
	    d, i, NONE, "the activation that was agreed, once more");
	if (cpnp_parent_must_rest(d, c))
		return false;
	cpnp_parent_do(d, CPNP_PARENT_ACTIVATE_CHILD, i);
	d->action->activation = d->view->activation;
	return true;
}

static bool
is_server(const struct cpnp_parent_decision *d, size_t i)
{
	const cpnp_parent_segment *s =
	    cpnp_parent_segment_of(&d->view->standing, &d->view->children[i]);

	return s != NULL && server_of(d, s) == i;
}

/* Exactly what the agreement says, and nothing besides. */
static bool
keep(struct cpnp_parent_decision *d)
{
	const cpnp_parent_plan *plan = &d->view->standing;

	for (size_t i = 0; i < d->view->children_n; i++)
		if (!is_server(d, i) && !CPNP_PARENT_FAULT(FORGET) &&
		    cpnp_parent_release(d, i))
			return true;
	for (size_t at = 0; at < plan->n; at++) {
		size_t i = server_of(d, &plan->segments[at]);

		if (i == NONE)
			cpnp_parent_wait_for(
			    d, NONE, at, "nobody serves the segment");
		else if (keep_one(d, i, &plan->segments[at]))
			return true;
	}
	return false;
}

/* ---- to be activated ---------------------------------------------------- */

static bool
activate(struct cpnp_parent_decision *d)
{
	const cpnp_parent_plan *plan = &d->view->standing;
	uint64_t asked = d->view->activation_asked;

	for (size_t at = 0; at < plan->n; at++) {
		size_t i = server_of(d, &plan->segments[at]);
		const cpnp_parent_child *c =
		    i != NONE ? &d->view->children[i] : NULL;

		if (c == NULL ||
		    (c->activation_refused == asked && !cpnp_parent_is_open(c)))
			return cpnp_parent_fail(d, CPNP_STATUS_OUT_OF_RESOURCES,
			    at, "the neighbour does not activate it");
		if (c->activation == asked)
			continue;
		cpnp_parent_wait_for(
		    d, i, at, "the activation by the neighbour");
		if (cpnp_parent_is_open(c))
			continue;
		cpnp_parent_do(d, CPNP_PARENT_ACTIVATE_CHILD, i);
		d->action->activation = asked;
		return true;
	}
	return d->action->is_settled &&
	       cpnp_parent_do(d, CPNP_PARENT_GRANT, NONE);
}

/* ---- over --------------------------------------------------------------- */

static bool
release_all(struct cpnp_parent_decision *d)
{
	for (size_t i = 0; i < d->view->children_n; i++)
		if (cpnp_parent_release(d, i))
			return true;
	return false;
}

static bool
by_state(struct cpnp_parent_decision *d)
{
	const cpnp_parent_view *view = d->view;

	switch (view->state) {
	case CPNP_STATE_PQO_RECEIVED:
	case CPNP_STATE_AWAITING_PROCESSING:
		if (view->asks == CPNP_PARENT_ASKS_DECIDE)
			return cpnp_parent_decide(d);
		cpnp_parent_wait_for(
		    d, NONE, NONE, "the signature of the offer");
		return false;
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
		cpnp_parent_wait_for(d, NONE, NONE, "the customer");
		return false;
	case CPNP_STATE_ACCEPT_RECEIVED:
		if (view->asks == CPNP_PARENT_ASKS_CONFIRM)
			return confirm(d);
		cpnp_parent_wait_for(d, NONE, NONE, "the signature of the ACK");
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
cpnp_parent_next(const cpnp_parent_config *config, const cpnp_parent_view *view,
    cpnp_parent_action *action)
{
	struct cpnp_parent_decision d = {config, view, action};

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
