/*
 * A ledger with three operators, an issuer and parties, whose whole log is
 * kept: after each test it is replayed, from the genesis and from a snapshot
 * in its middle, and must give the same root.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef SETTLE_FIXTURE_H
#define SETTLE_FIXTURE_H

#include <cpnp/settlement.h>

#include "../../ledger-bridge/journal/internal.h"
#include "unit.h"

#define T0 ((int64_t)1795248000) /* 2026-11-21T08:00:00Z */
#define HOUR 3600
#define DAY 86400
#define ENTRIES_MAX 20000
#define HAVE(op, name) ((op).has |= CPNP_OP_FIELD_BIT(name))

enum who {
	OP1, OP2, OP3, MAINT, BANK, CUST, PROV, SUPP, SUPP2, BROKER, AUDIT,
	POOL, POOL2, STRANGER, WHO_N
};

static const struct {
	const char *name;
	uint64_t roles;
} cast[WHO_N] = {
    [OP1] = {"op1", CPNP_ROLE_OPERATOR},
    [OP2] = {"op2", CPNP_ROLE_OPERATOR},
    [OP3] = {"op3", CPNP_ROLE_OPERATOR},
    [MAINT] = {"maint", CPNP_ROLE_MAINTAINER},
    [BANK] = {"bank", CPNP_ROLE_ISSUER},
    [CUST] = {"cust", CPNP_ROLE_CUSTOMER},
    [PROV] = {"prov", CPNP_ROLE_PROVIDER | CPNP_ROLE_CUSTOMER},
    [SUPP] = {"supp", CPNP_ROLE_PROVIDER},
    [SUPP2] = {"supp2", CPNP_ROLE_PROVIDER},
    [BROKER] = {"broker", CPNP_ROLE_BROKER},
    [AUDIT] = {"audit", CPNP_ROLE_AUDITOR},
    [POOL] = {"pool", 0},
    [POOL2] = {"pool2", 0},
    [STRANGER] = {"stranger", CPNP_ROLE_CUSTOMER}, /* not in the genesis */
};

struct actor {
	cpnp_signer signer;
	cpnp_bytes name;
	cpnp_bytes spki;
};

struct world {
	cpnp_verifier *verifier;
	const cpnp_ledger_env *env;
	struct actor actors[WHO_N];
	cpnp_signer spare, recovery; /* keys of nobody yet */
	cpnp_buf genesis;
	uint8_t id[CPNP_SHA256_LEN];
	cpnp_ledger *ledger;
	cpnp_buf batches[ENTRIES_MAX];
	uint64_t entry_n;
	uint64_t idem;
	uint8_t digest[CPNP_SHA256_LEN]; /* of the last operation */
	cpnp_buf snapshot;
	uint64_t snapshot_at;
};

static struct world w;

static inline cpnp_buf
fx_buf(void)
{
	cpnp_buf buf;

	cpnp_buf_init(&buf, &ledger_mem, SIZE_MAX);
	return buf;
}

static inline void
fx_key(cpnp_signer *signer)
{
	memset(signer, 0, sizeof(*signer));
	ck_assert_int_eq(ledger_key_init(&signer->key,
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")), 0);
}

static inline cpnp_bytes
fx_spki(const cpnp_signer *signer)
{
	return (cpnp_bytes){signer->key.spki, signer->key.spki_len};
}

static inline void
fx_start(const cpnp_settings *settings)
{
	cpnp_genesis_account accounts[WHO_N];
	cpnp_genesis_token tokens[] = {
	    {CPNP_BYTES_LIT("bank"), CPNP_BYTES_LIT("EUR"), 2},
	    {CPNP_BYTES_LIT("bank"), CPNP_BYTES_LIT("USD"), 2}};
	cpnp_genesis genesis = {
	    .name = CPNP_BYTES_LIT("test ledger"),
	    .salt = CPNP_BYTES_LIT("0123456789abcdef"),
	    .rules = 1,
	    .time = {T0},
	    .accounts = accounts,
	    .account_n = STRANGER,
	    .tokens = tokens,
	    .token_n = 2};
	cpnp_bytes bytes;
	cpnp_diag diag;

	memset(&w, 0, sizeof(w));
	ck_assert_int_eq(cpnp_verifier_new(&w.verifier), 0);
	w.env = cpnp_verifier_env(w.verifier);
	fx_key(&w.spare);
	fx_key(&w.recovery);
	for (int i = 0; i < WHO_N; i++) {
		struct actor *a = &w.actors[i];

		fx_key(&a->signer);
		a->name = cpnp_bytes_str(cast[i].name);
		a->spki = fx_spki(&a->signer);
		accounts[i] = (cpnp_genesis_account){a->name, cast[i].roles,
		    a->spki, i == CUST ? fx_spki(&w.recovery)
				       : CPNP_BYTES_NONE};
	}
	genesis.settings = *settings;
	/* the default is for one operator, and there are three */
	if (genesis.settings.quorum == 1)
		genesis.settings.quorum = 2;
	w.genesis = fx_buf();
	ck_assert_msg(cpnp_genesis_encode(&genesis, &w.genesis, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	bytes = cpnp_buf_bytes(&w.genesis);
	ck_assert_msg(cpnp_ledger_new(&w.ledger, w.env, bytes, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	ck_assert_int_eq(hash_once(&bytes, 1, w.id), 0);
	w.entry_n = 1;
	w.snapshot = fx_buf();
}

static inline void
fx_setup(void)
{
	cpnp_settings settings;

	cpnp_settings_default(&settings);
	fx_start(&settings);
}

static inline void
fx_root(const cpnp_ledger *ledger, uint8_t root[CPNP_SHA256_LEN])
{
	ck_assert_int_eq(cpnp_ledger_root(ledger, root), 0);
}

/* Apply the log from where a ledger stands to its end. */
static inline void
fx_replay(cpnp_ledger *ledger)
{
	cpnp_ledger_info info;
	cpnp_log_entry entry;

	ck_assert_int_eq(cpnp_ledger_get_info(ledger, &info), 0);
	while (info.position < w.entry_n) {
		entry.position = info.position;
		memcpy(entry.prev, info.head, sizeof(entry.prev));
		entry.batch = cpnp_buf_bytes(&w.batches[info.position]);
		ck_assert_int_eq(cpnp_ledger_apply(ledger, &entry, NULL), 0);
		ck_assert_int_eq(cpnp_ledger_get_info(ledger, &info), 0);
	}
}

/* Replays agree, and so does a snapshot with the rest of the log. */
static inline void
fx_check_replay(void)
{
	uint8_t root[CPNP_SHA256_LEN], again[CPNP_SHA256_LEN];
	cpnp_ledger *other;

	fx_root(w.ledger, root);
	ck_assert_int_eq(cpnp_ledger_new(&other, w.env,
	    cpnp_buf_bytes(&w.genesis), NULL), 0);
	fx_replay(other);
	fx_root(other, again);
	ck_assert_mem_eq(root, again, sizeof(root));
	cpnp_ledger_del(other);
	if (w.snapshot.len == 0)
		ck_assert_int_eq(cpnp_ledger_save(w.ledger, &w.snapshot), 0);
	ck_assert_int_eq(cpnp_ledger_load(&other, w.env,
	    cpnp_buf_bytes(&w.snapshot), NULL), 0);
	fx_replay(other);
	fx_root(other, again);
	ck_assert_mem_eq(root, again, sizeof(root));
	cpnp_ledger_del(other);
}

static inline void
fx_teardown(void)
{
	fx_check_replay();
	cpnp_ledger_del(w.ledger);
	for (uint64_t i = 1; i < w.entry_n; i++)
		cpnp_buf_fini(&w.batches[i]);
	for (int i = 0; i < WHO_N; i++)
		ledger_key_fini(&w.actors[i].signer.key);
	ledger_key_fini(&w.spare.key);
	ledger_key_fini(&w.recovery.key);
	cpnp_buf_fini(&w.genesis);
	cpnp_buf_fini(&w.snapshot);
	cpnp_verifier_del(w.verifier);
}

/* Keep a snapshot of this moment for fx_check_replay(). */
static inline void
fx_snapshot(void)
{
	cpnp_buf_reset(&w.snapshot);
	ck_assert_int_eq(cpnp_ledger_save(w.ledger, &w.snapshot), 0);
}

static inline int64_t
fx_now(void)
{
	cpnp_ledger_info info;

	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	return info.time.sec;
}

/* Append the batch, which becomes the log's. */
static inline void
fx_append(cpnp_buf batch)
{
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_diag diag;

	ck_assert_uint_lt(w.entry_n, ENTRIES_MAX);
	w.batches[w.entry_n] = batch;
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	entry.position = w.entry_n++;
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.batch = cpnp_buf_bytes(&batch);
	ck_assert_msg(cpnp_ledger_apply(w.ledger, &entry, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
}

/* An operation of somebody, with a new key, good for an hour. */
static inline cpnp_op
fx_op(unsigned type, enum who who)
{
	static uint8_t idem[65536][8];
	cpnp_op op = {.type = type, .account = w.actors[who].name};
	uint64_t n = ++w.idem;
	uint8_t *key = idem[n % 65536];

	memcpy(op.ledger, w.id, sizeof(op.ledger));
	memcpy(key, &n, sizeof(n));
	if (type != CPNP_OP_TICK && type != CPNP_OP_HEARTBEAT &&
	    type != CPNP_OP_ANCHOR && type != CPNP_OP_VOUCHER) {
		op.idem = (cpnp_bytes){key, 8};
		op.expiry = fx_now() + HOUR;
	}
	return op;
}

static inline cpnp_buf
fx_encode(const cpnp_op *op)
{
	cpnp_buf buf = fx_buf();
	cpnp_diag diag;

	ck_assert_msg(cpnp_op_encode(op, &buf, &diag) == 0, "%s: %s: %s",
	    cpnp_op_name(op->type), diag.where, diag.why);
	return buf;
}

static inline cpnp_buf
fx_sign(const cpnp_op *op, const cpnp_signer *signer)
{
	cpnp_buf payload = fx_encode(op), out = fx_buf();
	cpnp_bytes bytes = cpnp_buf_bytes(&payload);

	ck_assert_int_eq(hash_once(&bytes, 1, w.digest), 0);
	ck_assert_int_eq(cpnp_op_sign(signer, &bytes, 1, &out), 0);
	cpnp_buf_fini(&payload);
	return out;
}

/* Outcome i of the last entry; kind 0 behind the last. */
static inline cpnp_outcome
fx_outcome(size_t i)
{
	const cpnp_outcome *outcomes;
	size_t n;

	cpnp_ledger_outcomes(w.ledger, &outcomes, &n);
	return i < n ? outcomes[i] : (cpnp_outcome){0};
}

/* Ask what would become of an operation: nothing changes. */
static inline cpnp_outcome
fx_ask(cpnp_bytes signed_op, cpnp_diag *diag)
{
	uint8_t before[CPNP_SHA256_LEN], after[CPNP_SHA256_LEN];
	cpnp_outcome outcome;

	fx_root(w.ledger, before);
	ck_assert_int_eq(
	    cpnp_ledger_check(w.ledger, signed_op, &outcome, diag), 0);
	fx_root(w.ledger, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	return outcome;
}

/* Sign with some key, append as an entry of its own, give the code.  Whoever
 * had asked before would have known. */
static inline unsigned
fx_do_key(const cpnp_op *op, const cpnp_signer *signer)
{
	cpnp_buf item = fx_sign(op, signer), batch = fx_buf();
	cpnp_bytes bytes = cpnp_buf_bytes(&item);
	cpnp_outcome asked, got;
	cpnp_diag diag;

	asked = fx_ask(bytes, &diag);
	ck_assert((diag.err != 0) == (asked.code != CPNP_OUTCOME_ACCEPTED &&
	    asked.code != CPNP_OUTCOME_PENDING));
	ck_assert_int_eq(cpnp_batch_encode(&bytes, 1, &batch), 0);
	cpnp_buf_fini(&item);
	fx_append(batch);
	got = fx_outcome(0);
	ck_assert_mem_eq(got.digest, w.digest, CPNP_SHA256_LEN);
	ck_assert_mem_eq(asked.digest, got.digest, CPNP_SHA256_LEN);
	ck_assert_str_eq(cpnp_outcome_name(asked.code),
	    cpnp_outcome_name(got.code));
	ck_assert_uint_eq(asked.kind, got.kind);
	ck_assert_uint_eq(asked.position, got.position);
	ck_assert_int_eq(asked.amount, got.amount);
	return got.code;
}

static inline unsigned
fx_do(const cpnp_op *op, enum who who)
{
	return fx_do_key(op, &w.actors[who].signer);
}

/* The quorum is two: OP2 wants what OP1 is going to sign. */
static inline void
fx_second(cpnp_op op)
{
	op.account = w.actors[OP2].name;
	ck_assert_uint_eq(fx_do(&op, OP2), CPNP_OUTCOME_PENDING);
}

#define OK(op, who)                                                            \
	ck_assert_str_eq(cpnp_outcome_name(fx_do(&(op), who)), "ACCEPTED")
#define REFUSED(op, who, code)                                                 \
	ck_assert_str_eq(cpnp_outcome_name(fx_do(&(op), who)), #code)

static inline void
fx_tick(enum who who, int64_t time)
{
	cpnp_op op = fx_op(CPNP_OP_TICK, who);

	op.time = time;
	HAVE(op, TIME);
	OK(op, who);
}

/* Let ledger time become time: two of three suffice. */
static inline void
fx_time(int64_t time)
{
	fx_tick(OP1, time);
	fx_tick(OP2, time);
	ck_assert_int_eq(fx_now(), time);
}

/* An event of the last entry about an id; its amount, or -1. */
static inline int64_t
fx_event(unsigned kind, const uint8_t id[CPNP_SHA256_LEN])
{
	const cpnp_outcome *outcomes;
	size_t n, i;

	cpnp_ledger_outcomes(w.ledger, &outcomes, &n);
	for (i = 0; i < n; i++)
		if (outcomes[i].kind == kind && memcmp(outcomes[i].digest, id,
		    CPNP_SHA256_LEN) == 0)
			return outcomes[i].amount;
	return -1;
}

static inline cpnp_balance
fx_balance(enum who who)
{
	cpnp_balance balance;

	ck_assert_int_eq(cpnp_ledger_get_balance(w.ledger,
	    w.actors[who].name, CPNP_BYTES_LIT("bank"), CPNP_BYTES_LIT("EUR"),
	    &balance), 0);
	return balance;
}

#define HAS_FREE(who, amount) ck_assert_int_eq(fx_balance(who).free, amount)
#define HAS_HELD(who, amount) ck_assert_int_eq(fx_balance(who).held, amount)

static inline void
fx_mint(enum who who, int64_t amount)
{
	cpnp_op op = fx_op(CPNP_OP_MINT, BANK);

	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = amount;
	op.peer = w.actors[who].name;
	HAVE(op, CODE), HAVE(op, AMOUNT), HAVE(op, PEER);
	OK(op, BANK);
}

static inline void
fx_money(cpnp_op *op, enum who peer, int64_t amount)
{
	op->peer = w.actors[peer].name;
	op->issuer = CPNP_BYTES_LIT("bank");
	op->code = CPNP_BYTES_LIT("EUR");
	op->amount = amount;
	HAVE(*op, PEER), HAVE(*op, ISSUER), HAVE(*op, CODE);
	HAVE(*op, AMOUNT);
}

/* An authorization: one day of service from the acknowledgement on. */
static inline cpnp_op
fx_authorize(enum who payer, enum who payee, int64_t amount)
{
	static uint8_t orders[4096][CPNP_SHA256_LEN];
	cpnp_op op = fx_op(CPNP_OP_AUTHORIZE, payer);
	uint8_t *order = orders[w.idem % 4096];

	memcpy(order, &w.idem, sizeof(w.idem));
	fx_money(&op, payee, amount);
	op.fee_max = amount;
	op.until = fx_now() + HOUR;
	op.order = (cpnp_bytes){order, CPNP_SHA256_LEN};
	op.duration = DAY;
	HAVE(op, FEE_MAX), HAVE(op, UNTIL), HAVE(op, ORDER);
	HAVE(op, DURATION);
	return op;
}

/* An operation about an id. */
static inline cpnp_op
fx_about(unsigned type, enum who who, const uint8_t *id)
{
	cpnp_op op = fx_op(type, who);

	op.subject = (cpnp_bytes){id, CPNP_SHA256_LEN};
	HAVE(op, SUBJECT);
	return op;
}

#define ABOUT_OK(type, who, id)                                                \
	do {                                                                   \
		cpnp_op about_ = fx_about(CPNP_OP_##type, who, id);            \
		OK(about_, who);                                               \
	} while (0)
#define ABOUT_REFUSED(type, who, id, code)                                     \
	do {                                                                   \
		cpnp_op about_ = fx_about(CPNP_OP_##type, who, id);            \
		REFUSED(about_, who, code);                                    \
	} while (0)

/* Open and, if so wanted, acknowledge an escrow. */
static inline void
fx_escrow(const cpnp_op *op, enum who payer, enum who payee, bool posted,
    uint8_t id[CPNP_SHA256_LEN])
{
	OK(*op, payer);
	memcpy(id, w.digest, CPNP_SHA256_LEN);
	if (posted)
		ABOUT_OK(ACKNOWLEDGE, payee, id);
}

static inline cpnp_escrow_view
fx_view(const uint8_t id[CPNP_SHA256_LEN])
{
	cpnp_escrow_view view;

	ck_assert_int_eq(cpnp_ledger_get_escrow(w.ledger, id, &view), 0);
	return view;
}

static inline bool
fx_is_gone(const uint8_t id[CPNP_SHA256_LEN])
{
	cpnp_escrow_view view;

	return cpnp_ledger_get_escrow(w.ledger, id, &view) ==
	    CPNP_ERR_NOT_FOUND;
}

static inline int
fx_run(const char *name, const TTest *const *tests, size_t n)
{
	return unit_run_with(name, tests, n, fx_setup, fx_teardown, 120);
}

#endif
