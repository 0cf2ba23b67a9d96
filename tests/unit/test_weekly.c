/*
 * Values by the hour of the week, and capacity that is there at some hours
 * only (N21), against a model that looks at each half hour.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../../cpnpd/decision/capacity.h"
#include "../../cpnpd/decision/weekly.h"
#include "unit.h"

#define AT(t) ((cpnp_wtime){(t)})
#define MONDAY INT64_C(1795996800) /* 2026-11-30T00:00:00Z */
#define HOUR INT64_C(3600)
#define SLOT INT64_C(1800)
#define SLOTS (21 * 48) /* less than CPNP_CAPACITY_SCHEDULE_MAX */

static uint64_t seed;

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

START_TEST(test_weekly_nights_and_weekends)
{
	cpnp_weekly w = {.n = 0};
	cpnp_wtime until;

	ck_assert_uint_eq(cpnp_weekly_at(&w, 5, AT(MONDAY), &until), 5);
	ck_assert_int_eq(until.sec, CPNP_WTIME_MAX);
	/* every night, that of Sunday into Monday too */
	ck_assert_int_eq(cpnp_weekly_add(&w, CPNP_WEEKLY_EVERY_DAY, 22 * 3600,
			     6 * 3600, 50), 0);
	ck_assert_uint_eq(w.n, 8);
	ck_assert_uint_eq(cpnp_weekly_at(&w, 100, AT(MONDAY), &until), 50);
	ck_assert_int_eq(until.sec, MONDAY + 6 * HOUR);
	ck_assert_uint_eq(cpnp_weekly_at(&w, 100, until, &until), 100);
	ck_assert_int_eq(until.sec, MONDAY + 22 * HOUR);
	ck_assert_uint_eq(cpnp_weekly_at(&w, 100, AT(MONDAY - 1), &until), 50);
	/* eight hours of 24 at half the value */
	ck_assert_uint_eq(cpnp_weekly_sum(&w, 100, AT(MONDAY + 12 * HOUR),
			      AT(MONDAY + 36 * HOUR)),
	    16 * 3600 * 100 + 8 * 3600 * 50);
	ck_assert_uint_eq(cpnp_weekly_sum(&w, 100, AT(MONDAY), AT(MONDAY)),
	    0);
	/* before 1970 too */
	ck_assert_uint_eq(cpnp_weekly_at(&w, 100,
			      AT(MONDAY - 3500 * (int64_t)CPNP_WEEK),
			      &until), 50);
	/* what meets other hours is refused whole */
	ck_assert_int_eq(cpnp_weekly_add(&w, 0x60, 5 * 3600, 7 * 3600, 1),
	    CPNP_ERR_EXISTS);
	ck_assert_uint_eq(w.n, 8);
	ck_assert_int_eq(cpnp_weekly_add(&w, 0x60, 6 * 3600, 22 * 3600, 80),
	    0);
	ck_assert_uint_eq(cpnp_weekly_at(&w, 100,
			      AT(MONDAY + 5 * CPNP_DAY + 6 * HOUR), &until),
	    80);
}
END_TEST

START_TEST(test_weekly_has_a_bound)
{
	cpnp_weekly w = {.n = 0};
	uint32_t i;

	for (i = 0; i < CPNP_WEEKLY_SPANS_MAX; i++)
		ck_assert_int_eq(
		    cpnp_weekly_add(&w, 1, i * 60, i * 60 + 30, 1), 0);
	ck_assert_int_eq(
	    cpnp_weekly_add(&w, 1, i * 60, i * 60 + 30, 1), CPNP_ERR_FULL);
	ck_assert_uint_eq(w.n, CPNP_WEEKLY_SPANS_MAX);
}
END_TEST

START_TEST(test_weekly_days_in_words)
{
	static const struct {
		const char *text;
		unsigned days; /* 0: wrong */
	} table[] = {{"mon", 1}, {"mon-fri", 0x1f}, {"sat, sun", 0x60},
	    {" mon , wed-thu ", 0x0d}, {"sun-mon", 0}, {"", 0}, {"mo", 0},
	    {"monday", 0}, {"mon,", 0}, {"mon-", 0}, {"mon fri", 0}};
	unsigned days;
	size_t i;
	bool ok;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		ok = cpnp_weekly_days(table[i].text, &days);
		ck_assert_msg(ok == (table[i].days != 0) &&
			(!ok || days == table[i].days), "%s",
		    table[i].text);
	}
}
END_TEST

/* ---- capacity ---- */

static int64_t there[SLOTS], taken[SLOTS];

static int64_t
least(size_t from, size_t until)
{
	int64_t min = INT64_MAX;

	for (; from < until; from++)
		if (there[from] - taken[from] < min)
			min = there[from] - taken[from];
	return min < 0 ? 0 : min;
}

static void
check_window(const cpnp_capacity *c, size_t from, size_t until)
{
	const cpnp_wtime start = AT(MONDAY + (int64_t)from * SLOT);
	const cpnp_wtime end = AT(MONDAY + (int64_t)until * SLOT);
	int64_t want = 1 + (int64_t)draw(160);
	size_t last = SIZE_MAX, i;
	cpnp_wtime later;

	ck_assert_int_eq(
	    cpnp_capacity_free(c, "link/x", start, end), least(from, until));
	for (i = from; i < until; i++)
		if (there[i] - taken[i] < want)
			last = i;
	ck_assert_int_eq(
	    cpnp_capacity_lacks(c, "link/x", want, start, end, &later),
	    last != SIZE_MAX);
	if (last == SIZE_MAX)
		return;
	/* behind the last that lacks, and everything up to it does */
	ck_assert_int_gt(later.sec, MONDAY + (int64_t)last * SLOT);
	for (i = last; i < SLOTS &&
	     MONDAY + (int64_t)i * SLOT < later.sec; i++)
		ck_assert_int_lt(there[i] - taken[i], want);
}

START_TEST(test_capacity_off_hours_as_a_model)
{
	cpnp_weekly w = {.n = 0}, none = {.n = 0};
	cpnp_store_hold h = {.resource = "link/x"};
	uint8_t ref[CPNP_SHA256_LEN] = {0};
	cpnp_capacity *c;
	cpnp_wtime until;
	size_t i, k, a, b;

	seed = 11;
	cpnp_weekly_add(&w, 0x1f, 20 * 3600, 6 * 3600, 60);
	cpnp_weekly_add(&w, 0x60, 9 * 3600, 17 * 3600, 40);
	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	ck_assert_int_eq(cpnp_capacity_set(c, "link/x", 100), 0);
	ck_assert_int_eq(cpnp_capacity_set_extra(c, "link/x", &w), 0);
	for (i = 0; i < SLOTS; i++)
		there[i] = 100 + (int64_t)cpnp_weekly_at(
		    &w, 0, AT(MONDAY + (int64_t)i * SLOT), &until);
	for (i = 0; i < 400; i++) {
		a = draw(SLOTS - 1);
		b = a + 1 + draw(i % 3 == 0 ? SLOTS - a - 1 : 20);
		if (b > SLOTS)
			b = SLOTS;
		check_window(c, a, b);
		h.amount = 1 + (int64_t)draw(30);
		if (h.amount > least(a, b))
			continue;
		h.from = AT(MONDAY + (int64_t)a * SLOT);
		h.until = AT(MONDAY + (int64_t)b * SLOT);
		memcpy(ref, &i, sizeof(i));
		ck_assert_int_eq(
		    cpnp_capacity_hold(c, ref, CPNP_BYTES_NONE, &h), 0);
		for (k = a; k < b; k++)
			taken[k] += h.amount;
	}
	/* who stays for good gets what is there at all hours */
	cpnp_capacity_clear(c);
	ck_assert_int_eq(cpnp_capacity_free(c, "link/x", AT(MONDAY),
			     AT(CPNP_WTIME_MAX)), 100);
	ck_assert_int_eq(cpnp_capacity_free(c, "link/x", AT(MONDAY),
			     AT(MONDAY + HOUR)), 100);
	ck_assert_int_eq(cpnp_capacity_free(c, "link/x",
			     AT(MONDAY + 21 * HOUR), AT(MONDAY + 22 * HOUR)),
	    160);
	/* an empty one takes it back */
	ck_assert_int_eq(cpnp_capacity_set_extra(c, "link/x", &none), 0);
	ck_assert_int_eq(cpnp_capacity_free(c, "link/x",
			     AT(MONDAY + 21 * HOUR), AT(MONDAY + 22 * HOUR)),
	    100);
	cpnp_capacity_del(c);
}
END_TEST

/* Only extra hours can carry it, and they begin behind the window. */
START_TEST(test_capacity_lacks_until_the_off_hours)
{
	cpnp_weekly w = {.n = 0};
	cpnp_capacity *c;
	cpnp_wtime later;

	cpnp_weekly_add(&w, 0x7f, 2 * 3600, 5 * 3600, 20);
	ck_assert_int_eq(cpnp_capacity_new(&c), 0);
	ck_assert_int_eq(cpnp_capacity_set(c, "link/x", 80), 0);
	ck_assert_int_eq(cpnp_capacity_set_extra(c, "link/x", &w), 0);
	ck_assert(cpnp_capacity_lacks(c, "link/x", 100,
	    AT(MONDAY - 2 * HOUR), AT(MONDAY - HOUR), &later));
	ck_assert_int_eq(later.sec, MONDAY + 2 * HOUR);
	ck_assert(!cpnp_capacity_lacks(c, "link/x", 100, later,
	    AT(MONDAY + 5 * HOUR), &later));
	ck_assert(cpnp_capacity_lacks(c, "link/x", 100, AT(MONDAY),
	    AT(CPNP_WTIME_MAX), &later));
	ck_assert_int_eq(later.sec, CPNP_WTIME_MAX);
	ck_assert(cpnp_capacity_lacks(c, "link/y", 1, AT(0), AT(1), &later));
	ck_assert_int_eq(later.sec, CPNP_WTIME_MAX);
	cpnp_capacity_del(c);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_weekly_nights_and_weekends,
		test_weekly_has_a_bound,
		test_weekly_days_in_words,
		test_capacity_off_hours_as_a_model,
		test_capacity_lacks_until_the_off_hours,
	};

	return unit_run("weekly", tests, sizeof(tests) / sizeof(tests[0]));
}
