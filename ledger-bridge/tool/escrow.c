/*
 * Escrows.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <string.h>

#include "ledger.h"

static json_t *
escrow_json(const cpnp_escrow_view *e)
{
	json_t *json = json_pack(
	    "{s:o, s:s, s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:I, s:o}", "id",
	    ledger_hex_json(e->id), "state",
	    cpnp_escrow_state_name(e->state), "payer", tool_text(e->payer),
	    "payee", tool_text(e->payee), "issuer", tool_text(e->issuer),
	    "code", tool_text(e->code), "exponent", (int)e->exponent,
	    "amount", (json_int_t)e->amount, "fee", (json_int_t)e->fee,
	    "locked", (json_int_t)e->locked, "order",
	    ledger_hex_json(e->order));

	if (e->has_set)
		(void)json_object_set_new(json, "set",
		    ledger_hex_json(e->set));
	(void)json_object_set_new(json, "duration",
	    json_integer((json_int_t)e->duration));
	(void)json_object_set_new(json, "used",
	    json_integer((json_int_t)e->used));
	(void)json_object_set_new(json, "credits",
	    json_integer((json_int_t)e->credits));
	(void)json_object_set_new(json, "disputed",
	    json_integer((json_int_t)e->disputed));
	(void)json_object_set_new(json, "due", ledger_time_json(e->due));
	return json;
}

static const char *
next_step(const cpnp_escrow_view *e)
{
	switch (e->state) {
	case CPNP_ESCROW_PENDING:
		return "the payee acknowledges it until then, or it returns "
		       "to the payer";
	case CPNP_ESCROW_ACKNOWLEDGED:
		return "all of its set are acknowledged until then, or all "
		       "return";
	case CPNP_ESCROW_POSTED:
		return "the service ends";
	case CPNP_ESCROW_ENDED:
		return "what was used is paid and the rest returns; claims "
		       "are taken until then";
	case CPNP_ESCROW_DISPUTED:
		return "the claims about it end";
	}
	return "?";
}

static void
print_escrow(const struct tool_options *options, const cpnp_escrow_view *e)
{
	char hex[2 * CPNP_SHA256_LEN + 1], amount[MONEY_LEN];
	char locked[MONEY_LEN], date[CPNP_DATE_LEN];

	if (options->json) {
		tool_put_json(escrow_json(e));
		return;
	}
	tool_hex(e->id, CPNP_SHA256_LEN, hex);
	ledger_put_money(e->amount, e->exponent, e->code, amount);
	ledger_put_money(e->locked, e->exponent, e->code, locked);
	tool_time(e->due, date);
	printf("%s  %s  ", hex, cpnp_escrow_state_name(e->state));
	tool_put(stdout, cpnp_bytes_str(amount));
	fputs(" from ", stdout);
	tool_put(stdout, e->payer);
	fputs(" to ", stdout);
	tool_put(stdout, e->payee);
	printf("\n    used %" PRIu64 " of %" PRIu64 " s%s; %s still in it\n"
	       "    %s: %s\n", e->used, e->duration,
	    e->idle ? ", deactivated now" : "", locked, date, next_step(e));
}

struct list {
	const struct tool_options *options;
	size_t n;
};

static int
list_escrow(void *user, const cpnp_escrow_view *e)
{
	struct list *list = user;

	list->n++;
	print_escrow(list->options, e);
	return 0;
}

static size_t
list_escrows(const struct tool_options *options, const cpnp_ledger *state,
    cpnp_bytes account)
{
	struct list list = {.options = options};

	(void)cpnp_ledger_each_escrow(state, account, list_escrow, &list);
	return list.n;
}

static int
tool_escrow_list(const struct tool_options *options)
{
	return ledger_list(options, list_escrows, "no escrow is open; those "
	    "that have settled have outcomes only, escrow show ID");
}

static int
tool_escrow_show(const struct tool_options *options)
{
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_escrow_view view;
	struct ledger ledger;
	cpnp_outcome outcome;
	uint64_t index;
	int code, err;

	code = ledger_hex(options, "escrow", options->operand, id, sizeof(id));
	if (code == 0)
		code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	err = cpnp_ledger_get_escrow(
	    cpnp_bridge_lock(ledger.bridge), id, &view);
	if (err == 0)
		print_escrow(options, &view);
	cpnp_bridge_unlock(ledger.bridge);
	if (err != 0 && cpnp_bridge_outcome(
	        ledger.bridge, id, &outcome, &index) == 0)
		ledger_print_outcome(options, &outcome, index);
	else if (err != 0)
		code = tool_fail(options, options->operand,
		    "the ledger has never seen an operation or escrow of "
		    "this id");
	ledger_close(&ledger);
	return code;
}

const struct tool_verb tool_verbs_escrow[] = {
    {{"escrow", "list"}, 0, 1, TAKES_LEDGER, tool_escrow_list,
	"escrow list [ACCOUNT | -]", 0, {0}},
    {{"escrow", "show"}, 1, 1, TAKES_LEDGER, tool_escrow_show,
	"escrow show ID", 0, {0}},
    {{"escrow", "authorize"}, 2, 2,
	TAKES_LEDGER "fee-max until order duration set replaces start "
	"claim-seconds idle-paid sla publisher offer ", tool_op,
	"escrow authorize PAYEE AMOUNT --order HEX --duration TIME\n"
	"           --until TIME [--fee-max AMOUNT] [--start TIME]\n"
	"           [--claim-seconds N] [--idle-paid] [--sla HEX] [--set HEX]\n"
	"           [--replaces HEX] [--publisher NAME --offer ID]",
	CPNP_OP_AUTHORIZE, {CPNP_OP_FIELD_PEER, CPNP_OP_FIELD_AMOUNT}},
    {{"escrow", "acknowledge"}, 1, 1, TAKES_LEDGER, tool_op,
	"escrow acknowledge ID", CPNP_OP_ACKNOWLEDGE,
	{CPNP_OP_FIELD_SUBJECT}},
    {{"escrow", "void"}, 1, 1, TAKES_LEDGER, tool_op, "escrow void ID",
	CPNP_OP_VOID, {CPNP_OP_FIELD_SUBJECT}},
    {{"escrow", "withdraw"}, 1, 1, TAKES_LEDGER, tool_op,
	"escrow withdraw ID", CPNP_OP_WITHDRAW, {CPNP_OP_FIELD_SUBJECT}},
    {{"escrow", "activate"}, 1, 1, TAKES_LEDGER, tool_op,
	"escrow activate ID", CPNP_OP_ACTIVATE, {CPNP_OP_FIELD_SUBJECT}},
    {{"escrow", "deactivate"}, 1, 1, TAKES_LEDGER, tool_op,
	"escrow deactivate ID", CPNP_OP_ACTIVATE, {CPNP_OP_FIELD_SUBJECT}},
    {{"escrow", "prove"}, 1, 1, TAKES_LEDGER "output ", tool_escrow_prove,
	"escrow prove ID -o FILE", 0, {0}},
    {{"escrow", "cosign"}, 1, 1, TAKES_LEDGER "output ", tool_escrow_cosign,
	"escrow cosign PROOF -o FILE", 0, {0}},
    {{"escrow", "set"}, 0, 0, TAKES_LEDGER "until member upper ", tool_op,
	"escrow set --until TIME --member PAYER:PAYEE:ORDER:AMOUNT...\n"
	"           [--upper ID]", CPNP_OP_COMMIT_SET, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
