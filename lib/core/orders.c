/*
 * The set of orders: creation, local commands, timers and effects.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "order_int.h"

void
cpnp_orders_config_default(cpnp_orders_config *config)
{
	*config = (cpnp_orders_config){
	    .retrans_timer = CPNP_SECONDS(2),
	    .retries_max = 3,
	    .repeat_min = CPNP_SECONDS(30),
	    .repeat_max = CPNP_SECONDS(300),
	    .resend_interval = CPNP_MILLISECONDS(200),
	    .linger = CPNP_SECONDS(60),
	    .withdraw_retry = CPNP_SECONDS(300),
	    .expected_offer_sec = 60,
	    .orders_max = 1000000,
	};
}

static int
check_config(const cpnp_orders_config *config)
{
	/* Intervals of more than a year are a mistake, and would overflow. */
	const cpnp_tstamp most = CPNP_SECONDS(366) * 86400;
	const cpnp_tstamp intervals[] = {config->retrans_timer,
	    config->repeat_min, config->repeat_max, config->linger};

	for (size_t i = 0; i < sizeof(intervals) / sizeof(intervals[0]); i++)
		if (intervals[i] == 0 || intervals[i] > most)
			return CPNP_ERR_INVALID;
	if (config->repeat_min > config->repeat_max ||
	    config->resend_interval > most || config->withdraw_retry > most ||
	    config->orders_max == 0 || config->expected_offer_sec == 0 ||
	    config->identity.len > CPNP_IDENTITY_MAX ||
	    !cpnp_utf8_is_valid(config->identity))
		return CPNP_ERR_INVALID;
	return 0;
}

static void
use_config(cpnp_orders *orders, const cpnp_orders_config *config)
{
	orders->config = *config;
	if (config->withdraw_retry < ORDER_WITHDRAW_RETRY_MIN)
		orders->config.withdraw_retry = ORDER_WITHDRAW_RETRY_MIN;
}

int
cpnp_orders_set_config(cpnp_orders *orders, const cpnp_orders_config *config)
{
	const cpnp_orders_config old = orders->config;
	int err = check_config(config);

	if (err != 0)
		return err;
	use_config(orders, config);
	orders->config.identity = old.identity;
	orders->config.sign = old.sign;
	orders->config.confirm_stores = old.confirm_stores;
	return 0;
}

int
cpnp_orders_new(cpnp_orders **out, const cpnp_orders_config *config,
    const cpnp_env *env)
{
	const cpnp_mem *mem = &env->mem;
	cpnp_orders *orders;
	int err = check_config(config);

	if (err != 0)
		return err;
	orders = mem->alloc(mem->user, sizeof(*orders));
	if (orders == NULL)
		return CPNP_ERR_NOMEM;
	memset(orders, 0, sizeof(*orders));
	orders->env = *env;
	use_config(orders, config);
	cpnp_buf_init(&orders->out, &orders->env.mem, CPNP_MSG_MAX);
	cpnp_buf_init(&orders->scratch, &orders->env.mem, CPNP_AGREEMENT_MAX);
	orders->identity = mem->alloc(mem->user, config->identity.len + 1);
	err = orders->identity == NULL ? CPNP_ERR_NOMEM
				       : cpnp_table_init(orders);
	if (err != 0) {
		cpnp_orders_del(orders);
		return err;
	}
	if (config->identity.len > 0)
		memcpy(orders->identity, config->identity.ptr,
		    config->identity.len);
	orders->config.identity.ptr = orders->identity;
	*out = orders;
	return 0;
}

void
cpnp_orders_del(cpnp_orders *orders)
{
	cpnp_mem mem;
	cpnp_order *order;

	if (orders == NULL)
		return;
	mem = orders->env.mem;
	cpnp_orders_clear_effects(orders);
	if (orders->forgotten != NULL)
		cpnp_order_del(orders, orders->forgotten);
	for (size_t i = 0; i < orders->buckets_n; i++) {
		while ((order = orders->buckets[i]) != NULL) {
			orders->buckets[i] = order->hash_next;
			cpnp_order_del(orders, order);
		}
	}
	cpnp_buf_fini(&orders->out);
	cpnp_buf_fini(&orders->scratch);
	mem.free(mem.user, orders->buckets);
	mem.free(mem.user, orders->heap);
	mem.free(mem.user, orders->identity);
	mem.free(mem.user, orders);
}

size_t
cpnp_orders_count(const cpnp_orders *orders)
{
	return orders->count;
}

size_t
cpnp_orders_memory(const cpnp_orders *orders)
{
	return orders->memory;
}

void
cpnp_orders_set_durable(cpnp_orders *orders, uint64_t number)
{
	if (number > orders->durable)
		orders->durable = number;
}

bool
cpnp_order_is_durable(const cpnp_orders *orders, const cpnp_order *order)
{
	return order->stored <= orders->durable;
}

cpnp_order *
cpnp_orders_find(const cpnp_orders *orders, cpnp_role role,
    cpnp_bytes peer_identity, cpnp_bytes customer_order_id)
{
	return cpnp_table_find(
	    orders, role, peer_identity, customer_order_id);
}

void
cpnp_orders_drop(cpnp_orders *orders, cpnp_order *order)
{
	/* Effects that speak of it are not to be seen any more. */
	for (size_t i = orders->effects_next; i < orders->effects_n; i++)
		if (orders->effects[i].effect.order == order) {
			cpnp_orders_clear_effects(orders);
			break;
		}
	if (order == orders->forgotten)
		orders->forgotten = NULL;
	else
		cpnp_table_remove(orders, order);
	cpnp_order_del(orders, order);
}

/* The QUOTATION in orders->build (RFC 8921, 9.2.1). */
static void
build_quotation(struct order_step *s, const cpnp_quotation *q)
{
	cpnp_msg *msg = cpnp_order_build(s, CPNP_METHOD_QUOTATION);

	if (cpnp_msg_allow(msg, CPNP_ATTR_SEQUENCE_NUMBER))
		msg->sequence_number = s->order->now.out_seq;
	cpnp_order_fill_request(msg, q);
}

static int
check_quotation(const cpnp_orders *orders, const cpnp_quotation *q,
    cpnp_bytes identity, cpnp_now now)
{
	if (!cpnp_order_id_is_valid(q->customer_order_id) ||
	    q->peer_identity.len == 0 || identity.len == 0 ||
	    q->peer_identity.len > CPNP_IDENTITY_MAX ||
	    identity.len > CPNP_IDENTITY_MAX ||
	    q->service_description.len == 0 ||
	    q->path_marks_n > CPNP_PATH_MARKS_MAX)
		return CPNP_ERR_INVALID;
	if (q->has_response_time &&
	    q->expected_response_time.sec <= now.wall.sec)
		return CPNP_ERR_INVALID;
	/* The statement in an ACK answers the one in our ACCEPT. */
	if (q->require_statements && !orders->config.sign)
		return CPNP_ERR_INVALID;
	return 0;
}

/* Fill in a new order and feed it CREATE. */
static int
create(struct order_step *s, const cpnp_quotation *q)
{
	const cpnp_env *env = &s->orders->env;
	struct order_now *o = &s->order->now;
	int err;

	if (env->random(env->user, (uint8_t *)&o->out_seq,
		sizeof(o->out_seq)) != 0)
		return CPNP_ERR_RANDOM;
	o->out_seq &= INT32_MAX; /* contradictions.md, 13 */
	o->has_response_time = q->has_response_time;
	o->response_time = q->expected_response_time;
	o->more_time = q->more_time;
	o->more_time_until = q->more_time_until;
	s->order->require_statements = q->require_statements;
	s->order->is_child = q->is_child;
	build_quotation(s, q);
	err = cpnp_order_encode(s->orders, &o->docs[CPNP_DOC_REQUEST]);
	return err != 0 ? err : cpnp_step_run(s);
}

int
cpnp_orders_create(cpnp_orders *orders, const cpnp_quotation *quotation,
    cpnp_order **order, cpnp_now now)
{
	struct order_step s = {
	    .orders = orders, .event = CPNP_EVENT_CREATE, .now = now};
	cpnp_bytes identity = quotation->identity.len > 0
	    ? quotation->identity
	    : orders->config.identity;
	uint8_t tid[ORDER_TRANSACTION_ID_LEN];
	int err = check_quotation(orders, quotation, identity, now);

	if (err == 0)
		err = cpnp_step_begin(orders);
	if (err != 0)
		return err;
	if (cpnp_table_find(orders, CPNP_CLIENT, quotation->peer_identity,
		quotation->customer_order_id) != NULL)
		return CPNP_ERR_EXISTS;
	if (orders->env.random(orders->env.user, tid, sizeof(tid)) != 0)
		return CPNP_ERR_RANDOM;
	err = cpnp_table_check_memory(orders);
	if (err == 0)
		err = cpnp_table_reserve(orders);
	if (err == 0)
		err = cpnp_order_new(orders, CPNP_CLIENT, quotation->edition,
		    quotation->peer_identity, identity,
		    quotation->customer_order_id,
		    (cpnp_bytes){tid, sizeof(tid)}, &s.order);
	if (err != 0)
		return err;
	cpnp_table_insert(orders, s.order);
	err = create(&s, quotation);
	if (err != 0) {
		cpnp_table_remove(orders, s.order);
		cpnp_order_del(orders, s.order);
		return err;
	}
	*order = s.order;
	return 0;
}

static int
command(cpnp_orders *orders, cpnp_order *order, cpnp_event event,
    cpnp_now now)
{
	struct order_step s = {
	    .orders = orders, .order = order, .event = event, .now = now};

	return cpnp_step_run(&s);
}

int
cpnp_order_start(
    cpnp_orders *orders, cpnp_order *order, uint64_t peer, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_START,
	    .peer = peer,
	    .now = now};

	return peer == 0 ? CPNP_ERR_INVALID : cpnp_step_run(&s);
}

int
cpnp_order_set_peer(cpnp_orders *orders, cpnp_order *order, uint64_t peer,
    bool at_once, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_RETRANS,
	    .now = now};
	struct order_now *o = &order->now;
	int err = cpnp_step_begin(orders);

	if (err != 0)
		return err;
	o->peer = peer;
	/* Whoever asks for it now need not wait for the next cycle. */
	if (at_once && cpnp_order_is_withdrawing(order))
		o->answered = false;
	if (order->role == CPNP_CLIENT && !o->answered)
		o->tries = at_once ? 0 : o->tries;
	o->repeat = 0;
	if (at_once && peer != 0 && order->role == CPNP_CLIENT &&
	    cpnp_order_is_waiting(order))
		return cpnp_step_run(&s);
	cpnp_timer_arm_retrans(orders, order, now);
	cpnp_timer_arm(orders, order, false, now);
	return 0;
}

int
cpnp_order_accept(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	return command(orders, order, CPNP_EVENT_ACCEPT, now);
}

int
cpnp_order_accept_paid(cpnp_orders *orders, cpnp_order *order,
    cpnp_bytes authorization, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_ACCEPT,
	    .authorization = authorization,
	    .now = now};

	return authorization.len == 0 || authorization.len > CPNP_EXTENSION_MAX
	    ? CPNP_ERR_INVALID
	    : cpnp_step_run(&s);
}

int
cpnp_order_decline(cpnp_orders *orders, cpnp_order *order,
    const cpnp_reason *reasons, size_t reasons_n, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_DECLINE,
	    .reasons = reasons,
	    .reasons_n = reasons_n,
	    .now = now};

	return reasons_n > CPNP_REASONS_MAX ? CPNP_ERR_INVALID
					    : cpnp_step_run(&s);
}

int
cpnp_order_cancel(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	return command(orders, order, CPNP_EVENT_CANCEL, now);
}

int
cpnp_order_withdraw(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	return command(orders, order, CPNP_EVENT_WITHDRAW, now);
}

int
cpnp_order_withdraw_paid(cpnp_orders *orders, cpnp_order *order,
    cpnp_bytes authorization, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_WITHDRAW,
	    .authorization = authorization,
	    .now = now};

	return authorization.len == 0 || authorization.len > CPNP_EXTENSION_MAX
	    ? CPNP_ERR_INVALID
	    : cpnp_step_run(&s);
}

int
cpnp_order_update(cpnp_orders *orders, cpnp_order *order,
    const cpnp_update *update, cpnp_now now)
{
	cpnp_quotation request = {
	    .service_description = update->service_description,
	    .has_response_time = true,
	    .expected_response_time = update->expected_response_time,
	    .options = update->options,
	    .customer_description = update->customer_description,
	    .has_activation_type = update->has_activation_type,
	    .activation_type = update->activation_type,
	    .has_activation_schedule = update->has_activation_schedule,
	    .activation_schedule = update->activation_schedule,
	    .more_time = update->more_time,
	    .more_time_until = update->more_time_until,
	    .path_marks = update->path_marks,
	    .path_marks_n = update->path_marks_n,
	    .has_hop_limit = update->has_hop_limit,
	    .hop_limit = update->hop_limit,
	};
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_UPDATE,
	    .request = &request,
	    .now = now};

	if (update->service_description.len == 0 ||
	    update->expected_response_time.sec <= now.wall.sec ||
	    update->path_marks_n > CPNP_PATH_MARKS_MAX)
		return CPNP_ERR_INVALID;
	return cpnp_step_run(&s);
}

int
cpnp_order_activate(cpnp_orders *orders, cpnp_order *order,
    const cpnp_schedule *schedule, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_ACTIVATE,
	    .schedule = schedule,
	    .now = now};

	if (order->edition == CPNP_EDITION_DRAFT02)
		return CPNP_ERR_METHOD;
	if (!schedule->deactivate && schedule->has_end &&
	    (schedule->end.sec <= now.wall.sec ||
		(schedule->has_start &&
		    schedule->end.sec <= schedule->start.sec)))
		return CPNP_ERR_INVALID;
	return cpnp_step_run(&s);
}

int
cpnp_order_grant(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	return command(orders, order, CPNP_EVENT_GRANT, now);
}

int
cpnp_order_set_active(
    cpnp_orders *orders, cpnp_order *order, bool active, cpnp_now now)
{
	return command(orders, order,
	    active ? CPNP_EVENT_SET_ACTIVE : CPNP_EVENT_SET_INACTIVE, now);
}

int
cpnp_order_offer(cpnp_orders *orders, cpnp_order *order,
    const cpnp_offer *offer, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_OFFER,
	    .offer = offer,
	    .now = now};

	if (offer->service_description.len == 0 ||
	    offer->validity.sec <= now.wall.sec ||
	    offer->explanations_n > CPNP_EXPLANATIONS_MAX)
		return CPNP_ERR_INVALID;
	return cpnp_step_run(&s);
}

/* A decision against the client: with a status, and why. */
static int
reject(cpnp_orders *orders, cpnp_order *order, cpnp_event event,
    cpnp_status status, const cpnp_explanation *explanations,
    size_t explanations_n, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = event,
	    .status = status,
	    .explanations = explanations,
	    .explanations_n = explanations_n,
	    .now = now};

	if (status == CPNP_STATUS_NONE ||
	    explanations_n > CPNP_EXPLANATIONS_MAX)
		return CPNP_ERR_INVALID;
	return cpnp_step_run(&s);
}

int
cpnp_order_refuse(cpnp_orders *orders, cpnp_order *order, cpnp_status status,
    const cpnp_explanation *explanations, size_t explanations_n, cpnp_now now)
{
	return reject(orders, order, CPNP_EVENT_REFUSE, status, explanations,
	    explanations_n, now);
}

int
cpnp_order_paid(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	return command(orders, order, CPNP_EVENT_PAID, now);
}

int
cpnp_order_not_paid(cpnp_orders *orders, cpnp_order *order, cpnp_status status,
    const cpnp_explanation *explanations, size_t explanations_n, cpnp_now now)
{
	return reject(orders, order, CPNP_EVENT_NOT_PAID, status, explanations,
	    explanations_n, now);
}

int
cpnp_order_more_time(cpnp_orders *orders, cpnp_order *order,
    cpnp_wtime expected_offer_time, cpnp_subcode subcode, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_MORE_TIME,
	    .offer_time = expected_offer_time,
	    .subcode = subcode,
	    .now = now};

	return order->edition == CPNP_EDITION_DRAFT02 ? CPNP_ERR_METHOD
						      : cpnp_step_run(&s);
}

int
cpnp_order_signed(cpnp_orders *orders, cpnp_order *order,
    cpnp_bytes statement, cpnp_bytes receipt, cpnp_now now)
{
	struct order_step s = {.orders = orders,
	    .order = order,
	    .event = CPNP_EVENT_SIGNED,
	    .statement = statement,
	    .receipt = receipt,
	    .now = now};

	if (statement.len == 0 || statement.len > CPNP_STATEMENT_MAX ||
	    receipt.len > CPNP_RECEIPT_MAX)
		return CPNP_ERR_INVALID;
	return cpnp_step_run(&s);
}

int
cpnp_order_sign_failed(cpnp_orders *orders, cpnp_order *order, cpnp_now now)
{
	return command(orders, order, CPNP_EVENT_SIGN_FAILED, now);
}

cpnp_tstamp
cpnp_orders_expiry(const cpnp_orders *orders)
{
	return orders->heap_n == 0 ? CPNP_NEVER : orders->heap[0]->expiry;
}

int
cpnp_orders_handle_expiry(cpnp_orders *orders, cpnp_now now)
{
	struct order_step s = {.orders = orders, .now = now};
	int err = cpnp_step_begin(orders);

	if (err != 0 || orders->heap_n == 0 ||
	    orders->heap[0]->expiry > now.mono)
		return err;
	s.order = orders->heap[0];
	s.event = cpnp_timer_due(s.order, now);
	if (s.event == CPNP_EVENT_NONE) {
		/* It was put off, and nothing is due any more. */
		cpnp_timer_arm(orders, s.order, false, now);
		return 0;
	}
	if (s.event == CPNP_EVENT_LINGER_EXPIRED &&
	    orders->config.confirm_stores &&
	    s.order->stored > orders->durable) {
		s.order->now.linger = now.mono + orders->config.linger;
		cpnp_timer_arm(orders, s.order, false, now);
		return 0;
	}
	err = cpnp_step_run(&s);
	if (err != 0)
		cpnp_timer_put_off(orders, s.order, now);
	return err;
}

int
cpnp_orders_rearm(cpnp_orders *orders, cpnp_now now)
{
	int err = cpnp_step_begin(orders);

	for (size_t i = 0; err == 0 && i < orders->buckets_n; i++)
		for (cpnp_order *order = orders->buckets[i]; order != NULL;
		     order = order->hash_next)
			cpnp_timer_arm(orders, order, true, now);
	return err;
}

bool
cpnp_orders_next(cpnp_orders *orders, cpnp_effect *effect)
{
	const cpnp_order *order;

	if (orders->effects_next == orders->effects_n)
		return false;
	*effect = orders->effects[orders->effects_next++].effect;
	order = effect->order;
	if (effect->type == CPNP_EFFECT_DECIDE) {
		cpnp_doc doc = order->now.kind == ORDER_KIND_ACTIVATE
		    ? CPNP_DOC_ACTIVATE
		    : CPNP_DOC_REQUEST;

		(void)cpnp_msg_decode(&orders->view,
		    cpnp_blob_bytes(order->now.docs[doc]), NULL);
		effect->u.decide.request = &orders->view;
	}
	if (effect->type == CPNP_EFFECT_OFFER) {
		(void)cpnp_msg_decode(&orders->view,
		    cpnp_blob_bytes(order->now.docs[CPNP_DOC_OFFER]), NULL);
		effect->u.offer.offer = &orders->view;
	}
	if (effect->type == CPNP_EFFECT_PAY) {
		(void)cpnp_msg_decode(&orders->view,
		    cpnp_blob_bytes(order->now.docs[CPNP_DOC_OFFER]), NULL);
		effect->u.pay.authorization =
		    cpnp_order_doc(order, CPNP_DOC_PAYMENT);
		effect->u.pay.settlement_terms = orders->view.settlement_terms;
		effect->u.pay.commit_set = orders->view.commit_set;
	}
	return true;
}
