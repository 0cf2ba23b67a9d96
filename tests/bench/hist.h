/*
 * A histogram of 64-bit values with a bounded relative error: each power of
 * two is cut into 128 equal parts, so a percentile is right to less than 1 %,
 * and recording is a few instructions.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_BENCH_HIST_H
#define TESTS_BENCH_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 7
#define HIST_BUCKETS ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t n;
	uint64_t max;
	uint64_t buckets[HIST_BUCKETS];
};

void hist_record(struct hist *hist, uint64_t value);
/* The smallest value of which at least this part (0 to 1) of all values is no
 * larger, rounded up within its bucket and never over the maximum; 0 when
 * there are none. */
uint64_t hist_percentile(const struct hist *hist, double part);

#endif
