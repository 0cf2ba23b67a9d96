/*
 * The capacity clause.  Each rate that it names counts at the nodes that it
 * is for: those it names, else those of its scope, else every node that no
 * other rate is for.  A node that no rate is for, the far end of a pipe,
 * receives what the others send and sends what they receive.  A place has
 * capacity in each direction; what its nodes need of the larger direction is
 * held there, and paid.
 *
 * When a place has less than is asked, the largest rates there are cut, all
 * to the same, until the rest fits.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "decide_int.h"

enum direction { IN, OUT, DIRECTIONS };

/* One rate of the clause in one direction. */
struct slot {
	cpnp_cpd_value *value; /* NULL: not named */
	uint64_t rate;
	uint64_t asked;
	const cpnp_place *cut_by; /* NULL: by the terms, or not at all */
	uint64_t free;            /* what that place had */
};

struct fit {
	struct deciding *w;
	cpnp_cpd_capacity *clause;
	size_t n;
	struct slot *slots[DIRECTIONS];
	const cpnp_place **places; /* each one once */
	size_t places_n;
	uint64_t largest; /* of the rates */
	/* of place i and rate j, at i * n + j: nodes that it is for, and nodes
	 * that have it in the other direction */
	uint32_t *counts;
	uint32_t *far;
};

static const char *const direction_names[] = {"in", "out"};

static uint64_t
largest(const struct deciding *w)
{
	const cpnp_catalogue *c = w->catalogue;
	uint64_t max = c->rate_max;

	if (w->is_test && c->test_rate_max < max)
		max = c->test_rate_max;
	return max - max % c->rate_step;
}

static cpnp_bytes
rate_name(struct fit *f, size_t i, enum direction d)
{
	const cpnp_cpd_capacity *e = &f->clause[i];
	const cpnp_cpd_profile *p = f->w->profile;
	cpnp_bytes of = CPNP_BYTES_NONE;

	if (e->node != 0)
		of = p->nodes[e->node - 1].id;
	else if (e->scope != 0)
		of = p->scopes[e->scope - 1].id;
	if (of.len == 0)
		return clause_name(
		    f->w, "capacity/%zu/%s", i + 1, direction_names[d]);
	return clause_name(f->w, "capacity/%.*s%s%.*s/%s", WORDS(of),
	    e->link.len > 0 ? " " : "", WORDS(e->link), direction_names[d]);
}

/* ---- which rate is for which node ---- */

/* 3: names the node, 2: a scope it is in, 1: none, 0: another node. */
static int
rate_is_for(
    const cpnp_cpd_profile *p, const cpnp_cpd_capacity *e, cpnp_cpd_ref node)
{
	const cpnp_cpd_scope *scope;
	size_t i;

	if (e->node != 0)
		return e->node == node ? 3 : 0;
	if (e->scope == 0)
		return 1;
	scope = &p->scopes[e->scope - 1];
	for (i = 0; i < scope->nodes_n; i++)
		if (scope->nodes[i] == node)
			return 2;
	return scope->nodes_n == 0 ? 2 : 0;
}

static size_t
place_index(struct fit *f, const cpnp_place *place)
{
	size_t i;

	for (i = 0; i < f->places_n; i++)
		if (f->places[i] == place)
			return i;
	f->places[f->places_n] = place;
	return f->places_n++;
}

static void
count_node(struct fit *f, size_t node)
{
	const cpnp_cpd_profile *p = f->w->profile;
	size_t at = place_index(f, f->w->places[node]) * f->n;
	int best = 0, for_it;
	size_t i;

	for (i = 0; i < f->n; i++) {
		for_it = rate_is_for(
		    p, &f->clause[i], (cpnp_cpd_ref)(node + 1));
		if (for_it > best)
			best = for_it;
	}
	for (i = 0; i < f->n; i++)
		if (best == 0)
			f->far[at + i]++;
		else if (rate_is_for(p, &f->clause[i],
			     (cpnp_cpd_ref)(node + 1)) == best)
			f->counts[at + i]++;
}

/* ---- what the terms allow ---- */

/* The rate nearest to the wish that is sold, preferably not a smaller one and
 * within the range asked for. */
static uint64_t
sold_rate(const struct deciding *w, const cpnp_cpd_value *v)
{
	uint64_t step = w->catalogue->rate_step, max = largest(w);
	uint64_t down, up;

	if (v->preferred >= max)
		return max;
	if (v->preferred <= w->catalogue->rate_min)
		return w->catalogue->rate_min;
	down = v->preferred - v->preferred % step;
	up = down == v->preferred ? down : down + step;
	return up > v->hi && down >= v->lo ? down : up;
}

static void
fill_slots(struct fit *f)
{
	enum direction d;
	struct slot *s;
	size_t i;

	for (i = 0; i < f->n; i++)
		for (d = IN; d < DIRECTIONS; d++) {
			s = &f->slots[d][i];
			s->value = d == IN ? &f->clause[i].in
					   : &f->clause[i].out;
			if (s->value->kind == CPNP_CPD_ABSENT) {
				s->value = NULL;
				continue;
			}
			s->asked = s->value->preferred;
			s->rate = f->w->article != NULL &&
				f->w->article->frozen
			    ? s->asked
			    : sold_rate(f->w, s->value);
			if (s->rate > f->largest)
				f->largest = s->rate;
		}
}

/* ---- what the places have ---- */

/* sum += n * rate, at most cap each.  Saturates. */
static void
take(uint64_t *sum, uint64_t rate, uint64_t cap, uint32_t n)
{
	uint64_t all;

	if (__builtin_mul_overflow(rate < cap ? rate : cap, n, &all) ||
	    __builtin_add_overflow(*sum, all, sum))
		*sum = UINT64_MAX;
}

/* What the rates take of a place in one direction when none is more than
 * cap. */
static uint64_t
taken(const struct fit *f, size_t place, enum direction d, uint64_t cap)
{
	enum direction other = d == IN ? OUT : IN;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < f->n; i++) {
		take(&sum, f->slots[d][i].rate, cap,
		    f->counts[place * f->n + i]);
		take(&sum, f->slots[other][i].rate, cap,
		    f->far[place * f->n + i]);
	}
	return sum;
}

static void
no_room(struct fit *f, const cpnp_place *place, uint64_t free_rate)
{
	struct deciding *w = f->w;

	refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
	    clause_name(w, "capacity"),
	    SAY(w, "at %s %.*s are free in this time, too little for what is "
		"asked there", place->name,
		WORDS(quantity(w, CPNP_UNIT_RATE, free_rate))),
	    SAY(w, "%.*s at %s",
		WORDS(quantity(w, CPNP_UNIT_RATE, free_rate)), place->name),
	    w->until.sec < CPNP_WTIME_MAX
		? CPNP_BYTES_LIT("another time or another place")
		: CPNP_BYTES_LIT("another place, or a window that ends before "
				 "other services begin"));
}

static void
cut(struct slot *s, uint32_t nodes, uint64_t rate, const cpnp_place *place,
    uint64_t free_rate)
{
	if (nodes == 0 || s->rate <= rate)
		return;
	s->rate = rate;
	s->cut_by = place;
	s->free = free_rate;
}

/* Cut the rates at a place to what is free there. */
static void
fit_place(struct fit *f, size_t place, enum direction d, uint64_t free_rate)
{
	uint64_t step = f->w->catalogue->rate_step;
	uint64_t lo = 0, hi = f->largest / step + 1, mid;
	size_t i, at = place * f->n;

	if (taken(f, place, d, UINT64_MAX) <= free_rate)
		return;
	/* lo steps fit, hi steps do not */
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (taken(f, place, d, mid * step) <= free_rate)
			lo = mid;
		else
			hi = mid;
	}
	if (lo * step < f->w->catalogue->rate_min) {
		no_room(f, f->places[place], free_rate);
		return;
	}
	for (i = 0; i < f->n; i++) {
		cut(&f->slots[d][i], f->counts[at + i], lo * step,
		    f->places[place], free_rate);
		cut(&f->slots[d == IN ? OUT : IN][i], f->far[at + i],
		    lo * step, f->places[place], free_rate);
	}
}

static void
fit_places(struct fit *f)
{
	struct deciding *w = f->w;
	char resource[96];
	uint64_t free_rate;
	size_t i;

	for (i = 0; i < f->places_n && !is_refused(w); i++) {
		cpnp_place_resource(
		    f->places[i], resource, sizeof(resource));
		free_rate = (uint64_t)cpnp_capacity_free(
		    w->in->capacity, resource, w->from, w->until);
		fit_place(f, i, IN, free_rate);
		if (!is_refused(w))
			fit_place(f, i, OUT, free_rate);
	}
}

/* ---- what comes of it ---- */

static void
explain_slot(struct fit *f, size_t i, enum direction d)
{
	struct deciding *w = f->w;
	const struct slot *s = &f->slots[d][i];
	cpnp_bytes offered = quantity(w, CPNP_UNIT_RATE, s->rate);
	cpnp_bytes asked = quantity(w, CPNP_UNIT_RATE, s->asked);

	if (s->cut_by != NULL)
		explain(w, rate_name(f, i, d),
		    SAY(w, "%.*s are asked for, at %s %.*s are free in this "
			"time", WORDS(asked), s->cut_by->name,
			WORDS(quantity(w, CPNP_UNIT_RATE, s->free))),
		    SAY(w, "%.*s at %s",
			WORDS(quantity(w, CPNP_UNIT_RATE, s->free)),
			s->cut_by->name),
		    offered);
	else if (s->rate < s->asked && s->rate == largest(w))
		explain(w, rate_name(f, i, d),
		    SAY(w, "%.*s are asked for, more than is sold %s",
			WORDS(asked), w->is_test ? "for a test" : "to a node"),
		    offered, offered);
	else
		explain(w, rate_name(f, i, d),
		    SAY(w, "%.*s are asked for, capacity is sold in steps of "
			"%.*s", WORDS(asked),
			WORDS(quantity(w, CPNP_UNIT_RATE,
			    w->catalogue->rate_step))),
		    SAY(w, "%.*s or more",
			WORDS(quantity(w, CPNP_UNIT_RATE,
			    w->catalogue->rate_min))),
		    offered);
}

static void
set_clause(struct fit *f)
{
	enum direction d;
	struct slot *s;
	size_t i;

	for (i = 0; i < f->n; i++)
		for (d = IN; d < DIRECTIONS; d++) {
			s = &f->slots[d][i];
			if (s->value == NULL)
				continue;
			if (s->rate < s->value->lo || s->rate > s->value->hi)
				explain_slot(f, i, d);
			*s->value = cpnp_cpd_single(s->rate);
		}
}

/* How long is paid for. */
static uint64_t
paid_seconds(const struct deciding *w)
{
	const cpnp_catalogue *c = w->catalogue;
	uint64_t seconds = c->open_term;

	if (w->until.sec < CPNP_WTIME_MAX)
		seconds = (uint64_t)(w->until.sec - w->from.sec);
	return seconds > c->minimum_term ? seconds : c->minimum_term;
}

static int
take_place(struct fit *f, size_t i)
{
	struct deciding *w = f->w;
	uint64_t in = taken(f, i, IN, UINT64_MAX);
	uint64_t out = taken(f, i, OUT, UINT64_MAX);
	cpnp_store_hold row = {.from = w->from, .until = w->until};

	row.amount = (int64_t)(in > out ? in : out);
	if (row.amount == 0)
		return 0;
	cpnp_place_resource(
	    f->places[i], row.resource, sizeof(row.resource));
	if (cpnp_price_add(&w->cost, f->places[i]->price,
		(uint64_t)row.amount, paid_seconds(w)) != 0)
		refuse(w, CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED,
		    CPNP_BYTES_LIT("cost"),
		    CPNP_BYTES_LIT("the price is larger than an amount of "
				   "money can be"), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("less capacity or a shorter service"));
	return cpnp_capacity_hold(
	    w->in->capacity, w->in->order_ref, w->in->customer, &row);
}

/* A frozen item is sold as it is or not at all. */
static void
check_frozen(struct fit *f)
{
	struct deciding *w = f->w;
	enum direction d;
	size_t i;

	if (w->article == NULL || !w->article->frozen)
		return;
	for (i = 0; i < f->n; i++)
		for (d = IN; d < DIRECTIONS; d++)
			if (!is_refused(w) && f->slots[d][i].cut_by != NULL)
				no_room(f, f->slots[d][i].cut_by,
				    f->slots[d][i].free);
}

static int
prepare(struct fit *f)
{
	struct deciding *w = f->w;
	size_t nodes = w->profile->nodes_n, i;

	f->slots[IN] = cpnp_arena_alloc(w->arena, f->n, sizeof(struct slot));
	f->slots[OUT] = cpnp_arena_alloc(w->arena, f->n, sizeof(struct slot));
	f->places = cpnp_arena_alloc(
	    w->arena, nodes, sizeof(const cpnp_place *));
	f->counts = cpnp_arena_alloc(
	    w->arena, nodes * f->n, sizeof(uint32_t));
	f->far = cpnp_arena_alloc(w->arena, nodes * f->n, sizeof(uint32_t));
	if (w->arena->failed)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < nodes; i++)
		count_node(f, i);
	return 0;
}

int
fit_capacity(struct deciding *w)
{
	struct fit f = {.w = w, .clause = w->profile->capacity,
		.n = w->profile->capacity_n};
	int err = prepare(&f);
	size_t i;

	if (err != 0)
		return err;
	fill_slots(&f);
	fit_places(&f);
	if (!is_refused(w))
		check_frozen(&f);
	if (is_refused(w))
		return 0;
	set_clause(&f);
	for (i = 0; i < f.places_n && err == 0; i++)
		err = take_place(&f, i);
	if (err == CPNP_ERR_FULL) {
		refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
		    CPNP_BYTES_LIT("nodes"),
		    SAY(w, "an order takes capacity at %d places at most",
			CPNP_CAPACITY_ROWS_MAX), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("several orders"));
		err = 0;
	}
	return err;
}
