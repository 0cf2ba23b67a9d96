/*
 * What of a verified proof rests on a ledger, in words and as JSON.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <string.h>

#include "ledger.h"

#define INDENT "%24s" /* behind a date */

/* Statements of the order that the journal had when it was anchored. */
static size_t
count_covered(const cpnp_proof *proof, const cpnp_proof_fact *anchor)
{
	size_t i, n = 0;

	for (i = 0; i < proof->entry_n; i++)
		n += proof->entries[i].index < anchor->op.size;
	return n;
}

/* An amount of the token that a payment is made in. */
static void
money_text(const cpnp_proof *proof, const cpnp_proof_fact *authorize,
    int64_t amount, char out[MONEY_LEN])
{
	cpnp_terms terms;
	uint8_t exponent = 0;

	/* they were decoded to verify the payment */
	if (cpnp_terms_decode(&terms,
	        proof->agreements[authorize->agreement].settlement_terms,
	        NULL) == 0)
		exponent = terms.exponent;
	ledger_put_money(amount, exponent, authorize->op.code, out);
}

static void
put_when(const cpnp_proof_fact *fact)
{
	char date[CPNP_DATE_LEN];

	if (fact->has_time) {
		tool_time(fact->time, date);
		printf("  %s  ", date);
	} else {
		printf("  %-*s  ", CPNP_DATE_LEN - 1, "(no time)");
	}
}

static void
print_anchor(const cpnp_proof *proof, const cpnp_proof_fact *fact)
{
	put_when(fact);
	printf("entry %" PRIu64 ": the journal's first %" PRIu64
	       " leaves, anchored by ", fact->outcome.position,
	    fact->op.size);
	tool_put(stdout, fact->op.account);
	printf(";\n" INDENT "%zu of the %zu statements above are among them\n",
	    "", count_covered(proof, fact), proof->entry_n);
}

static void
print_payment(const cpnp_proof *proof, const cpnp_proof_fact *fact)
{
	const cpnp_proof_fact *authorize =
	    &proof->ledger->facts[fact->payment];
	char hex[2 * CPNP_SHA256_LEN + 1], money[MONEY_LEN];

	money_text(proof, authorize, fact->outcome.amount, money);
	put_when(fact);
	printf("entry %" PRIu64 ": ", fact->outcome.position);
	switch (fact->outcome.kind) {
	case CPNP_OP_AUTHORIZE:
		tool_put(stdout, fact->op.account);
		fputs(" has locked ", stdout);
		tool_put(stdout, cpnp_bytes_str(money));
		fputs(" for ", stdout);
		tool_put(stdout, fact->op.peer);
		tool_hex(fact->outcome.digest, CPNP_SHA256_LEN, hex);
		printf("\n" INDENT "for %s, in escrow\n" INDENT "%s\n", "",
		    fact->agreement == proof->agreed
		        ? "what was agreed" : "another agreement", "", hex);
		break;
	case CPNP_FACT_POSTED:
		puts("the escrow is posted");
		break;
	case CPNP_FACT_RETURNED:
		fputs("all of it has returned to ", stdout);
		tool_put(stdout, authorize->op.account);
		putchar('\n');
		break;
	default:
		fputs("settled, ", stdout);
		tool_put(stdout, cpnp_bytes_str(money));
		fputs(" have reached ", stdout);
		tool_put(stdout, authorize->op.peer);
		putchar('\n');
		break;
	}
}

static bool
is_attested(const cpnp_proof_ledger *ledger)
{
	size_t i;

	for (i = 0; i < ledger->fact_n; i++)
		if (!ledger->facts[i].attested)
			return false;
	return true;
}

void
tool_print_ledger(const cpnp_proof *proof)
{
	const cpnp_proof_ledger *ledger = proof->ledger;
	char hex[2 * CPNP_SHA256_LEN + 1];
	size_t i;

	puts("\nResting on a ledger, by its time:");
	if (ledger == NULL) {
		puts("  nothing");
		return;
	}
	for (i = 0; i < ledger->fact_n; i++)
		if (ledger->facts[i].outcome.kind == CPNP_OP_ANCHOR)
			print_anchor(proof, &ledger->facts[i]);
		else
			print_payment(proof, &ledger->facts[i]);
	tool_hex(ledger->head.ledger, CPNP_SHA256_LEN, hex);
	printf("  Ledger %s up to entry %" PRIu64 ",\n  signed by", hex,
	    ledger->head.position);
	for (i = 0; i < ledger->signer_n; i++) {
		fputs(i > 0 ? ", " : " ", stdout);
		tool_put(stdout, cpnp_bytes_str(ledger->signers[i]));
	}
	puts(is_attested(ledger) ? "" : " nobody whom you believe: name "
	    "operators of the ledger by --operator");
}

static json_t *
fact_json(const cpnp_proof *proof, const cpnp_proof_fact *fact)
{
	const cpnp_proof_fact *authorize =
	    &proof->ledger->facts[fact->payment];
	char money[MONEY_LEN];
	json_t *json;

	json = json_pack("{s:s, s:I, s:I, s:b}", "event",
	    cpnp_fact_name(fact->outcome.kind), "position",
	    (json_int_t)fact->outcome.position, "index",
	    (json_int_t)fact->index, "attested", fact->attested);
	if (fact->has_time)
		(void)json_object_set_new(
		    json, "time", ledger_time_json(fact->time));
	if (fact->outcome.kind == CPNP_OP_ANCHOR) {
		(void)json_object_set_new(
		    json, "account", tool_text(fact->op.account));
		(void)json_object_set_new(json, "size",
		    json_integer((json_int_t)fact->op.size));
		(void)json_object_set_new(json, "statements", json_integer(
		    (json_int_t)count_covered(proof, fact)));
		return json;
	}
	money_text(proof, authorize, fact->outcome.amount, money);
	(void)json_object_set_new(
	    json, "escrow", ledger_hex_json(fact->outcome.digest));
	(void)json_object_set_new(
	    json, "agreement", json_integer(fact->agreement));
	(void)json_object_set_new(
	    json, "payer", tool_text(authorize->op.account));
	(void)json_object_set_new(
	    json, "payee", tool_text(authorize->op.peer));
	(void)json_object_set_new(json, "amount",
	    json_integer((json_int_t)fact->outcome.amount));
	(void)json_object_set_new(
	    json, "money", tool_text(cpnp_bytes_str(money)));
	return json;
}

json_t *
tool_ledger_json(const cpnp_proof *proof)
{
	const cpnp_proof_ledger *ledger = proof->ledger;
	json_t *facts = json_array(), *signers = json_array();
	size_t i;

	if (ledger == NULL) {
		json_decref(facts);
		json_decref(signers);
		return json_null();
	}
	for (i = 0; i < ledger->fact_n; i++)
		(void)json_array_append_new(
		    facts, fact_json(proof, &ledger->facts[i]));
	for (i = 0; i < ledger->signer_n; i++)
		(void)json_array_append_new(
		    signers, tool_text(cpnp_bytes_str(ledger->signers[i])));
	return json_pack("{s:o, s:I, s:I, s:b, s:o, s:o}", "id",
	    ledger_hex_json(ledger->head.ledger), "position",
	    (json_int_t)ledger->head.position, "signatures",
	    (json_int_t)ledger->head_n, "attested", is_attested(ledger),
	    "signers", signers, "facts", facts);
}
