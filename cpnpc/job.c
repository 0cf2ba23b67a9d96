/*
 * What is done with each order of a session.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "session.h"

/* How long a decline or cancel that nobody asked about is waited for: the
 * outcome is known already, and resume tells the provider again. */
#define SETTLE_TIME CPNP_SECONDS(10)

cpnpc_job *
cpnpc_job_of(cpnpc_session *session, const cpnp_order *order)
{
	uint64_t place = order == NULL ? 0 : cpnp_order_user(order);

	if (place == 0 || place > session->jobs_n)
		return NULL;
	return &session->jobs[place - 1];
}

/* ---- what an offer is answered ----------------------------------------- */

static void
show_offer(cpnpc_session *session, const cpnpc_job *job, cpnpc_offer *offer,
    cpnp_now now)
{
	if (session->run->conf.json)
		return;
	if (offer->payer.len == 0)
		offer->payer = cpnpc_purse_account(session);
	cpnpc_status_clear(session);
	cpnpc_print_offer(stdout, offer, job->order, now);
	fflush(stdout);
}

void
cpnpc_job_accept(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	int err = cpnpc_pay_accept(session, job, now);

	/* STATE: its validity has just ended, and the timer says so next. */
	if (err != 0 && err != CPNP_ERR_STATE)
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "it cannot be accepted: %s", cpnp_strerror(err));
}

/* For the reasons of the command line; an order for something else than what
 * was offered has one of its own. */
static int
decline(cpnpc_session *session, const cpnpc_job *job, cpnp_now now)
{
	static const cpnpc_reasons gap = {{CPNP_REASON_UNACCEPTABLE_GAP}, 1};
	const cpnpc_reasons *reasons = &session->run->conf.reasons;

	if (reasons->n > 0 &&
	    cpnp_order_edition(job->order) == CPNP_EDITION_DRAFT02)
		cpnpc_status_say(session,
		    "order %s: draft-02 has no reasons; none is sent", job->id);
	if (reasons->n == 0 && (job->goal == CPNPC_GOAL_ORDER ||
				   job->goal == CPNPC_GOAL_UPDATE))
		reasons = &gap;
	return cpnp_order_decline(
	    session->orders, job->order, reasons->items, reasons->n, now);
}

static void
decline_offer(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	int err = decline(session, job, now);

	if (err != 0 && err != CPNP_ERR_STATE)
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "it cannot be declined: %s", cpnp_strerror(err));
}

void
cpnpc_job_leave(cpnpc_session *session, cpnpc_job *job)
{
	char text[CPNPC_TIME_LEN] = "its validity ends";
	cpnp_wait wait = {0};

	cpnp_order_wait(job->order, &wait);
	if (wait.has_until)
		cpnpc_time_format(wait.until, text);
	cpnpc_job_finish(
	    session, job, CPNPC_PENDING, "the offer is open until %s", text);
}

void
cpnpc_job_answer(
    cpnpc_session *session, cpnpc_job *job, cpnpc_verdict verdict, cpnp_now now)
{
	switch (verdict) {
	case CPNPC_VERDICT_ACCEPT:
		cpnpc_job_accept(session, job, now);
		break;
	case CPNPC_VERDICT_DECLINE:
		decline_offer(session, job, now);
		break;
	case CPNPC_VERDICT_ASK:
		cpnpc_ask(session, job);
		break;
	case CPNPC_VERDICT_LEAVE:
		cpnpc_job_leave(session, job);
		break;
	}
}

void
cpnpc_job_show(cpnpc_session *session, const cpnpc_job *job)
{
	cpnpc_offer *offer;

	if (job->order == NULL || cpnpc_offer_new(&offer, job->order) != 0)
		return;
	show_offer(session, job, offer, cpnp_now_read());
	cpnpc_offer_del(offer);
}

void
cpnpc_job_decide(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	cpnpc_verdict verdict = CPNPC_VERDICT_DECLINE;
	cpnp_wait wait = {0};
	cpnpc_offer *offer;
	int err;

	/* An offer to one of a set is decided with those to the others. */
	if (job->done || job->set != NULL ||
	    job->goal == CPNPC_GOAL_DECLINE || job->goal == CPNPC_GOAL_CANCEL ||
	    (cpnpc_goal_is_change(job->goal) &&
		job->goal != CPNPC_GOAL_UPDATE))
		return;
	/* Its validity has ended, and the timer says so next. */
	cpnp_order_wait(job->order, &wait);
	if (wait.has_until && wait.until.sec <= now.wall.sec)
		return;
	err = cpnpc_offer_new(&offer, job->order);
	if (err != 0) {
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "the offer cannot be read: %s", cpnp_strerror(err));
		return;
	}
	if (job->goal != CPNPC_GOAL_QUOTE)
		verdict = cpnpc_offer_judge(offer,
		    job->goal == CPNPC_GOAL_ACCEPT ? CPNPC_ACCEPT_ALWAYS
						   : job->intent.accept,
		    &job->intent.max_price, job->why);
	if (verdict != CPNPC_VERDICT_ASK)
		show_offer(session, job, offer, now);
	cpnpc_offer_del(offer);
	cpnpc_job_answer(session, job, verdict, now);
}

/* ---- beginning --------------------------------------------------------- */

/* "C20261121-" and 80 random bits: the day to read, the rest never twice. */
int
cpnpc_make_id(char letter, cpnp_now now, char id[CPNP_ORDER_ID_MAX + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const cpnp_env *env = cpnp_env_openssl();
	time_t sec = (time_t)now.wall.sec;
	uint8_t random[16];
	struct tm tm;
	size_t i, n;

	if (gmtime_r(&sec, &tm) == NULL ||
	    env->random(env->user, random, sizeof(random)) != 0)
		return CPNP_ERR_RANDOM;
	id[0] = letter;
	n = 1 + strftime(id + 1, CPNP_ORDER_ID_MAX, "%Y%m%d-", &tm);
	for (i = 0; i < sizeof(random); i++)
		id[n + i] = alphabet[random[i] & 31];
	id[n + i] = '\0';
	return 0;
}

static int
make_id(cpnpc_job *job, cpnp_now now)
{
	return cpnpc_make_id(
	    job->goal == CPNPC_GOAL_QUOTE ? 'Q' : 'C', now, job->id);
}

static cpnp_description
customer(const cpnpc_conf *conf)
{
	cpnp_description who = {
	    .name = cpnp_bytes_str(conf->customer_name),
	    .email = cpnp_bytes_str(conf->customer_email),
	    .postal_address = cpnp_bytes_str(conf->customer_address),
	    .telephone = {cpnp_bytes_str(conf->customer_telephone)},
	    .telephone_n = conf->customer_telephone != NULL ? 1 : 0,
	};

	return who;
}

int
cpnpc_job_create(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnp_wtime deadline = {
	    now.wall.sec + (int64_t)conf->expected_response};
	cpnp_wtime more_until;
	int err;
	cpnp_description who = customer(conf);
	/* The price is asked for, so that it is known before committing. */
	cpnp_negotiation_options options = {
	    .has_cost = true,
	    .cost_empty = true,
	    .purpose = conf->purpose,
	    .no_recursion = conf->no_recursion,
	};
	cpnp_quotation quotation = {
	    .edition = conf->edition,
	    .customer_order_id = cpnp_bytes_str(job->id),
	    .peer_identity = cpnp_bytes_str(job->link->peer_identity),
	    .service_description = {job->service, job->service_len},
	    .has_response_time =
		job->set != NULL || conf->expected_response != 0,
	    .expected_response_time =
		job->set != NULL ? job->intent.set.deadline : deadline,
	    .options = &options,
	    .has_activation_type = conf->activation != 0,
	    .activation_type = conf->activation,
	    .customer_description = who.name.len > 0 || who.email.len > 0 ||
					    who.postal_address.len > 0 ||
					    who.telephone_n > 0
					? &who
					: NULL,
	    .require_statements =
		conf->require_statements == CPNPC_YES ||
		(conf->require_statements == CPNPC_UNSET && !conf->udp),
	};

	quotation.more_time = cpnpc_more_time_policy(conf, now, &more_until);
	quotation.more_time_until = more_until;
	err = cpnp_orders_create(
	    session->orders, &quotation, &job->order, now);
	if (err == 0)
		cpnp_order_set_user(
		    job->order, (uint64_t)(job - session->jobs) + 1);
	return err;
}

bool
cpnpc_record_is_for(
    const cpnpc_record *record, const uint8_t *service, size_t len)
{
	cpnp_msg *msg = calloc(1, sizeof(*msg));
	bool same = msg != NULL &&
		    cpnp_msg_decode(
			msg, record->row.docs[CPNP_DOC_REQUEST], NULL) == 0 &&
		    cpnp_bytes_equal(msg->service_description,
			(cpnp_bytes){service, len});

	free(msg);
	return same;
}

static void
take_intent(cpnpc_session *session, cpnpc_job *job)
{
	const cpnpc_conf *conf = &session->run->conf;
	cpnpc_intent stored;
	bool is_stored =
	    cpnpc_intent_parse(job->record.row.note, &stored) == 0;
	bool is_update =
	    job->goal == CPNPC_GOAL_UPDATE && job->service != NULL;

	job->intent = (cpnpc_intent){
	    .goal = job->goal == CPNPC_GOAL_QUOTE ||
			    job->goal == CPNPC_GOAL_UPDATE
			? job->goal
			: CPNPC_GOAL_ORDER,
	    .accept = conf->accept,
	    .max_price = conf->max_price,
	};
	/* A change is meant as this command line says, of an order that is
	 * where it was. */
	if (is_update && is_stored) {
		job->intent.set = stored.set;
		memcpy(job->intent.server, stored.server,
		    sizeof(stored.server));
	}
	if (job->is_new || job->goal == CPNPC_GOAL_ACCEPT || is_update ||
	    !is_stored) {
		if (!is_update || !is_stored)
			cpnpc_server_note(job->link, job);
		if (job->intent.accept == CPNPC_ACCEPT_DEFAULT)
			job->intent.accept = session->may_ask
						 ? CPNPC_ACCEPT_ASK
						 : CPNPC_ACCEPT_EXACT;
		return;
	}
	/* What was meant when it was placed, unless this command line says
	 * something else. */
	if (job->goal == CPNPC_GOAL_ORDER)
		job->goal = stored.goal;
	job->intent.goal = stored.goal;
	if (!conf->accept_given)
		job->intent.accept = stored.accept;
	if (!conf->max_price_given)
		job->intent.max_price = stored.max_price;
	if (job->intent.accept == CPNPC_ACCEPT_ASK && !session->may_ask)
		job->intent.accept = CPNPC_ACCEPT_NEVER;
}

/* An identifier that the store has: the same order again, when it is for the
 * same service. */
static bool
is_known(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_store_row row;
	int err = cpnp_store_find(session->store, CPNP_CLIENT,
	    cpnp_bytes_str(job->link->peer_identity), cpnp_bytes_str(job->id),
	    &row);

	if (err == CPNP_ERR_NOT_FOUND)
		return false;
	if (err == 0)
		err = cpnpc_record_copy(&job->record, &row);
	if (err != 0)
		cpnpc_job_finish(session, job, CPNPC_LOCAL, "%s: %s",
		    session->run->store, cpnp_strerror(err));
	else if (!cpnpc_record_is_for(
		     &job->record, job->service, job->service_len))
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "there is such an order already, for another service; "
		    "expected a new --order-id");
	else
		job->is_new = false;
	return true;
}

void
cpnpc_job_not_placed(cpnpc_session *session, cpnpc_job *job, int err)
{
	if (err == CPNP_ERR_NO_SPACE)
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "the document does not fit a message of %d bytes; nothing "
		    "was ordered",
		    CPNP_MSG_MAX);
	else
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "it cannot be placed: %s; nothing was ordered",
		    cpnp_strerror(err));
}

static void
start_new(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	int err;

	take_intent(session, job);
	err = cpnpc_job_create(session, job, now);
	if (err == 0) {
		cpnpc_effects_run(session, now);
		if (job->done)
			return;
		cpnpc_status_say(session, "order %s to %s", job->id,
		    job->link->peer_identity);
		err = cpnp_order_start(
		    session->orders, job->order, job->link->peer, now);
	}
	if (err != 0)
		cpnpc_job_not_placed(session, job, err);
}
static bool
is_before_start(cpnp_state state)
{
	return state == CPNP_STATE_CREATED ||
	       state == CPNP_STATE_AWAITING_PROCESSING;
}

/* Give the command that the run is about, now that the order is loaded. */
static int
command(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	cpnp_state state = cpnp_order_state(job->order);

	switch (job->goal) {
	case CPNPC_GOAL_ACCEPT:
		if (state != CPNP_STATE_OFFER_PROCESSING &&
		    state != CPNP_STATE_ACCEPT_SENT)
			cpnpc_job_finish(session, job, CPNPC_LOCAL,
			    "there is no offer to accept, it is %s",
			    cpnp_state_name(state));
		return 0;
	case CPNPC_GOAL_DECLINE:
		if (state == CPNP_STATE_CANCELLED)
			return 0;
		if (state != CPNP_STATE_OFFER_PROCESSING) {
			cpnpc_job_finish(session, job, CPNPC_LOCAL,
			    "there is no offer to decline, it is %s; \"cpnpc "
			    "cancel\" ends it",
			    cpnp_state_name(state));
			return 0;
		}
		return decline(session, job, now);
	case CPNPC_GOAL_CANCEL:
		if (state == CPNP_STATE_CANCELLED)
			return 0;
		return cpnp_order_cancel(session->orders, job->order, now);
	case CPNPC_GOAL_WITHDRAW:
	case CPNPC_GOAL_UPDATE:
	case CPNPC_GOAL_ACTIVATE:
	case CPNPC_GOAL_DEACTIVATE:
		return cpnpc_job_change(session, job, now);
	case CPNPC_GOAL_ORDER:
	case CPNPC_GOAL_QUOTE:
		break;
	}
	return is_before_start(state) ? cpnp_order_start(session->orders,
					    job->order, job->link->peer, now)
				      : 0;
}

/* The order is not with the server that this run speaks to. */
static bool
is_elsewhere(cpnpc_session *session, cpnpc_job *job)
{
	cpnp_bytes provider = job->record.row.peer_identity;
	const cpnpc_link *link = job->link;
	char server[CPNPC_SERVER_LEN];

	if (link->peer == CPNP_PEER_NONE)
		return false;
	if (!cpnp_bytes_equal(provider, cpnp_bytes_str(link->peer_identity)))
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "it is an order to %.*s, and this server is %s; name the "
		    "right one with --server",
		    (int)provider.len, (const char *)provider.ptr,
		    link->peer_identity);
	else if (cpnpc_server_is_other(link, job, server))
		cpnpc_job_finish(session, job, CPNPC_PENDING,
		    "it is at the server %s, and this run is with %s; "
		    "\"cpnpc resume\" it alone",
		    server, cpnpc_server_name(link));
	return job->done;
}

/* An order that is over, or an agreement that this run does not change: resume,
 * which has no document, goes on with an UPDATE only where one is open. */
static bool
rests(const cpnpc_job *job)
{
	const cpnp_store_row *row = &job->record.row;
	bool changes = cpnpc_goal_is_change(job->goal) &&
		       (job->goal != CPNPC_GOAL_UPDATE || job->service != NULL);

	return row->settled &&
	       (!changes || row->state != CPNP_STATE_COMPLETED);
}

bool
cpnpc_job_load(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	const cpnp_store_row *row = &job->record.row;
	int err;

	take_intent(session, job);
	if (row->state == CPNP_STATE_CANCELLED)
		cpnpc_job_learn_end(session, job, now);
	if (rests(job)) {
		cpnpc_job_finish_stored(session, job);
		return false;
	}
	if (is_elsewhere(session, job))
		return false;
	job->in_store = true;
	err = cpnp_orders_load(
	    session->orders, row->saved, row->docs, &job->order, now);
	if (err != 0) {
		cpnpc_job_finish(
		    session, job, CPNPC_LOCAL, "%s", cpnp_strerror(err));
		return false;
	}
	cpnp_order_set_user(job->order, (uint64_t)(job - session->jobs) + 1);
	cpnpc_effects_take(session, now);
	return true;
}

/* One that was loaded before its link came up is told of it now. */
static void
start_stored(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	int err;

	if (job->order == NULL ? !cpnpc_job_load(session, job, now)
			       : is_elsewhere(session, job))
		return;
	err = cpnp_order_set_peer(session->orders, job->order, job->link->peer,
	    job->goal != CPNPC_GOAL_CANCEL, now);
	cpnpc_effects_take(session, now);
	if (err == 0)
		err = command(session, job, now);
	if (err != 0)
		cpnpc_job_finish(
		    session, job, CPNPC_LOCAL, "%s", cpnp_strerror(err));
}

static void
start(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	const char *id = session->run->conf.order_id;

	if (job->is_new && id != NULL) {
		snprintf(job->id, sizeof(job->id), "%s", id);
		if (is_known(session, job) && job->done)
			return;
	} else if (job->is_new && make_id(job, now) != 0) {
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "there are no random numbers");
		return;
	}
	if (job->is_new)
		start_new(session, job, now);
	else
		start_stored(session, job, now);
	cpnpc_effects_run(session, now);
}

void
cpnpc_jobs_start(cpnpc_session *session, cpnpc_link *link, cpnp_now now)
{
	size_t i;

	link->working = true;
	for (i = 0; i < session->jobs_n && !session->broken; i++) {
		cpnpc_job *job = &session->jobs[i];

		/* The new orders of a set begin together. */
		if (job->link == link && !job->done &&
		    (job->set == NULL || !job->is_new))
			start(session, job, now);
	}
	cpnpc_effects_run(session, now);
}

/* ---- waiting ----------------------------------------------------------- */

void
cpnpc_jobs_tick(cpnpc_session *session, cpnp_now now)
{
	size_t i;

	cpnpc_effects_run(session, now); /* a set may have to decide */
	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];
		bool by_the_way = job->goal == CPNPC_GOAL_ORDER ||
				  job->goal == CPNPC_GOAL_QUOTE ||
				  job->goal == CPNPC_GOAL_UPDATE;

		if (job->done || job->order == NULL || !by_the_way ||
		    cpnp_order_state(job->order) != CPNP_STATE_CANCELLED ||
		    cpnp_order_transaction(job->order) ==
			CPNP_METHOD_WITHDRAW ||
		    now.mono < job->ended_at + SETTLE_TIME)
			continue;
		cpnpc_status_say(session,
		    "order %s: the provider has not acknowledged the end yet; "
		    "\"cpnpc resume\" tells it again",
		    job->id);
		cpnpc_job_ended(session, job);
	}
}
