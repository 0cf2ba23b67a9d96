/*
 * What the verbs of cpnp-ledger share.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_TOOL_H
#define LEDGER_TOOL_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>

#include <cpnp/cpd.h>
#include <cpnp/ledger.h>

enum tool_exit { EXIT_VERIFIED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define PROOFS_MAX 64
#define KEYS_MAX 16

struct tool_options {
	bool json;
	bool xml;
	const char *store;
	const char *output;
	const char *type;
	const char *ca;
	const char *keys[KEYS_MAX]; /* public ones to trust, or the private one
				     * that signs */
	size_t key_n;
	const char *cert;
	const char *ledger_key;
	const char *new_key;
	const char *new_cert;
	const char *new_ledger_key;
	const char *proofs[PROOFS_MAX];
	size_t proof_n;
	const char *operand;
};

extern const cpnp_mem tool_mem;

/* Say what is wrong and where; EXIT_FAILED. */
int tool_fail(const struct tool_options *options, const char *where,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int tool_fail_diag(const struct tool_options *options, const char *subject,
    const cpnp_diag *diag);
/* A whole file, "-" for standard input; free() the bytes. */
int tool_read_file(const struct tool_options *options, const char *path,
    size_t max, uint8_t **bytes, size_t *len);
int tool_write_file(const struct tool_options *options, const char *path,
    cpnp_bytes bytes);
/* Text of a peer, what a terminal would obey escaped. */
void tool_put(FILE *file, cpnp_bytes text);
json_t *tool_text(cpnp_bytes text);
void tool_put_json(json_t *json); /* takes it */
void tool_time(cpnp_wtime time, char out[CPNP_DATE_LEN]);
void tool_hex(const uint8_t *bytes, size_t n, char *out);
/* "12500.00 EUR" */
#define MONEY_LEN 96
void tool_money(const cpnp_money *money, char out[MONEY_LEN]);

/* The journal of --store; read only unless signer is given. */
struct tool_journal {
	sqlite3 *db;
	cpnp_journal *journal;
};
int tool_journal_open(const struct tool_options *options,
    const cpnp_signer *signer, struct tool_journal *out);
void tool_journal_close(struct tool_journal *journal);
/* --ca and --key; must_have: one of them is needed. */
int tool_trust(const struct tool_options *options, bool must_have,
    cpnp_trust **trust);

/* The service of an agreement, in words, and as JSON (NULL: not a CPD). */
void tool_print_service(cpnp_bytes description);
void tool_print_xml(cpnp_bytes description);
json_t *tool_service_json(cpnp_bytes description);
void tool_print_proof(const cpnp_proof *proof, bool xml);
json_t *tool_proof_json(const cpnp_proof *proof);

int tool_prove(const struct tool_options *options);
int tool_verify(const struct tool_options *options);
int tool_log_verify(const struct tool_options *options);
int tool_log_show(const struct tool_options *options);
int tool_log_rotate(const struct tool_options *options);
int tool_key_generate(const struct tool_options *options);
int tool_key_public(const struct tool_options *options);

#endif
