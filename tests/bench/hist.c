/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "hist.h"

#define SUB (1u << HIST_SUB_BITS)

/* Values under 2 * SUB have a bucket each; from there on a bucket has the
 * value's exponent and the HIST_SUB_BITS bits behind its first one. */
static size_t
bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < 2 * SUB)
		return (size_t)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
	return ((size_t)shift << HIST_SUB_BITS) + (size_t)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t
bucket_end(size_t bucket)
{
	size_t shift, sub;

	if (bucket < 2 * SUB)
		return bucket;
	shift = (bucket >> HIST_SUB_BITS) - 1;
	sub = bucket - (shift << HIST_SUB_BITS);
	return ((uint64_t)sub << shift) + (((uint64_t)1 << shift) - 1);
}

void
hist_record(struct hist *hist, uint64_t value)
{
	hist->n++;
	if (value > hist->max)
		hist->max = value;
	hist->buckets[bucket_of(value)]++;
}

uint64_t
hist_percentile(const struct hist *hist, double part)
{
	double want = part * (double)hist->n;
	uint64_t seen = 0, end;
	size_t i;

	for (i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->buckets[i];
		if (hist->buckets[i] == 0 || (double)seen < want)
			continue;
		end = bucket_end(i);
		return end < hist->max ? end : hist->max;
	}
	return hist->max;
}
