/*
 * Escrow: authorization, acknowledgement, payment by time of use (U15, U16,
 * U18, U20, U24, Y20), updates, fees.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

static uint8_t id[CPNP_SHA256_LEN];

static void
give_fees(uint32_t fee_ppm)
{
	cpnp_settings settings;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.fee_ppm = fee_ppm;
	settings.pool_n = 2;
	settings.pools[0] = (cpnp_pool){CPNP_BYTES_LIT("pool"), 250000};
	settings.pools[1] = (cpnp_pool){CPNP_BYTES_LIT("pool2"), 750000};
	fx_start(&settings);
}

START_TEST(test_authorization_opens_one_escrow)
{
	cpnp_op op = fx_authorize(CUST, PROV, 1000);
	cpnp_escrow_view view;

	REFUSED(op, CUST, FUNDS);
	fx_mint(CUST, 1000);
	op = fx_authorize(CUST, PROV, 1000);
	fx_escrow(&op, CUST, PROV, false, id);
	HAS_FREE(CUST, 0);
	HAS_HELD(CUST, 1000);
	view = fx_view(id);
	ck_assert_int_eq(view.state, CPNP_ESCROW_PENDING);
	ck_assert_int_eq(view.locked, 1000);
	ck_assert_int_eq(view.due.sec, op.until);
	REFUSED(op, CUST, DUPLICATE);
	HAS_HELD(CUST, 1000);
	ABOUT_REFUSED(ACKNOWLEDGE, SUPP, id, PARTY);
	ABOUT_REFUSED(ACKNOWLEDGE, CUST, id, ROLE);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_POSTED, id), 1000);
	view = fx_view(id);
	ck_assert_int_eq(view.state, CPNP_ESCROW_POSTED);
	ck_assert_uint_eq(view.posted_at, w.entry_n - 1);
	ABOUT_REFUSED(ACKNOWLEDGE, PROV, id, STATE);
	id[0] ^= 1;
	ABOUT_REFUSED(ACKNOWLEDGE, PROV, id, UNKNOWN);
}
END_TEST

START_TEST(test_authorization_is_checked)
{
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = fx_authorize(CUST, CUST, 10);
	REFUSED(op, CUST, PEER);
	op = fx_authorize(CUST, AUDIT, 10);
	REFUSED(op, CUST, PEER);
	op = fx_authorize(AUDIT, PROV, 10);
	REFUSED(op, AUDIT, ROLE);
	op = fx_authorize(CUST, PROV, 10);
	op.code = CPNP_BYTES_LIT("GBP");
	REFUSED(op, CUST, TOKEN);
	op = fx_authorize(CUST, PROV, 0);
	REFUSED(op, CUST, AMOUNT);
	op = fx_authorize(CUST, PROV, 10);
	op.until = fx_now();
	REFUSED(op, CUST, TIME);
	op = fx_authorize(CUST, PROV, 10);
	op.until = fx_now() + CPNP_OP_LIFE_MAX + 1;
	REFUSED(op, CUST, TIME);
	op = fx_authorize(CUST, PROV, 10);
	op.start = fx_now() - DAY; /* over before it begins */
	HAVE(op, START);
	REFUSED(op, CUST, TIME);
	op = fx_authorize(CUST, PROV, 10);
	op.start = fx_now() + CPNP_SERVICE_SECONDS_MAX + 1;
	HAVE(op, START);
	REFUSED(op, CUST, TIME);
	op = fx_authorize(CUST, PROV, 10);
	op.publisher = w.actors[PROV].name;
	op.offer = CPNP_BYTES_LIT("none");
	HAVE(op, PUBLISHER), HAVE(op, OFFER);
	REFUSED(op, CUST, OFFER);
	op = fx_authorize(CUST, PROV, 10);
	op.set = op.replaces = op.order;
	HAVE(op, SET);
	REFUSED(op, CUST, SET);
	op = fx_authorize(CUST, PROV, 10);
	op.replaces = op.order;
	HAVE(op, REPLACES);
	REFUSED(op, CUST, UNKNOWN);
	HAS_FREE(CUST, 1000);
}
END_TEST

START_TEST(test_open_escrows_are_bounded)
{
	cpnp_settings settings;
	cpnp_op op;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.open_max = 1;
	fx_start(&settings);
	fx_mint(CUST, 10);
	op = fx_authorize(CUST, PROV, 1);
	fx_escrow(&op, CUST, PROV, false, id);
	op = fx_authorize(CUST, PROV, 1);
	REFUSED(op, CUST, LIMIT);
	ABOUT_OK(VOID, CUST, id);
	op = fx_authorize(CUST, PROV, 1);
	OK(op, CUST);
}
END_TEST

/* Not acknowledged in time, it returns; visible at once (tigerbeetle 2118). */
START_TEST(test_unanswered_escrow_returns)
{
	cpnp_op op, late;
	cpnp_rating rating;

	fx_mint(CUST, 1000);
	op = fx_authorize(CUST, PROV, 600);
	fx_escrow(&op, CUST, PROV, false, id);
	fx_snapshot();
	fx_time(op.until - 1);
	HAS_HELD(CUST, 600);
	late = fx_about(CPNP_OP_ACKNOWLEDGE, PROV, id);
	fx_tick(OP1, op.until);
	HAS_HELD(CUST, 600); /* one clock does not expire it */
	fx_tick(OP2, op.until);
	ck_assert_int_eq(fx_event(CPNP_FACT_RETURNED, id), 600);
	HAS_FREE(CUST, 1000);
	REFUSED(late, PROV, UNKNOWN);
	ck_assert_int_eq(cpnp_ledger_get_rating(
	    w.ledger, w.actors[PROV].name, &rating), 0);
	ck_assert_uint_eq(rating.lines[CPNP_RATING_LAPSED].count, 1024);
}
END_TEST

/* Contradiction 5: CANCEL before the acknowledgement is in the log. */
START_TEST(test_payer_voids_until_acknowledged)
{
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = fx_authorize(CUST, PROV, 600);
	fx_escrow(&op, CUST, PROV, false, id);
	ABOUT_REFUSED(VOID, SUPP, id, PARTY);
	ABOUT_OK(VOID, CUST, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_RETURNED, id), 600);
	HAS_FREE(CUST, 1000);
	op = fx_authorize(CUST, PROV, 600);
	fx_escrow(&op, CUST, PROV, false, id);
	ABOUT_OK(VOID, PROV, id);
	HAS_FREE(CUST, 1000);
	op = fx_authorize(CUST, PROV, 600);
	fx_escrow(&op, CUST, PROV, true, id);
	ABOUT_REFUSED(VOID, CUST, id, STATE);
	ABOUT_REFUSED(VOID, PROV, id, STATE);
}
END_TEST

/* Nobody has to do anything for the money to move at the end. */
START_TEST(test_service_is_paid_at_its_end)
{
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = fx_authorize(CUST, PROV, 1000);
	fx_escrow(&op, CUST, PROV, true, id);
	fx_time(fx_now() + DAY - 1);
	ck_assert_uint_eq(fx_view(id).used, DAY - 1);
	HAS_FREE(PROV, 0);
	fx_time(fx_now() + 1);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 1000);
	HAS_FREE(PROV, 1000);
	HAS_HELD(CUST, 0);
	ck_assert(fx_is_gone(id));
}
END_TEST

START_TEST(test_withdrawal_pays_for_use)
{
	cpnp_rating rating;
	cpnp_op op;

	fx_mint(CUST, 1001);
	op = fx_authorize(CUST, PROV, 1001);
	fx_escrow(&op, CUST, PROV, true, id);
	fx_time(fx_now() + DAY / 4);
	ABOUT_REFUSED(WITHDRAW, SUPP, id, PARTY);
	fx_snapshot();
	ABOUT_OK(WITHDRAW, CUST, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 250);
	HAS_FREE(PROV, 250);
	HAS_FREE(CUST, 751);
	ABOUT_REFUSED(WITHDRAW, CUST, id, UNKNOWN);
	op = fx_authorize(CUST, PROV, 500);
	fx_escrow(&op, CUST, PROV, false, id);
	ABOUT_REFUSED(WITHDRAW, PROV, id, STATE);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	ABOUT_OK(WITHDRAW, PROV, id);
	HAS_FREE(CUST, 751);
	ck_assert_int_eq(cpnp_ledger_get_rating(
	    w.ledger, w.actors[PROV].name, &rating), 0);
	ck_assert_int_eq(rating.lines[CPNP_RATING_WITHDRAWALS].points, -80);
}
END_TEST

START_TEST(test_service_in_the_future)
{
	int64_t start = fx_now() + 2 * DAY;
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = fx_authorize(CUST, PROV, 400);
	op.start = start;
	HAVE(op, START);
	fx_escrow(&op, CUST, PROV, true, id);
	fx_time(start);
	ck_assert_uint_eq(fx_view(id).used, 0);
	fx_time(start + DAY / 2);
	ck_assert_uint_eq(fx_view(id).used, DAY / 2);
	ABOUT_OK(WITHDRAW, CUST, id);
	HAS_FREE(PROV, 200);
	/* acknowledged late: the time before is not paid */
	op = fx_authorize(CUST, PROV, 400);
	op.start = fx_now();
	op.until = fx_now() + 2 * DAY;
	HAVE(op, START);
	fx_escrow(&op, CUST, PROV, false, id);
	fx_time(fx_now() + DAY / 4);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	fx_time(op.start + DAY);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 300);
	/* so late that nothing is left */
	op = fx_authorize(CUST, PROV, 100);
	op.start = fx_now();
	op.until = fx_now() + 3 * DAY;
	HAVE(op, START);
	fx_escrow(&op, CUST, PROV, false, id);
	fx_time(fx_now() + 2 * DAY);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 0);
	HAS_FREE(PROV, 500);
	HAS_FREE(CUST, 500);
}
END_TEST

static void
activate(enum who who, bool on)
{
	cpnp_op op = fx_about(CPNP_OP_ACTIVATE, who, id);

	op.on = on;
	HAVE(op, ON);
	OK(op, who);
}

START_TEST(test_deactivated_time_is_not_paid)
{
	int64_t start = fx_now();
	cpnp_op op;

	fx_mint(CUST, 4000);
	op = fx_authorize(CUST, PROV, 2400);
	fx_escrow(&op, CUST, PROV, true, id);
	fx_time(start + 6 * HOUR);
	activate(CUST, false);
	ck_assert(fx_view(id).idle);
	fx_time(start + 8 * HOUR);
	activate(PROV, false); /* both */
	fx_time(start + 10 * HOUR);
	activate(CUST, true); /* and the provider still */
	op = fx_about(CPNP_OP_ACTIVATE, CUST, id);
	op.on = true;
	HAVE(op, ON);
	REFUSED(op, CUST, STATE);
	fx_snapshot();
	fx_time(start + 12 * HOUR);
	ck_assert_uint_eq(fx_view(id).used, 6 * HOUR);
	activate(PROV, true);
	fx_time(start + 20 * HOUR);
	activate(CUST, false); /* to the end */
	fx_time(start + DAY);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 1400);
	/* unless the terms say so */
	op = fx_authorize(CUST, PROV, 2400);
	op.idle_paid = true;
	HAVE(op, IDLE_PAID);
	fx_escrow(&op, CUST, PROV, true, id);
	activate(CUST, false);
	fx_time(fx_now() + DAY);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, id), 2400);
}
END_TEST

/* An UPDATE opens the new and settles the old in one operation. */
START_TEST(test_update_replaces_an_escrow)
{
	uint8_t old[CPNP_SHA256_LEN];
	cpnp_op op, second;

	fx_mint(CUST, 5000);
	op = fx_authorize(CUST, PROV, 1000);
	fx_escrow(&op, CUST, PROV, true, old);
	fx_time(fx_now() + DAY / 2);
	op = fx_authorize(CUST, SUPP, 2000);
	op.replaces = (cpnp_bytes){old, sizeof(old)};
	HAVE(op, REPLACES);
	REFUSED(op, CUST, PARTY);
	op = fx_authorize(CUST, PROV, 2000);
	op.replaces = (cpnp_bytes){old, sizeof(old)};
	HAVE(op, REPLACES);
	fx_escrow(&op, CUST, PROV, false, id);
	fx_snapshot();
	/* one open transaction, and the old one stands meanwhile */
	second = fx_authorize(CUST, PROV, 2000);
	second.replaces = op.replaces;
	HAVE(second, REPLACES);
	REFUSED(second, CUST, STATE);
	ck_assert_int_eq(fx_view(old).state, CPNP_ESCROW_POSTED);
	/* refused: everything as it was, and another try is free */
	ABOUT_OK(VOID, PROV, id);
	ck_assert_int_eq(fx_view(old).state, CPNP_ESCROW_POSTED);
	op = fx_authorize(CUST, PROV, 2000);
	op.replaces = (cpnp_bytes){old, sizeof(old)};
	HAVE(op, REPLACES);
	fx_escrow(&op, CUST, PROV, false, id);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_POSTED, id), 2000);
	ck_assert_int_eq(fx_event(CPNP_FACT_SETTLED, old), 500);
	ck_assert(fx_is_gone(old));
	HAS_HELD(CUST, 2000);
	HAS_FREE(CUST, 2500);
	/* the old one may end by itself while the new one waits */
	op = fx_authorize(CUST, PROV, 100);
	op.replaces = (cpnp_bytes){id, sizeof(id)};
	op.until = fx_now() + 2 * DAY;
	HAVE(op, REPLACES);
	fx_escrow(&op, CUST, PROV, false, old);
	fx_time(fx_now() + DAY);
	ck_assert(fx_is_gone(id));
	ABOUT_OK(ACKNOWLEDGE, PROV, old);
	ck_assert_int_eq(fx_view(old).state, CPNP_ESCROW_POSTED);
}
END_TEST

/* N7: named pools, by their shares, only for what is posted. */
START_TEST(test_fees_go_to_pools)
{
	cpnp_op op;

	give_fees(10000);
	fx_mint(CUST, 10000);
	op = fx_authorize(CUST, PROV, 1010);
	op.fee_max = 9;
	REFUSED(op, CUST, FEE);
	op = fx_authorize(CUST, PROV, 9999);
	REFUSED(op, CUST, FUNDS); /* the fee comes on top */
	op = fx_authorize(CUST, PROV, 1010);
	fx_escrow(&op, CUST, PROV, false, id);
	HAS_HELD(CUST, 1020);
	ABOUT_OK(VOID, CUST, id);
	HAS_FREE(CUST, 10000);
	op = fx_authorize(CUST, PROV, 1010);
	fx_escrow(&op, CUST, PROV, true, id);
	HAS_HELD(CUST, 1010);
	HAS_FREE(POOL2, 7);
	HAS_FREE(POOL, 3); /* with what rounding left */
	ABOUT_OK(WITHDRAW, CUST, id);
	HAS_FREE(CUST, 9990);
	op = fx_op(CPNP_OP_ACCOUNT_CLOSE, POOL);
	REFUSED(op, POOL, STATE);
}
END_TEST

/* Pools may go while a fee is locked: it goes back. */
START_TEST(test_fee_without_pools_goes_back)
{
	cpnp_settings settings;
	cpnp_buf buf = fx_buf();
	cpnp_op op;

	give_fees(10000);
	fx_mint(CUST, 1010);
	op = fx_authorize(CUST, PROV, 1000);
	fx_escrow(&op, CUST, PROV, false, id);
	cpnp_settings_default(&settings);
	settings.quorum = 2;
	ck_assert_int_eq(cpnp_settings_encode(&settings, &buf, NULL), 0);
	op = fx_op(CPNP_OP_SETTINGS, OP1);
	op.settings = cpnp_buf_bytes(&buf);
	HAVE(op, SETTINGS);
	fx_second(op);
	OK(op, OP1);
	ABOUT_OK(ACKNOWLEDGE, PROV, id);
	HAS_FREE(CUST, 10);
	HAS_HELD(CUST, 1000);
	cpnp_buf_fini(&buf);
}
END_TEST

START_TEST(test_large_amounts_are_exact)
{
	int64_t amount = INT64_MAX / 4;
	cpnp_op op;

	fx_mint(CUST, amount);
	op = fx_authorize(CUST, PROV, amount);
	op.duration = 7;
	fx_escrow(&op, CUST, PROV, true, id);
	fx_time(fx_now() + 3);
	ABOUT_OK(WITHDRAW, CUST, id);
	HAS_FREE(PROV, amount / 7 * 3 + amount % 7 * 3 / 7);
	HAS_FREE(CUST, amount - fx_balance(PROV).free);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_authorization_opens_one_escrow,
	    test_authorization_is_checked, test_open_escrows_are_bounded,
	    test_unanswered_escrow_returns,
	    test_payer_voids_until_acknowledged,
	    test_service_is_paid_at_its_end, test_withdrawal_pays_for_use,
	    test_service_in_the_future, test_deactivated_time_is_not_paid,
	    test_update_replaces_an_escrow, test_fees_go_to_pools,
	    test_fee_without_pools_goes_back, test_large_amounts_are_exact};

	return fx_run("settlement escrow", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
