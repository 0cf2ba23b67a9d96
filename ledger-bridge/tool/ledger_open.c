/*
 * The bridge of a verb, opened and up to date.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

/* Follow until nothing new is final, at most wait. */
static int
catch_up(struct ledger *ledger)
{
	cpnp_bridge_status status;
	cpnp_diag diag = {0};

	if (cpnp_ledger_conf_follow(
	        &ledger->conf, ledger->bridge, &status, &diag) != 0)
		return tool_fail_diag(ledger->options, "ledger", &diag);
	if (status.away)
		fprintf(stderr, "cpnp-ledger: ledger: away (%s); "
		    "this is its state at position %" PRIu64 "\n",
		    status.text, status.applied);
	return 0;
}

static int
load_signer(struct ledger *ledger)
{
	cpnp_diag diag;

	if (ledger->conf.account == NULL)
		return tool_fail(ledger->options, "account", "needed, in "
		    "cpnp-ledger.conf or by --account: who does this");
	if (ledger->conf.key_file == NULL)
		return tool_fail(ledger->options, "key-file", "needed, in "
		    "cpnp-ledger.conf or by --key-file: the private key of "
		    "%s", ledger->conf.account);
	if (cpnp_ledger_conf_open_signer(
	        &ledger->conf, &ledger->signer, &diag) != 0)
		return tool_fail_diag(ledger->options, "key-file", &diag);
	return 0;
}

int
ledger_open(
    const struct tool_options *options, bool signs, struct ledger *ledger)
{
	cpnp_diag diag = {0};
	int code;

	memset(ledger, 0, sizeof(*ledger));
	ledger->options = options;
	code = ledger_conf_load(options, &ledger->conf);
	if (code != 0)
		return code;
	if (ledger->conf.store == NULL)
		code = tool_fail(options, "store", "needed, in "
		    "cpnp-ledger.conf or by --store: the file of this bridge");
	if (code == 0 && signs)
		code = load_signer(ledger);
	if (code == 0 && cpnp_ledger_conf_open_bridge(&ledger->conf, NULL, 0,
	        &ledger->bridge, &diag) != 0)
		code = tool_fail_diag(options, ledger->conf.store, &diag);
	if (code == 0)
		code = catch_up(ledger);
	if (code != 0)
		ledger_close(ledger);
	return code;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger->bridge != NULL)
		cpnp_bridge_close(ledger->bridge);
	cpnp_signer_del(ledger->signer);
	cpnp_ledger_conf_fini(&ledger->conf);
	ledger->bridge = NULL;
	ledger->signer = NULL;
}

int
ledger_account(const struct ledger *ledger, cpnp_bytes *account)
{
	const char *name = ledger->options->operand != NULL
	    ? ledger->options->operand : ledger->conf.account;

	if (name == NULL)
		return tool_fail(ledger->options, "account",
		    "needed: as operand, in cpnp-ledger.conf or by --account");
	*account = cpnp_bytes_str(name);
	return 0;
}

int
ledger_list(const struct tool_options *options,
    size_t (*list)(const struct tool_options *options,
	const cpnp_ledger *state, cpnp_bytes account),
    const char *words)
{
	struct ledger ledger;
	cpnp_bytes account;
	size_t n;
	int code;

	code = ledger_open(options, false, &ledger);
	if (code != 0)
		return code;
	code = ledger_account(&ledger, &account);
	if (code == 0) {
		if (strcmp((const char *)account.ptr, "-") == 0)
			account = CPNP_BYTES_NONE;
		n = list(options, cpnp_bridge_lock(ledger.bridge), account);
		cpnp_bridge_unlock(ledger.bridge);
		if (n == 0 && !options->json)
			puts(words);
	}
	ledger_close(&ledger);
	return code;
}
