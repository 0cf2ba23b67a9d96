/*
 * How the orders of a session ended: the exit code, and the words for it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

const char *
cpnpc_job_provider(const cpnpc_job *job, char text[CPNP_IDENTITY_MAX + 1])
{
	cpnp_bytes name = job->order != NULL
			      ? cpnp_order_peer_identity(job->order)
			      : job->record.row.peer_identity;

	snprintf(text, CPNP_IDENTITY_MAX + 1, "%.*s", (int)name.len,
	    (const char *)name.ptr);
	return text;
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(
	    object, key, cpnpc_json_text(cpnp_bytes_str(text)));
}

/* The FAIL that came in this run, else the one that is kept. */
static cpnp_bytes
fail_of(const cpnpc_job *job)
{
	if (job->fail_len > 0)
		return (cpnp_bytes){job->fail, job->fail_len};
	return job->order != NULL ? cpnp_order_doc(job->order, CPNP_DOC_FINAL)
				  : CPNP_BYTES_NONE;
}

/* Of a transaction on an agreement that was refused. */
static void
set_explanations(json_t *object, const cpnpc_job *job)
{
	json_t *refusal = json_object_get(object, "refusal");
	cpnp_msg *msg;

	if (refusal == NULL || job->fail_len == 0)
		return;
	msg = calloc(1, sizeof(*msg));
	if (msg != NULL && cpnp_msg_decode(msg, fail_of(job), NULL) == 0 &&
	    cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION))
		(void)json_object_set_new(refusal, "explanations",
		    cpnpc_json_explanations(
			msg->explanations, msg->explanations_n));
	free(msg);
}

static json_t *
describe(
    const cpnpc_session *session, const cpnpc_job *job, cpnpc_exit code)
{
	json_t *object = NULL;
	cpnpc_view view = {0};

	if (job->order != NULL)
		object = cpnpc_json_order(job->order);
	else if (job->record.bytes != NULL &&
		 cpnpc_view_open(&view, &job->record.row) == 0)
		object = cpnpc_json_order(view.order);
	cpnpc_view_close(&view);
	if (object == NULL) {
		object = json_object();
		if (job->id[0] != '\0')
			set_text(object, "order", job->id);
	}
	set_explanations(object, job);
	cpnpc_purse_json(session, object);
	set_text(object, code == CPNPC_LOCAL ? "error" : "outcome", job->why);
	(void)json_object_set_new(object, "exit", json_integer((int)code));
	return object;
}

static void
print_refusal(const cpnpc_job *job)
{
	cpnp_bytes final;
	cpnp_msg *msg = calloc(1, sizeof(*msg));

	if (msg == NULL || job->order == NULL) {
		free(msg);
		return;
	}
	final = fail_of(job);
	if (final.len > 0 && cpnp_msg_decode(msg, final, NULL) == 0 &&
	    cpnp_msg_has(msg, CPNP_ATTR_EXPLANATION))
		cpnpc_print_explanations(
		    stdout, msg->explanations, msg->explanations_n, 2);
	free(msg);
}

/* What a person can do with an order that goes on. */
static void
print_ways_on(const cpnpc_job *job)
{
	cpnp_state state = job->order != NULL ? cpnp_order_state(job->order)
					      : job->record.row.state;

	if (state == CPNP_STATE_OFFER_PROCESSING)
		printf("  to accept:  cpnpc accept %s%s\n"
		       "  to decline: cpnpc decline %s\n",
		    job->code == CPNPC_UNPAID ? "--ledger FILE " : "",
		    job->id, job->id);
	else if (job->order != NULL &&
		 cpnpc_stands(cpnp_order_agreement_state(job->order)))
		printf("  to go on:   cpnpc resume %s\n", job->id);
	else if (job->order == NULL || state != CPNP_STATE_CANCELLED)
		printf("  to go on:   cpnpc resume %s\n"
		       "  to give up: cpnpc cancel %s\n",
		    job->id, job->id);
}

static void
print_end(cpnpc_session *session, const cpnpc_job *job)
{
	FILE *f = job->code == CPNPC_LOCAL ? stderr : stdout;

	cpnpc_status_clear(session);
	if (job->code == CPNPC_LOCAL)
		fputs("cpnpc: ", f);
	if (job->id[0] != '\0')
		fprintf(f, "order %s", job->id);
	if (job->set != NULL) {
		fputs(job->id[0] != '\0' ? " at " : "at ", f);
		cpnpc_put_text(
		    f, cpnp_bytes_str(cpnpc_server_name(job->link)));
	}
	if (job->id[0] != '\0' || job->set != NULL)
		fputs(": ", f);
	cpnpc_put_text(f, cpnp_bytes_str(job->why));
	fputc('\n', f);
	if (job->code == CPNPC_REFUSED)
		print_refusal(job);
	if (job->code == CPNPC_PENDING || job->code == CPNPC_UNKNOWN ||
	    job->code == CPNPC_UNPAID)
		print_ways_on(job);
	fflush(f);
}

void
cpnpc_job_finish(cpnpc_session *session, cpnpc_job *job, cpnpc_exit code,
    const char *format, ...)
{
	va_list ap;

	if (job->done)
		return;
	va_start(ap, format);
	vsnprintf(job->why, sizeof(job->why), format, ap);
	va_end(ap);
	job->done = true;
	job->asking = false;
	job->code = code;
	if (session->run->conf.json)
		job->json = describe(session, job, code);
	else
		print_end(session, job);
	cpnpc_session_check(session);
}

static void
finish_completed(cpnpc_session *session, cpnpc_job *job)
{
	char name[CPNP_IDENTITY_MAX + 1];
	const char *more = session->run->conf.json
			       ? ""
			       : "; \"cpnpc show\" has the terms, "
				 "\"cpnp-ledger prove\" the proof";

	cpnp_status status = job->order == NULL
				 ? CPNP_STATUS_NONE
				 : cpnp_order_status(job->order);

	if (status != CPNP_STATUS_NONE)
		cpnpc_job_finish(session, job, CPNPC_REFUSED,
		    "%s refused the withdrawal: %s; the agreement stands",
		    cpnpc_job_provider(job, name), cpnp_status_text(status));
	else if (job->goal == CPNPC_GOAL_CANCEL ||
		 job->goal == CPNPC_GOAL_DECLINE)
		cpnpc_job_finish(session, job, CPNPC_REFUSED,
		    "agreed with %s before that could be said; \"cpnpc "
		    "withdraw\" ends a service that is agreed",
		    cpnpc_job_provider(job, name));
	else
		cpnpc_job_finish(session, job, CPNPC_DONE, "agreed with %s%s",
		    cpnpc_job_provider(job, name), more);
}

/* How a Cancelled order came to be so: by the event that led there. */
static void
finish_cancelled(cpnpc_session *session, cpnpc_job *job, cpnp_event event,
    const char *detail, cpnp_status status)
{
	bool is_wish =
	    job->goal == CPNPC_GOAL_CANCEL || job->goal == CPNPC_GOAL_DECLINE;
	char name[CPNP_IDENTITY_MAX + 1], why[CPNPC_WHY_LEN];

	cpnpc_job_provider(job, name);
	memcpy(why, job->why, sizeof(why));
	if (event == CPNP_EVENT_WITHDRAW)
		cpnpc_job_finish(session, job, CPNPC_DONE,
		    "withdrawn, %s has acknowledged that the agreement is over",
		    name);
	else if (job->goal == CPNPC_GOAL_WITHDRAW)
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "there is no agreement to withdraw, it is %s",
		    cpnp_state_name(CPNP_STATE_CANCELLED));
	else if (event == CPNP_EVENT_RECV_FAIL)
		cpnpc_job_finish(session, job, CPNPC_REFUSED,
		    "refused by %s: %s", name, cpnp_status_text(status));
	else if (event == CPNP_EVENT_DECLINE)
		cpnpc_job_finish(session, job,
		    is_wish || job->lost || job->goal == CPNPC_GOAL_QUOTE
			? CPNPC_DONE
			: CPNPC_UNACCEPTABLE,
		    "declined, nothing is bought%s%s",
		    why[0] != '\0' ? ": " : "", why);
	else if (event == CPNP_EVENT_CANCEL)
		cpnpc_job_finish(session, job,
		    is_wish || job->lost ? CPNPC_DONE : CPNPC_UNACCEPTABLE,
		    "cancelled, nothing is bought%s%s",
		    why[0] != '\0' ? ": " : "", why);
	else if (event == CPNP_EVENT_RESPONSE_EXPIRED ||
		 event == CPNP_EVENT_OFFER_EXPIRED)
		cpnpc_job_finish(session, job, CPNPC_UNKNOWN,
		    "no offer from %s in time; cancelled, nothing is bought",
		    name);
	else
		cpnpc_job_finish(session, job, CPNPC_UNACCEPTABLE,
		    "over, nothing is bought: %s",
		    detail[0] != '\0' ? detail : cpnp_event_name(event));
}

void
cpnpc_job_ended(cpnpc_session *session, cpnpc_job *job)
{
	if (job->done || job->order == NULL ||
	    cpnpc_change_finish(session, job))
		return;
	if (cpnp_order_state(job->order) == CPNP_STATE_COMPLETED)
		finish_completed(session, job);
	else
		finish_cancelled(session, job, job->ended_by, job->detail,
		    cpnp_order_status(job->order));
}

static int
on_event(void *user, const cpnp_store_event *event)
{
	cpnpc_job *job = user;

	if (event->from == event->to)
		return 0;
	job->ended_by = event->event;
	job->ended_in = event->from;
	snprintf(job->detail, sizeof(job->detail), "%.*s",
	    (int)event->detail.len,
	    event->detail.ptr == NULL ? "" : (const char *)event->detail.ptr);
	return 0;
}

/* How an order that was over before we came got there. */
void
cpnpc_job_learn_end(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	job->ended_at = now.mono;
	(void)cpnp_store_each_event(
	    session->store, &job->record.row, on_event, job);
}

void
cpnpc_job_finish_stored(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_status status = CPNP_STATUS_NONE;
	cpnpc_view view;

	if (job->record.row.state == CPNP_STATE_COMPLETED) {
		finish_completed(session, job);
		return;
	}
	if (cpnpc_view_open(&view, &job->record.row) == 0) {
		status = cpnp_order_status(view.order);
		cpnpc_view_close(&view);
	}
	finish_cancelled(session, job, job->ended_by, job->detail, status);
}

/* ---- giving up -------------------------------------------------------- */

static void
give_up(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_state state =
	    job->order != NULL ? cpnp_order_state(job->order) : CPNP_STATE_NONE;
	char name[CPNP_IDENTITY_MAX + 1];

	if (job->is_new && !job->in_store) {
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "no session with %s%s%s; nothing was ordered",
		    cpnpc_server_name(job->link),
		    job->link->net_problem[0] != '\0' ? ": " : "",
		    job->link->net_problem);
		return;
	}
	cpnpc_job_provider(job, name);
	if (session->interrupted)
		cpnpc_job_finish(session, job, CPNPC_PENDING,
		    "interrupted; the order goes on, it is %s",
		    cpnp_state_name(state != CPNP_STATE_NONE
					? state
					: job->record.row.state));
	else if (state == CPNP_STATE_SERVER_PROCESSING)
		cpnpc_job_finish(session, job, CPNPC_PENDING,
		    "no offer yet, %s is at work on it", name);
	else if (state == CPNP_STATE_OFFER_PROCESSING)
		cpnpc_job_leave(session, job);
	else if (cpnpc_change_give_up(session, job))
		return;
	else if (state == CPNP_STATE_ACCEPT_SENT && job->posting)
		cpnpc_job_finish(session, job, CPNPC_PENDING,
		    "%s is posting the payment; it is agreed when that is "
		    "done",
		    name);
	else if (state == CPNP_STATE_ACCEPT_SENT)
		cpnpc_job_finish(session, job, CPNPC_UNKNOWN,
		    "no answer from %s to the ACCEPT; whether it is agreed is "
		    "not known here",
		    name);
	else
		cpnpc_job_finish(
		    session, job, CPNPC_UNKNOWN, "no answer from %s", name);
}

void
cpnpc_jobs_give_up(cpnpc_session *session)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++)
		if (!session->jobs[i].done)
			give_up(session, &session->jobs[i]);
}

/* Of several orders the exit that needs most attention. */
static int
rank(cpnpc_exit code)
{
	switch (code) {
	case CPNPC_DONE:
		return 0;
	case CPNPC_REFUSED:
		return 1;
	case CPNPC_UNACCEPTABLE:
		return 2;
	case CPNPC_PENDING:
		return 3;
	case CPNPC_UNPAID:
		return 4;
	case CPNPC_UNKNOWN:
		return 5;
	case CPNPC_LOCAL:
	case CPNPC_USAGE:
		break;
	}
	return 6;
}

static cpnpc_exit
worse(cpnpc_exit a, cpnpc_exit b)
{
	return rank(a) > rank(b) ? a : b;
}

/* One order alone is an object, one set as well. */
static void
print_report(const cpnpc_session *session, json_t *orders, json_t *sets,
    cpnpc_exit code)
{
	json_t *object;

	if (session->many)
		object = json_pack("{s:O}", "orders", orders);
	else if (session->sets_n > 0)
		object = json_incref(json_array_get(sets, 0));
	else
		object = json_incref(json_array_get(orders, 0));
	if (session->many && session->sets_n > 0)
		(void)json_object_set(object, "sets", sets);
	cpnpc_json_print(object, code);
}

cpnpc_exit
cpnpc_jobs_report(cpnpc_session *session)
{
	cpnpc_exit code = CPNPC_DONE;
	json_t *orders = json_array(), *sets = json_array(), *set;
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		const cpnpc_job *job = &session->jobs[i];

		/* Of a set it does not matter how each of its orders ended. */
		if (job->set == NULL)
			code = worse(code, job->code);
		if (job->json != NULL && (job->set == NULL || session->many))
			(void)json_array_append(orders, job->json);
	}
	for (i = 0; i < session->sets_n; i++) {
		set = NULL;
		code = worse(code,
		    cpnpc_set_report(session, session->sets[i],
			session->run->conf.json ? &set : NULL));
		if (set != NULL)
			(void)json_array_append_new(sets, set);
	}
	if (session->run->conf.json)
		print_report(session, orders, sets, code);
	json_decref(orders);
	json_decref(sets);
	return code;
}
