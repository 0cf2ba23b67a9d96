/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc update ORDER FILE: change an agreement. */
cpnpc_exit
cpnpc_verb_update(cpnpc *run)
{
	return cpnpc_session_command(run, CPNPC_GOAL_UPDATE);
}
