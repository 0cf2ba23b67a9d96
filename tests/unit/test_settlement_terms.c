/*
 * Terms of settlement: as bytes, what they make of an authorization, what is
 * held against them, and what the ledger says of an operation before it is
 * brought.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

static const uint8_t order_1[CPNP_SHA256_LEN] = {1};
static const uint8_t order_2[CPNP_SHA256_LEN] = {2};
static uint8_t store[CPNP_TERMS_MAX + 64];
static uint8_t sla_store[CPNP_SLA_TERMS_MAX];
static uint8_t commitment[CPNP_SHA256_LEN];
static cpnp_diag diag;

static cpnp_terms
least(void)
{
	cpnp_terms t = {.payee = w.actors[PROV].name,
	    .issuer = w.actors[BANK].name,
	    .code = CPNP_BYTES_LIT("EUR"),
	    .exponent = 2,
	    .amount = 3000,
	    .duration = DAY,
	    .escrow_seconds = HOUR};

	memcpy(t.ledger, w.id, sizeof(t.ledger));
	return t;
}

static cpnp_terms
full(void)
{
	cpnp_terms t = least();
	cpnp_sla_terms sla = {.metric_n = 1, .cap_ppm = 500000};
	cpnp_buf buf;

	sla.metrics[0] = (cpnp_sla_metric){10000, false, 60, 1000};
	cpnp_buf_init_fixed(&buf, sla_store, sizeof(sla_store));
	ck_assert_int_eq(cpnp_sla_terms_encode(&sla, &buf), 0);
	t.has_start = true;
	t.start.sec = T0 + HOUR;
	t.claim_seconds = HOUR;
	t.idle_paid = true;
	t.sla = cpnp_buf_bytes(&buf);
	t.sla_salt = CPNP_BYTES_LIT("0123456789abcdef");
	t.publisher = w.actors[PROV].name;
	t.offer = CPNP_BYTES_LIT("gold");
	t.set = (cpnp_bytes){order_2, CPNP_SHA256_LEN};
	return t;
}

static cpnp_bytes
encoded(const cpnp_terms *t)
{
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_msg(cpnp_terms_encode(t, &buf, &diag) == 0, "%s: %s",
	    diag.where, diag.why);
	return cpnp_buf_bytes(&buf);
}

static int
encode_error(const cpnp_terms *t)
{
	cpnp_buf buf;

	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	return cpnp_terms_encode(t, &buf, &diag);
}

START_TEST(test_terms_round_trip)
{
	cpnp_terms t = full(), back;
	uint8_t copy[CPNP_TERMS_MAX];
	cpnp_bytes bytes = encoded(&t), again;

	ck_assert_uint_eq(bytes.ptr[0], 0xb0); /* a map of 16 */
	memcpy(copy, bytes.ptr, bytes.len);
	ck_assert_int_eq(cpnp_terms_decode(&back,
	    (cpnp_bytes){copy, bytes.len}, &diag), 0);
	again = encoded(&back);
	ck_assert_uint_eq(again.len, bytes.len);
	ck_assert_mem_eq(again.ptr, copy, bytes.len);
	ck_assert(back.has_start && back.idle_paid);
	ck_assert_int_eq(back.start.sec, t.start.sec);
	ck_assert(cpnp_bytes_equal(back.sla, t.sla));
	ck_assert(cpnp_bytes_equal(back.offer, t.offer));
	for (size_t len = 0; len < bytes.len; len++)
		ck_assert(cpnp_error_is_peer(cpnp_terms_decode(
		    &back, (cpnp_bytes){copy, len}, &diag)));

	t = least();
	bytes = encoded(&t);
	ck_assert_uint_eq(bytes.ptr[0], 0xa8); /* of 8 */
	ck_assert_int_eq(cpnp_terms_decode(&back, bytes, &diag), 0);
	ck_assert(!back.has_start && !back.idle_paid);
	ck_assert_uint_eq(back.claim_seconds, 0);
	ck_assert_uint_eq(back.sla.len + back.offer.len + back.set.len, 0);
}
END_TEST

#define WRONG(member, value, field)                                            \
	do {                                                                   \
		cpnp_terms t_ = full();                                        \
		t_.member = value;                                             \
		ck_assert_int_eq(encode_error(&t_), CPNP_ERR_INVALID);         \
		ck_assert_str_eq(diag.where, field);                           \
	} while (0)
#define RIGHT(member, value)                                                   \
	do {                                                                   \
		cpnp_terms t_ = full();                                        \
		t_.member = value;                                             \
		(void)encoded(&t_);                                            \
	} while (0)

START_TEST(test_terms_limits)
{
	static uint8_t many[CPNP_ACCOUNT_MAX + 1];
	const cpnp_bytes name = {many, CPNP_ACCOUNT_MAX};
	const cpnp_bytes name_long = {many, CPNP_ACCOUNT_MAX + 1};
	cpnp_terms back;

	memset(many, 'a', sizeof(many));
	RIGHT(payee, name);
	WRONG(payee, name_long, "payee");
	WRONG(payee, CPNP_BYTES_NONE, "payee");
	WRONG(payee, CPNP_BYTES_LIT("a b"), "payee");
	WRONG(issuer, name_long, "issuer");
	RIGHT(code, CPNP_BYTES_LIT("ABCDEFGHIJK9"));
	WRONG(code, CPNP_BYTES_LIT("ABCDEFGHIJKL9"), "code");
	WRONG(code, CPNP_BYTES_LIT("eur"), "code");
	RIGHT(exponent, CPNP_TOKEN_EXPONENT_MAX);
	WRONG(exponent, CPNP_TOKEN_EXPONENT_MAX + 1, "exponent");
	RIGHT(amount, INT64_MAX);
	WRONG(amount, 0, "amount");
	WRONG(amount, -1, "amount");
	RIGHT(start.sec, CPNP_WTIME_MAX);
	WRONG(start.sec, CPNP_WTIME_MAX + 1, "start");
	WRONG(start.sec, -1, "start");
	RIGHT(duration, CPNP_SERVICE_SECONDS_MAX);
	WRONG(duration, CPNP_SERVICE_SECONDS_MAX + 1, "duration");
	WRONG(duration, 0, "duration");
	RIGHT(claim_seconds, CPNP_CLAIM_SECONDS_MAX);
	WRONG(claim_seconds, CPNP_CLAIM_SECONDS_MAX + 1, "claim seconds");
	WRONG(sla, CPNP_BYTES_LIT("x"), "service level terms");
	WRONG(sla, CPNP_BYTES_NONE, "service level terms");
	WRONG(sla_salt, CPNP_BYTES_NONE, "salt");
	WRONG(sla_salt, CPNP_BYTES_LIT("0123456789abcde"), "salt");
	WRONG(sla_salt, CPNP_BYTES_LIT("0123456789abcdef0"), "salt");
	RIGHT(escrow_seconds, CPNP_OP_LIFE_MAX);
	WRONG(escrow_seconds, CPNP_OP_LIFE_MAX + 1, "escrow seconds");
	WRONG(escrow_seconds, 0, "escrow seconds");
	WRONG(publisher, CPNP_BYTES_NONE, "publisher");
	WRONG(publisher, name_long, "publisher");
	WRONG(offer, CPNP_BYTES_NONE, "offer");
	RIGHT(offer, ((cpnp_bytes){many, CPNP_OFFER_ID_MAX}));
	WRONG(offer, ((cpnp_bytes){many, CPNP_OFFER_ID_MAX + 1}), "offer");
	WRONG(set, ((cpnp_bytes){many, CPNP_SHA256_LEN - 1}), "commit set");

	memset(store, 0, sizeof(store));
	ck_assert_int_eq(cpnp_terms_decode(&back,
	    (cpnp_bytes){store, CPNP_TERMS_MAX + 1}, &diag),
	    CPNP_ERR_TOO_LONG);
	ck_assert_int_ne(cpnp_terms_decode(&back,
	    (cpnp_bytes){store, CPNP_TERMS_MAX}, &diag), CPNP_ERR_TOO_LONG);
}
END_TEST

/* What says what its absence says, an unknown key, no end. */
START_TEST(test_terms_have_one_form)
{
	cpnp_terms t = least(), back;
	uint8_t bytes[CPNP_TERMS_MAX];
	size_t len, at;

	t.idle_paid = true;
	t.claim_seconds = 1;
	len = encoded(&t).len;
	memcpy(bytes, store, len);
	for (at = 0; !(bytes[at] == 9 && bytes[at + 1] == 1 &&
	    bytes[at + 2] == 10); at++)
		;
	bytes[at + 1] = 0;
	ck_assert_int_eq(cpnp_terms_decode(&back,
	    (cpnp_bytes){bytes, len}, &diag), CPNP_ERR_RANGE);
	ck_assert_str_eq(diag.where, "claim seconds");
	bytes[at + 1] = 1;
	bytes[at + 3] = 0xf4; /* false */
	ck_assert_int_eq(cpnp_terms_decode(&back,
	    (cpnp_bytes){bytes, len}, &diag), CPNP_ERR_RANGE);
	ck_assert_str_eq(diag.where, "idle paid");
	bytes[at + 3] = 0xf5;
	bytes[len] = 0;
	ck_assert_int_eq(cpnp_terms_decode(&back,
	    (cpnp_bytes){bytes, len + 1}, &diag), CPNP_ERR_TRAILING);
	bytes[0]++;
	bytes[len] = 17;
	bytes[len + 1] = 0;
	ck_assert_int_eq(cpnp_terms_decode(&back,
	    (cpnp_bytes){bytes, len + 2}, &diag), CPNP_ERR_ATTR_UNEXPECTED);
}
END_TEST

/* The key of all that the page and the schema list. */
START_TEST(test_terms_are_published)
{
	static const char *const names[] = {"ledger", "payee", "issuer",
	    "code", "exponent", "amount", "start", "duration", "claim seconds",
	    "idle paid", "terms", "salt", "escrow seconds", "publisher",
	    "offer", "commit set"};
	char *schema = unit_slurp("schemas/settlement.cddl");
	char *rule = strstr(schema, "settlement-terms = {"), *end, key[32];
	char *page = unit_slurp("man/cpnp-settlement.7");

	ck_assert_ptr_nonnull(rule);
	end = strstr(rule, "\n}");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(key, sizeof(key), "%zu => ", i + 1);
		ck_assert_msg(strstr(rule, key) != NULL, "%s", key);
		ck_assert_msg(strstr(page, names[i]) != NULL, "%s", names[i]);
	}
	ck_assert_ptr_null(strstr(rule, "17 => "));
	free(schema);
	free(page);
}
END_TEST

/* The numbers of the metrics are those of the page. */
START_TEST(test_metrics_are_published)
{
	char *page = unit_slurp("man/cpnp-settlement.7"), line[128];

#define ON_PAGE(name, place, floor, text, unit)                                \
	(void)snprintf(line, sizeof(line), ".It %d Ta %s Ta %s Ta at %s\n",    \
	    place, text, strcmp(unit, "us") == 0 ? "microseconds"              \
						 : "millionths",              \
	    floor ? "least" : "most");                                         \
	ck_assert_msg(strstr(page, line) != NULL, "%s", line);
	CPNP_SLA_METRIC_MAP(ON_PAGE)
#undef ON_PAGE
	free(page);
}
END_TEST

/* ---- Authorizations ---- */

static cpnp_op
authorize(const cpnp_terms *t, const uint8_t *order, const uint8_t *replaces)
{
	cpnp_op op;

	ck_assert_int_eq(cpnp_terms_authorize(t, &w.env->env,
	    w.actors[CUST].name, order, replaces, 100,
	    (cpnp_wtime){fx_now()}, commitment, &op), 0);
	return op;
}

static int
check(const cpnp_terms *t, const cpnp_op *op, int64_t now)
{
	memset(&diag, 0, sizeof(diag));
	return cpnp_terms_check(t, &w.env->env, op, w.actors[CUST].name,
	    order_1, NULL, (cpnp_wtime){now}, &diag);
}

/* 3: one agreement is paid at most once. */
START_TEST(test_authorization_opens_the_escrow)
{
	cpnp_terms t = full();
	uint8_t id[CPNP_SHA256_LEN], want[CPNP_SHA256_LEN];
	cpnp_escrow_view view;
	cpnp_op op;

	t.publisher = t.offer = t.set = CPNP_BYTES_NONE;
	fx_mint(CUST, 10000);
	op = authorize(&t, order_1, NULL);
	ck_assert_int_eq(check(&t, &op, T0), 0);
	OK(op, CUST);
	memcpy(id, w.digest, sizeof(id));
	view = fx_view(id);
	ck_assert_int_eq(view.amount, 3000);
	ck_assert_mem_eq(view.order, order_1, CPNP_SHA256_LEN);
	ck_assert_int_eq(view.expiry.sec, T0 + HOUR);
	ck_assert_int_eq(cpnp_sla_commitment(
	    &w.env->env, t.sla_salt, t.sla, want), 0);
	ck_assert_mem_eq(op.sla.ptr, want, sizeof(want));
	fx_time(T0 + 60);
	op = authorize(&t, order_1, NULL);
	REFUSED(op, CUST, DUPLICATE);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	/* the UPDATE of the same service */
	t.has_start = false;
	op = authorize(&t, order_2, id);
	ck_assert_int_eq(cpnp_terms_check(&t, &w.env->env, &op,
	    CPNP_BYTES_NONE, order_2, id, (cpnp_wtime){T0 + 60}, &diag), 0);
	ck_assert_int_eq(cpnp_terms_check(&t, &w.env->env, &op,
	    CPNP_BYTES_NONE, order_2, NULL, (cpnp_wtime){T0 + 60}, &diag),
	    CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "replaces");
	OK(op, CUST);
	memcpy(id, w.digest, sizeof(id));
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	ck_assert(fx_view(id).state == CPNP_ESCROW_POSTED);
}
END_TEST

#define DIFFERS(member, value, field)                                          \
	do {                                                                   \
		cpnp_op op_ = authorize(&t, order_1, NULL);                    \
		op_.member = value;                                            \
		ck_assert_int_eq(check(&t, &op_, T0), CPNP_ERR_MISMATCH);      \
		ck_assert_str_eq(diag.where, field);                           \
	} while (0)

START_TEST(test_authorization_gives_what_is_asked)
{
	const cpnp_bytes other = {order_2, CPNP_SHA256_LEN};
	cpnp_terms t = full();
	cpnp_op op = authorize(&t, order_1, NULL);

	ck_assert_int_eq(check(&t, &op, T0), 0);
	DIFFERS(type, CPNP_OP_TRANSFER, "type");
	DIFFERS(ledger[0], (uint8_t)~w.id[0], "ledger");
	DIFFERS(account, w.actors[SUPP].name, "account");
	DIFFERS(idem, other, "idempotency key");
	DIFFERS(idem, CPNP_BYTES_LIT("once"), "idempotency key");
	DIFFERS(peer, w.actors[SUPP].name, "peer");
	DIFFERS(issuer, w.actors[SUPP].name, "issuer");
	DIFFERS(code, CPNP_BYTES_LIT("USD"), "code");
	DIFFERS(amount, 2999, "amount");
	DIFFERS(order, other, "order digest");
	DIFFERS(set, CPNP_BYTES_NONE, "commit set");
	DIFFERS(replaces, other, "replaces");
	DIFFERS(start, T0 + HOUR + 1, "start");
	DIFFERS(has, op.has & ~CPNP_OP_FIELD_BIT(START), "start");
	DIFFERS(duration, 1, "duration");
	DIFFERS(claim_seconds, 0, "claim seconds");
	DIFFERS(idle_paid, false, "idle paid");
	DIFFERS(sla, other, "service level commitment");
	DIFFERS(publisher, w.actors[SUPP].name, "publisher");
	DIFFERS(offer, CPNP_BYTES_LIT("lead"), "offer");
	/* a claim time of none may be said */
	t.claim_seconds = 0;
	op = authorize(&t, order_1, NULL);
	CPNP_OP_SET(&op, CLAIM_SECONDS, claim_seconds, 0);
	ck_assert_int_eq(check(&t, &op, T0), 0);
	op.fee_max = 0; /* for the ledger to judge */
	ck_assert_int_eq(check(&t, &op, T0), 0);
}
END_TEST

START_TEST(test_authorization_leaves_time)
{
	cpnp_terms t = least();
	cpnp_op op = authorize(&t, order_1, NULL);

	ck_assert_int_eq(check(&t, &op, T0 + HOUR / 2), 0);
	ck_assert_int_eq(check(&t, &op, T0 + HOUR / 2 + 1),
	    CPNP_ERR_MISMATCH);
	op.until += HOUR / 2;
	ck_assert_int_eq(check(&t, &op, T0 + HOUR / 2 + 1),
	    CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "expiry");
	op.expiry += HOUR / 2;
	ck_assert_int_eq(check(&t, &op, T0 + HOUR / 2 + 1), 0);
	/* nor does it spend a key of the payee for days */
	ck_assert_int_eq(check(&t, &op, T0), 0);
	op.until++;
	ck_assert_int_eq(check(&t, &op, T0), CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "until");
	op.until--;
	op.expiry++;
	ck_assert_int_eq(check(&t, &op, T0), CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "expiry");
	op.until = T0 + HOUR / 2;
	ck_assert_int_eq(check(&t, &op, T0 + HOUR / 2), CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.where, "until");
	op.until = 0;
	ck_assert_int_eq(check(&t, &op, T0), CPNP_ERR_MISMATCH);
	ck_assert_int_eq(check(&t, &op, CPNP_WTIME_MAX), CPNP_ERR_INVALID);
	ck_assert_int_eq(check(&t, &op, -1), CPNP_ERR_INVALID);
}
END_TEST

START_TEST(test_terms_ask_for_the_cost)
{
	cpnp_terms t = least();
	cpnp_money cost = {.amount = 3000, .code = CPNP_BYTES_LIT("EUR"),
	    .exponent = 2};

	ck_assert_int_eq(cpnp_terms_check_cost(&t, &cost, &diag), 0);
	cost.issuer = CPNP_BYTES_LIT("bank");
	ck_assert_int_eq(cpnp_terms_check_cost(&t, &cost, &diag), 0);
	cost.issuer = CPNP_BYTES_LIT("other");
	ck_assert_int_eq(cpnp_terms_check_cost(&t, &cost, NULL),
	    CPNP_ERR_MISMATCH);
	cost.issuer = CPNP_BYTES_NONE;
	cost.exponent = 1;
	ck_assert_int_eq(cpnp_terms_check_cost(&t, &cost, &diag),
	    CPNP_ERR_MISMATCH);
	ck_assert_str_eq(diag.why, "the settlement terms ask for 30.00 EUR of "
	    "bank, the offer costs 300.0 EUR");
	cost.exponent = 2;
	cost.code = CPNP_BYTES_LIT("USD");
	ck_assert_int_eq(cpnp_terms_check_cost(&t, &cost, &diag),
	    CPNP_ERR_MISMATCH);
	cost.code = t.code;
	cost.amount = 2999;
	ck_assert_int_eq(cpnp_terms_check_cost(&t, &cost, &diag),
	    CPNP_ERR_MISMATCH);
}
END_TEST

/* ---- What would become of it ---- */

static void
says(const cpnp_op *op, const cpnp_signer *signer, const char *code,
    const char *why)
{
	cpnp_buf item = fx_sign(op, signer);
	cpnp_outcome outcome = fx_ask(cpnp_buf_bytes(&item), &diag);

	ck_assert_str_eq(cpnp_outcome_name(outcome.code), code);
	ck_assert_str_eq(diag.where, code);
	ck_assert_str_eq(diag.why, why);
	ck_assert_int_eq(diag.err, CPNP_ERR_FORBIDDEN);
	cpnp_buf_fini(&item);
}

START_TEST(test_question_is_answered_with_numbers)
{
	const cpnp_signer *cust = &w.actors[CUST].signer;
	cpnp_op good, op;
	cpnp_outcome outcome;

	fx_mint(CUST, 1200);
	good = fx_authorize(CUST, PROV, 3000);
	says(&good, cust, "FUNDS",
	    "cust has 12.00 EUR free, 30.00 EUR needed");
	good.amount = 1000;
	op = good;
	op.amount = 0;
	says(&op, cust, "AMOUNT",
	    "0.00 EUR is not from one unit to 23058430092136939.51 EUR");
	op = good;
	op.peer = CPNP_BYTES_LIT("nobody");
	says(&op, cust, "PEER", "nobody is no account of this ledger");
	op.peer = w.actors[AUDIT].name;
	says(&op, cust, "PEER",
	    "audit cannot be the other account of this");
	op = good;
	op.code = CPNP_BYTES_LIT("XYZ");
	says(&op, cust, "TOKEN", "there is no token XYZ of bank");
	op = good;
	op.account = CPNP_BYTES_LIT("nobody");
	says(&op, cust, "ACCOUNT", "nobody is no account of this ledger");
	says(&good, &w.actors[SUPP].signer, "KEY",
	    "the key that has signed is not one of cust at position 2");
	op = good;
	op.expiry = T0;
	says(&op, cust, "EXPIRED", "expired 2026-11-21T08:00:00Z; the "
	    "ledger's time is 2026-11-21T08:00:00Z");
	op.expiry = T0 + DAY + 1;
	says(&op, cust, "LIFE", "expires 2026-11-22T08:00:01Z, more than "
	    "86400 seconds after the ledger's time, 2026-11-21T08:00:00Z");
	op = good;
	op.until = T0;
	says(&op, cust, "TIME", "a time is out of its bounds; the ledger's "
	    "is 2026-11-21T08:00:00Z");
	ck_assert_uint_eq(fx_ask(CPNP_BYTES_LIT("x"), &diag).code,
	    CPNP_OUTCOME_MALFORMED);
	ck_assert_str_eq(diag.where, "MALFORMED");
	ck_assert_int_eq(cpnp_ledger_check(
	    w.ledger, CPNP_BYTES_LIT("x"), &outcome, NULL), 0);
	OK(good, CUST);
}
END_TEST

START_TEST(test_question_names_the_fee)
{
	cpnp_settings settings;
	cpnp_op op;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.fee_ppm = 10000;
	settings.pool_n = 1;
	settings.pools[0] = (cpnp_pool){CPNP_BYTES_LIT("pool"), CPNP_PPM};
	fx_start(&settings);
	fx_mint(CUST, 3010);
	op = fx_authorize(CUST, PROV, 3000);
	op.fee_max = 29;
	says(&op, &w.actors[CUST].signer, "FEE",
	    "the fee is 0.30 EUR, the payer's limit is 0.29 EUR");
	op.fee_max = 30;
	says(&op, &w.actors[CUST].signer, "FUNDS",
	    "cust has 30.10 EUR free, 30.30 EUR needed");
}
END_TEST

/* A signature that was looked at is not looked at again, nor believed of
 * other bytes. */
START_TEST(test_question_costs_the_signature)
{
	cpnp_op op;
	cpnp_buf item;
	uint8_t *last;

	fx_mint(CUST, 5000);
	op = fx_authorize(CUST, PROV, 1000);
	item = fx_sign(&op, &w.actors[CUST].signer);
	last = &item.ptr[item.len - 1];
	*last ^= 1;
	ck_assert_uint_eq(fx_ask(cpnp_buf_bytes(&item), &diag).code,
	    CPNP_OUTCOME_SIGNATURE);
	ck_assert_uint_eq(fx_ask(cpnp_buf_bytes(&item), &diag).code,
	    CPNP_OUTCOME_SIGNATURE);
	*last ^= 1;
	ck_assert_uint_eq(fx_ask(cpnp_buf_bytes(&item), &diag).code,
	    CPNP_OUTCOME_ACCEPTED);
	*last ^= 1;
	ck_assert_uint_eq(fx_ask(cpnp_buf_bytes(&item), &diag).code,
	    CPNP_OUTCOME_SIGNATURE);
	cpnp_buf_fini(&item);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_terms_round_trip, test_terms_limits,
	    test_terms_have_one_form, test_terms_are_published, test_metrics_are_published,
	    test_authorization_opens_the_escrow,
	    test_authorization_gives_what_is_asked,
	    test_authorization_leaves_time, test_terms_ask_for_the_cost,
	    test_question_is_answered_with_numbers,
	    test_question_names_the_fee, test_question_costs_the_signature};

	return fx_run("settlement terms", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
