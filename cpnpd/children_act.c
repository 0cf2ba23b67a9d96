/*
 * What a parent wants is done: children are made, answered and given back, and
 * the customer gets its answer.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "children.h"
#include "ledger.h"
#include "neighbour.h"

/* An action that could not be done is tried again. */
#define ACT_RETRY CPNP_SECONDS(5)
#define ID_BYTES 16

/* What is at hand while a family is looked at. */
struct driving {
	struct daemon *d;
	struct family *f;
	cpnp_order *parent; /* NULL: it is not there and never was */
	cpnp_msg *request;  /* of the parent, while it is decided */
	struct parts parts;
	struct view *view;
	cpnp_parent_action action;
	cpnp_now now;
};

static cpnp_order *
child_order(const struct driving *v, size_t at)
{
	return cpnpd_key_order(v->d, v->view->of[at]->key);
}

/* ---- the customer's answer ---- */

/* Nothing of the own network is held for it. */
static int
refuse(struct daemon *d, cpnp_order *order, cpnp_status status,
    const cpnp_explanation *why, size_t n, cpnp_now now)
{
	int err = cpnp_capacity_release(d->capacity, cpnp_order_ref(order));

	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
	d->counters.refusals++;
	return cpnp_order_refuse(d->orders, order, status, why, n, now);
}

/* The customer learns that it was not us, and not who it was. */
static int
refuse_part(struct driving *v)
{
	const cpnp_parent_action *a = &v->action;
	const cpnp_explanation why = {.clause = CPNP_BYTES_LIT("nodes"),
		.reason = CPNP_BYTES_LIT("a part of the way is that of other "
		    "providers, and cannot be had from them"),
		.would_fit = CPNP_BYTES_LIT("the same order later, less "
		    "capacity, or places of this provider only")};

	cpnpd_log_order(CPNP_LOG_INFO, v->parent, "refusal, segment %zu: %s",
	    a->segment == CPNP_PARENT_NONE ? 0 : a->segment + 1,
	    a->why != NULL ? a->why : cpnp_status_text(a->status));
	v->f->asks = CPNP_PARENT_ASKS_NOTHING;
	if (a->act == CPNP_PARENT_NOT_CONFIRM)
		return cpnp_order_not_paid(
		    v->d->orders, v->parent, a->status, &why, 1, v->now);
	return refuse(v->d, v->parent, a->status, &why, 1, v->now);
}

/* The children are agreed; what the customer pays with is next. */
static int
confirm(struct driving *v)
{
	cpnp_effect pay = {.type = CPNP_EFFECT_PAY, .order = v->parent};
	cpnp_agreement agreement;
	int err = cpnp_order_get_agreement(v->parent, &agreement);

	if (err != 0)
		return err;
	v->f->asks = CPNP_PARENT_ASKS_NOTHING;
	if (agreement.settlement_terms.len == 0)
		return cpnp_order_paid(v->d->orders, v->parent, v->now);
	if (v->d->ledger == NULL) {
		cpnpd_refuse_payment(v->d, v->parent, v->now);
		return 0;
	}
	pay.u.pay.authorization =
	    cpnp_order_doc(v->parent, CPNP_DOC_PAYMENT);
	pay.u.pay.settlement_terms = agreement.settlement_terms;
	cpnpd_ledger_pay(v->d, &pay, v->now);
	return 0;
}

static int
ask_for_time(struct driving *v)
{
	int err = cpnp_order_more_time(v->d->orders, v->parent,
	    v->action.date, CPNP_SUBCODE_EXTERNAL_RESOURCES, v->now);

	v->f->time =
	    err == 0 ? CPNP_PARENT_TIME_ASKED : CPNP_PARENT_TIME_NO;
	if (err == 0)
		v->d->counters.more_time++;
	return err == CPNP_ERR_NOMEM ? err : 0;
}

/* ---- a new child ---- */

/* Which candidate each segment is served by, with this one for this. */
static int
choose(const struct driving *v, cpnp_choice choice)
{
	const cpnp_parent_view *view = &v->view->view;
	const cpnp_segment *s;
	uint64_t neighbour;
	size_t i, k, at;

	for (i = 0; i < v->parts.split.segments_n; i++) {
		s = &v->parts.split.segments[i];
		at = cpnp_parent_chosen(&v->view->config, view, i);
		neighbour = i == v->action.segment ? v->action.neighbour
		    : at != CPNP_PARENT_NONE ? view->children[at].neighbour
		    : view->wanted.segments[i].neighbours_n > 0
		    ? view->wanted.segments[i].neighbours[0]
		    : s->candidates[0];
		for (k = 0; k < s->candidates_n; k++)
			if (s->candidates[k] == neighbour)
				break;
		if (k == s->candidates_n)
			return CPNP_ERR_MISMATCH;
		choice[i] = k;
	}
	return 0;
}

/* The neighbour cannot serve the segment, whatever it would offer; refused
 * when nobody else is left. */
static int
rule_out(struct driving *v, const cpnp_choice choice, cpnp_status status,
    const cpnp_explanation *why, size_t n)
{
	size_t i = v->action.segment;

	v->f->unfit[i] |= UINT32_C(1) << choice[i];
	if (v->view->view.wanted.segments[i].neighbours_n > 1 ||
	    v->f->n > 0)
		return 0;
	v->f->asks = CPNP_PARENT_ASKS_NOTHING;
	return refuse(v->d, v->parent, status, why, n, v->now);
}

static int
new_id(char id[2 * ID_BYTES + 1])
{
	const cpnp_env *env = cpnp_env_openssl();
	uint8_t bytes[ID_BYTES];
	size_t i;

	if (env->random(env->user, bytes, sizeof(bytes)) != 0)
		return CPNP_ERR_RANDOM;
	for (i = 0; i < ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int
create_child(struct driving *v, cpnp_bytes description, cpnp_order **child)
{
	struct daemon *d = v->d;
	const cpnp_msg *m = v->request;
	cpnp_bytes marks[CPNP_PATH_MARKS_MAX];
	cpnp_negotiation_options options = {
		.purpose = m->options.purpose};
	uint8_t mark[CPNPD_MARK_LEN];
	char id[2 * ID_BYTES + 1];
	cpnp_quotation q = {.edition = CPNP_EDITION_RFC8921,
		.peer_identity = cpnp_bytes_str(
		    d->conf->neighbours[v->action.neighbour].identity),
		.service_description = description,
		.has_response_time = true,
		.expected_response_time = v->action.date,
		.require_statements = d->signer != NULL,
		.is_child = true, .path_marks = marks,
		.has_hop_limit = true};
	int err = new_id(id);

	if (err == 0)
		err = cpnpd_mark_make(d, mark);
	if (err != 0)
		return err;
	q.customer_order_id = cpnp_bytes_str(id);
	if (cpnp_msg_has(m, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    options.purpose != CPNP_PURPOSE_NONE)
		q.options = &options;
	if (cpnp_msg_has(m, CPNP_ATTR_PATH_MARKS)) {
		memcpy(marks, m->path_marks,
		    m->path_marks_n * sizeof(marks[0]));
		q.path_marks_n = m->path_marks_n;
	}
	marks[q.path_marks_n++] = (cpnp_bytes){mark, sizeof(mark)};
	q.hop_limit = (uint8_t)(cpnpd_hops_left(d, m) - 1);
	return cpnp_orders_create(d->orders, &q, child, v->now);
}

/* The link is in the batch in which the child is new. */
static int
link_child(struct driving *v, cpnp_order *child)
{
	const cpnp_store_link link = {
		.segment = (uint32_t)v->action.segment, .request = 1};
	struct batch *b;
	int err;

	cpnpd_drain_effects(v->d, v->now);
	b = cpnpd_batch(v->d);
	if (b == NULL || v->d->failed)
		return CPNP_ERR_NOMEM;
	err = cpnp_store_put_link(b->store, child, v->parent, &link);
	if (err == 0)
		err = cpnpd_family_add(
		    v->f, child, link.segment, link.request);
	if (err == 0)
		cpnp_order_set_user(child, (uint64_t)(uintptr_t)v->f);
	return err;
}

static int
start(struct driving *v, cpnp_order *child, cpnp_peer peer)
{
	return cpnp_order_start(v->d->orders, child, peer, v->now);
}

/* The own part is decided, and held, before anything is asked of others. */
static int
make_child(struct driving *v, cpnp_peer peer)
{
	cpnp_decide_input in =
	    cpnpd_decide_input(v->d, v->parent, v->request, false, v->now);
	cpnp_explanation why = {.clause = CPNP_BYTES_NONE};
	cpnp_decision decision;
	cpnp_bytes description;
	cpnp_choice choice;
	cpnp_order *child;
	int err = choose(v, choice);

	if (err != 0)
		return err;
	err = cpnpd_own_judge(&v->parts, choice, &in, &decision, &why);
	if (err == 0 && decision.status == CPNP_STATUS_NONE)
		err = cpnp_split_child(&v->parts.split, choice,
		    v->action.segment, decision.offer.service_description,
		    &description, &why);
	if (err == 0 && decision.status == CPNP_STATUS_NONE) {
		err = create_child(v, description, &child);
		if (err == 0) {
			v->d->counters.children++;
			err = link_child(v, child);
		}
		if (err == 0)
			err = start(v, child, peer);
		else if (err == CPNP_ERR_NOMEM)
			cpnpd_fail(v->d, cpnp_strerror(err), v->now);
	} else if (err == 0) {
		err = rule_out(v, choice, decision.status,
		    decision.explanations, decision.explanations_n);
	} else if (err == CPNP_ERR_CLAUSE) {
		err = rule_out(
		    v, choice, CPNP_STATUS_NETWORK_PRESENCE, &why, 1);
	}
	cpnp_decision_fini(&decision);
	return err;
}

static int
start_child(struct driving *v)
{
	size_t number = (size_t)v->action.neighbour;
	bool is_there = v->action.child != CPNP_PARENT_NONE;
	cpnp_order *child =
	    is_there ? child_order(v, v->action.child) : NULL;
	cpnp_peer peer = number < v->d->conf->neighbours_n
	    ? cpnpd_neighbour_peer(v->d, number, v->now) : CPNP_PEER_NONE;
	cpnp_choice choice;

	if (is_there && child == NULL)
		return CPNP_ERR_NOT_FOUND;
	/* Without an address there is nobody to ask. */
	if (peer == CPNP_PEER_NONE && is_there)
		return cpnp_order_cancel(v->d->orders, child, v->now);
	if (peer == CPNP_PEER_NONE) {
		const cpnp_explanation why = {
			.clause = CPNP_BYTES_LIT("nodes"),
			.reason = CPNP_BYTES_LIT("a part of the way is that "
			    "of another provider, who cannot be asked now"),
			.would_fit = CPNP_BYTES_LIT(
			    "the same order a little later")};
		int err = choose(v, choice);

		return err != 0 ? err : rule_out(v, choice,
		    CPNP_STATUS_OUT_OF_RESOURCES, &why, 1);
	}
	return is_there ? start(v, child, peer) : make_child(v, peer);
}

/* ---- all actions ---- */

/* A child that rests in the store is wanted again. */
static int
load_child(struct driving *v, const struct child *c)
{
	cpnp_store_row row;
	int err = cpnp_store_find(v->d->store, CPNP_CLIENT,
	    (cpnp_bytes){c->key->bytes, c->key->identity_len},
	    (cpnp_bytes){c->key->bytes + c->key->identity_len,
		c->key->id_len}, &row);

	return err != 0 ? err : cpnpd_load_row(v->d, &row, v->now);
}

static int
act_on_child(struct driving *v)
{
	static const cpnp_reason reason = CPNP_REASON_CONFLICT;
	cpnp_orders *orders = v->d->orders;
	cpnp_order *child = child_order(v, v->action.child);

	if (child == NULL) {
		int err = load_child(v, v->view->of[v->action.child]);

		if (err != 0)
			return err;
		child = child_order(v, v->action.child);
	}
	if (child == NULL)
		return CPNP_ERR_NOT_FOUND;
	switch (v->action.act) {
	case CPNP_PARENT_ACCEPT_CHILD:
		v->view->of[v->action.child]->is_accepting = true;
		return cpnp_order_accept(orders, child, v->now);
	case CPNP_PARENT_DECLINE_CHILD:
		return cpnp_order_decline(orders, child, &reason, 1, v->now);
	case CPNP_PARENT_CANCEL_CHILD:
		return cpnp_order_cancel(orders, child, v->now);
	case CPNP_PARENT_WITHDRAW_CHILD:
		return cpnp_order_withdraw(orders, child, v->now);
	case CPNP_PARENT_WAIT:
	case CPNP_PARENT_START_CHILD:
	case CPNP_PARENT_UPDATE_CHILD:
	case CPNP_PARENT_ACTIVATE_CHILD:
	case CPNP_PARENT_MORE_TIME:
	case CPNP_PARENT_OFFER:
	case CPNP_PARENT_REFUSE:
	case CPNP_PARENT_CONFIRM:
	case CPNP_PARENT_NOT_CONFIRM:
	case CPNP_PARENT_GRANT:
		break;
	}
	/* No UPDATE or ACTIVATE of a parent is taken, so none is wanted. */
	return CPNP_ERR_INTERNAL;
}

static int
offer(struct driving *v)
{
	v->f->is_judged = true;
	cpnpd_verdict(v->d, v->parent, v->request, v->now);
	return 0;
}

static int
perform(struct driving *v)
{
	switch (v->action.act) {
	case CPNP_PARENT_START_CHILD:
		return start_child(v);
	case CPNP_PARENT_MORE_TIME:
		return ask_for_time(v);
	case CPNP_PARENT_OFFER:
		return offer(v);
	case CPNP_PARENT_REFUSE:
	case CPNP_PARENT_NOT_CONFIRM:
		return refuse_part(v);
	case CPNP_PARENT_CONFIRM:
		return confirm(v);
	case CPNP_PARENT_ACCEPT_CHILD:
	case CPNP_PARENT_DECLINE_CHILD:
	case CPNP_PARENT_CANCEL_CHILD:
	case CPNP_PARENT_WITHDRAW_CHILD:
	case CPNP_PARENT_UPDATE_CHILD:
	case CPNP_PARENT_ACTIVATE_CHILD:
	case CPNP_PARENT_GRANT:
	case CPNP_PARENT_WAIT:
		break;
	}
	return act_on_child(v);
}

/* ---- what is next ---- */

/* An offer that is not what was asked for is none: it is declined, and
 * somebody else may be asked. */
static bool
decline_bad(struct driving *v, int *err)
{
	static const cpnp_reason reason = CPNP_REASON_UNACCEPTABLE_GAP;
	cpnp_msg *offer = calloc(1, sizeof(*offer));
	cpnp_order *child = NULL;
	const char *why = NULL;
	size_t i;

	*err = offer == NULL ? CPNP_ERR_NOMEM : 0;
	for (i = 0; i < v->view->view.children_n && *err == 0 && why == NULL;
	     i++) {
		if (cpnp_state_of_client(v->view->children[i].state) !=
		    CPNP_STATE_OFFER_PROCESSING)
			continue;
		child = child_order(v, i);
		if (child == NULL || cpnp_msg_decode(offer,
		    cpnp_order_doc(child, CPNP_DOC_OFFER), NULL) != 0)
			continue;
		(void)cpnpd_child_offer_is_good(v->d, child, offer, &why);
	}
	free(offer);
	if (why == NULL)
		return *err != 0;
	cpnpd_log_order(CPNP_LOG_INFO, child, "the offer is declined: %s",
	    why);
	*err = cpnp_order_decline(v->d->orders, child, &reason, 1, v->now);
	return true;
}

static void
rest(struct driving *v, cpnp_tstamp wake)
{
	struct children *all = v->d->children;
	struct family *f = v->f;

	f->wake = wake;
	if (wake < all->wake)
		all->wake = wake;
	/* It is the first one. */
	all->dirty = f->dirty_next;
	if (all->dirty == NULL)
		all->dirty_end = &all->dirty;
	f->is_dirty = false;
}

static void
tell_unreachable(struct driving *v)
{
	const cpnp_parent_child *c;
	struct child *child;
	size_t i;

	for (i = 0; i < v->view->view.children_n; i++) {
		c = &v->view->children[i];
		child = v->view->of[i];
		if (c->unreachable && !child->is_told && !child->is_over &&
		    cpnp_state_of_client(c->state) != CPNP_STATE_COMPLETED &&
		    child_order(v, i) != NULL)
			cpnpd_log_order(CPNP_LOG_WARNING, child_order(v, i),
			    "%s, and the neighbour cannot be reached; it is "
			    "tried again", cpnp_state_name(c->state));
		child->is_told = c->unreachable;
	}
}

static void
wait(struct driving *v)
{
	const cpnp_parent_action *a = &v->action;
	cpnp_tstamp wake = CPNP_NEVER;
	int64_t left;

	tell_unreachable(v);
	v->f->why = a->is_settled ? NULL : a->why;
	v->f->waits = a->child == CPNP_PARENT_NONE || a->is_settled
	    ? NULL : v->view->of[a->child];
	if (a->has_date) {
		left = a->date.sec - v->now.wall.sec;
		wake = v->now.mono + (left <= 0 ? CPNP_SECONDS(1)
			: CPNP_SECONDS((uint64_t)left));
	}
	rest(v, wake);
}

static int
see(struct driving *v)
{
	bool decides = v->parent != NULL &&
	    v->f->asks == CPNP_PARENT_ASKS_DECIDE;
	cpnp_explanation why;
	int err = 0;

	v->view = malloc(sizeof(*v->view));
	if (v->view == NULL)
		return CPNP_ERR_NOMEM;
	if (decides) {
		v->request = calloc(1, sizeof(*v->request));
		err = v->request == NULL ? CPNP_ERR_NOMEM
		    : cpnp_msg_decode(v->request,
			  cpnp_order_doc(v->parent, CPNP_DOC_REQUEST), NULL);
		if (err == 0)
			err = cpnpd_parts_init(
			    &v->parts, v->d, v->request, &why);
	}
	return err != 0 ? err : cpnpd_view_init(v->view, v->d, v->f,
	    v->parent, decides ? &v->parts : NULL, v->now);
}

/* False when there is only to wait. */
static bool
step(struct driving *v)
{
	bool acts = true;
	int err = see(v);

	if (err == 0 && v->request != NULL && decline_bad(v, &err) && err == 0)
		return true;
	if (err == 0) {
		cpnp_parent_next(
		    &v->view->config, &v->view->view, &v->action);
		/* Somebody else has to agree to it first. */
		if (v->action.act == CPNP_PARENT_OFFER && v->f->is_judged)
			v->action = (cpnp_parent_action){
				.act = CPNP_PARENT_WAIT,
				.child = CPNP_PARENT_NONE,
				.has_date = true, .date = v->action.date,
				.why = "the approval of the offer"};
		acts = v->action.act != CPNP_PARENT_WAIT;
		if (!acts)
			wait(v);
		else
			err = perform(v);
	}
	if (err == 0)
		return acts;
	cpnpd_log(CPNP_LOG_ERROR, "order %.*s peer %.*s: %s of its children "
	    "could not be done: %s", (int)v->f->key->id_len,
	    (const char *)v->f->key->bytes + v->f->key->identity_len,
	    (int)v->f->key->identity_len, (const char *)v->f->key->bytes,
	    cpnp_parent_act_name(v->action.act), cpnp_strerror(err));
	if (v->d->children->dirty == v->f)
		rest(v, v->now.mono + ACT_RETRY);
	return true;
}

/* The parent of a child that is not over may have left memory. */
static cpnp_order *
load_parent(struct daemon *d, const struct family *f, cpnp_now now)
{
	cpnp_order *order = cpnpd_key_order(d, f->key);
	cpnp_store_row row;

	if (order == NULL && cpnp_store_find(d->store, CPNP_SERVER,
	    (cpnp_bytes){f->key->bytes, f->key->identity_len},
	    (cpnp_bytes){f->key->bytes + f->key->identity_len,
		f->key->id_len}, &row) == 0 &&
	    cpnpd_load_row(d, &row, now) == 0)
		order = cpnpd_key_order(d, f->key);
	return order;
}

bool
cpnpd_children_answer(struct daemon *d, cpnp_now now)
{
	struct children *all = d->children;
	struct driving v;
	bool acts = false;

	if (all == NULL || all->is_loading)
		return false;
	while (all->dirty != NULL && !d->failed && !acts) {
		memset(&v, 0, sizeof(v));
		v.d = d;
		v.f = all->dirty;
		v.now = now;
		all->is_loading = true;
		v.parent = load_parent(d, v.f, now);
		acts = step(&v);
		all->is_loading = false;
		if (v.request != NULL)
			cpnpd_parts_fini(&v.parts);
		free(v.request);
		free(v.view);
	}
	return acts;
}

/* ---- what an order asks for ---- */

static void
refuse_new(struct daemon *d, cpnp_order *order, cpnp_status status,
    const cpnp_explanation *why, cpnp_now now)
{
	int err = refuse(d, order, status, why, 1, now);

	cpnpd_log_order(CPNP_LOG_INFO, order, "refusal, %.*s: %.*s",
	    (int)why->clause.len, (const char *)why->clause.ptr,
	    (int)why->reason.len, (const char *)why->reason.ptr);
	if (err != 0)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the refusal could not be given: %s", cpnp_strerror(err));
}

/* Why an order is not passed on, in words for the customer. */
struct obstacle {
	const char *clause;
	const char *reason;
	const char *would_fit;
};

static const struct obstacle circle = {"path",
	"the order has come through this provider before", "another way"};
static const struct obstacle hops = {"path",
	"the order has come through as many providers as it may, and a place "
	"of it is served by another", "a larger hop limit"};
static const struct obstacle recursion = {"no-recursion",
	"a place of the order is served by another provider, who must not be "
	"asked",
	"the same order with recursion, or places of this provider"};
static const struct obstacle own = {"nodes",
	"a place of the order is served by another provider, and nothing is "
	"ordered there for customers", "places of this provider"};
static const struct obstacle unchanged = {"order",
	"a part of the way is that of other providers, and such an agreement "
	"is not changed or activated by a message",
	"an order of its own, and a withdrawal of this one"};

static cpnp_explanation
explain(const struct obstacle *o)
{
	return (cpnp_explanation){.clause = cpnp_bytes_str(o->clause),
		.reason = cpnp_bytes_str(o->reason),
		.would_fit = cpnp_bytes_str(o->would_fit)};
}

/* An order that goes in a circle, or must not go on, is not passed on. */
static const struct obstacle *
find_obstacle(const struct daemon *d, const cpnp_msg *request, bool is_split)
{
	size_t i;

	for (i = 0; cpnp_msg_has(request, CPNP_ATTR_PATH_MARKS) &&
	     i < request->path_marks_n; i++)
		if (cpnpd_mark_is_ours(d, request->path_marks[i]))
			return &circle;
	if (!is_split)
		return NULL;
	if (cpnp_msg_has(request, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    request->options.no_recursion)
		return &recursion;
	if (d->conf->children.recursion == 0)
		return &own;
	return cpnpd_hops_left(d, request) == 0 ||
		(cpnp_msg_has(request, CPNP_ATTR_PATH_MARKS) &&
		    request->path_marks_n >= CPNP_PATH_MARKS_MAX)
	    ? &hops : NULL;
}

static bool
begin(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    cpnp_now now)
{
	struct family *f = cpnpd_family_get(d, order);

	if (f == NULL) {
		cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM), now);
		return true;
	}
	cpnp_order_set_user(
	    order, cpnp_order_user(order) | ORDER_USER_FAMILY);
	f->asks = CPNP_PARENT_ASKS_DECIDE;
	f->is_judged = false;
	f->time = request->edition == CPNP_EDITION_RFC8921
	    ? CPNP_PARENT_TIME_MAY : CPNP_PARENT_TIME_NO;
	cpnpd_family_touch(d, f);
	return true;
}

static bool
decide_activate(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	const cpnp_explanation why = explain(&unchanged);

	if (cpnpd_family_of(d, order) == NULL)
		return false;
	refuse_new(d, order, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED, &why,
	    now);
	return true;
}

bool
cpnpd_children_decide(struct daemon *d, cpnp_order *order,
    const cpnp_msg *request, cpnp_now now)
{
	cpnp_status status = CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED;
	cpnp_explanation why = {.clause = CPNP_BYTES_NONE};
	const struct obstacle *obstacle;
	struct parts parts;
	bool is_split, is_refused;
	int err;

	/* A program that decides alone knows of neighbours itself. */
	if (d->children == NULL ||
	    (d->conf->decision.command.n > 0 && d->conf->decision.mode == 1))
		return false;
	if (request->method == CPNP_METHOD_ACTIVATE)
		return decide_activate(d, order, now);
	err = cpnpd_parts_init(&parts, d, request, &why);
	/* What is no document at all has another word for it. */
	is_refused = err == CPNP_ERR_CLAUSE && why.clause.len > 0;
	is_split = is_refused || (err == 0 && parts.split.segments_n > 0);
	if (is_refused)
		status = CPNP_STATUS_NETWORK_PRESENCE;
	obstacle = find_obstacle(d, request, is_split);
	if (obstacle == NULL && request->method == CPNP_METHOD_UPDATE &&
	    (is_split || cpnpd_family_of(d, order) != NULL))
		obstacle = &unchanged;
	if (obstacle != NULL) {
		status = CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED;
		why = explain(obstacle);
		is_refused = true;
	}
	if (is_refused)
		refuse_new(d, order, status, &why, now);
	cpnpd_parts_fini(&parts);
	return is_refused ||
	    (err == 0 && is_split && begin(d, order, request, now));
}

bool
cpnpd_children_pay(struct daemon *d, const cpnp_order *order)
{
	struct family *f = cpnpd_family_of(d, order);

	if (f == NULL || f->n == 0)
		return false;
	f->asks = CPNP_PARENT_ASKS_CONFIRM;
	cpnpd_family_touch(d, f);
	return true;
}
