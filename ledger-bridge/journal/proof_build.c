/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "proof.h"

/* One leaf of the order, copied: the row is gone with the next step. */
struct leaf {
	uint64_t index;
	uint8_t *bytes;
	size_t len;
	bool has_digest;
	uint8_t digest[CPNP_SHA256_LEN];
};

struct build {
	cpnp_journal *journal;
	const uint8_t *order_ref;
	struct leaf leaves[CPNP_PROOF_ENTRIES_MAX];
	size_t leaf_n;
	cpnp_buf receipt;
	cpnp_buf *out;
	cpnp_diag *diag;
};

static int
add_leaf(struct build *b, uint64_t index, cpnp_bytes bytes)
{
	cpnp_statement body;
	cpnp_bytes payload = bytes;
	struct leaf *leaf;
	int err = 0;

	if (statement_is_signed(bytes))
		err = cpnp_statement_payload(bytes, &payload);
	if (err == 0)
		err = cpnp_statement_decode(&body, payload, NULL);
	/* a leaf that is no statement is under another order's prefix */
	if (err != 0 ||
	    memcmp(body.order_ref, b->order_ref, CPNP_SHA256_LEN) != 0)
		return 0;
	if (b->leaf_n == CPNP_PROOF_ENTRIES_MAX)
		return ledger_fail(b->diag, CPNP_ERR_TOO_LONG, "order",
		    "more than %d statements", CPNP_PROOF_ENTRIES_MAX);
	leaf = &b->leaves[b->leaf_n];
	leaf->bytes = malloc(bytes.len);
	if (leaf->bytes == NULL)
		return CPNP_ERR_NOMEM;
	memcpy(leaf->bytes, bytes.ptr, bytes.len);
	leaf->len = bytes.len;
	leaf->index = index;
	leaf->has_digest = body.has_digest;
	memcpy(leaf->digest, body.digest, CPNP_SHA256_LEN);
	b->leaf_n++;
	return 0;
}

static int
collect(struct build *b)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE, err = 0;

	stmt = journal_stmt(b->journal, Q_LEAF_OF_ORDER);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, ref_prefix(b->order_ref));
	while (err == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = add_leaf(b, (uint64_t)sqlite3_column_int64(stmt, 0),
		    stmt_blob(stmt, 1));
	stmt_done(stmt);
	if (err == 0 && rc != SQLITE_DONE)
		err = journal_sql_fail(b->journal, "journal_leaf", b->diag);
	if (err == 0 && b->leaf_n == 0)
		err = ledger_fail(b->diag, CPNP_ERR_NOT_FOUND, "order",
		    "the journal %s has no statement about it",
		    b->journal->origin);
	if (err == 0 && (!b->journal->head.valid ||
	    b->leaves[b->leaf_n - 1].index >= b->journal->head.size))
		err = ledger_fail(b->diag, CPNP_ERR_STATE, "head",
		    "no signed head covers the newest statement of the order; "
		    "try again, or give the journal a key");
	return err;
}

static int
put_opening(struct build *b)
{
	sqlite3_stmt *stmt;
	int err = CPNP_ERR_NOT_FOUND;

	stmt = journal_stmt(b->journal, Q_OPENING_GET);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	stmt_bind_blob(
	    stmt, 1, (cpnp_bytes){b->order_ref, CPNP_SHA256_LEN});
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		cpnp_cbor_put_uint(b->out, PROOF_OPENING);
		cpnp_cbor_put_bytes(b->out, stmt_blob(stmt, 0));
		err = b->out->err;
	}
	stmt_done(stmt);
	if (err == CPNP_ERR_NOT_FOUND)
		return ledger_fail(b->diag, err, "order",
		    "the journal does not hold its opening");
	return err;
}

static bool
is_named(const struct build *b, const uint8_t digest[CPNP_SHA256_LEN])
{
	size_t i;

	for (i = 0; i < b->leaf_n; i++)
		if (b->leaves[i].has_digest &&
		    memcmp(b->leaves[i].digest, digest, CPNP_SHA256_LEN) == 0)
			return true;
	return false;
}

/* The rows of a query by order, as an array of byte strings.  An agreement
 * that no statement names would stand in the file unprotected. */
static int
put_rows(struct build *b, enum proof_key key, enum journal_stmt which,
    bool only_named, size_t max)
{
	uint8_t digest[CPNP_SHA256_LEN];
	sqlite3_stmt *stmt;
	cpnp_buf rows;
	cpnp_bytes row;
	size_t n = 0;
	int rc, err = 0;

	stmt = journal_stmt(b->journal, which);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	cpnp_buf_init(&rows, &ledger_mem, CPNP_PROOF_MAX);
	stmt_bind_blob(
	    stmt, 1, (cpnp_bytes){b->order_ref, CPNP_SHA256_LEN});
	while (err == 0 && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW) {
			err = CPNP_ERR_IO;
			break;
		}
		row = stmt_blob(stmt, 0);
		err = hash_parts(&b->journal->hash, &row, 1, digest);
		if (err != 0 || (only_named && !is_named(b, digest)))
			continue;
		cpnp_cbor_put_bytes(&rows, row);
		if (++n > max)
			err = ledger_fail(b->diag, CPNP_ERR_TOO_LONG, "order",
			    "more agreements or receipts than a proof holds");
	}
	stmt_done(stmt);
	cpnp_cbor_put_uint(b->out, key);
	cpnp_cbor_put_array(b->out, n);
	cpnp_buf_put_raw(b->out, cpnp_buf_bytes(&rows));
	if (err == 0)
		err = rows.err != 0 ? rows.err : b->out->err;
	cpnp_buf_fini(&rows);
	return err;
}

static int
put_pair(struct build *b, uint64_t index, cpnp_bytes statement)
{
	int err;

	cpnp_buf_reset(&b->receipt);
	err = cpnp_journal_receipt(b->journal, index, &b->receipt);
	if (err != 0)
		return err;
	cpnp_cbor_put_array(b->out, 2);
	cpnp_cbor_put_bytes(b->out, statement);
	cpnp_cbor_put_bytes(b->out, cpnp_buf_bytes(&b->receipt));
	return b->out->err;
}

static int
put_statements(struct build *b)
{
	size_t i;
	int err = 0;

	cpnp_cbor_put_uint(b->out, PROOF_STATEMENTS);
	cpnp_cbor_put_array(b->out, b->leaf_n);
	for (i = 0; i < b->leaf_n && err == 0; i++)
		err = put_pair(b, b->leaves[i].index,
		    (cpnp_bytes){b->leaves[i].bytes, b->leaves[i].len});
	return err;
}

static int
put_keys(struct build *b)
{
	sqlite3_stmt *stmt;
	size_t n = 0;
	int err = 0;

	stmt = journal_stmt(b->journal, Q_KEY_EACH);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	while (sqlite3_step(stmt) == SQLITE_ROW)
		n++;
	stmt_done(stmt);
	if (n == 0 || n > CPNP_PROOF_KEYS_MAX)
		return ledger_fail(b->diag, CPNP_ERR_TOO_LONG, "journal_key",
		    "%zu key statements; 1 to %d fit a proof", n,
		    CPNP_PROOF_KEYS_MAX);
	cpnp_cbor_put_uint(b->out, PROOF_KEYS);
	cpnp_cbor_put_array(b->out, n);
	while (err == 0 && n-- > 0 && sqlite3_step(stmt) == SQLITE_ROW)
		err = put_pair(b, (uint64_t)sqlite3_column_int64(stmt, 0),
		    stmt_blob(stmt, 1));
	stmt_done(stmt);
	return err;
}

static int
put_signer(struct build *b)
{
	sqlite3_stmt *stmt;
	cpnp_bytes chain, delegation;
	int err = CPNP_ERR_IO;

	stmt = journal_stmt(b->journal, Q_SIGNER_GET);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, b->journal->head.signer_id);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		chain = stmt_blob(stmt, 0);
		delegation = stmt_blob(stmt, 1);
		cpnp_cbor_put_uint(b->out, PROOF_SIGNER);
		cpnp_cbor_put_array(b->out, 2);
		if (chain.len > 0)
			cpnp_buf_put_raw(b->out, chain);
		else
			cpnp_cbor_put_null(b->out);
		if (delegation.len > 0)
			cpnp_cbor_put_bytes(b->out, delegation);
		else
			cpnp_cbor_put_null(b->out);
		err = b->out->err;
	}
	stmt_done(stmt);
	return err;
}

int
proof_put_digest(cpnp_buf *out, size_t start, unsigned key)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_bytes all;
	int err;

	cpnp_cbor_put_uint(out, key);
	/* the head of the byte string is part of what is hashed */
	cpnp_buf_put_raw(
	    out, (cpnp_bytes){(const uint8_t[]){0x58, CPNP_SHA256_LEN}, 2});
	if (out->err != 0)
		return out->err;
	all = cpnp_buf_bytes(out);
	all.ptr += start;
	all.len -= start;
	err = hash_once(&all, 1, digest);
	if (err != 0)
		return err;
	cpnp_buf_put_raw(out, (cpnp_bytes){digest, sizeof(digest)});
	return out->err;
}

static int
build(struct build *b)
{
	size_t start = b->out->len;
	int err;

	err = collect(b);
	if (err != 0)
		return err;
	cpnp_cbor_put_map(b->out, PROOF_DIGEST - 1);
	cpnp_cbor_put_uint(b->out, PROOF_VERSION);
	cpnp_cbor_put_uint(b->out, PROOF_FORMAT);
	err = put_opening(b);
	if (err == 0)
		err = put_rows(b, PROOF_AGREEMENTS, Q_AGREEMENT_GET, true,
		    CPNP_PROOF_AGREEMENTS_MAX);
	if (err == 0)
		err = put_statements(b);
	if (err == 0)
		err = put_rows(b, PROOF_RECEIPTS, Q_RECEIPT_GET, false,
		    CPNP_PROOF_RECEIPTS_MAX);
	if (err == 0)
		err = put_keys(b);
	if (err == 0)
		err = put_signer(b);
	if (err != 0)
		return err;
	cpnp_cbor_put_uint(b->out, PROOF_CHECKPOINT);
	cpnp_cbor_put_str(b->out, b->journal->head.checkpoint);
	return proof_put_digest(b->out, start, PROOF_DIGEST - 1);
}

int
cpnp_proof_build(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_buf *out, cpnp_diag *diag)
{
	struct build *b;
	size_t i;
	int err;

	ledger_diag_clear(diag);
	if (journal->damaged)
		return journal_damaged(diag);
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return CPNP_ERR_NOMEM;
	b->journal = journal;
	b->order_ref = order_ref;
	b->out = out;
	b->diag = diag;
	cpnp_buf_init(&b->receipt, &ledger_mem, CPNP_RECEIPT_MAX);
	err = build(b);
	for (i = 0; i < b->leaf_n; i++)
		free(b->leaves[i].bytes);
	cpnp_buf_fini(&b->receipt);
	free(b);
	return ledger_fail_once(diag, err, "proof", cpnp_strerror(err));
}
