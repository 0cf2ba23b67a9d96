/*
 * The graph of a ledger's catalogue.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/path.h>

#include "settle_fixture.h"

static cpnp_path_graph *graph;
static cpnp_path_answer *answer;

static void
publish(enum who who, const char *id, const char *from, const char *to,
    uint64_t delay, int64_t price)
{
	cpnp_op op = fx_op(CPNP_OP_PUBLISH, who);

	op.offer = cpnp_bytes_str(id);
	op.kind = CPNP_OFFER_SEGMENT;
	op.ingress = cpnp_bytes_str(from);
	op.egress = cpnp_bytes_str(to);
	op.delay = delay;
	op.capacity = 10000000000;
	op.until = fx_now() + DAY;
	HAVE(op, OFFER), HAVE(op, KIND), HAVE(op, INGRESS), HAVE(op, EGRESS);
	HAVE(op, CAPACITY), HAVE(op, UNTIL);
	if (delay > 0)
		HAVE(op, DELAY);
	if (price >= 0) {
		op.issuer = CPNP_BYTES_LIT("bank");
		op.code = CPNP_BYTES_LIT("EUR");
		op.amount = price;
		op.duration = HOUR;
		HAVE(op, ISSUER), HAVE(op, CODE), HAVE(op, AMOUNT);
		HAVE(op, DURATION);
	}
	OK(op, who);
}

/* The catalogue at a time of the ledger; what was left out. */
static size_t
fill(int64_t at)
{
	size_t left_out;
	cpnp_diag diag;

	cpnp_path_answer_del(answer);
	answer = NULL;
	cpnp_path_graph_del(graph);
	ck_assert_int_eq(cpnp_path_graph_new(&graph, &ledger_mem), 0);
	ck_assert_int_eq(cpnp_path_graph_fill(graph, w.ledger, (cpnp_wtime){at},
			     &left_out, &diag),
	    0);
	return left_out;
}

static void
ask(void)
{
	cpnp_path_query query;
	cpnp_diag diag;

	cpnp_path_query_default(&query);
	query.from = CPNP_BYTES_LIT("CHI");
	query.to = CPNP_BYTES_LIT("FRA");
	query.start.sec = fx_now() + HOUR;
	query.end.sec = query.start.sec + 2 * HOUR;
	query.issuer = CPNP_BYTES_LIT("bank");
	query.code = CPNP_BYTES_LIT("EUR");
	query.candidates = 4;
	cpnp_path_answer_del(answer);
	answer = NULL;
	ck_assert_msg(cpnp_path_find(graph, &query, &answer, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
}

static void
forget(void)
{
	cpnp_path_answer_del(answer);
	answer = NULL;
	cpnp_path_graph_del(graph);
	graph = NULL;
}

/* U14, N22: what domains publish is stitched together into a path. */
START_TEST(test_catalogue_becomes_a_path)
{
	cpnp_path_segment s;

	publish(PROV, "chi-nyc", "CHI", "NYC", 6500, 100);
	publish(SUPP, "nyc-fra", "NYC", "FRA", 36000, 400);
	ck_assert_uint_eq(fill(fx_now()), 0);
	ck_assert_uint_eq(cpnp_path_graph_count(graph), 2);
	ask();
	ck_assert_uint_eq(answer->path_n, 1);
	ck_assert_uint_eq(answer->paths[0].delay, 42500);
	ck_assert_int_eq(answer->paths[0].price, 1000); /* two hours */
	ck_assert_int_eq(
	    cpnp_path_graph_get(graph, answer->paths[0].segments[1], &s), 0);
	ck_assert(cpnp_bytes_equal(s.domain, CPNP_BYTES_LIT("supp")));
	ck_assert_uint_eq(s.seller.len, 0);
	ck_assert_uint_eq(s.price.exponent, 2);
	forget();
}
END_TEST

/* Entries expire: by the ledger's time, and at the time that is asked for. */
START_TEST(test_entries_expire)
{
	publish(PROV, "direct", "CHI", "FRA", 50000, 100);
	(void)fill(fx_now() + DAY - 1);
	ck_assert_uint_eq(cpnp_path_graph_count(graph), 1);
	(void)fill(fx_now() + DAY);
	ck_assert_uint_eq(cpnp_path_graph_count(graph), 0);
	forget();
}
END_TEST

/* N23: measured, not for sale. */
START_TEST(test_infinite_price_is_not_bought)
{
	publish(PROV, "probe", "CHI", "FRA", 50000, -1);
	(void)fill(fx_now());
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_SALE);
	forget();
}
END_TEST

/* Who promises no delay is not the fastest; a segment leads somewhere. */
START_TEST(test_useless_entries_are_left_out)
{
	publish(PROV, "silent", "CHI", "FRA", 0, 1);
	publish(PROV, "circle", "CHI", "CHI", 10, 1);
	publish(PROV, "slow", "CHI", "FRA", CPNP_PATH_DELAY_MAX + 1, 1);
	ck_assert_uint_eq(fill(fx_now()), 3);
	ck_assert_uint_eq(cpnp_path_graph_count(graph), 0);
	forget();
}
END_TEST

/* N6: a rating under the bound takes a party's offers out of path finding. */
START_TEST(test_rating_takes_offers_out)
{
	cpnp_settings settings;

	fx_teardown();
	cpnp_settings_default(&settings);
	settings.rating_start = 300;
	settings.rating_bound = 400;
	fx_start(&settings);
	publish(PROV, "direct", "CHI", "FRA", 50000, 100);
	(void)fill(fx_now());
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_RATING);
	forget();
}
END_TEST

/* N21: listed anonymously; it is ordered of the broker. */
START_TEST(test_pseudonym_has_a_seller)
{
	cpnp_path_segment s;
	cpnp_op op = fx_op(CPNP_OP_ACCOUNT_OPEN, BROKER);

	op.peer = w.actors[STRANGER].name;
	op.key = w.actors[STRANGER].spki;
	op.roles = CPNP_ROLE_PROVIDER;
	op.pseudonym = true;
	HAVE(op, PEER), HAVE(op, KEY), HAVE(op, ROLES), HAVE(op, PSEUDONYM);
	OK(op, BROKER);
	publish(STRANGER, "night", "CHI", "FRA", 50000, 100);
	(void)fill(fx_now());
	ck_assert_int_eq(cpnp_path_graph_get(graph, 0, &s), 0);
	ck_assert(cpnp_bytes_equal(s.seller, CPNP_BYTES_LIT("broker")));
	ck_assert(cpnp_bytes_equal(s.domain, CPNP_BYTES_LIT("stranger")));
	forget();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_catalogue_becomes_a_path,
	    test_entries_expire, test_infinite_price_is_not_bought,
	    test_useless_entries_are_left_out, test_rating_takes_offers_out,
	    test_pseudonym_has_a_seller};

	return fx_run(
	    "paths of a catalogue", tests, sizeof(tests) / sizeof(tests[0]));
}
