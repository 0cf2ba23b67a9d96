/*
 * Reading the changes of all orders one after the other, and what proves
 * them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "internal.h"

static int
get_change(sqlite3_stmt *stmt, cpnp_store_change *change)
{
	const int at = STORE_EVENT_COLUMNS_N;
	cpnp_bytes ref = store_column(stmt, at + 4);

	store_get_event(stmt, &change->event);
	change->role = (cpnp_role)sqlite3_column_int(stmt, at);
	change->peer_identity = store_column(stmt, at + 1);
	change->customer_order_id = store_column(stmt, at + 2);
	change->provider_order_id = store_column(stmt, at + 3);
	change->order_ref = ref.ptr;
	return ref.len == CPNP_SHA256_LEN ? 0 : CPNP_ERR_IO;
}

int
cpnp_store_page_changes(cpnp_store *store, uint64_t *cursor, size_t max,
    cpnp_store_change_fn *fn, void *user, bool *more)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_CHANGES];
	cpnp_store_change change;
	size_t n = 0;
	int rc = SQLITE_DONE, err = 0;

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	/* No number is larger, and SQLite's integers are signed. */
	if (*cursor > INT64_MAX)
		*cursor = INT64_MAX;
	(void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)*cursor);
	(void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)max);
	while (err == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		err = get_change(stmt, &change);
		if (err == 0)
			err = fn(user, &change);
		if (err == 0) {
			*cursor = change.event.number;
			n++;
		}
	}
	*more = n == max;
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return err != 0 || rc == SQLITE_DONE ? err : store_error(rc);
}

/* A journal on the connection for reading, which knows no key and makes
 * nothing. */
static int
open_proofs(cpnp_store *store)
{
	if (store->proofs != NULL)
		return 0;
	return cpnp_journal_open(&store->proofs, store->rd, NULL, NULL,
	    (cpnp_wtime){0}, NULL);
}

int
cpnp_store_leaf_statement(cpnp_store *store, uint64_t leaf, cpnp_buf *out)
{
	int err = open_proofs(store);

	return err != 0 ? err
			: cpnp_journal_leaf(store->proofs, leaf, out);
}

/* The journal has grown since its head was read, unless the leaf is under it
 * already. */
int
cpnp_store_leaf_receipt(cpnp_store *store, uint64_t leaf, cpnp_buf *out)
{
	int err = store->heads_signed ? open_proofs(store)
				      : CPNP_ERR_NOT_FOUND;

	if (err != 0)
		return err;
	err = cpnp_journal_receipt(store->proofs, leaf, out);
	if (err != CPNP_ERR_NOT_FOUND)
		return err;
	err = cpnp_journal_rollback(store->proofs);
	return err != 0 ? err
			: cpnp_journal_receipt(store->proofs, leaf, out);
}

static int
read_head(cpnp_store *store, cpnp_head *head)
{
	int err = store->heads_signed ? open_proofs(store)
				      : CPNP_ERR_NOT_FOUND;

	return err != 0 ? err : cpnp_journal_stored_head(store->proofs, head);
}

int
cpnp_store_head(
    cpnp_store *store, uint64_t *size, uint8_t root[CPNP_SHA256_LEN])
{
	cpnp_head head;
	int err = read_head(store, &head);

	if (err != 0)
		return err;
	*size = head.size;
	memcpy(root, head.root, CPNP_SHA256_LEN);
	return 0;
}

int
cpnp_store_checkpoint(cpnp_store *store, uint64_t *size, cpnp_buf *out)
{
	cpnp_head head;
	int err = read_head(store, &head);

	if (err != 0)
		return err;
	*size = head.size;
	cpnp_buf_put_raw(out, head.checkpoint);
	return out->err;
}

int
cpnp_store_agreement(cpnp_store *store,
    const uint8_t order_ref[CPNP_SHA256_LEN],
    const uint8_t digest[CPNP_SHA256_LEN], cpnp_buf *out)
{
	int err = open_proofs(store);

	return err != 0 ? err : cpnp_journal_agreement(
	    store->proofs, order_ref, digest, out);
}
