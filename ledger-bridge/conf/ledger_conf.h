/*
 * cpnp-ledger.conf(5): which ledger, and as whom.  cpnp-ledger, cpnpd and
 * cpnpc read it with this; none of it is thread safe.
 *
 * Functions return 0 or CPNP_ERR_*, and diag, which must not be NULL, names
 * the file or the option and says what would be right.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_CONF_H
#define LEDGER_CONF_H

#include <cpnp/bridge.h>

#define CPNP_LEDGER_SETTINGS_MAX 32

/* What is absent is NULL.  Relative paths were taken from the directory of the
 * file.  The strings are the caller's to replace. */
struct cpnp_ledger_conf {
	char *path; /* of the file */
	char *genesis;
	char *store;
	char *backend;
	char *account;
	char *key_file;
	long wait_s;
	long tick_s;
	cpnp_log_setting settings[CPNP_LEDGER_SETTINGS_MAX];
	size_t settings_n;
};

/* Read a file; path NULL gives what an empty one would.  CONFIG, NOMEM; conf
 * needs no _fini then. */
int cpnp_ledger_conf_load(
    struct cpnp_ledger_conf *conf, const char *path, cpnp_diag *diag);
void cpnp_ledger_conf_fini(struct cpnp_ledger_conf *conf);
/* One more setting, "name = value". */
int cpnp_ledger_conf_add_setting(
    struct cpnp_ledger_conf *conf, const char *text, cpnp_diag *diag);

/* The bytes of the genesis, appended to out, and the id that they give the
 * ledger.  CONFIG, NOMEM, CRYPTO. */
int cpnp_ledger_conf_read_genesis(
    const struct cpnp_ledger_conf *conf, cpnp_buf *out, cpnp_diag *diag);
int cpnp_ledger_conf_get_id(const struct cpnp_ledger_conf *conf,
    uint8_t id[CPNP_SHA256_LEN], cpnp_diag *diag);
/* What signs operations of the account, which must be named too.  CONFIG,
 * NOMEM. */
int cpnp_ledger_conf_open_signer(const struct cpnp_ledger_conf *conf,
    cpnp_signer **signer, cpnp_diag *diag);
/* cpnp_bridge_open(), with operations waiting so long for company.  store is
 * the file of the bridge, NULL for that of the configuration. */
int cpnp_ledger_conf_open_bridge(const struct cpnp_ledger_conf *conf,
    const char *store, cpnp_tstamp batch_wait, cpnp_bridge **bridge,
    cpnp_diag *diag);
/* Follow the log until nothing new is final, at most for the wait of the
 * configuration.  That the ledger is away is no error: status says so, and
 * what was read before answers.  Errors: that for which the bridge has
 * stopped. */
int cpnp_ledger_conf_follow(const struct cpnp_ledger_conf *conf,
    cpnp_bridge *bridge, cpnp_bridge_status *status, cpnp_diag *diag);

/*
 * The token that "EUR" or "EUR of bank.example" means: of the issuer that the
 * text names, else of this one, else the only token of that code.  A view good
 * until the next _apply.  NOT_FOUND, also when several have the code; diag
 * lists what there is.
 */
int cpnp_ledger_find_token(const cpnp_ledger *ledger, cpnp_bytes text,
    cpnp_bytes issuer, cpnp_token_view *token, cpnp_diag *diag);

#endif
