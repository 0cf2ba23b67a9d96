/*
 * What has to do with a shared ledger: payments of orders, the outbox, anchors
 * of the journal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cpnp/settlement.h>

#include "internal.h"

/* ---- into a batch ---- */

int
cpnp_store_put_payment(cpnp_store_batch *batch, const cpnp_order *order,
    const cpnp_store_payment *payment)
{
	struct store_entry *entry =
	    store_add_entry(batch, order, STORE_ENTRY_PAYMENT);

	if (entry == NULL)
		return batch->err;
	memcpy(entry->u.payment.id, payment->id, CPNP_SHA256_LEN);
	entry->u.payment.state = payment->state;
	entry->u.payment.amount = payment->amount;
	entry->u.payment.paid = payment->paid;
	return 0;
}

int
cpnp_store_add_outcome(cpnp_store_batch *batch, cpnp_bytes outcome)
{
	struct store_entry *last = batch->entries_n == 0 ? NULL
	    : &batch->entries[batch->entries_n - 1];

	if (outcome.len == 0 || outcome.len > CPNP_OUTCOME_MAX ||
	    last == NULL || last->type != STORE_ENTRY_EVENT)
		return CPNP_ERR_INVALID;
	last->u.event.outcome = store_put_bytes(batch, outcome);
	if (batch->err == 0)
		batch->err = batch->data.err;
	return batch->err;
}

static struct store_note *
add_note(cpnp_store_batch *batch, enum store_write write, uint64_t number)
{
	struct store_note *note;

	if (batch->err == 0 && number > INT64_MAX)
		batch->err = CPNP_ERR_INVALID;
	if (batch->err == 0)
		batch->err = store_array_grow(batch->mem,
		    (void **)&batch->notes, &batch->notes_cap, batch->notes_n,
		    sizeof(*batch->notes));
	if (batch->err != 0)
		return NULL;
	note = &batch->notes[batch->notes_n++];
	memset(note, 0, sizeof(*note));
	note->write = write;
	note->number = number;
	return note;
}

int
cpnp_store_put_op(cpnp_store_batch *batch, const cpnp_store_op *op)
{
	struct store_note *note =
	    add_note(batch, STORE_WRITE_PUT_OP, op->number);

	if (note == NULL)
		return batch->err;
	note->second = op->kind;
	memcpy(note->first, op->subject, CPNP_SHA256_LEN);
	note->bytes = store_put_bytes(batch, op->bytes);
	batch->err = batch->data.err;
	return batch->err;
}

int
cpnp_store_drop_op(cpnp_store_batch *batch, uint64_t number)
{
	(void)add_note(batch, STORE_WRITE_DROP_OP, number);
	return batch->err;
}

int
cpnp_store_put_anchor(
    cpnp_store_batch *batch, const cpnp_store_anchor *anchor)
{
	struct store_note *note =
	    add_note(batch, STORE_WRITE_PUT_ANCHOR, anchor->size);

	if (note == NULL)
		return batch->err;
	note->second = anchor->position;
	memcpy(note->first, anchor->root, CPNP_SHA256_LEN);
	memcpy(note->digest, anchor->digest, CPNP_SHA256_LEN);
	note->bytes = store_put_bytes(batch, anchor->op);
	batch->err = batch->data.err;
	return batch->err;
}

int
cpnp_store_put_ledger(cpnp_store_batch *batch,
    const uint8_t ledger[CPNP_SHA256_LEN], uint64_t outcomes)
{
	struct store_note *note =
	    add_note(batch, STORE_WRITE_PUT_LEDGER, outcomes);

	if (note != NULL)
		memcpy(note->first, ledger, CPNP_SHA256_LEN);
	return batch->err;
}

/* ---- from a batch to the file ---- */

static int
bind_hash(sqlite3_stmt *stmt, int column, const uint8_t *hash)
{
	return sqlite3_bind_blob64(
	    stmt, column, hash, CPNP_SHA256_LEN, SQLITE_STATIC);
}

static int
bind_uint(sqlite3_stmt *stmt, int column, uint64_t number)
{
	return sqlite3_bind_int64(stmt, column, (sqlite3_int64)number);
}

static int
bind_bytes(sqlite3_stmt *stmt, int column, cpnp_bytes bytes)
{
	return sqlite3_bind_blob64(
	    stmt, column, bytes.ptr, bytes.len, SQLITE_STATIC);
}

int
store_write_payment(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_entry *entry)
{
	sqlite3_stmt *stmt = store->write[STORE_WRITE_PUT_PAYMENT];
	int bound = bind_hash(stmt, 1, entry->u.payment.id);

	bound |= sqlite3_bind_int64(stmt, 2, batch->orders[entry->order].id);
	bound |= sqlite3_bind_int(stmt, 3, (int)entry->u.payment.state);
	bound |= sqlite3_bind_int64(stmt, 4, entry->u.payment.amount);
	bound |= sqlite3_bind_int64(stmt, 5, entry->u.payment.paid);
	return store_run(stmt, bound);
}

static int
write_note(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_note *note)
{
	sqlite3_stmt *stmt = store->write[note->write], *trim;
	cpnp_bytes bytes = store_slice_bytes(&batch->data, note->bytes);
	int bound, err;

	if (note->write == STORE_WRITE_PUT_LEDGER) {
		bound = bind_hash(stmt, 1, note->first);
		bound |= bind_uint(stmt, 2, note->number);
		return store_run(stmt, bound);
	}
	bound = bind_uint(stmt, 1, note->number);
	if (note->write == STORE_WRITE_PUT_OP) {
		bound |= bind_uint(stmt, 2, note->second);
		bound |= bind_hash(stmt, 3, note->first);
		bound |= bind_bytes(stmt, 4, bytes);
	} else if (note->write == STORE_WRITE_PUT_ANCHOR) {
		bound |= bind_hash(stmt, 2, note->first);
		bound |= bind_hash(stmt, 3, note->digest);
		bound |= bind_bytes(stmt, 4, bytes);
		bound |= bind_uint(stmt, 5, note->second);
	}
	err = store_run(stmt, bound);
	if (err != 0 || note->write != STORE_WRITE_PUT_ANCHOR)
		return err;
	trim = store->write[STORE_WRITE_TRIM_ANCHORS];
	return store_run(trim, bind_uint(trim, 1, CPNP_STORE_ANCHORS_MAX));
}

int
store_write_notes(cpnp_store *store, const cpnp_store_batch *batch)
{
	size_t i;
	int err = 0;

	for (i = 0; i < batch->notes_n && err == 0; i++)
		err = write_note(store, batch, &batch->notes[i]);
	return err;
}

/* ---- reading ---- */

static int
end(sqlite3_stmt *stmt, int rc, int err)
{
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	if (err != 0 || rc == SQLITE_ROW)
		return err;
	return store_error(rc);
}

static const uint8_t *
column_hash(sqlite3_stmt *stmt, int i)
{
	cpnp_bytes bytes = store_column(stmt, i);

	return bytes.len == CPNP_SHA256_LEN ? bytes.ptr : NULL;
}

static int
get_payment(sqlite3_stmt *stmt, cpnp_store_payment *payment)
{
	const uint8_t *id = column_hash(stmt, 0);

	if (id == NULL)
		return CPNP_ERR_IO;
	memcpy(payment->id, id, CPNP_SHA256_LEN);
	payment->state =
	    (cpnp_store_payment_state)sqlite3_column_int(stmt, 1);
	payment->amount = sqlite3_column_int64(stmt, 2);
	payment->paid = sqlite3_column_int64(stmt, 3);
	payment->peer_identity = store_column(stmt, 4);
	payment->customer_order_id = store_column(stmt, 5);
	return 0;
}

int
cpnp_store_find_payment(cpnp_store *store,
    const uint8_t id[CPNP_SHA256_LEN], cpnp_store_payment *payment)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_PAYMENT];
	cpnp_bytes *views[] = {
		&payment->peer_identity, &payment->customer_order_id};
	size_t i, off = 0;
	int rc, err = 0;

	rc = bind_hash(stmt, 1, id);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		err = CPNP_ERR_NOT_FOUND;
	else if (rc == SQLITE_ROW)
		err = get_payment(stmt, payment);
	if (rc == SQLITE_ROW && err == 0) {
		/* no statement stays open after a find, as for a row */
		cpnp_buf_reset(&store->row);
		for (i = 0; i < 2; i++)
			cpnp_buf_put_raw(&store->row, *views[i]);
		for (i = 0; i < 2; i++) {
			views[i]->ptr = store->row.ptr + off;
			off += views[i]->len;
		}
		err = store->row.err;
	}
	return end(stmt, rc, err);
}

int
cpnp_store_each_payment(cpnp_store *store, cpnp_bytes peer_identity,
    cpnp_bytes customer_order_id, cpnp_store_payment_fn *fn, void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_ORDER_PAYMENTS];
	cpnp_store_payment payment;
	int rc, err = 0;

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	(void)sqlite3_bind_text64(stmt, 1,
	    (const char *)customer_order_id.ptr, customer_order_id.len,
	    SQLITE_STATIC, SQLITE_UTF8);
	(void)sqlite3_bind_text64(stmt, 2, (const char *)peer_identity.ptr,
	    peer_identity.len, SQLITE_STATIC, SQLITE_UTF8);
	(void)sqlite3_bind_int(stmt, 3, CPNP_SERVER);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && err == 0) {
		err = get_payment(stmt, &payment);
		if (err == 0)
			err = fn(user, &payment);
	}
	return end(stmt, rc, err);
}

int
cpnp_store_each_op(cpnp_store *store,
    int (*fn)(void *user, const cpnp_store_op *op), void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_OUTBOX];
	cpnp_store_op op;
	int rc, err = 0;

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && err == 0) {
		op.number = (uint64_t)sqlite3_column_int64(stmt, 0);
		op.kind = (unsigned)sqlite3_column_int(stmt, 1);
		op.subject = column_hash(stmt, 2);
		op.bytes = store_column(stmt, 3);
		err = op.subject == NULL ? CPNP_ERR_IO : fn(user, &op);
	}
	return end(stmt, rc, err);
}

int
cpnp_store_find_anchor(cpnp_store *store, uint64_t leaf,
    int (*fn)(void *user, const cpnp_store_anchor *anchor), void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_ANCHOR];
	cpnp_store_anchor anchor;
	int rc, err = 0;

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	if (leaf > INT64_MAX)
		return CPNP_ERR_NOT_FOUND;
	rc = bind_uint(stmt, 1, leaf);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_DONE)
		err = CPNP_ERR_NOT_FOUND;
	if (rc == SQLITE_ROW) {
		anchor.size = (uint64_t)sqlite3_column_int64(stmt, 0);
		anchor.root = column_hash(stmt, 1);
		anchor.digest = column_hash(stmt, 2);
		anchor.op = store_column(stmt, 3);
		anchor.position = (uint64_t)sqlite3_column_int64(stmt, 4);
		err = anchor.root == NULL || anchor.digest == NULL
		    ? CPNP_ERR_IO : fn(user, &anchor);
	}
	return end(stmt, rc, err);
}

int
cpnp_store_anchored(cpnp_store *store, uint64_t *size)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_ANCHORED];
	int rc = sqlite3_step(stmt);

	*size = rc == SQLITE_ROW
	    ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	return end(stmt, rc, 0);
}

int
cpnp_store_ledger(cpnp_store *store, uint8_t ledger[CPNP_SHA256_LEN],
    uint64_t *outcomes)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_LEDGER];
	int rc = sqlite3_step(stmt), err = 0;
	const uint8_t *id;

	if (rc == SQLITE_DONE) {
		err = CPNP_ERR_NOT_FOUND;
	} else if (rc == SQLITE_ROW) {
		id = column_hash(stmt, 0);
		if (id == NULL)
			err = CPNP_ERR_IO;
		else
			memcpy(ledger, id, CPNP_SHA256_LEN);
		*outcomes = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	return end(stmt, rc, err);
}
