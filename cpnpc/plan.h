/*
 * The verb plan: ways from one place to another, in each token in which they
 * are sold.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPC_PLAN_H
#define CPNPC_PLAN_H

#include <cpnp/path.h>

#include "cpnpc.h"

#define CPNPC_PLAN_PATHS 5 /* when --paths does not say */

/* A path, and the answer that it is of. */
typedef struct cpnpc_plan_row {
	cpnp_path_answer *answer;
	const cpnp_path *path;
	bool best; /* no other is cheaper and as fast, or faster for as much */
} cpnpc_plan_row;

/* All that is shown of one token. */
typedef struct cpnpc_plan {
	const cpnp_path_graph *graph;
	cpnp_path_query query;
	cpnp_money token; /* its code is empty when nothing is sold */
	cpnpc_plan_row rows[2 * CPNP_PATH_CANDIDATES_MAX];
	size_t row_n;                      /* in the order of the query */
	bool complete;                     /* all that was asked for is there */
	char reason[CPNP_PATH_REASON_MAX]; /* why there is none */
} cpnpc_plan;

/* Find the best by the query's objective, and those that are cheaper the
 * slower they are.  CPNP_ERR_INVALID when the query is out of range; diag. */
int cpnpc_plan_find(cpnpc_plan *plan, size_t paths, cpnp_diag *diag);
void cpnpc_plan_fini(cpnpc_plan *plan);

/* plan_show.c */
void cpnpc_plan_print(const cpnpc_plan *plan);
json_t *cpnpc_plan_json(const cpnpc_plan *plan);

#endif
