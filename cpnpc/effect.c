/*
 * What the orders want done.  Nothing leaves before it is durable: a STORE
 * goes into a batch, and the batch is committed before the next SEND.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <string.h>

#include "session.h"

/* The disk does not take it: whatever waited for it is not done, and the
 * orders are as the store has them. */
static void
break_down(cpnpc_session *session, int err)
{
	cpnp_diag diag = {0};
	size_t i;

	if (session->broken)
		return;
	session->broken = true;
	cpnp_store_failure(session->store, &diag);
	for (i = 0; i < session->jobs_n; i++)
		cpnpc_job_finish(session, &session->jobs[i], CPNPC_LOCAL,
		    "%s: %s%s%s; it stays as it was, \"cpnpc resume\" goes on",
		    session->run->store, cpnp_strerror(err),
		    diag.why[0] != '\0' ? ": " : "", diag.why);
}

static void
commit(cpnpc_session *session)
{
	int err = 0;

	if (session->batch == NULL)
		return;
	if (!session->broken) {
		err = cpnp_store_commit(session->store, session->batch);
		if (err != 0)
			break_down(session, err);
	}
	cpnp_store_batch_del(session->batch);
	session->batch = NULL;
}

static int
begin_batch(cpnpc_session *session)
{
	if (session->batch == NULL)
		session->batch = cpnp_store_batch_new(session->store, NULL);
	return session->batch != NULL ? 0 : CPNP_ERR_NOMEM;
}

static int
put_note(cpnpc_session *session, const cpnpc_job *job, const cpnp_order *order)
{
	char note[CPNPC_INTENT_LEN];

	cpnpc_intent_format(&job->intent, note);
	return cpnp_store_put_note(session->batch, order, cpnp_bytes_str(note));
}

/* What an order is meant for goes with its first state. */
static int
put_intent(cpnpc_session *session, cpnpc_job *job, const cpnp_order *order)
{
	if (job == NULL || !job->is_new || job->in_store)
		return 0;
	job->in_store = true;
	return put_note(session, job, order);
}

void
cpnpc_effects_note(cpnpc_session *session, const cpnpc_job *job)
{
	int err = begin_batch(session);

	if (err == 0)
		err = put_note(session, job, job->order);
	if (err != 0)
		break_down(session, err);
}

static void
store(cpnpc_session *session, cpnpc_job *job, const cpnp_effect *effect,
    cpnp_now now)
{
	int err = begin_batch(session);

	if (err == 0)
		err = cpnp_store_put(session->batch, effect, 0);
	if (err == 0)
		err = put_intent(session, job, effect->order);
	if (err != 0)
		break_down(session, err);
	if (job == NULL || effect->u.store.from == effect->u.store.to)
		return;
	job->agreed |= effect->u.store.agreement_to != CPNP_AGREEMENT_NONE;
	if (session->run->conf.verbose)
		cpnpc_status_say(session, "order %s: %s -> %s, %s", job->id,
		    cpnp_state_name(effect->u.store.from),
		    cpnp_state_name(effect->u.store.to),
		    cpnp_event_name(effect->u.store.event));
	if (effect->u.store.to != CPNP_STATE_CANCELLED)
		return;
	job->ended_by = effect->u.store.event;
	job->ended_in = effect->u.store.from;
	job->ended_at = now.mono;
	job->asking = false;
	if (effect->u.store.detail != NULL)
		snprintf(job->detail, sizeof(job->detail), "%s",
		    effect->u.store.detail);
}

static void
send_message(cpnpc_session *session, const cpnp_effect *effect, cpnp_now now)
{
	cpnp_bytes id = effect->order != NULL
			    ? cpnp_order_customer_id(effect->order)
			    : CPNP_BYTES_LIT("-");
	cpnp_peer peer = effect->u.send.peer;
	int err;

	commit(session);
	if (session->broken || peer == CPNP_PEER_NONE)
		return;
	if (effect->u.send.fail && !cpnp_net_may_fail(session->net, peer, now))
		return;
	err = cpnpc_parts_send(session, effect, now);
	if (session->run->conf.verbose)
		cpnpc_status_say(session, "order %.*s: %s%s, %zu bytes%s%s",
		    (int)id.len, (const char *)id.ptr,
		    cpnp_method_name(
			session->run->conf.edition, (int)effect->u.send.method),
		    effect->u.send.again ? " again" : "",
		    effect->u.send.bytes.len,
		    err == 0 ? " sent" : " not sent: ",
		    err == 0 ? "" : cpnp_strerror(err));
}

static void
want_signature(cpnpc_job *job, const cpnp_effect *effect)
{
	cpnp_bytes payload = effect->u.sign.payload;

	if (job == NULL || payload.len > sizeof(job->payload))
		return;
	memcpy(job->payload, payload.ptr, payload.len);
	job->payload_len = payload.len;
	job->wants_sign = true;
}

/* Said whatever --quiet says (RFC 8921, 11.1.2: an alarm must be sent). */
static void
alarm_person(cpnpc_session *session, const cpnpc_job *job, cpnp_now now)
{
	cpnp_wait wait = {.again = CPNP_NEVER};
	char span[CPNPC_TIME_LEN] = "later";

	cpnp_order_wait(job->order, &wait);
	if (wait.again != CPNP_NEVER)
		cpnpc_span_format((int64_t)((wait.again - now.mono) /
				      CPNP_SECONDS(1)),
		    span);
	cpnpc_status_clear(session);
	fputs("cpnpc: ALARM: order ", stderr);
	cpnpc_put_text(stderr, cpnp_bytes_str(job->id));
	fprintf(stderr,
	    ": the provider does not acknowledge the withdrawal; its service "
	    "may still run; tried again in %s\n",
	    span);
}

static void
perform(cpnpc_session *session, const cpnp_effect *effect, cpnp_now now)
{
	cpnpc_job *job = cpnpc_job_of(session, effect->order);

	switch (effect->type) {
	case CPNP_EFFECT_STORE:
		store(session, job, effect, now);
		break;
	case CPNP_EFFECT_SEND:
		send_message(session, effect, now);
		break;
	case CPNP_EFFECT_OFFER:
		if (job != NULL)
			job->wants_offer_decided = true;
		break;
	case CPNP_EFFECT_SIGN:
		want_signature(job, effect);
		break;
	case CPNP_EFFECT_END:
		commit(session);
		if (job != NULL && !session->broken) {
			job->end_state = effect->u.end.state;
			cpnpc_job_ended(session, job);
		}
		break;
	case CPNP_EFFECT_FORGET:
		if (job != NULL)
			job->order = NULL;
		break;
	case CPNP_EFFECT_TIME: /* of a server only */
	case CPNP_EFFECT_PAY:
		break;
	case CPNP_EFFECT_ALARM:
		commit(session);
		if (job != NULL && !session->broken)
			alarm_person(session, job, now);
		break;
	case CPNP_EFFECT_DECIDE: /* a server's */
		break;
	}
}

void
cpnpc_effects_gather(cpnpc_session *session, cpnp_now now)
{
	cpnp_effect effect;

	while (cpnp_orders_next(session->orders, &effect))
		perform(session, &effect, now);
}

void
cpnpc_effects_take(cpnpc_session *session, cpnp_now now)
{
	cpnpc_effects_gather(session, now);
	commit(session);
}

static void
sign(cpnpc_session *session, cpnpc_job *job, cpnp_now now)
{
	cpnp_bytes payload = {job->payload, job->payload_len};
	int err = CPNP_ERR_CONFIG;
	cpnp_buf buf;

	cpnp_buf_init(&buf, &cpnp_env_openssl()->mem, CPNP_STATEMENT_MAX);
	if (session->signer != NULL)
		err = cpnp_signer_sign(session->signer, &payload, 1, &buf);
	if (err == 0)
		err = cpnp_order_signed(session->orders, job->order,
		    cpnp_buf_bytes(&buf), CPNP_BYTES_NONE, now);
	cpnp_buf_fini(&buf);
	/* STATE: the offer has just ended, and its timer says so next. */
	if (err == 0 || err == CPNP_ERR_STATE)
		return;
	(void)cpnp_order_sign_failed(session->orders, job->order, now);
	cpnpc_job_finish(session, job, CPNPC_LOCAL,
	    "the acceptance cannot be signed: %s; the offer stays open",
	    cpnp_strerror(err));
}

/* One thing that an order waits for us to do; false when there is none. */
static bool
act(cpnpc_session *session, cpnp_now now)
{
	size_t i;

	for (i = 0; i < session->jobs_n; i++) {
		cpnpc_job *job = &session->jobs[i];

		if (job->order == NULL)
			continue;
		if (job->wants_sign) {
			job->wants_sign = false;
			sign(session, job, now);
			return true;
		}
		if (job->wants_offer_decided) {
			job->wants_offer_decided = false;
			cpnpc_job_decide(session, job, now);
			return true;
		}
	}
	return false;
}

void
cpnpc_effects_run(cpnpc_session *session, cpnp_now now)
{
	do {
		cpnpc_effects_take(session, now);
	} while (!session->broken &&
		 (act(session, now) || cpnpc_sets_act(session, now)));
	cpnpc_session_arm(session, now);
}
