/*
 * The catalogue: offers of services and segments, which expire (U14, U22,
 * U25, Y15, Y31, N18, N21-N23).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#define HAS(call, name) (((call)->op->has & CPNP_OP_FIELD_BIT(name)) != 0)

struct offer *
offer_find(const cpnp_ledger *l, cpnp_bytes publisher, cpnp_bytes id)
{
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + CPNP_OFFER_ID_MAX];

	if (publisher.len == 0 || publisher.len > CPNP_ACCOUNT_MAX ||
	    id.len > CPNP_OFFER_ID_MAX)
		return NULL;
	return (struct offer *)map_find(
	    &l->offers, key, key_join(key, publisher, id));
}

/* A pseudonym is ordered from and paid through its broker (N21). */
struct account *
offer_payee(const struct offer *offer)
{
	return offer->publisher->broker != NULL ? offer->publisher->broker
						: offer->publisher;
}

void
offer_end(cpnp_ledger *l, struct offer *offer)
{
	offer->publisher->offer_n--;
	due_clear(&l->heap, &offer->timed);
	map_remove(&l->offers, &offer->timed.node);
	ledger_free(l, offer);
}

static unsigned
check_offer(const struct call *call, struct token **token)
{
	const cpnp_op *op = call->op;
	const cpnp_ledger *l = call->ledger;

	*token = NULL;
	if (op->until <= l->time || op->until >
	    l->time + (int64_t)l->settings.offer_seconds_max ||
	    (HAS(call, FROM) && HAS(call, TO) && op->from >= op->to))
		return CPNP_OUTCOME_TIME;
	if (op->kind == CPNP_OFFER_SEGMENT &&
	    (!HAS(call, INGRESS) || !HAS(call, EGRESS)))
		return CPNP_OUTCOME_MALFORMED;
	if (!HAS(call, AMOUNT))
		return CPNP_OUTCOME_ACCEPTED; /* a price of infinity (N23) */
	*token = token_find(l, op->issuer, op->code);
	if (*token == NULL)
		return CPNP_OUTCOME_TOKEN;
	return op->amount <= l->settings.amount_max ? CPNP_OUTCOME_ACCEPTED
						    : CPNP_OUTCOME_AMOUNT;
}

static void
copy_text(char *to, size_t size, cpnp_bytes text)
{
	memset(to, 0, size);
	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
}

static void
offer_fill(struct offer *offer, const struct call *call, struct token *token)
{
	const cpnp_op *op = call->op;

	offer->kind = op->kind;
	copy_text(offer->ingress, sizeof(offer->ingress), op->ingress);
	copy_text(offer->egress, sizeof(offer->egress), op->egress);
	offer->delay = op->delay;
	offer->capacity = op->capacity;
	offer->token = token;
	offer->price = op->amount;
	offer->duration = op->duration;
	offer->from = op->from;
	offer->to = HAS(call, TO) ? op->to : CPNP_WTIME_MAX;
	offer->has_document = op->document.len > 0;
	memset(offer->document, 0, sizeof(offer->document));
	if (offer->has_document)
		memcpy(offer->document, op->document.ptr, CPNP_SHA256_LEN);
	offer->until = op->until;
}

/* A new entry, or new values for one that is there. */
unsigned
do_publish(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct offer *offer;
	struct token *token;
	unsigned code;

	code = check_offer(call, &token);
	if (code != CPNP_OUTCOME_ACCEPTED)
		return code;
	offer = offer_find(l, account_name(call->account), op->offer);
	if (offer == NULL &&
	    call->account->offer_n >= l->settings.offers_max)
		return CPNP_OUTCOME_LIMIT;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	if (offer == NULL) {
		offer = ledger_alloc(l, sizeof(*offer));
		if (offer == NULL)
			return CPNP_OUTCOME_LIMIT;
		offer->publisher = call->account;
		memcpy(offer->id, op->offer.ptr, op->offer.len);
		offer->id_len = op->offer.len;
		offer->timed.node.key = offer->key;
		offer->timed.node.key_len = key_join(
		    offer->key, account_name(call->account), op->offer);
		call->account->offer_n++;
		map_insert(&l->offers, &offer->timed.node);
	}
	offer_fill(offer, call, token);
	l->err = due_set(&l->heap, &l->env.env.mem, &offer->timed, DUE_OFFER,
	    offer->until);
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_unpublish(struct call *call)
{
	struct offer *offer;

	offer = offer_find(call->ledger, account_name(call->account),
	    call->op->offer);
	if (offer == NULL)
		return CPNP_OUTCOME_UNKNOWN;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	offer_end(call->ledger, offer);
	return CPNP_OUTCOME_ACCEPTED;
}
