/*
 * What a search goes through: the segments of a graph that a query leaves, by
 * their ingress, with their cost in each metric.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PATH_NET_H
#define PATH_NET_H

#include "graph.h"

/* What adds up along a path.  Loss is what is missing to an availability of
 * CPNP_PATH_WHOLE; it does not add up, but it grows. */
enum path_metric { PATH_DELAY, PATH_PRICE, PATH_HOPS, PATH_LOSS, PATH_METRICS };
#define PATH_ADDITIVE PATH_LOSS /* those before it */
#define PATH_WHOLE 1000000000000u

struct path_edge {
	uint32_t from, to; /* places */
	uint32_t segment;
	uint32_t availability; /* ppm */
	uint64_t cost[PATH_ADDITIVE];
	unsigned pass; /* bit i: it crosses query->pass[i] */
};

struct path_net {
	const cpnp_path_graph *graph;
	uint32_t from, to; /* of the query */
	unsigned pass_all; /* all bits that a path needs */
	size_t place_n;
	struct path_edge *edges; /* those of place p: first[p] to first[p+1] */
	size_t edge_n;
	uint32_t *first;
	uint32_t *into; /* edges by egress; into_first as first */
	uint32_t *into_first;
	/* What path_net_rest() gives: place_n for each set of domains. */
	uint64_t *rest[PATH_ADDITIVE];
};
#define PATH_FAR UINT64_MAX

/*
 * What it costs at least from a place to query->to, on a way that crosses
 * those domains to pass that are not in passed: PATH_FAR if there is none.
 * The way may come to a place twice, so no path can do better, whatever else
 * it has to keep to.
 */
static inline uint64_t
path_net_rest(const struct path_net *net, enum path_metric metric,
    unsigned passed, uint32_t place)
{
	return net->rest[metric][passed * net->place_n + place];
}

/* Sum that stays at PATH_FAR when it would be more. */
uint64_t path_add(uint64_t a, uint64_t b);

/*
 * The net of a query after the constraints up to last, in the order of
 * CPNP_PATH_REASON_MAP, with segments of capacity bit/s at least when last is
 * CAPACITY.  Both places have to be known.  Prices are 0 before TOKEN.
 */
int path_net_init(struct path_net *net, const cpnp_path_graph *graph,
    const cpnp_path_query *query, cpnp_path_reason last, uint64_t capacity);
void path_net_fini(struct path_net *net);
/* True when a constraint, one from RATING to AVOID, forbids a segment. */
bool path_is_cut(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_reason constraint, uint32_t segment);

#endif
