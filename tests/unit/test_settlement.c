/*
 * The log, time, accounts, keys, governance and tokens of a ledger (U6, U19,
 * U28, U30, Y9, Y44, Y48).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

static cpnp_op
transfer(enum who from, enum who to, int64_t amount)
{
	cpnp_op op = fx_op(CPNP_OP_TRANSFER, from);

	fx_money(&op, to, amount);
	return op;
}

START_TEST(test_tokens_are_minted_and_moved)
{
	cpnp_token_view token;
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = transfer(CUST, PROV, 300);
	OK(op, CUST);
	ck_assert_int_eq(fx_outcome(0).amount, 300);
	HAS_FREE(CUST, 700);
	HAS_FREE(PROV, 300);
	ck_assert_int_eq(cpnp_ledger_get_token(w.ledger,
	    CPNP_BYTES_LIT("bank"), CPNP_BYTES_LIT("EUR"), &token), 0);
	ck_assert_int_eq(token.supply, 1000);
	fx_snapshot();
	op = transfer(CUST, PROV, 701);
	REFUSED(op, CUST, FUNDS);
	op = transfer(CUST, PROV, 0);
	REFUSED(op, CUST, AMOUNT);
	op = transfer(CUST, PROV, INT64_MAX);
	REFUSED(op, CUST, AMOUNT);
	op = transfer(CUST, CUST, 1);
	REFUSED(op, CUST, PEER);
	op = transfer(CUST, PROV, 1);
	op.peer = CPNP_BYTES_LIT("nobody");
	REFUSED(op, CUST, PEER);
	op = transfer(CUST, PROV, 1);
	op.code = CPNP_BYTES_LIT("GBP");
	REFUSED(op, CUST, TOKEN);
	op = transfer(CUST, PROV, 700);
	OK(op, CUST);
	HAS_FREE(CUST, 0);
}
END_TEST

START_TEST(test_only_the_issuer_mints)
{
	cpnp_op op = fx_op(CPNP_OP_MINT, CUST);
	int i;

	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = 1;
	op.peer = w.actors[CUST].name;
	HAVE(op, CODE), HAVE(op, AMOUNT), HAVE(op, PEER);
	REFUSED(op, CUST, ROLE);
	op = fx_op(CPNP_OP_TOKEN, BANK);
	op.code = CPNP_BYTES_LIT("EUR");
	op.exponent = 2;
	HAVE(op, CODE), HAVE(op, EXPONENT);
	REFUSED(op, BANK, EXISTS);
	op.idem = CPNP_BYTES_LIT("gbp");
	op.code = CPNP_BYTES_LIT("GBP");
	OK(op, BANK);
	/* the supply does not overflow: 4 times a quarter and some */
	for (i = 0; i < 4; i++)
		fx_mint(CUST, INT64_MAX / 4);
	op = fx_op(CPNP_OP_MINT, BANK);
	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = 4;
	op.peer = w.actors[PROV].name;
	HAVE(op, CODE), HAVE(op, AMOUNT), HAVE(op, PEER);
	REFUSED(op, BANK, OVERFLOW);
}
END_TEST

/* Applying it twice is applying it once. */
START_TEST(test_idempotency_key_is_spent_once)
{
	cpnp_op op = transfer(CUST, PROV, 10), other;
	cpnp_ledger_info info;

	REFUSED(op, CUST, FUNDS);
	fx_mint(CUST, 100);
	/* what was refused yesterday is not brought again today */
	REFUSED(op, CUST, DUPLICATE);
	op = transfer(CUST, PROV, 10);
	OK(op, CUST);
	REFUSED(op, CUST, DUPLICATE);
	other = transfer(CUST, PROV, 20);
	other.idem = op.idem;
	REFUSED(other, CUST, DUPLICATE);
	/* keys are each account's own */
	fx_mint(PROV, 5);
	other = transfer(PROV, CUST, 5);
	other.idem = op.idem;
	OK(other, PROV);
	HAS_FREE(PROV, 10);
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	ck_assert_uint_gt(info.idem_n, 0);
	fx_snapshot();
	fx_time(op.expiry);
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	ck_assert_uint_eq(info.idem_n, 0);
	REFUSED(op, CUST, EXPIRED);
	op = transfer(CUST, PROV, 1);
	op.expiry = fx_now() + 86400 + 1;
	REFUSED(op, CUST, LIFE);
	op.expiry--;
	OK(op, CUST);
}
END_TEST

START_TEST(test_keys_live_are_bounded)
{
	cpnp_settings settings;
	cpnp_op op;
	int i;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.idem_max = 3;
	fx_start(&settings);
	for (i = 0; i < 3; i++) {
		op = transfer(CUST, PROV, 1);
		REFUSED(op, CUST, FUNDS);
	}
	op = transfer(CUST, PROV, 1);
	REFUSED(op, CUST, LIMIT);
	fx_time(fx_now() + HOUR);
	op = transfer(CUST, PROV, 1);
	REFUSED(op, CUST, FUNDS);
}
END_TEST

START_TEST(test_who_signs_must_be_who_asks)
{
	cpnp_op op;
	cpnp_buf item, batch = fx_buf();
	cpnp_bytes bytes;

	fx_mint(CUST, 100);
	op = transfer(CUST, PROV, 1);
	ck_assert_uint_eq(fx_do_key(&op, &w.actors[PROV].signer),
	    CPNP_OUTCOME_KEY);
	op = transfer(STRANGER, PROV, 1);
	REFUSED(op, STRANGER, ACCOUNT);
	op = transfer(CUST, PROV, 1);
	op.ledger[0] ^= 1;
	REFUSED(op, CUST, LEDGER);
	/* a signature that is not over these bytes */
	op = transfer(CUST, PROV, 1);
	item = fx_sign(&op, &w.actors[CUST].signer);
	item.ptr[item.len - 1] ^= 1;
	bytes = cpnp_buf_bytes(&item);
	ck_assert_int_eq(cpnp_batch_encode(&bytes, 1, &batch), 0);
	fx_append(batch);
	ck_assert_uint_eq(fx_outcome(0).code, CPNP_OUTCOME_SIGNATURE);
	cpnp_buf_fini(&item);
	HAS_FREE(CUST, 100);
	/* the key was not spent by the forgery */
	OK(op, CUST);
}
END_TEST

START_TEST(test_batch_signature_covers_all)
{
	enum { N = 7 };
	cpnp_buf payloads[N], items[N], batch, copy;
	cpnp_bytes views[N], signed_ops[N];
	uint8_t digests[N][CPNP_SHA256_LEN];
	size_t i, n, single = 0;
	cpnp_op op;

	fx_mint(CUST, 100);
	for (i = 0; i < N; i++) {
		op = transfer(CUST, PROV, 1);
		payloads[i] = fx_encode(&op);
		views[i] = cpnp_buf_bytes(&payloads[i]);
		items[i] = fx_buf();
	}
	ck_assert_int_eq(cpnp_op_sign(
	    &w.actors[CUST].signer, views, N, items), 0);
	for (i = 0; i < N; i++) {
		signed_ops[i] = cpnp_buf_bytes(&items[i]);
		single += items[i].len;
	}
	batch = fx_buf();
	ck_assert_int_eq(cpnp_batch_encode(signed_ops, N, &batch), 0);
	/* the whole group stands under one signature, without paths */
	ck_assert_uint_lt(batch.len, single - (N - 1) * 100);
	ck_assert_int_eq(cpnp_batch_digests(cpnp_buf_bytes(&batch),
	    &w.env->env, digests, N, &n), 0);
	ck_assert_uint_eq(n, N);
	/* one changed byte in one payload spoils the signature of all */
	copy = fx_buf();
	cpnp_buf_put_raw(&copy, cpnp_buf_bytes(&batch));
	copy.ptr[copy.len - 67]++;
	fx_append(copy);
	for (i = 0; i + 1 < N; i++)
		ck_assert_uint_eq(
		    fx_outcome(i).code, CPNP_OUTCOME_SIGNATURE);
	HAS_FREE(PROV, 0);
	fx_append(batch);
	for (i = 0; i < N; i++) {
		ck_assert_uint_eq(fx_outcome(i).code, CPNP_OUTCOME_ACCEPTED);
		ck_assert_mem_eq(
		    fx_outcome(i).digest, digests[i], CPNP_SHA256_LEN);
	}
	HAS_FREE(PROV, N);
	/* a part of the group goes with its paths, and is spent already */
	batch = fx_buf();
	ck_assert_int_eq(cpnp_batch_encode(signed_ops + 1, 3, &batch), 0);
	fx_append(batch);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(
		    fx_outcome(i).code, CPNP_OUTCOME_DUPLICATE);
	for (i = 0; i < N; i++) {
		cpnp_buf_fini(&payloads[i]);
		cpnp_buf_fini(&items[i]);
	}
}
END_TEST

/* A bundle of crumbs is one outcome, not a thousand. */
START_TEST(test_bundle_of_crumbs_is_malformed)
{
	static const uint8_t crumb[48], signature[64];
	uint8_t store[64];
	cpnp_buf protected, batch;
	int len, i;

	for (len = 47; len <= 48; len++) {
		cpnp_buf_init_fixed(&protected, store, sizeof(store));
		cpnp_cbor_put_map(&protected, 4);
		cpnp_cbor_put_int(&protected, HDR_ALG);
		cpnp_cbor_put_int(&protected, ALG_EDDSA);
		cpnp_cbor_put_int(&protected, HDR_KID);
		cpnp_cbor_put_bytes(
		    &protected, (cpnp_bytes){crumb, CPNP_SHA256_LEN});
		cpnp_cbor_put_int(&protected, HDR_VDS);
		cpnp_cbor_put_int(&protected, VDS_RFC9162);
		cpnp_cbor_put_int(&protected, HDR_TREE_SIZE);
		cpnp_cbor_put_uint(&protected, 20);
		batch = fx_buf();
		cpnp_cbor_put_array(&batch, 1);
		cpnp_cbor_put_array(&batch, 3);
		cpnp_cbor_put_bytes(&batch, cpnp_buf_bytes(&protected));
		cpnp_cbor_put_array(&batch, 20);
		for (i = 0; i < 20; i++)
			cpnp_cbor_put_bytes(
			    &batch, (cpnp_bytes){crumb, (size_t)len});
		cpnp_cbor_put_bytes(&batch, (cpnp_bytes){signature, 64});
		fx_append(batch);
		ck_assert_uint_eq(
		    fx_outcome(0).code, CPNP_OUTCOME_MALFORMED);
		/* all of them, when they could be operations */
		ck_assert_uint_eq(fx_outcome(1).code,
		    len < 48 ? 0 : CPNP_OUTCOME_MALFORMED);
		ck_assert_uint_eq(fx_outcome(19).position != 0, len == 48);
	}
}
END_TEST

/* Nobody can stop the followers by what he writes. */
START_TEST(test_garbage_has_an_outcome)
{
	static const char *const garbage[] = {"", "00", "80", "8100", "ff",
	    "8183410041004100", "82d28440a0f64000", "81d284"};
	uint8_t store[64];
	cpnp_bytes long_bytes;
	cpnp_buf batch;
	size_t i;

	for (i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		batch = fx_buf();
		cpnp_buf_put_raw(&batch, unit_hex(garbage[i], store));
		fx_append(batch);
		ck_assert_uint_eq(
		    fx_outcome(0).code, CPNP_OUTCOME_MALFORMED);
		ck_assert_uint_eq(fx_outcome(0).kind, 0);
	}
	/* an array of one byte string that is too long by one */
	batch = fx_buf();
	cpnp_cbor_put_array(&batch, 1);
	long_bytes.ptr = calloc(1, CPNP_BATCH_BYTES_MAX);
	long_bytes.len = CPNP_BATCH_BYTES_MAX - 5;
	cpnp_cbor_put_bytes(&batch, long_bytes);
	free((void *)(uintptr_t)long_bytes.ptr);
	ck_assert_uint_eq(batch.len, CPNP_BATCH_BYTES_MAX + 1);
	fx_append(batch);
	ck_assert_uint_eq(fx_outcome(0).code, CPNP_OUTCOME_MALFORMED);
	ck_assert_uint_eq(fx_outcome(1).kind, 0);
}
END_TEST

START_TEST(test_changed_past_is_refused)
{
	uint8_t before[CPNP_SHA256_LEN], after[CPNP_SHA256_LEN];
	cpnp_ledger_info info;
	cpnp_log_entry entry = {.batch = CPNP_BYTES_LIT("x")};
	cpnp_diag diag;

	fx_mint(CUST, 1);
	fx_root(w.ledger, before);
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.position = info.position + 1;
	ck_assert_int_eq(
	    cpnp_ledger_apply(w.ledger, &entry, &diag), CPNP_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(diag.why, "position 2 is next"));
	entry.position = info.position;
	entry.prev[31] ^= 1;
	ck_assert_int_eq(
	    cpnp_ledger_apply(w.ledger, &entry, &diag), CPNP_ERR_MISMATCH);
	ck_assert_ptr_nonnull(strstr(diag.why, "past of this log"));
	fx_root(w.ledger, after);
	ck_assert_mem_eq(before, after, sizeof(before));
}
END_TEST

/* No minority of clocks moves the time, and none holds it. */
START_TEST(test_time_is_the_median)
{
	cpnp_op op;

	fx_tick(OP1, T0 + 1000 * DAY);
	ck_assert_int_eq(fx_now(), T0);
	fx_tick(OP2, T0 + 10);
	ck_assert_int_eq(fx_now(), T0 + 10);
	fx_tick(OP3, T0 + 20);
	ck_assert_int_eq(fx_now(), T0 + 20);
	op = fx_op(CPNP_OP_TICK, OP3);
	op.time = T0 + 20;
	HAVE(op, TIME);
	REFUSED(op, OP3, STALE);
	op = fx_op(CPNP_OP_TICK, CUST);
	op.time = T0 + 30;
	HAVE(op, TIME);
	REFUSED(op, CUST, ROLE);
	/* one falls silent: the others go on */
	fx_tick(OP2, T0 + 50);
	ck_assert_int_eq(fx_now(), T0 + 50);
}
END_TEST

/* With four, half of them is no majority: two that run ahead wait. */
START_TEST(test_half_of_the_clocks_is_a_minority)
{
	cpnp_op op = fx_op(CPNP_OP_ROLES, OP1);

	op.peer = w.actors[AUDIT].name;
	op.roles = CPNP_ROLE_OPERATOR;
	HAVE(op, PEER), HAVE(op, ROLES);
	fx_second(op);
	OK(op, OP1);
	fx_tick(OP1, T0 + 100);
	fx_tick(OP2, T0 + 200);
	ck_assert_int_eq(fx_now(), T0);
	fx_tick(AUDIT, T0 + 50);
	ck_assert_int_eq(fx_now(), T0 + 50);
}
END_TEST

static cpnp_op
open_account(enum who who, enum who peer, uint64_t roles)
{
	cpnp_op op = fx_op(CPNP_OP_ACCOUNT_OPEN, who);

	op.peer = w.actors[peer].name;
	op.roles = roles;
	op.key = w.actors[peer].spki;
	HAVE(op, PEER), HAVE(op, ROLES), HAVE(op, KEY);
	return op;
}

START_TEST(test_accounts_are_opened_by_maintainers)
{
	cpnp_account_view view;
	cpnp_op op;

	op = open_account(CUST, STRANGER, CPNP_ROLE_CUSTOMER);
	REFUSED(op, CUST, ROLE);
	op = open_account(MAINT, STRANGER, CPNP_ROLE_ISSUER);
	REFUSED(op, MAINT, ROLE);
	op = open_account(MAINT, CUST, CPNP_ROLE_CUSTOMER);
	REFUSED(op, MAINT, EXISTS);
	op = open_account(MAINT, STRANGER, CPNP_ROLE_CUSTOMER);
	OK(op, MAINT);
	ck_assert_int_eq(cpnp_ledger_get_account(
	    w.ledger, w.actors[STRANGER].name, &view), 0);
	ck_assert_uint_eq(view.roles, CPNP_ROLE_CUSTOMER);
	ck_assert_uint_eq(view.key_n, 1);
	ck_assert(view.eligible && !view.has_recovery);
	fx_mint(STRANGER, 5);
	op = fx_op(CPNP_OP_ACCOUNT_CLOSE, STRANGER);
	REFUSED(op, STRANGER, STATE);
	op = transfer(STRANGER, CUST, 5);
	OK(op, STRANGER);
	op = fx_op(CPNP_OP_ACCOUNT_CLOSE, STRANGER);
	OK(op, STRANGER);
	op = transfer(STRANGER, CUST, 5);
	REFUSED(op, STRANGER, STATUS);
	op = transfer(CUST, STRANGER, 5);
	REFUSED(op, CUST, PEER);
}
END_TEST

START_TEST(test_keys_rotate_at_a_position)
{
	cpnp_op op, held = transfer(CUST, PROV, 1);
	uint64_t next;

	fx_mint(CUST, 100);
	op = fx_op(CPNP_OP_KEY_ADD, CUST);
	op.key = fx_spki(&w.spare);
	op.position = next = w.entry_n + 2;
	HAVE(op, KEY), HAVE(op, POSITION);
	OK(op, CUST);
	op.idem = CPNP_BYTES_LIT("again");
	REFUSED(op, CUST, EXISTS);
	ck_assert_uint_eq(w.entry_n, next);
	op = transfer(CUST, PROV, 1);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
	op = fx_op(CPNP_OP_KEY_REVOKE, CUST);
	op.key_id = (cpnp_bytes){
	    w.actors[CUST].signer.key.id, CPNP_SHA256_LEN};
	HAVE(op, KEY_ID);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
	/* signed before, not used yet: void */
	REFUSED(held, CUST, KEY);
	op = fx_op(CPNP_OP_KEY_ADD, CUST);
	op.key = w.actors[PROV].spki;
	op.position = w.entry_n;
	HAVE(op, KEY), HAVE(op, POSITION);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_TIME);
	op = fx_op(CPNP_OP_KEY_REVOKE, CUST);
	op.key_id = w.actors[PROV].spki;
	op.key_id.len = CPNP_SHA256_LEN;
	HAVE(op, KEY_ID);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_UNKNOWN);
}
END_TEST

START_TEST(test_key_table_is_bounded)
{
	cpnp_signer more[CPNP_ACCOUNT_KEYS_MAX];
	cpnp_op op;
	int i;

	for (i = 0; i < CPNP_ACCOUNT_KEYS_MAX; i++) {
		fx_key(&more[i]);
		op = fx_op(CPNP_OP_KEY_ADD, PROV);
		op.key = fx_spki(&more[i]);
		HAVE(op, KEY);
		if (i < CPNP_ACCOUNT_KEYS_MAX - 1)
			OK(op, PROV);
		else
			REFUSED(op, PROV, LIMIT);
	}
	for (i = 0; i < CPNP_ACCOUNT_KEYS_MAX; i++)
		ledger_key_fini(&more[i].key);
	/* the last key stays, where no recovery key could replace it */
	op = fx_op(CPNP_OP_KEY_REVOKE, SUPP);
	op.key_id = (cpnp_bytes){
	    w.actors[SUPP].signer.key.id, CPNP_SHA256_LEN};
	HAVE(op, KEY_ID);
	REFUSED(op, SUPP, STATE);
}
END_TEST

START_TEST(test_recovery_key_takes_over)
{
	cpnp_op op = fx_op(CPNP_OP_KEY_RECOVER, CUST);

	op.key = fx_spki(&w.spare);
	HAVE(op, KEY);
	REFUSED(op, CUST, KEY); /* not with a common key */
	ck_assert_uint_eq(
	    fx_do_key(&op, &w.recovery), CPNP_OUTCOME_ACCEPTED);
	fx_mint(CUST, 5);
	op = transfer(CUST, PROV, 1);
	REFUSED(op, CUST, KEY);
	ck_assert_uint_eq(fx_do_key(&op, &w.spare), CPNP_OUTCOME_ACCEPTED);
	op = transfer(CUST, PROV, 1);
	ck_assert_uint_eq(fx_do_key(&op, &w.recovery), CPNP_OUTCOME_KEY);
}
END_TEST

static cpnp_op
roles(enum who who, enum who peer, uint64_t value)
{
	cpnp_op op = fx_op(CPNP_OP_ROLES, who);

	op.peer = w.actors[peer].name;
	op.roles = value;
	HAVE(op, PEER), HAVE(op, ROLES);
	return op;
}

static cpnp_op
status(enum who who, enum who peer, uint64_t value)
{
	cpnp_op op = fx_op(CPNP_OP_STATUS, who);

	op.peer = w.actors[peer].name;
	op.status = value;
	HAVE(op, PEER), HAVE(op, STATUS);
	return op;
}

START_TEST(test_governance_takes_a_quorum)
{
	cpnp_settings settings;
	cpnp_op op;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.quorum = 2;
	fx_start(&settings);
	op = roles(CUST, CUST, CPNP_ROLE_ISSUER);
	REFUSED(op, CUST, ROLE);
	op = roles(OP1, CUST, CPNP_ROLE_ISSUER);
	REFUSED(op, OP1, PENDING);
	op = roles(OP1, CUST, CPNP_ROLE_ISSUER);
	REFUSED(op, OP1, VOTED);
	/* another change counts for itself */
	op = roles(OP2, CUST, CPNP_ROLE_AUDITOR);
	REFUSED(op, OP2, PENDING);
	fx_snapshot();
	op = roles(OP2, CUST, CPNP_ROLE_ISSUER);
	OK(op, OP2);
	ck_assert_uint_eq(fx_outcome(1).kind, CPNP_FACT_GOVERNED);
	op = fx_op(CPNP_OP_TOKEN, CUST);
	op.code = CPNP_BYTES_LIT("OWN");
	HAVE(op, CODE), HAVE(op, EXPONENT);
	OK(op, CUST);
	/* a proposal lapses with its first operation */
	fx_time(fx_now() + HOUR);
	op = roles(OP1, CUST, CPNP_ROLE_AUDITOR);
	REFUSED(op, OP1, PENDING);
	/* as many operators as the quorum stay */
	op = roles(OP1, OP3, 0);
	REFUSED(op, OP1, PENDING);
	op = roles(OP2, OP3, 0);
	OK(op, OP2);
	op = roles(OP1, OP2, 0);
	REFUSED(op, OP1, LIMIT);
	op = status(OP1, OP2, CPNP_ACCOUNT_SUSPENDED);
	REFUSED(op, OP1, LIMIT);
}
END_TEST

/* Two of three were the quorum; of four they would be half. */
START_TEST(test_quorum_grows_with_the_operators)
{
	cpnp_op op = roles(OP1, AUDIT, CPNP_ROLE_OPERATOR);

	fx_second(op);
	OK(op, OP1);
	op = roles(OP1, OP3, 0);
	fx_second(op);
	REFUSED(op, OP1, PENDING);
	op = roles(AUDIT, OP3, 0);
	OK(op, AUDIT);
	op = roles(OP1, CUST, CPNP_ROLE_ISSUER);
	fx_second(op);
	OK(op, OP1);
}
END_TEST

START_TEST(test_suspended_account_may_do_nothing)
{
	cpnp_op op = status(OP1, CUST, CPNP_ACCOUNT_SUSPENDED);

	fx_mint(CUST, 5);
	fx_second(op);
	OK(op, OP1);
	op = transfer(CUST, PROV, 1);
	REFUSED(op, CUST, STATUS);
	op = status(OP1, CUST, CPNP_ACCOUNT_SUSPENDED);
	REFUSED(op, OP1, STATE);
	op = status(OP1, CUST, CPNP_ACCOUNT_ACTIVE);
	fx_second(op);
	OK(op, OP1);
	op = transfer(CUST, PROV, 1);
	OK(op, CUST);
	op = status(OP1, CUST, CPNP_ACCOUNT_ACTIVE);
	op.peer = CPNP_BYTES_LIT("nobody");
	REFUSED(op, OP1, PEER);
}
END_TEST

START_TEST(test_settings_change_as_a_whole)
{
	cpnp_settings settings;
	cpnp_ledger_info info;
	cpnp_buf buf = fx_buf();
	cpnp_op op;

	cpnp_settings_default(&settings);
	settings.quorum = 2;
	settings.amount_max = 7;
	ck_assert_int_eq(cpnp_settings_encode(&settings, &buf, NULL), 0);
	op = fx_op(CPNP_OP_SETTINGS, OP1);
	op.settings = cpnp_buf_bytes(&buf);
	HAVE(op, SETTINGS);
	fx_second(op);
	OK(op, OP1);
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	ck_assert_int_eq(info.settings.amount_max, 7);
	op = fx_op(CPNP_OP_SETTINGS, OP1);
	op.settings = CPNP_BYTES_LIT("x");
	HAVE(op, SETTINGS);
	REFUSED(op, OP1, MALFORMED);
	/* of three operators it takes two or three */
	for (settings.quorum = 1; settings.quorum <= 4; settings.quorum += 3) {
		cpnp_buf_reset(&buf);
		ck_assert_int_eq(
		    cpnp_settings_encode(&settings, &buf, NULL), 0);
		op = fx_op(CPNP_OP_SETTINGS, OP1);
		op.settings = cpnp_buf_bytes(&buf);
		HAVE(op, SETTINGS);
		REFUSED(op, OP1, LIMIT);
	}
	cpnp_buf_reset(&buf);
	settings.quorum = 2;
	settings.pool_n = 1;
	settings.pools[0] = (cpnp_pool){CPNP_BYTES_LIT("nobody"), CPNP_PPM};
	ck_assert_int_eq(cpnp_settings_encode(&settings, &buf, NULL), 0);
	op = fx_op(CPNP_OP_SETTINGS, OP1);
	op.settings = cpnp_buf_bytes(&buf);
	HAVE(op, SETTINGS);
	REFUSED(op, OP1, PEER);
	/* nor one that nobody can use any more */
	op = fx_op(CPNP_OP_ACCOUNT_CLOSE, POOL);
	OK(op, POOL);
	settings.pools[0].account = w.actors[POOL].name;
	cpnp_buf_reset(&buf);
	ck_assert_int_eq(cpnp_settings_encode(&settings, &buf, NULL), 0);
	op = fx_op(CPNP_OP_SETTINGS, OP1);
	CPNP_OP_SET(&op, SETTINGS, settings, cpnp_buf_bytes(&buf));
	REFUSED(op, OP1, PEER);
	settings.pools[0].ppm = 1;
	cpnp_buf_reset(&buf);
	ck_assert_int_eq(cpnp_settings_encode(&settings, &buf, NULL),
	    CPNP_ERR_INVALID);
	cpnp_buf_fini(&buf);
}
END_TEST

/* A program stops, with a clear message, at rules that it does not know. */
START_TEST(test_newer_rules_stop_the_follower)
{
	uint8_t before[CPNP_SHA256_LEN], after[CPNP_SHA256_LEN];
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_buf item, batch = fx_buf();
	cpnp_bytes bytes;
	cpnp_diag diag;
	cpnp_op op = fx_op(CPNP_OP_RULES, OP1);

	op.version = 3;
	op.position = w.entry_n + 10;
	HAVE(op, VERSION), HAVE(op, POSITION);
	REFUSED(op, OP1, RULES);
	op = fx_op(CPNP_OP_RULES, OP1);
	op.version = 2;
	op.position = w.entry_n;
	HAVE(op, VERSION), HAVE(op, POSITION);
	REFUSED(op, OP1, TIME);
	op.idem = CPNP_BYTES_LIT("two");
	op.position = w.entry_n + 4;
	fx_second(op);
	OK(op, OP1);
	op.idem = CPNP_BYTES_LIT("three");
	REFUSED(op, OP1, RULES);
	fx_mint(CUST, 5); /* still under the old ones */
	fx_root(w.ledger, before);
	op = transfer(CUST, PROV, 1);
	item = fx_sign(&op, &w.actors[CUST].signer);
	bytes = cpnp_buf_bytes(&item);
	ck_assert_int_eq(cpnp_batch_encode(&bytes, 1, &batch), 0);
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	ck_assert_uint_eq(info.rules_next, 2);
	entry.position = info.position;
	ck_assert_uint_eq(entry.position, info.rules_next_position);
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.batch = cpnp_buf_bytes(&batch);
	ck_assert_int_eq(
	    cpnp_ledger_apply(w.ledger, &entry, &diag), CPNP_ERR_VERSION);
	ck_assert_ptr_nonnull(strstr(diag.why, "rules are version 2"));
	fx_root(w.ledger, after);
	ck_assert_mem_eq(before, after, sizeof(before));
	cpnp_buf_fini(&item);
	cpnp_buf_fini(&batch);
}
END_TEST

START_TEST(test_anchors_only_grow)
{
	static const uint8_t root[CPNP_SHA256_LEN] = {7};
	cpnp_anchor_view view;
	char origin[16];
	cpnp_op op;
	int i;

	op = fx_op(CPNP_OP_ANCHOR, PROV);
	op.origin = CPNP_BYTES_LIT("prov.example/journal");
	op.size = 100;
	op.root = (cpnp_bytes){root, sizeof(root)};
	HAVE(op, ORIGIN), HAVE(op, SIZE), HAVE(op, ROOT);
	OK(op, PROV);
	REFUSED(op, PROV, STALE);
	op.size = 101;
	OK(op, PROV);
	ck_assert_int_eq(cpnp_ledger_get_anchor(
	    w.ledger, w.actors[PROV].name, op.origin, &view), 0);
	ck_assert_uint_eq(view.size, 101);
	ck_assert_uint_eq(view.position, w.entry_n - 1);
	for (i = 1; i < CPNP_ANCHORS_MAX; i++) {
		(void)snprintf(origin, sizeof(origin), "o%d", i);
		op.origin = cpnp_bytes_str(origin);
		OK(op, PROV);
	}
	op.origin = CPNP_BYTES_LIT("one more");
	REFUSED(op, PROV, LIMIT);
}
END_TEST

static int
no_tile(void *user, unsigned level, uint64_t number,
    uint8_t hashes[CPNP_TILE_BYTES])
{
	(void)user;
	(void)level;
	(void)number;
	(void)hashes;
	return CPNP_ERR_IO;
}

static int
drop_tile(void *user, unsigned level, uint64_t number,
    const uint8_t hashes[CPNP_TILE_BYTES])
{
	(void)user;
	(void)level;
	(void)number;
	(void)hashes;
	return 0;
}

/* The offline proof of a payment, out of the journal's tree. */
START_TEST(test_outcomes_are_a_tree)
{
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	uint8_t root[CPNP_SHA256_LEN], store[CPNP_OUTCOME_MAX];
	cpnp_tile_io io = {NULL, no_tile, drop_tile};
	cpnp_outcome outcome;
	cpnp_ledger_info info;
	cpnp_tree *tree;
	cpnp_buf leaf;
	cpnp_op op;
	size_t n;
	int i;

	ck_assert_int_eq(cpnp_tree_new(&tree, &io), 0);
	for (i = 0; i < 11; i++) {
		if (i % 3 == 0) {
			fx_mint(CUST, 10);
		} else {
			op = transfer(CUST, PROV, i);
			OK(op, CUST);
		}
		outcome = fx_outcome(0);
		cpnp_buf_init_fixed(&leaf, store, sizeof(store));
		cpnp_outcome_encode(&outcome, &leaf);
		ck_assert_int_eq(
		    cpnp_tree_append(tree, cpnp_buf_bytes(&leaf)), 0);
		ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
		ck_assert_uint_eq(info.outcome_n, cpnp_tree_size(tree));
		ck_assert_int_eq(
		    cpnp_tree_root(tree, info.outcome_n, root), 0);
		ck_assert_mem_eq(root, info.outcome_root, sizeof(root));
	}
	ck_assert_int_eq(cpnp_tree_inclusion(tree, 10, 11, path, &n), 0);
	ck_assert_int_eq(cpnp_outcome_verify(cpnp_buf_bytes(&leaf), 10, 11,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, info.outcome_root,
	    &outcome), 0);
	ck_assert_int_eq(outcome.amount, 10);
	ck_assert_mem_eq(outcome.digest, w.digest, CPNP_SHA256_LEN);
	path[0][0] ^= 1;
	ck_assert_int_eq(cpnp_outcome_verify(cpnp_buf_bytes(&leaf), 10, 11,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, info.outcome_root,
	    &outcome), CPNP_ERR_PROOF);
	cpnp_tree_del(tree);
}
END_TEST

/* A proof for somebody who has no ledger, only names of operators. */
START_TEST(test_payment_is_proved_offline)
{
	uint8_t path[CPNP_TREE_PATH_MAX][CPNP_SHA256_LEN];
	uint8_t store[CPNP_OUTCOME_MAX];
	cpnp_tile_io io = {NULL, no_tile, drop_tile};
	cpnp_buf leaf, heads[3], proof = fx_buf();
	cpnp_bytes views[3], keys[2];
	cpnp_outcome outcome;
	cpnp_outcome_head head;
	cpnp_ledger_info info;
	cpnp_payment payment;
	cpnp_tree *tree;
	cpnp_diag diag;
	size_t i, n;
	cpnp_buf part, more = fx_buf();
	cpnp_op op;

	ck_assert_int_eq(cpnp_tree_new(&tree, &io), 0);
	cpnp_buf_init_fixed(&leaf, store, sizeof(store));
	for (i = 0; i < 5; i++) {
		fx_mint(CUST, 10);
		outcome = fx_outcome(0);
		cpnp_buf_reset(&leaf);
		cpnp_outcome_encode(&outcome, &leaf);
		(void)cpnp_tree_append(tree, cpnp_buf_bytes(&leaf));
	}
	op = transfer(CUST, PROV, 42);
	OK(op, CUST);
	outcome = fx_outcome(0);
	cpnp_buf_reset(&leaf);
	cpnp_outcome_encode(&outcome, &leaf);
	(void)cpnp_tree_append(tree, cpnp_buf_bytes(&leaf));
	ck_assert_int_eq(cpnp_tree_inclusion(tree, 5, 6, path, &n), 0);
	cpnp_tree_del(tree);
	ck_assert_int_eq(cpnp_ledger_get_info(w.ledger, &info), 0);
	head.position = info.position - 1;
	head.size = info.outcome_n;
	memcpy(head.ledger, info.id, sizeof(head.ledger));
	memcpy(head.root, info.outcome_root, sizeof(head.root));
	for (i = 0; i < 3; i++) {
		heads[i] = fx_buf();
		ck_assert_int_eq(cpnp_outcome_head_sign(
		    &w.actors[OP1 + i].signer, &head, &heads[i]), 0);
		views[i] = cpnp_buf_bytes(&heads[i]);
	}
	ck_assert_int_eq(cpnp_payment_encode(cpnp_buf_bytes(&leaf), 5,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, views, 3, &proof),
	    0);
	/* one after the other is the same as all at once, up to the limit */
	part = fx_buf();
	ck_assert_int_eq(cpnp_payment_encode(cpnp_buf_bytes(&leaf), 5,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, views, 2, &part), 0);
	for (i = 0; i < part.len; i++)
		ck_assert_int_ne(cpnp_payment_add_head(
		    (cpnp_bytes){part.ptr, i}, views[2], &more), 0);
	for (i = 2; i < CPNP_PAYMENT_HEADS_MAX; i++) {
		ck_assert_int_eq(cpnp_payment_add_head(
		    cpnp_buf_bytes(&part), views[2], &more), 0);
		ck_assert(i > 2 || cpnp_bytes_equal(cpnp_buf_bytes(&more),
					cpnp_buf_bytes(&proof)));
		cpnp_buf_fini(&part);
		part = more;
		more = fx_buf();
	}
	ck_assert_int_eq(cpnp_payment_add_head(cpnp_buf_bytes(&part),
	    views[2], &more), CPNP_ERR_TOO_LONG);
	cpnp_buf_fini(&part);
	cpnp_buf_fini(&more);
	keys[0] = w.actors[PROV].spki;
	keys[1] = w.actors[OP2].spki;
	ck_assert_msg(cpnp_payment_verify(w.env, cpnp_buf_bytes(&proof), keys,
	    2, &payment, &diag) == 0, "%s: %s", diag.where, diag.why);
	ck_assert_uint_eq(payment.signers, 2);
	ck_assert_int_eq(payment.outcome.amount, 42);
	ck_assert_mem_eq(payment.outcome.digest, w.digest, CPNP_SHA256_LEN);
	/* nobody who is believed has signed it */
	ck_assert_int_eq(cpnp_payment_verify(w.env, cpnp_buf_bytes(&proof),
	    keys, 1, &payment, &diag), CPNP_ERR_SIGNATURE);
	ck_assert_int_eq(cpnp_payment_verify(w.env, cpnp_buf_bytes(&proof),
	    keys, 0, &payment, &diag), CPNP_ERR_INVALID);
	/* no byte of what is believed may differ; the last head is not */
	for (i = 0; i < proof.len - views[2].len; i++) {
		proof.ptr[i] ^= 1;
		keys[0] = w.actors[OP1].spki;
		if (cpnp_payment_verify(w.env, cpnp_buf_bytes(&proof), keys,
		    2, &payment, &diag) == 0)
			ck_assert_uint_ne(payment.signers, 3);
		ck_assert_int_ne(cpnp_payment_verify(w.env,
		    (cpnp_bytes){proof.ptr, i}, keys, 2, &payment, &diag), 0);
		proof.ptr[i] ^= 1;
	}
	/* two heads of different trees */
	head.size++;
	cpnp_buf_reset(&heads[2]);
	ck_assert_int_eq(cpnp_outcome_head_sign(
	    &w.actors[OP3].signer, &head, &heads[2]), 0);
	views[2] = cpnp_buf_bytes(&heads[2]);
	cpnp_buf_reset(&proof);
	ck_assert_int_eq(cpnp_payment_encode(cpnp_buf_bytes(&leaf), 5,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, views, 3, &proof),
	    0);
	ck_assert_int_eq(cpnp_payment_verify(w.env, cpnp_buf_bytes(&proof),
	    keys, 2, &payment, &diag), CPNP_ERR_MISMATCH);
	ck_assert_int_eq(cpnp_payment_encode(cpnp_buf_bytes(&leaf), 5,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, views, 0, &proof),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_payment_encode(cpnp_buf_bytes(&leaf), 5,
	    (const uint8_t (*)[CPNP_SHA256_LEN])path, n, views,
	    CPNP_PAYMENT_HEADS_MAX + 1, &proof), CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_payment_verify(w.env,
	    (cpnp_bytes){proof.ptr, CPNP_PAYMENT_MAX + 1}, keys, 2, &payment,
	    &diag), CPNP_ERR_TOO_LONG);
	for (i = 0; i < 3; i++)
		cpnp_buf_fini(&heads[i]);
	cpnp_buf_fini(&proof);
}
END_TEST

START_TEST(test_damaged_snapshot_is_refused)
{
	cpnp_buf buf = fx_buf(), copy = fx_buf();
	cpnp_ledger *ledger;
	cpnp_diag diag;
	size_t i;

	fx_mint(CUST, 5);
	ck_assert_int_eq(cpnp_ledger_save(w.ledger, &buf), 0);
	for (i = 0; i < buf.len; i += 97) {
		cpnp_buf_reset(&copy);
		cpnp_buf_put_raw(&copy, cpnp_buf_bytes(&buf));
		copy.ptr[i] ^= 4;
		ck_assert_int_ne(cpnp_ledger_load(&ledger, w.env,
		    cpnp_buf_bytes(&copy), &diag), 0);
		ck_assert_int_ne(cpnp_ledger_load(&ledger, w.env,
		    (cpnp_bytes){buf.ptr, i}, &diag), 0);
	}
	cpnp_buf_fini(&buf);
	cpnp_buf_fini(&copy);
}
END_TEST

START_TEST(test_genesis_is_checked)
{
	cpnp_bytes good = cpnp_buf_bytes(&w.genesis);
	cpnp_buf copy = fx_buf();
	cpnp_ledger *ledger;
	cpnp_diag diag;
	size_t i;

	for (i = 0; i < good.len; i++)
		ck_assert_int_ne(cpnp_ledger_new(&ledger, w.env,
		    (cpnp_bytes){good.ptr, i}, &diag), 0);
	/* [context, name, salt, rules, ...]: rules version 2 */
	cpnp_buf_put_raw(&copy, good);
	i = 1 + 13 + 12 + 17;
	ck_assert_uint_eq(copy.ptr[i], 1);
	copy.ptr[i] = 2;
	ck_assert_int_eq(cpnp_ledger_new(&ledger, w.env,
	    cpnp_buf_bytes(&copy), &diag), CPNP_ERR_VERSION);
	ck_assert_ptr_nonnull(strstr(diag.why, "newer"));
	cpnp_buf_fini(&copy);
}
END_TEST

START_TEST(test_proposals_are_bounded)
{
	uint8_t salt[16] = {0};
	cpnp_settings settings;
	cpnp_op op;
	int i;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.quorum = 2;
	fx_start(&settings);
	for (i = 0; i <= CPNP_PROPOSALS_MAX; i++) {
		salt[0] = (uint8_t)i;
		op = roles(OP1, CUST, CPNP_ROLE_ISSUER);
		CPNP_OP_SET(&op, SALT, salt,
		    ((cpnp_bytes){salt, sizeof(salt)}));
		if (i < CPNP_PROPOSALS_MAX)
			REFUSED(op, OP1, PENDING);
		else
			REFUSED(op, OP1, LIMIT);
	}
}
END_TEST

START_TEST(test_batch_is_bounded)
{
	cpnp_bytes *items = calloc(CPNP_BATCH_OPS_MAX + 1, sizeof(*items));
	cpnp_op op = transfer(CUST, PROV, 1);
	cpnp_buf item = fx_sign(&op, &w.actors[CUST].signer);
	cpnp_buf batch = fx_buf();
	size_t i;

	for (i = 0; i <= CPNP_BATCH_OPS_MAX; i++)
		items[i] = cpnp_buf_bytes(&item);
	ck_assert_int_eq(cpnp_batch_encode(items, 0, &batch),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_batch_encode(items, CPNP_BATCH_OPS_MAX + 1,
	    &batch), CPNP_ERR_INVALID);
	ck_assert_int_eq(
	    cpnp_batch_encode(items, CPNP_BATCH_OPS_MAX, &batch), 0);
	fx_append(batch);
	ck_assert_uint_eq(fx_outcome(0).code, CPNP_OUTCOME_FUNDS);
	ck_assert_uint_eq(fx_outcome(CPNP_BATCH_OPS_MAX - 1).code,
	    CPNP_OUTCOME_DUPLICATE);
	batch = fx_buf();
	cpnp_cbor_put_array(&batch, CPNP_BATCH_OPS_MAX + 1);
	for (i = 0; i <= CPNP_BATCH_OPS_MAX; i++)
		cpnp_buf_put_raw(&batch, items[i]);
	fx_append(batch);
	ck_assert_uint_eq(fx_outcome(0).kind, 0);
	ck_assert_uint_eq(fx_outcome(0).code, CPNP_OUTCOME_MALFORMED);
	cpnp_buf_fini(&item);
	free(items);
}
END_TEST

START_TEST(test_genesis_is_bounded)
{
	static char names[CPNP_OPERATORS_MAX + 1][8];
	static cpnp_genesis_account accounts[CPNP_OPERATORS_MAX + 1];
	cpnp_genesis genesis = {.name = CPNP_BYTES_LIT("n"),
	    .salt = CPNP_BYTES_LIT("0123456789abcdef"),
	    .rules = 1,
	    .accounts = accounts};
	uint8_t *large = calloc(1, CPNP_GENESIS_MAX + 1);
	cpnp_buf buf = fx_buf();
	cpnp_ledger *ledger;
	cpnp_diag diag;
	size_t i;

	cpnp_settings_default(&genesis.settings);
	genesis.settings.quorum = CPNP_OPERATORS_MAX / 2 + 1;
	for (i = 0; i <= CPNP_OPERATORS_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "op%u",
		    (unsigned)i);
		accounts[i] = (cpnp_genesis_account){
		    cpnp_bytes_str(names[i]), CPNP_ROLE_OPERATOR,
		    w.actors[OP1].spki, CPNP_BYTES_NONE};
	}
	genesis.account_n = CPNP_OPERATORS_MAX;
	genesis.settings.quorum--;
	ck_assert_int_eq(cpnp_genesis_encode(&genesis, &buf, &diag),
	    CPNP_ERR_INVALID);
	ck_assert_str_eq(diag.where, "quorum");
	genesis.settings.quorum++;
	ck_assert_int_eq(cpnp_genesis_encode(&genesis, &buf, &diag), 0);
	ck_assert_int_eq(cpnp_ledger_new(
	    &ledger, w.env, cpnp_buf_bytes(&buf), &diag), 0);
	cpnp_ledger_del(ledger);
	cpnp_buf_reset(&buf);
	genesis.account_n = CPNP_OPERATORS_MAX + 1;
	ck_assert_int_eq(cpnp_genesis_encode(&genesis, &buf, &diag), 0);
	ck_assert_int_eq(cpnp_ledger_new(
	    &ledger, w.env, cpnp_buf_bytes(&buf), &diag), CPNP_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(diag.why, "more than 64"));
	genesis.account_n = 0;
	ck_assert_int_eq(cpnp_genesis_encode(&genesis, &buf, &diag),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_ledger_new(&ledger, w.env,
	    (cpnp_bytes){large, CPNP_GENESIS_MAX + 1}, &diag),
	    CPNP_ERR_TOO_LONG);
	cpnp_buf_fini(&buf);
	free(large);
}
END_TEST

static size_t alloc_left;

static void *
short_alloc(void *user, size_t size)
{
	(void)user;
	return alloc_left == 0 ? NULL : (alloc_left--, malloc(size));
}

static void *
short_realloc(void *user, void *ptr, size_t size)
{
	(void)user;
	return alloc_left == 0 ? NULL : (alloc_left--, realloc(ptr, size));
}

/* Out of memory anywhere: an error, nothing leaks, the rest is refused. */
START_TEST(test_memory_runs_out_anywhere)
{
	cpnp_ledger_env env = *w.env;
	cpnp_ledger *ledger;
	cpnp_ledger_info info;
	cpnp_log_entry entry;
	cpnp_buf snapshot = fx_buf();
	cpnp_op op;
	size_t n;
	int err;

	fx_mint(CUST, 100);
	op = fx_authorize(CUST, PROV, 60);
	OK(op, CUST);
	ABOUT_OK(ACKNOWLEDGE, PROV, w.digest);
	op = roles(OP1, AUDIT, CPNP_ROLE_AUDITOR);
	fx_second(op);
	OK(op, OP1);
	fx_time(fx_now() + DAY);
	ck_assert_int_eq(cpnp_ledger_save(w.ledger, &snapshot), 0);
	env.env.mem.alloc = short_alloc;
	env.env.mem.realloc = short_realloc;
	for (n = 0, err = CPNP_ERR_NOMEM; err != 0; n++) {
		alloc_left = n;
		err = cpnp_ledger_new(
		    &ledger, &env, cpnp_buf_bytes(&w.genesis), NULL);
		if (err != 0) {
			ck_assert_int_eq(err, CPNP_ERR_NOMEM);
			continue;
		}
		err = cpnp_ledger_get_info(ledger, &info);
		while (err == 0 && info.position < w.entry_n) {
			entry.position = info.position;
			memcpy(entry.prev, info.head, sizeof(entry.prev));
			entry.batch =
			    cpnp_buf_bytes(&w.batches[info.position]);
			err = cpnp_ledger_apply(ledger, &entry, NULL);
			if (err == 0)
				err = cpnp_ledger_get_info(ledger, &info);
			else
				ck_assert_int_eq(cpnp_ledger_apply(
				    ledger, &entry, NULL), err);
		}
		ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
		cpnp_ledger_del(ledger);
	}
	ck_assert_uint_gt(n, 20);
	for (n = 0, err = CPNP_ERR_NOMEM; err != 0; n++) {
		alloc_left = n;
		err = cpnp_ledger_load(
		    &ledger, &env, cpnp_buf_bytes(&snapshot), NULL);
		ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
	}
	cpnp_ledger_del(ledger);
	cpnp_buf_fini(&snapshot);
}
END_TEST

static bool
contains(cpnp_bytes bytes, cpnp_bytes what)
{
	for (size_t i = 0; i + what.len <= bytes.len; i++)
		if (memcmp(bytes.ptr + i, what.ptr, what.len) == 0)
			return true;
	return false;
}

/* Competitors read the log: no certificate, document or site is in it. */
START_TEST(test_log_holds_digests_only)
{
	cpnp_signer signer = w.actors[CUST].signer;
	cpnp_bytes site = CPNP_BYTES_LIT("Site Vilnius, Gedimino 9");
	cpnp_bytes cert = CPNP_BYTES_LIT("certificate of the customer");
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_agreement agreement = {.client = CPNP_BYTES_LIT("c.example"),
	    .provider = CPNP_BYTES_LIT("p.example"),
	    .customer_order_id = CPNP_BYTES_LIT("my-order"),
	    .provider_order_id = CPNP_BYTES_LIT("your-order"),
	    .transaction_id = CPNP_BYTES_LIT("0123456789abcdef"),
	    .nonce = CPNP_BYTES_LIT("fedcba9876543210"),
	    .validity = {T0}};
	cpnp_buf snapshot = fx_buf(), service = fx_buf();
	cpnp_op op;

	cpnp_cbor_put_array(&service, 2);
	cpnp_cbor_put_uint(&service, 0);
	cpnp_cbor_put_text(&service, site);
	agreement.service_description = cpnp_buf_bytes(&service);
	ck_assert_int_eq(cpnp_agreement_digest(
	    &agreement, &w.env->env, digest), 0);
	cpnp_buf_init(&signer.chain, &ledger_mem, 100);
	cpnp_cbor_put_bytes(&signer.chain, cert);
	fx_mint(CUST, 10);
	op = fx_authorize(CUST, PROV, 10);
	op.order = (cpnp_bytes){digest, sizeof(digest)};
	ck_assert_uint_eq(fx_do_key(&op, &signer), CPNP_OUTCOME_ACCEPTED);
	ck_assert_int_eq(cpnp_ledger_save(w.ledger, &snapshot), 0);
	for (uint64_t i = 1; i <= w.entry_n; i++) {
		cpnp_bytes bytes = cpnp_buf_bytes(
		    i < w.entry_n ? &w.batches[i] : &snapshot);

		ck_assert(!contains(bytes, site));
		ck_assert(!contains(bytes, cert));
		ck_assert(!contains(bytes, agreement.customer_order_id));
		ck_assert(!contains(bytes, agreement.nonce));
	}
	ck_assert(contains(cpnp_buf_bytes(&w.batches[2]),
	    (cpnp_bytes){digest, sizeof(digest)}));
	cpnp_buf_fini(&signer.chain);
	cpnp_buf_fini(&snapshot);
	cpnp_buf_fini(&service);
}
END_TEST

/* What is over is forgotten: the state is as large as what is open. */
START_TEST(test_state_is_bounded_by_what_is_open)
{
	cpnp_buf snapshot = fx_buf();
	uint8_t id[CPNP_SHA256_LEN];
	size_t size = 0;
	cpnp_op op;
	int i;

	fx_mint(CUST, 100000);
	for (i = 0; i < 600; i++) {
		op = fx_authorize(CUST, PROV, 10);
		fx_escrow(&op, CUST, PROV, true, id);
		ABOUT_OK(WITHDRAW, CUST, id);
		if (i % 200 != 199)
			continue;
		fx_time(fx_now() + HOUR);
		cpnp_buf_reset(&snapshot);
		ck_assert_int_eq(cpnp_ledger_save(w.ledger, &snapshot), 0);
		/* a number may have grown by some bytes, and the edge of
		 * the tree by some hashes */
		if (size != 0)
			ck_assert_uint_lt(snapshot.len, size + 256);
		size = snapshot.len;
	}
	cpnp_buf_fini(&snapshot);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_tokens_are_minted_and_moved,
	    test_only_the_issuer_mints, test_idempotency_key_is_spent_once,
	    test_keys_live_are_bounded, test_who_signs_must_be_who_asks,
	    test_batch_signature_covers_all,
	    test_bundle_of_crumbs_is_malformed, test_garbage_has_an_outcome,
	    test_changed_past_is_refused, test_time_is_the_median,
	    test_half_of_the_clocks_is_a_minority,
	    test_accounts_are_opened_by_maintainers,
	    test_keys_rotate_at_a_position, test_key_table_is_bounded,
	    test_recovery_key_takes_over, test_governance_takes_a_quorum,
	    test_quorum_grows_with_the_operators,
	    test_suspended_account_may_do_nothing,
	    test_settings_change_as_a_whole,
	    test_newer_rules_stop_the_follower, test_anchors_only_grow,
	    test_outcomes_are_a_tree, test_payment_is_proved_offline,
	    test_damaged_snapshot_is_refused,
	    test_genesis_is_checked, test_proposals_are_bounded,
	    test_batch_is_bounded, test_genesis_is_bounded,
	    test_memory_runs_out_anywhere,
	    test_log_holds_digests_only,
	    test_state_is_bounded_by_what_is_open};

	return fx_run(
	    "settlement", tests, sizeof(tests) / sizeof(tests[0]));
}
