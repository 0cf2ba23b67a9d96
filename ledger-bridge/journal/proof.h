/*
 * The proof file, a deterministic CBOR map:
 *
 *   1  version, 1
 *   2  opening of the order, as a byte string
 *   3  agreements, byte strings, by rising digest
 *   4  statements about the order, [statement, receipt], by rising index
 *   5  receipts of other journals for signed statements in 4
 *   6  key statements of the journal, [statement, receipt], by rising index
 *   7  who signs the journal's heads: [x5chain or null, delegation or null]
 *   8  newest head of the journal as a C2SP checkpoint, text
 *   9  SHA-256 over all bytes of the file before this value
 *
 * Every receipt in 4 and 6 is under the head in 8.  The digest in 9 protects
 * against damage only; what protects against a forger is the rest.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_PROOF_H
#define LEDGER_PROOF_H

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
	PROOF_DIGEST
};

#define PROOF_FORMAT 1
#define PROOF_ITEM_MAX CPNP_AGREEMENT_MAX /* an opening or agreement */

struct proof_pair {
	cpnp_bytes statement;
	cpnp_bytes receipt;
};

/* The file, split into its parts; views. */
struct proof_file {
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
	cpnp_bytes digest;
	size_t digest_at; /* offset of the 32 bytes */
};

int proof_file_parse(
    struct proof_file *file, cpnp_bytes bytes, cpnp_diag *diag);

#endif
