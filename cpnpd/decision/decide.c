/*
 * The order of a decision: may the customer ask this, what is it based on,
 * where is it, what capacity is free there, what can be promised, what does
 * it cost.  Each step may refuse, or change a clause and explain it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_int.h"

bool
is_refused(const struct deciding *w)
{
	return w->d->status != CPNP_STATUS_NONE;
}

cpnp_bytes
clause_name(struct deciding *w, const char *format, ...)
{
	char path[200], where[64] = "";
	va_list ap;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	/* The first component and profile go without saying. */
	if (w->component > 0)
		snprintf(where, sizeof(where), "component/%zu/",
		    w->component + 1);
	if (w->number > 0)
		snprintf(where + strlen(where), sizeof(where) - strlen(where),
		    "profile/%zu/", w->number + 1);
	return SAY(w, "%s%s", where, path);
}

void
explain(struct deciding *w, cpnp_bytes clause, cpnp_bytes reason,
    cpnp_bytes limit, cpnp_bytes would_fit)
{
	if (w->d->explanations_n < CPNP_EXPLANATIONS_MAX)
		w->d->explanations[w->d->explanations_n++] =
		    (cpnp_explanation){clause, reason, limit, would_fit};
}

void
refuse(struct deciding *w, cpnp_status status, cpnp_bytes clause,
    cpnp_bytes reason, cpnp_bytes limit, cpnp_bytes would_fit)
{
	/* What was changed before says nothing about the refusal. */
	if (!is_refused(w))
		w->d->explanations_n = 0;
	w->d->status = status;
	explain(w, clause, reason, limit, would_fit);
}

void
refuse_node(struct deciding *w, const cpnp_cpd_node *node)
{
	refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
	    clause_name(w, "capacity/%.*s", WORDS(node->id)),
	    CPNP_BYTES_LIT("no capacity is asked for this node, and capacity "
			   "is what is sold"),
	    CPNP_BYTES_NONE,
	    SAY(w, "a rate for the node, from %.*s",
		WORDS(quantity(
		    w, CPNP_UNIT_RATE, w->catalogue->rate_min))));
}

cpnp_bytes
quantity(struct deciding *w, cpnp_unit unit, uint64_t number)
{
	char text[CPNP_QUANTITY_LEN];

	cpnp_quantity_format(unit, number, text);
	return SAY(w, "%s", text);
}

/* ---- what may be asked ---- */

static void
check_activation(struct deciding *w)
{
	const cpnp_msg *m = w->in->request;
	bool scheduled = cpnp_msg_has(m, CPNP_ATTR_ACTIVATION_TYPE) &&
	    m->activation_type != CPNP_ACTIVATION_PERMANENT;

	if (cpnp_msg_has(m, CPNP_ATTR_ACTIVATION_SCHEDULE) &&
	    (m->activation_schedule.deactivate ||
		m->activation_schedule.has_start ||
		m->activation_schedule.has_end))
		scheduled = true;
	if (scheduled)
		refuse(w, CPNP_STATUS_UNSUPPORTED_ACTIVATION_TYPE,
		    CPNP_BYTES_LIT("activation type"),
		    CPNP_BYTES_LIT("services are activated when they are "
				   "agreed, not by a schedule"),
		    CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("type permanent without a schedule; when "
				   "the service is needed can be said in the "
				   "window of the document"));
}

static void
check_orders(struct deciding *w)
{
	const cpnp_decide_input *in = w->in;

	if (in->open <= in->open_max)
		return;
	refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
	    CPNP_BYTES_LIT("order"),
	    SAY(w, "%llu orders are open with this one; the limit of open "
		"orders for %.*s is %llu", (unsigned long long)in->open,
		WORDS(in->customer), (unsigned long long)in->open_max),
	    SAY(w, "%llu open orders", (unsigned long long)in->open_max),
	    CPNP_BYTES_LIT("the same order once another has been accepted, "
			   "declined or cancelled"));
}

static void
check_purpose(struct deciding *w)
{
	const cpnp_msg *m = w->in->request;
	const cpnp_agreement *stands = w->in->standing;

	w->purpose = cpnp_msg_has(m, CPNP_ATTR_NEGOTIATION_OPTIONS)
	    ? m->options.purpose : CPNP_PURPOSE_NONE;
	/* Whoever says nothing leaves it as it is. */
	if (stands != NULL && w->purpose == CPNP_PURPOSE_NONE)
		w->purpose = stands->purpose;
	w->is_test = w->purpose == CPNP_PURPOSE_TEST;
	if (w->is_test && stands != NULL &&
	    stands->purpose != CPNP_PURPOSE_TEST)
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    CPNP_BYTES_LIT("purpose"),
		    CPNP_BYTES_LIT("the agreement is permanent, and is not "
				   "made a test"),
		    CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("an update with purpose permanent, or an "
				   "order of its own for the test"));
	else if (w->is_test && w->catalogue->test_rate_max == 0)
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    CPNP_BYTES_LIT("purpose"),
		    CPNP_BYTES_LIT("this provider takes no orders for tests"),
		    CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("the same order with purpose permanent"));
}

static int
read_request(struct deciding *w)
{
	cpnp_diag diag = {0};
	cpnp_bytes body = w->in->request->service_description;
	int err = cpnp_cpd_decode(&w->asked, body, &w->arena->mem, &diag);

	if (err == 0)
		err = cpnp_cpd_decode(
		    &w->offer, body, &w->arena->mem, &diag);
	if (cpnp_error_is_peer(err)) {
		refuse(w, cpnp_error_status(err), SAY(w, "%s", diag.where),
		    SAY(w, "%s", diag.why[0] != '\0' ? diag.why
						     : cpnp_strerror(err)),
		    CPNP_BYTES_NONE, CPNP_BYTES_NONE);
		return 0;
	}
	if (err == 0 && w->asked.components_n == 0)
		refuse(w, CPNP_STATUS_MESSAGE_VALIDATION,
		    CPNP_BYTES_LIT("service description"),
		    CPNP_BYTES_LIT("the document is empty"), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("a document that says which nodes are to "
				   "be connected, and with what capacity"));
	return err;
}

/* ---- where and when ---- */

static cpnp_bytes
served_places(struct deciding *w)
{
	char text[CPNP_TEXT_MAX + 1] = "";
	size_t i, len = 0, room;

	for (i = 0; i < w->catalogue->places_n; i++) {
		room = sizeof(text) - len - sizeof(", ...");
		if (strlen(w->catalogue->places[i].name) + 2 > room) {
			strcpy(text + len, ", ...");
			break;
		}
		len += (size_t)sprintf(text + len, "%s%s", i > 0 ? ", " : "",
		    w->catalogue->places[i].name);
	}
	return SAY(w, "%s", text);
}

static int
find_places(struct deciding *w)
{
	cpnp_cpd_profile *p = w->profile;
	cpnp_cpd_node *node;
	size_t i;

	w->places = cpnp_arena_alloc(
	    w->arena, p->nodes_n, sizeof(const cpnp_place *));
	if (w->places == NULL)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < p->nodes_n; i++) {
		node = &p->nodes[i];
		w->places[i] = cpnp_catalogue_place(w->catalogue, node->place);
		if (w->places[i] == NULL)
			refuse(w, CPNP_STATUS_NETWORK_PRESENCE,
			    clause_name(w, "nodes/%.*s", WORDS(node->id)),
			    node->place.len > 0
				? SAY(w, "the place %.*s is not served",
				      WORDS(node->place))
				: CPNP_BYTES_LIT("the node has no place, and "
						 "by its place a node is "
						 "found"),
			    SAY(w, "%zu places are served",
				w->catalogue->places_n),
			    served_places(w));
	}
	return 0;
}

static void
find_window(struct deciding *w)
{
	const cpnp_cpd_window *window = w->profile->window;
	int64_t now = w->in->now.sec, longest;

	w->from = w->in->now;
	w->until = (cpnp_wtime){CPNP_WTIME_MAX};
	if (window != NULL && window->start.is_set &&
	    window->start.time.sec > now)
		w->from = window->start.time;
	if (window != NULL && window->end.is_set)
		w->until = window->end.time;
	if (w->until.sec <= w->from.sec) {
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    clause_name(w, "window/end"),
		    CPNP_BYTES_LIT("the service would have ended before it "
				   "could begin"), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("an end in the future"));
		return;
	}
	if ((uint64_t)(w->until.sec - w->from.sec) > w->longest)
		w->longest = (uint64_t)(w->until.sec - w->from.sec);
	longest = (int64_t)w->catalogue->test_duration_max;
	if (w->is_test && w->until.sec - w->from.sec > longest)
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    clause_name(w, "window/end"),
		    CPNP_BYTES_LIT("a test is shorter"),
		    quantity(w, CPNP_UNIT_SECONDS, (uint64_t)longest),
		    SAY(w, "a window that ends within %.*s of its start",
			WORDS(quantity(w, CPNP_UNIT_SECONDS,
			    (uint64_t)longest))));
}

/* A node that names no link learns where the provider's side of it is. */
static int
tell_provider_nodes(struct deciding *w)
{
	cpnp_cpd_node *node;
	size_t i;

	for (i = 0; i < w->profile->nodes_n; i++) {
		node = &w->profile->nodes[i];
		if (w->places[i]->provider_node == NULL || node->links_n > 0)
			continue;
		node->links = cpnp_arena_alloc(
		    w->arena, 1, sizeof(*node->links));
		if (node->links == NULL)
			return CPNP_ERR_NOMEM;
		node->links->provider_node =
		    cpnp_bytes_str(w->places[i]->provider_node);
		node->links_n = 1;
	}
	return 0;
}

/* Each place once. */
static int
find_sites(struct deciding *w)
{
	const cpnp_topology *t = w->in->topology;
	size_t nodes = w->profile->nodes_n, i, k;

	w->sites = cpnp_arena_alloc(w->arena, nodes, sizeof(*w->sites));
	w->site_of = cpnp_arena_alloc(w->arena, nodes, sizeof(*w->site_of));
	if (w->arena->failed)
		return CPNP_ERR_NOMEM;
	w->sites_n = w->branches_n = 0;
	for (i = 0; i < nodes; i++) {
		for (k = 0; k < w->sites_n; k++)
			if (w->sites[k].place == w->places[i])
				break;
		w->site_of[i] = k;
		if (k < w->sites_n)
			continue;
		w->sites[k].place = w->places[i];
		if (t != NULL)
			w->sites[k].node = t->node_of_place[
			    w->places[i] - w->catalogue->places];
		w->sites_n++;
	}
	return 0;
}

static int
decide_profile(struct deciding *w)
{
	int err = find_places(w);

	if (err == 0 && !is_refused(w))
		find_window(w);
	if (err == 0 && !is_refused(w))
		err = find_sites(w);
	if (err == 0 && !is_refused(w))
		err = w->profile->capacity_n > 0 ? fit_capacity(w)
						 : find_paths(w);
	if (err == 0 && !is_refused(w)) {
		fit_quality(w);
		err = tell_provider_nodes(w);
	}
	if (err == 0 && !is_refused(w) && close_cost(w) != 0)
		refuse_cost(w);
	return err;
}

static int
decide_profiles(struct deciding *w)
{
	cpnp_cpd_component *component;
	int err = 0;

	for (w->component = 0; w->component < w->offer.components_n;
	     w->component++) {
		component = &w->offer.components[w->component];
		for (w->number = 0; w->number < component->profiles_n;
		     w->number++) {
			w->profile = &component->profiles[w->number];
			if (err == 0 && !is_refused(w))
				err = decide_profile(w);
		}
	}
	w->component = w->number = 0;
	return err;
}

/* Does another profile ask for capacity at the place of this node? */
static bool
has_capacity(const struct deciding *w, const cpnp_cpd_node *node)
{
	const cpnp_place *place =
	    cpnp_catalogue_place(w->catalogue, node->place);
	const cpnp_cpd_profile *p;
	size_t i, j, k;

	for (i = 0; i < w->offer.components_n; i++)
		for (j = 0; j < w->offer.components[i].profiles_n; j++) {
			p = &w->offer.components[i].profiles[j];
			for (k = 0; p->capacity_n > 0 && k < p->nodes_n; k++)
				if (cpnp_catalogue_place(w->catalogue,
					p->nodes[k].place) == place)
					return true;
		}
	return false;
}

/* Without a capacity clause forwarding is best effort (RFC 7297, 3.7), which
 * comes with a place where capacity is bought and not alone. */
static void
check_best_effort(struct deciding *w)
{
	const cpnp_cpd_profile *p;
	size_t i;

	for (w->component = 0; w->component < w->offer.components_n;
	     w->component++)
		for (w->number = 0; w->number <
		     w->offer.components[w->component].profiles_n;
		     w->number++) {
			p = &w->offer.components[w->component]
				 .profiles[w->number];
			for (i = 0; p->capacity_n == 0 && i < p->nodes_n; i++)
				if (!has_capacity(w, &p->nodes[i]))
					refuse_node(w, &p->nodes[i]);
		}
	w->component = w->number = 0;
}

static void
check_held(struct deciding *w)
{
	const cpnp_decide_input *in = w->in;
	uint64_t held, before;

	held = (uint64_t)cpnp_capacity_held(in->capacity, in->customer);
	if (held <= in->held_max)
		return;
	before = held -
	    (uint64_t)cpnp_capacity_held_by(in->capacity, in->order_ref);
	refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
	    CPNP_BYTES_LIT("capacity"),
	    SAY(w, "the limit of capacity held without buying for %.*s is "
		"%.*s, %.*s is held by other offers and %.*s are asked for",
		WORDS(in->customer),
		WORDS(quantity(w, CPNP_UNIT_RATE, in->held_max)),
		WORDS(quantity(w, CPNP_UNIT_RATE, before)),
		WORDS(quantity(w, CPNP_UNIT_RATE, held - before))),
	    SAY(w, "%.*s held without buying, all places together",
		WORDS(quantity(w, CPNP_UNIT_RATE, in->held_max))),
	    before >= in->held_max
		? CPNP_BYTES_LIT("the same order once another offer has been "
				 "accepted or declined")
		: SAY(w, "%.*s in all places together",
		      WORDS(quantity(
			  w, CPNP_UNIT_RATE, in->held_max - before))));
}

/* ---- what it costs, and the offer ---- */

cpnp_bytes
money(struct deciding *w, const cpnp_money *m)
{
	uint64_t unit = 1, amount = (uint64_t)m->amount;
	int i;

	for (i = 0; i < m->exponent; i++)
		unit *= 10;
	if (m->exponent == 0)
		return SAY(w, "%llu %.*s", (unsigned long long)amount,
		    WORDS(m->code));
	return SAY(w, "%llu.%0*llu %.*s", (unsigned long long)(amount / unit),
	    m->exponent, (unsigned long long)(amount % unit), WORDS(m->code));
}

void
refuse_cost(struct deciding *w)
{
	refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
	    CPNP_BYTES_LIT("cost"),
	    CPNP_BYTES_LIT("the price is larger than an amount of money can "
			   "be"), CPNP_BYTES_NONE,
	    CPNP_BYTES_LIT("less capacity or a shorter service"));
}

static void
find_cost(struct deciding *w)
{
	const cpnp_msg *m = w->in->request;
	cpnp_money *cost = &w->d->offer.cost;
	const cpnp_money *wish = &m->options.cost;

	w->d->offer.has_cost = true;
	cost->code = cpnp_bytes_str(w->catalogue->token_code);
	cost->issuer = cpnp_bytes_str(w->catalogue->token_issuer);
	cost->exponent = (uint8_t)w->catalogue->token_exponent;
	if (w->article != NULL && w->article->frozen) {
		cost->amount = (int64_t)w->article->price;
	} else if (total_cost(w, &cost->amount) != 0) {
		refuse_cost(w);
		return;
	}
	if (!cpnp_msg_has(m, CPNP_ATTR_NEGOTIATION_OPTIONS) ||
	    !m->options.has_cost || m->options.cost_empty)
		return;
	if (wish->exponent != cost->exponent ||
	    !cpnp_bytes_equal(wish->code, cost->code) ||
	    !cpnp_bytes_equal(wish->issuer, cost->issuer))
		explain(w, CPNP_BYTES_LIT("cost"),
		    SAY(w, "prices are in %.*s only", WORDS(cost->code)),
		    CPNP_BYTES_NONE, money(w, cost));
	else if (wish->amount < cost->amount)
		explain(w, CPNP_BYTES_LIT("cost"),
		    SAY(w, "the price is more than the %.*s wished for",
			WORDS(money(w, wish))), CPNP_BYTES_NONE,
		    money(w, cost));
}

static void
describe_provider(struct deciding *w)
{
	const cpnp_catalogue *c = w->catalogue;
	cpnp_description *p = &w->d->provider;
	size_t i;

	p->name = cpnp_bytes_str(c->name);
	p->email = cpnp_bytes_str(c->email);
	p->postal_address = cpnp_bytes_str(c->postal_address);
	for (i = 0; i < c->telephone.n && i < CPNP_TELEPHONES_MAX; i++)
		p->telephone[p->telephone_n++] =
		    cpnp_bytes_str(c->telephone.name[i]);
	p->has_as_number = c->as_number.is_set;
	p->as_number = (uint32_t)c->as_number.value;
	w->d->offer.provider_description = p;
}

static int
write_offer(struct deciding *w)
{
	const cpnp_msg *m = w->in->request;
	cpnp_offer *offer = &w->d->offer;
	cpnp_diag diag = {0};
	cpnp_buf buf;
	int err;

	cpnp_buf_init(&buf, &w->arena->mem, CPNP_CPD_MAX);
	err = cpnp_cpd_is_concrete(&w->offer, &diag);
	if (err == 0)
		err = cpnp_cpd_encode(&w->offer, &buf);
	if (cpnp_error_is_fatal(err))
		return err;
	if (err != 0) {
		/* Clauses that the network does not honour were left out,
		 * and the others do not make sense without them. */
		refuse(w, CPNP_STATUS_OUT_OF_RESOURCES, SAY(w, "%s",
		    diag.where), SAY(w, "no offer can be made of what this "
		    "provider honours: %s", diag.why[0] != '\0' ? diag.why
		    : cpnp_strerror(err)), CPNP_BYTES_NONE, CPNP_BYTES_NONE);
		return 0;
	}
	offer->service_description = cpnp_buf_bytes(&buf);
	offer->validity.sec =
	    w->in->now.sec + (int64_t)w->catalogue->offer_validity;
	offer->purpose = w->purpose;
	if (cpnp_msg_has(m, CPNP_ATTR_ACTIVATION_TYPE)) {
		offer->has_activation_type = true;
		offer->activation_type = CPNP_ACTIVATION_PERMANENT;
	}
	describe_provider(w);
	offer->explanations = w->d->explanations;
	offer->explanations_n = w->d->explanations_n;
	return 0;
}

static int
run(struct deciding *w)
{
	int err = 0;

	check_activation(w);
	if (!is_refused(w))
		check_orders(w);
	if (!is_refused(w))
		check_purpose(w);
	if (!is_refused(w))
		err = read_request(w);
	if (err == 0 && !is_refused(w))
		err = fill_in(w);
	if (err == 0 && !is_refused(w))
		err = decide_profiles(w);
	if (err == 0 && !is_refused(w))
		check_best_effort(w);
	if (err == 0 && !is_refused(w))
		err = check_model(w);
	if (err == 0 && !is_refused(w))
		err = cpnp_capacity_join(w->in->capacity, w->in->order_ref);
	if (err == 0 && !is_refused(w))
		check_held(w);
	if (err == 0 && !is_refused(w))
		find_cost(w);
	if (err == 0 && !is_refused(w) && w->in->standing != NULL)
		err = explain_update(w);
	if (err == 0 && !is_refused(w))
		err = write_offer(w);
	if (err == 0 && !is_refused(w))
		check_guidelines(w);
	return err == 0 && w->arena->failed ? CPNP_ERR_NOMEM : err;
}

int
cpnp_decide(cpnp_decision *d, const cpnp_decide_input *in)
{
	struct deciding w = {.in = in, .catalogue = in->catalogue, .d = d,
		.arena = &d->arena};
	int err;

	memset(d, 0, sizeof(*d));
	cpnp_arena_init(&d->arena);
	err = cpnp_capacity_release(in->capacity, in->order_ref);
	if (err != 0)
		return err;
	if (in->standing != NULL)
		cpnp_capacity_set_aside(in->capacity, in->order_ref);
	err = run(&w);
	if ((err != 0 || is_refused(&w)) &&
	    cpnp_capacity_release(in->capacity, in->order_ref) != 0)
		err = CPNP_ERR_NOMEM;
	return err;
}

/* ---- what somebody else has decided ---- */

static void
prefer(cpnp_cpd_value *v)
{
	if (v->kind == CPNP_CPD_RANGE)
		*v = cpnp_cpd_single(v->preferred);
}

static void
prefer_all(cpnp_cpd_metric *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		prefer(&list[i].value);
}

static void
prefer_profile(cpnp_cpd_profile *p)
{
	size_t i;

	if (p->qos != NULL) {
		prefer_all(p->qos->delay, p->qos->delay_n);
		prefer_all(p->qos->delay_variation, p->qos->delay_variation_n);
		prefer_all(p->qos->loss, p->qos->loss_n);
		prefer_all(p->qos->throughput, p->qos->throughput_n);
	}
	if (p->availability != NULL)
		prefer(&p->availability->value);
	for (i = 0; i < p->capacity_n; i++) {
		prefer(&p->capacity[i].in);
		prefer(&p->capacity[i].out);
	}
	if (p->conformance != NULL) {
		prefer(&p->conformance->mtu);
		prefer(&p->conformance->burst);
	}
}

static int
take_told(struct deciding *w, const cpnp_told *told)
{
	cpnp_diag diag = {0};
	size_t i, j;
	int err = told->service.len == 0 ? 0 : cpnp_cpd_decode(
	    &w->offer, told->service, &w->arena->mem, &diag);

	for (i = 0; err == 0 && i < w->offer.components_n; i++)
		for (j = 0; j < w->offer.components[i].profiles_n; j++)
			prefer_profile(&w->offer.components[i].profiles[j]);
	w->d->offer.has_cost = told->has_cost;
	w->d->offer.cost = told->cost;
	if (err == 0)
		err = write_offer(w);
	if (told->validity != 0)
		w->d->offer.validity.sec =
		    w->in->now.sec + (int64_t)told->validity;
	return err;
}

int
cpnp_decide_told(cpnp_decision *d, const cpnp_decide_input *in,
    const cpnp_told *told)
{
	struct deciding w = {.in = in, .catalogue = in->catalogue, .d = d,
		.arena = &d->arena};
	int err;

	memset(d, 0, sizeof(*d));
	cpnp_arena_init(&d->arena);
	err = cpnp_capacity_release(in->capacity, in->order_ref);
	check_activation(&w);
	if (!is_refused(&w))
		check_orders(&w);
	if (!is_refused(&w))
		check_purpose(&w);
	if (err == 0 && !is_refused(&w))
		err = read_request(&w);
	if (err == 0 && !is_refused(&w))
		err = take_told(&w, told);
	return err == 0 && d->arena.failed ? CPNP_ERR_NOMEM : err;
}

void
cpnp_decision_fini(cpnp_decision *d)
{
	cpnp_arena_fini(&d->arena);
}
