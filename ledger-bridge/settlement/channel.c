/*
 * Payment channels (Y19): money locked at the match, cumulative vouchers or a
 * hash chain while the service is used, and nothing reaches the payee before
 * the channel is closed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

struct channel *
channel_find(const cpnp_ledger *l, cpnp_bytes id)
{
	return (struct channel *)map_find(&l->channels, id.ptr, id.len);
}

unsigned
do_channel_open(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct account *payee;
	struct channel *ch;
	struct token *token;
	unsigned code;
	int64_t fee;

	code = check_parties(call, &payee, &token, &fee);
	if (code != CPNP_OUTCOME_ACCEPTED)
		return code;
	if (op->until <= l->time ||
	    op->until > l->time + CPNP_SERVICE_SECONDS_MAX)
		return CPNP_OUTCOME_TIME;
	if (op->chain.len > 0 && op->unit < 1)
		return CPNP_OUTCOME_AMOUNT;
	call->amount = op->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	ch = ledger_alloc(l, sizeof(*ch));
	if (ch == NULL)
		return CPNP_OUTCOME_LIMIT;
	memcpy(ch->id, call->digest, CPNP_SHA256_LEN);
	ch->timed.node.key = ch->id;
	ch->timed.node.key_len = CPNP_SHA256_LEN;
	ch->payer = call->account;
	ch->payee = payee;
	ch->token = token;
	ch->key = *call->key;
	ch->amount = op->amount;
	ch->fee = fee;
	memcpy(ch->order, op->order.ptr, CPNP_SHA256_LEN);
	ch->until = op->until;
	ch->grace = op->claim_seconds;
	ch->has_chain = op->chain.len > 0;
	if (ch->has_chain) {
		memcpy(ch->chain, op->chain.ptr, CPNP_SHA256_LEN);
		ch->unit = op->unit;
	}
	ch->payer->open_n++;
	ch->payer->part_n++;
	ch->payee->part_n++;
	map_insert(&l->channels, &ch->timed.node);
	money_hold(l, ch->payer, token, ch->amount + fee);
	l->err = due_set(&l->heap, &l->env.env.mem, &ch->timed, DUE_CHANNEL,
	    ch->until);
	return CPNP_OUTCOME_ACCEPTED;
}

/* Pay what was claimed, the fee for that part, and return the rest. */
void
channel_end(cpnp_ledger *l, struct channel *ch)
{
	int64_t fee = muldiv(ch->fee, ch->claimed, ch->amount);

	money_release(l, ch->payer, ch->token, ch->claimed, ch->payee);
	money_fee(l, ch->payer, ch->token, fee);
	money_release(l, ch->payer, ch->token,
	    ch->amount - ch->claimed + ch->fee - fee, ch->payer);
	(void)ledger_emit(l, CPNP_FACT_CHANNEL_CLOSED, CPNP_OUTCOME_ACCEPTED,
	    ch->id, ch->claimed);
	due_clear(&l->heap, &ch->timed);
	map_remove(&l->channels, &ch->timed.node);
	ch->payer->open_n--;
	ch->payer->part_n--;
	ch->payee->part_n--;
	ledger_free(l, ch);
}

/* Signed by the payer, brought by whoever wants it counted.  Time may have
 * come in this entry; the channel then ends behind it. */
unsigned
do_voucher(struct call *call)
{
	const cpnp_op *op = call->op;
	struct channel *ch = channel_find(call->ledger, op->subject);

	if (ch == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (ch->payer != call->account)
		return CPNP_OUTCOME_PARTY;
	if (ch->has_chain)
		return CPNP_OUTCOME_STATE;
	if (op->amount <= ch->claimed)
		return CPNP_OUTCOME_STALE;
	if (op->amount > ch->amount)
		return CPNP_OUTCOME_AMOUNT;
	call->amount = op->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	ch->claimed = op->amount;
	return CPNP_OUTCOME_ACCEPTED;
}

/* Hashing the value as often as units are new must give the value before. */
unsigned
do_redeem(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct channel *ch = channel_find(l, op->subject);
	uint8_t hash[CPNP_SHA256_LEN];
	uint64_t i;

	if (ch == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (ch->payee != call->account)
		return CPNP_OUTCOME_PARTY;
	if (!ch->has_chain)
		return CPNP_OUTCOME_STATE;
	if (op->count <= ch->count)
		return CPNP_OUTCOME_STALE;
	if (op->count - ch->count > CPNP_CHAIN_MAX)
		return CPNP_OUTCOME_LIMIT;
	if ((int64_t)op->count > ch->amount / ch->unit)
		return CPNP_OUTCOME_AMOUNT;
	memcpy(hash, op->chain.ptr, sizeof(hash));
	for (i = ch->count; i < op->count; i++) {
		l->err = ledger_hash(
		    l, (cpnp_bytes){hash, sizeof(hash)}, hash);
		if (l->err != 0)
			return CPNP_OUTCOME_PROOF;
	}
	if (memcmp(hash, ch->chain, sizeof(hash)) != 0)
		return CPNP_OUTCOME_PROOF;
	call->amount = (int64_t)op->count * ch->unit;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	memcpy(ch->chain, op->chain.ptr, sizeof(ch->chain));
	ch->count = op->count;
	ch->claimed = call->amount;
	return CPNP_OUTCOME_ACCEPTED;
}

/* The payee closes at once; the payer after the grace that the payee has to
 * bring its newest voucher. */
unsigned
do_channel_close(struct call *call)
{
	cpnp_ledger *l = call->ledger;
	struct channel *ch = channel_find(l, call->op->subject);
	int64_t at;

	if (ch == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	call->amount = ch->claimed;
	if (ch->payee != call->account && ch->payer != call->account)
		return CPNP_OUTCOME_PARTY;
	if (ch->payee != call->account && ch->closing)
		return CPNP_OUTCOME_STATE;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	if (ch->payee == call->account) {
		channel_end(l, ch);
		return CPNP_OUTCOME_ACCEPTED;
	}
	ch->closing = true;
	at = l->time + (int64_t)ch->grace;
	l->err = due_set(&l->heap, &l->env.env.mem, &ch->timed, DUE_CHANNEL,
	    at < ch->until ? at : ch->until);
	return CPNP_OUTCOME_ACCEPTED;
}
