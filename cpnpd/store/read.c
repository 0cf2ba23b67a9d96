/*
 * Reading, on a connection of its own: the writer is never waited for, and
 * what is seen is what has been committed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "internal.h"

cpnp_bytes
store_column(sqlite3_stmt *stmt, int i)
{
	const uint8_t *ptr = sqlite3_column_blob(stmt, i);

	if (ptr == NULL)
		return CPNP_BYTES_NONE;
	return (cpnp_bytes){ptr, (size_t)sqlite3_column_bytes(stmt, i)};
}

/* Copies of what was bound are not needed: the statement ends before the
 * caller goes on. */
static int
bind_text(sqlite3_stmt *stmt, int i, cpnp_bytes text)
{
	return sqlite3_bind_text64(stmt, i,
	    text.ptr == NULL ? "" : (const char *)text.ptr, text.len,
	    SQLITE_STATIC, SQLITE_UTF8);
}

static int
end(sqlite3_stmt *stmt, int rc, int err)
{
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	if (err != 0 || rc == SQLITE_ROW)
		return err;
	return store_error(rc);
}

/* Put the documents of an order into the row's buffer; the row gets their
 * lengths. */
static int
read_docs(cpnp_store *store, sqlite3_int64 id, cpnp_store_row *row)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_DOCS];
	sqlite3_int64 kind;
	cpnp_bytes *doc;
	int rc;

	(void)sqlite3_bind_int64(stmt, 1, id * STORE_DOCS_STRIDE);
	(void)sqlite3_bind_int64(
	    stmt, 2, id * STORE_DOCS_STRIDE + STORE_DOC_NOTE);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		kind = sqlite3_column_int64(stmt, 0) % STORE_DOCS_STRIDE;
		if (kind != STORE_DOC_NOTE && kind >= CPNP_DOC_END)
			continue;
		doc = kind == STORE_DOC_NOTE ? &row->note : &row->docs[kind];
		*doc = store_column(stmt, 1);
		cpnp_buf_put_raw(&store->row, *doc);
	}
	return end(stmt, rc, store->row.err);
}

/*
 * Read the order on which stmt stands (STORE_ORDER_COLUMNS), documents too,
 * into the store's buffer, so that no statement stays open after a find: an
 * open one would keep the log from being cut.
 */
static int
read_row(cpnp_store *store, sqlite3_stmt *stmt, cpnp_store_row *row)
{
	/* In the order in which they stand in the buffer. */
	cpnp_bytes *views[4 + CPNP_DOC_END + 1] = {&row->peer_identity,
	    &row->customer_order_id, &row->provider_order_id, &row->saved};
	static const int columns[] = {2, 3, 4, 9};
	size_t i, off;
	int err;

	memset(row, 0, sizeof(*row));
	for (i = 0; i < CPNP_DOC_END; i++)
		views[4 + i] = &row->docs[i];
	views[4 + CPNP_DOC_END] = &row->note;
	row->role = (cpnp_role)sqlite3_column_int(stmt, 1);
	row->state = (cpnp_state)sqlite3_column_int(stmt, 5);
	row->agreement_state =
	    (cpnp_agreement_state)sqlite3_column_int(stmt, 6);
	row->settled = sqlite3_column_int(stmt, 7) != 0;
	row->changed.sec = sqlite3_column_int64(stmt, 8);
	row->has_service = sqlite3_column_type(stmt, 10) != SQLITE_NULL;
	row->service.sec = sqlite3_column_int64(stmt, 10);
	cpnp_buf_reset(&store->row);
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		*views[i] = store_column(stmt, columns[i]);
		cpnp_buf_put_raw(&store->row, *views[i]);
	}
	err = read_docs(store, sqlite3_column_int64(stmt, 0), row);
	if (err != 0)
		return err;
	for (i = 0, off = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (views[i]->len != 0)
			views[i]->ptr = store->row.ptr + off;
		off += views[i]->len;
	}
	return 0;
}

/* Stand on the row of an order; SQLITE_ROW when there is one. */
static int
seek(sqlite3_stmt *stmt, cpnp_role role, cpnp_bytes peer_identity,
    cpnp_bytes customer_order_id)
{
	if (bind_text(stmt, 1, customer_order_id) != SQLITE_OK ||
	    bind_text(stmt, 2, peer_identity) != SQLITE_OK ||
	    sqlite3_bind_int(stmt, 3, (int)role) != SQLITE_OK)
		return SQLITE_NOMEM;
	return sqlite3_step(stmt);
}

int
cpnp_store_find(cpnp_store *store, cpnp_role role, cpnp_bytes peer_identity,
    cpnp_bytes customer_order_id, cpnp_store_row *row)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_FIND];
	int rc = seek(stmt, role, peer_identity, customer_order_id);
	int err = 0;

	if (rc == SQLITE_ROW)
		err = read_row(store, stmt, row);
	else if (rc == SQLITE_DONE)
		err = CPNP_ERR_NOT_FOUND;
	return end(stmt, rc, err);
}

static int
get_row(cpnp_store *store, sqlite3_int64 id, cpnp_store_row *row)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_GET];
	int rc, err = 0;

	(void)sqlite3_bind_int64(stmt, 1, id);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		err = read_row(store, stmt, row);
	else if (rc == SQLITE_DONE)
		err = CPNP_ERR_NOT_FOUND;
	return end(stmt, rc, err);
}

/*
 * Call fn for each order whose number ids gives.  The numbers are sorted
 * alone, so that sorting does not carry the documents of all orders; the open
 * statement makes all of it one snapshot.
 */
static int
each_row(
    cpnp_store *store, sqlite3_stmt *ids, cpnp_store_row_fn *fn, void *user)
{
	cpnp_store_row row;
	int rc, err = 0;

	while ((rc = sqlite3_step(ids)) == SQLITE_ROW && err == 0) {
		err = get_row(store, sqlite3_column_int64(ids, 0), &row);
		if (err == 0)
			err = fn(user, &row);
	}
	return end(ids, rc, err);
}

int
cpnp_store_search(
    cpnp_store *store, cpnp_bytes order_id, cpnp_store_row_fn *fn, void *user)
{
	sqlite3_stmt *ids = store->read[STORE_READ_SEARCH];

	if (sqlite3_stmt_busy(ids))
		return CPNP_ERR_STATE;
	if (bind_text(ids, 1, order_id) != SQLITE_OK)
		return CPNP_ERR_NOMEM;
	return each_row(store, ids, fn, user);
}

int
cpnp_store_each(
    cpnp_store *store, bool open_only, cpnp_store_row_fn *fn, void *user)
{
	sqlite3_stmt *ids = store->read[open_only ? STORE_READ_EACH_OPEN
						  : STORE_READ_EACH];

	if (sqlite3_stmt_busy(ids))
		return CPNP_ERR_STATE;
	return each_row(store, ids, fn, user);
}

bool
cpnp_store_row_rests(const cpnp_store_row *row)
{
	return !row->settled && row->role == CPNP_SERVER &&
	    row->agreement_state == CPNP_AGREEMENT_NONE &&
	    (row->state == CPNP_STATE_OFFER_PROPOSED ||
		row->state == CPNP_STATE_PROCESSING_RECEIVED) &&
	    row->has_service;
}

int
cpnp_store_each_awake(cpnp_store *store, cpnp_store_row_fn *fn, void *user)
{
	sqlite3_stmt *ids = store->read[STORE_READ_EACH_AWAKE];

	return sqlite3_stmt_busy(ids) ? CPNP_ERR_STATE
				      : each_row(store, ids, fn, user);
}

int
cpnp_store_each_resting(
    cpnp_store *store, cpnp_store_resting_fn *fn, void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_RESTING];
	int rc, err = 0;

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && err == 0)
		err = fn(user, store_column(stmt, 0),
		    (uint64_t)sqlite3_column_int64(stmt, 1));
	return end(stmt, rc, err);
}

int
cpnp_store_page(cpnp_store *store, uint64_t *cursor, size_t max,
    cpnp_store_row_fn *fn, void *user, bool *more)
{
	sqlite3_stmt *ids = store->read[STORE_READ_PAGE];
	cpnp_store_row row;
	size_t n = 0;
	int rc, err = 0;

	if (sqlite3_stmt_busy(ids))
		return CPNP_ERR_STATE;
	(void)sqlite3_bind_int64(ids, 1, (sqlite3_int64)*cursor);
	(void)sqlite3_bind_int64(ids, 2, (sqlite3_int64)max);
	while ((rc = sqlite3_step(ids)) == SQLITE_ROW && err == 0) {
		*cursor = (uint64_t)sqlite3_column_int64(ids, 0);
		err = get_row(store, (sqlite3_int64)*cursor, &row);
		if (err == 0)
			err = fn(user, &row);
		n++;
	}
	*more = n == max;
	return end(ids, rc, err);
}

int
cpnp_store_page_due(cpnp_store *store, cpnp_role role, cpnp_wtime until,
    cpnp_store_due *cursor, size_t max, cpnp_store_row_fn *fn, void *user,
    bool *more)
{
	sqlite3_stmt *ids = store->read[STORE_READ_DUE];
	cpnp_store_row row;
	size_t n = 0;
	int rc, err = 0;

	if (sqlite3_stmt_busy(ids))
		return CPNP_ERR_STATE;
	(void)sqlite3_bind_int64(ids, 1, until.sec);
	(void)sqlite3_bind_int64(ids, 2, cursor->date.sec);
	(void)sqlite3_bind_int64(ids, 3, (sqlite3_int64)cursor->id);
	(void)sqlite3_bind_int(ids, 4, (int)role);
	(void)sqlite3_bind_int64(ids, 5, (sqlite3_int64)max);
	while ((rc = sqlite3_step(ids)) == SQLITE_ROW && err == 0) {
		cursor->id = (uint64_t)sqlite3_column_int64(ids, 0);
		cursor->date.sec = sqlite3_column_int64(ids, 1);
		err = get_row(store, (sqlite3_int64)cursor->id, &row);
		if (err == 0)
			err = fn(user, &row);
		n++;
	}
	*more = n == max;
	return end(ids, rc, err);
}

int
cpnp_store_next_service(cpnp_store *store, cpnp_role role, cpnp_wtime after,
    cpnp_wtime *date)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_NEXT_SERVICE];
	int rc;

	(void)sqlite3_bind_int64(stmt, 1, after.sec);
	(void)sqlite3_bind_int(stmt, 2, (int)role);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		date->sec = sqlite3_column_int64(stmt, 0);
	return end(stmt, rc, rc == SQLITE_DONE ? CPNP_ERR_NOT_FOUND : 0);
}

static int
read_number(cpnp_store *store, enum store_read which, uint64_t *number)
{
	sqlite3_stmt *stmt = store->read[which];
	int rc = sqlite3_step(stmt);

	*number = rc == SQLITE_ROW
	    ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	return end(stmt, rc, 0);
}

int
cpnp_store_last_event(cpnp_store *store, uint64_t *number)
{
	return read_number(store, STORE_READ_NEWEST, number);
}

int
cpnp_store_last_change(cpnp_store *store, uint64_t *number)
{
	return read_number(store, STORE_READ_NEWEST_CHANGE, number);
}

int
cpnp_store_acknowledged(cpnp_store *store, uint64_t *number)
{
	return read_number(store, STORE_READ_ACKNOWLEDGED, number);
}

static int
get_held(sqlite3_stmt *stmt, cpnp_store_held *held)
{
	cpnp_bytes resource = store_column(stmt, 0);
	cpnp_bytes ref = store_column(stmt, 7);

	memset(held, 0, sizeof(*held));
	if (resource.len >= sizeof(held->hold.resource) ||
	    ref.len != CPNP_SHA256_LEN)
		return CPNP_ERR_IO;
	if (resource.len != 0)
		memcpy(held->hold.resource, resource.ptr, resource.len);
	held->hold.from.sec = sqlite3_column_int64(stmt, 1);
	held->hold.until.sec = sqlite3_column_int64(stmt, 2);
	held->hold.amount = sqlite3_column_int64(stmt, 3);
	held->hold.bought = sqlite3_column_int(stmt, 4) != 0;
	held->peer_identity = store_column(stmt, 5);
	held->customer_order_id = store_column(stmt, 6);
	held->order_ref = ref.ptr;
	return 0;
}

/* The holds that a statement finds from the row on that it is at. */
static int
give_holds(sqlite3_stmt *stmt, int rc, cpnp_store_held_fn *fn, void *user)
{
	cpnp_store_held held;
	int err = 0;

	for (; rc == SQLITE_ROW && err == 0; rc = sqlite3_step(stmt)) {
		err = get_held(stmt, &held);
		if (err == 0)
			err = fn(user, &held);
	}
	return end(stmt, rc, err);
}

int
cpnp_store_each_hold(cpnp_store *store, cpnp_store_held_fn *fn, void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_EACH_HOLD];

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	return give_holds(stmt, sqlite3_step(stmt), fn, user);
}

int
cpnp_store_order_holds(cpnp_store *store, const cpnp_order *order,
    cpnp_store_held_fn *fn, void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_ORDER_HOLDS];

	if (sqlite3_stmt_busy(stmt))
		return CPNP_ERR_STATE;
	return give_holds(stmt,
	    seek(stmt, cpnp_order_role(order),
		cpnp_order_peer_identity(order),
		cpnp_order_customer_id(order)),
	    fn, user);
}

void
store_get_event(sqlite3_stmt *stmt, cpnp_store_event *event)
{
	event->number = (uint64_t)sqlite3_column_int64(stmt, 0);
	event->time.sec = sqlite3_column_int64(stmt, 1);
	event->from = (cpnp_state)sqlite3_column_int(stmt, 2);
	event->to = (cpnp_state)sqlite3_column_int(stmt, 3);
	event->event = (cpnp_event)sqlite3_column_int(stmt, 4);
	event->has_leaf = sqlite3_column_type(stmt, 5) != SQLITE_NULL;
	event->leaf = (uint64_t)sqlite3_column_int64(stmt, 5);
	event->detail = store_column(stmt, 6);
	event->agreement_from =
	    (cpnp_agreement_state)sqlite3_column_int(stmt, 8);
	event->agreement_to =
	    (cpnp_agreement_state)sqlite3_column_int(stmt, 9);
	event->outcome = store_column(stmt, 10);
}

/* Put the numbers of a chain of events into a list, the newest first. */
static int
list_chain(cpnp_store *store, sqlite3_int64 number, cpnp_buf *numbers)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_EVENT];
	sqlite3_int64 before;
	int rc = SQLITE_ROW;

	for (; number != 0 && rc == SQLITE_ROW; number = before) {
		cpnp_buf_put_raw(numbers, (cpnp_bytes){
		    (const uint8_t *)&number, sizeof(number)});
		(void)sqlite3_bind_int64(stmt, 1, number);
		rc = sqlite3_step(stmt);
		before = sqlite3_column_int64(stmt, 7);
		/* a chain goes back, or the file is damaged */
		if (rc != SQLITE_ROW || before < 0 || before >= number)
			rc = SQLITE_CORRUPT;
		(void)sqlite3_reset(stmt);
	}
	return rc == SQLITE_ROW ? numbers->err : store_error(rc);
}

static int
each_of_chain(cpnp_store *store, cpnp_bytes numbers,
    int (*fn)(void *user, const cpnp_store_event *event), void *user)
{
	sqlite3_stmt *stmt = store->read[STORE_READ_EVENT];
	size_t n = numbers.len / sizeof(sqlite3_int64);
	cpnp_store_event event;
	sqlite3_int64 number;
	int rc, err = 0;

	while (n-- > 0 && err == 0) {
		memcpy(&number, numbers.ptr + n * sizeof(number),
		    sizeof(number));
		(void)sqlite3_bind_int64(stmt, 1, number);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW) {
			store_get_event(stmt, &event);
			err = fn(user, &event);
		} else {
			err = CPNP_ERR_IO;
		}
		(void)sqlite3_reset(stmt);
	}
	return err;
}

int
cpnp_store_each_event(cpnp_store *store, const cpnp_store_row *row,
    int (*fn)(void *user, const cpnp_store_event *event), void *user)
{
	sqlite3_stmt *last = store->read[STORE_READ_LAST_EVENT];
	cpnp_buf numbers;
	int rc, err;

	if (sqlite3_stmt_busy(last))
		return CPNP_ERR_STATE;
	cpnp_buf_init(&numbers, &store->mem, STORE_BATCH_BYTES_MAX);
	rc = seek(
	    last, row->role, row->peer_identity, row->customer_order_id);
	err = rc == SQLITE_DONE ? CPNP_ERR_NOT_FOUND : 0;
	if (rc == SQLITE_ROW)
		err = list_chain(
		    store, sqlite3_column_int64(last, 0), &numbers);
	if (rc == SQLITE_ROW && err == 0)
		err = each_of_chain(
		    store, cpnp_buf_bytes(&numbers), fn, user);
	cpnp_buf_fini(&numbers);
	return end(last, rc, err);
}
