/*
 * Opening and closing: the lock, the file, the two connections, the journal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

/* How long to wait for a tool that holds a lock of SQLite for a moment. */
#define BUSY_TIMEOUT_MS 5000

/*
 * A checkpoint moves 64 MiB at once: pages that many commits have written
 * (the ends of indexes) go to the database once.  The log file is cut back to
 * that size.
 */
static const char wr_pragmas[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 16384;"
    "PRAGMA journal_size_limit = 134217728;"
    "PRAGMA cache_size = -65536;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA recursive_triggers = ON;";
static const char rd_pragmas[] =
    "PRAGMA cache_size = -16384;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;";

int
store_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return CPNP_ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return CPNP_ERR_BUSY;
	case SQLITE_CONSTRAINT:
		return CPNP_ERR_EXISTS;
	case SQLITE_NOTADB:
		return CPNP_ERR_CONFIG;
	default:
		return CPNP_ERR_IO;
	}
}

int
store_diag(cpnp_diag *diag, int err, const char *where, const char *why)
{
	if (diag != NULL) {
		diag->err = err;
		diag->offset = 0;
		(void)snprintf(diag->where, sizeof(diag->where), "%s", where);
		(void)snprintf(diag->why, sizeof(diag->why), "%s", why);
	}
	return err;
}

/* Say who holds the lock, as far as that is known. */
static int
locked_by(cpnp_store *store, cpnp_diag *diag)
{
	char pid[24], why[sizeof(diag->why)];
	ssize_t n = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	(void)snprintf(why, sizeof(why),
	    "in use by process %s; only one may write to it",
	    pid[0] != '\0' ? pid : "(unknown)");
	return store_diag(diag, CPNP_ERR_BUSY, store->path, why);
}

/*
 * One writer for each store: a lock on a file beside it, which ends with the
 * process however that ends.  The database itself cannot carry it, as closing
 * any descriptor of it would end the locks of SQLite (POSIX).
 */
static int
take_lock(cpnp_store *store, cpnp_diag *diag)
{
	size_t size = strlen(store->path) + sizeof("-lock");
	char *path = malloc(size);
	char pid[24];
	int n, err = 0;

	if (path == NULL)
		return CPNP_ERR_NOMEM;
	(void)snprintf(path, size, "%s-lock", store->path);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0) {
		err = store_diag(diag, CPNP_ERR_IO, path, strerror(errno));
	} else if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		err = locked_by(store, diag);
	} else {
		n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
		/* The number is a help for people; the lock is what counts. */
		if (ftruncate(store->lock_fd, 0) != 0 ||
		    pwrite(store->lock_fd, pid, (size_t)n, 0) != n)
			err = store_diag(
			    diag, CPNP_ERR_IO, path, strerror(errno));
	}
	free(path);
	return err;
}

/* Nonces and documents are nobody else's business: mode 0600, which the
 * files of the log inherit. */
static int
create_file(cpnp_store *store, const cpnp_store_config *config,
    cpnp_diag *diag)
{
	int fd;

	if (config->create && !config->read_only) {
		fd = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return store_diag(
			    diag, CPNP_ERR_IO, store->path, strerror(errno));
		(void)close(fd);
		return 0;
	}
	if (access(store->path, F_OK) == 0)
		return 0;
	return store_diag(diag,
	    errno == ENOENT ? CPNP_ERR_NOT_FOUND : CPNP_ERR_IO, store->path,
	    strerror(errno));
}

static int
open_db(cpnp_store *store, sqlite3 **db, bool writable, cpnp_diag *diag)
{
	int flags = SQLITE_OPEN_NOMUTEX;
	int rc;

	flags |= writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	rc = sqlite3_open_v2(store->path, db, flags, NULL);
	if (rc != SQLITE_OK)
		return store_diag(diag, store_error(rc), store->path,
		    *db != NULL ? sqlite3_errmsg(*db) : sqlite3_errstr(rc));
	(void)sqlite3_extended_result_codes(*db, 1);
	(void)sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS);
	return 0;
}

static int
db_fail(cpnp_store *store, sqlite3 *db, cpnp_diag *diag)
{
	return store_diag(diag, store_error(sqlite3_errcode(db)), store->path,
	    sqlite3_errmsg(db));
}

static int
prepare(cpnp_store *store, sqlite3 *db, const char *const *texts,
    sqlite3_stmt **stmts, size_t n, cpnp_diag *diag)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (sqlite3_prepare_v3(db, texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &stmts[i],
			NULL) != SQLITE_OK)
			return db_fail(store, db, diag);
	return 0;
}

static int
query_int(cpnp_store *store, const char *sql, sqlite3_int64 *value,
    cpnp_diag *diag)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	*value = 0;
	if (sqlite3_prepare_v2(store->wr, sql, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		err = db_fail(store, store->wr, diag);
	else
		*value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return err;
}

/* Every store has a journal; without a signer its heads are not signed, and
 * then only the configuration can name it. */
static int
open_journal(cpnp_store *store, const cpnp_store_config *config,
    cpnp_diag *diag)
{
	cpnp_wtime now = {(int64_t)time(NULL)};
	int err;

	if (config->journal_signer == NULL && config->origin == NULL)
		return store_diag(diag, CPNP_ERR_CONFIG, store->path,
		    "its journal has no name; configure a certificate and "
		    "key, or a name");
	store->heads_signed = config->journal_signer != NULL;
	err = cpnp_journal_open(&store->journal, store->wr,
	    config->journal_signer, config->origin, now, diag);
	if (err == CPNP_ERR_MISMATCH || err == CPNP_ERR_VERSION ||
	    err == CPNP_ERR_INVALID)
		err = CPNP_ERR_CONFIG;
	if (diag != NULL)
		diag->err = err;
	return err;
}

static int
open_writer(cpnp_store *store, const cpnp_store_config *config,
    cpnp_diag *diag)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    STORE_WRITE_MAP(X)
#undef X
	};
	sqlite3_int64 events;
	int err;

	err = open_db(store, &store->wr, true, diag);
	if (err == 0)
		err = store_schema_open(
		    store->wr, store->path, config->create, diag);
	if (err == 0 &&
	    sqlite3_exec(store->wr, wr_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		err = db_fail(store, store->wr, diag);
	if (err == 0 && store_make_secret(store, config->env) != 0)
		err = db_fail(store, store->wr, diag);
	/* Triggers keep the history from whoever else opens the file.  Our
	 * own statements only append, in the order that store_write_group()
	 * counts, and each would pay for a subprogram. */
	if (err == 0)
		(void)sqlite3_db_config(store->wr,
		    SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
	if (err == 0)
		err = prepare(store, store->wr, texts, store->write,
		    STORE_WRITE_END, diag);
	if (err == 0)
		err = query_int(store,
		    "SELECT ifnull(max(number), 0) FROM events", &events, diag);
	if (err == 0) {
		store->events = (uint64_t)events;
		err = open_journal(store, config, diag);
	}
	return err;
}

static int
open_reader(cpnp_store *store, cpnp_diag *diag)
{
	static const char *const texts[] = {
#define X(name, text) text,
	    STORE_READ_MAP(X)
#undef X
	};
	int err;

	err = open_db(store, &store->rd, false, diag);
	if (err == 0)
		err = store_schema_check(store->rd, store->path, diag);
	if (err == 0 &&
	    sqlite3_exec(store->rd, rd_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		err = db_fail(store, store->rd, diag);
	if (err == 0)
		err = prepare(store, store->rd, texts, store->read,
		    STORE_READ_END, diag);
	return err;
}

int
cpnp_store_open(
    cpnp_store **out, const cpnp_store_config *config, cpnp_diag *diag)
{
	cpnp_store *store = calloc(1, sizeof(*store));
	int err = 0;

	*out = NULL;
	if (store == NULL)
		return CPNP_ERR_NOMEM;
	/* No statistics of memory, which take a lock for each allocation.  It
	 * is refused, with no harm, when SQLite has been used before. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	store->lock_fd = -1;
	store->done_fd = -1;
	store->writer_thread = config->writer_thread && !config->read_only;
	store->mem = config->env->mem;
	(void)pthread_mutex_init(&store->lock, NULL);
	(void)pthread_cond_init(&store->wake, NULL);
	cpnp_buf_init(&store->row, &store->mem, STORE_BATCH_BYTES_MAX);
	store->path = strdup(config->path);
	if (store->path == NULL)
		err = CPNP_ERR_NOMEM;
	if (err == 0 && !config->read_only)
		err = take_lock(store, diag);
	if (err == 0)
		err = create_file(store, config, diag);
	if (err == 0 && !config->read_only)
		err = open_writer(store, config, diag);
	if (err == 0)
		err = open_reader(store, diag);
	if (err == 0)
		err = store_queue_start(store);
	if (err != 0) {
		cpnp_store_close(store);
		return err;
	}
	*out = store;
	return 0;
}

void
cpnp_store_close(cpnp_store *store)
{
	size_t i;

	if (store == NULL)
		return;
	store_queue_stop(store);
	for (i = 0; i < STORE_READ_END; i++)
		(void)sqlite3_finalize(store->read[i]);
	cpnp_journal_close(store->proofs);
	(void)sqlite3_close(store->rd);
	cpnp_journal_close(store->journal);
	for (i = 0; i < STORE_WRITE_END; i++)
		(void)sqlite3_finalize(store->write[i]);
	/* The last connection to close cleans up the log. */
	(void)sqlite3_close(store->wr);
	if (store->done_fd >= 0)
		(void)close(store->done_fd);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	cpnp_buf_fini(&store->row);
	(void)pthread_cond_destroy(&store->wake);
	(void)pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}
