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
#include <cpnp/settlement.h>

#include "mem.h"

enum tool_exit { EXIT_VERIFIED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

#define PROOFS_MAX 64
#define KEYS_MAX 16

#define OPTIONS_MAX 128

#define VERB_OPERANDS 2
struct tool_options;

/*
 * A verb.  takes: the names of its options, each with a space after it.  A
 * verb that is one operation at the ledger names it in op, and in operands
 * the cpnp_op_field that each operand is.
 */
struct tool_verb {
	const char *words[2];
	int operands_min;
	int operands_max;
	const char *takes;
	int (*run)(const struct tool_options *options);
	const char *usage;
	unsigned op;
	int operands[VERB_OPERANDS];
};

struct tool_options {
	const struct tool_verb *verb;
	bool json;
	bool xml;
	const char *store;
	const char *output;
	const char *type;
	const char *ca;
	const char *keys[KEYS_MAX]; /* public ones to trust, or the private one
				     * that signs */
	size_t key_n;
	const char *proofs[PROOFS_MAX];
	size_t proof_n;
	char *const *operands;
	size_t operand_n;
	const char *operand; /* the first */
	/* all that were given, for tool_value() */
	struct {
		const char *name;
		const char *value;
	} given[OPTIONS_MAX];
	size_t given_n;
};

/* Memory of the C library and SHA-256; it has no random source. */
extern const cpnp_env tool_env;

/* The last value of an option without its dashes; NULL when not given. */
const char *tool_value(const struct tool_options *options, const char *name);

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
#define MONEY_LEN CPNP_MONEY_TEXT_LEN

/* The private key of an account or witness: --key, given once. */
int tool_signer(const struct tool_options *options, cpnp_signer **signer);
/* A decimal number within bounds; 0 or EXIT_FAILED, said under where. */
int tool_number(const struct tool_options *options, const char *where,
    const char *text, uint64_t min, uint64_t max, uint64_t *out);

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

/*
 * A consistency proof as a text: "old SIZE", then each hash in base64 on a
 * line; what a C2SP tlog-witness takes before the checkpoint.
 */
struct tool_consistency {
	uint64_t old_size;
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t path_n;
};
int tool_consistency_read(const struct tool_options *options,
    const char *path, struct tool_consistency *out);

/* The service of an agreement, in words, and as JSON (NULL: not a CPD). */
void tool_print_service(cpnp_bytes description);
void tool_print_xml(cpnp_bytes description);
json_t *tool_service_json(cpnp_bytes description);
void tool_print_proof(const cpnp_proof *proof, bool xml);
json_t *tool_proof_json(const cpnp_proof *proof);

/* A proof file for its contents, whoever vouches for it; both are to be
 * deleted, after an error too.  0 or CPNP_ERR_*. */
int tool_parse_proof(
    cpnp_bytes file, cpnp_proof **proof, cpnp_trust **trust);
/* The ledger's part of a proof; NULL: there is none. */
void tool_print_ledger(const cpnp_proof *proof);
json_t *tool_ledger_json(const cpnp_proof *proof);

int tool_prove(const struct tool_options *options);
int tool_verify(const struct tool_options *options);
int tool_log_verify(const struct tool_options *options);
int tool_log_show(const struct tool_options *options);
int tool_log_head(const struct tool_options *options);
int tool_log_consistency(const struct tool_options *options);
int tool_log_rotate(const struct tool_options *options);
int tool_key_generate(const struct tool_options *options);
int tool_key_public(const struct tool_options *options);
int tool_witness(const struct tool_options *options);
int tool_reconcile(const struct tool_options *options);
int tool_fraud(const struct tool_options *options);
/* verify, of a file that is not the proof of an order */
int tool_verify_fraud(const struct tool_options *options,
    const cpnp_trust *trust, cpnp_bytes file);
int tool_verify_checkpoint(const struct tool_options *options,
    const cpnp_trust *trust, cpnp_bytes file);

/* Verbs on a shared ledger, a table for each group; words[0] NULL ends it. */
extern const struct tool_verb tool_verbs_init[], tool_verbs_account[],
    tool_verbs_token[], tool_verbs_escrow[], tool_verbs_channel[],
    tool_verbs_sla[], tool_verbs_catalogue[], tool_verbs_serve[],
    tool_verbs_settings[], tool_verbs_writer[];
/* What all of them take. */
#define TAKES_LEDGER                                                           \
	"config genesis store backend setting account key-file "
/* One that is an operation: by the row of the verb. */
int tool_op(const struct tool_options *options);
/* Put what the ledger of --config has about an order into its proof: out is
 * empty when it has nothing.  Texts about what is missing go to stderr. */
int tool_prove_ledger(const struct tool_options *options,
    cpnp_journal *journal, cpnp_bytes file, cpnp_buf *out);
/* verify, of the proof of a payment. */
bool tool_is_payment(cpnp_bytes file);
int tool_verify_payment(const struct tool_options *options, cpnp_bytes file);

#endif
