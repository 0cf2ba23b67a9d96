/*
 * The verbs about a whole journal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <cpnp/order.h>

#include "tool.h"

static int
check_proof(const struct tool_options *options, cpnp_journal *journal,
    cpnp_trust *trust, const char *path)
{
	cpnp_diag diag;
	uint8_t *bytes;
	size_t len;
	int code;

	code = tool_read_file(options, path, CPNP_PROOF_MAX, &bytes, &len);
	if (code != 0)
		return code;
	if (cpnp_journal_check_proof(
	        journal, trust, (cpnp_bytes){bytes, len}, &diag) != 0)
		code = tool_fail(options, path,
		    "NOT CONSISTENT with this journal: %s: %s", diag.where,
		    diag.why);
	free(bytes);
	return code;
}

static void
print_report(const struct tool_options *options,
    const cpnp_journal *journal, const cpnp_log_report *report,
    bool has_trust)
{
	char root[2 * CPNP_SHA256_LEN + 1], key[2 * CPNP_SHA256_LEN + 1];

	tool_hex(report->root, CPNP_SHA256_LEN, root);
	tool_hex(report->key_id, CPNP_SHA256_LEN, key);
	if (options->json) {
		tool_put_json(json_pack(
		    "{s:b, s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:b, s:I}",
		    "ok", 1, "origin", cpnp_journal_origin(journal),
		    "leaves", (json_int_t)report->leaves,
		    "heads", (json_int_t)report->heads,
		    "tiles", (json_int_t)report->tiles,
		    "keys", (json_int_t)report->keys, "root", root, "key",
		    key, "attested", report->attested, "proofs",
		    (json_int_t)options->proof_n));
		return;
	}
	printf("VERIFIED: journal %s\n"
	       "  %" PRIu64 " leaves, %" PRIu64 " tiles and %" PRIu64
	       " signed heads follow from each other\n"
	       "  root %s\n  key %s (%" PRIu64 " so far)\n",
	    cpnp_journal_origin(journal), report->leaves, report->tiles,
	    report->heads, root, key, report->keys);
	if (!has_trust)
		puts("  whose key it is was not asked: --ca or --key says");
	if (options->proof_n > 0)
		printf("  consistent with %zu proof file%s\n",
		    options->proof_n, options->proof_n == 1 ? "" : "s");
}

int
tool_log_verify(const struct tool_options *options)
{
	struct tool_journal store;
	cpnp_log_report report;
	cpnp_trust *trust;
	cpnp_diag diag;
	size_t i;
	int code;

	code = tool_trust(options, false, &trust);
	if (code != 0)
		return code;
	code = tool_journal_open(options, NULL, &store);
	if (code != 0) {
		cpnp_trust_del(trust);
		return code;
	}
	if (cpnp_journal_verify(store.journal, trust, &report, &diag) != 0)
		code = tool_fail(options,
		    cpnp_journal_origin(store.journal),
		    "NOT VERIFIED: %s: %s", diag.where, diag.why);
	for (i = 0; i < options->proof_n && code == 0; i++)
		code = check_proof(
		    options, store.journal, trust, options->proofs[i]);
	if (code == 0)
		print_report(options, store.journal, &report, trust != NULL);
	tool_journal_close(&store);
	cpnp_trust_del(trust);
	return code;
}

static const char *
leaf_type(const cpnp_statement *statement, bool known, cpnp_bytes bytes)
{
	static const char *const names[] = {
	    "?", "STATE", "OFFER", "ACCEPT", "ACK"};

	if (known)
		return names[statement->type];
	/* a COSE_Sign, tag 98, is the change of a key */
	return bytes.len > 1 && bytes.ptr[0] == 0xd8 && bytes.ptr[1] == 98
	    ? "KEY" : "?";
}

/* One line for each leaf; with --json one object for each. */
static int
show_leaf(void *user, uint64_t index, cpnp_bytes bytes)
{
	const struct tool_options *options = user;
	char date[CPNP_DATE_LEN] = "-";
	char ref[2 * CPNP_SHA256_LEN + 1] = "-";
	cpnp_statement s = {0};
	cpnp_bytes payload = bytes;
	bool known;

	/* a signed statement has its payload inside; a KEY neither */
	(void)cpnp_statement_payload(bytes, &payload);
	known = cpnp_statement_decode(&s, payload, NULL) == 0;
	if (known) {
		tool_time(s.time, date);
		tool_hex(s.order_ref, CPNP_SHA256_LEN, ref);
	}
	if (options->json) {
		tool_put_json(json_pack("{s:I, s:s, s:s, s:s, s:I, s:I}",
		    "leaf", (json_int_t)index,
		    "type", leaf_type(&s, known, bytes),
		    "time", date, "order", ref,
		    "from", (json_int_t)s.from_state,
		    "to", (json_int_t)s.to_state));
		return 0;
	}
	printf("%8" PRIu64 "  %-20s  %-6s  %.16s", index, date,
	    leaf_type(&s, known, bytes), ref);
	if (known && s.type == CPNP_STATEMENT_STATE)
		printf("  %s -> %s: %s",
		    cpnp_state_name((cpnp_state)s.from_state),
		    cpnp_state_name((cpnp_state)s.to_state),
		    cpnp_event_name((cpnp_event)s.event));
	putchar('\n');
	return 0;
}

int
tool_log_show(const struct tool_options *options)
{
	struct tool_options copy = *options;
	struct tool_journal store;
	cpnp_head head;
	int code;

	code = tool_journal_open(options, NULL, &store);
	if (code != 0)
		return code;
	if (cpnp_journal_each(store.journal, 0, show_leaf, &copy) != 0)
		code = tool_fail(options,
		    cpnp_journal_origin(store.journal),
		    "the leaves cannot be read: %s", sqlite3_errmsg(store.db));
	else if (cpnp_journal_head(store.journal, &head) != 0)
		head.checkpoint = CPNP_BYTES_NONE;
	if (code == 0 && options->json)
		tool_put_json(json_pack("{s:s, s:I, s:o}", "origin",
		    cpnp_journal_origin(store.journal), "size",
		    (json_int_t)cpnp_journal_size(store.journal),
		    "checkpoint", tool_text(head.checkpoint)));
	else if (code == 0 && head.checkpoint.len > 0)
		printf("\n%.*s", (int)head.checkpoint.len,
		    (const char *)head.checkpoint.ptr);
	tool_journal_close(&store);
	return code;
}

static int
rotate(const struct tool_options *options, const cpnp_signer *old_signer,
    const cpnp_signer *new_signer)
{
	cpnp_wtime now = {(int64_t)time(NULL)};
	struct tool_journal store;
	cpnp_head head;
	char key[2 * CPNP_SHA256_LEN + 1];
	int code, err;

	code = tool_journal_open(options, old_signer, &store);
	if (code != 0)
		return code;
	err = cpnp_journal_rotate(store.journal, new_signer, now);
	if (err == 0 && sqlite3_exec(
	    store.db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		err = CPNP_ERR_IO;
	if (err == 0)
		err = cpnp_journal_head(store.journal, &head);
	if (err != 0) {
		code = tool_fail(options, "journal key",
		    "not changed: %s", err == CPNP_ERR_EXISTS
		        ? "it is this key already" : cpnp_strerror(err));
	} else {
		tool_hex(head.key_id, CPNP_SHA256_LEN, key);
		if (options->json)
			tool_put_json(json_pack("{s:b, s:s, s:I}", "ok", 1,
			    "key", key, "size", (json_int_t)head.size));
		else
			printf("the journal %s is signed with key %s from "
			       "leaf %" PRIu64 " on\n",
			    cpnp_journal_origin(store.journal), key,
			    head.size - 1);
	}
	tool_journal_close(&store);
	return code;
}

int
tool_log_rotate(const struct tool_options *options)
{
	cpnp_signer *old_signer = NULL, *new_signer = NULL;
	const char *key = options->key_n == 1 ? options->keys[0] : NULL;
	const char *cert = tool_value(options, "cert");
	const char *new_key = tool_value(options, "new-key");
	cpnp_diag diag;
	int code;

	if (options->key_n > 1)
		return tool_fail(options, "--key", "given more than once");
	if (cpnp_signer_load(&old_signer, key, cert,
	        tool_value(options, "ledger-key"), &diag) != 0)
		return tool_fail_diag(options, "present key", &diag);
	/* a new ledger key under the certificate that stays */
	if (cpnp_signer_load(&new_signer, new_key != NULL ? new_key : key,
	        new_key != NULL ? tool_value(options, "new-cert") : cert,
	        tool_value(options, "new-ledger-key"), &diag) != 0)
		code = tool_fail_diag(options, "new key", &diag);
	else
		code = rotate(options, old_signer, new_signer);
	cpnp_signer_del(new_signer);
	cpnp_signer_del(old_signer);
	return code;
}
