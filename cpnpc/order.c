/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* cpnpc order FILE, from one server or from one of several */
cpnpc_exit
cpnpc_verb_order(cpnpc *run)
{
	if (run->conf.rule != CPNPC_RULE_NONE)
		return cpnpc_set_place(run);
	return cpnpc_session_place(run, CPNPC_GOAL_ORDER);
}
