/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc quote FILE: what would it cost?  The offer is shown, then declined. */
cpnpc_exit
cpnpc_verb_quote(cpnpc *run)
{
	return cpnpc_session_place(run, CPNPC_GOAL_QUOTE);
}
