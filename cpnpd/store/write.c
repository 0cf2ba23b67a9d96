/*
 * Writing: a list of batches in one transaction.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* What the transaction in hand has done so far. */
struct group {
	cpnp_store *store;
	uint64_t events; /* number of the last one */
	uint64_t base;   /* ... before the batch in hand */
	bool leaves;     /* the journal has grown */
	cpnp_wtime time; /* of the newest event */
};

static int
bind_text(sqlite3_stmt *stmt, int column, cpnp_bytes text)
{
	if (text.len == 0)
		return sqlite3_bind_null(stmt, column);
	return sqlite3_bind_text64(stmt, column, (const char *)text.ptr,
	    text.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* Empty bytes are an empty blob: what is not there has no row. */
static int
bind_blob(sqlite3_stmt *stmt, int column, cpnp_bytes bytes)
{
	if (bytes.len == 0)
		return sqlite3_bind_zeroblob(stmt, column, 0);
	return sqlite3_bind_blob64(
	    stmt, column, bytes.ptr, bytes.len, SQLITE_STATIC);
}

/* It is made ready for the next time; what binding returned is 0 or
 * positive. */
int
store_run(sqlite3_stmt *stmt, int bound)
{
	int rc = bound != 0 ? SQLITE_NOMEM : sqlite3_step(stmt);

	(void)sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? 0 : store_error(rc);
}

static int
run_simple(cpnp_store *store, enum store_write which)
{
	return store_run(store->write[which], 0);
}

/* Text of a column without copying; good until the statement is reset. */
static cpnp_bytes
column_bytes(sqlite3_stmt *stmt, int column)
{
	const uint8_t *ptr = sqlite3_column_blob(stmt, column);

	return (cpnp_bytes){ptr, (size_t)sqlite3_column_bytes(stmt, column)};
}

struct known {
	bool found;
	bool same_provider;
	bool settled;
	bool has_service;
	cpnp_wtime service;
};

/* Find the row of an order.  A row of the same name with another reference is
 * another order: the identifier was used before (contradictions.md, 32). */
static int
lookup(cpnp_store *store, const cpnp_store_batch *batch,
    struct store_order *order, struct known *known)
{
	sqlite3_stmt *stmt = store->write[STORE_WRITE_LOOKUP];
	cpnp_bytes ref = {order->ref, CPNP_SHA256_LEN};
	int bound = 0, rc, err = 0;

	*known = (struct known){.found = false};
	bound |= bind_text(stmt, 1, store_slice_bytes(&batch->data,
	    order->customer));
	bound |= sqlite3_bind_text64(stmt, 2,
	    (const char *)batch->data.ptr + order->peer.off, order->peer.len,
	    SQLITE_STATIC, SQLITE_UTF8);
	bound |= sqlite3_bind_int(stmt, 3, (int)order->role);
	rc = bound != 0 ? SQLITE_NOMEM : sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		known->found = true;
		order->id = sqlite3_column_int64(stmt, 0);
		if (!cpnp_bytes_equal(column_bytes(stmt, 1), ref))
			err = CPNP_ERR_EXISTS;
		known->same_provider =
		    cpnp_bytes_equal(column_bytes(stmt, 2),
			store_slice_bytes(&batch->data, order->provider));
		known->settled = sqlite3_column_int(stmt, 3) != 0;
		order->before = (uint64_t)sqlite3_column_int64(stmt, 4);
		known->has_service =
		    sqlite3_column_type(stmt, 5) != SQLITE_NULL;
		known->service.sec = sqlite3_column_int64(stmt, 5);
	} else if (rc != SQLITE_DONE) {
		err = store_error(rc);
	}
	(void)sqlite3_reset(stmt);
	return err;
}

static int
bind_service(
    sqlite3_stmt *stmt, int column, const struct store_order *order)
{
	return order->has_service
	    ? sqlite3_bind_int64(stmt, column, order->service.sec)
	    : sqlite3_bind_null(stmt, column);
}

static int
insert_order(const struct group *group, const cpnp_store_batch *batch,
    struct store_order *order)
{
	sqlite3_stmt *stmt = group->store->write[STORE_WRITE_INSERT];
	const cpnp_buf *data = &batch->data;
	int bound = 0, err;

	bound |= sqlite3_bind_int(stmt, 1, (int)order->role);
	bound |= sqlite3_bind_int(stmt, 2, (int)order->state);
	bound |= sqlite3_bind_int(stmt, 3, (int)order->agreement);
	bound |= sqlite3_bind_int(stmt, 4, order->settled);
	bound |= sqlite3_bind_int64(stmt, 5, order->changed.sec);
	bound |= bind_blob(
	    stmt, 6, (cpnp_bytes){order->ref, CPNP_SHA256_LEN});
	bound |= sqlite3_bind_text64(stmt, 7,
	    (const char *)data->ptr + order->peer.off, order->peer.len,
	    SQLITE_STATIC, SQLITE_UTF8);
	bound |= bind_text(stmt, 8, store_slice_bytes(data, order->customer));
	bound |= bind_text(stmt, 9, store_slice_bytes(data, order->provider));
	bound |= bind_blob(stmt, 10, store_slice_bytes(data, order->saved));
	bound |= sqlite3_bind_int64(
	    stmt, 11, (sqlite3_int64)(group->base + order->last));
	bound |= bind_service(stmt, 12, order);
	err = store_run(stmt, bound);
	order->id = sqlite3_last_insert_rowid(group->store->wr);
	return err;
}

/* What stands in an index is written only when it differs, as SQLite would
 * take the entry out and put it back each time. */
static int
update_order(const struct group *group, const cpnp_store_batch *batch,
    const struct store_order *order, const struct known *known)
{
	cpnp_store *store = group->store;
	sqlite3_stmt *stmt = store->write[STORE_WRITE_UPDATE];
	const cpnp_buf *data = &batch->data;
	int bound = 0, err;

	bound |= sqlite3_bind_int64(stmt, 1, order->id);
	bound |= sqlite3_bind_int(stmt, 2, (int)order->state);
	bound |= sqlite3_bind_int(stmt, 3, (int)order->agreement);
	bound |= sqlite3_bind_int64(stmt, 4, order->changed.sec);
	bound |= bind_blob(stmt, 5, store_slice_bytes(data, order->saved));
	bound |= sqlite3_bind_int64(
	    stmt, 6, (sqlite3_int64)(group->base + order->last));
	err = store_run(stmt, bound);
	if (err == 0 && !known->same_provider) {
		stmt = store->write[STORE_WRITE_UPDATE_PROVIDER];
		bound = sqlite3_bind_int64(stmt, 1, order->id);
		bound |= bind_text(
		    stmt, 2, store_slice_bytes(data, order->provider));
		err = store_run(stmt, bound);
	}
	if (err == 0 && known->settled != order->settled) {
		stmt = store->write[STORE_WRITE_UPDATE_SETTLED];
		bound = sqlite3_bind_int64(stmt, 1, order->id);
		bound |= sqlite3_bind_int(stmt, 2, order->settled);
		err = store_run(stmt, bound);
	}
	if (err == 0 && (known->has_service != order->has_service ||
			    (order->has_service &&
				known->service.sec != order->service.sec))) {
		stmt = store->write[STORE_WRITE_UPDATE_SERVICE];
		bound = sqlite3_bind_int64(stmt, 1, order->id);
		bound |= bind_service(stmt, 2, order);
		err = store_run(stmt, bound);
	}
	return err;
}

static int
write_doc(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_order *order, int kind, struct store_slice slice)
{
	cpnp_bytes doc = store_slice_bytes(&batch->data, slice);
	sqlite3_stmt *stmt = store->write[doc.len == 0 ? STORE_WRITE_DROP_DOC
						       : STORE_WRITE_PUT_DOC];
	int bound = sqlite3_bind_int64(
	    stmt, 1, order->id * STORE_DOCS_STRIDE + kind);

	if (doc.len != 0)
		bound |= bind_blob(stmt, 2, doc);
	return store_run(stmt, bound);
}

static int
write_docs(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_order *order)
{
	cpnp_bytes payment;
	int i, err = 0;

	for (i = 0; i < CPNP_DOC_END && err == 0; i++)
		if ((order->docs_changed & (1u << i)) != 0)
			err = write_doc(
			    store, batch, order, i, order->docs[i]);
	/* the next agreement's takes its place, and a proof needs both */
	payment = store_slice_bytes(
	    &batch->data, order->docs[CPNP_DOC_PAYMENT]);
	if (err == 0 && payment.len != 0 &&
	    (order->docs_changed & (1u << CPNP_DOC_PAYMENT)) != 0)
		err = cpnp_journal_put_payment(
		    store->journal, order->ref, payment);
	return err;
}

static int
write_order(const struct group *group, const cpnp_store_batch *batch,
    struct store_order *order)
{
	cpnp_store *store = group->store;
	struct known known;
	int err = lookup(store, batch, order, &known);

	if (err != 0)
		return err;
	if (!order->has_state)
		err = known.found ? 0 : CPNP_ERR_NOT_FOUND;
	else if (known.found)
		err = update_order(group, batch, order, &known);
	else
		err = insert_order(group, batch, order);
	if (err == 0)
		err = write_docs(store, batch, order);
	if (err == 0 && order->has_note)
		err = write_doc(
		    store, batch, order, STORE_DOC_NOTE, order->note);
	if (err == 0 && order->opening.len != 0)
		err = cpnp_journal_put_order(store->journal, order->ref,
		    store_slice_bytes(&batch->data, order->opening),
		    CPNP_BYTES_NONE, CPNP_BYTES_NONE);
	return err;
}

/* The leaf of an event, and what a proof needs with it. */
static int
write_journal(struct group *group, const cpnp_store_batch *batch,
    struct store_entry *entry)
{
	const struct store_order *order = &batch->orders[entry->order];
	cpnp_journal *journal = group->store->journal;
	cpnp_bytes statement, agreement, receipt;
	int err = 0;

	statement = store_slice_bytes(&batch->data, entry->u.event.statement);
	agreement = store_slice_bytes(&batch->data, entry->u.event.agreement);
	receipt = store_slice_bytes(&batch->data, entry->u.event.receipt);
	if (statement.len != 0) {
		err = cpnp_journal_append(
		    journal, order->ref, statement, &entry->u.event.leaf);
		entry->u.event.has_leaf = true;
		group->leaves = true;
	}
	if (err == 0 && (agreement.len != 0 || receipt.len != 0))
		err = cpnp_journal_put_order(
		    journal, order->ref, CPNP_BYTES_NONE, agreement, receipt);
	return err;
}

static int
write_event(struct group *group, const cpnp_store_batch *batch,
    struct store_entry *entry)
{
	sqlite3_stmt *stmt = group->store->write[STORE_WRITE_EVENT];
	uint64_t previous = entry->u.event.previous;
	int bound = 0, err;

	err = write_journal(group, batch, entry);
	if (err != 0)
		return err;
	if (entry->u.event.time.sec > group->time.sec)
		group->time = entry->u.event.time;
	bound |= sqlite3_bind_int64(
	    stmt, 1, (sqlite3_int64)(group->events + 1));
	bound |= sqlite3_bind_int64(stmt, 2, batch->orders[entry->order].id);
	bound |= sqlite3_bind_int64(stmt, 3, entry->u.event.time.sec);
	bound |= sqlite3_bind_int(stmt, 4, (int)entry->u.event.from);
	bound |= sqlite3_bind_int(stmt, 5, (int)entry->u.event.to);
	bound |= sqlite3_bind_int(stmt, 6, (int)entry->u.event.event);
	bound |= entry->u.event.has_leaf
	    ? sqlite3_bind_int64(
		  stmt, 7, (sqlite3_int64)entry->u.event.leaf)
	    : sqlite3_bind_null(stmt, 7);
	bound |= bind_text(stmt, 8,
	    store_slice_bytes(&batch->data, entry->u.event.detail));
	previous = previous != 0 ? group->base + previous
				 : batch->orders[entry->order].before;
	bound |= sqlite3_bind_int64(stmt, 9, (sqlite3_int64)previous);
	bound |= sqlite3_bind_int(
	    stmt, 10, (int)entry->u.event.agreement_from);
	bound |= sqlite3_bind_int(stmt, 11, (int)entry->u.event.agreement_to);
	bound |= entry->u.event.outcome.len == 0
	    ? sqlite3_bind_null(stmt, 12)
	    : bind_blob(stmt, 12,
		  store_slice_bytes(&batch->data, entry->u.event.outcome));
	err = store_run(stmt, bound);
	if (err == 0)
		group->events++;
	return err;
}

static int
write_one(cpnp_store *store, enum store_write which, sqlite3_int64 number)
{
	sqlite3_stmt *stmt = store->write[which];

	return store_run(stmt, sqlite3_bind_int64(stmt, 1, number));
}

static int
write_holds(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_entry *entry)
{
	sqlite3_stmt *stmt = store->write[STORE_WRITE_HOLD];
	sqlite3_int64 id = batch->orders[entry->order].id;
	const cpnp_store_hold *hold =
	    (const void *)(batch->data.ptr + entry->u.holds.off);
	size_t i, n = entry->u.holds.len / sizeof(*hold);
	int bound, err;

	err = write_one(store, STORE_WRITE_RELEASE, id);
	for (i = 0; i < n && err == 0; i++, hold++) {
		bound = sqlite3_bind_int64(stmt, 1, id);
		bound |= sqlite3_bind_int64(stmt, 2, (sqlite3_int64)i);
		bound |= sqlite3_bind_text(stmt, 3, hold->resource,
		    (int)strnlen(hold->resource, sizeof(hold->resource)),
		    SQLITE_STATIC);
		bound |= sqlite3_bind_int64(stmt, 4, hold->from.sec);
		bound |= sqlite3_bind_int64(stmt, 5, hold->until.sec);
		bound |= sqlite3_bind_int64(stmt, 6, hold->amount);
		bound |= sqlite3_bind_int(stmt, 7, hold->bought);
		err = store_run(stmt, bound);
	}
	return err;
}

/* Find the leaf of an earlier event; without one there is no receipt. */
static int
find_leaf(struct group *group, const cpnp_store_batch *batch,
    struct store_entry *entry)
{
	sqlite3_stmt *stmt = group->store->write[STORE_WRITE_FIND_LEAF];
	int rc;

	rc = sqlite3_bind_int64(stmt, 1, batch->orders[entry->order].id);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int(
		    stmt, 2, (int)entry->u.receipt.event);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		entry->u.receipt.leaf =
		    (uint64_t)sqlite3_column_int64(stmt, 0);
		entry->u.receipt.has_leaf = true;
		group->leaves = true;
	}
	(void)sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : store_error(rc);
}

static int
write_entry(struct group *group, const cpnp_store_batch *batch,
    struct store_entry *entry)
{
	sqlite3_int64 id = batch->orders[entry->order].id;

	switch (entry->type) {
	case STORE_ENTRY_EVENT:
		return write_event(group, batch, entry);
	case STORE_ENTRY_HOLDS:
		return write_holds(group->store, batch, entry);
	case STORE_ENTRY_BUY:
		return write_one(group->store, STORE_WRITE_BUY, id);
	case STORE_ENTRY_RELEASE:
		return write_one(group->store, STORE_WRITE_RELEASE, id);
	case STORE_ENTRY_RECEIPT:
		return find_leaf(group, batch, entry);
	case STORE_ENTRY_PAYMENT:
		return store_write_payment(group->store, batch, entry);
	case STORE_ENTRY_LINK:
		return store_write_link(group->store, batch, entry);
	}
	return CPNP_ERR_INTERNAL;
}

static int
write_batch(struct group *group, cpnp_store_batch *batch)
{
	int err = batch->err;
	size_t i;

	group->base = group->events;
	for (i = 0; i < batch->orders_n && err == 0; i++)
		err = write_order(group, batch, &batch->orders[i]);
	for (i = 0; i < batch->entries_n && err == 0; i++)
		err = write_entry(group, batch, &batch->entries[i]);
	if (err == 0)
		err = store_write_notes(group->store, batch);
	if (err == 0 && batch->acknowledged != 0)
		err = write_one(group->store, STORE_WRITE_ACKNOWLEDGE,
		    (sqlite3_int64)batch->acknowledged);
	return err;
}

static int
add_receipt(
    cpnp_journal *journal, cpnp_store_batch *batch, uint64_t tag, uint64_t leaf)
{
	struct store_receipt *receipt;
	int err;

	err = store_array_grow(batch->mem, (void **)&batch->receipts,
	    &batch->receipts_cap, batch->receipts_n, sizeof(*batch->receipts));
	if (err != 0)
		return err;
	receipt = &batch->receipts[batch->receipts_n];
	receipt->tag = tag;
	receipt->bytes.off = batch->receipt_data.len;
	err = cpnp_journal_receipt(journal, leaf, &batch->receipt_data);
	receipt->bytes.len = batch->receipt_data.len - receipt->bytes.off;
	if (err == 0)
		batch->receipts_n++;
	return err;
}

static int
order_by_tag(const void *a, const void *b)
{
	uint64_t x = ((const struct store_receipt *)a)->tag;
	uint64_t y = ((const struct store_receipt *)b)->tag;

	return x < y ? -1 : x > y;
}

/* The receipts that a batch wants, under the head that covers its leaves. */
static int
make_receipts(cpnp_store *store, cpnp_store_batch *batch)
{
	const struct store_entry *entry;
	size_t i;
	int err = 0;

	batch->receipts_n = 0;
	cpnp_buf_reset(&batch->receipt_data);
	for (i = 0; i < batch->entries_n && err == 0; i++) {
		entry = &batch->entries[i];
		if (entry->type == STORE_ENTRY_EVENT &&
		    entry->u.event.receipt_tag != 0 &&
		    entry->u.event.has_leaf)
			err = add_receipt(store->journal, batch,
			    entry->u.event.receipt_tag, entry->u.event.leaf);
		else if (entry->type == STORE_ENTRY_RECEIPT &&
		    entry->u.receipt.has_leaf)
			err = add_receipt(store->journal, batch,
			    entry->u.receipt.tag, entry->u.receipt.leaf);
	}
	if (batch->receipts_n > 1)
		qsort(batch->receipts, batch->receipts_n,
		    sizeof(*batch->receipts), order_by_tag);
	return err;
}

/* One head for all, then the receipts, still within the transaction. */
static int
close_journal(struct group *group, cpnp_store_batch *first)
{
	cpnp_store_batch *batch;
	int err;

	if (!group->leaves || !group->store->heads_signed)
		return 0;
	err = cpnp_journal_sign_head(group->store->journal, group->time);
	for (batch = first; batch != NULL && err == 0; batch = batch->next)
		err = make_receipts(group->store, batch);
	return err;
}

static void
roll_back(cpnp_store *store)
{
	if (!sqlite3_get_autocommit(store->wr))
		(void)run_simple(store, STORE_WRITE_ROLLBACK);
}

/* All fail; the one that is at fault knows why, the others fail with it. */
static void
fail_group(cpnp_store_batch *first, const cpnp_store_batch *culprit, int err)
{
	cpnp_store_batch *batch;

	for (batch = first; batch != NULL; batch = batch->next) {
		batch->err = batch == culprit ? err : CPNP_ERR_IO;
		batch->receipts_n = 0;
	}
}

int
store_write_group(cpnp_store *store, cpnp_store_batch *first, cpnp_diag *diag)
{
	struct group group = {.store = store, .events = store->events};
	cpnp_store_batch *batch = NULL;
	int err;

	err = run_simple(store, STORE_WRITE_BEGIN);
	for (batch = first; batch != NULL && err == 0;) {
		err = write_batch(&group, batch);
		if (err == 0)
			batch = batch->next;
	}
	if (err == 0)
		err = close_journal(&group, first);
	if (err == 0)
		err = run_simple(store, STORE_WRITE_COMMIT);
	if (err == 0) {
		store->events = group.events;
		return 0;
	}
	(void)store_diag(diag, err, store->path,
	    sqlite3_errcode(store->wr) != SQLITE_OK &&
		    (err == CPNP_ERR_IO || err == CPNP_ERR_BUSY)
		? sqlite3_errmsg(store->wr)
		: cpnp_strerror(err));
	fail_group(first, batch, err);
	roll_back(store);
	return err;
}

int
store_write_probe(cpnp_store *store, cpnp_diag *diag)
{
	int err;

	err = run_simple(store, STORE_WRITE_BEGIN);
	if (err == 0)
		err = run_simple(store, STORE_WRITE_PROBE);
	if (err == 0)
		err = run_simple(store, STORE_WRITE_COMMIT);
	if (err != 0) {
		(void)store_diag(
		    diag, err, store->path, sqlite3_errmsg(store->wr));
		roll_back(store);
		return CPNP_ERR_IO;
	}
	/* What it had in memory was of the transaction that failed. */
	if (cpnp_journal_rollback(store->journal) != 0)
		return store_diag(diag, CPNP_ERR_IO, store->path,
		    "the journal cannot be read back");
	return 0;
}
