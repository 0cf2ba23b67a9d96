/*
 * A verified proof, in words and as JSON.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <string.h>

#include <cpnp/order.h>

#include "tool.h"

static void
put_field(const char *label, cpnp_bytes text)
{
	printf("    %-11s ", label);
	tool_put(stdout, text);
	putchar('\n');
}

static void
print_agreement(const cpnp_agreement *agreement, bool xml)
{
	char date[CPNP_DATE_LEN], money[MONEY_LEN];

	put_field("client", agreement->client);
	put_field("provider", agreement->provider);
	put_field("order", agreement->customer_order_id);
	put_field("its number", agreement->provider_order_id);
	if (agreement->has_cost) {
		cpnp_money_text(&agreement->cost, money);
		printf("    %-11s ", "price");
		tool_put(stdout, cpnp_bytes_str(money));
		if (agreement->cost.issuer.len > 0) {
			fputs(", issued by ", stdout);
			tool_put(stdout, agreement->cost.issuer);
		}
		putchar('\n');
	}
	tool_time(agreement->validity, date);
	printf("    %-11s until %s\n", "offer valid", date);
	if (agreement->purpose == CPNP_PURPOSE_TEST)
		printf("    %-11s test\n", "purpose");
	tool_print_service(agreement->service_description);
	if (xml)
		tool_print_xml(agreement->service_description);
}

static void
print_receipts(const cpnp_proof *proof, size_t entry)
{
	const cpnp_receipt *receipt;
	char date[CPNP_DATE_LEN];
	size_t i;

	for (i = 0; i < proof->receipt_n; i++) {
		receipt = &proof->receipts[i];
		if (proof->receipt_entry[i] != entry)
			continue;
		tool_time(receipt->time, date);
		printf("%33s", "");
		fputs("the journal ", stdout);
		tool_put(stdout, cpnp_bytes_str(receipt->origin));
		printf(" holds it too: leaf %" PRIu64 " of %" PRIu64
		    ", signed %s%s\n", receipt->index, receipt->size, date,
		    receipt->attested ? "" : " (key not checked)");
	}
}

static void
print_signed(const cpnp_proof *proof, size_t i)
{
	const cpnp_proof_entry *entry = &proof->entries[i];
	char date[CPNP_DATE_LEN];

	tool_time(entry->statement.time, date);
	printf("  %s  %-7s  signed by ", date,
	    cpnp_statement_type_name(entry->statement.type));
	if (entry->identity[0] == '\0')
		fputs("a key that you know", stdout);
	else
		tool_put(stdout, cpnp_bytes_str(entry->identity));
	if (!entry->attested)
		fputs(" (nobody you trust vouches for this certificate)",
		    stdout);
	putchar('\n');
	print_receipts(proof, i);
}

static void
print_state(const cpnp_proof_entry *entry)
{
	char date[CPNP_DATE_LEN];

	tool_time(entry->statement.time, date);
	printf("  %s  %s -> %s: %s\n", date,
	    cpnp_state_name((cpnp_state)entry->statement.from_state),
	    cpnp_state_name((cpnp_state)entry->statement.to_state),
	    cpnp_event_name((cpnp_event)entry->statement.event));
}

static void
print_histories(const cpnp_proof *proof)
{
	size_t i, n = 0;

	puts("\nSigned by the parties, whatever any journal says:");
	for (i = 0; i < proof->entry_n; i++) {
		if (proof->entries[i].is_signed) {
			print_signed(proof, i);
			n++;
		}
	}
	if (n == 0)
		puts("  nothing");
	fputs("\nResting on the journal ", stdout);
	tool_put(stdout, cpnp_bytes_str(proof->journal.origin));
	printf(" of the %s alone:\n", proof->is_provider ? "provider"
							 : "client");
	for (i = 0, n = 0; i < proof->entry_n; i++) {
		if (!proof->entries[i].is_signed) {
			print_state(&proof->entries[i]);
			n++;
		}
	}
	if (n == 0)
		puts("  nothing");
	tool_print_ledger(proof);
}

static void
print_journal(const cpnp_proof *proof)
{
	char date[CPNP_DATE_LEN], key[2 * CPNP_SHA256_LEN + 1];

	tool_time(proof->journal.time, date);
	tool_hex(proof->journal.key_id, CPNP_SHA256_LEN, key);
	fputs("\nJournal ", stdout);
	tool_put(stdout, cpnp_bytes_str(proof->journal.origin));
	printf(": %" PRIu64 " leaves on %s\n  signed with key %s",
	    proof->journal.size, date, key);
	if (proof->key_n > 1)
		printf(", the last of %zu that are linked", proof->key_n);
	if (proof->key_known)
		fputs("\n  your key is one of this journal's", stdout);
	else if (proof->journal.attested) {
		fputs("\n  of ", stdout);
		tool_put(stdout, cpnp_bytes_str(
		    proof->journal.identity[0] == '\0'
		        ? "a key that you know" : proof->journal.identity));
	} else
		fputs("\n  nobody you trust vouches for this key", stdout);
	putchar('\n');
}

/* The provider has acknowledged it, and something else since: an UPDATE has
 * taken its place (RFC 8921, 9.2.9). */
static bool
is_superseded(const cpnp_proof *proof, size_t agreement)
{
	const cpnp_proof_entry *entry;
	size_t i;

	for (i = 0; i < proof->entry_n && (int)agreement != proof->agreed;
	     i++) {
		entry = &proof->entries[i];
		if (entry->is_signed &&
		    entry->statement.type == CPNP_STATEMENT_ACK &&
		    entry->agreement == (int)agreement)
			return true;
	}
	return false;
}

/* A WITHDRAW, and no word that it was refused. */
static bool
is_withdrawn(const cpnp_proof *proof)
{
	const cpnp_statement *s;
	bool withdrawn = false;
	size_t i;

	for (i = 0; i < proof->entry_n; i++) {
		s = &proof->entries[i].statement;
		if (proof->entries[i].is_signed)
			continue;
		if (s->to_state == CPNP_STATE_COMPLETED)
			withdrawn = false;
		else if (s->event == CPNP_EVENT_WITHDRAW ||
		    s->event == CPNP_EVENT_RECV_WITHDRAW)
			withdrawn = true;
	}
	return withdrawn;
}

void
tool_print_proof(const cpnp_proof *proof, bool xml)
{
	char date[CPNP_DATE_LEN], ref[2 * CPNP_SHA256_LEN + 1];
	const cpnp_proof_entry *accept;
	size_t i;

	tool_hex(proof->order_ref, CPNP_SHA256_LEN, ref);
	printf("VERIFIED: order %s\n\n", ref);
	if (proof->agreed >= 0) {
		accept = &proof->entries[proof->accept];
		tool_time(accept->statement.time, date);
		tool_put(stdout, proof->opening.client);
		fputs(" and ", stdout);
		tool_put(stdout, proof->opening.provider);
		printf(" agreed on %s, and this %s:\n", date,
		    is_withdrawn(proof) ? "was withdrawn" : "stands now");
		print_agreement(&proof->agreements[proof->agreed], xml);
	} else {
		fputs("Nothing was agreed between ", stdout);
		tool_put(stdout, proof->opening.client);
		fputs(" and ", stdout);
		tool_put(stdout, proof->opening.provider);
		puts(" that both have signed.");
	}
	for (i = 0; i < proof->agreement_n; i++) {
		if ((int)i == proof->agreed)
			continue;
		puts(is_superseded(proof, i)
			? "\nAgreed before, and changed since:"
			: "\nOffered, and not agreed:");
		print_agreement(&proof->agreements[i], xml);
	}
	print_histories(proof);
	print_journal(proof);
}

static json_t *
json_hex(const uint8_t *bytes)
{
	char hex[2 * CPNP_SHA256_LEN + 1];

	tool_hex(bytes, CPNP_SHA256_LEN, hex);
	return json_string(hex);
}

static json_t *
json_time(cpnp_wtime time)
{
	char date[CPNP_DATE_LEN];

	tool_time(time, date);
	return json_string(date);
}

static json_t *
agreement_json(const cpnp_proof *proof, size_t i)
{
	const cpnp_agreement *a = &proof->agreements[i];
	char money[MONEY_LEN];
	json_t *json;

	json = json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "digest",
	    json_hex(proof->digests[i]), "agreed", (int)i == proof->agreed,
	    "customer_order_id", tool_text(a->customer_order_id),
	    "provider_order_id", tool_text(a->provider_order_id), "validity",
	    json_time(a->validity), "document",
	    tool_service_json(a->service_description));
	(void)json_object_set_new(json, "stands", json_boolean(
	    (int)i == proof->agreed && !is_withdrawn(proof)));
	(void)json_object_set_new(
	    json, "superseded", json_boolean(is_superseded(proof, i)));
	if (a->has_cost) {
		cpnp_money_text(&a->cost, money);
		(void)json_object_set_new(json, "price",
		    tool_text(cpnp_bytes_str(money)));
		(void)json_object_set_new(
		    json, "issuer", tool_text(a->cost.issuer));
	}
	return json;
}

static json_t *
entry_json(const cpnp_proof_entry *entry)
{
	const cpnp_statement *s = &entry->statement;
	json_t *json;

	json = json_pack("{s:s, s:o, s:I, s:b}", "type",
	    cpnp_statement_type_name(s->type),
	    "time", json_time(s->time), "leaf", (json_int_t)entry->index,
	    "signed", entry->is_signed);
	if (entry->is_signed) {
		(void)json_object_set_new(json, "signer",
		    tool_text(cpnp_bytes_str(entry->identity)));
		(void)json_object_set_new(
		    json, "attested", json_boolean(entry->attested));
	} else {
		(void)json_object_set_new(json, "from", json_string(
		    cpnp_state_name((cpnp_state)s->from_state)));
		(void)json_object_set_new(json, "to", json_string(
		    cpnp_state_name((cpnp_state)s->to_state)));
		(void)json_object_set_new(json, "event", json_string(
		    cpnp_event_name((cpnp_event)s->event)));
	}
	if (entry->agreement >= 0)
		(void)json_object_set_new(
		    json, "agreement", json_integer(entry->agreement));
	return json;
}

static json_t *
receipt_json(const cpnp_receipt *receipt)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:b}",
	    "origin", tool_text(cpnp_bytes_str(receipt->origin)),
	    "identity", tool_text(cpnp_bytes_str(receipt->identity)),
	    "leaf", (json_int_t)receipt->index,
	    "size", (json_int_t)receipt->size,
	    "time", json_time(receipt->time),
	    "root", json_hex(receipt->root),
	    "key", json_hex(receipt->key_id),
	    "attested", receipt->attested);
}

json_t *
tool_proof_json(const cpnp_proof *proof)
{
	json_t *agreements = json_array(), *history = json_array();
	json_t *receipts = json_array(), *journal, *receipt;
	size_t i;

	for (i = 0; i < proof->agreement_n; i++)
		(void)json_array_append_new(
		    agreements, agreement_json(proof, i));
	for (i = 0; i < proof->entry_n; i++)
		(void)json_array_append_new(
		    history, entry_json(&proof->entries[i]));
	for (i = 0; i < proof->receipt_n; i++) {
		receipt = receipt_json(&proof->receipts[i]);
		(void)json_object_set_new(receipt, "statement",
		    json_integer((json_int_t)proof->receipt_entry[i]));
		(void)json_array_append_new(receipts, receipt);
	}
	journal = receipt_json(&proof->journal);
	(void)json_object_del(journal, "leaf");
	(void)json_object_set_new(
	    journal, "keys", json_integer((json_int_t)proof->key_n));
	(void)json_object_set_new(
	    journal, "key_known", json_boolean(proof->key_known));
	(void)json_object_set_new(journal, "side", json_string(
	    proof->is_provider ? "provider" : "client"));
	return json_pack("{s:b, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o}",
	    "ok", 1, "order", json_hex(proof->order_ref),
	    "client", tool_text(proof->opening.client),
	    "provider", tool_text(proof->opening.provider),
	    "agreed", proof->agreed >= 0,
	    "agreements", agreements, "history", history,
	    "receipts", receipts, "journal", journal, "ledger",
	    tool_ledger_json(proof));
}
