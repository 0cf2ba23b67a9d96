/*
 * The tree of an order, for cpnpctl(8).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "children.h"
#include "ctl.h"
#include "neighbour.h"

struct listing {
	struct daemon *d;
	const struct family *f; /* NULL: not in memory */
	json_t *list;
};

static void
set_offer(json_t *object, cpnp_bytes bytes)
{
	cpnp_msg *offer = calloc(1, sizeof(*offer));

	if (offer != NULL && cpnp_msg_decode(offer, bytes, NULL) == 0) {
		if (cpnp_msg_has(offer, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
		    offer->options.has_cost && !offer->options.cost_empty)
			(void)json_object_set_new(object, "cost",
			    cpnpd_ctl_cost(&offer->options.cost));
		(void)json_object_set_new(object, "valid_until",
		    cpnpd_ctl_time(offer->validity_offer_time));
	}
	free(offer);
}

/* As it is in memory, ahead of what is committed. */
static void
set_order(json_t *object, const cpnp_order *order)
{
	cpnp_bytes provider = cpnp_order_provider_id(order);
	cpnp_wait wait;

	if (provider.len > 0)
		(void)json_object_set_new(
		    object, "provider_order", cpnpd_ctl_text(provider));
	(void)json_object_set_new(object, "state",
	    json_string(cpnpd_ctl_state(cpnp_order_state(order))));
	(void)json_object_set_new(object, "agreement",
	    json_string(cpnp_agreement_state_name(
		cpnp_order_agreement_state(order))));
	(void)json_object_set_new(object, "open",
	    json_boolean(!cpnp_order_is_settled(order)));
	set_offer(object, cpnp_order_doc(order, CPNP_DOC_OFFER));
	cpnp_order_wait(order, &wait);
	if (wait.what != NULL)
		(void)json_object_set_new(
		    object, "waits_for", json_string(wait.what));
	if (wait.what != NULL && wait.has_until)
		(void)json_object_set_new(
		    object, "waits_until", cpnpd_ctl_time(wait.until));
}

static void
set_row(json_t *object, const cpnp_store_row *row)
{
	if (row->provider_order_id.len > 0)
		(void)json_object_set_new(object, "provider_order",
		    cpnpd_ctl_text(row->provider_order_id));
	(void)json_object_set_new(
	    object, "state", json_string(cpnpd_ctl_state(row->state)));
	(void)json_object_set_new(object, "agreement",
	    json_string(cpnp_agreement_state_name(row->agreement_state)));
	(void)json_object_set_new(
	    object, "open", json_boolean(!row->settled));
	set_offer(object, row->docs[CPNP_DOC_OFFER]);
}

static bool
is_waited_for(const struct listing *l, const cpnp_store_link *link)
{
	const struct child *c = l->f != NULL ? l->f->waits : NULL;

	return c != NULL &&
	    cpnp_bytes_equal(link->child_id, (cpnp_bytes){
		c->key->bytes + c->key->identity_len, c->key->id_len});
}

static int
add_child(void *user, const cpnp_store_link *link)
{
	struct listing *l = user;
	const cpnp_order *order = cpnp_orders_find(
	    l->d->orders, CPNP_CLIENT, link->child_peer, link->child_id);
	size_t number = cpnpd_neighbour_find(l->d, link->child_peer);
	json_t *object = json_object();
	cpnp_store_row row;
	int err = 0;

	(void)json_object_set_new(object, "segment",
	    json_integer((json_int_t)link->segment + 1));
	(void)json_object_set_new(
	    object, "provider", cpnpd_ctl_text(link->child_peer));
	(void)json_object_set_new(
	    object, "order", cpnpd_ctl_text(link->child_id));
	if (order != NULL)
		set_order(object, order);
	else
		err = cpnp_store_find(l->d->store, CPNP_CLIENT,
		    link->child_peer, link->child_id, &row);
	if (order == NULL && err == 0)
		set_row(object, &row);
	(void)json_object_set_new(
	    object, "waited_for", json_boolean(is_waited_for(l, link)));
	if (number == SIZE_MAX || l->d->neighbours[number].is_down)
		(void)json_object_set_new(object, "reachable", json_false());
	(void)json_array_append_new(l->list, object);
	return err;
}

int
cpnpd_children_json(
    struct daemon *d, json_t *object, const cpnp_store_row *row)
{
	const cpnp_order *parent = cpnp_orders_find(d->orders, CPNP_SERVER,
	    row->peer_identity, row->customer_order_id);
	struct listing l = {d, NULL, NULL};
	int err;

	if (d->children == NULL)
		return 0;
	l.list = json_array();
	if (parent != NULL)
		l.f = cpnpd_family_of(d, parent);
	err = cpnp_store_each_child(d->store, row->peer_identity,
	    row->customer_order_id, add_child, &l);
	if (json_array_size(l.list) > 0) {
		if (l.f != NULL && l.f->why != NULL)
			(void)json_object_set_new(object,
			    "children_wait_for", json_string(l.f->why));
		(void)json_object_set(object, "children", l.list);
	}
	json_decref(l.list);
	return err;
}
