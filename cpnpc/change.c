/*
 * Transactions on an agreement: WITHDRAW, UPDATE and ACTIVATE.  The agreement
 * stands as it was until the provider acknowledges one (contradictions.md,
 * 33).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

/* An UPDATE carries a response time always (contradictions.md, 16). */
#define RESPONSE_TIME 3600

bool
cpnpc_goal_is_change(cpnpc_goal goal)
{
	return goal == CPNPC_GOAL_WITHDRAW || goal == CPNPC_GOAL_UPDATE ||
	       goal == CPNPC_GOAL_ACTIVATE || goal == CPNPC_GOAL_DEACTIVATE;
}

cpnp_more_time
cpnpc_more_time_policy(
    const cpnpc_conf *conf, cpnp_now now, cpnp_wtime *until)
{
	*until = cpnpc_when_date(&conf->more_time.until, now);
	if (conf->more_time.never)
		return CPNP_MORE_TIME_NEVER;
	return conf->more_time.until.is_set ? CPNP_MORE_TIME_UNTIL
					    : CPNP_MORE_TIME_AS_ASKED;
}

/* ---- beginning ---------------------------------------------------------- */

static int
withdraw(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	/* Sent already, it has just been repeated. */
	return cpnp_order_transaction(job->order) == CPNP_METHOD_WITHDRAW &&
		       cpnp_order_is_outstanding(job->order)
		   ? 0
		   : cpnpc_pay_withdraw(session, job, now);
}

/* The transaction that is open is the one that is asked for: a verb that was
 * interrupted goes on when it is called again. */
static bool
is_open_update(cpnpc_session *session, cpnpc_job *job)
{
	if (cpnp_order_is_settled(job->order) ||
	    cpnp_order_transaction(job->order) != CPNP_METHOD_UPDATE)
		return false;
	if (!cpnpc_record_is_for(&job->record, job->service, job->service_len))
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "another change of it is open; \"cpnpc resume\" goes on "
		    "with that, \"cpnpc cancel\" ends it");
	return true;
}

static int
update(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnp_negotiation_options options = {
	    .has_cost = true,
	    .cost_empty = true,
	    .purpose = conf->purpose,
	    .no_recursion = conf->no_recursion,
	};
	cpnp_update update = {
	    .service_description = {job->service, job->service_len},
	    .expected_response_time = {now.wall.sec +
				       (conf->expected_response != 0
					       ? (int64_t)
						     conf->expected_response
					       : RESPONSE_TIME)},
	    .options = &options,
	    .has_activation_type = conf->activation != 0,
	    .activation_type = conf->activation,
	};
	int err;

	/* resume has no document: it goes on with what is open */
	if (job->service == NULL || is_open_update(session, job))
		return 0;
	update.more_time =
	    cpnpc_more_time_policy(conf, now, &update.more_time_until);
	err = cpnp_order_update(session->orders, job->order, &update, now);
	if (err == 0)
		cpnpc_effects_note(session, job);
	return err;
}

static cpnp_schedule
wanted_schedule(const cpnpc_session *session, const cpnpc_job *job,
    cpnp_now now)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnp_schedule schedule = {
	    .deactivate = job->goal == CPNPC_GOAL_DEACTIVATE};

	if (schedule.deactivate)
		return schedule;
	schedule.has_start = conf->at.is_set;
	schedule.start = cpnpc_when_date(&conf->at, now);
	schedule.has_end = conf->until.is_set;
	schedule.end = cpnpc_when_date(&conf->until, now);
	return schedule;
}

/* One transaction is open at a time. */
static void
finish_busy(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_method open = cpnp_order_transaction(job->order);
	const char *name = cpnp_method_name(
	    cpnp_order_edition(job->order), (int)open);

	if (open == CPNP_METHOD_UPDATE)
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "an UPDATE is under way, nothing else was sent; \"cpnpc "
		    "resume\" goes on with it, \"cpnpc cancel\" ends it");
	else
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "%s %s is under way, nothing else was sent; \"cpnpc "
		    "resume\" asks the provider for its answer again",
		    open == CPNP_METHOD_ACTIVATE ? "an" : "a", name);
}

/* Is an ACTIVATE open, and does it ask for the same? */
static bool
is_open_activate(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_msg *msg;
	bool same;

	if (cpnp_order_transaction(job->order) != CPNP_METHOD_ACTIVATE ||
	    !cpnp_order_is_outstanding(job->order))
		return false;
	msg = calloc(1, sizeof(*msg));
	same = msg != NULL &&
	       cpnp_msg_decode(msg,
		   cpnp_order_doc(job->order, CPNP_DOC_LAST_OUT), NULL) == 0 &&
	       msg->activation_schedule.deactivate ==
		   (job->goal == CPNPC_GOAL_DEACTIVATE);
	free(msg);
	if (!same)
		finish_busy(session, job);
	return true;
}

static int
activate(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	cpnp_schedule schedule = wanted_schedule(session, job, now);

	return is_open_activate(session, job)
		   ? 0
		   : cpnp_order_activate(
			 session->orders, job->order, &schedule, now);
}

static void
not_begun(cpnpc_session *session, cpnpc_job *job, int err)
{
	bool is_update = job->goal == CPNPC_GOAL_UPDATE;

	switch (err) {
	case CPNP_ERR_STATE:
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "there is no agreement, it is %s; \"cpnpc cancel\" ends "
		    "it",
		    cpnp_state_name(cpnp_order_state(job->order)));
		break;
	case CPNP_ERR_BUSY:
		finish_busy(session, job);
		break;
	case CPNP_ERR_METHOD:
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "it was agreed in draft-02, which has no ACTIVATE; the "
		    "provider starts and stops its service");
		break;
	case CPNP_ERR_INVALID:
		cpnpc_job_finish(session, job, CPNPC_LOCAL, "%s",
		    is_update ? "the expected response time has passed"
			      : "the end has passed, or is not after the "
				"start; expected --until later than now and "
				"--at");
		break;
	case CPNP_ERR_NO_SPACE:
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "the document does not fit a message of %d bytes; nothing "
		    "was changed",
		    CPNP_MSG_MAX);
		break;
	default:
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "%s; nothing was changed", cpnp_strerror(err));
		break;
	}
}

int
cpnpc_job_change(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	int err = job->goal == CPNPC_GOAL_WITHDRAW ? withdraw(session, job, now)
	    : job->goal == CPNPC_GOAL_UPDATE ? update(session, job, now)
	    : activate(session, job, now);

	if (err != 0 && !cpnp_error_is_fatal(err))
		not_begun(session, job, err);
	return cpnp_error_is_fatal(err) ? err : 0;
}

/* ---- how it ended ------------------------------------------------------- */

static void
finish_activate(cpnpc_session *session, cpnpc_job *job)
{
	const cpnp_order *order = job->order;
	cpnp_status status = cpnp_order_status(order);
	char name[CPNP_IDENTITY_MAX + 1], when[CPNPC_TIME_LEN];
	bool is_active =
	    cpnp_order_agreement_state(order) == CPNP_AGREEMENT_ACTIVE;
	cpnp_wtime date;

	(void)cpnpc_job_provider(job, name);
	if (status != CPNP_STATUS_NONE) {
		cpnpc_job_finish(session, job, CPNPC_REFUSED,
		    "%s refused the ACTIVATE: %s; the agreement stands as it "
		    "was",
		    name, cpnp_status_text(status));
	} else if (cpnp_order_next_service_event(order, &date)) {
		cpnpc_time_format(date, when);
		cpnpc_job_finish(session, job, CPNPC_DONE, "%s%s",
		    is_active ? "the service is active, until "
			      : "the service will be active from ",
		    when);
	} else {
		cpnpc_job_finish(session, job, CPNPC_DONE, "%s",
		    is_active ? "the service is active"
			      : "the service is not active any more, the "
				"agreement stands");
	}
}

/* An UPDATE that came to nothing: why, and whose wish it was. */
static void
finish_undone(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_status status = cpnp_order_status(job->order);
	bool is_wish =
	    job->goal == CPNPC_GOAL_CANCEL || job->goal == CPNPC_GOAL_DECLINE;
	char name[CPNP_IDENTITY_MAX + 1], why[CPNPC_WHY_LEN];

	(void)cpnpc_job_provider(job, name);
	memcpy(why, job->why, sizeof(why));
	if (status != CPNP_STATUS_NONE)
		cpnpc_job_finish(session, job, CPNPC_REFUSED,
		    "%s refused the change: %s; the agreement stands as it "
		    "was",
		    name, cpnp_status_text(status));
	else if (job->ended_by == CPNP_EVENT_RESPONSE_EXPIRED ||
		 job->ended_by == CPNP_EVENT_OFFER_EXPIRED)
		cpnpc_job_finish(session, job, CPNPC_UNKNOWN,
		    "no offer from %s in time; the agreement stands as it was",
		    name);
	else
		cpnpc_job_finish(session, job,
		    is_wish ? CPNPC_DONE : CPNPC_UNACCEPTABLE,
		    "%s, the agreement stands as it was%s%s",
		    job->ended_by == CPNP_EVENT_DECLINE  ? "declined"
		    : job->ended_by == CPNP_EVENT_CANCEL ? "cancelled"
							 : "over",
		    why[0] != '\0' ? ": " : "", why);
}

static void
finish_update(cpnpc_session *session, cpnpc_job *job)
{
	char name[CPNP_IDENTITY_MAX + 1];

	if (job->end_state == CPNP_STATE_CANCELLED ||
	    cpnp_order_state(job->order) == CPNP_STATE_CANCELLED)
		finish_undone(session, job);
	else if (job->goal == CPNPC_GOAL_CANCEL ||
		 job->goal == CPNPC_GOAL_DECLINE)
		cpnpc_job_finish(session, job, CPNPC_REFUSED,
		    "the change was agreed with %s before that could be said",
		    cpnpc_job_provider(job, name));
	else
		cpnpc_job_finish(session, job, CPNPC_DONE,
		    "changed, as agreed with %s%s",
		    cpnpc_job_provider(job, name),
		    session->run->conf.json ? ""
					    : "; \"cpnpc show\" has the terms");
}

bool
cpnpc_change_finish(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_method method = cpnp_order_transaction(job->order);

	/* one that was withdrawn says nothing of what came before */
	if (!cpnpc_stands(cpnp_order_agreement_state(job->order)))
		return false;
	if (method == CPNP_METHOD_UPDATE)
		finish_update(session, job);
	else if (method == CPNP_METHOD_ACTIVATE)
		finish_activate(session, job);
	return method == CPNP_METHOD_UPDATE || method == CPNP_METHOD_ACTIVATE;
}

bool
cpnpc_change_give_up(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_method method;
	char name[CPNP_IDENTITY_MAX + 1];

	if (job->order == NULL ||
	    !cpnpc_stands(cpnp_order_agreement_state(job->order)))
		return false;
	method = cpnp_order_transaction(job->order);
	(void)cpnpc_job_provider(job, name);
	if (method == CPNP_METHOD_WITHDRAW)
		cpnpc_job_finish(session, job, CPNPC_UNKNOWN,
		    "no answer from %s to the WITHDRAW; the service may still "
		    "run, and be charged for",
		    name);
	else if (method == CPNP_METHOD_ACTIVATE &&
		 cpnp_order_is_outstanding(job->order))
		cpnpc_job_finish(session, job, CPNPC_UNKNOWN,
		    "no answer from %s to the ACTIVATE; whether the service "
		    "runs as asked is not known here",
		    name);
	else
		return false;
	return true;
}
