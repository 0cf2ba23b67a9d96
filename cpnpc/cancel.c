/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc cancel ORDER: before it is agreed. */
cpnpc_exit
cpnpc_verb_cancel(cpnpc *run)
{
	return cpnpc_session_command(run, CPNPC_GOAL_CANCEL);
}
