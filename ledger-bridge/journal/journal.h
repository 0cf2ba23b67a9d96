/*
 * The journal's object, for the files that read it: proof and replay.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEDGER_JOURNAL_H
#define LEDGER_JOURNAL_H

#include <sqlite3.h>

#include "internal.h"

enum journal_stmt {
	Q_LEAF_PUT,
	Q_LEAF_GET,
	Q_LEAF_OF_ORDER,
	Q_LEAF_SIZE,
	Q_TILE_PUT,
	Q_TILE_GET,
	Q_KEY_PUT,
	Q_KEY_NEWEST,
	Q_KEY_EACH,
	Q_SIGNER_PUT,
	Q_SIGNER_FIND,
	Q_SIGNER_GET,
	Q_HEAD_PUT,
	Q_HEAD_NEWEST,
	Q_HEAD_FROM,
	Q_HEAD_EACH,
	Q_NAME_PUT,
	Q_NAME_FIND,
	Q_OPENING_PUT,
	Q_OPENING_GET,
	Q_AGREEMENT_PUT,
	Q_AGREEMENT_GET,
	Q_AGREEMENT_FIND,
	Q_RECEIPT_PUT,
	Q_RECEIPT_GET,
	Q_PAYMENT_PUT,
	Q_PAYMENT_GET,
	Q_END
};

struct stored_head {
	bool valid;
	uint64_t size;
	cpnp_wtime time;
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t protected[PROTECTED_MAX];
	size_t protected_len;
	uint8_t signature[SIGNATURE_LEN];
	char checkpoint[NOTE_MAX];
	int64_t signer_id;
	uint8_t key_id[CPNP_SHA256_LEN];
};

struct cpnp_journal {
	sqlite3 *db;
	const cpnp_signer *signer;
	const cpnp_signer *signer_before; /* until a rotation has stayed */
	bool writable;
	bool damaged; /* read only, and good for a replay only */
	char origin[CPNP_IDENTITY_MAX + 1];
	cpnp_tree *tree;
	struct hash hash;
	bool has_key;
	uint8_t key_id[CPNP_SHA256_LEN]; /* the newest */
	int64_t signer_id;               /* row of signer, 0: not known yet */
	struct stored_head head;
	struct stored_head stored; /* of cpnp_journal_stored_head() */
	sqlite3_stmt *stmts[Q_END];
};

/* A prepared statement, ready to bind; NULL when it cannot be made. */
sqlite3_stmt *journal_stmt(cpnp_journal *journal, enum journal_stmt which);
void stmt_done(sqlite3_stmt *stmt);
cpnp_bytes stmt_blob(sqlite3_stmt *stmt, int column);
void stmt_bind_blob(sqlite3_stmt *stmt, int column, cpnp_bytes bytes);
int journal_damaged(cpnp_diag *diag);
int journal_sql_fail(
    const cpnp_journal *journal, const char *where, cpnp_diag *diag);
/* The head of a row of Q_HEAD_*; CPNP_ERR_IO when it is damaged. */
int head_from_row(struct stored_head *head, sqlite3_stmt *stmt);
/* The 8 bytes of a reference by which leaves are found. */
int64_t ref_prefix(const uint8_t order_ref[CPNP_SHA256_LEN]);
int head_put_receipt(const struct stored_head *head, cpnp_tree *tree,
    uint64_t index, cpnp_buf *out);
/* The order reference of a leaf's statement, signed or not. */
int statement_order_ref(
    cpnp_bytes statement, uint8_t order_ref[CPNP_SHA256_LEN]);

#endif
