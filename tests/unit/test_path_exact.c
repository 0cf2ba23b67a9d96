/*
 * Random queries on small random graphs, against all paths that there are, one
 * by one: the answer has the best of them, in order; and when there is none,
 * the constraint that leaves none, and what would fit.
 *
 *	test_path_exact [SEED [ROUNDS]]
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>

#include <cpnp/path.h>

#include "../../ledger-bridge/journal/mem.h"
#include "unit.h"

#define START 1795248000
#define HOUR 3600
#define PLACES 8
#define DOMAINS 5
#define SEGMENTS 24
#define PATHS_MAX 100000
#define WHOLE UINT64_C(1000000000000)

struct found {
	int64_t price;
	uint64_t delay, hops, available, capacity;
};

static uint64_t seed = 1, rounds = 3000, round_no, state;

/* A failure names its seed. */
#define HOLDS(condition)                                                       \
	ck_assert_msg(condition, "seed %" PRIu64, seed + round_no)
static cpnp_path_graph *graph;
static cpnp_path_query query;
static cpnp_path_segment segments[SEGMENTS];
static uint32_t segment_n;
static cpnp_bytes avoid[2], pass[2];
static uint32_t without[2];

static struct found found[PATHS_MAX];
static size_t found_n;

static uint64_t
draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static cpnp_bytes
name(uint64_t number)
{
	static const char names[] = "abcdefghijklmnopqrstuvwxyz";

	return (cpnp_bytes){(const uint8_t *)names + number, 1};
}

static cpnp_bytes
domain(uint64_t number)
{
	return name(20 + number);
}

static void
make_graph(void)
{
	cpnp_path_segment *s;

	ck_assert_int_eq(cpnp_path_graph_new(&graph, &ledger_mem), 0);
	segment_n = (uint32_t)(1 + draw(SEGMENTS));
	for (uint32_t i = 0; i < segment_n; i++) {
		uint64_t from = draw(PLACES);

		s = &segments[i];
		cpnp_path_segment_default(s);
		s->id = name(i);
		s->domain = domain(draw(DOMAINS));
		if (draw(16) == 0)
			s->seller = CPNP_BYTES_LIT("broker");
		s->ingress = name(from);
		s->egress = name((from + 1 + draw(PLACES - 1)) % PLACES);
		s->delay = draw(6);
		s->capacity = 1 + draw(8);
		s->availability = 1000000 - (uint32_t)draw(3) * 1000;
		s->for_sale = draw(16) > 0;
		s->eligible = draw(16) > 0;
		s->price.amount = (int64_t)draw(6);
		s->price.code = draw(16) > 0 ? CPNP_BYTES_LIT("EUR")
					     : CPNP_BYTES_LIT("USD");
		s->period = draw(3) * HOUR;
		if (draw(16) == 0)
			s->to.sec = START + HOUR;
		ck_assert_int_eq(cpnp_path_graph_add(graph, s, NULL, NULL), 0);
	}
}

static void
make_query(void)
{
	cpnp_path_query_default(&query);
	query.from = name(0);
	query.to = name(1 + draw(PLACES - 1));
	query.start.sec = START;
	query.end.sec = START + HOUR + (int64_t)draw(HOUR);
	query.code = CPNP_BYTES_LIT("EUR");
	query.by = draw(2) > 0 ? CPNP_PATH_BY_PRICE : CPNP_PATH_BY_DELAY;
	query.candidates = 1 + draw(CPNP_PATH_CANDIDATES_MAX);
	if (draw(2) > 0)
		query.delay_max = draw(16);
	if (draw(2) > 0)
		query.price_max = (int64_t)draw(16);
	if (draw(4) == 0)
		query.hops_max = 1 + draw(PLACES);
	if (draw(4) == 0)
		query.availability_min = 1000000 - (uint32_t)draw(5) * 1000;
	if (draw(4) == 0)
		query.capacity = draw(10);
	query.avoid = avoid;
	query.avoid_n = draw(6) == 0 ? 1 + draw(2) : 0;
	query.pass = pass;
	query.pass_n = draw(3) == 0 ? 1 + draw(2) : 0;
	query.without = without;
	query.without_n = draw(6) == 0 ? 1 + draw(2) : 0;
	for (int i = 0; i < 2; i++) {
		avoid[i] = domain(draw(DOMAINS));
		pass[i] = domain(draw(DOMAINS));
		without[i] = (uint32_t)draw(segment_n);
	}
}

/* ---- All paths ------------------------------------------------------------
 */

static bool
is_named(const cpnp_bytes *list, size_t n, cpnp_bytes what)
{
	for (size_t i = 0; i < n; i++)
		if (cpnp_bytes_equal(list[i], what))
			return true;
	return false;
}

/* A constraint on one segment, once more. */
static bool
allows(uint32_t i, cpnp_path_reason reason)
{
	const cpnp_path_segment *s = &segments[i];

	if (reason == CPNP_PATH_REASON_RATING)
		return s->eligible;
	if (reason == CPNP_PATH_REASON_SALE)
		return s->for_sale;
	if (reason == CPNP_PATH_REASON_TOKEN)
		return s->price.amount == 0 || s->price.code.ptr[0] == 'E';
	if (reason == CPNP_PATH_REASON_WINDOW)
		return query.end.sec <= s->to.sec;
	if (reason == CPNP_PATH_REASON_WITHOUT)
		return query.without_n == 0 ||
		       (i != without[0] &&
			   (query.without_n == 1 || i != without[1]));
	if (reason == CPNP_PATH_REASON_AVOID)
		return query.avoid_n == 0 ||
		       (s->seller.len == 0 &&
			   !is_named(avoid, query.avoid_n, s->domain));
	return reason != CPNP_PATH_REASON_CAPACITY ||
	       s->capacity >= query.capacity;
}

static int64_t
cost(const cpnp_path_segment *s, cpnp_path_reason last)
{
	int64_t seconds = query.end.sec - query.start.sec;
	int64_t period = (int64_t)s->period;

	if (last < CPNP_PATH_REASON_TOKEN)
		return 0;
	return period == 0 ? s->price.amount
			   : (s->price.amount * seconds + period - 1) / period;
}

/* A whole path, under the constraints up to last. */
static bool
keeps(const struct found *f, unsigned passed, cpnp_path_reason last)
{
	if (last >= CPNP_PATH_REASON_HOPS && f->hops > query.hops_max)
		return false;
	if (last >= CPNP_PATH_REASON_PASS && passed != (1u << query.pass_n) - 1)
		return false;
	if (last >= CPNP_PATH_REASON_DELAY && f->delay > query.delay_max)
		return false;
	if (last >= CPNP_PATH_REASON_AVAILABILITY &&
	    f->available < query.availability_min * UINT64_C(1000000))
		return false;
	return last < CPNP_PATH_REASON_PRICE || f->price <= query.price_max;
}

static void
walk(cpnp_bytes at, struct found so_far, unsigned been, unsigned passed,
    cpnp_path_reason last)
{
	been |= 1u << (at.ptr[0] - 'a');
	if (cpnp_bytes_equal(at, query.to)) {
		ck_assert_uint_lt(found_n, PATHS_MAX);
		if (keeps(&so_far, passed, last))
			found[found_n++] = so_far;
		return;
	}
	for (uint32_t i = 0; i < segment_n; i++) {
		const cpnp_path_segment *s = &segments[i];
		struct found next = so_far;
		cpnp_path_reason r = CPNP_PATH_REASON_RATING;
		unsigned now = passed;

		if (!cpnp_bytes_equal(s->ingress, at) ||
		    (been & 1u << (s->egress.ptr[0] - 'a')) != 0)
			continue;
		while (r <= last && allows(i, r))
			r++;
		if (r <= last)
			continue;
		next.price += cost(s, last);
		next.delay += s->delay;
		next.hops++;
		next.available = next.available * s->availability / 1000000;
		if (s->capacity < next.capacity)
			next.capacity = s->capacity;
		for (size_t k = 0; k < query.pass_n; k++)
			if (cpnp_bytes_equal(pass[k], s->domain))
				now |= 1u << k;
		walk(s->egress, next, been, now, last);
	}
}

static int
in_order(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	bool by_price = query.by == CPNP_PATH_BY_PRICE;
	uint64_t xs[] = {by_price ? (uint64_t)x->price : x->delay,
	    by_price ? x->delay : (uint64_t)x->price, x->hops};
	uint64_t ys[] = {by_price ? (uint64_t)y->price : y->delay,
	    by_price ? y->delay : (uint64_t)y->price, y->hops};

	for (int i = 0; i < 3; i++)
		if (xs[i] != ys[i])
			return xs[i] < ys[i] ? -1 : 1;
	return 0;
}

static void
find_all(cpnp_path_reason last)
{
	found_n = 0;
	walk(query.from,
	    (struct found){.available = WHOLE, .capacity = UINT64_MAX}, 0, 0,
	    last);
	qsort(found, found_n, sizeof(found[0]), in_order);
}

/* ---- The answer against them --------------------------------------------- */

/* A path is one: from end to end, nowhere twice, and adds up. */
static struct found
check_path(const cpnp_path *path, cpnp_path_reason last)
{
	struct found sum = {.available = WHOLE, .capacity = UINT64_MAX};
	cpnp_bytes at = query.from;
	unsigned been = 1u << (at.ptr[0] - 'a');

	for (size_t i = 0; i < path->segment_n; i++) {
		const cpnp_path_segment *s = &segments[path->segments[i]];

		HOLDS(cpnp_bytes_equal(s->ingress, at));
		at = s->egress;
		HOLDS((been & 1u << (at.ptr[0] - 'a')) == 0);
		been |= 1u << (at.ptr[0] - 'a');
		sum.price += cost(s, last);
		sum.delay += s->delay;
		sum.hops++;
		sum.available = sum.available * s->availability / 1000000;
		if (s->capacity < sum.capacity)
			sum.capacity = s->capacity;
	}
	HOLDS(cpnp_bytes_equal(at, query.to));
	HOLDS(path->price == sum.price);
	HOLDS(path->delay == sum.delay);
	HOLDS(path->capacity == sum.capacity);
	HOLDS(path->availability == sum.available / 1000000);
	return sum;
}

static void
check_paths(const cpnp_path_answer *answer)
{
	size_t n = found_n < query.candidates ? found_n : query.candidates;

	HOLDS(answer->path_n == n);
	HOLDS(answer->complete);
	for (size_t i = 0; i < n; i++) {
		const cpnp_path *p = &answer->paths[i];
		struct found sum = check_path(p, CPNP_PATH_REASON_PRICE);

		HOLDS(in_order(&sum, &found[i]) == 0);
		for (size_t k = 0; k < i; k++) {
			const cpnp_path *q = &answer->paths[k];

			HOLDS(p->segment_n != q->segment_n ||
			      memcmp(p->segments, q->segments,
				  p->segment_n * sizeof(uint32_t)) != 0);
		}
	}
}

/* The value that a reason is about: the less the better. */
static uint64_t
value(const struct found *f, cpnp_path_reason reason)
{
	if (reason == CPNP_PATH_REASON_CAPACITY)
		return UINT64_MAX - f->capacity;
	if (reason == CPNP_PATH_REASON_HOPS)
		return f->hops;
	if (reason == CPNP_PATH_REASON_DELAY)
		return f->delay;
	if (reason == CPNP_PATH_REASON_AVAILABILITY)
		return UINT64_MAX - f->available;
	if (reason == CPNP_PATH_REASON_PRICE)
		return (uint64_t)f->price;
	return (uint64_t)(query.by == CPNP_PATH_BY_PRICE ? f->price
							 : (int64_t)f->delay);
}

static void
check_reason(const cpnp_path_answer *answer)
{
	cpnp_path_reason reason = CPNP_PATH_REASON_REACH;
	char text[CPNP_PATH_REASON_MAX];
	uint64_t best = UINT64_MAX;
	struct found nearest;

	for (; reason < CPNP_PATH_REASON_PRICE; reason++) {
		find_all(reason);
		if (found_n == 0)
			break;
	}
	cpnp_path_reason_format(graph, &query, answer, text);
	HOLDS(strncmp(text, "no path", 7) == 0);
	if (reason == CPNP_PATH_REASON_REACH) {
		HOLDS(answer->reason <= CPNP_PATH_REASON_REACH);
		return;
	}
	HOLDS(answer->reason == reason);
	if (reason == CPNP_PATH_REASON_PASS)
		return;
	find_all(reason - 1);
	for (size_t i = 0; i < found_n; i++)
		if (value(&found[i], reason) < best)
			best = value(&found[i], reason);
	nearest = check_path(&answer->nearest,
	    reason < CPNP_PATH_REASON_CAPACITY ? reason - 1 : reason);
	HOLDS(value(&nearest, reason) == best);
}

START_TEST(test_every_answer_is_the_best)
{
	uint64_t with = 0, several = 0;
	cpnp_path_answer *answer;
	cpnp_diag diag;

	for (round_no = 0; round_no < rounds; round_no++) {
		state = (seed + round_no) * UINT64_C(0x9e3779b97f4a7c15) | 1;
		for (int i = 0; i < 8; i++)
			(void)draw(2);
		make_graph();
		for (int i = 0; i < 8; i++) {
			make_query();
			ck_assert_msg(
			    cpnp_path_find(graph, &query, &answer, &diag) == 0,
			    "%s: %s", diag.where, diag.why);
			find_all(CPNP_PATH_REASON_PRICE);
			with += found_n > 0;
			several += found_n > 3;
			check_paths(answer);
			if (found_n == 0)
				check_reason(answer);
			cpnp_path_answer_del(answer);
		}
		cpnp_path_graph_del(graph);
	}
	/* what is tested is there */
	ck_assert_uint_gt(with, rounds / 4);
	ck_assert_uint_gt(several, rounds / 16);
}
END_TEST

int
main(int argc, char **argv)
{
	const TTest *const tests[] = {test_every_answer_is_the_best};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		rounds = strtoull(argv[2], NULL, 10);
	return unit_run("exact paths", tests, 1);
}
