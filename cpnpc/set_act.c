/*
 * What is done with the orders of a set (RFC 8921, 8.10).
 *
 * All begin with one deadline, EXPECTED_RESPONSE_TIME, and are in the store
 * before the first QUOTATION leaves.  When every server has answered or
 * failed, or the deadline has passed, one offer is accepted.  The others stay
 * open until its ACK is here, so that the next best can be accepted when the
 * provider refuses; then they are declined, "Conflict with another offer from
 * another server".
 *
 * There is never a second ACCEPT while the answer to one is unknown: AcceptSent
 * is durable before the ACCEPT leaves, and whoever goes on after a crash finds
 * it in the store.  A provider that first refuses an ACCEPT and then
 * acknowledges it is not heard any more, since another may have been accepted.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "session.h"

/* ---- where the members stand -------------------------------------------- */

cpnpc_standing
cpnpc_member_standing(const cpnpc_job *job)
{
	const cpnp_store_row *row = &job->record.row;
	const cpnp_order *order = job->order;
	bool is_gone =
	    order == NULL && (job->in_store || job->record.bytes == NULL);
	cpnp_agreement_state agreement;
	bool settled;

	if (job->agreed)
		return CPNPC_MEMBER_AGREED;
	if (is_gone)
		return CPNPC_MEMBER_OUT;
	agreement = order != NULL ? cpnp_order_agreement_state(order)
				  : row->agreement_state;
	settled = order != NULL ? cpnp_order_is_settled(order) : row->settled;
	if (agreement != CPNP_AGREEMENT_NONE)
		return CPNPC_MEMBER_AGREED;
	switch (order != NULL ? cpnp_order_state(order) : row->state) {
	case CPNP_STATE_OFFER_PROCESSING:
		return CPNPC_MEMBER_OFFERS;
	case CPNP_STATE_ACCEPT_SENT:
		return CPNPC_MEMBER_COMMITTED;
	case CPNP_STATE_COMPLETED:
		return CPNPC_MEMBER_AGREED;
	case CPNP_STATE_CANCELLED:
		/* A CANCEL may have passed the ACK of the ACCEPT
		 * (contradictions.md, 5). */
		return !settled && job->ended_in == CPNP_STATE_ACCEPT_SENT
			   ? CPNPC_MEMBER_COMMITTED
			   : CPNPC_MEMBER_OUT;
	case CPNP_STATE_NONE:
	case CPNP_STATE_CREATED:
	case CPNP_STATE_AWAITING_PROCESSING:
	case CPNP_STATE_PQO_SENT:
	case CPNP_STATE_SERVER_PROCESSING:
	case CPNP_STATE_OFFER_RECEIVED:
	case CPNP_STATE_PQO_RECEIVED: /* a server's, as the next ones */
	case CPNP_STATE_OFFER_PROPOSED:
	case CPNP_STATE_PROCESSING_RECEIVED:
	case CPNP_STATE_ACCEPT_RECEIVED:
	CPNP_CASE_CHILD_STATES: /* those of a provider with another one */
		break;
	}
	return CPNPC_MEMBER_WAITS;
}

/* Where all of them stand. */
struct survey {
	size_t waits;   /* for an answer, or for the session on which it is */
	size_t cut_off; /* have an offer, and no session to accept it over */
	size_t bound;   /* the one that is agreed or committed, plus one */
	bool agreed;
};

static void
look(const cpnpc_session *session, const cpnpc_set *set, struct survey *survey)
{
	size_t i;

	*survey = (struct survey){0};
	for (i = 0; i < session->jobs_n; i++) {
		const cpnpc_job *job = &session->jobs[i];
		const cpnpc_link *link = job->link;

		if (job->set != set)
			continue;
		switch (cpnpc_member_standing(job)) {
		case CPNPC_MEMBER_WAITS:
			survey->waits += !job->done;
			break;
		case CPNPC_MEMBER_OFFERS:
			survey->cut_off += !link->is_up && !job->done;
			survey->waits +=
			    !link->is_up && !link->missed && !job->done;
			break;
		case CPNPC_MEMBER_AGREED:
			survey->agreed = true;
			survey->bound = i + 1;
			break;
		case CPNPC_MEMBER_COMMITTED:
			if (!survey->agreed)
				survey->bound = i + 1;
			break;
		case CPNPC_MEMBER_OUT:
			break;
		}
	}
}

static void
read_bid(const cpnpc_job *job, const cpnpc_price *max_price, cpnpc_bid *bid)
{
	const cpnp_money *cost;
	cpnpc_offer *offer;
	char why[CPNPC_WHY_LEN];

	*bid = (cpnpc_bid){0};
	if (job->done || !job->link->is_up ||
	    cpnpc_member_standing(job) != CPNPC_MEMBER_OFFERS ||
	    cpnpc_offer_new(&offer, job->order) != 0)
		return;
	cost = cpnpc_offer_cost(offer);
	bid->open = true;
	bid->fits = offer->exact;
	bid->preferred = cpnpc_offer_is_preferred(offer);
	bid->cheats = offer->terms_fault[0] != '\0';
	bid->affordable = cpnpc_offer_judge(offer, CPNPC_ACCEPT_ALWAYS,
			      max_price, why) == CPNPC_VERDICT_ACCEPT;
	bid->validity = offer->offer.validity_offer_time;
	bid->has_cost = cost != NULL;
	if (cost != NULL)
		bid->cost = *cost; /* views into the order */
	cpnpc_offer_del(offer);
}

/* The bids of a set, and which job each is of; returns how many. */
static size_t
read_bids(const cpnpc_session *session, const cpnpc_set *set,
    cpnpc_bid bids[CPNPC_SET_MAX], size_t jobs[CPNPC_SET_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < session->jobs_n && n < CPNPC_SET_MAX; i++) {
		const cpnpc_job *job = &session->jobs[i];

		if (job->set != set)
			continue;
		read_bid(job, &job->intent.max_price, &bids[n]);
		jobs[n++] = i;
	}
	return n;
}

/* ---- beginning ----------------------------------------------------------- */

static void
create(cpnpc_session *session, cpnpc_job *job, unsigned number, cpnp_now now)
{
	const cpnpc_set *set = job->set;
	int err;

	snprintf(job->id, sizeof(job->id), "%.*s.%u", CPNPC_SET_ID_MAX,
	    set->what.id, number);
	if (!job->link->working) {
		cpnpc_job_finish(session, job, CPNPC_LOCAL,
		    "no session%s%s; nothing was ordered",
		    job->link->net_problem[0] != '\0' ? ": " : "",
		    job->link->net_problem);
		return;
	}
	job->intent = (cpnpc_intent){
	    .goal = CPNPC_GOAL_ORDER,
	    .accept = CPNPC_ACCEPT_NEVER,
	    .max_price = session->run->conf.max_price,
	    .set = set->what,
	};
	job->intent.set.number = number;
	cpnpc_server_note(job->link, job);
	err = cpnpc_job_create(session, job, now);
	if (err != 0)
		cpnpc_job_not_placed(session, job, err);
	cpnpc_effects_gather(session, now);
}

static int
name_set(cpnpc_session *session, cpnpc_set *set, cpnp_now now)
{
	const cpnpc_conf *conf = &session->run->conf;
	uint64_t time = conf->expected_response != 0 ? conf->expected_response
						     : CPNPC_SET_TIME;

	set->what.deadline.sec = now.wall.sec + (int64_t)time;
	if (conf->order_id == NULL)
		return cpnpc_make_id('S', now, set->what.id);
	snprintf(set->what.id, sizeof(set->what.id), "%s", conf->order_id);
	return 0;
}

/* All orders are made in one commit, then the QUOTATIONs leave. */
static void
begin(cpnpc_session *session, cpnpc_set *set, cpnp_now now)
{
	unsigned number = 0;
	size_t i;
	int err = name_set(session, set, now);

	set->begun = true;
	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set != set)
			continue;
		if (err != 0)
			cpnpc_job_not_placed(session, job, err);
		else
			create(session, job, ++number, now);
	}
	cpnpc_effects_take(session, now);
	for (i = 0; i < session->jobs_n && !session->broken; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set != set || job->done)
			continue;
		cpnpc_status_say(session, "order %s to %s at %s", job->id,
		    job->link->peer_identity, cpnpc_server_name(job->link));
		err = cpnp_order_start(
		    session->orders, job->order, job->link->peer, now);
		if (err != 0)
			cpnpc_job_not_placed(session, job, err);
		cpnpc_effects_take(session, now);
	}
}

/* Wait for each server to have a session, or to have failed to once; and for
 * one that has. */
static bool
may_begin(const cpnpc_session *session, const cpnpc_set *set)
{
	bool some = false;
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		const cpnpc_link *link = session->jobs[i].link;

		if (session->jobs[i].set != set)
			continue;
		if (session->jobs[i].done ||
		    (!link->working && !link->missed))
			return false;
		some |= link->working;
	}
	return some;
}

/* ---- ending -------------------------------------------------------------- */

/* Decline an offer, or cancel a request.  True when that was possible. */
static bool
end_member(cpnpc_session *session, cpnpc_job *job, cpnp_reason reason,
    cpnp_now now)
{
	cpnpc_standing standing = cpnpc_member_standing(job);

	if (job->order == NULL)
		return false;
	if (standing == CPNPC_MEMBER_OFFERS)
		return cpnp_order_decline(session->orders, job->order, &reason,
			   1, now) == 0;
	return standing == CPNPC_MEMBER_WAITS &&
	       cpnp_order_cancel(session->orders, job->order, now) == 0;
}

/* One is agreed: the next of the others that is not over yet. */
static bool
end_others(cpnpc_session *session, cpnpc_set *set, const cpnpc_job *taken,
    cpnp_now now)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set != set || job == taken ||
		    !end_member(session, job, CPNP_REASON_CONFLICT, now))
			continue;
		job->lost = true;
		if (!job->done)
			snprintf(job->why, sizeof(job->why),
			    "the offer of order %.64s was taken", taken->id);
		return true;
	}
	return false;
}

/* The deadline has passed; the timers of the orders that were sent say so as
 * well (RFC 8921, 9.1.6). */
static bool
end_late(cpnpc_session *session, cpnpc_set *set, cpnp_now now)
{
	size_t i;

	if (now.wall.sec < set->what.deadline.sec)
		return false;
	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set == set && !job->done &&
		    cpnpc_member_standing(job) == CPNPC_MEMBER_WAITS &&
		    end_member(session, job, CPNP_REASON_CONFLICT, now))
			return true;
	}
	return false;
}

static const char *
why_declined(const cpnpc_set *set, const cpnpc_job *job, cpnp_wtime now)
{
	const char *fault = NULL;
	cpnpc_bid bid;

	read_bid(job, &job->intent.max_price, &bid);
	if (bid.open)
		fault = cpnpc_bid_fault(set->what.rule, &bid, now);
	return fault != NULL ? fault : "none was chosen";
}

/* None will do. */
static bool
decline_all(cpnpc_session *session, cpnpc_set *set, cpnp_now now)
{
	bool some = false;
	size_t i;

	for (i = 0; i < session->jobs_n && !some; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set != set || job->done ||
		    cpnpc_member_standing(job) != CPNPC_MEMBER_OFFERS)
			continue;
		snprintf(job->why, sizeof(job->why), "%s",
		    why_declined(set, job, now.wall));
		some = end_member(
		    session, job, CPNP_REASON_UNACCEPTABLE_GAP, now);
	}
	return some;
}

static void
leave(cpnpc_session *session, cpnpc_set *set)
{
	size_t i;

	set->left = true;
	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set == set && !job->done &&
		    cpnpc_member_standing(job) == CPNPC_MEMBER_OFFERS)
			cpnpc_job_leave(session, job);
	}
}

/* ---- deciding ------------------------------------------------------------ */

/* What was refused after its ACCEPT must not come back. */
static void
forget_refused(cpnpc_session *session, const cpnpc_set *set)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->set != set || job->order == NULL ||
		    cpnpc_member_standing(job) != CPNPC_MEMBER_OUT ||
		    job->ended_in != CPNP_STATE_ACCEPT_SENT)
			continue;
		cpnp_orders_drop(session->orders, job->order);
		job->order = NULL;
	}
}

static bool
take(cpnpc_session *session, cpnpc_set *set, size_t i, cpnp_now now)
{
	forget_refused(session, set);
	set->chosen = i + 1;
	cpnpc_status_say(session, "order %s: its offer is accepted",
	    session->jobs[i].id);
	cpnpc_job_accept(session, &session->jobs[i], now);
	return true;
}

static bool
take_wish(cpnpc_session *session, cpnpc_set *set, cpnp_now now)
{
	cpnpc_job *job = &session->jobs[set->wish - 1];
	size_t wish = set->wish - 1;
	cpnpc_bid bid;

	if (!job->done && !job->link->is_up)
		return false;
	set->wish = 0;
	set->left = true;
	read_bid(job, &session->run->conf.max_price, &bid);
	if (bid.open && bid.affordable)
		return take(session, set, wish, now);
	set->refused = true;
	cpnpc_job_finish(session, job, CPNPC_LOCAL,
	    !bid.open	 ? "there is no offer to accept"
	    : bid.cheats ? "its settlement terms do not go with what it "
			   "offers; the offer stays open"
			 : "its price is not within --max-price; the offer "
			   "stays open");
	leave(session, set);
	return true;
}

void
cpnpc_set_check_wish(cpnpc_session *session, cpnpc_set *set)
{
	struct survey survey;

	look(session, set, &survey);
	if (set->wish == 0 || survey.bound == 0)
		return;
	if (set->wish != survey.bound) {
		set->refused = true;
		cpnpc_job_finish(session, &session->jobs[set->wish - 1],
		    CPNPC_LOCAL,
		    "order %s of the same set has been accepted already",
		    session->jobs[survey.bound - 1].id);
	}
	set->wish = 0;
}

static bool
ask_or_leave(cpnpc_session *session, cpnpc_set *set, cpnpc_choosing what)
{
	if (what == CPNPC_CHOOSING_TOKENS)
		cpnpc_status_say(session,
		    "set %s: the prices are in different tokens and cannot be "
		    "compared",
		    set->what.id);
	if (session->may_ask && cpnpc_ask_set(session, set))
		return false;
	if (!session->run->conf.json)
		cpnpc_set_print(session, set);
	leave(session, set);
	return false;
}

static bool
decide(cpnpc_session *session, cpnpc_set *set, const struct survey *survey,
    cpnp_now now)
{
	cpnpc_bid bids[CPNPC_SET_MAX];
	size_t jobs[CPNPC_SET_MAX], n, best = 0;
	cpnpc_choosing what;

	/* All know the deadline; who offers for less time cannot hurry us. */
	if (survey->waits > 0)
		return end_late(session, set, now);
	n = read_bids(session, set, bids, jobs);
	what = cpnpc_choose(set->what.rule, bids, n, now.wall, &best);
	switch (what) {
	case CPNPC_CHOOSING_ONE:
		if (!session->run->conf.json)
			cpnpc_set_print(session, set);
		return take(session, set, jobs[best], now);
	case CPNPC_CHOOSING_NOTHING:
		return survey->cut_off == 0 && decline_all(session, set, now);
	case CPNPC_CHOOSING_TOKENS:
	case CPNPC_CHOOSING_TO_PERSON:
		break;
	}
	return ask_or_leave(session, set, what);
}

bool
cpnpc_set_answer(
    cpnpc_session *session, cpnpc_set *set, long number, cpnp_now now)
{
	cpnpc_bid bid;
	size_t i;

	if (number == 0)
		while (decline_all(session, set, now))
			cpnpc_effects_take(session, now);
	if (number < 0)
		leave(session, set);
	for (i = 0; number > 0 && i < session->jobs_n; i++) {
		const cpnpc_job *job = &session->jobs[i];

		if (job->set != set ||
		    job->intent.set.number != (unsigned long)number)
			continue;
		read_bid(job, &job->intent.max_price, &bid);
		return cpnpc_bid_is_eligible(CPNPC_RULE_ASK, &bid, now.wall) &&
		       take(session, set, i, now);
	}
	return number <= 0;
}

/* The one that was accepted has neither been sent nor ended yet. */
static bool
is_being_taken(cpnpc_session *session, cpnpc_set *set)
{
	const cpnpc_job *job;

	if (set->chosen == 0)
		return false;
	job = &session->jobs[set->chosen - 1];
	if (cpnpc_member_standing(job) != CPNPC_MEMBER_OFFERS) {
		set->chosen = 0;
		return false;
	}
	/* It cannot be signed, and that has been told. */
	if (job->done)
		leave(session, set);
	return true;
}

static bool
act(cpnpc_session *session, cpnpc_set *set, cpnp_now now)
{
	struct survey survey;

	if (!set->begun) {
		if (!may_begin(session, set))
			return false;
		begin(session, set, now);
		return true;
	}
	cpnpc_set_check_wish(session, set);
	look(session, set, &survey);
	if (survey.agreed)
		return end_others(
		    session, set, &session->jobs[survey.bound - 1], now);
	if (survey.bound != 0 || is_being_taken(session, set))
		return false;
	if (set->wish != 0)
		return take_wish(session, set, now);
	if (set->left)
		leave(session, set);
	if (set->left || set->asking)
		return false;
	return decide(session, set, &survey, now);
}

bool
cpnpc_sets_act(cpnpc_session *session, cpnp_now now)
{
	size_t i;

	for (i = 0; i < session->sets_n; i++)
		if (act(session, session->sets[i], now))
			return true;
	return false;
}
