/*
 * Performing effects.  STORE goes into the batch, SEND waits for it, DECIDE
 * is decided at once, SIGN at the end of the turn or when its batch is done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "decide.h"

#define WORDS(b) (int)(b).len, (const char *)(b).ptr

/* What cpnp_order_user() keeps: the order is counted as open, and above that
 * the bytes that were counted. */
#define USER_OPEN UINT64_C(1)
#define USER_BYTE UINT64_C(2)

void
cpnpd_log_order(int level, const cpnp_order *order, const char *format, ...)
{
	cpnp_bytes customer = cpnp_order_customer_id(order);
	cpnp_bytes provider = cpnp_order_provider_id(order);
	cpnp_bytes peer = cpnp_order_peer_identity(order);
	char text[768];
	va_list ap;

	if (!cpnp_log_is_on((cpnp_log_level)level))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	cpnp_log((cpnp_log_level)level, "order %.*s/%.*s peer %.*s: %s",
	    ID_WORDS(customer), ID_WORDS(provider), ID_WORDS(peer), text);
}

/* ---- what each customer uses ---- */

struct use *
cpnpd_use(const struct daemon *d, cpnp_bytes identity)
{
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, identity);

	return c == NULL ? NULL : &d->use[c - d->conf->customers];
}

/* Count what an order is now in the place of what was counted before, which
 * cpnp_order_user() keeps.  One that a reload has left out is not there. */
static void
count_order(
    struct daemon *d, cpnp_order *order, bool is_open, uint64_t memory)
{
	struct use *use = cpnpd_use(d, cpnp_order_peer_identity(order));
	uint64_t was = cpnp_order_user(order);
	uint64_t was_open = was & USER_OPEN, was_memory = was / USER_BYTE;

	cpnp_order_set_user(
	    order, memory * USER_BYTE | (is_open ? USER_OPEN : 0));
	if (use == NULL)
		return;
	use->open -= use->open < was_open ? use->open : was_open;
	use->open += is_open;
	use->memory -= use->memory < was_memory ? use->memory : was_memory;
	use->memory += memory;
}

void
cpnpd_drop_order(struct daemon *d, cpnp_order *order)
{
	count_order(d, order, false, 0);
	cpnp_orders_drop(d->orders, order);
}

/* ---- STORE ---- */

static void
log_transition(const struct daemon *d, const cpnp_effect *e)
{
	cpnp_status status = cpnp_order_status(e->order);
	char address[CPNP_NET_ADDRESS_MAX] = "";

	if (!cpnp_log_is_on(CPNP_LOG_INFO) ||
	    (e->u.store.from == e->u.store.to &&
		e->u.store.agreement_from == e->u.store.agreement_to))
		return;
	if (d->from != CPNP_PEER_NONE)
		(void)cpnp_net_peer_address(d->net, d->from, address);
	cpnpd_log_order(CPNP_LOG_INFO, e->order,
	    "%s -> %s, reason: %s%s%s%s%s%s%s",
	    e->u.store.from == CPNP_STATE_NONE
		? "none" : cpnp_state_name(e->u.store.from),
	    cpnp_state_name(e->u.store.to),
	    cpnp_event_name(e->u.store.event),
	    address[0] != '\0' ? " from " : "", address,
	    e->u.store.detail != NULL ? ", " : "",
	    e->u.store.detail != NULL ? e->u.store.detail : "",
	    status != CPNP_STATUS_NONE ? ", FAIL " : "",
	    status != CPNP_STATUS_NONE ? cpnp_status_text(status) : "");
}

static int
give_back(void *user, const cpnp_store_held *held)
{
	struct daemon *d = user;

	return cpnp_capacity_give_back(d->capacity, &held->hold);
}

/* An agreement has ended: what it bought is as the store has it, committed
 * before the customer could know the nonce. */
static int
free_bought(struct daemon *d, struct batch *b, const cpnp_order *order)
{
	int err = cpnp_store_order_holds(d->store, order, give_back, d);

	return err != 0 ? err : cpnp_store_drop_holds(b->store, order);
}

/* What an order holds follows its state: held by an offer, bought by the
 * agreement, given back when there is none or it has ended. */
static int
store_holds(struct daemon *d, struct batch *b, const cpnp_effect *e)
{
	const uint8_t *ref = cpnp_order_ref(e->order);
	cpnp_store_hold *rows;
	size_t n;
	int err = 0;

	if (e->u.store.agreement_from == CPNP_AGREEMENT_NONE &&
	    e->u.store.agreement_to == CPNP_AGREEMENT_COMPLETED) {
		cpnp_capacity_buy(d->capacity, ref);
		return cpnp_store_buy_holds(b->store, e->order);
	}
	if (e->u.store.to == CPNP_STATE_CANCELLED &&
	    e->u.store.from != CPNP_STATE_CANCELLED &&
	    e->u.store.agreement_to == CPNP_AGREEMENT_NONE) {
		cpnp_capacity_release(d->capacity, ref);
		return cpnp_store_drop_holds(b->store, e->order);
	}
	if (e->u.store.agreement_to == CPNP_AGREEMENT_ENDED &&
	    e->u.store.agreement_from != CPNP_AGREEMENT_ENDED)
		return free_bought(d, b, e->order);
	if (!cpnp_capacity_take_changed(d->capacity, ref))
		return 0;
	err = cpnp_capacity_rows(d->capacity, ref, &rows, &n);
	if (err == 0)
		err = cpnp_store_put_holds(b->store, e->order, rows, n);
	free(rows);
	return err;
}

static void
count_transition(struct daemon *d, const cpnp_effect *e)
{
	if (e->u.store.from == CPNP_STATE_NONE)
		d->counters.orders++;
	if (e->u.store.from == e->u.store.to)
		return;
	if (e->u.store.agreement_from == CPNP_AGREEMENT_NONE &&
	    e->u.store.agreement_to == CPNP_AGREEMENT_COMPLETED)
		d->counters.completed++;
	/* an UPDATE that comes to nothing leaves its agreement */
	if (e->u.store.to == CPNP_STATE_CANCELLED &&
	    (e->u.store.agreement_to == CPNP_AGREEMENT_NONE ||
		e->u.store.agreement_to == CPNP_AGREEMENT_ENDED))
		d->counters.cancelled++;
}

static void
do_store(struct daemon *d, const cpnp_effect *e, uint64_t *tag, cpnp_now now)
{
	struct batch *b = cpnpd_batch(d);
	struct key *key = cpnpd_key_new(e->order);
	int err = b == NULL || key == NULL ? CPNP_ERR_NOMEM : 0;

	if (err != 0) {
		cpnpd_lose(d, key, e->order);
		key = NULL;
	}
	log_transition(d, e);
	count_transition(d, e);
	count_order(d, e->order, !cpnp_order_is_settled(e->order),
	    cpnp_order_memory(e->order));
	if (err == 0) {
		key->next = b->touched;
		b->touched = key;
		key = NULL;
		/* The ACK will want a receipt for what the ACCEPT said. */
		*tag = e->u.store.event == CPNP_EVENT_RECV_ACCEPT
		    ? d->next_tag++ : 0;
		b->newest = e->u.store.number;
		err = cpnp_store_put(b->store, e, *tag);
	}
	if (err == 0)
		err = store_holds(d, b, e);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

/* ---- SEND, SIGN ---- */

static void
do_send(struct daemon *d, const cpnp_effect *e, cpnp_now now)
{
	if (e->u.send.peer == CPNP_PEER_NONE)
		return;
	if (e->u.send.fail &&
	    !cpnp_net_may_fail(d->net, e->u.send.peer, now)) {
		d->counters.fails_limited++;
		return;
	}
	if (e->order != NULL &&
	    cpnpd_is_long(d, e->u.send.peer, e->u.send.bytes.len))
		cpnp_order_set_arrival(d->orders, e->order,
		    now.mono + CPNP_PARTS_TIME_MAX, now);
	cpnpd_send_later(
	    d, e->u.send.peer, e->u.send.bytes, e->u.send.again, now);
}

static void
do_sign(struct daemon *d, const cpnp_effect *e, uint64_t tag, cpnp_now now)
{
	cpnp_bytes payload = e->u.sign.payload;
	struct signing *s = calloc(1, sizeof(*s) + payload.len);
	struct batch *b = cpnpd_batch_newest(d);

	if (s != NULL)
		s->key = cpnpd_key_new(e->order);
	if (s == NULL || s->key == NULL) {
		free(s);
		cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM), now);
		return;
	}
	s->len = payload.len;
	memcpy(s->payload, payload.ptr, payload.len);
	if (e->u.sign.wants_receipt && tag == 0) {
		/* The leaf is of another batch, or of before a restart. */
		tag = d->next_tag++;
		b = cpnpd_batch(d);
		if (b == NULL || cpnp_store_want_receipt(b->store, e->order,
				     CPNP_EVENT_RECV_ACCEPT, tag) != 0)
			tag = 0;
	}
	if (e->u.sign.wants_receipt)
		s->receipt_tag = tag;
	if (e->u.sign.after_commit && b != NULL) {
		*b->sign_end = s;
		b->sign_end = &s->next;
	} else {
		*d->sign_end = s;
		d->sign_end = &s->next;
	}
}

/* ---- DECIDE ---- */

static void
log_decision(const cpnp_order *order, const cpnp_decision *decision)
{
	const cpnp_explanation *x;
	size_t i;

	for (i = 0; i < decision->explanations_n; i++) {
		x = &decision->explanations[i];
		cpnpd_log_order(CPNP_LOG_INFO, order,
		    "%s, %.*s: %.*s%s%.*s", decision->status ==
			CPNP_STATUS_NONE ? "counter-offer" : "refusal",
		    WORDS(x->clause), WORDS(x->reason),
		    x->would_fit.len > 0 ? "; would fit: " : "",
		    WORDS(x->would_fit));
	}
}

/* Whoever provisions the service learns of it from the events. */
static void
decide_activate(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	cpnp_decision decision = {0};
	cpnp_agreement agreement;
	int err = cpnp_order_get_agreement(order, &agreement);

	if (err == 0)
		err = cpnp_decide_activate(
		    &decision, agreement.service_description);
	if (err == 0 && decision.status == CPNP_STATUS_NONE) {
		err = cpnp_order_grant(d->orders, order, now);
	} else {
		log_decision(order, &decision);
		err = cpnp_order_refuse(d->orders, order,
		    err != 0 ? CPNP_STATUS_OUT_OF_RESOURCES : decision.status,
		    decision.explanations, decision.explanations_n, now);
		d->counters.refusals++;
	}
	if (err != 0)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the ACTIVATE could not be answered: %s",
		    cpnp_strerror(err));
	cpnp_decision_fini(&decision);
}

/* An agreement is changed by nobody here. */
static void
prohibit(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	int err = cpnp_order_refuse(d->orders, order,
	    CPNP_STATUS_ADMINISTRATIVELY_PROHIBITED, NULL, 0, now);

	d->counters.refusals++;
	if (err != 0)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the refusal could not be given: %s", cpnp_strerror(err));
}

static void
decide(struct daemon *d, cpnp_order *order, const cpnp_msg *request,
    cpnp_now now)
{
	cpnp_bytes identity = cpnp_order_peer_identity(order);
	const cpnp_conf_customer *c =
	    cpnp_conf_customer_find(d->conf, identity);
	cpnp_decide_input in = {.catalogue = d->catalogue,
		.capacity = d->capacity, .request = request,
		.order_ref = cpnp_order_ref(order), .customer = identity,
		.held_max = c != NULL ? c->held_max : 0,
		.open_max = c != NULL ? c->open_max : 0, .now = now.wall};
	cpnp_decision decision;
	int err;

	if (request->method == CPNP_METHOD_ACTIVATE) {
		decide_activate(d, order, now);
		return;
	}
	if (request->method != CPNP_METHOD_QUOTATION) {
		prohibit(d, order, now);
		return;
	}
	in.open = c != NULL ? cpnpd_use(d, identity)->open : 1;
	err = cpnp_decide(&decision, &in);
	if (err == 0)
		log_decision(order, &decision);
	if (err == 0 && decision.status == CPNP_STATUS_NONE) {
		err = cpnp_order_offer(
		    d->orders, order, &decision.offer, now);
		d->counters.offers++;
	}
	if (err != 0 || decision.status != CPNP_STATUS_NONE) {
		if (err != 0)
			cpnpd_log_order(CPNP_LOG_ERROR, order,
			    "no offer could be made: %s", cpnp_strerror(err));
		cpnp_capacity_release(d->capacity, in.order_ref);
		err = cpnp_order_refuse(d->orders, order,
		    err != 0 ? CPNP_STATUS_OUT_OF_RESOURCES : decision.status,
		    decision.explanations,
		    err != 0 ? 0 : decision.explanations_n, now);
		d->counters.refusals++;
	}
	if (err != 0)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "the decision could not be given: %s",
		    cpnp_strerror(err));
	cpnp_decision_fini(&decision);
}

/* ---- all of them ---- */

static bool
drain_once(struct daemon *d, cpnp_order **order, const cpnp_msg **request,
    cpnp_now now)
{
	cpnp_effect e;
	uint64_t tag = 0;

	*order = NULL;
	while (cpnp_orders_next(d->orders, &e)) {
		switch (e.type) {
		case CPNP_EFFECT_STORE:
			do_store(d, &e, &tag, now);
			break;
		case CPNP_EFFECT_SEND:
			do_send(d, &e, now);
			break;
		case CPNP_EFFECT_DECIDE:
			*order = e.order;
			*request = e.u.decide.request;
			break;
		case CPNP_EFFECT_SIGN:
			do_sign(d, &e, tag, now);
			break;
		case CPNP_EFFECT_FORGET:
			count_order(d, e.order, false, 0);
			break;
		case CPNP_EFFECT_OFFER: /* of a client only */
		case CPNP_EFFECT_END:
		case CPNP_EFFECT_ALARM:
		case CPNP_EFFECT_TIME:
			break;
		}
	}
	return *order != NULL;
}

void
cpnpd_drain(struct daemon *d, cpnp_now now)
{
	const cpnp_msg *request = NULL;
	cpnp_order *order;

	while (drain_once(d, &order, &request, now))
		decide(d, order, request, now);
}

int
cpnpd_load_row(struct daemon *d, const cpnp_store_row *row, cpnp_now now)
{
	cpnp_order *order;
	int err = cpnp_orders_load(
	    d->orders, row->saved, row->docs, &order, now);

	if (err != 0)
		return err;
	d->counters.loaded++;
	count_order(d, order, !cpnp_order_is_settled(order),
	    cpnp_order_memory(order));
	cpnpd_drain(d, now);
	return 0;
}
