/*
 * The schema and its migrations.  PRAGMA user_version counts the migrations
 * that a file has seen; a change of the schema is a new entry at the end of
 * the list, never a change of one that was released.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/*
 * Orders are never deleted, so a customer order identifier is never free
 * again (contradictions.md, 32); events only grow, each with the number after
 * the last one.  The file itself refuses everything else, whoever opens it.
 */
static const char schema_1[] =
    "CREATE TABLE orders ("
    " id INTEGER PRIMARY KEY,"
    " role INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " agreement INTEGER NOT NULL,"
    " settled INTEGER NOT NULL,"
    " changed INTEGER NOT NULL," /* seconds */
    " last_event INTEGER NOT NULL,"
    " order_ref BLOB NOT NULL,"
    " peer_identity TEXT NOT NULL,"
    " customer_order_id TEXT NOT NULL,"
    " provider_order_id TEXT,"
    " saved BLOB NOT NULL,"
    " UNIQUE (customer_order_id, peer_identity, role));"
    "CREATE INDEX orders_provider ON orders (provider_order_id)"
    " WHERE provider_order_id IS NOT NULL;"
    "CREATE INDEX orders_open ON orders (settled) WHERE settled = 0;"
    "CREATE TRIGGER orders_stay BEFORE DELETE ON orders BEGIN"
    " SELECT RAISE(ABORT, 'orders are never deleted'); END;"
    "CREATE TRIGGER orders_keep_name BEFORE UPDATE OF id, role, order_ref,"
    " peer_identity, customer_order_id ON orders BEGIN"
    " SELECT RAISE(ABORT, 'the name of an order never changes'); END;"

    /* id = 16 * orders.id + kind */
    "CREATE TABLE documents (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"

    /* The events of an order are a chain from orders.last_event back: an
     * index over them would cost as much as the events themselves. */
    "CREATE TABLE events ("
    " number INTEGER PRIMARY KEY,"
    " order_id INTEGER NOT NULL,"
    " previous INTEGER NOT NULL," /* 0: the first */
    " time INTEGER NOT NULL,"
    " from_state INTEGER NOT NULL,"
    " to_state INTEGER NOT NULL,"
    " event INTEGER NOT NULL,"
    " leaf INTEGER," /* in the journal; NULL: none */
    " detail TEXT);"
    "CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events are never deleted'); END;"
    "CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events are never changed'); END;"
    "CREATE TRIGGER events_append BEFORE INSERT ON events"
    " WHEN NEW.number IS NOT (SELECT ifnull(max(number), 0) + 1 FROM events)"
    " BEGIN SELECT RAISE(ABORT, 'events are only appended'); END;"

    "CREATE TABLE holds ("
    " order_id INTEGER NOT NULL,"
    " line INTEGER NOT NULL,"
    " resource TEXT NOT NULL,"
    " from_time INTEGER NOT NULL,"
    " until_time INTEGER NOT NULL,"
    " amount INTEGER NOT NULL,"
    " bought INTEGER NOT NULL,"
    " PRIMARY KEY (order_id, line)) WITHOUT ROWID;"

    /* Written to find out whether the disk takes writes again. */
    "CREATE TABLE recovery (count INTEGER NOT NULL);"
    "INSERT INTO recovery VALUES (0);";

/*
 * An event says what became of the agreement too, and the reader of the
 * events says how far it has come.  Of events from before: an agreement came
 * with the state Completed (8).  It ended with the WITHDRAW that took a server
 * (1) to Cancelled (9), and at a client with its ACK, a leaf of Cancelled that
 * was no change of the transaction.
 */
static const char schema_2[] =
    "ALTER TABLE events ADD COLUMN agreement_from INTEGER;"
    "ALTER TABLE events ADD COLUMN agreement_to INTEGER;"
    "DROP TRIGGER events_keep;"
    "UPDATE events SET agreement_from = old.before, agreement_to = old.after"
    " FROM (SELECT number AS n, after,"
    "  lag(after, 1, 0) OVER (PARTITION BY order_id ORDER BY number)"
    "  AS before"
    "  FROM (SELECT number, order_id,"
    "   CASE WHEN sum(to_state = 8 AND from_state <> 8) OVER so_far = 0"
    "    THEN 0"
    "   WHEN sum(to_state = 9 AND CASE role WHEN 1 THEN from_state = 8"
    "    ELSE from_state = 9 AND leaf IS NOT NULL END)"
    "    OVER so_far = 0 THEN 1 ELSE 3 END AS after"
    "   FROM events JOIN orders ON orders.id = events.order_id"
    "   WINDOW so_far AS (PARTITION BY order_id ORDER BY number))) AS old"
    " WHERE events.number = old.n;"
    "CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN"
    " SELECT RAISE(ABORT, 'events are never changed'); END;"
    "CREATE TABLE acknowledged (number INTEGER NOT NULL);"
    "INSERT INTO acknowledged VALUES (0);";

/* cpnp_store_next_date(): the order may have left memory until then.  Orders
 * from before have no such date. */
static const char schema_3[] =
    "ALTER TABLE orders ADD COLUMN next_service INTEGER;" /* seconds */
    "CREATE INDEX orders_next_service ON orders (next_service)"
    " WHERE next_service IS NOT NULL;";

/*
 * Payments at a shared ledger: escrows and claims with their orders, signed
 * operations until their outcomes are known, heads of the journal that went
 * there.  An event may be an outcome, and then has its leaf.
 */
static const char schema_4[] =
    "ALTER TABLE events ADD COLUMN outcome BLOB;"
    "CREATE TABLE payments ("
    " id BLOB NOT NULL UNIQUE,"
    " order_id INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " amount INTEGER NOT NULL,"
    " paid INTEGER NOT NULL);"
    "CREATE INDEX payments_order ON payments (order_id);"
    "CREATE TABLE outbox ("
    " number INTEGER PRIMARY KEY,"
    " kind INTEGER NOT NULL,"
    " subject BLOB NOT NULL,"
    " op BLOB NOT NULL);"
    "CREATE TABLE anchors ("
    " size INTEGER PRIMARY KEY,"
    " root BLOB NOT NULL,"
    " digest BLOB NOT NULL,"
    " op BLOB NOT NULL,"
    " position INTEGER NOT NULL);" /* of the entry */
    "CREATE TABLE ledger ("
    " one INTEGER PRIMARY KEY CHECK (one = 0),"
    " id BLOB NOT NULL,"
    " outcomes INTEGER NOT NULL);";

/*
 * Which orders are children of which, and for what part; and a secret by
 * which this store knows again what it has marked.
 */
static const char schema_5[] =
    "CREATE TABLE links ("
    " child INTEGER PRIMARY KEY," /* orders.id */
    " parent INTEGER NOT NULL,"
    " segment INTEGER NOT NULL,"
    " request INTEGER NOT NULL);"
    "CREATE INDEX links_parent ON links (parent);"
    "CREATE TRIGGER links_stay BEFORE DELETE ON links BEGIN"
    " SELECT RAISE(ABORT, 'a child is never forgotten'); END;"
    "CREATE TABLE secret ("
    " one INTEGER PRIMARY KEY CHECK (one = 0),"
    " bytes BLOB NOT NULL);";

static const char *const migrations[] = {
	schema_1, schema_2, schema_3, schema_4, schema_5};
#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

static int
get_int(sqlite3 *db, const char *sql, int *value)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*value = sqlite3_column_int(stmt, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_OK ? 0 : store_error(rc);
}

static int
db_fail(sqlite3 *db, const char *path, cpnp_diag *diag)
{
	int err = store_error(sqlite3_errcode(db));

	if (sqlite3_errcode(db) == SQLITE_NOTADB)
		return store_diag(diag, CPNP_ERR_CONFIG, path,
		    "not a CPNP store; name the right file");
	return store_diag(diag, err, path, sqlite3_errmsg(db));
}

/* What kind of file it is: version 0 for an empty one. */
static int
get_version(sqlite3 *db, const char *path, int *version, cpnp_diag *diag)
{
	int id = 0, tables = 0;
	char why[sizeof(diag->why)];

	if (get_int(db, "PRAGMA application_id", &id) != 0 ||
	    get_int(db, "PRAGMA user_version", version) != 0 ||
	    get_int(db, "SELECT count(*) FROM sqlite_master", &tables) != 0)
		return db_fail(db, path, diag);
	if (id != STORE_APPLICATION_ID && (id != 0 || tables != 0))
		return store_diag(diag, CPNP_ERR_CONFIG, path,
		    "a database of another program; name the right file");
	if (*version > SCHEMA_VERSION) {
		(void)snprintf(why, sizeof(why),
		    "its schema has version %d, this program knows versions up "
		    "to %d; use the newer program that wrote it",
		    *version, SCHEMA_VERSION);
		return store_diag(diag, CPNP_ERR_CONFIG, path, why);
	}
	return 0;
}

int
store_schema_check(sqlite3 *db, const char *path, cpnp_diag *diag)
{
	char why[sizeof(diag->why)];
	int version = 0;
	int err = get_version(db, path, &version, diag);

	if (err != 0 || version == SCHEMA_VERSION)
		return err;
	if (version == 0)
		return store_diag(diag, CPNP_ERR_CONFIG, path,
		    "holds no orders yet; the program that owns it makes it");
	(void)snprintf(why, sizeof(why),
	    "its schema has the older version %d of %d; it is migrated when "
	    "the program that owns it starts",
	    version, SCHEMA_VERSION);
	return store_diag(diag, CPNP_ERR_CONFIG, path, why);
}

/* Run what is missing; the version is set with it, in one transaction. */
static int
migrate(sqlite3 *db, int version)
{
	char pragma[96];
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	int i;

	if (rc != SQLITE_OK)
		return rc;
	for (i = version; i < SCHEMA_VERSION && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(db, migrations[i], NULL, NULL, NULL);
	(void)snprintf(pragma, sizeof(pragma),
	    "PRAGMA user_version = %d; PRAGMA application_id = %d",
	    SCHEMA_VERSION, STORE_APPLICATION_ID);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, pragma, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

int
store_schema_open(sqlite3 *db, const char *path, bool create, cpnp_diag *diag)
{
	int version = 0, err;

	err = get_version(db, path, &version, diag);
	if (err != 0)
		return err;
	if (version == 0 && !create)
		return store_schema_check(db, path, diag);
	if (version < SCHEMA_VERSION && migrate(db, version) != SQLITE_OK) {
		err = db_fail(db, path, diag);
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	return err;
}
