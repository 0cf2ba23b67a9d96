/*
 * The capacity clause.  Each rate that it names counts at the nodes that it
 * is for: those it names, else those of its scope, else every node that no
 * other rate is for.  A node that no rate is for, the far end of a pipe,
 * receives what the others send and sends what they receive.  A place has
 * capacity in each direction; what its nodes need of the larger direction is
 * held there, and paid.  So does a link of the paths between them: what
 * crosses a branch is no more than what the sites on the one side of it
 * receive, and no more than what those on the other send.
 *
 * When a place or a link, here a spot, has less than is asked, the largest
 * rates there are cut, all to the same, until the rest fits.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "decide_int.h"

enum direction { IN, OUT, DIRECTIONS };

/* Sites times rates: each decision goes through them for each link. */
#define CELLS_MAX 16384
/* More than any place has, and few enough to be added up. */
#define ENOUGH (4 * CPNP_CPD_RATE_MAX)

/* Where capacity is taken: a site or, beyond the sites, a link of the paths. */
struct spot {
	char resource[CPNP_RESOURCE_LEN];
	cpnp_bytes where; /* "at Albi" */
	size_t link;
	uint64_t free;
};

/* One rate of the clause in one direction. */
struct slot {
	cpnp_cpd_value *value; /* NULL: not named */
	uint64_t rate;
	uint64_t asked;
	const struct spot *cut_by; /* NULL: by the terms, or not at all */
	bool marked;               /* may be cut for the spot at hand */
};

/* What each site receives and sends; and what all below a branch do. */
struct flows {
	uint64_t *sites[DIRECTIONS];
	uint64_t *below[DIRECTIONS];
	uint64_t all[DIRECTIONS];
};

struct fit {
	struct deciding *w;
	cpnp_cpd_capacity *clause;
	size_t n;
	struct slot *slots[DIRECTIONS];
	struct spot *spots; /* the sites first */
	size_t spots_n;
	uint64_t largest; /* of the rates */
	/* of site i and rate j, at i * n + j: nodes that it is for, and nodes
	 * that have it in the other direction */
	uint32_t *counts;
	uint32_t *far;
	struct flows flows;
	bool *inside; /* of each branch: below the one at hand */
	bool has_looked;
	cpnp_bytes later; /* when all that is asked for could be had */
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

static void
count_node(struct fit *f, size_t node)
{
	const cpnp_cpd_profile *p = f->w->profile;
	size_t at = f->w->site_of[node] * f->n;
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

/* ---- what goes where ---- */

/* sum += n * rate, which is at most cap when it may be cut. */
static void
take(uint64_t *sum, const struct slot *s, uint64_t cap, uint32_t n)
{
	uint64_t rate = s->marked && s->rate > cap ? cap : s->rate, all;

	if (__builtin_mul_overflow(rate, n, &all) ||
	    __builtin_add_overflow(*sum, all, sum) || *sum > ENOUGH)
		*sum = ENOUGH;
}

/* What a site receives or sends when no marked rate is more than cap. */
static uint64_t
site_flow(const struct fit *f, size_t site, enum direction d, uint64_t cap)
{
	enum direction other = d == IN ? OUT : IN;
	uint64_t sum = 0;
	size_t i, at = site * f->n;

	for (i = 0; i < f->n; i++) {
		take(&sum, &f->slots[d][i], cap, f->counts[at + i]);
		take(&sum, &f->slots[other][i], cap, f->far[at + i]);
	}
	return sum;
}

static void
find_flows(struct fit *f, uint64_t cap)
{
	const struct deciding *w = f->w;
	struct flows *fl = &f->flows;
	enum direction d;
	size_t i;

	for (d = IN; d < DIRECTIONS; d++) {
		fl->all[d] = 0;
		if (w->branches_n > 0)
			memset(fl->below[d], 0,
			    w->branches_n * sizeof(uint64_t));
		for (i = 0; i < w->sites_n; i++) {
			fl->sites[d][i] = site_flow(f, i, d, cap);
			fl->all[d] += fl->sites[d][i];
			if (w->branches_n > 0)
				fl->below[d][w->sites[i].branch] +=
				    fl->sites[d][i];
		}
		for (i = w->branches_n; i-- > 1;)
			fl->below[d][w->branches[i].parent] +=
			    fl->below[d][i];
	}
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What crosses a branch, down (IN) or up. */
static uint64_t
branch_flow(const struct fit *f, size_t branch, enum direction d)
{
	const struct flows *fl = &f->flows;
	enum direction other = d == IN ? OUT : IN;

	return smaller(fl->below[d][branch],
	    fl->all[other] - fl->below[other][branch]);
}

/* Down this branch the link leads from its end a to b. */
static bool
is_forward(const struct deciding *w, size_t branch)
{
	const struct branch *b = &w->branches[branch];

	return w->in->topology->links[b->link].nodes[1] == b->node;
}

/* What a spot needs in a direction; of a link IN is from a to b. */
static uint64_t
spot_flow(const struct fit *f, size_t spot, enum direction d)
{
	const struct deciding *w = f->w;
	uint64_t sum = 0, one;
	size_t i;

	if (spot < w->sites_n)
		return f->flows.sites[d][spot];
	for (i = 1; i < w->branches_n; i++) {
		if (w->branches[i].link != f->spots[spot].link)
			continue;
		one = branch_flow(f, i, is_forward(w, i) == (d == IN)
			? IN : OUT);
		if (__builtin_add_overflow(sum, one, &sum))
			sum = UINT64_MAX;
	}
	return sum;
}

/* ---- what the spots have ---- */

static void
mark_site(struct fit *f, size_t site, enum direction d)
{
	enum direction other = d == IN ? OUT : IN;
	size_t i, at = site * f->n;

	for (i = 0; i < f->n; i++) {
		if (f->counts[at + i] > 0)
			f->slots[d][i].marked = true;
		if (f->far[at + i] > 0)
			f->slots[other][i].marked = true;
	}
}

/* What crosses a branch is bounded by each of its sides: the one with fewer
 * sites is cut. */
static void
mark_branch(struct fit *f, size_t branch, enum direction d)
{
	const struct deciding *w = f->w;
	size_t i, n = 0;
	bool is_below;

	for (i = 0; i < w->branches_n; i++) {
		f->inside[i] = i == branch ||
		    (i > branch && f->inside[w->branches[i].parent]);
	}
	for (i = 0; i < w->sites_n; i++)
		n += f->inside[w->sites[i].branch];
	is_below = 2 * n <= w->sites_n;
	if (!is_below)
		d = d == IN ? OUT : IN;
	for (i = 0; i < w->sites_n; i++)
		if (f->inside[w->sites[i].branch] == is_below)
			mark_site(f, i, d);
}

static void
mark_spot(struct fit *f, size_t spot, enum direction d)
{
	const struct deciding *w = f->w;
	size_t i;

	for (i = 0; i < f->n; i++)
		f->slots[IN][i].marked = f->slots[OUT][i].marked = false;
	if (spot < w->sites_n)
		mark_site(f, spot, d);
	for (i = 1; spot >= w->sites_n && i < w->branches_n; i++)
		if (w->branches[i].link == f->spots[spot].link)
			mark_branch(f, i, is_forward(w, i) == (d == IN)
				? IN : OUT);
}

static void
no_room(struct fit *f, const struct spot *spot)
{
	struct deciding *w = f->w;
	cpnp_bytes free_words = quantity(w, CPNP_UNIT_RATE, spot->free);

	refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
	    clause_name(w, "capacity"),
	    SAY(w, "%.*s %.*s are free in this time, too little for what is "
		"asked there", WORDS(spot->where), WORDS(free_words)),
	    SAY(w, "%.*s %.*s", WORDS(free_words), WORDS(spot->where)),
	    f->later.len > 0
		? SAY(w, "%.*s, or another place", WORDS(f->later))
		: w->until.sec < CPNP_WTIME_MAX
		? CPNP_BYTES_LIT("another time or another place")
		: CPNP_BYTES_LIT("another place, or a window that ends before "
				 "other services begin"));
}

/* When could all that is asked for be had?  Before anything is cut. */
static void
look_later(struct fit *f)
{
	struct demand *demands;
	uint64_t in, out, most = 0;
	size_t i;

	if (f->has_looked)
		return;
	f->has_looked = true;
	demands = cpnp_arena_alloc(
	    f->w->arena, f->spots_n, sizeof(*demands));
	for (i = 0; demands != NULL && i < f->spots_n; i++) {
		in = spot_flow(f, i, IN);
		out = spot_flow(f, i, OUT);
		strcpy(demands[i].resource, f->spots[i].resource);
		demands[i].amount = (int64_t)smaller(
		    in > out ? in : out, ENOUGH);
	}
	for (i = 0; i < f->n; i++) {
		if (f->slots[IN][i].rate > most)
			most = f->slots[IN][i].rate;
		if (f->slots[OUT][i].rate > most)
			most = f->slots[OUT][i].rate;
	}
	if (demands != NULL)
		f->later = say_later(f->w, demands, f->spots_n, most);
}

static void
cut_marked(struct fit *f, uint64_t rate, const struct spot *spot)
{
	enum direction d;
	struct slot *s;
	size_t i;

	for (i = 0; i < f->n; i++)
		for (d = IN; d < DIRECTIONS; d++) {
			s = &f->slots[d][i];
			if (!s->marked || s->rate <= rate)
				continue;
			s->rate = rate;
			s->cut_by = spot;
		}
}

/* Cut the rates at a spot to what is free there. */
static void
fit_spot(struct fit *f, size_t spot, enum direction d)
{
	const struct spot *at = &f->spots[spot];
	uint64_t step = f->w->catalogue->rate_step;
	uint64_t lo = 0, hi = f->largest / step + 1, mid;

	find_flows(f, UINT64_MAX);
	if (spot_flow(f, spot, d) <= at->free)
		return;
	look_later(f);
	mark_spot(f, spot, d);
	/* lo steps fit, hi steps do not */
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		find_flows(f, mid * step);
		if (spot_flow(f, spot, d) <= at->free)
			lo = mid;
		else
			hi = mid;
	}
	if (lo * step < f->w->catalogue->rate_min)
		no_room(f, at);
	else
		cut_marked(f, lo * step, at);
}

static void
fit_spots(struct fit *f)
{
	struct deciding *w = f->w;
	size_t i;

	for (i = 0; i < f->spots_n && !is_refused(w); i++) {
		f->spots[i].free = (uint64_t)cpnp_capacity_free(
		    w->in->capacity, f->spots[i].resource, w->from, w->until);
		fit_spot(f, i, IN);
		if (!is_refused(w))
			fit_spot(f, i, OUT);
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
		    SAY(w, "%.*s are asked for, %.*s %.*s are free in this "
			"time", WORDS(asked), WORDS(s->cut_by->where),
			WORDS(quantity(w, CPNP_UNIT_RATE, s->cut_by->free))),
		    SAY(w, "%.*s %.*s",
			WORDS(quantity(w, CPNP_UNIT_RATE, s->cut_by->free)),
			WORDS(s->cut_by->where)),
		    f->later.len > 0
			? SAY(w, "%.*s, or %.*s", WORDS(offered),
			      WORDS(f->later))
			: offered);
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

/* What is left of a link after this, for the guidelines. */
static void
look_at_load(struct fit *f, const struct spot *spot, uint64_t taken)
{
	struct deciding *w = f->w;
	const cpnp_topo_link *link = &w->in->topology->links[spot->link];
	__extension__ unsigned __int128 load;
	uint64_t left = spot->free - taken;

	if (link->capacity <= left)
		return;
	load = link->capacity - left;
	load = load * CPNP_CPD_PPM_MAX / link->capacity;
	if ((uint64_t)load <= w->most_load)
		return;
	w->most_load = (uint64_t)load;
	w->loaded = link->name;
}

static int
price_spot(struct fit *f, size_t i, uint64_t rate)
{
	struct deciding *w = f->w;
	const cpnp_policy *policy = w->in->policy;

	if (i < w->sites_n)
		return add_cost(w, w->sites[i].place->price, false, rate);
	return policy == NULL ? 0
	    : add_cost(w, policy->links[f->spots[i].link], true, rate);
}

static int
take_spot(struct fit *f, size_t i)
{
	struct deciding *w = f->w;
	uint64_t in = spot_flow(f, i, IN), out = spot_flow(f, i, OUT);
	uint64_t most = in > out ? in : out;
	cpnp_store_hold row = {.from = w->from, .until = w->until};

	if (most == 0)
		return 0;
	row.amount = (int64_t)most;
	strcpy(row.resource, f->spots[i].resource);
	if (most > w->most_rate)
		w->most_rate = most;
	if (i >= w->sites_n)
		look_at_load(f, &f->spots[i], most);
	if (price_spot(f, i, most) != 0)
		refuse_cost(w);
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
				no_room(f, f->slots[d][i].cut_by);
}

static int
prepare(struct fit *f)
{
	struct deciding *w = f->w;
	cpnp_arena *arena = w->arena;
	size_t sites = w->sites_n, i;
	enum direction d;

	for (d = IN; d < DIRECTIONS; d++) {
		f->slots[d] = cpnp_arena_alloc(
		    arena, f->n, sizeof(struct slot));
		f->flows.sites[d] = cpnp_arena_alloc(
		    arena, sites, sizeof(uint64_t));
	}
	f->counts = cpnp_arena_alloc(arena, sites * f->n, sizeof(uint32_t));
	f->far = cpnp_arena_alloc(arena, sites * f->n, sizeof(uint32_t));
	if (arena->failed)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < w->profile->nodes_n; i++)
		count_node(f, i);
	return 0;
}

/* How wide the path to each site should be. */
static void
find_needs(struct fit *f)
{
	struct deciding *w = f->w;
	const struct flows *fl = &f->flows;
	uint64_t in, out;
	size_t i;

	find_flows(f, UINT64_MAX);
	for (i = 0; i < w->sites_n; i++) {
		in = smaller(
		    fl->sites[IN][i], fl->all[OUT] - fl->sites[OUT][i]);
		out = smaller(
		    fl->sites[OUT][i], fl->all[IN] - fl->sites[IN][i]);
		w->sites[i].need = in > out ? in : out;
	}
}

static int
find_spots(struct fit *f)
{
	struct deciding *w = f->w;
	const cpnp_topology *t = w->in->topology;
	size_t i, branches = w->branches_n, links = t == NULL ? 0 : t->links_n;
	bool *seen = cpnp_arena_alloc(w->arena, links + 1, sizeof(*seen));
	struct spot *spot;

	f->spots = cpnp_arena_alloc(w->arena,
	    w->sites_n + (links < branches ? links : branches),
	    sizeof(*f->spots));
	f->inside = cpnp_arena_alloc(w->arena, branches, sizeof(bool));
	f->flows.below[IN] = cpnp_arena_alloc(
	    w->arena, branches, sizeof(uint64_t));
	f->flows.below[OUT] = cpnp_arena_alloc(
	    w->arena, branches, sizeof(uint64_t));
	if (w->arena->failed)
		return CPNP_ERR_NOMEM;
	for (i = 0; i < w->sites_n; i++) {
		spot = &f->spots[f->spots_n++];
		cpnp_place_resource(w->sites[i].place, spot->resource,
		    sizeof(spot->resource));
		spot->where = SAY(w, "at %s", w->sites[i].place->name);
	}
	for (i = 1; i < branches; i++) {
		if (seen[w->branches[i].link])
			continue;
		seen[w->branches[i].link] = true;
		spot = &f->spots[f->spots_n++];
		spot->link = w->branches[i].link;
		cpnp_link_resource(&t->links[spot->link], spot->resource);
		spot->where = SAY(
		    w, "on the link %s", t->links[spot->link].name);
	}
	return 0;
}

static int
take_spots(struct fit *f)
{
	struct deciding *w = f->w;
	size_t i;
	int err = 0;

	find_flows(f, UINT64_MAX);
	for (i = 0; i < f->spots_n && err == 0; i++)
		err = take_spot(f, i);
	if (err == CPNP_ERR_FULL) {
		refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
		    CPNP_BYTES_LIT("nodes"),
		    SAY(w, "an order takes capacity at %d places and links at "
			"most", CPNP_CAPACITY_ROWS_MAX), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("several orders"));
		err = 0;
	}
	return err;
}

int
fit_capacity(struct deciding *w)
{
	struct fit f = {.w = w, .clause = w->profile->capacity,
		.n = w->profile->capacity_n};
	int err;

	if (w->in->topology != NULL && w->sites_n > 1 &&
	    w->sites_n * f.n > CELLS_MAX) {
		refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
		    clause_name(w, "capacity"),
		    SAY(w, "there are %zu rates for nodes at %zu places; "
			"their product is at most %d", f.n, w->sites_n,
			CELLS_MAX), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("several profiles"));
		return 0;
	}
	err = prepare(&f);
	if (err != 0)
		return err;
	fill_slots(&f);
	find_needs(&f);
	err = find_paths(w);
	if (err == 0 && !is_refused(w))
		err = find_spots(&f);
	if (err != 0 || is_refused(w))
		return err;
	fit_spots(&f);
	if (!is_refused(w))
		check_frozen(&f);
	if (is_refused(w))
		return 0;
	set_clause(&f);
	return take_spots(&f);
}
