/*
 * What to say of an operation that would be refused: the rule has a text of
 * its own, and here are the numbers that somebody needs who wants to do better.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <cpnp/message.h>

void
settle_say(cpnp_diag *diag, const char *format, ...)
{
	va_list ap;

	if (diag == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(diag->why, sizeof(diag->why), format, ap);
	va_end(ap);
}

static void
put_date(int64_t time, char date[CPNP_DATE_LEN])
{
	if (cpnp_date_format(CPNP_EDITION_RFC8921,
	    (cpnp_wtime){time}, date) != 0)
		(void)snprintf(date, CPNP_DATE_LEN, "%" PRId64, time);
}

static void
put_money(const struct token *token, int64_t amount,
    char text[CPNP_MONEY_TEXT_LEN])
{
	cpnp_money_text(&(cpnp_money){.amount = amount,
	    .exponent = token->exponent,
	    .code = cpnp_bytes_str(token->code)}, text);
}

/* What an amount that is in its token is held against. */
static void
explain_money(const struct call *call, const struct token *token,
    unsigned code, cpnp_diag *diag)
{
	const cpnp_op *op = call->op;
	const cpnp_ledger *l = call->ledger;
	char a[CPNP_MONEY_TEXT_LEN], b[CPNP_MONEY_TEXT_LEN];
	int64_t fee = 0;

	if ((op->has & CPNP_OP_FIELD_BIT(FEE_MAX)) != 0 &&
	    op->amount <= l->settings.amount_max)
		fee = muldiv(op->amount, l->settings.fee_ppm, CPNP_PPM);
	if (code == CPNP_OUTCOME_FUNDS) {
		put_money(token, balance_free(l, call->account, token), a);
		put_money(token, op->amount + fee, b);
		settle_say(diag, "%s has %s free, %s needed",
		    call->account->name, a, b);
	} else if (code == CPNP_OUTCOME_FEE) {
		put_money(token, fee, a);
		put_money(token, op->fee_max, b);
		settle_say(diag, "the fee is %s, the payer's limit is %s", a,
		    b);
	} else if (code == CPNP_OUTCOME_AMOUNT && op->type != CPNP_OP_PUBLISH) {
		put_money(token, op->amount, a);
		put_money(token, l->settings.amount_max, b);
		settle_say(diag, "%s is not from one unit to %s", a, b);
	}
}

static void
explain_key(const struct call *call, cpnp_diag *diag)
{
	settle_say(diag, "the key that has signed is not one of %s at position "
	    "%" PRIu64, call->account->name, call->ledger->position);
}

static void
put_roles(uint64_t roles, const char *last, char *text, size_t size)
{
	static const char *const names[] = {"customer", "provider", "broker",
	    "operator", "maintainer", "network", "issuer", "auditor"};
	size_t at = 0;

	(void)snprintf(text, size, "none");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((roles >> i & 1) != 0 && at < size)
			at += (size_t)snprintf(text + at, size - at, "%s%s",
			    at == 0 ? "" : last, names[i]);
}

static void
explain_role(const struct call *call, cpnp_diag *diag)
{
	uint64_t may = ledger_roles_for(call->ledger, call->op->type);
	char has[96], needed[96];

	put_roles(call->account->roles, ", ", has, sizeof(has));
	put_roles(may, " or ", needed, sizeof(needed));
	if ((call->account->roles & may) == 0)
		settle_say(diag, "%s has the roles %s, needed is %s",
		    call->account->name, has, needed);
	else
		settle_say(diag, "a maintainer gives customer, provider, "
		    "broker, network; a broker opens pseudonyms");
}

static void
explain_stale(const struct call *call, cpnp_diag *diag)
{
	char date[CPNP_DATE_LEN];

	if (call->op->type != CPNP_OP_TICK)
		return;
	put_date(call->account->tick, date);
	settle_say(diag, "the last tick of %s was %s", call->account->name,
	    date);
}

static void
explain_status(const struct call *call, cpnp_diag *diag)
{
	settle_say(diag, "%s is %s", call->account->name,
	    call->account->status == CPNP_ACCOUNT_CLOSED ? "closed"
							 : "suspended");
}

static void
explain_peer(const struct call *call, cpnp_diag *diag)
{
	const cpnp_op *op = call->op;

	if ((op->has & CPNP_OP_FIELD_BIT(PEER)) == 0)
		return;
	settle_say(diag, account_find(call->ledger, op->peer) == NULL
	    ? "%.*s is no account of this ledger"
	    : cpnp_bytes_equal(op->peer, op->account)
	    ? "%.*s is the account itself"
	    : "%.*s cannot be the other account of this",
	    (int)op->peer.len, (const char *)op->peer.ptr);
}

static void
explain_time(const struct call *call, unsigned code, cpnp_diag *diag)
{
	char at[CPNP_DATE_LEN], now[CPNP_DATE_LEN];

	put_date(call->op->expiry, at);
	put_date(call->ledger->time, now);
	if (code == CPNP_OUTCOME_TIME)
		settle_say(diag, "%s; the ledger's is %s",
		    cpnp_outcome_text(code), now);
	else if (code == CPNP_OUTCOME_EXPIRED)
		settle_say(diag, "expired %s; the ledger's time is %s", at,
		    now);
	else
		settle_say(diag, "expires %s, more than %" PRIu64 " seconds "
		    "after the ledger's time, %s", at,
		    call->ledger->settings.op_seconds_max, now);
}

static void
explain_op(const struct call *call, unsigned code, cpnp_diag *diag)
{
	const cpnp_op *op = call->op;
	const struct token *token;

	token = token_find(call->ledger, op->type == CPNP_OP_MINT
	    ? account_name(call->account) : op->issuer, op->code);
	if (code == CPNP_OUTCOME_KEY)
		explain_key(call, diag);
	else if (code == CPNP_OUTCOME_STATUS)
		explain_status(call, diag);
	else if (code == CPNP_OUTCOME_ROLE)
		explain_role(call, diag);
	else if (code == CPNP_OUTCOME_STALE)
		explain_stale(call, diag);
	else if (code == CPNP_OUTCOME_PEER)
		explain_peer(call, diag);
	else if (code == CPNP_OUTCOME_EXPIRED || code == CPNP_OUTCOME_LIFE ||
	    code == CPNP_OUTCOME_TIME)
		explain_time(call, code, diag);
	else if (code == CPNP_OUTCOME_TOKEN && op->issuer.len > 0)
		settle_say(diag, "there is no token %.*s of %.*s",
		    (int)op->code.len, (const char *)op->code.ptr,
		    (int)op->issuer.len, (const char *)op->issuer.ptr);
	else if (token != NULL)
		explain_money(call, token, code, diag);
}

void
outcome_explain(const struct call *call, unsigned code, cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};

	if (diag == NULL || code == CPNP_OUTCOME_PENDING)
		return;
	if (diag->err != 0)
		own = *diag;
	(void)settle_fail(diag, CPNP_ERR_FORBIDDEN, cpnp_outcome_name(code),
	    cpnp_outcome_text(code));
	if (own.err != 0)
		settle_say(diag, "%.60s: %.90s", own.where, own.why);
	else if (call->account != NULL)
		explain_op(call, code, diag);
	else if (code == CPNP_OUTCOME_ACCOUNT)
		settle_say(diag, "%.*s is no account of this ledger",
		    (int)call->op->account.len,
		    (const char *)call->op->account.ptr);
}
