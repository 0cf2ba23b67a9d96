/*
 * Replay of a whole journal.  The tree is made again from the leaves in a
 * second object, whose full tiles are compared with those stored; each stored
 * head is compared when the replay has reached its size.  Since all roots come
 * from one run over the leaves, heads that pass are consistent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"

struct replay {
	cpnp_journal *journal;
	cpnp_trust *trust;
	cpnp_tree *tree;
	sqlite3_stmt *heads;
	bool has_head; /* head is the next one to reach */
	struct stored_head head;
	struct stored_head newest;
	struct ledger_key key; /* that signs now; pkey NULL before the first */
	bool key_known;
	cpnp_log_report *report;
	cpnp_diag *diag;
};

/* Both callbacks see the stored tile; write holds it against the one made. */
static int
replay_tile_read(void *user, unsigned level, uint64_t number,
    uint8_t hashes[CPNP_TILE_BYTES])
{
	struct replay *r = user;
	sqlite3_stmt *stmt;
	cpnp_bytes blob;
	int err = CPNP_ERR_PROOF;

	stmt = journal_stmt(r->journal, Q_TILE_GET);
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
replay_tile_write(void *user, unsigned level, uint64_t number,
    const uint8_t hashes[CPNP_TILE_BYTES])
{
	struct replay *r = user;
	uint8_t stored[CPNP_TILE_BYTES];

	if (replay_tile_read(r, level, number, stored) != 0)
		return ledger_fail(r->diag, CPNP_ERR_PROOF, "tile",
		    "tile %u/%" PRIu64 " is missing", level, number);
	if (memcmp(stored, hashes, CPNP_TILE_BYTES) != 0)
		return ledger_fail(r->diag, CPNP_ERR_PROOF, "tile",
		    "tile %u/%" PRIu64 " does not follow from the leaves",
		    level, number);
	r->report->tiles++;
	return 0;
}

static int
next_head(struct replay *r)
{
	int rc;

	rc = sqlite3_step(r->heads);
	r->has_head = rc == SQLITE_ROW;
	if (rc == SQLITE_DONE)
		return 0;
	if (rc != SQLITE_ROW)
		return journal_sql_fail(r->journal, "journal_head", r->diag);
	if (head_from_row(&r->head, r->heads) != 0)
		return ledger_fail(r->diag, CPNP_ERR_PROOF, "head",
		    "a row of journal_head is damaged");
	return 0;
}

static int
head_fail(const struct replay *r, int err, const char *why)
{
	return ledger_fail(r->diag, err, "head", "the head of size %" PRIu64
	    ": %s", r->head.size, why);
}

/* The head that the replay has just reached. */
static int
check_head(struct replay *r)
{
	uint8_t root[CPNP_SHA256_LEN];
	uint8_t store[PROTECTED_MAX + 128];
	struct stored_head *head = &r->head;
	struct cose1 cose = {
	    .protected = {head->protected, head->protected_len}};
	cpnp_buf tbs;
	int err;

	err = cpnp_tree_root(r->tree, head->size, root);
	if (err != 0)
		return err;
	if (memcmp(root, head->root, sizeof(root)) != 0)
		return head_fail(r, CPNP_ERR_PROOF,
		    "its root does not follow from the leaves");
	if (r->key.pkey == NULL ||
	    memcmp(r->key.id, head->key_id, CPNP_SHA256_LEN) != 0)
		return head_fail(r, CPNP_ERR_SIGNATURE,
		    "not signed with the key that the journal has there");
	if (cose1_parse_protected(&cose, NULL) != 0 || !cose.has_claims ||
	    !cose.has_tree || cose.tree_size != head->size ||
	    cose.iat.sec != head->time.sec || cose.alg != r->key.alg ||
	    !cpnp_bytes_equal(
	        cose.issuer, cpnp_bytes_str(r->journal->origin)))
		return head_fail(r, CPNP_ERR_PROOF,
		    "its signed header is of another head");
	cpnp_buf_init_fixed(&tbs, store, sizeof(store));
	cose1_put_tbs(&tbs, cose.protected, (cpnp_bytes){root, sizeof(root)});
	err = tbs.err != 0 ? tbs.err : ledger_key_verify(&r->key,
	    cpnp_buf_bytes(&tbs),
	    (cpnp_bytes){head->signature, SIGNATURE_LEN});
	if (err != 0)
		return head_fail(r, err, "its signature does not verify");
	err = note_verify(&r->key, r->journal->origin, head->size, root,
	    cpnp_bytes_str(head->checkpoint), NULL);
	if (err != 0)
		return head_fail(r, err, "its checkpoint does not verify");
	r->newest = *head;
	r->report->heads++;
	return next_head(r);
}

static int
leaf_fail(const struct replay *r, int err, uint64_t index, const char *why)
{
	return ledger_fail(r->diag, err, "leaf", "leaf %" PRIu64 ": %s",
	    index, why);
}

static int
check_key_leaf(struct replay *r, uint64_t index, cpnp_bytes statement)
{
	struct key_change change;
	int err;

	err = key_change_read(&change, statement, NULL);
	if (err != 0)
		return leaf_fail(
		    r, err, index, "its signatures do not verify");
	if (change.has_old != (r->key.pkey != NULL) ||
	    (change.has_old && memcmp(change.old_key.id, r->key.id,
	        CPNP_SHA256_LEN) != 0) ||
	    !cpnp_bytes_equal(
	        change.origin, cpnp_bytes_str(r->journal->origin))) {
		key_change_fini(&change);
		return leaf_fail(r, CPNP_ERR_PROOF, index,
		    "a key statement that does not follow the one before");
	}
	ledger_key_fini(&r->key);
	r->key = change.new_key;
	change.new_key.pkey = NULL;
	key_change_fini(&change);
	r->report->keys++;
	if (r->trust != NULL && trust_knows_key(r->trust, r->key.id))
		r->key_known = true;
	return 0;
}

static int
check_order_leaf(struct replay *r, uint64_t index, int64_t ref,
    cpnp_bytes statement)
{
	uint8_t order_ref[CPNP_SHA256_LEN];
	cpnp_signed said;
	int err;

	err = statement_order_ref(statement, order_ref);
	if (err != 0)
		return leaf_fail(r, err, index, "not a statement");
	if (ref_prefix(order_ref) != ref)
		return leaf_fail(r, CPNP_ERR_MISMATCH, index,
		    "filed under another order than it speaks of");
	if (r->trust == NULL || !trust_has_ca(r->trust) ||
	    !statement_is_signed(statement))
		return 0;
	err = cpnp_trust_verify(r->trust, statement, NULL, &said, r->diag);
	return err == 0 ? 0 : leaf_fail(r, err, index,
	    "its signature or certificate does not verify");
}

static int
replay_leaf(struct replay *r, uint64_t index, int64_t ref,
    cpnp_bytes statement)
{
	uint8_t digest[CPNP_SHA256_LEN];
	int err;

	if (index != r->report->leaves)
		return leaf_fail(
		    r, CPNP_ERR_PROOF, r->report->leaves, "missing");
	err = statement_is_key(statement)
	    ? check_key_leaf(r, index, statement)
	    : check_order_leaf(r, index, ref, statement);
	if (err == 0)
		err = hash_parts(&r->journal->hash, &statement, 1, digest);
	if (err == 0)
		err = cpnp_tree_append(
		    r->tree, (cpnp_bytes){digest, sizeof(digest)});
	if (err != 0)
		return err;
	r->report->leaves++;
	if (r->has_head && r->head.size == r->report->leaves)
		err = check_head(r);
	return err;
}

static int
replay_leaves(struct replay *r)
{
	sqlite3_stmt *stmt = NULL;
	int rc = SQLITE_DONE, err = 0;

	if (sqlite3_prepare_v2(r->journal->db,
	        "SELECT idx, ref, statement FROM journal_leaf ORDER BY idx",
	        -1, &stmt, NULL) != SQLITE_OK)
		return journal_sql_fail(r->journal, "journal_leaf", r->diag);
	while (err == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = replay_leaf(r, (uint64_t)sqlite3_column_int64(stmt, 0),
		    sqlite3_column_int64(stmt, 1), stmt_blob(stmt, 2));
	(void)sqlite3_finalize(stmt);
	if (err == 0 && rc != SQLITE_DONE)
		err = journal_sql_fail(r->journal, "journal_leaf", r->diag);
	if (err == 0 && r->has_head)
		err = head_fail(r, CPNP_ERR_PROOF,
		    "there are fewer leaves than it covers");
	return err;
}

/* Rows beyond those that the leaves explain. */
static int
check_count(struct replay *r, const char *sql, const char *where,
    uint64_t expected)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(r->journal->db, sql, -1, &stmt, NULL) !=
	    SQLITE_OK)
		return journal_sql_fail(r->journal, where, r->diag);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return n == expected ? 0 : ledger_fail(r->diag, CPNP_ERR_PROOF, where,
	    "%" PRIu64 " rows, the leaves explain %" PRIu64, n, expected);
}

/* Who stands behind the newest head. */
static int
check_trust(struct replay *r)
{
	cpnp_bytes chain, delegation;
	cpnp_receipt head;
	sqlite3_stmt *stmt;
	int err = CPNP_ERR_IO;

	if (r->trust == NULL)
		return 0;
	r->report->attested = r->key_known;
	if (r->key_known || !r->newest.valid)
		return r->key_known ? 0 : ledger_fail(r->diag,
		    CPNP_ERR_SIGNATURE, "trust", "the journal has no head");
	stmt = journal_stmt(r->journal, Q_SIGNER_GET);
	if (stmt == NULL)
		return CPNP_ERR_IO;
	(void)sqlite3_bind_int64(stmt, 1, r->newest.signer_id);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		chain = stmt_blob(stmt, 0);
		delegation = stmt_blob(stmt, 1);
		err = chain.len == 0 ? 0 : trust_add_signer(r->trust, chain,
		    delegation, r->newest.time, r->diag);
	}
	stmt_done(stmt);
	if (err == 0)
		err = trust_verify_root(r->trust,
		    (cpnp_bytes){r->newest.protected,
		        r->newest.protected_len},
		    (cpnp_bytes){r->newest.signature, SIGNATURE_LEN},
		    r->newest.root, &head, r->diag);
	if (err == 0 && !head.attested)
		err = ledger_fail(r->diag, CPNP_ERR_SIGNATURE, "trust",
		    "the known key is none that this journal has had");
	r->report->attested = err == 0;
	return err;
}

int
cpnp_journal_verify(cpnp_journal *journal, cpnp_trust *trust,
    cpnp_log_report *report, cpnp_diag *diag)
{
	struct replay r = {
	    .journal = journal, .trust = trust, .report = report,
	    .diag = diag};
	cpnp_tile_io io = {&r, replay_tile_read, replay_tile_write};
	int err;

	ledger_diag_clear(diag);
	memset(report, 0, sizeof(*report));
	r.heads = journal_stmt(journal, Q_HEAD_EACH);
	if (r.heads == NULL)
		return journal_sql_fail(journal, "journal_head", diag);
	err = cpnp_tree_new(&r.tree, &io);
	if (err != 0)
		return err;
	err = next_head(&r);
	if (err == 0)
		err = replay_leaves(&r);
	stmt_done(r.heads);
	if (err == 0)
		err = check_count(&r, "SELECT count(*) FROM journal_tile",
		    "journal_tile", report->tiles);
	if (err == 0)
		err = check_count(&r, "SELECT count(*) FROM journal_key",
		    "journal_key", report->keys);
	if (err == 0)
		err = check_trust(&r);
	if (err == 0)
		err = cpnp_tree_root(r.tree, report->leaves, report->root);
	memcpy(report->key_id, r.key.id, CPNP_SHA256_LEN);
	ledger_key_fini(&r.key);
	cpnp_tree_del(r.tree);
	return ledger_fail_once(diag, err, "journal", cpnp_strerror(err));
}
