/*
 * Proof files: what both sides can prove, that no byte can be changed, and
 * that a provider that forges, drops or rewrites an ACCEPT after its ACK is
 * caught by the client's own file (requirements.md, F14).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <time.h>

#include "ledger_fixture.h"

static struct pki pki;
static struct party client, provider;
static struct order order;

static void
setup(void)
{
	fx_pki_init(&pki);
	fx_party_init(&client, &pki, "client.example", "p256", false);
	fx_party_init(&provider, &pki, "provider.example", "ed25519", true);
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

static cpnp_buf
prove(struct party *party)
{
	cpnp_buf out = fx_buf();
	cpnp_diag diag;

	ck_assert_msg(cpnp_proof_build(party->journal, order.ref, &out,
	    &diag) == 0, "%s: %s", diag.where, diag.why);
	return out;
}

static cpnp_proof *
verify(cpnp_trust *trust, const cpnp_buf *file)
{
	cpnp_proof *proof = NULL;
	cpnp_diag diag;

	ck_assert_msg(cpnp_proof_verify(&proof, cpnp_buf_bytes(file), trust,
	    &diag) == 0, "%s: %s", diag.where, diag.why);
	return proof;
}

static void
assert_refused(cpnp_trust *trust, const cpnp_buf *file, const char *why)
{
	cpnp_proof *proof = NULL;
	cpnp_diag diag;

	ck_assert_int_ne(cpnp_proof_verify(
	    &proof, cpnp_buf_bytes(file), trust, &diag), 0);
	ck_assert_msg(strstr(diag.why, why) != NULL ||
	    strstr(diag.where, why) != NULL,
	    "refused for another reason: %s: %s", diag.where, diag.why);
}

START_TEST(test_proof_of_both_sides)
{
	cpnp_trust *trust = fx_trust(&pki);
	struct party *sides[] = {&client, &provider};
	cpnp_proof *proof;
	cpnp_buf file;

	fx_negotiate(&client, &provider, &order);
	for (size_t i = 0; i < 2; i++) {
		file = prove(sides[i]);
		proof = verify(trust, &file);
		ck_assert_int_eq(proof->agreed, 0);
		ck_assert_str_eq(proof->journal.identity, sides[i]->name);
		ck_assert(proof->journal.attested);
		ck_assert(proof->is_provider == (i == 1));
		ck_assert_str_eq(proof->entries[proof->accept].identity,
		    "client.example");
		ck_assert_str_eq(proof->entries[proof->ack].identity,
		    "provider.example");
		ck_assert_int_eq(proof->agreements[0].cost.amount, 1250000);
		ck_assert_uint_eq(proof->receipt_n, i == 0 ? 1 : 0);
		if (i == 0) {
			ck_assert_str_eq(proof->receipts[0].origin,
			    "provider.example");
			ck_assert_uint_eq(
			    proof->receipt_entry[0], proof->accept);
		}
		cpnp_proof_del(proof);
		cpnp_buf_fini(&file);
	}
	cpnp_trust_del(trust);
}
END_TEST

/* An order that came to nothing can be proved too; nothing is agreed. */
START_TEST(test_proof_of_an_offer_only)
{
	cpnp_proof *proof;
	cpnp_buf file;

	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_OFFER),
	    NULL, &order.offer);
	fx_put_order(client.journal, &order);
	fx_append_state(client.journal, &order, 0, 0, 1);
	(void)fx_append(client.journal, &order, cpnp_buf_bytes(&order.offer));
	ck_assert_int_eq(cpnp_proof_build(client.journal, order.ref,
	    &(cpnp_buf){.mem = &ledger_mem, .max = CPNP_PROOF_MAX}, NULL),
	    CPNP_ERR_STATE);
	ck_assert_int_eq(cpnp_journal_sign_head(client.journal, NOW), 0);
	file = prove(&client);
	proof = verify(client.trust, &file);
	ck_assert_int_eq(proof->agreed, -1);
	ck_assert_uint_eq(proof->agreement_n, 1);
	cpnp_proof_del(proof);
	cpnp_buf_fini(&file);
}
END_TEST

static void
fix_digest(cpnp_buf *file)
{
	cpnp_bytes all = {file->ptr, file->len - CPNP_SHA256_LEN};

	ck_assert_int_eq(hash_once(&all, 1, file->ptr + all.len), 0);
}

/* Every byte of the file (or every step-th), with the digest at its end made
 * right again: it is the signatures that protect, not the digest. */
static void
check_every_byte(
    cpnp_trust *trust, struct party *party, uint8_t bit, size_t step)
{
	cpnp_buf file = prove(party);
	cpnp_proof *proof;
	cpnp_diag diag;

	cpnp_proof_del(verify(trust, &file));
	for (size_t i = 0; i < file.len; i += step) {
		file.ptr[i] ^= bit;
		if (i < file.len - CPNP_SHA256_LEN)
			fix_digest(&file);
		ck_assert_msg(cpnp_proof_verify(&proof, cpnp_buf_bytes(&file),
		    trust, &diag) != 0, "byte %zu may be changed", i);
		ck_assert_msg(diag.where[0] != '\0' && diag.why[0] != '\0',
		    "byte %zu: nothing is named", i);
		file.ptr[i] ^= bit;
		if (i < file.len - CPNP_SHA256_LEN)
			fix_digest(&file);
	}
	for (size_t n = 0; n < file.len; n += 97)
		ck_assert_int_ne(cpnp_proof_verify(&proof,
		    (cpnp_bytes){file.ptr, n}, trust, &diag), 0);
	cpnp_buf_fini(&file);
}

START_TEST(test_proof_every_byte_of_the_client)
{
	cpnp_trust *trust = fx_trust(&pki);

	fx_negotiate(&client, &provider, &order);
	check_every_byte(trust, &client, 0x01, 1);
	cpnp_trust_del(trust);
}
END_TEST

START_TEST(test_proof_every_byte_of_the_provider)
{
	cpnp_trust *trust = fx_trust(&pki);

	fx_negotiate(&client, &provider, &order);
	check_every_byte(trust, &provider, 0x20, 1);
	cpnp_trust_del(trust);
}
END_TEST

/* Write a public key for --key. */
static void
write_public(const char *from, const char *name, char path[128])
{
	cpnp_buf pem = fx_buf();
	FILE *file;

	fx_path(&pki, name, path);
	ck_assert_int_eq(cpnp_key_public(from, &pem, NULL, NULL), 0);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(pem.ptr, 1, pem.len, file), pem.len);
	ck_assert_int_eq(fclose(file), 0);
	cpnp_buf_fini(&pem);
}

static cpnp_trust *
key_trust(const char *path)
{
	cpnp_trust *trust;

	ck_assert_int_eq(cpnp_trust_new(&trust), 0);
	ck_assert_int_eq(cpnp_trust_add_key_file(trust, path, NULL, NULL), 0);
	cpnp_trust_allow_unattested(trust);
	return trust;
}

/* A domain's first key, or any later one, is enough; another is not. */
START_TEST(test_proof_by_key_before_and_after_rotation)
{
	char first[128], later[128], wrong[128], path[128];
	const char *good[2];
	cpnp_signer *next;
	cpnp_trust *trust;
	cpnp_proof *proof;
	cpnp_buf file;

	write_public(provider.key, "first.pub", first);
	fx_path(&pki, "next.key", path);
	ck_assert_int_eq(cpnp_key_generate(path, "ed25519", NULL), 0);
	write_public(path, "later.pub", later);
	fx_path(&pki, "wrong.key", path);
	ck_assert_int_eq(cpnp_key_generate(path, "ed25519", NULL), 0);
	write_public(path, "wrong.pub", wrong);
	fx_path(&pki, "next.key", path);
	ck_assert_int_eq(cpnp_signer_load(
	    &next, provider.key, provider.cert, path, NULL), 0);
	fx_negotiate(&client, &provider, &order);
	ck_assert_int_eq(
	    cpnp_journal_rotate(provider.journal, next, NOW), 0);
	file = prove(&provider);
	good[0] = first;
	good[1] = later;
	for (size_t i = 0; i < 2; i++) {
		trust = key_trust(good[i]);
		proof = verify(trust, &file);
		ck_assert(proof->key_known);
		ck_assert_uint_eq(proof->key_n, 2);
		ck_assert(proof->journal.attested);
		/* nobody vouches for the client's certificate here */
		ck_assert(!proof->entries[proof->accept].attested);
		cpnp_proof_del(proof);
		cpnp_trust_del(trust);
	}
	trust = key_trust(wrong);
	assert_refused(trust, &file, "known key");
	cpnp_trust_del(trust);
	trust = fx_trust(&pki);
	check_every_byte(trust, &provider, 0x04, 3);
	cpnp_trust_del(trust);
	cpnp_buf_fini(&file);
	cpnp_journal_close(provider.journal);
	provider.journal = fx_journal(provider.db, next);
	cpnp_signer_del(provider.signer);
	provider.signer = next;
}
END_TEST

/* ACCEPT signed with a good certificate of somebody else. */
START_TEST(test_proof_refuses_an_accept_of_another)
{
	cpnp_buf file;

	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_OFFER),
	    NULL, &order.offer);
	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_ACCEPT),
	    &order.offer, &order.accept);
	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_ACK),
	    &order.accept, &order.ack);
	fx_provider_book(&provider, &order);
	file = prove(&provider);
	assert_refused(client.trust, &file, "not by the client");
	cpnp_buf_fini(&file);
}
END_TEST

START_TEST(test_proof_refuses_a_broken_chain_of_answers)
{
	cpnp_statement s = fx_statement(&order, CPNP_STATEMENT_OFFER);
	cpnp_buf other = fx_buf();
	cpnp_buf file;

	fx_sign(provider.signer, s, NULL, &order.offer);
	s.time.sec++;
	fx_sign(provider.signer, s, NULL, &other);
	fx_sign(client.signer, fx_statement(&order, CPNP_STATEMENT_ACCEPT),
	    &other, &order.accept);
	fx_sign(provider.signer, fx_statement(&order, CPNP_STATEMENT_ACK),
	    &order.accept, &order.ack);
	fx_provider_book(&provider, &order);
	file = prove(&provider);
	assert_refused(client.trust, &file, "answers an OFFER");
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&other);
}
END_TEST

START_TEST(test_proof_refuses_a_stranger)
{
	struct pki other;
	cpnp_trust *trust;
	cpnp_buf file;

	fx_pki_init(&other);
	trust = fx_trust(&other);
	fx_negotiate(&client, &provider, &order);
	file = prove(&client);
	assert_refused(trust, &file, "certificate");
	cpnp_buf_fini(&file);
	cpnp_trust_del(trust);
	fx_pki_fini(&other);
}
END_TEST

/* The provider's journal written again from its leaves with one of them
 * replaced (empty: left out), its heads signed anew: in itself it is sound. */
static void
rewrite(struct party *liar, uint64_t victim, cpnp_bytes instead)
{
	cpnp_log_report report;
	cpnp_journal *journal;
	sqlite3_stmt *stmt;
	cpnp_bytes bytes;
	cpnp_diag diag;
	sqlite3 *db;
	uint64_t i;

	ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
	journal = fx_journal(db, liar->signer);
	fx_put_order(journal, &order);
	ck_assert_int_eq(sqlite3_prepare_v2(liar->db,
	    "SELECT statement FROM journal_leaf WHERE idx > 0 ORDER BY idx",
	    -1, &stmt, NULL), SQLITE_OK);
	for (i = 1; sqlite3_step(stmt) == SQLITE_ROW; i++) {
		bytes = (cpnp_bytes){sqlite3_column_blob(stmt, 0),
		    (size_t)sqlite3_column_bytes(stmt, 0)};
		if (i == victim)
			bytes = instead;
		if (bytes.len > 0)
			(void)fx_append(journal, &order, bytes);
	}
	sqlite3_finalize(stmt);
	ck_assert_int_eq(cpnp_journal_sign_head(journal, NOW), 0);
	ck_assert_msg(cpnp_journal_verify(journal, liar->trust, &report,
	    &diag) == 0, "%s: %s", diag.where, diag.why);
	cpnp_journal_close(liar->journal);
	ck_assert_int_eq(sqlite3_close(liar->db), SQLITE_OK);
	liar->db = db;
	liar->journal = journal;
}

static void
assert_caught(const char *what)
{
	cpnp_buf file = prove(&client);
	cpnp_diag diag;

	ck_assert_int_eq(cpnp_journal_check_proof(provider.journal,
	    provider.trust, cpnp_buf_bytes(&file), &diag), CPNP_ERR_PROOF);
	ck_assert_msg(strstr(diag.why, what) != NULL,
	    "caught as: %s: %s", diag.where, diag.why);
	/* and by somebody who has no authority to ask */
	ck_assert_int_eq(cpnp_journal_check_proof(provider.journal, NULL,
	    cpnp_buf_bytes(&file), &diag), CPNP_ERR_PROOF);
	cpnp_buf_fini(&file);
}

/* Leaves of the provider: 0 key, 1 state, 2 OFFER, 3 ACCEPT, 4 ACK, 5 state. */
#define LEAF_ACCEPT 3
#define LEAF_ACK 4

START_TEST(test_proof_honest_journal_passes)
{
	cpnp_buf file;
	cpnp_diag diag;

	fx_negotiate(&client, &provider, &order);
	file = prove(&client);
	ck_assert_msg(cpnp_journal_check_proof(provider.journal,
	    provider.trust, cpnp_buf_bytes(&file), &diag) == 0, "%s: %s",
	    diag.where, diag.why);
	ck_assert_int_eq(cpnp_journal_check_proof(client.journal,
	    client.trust, cpnp_buf_bytes(&file), &diag), 0);
	cpnp_buf_fini(&file);
	file = prove(&provider);
	ck_assert_msg(cpnp_journal_check_proof(client.journal, client.trust,
	    cpnp_buf_bytes(&file), &diag) == 0, "%s: %s", diag.where,
	    diag.why);
	cpnp_buf_fini(&file);
}
END_TEST

START_TEST(test_proof_catches_dropped_accept)
{
	fx_negotiate(&client, &provider, &order);
	rewrite(&provider, LEAF_ACCEPT, CPNP_BYTES_NONE);
	assert_caught("not the statement that the journal gave a receipt");
}
END_TEST

START_TEST(test_proof_catches_truncated_journal)
{
	fx_negotiate(&client, &provider, &order);
	rewrite(&provider, LEAF_ACK, CPNP_BYTES_NONE);
	assert_caught("does not hold the ACK");
}
END_TEST

/* The ACCEPT replaced by the same client's signature over something else. */
START_TEST(test_proof_catches_rewritten_accept)
{
	cpnp_statement s;
	cpnp_buf other = fx_buf();

	fx_negotiate(&client, &provider, &order);
	s = fx_statement(&order, CPNP_STATEMENT_ACCEPT);
	s.time.sec += 60;
	fx_sign(client.signer, s, &order.offer, &other);
	rewrite(&provider, LEAF_ACCEPT, cpnp_buf_bytes(&other));
	assert_caught("not the statement that the journal gave a receipt");
	cpnp_buf_fini(&other);
}
END_TEST

/* An ACCEPT that the client never made, beside the true one. */
START_TEST(test_proof_catches_forged_accept)
{
	cpnp_statement s;
	cpnp_buf forged = fx_buf();
	cpnp_buf file;

	fx_negotiate(&client, &provider, &order);
	s = fx_statement(&order, CPNP_STATEMENT_ACCEPT);
	s.time.sec += 1;
	fx_sign(provider.signer, s, &order.offer, &forged);
	(void)fx_append(provider.journal, &order, cpnp_buf_bytes(&forged));
	ck_assert_int_eq(cpnp_journal_sign_head(provider.journal, NOW), 0);
	assert_caught("another statement in the place");
	/* and its own proof convinces nobody */
	file = prove(&provider);
	assert_refused(client.trust, &file, "not by the client");
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&forged);
}
END_TEST

/* The past changed elsewhere than in this order. */
START_TEST(test_proof_catches_rewritten_past)
{
	cpnp_statement s = fx_statement(&order, CPNP_STATEMENT_STATE);
	uint8_t store[CPNP_STATEMENT_PAYLOAD_MAX];
	cpnp_buf buf;

	fx_negotiate(&client, &provider, &order);
	s.role = 1;
	s.to_state = 9;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_statement_encode(&s, &buf), 0);
	rewrite(&provider, 1, cpnp_buf_bytes(&buf));
	assert_caught("its past was rewritten");
}
END_TEST

START_TEST(test_proof_of_another_domain_is_named)
{
	struct party third;
	cpnp_buf file;
	cpnp_diag diag;

	fx_negotiate(&client, &provider, &order);
	fx_party_init(&third, &pki, "third.example", "ed25519", false);
	file = prove(&client);
	ck_assert_int_eq(cpnp_journal_check_proof(third.journal, third.trust,
	    cpnp_buf_bytes(&file), &diag), CPNP_ERR_MISMATCH);
	cpnp_buf_fini(&file);
	fx_party_fini(&third);
}
END_TEST

static bool
is_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#else
	return false;
#endif
#else
	return false;
#endif
}

/* Under 5 ms, with nothing remembered from before. */
START_TEST(test_proof_verify_time)
{
	struct timespec a, b;
	cpnp_trust *trust;
	cpnp_buf file;
	double ms, best = 1e9;

	fx_negotiate(&client, &provider, &order);
	file = prove(&client);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &a), 0);
		trust = fx_trust(&pki);
		cpnp_proof_del(verify(trust, &file));
		cpnp_trust_del(trust);
		ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &b), 0);
		ms = (double)(b.tv_sec - a.tv_sec) * 1e3 +
		    (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		if (ms < best)
			best = ms;
	}
	printf("proof: %zu bytes, verified in %.2f ms\n", file.len, best);
	/* a sanitizer takes its time */
	ck_assert_msg(is_instrumented() || best < 5.0, "%.2f ms", best);
	cpnp_buf_fini(&file);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_proof_of_both_sides,
	    test_proof_of_an_offer_only, test_proof_every_byte_of_the_client,
	    test_proof_every_byte_of_the_provider,
	    test_proof_by_key_before_and_after_rotation,
	    test_proof_refuses_an_accept_of_another,
	    test_proof_refuses_a_broken_chain_of_answers,
	    test_proof_refuses_a_stranger, test_proof_honest_journal_passes,
	    test_proof_catches_dropped_accept,
	    test_proof_catches_truncated_journal,
	    test_proof_catches_rewritten_accept,
	    test_proof_catches_forged_accept,
	    test_proof_catches_rewritten_past,
	    test_proof_of_another_domain_is_named, test_proof_verify_time};

	return fx_run("proof", tests, sizeof(tests) / sizeof(*tests), setup,
	    teardown);
}
