/*
 * Attacks on the rules of settlement: each test tries to gain by what is
 * allowed, or to keep others from what is theirs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

#define PINCH CPNP_BYTES_LIT("sixteen bytes...")
#define PRICE 100000

static uint8_t id[CPNP_SHA256_LEN];

static cpnp_op
key_op(unsigned type, const cpnp_signer *key)
{
	cpnp_op op = fx_op(type, CUST);

	if (type == CPNP_OP_KEY_REVOKE) {
		op.key_id = (cpnp_bytes){key->key.id, CPNP_SHA256_LEN};
		HAVE(op, KEY_ID);
	} else {
		op.key = fx_spki(key);
		HAVE(op, KEY);
	}
	return op;
}

static void
open_channel(uint64_t grace)
{
	cpnp_op op = fx_op(CPNP_OP_CHANNEL_OPEN, CUST);

	fx_money(&op, PROV, 1000);
	op.fee_max = 0;
	op.until = fx_now() + DAY;
	op.order = (cpnp_bytes){w.id, CPNP_SHA256_LEN};
	op.claim_seconds = grace;
	HAVE(op, FEE_MAX), HAVE(op, UNTIL), HAVE(op, ORDER);
	HAVE(op, CLAIM_SECONDS);
	OK(op, CUST);
	memcpy(id, w.digest, sizeof(id));
}

static cpnp_op
voucher(int64_t amount)
{
	cpnp_op op = fx_about(CPNP_OP_VOUCHER, CUST, id);

	op.amount = amount;
	HAVE(op, AMOUNT);
	return op;
}

/*
 * The payer signs vouchers, uses the service, withdraws the key and closes:
 * what it signed is owed (Y19).  Only for what the key has opened, and only
 * until that is closed, does the key live on.
 */
START_TEST(test_withdrawn_key_does_not_cheat_the_payee)
{
	const cpnp_signer *old = &w.actors[CUST].signer;
	cpnp_op op;

	fx_mint(CUST, 2000);
	open_channel(HOUR);
	op = key_op(CPNP_OP_KEY_ADD, &w.spare);
	OK(op, CUST);
	op = key_op(CPNP_OP_KEY_REVOKE, old);
	OK(op, CUST);
	op = fx_about(CPNP_OP_CHANNEL_CLOSE, CUST, id);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
	fx_snapshot();
	op = voucher(700);
	OK(op, CUST);
	op = voucher(800);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
	/* nothing but vouchers, for nobody but this payee */
	op = fx_op(CPNP_OP_TRANSFER, CUST);
	fx_money(&op, PROV, 1);
	REFUSED(op, CUST, KEY);
	fx_time(fx_now() + HOUR);
	HAS_FREE(PROV, 800);
	op = voucher(900);
	REFUSED(op, CUST, KEY);
}
END_TEST

/* A channel that another key has opened takes no voucher of a withdrawn one.*/
START_TEST(test_withdrawn_key_spends_from_its_own_channels_only)
{
	cpnp_op op;

	fx_mint(CUST, 2000);
	op = key_op(CPNP_OP_KEY_ADD, &w.spare);
	OK(op, CUST);
	op = key_op(CPNP_OP_KEY_REVOKE, &w.spare);
	op.position = w.entry_n + 2;
	HAVE(op, POSITION);
	OK(op, CUST);
	open_channel(HOUR);
	op = voucher(1);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_KEY);
	OK(op, CUST);
}
END_TEST

/* Suspended by governance, the payer owes what it has signed before. */
START_TEST(test_suspension_does_not_cheat_the_payee)
{
	cpnp_op op;

	fx_mint(CUST, 2000);
	open_channel(HOUR);
	op = fx_op(CPNP_OP_STATUS, OP1);
	op.peer = w.actors[CUST].name;
	op.status = CPNP_ACCOUNT_SUSPENDED;
	HAVE(op, PEER), HAVE(op, STATUS);
	fx_second(op);
	OK(op, OP1);
	op = voucher(700);
	OK(op, CUST);
	ABOUT_OK(CHANNEL_CLOSE, PROV, id);
	HAS_FREE(PROV, 700);
}
END_TEST

/* Who has stolen a key spends all idempotency keys; the recovery key works
 * all the same (Y48). */
START_TEST(test_thief_does_not_lock_out_the_recovery_key)
{
	cpnp_settings settings;
	cpnp_op op;
	int i;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.idem_max = 3;
	fx_start(&settings);
	for (i = 0; i < 3; i++) {
		op = fx_op(CPNP_OP_TRANSFER, CUST);
		fx_money(&op, PROV, 1);
		REFUSED(op, CUST, FUNDS);
	}
	op = key_op(CPNP_OP_KEY_RECOVER, &w.spare);
	ck_assert_uint_eq(
	    fx_do_key(&op, &w.recovery), CPNP_OUTCOME_ACCEPTED);
	/* nor is it a way around the bound */
	for (i = 1; i < CPNP_RECOVERIES_MAX; i++) {
		op = key_op(CPNP_OP_KEY_RECOVER, &w.spare);
		ck_assert_uint_eq(
		    fx_do_key(&op, &w.recovery), CPNP_OUTCOME_ACCEPTED);
	}
	op = key_op(CPNP_OP_KEY_RECOVER, &w.spare);
	ck_assert_uint_eq(fx_do_key(&op, &w.recovery), CPNP_OUTCOME_LIMIT);
}
END_TEST

static cpnp_op
roles(enum who operator, enum who peer, uint64_t value, uint64_t salt)
{
	static uint8_t salts[16];
	cpnp_op op = fx_op(CPNP_OP_ROLES, operator);

	memcpy(salts, &salt, sizeof(salt));
	op.peer = w.actors[peer].name;
	op.roles = value;
	op.salt = (cpnp_bytes){salts, sizeof(salts)};
	HAVE(op, PEER), HAVE(op, ROLES), HAVE(op, SALT);
	return op;
}

static void
start_with_quorum(uint32_t quorum)
{
	cpnp_settings settings;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.quorum = quorum;
	fx_start(&settings);
}

/* One operator fills its places, and loses its role all the same. */
START_TEST(test_operator_does_not_occupy_governance)
{
	cpnp_op op;
	int i;

	start_with_quorum(2);
	for (i = 0; i < CPNP_PROPOSALS_MAX; i++) {
		op = roles(OP3, CUST, 0, (uint64_t)i);
		REFUSED(op, OP3, PENDING);
	}
	fx_snapshot();
	op = roles(OP3, CUST, 0, 1000);
	REFUSED(op, OP3, LIMIT);
	op = roles(OP1, OP3, 0, 2000);
	REFUSED(op, OP1, PENDING);
	op = roles(OP2, OP3, 0, 2000);
	OK(op, OP2);
	op = roles(OP3, CUST, 0, 3000);
	REFUSED(op, OP3, ROLE);
}
END_TEST

/* Nor does it cut the time of others short by signing first, briefly; and no
 * signature counts longer than it says. */
START_TEST(test_operator_does_not_hurry_a_proposal)
{
	cpnp_op op;

	start_with_quorum(2);
	op = roles(OP3, CUST, 0, 1);
	op.expiry = fx_now() + 1;
	REFUSED(op, OP3, PENDING);
	fx_time(fx_now() + 1);
	op = roles(OP3, PROV, 0, 2);
	op.expiry = fx_now() + 1;
	REFUSED(op, OP3, PENDING);
	start_with_quorum(3);
	op = roles(OP3, CUST, 0, 3);
	op.expiry = fx_now() + 1;
	REFUSED(op, OP3, PENDING);
	op = roles(OP1, CUST, 0, 3);
	REFUSED(op, OP1, PENDING);
	fx_snapshot();
	fx_time(fx_now() + 1);
	op = roles(OP1, CUST, 0, 3);
	REFUSED(op, OP1, VOTED);
	op = roles(OP2, CUST, 0, 3);
	REFUSED(op, OP2, PENDING); /* that of OP3 is over */
	op = roles(OP3, CUST, 0, 3);
	OK(op, OP3);
}
END_TEST

static uint8_t terms_store[CPNP_SLA_TERMS_MAX];
static cpnp_bytes terms;

/* A day with windows of an hour, one percent each, paid by CUST. */
static void
begin_service(uint64_t claim_seconds, uint64_t audit_seconds)
{
	const cpnp_sla_terms sla = {.metrics = {{20000, false, HOUR, 10000}},
	    .metric_n = 1,
	    .cap_ppm = CPNP_PPM,
	    .object_seconds = HOUR,
	    .audit_seconds = audit_seconds,
	    .auditor = w.actors[AUDIT].name};
	uint8_t commitment[CPNP_SHA256_LEN];
	cpnp_buf buf;
	cpnp_op op;

	cpnp_buf_init_fixed(&buf, terms_store, sizeof(terms_store));
	ck_assert_int_eq(cpnp_sla_terms_encode(&sla, &buf), 0);
	terms = cpnp_buf_bytes(&buf);
	ck_assert_int_eq(cpnp_sla_commitment(
	    &w.env->env, PINCH, terms, commitment), 0);
	fx_mint(CUST, PRICE);
	op = fx_authorize(CUST, PROV, PRICE);
	op.sla = (cpnp_bytes){commitment, sizeof(commitment)};
	op.claim_seconds = claim_seconds;
	HAVE(op, SLA), HAVE(op, CLAIM_SECONDS);
	fx_escrow(&op, CUST, PROV, true, id);
}

static cpnp_op
claim(int64_t from, int64_t to)
{
	cpnp_op op = fx_about(CPNP_OP_CLAIM, CUST, id);

	op.salt = PINCH;
	op.terms = terms;
	op.from = T0 + from;
	op.to = T0 + to;
	op.value = 20001;
	HAVE(op, SALT), HAVE(op, TERMS), HAVE(op, METRIC);
	HAVE(op, FROM), HAVE(op, TO), HAVE(op, VALUE);
	return op;
}

/* Half a minute of breach, claimed second by second, costs one window. */
START_TEST(test_breach_is_not_split)
{
	uint8_t claim_id[CPNP_SHA256_LEN];
	cpnp_op op;
	int i;

	begin_service(0, HOUR);
	fx_time(T0 + 3 * HOUR);
	op = claim(10, 11);
	OK(op, CUST);
	ck_assert_int_eq(fx_outcome(0).amount, PRICE / 100);
	for (i = 11; i < 40; i++) {
		op = claim(i, i + 1);
		REFUSED(op, CUST, OVERLAP);
	}
	op = claim(HOUR - 1, HOUR + 1);
	REFUSED(op, CUST, OVERLAP);
	/* two windows are touched */
	op = claim(2 * HOUR - 1, 2 * HOUR + 1);
	OK(op, CUST);
	ck_assert_int_eq(fx_outcome(0).amount, 2 * PRICE / 100);
	memcpy(claim_id, w.digest, sizeof(claim_id));
	/* what was rejected bars its own time, not all of its windows */
	ABOUT_OK(OBJECT, PROV, claim_id);
	op = fx_about(CPNP_OP_AUDIT, AUDIT, claim_id);
	HAVE(op, UPHELD);
	OK(op, AUDIT);
	op = claim(2 * HOUR - 1, 2 * HOUR);
	REFUSED(op, CUST, OVERLAP);
	op = claim(HOUR, HOUR + 1);
	OK(op, CUST);
}
END_TEST

/* Append operations as one entry; the code of the last. */
static unsigned
together(const cpnp_op *ops, const enum who *who, size_t n)
{
	cpnp_bytes signed_ops[4];
	cpnp_buf items[4], batch = fx_buf();
	size_t i;

	for (i = 0; i < n; i++) {
		items[i] = fx_sign(&ops[i], &w.actors[who[i]].signer);
		signed_ops[i] = cpnp_buf_bytes(&items[i]);
	}
	ck_assert_int_eq(cpnp_batch_encode(signed_ops, n, &batch), 0);
	fx_append(batch);
	for (i = 0; i < n; i++)
		cpnp_buf_fini(&items[i]);
	return fx_outcome(n - 1).code;
}

/* Time passes and something is done in one entry, before it is due. */
static unsigned
late(int64_t time, const cpnp_op *op, enum who who)
{
	cpnp_op ops[3] = {fx_op(CPNP_OP_TICK, OP1), fx_op(CPNP_OP_TICK, OP2),
	    *op};

	ops[0].time = ops[1].time = time;
	HAVE(ops[0], TIME), HAVE(ops[1], TIME);
	return together(ops, (const enum who[]){OP1, OP2, who}, 3);
}

/* Who writes the batch in which time passes does not add to it. */
START_TEST(test_nothing_is_claimed_behind_its_time)
{
	cpnp_op op;

	begin_service(HOUR, HOUR);
	fx_time(T0 + DAY);
	op = claim(0, 1);
	op.expiry = T0 + DAY + 2 * HOUR;
	ck_assert_uint_eq(late(T0 + DAY + HOUR + 1, &op, CUST),
	    CPNP_OUTCOME_STATE);
	ck_assert(fx_is_gone(id));
	HAS_FREE(PROV, PRICE);
}
END_TEST

START_TEST(test_nothing_is_audited_behind_its_time)
{
	uint8_t claim_id[CPNP_SHA256_LEN];
	cpnp_op op;

	begin_service(HOUR, 60);
	fx_time(T0 + HOUR);
	op = claim(0, 1);
	OK(op, CUST);
	memcpy(claim_id, w.digest, sizeof(claim_id));
	ABOUT_OK(OBJECT, PROV, claim_id);
	op = fx_about(CPNP_OP_AUDIT, AUDIT, claim_id);
	op.upheld = true;
	HAVE(op, UPHELD);
	ck_assert_uint_eq(late(T0 + HOUR + 61, &op, AUDIT),
	    CPNP_OUTCOME_STATE);
	/* the default has decided */
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_REJECTED, claim_id),
	    PRICE / 100);
}
END_TEST

static int32_t
points(enum cpnp_rating_event event)
{
	cpnp_rating rating;

	ck_assert_int_eq(cpnp_ledger_get_rating(
	    w.ledger, w.actors[PROV].name, &rating), 0);
	return rating.lines[event].points;
}

/* Orders nobody asked for, which lapse before anybody could answer, do not
 * spoil a rating (N6, Y45). */
START_TEST(test_rating_is_not_spoiled_by_haste)
{
	cpnp_op op;

	fx_mint(CUST, 10);
	op = fx_authorize(CUST, PROV, 1);
	op.until = fx_now() + 1;
	fx_escrow(&op, CUST, PROV, false, id);
	fx_snapshot();
	fx_time(fx_now() + 1);
	ck_assert(fx_is_gone(id));
	ck_assert_int_eq(points(CPNP_RATING_LAPSED), 0);
	/* who had as long as a silence may last has let it lapse */
	op = fx_authorize(CUST, PROV, 1);
	op.until = fx_now() + 600;
	fx_escrow(&op, CUST, PROV, false, id);
	fx_snapshot();
	fx_time(fx_now() + 600);
	ck_assert_int_eq(points(CPNP_RATING_LAPSED), -10);
}
END_TEST

/* A payer that has stopped the service pays nothing and keeps the capacity:
 * the provider leaves it without a mark. */
START_TEST(test_stopped_service_is_left_without_a_mark)
{
	cpnp_op op;

	fx_mint(CUST, 20);
	op = fx_authorize(CUST, PROV, 10);
	fx_escrow(&op, CUST, PROV, true, id);
	op = fx_about(CPNP_OP_ACTIVATE, CUST, id);
	HAVE(op, ON);
	OK(op, CUST);
	fx_time(fx_now() + HOUR);
	ABOUT_OK(WITHDRAW, PROV, id);
	HAS_FREE(PROV, 0);
	ck_assert_int_eq(points(CPNP_RATING_WITHDRAWALS), 0);
	/* not so one that the provider has stopped itself */
	op = fx_authorize(CUST, PROV, 10);
	fx_escrow(&op, CUST, PROV, true, id);
	op = fx_about(CPNP_OP_ACTIVATE, PROV, id);
	HAVE(op, ON);
	OK(op, PROV);
	ABOUT_OK(WITHDRAW, PROV, id);
	ck_assert_int_eq(points(CPNP_RATING_WITHDRAWALS), -80);
}
END_TEST

/* Acknowledged when nothing of the service is left: nothing is paid, and no
 * fee either. */
START_TEST(test_no_fee_for_nothing)
{
	cpnp_settings settings;
	cpnp_op op;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.fee_ppm = 100000;
	settings.pool_n = 1;
	settings.pools[0] = (cpnp_pool){CPNP_BYTES_LIT("pool"), CPNP_PPM};
	fx_start(&settings);
	fx_mint(CUST, 1100);
	op = fx_authorize(CUST, PROV, 1000);
	op.start = fx_now();
	op.duration = 60;
	HAVE(op, START);
	fx_escrow(&op, CUST, PROV, false, id);
	fx_time(T0 + 60);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	ck_assert(fx_is_gone(id));
	HAS_FREE(CUST, 1100);
	HAS_FREE(POOL, 0);
}
END_TEST

/* A broker that opens and closes pseudonyms leaves nothing behind, and a name
 * is nobody's again. */
START_TEST(test_pseudonyms_do_not_pile_up)
{
	cpnp_account_view view;
	cpnp_buf snapshot = fx_buf();
	size_t size = 0;
	cpnp_op op;
	int i;

	for (i = 0; i < 20; i++) {
		op = fx_op(CPNP_OP_ACCOUNT_OPEN, BROKER);
		op.peer = CPNP_BYTES_LIT("nobody");
		op.roles = CPNP_ROLE_PROVIDER;
		op.key = fx_spki(&w.spare);
		op.pseudonym = true;
		HAVE(op, PEER), HAVE(op, ROLES), HAVE(op, KEY);
		HAVE(op, PSEUDONYM);
		OK(op, BROKER);
		op = fx_op(CPNP_OP_ANCHOR, BROKER);
		op.account = CPNP_BYTES_LIT("nobody");
		op.origin = CPNP_BYTES_LIT("nowhere.example");
		op.size = 1;
		op.root = (cpnp_bytes){w.id, CPNP_SHA256_LEN};
		HAVE(op, ORIGIN), HAVE(op, SIZE), HAVE(op, ROOT);
		ck_assert_uint_eq(
		    fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
		op = fx_op(CPNP_OP_ACCOUNT_CLOSE, BROKER);
		op.account = CPNP_BYTES_LIT("nobody");
		ck_assert_uint_eq(
		    fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
		/* who is closed leaves no new traces */
		op = fx_op(CPNP_OP_ACCOUNT_CLOSE, BROKER);
		op.account = CPNP_BYTES_LIT("nobody");
		ck_assert_uint_eq(
		    fx_do_key(&op, &w.spare), CPNP_OUTCOME_STATUS);
		ck_assert_int_eq(cpnp_ledger_get_account(w.ledger,
		    CPNP_BYTES_LIT("nobody"), &view), 0);
		ck_assert_uint_eq(view.idem_n, 1);
		fx_snapshot();
		fx_time(fx_now() + HOUR);
		ck_assert_int_eq(cpnp_ledger_get_account(w.ledger,
		    CPNP_BYTES_LIT("nobody"), &view), CPNP_ERR_NOT_FOUND);
		cpnp_buf_reset(&snapshot);
		ck_assert_int_eq(cpnp_ledger_save(w.ledger, &snapshot), 0);
		if (size != 0)
			ck_assert_uint_lt(snapshot.len, size + 256);
		else
			size = snapshot.len;
	}
	cpnp_buf_fini(&snapshot);
}
END_TEST

/* An issuer has so many tokens and no more: each may be in any account. */
START_TEST(test_tokens_do_not_pile_up)
{
	char code[9];
	cpnp_op op;
	int i;

	for (i = 2; i <= CPNP_ISSUER_TOKENS_MAX; i++) {
		op = fx_op(CPNP_OP_TOKEN, BANK);
		(void)snprintf(code, sizeof(code), "T%d", i);
		op.code = cpnp_bytes_str(code);
		HAVE(op, CODE), HAVE(op, EXPONENT);
		if (i < CPNP_ISSUER_TOKENS_MAX)
			OK(op, BANK);
		else
			REFUSED(op, BANK, LIMIT);
	}
}
END_TEST

static unsigned verified_n, hashed_n;

static int
count_verify(void *user, cpnp_bytes spki, int alg, cpnp_bytes bytes,
    cpnp_bytes signature)
{
	verified_n++;
	return w.env->verify(user, spki, alg, bytes, signature);
}

static int
count_sha256(void *user, const cpnp_bytes *parts, size_t n,
    uint8_t digest[CPNP_SHA256_LEN])
{
	hashed_n++;
	return w.env->env.sha256(user, parts, n, digest);
}

/* Apply the log and one more batch elsewhere, to see what that batch costs. */
static void
measure(const cpnp_buf *batch)
{
	cpnp_ledger_env env = *w.env;
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_ledger *ledger;

	env.verify = count_verify;
	env.env.sha256 = count_sha256;
	ck_assert_int_eq(cpnp_ledger_new(&ledger, &env,
	    cpnp_buf_bytes(&w.genesis), NULL), 0);
	fx_replay(ledger);
	ck_assert_int_eq(cpnp_ledger_get_info(ledger, &info), 0);
	entry.position = info.position;
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.batch = cpnp_buf_bytes(batch);
	verified_n = hashed_n = 0;
	ck_assert_int_eq(cpnp_ledger_apply(ledger, &entry, NULL), 0);
	cpnp_ledger_del(ledger);
}

/* Many operations under one signature that does not verify cost one look. */
START_TEST(test_forged_bundle_is_verified_once)
{
	enum { N = 40 };
	cpnp_buf payloads[N], items[N], batch = fx_buf();
	cpnp_bytes views[N], signed_ops[N];
	cpnp_op op;
	size_t i;

	for (i = 0; i < N; i++) {
		op = fx_op(CPNP_OP_TRANSFER, CUST);
		fx_money(&op, PROV, 1);
		payloads[i] = fx_encode(&op);
		views[i] = cpnp_buf_bytes(&payloads[i]);
		items[i] = fx_buf();
	}
	ck_assert_int_eq(cpnp_op_sign(
	    &w.actors[CUST].signer, views, N, items), 0);
	for (i = 0; i < N; i++)
		signed_ops[i] = cpnp_buf_bytes(&items[i]);
	ck_assert_int_eq(cpnp_batch_encode(signed_ops, N, &batch), 0);
	batch.ptr[batch.len - 1] ^= 1;
	measure(&batch);
	ck_assert_uint_eq(verified_n, 1);
	fx_append(batch);
	for (i = 0; i < N; i++) {
		ck_assert_uint_eq(
		    fx_outcome(i).code, CPNP_OUTCOME_SIGNATURE);
		cpnp_buf_fini(&payloads[i]);
		cpnp_buf_fini(&items[i]);
	}
}
END_TEST

/* Who redeems what is not on the chain makes others hash, but not long. */
START_TEST(test_redeeming_nothing_is_cheap)
{
	cpnp_buf item, batch = fx_buf();
	cpnp_bytes bytes;
	cpnp_op op = fx_op(CPNP_OP_CHANNEL_OPEN, CUST);

	fx_mint(CUST, 100000);
	fx_money(&op, PROV, 100000);
	op.until = fx_now() + DAY;
	op.order = op.chain = (cpnp_bytes){w.id, CPNP_SHA256_LEN};
	op.unit = 1;
	HAVE(op, FEE_MAX), HAVE(op, UNTIL), HAVE(op, ORDER);
	HAVE(op, CHAIN), HAVE(op, UNIT);
	OK(op, CUST);
	memcpy(id, w.digest, sizeof(id));
	op = fx_about(CPNP_OP_REDEEM, PROV, id);
	op.chain = (cpnp_bytes){id, CPNP_SHA256_LEN};
	op.count = CPNP_CHAIN_MAX;
	HAVE(op, CHAIN), HAVE(op, COUNT);
	item = fx_sign(&op, &w.actors[PROV].signer);
	bytes = cpnp_buf_bytes(&item);
	ck_assert_int_eq(cpnp_batch_encode(&bytes, 1, &batch), 0);
	cpnp_buf_fini(&item);
	measure(&batch);
	/* about what it costs to verify a signature, not forty of them */
	ck_assert_uint_gt(hashed_n, CPNP_CHAIN_MAX);
	ck_assert_uint_lt(hashed_n, 600);
	fx_append(batch);
	ck_assert_uint_eq(fx_outcome(0).code, CPNP_OUTCOME_PROOF);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_withdrawn_key_does_not_cheat_the_payee,
	    test_withdrawn_key_spends_from_its_own_channels_only,
	    test_suspension_does_not_cheat_the_payee,
	    test_thief_does_not_lock_out_the_recovery_key,
	    test_operator_does_not_occupy_governance,
	    test_operator_does_not_hurry_a_proposal,
	    test_breach_is_not_split,
	    test_nothing_is_claimed_behind_its_time,
	    test_nothing_is_audited_behind_its_time,
	    test_rating_is_not_spoiled_by_haste,
	    test_stopped_service_is_left_without_a_mark,
	    test_no_fee_for_nothing,
	    test_pseudonyms_do_not_pile_up, test_tokens_do_not_pile_up,
	    test_forged_bundle_is_verified_once,
	    test_redeeming_nothing_is_cheap};

	return fx_run(
	    "settlement attack", tests, sizeof(tests) / sizeof(tests[0]));
}
