/*
 * The best path, and those after it (J. Yen, 1971; E. Lawler, 1972): of the
 * paths that begin as one that was found and then leave it, the best; for
 * every place at which they can leave.  These sets are disjoint and contain
 * every other path, so that the best of their bests is the next.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "find.h"

void
cpnp_path_query_default(cpnp_path_query *query)
{
	memset(query, 0, sizeof(*query));
	query->delay_max = UINT64_MAX;
	query->price_max = INT64_MAX;
	query->hops_max = CPNP_PATH_HOPS_MAX;
	query->by = CPNP_PATH_BY_PRICE;
	query->candidates = 1;
}

static int
check_lists(const cpnp_path_query *q, cpnp_diag *diag)
{
	size_t i;

	if (q->avoid_n > CPNP_PATH_AVOID_MAX)
		return path_complain(diag, "avoid", "at most 256 domains");
	if (q->without_n > CPNP_PATH_AVOID_MAX)
		return path_complain(diag, "without", "at most 256 segments");
	if (q->pass_n > CPNP_PATH_PASS_MAX)
		return path_complain(diag, "pass", "at most 4 domains");
	for (i = 0; i < q->avoid_n; i++)
		if (!path_is_name(q->avoid[i]))
			return path_complain(diag, "avoid", "names of domains");
	for (i = 0; i < q->pass_n; i++)
		if (!path_is_name(q->pass[i]))
			return path_complain(diag, "pass", "names of domains");
	return 0;
}

static int
check_query(const cpnp_path_query *q, cpnp_diag *diag)
{
	if (!path_is_name(q->from))
		return path_complain(diag, "from", "1 to 64 bytes");
	if (!path_is_name(q->to))
		return path_complain(diag, "to", "1 to 64 bytes");
	if (cpnp_bytes_equal(q->from, q->to))
		return path_complain(diag, "to", "another place than from");
	if (q->start.sec < CPNP_WTIME_MIN || q->end.sec > CPNP_WTIME_MAX ||
	    q->start.sec >= q->end.sec ||
	    q->end.sec - q->start.sec > CPNP_SERVICE_SECONDS_MAX)
		return path_complain(diag, "end",
		    "a date after start, at most ten "
		    "years");
	if (q->price_max < 0)
		return path_complain(diag, "price_max", "from 0");
	if (q->availability_min > CPNP_PPM)
		return path_complain(
		    diag, "availability_min", "at most 1,000,000 ppm");
	if (q->hops_max < 1 || q->hops_max > CPNP_PATH_HOPS_MAX)
		return path_complain(diag, "hops_max", "1 to 64 segments");
	if (q->by != CPNP_PATH_BY_PRICE && q->by != CPNP_PATH_BY_DELAY)
		return path_complain(diag, "by", "price or delay");
	if (q->candidates < 1 || q->candidates > CPNP_PATH_CANDIDATES_MAX)
		return path_complain(diag, "candidates", "1 to 32 paths");
	return check_lists(q, diag);
}

/* ---- One after another --------------------------------------------------- */

/* A path that was found: it leaves an earlier one after fork edges. */
struct candidate {
	struct path_route route;
	size_t fork;
};

struct candidates {
	const cpnp_mem *mem;
	struct candidate *items; /* the first taken_n are the answer */
	size_t n, room;
	size_t taken_n;
};

static int
candidate_add(struct candidates *c, struct path_route *route, size_t fork)
{
	void *items = c->items;
	int err = path_grow(c->mem, &items, c->n, &c->room, sizeof(*c->items));

	c->items = items;
	if (err != 0)
		return err;
	c->items[c->n].route = *route;
	c->items[c->n++].fork = fork;
	memset(route, 0, sizeof(*route));
	return 0;
}

/* The best of those that wait becomes the next of the answer. */
static void
candidate_take(struct candidates *c, const struct path_search *search)
{
	struct candidate best;
	size_t i, at = c->taken_n;

	for (i = at + 1; i < c->n; i++)
		if (path_route_compare(
			search, &c->items[i].route, &c->items[at].route) < 0)
			at = i;
	best = c->items[at];
	c->items[at] = c->items[c->taken_n];
	c->items[c->taken_n++] = best;
}

/* The edges by which paths of the answer go on after the first n of route. */
static size_t
taken_next(const struct candidates *c, const struct path_route *route, size_t n,
    uint32_t without[CPNP_PATH_CANDIDATES_MAX])
{
	size_t i, found = 0;

	for (i = 0; i < c->taken_n; i++) {
		const struct path_route *other = &c->items[i].route;

		if (other->n > n && memcmp(other->edges, route->edges,
					n * sizeof(*route->edges)) == 0)
			without[found++] = other->edges[n];
	}
	return found;
}

/* The best that leave the path that was taken last, at each of its places. */
static int
branch(struct candidates *c, struct path_search *search)
{
	uint32_t without[CPNP_PATH_CANDIDATES_MAX];
	struct path_route route = {0};
	size_t at = c->items[c->taken_n - 1].fork, n;
	int err = 0;

	for (; err == 0; at++) {
		const struct path_route *last = &c->items[c->taken_n - 1].route;

		if (at == last->n)
			break;
		n = taken_next(c, last, at, without);
		err = path_search_run(
		    search, last->edges, at, without, n, &route);
		if (err == 0)
			err = candidate_add(c, &route, at);
		else if (err == CPNP_ERR_NOT_FOUND)
			err = 0;
	}
	path_route_fini(c->mem, &route);
	return err;
}

/* FULL with what was found before. */
static int
find_all(struct candidates *c, struct path_search *search, size_t max)
{
	struct path_route route = {0};
	int err = path_search_run(search, NULL, 0, NULL, 0, &route);

	if (err == 0)
		err = candidate_add(c, &route, 0);
	path_route_fini(c->mem, &route);
	while (err == 0 && c->taken_n < c->n) {
		candidate_take(c, search);
		if (c->taken_n == max)
			break;
		err = branch(c, search);
	}
	return err;
}

/* ---- Answers ------------------------------------------------------------- */

struct answer {
	cpnp_path_answer answer;
	cpnp_mem mem;
	cpnp_path paths[];
};

void
cpnp_path_answer_del(cpnp_path_answer *answer)
{
	struct answer *a = (struct answer *)answer;
	cpnp_mem mem;

	if (a == NULL)
		return;
	mem = a->mem;
	mem.free(mem.user, a);
}

static void
path_fill(cpnp_path *path, uint32_t *segments, const struct path_net *net,
    const struct path_route *route)
{
	uint64_t price = route->cost[PATH_PRICE];
	size_t i;

	memset(path, 0, sizeof(*path));
	path->segments = segments;
	path->segment_n = route->n;
	path->delay = route->cost[PATH_DELAY];
	path->price = price > INT64_MAX ? INT64_MAX : (int64_t)price;
	path->availability =
	    (uint32_t)((PATH_WHOLE - route->cost[PATH_LOSS]) / CPNP_PPM);
	path->capacity = UINT64_MAX;
	for (i = 0; i < route->n; i++) {
		uint32_t segment = net->edges[route->edges[i]].segment;
		uint64_t capacity = net->graph->segments[segment]->capacity;

		segments[i] = segment;
		if (capacity < path->capacity)
			path->capacity = capacity;
	}
}

int
path_answer_new(cpnp_path_answer **answer, const struct path_net *net,
    const cpnp_mem *mem, const struct path_route *const *routes, size_t n)
{
	struct answer *a;
	uint32_t *segments;
	size_t i, segment_n = 0, paths = n * sizeof(*a->paths);

	for (i = 0; i < n; i++)
		segment_n += routes[i]->n;
	a = mem->alloc(
	    mem->user, sizeof(*a) + paths + segment_n * sizeof(*segments));
	if (a == NULL)
		return CPNP_ERR_NOMEM;
	memset(a, 0, sizeof(*a));
	a->mem = *mem;
	segments = (uint32_t *)(void *)((uint8_t *)a->paths + paths);
	for (i = 0; i < n; i++) {
		path_fill(&a->paths[i], segments, net, routes[i]);
		segments += routes[i]->n;
	}
	a->answer.paths = a->paths;
	a->answer.path_n = n;
	a->answer.complete = true;
	*answer = &a->answer;
	return 0;
}

/* The paths of a net in which all constraints on segments hold; NOT_FOUND. */
static int
find_in(const struct path_net *net, const cpnp_path_query *query,
    cpnp_path_answer **answer)
{
	const struct path_route *routes[CPNP_PATH_CANDIDATES_MAX];
	struct candidates c = {.mem = &net->graph->mem};
	struct path_search search;
	bool complete;
	size_t i;
	int err;

	err = path_search_init(&search, net, query, PATH_METRICS, ~0u);
	if (err != 0)
		return err;
	err = find_all(&c, &search, query->candidates);
	complete = err == 0;
	if (err == CPNP_ERR_FULL)
		err = 0;
	for (i = 0; i < c.taken_n; i++)
		routes[i] = &c.items[i].route;
	if (err == 0)
		err = path_answer_new(answer, net, c.mem, routes, c.taken_n);
	if (err == 0) {
		(*answer)->complete = complete;
		if (c.taken_n == 0)
			(*answer)->reason = CPNP_PATH_REASON_EFFORT;
	}
	for (i = 0; i < c.n; i++)
		path_route_fini(c.mem, &c.items[i].route);
	c.mem->free(c.mem->user, c.items);
	path_search_fini(&search);
	return err;
}

int
cpnp_path_find(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_answer **answer, cpnp_diag *diag)
{
	const struct path_name *from, *to;
	struct path_net net;
	int err;

	*answer = NULL;
	err = check_query(query, diag);
	if (err != 0)
		return err;
	from = path_name_find(&graph->places, query->from);
	to = path_name_find(&graph->places, query->to);
	if (from == NULL || from->out_n == 0 || to == NULL || to->in_n == 0) {
		err = path_answer_new(answer, NULL, &graph->mem, NULL, 0);
		if (err == 0)
			(*answer)->reason = from == NULL || from->out_n == 0
						? CPNP_PATH_REASON_FROM
						: CPNP_PATH_REASON_TO;
	} else {
		err = path_net_init(&net, graph, query,
		    CPNP_PATH_REASON_CAPACITY, query->capacity);
		if (err == 0) {
			err = find_in(&net, query, answer);
			path_net_fini(&net);
		}
		if (err == CPNP_ERR_NOT_FOUND)
			err = path_reason_find(graph, query, answer);
	}
	if (err != 0 && diag != NULL) {
		memset(diag, 0, sizeof(*diag));
		diag->err = err;
		(void)snprintf(diag->where, sizeof(diag->where), "path");
		(void)snprintf(
		    diag->why, sizeof(diag->why), "%s", cpnp_strerror(err));
	}
	return err;
}
