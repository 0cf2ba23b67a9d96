/*
 * The histogram of the load generator: percentiles to less than one percent.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../bench/hist.h"
#include "unit.h"

static struct hist hist;

START_TEST(test_hist_of_nothing_is_zero)
{
	memset(&hist, 0, sizeof(hist));
	ck_assert_uint_eq(hist_percentile(&hist, 0.5), 0);
	ck_assert_uint_eq(hist_percentile(&hist, 1), 0);
}
END_TEST

/* Small values are exact. */
START_TEST(test_hist_percentiles_of_small_values)
{
	memset(&hist, 0, sizeof(hist));
	for (uint64_t i = 1; i <= 200; i++)
		hist_record(&hist, i);
	ck_assert_uint_eq(hist_percentile(&hist, 0.5), 100);
	ck_assert_uint_eq(hist_percentile(&hist, 0.9), 180);
	ck_assert_uint_eq(hist_percentile(&hist, 0.995), 199);
	ck_assert_uint_eq(hist_percentile(&hist, 1), 200);
}
END_TEST

/* Every value lies in a bucket that ends less than 1 % over it. */
START_TEST(test_hist_error_is_bounded)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int64_t d = -1; d <= 1; d++) {
			uint64_t value = ((uint64_t)1 << bit) + (uint64_t)d;
			uint64_t got;

			memset(&hist, 0, sizeof(hist));
			hist_record(&hist, value);
			ck_assert_uint_eq(hist_percentile(&hist, 1), value);
			if (value < UINT64_MAX)
				hist_record(&hist, UINT64_MAX);
			got = hist_percentile(&hist, 0.5);
			ck_assert_uint_ge(got, value);
			ck_assert_uint_le(got - value, value / 100);
		}
	}
}
END_TEST

/* One slow answer among ten thousand shows where it should. */
START_TEST(test_hist_shows_the_tail)
{
	memset(&hist, 0, sizeof(hist));
	for (unsigned i = 0; i < 9999; i++)
		hist_record(&hist, 1000000);
	hist_record(&hist, 5000000000);
	ck_assert_uint_lt(hist_percentile(&hist, 0.9999), 1010000);
	ck_assert_uint_eq(hist_percentile(&hist, 1), 5000000000);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    test_hist_of_nothing_is_zero,
	    test_hist_percentiles_of_small_values,
	    test_hist_error_is_bounded,
	    test_hist_shows_the_tail,
	};

	return unit_run("hist", tests, sizeof(tests) / sizeof(tests[0]));
}
