/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc activate ORDER: start its service, now or at a date. */
cpnpc_exit
cpnpc_verb_activate(cpnpc *run)
{
	return cpnpc_session_command(run, CPNPC_GOAL_ACTIVATE);
}
