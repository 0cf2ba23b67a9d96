/*
 * The verbs about one order: prove and verify; verify takes the other files
 * too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

int
tool_prove(const struct tool_options *options)
{
	uint8_t ref[CPNP_SHA256_LEN];
	char hex[2 * CPNP_SHA256_LEN + 1];
	struct tool_journal store;
	cpnp_buf file;
	cpnp_diag diag;
	int code;

	if (options->output == NULL && (options->json || isatty(1)))
		return tool_fail(options, "output",
		    "a proof is binary; name a file with -o FILE");
	code = tool_journal_open(options, NULL, &store);
	if (code != 0)
		return code;
	cpnp_buf_init(&file, &ledger_mem, CPNP_PROOF_MAX);
	if (cpnp_journal_find(
	        store.journal, options->operand, ref, &diag) != 0 ||
	    cpnp_proof_build(store.journal, ref, &file, &diag) != 0)
		code = tool_fail_diag(options, options->operand, &diag);
	else
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&file));
	if (code == 0 && options->json) {
		tool_hex(ref, sizeof(ref), hex);
		tool_put_json(json_pack("{s:b, s:s, s:o, s:I}", "ok", 1,
		    "order", hex, "file",
		    tool_text(cpnp_bytes_str(options->output)), "bytes",
		    (json_int_t)file.len));
	}
	cpnp_buf_fini(&file);
	tool_journal_close(&store);
	return code;
}

/* A signed note: no proof file, which is CBOR, has these bytes before the
 * first that is no text. */
static bool
is_note(cpnp_bytes file)
{
	static const char mark[] = "\n\n\xe2\x80\x94 ";
	size_t i;

	for (i = 0; i < file.len && file.ptr[i] != '\0' &&
	     file.ptr[i] < 0x80; i++)
		if (file.len - i > sizeof(mark) &&
		    memcmp(file.ptr + i, mark, sizeof(mark) - 1) == 0)
			return true;
	return false;
}

int
tool_verify(const struct tool_options *options)
{
	cpnp_trust *trust;
	cpnp_proof *proof = NULL;
	cpnp_diag diag;
	uint8_t *bytes;
	size_t len;
	int code;

	code = tool_trust(options, true, &trust);
	if (code != 0)
		return code;
	code = tool_read_file(
	    options, options->operand, CPNP_PROOF_MAX, &bytes, &len);
	if (code != 0) {
		cpnp_trust_del(trust);
		return code;
	}
	if (cpnp_fraud_is((cpnp_bytes){bytes, len}))
		code = tool_verify_fraud(
		    options, trust, (cpnp_bytes){bytes, len});
	else if (tool_is_payment((cpnp_bytes){bytes, len}))
		code = tool_verify_payment(
		    options, (cpnp_bytes){bytes, len});
	else if (is_note((cpnp_bytes){bytes, len}))
		code = tool_verify_checkpoint(
		    options, trust, (cpnp_bytes){bytes, len});
	else if (cpnp_proof_verify(
	        &proof, (cpnp_bytes){bytes, len}, trust, &diag) != 0)
		code = tool_fail(options, options->operand,
		    "NOT VERIFIED: %s: %s", diag.where, diag.why);
	else if (options->json)
		tool_put_json(tool_proof_json(proof));
	else
		tool_print_proof(proof, options->xml);
	cpnp_proof_del(proof);
	cpnp_trust_del(trust);
	free(bytes);
	return code;
}
