/*
 * What orders do while they are paid for, and afterwards: a CANCEL takes a
 * payment back, and a service that rests or ends is not paid for.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "approval.h"
#include "ledger.h"

/* Of an escrow: authorized, posted, ended. */
#define HISTORY_MAX 8
#define HAS(op, name) (((op)->has & CPNP_OP_FIELD_BIT(name)) != 0)

void
cpnpd_ledger_forget(struct daemon *d, cpnp_order *order)
{
	struct payment *p;
	uint8_t escrow[CPNP_SHA256_LEN];

	if ((cpnp_order_user(order) & ORDER_USER_PAYS) == 0)
		return;
	cpnp_order_set_user(
	    order, cpnp_order_user(order) & ~ORDER_USER_PAYS);
	if (cpnpd_ledger_read(cpnp_order_doc(order, CPNP_DOC_PAYMENT), NULL,
		escrow) != 0)
		return;
	p = cpnpd_ledger_find_payment(d->ledger, escrow);
	if (p != NULL)
		cpnpd_ledger_forget_payment(d->ledger, p);
}

/* The payment that the agreement rests on: its authorization. */
static cpnp_bytes
agreed_payment(const cpnp_order *order)
{
	cpnp_bytes standing =
	    cpnp_order_doc(order, CPNP_DOC_STANDING_PAYMENT);

	/* While an UPDATE is open the old one stands, paid or not. */
	if (standing.len > 0 ||
	    cpnp_order_doc(order, CPNP_DOC_STANDING_OFFER).len > 0)
		return standing;
	return cpnp_order_doc(order, CPNP_DOC_PAYMENT);
}

/* Has what an escrow pays for not lasted as long as it could? */
static bool
is_early(const struct ledger *l, const cpnp_op *op,
    const uint8_t escrow[CPNP_SHA256_LEN])
{
	cpnp_outcome history[HISTORY_MAX];
	uint64_t indexes[HISTORY_MAX];
	cpnp_wtime from = {op->start};
	size_t n = 0, i;
	bool is_known = HAS(op, START);

	if (!is_known && cpnp_bridge_accepted(l->bridge, escrow, history,
		indexes, HISTORY_MAX, &n) != 0)
		return false;
	for (i = 0; i < n; i++)
		if (history[i].kind == CPNP_FACT_POSTED)
			is_known = cpnp_bridge_time(l->bridge,
			    history[i].position, &from) == 0;
	return is_known && l->time.sec < from.sec + (int64_t)op->duration;
}

/* Does the agreement itself say when its service ends? */
static bool
has_end(const cpnp_order *order)
{
	cpnp_agreement agreement;

	return cpnp_order_get_standing(order, &agreement) == 0 &&
	    agreement.has_activation_schedule &&
	    agreement.activation_schedule.has_end;
}

void
cpnpd_ledger_unpaid(struct daemon *d, cpnp_order *order,
    const uint8_t escrow[CPNP_SHA256_LEN], bool over, cpnp_now now)
{
	uint8_t agreed[CPNP_SHA256_LEN];
	bool is_stopped;
	cpnp_op op;
	int err;

	if (cpnp_order_agreement_state(order) != CPNP_AGREEMENT_ACTIVE ||
	    cpnpd_ledger_read(agreed_payment(order), &op, agreed) != 0 ||
	    memcmp(agreed, escrow, CPNP_SHA256_LEN) != 0)
		return;
	is_stopped = !over || is_early(d->ledger, &op, escrow);
	if (is_stopped ? !over && op.idle_paid : has_end(order))
		return;
	err = cpnp_order_set_active(d->orders, order, false, now);
	if (err == 0)
		cpnpd_remark(d, order, now,
		    is_stopped
			? "the customer has stopped its payment at the ledger"
			: "the time that was paid for is over");
	else
		cpnpd_log_order(CPNP_LOG_ERROR, order, "is not paid any more, "
		    "and cannot be deactivated: %s", cpnp_strerror(err));
}

static bool
starts_by_itself(const cpnp_order *order)
{
	cpnp_agreement agreement;

	return cpnp_order_get_standing(order, &agreement) == 0 &&
	    agreement.has_activation_schedule &&
	    agreement.activation_schedule.has_start;
}

struct withdrawing {
	struct daemon *d;
	cpnp_now now;
};

static int
withdraw_posted(void *user, const cpnp_store_payment *payment)
{
	const struct withdrawing *w = user;

	if (payment->state == CPNP_STORE_PAYMENT_POSTED)
		cpnpd_ledger_want(
		    w->d, CPNP_OP_WITHDRAW, payment->id, false, w->now);
	return 0;
}

/* An agreement that costs nothing has taken the place of a paid one. */
static int
withdraw_old(struct daemon *d, const cpnp_order *order, cpnp_now now)
{
	struct withdrawing w = {d, now};

	return cpnp_store_each_payment(d->store,
	    cpnp_order_peer_identity(order), cpnp_order_customer_id(order),
	    withdraw_posted, &w);
}

/* The payer's own word that it withdraws, so that nobody holds that against the
 * payee: what came with the WITHDRAW, when the log would take it. */
static bool
is_payers_word(struct daemon *d, cpnp_bytes word, cpnp_bytes payer,
    const uint8_t escrow[CPNP_SHA256_LEN], uint8_t digest[CPNP_SHA256_LEN])
{
	cpnp_diag diag = {0};
	cpnp_op op;

	return cpnpd_ledger_read(word, &op, digest) == 0 &&
	    op.type == CPNP_OP_WITHDRAW &&
	    memcmp(op.ledger, d->ledger->id, sizeof(op.ledger)) == 0 &&
	    cpnp_bytes_equal(op.account, payer) &&
	    cpnp_bytes_equal(
		op.subject, (cpnp_bytes){escrow, CPNP_SHA256_LEN}) &&
	    cpnpd_ledger_check(d, word, &diag) == 0;
}

/* An agreement has ended before its time. */
static int
withdraw(struct daemon *d, const cpnp_effect *e, cpnp_bytes payer,
    const uint8_t escrow[CPNP_SHA256_LEN], cpnp_now now)
{
	const cpnp_msg *m = d->message;
	uint8_t digest[CPNP_SHA256_LEN];

	if (e->u.store.event == CPNP_EVENT_RECV_WITHDRAW && m != NULL &&
	    cpnp_msg_has(m, CPNP_ATTR_PAYMENT_AUTHORIZATION) &&
	    is_payers_word(
		d, m->payment_authorization, payer, escrow, digest))
		return cpnpd_ledger_add_signed(d, CPNP_OP_WITHDRAW, digest,
		    escrow, m->payment_authorization);
	cpnpd_ledger_want(d, CPNP_OP_WITHDRAW, escrow, false, now);
	return 0;
}

/* The service of an agreement begins, rests, goes on or ends: so does what it
 * is paid. */
static int
follow_agreement(struct daemon *d, const cpnp_effect *e, cpnp_now now)
{
	cpnp_agreement_state from = e->u.store.agreement_from;
	cpnp_agreement_state to = e->u.store.agreement_to;
	bool is_new = e->u.store.to == CPNP_STATE_COMPLETED &&
	    e->u.store.from == CPNP_STATE_ACCEPT_RECEIVED;
	uint8_t escrow[CPNP_SHA256_LEN];
	cpnp_bytes doc;
	cpnp_op op;
	int err;

	if (from == to && !is_new)
		return 0;
	doc = agreed_payment(e->order);
	if (doc.len == 0)
		return is_new && from != CPNP_AGREEMENT_NONE
		    ? withdraw_old(d, e->order, now) : 0;
	err = cpnpd_ledger_read(doc, &op, escrow);
	if (err != 0)
		return err;
	if (to == CPNP_AGREEMENT_ENDED) {
		/* The agreed end ends the escrow by itself. */
		if (e->u.store.event != CPNP_EVENT_SERVICE_END)
			return withdraw(d, e, op.account, escrow, now);
	} else if (op.idle_paid) {
		return 0;
	} else if (is_new) {
		if (to == CPNP_AGREEMENT_COMPLETED &&
		    !(HAS(&op, START) && starts_by_itself(e->order)))
			cpnpd_ledger_want(
			    d, CPNP_OP_ACTIVATE, escrow, false, now);
	} else {
		cpnpd_ledger_want(d, CPNP_OP_ACTIVATE, escrow,
		    to == CPNP_AGREEMENT_ACTIVE, now);
	}
	return 0;
}

struct finding {
	const struct key *key;
	struct payment *found;
};

static void
compare_key(const void *node, VISIT visit, void *user)
{
	struct payment *p = *(struct payment *const *)node;
	struct finding *f = user;

	if ((visit == postorder || visit == leaf) &&
	    p->key->identity_len == f->key->identity_len &&
	    p->key->id_len == f->key->id_len &&
	    memcmp(p->key->bytes, f->key->bytes,
		f->key->identity_len + f->key->id_len) == 0)
		f->found = p;
}

/* The payment that an order waits for, whatever its documents say. */
static struct payment *
payment_of(const struct ledger *l, const cpnp_order *order)
{
	struct key *key = cpnpd_key_new(order);
	struct finding f = {.key = key};

	if (key != NULL)
		twalk_r(l->payments, compare_key, &f);
	free(key);
	return f.found;
}

/* The order has ended while it was being paid for: by a CANCEL that came
 * before anything bound. */
static int
end_unpaid(struct daemon *d, cpnp_order *order, cpnp_now now)
{
	cpnp_bytes doc = cpnp_order_doc(order, CPNP_DOC_PAYMENT);
	uint8_t escrow[CPNP_SHA256_LEN];
	struct payment *p;

	/* an UPDATE that is over has left the documents of before */
	p = NULL;
	if (doc.len > 0 && cpnpd_ledger_read(doc, NULL, escrow) == 0)
		p = cpnpd_ledger_find_payment(d->ledger, escrow);
	if (p == NULL)
		p = payment_of(d->ledger, order);
	cpnp_order_set_user(
	    order, cpnp_order_user(order) & ~ORDER_USER_PAYS);
	if (p == NULL)
		return 0;
	return cpnpd_ledger_take_back(d, order, p, now);
}

int
cpnpd_ledger_stored(struct daemon *d, struct batch *b,
    const cpnp_effect *e, cpnp_now now)
{
	struct ledger *l = d->ledger;
	int err = 0;

	if (l == NULL)
		return 0;
	if (l->leaf.len > 0 && (e->u.store.event == CPNP_EVENT_PAID ||
				   e->u.store.event == CPNP_EVENT_NOT_PAID))
		err = cpnp_store_add_outcome(b->store, l->leaf);
	if (err == 0 && (cpnp_order_user(e->order) & ORDER_USER_PAYS) != 0 &&
	    e->u.store.from == CPNP_STATE_ACCEPT_RECEIVED &&
	    e->u.store.to != CPNP_STATE_ACCEPT_RECEIVED)
		err = end_unpaid(d, e->order, now);
	return err != 0 ? err : follow_agreement(d, e, now);
}
