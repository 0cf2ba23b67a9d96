/*
 * The net of a query, and how far every place is from where the query leads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "heap.h"
#include "net.h"

uint64_t
path_add(uint64_t a, uint64_t b)
{
	return a > PATH_FAR - b ? PATH_FAR : a + b;
}

static bool
is_one_of(const cpnp_bytes *list, size_t n, cpnp_bytes name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cpnp_bytes_equal(list[i], name))
			return true;
	return false;
}

static bool
is_avoided(const cpnp_path_graph *graph, const cpnp_path_query *query,
    const struct path_segment *s)
{
	/* Whose network a pseudonym's is nobody can say. */
	if (query->avoid_n > 0 && s->seller != s->domain)
		return true;
	return is_one_of(query->avoid, query->avoid_n,
	    path_name_bytes(graph->domains.items[s->domain]));
}

static bool
is_excluded(const cpnp_path_query *query, uint32_t segment)
{
	size_t i;

	for (i = 0; i < query->without_n; i++)
		if (query->without[i] == segment)
			return true;
	return false;
}

bool
path_is_cut(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_reason constraint, uint32_t segment)
{
	const struct path_segment *s = graph->segments[segment];

	switch (constraint) {
	case CPNP_PATH_REASON_RATING:
		return !s->eligible;
	case CPNP_PATH_REASON_SALE:
		return !s->for_sale;
	case CPNP_PATH_REASON_TOKEN:
		return s->price > 0 &&
		       s->token !=
			   path_token_find(graph, query->issuer, query->code);
	case CPNP_PATH_REASON_WINDOW:
		return query->start.sec < s->from.sec ||
		       query->end.sec > s->to.sec;
	case CPNP_PATH_REASON_WITHOUT:
		return is_excluded(query, segment);
	case CPNP_PATH_REASON_AVOID:
		return is_avoided(graph, query, s);
	case CPNP_PATH_REASON_NONE:
	case CPNP_PATH_REASON_FROM:
	case CPNP_PATH_REASON_TO:
	case CPNP_PATH_REASON_REACH:
	case CPNP_PATH_REASON_CAPACITY:
	case CPNP_PATH_REASON_HOPS:
	case CPNP_PATH_REASON_PASS:
	case CPNP_PATH_REASON_DELAY:
	case CPNP_PATH_REASON_AVAILABILITY:
	case CPNP_PATH_REASON_PRICE:
	case CPNP_PATH_REASON_EFFORT:
		break;
	}
	return false;
}

static bool
is_usable(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_reason last, uint64_t capacity, uint32_t segment)
{
	cpnp_path_reason r;

	for (r = CPNP_PATH_REASON_RATING;
	     r <= last && r <= CPNP_PATH_REASON_AVOID; r++)
		if (path_is_cut(graph, query, r, segment))
			return false;
	return last < CPNP_PATH_REASON_CAPACITY ||
	       graph->segments[segment]->capacity >= capacity;
}

static void
edge_fill(struct path_edge *e, const struct path_net *net,
    const cpnp_path_query *query, cpnp_path_reason last, uint32_t segment)
{
	const cpnp_path_graph *graph = net->graph;
	const struct path_segment *s = graph->segments[segment];
	cpnp_path_segment view;
	int64_t cost = 0;
	size_t i;

	e->from = s->ingress;
	e->to = s->egress;
	e->segment = segment;
	e->availability = s->availability;
	e->cost[PATH_DELAY] = s->delay;
	e->cost[PATH_HOPS] = 1;
	e->cost[PATH_PRICE] = 0;
	if (last >= CPNP_PATH_REASON_TOKEN) {
		(void)cpnp_path_graph_get(graph, segment, &view);
		/* what no int64_t can say no price_max allows */
		e->cost[PATH_PRICE] = cpnp_path_segment_cost(&view,
					  query->start, query->end, &cost) == 0
					  ? (uint64_t)cost
					  : PATH_FAR;
	}
	e->pass = 0;
	for (i = 0; i < query->pass_n; i++)
		if (cpnp_bytes_equal(query->pass[i],
			path_name_bytes(graph->domains.items[s->domain])))
			e->pass |= 1u << i;
}

/* Counting sort of the segments that are left by their ingress. */
static void
sort_edges(struct path_net *net, const cpnp_path_query *query,
    cpnp_path_reason last, uint64_t capacity)
{
	const cpnp_path_graph *graph = net->graph;
	uint32_t segment, *at;
	size_t i;

	memset(net->first, 0, (net->place_n + 2) * sizeof(*net->first));
	for (segment = 0; segment < graph->segment_n; segment++)
		if (is_usable(graph, query, last, capacity, segment))
			net->first[graph->segments[segment]->ingress + 2]++;
	for (i = 2; i < net->place_n + 2; i++)
		net->first[i] += net->first[i - 1];
	net->edge_n = net->first[net->place_n + 1];
	/* first[p + 1] moves on to where the edges of p end */
	for (segment = 0; segment < graph->segment_n; segment++) {
		if (!is_usable(graph, query, last, capacity, segment))
			continue;
		at = &net->first[graph->segments[segment]->ingress + 1];
		edge_fill(&net->edges[(*at)++], net, query, last, segment);
	}
}

static void
sort_into(struct path_net *net)
{
	uint32_t edge;
	size_t i;

	memset(
	    net->into_first, 0, (net->place_n + 2) * sizeof(*net->into_first));
	for (edge = 0; edge < net->edge_n; edge++)
		net->into_first[net->edges[edge].to + 2]++;
	for (i = 2; i < net->place_n + 2; i++)
		net->into_first[i] += net->into_first[i - 1];
	for (edge = 0; edge < net->edge_n; edge++)
		net->into[net->into_first[net->edges[edge].to + 1]++] = edge;
}

/* Where each place stands without going on within the layer: at the end, or
 * before a segment that crosses a domain which had to be passed. */
static int
seed(const struct path_net *net, enum path_metric metric, unsigned passed,
    struct path_heap *heap)
{
	const cpnp_mem *mem = &net->graph->mem;
	uint64_t *rest = net->rest[metric] + passed * net->place_n, far;
	struct path_item item = {{0}, net->to};
	size_t i;
	int err = 0;

	for (i = 0; i < net->place_n; i++)
		rest[i] = PATH_FAR;
	if (passed == net->pass_all) {
		rest[net->to] = 0;
		return path_heap_push(mem, heap, &item);
	}
	for (i = 0; i < net->edge_n && err == 0; i++) {
		const struct path_edge *e = &net->edges[i];

		if ((e->pass & ~passed) == 0 || e->from == net->to)
			continue;
		far = path_add(e->cost[metric],
		    path_net_rest(net, metric, passed | e->pass, e->to));
		if (far >= rest[e->from])
			continue;
		rest[e->from] = far;
		item.key[0] = far;
		item.number = e->from;
		err = path_heap_push(mem, heap, &item);
	}
	return err;
}

/* Dijkstra's algorithm, backwards, in one layer: the places of those ways on
 * which these domains have been passed.  A path ends at query->to. */
static int
measure(const struct path_net *net, enum path_metric metric, unsigned passed)
{
	const cpnp_mem *mem = &net->graph->mem;
	uint64_t *rest = net->rest[metric] + passed * net->place_n, far;
	struct path_item item, next = {{0}, 0};
	struct path_heap heap = {0};
	uint32_t i;
	int err = seed(net, metric, passed, &heap);

	while (err == 0 && path_heap_pop(&heap, &item)) {
		if (item.key[0] > rest[item.number])
			continue;
		for (i = net->into_first[item.number];
		     err == 0 && i < net->into_first[item.number + 1]; i++) {
			const struct path_edge *e = &net->edges[net->into[i]];

			far = path_add(item.key[0], e->cost[metric]);
			if ((e->pass & ~passed) != 0 || e->from == net->to ||
			    far >= rest[e->from])
				continue;
			rest[e->from] = far;
			next.key[0] = far;
			next.number = e->from;
			err = path_heap_push(mem, &heap, &next);
		}
	}
	path_heap_fini(mem, &heap);
	return err;
}

static int
measure_all(const struct path_net *net)
{
	enum path_metric m;
	unsigned passed;
	int err = 0;

	for (m = 0; m < PATH_ADDITIVE; m++)
		for (passed = net->pass_all + 1; err == 0 && passed > 0;
		     passed--)
			err = measure(net, m, passed - 1);
	return err;
}

int
path_net_init(struct path_net *net, const cpnp_path_graph *graph,
    const cpnp_path_query *query, cpnp_path_reason last, uint64_t capacity)
{
	const cpnp_mem *mem = &graph->mem;
	size_t places = graph->places.n;
	enum path_metric m;
	int err;

	memset(net, 0, sizeof(*net));
	net->graph = graph;
	net->place_n = places;
	net->from = path_name_find(&graph->places, query->from)->number;
	net->to = path_name_find(&graph->places, query->to)->number;
	net->pass_all = (1u << query->pass_n) - 1;
	net->edges = path_array(mem, graph->segment_n, sizeof(*net->edges));
	net->first = path_array(mem, places + 2, sizeof(*net->first));
	net->into = path_array(mem, graph->segment_n, sizeof(*net->into));
	net->into_first = path_array(mem, places + 2, sizeof(*net->into_first));
	for (m = 0; m < PATH_ADDITIVE; m++)
		net->rest[m] = path_array(
		    mem, (net->pass_all + 1) * places, sizeof(uint64_t));
	err = CPNP_ERR_NOMEM;
	if (net->edges == NULL || net->first == NULL || net->into == NULL ||
	    net->into_first == NULL || net->rest[PATH_DELAY] == NULL ||
	    net->rest[PATH_PRICE] == NULL || net->rest[PATH_HOPS] == NULL)
		goto out;
	sort_edges(net, query, last, capacity);
	sort_into(net);
	err = measure_all(net);
out:
	if (err != 0)
		path_net_fini(net);
	return err;
}

void
path_net_fini(struct path_net *net)
{
	const cpnp_mem *mem = &net->graph->mem;
	enum path_metric m;

	mem->free(mem->user, net->edges);
	mem->free(mem->user, net->first);
	mem->free(mem->user, net->into);
	mem->free(mem->user, net->into_first);
	for (m = 0; m < PATH_ADDITIVE; m++)
		mem->free(mem->user, net->rest[m]);
	memset(net, 0, sizeof(*net));
}
