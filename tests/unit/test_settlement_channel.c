/*
 * Payment channels (Y19, N14), the catalogue (U14, U22, U25, Y15, Y31, N18,
 * N21-N23) and ratings (Y44, Y45, N6).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "settle_fixture.h"

static uint8_t id[CPNP_SHA256_LEN];

static cpnp_op
open_channel(int64_t amount)
{
	cpnp_op op = fx_op(CPNP_OP_CHANNEL_OPEN, CUST);

	fx_money(&op, PROV, amount);
	op.fee_max = amount;
	op.until = fx_now() + DAY;
	op.order = (cpnp_bytes){w.id, CPNP_SHA256_LEN};
	HAVE(op, FEE_MAX), HAVE(op, UNTIL), HAVE(op, ORDER);
	return op;
}

static void
channel(const cpnp_op *op)
{
	OK(*op, CUST);
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

static cpnp_channel_view
channel_view(void)
{
	cpnp_channel_view view;

	ck_assert_int_eq(cpnp_ledger_get_channel(w.ledger, id, &view), 0);
	return view;
}

START_TEST(test_vouchers_add_up)
{
	cpnp_op op = open_channel(1000), old;

	REFUSED(op, CUST, FUNDS);
	fx_mint(CUST, 1000);
	op = open_channel(1000);
	channel(&op);
	HAS_HELD(CUST, 1000);
	op = voucher(100);
	OK(op, CUST);
	old = op;
	op = voucher(350);
	OK(op, CUST);
	REFUSED(old, CUST, STALE);
	REFUSED(op, CUST, STALE);
	op = voucher(1001);
	REFUSED(op, CUST, AMOUNT);
	op = voucher(400);
	op.account = w.actors[PROV].name;
	REFUSED(op, PROV, PARTY);
	ck_assert_int_eq(channel_view().claimed, 350);
	HAS_FREE(PROV, 0); /* nothing before it is closed */
	fx_snapshot();
	ABOUT_REFUSED(CHANNEL_CLOSE, SUPP, id, PARTY);
	ABOUT_OK(CHANNEL_CLOSE, PROV, id);
	ck_assert_int_eq(fx_event(CPNP_FACT_CHANNEL_CLOSED, id), 350);
	HAS_FREE(PROV, 350);
	HAS_FREE(CUST, 650);
	ABOUT_REFUSED(CHANNEL_CLOSE, PROV, id, UNKNOWN);
}
END_TEST

START_TEST(test_channel_ends_by_itself)
{
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = open_channel(1000);
	op.until = fx_now();
	REFUSED(op, CUST, TIME);
	op = open_channel(1000);
	op.claim_seconds = HOUR;
	HAVE(op, CLAIM_SECONDS);
	channel(&op);
	ABOUT_OK(CHANNEL_CLOSE, CUST, id);
	ABOUT_REFUSED(CHANNEL_CLOSE, CUST, id, STATE);
	/* the grace is for the payee to bring what it has */
	op = voucher(10);
	OK(op, CUST);
	fx_time(fx_now() + HOUR);
	HAS_FREE(PROV, 10);
	op = open_channel(500);
	channel(&op);
	fx_time(op.until - 1);
	op = voucher(20);
	OK(op, CUST);
	fx_time(fx_now() + 1);
	HAS_FREE(PROV, 30);
	HAS_FREE(CUST, 970);
}
END_TEST

START_TEST(test_hash_chain_redeems)
{
	uint8_t chain[21][CPNP_SHA256_LEN];
	cpnp_op op;
	int i;

	memset(chain[20], 7, CPNP_SHA256_LEN);
	for (i = 20; i > 0; i--)
		ck_assert_int_eq(hash_once(&(cpnp_bytes){chain[i],
		    CPNP_SHA256_LEN}, 1, chain[i - 1]), 0);
	fx_mint(CUST, 1000);
	op = open_channel(95);
	op.chain = (cpnp_bytes){chain[0], CPNP_SHA256_LEN};
	op.unit = 0;
	HAVE(op, CHAIN), HAVE(op, UNIT);
	REFUSED(op, CUST, AMOUNT);
	op.idem = CPNP_BYTES_LIT("five");
	op.unit = 5;
	channel(&op);
	op = voucher(10);
	REFUSED(op, CUST, STATE);
	op = fx_about(CPNP_OP_REDEEM, PROV, id);
	op.chain = (cpnp_bytes){chain[3], CPNP_SHA256_LEN};
	op.count = 4;
	HAVE(op, CHAIN), HAVE(op, COUNT);
	REFUSED(op, PROV, PROOF);
	op.idem = CPNP_BYTES_LIT("three");
	op.count = 3;
	OK(op, PROV);
	ck_assert_int_eq(channel_view().claimed, 15);
	op.idem = CPNP_BYTES_LIT("again");
	REFUSED(op, PROV, STALE);
	fx_snapshot();
	op.idem = CPNP_BYTES_LIT("nineteen");
	op.chain.ptr = chain[19];
	op.count = 19;
	OK(op, PROV);
	op.idem = CPNP_BYTES_LIT("twenty");
	op.chain.ptr = chain[20];
	op.count = 20;
	REFUSED(op, PROV, AMOUNT);
	op.idem = CPNP_BYTES_LIT("far");
	op.count = 20 + CPNP_CHAIN_MAX;
	REFUSED(op, PROV, LIMIT);
	ABOUT_OK(CHANNEL_CLOSE, PROV, id);
	HAS_FREE(PROV, 95);
	op = open_channel(95);
	channel(&op);
	op = fx_about(CPNP_OP_REDEEM, PROV, id);
	op.chain = (cpnp_bytes){chain[3], CPNP_SHA256_LEN};
	op.count = 3;
	HAVE(op, CHAIN), HAVE(op, COUNT);
	REFUSED(op, PROV, STATE);
}
END_TEST

START_TEST(test_channel_pays_its_fee)
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
	op = open_channel(1000);
	channel(&op);
	op = voucher(500);
	OK(op, CUST);
	ABOUT_OK(CHANNEL_CLOSE, PROV, id);
	HAS_FREE(PROV, 500);
	HAS_FREE(POOL, 50);
	HAS_FREE(CUST, 550);
}
END_TEST

static cpnp_op
publish(enum who who, cpnp_bytes offer, int64_t price)
{
	cpnp_op op = fx_op(CPNP_OP_PUBLISH, who);

	op.offer = offer;
	op.kind = CPNP_OFFER_SEGMENT;
	op.ingress = CPNP_BYTES_LIT("CHI");
	op.egress = CPNP_BYTES_LIT("NYC");
	op.delay = 6500;
	op.capacity = 10000000000;
	op.until = fx_now() + 10 * DAY;
	op.from = fx_now() + DAY;
	op.to = fx_now() + 3 * DAY;
	HAVE(op, OFFER), HAVE(op, KIND), HAVE(op, INGRESS), HAVE(op, EGRESS);
	HAVE(op, DELAY), HAVE(op, CAPACITY), HAVE(op, UNTIL);
	HAVE(op, FROM), HAVE(op, TO);
	if (price < 0)
		return op;
	op.issuer = CPNP_BYTES_LIT("bank");
	op.code = CPNP_BYTES_LIT("EUR");
	op.amount = price;
	op.duration = HOUR;
	HAVE(op, ISSUER), HAVE(op, CODE), HAVE(op, AMOUNT);
	HAVE(op, DURATION);
	return op;
}

#define NIGHT CPNP_BYTES_LIT("night")

static int
count_offer(void *user, const cpnp_offer_view *view)
{
	ck_assert(view->publisher.len > 0);
	++*(int *)user;
	return 0;
}

START_TEST(test_offers_are_published_and_expire)
{
	cpnp_offer_view view;
	cpnp_op op;
	int n = 0;

	op = publish(CUST, NIGHT, 100);
	REFUSED(op, CUST, ROLE);
	op = publish(PROV, NIGHT, 100);
	op.until = fx_now();
	REFUSED(op, PROV, TIME);
	op = publish(PROV, NIGHT, 100);
	op.code = CPNP_BYTES_LIT("GBP");
	REFUSED(op, PROV, TOKEN);
	op = publish(PROV, NIGHT, INT64_MAX);
	REFUSED(op, PROV, AMOUNT);
	op = publish(PROV, NIGHT, 100);
	op.has &= ~CPNP_OP_FIELD_BIT(EGRESS);
	REFUSED(op, PROV, MALFORMED);
	op = publish(PROV, NIGHT, 100);
	OK(op, PROV);
	op = publish(PROV, NIGHT, 120);
	OK(op, PROV);
	ck_assert_int_eq(cpnp_ledger_get_offer(
	    w.ledger, w.actors[PROV].name, NIGHT, &view), 0);
	ck_assert_int_eq(view.price, 120);
	ck_assert(view.for_sale && view.eligible);
	ck_assert(cpnp_bytes_equal(view.egress, CPNP_BYTES_LIT("NYC")));
	fx_snapshot();
	ck_assert_int_eq(cpnp_ledger_each_offer(
	    w.ledger, CPNP_BYTES_NONE, count_offer, &n), 0);
	ck_assert_int_eq(n, 1);
	fx_time(op.until);
	ck_assert_int_eq(cpnp_ledger_get_offer(w.ledger,
	    w.actors[PROV].name, NIGHT, &view), CPNP_ERR_NOT_FOUND);
	op = fx_op(CPNP_OP_UNPUBLISH, PROV);
	op.offer = NIGHT;
	HAVE(op, OFFER);
	REFUSED(op, PROV, UNKNOWN);
	op = publish(PROV, NIGHT, 100);
	OK(op, PROV);
	op = fx_op(CPNP_OP_UNPUBLISH, PROV);
	op.offer = NIGHT;
	HAVE(op, OFFER);
	OK(op, PROV);
}
END_TEST

START_TEST(test_offers_are_bounded)
{
	cpnp_settings settings;
	cpnp_op op;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.offers_max = 1;
	fx_start(&settings);
	op = publish(PROV, NIGHT, 1);
	OK(op, PROV);
	op = publish(PROV, CPNP_BYTES_LIT("day"), 1);
	REFUSED(op, PROV, LIMIT);
}
END_TEST

static cpnp_op
order_offer(enum who payee, enum who publisher, int64_t start)
{
	cpnp_op op = fx_authorize(CUST, payee, 50);

	op.publisher = w.actors[publisher].name;
	op.offer = NIGHT;
	op.start = start;
	HAVE(op, PUBLISHER), HAVE(op, OFFER), HAVE(op, START);
	return op;
}

/* U16: the entry that the order names is checked; N23: price infinity. */
START_TEST(test_order_of_an_offer)
{
	int64_t from = fx_now() + DAY;
	cpnp_op op;

	fx_mint(CUST, 1000);
	op = publish(PROV, NIGHT, -1);
	OK(op, PROV);
	op = order_offer(PROV, PROV, from);
	REFUSED(op, CUST, OFFER); /* measured, not sold */
	op = publish(PROV, NIGHT, 50);
	OK(op, PROV);
	op = order_offer(SUPP, PROV, from);
	REFUSED(op, CUST, OFFER); /* another payee */
	op = order_offer(PROV, PROV, from - 1);
	REFUSED(op, CUST, OFFER); /* before its window */
	op = order_offer(PROV, PROV, from + DAY + 1);
	REFUSED(op, CUST, OFFER); /* and over its end */
	op = order_offer(PROV, PROV, from + DAY);
	OK(op, CUST);
}
END_TEST

/* N21: listed anonymously, ordered from and paid through the broker. */
START_TEST(test_pseudonym_sells_through_its_broker)
{
	cpnp_offer_view view;
	cpnp_op op;

	op = fx_op(CPNP_OP_ACCOUNT_OPEN, BROKER);
	op.peer = w.actors[STRANGER].name;
	op.key = w.actors[STRANGER].spki;
	op.roles = CPNP_ROLE_PROVIDER;
	op.pseudonym = true;
	HAVE(op, PEER), HAVE(op, KEY), HAVE(op, ROLES), HAVE(op, PSEUDONYM);
	OK(op, BROKER);
	fx_snapshot();
	fx_mint(CUST, 1000);
	op = publish(STRANGER, NIGHT, 50);
	OK(op, STRANGER);
	ck_assert_int_eq(cpnp_ledger_get_offer(w.ledger,
	    w.actors[STRANGER].name, NIGHT, &view), 0);
	ck_assert(cpnp_bytes_equal(view.payee, w.actors[BROKER].name));
	op = order_offer(STRANGER, STRANGER, fx_now() + DAY);
	REFUSED(op, CUST, PEER);
	op = order_offer(BROKER, STRANGER, fx_now() + DAY);
	OK(op, CUST);
	op = fx_op(CPNP_OP_ACCOUNT_OPEN, BROKER);
	op.peer = CPNP_BYTES_LIT("other");
	op.key = w.actors[STRANGER].spki;
	op.roles = CPNP_ROLE_CUSTOMER;
	op.pseudonym = true;
	HAVE(op, PEER), HAVE(op, KEY), HAVE(op, ROLES), HAVE(op, PSEUDONYM);
	REFUSED(op, BROKER, ROLE);
	op = fx_op(CPNP_OP_ACCOUNT_CLOSE, BROKER);
	REFUSED(op, BROKER, STATE);
}
END_TEST

static int
rating_is(enum who who)
{
	cpnp_rating rating;
	int32_t sum;

	ck_assert_int_eq(cpnp_ledger_get_rating(
	    w.ledger, w.actors[who].name, &rating), 0);
	sum = rating.start;
	for (int i = 0; i < CPNP_RATING_N; i++)
		sum += rating.lines[i].points;
	ck_assert_int_eq(rating.rating, sum < 0 ? 0 : sum);
	return rating.rating;
}

/* Below the bound a party's offers leave path finding until it recovers. */
START_TEST(test_rating_falls_and_recovers)
{
	cpnp_offer_view view;
	cpnp_op op;
	int i;

	fx_mint(CUST, 1000);
	op = publish(PROV, NIGHT, 1);
	op.until = fx_now() + 300 * DAY;
	OK(op, PROV);
	ck_assert_int_eq(rating_is(PROV), 500);
	for (i = 0; i < 4; i++) {
		op = fx_authorize(CUST, PROV, 10);
		fx_escrow(&op, CUST, PROV, true, id);
		ABOUT_OK(WITHDRAW, PROV, id);
	}
	ck_assert_int_eq(rating_is(PROV), 500 + 4 * 2 - 4 * 80);
	ck_assert_int_eq(cpnp_ledger_get_offer(
	    w.ledger, w.actors[PROV].name, NIGHT, &view), 0);
	ck_assert(!view.eligible);
	fx_snapshot();
	fx_time(fx_now() + 30 * DAY); /* half of it is forgotten */
	ck_assert_int_eq(rating_is(PROV), 500 + 2 * 2 - 2 * 80);
	ck_assert_int_eq(cpnp_ledger_get_offer(
	    w.ledger, w.actors[PROV].name, NIGHT, &view), 0);
	ck_assert(view.eligible);
	fx_time(fx_now() + 90 * 30 * (int64_t)DAY);
	ck_assert_int_eq(rating_is(PROV), 500);
}
END_TEST

START_TEST(test_presence_is_rated)
{
	cpnp_op op;
	int i;

	op = fx_op(CPNP_OP_HEARTBEAT, SUPP);
	op.time = fx_now() + 601;
	HAVE(op, TIME);
	REFUSED(op, SUPP, TIME);
	for (i = 0; i < 24; i++) {
		op.time = fx_now() + 1;
		OK(op, SUPP);
		fx_time(fx_now() + 300);
	}
	REFUSED(op, SUPP, STALE);
	ck_assert_int_eq(rating_is(SUPP), 501);
	/* a longer silence is offline */
	fx_time(fx_now() + 601);
	op.time = fx_now();
	OK(op, SUPP);
	ck_assert_int_eq(rating_is(SUPP), 501);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_vouchers_add_up,
	    test_channel_ends_by_itself, test_hash_chain_redeems,
	    test_channel_pays_its_fee, test_offers_are_published_and_expire,
	    test_offers_are_bounded, test_order_of_an_offer,
	    test_pseudonym_sells_through_its_broker,
	    test_rating_falls_and_recovers, test_presence_is_rated};

	return fx_run("settlement channels", tests,
	    sizeof(tests) / sizeof(tests[0]));
}
