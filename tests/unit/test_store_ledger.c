/*
 * What the store keeps of a shared ledger: payments with their orders, the
 * outbox, anchors, and how far outcomes are handled.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdio.h>
#include <string.h>

#include <cpnp/settlement.h>

#include "store_fixture.h"

static cpnp_order order;

static cpnp_store *
begin(void)
{
	cpnp_store *store = fixture_open(false);
	cpnp_effect effect;

	fake_order_init(&order, CPNP_SERVER, "customer.example", "C-1", 1);
	effect = fake_order_step(&order, CPNP_STATE_PQO_RECEIVED,
	    CPNP_EVENT_RECV_QUOTATION, 0);
	ck_assert_int_eq(fixture_commit(store, &effect), 0);
	return store;
}

static void
commit(cpnp_store *store, cpnp_store_batch *batch)
{
	ck_assert_int_eq(cpnp_store_commit(store, batch), 0);
	cpnp_store_batch_del(batch);
}

static int
list_payment(void *user, const cpnp_store_payment *payment)
{
	char *list = user;

	(void)sprintf(list + strlen(list), "%u:%d:%lld:%lld ",
	    payment->id[0], (int)payment->state, (long long)payment->amount,
	    (long long)payment->paid);
	return 0;
}

static int
list_change(void *user, const cpnp_store_change *change)
{
	char *list = user;
	cpnp_bytes outcome = change->event.outcome;

	unit_assert_bytes(
	    change->customer_order_id, CPNP_BYTES_LIT("C-1"));
	(void)sprintf(list + strlen(list), "%d:%.*s ",
	    (int)change->event.number, (int)outcome.len,
	    outcome.len > 0 ? (const char *)outcome.ptr : "");
	return 0;
}

/* A payment is found by its id and by its order, and is what was put last; an
 * outcome is a change, though no state changes. */
START_TEST(test_store_keeps_payments)
{
	static const cpnp_store_payment puts[] = {
	    {.id = {1}, .state = CPNP_STORE_PAYMENT_ASKED, .amount = 100},
	    {.id = {2}, .state = CPNP_STORE_PAYMENT_CLAIMED, .amount = 5},
	    {.id = {1}, .state = CPNP_STORE_PAYMENT_SETTLED, .amount = 100,
		.paid = 40}};
	cpnp_store *store = begin();
	cpnp_store_batch *batch;
	cpnp_store_payment payment;
	char list[256] = "";
	uint64_t cursor = 0;
	cpnp_effect effect;
	bool more;

	for (size_t i = 0; i < 3; i++) {
		batch = cpnp_store_batch_new(store, NULL);
		ck_assert_int_eq(
		    cpnp_store_put_payment(batch, &order, &puts[i]), 0);
		commit(store, batch);
	}
	batch = cpnp_store_batch_new(store, NULL);
	ck_assert_int_eq(cpnp_store_add_outcome(
	    batch, CPNP_BYTES_LIT("paid")), CPNP_ERR_INVALID);
	effect = fake_order_step(
	    &order, CPNP_STATE_PQO_RECEIVED, CPNP_EVENT_NONE, 0);
	ck_assert_int_eq(cpnp_store_put(batch, &effect, 0), 0);
	ck_assert_int_eq(
	    cpnp_store_add_outcome(batch, CPNP_BYTES_LIT("paid")), 0);
	ck_assert_int_eq(cpnp_store_add_outcome(
	    batch, CPNP_BYTES_NONE), CPNP_ERR_INVALID);
	commit(store, batch);
	cpnp_store_close(store);
	store = fixture_open(false);
	ck_assert_int_eq(cpnp_store_each_payment(store,
	    cpnp_bytes_str("customer.example"), cpnp_bytes_str("C-1"),
	    list_payment, list), 0);
	ck_assert_str_eq(list, "1:3:100:40 2:5:5:0 ");
	ck_assert_int_eq(
	    cpnp_store_find_payment(store, puts[0].id, &payment), 0);
	unit_assert_bytes(payment.peer_identity,
	    CPNP_BYTES_LIT("customer.example"));
	unit_assert_bytes(payment.customer_order_id, CPNP_BYTES_LIT("C-1"));
	ck_assert_int_eq(payment.state, CPNP_STORE_PAYMENT_SETTLED);
	ck_assert_int_eq(cpnp_store_find_payment(
	    store, (const uint8_t[CPNP_SHA256_LEN]){3}, &payment),
	    CPNP_ERR_NOT_FOUND);
	list[0] = '\0';
	ck_assert_int_eq(cpnp_store_page_changes(
	    store, &cursor, 9, list_change, list, &more), 0);
	ck_assert_str_eq(list, "1: 2:paid ");
	cpnp_store_close(store);
}
END_TEST

static int
list_op(void *user, const cpnp_store_op *op)
{
	char *list = user;

	(void)sprintf(list + strlen(list), "%d:%u:%u:%.*s ",
	    (int)op->number, op->kind, op->subject[0], (int)op->bytes.len,
	    (const char *)op->bytes.ptr);
	return 0;
}

/* Operations stay, in order, until they are taken out. */
START_TEST(test_store_keeps_the_outbox)
{
	static const uint8_t a[CPNP_SHA256_LEN] = {7};
	const cpnp_store_op ops[] = {
	    {2, 41, a, CPNP_BYTES_LIT("ack")},
	    {1, 40, a, CPNP_BYTES_LIT("pay")},
	    {3, 42, a, CPNP_BYTES_LIT("void")}};
	cpnp_store *store = begin();
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	char list[256] = "";

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(cpnp_store_put_op(batch, &ops[i]), 0);
	ck_assert_int_eq(cpnp_store_drop_op(batch, 2), 0);
	commit(store, batch);
	cpnp_store_close(store);
	store = fixture_open(false);
	ck_assert_int_eq(cpnp_store_each_op(store, list_op, list), 0);
	ck_assert_str_eq(list, "1:40:7:pay 3:42:7:void ");
	cpnp_store_close(store);
}
END_TEST

static int
get_size(void *user, const cpnp_store_anchor *anchor)
{
	*(uint64_t *)user = anchor->size;
	return 0;
}

/* A leaf is under the first anchor that has more; only so many are kept, the
 * newest. */
START_TEST(test_store_keeps_the_newest_anchors)
{
	static const uint8_t root[CPNP_SHA256_LEN] = {1};
	cpnp_store *store = begin();
	cpnp_store_batch *batch = cpnp_store_batch_new(store, NULL);
	cpnp_store_anchor anchor = {
	    .root = root, .digest = root, .op = CPNP_BYTES_LIT("op")};
	uint64_t size;

	for (uint64_t i = 1; i <= CPNP_STORE_ANCHORS_MAX + 5; i++) {
		anchor.size = 10 * i;
		anchor.position = i;
		ck_assert_int_eq(cpnp_store_put_anchor(batch, &anchor), 0);
	}
	commit(store, batch);
	ck_assert_int_eq(fixture_query("SELECT count(*) FROM anchors"),
	    CPNP_STORE_ANCHORS_MAX);
	ck_assert_int_eq(
	    cpnp_store_find_anchor(store, 0, get_size, &size), 0);
	ck_assert_uint_eq(size, 60);
	ck_assert_int_eq(
	    cpnp_store_find_anchor(store, 69, get_size, &size), 0);
	ck_assert_uint_eq(size, 70);
	ck_assert_int_eq(
	    cpnp_store_find_anchor(store, 70, get_size, &size), 0);
	ck_assert_uint_eq(size, 80);
	ck_assert_int_eq(cpnp_store_anchored(store, &size), 0);
	ck_assert_uint_eq(size, 10 * (CPNP_STORE_ANCHORS_MAX + 5));
	ck_assert_int_eq(cpnp_store_find_anchor(store, size, get_size, &size),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_store_find_anchor(
	    store, UINT64_MAX, get_size, &size), CPNP_ERR_NOT_FOUND);
	cpnp_store_close(store);
}
END_TEST

/* The ledger and how far its outcomes are handled. */
START_TEST(test_store_keeps_its_ledger)
{
	static const uint8_t id[CPNP_SHA256_LEN] = {9};
	uint8_t got[CPNP_SHA256_LEN];
	cpnp_store *store = begin();
	cpnp_store_batch *batch;
	uint64_t outcomes;

	ck_assert_int_eq(
	    cpnp_store_ledger(store, got, &outcomes), CPNP_ERR_NOT_FOUND);
	for (uint64_t i = 5; i < 7; i++) {
		batch = cpnp_store_batch_new(store, NULL);
		ck_assert_int_eq(cpnp_store_put_ledger(batch, id, i), 0);
		commit(store, batch);
	}
	ck_assert_int_eq(cpnp_store_ledger(store, got, &outcomes), 0);
	ck_assert_mem_eq(got, id, sizeof(id));
	ck_assert_uint_eq(outcomes, 6);
	cpnp_store_close(store);
}
END_TEST

/* A store that a release without payments has made is migrated. */
START_TEST(test_store_migrates_to_payments)
{
	static const char back[] =
	    "DROP TABLE payments; DROP TABLE outbox; DROP TABLE anchors;"
	    "DROP TABLE ledger; ALTER TABLE events DROP COLUMN outcome;"
	    "DROP TABLE links; DROP TABLE secret;"
	    "PRAGMA user_version = 3;";
	cpnp_store *store = begin();
	cpnp_store_payment payment;
	char list[256] = "";
	uint64_t cursor = 0;
	sqlite3 *db;
	bool more;

	cpnp_store_close(store);
	ck_assert_int_eq(sqlite3_open(fixture_db, &db), SQLITE_OK);
	ck_assert_int_eq(
	    sqlite3_exec(db, back, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	store = fixture_open(false);
	ck_assert_int_eq(fixture_query("PRAGMA user_version"), 5);
	ck_assert_int_eq(cpnp_store_find_payment(
	    store, (const uint8_t[CPNP_SHA256_LEN]){3}, &payment),
	    CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_store_page_changes(
	    store, &cursor, 9, list_change, list, &more), 0);
	ck_assert_str_eq(list, "1: ");
	cpnp_store_close(store);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_store_keeps_payments,
	    test_store_keeps_the_outbox,
	    test_store_keeps_the_newest_anchors,
	    test_store_keeps_its_ledger,
	    test_store_migrates_to_payments,
	};

	return fixture_run(
	    "store_ledger", tests, sizeof(tests) / sizeof(tests[0]));
}
