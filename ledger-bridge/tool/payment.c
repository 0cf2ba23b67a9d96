/*
 * Proofs of what became of an escrow, claim, channel or operation: an outcome
 * under a head that operators sign, one after the other.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

void
ledger_print_outcome(const struct tool_options *options, const cpnp_outcome *o,
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

int
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

/* Whether our own outcomes lead to a head of which one outcome is known to be
 * under it, so that we can sign it as well. */
static int
check_own(struct ledger *ledger, const cpnp_outcome_head *head, uint64_t index)
{
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	uint8_t store[CPNP_OUTCOME_MAX];
	cpnp_outcome own, last[2];
	cpnp_ledger_info info;
	cpnp_buf leaf;
	size_t n = 0, last_n;
	int err;

	err = cpnp_ledger_get_info(cpnp_bridge_lock(ledger->bridge), &info);
	cpnp_bridge_unlock(ledger->bridge);
	if (err == 0 && memcmp(head->ledger, info.id, CPNP_SHA256_LEN) != 0)
		return CPNP_ERR_MISMATCH;
	if (err == 0 && (head->position >= info.position ||
	    head->size > info.outcome_n))
		return CPNP_ERR_STATE;
	if (err == 0)
		err = cpnp_bridge_outcomes(
		    ledger->bridge, index, &own, 1, &n);
	if (err == 0)
		err = cpnp_bridge_outcomes(
		    ledger->bridge, head->size - 1, last, 2, &last_n);
	if (err != 0 || n != 1 || last_n == 0)
		return err != 0 ? err : CPNP_ERR_STATE;
	/* the tree had this size after that entry */
	if (last[0].position > head->position ||
	    (last_n == 2 && last[1].position <= head->position))
		return CPNP_ERR_PROOF;
	cpnp_buf_init_fixed(&leaf, store, sizeof(store));
	cpnp_outcome_encode(&own, &leaf);
	err = cpnp_bridge_outcome_path(ledger->bridge, index,
	    head->size, path, CPNP_TREE_PATH_MAX, &n);
	return err != 0 ? err : cpnp_outcome_verify(cpnp_buf_bytes(&leaf),
	    index, head->size,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, head->root, &own);
}

static int
approve(struct ledger *ledger, const cpnp_outcome_head *head, uint64_t index)
{
	const struct tool_options *options = ledger->options;
	int err;

	err = check_own(ledger, head, index);
	if (err == CPNP_ERR_STATE)
		return tool_fail(options, options->operand, "its head is at "
		    "position %" PRIu64 ", which has not been read here yet",
		    head->position);
	return err == 0 ? 0 : tool_fail(options, options->operand,
	    "NOT SIGNED: the outcomes here do not lead to its head: %s",
	    cpnp_strerror(err));
}

/* The times that the head of an order's proof names are those here. */
static int
approve_times(struct ledger *ledger, const cpnp_proof_ledger *part)
{
	const struct tool_options *options = ledger->options;
	cpnp_wtime time = {0};
	uint64_t position;
	size_t i;
	int err;

	for (i = 0; i < part->moment_n; i++) {
		position = part->moments[i].position;
		err = cpnp_bridge_time(ledger->bridge, position, &time);
		if (err == CPNP_ERR_NOT_FOUND)
			return tool_fail(options, options->operand,
			    "the time of entry %" PRIu64 " is not known here; "
			    "a new store learns it from the log", position);
		if (err != 0 || time.sec != part->moments[i].time.sec)
			return tool_fail(options, options->operand,
			    "NOT SIGNED: the time of entry %" PRIu64 " is "
			    "another here", position);
	}
	return 0;
}

/* The head in the proof of an order. */
static int
cosign_order(struct ledger *ledger, cpnp_bytes proof, cpnp_buf *file)
{
	const struct tool_options *options = ledger->options;
	uint8_t store[CPNP_SIGNED_HEAD_MAX];
	const cpnp_proof_ledger *part;
	cpnp_proof *parsed = NULL;
	cpnp_trust *trust = NULL;
	cpnp_diag diag = {0};
	cpnp_buf head;
	int code = 0, err;

	err = tool_parse_proof(proof, &parsed, &trust);
	part = err == 0 ? parsed->ledger : NULL;
	if (part == NULL)
		code = tool_fail(options, options->operand, err != 0
		    ? "no proof that holds: see verify"
		    : "nothing in this proof rests on a ledger");
	if (code == 0)
		code = approve(ledger, &part->head, part->facts[0].index);
	if (code == 0)
		code = approve_times(ledger, part);
	if (code == 0) {
		cpnp_buf_init_fixed(&head, store, sizeof(store));
		err = cpnp_outcome_head_sign_at(ledger->signer, &part->head,
		    part->moments, part->moment_n, &head);
		if (err == 0)
			err = cpnp_proof_add_head(
			    proof, cpnp_buf_bytes(&head), file, &diag);
		if (err != 0)
			code = tool_fail(options, options->operand,
			    "cannot be signed: %s", diag.err != 0
			        ? diag.why : cpnp_strerror(err));
	}
	cpnp_proof_del(parsed);
	cpnp_trust_del(trust);
	return code;
}

static int
cosign(struct ledger *ledger, cpnp_bytes proof, cpnp_buf *file)
{
	const struct tool_options *options = ledger->options;
	uint8_t spki[CPNP_SPKI_MAX], store[512];
	cpnp_verifier *verifier = NULL;
	cpnp_payment payment;
	cpnp_diag diag = {0};
	cpnp_bytes key;
	cpnp_buf head;
	int err;

	if (ledger_spki(options, ledger->conf.key_file, spki, &key.len) != 0)
		return EXIT_FAILED;
	key.ptr = spki;
	if (cpnp_verifier_new(&verifier) != 0)
		return tool_fail(options, options->operand, "out of memory");
	err = cpnp_payment_verify(cpnp_verifier_env(verifier), proof, &key, 1,
	    &payment, &diag);
	cpnp_verifier_del(verifier);
	if (err == 0)
		return tool_fail(options, options->operand,
		    "%s has signed it already", ledger->conf.account);
	if (err != CPNP_ERR_SIGNATURE || payment.head.size == 0)
		return tool_fail_diag(options, options->operand, &diag);
	if (approve(ledger, &payment.head, payment.index) != 0)
		return EXIT_FAILED;
	cpnp_buf_init_fixed(&head, store, sizeof(store));
	err = cpnp_outcome_head_sign(ledger->signer, &payment.head, &head);
	if (err == 0)
		err = cpnp_payment_add_head(
		    proof, cpnp_buf_bytes(&head), file);
	return err == 0 ? 0 : tool_fail(options, options->operand,
	    "cannot be signed: %s", cpnp_strerror(err));
}

int
tool_escrow_cosign(const struct tool_options *options)
{
	struct ledger ledger;
	uint8_t *bytes = NULL;
	cpnp_buf file;
	size_t len = 0;
	int code;

	if (options->output == NULL)
		return tool_fail(options, "output",
		    "a proof is binary; name a file with -o FILE");
	code = tool_read_file(
	    options, options->operand, CPNP_PROOF_MAX, &bytes, &len);
	if (code == 0)
		code = ledger_open(options, true, &ledger);
	if (code != 0) {
		free(bytes);
		return code;
	}
	cpnp_buf_init(&file, &ledger_mem, CPNP_PROOF_MAX);
	code = tool_is_payment((cpnp_bytes){bytes, len})
	    ? cosign(&ledger, (cpnp_bytes){bytes, len}, &file)
	    : cosign_order(&ledger, (cpnp_bytes){bytes, len}, &file);
	if (code == 0)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&file));
	if (code == 0 && options->json)
		tool_put_json(json_pack("{s:b, s:s}", "ok", 1, "file",
		    options->output));
	cpnp_buf_fini(&file);
	free(bytes);
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
			printf("VERIFIED, under a head that %d of the "
			       "operators whom you believe %s signed:\n",
			    __builtin_popcountll(payment.signers),
			    __builtin_popcountll(payment.signers) == 1
			        ? "has" : "have");
		ledger_print_outcome(options, &payment.outcome, payment.index);
	}
	cpnp_verifier_del(verifier);
	return code;
}
