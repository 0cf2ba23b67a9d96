/*
 * The own part of an order, the parts of its neighbours, and the whole.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "children.h"

static int
list_neighbours(struct parts *p, const struct daemon *d)
{
	const cpnp_conf_neighbour *n;
	cpnp_bytes *reaches;
	size_t i, k;

	p->neighbours = cpnp_arena_alloc(&p->arena,
	    d->conf->neighbours_n + 1, sizeof(*p->neighbours));
	for (i = 0; p->neighbours != NULL && i < d->conf->neighbours_n;
	     i++) {
		n = &d->conf->neighbours[i];
		reaches = cpnp_arena_alloc(
		    &p->arena, n->reaches.n + 1, sizeof(*reaches));
		for (k = 0; reaches != NULL && k < n->reaches.n; k++)
			reaches[k] =
			    cpnp_bytes_str(n->reaches.items[k].value);
		p->neighbours[i] = (cpnp_split_neighbour){
			cpnp_bytes_str(n->place.value),
			cpnp_bytes_str(n->their_place.value != NULL
				? n->their_place.value : n->place.value),
			reaches, n->reaches.n};
	}
	return p->arena.failed ? CPNP_ERR_NOMEM : 0;
}

int
cpnpd_parts_init(struct parts *p, struct daemon *d, const cpnp_msg *request,
    cpnp_explanation *why)
{
	int err;

	memset(p, 0, sizeof(*p));
	cpnp_arena_init(&p->arena);
	err = list_neighbours(p, d);
	return err != 0 ? err : cpnp_split_init(&p->split,
	    request->service_description, d->catalogue, p->neighbours,
	    d->conf->neighbours_n, &p->arena, why);
}

void
cpnpd_parts_fini(struct parts *p)
{
	cpnp_arena_fini(&p->arena);
}

int
cpnpd_own_judge(const struct parts *p, const cpnp_choice choice,
    const cpnp_decide_input *in, cpnp_decision *decision,
    cpnp_explanation *why)
{
	cpnp_msg *request = malloc(sizeof(*request));
	cpnp_decide_input own = *in;
	int err = CPNP_ERR_NOMEM;

	memset(decision, 0, sizeof(*decision));
	cpnp_arena_init(&decision->arena);
	if (request != NULL) {
		*request = *in->request;
		own.request = request;
		err = cpnp_split_own(&p->split, choice,
		    &request->service_description, why);
	}
	if (err == 0)
		err = cpnp_decide(decision, &own);
	free(request);
	return err;
}

/* ---- what a neighbour offers ---- */

static bool
has_cost(const cpnp_msg *offer)
{
	return cpnp_msg_has(offer, CPNP_ATTR_NEGOTIATION_OPTIONS) &&
	    offer->options.has_cost && !offer->options.cost_empty;
}

bool
cpnpd_child_offer_is_good(struct daemon *d, const cpnp_order *child,
    const cpnp_msg *offer, const char **why)
{
	cpnp_msg *request = calloc(1, sizeof(*request));

	if (request == NULL || cpnp_msg_decode(request,
	    cpnp_order_doc(child, CPNP_DOC_REQUEST), NULL) != 0)
		*why = "the request cannot be read";
	else
		*why = cpnp_split_objection(d->catalogue, request, offer);
	free(request);
	return *why == NULL;
}

/* ---- the whole ---- */

struct joining {
	struct daemon *d;
	const struct parts *parts;
	struct view *view;
	cpnp_choice choice;
	cpnp_msg *offers; /* of each segment */
	bool is_complete;
};

/* The OFFER of a child, which may rest in the store once it is agreed. */
static int
read_offer(const struct joining *j, const struct key *key, cpnp_msg *offer)
{
	const cpnp_order *order = cpnpd_key_order(j->d, key);
	cpnp_arena *arena = j->parts->split.arena;
	cpnp_store_row row;
	cpnp_bytes doc;
	uint8_t *copy;
	int err;

	if (order != NULL)
		return cpnp_msg_decode(
		    offer, cpnp_order_doc(order, CPNP_DOC_OFFER), NULL);
	err = cpnp_store_find(j->d->store, CPNP_CLIENT,
	    (cpnp_bytes){key->bytes, key->identity_len},
	    (cpnp_bytes){key->bytes + key->identity_len, key->id_len}, &row);
	if (err != 0)
		return err;
	doc = row.docs[CPNP_DOC_OFFER];
	copy = cpnp_arena_alloc(arena, doc.len + 1, 1);
	if (copy == NULL)
		return CPNP_ERR_NOMEM;
	memcpy(copy, doc.ptr, doc.len);
	return cpnp_msg_decode(offer, (cpnp_bytes){copy, doc.len}, NULL);
}

/* Who serves each segment, or is asked first. */
static void
choose(struct joining *j)
{
	const cpnp_segment *s;
	size_t i, k, at;

	j->is_complete = true;
	for (i = 0; i < j->parts->split.segments_n; i++) {
		s = &j->parts->split.segments[i];
		j->choice[i] = 0;
		at = cpnp_parent_chosen(&j->view->config, &j->view->view, i);
		if (at == CPNP_PARENT_NONE || read_offer(j,
			j->view->of[at]->key, &j->offers[i]) != 0) {
			j->is_complete = false;
			continue;
		}
		for (k = 0; k < s->candidates_n; k++)
			if (s->candidates[k] ==
			    j->view->children[at].neighbour)
				break;
		if (k == s->candidates_n)
			j->is_complete = false;
		else
			j->choice[i] = k;
	}
}

static void
refuse(cpnp_decision *decision, cpnp_status status,
    const cpnp_explanation *why)
{
	decision->status = status;
	decision->explanations[0] = *why;
	decision->explanations_n = 1;
}

static int
add_costs(const struct joining *j, cpnp_decision *decision)
{
	size_t i;

	for (i = 0; i < j->parts->split.segments_n; i++)
		if (has_cost(&j->offers[i]) && __builtin_add_overflow(
		    decision->offer.cost.amount,
		    j->offers[i].options.cost.amount,
		    &decision->offer.cost.amount))
			return CPNP_ERR_RANGE;
	return 0;
}

/* Each neighbour has offered what it would be asked for now: what is taken of
 * the own network may have changed. */
static int
join(const struct joining *j, cpnp_decision *decision)
{
	cpnp_bytes own = decision->offer.service_description, asked, whole;
	cpnp_bytes children[CPNP_SEGMENTS_MAX];
	cpnp_explanation why;
	uint8_t *copy;
	size_t i;
	int err = 0;

	for (i = 0; i < j->parts->split.segments_n && err == 0; i++) {
		children[i] = j->offers[i].service_description;
		err = cpnp_split_child(&j->parts->split, j->choice, i, own,
		    &asked, &why);
		if (err == 0 && !cpnp_split_is_within(children[i], asked))
			err = CPNP_ERR_MISMATCH;
	}
	if (err == 0)
		err = cpnp_split_join(
		    &j->parts->split, own, children, &whole);
	if (err == 0)
		err = add_costs(j, decision);
	if (err != 0)
		return err;
	copy = cpnp_arena_alloc(&decision->arena, whole.len, 1);
	if (copy == NULL)
		return CPNP_ERR_NOMEM;
	memcpy(copy, whole.ptr, whole.len);
	decision->offer.service_description = (cpnp_bytes){copy, whole.len};
	return 0;
}

/* No offer lasts longer than those it is made of. */
static void
limit_validity(
    const struct joining *j, struct family *f, cpnp_decision *decision)
{
	int64_t margin = (int64_t)(
	    j->d->conf->children.margin / CPNP_SECONDS(1));
	size_t i;

	f->until = decision->offer.validity;
	for (i = 0; i < j->parts->split.segments_n; i++)
		if (j->offers[i].validity_offer_time.sec - margin <
		    f->until.sec)
			f->until.sec =
			    j->offers[i].validity_offer_time.sec - margin;
	decision->offer.validity = f->until;
}

static int
judge(struct joining *j, struct family *f, const cpnp_decide_input *in,
    cpnp_decision *decision)
{
	const cpnp_explanation awaited = {
		.clause = CPNP_BYTES_LIT("nodes"),
		.reason = CPNP_BYTES_LIT("the offer of another provider for a "
		    "part of the way is not there"),
		.would_fit = CPNP_BYTES_LIT("the same order a little later")};
	cpnp_explanation why = {.clause = CPNP_BYTES_NONE};
	int err;

	choose(j);
	err = cpnpd_own_judge(j->parts, j->choice, in, decision, &why);
	if (err == CPNP_ERR_CLAUSE) {
		refuse(decision, CPNP_STATUS_NETWORK_PRESENCE, &why);
		return 0;
	}
	if (err != 0 || decision->status != CPNP_STATUS_NONE)
		return err;
	if (j->is_complete)
		err = join(j, decision);
	if (!j->is_complete || cpnp_error_is_peer(err)) {
		refuse(decision, CPNP_STATUS_OUT_OF_RESOURCES, &awaited);
		return 0;
	}
	if (err == 0)
		limit_validity(j, f, decision);
	return err;
}

bool
cpnpd_children_judge(struct daemon *d, const cpnp_order *order,
    const cpnp_decide_input *in, cpnp_decision *decision, int *err,
    cpnp_now now)
{
	struct family *f = cpnpd_family_of(d, order);
	struct joining j = {.d = d};
	cpnp_explanation why;
	struct parts parts;
	bool is_split;

	if (f == NULL)
		return false;
	*err = cpnpd_parts_init(&parts, d, in->request, &why);
	is_split = *err == 0 && parts.split.segments_n > 0;
	if (is_split) {
		j.parts = &parts;
		j.view = malloc(sizeof(*j.view));
		j.offers = calloc(CPNP_SEGMENTS_MAX, sizeof(*j.offers));
		*err = j.view == NULL || j.offers == NULL ? CPNP_ERR_NOMEM
		    : cpnpd_view_init(j.view, d, f, order, &parts, now);
		if (*err == 0)
			*err = judge(&j, f, in, decision);
	}
	free(j.view);
	free(j.offers);
	cpnpd_parts_fini(&parts);
	return is_split;
}

void
cpnpd_children_offer(
    struct daemon *d, const cpnp_order *order, cpnp_offer *offer)
{
	struct family *f = cpnpd_family_of(d, order);

	if (f == NULL)
		return;
	offer->confirm = true;
	if (f->until.sec != 0 && offer->validity.sec > f->until.sec)
		offer->validity = f->until;
}
