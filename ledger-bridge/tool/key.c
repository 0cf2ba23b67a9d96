/*
 * The verbs about keys.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tool.h"

int
tool_key_generate(const struct tool_options *options)
{
	const char *type = options->type == NULL ? "ed25519" : options->type;
	uint8_t id[CPNP_SHA256_LEN];
	char hex[2 * CPNP_SHA256_LEN + 1];
	cpnp_diag diag = {0};
	cpnp_buf pem;
	int code = 0;

	cpnp_buf_init(&pem, &ledger_mem, 4096);
	if (cpnp_key_generate(options->operand, type, &diag) != 0 ||
	    cpnp_key_public(options->operand, &pem, id, &diag) != 0) {
		code = tool_fail_diag(options, options->operand, &diag);
	} else {
		tool_hex(id, sizeof(id), hex);
		if (options->json)
			tool_put_json(json_pack("{s:b, s:s, s:s}", "ok", 1,
			    "type", type, "key", hex));
		else
			printf("%s\n", hex);
	}
	cpnp_buf_fini(&pem);
	return code;
}

int
tool_key_public(const struct tool_options *options)
{
	uint8_t id[CPNP_SHA256_LEN];
	char hex[2 * CPNP_SHA256_LEN + 1];
	cpnp_diag diag = {0};
	cpnp_buf pem;
	int code = 0;

	cpnp_buf_init(&pem, &ledger_mem, 4096);
	if (cpnp_key_public(options->operand, &pem, id, &diag) != 0)
		code = tool_fail_diag(options, options->operand, &diag);
	else if (!options->json || options->output != NULL)
		code = tool_write_file(
		    options, options->output, cpnp_buf_bytes(&pem));
	if (code == 0 && options->json) {
		tool_hex(id, sizeof(id), hex);
		tool_put_json(json_pack("{s:b, s:s, s:o}", "ok", 1, "key",
		    hex, "pem", tool_text(cpnp_buf_bytes(&pem))));
	}
	cpnp_buf_fini(&pem);
	return code;
}
