/*
 * One process has the file, for as long as it runs; a crash of it is undone
 * by SQLite when the next one opens it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../backends/common.h"
#include "../journal/internal.h"
#include "store.h"

#define FORMAT 1
#define APPLICATION_ID 0x43504252 /* "CPBR" */
#define SNAPSHOTS_KEPT "2"

static const char schema[] =
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK (id = 1),"
    " ledger BLOB NOT NULL, writer BLOB NOT NULL,"
    " next_seq INTEGER," /* NULL: the log was not asked yet */
    " position INTEGER NOT NULL, head BLOB NOT NULL);"
    "CREATE TABLE outbox(id INTEGER PRIMARY KEY, digest BLOB NOT NULL,"
    " time INTEGER NOT NULL, op BLOB NOT NULL);"
    "CREATE TABLE batch(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
    " batch BLOB NOT NULL);"
    "CREATE TABLE outcome(idx INTEGER PRIMARY KEY,"
    " key INTEGER NOT NULL," /* the first eight bytes of digest */
    " position INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " code INTEGER NOT NULL, amount INTEGER NOT NULL,"
    " digest BLOB NOT NULL,"
    " own INTEGER NOT NULL);" /* the entry is a batch of ours */
    "CREATE INDEX outcome_key ON outcome(key);"
    "CREATE TABLE tile(level INTEGER NOT NULL, number INTEGER NOT NULL,"
    " hashes BLOB NOT NULL, PRIMARY KEY(level, number));"
    "CREATE TABLE snapshot(position INTEGER PRIMARY KEY,"
    " ledger BLOB NOT NULL);";

/* The time of the ledger after an entry, where it is another than before.  A
 * store of before this was kept knows it from its next entry on. */
static const char schema_clock[] =
    "CREATE TABLE IF NOT EXISTS clock(position INTEGER PRIMARY KEY,"
    " time INTEGER NOT NULL)";

#define OUTCOME_COLUMNS "idx, position, kind, code, amount, digest"
/* what cpnp_outcome_is_signed() denies, in a batch that we have not made */
#define FORGED "(code IN (1, 2, 3, 7, 8) AND NOT own)"

static const char *const queries[ST_END] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_STATE_GET] = "SELECT ledger, writer, next_seq, position, head"
		     " FROM state",
    [ST_STATE_PUT] = "INSERT OR REPLACE INTO state(id, ledger, writer,"
		     " next_seq, position, head) VALUES(1, ?, ?, ?, ?, ?)",
    [ST_OP_PUT] = "INSERT INTO outbox(digest, time, op) VALUES(?, ?, ?)",
    [ST_OP_EACH] = "SELECT id, time, digest, op FROM outbox ORDER BY id",
    [ST_OP_DROP] = "DELETE FROM outbox WHERE id <= ?",
    [ST_OP_SUM] = "SELECT count(*), ifnull(sum(length(op)), 0) FROM outbox",
    [ST_BATCH_PUT] = "INSERT INTO batch(seq, time, batch) VALUES(?, ?, ?)",
    [ST_BATCH_GET] = "SELECT batch FROM batch WHERE seq = ?",
    [ST_BATCH_EACH] = "SELECT seq, batch FROM batch ORDER BY seq",
    [ST_BATCH_DROP] = "DELETE FROM batch WHERE seq < ?",
    [ST_OLDEST] = "SELECT min(time) FROM"
		  " (SELECT time FROM (SELECT time FROM batch"
		  " ORDER BY seq LIMIT 1) UNION ALL"
		  " SELECT time FROM (SELECT time FROM outbox"
		  " ORDER BY id LIMIT 1))",
    [ST_OUTCOME_PUT] = "INSERT INTO outcome(idx, key, position, kind, code,"
		       " amount, digest, own)"
		       " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [ST_OUTCOME_FROM] = "SELECT " OUTCOME_COLUMNS " FROM outcome"
			" WHERE idx >= ? ORDER BY idx",
    /* see cpnp_bridge_outcome(): 6 is DUPLICATE */
    [ST_OUTCOME_FIND] = "SELECT " OUTCOME_COLUMNS ", " FORGED " FROM outcome"
			" WHERE key = ? AND digest = ? ORDER BY"
			" kind >= 128 DESC,"
			" CASE WHEN kind >= 128 THEN -idx ELSE 0 END,"
			" code = 0 DESC, " FORGED ","
			" code = 6, idx LIMIT 1",
    [ST_OUTCOME_ACCEPTED] = "SELECT " OUTCOME_COLUMNS " FROM outcome"
			    " WHERE key = ? AND digest = ? AND code = 0"
			    " ORDER BY idx",
    [ST_CLOCK_PUT] = "INSERT OR REPLACE INTO clock(position, time)"
		     " VALUES(?, ?)",
    [ST_CLOCK_GET] = "SELECT time FROM clock WHERE position <= ?"
		     " ORDER BY position DESC LIMIT 1",
    [ST_OUTCOME_SIZE] = "SELECT ifnull(max(idx) + 1, 0) FROM outcome",
    [ST_TILE_PUT] = "INSERT INTO tile(level, number, hashes) VALUES(?, ?, ?)",
    [ST_TILE_GET] = "SELECT hashes FROM tile WHERE level = ? AND number = ?",
    [ST_SNAPSHOT_PUT] = "INSERT OR REPLACE INTO snapshot(position, ledger)"
			" VALUES(?, ?)",
    [ST_SNAPSHOT_EACH] = "SELECT position, ledger FROM snapshot"
			 " ORDER BY position DESC",
    [ST_SNAPSHOT_DROP] = "DELETE FROM snapshot WHERE position NOT IN"
			 " (SELECT position FROM snapshot"
			 " ORDER BY position DESC LIMIT " SNAPSHOTS_KEPT ")",
};

_Static_assert(CPNP_OUTCOME_MALFORMED == 1 && CPNP_OUTCOME_SIGNATURE == 2 &&
    CPNP_OUTCOME_LEDGER == 3 && CPNP_OUTCOME_DUPLICATE == 6 &&
    CPNP_OUTCOME_ACCOUNT == 7 && CPNP_OUTCOME_KEY == 8,
    "FORGED and queries[ST_OUTCOME_FIND]");

static int
sql_fail(struct store *store, int rc, cpnp_diag *diag)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return CPNP_ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return backend_fail(diag, CPNP_ERR_BUSY, "store",
		    "another process has the bridge's store open");
	case SQLITE_FULL:
		return backend_fail(diag, CPNP_ERR_IO, "store",
		    "there is no room on the disk of the bridge's store");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return backend_fail(diag, CPNP_ERR_INTERNAL, "store",
		    "the bridge's store is damaged: %s",
		    sqlite3_errstr(rc));
	default:
		return backend_fail(diag, CPNP_ERR_IO, "store",
		    "the bridge's store cannot be read or written: %s (%d)",
		    store->db != NULL ? sqlite3_errmsg(store->db)
				      : sqlite3_errstr(rc), rc);
	}
}

static void
reset(sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
}

/* Run a statement that gives no row; its values are bound. */
static int
run(struct store *store, enum store_stmt which, cpnp_diag *diag)
{
	int rc = sqlite3_step(store->stmts[which]);

	reset(store->stmts[which]);
	return rc == SQLITE_DONE ? 0 : sql_fail(store, rc, diag);
}

static cpnp_bytes
blob(sqlite3_stmt *stmt, int column)
{
	return (cpnp_bytes){sqlite3_column_blob(stmt, column),
	    (size_t)sqlite3_column_bytes(stmt, column)};
}

static void
bind_blob(sqlite3_stmt *stmt, int column, cpnp_bytes bytes)
{
	(void)sqlite3_bind_blob64(stmt, column,
	    bytes.len == 0 ? (const void *)"" : bytes.ptr, bytes.len,
	    SQLITE_STATIC);
}

static void
bind_hash(sqlite3_stmt *stmt, int column, const uint8_t *hash)
{
	bind_blob(stmt, column, (cpnp_bytes){hash, CPNP_SHA256_LEN});
}

static int
damaged(cpnp_diag *diag, const char *what)
{
	return backend_fail(diag, CPNP_ERR_INTERNAL, "store",
	    "the bridge's store is damaged: %s", what);
}

/* ---- Outcomes and their tree ---- */

static int64_t
key_of(const uint8_t digest[CPNP_SHA256_LEN])
{
	int64_t key;

	memcpy(&key, digest, sizeof(key));
	return key;
}

static int
outcome_of_row(sqlite3_stmt *stmt, cpnp_outcome *o)
{
	cpnp_bytes digest = blob(stmt, 5);

	if (digest.len != CPNP_SHA256_LEN)
		return CPNP_ERR_IO;
	memset(o, 0, sizeof(*o));
	o->position = (uint64_t)sqlite3_column_int64(stmt, 1);
	o->kind = (unsigned)sqlite3_column_int(stmt, 2);
	o->code = (unsigned)sqlite3_column_int(stmt, 3);
	o->amount = sqlite3_column_int64(stmt, 4);
	memcpy(o->digest, digest.ptr, CPNP_SHA256_LEN);
	return 0;
}

int
store_get_outcomes(struct store *store, uint64_t index, cpnp_outcome *outcomes,
    size_t max, size_t *n)
{
	sqlite3_stmt *stmt = store->stmts[ST_OUTCOME_FROM];
	int rc = SQLITE_ROW, err = 0;

	*n = 0;
	if (index > INT64_MAX)
		return 0;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)index);
	while (*n < max && err == 0) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		err = outcome_of_row(stmt, &outcomes[*n]);
		if (err == 0)
			(*n)++;
	}
	reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
	    ? err : sql_fail(store, rc, NULL);
}

int
store_find_outcome(struct store *store, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_outcome *outcome, uint64_t *index, bool *forged)
{
	sqlite3_stmt *stmt = store->stmts[ST_OUTCOME_FIND];
	int rc, err;

	(void)sqlite3_bind_int64(stmt, 1, key_of(digest));
	bind_hash(stmt, 2, digest);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		err = outcome_of_row(stmt, outcome);
		*index = (uint64_t)sqlite3_column_int64(stmt, 0);
		*forged = sqlite3_column_int(stmt, 6) != 0;
	} else {
		err = rc == SQLITE_DONE ? CPNP_ERR_NOT_FOUND
					: sql_fail(store, rc, NULL);
	}
	reset(stmt);
	return err;
}

int
store_get_accepted(struct store *store, const uint8_t digest[CPNP_SHA256_LEN],
    cpnp_outcome *outcomes, uint64_t *indexes, size_t max, size_t *n)
{
	sqlite3_stmt *stmt = store->stmts[ST_OUTCOME_ACCEPTED];
	int rc = SQLITE_ROW, err = 0;

	*n = 0;
	(void)sqlite3_bind_int64(stmt, 1, key_of(digest));
	bind_hash(stmt, 2, digest);
	while (*n < max && err == 0) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		err = outcome_of_row(stmt, &outcomes[*n]);
		indexes[*n] = (uint64_t)sqlite3_column_int64(stmt, 0);
		if (err == 0)
			(*n)++;
	}
	reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
	    ? err : sql_fail(store, rc, NULL);
}

int
store_put_clock(struct store *store, const struct store_clock *clock,
    cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_CLOCK_PUT];

	(void)sqlite3_bind_int64(stmt, 1, (int64_t)clock->position);
	(void)sqlite3_bind_int64(stmt, 2, clock->time.sec);
	return run(store, ST_CLOCK_PUT, diag);
}

int
store_get_clock(struct store *store, uint64_t position, cpnp_wtime *time)
{
	sqlite3_stmt *stmt = store->stmts[ST_CLOCK_GET];
	int rc = SQLITE_DONE;

	if (position <= INT64_MAX) {
		(void)sqlite3_bind_int64(stmt, 1, (int64_t)position);
		rc = sqlite3_step(stmt);
	}
	if (rc == SQLITE_ROW)
		time->sec = sqlite3_column_int64(stmt, 0);
	reset(stmt);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE
	    ? CPNP_ERR_NOT_FOUND : sql_fail(store, rc, NULL);
}

/* A replay from a snapshot gives what was stored before, or something is
 * wrong with store or program. */
static int
check_outcome(struct store *store, uint64_t index,
    const cpnp_outcome *outcome, cpnp_diag *diag)
{
	cpnp_outcome old;
	size_t n;
	int err;

	err = store_get_outcomes(store, index, &old, 1, &n);
	if (err != 0)
		return sql_fail(store, SQLITE_CORRUPT, diag);
	if (n != 1 || old.position != outcome->position ||
	    old.kind != outcome->kind || old.code != outcome->code ||
	    old.amount != outcome->amount ||
	    memcmp(old.digest, outcome->digest, CPNP_SHA256_LEN) != 0)
		return damaged(diag,
		    "an outcome is not what the log leads to; begin with a "
		    "new store, which is filled from the log");
	return 0;
}

int
store_put_outcome(struct store *store, uint64_t index,
    const struct store_outcome *outcome, cpnp_diag *diag)
{
	const cpnp_outcome *o = &outcome->outcome;
	sqlite3_stmt *stmt = store->stmts[ST_OUTCOME_PUT];
	uint8_t leaf[CPNP_OUTCOME_MAX];
	cpnp_buf buf;
	int err;

	if (index < cpnp_tree_size(store->tree))
		return check_outcome(store, index, o, diag);
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)index);
	(void)sqlite3_bind_int64(stmt, 2, key_of(o->digest));
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)o->position);
	(void)sqlite3_bind_int64(stmt, 4, o->kind);
	(void)sqlite3_bind_int64(stmt, 5, o->code);
	(void)sqlite3_bind_int64(stmt, 6, o->amount);
	bind_hash(stmt, 7, o->digest);
	(void)sqlite3_bind_int(stmt, 8, outcome->own);
	err = run(store, ST_OUTCOME_PUT, diag);
	if (err != 0)
		return err;
	cpnp_buf_init_fixed(&buf, leaf, sizeof(leaf));
	cpnp_outcome_encode(o, &buf);
	err = cpnp_tree_append(store->tree, cpnp_buf_bytes(&buf));
	return err != CPNP_ERR_IO ? err
				  : sql_fail(store,
				    sqlite3_errcode(store->db), diag);
}

static int
tile_read(void *user, unsigned level, uint64_t number,
    uint8_t hashes[CPNP_TILE_BYTES])
{
	struct store *store = user;
	sqlite3_stmt *stmt = store->stmts[ST_TILE_GET];
	cpnp_bytes tile;
	int err = CPNP_ERR_IO;

	(void)sqlite3_bind_int64(stmt, 1, level);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)number);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		tile = blob(stmt, 0);
		if (tile.len == CPNP_TILE_BYTES) {
			memcpy(hashes, tile.ptr, tile.len);
			err = 0;
		}
	}
	reset(stmt);
	return err;
}

static int
tile_write(void *user, unsigned level, uint64_t number,
    const uint8_t hashes[CPNP_TILE_BYTES])
{
	struct store *store = user;
	sqlite3_stmt *stmt = store->stmts[ST_TILE_PUT];

	(void)sqlite3_bind_int64(stmt, 1, level);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)number);
	bind_blob(stmt, 3, (cpnp_bytes){hashes, CPNP_TILE_BYTES});
	return run(store, ST_TILE_PUT, NULL);
}

/* The tree over the outcomes that are stored; what is right of its last full
 * tile is hashed again. */
static int
load_tree(struct store *store, cpnp_diag *diag)
{
	static const size_t width = CPNP_TILE_WIDTH;
	cpnp_outcome outcomes[CPNP_TILE_WIDTH];
	uint8_t tail[CPNP_TILE_BYTES], leaf[CPNP_OUTCOME_MAX];
	sqlite3_stmt *stmt = store->stmts[ST_OUTCOME_SIZE];
	uint64_t size = 0;
	cpnp_buf buf;
	size_t n, i;
	int rc, err;

	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		size = (uint64_t)sqlite3_column_int64(stmt, 0);
	reset(stmt);
	if (rc != SQLITE_ROW)
		return sql_fail(store, rc, diag);
	err = store_get_outcomes(
	    store, size - size % width, outcomes, width, &n);
	if (err == 0 && n != size % width)
		err = CPNP_ERR_IO;
	for (i = 0; i < n && err == 0; i++) {
		cpnp_buf_init_fixed(&buf, leaf, sizeof(leaf));
		cpnp_outcome_encode(&outcomes[i], &buf);
		err = cpnp_tree_leaf_hash(
		    cpnp_buf_bytes(&buf), tail + i * CPNP_SHA256_LEN);
	}
	if (err == 0)
		err = cpnp_tree_load(store->tree, size, tail);
	return err == CPNP_ERR_IO ? damaged(diag, "outcomes are missing")
				  : err;
}

/* ---- State ---- */

int
store_put_state(
    struct store *store, const struct store_state *s, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_STATE_PUT];

	bind_hash(stmt, 1, s->ledger);
	bind_blob(stmt, 2, (cpnp_bytes){s->writer, s->writer_len});
	if (s->numbered)
		(void)sqlite3_bind_int64(stmt, 3, (int64_t)s->next_seq);
	(void)sqlite3_bind_int64(stmt, 4, (int64_t)s->position);
	bind_hash(stmt, 5, s->head);
	return run(store, ST_STATE_PUT, diag);
}

static int
state_of_row(sqlite3_stmt *stmt, struct store_state *s)
{
	cpnp_bytes ledger = blob(stmt, 0), writer = blob(stmt, 1);
	cpnp_bytes head = blob(stmt, 4);

	if (ledger.len != CPNP_SHA256_LEN || head.len != CPNP_SHA256_LEN ||
	    writer.len > CPNP_WRITER_MAX)
		return CPNP_ERR_IO;
	memset(s, 0, sizeof(*s));
	memcpy(s->ledger, ledger.ptr, ledger.len);
	if (writer.len > 0)
		memcpy(s->writer, writer.ptr, writer.len);
	s->writer_len = writer.len;
	s->numbered = sqlite3_column_type(stmt, 2) == SQLITE_INTEGER;
	s->next_seq = (uint64_t)sqlite3_column_int64(stmt, 2);
	s->position = (uint64_t)sqlite3_column_int64(stmt, 3);
	memcpy(s->head, head.ptr, head.len);
	return 0;
}

/* NOT_FOUND when there is none yet. */
static int
get_state(struct store *store, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_STATE_GET];
	int rc, err;

	rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		err = CPNP_ERR_NOT_FOUND;
	else if (rc != SQLITE_ROW)
		err = sql_fail(store, rc, diag);
	else if (state_of_row(stmt, &store->state) != 0)
		err = damaged(diag, "its state");
	else
		err = 0;
	reset(stmt);
	return err;
}

struct count {
	uint64_t n, first;
};

static int
count_batch(void *user, uint64_t seq, cpnp_bytes batch)
{
	struct count *count = user;

	(void)batch;
	if (count->n++ == 0)
		count->first = seq;
	return 0;
}

static int
load_counts(struct store *store, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_OP_SUM];
	struct count count = {0, store->state.next_seq};
	int rc, err;

	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		store->op_n = (uint64_t)sqlite3_column_int64(stmt, 0);
		store->op_bytes = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	reset(stmt);
	if (rc != SQLITE_ROW)
		return sql_fail(store, rc, diag);
	err = store_each_batch(store, count_batch, &count, diag);
	store->batch_n = count.n;
	store->first_seq = count.first;
	return err;
}

static int
reload(struct store *store, cpnp_diag *diag)
{
	int err;

	err = get_state(store, diag);
	if (err == 0)
		err = load_counts(store, diag);
	if (err == 0)
		err = load_tree(store, diag);
	return err;
}

/* ---- Transactions ---- */

int
store_begin(struct store *store, cpnp_diag *diag)
{
	return run(store, ST_BEGIN, diag);
}

int
store_commit(struct store *store, cpnp_diag *diag)
{
	return run(store, ST_COMMIT, diag);
}

void
store_undo(struct store *store)
{
	/* it may have rolled back by itself */
	if (sqlite3_get_autocommit(store->db) == 0)
		(void)run(store, ST_ROLLBACK, NULL);
}

int
store_rollback(struct store *store, cpnp_diag *diag)
{
	store_undo(store);
	return reload(store, diag);
}

/* ---- Operations and batches that wait ---- */

int
store_put_op(struct store *store, const uint8_t digest[CPNP_SHA256_LEN],
    int64_t time, cpnp_bytes op, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_OP_PUT];
	int err;

	bind_hash(stmt, 1, digest);
	(void)sqlite3_bind_int64(stmt, 2, time);
	bind_blob(stmt, 3, op);
	err = run(store, ST_OP_PUT, diag);
	if (err == 0) {
		store->op_n++;
		store->op_bytes += op.len;
	}
	return err;
}

int
store_each_op(struct store *store,
    int (*visit)(void *user, int64_t id, int64_t time,
	const uint8_t digest[CPNP_SHA256_LEN], cpnp_bytes op),
    void *user, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_OP_EACH];
	int rc, err = 0;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (blob(stmt, 2).len != CPNP_SHA256_LEN) {
			err = damaged(diag, "an operation");
			break;
		}
		if (visit(user, sqlite3_column_int64(stmt, 0),
			sqlite3_column_int64(stmt, 1), blob(stmt, 2).ptr,
			blob(stmt, 3)) != 0)
			break;
	}
	reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
	    ? err : sql_fail(store, rc, diag);
}

int
store_drop_ops(struct store *store, int64_t id, cpnp_diag *diag)
{
	(void)sqlite3_bind_int64(store->stmts[ST_OP_DROP], 1, id);
	return run(store, ST_OP_DROP, diag);
}

int
store_put_batch(struct store *store, uint64_t seq, int64_t time,
    cpnp_bytes batch, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_BATCH_PUT];

	(void)sqlite3_bind_int64(stmt, 1, (int64_t)seq);
	(void)sqlite3_bind_int64(stmt, 2, time);
	bind_blob(stmt, 3, batch);
	return run(store, ST_BATCH_PUT, diag);
}

int
store_get_batch(
    struct store *store, uint64_t seq, cpnp_buf *out, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_BATCH_GET];
	int rc, err = 0;

	(void)sqlite3_bind_int64(stmt, 1, (int64_t)seq);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		cpnp_buf_put_raw(out, blob(stmt, 0));
	else if (rc == SQLITE_DONE)
		err = damaged(diag, "a batch that is not final is missing");
	else
		err = sql_fail(store, rc, diag);
	reset(stmt);
	return err != 0 ? err : out->err;
}

int
store_each_batch(struct store *store,
    int (*visit)(void *user, uint64_t seq, cpnp_bytes batch), void *user,
    cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_BATCH_EACH];
	int rc, err = 0;

	while (err == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		err = visit(user, (uint64_t)sqlite3_column_int64(stmt, 0),
		    blob(stmt, 1));
	if (err == 0 && rc != SQLITE_DONE)
		err = sql_fail(store, rc, diag);
	reset(stmt);
	return err;
}

int
store_drop_batches(struct store *store, uint64_t seq, cpnp_diag *diag)
{
	(void)sqlite3_bind_int64(
	    store->stmts[ST_BATCH_DROP], 1, (int64_t)seq);
	return run(store, ST_BATCH_DROP, diag);
}

int64_t
store_oldest(struct store *store)
{
	sqlite3_stmt *stmt = store->stmts[ST_OLDEST];
	int64_t time = 0;

	if (sqlite3_step(stmt) == SQLITE_ROW)
		time = sqlite3_column_int64(stmt, 0);
	reset(stmt);
	return time;
}

/* ---- Snapshots ---- */

int
store_put_snapshot(struct store *store, uint64_t position,
    cpnp_bytes snapshot, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_SNAPSHOT_PUT];
	int err;

	(void)sqlite3_bind_int64(stmt, 1, (int64_t)position);
	bind_blob(stmt, 2, snapshot);
	err = run(store, ST_SNAPSHOT_PUT, diag);
	return err != 0 ? err : run(store, ST_SNAPSHOT_DROP, diag);
}

int
store_each_snapshot(struct store *store,
    int (*visit)(void *user, uint64_t position, cpnp_bytes snapshot),
    void *user, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = store->stmts[ST_SNAPSHOT_EACH];
	int rc;

	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (visit(user, (uint64_t)sqlite3_column_int64(stmt, 0),
			blob(stmt, 1)) != 0)
			break;
	reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
	    ? 0 : sql_fail(store, rc, diag);
}

/* ---- Opening ---- */

static int
exec(struct store *store, const char *sql, cpnp_diag *diag)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	if ((rc & 0xff) == SQLITE_NOTADB)
		return backend_fail(diag, CPNP_ERR_CONFIG, "store",
		    "the file is not an SQLite database");
	return rc == SQLITE_OK ? 0 : sql_fail(store, rc, diag);
}

static int64_t
number(struct store *store, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return n;
}

/* That the file is empty, or ours; it is not changed. */
static int
check_format(struct store *store, bool *is_new, cpnp_diag *diag)
{
	int64_t id = number(store, "PRAGMA application_id");
	int64_t version = number(store, "PRAGMA user_version");

	*is_new = number(store, "SELECT count(*) FROM sqlite_schema") == 0;
	if (*is_new)
		return 0;
	if (id != APPLICATION_ID)
		return backend_fail(diag, CPNP_ERR_CONFIG, "store",
		    "the file is not the store of a bridge");
	if (version != FORMAT)
		return backend_fail(diag, CPNP_ERR_VERSION, "store",
		    "the store has format %" PRId64 ", this program knows %d: "
		    "install a newer one",
		    version, FORMAT);
	return 0;
}

static int
make_tables(struct store *store, cpnp_diag *diag)
{
	char text[128];
	int err;

	err = exec(store, "BEGIN IMMEDIATE", diag);
	if (err == 0)
		err = exec(store, schema, diag);
	(void)snprintf(text, sizeof(text),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
	    APPLICATION_ID, FORMAT);
	return err != 0 ? err : exec(store, text, diag);
}

static int
prepare(struct store *store, cpnp_diag *diag)
{
	int i, rc;

	for (i = 0; i < ST_END; i++) {
		rc = sqlite3_prepare_v3(store->db, queries[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &store->stmts[i], NULL);
		if (rc != SQLITE_OK)
			return sql_fail(store, rc, diag);
	}
	return 0;
}

/* The state of a new store: before the first entry after the genesis. */
static int
first_state(struct store *store, const uint8_t ledger[CPNP_SHA256_LEN],
    cpnp_diag *diag)
{
	struct store_state state = {.position = 1};

	memcpy(state.ledger, ledger, CPNP_SHA256_LEN);
	memcpy(state.head, ledger, CPNP_SHA256_LEN);
	return store_put_state(store, &state, diag);
}

static int
load(struct store *store, const uint8_t ledger[CPNP_SHA256_LEN],
    cpnp_diag *diag)
{
	const cpnp_tile_io io = {store, tile_read, tile_write};
	int err;

	err = prepare(store, diag);
	if (err == 0)
		err = cpnp_tree_new(&store->tree, &io);
	if (err == 0)
		err = get_state(store, diag);
	if (err == CPNP_ERR_NOT_FOUND)
		err = first_state(store, ledger, diag);
	if (err == 0)
		err = reload(store, diag);
	if (err == 0 && memcmp(store->state.ledger, ledger,
			    CPNP_SHA256_LEN) != 0)
		err = backend_fail(diag, CPNP_ERR_MISMATCH, "store",
		    "the store is of another ledger: its genesis differs");
	return err;
}

int
store_open(struct store *store, const char *path,
    const uint8_t ledger[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	bool is_new = false;
	int rc, err;

	memset(store, 0, sizeof(*store));
	rc = sqlite3_open_v2(path, &store->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
		SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK) {
		err = sql_fail(store, rc, diag);
		goto out;
	}
	/* exclusive: no second process, and no file of shared memory */
	err = exec(store, "PRAGMA locking_mode = EXCLUSIVE;"
	    "SELECT count(*) FROM sqlite_schema", diag);
	if (err == 0)
		err = check_format(store, &is_new, diag);
	if (err == 0)
		err = exec(store, "PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = FULL;"
		    "PRAGMA cache_size = -65536", diag);
	if (err == 0 && is_new)
		err = make_tables(store, diag);
	if (err == 0)
		err = exec(store, schema_clock, diag);
	if (err == 0)
		err = load(store, ledger, diag);
out:
	if (err != 0)
		store_close(store);
	return err;
}

void
store_close(struct store *store)
{
	for (int i = 0; i < ST_END; i++)
		(void)sqlite3_finalize(store->stmts[i]);
	cpnp_tree_del(store->tree);
	(void)sqlite3_close(store->db);
	memset(store, 0, sizeof(*store));
}
