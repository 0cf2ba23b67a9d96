/*
 * cpnpc plan FROM TO: over whose networks a service could lead, how fast and
 * for how much, before anything is ordered (U10, U14, N22).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cpnp/net.h>

#include "ledger-bridge/conf/ledger_conf.h"
#include "plan.h"

#define WINDOW 3600 /* seconds for which it is planned without --until */

/* The graph of what the ledger's catalogue has now. */
static int
fill(cpnpc *run, cpnp_bridge *bridge, cpnp_wtime now, cpnp_path_graph *graph,
    cpnp_diag *diag)
{
	const cpnp_ledger *ledger = cpnp_bridge_lock(bridge);
	cpnp_ledger_info info;
	size_t left_out = 0;
	int err;

	err = cpnp_ledger_get_info(ledger, &info);
	if (err == 0)
		err = cpnp_path_graph_fill(graph, ledger,
		    info.time.sec > now.sec ? info.time : now, &left_out, diag);
	cpnp_bridge_unlock(bridge);
	if (left_out > 0)
		cpnpc_note(run,
		    "%zu segments of the catalogue are left out: they name no "
		    "delay, or lead nowhere",
		    left_out);
	return err;
}

static int
follow(cpnpc *run, cpnp_wtime now, cpnp_path_graph *graph, cpnp_diag *diag)
{
	struct cpnp_ledger_conf conf;
	cpnp_bridge_status status;
	cpnp_bridge *bridge = NULL;
	int err = cpnp_ledger_conf_load(&conf, run->conf.ledger, diag);

	if (err != 0)
		return err;
	err = cpnp_ledger_conf_open_bridge(&conf, NULL, 0, &bridge, diag);
	if (err != 0)
		goto out;
	err = cpnp_ledger_conf_follow(&conf, bridge, &status, diag);
	if (err != 0)
		goto out;
	if (status.away)
		cpnpc_note(run,
		    "the ledger is away (%s): this is what it had at position "
		    "%" PRIu64,
		    status.text, status.applied);
	err = fill(run, bridge, now, graph, diag);
out:
	if (bridge != NULL)
		cpnp_bridge_close(bridge);
	cpnp_ledger_conf_fini(&conf);
	return err;
}

static void
make_query(const cpnpc *run, cpnp_wtime now, cpnp_path_query *query,
    cpnp_bytes avoid[CPNPC_NAMES_MAX], cpnp_bytes pass[CPNPC_NAMES_MAX])
{
	const cpnpc_conf *conf = &run->conf;
	cpnp_now both = {0, now};
	size_t i;

	cpnp_path_query_default(query);
	query->from = cpnp_bytes_str(run->operands[0]);
	query->to = cpnp_bytes_str(run->operands[1]);
	query->start = conf->at.is_set ? cpnpc_when_date(&conf->at, both) : now;
	query->end = conf->until.is_set
			 ? cpnpc_when_date(&conf->until, both)
			 : (cpnp_wtime){query->start.sec + WINDOW};
	query->capacity = conf->capacity;
	if (conf->max_delay > 0)
		query->delay_max = conf->max_delay;
	if (conf->max_hops > 0)
		query->hops_max = (size_t)conf->max_hops;
	if (conf->by_delay)
		query->by = CPNP_PATH_BY_DELAY;
	for (i = 0; i < conf->avoid.n; i++)
		avoid[i] = cpnp_bytes_str(conf->avoid.items[i]);
	for (i = 0; i < conf->pass.n; i++)
		pass[i] = cpnp_bytes_str(conf->pass.items[i]);
	query->avoid = avoid;
	query->avoid_n = conf->avoid.n;
	query->pass = pass;
	query->pass_n = conf->pass.n;
}

/* The price that the command line bounds; false when it is in another token.
 * That of the configuration is for offers. */
static bool
take_token(const cpnpc *run, cpnpc_plan *plan, const cpnp_money *token)
{
	plan->token = *token;
	plan->query.code = token->code;
	plan->query.issuer = token->issuer;
	if (!run->conf.max_price_given)
		return true;
	return cpnpc_price_minor(
	    &run->conf.max_price, token, &plan->query.price_max);
}

/* Find and show in one token; *found is set when there is a path. */
static int
plan_token(
    cpnpc *run, cpnpc_plan *plan, json_t *plans, bool *found, cpnp_diag *diag)
{
	size_t paths =
	    run->conf.paths > 0 ? (size_t)run->conf.paths : CPNPC_PLAN_PATHS;
	int err = cpnpc_plan_find(plan, paths, diag);

	if (err == 0) {
		*found = *found || plan->row_n > 0;
		if (run->conf.json)
			(void)json_array_append_new(
			    plans, cpnpc_plan_json(plan));
		else
			cpnpc_plan_print(plan);
	}
	cpnpc_plan_fini(plan);
	return err;
}

/* Once for each token in which something is sold, or without any. */
static int
plan_all(
    cpnpc *run, cpnpc_plan *plan, json_t *plans, bool *found, cpnp_diag *diag)
{
	const cpnp_path_query query = plan->query;
	size_t n = 0, shown = 0;
	cpnp_money token;
	int err = 0;

	while (
	    err == 0 && cpnp_path_graph_token(plan->graph, n++, &token) == 0) {
		plan->query = query;
		if (!take_token(run, plan, &token))
			continue;
		shown++;
		err = plan_token(run, plan, plans, found, diag);
	}
	if (err != 0 || shown > 0)
		return err;
	plan->query = query;
	memset(&plan->token, 0, sizeof(plan->token));
	return plan_token(run, plan, plans, found, diag);
}

/* With the catalogue of the configured ledger. */
static cpnpc_exit
plan_with(cpnpc *run, cpnp_path_graph *graph, json_t *plans)
{
	cpnp_bytes avoid[CPNPC_NAMES_MAX], pass[CPNPC_NAMES_MAX];
	cpnp_wtime now = {(int64_t)time(NULL)};
	cpnpc_plan plan = {.graph = graph};
	cpnp_diag diag = {0};
	bool found = false;
	int err;

	err = follow(run, now, graph, &diag);
	if (err != 0)
		return cpnpc_fail_diag(
		    run, CPNPC_LOCAL, run->conf.ledger, err, &diag);
	make_query(run, now, &plan.query, avoid, pass);
	err = plan_all(run, &plan, plans, &found, &diag);
	if (err != 0)
		return cpnpc_fail_diag(run,
		    err == CPNP_ERR_INVALID ? CPNPC_USAGE : CPNPC_LOCAL, "plan",
		    err, &diag);
	return found ? CPNPC_DONE : CPNPC_REFUSED;
}

cpnpc_exit
cpnpc_verb_plan(cpnpc *run)
{
	cpnp_path_graph *graph;
	json_t *plans;
	cpnpc_exit code;

	if (run->conf.ledger == NULL)
		return cpnpc_fail(run, CPNPC_LOCAL,
		    "no ledger is configured, and its catalogue is needed; "
		    "expected --ledger FILE, or ledger in cpnpc.conf(5)");
	if (cpnp_path_graph_new(&graph, &cpnp_env_openssl()->mem) != 0)
		return cpnpc_fail(run, CPNPC_LOCAL, "out of memory");
	plans = json_array();
	code = plan_with(run, graph, plans);
	if (run->conf.json && !run->failed)
		cpnpc_json_print(json_pack("{s:O}", "plans", plans), code);
	json_decref(plans);
	cpnp_path_graph_del(graph);
	return code;
}
