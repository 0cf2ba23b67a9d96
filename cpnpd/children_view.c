/*
 * What a parent and its children are, for the decision what is next.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "children.h"
#include "neighbour.h"

static cpnp_bytes
identity_of(const struct key *key)
{
	return (cpnp_bytes){key->bytes, key->identity_len};
}

static cpnp_bytes
id_of(const struct key *key)
{
	return (cpnp_bytes){key->bytes + key->identity_len, key->id_len};
}

static uint32_t
seconds(uint64_t ns)
{
	return (uint32_t)(ns / CPNP_SECONDS(1));
}

static void
show_config(const struct daemon *d, cpnp_parent_config *config)
{
	const cpnp_conf_children *c = &d->conf->children;

	*config = (cpnp_parent_config){
		.mode = c->accept == 1 ? CPNP_PARENT_AS_FIGURE
				       : CPNP_PARENT_ON_ACCEPT,
		.parallel = 1,
		.margin = seconds(c->margin),
		.try_min = CPNPD_TRY_MIN,
		.validity_min = CPNPD_VALIDITY_MIN,
		.ack_max = CPNPD_ACK_MAX,
		.retry = CPNPD_CHILD_RETRY};
}

static void
show_offer(const cpnp_order *order, cpnp_parent_child *c)
{
	cpnp_msg *offer = calloc(1, sizeof(*offer));

	if (offer != NULL && cpnp_msg_decode(offer,
	    cpnp_order_doc(order, CPNP_DOC_OFFER), NULL) == 0) {
		c->validity = offer->validity_offer_time;
		c->has_cost = cpnp_msg_has(
		    offer, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
		    offer->options.has_cost && !offer->options.cost_empty;
		c->cost = c->has_cost ? offer->options.cost.amount : 0;
	}
	free(offer);
}

static void
show_order(const cpnp_order *order, cpnp_parent_child *c)
{
	c->transaction = cpnp_order_transaction(order);
	c->state = cpnp_order_state(order);
	c->agreement = cpnp_order_agreement_state(order);
	c->outstanding = cpnp_order_is_outstanding(order);
	if (cpnp_order_doc(order, CPNP_DOC_OFFER).len > 0)
		show_offer(order, c);
}

/* One that is not in memory is settled. */
static int
show_row(struct daemon *d, struct child *child, cpnp_parent_child *c)
{
	cpnp_store_row row;
	int err;

	c->transaction = CPNP_METHOD_QUOTATION;
	c->state = CPNP_STATE_CANCELLED;
	if (child->is_over)
		return 0;
	err = cpnp_store_find(d->store, CPNP_CLIENT,
	    identity_of(child->key), id_of(child->key), &row);
	if (err != 0)
		return err;
	c->state = row.state;
	c->agreement = row.agreement_state;
	c->outstanding = !row.settled;
	child->is_over = row.settled && row.state == CPNP_STATE_CANCELLED;
	return 0;
}

static bool
stands(const cpnp_parent_child *c)
{
	return c->agreement == CPNP_AGREEMENT_COMPLETED ||
	    c->agreement == CPNP_AGREEMENT_ACTIVE;
}

static int
show_child(
    struct daemon *d, struct child *child, cpnp_parent_child *c)
{
	const cpnp_order *order = cpnpd_key_order(d, child->key);
	size_t number = cpnpd_neighbour_find(d, identity_of(child->key));
	int err = 0;

	*c = (cpnp_parent_child){.segment = child->segment,
		.neighbour = number,
		.request = child->request,
		.part = 1,
		.wants = child->wants,
		.failed = child->failed};
	if (order != NULL)
		show_order(order, c);
	else
		err = show_row(d, child, c);
	c->accepting = child->is_accepting;
	c->part_agreed = stands(c) ? c->part : 0;
	c->unreachable = number == SIZE_MAX || d->neighbours[number].is_down;
	return err;
}

static int
show_children(struct view *v, struct daemon *d, struct family *f)
{
	size_t i;
	int err = 0;

	if (f->n > CPNPD_CHILDREN_MAX)
		return CPNP_ERR_FULL;
	for (i = 0; i < f->n && err == 0;) {
		v->of[i] = f->children[i];
		err = show_child(d, f->children[i], &v->children[i]);
		if (err == CPNP_ERR_NOT_FOUND) {
			/* what made it was never stored */
			cpnpd_family_forget_child(f, f->children[i]);
			err = 0;
		} else {
			i++;
		}
	}
	v->view.children = v->children;
	v->view.children_n = f->n;
	return err;
}

/* The segments of which there are children: what was offered and agreed is
 * what it is, whatever the configuration has become. */
static void
show_made(struct view *v)
{
	size_t i, k, n = 0;

	for (i = 0; i < v->view.children_n; i++) {
		for (k = 0; k < n; k++)
			if (v->segments[k].segment == v->children[i].segment)
				break;
		if (k == n && n < CPNP_SEGMENTS_MAX)
			v->segments[n++] = (cpnp_parent_segment){
				.segment = v->children[i].segment,
				.part = 1};
	}
	v->view.wanted = (cpnp_parent_plan){v->segments, n};
}

static void
show_plan(
    struct view *v, const struct family *f, const struct parts *parts)
{
	const cpnp_segment *s;
	size_t i, k, n;

	for (i = 0; i < parts->split.segments_n; i++) {
		s = &parts->split.segments[i];
		for (k = n = 0; k < s->candidates_n; k++)
			if ((f->unfit[i] >> k & 1) == 0)
				v->neighbours[i][n++] = s->candidates[k];
		v->segments[i] = (cpnp_parent_segment){.segment = i,
			.part = 1, .neighbours = v->neighbours[i],
			.neighbours_n = n};
	}
	v->view.wanted = (cpnp_parent_plan){v->segments, i};
}

int
cpnpd_view_init(struct view *v, struct daemon *d, struct family *f,
    const cpnp_order *parent, const struct parts *parts, cpnp_now now)
{
	cpnp_parent_view *view = &v->view;
	cpnp_wait wait = {.has_until = false};
	int err;

	memset(v, 0, sizeof(*v));
	show_config(d, &v->config);
	view->now = now;
	view->transaction = CPNP_METHOD_QUOTATION;
	view->state = CPNP_STATE_CANCELLED;
	view->request = 1;
	view->validity.sec =
	    now.wall.sec + (int64_t)d->catalogue->offer_validity;
	view->deadline.sec =
	    now.wall.sec + seconds(d->conf->timers.expected_offer);
	view->asks = f->asks;
	view->time = f->time;
	if (parent != NULL) {
		view->transaction = cpnp_order_transaction(parent);
		view->state = cpnp_order_state(parent);
		view->agreement = cpnp_order_agreement_state(parent);
		cpnp_order_wait(parent, &wait);
	}
	if (wait.has_until && view->state == CPNP_STATE_AWAITING_PROCESSING)
		view->deadline = wait.until;
	err = show_children(v, d, f);
	if (parts != NULL)
		show_plan(v, f, parts);
	else
		show_made(v);
	if (view->agreement == CPNP_AGREEMENT_COMPLETED ||
	    view->agreement == CPNP_AGREEMENT_ACTIVE)
		view->standing = view->wanted;
	return err;
}
