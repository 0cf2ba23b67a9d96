/*
 * The journal: append, rollback, receipts, heads, keys, and a process that
 * ends at any moment.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <time.h>

#include "ledger_fixture.h"

static struct pki pki;
static struct party client, provider;
static struct order order;

static void
setup(void)
{
	fx_pki_init(&pki);
	fx_party_init(&client, &pki, "client.example", "ed25519", false);
	fx_party_init(&provider, &pki, "provider.example", "p256", true);
	fx_order_init(&order, "client.example", "provider.example", "C-1");
}

static void
teardown(void)
{
	fx_order_fini(&order);
	fx_party_fini(&client);
	fx_party_fini(&provider);
	fx_pki_fini(&pki);
}

static void
append_states(struct party *party, size_t n)
{
	fx_sql(party->db, "BEGIN");
	for (size_t i = 0; i < n; i++)
		fx_append_state(party->journal, &order, 1, 1, 2);
	ck_assert_int_eq(cpnp_journal_sign_head(party->journal, NOW), 0);
	fx_sql(party->db, "COMMIT");
}

static void
assert_sound(struct party *party)
{
	cpnp_log_report report;
	cpnp_diag diag;

	ck_assert_msg(cpnp_journal_verify(party->journal, party->trust,
	    &report, &diag) == 0, "%s: %s", diag.where, diag.why);
	ck_assert_uint_eq(report.leaves, cpnp_journal_size(party->journal));
	ck_assert(report.attested);
}

/* A new journal names its key and origin, and has a signed head. */
START_TEST(test_journal_new)
{
	cpnp_head head;

	ck_assert_uint_eq(cpnp_journal_size(provider.journal), 1);
	ck_assert_str_eq(
	    cpnp_journal_origin(provider.journal), "provider.example");
	ck_assert_int_eq(cpnp_journal_head(provider.journal, &head), 0);
	ck_assert_uint_eq(head.size, 1);
	ck_assert(strncmp((const char *)head.checkpoint.ptr,
	    "provider.example\n1\n", 19) == 0);
	assert_sound(&provider);
}
END_TEST

START_TEST(test_journal_reopen_across_tiles)
{
	static const size_t steps[] = {1, 253, 1, 1, 1, 254, 1, 1, 300};
	uint8_t before[CPNP_SHA256_LEN];
	cpnp_head head;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		append_states(&provider, steps[i]);
		ck_assert_int_eq(cpnp_journal_head(provider.journal, &head),
		    0);
		memcpy(before, head.root, sizeof(before));
		cpnp_journal_close(provider.journal);
		provider.journal = fx_journal(provider.db, provider.signer);
		ck_assert_int_eq(cpnp_journal_head(provider.journal, &head),
		    0);
		ck_assert_mem_eq(before, head.root, sizeof(before));
		assert_sound(&provider);
	}
}
END_TEST

/* A commit that fails leaves the journal as it was, in memory too. */
START_TEST(test_journal_rollback)
{
	uint8_t root[CPNP_SHA256_LEN];
	cpnp_head head;

	append_states(&provider, 300);
	ck_assert_int_eq(cpnp_journal_head(provider.journal, &head), 0);
	memcpy(root, head.root, sizeof(root));
	fx_sql(provider.db, "BEGIN");
	for (size_t i = 0; i < 400; i++)
		fx_append_state(provider.journal, &order, 1, 3, 4);
	ck_assert_int_eq(cpnp_journal_sign_head(provider.journal, NOW), 0);
	fx_sql(provider.db, "ROLLBACK");
	ck_assert_int_eq(cpnp_journal_rollback(provider.journal), 0);
	ck_assert_uint_eq(cpnp_journal_size(provider.journal), 301);
	ck_assert_int_eq(cpnp_journal_head(provider.journal, &head), 0);
	ck_assert_uint_eq(head.size, 301);
	ck_assert_mem_eq(root, head.root, sizeof(root));
	append_states(&provider, 300);
	assert_sound(&provider);
}
END_TEST

/* A reader sees the head that the writer has stored since, and keeps what it
 * knew: a receipt under its own head, and none of what came later. */
START_TEST(test_journal_stored_head)
{
	cpnp_buf receipt = fx_buf();
	cpnp_head head, stored;
	cpnp_journal *reader;
	cpnp_diag diag;

	append_states(&provider, 5);
	ck_assert_int_eq(cpnp_journal_open(&reader, provider.db, NULL, NULL,
	    NOW, &diag), 0);
	append_states(&provider, 600);
	ck_assert_int_eq(cpnp_journal_stored_head(reader, &stored), 0);
	ck_assert_int_eq(cpnp_journal_head(provider.journal, &head), 0);
	ck_assert_uint_eq(stored.size, 606);
	ck_assert_mem_eq(stored.root, head.root, sizeof(head.root));
	ck_assert(cpnp_bytes_equal(stored.checkpoint, head.checkpoint));
	ck_assert_int_eq(cpnp_journal_head(reader, &head), 0);
	ck_assert_uint_eq(head.size, 6);
	ck_assert_int_eq(cpnp_journal_receipt(reader, 5, &receipt), 0);
	ck_assert_int_eq(cpnp_journal_receipt(reader, 6, &receipt),
	    CPNP_ERR_NOT_FOUND);
	cpnp_journal_close(reader);
	cpnp_buf_fini(&receipt);
}
END_TEST

START_TEST(test_journal_receipts)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_buf receipt = fx_buf();
	cpnp_receipt out;
	cpnp_diag diag;
	cpnp_signed said;
	uint64_t index;

	append_states(&provider, 260);
	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_OFFER),
	    NULL, &order.offer);
	index = fx_append(
	    provider.journal, &order, cpnp_buf_bytes(&order.offer));
	ck_assert_int_eq(cpnp_journal_receipt(
	    provider.journal, index, &receipt), CPNP_ERR_NOT_FOUND);
	append_states(&provider, 17);
	ck_assert_int_eq(
	    cpnp_journal_receipt(provider.journal, index, &receipt), 0);
	/* the certificate of the receipt is not known yet */
	ck_assert_int_eq(cpnp_trust_verify_receipt(client.trust,
	    cpnp_buf_bytes(&receipt), cpnp_buf_bytes(&order.offer), &out,
	    &diag), CPNP_ERR_SIGNATURE);
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&order.offer), NULL, &said, NULL), 0);
	ck_assert_msg(cpnp_trust_verify_receipt(client.trust,
	    cpnp_buf_bytes(&receipt), cpnp_buf_bytes(&order.offer), &out,
	    &diag) == 0, "%s: %s", diag.where, diag.why);
	ck_assert_uint_eq(out.index, index);
	ck_assert_uint_eq(out.size, 279);
	ck_assert_str_eq(out.origin, "provider.example");
	ck_assert_str_eq(out.identity, "provider.example");
	ck_assert_int_eq(hash_once(
	    &(cpnp_bytes){order.offer.ptr, order.offer.len}, 1, digest), 0);
	ck_assert_int_eq(cpnp_trust_verify_receipt_of(client.trust,
	    cpnp_buf_bytes(&receipt), digest, &out, &diag), 0);
	ck_assert_uint_eq(out.index, index);
	/* of another statement, or with one byte changed */
	ck_assert_int_eq(cpnp_trust_verify_receipt(client.trust,
	    cpnp_buf_bytes(&receipt), CPNP_BYTES_LIT("x"), &out, &diag),
	    CPNP_ERR_PROOF);
	for (size_t i = 0; i < receipt.len; i++) {
		receipt.ptr[i] ^= 1;
		ck_assert_msg(trust_verify_leaf(client.trust,
		    cpnp_buf_bytes(&receipt), digest, &out, NULL) != 0,
		    "byte %zu of the receipt may be changed", i);
		receipt.ptr[i] ^= 1;
	}
	cpnp_buf_fini(&receipt);
}
END_TEST

/* Every leaf has a receipt that leads to the one head. */
START_TEST(test_journal_receipt_of_every_leaf)
{
	cpnp_buf receipt = fx_buf();
	cpnp_receipt out;

	append_states(&provider, 600);
	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_OFFER),
	    NULL, &order.offer);
	ck_assert_int_eq(cpnp_trust_verify(client.trust,
	    cpnp_buf_bytes(&order.offer), NULL, &(cpnp_signed){0}, NULL), 0);
	for (uint64_t i = 0; i < 601; i += 13) {
		sqlite3_stmt *stmt;
		char sql[96];

		cpnp_buf_reset(&receipt);
		ck_assert_int_eq(
		    cpnp_journal_receipt(provider.journal, i, &receipt), 0);
		(void)snprintf(sql, sizeof(sql), "SELECT statement FROM "
		    "journal_leaf WHERE idx = %" PRIu64, i);
		ck_assert_int_eq(sqlite3_prepare_v2(
		    provider.db, sql, -1, &stmt, NULL), SQLITE_OK);
		ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
		ck_assert_int_eq(cpnp_trust_verify_receipt(client.trust,
		    cpnp_buf_bytes(&receipt),
		    (cpnp_bytes){sqlite3_column_blob(stmt, 0),
		        (size_t)sqlite3_column_bytes(stmt, 0)},
		    &out, NULL), 0);
		ck_assert_uint_eq(out.index, i);
		sqlite3_finalize(stmt);
	}
	cpnp_buf_fini(&receipt);
}
END_TEST

START_TEST(test_journal_wrong_key_or_origin)
{
	cpnp_journal *journal;
	cpnp_diag diag;

	ck_assert_int_eq(cpnp_journal_open(&journal, provider.db,
	    client.signer, NULL, NOW, &diag), CPNP_ERR_MISMATCH);
	ck_assert_ptr_nonnull(strstr(diag.why, "rotate-key"));
	ck_assert_int_eq(cpnp_journal_open(&journal, provider.db,
	    provider.signer, "other.example", NOW, &diag),
	    CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "origin");
	fx_sql(provider.db,
	    "UPDATE journal_meta SET value = '2' WHERE key = 'format'");
	ck_assert_int_eq(cpnp_journal_open(&journal, provider.db,
	    provider.signer, NULL, NOW, &diag), CPNP_ERR_VERSION);
}
END_TEST

START_TEST(test_journal_read_only_and_unsigned)
{
	cpnp_journal *journal;
	sqlite3 *db;
	cpnp_head head;
	cpnp_diag diag;

	ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
	ck_assert_int_eq(cpnp_journal_open(&journal, db, NULL, NULL, NOW,
	    &diag), CPNP_ERR_NOT_FOUND);
	ck_assert_int_eq(cpnp_journal_open(&journal, db, NULL, "a b", NOW,
	    &diag), CPNP_ERR_INVALID);
	/* leaves without a key, and a key later */
	ck_assert_int_eq(cpnp_journal_open(&journal, db, NULL,
	    "provider.example", NOW, &diag), 0);
	fx_append_state(journal, &order, 1, 1, 2);
	ck_assert_int_eq(cpnp_journal_sign_head(journal, NOW), 0);
	ck_assert_int_eq(
	    cpnp_journal_head(journal, &head), CPNP_ERR_NOT_FOUND);
	cpnp_journal_close(journal);
	journal = fx_journal(db, provider.signer);
	ck_assert_uint_eq(cpnp_journal_size(journal), 2);
	ck_assert_int_eq(cpnp_journal_head(journal, &head), 0);
	cpnp_journal_close(journal);
	ck_assert_int_eq(
	    cpnp_journal_open(&journal, db, NULL, NULL, NOW, &diag), 0);
	ck_assert_int_eq(cpnp_journal_append(journal, order.ref,
	    CPNP_BYTES_LIT("x"), NULL), CPNP_ERR_STATE);
	cpnp_journal_close(journal);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

START_TEST(test_journal_key_change)
{
	char path[128];
	cpnp_signer *next;
	cpnp_journal *journal;
	cpnp_head head;
	uint8_t id[CPNP_SHA256_LEN];

	append_states(&provider, 5);
	fx_path(&pki, "next.key", path);
	ck_assert_int_eq(cpnp_key_generate(path, "ed25519", NULL), 0);
	ck_assert_int_eq(cpnp_signer_load(
	    &next, provider.key, provider.cert, path, NULL), 0);
	cpnp_signer_key_id(next, id);
	/* a change that does not commit has not happened */
	fx_sql(provider.db, "BEGIN");
	ck_assert_int_eq(
	    cpnp_journal_rotate(provider.journal, next, NOW), 0);
	fx_sql(provider.db, "ROLLBACK");
	ck_assert_int_eq(cpnp_journal_rollback(provider.journal), 0);
	append_states(&provider, 5);
	assert_sound(&provider);
	fx_sql(provider.db, "BEGIN");
	ck_assert_int_eq(
	    cpnp_journal_rotate(provider.journal, next, NOW), 0);
	ck_assert_int_eq(cpnp_journal_rotate(provider.journal, next, NOW),
	    CPNP_ERR_EXISTS);
	fx_sql(provider.db, "COMMIT");
	append_states(&provider, 5);
	assert_sound(&provider);
	ck_assert_int_eq(cpnp_journal_head(provider.journal, &head), 0);
	ck_assert_mem_eq(head.key_id, id, sizeof(id));
	/* the old key opens it no more */
	ck_assert_int_eq(cpnp_journal_open(&journal, provider.db,
	    provider.signer, NULL, NOW, NULL), CPNP_ERR_MISMATCH);
	cpnp_journal_close(provider.journal);
	provider.journal = fx_journal(provider.db, next);
	append_states(&provider, 5);
	assert_sound(&provider);
	cpnp_signer_del(provider.signer);
	provider.signer = next;
}
END_TEST

START_TEST(test_journal_find)
{
	uint8_t ref[CPNP_SHA256_LEN];
	struct order other;
	cpnp_diag diag;
	char hex[65];

	fx_negotiate(&client, &provider, &order);
	ck_assert_int_eq(
	    cpnp_journal_find(provider.journal, "C-1", ref, &diag), 0);
	ck_assert_mem_eq(ref, order.ref, sizeof(ref));
	ck_assert_int_eq(
	    cpnp_journal_find(provider.journal, "P-1", ref, &diag), 0);
	hex_encode(order.ref, sizeof(order.ref), hex);
	ck_assert_int_eq(
	    cpnp_journal_find(provider.journal, hex, ref, &diag), 0);
	ck_assert_int_eq(cpnp_journal_find(provider.journal, "C-2", ref,
	    &diag), CPNP_ERR_NOT_FOUND);
	ck_assert_str_eq(diag.where, "C-2");
	/* contradictions.md, 21: a customer's identifier alone does not say
	 * which */
	fx_order_init(&other, "third.example", "provider.example", "C-1");
	fx_put_order(provider.journal, &other);
	ck_assert_int_eq(cpnp_journal_find(provider.journal, "C-1", ref,
	    &diag), CPNP_ERR_EXISTS);
	fx_order_fini(&other);
}
END_TEST

/* Each way to damage a stored journal is found, and named. */
START_TEST(test_journal_verify_finds_damage)
{
	static const struct {
		const char *sql;
		const char *where;
	} cases[] = {
	    {"UPDATE journal_leaf SET statement = (SELECT statement FROM"
	     " journal_leaf WHERE idx = 9) WHERE idx = 301", "head"},
	    {"UPDATE journal_leaf SET statement = (SELECT statement FROM"
	     " journal_leaf WHERE idx = 9) WHERE idx = 10", "tile"},
	    {"DELETE FROM journal_leaf WHERE idx = 20", "leaf"},
	    {"DELETE FROM journal_leaf WHERE idx = 300", "leaf"},
	    {"DELETE FROM journal_leaf WHERE idx > 300", "head"},
	    {"UPDATE journal_leaf SET statement = x'00' WHERE idx = 4",
		"leaf"},
	    {"UPDATE journal_leaf SET ref = ref + 1 WHERE idx = 4", "leaf"},
	    {"DELETE FROM journal_tile", "tile"},
	    {"UPDATE journal_tile SET hashes = zeroblob(8192)", "tile"},
	    {"INSERT INTO journal_tile VALUES(3, 3, zeroblob(8192))",
		"journal_tile"},
	    {"UPDATE journal_head SET root = zeroblob(32) WHERE size = 301",
		"head"},
	    {"UPDATE journal_head SET signature = zeroblob(64)"
	     " WHERE size = 301", "head"},
	    {"UPDATE journal_head SET checkpoint = 'x' WHERE size = 301",
		"head"},
	    {"UPDATE journal_head SET time = time + 1 WHERE size = 301",
		"head"},
	    {"DELETE FROM journal_key", "journal_key"}};
	cpnp_log_report report;
	cpnp_diag diag;

	/* leaf 9 says something else than the others */
	append_states(&provider, 8);
	fx_sql(provider.db, "BEGIN");
	fx_append_state(provider.journal, &order, 1, 8, 9);
	fx_sql(provider.db, "COMMIT");
	append_states(&provider, 291);
	append_states(&provider, 3);
	assert_sound(&provider);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fx_sql(provider.db, "BEGIN");
		fx_sql(provider.db, cases[i].sql);
		ck_assert_msg(cpnp_journal_verify(provider.journal,
		    provider.trust, &report, &diag) != 0,
		    "not found: %s", cases[i].sql);
		ck_assert_msg(strcmp(diag.where, cases[i].where) == 0,
		    "%s: found as %s: %s", cases[i].sql, diag.where,
		    diag.why);
		fx_sql(provider.db, "ROLLBACK");
		assert_sound(&provider);
	}
}
END_TEST

/* A process that ends inside a transaction leaves the last commit. */
START_TEST(test_journal_crash)
{
	char path[128], uri[160];
	sqlite3 *db, *after;
	cpnp_journal *journal;
	cpnp_log_report report;

	fx_path(&pki, "store.db", path);
	(void)snprintf(uri, sizeof(uri), "%s", path);
	ck_assert_int_eq(sqlite3_open(uri, &db), SQLITE_OK);
	fx_sql(db, "PRAGMA journal_mode = WAL");
	journal = fx_journal(db, provider.signer);
	fx_sql(db, "BEGIN");
	for (size_t i = 0; i < 300; i++)
		fx_append_state(journal, &order, 1, 1, 2);
	ck_assert_int_eq(cpnp_journal_sign_head(journal, NOW), 0);
	fx_sql(db, "COMMIT");
	fx_sql(db, "BEGIN");
	for (size_t i = 0; i < 300; i++)
		fx_append_state(journal, &order, 1, 3, 4);
	/* nothing is closed: another process sees what was committed */
	ck_assert_int_eq(sqlite3_open(uri, &after), SQLITE_OK);
	{
		cpnp_journal *again;

		ck_assert_int_eq(cpnp_journal_open(
		    &again, after, NULL, NULL, NOW, NULL), 0);
		ck_assert_uint_eq(cpnp_journal_size(again), 301);
		ck_assert_int_eq(
		    cpnp_journal_verify(again, NULL, &report, NULL), 0);
		ck_assert_uint_eq(report.heads, 2);
		cpnp_journal_close(again);
	}
	fx_sql(db, "ROLLBACK");
	cpnp_journal_close(journal);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_close(after), SQLITE_OK);
}
END_TEST

START_TEST(test_journal_limits)
{
	static const uint8_t big[CPNP_STATEMENT_MAX + 1];

	ck_assert_int_eq(cpnp_journal_append(provider.journal, order.ref,
	    (cpnp_bytes){big, sizeof(big)}, NULL), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_journal_append(provider.journal, order.ref,
	    CPNP_BYTES_NONE, NULL), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_journal_append(provider.journal, order.ref,
	    (cpnp_bytes){big, CPNP_STATEMENT_MAX}, NULL), 0);
}
END_TEST

/* Speed of appending, printed; the order references differ, as in life. */
START_TEST(test_journal_append_rate)
{
	enum { N = 60000 };
	struct timespec a, b;
	cpnp_statement s = fx_statement(&order, CPNP_STATEMENT_STATE);
	uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_buf buf;
	double seconds;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &a), 0);
	fx_sql(provider.db, "BEGIN");
	for (uint32_t i = 0; i < N; i++) {
		uint32_t scattered = i / 6 * 2654435761u;

		memcpy(s.order_ref, &scattered, sizeof(scattered));
		cpnp_buf_init_fixed(&buf, store, sizeof(store));
		ck_assert_int_eq(cpnp_statement_encode(&s, &buf), 0);
		ck_assert_int_eq(cpnp_journal_append(provider.journal,
		    s.order_ref, cpnp_buf_bytes(&buf), NULL), 0);
	}
	ck_assert_int_eq(cpnp_journal_sign_head(provider.journal, NOW), 0);
	fx_sql(provider.db, "COMMIT");
	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &b), 0);
	seconds = (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("journal: %.0f leaves a second\n", N / seconds);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_journal_new,
	    test_journal_reopen_across_tiles, test_journal_rollback,
	    test_journal_stored_head,
	    test_journal_receipts, test_journal_receipt_of_every_leaf,
	    test_journal_wrong_key_or_origin,
	    test_journal_read_only_and_unsigned, test_journal_key_change,
	    test_journal_find, test_journal_verify_finds_damage,
	    test_journal_crash, test_journal_limits,
	    test_journal_append_rate};

	return fx_run("journal", tests, sizeof(tests) / sizeof(*tests),
	    setup, teardown);
}
