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

/* With a configuration, what the ledger has is put in. */
static int
build(const struct tool_options *options, cpnp_journal *journal,
    const uint8_t ref[CPNP_SHA256_LEN], cpnp_buf *file)
{
	cpnp_buf with;
	cpnp_diag diag;
	int code;

	if (cpnp_proof_build(journal, ref, file, &diag) != 0)
		return tool_fail_diag(options, options->operand, &diag);
	if (tool_value(options, "config") == NULL)
		return 0;
	cpnp_buf_init(&with, &ledger_mem, CPNP_PROOF_MAX);
	code = tool_prove_ledger(
	    options, journal, cpnp_buf_bytes(file), &with);
	if (code == 0 && with.len > 0) {
		cpnp_buf_fini(file);
		*file = with;
	} else {
		cpnp_buf_fini(&with);
	}
	return code;
}

static void
report(const struct tool_options *options,
    const uint8_t ref[CPNP_SHA256_LEN], const cpnp_buf *file)
{
	char hex[2 * CPNP_SHA256_LEN + 1];
	cpnp_proof *proof = NULL;
	cpnp_trust *trust = NULL;
	json_t *json;

	tool_hex(ref, CPNP_SHA256_LEN, hex);
	json = json_pack("{s:b, s:s, s:o, s:I}", "ok", 1, "order", hex, "file",
	    tool_text(cpnp_bytes_str(options->output)), "bytes",
	    (json_int_t)file->len);
	if (tool_value(options, "config") != NULL &&
	    tool_parse_proof(cpnp_buf_bytes(file), &proof, &trust) == 0)
		(void)json_object_set_new(
		    json, "ledger", tool_ledger_json(proof));
	cpnp_proof_del(proof);
	cpnp_trust_del(trust);
	tool_put_json(json);
}

int
tool_prove(const struct tool_options *options)
{
	uint8_t ref[CPNP_SHA256_LEN];
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
	        store.journal, options->operand, ref, &diag) != 0)
		code = tool_fail_diag(options, options->operand, &diag);
	if (code == 0)
		code = build(options, store.journal, ref, &file);
	if (code == 0)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&file));
	if (code == 0 && options->json)
		report(options, ref, &file);
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

/* --operator NAME:PUB, as often as it was given. */
static int
add_operators(const struct tool_options *options, cpnp_trust *trust)
{
	char account[CPNP_ACCOUNT_MAX + 1];
	const char *text, *colon;
	cpnp_diag diag = {0};
	size_t i, len;

	for (i = 0; i < options->given_n; i++) {
		text = options->given[i].value;
		if (strcmp(options->given[i].name, "operator") != 0)
			continue;
		colon = strchr(text, ':');
		len = colon == NULL ? 0 : (size_t)(colon - text);
		if (len == 0 || len > CPNP_ACCOUNT_MAX)
			return tool_fail(options, "--operator",
			    "\"%s\" is not NAME:PUB, the account of an "
			    "operator and the file of its public key", text);
		memcpy(account, text, len);
		account[len] = '\0';
		if (cpnp_trust_add_operator_file(
		        trust, account, colon + 1, &diag) != 0)
			return tool_fail_diag(options, "--operator", &diag);
	}
	return 0;
}

int
tool_parse_proof(cpnp_bytes file, cpnp_proof **proof, cpnp_trust **trust)
{
	int err;

	err = cpnp_trust_new(trust);
	if (err != 0)
		return err;
	cpnp_trust_allow_unattested(*trust);
	return cpnp_proof_verify(proof, file, *trust, NULL);
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
	code = add_operators(options, trust);
	if (code == 0)
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
