/*
 * Paths through the own network.  From one site, the root, a path is looked
 * for to each of the others: the cheapest that is wide enough for it and keeps
 * to what is asked of a path; else the widest that does.  A few roots are
 * tried.
 *
 * The search itself is that of <cpnp/path.h>, which knows one sum besides the
 * price: whatever is asked of the others is looked for among its candidates,
 * with each of them in that place in turn.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cpnp/path.h>

#include "decide_int.h"

#define ROOTS_MAX 4
/* Roots times sites times links, beyond the first root. */
#define EFFORT_MAX 40000
/* More than any sum that is asked for. */
#define SILENT_VALUE (2 * CPNP_CPD_DELAY_MAX)

/* At most limit between two sites, or between any when a is NULL. */
struct bound {
	cpnp_metric metric;
	uint64_t limit;
	const struct site *a;
	const struct site *b;
};

struct routing {
	struct deciding *w;
	const cpnp_topology *t;
	uint64_t *free;    /* of each link, in this time */
	uint32_t *link_of; /* of each segment */
	cpnp_path_graph *graphs[CPNP_METRICS];
	struct bound *bounds;
	size_t bounds_n;
	bool halved; /* between others than the root a sum is of two legs */

	const struct site *root;
	struct branch *branches;
	size_t branches_n, branches_max;
	size_t *ends; /* of each site */
	cpnp_price_sum cost;
};

static const char *
node_name(const struct routing *r, size_t node)
{
	return r->t->nodes[node].name;
}

/* ---- what is asked of paths ---- */

static void
add_bound(struct routing *r, cpnp_metric metric, uint64_t limit,
    cpnp_cpd_ref from, cpnp_cpd_ref to)
{
	struct deciding *w = r->w;
	struct bound *b = &r->bounds[r->bounds_n];

	*b = (struct bound){metric, limit, NULL, NULL};
	if (from != 0 && to != 0) {
		b->a = &w->sites[w->site_of[from - 1]];
		b->b = &w->sites[w->site_of[to - 1]];
		if (b->a == b->b)
			return;
	}
	r->bounds_n++;
}

static void
add_bounds(struct routing *r, cpnp_metric metric, const cpnp_cpd_metric *list,
    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		add_bound(r, metric, list[i].value.hi, list[i].from,
		    list[i].to);
}

static int
collect_bounds(struct routing *r)
{
	const cpnp_cpd_profile *p = r->w->profile;
	const cpnp_cpd_qos *qos = p->qos;
	const cpnp_cpd_availability *a = p->availability;
	size_t n = 1;

	/* An item was written by the provider, who promises what it says. */
	if (r->w->article != NULL && r->w->article->frozen)
		return 0;
	if (qos != NULL)
		n += qos->delay_n + qos->delay_variation_n + qos->loss_n;
	r->bounds = cpnp_arena_alloc(r->w->arena, n, sizeof(*r->bounds));
	if (r->bounds == NULL)
		return CPNP_ERR_NOMEM;
	if (qos != NULL) {
		add_bounds(r, CPNP_METRIC_DELAY, qos->delay, qos->delay_n);
		add_bounds(r, CPNP_METRIC_DELAY_VARIATION,
		    qos->delay_variation, qos->delay_variation_n);
		add_bounds(r, CPNP_METRIC_LOSS, qos->loss, qos->loss_n);
	}
	if (a != NULL && a->meaning.len == 0)
		add_bound(r, CPNP_METRIC_UNAVAILABILITY,
		    CPNP_CPD_PPM_MAX - a->value.lo, 0, 0);
	return 0;
}

/* What a path from the root to a site may add up to. */
static void
limits_of(const struct routing *r, const struct site *to,
    uint64_t limits[CPNP_METRICS])
{
	const struct bound *b;
	uint64_t limit;
	size_t i;

	for (i = 0; i < CPNP_METRICS; i++)
		limits[i] = UINT64_MAX;
	for (i = 0; i < r->bounds_n; i++) {
		b = &r->bounds[i];
		/* of two others the paths may part on the way */
		if (b->a != NULL && !(b->a == r->root && b->b == to) &&
		    !(b->b == r->root && b->a == to))
			continue;
		limit = r->halved && b->a == NULL ? b->limit / 2 : b->limit;
		if (limit < limits[b->metric])
			limits[b->metric] = limit;
	}
}

/* ---- the links that may be used ---- */

/* RFC 7297, 3.10: what is to be avoided, by name. */
static bool
is_avoided(const struct routing *r, const cpnp_topo_link *link)
{
	const cpnp_cpd_routing *routing = r->w->profile->routing;
	const cpnp_cpd_hop *hop;
	size_t i;

	for (i = 0; routing != NULL && i < routing->avoid_n; i++) {
		hop = &routing->avoid[i];
		if ((hop->link.len > 0 &&
			cpnp_name_is(link->name, hop->link)) ||
		    (hop->node.len > 0 &&
			(cpnp_name_is(link->ends[0], hop->node) ||
			    cpnp_name_is(link->ends[1], hop->node))))
			return true;
	}
	return false;
}

static uint8_t
separation_asked(const struct deciding *w)
{
	const cpnp_cpd_isolation *is = w->profile->isolation;
	uint8_t best = (uint8_t)w->catalogue->separation;

	if (is == NULL || (w->article != NULL && w->article->frozen))
		return 0;
	return is->separation < best ? is->separation : best;
}

static int
add_segment(struct routing *r, cpnp_path_graph *graph, cpnp_metric metric,
    size_t link, int direction)
{
	const cpnp_topo_link *l = &r->t->links[link];
	const cpnp_policy *policy = r->w->in->policy;
	cpnp_path_segment s;
	char id[24];
	uint32_t index;
	int err;

	cpnp_path_segment_default(&s);
	snprintf(id, sizeof(id), "%zu", 2 * link + (size_t)direction);
	s.id = cpnp_bytes_str(id);
	s.domain = CPNP_BYTES_LIT("own");
	s.ingress = cpnp_bytes_str(l->ends[direction]);
	s.egress = cpnp_bytes_str(l->ends[1 - direction]);
	s.delay = l->promises[metric].is_set ? l->promises[metric].value
					     : SILENT_VALUE;
	s.capacity = r->free[link];
	s.price.code = CPNP_BYTES_LIT("EACH");
	s.price.amount = policy != NULL ? (int64_t)policy->links[link] : 0;
	err = cpnp_path_graph_add(graph, &s, &index, NULL);
	if (err == 0)
		r->link_of[index] = (uint32_t)link;
	return err;
}

/* Links with a metric in the place of the delay. */
static int
make_graph(struct routing *r, cpnp_metric metric, uint8_t separation,
    cpnp_path_graph **graph)
{
	const cpnp_topo_link *l;
	size_t i;
	int err = cpnp_path_graph_new(graph, &cpnpd_heap);

	for (i = 0; i < r->t->links_n && err == 0; i++) {
		l = &r->t->links[i];
		if (l->separation < separation || is_avoided(r, l))
			continue;
		err = add_segment(r, *graph, metric, i, 0);
		if (err == 0)
			err = add_segment(r, *graph, metric, i, 1);
	}
	return err;
}

/* ---- one path ---- */

/* A path that keeps to all limits; complete graphs only. */
struct leg {
	uint32_t links[CPNP_PATH_HOPS_MAX];
	size_t n;
	uint64_t width;
	int64_t price;
};

static void
take_path(const struct routing *r, const cpnp_path *path, struct leg *leg)
{
	size_t i;

	leg->n = path->segment_n;
	leg->width = path->capacity;
	leg->price = path->price;
	for (i = 0; i < leg->n; i++)
		leg->links[i] = r->link_of[path->segments[i]];
}

static uint64_t
sum_of(const struct routing *r, const struct leg *leg, cpnp_metric metric)
{
	const cpnp_guarantee *g;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < leg->n; i++) {
		g = &r->t->links[leg->links[i]].promises[metric];
		sum += g->is_set ? g->value : SILENT_VALUE;
	}
	return sum;
}

static bool
keeps_to(const struct routing *r, const struct leg *leg,
    const uint64_t limits[CPNP_METRICS])
{
	cpnp_metric m;

	for (m = 0; m < CPNP_METRICS; m++)
		if (limits[m] != UINT64_MAX && sum_of(r, leg, m) > limits[m])
			return false;
	return true;
}

static void
make_query(const struct routing *r, const struct site *to, uint64_t width,
    cpnp_path_query *q)
{
	cpnp_path_query_default(q);
	q->from = cpnp_bytes_str(node_name(r, r->root->node));
	q->to = cpnp_bytes_str(node_name(r, to->node));
	q->capacity = width;
	/* what is free was found for this time already */
	q->start = (cpnp_wtime){0};
	q->end = (cpnp_wtime){1};
	q->code = CPNP_BYTES_LIT("EACH");
}

/* Look in the graph of one metric.  *reason says why there is none, and nearest
 * (which may be NULL) gets what comes next to it. */
static int
search(struct routing *r, cpnp_metric metric, const struct site *to,
    uint64_t width, const uint64_t limits[CPNP_METRICS], bool many,
    struct leg *leg, struct leg *nearest, cpnp_path_reason *reason)
{
	cpnp_path_answer *answer = NULL;
	cpnp_path_query q;
	size_t i;
	int err = 0;

	if (r->graphs[metric] == NULL)
		err = make_graph(r, metric, separation_asked(r->w),
		    &r->graphs[metric]);
	make_query(r, to, width, &q);
	q.delay_max = limits[metric];
	q.candidates = many ? CPNP_PATH_CANDIDATES_MAX : 1;
	if (err == 0)
		err = cpnp_path_find(r->graphs[metric], &q, &answer, NULL);
	if (err != 0)
		return err;
	*reason = answer->path_n > 0 ? CPNP_PATH_REASON_DELAY
				     : answer->reason;
	for (i = 0; i < answer->path_n; i++) {
		take_path(r, &answer->paths[i], leg);
		if (keeps_to(r, leg, limits)) {
			*reason = CPNP_PATH_REASON_NONE;
			break;
		}
	}
	if (answer->path_n == 0 && nearest != NULL)
		take_path(r, &answer->nearest, nearest);
	cpnp_path_answer_del(answer);
	return 0;
}

/* In the graphs of all metrics that have a limit. */
static int
find_leg(struct routing *r, const struct site *to, uint64_t width,
    const uint64_t limits[CPNP_METRICS], struct leg *leg,
    cpnp_path_reason *reason)
{
	size_t limited = 0;
	cpnp_metric m;
	bool is_first = true;
	int err = 0;

	for (m = 0; m < CPNP_METRICS; m++)
		limited += limits[m] != UINT64_MAX;
	if (limited == 0)
		return search(r, CPNP_METRIC_DELAY, to, width, limits, false,
		    leg, NULL, reason);
	for (m = 0; m < CPNP_METRICS && err == 0; m++) {
		if (limits[m] == UINT64_MAX)
			continue;
		if (!is_first && *reason != CPNP_PATH_REASON_DELAY)
			break;
		is_first = false;
		err = search(r, m, to, width, limits, limited > 1, leg, NULL,
		    reason);
	}
	return err;
}

/* Below this nothing is sold. */
static uint64_t
least_rate(const struct routing *r, const struct site *to)
{
	uint64_t least = r->w->catalogue->rate_min;

	return to->need < least ? to->need : least;
}

/* The path of the smallest sum; without links when there is none. */
static int
find_best(struct routing *r, cpnp_metric metric, const struct site *to,
    uint64_t width, struct leg *best)
{
	uint64_t limits[CPNP_METRICS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX,
		UINT64_MAX};
	cpnp_path_reason reason;
	struct leg leg;
	int err;

	best->n = 0;
	limits[metric] = 0;
	err = search(
	    r, metric, to, width, limits, false, &leg, best, &reason);
	if (err == 0 && reason == CPNP_PATH_REASON_NONE)
		*best = leg;
	return err;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The widest path there is, when it keeps to the limits. */
static int
find_widest_of_all(struct routing *r, const struct site *to,
    const uint64_t limits[CPNP_METRICS], struct leg *leg, bool *found)
{
	static const uint64_t any[CPNP_METRICS] = {UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX};
	cpnp_path_reason reason;
	struct leg wide = {.n = 0}, as_wide;
	int err = search(r, CPNP_METRIC_DELAY, to, to->need, any, false,
	    &as_wide, &wide, &reason);

	*found = err == 0 && reason == CPNP_PATH_REASON_CAPACITY &&
	    wide.n > 0 && wide.width >= least_rate(r, to) &&
	    keeps_to(r, &wide, limits);
	if (*found)
		*leg = wide;
	return err;
}

/* A wider one than leg, if there is any: as wide as one of the links. */
static int
widen(struct routing *r, const struct site *to,
    const uint64_t limits[CPNP_METRICS], struct leg *leg)
{
	uint64_t *widths = calloc(r->t->links_n + 1, sizeof(*widths));
	size_t lo = 0, hi = 0, mid, i;
	cpnp_path_reason found;
	struct leg wider;
	int err = widths == NULL ? CPNP_ERR_NOMEM : 0;

	for (i = 0; err == 0 && i < r->t->links_n; i++)
		if (r->free[i] > leg->width && r->free[i] < to->need)
			widths[hi++] = r->free[i];
	if (err == 0)
		qsort(widths, hi, sizeof(*widths), by_number);
	while (err == 0 && lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (widths[mid] <= leg->width) {
			lo = mid + 1;
			continue;
		}
		err = find_leg(r, to, widths[mid], limits, &wider, &found);
		if (err == 0 && found == CPNP_PATH_REASON_NONE) {
			*leg = wider;
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	free(widths);
	return err;
}

/* The widest path that keeps to the limits, when none is as wide as needed:
 * *reason is NONE when it takes at least the smallest rate. */
static int
find_widest(struct routing *r, const struct site *to,
    const uint64_t limits[CPNP_METRICS], struct leg *leg,
    cpnp_path_reason *reason)
{
	bool found;
	int err = find_widest_of_all(r, to, limits, leg, &found);

	if (err == 0 && found) {
		*reason = CPNP_PATH_REASON_NONE;
		return 0;
	}
	if (err == 0)
		err = find_leg(
		    r, to, least_rate(r, to), limits, leg, reason);
	return err == 0 && *reason == CPNP_PATH_REASON_NONE
	    ? widen(r, to, limits, leg) : err;
}

/* ---- why there is none ---- */

static const char *
link_name(const struct routing *r, const struct leg *leg, size_t i)
{
	return r->t->links[leg->links[i]].name;
}

/* Which link of the best path in a metric is one too many? */
static int
refuse_leg_metric(struct routing *r, const struct site *to, uint64_t width,
    cpnp_metric metric, uint64_t limit)
{
	struct leg best;
	uint64_t sum = 0;
	size_t i;
	int err = find_best(r, metric, to, width, &best);

	if (err != 0)
		return err;
	for (i = 0; i < best.n; i++) {
		sum += r->t->links[best.links[i]].promises[metric].value;
		if (sum > limit)
			break;
	}
	if (i < best.n)
		say_metric(r->w, metric, limit, link_name(r, &best, i),
		    (const struct site *const[]){r->root, to},
		    sum_of(r, &best, metric));
	return 0;
}

static int
refuse_limits(struct routing *r, const struct site *to, uint64_t width,
    const uint64_t limits[CPNP_METRICS])
{
	cpnp_metric m;
	int err = 0;

	for (m = 0; m < CPNP_METRICS && err == 0; m++)
		if (limits[m] != UINT64_MAX)
			err = refuse_leg_metric(r, to, width, m, limits[m]);
	if (err == 0 && !is_refused(r->w))
		refuse(r->w, CPNP_STATUS_OUT_OF_RESOURCES,
		    clause_name(r->w, "qos"),
		    SAY(r->w, "each can be had alone from %s to %s, but not "
			"all of them on one path", r->root->place->name,
			to->place->name), CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("one of them less strict"));
	return err;
}

static void
refuse_narrow(struct routing *r, const struct site *to,
    const struct leg *widest)
{
	struct deciding *w = r->w;
	uint64_t least = least_rate(r, to);
	struct demand demands[CPNP_PATH_HOPS_MAX];
	uint32_t narrow = widest->links[0];
	cpnp_bytes free_words, later;
	size_t i;

	for (i = 0; i < widest->n; i++) {
		if (r->free[widest->links[i]] < r->free[narrow])
			narrow = widest->links[i];
		cpnp_link_resource(
		    &r->t->links[widest->links[i]], demands[i].resource);
		demands[i].amount = (int64_t)least;
	}
	free_words = quantity(w, CPNP_UNIT_RATE, r->free[narrow]);
	later = say_later(w, demands, widest->n, least);
	refuse(w, CPNP_STATUS_OUT_OF_RESOURCES, clause_name(w, "capacity"),
	    SAY(w, "on the link %s, from %s to %s, %.*s are free in this "
		"time, too little for what is asked",
		r->t->links[narrow].name, r->root->place->name,
		to->place->name, WORDS(free_words)),
	    SAY(w, "%.*s on the link %s", WORDS(free_words),
		r->t->links[narrow].name),
	    SAY(w, "%.*s%sanother place", WORDS(later),
		later.len > 0 ? ", or " : ""));
}

/* No links that may be used lead there: do others? */
static int
refuse_apart(struct routing *r, const struct site *to)
{
	static const uint64_t any[CPNP_METRICS] = {UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX};
	struct deciding *w = r->w;
	uint8_t asked = separation_asked(w);
	cpnp_path_reason reason;
	struct leg leg;
	size_t i = 0;
	int err;

	cpnp_path_graph_del(r->graphs[CPNP_METRIC_DELAY]);
	r->graphs[CPNP_METRIC_DELAY] = NULL;
	err = make_graph(
	    r, CPNP_METRIC_DELAY, 0, &r->graphs[CPNP_METRIC_DELAY]);
	if (err == 0)
		err = search(r, CPNP_METRIC_DELAY, to, 0, any, false, &leg,
		    NULL, &reason);
	if (err != 0)
		return err;
	if (reason != CPNP_PATH_REASON_NONE) {
		refuse(w, CPNP_STATUS_NETWORK_PRESENCE,
		    w->profile->routing != NULL
			? clause_name(w, "routing/avoid")
			: clause_name(w, "nodes"),
		    SAY(w, "no links that may be used lead from %s to %s",
			r->root->place->name, to->place->name),
		    CPNP_BYTES_NONE,
		    CPNP_BYTES_LIT("less to avoid, or several orders"));
		return 0;
	}
	while (i + 1 < leg.n && r->t->links[leg.links[i]].separation >= asked)
		i++;
	refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
	    clause_name(w, "isolation/separation"),
	    SAY(w, "the link %s breaks it: from %s to %s there are no %s "
		"resources all the way", link_name(r, &leg, i),
		r->root->place->name, to->place->name,
		cpnp_separation_names[asked]),
	    cpnp_bytes_str(
		cpnp_separation_names[r->t->links[leg.links[i]].separation]),
	    CPNP_BYTES_LIT("a weaker separation"));
	return 0;
}

static int
refuse_leg(struct routing *r, const struct site *to,
    const uint64_t limits[CPNP_METRICS])
{
	static const uint64_t any[CPNP_METRICS] = {UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX};
	uint64_t least = least_rate(r, to);
	struct leg leg, widest = {.n = 0};
	cpnp_path_reason reason;
	int err = search(r, CPNP_METRIC_DELAY, to, least, any, false, &leg,
	    &widest, &reason);

	if (err != 0)
		return err;
	if (reason == CPNP_PATH_REASON_NONE)
		return refuse_limits(r, to, least, limits);
	if (reason == CPNP_PATH_REASON_CAPACITY && widest.n > 0) {
		refuse_narrow(r, to, &widest);
		return 0;
	}
	return refuse_apart(r, to);
}

/* ---- the tree ---- */

/* The branch of a link below another one, which may be there already. */
static size_t
grow_branch(struct routing *r, size_t parent, size_t link)
{
	const cpnp_topo_link *l = &r->t->links[link];
	const struct branch *above = &r->branches[parent];
	struct branch *b;
	cpnp_metric m;
	size_t i;

	for (i = 1; i < r->branches_n; i++)
		if (r->branches[i].parent == parent &&
		    r->branches[i].link == link)
			return i;
	b = &r->branches[r->branches_n];
	*b = *above;
	b->parent = parent;
	b->link = link;
	b->node = l->nodes[0] == above->node ? l->nodes[1] : l->nodes[0];
	for (m = 0; m < CPNP_METRICS; m++) {
		b->sums[m] += l->promises[m].value;
		b->silent[m] += !l->promises[m].is_set;
	}
	return r->branches_n++;
}

static int
reserve_branches(struct routing *r, size_t more)
{
	size_t max = 2 * (r->branches_n + more);
	struct branch *grown;

	if (r->branches_n + more <= r->branches_max)
		return 0;
	grown = realloc(r->branches, max * sizeof(*grown));
	if (grown == NULL)
		return CPNP_ERR_NOMEM;
	r->branches = grown;
	r->branches_max = max;
	return 0;
}

/* What is promised on no path there is asked for in vain, and the offer is
 * without it. */
static int
drop_silent(struct routing *r, const struct site *to,
    uint64_t limits[CPNP_METRICS], bool *dropped)
{
	struct leg best;
	cpnp_metric m;
	int err = 0;

	*dropped = false;
	for (m = 0; m < CPNP_METRICS && err == 0; m++) {
		if (limits[m] == UINT64_MAX)
			continue;
		err = find_best(r, m, to, least_rate(r, to), &best);
		if (err != 0 || sum_of(r, &best, m) < SILENT_VALUE)
			continue;
		limits[m] = UINT64_MAX;
		*dropped = true;
	}
	return err;
}

/* As wide as needed, else as wide as there is. */
static int
find_way(struct routing *r, const struct site *to,
    const uint64_t limits[CPNP_METRICS], struct leg *leg,
    cpnp_path_reason *reason)
{
	int err = find_leg(r, to, to->need, limits, leg, reason);

	return err == 0 && *reason != CPNP_PATH_REASON_NONE
	    ? find_widest(r, to, limits, leg, reason) : err;
}

static int
route_site(struct routing *r, const struct site *to, bool refuses,
    bool *found)
{
	uint64_t limits[CPNP_METRICS];
	cpnp_path_reason reason = CPNP_PATH_REASON_NONE;
	struct leg leg = {.n = 0};
	bool dropped = false;
	size_t i, at = 0;
	int err = 0;

	limits_of(r, to, limits);
	if (to->node != r->root->node)
		err = find_way(r, to, limits, &leg, &reason);
	if (err == 0 && reason == CPNP_PATH_REASON_DELAY)
		err = drop_silent(r, to, limits, &dropped);
	if (err == 0 && dropped)
		err = find_way(r, to, limits, &leg, &reason);
	*found = err == 0 && reason == CPNP_PATH_REASON_NONE;
	if (err == 0 && !*found && refuses)
		err = refuse_leg(r, to, limits);
	if (!*found)
		return err;
	err = reserve_branches(r, leg.n);
	for (i = 0; i < leg.n && err == 0; i++)
		at = grow_branch(r, at, leg.links[i]);
	r->ends[to - r->w->sites] = at;
	if (cpnp_price_add_times(&r->cost,
		(cpnp_price_sum)leg.price + leg.n, to->need + 1) != 0)
		r->cost = ~(cpnp_price_sum)0;
	return err;
}

static int
route_from(struct routing *r, size_t root, bool refuses, bool *found)
{
	struct deciding *w = r->w;
	size_t i;
	int err;

	r->root = &w->sites[root];
	r->branches_n = 0;
	r->cost = 0;
	err = reserve_branches(r, 1);
	if (err != 0)
		return err;
	r->branches[0] = (struct branch){.node = r->root->node};
	r->branches_n = 1;
	*found = true;
	for (i = 0; i < w->sites_n && err == 0 && *found; i++)
		err = route_site(r, &w->sites[i], refuses, found);
	return err;
}

static int
keep_tree(struct routing *r)
{
	struct deciding *w = r->w;
	size_t i;

	w->branches = cpnp_arena_alloc(
	    w->arena, r->branches_n, sizeof(*w->branches));
	if (w->branches == NULL)
		return CPNP_ERR_NOMEM;
	memcpy(w->branches, r->branches,
	    r->branches_n * sizeof(*w->branches));
	w->branches_n = r->branches_n;
	for (i = 0; i < w->sites_n; i++)
		w->sites[i].branch = r->ends[i];
	return 0;
}

static bool
tree_keeps_bounds(const struct routing *r)
{
	const struct site *ends[2];
	cpnp_guarantee g;
	size_t i;

	for (i = 0; i < r->bounds_n; i++) {
		g = path_promise(r->w, r->bounds[i].metric, r->bounds[i].a,
		    r->bounds[i].b, ends);
		if (g.is_set && g.value > r->bounds[i].limit)
			return false;
	}
	return true;
}

static size_t
count_roots(const struct routing *r)
{
	size_t sites = r->w->sites_n;
	size_t most = EFFORT_MAX / (sites * (r->t->links_n + 1));

	if (sites < 3 || most < 2)
		return 1;
	if (most > ROOTS_MAX)
		most = ROOTS_MAX;
	return sites < most ? sites : most;
}

/* Try roots, then the same with half the limits for each leg; then whatever
 * leads there. */
static int
route_all(struct routing *r)
{
	struct deciding *w = r->w;
	size_t roots = count_roots(r), i, best_root = 0;
	int err = 0, pass, passes = r->bounds_n > 0 && w->sites_n > 2 ? 2 : 1;
	cpnp_price_sum best = 0;
	bool found, is_kept = false;

	for (pass = 0; pass < passes && !is_kept && err == 0; pass++) {
		r->halved = pass > 0;
		for (i = 0; i < roots && err == 0; i++) {
			err = route_from(r, i, false, &found);
			if (err != 0 || !found || (is_kept && r->cost >= best))
				continue;
			err = keep_tree(r);
			if (err == 0 && tree_keeps_bounds(r)) {
				is_kept = true;
				best = r->cost;
				best_root = i;
			}
		}
	}
	if (err == 0) {
		r->halved = r->halved && is_kept;
		err = route_from(r, best_root, !is_kept, &found);
	}
	return err == 0 && found ? keep_tree(r) : err;
}

int
find_paths(struct deciding *w)
{
	const cpnp_topology *t = w->in->topology;
	struct routing r = {.w = w, .t = t};
	char resource[CPNP_RESOURCE_LEN];
	cpnp_metric m;
	size_t i;
	int err;

	w->branches_n = 0;
	if (t == NULL || w->sites_n < 2)
		return 0;
	r.free = calloc(t->links_n + 1, sizeof(*r.free));
	r.link_of = calloc(2 * t->links_n + 1, sizeof(*r.link_of));
	r.ends = calloc(w->sites_n, sizeof(*r.ends));
	err = r.free == NULL || r.link_of == NULL || r.ends == NULL
	    ? CPNP_ERR_NOMEM : collect_bounds(&r);
	for (i = 0; err == 0 && i < t->links_n; i++) {
		cpnp_link_resource(&t->links[i], resource);
		r.free[i] = (uint64_t)cpnp_capacity_free(
		    w->in->capacity, resource, w->from, w->until);
	}
	if (err == 0)
		err = route_all(&r);
	for (m = 0; m < CPNP_METRICS; m++)
		cpnp_path_graph_del(r.graphs[m]);
	free(r.free);
	free(r.link_of);
	free(r.ends);
	free(r.branches);
	return err;
}
