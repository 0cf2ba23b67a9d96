/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc order FILE */
cpnpc_exit
cpnpc_verb_order(cpnpc *run)
{
	return cpnpc_session_place(run, CPNPC_GOAL_ORDER);
}
