/*
 * Escrow: what one order is paid from.
 *
 *   PENDING --acknowledge--> ACKNOWLEDGED --set complete--> POSTED
 *      |                          |                           |
 *      | void, expiry             | void, deadline            | end, withdraw,
 *      v                          v                           v replaced
 *   (returned)                (returned)                    ENDED
 *                                                             | time to claim
 *                                                             v is over
 *             (settled) <--claims resolved-- DISPUTED <-- or (settled)
 *
 * Without a commit set an acknowledgement posts at once.  An escrow that is
 * returned or settled is gone from the state.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define HAS(call, name) (((call)->op->has & CPNP_OP_FIELD_BIT(name)) != 0)

struct escrow *
escrow_find(const cpnp_ledger *l, cpnp_bytes id)
{
	return (struct escrow *)map_find(&l->escrows, id.ptr, id.len);
}

static void
escrow_due_at(cpnp_ledger *l, struct escrow *e, int64_t at)
{
	int err;

	err = due_set(&l->heap, &l->env.env.mem, &e->timed, DUE_ESCROW, at);
	if (err != 0)
		l->err = err;
}

static struct escrow *
replaced_by(const cpnp_ledger *l, const struct escrow *e)
{
	return e->has_replaces
	    ? escrow_find(l, (cpnp_bytes){e->replaces, CPNP_SHA256_LEN})
	    : NULL;
}

static void
escrow_free(cpnp_ledger *l, struct escrow *e)
{
	while (e->claims != NULL)
		claim_free(l, e->claims);
	due_clear(&l->heap, &e->timed);
	map_remove(&l->escrows, &e->timed.node);
	e->payer->open_n--;
	e->payer->part_n--;
	e->payee->part_n--;
	ledger_free(l, e);
}

/* Everything back to the payer, fee included. */
void
escrow_return(cpnp_ledger *l, struct escrow *e)
{
	struct escrow *old = replaced_by(l, e);

	if (old != NULL)
		old->being_replaced = false;
	money_release(l, e->payer, e->token, e->amount + e->fee, e->payer);
	(void)ledger_emit(l, CPNP_FACT_RETURNED, CPNP_OUTCOME_ACCEPTED, e->id,
	    e->amount);
	escrow_free(l, e);
}

/* Seconds between two times that lie within the service. */
static int64_t
overlap(const struct escrow *e, int64_t from, int64_t to)
{
	from = from > e->start ? from : e->start;
	to = to < e->end ? to : e->end;
	return to > from ? to - from : 0;
}

uint64_t
escrow_used(const struct escrow *e, int64_t at)
{
	int64_t used = overlap(e, e->start, at);

	if (!e->idle_paid) {
		used -= e->idle_total;
		if (e->idle_by_payer || e->idle_by_payee)
			used -= overlap(e, e->idle_since, at);
	}
	return used > 0 ? (uint64_t)used : 0;
}

/* Give what is owed for the use, less credits; what is disputed stays. */
static void
escrow_settle(cpnp_ledger *l, struct escrow *e)
{
	int64_t owed, credits = 0, disputed = 0, credit;
	struct claim *claim;

	owed = muldiv(e->amount, (int64_t)e->used, (int64_t)e->duration);
	for (claim = e->claims; claim != NULL; claim = claim->next) {
		if (claim->state != CPNP_CLAIM_UPHELD)
			continue;
		credits += claim->credit;
	}
	credits = credits < owed ? credits : owed;
	for (claim = e->claims; claim != NULL; claim = claim->next) {
		if (claim->state != CPNP_CLAIM_OPEN &&
		    claim->state != CPNP_CLAIM_DISPUTED)
			continue;
		/* no credit beyond what is owed at all */
		credit = owed - credits - disputed;
		if (claim->credit > credit)
			claim->credit = credit;
		disputed += claim->credit;
	}
	money_release(l, e->payer, e->token, owed - credits - disputed,
	    e->payee);
	money_release(l, e->payer, e->token, e->amount - owed + credits,
	    e->payer);
	(void)ledger_emit(l, CPNP_FACT_SETTLED, CPNP_OUTCOME_ACCEPTED, e->id,
	    owed - credits - disputed);
	e->disputed = disputed;
	if (disputed == 0) {
		escrow_free(l, e);
		return;
	}
	e->state = CPNP_ESCROW_DISPUTED;
	due_clear(&l->heap, &e->timed);
}

void
escrow_resolve(cpnp_ledger *l, struct escrow *e, struct claim *claim)
{
	e->disputed -= claim->credit;
	money_release(l, e->payer, e->token, claim->credit,
	    claim->state == CPNP_CLAIM_UPHELD ? e->payer : e->payee);
	if (e->disputed == 0)
		escrow_free(l, e);
}

/* The service is over: settle, now or when the time to claim is over. */
static void
escrow_end(cpnp_ledger *l, struct escrow *e, int64_t at, bool at_once)
{
	e->used = escrow_used(e, at);
	if (at < e->end)
		e->end = at;
	e->state = CPNP_ESCROW_ENDED;
	if (at_once || e->claim_seconds == 0)
		escrow_settle(l, e);
	else
		escrow_due_at(l, e, e->end + (int64_t)e->claim_seconds);
}

/* The money is the payee's to earn from now on. */
void
escrow_post(cpnp_ledger *l, struct escrow *e)
{
	struct escrow *old = replaced_by(l, e);

	e->state = CPNP_ESCROW_POSTED;
	e->posted_at = l->position;
	e->set = NULL;
	if (!e->has_start)
		e->start = l->time;
	e->end = e->start + (int64_t)e->duration;
	if (l->time < e->end)
		money_fee(l, e->payer, e->token, e->fee);
	else /* too late to deliver anything */
		money_release(l, e->payer, e->token, e->fee, e->payer);
	e->fee = 0;
	/* nobody pays for the time before */
	if (e->start < l->time)
		e->start = l->time < e->end ? l->time : e->end;
	(void)ledger_emit(l, CPNP_FACT_POSTED, CPNP_OUTCOME_ACCEPTED, e->id,
	    e->amount);
	escrow_due_at(l, e, e->end);
	if (old != NULL && old->state == CPNP_ESCROW_POSTED)
		escrow_end(l, old, l->time, true);
	else if (old != NULL)
		old->being_replaced = false;
}

void
escrow_due(cpnp_ledger *l, struct escrow *e)
{
	switch (e->state) {
	case CPNP_ESCROW_PENDING:
	case CPNP_ESCROW_ACKNOWLEDGED:
		if (e->can_lapse)
			rating_note(l, e->payee, CPNP_RATING_LAPSED, 1);
		escrow_return(l, e);
		return;
	case CPNP_ESCROW_POSTED:
		if (escrow_used(e, e->end) > 0)
			rating_note(l, e->payee, CPNP_RATING_COMPLETED, 1);
		escrow_end(l, e, e->end, false);
		return;
	case CPNP_ESCROW_ENDED:
		escrow_settle(l, e);
		return;
	case CPNP_ESCROW_DISPUTED:
		return;
	}
}

/* Payer and payee, token, amount, fee and bounds: what an escrow and a
 * channel have in common. */
unsigned
check_parties(struct call *call, struct account **payee, struct token **token,
    int64_t *fee)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;

	*payee = account_find(l, op->peer);
	if (*payee == NULL || *payee == call->account ||
	    (*payee)->status != CPNP_ACCOUNT_ACTIVE ||
	    (*payee)->broker != NULL ||
	    ((*payee)->roles & (CPNP_ROLE_PROVIDER | CPNP_ROLE_BROKER)) == 0)
		return CPNP_OUTCOME_PEER;
	*token = token_find(l, op->issuer, op->code);
	if (*token == NULL)
		return CPNP_OUTCOME_TOKEN;
	if (op->amount < 1 || op->amount > l->settings.amount_max)
		return CPNP_OUTCOME_AMOUNT;
	*fee = muldiv(op->amount, l->settings.fee_ppm, CPNP_PPM);
	if (*fee > op->fee_max)
		return CPNP_OUTCOME_FEE;
	if (call->account->open_n >= l->settings.open_max)
		return CPNP_OUTCOME_LIMIT;
	/* amount_max is at most half of what fits */
	if (op->amount + *fee > balance_free(l, call->account, *token))
		return CPNP_OUTCOME_FUNDS;
	return CPNP_OUTCOME_ACCEPTED;
}

static unsigned
check_times(const struct call *call)
{
	const cpnp_op *op = call->op;
	const cpnp_ledger *l = call->ledger;

	if (op->until <= l->time || op->until >
	    l->time + (int64_t)l->settings.escrow_seconds_max)
		return CPNP_OUTCOME_TIME;
	if (HAS(call, START) &&
	    (op->start > l->time + CPNP_SERVICE_SECONDS_MAX ||
	    op->start + (int64_t)op->duration <= l->time))
		return CPNP_OUTCOME_TIME;
	return CPNP_OUTCOME_ACCEPTED;
}

/* The catalogue entry that the order names, if any (U16). */
static unsigned
check_offer(const struct call *call, const struct account *payee)
{
	const cpnp_op *op = call->op;
	const struct offer *offer;
	int64_t start;

	if (!HAS(call, OFFER))
		return CPNP_OUTCOME_ACCEPTED;
	offer = offer_find(call->ledger, op->publisher, op->offer);
	start = HAS(call, START) ? op->start : call->ledger->time;
	if (offer == NULL || offer->token == NULL ||
	    offer->until <= call->ledger->time ||
	    offer_payee(offer) != payee || start < offer->from ||
	    start + (int64_t)op->duration > offer->to)
		return CPNP_OUTCOME_OFFER;
	return CPNP_OUTCOME_ACCEPTED;
}

static unsigned
check_replaces(const struct call *call, const struct account *payee,
    const struct token *token, struct escrow **old)
{
	*old = NULL;
	if (!HAS(call, REPLACES))
		return CPNP_OUTCOME_ACCEPTED;
	*old = escrow_find(call->ledger, call->op->replaces);
	if (*old == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if ((*old)->payer != call->account || (*old)->payee != payee ||
	    (*old)->token != token)
		return CPNP_OUTCOME_PARTY;
	if ((*old)->state != CPNP_ESCROW_POSTED || (*old)->being_replaced)
		return CPNP_OUTCOME_STATE;
	return CPNP_OUTCOME_ACCEPTED;
}

/* The place in a commit set that waits for this escrow. */
static unsigned
check_set(struct call *call, const struct account *payee, struct set **set,
    int *slot)
{
	uint8_t member[CPNP_SHA256_LEN];
	cpnp_ledger *l = call->ledger;

	*set = NULL;
	if (!HAS(call, SET))
		return CPNP_OUTCOME_ACCEPTED;
	*set = set_find(l, call->op->set);
	if (*set == NULL)
		return CPNP_OUTCOME_SET;
	l->err = cpnp_op_member(call->op, &l->env.env, member);
	*slot = set_slot(*set, member);
	if (*slot < 0 || (*set)->members[*slot].escrow != NULL ||
	    (*slot == 0 ? (*set)->upper != NULL || payee != (*set)->head
		: call->account != (*set)->head))
		return CPNP_OUTCOME_SET;
	if ((*set)->deadline <= l->time || call->op->until < (*set)->deadline)
		return CPNP_OUTCOME_TIME;
	return CPNP_OUTCOME_ACCEPTED;
}

static struct escrow *
escrow_new(struct call *call, struct account *payee, struct token *token,
    int64_t fee)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct escrow *e = ledger_alloc(l, sizeof(*e));

	if (e == NULL)
		return NULL;
	memcpy(e->id, call->digest, CPNP_SHA256_LEN);
	e->timed.node.key = e->id;
	e->timed.node.key_len = CPNP_SHA256_LEN;
	e->state = CPNP_ESCROW_PENDING;
	e->payer = call->account;
	e->payee = payee;
	e->token = token;
	e->amount = op->amount;
	e->fee = fee;
	memcpy(e->order, op->order.ptr, CPNP_SHA256_LEN);
	e->expiry = op->until;
	e->has_start = HAS(call, START);
	e->start = op->start;
	e->duration = op->duration;
	e->claim_seconds = op->claim_seconds;
	e->idle_paid = op->idle_paid;
	e->has_sla = HAS(call, SLA);
	if (e->has_sla)
		memcpy(e->sla, op->sla.ptr, CPNP_SHA256_LEN);
	e->payer->open_n++;
	e->payer->part_n++;
	e->payee->part_n++;
	map_insert(&l->escrows, &e->timed.node);
	return e;
}

unsigned
do_authorize(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct account *payee;
	struct escrow *e, *old;
	struct token *token;
	struct set *set;
	unsigned code;
	int64_t fee;
	int slot = -1;

	code = check_parties(call, &payee, &token, &fee);
	if (code == CPNP_OUTCOME_ACCEPTED)
		code = check_times(call);
	if (code == CPNP_OUTCOME_ACCEPTED)
		code = check_offer(call, payee);
	if (code == CPNP_OUTCOME_ACCEPTED)
		code = check_replaces(call, payee, token, &old);
	if (code == CPNP_OUTCOME_ACCEPTED)
		code = check_set(call, payee, &set, &slot);
	if (code != CPNP_OUTCOME_ACCEPTED)
		return code;
	call->amount = call->op->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	e = escrow_new(call, payee, token, fee);
	if (e == NULL)
		return CPNP_OUTCOME_LIMIT;
	money_hold(l, call->account, token, e->amount + fee);
	if (old != NULL) {
		e->has_replaces = old->being_replaced = true;
		memcpy(e->replaces, old->id, CPNP_SHA256_LEN);
	}
	/* who is online sees it in time and can say no; nobody is rated for
	 * what was over sooner */
	e->can_lapse = (set != NULL ? set->deadline : e->expiry) - l->time >=
	    (int64_t)l->settings.heartbeat_seconds;
	if (set == NULL) {
		escrow_due_at(l, e, e->expiry);
		return CPNP_OUTCOME_ACCEPTED;
	}
	/* from now on the deadline of the set counts */
	e->has_set = true;
	memcpy(e->set_id, set->id, CPNP_SHA256_LEN);
	e->set = set;
	e->slot = (size_t)slot;
	set->members[slot].escrow = e;
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_acknowledge(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct escrow *e = escrow_find(l, call->op->subject);
	struct set *top;

	if (e == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (e->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if (e->state != CPNP_ESCROW_PENDING ||
	    l->time >= (e->set != NULL ? e->set->deadline : e->expiry))
		return CPNP_OUTCOME_STATE;
	call->amount = e->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	rating_note(l, e->payee, CPNP_RATING_ON_TIME, 1);
	if (e->set == NULL) {
		escrow_post(l, e);
		return CPNP_OUTCOME_ACCEPTED;
	}
	e->state = CPNP_ESCROW_ACKNOWLEDGED;
	top = set_top(e->set);
	if (set_is_complete(top))
		set_post(l, top);
	return CPNP_OUTCOME_ACCEPTED;
}

/* Contradiction 5: the payer may go back until the payee has acknowledged;
 * the payee, until the money is its own. */
unsigned
do_void(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct escrow *e = escrow_find(l, call->op->subject);

	if (e == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (e->payer != call->account && e->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if (e->state != CPNP_ESCROW_PENDING &&
	    !(e->state == CPNP_ESCROW_ACKNOWLEDGED &&
		e->payee == call->account))
		return CPNP_OUTCOME_STATE;
	call->amount = e->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	if (e->set != NULL)
		set_void(l, set_top(e->set));
	else
		escrow_return(l, e);
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_withdraw(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct escrow *e = escrow_find(l, call->op->subject);

	if (e == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (e->payer != call->account && e->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if (e->state != CPNP_ESCROW_POSTED)
		return CPNP_OUTCOME_STATE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	/* no mark for leaving what the payer has stopped and does not pay */
	if (e->payee == call->account && l->time < e->end &&
	    (!e->idle_by_payer || e->idle_paid))
		rating_note(l, e->payee, CPNP_RATING_WITHDRAWALS, 1);
	escrow_end(l, e, l->time, false);
	return CPNP_OUTCOME_ACCEPTED;
}

/* Either side may stop the service; it runs when neither has stopped it. */
unsigned
do_activate(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct escrow *e = escrow_find(l, call->op->subject);
	bool was_idle, *mine;

	if (e == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (e->payer != call->account && e->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	mine = e->payer == call->account ? &e->idle_by_payer
					 : &e->idle_by_payee;
	if (e->state != CPNP_ESCROW_POSTED || *mine != call->op->on)
		return CPNP_OUTCOME_STATE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	was_idle = e->idle_by_payer || e->idle_by_payee;
	*mine = !call->op->on;
	if (!was_idle)
		e->idle_since = l->time;
	else if (!e->idle_by_payer && !e->idle_by_payee)
		e->idle_total += overlap(e, e->idle_since, l->time);
	return CPNP_OUTCOME_ACCEPTED;
}
