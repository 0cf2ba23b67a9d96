/*
 * What the files of the store share: the open store, a batch in memory and
 * the prepared statements.
 *
 * Two connections.  wr belongs to whoever commits: the writer thread between
 * its start and its end, else the caller.  rd and its statements belong to
 * the caller's thread alone.  Everything between the two threads goes through
 * the queue, under its lock.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_STORE_INTERNAL_H
#define CPNPD_STORE_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "store.h"

/* "CPNP", in the header of the file. */
#define STORE_APPLICATION_ID 0x43504e50

/* A batch holds no more bytes than this; CPNP_ERR_NO_SPACE. */
#define STORE_BATCH_BYTES_MAX ((size_t)256 << 20)
/* Batches are merged into one transaction while it has fewer entries; this
 * bounds how long the first of them waits. */
#define STORE_GROUP_ENTRIES_MAX 8192
/* Documents have the key order * 16 + kind: one table, no second index. */
#define STORE_DOCS_STRIDE 16
/* The application's own bytes lie behind the documents. */
#define STORE_DOC_NOTE (STORE_DOCS_STRIDE - 1)

#define STORE_ORDER_COLUMNS                                                    \
	"id, role, peer_identity, customer_order_id, provider_order_id, "      \
	"state, agreement, settled, changed, saved, next_service"

/* What is a change of state, and not bookkeeping alone. */
#define STORE_IS_CHANGE                                                        \
	"(leaf IS NOT NULL OR from_state <> to_state OR "                      \
	"agreement_from <> agreement_to OR outcome IS NOT NULL)"
/* cpnp_store_row_rests(): 11 and 12 are OfferProposed and ProcessingReceived,
 * 1 is a server's order, without an agreement. */
#define STORE_RESTS                                                            \
	"(role = 1 AND agreement = 0 AND state IN (11, 12) AND "               \
	"next_service IS NOT NULL)"
#define STORE_EVENT_COLUMNS                                                    \
	"number, time, from_state, to_state, event, leaf, detail, previous, "  \
	"agreement_from, agreement_to, outcome"
#define STORE_EVENT_COLUMNS_N 11
#define STORE_PAYMENT_COLUMNS                                                  \
	"payments.id, payments.state, amount, paid, peer_identity, "           \
	"customer_order_id FROM payments JOIN orders "                         \
	"ON orders.id = payments.order_id "
#define STORE_LINK_COLUMNS                                                     \
	"segment, request, children.peer_identity, "                           \
	"children.customer_order_id, parents.peer_identity, "                  \
	"parents.customer_order_id FROM links JOIN orders AS parents "         \
	"ON parents.id = links.parent JOIN orders AS children "                \
	"ON children.id = links.child "
#define STORE_ANCHOR_COLUMNS "size, root, digest, op, position FROM anchors "

/* X(NAME, text) */
#define STORE_WRITE_MAP(X)                                                     \
	X(BEGIN, "BEGIN IMMEDIATE")                                            \
	X(COMMIT, "COMMIT")                                                    \
	X(ROLLBACK, "ROLLBACK")                                                \
	X(LOOKUP,                                                              \
	    "SELECT id, order_ref, provider_order_id, settled, last_event, "   \
	    "next_service FROM orders WHERE customer_order_id = ?1 AND "       \
	    "peer_identity = ?2 AND role = ?3")                                \
	X(INSERT,                                                              \
	    "INSERT INTO orders (role, state, agreement, settled, changed, "   \
	    "order_ref, peer_identity, customer_order_id, provider_order_id, " \
	    "saved, last_event, next_service) "                                \
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")      \
	X(UPDATE,                                                              \
	    "UPDATE orders SET state = ?2, agreement = ?3, changed = ?4, "     \
	    "saved = ?5, last_event = ?6 WHERE id = ?1")                       \
	X(UPDATE_PROVIDER,                                                     \
	    "UPDATE orders SET provider_order_id = ?2 WHERE id = ?1")          \
	X(UPDATE_SETTLED, "UPDATE orders SET settled = ?2 WHERE id = ?1")      \
	X(UPDATE_SERVICE,                                                      \
	    "UPDATE orders SET next_service = ?2 WHERE id = ?1")               \
	X(PUT_DOC, "INSERT OR REPLACE INTO documents VALUES (?1, ?2)")         \
	X(DROP_DOC, "DELETE FROM documents WHERE id = ?1")                     \
	X(EVENT,                                                               \
	    "INSERT INTO events (number, order_id, time, from_state, "         \
	    "to_state, event, leaf, detail, previous, agreement_from, "        \
	    "agreement_to, outcome) "                                          \
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")      \
	X(HOLD, "INSERT INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")       \
	X(BUY, "UPDATE holds SET bought = 1 WHERE order_id = ?1")              \
	X(RELEASE, "DELETE FROM holds WHERE order_id = ?1")                    \
	X(FIND_LEAF,                                                           \
	    "SELECT leaf FROM events WHERE order_id = ?1 AND event = ?2 AND "  \
	    "leaf IS NOT NULL ORDER BY number DESC LIMIT 1")                   \
	X(ACKNOWLEDGE,                                                         \
	    "UPDATE acknowledged SET number = ?1 WHERE number < ?1")           \
	X(PUT_PAYMENT,                                                         \
	    "INSERT INTO payments VALUES (?1, ?2, ?3, ?4, ?5) "                \
	    "ON CONFLICT (id) DO UPDATE SET state = ?3, amount = ?4, "         \
	    "paid = ?5")                                                       \
	X(PUT_OP, "INSERT OR REPLACE INTO outbox VALUES (?1, ?2, ?3, ?4)")     \
	X(DROP_OP, "DELETE FROM outbox WHERE number = ?1")                     \
	X(PUT_ANCHOR,                                                          \
	    "INSERT OR IGNORE INTO anchors VALUES (?1, ?2, ?3, ?4, ?5)")       \
	X(TRIM_ANCHORS,                                                        \
	    "DELETE FROM anchors WHERE size <= (SELECT size FROM anchors "     \
	    "ORDER BY size DESC LIMIT 1 OFFSET ?1)")                           \
	X(PUT_LEDGER,                                                          \
	    "INSERT OR REPLACE INTO ledger VALUES (0, ?1, ?2)")                \
	X(PUT_LINK,                                                            \
	    "INSERT INTO links SELECT ?1, id, ?2, ?3 FROM orders "             \
	    "WHERE customer_order_id = ?4 AND peer_identity = ?5 AND "         \
	    "role = ?6")                                                       \
	X(PROBE, "UPDATE recovery SET count = count + 1")

#define STORE_READ_MAP(X)                                                      \
	X(FIND,                                                                \
	    "SELECT " STORE_ORDER_COLUMNS " FROM orders "                      \
	    "WHERE customer_order_id = ?1 AND peer_identity = ?2 AND "         \
	    "role = ?3")                                                       \
	X(GET, "SELECT " STORE_ORDER_COLUMNS " FROM orders WHERE id = ?1")     \
	X(DOCS,                                                                \
	    "SELECT id, bytes FROM documents WHERE id BETWEEN ?1 AND ?2")      \
	X(SEARCH,                                                              \
	    "SELECT id FROM orders WHERE customer_order_id = ?1 UNION "        \
	    "SELECT id FROM orders WHERE provider_order_id = ?1 ORDER BY id")  \
	X(EACH, "SELECT id FROM orders ORDER BY last_event")                   \
	X(EACH_OPEN,                                                           \
	    "SELECT id FROM orders WHERE settled = 0 ORDER BY last_event")     \
	X(EACH_AWAKE,                                                          \
	    "SELECT id FROM orders WHERE settled = 0 AND NOT " STORE_RESTS     \
	    " ORDER BY last_event")                                            \
	X(RESTING,                                                             \
	    "SELECT peer_identity, count(*) FROM orders WHERE settled = 0 "    \
	    "AND " STORE_RESTS " GROUP BY peer_identity")                      \
	X(PAGE, "SELECT id FROM orders WHERE id > ?1 ORDER BY id LIMIT ?2")    \
	X(DUE,                                                                 \
	    "SELECT id, next_service FROM orders WHERE next_service <= ?1 "    \
	    "AND (next_service > ?2 OR (next_service = ?2 AND id > ?3)) "      \
	    "AND role = ?4 ORDER BY next_service, id LIMIT ?5")                \
	X(NEXT_SERVICE,                                                        \
	    "SELECT next_service FROM orders WHERE next_service > ?1 "         \
	    "AND role = ?2 ORDER BY next_service LIMIT 1")                     \
	X(NEWEST, "SELECT ifnull(max(number), 0) FROM events")                 \
	X(EACH_HOLD,                                                           \
	    "SELECT resource, from_time, until_time, amount, bought, "         \
	    "peer_identity, customer_order_id, order_ref "                     \
	    "FROM holds JOIN orders ON orders.id = holds.order_id "            \
	    "ORDER BY order_id, line")                                         \
	X(ORDER_HOLDS,                                                         \
	    "SELECT resource, from_time, until_time, amount, bought, "         \
	    "peer_identity, customer_order_id, order_ref "                     \
	    "FROM holds JOIN orders ON orders.id = holds.order_id "            \
	    "WHERE customer_order_id = ?1 AND peer_identity = ?2 AND "         \
	    "role = ?3 ORDER BY line")                                         \
	X(LAST_EVENT,                                                          \
	    "SELECT last_event FROM orders WHERE customer_order_id = ?1 AND "  \
	    "peer_identity = ?2 AND role = ?3")                                \
	X(EVENT,                                                               \
	    "SELECT " STORE_EVENT_COLUMNS " FROM events WHERE number = ?1")    \
	/* the order of the tables is that of the loops */                     \
	X(CHANGES,                                                             \
	    "SELECT " STORE_EVENT_COLUMNS ", role, peer_identity, "            \
	    "customer_order_id, provider_order_id, order_ref "                 \
	    "FROM events CROSS JOIN orders ON orders.id = events.order_id "    \
	    "WHERE number > ?1 AND " STORE_IS_CHANGE                           \
	    " ORDER BY number LIMIT ?2")                                       \
	X(NEWEST_CHANGE,                                                       \
	    "SELECT number FROM events WHERE " STORE_IS_CHANGE                 \
	    " ORDER BY number DESC LIMIT 1")                                   \
	X(ACKNOWLEDGED, "SELECT number FROM acknowledged")                     \
	X(PAYMENT,                                                             \
	    "SELECT " STORE_PAYMENT_COLUMNS "WHERE payments.id = ?1")          \
	X(ORDER_PAYMENTS,                                                      \
	    "SELECT " STORE_PAYMENT_COLUMNS "WHERE customer_order_id = ?1 "    \
	    "AND peer_identity = ?2 AND role = ?3 ORDER BY payments.rowid")    \
	X(OUTBOX,                                                              \
	    "SELECT number, kind, subject, op FROM outbox ORDER BY number")    \
	X(ANCHOR,                                                              \
	    "SELECT " STORE_ANCHOR_COLUMNS                                     \
	    "WHERE size > ?1 ORDER BY size LIMIT 1")                           \
	X(ANCHORED, "SELECT ifnull(max(size), 0) FROM anchors")                \
	X(LEDGER, "SELECT id, outcomes FROM ledger")                           \
	X(CHILDREN,                                                            \
	    "SELECT " STORE_LINK_COLUMNS "WHERE parents.customer_order_id = "  \
	    "?1 AND parents.peer_identity = ?2 AND parents.role = ?3 "         \
	    "ORDER BY links.child")                                            \
	X(PARENT,                                                              \
	    "SELECT " STORE_LINK_COLUMNS "WHERE children.customer_order_id = " \
	    "?1 AND children.peer_identity = ?2 AND children.role = ?3")       \
	X(SECRET, "SELECT bytes FROM secret")

enum store_write {
#define X(name, text) STORE_WRITE_##name,
	STORE_WRITE_MAP(X)
#undef X
	    STORE_WRITE_END
};

enum store_read {
#define X(name, text) STORE_READ_##name,
	STORE_READ_MAP(X)
#undef X
	    STORE_READ_END
};

/* A run of bytes in a batch's buffer, which moves while it grows. */
struct store_slice {
	size_t off;
	size_t len;
};

/* An order that a batch touches, as it is after the batch: an order that
 * changes several times in one batch is written once. */
struct store_order {
	uint8_t ref[CPNP_SHA256_LEN];
	cpnp_role role;
	struct store_slice peer;
	struct store_slice customer;
	bool has_state; /* else only its holds change */
	struct store_slice provider;
	cpnp_state state;
	cpnp_agreement_state agreement;
	bool settled;
	cpnp_wtime changed;
	struct store_slice saved;
	uint32_t docs_changed;
	struct store_slice docs[CPNP_DOC_END];
	struct store_slice opening;
	bool has_note;
	struct store_slice note;
	bool has_service; /* cpnp_store_next_date() */
	cpnp_wtime service;
	uint64_t last; /* its last event, counted within the batch from 1 */
	/* known when it is applied: */
	sqlite3_int64 id;
	uint64_t before; /* its last event before the batch; 0: none */
};

enum store_entry_type {
	STORE_ENTRY_PAYMENT,
	STORE_ENTRY_EVENT,
	STORE_ENTRY_HOLDS,
	STORE_ENTRY_BUY,
	STORE_ENTRY_RELEASE,
	STORE_ENTRY_RECEIPT,
	STORE_ENTRY_LINK
};

/* One thing to write, in the order in which they came. */
struct store_entry {
	enum store_entry_type type;
	size_t order; /* index of its order in the batch */
	union {
		struct {
			cpnp_state from;
			cpnp_state to;
			cpnp_agreement_state agreement_from;
			cpnp_agreement_state agreement_to;
			cpnp_event event;
			cpnp_wtime time;
			struct store_slice detail;
			struct store_slice statement;
			struct store_slice agreement;
			struct store_slice receipt; /* from the peer */
			struct store_slice outcome;
			uint64_t previous; /* as store_order.last; 0: none */
			uint64_t receipt_tag;
			bool has_leaf; /* known when it is applied, ... */
			uint64_t leaf;
		} event;
		struct store_slice holds; /* array of cpnp_store_hold */
		struct {
			uint8_t id[CPNP_SHA256_LEN];
			cpnp_store_payment_state state;
			int64_t amount;
			int64_t paid;
		} payment;
		struct {
			cpnp_event event;
			uint64_t tag;
			bool has_leaf; /* known when it is applied, ... */
			uint64_t leaf;
		} receipt;
		struct {
			struct store_slice parent_peer;
			struct store_slice parent_customer;
			uint32_t segment;
			uint32_t request;
		} link; /* its order is the child */
	} u;
};

/* One thing about the ledger that belongs to no order. */
struct store_note {
	enum store_write write; /* the statement: PUT_OP, ... */
	uint64_t number;
	uint64_t second; /* kind, position, outcomes */
	uint8_t first[CPNP_SHA256_LEN]; /* subject, root, ledger */
	uint8_t digest[CPNP_SHA256_LEN];
	struct store_slice bytes;
};

/* A receipt that was asked for, in the receipts of the batch. */
struct store_receipt {
	uint64_t tag;
	struct store_slice bytes;
};

struct cpnp_store_batch {
	cpnp_store_batch *next; /* in a queue */
	const cpnp_mem *mem;
	void *user;
	int err; /* first error of a put, then the result */
	cpnp_buf data;
	struct store_order *orders;
	size_t orders_n, orders_cap;
	struct store_entry *entries;
	size_t entries_n, entries_cap;
	uint64_t events_n; /* how many of the entries are events */
	uint64_t acknowledged; /* 0: it says nothing of it */
	struct store_note *notes;
	size_t notes_n, notes_cap;
	uint32_t *table; /* open hash of ref -> 1 + index in orders */
	size_t table_cap;
	cpnp_buf receipt_data;
	struct store_receipt *receipts; /* sorted by tag */
	size_t receipts_n, receipts_cap;
};

struct store_queue {
	cpnp_store_batch *first;
	cpnp_store_batch **last;
};

struct cpnp_store {
	char *path;
	cpnp_mem mem; /* for batches; used from both threads */
	bool writer_thread;
	int lock_fd;
	sqlite3 *rd;
	sqlite3_stmt *read[STORE_READ_END];
	cpnp_buf row; /* content of the views that cpnp_store_find() gives */
	cpnp_journal *proofs; /* the journal for reading; NULL: not yet */

	sqlite3 *wr; /* NULL when read only */
	sqlite3_stmt *write[STORE_WRITE_END];
	cpnp_journal *journal;
	bool heads_signed;
	uint64_t events; /* number of the last one */

	pthread_t thread;
	bool started;
	int done_fd; /* eventfd, readable while done is not empty */
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t wake;
	struct store_queue submitted;
	struct store_queue done;
	size_t pending;
	bool stop;
	bool failed; /* until cpnp_store_recover() */
	cpnp_diag diag; /* of the last failure */
};

/* Make room for one more element in an array of size bytes each. */
int store_array_grow(
    const cpnp_mem *mem, void **array, size_t *cap, size_t n, size_t size);

/* The bytes of a slice. */
static inline cpnp_bytes
store_slice_bytes(const cpnp_buf *buf, struct store_slice slice)
{
	if (slice.len == 0)
		return CPNP_BYTES_NONE;
	return (cpnp_bytes){buf->ptr + slice.off, slice.len};
}

/* batch.c: a copy of bytes; a new entry for an order, NULL and the batch's
 * error when there is none. */
struct store_slice store_put_bytes(cpnp_store_batch *batch, cpnp_bytes bytes);
struct store_entry *store_add_entry(cpnp_store_batch *batch,
    const cpnp_order *order, enum store_entry_type type);
/* write.c: run a statement that gives no rows; bound is the sum of what
 * binding returned. */
int store_run(sqlite3_stmt *stmt, int bound);
/* ledger.c: what a batch says of payments and the ledger. */
int store_write_payment(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_entry *entry);
int store_write_notes(cpnp_store *store, const cpnp_store_batch *batch);
/* link.c */
int store_write_link(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_entry *entry);
/* A new store gets its secret. */
int store_make_secret(cpnp_store *store, const cpnp_env *env);

/* CPNP_ERR_* for a code of SQLite. */
int store_error(int rc);
/* Fill in diag, which may be NULL; returns err. */
int store_diag(cpnp_diag *diag, int err, const char *where, const char *why);

/* Bring the schema to the newest version within a transaction of its own;
 * what is at fault goes to diag. */
int store_schema_open(
    sqlite3 *db, const char *path, bool create, cpnp_diag *diag);
/* Check that the schema is exactly ours. */
int store_schema_check(sqlite3 *db, const char *path, cpnp_diag *diag);

/* Write the batches of a list in one transaction, each getting its result in
 * err.  Returns 0 or the error of the whole; the reason goes to diag. */
int store_write_group(
    cpnp_store *store, cpnp_store_batch *first, cpnp_diag *diag);
/* Try to write, and bring the journal back to what is on disk. */
int store_write_probe(cpnp_store *store, cpnp_diag *diag);

/* A column as bytes; SQLite keeps them until the statement moves on. */
cpnp_bytes store_column(sqlite3_stmt *stmt, int i);
/* The event of a row that begins with STORE_EVENT_COLUMNS. */
void store_get_event(sqlite3_stmt *stmt, cpnp_store_event *event);

/* Start and stop the writer thread. */
int store_queue_start(cpnp_store *store);
void store_queue_stop(cpnp_store *store);

#endif
