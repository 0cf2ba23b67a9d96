/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/*
 * cpnpc resume [ORDER]: go on with what was interrupted.  Each order is
 * treated as it was meant when it was placed; its last request is sent again
 * at once, over a new session.
 */
cpnpc_exit
cpnpc_verb_resume(cpnpc *run)
{
	const char *id = run->operands_n > 0 ? run->operands[0] : NULL;
	cpnpc_records records = {0};
	cpnpc_session session;
	cpnpc_exit code;
	size_t i;
	int err;

	code = cpnpc_session_open(&session, run);
	if (code != CPNPC_DONE)
		return code;
	session.many = id == NULL;
	if (id != NULL) {
		cpnpc_record record = {0};

		code = cpnpc_records_find(run, session.store, id, &record);
		if (code == CPNPC_DONE)
			code = cpnpc_session_add(
			    &session, CPNPC_GOAL_ORDER, &record);
		cpnpc_record_fini(&record);
	} else {
		err = cpnpc_records_read(&records, session.store, NULL, true);
		if (err != 0)
			code = cpnpc_fail(run, CPNPC_LOCAL, "%s: %s",
			    run->store, cpnp_strerror(err));
		for (i = 0; i < records.n && code == CPNPC_DONE; i++)
			code = cpnpc_session_add(
			    &session, CPNPC_GOAL_ORDER, &records.items[i]);
	}
	if (code == CPNPC_DONE && session.jobs_n > 0)
		code = cpnpc_session_run(&session);
	else if (code == CPNPC_DONE && run->conf.json)
		cpnpc_json_print(json_pack("{s:[]}", "orders"), CPNPC_DONE);
	else if (code == CPNPC_DONE)
		puts("no order is open");
	cpnpc_records_fini(&records);
	cpnpc_session_close(&session);
	return code;
}
