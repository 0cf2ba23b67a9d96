/*
 * The journal in SQLite.  Leaves and full tiles are only ever inserted; what
 * is right of the last full tile is made again from the leaves at opening, so
 * that an append writes one row, and one tile in 256 appends.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

#define FORMAT 1

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS journal_meta("
    " key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal_leaf(idx INTEGER PRIMARY KEY,"
    " ref INTEGER NOT NULL, statement BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS journal_leaf_ref ON journal_leaf(ref);"
    "CREATE TABLE IF NOT EXISTS journal_tile(level INTEGER NOT NULL,"
    " number INTEGER NOT NULL, hashes BLOB NOT NULL,"
    " PRIMARY KEY(level, number));"
    "CREATE TABLE IF NOT EXISTS journal_key(idx INTEGER PRIMARY KEY,"
    " key_id BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS journal_signer(id INTEGER PRIMARY KEY,"
    " key_id BLOB NOT NULL, chain BLOB NOT NULL, delegation BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS journal_head(size INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL, root BLOB NOT NULL, protected BLOB NOT NULL,"
    " signature BLOB NOT NULL, checkpoint TEXT NOT NULL,"
    " signer INTEGER NOT NULL REFERENCES journal_signer(id));"
    "CREATE TABLE IF NOT EXISTS journal_name(name BLOB NOT NULL,"
    " ref BLOB NOT NULL, PRIMARY KEY(name, ref)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal_opening(ref BLOB PRIMARY KEY,"
    " opening BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal_agreement(ref BLOB NOT NULL,"
    " digest BLOB NOT NULL, agreement BLOB NOT NULL,"
    " PRIMARY KEY(ref, digest)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS journal_receipt(ref BLOB NOT NULL,"
    " digest BLOB NOT NULL, receipt BLOB NOT NULL,"
    " PRIMARY KEY(ref, digest)) WITHOUT ROWID;";

/* Younger than the format: made where it is missing. */
static const char schema_payment[] =
    "CREATE TABLE IF NOT EXISTS journal_payment(ref BLOB NOT NULL,"
    " digest BLOB NOT NULL, payment BLOB NOT NULL,"
    " PRIMARY KEY(ref, digest)) WITHOUT ROWID;";

#define HEAD_COLUMNS                                                       \
	"SELECT h.size, h.time, h.root, h.protected, h.signature,"         \
	" h.checkpoint, h.signer, s.key_id FROM journal_head h"            \
	" JOIN journal_signer s ON s.id = h.signer "

static const char *const queries[Q_END] = {
    [Q_LEAF_PUT] = "INSERT INTO journal_leaf(idx, ref, statement)"
		   " VALUES(?, ?, ?)",
    [Q_LEAF_GET] = "SELECT statement FROM journal_leaf WHERE idx = ?",
    [Q_LEAF_OF_ORDER] = "SELECT idx, statement FROM journal_leaf"
			" WHERE ref = ? ORDER BY idx",
    [Q_LEAF_SIZE] = "SELECT ifnull(max(idx) + 1, 0) FROM journal_leaf",
    [Q_TILE_PUT] = "INSERT INTO journal_tile(level, number, hashes)"
		   " VALUES(?, ?, ?)",
    [Q_TILE_GET] = "SELECT hashes FROM journal_tile"
		   " WHERE level = ? AND number = ?",
    [Q_KEY_PUT] = "INSERT INTO journal_key(idx, key_id) VALUES(?, ?)",
    [Q_KEY_NEWEST] = "SELECT key_id FROM journal_key"
		     " ORDER BY idx DESC LIMIT 1",
    [Q_KEY_EACH] = "SELECT k.idx, l.statement FROM journal_key k"
		   " JOIN journal_leaf l ON l.idx = k.idx ORDER BY k.idx",
    [Q_SIGNER_PUT] = "INSERT INTO journal_signer(key_id, chain, delegation)"
		     " VALUES(?, ?, ?)",
    [Q_SIGNER_FIND] = "SELECT id FROM journal_signer"
		      " WHERE key_id = ? AND chain = ?",
    [Q_SIGNER_GET] = "SELECT chain, delegation FROM journal_signer"
		     " WHERE id = ?",
    [Q_HEAD_PUT] = "INSERT INTO journal_head(size, time, root, protected,"
		   " signature, checkpoint, signer)"
		   " VALUES(?, ?, ?, ?, ?, ?, ?)",
    [Q_HEAD_NEWEST] = HEAD_COLUMNS "ORDER BY h.size DESC LIMIT 1",
    [Q_HEAD_FROM] = HEAD_COLUMNS "WHERE h.size >= ? ORDER BY h.size",
    [Q_HEAD_EACH] = HEAD_COLUMNS "ORDER BY h.size",
    [Q_NAME_PUT] = "INSERT OR IGNORE INTO journal_name(name, ref)"
		   " VALUES(?, ?)",
    [Q_NAME_FIND] = "SELECT ref FROM journal_name WHERE name = ? LIMIT 2",
    [Q_OPENING_PUT] = "INSERT OR IGNORE INTO journal_opening(ref, opening)"
		      " VALUES(?, ?)",
    [Q_OPENING_GET] = "SELECT opening FROM journal_opening WHERE ref = ?",
    [Q_AGREEMENT_PUT] = "INSERT OR IGNORE INTO"
			" journal_agreement(ref, digest, agreement)"
			" VALUES(?, ?, ?)",
    [Q_AGREEMENT_GET] = "SELECT agreement FROM journal_agreement"
			" WHERE ref = ? ORDER BY digest",
    [Q_AGREEMENT_FIND] = "SELECT agreement FROM journal_agreement"
			 " WHERE ref = ? AND digest = ?",
    [Q_RECEIPT_PUT] = "INSERT OR IGNORE INTO"
		      " journal_receipt(ref, digest, receipt)"
		      " VALUES(?, ?, ?)",
    [Q_RECEIPT_GET] = "SELECT receipt FROM journal_receipt"
		      " WHERE ref = ? ORDER BY digest",
    [Q_PAYMENT_PUT] = "INSERT OR IGNORE INTO"
		      " journal_payment(ref, digest, payment)"
		      " VALUES(?, ?, ?)",
    [Q_PAYMENT_GET] = "SELECT payment FROM journal_payment"
		      " WHERE ref = ? ORDER BY digest",
};

int
journal_sql_fail(
    const cpnp_journal *journal, const char *where, cpnp_diag *diag)
{
	return ledger_fail(diag, CPNP_ERR_IO, where, "SQLite: %s",
	    sqlite3_errmsg(journal->db));
}

int
journal_damaged(cpnp_diag *diag)
{
	return ledger_fail(diag, CPNP_ERR_IO, "journal",
	    "a leaf, tile or head is missing or damaged: run cpnp-ledger log "
	    "verify");
}

sqlite3_stmt *
journal_stmt(cpnp_journal *journal, enum journal_stmt which)
{
	if (journal->stmts[which] == NULL)
		(void)sqlite3_prepare_v3(journal->db, queries[which], -1,
		    SQLITE_PREPARE_PERSISTENT, &journal->stmts[which], NULL);
	return journal->stmts[which];
}

void
stmt_done(sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
}

cpnp_bytes
stmt_blob(sqlite3_stmt *stmt, int column)
{
	const void *ptr = sqlite3_column_blob(stmt, column);

	return (cpnp_bytes){
	    ptr, (size_t)sqlite3_column_bytes(stmt, column)};
}

/* A NULL pointer would be the SQL NULL; an empty value is an empty blob. */
void
stmt_bind_blob(sqlite3_stmt *stmt, int column, cpnp_bytes bytes)
{
	(void)sqlite3_bind_blob(stmt, column,
	    bytes.len == 0 ? (const void *)"" : bytes.ptr, (int)bytes.len,
	    SQLITE_STATIC);
}

/* Run a statement that returns no row.  A binding that failed makes the
 * step fail on a NOT NULL column. */
static int
stmt_run(sqlite3_stmt *stmt)
{
	int rc;

	rc = sqlite3_step(stmt);
	stmt_done(stmt);
	return rc == SQLITE_DONE ? 0 : CPNP_ERR_IO;
}

int64_t
ref_prefix(const uint8_t order_ref[CPNP_SHA256_LEN])
{
	uint64_t prefix = 0;
	int i;

	for (i = 0; i < 8; i++)
		prefix = prefix << 8 | order_ref[i];
	return (int64_t)prefix;
}

static int
tile_read(void *user, unsigned level, uint64_t number,
    uint8_t hashes[CPNP_TILE_BYTES])
{
	cpnp_journal *journal = user;
	sqlite3_stmt *stmt;
	cpnp_bytes blob;
	int err = CPNP_ERR_IO;

	stmt = journal_stmt(journal, Q_TILE_GET);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, level);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)number);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		blob = stmt_blob(stmt, 0);
		if (blob.len == CPNP_TILE_BYTES) {
			memcpy(hashes, blob.ptr, CPNP_TILE_BYTES);
			err = 0;
		}
	}
	stmt_done(stmt);
	return err;
}

static int
tile_write(void *user, unsigned level, uint64_t number,
    const uint8_t hashes[CPNP_TILE_BYTES])
{
	cpnp_journal *journal = user;
	sqlite3_stmt *stmt;

	stmt = journal_stmt(journal, Q_TILE_PUT);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, level);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)number);
	stmt_bind_blob(stmt, 3, (cpnp_bytes){hashes, CPNP_TILE_BYTES});
	return stmt_run(stmt);
}

int
head_from_row(struct stored_head *head, sqlite3_stmt *stmt)
{
	cpnp_bytes root = stmt_blob(stmt, 2), protected = stmt_blob(stmt, 3);
	cpnp_bytes signature = stmt_blob(stmt, 4), key_id = stmt_blob(stmt, 7);
	const char *note = (const char *)sqlite3_column_text(stmt, 5);

	memset(head, 0, sizeof(*head));
	if (root.len != CPNP_SHA256_LEN || protected.len > PROTECTED_MAX ||
	    signature.len != SIGNATURE_LEN || key_id.len != CPNP_SHA256_LEN ||
	    note == NULL || strlen(note) >= NOTE_MAX)
		return CPNP_ERR_IO;
	head->size = (uint64_t)sqlite3_column_int64(stmt, 0);
	head->time.sec = sqlite3_column_int64(stmt, 1);
	memcpy(head->root, root.ptr, root.len);
	memcpy(head->protected, protected.ptr, protected.len);
	head->protected_len = protected.len;
	memcpy(head->signature, signature.ptr, signature.len);
	(void)snprintf(head->checkpoint, NOTE_MAX, "%s", note);
	head->signer_id = sqlite3_column_int64(stmt, 6);
	memcpy(head->key_id, key_id.ptr, key_id.len);
	head->valid = true;
	return 0;
}

static int
load_head(cpnp_journal *journal, struct stored_head *head)
{
	sqlite3_stmt *stmt;
	int rc, err = 0;

	head->valid = false;
	stmt = journal_stmt(journal, Q_HEAD_NEWEST);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		err = head_from_row(head, stmt);
	else if (rc != SQLITE_DONE)
		err = CPNP_ERR_IO;
	stmt_done(stmt);
	return err;
}

static int
load_key(cpnp_journal *journal)
{
	sqlite3_stmt *stmt;
	cpnp_bytes id;
	int rc, err = 0;

	journal->has_key = false;
	stmt = journal_stmt(journal, Q_KEY_NEWEST);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		id = stmt_blob(stmt, 0);
		journal->has_key = id.len == CPNP_SHA256_LEN;
		if (journal->has_key)
			memcpy(journal->key_id, id.ptr, id.len);
		else
			err = CPNP_ERR_IO;
	} else if (rc != SQLITE_DONE) {
		err = CPNP_ERR_IO;
	}
	stmt_done(stmt);
	return err;
}

/* The hashes of the leaves right of the last full tile. */
static int
load_tail(cpnp_journal *journal, uint64_t size, uint8_t *tail)
{
	uint8_t digest[CPNP_SHA256_LEN];
	sqlite3_stmt *stmt;
	cpnp_bytes blob;
	uint64_t i;
	int err = 0;

	stmt = journal_stmt(journal, Q_LEAF_GET);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	for (i = size - size % CPNP_TILE_WIDTH; i < size && err == 0; i++) {
		(void)sqlite3_bind_int64(stmt, 1, (int64_t)i);
		if (sqlite3_step(stmt) == SQLITE_ROW) {
			blob = stmt_blob(stmt, 0);
			err = hash_parts(&journal->hash, &blob, 1, digest);
			if (err == 0)
				err = hash_leaf(&journal->hash,
				    (cpnp_bytes){digest, sizeof(digest)},
				    tail);
			tail += CPNP_SHA256_LEN;
		} else {
			err = CPNP_ERR_IO;
		}
		stmt_done(stmt);
	}
	return err;
}

static int
load_tree(cpnp_journal *journal)
{
	uint8_t tail[CPNP_TILE_BYTES];
	sqlite3_stmt *stmt;
	uint64_t size = 0;
	int err = CPNP_ERR_IO;

	stmt = journal_stmt(journal, Q_LEAF_SIZE);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		size = (uint64_t)sqlite3_column_int64(stmt, 0);
		err = 0;
	}
	stmt_done(stmt);
	if (err == 0)
		err = load_tail(journal, size, tail);
	return err != 0 ? err : cpnp_tree_load(journal->tree, size, tail);
}

static int
load_all(cpnp_journal *journal)
{
	int err;

	journal->signer_id = 0;
	err = load_tree(journal);
	if (err == 0)
		err = load_key(journal);
	return err != 0 ? err : load_head(journal, &journal->head);
}

int
cpnp_journal_rollback(cpnp_journal *journal)
{
	int err;

	err = load_all(journal);
	if (journal->signer_before != NULL && err == 0 && journal->has_key &&
	    memcmp(journal->key_id, journal->signer->key.id,
	        CPNP_SHA256_LEN) != 0)
		journal->signer = journal->signer_before;
	journal->signer_before = NULL;
	return err;
}

/* Append a leaf under a number by which it is found. */
static int
append(cpnp_journal *journal, int64_t ref, cpnp_bytes statement,
    uint64_t *index)
{
	uint8_t digest[CPNP_SHA256_LEN];
	sqlite3_stmt *stmt;
	int err;

	if (!journal->writable)
		return CPNP_ERR_STATE;
	if (statement.len == 0 || statement.len > CPNP_STATEMENT_MAX)
		return CPNP_ERR_INVALID;
	stmt = journal_stmt(journal, Q_LEAF_PUT);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	if (index != NULL)
		*index = cpnp_tree_size(journal->tree);
	(void)sqlite3_bind_int64(
	    stmt, 1, (int64_t)cpnp_tree_size(journal->tree));
	(void)sqlite3_bind_int64(stmt, 2, ref);
	stmt_bind_blob(stmt, 3, statement);
	err = stmt_run(stmt);
	if (err == 0)
		err = hash_parts(&journal->hash, &statement, 1, digest);
	if (err == 0)
		err = cpnp_tree_append(journal->tree,
		    (cpnp_bytes){digest, sizeof(digest)});
	return err;
}

int
cpnp_journal_append(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes statement,
    uint64_t *index)
{
	return append(journal, ref_prefix(order_ref), statement, index);
}

/* Append the statement that a signer's key is the journal's from now on. */
static int
append_key(cpnp_journal *journal, const struct ledger_key *old_key,
    const cpnp_signer *signer, cpnp_wtime now)
{
	uint8_t store[1024];
	sqlite3_stmt *stmt;
	uint64_t index;
	cpnp_buf leaf;
	int err;

	cpnp_buf_init_fixed(&leaf, store, sizeof(store));
	err = key_change_build(
	    old_key, &signer->key, journal->origin, now, &leaf);
	if (err == 0)
		err = append(journal, 0, cpnp_buf_bytes(&leaf), &index);
	if (err != 0)
		return err;
	stmt = journal_stmt(journal, Q_KEY_PUT);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)index);
	stmt_bind_blob(
	    stmt, 2, (cpnp_bytes){signer->key.id, CPNP_SHA256_LEN});
	err = stmt_run(stmt);
	if (err == 0) {
		journal->has_key = true;
		memcpy(journal->key_id, signer->key.id, CPNP_SHA256_LEN);
	}
	return err;
}

/* The row of our signer; one key under one chain of certificates has one
 * row, since any delegation to it is as good as another. */
static int
find_signer(cpnp_journal *journal)
{
	const cpnp_signer *signer = journal->signer;
	cpnp_bytes key_id = {signer->key.id, CPNP_SHA256_LEN};
	sqlite3_stmt *stmt;
	int err;

	if (journal->signer_id != 0)
		return 0;
	stmt = journal_stmt(journal, Q_SIGNER_FIND);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	stmt_bind_blob(stmt, 1, key_id);
	stmt_bind_blob(stmt, 2, cpnp_buf_bytes(&signer->chain));
	if (sqlite3_step(stmt) == SQLITE_ROW)
		journal->signer_id = sqlite3_column_int64(stmt, 0);
	stmt_done(stmt);
	if (journal->signer_id != 0)
		return 0;
	stmt = journal_stmt(journal, Q_SIGNER_PUT);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	stmt_bind_blob(stmt, 1, key_id);
	stmt_bind_blob(stmt, 2, cpnp_buf_bytes(&signer->chain));
	stmt_bind_blob(stmt, 3, cpnp_buf_bytes(&signer->delegation));
	err = stmt_run(stmt);
	if (err == 0)
		journal->signer_id = sqlite3_last_insert_rowid(journal->db);
	return err;
}

static int
put_head(cpnp_journal *journal, const struct stored_head *head)
{
	sqlite3_stmt *stmt;

	stmt = journal_stmt(journal, Q_HEAD_PUT);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)head->size);
	(void)sqlite3_bind_int64(stmt, 2, head->time.sec);
	stmt_bind_blob(stmt, 3, (cpnp_bytes){head->root, CPNP_SHA256_LEN});
	stmt_bind_blob(
	    stmt, 4, (cpnp_bytes){head->protected, head->protected_len});
	stmt_bind_blob(stmt, 5, (cpnp_bytes){head->signature, SIGNATURE_LEN});
	(void)sqlite3_bind_text(stmt, 6, head->checkpoint, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(stmt, 7, head->signer_id);
	return stmt_run(stmt);
}

int
cpnp_journal_sign_head(cpnp_journal *journal, cpnp_wtime now)
{
	struct stored_head head = {.time = now};
	cpnp_buf protected;
	int err;

	head.size = cpnp_tree_size(journal->tree);
	if (journal->signer == NULL || head.size == 0 ||
	    (journal->head.valid && journal->head.size == head.size))
		return 0;
	err = cpnp_tree_root(journal->tree, head.size, head.root);
	if (err == 0)
		err = find_signer(journal);
	if (err != 0)
		return err;
	cpnp_buf_init_fixed(
	    &protected, head.protected, sizeof(head.protected));
	signer_put_protected(journal->signer, &protected, head.size,
	    journal->origin, now);
	err = protected.err;
	head.protected_len = protected.len;
	if (err == 0)
		err = cose1_sign(&journal->signer->key,
		    cpnp_buf_bytes(&protected),
		    (cpnp_bytes){head.root, CPNP_SHA256_LEN},
		    head.signature);
	if (err == 0)
		err = note_build(&journal->signer->key, journal->origin,
		    head.size, head.root, head.checkpoint);
	if (err != 0)
		return err;
	head.signer_id = journal->signer_id;
	memcpy(head.key_id, journal->signer->key.id, CPNP_SHA256_LEN);
	err = put_head(journal, &head);
	if (err == 0) {
		head.valid = true;
		journal->head = head;
	}
	return err;
}

int
head_put_receipt(const struct stored_head *head, cpnp_tree *tree,
    uint64_t index, cpnp_buf *out)
{
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	size_t n;
	int err;

	if (!head->valid || index >= head->size)
		return CPNP_ERR_NOT_FOUND;
	err = cpnp_tree_inclusion(tree, index, head->size, path, &n);
	if (err != 0)
		return err;
	cpnp_cbor_put_tag(out, TAG_SIGN1);
	cpnp_cbor_put_array(out, 4);
	cpnp_cbor_put_bytes(
	    out, (cpnp_bytes){head->protected, head->protected_len});
	cpnp_cbor_put_map(out, 1);
	cpnp_cbor_put_int(out, HDR_VDP);
	cose_put_path(out, head->size, index,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n);
	cpnp_cbor_put_null(out);
	cpnp_cbor_put_bytes(
	    out, (cpnp_bytes){head->signature, SIGNATURE_LEN});
	return out->err;
}

int
cpnp_journal_receipt(cpnp_journal *journal, uint64_t index, cpnp_buf *out)
{
	return head_put_receipt(&journal->head, journal->tree, index, out);
}

int
cpnp_journal_rotate(
    cpnp_journal *journal, const cpnp_signer *signer, cpnp_wtime now)
{
	int err;

	if (journal->signer == NULL || !journal->has_key)
		return CPNP_ERR_STATE;
	if (memcmp(journal->key_id, signer->key.id, CPNP_SHA256_LEN) == 0)
		return CPNP_ERR_EXISTS;
	err = append_key(journal, &journal->signer->key, signer, now);
	if (err != 0)
		return err;
	journal->signer_before = journal->signer;
	journal->signer = signer;
	journal->signer_id = 0;
	return cpnp_journal_sign_head(journal, now);
}

static int
put_keyed(cpnp_journal *journal, enum journal_stmt which,
    const uint8_t *order_ref, cpnp_bytes bytes)
{
	uint8_t digest[CPNP_SHA256_LEN];
	sqlite3_stmt *stmt;
	int err;

	if (bytes.len == 0)
		return 0;
	err = hash_parts(&journal->hash, &bytes, 1, digest);
	if (err != 0)
		return err;
	stmt = journal_stmt(journal, which);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	stmt_bind_blob(stmt, 1, (cpnp_bytes){order_ref, CPNP_SHA256_LEN});
	if (which == Q_OPENING_PUT) {
		stmt_bind_blob(stmt, 2, bytes);
	} else {
		stmt_bind_blob(
		    stmt, 2, (cpnp_bytes){digest, sizeof(digest)});
		stmt_bind_blob(stmt, 3, bytes);
	}
	return stmt_run(stmt);
}

int
cpnp_journal_put_payment(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes authorization)
{
	if (!journal->writable)
		return CPNP_ERR_STATE;
	if (authorization.len == 0 || authorization.len > CPNP_STATEMENT_MAX)
		return CPNP_ERR_INVALID;
	return put_keyed(journal, Q_PAYMENT_PUT, order_ref, authorization);
}

int
cpnp_journal_each_payment(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN],
    int (*visit)(void *user, cpnp_bytes authorization), void *user)
{
	sqlite3_stmt *stmt = journal_stmt(journal, Q_PAYMENT_GET);
	int rc = SQLITE_DONE, err = 0;

	/* one that was written before payments were kept, and is only read */
	if (stmt == NULL)
		return 0;
	stmt_bind_blob(stmt, 1, (cpnp_bytes){order_ref, CPNP_SHA256_LEN});
	while (err == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = visit(user, stmt_blob(stmt, 0));
	stmt_done(stmt);
	return err == 0 && rc != SQLITE_DONE ? CPNP_ERR_IO : err;
}

static int
put_name(cpnp_journal *journal, const uint8_t *order_ref, cpnp_bytes name)
{
	sqlite3_stmt *stmt;

	if (name.len == 0)
		return 0;
	stmt = journal_stmt(journal, Q_NAME_PUT);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	stmt_bind_blob(stmt, 1, name);
	stmt_bind_blob(stmt, 2, (cpnp_bytes){order_ref, CPNP_SHA256_LEN});
	return stmt_run(stmt);
}

int
cpnp_journal_put_order(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN], cpnp_bytes opening,
    cpnp_bytes agreement, cpnp_bytes receipt)
{
	cpnp_order_opening names;
	cpnp_agreement agreed;
	int err = 0;

	if (!journal->writable)
		return CPNP_ERR_STATE;
	if (opening.len > 0) {
		err = cpnp_order_opening_decode(&names, opening);
		if (err == 0)
			err = put_name(journal, order_ref,
			    names.customer_order_id);
	}
	if (err == 0 && agreement.len > 0) {
		err = cpnp_agreement_decode(&agreed, agreement, NULL);
		if (err == 0)
			err = put_name(journal, order_ref,
			    agreed.provider_order_id);
	}
	if (err == 0)
		err = put_keyed(journal, Q_OPENING_PUT, order_ref, opening);
	if (err == 0)
		err = put_keyed(
		    journal, Q_AGREEMENT_PUT, order_ref, agreement);
	if (err == 0)
		err = put_keyed(journal, Q_RECEIPT_PUT, order_ref, receipt);
	return err;
}

uint64_t
cpnp_journal_size(const cpnp_journal *journal)
{
	return cpnp_tree_size(journal->tree);
}

const char *
cpnp_journal_origin(const cpnp_journal *journal)
{
	return journal->origin;
}

static int
head_view(const struct stored_head *h, cpnp_head *head)
{
	if (!h->valid)
		return CPNP_ERR_NOT_FOUND;
	head->size = h->size;
	head->time = h->time;
	memcpy(head->root, h->root, CPNP_SHA256_LEN);
	memcpy(head->key_id, h->key_id, CPNP_SHA256_LEN);
	head->checkpoint = cpnp_bytes_str(h->checkpoint);
	return 0;
}

int
cpnp_journal_head(cpnp_journal *journal, cpnp_head *head)
{
	return head_view(&journal->head, head);
}

int
cpnp_journal_stored_head(cpnp_journal *journal, cpnp_head *head)
{
	int err = load_head(journal, &journal->stored);

	return err != 0 ? err : head_view(&journal->stored, head);
}

int
cpnp_journal_each_head(cpnp_journal *journal, uint64_t size,
    int (*visit)(void *user, const cpnp_head *head), void *user)
{
	sqlite3_stmt *stmt = journal_stmt(journal, Q_HEAD_FROM);
	struct stored_head *stored;
	cpnp_head head;
	int rc = SQLITE_DONE, err = 0;

	stored = calloc(1, sizeof(*stored));
	if (stored == NULL || stmt == NULL) {
		free(stored);
		return stmt == NULL ? CPNP_ERR_IO : CPNP_ERR_NOMEM;
	}
	(void)sqlite3_bind_int64(
	    stmt, 1, size > INT64_MAX ? INT64_MAX : (int64_t)size);
	while (err == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		err = head_from_row(stored, stmt);
		if (err != 0)
			break;
		head = (cpnp_head){.size = stored->size,
		    .time = stored->time,
		    .checkpoint = cpnp_bytes_str(stored->checkpoint)};
		memcpy(head.root, stored->root, CPNP_SHA256_LEN);
		memcpy(head.key_id, stored->key_id, CPNP_SHA256_LEN);
		err = visit(user, &head);
	}
	stmt_done(stmt);
	free(stored);
	return err == 0 && rc != SQLITE_DONE ? CPNP_ERR_IO : err;
}

int
statement_order_ref(
    cpnp_bytes statement, uint8_t order_ref[CPNP_SHA256_LEN])
{
	cpnp_statement body;
	cpnp_bytes payload = statement;
	int err = 0;

	if (statement_is_signed(statement))
		err = cpnp_statement_payload(statement, &payload);
	if (err == 0)
		err = cpnp_statement_decode(&body, payload, NULL);
	if (err == 0)
		memcpy(order_ref, body.order_ref, CPNP_SHA256_LEN);
	return err;
}

static int
find_by_ref(cpnp_journal *journal, const uint8_t order_ref[CPNP_SHA256_LEN])
{
	uint8_t found[CPNP_SHA256_LEN];
	sqlite3_stmt *stmt;
	int err = CPNP_ERR_NOT_FOUND;

	stmt = journal_stmt(journal, Q_LEAF_OF_ORDER);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, ref_prefix(order_ref));
	while (err != 0 && sqlite3_step(stmt) == SQLITE_ROW)
		if (statement_order_ref(stmt_blob(stmt, 1), found) == 0 &&
		    memcmp(found, order_ref, sizeof(found)) == 0)
			err = 0;
	stmt_done(stmt);
	return err;
}

int
cpnp_journal_find(cpnp_journal *journal, const char *order,
    uint8_t order_ref[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	sqlite3_stmt *stmt;
	cpnp_bytes ref;
	int n = 0, rc;

	ledger_diag_clear(diag);
	if (hex_decode(order, order_ref, CPNP_SHA256_LEN) == 0 &&
	    find_by_ref(journal, order_ref) == 0)
		return 0;
	stmt = journal_stmt(journal, Q_NAME_FIND);
	if (stmt == NULL)
		return journal_sql_fail(journal, "journal_name", diag);
	stmt_bind_blob(stmt, 1, cpnp_bytes_str(order));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		ref = stmt_blob(stmt, 0);
		if (ref.len == CPNP_SHA256_LEN)
			memcpy(order_ref, ref.ptr, ref.len);
		n++;
	}
	stmt_done(stmt);
	if (rc != SQLITE_DONE)
		return journal_sql_fail(journal, "journal_name", diag);
	if (n == 0)
		return ledger_fail(diag, CPNP_ERR_NOT_FOUND, order,
		    "the journal %s knows no order by this identifier",
		    journal->origin);
	if (n > 1)
		return ledger_fail(diag, CPNP_ERR_EXISTS, order,
		    "more than one order has this identifier; name it by the "
		    "other side's identifier or its reference");
	return 0;
}

int
cpnp_journal_each(cpnp_journal *journal, uint64_t first,
    int (*visit)(void *user, uint64_t index, cpnp_bytes statement),
    void *user)
{
	sqlite3_stmt *stmt = NULL;
	int rc, err = 0;

	/* its own statement, so that visit may use the journal */
	if (sqlite3_prepare_v2(journal->db,
	        "SELECT idx, statement FROM journal_leaf WHERE idx >= ?"
	        " ORDER BY idx", -1, &stmt, NULL) != SQLITE_OK)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)first);
	while (err == 0 && (rc = sqlite3_step(stmt)) != SQLITE_DONE)
		err = rc != SQLITE_ROW ? CPNP_ERR_IO : visit(user,
		    (uint64_t)sqlite3_column_int64(stmt, 0),
		    stmt_blob(stmt, 1));
	(void)sqlite3_finalize(stmt);
	return err;
}

/* The first column of the row that a bound statement finds. */
static int
get_blob(sqlite3_stmt *stmt, cpnp_buf *out)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		cpnp_buf_put_raw(out, stmt_blob(stmt, 0));
	stmt_done(stmt);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? CPNP_ERR_NOT_FOUND : CPNP_ERR_IO;
	return out->err;
}

int
cpnp_journal_leaf(cpnp_journal *journal, uint64_t index, cpnp_buf *out)
{
	sqlite3_stmt *stmt = journal_stmt(journal, Q_LEAF_GET);

	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)index);
	return get_blob(stmt, out);
}

int
cpnp_journal_agreement(cpnp_journal *journal,
    const uint8_t order_ref[CPNP_SHA256_LEN],
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_buf *out)
{
	sqlite3_stmt *stmt = journal_stmt(journal, Q_AGREEMENT_FIND);

	if (stmt == NULL)
		return CPNP_ERR_IO;
	stmt_bind_blob(stmt, 1, (cpnp_bytes){order_ref, CPNP_SHA256_LEN});
	stmt_bind_blob(stmt, 2, (cpnp_bytes){digest, CPNP_SHA256_LEN});
	return get_blob(stmt, out);
}

/* One value of journal_meta. */
static int
meta_get(cpnp_journal *journal, const char *key, char *value, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	const char *text;
	int rc, err = CPNP_ERR_NOT_FOUND;

	if (sqlite3_prepare_v2(journal->db,
	        "SELECT value FROM journal_meta WHERE key = ?", -1, &stmt,
	        NULL) != SQLITE_OK)
		return CPNP_ERR_NOT_FOUND;
	(void)sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		(void)snprintf(value, size, "%s", text == NULL ? "" : text);
		err = 0;
	} else if (rc != SQLITE_DONE) {
		err = CPNP_ERR_IO;
	}
	(void)sqlite3_finalize(stmt);
	return err;
}

static int
meta_put(cpnp_journal *journal, const char *key, const char *value)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (sqlite3_prepare_v2(journal->db,
	        "INSERT INTO journal_meta(key, value) VALUES(?, ?)", -1,
	        &stmt, NULL) != SQLITE_OK)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : CPNP_ERR_IO;
}

/* A new journal: its tables, format and name. */
static int
create(cpnp_journal *journal, const char *origin, cpnp_diag *diag)
{
	char format[16];
	int err;

	if (!note_name_is_valid(origin))
		return ledger_fail(diag, CPNP_ERR_INVALID, "origin",
		    "\"%s\" is not a name for a journal: printable ASCII "
		    "without space and '+'", origin);
	if (sqlite3_exec(journal->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return journal_sql_fail(journal, "journal", diag);
	(void)snprintf(format, sizeof(format), "%d", FORMAT);
	err = meta_put(journal, "format", format);
	if (err == 0)
		err = meta_put(journal, "origin", origin);
	if (err != 0)
		return journal_sql_fail(journal, "journal_meta", diag);
	(void)snprintf(
	    journal->origin, sizeof(journal->origin), "%s", origin);
	return 0;
}

/* Find or make the tables, and check that they are ours. */
static int
open_tables(cpnp_journal *journal, const char *origin, cpnp_diag *diag)
{
	char format[16];
	int err;

	err = meta_get(journal, "format", format, sizeof(format));
	if (err == CPNP_ERR_NOT_FOUND && journal->writable)
		return create(journal, origin, diag);
	if (err == CPNP_ERR_NOT_FOUND)
		return ledger_fail(diag, err, "journal",
		    "there is no journal in this database");
	if (err == 0 && atoi(format) != FORMAT)
		return ledger_fail(diag, CPNP_ERR_VERSION, "journal",
		    "its format is %s, this version knows %d", format,
		    FORMAT);
	if (err == 0)
		err = meta_get(journal, "origin", journal->origin,
		    sizeof(journal->origin));
	if (err != 0)
		return journal_sql_fail(journal, "journal_meta", diag);
	if (origin != NULL && strcmp(origin, journal->origin) != 0)
		return ledger_fail(diag, CPNP_ERR_MISMATCH, "origin",
		    "the journal is %s, not %s", journal->origin, origin);
	return 0;
}

static int
check_key(cpnp_journal *journal, cpnp_wtime now, cpnp_diag *diag)
{
	char have[2 * CPNP_SHA256_LEN + 1], want[2 * CPNP_SHA256_LEN + 1];
	const cpnp_signer *signer = journal->signer;
	int err;

	if (signer == NULL)
		return 0;
	if (!journal->has_key) {
		err = append_key(journal, NULL, signer, now);
		if (err == 0)
			err = cpnp_journal_sign_head(journal, now);
		return err;
	}
	if (memcmp(journal->key_id, signer->key.id, CPNP_SHA256_LEN) == 0)
		return 0;
	hex_encode(signer->key.id, 8, have);
	hex_encode(journal->key_id, 8, want);
	return ledger_fail(diag, CPNP_ERR_MISMATCH, "journal key",
	    "the journal %.40s is signed with key %s..., this is %s...: use "
	    "that key, or cpnp-ledger log rotate-key", journal->origin, want,
	    have);
}

static int
open_all(cpnp_journal *journal, const char *origin, cpnp_wtime now,
    cpnp_diag *diag)
{
	int err;

	/* an old journal keeps its name; a new one takes that of the domain */
	if (origin == NULL && journal->signer != NULL &&
	    meta_get(journal, "origin", journal->origin,
	        sizeof(journal->origin)) == CPNP_ERR_NOT_FOUND)
		origin = journal->signer->identity;
	err = open_tables(journal, origin, diag);
	if (err == 0 && journal->writable && sqlite3_exec(journal->db,
	    schema_payment, NULL, NULL, NULL) != SQLITE_OK)
		err = journal_sql_fail(journal, "journal_payment", diag);
	if (err == 0)
		err = load_all(journal);
	if (err == CPNP_ERR_IO && (diag == NULL || diag->err == 0)) {
		/* a reader may still replay it, to learn what is wrong */
		journal->damaged = !journal->writable;
		return journal->damaged ? 0 : journal_damaged(diag);
	}
	return err != 0 ? err : check_key(journal, now, diag);
}

int
cpnp_journal_open(cpnp_journal **journal, struct sqlite3 *db,
    const cpnp_signer *signer, const char *origin, cpnp_wtime now,
    cpnp_diag *diag)
{
	cpnp_journal *j;
	cpnp_tile_io io = {NULL, tile_read, tile_write};
	int err;

	ledger_diag_clear(diag);
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return CPNP_ERR_NOMEM;
	j->db = db;
	j->signer = signer;
	j->writable = signer != NULL || origin != NULL;
	io.user = j;
	err = hash_init(&j->hash);
	if (err == 0)
		err = cpnp_tree_new(&j->tree, &io);
	if (err != 0)
		goto fail;
	if (sqlite3_exec(db, "SAVEPOINT journal_open", NULL, NULL, NULL) !=
	    SQLITE_OK) {
		err = journal_sql_fail(j, "journal", diag);
		goto fail;
	}
	err = open_all(j, origin, now, diag);
	if (err != 0)
		(void)sqlite3_exec(
		    db, "ROLLBACK TO journal_open", NULL, NULL, NULL);
	if (sqlite3_exec(db, "RELEASE journal_open", NULL, NULL, NULL) !=
	        SQLITE_OK && err == 0)
		err = journal_sql_fail(j, "journal", diag);
	if (err == 0) {
		*journal = j;
		return 0;
	}
fail:
	cpnp_journal_close(j);
	return ledger_fail_once(diag, err, "journal", cpnp_strerror(err));
}

void
cpnp_journal_close(cpnp_journal *journal)
{
	size_t i;

	if (journal == NULL)
		return;
	for (i = 0; i < Q_END; i++)
		(void)sqlite3_finalize(journal->stmts[i]);
	cpnp_tree_del(journal->tree);
	hash_fini(&journal->hash);
	free(journal);
}
