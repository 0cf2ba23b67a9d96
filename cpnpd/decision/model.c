/*
 * The frozen and the announced model (contradictions.md, 1).  The customer
 * writes which nodes, and whatever else an item or template leaves open; each
 * clause that the customer does not write comes from there.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "decide_int.h"

#define CHANGES_MAX CPNP_EXPLANATIONS_MAX

#define TAKE(to, from, clause)                                                 \
	do {                                                                   \
		if ((to)->clause == NULL)                                      \
			(to)->clause = (from)->clause;                         \
	} while (0)
#define TAKE_LIST(to, from, list)                                              \
	do {                                                                   \
		if ((to)->list##_n == 0) {                                     \
			(to)->list = (from)->list;                             \
			(to)->list##_n = (from)->list##_n;                     \
		}                                                              \
	} while (0)

/* The nodes of the model are this customer's: its names for them, and where
 * they are when the model leaves that open.  One node of the model stands for
 * as many as the customer has. */
static int
adopt_nodes(struct deciding *w, cpnp_cpd_profile *model,
    const cpnp_cpd_profile *asked)
{
	cpnp_cpd_node *nodes;
	const cpnp_cpd_node *first = model->nodes;
	size_t i;

	if (model->nodes_n != 1 && model->nodes_n != asked->nodes_n)
		return 0; /* check_model() tells */
	nodes = cpnp_arena_alloc(w->arena, asked->nodes_n, sizeof(*nodes));
	if (nodes == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < asked->nodes_n; i++) {
		nodes[i] = asked->nodes[i];
		if (model->nodes_n == 1 && first->place.len > 0)
			nodes[i].place = first->place;
		else if (model->nodes_n > 1 && first[i].place.len > 0)
			nodes[i].place = first[i].place;
	}
	model->nodes = nodes;
	model->nodes_n = asked->nodes_n;
	return 0;
}

static int
fill_profile(struct deciding *w, cpnp_cpd_profile *offer,
    const cpnp_cpd_profile *source, cpnp_cpd_profile *model)
{
	int err = adopt_nodes(w, model, offer);
	size_t i;

	for (i = 0; i < offer->nodes_n && i < model->nodes_n; i++)
		if (offer->nodes[i].place.len == 0)
			offer->nodes[i].place = model->nodes[i].place;
	if (offer->name.len == 0)
		offer->name = source->name;
	TAKE_LIST(offer, source, scopes);
	TAKE(offer, source, qos);
	TAKE(offer, source, availability);
	TAKE_LIST(offer, source, capacity);
	TAKE(offer, source, conformance);
	TAKE(offer, source, overall);
	TAKE(offer, source, isolation);
	TAKE_LIST(offer, source, flows);
	TAKE(offer, source, routing);
	TAKE_LIST(offer, source, activation);
	TAKE(offer, source, invocation);
	TAKE_LIST(offer, source, notifications);
	TAKE_LIST(offer, source, assurance);
	TAKE(offer, source, window);
	return err;
}

static int
fill_document(struct deciding *w)
{
	cpnp_cpd_component *to, *from, *model;
	size_t i, j;
	int err = 0;

	for (i = 0; i < w->offer.components_n && i < w->model.components_n;
	     i++) {
		to = &w->offer.components[i];
		from = &w->source.components[i];
		model = &w->model.components[i];
		if (to->name.len == 0)
			to->name = from->name;
		for (j = 0; j < to->profiles_n && j < from->profiles_n; j++)
			if (err == 0)
				err = fill_profile(w, &to->profiles[j],
				    &from->profiles[j], &model->profiles[j]);
	}
	return err;
}

static void
list_changes(struct deciding *w)
{
	cpnp_cpd_change changes[CHANGES_MAX];
	size_t i, n = cpnp_cpd_diff(
	    &w->model, &w->offer, changes, CHANGES_MAX);

	for (i = 0; i < n && i < CHANGES_MAX; i++)
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    SAY(w, "%s", changes[i].path),
		    SAY(w, "the item %s is frozen, %s", w->article->name,
			changes[i].before[0] == '\0'
			    ? "and has no such clause"
			    : "and this clause of it is fixed"),
		    SAY(w, "%s", changes[i].before[0] == '\0'
			? "left out" : changes[i].before),
		    CPNP_BYTES_LIT("the item without this clause, or an order "
				   "that is not based on it"));
}

static cpnp_bytes
articles(struct deciding *w)
{
	char text[CPNP_TEXT_MAX + 1] = "";
	size_t i, len = 0;
	const char *name;

	for (i = 0; i < w->catalogue->articles_n; i++) {
		name = w->catalogue->articles[i].name;
		if (len + strlen(name) + 2 >= sizeof(text))
			break;
		if (len > 0) {
			memcpy(text + len, ", ", 2);
			len += 2;
		}
		strcpy(text + len, name);
		len += strlen(name);
	}
	return SAY(w, "%s", text);
}

int
fill_in(struct deciding *w)
{
	const cpnp_article *a;
	int err;

	if (w->offer.based_on.len == 0)
		return 0;
	a = w->article =
	    cpnp_catalogue_article(w->catalogue, w->offer.based_on);
	if (a == NULL) {
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    CPNP_BYTES_LIT("based-on"),
		    SAY(w, "%.*s is not in the catalogue",
			WORDS(w->offer.based_on)),
		    SAY(w, "%zu items and templates",
			w->catalogue->articles_n),
		    articles(w));
		return 0;
	}
	/* Twice: the offer borrows clauses from the one and changes them. */
	err = cpnp_cpd_decode(&w->model,
	    (cpnp_bytes){a->description, a->description_len},
	    &w->arena->mem, NULL);
	if (err == 0)
		err = cpnp_cpd_decode(&w->source,
		    (cpnp_bytes){a->description, a->description_len},
		    &w->arena->mem, NULL);
	if (err != 0)
		return err;
	w->model.based_on = w->offer.based_on;
	err = fill_document(w);
	if (err == 0 && a->frozen)
		list_changes(w);
	return err;
}

/* A rate of the template for no node in particular is the range of each rate
 * that the customer asks for. */
static int
spread_rate(struct deciding *w, cpnp_cpd_profile *model,
    const cpnp_cpd_profile *offer)
{
	cpnp_cpd_capacity *list;
	cpnp_cpd_capacity any;
	size_t i;

	if (model->capacity_n != 1 || model->capacity->node != 0 ||
	    model->capacity->scope != 0)
		return 0;
	any = *model->capacity;
	list = cpnp_arena_alloc(w->arena, offer->capacity_n, sizeof(*list));
	if (list == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < offer->capacity_n; i++) {
		list[i] = offer->capacity[i];
		if (list[i].in.kind != CPNP_CPD_ABSENT)
			list[i].in = any.in;
		if (list[i].out.kind != CPNP_CPD_ABSENT)
			list[i].out = any.out;
	}
	model->capacity = list;
	model->capacity_n = offer->capacity_n;
	return 0;
}

/* What a template does not speak of is open. */
static int
open_profile(struct deciding *w, cpnp_cpd_profile *model,
    const cpnp_cpd_profile *offer)
{
	if (model->name.len == 0)
		model->name = offer->name;
	TAKE_LIST(model, offer, scopes);
	TAKE(model, offer, qos);
	TAKE(model, offer, availability);
	TAKE_LIST(model, offer, capacity);
	TAKE(model, offer, conformance);
	TAKE(model, offer, overall);
	TAKE(model, offer, isolation);
	TAKE_LIST(model, offer, flows);
	TAKE(model, offer, routing);
	TAKE_LIST(model, offer, activation);
	TAKE(model, offer, invocation);
	TAKE_LIST(model, offer, notifications);
	TAKE_LIST(model, offer, assurance);
	TAKE(model, offer, window);
	return spread_rate(w, model, offer);
}

static int
open_document(struct deciding *w)
{
	cpnp_cpd_component *model, *offer;
	size_t i, j;
	int err = 0;

	for (i = 0; i < w->model.components_n && i < w->offer.components_n;
	     i++) {
		model = &w->model.components[i];
		offer = &w->offer.components[i];
		if (model->name.len == 0)
			model->name = offer->name;
		for (j = 0; j < model->profiles_n && j < offer->profiles_n;
		     j++)
			if (err == 0)
				err = open_profile(w, &model->profiles[j],
				    &offer->profiles[j]);
	}
	return err;
}

int
check_model(struct deciding *w)
{
	cpnp_diag diag = {0};
	int err;

	if (w->article == NULL || w->article->frozen)
		return 0;
	err = open_document(w);
	if (err != 0 || cpnp_cpd_within(&w->offer, &w->model, &diag) == 0)
		return err;
	/* What was changed for want of capacity or of a promise is said
	 * already; else the customer has left the template. */
	if (w->d->explanations_n > 0) {
		w->d->status = CPNP_STATUS_OUT_OF_RESOURCES;
		return 0;
	}
	refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
	    SAY(w, "%s", diag.where),
	    SAY(w, "outside what the template %s leaves open: %s",
		w->article->name, diag.why), CPNP_BYTES_NONE,
	    CPNP_BYTES_LIT("a value within the template, or an order that is "
			   "not based on it"));
	return 0;
}
