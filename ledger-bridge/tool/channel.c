/*
 * Payment channels.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>

#include "ledger.h"

struct list {
	const struct tool_options *options;
	const cpnp_ledger *state;
	size_t n;
};

static int
list_channel(void *user, const cpnp_channel_view *c)
{
	struct list *list = user;
	char hex[2 * CPNP_SHA256_LEN + 1], date[CPNP_DATE_LEN];
	char amount[MONEY_LEN], claimed[MONEY_LEN];
	cpnp_token_view token = {0};

	list->n++;
	(void)cpnp_ledger_get_token(
	    list->state, c->issuer, c->code, &token);
	tool_hex(c->id, CPNP_SHA256_LEN, hex);
	tool_time(c->due, date);
	if (list->options->json) {
		tool_put_json(json_pack(
		    "{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:s}",
		    "id", hex, "payer", tool_text(c->payer), "payee",
		    tool_text(c->payee), "issuer", tool_text(c->issuer),
		    "code", tool_text(c->code), "amount",
		    (json_int_t)c->amount, "claimed", (json_int_t)c->claimed,
		    "redeemed", (json_int_t)c->count, "closing", c->closing,
		    "due", date));
		return 0;
	}
	ledger_put_money(c->amount, token.exponent, c->code, amount);
	ledger_put_money(c->claimed, token.exponent, c->code, claimed);
	printf("%s  ", hex);
	tool_put(stdout, c->payer);
	fputs(" to ", stdout);
	tool_put(stdout, c->payee);
	printf(": %s locked, %s claimed", amount, claimed);
	if (c->has_chain)
		printf(", %" PRIu64 " hashes redeemed", c->count);
	printf("; %s %s\n", c->closing ? "closes" : "ends", date);
	return 0;
}

static size_t
list_channels(const struct tool_options *options, const cpnp_ledger *state,
    cpnp_bytes account)
{
	struct list list = {.options = options, .state = state};

	(void)cpnp_ledger_each_channel(state, account, list_channel, &list);
	return list.n;
}

static int
tool_channel_list(const struct tool_options *options)
{
	return ledger_list(options, list_channels, "no channel is open");
}

const struct tool_verb tool_verbs_channel[] = {
    {{"channel", "list"}, 0, 1, TAKES_LEDGER, tool_channel_list,
	"channel list [ACCOUNT | -]", 0, {0}},
    {{"channel", "open"}, 2, 2,
	TAKES_LEDGER "fee-max until order claim-seconds chain unit ", tool_op,
	"channel open PAYEE AMOUNT --order HEX --until TIME\n"
	"           [--fee-max AMOUNT] [--claim-seconds N]\n"
	"           [--chain HEX --unit AMOUNT]",
	CPNP_OP_CHANNEL_OPEN, {CPNP_OP_FIELD_PEER, CPNP_OP_FIELD_AMOUNT}},
    {{"channel", "voucher"}, 2, 2, TAKES_LEDGER, tool_op,
	"channel voucher ID AMOUNT", CPNP_OP_VOUCHER,
	{CPNP_OP_FIELD_SUBJECT, CPNP_OP_FIELD_AMOUNT}},
    {{"channel", "redeem"}, 1, 1, TAKES_LEDGER "chain count ", tool_op,
	"channel redeem ID --chain HEX --count N", CPNP_OP_REDEEM,
	{CPNP_OP_FIELD_SUBJECT}},
    {{"channel", "close"}, 1, 1, TAKES_LEDGER, tool_op, "channel close ID",
	CPNP_OP_CHANNEL_CLOSE, {CPNP_OP_FIELD_SUBJECT}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
