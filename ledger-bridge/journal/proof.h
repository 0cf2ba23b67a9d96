/*
 * The proof file, a deterministic CBOR map:
 *
 *   1  version, 1; 2 with a part of the ledger
 *   2  opening of the order, as a byte string
 *   3  agreements, byte strings, by rising digest
 *   4  statements about the order, [statement, receipt], by rising index
 *   5  receipts of other journals for signed statements in 4
 *   6  key statements of the journal, [statement, receipt], by rising index
 *   7  who signs the journal's heads: [x5chain or null, delegation or null]
 *   8  newest head of the journal as a C2SP checkpoint, text
 *   9  in version 2: [heads, facts] of a ledger, see below
 *   9  SHA-256 over all bytes of the file before this value; in version 2
 *      it is 10
 *
 * Every receipt in 4 and 6 is under the head in 8.  The digest at the end
 * protects against damage only; what protects against a forger is the rest.
 *
 * Of the ledger: heads of its outcome tree, byte strings, all the same but for
 * who signs; facts [outcome, index, path, operation or null, consistency
 * path], by rising index.  An ANCHOR's operation names a head of the journal,
 * and the consistency path leads from there to the one in 8.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_PROOF_H
#define LEDGER_PROOF_H

#include <cpnp/settlement.h>

#include "internal.h"

enum proof_key {
	PROOF_VERSION = 1,
	PROOF_OPENING,
	PROOF_AGREEMENTS,
	PROOF_STATEMENTS,
	PROOF_RECEIPTS,
	PROOF_KEYS,
	PROOF_SIGNER,
	PROOF_CHECKPOINT,
	PROOF_LEDGER,
	PROOF_DIGEST /* in a file without PROOF_LEDGER it has its number */
};

#define PROOF_FORMAT 1
#define PROOF_FORMAT_LEDGER 2
#define PROOF_ITEM_MAX CPNP_AGREEMENT_MAX /* an opening or agreement */

struct proof_pair {
	cpnp_bytes statement;
	cpnp_bytes receipt;
};

/* The file, split into its parts; views. */
struct proof_file {
	unsigned version;
	cpnp_bytes opening;
	cpnp_bytes agreements[CPNP_PROOF_AGREEMENTS_MAX];
	size_t agreement_n;
	struct proof_pair statements[CPNP_PROOF_ENTRIES_MAX];
	size_t statement_n;
	cpnp_bytes receipts[CPNP_PROOF_RECEIPTS_MAX];
	size_t receipt_n;
	struct proof_pair keys[CPNP_PROOF_KEYS_MAX];
	size_t key_n;
	cpnp_bytes chain_item; /* empty for null */
	cpnp_bytes delegation;
	cpnp_bytes checkpoint;
	cpnp_bytes ledger; /* the item, empty when there is none */
	cpnp_bytes digest;
	size_t digest_at; /* offset of the 32 bytes */
	cpnp_bytes body;  /* parts 2 to 8 */
};

int proof_file_parse(
    struct proof_file *file, cpnp_bytes bytes, cpnp_diag *diag);

/* A path as it stands in the file. */
struct proof_path {
	uint8_t hashes[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t n;
};

/* A fact as it stands in the file; views. */
struct proof_fact {
	cpnp_bytes leaf;
	uint64_t index;
	struct proof_path path;
	cpnp_bytes op; /* empty for null */
	struct proof_path consistency;
};

/* Read part 9 up to its facts: the heads, and how many facts come. */
void proof_get_heads(cpnp_cbor_rd *rd,
    cpnp_bytes heads[CPNP_OPERATORS_MAX], size_t *head_n, size_t *fact_n);
void proof_get_fact(cpnp_cbor_rd *rd, struct proof_fact *fact);

/* Verify part 9 against the rest of the proof, which is verified. */
int proof_check_ledger(cpnp_proof *proof, cpnp_bytes part,
    const cpnp_trust *trust, cpnp_diag *diag);
/* The last key of the map, and the digest over all from start on. */
int proof_put_digest(cpnp_buf *out, size_t start, unsigned key);

#endif
