/*
 * Why there is no path: the constraints are laid on one after another, until
 * none is left; what the one before left shows what would fit.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "find.h"

#define CASE_NAME(name, number, text)                                          \
	case CPNP_PATH_REASON_##name:                                          \
		return text;

const char *
cpnp_path_reason_name(cpnp_path_reason reason)
{
	switch (reason) {
		CPNP_PATH_REASON_MAP(CASE_NAME)
	}
	return "?";
}

/* The answer: a reason, and the route that comes nearest, if any. */
static int
tell(cpnp_path_answer **answer, const struct path_net *net,
    cpnp_path_reason reason, const struct path_route *nearest)
{
	int err = path_answer_new(
	    answer, net, &net->graph->mem, &nearest, nearest != NULL ? 1 : 0);

	if (err != 0)
		return err;
	if (nearest != NULL)
		(*answer)->nearest = (*answer)->paths[0];
	(*answer)->path_n = 0;
	(*answer)->reason = reason;
	(*answer)->complete = reason != CPNP_PATH_REASON_EFFORT;
	return 0;
}

/* The best path of a net under bounds, first of all in metric first. */
static int
best_in(const struct path_net *net, const cpnp_path_query *query,
    enum path_metric first, unsigned bounds, struct path_route *route)
{
	struct path_search search;
	int err = path_search_init(&search, net, query, first, bounds);

	if (err != 0)
		return err;
	err = path_search_run(&search, NULL, 0, NULL, 0, route);
	path_search_fini(&search);
	return err;
}

/* The best path by the query's objective after the constraints on segments up
 * to last.  The route is one of net, which is the caller's when it is 0. */
static int
best_after(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_reason last, uint64_t capacity, struct path_net *net,
    struct path_route *route)
{
	int err = path_net_init(net, graph, query, last, capacity);

	if (err != 0)
		return err;
	err = best_in(net, query, PATH_METRICS, 0, route);
	if (err != 0)
		path_net_fini(net);
	return err;
}

/* The first constraint on segments that leaves no path; CAPACITY when all
 * before it leave one. */
static int
first_cut(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_reason *reason)
{
	struct path_route route = {0};
	struct path_net net;
	int err = 0;

	for (*reason = CPNP_PATH_REASON_REACH;
	     *reason < CPNP_PATH_REASON_CAPACITY; (*reason)++) {
		err = best_after(graph, query, *reason, 0, &net, &route);
		if (err != 0)
			break;
		path_net_fini(&net);
	}
	path_route_fini(&graph->mem, &route);
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

/* The largest capacity under which there is a path, which is that of some
 * segment; there is one under 0. */
static int
widest(const cpnp_path_graph *graph, const cpnp_path_query *query,
    uint64_t *capacity)
{
	uint64_t low = 0, high = query->capacity, middle, narrowest;
	struct path_route route = {0};
	struct path_net net;
	int err = 0;
	size_t i;

	/* there is a path under low and none under high */
	while (err == 0 && high - low > 1) {
		middle = low + (high - low) / 2;
		err = best_after(graph, query, CPNP_PATH_REASON_CAPACITY,
		    middle, &net, &route);
		if (err == CPNP_ERR_NOT_FOUND) {
			high = middle;
			err = 0;
			continue;
		}
		if (err != 0)
			break;
		narrowest = UINT64_MAX;
		for (i = 0; i < route.n; i++) {
			const struct path_segment *s =
			    graph->segments[net.edges[route.edges[i]].segment];

			if (s->capacity < narrowest)
				narrowest = s->capacity;
		}
		low = narrowest;
		path_net_fini(&net);
	}
	path_route_fini(&graph->mem, &route);
	*capacity = low;
	return err;
}

/* A constraint on segments: what is nearest is the best before it. */
static int
tell_cut(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_reason reason, cpnp_path_answer **answer)
{
	cpnp_path_reason before = reason - 1;
	struct path_route route = {0};
	struct path_net net;
	uint64_t capacity = 0;
	int err = 0;

	if (reason == CPNP_PATH_REASON_CAPACITY) {
		before = reason;
		err = widest(graph, query, &capacity);
	}
	if (err == 0)
		err = best_after(graph, query, before, capacity, &net, &route);
	if (err != 0)
		return err;
	err = tell(answer, &net, reason, &route);
	path_route_fini(&graph->mem, &route);
	path_net_fini(&net);
	return err;
}

/* The constraints on the whole path, and what each is measured in. */
static const struct {
	cpnp_path_reason reason;
	enum path_metric metric;
	unsigned bound;
} wholes[] = {
    {CPNP_PATH_REASON_HOPS, PATH_HOPS, BOUND(PATH_HOPS)},
    {CPNP_PATH_REASON_PASS, PATH_METRICS, BOUND_PASS},
    {CPNP_PATH_REASON_DELAY, PATH_DELAY, BOUND(PATH_DELAY)},
    {CPNP_PATH_REASON_AVAILABILITY, PATH_LOSS, BOUND(PATH_LOSS)},
    {CPNP_PATH_REASON_PRICE, PATH_PRICE, BOUND(PATH_PRICE)},
};

/* Every segment that is left fits, so a constraint on the whole cuts. */
static int
tell_whole(const struct path_net *net, const cpnp_path_query *query,
    cpnp_path_answer **answer)
{
	struct path_route route = {0};
	unsigned bounds = 0;
	size_t i;
	int err = CPNP_ERR_INTERNAL;

	for (i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++) {
		bounds |= wholes[i].bound;
		err = best_in(net, query, PATH_METRICS, bounds, &route);
		if (err == 0)
			continue;
		if (err == CPNP_ERR_NOT_FOUND &&
		    wholes[i].metric == PATH_METRICS)
			err = tell(answer, net, wholes[i].reason, NULL);
		else if (err == CPNP_ERR_NOT_FOUND)
			err = best_in(net, query, wholes[i].metric,
			    bounds & ~wholes[i].bound, &route);
		if (err == 0 && *answer == NULL)
			err = tell(answer, net, wholes[i].reason, &route);
		break;
	}
	path_route_fini(&net->graph->mem, &route);
	/* with all of them there is a path, and the query had none */
	return err == 0 && *answer == NULL ? CPNP_ERR_INTERNAL : err;
}

int
path_reason_find(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_answer **answer)
{
	cpnp_path_reason reason;
	struct path_net net;
	int err;

	*answer = NULL;
	err = first_cut(graph, query, &reason);
	if (err != 0)
		return err;
	if (reason == CPNP_PATH_REASON_CAPACITY) {
		err =
		    path_net_init(&net, graph, query, reason, query->capacity);
		if (err != 0)
			return err;
		/* no way from one to the other: PATH_HOPS says so as well */
		if (path_net_rest(&net, PATH_HOPS, net.pass_all, net.from) !=
		    PATH_FAR)
			err = tell_whole(&net, query, answer);
		else
			err = tell_cut(graph, query, reason, answer);
		path_net_fini(&net);
	} else if (reason == CPNP_PATH_REASON_REACH) {
		struct path_net none = {.graph = graph};

		err = tell(answer, &none, reason, NULL);
	} else {
		err = tell_cut(graph, query, reason, answer);
	}
	if (err == CPNP_ERR_FULL) {
		struct path_net none = {.graph = graph};

		err = tell(answer, &none, CPNP_PATH_REASON_EFFORT, NULL);
	}
	return err;
}
