/* SPDX-License-Identifier: BSD-2-Clause */
#include <time.h>

#include "ledger_conf.h"

#define STEP (CPNP_SECONDS(1) / 20)

static cpnp_tstamp
monotonic(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return CPNP_SECONDS((cpnp_tstamp)ts.tv_sec) +
	    (cpnp_tstamp)ts.tv_nsec;
}

int
cpnp_ledger_conf_follow(const struct cpnp_ledger_conf *conf,
    cpnp_bridge *bridge, cpnp_bridge_status *status, cpnp_diag *diag)
{
	cpnp_tstamp end =
	    monotonic() + CPNP_SECONDS((cpnp_tstamp)conf->wait_s);
	uint64_t before;
	int err;

	do {
		cpnp_bridge_get_status(bridge, status);
		before = status->applied;
		err = cpnp_bridge_step(bridge, STEP, diag);
		cpnp_bridge_get_status(bridge, status);
	} while (err == 0 && !status->away &&
	    (status->applied != before || status->applied < status->final) &&
	    monotonic() < end);
	return err;
}
