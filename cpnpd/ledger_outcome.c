/*
 * What the log did: outcomes, in order, each once.  How far they are handled
 * is stored with what they did.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

/* Outcomes that mean nothing here are remembered as handled after so many. */
#define STORED_LAG_MAX 10000
#define STEP 256
/* Escrows of no order that are voided at once, and the time for each after
 * that; others return by themselves when they expire.  Anybody can make them,
 * and each voided costs an idempotency key. */
#define VOID_BURST 20
#define VOID_STEP CPNP_SECONDS(1)
/* Anybody can have all escrows looked at, so that is done no more often than
 * this; and once in a while while the ledger moves. */
#define LOOK_STEP CPNP_SECONDS(1)
#define LOOK_AGAIN CPNP_SECONDS(10)

/* ---- an order that may rest in the store ---- */

static cpnp_order *
find_order(struct daemon *d, const cpnp_store_payment *payment, cpnp_now now)
{
	char identity[CPNP_IDENTITY_MAX], id[CPNP_ORDER_ID_MAX];
	cpnp_bytes peer = payment->peer_identity;
	cpnp_bytes customer = payment->customer_order_id;
	cpnp_store_row row;
	cpnp_order *order;

	order = cpnp_orders_find(d->orders, CPNP_SERVER, peer, customer);
	if (order != NULL)
		return order;
	if (peer.len > sizeof(identity) || customer.len > sizeof(id))
		return NULL;
	/* the views end with the next question to the store */
	memcpy(identity, peer.ptr, peer.len);
	memcpy(id, customer.ptr, customer.len);
	peer.ptr = (const uint8_t *)identity;
	customer.ptr = (const uint8_t *)id;
	if (cpnp_store_find(d->store, CPNP_SERVER, peer, customer, &row) != 0 ||
	    cpnpd_load_row(d, &row, now) != 0)
		return NULL;
	return cpnp_orders_find(d->orders, CPNP_SERVER, peer, customer);
}

/* An outcome in the history of an order, and what its payment is now. */
static void
note(struct daemon *d, cpnp_order *order, const cpnp_store_payment *payment,
    const cpnp_outcome *o, cpnp_now now)
{
	struct batch *b = cpnpd_batch(d);
	uint8_t leaf[CPNP_OUTCOME_MAX];
	cpnp_effect effect = {.type = CPNP_EFFECT_STORE, .order = order};
	cpnp_buf buf;
	int err = b != NULL ? cpnpd_touch(b, order) : CPNP_ERR_NOMEM;

	cpnp_buf_init_fixed(&buf, leaf, sizeof(leaf));
	cpnp_outcome_encode(o, &buf);
	effect.u.store.from = effect.u.store.to = cpnp_order_state(order);
	effect.u.store.agreement_from = effect.u.store.agreement_to =
	    cpnp_order_agreement_state(order);
	effect.u.store.time = now.wall;
	effect.u.store.detail = cpnp_fact_name(o->kind);
	if (err == 0)
		err = cpnp_store_put(b->store, &effect, 0);
	if (err == 0)
		err = cpnp_store_add_outcome(b->store, cpnp_buf_bytes(&buf));
	if (err == 0)
		err = cpnp_store_put_payment(b->store, order, payment);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
	cpnpd_log_order(CPNP_LOG_INFO, order, "%s, %" PRId64,
	    cpnp_fact_name(o->kind), o->amount);
}

/* ---- escrows ---- */

static bool
is_ours(struct daemon *d, const uint8_t escrow[CPNP_SHA256_LEN])
{
	cpnp_escrow_view view;
	bool is;

	is = cpnp_ledger_get_escrow(cpnp_bridge_lock(d->ledger->bridge),
		 escrow, &view) == 0 &&
	    cpnp_bytes_equal(view.payee, d->ledger->account) &&
	    view.state == CPNP_ESCROW_PENDING;
	cpnp_bridge_unlock(d->ledger->bridge);
	return is;
}

static bool
may_void(struct ledger *l, cpnp_now now)
{
	if (l->void_at < now.mono)
		l->void_at = now.mono;
	if (l->void_at - now.mono >= VOID_BURST * VOID_STEP)
		return false;
	l->void_at += VOID_STEP;
	return true;
}

/* Somebody has locked money for us that no order of ours waits for. */
static void
void_unwanted(struct daemon *d, const uint8_t escrow[CPNP_SHA256_LEN],
    cpnp_now now)
{
	cpnp_store_payment row;
	int err;

	if (cpnpd_ledger_find_payment(d->ledger, escrow) != NULL ||
	    !is_ours(d, escrow))
		return;
	err = cpnp_store_find_payment(d->store, escrow, &row);
	if (err == CPNP_ERR_NOT_FOUND &&
	    (!d->conf->ledger.void_unknown || !may_void(d->ledger, now)))
		return;
	if (err != CPNP_ERR_NOT_FOUND &&
	    (err != 0 || row.state != CPNP_STORE_PAYMENT_OVER))
		return;
	d->counters.voided++;
	cpnpd_log(CPNP_LOG_WARNING, "ledger: an escrow %02x%02x%02x%02x... is "
	    "of no order that waits for it, and is voided", escrow[0],
	    escrow[1], escrow[2], escrow[3]);
	cpnpd_ledger_want(d, CPNP_OP_VOID, escrow, false, now);
}

static void
on_posted(struct daemon *d, const cpnp_outcome *o, cpnp_now now)
{
	struct payment *p = cpnpd_ledger_find_payment(d->ledger, o->digest);
	cpnp_store_payment row;

	if (p != NULL) {
		cpnpd_ledger_paid(d, p, o);
		return;
	}
	/* Somebody else has acknowledged it with our key. */
	if (cpnp_store_find_payment(d->store, o->digest, &row) == 0 &&
	    row.state == CPNP_STORE_PAYMENT_OVER)
		cpnpd_ledger_want(
		    d, CPNP_OP_WITHDRAW, o->digest, false, now);
}

static void
on_over(struct daemon *d, const cpnp_outcome *o, cpnp_now now)
{
	struct payment *p = cpnpd_ledger_find_payment(d->ledger, o->digest);
	cpnp_store_payment row;
	cpnp_order *order;

	if (p != NULL && o->kind == CPNP_FACT_RETURNED) {
		cpnpd_ledger_not_paid(d, p, o, "the escrow was returned to "
		    "the payer: it was void, or its time was over");
		return;
	}
	if (cpnp_store_find_payment(d->store, o->digest, &row) != 0)
		return;
	order = find_order(d, &row, now);
	if (order == NULL)
		return;
	if (o->kind == CPNP_FACT_RETURNED) {
		row.state = CPNP_STORE_PAYMENT_OVER;
	} else {
		row.state = CPNP_STORE_PAYMENT_SETTLED;
		row.paid = o->amount;
	}
	note(d, order, &row, o, now);
	if (o->kind == CPNP_FACT_SETTLED)
		cpnpd_ledger_unpaid(d, order, o->digest, true, now);
}

/* Escrows whose payer has stopped the service, or whose time is over. */
struct stopped {
	cpnp_bytes payee;
	struct stopped_id {
		uint8_t id[CPNP_SHA256_LEN];
		bool over;
	} *ids;
	size_t n, cap;
};

static int
collect_stopped(void *user, const cpnp_escrow_view *view)
{
	struct stopped *s = user;
	struct stopped_id *more;
	bool over = view->state == CPNP_ESCROW_ENDED ||
	    view->state == CPNP_ESCROW_DISPUTED;

	if (!(over || (view->idle_by_payer &&
			  view->state == CPNP_ESCROW_POSTED)) ||
	    !cpnp_bytes_equal(view->payee, s->payee))
		return 0;
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : 2 * s->cap;
		more = realloc(s->ids, s->cap * sizeof(*more));
		if (more == NULL)
			return CPNP_ERR_NOMEM;
		s->ids = more;
	}
	s->ids[s->n].over = over;
	memcpy(s->ids[s->n++].id, view->id, CPNP_SHA256_LEN);
	return 0;
}

/* The order of a payment, when its service runs; NULL: it does not. */
static cpnp_order *
find_active(struct daemon *d, const uint8_t escrow[CPNP_SHA256_LEN],
    cpnp_now now)
{
	cpnp_store_payment row;
	cpnp_store_row state;
	cpnp_order *order;

	if (cpnp_store_find_payment(d->store, escrow, &row) != 0)
		return NULL;
	order = cpnp_orders_find(d->orders, CPNP_SERVER, row.peer_identity,
	    row.customer_order_id);
	if (order != NULL)
		return order;
	if (cpnp_store_find(d->store, CPNP_SERVER, row.peer_identity,
		row.customer_order_id, &state) != 0 ||
	    state.agreement_state != CPNP_AGREEMENT_ACTIVE ||
	    cpnp_store_find_payment(d->store, escrow, &row) != 0)
		return NULL;
	return find_order(d, &row, now);
}

/* Which one was stopped an outcome does not say, and that the time of one is
 * over none says before it is settled, when no claim can come any more. */
static void
look_for_stopped(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct stopped s = {.payee = l->account};
	cpnp_order *order;
	size_t i;
	int err = cpnp_ledger_each_escrow(cpnp_bridge_lock(l->bridge),
	    l->account, collect_stopped, &s);

	cpnp_bridge_unlock(l->bridge);
	l->is_stopped = false;
	l->look_at = now.mono + LOOK_STEP;
	for (i = 0; i < s.n && err == 0 && !d->failed; i++) {
		order = find_active(d, s.ids[i].id, now);
		if (order != NULL)
			cpnpd_ledger_unpaid(
			    d, order, s.ids[i].id, s.ids[i].over, now);
		cpnpd_drain(d, now);
	}
	free(s.ids);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

/* ---- claims ---- */

static void
on_claim(struct daemon *d, const cpnp_outcome *o, cpnp_now now)
{
	cpnp_claim_view view = {.metric = 0};
	cpnp_store_payment row;
	cpnp_order *order;
	uint64_t metric;
	int err;

	if (o->code != CPNP_OUTCOME_ACCEPTED)
		return;
	err = cpnp_ledger_get_claim(
	    cpnp_bridge_lock(d->ledger->bridge), o->digest, &view);
	metric = view.metric;
	cpnp_bridge_unlock(d->ledger->bridge);
	if (err != 0 ||
	    cpnp_store_find_payment(d->store, view.escrow, &row) != 0)
		return;
	order = find_order(d, &row, now);
	if (order == NULL)
		return;
	d->counters.claims++;
	cpnpd_log_order(CPNP_LOG_WARNING, order, "the customer claims a "
	    "breach of metric %" PRIu64 ": confirm or object with cpnp-ledger "
	    "sla, or the claim is upheld", metric);
	row = (cpnp_store_payment){
		.state = CPNP_STORE_PAYMENT_CLAIMED, .amount = o->amount};
	memcpy(row.id, o->digest, CPNP_SHA256_LEN);
	note(d, order, &row, o, now);
}

static void
on_claim_over(struct daemon *d, const cpnp_outcome *o, cpnp_now now)
{
	cpnp_store_payment row;
	cpnp_order *order;

	if (cpnp_store_find_payment(d->store, o->digest, &row) != 0)
		return;
	order = find_order(d, &row, now);
	if (order == NULL)
		return;
	row.state = o->kind == CPNP_FACT_CLAIM_UPHELD
	    ? CPNP_STORE_PAYMENT_UPHELD : CPNP_STORE_PAYMENT_REJECTED;
	row.amount = o->amount;
	note(d, order, &row, o, now);
}

/* ---- operations of our own ---- */

static void
not_paid(struct daemon *d, struct payment *p, const cpnp_outcome *o)
{
	char why[CPNPD_LEDGER_WHY_MAX];

	snprintf(why, sizeof(why), "%s: %s", cpnp_outcome_name(o->code),
	    cpnp_outcome_text(o->code));
	cpnpd_ledger_not_paid(d, p, o, why);
}

static void
on_authorized(struct daemon *d, const struct ledger_op *op,
    const cpnp_outcome *o, cpnp_now now)
{
	struct payment *p = cpnpd_ledger_find_payment(d->ledger, op->subject);
	int err = 0;

	if (p == NULL && o->code == CPNP_OUTCOME_ACCEPTED)
		void_unwanted(d, op->subject, now);
	else if (p != NULL && o->code != CPNP_OUTCOME_ACCEPTED)
		not_paid(d, p, o);
	else if (p != NULL && !p->acknowledged)
		err = cpnpd_ledger_acknowledge(d, p, NULL);
	if (err != 0)
		cpnpd_fail(d, cpnp_strerror(err), now);
}

/* It came too late or too early for the log, and is still wanted. */
static bool
is_to_repeat(unsigned code)
{
	return code == CPNP_OUTCOME_EXPIRED || code == CPNP_OUTCOME_LIFE;
}

static void
on_refused(struct daemon *d, const struct ledger_op *op,
    const cpnp_outcome *o, cpnp_now now)
{
	struct payment *p = cpnpd_ledger_find_payment(d->ledger, op->subject);

	if (op->kind == CPNP_OP_ACKNOWLEDGE) {
		/* p is NULL when it was posted, or is over, already */
		if (p != NULL)
			not_paid(d, p, o);
	} else if (is_to_repeat(o->code) || (op->is_theirs &&
	    o->code != CPNP_OUTCOME_STATE && o->code != CPNP_OUTCOME_UNKNOWN)) {
		/* what the payer cannot do the payee does */
		cpnpd_ledger_want(
		    d, (cpnp_op_type)op->kind, op->subject, op->on, now);
	} else {
		/* STATE and UNKNOWN: there is nothing left to do */
		cpnpd_log(o->code == CPNP_OUTCOME_STATE ||
			o->code == CPNP_OUTCOME_UNKNOWN
		    ? CPNP_LOG_DEBUG : CPNP_LOG_WARNING, "ledger: %s was "
		    "refused: %s, %s", cpnp_op_name(op->kind),
		    cpnp_outcome_name(o->code), cpnp_outcome_text(o->code));
	}
}

static void
on_own(struct daemon *d, struct ledger_op *op, const cpnp_outcome *seen,
    cpnp_now now)
{
	cpnp_outcome o = *seen;

	/* Anybody can bring it to the log again, or with a bad signature. */
	if (o.code != CPNP_OUTCOME_ACCEPTED && cpnp_bridge_outcome(
	    d->ledger->bridge, op->digest, &o, NULL) != 0)
		return;
	if (op->kind == CPNP_OP_AUTHORIZE && o.kind >= CPNP_FACT_POSTED)
		o.code = CPNP_OUTCOME_ACCEPTED;
	if (op->kind == CPNP_OP_AUTHORIZE)
		on_authorized(d, op, &o, now);
	else if (op->kind == CPNP_OP_ANCHOR)
		cpnpd_ledger_anchored(d, op, &o, now);
	else if (o.code != CPNP_OUTCOME_ACCEPTED)
		on_refused(d, op, &o, now);
	cpnpd_ledger_drop_op(d, op, now);
}

/* ---- all of them ---- */

static void
on_outcome(struct daemon *d, const cpnp_outcome *o, cpnp_now now)
{
	struct ledger_op *op;

	switch (o->kind) {
	case CPNP_FACT_POSTED:
		on_posted(d, o, now);
		return;
	case CPNP_FACT_RETURNED:
	case CPNP_FACT_SETTLED:
		on_over(d, o, now);
		return;
	case CPNP_FACT_CLAIM_UPHELD:
	case CPNP_FACT_CLAIM_REJECTED:
		on_claim_over(d, o, now);
		return;
	case CPNP_OP_CLAIM:
		on_claim(d, o, now);
		return;
	default:
		break;
	}
	op = cpnpd_ledger_find_op(d->ledger, o->digest);
	/* also behind what we did: it may be stopped all the same */
	if (o->kind == CPNP_OP_ACTIVATE && o->code == CPNP_OUTCOME_ACCEPTED)
		d->ledger->is_stopped = true;
	if (op != NULL)
		on_own(d, op, o, now);
	else if (o->kind == CPNP_OP_AUTHORIZE &&
	    o->code == CPNP_OUTCOME_ACCEPTED)
		void_unwanted(d, o->digest, now);
}

static void
put_position(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct batch *b;

	/* What they did is in this batch, if they did anything. */
	if (d->current == NULL &&
	    l->outcomes - l->outcomes_stored < STORED_LAG_MAX)
		return;
	b = cpnpd_batch(d);
	if (b == NULL ||
	    cpnp_store_put_ledger(b->store, l->id, l->outcomes) != 0)
		cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM), now);
	else
		l->outcomes_stored = l->outcomes;
}

void
cpnpd_ledger_outcomes(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	cpnp_outcome outcomes[STEP];
	size_t done = 0, n = STEP, i;
	int err = 0;

	while (err == 0 && n == STEP && done < CPNPD_LEDGER_OUTCOMES_MAX) {
		err = cpnp_bridge_outcomes(
		    l->bridge, l->outcomes, outcomes, STEP, &n);
		for (i = 0; i < n && err == 0 && !d->failed; i++) {
			l->outcomes++;
			on_outcome(d, &outcomes[i], now);
			cpnpd_drain(d, now);
		}
		done += n;
	}
	if (now.mono >= l->look_at + LOOK_AGAIN)
		l->is_stopped = true;
	if (l->is_stopped && err == 0 && n < STEP && !d->failed) {
		if (now.mono >= l->look_at)
			look_for_stopped(d, now);
		else
			cpnpd_ledger_retry(d);
	}
	if (done > 0 && !d->failed)
		put_position(d, now);
	if (err != 0)
		cpnpd_log(CPNP_LOG_ERROR, "ledger: outcomes cannot be read: "
		    "%s", cpnp_strerror(err));
	/* The others in the next turn. */
	if (err != 0 || n == STEP)
		cpnpd_ledger_retry(d);
}
