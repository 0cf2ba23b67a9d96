/*
 * The calendar and the table of capacity, against a model that looks at each
 * moment.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../cpnpd/decision/calendar.h"
#include "../../cpnpd/decision/capacity.h"
#include "unit.h"

#define AT(t) ((cpnp_wtime){(t)})
#define END AT(CPNP_WTIME_MAX)

/* xorshift64, so that a failure comes again. */
static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

START_TEST(test_calendar_peak_of_overlapping_periods)
{
	cpnp_calendar c = {NULL, 0, 0};

	cpnp_calendar_add(&c, AT(10), AT(20), 5);
	cpnp_calendar_add(&c, AT(15), AT(30), 7);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(0), AT(10)), 0);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(0), AT(11)), 5);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(10), AT(15)), 5);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(10), AT(16)), 12);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(20), AT(99)), 7);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(30), END), 0);
	/* the end of one is the beginning of the next, not both at once */
	cpnp_calendar_add(&c, AT(30), END, 6);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(20), END), 7);
	cpnp_calendar_add(&c, AT(15), AT(30), -7);
	cpnp_calendar_add(&c, AT(10), AT(20), -5);
	cpnp_calendar_add(&c, AT(30), END, -6);
	ck_assert_int_eq(cpnp_calendar_peak(&c, AT(0), END), 0);
	ck_assert_ptr_null(c.root);
	cpnp_calendar_fini(&c);
}
END_TEST

#define MOMENTS 60
#define PERIODS 400

START_TEST(test_calendar_is_as_a_model_of_each_moment)
{
	struct { int64_t from, until, amount; bool is_there; } p[PERIODS];
	int64_t level[MOMENTS] = {0}, from, until, peak, t, past = 0;
	cpnp_calendar c = {NULL, 0, 0};
	size_t i, round;

	seed = 42;
	memset(p, 0, sizeof(p));
	for (round = 0; round < 20000; round++) {
		i = draw(PERIODS);
		if (!p[i].is_there) {
			p[i].from = (int64_t)draw(MOMENTS);
			p[i].until = p[i].from + 1 + (int64_t)draw(MOMENTS);
			p[i].amount = 1 + (int64_t)draw(100);
		}
		p[i].is_there = !p[i].is_there;
		ck_assert_int_eq(
		    cpnp_calendar_add(&c, AT(p[i].from), AT(p[i].until),
			p[i].is_there ? p[i].amount : -p[i].amount),
		    0);
		for (t = p[i].from; t < p[i].until && t < MOMENTS; t++)
			level[t] += p[i].is_there ? p[i].amount
						  : -p[i].amount;
		if (round % 4000 == 3999) {
			past += 5;
			cpnp_calendar_advance(&c, AT(past));
		}
		from = past + (int64_t)draw((uint64_t)(MOMENTS - past - 1));
		until = from + 1 +
		    (int64_t)draw((uint64_t)(MOMENTS - from - 1) + 1);
		for (t = from, peak = INT64_MIN; t < until && t < MOMENTS; t++)
			if (level[t] > peak)
				peak = level[t];
		ck_assert_int_eq(
		    cpnp_calendar_peak(&c, AT(from), AT(until)), peak);
	}
	cpnp_calendar_fini(&c);
}
END_TEST

static cpnp_store_hold
hold_of(const char *resource, int64_t from, int64_t until, int64_t amount)
{
	cpnp_store_hold h = {.from = AT(from), .until = AT(until),
		.amount = amount};

	snprintf(h.resource, sizeof(h.resource), "%s", resource);
	return h;
}

static const uint8_t *
ref_of(unsigned n)
{
	static uint8_t ref[CPNP_SHA256_LEN];

	memset(ref, 0, sizeof(ref));
	memcpy(ref, &n, sizeof(n));
	return ref;
}

static const cpnp_bytes alice = {(const uint8_t *)"alice", 5};
static const cpnp_bytes bob = {(const uint8_t *)"bob", 3};

START_TEST(test_capacity_hold_release_buy)
{
	cpnp_store_hold h = hold_of("place/A", 0, 100, 60), *rows;
	cpnp_capacity *c;
	size_t n;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	cpnp_capacity_set(c, "place/A", 100);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 100);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/B", AT(0), END), 0);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &h), 0);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 40);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(100), END), 100);
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 60);
	ck_assert_int_eq(cpnp_capacity_held(c, bob), 0);
	ck_assert(cpnp_capacity_take_changed(c, ref_of(1)));
	ck_assert(!cpnp_capacity_take_changed(c, ref_of(1)));
	ck_assert_int_eq(cpnp_capacity_rows(c, ref_of(1), &rows, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(rows[0].resource, "place/A");
	ck_assert_int_eq(rows[0].amount, 60);
	free(rows);

	/* bought: taken still, held no more, released by nothing here */
	cpnp_capacity_buy(c, ref_of(1));
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 0);
	cpnp_capacity_release(c, ref_of(1));
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 40);

	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(2), bob, &h), 0);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 0);
	cpnp_capacity_release(c, ref_of(2));
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 40);
	ck_assert_int_eq(cpnp_capacity_held(c, bob), 0);

	/* what was bought comes back as a row of the store */
	h.bought = true;
	ck_assert_int_eq(cpnp_capacity_give_back(c, &h), 0);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 100);
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 0);
	h.amount = 0;
	ck_assert_int_eq(cpnp_capacity_give_back(c, &h), CPNP_ERR_INVALID);

	cpnp_capacity_clear(c);
	ck_assert_int_eq(cpnp_capacity_free(c, "place/A", AT(0), END), 100);
	cpnp_capacity_del(c);
}
END_TEST

static int64_t
free_of(const cpnp_capacity *c, int64_t from, int64_t until)
{
	return cpnp_capacity_free(c, "place/A", AT(from), AT(until));
}

/* contradictions.md, 33: of an agreement and of what is offered in its place
 * the larger is taken at each moment, and one of them in the end. */
START_TEST(test_capacity_of_an_update)
{
	cpnp_store_hold h = hold_of("place/A", 0, 100, 60), *rows;
	cpnp_capacity *c;
	size_t n;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	cpnp_capacity_set(c, "place/A", 100);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &h), 0);
	ck_assert(!cpnp_capacity_is_known(c, ref_of(1)));
	cpnp_capacity_buy(c, ref_of(1));
	ck_assert(cpnp_capacity_is_known(c, ref_of(1)));

	/* its own rows do not count against it */
	cpnp_capacity_set_aside(c, ref_of(1));
	ck_assert_int_eq(free_of(c, 0, 100), 100);
	h = hold_of("place/A", 20, 50, 80);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &h), 0);
	ck_assert_int_eq(cpnp_capacity_join(c, ref_of(1)), 0);
	ck_assert_int_eq(free_of(c, 0, 20), 40);
	ck_assert_int_eq(free_of(c, 20, 50), 20);
	ck_assert_int_eq(free_of(c, 50, 100), 40);
	ck_assert_int_eq(free_of(c, 100, 200), 100);
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 20);
	ck_assert_int_eq(cpnp_capacity_held_by(c, ref_of(1)), 20);
	ck_assert(cpnp_capacity_take_changed(c, ref_of(1)));
	ck_assert_int_eq(cpnp_capacity_rows(c, ref_of(1), &rows, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert(rows[0].bought && !rows[1].bought);
	free(rows);
	/* nothing of it is forgotten now */
	cpnp_capacity_forget(c, ref_of(1));
	ck_assert(cpnp_capacity_is_known(c, ref_of(1)));

	/* it comes to nothing */
	ck_assert_int_eq(cpnp_capacity_release(c, ref_of(1)), 0);
	ck_assert_int_eq(free_of(c, 0, 100), 40);
	ck_assert_int_eq(free_of(c, 20, 50), 40);
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 0);

	/* a smaller one comes about */
	cpnp_capacity_set_aside(c, ref_of(1));
	h = hold_of("place/A", 0, 100, 10);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &h), 0);
	ck_assert_int_eq(cpnp_capacity_join(c, ref_of(1)), 0);
	ck_assert_int_eq(free_of(c, 0, 100), 40);
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 0);
	cpnp_capacity_buy(c, ref_of(1));
	ck_assert_int_eq(free_of(c, 0, 100), 90);
	ck_assert_int_eq(cpnp_capacity_rows(c, ref_of(1), &rows, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rows[0].amount, 10);
	free(rows);

	/* the order rests, is known again, and ends */
	cpnp_capacity_forget(c, ref_of(1));
	ck_assert(!cpnp_capacity_is_known(c, ref_of(1)));
	ck_assert_int_eq(free_of(c, 0, 100), 90);
	ck_assert_int_eq(cpnp_capacity_know(c, ref_of(1), alice, &h),
	    CPNP_ERR_INVALID);
	h.bought = true;
	ck_assert_int_eq(cpnp_capacity_know(c, ref_of(1), alice, &h), 0);
	ck_assert_int_eq(free_of(c, 0, 100), 90);
	cpnp_capacity_end(c, ref_of(1));
	ck_assert_int_eq(free_of(c, 0, 100), 100);
	cpnp_capacity_del(c);
}
END_TEST

/* As it comes from the store after a restart, whatever the rows are. */
START_TEST(test_capacity_of_an_update_that_is_loaded)
{
	cpnp_store_hold h;
	cpnp_capacity *c;
	int64_t level[2][64], want;
	unsigned dice = 1, round, i, kind, t;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	cpnp_capacity_set(c, "place/A", 1000000);
	for (round = 1; round <= 500; round++) {
		memset(level, 0, sizeof(level));
		for (i = 0; i < 1 + round % 7; i++) {
			dice = dice * 1103515245u + 12345u;
			kind = (dice >> 16) & 1;
			h = hold_of("place/A", (dice >> 8) % 40, 0,
			    1 + (dice >> 4) % 100);
			h.until.sec = h.from.sec + 1 + (dice >> 20) % 20;
			h.bought = kind == 1;
			ck_assert_int_eq(cpnp_capacity_hold(
			    c, ref_of(round), alice, &h), 0);
			for (t = (unsigned)h.from.sec;
			     t < (unsigned)h.until.sec; t++)
				level[kind][t] += h.amount;
		}
		ck_assert_int_eq(cpnp_capacity_join(c, ref_of(round)), 0);
		for (t = 0; t < 64; t++) {
			want = level[0][t] > level[1][t] ? level[0][t]
							 : level[1][t];
			ck_assert_int_eq(
			    free_of(c, t, t + 1), 1000000 - want);
		}
		if (round % 3 == 0) {
			ck_assert_int_eq(
			    cpnp_capacity_release(c, ref_of(round)), 0);
			for (t = 0; t < 64; t++)
				ck_assert_int_eq(free_of(c, t, t + 1),
				    1000000 - level[1][t]);
		} else if (round % 3 == 1) {
			cpnp_capacity_buy(c, ref_of(round));
			for (t = 0; t < 64; t++)
				ck_assert_int_eq(free_of(c, t, t + 1),
				    1000000 - level[0][t]);
		}
		cpnp_capacity_end(c, ref_of(round));
		ck_assert_int_eq(free_of(c, 0, 64), 1000000);
		ck_assert_int_eq(cpnp_capacity_held(c, alice), 0);
	}
	cpnp_capacity_del(c);
}
END_TEST

START_TEST(test_capacity_refuses_what_is_no_row)
{
	cpnp_store_hold none = hold_of("place/A", 0, 10, 0);
	cpnp_store_hold never = hold_of("place/A", 10, 10, 1);
	cpnp_capacity *c;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &none),
	    CPNP_ERR_INVALID);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &never),
	    CPNP_ERR_INVALID);
	cpnp_capacity_del(c);
}
END_TEST

START_TEST(test_capacity_rows_have_a_bound)
{
	cpnp_store_hold h = hold_of("place/A", 0, 10, 1);
	cpnp_capacity *c;
	int i;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	for (i = 0; i < CPNP_CAPACITY_ROWS_MAX; i++)
		ck_assert_int_eq(
		    cpnp_capacity_hold(c, ref_of(1), alice, &h), 0);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &h),
	    CPNP_ERR_FULL);
	ck_assert_int_eq(
	    cpnp_capacity_held(c, alice), CPNP_CAPACITY_ROWS_MAX);
	cpnp_capacity_release(c, ref_of(1));
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 0);
	cpnp_capacity_del(c);
}
END_TEST

START_TEST(test_capacity_of_many_orders)
{
	cpnp_store_hold h = hold_of("place/A", 0, 10, 1);
	cpnp_capacity *c;
	unsigned i;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	cpnp_capacity_set(c, "place/A", 1000000);
	for (i = 0; i < 10000; i++)
		ck_assert_int_eq(
		    cpnp_capacity_hold(c, ref_of(i), alice, &h), 0);
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 10000);
	for (i = 0; i < 10000; i += 2)
		cpnp_capacity_release(c, ref_of(i));
	ck_assert_int_eq(cpnp_capacity_held(c, alice), 5000);
	ck_assert_int_eq(
	    cpnp_capacity_free(c, "place/A", AT(0), END), 995000);
	cpnp_capacity_del(c);
}
END_TEST

/* A wall clock that was ahead for a while has not sold anything twice. */
START_TEST(test_capacity_of_a_clock_that_stepped)
{
	cpnp_store_hold h = hold_of("place/A", 100, 200, 7);
	cpnp_now now = {.mono = CPNP_SECONDS(1000), .wall = {50}};
	cpnp_capacity *c;

	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	cpnp_capacity_set(c, "place/A", 10);
	ck_assert_int_eq(cpnp_capacity_hold(c, ref_of(1), alice, &h), 0);
	cpnp_capacity_advance(c, now);
	now.mono += CPNP_SECONDS(100);
	now.wall.sec = 1000000;
	cpnp_capacity_advance(c, now);
	ck_assert_int_eq(
	    cpnp_capacity_free(c, "place/A", AT(150), AT(180)), 3);
	now.wall.sec = 151;
	cpnp_capacity_advance(c, now);
	ck_assert_int_eq(
	    cpnp_capacity_free(c, "place/A", AT(151), AT(180)), 3);
	now.mono += CPNP_SECONDS(60);
	now.wall.sec += 60;
	cpnp_capacity_advance(c, now);
	ck_assert_int_eq(
	    cpnp_capacity_free(c, "place/A", AT(211), AT(220)), 10);
	cpnp_capacity_del(c);
}
END_TEST

struct step_of {
	uint64_t priority;
	size_t place;
};

static int
by_priority(const void *a, const void *b)
{
	uint64_t x = ((const struct step_of *)a)->priority;
	uint64_t y = ((const struct step_of *)b)->priority;

	return x < y ? -1 : x > y;
}

/* Customers choose when a service begins.  One who knew the priorities of the
 * steps, here those of seed 0, would make a list of the tree: it would take
 * far longer than the time limit of a test. */
START_TEST(test_capacity_is_quick_at_hostile_times)
{
	enum { N = 30000 };
	static struct step_of steps[N];
	static int64_t times[N];
	uint64_t state = 0, z;
	cpnp_store_hold h;
	cpnp_capacity *c;
	size_t i;

	for (i = 0; i < N; i++) {
		z = state += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		steps[i] = (struct step_of){z ^ (z >> 31), i};
	}
	qsort(steps, N, sizeof(steps[0]), by_priority);
	for (i = 0; i < N; i++)
		times[steps[i].place] = (int64_t)i + 1000;
	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	for (i = 0; i < N; i++) {
		h = hold_of("place/A", 0, 0, 1);
		h.from.sec = times[i];
		h.until = END;
		ck_assert_int_eq(cpnp_capacity_hold(
		    c, ref_of((unsigned)i), alice, &h), 0);
	}
	ck_assert_int_eq(cpnp_capacity_held(c, alice), N);
	cpnp_capacity_del(c);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_calendar_peak_of_overlapping_periods,
		test_calendar_is_as_a_model_of_each_moment,
		test_capacity_hold_release_buy,
		test_capacity_of_an_update,
		test_capacity_of_an_update_that_is_loaded,
		test_capacity_refuses_what_is_no_row,
		test_capacity_rows_have_a_bound,
		test_capacity_of_many_orders,
		test_capacity_of_a_clock_that_stepped,
		test_capacity_is_quick_at_hostile_times,
	};

	return unit_run("capacity", tests, sizeof(tests) / sizeof(tests[0]));
}
