/*
 * A value that changes by the day of the week and the time of day, in UTC:
 * capacity that is there off hours only (N21), prices of the night.  Outside
 * all spans the value is that of the caller's choice.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef CPNPD_WEEKLY_H
#define CPNPD_WEEKLY_H

#include <cpnp/error.h>
#include <cpnp/types.h>

#define CPNP_DAY UINT32_C(86400)
#define CPNP_WEEK (7 * CPNP_DAY)
#define CPNP_WEEKLY_SPANS_MAX 128
#define CPNP_WEEKLY_EVERY_DAY 0x7fu /* bit 0 is Monday */

typedef struct cpnp_weekly_span {
	uint32_t from; /* seconds since Monday 00:00 */
	uint32_t until;
	uint64_t value;
} cpnp_weekly_span;

/* Spans in order, apart from each other; zeroed: none. */
typedef struct cpnp_weekly {
	cpnp_weekly_span spans[CPNP_WEEKLY_SPANS_MAX];
	size_t n;
} cpnp_weekly;

/*
 * On each of the days from the second from of the day on until the second
 * until, both at most CPNP_DAY; of the next day when until is not later.
 * Errors: EXISTS when it meets another span, FULL; nothing is changed then.
 */
int cpnp_weekly_add(cpnp_weekly *weekly, unsigned days, uint32_t from,
    uint32_t until, uint64_t value);

/* The value at a moment; *until is when it changes next, CPNP_WTIME_MAX
 * without spans. */
uint64_t cpnp_weekly_at(const cpnp_weekly *weekly, uint64_t otherwise,
    cpnp_wtime at, cpnp_wtime *until);

/* The sum of the values of each second from from until until, which is not
 * before it.  Values are at most 2^24. */
uint64_t cpnp_weekly_sum(const cpnp_weekly *weekly, uint64_t otherwise,
    cpnp_wtime from, cpnp_wtime until);

/* "mon-fri", "sat, sun": days as bits; false when it is none. */
bool cpnp_weekly_days(const char *text, unsigned *days);

#endif
