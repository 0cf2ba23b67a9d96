/*
 * Who may append to a log.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ledger.h"

static const cpnp_backend *
find_backend(const struct tool_options *options, struct cpnp_ledger_conf *conf)
{
	const cpnp_backend *backend;
	cpnp_diag diag = {0};

	if (ledger_conf_load(options, conf) != 0)
		return NULL;
	backend = cpnp_backend_find(conf->backend, &diag);
	if (backend == NULL) {
		(void)tool_fail_diag(options, "backend", &diag);
		cpnp_ledger_conf_fini(conf);
	}
	return backend;
}

/* A name is text, or of an account of a chain the 20 bytes of its address. */
static void
print_writer(const struct tool_options *options, cpnp_bytes name)
{
	char hex[2 * CPNP_WRITER_MAX + 1];
	size_t i;

	for (i = 0; i < name.len && name.ptr[i] > 0x20 && name.ptr[i] < 0x7f;
	     i++)
		;
	(void)snprintf(hex, sizeof(hex), "%.*s", (int)name.len,
	    (const char *)name.ptr);
	if (i < name.len)
		tool_hex(name.ptr, name.len, hex);
	if (options->json)
		tool_put_json(json_pack("{s:b, s:s+}", "ok", 1, "writer",
		    i < name.len ? "0x" : "", hex));
	else
		printf("%s%s\n", i < name.len ? "0x" : "", hex);
}

static int
tool_writer_show(const struct tool_options *options)
{
	uint8_t id[CPNP_SHA256_LEN], *bytes = NULL;
	const cpnp_backend *backend;
	struct cpnp_ledger_conf conf;
	cpnp_log *log = NULL;
	cpnp_diag diag = {0};
	size_t len = 0;
	int code;

	backend = find_backend(options, &conf);
	if (backend == NULL)
		return EXIT_FAILED;
	code = tool_read_file(
	    options, conf.genesis, CPNP_GENESIS_MAX, &bytes, &len);
	if (code == 0 && EVP_Digest(
	        bytes, len, id, NULL, EVP_sha256(), NULL) != 1)
		code = tool_fail(options, conf.genesis, "no digest");
	if (code == 0 && backend->open(&log, conf.settings, conf.settings_n,
	        id, &diag) != 0)
		code = tool_fail_diag(options, conf.backend, &diag);
	if (code == 0 && backend->writer(log).len == 0)
		code = tool_fail(options, "writer",
		    "there is none in the settings: the log is only read");
	if (code == 0)
		print_writer(options, backend->writer(log));
	if (log != NULL)
		backend->close(log);
	free(bytes);
	cpnp_ledger_conf_fini(&conf);
	return code;
}

static int
tool_writer_admit(const struct tool_options *options)
{
	bool on = strcmp(options->verb->words[1], "admit") == 0;
	const cpnp_backend *backend;
	struct cpnp_ledger_conf conf;
	cpnp_diag diag = {0};
	int code = 0;

	backend = find_backend(options, &conf);
	if (backend == NULL)
		return EXIT_FAILED;
	if (backend->admit == NULL)
		code = tool_fail(options, conf.backend, "this kind of log has "
		    "nobody to admit: who can reach it writes to it");
	else if (backend->admit(conf.settings, conf.settings_n,
	             options->operand, on, &diag) != 0)
		code = tool_fail_diag(options, conf.backend, &diag);
	else if (options->json)
		tool_put_json(json_pack("{s:b, s:s, s:b}", "ok", 1, "writer",
		    options->operand, "admitted", on));
	else
		printf("writer %s: %s\n", options->operand,
		    on ? "admitted" : "admitted no longer");
	cpnp_ledger_conf_fini(&conf);
	return code;
}

const struct tool_verb tool_verbs_writer[] = {
    {{"writer", "show"}, 0, 0, TAKES_LEDGER, tool_writer_show,
	"writer show", 0, {0}},
    {{"writer", "admit"}, 1, 1, TAKES_LEDGER, tool_writer_admit,
	"writer admit NAME", 0, {0}},
    {{"writer", "dismiss"}, 1, 1, TAKES_LEDGER, tool_writer_admit,
	"writer dismiss NAME", 0, {0}},
    {{NULL, NULL}, 0, 0, NULL, NULL, NULL, 0, {0}}};
