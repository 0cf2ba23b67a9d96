/*
 * The best path under constraints, by label setting.
 *
 * A label is the beginning of a path, with what it has cost so far.  Labels
 * are settled in the order of what their paths cost at the least: cost so far
 * plus path_net.rest (P. Hart, N. Nilsson, B. Raphael, 1968), metric after
 * metric.  So the first that is settled at the end is the best, and of two at
 * one place the one that was settled first is the better.  The later one is
 * dropped when it is no better in anything that is bounded (dominated): what
 * it leads to, the first one leads to for less.
 *
 * The fewer metrics are bounded the fewer labels are left.  So a search begins
 * with none, and bounds one only when the path that it found breaks it: the
 * best of all paths, if it keeps to every bound, is the best of those that do.
 *
 * Only for domains to pass could it be worth going in a circle.  When the
 * best way does, the place to which it comes twice becomes critical, and the
 * search begins again: to no critical place does a label go twice, and it is
 * dominated only by one that has been at no critical place where it has not
 * been itself (N. Boland, J. Dethridge, I. Dumitrescu, 2006).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PATH_SEARCH_H
#define PATH_SEARCH_H

#include "heap.h"
#include "net.h"

#define LABEL_NONE UINT32_MAX

struct path_label {
	uint64_t cost[PATH_METRICS];
	uint32_t place;
	uint32_t edge;    /* by which it came, */
	uint32_t parent;  /* from which label; LABEL_NONE: the first */
	uint32_t settled; /* the one before it at this place */
	unsigned pass;    /* domains passed */
};

/* What is bounded: bits of path_metric, and this one. */
#define BOUND(metric) (1u << (metric))
#define BOUND_PASS BOUND(PATH_METRICS)

/* A path, or the beginning that a search has to keep to. */
struct path_route {
	uint32_t *edges; /* of the net */
	size_t n;
	uint64_t cost[PATH_METRICS];
};

struct path_search {
	const struct path_net *net;
	enum path_metric order[HEAP_KEYS];
	uint64_t limit[PATH_METRICS];
	unsigned bounds; /* what holds at all */
	size_t effort;   /* labels that may still be made, over all searches, */
	size_t compares; /* and be compared */

	/* of one search */
	unsigned tight; /* what is bounded by now */
	struct path_label *labels;
	size_t label_n, label_room;
	struct path_heap heap;
	uint32_t *settled; /* of each place: the label settled last */
	uint8_t *blocked;  /* places that the beginning has used up */
	uint8_t *critical; /* places, kept for the next search */
	uint32_t *mark;    /* of each place: the newest */
	uint32_t marks;    /* as many as there were; no label has more than
			      two */
};

/* Bounds of the query on bounds, order by its objective after first, unless
 * that is PATH_METRICS. */
int path_search_init(struct path_search *search, const struct path_net *net,
    const cpnp_path_query *query, enum path_metric first, unsigned bounds);
void path_search_fini(struct path_search *search);

/*
 * The best path that begins with the first root_n edges of root and goes on
 * with none of the n edges in without.  NOT_FOUND when there is none, FULL
 * when the effort was not enough, NOMEM.  best has to be zero or a route
 * before.
 */
int path_search_run(struct path_search *search, const uint32_t *root,
    size_t root_n, const uint32_t *without, size_t n, struct path_route *best);
/* Below 0 when a comes before b in the order of search. */
int path_route_compare(const struct path_search *search,
    const struct path_route *a, const struct path_route *b);
void path_route_fini(const cpnp_mem *mem, struct path_route *route);

#endif
