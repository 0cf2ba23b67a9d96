/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc decline ORDER: an offer that was left open. */
cpnpc_exit
cpnpc_verb_decline(cpnpc *run)
{
	return cpnpc_session_command(run, CPNPC_GOAL_DECLINE);
}
