/*
 * Which of several offers is taken (R10; RFC 8921, 8.10).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/error.h>

#include "cpnpc/choose.h"
#include "unit.h"

#define NOW ((cpnp_wtime){1000})
#define N 3

static cpnpc_bid
bid(int64_t amount)
{
	return (cpnpc_bid){
	    .open = true,
	    .fits = true,
	    .preferred = true,
	    .affordable = true,
	    .has_cost = true,
	    .cost = {.amount = amount,
		.code = CPNP_BYTES_LIT("EUR"),
		.issuer = CPNP_BYTES_LIT("bank.example"),
		.exponent = 3},
	    .validity = {1001},
	};
}

static void
check_one(cpnpc_rule rule, const cpnpc_bid bids[N], size_t wanted)
{
	size_t best = 99;

	ck_assert_int_eq(
	    cpnpc_choose(rule, bids, N, NOW, &best), CPNPC_CHOOSING_ONE);
	ck_assert_uint_eq(best, wanted);
}

static void
check_none(cpnpc_rule rule, const cpnpc_bid bids[N], cpnpc_choosing wanted)
{
	size_t best = 99;

	ck_assert_int_eq(cpnpc_choose(rule, bids, N, NOW, &best), wanted);
	ck_assert_uint_eq(best, 99);
}

START_TEST(test_choose_takes_the_lowest_price)
{
	cpnpc_bid bids[N] = {bid(30), bid(10), bid(20)};

	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
	check_one(CPNPC_RULE_EXACT, bids, 1);
	bids[2] = bid(-5);
	check_one(CPNPC_RULE_CHEAPEST, bids, 2);
	bids[0] = bid(INT64_MIN);
	bids[2] = bid(INT64_MAX);
	check_one(CPNPC_RULE_CHEAPEST, bids, 0);
}
END_TEST

START_TEST(test_choose_takes_the_first_of_equal_ones)
{
	cpnpc_bid bids[N] = {bid(20), bid(10), bid(10)};

	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
}
END_TEST

/* Who declines says why (F10): what is wrong with it, the worst first. */
START_TEST(test_choose_tells_what_is_wrong)
{
	cpnpc_bid b = bid(10);

	ck_assert_ptr_null(cpnpc_bid_fault(CPNPC_RULE_EXACT, &b, NOW));
	b.affordable = false;
	ck_assert_ptr_null(cpnpc_bid_fault(CPNPC_RULE_ASK, &b, NOW));
	ck_assert_str_eq(cpnpc_bid_fault(CPNPC_RULE_EXACT, &b, NOW),
	    "its price is not within --max-price");
	b.preferred = false;
	ck_assert_str_eq(cpnpc_bid_fault(CPNPC_RULE_CHEAPEST, &b, NOW),
	    "its price is not within --max-price");
	ck_assert_str_eq(cpnpc_bid_fault(CPNPC_RULE_EXACT, &b, NOW),
	    "it does not grant all that is preferred");
	b.fits = false;
	ck_assert_str_eq(cpnpc_bid_fault(CPNPC_RULE_CHEAPEST, &b, NOW),
	    "it is not what was asked for");
	b.cheats = true; /* nor may a person take it */
	ck_assert_str_eq(cpnpc_bid_fault(CPNPC_RULE_ASK, &b, NOW),
	    "its settlement terms do not go with what it offers");
	b.validity = NOW;
	ck_assert_str_eq(cpnpc_bid_fault(CPNPC_RULE_ASK, &b, NOW),
	    "its validity has ended");
}
END_TEST

START_TEST(test_choose_passes_over_what_may_not_be_taken)
{
	cpnpc_bid bids[N] = {bid(10), bid(20), bid(30)};

	bids[0].open = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
	bids[0] = bid(10);
	bids[0].fits = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
	check_one(CPNPC_RULE_EXACT, bids, 1);
	bids[0] = bid(10);
	bids[0].affordable = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
	bids[0] = bid(10);
	bids[0].preferred = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 0);
	check_one(CPNPC_RULE_EXACT, bids, 1);
	/* RFC 8921, 9.1.8: the moment itself is too late */
	bids[0] = bid(10);
	bids[0].validity = NOW;
	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
	bids[1].open = bids[2].open = false;
	check_none(CPNPC_RULE_CHEAPEST, bids, CPNPC_CHOOSING_NOTHING);
	check_none(CPNPC_RULE_EXACT, bids, CPNPC_CHOOSING_NOTHING);
	check_none(CPNPC_RULE_ASK, bids, CPNPC_CHOOSING_NOTHING);
}
END_TEST

START_TEST(test_choose_without_a_price_is_not_free)
{
	cpnpc_bid bids[N] = {bid(0), bid(900), bid(0)};

	bids[0].has_cost = false;
	bids[2].has_cost = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 1);
	bids[1].open = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 0);
}
END_TEST

/* Tokens never mix: not by code, not by issuer, not by exponent. */
START_TEST(test_choose_compares_no_different_tokens)
{
	cpnpc_bid bids[N] = {bid(10), bid(20), bid(30)};

	bids[2].cost.code = CPNP_BYTES_LIT("USD");
	check_none(CPNPC_RULE_CHEAPEST, bids, CPNPC_CHOOSING_TOKENS);
	bids[2] = bid(30);
	bids[2].cost.issuer = CPNP_BYTES_LIT("other.example");
	check_none(CPNPC_RULE_EXACT, bids, CPNPC_CHOOSING_TOKENS);
	bids[2] = bid(30);
	bids[2].cost.exponent = 2;
	check_none(CPNPC_RULE_CHEAPEST, bids, CPNPC_CHOOSING_TOKENS);
	/* what would not be taken does not count */
	bids[2].fits = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 0);
	bids[2] = bid(30);
	bids[2].cost.exponent = 2;
	bids[2].has_cost = false;
	check_one(CPNPC_RULE_CHEAPEST, bids, 0);
}
END_TEST

START_TEST(test_choose_asks_about_every_open_offer)
{
	cpnpc_bid bids[N] = {bid(10), bid(20), bid(30)};

	bids[0].open = bids[1].open = false;
	bids[2].fits = bids[2].affordable = false;
	check_none(CPNPC_RULE_ASK, bids, CPNPC_CHOOSING_TO_PERSON);
}
END_TEST

START_TEST(test_choose_rules_have_names)
{
	static const char *const others[] = {
	    "", "none", "Exact", "cheap", "askk"};
	cpnpc_rule rule, parsed;
	size_t i;

	for (rule = CPNPC_RULE_CHEAPEST; rule <= CPNPC_RULE_ASK; rule++) {
		ck_assert_int_eq(
		    cpnpc_rule_parse(cpnpc_rule_name(rule), &parsed), 0);
		ck_assert_int_eq((int)parsed, (int)rule);
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_int_eq(cpnpc_rule_parse(others[i], &parsed),
		    CPNP_ERR_INVALID);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_choose_takes_the_lowest_price,
	    test_choose_takes_the_first_of_equal_ones,
	    test_choose_tells_what_is_wrong,
	    test_choose_passes_over_what_may_not_be_taken,
	    test_choose_without_a_price_is_not_free,
	    test_choose_compares_no_different_tokens,
	    test_choose_asks_about_every_open_offer,
	    test_choose_rules_have_names,
	};

	return unit_run("choose", tests, sizeof(tests) / sizeof(tests[0]));
}
