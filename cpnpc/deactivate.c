/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc deactivate ORDER: stop its service, now. */
cpnpc_exit
cpnpc_verb_deactivate(cpnpc *run)
{
	if (run->conf.at.is_set || run->conf.until.is_set)
		return cpnpc_fail(run, CPNPC_USAGE,
		    "--%s: a service is stopped at once; expected \"cpnpc "
		    "activate --until TIME\" for an end at a date",
		    run->conf.at.is_set ? "at" : "until");
	return cpnpc_session_command(run, CPNPC_GOAL_DEACTIVATE);
}
