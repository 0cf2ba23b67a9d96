/*
 * Service levels: claims, objections, auditors, credits (U5, U9, U21, Y20,
 * N14).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

enum { DELAY, AVAILABILITY };

#define PINCH CPNP_BYTES_LIT("sixteen bytes...")
#define AMOUNT 100000
#define OBJECT_SECONDS 600
#define AUDIT_SECONDS 1200

static uint8_t id[CPNP_SHA256_LEN], claim_id[CPNP_SHA256_LEN];
static uint8_t terms_store[CPNP_SLA_TERMS_MAX];
static cpnp_bytes terms;

static const cpnp_sla_terms base = {
    .metrics = {{20000, false, 300, 10000}, {999000, true, HOUR, 50000}},
    .metric_n = 2,
    .cap_ppm = 300000,
    .object_seconds = OBJECT_SECONDS,
    .audit_seconds = AUDIT_SECONDS};

/* A posted escrow of one day with these terms; the day begins now. */
static void
begin(const cpnp_sla_terms *sla, uint64_t claim_seconds)
{
	uint8_t commitment[CPNP_SHA256_LEN];
	cpnp_buf buf;
	cpnp_op op;

	cpnp_buf_init_fixed(&buf, terms_store, sizeof(terms_store));
	ck_assert_int_eq(cpnp_sla_terms_encode(sla, &buf), 0);
	terms = cpnp_buf_bytes(&buf);
	ck_assert_int_eq(cpnp_sla_commitment(
	    &w.env->env, PINCH, terms, commitment), 0);
	fx_mint(CUST, AMOUNT);
	op = fx_authorize(CUST, PROV, AMOUNT);
	op.sla = (cpnp_bytes){commitment, sizeof(commitment)};
	op.claim_seconds = claim_seconds;
	HAVE(op, SLA), HAVE(op, CLAIM_SECONDS);
	fx_escrow(&op, CUST, PROV, true, id);
}

/* The last seconds were bad. */
static cpnp_op
claim(uint64_t metric, int64_t seconds, uint64_t value)
{
	cpnp_op op = fx_about(CPNP_OP_CLAIM, CUST, id);

	op.salt = PINCH;
	op.terms = terms;
	op.metric = metric;
	op.to = fx_now();
	op.from = op.to - seconds;
	op.value = value;
	HAVE(op, SALT), HAVE(op, TERMS), HAVE(op, METRIC);
	HAVE(op, FROM), HAVE(op, TO), HAVE(op, VALUE);
	return op;
}

static void
claim_ok(uint64_t metric, int64_t seconds, uint64_t value, int64_t credit)
{
	cpnp_op op = claim(metric, seconds, value);

	OK(op, CUST);
	memcpy(claim_id, w.digest, sizeof(claim_id));
	ck_assert_int_eq(fx_outcome(0).amount, credit);
}

static void
audit(bool upheld)
{
	cpnp_op op = fx_about(CPNP_OP_AUDIT, AUDIT, claim_id);

	op.upheld = upheld;
	HAVE(op, UPHELD);
	OK(op, AUDIT);
}

START_TEST(test_silence_is_consent)
{
	cpnp_claim_view view;
	cpnp_rating rating;
	int64_t start;

	begin(&base, 0);
	start = fx_now();
	fx_time(start + HOUR);
	/* three windows of 300 s are spanned or begun */
	claim_ok(DELAY, 601, 20001, 3000);
	ck_assert_int_eq(cpnp_ledger_get_claim(w.ledger, claim_id, &view), 0);
	ck_assert_int_eq(view.state, CPNP_CLAIM_OPEN);
	fx_snapshot();
	fx_time(start + HOUR + OBJECT_SECONDS);
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_UPHELD, claim_id), 3000);
	ck_assert_int_eq(fx_view(id).credits, 3000);
	ck_assert_int_eq(cpnp_ledger_get_rating(
	    w.ledger, w.actors[PROV].name, &rating), 0);
	ck_assert_int_eq(rating.lines[CPNP_RATING_BREACHES].points, -40);
	fx_time(start + DAY);
	ck_assert_int_eq(
	    fx_event(CPNP_FACT_SETTLED, id), AMOUNT - 3000);
	HAS_FREE(CUST, 3000);
	HAS_FREE(PROV, AMOUNT - 3000);
}
END_TEST

START_TEST(test_both_ends_sign)
{
	begin(&base, 0);
	fx_time(fx_now() + HOUR);
	claim_ok(AVAILABILITY, HOUR, 998999, 5000);
	ABOUT_REFUSED(CONFIRM, SUPP, claim_id, PARTY);
	ABOUT_REFUSED(CONFIRM, PROV, id, UNKNOWN);
	ABOUT_OK(CONFIRM, PROV, claim_id);
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_UPHELD, claim_id), 5000);
	ABOUT_REFUSED(CONFIRM, PROV, claim_id, STATE);
	ABOUT_REFUSED(OBJECT, PROV, claim_id, STATE);
}
END_TEST

START_TEST(test_claim_is_checked)
{
	cpnp_op op;

	begin(&base, 0);
	op = claim(DELAY, 0, 30000);
	REFUSED(op, CUST, TIME); /* no time at all */
	op = claim(DELAY, 60, 30000);
	REFUSED(op, CUST, TIME); /* before the service */
	fx_time(fx_now() + HOUR);
	op = claim(DELAY, 300, 30000);
	op.to++;
	REFUSED(op, CUST, TIME); /* in the future */
	op = claim(DELAY, 300, 20000);
	REFUSED(op, CUST, NO_BREACH);
	op = claim(AVAILABILITY, 300, 999000);
	REFUSED(op, CUST, NO_BREACH);
	op = claim(2, 300, 30000);
	REFUSED(op, CUST, COMMITMENT);
	op = claim(DELAY, 300, 30000);
	op.salt = CPNP_BYTES_LIT("sixteen bytes!!!");
	REFUSED(op, CUST, COMMITMENT);
	op = claim(DELAY, 300, 30000);
	op.account = w.actors[PROV].name;
	REFUSED(op, PROV, PARTY);
	claim_ok(DELAY, 300, 30000, 1000);
	op = claim(DELAY, 301, 30000);
	REFUSED(op, CUST, OVERLAP);
	claim_ok(AVAILABILITY, 300, 1, 5000); /* another metric */
	/* one that has committed to nothing */
	fx_mint(CUST, 10);
	op = fx_authorize(CUST, PROV, 10);
	fx_escrow(&op, CUST, PROV, true, id);
	fx_time(fx_now() + HOUR);
	op = claim(DELAY, 300, 30000);
	REFUSED(op, CUST, COMMITMENT);
}
END_TEST

START_TEST(test_claims_are_bounded)
{
	cpnp_sla_terms sla = base;
	cpnp_op op;
	int i;

	sla.metrics[DELAY].credit_ppm = 100;
	sla.metrics[DELAY].window = 10;
	begin(&sla, 0);
	for (i = 0; i < CPNP_ESCROW_CLAIMS_MAX; i++) {
		fx_time(fx_now() + 10);
		claim_ok(DELAY, 10, 30000, 10);
	}
	fx_time(fx_now() + 10);
	op = claim(DELAY, 10, 30000);
	REFUSED(op, CUST, LIMIT);
}
END_TEST

START_TEST(test_credits_have_a_cap)
{
	cpnp_op op;

	begin(&base, 0);
	fx_time(fx_now() + 8 * HOUR);
	claim_ok(DELAY, 4 * HOUR, 30000, 30000); /* 48 windows, and the cap */
	op = claim(AVAILABILITY, HOUR, 1);
	REFUSED(op, CUST, AMOUNT);
	fx_time(fx_now() + OBJECT_SECONDS);
	fx_time(fx_now() + HOUR);
	ABOUT_OK(WITHDRAW, CUST, id);
	HAS_FREE(PROV, (int64_t)AMOUNT * (9 * HOUR + OBJECT_SECONDS) / DAY -
	    30000);
	/* and no more than is owed at all: one hour, a part of it disputed */
	begin(&base, 0);
	fx_time(fx_now() + HOUR);
	claim_ok(AVAILABILITY, HOUR, 1, 5000);
	ABOUT_OK(WITHDRAW, CUST, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 0);
	ck_assert_int_eq(fx_view(id).locked, AMOUNT / 24);
}
END_TEST

START_TEST(test_objection_waits_for_the_auditor)
{
	cpnp_sla_terms sla = base;
	cpnp_op op;

	sla.auditor = w.actors[AUDIT].name;
	begin(&sla, 0);
	fx_time(fx_now() + HOUR);
	claim_ok(DELAY, 300, 30000, 1000);
	op = fx_about(CPNP_OP_AUDIT, AUDIT, claim_id);
	HAVE(op, UPHELD);
	REFUSED(op, AUDIT, STATE); /* nobody has objected */
	ABOUT_OK(OBJECT, PROV, claim_id);
	ABOUT_REFUSED(OBJECT, PROV, claim_id, STATE);
	fx_snapshot();
	op = fx_about(CPNP_OP_AUDIT, PROV, claim_id);
	HAVE(op, UPHELD);
	REFUSED(op, PROV, ROLE);
	audit(false);
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_REJECTED, claim_id), 1000);
	ck_assert_int_eq(fx_view(id).credits, 0);
	/* what was decided is not claimed again */
	op = claim(DELAY, 300, 30000);
	REFUSED(op, CUST, OVERLAP);
	fx_time(fx_now() + HOUR);
	claim_ok(DELAY, 300, 30000, 1000);
	ABOUT_OK(OBJECT, PROV, claim_id);
	audit(true);
	ck_assert_int_eq(fx_view(id).credits, 1000);
	fx_time(fx_now() + HOUR);
	claim_ok(DELAY, 300, 30000, 1000);
	ABOUT_OK(OBJECT, PROV, claim_id);
	ABOUT_OK(CONFIRM, PROV, claim_id); /* gives in */
	ck_assert_int_eq(fx_view(id).credits, 2000);
}
END_TEST

/* Nobody holds the money up by silence: the terms have a default. */
START_TEST(test_default_decides_at_the_deadline)
{
	cpnp_sla_terms sla = base;

	begin(&sla, 0);
	fx_time(fx_now() + HOUR);
	claim_ok(DELAY, 300, 30000, 1000);
	ABOUT_OK(OBJECT, PROV, claim_id);
	fx_time(fx_now() + AUDIT_SECONDS);
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_REJECTED, claim_id), 1000);
	ABOUT_OK(WITHDRAW, CUST, id);
	sla.default_upheld = true;
	begin(&sla, 0);
	fx_time(fx_now() + HOUR);
	claim_ok(DELAY, 300, 30000, 1000);
	ABOUT_OK(OBJECT, PROV, claim_id);
	fx_time(fx_now() + AUDIT_SECONDS);
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_UPHELD, claim_id), 1000);
}
END_TEST

/* At the end all but the disputed part is paid. */
START_TEST(test_only_the_disputed_part_waits)
{
	uint8_t first[CPNP_SHA256_LEN];
	cpnp_escrow_view view;
	cpnp_sla_terms sla = base;

	sla.auditor = w.actors[AUDIT].name;
	sla.audit_seconds = 2 * DAY;
	begin(&sla, 0);
	fx_time(fx_now() + HOUR);
	claim_ok(DELAY, 300, 30000, 1000);
	memcpy(first, claim_id, sizeof(first));
	ABOUT_OK(OBJECT, PROV, claim_id);
	fx_time(fx_now() + HOUR);
	claim_ok(AVAILABILITY, 300, 1, 5000);
	ABOUT_OK(OBJECT, PROV, claim_id);
	fx_time(fx_now() + 22 * HOUR);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), AMOUNT - 6000);
	view = fx_view(id);
	ck_assert_int_eq(view.state, CPNP_ESCROW_DISPUTED);
	ck_assert_int_eq(view.locked, 6000);
	fx_snapshot();
	ABOUT_REFUSED(WITHDRAW, CUST, id, STATE);
	audit(true); /* the second */
	HAS_FREE(CUST, 5000);
	HAS_HELD(CUST, 1000);
	memcpy(claim_id, first, sizeof(first));
	fx_time(fx_now() + 2 * DAY);
	ck_assert_int_eq(fx_event(CPNP_FACT_CLAIM_REJECTED, first), 1000);
	ck_assert(fx_is_gone(id));
	HAS_FREE(CUST, 5000);
	HAS_FREE(PROV, AMOUNT - 5000);
}
END_TEST

START_TEST(test_time_to_claim_after_the_end)
{
	cpnp_op op;

	begin(&base, HOUR);
	fx_time(fx_now() + DAY);
	ck_assert_int_eq(fx_view(id).state, CPNP_ESCROW_ENDED);
	HAS_FREE(PROV, 0);
	claim_ok(DELAY, 300, 30000, 1000);
	fx_time(fx_now() + HOUR);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), AMOUNT - 1000);
	/* withdrawn early: only what was used can be claimed */
	begin(&base, HOUR);
	fx_time(fx_now() + HOUR);
	ABOUT_OK(WITHDRAW, CUST, id);
	fx_time(fx_now() + HOUR / 2);
	op = claim(DELAY, HOUR / 2, 30000);
	REFUSED(op, CUST, TIME);
	op.idem = CPNP_BYTES_LIT("earlier");
	op.from -= HOUR / 2;
	op.to -= HOUR / 2;
	OK(op, CUST);
}
END_TEST

START_TEST(test_terms_have_one_form)
{
	cpnp_sla_terms sla = base, back;
	uint8_t store[CPNP_SLA_TERMS_MAX];
	cpnp_buf buf;
	size_t i;

	sla.auditor = w.actors[AUDIT].name;
	cpnp_buf_init_fixed(&buf, store, sizeof(store));
	ck_assert_int_eq(cpnp_sla_terms_encode(&sla, &buf), 0);
	ck_assert_int_eq(
	    cpnp_sla_terms_decode(&back, cpnp_buf_bytes(&buf)), 0);
	ck_assert_uint_eq(back.metrics[1].window, HOUR);
	ck_assert(back.metrics[1].floor);
	for (i = 0; i < buf.len; i++)
		ck_assert_int_ne(cpnp_sla_terms_decode(
		    &back, (cpnp_bytes){store, i}), 0);
	cpnp_buf_reset(&buf);
	sla.metric_n = CPNP_SLA_METRICS_MAX + 1;
	ck_assert_int_eq(cpnp_sla_terms_encode(&sla, &buf),
	    CPNP_ERR_INVALID);
	sla.metric_n = 1;
	sla.metrics[0].window = 0;
	ck_assert_int_eq(cpnp_sla_terms_encode(&sla, &buf),
	    CPNP_ERR_INVALID);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_silence_is_consent,
	    test_both_ends_sign, test_claim_is_checked,
	    test_claims_are_bounded, test_credits_have_a_cap,
	    test_objection_waits_for_the_auditor,
	    test_default_decides_at_the_deadline,
	    test_only_the_disputed_part_waits,
	    test_time_to_claim_after_the_end, test_terms_have_one_form};

	return fx_run("settlement service levels", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
