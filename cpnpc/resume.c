/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

/* One of a set is resumed with the others. */
static cpnpc_exit
add_one(cpnpc_session *session, const char *id)
{
	cpnpc_record record = {0};
	cpnpc_exit code;

	if (cpnpc_set_add(session, id, &code))
		return code;
	code = cpnpc_records_find(session->run, session->store, id, &record);
	if (code == CPNPC_DONE && !cpnpc_set_add_of(session, &record, &code))
		code = cpnpc_session_add(session, CPNPC_GOAL_ORDER, &record);
	cpnpc_record_fini(&record);
	return code;
}

static cpnpc_exit
add_all(cpnpc_session *session)
{
	cpnpc_records records = {0};
	cpnpc_exit code = CPNPC_DONE;
	size_t i;
	int err = cpnpc_records_read(&records, session->store, NULL, true);

	if (err != 0)
		code = cpnpc_fail(session->run, CPNPC_LOCAL, "%s: %s",
		    session->run->store, cpnp_strerror(err));
	for (i = 0; i < records.n && code == CPNPC_DONE; i++)
		if (!cpnpc_set_add_of(session, &records.items[i], &code))
			code = cpnpc_session_add(
			    session, CPNPC_GOAL_ORDER, &records.items[i]);
	cpnpc_records_fini(&records);
	return code;
}

/*
 * cpnpc resume [ORDER]: go on with what was interrupted.  Each order is
 * treated as it was meant when it was placed; its last request is sent again
 * at once, over a new session.
 */
cpnpc_exit
cpnpc_verb_resume(cpnpc *run)
{
	const char *id = run->operands_n > 0 ? run->operands[0] : NULL;
	cpnpc_session session;
	cpnpc_exit code;

	code = cpnpc_session_open(&session, run);
	if (code != CPNPC_DONE)
		return code;
	session.many = id == NULL;
	if (id != NULL)
		code = add_one(&session, id);
	else
		code = add_all(&session);
	if (code == CPNPC_DONE && session.jobs_n > 0)
		code = cpnpc_session_run(&session);
	else if (code == CPNPC_DONE && run->conf.json)
		cpnpc_json_print(json_pack("{s:[]}", "orders"), CPNPC_DONE);
	else if (code == CPNPC_DONE)
		puts("no order is open");
	cpnpc_session_close(&session);
	return code;
}
