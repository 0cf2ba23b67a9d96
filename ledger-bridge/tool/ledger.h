/*
 * What the verbs on a shared ledger share: configuration, the bridge, and one
 * way to make an operation from options.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_TOOL_LEDGER_H
#define LEDGER_TOOL_LEDGER_H

#include <cpnp/bridge.h>

#include "../conf/ledger_conf.h"
#include "tool.h"

#define OP_STORE_MAX 8192 /* bytes of all fields of an operation */

/* cpnp-ledger.conf(5), the command line over it.  Like all here it returns 0,
 * or EXIT_FAILED after having said why. */
int ledger_conf_load(
    const struct tool_options *options, struct cpnp_ledger_conf *conf);

struct ledger {
	const struct tool_options *options;
	struct cpnp_ledger_conf conf;
	cpnp_bridge *bridge;
	cpnp_signer *signer; /* NULL when nothing is signed */
};

/* Open the bridge and follow the log to its present end; with the signer of
 * the account when signs.  A log that is away is said, and what was read
 * before answers. */
int ledger_open(
    const struct tool_options *options, bool signs, struct ledger *ledger);
void ledger_close(struct ledger *ledger);
/* The account of a question: the operand, else that of the configuration. */
int ledger_account(const struct ledger *ledger, cpnp_bytes *account);
/* Show what an account has, or with the operand "-" all have: list shows it
 * and says how many there are.  When there are none, the words say so. */
int ledger_list(const struct tool_options *options,
    size_t (*list)(const struct tool_options *options,
	const cpnp_ledger *state, cpnp_bytes account),
    const char *words);

/* An operation and the storage of its views. */
struct ledger_op {
	cpnp_op op;
	uint8_t store[OP_STORE_MAX];
	size_t used;
	uint8_t exponent; /* of the token that was named */
};
/* Ledger, account, idempotency key and expiry. */
int ledger_op_begin(
    struct ledger *ledger, unsigned type, struct ledger_op *op);
/* Sign, submit, wait for the outcome, and say what it was. */
int ledger_op_run(struct ledger *ledger, struct ledger_op *op);

/* An outcome, which is number index, and verbs about its proof. */
void ledger_print_outcome(const struct tool_options *options,
    const cpnp_outcome *outcome, uint64_t index);
int tool_escrow_prove(const struct tool_options *options);
int tool_escrow_cosign(const struct tool_options *options);

/* ---- Texts ---- */

int ledger_hex(const struct tool_options *options, const char *where,
    const char *text, uint8_t *out, size_t n);
/* A date, or "+90m" after now: s, m, h, d. */
int ledger_time(const struct tool_options *options, const char *where,
    const char *text, int64_t now, int64_t *out);
/* "12.50 EUR [of ISSUER]" of the one token that it can mean. */
int ledger_money(struct ledger *ledger, const char *where, const char *text,
    cpnp_bytes issuer, struct ledger_op *op);
/* DER SubjectPublicKeyInfo of a key or certificate file. */
int ledger_spki(const struct tool_options *options, const char *path,
    uint8_t out[CPNP_SPKI_MAX], size_t *len);
int ledger_roles(const struct tool_options *options, const char *text,
    uint64_t *roles);
void ledger_put_roles(uint64_t roles, char *out, size_t size);
void ledger_put_money(
    int64_t amount, uint8_t exponent, cpnp_bytes code, char out[MONEY_LEN]);
json_t *ledger_hex_json(const uint8_t digest[CPNP_SHA256_LEN]);
json_t *ledger_time_json(cpnp_wtime time);

#endif
