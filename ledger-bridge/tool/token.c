/*
 * Tokens and balances.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "ledger.h"

static int
list_token(void *user, const cpnp_token_view *token)
{
	const struct tool_options *options = user;
	char supply[MONEY_LEN];

	ledger_put_money(
	    token->supply, token->exponent, token->code, supply);
	if (options->json) {
		tool_put_json(json_pack("{s:o, s:o, s:i, s:I, s:o}", "issuer",
		    tool_text(token->issuer), "code", tool_text(token->code),
		    "exponent", (int)token->exponent, "supply",
		    (json_int_t)token->supply, "text",
		    tool_text(cpnp_bytes_str(supply))));
		return 0;
	}
	tool_put(stdout, cpnp_bytes_str(supply));
	fputs(" of ", stdout);
	tool_put(stdout, token->issuer);
	puts(token->supply == 0 ? ": nothing of it was ever minted"
	                        : " in all");
	return 0;
}

static int
tool_token_list(const struct tool_options *options)
{
	struct tool_options copy = *options;
	struct ledger ledger;
	int code;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	(void)cpnp_ledger_each_token(
	    cpnp_bridge_lock(ledger.bridge), list_token, &copy);
	cpnp_bridge_unlock(ledger.bridge);
	ledger_close(&ledger);
	return 0;
}

struct balances {
	const struct tool_options *options;
	const cpnp_ledger *state;
	cpnp_bytes account;
};

/* One token; every zero says why it is one. */
static int
show_balance(void *user, const cpnp_token_view *token)
{
	struct balances *b = user;
	char free_text[MONEY_LEN], held[MONEY_LEN];
	cpnp_balance balance;
	const char *why = "";

	if (cpnp_ledger_get_balance(b->state, b->account, token->issuer,
	        token->code, &balance) != 0)
		return 0;
	if (balance.free == 0 && token->supply == 0)
		why = "nothing of this token was ever minted";
	else if (balance.free == 0 && balance.held > 0)
		why = "all of it is locked in escrows and channels";
	else if (balance.free == 0)
		why = "nothing was minted or paid to this account that it "
		      "has not spent";
	ledger_put_money(
	    balance.free, balance.exponent, balance.code, free_text);
	ledger_put_money(balance.held, balance.exponent, balance.code, held);
	if (b->options->json) {
		tool_put_json(json_pack(
		    "{s:o, s:o, s:o, s:I, s:I, s:i, s:s, s:o}", "account",
		    tool_text(b->account), "issuer", tool_text(token->issuer),
		    "code", tool_text(token->code), "free",
		    (json_int_t)balance.free, "held",
		    (json_int_t)balance.held, "exponent",
		    (int)balance.exponent, "why", why, "text",
		    tool_text(cpnp_bytes_str(free_text))));
		return 0;
	}
	fputs("balance ", stdout);
	tool_put(stdout, cpnp_bytes_str(free_text));
	fputs(" of ", stdout);
	tool_put(stdout, token->issuer);
	if (balance.held > 0)
		printf(", and %s locked", held);
	printf("%s%s\n", why[0] == '\0' ? "" : ": ", why);
	return 0;
}

static int
tool_balance(const struct tool_options *options)
{
	struct balances b = {.options = options};
	struct ledger ledger;
	cpnp_account_view view;
	int code;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	code = ledger_account(&ledger, &b.account);
	if (code == 0) {
		b.state = cpnp_bridge_lock(ledger.bridge);
		if (cpnp_ledger_get_account(b.state, b.account, &view) != 0)
			code = tool_fail(options, (const char *)b.account.ptr,
			    "there is no such account; a maintainer opens it "
			    "with cpnp-ledger account open");
		else
			(void)cpnp_ledger_each_token(
			    b.state, show_balance, &b);
		cpnp_bridge_unlock(ledger.bridge);
	}
	ledger_close(&ledger);
	return code;
}

const struct tool_verb tool_verbs_token[] = {
    {{"token", "create"}, 1, 1, TAKES_LEDGER "exponent ", tool_op,
	"token create CODE --exponent N", CPNP_OP_TOKEN,
	{CPNP_OP_FIELD_CODE}},
    {{"token", "list"}, 0, 0, TAKES_LEDGER, tool_token_list, "token list", 0,
	{0}},
    {{"mint", NULL}, 2, 2, TAKES_LEDGER, tool_op, "mint ACCOUNT AMOUNT",
	CPNP_OP_MINT, {CPNP_OP_FIELD_PEER, CPNP_OP_FIELD_AMOUNT}},
    {{"transfer", NULL}, 2, 2, TAKES_LEDGER "document ", tool_op,
	"transfer ACCOUNT AMOUNT [--document HEX]", CPNP_OP_TRANSFER,
	{CPNP_OP_FIELD_PEER, CPNP_OP_FIELD_AMOUNT}},
    {{"balance", NULL}, 0, 1, TAKES_LEDGER, tool_balance,
	"balance [ACCOUNT]", 0, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
