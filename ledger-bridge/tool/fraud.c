/*
 * Two heads that contradict each other: write the proof, and verify one.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static void
print_fraud(const struct tool_options *options, const cpnp_fraud *fraud)
{
	const cpnp_checkpoint *a = &fraud->heads[0], *b = &fraud->heads[1];
	char root_a[2 * CPNP_SHA256_LEN + 1], root_b[2 * CPNP_SHA256_LEN + 1];
	char then[2 * CPNP_SHA256_LEN + 1];

	tool_hex(a->root, CPNP_SHA256_LEN, root_a);
	tool_hex(b->root, CPNP_SHA256_LEN, root_b);
	tool_hex(fraud->root, CPNP_SHA256_LEN, then);
	if (options->json) {
		tool_put_json(json_pack(
		    "{s:b, s:s, s:s, s:[{s:I, s:s}, {s:I, s:s}], s:s}",
		    "ok", 1, "type", "fraud", "origin", a->origin, "heads",
		    "size", (json_int_t)a->size, "root", root_a, "size",
		    (json_int_t)b->size, "root", root_b, "root", then));
		return;
	}
	printf("VERIFIED: FRAUD by %s, which has signed two heads that "
	       "cannot both be true:\n"
	       "  %" PRIu64 " leaves with root %s\n"
	       "  %" PRIu64 " leaves with root %s\n", a->origin, a->size,
	    root_a, b->size, root_b);
	if (!fraud->same_size)
		printf("  and the greater had root\n"
		       "  %s when it had %" PRIu64 " leaves\n", then, a->size);
}

int
tool_verify_fraud(const struct tool_options *options,
    const cpnp_trust *trust, cpnp_bytes file)
{
	char key[2 * CPNP_SHA256_LEN + 1];
	cpnp_fraud fraud;
	cpnp_diag diag;

	if (cpnp_fraud_verify(trust, file, &fraud, &diag) != 0)
		return tool_fail(options, options->operand,
		    "NOT VERIFIED: %s: %s", diag.where, diag.why);
	if (!fraud.attested) {
		tool_hex(fraud.heads[0].key_id, CPNP_SHA256_LEN, key);
		return tool_fail(options, options->operand,
		    "NOT VERIFIED: whether key %s is one of %s nobody that "
		    "you trust says; give that origin's keys with --key PUB",
		    key, fraud.heads[0].origin);
	}
	print_fraud(options, &fraud);
	return 0;
}

/* The two files, as they are. */
static int
read_heads(const struct tool_options *options, uint8_t *bytes[2],
    cpnp_bytes heads[2])
{
	size_t i, len;
	int code = 0;

	for (i = 0; i < 2 && code == 0; i++) {
		code = tool_read_file(options, options->operands[i],
		    CPNP_CHECKPOINT_MAX, &bytes[i], &len);
		if (code == 0)
			heads[i] = (cpnp_bytes){bytes[i], len};
	}
	return code;
}

static int
build(const struct tool_options *options, const cpnp_trust *trust,
    const cpnp_bytes heads[2], cpnp_journal *journal, cpnp_buf *out)
{
	struct tool_consistency proof = {0};
	cpnp_diag diag;
	int code = 0;

	if (options->proof_n > 0)
		code = tool_consistency_read(
		    options, options->proofs[0], &proof);
	if (code != 0)
		return code;
	if (cpnp_fraud_build(trust, heads[0], heads[1], journal,
	        options->proof_n == 0 ? NULL
	        : (const uint8_t (*)[CPNP_SHA256_LEN])proof.path,
	        proof.path_n, out, &diag) != 0)
		return tool_fail(options, options->operand, "%s: %s",
		    diag.where, diag.why);
	return 0;
}

int
tool_fraud(const struct tool_options *options)
{
	struct tool_journal store = {0};
	uint8_t *bytes[2] = {NULL, NULL};
	cpnp_trust *trust = NULL;
	cpnp_bytes heads[2];
	cpnp_fraud fraud;
	cpnp_buf out;
	int code;

	if (options->output == NULL)
		return tool_fail(options, "output",
		    "a proof of fraud is binary; name a file with -o FILE");
	if (options->key_n == 0)
		return tool_fail(options, "--key",
		    "needed: a public key of the origin of the heads");
	if (options->proof_n > 1 ||
	    (options->proof_n == 1 && options->store != NULL))
		return tool_fail(options, "--proof",
		    "one of --proof FILE and --store FILE, once");
	cpnp_buf_init(&out, &ledger_mem, CPNP_FRAUD_MAX);
	code = tool_trust(options, true, &trust);
	if (code == 0)
		code = read_heads(options, bytes, heads);
	if (code == 0 && options->store != NULL)
		code = tool_journal_open(options, NULL, &store);
	if (code == 0)
		code = build(options, trust, heads, store.journal, &out);
	/* what is given out is what a stranger will find */
	if (code == 0 && cpnp_fraud_verify(
	        trust, cpnp_buf_bytes(&out), &fraud, NULL) != 0)
		code = tool_fail(options, options->output,
		    "the proof does not verify");
	if (code == 0)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&out));
	if (code == 0)
		print_fraud(options, &fraud);
	if (store.db != NULL)
		tool_journal_close(&store);
	free(bytes[0]);
	free(bytes[1]);
	cpnp_trust_del(trust);
	cpnp_buf_fini(&out);
	return code;
}
