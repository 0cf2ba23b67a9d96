/*
 * A log in an SQLite file that the processes of one host share.  An entry is
 * final when it is committed.  Its hash is stored beside it, so that a batch
 * that was altered on the disk is found when it is read.
 *
 * The file is in WAL mode with synchronous=FULL.  Readers do not wait for
 * writers; writers wait for each other, but not long.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../../journal/internal.h"
#include "../common.h"
#include "bell.h"

#define FORMAT 1
#define APPLICATION_ID 0x43504c47 /* "CPLG" */
#define BUSY_MS 2000
#define PATH_BYTES_MAX 4000
#define BELL_SUFFIX "-bell"
#define READ_BYTES (4 * CPNP_BATCH_BYTES_MAX) /* of one read(), or one entry */
/* A reader looks so often by itself: when a writer died between its commit
 * and the bell, and when there is no bell. */
#define LOOK_INTERVAL CPNP_SECONDS(1)
#define LOOK_INTERVAL_DEAF CPNP_MILLISECONDS(50)

static const char schema[] =
    "CREATE TABLE entries ("
    " position INTEGER PRIMARY KEY,"
    " writer TEXT NOT NULL," /* '' for the genesis */
    " seq INTEGER NOT NULL,"
    " hash BLOB NOT NULL,"
    " batch BLOB NOT NULL,"
    " UNIQUE (writer, seq));"
    "CREATE TRIGGER entries_stay BEFORE DELETE ON entries BEGIN"
    " SELECT RAISE(ABORT, 'entries are never deleted'); END;"
    "CREATE TRIGGER entries_keep BEFORE UPDATE ON entries BEGIN"
    " SELECT RAISE(ABORT, 'entries are never changed'); END;";

enum stmt {
	S_BEGIN,
	S_BEGIN_WRITE,
	S_COMMIT,
	S_ROLLBACK,
	S_VERSION,
	S_HASH,
	S_NEWEST,
	S_READ,
	S_FIND,
	S_NEXT_SEQ,
	S_PUT,
	S_END
};

static const char *const queries[S_END] = {
    [S_BEGIN] = "BEGIN",
    [S_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [S_COMMIT] = "COMMIT",
    [S_ROLLBACK] = "ROLLBACK",
    [S_VERSION] = "PRAGMA user_version",
    [S_HASH] = "SELECT hash FROM entries WHERE position = ?",
    [S_NEWEST] = "SELECT position, hash FROM entries"
		 " ORDER BY position DESC LIMIT 1",
    [S_READ] = "SELECT position, writer, seq, hash, batch FROM entries"
	       " WHERE position >= ? ORDER BY position",
    [S_FIND] = "SELECT batch FROM entries WHERE writer = ? AND seq = ?",
    [S_NEXT_SEQ] = "SELECT ifnull(max(seq) + 1, 0) FROM entries"
		   " WHERE writer = ?",
    [S_PUT] = "INSERT INTO entries(position, writer, seq, hash, batch)"
	      " VALUES(?, ?, ?, ?, ?)",
};

struct cpnp_log {
	char *path;
	char writer[CPNP_WRITER_MAX + 1]; /* "": only read */
	uint8_t ledger_id[CPNP_SHA256_LEN];
	sqlite3 *db; /* NULL: not open yet, the file was locked */
	sqlite3_stmt *stmts[S_END];
	struct bell bell;
	struct backend_waker waker;
	cpnp_buf arena; /* of the records read last */
	cpnp_log_info info;
};

static const char *const setting_names[] = {"path", "writer", NULL};

/* What SQLite says, as our code and in words. */
static int
sql_fail(sqlite3 *db, int rc, cpnp_diag *diag)
{
	const char *text = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);

	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return CPNP_ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "log",
		    "another process keeps the file locked");
	case SQLITE_FULL:
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "log",
		    "there is no room on the disk of the file");
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return backend_fail(diag, CPNP_ERR_UNAVAILABLE, "log",
		    "the file cannot be read or written: %s (%d)", text, rc);
	case SQLITE_NOTADB:
		return backend_fail(diag, CPNP_ERR_CONFIG, "path",
		    "the file is not an SQLite database");
	default:
		return backend_fail(diag, CPNP_ERR_IO, "log",
		    "the file is damaged: %s (%d)", text, rc);
	}
}

/* ---- The file ---- */

static int
db_open(sqlite3 **db, const char *path, int flags, cpnp_diag *diag)
{
	int rc;

	rc = sqlite3_open_v2(
	    path, db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | flags,
	    NULL);
	if (rc == SQLITE_OK)
		(void)sqlite3_busy_timeout(*db, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
		    *db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;
	rc = sql_fail(*db, rc, diag);
	(void)sqlite3_close(*db);
	*db = NULL;
	return rc;
}

static int
db_number(sqlite3 *db, const char *sql, int64_t *number, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*number = sqlite3_column_int64(stmt, 0);
	rc = rc == SQLITE_ROW ? 0 : sql_fail(db, rc, diag);
	(void)sqlite3_finalize(stmt);
	return rc;
}

static int
check_version(int64_t version, cpnp_diag *diag)
{
	if (version == FORMAT)
		return 0;
	return backend_fail(diag, CPNP_ERR_VERSION, "log",
	    "the file has format %" PRId64 ", this program knows %d: install "
	    "a newer one",
	    version, FORMAT);
}

static int
exec(sqlite3 *db, const char *sql, cpnp_diag *diag)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_fail(db, rc, diag);
}

static int
put_entry(sqlite3_stmt *stmt, uint64_t position, const char *writer,
    uint64_t seq, const uint8_t hash[CPNP_SHA256_LEN], cpnp_bytes batch)
{
	int rc;

	(void)sqlite3_bind_int64(stmt, 1, (int64_t)position);
	(void)sqlite3_bind_text(stmt, 2, writer, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(stmt, 3, (int64_t)seq);
	(void)sqlite3_bind_blob(
	    stmt, 4, hash, CPNP_SHA256_LEN, SQLITE_STATIC);
	(void)sqlite3_bind_blob(
	    stmt, 5, batch.ptr, (int)batch.len, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return rc;
}

static int
put_genesis(sqlite3 *db, cpnp_bytes genesis, cpnp_diag *diag)
{
	uint8_t id[CPNP_SHA256_LEN];
	sqlite3_stmt *stmt = NULL;
	int rc, err;

	err = hash_once(&genesis, 1, id);
	if (err != 0)
		return err;
	rc = sqlite3_prepare_v2(db, queries[S_PUT], -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = put_entry(stmt, 0, "", 0, id, genesis);
	err = rc == SQLITE_DONE ? 0 : sql_fail(db, rc, diag);
	(void)sqlite3_finalize(stmt);
	return err;
}

static int
check_empty(sqlite3 *db, const char *path, cpnp_diag *diag)
{
	int64_t tables = 0;
	int err;

	err = db_number(
	    db, "SELECT count(*) FROM sqlite_schema", &tables, diag);
	if (err == CPNP_ERR_CONFIG)
		return backend_fail(diag, CPNP_ERR_EXISTS, "path",
		    "%s is a file of another kind", path);
	if (err == 0 && tables > 0)
		return backend_fail(diag, CPNP_ERR_EXISTS, "path",
		    "there is a log, or another database, in %s already",
		    path);
	return err;
}

/* In one transaction, so that a crash leaves a log or an empty file, which is
 * as good as none. */
static int
log_create(const cpnp_log_setting *settings, size_t n, cpnp_bytes genesis,
    cpnp_buf *out, cpnp_diag *diag)
{
	const char *path = backend_setting(settings, n, "path");
	char format[80];
	sqlite3 *db = NULL;
	int err;

	(void)out;
	err = backend_settings_check(settings, n, setting_names, NULL, diag);
	if (err != 0)
		return err;
	if (path == NULL)
		return backend_fail(diag, CPNP_ERR_CONFIG, "path",
		    "missing: the file that shall be the log");
	if (genesis.len == 0 || genesis.len > CPNP_GENESIS_MAX)
		return backend_fail(diag, CPNP_ERR_CONFIG, "genesis",
		    "1 to %d bytes", CPNP_GENESIS_MAX);
	err = db_open(
	    &db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, diag);
	if (err == 0)
		err = check_empty(db, path, diag);
	/* not before: somebody else's database stays as it is */
	if (err == 0)
		err = exec(
		    db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", diag);
	if (err == 0)
		err = check_empty(db, path, diag);
	if (err == 0)
		err = exec(db, schema, diag);
	(void)snprintf(format, sizeof(format),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
	    APPLICATION_ID, FORMAT);
	if (err == 0)
		err = put_genesis(db, genesis, diag);
	if (err == 0)
		err = exec(db, format, diag);
	(void)sqlite3_close(db);
	return err;
}

/* ---- Opening ---- */

static void
log_shut(cpnp_log *log)
{
	for (int i = 0; i < S_END; i++) {
		(void)sqlite3_finalize(log->stmts[i]);
		log->stmts[i] = NULL;
	}
	(void)sqlite3_close(log->db);
	log->db = NULL;
}

/* That the file is a log, ours, and of a format that we know. */
static int
check_file(cpnp_log *log, cpnp_diag *diag)
{
	int64_t id = 0, version = 0;
	sqlite3_stmt *stmt;
	cpnp_bytes hash;
	int rc, err;

	err = db_number(log->db, "PRAGMA application_id", &id, diag);
	if (err == 0)
		err = db_number(log->db, queries[S_VERSION], &version, diag);
	if (err == 0 && id == 0 && version == 0)
		return backend_fail(diag, CPNP_ERR_NOT_FOUND, "path",
		    "the file is empty: make the log first");
	if (err == 0 && id != APPLICATION_ID)
		return backend_fail(diag, CPNP_ERR_CONFIG, "path",
		    "the database is not a log");
	if (err == 0)
		err = check_version(version, diag);
	for (int i = 0; i < S_END && err == 0; i++) {
		rc = sqlite3_prepare_v3(log->db, queries[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &log->stmts[i], NULL);
		err = rc == SQLITE_OK ? 0 : sql_fail(log->db, rc, diag);
	}
	if (err != 0)
		return err;
	stmt = log->stmts[S_HASH];
	(void)sqlite3_bind_int64(stmt, 1, 0);
	rc = sqlite3_step(stmt);
	hash = (cpnp_bytes){sqlite3_column_blob(stmt, 0),
	    (size_t)sqlite3_column_bytes(stmt, 0)};
	if (rc != SQLITE_ROW)
		err = sql_fail(log->db, rc, diag);
	else if (!cpnp_bytes_equal(
		     hash, (cpnp_bytes){log->ledger_id, CPNP_SHA256_LEN}))
		err = backend_fail(diag, CPNP_ERR_MISMATCH, "path",
		    "the log is of another ledger: its genesis differs");
	(void)sqlite3_reset(stmt);
	return err;
}

static int
log_load(cpnp_log *log, cpnp_diag *diag)
{
	int err;

	err = db_open(&log->db, log->path, SQLITE_OPEN_READWRITE, diag);
	if (err == 0)
		err = check_file(log, diag);
	if (err != 0)
		log_shut(log);
	return err;
}

static int
done(cpnp_log *log, int err, cpnp_diag *own, cpnp_diag *diag)
{
	return backend_done(&log->info, err, own, diag);
}

static void
log_close(cpnp_log *log)
{
	if (log == NULL)
		return;
	log_shut(log);
	bell_close(&log->bell);
	backend_waker_fini(&log->waker);
	cpnp_buf_fini(&log->arena);
	free(log->path);
	free(log);
}

static int
log_new(cpnp_log **log, const char *path)
{
	cpnp_log *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return CPNP_ERR_NOMEM;
	l->bell = (struct bell){-1, -1};
	l->waker = (struct backend_waker){{-1, -1}};
	l->info.batch_max = CPNP_BATCH_BYTES_MAX;
	cpnp_buf_init(&l->arena, &ledger_mem, SIZE_MAX);
	l->path = strdup(path);
	if (backend_waker_init(&l->waker) != 0 || l->path == NULL) {
		log_close(l);
		return CPNP_ERR_NOMEM;
	}
	*log = l;
	return 0;
}

static int
check_path(const char *path, cpnp_diag *diag)
{
	if (path == NULL)
		return backend_fail(diag, CPNP_ERR_CONFIG, "path",
		    "missing: the file that is the log");
	if (strlen(path) > PATH_BYTES_MAX)
		return backend_fail(diag, CPNP_ERR_CONFIG, "path",
		    "more than %d bytes", PATH_BYTES_MAX);
	/* by name: to open and close it here would drop the locks that this
	 * process has on the file */
	if (access(path, R_OK | W_OK) != 0 && errno == ENOENT)
		return backend_fail(diag, CPNP_ERR_NOT_FOUND, "path",
		    "there is no file %s; cpnp-ledger init makes the log",
		    path);
	return 0;
}

static int
log_open(cpnp_log **log, const cpnp_log_setting *settings, size_t n,
    const uint8_t ledger_id[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	const char *path = backend_setting(settings, n, "path");
	char bell[PATH_BYTES_MAX + sizeof(BELL_SUFFIX)];
	cpnp_diag own = {.err = 0};
	cpnp_log *l = NULL;
	int err;

	err = backend_settings_check(settings, n, setting_names, NULL, diag);
	if (err == 0)
		err = check_path(path, diag);
	if (err == 0)
		err = log_new(&l, path);
	if (err == 0)
		err = backend_setting_writer(settings, n, l->writer, diag);
	if (err != 0)
		goto out;
	memcpy(l->ledger_id, ledger_id, CPNP_SHA256_LEN);
	err = done(l, log_load(l, &own), &own, diag);
	if (err == CPNP_ERR_UNAVAILABLE)
		err = 0;
	(void)snprintf(bell, sizeof(bell), "%s" BELL_SUFFIX, path);
	if (err == 0)
		bell_open(&l->bell, bell);
out:
	if (err != 0)
		log_close(l);
	else
		*log = l;
	return err;
}

/* ---- Transactions ---- */

/* Run a statement that gives no row. */
static int
run(cpnp_log *log, enum stmt which, cpnp_diag *diag)
{
	int rc = sqlite3_step(log->stmts[which]);

	(void)sqlite3_reset(log->stmts[which]);
	return rc == SQLITE_DONE ? 0 : sql_fail(log->db, rc, diag);
}

static void
rollback(cpnp_log *log)
{
	if (log->db != NULL && sqlite3_get_autocommit(log->db) == 0) {
		(void)sqlite3_step(log->stmts[S_ROLLBACK]);
		(void)sqlite3_reset(log->stmts[S_ROLLBACK]);
	}
}

/* The file may have been replaced, or converted, since it was opened: what is
 * written into a file without a name is lost. */
static int
check_same(cpnp_log *log, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = log->stmts[S_VERSION];
	int moved = 0, rc, err;

	(void)sqlite3_file_control(
	    log->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved != 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "the file was removed or replaced while it was in use");
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		err = check_version(sqlite3_column_int64(stmt, 0), diag);
	else
		err = sql_fail(log->db, rc, diag);
	(void)sqlite3_reset(stmt);
	return err;
}

static int
begin(cpnp_log *log, enum stmt which, cpnp_diag *diag)
{
	int err = 0;

	if (log->db == NULL)
		err = log_load(log, diag);
	if (err == 0)
		err = run(log, which, diag);
	if (err == 0)
		err = check_same(log, diag);
	return err;
}

/* A hash that is stored; NOT_FOUND when there is no such row. */
static int
get_hash(cpnp_log *log, sqlite3_stmt *stmt, int column,
    uint8_t hash[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	int rc = sqlite3_step(stmt), err = 0;

	if (rc == SQLITE_DONE)
		return CPNP_ERR_NOT_FOUND;
	if (rc != SQLITE_ROW)
		return sql_fail(log->db, rc, diag);
	if (sqlite3_column_bytes(stmt, column) != CPNP_SHA256_LEN)
		err = backend_fail(diag, CPNP_ERR_IO, "log",
		    "the file is damaged: a hash has another length");
	else
		memcpy(hash, sqlite3_column_blob(stmt, column),
		    CPNP_SHA256_LEN);
	return err;
}

static int
get_newest(cpnp_log *log, uint64_t *position, uint8_t hash[CPNP_SHA256_LEN],
    cpnp_diag *diag)
{
	sqlite3_stmt *stmt = log->stmts[S_NEWEST];
	int err;

	err = get_hash(log, stmt, 1, hash, diag);
	if (err == 0)
		*position = (uint64_t)sqlite3_column_int64(stmt, 0);
	else if (err == CPNP_ERR_NOT_FOUND)
		err = backend_fail(diag, CPNP_ERR_IO, "log",
		    "the file is damaged: it has no genesis");
	(void)sqlite3_reset(stmt);
	if (err == 0)
		log->info.next = log->info.next_final = *position + 1;
	return err;
}

static int
get_next_seq(cpnp_log *log, uint64_t *seq, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = log->stmts[S_NEXT_SEQ];
	int rc;

	(void)sqlite3_bind_text(stmt, 1, log->writer, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*seq = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return rc == SQLITE_ROW ? 0 : sql_fail(log->db, rc, diag);
}

/* ---- Writing ---- */

static cpnp_bytes
log_writer(const cpnp_log *log)
{
	return cpnp_bytes_str(log->writer);
}

static int
log_next_seq(cpnp_log *log, uint64_t *seq, cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};
	int err;

	err = begin(log, S_BEGIN, &own);
	if (err == 0)
		err = get_next_seq(log, seq, &own);
	rollback(log);
	return done(log, err, &own, diag);
}

/* 0 when this number has this batch already, NOT_FOUND when it is unused. */
static int
find_batch(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = log->stmts[S_FIND];
	cpnp_bytes found;
	int rc, err = 0;

	(void)sqlite3_bind_text(stmt, 1, log->writer, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)seq);
	rc = sqlite3_step(stmt);
	found = (cpnp_bytes){sqlite3_column_blob(stmt, 0),
	    (size_t)sqlite3_column_bytes(stmt, 0)};
	if (rc == SQLITE_DONE)
		err = CPNP_ERR_NOT_FOUND;
	else if (rc != SQLITE_ROW)
		err = sql_fail(log->db, rc, diag);
	else if (!cpnp_bytes_equal(found, batch))
		err = backend_fail(diag, CPNP_ERR_EXISTS, "writer",
		    "number %" PRIu64 " of %s has another batch: two "
		    "processes write under one name, or this store is an old "
		    "copy", seq, log->writer);
	(void)sqlite3_reset(stmt);
	return err;
}

static int
put_next(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	cpnp_log_entry entry = {.batch = batch};
	uint8_t hash[CPNP_SHA256_LEN];
	uint64_t next;
	int rc, err;

	err = get_next_seq(log, &next, diag);
	if (err == 0 && seq != next)
		return backend_fail(diag, CPNP_ERR_STATE, "seq",
		    "%" PRIu64 " is the next number of %s, not %" PRIu64, next,
		    log->writer, seq);
	if (err == 0)
		err = get_newest(log, &entry.position, entry.prev, diag);
	entry.position++;
	if (err == 0)
		err = cpnp_log_entry_hash(&ledger_env, &entry, hash);
	if (err != 0)
		return err;
	rc = put_entry(log->stmts[S_PUT], entry.position, log->writer, seq,
	    hash, batch);
	err = rc == SQLITE_DONE ? run(log, S_COMMIT, diag)
				: sql_fail(log->db, rc, diag);
	if (err == 0)
		log->info.next = log->info.next_final = entry.position + 1;
	return err;
}

static int
log_append(cpnp_log *log, uint64_t seq, cpnp_bytes batch, cpnp_diag *diag)
{
	cpnp_diag own = {.err = 0};
	int err;

	if (log->writer[0] == '\0')
		return backend_fail(diag, CPNP_ERR_FORBIDDEN, "writer",
		    "this log is only read: a writer needs a name");
	if (batch.len == 0 || batch.len > CPNP_BATCH_BYTES_MAX)
		return backend_fail(diag, CPNP_ERR_TOO_LONG, "batch",
		    "1 to %d bytes", CPNP_BATCH_BYTES_MAX);
	if (seq > INT64_MAX)
		return backend_fail(
		    diag, CPNP_ERR_STATE, "seq", "out of its range");
	err = begin(log, S_BEGIN_WRITE, &own);
	if (err == 0)
		err = find_batch(log, seq, batch, &own);
	if (err == CPNP_ERR_NOT_FOUND) {
		err = put_next(log, seq, batch, &own);
		if (err == 0)
			bell_ring(&log->bell);
	}
	rollback(log);
	return done(log, err, &own, diag);
}

/* ---- Reading ---- */

/* The row that a statement stands on, kept in the arena: offsets first, as
 * the arena moves when it grows. */
static int
keep_row(cpnp_log *log, sqlite3_stmt *stmt, cpnp_log_record *r,
    uint8_t hash[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	cpnp_bytes writer = {sqlite3_column_text(stmt, 1),
	    (size_t)sqlite3_column_bytes(stmt, 1)};
	cpnp_bytes stored = {sqlite3_column_blob(stmt, 3),
	    (size_t)sqlite3_column_bytes(stmt, 3)};
	uint8_t own[CPNP_SHA256_LEN];
	int err;

	r->seq = (uint64_t)sqlite3_column_int64(stmt, 2);
	r->entry.batch = (cpnp_bytes){sqlite3_column_blob(stmt, 4),
	    (size_t)sqlite3_column_bytes(stmt, 4)};
	err = cpnp_log_entry_hash(&ledger_env, &r->entry, own);
	if (err != 0)
		return err;
	if (!cpnp_bytes_equal(stored, (cpnp_bytes){own, sizeof(own)}) ||
	    (uint64_t)sqlite3_column_int64(stmt, 0) != r->entry.position ||
	    writer.len > CPNP_WRITER_MAX)
		return backend_fail(diag, CPNP_ERR_IO, "log",
		    "entry %" PRIu64 " is damaged or missing",
		    r->entry.position);
	memcpy(hash, own, sizeof(own));
	r->writer.len = writer.len;
	cpnp_buf_put_raw(&log->arena, writer);
	cpnp_buf_put_raw(&log->arena, r->entry.batch);
	return log->arena.err;
}

static int
read_rows(cpnp_log *log, uint64_t position, const uint8_t *prev_hash,
    cpnp_log_record *records, size_t max, size_t *n, cpnp_diag *diag)
{
	sqlite3_stmt *stmt = log->stmts[S_READ];
	uint8_t prev[CPNP_SHA256_LEN] = {0};
	const uint8_t *at;
	int rc = SQLITE_ROW, err = 0;
	size_t i;

	if (position > 0)
		memcpy(prev, prev_hash, sizeof(prev));
	cpnp_buf_reset(&log->arena);
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)position);
	while (*n < max && err == 0 && log->arena.len < READ_BYTES) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		records[*n].entry.position = position + *n;
		memcpy(records[*n].entry.prev, prev, sizeof(prev));
		err = keep_row(log, stmt, &records[*n], prev, diag);
		if (err == 0)
			(*n)++;
	}
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = sql_fail(log->db, rc, diag);
	(void)sqlite3_reset(stmt);
	for (i = 0, at = log->arena.ptr; i < *n; i++) {
		records[i].writer.ptr = at;
		records[i].entry.batch.ptr = at + records[i].writer.len;
		at = records[i].entry.batch.ptr + records[i].entry.batch.len;
	}
	return err;
}

/* That what came before position is still what the caller has read. */
static int
check_past(cpnp_log *log, uint64_t position,
    const uint8_t prev_hash[CPNP_SHA256_LEN], cpnp_diag *diag)
{
	sqlite3_stmt *stmt = log->stmts[S_HASH];
	uint8_t hash[CPNP_SHA256_LEN];
	int err;

	if (position == 0)
		return 0;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)position - 1);
	err = get_hash(log, stmt, 0, hash, diag);
	(void)sqlite3_reset(stmt);
	if (err == CPNP_ERR_NOT_FOUND)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "entry %" PRIu64 " is gone: the past of this log has "
		    "changed", position - 1);
	if (err == 0 && memcmp(hash, prev_hash, sizeof(hash)) != 0)
		return backend_fail(diag, CPNP_ERR_MISMATCH, "log",
		    "entry %" PRIu64 " is not what it was: the past of this "
		    "log has changed", position - 1);
	return err;
}

static int
read_once(cpnp_log *log, uint64_t position, const uint8_t *prev_hash,
    cpnp_log_record *records, size_t max, size_t *n, cpnp_diag *diag)
{
	uint8_t newest_hash[CPNP_SHA256_LEN];
	uint64_t newest;
	int err;

	*n = 0;
	err = begin(log, S_BEGIN, diag);
	if (err == 0)
		err = check_past(log, position, prev_hash, diag);
	if (err == 0)
		err = get_newest(log, &newest, newest_hash, diag);
	if (err == 0)
		err = read_rows(
		    log, position, prev_hash, records, max, n, diag);
	rollback(log);
	if (err != 0)
		*n = 0;
	return err;
}

static void
wait_for_bell(cpnp_log *log, cpnp_tstamp until)
{
	struct pollfd fds[] = {
	    {.fd = log->waker.fds[0], .events = POLLIN},
	    {.fd = log->bell.watch, .events = POLLIN}};
	cpnp_tstamp look = backend_now() +
	    (log->bell.watch >= 0 ? LOOK_INTERVAL : LOOK_INTERVAL_DEAF);

	(void)poll(fds, 2, backend_poll_ms(look < until ? look : until));
	bell_hush(&log->bell);
}

static int
log_read(cpnp_log *log, uint64_t position,
    const uint8_t prev_hash[CPNP_SHA256_LEN], cpnp_tstamp timeout,
    cpnp_log_record *records, size_t max, size_t *n, cpnp_diag *diag)
{
	cpnp_tstamp now = backend_now();
	cpnp_tstamp until = timeout < CPNP_NEVER - now ? now + timeout
						       : CPNP_NEVER;
	cpnp_diag own = {.err = 0};
	int err;

	*n = 0;
	if (position > INT64_MAX || max == 0)
		return backend_fail(
		    diag, CPNP_ERR_INVALID, "position", "out of its range");
	for (;;) {
		err = read_once(
		    log, position, prev_hash, records, max, n, &own);
		if (err != 0 || *n > 0 || backend_waker_take(&log->waker) ||
		    backend_now() >= until)
			break;
		wait_for_bell(log, until);
	}
	return done(log, err, &own, diag);
}

static void
log_wake(cpnp_log *log)
{
	backend_waker_ring(&log->waker);
}

static void
log_info(const cpnp_log *log, cpnp_log_info *info)
{
	*info = log->info;
}

const cpnp_backend backend_sqlite = {
    .abi = CPNP_BACKEND_ABI,
    .name = "sqlite",
    .create = log_create,
    .open = log_open,
    .close = log_close,
    .writer = log_writer,
    .next_seq = log_next_seq,
    .append = log_append,
    .read = log_read,
    .wake = log_wake,
    .info = log_info,
};
