/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plan.h"

static bool
is_same(const cpnp_path *a, const cpnp_path *b)
{
	return a->segment_n == b->segment_n &&
	       memcmp(a->segments, b->segments,
		   a->segment_n * sizeof(*a->segments)) == 0;
}

static bool
has_path(const cpnpc_plan *plan, const cpnp_path *path)
{
	size_t i;

	for (i = 0; i < plan->row_n; i++)
		if (is_same(plan->rows[i].path, path))
			return true;
	return false;
}

/* Rows of one answer share it. */
static void
add_row(cpnpc_plan *plan, cpnp_path_answer *answer, const cpnp_path *path)
{
	plan->rows[plan->row_n++] = (cpnpc_plan_row){answer, path, false};
}

static bool
is_better(const cpnp_path *a, const cpnp_path *b)
{
	return a->price <= b->price && a->delay <= b->delay &&
	       (a->price < b->price || a->delay < b->delay);
}

static void
mark_best(cpnpc_plan *plan)
{
	size_t i, k;

	for (i = 0; i < plan->row_n; i++) {
		for (k = 0; k < plan->row_n; k++)
			if (is_better(plan->rows[k].path, plan->rows[i].path))
				break;
		plan->rows[i].best = k == plan->row_n;
	}
}

/* From the cheapest to the fastest, or the other way round: each the best of
 * those that gain on the one before in what is not the objective. */
static int
find_front(cpnpc_plan *plan, size_t paths, cpnp_diag *diag)
{
	cpnp_path_query query = plan->query;
	const cpnp_path *last = plan->rows[0].path;
	cpnp_path_answer *answer;
	size_t found;
	int err;

	query.candidates = 1;
	for (found = 1; found < paths; found++) {
		if (query.by == CPNP_PATH_BY_PRICE && last->delay > 0)
			query.delay_max = last->delay - 1;
		else if (query.by == CPNP_PATH_BY_DELAY && last->price > 0)
			query.price_max = last->price - 1;
		else
			break;
		err = cpnp_path_find(plan->graph, &query, &answer, diag);
		if (err != 0)
			return err;
		if (answer->path_n == 0) {
			cpnp_path_answer_del(answer);
			break;
		}
		last = &answer->paths[0];
		if (has_path(plan, last)) {
			size_t i = 0;

			while (!is_same(plan->rows[i].path, last))
				i++;
			last = plan->rows[i].path;
			cpnp_path_answer_del(answer);
		} else {
			add_row(plan, answer, last);
		}
	}
	return 0;
}

static int
in_order(const void *a, const void *b, bool by_delay)
{
	const cpnp_path *x = ((const cpnpc_plan_row *)a)->path;
	const cpnp_path *y = ((const cpnpc_plan_row *)b)->path;
	int price = x->price < y->price ? -1 : x->price > y->price;
	int delay = x->delay < y->delay ? -1 : x->delay > y->delay;
	int first = by_delay ? delay : price, then = by_delay ? price : delay;

	if (first != 0)
		return first;
	if (then != 0)
		return then;
	return x->segment_n < y->segment_n ? -1 : x->segment_n > y->segment_n;
}

static int
in_order_of_price(const void *a, const void *b)
{
	return in_order(a, b, false);
}

static int
in_order_of_delay(const void *a, const void *b)
{
	return in_order(a, b, true);
}

int
cpnpc_plan_find(cpnpc_plan *plan, size_t paths, cpnp_diag *diag)
{
	cpnp_path_answer *answer;
	size_t i;
	int err;

	plan->query.candidates = paths;
	err = cpnp_path_find(plan->graph, &plan->query, &answer, diag);
	if (err != 0)
		return err;
	plan->complete = answer->complete;
	if (answer->path_n == 0) {
		cpnp_path_reason_format(
		    plan->graph, &plan->query, answer, plan->reason);
		cpnp_path_answer_del(answer);
		return 0;
	}
	for (i = 0; i < answer->path_n; i++)
		add_row(plan, answer, &answer->paths[i]);
	err = find_front(plan, paths, diag);
	mark_best(plan);
	qsort(plan->rows, plan->row_n, sizeof(plan->rows[0]),
	    plan->query.by == CPNP_PATH_BY_DELAY ? in_order_of_delay
						 : in_order_of_price);
	return err;
}

void
cpnpc_plan_fini(cpnpc_plan *plan)
{
	size_t i, k;

	for (i = 0; i < plan->row_n; i++) {
		for (k = 0; k < i; k++)
			if (plan->rows[k].answer == plan->rows[i].answer)
				break;
		if (k == i)
			cpnp_path_answer_del(plan->rows[i].answer);
	}
	plan->row_n = 0;
}
