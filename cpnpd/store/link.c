/*
 * Child orders and what they are part of, and the secret of this store.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "internal.h"

static int
bind_name(sqlite3_stmt *stmt, int column, cpnp_bytes text)
{
	return sqlite3_bind_text64(stmt, column, (const char *)text.ptr,
	    text.len, SQLITE_STATIC, SQLITE_UTF8);
}

int
cpnp_store_put_link(cpnp_store_batch *batch, const cpnp_order *child,
    const cpnp_order *parent, const cpnp_store_link *link)
{
	struct store_entry *entry =
	    store_add_entry(batch, child, STORE_ENTRY_LINK);

	if (entry == NULL)
		return batch->err;
	entry->u.link.parent_peer =
	    store_put_bytes(batch, cpnp_order_peer_identity(parent));
	entry->u.link.parent_customer =
	    store_put_bytes(batch, cpnp_order_customer_id(parent));
	entry->u.link.segment = link->segment;
	entry->u.link.request = link->request;
	batch->err = batch->data.err;
	return batch->err;
}

int
store_write_link(cpnp_store *store, const cpnp_store_batch *batch,
    const struct store_entry *entry)
{
	sqlite3_stmt *stmt = store->write[STORE_WRITE_PUT_LINK];
	int bound, err;

	bound = sqlite3_bind_int64(stmt, 1, batch->orders[entry->order].id);
	bound |= sqlite3_bind_int64(stmt, 2, entry->u.link.segment);
	bound |= sqlite3_bind_int64(stmt, 3, entry->u.link.request);
	bound |= bind_name(stmt, 4, store_slice_bytes(&batch->data,
	    entry->u.link.parent_customer));
	bound |= bind_name(stmt, 5, store_slice_bytes(&batch->data,
	    entry->u.link.parent_peer));
	bound |= sqlite3_bind_int(stmt, 6, CPNP_SERVER);
	err = store_run(stmt, bound);
	/* Without its parent it would belong to nobody. */
	if (err == 0 && sqlite3_changes(store->wr) != 1)
		err = CPNP_ERR_NOT_FOUND;
	return err;
}

static int
each(sqlite3_stmt *stmt, cpnp_bytes peer, cpnp_bytes id, cpnp_role role,
    cpnp_store_link_fn *fn, void *user)
{
	cpnp_store_link link;
	int rc, err = 0;

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	(void)bind_name(stmt, 1, id);
	(void)bind_name(stmt, 2, peer);
	(void)sqlite3_bind_int(stmt, 3, (int)role);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && err == 0) {
		link.segment = (uint32_t)sqlite3_column_int64(stmt, 0);
		link.request = (uint32_t)sqlite3_column_int64(stmt, 1);
		link.child_peer = store_column(stmt, 2);
		link.child_id = store_column(stmt, 3);
		link.parent_peer = store_column(stmt, 4);
		link.parent_id = store_column(stmt, 5);
		err = fn(user, &link);
	}
	(void)sqlite3_reset(stmt);
	if (err != 0 || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return err;
	return store_error(rc);
}

int
cpnp_store_each_child(cpnp_store *store, cpnp_bytes parent_peer,
    cpnp_bytes parent_id, cpnp_store_link_fn *fn, void *user)
{
	return each(store->read[STORE_READ_CHILDREN], parent_peer, parent_id,
	    CPNP_SERVER, fn, user);
}

int
cpnp_store_find_parent(cpnp_store *store, cpnp_bytes child_peer,
    cpnp_bytes child_id, cpnp_store_link_fn *fn, void *user)
{
	return each(store->read[STORE_READ_PARENT], child_peer, child_id,
	    CPNP_CLIENT, fn, user);
}

int
store_make_secret(cpnp_store *store, const cpnp_env *env)
{
	sqlite3_stmt *stmt = NULL;
	uint8_t secret[CPNP_STORE_SECRET_LEN];
	int err;

	if (env->random(env->user, secret, sizeof(secret)) != 0)
		return CPNP_ERR_RANDOM;
	err = store_error(sqlite3_prepare_v2(store->wr,
	    "INSERT OR IGNORE INTO secret VALUES (0, ?1)", -1, &stmt, NULL));
	if (err == 0)
		err = store_run(stmt, sqlite3_bind_blob(stmt, 1, secret,
		    sizeof(secret), SQLITE_STATIC));
	(void)sqlite3_finalize(stmt);
	memset(secret, 0, sizeof(secret));
	return err;
}

int
cpnp_store_secret(cpnp_store *store, uint8_t secret[CPNP_STORE_SECRET_LEN])
{
	sqlite3_stmt *stmt = store->read[STORE_READ_SECRET];
	int rc = sqlite3_step(stmt);
	int err = rc == SQLITE_DONE ? CPNP_ERR_NOT_FOUND : store_error(rc);
	cpnp_bytes bytes;

	if (rc == SQLITE_ROW) {
		bytes = store_column(stmt, 0);
		if (bytes.len == CPNP_STORE_SECRET_LEN)
			memcpy(secret, bytes.ptr, bytes.len);
		else
			err = CPNP_ERR_IO;
	}
	(void)sqlite3_reset(stmt);
	return err;
}
