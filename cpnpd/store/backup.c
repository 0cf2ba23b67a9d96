/*
 * A copy of the store while it is written to.
 *
 * The copy is made on a connection of its own, within one read transaction:
 * it shows one moment, the log grows meanwhile, and nobody waits.  It is
 * written under another name and gets its own when all of it is on disk.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define PART ".part"

struct cpnp_store_backup {
	sqlite3 *from;
	sqlite3 *to;
	sqlite3_backup *copy;
	char *path;
	char *part;
	bool made; /* part is there */
};

static int
sync_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static int
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == NULL ? strdup(".")
	    : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int rc = directory == NULL
	    ? -1 : sync_file(directory, O_RDONLY | O_DIRECTORY);

	free(directory);
	return rc;
}

/* A step of a backup keeps its error to itself: then db knows of none. */
static int
sql_fail(sqlite3 *db, int rc, const char *path, cpnp_diag *diag)
{
	bool is_of_db = db != NULL && sqlite3_errcode(db) != SQLITE_OK;

	return store_diag(diag, store_error(rc), path,
	    is_of_db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

/* Nobody else may read it, and nothing is written over. */
static int
make_part(cpnp_store_backup *b, cpnp_diag *diag)
{
	int fd;

	if (access(b->path, F_OK) == 0)
		return store_diag(diag, CPNP_ERR_EXISTS, b->path,
		    "is there already; name a file that is not");
	(void)unlink(b->part);
	fd = open(b->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return store_diag(
		    diag, CPNP_ERR_IO, b->part, strerror(errno));
	(void)close(fd);
	b->made = true;
	return 0;
}

static int
begin(cpnp_store_backup *b, const char *path, cpnp_diag *diag)
{
	/* The transaction begins with the first read. */
	static const char snapshot[] =
	    "BEGIN; SELECT count(*) FROM sqlite_master";
	int rc = sqlite3_open_v2(path, &b->from,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(b->from, snapshot, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sql_fail(b->from, rc, path, diag);
	rc = sqlite3_open_v2(b->part, &b->to,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return sql_fail(b->to, rc, b->part, diag);
	b->copy = sqlite3_backup_init(b->to, "main", b->from, "main");
	if (b->copy == NULL)
		return sql_fail(b->to, sqlite3_errcode(b->to), b->part, diag);
	return 0;
}

int
cpnp_store_backup_new(cpnp_store_backup **out, cpnp_store *store,
    const char *path, cpnp_diag *diag)
{
	cpnp_store_backup *b = calloc(1, sizeof(*b));
	int err = CPNP_ERR_NOMEM;

	*out = NULL;
	if (b == NULL)
		return err;
	b->path = strdup(path);
	b->part = malloc(strlen(path) + sizeof(PART));
	if (b->path != NULL && b->part != NULL) {
		(void)sprintf(b->part, "%s" PART, path);
		err = make_part(b, diag);
	}
	if (err == 0)
		err = begin(b, store->path, diag);
	if (err != 0) {
		cpnp_store_backup_del(b);
		return err;
	}
	*out = b;
	return 0;
}

/* A table that no other store has: what it says is of before. */
static int
put_mark(cpnp_store_backup *b, cpnp_diag *diag)
{
	static const char mark[] =
	    "PRAGMA synchronous = FULL; BEGIN;"
	    "CREATE TABLE IF NOT EXISTS backup (made INTEGER NOT NULL);"
	    "DELETE FROM backup;"
	    "INSERT INTO backup VALUES (strftime('%s', 'now')); COMMIT";
	int rc = sqlite3_exec(b->to, mark, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : sql_fail(b->to, rc, b->part, diag);
}

int
cpnp_store_is_backup(cpnp_store *store, bool *is_backup, cpnp_wtime *when)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	*is_backup = false;
	rc = sqlite3_prepare_v2(store->rd, "SELECT count(*) FROM "
	    "sqlite_master WHERE name = 'backup'", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*is_backup = sqlite3_column_int(stmt, 0) > 0;
	(void)sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW || !*is_backup)
		return rc == SQLITE_ROW ? 0 : store_error(rc);
	rc = sqlite3_prepare_v2(
	    store->rd, "SELECT max(made) FROM backup", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		when->sec = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : store_error(rc);
}

int
cpnp_store_forget_backup(cpnp_store *store)
{
	int rc;

	if (store->pending != 0 || store->wr == NULL)
		return CPNP_ERR_STATE;
	/* Nothing is submitted, so the thread waits and touches nothing. */
	(void)pthread_mutex_lock(&store->lock);
	rc = sqlite3_exec(
	    store->wr, "DROP TABLE IF EXISTS backup", NULL, NULL, NULL);
	(void)pthread_mutex_unlock(&store->lock);
	return store_error(rc);
}

/* All pages are there: give the copy its name, which nobody took meanwhile. */
static int
finish(cpnp_store_backup *b, cpnp_diag *diag)
{
	int rc = sqlite3_backup_finish(b->copy);
	int err;

	b->copy = NULL;
	if (rc != SQLITE_OK)
		return sql_fail(b->to, rc, b->part, diag);
	err = put_mark(b, diag);
	if (err != 0)
		return err;
	(void)sqlite3_close(b->to);
	b->to = NULL;
	if (sync_file(b->part, O_RDWR) != 0 || link(b->part, b->path) != 0)
		return store_diag(diag,
		    errno == EEXIST ? CPNP_ERR_EXISTS : CPNP_ERR_IO, b->path,
		    strerror(errno));
	(void)unlink(b->part);
	b->made = false;
	if (sync_directory(b->path) != 0)
		return store_diag(
		    diag, CPNP_ERR_IO, b->path, strerror(errno));
	return 0;
}

int
cpnp_store_backup_step(
    cpnp_store_backup *b, unsigned pages, bool *done, cpnp_diag *diag)
{
	int rc;

	*done = false;
	if (b->copy == NULL)
		return CPNP_ERR_STATE;
	rc = sqlite3_backup_step(b->copy, (int)pages);
	if (rc == SQLITE_OK)
		return 0;
	if (rc != SQLITE_DONE)
		return sql_fail(b->to, rc, b->part, diag);
	*done = true;
	return finish(b, diag);
}

void
cpnp_store_backup_del(cpnp_store_backup *b)
{
	if (b == NULL)
		return;
	(void)sqlite3_backup_finish(b->copy);
	(void)sqlite3_close(b->to);
	(void)sqlite3_close(b->from);
	if (b->made)
		(void)unlink(b->part);
	free(b->path);
	free(b->part);
	free(b);
}
