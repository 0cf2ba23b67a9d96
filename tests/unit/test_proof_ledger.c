/*
 * What a proof file has from a ledger: the facts and by whose word, that no
 * byte can be changed, and that nothing is taken for a fact that is of another
 * order, journal or ledger (B, Y1, U34).  The outcomes are made here; that a
 * ledger makes such is shown by tests/e2e/anchored.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/settlement.h>

#include "journal.h"
#include "ledger_fixture.h"

#define PROVIDER "provider.example"
#define OUTCOMES 40
#define POSITION(i) ((uint64_t)(i) / 2 + 1) /* two outcomes in each entry */

enum fact { ANCHOR, AUTHORIZE, POSTED, SETTLED, FACTS };

static struct pki pki;
static struct party client, provider;
static struct order order;
static cpnp_signer *watcher, *payee; /* both operators */
static char watcher_pub[128], payee_pub[128];
static uint8_t ledger_id[CPNP_SHA256_LEN];
static cpnp_buf terms_bytes;
static cpnp_terms terms;
/* what the part is made of, for tests to make it wrong */
static cpnp_proof_source sources[CPNP_PROOF_FACTS_MAX + 1];
static cpnp_buf ops[FACTS];
static cpnp_outcome_head head;
static cpnp_ledger_moment moments[FACTS];
static size_t moment_n;

static cpnp_signer *
make_operator(const char *name, char pub[128])
{
	char path[128], file[64];
	cpnp_signer *signer = NULL;
	cpnp_buf pem = fx_buf();
	FILE *out;

	(void)snprintf(file, sizeof(file), "%s.key", name);
	fx_path(&pki, file, path);
	ck_assert_int_eq(cpnp_key_generate(path, "ed25519", NULL), 0);
	ck_assert_int_eq(
	    cpnp_signer_load(&signer, NULL, NULL, path, NULL), 0);
	(void)snprintf(file, sizeof(file), "%s.pub", name);
	fx_path(&pki, file, pub);
	ck_assert_int_eq(cpnp_key_public(path, &pem, NULL, NULL), 0);
	out = fopen(pub, "w");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(pem.ptr, 1, pem.len, out), pem.len);
	ck_assert_int_eq(fclose(out), 0);
	cpnp_buf_fini(&pem);
	return signer;
}

/* The order of the fixture with terms of settlement in its agreement. */
static void
add_terms(void)
{
	cpnp_bytes b;

	terms = (cpnp_terms){.payee = CPNP_BYTES_LIT("payee"),
	    .issuer = CPNP_BYTES_LIT("bank"), .code = CPNP_BYTES_LIT("EUR"),
	    .exponent = 2, .amount = 1250000, .duration = DAY,
	    .escrow_seconds = 3600};
	memcpy(terms.ledger, ledger_id, sizeof(ledger_id));
	terms_bytes = fx_buf();
	ck_assert_int_eq(cpnp_terms_encode(&terms, &terms_bytes, NULL), 0);
	order.agreement.settlement_terms = cpnp_buf_bytes(&terms_bytes);
	cpnp_buf_reset(&order.agreement_bytes);
	ck_assert_int_eq(cpnp_agreement_encode(
	    &order.agreement, &order.agreement_bytes), 0);
	b = cpnp_buf_bytes(&order.agreement_bytes);
	ck_assert_int_eq(hash_once(&b, 1, order.digest), 0);
}

static int
no_tile(void *user, unsigned level, uint64_t number,
    const uint8_t hashes[CPNP_TILE_BYTES])
{
	(void)user, (void)level, (void)number, (void)hashes;
	return CPNP_ERR_IO;
}

static void
set_op(enum fact fact, const cpnp_op *op)
{
	cpnp_bytes bytes;
	cpnp_diag diag;

	cpnp_buf_reset(&ops[fact]);
	ck_assert_msg(cpnp_op_encode(op, &ops[fact], &diag) == 0, "%s: %s",
	    diag.where, diag.why);
	bytes = cpnp_buf_bytes(&ops[fact]);
	sources[fact].op = bytes;
	ck_assert_int_eq(
	    hash_once(&bytes, 1, sources[fact].outcome.digest), 0);
}

static cpnp_op
anchor_op(void)
{
	static uint8_t root[CPNP_SHA256_LEN];
	cpnp_op op = {.type = CPNP_OP_ANCHOR};

	memcpy(op.ledger, ledger_id, sizeof(ledger_id));
	op.account = CPNP_BYTES_LIT("payee");
	/* of the journal before the ACK was in it */
	ck_assert_int_eq(
	    cpnp_tree_root(provider.journal->tree, 4, root), 0);
	CPNP_OP_SET(&op, ORIGIN, origin, CPNP_BYTES_LIT(PROVIDER));
	CPNP_OP_SET(&op, SIZE, size, 4);
	CPNP_OP_SET(&op, ROOT, root, ((cpnp_bytes){root, CPNP_SHA256_LEN}));
	return op;
}

static cpnp_op
authorize_op(void)
{
	static uint8_t commitment[CPNP_SHA256_LEN];
	cpnp_op op;

	ck_assert_int_eq(cpnp_terms_authorize(&terms, &ledger_env,
	    CPNP_BYTES_LIT("payer"), order.digest, NULL, 0, NOW, commitment,
	    &op), 0);
	return op;
}

static void
set_outcome(enum fact fact, unsigned kind, int64_t amount)
{
	cpnp_proof_source *s = &sources[fact];

	s->index = 10 + 4 * (uint64_t)fact;
	s->outcome.kind = kind;
	s->outcome.code = CPNP_OUTCOME_ACCEPTED;
	s->outcome.position = POSITION(s->index);
	s->outcome.amount = amount;
}

/* A ledger with the facts among other outcomes: its tree, paths and head. */
static void
make_tree(void)
{
	const cpnp_tile_io io = {NULL, NULL, no_tile};
	uint8_t store[CPNP_OUTCOME_MAX];
	cpnp_outcome outcome;
	cpnp_tree *tree;
	cpnp_buf leaf;
	size_t i, j;

	ck_assert_int_eq(cpnp_tree_new(&tree, &io), 0);
	for (i = 0; i < OUTCOMES; i++) {
		memset(&outcome, 0, sizeof(outcome));
		outcome.position = POSITION(i);
		outcome.kind = CPNP_OP_TICK;
		for (j = 0; j < FACTS; j++)
			if (sources[j].index == i)
				outcome = sources[j].outcome;
		cpnp_buf_init_fixed(&leaf, store, sizeof(store));
		cpnp_outcome_encode(&outcome, &leaf);
		ck_assert_int_eq(
		    cpnp_tree_append(tree, cpnp_buf_bytes(&leaf)), 0);
	}
	for (j = 0; j < FACTS; j++)
		ck_assert_int_eq(cpnp_tree_inclusion(tree, sources[j].index,
		    OUTCOMES, sources[j].path, &sources[j].path_n), 0);
	memcpy(head.ledger, ledger_id, sizeof(ledger_id));
	head.size = OUTCOMES;
	head.position = POSITION(OUTCOMES - 1);
	ck_assert_int_eq(cpnp_tree_root(tree, OUTCOMES, head.root), 0);
	cpnp_tree_del(tree);
}

static void
setup(void)
{
	cpnp_op op;

	fx_pki_init(&pki);
	fx_party_init(&client, &pki, "client.example", "p256", false);
	fx_party_init(&provider, &pki, PROVIDER, "ed25519", true);
	fx_order_init(&order, "client.example", PROVIDER, "C-1");
	watcher = make_operator("watcher", watcher_pub);
	payee = make_operator("payee", payee_pub);
	memset(ledger_id, 7, sizeof(ledger_id));
	memset(sources, 0, sizeof(sources));
	memset(&head, 0, sizeof(head));
	add_terms();
	fx_negotiate(&client, &provider, &order);
	for (int i = 0; i < FACTS; i++)
		ops[i] = fx_buf();
	set_outcome(ANCHOR, CPNP_OP_ANCHOR, 0);
	set_outcome(AUTHORIZE, CPNP_OP_AUTHORIZE, 1250000);
	set_outcome(POSTED, CPNP_FACT_POSTED, 1250000);
	set_outcome(SETTLED, CPNP_FACT_SETTLED, 400000);
	op = anchor_op();
	set_op(ANCHOR, &op);
	ck_assert_int_eq(cpnp_journal_consistency(provider.journal, 4,
	    cpnp_journal_size(provider.journal), sources[ANCHOR].consistency,
	    &sources[ANCHOR].consistency_n), 0);
	op = authorize_op();
	set_op(AUTHORIZE, &op);
	for (int i = POSTED; i <= SETTLED; i++)
		memcpy(sources[i].outcome.digest,
		    sources[AUTHORIZE].outcome.digest, CPNP_SHA256_LEN);
	make_tree();
	for (moment_n = 0; moment_n < FACTS; moment_n++)
		moments[moment_n] = (cpnp_ledger_moment){
		    sources[moment_n].outcome.position,
		    {NOW.sec + (int64_t)moment_n}};
}

static void
teardown(void)
{
	for (int i = 0; i < FACTS; i++)
		cpnp_buf_fini(&ops[i]);
	cpnp_buf_fini(&terms_bytes);
	cpnp_signer_del(watcher);
	cpnp_signer_del(payee);
	fx_order_fini(&order);
	fx_party_fini(&client);
	fx_party_fini(&provider);
	fx_pki_fini(&pki);
}

static cpnp_buf
sign_head(const cpnp_signer *signer)
{
	cpnp_buf out = fx_buf();

	ck_assert_int_eq(cpnp_outcome_head_sign_at(
	    signer, &head, moments, moment_n, &out), 0);
	return out;
}

static cpnp_buf
plain(void)
{
	cpnp_buf out = fx_buf();

	ck_assert_int_eq(
	    cpnp_proof_build(provider.journal, order.ref, &out, NULL), 0);
	return out;
}

/* The proof as the sources and head are now, signed by one operator. */
static cpnp_buf
prove(const cpnp_signer *signer, const cpnp_proof_source *from, size_t n)
{
	cpnp_buf file = plain(), out = fx_buf(), h = sign_head(signer);
	cpnp_bytes bytes = cpnp_buf_bytes(&h);
	cpnp_diag diag;

	ck_assert_msg(cpnp_proof_put_ledger(cpnp_buf_bytes(&file), &bytes, 1,
	    from, n, &out, &diag) == 0, "%s: %s", diag.where, diag.why);
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&h);
	return out;
}

static cpnp_trust *
believe(bool in_watcher, bool in_payee)
{
	cpnp_trust *trust = fx_trust(&pki);

	if (in_watcher)
		ck_assert_int_eq(cpnp_trust_add_operator_file(
		    trust, "watcher", watcher_pub, NULL), 0);
	if (in_payee)
		ck_assert_int_eq(cpnp_trust_add_operator_file(
		    trust, "payee", payee_pub, NULL), 0);
	return trust;
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

/* Takes the file. */
static void
assert_refused(cpnp_trust *trust, cpnp_buf file, const char *why)
{
	cpnp_proof *proof = NULL;
	cpnp_diag diag;

	ck_assert_int_ne(cpnp_proof_verify(
	    &proof, cpnp_buf_bytes(&file), trust, &diag), 0);
	ck_assert_msg(strstr(diag.why, why) != NULL,
	    "refused for another reason: %s: %s", diag.where, diag.why);
	cpnp_buf_fini(&file);
}

START_TEST(test_proof_ledger_facts)
{
	static const unsigned kinds[FACTS] = {CPNP_OP_ANCHOR,
	    CPNP_OP_AUTHORIZE, CPNP_FACT_POSTED, CPNP_FACT_SETTLED};
	cpnp_trust *trust = believe(true, true);
	cpnp_buf file = prove(watcher, sources, FACTS);
	cpnp_proof *proof = verify(trust, &file);
	const cpnp_proof_ledger *l = proof->ledger;

	ck_assert_ptr_nonnull(l);
	ck_assert_uint_eq(l->fact_n, FACTS);
	ck_assert_uint_eq(l->signer_n, 1);
	ck_assert_str_eq(l->signers[0], "watcher");
	ck_assert_mem_eq(l->head.ledger, ledger_id, sizeof(ledger_id));
	for (size_t i = 0; i < FACTS; i++) {
		ck_assert_uint_eq(l->facts[i].outcome.kind, kinds[i]);
		ck_assert(l->facts[i].attested);
		ck_assert(l->facts[i].has_time);
		ck_assert_int_eq(
		    l->facts[i].time.sec, NOW.sec + (int64_t)i);
		ck_assert_int_eq(
		    l->facts[i].agreement, i == ANCHOR ? -1 : proof->agreed);
		ck_assert_uint_eq(
		    l->facts[i].payment, i == ANCHOR ? 0 : AUTHORIZE);
	}
	ck_assert_uint_eq(l->facts[ANCHOR].op.size, 4);
	ck_assert_int_eq(l->facts[SETTLED].outcome.amount, 400000);
	cpnp_proof_del(proof);
	cpnp_buf_fini(&file);
	cpnp_trust_del(trust);
}
END_TEST

/* A file of before there was such a part, and one that has none. */
START_TEST(test_proof_ledger_is_optional)
{
	cpnp_trust *trust = believe(true, false);
	cpnp_buf file = plain(), h = sign_head(watcher), out = fx_buf();
	cpnp_proof *proof = verify(trust, &file);

	ck_assert_ptr_null(proof->ledger);
	/* version 1, in a map of nine */
	ck_assert_mem_eq(file.ptr, "\xa9\x01\x01\x02", 4);
	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&file),
	    cpnp_buf_bytes(&h), &out, NULL), CPNP_ERR_NOT_FOUND);
	cpnp_proof_del(proof);
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&h);
	cpnp_buf_fini(&out);
	cpnp_trust_del(trust);
}
END_TEST

/* "heads signed by operators that the verifier names, at least one of them
 * not the payee" */
START_TEST(test_proof_ledger_signers)
{
	cpnp_trust *nobody = believe(false, false);
	cpnp_trust *only_payee = believe(false, true);
	cpnp_trust *only_watcher = believe(true, false);
	cpnp_trust *both = believe(true, true);
	cpnp_buf file = prove(payee, sources, FACTS), with = fx_buf();
	cpnp_buf h = sign_head(watcher);
	cpnp_proof *proof;

	proof = verify(nobody, &file);
	ck_assert_uint_eq(proof->ledger->signer_n, 0);
	for (size_t i = 0; i < FACTS; i++)
		ck_assert(!proof->ledger->facts[i].attested);
	cpnp_proof_del(proof);
	assert_refused(only_payee, prove(payee, sources, FACTS),
	    "only payee has signed, whose anchor it is");
	assert_refused(nobody, prove(payee, sources + AUTHORIZE, 1),
	    "it names the time of an entry that no fact is of");
	moments[0] = moments[AUTHORIZE];
	moment_n = 1;
	assert_refused(only_payee, prove(payee, sources + AUTHORIZE, 1),
	    "only payee has signed, who is the payee");
	assert_refused(only_watcher, prove(payee, sources + AUTHORIZE, 1),
	    "none is signed by an operator whom you believe");
	/* another operator cosigns the first file */
	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&file),
	    cpnp_buf_bytes(&h), &with, NULL), 0);
	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&with),
	    cpnp_buf_bytes(&h), &file, NULL), CPNP_ERR_EXISTS);
	proof = verify(both, &with);
	ck_assert_uint_eq(proof->ledger->signer_n, 2);
	ck_assert_uint_eq(proof->ledger->head_n, 2);
	cpnp_proof_del(proof);
	proof = verify(only_watcher, &with);
	ck_assert(proof->ledger->facts[SETTLED].attested);
	cpnp_proof_del(proof);
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&with);
	cpnp_buf_fini(&h);
	cpnp_trust_del(nobody);
	cpnp_trust_del(only_payee);
	cpnp_trust_del(only_watcher);
	cpnp_trust_del(both);
}
END_TEST

static void
fix_digest(cpnp_buf *file)
{
	cpnp_bytes all = {file->ptr, file->len - CPNP_SHA256_LEN};

	ck_assert_int_eq(hash_once(&all, 1, file->ptr + all.len), 0);
}

/* What verify says of the ledger is the same as before, or less was believed:
 * a head that nobody believes may say what it wants of who signed it. */
static bool
same_facts(const cpnp_proof_ledger *a, const cpnp_proof_ledger *b)
{
	size_t i;

	if (a->fact_n != b->fact_n || a->signer_n < b->signer_n ||
	    memcmp(&a->head, &b->head, sizeof(a->head)) != 0)
		return false;
	for (i = 0; i < a->fact_n; i++)
		if (memcmp(&a->facts[i].outcome, &b->facts[i].outcome,
		        sizeof(cpnp_outcome)) != 0 ||
		    a->facts[i].index != b->facts[i].index ||
		    a->facts[i].time.sec != b->facts[i].time.sec ||
		    a->facts[i].agreement != b->facts[i].agreement ||
		    a->facts[i].op.size != b->facts[i].op.size)
			return false;
	return true;
}

/* Every byte, with the digest at the end made right again.  With one head it
 * is an error, since nobody would have signed it. */
static void
check_every_byte(cpnp_buf *file, uint8_t bit, size_t step, bool one_head)
{
	cpnp_trust *trust = believe(true, true);
	cpnp_proof *good = verify(trust, file), *proof;
	cpnp_diag diag;
	int err;

	for (size_t i = 0; i < file->len - CPNP_SHA256_LEN; i += step) {
		file->ptr[i] ^= bit;
		fix_digest(file);
		proof = NULL;
		err = cpnp_proof_verify(
		    &proof, cpnp_buf_bytes(file), trust, &diag);
		ck_assert_msg(err != 0 || (!one_head && proof->ledger !=
		    NULL && same_facts(good->ledger, proof->ledger)),
		    "byte %zu may be changed", i);
		ck_assert_msg(err == 0 ||
		    (diag.where[0] != '\0' && diag.why[0] != '\0'),
		    "byte %zu: nothing is named", i);
		cpnp_proof_del(proof);
		file->ptr[i] ^= bit;
	}
	fix_digest(file);
	for (size_t n = 0; n < file->len; n += 97)
		ck_assert_int_ne(cpnp_proof_verify(&proof,
		    (cpnp_bytes){file->ptr, n}, trust, &diag), 0);
	cpnp_proof_del(good);
	cpnp_trust_del(trust);
}

START_TEST(test_proof_ledger_every_byte)
{
	cpnp_buf file = prove(watcher, sources, FACTS);

	check_every_byte(&file, 0x01, 1, true);
	check_every_byte(&file, 0x40, 3, true);
	cpnp_buf_fini(&file);
}
END_TEST

START_TEST(test_proof_ledger_every_byte_of_two_heads)
{
	cpnp_buf file = prove(watcher, sources, FACTS), with = fx_buf();
	cpnp_buf h = sign_head(payee);

	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&file),
	    cpnp_buf_bytes(&h), &with, NULL), 0);
	check_every_byte(&with, 0x02, 1, false);
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&with);
	cpnp_buf_fini(&h);
}
END_TEST

/* The sources with one changed, in a tree that has it, signed by an honest
 * operator of a ledger where it happened. */
static void
refuse(cpnp_trust *trust, const char *why)
{
	make_tree();
	assert_refused(trust, prove(watcher, sources, FACTS), why);
}

START_TEST(test_proof_ledger_refuses_what_is_of_another)
{
	cpnp_trust *trust = believe(true, false);
	uint8_t other[CPNP_SHA256_LEN] = {1};
	cpnp_op anchor = anchor_op(), authorize = authorize_op(), op;

	op = anchor;
	op.origin = CPNP_BYTES_LIT("client.example");
	set_op(ANCHOR, &op);
	refuse(trust, "the anchor of another journal");
	op = anchor;
	op.root = (cpnp_bytes){other, sizeof(other)};
	set_op(ANCHOR, &op);
	refuse(trust, "its past was changed");
	op = anchor;
	op.size = 5;
	set_op(ANCHOR, &op);
	refuse(trust, "its past was changed");
	op = anchor;
	op.ledger[0] ^= 1;
	set_op(ANCHOR, &op);
	refuse(trust, "made for another ledger");
	set_op(ANCHOR, &anchor);
	sources[ANCHOR].outcome.code = CPNP_OUTCOME_STALE;
	refuse(trust, "a refusal");
	sources[ANCHOR].outcome.code = CPNP_OUTCOME_ACCEPTED;
	sources[ANCHOR].outcome.kind = CPNP_OP_HEARTBEAT;
	refuse(trust, "not of an anchor");
	sources[ANCHOR].outcome.kind = CPNP_OP_ANCHOR;

	op = authorize;
	op.order = (cpnp_bytes){other, sizeof(other)};
	set_op(AUTHORIZE, &op);
	refuse(trust, "an agreement that is not in the file");
	op = authorize;
	op.amount--;
	set_op(AUTHORIZE, &op);
	refuse(trust, "amount: in the authorization not what");
	op = authorize;
	op.peer = CPNP_BYTES_LIT("friend");
	set_op(AUTHORIZE, &op);
	refuse(trust, "peer: in the authorization not what");
	set_op(AUTHORIZE, &authorize);
	sources[AUTHORIZE].op = CPNP_BYTES_NONE;
	refuse(trust, "operation: missing");
	sources[AUTHORIZE].op = sources[ANCHOR].op;
	refuse(trust, "the outcome is of another");
	set_op(AUTHORIZE, &anchor);
	refuse(trust, "the outcome is of another");
	set_op(AUTHORIZE, &authorize);

	sources[POSTED].outcome.digest[0] ^= 1;
	refuse(trust, "of a payment that is not in the file");
	sources[POSTED].outcome.digest[0] ^= 1;
	sources[POSTED].op = sources[AUTHORIZE].op;
	refuse(trust, "there is none of this");
	sources[POSTED].op = CPNP_BYTES_NONE;
	sources[POSTED].outcome.kind = CPNP_FACT_CLAIM_UPHELD;
	refuse(trust, "neither of an anchor nor of a payment");
	sources[POSTED].outcome.kind = CPNP_FACT_POSTED;
	sources[POSTED].outcome.position = 1000;
	refuse(trust, "do not lead to the head");
	sources[POSTED].outcome.position = POSITION(sources[POSTED].index);
	make_tree();
	sources[SETTLED].path[0][0] ^= 1;
	assert_refused(trust, prove(watcher, sources, FACTS),
	    "do not lead to the head");
	sources[SETTLED].path[0][0] ^= 1;
	sources[SETTLED] = sources[POSTED];
	moment_n--;
	assert_refused(trust, prove(watcher, sources, FACTS),
	    "not behind the one before");
	cpnp_trust_del(trust);
}
END_TEST

/* Heads of two trees, or of two clocks, are no word of two operators. */
START_TEST(test_proof_ledger_heads_agree)
{
	cpnp_trust *trust = believe(true, true);
	cpnp_buf file = prove(watcher, sources, FACTS), with = fx_buf(), h;

	moments[1].time.sec--;
	h = sign_head(payee);
	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&file),
	    cpnp_buf_bytes(&h), &with, NULL), 0);
	assert_refused(trust, with, "it names other times");
	cpnp_buf_fini(&h);
	moments[1].time.sec++;
	head.root[0] ^= 1;
	h = sign_head(payee);
	with = fx_buf();
	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&file),
	    cpnp_buf_bytes(&h), &with, NULL), 0);
	assert_refused(trust, with, "of another tree");
	cpnp_buf_fini(&h);
	head.root[0] ^= 1;
	/* time goes back */
	moments[2].time.sec = NOW.sec;
	assert_refused(
	    trust, prove(watcher, sources, FACTS), "not a signed head");
	cpnp_buf_fini(&file);
	cpnp_trust_del(trust);
}
END_TEST

START_TEST(test_proof_ledger_limits)
{
	cpnp_trust *trust = fx_trust(&pki);
	cpnp_buf file = plain(), h = sign_head(watcher), out = fx_buf();
	cpnp_bytes heads[CPNP_OPERATORS_MAX + 1];
	char name[CPNP_ACCOUNT_MAX + 2];
	cpnp_ledger_moment many[CPNP_MOMENTS_MAX + 1] = {{0, {0}}};
	cpnp_outcome_head big = head;
	cpnp_verifier *verifier;
	uint64_t signers;
	cpnp_diag diag;
	size_t i;

	for (i = 0; i <= CPNP_OPERATORS_MAX; i++)
		heads[i] = cpnp_buf_bytes(&h);
	ck_assert_int_eq(cpnp_proof_put_ledger(cpnp_buf_bytes(&file), heads,
	    CPNP_OPERATORS_MAX + 1, sources, FACTS, &out, &diag),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_proof_put_ledger(cpnp_buf_bytes(&file), heads,
	    1, sources, CPNP_PROOF_FACTS_MAX + 1, &out, &diag),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_proof_put_ledger(cpnp_buf_bytes(&file), heads,
	    0, sources, 1, &out, &diag), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_proof_put_ledger(cpnp_buf_bytes(&file), heads,
	    1, sources, 0, &out, &diag), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_proof_put_ledger(cpnp_buf_bytes(&file), heads,
	    CPNP_OPERATORS_MAX, sources, FACTS, &out, &diag), 0);
	cpnp_buf_fini(&h);
	h = sign_head(payee);
	ck_assert_int_eq(cpnp_proof_add_head(cpnp_buf_bytes(&out),
	    cpnp_buf_bytes(&h), &file, &diag), CPNP_ERR_FULL);
	ck_assert_int_eq(cpnp_outcome_head_sign_at(watcher, &head, many,
	    CPNP_MOMENTS_MAX + 1, &h), CPNP_ERR_INVALID);
	for (i = 0; i < CPNP_MOMENTS_MAX; i++)
		many[i] = (cpnp_ledger_moment){INT64_MAX / 2 + i,
		    {CPNP_WTIME_MAX}};
	big.position = INT64_MAX;
	cpnp_buf_reset(&h);
	ck_assert_int_eq(cpnp_outcome_head_sign_at(watcher, &big, many,
	    CPNP_MOMENTS_MAX, &h), 0);
	ck_assert_uint_le(h.len, CPNP_SIGNED_HEAD_MAX);
	ck_assert_int_eq(cpnp_verifier_new(&verifier), 0);
	ck_assert_int_eq(cpnp_outcome_head_verify(cpnp_verifier_env(verifier),
	    cpnp_buf_bytes(&h), NULL, 0, &big, many, CPNP_MOMENTS_MAX, &i,
	    &signers, &diag), 0);
	ck_assert_uint_eq(i, CPNP_MOMENTS_MAX);
	ck_assert_int_ne(cpnp_outcome_head_verify(cpnp_verifier_env(verifier),
	    cpnp_buf_bytes(&h), NULL, 0, &big, many, CPNP_MOMENTS_MAX - 1, &i,
	    &signers, &diag), 0);
	cpnp_verifier_del(verifier);

	memset(name, 'x', sizeof(name));
	name[CPNP_ACCOUNT_MAX + 1] = '\0';
	ck_assert_int_eq(cpnp_trust_add_operator_file(
	    trust, name, watcher_pub, &diag), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_trust_add_operator_file(
	    trust, "", watcher_pub, &diag), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_trust_add_operator_file(
	    trust, "w", "none", &diag), CPNP_ERR_CONFIG);
	name[CPNP_ACCOUNT_MAX] = '\0';
	for (i = 0; i < CPNP_OPERATORS_MAX; i++)
		ck_assert_int_eq(cpnp_trust_add_operator_file(
		    trust, name, watcher_pub, &diag), 0);
	ck_assert_int_eq(cpnp_trust_add_operator_file(
	    trust, "w", watcher_pub, &diag), CPNP_ERR_FULL);
	cpnp_proof_del(verify(trust, &out));
	cpnp_buf_fini(&file);
	cpnp_buf_fini(&h);
	cpnp_buf_fini(&out);
	cpnp_trust_del(trust);
}
END_TEST

static int
count_payment(void *user, cpnp_bytes authorization)
{
	(*(int *)user)++;
	return authorization.len == 3 ? 0 : CPNP_ERR_MISMATCH;
}

static int
count_head(void *user, const cpnp_head *found)
{
	*(uint64_t *)user = found->size;
	return found->checkpoint.len > 0;
}

/* What the builder of a proof asks a journal. */
START_TEST(test_proof_ledger_journal_keeps_payments)
{
	static const uint8_t none[CPNP_SHA256_LEN], bytes[CPNP_STATEMENT_MAX + 1];
	uint64_t size = 0;
	int n = 0;

	ck_assert_int_eq(cpnp_journal_put_payment(client.journal, order.ref,
	    (cpnp_bytes){bytes, 0}), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_journal_put_payment(client.journal, order.ref,
	    (cpnp_bytes){bytes, sizeof(bytes)}), CPNP_ERR_INVALID);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(cpnp_journal_put_payment(client.journal,
		    order.ref, CPNP_BYTES_LIT("one")), 0);
	ck_assert_int_eq(cpnp_journal_put_payment(
	    client.journal, order.ref, CPNP_BYTES_LIT("two")), 0);
	ck_assert_int_eq(cpnp_journal_each_payment(
	    client.journal, none, count_payment, &n), 0);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(cpnp_journal_each_payment(
	    client.journal, order.ref, count_payment, &n), 0);
	ck_assert_int_eq(n, 2);
	/* the provider's heads: of the key, with the ACCEPT, and the newest */
	ck_assert_int_eq(cpnp_journal_each_head(
	    provider.journal, 0, count_head, &size), 1);
	ck_assert_uint_eq(size, 1);
	ck_assert_int_eq(cpnp_journal_each_head(
	    provider.journal, 4, count_head, &size), 1);
	ck_assert_uint_eq(size, 4);
	ck_assert_int_eq(cpnp_journal_each_head(
	    provider.journal, 1000, count_head, &size), 0);
	/* a journal of before payments were kept */
	fx_sql(client.db, "DROP TABLE journal_payment");
	cpnp_journal_close(client.journal);
	client.journal = NULL;
	ck_assert_int_eq(cpnp_journal_open(
	    &client.journal, client.db, NULL, NULL, NOW, NULL), 0);
	ck_assert_int_eq(cpnp_journal_each_payment(
	    client.journal, order.ref, count_payment, &n), 0);
	ck_assert_int_eq(n, 2);
	cpnp_journal_close(client.journal);
	client.journal = fx_journal(client.db, client.signer);
	ck_assert_int_eq(cpnp_journal_put_payment(
	    client.journal, order.ref, CPNP_BYTES_LIT("two")), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_proof_ledger_facts,
	    test_proof_ledger_is_optional, test_proof_ledger_signers,
	    test_proof_ledger_every_byte,
	    test_proof_ledger_every_byte_of_two_heads,
	    test_proof_ledger_refuses_what_is_of_another,
	    test_proof_ledger_heads_agree, test_proof_ledger_limits,
	    test_proof_ledger_journal_keeps_payments};

	return fx_run("proof_ledger", tests, sizeof(tests) / sizeof(*tests),
	    setup, teardown);
}
