/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

void
load_error(struct load *load, int err)
{
	if (err < 0 && -err < LOAD_ERRORS)
		load->errors[-err]++;
}

static struct load_job *
job_of(const cpnp_order *order)
{
	return (struct load_job *)(uintptr_t)cpnp_order_user(order);
}

static void
ask_to_sign(struct load *load, struct load_job *job, cpnp_bytes payload)
{
	if (payload.len > sizeof(job->payload) || job->is_to_sign) {
		load_error(load, CPNP_ERR_INTERNAL);
		return;
	}
	memcpy(job->payload, payload.ptr, payload.len);
	job->payload_len = payload.len;
	job->is_to_sign = true;
	TAILQ_INSERT_TAIL(&load->to_sign, job, to_sign);
}

static void
job_del(struct load *load, struct load_job *job)
{
	if (job->is_to_sign)
		TAILQ_REMOVE(&load->to_sign, job, to_sign);
	LIST_REMOVE(job, all);
	if (job->order != NULL)
		cpnp_orders_drop(load->orders, job->order);
	free(job);
}

/* An order has ended: count it, and forget it at once. */
static void
finish(struct load *load, cpnp_order *order, cpnp_state state,
    cpnp_status status, cpnp_now now)
{
	struct load_job *job = job_of(order);

	load->finished++;
	load->end = now.mono;
	if (state < LOAD_STATES)
		load->outcomes[state]++;
	if (status < LOAD_STATES)
		load->statuses[status]++;
	if (state == load->options.goal)
		hist_record(&load->latency, now.mono - job->start);
	job_del(load, job);
}

static void
send_message(struct load *load, const cpnp_effect *effect, cpnp_now now)
{
	int err;

	if (effect->u.send.peer == CPNP_PEER_NONE)
		return;
	if (effect->u.send.again)
		load->again++;
	err = cpnp_net_send(
	    load->net, effect->u.send.peer, effect->u.send.bytes, now);
	load_error(load, err);
}

/* What draining leaves to be done, as it is an event of its own. */
struct after {
	cpnp_order *accept;
	cpnp_order *ended;
	cpnp_state state;
	cpnp_status status;
};

static void
drain(struct load *load, struct after *after, cpnp_now now)
{
	cpnp_effect effect;

	*after = (struct after){.accept = NULL};
	while (cpnp_orders_next(load->orders, &effect)) {
		switch (effect.type) {
		case CPNP_EFFECT_SEND:
			send_message(load, &effect, now);
			break;
		case CPNP_EFFECT_OFFER:
			after->accept = effect.order;
			break;
		case CPNP_EFFECT_SIGN:
			ask_to_sign(load, job_of(effect.order),
			    effect.u.sign.payload);
			break;
		case CPNP_EFFECT_END:
			after->ended = effect.order;
			after->state = effect.u.end.state;
			after->status = effect.u.end.status;
			break;
		case CPNP_EFFECT_STORE:  /* a load generator keeps nothing */
		case CPNP_EFFECT_DECIDE: /* of servers */
		case CPNP_EFFECT_TIME:
		case CPNP_EFFECT_FORGET: /* dropped at its end already */
		case CPNP_EFFECT_PAY:    /* of agreements with terms */
		case CPNP_EFFECT_ALARM:  /* it withdraws nothing */
			break;
		}
	}
}

/* After every event: perform its effects, and accept each offer, unless the
 * orders are to stay open. */
static void
perform(struct load *load, cpnp_now now)
{
	struct after after;

	drain(load, &after, now);
	if (after.accept != NULL && after.ended == NULL &&
	    load->options.goal != CPNP_STATE_COMPLETED) {
		after.ended = after.accept;
		after.state = cpnp_order_state(after.accept);
	} else if (after.accept != NULL && after.ended == NULL) {
		load_error(load, load->payer != NULL
			? load_pay(load, after.accept, now)
			: cpnp_order_accept(load->orders, after.accept, now));
		drain(load, &after, now);
	}
	if (after.ended != NULL)
		finish(load, after.ended, after.state, after.status, now);
}

/* No order came of it. */
static void
give_up(struct load *load, struct load_job *job, int err)
{
	load_error(load, err);
	load->not_started++;
	load->finished++;
	if (job != NULL)
		job_del(load, job);
}

void
load_order_clear(struct load *load)
{
	while (!LIST_EMPTY(&load->jobs))
		job_del(load, LIST_FIRST(&load->jobs));
}

void
load_order_start(struct load *load, cpnp_tstamp due)
{
	struct load_job *job = calloc(1, sizeof(*job));
	cpnp_now now = cpnp_now_read();
	cpnp_quotation quotation = {
	    .edition = load->options.edition,
	    .peer_identity = load->server_identity,
	    .service_description = cpnp_buf_bytes(&load->service),
	    .require_statements = load->options.sign,
	};
	unsigned client =
	    (unsigned)(load->started % load->options.clients);
	char id[CPNP_ORDER_ID_MAX];
	int err;

	(void)snprintf(id, sizeof(id), "load-%s-%llu", load->prefix,
	    (unsigned long long)load->started++);
	if (job == NULL) {
		give_up(load, NULL, CPNP_ERR_NOMEM);
		return;
	}
	quotation.customer_order_id = cpnp_bytes_str(id);
	LIST_INSERT_HEAD(&load->jobs, job, all);
	job->start = due;
	err = cpnp_orders_create(load->orders, &quotation, &job->order, now);
	if (err != 0) {
		give_up(load, job, err);
		return;
	}
	cpnp_order_set_user(job->order, (uint64_t)(uintptr_t)job);
	perform(load, now);
	err = cpnp_order_start(
	    load->orders, job->order, load->peers[client], now);
	if (err != 0)
		give_up(load, job, err);
	else
		perform(load, now);
}

/* The name of whoever signed what came, when we are to look. */
static cpnp_bytes
signer_of(struct load *load, const cpnp_msg *msg, cpnp_signed *signed_by,
    cpnp_now now)
{
	int err;

	if (load->trust == NULL || !cpnp_msg_has(msg, CPNP_ATTR_STATEMENT))
		return CPNP_BYTES_NONE;
	err = cpnp_trust_verify(
	    load->trust, msg->statement, &now.wall, signed_by, NULL);
	load_error(load, err);
	return err != 0 ? CPNP_BYTES_NONE
			: cpnp_bytes_str(signed_by->identity);
}

void
load_order_message(struct load *load, cpnp_peer peer, cpnp_bytes identity,
    cpnp_bytes datagram, cpnp_now now)
{
	cpnp_signed signed_by;
	cpnp_input input = {
	    .identity = identity,
	    .peer = peer,
	    .searched = true,
	};
	cpnp_msg msg;
	int err = cpnp_msg_decode(&msg, datagram, NULL);

	if (err != 0) {
		load_error(load, err);
		return;
	}
	input.msg = &msg;
	input.signer = signer_of(load, &msg, &signed_by, now);
	err = cpnp_orders_recv(load->orders, &input, now);
	if (err == CPNP_ERR_UNKNOWN_ORDER)
		load->late++;
	else
		load_error(load, err);
	perform(load, now);
}

void
load_order_timers(struct load *load)
{
	cpnp_now now = cpnp_now_read();

	while (cpnp_orders_expiry(load->orders) <= now.mono) {
		load_error(load, cpnp_orders_handle_expiry(load->orders, now));
		perform(load, now);
	}
}

/* Sign up to a batch; the arrays have room for one. */
static void
sign_batch(struct load *load, struct load_job **jobs, cpnp_bytes *payloads,
    cpnp_buf *out)
{
	cpnp_now now = cpnp_now_read();
	struct load_job *job;
	size_t i, n = 0;
	int err;

	while (n < load->options.sign_together &&
	    !TAILQ_EMPTY(&load->to_sign)) {
		job = TAILQ_FIRST(&load->to_sign);
		TAILQ_REMOVE(&load->to_sign, job, to_sign);
		job->is_to_sign = false;
		jobs[n] = job;
		payloads[n] = (cpnp_bytes){job->payload, job->payload_len};
		cpnp_buf_init(&out[n++], &load->env->mem, CPNP_STATEMENT_MAX);
	}
	err = cpnp_signer_sign(load->signer, payloads, n, out);
	load_error(load, err);
	for (i = 0; i < n; i++) {
		if (err == 0)
			load_error(load,
			    cpnp_order_signed(load->orders, jobs[i]->order,
				cpnp_buf_bytes(&out[i]), CPNP_BYTES_NONE,
				now));
		else
			(void)cpnp_order_sign_failed(
			    load->orders, jobs[i]->order, now);
		perform(load, now);
		cpnp_buf_fini(&out[i]);
	}
}

void
load_order_sign(struct load *load)
{
	static struct load_job *jobs[CPNP_SIGN_BATCH_MAX];
	static cpnp_bytes payloads[CPNP_SIGN_BATCH_MAX];
	static cpnp_buf out[CPNP_SIGN_BATCH_MAX];

	while (!TAILQ_EMPTY(&load->to_sign))
		sign_batch(load, jobs, payloads, out);
}
