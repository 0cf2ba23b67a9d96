/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "search.h"

#define COMPARES_MAX (32 * (size_t)CPNP_PATH_LABELS_MAX)

static void
set_order(struct path_search *search, cpnp_path_by by, enum path_metric first)
{
	enum path_metric *order = search->order;
	size_t n = 0;

	if (first != PATH_METRICS)
		order[n++] = first;
	order[n++] = by == CPNP_PATH_BY_PRICE ? PATH_PRICE : PATH_DELAY;
	order[n++] = by == CPNP_PATH_BY_PRICE ? PATH_DELAY : PATH_PRICE;
	if (n < HEAP_KEYS)
		order[n] = PATH_HOPS;
}

int
path_search_init(struct path_search *search, const struct path_net *net,
    const cpnp_path_query *query, enum path_metric first, unsigned bounds)
{
	const cpnp_mem *mem = &net->graph->mem;

	memset(search, 0, sizeof(*search));
	search->net = net;
	search->bounds = bounds;
	search->effort = CPNP_PATH_LABELS_MAX;
	search->compares = COMPARES_MAX;
	set_order(search, query->by, first);
	search->limit[PATH_DELAY] = query->delay_max;
	search->limit[PATH_PRICE] = (uint64_t)query->price_max;
	search->limit[PATH_HOPS] = query->hops_max;
	search->limit[PATH_LOSS] =
	    PATH_WHOLE - query->availability_min * (uint64_t)CPNP_PPM;
	search->settled =
	    path_array(mem, net->place_n, sizeof(*search->settled));
	search->blocked =
	    path_array(mem, net->place_n, sizeof(*search->blocked));
	search->critical =
	    path_array(mem, net->place_n, sizeof(*search->critical));
	search->mark = path_array(mem, net->place_n, sizeof(*search->mark));
	if (search->settled != NULL && search->blocked != NULL &&
	    search->critical != NULL && search->mark != NULL) {
		memset(search->critical, 0, net->place_n);
		return 0;
	}
	path_search_fini(search);
	return CPNP_ERR_NOMEM;
}

void
path_search_fini(struct path_search *search)
{
	const cpnp_mem *mem = &search->net->graph->mem;

	mem->free(mem->user, search->labels);
	mem->free(mem->user, search->settled);
	mem->free(mem->user, search->blocked);
	mem->free(mem->user, search->critical);
	mem->free(mem->user, search->mark);
	path_heap_fini(mem, &search->heap);
	search->labels = NULL;
	search->settled = NULL;
	search->blocked = NULL;
	search->critical = NULL;
	search->mark = NULL;
}

void
path_route_fini(const cpnp_mem *mem, struct path_route *route)
{
	mem->free(mem->user, route->edges);
	memset(route, 0, sizeof(*route));
}

int
path_route_compare(const struct path_search *search, const struct path_route *a,
    const struct path_route *b)
{
	size_t i;

	for (i = 0; i < HEAP_KEYS; i++) {
		enum path_metric m = search->order[i];

		if (a->cost[m] != b->cost[m])
			return a->cost[m] < b->cost[m] ? -1 : 1;
	}
	for (i = 0; i < a->n && i < b->n; i++)
		if (a->edges[i] != b->edges[i])
			return a->edges[i] < b->edges[i] ? -1 : 1;
	return 0; /* a path never begins with another one to the same place */
}

/* ---- Labels -------------------------------------------------------------- */

static void
label_extend(struct path_label *to, const struct path_label *from,
    const struct path_edge *e)
{
	enum path_metric m;
	uint64_t available = PATH_WHOLE - from->cost[PATH_LOSS];

	for (m = 0; m < PATH_ADDITIVE; m++)
		to->cost[m] = path_add(from->cost[m], e->cost[m]);
	to->cost[PATH_LOSS] =
	    PATH_WHOLE - available * e->availability / CPNP_PPM;
	to->place = e->to;
	to->pass = from->pass | e->pass;
}

/* What is missing to the end, under what is bounded of domains to pass. */
static uint64_t
rest_of(const struct path_search *search, enum path_metric metric,
    const struct path_label *label)
{
	const struct path_net *net = search->net;

	return path_net_rest(net, metric,
	    (search->tight & BOUND_PASS) != 0 ? label->pass : net->pass_all,
	    label->place);
}

/* True when a label cannot lead to a path within what is bounded. */
static bool
is_lost(const struct path_search *search, const struct path_label *label)
{
	enum path_metric m;
	uint64_t cost;

	if (rest_of(search, PATH_HOPS, label) == PATH_FAR)
		return true;
	for (m = 0; m < PATH_METRICS; m++) {
		if ((search->tight & BOUND(m)) == 0)
			continue;
		cost = label->cost[m];
		if (m < PATH_ADDITIVE)
			cost = path_add(cost, rest_of(search, m, label));
		if (cost > search->limit[m])
			return true;
	}
	return false;
}

/* Going back along a label is work like a comparison. */
static void
spend(struct path_search *search)
{
	if (search->compares > 0)
		search->compares--;
}

/* Mark the places where a label has been with a new mark. */
static uint32_t
mark_places(struct path_search *search, const struct path_label *label)
{
	uint32_t at, mark = ++search->marks;

	search->mark[label->place] = mark;
	for (at = label->parent; at != LABEL_NONE;
	     at = search->labels[at].parent) {
		search->mark[search->labels[at].place] = mark;
		spend(search);
	}
	return mark;
}

static bool
has_been(struct path_search *search, uint32_t label, uint32_t place)
{
	for (; label != LABEL_NONE; label = search->labels[label].parent) {
		if (search->labels[label].place == place)
			return true;
		spend(search);
	}
	return false;
}

/* Of critical places, it has been at none but marked ones. */
static bool
is_within_marked(struct path_search *search, uint32_t label, uint32_t mark)
{
	for (; label != LABEL_NONE; label = search->labels[label].parent) {
		if (search->critical[search->labels[label].place] &&
		    search->mark[search->labels[label].place] != mark)
			return false;
		spend(search);
	}
	return true;
}

/* A label that has to pass fewer domains can be settled first and yet have
 * cost more. */
static bool
is_cheaper(const struct path_search *search, const struct path_label *a,
    const struct path_label *b)
{
	size_t i;

	for (i = 0; i < HEAP_KEYS; i++) {
		enum path_metric m = search->order[i];

		if (a->cost[m] != b->cost[m])
			return a->cost[m] < b->cost[m];
	}
	return true;
}

/* One that was settled earlier at this place leads wherever this one leads.
 * When one metric is bounded, the last that was settled has the least of it.
 * Out of effort nothing is dominated, and the search ends with the next label
 * that it makes. */
static bool
is_dominated(struct path_search *search, const struct path_label *label)
{
	const struct path_label *other;
	bool pass = (search->tight & BOUND_PASS) != 0;
	bool single = (search->tight & (search->tight - 1)) == 0;
	uint32_t at = search->settled[label->place], mark = 0;
	enum path_metric m;

	if (pass && at != LABEL_NONE)
		mark = mark_places(search, label);
	for (; at != LABEL_NONE; at = other->settled) {
		if (search->compares == 0)
			return false;
		spend(search);
		other = &search->labels[at];
		for (m = 0; m < PATH_METRICS; m++)
			if ((search->tight & BOUND(m)) != 0 &&
			    other->cost[m] > label->cost[m])
				break;
		if (m < PATH_METRICS && single)
			return false;
		if (m < PATH_METRICS)
			continue;
		if (!pass || ((label->pass & ~other->pass) == 0 &&
				 is_cheaper(search, other, label) &&
				 is_within_marked(search, at, mark)))
			return true;
	}
	return false;
}

static int
push(struct path_search *search, const struct path_label *label)
{
	const cpnp_mem *mem = &search->net->graph->mem;
	void *labels = search->labels;
	struct path_item item;
	size_t i;
	int err;

	if (search->effort == 0 || search->compares == 0)
		return CPNP_ERR_FULL;
	search->effort--;
	err = path_grow(mem, &labels, search->label_n, &search->label_room,
	    sizeof(*search->labels));
	search->labels = labels;
	if (err != 0)
		return err;
	for (i = 0; i < HEAP_KEYS; i++) {
		enum path_metric m = search->order[i];

		item.key[i] = m < PATH_ADDITIVE ? path_add(label->cost[m],
						      rest_of(search, m, label))
						: label->cost[m];
	}
	item.number = (uint32_t)search->label_n;
	search->labels[search->label_n++] = *label;
	return path_heap_push(mem, &search->heap, &item);
}

/* ---- One search ---------------------------------------------------------- */

static bool
is_without(const uint32_t *without, size_t n, uint32_t edge)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (without[i] == edge)
			return true;
	return false;
}

/* The first label, where root ends; what root has been at is blocked. */
static int
begin(struct path_search *search, const uint32_t *root, size_t root_n)
{
	const struct path_net *net = search->net;
	struct path_label label = {
	    .place = net->from, .parent = LABEL_NONE, .settled = LABEL_NONE};
	size_t i;

	memset(search->blocked, 0, net->place_n * sizeof(*search->blocked));
	memset(search->mark, 0, net->place_n * sizeof(*search->mark));
	for (i = 0; i < net->place_n; i++)
		search->settled[i] = LABEL_NONE;
	search->label_n = 0;
	search->marks = 0;
	search->heap.n = 0;
	for (i = 0; i < root_n; i++) {
		search->blocked[label.place] = 1;
		label_extend(&label, &label, &net->edges[root[i]]);
	}
	return is_lost(search, &label) ? 0 : push(search, &label);
}

static int
settle(struct path_search *search, uint32_t number, const uint32_t *without,
    size_t n)
{
	const struct path_net *net = search->net;
	uint32_t place = search->labels[number].place, e;
	struct path_label next = {.settled = LABEL_NONE};
	int err = 0;

	search->labels[number].settled = search->settled[place];
	search->settled[place] = number;
	for (e = net->first[place]; e < net->first[place + 1]; e++) {
		const struct path_edge *edge = &net->edges[e];

		if (search->blocked[edge->to] ||
		    (number == 0 && is_without(without, n, e)))
			continue;
		if (search->critical[edge->to] &&
		    has_been(search, number, edge->to))
			continue;
		label_extend(&next, &search->labels[number], edge);
		next.edge = e;
		next.parent = number;
		if (is_lost(search, &next) || is_dominated(search, &next))
			continue;
		err = push(search, &next);
		if (err != 0)
			break;
	}
	return err;
}

/* With what is tight; *found is the label at the end. */
static int
search_once(struct path_search *search, const uint32_t *root, size_t root_n,
    const uint32_t *without, size_t n, uint32_t *found)
{
	const struct path_net *net = search->net;
	struct path_item item;
	int err = begin(search, root, root_n);

	while (err == 0 && path_heap_pop(&search->heap, &item)) {
		const struct path_label *label = &search->labels[item.number];

		if (label->place == net->to &&
		    ((search->tight & BOUND_PASS) == 0 ||
			label->pass == net->pass_all)) {
			*found = item.number;
			return 0;
		}
		if (label->place != net->to && !is_dominated(search, label))
			err = settle(search, item.number, without, n);
	}
	return err != 0 ? err : CPNP_ERR_NOT_FOUND;
}

/* True when a path comes to a place twice, which is critical from now on. */
static bool
is_circular(struct path_search *search, uint32_t label)
{
	uint32_t mark = ++search->marks;
	bool circular = false;

	for (; label != LABEL_NONE; label = search->labels[label].parent) {
		uint32_t place = search->labels[label].place;

		if (search->mark[place] == mark) {
			search->critical[place] = 1;
			circular = true;
		}
		search->mark[place] = mark;
	}
	return circular;
}

/* What a path breaks of what it has to keep to. */
static unsigned
broken(const struct path_search *search, const struct path_label *label)
{
	unsigned bits = 0;
	enum path_metric m;

	for (m = 0; m < PATH_METRICS; m++)
		if (label->cost[m] > search->limit[m])
			bits |= BOUND(m);
	if (label->pass != search->net->pass_all)
		bits |= BOUND_PASS;
	return bits & search->bounds;
}

static int
trace(const struct path_search *search, const uint32_t *root, size_t root_n,
    uint32_t label, struct path_route *best)
{
	const cpnp_mem *mem = &search->net->graph->mem;
	const struct path_label *labels = search->labels;
	size_t n = root_n;
	uint32_t *edges;
	uint32_t at;

	for (at = label; labels[at].parent != LABEL_NONE;
	     at = labels[at].parent)
		n++;
	edges = path_array(mem, n, sizeof(*edges));
	if (edges == NULL)
		return CPNP_ERR_NOMEM;
	if (root_n > 0)
		memcpy(edges, root, root_n * sizeof(*edges));
	path_route_fini(mem, best);
	best->edges = edges;
	best->n = n;
	memcpy(best->cost, labels[label].cost, sizeof(best->cost));
	for (at = label; labels[at].parent != LABEL_NONE;
	     at = labels[at].parent)
		edges[--n] = labels[at].edge;
	return 0;
}

int
path_search_run(struct path_search *search, const uint32_t *root, size_t root_n,
    const uint32_t *without, size_t n, struct path_route *best)
{
	uint32_t found = LABEL_NONE;
	unsigned bits;
	int err;

	search->tight = 0;
	for (;;) {
		err = search_once(search, root, root_n, without, n, &found);
		if (err != 0)
			return err;
		bits = broken(search, &search->labels[found]);
		search->tight |= bits;
		if (!is_circular(search, found) && bits == 0)
			break;
	}
	return trace(search, root, root_n, found, best);
}
