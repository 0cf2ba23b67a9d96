/*
 * Effect PAY: is an authorization what the offer asks for, and what becomes of
 * it.  An order is told by a verdict, once its effects are drained.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

#define HAS(op, name) (((op)->has & CPNP_OP_FIELD_BIT(name)) != 0)

static int
by_escrow(const void *a, const void *b)
{
	return memcmp(a, b, CPNP_SHA256_LEN);
}

int
cpnpd_ledger_read(cpnp_bytes authorization, cpnp_op *op,
    uint8_t digest[CPNP_SHA256_LEN])
{
	const cpnp_env *env = cpnp_env_openssl();
	cpnp_bytes payload;
	int err = cpnp_op_payload(authorization, &payload);

	if (err == 0 && op != NULL)
		err = cpnp_op_decode(op, payload, NULL);
	if (err == 0 && env->sha256(env->user, &payload, 1, digest) != 0)
		err = CPNP_ERR_CRYPTO;
	return err;
}

struct payment *
cpnpd_ledger_find_payment(
    const struct ledger *l, const uint8_t escrow[CPNP_SHA256_LEN])
{
	struct payment **found = tfind(escrow, &l->payments, by_escrow);

	return found != NULL ? *found : NULL;
}

void
cpnpd_ledger_forget_payment(struct ledger *l, struct payment *p)
{
	(void)tdelete(p, &l->payments, by_escrow);
	l->payments_n--;
	free(p->key);
	free(p);
}

static struct payment *
payment_new(struct ledger *l, const cpnp_order *order, const cpnp_op *op,
    const uint8_t escrow[CPNP_SHA256_LEN])
{
	struct payment *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->key = cpnpd_key_new(order);
	if (p == NULL || p->key == NULL)
		goto fail;
	memcpy(p->escrow, escrow, CPNP_SHA256_LEN);
	p->amount = op->amount;
	p->until = op->until;
	if (tsearch(p, &l->payments, by_escrow) == NULL)
		goto fail;
	l->payments_n++;
	return p;
fail:
	if (p != NULL)
		free(p->key);
	free(p);
	return NULL;
}

/* ---- verdicts ---- */

static struct verdict *
add_verdict(struct daemon *d, struct key *key, const cpnp_outcome *outcome)
{
	struct ledger *l = d->ledger;
	struct verdict *v = key == NULL ? NULL : calloc(1, sizeof(*v));
	cpnp_buf buf;

	if (v == NULL) {
		free(key);
		cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM), cpnp_now_read());
		return NULL;
	}
	v->key = key;
	if (outcome != NULL) {
		cpnp_buf_init_fixed(&buf, v->leaf, sizeof(v->leaf));
		cpnp_outcome_encode(outcome, &buf);
		v->leaf_len = buf.len;
	}
	*l->verdicts_end = v;
	l->verdicts_end = &v->next;
	return v;
}

static void
refuse_key(struct daemon *d, struct key *key, cpnp_status status,
    const cpnp_outcome *outcome, const char *why)
{
	struct verdict *v = add_verdict(d, key, outcome);

	if (v == NULL)
		return;
	v->status = status;
	snprintf(
	    v->why, sizeof(v->why), "%.*s", (int)sizeof(v->why) - 1, why);
}

static int
put_state(struct daemon *d, const cpnp_order *order,
    const uint8_t escrow[CPNP_SHA256_LEN], int64_t amount,
    cpnp_store_payment_state state)
{
	cpnp_store_payment row = {.state = state, .amount = amount};
	struct batch *b = cpnpd_batch(d);
	int err = b == NULL ? CPNP_ERR_NOMEM : cpnpd_touch(b, order);

	memcpy(row.id, escrow, CPNP_SHA256_LEN);
	return err != 0 ? err
			: cpnp_store_put_payment(b->store, order, &row);
}

/* The order waits for this payment no more. */
static struct key *
end_payment(struct daemon *d, struct payment *p,
    cpnp_store_payment_state state)
{
	struct key *key = p->key;
	cpnp_order *order = cpnpd_key_order(d, key);

	if (order != NULL) {
		cpnp_order_set_user(
		    order, cpnp_order_user(order) & ~ORDER_USER_PAYS);
		if (put_state(d, order, p->escrow, p->amount, state) != 0)
			cpnpd_fail(d, cpnp_strerror(CPNP_ERR_NOMEM),
			    cpnp_now_read());
	}
	p->key = NULL;
	cpnpd_ledger_forget_payment(d->ledger, p);
	return key;
}

void
cpnpd_ledger_paid(
    struct daemon *d, struct payment *p, const cpnp_outcome *outcome)
{
	struct verdict *v = add_verdict(
	    d, end_payment(d, p, CPNP_STORE_PAYMENT_POSTED), outcome);

	if (v != NULL)
		v->paid = true;
}

/* Nothing of the payment may happen any more: what the bridge does not have
 * is dropped, and if it has the authorization, the escrow is to be void unless
 * it is gone. */
static void
take_back(struct daemon *d, const uint8_t escrow[CPNP_SHA256_LEN],
    bool is_gone, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct ledger_op *op = cpnpd_ledger_find_op(l, escrow), *next;
	struct ledger_ops *lists[] = {&l->plain, &l->ready, &l->stored};
	bool is_there = !is_gone && (op == NULL || op->given);
	size_t i;

	if (op != NULL && !op->given)
		cpnpd_ledger_drop_op(d, op, now);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (op = lists[i]->first; op != NULL; op = next) {
			next = op->next;
			if (!op->over && op->kind == CPNP_OP_ACKNOWLEDGE &&
			    memcmp(op->subject, escrow, CPNP_SHA256_LEN) == 0)
				cpnpd_ledger_drop_op(d, op, now);
		}
	if (is_there)
		cpnpd_ledger_want(d, CPNP_OP_VOID, escrow, false, now);
}

void
cpnpd_ledger_not_paid(struct daemon *d, struct payment *p,
    const cpnp_outcome *outcome, const char *why)
{
	uint8_t escrow[CPNP_SHA256_LEN];
	bool is_gone = outcome != NULL &&
	    (outcome->kind == CPNP_OP_AUTHORIZE ||
		outcome->kind == CPNP_FACT_RETURNED);

	memcpy(escrow, p->escrow, sizeof(escrow));
	refuse_key(d, end_payment(d, p, CPNP_STORE_PAYMENT_OVER),
	    CPNP_STATUS_AUTHORIZATION_FAILED, outcome, why);
	take_back(d, escrow, is_gone, cpnp_now_read());
}

int
cpnpd_ledger_take_back(struct daemon *d, const cpnp_order *order,
    struct payment *p, cpnp_now now)
{
	uint8_t escrow[CPNP_SHA256_LEN];
	int err = put_state(
	    d, order, p->escrow, p->amount, CPNP_STORE_PAYMENT_OVER);

	memcpy(escrow, p->escrow, sizeof(escrow));
	cpnpd_ledger_forget_payment(d->ledger, p);
	take_back(d, escrow, false, now);
	return err;
}

bool
cpnpd_ledger_answer(struct daemon *d, cpnp_now now)
{
	struct ledger *l = d->ledger;
	struct verdict *v = l != NULL ? l->verdicts : NULL;
	cpnp_explanation why = {.clause = CPNP_BYTES_LIT("PAYMENT")};
	cpnp_order *order;
	int err = 0;

	if (v == NULL)
		return false;
	l->verdicts = v->next;
	if (l->verdicts == NULL)
		l->verdicts_end = &l->verdicts;
	order = cpnpd_key_order(d, v->key);
	l->leaf = (cpnp_bytes){v->leaf, v->leaf_len};
	why.reason = cpnp_bytes_str(v->why);
	if (order != NULL && v->paid) {
		d->counters.paid++;
		err = cpnp_order_paid(d->orders, order, now);
	} else if (order != NULL) {
		d->counters.not_paid++;
		cpnpd_log_order(
		    CPNP_LOG_WARNING, order, "is not paid: %s", v->why);
		err = cpnp_order_not_paid(
		    d->orders, order, v->status, &why, 1, now);
	}
	/* It may have ended meanwhile. */
	if (err != 0 && err != CPNP_ERR_STATE)
		cpnpd_log_order(CPNP_LOG_ERROR, order,
		    "what became of its payment was not taken: %s",
		    cpnp_strerror(err));
	if (cpnp_error_is_fatal(err))
		cpnpd_fail(d, cpnp_strerror(err), now);
	cpnpd_drain_effects(d, now);
	l->leaf = CPNP_BYTES_NONE;
	free(v->key);
	free(v);
	return true;
}

/* ---- PAY ---- */

/* One that is asked for. */
struct asked {
	struct daemon *d;
	cpnp_order *order;
	cpnp_bytes authorization;
	cpnp_op op;
	uint8_t escrow[CPNP_SHA256_LEN];
	bool is_known; /* to the ledger */
	bool is_again; /* and this order has asked for it before */
	cpnp_status status;
	cpnp_diag diag; /* why it is refused */
};

static int
refuse(struct asked *a, cpnp_status status, const char *why)
{
	a->status = status;
	snprintf(a->diag.why, sizeof(a->diag.why), "%s", why);
	return CPNP_ERR_FORBIDDEN;
}

/* The escrow that stands while an UPDATE is open; NULL: none that is still at
 * the ledger, or that the authorization names. */
static const uint8_t *
find_replaced(struct asked *a, uint8_t out[CPNP_SHA256_LEN])
{
	cpnp_bytes doc =
	    cpnp_order_doc(a->order, CPNP_DOC_STANDING_PAYMENT);
	cpnp_escrow_view view;
	int err;

	if (doc.len == 0 || cpnpd_ledger_read(doc, NULL, out) != 0)
		return NULL;
	if (HAS(&a->op, REPLACES))
		return out;
	err = cpnp_ledger_get_escrow(
	    cpnp_bridge_lock(a->d->ledger->bridge), out, &view);
	cpnp_bridge_unlock(a->d->ledger->bridge);
	return err == CPNP_ERR_NOT_FOUND ? NULL : out;
}

/* Whatever is known of an authorization, it is for this agreement, or what one
 * order is paid with would pay for all others.  What this order has asked for
 * before was found good then: since, time has passed and accounts may have
 * changed. */
static int
check_terms(struct asked *a, cpnp_bytes settlement_terms, cpnp_now now)
{
	const cpnp_env *env = cpnp_env_openssl();
	const cpnp_conf_customer *c = cpnp_conf_customer_find(
	    a->d->conf, cpnp_order_peer_identity(a->order));
	uint8_t digest[CPNP_SHA256_LEN], replaced[CPNP_SHA256_LEN];
	cpnp_bytes payer = a->op.account;
	cpnp_wtime at = now.wall;
	cpnp_agreement agreement;
	cpnp_terms terms;
	int err = cpnp_terms_decode(&terms, settlement_terms, &a->diag);

	if (a->is_again) {
		at.sec = a->op.until < a->op.expiry ? a->op.until
						    : a->op.expiry;
		at.sec -= err == 0 ? (int64_t)terms.escrow_seconds / 2 : 0;
	} else if (c == NULL || c->account.value == NULL) {
		return refuse(a, CPNP_STATUS_AUTHORIZATION_FAILED,
		    "this customer has no account here any more");
	} else {
		payer = cpnp_bytes_str(c->account.value);
	}
	if (err == 0)
		err = cpnp_order_get_agreement(a->order, &agreement);
	if (err == 0)
		err = cpnp_agreement_digest(&agreement, env, digest);
	if (err == 0)
		err = cpnp_terms_check(&terms, env, &a->op,
		    payer, digest, find_replaced(a, replaced), at, &a->diag);
	a->status = CPNP_STATUS_AUTHORIZATION_FAILED;
	return err;
}

static int
check_ledger(struct asked *a)
{
	const char *why = cpnpd_ledger_refuses(a->d);

	if (why != NULL && a->d->ledger->status.stopped)
		return refuse(a, CPNP_STATUS_OUT_OF_RESOURCES, why);
	return cpnpd_ledger_check(a->d, a->authorization, &a->diag);
}

/* Does the ledger have it, or is it on its way: from this order, before it was
 * read back, or from whoever else brought it? */
static int
look_up(struct asked *a)
{
	struct daemon *d = a->d;
	cpnp_bytes peer = cpnp_order_peer_identity(a->order);
	cpnp_bytes id = cpnp_order_customer_id(a->order);
	cpnp_store_payment row;
	int err = 0;

	a->is_known = cpnpd_ledger_find_op(d->ledger, a->escrow) != NULL;
	if (!a->is_known)
		err = cpnp_bridge_is_submitted(
		    d->ledger->bridge, a->escrow, &a->is_known);
	if (err != 0 || !a->is_known)
		return err;
	err = cpnp_store_find_payment(d->store, a->escrow, &row);
	a->is_again = err == 0 && cpnp_bytes_equal(row.peer_identity, peer) &&
	    cpnp_bytes_equal(row.customer_order_id, id);
	return err == CPNP_ERR_NOT_FOUND ? 0 : err;
}

/* The newest that the ledger has said of it, before a restart. */
static void
look_back(struct asked *a, struct payment *p)
{
	struct daemon *d = a->d;
	cpnp_outcome outcome;
	char why[CPNPD_LEDGER_WHY_MAX];
	int err = cpnp_bridge_outcome(
	    d->ledger->bridge, a->escrow, &outcome, NULL);

	if (err != 0)
		return; /* it waits */
	if (outcome.kind == CPNP_FACT_POSTED ||
	    outcome.kind == CPNP_FACT_SETTLED) {
		cpnpd_ledger_paid(d, p, &outcome);
	} else if (outcome.kind == CPNP_FACT_RETURNED) {
		cpnpd_ledger_not_paid(
		    d, p, &outcome, cpnp_fact_name(outcome.kind));
	} else if (outcome.code != CPNP_OUTCOME_ACCEPTED) {
		snprintf(why, sizeof(why), "%s: %s",
		    cpnp_outcome_name(outcome.code),
		    cpnp_outcome_text(outcome.code));
		cpnpd_ledger_not_paid(d, p, &outcome, why);
	}
}

int
cpnpd_ledger_acknowledge(struct daemon *d, struct payment *p, bool *is_given)
{
	uint8_t idem[CPNP_SHA256_LEN];
	cpnp_op op = {.type = CPNP_OP_ACKNOWLEDGE,
		.idem = {idem, sizeof(idem)}, .expiry = p->until};

	/* The same again after a restart: one byte tells it from the other
	 * operations about this escrow, whose keys are random. */
	memcpy(idem, p->escrow, sizeof(idem));
	idem[0] ^= CPNP_OP_ACKNOWLEDGE;
	CPNP_OP_SET(&op, SUBJECT, subject,
	    ((cpnp_bytes){p->escrow, CPNP_SHA256_LEN}));
	p->acknowledged = true;
	return cpnpd_ledger_add(d, &op, p->escrow, is_given);
}

/* What is begun goes on: an acknowledgement that the bridge has binds. */
static int
go_on(struct asked *a, struct payment *p)
{
	struct ledger *l = a->d->ledger;
	cpnp_outcome outcome;
	bool is_given = false;
	int err = 0;

	if (!cpnpd_ledger_is_away(l) || cpnp_bridge_outcome(
	    l->bridge, a->escrow, &outcome, NULL) == 0)
		err = cpnpd_ledger_acknowledge(a->d, p, &is_given);
	if (err == 0 && is_given)
		(void)cpnp_order_set_binding(a->d->orders, a->order);
	return err;
}

static int
begin(struct asked *a)
{
	struct daemon *d = a->d;
	struct payment *p = cpnpd_ledger_find_payment(d->ledger, a->escrow);
	int err = 0;

	/* the order was read back */
	if (p != NULL)
		cpnpd_ledger_forget_payment(d->ledger, p);
	p = payment_new(d->ledger, a->order, &a->op, a->escrow);
	if (p == NULL)
		return CPNP_ERR_NOMEM;
	cpnp_order_set_user(
	    a->order, cpnp_order_user(a->order) | ORDER_USER_PAYS);
	if (!a->is_again)
		err = put_state(d, a->order, a->escrow, a->op.amount,
		    CPNP_STORE_PAYMENT_ASKED);
	if (err == 0 && a->is_known) {
		err = go_on(a, p);
		if (err == 0)
			look_back(a, p);
		return err;
	}
	if (err == 0)
		err = cpnpd_ledger_add_signed(d, CPNP_OP_AUTHORIZE, a->escrow,
		    a->escrow, a->authorization);
	/* While the ledger is away the customer may still go back. */
	if (err == 0 && !cpnpd_ledger_is_away(d->ledger))
		err = cpnpd_ledger_acknowledge(d, p, NULL);
	return err;
}

void
cpnpd_ledger_pay(
    struct daemon *d, const cpnp_effect *effect, cpnp_now now)
{
	struct asked a = {.d = d, .order = effect->order,
		.authorization = effect->u.pay.authorization,
		.status = CPNP_STATUS_AUTHORIZATION_FAILED};
	char why[sizeof(a.diag.where) + sizeof(a.diag.why) + 2];
	int err = cpnpd_ledger_read(a.authorization, &a.op, a.escrow);

	if (err == 0 && a.op.type != CPNP_OP_AUTHORIZE)
		err = refuse(&a, CPNP_STATUS_AUTHORIZATION_FAILED,
		    "this is no authorization");
	if (err == 0)
		err = look_up(&a);
	if (err == 0)
		err = check_terms(&a, effect->u.pay.settlement_terms, now);
	if (err == 0 && !a.is_known)
		err = check_ledger(&a);
	if (err == 0)
		err = begin(&a);
	if (err == 0)
		return;
	if (cpnp_error_is_fatal(err) || err == CPNP_ERR_IO) {
		/* it stays as it is and is asked again when it is loaded */
		cpnpd_lose(d, NULL, a.order);
		cpnpd_fail(d, cpnp_strerror(err), now);
		return;
	}
	snprintf(why, sizeof(why), "%s%s%s", a.diag.where,
	    a.diag.where[0] != '\0' ? ": " : "",
	    a.diag.why[0] != '\0' ? a.diag.why : cpnp_strerror(err));
	refuse_key(d, cpnpd_key_new(a.order), a.status, NULL, why);
}

void
cpnpd_ledger_forget_payments(struct ledger *l)
{
	struct verdict *v;

	while (l->payments != NULL)
		cpnpd_ledger_forget_payment(l, *(struct payment **)l->payments);
	while ((v = l->verdicts) != NULL) {
		l->verdicts = v->next;
		free(v->key);
		free(v);
	}
	l->verdicts_end = &l->verdicts;
}
