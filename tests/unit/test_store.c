/*
 * The store when nothing fails: what goes in comes out, in order, and nothing
 * that must not change can be changed.  test_store_faults.c has the rest.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store_fixture.h"

#define DOC(name) (1u << CPNP_DOC_##name)

static cpnp_order order;

static int
count_row(void *user, const cpnp_store_row *row)
{
	(void)row;
	++*(size_t *)user;
	return 0;
}

static int
assert_row(void *user, const cpnp_store_row *row)
{
	const cpnp_order *want = user;

	ck_assert_int_eq(row->role, want->role);
	ck_assert_int_eq(row->state, want->state);
	ck_assert_int_eq(row->agreement_state, want->agreement);
	ck_assert_int_eq(row->settled, want->settled);
	unit_assert_bytes(row->peer_identity, cpnp_bytes_str(want->peer));
	unit_assert_bytes(
	    row->customer_order_id, cpnp_bytes_str(want->customer));
	unit_assert_bytes(
	    row->provider_order_id, cpnp_bytes_str(want->provider));
	unit_assert_bytes(row->saved, cpnp_bytes_str(want->saved));
	for (int i = 0; i < CPNP_DOC_END; i++)
		unit_assert_bytes(row->docs[i], cpnp_bytes_str(want->docs[i]));
	return 0;
}

static void
assert_stored(cpnp_store *store, cpnp_order *want)
{
	cpnp_store_row row;

	ck_assert_int_eq(cpnp_store_find(store, want->role,
			     cpnp_bytes_str(want->peer),
			     cpnp_bytes_str(want->customer), &row),
	    0);
	(void)assert_row(want, &row);
}

/* A negotiation as a provider stores it, up to the offer. */
static void
store_offer(cpnp_store *store)
{
	cpnp_effect effect;

	fake_order_init(&order, CPNP_SERVER, "customer.example", "C-1", 1);
	strcpy(order.saved, "saved 1");
	strcpy(order.docs[CPNP_DOC_REQUEST], "the quotation");
	strcpy(order.docs[CPNP_DOC_LAST_OUT], "processing");
	effect = fake_order_step(&order, CPNP_STATE_PQO_RECEIVED,
	    CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST) | DOC(LAST_OUT));
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	strcpy(order.saved, "saved 2, which is longer");
	strcpy(order.provider, "P-1");
	strcpy(order.docs[CPNP_DOC_OFFER], "the offer");
	strcpy(order.docs[CPNP_DOC_LAST_OUT], "the offer");
	effect = fake_order_step(&order, CPNP_STATE_OFFER_PROPOSED,
	    CPNP_EVENT_OFFER, DOC(OFFER) | DOC(LAST_OUT));
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
}

/* R11, C20: what was stored is there after a restart, field by field. */
START_TEST(test_store_round_trip)
{
	cpnp_store *store = fixture_open(false);
	cpnp_effect effect;
	size_t n = 0;

	store_offer(store);
	assert_stored(store, &order);
	cpnp_store_close(store);
	store = fixture_open(false);
	assert_stored(store, &order);
	ck_assert_int_eq(cpnp_store_each(store, true, assert_row, &order), 0);
	order.settled = true;
	order.docs[CPNP_DOC_LAST_OUT][0] = '\0';
	effect = fake_order_step(&order, CPNP_STATE_CANCELLED,
	    CPNP_EVENT_RECV_CANCEL, DOC(LAST_OUT));
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	assert_stored(store, &order);
	ck_assert_int_eq(cpnp_store_each(store, true, count_row, &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(cpnp_store_each(store, false, count_row, &n), 0);
	ck_assert_uint_eq(n, 1);
	cpnp_store_close(store);
}
END_TEST

/* F5: a client's note is written with the order and stays when it changes. */
START_TEST(test_store_keeps_a_note)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	uint8_t note[CPNP_STORE_NOTE_MAX + 1] = {1, 2, 3};
	cpnp_store_row row;
	cpnp_effect effect;

	store_offer(store);
	ck_assert_int_eq(cpnp_store_put_note(batch, &order,
			     (cpnp_bytes){note, sizeof(note)}),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_store_put_note(batch, &order,
			     (cpnp_bytes){note, CPNP_STORE_NOTE_MAX}),
	    0);
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	cpnp_store_batch_del(batch);
	effect = fake_order_step(
	    &order, CPNP_STATE_CANCELLED, CPNP_EVENT_RECV_CANCEL, 0);
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	ck_assert_int_eq(cpnp_store_find(store, CPNP_SERVER,
			     cpnp_bytes_str(order.peer),
			     cpnp_bytes_str(order.customer), &row),
	    0);
	(void)assert_row(&order, &row);
	unit_assert_bytes(
	    row.note, (cpnp_bytes){note, CPNP_STORE_NOTE_MAX});
	cpnp_store_close(store);
}
END_TEST

START_TEST(test_store_finds_nothing_else)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_row row;

	store_offer(store);
	ck_assert_int_eq(
	    cpnp_store_find(store, CPNP_CLIENT,
		CPNP_BYTES_LIT("customer.example"), CPNP_BYTES_LIT("C-1"),
		&row),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(
	    cpnp_store_find(store, CPNP_SERVER,
		CPNP_BYTES_LIT("stranger.example"), CPNP_BYTES_LIT("C-1"),
		&row),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_store_find(store, CPNP_SERVER,
			     CPNP_BYTES_LIT("customer.example"),
			     CPNP_BYTES_NONE, &row),
	    CPNP_ERR_NOT_FOUND);
	cpnp_store_close(store);
}
END_TEST

/* Contradictions, 21: two customers may use the same identifier. */
START_TEST(test_store_searches_either_identifier)
{
	cpnp_store *store = fixture_open(false);
	cpnp_effect effect;
	size_t n = 0;

	store_offer(store);
	ck_assert_int_eq(
	    cpnp_store_search(store, CPNP_BYTES_LIT("P-1"), count_row, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(
	    cpnp_store_search(store, CPNP_BYTES_LIT("C-1"), count_row, &n), 0);
	ck_assert_uint_eq(n, 2);
	fake_order_init(&order, CPNP_SERVER, "other.example", "C-1", 2);
	effect = fake_order_step(&order, CPNP_STATE_PQO_RECEIVED,
	    CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST));
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	ck_assert_int_eq(
	    cpnp_store_search(store, CPNP_BYTES_LIT("C-1"), count_row, &n), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert_int_eq(
	    cpnp_store_search(store, CPNP_BYTES_LIT("C-2"), count_row, &n), 0);
	ck_assert_uint_eq(n, 4);
	cpnp_store_close(store);
}
END_TEST

/* Contradictions, 32: never again, neither open nor ended. */
START_TEST(test_store_identifier_is_never_used_again)
{
	cpnp_store *store = fixture_open(false);
	cpnp_order again;
	cpnp_effect effect;

	store_offer(store);
	order.settled = true;
	effect = fake_order_step(
	    &order, CPNP_STATE_CANCELLED, CPNP_EVENT_RECV_CANCEL, 0);
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	fake_order_init(&again, CPNP_SERVER, "customer.example", "C-1", 2);
	effect = fake_order_step(&again, CPNP_STATE_PQO_RECEIVED,
	    CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST));
	ck_assert_int_eq(fixture_commit(store, &effect), CPNP_ERR_EXISTS);
	ck_assert_int_eq(cpnp_store_recover(store), 0);
	assert_stored(store, &order);
	cpnp_store_close(store);
}
END_TEST

static int
assert_event(void *user, const cpnp_store_event *event)
{
	static const cpnp_event events[] = {
	    CPNP_EVENT_RECV_QUOTATION, CPNP_EVENT_OFFER};
	size_t *n = user;

	ck_assert_uint_lt(*n, 2);
	ck_assert_uint_eq(event->number, *n + 1);
	ck_assert_int_eq(event->event, events[*n]);
	ck_assert_int_eq(
	    event->from, *n == 0 ? CPNP_STATE_NONE : CPNP_STATE_PQO_RECEIVED);
	ck_assert_int_eq(event->time.sec, 1700000000 + (int64_t)event->to);
	unit_assert_bytes(event->detail, CPNP_BYTES_LIT("test"));
	/* Leaf 0 names the key of the journal. */
	ck_assert(event->has_leaf);
	ck_assert_uint_eq(event->leaf, *n + 1);
	++*n;
	return 0;
}

/* C20: each change of state with its time, and its leaf in the journal. */
START_TEST(test_store_keeps_history)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_row row;
	size_t n = 0;

	store_offer(store);
	ck_assert_int_eq(cpnp_store_find(store, CPNP_SERVER,
			     cpnp_bytes_str(order.peer),
			     cpnp_bytes_str(order.customer), &row),
	    0);
	ck_assert_int_eq(
	    cpnp_store_each_event(store, &row, assert_event, &n), 0);
	ck_assert_uint_eq(n, 2);
	cpnp_store_close(store);
	ck_assert_uint_eq(fixture_verify_journal(), 3);
}
END_TEST

static int
list_number(void *user, const cpnp_store_event *event)
{
	char *list = user;

	(void)sprintf(list + strlen(list), " %llu",
	    (unsigned long long)event->number);
	return 0;
}

static void
assert_history(cpnp_store *store, const cpnp_order *of, const char *want)
{
	cpnp_store_row row;
	char list[64] = "";

	ck_assert_int_eq(cpnp_store_find(store, CPNP_SERVER,
			     cpnp_bytes_str(of->peer),
			     cpnp_bytes_str(of->customer), &row),
	    0);
	ck_assert_int_eq(
	    cpnp_store_each_event(store, &row, list_number, list), 0);
	ck_assert_str_eq(list, want);
}

/* However the events of two orders lie in batches, each has its own. */
START_TEST(test_store_histories_do_not_mix)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch;
	cpnp_effect effect;
	cpnp_order orders[2];
	static const int which[2][4] = {{0, 1, 0, 0}, {1, 0, 1, 1}};

	for (unsigned i = 0; i < 2; i++)
		fake_order_init(&orders[i], CPNP_SERVER, "customer.example",
		    i == 0 ? "A" : "B", i);
	for (unsigned b = 0; b < 2; b++) {
		batch = cpnp_store_batch_new(store, NULL);
		for (unsigned i = 0; i < 4; i++) {
			effect = fake_order_step(&orders[which[b][i]],
			    CPNP_STATE_PQO_RECEIVED, CPNP_EVENT_RECV_QUOTATION,
			    DOC(REQUEST));
			ck_assert_int_eq(cpnp_store_put(batch, &effect, 0), 0);
		}
		ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
		cpnp_store_batch_del(batch);
	}
	assert_history(store, &orders[0], " 1 3 4 6");
	assert_history(store, &orders[1], " 2 5 7 8");
	cpnp_store_close(store);
}
END_TEST

/* A proof needs nothing but the file of the store. */
START_TEST(test_store_file_is_enough_for_a_proof)
{
	cpnp_store *store = fixture_open(false);
	uint8_t ref[CPNP_SHA256_LEN];
	cpnp_journal *journal;
	cpnp_diag diag = {.err = 0};
	cpnp_buf proof;
	sqlite3 *db;
	int err;

	store_offer(store);
	cpnp_store_close(store);
	ck_assert_int_eq(sqlite3_open(fixture_db, &db), SQLITE_OK);
	ck_assert_int_eq(cpnp_journal_open(&journal, db, NULL, NULL,
			     (cpnp_wtime){0}, &diag),
	    0);
	cpnp_buf_init(&proof, &fake_env.mem, CPNP_PROOF_MAX);
	ck_assert_int_eq(cpnp_journal_find(journal, "P-1", ref, &diag), 0);
	ck_assert_mem_eq(ref, order.ref, sizeof(ref));
	err = cpnp_proof_build(journal, ref, &proof, &diag);
	ck_assert_msg(err == 0, "%s: %s", diag.where, diag.why);
	cpnp_buf_fini(&proof);
	cpnp_journal_close(journal);
	(void)sqlite3_close(db);
}
END_TEST

/* Each receipt that was asked for, found by its tag. */
START_TEST(test_store_makes_receipts)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	uint8_t statements[3][CPNP_STATEMENT_PAYLOAD_MAX];
	size_t lens[3];
	cpnp_receipt receipt;
	cpnp_effect effect;
	cpnp_trust *trust;
	cpnp_diag diag = {.err = 0};

	fake_order_init(&order, CPNP_SERVER, "customer.example", "C-1", 1);
	for (size_t i = 0; i < 3; i++) {
		effect = fake_order_step(&order, CPNP_STATE_ACCEPT_RECEIVED,
		    CPNP_EVENT_RECV_ACCEPT, i == 0 ? DOC(REQUEST) : 0);
		lens[i] = effect.u.store.statement.len;
		memcpy(statements[i], order.statement, lens[i]);
		ck_assert_int_eq(
		    cpnp_store_put(batch, &effect, i == 1 ? 0 : 30 - i), 0);
	}
	ck_assert_uint_eq(cpnp_store_batch_count(batch), 3);
	ck_assert_uint_gt(cpnp_store_batch_bytes(batch), 100);
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	ck_assert_int_eq(cpnp_trust_new(&trust), 0);
	ck_assert_int_eq(
	    cpnp_trust_add_key_file(trust, fixture_public, NULL, &diag), 0);
	for (size_t i = 0; i < 3; i += 2) {
		ck_assert_int_eq(
		    cpnp_trust_verify_receipt(trust,
			cpnp_store_receipt(batch, 30 - i),
			(cpnp_bytes){statements[i], lens[i]}, &receipt, &diag),
		    0);
		ck_assert_uint_eq(receipt.index, i + 1);
		ck_assert_str_eq(receipt.origin, FIXTURE_ORIGIN);
	}
	ck_assert_uint_eq(cpnp_store_receipt(batch, 29).len, 0);
	cpnp_trust_del(trust);
	cpnp_store_batch_del(batch);
	cpnp_store_close(store);
}
END_TEST

static int
assert_hold(void *user, const cpnp_store_held *held)
{
	size_t *n = user;

	ck_assert_str_eq(held->hold.resource, *n == 0 ? "paris" : "lyon");
	ck_assert_int_eq(held->hold.amount, *n == 0 ? 100 : -5);
	ck_assert_int_eq(held->hold.from.sec, 1000);
	ck_assert_int_eq(held->hold.until.sec, CPNP_WTIME_MAX);
	ck_assert(held->hold.bought);
	unit_assert_bytes(
	    held->peer_identity, CPNP_BYTES_LIT("customer.example"));
	unit_assert_bytes(held->customer_order_id, CPNP_BYTES_LIT("C-1"));
	ck_assert_mem_eq(held->order_ref, order.ref, CPNP_SHA256_LEN);
	++*n;
	return 0;
}

START_TEST(test_store_holds_follow_the_order)
{
	static const cpnp_store_hold holds[] = {
	    {"paris", {1000}, {CPNP_WTIME_MAX}, 100, false},
	    {"lyon", {1000}, {CPNP_WTIME_MAX}, -5, false},
	};
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	size_t n = 0;

	store_offer(store);
	/* replaced, then bought, all in one batch */
	ck_assert_int_eq(cpnp_store_put_holds(batch, &order, holds, 1), 0);
	ck_assert_int_eq(cpnp_store_put_holds(batch, &order, holds, 2), 0);
	ck_assert_int_eq(cpnp_store_buy_holds(batch, &order), 0);
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	cpnp_store_batch_del(batch);
	ck_assert_int_eq(cpnp_store_each_hold(store, assert_hold, &n), 0);
	ck_assert_uint_eq(n, 2);
	n = 0;
	ck_assert_int_eq(
	    cpnp_store_order_holds(store, &order, assert_hold, &n), 0);
	ck_assert_uint_eq(n, 2);
	batch = cpnp_store_batch_new(store, NULL);
	ck_assert_int_eq(cpnp_store_drop_holds(batch, &order), 0);
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	cpnp_store_batch_del(batch);
	ck_assert_int_eq(cpnp_store_each_hold(store, assert_hold, &n), 0);
	ck_assert_int_eq(
	    cpnp_store_order_holds(store, &order, assert_hold, &n), 0);
	ck_assert_uint_eq(n, 2);
	cpnp_store_close(store);
}
END_TEST

/* Batches come back in the order in which they were handed over, however
 * they were merged, and their events are numbered in that order. */
START_TEST(test_store_group_commit_keeps_order)
{
	enum { N = 200 };
	cpnp_store *store = fixture_open(true);
	cpnp_effect effect;
	int err;

	for (uintptr_t i = 0; i < N; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "C-%03u", (unsigned)i % 50);
		fake_order_init(&order, CPNP_SERVER, "customer.example", id,
		    (unsigned)i % 50);
		order.state = i < 50 ? CPNP_STATE_NONE
				     : CPNP_STATE_PQO_RECEIVED;
		(void)snprintf(order.saved, sizeof(order.saved), "%03u",
		    (unsigned)i);
		effect = fake_order_step(&order, CPNP_STATE_PQO_RECEIVED,
		    CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST));
		fixture_submit(store, &effect, i);
	}
	for (uintptr_t i = 0; i < N; i++) {
		ck_assert_uint_eq(cpnp_store_pending(store), N - i);
		ck_assert_uint_eq(fixture_wait(store, &err), i);
		ck_assert_int_eq(err, 0);
	}
	ck_assert_ptr_null(cpnp_store_done(store, &err));
	ck_assert_uint_eq(cpnp_store_pending(store), 0);
	assert_stored(store, &order);
	cpnp_store_close(store);
	ck_assert_int_eq(fixture_query("SELECT count(*) FROM events"), N);
	ck_assert_int_eq(
	    fixture_query("SELECT count(*) FROM orders WHERE saved = "
			  "CAST(printf('%03d', id + 149) AS BLOB)"),
	    50);
	ck_assert_int_eq(
	    fixture_query("SELECT count(*) FROM events WHERE "
			  "order_id != (number - 1) % 50 + 1"),
	    0);
	ck_assert_uint_eq(fixture_verify_journal(), N + 1);
}
END_TEST

static void
assert_refused(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) ==
		SQLITE_CONSTRAINT,
	    "%s is possible", sql);
}

/* B1: what has happened stays, whoever opens the file. */
START_TEST(test_store_events_cannot_be_altered)
{
	cpnp_store *store = fixture_open(false);
	sqlite3 *db;

	store_offer(store);
	ck_assert_int_eq(sqlite3_open(fixture_db, &db), SQLITE_OK);
	assert_refused(db, "UPDATE events SET to_state = 9");
	assert_refused(db, "DELETE FROM events");
	assert_refused(db, "DELETE FROM events WHERE number = 2");
	assert_refused(db,
	    "INSERT OR REPLACE INTO events "
	    "VALUES (1,1,0,0,0,9,9,NULL,'',0,0,NULL)");
	assert_refused(
	    db, "INSERT INTO events VALUES (7,1,0,0,0,9,9,NULL,'',0,0,NULL)");
	assert_refused(db, "DELETE FROM orders");
	assert_refused(db, "UPDATE orders SET customer_order_id = 'C-2'");
	(void)sqlite3_close(db);
	cpnp_store_close(store);
	ck_assert_int_eq(fixture_query("SELECT count(*) FROM events"), 2);
}
END_TEST

static int
list_change(void *user, const cpnp_store_change *change)
{
	char *list = user, one[64];

	unit_assert_bytes(change->peer_identity, cpnp_bytes_str(order.peer));
	ck_assert_int_eq(memcmp(change->order_ref, order.ref,
			     CPNP_SHA256_LEN),
	    0);
	(void)snprintf(one, sizeof(one), "%u:%d>%d ",
	    (unsigned)change->event.number, change->event.agreement_from,
	    change->event.agreement_to);
	strcat(list, one);
	return change->event.number == 5 ? CPNP_ERR_FULL : 0;
}

/* C3, C8: changes come by number, without what is bookkeeping alone, and a
 * reader that fails is given the same again. */
START_TEST(test_store_pages_changes)
{
	cpnp_store *store = fixture_open(true);
	char list[256] = "";
	uint64_t cursor = 0, number;
	cpnp_effect effect;
	bool more;
	int err;

	ck_assert_int_eq(cpnp_store_last_change(store, &number), 0);
	ck_assert_uint_eq(number, 0);
	fake_order_init(&order, CPNP_SERVER, "customer.example", "C-1", 1);
	for (unsigned i = 0; i < 6; i++) {
		effect = fake_order_step(&order, i == 0
			? CPNP_STATE_PQO_RECEIVED : order.state,
		    CPNP_EVENT_RECV_QUOTATION, 0);
		if (i == 1 || i == 5)
			effect.u.store.statement = CPNP_BYTES_NONE;
		if (i == 2 || i == 3)
			effect.u.store.agreement_to = CPNP_AGREEMENT_COMPLETED;
		if (i == 3)
			effect.u.store.agreement_from =
			    CPNP_AGREEMENT_COMPLETED;
		fixture_submit(store, &effect, i);
		ck_assert_uint_eq(fixture_wait(store, &err), i);
		ck_assert_int_eq(err, 0);
	}
	ck_assert_int_eq(cpnp_store_page_changes(
			     store, &cursor, 2, list_change, list, &more),
	    0);
	ck_assert(more);
	ck_assert_str_eq(list, "1:0>0 3:0>1 ");
	ck_assert_uint_eq(cursor, 3);
	ck_assert_int_eq(cpnp_store_page_changes(
			     store, &cursor, 9, list_change, list, &more),
	    CPNP_ERR_FULL);
	ck_assert_str_eq(list, "1:0>0 3:0>1 4:1>1 5:0>0 ");
	ck_assert_uint_eq(cursor, 4);
	ck_assert_int_eq(cpnp_store_last_change(store, &number), 0);
	ck_assert_uint_eq(number, 5);
	cursor = UINT64_MAX;
	ck_assert_int_eq(cpnp_store_page_changes(
			     store, &cursor, 9, list_change, list, &more),
	    0);
	ck_assert(!more);
	cpnp_store_close(store);
}
END_TEST

/* What has been handled goes with a batch, never back, and stays. */
START_TEST(test_store_keeps_what_is_acknowledged)
{
	static const uint64_t puts[][2] = {{3, 3}, {2, 3}, {9, 9}};
	cpnp_store *store = fixture_open(false);
	cpnp_store_batch *batch;
	uint64_t number;

	for (size_t i = 0; i < 3; i++) {
		batch = cpnp_store_batch_new(store, NULL);
		cpnp_store_put_acknowledged(batch, puts[i][0]);
		ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
		cpnp_store_batch_del(batch);
		ck_assert_int_eq(cpnp_store_acknowledged(store, &number), 0);
		ck_assert_uint_eq(number, puts[i][1]);
	}
	cpnp_store_close(store);
	store = fixture_open(false);
	ck_assert_int_eq(cpnp_store_acknowledged(store, &number), 0);
	ck_assert_uint_eq(number, 9);
	cpnp_store_close(store);
}
END_TEST

/* A store of schema 1 gets the agreements of its events: made with Completed,
 * ended with the WITHDRAW at a server (order 1), with its ACK at a client. */
START_TEST(test_store_migrates_events)
{
	static const char back[] =
	    "DROP TRIGGER events_keep; DROP TABLE acknowledged;"
	    "DROP TABLE payments; DROP TABLE outbox; DROP TABLE anchors;"
	    "DROP TABLE ledger; ALTER TABLE events DROP COLUMN outcome;"
	    "DROP TABLE links; DROP TABLE secret;"
	    "DROP INDEX orders_next_service;"
	    "ALTER TABLE orders DROP COLUMN next_service;"
	    "ALTER TABLE events DROP COLUMN agreement_from;"
	    "ALTER TABLE events DROP COLUMN agreement_to;"
	    "INSERT INTO events VALUES (4,1,2,0,13,8,47,90,NULL),"
	    " (5,2,3,0,7,8,6,91,NULL), (6,1,4,0,8,8,24,NULL,NULL),"
	    " (7,1,6,0,8,9,8,92,NULL), (8,2,5,0,8,9,49,93,NULL),"
	    " (9,2,8,0,9,9,6,94,NULL), (10,1,7,0,9,9,24,NULL,NULL);"
	    "CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN"
	    " SELECT RAISE(ABORT, 'events are never changed'); END;"
	    "PRAGMA user_version = 1;";
	cpnp_store *store = fixture_open(false);
	cpnp_effect effect;
	sqlite3 *db;

	store_offer(store);
	fake_order_init(&order, CPNP_CLIENT, "provider.example", "C-2", 2);
	effect = fake_order_step(
	    &order, CPNP_STATE_CREATED, CPNP_EVENT_CREATE, DOC(REQUEST));
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	cpnp_store_close(store);
	ck_assert_int_eq(sqlite3_open(fixture_db, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, back, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	cpnp_store_close(fixture_open(false));
	ck_assert_int_eq(fixture_query("SELECT sum(agreement_from * "
		"(1 << 2 * number)) FROM events"),
	    1 << 12 | 1 << 14 | 1 << 16 | 1 << 18 | 3 << 20);
	ck_assert_int_eq(fixture_query("SELECT sum(agreement_to * "
		"(1 << 2 * number)) FROM events"),
	    1 << 8 | 1 << 10 | 1 << 12 | 3 << 14 | 1 << 16 | 3 << 18 |
		3 << 20);
	ck_assert_int_eq(fixture_query("PRAGMA user_version"), 5);
	ck_assert_int_eq(sqlite3_open(fixture_db, &db), SQLITE_OK);
	assert_refused(db, "UPDATE events SET agreement_to = 0");
	(void)sqlite3_close(db);
}
END_TEST

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
put_many(cpnp_store *store, unsigned first, unsigned n)
{
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	cpnp_effect effect;
	char id[24];

	for (unsigned i = first; i < first + n; i++) {
		(void)snprintf(id, sizeof(id), "C-%08x", i * 2654435761u);
		fake_order_init(&order, CPNP_SERVER, "customer.example", id, i);
		memset(order.docs[CPNP_DOC_REQUEST], 'q', 400);
		effect = fake_order_step(&order, CPNP_STATE_PQO_RECEIVED,
		    CPNP_EVENT_RECV_QUOTATION, DOC(REQUEST));
		ck_assert_int_eq(cpnp_store_put(batch, &effect, 0), 0);
	}
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	cpnp_store_batch_del(batch);
}

/* 100,000 open orders come back; how fast is told, and judged by people. */
START_TEST(test_store_reads_100000_orders)
{
	cpnp_store *store = fixture_open(false);
	double start;
	size_t n = 0;

	for (unsigned i = 0; i < 100; i++)
		put_many(store, 1000 * i, 1000);
	start = seconds();
	ck_assert_int_eq(cpnp_store_each(store, true, count_row, &n), 0);
	printf("store: 100,000 open orders read in %.2f s\n",
	    seconds() - start);
	ck_assert_uint_eq(n, 100000);
	start = seconds();
	for (unsigned i = 0; i < 1000; i++)
		assert_stored(store, &order);
	printf("store: an order found in %.1f us\n",
	    (seconds() - start) * 1e3);
	cpnp_store_close(store);
}
END_TEST

/* Nonces and documents are in it. */
START_TEST(test_store_file_is_private)
{
	cpnp_store *store = fixture_open(false);
	struct stat st;

	ck_assert_int_eq(stat(fixture_db, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	cpnp_store_close(store);
}
END_TEST

/* R11: a copy made while it is written to shows one moment, and is private,
 * complete and never written over another file. */
START_TEST(test_store_backup_shows_one_moment)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_config config = fixture_config(false);
	cpnp_store_backup *backup;
	char path[160], part[176];
	cpnp_diag diag = {0};
	size_t n = 0, steps = 0;
	bool done = false;
	struct stat st;

	put_many(store, 0, 1000);
	(void)snprintf(path, sizeof(path), "%s/copy.db", fixture_dir);
	(void)snprintf(part, sizeof(part), "%s.part", path);
	ck_assert_int_eq(
	    cpnp_store_backup_new(&backup, store, path, &diag), 0);
	for (; !done; steps++) {
		ck_assert_int_ne(access(path, F_OK), 0);
		put_many(store, 1000 * (unsigned)(steps + 1), 10);
		ck_assert_int_eq(
		    cpnp_store_backup_step(backup, 64, &done, &diag), 0);
	}
	ck_assert_uint_gt(steps, 1);
	cpnp_store_backup_del(backup);
	ck_assert_int_ne(access(part, F_OK), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(cpnp_store_backup_new(&backup, store, path, &diag),
	    CPNP_ERR_EXISTS);
	cpnp_store_close(store);
	config.path = path;
	ck_assert_int_eq(cpnp_store_open(&store, &config, &diag), 0);
	ck_assert_int_eq(cpnp_store_each(store, false, count_row, &n), 0);
	ck_assert_uint_eq(n, 1000);
	cpnp_store_close(store);
	ck_assert_int_eq(unlink(path), 0);
	(void)snprintf(part, sizeof(part), "%s-lock", path);
	ck_assert_int_eq(unlink(part), 0);
}
END_TEST

/* One that is given up leaves nothing. */
START_TEST(test_store_backup_given_up_leaves_nothing)
{
	cpnp_store *store = fixture_open(false);
	cpnp_store_backup *backup;
	char path[160], part[176];
	cpnp_diag diag = {0};
	bool done;

	put_many(store, 0, 1000);
	(void)snprintf(path, sizeof(path), "%s/copy.db", fixture_dir);
	(void)snprintf(part, sizeof(part), "%s.part", path);
	ck_assert_int_eq(
	    cpnp_store_backup_new(&backup, store, path, &diag), 0);
	ck_assert_int_eq(
	    cpnp_store_backup_step(backup, 1, &done, &diag), 0);
	ck_assert(!done);
	ck_assert_int_eq(access(part, F_OK), 0);
	cpnp_store_backup_del(backup);
	ck_assert_int_ne(access(part, F_OK), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(cpnp_store_backup_new(&backup, store,
			     "/nonexistent/copy.db", &diag),
	    CPNP_ERR_IO);
	cpnp_store_close(store);
}
END_TEST

START_TEST(test_store_pages_give_each_order_once)
{
	cpnp_store *store = fixture_open(false);
	uint64_t cursor = 0, newest;
	size_t n = 0, pages = 0;
	bool more = true;

	put_many(store, 0, 25);
	for (; more; pages++)
		ck_assert_int_eq(cpnp_store_page(store, &cursor, 10,
				     count_row, &n, &more),
		    0);
	ck_assert_uint_eq(n, 25);
	ck_assert_uint_eq(pages, 3);
	ck_assert_int_eq(cpnp_store_last_event(store, &newest), 0);
	ck_assert_uint_eq(newest, 25);
	cpnp_store_close(store);
}
END_TEST

static int
note_id(void *user, const cpnp_store_row *row)
{
	snprintf((char *)user + strlen(user), 8, "%.*s ",
	    (int)row->customer_order_id.len,
	    (const char *)row->customer_order_id.ptr);
	return 0;
}

/* RFC 8921, 9.2.11: what is to start or to end is found by its date. */
START_TEST(test_store_knows_what_is_due)
{
	static const int64_t dates[] = {300, 0, 100, 200, 200};
	cpnp_store *store = fixture_open(false);
	cpnp_store_due cursor = {.id = 0};
	char name[8], list[64] = "";
	cpnp_effect effect;
	cpnp_wtime date;
	bool more = true;
	unsigned i;

	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "C-%u", i);
		fake_order_init(
		    &order, CPNP_SERVER, "customer.example", name, i);
		order.service = dates[i];
		effect = fake_order_step(&order, CPNP_STATE_PQO_RECEIVED,
		    CPNP_EVENT_RECV_QUOTATION, 0);
		ck_assert_int_eq(fixture_commit(store, &effect), 0);
	}
	while (more)
		ck_assert_int_eq(cpnp_store_page_due(store, CPNP_SERVER,
		    (cpnp_wtime){200}, &cursor, 2, note_id, list, &more), 0);
	ck_assert_str_eq(list, "C-2 C-3 C-4 ");
	ck_assert_int_eq(cpnp_store_next_service(
	    store, CPNP_SERVER, (cpnp_wtime){200}, &date), 0);
	ck_assert_int_eq(date.sec, 300);
	ck_assert_int_eq(cpnp_store_next_service(store, CPNP_SERVER,
	    (cpnp_wtime){300}, &date), CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_store_next_service(store, CPNP_CLIENT,
	    (cpnp_wtime){0}, &date), CPNP_ERR_NOT_FOUND);

	/* another date, and none */
	order.service = 400;
	effect = fake_order_step(&order, CPNP_STATE_AWAITING_PROCESSING,
	    CPNP_EVENT_START, 0);
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	ck_assert_int_eq(cpnp_store_next_service(store, CPNP_SERVER,
	    (cpnp_wtime){300}, &date), 0);
	ck_assert_int_eq(date.sec, 400);
	order.service = 0;
	effect = fake_order_step(&order, CPNP_STATE_OFFER_PROPOSED,
	    CPNP_EVENT_OFFER, 0);
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	ck_assert_int_eq(cpnp_store_next_service(store, CPNP_SERVER,
	    (cpnp_wtime){300}, &date), CPNP_ERR_NOT_FOUND);
	cpnp_store_close(store);
}
END_TEST

static int
note_resting(void *user, cpnp_bytes peer_identity, uint64_t n)
{
	snprintf((char *)user + strlen(user), 32, "%.*s:%u ",
	    (int)peer_identity.len, (const char *)peer_identity.ptr,
	    (unsigned)n);
	return 0;
}

/* A server's order rests from its OFFER on, until its validity; no other does,
 * and none that an older program has left without a date. */
START_TEST(test_store_lets_offers_rest)
{
	static const struct {
		const char *name;
		cpnp_role role;
		cpnp_state state;
		cpnp_agreement_state agreement;
		int64_t validity;
		bool rests;
	} rows[] = {
		{"C-0", CPNP_SERVER, CPNP_STATE_OFFER_PROPOSED,
		    CPNP_AGREEMENT_NONE, 500, true},
		{"C-1", CPNP_SERVER, CPNP_STATE_PROCESSING_RECEIVED,
		    CPNP_AGREEMENT_NONE, 600, true},
		{"C-2", CPNP_SERVER, CPNP_STATE_PROCESSING_RECEIVED,
		    CPNP_AGREEMENT_NONE, 0, false},
		{"C-3", CPNP_SERVER, CPNP_STATE_AWAITING_PROCESSING,
		    CPNP_AGREEMENT_NONE, 500, false},
		{"C-4", CPNP_SERVER, CPNP_STATE_PROCESSING_RECEIVED,
		    CPNP_AGREEMENT_COMPLETED, 500, false},
		{"C-5", CPNP_CLIENT, CPNP_STATE_PROCESSING_RECEIVED,
		    CPNP_AGREEMENT_NONE, 500, false},
	};
	cpnp_store *store = fixture_open(false);
	cpnp_store_row row;
	char list[64] = "";
	cpnp_effect effect;
	cpnp_wtime date;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_order_init(&order, rows[i].role, "customer.example",
		    rows[i].name, (unsigned)i);
		order.agreement = rows[i].agreement;
		order.validity = rows[i].validity;
		effect = fake_order_step(
		    &order, rows[i].state, CPNP_EVENT_OFFER, 0);
		ck_assert_int_eq(fixture_commit(store, &effect), 0);
		ck_assert_int_eq(cpnp_store_find(store, rows[i].role,
		    cpnp_bytes_str("customer.example"),
		    cpnp_bytes_str(rows[i].name), &row), 0);
		ck_assert_int_eq(cpnp_store_row_rests(&row), rows[i].rests);
	}
	ck_assert_int_eq(cpnp_store_each_awake(store, note_id, list), 0);
	ck_assert_str_eq(list, "C-2 C-3 C-4 C-5 ");
	list[0] = '\0';
	ck_assert_int_eq(
	    cpnp_store_each_resting(store, note_resting, list), 0);
	ck_assert_str_eq(list, "customer.example:2 ");
	ck_assert_int_eq(cpnp_store_next_service(
	    store, CPNP_SERVER, (cpnp_wtime){0}, &date), 0);
	ck_assert_int_eq(date.sec, 500);
	ck_assert_int_eq(cpnp_store_next_service(
	    store, CPNP_SERVER, (cpnp_wtime){500}, &date), 0);
	ck_assert_int_eq(date.sec, 600);
	cpnp_store_close(store);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_store_round_trip,
	    test_store_knows_what_is_due,
	    test_store_lets_offers_rest,
	    test_store_keeps_a_note,
	    test_store_finds_nothing_else,
	    test_store_searches_either_identifier,
	    test_store_identifier_is_never_used_again,
	    test_store_keeps_history,
	    test_store_histories_do_not_mix,
	    test_store_file_is_enough_for_a_proof,
	    test_store_makes_receipts,
	    test_store_holds_follow_the_order,
	    test_store_group_commit_keeps_order,
	    test_store_events_cannot_be_altered,
	    test_store_pages_changes,
	    test_store_keeps_what_is_acknowledged,
	    test_store_migrates_events,
	    test_store_reads_100000_orders,
	    test_store_file_is_private,
	    test_store_backup_shows_one_moment,
	    test_store_backup_given_up_leaves_nothing,
	    test_store_pages_give_each_order_once,
	};

	return fixture_run("store", tests, sizeof(tests) / sizeof(tests[0]));
}
