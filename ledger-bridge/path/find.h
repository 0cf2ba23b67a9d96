/*
 * Between finding a path and finding why there is none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PATH_FIND_H
#define PATH_FIND_H

#include "search.h"

/* An answer with n routes as its paths. */
int path_answer_new(cpnp_path_answer **answer, const struct path_net *net,
    const cpnp_mem *mem, const struct path_route *const *routes, size_t n);
/* The answer to a query without a path, between places that are known. */
int path_reason_find(const cpnp_path_graph *graph, const cpnp_path_query *query,
    cpnp_path_answer **answer);

#endif
