/*
 * Paths over segments: graphs that were thought out, reasons and bounds.  That
 * the search is exact is in test_path_exact.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cpnp/path.h>

#include "../../ledger-bridge/journal/mem.h"
#include "unit.h"

#define START 1795248000
#define HOUR 3600

static cpnp_path_graph *graph;
static cpnp_path_answer *answer;
static cpnp_path_query query;
static char text[CPNP_PATH_REASON_MAX];

static void
setup(void)
{
	ck_assert_int_eq(cpnp_path_graph_new(&graph, &ledger_mem), 0);
	cpnp_path_query_default(&query);
	query.from = CPNP_BYTES_LIT("A");
	query.to = CPNP_BYTES_LIT("Z");
	query.start.sec = START;
	query.end.sec = START + HOUR;
	query.code = CPNP_BYTES_LIT("EUR");
	query.issuer = CPNP_BYTES_LIT("bank");
	answer = NULL;
}

static void
teardown(void)
{
	cpnp_path_answer_del(answer);
	cpnp_path_graph_del(graph);
	answer = NULL;
	graph = NULL;
}

static cpnp_path_segment
segment(const char *domain, const char *id, const char *from, const char *to)
{
	cpnp_path_segment s;

	cpnp_path_segment_default(&s);
	s.domain = cpnp_bytes_str(domain);
	s.id = cpnp_bytes_str(id);
	s.ingress = cpnp_bytes_str(from);
	s.egress = cpnp_bytes_str(to);
	s.capacity = 10000000000;
	s.price = (cpnp_money){.code = CPNP_BYTES_LIT("EUR"),
	    .issuer = CPNP_BYTES_LIT("bank"),
	    .exponent = 2};
	return s;
}

static uint32_t
add(const cpnp_path_segment *s)
{
	cpnp_diag diag;
	uint32_t index;

	ck_assert_msg(cpnp_path_graph_add(graph, s, &index, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	return index;
}

static uint32_t
link_ab(const char *domain, const char *from, const char *to, uint64_t delay,
    int64_t price)
{
	cpnp_path_segment s = segment(domain, from, from, to);
	char id[64];

	(void)snprintf(id, sizeof(id), "%s-%s-%zu", from, to,
	    cpnp_path_graph_count(graph));
	s.id = cpnp_bytes_str(id);
	s.delay = delay;
	s.price.amount = price;
	return add(&s);
}

static void
ask(void)
{
	cpnp_diag diag;

	cpnp_path_answer_del(answer);
	answer = NULL;
	ck_assert_msg(cpnp_path_find(graph, &query, &answer, &diag) == 0,
	    "%s: %s", diag.where, diag.why);
	cpnp_path_reason_format(graph, &query, answer, text);
}

static void
refused(cpnp_path_reason reason, const char *sentence)
{
	ask();
	ck_assert_uint_eq(answer->path_n, 0);
	ck_assert_str_eq(text, sentence);
	ck_assert_str_eq(cpnp_path_reason_name(answer->reason),
	    cpnp_path_reason_name(reason));
}

/* Cheap and slow over d1, dear and fast over d2 and d3. */
static void
two_ways(void)
{
	link_ab("d1", "A", "B", 9000, 100);
	link_ab("d1", "B", "Z", 11000, 200);
	link_ab("d2", "A", "C", 7100, 900);
	link_ab("d3", "C", "Z", 8100, 850);
}

START_TEST(test_cheapest_and_fastest)
{
	cpnp_path_segment s;

	two_ways();
	query.candidates = 5;
	ask();
	ck_assert_uint_eq(answer->path_n, 2);
	ck_assert(answer->complete);
	ck_assert_int_eq(answer->paths[0].price, 300);
	ck_assert_uint_eq(answer->paths[0].delay, 20000);
	ck_assert_uint_eq(answer->paths[0].capacity, 10000000000);
	ck_assert_uint_eq(answer->paths[0].availability, CPNP_PPM);
	ck_assert_uint_eq(answer->paths[1].segment_n, 2);
	ck_assert_int_eq(
	    cpnp_path_graph_get(graph, answer->paths[1].segments[1], &s), 0);
	ck_assert(cpnp_bytes_equal(s.domain, CPNP_BYTES_LIT("d3")));
	query.by = CPNP_PATH_BY_DELAY;
	ask();
	ck_assert_uint_eq(answer->paths[0].delay, 15200);
	ck_assert_str_eq(text, "there is a path");
}
END_TEST

/* Every refusal explains itself: what was asked, what would fit, and who. */
START_TEST(test_reasons_on_the_whole)
{
	two_ways();
	query.delay_max = 12000;
	refused(CPNP_PATH_REASON_DELAY, "no path within 12 ms: the fastest "
					"takes 15.2 ms, through d2, d3");
	ck_assert_uint_eq(answer->nearest.delay, 15200);
	query.delay_max = 16000;
	query.price_max = 1000;
	refused(CPNP_PATH_REASON_PRICE, "no path for 10.00 EUR: the cheapest "
					"costs 17.50 EUR, through d2, d3");
	query.delay_max = UINT64_MAX;
	query.price_max = 299;
	refused(CPNP_PATH_REASON_PRICE, "no path for 2.99 EUR: the cheapest "
					"costs 3.00 EUR, through d1");
	query.price_max = INT64_MAX;
	query.capacity = 10000000001;
	refused(CPNP_PATH_REASON_CAPACITY,
	    "no path with 10.000000001 Gbit/s: the widest has 10 Gbit/s, "
	    "through d1");
	query.capacity = 0;
	query.hops_max = 1;
	refused(CPNP_PATH_REASON_HOPS, "no path of at most 1 segments: the "
				       "shortest has 2, through d1");
}
END_TEST

START_TEST(test_reason_places)
{
	refused(CPNP_PATH_REASON_FROM, "no path: no segment begins at A");
	link_ab("d1", "A", "B", 1, 1);
	refused(CPNP_PATH_REASON_TO, "no path: no segment ends at Z");
	link_ab("d1", "C", "Z", 1, 1);
	refused(
	    CPNP_PATH_REASON_REACH, "no path: no segments lead from A to Z");
	/* a segment leads one way */
	link_ab("d1", "C", "B", 1, 1);
	refused(
	    CPNP_PATH_REASON_REACH, "no path: no segments lead from A to Z");
}
END_TEST

/* N6: a domain whose rating is under the bound is not used. */
START_TEST(test_reason_rating)
{
	cpnp_path_segment s = segment("bad", "1", "A", "Z");

	s.eligible = false;
	add(&s);
	refused(CPNP_PATH_REASON_RATING,
	    "no path: the rating of bad is under the bound; but for that the "
	    "best leads through bad");
}
END_TEST

/* N23: a price of infinity. */
START_TEST(test_reason_sale)
{
	cpnp_path_segment s = segment("d1", "probe", "A", "Z");

	s.for_sale = false;
	add(&s);
	refused(CPNP_PATH_REASON_SALE,
	    "no path: segment probe of d1 is measured and not for sale; but "
	    "for that the best leads through d1");
}
END_TEST

START_TEST(test_reason_token)
{
	cpnp_path_segment s = segment("d1", "1", "A", "Z");
	cpnp_money token;

	s.price.code = CPNP_BYTES_LIT("USD");
	s.price.amount = 5;
	add(&s);
	ck_assert_int_eq(cpnp_path_graph_token(graph, 0, &token), 0);
	ck_assert(cpnp_bytes_equal(token.code, s.price.code));
	ck_assert_int_eq(
	    cpnp_path_graph_token(graph, 1, &token), CPNP_ERR_NOT_FOUND);
	refused(CPNP_PATH_REASON_TOKEN,
	    "no path: segment 1 of d1 is sold in USD of bank; but for that "
	    "the best leads through d1");
	query.code = CPNP_BYTES_LIT("USD");
	ask();
	ck_assert_int_eq(answer->paths[0].price, 5);
	/* of another issuer it is another token */
	query.issuer = CPNP_BYTES_LIT("other");
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_TOKEN);
}
END_TEST

/* N21: capacity is sold for a time; the whole of ours has to be in it. */
START_TEST(test_reason_window)
{
	cpnp_path_segment s = segment("d1", "night", "A", "Z");

	s.from.sec = START;
	s.to.sec = START + HOUR;
	add(&s);
	ask();
	ck_assert_uint_eq(answer->path_n, 1);
	query.end.sec++;
	refused(CPNP_PATH_REASON_WINDOW,
	    "no path: segment night of d1 cannot be had all that time; but "
	    "for that the best leads through d1");
	query.end.sec--;
	query.start.sec--;
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_WINDOW);
}
END_TEST

/* RFC 7297 §3.10: whose networks are crossed. */
START_TEST(test_avoid_and_pass)
{
	cpnp_bytes d1 = CPNP_BYTES_LIT("d1"), d3 = CPNP_BYTES_LIT("d3");
	cpnp_bytes both[] = {d1, d3};
	cpnp_path_segment s = segment("nym", "1", "A", "Z");

	two_ways();
	query.avoid = &d1;
	query.avoid_n = 1;
	ask();
	ck_assert_int_eq(answer->paths[0].price, 1750);
	/* whose a pseudonym's network is nobody can say */
	s.seller = CPNP_BYTES_LIT("broker");
	add(&s);
	ask();
	ck_assert_int_eq(answer->paths[0].price, 1750);
	query.avoid = both;
	query.avoid_n = 2;
	refused(CPNP_PATH_REASON_AVOID,
	    "no path: nym is a pseudonym, which may be of a domain to be "
	    "avoided; but for that the best leads through nym");
	query.avoid_n = 0;
	query.pass = &d3;
	query.pass_n = 1;
	ask();
	ck_assert_int_eq(answer->paths[0].price, 1750);
	query.pass = both;
	query.pass_n = 2;
	refused(CPNP_PATH_REASON_PASS, "no path passes through d1, d3");
}
END_TEST

/* A way in a circle would pass the domain for less; no path goes in one. */
START_TEST(test_pass_without_a_circle)
{
	cpnp_bytes d9 = CPNP_BYTES_LIT("d9");

	link_ab("d1", "A", "B", 1, 1);
	link_ab("d1", "B", "Z", 1, 1);
	link_ab("d9", "B", "C", 1, 1);
	link_ab("d1", "C", "B", 1, 1);
	query.pass = &d9;
	query.pass_n = 1;
	refused(CPNP_PATH_REASON_PASS, "no path passes through d9");
	link_ab("d1", "C", "Z", 1, 90);
	ask();
	ck_assert_int_eq(answer->paths[0].price, 92);
}
END_TEST

START_TEST(test_without_a_segment)
{
	uint32_t refused_one;

	two_ways();
	refused_one = link_ab("d4", "A", "Z", 1, 1);
	ask();
	ck_assert_int_eq(answer->paths[0].price, 1);
	query.without = &refused_one;
	query.without_n = 1;
	ask();
	ck_assert_int_eq(answer->paths[0].price, 300);
}
END_TEST

START_TEST(test_availability)
{
	cpnp_path_segment s = segment("d1", "1", "A", "B");

	s.availability = 999000;
	add(&s);
	s = segment("d2", "2", "B", "Z");
	s.availability = 999000;
	add(&s);
	ask();
	ck_assert_uint_eq(answer->paths[0].availability, 998001);
	query.availability_min = 998002;
	refused(CPNP_PATH_REASON_AVAILABILITY,
	    "no path that is available 99.8002 % of the time: the best is for "
	    "99.8001 %, through d1, d2");
	query.availability_min = 998001;
	ask();
	ck_assert_uint_eq(answer->path_n, 1);
}
END_TEST

START_TEST(test_cost_of_a_time)
{
	cpnp_path_segment s = segment("d1", "1", "A", "Z");
	cpnp_wtime start = {START}, end = {START + HOUR + 1};
	int64_t cost;

	s.price.amount = 3600;
	ck_assert_int_eq(cpnp_path_segment_cost(&s, start, end, &cost), 0);
	ck_assert_int_eq(cost, 3600); /* of the whole */
	s.period = HOUR;
	ck_assert_int_eq(cpnp_path_segment_cost(&s, start, end, &cost), 0);
	ck_assert_int_eq(cost, 3601);
	s.price.amount = 1;
	ck_assert_int_eq(cpnp_path_segment_cost(&s, start, end, &cost), 0);
	ck_assert_int_eq(cost, 2); /* rounded up */
	s.price.amount = INT64_MAX;
	ck_assert_int_eq(
	    cpnp_path_segment_cost(&s, start, end, &cost), CPNP_ERR_RANGE);
	end.sec = START + HOUR;
	ck_assert_int_eq(cpnp_path_segment_cost(&s, start, end, &cost), 0);
	ck_assert_int_eq(cost, INT64_MAX);
	end = start;
	ck_assert_int_eq(
	    cpnp_path_segment_cost(&s, start, end, &cost), CPNP_ERR_INVALID);
	end.sec = START + CPNP_SERVICE_SECONDS_MAX + 1;
	ck_assert_int_eq(
	    cpnp_path_segment_cost(&s, start, end, &cost), CPNP_ERR_INVALID);
}
END_TEST

/* Sums beyond an int64_t are dearer than anything, and do not wrap. */
START_TEST(test_prices_do_not_overflow)
{
	link_ab("d1", "A", "B", 1, INT64_MAX);
	link_ab("d1", "B", "Z", 1, 1);
	query.by = CPNP_PATH_BY_DELAY;
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_PRICE);
	ck_assert_int_eq(answer->nearest.price, INT64_MAX);
	link_ab("d1", "A", "C", 5, INT64_MAX - 1);
	link_ab("d1", "C", "Z", 5, 1);
	ask();
	ck_assert_uint_eq(answer->path_n, 1);
	ck_assert_int_eq(answer->paths[0].price, INT64_MAX);
}
END_TEST

#define BAD_SEGMENT(field, value)                                              \
	do {                                                                   \
		cpnp_path_segment bad = segment("d", "1", "A", "Z");           \
		cpnp_diag bad_diag;                                            \
		bad.field = value;                                             \
		ck_assert_int_eq(                                              \
		    cpnp_path_graph_add(graph, &bad, NULL, &bad_diag),         \
		    CPNP_ERR_INVALID);                                         \
		ck_assert_uint_gt(strlen(bad_diag.why), 0);                    \
		ck_assert_uint_eq(cpnp_path_graph_count(graph), 0);            \
	} while (0)

START_TEST(test_segment_limits)
{
	static uint8_t name[CPNP_PATH_NAME_MAX + 1];
	cpnp_bytes longest = {name, CPNP_PATH_NAME_MAX};
	cpnp_bytes longer = {name, CPNP_PATH_NAME_MAX + 1};
	cpnp_path_segment s = segment("d", "1", "A", "Z");
	cpnp_diag diag;

	BAD_SEGMENT(id, longer);
	BAD_SEGMENT(id, CPNP_BYTES_NONE);
	BAD_SEGMENT(domain, longer);
	BAD_SEGMENT(domain, CPNP_BYTES_NONE);
	BAD_SEGMENT(seller, longer);
	BAD_SEGMENT(ingress, longer);
	BAD_SEGMENT(ingress, CPNP_BYTES_NONE);
	BAD_SEGMENT(egress, longer);
	BAD_SEGMENT(egress, s.ingress);
	BAD_SEGMENT(delay, (uint64_t)CPNP_PATH_DELAY_MAX + 1);
	BAD_SEGMENT(availability, CPNP_PPM + 1);
	BAD_SEGMENT(from.sec, CPNP_WTIME_MAX);
	BAD_SEGMENT(to.sec, (int64_t)CPNP_WTIME_MAX + 1);
	BAD_SEGMENT(period, CPNP_SERVICE_SECONDS_MAX + 1);
	BAD_SEGMENT(price.amount, -1);
	BAD_SEGMENT(price.exponent, CPNP_TOKEN_EXPONENT_MAX + 1);
	s.price.code = CPNP_BYTES_NONE;
	s.price.amount = 1;
	ck_assert_int_eq(
	    cpnp_path_graph_add(graph, &s, NULL, NULL), CPNP_ERR_INVALID);
	s = segment("d", "1", "A", "Z");
	s.id = s.domain = s.seller = s.egress = longest;
	s.delay = CPNP_PATH_DELAY_MAX;
	s.period = CPNP_SERVICE_SECONDS_MAX;
	add(&s);
	ck_assert_int_eq(
	    cpnp_path_graph_add(graph, &s, NULL, &diag), CPNP_ERR_EXISTS);
	s.domain = CPNP_BYTES_LIT("e");
	s.price.exponent = 3; /* EUR of bank has two digits */
	ck_assert_int_eq(
	    cpnp_path_graph_add(graph, &s, NULL, &diag), CPNP_ERR_INVALID);
	ck_assert_str_eq(diag.where, "price");
}
END_TEST

START_TEST(test_graph_is_bounded)
{
	cpnp_path_segment s = segment("d", "1", "A", "Z");
	uint32_t i;
	cpnp_diag diag;

	s.id = (cpnp_bytes){(const uint8_t *)&i, sizeof(i)};
	for (i = 0; i < CPNP_PATH_SEGMENTS_MAX; i++)
		ck_assert_int_eq(cpnp_path_graph_add(graph, &s, NULL, NULL), 0);
	ck_assert_int_eq(
	    cpnp_path_graph_add(graph, &s, NULL, &diag), CPNP_ERR_FULL);
	ck_assert_int_eq(diag.err, CPNP_ERR_FULL);
	ck_assert_int_eq(cpnp_path_graph_get(graph, i, &s), CPNP_ERR_INVALID);
	/* each search begins with all of them: there is no effort for 32 */
	query.candidates = CPNP_PATH_CANDIDATES_MAX;
	ask();
	ck_assert_uint_ge(answer->path_n, 8);
	ck_assert(!answer->complete);
	query.candidates = 8;
	ask();
	ck_assert_uint_eq(answer->path_n, 8);
	ck_assert(answer->complete);
}
END_TEST

#define BAD_QUERY(field, value)                                                \
	do {                                                                   \
		cpnp_path_query bad = query;                                   \
		cpnp_path_answer *none;                                        \
		cpnp_diag bad_diag;                                            \
		bad.field = value;                                             \
		ck_assert_int_eq(                                              \
		    cpnp_path_find(graph, &bad, &none, &bad_diag),             \
		    CPNP_ERR_INVALID);                                         \
		ck_assert_ptr_null(none);                                      \
		ck_assert_uint_gt(strlen(bad_diag.why), 0);                    \
	} while (0)

START_TEST(test_query_limits)
{
	static uint8_t name[CPNP_PATH_NAME_MAX + 1];
	static cpnp_bytes names[CPNP_PATH_AVOID_MAX + 1];
	static uint32_t numbers[CPNP_PATH_AVOID_MAX + 1];
	cpnp_bytes longer = {name, CPNP_PATH_NAME_MAX + 1};
	size_t i;

	for (i = 0; i < CPNP_PATH_AVOID_MAX; i++)
		names[i] = CPNP_BYTES_LIT("d");
	query.avoid = query.pass = names;
	query.without = numbers;
	BAD_QUERY(from, longer);
	BAD_QUERY(to, CPNP_BYTES_NONE);
	BAD_QUERY(to, query.from);
	BAD_QUERY(end, query.start);
	BAD_QUERY(end.sec, START + CPNP_SERVICE_SECONDS_MAX + 1);
	BAD_QUERY(start.sec, (int64_t)CPNP_WTIME_MIN - 1);
	BAD_QUERY(price_max, -1);
	BAD_QUERY(availability_min, CPNP_PPM + 1);
	BAD_QUERY(hops_max, 0);
	BAD_QUERY(hops_max, CPNP_PATH_HOPS_MAX + 1);
	BAD_QUERY(candidates, 0);
	BAD_QUERY(candidates, CPNP_PATH_CANDIDATES_MAX + 1);
	BAD_QUERY(by, (cpnp_path_by)0);
	BAD_QUERY(avoid_n, CPNP_PATH_AVOID_MAX + 1);
	BAD_QUERY(pass_n, CPNP_PATH_PASS_MAX + 1);
	BAD_QUERY(without_n, CPNP_PATH_AVOID_MAX + 1);
	query.avoid_n = query.without_n = CPNP_PATH_AVOID_MAX;
	query.pass_n = CPNP_PATH_PASS_MAX;
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_FROM);
	names[0] = CPNP_BYTES_NONE;
	BAD_QUERY(avoid_n, 1);
}
END_TEST

START_TEST(test_longest_path)
{
	char from[16] = "A", to[16];
	int i;

	for (i = 0; i < CPNP_PATH_HOPS_MAX; i++) {
		(void)snprintf(to, sizeof(to),
		    i == CPNP_PATH_HOPS_MAX - 1 ? "Z" : "n%d", i);
		link_ab("d", from, to, CPNP_PATH_DELAY_MAX, 1);
		memcpy(from, to, sizeof(from));
	}
	ask();
	ck_assert_uint_eq(answer->paths[0].segment_n, CPNP_PATH_HOPS_MAX);
	query.to = CPNP_BYTES_LIT("Y");
	link_ab("d", "Z", "Y", 1, 1);
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_HOPS);
	ck_assert_uint_eq(answer->nearest.segment_n, CPNP_PATH_HOPS_MAX + 1);
}
END_TEST

/* 2^24 ways, none better than another in both: a catalogue made to keep us
 * busy is given up, and soon. */
START_TEST(test_effort_is_bounded)
{
	cpnp_bytes last = CPNP_BYTES_LIT("last");
	char from[16] = "A", to[16];
	int i;

	for (i = 0; i < 24; i++) {
		(void)snprintf(to, sizeof(to), i == 23 ? "Z" : "n%d", i);
		link_ab("d", from, to, UINT64_C(1) << i, 1 << (23 - i));
		link_ab("e", from, to, 0, (1 << i) + (1 << (23 - i)));
		memcpy(from, to, sizeof(from));
	}
	query.delay_max = 0x5a5a5a;
	ask();
	ck_assert_uint_eq(answer->path_n, 0);
	ck_assert(!answer->complete);
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_EFFORT);
	ck_assert_ptr_nonnull(strstr(text, "not decided"));
	/* and with a domain to pass at the end of all of them */
	query.to = CPNP_BYTES_LIT("Y");
	query.pass = &last;
	query.pass_n = 1;
	link_ab("last", "Z", "Y", 0, 1);
	link_ab("d", "Z", "Y", 0, 0);
	ask();
	ck_assert_int_eq(answer->reason, CPNP_PATH_REASON_EFFORT);
}
END_TEST

/* ---- Memory -------------------------------------------------------------- */

static long allocations_left, in_use;

static void *
weak_realloc(void *user, void *ptr, size_t size)
{
	void *out;

	(void)user;
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	out = realloc(ptr, size);
	in_use += ptr == NULL && out != NULL;
	return out;
}

static void *
weak_alloc(void *user, size_t size)
{
	return weak_realloc(user, NULL, size);
}

static void
weak_free(void *user, void *ptr)
{
	(void)user;
	in_use -= ptr != NULL;
	free(ptr);
}

static int
build_and_ask(const cpnp_mem *mem)
{
	cpnp_path_graph *weak = NULL;
	cpnp_path_answer *a = NULL;
	cpnp_path_segment s;
	int err = cpnp_path_graph_new(&weak, mem), i;
	char id[16];

	for (i = 0; i < 70 && err == 0; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		s = segment(
		    "d", id, i % 2 == 0 ? "A" : "B", i % 2 == 0 ? "B" : "Z");
		err = cpnp_path_graph_add(weak, &s, NULL, NULL);
	}
	query.delay_max = UINT64_MAX;
	query.candidates = 3;
	if (err == 0)
		err = cpnp_path_find(weak, &query, &a, NULL);
	cpnp_path_answer_del(a);
	query.capacity = UINT64_MAX;
	if (err == 0)
		err = cpnp_path_find(weak, &query, &a, NULL);
	cpnp_path_answer_del(a);
	query.capacity = 0;
	cpnp_path_graph_del(weak);
	return err;
}

START_TEST(test_no_memory)
{
	cpnp_mem mem = {NULL, weak_alloc, weak_realloc, weak_free};
	long n;
	int err = CPNP_ERR_NOMEM;

	for (n = 0; err != 0; n++) {
		allocations_left = n;
		err = build_and_ask(&mem);
		ck_assert(err == 0 || err == CPNP_ERR_NOMEM);
		ck_assert_int_eq(in_use, 0);
	}
	ck_assert_int_gt(n, 100);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_cheapest_and_fastest,
	    test_reasons_on_the_whole, test_reason_places, test_reason_rating,
	    test_reason_sale, test_reason_token, test_reason_window,
	    test_avoid_and_pass, test_pass_without_a_circle,
	    test_without_a_segment, test_availability, test_cost_of_a_time,
	    test_prices_do_not_overflow, test_segment_limits,
	    test_graph_is_bounded, test_query_limits, test_longest_path,
	    test_effort_is_bounded, test_no_memory};

	return unit_run_with("path", tests, sizeof(tests) / sizeof(tests[0]),
	    setup, teardown, 60);
}
