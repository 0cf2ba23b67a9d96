/*
 * Performing effects.  STORE goes into the batch, SEND waits for it, DECIDE
 * is decided once the others are drained, SIGN at the end of the turn or when
 * its batch is done.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "children.h"
#include "ledger.h"

void
cpnpd_log_order(int level, const cpnp_order *order, const char *format, ...)
{
	cpnp_bytes customer = cpnp_order_customer_id(order);
	cpnp_bytes provider = cpnp_order_provider_id(order);
	cpnp_bytes peer = cpnp_order_peer_identity(order);
	char line[CPNP_LOG_LINE_MAX];
	va_list ap;
	int n;

	if (!cpnp_log_is_on((cpnp_log_level)level))
		return;
	n = snprintf(line, sizeof(line), "order %.*s/%.*s peer %.*s: ",
	    ID_WORDS(customer), ID_WORDS(provider), ID_WORDS(peer));
	if (n < 0 || (size_t)n >= sizeof(line))
		return;
	va_start(ap, format);
	vsnprintf(line + n, sizeof(line) - (size_t)n, format, ap);
	va_end(ap);
	cpnpd_log_line((cpnp_log_level)level, line);
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
	struct use *use;
	uint64_t was = cpnp_order_user(order);
	uint64_t was_open = was & ORDER_USER_OPEN;
	uint64_t was_memory = was / ORDER_USER_BYTE;

	if (cpnp_order_role(order) == CPNP_CLIENT)
		return; /* no customer's */
	use = cpnpd_use(d, cpnp_order_peer_identity(order));
	cpnp_order_set_user(order, memory * ORDER_USER_BYTE |
	    (was & (ORDER_USER_WAITS | ORDER_USER_PAYS |
		ORDER_USER_FAMILY)) |
	    (is_open ? ORDER_USER_OPEN : 0));
	if (use == NULL)
		return;
	use->open -= use->open < was_open ? use->open : was_open;
	use->open += is_open;
	use->memory -= use->memory < was_memory ? use->memory : was_memory;
	use->memory += memory;
}

/* One that rests is counted there. */
void
cpnpd_rest_order(struct daemon *d, cpnp_order *order)
{
	count_order(d, order, false, 0);
	cpnpd_rest_count(d, cpnp_order_peer_identity(order), 1);
	cpnp_orders_drop(d->orders, order);
	d->counters.rested++;
}

void
cpnpd_drop_order(struct daemon *d, cpnp_order *order)
{
	count_order(d, order, false, 0);
	cpnpd_approval_over(d, order, NULL);
	cpnpd_ledger_forget(d, order);
	cpnpd_children_forget(d, order);
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

static int
know_hold(void *user, const cpnp_store_held *held)
{
	struct daemon *d = user;

	return held->hold.bought
	    ? cpnp_capacity_know(d->capacity, held->order_ref,
		  held->peer_identity, &held->hold)
	    : 0;
}

int
cpnpd_know_holds(struct daemon *d, const cpnp_order *order)
{
	return cpnp_capacity_is_known(d->capacity, cpnp_order_ref(order))
	    ? 0 : cpnp_store_order_holds(d->store, order, know_hold, d);
}

/* An agreement has ended: what it bought, when it is not known here, is as
 * the store has it. */
static int
free_bought(struct daemon *d, struct batch *b, const cpnp_order *order)
{
	const uint8_t *ref = cpnp_order_ref(order);
	int err = 0;

	if (!cpnp_capacity_is_known(d->capacity, ref))
		err = cpnp_store_order_holds(d->store, order, give_back, d);
	cpnp_capacity_end(d->capacity, ref);
	return err != 0 ? err : cpnp_store_drop_holds(b->store, order);
}

/* The rows of an order as they are known, to the store. */
static int
put_rows(struct daemon *d, struct batch *b, const cpnp_order *order)
{
	cpnp_store_hold *rows;
	size_t n;
	int err = cpnp_capacity_rows(
	    d->capacity, cpnp_order_ref(order), &rows, &n);

	if (err == 0)
		err = cpnp_store_put_holds(b->store, order, rows, n);
	free(rows);
	return err;
}

static bool
stands(cpnp_agreement_state agreement)
{
	return agreement == CPNP_AGREEMENT_COMPLETED ||
	    agreement == CPNP_AGREEMENT_ACTIVE;
}

/* The new agreement is in the place of the old one. */
static bool
is_updated(const cpnp_effect *e)
{
	return e->u.store.to == CPNP_STATE_COMPLETED &&
	    e->u.store.from != CPNP_STATE_COMPLETED &&
	    e->u.store.from != CPNP_STATE_CANCELLED &&
	    cpnp_order_transaction(e->order) == CPNP_METHOD_UPDATE;
}

/*
 * What an order holds follows its state: held by an offer, bought by the
 * agreement, given back when there is none or it has ended.  While an UPDATE
 * is open there are rows of both kinds; its ACK leaves the new ones, its
 * failure the old ones (contradictions.md, 33).
 */
static int
store_holds(struct daemon *d, struct batch *b, const cpnp_effect *e)
{
	const uint8_t *ref = cpnp_order_ref(e->order);
	int err;

	if (e->u.store.agreement_from == CPNP_AGREEMENT_NONE &&
	    stands(e->u.store.agreement_to)) {
		cpnp_capacity_buy(d->capacity, ref);
		return cpnp_store_buy_holds(b->store, e->order);
	}
	if (e->u.store.agreement_to == CPNP_AGREEMENT_ENDED &&
	    e->u.store.agreement_from != CPNP_AGREEMENT_ENDED)
		return free_bought(d, b, e->order);
	if (is_updated(e)) {
		err = cpnpd_know_holds(d, e->order);
		cpnp_capacity_buy(d->capacity, ref);
		return err != 0 ? err : put_rows(d, b, e->order);
	}
	if (e->u.store.to == CPNP_STATE_CANCELLED &&
	    e->u.store.from != CPNP_STATE_CANCELLED) {
		err = cpnp_capacity_release(d->capacity, ref);
		if (err != 0)
			return err;
		if (!stands(e->u.store.agreement_to))
			return cpnp_store_drop_holds(b->store, e->order);
		/* what is not known was not touched */
		return cpnp_capacity_is_known(d->capacity, ref)
		    ? put_rows(d, b, e->order) : 0;
	}
	return cpnp_capacity_take_changed(d->capacity, ref)
	    ? put_rows(d, b, e->order) : 0;
}

static void
count_child(struct daemon *d, const cpnp_effect *e)
{
	if (e->u.store.agreement_from == CPNP_AGREEMENT_NONE &&
	    e->u.store.agreement_to == CPNP_AGREEMENT_COMPLETED)
		d->counters.children_agreed++;
	if (e->u.store.from != CPNP_STATE_CANCELLED &&
	    e->u.store.to == CPNP_STATE_CANCELLED)
		d->counters.children_lost++;
}

static void
count_transition(struct daemon *d, const cpnp_effect *e)
{
	if (cpnp_order_role(e->order) == CPNP_CLIENT) {
		count_child(d, e);
		return;
	}
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

/* Nothing that was asked for waits any more. */
static bool
is_decided(const cpnp_effect *e)
{
	return (e->u.store.from == CPNP_STATE_AWAITING_PROCESSING &&
	    e->u.store.to != CPNP_STATE_AWAITING_PROCESSING) ||
	    e->u.store.event == CPNP_EVENT_GRANT ||
	    e->u.store.event == CPNP_EVENT_REFUSE ||
	    e->u.store.agreement_to == CPNP_AGREEMENT_ENDED;
}

static void
do_store(struct daemon *d, const cpnp_effect *e, uint64_t *tag, cpnp_now now)
{
	struct batch *b = cpnpd_batch(d);
	struct key *key = cpnpd_key_new(e->order);
	bool is_ours = cpnp_order_role(e->order) == CPNP_SERVER;
	cpnp_wtime service;
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
		key->rest_at = e->u.store.to == CPNP_STATE_OFFER_PROPOSED &&
		    e->u.store.from != CPNP_STATE_OFFER_PROPOSED;
		key->next = b->touched;
		b->touched = key;
		key = NULL;
		/* The ACK will want a receipt for what the ACCEPT said, soon
		 * unless it is paid for first. */
		*tag = is_ours && e->u.store.event == CPNP_EVENT_RECV_ACCEPT &&
			cpnp_order_doc(e->order, CPNP_DOC_PAYMENT).len == 0
		    ? d->next_tag++ : 0;
		b->newest = e->u.store.number;
		if (is_ours && cpnp_store_next_date(e->order, &service) &&
		    service.sec < b->service_at.sec)
			b->service_at = service;
		err = cpnp_store_put(b->store, e, *tag);
	}
	if (err == 0 && is_ours)
		err = cpnpd_ledger_stored(d, b, e, now);
	if (err == 0 && is_ours)
		err = store_holds(d, b, e);
	cpnpd_children_changed(d, e);
	if (is_ours && is_decided(e))
		cpnpd_approval_over(d, e->order, err == 0 ? b : NULL);
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
			cpnp_capacity_forget(
			    d->capacity, cpnp_order_ref(e.order));
			cpnpd_approval_over(d, e.order, NULL);
			cpnpd_ledger_forget(d, e.order);
			cpnpd_children_forget(d, e.order);
			break;
		case CPNP_EFFECT_OFFER: /* of a client, as the next two */
		case CPNP_EFFECT_END:
			cpnpd_children_changed(d, &e);
			break;
		case CPNP_EFFECT_ALARM:
			cpnpd_log_order(CPNP_LOG_ERROR, e.order, "ALARM: the "
			    "neighbour does not acknowledge the withdrawal; "
			    "its service may still run; it is tried again");
			break;
		case CPNP_EFFECT_TIME:
			cpnpd_approval_time(d, e.order, e.u.time.granted,
			    e.u.time.expected_offer_time, now);
			cpnpd_children_time(d, e.order, e.u.time.granted);
			break;
		case CPNP_EFFECT_PAY:
			if (cpnpd_children_pay(d, e.order)) {
				/* they are agreed first */
			} else if (d->ledger != NULL) {
				cpnpd_ledger_pay(d, &e, now);
			} else {
				*order = e.order;
				*request = NULL;
			}
			break;
		}
	}
	return *order != NULL;
}

void
cpnpd_refuse_payment(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	const cpnp_explanation why = {.clause = CPNP_BYTES_LIT("PAYMENT"),
	    .reason = CPNP_BYTES_LIT("the provider has no ledger")};
	int err = cpnp_order_not_paid(
	    d->orders, order, CPNP_STATUS_OUT_OF_RESOURCES, &why, 1, now);

	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

void
cpnpd_drain_effects(struct daemon *d, cpnp_now now)
{
	const cpnp_msg *request = NULL;
	cpnp_order *order;

	while (drain_once(d, &order, &request, now))
		if (request != NULL)
			cpnpd_decide(d, order, request, now);
		else
			cpnpd_refuse_payment(d, order, now);
}

void
cpnpd_drain(struct daemon *d, cpnp_now now)
{
	do
		cpnpd_drain_effects(d, now);
	while (cpnpd_ledger_answer(d, now) || cpnpd_children_answer(d, now));
}

int
cpnpd_load_row(struct daemon *d, const cpnp_store_row *row, cpnp_now now)
{
	cpnp_order *order;
	struct key *key;
	int err = cpnp_orders_load(
	    d->orders, row->saved, row->docs, &order, now);

	if (err != 0)
		return err;
	d->counters.loaded++;
	if (cpnp_store_row_rests(row)) {
		cpnpd_rest_count(d, row->peer_identity, -1);
		key = cpnpd_key_new(order);
		if (key != NULL)
			cpnpd_rest_later(d, key, now);
	}
	count_order(d, order, !cpnp_order_is_settled(order),
	    cpnp_order_memory(order));
	if (row->role == CPNP_CLIENT) {
		cpnpd_drain(d, now);
		err = cpnpd_children_loaded(d, order, now);
		cpnpd_drain(d, now);
		return err;
	}
	cpnpd_approval_load(d, order, row->note);
	/* What it asks for again is asked of its family. */
	err = cpnpd_children_loaded(d, order, now);
	cpnpd_drain(d, now);
	if (row->note.len > 0)
		cpnpd_approval_loaded(d, order);
	return err;
}
