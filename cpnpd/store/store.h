/*
 * Permanent storage of orders, their history, the capacity they hold and the
 * journal: an interface, and its one implementation on SQLite.
 *
 * Writes are collected in batches.  A batch is one transaction: order states,
 * documents, events, capacity rows and journal leaves become durable together
 * or not at all.  A daemon submits batches to a writer thread and learns of
 * their completion, in order, through a file descriptor; a client commits
 * them on the spot.  When a batch fails, every batch submitted after it fails
 * too (CPNP_ERR_IO), until cpnp_store_recover() has succeeded.
 *
 * Nothing above this interface knows of files or of SQL.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_STORE_H
#define CPNPD_STORE_H

#include <cpnp/ledger.h>
#include <cpnp/order.h>

typedef struct cpnp_store cpnp_store;
typedef struct cpnp_store_batch cpnp_store_batch;

/* One row of held capacity: amount of a resource from a moment until another,
 * for an order.  resource is a name of the catalogue; amounts are in units of
 * the resource (bit/s for places). */
typedef struct cpnp_store_hold {
	char resource[96];
	cpnp_wtime from;
	cpnp_wtime until; /* CPNP_WTIME_MAX: without end */
	int64_t amount;
	bool bought; /* false while it is only offered */
} cpnp_store_hold;

/* A hold with the order that it belongs to. */
typedef struct cpnp_store_held {
	cpnp_store_hold hold;
	cpnp_bytes peer_identity;
	cpnp_bytes customer_order_id;
	const uint8_t *order_ref; /* CPNP_SHA256_LEN bytes */
} cpnp_store_held;

typedef struct cpnp_store_config {
	const char *path;     /* the database */
	bool create;          /* make it when it is not there */
	bool read_only;       /* for tools beside a running daemon */
	bool writer_thread;   /* batches are submitted; else committed */
	const char *origin;   /* name of the journal, C2SP origin line; NULL:
				 that of the signer */
	/* Signs the journal's heads; borrowed, and used by the writer thread.
	 * NULL: heads are not signed and there are no receipts; origin is
	 * then needed. */
	const cpnp_signer *journal_signer;
	const cpnp_env *env; /* for its memory, which two threads may use */
} cpnp_store_config;

/*
 * Open the store, migrating an older schema.  A schema newer than this
 * program is refused with a message that says so.  diag says what is wrong
 * and where.  Errors: IO, NOT_FOUND, BUSY (another process writes to it),
 * CONFIG (newer schema, other program's file, other origin or journal key),
 * NOMEM.
 */
int cpnp_store_open(
    cpnp_store **store, const cpnp_store_config *config, cpnp_diag *diag);
/* Waits for submitted batches, then closes. */
void cpnp_store_close(cpnp_store *store);

/* An empty batch; NULL without memory.  user is the caller's. */
cpnp_store_batch *cpnp_store_batch_new(cpnp_store *store, void *user);
void cpnp_store_batch_del(cpnp_store_batch *batch);
void *cpnp_store_batch_user(const cpnp_store_batch *batch);
/* How many entries it has, and how many bytes they take. */
size_t cpnp_store_batch_count(const cpnp_store_batch *batch);
size_t cpnp_store_batch_bytes(const cpnp_store_batch *batch);

/* Add what an effect STORE asks for; everything is copied.  receipt_tag is
 * not 0 when a receipt for the leaf is wanted.  The first error of a batch
 * stays: the same comes from each later put and from its commit. */
int cpnp_store_put(cpnp_store_batch *batch, const cpnp_effect *effect,
    uint64_t receipt_tag);
/* Want a receipt, under this tag, for the leaf of the newest event of this
 * kind that the order has in the store: after a restart, when what made the
 * leaf was in a batch of before.  None comes when there is no such leaf. */
int cpnp_store_want_receipt(cpnp_store_batch *batch, const cpnp_order *order,
    cpnp_event event, uint64_t receipt_tag);
/* Keep bytes of the application's own with an order, replacing those it has:
 * what a client means to do with an offer, say.  At most
 * CPNP_STORE_NOTE_MAX, else CPNP_ERR_INVALID. */
#define CPNP_STORE_NOTE_MAX 1024
int cpnp_store_put_note(
    cpnp_store_batch *batch, const cpnp_order *order, cpnp_bytes note);
/* Add the holds of an order, replacing those it has. */
int cpnp_store_put_holds(cpnp_store_batch *batch, const cpnp_order *order,
    const cpnp_store_hold *holds, size_t n);
/* Mark the holds of an order as bought, or remove them. */
int cpnp_store_buy_holds(cpnp_store_batch *batch, const cpnp_order *order);
int cpnp_store_drop_holds(cpnp_store_batch *batch, const cpnp_order *order);

/*
 * Payments at the shared ledger.  A payment is an escrow, by the digest of the
 * authorization that opened it, or a claim on one; it belongs to an order and
 * stays as long as that.
 */
typedef enum cpnp_store_payment_state {
	CPNP_STORE_PAYMENT_ASKED = 1, /* authorized, not posted */
	CPNP_STORE_PAYMENT_POSTED = 2,
	CPNP_STORE_PAYMENT_SETTLED = 3,
	CPNP_STORE_PAYMENT_OVER = 4, /* refused, voided, returned: not paid */
	CPNP_STORE_PAYMENT_CLAIMED = 5, /* from here on a claim */
	CPNP_STORE_PAYMENT_UPHELD = 6,
	CPNP_STORE_PAYMENT_REJECTED = 7
} cpnp_store_payment_state;

typedef struct cpnp_store_payment {
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_store_payment_state state;
	int64_t amount; /* authorized; of a claim, the credit */
	int64_t paid;   /* what reached the payee so far */
	/* when read: whose it is, views as in a row */
	cpnp_bytes peer_identity;
	cpnp_bytes customer_order_id;
} cpnp_store_payment;

/* Add a payment of an order, or what has become of it. */
int cpnp_store_put_payment(cpnp_store_batch *batch, const cpnp_order *order,
    const cpnp_store_payment *payment);
/* The event that was put last, with nothing behind it, is an outcome of the
 * ledger: its leaf, as cpnp_outcome_encode() makes it, at most
 * CPNP_OUTCOME_MAX bytes; else CPNP_ERR_INVALID. */
int cpnp_store_add_outcome(cpnp_store_batch *batch, cpnp_bytes outcome);

/*
 * The outbox: signed operations whose outcome is not known, each with a number
 * that the caller counts.  kind and subject (CPNP_SHA256_LEN bytes) are the
 * caller's.
 */
typedef struct cpnp_store_op {
	uint64_t number;
	unsigned kind;
	const uint8_t *subject;
	cpnp_bytes bytes;
} cpnp_store_op;
int cpnp_store_put_op(cpnp_store_batch *batch, const cpnp_store_op *op);
int cpnp_store_drop_op(cpnp_store_batch *batch, uint64_t number);

/*
 * Heads of the journal that are known to the ledger: the signed operation and
 * the position of its entry.  The newest CPNP_STORE_ANCHORS_MAX are kept: a
 * leaf under one that is gone is under the next one too.
 */
#define CPNP_STORE_ANCHORS_MAX 10000
typedef struct cpnp_store_anchor {
	uint64_t size;
	const uint8_t *root; /* CPNP_SHA256_LEN bytes, as digest */
	const uint8_t *digest; /* of the operation */
	cpnp_bytes op;
	uint64_t position;
} cpnp_store_anchor;
int cpnp_store_put_anchor(
    cpnp_store_batch *batch, const cpnp_store_anchor *anchor);

/* Which ledger this store is bound to, and up to where its outcomes are
 * handled. */
int cpnp_store_put_ledger(cpnp_store_batch *batch,
    const uint8_t ledger[CPNP_SHA256_LEN], uint64_t outcomes);

/*
 * An order of the role client that is a child: of which of the segments that
 * its parent, an order of the role server, is made of, and for which of the
 * parent's requests.  It goes into the batch in which the child is new.
 */
typedef struct cpnp_store_link {
	uint32_t segment;
	uint32_t request;
	/* when read, views as in a row: */
	cpnp_bytes child_peer;
	cpnp_bytes child_id;
	cpnp_bytes parent_peer;
	cpnp_bytes parent_id;
} cpnp_store_link;
int cpnp_store_put_link(cpnp_store_batch *batch, const cpnp_order *child,
    const cpnp_order *parent, const cpnp_store_link *link);

/* Remember that the changes up to this number have been handled; a smaller
 * number than before changes nothing. */
void cpnp_store_put_acknowledged(cpnp_store_batch *batch, uint64_t number);

/* Commit now, in this thread (writer_thread false).  The caller keeps the
 * batch.  Errors: those of a put; EXISTS when an order is new and its
 * identifier was used before (contradictions.md, 32); IO; STATE when there is
 * a writer thread or the store is read only. */
int cpnp_store_commit(cpnp_store *store, cpnp_store_batch *batch);

/* Hand a batch to the writer thread; the store owns it until it comes back
 * from cpnp_store_done(), in order of submission. */
int cpnp_store_submit(cpnp_store *store, cpnp_store_batch *batch);
/* Readable when batches are done; for the event loop. */
int cpnp_store_fd(const cpnp_store *store);
/* The next batch that is done, or NULL; err is 0 or why it failed.  The
 * caller deletes it. */
cpnp_store_batch *cpnp_store_done(cpnp_store *store, int *err);
/* Batches submitted and not yet done. */
size_t cpnp_store_pending(const cpnp_store *store);
/* After a failure and when all batches have come back: try to write again.
 * Errors: IO while the store is still not writable. */
int cpnp_store_recover(cpnp_store *store);
/* What the first failure since the last success was, for the log. */
void cpnp_store_failure(cpnp_store *store, cpnp_diag *diag);

/* The receipt that a committed batch made for a tag; a view into the batch.
 * Empty when heads are unsigned. */
cpnp_bytes cpnp_store_receipt(
    const cpnp_store_batch *batch, uint64_t receipt_tag);

/*
 * Reading.  An order as saved: key, state bytes and documents, views good
 * until the next read or the return of the callback.
 */
typedef struct cpnp_store_row {
	cpnp_role role;
	cpnp_bytes peer_identity;
	cpnp_bytes customer_order_id;
	cpnp_bytes provider_order_id;
	cpnp_state state;
	cpnp_agreement_state agreement_state;
	bool settled; /* nothing open or outstanding */
	cpnp_wtime changed;
	bool has_service; /* cpnp_store_next_date() */
	cpnp_wtime service;
	cpnp_bytes saved;
	cpnp_bytes docs[CPNP_DOC_END];
	cpnp_bytes note; /* of cpnp_store_put_note() */
} cpnp_store_row;

typedef int cpnp_store_row_fn(void *user, const cpnp_store_row *row);

/* NOT_FOUND when there is none. */
int cpnp_store_find(cpnp_store *store, cpnp_role role,
    cpnp_bytes peer_identity, cpnp_bytes customer_order_id,
    cpnp_store_row *row);
/* By either identifier, as a person types it; calls fn for each match. */
int cpnp_store_search(
    cpnp_store *store, cpnp_bytes order_id, cpnp_store_row_fn *fn, void *user);
/* All orders that are not settled, or all, newest change last. */
int cpnp_store_each(
    cpnp_store *store, bool open_only, cpnp_store_row_fn *fn, void *user);
/*
 * An open order of a server may rest: it is in no memory, and is loaded when
 * its customer answers or its date comes.  Such a row; all open orders but
 * those, newest change last; and how many of those each customer has.
 */
bool cpnp_store_row_rests(const cpnp_store_row *row);
int cpnp_store_each_awake(
    cpnp_store *store, cpnp_store_row_fn *fn, void *user);
typedef int cpnp_store_resting_fn(
    void *user, cpnp_bytes peer_identity, uint64_t n);
int cpnp_store_each_resting(
    cpnp_store *store, cpnp_store_resting_fn *fn, void *user);
/* Some of all orders, in the order of their creation: at most max of those
 * after *cursor, which begins with 0 and is moved.  For a loop that must not
 * stay away long.  more is false when there are no others. */
int cpnp_store_page(cpnp_store *store, uint64_t *cursor, size_t max,
    cpnp_store_row_fn *fn, void *user, bool *more);
/*
 * When an order that is in no memory is to be loaded: at the next date of its
 * service or, while a server's first OFFER waits for the customer, at the end
 * of its validity.  False: there is no such date.
 */
bool cpnp_store_next_date(const cpnp_order *order, cpnp_wtime *date);
/*
 * Orders whose date has come up to a moment, by that date, as it is committed:
 * at most max of those after *cursor, which begins zeroed.  And the first such
 * date after another; NOT_FOUND when there is none.
 */
typedef struct cpnp_store_due {
	cpnp_wtime date;
	uint64_t id;
} cpnp_store_due;
int cpnp_store_page_due(cpnp_store *store, cpnp_role role, cpnp_wtime until,
    cpnp_store_due *cursor, size_t max, cpnp_store_row_fn *fn, void *user,
    bool *more);
int cpnp_store_next_service(cpnp_store *store, cpnp_role role,
    cpnp_wtime after, cpnp_wtime *date);
typedef int cpnp_store_held_fn(void *user, const cpnp_store_held *held);
/* What all orders hold, or one, as it is committed. */
int cpnp_store_each_hold(
    cpnp_store *store, cpnp_store_held_fn *fn, void *user);
int cpnp_store_order_holds(cpnp_store *store, const cpnp_order *order,
    cpnp_store_held_fn *fn, void *user);

typedef struct cpnp_store_event {
	uint64_t number; /* over all orders, from 1 */
	cpnp_wtime time;
	cpnp_state from;
	cpnp_state to;
	cpnp_agreement_state agreement_from;
	cpnp_agreement_state agreement_to;
	cpnp_event event;
	cpnp_bytes detail;
	bool has_leaf;
	uint64_t leaf;
	cpnp_bytes outcome; /* of cpnp_store_add_outcome(), else empty */
} cpnp_store_event;

/* The history of an order, oldest first. */
int cpnp_store_each_event(cpnp_store *store, const cpnp_store_row *row,
    int (*fn)(void *user, const cpnp_store_event *event), void *user);

/* The number of the newest event that is committed; 0: there is none. */
int cpnp_store_last_event(cpnp_store *store, uint64_t *number);

/*
 * Changes: the events that changed the state of a transaction or of an
 * agreement, have a leaf or are an outcome, with the order that they are of.  What is only
 * bookkeeping is left out, so their numbers grow, but not always by one.
 * order_ref has CPNP_SHA256_LEN bytes.
 */
typedef struct cpnp_store_change {
	cpnp_store_event event;
	cpnp_role role;
	cpnp_bytes peer_identity;
	cpnp_bytes customer_order_id;
	cpnp_bytes provider_order_id; /* as it is now */
	const uint8_t *order_ref;
} cpnp_store_change;

typedef int cpnp_store_change_fn(void *user, const cpnp_store_change *change);

/* Some of the changes that are committed, in the order of their numbers: at
 * most max of those after *cursor, as cpnp_store_page().  When fn fails, the
 * cursor stands before the change that it failed for. */
int cpnp_store_page_changes(cpnp_store *store, uint64_t *cursor, size_t max,
    cpnp_store_change_fn *fn, void *user, bool *more);
/* The number of the newest change that is committed, and the number up to
 * which they have been handled; 0: there is none. */
int cpnp_store_last_change(cpnp_store *store, uint64_t *number);
int cpnp_store_acknowledged(cpnp_store *store, uint64_t *number);

/*
 * What proves a change, appended to out; also while a page is being read:
 * the statement that is its leaf, a receipt for it under the newest head, and
 * the agreement of an order digest as cpnp_agreement_encode() makes it.
 * Errors: NOT_FOUND, IO, NOMEM.
 */
int cpnp_store_leaf_statement(
    cpnp_store *store, uint64_t leaf, cpnp_buf *out);
int cpnp_store_leaf_receipt(cpnp_store *store, uint64_t leaf, cpnp_buf *out);
int cpnp_store_agreement(cpnp_store *store,
    const uint8_t order_ref[CPNP_SHA256_LEN],
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_buf *out);

/* The payment of that id; NOT_FOUND. */
int cpnp_store_find_payment(cpnp_store *store,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_store_payment *payment);
typedef int cpnp_store_payment_fn(
    void *user, const cpnp_store_payment *payment);
/* Those of an order, in the order of their making. */
int cpnp_store_each_payment(cpnp_store *store, cpnp_bytes peer_identity,
    cpnp_bytes customer_order_id, cpnp_store_payment_fn *fn, void *user);
/* The outbox, by number. */
int cpnp_store_each_op(cpnp_store *store,
    int (*fn)(void *user, const cpnp_store_op *op), void *user);
/* The first anchor that has this leaf under it; NOT_FOUND: none yet. */
int cpnp_store_find_anchor(cpnp_store *store, uint64_t leaf,
    int (*fn)(void *user, const cpnp_store_anchor *anchor), void *user);
/* How many leaves the newest anchor has; 0: there is none. */
int cpnp_store_anchored(cpnp_store *store, uint64_t *size);
/* NOT_FOUND: it is not bound to a ledger. */
int cpnp_store_ledger(cpnp_store *store, uint8_t ledger[CPNP_SHA256_LEN],
    uint64_t *outcomes);

typedef int cpnp_store_link_fn(void *user, const cpnp_store_link *link);
/* The children of an order, in the order of their making. */
int cpnp_store_each_child(cpnp_store *store, cpnp_bytes parent_peer,
    cpnp_bytes parent_id, cpnp_store_link_fn *fn, void *user);
/* What an order is a child of; fn is not called when it is none. */
int cpnp_store_find_parent(cpnp_store *store, cpnp_bytes child_peer,
    cpnp_bytes child_id, cpnp_store_link_fn *fn, void *user);
/* A random number that was made with the store and stays. */
#define CPNP_STORE_SECRET_LEN 32
int cpnp_store_secret(
    cpnp_store *store, uint8_t secret[CPNP_STORE_SECRET_LEN]);

/*
 * An online copy of the store, as it is at the moment of _new(), into a file
 * that does not exist yet.  _step() copies some pages and says when all of it
 * is durable under its name; _del() before that leaves nothing behind.  While
 * it lasts the store's log only grows.
 * Errors: EXISTS, IO, NOMEM; diag says what and where.
 */
typedef struct cpnp_store_backup cpnp_store_backup;
int cpnp_store_backup_new(cpnp_store_backup **backup, cpnp_store *store,
    const char *path, cpnp_diag *diag);
int cpnp_store_backup_step(cpnp_store_backup *backup, unsigned pages,
    bool *done, cpnp_diag *diag);
void cpnp_store_backup_del(cpnp_store_backup *backup);

/*
 * A copy carries a mark, so that whoever opens it as a store learns that it
 * may be behind what was said since; when is the moment of its making.
 * _forget() takes the mark off, while no batch is submitted.
 * Errors of both: IO; of _forget() STATE too.
 */
int cpnp_store_is_backup(cpnp_store *store, bool *is_backup, cpnp_wtime *when);
int cpnp_store_forget_backup(cpnp_store *store);

/* The newest head of the journal that is committed: leaves and root.
 * NOT_FOUND when none is signed. */
int cpnp_store_head(
    cpnp_store *store, uint64_t *size, uint8_t root[CPNP_SHA256_LEN]);
/* The newest head of the journal that is committed: how many leaves it has,
 * and the C2SP checkpoint, appended to out.  NOT_FOUND when none is signed. */
int cpnp_store_checkpoint(
    cpnp_store *store, uint64_t *size, cpnp_buf *out);

#endif
