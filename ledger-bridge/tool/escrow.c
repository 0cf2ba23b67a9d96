/*
 * Escrows, and the proof of what became of one.
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

static void
print_outcome(const struct tool_options *options, const cpnp_outcome *o,
    uint64_t index)
{
	char hex[2 * CPNP_SHA256_LEN + 1];

	tool_hex(o->digest, CPNP_SHA256_LEN, hex);
	if (options->json)
		tool_put_json(json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:I}",
		    "ok", 1, "id", hex, "event", cpnp_fact_name(o->kind),
		    "outcome", cpnp_outcome_name(o->code), "amount",
		    (json_int_t)o->amount, "position",
		    (json_int_t)o->position, "index", (json_int_t)index));
	else
		printf("%s\n    %s: %s, %" PRId64 " in minor units; outcome "
		       "%" PRIu64 ", entry %" PRIu64 "\n", hex,
		    cpnp_fact_name(o->kind), cpnp_outcome_text(o->code),
		    o->amount, index, o->position);
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
		print_outcome(options, &outcome, index);
	else if (err != 0)
		code = tool_fail(options, options->operand,
		    "the ledger has never seen an operation or escrow of "
		    "this id");
	ledger_close(&ledger);
	return code;
}

/* The newest outcome, its path, and the head that our key signs. */
static int
build_proof(struct ledger *ledger, const uint8_t id[CPNP_SHA256_LEN],
    cpnp_buf *file, cpnp_outcome *outcome)
{
	const struct tool_options *options = ledger->options;
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	uint8_t leaf_store[CPNP_OUTCOME_MAX], head_store[512];
	cpnp_outcome_head head = {0};
	cpnp_ledger_info info;
	cpnp_buf leaf, signed_head;
	cpnp_bytes heads;
	uint64_t index;
	size_t n = 0;
	int err;

	err = cpnp_bridge_outcome(ledger->bridge, id, outcome, &index);
	if (err == CPNP_ERR_NOT_FOUND)
		return tool_fail(options, options->operand,
		    "the ledger has no outcome of this id");
	(void)cpnp_ledger_get_info(cpnp_bridge_lock(ledger->bridge), &info);
	cpnp_bridge_unlock(ledger->bridge);
	memcpy(head.ledger, info.id, CPNP_SHA256_LEN);
	head.position = info.position - 1;
	head.size = info.outcome_n;
	memcpy(head.root, info.outcome_root, CPNP_SHA256_LEN);
	cpnp_buf_init_fixed(&leaf, leaf_store, sizeof(leaf_store));
	cpnp_buf_init_fixed(&signed_head, head_store, sizeof(head_store));
	cpnp_outcome_encode(outcome, &leaf);
	if (err == 0)
		err = cpnp_bridge_outcome_path(ledger->bridge, index,
		    head.size, path, CPNP_TREE_PATH_MAX, &n);
	if (err == 0)
		err = cpnp_outcome_head_sign(
		    ledger->signer, &head, &signed_head);
	heads = cpnp_buf_bytes(&signed_head);
	if (err == 0)
		err = cpnp_payment_encode(cpnp_buf_bytes(&leaf), index,
		    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, &heads, 1,
		    file);
	return err == 0 ? 0 : tool_fail(options, options->operand,
	    "cannot be proved: %s", cpnp_strerror(err));
}

static int
tool_escrow_prove(const struct tool_options *options)
{
	uint8_t id[CPNP_SHA256_LEN];
	struct ledger ledger;
	cpnp_outcome outcome;
	cpnp_buf file;
	int code;

	if (options->output == NULL)
		return tool_fail(options, "output",
		    "a proof is binary; name a file with -o FILE");
	code = ledger_hex(options, "escrow", options->operand, id, sizeof(id));
	if (code == 0)
		code = ledger_open(options, true, &ledger);
	if (code != 0)
		return code;
	cpnp_buf_init(&file, &ledger_mem, CPNP_PAYMENT_MAX);
	code = build_proof(&ledger, id, &file, &outcome);
	if (code == 0)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&file));
	if (code == 0 && options->json)
		tool_put_json(json_pack("{s:b, s:s, s:s, s:s}", "ok", 1,
		    "id", options->operand, "event",
		    cpnp_fact_name(outcome.kind), "file", options->output));
	cpnp_buf_fini(&file);
	ledger_close(&ledger);
	return code;
}

bool
tool_is_payment(cpnp_bytes file)
{
	/* an array of five, a text of twelve bytes */
	static const char head[] = "\x85\x6c" "CPNP-payment";

	return file.len >= sizeof(head) - 1 &&
	    memcmp(file.ptr, head, sizeof(head) - 1) == 0;
}

int
tool_verify_payment(const struct tool_options *options, cpnp_bytes file)
{
	uint8_t store[KEYS_MAX][CPNP_SPKI_MAX];
	cpnp_verifier *verifier = NULL;
	cpnp_bytes keys[KEYS_MAX];
	cpnp_payment payment;
	cpnp_diag diag = {0};
	size_t i, len;
	int code = 0;

	if (options->key_n == 0)
		return tool_fail(options, options->operand,
		    "NOT VERIFIED: whom do you believe? --key PUB of "
		    "operators of the ledger, not only of the payee");
	for (i = 0; i < options->key_n && code == 0; i++) {
		code = ledger_spki(options, options->keys[i], store[i], &len);
		keys[i] = (cpnp_bytes){store[i], len};
	}
	if (code != 0)
		return code;
	if (cpnp_verifier_new(&verifier) != 0)
		return tool_fail(options, options->operand, "out of memory");
	if (cpnp_payment_verify(cpnp_verifier_env(verifier), file, keys,
	        options->key_n, &payment, &diag) != 0)
		code = tool_fail(options, options->operand,
		    "NOT VERIFIED: %s: %s", diag.where, diag.why);
	else {
		if (!options->json)
			puts("VERIFIED, under a head that an operator whom "
			     "you believe has signed:");
		print_outcome(options, &payment.outcome, payment.index);
	}
	cpnp_verifier_del(verifier);
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
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
