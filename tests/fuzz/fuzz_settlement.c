/*
 * The settlement rules: the decoders on the bytes as they are, and a ledger
 * whose parties sign whatever the input says.  Money is neither made nor lost,
 * and what is saved is read back as it was.
 *
 * The input is a run of operations, each behind two bytes of length; for the
 * ledger they get its id and the key of their account.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include <cpnp/settlement.h>

#include "../../ledger-bridge/journal/internal.h"
#include "fuzz.h"

#define OPS_MAX 64
#define T0 1795248000

static const struct {
	const char *name;
	uint64_t roles;
} cast[] = {
    {"op", CPNP_ROLE_OPERATOR | CPNP_ROLE_MAINTAINER},
    {"bank", CPNP_ROLE_ISSUER},
    {"cust", CPNP_ROLE_CUSTOMER},
    {"prov", CPNP_ROLE_PROVIDER | CPNP_ROLE_NETWORK},
    {"broker", CPNP_ROLE_BROKER},
    {"audit", CPNP_ROLE_AUDITOR},
};
#define CAST_N (sizeof(cast) / sizeof(cast[0]))

static cpnp_verifier *verifier;
static cpnp_ledger_env env;
static cpnp_buf genesis;
static uint8_t id[CPNP_SHA256_LEN];

static int
believe(void *user, cpnp_bytes spki, int alg, cpnp_bytes bytes,
    cpnp_bytes signature)
{
	(void)user;
	(void)spki;
	(void)alg;
	(void)bytes;
	return signature.ptr[0] == 0 ? 0 : CPNP_ERR_SIGNATURE;
}

static void
prepare(void)
{
	cpnp_genesis_account accounts[CAST_N];
	cpnp_genesis_token token = {
	    CPNP_BYTES_LIT("bank"), CPNP_BYTES_LIT("EUR"), 2};
	cpnp_genesis g = {.name = CPNP_BYTES_LIT("fuzz"),
	    .salt = CPNP_BYTES_LIT("0123456789abcdef"),
	    .rules = 1,
	    .time = {T0},
	    .accounts = accounts,
	    .account_n = CAST_N,
	    .tokens = &token,
	    .token_n = 1};
	cpnp_bytes bytes;

	HOLDS(cpnp_verifier_new(&verifier) == 0);
	env = *cpnp_verifier_env(verifier);
	env.verify = believe;
	cpnp_settings_default(&g.settings);
	g.settings.fee_ppm = 3333;
	g.settings.pool_n = 1;
	g.settings.pools[0] =
	    (cpnp_pool){CPNP_BYTES_LIT("audit"), CPNP_PPM};
	for (size_t i = 0; i < CAST_N; i++)
		accounts[i] = (cpnp_genesis_account){
		    cpnp_bytes_str(cast[i].name), cast[i].roles,
		    cpnp_bytes_str(cast[i].name),
		    cpnp_bytes_str(cast[i].name)};
	cpnp_buf_init(&genesis, &ledger_mem, CPNP_GENESIS_MAX);
	HOLDS(cpnp_genesis_encode(&g, &genesis, NULL) == 0);
	bytes = cpnp_buf_bytes(&genesis);
	HOLDS(hash_once(&bytes, 1, id) == 0);
}

/* Whatever was decoded can be authorized, and is then what it asks for. */
static void
check_terms(const cpnp_terms *terms)
{
	uint8_t store[CPNP_OP_MAX], commitment[CPNP_SHA256_LEN];
	cpnp_bytes payer = CPNP_BYTES_LIT("cust");
	cpnp_wtime now = {T0};
	cpnp_buf buf;
	cpnp_op op;

	HOLDS(cpnp_terms_authorize(terms, &env.env, payer, id, NULL, 1, now,
	    commitment, &op) == 0);
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	HOLDS(cpnp_op_encode(&op, &buf, NULL) == 0);
	HOLDS(cpnp_op_decode(&op, cpnp_buf_bytes(&buf), NULL) == 0);
	HOLDS(cpnp_terms_check(
	    terms, &env.env, &op, payer, id, NULL, now, NULL) == 0);
}

static void
decode_all(cpnp_bytes input)
{
	cpnp_sla_terms sla;
	cpnp_terms terms;
	cpnp_settings settings;
	cpnp_outcome outcome;
	cpnp_payment payment;
	cpnp_ledger *ledger;
	cpnp_bytes payload;
	cpnp_diag diag;
	cpnp_buf buf;
	cpnp_op op;

	cpnp_buf_init(&buf, &ledger_mem, SIZE_MAX);
	if (cpnp_op_decode(&op, input, &diag) == 0) {
		HOLDS(cpnp_op_encode(&op, &buf, &diag) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), input));
	}
	cpnp_buf_reset(&buf);
	if (cpnp_sla_terms_decode(&sla, input) == 0) {
		HOLDS(cpnp_sla_terms_encode(&sla, &buf) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), input));
	}
	cpnp_buf_reset(&buf);
	if (cpnp_terms_decode(&terms, input, &diag) == 0) {
		HOLDS(cpnp_terms_encode(&terms, &buf, &diag) == 0);
		HOLDS(cpnp_bytes_equal(cpnp_buf_bytes(&buf), input));
		check_terms(&terms);
	}
	cpnp_buf_fini(&buf);
	(void)cpnp_settings_decode(&settings, input, &diag);
	(void)cpnp_outcome_decode(&outcome, input);
	(void)cpnp_op_payload(input, &payload);
	(void)cpnp_payment_verify(
	    &env, input, &(cpnp_bytes){id, sizeof(id)}, 1, &payment, &diag);
	if (cpnp_ledger_new(&ledger, &env, input, &diag) == 0)
		cpnp_ledger_del(ledger);
}

/* Any content under its true digest. */
static void
load(cpnp_bytes content)
{
	uint8_t digest[CPNP_SHA256_LEN];
	cpnp_ledger *ledger;
	cpnp_buf buf;

	HOLDS(hash_once(&content, 1, digest) == 0);
	cpnp_buf_init(&buf, &ledger_mem, SIZE_MAX);
	cpnp_cbor_put_array(&buf, 2);
	cpnp_cbor_put_bytes(&buf, content);
	cpnp_cbor_put_bytes(&buf, (cpnp_bytes){digest, sizeof(digest)});
	if (cpnp_ledger_load(&ledger, &env, cpnp_buf_bytes(&buf), NULL) == 0)
		cpnp_ledger_del(ledger);
	cpnp_buf_fini(&buf);
}

static void
apply(cpnp_ledger *ledger, cpnp_bytes batch)
{
	cpnp_ledger_info info;
	cpnp_log_entry entry;

	HOLDS(cpnp_ledger_get_info(ledger, &info) == 0);
	entry.position = info.position;
	memcpy(entry.prev, info.head, sizeof(entry.prev));
	entry.batch = batch;
	switch (cpnp_ledger_apply(ledger, &entry, NULL)) {
	case 0:
		return;
	case CPNP_ERR_VERSION: /* the input has changed the rules */
		HOLDS(info.rules_next > CPNP_RULES_VERSION);
		return;
	default:
		HOLDS(false);
	}
}

/* A batch of one, signed by the key that the account began with.  What it was
 * said to become it becomes. */
static void
apply_op(cpnp_ledger *ledger, cpnp_bytes payload)
{
	static const uint8_t signature[64];
	uint8_t kid[CPNP_SHA256_LEN], store[64];
	cpnp_buf protected, op_buf, batch;
	const cpnp_outcome *outcomes;
	cpnp_outcome asked;
	size_t at, n;
	bool asks;
	cpnp_op op;

	if (cpnp_op_decode(&op, payload, NULL) != 0)
		return;
	memcpy(op.ledger, id, sizeof(op.ledger));
	HOLDS(hash_once(&op.account, 1, kid) == 0);
	cpnp_buf_init_fixed(&protected, store, sizeof(store));
	cpnp_cbor_put_map(&protected, 2);
	cpnp_cbor_put_int(&protected, HDR_ALG);
	cpnp_cbor_put_int(&protected, ALG_EDDSA);
	cpnp_cbor_put_int(&protected, HDR_KID);
	cpnp_cbor_put_bytes(&protected, (cpnp_bytes){kid, sizeof(kid)});
	cpnp_buf_init(&op_buf, &ledger_mem, SIZE_MAX);
	HOLDS(cpnp_op_encode(&op, &op_buf, NULL) == 0);
	cpnp_buf_init(&batch, &ledger_mem, SIZE_MAX);
	cpnp_cbor_put_array(&batch, 1);
	at = batch.len;
	cpnp_cbor_put_tag(&batch, TAG_SIGN1);
	cpnp_cbor_put_array(&batch, 4);
	cpnp_cbor_put_bytes(&batch, cpnp_buf_bytes(&protected));
	cpnp_cbor_put_map(&batch, 0);
	cpnp_cbor_put_bytes(&batch, cpnp_buf_bytes(&op_buf));
	cpnp_cbor_put_bytes(&batch, (cpnp_bytes){signature, 64});
	HOLDS(batch.err == 0);
	asks = cpnp_ledger_check(ledger,
	    (cpnp_bytes){batch.ptr + at, batch.len - at}, &asked, NULL) == 0;
	apply(ledger, cpnp_buf_bytes(&batch));
	cpnp_ledger_outcomes(ledger, &outcomes, &n);
	HOLDS(!asks || (n > 0 && outcomes[0].code == asked.code &&
	    outcomes[0].amount == asked.amount));
	cpnp_buf_fini(&op_buf);
	cpnp_buf_fini(&batch);
}

struct sum {
	cpnp_bytes issuer, code;
	int64_t amount;
};

static int
add_balance(void *user, const cpnp_balance *balance)
{
	struct sum *sum = user;

	HOLDS(balance->free >= 0 && balance->held >= 0);
	if (cpnp_bytes_equal(balance->issuer, sum->issuer) &&
	    cpnp_bytes_equal(balance->code, sum->code))
		sum->amount += balance->free + balance->held;
	return 0;
}

static int
check_supply(void *user, const cpnp_token_view *token)
{
	struct sum sum = {token->issuer, token->code, 0};

	HOLDS(cpnp_ledger_each_balance(
	    user, CPNP_BYTES_NONE, add_balance, &sum) == 0);
	HOLDS(sum.amount == token->supply);
	return 0;
}

static void
check_ledger(cpnp_ledger *ledger)
{
	uint8_t root[CPNP_SHA256_LEN], again[CPNP_SHA256_LEN];
	cpnp_ledger *other;
	cpnp_buf buf;

	HOLDS(cpnp_ledger_each_token(ledger, check_supply, ledger) == 0);
	cpnp_buf_init(&buf, &ledger_mem, SIZE_MAX);
	HOLDS(cpnp_ledger_save(ledger, &buf) == 0);
	HOLDS(cpnp_ledger_load(
	    &other, &env, cpnp_buf_bytes(&buf), NULL) == 0);
	HOLDS(cpnp_ledger_root(ledger, root) == 0);
	HOLDS(cpnp_ledger_root(other, again) == 0);
	HOLDS(memcmp(root, again, sizeof(root)) == 0);
	cpnp_ledger_del(other);
	cpnp_buf_fini(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cpnp_ledger *ledger;
	size_t at = 0, len, n;

	if (verifier == NULL)
		prepare();
	decode_all((cpnp_bytes){data, size});
	load((cpnp_bytes){data, size});
	HOLDS(cpnp_ledger_new(
	    &ledger, &env, cpnp_buf_bytes(&genesis), NULL) == 0);
	apply(ledger, (cpnp_bytes){data, size});
	for (n = 0; n < OPS_MAX && at + 2 <= size; n++) {
		len = (size_t)data[at] << 8 | data[at + 1];
		at += 2;
		len = len < size - at ? len : size - at;
		apply_op(ledger, (cpnp_bytes){data + at, len});
		at += len;
	}
	check_ledger(ledger);
	cpnp_ledger_del(ledger);
	return 0;
}
