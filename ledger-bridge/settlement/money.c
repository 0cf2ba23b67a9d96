/*
 * Tokens and balances.  The supply of a token is at most INT64_MAX, and what
 * accounts have free and locked adds up to it, so that no balance overflows.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#include <inttypes.h>
#include <stdio.h>

void
cpnp_money_text(const cpnp_money *money, char text[CPNP_MONEY_TEXT_LEN])
{
	uint64_t minor = money->amount < 0 ? 0 - (uint64_t)money->amount
					   : (uint64_t)money->amount;
	const char *sign = money->amount < 0 ? "-" : "";
	int digits = money->exponent <= CPNP_TOKEN_EXPONENT_MAX
	    ? money->exponent : CPNP_TOKEN_EXPONENT_MAX;
	uint64_t unit = 1;
	int i;

	for (i = 0; i < digits; i++)
		unit *= 10;
	if (digits == 0)
		(void)snprintf(text, CPNP_MONEY_TEXT_LEN, "%s%" PRIu64 " %.*s",
		    sign, minor, (int)money->code.len,
		    (const char *)money->code.ptr);
	else
		(void)snprintf(text, CPNP_MONEY_TEXT_LEN,
		    "%s%" PRIu64 ".%0*" PRIu64 " %.*s", sign, minor / unit,
		    digits, minor % unit, (int)money->code.len,
		    (const char *)money->code.ptr);
}

/* Long multiplication and division in one, a bit at a time: rest stays below
 * c, and so does everything that is doubled. */
int64_t
muldiv(int64_t a, int64_t b, int64_t c)
{
	uint64_t quotient = 0, rest = 0, divisor = (uint64_t)c;
	int bit;

	for (bit = 62; bit >= 0; bit--) {
		quotient <<= 1;
		rest <<= 1;
		if (rest >= divisor) {
			rest -= divisor;
			quotient++;
		}
		if (((uint64_t)a >> bit & 1) == 1) {
			rest += (uint64_t)b;
			if (rest >= divisor) {
				rest -= divisor;
				quotient++;
			}
		}
	}
	return (int64_t)quotient;
}

static size_t
token_key(uint8_t *key, cpnp_bytes issuer, cpnp_bytes code)
{
	return key_join(key, issuer, code);
}

struct token *
token_find(const cpnp_ledger *l, cpnp_bytes issuer, cpnp_bytes code)
{
	uint8_t key[CPNP_ACCOUNT_MAX + 1 + CPNP_TOKEN_CODE_MAX];

	if (issuer.len > CPNP_ACCOUNT_MAX || code.len > CPNP_TOKEN_CODE_MAX ||
	    issuer.len == 0)
		return NULL;
	return (struct token *)map_find(
	    &l->tokens, key, token_key(key, issuer, code));
}

struct token *
token_new(cpnp_ledger *l, struct account *issuer, cpnp_bytes code,
    uint8_t exponent)
{
	struct token *token = ledger_alloc(l, sizeof(*token));

	if (token == NULL)
		return NULL;
	token->issuer = issuer;
	memcpy(token->code, code.ptr, code.len);
	token->exponent = exponent;
	token->node.key = token->key;
	token->node.key_len =
	    token_key(token->key, account_name(issuer), code);
	map_insert(&l->tokens, &token->node);
	return token;
}

static size_t
balance_key(uint8_t *key, const struct account *account,
    const struct token *token)
{
	return key_join(key, account_name(account),
	    (cpnp_bytes){token->key, token->node.key_len});
}

struct balance *
balance_find(const cpnp_ledger *l, const struct account *account,
    const struct token *token)
{
	uint8_t key[sizeof(((struct balance *)0)->key)];

	return (struct balance *)map_find(
	    &l->balances, key, balance_key(key, account, token));
}

struct balance *
balance_get(cpnp_ledger *l, struct account *account, struct token *token)
{
	struct balance *balance = balance_find(l, account, token);

	if (balance != NULL)
		return balance;
	balance = ledger_alloc(l, sizeof(*balance));
	if (balance == NULL)
		return NULL;
	balance->account = account;
	balance->token = token;
	balance->node.key = balance->key;
	balance->node.key_len = balance_key(balance->key, account, token);
	map_insert(&l->balances, &balance->node);
	return balance;
}

int64_t
balance_free(const cpnp_ledger *l, const struct account *account,
    const struct token *token)
{
	const struct balance *balance = balance_find(l, account, token);

	return balance == NULL ? 0 : balance->free;
}

/* A balance of nothing is not kept. */
static void
balance_tidy(cpnp_ledger *l, struct balance *balance)
{
	if (balance->free != 0 || balance->held != 0)
		return;
	map_remove(&l->balances, &balance->node);
	ledger_free(l, balance);
}

void
money_hold(cpnp_ledger *l, struct account *account, struct token *token,
    int64_t amount)
{
	struct balance *balance;

	if (amount == 0)
		return;
	balance = balance_find(l, account, token);
	balance->free -= amount;
	balance->held += amount;
}

void
money_release(cpnp_ledger *l, struct account *payer, struct token *token,
    int64_t amount, struct account *to)
{
	struct balance *from, *into;

	if (amount == 0)
		return;
	into = balance_get(l, to, token);
	if (into == NULL)
		return;
	from = balance_find(l, payer, token);
	from->held -= amount;
	into->free += amount;
	balance_tidy(l, from);
}

void
money_fee(cpnp_ledger *l, struct account *payer, struct token *token,
    int64_t amount)
{
	int64_t share, rest = amount;
	struct account *pool;
	size_t i;

	if (amount == 0)
		return;
	for (i = 1; i < l->settings.pool_n; i++) {
		share = muldiv(amount, l->settings.pools[i].ppm, CPNP_PPM);
		pool = account_find(l, l->settings.pools[i].account);
		money_release(l, payer, token, share, pool);
		rest -= share;
	}
	/* what rounding leaves goes to the first; without pools, which
	 * settings may take away while a fee is locked, back to the payer */
	pool = l->settings.pool_n == 0
	    ? payer : account_find(l, l->settings.pools[0].account);
	money_release(l, payer, token, rest, pool);
}

static size_t
token_count(const cpnp_ledger *l, const struct account *issuer)
{
	const struct node *node;
	size_t n = 0;

	node = map_from(&l->tokens, issuer->name, issuer->node.key_len + 1);
	for (; node != NULL && ((const struct token *)node)->issuer == issuer;
	     node = map_next(&l->tokens, node))
		n++;
	return n;
}

unsigned
do_token(struct call *call)
{
	const cpnp_op *op = call->op;

	if (token_find(call->ledger, account_name(call->account), op->code) !=
	    NULL)
		return CPNP_OUTCOME_EXISTS;
	if (token_count(call->ledger, call->account) >= CPNP_ISSUER_TOKENS_MAX)
		return CPNP_OUTCOME_LIMIT;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	(void)token_new(call->ledger, call->account, op->code,
	    (uint8_t)op->exponent);
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_mint(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct balance *balance;
	struct account *peer;
	struct token *token;

	token = token_find(l, account_name(call->account), op->code);
	if (token == NULL)
		return CPNP_OUTCOME_TOKEN;
	peer = account_find(l, op->peer);
	if (peer == NULL || peer->status != CPNP_ACCOUNT_ACTIVE)
		return CPNP_OUTCOME_PEER;
	if (op->amount < 1 || op->amount > l->settings.amount_max)
		return CPNP_OUTCOME_AMOUNT;
	if (op->amount > INT64_MAX - token->supply)
		return CPNP_OUTCOME_OVERFLOW;
	call->amount = op->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	balance = balance_get(l, peer, token);
	if (balance == NULL)
		return CPNP_OUTCOME_LIMIT;
	token->supply += op->amount;
	balance->free += op->amount;
	return CPNP_OUTCOME_ACCEPTED;
}

unsigned
do_transfer(struct call *call)
{
	const cpnp_op *op = call->op;
	cpnp_ledger *l = call->ledger;
	struct account *peer;
	struct token *token;

	token = token_find(l, op->issuer, op->code);
	if (token == NULL)
		return CPNP_OUTCOME_TOKEN;
	peer = account_find(l, op->peer);
	if (peer == NULL || peer->status != CPNP_ACCOUNT_ACTIVE ||
	    peer == call->account)
		return CPNP_OUTCOME_PEER;
	if (op->amount < 1 || op->amount > l->settings.amount_max)
		return CPNP_OUTCOME_AMOUNT;
	if (op->amount > balance_free(l, call->account, token))
		return CPNP_OUTCOME_FUNDS;
	call->amount = op->amount;
	if (call->dry)
		return CPNP_OUTCOME_ACCEPTED;
	money_hold(l, call->account, token, op->amount);
	money_release(l, call->account, token, op->amount, peer);
	return CPNP_OUTCOME_ACCEPTED;
}
