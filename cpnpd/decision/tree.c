/*
 * What paths promise, and which link makes it too much.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "decide_int.h"

static const struct {
	const char *clause;
	cpnp_unit unit;
	bool is_up; /* told as what it leaves of 100 % */
} metrics[CPNP_METRICS] = {
	[CPNP_METRIC_DELAY] = {"qos/delay", CPNP_UNIT_DELAY, false},
	[CPNP_METRIC_DELAY_VARIATION] = {"qos/delay-variation",
	    CPNP_UNIT_DELAY, false},
	[CPNP_METRIC_LOSS] = {"qos/loss", CPNP_UNIT_RATIO, false},
	[CPNP_METRIC_UNAVAILABILITY] = {"availability", CPNP_UNIT_RATIO,
	    true},
};

/* Where the ways to the root meet. */
static size_t
meet(const struct deciding *w, size_t a, size_t b)
{
	while (a != b)
		if (a > b)
			a = w->branches[a].parent;
		else
			b = w->branches[b].parent;
	return a;
}

static cpnp_guarantee
between(const struct deciding *w, cpnp_metric metric, const struct site *a,
    const struct site *b)
{
	const struct branch *from = &w->branches[a->branch];
	const struct branch *to = &w->branches[b->branch];
	const struct branch *top =
	    &w->branches[meet(w, a->branch, b->branch)];

	return (cpnp_guarantee){
		from->silent[metric] == top->silent[metric] &&
		    to->silent[metric] == top->silent[metric],
		from->sums[metric] + to->sums[metric] - 2 * top->sums[metric]};
}

/* The site below each branch that is furthest from the root; then two of them
 * that are furthest apart meet at some branch. */
static cpnp_guarantee
furthest(const struct deciding *w, cpnp_metric metric,
    const struct site *ends[2])
{
	const struct site **deep = cpnp_arena_alloc(
	    w->arena, w->branches_n, sizeof(const struct site *));
	cpnp_guarantee best = {true, 0}, g;
	const struct site *mine;
	bool silent = false;
	size_t i, up;

	ends[0] = &w->sites[0];
	ends[1] = &w->sites[1];
	if (deep == NULL)
		return best;
	for (i = 0; i < w->sites_n; i++)
		deep[w->sites[i].branch] = &w->sites[i];
	for (i = w->branches_n - 1; i > 0; i--) {
		silent = silent || w->branches[i].silent[metric] > 0;
		up = w->branches[i].parent;
		mine = deep[i];
		if (mine != NULL && deep[up] != NULL) {
			g = between(w, metric, mine, deep[up]);
			if (g.value > best.value) {
				best = g;
				ends[0] = mine;
				ends[1] = deep[up];
			}
		}
		if (mine != NULL &&
		    (deep[up] == NULL ||
			w->branches[mine->branch].sums[metric] >
			    w->branches[deep[up]->branch].sums[metric]))
			deep[up] = mine;
	}
	best.is_set = !silent;
	return best;
}

cpnp_guarantee
path_promise(const struct deciding *w, cpnp_metric metric,
    const struct site *a, const struct site *b, const struct site *ends[2])
{
	if (a == NULL)
		return furthest(w, metric, ends);
	ends[0] = a;
	ends[1] = b;
	return between(w, metric, a, b);
}

void
say_metric(struct deciding *w, cpnp_metric metric, uint64_t limit,
    const char *link, const struct site *const ends[2], uint64_t sum)
{
	const cpnp_unit unit = metrics[metric].unit;
	const char *from = ends[0]->place->name, *to = ends[1]->place->name;
	cpnp_bytes best, asked;

	if (metrics[metric].is_up) {
		sum = sum > CPNP_CPD_PPM_MAX ? 0 : CPNP_CPD_PPM_MAX - sum;
		limit = CPNP_CPD_PPM_MAX - limit;
	}
	best = quantity(w, unit, sum);
	asked = quantity(w, unit, limit);
	refuse(w, CPNP_STATUS_OUT_OF_RESOURCES,
	    clause_name(w, "%s", metrics[metric].clause),
	    SAY(w, "the link %s breaks it: from %s to %s there are %.*s, "
		"%.*s are asked for", link, from, to, WORDS(best),
		WORDS(asked)),
	    SAY(w, "%.*s from %s to %s", WORDS(best), from, to),
	    SAY(w, "%.*s or %s", WORDS(best),
		metrics[metric].is_up ? "less" : "more"));
}

void
refuse_metric(struct deciding *w, cpnp_metric metric, uint64_t limit,
    const struct site *const ends[2])
{
	const size_t top = meet(w, ends[0]->branch, ends[1]->branch);
	const struct branch *b, *breaks = NULL;
	uint64_t sum = 0;
	size_t i, side;

	/* up to where they meet, then from the other end */
	for (side = 0; side < 2; side++)
		for (i = ends[side]->branch; i != top; i = b->parent) {
			b = &w->branches[i];
			sum += b->sums[metric] -
			    w->branches[b->parent].sums[metric];
			if (sum > limit && breaks == NULL)
				breaks = b;
		}
	say_metric(w, metric, limit, breaks == NULL ? "?"
	    : w->in->topology->links[breaks->link].name, ends, sum);
}
